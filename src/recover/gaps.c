/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks that neither their entry nor their trailer finds: the trailer is lost, and of the entry
 * the place or the size was hit. What is left of the entry, and the room between the blocks and
 * pages that are known, can leave just one place and one size.
 *
 * Gathers: such blocks, in doubt (PM_BF_SUSPECT) where nothing of their trailer speaks for them.
 * Needs: settled blocks, those found by their trailers among them; pages, allocation maps.
 */
#include "recover/gaps.h"

#include "base/sort.h"
#include "format/crc.h"

#define PADDING_SURE 3    /* bytes */
#define LOST_MAX     1024 /* such blocks: where more are lost, room tells nothing */
#define ENTRY_ROUNDS 24
#define NEXT         6 /* between those of what was saved one after the other */

static enum pm_rc add(struct pm_gaps *g, const struct pm_block *b, size_t index, bool nameless)
{
	struct pm_missing *m = g->v.n < LOST_MAX ? pm_vec_push(g->an->ctx, &g->v) : NULL;

	if (m)
		*m = (struct pm_missing){.b = *b, .index = index, .lo = nameless ? g->last : 0};
	return g->an->ctx->rc;
}

static enum pm_rc add_entry(void *arg, const struct pm_bt_entry *e)
{
	struct pm_gaps *g = arg;
	const struct pm_block b = {.bid = e->key,
				   .ib = e->ib,
				   .cb = e->cb,
				   .cb_inflated = e->cb_inflated,
				   .cref = e->cref};
	const bool right = e->key > g->last && e->key >= g->lo && e->key < g->hi;
	const size_t i = right ? pm_block_index(g->an, e->key) : SIZE_MAX;
	/* An entry that nobody needs may be that of a block which is needed, under a wrong id. */
	const bool idle =
		i != SIZE_MAX && !g->an->refs[i] && g->an->db.blocks.v[i].flags & PM_BF_SUSPECT;
	enum pm_rc rc = PM_OK;

	/* Of an entry whose id is wrong the rest must be right: what was zeroed or is noise says nothing. */
	if (!right && (!b.cb || b.cb > g->an->db.fmt->data_max || b.ib % g->an->db.fmt->unit ||
		       b.ib < g->an->db.fmt->amap_first || b.ib >= g->an->img->size))
		return PM_OK;
	if (!right || i == SIZE_MAX || idle)
		rc = add(g, idle ? &g->an->db.blocks.v[i] : &b, i, !right || idle);
	if (!right || idle)
		return rc;
	for (; g->open < g->v.n; g->open++)
		if (g->v.v[g->open].lo)
			g->v.v[g->open].hi = e->key;
	g->last = e->key;
	return rc;
}

static enum pm_rc gather(struct pm_gaps *g)
{
	struct pm_analysis *an = g->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];

		if (pm_block_absent(b))
			rc = add(g, b, i, false);
	}
	for (size_t i = 0; i < an->lost.n && rc == PM_OK; i++) {
		const struct pm_key_range *r = &an->lost.v[i];

		g->lo = r->lo;
		g->hi = r->hi;
		g->last = r->lo ? r->lo - 1 : 0;
		g->open = g->v.n;
		if (r->ptype == PM_PTYPE_BBT && r->ib)
			rc = pm_walk_leaf(an, r->ib, PM_PTYPE_BBT, true, add_entry, g);
		for (; g->open < g->v.n; g->open++)
			if (g->v.v[g->open].lo)
				g->v.v[g->open].hi = r->hi;
	}
	return rc;
}

/* Everything whose place is known. */
static enum pm_rc cover(struct pm_gaps *g, struct pm_rangeset *used)
{
	struct pm_analysis *an = g->an;
	const struct pm_format *f = an->db.fmt;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];

		const struct pm_place p = {b->ib, b->ib + pm_block_stored(f, b->cb), b->bid};
		struct pm_place *slot;

		if (pm_block_absent(b) || b->cb > f->data_max)
			continue;
		slot = pm_vec_push(an->ctx, &g->places);
		if (!slot)
			return an->ctx->rc;
		*slot = p;
		rc = pm_rangeset_add(an->ctx, used, p.ib, p.end);
	}
	if (rc == PM_OK)
		rc = pm_sort_member(an->ctx, &g->places, ib);
	for (size_t i = 0; i < an->facts.n && rc == PM_OK; i++)
		rc = pm_rangeset_add(an->ctx, used, an->facts.v[i].ib, an->facts.v[i].ib + f->page);
	for (size_t i = 0; i < an->pages.n && rc == PM_OK; i++)
		rc = pm_rangeset_add(an->ctx, used, an->pages.v[i].ib, an->pages.v[i].ib + f->page);
	for (size_t i = 0; i < an->maps.n && rc == PM_OK; i++)
		rc = pm_rangeset_add(an->ctx, used, an->maps.v[i].ib, an->maps.v[i].ib + f->page);
	return rc;
}

