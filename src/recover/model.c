/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder tree of the intended model.
 *
 * Checks: parents of folders and messages; cycles.
 * Gathers: folders, messages, where each belongs and why.
 * Needs: settled nodes.
 */
#include "recover/model.h"

#include "base/sort.h"
#include "base/stats.h"
#include "ltp/pc.h"
#include "ltp/tc.h"
#include "msg/folder.h"
#include "msg/store.h"
#include "recover/deleted.h"
#include "recover/internal.h"

#define FIRST_INDEX 0x20000u   /* above those of any template or special object */
#define INDEX_MAX   0x7F00000u /* of 27 bits */

/* While building: what table rows say. Filled only when something has no place. */
struct rows {
	bool loaded;
	struct pm_map folder; /* folder nid -> folder nid whose hierarchy table names it */
	struct pm_map item;   /* message nid -> folder nid whose contents table names it */
};

struct build {
	struct pm_model *m;
	struct rows rows;
	struct pm_map index; /* nid -> index into folders */
	pm_nid subtree;      /* 0: not looked for yet */
};

uint32_t pm_model_folder(const struct pm_model *m, pm_nid nid)
{
	size_t lo = 0, hi = m->folders.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->folders.v[mid].nid < nid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->folders.n && m->folders.v[lo].nid == nid ? (uint32_t)lo : PM_NO_FOLDER;
}

static bool nid_taken(const struct pm_model *m, unsigned type, uint32_t i)
{
	const struct pm_ndb *db = &m->an->db;

	if (pm_ndb_find_node(db, pm_nid_make(type, i)))
		return true;
	/* Tables share the index of their folder: never hand it out twice. */
	return type == 2 && (pm_ndb_find_node(db, pm_nid_make(0x0D, i)) ||
			     pm_ndb_find_node(db, pm_nid_make(0x0E, i)) ||
			     pm_ndb_find_node(db, pm_nid_make(0x0F, i)));
}

pm_nid pm_model_new_nid(struct pm_model *m, unsigned type)
{
	uint32_t *next = &m->next_index[type & 31];

	/* A damaged id can be the last there is: then gaps will do. */
	if (*next > INDEX_MAX)
		*next = FIRST_INDEX;
	while (nid_taken(m, type, *next))
		++*next;
	return pm_nid_make(type, (*next)++);
}

static void count_indices(struct pm_model *m)
{
	static const uint32_t start[32] = {[2] = 0x400, [3] = 0x4000, [4] = 0x10000, [8] = 0x8000};
	const struct pm_analysis *an = m->an;

	for (unsigned t = 0; t < 32; t++)
		m->next_index[t] = (start[t] ? start[t] : 0x400) + 1;
	for (size_t i = 0; i < an->db.nodes.n; i++) {
		pm_nid nid = an->db.nodes.v[i].nid;
		unsigned t = pm_nid_type(nid);

		if (nid >> 5 >= m->next_index[t])
			m->next_index[t] = (nid >> 5) + 1;
		/* Companions of a folder that is gone keep its index taken. */
		if ((t == 0x0D || t == 0x0E || t == 0x0F) && nid >> 5 >= m->next_index[2])
			m->next_index[2] = (nid >> 5) + 1;
		t = pm_nid_type(an->db.nodes.v[i].parent);
		if (t == 2 && an->db.nodes.v[i].parent >> 5 >= m->next_index[2] &&
		    an->db.nodes.v[i].parent >> 5 < 0x100000)
			m->next_index[2] = (an->db.nodes.v[i].parent >> 5) + 1;
	}
	/* libpff, for one, opens the node when an attachment's message has the same nid. */
	if (an->embedded_index >= m->next_index[PM_NT_MESSAGE] && an->embedded_index < INDEX_MAX)
		m->next_index[PM_NT_MESSAGE] = an->embedded_index + 1;
	for (unsigned t = 2; t <= 8; t++)
		if ((t <= 4 || t == 8) && !(an->header_bad & PM_HR_SERIOUS) &&
		    an->header.rgnid[t] < 0x4000000 && an->header.rgnid[t] >= m->next_index[t])
			m->next_index[t] = an->header.rgnid[t] + 1;
}

