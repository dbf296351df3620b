/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node table: which nodes live.
 *
 * Stale leaves stand in nearly every real file and name older blocks for live nodes, so that
 * "its blocks exist" proves nothing. A key of a lost leaf is taken from another leaf only if
 * its blocks are in the pool: live by the block tree (or by the allocation map where that is
 * lost too), and referenced by nobody. Inside a lost range the newest leaf that covers a key
 * decides, and absence from it means deleted.
 *
 * Checks: doubles; whether a node's data are of its kind and its own.
 * Gathers: the node table, doubles.
 * Needs: blocks, references, page facts.
 */
#include "recover/internal.h"

#include "base/sort.h"
#include "ndb/tree.h"

#define PASSES_MAX 8 /* over the candidates */

struct place {
	uint64_t nid;
	size_t index;
};

/* Stable: the first met of two equals stays the first. */
static enum pm_rc sort_nodes(struct pm_analysis *an)
{
	size_t n = an->db.nodes.n;
	PM_VEC(struct place) order = {0};
	struct pm_node *out = pm_calloc(an->ctx, n, sizeof(*out));
	enum pm_rc rc = out ? PM_OK : an->ctx->rc;

	for (size_t i = 0; i < n && rc == PM_OK; i++) {
		struct place *p = pm_vec_push(an->ctx, &order);

		if (p)
			*p = (struct place){an->db.nodes.v[i].nid, i};
		rc = an->ctx->rc;
	}
	if (rc == PM_OK)
		rc = pm_sort_member(an->ctx, &order, nid);
	for (size_t i = 0; i < n && rc == PM_OK; i++)
		out[i] = an->db.nodes.v[order.v[i].index];
	if (rc == PM_OK)
		memcpy(an->db.nodes.v, out, n * sizeof(*out));
	pm_free(out);
	pm_vec_done(&order);
	return rc;
}

enum pm_rc pm_analysis_sort_nodes(struct pm_analysis *an)
{
	struct pm_node *v = an->db.nodes.v;
	size_t n = an->db.nodes.n, k = 0;
	bool sorted = true;

	for (size_t i = 1; i < n && sorted; i++)
		sorted = v[i - 1].nid < v[i].nid;
	if (sorted)
		return PM_OK;
	if (sort_nodes(an))
		return an->ctx->rc;
	v = an->db.nodes.v;
	for (size_t i = 0; i < n; i++) {
		struct pm_node *slot;

		if (!k || v[k - 1].nid != v[i].nid) {
			v[k++] = v[i];
			continue;
		}
		if (pm_note(an, PM_NOTE_NODE_DOUBLE, v[i].nid, 0, v[i].data, v[k - 1].data))
			return an->ctx->rc;
		if (v[i].data == v[k - 1].data && v[i].sub == v[k - 1].sub)
			continue;
		slot = pm_vec_push(an->ctx, &an->doubles);
		if (!slot)
			return an->ctx->rc;
		*slot = v[i];
	}
	an->db.nodes.n = k;
	return PM_OK;
}

uint16_t pm_nid_kind(pm_nid nid)
{
	if (nid == 0x21 || nid == 0x61)
		return PM_BK_PC;
	switch (pm_nid_type(nid)) {
	case 0x02:
	case 0x03:
	case 0x04:
	case 0x05:
	case 0x07:
	case 0x08:
		return PM_BK_PC;
	case 0x0B:
	case 0x0C:
	case 0x0D:
	case 0x0E:
	case 0x0F:
	case 0x11:
	case 0x12:
		return PM_BK_TC;
	}
	return PM_BK_NONE;
}

/* Index of the block in which the data of `bid` begin; SIZE_MAX when it is not to be had. */
enum pm_rc pm_first_leaf(struct pm_analysis *an, pm_bid bid, size_t *ret)
{
	struct pm_data d;
	enum pm_rc rc;

	*ret = pm_block_index(an, bid);
	if (*ret == SIZE_MAX || !pm_bid_internal(bid))
		return PM_OK;
	rc = pm_data_open(&an->db, bid, &d);
	*ret = d.leaves.n ? pm_block_index(an, d.leaves.v[0].bid) : SIZE_MAX;
	pm_data_close(&d);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* A subnode tree is nobody's data [MS-PST 2.2.2.8.3.3]. */
static enum pm_rc subnode_tree(struct pm_analysis *an, pm_bid bid, bool *ret)
{
	struct pm_subs subs;
	enum pm_rc rc;

