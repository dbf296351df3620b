/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which folder an orphaned table belongs to: nothing in a table says so.
 *
 * Gathers: nids of orphaned hierarchy and contents tables, and of folders.
 * Needs: orphans with their subnodes, nodes that are known.
 *
 * Evidence, best first: the parents of listed objects whose nodes are known; the folders that the
 * store names; how many items and unread ones a folder says it has; the order in which folders
 * were made (a folder's subfolders come after it). What has no evidence gets a folder of its own.
 */
#include "recover/orphans.h"

#include "base/sort.h"
#include "ltp/pc.h"
#include "ltp/tc.h"
#include "msg/folder.h"
#include "msg/store.h"
#include "recover/model.h"

#define NEAR       0x100 /* between the ids of parts of one folder */
#define VOTERS_MAX 64    /* rows of a table that are asked */

/* A folder that a node or a row names. */
struct known {
	uint64_t nid;
	uint32_t count, unread;
	bool subfolders, counted;
};

/* An orphaned table that has no owner yet. */
struct loose {
	uint64_t order; /* hierarchies: the lowest nid in it; contents: its data */
	size_t orphan;
	uint32_t rows, unread;
};

struct owners {
	struct pm_orphans *o;
	struct pm_map given; /* nids of tables and folders that orphans have got -> their data */
	PM_VEC(struct known) folders; /* ascending by nid */
	PM_VEC(struct loose) loose;   /* of the type at hand */
	struct pm_map last;           /* id in a row of that type -> the last data that list it */
	pm_nid subtree, wastebasket;  /* by the store; 0 unknown */
	uint32_t next_folder;         /* index of the next folder that is made up */
};

static unsigned type_of(const struct pm_orphan *x)
{
	return x->kind == PM_OR_HIERARCHY  ? PM_NT_HIERARCHY
	       : x->kind == PM_OR_CONTENTS ? PM_NT_CONTENTS
					   : PM_NT_ASSOC_CONTENTS;
}

/* Is it a table that several nodes share, by an older leaf: the empty template of a new folder? */
static bool new_then(const struct pm_analysis *an, const struct pm_node *n)
{
	const size_t i = n->origin == PM_FROM_STALE ? pm_block_index(an, n->data) : SIZE_MAX;

	return i != SIZE_MAX && an->refs[i] > 1;
}

/* Has the folder no table of this type? */
static bool lacks(const struct owners *w, pm_nid folder, unsigned type)
{
	const struct pm_analysis *an = w->o->an;
	pm_nid nid = pm_folder_companion(folder, type);
	const struct pm_node *n = pm_ndb_find_node(&an->db, nid);

	return (!n || !n->data || n->flags || new_then(an, n)) && !pm_map_has(&w->given, nid);
}

/* Where the folder has only what an older leaf names, and this table, which lives by the block tree, was saved
 * later, that one makes room: its rows name what was deleted since. */
static enum pm_rc make_room(struct owners *w, pm_nid folder, const struct pm_orphan *x)
{
	struct pm_node *n =
		pm_ndb_find_node(&w->o->an->db, pm_folder_companion(folder, type_of(x)));
	enum pm_rc rc;

	if (!n || n->origin != PM_FROM_STALE || n->data >= x->data || !x->certain || x->mapped)
		return PM_OK;
	rc = pm_refs_node(w->o->an, n, false);
	n->data = n->sub = 0;
	return rc;
}

static enum pm_rc give(struct owners *w, struct pm_orphan *x, pm_nid folder)
{
	x->nid = pm_folder_companion(folder, type_of(x));
	x->placed = true;
	return pm_map_put(w->o->an->ctx, &w->given, x->nid, x->data);
}

/* ---- what is known of folders ---- */

static struct known *find(const struct owners *w, pm_nid nid)
{
	const size_t i = pm_lower_member(&w->folders, nid, nid);

	return i < w->folders.n && w->folders.v[i].nid == nid ? &w->folders.v[i] : NULL;
}

static void take_index(struct owners *w, pm_nid nid)
{
	if (nid >> 5 >= w->next_folder && nid >> 5 < 0x4000000)
		w->next_folder = (nid >> 5) + 1;
}

static enum pm_rc add_known(struct owners *w, pm_nid nid)
{
	struct known *k = pm_vec_push(w->o->an->ctx, &w->folders);

	if (!k)
		return w->o->an->ctx->rc;
	k->nid = nid;
	take_index(w, nid);
	return PM_OK;
}

static enum pm_rc add_rows(struct owners *w, pm_bid data, pm_bid sub)
{
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&w->o->an->db, data, sub, &tc);

	for (size_t k = 0; k < tc.rows.n && !pm_is_error(rc); k++)
		if (pm_nid_type(tc.rows.v[k].id) == PM_NT_FOLDER)
			rc = add_known(w, tc.rows.v[k].id);
	pm_tc_close(&tc);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Folders of nodes, of rows of hierarchy tables, and of parents that are named. */
static enum pm_rc gather_folders(struct owners *w)
{
	const struct pm_ndb *db = &w->o->an->db;
	enum pm_rc rc = add_known(w, PM_NID_ROOT);
	size_t n = 0;

	for (size_t i = 0; i < db->nodes.n && rc == PM_OK; i++) {
		pm_nid nid = db->nodes.v[i].nid;

		if (pm_nid_type(nid) == PM_NT_FOLDER)
			rc = add_known(w, nid);
		if (rc == PM_OK && pm_nid_type(db->nodes.v[i].parent) == PM_NT_FOLDER)
			rc = add_known(w, db->nodes.v[i].parent);
		if (rc == PM_OK && pm_nid_type(nid) == PM_NT_HIERARCHY)
			rc = add_rows(w, db->nodes.v[i].data, db->nodes.v[i].sub);
		if (pm_nid_type(nid) >= PM_NT_HIERARCHY && pm_nid_type(nid) <= PM_NT_ASSOC_CONTENTS)
			take_index(w, nid);
	}
	for (size_t i = 0; i < w->o->v.n && rc == PM_OK; i++) {
		if (w->o->v.v[i].kind == PM_OR_HIERARCHY)
			rc = add_rows(w, w->o->v.v[i].data, w->o->v.v[i].sub);
	}
	if (rc == PM_OK)
		rc = pm_sort_member(w->o->an->ctx, &w->folders, nid);
	for (size_t i = 0; i < w->folders.n; i++)
		if (!n || w->folders.v[n - 1].nid != w->folders.v[i].nid)
			w->folders.v[n++] = w->folders.v[i];
	w->folders.n = n;
	return rc;
}

/* Items, unread ones and subfolders, as the rows of a hierarchy table say. */
static enum pm_rc count_by_rows(struct owners *w, pm_bid data, pm_bid sub)
{
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&w->o->an->db, data, sub, &tc);

	for (size_t i = 0; i < tc.rows.n && !pm_is_error(rc); i++) {
		struct known *k = find(w, tc.rows.v[i].id);
		uint32_t subs = 0;

		if (!k)
			continue;
		rc = pm_tc_u32(&tc, i, PM_ID_CONTENT_COUNT, &k->count);
		k->counted |= rc == PM_OK;
		if (!pm_is_error(rc))
			rc = pm_tc_u32(&tc, i, PM_ID_CONTENT_UNREAD, &k->unread);
		if (!pm_is_error(rc))
			rc = pm_tc_u32(&tc, i, PM_ID_SUBFOLDERS, &subs);
		k->subfolders |= subs & 1;
	}
	pm_tc_close(&tc);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* The same by its own properties, which are the truth where both are there. */
static enum pm_rc count_by_pc(struct owners *w, pm_nid nid, pm_bid data, pm_bid sub)
{
	struct known *k = find(w, nid);
	uint32_t subs = 0;
	struct pm_pc pc;
	enum pm_rc rc;

	if (!k)
		return PM_OK;
	rc = pm_pc_open(&w->o->an->db, data, sub, &pc);
	if (!pm_is_error(rc))
		rc = pm_pc_u32(&pc, PM_ID_CONTENT_COUNT, &k->count);
	k->counted |= rc == PM_OK;
	if (!pm_is_error(rc))
		rc = pm_pc_u32(&pc, PM_ID_CONTENT_UNREAD, &k->unread);
	if (!pm_is_error(rc))
		rc = pm_pc_u32(&pc, PM_ID_SUBFOLDERS, &subs);
	k->subfolders |= subs & 1;
	pm_pc_close(&pc);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc count_folders(struct owners *w)
{
	const struct pm_ndb *db = &w->o->an->db;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < db->nodes.n && rc == PM_OK; i++)
		if (pm_nid_type(db->nodes.v[i].nid) == PM_NT_HIERARCHY)
			rc = count_by_rows(w, db->nodes.v[i].data, db->nodes.v[i].sub);
	for (size_t i = 0; i < w->o->v.n && rc == PM_OK; i++)
		if (w->o->v.v[i].kind == PM_OR_HIERARCHY)
			rc = count_by_rows(w, w->o->v.v[i].data, w->o->v.v[i].sub);
	for (size_t i = 0; i < db->nodes.n && rc == PM_OK; i++)
		if (pm_nid_type(db->nodes.v[i].nid) == PM_NT_FOLDER && !db->nodes.v[i].flags)
			rc = count_by_pc(w, db->nodes.v[i].nid, db->nodes.v[i].data,
					 db->nodes.v[i].sub);
	return rc;
}

/* ---- the store ---- */

static enum pm_rc entry_nid(struct pm_pc *pc, uint16_t id, pm_nid *ret)
{
	struct pm_buf b = {0};
	enum pm_rc rc = pm_pc_binary(pc, id, 64, &b);

	if (rc == PM_OK)
		*ret = pm_entry_id_nid((struct pm_span){.p = b.p, .n = b.n}, NULL);
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Objects of which there is one only; what the store says of folders. */
static enum pm_rc own_store(struct owners *w)
{
	const struct pm_ndb *db = &w->o->an->db;
	const struct pm_node *n = pm_ndb_find_node(db, PM_NID_STORE);
	const struct pm_node *map = pm_ndb_find_node(db, PM_NID_NAMEMAP);
	pm_bid data = n && !n->flags ? n->data : 0;
	bool names = map && map->data && !map->flags;
	struct pm_pc pc;
	enum pm_rc rc;

	/* The one saved last: ids ascend. */
	for (size_t i = w->o->v.n; i--;) {
		struct pm_orphan *x = &w->o->v.v[i];

		if (x->kind == PM_OR_STORE && !data) {
			data = x->data;
			x->nid = PM_NID_STORE;
			x->placed = true;
		}
		if (x->kind == PM_OR_NAMES && !names) {
			names = true;
			x->nid = PM_NID_NAMEMAP;
			x->placed = true;
		}
	}
	rc = pm_pc_open(db, data, 0, &pc);
	if (!pm_is_error(rc))
		rc = entry_nid(&pc, PM_ID_IPM_SUBTREE_ENTRYID, &w->subtree);
	if (!pm_is_error(rc))
		rc = entry_nid(&pc, PM_ID_IPM_WASTEBASKET_ENTRYID, &w->wastebasket);
	pm_pc_close(&pc);
	if (!w->subtree)
		w->subtree = PM_NID_SUBTREE;
	return pm_is_error(rc) ? rc : PM_OK;
}

/* ---- tables ---- */

enum pm_rc pm_orphans_parent(struct pm_orphans *o, const struct pm_tc *tc, pm_nid own, pm_nid *ret)
{
	struct pm_map votes = {0};
	uint64_t most = 0;
	enum pm_rc rc = PM_OK;

	*ret = 0;
	for (size_t i = 0; i < tc->rows.n && i < VOTERS_MAX && rc == PM_OK; i++) {
		const struct pm_node *n = pm_ndb_find_node(&o->an->db, tc->rows.v[i].id);
		struct pm_map_entry *e;

		if (!n || pm_nid_type(n->parent) != PM_NT_FOLDER)
			continue;
		e = pm_map_get(o->an->ctx, &votes, n->parent, NULL);
		if (!e)
			rc = o->an->ctx->rc;
		else if ((e->value += n->parent == own ? 2 : 1) > most) {
			most = e->value;
			*ret = n->parent;
		}
	}
	pm_map_done(&votes);
	return rc;
}

static enum pm_rc count_unread(struct pm_tc *tc, uint32_t *ret)
{
	enum pm_rc rc = PM_OK;

	*ret = 0;
	for (size_t i = 0; i < tc->rows.n && !pm_is_error(rc); i++) {
		uint32_t flags = 1;

		rc = pm_tc_u32(tc, i, PM_ID_MESSAGE_FLAGS, &flags);
		*ret += !(flags & 1);
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

/* The rows of a table that is saved under this id; UINT64_MAX: its node says that it is the last. */
static enum pm_rc see_table(struct owners *w, pm_bid data, pm_bid sub, uint64_t as)
{
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&w->o->an->db, data, sub, &tc);

	for (size_t i = 0; i < tc.rows.n && !pm_is_error(rc); i++) {
		struct pm_map_entry *e = pm_map_get(w->o->an->ctx, &w->last, tc.rows.v[i].id, NULL);

		if (!e)
			rc = w->o->an->ctx->rc;
		else if (as > e->value)
			e->value = as;
	}
	pm_tc_close(&tc);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Where tables live by the map alone: which of those that list an object was saved last? */
static enum pm_rc see_tables(struct owners *w, enum pm_orphan_kind kind)
{
	const struct pm_orphans *o = w->o;
	const struct pm_ndb *db = &o->an->db;
	const struct pm_orphan of_kind = {.kind = kind};
	bool any = false;
	enum pm_rc rc = PM_OK;

	pm_map_done(&w->last);
	for (size_t i = 0; i < o->v.n; i++)
		any |= o->v.v[i].kind == kind && o->v.v[i].mapped && !o->v.v[i].placed;
	for (size_t i = 0; i < db->nodes.n && any && rc == PM_OK; i++) {
		const struct pm_node *n = &db->nodes.v[i];

		if (pm_nid_type(n->nid) == type_of(&of_kind) && n->data && !n->flags)
			rc = see_table(w, n->data, n->sub,
				       n->origin == PM_FROM_TREE ? UINT64_MAX : n->data);
	}
	for (size_t i = 0; i < o->v.n && any && rc == PM_OK; i++)
		if (o->v.v[i].kind == kind && !o->v.v[i].freed)
			rc = see_table(w, o->v.v[i].data, o->v.v[i].sub, o->v.v[i].data);
	return rc;
}

/*
 * Does the table say what a folder has? Not without rows. And the map knows blocks of older generations as
 * well: it is of another day if the block tree has given it up, or another table that lists some of
 * the same objects is younger.
 */
static bool says_nothing(const struct owners *w, const struct pm_orphan *x, const struct pm_tc *tc)
{
	if (!tc->rows.n || x->freed)
		return true;
	if (!x->mapped)
		return false;
	for (size_t i = 0; i < tc->rows.n; i++) {
		const struct pm_map_entry *e = pm_map_find(&w->last, tc->rows.v[i].id);

		if (e && e->value > x->data)
			return true;
	}
	return false;
}

/* By the objects that it lists; else it is loose. */
static enum pm_rc judge(struct owners *w, size_t i)
{
	struct pm_orphan *x = &w->o->v.v[i];
	struct loose l = {.orphan = i, .order = x->kind == PM_OR_HIERARCHY ? UINT64_MAX : x->data};
	struct loose *slot;
	pm_nid folder = 0;
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&w->o->an->db, x->data, x->sub, &tc);

	if (!pm_is_error(rc))
		rc = pm_orphans_parent(w->o, &tc, 0, &folder);
	for (size_t k = 0; k < tc.rows.n && x->kind == PM_OR_HIERARCHY; k++) {
		pm_nid id = tc.rows.v[k].id;

		if (id < l.order)
			l.order = id;
		if (!folder && id == w->subtree)
			folder = PM_NID_ROOT;
		if (!folder && id == w->wastebasket && id)
			folder = w->subtree;
	}
	l.rows = (uint32_t)tc.rows.n;
	if (!pm_is_error(rc) && x->kind == PM_OR_CONTENTS)
		rc = count_unread(&tc, &l.unread);
	if (says_nothing(w, x, &tc))
		x->kind = PM_OR_OTHER;
	pm_tc_close(&tc);
	if (pm_is_error(rc) || x->kind == PM_OR_OTHER)
		return pm_is_error(rc) ? rc : PM_OK;
	if (folder)
		rc = make_room(w, folder, x);
	if (rc == PM_OK && folder && lacks(w, folder, type_of(x)))
		return give(w, x, folder);
	if (pm_is_error(rc))
		return rc;
	slot = pm_vec_push(w->o->an->ctx, &w->loose);
	if (!slot)
		return w->o->an->ctx->rc;
	*slot = l;
	return PM_OK;
}

/* A folder's subfolders are made after it: the youngest that is older than what the table lists. */
static const struct known *by_age(const struct owners *w, const struct loose *l)
{
	const struct known *best = NULL;

	for (size_t i = 0; i < w->folders.n; i++) {
		const struct known *k = &w->folders.v[i];

		if (!k->subfolders || !lacks(w, (pm_nid)k->nid, PM_NT_HIERARCHY))
			continue;
		if (k->nid < l->order || !best)
			best = k;
	}
	return best;
}

/* The one folder (or, of several alike, the first) that says it has so many items. */
static const struct known *by_count(const struct owners *w, const struct loose *l)
{
	for (size_t i = 0; i < w->folders.n; i++) {
		const struct known *k = &w->folders.v[i];

		if (k->counted && k->count == l->rows && k->unread == l->unread &&
		    lacks(w, (pm_nid)k->nid, PM_NT_CONTENTS))
			return k;
	}
	return NULL;
}

/* Where a folder's own context or contents were saved; 0: not known. */
static pm_bid saved_at(const struct owners *w, pm_nid folder)
{
	static const unsigned types[] = {PM_NT_CONTENTS, PM_NT_FOLDER};

	for (unsigned i = 0; i < 2; i++) {
		pm_nid nid = pm_folder_companion(folder, types[i]);
		const struct pm_node *n = pm_ndb_find_node(&w->o->an->db, nid);
		const struct pm_map_entry *e = pm_map_find(&w->given, nid);

		if (e && e->value > 1)
			return e->value;
		if (n && n->data)
			return n->data;
	}
	return 0;
}

/* Associated items are not counted in folders: the one whose other parts were saved nearest. */
static const struct known *by_nearness(const struct owners *w, pm_bid data)
{
	const struct known *best = NULL;
	uint64_t least = NEAR;

	for (size_t i = 0; i < w->folders.n; i++) {
		const struct known *k = &w->folders.v[i];
		pm_bid at = saved_at(w, (pm_nid)k->nid);
		uint64_t distance = at > data ? at - data : data - at;

		if (at && distance < least && lacks(w, (pm_nid)k->nid, PM_NT_ASSOC_CONTENTS)) {
			least = distance;
			best = k;
		}
	}
	return best;
}

/* Tables that were doubted, and are nobody else's, go back: objects are known by their rows. */
static enum pm_rc return_tables(struct owners *w, enum pm_orphan_kind kind)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < w->o->v.n && rc == PM_OK; i++) {
		struct pm_orphan *x = &w->o->v.v[i];
		const struct pm_node *n;

		if (x->kind != kind || x->nid || x->from == PM_OR_NO_NODE)
			continue;
		n = &w->o->an->db.nodes.v[x->from];
		if (pm_nid_type(n->nid) != type_of(x) || pm_map_has(&w->given, n->nid))
			continue;
		if (!x->sub)
			x->sub = x->had ? x->had : n->sub;
		rc = give(w, x, pm_folder_companion(n->nid, PM_NT_FOLDER));
	}
	return rc;
}

static enum pm_rc own_tables(struct owners *w, enum pm_orphan_kind kind)
{
	struct pm_orphans *o = w->o;
	enum pm_rc rc = see_tables(w, kind);

	w->loose.n = 0;
	for (size_t i = 0; i < o->v.n && rc == PM_OK; i++)
		if (o->v.v[i].kind == kind && !o->v.v[i].placed)
			rc = judge(w, i);
	if (rc == PM_OK)
		rc = pm_sort_member(o->an->ctx, &w->loose, order);
	for (size_t i = 0; i < w->loose.n && rc == PM_OK; i++) {
		const struct loose *l = &w->loose.v[i];
		const struct known *k = kind == PM_OR_HIERARCHY  ? by_age(w, l)
					: kind == PM_OR_CONTENTS ? by_count(w, l)
								 : by_nearness(w, l->order);
		pm_nid folder = k ? (pm_nid)k->nid : 0;

		rc = pm_spend(o->an->ctx, w->folders.n);
		if (rc)
			break;
		/* What it lists shall stay together. What was only doubted has a place. */
		if (!folder && o->v.v[l->orphan].certain &&
		    o->v.v[l->orphan].from == PM_OR_NO_NODE) {
			folder = pm_nid_make(PM_NT_FOLDER, w->next_folder++);
			o->v.v[l->orphan].folder_made_up = true;
		}
		if (folder)
			rc = give(w, &o->v.v[l->orphan], folder);
	}
	return rc ? rc : return_tables(w, kind);
}

/* The root is the folder without a name. */
static void own_root(struct owners *w)
{
	const struct pm_node *n = pm_ndb_find_node(&w->o->an->db, PM_NID_ROOT);

	if (n && n->data && !n->flags)
		return;
	for (size_t i = w->o->v.n; i--;) {
		struct pm_orphan *x = &w->o->v.v[i];

		if (x->kind != PM_OR_FOLDER || x->placed || x->name)
			continue;
		x->nid = x->parent = PM_NID_ROOT;
		x->placed = true;
		return;
	}
}

/* Folders whose row is found have their own word on what they hold. */
static enum pm_rc recount(struct owners *w)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < w->o->v.n && rc == PM_OK; i++) {
		const struct pm_orphan *x = &w->o->v.v[i];

