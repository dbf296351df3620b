/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes inserted into a file, or removed from it, in the middle: everything behind is off its
 * place. The structures say where they belong: allocation maps carry their own offset, index pages
 * that of each page below, the block tree that of each block. From these the file is put straight
 * by a view, and analysed once more.
 *
 * Gathers: an->pieces, an->straight.
 * Needs: the format; looked for only after a walk that was not clean.
 *
 * Displacement = where a thing is minus where it belongs. A piecewise map is accepted with at
 * least three things that agree, are right where they are, and are not at their own place, too.
 */
#include "recover/internal.h"
#include "recover/spots.h"

#include "base/sort.h"
#include "format/crc.h"
#include "io/view.h"

#define WINDOW     ((size_t)1 << 20)
#define TAIL       32 /* of the next window */
#define SHIFTS_MAX 16 /* different displacements in one file */
#define AGREE      3
#define SOUGHT     8 /* blocks that are searched for byte by byte */
#define LOOKAHEAD  8 /* things behind that must confirm a change */

/* A thing that was found, by where it belongs. */
struct anchor {
	uint64_t ib;
	pm_bid bid;          /* of a block */
	uint32_t size, data; /* with trailer; what the checksum covers */
	int64_t shift;
	bool found;
	bool page;
};

struct shifts {
	struct pm_analysis *an;
	const struct pm_format *f;
	struct pm_spots spots;
	struct pm_map named; /* page id << 1 | tree -> offset that its parent names */
	PM_VEC(struct anchor) anchors;
	struct pm_map seen; /* offset -> index of an anchor, as long as these are not sorted */
	int64_t tries[SHIFTS_MAX];
	unsigned n_tries;
};

/* Which place each index page names for each page below. */
static enum pm_rc take_names(struct shifts *s, const struct pm_spot *spot)
{
	const struct pm_format *f = s->f;
	const uint8_t *p = s->spots.pages.p + spot->bytes;
	struct pm_bt_meta m;

	pm_bt_meta(f, p, &m);
	for (unsigned i = 0; i < m.cent; i++) {
		struct pm_bt_entry e;
		struct pm_map_entry *name;
		bool new;

		pm_bt_entry(f, p, spot->ptype, spot->level, i, f->btentry, &e);
		name = pm_map_get(s->an->ctx, &s->named, e.bid << 1 | (spot->ptype & 1), &new);
		if (!name)
			return s->an->ctx->rc;
		if (new)
			name->value = e.ib;
	}
	return PM_OK;
}

static enum pm_rc find_pages(struct shifts *s)
{
	enum pm_rc rc = pm_find_spots(s->an, NULL, &s->spots);

	for (size_t i = 0; i < s->spots.v.n && rc == PM_OK; i++)
		if (s->spots.v.v[i].level)
			rc = take_names(s, &s->spots.v.v[i]);
	return rc;
}

/* Where the page belongs; 0: nobody says. */
static uint64_t home(const struct shifts *s, const struct pm_spot *p)
{
	const struct pm_map_entry *e;

	if (p->ptype == PM_PTYPE_AMAP)
		return p->bid;
	e = pm_map_find(&s->named, p->bid << 1 | (p->ptype & 1));
	return e ? e->value : 0;
}

/* What was found there, or NULL. */
static const struct anchor *found_at(const struct shifts *s, uint64_t ib)
{
	const struct pm_map_entry *e = pm_map_find(&s->seen, ib);

	return e && s->anchors.v[e->value].found ? &s->anchors.v[e->value] : NULL;
}

/* Of several that are said to be there, by leaves of different days, the one that is found counts. */
static enum pm_rc add_anchor(struct shifts *s, const struct anchor *a)
{
	struct pm_map_entry *e;
	struct anchor *slot;
	bool new;

	e = pm_map_get(s->an->ctx, &s->seen, a->ib, &new);
	if (!e)
		return s->an->ctx->rc;
	if (!new) {
		if (a->found && !s->anchors.v[e->value].found)
			s->anchors.v[e->value] = *a;
		return PM_OK;
	}
	e->value = s->anchors.n;
	slot = pm_vec_push(s->an->ctx, &s->anchors);
	if (!slot)
		return s->an->ctx->rc;
	*slot = *a;
	return PM_OK;
}

static void try_shift(struct shifts *s, int64_t shift)
{
	for (unsigned i = 0; i < s->n_tries; i++)
		if (s->tries[i] == shift)
			return;
	if (s->n_tries < SHIFTS_MAX)
		s->tries[s->n_tries++] = shift;
}

/*
 * May a thing belong there? Not far behind what is left: a file from which most is cut out is no
 * file of pages that only lack their place, and offsets with a wrong high byte are frequent.
 */