/* Is the data that of a node under its own nid? Contexts are never shared. */
static bool anothers(const struct pm_analysis *an, const struct pm_node *d)
{
	for (size_t i = 0; i < an->db.nodes.n; i++)
		if (an->db.nodes.v[i].data == d->data && an->db.nodes.v[i].nid != d->nid)
			return true;
	return !d->data;
}

/* Content whose nid another node has: it is told apart by a nid of its own. */
static enum pm_rc settle_doubles(struct pm_model *m)
{
	struct pm_analysis *an = m->an;

	for (size_t i = 0; i < an->doubles.n; i++) {
		struct pm_node *d = &an->doubles.v[i], *slot;
		unsigned t = pm_nid_type(d->nid);

		if ((t != 2 && t != 4 && t != 8) || pm_spend(an->ctx, an->db.nodes.n / 16) ||
		    anothers(an, d))
			continue;
		slot = pm_vec_push(an->ctx, &an->db.nodes);
		if (!slot)
			return an->ctx->rc;
		*slot = *d;
		slot->nid = pm_model_new_nid(m, t);
		if (d->origin != PM_FROM_UNVOUCHED)
			slot->origin = PM_FROM_CONTENT;
	}
	an->doubles.n = 0;
	return an->ctx->rc ? an->ctx->rc : pm_analysis_sort_nodes(an);
}

/* Deleted items get new nids, above all that older pages name: whoever meets such a page later must
 * not take one for the other. */
static enum pm_rc settle_deleted(struct pm_model *m)
{
	struct pm_analysis *an = m->an;
	struct pm_deleted *d = an->deleted;
	enum pm_rc rc;

	for (unsigned t = 0; t < 32 && d->items.n; t++)
		if (d->max_index[t] >= m->next_index[t])
			m->next_index[t] = d->max_index[t] + 1;
	for (size_t i = 0; i < d->items.n; i++)
		d->items.v[i].nid = pm_model_new_nid(m, PM_NT_MESSAGE);
	for (size_t i = 0; i < d->items.n; i++) {
		const struct pm_deleted_item *it = &d->items.v[i];
		struct pm_node *slot = pm_vec_push(an->ctx, &an->db.nodes);

		if (!slot)
			return an->ctx->rc;
		*slot = (struct pm_node){.nid = it->nid,
					 .data = it->data,
					 .sub = it->sub,
					 .origin = PM_FROM_DELETED};
	}
	rc = pm_analysis_sort_nodes(an);
	return rc ? rc : pm_find_orders(an);
}

static enum pm_rc add_folder(struct build *b, pm_nid nid, pm_nid stored_parent, bool made)
{
	struct pm_ctx *ctx = b->m->an->ctx;
	struct pm_model_folder *f = pm_vec_push(ctx, &b->m->folders);

	uint32_t *next = &b->m->next_index[pm_nid_type(nid)];

	if (!f)
		return ctx->rc;
	*f = (struct pm_model_folder){.nid = nid,
				      .stored_parent = stored_parent,
				      .parent = PM_NO_FOLDER,
				      .row_of = PM_NO_FOLDER,
				      .made = made,
				      .placed = made ? PM_PLACED_MADE : PM_PLACED_TREE,
				      .search = pm_nid_type(nid) == 3};
	/* One that is made has no node that would keep its nid. */
	if (nid >> 5 >= *next && nid >> 5 < INDEX_MAX)
		*next = (nid >> 5) + 1;
	return pm_map_put(ctx, &b->index, nid, b->m->folders.n - 1);
}

static uint32_t find(const struct build *b, pm_nid nid)
{
	const struct pm_map_entry *e = pm_map_find(&b->index, nid);

	return e ? (uint32_t)e->value : PM_NO_FOLDER;
}

