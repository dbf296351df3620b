/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachments only: the files that items have, in directories that are their folders:
 * "Inbox/report (200024-1).pdf", by the name that it has, the node id of its item and its number
 * there. Embedded messages are EML, with what is attached to them inside; what has no bytes of its own
 * but a path or a link is that as text; what is empty is an empty file.
 */
#include "export/mailfile.h"

#include <stdio.h>

static enum pm_rc open_form(struct pm_export *ex, struct pm_exporter **ret)
{
	struct pm_mailfile *f;
	enum pm_rc rc = pm_mailfile_new(ex, &pm_exporter_attachments, true, PM_MAIL_NO_QUOTE, &f);

	if (!rc)
		*ret = &f->base;
	return rc;
}

/* One attachment on its way. */
struct part {
	struct pm_mailfile *f;
	struct pm_export_item *it;
	struct pm_attachment a;
	size_t number; /* from 1 */
	enum pm_item_state state;
	const char *file;
};

static struct pm_ctx *ctx_of(const struct part *p)
{
	return p->f->base.ex->ctx;
}

/* Where the suffix begins: the last dot, if what follows looks like one. */
static size_t stem_length(const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t n = dot ? strlen(dot) : 0;

	return dot && dot != name && n > 1 && n <= 12 && !strpbrk(dot, " /\\")
		       ? (size_t)(dot - name)
		       : strlen(name);
}

/* `more`: a suffix besides its own; NULL: none. */
static enum pm_rc begin(struct part *p, const char *name, const char *more)
{
	struct pm_ctx *ctx = ctx_of(p);
	struct pm_buf b = {0};
	size_t stem;

	if (!name || !*name)
		name = "attachment";
	stem = stem_length(name);
	pm_buf_printf(ctx, &b, "%s/", p->it->folder->file);
	pm_name_safe(ctx, &b, name, stem, PM_NAME_MAX - 40);
	pm_buf_printf(ctx, &b, " (%x-%zu)", p->it->msg->nid, p->number);
	if (name[stem]) {
		pm_buf_byte(ctx, &b, '.');
		pm_name_safe(ctx, &b, name + stem + 1, strlen(name + stem + 1), 16);
	}
	pm_buf_str(ctx, &b, more ? more : "");
	p->file = pm_arena_strdup(ctx, &p->it->notes->arena, pm_buf_cstr(ctx, &b));
	pm_buf_done(&b);
	return ctx->rc ? ctx->rc : pm_mailfile_begin(p->f, p->file);
}

/* Bytes that are lost are as nothing, those that are damaged as they are read. */
static enum pm_rc write_bytes(struct part *p, const struct pm_value *v)
{
	struct pm_ctx *ctx = ctx_of(p);
	struct pm_buf block = {0};
	enum pm_rc rc = PM_OK;

	if (!v->stream)
		pm_mail_raw(&p->f->out, v->span.p, v->span.n);
	for (size_t i = 0; v->stream && i < v->data.leaves.n && !pm_is_error(rc); i++) {
		pm_buf_clear(&block);
		rc = pm_data_read_leaf(&v->data, i, &block);
		if (!pm_is_error(rc))
			pm_mail_raw(&p->f->out, block.p, block.n);
	}
	pm_buf_done(&block);
	return pm_is_error(rc) ? rc : ctx->rc;
}

static enum pm_rc put_data(struct part *p)
{
	struct pm_value v = {0};
	struct pm_buf path = {0};
	bool url = false, refers;
	enum pm_rc rc = pm_attachment_data(&p->a, &v), out;

	if (pm_is_error(rc))
		return rc;
	refers = (rc == PM_NONE || !v.size) && pm_mime_reference(p->it->msg, &p->a, &path, &url);
	if (rc == PM_LOST || (rc == PM_NONE && p->a.state == PM_LOST))
		p->state = PM_ITEM_LOST;
	else if (rc == PM_DAMAGED)
		p->state = PM_ITEM_PARTIAL;
	out = begin(p, p->a.name, refers ? (url ? ".uri" : ".txt") : NULL);
	if (!out && refers)
		pm_mail_raw(&p->f->out, path.p, path.n);
	else if (!out && rc != PM_NONE && rc != PM_LOST)
		out = write_bytes(p, &v);
	pm_value_done(&v);
	pm_buf_done(&path);
	return out ? out : pm_mailfile_end(p->f);
}