/* Of a heap's first block: where its page map ends [MS-PST 2.3.1]. */
bool pm_heap_size(const uint8_t *p, size_t n, uint32_t *ret)
{
	const uint32_t map = pm_le16(p), items = map + 4 <= n ? pm_le16(p + map) : 0;

	*ret = map + 4 + 2 * (items + 1);
	return pm_block_kind(p, n) != PM_BK_NONE && map >= 12 && items && *ret <= n &&
	       pm_le16(p + map + 4) == 12 && pm_le16(p + map + 4 + 2 * items) <= map;
}

enum pm_rc pm_gap_size_told(struct pm_gaps *g, const struct pm_missing *m, pm_ib ib, uint32_t most,
			    uint32_t *ret)
{
	const struct pm_format *f = g->an->db.fmt;
	struct pm_block b = m->b;
	const uint8_t *p;
	uint32_t at;
	enum pm_rc rc;

	b.ib = ib;
	b.cb = b.cb_inflated = (uint16_t)most;
	b.flags = 0;
	*ret = 0;
	pm_buf_clear(&g->buf);
	rc = pm_ndb_read_entry(&g->an->db, &b, &g->buf);
	if (pm_is_error(rc) || g->buf.n < 8)
		return pm_is_error(rc) ? rc : PM_OK;
	p = g->buf.p;
	if (pm_bid_internal(b.bid)) {
		*ret = p[0] == 1   ? f->xhead + pm_le16(p + 2) * f->id
		       : p[0] == 2 ? f->slhead + pm_le16(p + 2) * (p[1] ? f->sientry : f->slentry)
				   : 0;
		return PM_OK;
	}
	if (pm_heap_size(g->buf.p, g->buf.n, &at))
		*ret = at;
	return PM_OK;
}

/* The block, read at this place and in this size: is it a compressed one of the entry's length? */
static enum pm_rc inflates(struct pm_gaps *g, const struct pm_missing *m, pm_ib ib, uint32_t cb,
			   bool *ret)
{
	struct pm_block b = m->b;
	enum pm_rc rc;

	*ret = false;
	if (g->an->db.fmt->variant != PM_UNICODE4K || cb >= b.cb_inflated)
		return PM_OK;
	b.ib = ib;
	b.cb = (uint16_t)cb;
	b.flags = 0;
	pm_buf_clear(&g->buf);
	rc = pm_ndb_read_entry(&g->an->db, &b, &g->buf);
	*ret = !pm_is_error(rc) && !(b.flags & (PM_BF_READ | PM_BF_LOST | PM_BF_INFLATE)) &&
	       g->buf.n == b.cb_inflated;
	return pm_is_error(rc) ? rc : pm_spend(g->an->ctx, 1);
}

enum pm_rc pm_gap_checksum(struct pm_gaps *g, pm_ib ib, uint32_t cb, bool *ret)
{
	const struct pm_format *f = g->an->db.fmt;
	const uint32_t size = pm_block_stored(f, cb);
	uint8_t stored[65536];
	const enum pm_rc rc = pm_image_read(g->an->ctx, g->an->img, ib, stored, size);
	const uint8_t *t = stored + size - f->block_trailer;

	*ret = rc == PM_OK && pm_BLOCKTRAILER_dwCRC(f, t) &&
	       pm_crc(stored, cb) == pm_BLOCKTRAILER_dwCRC(f, t);
	return pm_is_error(rc) ? rc : pm_spend(g->an->ctx, 1);
}

/* Where the zeros at the end of a room begin; 0: there are none, or too many. A letter of UTF-16 has one
 * of its own. */
static enum pm_rc end_of_value(struct pm_gaps *g, pm_ib ib, uint64_t room, uint32_t *ret)
{
	const struct pm_format *f = g->an->db.fmt;
	const uint32_t most = room > f->block_trailer ? (uint32_t)(room - f->block_trailer) : 0;
	uint8_t stored[65536];
	uint32_t cb = most;
	enum pm_rc rc;

