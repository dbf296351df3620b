/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is dead in a file: blocks that were freed and still stand where they stood, pages of the
 * node tree that no tree reaches, and the entries in them.
 *
 * A freed block counts only by its own trailer: id, size, signature for its place, checksum. Where
 * something that lives stands in its place now, it is none. Ids are given out once, but not every
 * program keeps to that: where an id that an older page names belongs to a block that is plainly
 * another one, that block says nothing about the past.
 *
 * Gathers: the table of dead and living blocks; entries of older pages.
 * Needs: a finished analysis with a sweep.
 */
#include "recover/undelete.h"

#include "base/sort.h"
#include "msg/folder.h"

#define DEPTH_MAX 32
#define SAVE_IDS  (4 << 16) /* ids that one save may take */

/* Not where its entry says: another block may stand there. */
#define NOT_HERE (PM_BF_BID | PM_BF_CB | PM_BF_SIG | PM_BF_READ | PM_BF_LOST)

struct gather {
	struct pm_undelete *u;
	struct pm_rangeset living; /* places of blocks and pages */
	struct pm_map twice;       /* ids that several dead blocks have -> place by an older tree */
	struct pm_map seen;        /* digests of entries -> index into nodes + 1 */
	pm_bid page;               /* the one at hand */
};

static enum pm_rc living_places(struct gather *g)
{
	struct pm_analysis *an = g->u->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];

		if (!(b->flags & NOT_HERE) && b->cb <= an->db.fmt->data_max)
			rc = pm_rangeset_add(an->ctx, &g->living, b->ib,
					     b->ib + pm_block_stored(an->db.fmt, b->cb));
	}
	for (size_t i = 0; i < an->pages.n && rc == PM_OK; i++) {
		const struct pm_tree_page *p = &an->pages.v[i];

		if (p->grade >= PM_GRADE_B)
			rc = pm_rangeset_add(an->ctx, &g->living, p->ib, p->ib + an->db.fmt->page);
	}
	return rc;
}

/* Its checksum, as its trailer has it. */
static enum pm_rc checksum(struct pm_analysis *an, const struct pm_block *b, uint32_t *ret)
{
	const struct pm_format *f = an->db.fmt;
	uint8_t t[64] = {0};
	enum pm_rc rc = pm_image_read(an->ctx, an->img,
				      b->ib + pm_block_stored(f, b->cb) - f->block_trailer, t,
				      f->block_trailer);

	*ret = (uint32_t)pm_BLOCKTRAILER_dwCRC(f, t);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc same_content(struct pm_analysis *an, const struct pm_block *a,
			       const struct pm_block *b, bool *ret)
{
	uint32_t x = 0, y = 0;
	enum pm_rc rc = PM_OK;

	*ret = a->cb == b->cb && a->cb_inflated == b->cb_inflated;
	if (*ret)
		rc = checksum(an, a, &x);
	if (*ret && rc == PM_OK)
		rc = checksum(an, b, &y);
	*ret &= x == y;
	return rc;
}

/* ---- what older pages of the block tree say ---- */

static enum pm_rc take_place(void *arg, const struct pm_bt_entry *e)
{
	struct gather *g = arg;
	const struct pm_block *b = pm_ndb_find_block(&g->u->an->db, e->key);
	struct pm_map_entry *twice = pm_map_find(&g->twice, pm_bid_key(e->key));

	if (twice)
		twice->value = e->ib;
	if (b && (b->cb != e->cb || b->cb_inflated != e->cb_inflated))
		return pm_map_put(g->u->an->ctx, &g->u->other, b->bid, 1);
	return PM_OK;
}

struct old_page {
	uint64_t bid; /* ascending is older first */
	size_t fact;
};

/* Call fn for the entries of all older leaves of one tree, the newest last. */
static enum pm_rc old_leaves(struct gather *g, uint8_t ptype, pm_entry_fn fn)
{
	struct pm_analysis *an = g->u->an;
	PM_VEC(struct old_page) pages = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->facts.n && rc == PM_OK; i++) {
		const struct pm_page_fact *f = &an->facts.v[i];
		struct old_page *slot;

		if (f->ptype != ptype || f->level || !f->sig ||
		    pm_rangeset_overlaps(&g->living, f->ib, f->ib + an->db.fmt->page))
			continue;
		slot = pm_vec_push(an->ctx, &pages);
		if (slot)
			*slot = (struct old_page){f->bid, i};
		rc = an->ctx->rc;
	}
	if (rc == PM_OK)
		rc = pm_sort_member(an->ctx, &pages, bid);
	for (size_t i = 0; i < pages.n && rc == PM_OK; i++) {
		g->page = pages.v[i].bid;
		rc = pm_walk_leaf(an, an->facts.v[pages.v[i].fact].ib, ptype, ptype == PM_PTYPE_NBT,
				  fn, g);
		if (rc == PM_OK)
			rc = pm_tick(an->ctx, "older pages", i, pages.n);
	}
	pm_vec_done(&pages);
	return rc;
}

