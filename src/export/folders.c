/* SPDX-License-Identifier: Apache-2.0 */
/* Which folders are exported; see exporter.h. */
#include "export/exporter.h"

#include "base/quote.h"
#include "recover/deleted.h"

enum pm_rc pm_export_chosen_deleted(struct pm_export *ex, const struct pm_deleted_item *it,
				    bool *ret)
{
	const struct pm_choice *choice = &ex->opts->choice;
	struct pm_buf path = {0};
	enum pm_rc rc = pm_model_path(ex->model, ex->model->own[PM_OWN_DELETED], &path);

	*ret = !rc && pm_choice_folder(ex->ctx, choice, pm_buf_cstr(ex->ctx, &path));
	pm_buf_clear(&path);
	if (!rc && !*ret)
		rc = pm_model_was_in(ex->model, it->folder, &path);
	if (!rc && path.n)
		*ret = pm_choice_folder(ex->ctx, choice, pm_buf_cstr(ex->ctx, &path));
	pm_buf_done(&path);
	return rc ? rc : ex->ctx->rc;
}

static enum pm_rc choose_deleted(struct pm_export *ex, bool *ret)
{
	const struct pm_deleted *d = ex->an->deleted;
	enum pm_rc rc = PM_OK;

	*ret = false;
	for (size_t i = 0; d && i < d->items.n && !*ret && !rc; i++)
		rc = pm_export_chosen_deleted(ex, &d->items.v[i], ret);
	return rc;
}

struct pm_export_folder *pm_export_sums(struct pm_export *ex, uint32_t folder)
{
	return folder == ex->model->own[PM_OWN_DELETED] ? &ex->deleted : &ex->total;
}

static void not_chosen(struct pm_export *ex, uint32_t folder)
{
	struct pm_export_folder *t = pm_export_sums(ex, folder);

	t->skipped += ex->model->folders.v[folder].n_messages;
	t->left[PM_LEFT_FOLDER] += ex->model->folders.v[folder].n_messages;
}

enum pm_rc pm_export_folders(struct pm_export *ex)
{
	const struct pm_choice *choice = &ex->opts->choice;
	struct pm_model *m = ex->model;
	const uint32_t subtree = pm_model_folder(m, ex->store.ipm_subtree);
	struct pm_buf path = {0};
	bool any = false, was;
	enum pm_rc rc = PM_OK;

	ex->wanted = pm_calloc(ex->ctx, m->folders.n ? m->folders.n : 1, 1);
	if (!ex->wanted)
		return PM_ENOMEM;
	for (uint32_t i = 0; i < m->folders.n; i++) {
		uint32_t k = i;
		bool wanted = m->folders.v[i].n_messages != 0 || i == subtree;

		while (!wanted && k != m->root && !m->folders.v[i].search) {
			k = m->folders.v[k].parent;
			wanted = k == subtree;
		}
		was = wanted;
		if (wanted && choice->folder && i == m->own[PM_OWN_DELETED]) {
			rc = choose_deleted(ex, &wanted);
		} else if (wanted && choice->folder) {
			pm_buf_clear(&path);
			rc = pm_model_path(m, i, &path);
			wanted = !pm_is_error(rc) &&
				 pm_choice_folder(ex->ctx, choice, pm_buf_cstr(ex->ctx, &path));
		}
		if (was && !wanted)
			not_chosen(ex, i);
		any |= wanted;
		for (k = i; wanted && !ex->wanted[k]; k = m->folders.v[k].parent)
			ex->wanted[k] = PM_FOLDER_ON_THE_WAY;
		if (wanted)
			ex->wanted[i] = PM_FOLDER_WRITTEN;
	}
	pm_buf_done(&path);
	if (!any && choice->folder && !pm_is_error(rc))
		rc = pm_fail(ex->ctx, PM_EUSAGE,
			     "--folder '%s': there is no such folder; pstmend ls --recursive shows "
			     "all of them",
			     pm_quote(choice->folder).s);
	return pm_is_error(rc) ? rc : PM_OK;
}
