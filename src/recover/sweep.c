/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sweep: one linear pass over the file.
 *
 * Checks: every block that the block tree names; every fixed map page.
 * Gathers: B-tree pages anywhere with a right checksum; blocks with right trailers in ranges
 * that no live block or page explains; what the sound allocation maps mark; the kind of
 * every block.
 * Needs: the block table of the walk, in whatever state.
 *
 * Windows overlap by two block sizes: blocks are verified when their end is in the window,
 * and the search for unknown blocks stays one block size behind, so that it knows every live
 * block that a candidate could touch. Threads read a window in pieces, and verify what lies
 * within a piece while the processor still has it; all else goes in order, in one thread, while
 * the others read the next window.
 */
#include "recover/internal.h"

#include "base/bitmap.h"
#include "base/pool.h"
#include "base/sort.h"
#include "format/crc.h"
#include "ndb/place.h"

#include <libdeflate.h>
#include <zlib.h>

#define STEP  ((uint64_t)2 << 20) /* of a window; both are multiples of a page */
#define PIECE ((uint64_t)256 << 10)
#define PART  ((uint64_t)512 << 10) /* blocks that are in the order of their places at once, */
#define PARTS 16                    /* or more, so that the table is gone through no more often */

/* A thread's own. */
struct hand {
	struct pm_ctx ctx;
	struct libdeflate_decompressor *inflater; /* 4K files */
	uint8_t *plain;                           /* two blocks' worth */
};

struct window {
	uint8_t *buf;
	uint64_t start, end; /* in the file; equal: it is empty */
	uint64_t fresh;      /* where begins what was not in the one before */
	/* By place in the fresh part: perhaps a page of a tree. A piece has words of its own in all. */
	struct pm_bitmap pages;
	/* By place in the window, of units: perhaps the end of a block; with a right checksum. */
	struct pm_bitmap ends, proved;
};

struct sweep {
	struct pm_analysis *an;
	const struct pm_format *f;
	struct window windows[2];
	struct window *w, *read; /* the one whose turn it is; the next, which is being read */
	PM_VEC(uint64_t) order;  /* blocks, as pm_place_make of their indices, ascending */
	uint8_t *verified;       /* parallel to it */
	uint64_t ordered;        /* what begins behind this is not in it yet */
	size_t next_block;       /* in order: first not settled yet */
	uint64_t next_scan;
	struct pm_rangeset covered; /* by verified blocks and pages */
	struct pm_pool *pool;
	uint64_t next_piece; /* that no thread has taken */
	size_t first_block;  /* in order: none of the window that is being read is before it */
	enum pm_rc rc;       /* of the one whose turn it is */
	struct hand hands[PM_POOL_MAX];
};

/* The blocks of the next part of the file, behind those that are not settled yet: the order of all at once would be a third of
 * the table. */
static enum pm_rc order_part(struct sweep *s)
{
	struct pm_analysis *an = s->an;
	const uint64_t from = s->ordered, n = an->db.blocks.n;
	const uint64_t parts = n / PART < PARTS ? n / PART + 1 : PARTS;
	const uint64_t span = an->img->size / parts + 1;
	const bool last = an->img->size - from <= span;
	const size_t left = s->order.n - s->next_block;
	uint8_t *verified;

	if (s->next_block) {
		memmove(s->order.v, s->order.v + s->next_block, left * sizeof(*s->order.v));
		memmove(s->verified, s->verified + s->next_block, left);
	}
	s->order.n = left;
	s->next_block = 0;
	for (size_t i = 0; i < n; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];
		uint64_t *p;

		if (b->flags & PM_BF_LOST || b->ib < from || (!last && b->ib - from >= span))
			continue;
		p = pm_vec_push(an->ctx, &s->order);
		if (!p)
			return an->ctx->rc;
		*p = pm_place_make(s->f, b->ib, i);
	}
	verified = pm_realloc(an->ctx, s->verified, s->order.n, 1);
	if (!verified)
		return an->ctx->rc;
	s->verified = verified;
	memset(verified + left, 0, s->order.n - left);
	s->ordered = last ? UINT64_MAX : from + span;
	return pm_places_sort(an->ctx, s->order.v + left, s->order.n - left);
}

static struct pm_block *block_at(const struct sweep *s, size_t i)
{
	return &s->an->db.blocks.v[pm_place_index(s->order.v[i])];
}

