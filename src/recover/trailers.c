/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks whose trailers were hit in a bit or two, and whose entries are gone: size and checksum show
 * that a block ends there, and its id is, but for a bit, one that something names and that is nowhere.
 *
 * Gathers: such blocks.
 * Needs: rooms (gaps.c); what is missing.
 */
#include "recover/gaps.h"

#include "format/crc.h"

#define UNITS_MAX 4000000 /* where a block could end, in all rooms */

struct ends {
	struct pm_gaps *g;
	struct pm_analysis *an;
	const struct pm_format *f;
	struct pm_map folds; /* what an id adds to the signature -> id; 0: several do */
	struct pm_buf bytes; /* of the room */
	bool any;
};

static bool wanted(const struct ends *e, pm_bid bid)
{
	return pm_map_has(&e->an->missing, bid) || pm_map_has(&e->an->absent, bid);
}

static enum pm_rc add_folds(struct ends *e, const struct pm_map *ids)
{
	for (size_t i = 0; i < ids->n; i++) {
		bool new;
		struct pm_map_entry *x =
			pm_map_get(e->an->ctx, &e->folds, pm_sig(0, ids->v[i].key), &new);

		if (!x)
			return e->an->ctx->rc;
		x->value = new ? ids->v[i].key : 0;
	}
	return PM_OK;
}

/* Of those that a trailer may be whose: the best so far. */
struct claim {
	pm_bid bid; /* 0: none, or several as good */
	unsigned worth;
};

/* Is it a wanted one's, with at most two wrong bits in id and signature? Worth more when it has its like
 * beside it, then the less is wrong. */
static void consider(const struct ends *e, pm_bid bid, pm_ib ib, uint32_t size, const uint8_t *t,
		     struct claim *best)
{
	const pm_bid there = pm_bid_key(pm_BLOCKTRAILER_bid(e->f, t));
	const uint16_t sig = (uint16_t)pm_BLOCKTRAILER_wSig(e->f, t);
	const unsigned wrong = (unsigned)__builtin_popcountll(bid ^ there) +
			       (unsigned)__builtin_popcount(sig ^ pm_sig(ib, bid));
	unsigned worth;

	if (!bid || wrong > 2 || !wanted(e, bid))
		return;
	if (pm_gap_of_another(e->g, ib, t, bid))
		return;
	worth = (pm_gap_like_beside(e->g, bid, ib, ib + size, PM_TOGETHER) ? 6u : 3u) - wrong;
	if (worth > best->worth)
		*best = (struct claim){bid, worth};
	else if (worth == best->worth && bid != best->bid)
		best->bid = 0;
}

static pm_bid by_signature(const struct ends *e, pm_ib ib, const uint8_t *t)
{
	const uint16_t sig = (uint16_t)pm_BLOCKTRAILER_wSig(e->f, t);
	const struct pm_map_entry *x = pm_map_find(&e->folds, sig ^ pm_sig(ib, 0));

	return x ? x->value : 0;
}

/* Whose trailer is it? 0: nobody's who is wanted. */
static pm_bid whose(const struct ends *e, pm_ib ib, uint32_t size, const uint8_t *t)
{
	const pm_bid there = pm_bid_key(pm_BLOCKTRAILER_bid(e->f, t));
	struct claim best = {0};

	consider(e, there, ib, size, t, &best);
	consider(e, by_signature(e, ib, t), ib, size, t, &best);
	for (unsigned k = 1; k < 8 * e->f->id; k++)
		consider(e, there ^ (pm_bid)1 << k, ib, size, t, &best);
	return best.bid;
}

static enum pm_rc take(struct ends *e, pm_bid bid, pm_ib ib, uint32_t cb, uint32_t inflated)
{
	struct pm_missing m = {.b = {.bid = bid}, .index = SIZE_MAX, .nameless = true};

