/* SPDX-License-Identifier: Apache-2.0 */
/* Places of a sound file that are worth being damaged, by kind of structure. */
#include "hurt.h"

#include "ltp/bth.h"

#define DEPTH_MAX 8
#define ROWS_MAX  3

static enum pm_rc add(struct pm_hurt_seed *s, const char *cat, struct pm_place at, uint64_t off,
		      unsigned width, uint64_t count)
{
	struct pm_place *slot;
	unsigned c = 0;

	if (off > at.room || width * count > at.room - off)
		return PM_OK; /* a place beyond its structure is none */
	while (c < s->n_cats && strcmp(s->cat[c].name, cat))
		c++;
	if (c == PM_HURT_CATS)
		return pm_fail(&s->ctx, PM_EBUG, "too many kinds of places");
	if (c == s->n_cats)
		s->cat[s->n_cats++].name = cat;
	slot = pm_vec_push(&s->ctx, &s->cat[c].spots);
	if (!slot)
		return s->ctx.rc;
	*slot = at;
	slot->off += off;
	slot->room -= off;
	slot->width = width;
	slot->count = count;
	return PM_OK;
}

/* All fields of a structure that begins `off` bytes into `at`. */
static enum pm_rc fields(struct pm_hurt_seed *s, const char *structure, struct pm_place at,
			 uint64_t off)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < pm_field_count && rc == PM_OK; i++) {
		const struct pm_field *f = &pm_fields[i];
		unsigned width, n;

		if (strcmp(f->structure, structure) || f->offset[s->w.fmt->variant] == PM_NO_FIELD)
			continue;
		width = pm_field_width(s->w.fmt, f);
		n = pm_field_elements(s->w.fmt, f);
		if (n > 8)
			rc = add(s, structure, at, off + f->offset[s->w.fmt->variant], width, n);
		for (unsigned k = 0; k < n && k < 8 && rc == PM_OK; k++)
			rc = add(s, structure, at, off + f->offset[s->w.fmt->variant] + k * width,
				 width, 1);
	}
	return rc;
}

static enum pm_rc know(struct pm_hurt_seed *s, uint64_t v)
{
	uint64_t *slot = pm_vec_push(&s->ctx, &s->known);

	if (!slot)
		return s->ctx.rc;
	*slot = v;
	return PM_OK;
}

static enum pm_rc tree_page(struct pm_hurt_seed *s, const struct pm_seed_page *page)
{
	const struct pm_format *f = s->w.fmt;
	struct pm_place at = {.kind = PM_IN_PAGE, .ib = page->ib, .off = page->ib, .room = f->page};
	unsigned size = pm_bt_entry_size(f, page->ptype, page->level);
	const char *entry = page->level                   ? "BTENTRY"
			    : page->ptype == PM_PTYPE_BBT ? "BBTENTRY"
							  : "NBTENTRY";
	enum pm_rc rc = fields(s, "BTPAGE", at, 0);

	if (rc == PM_OK)
		rc = fields(s, "PAGETRAILER", at, f->page_data);
	for (unsigned i = 0; i < page->cent && rc == PM_OK; i++)
		rc = fields(s, entry, at, (uint64_t)i * size);
	if (rc == PM_OK)
		rc = know(s, page->bid);
	return rc ? rc : know(s, page->ib);
}

static enum pm_rc map_pages(struct pm_hurt_seed *s)
{
	const struct pm_format *f = s->w.fmt;
	struct pm_place at = {.kind = PM_IN_PAGE, .ib = f->dlist, .off = f->dlist, .room = f->page};
	enum pm_rc rc = fields(s, "DLISTPAGE", at, 0);

	if (rc == PM_OK)
		rc = fields(s, "PAGETRAILER", at, f->page_data);
	for (uint64_t k = 0; rc == PM_OK && pm_amap_offset(f, k) + f->page <= s->w.n; k++)
		for (unsigned slot = 0; slot < 3 && rc == PM_OK; slot++) {
			if (!pm_map_page_at(f, k, slot))
				continue;
			at.ib = at.off = pm_amap_offset(f, k) + slot * f->page;
			rc = fields(s, "PAGETRAILER", at, f->page_data);
			if (rc == PM_OK)
				rc = add(s, "AMAPPAGE", at, f->amap_skip, 1, f->amap_bytes);
			for (unsigned i = 0; i < 16 && rc == PM_OK && !slot; i++)
				rc = add(s, "AMAPPAGE", at, f->amap_skip + i * 8, 1, 1);
		}
	return rc;
}

static struct pm_place content_of(const struct pm_hurt_seed *s, struct pm_block *b)
{
	(void)s;
	return (struct pm_place){.kind = PM_IN_BLOCK,
				 .ib = b->ib,
				 .block = b,
				 .content = true,
				 .room = b->cb_inflated};
}