/* ---- blocks ---- */

/* Several dead blocks have this id: the same content, or which one the older tree names. */
static enum pm_rc settle_twice(struct gather *g, const struct pm_block *v, size_t n,
			       const struct pm_block **ret)
{
	const struct pm_map_entry *e = pm_map_find(&g->twice, v->bid);
	bool same = true;
	enum pm_rc rc = PM_OK;

	*ret = v;
	for (size_t i = 1; i < n && same && rc == PM_OK; i++)
		rc = same_content(g->u->an, v, v + i, &same);
	if (same || rc)
		return rc;
	*ret = NULL;
	for (size_t i = 0; i < n && e; i++)
		if (v[i].ib == e->value)
			*ret = v + i;
	return PM_OK;
}

static enum pm_rc take_dead(struct gather *g, const struct pm_block *v, size_t n)
{
	struct pm_analysis *an = g->u->an;
	const struct pm_block *b = pm_ndb_find_block(&an->db, v->bid);
	struct pm_block *slot;
	bool same = true;
	enum pm_rc rc = PM_OK;

	if (b) { /* a copy of one that lives, or another that has its id */
		for (size_t i = 0; i < n && same && rc == PM_OK; i++)
			rc = same_content(an, b, v + i, &same);
		return rc || same ? rc : pm_map_put(an->ctx, &g->u->other, b->bid, 1);
	}
	rc = settle_twice(g, v, n, &b);
	if (rc || !b ||
	    pm_rangeset_overlaps(&g->living, b->ib, b->ib + pm_block_stored(an->db.fmt, b->cb)))
		return rc;
	slot = pm_vec_push(an->ctx, &g->u->dead.db.blocks);
	if (!slot)
		return an->ctx->rc;
	*slot = *b;
	slot->cref = 0;
	return PM_OK;
}

static size_t same_id(const struct pm_analysis *an, size_t i)
{
	size_t n = 1;

	while (i + n < an->found.n && an->found.v[i + n].bid == an->found.v[i].bid)
		n++;
	return n;
}

static enum pm_rc gather_blocks(struct gather *g)
{
	struct pm_analysis *an = g->u->an, *dead = &g->u->dead;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0, n; i < an->found.n && rc == PM_OK; i += n) {
		n = same_id(an, i);
		if (n > 1)
			rc = pm_map_put(an->ctx, &g->twice, an->found.v[i].bid, 0);
	}
	if (rc == PM_OK)
		rc = old_leaves(g, PM_PTYPE_BBT, take_place);
	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++) {
		struct pm_block *slot = pm_vec_push(an->ctx, &dead->db.blocks);

		if (!slot)
			return an->ctx->rc;
		*slot = an->db.blocks.v[i];
	}
	for (size_t i = 0, n; i < an->found.n && rc == PM_OK; i += n) {
		n = same_id(an, i);
		rc = take_dead(g, &an->found.v[i], n);
	}
	if (rc == PM_OK)
		rc = pm_sort_member(an->ctx, &dead->db.blocks, bid);
	/* What kinds they are was seen under the encoding that the header says. */
	return rc || !an->crypt_guessed ? rc : pm_look_at_blocks(dead, true);
}

/* ---- nodes ---- */

static enum pm_rc take_node(void *arg, const struct pm_bt_entry *e)
{
	struct gather *g = arg;
	struct pm_undelete *u = g->u;
	struct pm_ctx *ctx = u->an->ctx;
	const struct pm_old_node n = {.nid = (pm_nid)e->key,
				      .parent = e->parent,
				      .data = pm_bid_key(e->bid),
				      .sub = pm_bid_key(e->sub),
				      .page = g->page};
	const unsigned type = pm_nid_type(n.nid);
	const struct pm_node *now;
	struct pm_map_entry *seen;
	struct pm_old_node *slot;
	bool fresh;