/* pm_block_kind of a block as stored. */
static uint16_t kind_of(const struct pm_analysis *an, const struct pm_block *b,
			const uint8_t *stored)
{
	uint8_t head[4] = {0}, in[512];
	unsigned n = b->cb < sizeof(in) ? b->cb : sizeof(in);
	z_stream z = {0};

	if (pm_bid_internal(b->bid) || b->cb < 4)
		return PM_BK_NONE;
	if (b->cb == b->cb_inflated) {
		memcpy(head, stored, sizeof(head));
		pm_decode(an->db.crypt, b->bid, head, sizeof(head));
		return pm_block_kind(head, sizeof(head));
	}
	memcpy(in, stored, n);
	pm_decode(an->db.crypt, b->bid, in, n);
	z.next_in = in;
	z.avail_in = n;
	z.next_out = head;
	z.avail_out = sizeof(head);
	if (inflateInit(&z) != Z_OK)
		return PM_BK_NONE;
	inflate(&z, Z_SYNC_FLUSH);
	inflateEnd(&z);
	return pm_block_kind(head, sizeof(head));
}

/* Does a compressed block give what its entry says? */
static bool inflates(const struct sweep *s, struct hand *h, const struct pm_block *b,
		     const uint8_t *stored)
{
	uint8_t *copy = h->plain + s->f->block_max;
	size_t n = 0;

	if (b->cb_inflated > s->f->block_max || b->cb > s->f->data_max)
		return false;
	if (s->an->db.crypt != PM_CRYPT_NONE && !pm_bid_internal(b->bid)) {
		memcpy(copy, stored, b->cb);
		pm_decode(s->an->db.crypt, b->bid, copy, b->cb);
		stored = copy;
	}
	return libdeflate_zlib_decompress(h->inflater, stored, b->cb, h->plain, b->cb_inflated,
					  &n) == LIBDEFLATE_SUCCESS &&
	       n == b->cb_inflated;
}

/* A block that lies within the window. */
static void verify(const struct sweep *s, const struct window *w, struct hand *h,
		   struct pm_block *b)
{
	const struct pm_analysis *an = s->an;
	const uint8_t *p = w->buf + (b->ib - w->start);
	uint16_t bad = pm_block_verify(s->f, b, p);
	struct pm_range hole;

	if (pm_image_next_hole(an->img, b->ib, b->ib + pm_block_stored(s->f, b->cb), &hole))
		bad |= PM_BF_READ;
	if (b->cb != b->cb_inflated && !((b->flags | bad) & PM_BF_CRC) && !inflates(s, h, b, p))
		bad |= PM_BF_INFLATE;
	b->flags = (uint16_t)(((b->flags | bad) & ~PM_BF_KIND) | kind_of(an, b, p));
}

/* Another block may be found in its place, by its own trailer? */
static bool explains(const struct pm_block *b)
{
	return !(b->flags & (PM_BF_BID | PM_BF_CB | PM_BF_SIG));
}

