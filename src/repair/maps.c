/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation maps from the final use [MS-PST 2.2.2.7.2]: AMaps exactly; the deprecated maps
 * (PMap, FMap, FPMap) filled, where they are not sound [MS-PST 2.2.2.7.3, .5, .6]; the density
 * list empty, where it is not sound [MS-PST 2.2.2.7.4]. Pages that say the right thing stay.
 */
#include "repair/repair.h"

struct maps {
	struct pm_repair *r;
	struct pm_rangeset use;
	uint64_t written;
};

static enum pm_rc use_tree(struct maps *m, pm_ib ib, unsigned depth)
{
	const struct pm_format *f = m->r->fmt;
	uint8_t page[4096];
	struct pm_bt_meta meta;
	uint8_t ptype;
	enum pm_rc rc = pm_image_read(m->r->ctx, pm_view_image(m->r->view), ib, page, f->page);

	if (pm_is_error(rc))
		return rc;
	rc = pm_rangeset_add(m->r->ctx, &m->use, ib, ib + f->page);
	pm_bt_meta(f, page, &meta);
	ptype = page[f->page_data];
	for (unsigned i = 0; i < meta.cent && meta.level && depth < 16 && rc == PM_OK; i++) {
		struct pm_bt_entry e;

		pm_bt_entry(f, page, ptype, meta.level, i, f->btentry, &e);
		if (meta.level == 1)
			rc = pm_rangeset_add(m->r->ctx, &m->use, e.ib, e.ib + f->page);
		else
			rc = use_tree(m, e.ib, depth + 1);
	}
	return rc;
}

static enum pm_rc gather_use(struct maps *m)
{
	struct pm_repair *r = m->r;
	enum pm_rc rc = use_tree(m, r->root[0].ib, 0);

	if (rc == PM_OK)
		rc = use_tree(m, r->root[1].ib, 0);
	for (size_t i = 0; i < r->an->db.blocks.n && rc == PM_OK; i++) {
		const struct pm_block *b = &r->an->db.blocks.v[i];

		rc = pm_rangeset_add(r->ctx, &m->use, b->ib,
				     b->ib + pm_block_stored(r->fmt, b->cb));
	}
	for (uint64_t k = 0; k < r->intervals && rc == PM_OK; k++) {
		pm_ib ib = pm_amap_offset(r->fmt, k);

		rc = pm_rangeset_add(r->ctx, &m->use, ib, ib + pm_map_bytes(r->fmt, k));
	}
	return rc;
}

/* Put a page unless the file has the same already. */
static enum pm_rc put_page(struct maps *m, pm_ib ib, const uint8_t *page)
{
	struct pm_repair *r = m->r;
	uint8_t old[4096];
	enum pm_rc rc = pm_image_read(r->ctx, pm_view_image(r->view), ib, old, r->fmt->page);

	if (pm_is_error(rc) || !memcmp(old, page, r->fmt->page))
		return pm_is_error(rc) ? rc : PM_OK;
	m->written++;
	r->bytes_in_place += ib < r->an->img->size ? r->fmt->page : 0;
	return pm_view_put(r->view, ib, page, r->fmt->page);
}

static void set_bits(uint8_t *bits, uint64_t a, uint64_t b)
{
	for (; a < b && (a % 8 || b - a < 8); a++)
		bits[a / 8] |= (uint8_t)(0x80 >> a % 8);
	if (a < b) {
		memset(bits + a / 8, 0xFF, (b - a) / 8);
		a += (b - a) / 8 * 8;
	}
	for (; a < b; a++)
		bits[a / 8] |= (uint8_t)(0x80 >> a % 8);
}

static enum pm_rc amap(struct maps *m, uint64_t k)
{
	struct pm_repair *r = m->r;
	const struct pm_format *f = r->fmt;
	const pm_ib ib = pm_amap_offset(f, k), end = ib + f->amap_interval;
	uint64_t used = 0;
	uint8_t page[4096] = {0};
	struct pm_range run;

	for (uint64_t at = ib; pm_rangeset_next(&m->use, at, end, &run); at = run.end) {
		uint64_t a = (run.start - ib) / f->unit, b = (run.end - ib + f->unit - 1) / f->unit;

		set_bits(page + f->amap_skip, a, b);
		used += b - a;
	}
	r->free_bytes += ((uint64_t)f->amap_bytes * 8 - used) * f->unit;
	pm_page_seal(f, page, ib, PM_PTYPE_AMAP, ib);
	return put_page(m, ib, page);
}

static enum pm_rc filled_map(struct maps *m, pm_ib ib, uint8_t ptype)
{
	struct pm_repair *r = m->r;
	const struct pm_format *f = r->fmt;
	uint8_t page[4096];
	enum pm_rc rc = pm_image_read(r->ctx, pm_view_image(r->view), ib, page, f->page);

	if (pm_is_error(rc))
		return rc;
	if (!pm_page_verify(f, page, ib, ptype, ib))
		return PM_OK;
	memset(page, 0, f->page);
	memset(page + f->amap_skip, 0xFF, f->amap_bytes);
	pm_page_seal(f, page, ib, ptype, ib);
	return put_page(m, ib, page);
}

static enum pm_rc density_list(struct maps *m)
{
	struct pm_repair *r = m->r;
	const struct pm_format *f = r->fmt;
	uint8_t page[4096];
	enum pm_rc rc = pm_image_read(r->ctx, pm_view_image(r->view), f->dlist, page, f->page);

	if (pm_is_error(rc))
		return rc;
	if (pm_is_zero(page, f->page))
		return PM_OK;
	if (!pm_page_verify(f, page, f->dlist, PM_PTYPE_DLIST, 0) &&
	    pm_DLISTPAGE_cEntDList(f, page) <= 119) {
		bool sane = true;

		for (unsigned i = 0; i < pm_DLISTPAGE_cEntDList(f, page); i++)
			sane &= (pm_le32(page + 8 + 4 * i) & 0xFFFFF) < r->intervals;
		if (sane)
			return PM_OK;
	}
	memset(page, 0, f->page);
	pm_page_seal(f, page, f->dlist, PM_PTYPE_DLIST, r->next_page);
	return put_page(m, f->dlist, page);
}

enum pm_rc pm_repair_maps(struct pm_repair *r)
{
	struct maps m = {.r = r};
	enum pm_rc rc = gather_use(&m);

	r->free_bytes = 0;
	for (uint64_t k = 0; k < r->intervals && rc == PM_OK; k++) {
		rc = amap(&m, k);
		for (unsigned slot = 1; slot < 3 && rc == PM_OK; slot++) {
			uint8_t ptype = pm_map_page_at(r->fmt, k, slot);

			if (ptype)
				rc = filled_map(&m, pm_amap_offset(r->fmt, k) + slot * r->fmt->page,
						ptype);
		}
	}
	if (rc == PM_OK)
		rc = density_list(&m);
	if (rc == PM_OK && m.written)
		rc = pm_repair_did(r, PM_DID_MAPS, 0, m.written, 0);
	pm_rangeset_done(&m.use);
	return rc;
}
