/* SPDX-License-Identifier: Apache-2.0 */
/* Data trees: a node's bytes over one block, an XBLOCK or an XXBLOCK. */
#include "ndb/tree.h"

#include "base/sort.h"

/* An XXBLOCK of full XBLOCKs exceeds what lcbTotal can say; this bounds hostile trees. */
#define LEAVES_MAX ((size_t)1 << 23)

static bool seen(const struct pm_data *d, pm_bid bid)
{
	for (size_t i = 0; i < d->internal.n; i++)
		if (d->internal.v[i] == bid)
			return true;
	return false;
}

static enum pm_rc add_leaf(struct pm_data *d, pm_bid bid)
{
	const struct pm_block *b = pm_ndb_find_block(d->db, bid);
	struct pm_leaf *l;

	if (d->leaves.n >= LEAVES_MAX) {
		d->flags |= PM_TF_CENT;
		return PM_OK;
	}
	l = pm_spend(d->db->ctx, 2) ? NULL : pm_vec_push(d->db->ctx, &d->leaves);
	if (!l)
		return d->db->ctx->rc;
	l->bid = pm_bid_key(bid);
	l->lost = !b;
	l->size = b ? b->cb_inflated : 0;
	if (!b)
		d->flags |= PM_TF_LOST_LEAF;
	return PM_OK;
}

static enum pm_rc walk(struct pm_data *d, pm_bid bid, unsigned level, uint64_t *ret_total);

static pm_bid entry_bid(const struct pm_format *f, const struct pm_buf *b, unsigned i)
{
	const uint8_t *p = b->p + f->xhead + (size_t)i * f->xentry;

	return pm_bid_key(f->id == 8 ? pm_le64(p) : pm_le32(p));
}

/* The entries of one internal block, level 1: data blocks, level 2: XBLOCKs. */
static enum pm_rc walk_entries(struct pm_data *d, const struct pm_buf *b, unsigned level)
{
	const struct pm_format *f = d->db->fmt;
	unsigned n = (unsigned)pm_XBLOCK_cEnt(f, b->p);
	unsigned fit = (unsigned)((b->n - f->xhead) / f->xentry);
	uint64_t sum = 0;

	if (n > fit) {
		d->flags |= PM_TF_CENT;
		n = fit;
	}
	/* [OBS] A block is exactly as large as its entries: cEnt may be too small as well. */
	while (n < fit && pm_ndb_find_block(d->db, entry_bid(f, b, n))) {
		d->flags |= PM_TF_CENT;
		n++;
	}
	if (n == 0)
		d->flags |= PM_TF_EMPTY;
	for (unsigned i = 0; i < n; i++) {
		pm_bid bid = entry_bid(f, b, i);
		enum pm_rc rc = PM_OK;

		if (pm_bid_internal(bid) != (level == 2)) {
			d->flags |= PM_TF_CHILD;
			/* Keep the place, so that later offsets hold. */
			if (level == 1)
				rc = add_leaf(d, 0);
		} else if (level == 2) {
			rc = walk(d, bid, 1, &sum);
		} else {
			rc = add_leaf(d, bid);
		}
		if (pm_is_error(rc))
			return rc;
	}
	return PM_OK;
}

static enum pm_rc walk(struct pm_data *d, pm_bid bid, unsigned level, uint64_t *ret_total)
{
	const struct pm_format *f = d->db->fmt;
	struct pm_buf b = {0};
	const struct pm_block *known;
	enum pm_rc rc;
	pm_bid *slot;

	if (seen(d, bid)) {
		d->flags |= PM_TF_CYCLE;
		return PM_LOST;
	}
	rc = pm_ndb_read_block(d->db, bid, &b);
	if (pm_is_error(rc))
		goto out;
	slot = pm_vec_push(d->db->ctx, &d->internal);
	if (!slot) {
		rc = d->db->ctx->rc;
		goto out;
	}
	*slot = bid;
	known = pm_ndb_find_block(d->db, bid);
	d->crowded |= known && known->flags & PM_BF_CROWDED;
	if (rc == PM_LOST || b.n < f->xhead) {
		d->flags |= PM_TF_LOST_BLOCK;
		rc = PM_LOST;
		goto out;
	}
	if (rc == PM_DAMAGED)
		d->flags |= PM_TF_BAD_BLOCK;
	if (pm_XBLOCK_btype(f, b.p) != 1 || pm_XBLOCK_cLevel(f, b.p) < 1 ||
	    pm_XBLOCK_cLevel(f, b.p) > (level ? level : 2)) {
		d->flags |= PM_TF_BTYPE;
		rc = PM_LOST;
		goto out;
	}
	*ret_total += pm_XBLOCK_lcbTotal(f, b.p);
	rc = walk_entries(d, &b, (unsigned)pm_XBLOCK_cLevel(f, b.p));
out:
	pm_buf_done(&b);
	return rc;
}