	*ret = false;
	if (!pm_bid_internal(bid) || pm_block_index(an, bid) == SIZE_MAX)
		return PM_OK;
	rc = pm_subs_open(&an->db, bid, &subs);
	*ret = rc == PM_OK && subs.v.n;
	pm_subs_close(&subs);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Does the content fit the node's type? Damaged content can't tell: then it does. */
enum pm_rc pm_kind_fits(struct pm_analysis *an, const struct pm_node *n, bool *ret)
{
	uint16_t want = pm_nid_kind(n->nid);
	const struct pm_block *b;
	size_t i;
	bool other;
	enum pm_rc rc;

	*ret = true;
	if (!n->data)
		return PM_OK;
	if (want == PM_BK_NONE) {
		rc = subnode_tree(an, n->data, &other);
		*ret = !other;
		return rc;
	}
	rc = pm_first_leaf(an, n->data, &i);
	if (rc || i == SIZE_MAX) {
		*ret = !pm_bid_internal(n->data) || pm_block_index(an, n->data) == SIZE_MAX;
		return rc;
	}
	b = &an->db.blocks.v[i];
	if (b->flags & (PM_BF_CRC | PM_BF_READ | PM_BF_LOST | PM_BF_INFLATE | PM_BF_SUSPECT) ||
	    !(b->flags & PM_BF_CHECKED))
		return PM_OK;
	*ret = (b->flags & PM_BF_KIND) == want;
	return PM_OK;
}

static bool over_referenced(const struct pm_analysis *an, pm_bid bid)
{
	size_t i = pm_block_index(an, bid);

	return i != SIZE_MAX && an->db.blocks.v[i].cref > 1 &&
	       an->refs[i] >= an->db.blocks.v[i].cref;
}

enum pm_rc pm_judge_node(struct pm_analysis *an, struct pm_node *n)
{
	bool fits;
	enum pm_rc rc = pm_kind_fits(an, n, &fits);

	if (rc)
		return rc;
	/* One that was disowned stays so until it gets data. */
	n->flags = n->data ? 0 : n->flags & PM_NF_UNFIT;
	if ((n->data && pm_block_index(an, n->data) == SIZE_MAX) ||
	    (n->sub && pm_block_index(an, n->sub) == SIZE_MAX))
		n->flags |= PM_NF_DANGLING;
	if (!fits || over_referenced(an, n->data) || over_referenced(an, n->sub) ||
	    (n->sub && !pm_bid_internal(n->sub)) || (n->sub && !n->data))
		n->flags |= PM_NF_UNFIT;
	return PM_OK;
}

/* An entry that may stand in for a lost or unfit one. */
struct candidate {
	struct pm_bt_entry e;
	pm_ib ib; /* its page */
	uint64_t leaf_first, leaf_last;
	bool right; /* page checksum right */
	bool live;  /* page belongs to the live generation, as far as the maps tell */
	bool rest;  /* of a page that stands in place: behind the entries that it counts */
	/* Of a page of the tree, which may count fewer entries than it has. That they stand there weighs
	 * more than what an older page says of them. */
	bool behind;
};

/* What an older page says of a node that still has its own subnodes. */
struct older {
	struct pm_node node;
	pm_ib ib; /* the page */
};

struct pool {
	struct pm_analysis *an;
	PM_VEC(struct candidate) v;
	PM_VEC(struct older) later; /* to be taken if nothing better is found by content */
	struct candidate next;      /* what the page at hand gives each of its entries */
	struct pm_map right;        /* bidData -> index of the first candidate from a right page */
	struct pm_map right_sub;    /* bidSub -> likewise */
	struct pm_map taken;        /* nid -> index into added */
	struct pm_rangeset lost;    /* keys whose live leaf is lost */
	PM_VEC(struct pm_node) added;
};

static enum pm_rc take_candidate(void *arg, const struct pm_bt_entry *e)
{
	struct pool *p = arg;
	struct candidate *c;