/* Beside the folder: its table is one of the live tree, and no other one differs. */
#define ROW_FIRM (UINT64_C(1) << 32)
/* Only the matrix has the row, the index does not: any other row counts for more. */
#define ROW_WEAK (UINT64_C(1) << 33)

/* Rows of one table: row id -> folder. The first table that names an object wins. */
static enum pm_rc load_rows(struct build *b, const struct pm_node *n, pm_nid folder,
			    struct pm_map *map, bool hierarchy)
{
	struct pm_analysis *an = b->m->an;
	/* One of a page with a wrong checksum may be another folder's. */
	const bool sure = n->origin != PM_FROM_STALE && n->origin != PM_FROM_WRONG;
	const uint64_t firm = sure ? ROW_FIRM : 0;
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&an->db, n->data, n->sub, &tc);

	if (!pm_is_error(rc))
		rc = PM_OK;
	for (size_t i = 0; i < tc.rows.n && rc == PM_OK; i++) {
		pm_nid id = tc.rows.v[i].id;
		const bool weak = tc.rows.v[i].rules == PM_BR_ENTRY;
		struct pm_map_entry *e;
		bool new;

		if ((tc.rows.v[i].rules && !weak) || !id || (hierarchy && id == folder))
			continue;
		e = pm_map_get(an->ctx, map, id, &new);
		if (!e)
			rc = an->ctx->rc;
		else if (new || (e->value & ROW_WEAK && !weak))
			e->value = folder | (weak ? ROW_WEAK : firm);
		else if (weak)
			continue;
		else if ((pm_nid)e->value != folder)
			e->value &= ~ROW_FIRM;
	}
	pm_tc_close(&tc);
	return rc;
}

static enum pm_rc need_rows(struct build *b)
{
	struct pm_analysis *an = b->m->an;
	enum pm_rc rc = PM_OK;

	if (b->rows.loaded)
		return PM_OK;
	b->rows.loaded = true;
	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		const struct pm_node *n = &an->db.nodes.v[i];
		unsigned t = pm_nid_type(n->nid);
		pm_nid folder = pm_nid_make(2, n->nid >> 5);

		if (n->nid >> 5 < 0x100 && folder != PM_NID_ROOT && n->nid >> 5 != 9)
			continue; /* templates */
		if (t == 0x0D)
			rc = load_rows(b, n, folder, &b->rows.folder, true);
		else if (t == 0x0E || t == 0x0F)
			rc = load_rows(b, n, folder, &b->rows.item, false);
	}
	return rc;
}

/*
 * The folder that an object is in by the row that lists it, where that counts for more than the
 * object's own entry: one from a damaged page, or from an older generation. 0: the entry counts.
 */
static enum pm_rc overruled(struct build *b, const struct pm_map *rows, const struct pm_node *n,
			    pm_nid *ret)
{
	const struct pm_map_entry *e;
	enum pm_rc rc;

	*ret = 0;
	if (n->origin != PM_FROM_WRONG && n->origin != PM_FROM_STALE)
		return PM_OK;
	rc = need_rows(b);
	e = pm_map_find(rows, n->nid);
	if (e && e->value & ROW_FIRM && (pm_nid)e->value != n->parent &&
	    find(b, (pm_nid)e->value) != PM_NO_FOLDER)
		*ret = (pm_nid)e->value;
	return rc;
}

/* A nid that a row names is that of another object, though it may have no node any more. */
static enum pm_rc spare_rows(struct build *b)
{
	const struct pm_map *maps[] = {&b->rows.folder, &b->rows.item};
	enum pm_rc rc = need_rows(b);

	for (unsigned k = 0; k < 2 && rc == PM_OK; k++)
		for (size_t i = 0; i < maps[k]->n; i++) {
			pm_nid nid = (pm_nid)maps[k]->v[i].key;
			uint32_t *next = &b->m->next_index[pm_nid_type(nid)];

			if (nid >> 5 >= *next && nid >> 5 < INDEX_MAX)
				*next = (nid >> 5) + 1;
		}
	return rc;
}

