/* SPDX-License-Identifier: Apache-2.0 */
/* Changes that keep a file sound. */
#include "edit.h"

#include "base/map.h"

static struct pm_seed_page *up_of(struct pm_whole *w, const struct pm_seed_page *page)
{
	return &w->pages.v[page->up];
}

static bool is_root(const struct pm_whole *w, const struct pm_seed_page *page)
{
	return &w->pages.v[page->up] == page;
}

/* The first key of a page changed: so do the keys that name it above. */
static void rekey(struct pm_whole *w, const struct pm_seed_page *page, uint64_t key)
{
	while (!is_root(w, page)) {
		const struct pm_seed_page *up = up_of(w, page);

		pm_set_BTENTRY_btkey(w->fmt, w->p + up->ib + page->upi * w->fmt->btentry, key);
		pm_fix_page(w, up->ib, PM_FIX_CRC);
		if (page->upi)
			break;
		page = up;
	}
}

static enum pm_rc drop_at(struct pm_whole *w, const struct pm_seed_page *page, unsigned i)
{
	const struct pm_format *f = w->fmt;
	unsigned size = pm_bt_entry_size(f, page->ptype, page->level);
	uint8_t *p = w->p + page->ib;
	struct pm_bt_entry first;
	enum pm_rc rc;

	if (page->cent == 1 && !is_root(w, page)) {
		rc = pm_edit_mark(w, page->ib, f->page, false);
		return rc ? rc : drop_at(w, up_of(w, page), page->upi);
	}
	memmove(p + i * size, p + (i + 1) * size, (page->cent - 1 - i) * size);
	memset(p + (page->cent - 1) * size, 0, f->bt_area - (page->cent - 1) * size);
	pm_set_BTPAGE_cEnt(f, p, page->cent - 1);
	pm_fix_page(w, page->ib, PM_FIX_CRC);
	if (i == 0 && page->cent > 1) {
		pm_bt_entry(f, p, page->ptype, page->level, 0, size, &first);
		rekey(w, page, first.key);
	}
	return PM_OK;
}

enum pm_rc pm_edit_drop(struct pm_whole *w, uint8_t ptype, uint64_t key)
{
	const struct pm_seed_page *page;
	unsigned i;
	enum pm_rc rc;

	if (!pm_whole_find(w, ptype, key, &page, &i))
		return pm_fail(w->ctx, PM_EUSAGE, "the tree has no key 0x%llx",
			       (unsigned long long)key);
	rc = drop_at(w, page, i);
	return rc ? rc : pm_whole_walk(w);
}

/* Give the upper half of a full leaf a page of its own; the page above must have room. */
static enum pm_rc split(struct pm_whole *w, const struct pm_seed_page *page)
{
	const struct pm_format *f = w->fmt;
	unsigned size = pm_bt_entry_size(f, page->ptype, 0), half = page->cent / 2;
	const struct pm_seed_page *up = up_of(w, page);
	struct pm_bt_entry e[256], mine = {.bid = w->header.next_page};
	uint8_t *p = w->p + page->ib, *above = w->p + up->ib;
	enum pm_rc rc;

	if (is_root(w, page) || up->cent >= pm_bt_capacity(f, page->ptype, 1))
		return pm_fail(w->ctx, PM_EUSAGE, "the leaf is full, and so is the page above it");
	rc = pm_edit_alloc(w, f->page, f->page, &mine.ib);
	if (rc)
		return rc;
	for (unsigned i = 0; i < page->cent; i++)
		pm_bt_entry(f, p, page->ptype, 0, i, size, &e[i]);
	mine.key = e[half].key;
	pm_bt_build(f, w->p + mine.ib, page->ptype, 0, e + half, page->cent - half);
	pm_page_seal(f, w->p + mine.ib, mine.ib, page->ptype, mine.bid);
	memset(p + half * size, 0, (page->cent - half) * size);
	pm_set_BTPAGE_cEnt(f, p, half);
	pm_fix_page(w, page->ib, PM_FIX_CRC);
	memmove(above + (page->upi + 2) * f->btentry, above + (page->upi + 1) * f->btentry,
		(up->cent - page->upi - 1) * f->btentry);
	pm_bt_put_entry(f, above, page->ptype, 1, page->upi + 1, &mine);
	pm_set_BTPAGE_cEnt(f, above, up->cent + 1);
	pm_fix_page(w, up->ib, PM_FIX_CRC);
	pm_set_HEADER_bidNextP(f, w->p, mine.bid + 1);
	pm_fix_header(w);
	return pm_whole_walk(w);
}