/* The first in order that does not lie before `ib`. */
static size_t first_from(const struct sweep *s, uint64_t ib)
{
	size_t lo = s->first_block, hi = s->order.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->order.v[mid] < pm_place_make(s->f, ib, 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* No block ends in front of `p`, at file offset `end`: said of nearly all places, so it must be quick. */
static inline bool no_end(const struct pm_format *f, const uint8_t *p, uint64_t end)
{
	const uint8_t *t = p - f->block_trailer;
	const uint32_t cb = (uint32_t)pm_BLOCKTRAILER_cb(f, t);

	return !cb || cb > f->data_max ||
	       (uint16_t)pm_BLOCKTRAILER_wSig(f, t) !=
		       pm_sig(end - pm_block_stored(f, cb), pm_BLOCKTRAILER_bid(f, t));
}

/* Ends of blocks that nothing within [from, to), which is in the piece from `piece` on, explains. */
static void look_for_ends(struct sweep *s, uint64_t piece, uint64_t from, uint64_t to)
{
	const uint32_t unit = s->f->unit;
	struct window *w = s->read;

	for (uint64_t at = from / unit * unit; at + unit <= to; at += unit) {
		const uint64_t end = at + unit;
		const uint8_t *p = w->buf + (end - w->start);
		struct pm_block b = {0};

		if (no_end(s->f, p, end) || !pm_block_like(s->f, p, end - w->start, end, &b))
			continue;
		pm_bitmap_set(&w->ends, (at - w->start) / unit);
		/* What lies before the piece may not be there yet. */
		if (b.ib >= piece && pm_block_ending(s->f, p, end - w->start, end, &b))
			pm_bitmap_set(&w->proved, (at - w->start) / unit);
	}
}

/* The blocks, and what may be pages, within [from, to), which was read just now. */
static void look_at_piece(struct sweep *s, struct hand *h, uint64_t from, uint64_t to)
{
	const uint32_t page = s->f->page;
	struct window *w = s->read;
	uint64_t known = from; /* what is before it is explained, or was looked at */

	for (uint64_t ib = from; ib + page <= to; ib += page) {
		const uint8_t *t = w->buf + (ib - w->start) + s->f->page_data;

		if (t[0] == t[1] && (t[0] == PM_PTYPE_BBT || t[0] == PM_PTYPE_NBT))
			pm_bitmap_set(&w->pages, (ib - w->fresh) / page);
	}
	for (size_t i = first_from(s, from); i < s->order.n; i++) {
		struct pm_block *b = block_at(s, i);
		const uint64_t end = b->ib + pm_block_stored(s->f, b->cb);

		if (b->ib >= to)
			break;
		if (end > to || b->ib < from)
			continue;
		verify(s, w, h, b);
		s->verified[i] = 1;
		if (!explains(b) || end <= known)
			continue;
		if (b->ib > known)
			look_for_ends(s, from, known, b->ib);
		known = end;
	}
	look_for_ends(s, from, known, to);
}

static void read_pieces(struct sweep *s, struct hand *h)
{
	struct window *w = s->read;

	for (;;) {
		uint64_t from = __atomic_fetch_add(&s->next_piece, PIECE, __ATOMIC_RELAXED), to;

		if (from >= w->end)
			break;
		to = w->end - from < PIECE ? w->end : from + PIECE;
		if (pm_is_error(pm_image_read(&h->ctx, s->an->img, from, w->buf + (from - w->start),
					      to - from)))
			break;
		look_at_piece(s, h, from, to);
	}
}

/* Blocks whose end has come into the window, in the order of their places. */
static enum pm_rc settle_blocks(struct sweep *s)
{
	const struct window *w = s->w;
	struct pm_analysis *an = s->an;
	enum pm_rc rc = PM_OK;

	for (; s->next_block < s->order.n && rc == PM_OK; s->next_block++) {
		struct pm_block *b = block_at(s, s->next_block);
		uint64_t end = b->ib + pm_block_stored(s->f, b->cb);

		if (end > an->img->size) {
			b->flags |= PM_BF_CHECKED | PM_BF_READ | PM_BF_LOST;
			continue;
		}
		if (end > w->end)
			break;
		if (!s->verified[s->next_block])
			verify(s, w, &s->hands[0], b);
		if ((b->flags & ~PM_BF_KIND) == PM_BF_CHECKED &&
		    pm_ndb_keep_internal(&an->db, b, w->buf + (b->ib - w->start)))
			return an->ctx->rc;
		if ((b->flags & ~PM_BF_KIND) == (PM_BF_CHECKED | PM_BF_CRC) &&
		    pm_bit_of_block(an, b, w->buf + (b->ib - w->start)))
			return an->ctx->rc;
		if (!explains(b))
			continue;
		rc = pm_rangeset_add(an->ctx, &s->covered, b->ib, end);
	}
	return rc;
}

/*
 * A leaf that says another level under a right checksum? Entries of the node tree's leaves are larger
 * than those of index pages; of the block tree's, what would be places of pages are none, and all
 * are those of blocks.
 */
static bool leaf_by_form(const struct sweep *s, uint8_t ptype, const struct pm_bt_meta *m,
			 const uint8_t *p)
{
	const unsigned size = pm_bt_entry_size(s->f, ptype, 0);
	const uint64_t end = s->an->img->size;

	if (!m->level || !m->cent || m->cb_ent != size || m->cent > s->f->bt_area / size)
		return false;
	if (ptype == PM_PTYPE_NBT)
		return size != s->f->btentry;
	for (unsigned i = 0; i < m->cent; i++) {
		struct pm_bt_entry e;

		pm_bt_entry(s->f, p, ptype, 1, i, size, &e);
		if (!(e.ib % s->f->page) && e.ib >= s->f->amap_first && e.ib < end)
			return false;
		pm_bt_entry(s->f, p, ptype, 0, i, size, &e);
		if (!e.ib || e.ib % s->f->unit || e.ib >= end || !e.cb || e.cb > s->f->data_max)
			return false;
	}
	return true;
}

static enum pm_rc take_tree_page(struct sweep *s, uint64_t ib, const uint8_t *p)
{
	struct pm_analysis *an = s->an;
	struct pm_page_trailer t;
	struct pm_page_fact *fact;
	struct pm_bt_meta m;
	struct pm_bt_entry e;
	unsigned size;
	uint32_t bad;

	pm_page_trailer(s->f, p, &t);
	bad = pm_page_verify(s->f, p, ib, t.ptype, 0);
	if (bad == PM_PR_CRC)
		return pm_bit_of_page(an, ib, p);
	if (bad & (PM_PR_TYPE | PM_PR_CRC) || !t.crc)
		return PM_OK;
	pm_bt_meta(s->f, p, &m);
	if (leaf_by_form(s, t.ptype, &m, p))
		m.level = 0;
	size = pm_bt_entry_size(s->f, t.ptype, m.level);
	if (!m.cent || m.cent > s->f->bt_area / size || m.level > 8 || m.cb_ent != size)
		return PM_OK;
	fact = pm_vec_push(an->ctx, &an->facts);
	if (!fact)
		return an->ctx->rc;
	*fact = (struct pm_page_fact){.ib = ib,
				      .bid = t.bid,
				      .ptype = t.ptype,
				      .level = (uint8_t)m.level,
				      .sig = !(bad & PM_PR_SIG)};
	pm_bt_entry(s->f, p, t.ptype, m.level, 0, size, &e);
	fact->first = e.key;
	pm_bt_entry(s->f, p, t.ptype, m.level, m.cent - 1, size, &e);
	fact->last = e.key;
	if (t.bid > an->max_page && t.bid < pm_id_limit(s->f) && fact->sig)
		an->max_page = t.bid;
	return fact->sig ? pm_rangeset_add(an->ctx, &s->covered, ib, ib + s->f->page) : PM_OK;
}

static enum pm_rc take_pages(struct sweep *s)
{
	const struct window *w = s->w;
	const uint32_t page = s->f->page;
	enum pm_rc rc = PM_OK;

	for (uint64_t ib = w->fresh; ib + page <= w->end && rc == PM_OK; ib += page)
		if (pm_bitmap_test(&w->pages, (ib - w->fresh) / page))
			rc = take_tree_page(s, ib, w->buf + (ib - w->start));
	return rc;
}

/* A block whose end was found; nothing else is known to be there. */
static enum pm_rc take_block(struct sweep *s, const struct pm_block *b)
{
	const struct window *w = s->w;
	const uint8_t *p = w->buf + (b->ib - w->start);
	struct pm_analysis *an = s->an;
	struct pm_block *slot;

	/* A fact wholly inside a larger one with a right checksum is none: that one is content, such
	 * as a data file attached to a mail. */
	while (an->found.n && an->found.v[an->found.n - 1].ib >= b->ib)
		an->found.n--;
	slot = pm_vec_push(an->ctx, &an->found);
	if (!slot)
		return an->ctx->rc;
	*slot = *b;
	slot->flags |= kind_of(an, b, p);
	if (b->cb != b->cb_inflated && !inflates(s, &s->hands[0], b, p))
		slot->flags |= PM_BF_INFLATE;
	return pm_ndb_keep_internal(&an->db, b, p);
}

/* What may be the end of a block, the unit at `at`. */
static enum pm_rc try_end(struct sweep *s, uint64_t at)
{
	const struct window *w = s->w;
	const uint64_t end = at + s->f->unit;
	const uint8_t *p = w->buf + (end - w->start);
	const bool proved = pm_bitmap_test(&w->proved, (at - w->start) / s->f->unit);
	struct pm_block b = {0};

	if (!pm_block_like(s->f, p, end - w->start, end, &b) ||
	    pm_rangeset_overlaps(&s->covered, b.ib, end))
		return PM_OK;
	if (proved || pm_block_ending(s->f, p, end - w->start, end, &b))
		return take_block(s, &b);
	if (pm_note_frail(s->an, &b))
		return s->an->ctx->rc;
	return pm_bit_of_block(s->an, &b, w->buf + (b.ib - w->start));
}

/* Search [next_scan, upto) for ends of blocks that nothing explains, where they were seen. */
static enum pm_rc scan(struct sweep *s, uint64_t upto)
{
	const uint32_t unit = s->f->unit;
	const struct window *w = s->w;
	struct pm_range gap;

	while (s->next_scan < upto) {
		uint64_t at;

		if (!pm_rangeset_next_gap(&s->covered, s->next_scan, upto, &gap))
			break;
		if (gap.start > s->next_scan) /* jump over what is explained */
			s->next_scan = gap.start / unit * unit;
		at = w->start +
		     unit * pm_bitmap_next_set(&w->ends, (s->next_scan - w->start) / unit);
		if (at >= gap.end && gap.end < upto) {
			s->next_scan = gap.end;
			continue;
		}
		s->next_scan = at;
		if (at >= upto || at + unit > w->end)
			break;
		if (try_end(s, at))
			return s->an->ctx->rc;
		s->next_scan += unit;
	}
	s->next_scan = upto / unit * unit;
	return PM_OK;
}

/* The first of the n bits of a map (whole words of 64) that is another than `on`, from i on; n: none. */
static uint32_t run_end(const uint8_t *bits, uint32_t i, uint32_t n, bool on)
{
	for (; i < n; i = i / 64 * 64 + 64) {
		uint64_t w = 0;

		for (unsigned k = 0; k < 8; k++)
			w = w << 8 | bits[i / 64 * 8 + k];
		w = (on ? ~w : w) << i % 64;
		if (w)
			return i + (uint32_t)__builtin_clzll(w);
	}
	return n;
}

static enum pm_rc take_map(struct pm_analysis *an, uint64_t k, unsigned slot)
{
	const struct pm_format *f = an->db.fmt;
	struct pm_map_page *m;
	uint8_t page[4096];
	uint8_t ptype = pm_map_page_at(f, k, slot);
	pm_ib ib = pm_amap_offset(f, k) + slot * f->page;
	enum pm_rc rc;

	if (!ptype || ib >= an->img->size)
		return PM_OK;
	rc = pm_image_read(an->ctx, an->img, ib, page, f->page);
	if (pm_is_error(rc))
		return rc;
	m = pm_vec_push(an->ctx, &an->maps);
	if (!m)
		return an->ctx->rc;
	*m = (struct pm_map_page){.ib = ib, .k = (uint32_t)k, .ptype = ptype};
	m->bad = pm_page_verify(f, page, ib, ptype, ib);
	if (rc)
		m->bad |= PM_PR_READ;
	if (ptype != PM_PTYPE_AMAP || m->bad & (PM_PR_TYPE | PM_PR_CRC | PM_PR_READ))
		return PM_OK;
	for (uint32_t i = 0, end, n = f->amap_bytes * 8; i < n; i = end) {
		const uint8_t *bits = page + f->amap_skip;
		const bool on = bits[i / 8] >> (7 - i % 8) & 1;

		end = run_end(bits, i, n, on);
		if (!on)
			m->free_units += end - i;
		else if (pm_rangeset_add(an->ctx, &an->allocated, ib + (uint64_t)i * f->unit,
					 ib + (uint64_t)end * f->unit))
			return an->ctx->rc;
	}
	return pm_rangeset_add(an->ctx, &an->map_known, ib, ib + f->amap_interval);
}

enum pm_rc pm_sweep_maps(struct pm_analysis *an)
{
	const struct pm_format *f = an->db.fmt;
	enum pm_rc rc = PM_OK;

	an->maps.n = 0;
	pm_rangeset_done(&an->allocated);
	pm_rangeset_done(&an->map_known);
	for (uint64_t k = 0; pm_amap_offset(f, k) < an->img->size && rc == PM_OK; k++)
		for (unsigned slot = 0; slot < 3 && rc == PM_OK; slot++)
			rc = take_map(an, k, slot);
	return rc;
}

/*
 * A map with a right checksum whose bits are not those of the file: of what the block tree names there
 * and is just what it should be, much would be free. An older tree names a little that is.
 */
static enum pm_rc doubt_maps(struct pm_analysis *an)
{
	const struct pm_format *f = an->db.fmt;
	struct pm_map seen = {0}, free = {0};
	enum pm_rc rc = PM_OK;

	pm_rangeset_done(&an->map_doubted);
	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];
		struct pm_map_entry *e;
		int marked;

		if ((b->flags & ~PM_BF_KIND) != PM_BF_CHECKED)
			continue;
		marked = pm_analysis_allocated(an, b->ib, pm_block_stored(f, b->cb));
		e = marked < 0 ? NULL
			       : pm_map_get(an->ctx, marked ? &seen : &free,
					    pm_amap_index(f, b->ib), NULL);
		if (e)
			e->value++;
		rc = an->ctx->rc;
	}
	for (size_t i = 0; i < free.n && rc == PM_OK; i++) {
		const struct pm_map_entry *e = pm_map_find(&seen, free.v[i].key);
		const uint64_t from = pm_amap_offset(f, free.v[i].key);

		if (2 * free.v[i].value > (e ? e->value : 0))
			rc = pm_rangeset_add(an->ctx, &an->map_doubted, from,
					     from + f->amap_interval);
	}
	pm_map_done(&seen);
	pm_map_done(&free);
	return rc;
}

