/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messaging layer's frame: folders, their tables and counts.
 *
 * Mends: parents of folders and messages; folders that are gone or unreadable; contents,
 * associated and hierarchy tables, row by row; counts. Rows are dropped only when they name
 * nothing; a table is made anew only when nothing of it can be read.
 * Needs: sound blocks and objects.
 */
#include "repair/repair.h"

#include "ltp/props.h"
#include "ltp/sound.h"
#include "ltp/templates.h"
#include "msg/folder.h"
#include "recover/tables.h"
#include "repair/display.h"

#define CELL_MAX 65536

struct table_fix {
	struct pm_repair *r;
	struct pm_table t;
	uint64_t added, dropped, cells;
	struct pm_buf want;
	struct pm_tc *tc;
};

static enum pm_rc count_diff(void *arg, const struct pm_table_diff *d)
{
	uint64_t *n = arg;

	(void)d;
	++*n;
	return PM_OK;
}

/* Make one row what its object says. `fresh`: the row is new, derived cells are filled too. */
static enum pm_rc fill_row(struct table_fix *x, size_t row, pm_nid nid, bool fresh)
{
	struct pm_repair *r = x->r;
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, nid);
	struct pm_pc pc;
	enum pm_rc rc = n ? pm_pc_open(&r->an->db, n->data, n->sub, &pc) : PM_LOST;

	for (size_t c = 0; c < x->t.cols.n && (rc == PM_OK || rc == PM_DAMAGED); c++) {
		struct pm_span have;
		pm_nid where;
		enum pm_rc got;

		pm_buf_clear(&x->want);
		rc = pm_row_want(&pc, &x->t.cols.v[c], &x->want);
		if (rc) {
			rc = pm_is_error(rc) ? rc : PM_OK;
			continue;
		}
		got = pm_table_get(&x->t, row, c, &have, &where);
		if (got == PM_OK && !where && have.n == x->want.n &&
		    (!have.n || !memcmp(have.p, x->want.p, have.n)))
			continue;
		if (!x->want.n && got == PM_NONE)
			continue;
		rc = pm_table_set(&x->t, row, c, x->want.p, x->want.n);
		x->cells++;
	}
	if (fresh && (rc == PM_OK || rc == PM_DAMAGED) && pm_nid_type(nid) != 2)
		rc = pm_repair_display_cells(r, &x->t, row, n, &pc);
	if (n)
		pm_pc_close(&pc);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc add_row(struct table_fix *x, pm_nid nid)
{
	size_t row;
	enum pm_rc rc = pm_table_add_row(&x->t, nid, &row);

	if (rc == PM_OK)
		rc = pm_table_set_u32(&x->t, row, 0x67F30003, x->r->next_unique++);
	if (rc == PM_NONE)
		rc = PM_OK;
	x->added++;
	return rc ? rc : fill_row(x, row, nid, true);
}

/* `fresh`: there are new columns. */
static enum pm_rc fix_rows(struct table_fix *x, const struct pm_expected *want, bool fresh)
{
	size_t n = x->t.rows.n;
	bool *seen = pm_calloc(x->r->ctx, want->v.n + 1, sizeof(*seen));
	enum pm_rc rc = seen ? PM_OK : x->r->ctx->rc;

	for (size_t i = 0; i < n && rc == PM_OK; i++) {
		pm_nid id = x->t.rows.v[i].id;
		size_t lo = 0, hi = want->v.n;

		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (want->v.v[mid] < id)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo == want->v.n || want->v.v[lo] != id || seen[lo]) {
			pm_table_drop_row(&x->t, i);
			x->dropped++;
			continue;
		}
		seen[lo] = true;
		rc = fill_row(x, i, id, fresh);
	}
	for (size_t i = 0; i < want->v.n && rc == PM_OK; i++)
		if (!seen[i])
			rc = add_row(x, want->v.v[i]);
	pm_free(seen);
	return rc;
}

/* Store the table as this node. */
static enum pm_rc store_table(struct table_fix *x, pm_nid nid)
{
	struct pm_repair *r = x->r;
	pm_bid data, sub;
	enum pm_rc rc = pm_table_build(&x->t, &r->sink, &data, &sub);
	struct pm_deed *d;

	if (rc == PM_OK)
		rc = pm_repair_set_node(r, nid, 0, data, sub);
	if (rc == PM_OK)
		rc = pm_repair_did(r, PM_DID_TABLE, nid, x->added, x->dropped);
	if (rc)
		return rc;
	d = &r->deeds.v[r->deeds.n - 1];
	d->cells = x->cells;
	return PM_OK;
}

