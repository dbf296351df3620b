/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which page is the root of a tree where the header's is none, and which leaves live where none is.
 *
 * Checks: the header's root.
 * Gathers: nothing; it is asked by the walk.
 * Needs: the page facts of the sweep.
 */
#include "recover/walk.h"

#include "base/sort.h"

/* Does the index page at `ib` name the page (bid, at)? */
static enum pm_rc names_page(struct pm_walk *w, const struct pm_page_fact *fact, pm_bid bid,
			     pm_ib at, bool *ret)
{
	uint8_t page[4096];
	struct pm_bt_meta m;
	enum pm_rc rc = pm_image_read(w->an->ctx, w->an->img, fact->ib, page, w->f->page);

	*ret = false;
	if (pm_is_error(rc))
		return rc;
	pm_bt_meta(w->f, page, &m);
	for (unsigned i = 0; i < m.cent && (i + 1) * w->f->btentry <= w->f->bt_area; i++) {
		struct pm_bt_entry e;

		pm_bt_entry(w->f, page, w->ptype, m.level, i, w->f->btentry, &e);
		if (e.ib == at && e.bid == bid)
			*ret = true;
	}
	return PM_OK;
}

/* A page that a live page of a higher level contains is no root. */
static enum pm_rc contained(struct pm_walk *w, pm_bid bid, pm_ib ib, unsigned level, bool *ret)
{
	*ret = false;
	for (size_t i = 0; i < w->an->facts.n && !*ret; i++) {
		const struct pm_page_fact *fact = &w->an->facts.v[i];
		enum pm_rc rc;

		if (fact->ptype != w->ptype || fact->level <= level || !fact->allocated)
			continue;
		rc = names_page(w, fact, bid, ib, ret);
		if (rc)
			return rc;
	}
	return PM_OK;
}

/*
 * A page with the type of the other tree: is only its type wrong, or is it a page of that tree?
 * Leaves have entries of another size there; of an index page the children tell.
 */
static enum pm_rc of_other_tree(struct pm_walk *w, const uint8_t *page, bool *ret)
{
	const uint8_t other = w->ptype == PM_PTYPE_NBT ? PM_PTYPE_BBT : PM_PTYPE_NBT;
	struct pm_bt_meta m;
	unsigned ours = 0, theirs = 0;
	uint8_t child[4096];

	pm_bt_meta(w->f, page, &m);
	*ret = !m.level && m.cb_ent == pm_bt_entry_size(w->f, other, 0);
	for (unsigned i = 0; m.level && i < m.cent && (i + 1) * w->f->btentry <= w->f->bt_area;
	     i++) {
		struct pm_bt_entry e;
		uint32_t bad;
		enum pm_rc rc;

		pm_bt_entry(w->f, page, w->ptype, m.level, i, w->f->btentry, &e);
		rc = pm_walk_load(w, e.ib, e.bid, child, &bad);
		if (rc)
			return rc;
		ours += !(bad & (PM_PR_PLACE | PM_PR_TYPE | PM_PR_CRC));
		theirs += !(bad & PM_PR_PLACE) && child[w->f->page_data] == other;
	}
	*ret |= theirs > ours;
	return PM_OK;
}

/* The facts, by their index, that the index page `up` names and that are below it. */
struct named {
	size_t v[FAN_MAX];
	uint64_t until[FAN_MAX]; /* the key with which the next page begins, 0: there is none */
	unsigned n;
};

static enum pm_rc list_named(struct pm_walk *w, const struct pm_page_fact *up, struct named *ret)
{
	uint8_t page[4096];
	struct pm_bt_meta m;
	enum pm_rc rc = pm_image_read(w->an->ctx, w->an->img, up->ib, page, w->f->page);

