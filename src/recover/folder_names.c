/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of folders: a folder's own properties have it, and the hierarchy row of its parent has a
 * copy. Where one is damaged the other still tells where the mail was.
 */
#include "recover/model.h"

#include "ltp/pc.h"
#include "ltp/tc.h"
#include "msg/message.h"
#include "recover/deleted.h"

/* Where ends of items were moved under a right checksum, strings have lost or gained a character:
 * the map of such a heap rarely agrees with its own count of freed items. */
static bool odd_heap(const struct pm_heap *h, uint32_t bth_rules)
{
	return bth_rules & PM_TR_WHOLE || (h->n_blocks && h->blocks[0].rules & PM_HN_FREE);
}

/* The name that the hierarchy row of `up` gives to folder `nid`. */
static enum pm_rc name_by_row(struct pm_model *m, uint32_t up, pm_nid nid, struct pm_buf *out)
{
	const struct pm_analysis *an = m->an;
	const struct pm_node *n;
	struct pm_tc tc;
	size_t row;
	enum pm_rc rc;

	n = pm_ndb_find_node(&an->db, pm_nid_make(0x0D, m->folders.v[up].nid >> 5));
	if (!n)
		return PM_NONE;
	rc = pm_tc_open(&an->db, n->data, n->sub, &tc);
	if (!pm_is_error(rc)) {
		row = pm_tc_find(&tc, nid);
		rc = row < tc.rows.n ? pm_tc_string(&tc, row, PM_ID_DISPLAY_NAME, m->codepage, out)
				     : PM_NONE;
		if (rc == PM_OK && odd_heap(&tc.heap, tc.bth_rules))
			rc = PM_DAMAGED;
	}
	pm_tc_close(&tc);
	return rc;
}

/* The name among the folder's own properties; as pm_pc_string. */
static enum pm_rc own_name(struct pm_model *m, uint32_t folder, struct pm_buf *out)
{
	struct pm_pc pc;
	enum pm_rc rc = pm_pc_open_node(&m->an->db, m->folders.v[folder].nid, &pc);

	if (!pm_is_error(rc))
		rc = pm_pc_string(&pc, PM_ID_DISPLAY_NAME, m->codepage, out);
	if (rc == PM_OK && odd_heap(&pc.heap, pc.bth_rules))
		rc = PM_DAMAGED;
	pm_pc_close(&pc);
	return rc;
}

enum pm_rc pm_model_true_name(struct pm_model *m, uint32_t folder, struct pm_buf *out)
{
	const struct pm_model_folder *f = &m->folders.v[folder];
	size_t at = out->n;
	struct pm_buf row = {0};
	enum pm_rc own = f->made ? PM_NONE : own_name(m, folder, out), rc;

	if (pm_is_error(own) || (own == PM_OK && out->n > at))
		return own;
	/* What a sound table says goes before what a damaged block says. */
	rc = name_by_row(m, f->row_of != PM_NO_FOLDER ? f->row_of : f->parent, f->nid, &row);
	if (!pm_is_error(rc) && row.n && (rc == PM_OK || out->n == at)) {
		out->n = at;
		pm_buf_add(m->an->ctx, out, row.p, row.n);
		rc = m->an->ctx->rc ? m->an->ctx->rc : PM_DAMAGED;
	} else if (!pm_is_error(rc)) {
		rc = own;
	}
	pm_buf_done(&row);
	return rc;
}

static const struct {
	const char *name, *class;
	const char *items[2]; /* message classes, and what is derived from them */
} ours[PM_OWN_COUNT] = {
	[PM_OWN_RECOVERY] = {.name = "Recovered by pstmend"},
	[PM_OWN_DELETED] = {.name = "Deleted"},
	[PM_OWN_MAIL] = {.name = "Mail", .class = "IPF.Note"},
	[PM_OWN_CALENDAR] = {"Calendar", "IPF.Appointment", {"IPM.Appointment"}},
	[PM_OWN_CONTACTS] = {"Contacts", "IPF.Contact", {"IPM.Contact", "IPM.DistList"}},
	[PM_OWN_TASKS] = {"Tasks", "IPF.Task", {"IPM.Task"}},
	[PM_OWN_NOTES] = {"Notes", "IPF.StickyNote", {"IPM.StickyNote"}},
	[PM_OWN_JOURNAL] = {"Journal", "IPF.Journal", {"IPM.Activity"}},
};

