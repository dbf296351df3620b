/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is it worth to look for displaced pages? That reads all of the file once more, byte by byte, and
 * in a file whose trees are lost and whose content stands where it should is time lost.
 *
 * Where the allocation maps all stand in their places, whatever was moved was moved between two of
 * them, and is missing there: allocated, and nothing that the sweep knows. So what there is to look
 * at is known after the sweep, and mostly is a few pages.
 *
 * Gathers: an->unexplained.
 * Needs: the maps; for the second half the sweep.
 */
#include "recover/internal.h"
#include "recover/spots.h"

bool pm_maps_in_place(const struct pm_analysis *an)
{
	for (size_t i = 0; i < an->maps.n; i++)
		if (an->maps.v[i].ptype == PM_PTYPE_AMAP && an->maps.v[i].bad)
			return false;
	return an->maps.n && !pm_length_differs(an);
}

/* Where what was found next, a block or a map, ends that holds `at`; or where the next one begins. */
struct found {
	const struct pm_analysis *an;
	size_t block, map;
};

static bool found_at(struct found *w, uint64_t at, uint64_t *ret_end)
{
	const struct pm_analysis *an = w->an;
	const struct pm_format *f = an->db.fmt;
	uint64_t next = UINT64_MAX;

	for (; w->block < an->found.n; w->block++) {
		const struct pm_block *b = &an->found.v[w->block];
		const uint64_t end = b->ib + pm_block_stored(f, b->cb);

		if (end <= at)
			continue;
		*ret_end = end;
		if (b->ib <= at)
			return true;
		next = b->ib;
		break;
	}
	for (; w->map < an->maps.n; w->map++) {
		const struct pm_map_page *m = &an->maps.v[w->map];

		if (m->ib + f->page <= at)
			continue;
		*ret_end = m->ib + f->page;
		if (m->ib <= at)
			return true;
		next = m->ib < next ? m->ib : next;
		break;
	}
	*ret_end = next;
	return false;
}

enum pm_rc pm_note_unexplained(struct pm_analysis *an, const struct pm_rangeset *covered)
{
	struct found w = {.an = an};
	struct pm_range r, gap;
	enum pm_rc rc = PM_OK;

	pm_rangeset_done(&an->unexplained);
	for (uint64_t at = 0; rc == PM_OK && pm_rangeset_next(&an->allocated, at, UINT64_MAX, &r);
	     at = r.end)
		for (uint64_t a = r.start;
		     rc == PM_OK && pm_rangeset_next_gap(covered, a, r.end, &gap); a = gap.end)
			for (uint64_t o = gap.start, end; o < gap.end && rc == PM_OK; o = end)
				if (!found_at(&w, o, &end)) {
					end = end < gap.end ? end : gap.end;
					rc = pm_rangeset_add(an->ctx, &an->unexplained, o, end);
				}
	return rc;
}

/* A page of a tree that the sweep met there, in its place. */
static bool known(const struct pm_analysis *an, uint64_t ib)
{
	const struct pm_page_fact *p = pm_fact_at(an, ib);

	return p && p->sig;
}

enum pm_rc pm_find_strays(struct pm_analysis *an, bool *ret)
{
	struct pm_rangeset where = {0};
	struct pm_spots spots = {0};
	const uint64_t far = an->db.fmt->amap_interval;
	struct pm_range r;
	enum pm_rc rc = PM_OK;

	*ret = false;
	for (uint64_t at = 0; rc == PM_OK && pm_rangeset_next(&an->unexplained, at, UINT64_MAX, &r);
	     at = r.end)
		rc = pm_rangeset_add(an->ctx, &where, r.start > far ? r.start - far : 0,
				     r.end + far);
	if (rc == PM_OK && where.total)
		rc = pm_find_spots(an, &where, &spots);
	for (size_t i = 0; i < spots.v.n && rc == PM_OK && !*ret; i++) {
		const struct pm_spot *p = &spots.v.v[i];

		*ret = p->ptype == PM_PTYPE_AMAP ? p->bid != p->at : !known(an, p->at);
	}
	pm_spots_done(&spots);
	pm_rangeset_done(&where);
	return rc;
}
