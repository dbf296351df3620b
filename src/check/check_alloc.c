/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Space: the allocation maps against what uses it [MS-PST 2.2.2.7.2 to 2.2.2.7.6].
 *
 * Checks: every map page; space of map pages, tree pages and blocks against the maps; space
 * that nothing uses; overlaps; free totals; the density list.
 * Gathers: all extents in use, by place.
 * Needs: the analysis' pages, blocks and maps.
 */
#include "check/internal.h"

#include "format/crc.h"
#include "ndb/place.h"

#define PART_MIN ((uint64_t)256 << 10) /* bytes whose units are told by bits at a time */
#define PARTS    4                     /* at most */

enum { USE_MAP, USE_PAGE, USE_BLOCK };

struct extent {
	uint64_t start;
	uint32_t size;
	uint32_t use;
	uint64_t bid;
};

struct space {
	struct pm_checker *c;
	PM_VEC(uint64_t) used; /* pm_place_make: maps, then pages, then blocks, by index */
	/* First, instead of that, for a part of the file at a time: */
	uint64_t from, to;
	struct pm_bitmap units; /* of that part: which are in use */
	uint64_t bytes;         /* likewise */
	unsigned shift;         /* bytes of a unit, as a power of two */
	uint64_t k;             /* interval at hand */
	uint64_t marked;        /* bytes of it in use and marked so */
	uint64_t missing;       /* bytes of it in use and marked free */
	bool trusted;           /* the header says that the maps are valid */
	bool whole;             /* all allocation maps are sound */
	uint64_t free_bytes;
	struct pm_range known, marked_as; /* those of the maps that the last extent lies in */
};

static const char *use_name(const struct extent *e)
{
	static const char *const names[] = {"map page", "tree page", "block"};

	return names[e->use];
}

static void use(struct space *s, uint64_t start, uint64_t size, size_t index)
{
	uint64_t *place;

	if (s->units.n) {
		const uint64_t at = (start - s->from) >> s->shift;

		s->bytes += size;
		pm_bitmap_set_range(&s->units, at, at + (size >> s->shift));
		return;
	}
	place = pm_vec_push(s->c->ctx, &s->used);
	if (!place)
		s->c->rc = s->c->ctx->rc;
	else
		*place = pm_place_make(s->c->f, start, index);
}

/* All that takes space between `from` and `to`. */
static void gather(struct space *s)
{
	const struct pm_analysis *an = s->c->an;
	const struct pm_format *f = s->c->f;
	const size_t pages = an->maps.n, blocks = pages + an->pages.n;

	for (size_t i = 0; i < an->maps.n && !s->c->rc; i++)
		if (an->maps.v[i].ib >= s->from && an->maps.v[i].ib < s->to)
			use(s, an->maps.v[i].ib, f->page, i);
	for (size_t i = 0; i < an->pages.n && !s->c->rc; i++) {
		const struct pm_tree_page *t = &an->pages.v[i];

		/* A lost page takes the space that it had; where another took it, that one counts. */
		if (t->bad & (PM_PR_SHARED | PM_PR_PLACE | PM_PR_BID) && t->ib == t->named)
			continue;
		if (t->ib >= f->amap_first && t->ib >= s->from && t->ib < s->to)
			use(s, t->ib, f->page, pages + i);
	}
	for (size_t i = 0; i < an->db.blocks.n && !s->c->rc; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];
		uint64_t size;

		if (b->ib < s->from || b->ib >= s->to)
			continue;
		/* What can't be there, or isn't, takes no space. */
		size = pm_block_stored(f, b->cb);
		if (!b->cb || b->cb > f->data_max || b->ib % f->unit || b->ib < f->amap_first ||
		    size > s->c->end - b->ib)
			continue;
		use(s, b->ib, size, blocks + i);
	}
}

/* The same by place. */
static void gather_sorted(struct space *s)
{
	const struct pm_analysis *an = s->c->an;

	s->from = 0;
	s->to = s->c->end;
	if (pm_vec_reserve(s->c->ctx, &s->used, an->maps.n + an->pages.n + an->db.blocks.n))
		s->c->rc = s->c->ctx->rc;
	else
		gather(s);
	if (!s->c->rc)
		pm_check_stop(s->c, pm_places_sort(s->c->ctx, s->used.v, s->used.n));
}