/* Give lost leaves the size they must have had, and compare the sums. */
static void settle(struct pm_data *d, uint64_t total)
{
	const uint32_t full = d->db->fmt->data_max;
	size_t lost = 0;

	d->size = 0;
	for (size_t i = 0; i < d->leaves.n; i++) {
		struct pm_leaf *l = &d->leaves.v[i];

		if (l->lost)
			lost++;
		if (i + 1 < d->leaves.n) {
			if (l->lost)
				l->size = full;
			else if (l->size != full)
				d->flags |= PM_TF_NOT_FULL;
		} else if (l->lost) {
			l->size = total > d->size && total - d->size <= full
					  ? (uint32_t)(total - d->size)
					  : full;
		}
		d->size += l->size;
	}
	if (d->size != total)
		d->flags |= PM_TF_TOTAL;
	if (d->leaves.n && lost == d->leaves.n)
		d->flags |= PM_TF_LOST_LEAF;
}

/* The short block last, the others by their ids. */
static enum pm_rc reorder(struct pm_data *d)
{
	struct pm_leaf *v = d->leaves.v, last;
	const size_t n = d->leaves.n;
	size_t k = 0;
	enum pm_rc rc;

	while (k + 1 < n && v[k].size == d->db->fmt->data_max)
		k++;
	last = v[k];
	memmove(v + k, v + k + 1, (n - 1 - k) * sizeof(*v));
	d->leaves.n--;
	rc = pm_sort_member(d->db->ctx, &d->leaves, bid);
	v[d->leaves.n++] = last;
	d->flags &= ~(uint32_t)PM_TF_NOT_FULL;
	return rc;
}

/* What recovery found out about the order of the leaves. */
static enum pm_rc order(struct pm_data *d, pm_bid bid)
{
	const struct pm_map_entry *e = d->db->orders ? pm_map_find(d->db->orders, bid) : NULL;

	if (!e || !d->leaves.n)
		return PM_OK;
	d->flags |= e->value == PM_ORDER_RESTORED ? PM_TF_REORDERED : PM_TF_DISORDER;
	return e->value == PM_ORDER_RESTORED ? reorder(d) : PM_OK;
}

enum pm_rc pm_data_open(const struct pm_ndb *db, pm_bid bid, struct pm_data *d)
{
	uint64_t total = 0;
	enum pm_rc rc;

	*d = (struct pm_data){.db = db};
	bid = pm_bid_key(bid);
	if (!bid)
		return PM_NONE;
	if (!pm_bid_internal(bid)) {
		rc = add_leaf(d, bid);
		if (rc)
			return rc;
		d->size = d->leaves.v[0].size;
		return d->leaves.v[0].lost ? PM_LOST : PM_OK;
	}
	rc = walk(d, bid, 0, &total);
	if (pm_is_error(rc))
		return rc;
	settle(d, total);
	if (pm_is_error(order(d, bid)))
		return d->db->ctx->rc;
	if (rc == PM_LOST || !d->leaves.n)
		return PM_LOST;
	return d->flags ? PM_DAMAGED : PM_OK;
}

void pm_data_close(struct pm_data *d)
{
	pm_vec_done(&d->leaves);
	pm_vec_done(&d->internal);
}

enum pm_rc pm_data_read_leaf(const struct pm_data *d, size_t k, struct pm_buf *out)
{
	const struct pm_leaf *l = &d->leaves.v[k];
	size_t at = out->n;
	enum pm_rc rc = l->lost ? PM_LOST : pm_ndb_read_block(d->db, l->bid, out);

	if (pm_is_error(rc))
		return rc;
	if (out->n - at < l->size && pm_spend(d->db->ctx, l->size / 32 + 1))
		return d->db->ctx->rc;
	if (out->n - at < l->size)
		pm_buf_zero(d->db->ctx, out, l->size - (out->n - at));
	return d->db->ctx->rc ? d->db->ctx->rc : rc;
}