static enum pm_rc load_table(struct table_fix *x, struct pm_tc *tc, enum pm_rc open_rc, pm_nid nid)
{
	enum pm_rc rc = PM_LOST;

	if (open_rc == PM_OK || open_rc == PM_DAMAGED)
		rc = pm_table_load(&x->t, tc);
	if (rc == PM_OK || rc == PM_DAMAGED)
		return PM_OK;
	if (pm_is_error(rc))
		return rc;
	return pm_template_table(x->r->ctx, x->r->fmt, pm_template_of_type(pm_nid_type(nid)),
				 &x->t);
}

static enum pm_rc fix_table(struct pm_repair *r, uint32_t folder, unsigned type,
			    const struct pm_expected *want)
{
	struct table_fix x = {.r = r};
	pm_nid nid = pm_nid_make(type, r->model->folders.v[folder].nid >> 5);
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, nid);
	struct pm_tc tc;
	uint64_t diffs = 0;
	bool sound = false, bare = false;
	enum pm_rc rc, open_rc;

	open_rc = pm_tc_open(&r->an->db, n ? n->data : 0, n ? n->sub : 0, &tc);
	rc = pm_is_error(open_rc) ? open_rc : PM_OK;
	if (rc == PM_OK)
		rc = pm_tc_sound(&tc, open_rc, r->strict, &sound);
	if (rc == PM_OK && sound)
		bare = pm_repair_table_bare(r, &tc, pm_folder_columns(nid));
	if (rc == PM_OK && sound && !bare) {
		rc = pm_table_compare(r->model, &tc, want, true, count_diff, &diffs);
		if (rc || !diffs)
			goto out;
	}
	if (rc == PM_OK)
		rc = load_table(&x, &tc, open_rc, nid);
	if (rc == PM_OK)
		rc = pm_repair_row_ids(&x.t);
	if (rc == PM_OK)
		rc = pm_repair_table_columns(r, &x.t, pm_folder_columns(nid));
	if (rc == PM_OK)
		rc = fix_rows(&x, want, bare);
	if (rc == PM_OK)
		rc = store_table(&x, nid);
	pm_table_done(&x.t);
	pm_buf_done(&x.want);
out:
	pm_tc_close(&tc);
	return rc;
}

/* Messages that are not read yet, by their own flags. */
static enum pm_rc count_unread(struct pm_repair *r, const struct pm_expected *e, uint32_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < e->v.n; i++) {
		const struct pm_node *n = pm_ndb_find_node(&r->an->db, e->v.v[i]);
		uint32_t flags = 1;
		struct pm_pc pc;
		enum pm_rc rc = pm_pc_open(&r->an->db, n->data, n->sub, &pc);

		if (!pm_is_error(rc))
			rc = pm_pc_u32(&pc, PM_ID_MESSAGE_FLAGS, &flags);
		pm_pc_close(&pc);
		if (pm_is_error(rc))
			return rc;
		*ret += !(flags & 1);
	}
	return PM_OK;
}

static enum pm_rc set_count(struct pm_props *p, uint16_t id, uint16_t type, uint32_t v, bool *dirty)
{
	const struct pm_propval *have = pm_props_find(p, id);

	if (have && have->type == type && have->value.n >= 1 &&
	    (type == PM_PT_BOOL ? (have->value.p[0] != 0) == (v != 0)
				: have->value.n == 4 && pm_le32(have->value.p) == v))
		return PM_OK;
	*dirty = true;
	return pm_props_set_u32(p, id, type, v);
}

/* The class of a folder whose properties are gone, from the table that lists it; of one of ours. */
static enum pm_rc set_class(struct pm_repair *r, const struct pm_model_folder *f,
			    struct pm_props *p)
{
	const char *ours =
		pm_own_class(pm_model_own(r->model, (uint32_t)(f - r->model->folders.v)));
	const uint32_t by = f->row_of != PM_NO_FOLDER ? f->row_of : f->parent;
	const pm_nid up = r->model->folders.v[by].nid;
	struct pm_arena arena = {0};
	char *class = NULL;
	uint64_t bad;
	struct pm_tc tc;
	size_t row;
	enum pm_rc rc;

