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
 * block that a candidate could touch.
 */
#include "recover/internal.h"

#include "base/sort.h"
#include "format/crc.h"

#include <libdeflate.h>
#include <zlib.h>

#define STEP ((uint64_t)4 << 20)

struct by_place {
	uint64_t ib;
	size_t index;
};

struct sweep {
	struct pm_analysis *an;
	const struct pm_format *f;
	uint8_t *buf;
	uint64_t start, end; /* of the window in the file */
	PM_VEC(struct by_place) order;
	size_t next_block; /* in order: first not verified yet */
	uint64_t next_page, next_scan;
	struct pm_rangeset covered;               /* by verified blocks and pages */
	struct libdeflate_decompressor *inflater; /* 4K files */
	uint8_t *plain;                           /* two blocks' worth */
};

static enum pm_rc order_blocks(struct sweep *s)
{
	struct pm_analysis *an = s->an;

	for (size_t i = 0; i < an->db.blocks.n; i++) {
		struct by_place *p;

		if (an->db.blocks.v[i].flags & PM_BF_LOST)
			continue;
		p = pm_vec_push(an->ctx, &s->order);
		if (!p)
			return an->ctx->rc;
		*p = (struct by_place){an->db.blocks.v[i].ib, i};
	}
	return pm_sort_member(an->ctx, &s->order, ib);
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
static bool inflates(struct sweep *s, const struct pm_block *b, const uint8_t *stored)
{
	uint8_t *copy = s->plain + s->f->block_max;
	size_t n = 0;

	if (b->cb_inflated > s->f->block_max || b->cb > s->f->data_max)
		return false;
	if (s->an->db.crypt != PM_CRYPT_NONE && !pm_bid_internal(b->bid)) {
		memcpy(copy, stored, b->cb);
		pm_decode(s->an->db.crypt, b->bid, copy, b->cb);
		stored = copy;
	}
	return libdeflate_zlib_decompress(s->inflater, stored, b->cb, s->plain, b->cb_inflated,
					  &n) == LIBDEFLATE_SUCCESS &&
	       n == b->cb_inflated;
}

static enum pm_rc verify_blocks(struct sweep *s)
{
	struct pm_analysis *an = s->an;
	enum pm_rc rc = PM_OK;

	for (; s->next_block < s->order.n && rc == PM_OK; s->next_block++) {
		struct pm_block *b = &an->db.blocks.v[s->order.v[s->next_block].index];
		uint64_t end = b->ib + pm_block_stored(s->f, b->cb);
		const uint8_t *p = s->buf + (b->ib - s->start);

		if (end > an->img->size) {
			b->flags |= PM_BF_CHECKED | PM_BF_READ | PM_BF_LOST;
			continue;
		}
		if (end > s->end)
			break;
		b->flags |= pm_block_verify(s->f, b, p);
		if (an->img->unreadable.total &&
		    pm_rangeset_overlaps(&an->img->unreadable, b->ib, end))
			b->flags |= PM_BF_READ;
		if (b->cb != b->cb_inflated && !(b->flags & PM_BF_CRC) && !inflates(s, b, p))
			b->flags |= PM_BF_INFLATE;
		b->flags = (uint16_t)((b->flags & ~PM_BF_KIND) | kind_of(an, b, p));
		if ((b->flags & ~PM_BF_KIND) == PM_BF_CHECKED &&
		    pm_ndb_keep_internal(&an->db, b, p))
			return an->ctx->rc;
		/* Another block may be found here by its own trailer. */
		if (b->flags & (PM_BF_BID | PM_BF_CB | PM_BF_SIG))
			continue;
		rc = pm_rangeset_add(an->ctx, &s->covered, b->ib, end);
	}
	return rc;
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
	if (bad & (PM_PR_TYPE | PM_PR_CRC) || !t.crc)
		return PM_OK;
	pm_bt_meta(s->f, p, &m);
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
	const uint32_t page = s->f->page;
	enum pm_rc rc = PM_OK;

	for (; s->next_page + page <= s->end && rc == PM_OK; s->next_page += page) {
		const uint8_t *p = s->buf + (s->next_page - s->start);
		const uint8_t *t = p + s->f->page_data;

		if (t[0] == t[1] && (t[0] == PM_PTYPE_BBT || t[0] == PM_PTYPE_NBT))
			rc = take_tree_page(s, s->next_page, p);
	}
	return rc;
}

/* A block whose trailer ends at `end`, right in every respect? */
static bool block_ending(const struct sweep *s, uint64_t end, struct pm_block *ret)
{
	const struct pm_format *f = s->f;
	const uint8_t *t = s->buf + (end - f->block_trailer - s->start);
	pm_bid bid = pm_BLOCKTRAILER_bid(f, t);
	uint32_t cb = (uint32_t)pm_BLOCKTRAILER_cb(f, t), size;

	if (!bid || bid & 1 || !cb || cb > f->data_max)
		return false;
	size = pm_block_stored(f, cb);
	if (end < size + f->amap_first || end - size < s->start)
		return false;
	if (pm_BLOCKTRAILER_wSig(f, t) != pm_sig(end - size, bid) || !pm_BLOCKTRAILER_dwCRC(f, t))
		return false;
	*ret = (struct pm_block){.bid = bid,
				 .ib = end - size,
				 .cb = (uint16_t)cb,
				 .cb_inflated = (uint16_t)cb,
				 .flags = PM_BF_CHECKED | PM_BF_FOUND};
	if (f->variant == PM_UNICODE4K)
		ret->cb_inflated = (uint16_t)pm_BLOCKTRAILER_cbInflated(f, t);
	if (!ret->cb_inflated)
		ret->cb_inflated = ret->cb;
	return pm_crc(s->buf + (ret->ib - s->start), cb) == pm_BLOCKTRAILER_dwCRC(f, t);
}

/* Search [next_scan, upto) for ends of blocks that nothing explains. */
static enum pm_rc scan(struct sweep *s, uint64_t upto)
{
	struct pm_analysis *an = s->an;
	struct pm_range gap;