static bool plausible(const struct shifts *s, uint64_t ib)
{
	const struct pm_header *h = &s->an->header;
	const uint64_t size = s->an->img->size;
	uint64_t end = 16 * size + ((uint64_t)1 << 26);

	if (!(s->an->header_bad & PM_HR_SERIOUS) && h->eof)
		end = 2 * (h->eof > size ? h->eof : size);
	return ib < end && ib < s->f->size_max;
}

/* Pages that are in their place, and those that are not and whose place does not have them. */
static enum pm_rc place_pages(struct shifts *s)
{
	enum pm_rc rc = PM_OK;

	for (unsigned away = 0; away < 2; away++)
		for (size_t i = 0; i < s->spots.v.n && rc == PM_OK; i++) {
			const struct pm_spot *p = &s->spots.v.v[i];
			uint64_t ib = home(s, p);

			if (!ib || (ib != p->at) != away || !plausible(s, ib) ||
			    (away && found_at(s, ib)))
				continue;
			if (away)
				try_shift(s, (int64_t)(p->at - ib));
			rc = add_anchor(s, &(struct anchor){.ib = ib,
							    .size = s->f->page,
							    .data = s->f->page_data,
							    .shift = (int64_t)(p->at - ib),
							    .found = true,
							    .page = true});
		}
	return rc;
}

/* Is the block of this entry, `shift` off its place, right there? */
static enum pm_rc block_there(struct shifts *s, const struct pm_bt_entry *e, int64_t shift,
			      bool *ret)
{
	const struct pm_format *f = s->f;
	uint64_t end = e->ib + pm_block_stored(f, e->cb) + (uint64_t)shift;
	uint8_t t[32];
	enum pm_rc rc;

	*ret = false;
	if (end > s->an->img->size || end < f->block_trailer)
		return PM_OK;
	rc = pm_image_read(s->an->ctx, s->an->img, end - f->block_trailer, t, f->block_trailer);
	*ret = pm_BLOCKTRAILER_bid(f, t) == e->key && pm_BLOCKTRAILER_cb(f, t) == e->cb &&
	       pm_BLOCKTRAILER_wSig(f, t) == pm_sig(e->ib, e->key);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc place_block(void *arg, const struct pm_bt_entry *e)
{
	struct shifts *s = arg;
	struct anchor a = {.ib = e->ib, .bid = e->key, .data = e->cb};
	enum pm_rc rc;

	if (!e->key || !e->cb || e->cb > s->f->data_max || e->ib < s->f->amap_first ||
	    e->ib % s->f->unit || !plausible(s, e->ib) || found_at(s, e->ib))
		return PM_OK;
	a.size = pm_block_stored(s->f, e->cb);
	rc = block_there(s, e, 0, &a.found);
	for (unsigned i = 0; i < s->n_tries && rc == PM_OK && !a.found; i++) {
		rc = block_there(s, e, s->tries[i], &a.found);
		a.shift = a.found ? s->tries[i] : 0;
	}
	return rc ? rc : add_anchor(s, &a);
}

static enum pm_rc place_blocks(struct shifts *s)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < s->spots.v.n && rc == PM_OK; i++)
		if (s->spots.v.v[i].ptype == PM_PTYPE_BBT && !s->spots.v.v[i].level)
			rc = pm_walk_leaf(s->an, s->spots.v.v[i].at, PM_PTYPE_BBT, false,
					  place_block, s);
	return rc ? rc : pm_sort_member(s->an->ctx, &s->anchors, ib);
}

/* Blocks that are not where any displacement known so far puts them, a few from all over the
 * file, to search for. */
struct sought {
	const struct anchor *a[SOUGHT];
	unsigned n;
};

static void choose(const struct shifts *s, struct sought *ret)
{
	size_t astray = 0, step;

	ret->n = 0;
	for (size_t i = 0; i < s->anchors.n; i++)
		astray += !s->anchors.v[i].found;
	step = astray / SOUGHT + 1;
	for (size_t i = 0, k = 0; i < s->anchors.n && ret->n < SOUGHT && astray >= AGREE; i++)
		if (!s->anchors.v[i].found && k++ % step == 0)
			ret->a[ret->n++] = &s->anchors.v[i];
}

/* Where else in the window is the trailer of this block? */
static void seek(struct shifts *s, const struct anchor *a, uint64_t at, const uint8_t *buf,
		 size_t n)
{
	const struct pm_format *f = s->f;
	const uint64_t place = a->ib + a->size - f->block_trailer;
	uint8_t head[4];

	/* It begins with size and signature in all formats [MS-PST 2.2.2.8.1]. */
	pm_put16(head, (uint16_t)a->data);
	pm_put16(head + 2, pm_sig(a->ib, a->bid));
	for (const uint8_t *p = buf; (p = memmem(p, (size_t)(buf + n - p), head, 4)) != NULL; p++) {
		if ((size_t)(buf + n - p) < f->block_trailer)
			return;
		if (pm_BLOCKTRAILER_bid(f, p) == a->bid && at + (size_t)(p - buf) != place)
			try_shift(s, (int64_t)(at + (size_t)(p - buf) - place));
	}
}