static struct extent extent_of(const struct space *s, uint64_t place)
{
	const struct pm_analysis *an = s->c->an;
	const struct pm_format *f = s->c->f;
	size_t i = pm_place_index(place);
	const struct pm_block *b;

	if (i < an->maps.n)
		return (struct extent){an->maps.v[i].ib, f->page, USE_MAP, 0};
	i -= an->maps.n;
	if (i < an->pages.n)
		return (struct extent){an->pages.v[i].ib, f->page, USE_PAGE, an->pages.v[i].bid};
	b = &an->db.blocks.v[i - an->pages.n];
	return (struct extent){b->ib, pm_block_stored(f, b->cb), USE_BLOCK, b->bid};
}

/* --- map pages ----------------------------------------------------------------------- */

static void check_amap(struct space *s, const struct pm_map_page *m)
{
	struct pm_checker *c = s->c;
	struct pm_page_trailer t;
	uint8_t page[4096];

	s->free_bytes += (uint64_t)m->free_units * c->f->unit;
	if (m->bad & (PM_PR_TYPE | PM_PR_CRC | PM_PR_READ))
		s->whole = false;
	if (!(m->bad & ~(uint32_t)PM_PR_SIG))
		return;
	if (pm_check_stop(c, pm_image_read(c->ctx, c->an->img, m->ib, page, c->f->page)))
		return;
	pm_page_trailer(c->f, page, &t);
	if (m->bad & PM_PR_TYPE)
		PM_REPORT(c, AMAP_TYPE, .offset = m->ib, .have = t.ptype, .want = PM_PTYPE_AMAP);
	else if (m->bad & PM_PR_REPEAT)
		PM_REPORT(c, AMAP_TYPE, .offset = m->ib, .have = t.repeat, .want = PM_PTYPE_AMAP);
	else if (m->bad & (PM_PR_CRC | PM_PR_READ))
		PM_REPORT(c, AMAP_CRC, .offset = m->ib, .have = t.crc,
			  .want = pm_crc(page, c->f->page_data));
	if (m->bad & PM_PR_BID && !(m->bad & PM_PR_TYPE))
		PM_REPORT(c, AMAP_BID, .offset = m->ib, .have = t.bid);
}

/* FPMap pages stand one page further in files of one older program. [OBS] */
static bool further_on(struct pm_checker *c, const struct pm_map_page *m)
{
	uint8_t page[4096];
	pm_ib ib = m->ib + c->f->page;

	if (m->ptype != PM_PTYPE_FPMAP ||
	    pm_check_stop(c, pm_image_read(c->ctx, c->an->img, ib, page, c->f->page)))
		return false;
	return !(pm_page_verify(c->f, page, ib, m->ptype, ib) & ~(uint32_t)PM_PR_SIG);
}

static void check_maps(struct space *s)
{
	struct pm_checker *c = s->c;

	for (size_t i = 0; i < c->an->maps.n && !c->rc; i++) {
		const struct pm_map_page *m = &c->an->maps.v[i];
		const char *what = m->ptype == PM_PTYPE_PMAP   ? "PMap"
				   : m->ptype == PM_PTYPE_FMAP ? "FMap"
							       : "FPMap";

		if (m->ib >= c->end)
			continue;
		if (m->ptype == PM_PTYPE_AMAP)
			check_amap(s, m);
		else if (m->bad & ~(uint32_t)PM_PR_SIG && !further_on(c, m))
			PM_REPORT(c, MAP_PAGE, .what = what, .offset = m->ib);
	}
}

