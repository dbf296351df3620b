/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects known by content alone become nodes again. Only where a part of the node tree is lost,
 * or entries of it were wrong: else what no node names was deleted.
 *
 * Gathers: nodes of orphans, where known with the nid that rows give them; without, items come
 * to the doubles, which get a nid of their own and, having no parent, the recovery folder.
 * Needs: settled nodes, references.
 */
#include "recover/orphans.h"

#include "base/sort.h"
#include "ltp/tc.h"
#include "msg/folder.h"

/* Nids of messages begin here [MS-PST 2.2.2.6, rgnid]. */
#define FIRST_MESSAGE UINT64_C(0x200000)

/* Was anything about the node tree such that nodes can be missing? */
static bool suspicious(const struct pm_analysis *an)
{
	/* What was found as the top of the tree may be a part of it. Of two entries with one nid, one is
	 * another's. */
	if (an->root_rejected[1] || an->doubles.n)
		return true;
	for (size_t i = 0; i < an->lost.n; i++)
		if (an->lost.v[i].ptype == PM_PTYPE_NBT)
			return true;
	/* A page of another generation in the place of a live one: what came later is not in it. */
	for (size_t i = 0; i < an->pages.n; i++)
		if (an->pages.v[i].ptype == PM_PTYPE_NBT &&
		    an->pages.v[i].bad & (PM_PR_BID | PM_PR_BID_LOW) && !an->pages.v[i].elsewhere)
			return true;
	for (size_t i = 0; i < an->notes.n; i++)
		if (an->notes.v[i].kind == PM_NOTE_NODE_RANGE ||
		    an->notes.v[i].kind == PM_NOTE_NODE_DISOWNED)
			return true;
	for (size_t i = 0; i < an->db.nodes.n; i++)
		if (an->db.nodes.v[i].flags || an->db.nodes.v[i].origin == PM_FROM_WRONG)
			return true;
	return false;
}

/* Do all blocks have entries, which name as many references as there are? */
static bool blocks_agree(const struct pm_analysis *an)
{
	for (size_t i = 0; i < an->db.blocks.n; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];

		if (b->flags & (PM_BF_FOUND | PM_BF_SUSPECT) || b->cref != an->refs[i] + 1)
			return false;
	}
	return true;
}

/*
 * The tops of the trees are gone, and nothing else is: then no node can be missing, since its blocks would
 * be there, named by nobody; and none can be of another day, since all leaves that there are were taken.
 */
static bool nothing_missing(const struct pm_analysis *an)
{
	if (an->dangling || !an->swept)
		return false;
	for (size_t i = 0; i < an->facts.n; i++)
		if (!an->facts.v[i].level && !an->facts.v[i].in_tree &&
		    (an->facts.v[i].ptype == PM_PTYPE_NBT || an->facts.v[i].ptype == PM_PTYPE_BBT))
			return false;
	for (size_t i = 0; i < an->pages.n; i++)
		if (an->pages.v[i].grade != PM_GRADE_A)
			return false;
	for (size_t i = 0; i < an->notes.n; i++)
		if (an->notes.v[i].kind == PM_NOTE_NODE_RANGE ||
		    an->notes.v[i].kind == PM_NOTE_BLOCK_RANGE ||
		    an->notes.v[i].kind == PM_NOTE_NODE_DISOWNED)
			return false;
	for (size_t i = 0; i < an->db.nodes.n; i++)
		if (an->db.nodes.v[i].flags || an->db.nodes.v[i].origin != PM_FROM_TREE)
			return false;
	return blocks_agree(an);
}

static unsigned item_type(const struct pm_orphan *x)
{
	switch (x->kind) {
	case PM_OR_MESSAGE:
		return PM_NT_MESSAGE;
	case PM_OR_ASSOC:
		return PM_NT_ASSOC;
	case PM_OR_FOLDER:
		return PM_NT_FOLDER;
	}
	return 0;
}

/* Does neither tree nor map nor table say that it lives? */
static bool uncertain(const struct pm_orphan *x)
{
	return !x->placed && !x->certain && item_type(x);
}

