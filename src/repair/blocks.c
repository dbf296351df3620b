/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks, data trees and subnode trees.
 *
 * Mends: wrong trailers over right content, in place; blocks over a map page's place, over
 * another block or across an interval are moved (same id, new place); content that suffered
 * is copied to a new block, its old bytes stay; trees that name such blocks are rewritten.
 * Needs: the analysis, and the casualties (assess.c) before anything is changed.
 */
#include "repair/repair.h"

#include "base/sort.h"

#define UNSOUND   (PM_BF_CRC | PM_BF_READ | PM_BF_INFLATE | PM_BF_LOST | PM_BF_SUSPECT)
#define TRAILER   (PM_BF_BID | PM_BF_CB | PM_BF_SIG | PM_BF_CB_INFL | PM_BF_CRC_FLIP)
#define DEPTH_MAX 64
#define ZEROS_MAX 60000

static enum pm_rc mend_trailer(struct pm_repair *r, struct pm_block *b)
{
	const struct pm_format *f = r->fmt;
	uint32_t size = pm_block_stored(f, b->cb);
	uint8_t stored[65536];
	enum pm_rc rc = pm_image_read(r->ctx, r->an->img, b->ib, stored, size);

	if (pm_is_error(rc))
		return rc;
	pm_block_seal(f, stored, b->ib, b->bid, b->cb, b->cb_inflated);
	rc = pm_view_put(r->view, b->ib + size - f->block_trailer, stored + size - f->block_trailer,
			 f->block_trailer);
	r->bytes_in_place += f->block_trailer;
	b->flags &= (uint16_t)~TRAILER;
	return rc ? rc : pm_repair_did(r, PM_DID_TRAILER, b->bid, b->ib, 0);
}

enum pm_rc pm_repair_bits(struct pm_repair *r)
{
	const struct pm_analysis *an = r->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->bits.n && rc == PM_OK; i++) {
		const struct pm_bit *x = &an->bits.v[i];

		if (!pm_bit_in_use(an, x))
			continue;
		rc = pm_view_put(r->view, x->at, &x->is, 1);
		r->bytes_in_place++;
		if (rc == PM_OK)
			rc = pm_repair_did(r, PM_DID_BIT, x->bid, x->at, x->is);
	}
	return rc;
}

static enum pm_rc relocate(struct pm_repair *r, struct pm_block *b)
{
	const struct pm_format *f = r->fmt;
	uint32_t size = pm_block_stored(f, b->cb);
	uint8_t stored[65536];
	pm_ib from = b->ib;
	enum pm_rc rc = pm_image_read(r->ctx, r->an->img, b->ib, stored, size);

	if (!pm_is_error(rc))
		rc = pm_repair_place(r, size, f->unit, &b->ib);
	if (rc)
		return rc;
	memset(stored + b->cb, 0, size - b->cb);
	pm_block_seal(f, stored, b->ib, b->bid, b->cb, b->cb_inflated);
	rc = pm_view_put(r->view, b->ib, stored, size);
	b->flags &= (uint16_t)~TRAILER;
	return rc ? rc : pm_repair_did(r, PM_DID_RELOCATE, b->bid, from, b->ib);
}

/* Does the block lie where a map page belongs, or across the end of an interval? */
static bool misplaced(const struct pm_format *f, pm_ib ib, uint64_t end)
{
	uint64_t k = pm_amap_index(f, ib), start = pm_amap_offset(f, k);

	return ib < start + pm_map_bytes(f, k) || end > start + f->amap_interval;
}

struct by_place {
	uint64_t ib;
	size_t i;
};