	if (!e->key || e->key > UINT32_MAX)
		return PM_OK;
	c = pm_vec_push(p->an->ctx, &p->v);
	if (!c)
		return p->an->ctx->rc;
	*c = p->next;
	c->e = *e;
	c->e.bid = pm_bid_key(e->bid);
	c->e.sub = pm_bid_key(e->sub);
	return PM_OK;
}

static int newest_live_first(const void *a, const void *b)
{
	const struct pm_page_fact *const *x = a, *const *y = b;

	if ((*x)->allocated != (*y)->allocated)
		return (*x)->allocated ? -1 : 1;
	if ((*x)->bid != (*y)->bid)
		return (*x)->bid < (*y)->bid ? 1 : -1;
	return (*x)->ib < (*y)->ib ? -1 : 1;
}

static bool in_tree(const struct pm_analysis *an, const struct pm_page_fact *fact)
{
	return fact->in_tree && an->swept;
}

/* Entries of leaves outside the tree. `known`: of those that a sound map says live, else of the
 * others. */
static enum pm_rc gather_leaves(struct pool *p, const struct pm_page_fact *const *leaves, size_t n,
				bool known)
{
	struct pm_analysis *an = p->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < n && rc == PM_OK; i++) {
		const struct pm_page_fact *fact = leaves[i];

		if ((pm_analysis_allocated(an, fact->ib, an->db.fmt->page) > 0) != known)
			continue;
		p->next = (struct candidate){.ib = fact->ib,
					     .leaf_first = fact->first,
					     .leaf_last = fact->last,
					     .right = true,
					     .live = known && fact->sig};
		rc = pm_walk_leaf(an, fact->ib, PM_PTYPE_NBT, false, take_candidate, p);
	}
	return rc;
}

/* The one key between these that differs from `key` in one byte, and of the type of both if they have
 * the same; 0: none, or several. */
static uint64_t between(uint64_t key, uint64_t lo, uint64_t hi)
{
	const unsigned type = pm_nid_type((pm_nid)lo);
	const bool typed = type == pm_nid_type((pm_nid)hi);
	uint64_t found = 0;

	for (unsigned k = 0; k < 4; k++)
		for (unsigned v = 0; v < 256; v++) {
			const uint64_t other = pm_with_byte(key, k, v);

			if (other <= lo || other >= hi ||
			    (typed && pm_nid_type((pm_nid)other) != type))
				continue;
			if (found)
				return 0;
			found = other;
		}
	return found;
}

/* Keys ascend in a page: one that was hit may be known by those before and after it. */
static void straighten(struct pool *p, size_t first)
{
	for (size_t i = first + 1; i + 1 < p->v.n; i++) {
		struct candidate *c = &p->v.v[i];
		const uint64_t lo = c[-1].e.key, hi = c[1].e.key;
		const uint64_t key = lo < hi && (c->e.key <= lo || c->e.key >= hi)
					     ? between(c->e.key, lo, hi)
					     : 0;

		if (key)
			c->e.key = key;
	}
}

/* Entries of pages that stand where a leaf of the tree must be, and whose own checksum is wrong. */
static enum pm_rc gather_in_place(struct pool *p)
{
	struct pm_analysis *an = p->an;
	size_t first;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->lost.n && rc == PM_OK; i++) {
		const struct pm_key_range *r = &an->lost.v[i];

		if (r->ptype != PM_PTYPE_NBT || !r->ib)
			continue;
		p->next = (struct candidate){
			.ib = r->ib, .leaf_first = r->lo, .leaf_last = r->hi - 1};
		first = p->v.n;
		rc = pm_walk_leaf(an, r->ib, PM_PTYPE_NBT, false, take_candidate, p);
		straighten(p, first);
		p->next.rest = true;
		if (rc == PM_OK)
			rc = pm_walk_leaf(an, r->ib, PM_PTYPE_NBT, true, take_candidate, p);
	}
	/* Pages of the tree may say fewer entries than they hold. */
	for (size_t i = 0; i < an->pages.n && rc == PM_OK; i++) {
		const struct pm_tree_page *t = &an->pages.v[i];

		if (t->ptype != PM_PTYPE_NBT || t->level || t->grade == PM_GRADE_LOST)
			continue;
		p->next = (struct candidate){
			.ib = t->ib, .leaf_first = t->lo, .leaf_last = t->hi, .behind = true};
		rc = pm_walk_leaf(an, t->ib, PM_PTYPE_NBT, true, take_candidate, p);
	}
	return rc;
}

/*
 * Leaves outside the tree that live for certain; then what stands in place, though damaged: its
 * entries are of the live generation. Older leaves know only what no other does.
 */
