/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbox: a file a folder, "Inbox.mbox", beside the directory "Inbox" of what is below it. Of the
 * kinds of mbox these are
 *	mboxrd	each line of any number of > and then "From " has one more >, so it can be undone
 *	mboxo	only "From " gets a >, as the oldest programs expect it
 *	mboxcl2	nothing is changed, Content-Length tells where a message ends
 */
#include "export/mailfile.h"

#include "base/time.h"

enum { LENGTH_DIGITS = 20 };

static const char length_name[] = "Content-Length: ";

static enum pm_rc open_as(struct pm_export *ex, const struct pm_exporter_ops *ops,
			  enum pm_mail_quote quote, struct pm_exporter **ret)
{
	struct pm_mailfile *f;
	enum pm_rc rc = pm_mailfile_new(ex, ops, false, quote, &f);

	if (!rc) {
		f->mime.mbox_status = true;
		*ret = &f->base;
	}
	return rc;
}

static enum pm_rc open_rd(struct pm_export *ex, struct pm_exporter **ret)
{
	return open_as(ex, &pm_exporter_mbox, PM_MAIL_QUOTE_RD, ret);
}

static enum pm_rc open_o(struct pm_export *ex, struct pm_exporter **ret)
{
	return open_as(ex, &pm_exporter_mboxo, PM_MAIL_QUOTE_O, ret);
}

static enum pm_rc open_cl2(struct pm_export *ex, struct pm_exporter **ret)
{
	return open_as(ex, &pm_exporter_mboxcl2, PM_MAIL_NO_QUOTE, ret);
}

/* The next file of a folder: "Inbox.mbox", where they are split "Inbox-2.mbox" and so on. */
static enum pm_rc begin_part(struct pm_mailfile *f, struct pm_export_folder *folder)
{
	struct pm_exporter *e = &f->base;
	struct pm_ctx *ctx = e->ex->ctx;
	struct pm_buf name = {0};
	enum pm_rc rc = PM_OK;

	f->part++;
	if (f->part > 1)
		pm_buf_printf(ctx, &name, "%s-%u.mbox", folder->file, f->part);
	else
		pm_buf_printf(ctx, &name, "%s.mbox", folder->file);
	f->name = pm_arena_strdup(ctx, &e->ex->arena, pm_buf_cstr(ctx, &name));
	pm_buf_done(&name);
	if (strchr(folder->file, '/') && !ctx->rc)
		rc = pm_export_make_dir(e->ex, folder->parent);
	if (!rc && !ctx->rc)
		rc = pm_mailfile_begin(f, f->name);
	return rc ? rc : ctx->rc;
}

static enum pm_rc begin_folder(struct pm_exporter *e, struct pm_export_folder *folder)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;

	f->part = 0;
	return begin_part(f, folder);
}

static enum pm_rc end_folder(struct pm_exporter *e, struct pm_export_folder *folder)
{
	(void)folder;
	return pm_mailfile_end((struct pm_mailfile *)e);
}

/* "From sender date": when and from whom it was delivered; where nothing tells, the beginning of
 * time, since the line must have a date. */
static void from_line(struct pm_mime *w, const struct pm_message *m)
{
	const char *who = pm_mime_envelope(w);
	uint64_t t = pm_time_is_set(m->delivery) ? m->delivery : m->submit;
	struct pm_ctx *ctx = w->ctx;
	const enum pm_mail_quote quote = w->out->quote;
	char date[PM_TIME_TEXT];
	struct pm_buf line = {0};

	pm_time_from_line(pm_time_is_set(t) ? t : PM_FILETIME_UNIX, date);
	pm_buf_printf(ctx, &line, "From %s %s", who && !strchr(who, ' ') ? who : "-", date);
	w->out->quote = PM_MAIL_NO_QUOTE;
	pm_mail_line(w->out, line.p, line.n);
	w->out->quote = quote;
	pm_buf_done(&line);
}

/*
 * The length of a message is known when it is written: the field stands first in its header with
 * room for the number, which goes into what waits to be written, or into the file.
 */