/* Which pages do the maps call in use? */
static void mark_allocated(struct pm_analysis *an)
{
	for (size_t i = 0; i < an->facts.n; i++)
		an->facts.v[i].allocated =
			pm_analysis_allocated(an, an->facts.v[i].ib, an->db.fmt->page) != 0;
}

/* What can only be done in order, of the window that was read. */
static enum pm_rc settle(struct sweep *s)
{
	const struct window *w = s->w;
	enum pm_rc rc = PM_OK;

	if (w->start == w->end)
		return PM_OK;
	rc = take_pages(s);
	if (rc == PM_OK)
		rc = settle_blocks(s);
	if (rc == PM_OK)
		rc = scan(s, w->end >= s->an->img->size ? w->end : w->end - s->f->block_max);
	return rc;
}

static void work(void *arg, unsigned int k)
{
	struct sweep *s = arg;

	if (k == 0)
		s->rc = settle(s);
	if (s->read)
		read_pieces(s, &s->hands[k]);
}

/* What was seen in the part that both windows have. */
static void carry_over(const struct sweep *s, struct window *next)
{
	const struct window *w = s->w;
	const uint64_t first = (next->start - w->start) / s->f->unit;

	pm_bitmap_clear_range(&next->ends, 0, next->ends.n);
	pm_bitmap_clear_range(&next->proved, 0, next->proved.n);
	for (uint64_t i = first; (i = pm_bitmap_next_set(&w->ends, i)) < w->ends.n; i++) {
		pm_bitmap_set(&next->ends, i - first);
		if (pm_bitmap_test(&w->proved, i))
			pm_bitmap_set(&next->proved, i - first);
	}
}