	if (!e->key || e->key > UINT32_MAX || !n.data ||
	    (type != PM_NT_MESSAGE && type != PM_NT_FOLDER && type != PM_NT_CONTENTS))
		return PM_OK;
	if (!pm_ndb_find_block(&u->dead.db, n.data) &&
	    (!n.sub || !pm_ndb_find_block(&u->dead.db, n.sub)))
		return PM_OK;
	if (n.nid >> 5 > u->ret->max_index[type] && n.nid >> 5 < 0x4000000)
		u->ret->max_index[type] = n.nid >> 5;
	now = pm_ndb_find_node(&u->dead.db, n.nid);
	if (now && now->data == n.data)
		return PM_OK;
	seen = pm_map_get(ctx, &g->seen, pm_mix(pm_mix(n.nid ^ pm_mix(n.data)) ^ n.sub), &fresh);
	if (!seen)
		return ctx->rc;
	if (!fresh) { /* pages come in order of their age */
		u->nodes.v[seen->value].page = n.page;
		u->nodes.v[seen->value].parent = n.parent;
		return PM_OK;
	}
	seen->value = u->nodes.n;
	slot = pm_vec_push(ctx, &u->nodes);
	if (slot)
		*slot = n;
	return ctx->rc;
}

/* Pages that live may have entries of older days behind those that they count. */
static enum pm_rc slack_of_living(struct gather *g)
{
	struct pm_analysis *an = g->u->an;
	enum pm_rc rc = PM_OK;

	g->page = 0;
	for (size_t i = 0; i < an->pages.n && rc == PM_OK; i++) {
		const struct pm_tree_page *p = &an->pages.v[i];

		if (p->ptype == PM_PTYPE_NBT && !p->level && p->grade >= PM_GRADE_B)
			rc = pm_walk_leaf(an, p->ib, PM_PTYPE_NBT, true, take_node, g);
	}
	return rc;
}

/* Ids of blocks are given out in order: of contents of one node that with the highest is the
 * newest. */
static enum pm_rc sort_nodes(struct pm_undelete *u)
{
	struct pm_ctx *ctx = u->an->ctx;
	enum pm_rc rc;

	for (size_t i = 0; i < u->nodes.n; i++)
		u->nodes.v[i].key = ~u->nodes.v[i].data;
	rc = pm_sort_member(ctx, &u->nodes, key);
	for (size_t i = 0; i < u->nodes.n; i++)
		u->nodes.v[i].key = (uint64_t)u->nodes.v[i].nid << 32 | i;
	return rc ? rc : pm_sort_member(ctx, &u->nodes, key);
}

static enum pm_rc count_living(struct pm_undelete *u)
{
	struct pm_analysis *dead = &u->dead;
	enum pm_rc rc = PM_OK;

	dead->refs = pm_calloc(u->an->ctx, dead->db.blocks.n + 1, sizeof(*dead->refs));
	if (!dead->refs)
		return u->an->ctx->rc;
	for (size_t i = 0; i < dead->db.nodes.n && rc == PM_OK; i++)
		rc = pm_refs_node(dead, &dead->db.nodes.v[i], true);
	for (size_t i = 0; i < u->an->doubles.n && rc == PM_OK; i++)
		rc = pm_refs_node(dead, &u->an->doubles.v[i], true);
	u->lives = rc ? NULL : pm_calloc(u->an->ctx, dead->db.blocks.n + 1, 1);
	for (size_t i = 0; u->lives && i < dead->db.blocks.n; i++)
		u->lives[i] = dead->refs[i] != 0;
	return rc ? rc : u->an->ctx->rc;
}

bool pm_dead_lives(const struct pm_undelete *u, pm_bid bid)
{
	const size_t i = pm_block_index(&u->dead, bid);

	return i != SIZE_MAX && u->lives[i];
}

enum pm_rc pm_dead_gather(struct pm_undelete *u)
{
	struct pm_analysis *an = u->an;
	struct gather g = {.u = u};
	enum pm_rc rc;

	u->dead = *an;
	u->dead.dead = true;
	u->dead.refs = NULL;
	u->dead.orphans = (struct pm_map){0};
	u->dead.missing = (struct pm_map){0};
	u->dead.absent = (struct pm_map){0};
	memset(&u->dead.db.blocks, 0, sizeof(u->dead.db.blocks));
	memset(&u->dead.db.nodes, 0, sizeof(u->dead.db.nodes));
	rc = living_places(&g);
	if (rc == PM_OK)
		rc = gather_blocks(&g);
	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		struct pm_node *slot = pm_vec_push(an->ctx, &u->dead.db.nodes);