enum pm_rc pm_data_read_all(const struct pm_data *d, uint64_t max, struct pm_buf *out)
{
	enum pm_rc worst = PM_OK;
	uint64_t n = 0;

	for (size_t k = 0; k < d->leaves.n; k++) {
		enum pm_rc rc;

		if (n + d->leaves.v[k].size > max)
			return pm_worse(worst, PM_DAMAGED);
		rc = pm_data_read_leaf(d, k, out);
		if (pm_is_error(rc))
			return rc;
		worst = pm_worse(worst, rc == PM_LOST && d->leaves.n > 1 ? PM_DAMAGED : rc);
		n += d->leaves.v[k].size;
	}
	return worst;
}

/* One internal block over `n` ids. */
static enum pm_rc put_xblock(struct pm_ctx *ctx, struct pm_block_sink *sink, unsigned level,
			     const pm_bid *ids, size_t n, uint64_t total, pm_bid *ret_bid)
{
	const struct pm_format *f = sink->fmt;
	struct pm_buf b = {0};
	enum pm_rc rc;

	if (total > UINT32_MAX)
		return pm_fail(ctx, PM_ELIMIT, "a value of more than 4 GiB can't be stored");
	pm_buf_zero(ctx, &b, f->xhead + n * f->xentry);
	if (b.bad)
		return ctx->rc;
	pm_set_XBLOCK_btype(f, b.p, 1);
	pm_set_XBLOCK_cLevel(f, b.p, level);
	pm_set_XBLOCK_cEnt(f, b.p, n);
	pm_set_XBLOCK_lcbTotal(f, b.p, total);
	for (size_t i = 0; i < n; i++)
		pm_ft_set(b.p + f->xhead + i * f->xentry, f->id, ids[i]);
	rc = sink->put(sink, true, b.p, b.n, ret_bid);
	pm_buf_done(&b);
	return rc;
}

enum pm_rc pm_data_build_over(struct pm_ctx *ctx, struct pm_block_sink *sink,
			      const struct pm_leaf *leaves, size_t n, pm_bid *ret_bid)
{
	size_t fan = (sink->fmt->data_max - sink->fmt->xhead) / sink->fmt->xentry;
	PM_VEC(pm_bid) ids = {0}, up = {0};
	uint64_t all = 0;
	enum pm_rc rc = PM_OK;

	if (n <= 1) {
		*ret_bid = n ? leaves[0].bid : 0;
		return PM_OK;
	}
	for (size_t i = 0; i < n && rc == PM_OK;) {
		uint64_t total = 0;
		pm_bid *slot = pm_vec_push(ctx, &up);

		ids.n = 0;
		for (; slot && i < n && ids.n < fan; i++) {
			pm_bid *id = pm_vec_push(ctx, &ids);

			if (!id)
				break;
			*id = leaves[i].bid;
			total += leaves[i].size;
		}
		rc = ctx->rc ? ctx->rc : put_xblock(ctx, sink, 1, ids.v, ids.n, total, slot);
		all += total;
	}
	if (rc == PM_OK && up.n == 1)
		*ret_bid = up.v[0];
	else if (rc == PM_OK)
		rc = put_xblock(ctx, sink, 2, up.v, up.n, all, ret_bid);
	pm_vec_done(&ids);
	pm_vec_done(&up);
	return rc;
}

enum pm_rc pm_data_build(struct pm_ctx *ctx, struct pm_block_sink *sink, const uint8_t *p, size_t n,
			 pm_bid *ret_bid)
{
	size_t full = sink->fmt->data_max;
	PM_VEC(struct pm_leaf) leaves = {0};
	enum pm_rc rc = PM_OK;

	for (size_t at = 0; at < n && rc == PM_OK; at += full) {
		size_t len = n - at < full ? n - at : full;
		struct pm_leaf *l = pm_vec_push(ctx, &leaves);

		if (!l) {
			rc = ctx->rc;
			break;
		}
		l->size = (uint32_t)len;
		rc = sink->put(sink, false, p + at, len, &l->bid);
	}
	if (rc == PM_OK)
		rc = pm_data_build_over(ctx, sink, leaves.v, leaves.n, ret_bid);
	pm_vec_done(&leaves);
	return rc;
}