/* Begin the window behind this one: with its last bytes, which may begin a block. */
static enum pm_rc begin_window(struct sweep *s)
{
	const struct window *w = s->w;
	struct window *next = &s->windows[w == &s->windows[0]];
	const uint64_t left = s->an->img->size - w->end, room = 2 * (uint64_t)s->f->block_max;
	const uint64_t keep = w->end - w->start < room ? w->end - w->start : room;
	enum pm_rc rc = PM_OK;

	if (keep)
		memcpy(next->buf, w->buf + (w->end - keep - w->start), keep);
	next->start = w->end - keep;
	next->fresh = s->next_piece = w->end;
	next->end = w->end + (left < STEP ? left : STEP);
	pm_bitmap_clear_range(&next->pages, 0, next->pages.n);
	carry_over(s, next);
	while (rc == PM_OK && s->ordered < next->end)
		rc = order_part(s);
	s->first_block = s->next_block;
	s->read = next;
	return rc;
}

static enum pm_rc take_costs(struct sweep *s)
{
	struct pm_ctx *ctx = s->an->ctx;

	for (unsigned int k = 0; k < pm_pool_size(s->pool); k++) {
		struct pm_ctx *own = &s->hands[k].ctx;

		ctx->bytes_read += own->bytes_read;
		ctx->reads += own->reads;
		own->bytes_read = own->reads = 0;
		if (own->rc)
			return pm_fail(ctx, own->rc, "%s", own->text);
	}
	return PM_OK;
}