		if (!slot)
			return an->ctx->rc;
		*slot = an->db.nodes.v[i];
		slot->flags = 0;
	}
	if (rc == PM_OK)
		rc = count_living(u);
	if (rc == PM_OK)
		rc = old_leaves(&g, PM_PTYPE_NBT, take_node);
	if (rc == PM_OK)
		rc = slack_of_living(&g);
	if (rc == PM_OK)
		rc = sort_nodes(u);
	pm_rangeset_done(&g.living);
	pm_map_done(&g.twice);
	pm_map_done(&g.seen);
	return rc;
}

/* ---- the blocks of an object ---- */

typedef enum pm_rc (*bid_fn)(void *arg, pm_bid bid);

static enum pm_rc each_of_data(struct pm_undelete *u, pm_bid bid, bid_fn fn, void *arg)
{
	struct pm_data d;
	enum pm_rc rc = pm_data_open(&u->dead.db, bid, &d);

	rc = pm_is_error(rc) ? rc : fn(arg, pm_bid_key(bid));
	for (size_t i = 0; i < d.leaves.n && rc == PM_OK; i++)
		rc = fn(arg, d.leaves.v[i].bid);
	for (size_t i = 0; i < d.internal.n && rc == PM_OK; i++)
		rc = fn(arg, pm_bid_key(d.internal.v[i]));
	pm_data_close(&d);
	return rc;
}

static enum pm_rc each_of_subs(struct pm_undelete *u, pm_bid bid, unsigned depth, bid_fn fn,
			       void *arg)
{
	struct pm_subs s;
	enum pm_rc rc;

	if (!bid || depth > DEPTH_MAX)
		return PM_OK;
	rc = pm_subs_open(&u->dead.db, bid, &s);
	rc = pm_is_error(rc) ? rc : fn(arg, pm_bid_key(bid));
	for (size_t i = 0; i < s.internal.n && rc == PM_OK; i++)
		rc = fn(arg, pm_bid_key(s.internal.v[i]));
	for (size_t i = 0; i < s.v.n && rc == PM_OK; i++) {
		rc = each_of_data(u, s.v.v[i].data, fn, arg);
		if (rc == PM_OK)
			rc = each_of_subs(u, s.v.v[i].sub, depth + 1, fn, arg);
	}
	pm_subs_close(&s);
	return rc;
}

struct taken {
	const struct pm_undelete *u;
	bool any;
};

static enum pm_rc note_taken(void *arg, pm_bid bid)
{
	struct taken *t = arg;

	t->any |= pm_map_has(&t->u->other, bid);
	return PM_OK;
}

enum pm_rc pm_dead_taken(struct pm_undelete *u, pm_bid data, pm_bid sub, bool *ret_data,
			 bool *ret_sub)
{
	struct taken t = {.u = u};
	enum pm_rc rc = PM_OK;

	*ret_data = *ret_sub = false;
	if (!u->other.n)
		return PM_OK;
	if (data)
		rc = each_of_data(u, data, note_taken, &t);
	*ret_data = t.any;
	t.any = false;
	if (rc == PM_OK)
		rc = each_of_subs(u, sub, 0, note_taken, &t);
	*ret_sub = t.any;
	return rc;
}

struct members {
	struct pm_ctx *ctx;
	struct pm_map ids;
};

static enum pm_rc note_member(void *arg, pm_bid bid)
{
	struct members *m = arg;

	return pm_map_put(m->ctx, &m->ids, bid & ~(pm_bid)3, 1);
}

enum pm_rc pm_dead_one_save(struct pm_undelete *u, pm_bid data, pm_bid sub, bool *ret)
{
	const pm_bid lo = (data < sub ? data : sub) & ~(pm_bid)3;
	const pm_bid hi = (data < sub ? sub : data) & ~(pm_bid)3;
	struct members m = {.ctx = u->an->ctx};
	enum pm_rc rc;

	*ret = hi - lo <= SAVE_IDS;
	if (!*ret)
		return PM_OK;
	rc = each_of_data(u, data, note_member, &m);
	if (rc == PM_OK)
		rc = each_of_subs(u, sub, 0, note_member, &m);
	for (pm_bid id = lo + 4; id < hi && *ret; id += 4)
		*ret = pm_map_has(&m.ids, id);
	pm_map_done(&m.ids);
	return rc;
}