	*ret = 0;
	if (!most || room > pm_block_stored(f, f->data_max))
		return PM_OK;
	rc = pm_image_read(g->an->ctx, g->an->img, ib, stored, room);
	while (rc == PM_OK && cb && !stored[cb - 1])
		cb--;
	if (g->an->db.crypt == PM_CRYPT_NONE && cb > 2 && cb % 2 && cb < most && !stored[cb - 2])
		cb++;
	if (rc == PM_OK && cb < most && most - cb < f->unit && cb <= f->data_max)
		*ret = cb;
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_gap_value_size(struct pm_gaps *g, pm_ib ib, uint64_t room, uint32_t *ret,
			     bool *ret_sure)
{
	const struct pm_format *f = g->an->db.fmt;
	const uint32_t most = room > f->block_trailer ? (uint32_t)(room - f->block_trailer) : 0;
	uint32_t cb = most;
	enum pm_rc rc = PM_OK;

	*ret = 0;
	*ret_sure = false;
	if (!most || room > pm_block_stored(f, f->data_max))
		return PM_OK;
	for (; cb && most - cb < f->unit && !*ret_sure && rc == PM_OK; cb--)
		if (cb <= f->data_max) {
			rc = pm_gap_checksum(g, ib, cb, ret_sure);
			*ret = cb;
		}
	if (rc || *ret_sure)
		return rc;
	/* Encoded, it seldom ends with such. */
	*ret = 0;
	return g->an->db.crypt == PM_CRYPT_NONE ? PM_OK : end_of_value(g, ib, room, ret);
}

/* Is there anything between the end of the data and the trailer (`loose`)? Or do the data end, as they are
 * stored, just where zeros begin, so many that it is no chance (`told`)? */
static enum pm_rc padded(struct pm_gaps *g, struct pm_missing *m)
{
	const struct pm_format *f = g->an->db.fmt;
	const struct pm_block *b = &m->b;
	const uint32_t n = pm_block_stored(f, b->cb) - f->block_trailer - b->cb;
	uint8_t end[1 + 512];
	enum pm_rc rc = n && n < sizeof(end) ? pm_image_read(g->an->ctx, g->an->img,
							     b->ib + b->cb - 1, end, n + 1)
					     : PM_LOST;
	const bool zeros = rc == PM_OK && pm_is_zero(end + 1, n);

	m->loose = rc == PM_OK && !zeros;
	m->told = zeros && end[0] && n >= PADDING_SURE;
	return pm_is_error(rc) ? rc : PM_OK;
}

bool pm_gap_between(const struct pm_gaps *g, pm_ib ib, pm_bid bid)
{
	const struct pm_place *v = g->places.v;
	const size_t k = pm_gap_place_from(g, ib), behind = k + (k < g->places.n && v[k].ib == ib);

	return k && behind < g->places.n && v[k - 1].bid < bid && bid < v[behind].bid;
}

bool pm_gap_of_another(const struct pm_gaps *g, pm_ib ib, const uint8_t *t, pm_bid bid)
{
	const pm_bid there = pm_bid_key(pm_BLOCKTRAILER_bid(g->an->db.fmt, t));

	return there != bid && pm_BLOCKTRAILER_wSig(g->an->db.fmt, t) == pm_sig(ib, there) &&
	       pm_gap_between(g, ib, there) && !pm_gap_between(g, ib, bid);
}

/* Does a block with another id stand there? */
static enum pm_rc of_another(struct pm_gaps *g, const struct pm_block *b, bool *ret)
{
	const struct pm_format *f = g->an->db.fmt;
	uint8_t t[64];
	enum pm_rc rc;