static bool companions(const struct pm_analysis *an, pm_nid folder)
{
	uint32_t i = folder >> 5;

	return pm_ndb_find_node(&an->db, pm_nid_make(0x0D, i)) ||
	       pm_ndb_find_node(&an->db, pm_nid_make(0x0E, i));
}

/* A folder without a node, that something needs: is there any trace of it? */
static enum pm_rc want_folder(struct build *b, pm_nid nid, bool *ret)
{
	enum pm_rc rc = PM_OK;

	*ret = find(b, nid) != PM_NO_FOLDER;
	if (*ret || pm_nid_type(nid) != 2 || nid <= PM_NID_ROOT) /* none is below the root */
		return PM_OK;
	rc = need_rows(b);
	if (rc == PM_OK && (pm_map_has(&b->rows.folder, nid) || companions(b->m->an, nid))) {
		*ret = true;
		rc = add_folder(b, nid, 0, true);
	}
	return rc;
}

/* Folders that a row names and whose node went with its leaf, empty ones included. */
static enum pm_rc lost_folders(struct build *b)
{
	const struct pm_analysis *an = b->m->an;
	struct pm_rangeset lost = {0};
	enum pm_rc rc = PM_OK;

	for (size_t k = 0; k < an->lost.n && rc == PM_OK; k++)
		if (an->lost.v[k].ptype == PM_PTYPE_NBT)
			rc = pm_rangeset_add(an->ctx, &lost, an->lost.v[k].lo, an->lost.v[k].hi);
	if (rc == PM_OK && lost.total)
		rc = need_rows(b);
	for (size_t i = 0; i < b->rows.folder.n && rc == PM_OK && lost.total; i++) {
		pm_nid nid = (pm_nid)b->rows.folder.v[i].key;

		if (pm_nid_type(nid) == 2 && find(b, nid) == PM_NO_FOLDER &&
		    pm_rangeset_contains(&lost, nid, (uint64_t)nid + 1))
			rc = add_folder(b, nid, 0, true);
	}
	pm_rangeset_done(&lost);
	return rc;
}

static enum pm_rc gather_folders(struct build *b)
{
	struct pm_analysis *an = b->m->an;
	enum pm_rc rc = PM_OK;
	size_t n;
	bool known;

	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		const struct pm_node *d = &an->db.nodes.v[i];

		if (pm_nid_type(d->nid) == 2 || pm_nid_type(d->nid) == 3)
			rc = add_folder(b, d->nid, d->parent, false);
	}
	if (rc == PM_OK && find(b, PM_NID_ROOT) == PM_NO_FOLDER)
		rc = add_folder(b, PM_NID_ROOT, PM_NID_ROOT, true);
	/* A store needs a subtree to show. */
	if (rc == PM_OK && b->m->folders.n == 1)
		rc = add_folder(b, PM_NID_SUBTREE, PM_NID_ROOT, true);
	/* Parents that have no node: of folders, of messages; and theirs in turn. */
	n = an->db.nodes.n;
	for (size_t i = 0; i < n && rc == PM_OK; i++) {
		const struct pm_node *d = &an->db.nodes.v[i];
		unsigned t = pm_nid_type(d->nid);

		if (t == 2 || t == 3 || t == 4 || t == 8)
			rc = want_folder(b, d->parent, &known);
	}
	if (rc == PM_OK)
		rc = lost_folders(b);
	for (size_t i = 0; i < b->m->folders.n && rc == PM_OK; i++) {
		const struct pm_map_entry *e = pm_map_find(&b->rows.folder, b->m->folders.v[i].nid);

		if (b->m->folders.v[i].made && e)
			rc = want_folder(b, (pm_nid)e->value, &known);
	}
	return rc;
}

/* The folder whose hierarchy table names this one. */
static enum pm_rc by_row(struct build *b, uint32_t i, uint32_t *ret)
{
	enum pm_rc rc = need_rows(b);
	const struct pm_map_entry *e = pm_map_find(&b->rows.folder, b->m->folders.v[i].nid);