	ret->n = 0;
	if (pm_is_error(rc))
		return rc;
	pm_bt_meta(w->f, page, &m);
	for (unsigned i = 0; i < m.cent && (i + 1) * w->f->btentry <= w->f->bt_area; i++) {
		const struct pm_page_fact *p;
		struct pm_bt_entry e, next = {0};

		pm_bt_entry(w->f, page, w->ptype, m.level, i, w->f->btentry, &e);
		if (i + 1 < m.cent && (i + 2) * w->f->btentry <= w->f->bt_area)
			pm_bt_entry(w->f, page, w->ptype, m.level, i + 1, w->f->btentry, &next);
		p = pm_fact_at(w->an, e.ib);
		if (p && p->bid == e.bid && p->level < up->level && ret->n < FAN_MAX) {
			ret->until[ret->n] = next.key;
			ret->v[ret->n++] = (size_t)(p - w->an->facts.v);
		}
	}
	return PM_OK;
}

static enum pm_rc mark_named(struct pm_walk *w, const struct pm_page_fact *up, uint8_t *marks)
{
	struct named named;
	enum pm_rc rc = list_named(w, up, &named);

	for (unsigned i = 0; i < named.n; i++)
		marks[named.v[i]] = 1;
	return rc;
}

enum pm_rc pm_find_root(struct pm_walk *w, const struct pm_page_fact **ret)
{
	const struct pm_page_fact *best = NULL;
	const size_t n = w->an->facts.n;
	uint8_t *named = pm_calloc(w->an->ctx, n, 1);
	enum pm_rc rc = named ? PM_OK : w->an->ctx->rc;

	for (size_t i = 0; i < n && rc == PM_OK; i++) {
		const struct pm_page_fact *p = &w->an->facts.v[i];

		if (p->ptype == w->ptype && p->level && p->allocated)
			rc = mark_named(w, p, named);
	}
	for (size_t i = 0; i < n && rc == PM_OK; i++) {
		const struct pm_page_fact *p = &w->an->facts.v[i];

		if (p->ptype == w->ptype && p->allocated && p->sig && !named[i] &&
		    (!best || p->level > best->level ||
		     (p->level == best->level && p->bid >= best->bid)))
			best = p;
	}
	pm_free(named);
	*ret = best;
	return rc;
}

/* Is it the root of an older generation: in free space, by a sound map, and a newer one lives? */
static enum pm_rc outlived(struct pm_walk *w, pm_bid bid, pm_ib ib, bool *ret)
{
	const struct pm_page_fact *newest;
	enum pm_rc rc = PM_OK;

	*ret = false;
	if (pm_analysis_allocated(w->an, ib, w->f->page))
		return PM_OK;
	rc = pm_find_root(w, &newest);
	*ret = rc == PM_OK && newest && newest->bid > bid;
	return rc;
}

enum pm_rc pm_root_fits(struct pm_walk *w, pm_bid bid, pm_ib ib, bool *ret)
{
	uint8_t page[4096];
	struct pm_bt_meta m;
	bool inside = false;
	uint32_t bad;
	enum pm_rc rc = pm_walk_load(w, ib, bid, page, &bad);

	*ret = false;
	if (rc || bad & PM_PR_PLACE)
		return rc;
	if (pm_page_grade(bad) == PM_GRADE_LOST || (bad & PM_PR_BID && w->an->swept))
		return PM_OK;
	pm_bt_meta(w->f, page, &m);
	if (bad & PM_PR_TYPE)
		rc = of_other_tree(w, page, &inside);
	if (rc == PM_OK && !inside && w->an->swept && !(bad & PM_PR_CRC))
		rc = contained(w, bid, ib, m.level, &inside);
	if (rc == PM_OK && !inside && w->an->swept)
		rc = outlived(w, bid, ib, &inside);
	*ret = !inside;
	return rc;
}

static int newest_first(const void *a, const void *b)
{
	const struct pm_page_fact *const *x = a, *const *y = b;

	if ((*x)->bid != (*y)->bid)
		return (*x)->bid < (*y)->bid ? 1 : -1;
	return (*x)->ib < (*y)->ib ? -1 : 1;
}

static enum pm_rc list_leaves(struct pm_walk *w, struct pm_leaves *ret)
{
	struct pm_analysis *an = w->an;