static enum pm_rc move_blocks(struct pm_repair *r)
{
	PM_VEC(struct by_place) order = {0};
	uint64_t end = 0;
	size_t n = r->an->db.blocks.n;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < n && rc == PM_OK; i++) {
		struct by_place *p;

		if (r->an->db.blocks.v[i].flags & UNSOUND)
			continue;
		p = pm_vec_push(r->ctx, &order);
		if (p)
			*p = (struct by_place){r->an->db.blocks.v[i].ib, i};
		rc = r->ctx->rc;
	}
	if (rc == PM_OK)
		rc = pm_sort_member(r->ctx, &order, ib);
	for (size_t i = 0; i < order.n && rc == PM_OK; i++) {
		struct pm_block *b = &r->an->db.blocks.v[order.v[i].i];
		uint64_t stop = b->ib + pm_block_stored(r->fmt, b->cb);

		/* A block inside another whose checksum is right too: both are needed. */
		if (misplaced(r->fmt, b->ib, stop) || b->ib < end)
			rc = relocate(r, b);
		else if (stop > end)
			end = stop;
	}
	pm_vec_done(&order);
	return rc;
}

/* Entries that name another block's place: where the one whose trailer agrees lies, there is
 * nothing of the others. */
static enum pm_rc find_impostors(struct pm_repair *r)
{
	struct pm_map owner = {0};
	bool any = false;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < r->an->db.blocks.n && !any; i++)
		any = r->an->db.blocks.v[i].flags & PM_BF_BID;
	for (size_t i = 0; any && i < r->an->db.blocks.n && rc == PM_OK; i++) {
		const struct pm_block *b = &r->an->db.blocks.v[i];

		if (!(b->flags & (UNSOUND | PM_BF_BID)))
			rc = pm_map_put(r->ctx, &owner, b->ib, b->bid);
	}
	for (size_t i = 0; i < r->an->db.blocks.n && rc == PM_OK; i++) {
		struct pm_block *b = &r->an->db.blocks.v[i];

		if (!(b->flags & PM_BF_BID) || b->flags & UNSOUND || !pm_map_has(&owner, b->ib))
			continue;
		b->flags |= PM_BF_SUSPECT;
		if (!r->an->refs[i])
			b->cref = 0;
	}
	pm_map_done(&owner);
	return rc;
}

static enum pm_rc mend_trailers(struct pm_repair *r)
{
	enum pm_rc rc = find_impostors(r);

	for (size_t i = 0; i < r->an->db.blocks.n && rc == PM_OK; i++) {
		struct pm_block *b = &r->an->db.blocks.v[i];

		if (b->flags & TRAILER && !(b->flags & UNSOUND))
			rc = mend_trailer(r, b);
	}
	return rc;
}

/* A block id as a data tree and as a subnode tree are two keys: bit 0 of ids is free. */
enum tree { TREE_DATA = 0, TREE_SUBS = 1 };

/* The result of mending a tree, and how it came out, in one word for the map. PM_NONE: it is being
 * mended. */
static enum pm_rc remember(struct pm_repair *r, enum tree tree, pm_bid bid, pm_bid to,
			   enum pm_rc state)
{
	enum pm_rc rc = pm_map_put(r->ctx, &r->mended, bid | tree, to << 2 | (uint64_t)state);

	return rc ? rc : state;
}

static bool recall(const struct pm_repair *r, enum tree tree, pm_bid bid, pm_bid *ret_bid,
		   enum pm_rc *ret_state)
{
	const struct pm_map_entry *e = pm_map_find(&r->mended, bid | tree);

	if (!e)
		return false;
	*ret_bid = e->value >> 2;
	*ret_state = (enum pm_rc)(e->value & 3);
	return true;
}

static bool leaf_unsound(const struct pm_repair *r, const struct pm_leaf *l)
{
	const struct pm_block *b = l->lost ? NULL : pm_ndb_find_block(&r->an->db, l->bid);

	return !b || b->flags & UNSOUND;
}

/* Places that a lost block leaves are one block of zeros, as often as its count can say. */
static enum pm_rc put_zeros(struct pm_repair *r, const struct pm_buf *b, pm_bid *ret_bid)
{
	enum pm_rc rc = PM_OK;