	for (; s->next_scan < upto; s->next_scan += s->f->unit) {
		uint64_t end = s->next_scan + s->f->unit;
		struct pm_block b, *slot;

		if (!pm_rangeset_next_gap(&s->covered, s->next_scan, upto, &gap))
			break;
		if (gap.start > s->next_scan) { /* jump over what is explained */
			s->next_scan = (gap.start / s->f->unit) * s->f->unit;
			end = s->next_scan + s->f->unit;
		}
		if (end > s->end || s->next_scan >= upto)
			break;
		if (!block_ending(s, end, &b) || pm_rangeset_overlaps(&s->covered, b.ib, end))
			continue;
		/* A fact wholly inside a larger one with a right checksum is none: that one is
		 * content, such as a data file attached to a mail. */
		while (an->found.n && an->found.v[an->found.n - 1].ib >= b.ib)
			an->found.n--;
		slot = pm_vec_push(an->ctx, &an->found);
		if (!slot)
			return an->ctx->rc;
		*slot = b;
		slot->flags |= kind_of(an, &b, s->buf + (b.ib - s->start));
	}
	if (s->next_scan < upto)
		s->next_scan = upto / s->f->unit * s->f->unit;
	return PM_OK;
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
	for (uint32_t i = 0, n = f->amap_bytes * 8; i < n;) {
		const uint8_t *bits = page + f->amap_skip;
		uint32_t a = i;
		bool on = bits[i / 8] >> (7 - i % 8) & 1;

		while (i < n && (bits[i / 8] >> (7 - i % 8) & 1) == on)
			i++;
		if (!on)
			m->free_units += i - a;
		else if (pm_rangeset_add(an->ctx, &an->allocated, ib + (uint64_t)a * f->unit,
					 ib + (uint64_t)i * f->unit))
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

static enum pm_rc index_facts(struct pm_analysis *an)
{
	for (size_t i = 0; i < an->facts.n; i++) {
		struct pm_page_fact *p = &an->facts.v[i];
		struct pm_map_entry *e;
		bool new;

		p->allocated = pm_analysis_allocated(an, p->ib, an->db.fmt->page) != 0;
		e = pm_map_get(an->ctx, &an->fact_map, p->bid << 1 | (p->ptype & 1), &new);
		if (!e)
			return an->ctx->rc;
		/* Of two pages with one id: right place beats moved, allocated beats free. */
		if (!new) {
			const struct pm_page_fact *q = &an->facts.v[e->value];

			if (q->sig > p->sig || (q->sig == p->sig && q->allocated >= p->allocated))
				continue;
		}
		e->value = i;
	}
	return PM_OK;
}

static enum pm_rc run(struct sweep *s)
{
	struct pm_analysis *an = s->an;
	const uint64_t size = an->img->size, keep = 2 * (uint64_t)s->f->block_max;
	enum pm_rc rc = PM_OK;

	s->start = s->f->dlist;
	s->next_page = s->f->dlist;
	s->next_scan = s->f->amap_first;
	while (rc == PM_OK) {
		uint64_t n = size - s->start < STEP + keep ? size - s->start : STEP + keep;

		rc = pm_image_read(an->ctx, an->img, s->start, s->buf, n);
		if (pm_is_error(rc))
			break;
		s->end = s->start + n;
		rc = take_pages(s);
		if (rc == PM_OK)
			rc = verify_blocks(s);
		if (rc == PM_OK)
			rc = scan(s, s->end >= size ? s->end : s->end - s->f->block_max);
		if (rc == PM_OK)
			rc = pm_tick(an->ctx, "sweep", s->end, size);
		if (s->end >= size)
			break;
		s->start = s->end - keep;
	}
	return rc;
}

enum pm_rc pm_sweep(struct pm_analysis *an)
{
	struct sweep s = {.an = an, .f = an->db.fmt};
	enum pm_rc rc;

	an->facts.n = an->found.n = 0;
	pm_map_done(&an->fact_map);
	pm_ndb_drop_internal(&an->db);
	rc = pm_sweep_maps(an);
	if (rc == PM_OK)
		rc = order_blocks(&s);
	s.buf = rc ? NULL : pm_calloc(an->ctx, STEP + 2 * (size_t)s.f->block_max, 1);
	if (s.buf && s.f->variant == PM_UNICODE4K) {
		s.plain = pm_calloc(an->ctx, 2, s.f->block_max);
		s.inflater = s.plain ? libdeflate_alloc_decompressor() : NULL;
		if (!s.inflater)
			rc = pm_fail_oom(an->ctx);
	}
	if (rc == PM_OK && s.buf && an->img->size > s.f->dlist)
		rc = run(&s);
	if (rc == PM_OK)
		rc = an->ctx->rc;
	if (rc == PM_OK)
		rc = index_facts(an);
	if (rc == PM_OK)
		rc = pm_sort_member(an->ctx, &an->found, bid);
	an->swept = true;
	pm_rangeset_done(&s.covered);
	pm_vec_done(&s.order);
	if (s.inflater)
		libdeflate_free_decompressor(s.inflater);
	pm_free(s.plain);
	pm_free(s.buf);
	return rc;
}