enum pm_rc pm_edit_add(struct pm_whole *w, uint8_t ptype, const struct pm_bt_entry *e, bool sound)
{
	const struct pm_format *f = w->fmt;
	unsigned size = pm_bt_entry_size(f, ptype, 0), i;
	const struct pm_seed_page *page;
	uint8_t *p;

	if (pm_whole_find(w, ptype, e->key, &page, &i))
		return pm_fail(w->ctx, PM_EUSAGE, "the tree has a key 0x%llx already",
			       (unsigned long long)e->key);
	if (page->cent >= pm_bt_capacity(f, ptype, 0)) {
		enum pm_rc rc = split(w, page);

		if (rc)
			return rc;
		pm_whole_find(w, ptype, e->key, &page, &i);
	}
	p = w->p + page->ib;
	memmove(p + (i + 1) * size, p + i * size, (page->cent - i) * size);
	pm_bt_put_entry(f, p, ptype, 0, i, e);
	pm_set_BTPAGE_cEnt(f, p, page->cent + 1);
	pm_fix_page(w, page->ib, PM_FIX_CRC);
	if (i == 0)
		rekey(w, page, e->key);
	if (sound)
		return pm_whole_walk(w);
	w->pages.v[page - w->pages.v].cent++; /* the entry has no name but its number */
	return PM_OK;
}

/* The byte of the allocation map that has the bit of `ib`, and the bit; NULL outside. */
static uint8_t *map_bit(struct pm_whole *w, pm_ib ib, uint8_t *ret_mask)
{
	const struct pm_format *f = w->fmt;
	pm_ib map = pm_amap_offset(f, pm_amap_index(f, ib));
	uint64_t bit;

	if (ib < f->amap_first || map + f->page > w->n)
		return NULL;
	bit = (ib - map) / f->unit;
	*ret_mask = (uint8_t)(0x80 >> bit % 8);
	return w->p + map + f->amap_skip + bit / 8;
}

enum pm_rc pm_edit_mark(struct pm_whole *w, pm_ib ib, uint64_t n, bool used)
{
	const struct pm_format *f = w->fmt;
	pm_ib end = ib + n;
	uint64_t free_bytes = pm_HEADER_cbAMapFree(f, w->p);

	for (ib -= ib % f->unit; ib < end; ib += f->unit) {
		uint8_t mask, *p = map_bit(w, ib, &mask);

		if (!p)
			return pm_fail(w->ctx, PM_EUSAGE, "no allocation map has 0x%llx",
				       (unsigned long long)ib);
		if (!(*p & mask) == !used)
			continue;
		*p ^= mask;
		free_bytes = used ? free_bytes - f->unit : free_bytes + f->unit;
		pm_fix_page(w, pm_amap_offset(f, pm_amap_index(f, ib)), PM_FIX_CRC);
	}
	pm_set_HEADER_cbAMapFree(f, w->p, free_bytes);
	pm_fix_header(w);
	return PM_OK;
}

static bool is_free(struct pm_whole *w, pm_ib ib, uint64_t n)
{
	uint8_t mask, *p;

	if (pm_amap_index(w->fmt, ib) != pm_amap_index(w->fmt, ib + n - 1) ||
	    ib + n > w->header.eof)
		return false;
	for (pm_ib at = ib; at < ib + n; at += w->fmt->unit) {
		p = map_bit(w, at, &mask);
		if (!p || *p & mask)
			return false;
	}
	return true;
}

enum pm_rc pm_edit_alloc(struct pm_whole *w, uint64_t n, unsigned align, pm_ib *ret)
{
	for (pm_ib ib = w->fmt->amap_first; ib + n <= w->n; ib += align)
		if (is_free(w, ib, n)) {
			*ret = ib;
			return pm_edit_mark(w, ib, n, true);
		}
	return pm_fail(w->ctx, PM_EUSAGE, "the file has no free place for %llu bytes",
		       (unsigned long long)n);
}

/* Write a block at `ib`, plain content, with a right trailer. */
static void store(struct pm_whole *w, pm_ib ib, pm_bid bid, const uint8_t *p, size_t n)
{
	uint8_t *stored = w->p + ib;

	memset(stored, 0, pm_block_stored(w->fmt, (uint32_t)n));
	memcpy(stored, p, n);
	if (!pm_bid_internal(bid))
		pm_encode(w->db.crypt, bid, stored, n);
	pm_block_seal(w->fmt, stored, ib, bid, (uint16_t)n, (uint16_t)n);
}

