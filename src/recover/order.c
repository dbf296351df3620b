/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data blocks of a value in another order than the one in which they were written, under right
 * checksums: nothing in an XBLOCK says what the order was. But all blocks save the last are full,
 * and ids are given out as blocks are written. [OBS: in 24 real files, 130 values of three blocks or
 * more: in 126 the ids of all blocks but the last ascend; 4, in one OST, were written in several
 * goes, in each of which the last block has the lowest id. No value has a short block but its last.
 * In heaps and row matrices blocks are replaced one by one, and ids tell nothing. In half of the files most
 * last blocks have an id below the one before, in the others none has.]
 *
 * Gathers: an->orders, values whose order is certainly, or most probably, wrong.
 * Needs: kinds of blocks, references, settled nodes.
 */
#include "recover/internal.h"

#include "base/sort.h"
#include "ndb/tree.h"

/* Ids missing between the lowest and the highest of a value that was written at once. A repaired
 * value has blocks with ids that are further away than this (BID_ROOM). */
#define GAP_MAX   32
#define DEPTH_MAX 128
#define TWINS_MIN 8 /* values whose last block has the highest id, for one in which it hasn't */

/* How the blocks of a value stand. */
enum stand {
	ST_USUAL,  /* ids of all but the last ascend, or tell nothing */
	ST_GROUPS, /* as if written in several goes */
	ST_MIXED,  /* neither */
	ST_CHUNKS, /* several blocks are short: a writer that does not fill them */
	ST_SHORT,  /* one is short, and it is not the last */
	ST_TWINS,  /* two full ones, the ids of which descend */
};

struct suspect {
	pm_bid bid; /* root of the data tree */
	uint8_t stand;
	bool value; /* a property's, no rows of a table */
	bool two;   /* with two blocks the sizes say it all */
	bool sorted; /* the order follows from sizes and ids, if no value was written in several goes */
};

struct orders {
	struct pm_analysis *an;
	PM_VEC(struct suspect) v;
	struct pm_map at;    /* bid -> index into v */
	struct pm_map below; /* XBLOCKs of an XXBLOCK */
	struct pm_map seen;  /* subnode trees */
	size_t usual;        /* trees of three blocks and more whose ids are as they should be */
	size_t full;         /* trees whose blocks are full */
	/* Trees whose last block, known by its size, has an id above that before it, below it. */
	size_t up, down;
};

/* Is ids[0..n-1] a sequence of goes, of which each but the first and the last has two blocks or more,
 * ascending but for its last, which is below all of them? */
static bool in_groups(const struct pm_leaf *v, size_t n)
{
	pm_bid top = 0;
	size_t i = 0;

	while (i < n) {
		size_t k = i + 1;

		while (k < n && v[k].bid > v[k - 1].bid)
			k++;
		/* v[i..k-1] ascends; v[k] is what comes before all of it. */
		if (k == n)
			return k - i == 1;
		if (i == 0 && k > 1 && v[k].bid > v[0].bid && v[k].bid < v[1].bid)
			top = v[0].bid;
		else if (v[k].bid <= top || v[k].bid >= v[i].bid)
			return false;
		top = v[k - 1].bid > top ? v[k - 1].bid : top;
		i = k + 1;
		if (i < n && v[i].bid < top)
			return false;
	}
	return true;
}

/* Were all of them written at once, each one once? */
static enum pm_rc at_once(struct pm_ctx *ctx, const struct pm_data *d, bool *ret)
{
	PM_VEC(pm_bid) ids = {0};
	enum pm_rc rc;

	for (size_t i = 0; i < d->leaves.n; i++) {
		pm_bid *id = pm_vec_push(ctx, &ids);

		if (!id)
			break;
		*id = d->leaves.v[i].bid;
	}
	rc = ctx->rc ? ctx->rc : pm_sort_u64(ctx, ids.v, ids.n, sizeof(*ids.v), 0);
	*ret = rc == PM_OK && (ids.v[ids.n - 1] - ids.v[0]) / 4 + 1 <= ids.n + GAP_MAX;
	for (size_t i = 1; i < ids.n && *ret; i++)
		*ret = ids.v[i] != ids.v[i - 1];
	pm_vec_done(&ids);
	return rc;
}