	*ret = false;
	if ((b->flags & (PM_BF_SUSPECT | PM_BF_BID)) != (PM_BF_SUSPECT | PM_BF_BID) || !b->cb ||
	    b->cb > f->data_max)
		return PM_OK;
	rc = pm_image_read(g->an->ctx, g->an->img,
			   b->ib + pm_block_stored(f, b->cb) - f->block_trailer, t,
			   f->block_trailer);
	*ret = rc == PM_OK && pm_gap_of_another(g, b->ib, t, b->bid);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Is what stands there not what its owner needs? It is damaged then, or another place is right. */
static bool unlike(const struct pm_gaps *g, const struct pm_block *b, uint32_t told)
{
	const struct pm_map_entry *e = pm_map_find(&g->an->absent, b->bid);
	uint16_t kind;

	if (pm_bid_internal(b->bid))
		return !told;
	kind = e && !(e->value & PM_MISSING_PART) ? pm_nid_kind((pm_nid)e->value) : PM_BK_NONE;
	return kind != PM_BK_NONE && ((b->flags & PM_BF_KIND) != kind || !told);
}

/* Does the internal block, which was read last, name one that was saved just before it? All are alike in
 * size. */
static bool names_its_like(const struct pm_gaps *g, pm_bid own)
{
	const struct pm_format *f = g->an->db.fmt;
	const uint8_t *p = g->buf.p;
	const bool list = p[0] == 1;
	const uint32_t head = list ? f->xhead : f->slhead;
	const uint32_t size = list ? f->id : p[1] ? f->sientry : f->slentry;
	bool any = false;

	for (size_t at = head; at + size <= g->buf.n && !any; at += size) {
		const pm_bid id = list ? pm_ft_get(p + at, f->id) : pm_SLENTRY_bidData(f, p + at);

		any = pm_bid_key(id) < own && own - pm_bid_key(id) <= PM_TOGETHER;
	}
	return any && (list || !p[1]);
}

/* A heap, all in one block, that goes on behind the end that its entry says: there is room for it, and it ends as a
 * heap does. Then it is the entry's size that is wrong. */
static enum pm_rc larger_heap(struct pm_gaps *g, struct pm_missing *m,
			      const struct pm_rangeset *used, uint32_t *ret_told)
{
	const struct pm_format *f = g->an->db.fmt;
	uint64_t most = f->data_max;
	struct pm_range next;
	uint32_t told = 0;
	enum pm_rc rc = PM_OK;

	if (pm_rangeset_next(used, m->b.ib, UINT64_MAX, &next) &&
	    next.start - m->b.ib < pm_block_stored(f, f->data_max))
		most = next.start - m->b.ib - f->block_trailer;
	if (!pm_bid_internal(m->b.bid) && most > m->b.cb && !(m->b.flags & PM_BF_LOST))
		rc = pm_gap_size_told(g, m, m->b.ib, (uint32_t)most, &told);
	if (rc || told <= m->b.cb ||
	    !pm_analysis_allocated(g->an, m->b.ib, pm_block_stored(f, told)))
		return rc;
	m->at = m->b.ib;
	m->cb = *ret_told = told;
	rc = pm_gap_take(g, m);
	m->b.cb = m->b.cb_inflated = (uint16_t)told;
	return rc;
}

/* Does the entry's own place do, as far as anybody knows? */
static enum pm_rc plausible(struct pm_gaps *g, struct pm_missing *m, const struct pm_rangeset *used,
			    bool *ret)
{
	const struct pm_format *f = g->an->db.fmt;
	const struct pm_block *b = &m->b;
	const uint64_t end = b->ib + pm_block_stored(f, b->cb);
	uint32_t told = 0;
	bool others;
	enum pm_rc rc = of_another(g, b, &others);

	if (rc)
		return rc;
	*ret = m->index != SIZE_MAX && !m->hi && !(b->flags & PM_BF_LOST) && !others && b->cb &&
	       b->cb <= f->data_max && !(b->ib % f->unit) &&
	       !pm_rangeset_overlaps(used, b->ib, end) &&
	       pm_analysis_allocated(g->an, b->ib, end - b->ib);
	if (*ret && f->variant == PM_UNICODE4K && b->cb < b->cb_inflated) {
		bool right;

		rc = inflates(g, m, b->ib, b->cb, &right);
		m->b.flags |= right ? 0 : PM_BF_INFLATE;
	} else if (*ret && b->cb == b->cb_inflated) {
		rc = pm_gap_size_told(g, m, b->ib, b->cb, &told);
		if (rc == PM_OK && !told)
			rc = larger_heap(g, m, used, &told);
		if (rc == PM_OK && told)
			m->told = told == b->cb &&
				  (!pm_bid_internal(b->bid) || names_its_like(g, b->bid));
		else if (rc == PM_OK)
			rc = padded(g, m);
		m->unlike = unlike(g, b, told);
	}
	/* The blocks of a heap may have something behind it, all but its last much. */
	*ret = *ret && (!told || b->cb == f->data_max ||
			pm_block_stored(f, told) == pm_block_stored(f, b->cb));
	return rc;
}

static enum pm_rc remember(struct pm_gaps *g, const struct pm_missing *m)
{
	struct pm_missing *slot = pm_vec_push(g->an->ctx, &g->unlike);