/* A folder that may be the older content of another. */
static bool doubtful_folder(const struct pm_orphans *o, const struct pm_orphan *x)
{
	return x->kind == PM_OR_FOLDER && !x->placed && !x->nid && (x->mapped || o->counts_wrong);
}

/* Search keys of the items that have a node; by an older leaf alone: in `old`, with its index. */
static enum pm_rc known_items(struct pm_orphans *o, struct pm_map *seen, struct pm_map *old)
{
	const struct pm_ndb *db = &o->an->db;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < db->nodes.n && rc == PM_OK; i++) {
		const bool stale = db->nodes.v[i].origin == PM_FROM_STALE;
		struct pm_orphan x = {.data = db->nodes.v[i].data};

		if (pm_nid_type(db->nodes.v[i].nid) != PM_NT_MESSAGE || !x.data)
			continue;
		rc = pm_orphan_look(o, &x, PM_BK_PC);
		if (rc == PM_OK && x.search)
			rc = pm_map_put(o->an->ctx, stale ? old : seen, x.search, i);
	}
	return rc;
}

/* An item that an older leaf names, saved again later: the later one takes its place. */
static bool renew(struct pm_orphans *o, struct pm_orphan *x, const struct pm_map *old)
{
	const struct pm_map_entry *e = x->search ? pm_map_find(old, x->search) : NULL;
	const struct pm_node *n = e ? &o->an->db.nodes.v[e->value] : NULL;

	if (!n || n->data > x->data)
		return false;
	x->nid = n->nid;
	x->parent = n->parent;
	return true;
}

/* The nids of items that have content. */
static enum pm_rc with_content(struct pm_orphans *o, struct pm_map *ret)
{
	const struct pm_ndb *db = &o->an->db;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < db->nodes.n && rc == PM_OK; i++)
		if (pm_nid_type(db->nodes.v[i].nid) == PM_NT_MESSAGE && db->nodes.v[i].data &&
		    !db->nodes.v[i].flags)
			rc = pm_map_put(o->an->ctx, ret, db->nodes.v[i].nid, 1);
	for (size_t i = 0; i < o->v.n && rc == PM_OK; i++)
		if (o->v.v[i].nid)
			rc = pm_map_put(o->an->ctx, ret, o->v.v[i].nid, 1);
	return rc;
}

/* Can all tables that list items be read, to the last row? */
static enum pm_rc rows_whole(struct pm_orphans *o, bool *ret)
{
	const struct pm_ndb *db = &o->an->db;
	struct pm_map has = {0};
	enum pm_rc rc = with_content(o, &has);

	*ret = !o->rows_missing;
	for (size_t i = 0; i < db->nodes.n + o->v.n && *ret && rc == PM_OK; i++) {
		const struct pm_node *n = i < db->nodes.n ? &db->nodes.v[i] : NULL;
		const struct pm_orphan *x = n ? NULL : &o->v.v[i - db->nodes.n];
		const pm_nid nid = n ? n->nid : x->nid;
		struct pm_tc tc;

		if (pm_nid_type(nid) != PM_NT_CONTENTS || (n && !n->data))
			continue;
		rc = pm_tc_open(db, n ? n->data : x->data, n ? n->sub : x->sub, &tc);
		*ret = rc == PM_OK && !tc.lost && !tc.rules;
		/* A row that is known by its id alone may be that of any content. */
		for (size_t k = 0; k < tc.rows.n && *ret; k++) {
			const bool there = pm_map_has(&has, tc.rows.v[k].id);

			*ret = tc.rows.v[k].state == PM_OK || there;
			o->vacant |= !there;
		}
		pm_tc_close(&tc);
		rc = pm_is_error(rc) ? rc : PM_OK;
	}
	pm_map_done(&has);
	return rc;
}

/*
 * A folder of which not even the nid is known holds nothing, since what it held would name it: it is
 * worth its name. Where only the map says that it lives, or counts that are wrong, it is the older
 * content of the one that has that name, if there is one, and nothing if the block tree has given it up.
 */
