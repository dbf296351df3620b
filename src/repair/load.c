/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree loader: one routine for a changed cell and for both trees lost. Level by level, a
 * page whose entries are what they must be, and which is sound, stays where it is; key ranges
 * that changed get new pages, packed full; what names them is judged on the next level.
 */
#include "repair/repair.h"

#include "base/sort.h"

/* Entries of one level, by index. */
struct level {
	struct pm_repair *r;
	uint8_t ptype;
	unsigned level;
	PM_VEC(struct pm_bt_entry) v; /* level > 0 */
	size_t n;
	PM_VEC(struct pm_bt_entry) up; /* what the next level holds */
	uint64_t kept, written;
};

static void get(const struct level *l, size_t i, struct pm_bt_entry *e)
{
	const struct pm_analysis *an = l->r->an;

	memset(e, 0, sizeof(*e));
	if (l->level) {
		*e = l->v.v[i];
	} else if (l->ptype == PM_PTYPE_BBT) {
		const struct pm_block *b = &an->db.blocks.v[i];

		*e = (struct pm_bt_entry){.key = b->bid,
					  .bid = b->bid,
					  .ib = b->ib,
					  .cb = b->cb,
					  .cb_inflated = b->cb_inflated,
					  .cref = b->cref};
	} else {
		const struct pm_node *n = &an->db.nodes.v[i];

		*e = (struct pm_bt_entry){
			.key = n->nid, .bid = n->data, .sub = n->sub, .parent = n->parent};
	}
}

static size_t lower(const struct level *l, uint64_t key)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		struct pm_bt_entry e;

		get(l, mid, &e);
		if (e.key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static enum pm_rc name_page(struct level *l, uint64_t key, pm_bid bid, pm_ib ib)
{
	struct pm_bt_entry *e = pm_vec_push(l->r->ctx, &l->up);

	if (!e)
		return l->r->ctx->rc;
	*e = (struct pm_bt_entry){.key = key, .bid = bid, .ib = ib};
	return PM_OK;
}

/* New pages for entries [a, b). */
static enum pm_rc write_pages(struct level *l, size_t a, size_t b)
{
	struct pm_repair *r = l->r;
	const unsigned cap = pm_bt_capacity(r->fmt, l->ptype, l->level);
	struct pm_bt_entry *e = pm_calloc(r->ctx, cap, sizeof(*e));
	uint8_t page[4096];
	enum pm_rc rc = e ? PM_OK : r->ctx->rc;

	while (a < b && rc == PM_OK) {
		unsigned n = b - a < cap ? (unsigned)(b - a) : cap;
		pm_ib ib;

		for (unsigned i = 0; i < n; i++)
			get(l, a + i, &e[i]);
		rc = pm_repair_place(r, r->fmt->page, r->fmt->page, &ib);
		if (rc)
			break;
		pm_bt_build(r->fmt, page, l->ptype, l->level, e, n);
		pm_page_seal(r->fmt, page, ib, l->ptype, r->next_page);
		rc = pm_view_put(r->view, ib, page, r->fmt->page);
		if (rc == PM_OK)
			rc = name_page(l, e[0].key, r->next_page++, ib);
		l->written++;
		a += n;
	}
	pm_free(e);
	return rc;
}

static bool same_entry(const struct pm_bt_entry *a, const struct pm_bt_entry *b, unsigned level,
		       uint8_t ptype)
{
	if (level)
		return a->key == b->key && a->bid == b->bid && a->ib == b->ib;
	if (ptype == PM_PTYPE_BBT)
		return a->bid == b->bid && a->ib == b->ib && a->cb == b->cb &&
		       a->cb_inflated == b->cb_inflated && a->cref == b->cref;
	return a->key == b->key && a->bid == b->bid && a->sub == b->sub && a->parent == b->parent;
}

/* Is the page sound, and does it hold just the entries [a, b)? */
static enum pm_rc page_stands(struct level *l, const struct pm_tree_page *t, size_t a, size_t b,
			      bool *ret, pm_bid *ret_bid)
{
	const struct pm_format *f = l->r->fmt;
	uint8_t page[4096];
	struct pm_page_trailer tr;
	struct pm_bt_meta m;
	enum pm_rc rc;

	*ret = false;
	if (t->bid >= pm_id_limit(f) || t->elsewhere || t->grade != PM_GRADE_A ||
	    t->level != l->level || a == b || t->bad & ~(uint32_t)(PM_PR_SLACK | PM_PR_BID_LOW))
		return PM_OK;
	rc = pm_image_read(l->r->ctx, l->r->an->img, t->ib, page, f->page);
	if (pm_is_error(rc))
		return rc;
	pm_page_trailer(f, page, &tr);
	pm_bt_meta(f, page, &m);
	if (m.cent != b - a || !tr.bid)
		return PM_OK;
	for (unsigned i = 0; i < m.cent; i++) {
		struct pm_bt_entry have, want;

		pm_bt_entry(f, page, l->ptype, l->level, i, m.cb_ent, &have);
		get(l, a + i, &want);
		if (!same_entry(&have, &want, l->level, l->ptype))
			return PM_OK;
	}
	*ret_bid = tr.bid;
	*ret = true;
	return PM_OK;
}

static enum pm_rc load_level(struct level *l)
{
	const struct pm_analysis *an = l->r->an;
	size_t from = 0; /* first entry not stored yet */
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->pages.n && rc == PM_OK && !l->r->compact; i++) {
		const struct pm_tree_page *t = &an->pages.v[i];
		size_t a, b;
		pm_bid bid;
		bool stands;

		if (t->ptype != l->ptype || t->level != l->level || t->grade != PM_GRADE_A)
			continue;
		a = lower(l, t->lo);
		b = lower(l, t->hi);
		if (a < from)
			continue;
		rc = page_stands(l, t, a, b, &stands, &bid);
		if (rc || !stands)
			continue;
		rc = write_pages(l, from, a);
		if (rc == PM_OK) {
			struct pm_bt_entry e;

			get(l, a, &e);
			rc = name_page(l, e.key, bid, t->ib);
		}
		l->kept++;
		from = b;
	}
	return rc ? rc : write_pages(l, from, l->n);
}

