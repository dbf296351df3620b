/* SPDX-License-Identifier: Apache-2.0 */
/* EML: a directory a folder, a file a message. */
#include "export/mailfile.h"

#include "base/time.h"

static enum pm_rc open_form(struct pm_export *ex, struct pm_exporter **ret)
{
	struct pm_mailfile *f;
	enum pm_rc rc = pm_mailfile_new(ex, &pm_exporter_eml, true, PM_MAIL_NO_QUOTE, &f);

	if (!rc)
		*ret = &f->base;
	return rc;
}

static enum pm_rc begin_folder(struct pm_exporter *e, struct pm_export_folder *f)
{
	return pm_export_make_dir(e->ex, f);
}

static enum pm_rc end_folder(struct pm_exporter *e, struct pm_export_folder *f)
{
	(void)e;
	(void)f;
	return PM_OK;
}

static enum pm_rc finish(struct pm_exporter *e)
{
	(void)e;
	return PM_OK;
}

/*
 * "Inbox/20040817-140046 Subject (200024).eml": sorts by time, and the node id makes it one of
 * a kind, the same on every run.
 */
static const char *file_name(struct pm_export *ex, const struct pm_export_item *it)
{
	const struct pm_message *m = it->msg;
	const char *subject = m->subject ? m->subject : "", *name;
	uint64_t t = pm_time_is_set(m->delivery) ? m->delivery : m->submit;
	struct pm_buf b = {0}, stem = {0};
	struct pm_civil c;

	if (pm_time_is_set(t)) {
		pm_time_civil(t, &c);
		pm_buf_printf(ex->ctx, &stem, "%04lld%02d%02d-%02d%02d%02d", (long long)c.year,
			      c.month, c.day, c.hour, c.minute, c.second);
	} else {
		pm_buf_str(ex->ctx, &stem, "undated");
	}
	if (*subject)
		pm_buf_printf(ex->ctx, &stem, " %s", subject);
	pm_buf_printf(ex->ctx, &b, "%s/", it->folder->file);
	pm_name_safe(ex->ctx, &b, stem.p, stem.n, PM_NAME_MAX - 20);
	pm_buf_printf(ex->ctx, &b, " (%x).eml", m->nid);
	name = pm_arena_strdup(ex->ctx, &it->notes->arena, pm_buf_cstr(ex->ctx, &b));
	pm_buf_done(&b);
	pm_buf_done(&stem);
	return name;
}

static enum pm_rc item(struct pm_exporter *e, struct pm_export_item *it, const char **ret_file)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;
	const char *name = file_name(e->ex, it);
	enum pm_rc rc = e->ex->ctx->rc;

	if (!rc)
		rc = pm_mailfile_begin(f, name);
	if (!rc)
		rc = pm_mime_prepare(&f->mime, it->msg, it->notes);
	if (!rc)
		rc = pm_mime_write(&f->mime, it->msg, pm_mailfile_mark(f, it));
	if (!rc)
		rc = pm_mailfile_end(f);
	*ret_file = name;
	return rc;
}

const struct pm_exporter_ops pm_exporter_eml = {
	.name = "eml",
	.summary = "a directory a folder, a file a message",
	.suffix = ".eml",
	.open = open_form,
	.begin_folder = begin_folder,
	.item = item,
	.end_folder = end_folder,
	.finish = finish,
	.free = pm_mailfile_free,
};