static enum pm_rc internal_block(struct pm_hurt_seed *s, struct pm_block *b)
{
	const struct pm_format *f = s->w.fmt;
	struct pm_place at = content_of(s, b);
	const uint8_t *p = s->w.p + b->ib;
	bool x = pm_XBLOCK_btype(f, p) == 1, index = pm_XBLOCK_cLevel(f, p) != 0;
	unsigned n = (unsigned)pm_XBLOCK_cEnt(f, p);
	enum pm_rc rc = fields(s, x ? "XBLOCK" : "SLBLOCK", at, 0);

	for (unsigned i = 0; i < n && rc == PM_OK; i++)
		if (x)
			rc = add(s, "XBLOCK", at, f->xhead + (uint64_t)i * f->xentry, f->xentry, 1);
		else if (index)
			rc = fields(s, "SIENTRY", at, f->slhead + (uint64_t)i * f->sientry);
		else
			rc = fields(s, "SLENTRY", at, f->slhead + (uint64_t)i * f->slentry);
	return rc;
}

static enum pm_rc blocks(struct pm_hurt_seed *s)
{
	const struct pm_format *f = s->w.fmt;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < s->w.db.blocks.n && rc == PM_OK; i++) {
		struct pm_block *b = &s->w.db.blocks.v[i];
		struct pm_place at = {.kind = PM_IN_BLOCK, .ib = b->ib, .block = b, .off = b->ib};

		at.room = pm_block_stored(f, b->cb);
		rc = fields(s, "BLOCKTRAILER", at, at.room - f->block_trailer);
		if (rc == PM_OK)
			rc = pm_bid_internal(b->bid)
				     ? internal_block(s, b)
				     : add(s, "content", content_of(s, b), 0, 1, b->cb_inflated);
		if (rc == PM_OK)
			rc = know(s, b->bid);
		if (rc == PM_OK)
			rc = know(s, b->ib);
	}
	return rc;
}

/* The place of bytes that a heap gave. */
static bool in_heap(struct pm_hurt_seed *s, const struct pm_heap *h, pm_hid hid,
		    struct pm_span item, struct pm_place *ret)
{
	size_t k = pm_hid_block(s->w.fmt, hid);
	struct pm_block *b;

	if (!item.n || k >= h->n_blocks || !h->blocks[k].p)
		return false;
	b = pm_ndb_find_block(&s->w.db, h->data.leaves.v[k].bid);
	*ret = content_of(s, b);
	ret->off = (uint64_t)(item.p - h->blocks[k].p);
	ret->room -= ret->off;
	return true;
}

/* Header and records of a BTH, from the header's item. */
static enum pm_rc bth_records(struct pm_hurt_seed *s, struct pm_heap *h, pm_hid hid, unsigned level,
			      unsigned key, unsigned ent, const char *leaf)
{
	unsigned size = key + (level ? 4 : ent);
	struct pm_span item = {0};
	struct pm_place at;
	enum pm_rc rc = pm_heap_item(h, hid, &item);

	if (rc || !in_heap(s, h, hid, item, &at))
		return pm_is_error(rc) ? rc : PM_OK;
	for (uint64_t o = 0; o + size <= item.n && rc == PM_OK; o += size) {
		if (!level && ent == 6) {
			rc = fields(s, leaf, at, o);
		} else {
			rc = add(s, "BTHRECORD", at, o, key <= 2 ? 2 : 4, 1);
			if (rc == PM_OK)
				rc = add(s, "BTHRECORD", at, o + key, ent == 2 && !level ? 2 : 4,
					 1);
		}
		if (level && rc == PM_OK)
			rc = bth_records(s, h, pm_le32(item.p + o + key), level - 1, key, ent,
					 leaf);
	}
	return rc;
}

static enum pm_rc bth(struct pm_hurt_seed *s, struct pm_heap *h, pm_hid hid, const char *leaf)
{
	struct pm_span item = {0};
	struct pm_place at;
	enum pm_rc rc = pm_heap_item(h, hid, &item);

	if (rc || item.n < 8 || !in_heap(s, h, hid, item, &at))
		return pm_is_error(rc) ? rc : PM_OK;
	rc = fields(s, "BTHHEADER", at, 0);
	return rc ? rc
		  : bth_records(s, h, pm_le32(item.p + 4), item.p[3], item.p[1], item.p[2], leaf);
}

static enum pm_rc table(struct pm_hurt_seed *s, struct pm_heap *h)
{
	const struct pm_format *f = s->w.fmt;
	struct pm_span info = {0}, rows = {0};
	struct pm_place at;
	enum pm_rc rc = pm_heap_item(h, h->root, &info);
	unsigned n_cols, row;
	pm_hid hid;