static enum pm_rc empty_leaf(struct level *l)
{
	struct pm_repair *r = l->r;
	uint8_t page[4096];
	pm_ib ib;
	enum pm_rc rc = pm_repair_place(r, r->fmt->page, r->fmt->page, &ib);

	if (rc)
		return rc;
	pm_bt_build(r->fmt, page, l->ptype, 0, NULL, 0);
	pm_page_seal(r->fmt, page, ib, l->ptype, r->next_page);
	rc = pm_view_put(r->view, ib, page, r->fmt->page);
	return rc ? rc : name_page(l, 0, r->next_page++, ib);
}

enum pm_rc pm_repair_load_tree(struct pm_repair *r, uint8_t ptype)
{
	const unsigned tree = ptype == PM_PTYPE_NBT;
	struct level l = {.r = r, .ptype = ptype};
	enum pm_rc rc;

	l.n = tree ? r->an->db.nodes.n : r->an->db.blocks.n;
	rc = l.n ? load_level(&l) : empty_leaf(&l);
	while (rc == PM_OK && l.up.n > 1) {
		pm_vec_done(&l.v);
		l.v.v = l.up.v;
		l.v.n = l.n = l.up.n;
		l.v.cap = l.up.cap;
		l.up.v = NULL;
		l.up.n = l.up.cap = 0;
		l.level++;
		rc = load_level(&l);
	}
	if (rc == PM_OK) {
		r->root[tree].bid = l.up.v[0].bid;
		r->root[tree].ib = l.up.v[0].ib;
		if (l.written)
			rc = pm_repair_did(r, PM_DID_TREE, ptype, l.written, l.kept);
	}
	pm_vec_done(&l.v);
	pm_vec_done(&l.up);
	return rc;
}
