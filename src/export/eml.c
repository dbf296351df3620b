/* SPDX-License-Identifier: Apache-2.0 */
/* EML: a directory a folder, a file a message. */
#include "export/mailfile.h"

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

static enum pm_rc item(struct pm_exporter *e, struct pm_export_item *it,
		       const struct pm_mime *ahead, const char **ret_file)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;
	const char *name = pm_export_item_file(e->ex, it, true, ".eml");
	enum pm_rc rc = e->ex->ctx->rc;

	if (!rc)
		rc = pm_mailfile_begin(f, name);
	if (!rc)
		rc = ahead ? pm_mailfile_put(f, ahead) : pm_mailfile_render(e, &f->mime, it);
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
	.init_ahead = pm_mailfile_init_ahead,
	.render = pm_mailfile_render,
	.free = pm_mailfile_free,
};