static enum pm_rc drop_folders(struct pm_orphans *o)
{
	const struct pm_ndb *db = &o->an->db;
	struct pm_map names = {0};
	bool any = false;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->v.n; i++)
		any |= doubtful_folder(o, &o->v.v[i]);
	for (size_t i = 0; i < db->nodes.n && any && rc == PM_OK; i++) {
		struct pm_orphan x = {.data = db->nodes.v[i].data};

		if (pm_nid_type(db->nodes.v[i].nid) != PM_NT_FOLDER || !x.data)
			continue;
		rc = pm_orphan_look(o, &x, PM_BK_PC);
		if (rc == PM_OK && x.name)
			rc = pm_map_put(o->an->ctx, &names, x.name, 1);
	}
	for (size_t i = 0; i < o->v.n && any && rc == PM_OK; i++)
		if (o->v.v[i].kind == PM_OR_FOLDER && o->v.v[i].name &&
		    !doubtful_folder(o, &o->v.v[i]))
			rc = pm_map_put(o->an->ctx, &names, o->v.v[i].name, 1);
	/* The one that was saved last stays. */
	for (size_t i = o->v.n; i-- && any && rc == PM_OK;) {
		struct pm_orphan *x = &o->v.v[i];
		bool new = true;

		if (!doubtful_folder(o, x))
			continue;
		if (x->name && !x->freed && !pm_map_get(o->an->ctx, &names, x->name, &new))
			rc = o->an->ctx->rc;
		if (x->freed || !x->name || !new)
			x->kind = PM_OR_OTHER;
	}
	pm_map_done(&names);
	return rc;
}

/* A table has got a folder of its own that what it lists may stay together: not where all of that is
 * known to be elsewhere, or nowhere, and only the map says that it lives. */
static enum pm_rc drop_made_up(struct pm_orphans *o)
{
	struct pm_map used = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->v.n && rc == PM_OK; i++)
		if (item_type(&o->v.v[i]) && o->v.v[i].parent)
			rc = pm_map_put(o->an->ctx, &used, o->v.v[i].parent, 1);
	for (size_t i = 0; i < o->v.n && rc == PM_OK; i++) {
		struct pm_orphan *x = &o->v.v[i];

		if (!x->folder_made_up ||
		    pm_map_has(&used, pm_folder_companion(x->nid, PM_NT_FOLDER)))
			continue;
		x->nid = 0;
		x->kind = PM_OR_OTHER;
	}
	pm_map_done(&used);
	return rc;
}

/* Is the node's own content named by its entry, there or not (`lost`: ids of which the block tree's leaves are lost)? It
 * is if an older version stands in for it, and not if it was taken from it as doubtful. */
static bool names_its_own(const struct pm_analysis *an, const struct pm_rangeset *lost,
			  const struct pm_node *n)
{
	const size_t i = pm_block_index(an, n->data);

	if ((n->origin != PM_FROM_TREE && !n->older) || n->flags & PM_NF_UNFIT || !n->data)
		return false;
	return i == SIZE_MAX ? pm_rangeset_contains(lost, n->data, n->data + 1) : an->refs[i] == 1;
}

/* Is that part of the node tree there, to the last entry, that has messages? */
static bool messages_whole(const struct pm_orphans *o)
{
	const struct pm_analysis *an = o->an;

	if (an->root_rejected[1] || an->assembled[1] || o->doubled.n)
		return false;
	for (size_t i = 0; i < an->lost.n; i++)
		if (an->lost.v[i].ptype == PM_PTYPE_NBT && an->lost.v[i].hi > FIRST_MESSAGE)
			return false;
	for (size_t i = 0; i < an->pages.n; i++)
		if (an->pages.v[i].ptype == PM_PTYPE_NBT && an->pages.v[i].grade != PM_GRADE_A &&
		    an->pages.v[i].hi > FIRST_MESSAGE)
			return false;
	for (size_t i = 0; i < an->notes.n; i++)
		if (an->notes.v[i].kind == PM_NOTE_NODE_RANGE)
			return false;
	return true;
}