/* Do the ids of all but the last ascend; `skip`: leaving this one out? */
static bool ascend(const struct pm_leaf *v, size_t n, size_t skip)
{
	pm_bid last = 0;

	for (size_t i = 0; i + (skip == n) < n; i++) {
		if (i == skip)
			continue;
		if (v[i].bid < last)
			return false;
		last = v[i].bid;
	}
	return true;
}

/* Does the block hold bytes of a value, no heap, for all that is known? */
static bool raw(const struct pm_analysis *an, pm_bid bid)
{
	const struct pm_block *b = pm_ndb_find_block(&an->db, bid);

	return b && b->flags & PM_BF_CHECKED && (b->flags & PM_BF_KIND) == PM_BK_NONE;
}

/* Take down a tree that is not as it should be. `stand` is by the sizes. */
static enum pm_rc add(struct orders *o, const struct pm_data *d, enum stand stand)
{
	struct pm_ctx *ctx = o->an->ctx;
	const struct pm_leaf *v = d->leaves.v;
	const size_t n = d->leaves.n;
	size_t brief = 0;
	struct suspect *s;
	bool once;
	enum pm_rc rc;

	if (stand == ST_USUAL && v[n - 1].size != o->an->db.fmt->data_max) {
		o->up += v[n - 1].bid > v[n - 2].bid;
		o->down += v[n - 1].bid < v[n - 2].bid;
	} else if (stand == ST_USUAL && n == 2 && v[1].bid < v[0].bid) {
		stand = ST_TWINS;
	}
	if (stand == ST_USUAL && ascend(v, n, n)) {
		o->full++;
		o->usual += n > 2;
		return PM_OK;
	}
	rc = at_once(ctx, d, &once);
	if (rc)
		return rc;
	o->full += stand == ST_TWINS || (stand == ST_USUAL && !once);
	if ((stand == ST_USUAL || stand == ST_TWINS) && !once)
		return PM_OK;
	if (stand == ST_USUAL)
		stand = in_groups(v, n) ? ST_GROUPS : ST_MIXED;
	while (brief < n && v[brief].size == o->an->db.fmt->data_max)
		brief++;
	s = pm_vec_push(ctx, &o->v);
	if (!s)
		return ctx->rc;
	*s = (struct suspect){.bid = d->internal.v[0],
			      .stand = (uint8_t)stand,
			      .two = n == 2,
			      .sorted = once || (stand == ST_SHORT && ascend(v, n, brief))};
	return pm_map_put(ctx, &o->at, s->bid, o->v.n - 1);
}

/* The tree at block i, if it is a value's of several blocks that is sound otherwise. */
static enum pm_rc look(struct orders *o, size_t i)
{
	struct pm_analysis *an = o->an;
	const uint32_t full = an->db.fmt->data_max;
	struct pm_data d;
	enum pm_rc rc = pm_data_open(&an->db, an->db.blocks.v[i].bid, &d);
	size_t n = d.leaves.n, brief = 0, last = 0;

	/* What stands below an XXBLOCK is a part of its tree. */
	for (size_t k = 1; k < d.internal.n && !pm_is_error(rc); k++) {
		rc = pm_map_put(an->ctx, &o->below, d.internal.v[k], 1);
		rc = rc ? rc : PM_DAMAGED;
	}
	for (size_t k = 0; k < n; k++) {
		brief += d.leaves.v[k].size != full;
		last = d.leaves.v[k].size != full ? k : last;
	}
	if (!pm_is_error(rc) && n > 1 && !(d.flags & ~(uint32_t)PM_TF_NOT_FULL) && !d.crowded &&
	    raw(an, d.leaves.v[0].bid))
		rc = add(o, &d,
			 brief > 1               ? ST_CHUNKS
			 : brief && last + 1 < n ? ST_SHORT
						 : ST_USUAL);
	pm_data_close(&d);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_node_is_table(struct pm_analysis *an, const struct pm_node *n, bool *ret)
{
	size_t i = SIZE_MAX;
	enum pm_rc rc = n->data ? pm_first_leaf(an, n->data, &i) : PM_OK;

	*ret = pm_nid_kind(n->nid) == PM_BK_TC ||
	       (i != SIZE_MAX && (an->db.blocks.v[i].flags & PM_BF_KIND) == PM_BK_TC);
	return rc;
}

/* Find suspects among the subnodes of a node. */
static enum pm_rc find_values(struct orders *o, const struct pm_node *n, unsigned depth)
{
	const struct pm_map_entry *e;
	struct pm_subs s;
	bool known = false, table = false;
	enum pm_rc rc;