	*ret = e ? find(b, (pm_nid)e->value) : PM_NO_FOLDER;
	if (*ret == i)
		*ret = PM_NO_FOLDER;
	return rc;
}

/* Is the folder in the root, or in one that is? In OSTs there is one between. [OBS] */
static bool near_root(const struct build *b, uint32_t i)
{
	const struct pm_model_folder *f = &b->m->folders.v[i];
	const uint32_t up = find(b, f->stored_parent);

	return f->nid != PM_NID_ROOT && !f->search &&
	       (f->stored_parent == PM_NID_ROOT ||
		(up != PM_NO_FOLDER && b->m->folders.v[up].stored_parent == PM_NID_ROOT));
}

/* Of the folders at the top the one with the most in it; the root when there is none. */
static enum pm_rc fullest(struct build *b, pm_nid *ret)
{
	const struct pm_model *m = b->m;
	struct pm_ctx *ctx = m->an->ctx;
	uint32_t *n = pm_calloc(ctx, m->folders.n, sizeof(*n)), best = find(b, PM_NID_ROOT),
		 most = 0;

	if (!n)
		return ctx->rc;
	for (size_t i = 0; i < m->folders.n; i++) {
		const uint32_t up = find(b, m->folders.v[i].stored_parent);

		if (up != PM_NO_FOLDER && ++n[up] > most && near_root(b, up)) {
			most = n[up];
			best = up;
		}
	}
	pm_free(n);
	*ret = m->folders.v[best].nid;
	return PM_OK;
}

/* The folder that holds the user's: the store's entry id says it; OSTs have none, and folders of
 * their own numbers [OBS]. */
static enum pm_rc find_subtree(struct build *b)
{
	const uint32_t usual = find(b, PM_NID_SUBTREE);
	struct pm_store store;
	uint32_t i;
	enum pm_rc rc;

	if (b->subtree)
		return PM_OK;
	rc = pm_store_open(&b->m->an->db, &store);
	i = find(b, store.ipm_subtree);
	pm_store_close(&store);
	if (pm_is_error(rc))
		return rc;
	if (i == PM_NO_FOLDER && usual != PM_NO_FOLDER &&
	    b->m->folders.v[usual].stored_parent == PM_NID_ROOT)
		i = usual;
	if (i == PM_NO_FOLDER || b->m->folders.v[i].search)
		return fullest(b, &b->subtree);
	b->subtree = b->m->folders.v[i].nid;
	return PM_OK;
}

/* One of ours, made if it isn't there yet. */
static enum pm_rc own_folder(struct build *b, enum pm_own which, uint32_t *ret)
{
	struct pm_model *m = b->m;
	uint32_t up = PM_NO_FOLDER;
	enum pm_rc rc;

	if (m->own[which] == PM_NO_FOLDER) {
		if (which != PM_OWN_RECOVERY)
			rc = own_folder(b, PM_OWN_RECOVERY, &up);
		else
			rc = find_subtree(b);
		if (rc == PM_OK && which == PM_OWN_RECOVERY)
			rc = spare_rows(b);
		if (rc == PM_OK)
			rc = add_folder(b, pm_model_new_nid(m, 2), 0, true);
		if (rc)
			return rc;
		m->own[which] = (uint32_t)m->folders.n - 1;
		m->folders.v[m->own[which]].parent =
			which == PM_OWN_RECOVERY ? find(b, b->subtree) : up;
	}
	*ret = m->own[which];
	return PM_OK;
}

/* The folder for an item that has no place. */
static enum pm_rc folder_by_kind(struct build *b, const struct pm_node *n, uint32_t *ret)
{
	struct pm_arena arena = {0};
	char *class = NULL;
	struct pm_pc pc;
	enum pm_rc rc;

	if (pm_nid_type(n->nid) != PM_NT_MESSAGE)
		return own_folder(b, PM_OWN_RECOVERY, ret);
	rc = pm_pc_open(&b->m->an->db, n->data, n->sub, &pc);
	if (!pm_is_error(rc))
		rc = pm_pc_text(&pc, PM_ID_MESSAGE_CLASS, b->m->codepage, &arena, &class);
	pm_pc_close(&pc);
	if (!pm_is_error(rc))
		rc = own_folder(b, pm_own_for(class), ret);
	pm_arena_done(&arena);
	return rc;
}