	if (ours)
		return pm_props_set_text(p, PM_ID_CONTAINER_CLASS, 0, ours, &bad);
	rc = pm_tc_open_node(&r->an->db, pm_folder_companion(up, PM_NT_HIERARCHY), &tc);
	row = pm_is_error(rc) ? tc.rows.n : pm_tc_find(&tc, f->nid);
	if (!pm_is_error(rc) && row < tc.rows.n)
		rc = pm_tc_text(&tc, row, PM_ID_CONTAINER_CLASS, 0, &arena, &class);
	if (!pm_is_error(rc))
		rc = class && *class ? pm_props_set_text(p, PM_ID_CONTAINER_CLASS, 0, class, &bad)
				     : PM_OK;
	pm_tc_close(&tc);
	pm_arena_done(&arena);
	return rc;
}

/* A folder that has no node, and is none of ours. */
static enum pm_rc tell_made(struct pm_repair *r, uint32_t folder)
{
	const struct pm_model *m = r->model;

	if (!m->folders.v[folder].made || pm_model_own(m, folder) != PM_OWN_COUNT ||
	    folder == m->root)
		return PM_OK;
	return pm_repair_casualty(r, m->folders.v[folder].nid, false, NULL,
				  "its own properties are lost");
}

/* Keep what is in `name` as that of the folder. */
static enum pm_rc keep_name(struct pm_repair *r, pm_nid nid, struct pm_buf *name)
{
	char **p = pm_vec_push(r->ctx, &r->names);

	if (!p)
		return r->ctx->rc;
	*p = pm_arena_strdup(r->ctx, &r->arena, pm_buf_cstr(r->ctx, name));
	return *p ? pm_map_put(r->ctx, &r->name_of, nid, r->names.n - 1) : r->ctx->rc;
}

enum pm_rc pm_repair_names(struct pm_repair *r)
{
	struct pm_buf name = {0};
	enum pm_rc rc = PM_OK;

	for (uint32_t i = 0; i < r->model->folders.n && rc == PM_OK; i++) {
		pm_buf_clear(&name);
		rc = pm_model_true_name(r->model, i, &name);
		if (rc == PM_DAMAGED && name.n)
			rc = keep_name(r, r->model->folders.v[i].nid, &name);
		rc = pm_is_error(rc) ? rc : PM_OK;
	}
	pm_buf_done(&name);
	return rc;
}

/* The name that the folder has to have: its own, unless that is gone or in doubt. */
static enum pm_rc fix_name(struct pm_repair *r, uint32_t folder, struct pm_props *p, bool *dirty)
{
	const struct pm_map_entry *known =
		pm_map_find(&r->name_of, r->model->folders.v[folder].nid);
	struct pm_buf name = {0};
	uint64_t bad = 0;
	enum pm_rc rc = PM_OK;

	if (!known && pm_props_find(p, PM_ID_DISPLAY_NAME))
		return PM_OK;
	*dirty = true;
	if (known)
		pm_buf_str(r->ctx, &name, r->names.v[known->value]);
	else
		rc = pm_model_name(r->model, folder, &name);
	if (rc == PM_OK)
		rc = pm_props_set_text(p, PM_ID_DISPLAY_NAME, r->model->codepage,
				       pm_buf_cstr(r->ctx, &name), &bad);
	if (rc == PM_OK && bad)
		rc = pm_repair_casualty(
			r, r->model->folders.v[folder].nid, false, NULL,
			"name: '?' for %llu characters that code page %u does not have",
			(unsigned long long)bad, r->model->codepage);
	pm_buf_done(&name);
	return rc ? rc : r->ctx->rc;
}

/* The folder's own properties: a name, the counts. Made anew when there is nothing to read. */
static enum pm_rc fix_properties(struct pm_repair *r, uint32_t folder, uint32_t messages,
				 uint32_t unread)
{
	struct pm_model *m = r->model;
	struct pm_model_folder *f = &m->folders.v[folder];
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, f->nid);
	pm_nid parent = m->folders.v[f->parent].nid;
	struct pm_props p;
	struct pm_pc pc;
	bool dirty = false;
	pm_bid data, sub;
	enum pm_rc rc = pm_pc_open(&r->an->db, n ? n->data : 0, n ? n->sub : 0, &pc);

	pm_props_init(&p, r->ctx, r->fmt);
	if (rc == PM_OK || rc == PM_DAMAGED) {
		dirty = rc == PM_DAMAGED;
		rc = pm_props_load(&p, &pc);
		dirty |= rc == PM_DAMAGED;
	} else if (!pm_is_error(rc)) {
		rc = set_class(r, f, &p);
		if (rc == PM_OK)
			rc = tell_made(r, folder);
	}
	rc = pm_is_error(rc) ? rc : PM_OK;
	if (rc == PM_OK)
		rc = fix_name(r, folder, &p, &dirty);
	if (rc == PM_OK)
		rc = set_count(&p, PM_ID_CONTENT_COUNT, PM_PT_I4, messages, &dirty);
	if (rc == PM_OK)
		rc = set_count(&p, PM_ID_CONTENT_UNREAD, PM_PT_I4, unread, &dirty);
	if (rc == PM_OK)
		rc = set_count(&p, PM_ID_SUBFOLDERS, PM_PT_BOOL, f->n_children != 0, &dirty);
	if (rc == PM_OK && dirty) {
		rc = pm_props_build(&p, &r->sink, &data, &sub);
		if (rc == PM_OK)
			rc = pm_repair_did(r, n && n->data ? PM_DID_COUNTS : PM_DID_NODE_MADE,
					   f->nid, messages, unread);
		if (rc == PM_OK)
			rc = pm_repair_set_node(r, f->nid, parent, data, sub);
		if (rc == PM_OK)
			f->made = false;
	}
	pm_props_done(&p);
	pm_pc_close(&pc);
	return rc;
}

