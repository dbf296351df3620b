/* SPDX-License-Identifier: Apache-2.0 */
/* A file of mail; see mailfile.h. */
#include "export/mailfile.h"

/* What is as large as this is written as it is, rather than collected. */
#define WORTH_WRITING ((size_t)64 << 10)

static enum pm_rc to_file(struct pm_mail_sink *s, const void *p, size_t n)
{
	struct pm_mailfile *f = (void *)((uint8_t *)s - offsetof(struct pm_mailfile, sink));

	return pm_output_append(f->file, p, n);
}

enum pm_rc pm_mailfile_init(struct pm_mailfile *f, struct pm_export *ex,
			    const struct pm_exporter_ops *ops, bool crlf, enum pm_mail_quote quote)
{
	f->base.ops = ops;
	f->base.ex = ex;
	f->sink.write = to_file;
	pm_mime_init(&f->mime, ex->ctx, &ex->names, &f->out);
	return pm_mail_out_init(&f->out, ex->ctx, &f->sink, PM_MAIL_BUFFER, crlf, quote);
}

enum pm_rc pm_mailfile_new(struct pm_export *ex, const struct pm_exporter_ops *ops, bool crlf,
			   enum pm_mail_quote quote, struct pm_mailfile **ret)
{
	struct pm_mailfile *f = pm_calloc(ex->ctx, 1, sizeof(*f));
	enum pm_rc rc = f ? pm_mailfile_init(f, ex, ops, crlf, quote) : PM_ENOMEM;

	if (rc)
		pm_free(f);
	else
		*ret = f;
	return rc;
}

void pm_mailfile_free(struct pm_exporter *e)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;

	pm_output_free(f->file);
	pm_mail_out_done(&f->out);
	pm_mime_done(&f->mime);
	pm_free(f);
}

enum pm_rc pm_mailfile_begin(struct pm_mailfile *f, const char *rel)
{
	pm_mail_drop(&f->out);
	return pm_outdir_create(&f->base.ex->dir, rel, &f->file);
}

enum pm_rc pm_mailfile_end(struct pm_mailfile *f)
{
	enum pm_rc rc = pm_mail_flush(&f->out);

	if (!rc)
		rc = pm_output_commit(f->file);
	pm_output_free(f->file);
	f->file = NULL;
	return rc;
}

enum pm_rc pm_mailfile_flush(struct pm_exporter *e, uint64_t *ret_size)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;

	*ret_size = f->file ? f->out.bytes : 0;
	return f->file ? pm_mail_flush(&f->out) : PM_OK;
}

const char *pm_mailfile_mark(const struct pm_export *ex, struct pm_export_item *it)
{
	struct pm_message *m = it->msg;
	const char *found = ex->opts->mark ? pm_notes_text(m->db->ctx, it->notes) : NULL;
	char *marked = NULL;
	uint16_t id;

	if (found || !ex->opts->mark)
		return found;
	/* A repaired file has no trace of the damage but the mark that it was given. */
	id = pm_names_string(&ex->names, pm_uid_strings, PM_MARK_NAME);
	if (!id || pm_is_error(pm_pc_text(&m->pc, id, m->codepage, &m->arena, &marked)))
		return NULL;
	return marked;
}

enum pm_rc pm_mailfile_init_ahead(struct pm_exporter *e, struct pm_ctx *ctx, struct pm_mime *w,
				  struct pm_mail_out *out, struct pm_mail_sink *sink, size_t size)
{
	const struct pm_mailfile *f = (const struct pm_mailfile *)e;

	pm_mime_init(w, ctx, &e->ex->names, out);
	w->mbox_status = f->mime.mbox_status;
	return pm_mail_out_init(out, ctx, sink, size, f->out.crlf, f->out.quote);
}

enum pm_rc pm_mailfile_render(struct pm_exporter *e, struct pm_mime *w, struct pm_export_item *it)
{
	enum pm_rc rc = pm_mime_prepare(w, it->msg, it->notes);

	return rc ? rc : pm_mime_write(w, it->msg, pm_mailfile_mark(e->ex, it));
}

enum pm_rc pm_mailfile_put(struct pm_mailfile *f, const struct pm_mime *w)
{
	const struct pm_mail_out *from = w->out;
	enum pm_rc rc;

	if (from->n < WORTH_WRITING) {
		pm_mail_raw(&f->out, from->buf, from->n);
		return f->base.ex->ctx->rc;
	}
	rc = pm_mail_flush(&f->out);
	if (!rc)
		rc = pm_output_append(f->file, from->buf, from->n);
	f->out.bytes += from->n;
	return rc;
}