/* Walks up from a folder; true when it does not end at the root. */
static bool lost_way(const struct build *b, uint32_t i, uint32_t root)
{
	for (unsigned n = 0; n < PM_FOLDER_DEPTH && i != PM_NO_FOLDER; n++) {
		if (i == root)
			return false;
		i = b->m->folders.v[i].parent;
	}
	return true;
}

static enum pm_rc place_folder(struct build *b, uint32_t i)
{
	struct pm_model_folder *f = &b->m->folders.v[i];
	const struct pm_node *n = pm_ndb_find_node(&b->m->an->db, f->nid);
	uint32_t up = f->stored_parent ? find(b, f->stored_parent) : PM_NO_FOLDER;
	pm_nid row = 0;
	enum pm_rc rc = n ? overruled(b, &b->rows.folder, n, &row) : PM_OK;

	if (f->nid == PM_NID_ROOT) {
		f->parent = i;
		return rc;
	}
	if (rc || pm_model_own(b->m, i) != PM_OWN_COUNT)
		return rc;
	if (up == i || (up != PM_NO_FOLDER && b->m->folders.v[up].search))
		up = PM_NO_FOLDER;
	if (up == PM_NO_FOLDER || row) {
		rc = by_row(b, i, &up);
		f = &b->m->folders.v[i];
		if (!f->made)
			f->placed = PM_PLACED_ROW;
	}
	f->parent = up;
	return rc;
}

/* Folders in a cycle, or on top of nothing. */
static enum pm_rc untie(struct build *b, uint32_t root)
{
	enum pm_rc rc = find_subtree(b);

	for (uint32_t i = 0; i < b->m->folders.n && rc == PM_OK; i++) {
		uint32_t up, was = b->m->folders.v[i].parent;

		if (i == root || (was != PM_NO_FOLDER && !lost_way(b, i, root)))
			continue;
		rc = by_row(b, i, &up);
		if (rc)
			break;
		/* The row's word, if it leads to the root. */
		b->m->folders.v[i].parent = PM_NO_FOLDER;
		if (up != PM_NO_FOLDER && !lost_way(b, up, root)) {
			b->m->folders.v[i].parent = up;
			if (!b->m->folders.v[i].made)
				b->m->folders.v[i].placed = PM_PLACED_ROW;
			continue;
		}
		/* Perhaps only an ancestor is astray: then that one is moved, not this. */
		if (was != PM_NO_FOLDER && was > i) {
			b->m->folders.v[i].parent = was;
			if (!lost_way(b, i, root))
				continue;
		}
		/* The recovery folder stands in the subtree, so that can't stand in it. */
		if (b->m->folders.v[i].nid == b->subtree) {
			b->m->folders.v[i].parent = root;
			continue;
		}
		rc = own_folder(b, PM_OWN_RECOVERY, &up);
		b->m->folders.v[i].parent = up;
		if (!b->m->folders.v[i].made)
			b->m->folders.v[i].placed = PM_PLACED_RECOVERED;
	}
	return rc;
}

static enum pm_rc place_folders(struct build *b)
{
	uint32_t root = find(b, PM_NID_ROOT);
	enum pm_rc rc = PM_OK;

	for (uint32_t i = 0; i < b->m->folders.n && rc == PM_OK; i++)
		rc = place_folder(b, i);
	/* What tops a broken chain is settled in the first round, what hangs below in the next. */
	for (unsigned round = 0; round < 2 && rc == PM_OK; round++)
		rc = untie(b, root);
	return rc;
}

static enum pm_rc place_item(struct build *b, const struct pm_node *n)
{
	struct pm_model *m = b->m;
	struct pm_ctx *ctx = m->an->ctx;
	struct pm_model_item it = {.nid = n->nid, .stored_parent = n->parent};
	struct pm_model_item *slot;
	pm_nid row = 0;
	enum pm_rc rc = overruled(b, &b->rows.item, n, &row);

