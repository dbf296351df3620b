/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbox: a file a folder, "Inbox.mbox", beside the directory "Inbox" of what is below it. Of the
 * kinds of mbox it is mboxrd, which can be undone: each line of any number of > and then
 * "From " has one more >.
 */
#include "export/mailfile.h"

#include "base/time.h"

static enum pm_rc open_form(struct pm_export *ex, struct pm_exporter **ret)
{
	struct pm_mailfile *f;
	enum pm_rc rc = pm_mailfile_new(ex, &pm_exporter_mbox, false, true, &f);

	if (!rc) {
		f->mime.mbox_status = true;
		*ret = &f->base;
	}
	return rc;
}

static enum pm_rc begin_folder(struct pm_exporter *e, struct pm_export_folder *folder)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;
	struct pm_ctx *ctx = e->ex->ctx;
	struct pm_buf name = {0};
	enum pm_rc rc = PM_OK;

	pm_buf_printf(ctx, &name, "%s.mbox", folder->file);
	f->name = pm_arena_strdup(ctx, &e->ex->arena, pm_buf_cstr(ctx, &name));
	pm_buf_done(&name);
	if (strchr(folder->file, '/') && !ctx->rc)
		rc = pm_export_make_dir(e->ex, folder->parent);
	if (!rc && !ctx->rc)
		rc = pm_mailfile_begin(f, f->name);
	return rc ? rc : ctx->rc;
}

static enum pm_rc end_folder(struct pm_exporter *e, struct pm_export_folder *folder)
{
	(void)folder;
	return pm_mailfile_end((struct pm_mailfile *)e);
}

static enum pm_rc finish(struct pm_exporter *e)
{
	(void)e;
	return PM_OK;
}

/* "From sender date": when and from whom it was delivered; where nothing tells, the beginning of
 * time, since the line must have a date. */
static void from_line(struct pm_mailfile *f, const struct pm_message *m)
{
	const char *who = pm_mime_envelope(&f->mime);
	uint64_t t = pm_time_is_set(m->delivery) ? m->delivery : m->submit;
	struct pm_ctx *ctx = f->base.ex->ctx;
	char date[PM_TIME_TEXT];
	struct pm_buf line = {0};

	pm_time_from_line(pm_time_is_set(t) ? t : PM_FILETIME_UNIX, date);
	pm_buf_printf(ctx, &line, "From %s %s", who && !strchr(who, ' ') ? who : "-", date);
	f->out.quote_from = false;
	pm_mail_line(&f->out, line.p, line.n);
	f->out.quote_from = true;
	pm_buf_done(&line);
}

static enum pm_rc item(struct pm_exporter *e, struct pm_export_item *it, const char **ret_file)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;
	enum pm_rc rc = pm_mime_prepare(&f->mime, it->msg, it->notes);

	if (rc)
		return rc;
	from_line(f, it->msg);
	rc = pm_mime_write(&f->mime, it->msg, pm_mailfile_mark(f, it));
	pm_mail_puts(&f->out, "");
	*ret_file = f->name;
	return rc;
}

const struct pm_exporter_ops pm_exporter_mbox = {
	.name = "mbox",
	.summary = "a file a folder (mboxrd)",
	.suffix = ".mbox",
	.many = true,
	.open = open_form,
	.begin_folder = begin_folder,
	.item = item,
	.end_folder = end_folder,
	.finish = finish,
	.free = pm_mailfile_free,
};