static enum pm_rc gather(struct pool *p)
{
	struct pm_analysis *an = p->an;
	PM_VEC(const struct pm_page_fact *) leaves = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->facts.n && rc == PM_OK; i++) {
		const struct pm_page_fact *fact = &an->facts.v[i], **slot;

		if (fact->ptype != PM_PTYPE_NBT || fact->level || in_tree(an, fact))
			continue;
		slot = pm_vec_push(an->ctx, &leaves);
		if (slot)
			*slot = fact;
		rc = an->ctx->rc;
	}
	if (leaves.n)
		qsort(leaves.v, leaves.n, sizeof(*leaves.v), newest_live_first);
	if (rc == PM_OK)
		rc = gather_leaves(p, leaves.v, leaves.n, true);
	if (rc == PM_OK)
		rc = gather_in_place(p);
	if (rc == PM_OK)
		rc = gather_leaves(p, leaves.v, leaves.n, false);
	pm_vec_done(&leaves);
	return rc;
}

/* May the node own this block? */
static bool may_own(const struct pm_analysis *an, pm_bid bid, bool table)
{
	size_t i;

	if (!bid)
		return true;
	i = pm_block_index(an, bid);
	if (i == SIZE_MAX || an->db.blocks.v[i].flags & PM_BF_LOST)
		return false;
	/* Empty tables share their template's block; where its count is lost, nobody knows. */
	return pm_refs_wanted(an, i) || (table && !an->db.blocks.v[i].cref && an->refs[i] &&
					 (an->db.blocks.v[i].flags & PM_BF_KIND) == PM_BK_TC);
}

/* Is its count, which says that nobody owns it, all that there is against it? */
static bool dead_by_count(const struct pm_analysis *an, pm_bid bid)
{
	const size_t i = bid ? pm_block_index(an, bid) : SIZE_MAX;

	return i != SIZE_MAX && !an->refs[i] && an->db.blocks.v[i].cref == 1 &&
	       !(an->db.blocks.v[i].flags & PM_BF_LOST);
}

/* Does the block tree say that somebody owns this block, and is nobody found who does? */
static bool missed(const struct pm_analysis *an, pm_bid bid)
{
	const size_t i = bid ? pm_block_index(an, bid) : SIZE_MAX;

	return i != SIZE_MAX && !(an->db.blocks.v[i].flags & (PM_BF_LOST | PM_BF_FOUND)) &&
	       an->db.blocks.v[i].cref > 1 && !an->refs[i];
}

static const struct candidate *right_word(const struct pool *p, const struct pm_map *by, pm_bid bid)
{
	const struct pm_map_entry *e = bid ? pm_map_find(by, bid) : NULL;

	return e ? &p->v.v[e->value] : NULL;
}

/* Of an entry from a page with a wrong checksum: what a right page says of the same blocks. Where
 * the two agree in data or in subnodes alone the older one is right if what it names is missed:
 * of an item that was changed since, the older blocks are free. */
static const struct candidate *better_word(const struct pool *p, const struct candidate *c)
{
	const struct candidate *right;

	/* Tables may share their data; contexts don't. */
	if (c->right || c->behind || !c->e.bid || pm_nid_kind((pm_nid)c->e.key) != PM_BK_PC)
		return c;
	right = right_word(p, &p->right, c->e.bid);
	if (right && right->e.sub == c->e.sub)
		return right;
	if (right && right->e.key == c->e.key && missed(p->an, right->e.sub))
		return right;
	right = right_word(p, &p->right_sub, c->e.sub);
	return right && missed(p->an, right->e.bid) ? right : c;
}

/* A queue of a search, or a predefined object, may have no data [MS-PST 2.4.8.4]. */
static bool empty_queue(const struct pm_analysis *an, const struct pm_node *n)
{
	uint32_t i = n->nid >> 5;

	if (pm_nid_type(n->nid) == 1)
		return i < 0x400 && !n->parent;
	return pm_nid_type(n->nid) == 6 && !n->parent &&
	       (pm_ndb_find_node(&an->db, pm_nid_make(3, i)) ||
		pm_ndb_find_node(&an->db, pm_nid_make(7, i)));
}