	if (!r->zeros || r->zeros_used >= ZEROS_MAX) {
		r->zeros_used = 0;
		rc = r->sink.put(&r->sink, false, b->p, b->n, &r->zeros);
	}
	r->zeros_used++;
	*ret_bid = r->zeros;
	return rc;
}

/* Leaves without bytes, sizes that no block has, and what lies beyond the 4 GiB that an XXBLOCK
 * can count. */
static void drop_impossible(const struct pm_format *f, struct pm_data *d)
{
	uint64_t total = 0;
	size_t n = 0;

	for (size_t i = 0; i < d->leaves.n && total + f->data_max <= UINT32_MAX; i++) {
		if (d->leaves.v[i].size > f->data_max)
			d->leaves.v[i].size = f->data_max;
		total += d->leaves.v[i].size;
		if (d->leaves.v[i].size)
			d->leaves.v[n++] = d->leaves.v[i];
	}
	d->leaves.n = n;
}

/* Leaf after leaf into blocks of full size. */
static enum pm_rc fill_blocks(struct pm_repair *r, const struct pm_data *d, pm_bid *ret_bid)
{
	const size_t full = r->fmt->data_max;
	PM_VEC(struct pm_leaf) leaves = {0};
	struct pm_buf b = {0};
	enum pm_rc rc = PM_OK;

	for (size_t k = 0; k < d->leaves.n && !pm_is_error(rc); k++) {
		const bool last = k + 1 == d->leaves.n;

		rc = pm_data_read_leaf(d, k, &b);
		while (!pm_is_error(rc) && (b.n >= full || (last && b.n))) {
			const size_t n = b.n < full ? b.n : full;
			struct pm_leaf *l = pm_vec_push(r->ctx, &leaves);

			if (!l)
				break;
			l->size = (uint32_t)n;
			rc = r->sink.put(&r->sink, false, b.p, n, &l->bid);
			memmove(b.p, b.p + n, b.n - n);
			b.n -= n;
		}
		rc = r->ctx->rc ? r->ctx->rc : rc;
	}
	if (!pm_is_error(rc))
		rc = pm_data_build_over(r->ctx, &r->sink, leaves.v, leaves.n, ret_bid);
	pm_vec_done(&leaves);
	pm_buf_done(&b);
	return rc;
}

/* Is it a heap? Its ids count in blocks. */
static bool is_heap(const struct pm_repair *r, const struct pm_data *d)
{
	const struct pm_block *b =
		d->leaves.n ? pm_ndb_find_block(&r->an->db, d->leaves.v[0].bid) : NULL;

	return b && b->flags & PM_BF_KIND;
}

/*
 * A data tree whose blocks are all there: sound ones stay, damaged ones are copied to new
 * blocks, lost ones become zeros of their size, so that later offsets hold. `rows`: those of a table, which
 * never straddle blocks.
 */
static enum pm_rc mend_data(struct pm_repair *r, struct pm_data *d, bool rows, pm_bid *ret_bid)
{
	const bool flows = !rows && !is_heap(r, d);

	struct pm_buf b = {0};
	size_t lost = 0;
	enum pm_rc rc = PM_OK;

	drop_impossible(r->fmt, d);
	/* Of an order that nobody knows the bytes stay as they are, and get new ids: those that
	 * they have would say again that it is wrong. */
	if (d->flags & PM_TF_DISORDER) {
		rc = fill_blocks(r, d, ret_bid);
		return pm_is_error(rc) ? rc : PM_DAMAGED;
	}
	for (size_t i = 0; i < d->leaves.n && !pm_is_error(rc); i++) {
		struct pm_leaf *l = &d->leaves.v[i];
		pm_bid was = l->bid;

		if (!leaf_unsound(r, l))
			continue;
		pm_buf_clear(&b);
		rc = pm_data_read_leaf(d, i, &b);
		lost += rc == PM_LOST;
		b.n = b.n < l->size ? b.n : l->size;
		if (rc == PM_LOST && b.n == r->fmt->data_max)
			rc = put_zeros(r, &b, &l->bid);
		else if (!pm_is_error(rc))
			rc = r->sink.put(&r->sink, false, b.p, b.n, &l->bid);
		if (rc == PM_OK)
			rc = pm_repair_did(r, PM_DID_SALVAGE, was, l->bid, 0);
	}
	pm_buf_done(&b);
	if (pm_is_error(rc))
		return rc;
	if (lost == d->leaves.n)
		return PM_LOST;
	/* One that is stored anew is stored in full blocks: short ones would look like an order that is
	 * wrong, once all else is right. */
	if (d->flags & PM_TF_NOT_FULL && flows)
		rc = fill_blocks(r, d, ret_bid);
	else
		rc = pm_data_build_over(r->ctx, &r->sink, d->leaves.v, d->leaves.n, ret_bid);
	return pm_is_error(rc) ? rc : PM_DAMAGED;
}