/* Does each message's entry name what is its own, and is none lost? Then a message that none names was deleted. */
static enum pm_rc all_named(const struct pm_orphans *o, bool *ret)
{
	const struct pm_analysis *an = o->an;
	struct pm_rangeset lost = {0};
	enum pm_rc rc = PM_OK;

	*ret = messages_whole(o);
	for (size_t i = 0; i < an->lost.n && *ret && rc == PM_OK; i++)
		if (an->lost.v[i].ptype == PM_PTYPE_BBT)
			rc = pm_rangeset_add(an->ctx, &lost, an->lost.v[i].lo, an->lost.v[i].hi);
	for (size_t i = 0; i < an->db.nodes.n && *ret && rc == PM_OK; i++)
		if (pm_nid_type(an->db.nodes.v[i].nid) == PM_NT_MESSAGE)
			*ret = names_its_own(an, &lost, &an->db.nodes.v[i]);
	pm_rangeset_done(&lost);
	return rc;
}

/* Was a message deleted if neither a node nor a row names it? */
static enum pm_rc all_known(struct pm_orphans *o, bool *ret)
{
	enum pm_rc rc = all_named(o, ret);

	return rc || *ret ? rc : rows_whole(o, ret);
}

/* Would a row describe it if it lived? Not if that can't be told of what is left of it, and a row's item is missing. */
static bool comparable(const struct pm_orphans *o, const struct pm_orphan *x)
{
	return !x->damaged || !o->vacant;
}

/* What lives by the map alone, and no row says so while all rows are there, was deleted. */
static enum pm_rc drop_mapped(struct pm_orphans *o)
{
	bool any = false, whole = false;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->v.n; i++)
		any |= o->v.v[i].mapped && !o->v.v[i].placed && o->v.v[i].kind == PM_OR_MESSAGE;
	if (any)
		rc = all_known(o, &whole);
	for (size_t i = 0; i < o->v.n && whole; i++)
		if (o->v.v[i].mapped && !o->v.v[i].placed && o->v.v[i].kind == PM_OR_MESSAGE &&
		    comparable(o, &o->v.v[i]))
			o->v.v[i].kind = PM_OR_OTHER;
	return rc;
}

/*
 * Where neither tree nor maps say what lives: an older copy of an item that is there is none, nor
 * is what no table lists while all tables are there, to the last row, nor what the block tree had
 * given up. Folders and associated items without a row are left alone as well.
 */
static enum pm_rc drop_uncertain(struct pm_orphans *o)
{
	struct pm_map seen = {0}, old = {0};
	bool any = false, whole = false;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->v.n; i++)
		any |= uncertain(&o->v.v[i]);
	if (any)
		rc = known_items(o, &seen, &old);
	if (any && rc == PM_OK)
		rc = all_known(o, &whole);
	for (size_t i = 0; i < o->v.n && any && rc == PM_OK; i++)
		if (!uncertain(&o->v.v[i]) && item_type(&o->v.v[i]) && o->v.v[i].search)
			rc = pm_map_put(o->an->ctx, &seen, o->v.v[i].search, 1);
	/* The one that was saved last stays. */
	for (size_t i = o->v.n; i-- && any && rc == PM_OK;) {
		struct pm_orphan *x = &o->v.v[i];
		bool new = true;

		if (!uncertain(x))
			continue;
		if (x->search && !pm_map_get(o->an->ctx, &seen, x->search, &new))
			rc = o->an->ctx->rc;
		if (new && x->kind == PM_OR_MESSAGE && renew(o, x, &old))
			continue;
		if (!new || (whole && comparable(o, x)) || x->freed || x->kind != PM_OR_MESSAGE ||
		    (x->search && pm_map_has(&old, x->search)))
			x->kind = PM_OR_OTHER;
	}
	pm_map_done(&seen);
	pm_map_done(&old);
	return rc;
}