static enum pm_rc put_length(struct pm_mail_out *o, struct pm_output *file, uint64_t at,
			     uint64_t length)
{
	const uint64_t flushed = o->bytes - o->n;
	struct pm_ctx *ctx = o->ctx;
	struct pm_buf digits = {0};
	enum pm_rc rc = PM_OK;

	pm_buf_printf(ctx, &digits, "%*llu", LENGTH_DIGITS, (unsigned long long)length);
	for (size_t i = 0; i < digits.n && !rc; i++) {
		if (at + i >= flushed)
			o->buf[at + i - flushed] = digits.p[i];
		else
			rc = pm_output_write(file, at + i, digits.p + i, 1);
	}
	pm_buf_done(&digits);
	return rc ? rc : ctx->rc;
}

static enum pm_rc render(struct pm_exporter *e, struct pm_mime *w, struct pm_export_item *it)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;
	/* What is rendered ahead is whole in its buffer, and the file is the writer's. */
	struct pm_output *file = w == &f->mime ? f->file : NULL;
	const bool counted = e->ops == &pm_exporter_mboxcl2;
	uint64_t at = 0;
	enum pm_rc rc = pm_mime_prepare(w, it->msg, it->notes);

	if (rc)
		return rc;
	from_line(w, it->msg);
	if (counted) {
		static const char blanks[] = "                    ";

		_Static_assert(sizeof(blanks) == LENGTH_DIGITS + 1, "room for the number");
		pm_mail_raw(w->out, length_name, sizeof(length_name) - 1);
		at = w->out->bytes;
		pm_mail_line(w->out, blanks, LENGTH_DIGITS);
	}
	rc = pm_mime_write(w, it->msg, pm_mailfile_mark(e->ex, it));
	if (!rc && counted)
		rc = put_length(w->out, file, at, w->out->bytes - w->body_at);
	pm_mail_puts(w->out, "");
	return rc ? rc : w->ctx->rc;
}

static enum pm_rc item(struct pm_exporter *e, struct pm_export_item *it,
		       const struct pm_mime *ahead, const char **ret_file)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;
	const uint64_t split = e->ex->opts->split;
	enum pm_rc rc = PM_OK;

	if (split && f->out.bytes >= split) {
		rc = pm_mailfile_end(f);
		if (!rc)
			rc = begin_part(f, it->folder);
		it->number = 1;
	}
	if (!rc)
		rc = ahead ? pm_mailfile_put(f, ahead) : render(e, &f->mime, it);
	*ret_file = f->name;
	return rc;
}

/* An item that is in this file, which is that of the one before or the next. */
static enum pm_rc replay(struct pm_exporter *e, struct pm_export_item *it, const char *file)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;
	enum pm_rc rc = PM_OK;

	if (strcmp(f->name, file) == 0)
		return PM_OK;
	rc = pm_mailfile_end(f);
	return rc ? rc : begin_part(f, it->folder);
}

static enum pm_rc resume(struct pm_exporter *e, uint64_t size)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;

	if (!f->file)
		return PM_OK;
	f->out.bytes = size;
	return pm_output_resume(f->file, size);
}

const struct pm_exporter_ops pm_exporter_mbox = {
	.name = "mbox",
	.summary = "a file a folder (mboxrd)",
	.suffix = ".mbox",
	.many = true,
	.open = open_rd,
	.begin_folder = begin_folder,
	.item = item,
	.init_ahead = pm_mailfile_init_ahead,
	.render = render,
	.end_folder = end_folder,
	.flush = pm_mailfile_flush,
	.replay = replay,
	.resume = resume,
	.free = pm_mailfile_free,
};

const struct pm_exporter_ops pm_exporter_mboxo = {
	.name = "mboxo",
	.summary = "the same, quoted as the oldest programs expect it",
	.suffix = ".mbox",
	.many = true,
	.open = open_o,
	.begin_folder = begin_folder,
	.item = item,
	.init_ahead = pm_mailfile_init_ahead,
	.render = render,
	.end_folder = end_folder,
	.flush = pm_mailfile_flush,
	.replay = replay,
	.resume = resume,
	.free = pm_mailfile_free,
};

const struct pm_exporter_ops pm_exporter_mboxcl2 = {
	.name = "mboxcl2",
	.summary = "the same, with Content-Length in place of quoting",
	.suffix = ".mbox",
	.many = true,
	.open = open_cl2,
	.begin_folder = begin_folder,
	.item = item,
	.init_ahead = pm_mailfile_init_ahead,
	.render = render,
	.end_folder = end_folder,
	.flush = pm_mailfile_flush,
	.replay = replay,
	.resume = resume,
	.free = pm_mailfile_free,
};