static enum pm_rc mend_tree(struct pm_repair *r, pm_bid bid, bool rows, pm_bid *ret_bid)
{
	struct pm_data d;
	enum pm_rc rc, state;
	pm_bid to = bid;
	bool unsound = false;

	*ret_bid = bid;
	if (!bid)
		return PM_NONE;
	if (!pm_bid_internal(bid) && !leaf_unsound(r, &(struct pm_leaf){.bid = bid}))
		return PM_OK; /* as most are */
	if (recall(r, TREE_DATA, bid, ret_bid, &state))
		return state;
	rc = pm_data_open(&r->an->db, bid, &d);
	for (size_t i = 0; i < d.leaves.n && !unsound; i++)
		unsound = leaf_unsound(r, &d.leaves.v[i]);
	if (rc == PM_OK && unsound)
		rc = PM_DAMAGED;
	/* Whoever mends the table knows its rows by their own ids. */
	if (rc == PM_DAMAGED && d.flags == PM_TF_NOT_FULL && rows && !unsound)
		rc = PM_OK;
	if (rc == PM_DAMAGED)
		rc = mend_data(r, &d, rows, &to);
	pm_data_close(&d);
	if (pm_is_error(rc))
		return rc;
	if (rc == PM_LOST)
		to = 0;
	*ret_bid = to;
	return remember(r, TREE_DATA, bid, to, rc);
}

enum pm_rc pm_repair_full(struct pm_repair *r, pm_bid bid, pm_bid *ret_bid)
{
	const struct pm_map_entry *seen = pm_map_find(&r->full, bid);
	struct pm_data d;
	enum pm_rc rc;

	*ret_bid = seen ? seen->value : bid;
	if (seen || !pm_bid_internal(bid))
		return PM_OK;
	rc = pm_data_open(&r->an->db, bid, &d);
	if (rc == PM_DAMAGED && d.flags == PM_TF_NOT_FULL)
		rc = fill_blocks(r, &d, ret_bid);
	pm_data_close(&d);
	if (pm_is_error(rc))
		return rc;
	return pm_map_put(r->ctx, &r->full, bid, *ret_bid);
}

enum pm_rc pm_repair_data(struct pm_repair *r, pm_bid bid, pm_bid *ret_bid)
{
	return mend_tree(r, bid, false, ret_bid);
}

static enum pm_rc mend_subs(struct pm_repair *r, pm_bid bid, bool table, unsigned depth,
			    pm_bid *ret_bid);