/* Of damaged properties that no row describes, and that tell nothing, only attachments are worth a message. */
static void drop_empty(struct pm_orphans *o)
{
	for (size_t i = 0; i < o->v.n; i++) {
		struct pm_orphan *x = &o->v.v[i];
		const size_t k = x->sub ? pm_lower_member(&o->subs, bid, x->sub) : o->subs.n;

		if (!x->damaged || x->tells || x->nid || x->kind != PM_OR_MESSAGE ||
		    (k < o->subs.n && o->subs.v[k].bid == x->sub && o->subs.v[k].attach))
			continue;
		x->kind = PM_OR_OTHER;
		o->an->unindexed += x->certain && !x->mapped;
	}
}

/* The subnodes that it had in the node that it was taken from. */
static pm_bid former_subs(const struct pm_orphan *x, const struct pm_node *n)
{
	return x->had ? x->had : n->sub;
}

/* What was doubtful and fits nobody else better stays where it was. */
static enum pm_rc give_back(struct pm_orphans *o)
{
	struct pm_map given = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->v.n && rc == PM_OK; i++)
		if (o->v.v[i].nid)
			rc = pm_map_put(o->an->ctx, &given, o->v.v[i].nid, 1);
	for (size_t i = 0; i < o->v.n && rc == PM_OK; i++) {
		struct pm_orphan *x = &o->v.v[i];
		const struct pm_node *n;

		if (x->from == PM_OR_NO_NODE || x->nid)
			continue;
		n = &o->an->db.nodes.v[x->from];
		if (pm_map_has(&given, n->nid))
			continue;
		x->nid = n->nid;
		x->parent = n->parent;
		if (!x->sub)
			x->sub = former_subs(x, n);
		rc = pm_map_put(o->an->ctx, &given, x->nid, 1);
	}
	pm_map_done(&given);
	return rc;
}

/* Subnodes whose data are nowhere are nothing. */
static enum pm_rc drop_half(struct pm_analysis *an, struct pm_node *n)
{
	enum pm_rc rc;

	if (n->data || !n->sub || !(n->flags & PM_NF_UNFIT))
		return PM_OK;
	rc = pm_refs_node(an, n, false);
	n->sub = 0;
	return rc;
}

static enum pm_rc remember_named(struct pm_orphans *o)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->an->notes.n && rc == PM_OK; i++)
		if (o->an->notes.v[i].kind == PM_NOTE_NODE_DISOWNED)
			rc = pm_map_put(o->an->ctx, &o->named, o->an->notes.v[i].key,
					o->an->notes.v[i].have);
	return rc;
}

/* Did the entry of its nid name data that were saved later, and are lost? Or has the block tree given up
 * this content of an item that lives? */
static bool older(const struct pm_orphans *o, const struct pm_orphan *x)
{
	const struct pm_map_entry *e = x->nid ? pm_map_find(&o->named, x->nid) : NULL;
	const size_t i = e ? pm_block_index(o->an, e->value) : SIZE_MAX;
	const uint16_t bad = PM_BF_LOST | PM_BF_READ | PM_BF_CRC | PM_BF_SUSPECT;

	if (x->freed && item_type(x) && x->nid)
		return true;
	return e && e->value > x->data && (i == SIZE_MAX || o->an->db.blocks.v[i].flags & bad);
}

/* A message of which neither the block tree nor a row says that it lives: the map knows older contents as well. */
static bool unvouched(const struct pm_orphan *x)
{
	return x->kind == PM_OR_MESSAGE && !x->placed && (x->mapped || !x->certain);
}