static enum pm_rc run(struct sweep *s)
{
	struct pm_analysis *an = s->an;
	const uint64_t size = an->img->size;
	enum pm_rc rc = PM_OK;

	s->w = &s->windows[0];
	s->w->start = s->w->end = s->f->dlist;
	s->next_scan = s->f->amap_first;
	for (;;) {
		s->read = NULL;
		rc = s->w->end < size ? begin_window(s) : PM_OK;
		if (rc)
			return rc;
		pm_pool_run(s->pool, work, s);
		rc = take_costs(s);
		if (rc == PM_OK)
			rc = s->rc;
		if (rc == PM_OK)
			rc = pm_tick(an->ctx, "sweep", s->w->end, size);
		if (rc || !s->read)
			return rc;
		s->w = s->read;
	}
}

/* What each thread needs of its own, and the windows. */
static enum pm_rc begin(struct sweep *s)
{
	struct pm_ctx *ctx = s->an->ctx;
	const size_t size = STEP + 2 * (size_t)s->f->block_max;

	if (s->an->img->size > 4 * STEP)
		s->pool = pm_pool_new(ctx);
	for (unsigned int i = 0; i < 2; i++) {
		struct window *w = &s->windows[i];

		w->buf = pm_calloc(ctx, size, 1);
		if (!w->buf || pm_bitmap_init(ctx, &w->pages, STEP / s->f->page) ||
		    pm_bitmap_init(ctx, &w->ends, size / s->f->unit) ||
		    pm_bitmap_init(ctx, &w->proved, size / s->f->unit))
			return ctx->rc;
	}
	for (unsigned int k = 0; k < pm_pool_size(s->pool); k++) {
		struct hand *h = &s->hands[k];

		if (s->f->variant != PM_UNICODE4K)
			continue;
		h->plain = pm_calloc(ctx, 2, s->f->block_max);
		h->inflater = h->plain ? libdeflate_alloc_decompressor() : NULL;
		if (!h->inflater)
			return pm_fail_oom(ctx);
	}
	return ctx->rc;
}