	ret->old = pm_calloc(an->ctx, an->facts.n + 1, 1);
	for (size_t i = 0; i < an->facts.n && !an->ctx->rc; i++)
		if (an->facts.v[i].ptype == w->ptype && !an->facts.v[i].level &&
		    an->facts.v[i].allocated) {
			const struct pm_page_fact **slot = pm_vec_push(an->ctx, &ret->v);

			if (slot)
				*slot = &an->facts.v[i];
		}
	if (ret->v.n)
		qsort(ret->v.v, ret->v.n, sizeof(*ret->v.v), newest_first);
	return an->ctx->rc;
}

/* What an index page above leaves names, and whether a leaf that is known to be old is among it. */
static enum pm_rc list_by_age(struct pm_walk *w, const struct pm_page_fact *up,
			      const struct pm_leaves *l, struct named *ret, bool *ret_old)
{
	enum pm_rc rc = PM_OK;

	ret->n = 0;
	*ret_old = false;
	if (up->ptype == w->ptype && up->level == 1)
		rc = list_named(w, up, ret);
	for (unsigned k = 0; k < ret->n; k++)
		*ret_old |= l->old[ret->v[k]];
	return rc;
}

/*
 * Live leaves share no keys: of two that do the older one is of another day. So is what an index page
 * names beside such a leaf, if no other index page does: what lives of it, the rules on stale leaves find.
 */
static enum pm_rc mark_old(struct pm_walk *w, struct pm_leaves *l)
{
	struct pm_analysis *an = w->an;
	uint8_t *by_old = pm_calloc(an->ctx, an->facts.n + 1, 1);
	uint8_t *by_live = pm_calloc(an->ctx, an->facts.n + 1, 1);
	struct pm_rangeset younger = {0};
	enum pm_rc rc = an->ctx->rc;

	for (size_t i = 0; i < l->v.n && rc == PM_OK; i++) {
		const struct pm_page_fact *p = l->v.v[i];

		l->old[p - an->facts.v] = pm_rangeset_overlaps(&younger, p->first, p->last + 1);
		rc = pm_rangeset_add(an->ctx, &younger, p->first, p->last + 1);
	}
	for (size_t i = 0; i < an->facts.n && rc == PM_OK; i++) {
		struct named named;
		bool old;

		rc = list_by_age(w, &an->facts.v[i], l, &named, &old);
		for (unsigned k = 0; k < named.n; k++)
			(old ? by_old : by_live)[named.v[k]] = 1;
	}
	for (size_t i = 0; i < an->facts.n && rc == PM_OK; i++)
		l->old[i] |= by_old[i] && !by_live[i];
	pm_rangeset_done(&younger);
	pm_free(by_old);
	pm_free(by_live);
	return rc;
}

/* A leaf decides on all keys up to the one with which the next begins, as its index page says; of several the
 * youngest that names no old leaf. */
static enum pm_rc reach_on(struct pm_walk *w, struct pm_leaves *l)
{
	struct pm_analysis *an = w->an;
	pm_bid *by = pm_calloc(an->ctx, an->facts.n + 1, sizeof(*by));
	enum pm_rc rc;

	l->until = pm_calloc(an->ctx, an->facts.n + 1, sizeof(*l->until));
	rc = an->ctx->rc;
	for (size_t i = 0; i < an->facts.n && rc == PM_OK; i++) {
		const struct pm_page_fact *p = &an->facts.v[i];
		struct named named;
		bool old;

		rc = list_by_age(w, p, l, &named, &old);
		for (unsigned k = 0; k < named.n && !old; k++)
			if (p->bid > by[named.v[k]]) {
				by[named.v[k]] = p->bid;
				l->until[named.v[k]] = named.until[k];
			}
	}
	for (size_t i = 0; i < an->facts.n && rc == PM_OK; i++)
		if (l->until[i] <= an->facts.v[i].last)
			l->until[i] = an->facts.v[i].last + 1;
	pm_free(by);
	return rc;
}

enum pm_rc pm_live_leaves(struct pm_walk *w, struct pm_leaves *ret)
{
	enum pm_rc rc = list_leaves(w, ret);

	if (rc == PM_OK)
		rc = mark_old(w, ret);
	return rc ? rc : reach_on(w, ret);
}