	if (!n->sub || depth > DEPTH_MAX || pm_map_has(&o->seen, n->sub))
		return PM_OK;
	rc = pm_map_put(o->an->ctx, &o->seen, n->sub, 1);
	if (rc)
		return rc;
	rc = pm_subs_open(&o->an->db, n->sub, &s);
	rc = pm_is_error(rc) ? rc : PM_OK;
	for (size_t i = 0; i < s.v.n && rc == PM_OK; i++) {
		const struct pm_sub *v = &s.v.v[i];
		const struct pm_node kid = {.nid = (pm_nid)v->nid, .data = v->data, .sub = v->sub};

		e = pm_map_find(&o->at, pm_bid_key(v->data));
		/* A damaged one's values are judged now as they will be once it is mended. */
		if (e && !known)
			rc = pm_node_is_table(o->an, n, &table);
		known |= e != NULL;
		if (e && !table)
			o->v.v[e->value].value = true;
		if (rc == PM_OK)
			rc = find_values(o, &kid, depth + 1);
	}
	pm_subs_close(&s);
	return rc;
}

/*
 * Can it be put in order? What other files show is enough to name a value, not to move its bytes: for
 * that the file's own values must say that their ids ascend.
 */
static bool restorable(const struct orders *o, const struct suspect *s, const size_t *by)
{
	if (s->two)
		return s->stand != ST_TWINS;
	return s->sorted && !by[ST_GROUPS] && (s->stand == ST_SHORT || o->usual >= by[ST_MIXED]);
}

/* By what the file's other values show, which suspects are wrong, and which can be put in order. */
static enum pm_rc decide(struct orders *o)
{
	size_t by[ST_TWINS + 1] = {0};
	bool filled; /* does this writer fill blocks? */
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->v.n; i++)
		by[o->v.v[i].stand] += o->v.v[i].value && !pm_map_has(&o->below, o->v.v[i].bid);
	filled = by[ST_CHUNKS] <= o->full + by[ST_GROUPS] + by[ST_MIXED];
	for (size_t i = 0; i < o->v.n && rc == PM_OK; i++) {
		const struct suspect *s = &o->v.v[i];
		bool wrong = false;

		/* All real files together stand for one value more. */
		if (s->stand == ST_MIXED)
			wrong = by[ST_MIXED] <= o->usual + by[ST_GROUPS] + 1;
		else if (s->stand == ST_SHORT)
			wrong = filled;
		else if (s->stand == ST_TWINS)
			/* By their ids alone, only where others show that blocks changed places. */
			wrong = filled && by[ST_SHORT] && o->up >= TWINS_MIN * (o->down + 1);
		if (wrong && s->value && !pm_map_has(&o->below, s->bid))
			rc = pm_map_put(o->an->ctx, &o->an->orders, s->bid,
					restorable(o, s, by) ? PM_ORDER_RESTORED
							     : PM_ORDER_UNKNOWN);
	}
	return rc;
}

enum pm_rc pm_find_orders(struct pm_analysis *an)
{
	struct orders o = {.an = an};
	enum pm_rc rc = PM_OK;

	an->db.orders = NULL;
	pm_map_done(&an->orders);
	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++)
		if (pm_bid_internal(an->db.blocks.v[i].bid))
			rc = look(&o, i);
	for (size_t i = 0; i < an->db.nodes.n && o.v.n && rc == PM_OK; i++)
		rc = find_values(&o, &an->db.nodes.v[i], 0);
	if (rc == PM_OK)
		rc = decide(&o);
	an->db.orders = &an->orders;
	pm_vec_done(&o.v);
	pm_map_done(&o.at);
	pm_map_done(&o.below);
	pm_map_done(&o.seen);
	return rc;
}