		if (x->kind != PM_OR_FOLDER || !x->nid)
			continue;
		rc = count_by_pc(w, x->nid, x->data, x->sub);
		if (rc == PM_OK)
			rc = pm_map_put(w->o->an->ctx, &w->given, x->nid, x->data);
	}
	return rc;
}

/* May a table that lists items be lost: that of a folder with items, or of which nothing is known
 * but its nid, or of one that a lost list of folders named? The store names two that must be. */
static bool tables_missing(const struct owners *w)
{
	if ((w->subtree && !find(w, w->subtree)) || (w->wastebasket && !find(w, w->wastebasket)))
		return true;
	for (size_t i = 0; i < w->folders.n; i++) {
		const struct known *k = &w->folders.v[i];

		if ((k->count || !k->counted) && lacks(w, (pm_nid)k->nid, PM_NT_CONTENTS))
			return true;
		if (k->subfolders && lacks(w, (pm_nid)k->nid, PM_NT_HIERARCHY))
			return true;
	}
	return w->folders.n < 2;
}

enum pm_rc pm_orphans_own(struct pm_orphans *o)
{
	struct owners w = {.o = o, .next_folder = 0x400};
	enum pm_rc rc = own_store(&w);

	if (!(o->an->header_bad & PM_HR_SERIOUS) && o->an->header.rgnid[2] < 0x4000000)
		w.next_folder = o->an->header.rgnid[2] + 1;
	if (rc == PM_OK)
		rc = gather_folders(&w);
	if (rc == PM_OK)
		rc = count_folders(&w);
	if (rc == PM_OK)
		rc = own_tables(&w, PM_OR_HIERARCHY);
	if (rc == PM_OK)
		own_root(&w);
	if (rc == PM_OK)
		rc = pm_orphans_doubt_folders(o);
	if (rc == PM_OK)
		rc = pm_orphans_by_rows(o, PM_OR_FOLDER, PM_NT_HIERARCHY);
	if (rc == PM_OK)
		rc = recount(&w);
	if (rc == PM_OK)
		rc = own_tables(&w, PM_OR_CONTENTS);
	if (rc == PM_OK)
		rc = own_tables(&w, PM_OR_ASSOC_CONTENTS);
	o->rows_missing = tables_missing(&w);
	pm_map_done(&w.given);
	pm_map_done(&w.last);
	pm_vec_done(&w.folders);
	pm_vec_done(&w.loose);
	return rc;
}