/* Displacements by blocks, where no page stands in the part that is displaced. */
static enum pm_rc find_blocks(struct shifts *s)
{
	const uint64_t size = s->an->img->size;
	struct sought sought;
	uint8_t *buf;
	enum pm_rc rc = PM_OK;

	choose(s, &sought);
	if (!sought.n)
		return PM_OK;
	buf = pm_calloc(s->an->ctx, WINDOW + TAIL, 1);
	if (!buf)
		return s->an->ctx->rc;
	for (uint64_t at = 0; at < size && rc == PM_OK; at += WINDOW) {
		size_t n = size - at < WINDOW + TAIL ? (size_t)(size - at) : WINDOW + TAIL;

		rc = pm_image_read(s->an->ctx, s->an->img, at, buf, n);
		if (pm_is_error(rc))
			break;
		for (unsigned i = 0; i < sought.n; i++)
			seek(s, sought.a[i], at, buf, n);
		rc = pm_tick(s->an->ctx, "displaced blocks", at, size);
	}
	pm_free(buf);
	return rc;
}

/* The blocks that were not found yet, with the displacements that are known now. */
static enum pm_rc place_again(struct shifts *s)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < s->anchors.n && rc == PM_OK; i++) {
		struct anchor *a = &s->anchors.v[i];
		const struct pm_bt_entry e = {.key = a->bid, .ib = a->ib, .cb = (uint16_t)a->data};

		for (unsigned k = 0; k < s->n_tries && rc == PM_OK && !a->found; k++) {
			rc = block_there(s, &e, s->tries[k], &a->found);
			a->shift = a->found ? s->tries[k] : 0;
		}
	}
	return rc;
}

/* Does what follows `i` confirm that from here on things are displaced like it? */
static bool confirmed(const struct shifts *s, size_t i)
{
	const int64_t shift = s->anchors.v[i].shift;
	unsigned same = 0, other = 0;

	for (size_t k = i + 1; k < s->anchors.n && same + other < LOOKAHEAD; k++) {
		if (!s->anchors.v[k].found)
			continue;
		same += s->anchors.v[k].shift == shift;
		other += s->anchors.v[k].shift != shift;
	}
	return same >= other;
}

/* A thing that lies across the cut: where, in it, the displacement changes, by its checksum. */
static enum pm_rc split(struct shifts *s, const struct anchor *a, int64_t before, int64_t after,
			uint64_t *ret_cut)
{
	const struct pm_format *f = s->f;
	const uint64_t from = a->ib + (uint64_t)before, behind = a->ib + (uint64_t)after;
	uint8_t *x = pm_calloc(s->an->ctx, (size_t)a->size * 2, 1), *y = x ? x + a->size : NULL;
	const uint8_t *t;
	uint32_t crc;
	enum pm_rc rc = x ? PM_OK : s->an->ctx->rc;

	if (rc == PM_OK && from < s->an->img->size && behind < s->an->img->size)
		rc = pm_image_read(s->an->ctx, s->an->img, from, x, a->size);
	if (!pm_is_error(rc) && x)
		rc = pm_image_read(s->an->ctx, s->an->img, behind, y, a->size);
	if (pm_is_error(rc) || !x)
		goto out;
	t = y + a->size - (a->page ? f->page - f->page_data : f->block_trailer);
	crc = (uint32_t)(a->page ? pm_PAGETRAILER_dwCRC(f, t) : pm_BLOCKTRAILER_dwCRC(f, t));
	/* Ever more of its beginning from in front of the cut. */
	for (uint32_t n = 0; n <= a->data; n++) {
		if (n)
			y[n - 1] = x[n - 1];
		if (crc && pm_crc(y, a->data) == crc) {
			*ret_cut = a->ib + n;
			break;
		}
		if (pm_spend(s->an->ctx, a->data / 64 + 1))
			break;
	}
	rc = s->an->ctx->rc;
out:
	pm_free(x);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* The first logical offset that has the displacement of anchor `i`; `last`: the last one before. */
static enum pm_rc cut(struct shifts *s, size_t last, size_t i, int64_t before, uint64_t *ret)
{
	const struct anchor *v = s->anchors.v;
	enum pm_rc rc = PM_OK;

	*ret = v[i].ib;
	/* The trailer of one that lies across is where it should be, behind the cut. */
	for (size_t k = last + 1; k <= i && rc == PM_OK && *ret == v[i].ib; k++)
		if (!v[k].found || k == i)
			rc = split(s, &v[k], before, v[i].shift, ret);
	return rc;
}

static enum pm_rc add_piece(struct shifts *s, uint64_t from, int64_t shift)
{
	struct pm_piece *p = pm_vec_push(s->an->ctx, &s->an->pieces);

	if (!p)
		return s->an->ctx->rc;
	*p = (struct pm_piece){.from = from, .shift = shift};
	return PM_OK;
}

static enum pm_rc cut_pieces(struct shifts *s)
{
	size_t last = SIZE_MAX;
	uint64_t end = 0;
	int64_t now = 0;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < s->anchors.n && rc == PM_OK; i++) {
		const struct anchor *a = &s->anchors.v[i];
		uint64_t from;

		if (!a->found)
			continue;
		/* What is whole where it should be leaves no room for it. */
		if (a->shift != now && a->ib >= end && confirmed(s, i)) {
			rc = cut(s, last, i, now, &from);
			if (rc == PM_OK)
				rc = add_piece(s, from, a->shift);
			now = a->shift;
		}
		if (a->shift == now) {
			last = i;
			end = a->ib + a->size;
		}
	}
	return rc;
}