/* Data and subnodes of every entry; *ret_changed when one of them has a new id. */
static enum pm_rc mend_entries(struct pm_repair *r, struct pm_subs *s, bool table, unsigned depth,
			       bool *ret_changed, enum pm_rc *ret_state)
{
	for (size_t i = 0; i < s->v.n; i++) {
		struct pm_sub *e = &s->v.v[i];
		pm_bid data = e->data, sub = e->sub;
		bool below = false;
		enum pm_rc rc = mend_tree(r, e->data, table, &data);

		if (pm_is_error(rc))
			return rc;
		*ret_state = rc == PM_NONE ? *ret_state
					   : pm_worse(*ret_state, rc == PM_OK ? PM_OK : PM_DAMAGED);
		if (e->sub)
			rc = pm_node_is_table(
				r->an, &(struct pm_node){.nid = (pm_nid)e->nid, .data = e->data},
				&below);
		if (!pm_is_error(rc))
			rc = mend_subs(r, e->sub, below, depth + 1, &sub);
		if (pm_is_error(rc))
			return rc;
		*ret_state = rc == PM_NONE ? *ret_state
					   : pm_worse(*ret_state, rc == PM_OK ? PM_OK : PM_DAMAGED);
		*ret_changed |= data != e->data || sub != e->sub;
		e->data = data;
		e->sub = sub;
	}
	return PM_OK;
}

static bool internals_unsound(const struct pm_repair *r, const struct pm_subs *s)
{
	for (size_t i = 0; i < s->internal.n; i++) {
		const struct pm_block *b = pm_ndb_find_block(&r->an->db, s->internal.v[i]);

		if (!b || b->flags & UNSOUND)
			return true;
	}
	return false;
}

static enum pm_rc mend_subs(struct pm_repair *r, pm_bid bid, bool table, unsigned depth,
			    pm_bid *ret_bid)
{
	struct pm_subs s;
	enum pm_rc rc, state = PM_OK;
	bool changed;
	pm_bid to = bid;

	*ret_bid = bid;
	if (!bid)
		return PM_NONE;
	if (depth > DEPTH_MAX)
		return PM_DAMAGED;
	if (recall(r, TREE_SUBS, bid, ret_bid, &state)) {
		/* A tree within itself is cut where it would begin again. */
		if (state == PM_NONE)
			*ret_bid = 0;
		return state == PM_NONE ? PM_LOST : state;
	}
	state = remember(r, TREE_SUBS, bid, bid, PM_NONE);
	if (pm_is_error(state))
		return state;
	state = PM_OK;
	rc = pm_subs_open(&r->an->db, bid, &s);
	if (pm_is_error(rc))
		goto out;
	changed = rc != PM_OK || internals_unsound(r, &s);
	if (changed)
		state = rc == PM_LOST ? PM_LOST : PM_DAMAGED;
	rc = mend_entries(r, &s, table, depth, &changed, &state);
	if (rc == PM_OK && changed) {
		to = 0;
		rc = pm_subs_build(r->ctx, &r->sink, s.v.v, s.v.n, &to);
	}
	if (rc == PM_OK) {
		*ret_bid = to;
		rc = remember(r, TREE_SUBS, bid, to, state);
	}
out:
	pm_subs_close(&s);
	return rc;
}

enum pm_rc pm_repair_blocks(struct pm_repair *r)
{
	enum pm_rc rc = mend_trailers(r);

	if (rc == PM_OK)
		rc = move_blocks(r);
	for (size_t i = 0; i < r->an->db.nodes.n && rc == PM_OK; i++) {
		struct pm_node *n = &r->an->db.nodes.v[i];
		pm_bid data, sub;
		bool table = false;
		enum pm_rc state;

		/* What the check found is still so, and it found nothing. */
		if (r->an->blocks_sound && !r->an->orders.n && n->flags & PM_NF_SOUND)
			continue;
		state = pm_repair_data(r, n->data, &data);
		if (pm_is_error(state))
			return state;
		state = n->sub ? pm_node_is_table(r->an, n, &table) : PM_OK;
		if (!pm_is_error(state))
			state = mend_subs(r, n->sub, table, 0, &sub);
		if (pm_is_error(state))
			return state;
		if (data == n->data && sub == n->sub)
			continue;
		rc = pm_repair_did(r, PM_DID_NODE_TREES, n->nid, n->data, data);
		n->data = data;
		n->sub = sub;
		n->flags &= (uint8_t) ~(PM_NF_SOUND | PM_NF_WHOLE);
	}
	return rc;
}