static enum pm_rc take(struct pm_orphans *o, const struct pm_orphan *x)
{
	struct pm_analysis *an = o->an;
	struct pm_node *n = x->nid ? pm_ndb_find_node(&an->db, x->nid) : NULL;
	/* Doubted since it is broken, and then known to be where it was: with the subnodes that it had, if nobody else has got
	 * them. */
	const bool back =
		n && x->unsound && x->from != PM_OR_NO_NODE && n == &an->db.nodes.v[x->from];
	/* A row knows the folder better than a page with a wrong checksum, or where nids were mixed up. */
	const bool own =
		n && n->parent && ((n->origin != PM_FROM_WRONG && !o->doubled.n) || !x->parent);
	const struct pm_node now = {.nid = x->nid,
				    .parent = own ? n->parent : x->parent,
				    .data = x->data,
				    .sub = x->sub || !back ? x->sub : former_subs(x, n),
				    .origin = unvouched(x) ? PM_FROM_UNVOUCHED : PM_FROM_CONTENT,
				    .older = older(o, x)};
	enum pm_rc rc;

	/* Its subnodes are nowhere: nothing is known that its entry doesn't say. */
	if (x->node != PM_OR_NO_NODE && !x->sub)
		return PM_OK;
	if (n) {
		rc = pm_refs_node(an, n, false);
		*n = now;
	} else {
		struct pm_node *slot = x->nid ? pm_vec_push(an->ctx, &o->made)
					      : pm_vec_push(an->ctx, &an->doubles);

		if (!slot)
			return an->ctx->rc;
		*slot = now;
		if (!x->nid)
			slot->nid = item_type(x);
		rc = PM_OK;
	}
	if (rc == PM_OK)
		rc = pm_refs_node(an, &now, true);
	/* What they hold was counted as that of the dead; they are none. */
	pm_map_delete(&an->orphans, now.data);
	pm_map_delete(&an->orphans, now.sub);
	/* What was doubted for nothing is no news. */
	if (rc || (x->from != PM_OR_NO_NODE && an->db.nodes.v[x->from].nid == x->nid &&
		   an->db.nodes.v[x->from].sub == x->sub))
		return rc;
	return pm_note(an, PM_NOTE_NODE_CONTENT, x->nid, 0, x->data, x->sub);
}

/* Is the folder's contents table there, so that an item which it does not list is deleted? */
static enum pm_rc table_sound(struct pm_orphans *o, struct pm_map *tables, pm_nid folder, bool *ret)
{
	struct pm_ndb *db = &o->an->db;
	const struct pm_node *n = pm_ndb_find_node(db, pm_folder_companion(folder, PM_NT_CONTENTS));
	struct pm_map_entry *e;
	pm_nid other = 0;
	struct pm_tc tc;
	bool new;
	enum pm_rc rc;

	e = pm_map_get(o->an->ctx, tables, folder, &new);
	if (!e)
		return o->an->ctx->rc;
	*ret = e->value;
	if (!new || !n || n->flags || n->origin == PM_FROM_STALE)
		return PM_OK;
	rc = pm_tc_open(db, n->data, n->sub, &tc);
	*ret = rc == PM_OK && !tc.lost;
	/* One that lists what other folders have says nothing of this one. */
	if (*ret)
		rc = pm_orphans_parent(o, &tc, folder, &other);
	e->value = *ret = *ret && (!other || other == folder);
	pm_tc_close(&tc);
	return pm_is_error(rc) ? rc : PM_OK;
}

static void forget_found(struct pm_analysis *an, const struct pm_map *gone)
{
	size_t n = 0;

	for (size_t i = 0; i < an->notes.n; i++)
		if (an->notes.v[i].kind != PM_NOTE_NODE_FOUND ||
		    !pm_map_has(gone, an->notes.v[i].key))
			an->notes.v[n++] = an->notes.v[i];
	an->notes.n = n;
}

/* Was the message deleted since an older leaf named it? No table lists it, and its folder's would, or the block tree
 * has given up what it names. */
static enum pm_rc deleted_since(struct pm_orphans *o, const struct pm_node *n, bool up,
				const struct pm_map *listed, struct pm_map *tables, bool *ret)
{
	*ret = false;
	if (pm_map_has(listed, n->nid))
		return PM_OK;
	*ret = up;
	return up ? PM_OK : table_sound(o, tables, n->parent, ret);
}