enum pm_rc pm_edit_content(struct pm_whole *w, pm_bid bid, const uint8_t *p, size_t n)
{
	const struct pm_format *f = w->fmt;
	struct pm_block *b = pm_ndb_find_block(&w->db, bid);
	const struct pm_seed_page *page;
	pm_ib ib;
	unsigned i;
	uint8_t *entry;
	enum pm_rc rc;

	if (!b || !n || n > f->data_max || !pm_whole_find(w, PM_PTYPE_BBT, b->bid, &page, &i))
		return pm_fail(w->ctx, PM_EUSAGE, "block 0x%llx can't have %zu bytes",
			       (unsigned long long)bid, n);
	rc = pm_edit_mark(w, b->ib, pm_block_stored(f, b->cb), false);
	if (rc)
		return rc;
	ib = b->ib;
	if (pm_block_stored(f, (uint32_t)n) <= pm_block_stored(f, b->cb))
		rc = pm_edit_mark(w, ib, pm_block_stored(f, (uint32_t)n), true);
	else
		rc = pm_edit_alloc(w, pm_block_stored(f, (uint32_t)n), f->unit, &ib);
	if (rc)
		return rc;
	memset(w->p + b->ib, 0, pm_block_stored(f, b->cb));
	store(w, ib, b->bid, p, n);
	entry = w->p + page->ib + i * f->bbtentry;
	pm_set_BBTENTRY_BREF_ib(f, entry, ib);
	pm_set_BBTENTRY_cb(f, entry, n);
	pm_set_BBTENTRY_cbInflated(f, entry, n);
	pm_fix_page(w, page->ib, PM_FIX_CRC);
	return pm_whole_walk(w);
}

enum pm_rc pm_edit_new_block(struct pm_whole *w, bool internal, const uint8_t *p, size_t n,
			     uint16_t cref, pm_bid *ret)
{
	const struct pm_format *f = w->fmt;
	pm_bid bid = w->header.next_block | (internal ? PM_BID_INTERNAL : 0);
	struct pm_bt_entry e = {.key = bid, .bid = bid, .cref = cref};
	enum pm_rc rc;

	if (!n || n > f->data_max)
		return pm_fail(w->ctx, PM_EUSAGE, "a block can't have %zu bytes", n);
	e.cb = e.cb_inflated = (uint16_t)n;
	rc = pm_edit_alloc(w, pm_block_stored(f, e.cb), f->unit, &e.ib);
	if (rc)
		return rc;
	store(w, e.ib, bid, p, n);
	pm_set_HEADER_bidNextB(f, w->p, w->header.next_block + 4);
	pm_fix_header(w);
	*ret = bid;
	return pm_edit_add(w, PM_PTYPE_BBT, &e, true);
}

enum pm_rc pm_edit_empty_leaf(struct pm_whole *w, uint8_t ptype, uint64_t key)
{
	const struct pm_format *f = w->fmt;
	const struct pm_seed_page *up = pm_whole_page(w, ptype, 1, -1);
	struct pm_bt_entry e = {.key = key, .bid = w->header.next_page};
	enum pm_rc rc;

	if (!up || up->cent >= pm_bt_capacity(f, ptype, 1))
		return pm_fail(w->ctx, PM_EUSAGE, "no page has room for another leaf");
	rc = pm_edit_alloc(w, f->page, f->page, &e.ib);
	if (rc)
		return rc;
	pm_bt_build(f, w->p + e.ib, ptype, 0, NULL, 0);
	pm_page_seal(f, w->p + e.ib, e.ib, ptype, e.bid);
	pm_bt_put_entry(f, w->p + up->ib, ptype, 1, up->cent, &e);
	pm_set_BTPAGE_cEnt(f, w->p + up->ib, up->cent + 1);
	pm_fix_page(w, up->ib, PM_FIX_CRC);
	pm_set_HEADER_bidNextP(f, w->p, e.bid + 1);
	pm_fix_header(w);
	return PM_OK;
}

enum pm_rc pm_edit_node_data(struct pm_whole *w, pm_nid nid, bool internal, const uint8_t *p,
			     size_t n)
{
	const struct pm_node *node = pm_ndb_find_node(&w->db, nid);
	const struct pm_block *b = node ? pm_ndb_find_block(&w->db, node->data) : NULL;
	const struct pm_seed_page *page;
	unsigned i;
	pm_bid bid;
	enum pm_rc rc;

	if (!node || (node->data && (!b || pm_bid_internal(node->data))))
		return pm_fail(w->ctx, PM_EUSAGE, "node 0x%x has no single data block", nid);
	if (b && b->cref <= 2 && !internal)
		return pm_edit_content(w, b->bid, p, n);
	rc = pm_edit_new_block(w, internal, p, n, 2, &bid);
	if (rc)
		return rc;
	if (!pm_whole_find(w, PM_PTYPE_NBT, nid, &page, &i))
		return pm_fail(w->ctx, PM_EBUG, "node 0x%x is not in its tree", nid);
	pm_set_NBTENTRY_bidData(w->fmt, w->p + page->ib + i * w->fmt->nbtentry, bid);
	pm_fix_page(w, page->ib, PM_FIX_CRC);
	return pm_edit_settle(w);
}