	it.folder = pm_nid_type(n->parent) == 2 ? find(b, n->parent) : PM_NO_FOLDER;
	if (n->origin == PM_FROM_DELETED) {
		rc = own_folder(b, PM_OWN_DELETED, &it.folder);
		it.placed = PM_PLACED_DELETED;
	} else if (it.folder == PM_NO_FOLDER || row) {
		const struct pm_map_entry *e;

		rc = rc ? rc : need_rows(b);
		e = pm_map_find(&b->rows.item, n->nid);
		if (e)
			it.folder = find(b, (pm_nid)e->value);
		it.placed = PM_PLACED_ROW;
	}
	if (rc == PM_OK && it.folder == PM_NO_FOLDER) {
		rc = folder_by_kind(b, n, &it.folder);
		it.placed = PM_PLACED_RECOVERED;
	}
	if (rc)
		return rc;
	slot = pm_nid_type(n->nid) == 4 ? pm_vec_push(ctx, &m->messages)
					: pm_vec_push(ctx, &m->assoc);
	if (!slot)
		return ctx->rc;
	*slot = it;
	return PM_OK;
}

struct key {
	uint64_t key;
	uint32_t index;
};

/* New order of the folders, by nid; everything that names them by index follows. */
static enum pm_rc order_folders(struct build *b)
{
	struct pm_model *m = b->m;
	struct pm_ctx *ctx = m->an->ctx;
	size_t n = m->folders.n;
	PM_VEC(struct key) order = {0};
	struct pm_model_folder *out = pm_calloc(ctx, n, sizeof(*out));
	uint32_t *to = pm_calloc(ctx, n, sizeof(*to));

	for (size_t i = 0; i < n && !ctx->rc; i++) {
		struct key *k = pm_vec_push(ctx, &order);

		if (k)
			*k = (struct key){m->folders.v[i].nid, (uint32_t)i};
	}
	if (!ctx->rc)
		pm_sort_member(ctx, &order, key);
	if (!ctx->rc) {
		for (size_t i = 0; i < n; i++)
			to[order.v[i].index] = (uint32_t)i;
		for (size_t i = 0; i < n; i++) {
			out[to[i]] = m->folders.v[i];
			out[to[i]].parent = to[m->folders.v[i].parent];
		}
		memcpy(m->folders.v, out, n * sizeof(*out));
		for (size_t i = 0; i < m->messages.n; i++)
			m->messages.v[i].folder = to[m->messages.v[i].folder];
		for (size_t i = 0; i < m->assoc.n; i++)
			m->assoc.v[i].folder = to[m->assoc.v[i].folder];
		for (unsigned i = 0; i < PM_OWN_COUNT; i++)
			if (m->own[i] != PM_NO_FOLDER)
				m->own[i] = to[m->own[i]];
		m->root = pm_model_folder(m, PM_NID_ROOT);
		for (size_t i = 0; i < n; i++) {
			const struct pm_map_entry *e =
				pm_map_find(&b->rows.folder, m->folders.v[i].nid);

			m->folders.v[i].row_of =
				e ? pm_model_folder(m, (pm_nid)e->value) : PM_NO_FOLDER;
		}
	}
	pm_free(out);
	pm_free(to);
	pm_vec_done(&order);
	return ctx->rc;
}

/* Items ascend by nid, within each folder at least, and stay so. */
static enum pm_rc by_folder(struct pm_model *m, struct pm_model_item *v, size_t n)
{
	struct pm_ctx *ctx = m->an->ctx;
	uint32_t *at = pm_calloc(ctx, m->folders.n + 1, sizeof(*at));
	struct pm_model_item *sorted = at ? pm_calloc(ctx, n, sizeof(*sorted)) : NULL;