/* Of messages that only older leaves name: deleted ones, and older versions. */
static enum pm_rc drop_deleted(struct pm_orphans *o)
{
	struct pm_ndb *db = &o->an->db;
	struct pm_map listed = {0}, tables = {0}, gone = {0};
	size_t n = 0, stale = 0;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < db->nodes.n; i++)
		stale += db->nodes.v[i].origin == PM_FROM_STALE;
	if (stale)
		rc = pm_orphans_listed(o, PM_NT_CONTENTS, &listed);
	for (size_t i = 0; i < db->nodes.n && stale && rc == PM_OK; i++) {
		struct pm_node *d = &db->nodes.v[i];
		bool since = false;

		if (d->origin == PM_FROM_STALE && pm_nid_type(d->nid) == PM_NT_MESSAGE) {
			const bool up = pm_orphans_given_up(o, d->data) &&
					(!d->sub || pm_orphans_given_up(o, d->sub));

			d->older |= up;
			rc = deleted_since(o, d, up, &listed, &tables, &since);
		}
		if (rc == PM_OK && since) {
			rc = pm_map_put(o->an->ctx, &gone, d->nid, 1);
			if (rc == PM_OK)
				rc = pm_refs_node(o->an, d, false);
		} else {
			db->nodes.v[n++] = *d;
		}
	}
	if (stale && rc == PM_OK) {
		db->nodes.n = n;
		forget_found(o->an, &gone);
	}
	pm_map_done(&gone);
	pm_map_done(&listed);
	pm_map_done(&tables);
	return rc;
}

/* Nodes whose content turned out to be another's: their nid was wrong, they are none. */
static void drop_vacated(struct pm_orphans *o)
{
	struct pm_ndb *db = &o->an->db;
	size_t n = 0;

	for (size_t i = 0; i < o->v.n; i++) {
		const struct pm_orphan *x = &o->v.v[i];
		struct pm_node *d =
			x->left && x->left != x->nid ? pm_ndb_find_node(db, x->left) : NULL;

		if (d && !d->data && !d->sub)
			d->flags |= PM_NF_VACATED;
	}
	for (size_t i = 0; i < db->nodes.n; i++)
		if (!(db->nodes.v[i].flags & PM_NF_VACATED))
			db->nodes.v[n++] = db->nodes.v[i];
	db->nodes.n = n;
}

/* The one row's id, of those that no node has, that differs from the node's in one byte and is listed by
 * the folder that the node names; 0: none. */
static pm_nid one_byte_off(const struct pm_ndb *db, const struct pm_map *listed,
			   const struct pm_node *n)
{
	pm_nid found = 0;

	for (unsigned k = 0; k < 4; k++)
		for (unsigned v = 0; v < 256; v++) {
			const pm_nid other = (pm_nid)pm_with_byte(n->nid, k, v);
			const struct pm_map_entry *row = pm_map_find(listed, other);

			if (other == n->nid || pm_nid_type(other) != pm_nid_type(n->nid) || !row ||
			    (n->parent && row->value != n->parent) || pm_ndb_find_node(db, other))
				continue;
			if (found)
				return 0;
			found = other;
		}
	return found;
}

/* Items by a page with a wrong checksum that no table lists, damaged themselves, so that no row can
 * be compared with them. */
static enum pm_rc mend_nids(struct pm_orphans *o)
{
	struct pm_ndb *db = &o->an->db;
	struct pm_map listed = {0}, right = {0};
	enum pm_rc rc = pm_orphans_listed(o, PM_NT_CONTENTS, &listed);

	for (size_t i = 0; i < db->nodes.n && listed.n && rc == PM_OK; i++) {
		const struct pm_node *n = &db->nodes.v[i];
		pm_nid nid;

		if (n->origin != PM_FROM_WRONG || pm_nid_type(n->nid) != PM_NT_MESSAGE ||
		    pm_map_has(&listed, n->nid))
			continue;
		nid = one_byte_off(db, &listed, n);
		rc = pm_spend(o->an->ctx, 8);
		if (rc == PM_OK && nid && pm_map_delete(&listed, nid))
			rc = pm_map_put(o->an->ctx, &right, i, nid);
	}
	for (size_t i = 0; i < right.n && rc == PM_OK; i++)
		db->nodes.v[right.v[i].key].nid = (pm_nid)right.v[i].value;
	if (rc == PM_OK && right.n)
		rc = pm_analysis_sort_nodes(o->an);
	pm_map_done(&listed);
	pm_map_done(&right);
	return rc;
}