static enum pm_rc put_message(struct part *p)
{
	struct pm_message m;
	enum pm_rc rc = pm_attachment_message(&p->a, &m), out;
	const char *name = p->a.name && *p->a.name ? p->a.name : m.subject;
	bool nothing = rc == PM_NONE || (rc == PM_LOST && !m.attachments.n);

	if (pm_is_error(rc)) {
		pm_message_close(&m);
		return rc;
	}
	if (rc != PM_OK)
		p->state = nothing ? PM_ITEM_LOST : PM_ITEM_PARTIAL;
	out = begin(p, name && *name ? name : "message",
		    name && strlen(name) > 4 && !strcmp(name + strlen(name) - 4, ".eml") ? NULL
											 : ".eml");
	if (!out && !nothing)
		out = pm_mime_prepare(&p->f->mime, &m, p->it->notes);
	if (!out && !nothing)
		out = pm_mime_write(&p->f->mime, &m, NULL);
	pm_message_close(&m);
	return out ? out : pm_mailfile_end(p->f);
}

/* What the assessment of the whole message said of this one: notes begin with its number. */
static bool is_noted(const struct part *p)
{
	char begin[40];
	size_t n = (size_t)snprintf(begin, sizeof(begin), "attachment %zu", p->number);

	for (size_t i = 0; i < p->it->notes->v.n; i++) {
		const char *note = p->it->notes->v.v[i];

		if (!strncmp(note, begin, n) && (note[n] < '0' || note[n] > '9'))
			return true;
	}
	return false;
}

static enum pm_rc put_part(struct part *p)
{
	static const char *const states[] = {"whole", "partial", "lost"};
	struct pm_export *ex = p->f->base.ex;
	struct pm_export_counts *c = &p->it->folder->attachments;
	enum pm_rc rc = pm_attachment_open(p->it->msg, p->number - 1, &p->a);

	if (!pm_is_error(rc))
		rc = pm_attachment_is_message(&p->a) ? put_message(p) : put_data(p);
	if (p->state == PM_ITEM_WHOLE && is_noted(p))
		p->state = PM_ITEM_PARTIAL;
	if (!rc)
		rc = pm_outdir_note(&ex->dir,
				    &(struct pm_outdir_entry){.file = p->file,
							      .kind = "attachment",
							      .folder = p->it->folder->path,
							      .name = p->a.name ? p->a.name : "",
							      .state = states[p->state],
							      .number = p->number,
							      .nid = p->it->msg->nid});
	*(p->state == PM_ITEM_WHOLE     ? &c->whole
	  : p->state == PM_ITEM_PARTIAL ? &c->partial
					: &c->lost) += 1;
	pm_attachment_close(&p->a);
	return rc;
}

static enum pm_rc item(struct pm_exporter *e, struct pm_export_item *it,
		       const struct pm_mime *ahead, const char **ret_file)
{
	struct pm_export *ex = e->ex;
	size_t n = it->msg->attachments.n;
	const char **files = pm_arena_alloc(ex->ctx, &it->notes->arena, (n + 1) * sizeof(*files));
	enum pm_rc rc = files ? pm_export_make_dir(ex, it->folder) : PM_ENOMEM;

	(void)ahead;
	*ret_file = NULL;
	it->files = files;
	it->folder->attachments.expected += n;
	for (size_t i = 0; i < n && !rc; i++) {
		struct part p = {.f = (struct pm_mailfile *)e, .it = it, .number = i + 1};

		rc = put_part(&p);
		files[i] = p.file;
	}
	return rc;
}

const struct pm_exporter_ops pm_exporter_attachments = {
	.name = "attachments",
	.summary = "attachments as files, no mail",
	.suffix = "",
	.only_attachments = true,
	.open = open_form,
	.item = item,
	.free = pm_mailfile_free,
};