	for (size_t i = 0; sorted && i < n; i++)
		at[v[i].folder + 1]++;
	for (size_t i = 0; sorted && i < m->folders.n; i++)
		at[i + 1] += at[i];
	for (size_t i = 0; sorted && i < n; i++)
		sorted[at[v[i].folder]++] = v[i];
	if (sorted && n)
		memcpy(v, sorted, n * sizeof(*v));
	pm_free(at);
	pm_free(sorted);
	return sorted ? PM_OK : ctx->rc;
}

void pm_model_rehang(struct pm_model *m)
{
	for (size_t i = 0; i < m->folders.n; i++)
		m->folders.v[i].n_messages = m->folders.v[i].n_assoc = 0;
	for (size_t i = m->messages.n; i--;) {
		m->folders.v[m->messages.v[i].folder].messages = (uint32_t)i;
		m->folders.v[m->messages.v[i].folder].n_messages++;
	}
	for (size_t i = m->assoc.n; i--;) {
		m->folders.v[m->assoc.v[i].folder].assoc = (uint32_t)i;
		m->folders.v[m->assoc.v[i].folder].n_assoc++;
	}
}

static enum pm_rc hang_children(struct pm_model *m)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < m->folders.n; i++) {
		if (i != m->root)
			m->folders.v[m->folders.v[i].parent].n_children++;
		if (!pm_vec_push(m->an->ctx, &m->children))
			return m->an->ctx->rc;
	}
	for (uint32_t i = 0; i < m->folders.n; i++) {
		m->folders.v[i].children = at;
		at += m->folders.v[i].n_children;
		m->folders.v[i].n_children = 0;
	}
	for (uint32_t i = 0; i < m->folders.n; i++) {
		struct pm_model_folder *up = &m->folders.v[m->folders.v[i].parent];

		if (i != m->root)
			m->children.v[up->children + up->n_children++] = i;
	}
	return PM_OK;
}

enum pm_rc pm_model_build(struct pm_analysis *an, struct pm_model *m)
{
	struct build b = {.m = m};
	enum pm_rc rc;

	pm_phase(an->ctx, "model");
	*m = (struct pm_model){.an = an, .root = PM_NO_FOLDER};
	for (unsigned i = 0; i < PM_OWN_COUNT; i++)
		m->own[i] = PM_NO_FOLDER;
	count_indices(m);
	rc = an->doubles.n || an->deleted ? spare_rows(&b) : PM_OK;
	if (rc == PM_OK)
		rc = pm_store_codepage(&an->db, &m->codepage);
	if (rc == PM_OK)
		rc = settle_doubles(m);
	if (rc == PM_OK && an->deleted)
		rc = settle_deleted(m);
	if (rc == PM_OK)
		rc = gather_folders(&b);
	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		unsigned t = pm_nid_type(an->db.nodes.v[i].nid);

		if (t == 4 || t == 8)
			rc = place_item(&b, &an->db.nodes.v[i]);
	}
	if (rc == PM_OK)
		rc = place_folders(&b);
	if (rc == PM_OK)
		rc = order_folders(&b);
	if (rc == PM_OK)
		rc = by_folder(m, m->messages.v, m->messages.n);
	if (rc == PM_OK)
		rc = by_folder(m, m->assoc.v, m->assoc.n);
	if (rc == PM_OK) {
		pm_model_rehang(m);
		rc = hang_children(m);
	}
	pm_map_done(&b.index);
	pm_map_done(&b.rows.folder);
	pm_map_done(&b.rows.item);
	return rc;
}

const char *pm_placed_name(unsigned placed)
{
	static const char *const names[] = {
		[PM_PLACED_TREE] = "node",         [PM_PLACED_ROW] = "row of the folder's table",
		[PM_PLACED_RECOVERED] = "nothing", [PM_PLACED_MADE] = "nothing",
		[PM_PLACED_DELETED] = "deleted",
	};

	return names[placed <= PM_PLACED_DELETED ? placed : PM_PLACED_MADE];
}

void pm_model_done(struct pm_model *m)
{
	pm_vec_done(&m->folders);
	pm_vec_done(&m->children);
	pm_vec_done(&m->messages);
	pm_vec_done(&m->assoc);
}