static enum pm_rc mark_doubled(struct pm_orphans *o)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->an->doubles.n && rc == PM_OK; i++)
		rc = pm_map_put(o->an->ctx, &o->doubled, o->an->doubles.v[i].nid, 1);
	return rc;
}

/* What has got a place as an orphan is no double any more. */
static enum pm_rc drop_doubles(struct pm_orphans *o)
{
	struct pm_analysis *an = o->an;
	struct pm_map taken = {0};
	size_t n = 0;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->v.n && o->doubled.n && rc == PM_OK; i++)
		if (o->v.v[i].nid || item_type(&o->v.v[i]))
			rc = pm_map_put(an->ctx, &taken, o->v.v[i].data, 1);
	for (size_t i = 0; i < an->doubles.n && rc == PM_OK; i++)
		if (!pm_map_has(&taken, an->doubles.v[i].data))
			an->doubles.v[n++] = an->doubles.v[i];
	if (rc == PM_OK)
		an->doubles.n = n;
	pm_map_done(&taken);
	return rc;
}

enum pm_rc pm_adopt_orphans(struct pm_analysis *an)
{
	struct pm_orphans o = {.an = an};
	enum pm_rc rc;

	if (!suspicious(an) || nothing_missing(an))
		return PM_OK;
	rc = mark_doubled(&o);
	if (rc == PM_OK)
		rc = pm_orphans_told(&o);
	if (rc == PM_OK)
		rc = pm_orphans_doubt(&o);
	if (rc == PM_OK)
		rc = pm_orphans_gather(&o);
	if (rc == PM_OK && o.v.n)
		rc = pm_orphans_own(&o);
	if (rc == PM_OK && o.v.n)
		rc = pm_orphans_by_rows(&o, PM_OR_MESSAGE, PM_NT_CONTENTS);
	if (rc == PM_OK && o.v.n)
		rc = pm_orphans_by_rows(&o, PM_OR_ASSOC, PM_NT_ASSOC_CONTENTS);
	if (rc == PM_OK)
		rc = give_back(&o);
	if (rc == PM_OK)
		rc = drop_mapped(&o);
	if (rc == PM_OK)
		rc = drop_folders(&o);
	if (rc == PM_OK)
		rc = drop_made_up(&o);
	if (rc == PM_OK)
		rc = drop_uncertain(&o);
	drop_empty(&o);
	if (rc == PM_OK)
		rc = remember_named(&o);
	if (rc == PM_OK)
		rc = drop_doubles(&o);
	for (size_t i = 0; i < o.v.n && rc == PM_OK; i++)
		if (o.v.v[i].nid || item_type(&o.v.v[i]))
			rc = take(&o, &o.v.v[i]);
		else
			an->unindexed += o.v.v[i].kind == PM_OR_ATTACHMENT && o.v.v[i].certain;
	an->adopted = true;
	drop_vacated(&o);
	for (size_t i = 0; i < o.made.n && rc == PM_OK; i++) {
		struct pm_node *slot = pm_vec_push(an->ctx, &an->db.nodes);

		if (slot)
			*slot = o.made.v[i];
		rc = an->ctx->rc;
	}
	if (rc == PM_OK)
		rc = pm_analysis_sort_nodes(an);
	if (rc == PM_OK)
		rc = mend_nids(&o);
	if (rc == PM_OK)
		rc = drop_deleted(&o);
	pm_orphans_close(&o);
	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++)
		rc = drop_half(an, &an->db.nodes.v[i]);
	return rc ? rc : pm_analysis_sort_nodes(an);
}