	if (!slot)
		return g->an->ctx->rc;
	*slot = *m;
	return PM_OK;
}

/* Those that lie where nothing that is known does only lost their trailers. */
static enum pm_rc drop_settled(struct pm_gaps *g, struct pm_rangeset *used)
{
	struct pm_rangeset theirs = {0};
	struct pm_range r = {0};
	size_t n = 0;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < g->v.n && rc == PM_OK; i++) {
		struct pm_missing *m = &g->v.v[i];
		const pm_ib ib = m->b.ib;

		rc = plausible(g, m, used, &m->stays);
		if (rc == PM_OK && m->stays && !m->loose && !(m->b.flags & PM_BF_INFLATE)) {
			const struct pm_place p = {ib, ib + pm_block_stored(g->an->db.fmt, m->b.cb),
						   m->b.bid};
			struct pm_place *slot = pm_vec_push(g->an->ctx, &g->places);

			if (slot)
				*slot = p;
			if (m->unlike)
				rc = remember(g, m);
			else if (m->told) /* one elsewhere that is like its own is another's */
				pm_map_delete(&g->an->absent, m->b.bid);
			if (rc == PM_OK)
				rc = slot ? pm_rangeset_add(g->an->ctx, &theirs, ib, p.end)
					  : g->an->ctx->rc;
		} else {
			g->v.v[n++] = *m;
		}
	}
	g->v.n = n;
	for (uint64_t at = 0; rc == PM_OK && pm_rangeset_next(&theirs, at, UINT64_MAX, &r);
	     at = r.end)
		rc = pm_rangeset_add(g->an->ctx, used, r.start, r.end);
	pm_rangeset_done(&theirs);
	return rc ? rc : pm_sort_member(g->an->ctx, &g->places, ib);
}

/* Where maps are known, and believed. */
static enum pm_rc told_by_maps(struct pm_analysis *an, struct pm_rangeset *ret)
{
	struct pm_range r;
	enum pm_rc rc = PM_OK;

	for (uint64_t at = 0; rc == PM_OK && pm_rangeset_next(&an->map_known, at, UINT64_MAX, &r);
	     at = r.end)
		rc = pm_rangeset_add(an->ctx, ret, r.start, r.end);
	for (uint64_t at = 0; rc == PM_OK && pm_rangeset_next(&an->map_doubted, at, UINT64_MAX, &r);
	     at = r.end)
		rc = pm_rangeset_remove(an->ctx, ret, r.start, r.end);
	return rc;
}

static enum pm_rc find_rooms(struct pm_gaps *g, unsigned round, bool *ret_any)
{
	struct pm_analysis *an = g->an;
	struct pm_rangeset used = {0}, told = {0};
	struct pm_range gap, in;
	enum pm_rc rc = cover(g, &used);