static enum pm_rc fix_parent(struct pm_repair *r, pm_nid nid, pm_nid parent)
{
	struct pm_node *n = pm_ndb_find_node(&r->an->db, nid);
	enum pm_rc rc;

	if (!n || n->parent == parent)
		return PM_OK;
	rc = pm_repair_did(r, PM_DID_PARENT, nid, n->parent, parent);
	n->parent = parent;
	n->flags &= (uint8_t)~PM_NF_SOUND;
	return rc;
}

static enum pm_rc fix_parents(struct pm_repair *r)
{
	const struct pm_model *m = r->model;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < m->folders.n && rc == PM_OK; i++)
		rc = fix_parent(r, m->folders.v[i].nid, m->folders.v[m->folders.v[i].parent].nid);
	for (size_t i = 0; i < m->messages.n && rc == PM_OK; i++)
		rc = fix_parent(r, m->messages.v[i].nid, m->folders.v[m->messages.v[i].folder].nid);
	for (size_t i = 0; i < m->assoc.n && rc == PM_OK; i++)
		rc = fix_parent(r, m->assoc.v[i].nid, m->folders.v[m->assoc.v[i].folder].nid);
	/* Only folders and items have one [OBS]; a parent that is there does no harm. */
	for (size_t i = 0; i < r->an->db.nodes.n && r->strict && rc == PM_OK; i++) {
		const struct pm_node *n = &r->an->db.nodes.v[i];
		unsigned t = pm_nid_type(n->nid);

		if (t != PM_NT_FOLDER && t != PM_NT_SEARCH && t != PM_NT_MESSAGE &&
		    t != PM_NT_ASSOC && n->parent && !pm_ndb_find_node(&r->an->db, n->parent))
			rc = fix_parent(r, n->nid, 0);
	}
	return rc;
}

/* Contents, associated contents, and the folder's own properties. */
static enum pm_rc fix_folder(struct pm_repair *r, uint32_t i, struct pm_expected *e)
{
	uint32_t unread = 0, messages;
	enum pm_rc rc = pm_table_expected(r->model, i, 0x0F, e);

	if (rc == PM_OK)
		rc = fix_table(r, i, 0x0F, e);
	if (rc == PM_OK)
		rc = pm_table_expected(r->model, i, 0x0E, e);
	if (rc == PM_OK)
		rc = fix_table(r, i, 0x0E, e);
	messages = (uint32_t)e->v.n;
	if (rc == PM_OK)
		rc = count_unread(r, e, &unread);
	return rc ? rc : fix_properties(r, i, messages, unread);
}

/* A search folder is derived, but for its name: one that can't be read is made anew, empty, and
 * the search is run again [MS-PST 2.4.8.4]. */
static enum pm_rc fix_search_folder(struct pm_repair *r, uint32_t i)
{
	struct pm_pc pc;
	enum pm_rc rc = pm_pc_open_node(&r->an->db, r->model->folders.v[i].nid, &pc);

	pm_pc_close(&pc);
	if (rc == PM_LOST || rc == PM_NONE)
		rc = fix_properties(r, i, 0, 0);
	if (pm_is_error(rc))
		return rc;
	return pm_repair_search_folder(r, r->model->folders.v[i].nid);
}

/* An item without anything; or an entry whose content was another node's, under a nid of a type
 * that needs none. */