	/* Its entry says otherwise; there nothing is left of its trailer. */
	if (!pm_map_has(&e->an->missing, bid)) {
		m.index = pm_block_index(e->an, bid);
		if (m.index == SIZE_MAX)
			return PM_OK;
		m.b = e->an->db.blocks.v[m.index];
		m.nameless = false;
	}
	m.at = ib;
	m.cb = cb;
	m.b.cb_inflated = (uint16_t)(inflated > cb ? inflated : cb);
	e->any = true;
	pm_map_delete(m.nameless ? &e->an->missing : &e->an->absent, bid);
	return pm_gap_take(e->g, &m);
}

/* Is the checksum right, or wrong in a bit, for so many bytes in front of the trailer? */
static bool sums_up(const struct ends *e, size_t n, uint32_t cb)
{
	const uint8_t *p = e->bytes.p + n - pm_block_stored(e->f, cb);
	const uint8_t *t = e->bytes.p + n - e->f->block_trailer;

	return __builtin_popcount(pm_crc(p, cb) ^ (uint32_t)pm_BLOCKTRAILER_dwCRC(e->f, t)) <= 1 &&
	       !pm_is_zero(p, cb);
}

/* Does a block end `n` bytes from the start of the room? The size may have a wrong bit, too. */
static enum pm_rc look(struct ends *e, const struct pm_range *r, size_t n, size_t *ret_from)
{
	const struct pm_format *f = e->f;
	const uint8_t *t = e->bytes.p + n - f->block_trailer;
	const uint32_t told = (uint32_t)pm_BLOCKTRAILER_cb(f, t);

	for (unsigned k = 0; k <= 16; k++) {
		const uint32_t cb = k ? told ^ 1u << (k - 1) : told;
		const uint32_t size = cb && cb <= f->data_max ? pm_block_stored(f, cb) : 0;
		const pm_ib ib = r->start + n - size;
		pm_bid bid;

		if (!size || size > n - *ret_from)
			continue;
		/* With another size only what is cheap to ask. */
		if ((k && !wanted(e, pm_bid_key(pm_BLOCKTRAILER_bid(f, t))) &&
		     !by_signature(e, ib, t)) ||
		    !sums_up(e, n, cb))
			continue;
		bid = whose(e, ib, size, t);
		if (!bid)
			continue;
		*ret_from = n;
		return take(e, bid, ib, cb,
			    f->variant == PM_UNICODE4K ? (uint32_t)pm_BLOCKTRAILER_cbInflated(f, t)
						       : cb);
	}
	return PM_OK;
}

static enum pm_rc look_in(struct ends *e, const struct pm_range *r)
{
	const uint64_t n = r->end - r->start;
	size_t from = 0;
	enum pm_rc rc;

	if (r->start % e->f->unit || n > PM_ROOM_MAX)
		return PM_OK;
	rc = pm_gap_read_room(e->g, r, &e->bytes);
	for (size_t at = e->f->unit; at <= n && rc == PM_OK; at += e->f->unit)
		rc = look(e, r, at, &from);
	return rc ? rc : pm_spend(e->an->ctx, 8 * n / e->f->unit);
}

enum pm_rc pm_fill_by_trailers(struct pm_gaps *g, bool *ret_any)
{
	struct ends e = {.g = g, .an = g->an, .f = g->an->db.fmt};
	uint64_t units = 0;
	enum pm_rc rc = add_folds(&e, &g->an->missing);

	if (rc == PM_OK)
		rc = add_folds(&e, &g->an->absent);
	for (size_t i = 0; i < g->rooms.n; i++)
		units += (g->rooms.v[i].end - g->rooms.v[i].start) / e.f->unit;
	for (size_t i = 0; i < g->rooms.n && units <= UNITS_MAX && rc == PM_OK; i++)
		rc = look_in(&e, &g->rooms.v[i]);
	*ret_any = e.any;
	pm_map_done(&e.folds);
	pm_buf_done(&e.bytes);
	return rc;
}