static enum pm_rc refer(struct pm_whole *w, struct pm_map *refs, pm_bid bid)
{
	struct pm_map_entry *e;

	if (!bid)
		return PM_OK;
	e = pm_map_get(w->ctx, refs, pm_bid_key(bid), NULL);
	if (!e)
		return w->ctx->rc;
	e->value++;
	return PM_OK;
}

/* What an internal block refers to. */
static enum pm_rc refer_internal(struct pm_whole *w, struct pm_map *refs, struct pm_block *b)
{
	const struct pm_format *f = w->fmt;
	struct pm_buf c = {0};
	enum pm_rc rc = pm_ndb_read_entry(&w->db, b, &c);
	unsigned n = rc == PM_OK ? (unsigned)pm_XBLOCK_cEnt(f, c.p) : 0;

	for (unsigned i = 0; i < n && rc == PM_OK; i++) {
		if (pm_XBLOCK_btype(f, c.p) == 1) {
			const uint8_t *p = c.p + f->xhead + (size_t)i * f->xentry;

			rc = refer(w, refs, f->id == 8 ? pm_le64(p) : pm_le32(p));
		} else if (pm_SLBLOCK_cLevel(f, c.p)) {
			const uint8_t *p = c.p + f->slhead + (size_t)i * f->sientry;

			rc = refer(w, refs, pm_SIENTRY_bid(f, p));
		} else {
			const uint8_t *p = c.p + f->slhead + (size_t)i * f->slentry;

			rc = refer(w, refs, pm_SLENTRY_bidData(f, p));
			if (rc == PM_OK)
				rc = refer(w, refs, pm_SLENTRY_bidSub(f, p));
		}
	}
	pm_buf_done(&c);
	return rc;
}

/* Set the counts; *ret_dead is a block without references, 0 when there is none. */
static enum pm_rc recount(struct pm_whole *w, pm_bid *ret_dead)
{
	const struct pm_format *f = w->fmt;
	struct pm_map refs = {0};
	enum pm_rc rc = PM_OK;

	*ret_dead = 0;
	for (size_t i = 0; i < w->db.nodes.n && rc == PM_OK; i++) {
		rc = refer(w, &refs, w->db.nodes.v[i].data);
		if (rc == PM_OK)
			rc = refer(w, &refs, w->db.nodes.v[i].sub);
	}
	for (size_t i = 0; i < w->db.blocks.n && rc == PM_OK; i++)
		if (pm_bid_internal(w->db.blocks.v[i].bid))
			rc = refer_internal(w, &refs, &w->db.blocks.v[i]);
	for (size_t i = 0; i < w->db.blocks.n && rc == PM_OK; i++) {
		struct pm_block *b = &w->db.blocks.v[i];
		const struct pm_map_entry *e = pm_map_find(&refs, b->bid);
		const struct pm_seed_page *page;
		unsigned k;

		/* A count of 1 is a dead block of the seed's own: leave it. */
		if (!e && b->cref != 1)
			*ret_dead = b->bid;
		if (!e || b->cref == e->value + 1)
			continue;
		pm_whole_find(w, PM_PTYPE_BBT, b->bid, &page, &k);
		b->cref = (uint16_t)(e->value + 1);
		pm_set_BBTENTRY_cRef(f, w->p + page->ib + k * f->bbtentry, b->cref);
		pm_fix_page(w, page->ib, PM_FIX_CRC);
	}
	pm_map_done(&refs);
	return rc;
}

enum pm_rc pm_edit_settle(struct pm_whole *w)
{
	enum pm_rc rc = pm_whole_walk(w);
	pm_bid dead = 0;

	while (rc == PM_OK) {
		const struct pm_block *b;

		rc = recount(w, &dead);
		if (rc || !dead)
			break;
		b = pm_ndb_find_block(&w->db, dead);
		rc = pm_edit_mark(w, b->ib, pm_block_stored(w->fmt, b->cb), false);
		if (rc == PM_OK)
			rc = pm_edit_drop(w, PM_PTYPE_BBT, dead);
	}
	return rc;
}
