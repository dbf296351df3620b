/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where new blocks and pages go: behind everything in the last interval that is zero, that no
 * map, tree or fact claims; then into new intervals on the fixed grid. Space that may hold
 * deleted mail is never used.
 */
#include "repair/repair.h"

#define CHUNK 65536

/* End of the last thing below `limit` that anything knows of. */
static uint64_t end_of_facts(const struct pm_repair *r, uint64_t limit)
{
	const struct pm_analysis *an = r->an;
	uint64_t end = 0, e;
	struct pm_range run;

	for (size_t i = 0; i < an->db.blocks.n; i++) {
		e = an->db.blocks.v[i].ib + pm_block_stored(r->fmt, an->db.blocks.v[i].cb);
		if (e <= limit && e > end)
			end = e;
	}
	for (size_t i = 0; i < an->found.n; i++) {
		e = an->found.v[i].ib + pm_block_stored(r->fmt, an->found.v[i].cb);
		if (e <= limit && e > end)
			end = e;
	}
	for (size_t i = 0; i < an->facts.n; i++) {
		e = an->facts.v[i].ib + r->fmt->page;
		if (e <= limit && e > end)
			end = e;
	}
	/* Of sound trees these are no facts any more. */
	for (size_t i = 0; i < an->pages.n && an->accepted; i++) {
		e = an->pages.v[i].ib + r->fmt->page;
		if (e <= limit && e > end)
			end = e;
	}
	/* A map that marks its very end says nothing about what lies in front of it: maps of
	 * short files mark all that is past the end. [OBS] */
	for (uint64_t at = end; pm_rangeset_next(&an->allocated, at, limit, &run); at = run.end)
		if (run.end < limit)
			end = run.end;
	return end;
}

/* End of the last byte that is not zero in [start, limit). */
static enum pm_rc end_of_bytes(struct pm_repair *r, uint64_t start, uint64_t limit, uint64_t *ret)
{
	uint8_t buf[CHUNK];
	uint64_t at = limit;

	*ret = start;
	while (at > start) {
		size_t n = at - start < CHUNK ? (size_t)(at - start) : CHUNK;
		enum pm_rc rc = pm_image_read(r->ctx, r->an->img, at - n, buf, n);

		if (pm_is_error(rc))
			return rc;
		if (!pm_is_zero(buf, n)) {
			while (!buf[n - 1])
				n--;
			*ret = at - (at - start < CHUNK ? at - start : CHUNK) + n;
			return PM_OK;
		}
		at -= n;
	}
	return PM_OK;
}

void pm_repair_place_from(struct pm_repair *r, uint64_t k)
{
	uint64_t start = pm_amap_offset(r->fmt, k);

	r->k = k;
	r->pos = start + pm_map_bytes(r->fmt, k);
	r->limit = start + r->fmt->amap_interval;
	if (k >= r->intervals)
		r->intervals = k + 1;
}

enum pm_rc pm_repair_place_begin(struct pm_repair *r)
{
	const struct pm_format *f = r->fmt;
	uint64_t size = r->an->img->size, eof = r->an->header.eof, last, bytes, facts;
	enum pm_rc rc;

	facts = end_of_facts(r, UINT64_MAX);
	/* What lies behind a sound end of file is slack, unless something lives there. */
	if (!(r->an->header_bad & PM_HR_SERIOUS) && eof > f->amap_first && eof < size &&
	    (eof - f->amap_first) % f->amap_interval == 0 && facts <= eof)
		size = eof;
	last = size > f->amap_first ? (size - f->amap_first - 1) / f->amap_interval : 0;
	r->intervals = last + 1;
	pm_repair_place_from(r, last);
	rc = end_of_bytes(r, r->pos < size ? r->pos : size,
			  r->limit < r->an->img->size ? r->limit : r->an->img->size, &bytes);
	facts = end_of_facts(r, r->limit);
	if (bytes > r->pos)
		r->pos = bytes;
	if (facts > r->pos)
		r->pos = facts;
	return rc;
}

enum pm_rc pm_repair_place(struct pm_repair *r, uint64_t n, uint64_t align, pm_ib *ret_ib)
{
	uint64_t at = (r->pos + align - 1) / align * align, last = UINT64_MAX;

	if (at + n > r->limit) {
		last = r->intervals;
		pm_repair_place_from(r, r->k + 1);
		at = (r->pos + align - 1) / align * align;
	}
	/* A new interval counts as a whole: the file ends with it. */
	if ((at + n > r->fmt->size_max || (r->k >= last && r->limit > r->fmt->size_max)) &&
	    !r->compact)
		return pm_fail(r->ctx, PM_ELIMIT,
			       "%s: the repaired file would be larger than an %s file can be "
			       "(%llu bytes); repair it with --compact, which leaves no gaps",
			       pm_image_name(r->an->img), r->fmt->name,
			       (unsigned long long)r->fmt->size_max);
	*ret_ib = at;
	r->pos = at + n;
	return PM_OK;
}