	if (rc || info.n < 22 || !in_heap(s, h, h->root, info, &at))
		return pm_is_error(rc) ? rc : PM_OK;
	rc = fields(s, "TCINFO", at, 0);
	n_cols = info.p[1];
	for (unsigned i = 0; i < n_cols && rc == PM_OK; i++)
		rc = fields(s, "TCOLDESC", at, 22 + i * 8);
	if (rc == PM_OK)
		rc = bth(s, h, (pm_hid)pm_TCINFO_hidRowIndex(f, info.p), "BTHRECORD");
	hid = (pm_hid)pm_TCINFO_hnidRows(f, info.p);
	row = pm_le16(info.p + 8);
	if (rc || hid & 31 || pm_heap_item(h, hid, &rows) || !in_heap(s, h, hid, rows, &at) || !row)
		return rc;
	for (unsigned k = 0; k < ROWS_MAX && rc == PM_OK; k++)
		for (unsigned i = 0; i < n_cols && rc == PM_OK; i++) {
			const uint8_t *col = info.p + 22 + i * 8;
			unsigned cb = col[6] == 8 ? 8 : col[6] == 1 ? 1 : col[6] == 2 ? 2 : 4;

			rc = add(s, "CELL", at, (uint64_t)k * row + pm_le16(col + 4), cb, 1);
		}
	return rc;
}

static enum pm_rc heap_blocks(struct pm_hurt_seed *s, struct pm_heap *h)
{
	enum pm_rc rc = PM_OK;

	for (size_t k = 0; k < h->n_blocks && rc == PM_OK; k++) {
		struct pm_block *b = pm_ndb_find_block(&s->w.db, h->data.leaves.v[k].bid);
		struct pm_place at = content_of(s, b);
		uint32_t n = 0, map;

		rc = pm_heap_items(h, k, &n);
		if (rc)
			break;
		map = h->blocks[k].map;
		rc = fields(s, k ? "HNPAGEHDR" : "HNHDR", at, 0);
		if (rc == PM_OK)
			rc = fields(s, "HNPAGEMAP", at, map - 4);
		for (uint32_t i = 0; i <= n && rc == PM_OK; i++)
			rc = add(s, "rgibAlloc", at, map + (uint64_t)i * 2, 2, 1);
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc node(struct pm_hurt_seed *s, pm_bid data, pm_bid sub, unsigned depth)
{
	struct pm_heap h = {0};
	struct pm_subs subs = {0};
	bool fresh = true;
	enum pm_rc rc = PM_OK;

	if (data && !pm_map_get(&s->ctx, &s->seen, data, &fresh))
		return s->ctx.rc;
	if (data && fresh && pm_heap_open(&s->w.db, data, PM_CLIENT_ANY, &h) == PM_OK) {
		rc = heap_blocks(s, &h);
		if (rc == PM_OK && h.client == PM_CLIENT_PC)
			rc = bth(s, &h, h.root, "PCENTRY");
		if (rc == PM_OK && h.client == PM_CLIENT_TC)
			rc = table(s, &h);
	}
	if (data && fresh)
		pm_heap_close(&h);
	if (rc == PM_OK && sub && depth < DEPTH_MAX) {
		rc = pm_subs_open(&s->w.db, sub, &subs);
		for (size_t i = 0; i < subs.v.n && rc == PM_OK; i++) {
			rc = know(s, subs.v.v[i].nid);
			if (rc == PM_OK)
				rc = node(s, subs.v.v[i].data, subs.v.v[i].sub, depth + 1);
		}
		pm_subs_close(&subs);
	}
	return pm_is_error(rc) ? rc : s->ctx.rc;
}

enum pm_rc pm_hurt_spots(struct pm_hurt_seed *s)
{
	struct pm_place header = {.kind = PM_IN_HEADER, .room = s->w.fmt->header};
	enum pm_rc rc = fields(s, "HEADER", header, 0);

	for (size_t i = 0; i < s->w.pages.n && rc == PM_OK; i++)
		rc = tree_page(s, &s->w.pages.v[i]);
	if (rc == PM_OK)
		rc = map_pages(s);
	if (rc == PM_OK)
		rc = blocks(s);
	for (size_t i = 0; i < s->w.db.nodes.n && rc == PM_OK; i++) {
		rc = know(s, s->w.db.nodes.v[i].nid);
		if (rc == PM_OK)
			rc = node(s, s->w.db.nodes.v[i].data, s->w.db.nodes.v[i].sub, 0);
	}
	return rc;
}