void pm_leaves_done(struct pm_leaves *l)
{
	pm_vec_done(&l->v);
	pm_free(l->old);
	pm_free(l->until);
}

/* Keys that a leaf of the tree has. */
struct span {
	uint64_t first, last;
	pm_bid bid;
};

struct spans {
	PM_VEC(struct span) v; /* ascending */
	uint64_t lo, hi;       /* keys that the tree has, lost ones among them */
};

static enum pm_rc tree_spans(const struct pm_walk *w, struct spans *ret)
{
	const struct pm_analysis *an = w->an;

	ret->lo = UINT64_MAX;
	for (size_t i = 0; i < an->facts.n; i++) {
		const struct pm_page_fact *p = &an->facts.v[i];
		struct span *slot;

		if (p->ptype != w->ptype || p->level || !pm_map_has(&w->seen, p->ib))
			continue;
		slot = pm_vec_push(an->ctx, &ret->v);
		if (!slot)
			return an->ctx->rc;
		*slot = (struct span){p->first, p->last, p->bid};
		ret->lo = p->first < ret->lo ? p->first : ret->lo;
		ret->hi = p->last > ret->hi ? p->last : ret->hi;
	}
	for (size_t i = 0; i < an->lost.n; i++) {
		const struct pm_key_range *r = &an->lost.v[i];

		if (r->ptype != w->ptype)
			continue;
		ret->lo = r->lo < ret->lo ? r->lo : ret->lo;
		ret->hi = r->hi > ret->hi ? r->hi : ret->hi;
	}
	return pm_sort_member(an->ctx, &ret->v, first);
}

/* The last leaf of the tree that has any of these keys; NULL: none. */
static const struct span *sharing(const struct spans *s, const struct pm_page_fact *p)
{
	size_t lo = 0, hi = s->v.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v.v[mid].first <= p->last)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && s->v.v[lo - 1].last >= p->first ? &s->v.v[lo - 1] : NULL;
}

/* Live leaves share no keys. Of two that do the younger one lives, the other's tree is older: a leaf
 * outside that shares none with the tree tells that there is more. */
static bool tells_more(const struct spans *s, const struct pm_page_fact *p, bool older)
{
	const struct span *other = sharing(s, p);

	if (other)
		return other->bid < p->bid;
	return (p->first < s->lo || p->last > s->hi) && !older;
}

/* Mark the leaves of other index pages that have keys which the tree has: pages of an older
 * generation. Those of the live one, where their common root is lost, share none. */
static enum pm_rc mark_older(struct pm_walk *w, const struct spans *s, uint8_t *older)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < w->an->facts.n && rc == PM_OK; i++) {
		const struct pm_page_fact *p = &w->an->facts.v[i];

		if (p->ptype == w->ptype && p->level && !pm_map_has(&w->seen, p->ib) &&
		    p->first <= s->hi && p->last >= s->lo)
			rc = mark_named(w, p, older);
	}
	return rc;
}

/*
 * Live leaves that the tree under a found root does not reach. Where the map is damaged an older
 * leaf looks alive: then only what lies outside of the keys that the tree has, or is younger than the
 * tree's own leaf, tells something.
 */
enum pm_rc pm_leaves_outside(struct pm_walk *w, bool *ret)
{
	const struct pm_analysis *an = w->an;
	struct spans s = {0};
	uint8_t *older = pm_calloc(an->ctx, an->facts.n + 1, 1);
	enum pm_rc rc = older ? tree_spans(w, &s) : an->ctx->rc;

	if (rc == PM_OK)
		rc = mark_older(w, &s, older);
	*ret = false;
	for (size_t i = 0; i < an->facts.n && !*ret && rc == PM_OK; i++) {
		const struct pm_page_fact *p = &an->facts.v[i];

		if (p->ptype == w->ptype && !p->level && p->allocated && p->sig &&
		    !pm_map_has(&w->seen, p->ib))
			*ret = pm_analysis_allocated(an, p->ib, w->f->page) > 0 ||
			       tells_more(&s, p, older[i]);
	}
	pm_free(older);
	pm_vec_done(&s.v);
	return rc;
}
