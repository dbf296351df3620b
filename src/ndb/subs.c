/* SPDX-License-Identifier: Apache-2.0 */
/* Subnode trees: the private name space of a node. */
#include "ndb/tree.h"

#include "base/sort.h"

#define SUBS_MAX ((size_t)1 << 24)

static enum pm_rc read_internal(const struct pm_ndb *db, pm_bid bid, struct pm_subs *s,
				struct pm_buf *b)
{
	const struct pm_format *f = db->fmt;
	enum pm_rc rc;
	pm_bid *slot;

	for (size_t i = 0; i < s->internal.n; i++)
		if (s->internal.v[i] == bid) {
			s->flags |= PM_TF_CYCLE;
			return PM_LOST;
		}
	if (!pm_bid_internal(bid)) {
		s->flags |= PM_TF_NOT_INTERNAL;
		return PM_LOST;
	}
	slot = pm_vec_push(db->ctx, &s->internal);
	if (!slot)
		return db->ctx->rc;
	*slot = bid;
	rc = pm_ndb_read_block(db, bid, b);
	if (pm_is_error(rc))
		return rc;
	if (rc == PM_LOST || b->n < f->slhead) {
		s->flags |= PM_TF_LOST_BLOCK;
		return PM_LOST;
	}
	if (rc == PM_DAMAGED)
		s->flags |= PM_TF_BAD_BLOCK;
	if (pm_SLBLOCK_btype(f, b->p) != 2 || pm_SLBLOCK_cLevel(f, b->p) > 1) {
		s->flags |= PM_TF_BTYPE;
		return PM_LOST;
	}
	if (pm_SLBLOCK_dwPadding(f, b->p))
		s->flags |= PM_TF_PADDING;
	return rc;
}

/*
 * How many entries there are. [OBS] A block is exactly as large as its entries, so where cEnt
 * is too small those behind count as well, as far as they name blocks.
 */
static unsigned entry_count(const struct pm_ndb *db, const struct pm_buf *b, unsigned size,
			    struct pm_subs *s)
{
	const struct pm_format *f = db->fmt;
	unsigned n = (unsigned)pm_SLBLOCK_cEnt(f, b->p);
	unsigned fit = (unsigned)((b->n - f->slhead) / size);

	if (n > fit) {
		s->flags |= PM_TF_CENT;
		n = fit;
	}
	for (; n < fit; n++) {
		const uint8_t *p = b->p + f->slhead + (size_t)n * size;
		pm_bid bid = size == f->slentry ? pm_SLENTRY_bidData(f, p) : pm_SIENTRY_bid(f, p);

		if (!pm_ndb_find_block(db, bid))
			break;
		s->flags |= PM_TF_CENT;
	}
	if (n == 0)
		s->flags |= PM_TF_EMPTY;
	return n;
}

static enum pm_rc read_leaf(const struct pm_ndb *db, const struct pm_buf *b, struct pm_subs *s)
{
	const struct pm_format *f = db->fmt;
	unsigned n = entry_count(db, b, f->slentry, s);

	for (unsigned i = 0; i < n; i++) {
		const uint8_t *p = b->p + f->slhead + (size_t)i * f->slentry;
		pm_nid nid = (pm_nid)pm_SLENTRY_nid(f, p);
		struct pm_sub *e;

		if (s->v.n >= SUBS_MAX)
			return pm_fail(db->ctx, PM_ELIMIT, "a node has more than %zu subnodes",
				       SUBS_MAX);
		if (s->v.n && s->v.v[s->v.n - 1].nid >= nid)
			s->flags |= PM_TF_ORDER;
		e = pm_spend(db->ctx, 2) ? NULL : pm_vec_push(db->ctx, &s->v);
		if (!e)
			return db->ctx->rc;
		e->nid = nid;
		e->data = pm_bid_key(pm_SLENTRY_bidData(f, p));
		e->sub = pm_bid_key(pm_SLENTRY_bidSub(f, p));
	}
	return PM_OK;
}

static enum pm_rc read_index(const struct pm_ndb *db, const struct pm_buf *b, struct pm_subs *s)
{
	const struct pm_format *f = db->fmt;
	unsigned n = entry_count(db, b, f->sientry, s);
	struct pm_buf leaf = {0};
	enum pm_rc rc = PM_OK;

	for (unsigned i = 0; i < n; i++) {
		const uint8_t *p = b->p + f->slhead + (size_t)i * f->sientry;
		size_t before = s->v.n;

		pm_buf_clear(&leaf);
		rc = read_internal(db, pm_bid_key(pm_SIENTRY_bid(f, p)), s, &leaf);
		if (pm_is_error(rc))
			break;
		if (rc == PM_LOST)
			continue;
		if (pm_SLBLOCK_cLevel(f, leaf.p) != 0) {
			s->flags |= PM_TF_BTYPE;
			continue;
		}
		rc = read_leaf(db, &leaf, s);
		if (pm_is_error(rc))
			break;
		if (s->v.n > before && s->v.v[before].nid != (pm_nid)pm_SIENTRY_nid(f, p))
			s->flags |= PM_TF_KEYMIN;
	}
	pm_buf_done(&leaf);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Out of order: sort, the first of doubles wins. */
static enum pm_rc put_in_order(const struct pm_ndb *db, struct pm_subs *s)
{
	size_t n = 0;
	enum pm_rc rc;