/* Do the candidate's blocks belong to it? */
static bool owns(const struct pool *p, const struct candidate *c, const struct pm_node *n,
		 const struct pm_node *old)
{
	const struct pm_analysis *an = p->an;

	if (!n->data && !n->sub)
		return empty_queue(an, n) &&
		       pm_rangeset_contains(&p->lost, n->nid, (uint64_t)n->nid + 1);
	/* The same subnodes: the same generation of the same object, only its data were changed. */
	if (old && n->sub && old->sub == n->sub && c->right &&
	    pm_block_index(an, n->data) != SIZE_MAX)
		return true;
	if (n->sub && !pm_bid_internal(n->sub)) /* then one of them was hit */
		return false;
	if (!may_own(an, n->sub, false))
		return false;
	/* What stands in place, though damaged, and names subnodes that live, knows better than a count. */
	return may_own(an, n->data, pm_nid_kind(n->nid) == PM_BK_TC) ||
	       (n->sub && !c->right && dead_by_count(an, n->data));
}

/* Has the node lost its data alone, to an entry that was hit? The subnodes that it names, saved later than
 * those of the older page and nobody else's, find the data that belong to them by content. Needs: references
 * without the node's own. */
static bool keeps_subnodes(const struct pm_analysis *an, const struct pm_node *old,
			   const struct pm_node *n)
{
	const size_t i = pm_block_index(an, old->sub);

	return n->origin == PM_FROM_STALE && old->flags & PM_NF_UNFIT && old->sub > n->sub &&
	       n->sub && pm_bid_internal(old->sub) && i != SIZE_MAX && !an->refs[i] &&
	       !(an->db.blocks.v[i].flags & (PM_BF_LOST | PM_BF_READ | PM_BF_CRC));
}

static enum pm_rc put_off(struct pool *p, const struct pm_node *n, pm_ib ib)
{
	struct older *slot = pm_vec_push(p->an->ctx, &p->later);

	if (slot) {
		*slot = (struct older){.node = *n, .ib = ib};
		slot->node.older = true;
	}
	return p->an->ctx->rc;
}

/* What was put off, of nodes whose data were not found: an older version is better than none. */
static enum pm_rc take_older(struct pool *p)
{
	struct pm_analysis *an = p->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < p->later.n && rc == PM_OK; i++) {
		const struct pm_node *n = &p->later.v[i].node;
		struct pm_node *old = pm_ndb_find_node(&an->db, n->nid);
		const size_t data = pm_block_index(an, n->data);

		/* What was found by content is what the older page names, and that was given up. */
		if (old && old->data == n->data && data != SIZE_MAX && !an->db.blocks.v[data].cref)
			old->older = true;
		if (!old || (old->data && !old->flags) || data == SIZE_MAX || an->refs[data])
			continue;
		rc = pm_note(an, PM_NOTE_NODE_REPLACED, n->nid, p->later.v[i].ib, n->data,
			     old->data);
		if (rc == PM_OK)
			rc = pm_refs_node(an, old, false);
		if (rc == PM_OK)
			rc = pm_refs_node(an, n, true);
		*old = *n;
	}
	return rc;
}

static enum pm_rc consider(struct pool *p, const struct candidate *c,
			   const struct pm_rangeset *decided, bool *ret_used)
{
	struct pm_analysis *an = p->an;
	struct pm_node n, *old, *slot;
	bool fits;
	enum pm_rc rc;

	*ret_used = false;
	c = better_word(p, c);
	n = (struct pm_node){.nid = (pm_nid)c->e.key,
			     .parent = c->e.parent,
			     .data = c->e.bid,
			     .sub = c->e.sub,
			     .origin = !c->right ? PM_FROM_WRONG
				       : c->live ? PM_FROM_LEAF
						 : PM_FROM_STALE};
	old = pm_ndb_find_node(&an->db, n.nid);
	if (pm_map_has(&p->taken, n.nid))
		return PM_OK;
	if (old && (!(old->flags & (PM_NF_UNFIT | PM_NF_DANGLING)) ||
		    (old->data == n.data && old->sub == n.sub)))
		return PM_OK;
	/* What the page at the very place says outweighs an older one's silence. */
	if (!old && (c->right || c->rest) &&
	    pm_rangeset_contains(decided, n.nid, (uint64_t)n.nid + 1))
		return PM_OK;
	/* Outside the lost ranges only the live generation may know more than the tree. */
	if (!old && !pm_rangeset_contains(&p->lost, n.nid, (uint64_t)n.nid + 1) && c->right &&
	    !c->live)
		return PM_OK;
	if (old) /* what stays the same is the node's own already */
		rc = pm_refs_node(an, old, false);
	else
		rc = PM_OK;
	if (rc)
		return rc;
	if (owns(p, c, &n, old))
		rc = pm_kind_fits(an, &n, &fits);
	else
		fits = false;
	if (rc)
		return rc;
	if (fits && old && keeps_subnodes(an, old, &n)) {
		rc = put_off(p, &n, c->ib);
		fits = false;
	}
	if (rc || !fits)
		return rc ? rc : old ? pm_refs_node(an, old, true) : PM_OK;
	rc = pm_note(an, old ? PM_NOTE_NODE_REPLACED : PM_NOTE_NODE_FOUND, n.nid, c->ib, n.data,
		     old ? old->data : 0);
	if (rc == PM_OK)
		rc = pm_refs_node(an, &n, true);
	if (rc)
		return rc;
	*ret_used = true;
	if (old) {
		/* What a right page names and nobody has was saved later, if its id is higher. */
		n.older = old->flags & PM_NF_DANGLING && old->origin != PM_FROM_WRONG &&
			  n.origin == PM_FROM_STALE && old->data > n.data;
		*old = n;
		return PM_OK;
	}
	slot = pm_vec_push(an->ctx, &p->added);
	if (!slot)
		return an->ctx->rc;
	*slot = n;
	return pm_map_put(an->ctx, &p->taken, n.nid, 1);
}