	if (rc == PM_OK && round < ENTRY_ROUNDS)
		rc = pm_gap_by_older(g, &used, ret_any);
	if (rc == PM_OK && !*ret_any)
		rc = drop_settled(g, &used);
	if (rc == PM_OK && !*ret_any)
		rc = told_by_maps(an, &told);
	for (uint64_t at = an->db.fmt->amap_first;
	     rc == PM_OK && !*ret_any && pm_rangeset_next_gap(&used, at, an->img->size, &gap);
	     at = gap.end) {
		/* Where the map is known only what it says is in use. */
		for (uint64_t from = gap.start; from < gap.end && rc == PM_OK; from = in.end) {
			struct pm_range *slot;
			const bool sound = pm_rangeset_find(&told, from, &in);

			if (!sound && !pm_rangeset_next_gap(&told, from, gap.end, &in))
				break;
			if (in.end > gap.end)
				in.end = gap.end;
			if (sound && !pm_rangeset_next(&an->allocated, from, in.end, &in))
				continue;
			slot = pm_vec_push(an->ctx, &g->rooms);
			if (!slot)
				rc = an->ctx->rc;
			else
				*slot = in;
		}
	}
	pm_rangeset_done(&used);
	pm_rangeset_done(&told);
	return rc;
}

/* The room that begins at or before `at` and holds it. */
static const struct pm_range *room_of(const struct pm_gaps *g, pm_ib at)
{
	size_t lo = 0, hi = g->rooms.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (g->rooms.v[mid].start <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && g->rooms.v[lo - 1].end > at ? &g->rooms.v[lo - 1] : NULL;
}

/* Does a block of this size fit in here, beside what is known? */
static bool fits(const struct pm_gaps *g, pm_ib ib, uint32_t cb)
{
	const struct pm_format *f = g->an->db.fmt;
	const struct pm_range *r = ib % f->unit ? NULL : room_of(g, ib);
	const uint64_t end = ib + pm_block_stored(f, cb);

	return r && cb && cb <= f->data_max && end <= r->end && (r->start == ib || r->end == end);
}

/* What is compressed ends where it says; what is not has its size twice. */
static enum pm_rc try_compressed(struct pm_gaps *g, struct pm_missing *m, const struct pm_range *r)
{
	const struct pm_format *f = g->an->db.fmt;
	const uint64_t most = r->end - r->start - f->block_trailer;
	uint32_t cb = most > f->unit ? (uint32_t)(most - f->unit + 1) : 1;
	bool right = false;
	enum pm_rc rc = PM_OK;

	if (most > f->data_max || r->end - r->start > pm_block_stored(f, f->data_max))
		return PM_OK;
	for (; cb <= most && !right && rc == PM_OK; cb += !right)
		rc = inflates(g, m, m->b.ib, cb, &right);
	if (!right)
		cb = m->b.cb_inflated;
	if (rc == PM_OK && (right || fits(g, m->b.ib, cb))) {
		m->at = m->b.ib;
		m->cb = cb;
	}
	return rc;
}

/* The place is right: what size fills the room? By the content, or the entry's but for one byte. */
static enum pm_rc try_sizes(struct pm_gaps *g, struct pm_missing *m)
{
	const struct pm_format *f = g->an->db.fmt;
	const struct pm_range *r = m->b.ib % f->unit ? NULL : room_of(g, m->b.ib);
	unsigned found = 0;
	uint32_t told = 0;
	bool sure;
	enum pm_rc rc = PM_OK;

	if (!r || r->start != m->b.ib)
		return PM_OK;
	if (f->variant == PM_UNICODE4K)
		return try_compressed(g, m, r);
	if (r->end - r->start <= pm_block_stored(f, f->data_max))
		rc = pm_gap_size_told(g, m, r->start,
				      (uint32_t)(r->end - r->start - f->block_trailer), &told);
	if (rc || told) {
		m->at = told && fits(g, r->start, told) ? r->start : 0;
		m->cb = told;
		return rc;
	}
	rc = pm_gap_value_size(g, r->start, r->end - r->start, &told, &sure);
	/* What stands behind the end that the entry says is likelier the value's than nobody's. */
	if (rc == PM_OK && !told && m->loose)
		rc = end_of_value(g, r->start, r->end - r->start, &told);
	if (rc == PM_OK && !told && m->loose &&
	    r->end - r->start == pm_block_stored(f, f->data_max))
		told = f->data_max; /* all blocks of a value but its last are full */
	if (rc || told || m->loose) {
		m->at = told && told != m->b.cb ? r->start : 0;
		m->cb = told;
		return rc;
	}
	for (unsigned k = 0; k < 2; k++)
		for (unsigned v = 0; v < 256; v++) {
			const uint32_t cb = (uint32_t)pm_with_byte(m->b.cb, k, v);

			if (cb == m->b.cb || !fits(g, m->b.ib, cb) ||
			    m->b.ib + pm_block_stored(f, cb) != r->end)
				continue;
			found++;
			m->at = m->b.ib;
			m->cb = cb;
		}
	if (found != 1)
		m->at = 0;
	return PM_OK;
}

size_t pm_gap_place_from(const struct pm_gaps *g, pm_ib ib)
{
	return pm_lower_member(&g->places, ib, ib);
}

bool pm_gap_like_beside(const struct pm_gaps *g, pm_bid bid, pm_ib ib, uint64_t end, pm_bid limit)
{
	const size_t at = pm_gap_place_from(g, ib);

	for (size_t i = at ? at - 1 : 0; i <= at && i < g->places.n; i++) {
		const struct pm_place *p = &g->places.v[i];
		const pm_bid d = p->bid > bid ? p->bid - bid : bid - p->bid;

		if ((p->end == ib || p->ib == end) && d <= limit)
			return true;
	}
	return false;
}

enum pm_rc pm_gap_read_room(struct pm_gaps *g, const struct pm_range *r, struct pm_buf *ret)
{
	const uint64_t n = r->end - r->start;
	enum pm_rc rc;
	uint8_t *p;

	pm_buf_clear(ret);
	p = pm_buf_room(g->an->ctx, ret, n);
	if (!p)
		return g->an->ctx->rc;
	rc = pm_image_read(g->an->ctx, g->an->img, r->start, p, n);
	return pm_is_error(rc) ? rc : pm_spend(g->an->ctx, n / 64);
}

/* Places that may be right: what lies there has the size by its own content, or doesn't tell. */
struct choice {
	pm_ib at[2];
	unsigned n[2];
};

/* Of a room among blocks of the same time. */
static enum pm_rc weigh(struct pm_gaps *g, const struct pm_missing *m, pm_ib ib, struct choice *c)
{
	const struct pm_range *r = room_of(g, ib);
	uint32_t told = 0;
	bool sure = false;
	enum pm_rc rc;

	if (!r || !pm_gap_like_beside(g, m->b.bid, r->start, r->end, PM_TOGETHER))
		return PM_OK;
	rc = inflates(g, m, ib, m->b.cb, &sure);
	if (rc == PM_OK && !sure && m->b.cb == m->b.cb_inflated)
		rc = pm_gap_size_told(g, m, ib, m->b.cb, &told);
	/* What tells nothing must be just behind or before its neighbour by its id, too. */
	if (rc == PM_OK && (sure || told == m->b.cb ||
			    (!told && pm_gap_like_beside(g, m->b.bid, r->start, r->end, NEXT)))) {
		c->at[!sure && !told] = ib;
		c->n[!sure && !told]++;
	}
	return rc ? rc : pm_spend(g->an->ctx, 1);
}

/* The size is right: is there one place that has room for it and is the entry's but for a byte, or
 * else one room of just that size? */
static enum pm_rc try_places(struct pm_gaps *g, struct pm_missing *m)
{
	const struct pm_format *f = g->an->db.fmt;
	struct choice c = {0};
	enum pm_rc rc = PM_OK;

	m->cb = m->b.cb;
	if (!m->cb || m->cb > f->data_max)
		return PM_OK;
	for (unsigned k = 0; k < f->id; k++)
		for (unsigned v = 0; v < 256 && rc == PM_OK; v++) {
			const pm_ib ib = pm_with_byte(m->b.ib, k, v);

			if (ib != m->b.ib && fits(g, ib, m->b.cb))
				rc = weigh(g, m, ib, &c);
		}
	for (size_t i = 0; !c.n[0] && !c.n[1] && i < g->rooms.n && rc == PM_OK; i++)
		if (g->rooms.v[i].end - g->rooms.v[i].start == pm_block_stored(f, m->b.cb))
			rc = weigh(g, m, g->rooms.v[i].start, &c);
	if (c.n[0] == 1 || (!c.n[0] && c.n[1] == 1 && !m->unlike))
		m->at = c.at[!c.n[0]];
	return rc;
}

/* What has another place where the content is of its kind and size. */
static enum pm_rc move_unlike(struct pm_gaps *g, bool *ret_any)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < g->unlike.n && g->rooms.n && rc == PM_OK; i++) {
		struct pm_missing *m = &g->unlike.v[i];