	if (!(s->flags & PM_TF_ORDER))
		return PM_OK;
	rc = pm_sort_member(db->ctx, &s->v, nid);
	if (rc)
		return rc;
	for (size_t i = 0; i < s->v.n; i++)
		if (!n || s->v.v[n - 1].nid != s->v.v[i].nid)
			s->v.v[n++] = s->v.v[i];
	s->v.n = n;
	return PM_OK;
}

enum pm_rc pm_subs_open(const struct pm_ndb *db, pm_bid bid, struct pm_subs *s)
{
	struct pm_buf b = {0};
	enum pm_rc rc;

	*s = (struct pm_subs){0};
	bid = pm_bid_key(bid);
	if (!bid)
		return PM_NONE;
	rc = read_internal(db, bid, s, &b);
	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_SLBLOCK_cLevel(db->fmt, b.p) ? read_index(db, &b, s) : read_leaf(db, &b, s);
	pm_buf_done(&b);
	if (pm_is_error(rc) || rc == PM_LOST)
		return rc;
	rc = put_in_order(db, s);
	if (rc)
		return rc;
	return s->flags & ~(uint32_t)PM_TF_PADDING ? PM_DAMAGED : PM_OK;
}

void pm_subs_close(struct pm_subs *s)
{
	pm_vec_done(&s->v);
	pm_vec_done(&s->internal);
}

const struct pm_sub *pm_subs_find(const struct pm_subs *s, pm_nid nid)
{
	const size_t i = pm_lower_member(&s->v, nid, nid);

	return i < s->v.n && s->v.v[i].nid == nid ? &s->v.v[i] : NULL;
}

static enum pm_rc put_leaf(struct pm_ctx *ctx, struct pm_block_sink *sink, const struct pm_sub *v,
			   size_t n, pm_bid *ret_bid)
{
	const struct pm_format *f = sink->fmt;
	struct pm_buf b = {0};
	enum pm_rc rc;

	pm_buf_zero(ctx, &b, f->slhead + n * f->slentry);
	if (b.bad)
		return ctx->rc;
	pm_set_SLBLOCK_btype(f, b.p, 2);
	pm_set_SLBLOCK_cEnt(f, b.p, n);
	for (size_t i = 0; i < n; i++) {
		uint8_t *p = b.p + f->slhead + i * f->slentry;

		pm_set_SLENTRY_nid(f, p, v[i].nid);
		pm_set_SLENTRY_bidData(f, p, v[i].data);
		pm_set_SLENTRY_bidSub(f, p, v[i].sub);
	}
	rc = sink->put(sink, true, b.p, b.n, ret_bid);
	pm_buf_done(&b);
	return rc;
}

enum pm_rc pm_subs_build(struct pm_ctx *ctx, struct pm_block_sink *sink, const struct pm_sub *v,
			 size_t n, pm_bid *ret_bid)
{
	const struct pm_format *f = sink->fmt;
	size_t fan = (f->data_max - f->slhead) / f->slentry;
	size_t fan_index = (f->data_max - f->slhead) / f->sientry;
	struct pm_buf b = {0};
	enum pm_rc rc = PM_OK;
	size_t count = 0;

	*ret_bid = 0;
	if (n == 0)
		return PM_OK;
	if (n <= fan)
		return put_leaf(ctx, sink, v, n, ret_bid);
	if ((n + fan - 1) / fan > fan_index)
		return pm_fail(ctx, PM_ELIMIT, "%zu subnodes do not fit one node", n);
	pm_buf_zero(ctx, &b, f->slhead);
	for (size_t at = 0; at < n && rc == PM_OK && !b.bad; at += fan, count++) {
		pm_bid bid;
		uint8_t *p;

		rc = put_leaf(ctx, sink, v + at, n - at < fan ? n - at : fan, &bid);
		p = rc ? NULL : pm_buf_room(ctx, &b, f->sientry);
		if (p) {
			pm_set_SIENTRY_nid(f, p, v[at].nid);
			pm_set_SIENTRY_bid(f, p, bid);
		}
	}
	if (rc == PM_OK && !b.bad) {
		pm_set_SLBLOCK_btype(f, b.p, 2);
		pm_set_SLBLOCK_cLevel(f, b.p, 1);
		pm_set_SLBLOCK_cEnt(f, b.p, count);
		rc = sink->put(sink, true, b.p, b.n, ret_bid);
	}
	pm_buf_done(&b);
	return rc ? rc : ctx->rc;
}