static enum pm_rc adopt(struct pool *p, bool *ret_any)
{
	struct pm_analysis *an = p->an;
	struct pm_rangeset decided = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < p->v.n && rc == PM_OK;) {
		size_t end = i;
		const struct candidate *first = &p->v.v[i];
		size_t n_used = 0;
		bool used, any;

		for (; end < p->v.n && p->v.v[end].ib == first->ib &&
		       p->v.v[end].rest == first->rest && rc == PM_OK;
		     end++) {
			rc = consider(p, &p->v.v[end], &decided, &used);
			n_used += used;
		}
		any = n_used != 0;
		if (any && rc == PM_OK)
			rc = pm_note(an, PM_NOTE_LEAF_USED, 0, first->ib, 0, 0);
		*ret_any |= any;
		/* A leaf none of whose entries is alive decides nothing: it is of an older day. One
		 * in place that is damaged decides when hardly any of its entries was hit. */
		if (any && rc == PM_OK &&
		    (first->right || (!first->rest && 4 * n_used >= 3 * (end - i))))
			rc = pm_rangeset_add(an->ctx, &decided, first->leaf_first,
					     first->leaf_last + 1);
		i = end;
	}
	pm_rangeset_done(&decided);
	return rc;
}

static enum pm_rc index_first(struct pool *p, struct pm_map *map, pm_bid bid, size_t i)
{
	bool new = false;
	struct pm_map_entry *e = bid ? pm_map_get(p->an->ctx, map, bid, &new) : NULL;

	if (new)
		e->value = i;
	return p->an->ctx->rc;
}

/* What adopt looks up. */
static enum pm_rc index_pool(struct pool *p)
{
	struct pm_analysis *an = p->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < p->v.n && rc == PM_OK; i++) {
		const struct candidate *c = &p->v.v[i];

		if (!c->right)
			continue;
		rc = index_first(p, &p->right, c->e.bid, i);
		if (rc == PM_OK)
			rc = index_first(p, &p->right_sub, c->e.sub, i);
	}
	for (size_t i = 0; i < an->lost.n && rc == PM_OK; i++)
		if (an->lost.v[i].ptype == PM_PTYPE_NBT)
			rc = pm_rangeset_add(an->ctx, &p->lost, an->lost.v[i].lo, an->lost.v[i].hi);
	return rc;
}

static enum pm_rc merge_added(struct pool *p)
{
	struct pm_analysis *an = p->an;

	for (size_t i = 0; i < p->added.n; i++) {
		struct pm_node *slot = pm_vec_push(an->ctx, &an->db.nodes);

		if (!slot)
			return an->ctx->rc;
		*slot = p->added.v[i];
	}
	return pm_analysis_sort_nodes(an);
}

static void pool_done(struct pool *p)
{
	pm_vec_done(&p->v);
	pm_vec_done(&p->added);
	pm_vec_done(&p->later);
	pm_map_done(&p->right);
	pm_map_done(&p->right_sub);
	pm_map_done(&p->taken);
	pm_rangeset_done(&p->lost);
}