		rc = try_places(g, m);
		if (rc == PM_OK && m->at) {
			rc = pm_gap_take(g, m);
			*ret_any = true;
		}
	}
	return rc;
}

/* The id was hit: what is needed, nowhere to be found, and of an id between those of the entries
 * before and after? */
static void try_names(const struct pm_gaps *g, struct pm_missing *m)
{
	const struct pm_map *needed = &g->an->missing;
	unsigned found = 0;

	for (size_t i = 0; i < needed->n; i++)
		if (needed->v[i].key > m->lo && needed->v[i].key < m->hi) {
			found++;
			m->b.bid = needed->v[i].key;
		}
	if (found != 1 || (m->index == SIZE_MAX && !fits(g, m->b.ib, m->b.cb)))
		return;
	m->at = m->b.ib;
	m->cb = m->b.cb;
}

/* Take the block as it lies there. */
enum pm_rc pm_gap_take(struct pm_gaps *g, struct pm_missing *m)
{
	struct pm_analysis *an = g->an;
	struct pm_block b = m->b, *slot;
	enum pm_rc rc;

	/* Two entries may have lost the same id. */
	if (m->hi && !pm_map_delete(&an->missing, b.bid))
		return PM_OK;
	b.ib = m->at;
	b.cb = (uint16_t)m->cb;
	if (an->db.fmt->variant != PM_UNICODE4K || b.cb > b.cb_inflated)
		b.cb_inflated = b.cb;
	b.flags = m->nameless ? PM_BF_FOUND : 0;
	pm_buf_clear(&g->buf);
	rc = pm_ndb_read_entry(&an->db, &b, &g->buf);
	if (pm_is_error(rc) || b.flags & (PM_BF_READ | PM_BF_LOST))
		return pm_is_error(rc) ? rc : PM_OK;
	if ((b.flags & PM_BF_GONE) == PM_BF_GONE)
		b.flags |= PM_BF_SUSPECT;
	/* What is not compressed has its size twice. */
	if (!(b.flags & PM_BF_INFLATE) && g->buf.n != b.cb_inflated) {
		b.cb_inflated = (uint16_t)g->buf.n;
		b.flags |= PM_BF_CB_INFL;
	}
	if (!pm_bid_internal(b.bid))
		b.flags |= pm_block_kind(g->buf.p, g->buf.n);
	rc = m->nameless ? PM_OK : pm_note(an, PM_NOTE_BLOCK_MOVED, b.bid, m->b.ib, m->b.cb, b.ib);
	slot = m->index == SIZE_MAX ? pm_vec_push(an->ctx, &an->db.blocks)
				    : &an->db.blocks.v[m->index];
	if (slot)
		*slot = b;
	return rc ? rc : an->ctx->rc;
}