/* The density list [MS-PST 2.2.2.7.4.2]: a hint on free space. */
static void check_dlist_entries(struct pm_checker *c, const uint8_t *page)
{
	const struct pm_field *rg = pm_field_find("DLISTPAGE", "rgDListPageEnt");
	unsigned n = (unsigned)pm_DLISTPAGE_cEntDList(c->f, page), stale = 0, last = 0xFFF;

	for (unsigned i = 0; i < n && i < pm_field_elements(c->f, rg); i++) {
		uint32_t v = pm_le32(page + rg->offset[c->f->variant] + 4 * (size_t)i);
		uint32_t number = v & 0xFFFFF, spare = v >> 20;
		const struct pm_map_page *m = NULL;

		for (size_t k = 0; k < c->an->maps.n && !m; k++)
			if (c->an->maps.v[k].ptype == PM_PTYPE_AMAP && c->an->maps.v[k].k == number)
				m = &c->an->maps.v[k];
		if (!m || m->free_units != spare || spare > last)
			stale++;
		last = spare;
	}
	if (stale)
		PM_REPORT(c, DLIST_ENTRIES, .offset = c->f->dlist, .count = stale);
}

static void check_dlist(struct pm_checker *c)
{
	const pm_ib ib = c->f->dlist;
	struct pm_page_trailer t;
	uint8_t page[4096];
	uint32_t bad;

	if (ib + c->f->page > pm_image_size(c->an->img) ||
	    pm_check_stop(c, pm_image_read(c->ctx, c->an->img, ib, page, c->f->page)))
		return;
	pm_page_trailer(c->f, page, &t);
	bad = pm_page_verify(c->f, page, ib, PM_PTYPE_DLIST, 0);
	if (t.ptype != PM_PTYPE_DLIST) {
		/* Outlook 2003 and before have none. [OBS] */
		if (c->f->variant != PM_ANSI && !pm_is_zero(page, c->f->page))
			PM_REPORT(c, DLIST_PAGE, .offset = ib);
		return;
	}
	if (bad)
		PM_REPORT(c, DLIST_PAGE, .offset = ib);
	else if (c->f->variant != PM_UNICODE4K) /* [OBS] empty in 4K files */
		check_dlist_entries(c, page);
}

/* --- use against maps ---------------------------------------------------------------- */

/* Interval k is done: what is marked in it and not in use? */
static void end_interval(struct space *s)
{
	struct pm_checker *c = s->c;
	uint64_t from = pm_amap_offset(c->f, s->k), to = from + c->f->amap_interval;
	uint64_t marked, leaked;

	/* Space behind the end of the file is marked at will. [OBS] */
	if (to > c->end)
		to = c->end;
	if (from >= to || !pm_rangeset_contains(&c->an->map_known, from, to))
		return;
	marked = pm_rangeset_count_in(&c->an->allocated, from, to);
	leaked = marked > s->marked ? marked - s->marked : 0;
	if (!s->trusted && (leaked || s->missing))
		PM_REPORT(c, SPACE_UNTRUSTED, .offset = from, .have = s->missing, .want = leaked);
	else if (leaked)
		PM_REPORT(c, SPACE_LEAKED, .offset = from, .size = leaked,
			  .caused_by = pm_check_loss(c));
}

/* Is all of the extent in a range of the set? It is mostly in the same as the last one. */
static bool within(const struct pm_rangeset *rs, struct pm_range *last, uint64_t from, uint64_t to)
{
	if (from < last->start || from >= last->end)
		if (!pm_rangeset_find(rs, from, last))
			return false;
	return to <= last->end;
}

/* `fresh`: how many bytes at the end of the extent nothing else used so far. */
static void check_extent(struct space *s, const struct extent *e, uint64_t fresh)
{
	struct pm_checker *c = s->c;
	const struct pm_format *f = c->f;
	uint64_t end = e->start + e->size, marked;
	uint64_t limit = pm_amap_offset(f, pm_amap_index(f, e->start) + 1);

	if (end > limit)
		PM_REPORT(c, SPACE_INTERVAL, .what = use_name(e), .offset = e->start,
			  .size = e->size, .bid = e->bid);
	if (!within(&c->an->map_known, &s->known, e->start, end))
		return;
	if (within(&c->an->allocated, &s->marked_as, e->start, end)) {
		s->marked += fresh;
		return;
	}
	marked = pm_rangeset_count_in(&c->an->allocated, e->start, end);
	s->missing += e->size - marked;
	s->marked += pm_rangeset_count_in(&c->an->allocated, end - fresh, end);
	if (s->trusted)
		PM_REPORT(c, SPACE_FREE, .what = use_name(e), .offset = e->start,
			  .size = e->size - marked, .bid = e->bid);
}