static enum pm_rc judge_all(struct pm_analysis *an, bool *ret_unfit)
{
	enum pm_rc rc = PM_OK;

	*ret_unfit = false;
	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		rc = pm_judge_node(an, &an->db.nodes.v[i]);
		*ret_unfit |= an->db.nodes.v[i].flags != 0;
	}
	return rc;
}

/* How well data and subnodes belong together: they get their ids in one save. */
static uint64_t distance(const struct pm_node *n)
{
	if (!n->sub)
		return UINT64_MAX;
	return n->data > n->sub ? n->data - n->sub : n->sub - n->data;
}

enum pm_rc pm_disown(struct pm_analysis *an, struct pm_node *n)
{
	const struct pm_node data = {.data = n->data};
	enum pm_rc rc = pm_note(an, PM_NOTE_NODE_DISOWNED, n->nid, 0, n->data, n->sub);

	if (rc == PM_OK)
		rc = pm_refs_node(an, &data, false);
	n->data = 0;
	n->flags |= PM_NF_UNFIT;
	return rc;
}

/*
 * Property contexts are never shared: of two nodes that name the same, one shows another's
 * content. The one whose subnodes were saved with it keeps it. Content of another kind is
 * nobody's here.
 */
static enum pm_rc settle_shared(struct pm_analysis *an)
{
	struct pm_map owner = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		struct pm_node *n = &an->db.nodes.v[i], *other;
		struct pm_map_entry *e;
		bool new, fits;

		if (!n->data || pm_nid_kind(n->nid) != PM_BK_PC)
			continue;
		rc = pm_kind_fits(an, n, &fits);
		if (rc == PM_OK && !fits && over_referenced(an, n->data))
			rc = pm_disown(an, n);
		if (rc || !n->data)
			continue;
		e = pm_map_get(an->ctx, &owner, n->data, &new);
		if (!e) {
			rc = an->ctx->rc;
			break;
		}
		if (new) {
			e->value = i;
			continue;
		}
		other = &an->db.nodes.v[e->value];
		if (distance(n) < distance(other)) {
			e->value = i;
			n = other;
		}
		rc = pm_disown(an, n);
	}
	pm_map_done(&owner);
	return rc;
}

/* Whose data don't fit in the end is named, with what its entry said. */
static enum pm_rc name_unfit(struct pm_analysis *an)
{
	struct pm_map said = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->notes.n && rc == PM_OK; i++)
		if (an->notes.v[i].kind == PM_NOTE_NODE_DISOWNED)
			rc = pm_map_put(an->ctx, &said, an->notes.v[i].key, an->notes.v[i].have);
	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		struct pm_node *n = &an->db.nodes.v[i];
		const struct pm_map_entry *e;

		if (n->data || n->sub || !n->flags)
			rc = pm_judge_node(an, n);
		if (rc || !n->flags)
			continue;
		e = n->data ? NULL : pm_map_find(&said, n->nid);
		rc = pm_note(an, PM_NOTE_NODE_UNFIT, n->nid, 0, e ? e->value : n->data, n->sub);
	}
	pm_map_done(&said);
	return rc;
}

enum pm_rc pm_settle_nodes(struct pm_analysis *an)
{
	struct pool p = {.an = an};
	bool unfit = false;
	unsigned passes = 0;
	enum pm_rc rc = PM_OK;

	rc = judge_all(an, &unfit);
	if (rc || (an->accepted && !unfit))
		return rc;
	pm_mark_in_tree(an);
	rc = gather(&p);
	if (rc == PM_OK)
		rc = index_pool(&p);
	/* A block that a wrong entry claims is free only once that entry is replaced. */
	for (bool any = true; any && rc == PM_OK && passes++ < PASSES_MAX;) {
		any = false;
		rc = adopt(&p, &any);
		if (rc == PM_OK && any)
			rc = judge_all(an, &unfit);
	}
	if (rc == PM_OK)
		rc = merge_added(&p);
	if (rc == PM_OK)
		rc = settle_shared(an);
	if (rc == PM_OK)
		rc = judge_all(an, &unfit);
	if (rc == PM_OK)
		rc = pm_adopt_orphans(an);
	if (rc == PM_OK)
		rc = take_older(&p);
	pool_done(&p);
	return rc ? rc : name_unfit(an);
}