static bool useless(const struct pm_node *n)
{
	if (n->data)
		return false;
	switch (pm_nid_type(n->nid)) {
	case PM_NT_MESSAGE:
	case PM_NT_ASSOC:
		return true;
	case PM_NT_INTERNAL:
	case PM_NT_FOLDER:
	case PM_NT_SEARCH:
	case PM_NT_CRITERIA:
	case PM_NT_HIERARCHY:
	case PM_NT_CONTENTS:
	case PM_NT_ASSOC_CONTENTS:
	case PM_NT_SEARCH_CONTENTS:
		return false;
	}
	return !n->sub && n->flags & PM_NF_UNFIT;
}

/* Messages whose properties are gone are no part of any folder any more. */
static enum pm_rc drop_lost(struct pm_repair *r)
{
	struct pm_model *m = r->model;
	size_t n = 0;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < m->messages.n && rc == PM_OK; i++) {
		const struct pm_node *d = pm_ndb_find_node(&r->an->db, m->messages.v[i].nid);

		if (d && d->data)
			m->messages.v[n++] = m->messages.v[i];
		else if (d)
			rc = pm_repair_did(r, PM_DID_NODE_DROPPED, d->nid, 0, 0);
	}
	m->messages.n = n;
	n = 0;
	for (size_t i = 0; i < m->assoc.n && rc == PM_OK; i++) {
		const struct pm_node *d = pm_ndb_find_node(&r->an->db, m->assoc.v[i].nid);

		if (d && d->data)
			m->assoc.v[n++] = m->assoc.v[i];
	}
	m->assoc.n = n;
	/* All at once: there may be many, among many more. */
	n = 0;
	for (size_t i = 0; i < r->an->db.nodes.n; i++)
		if (!useless(&r->an->db.nodes.v[i]))
			r->an->db.nodes.v[n++] = r->an->db.nodes.v[i];
	r->an->db.nodes.n = n;
	pm_model_rehang(m);
	return rc;
}

static bool flagged_sound(const struct pm_repair *r, pm_nid nid)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, nid);

	return n && n->flags & PM_NF_SOUND;
}

/* The check found the folder, all its items and their rows sound, and none was changed since, or
 * has come from elsewhere (which changes it). */
static bool folder_known(const struct pm_repair *r, size_t i)
{
	const struct pm_model *m = r->model;
	const struct pm_model_folder *f = &m->folders.v[i];
	bool yes = !r->strict && !f->search && flagged_sound(r, f->nid) &&
		   !pm_map_has(&r->name_of, f->nid);

	/* A folder that is made for what is recovered has come since. */
	for (uint32_t k = 0; k < f->n_children && yes; k++)
		yes = !m->folders.v[m->children.v[f->children + k]].made;
	for (uint32_t k = 0; k < f->n_messages && yes; k++)
		yes = flagged_sound(r, m->messages.v[f->messages + k].nid);
	for (uint32_t k = 0; k < f->n_assoc && yes; k++)
		yes = flagged_sound(r, m->assoc.v[f->assoc + k].nid);
	return yes;
}

static bool folder_sound(struct pm_repair *r, size_t i)
{
	struct pm_expected e = {0};
	const bool sound =
		!r->model->folders.v[i].search && fix_folder(r, (uint32_t)i, &e) == PM_OK;

	pm_vec_done(&e.v);
	return sound;
}

enum pm_rc pm_repair_folders(struct pm_repair *r)
{
	struct pm_expected e = {0};
	struct pm_bitmap sound = {0};
	enum pm_rc rc = drop_lost(r);

	if (rc == PM_OK)
		rc = fix_parents(r);
	if (rc == PM_OK)
		rc = pm_repair_mandatory(r);
	if (rc == PM_OK) {
		const struct pm_repair_probe what = {"folders", r->model->folders.n, 1,
						     folder_known, folder_sound};

		rc = pm_repair_probe(r, &what, &sound);
	}
	for (uint32_t i = 0; i < r->model->folders.n && rc == PM_OK; i++) {
		if (pm_bitmap_test(&sound, i))
			continue;
		if (!r->model->folders.v[i].search)
			rc = fix_folder(r, i, &e);
		else
			rc = fix_search_folder(r, i);
		if (rc == PM_OK)
			rc = pm_tick(r->ctx, "folders", i, r->model->folders.n);
	}
	for (uint32_t i = 0; i < r->model->folders.n && rc == PM_OK; i++) {
		if (r->model->folders.v[i].search)
			continue;
		rc = pm_table_expected(r->model, i, 0x0D, &e);
		if (rc == PM_OK)
			rc = fix_table(r, i, 0x0D, &e);
	}
	pm_bitmap_done(&sound);
	pm_vec_done(&e.v);
	return rc;
}