static void check_use(struct space *s)
{
	struct pm_checker *c = s->c;
	uint64_t end = 0;

	for (size_t i = 0; i < s->used.n && !c->rc; i++) {
		const struct extent at = extent_of(s, s->used.v[i]), *e = &at;
		uint64_t to = e->start + e->size, fresh = e->size;

		while (s->k < pm_amap_index(c->f, e->start) && !c->rc) {
			end_interval(s);
			s->k++;
			s->marked = s->missing = 0;
		}
		if (e->start < end) {
			fresh = to > end ? to - end : 0;
			PM_REPORT(c, SPACE_OVERLAP, .what = use_name(e), .offset = e->start,
				  .bid = e->bid, .have = end,
				  .size = (to < end ? to : end) - e->start,
				  .caused_by = e->use == USE_BLOCK
						       ? pm_check_block_cause(c, e->bid)
						       : pm_sink_cause(c->sink, PM_CAUSE_PAGE,
								       e->start));
		}
		check_extent(s, e, fresh);
		end = to > end ? to : end;
	}
	for (; pm_amap_offset(c->f, s->k) < c->end && !c->rc; s->k++) {
		end_interval(s);
		s->marked = s->missing = 0;
	}
}

/* Is all that the maps mark between `from` and `to` used, once, and nothing else? It is if all of that is in use, and
 * what is in use has as many bytes in all. */
static bool used_as_marked(struct space *s)
{
	const struct pm_rangeset *marked = &s->c->an->allocated;
	struct pm_range r;
	bool same;

	pm_bitmap_clear_range(&s->units, 0, s->units.n);
	s->bytes = 0;
	gather(s);
	same = s->bytes == pm_rangeset_count_in(marked, s->from, s->to);
	for (uint64_t at = s->from; same && pm_rangeset_next(marked, at, s->to, &r); at = r.end)
		same = pm_bitmap_all(&s->units, (r.start - s->from) >> s->shift,
				     (r.end - s->from) >> s->shift);
	return same;
}

/*
 * Is all space used once, just what the maps mark, and are these sound? Then there is nothing to tell of any
 * extent, and none need be put in order. A part of the file is looked at at a time, so that the bits are
 * few: memory that was not in use before takes longer to get than to look through a list again. (An extent
 * that reaches into another interval covers its map.)
 */
static bool in_order(struct space *s)
{
	struct pm_checker *c = s->c;
	const uint64_t first = c->f->amap_first, end = c->end, interval = c->f->amap_interval;
	uint64_t part = end / PARTS > PART_MIN ? end / PARTS : PART_MIN;
	bool same = true;

	part += interval - part % interval;
	s->shift = (unsigned)__builtin_ctz(c->f->unit);
	if (!s->whole || !s->trusted || end <= first || end % c->f->unit ||
	    !pm_rangeset_contains(&c->an->map_known, first, end) ||
	    pm_check_stop(c, pm_bitmap_init(c->ctx, &s->units, part >> s->shift)))
		return false;
	for (s->from = first; same && s->from < end && !c->rc; s->from = s->to) {
		s->to = end - s->from > part ? s->from + part : end;
		same = used_as_marked(s);
	}
	pm_bitmap_done(&s->units);
	return same && !c->rc;
}

void pm_check_alloc(struct pm_checker *c)
{
	struct space s = {.c = c, .whole = true};
	const struct pm_header *h = &c->an->header;

	if (c->space_sound)
		return;
	s.trusted = h->amap_valid != 0;
	check_maps(&s);
	check_dlist(c);
	if (s.whole && s.trusted && h->amap_free != s.free_bytes)
		PM_REPORT(c, AMAP_FREE_COUNT, .have = h->amap_free, .want = s.free_bytes,
			  .caused_by = c->header_serial);
	if (!in_order(&s) && !c->rc) {
		gather_sorted(&s);
		if (!c->rc)
			check_use(&s);
	}
	pm_vec_done(&s.used);
}