/* Two that would lie in one place: neither does for certain. */
static enum pm_rc drop_rivals(struct pm_gaps *g)
{
	struct pm_map first = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < g->v.n && rc == PM_OK; i++) {
		struct pm_map_entry *e;
		const struct pm_range *r = g->v.v[i].at ? room_of(g, g->v.v[i].at) : NULL;
		bool new;

		if (!r)
			continue;
		e = pm_map_get(g->an->ctx, &first, r->start, &new);
		if (!e)
			rc = g->an->ctx->rc;
		else if (new)
			e->value = i;
		else
			g->v.v[i].at = g->v.v[e->value].at = 0;
	}
	pm_map_done(&first);
	return rc;
}

/* Are blocks named that are not there, or that a lost part of the block tree had? */
static bool named(const struct pm_analysis *an)
{
	if (an->absent.n)
		return true;
	for (size_t i = 0; i < an->lost.n && an->missing.n; i++)
		if (an->lost.v[i].ptype == PM_PTYPE_BBT)
			return true;
	return false;
}

/* What is left of the entries, against the rooms. */
static enum pm_rc by_entries(struct pm_gaps *g, bool *ret_any)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < g->v.n && g->rooms.n && rc == PM_OK; i++) {
		struct pm_missing *m = &g->v.v[i];

		if (m->hi)
			try_names(g, m);
		else
			rc = try_sizes(g, m);
		if (rc == PM_OK && !m->at && !m->hi && (!m->stays || m->unlike))
			rc = try_places(g, m);
		if (rc == PM_OK)
			rc = pm_spend(g->an->ctx, 8 + g->rooms.n / 64);
	}
	if (rc == PM_OK)
		rc = drop_rivals(g);
	for (size_t i = 0; i < g->v.n && rc == PM_OK; i++) {
		const struct pm_missing *m = &g->v.v[i];

		if (!m->at || (m->index != SIZE_MAX && m->at == m->b.ib && m->cb == m->b.cb))
			continue;
		rc = pm_gap_take(g, &g->v.v[i]);
		*ret_any = true;
	}
	return rc;
}

enum pm_rc pm_find_by_room(struct pm_analysis *an, unsigned round, bool *ret_any)
{
	struct pm_gaps g = {.an = an};
	enum pm_rc rc = gather(&g);

	*ret_any = false;
	if (rc == PM_OK && g.v.n < LOST_MAX && (g.v.n || named(an)))
		rc = find_rooms(&g, round, ret_any);
	/* The surest first: each leaves the others less to choose from. */
	if (rc == PM_OK && !*ret_any && round < ENTRY_ROUNDS)
		rc = move_unlike(&g, ret_any);
	if (rc == PM_OK && !*ret_any && named(an))
		rc = pm_fill_by_trailers(&g, ret_any);
	if (rc == PM_OK && !*ret_any && named(an))
		rc = pm_fill_rooms(&g, false, ret_any);
	/* What it takes may be said otherwise by what is found next, and so on for ever. */
	if (rc == PM_OK && !*ret_any && round < ENTRY_ROUNDS)
		rc = by_entries(&g, ret_any);
	if (rc == PM_OK && !*ret_any && named(an))
		rc = pm_fill_rooms(&g, true, ret_any);
	if (*ret_any && rc == PM_OK)
		rc = pm_sort_member(an->ctx, &an->db.blocks, bid);
	pm_vec_done(&g.v);
	pm_vec_done(&g.unlike);
	pm_vec_done(&g.rooms);
	pm_vec_done(&g.places);
	pm_buf_done(&g.buf);
	return rc;
}