static void end(struct sweep *s)
{
	pm_pool_free(s->pool);
	for (unsigned int k = 0; k < PM_POOL_MAX; k++) {
		if (s->hands[k].inflater)
			libdeflate_free_decompressor(s->hands[k].inflater);
		pm_free(s->hands[k].plain);
	}
	pm_rangeset_done(&s->covered);
	pm_vec_done(&s->order);
	pm_free(s->verified);
	for (unsigned int i = 0; i < 2; i++) {
		pm_bitmap_done(&s->windows[i].pages);
		pm_bitmap_done(&s->windows[i].ends);
		pm_bitmap_done(&s->windows[i].proved);
		pm_free(s->windows[i].buf);
	}
}

enum pm_rc pm_sweep(struct pm_analysis *an, bool holes)
{
	struct sweep s = {.an = an, .f = an->db.fmt};
	enum pm_rc rc;

	an->facts.n = an->found.n = an->frail.n = 0;
	if (!an->mended)
		an->bits.n = an->bits_tried[0] = an->bits_tried[1] = 0;
	pm_map_done(&an->fact_map);
	pm_ndb_drop_internal(&an->db);
	rc = begin(&s);
	if (rc == PM_OK)
		rc = run(&s);
	if (rc == PM_OK)
		rc = doubt_maps(an);
	mark_allocated(an);
	if (rc == PM_OK && holes)
		rc = pm_note_unexplained(an, &s.covered);
	if (rc == PM_OK)
		rc = pm_sort_member(an->ctx, &an->found, bid);
	an->swept = true;
	end(&s);
	return rc;
}

struct pm_page_fact *pm_fact_at(const struct pm_analysis *an, pm_ib ib)
{
	const size_t i = pm_lower_member(&an->facts, ib, ib);

	return i < an->facts.n && an->facts.v[i].ib == ib ? &an->facts.v[i] : NULL;
}

void pm_mark_in_tree(struct pm_analysis *an)
{
	for (size_t i = 0; i < an->pages.n; i++) {
		struct pm_page_fact *p = pm_fact_at(an, an->pages.v[i].ib);

		if (p && an->pages.v[i].grade >= PM_GRADE_B)
			p->in_tree = true;
	}
}