static enum pm_rc map_piece(struct shifts *s, struct pm_view *view, size_t i, uint64_t size)
{
	const struct pm_piece *p = &s->an->pieces.v[i];
	uint64_t end = i + 1 < s->an->pieces.n ? s->an->pieces.v[i + 1].from : size;
	uint64_t src = p->from + (uint64_t)p->shift, n = end > p->from ? end - p->from : 0;

	if (src >= s->an->img->size)
		return PM_OK;
	if (n > s->an->img->size - src)
		n = s->an->img->size - src;
	return pm_view_map(view, p->from, src, n);
}

static enum pm_rc put_straight(struct shifts *s)
{
	struct pm_analysis *an = s->an;
	const int64_t last = an->pieces.v[an->pieces.n - 1].shift;
	uint64_t size = an->img->size - (uint64_t)last;
	struct pm_view *view;
	enum pm_rc rc = pm_view_new(an->ctx, an->img, &view);

	if (rc)
		return rc;
	rc = pm_view_set_size(view, size);
	for (size_t i = 0; i < an->pieces.n && rc == PM_OK; i++)
		rc = map_piece(s, view, i, size);
	an->under = an->straight;
	an->straight = pm_view_image(view);
	an->img = an->db.img = an->straight;
	return rc;
}

/* By how much the file is longer (shorter) than its header says; 0: it is not, or who knows. */
static int64_t by_header(const struct pm_analysis *an)
{
	const struct pm_header *h = &an->header;

	return an->header_bad & PM_HR_SERIOUS || !h->eof ? 0 : (int64_t)(an->img->size - h->eof);
}

bool pm_length_differs(const struct pm_analysis *an)
{
	return by_header(an) != 0;
}

/* Enough things that are displaced; or fewer, all of them by as much as the header says. */
static bool agree(const struct shifts *s)
{
	const int64_t told = by_header(s->an);
	unsigned n = 0, as_told = 0;

	for (size_t i = 0; i < s->anchors.n; i++)
		if (s->anchors.v[i].found && s->anchors.v[i].shift) {
			n++;
			as_told += s->anchors.v[i].shift == told;
		}
	return n >= AGREE || (n && as_told == n);
}

/* The header's word on the roots counts as a parent's. */
static enum pm_rc name_roots(struct shifts *s)
{
	const struct pm_header *h = &s->an->header;
	enum pm_rc rc = pm_map_put(s->an->ctx, &s->named, h->nbt_bid << 1 | 1, h->nbt_ib);

	return rc ? rc : pm_map_put(s->an->ctx, &s->named, h->bbt_bid << 1, h->bbt_ib);
}

enum pm_rc pm_put_pieces_straight(struct pm_analysis *an, bool *ret_done)
{
	struct shifts s = {.an = an, .f = an->db.fmt};
	enum pm_rc rc = name_roots(&s);

	*ret_done = false;
	if (rc == PM_OK)
		rc = find_pages(&s);
	if (rc == PM_OK)
		rc = place_pages(&s);
	if (rc == PM_OK && an->swept && pm_length_differs(an))
		try_shift(&s, by_header(an));
	if (rc == PM_OK && (s.n_tries || an->swept))
		rc = place_blocks(&s);
	if (rc == PM_OK && s.anchors.n)
		rc = find_blocks(&s);
	if (rc == PM_OK && s.n_tries)
		rc = place_again(&s);
	if (rc == PM_OK && agree(&s))
		rc = cut_pieces(&s);
	if (rc == PM_OK && an->pieces.n) {
		rc = put_straight(&s);
		*ret_done = true;
	}
	pm_spots_done(&s.spots);
	pm_vec_done(&s.anchors);
	pm_map_done(&s.named);
	pm_map_done(&s.seen);
	return rc;
}