enum pm_own pm_model_own(const struct pm_model *m, uint32_t folder)
{
	unsigned i = 0;

	while (i < PM_OWN_COUNT && (m->own[i] == PM_NO_FOLDER || m->own[i] != folder))
		i++;
	return (enum pm_own)i;
}

const char *pm_own_class(enum pm_own own)
{
	return own < PM_OWN_COUNT ? ours[own].class : NULL;
}

enum pm_own pm_own_for(const char *message_class)
{
	for (unsigned i = PM_OWN_MAIL; i < PM_OWN_COUNT; i++)
		for (unsigned k = 0; k < sizeof(ours[i].items) / sizeof(ours[i].items[0]); k++)
			if (ours[i].items[k] && pm_class_is(message_class, ours[i].items[k]))
				return (enum pm_own)i;
	return PM_OWN_MAIL;
}

enum pm_rc pm_model_name(struct pm_model *m, uint32_t folder, struct pm_buf *out)
{
	const struct pm_model_folder *f = &m->folders.v[folder];
	const enum pm_own own = pm_model_own(m, folder);
	size_t at = out->n;
	enum pm_rc rc;

	if (folder == m->root)
		return PM_OK;
	if (own != PM_OWN_COUNT ||
	    (f->made && f->nid == PM_NID_SUBTREE && f->row_of == PM_NO_FOLDER)) {
		pm_buf_str(m->an->ctx, out, own == PM_OWN_COUNT ? PM_SUBTREE_NAME : ours[own].name);
		return m->an->ctx->rc;
	}
	rc = pm_model_true_name(m, folder, out);
	if (pm_is_error(rc))
		return rc;
	if (out->n == at)
		pm_buf_printf(m->an->ctx, out, "Folder %X", f->nid);
	return m->an->ctx->rc;
}

enum pm_rc pm_model_path(struct pm_model *m, uint32_t folder, struct pm_buf *out)
{
	struct pm_ctx *ctx = m->an->ctx;
	uint32_t chain[PM_FOLDER_DEPTH];
	struct pm_buf name = {0};
	unsigned n = 0;
	enum pm_rc rc = PM_OK;

	for (uint32_t i = folder; i != m->root && n < PM_FOLDER_DEPTH; i = m->folders.v[i].parent)
		chain[n++] = i;
	if (!n)
		pm_buf_byte(ctx, out, '/');
	while (n-- && rc == PM_OK) {
		pm_buf_clear(&name);
		rc = pm_model_name(m, chain[n], &name);
		pm_buf_byte(ctx, out, '/');
		for (size_t i = 0; i < name.n && rc == PM_OK; i++) {
			if (name.p[i] == '/' || name.p[i] == '\\')
				pm_buf_byte(ctx, out, '\\');
			pm_buf_byte(ctx, out, name.p[i]);
		}
	}
	pm_buf_done(&name);
	return rc ? rc : ctx->rc;
}

enum pm_rc pm_model_was_in(struct pm_model *m, pm_nid folder, struct pm_buf *out)
{
	const uint32_t i = pm_model_folder(m, folder);
	const char *gone = pm_deleted_folder_name(m->an, folder);

	if (i != PM_NO_FOLDER)
		return pm_model_path(m, i, out);
	if (gone)
		pm_buf_printf(m->an->ctx, out, "%s (deleted folder)", gone);
	else if (folder)
		pm_buf_printf(m->an->ctx, out, "folder 0x%X (gone)", folder);
	return m->an->ctx->rc;
}
