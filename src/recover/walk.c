/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking the block tree and the node tree [MS-PST 2.2.2.7.7].
 *
 * Checks: place, trailer and entry area of every page, key ranges that parents give.
 * Gathers: pages, entries (blocks or nodes), key ranges whose live leaf is lost.
 * Needs: the format; on the second walk the page facts of the sweep, so that a page that is
 * not where it should be is found by its id, and a wrong root is recognised.
 */
#include "recover/walk.h"

#define PROBES 16 /* children that agree are enough to tell a root's level */

/* Rules after which a page's content must come from somewhere else, if it can. */
#define MISPLACED (PM_PR_TYPE | PM_PR_CRC | PM_PR_BID | PM_PR_PLACE | PM_PR_READ | PM_PR_SHARED)
/* Rules that mean nothing worse than a trailer or counter to mend. */
#define HARMLESS (PM_PR_SLACK | PM_PR_BID_LOW | PM_PR_KEY_BIT)

/* One page being visited. */
struct visit {
	struct pm_tree_page rec;
	struct pm_bt_meta meta;
	uint8_t page[4096];
};

static enum pm_rc read_page(struct pm_walk *w, pm_ib ib, uint8_t *page)
{
	struct pm_image *img = w->an->img;
	const uint32_t size = w->f->page;

	if (ib >= w->at && ib + size <= w->at + w->n) {
		memcpy(page, w->window + (ib - w->at), size);
		w->next = ib + size;
		return PM_OK;
	}
	if (ib == w->next) {
		w->at = ib;
		w->n = img->size - ib < sizeof(w->window) ? img->size - ib : sizeof(w->window);
		if (pm_image_read(w->an->ctx, img, ib, w->window, w->n) == PM_OK)
			return read_page(w, ib, page);
		w->n = 0; /* one of the others can't be read; or an error, which comes again */
	}
	w->next = ib + size;
	return pm_image_read(w->an->ctx, img, ib, page, size);
}

enum pm_rc pm_walk_load(struct pm_walk *w, pm_ib ib, pm_bid bid, uint8_t *page, uint32_t *ret_bad)
{
	const struct pm_format *f = w->f;
	enum pm_rc rc;

	if (ib % f->page || ib < f->dlist || ib + f->page > w->an->img->size || !ib) {
		*ret_bad = PM_PR_PLACE;
		return PM_OK;
	}
	rc = read_page(w, ib, page);
	if (pm_is_error(rc))
		return rc;
	*ret_bad = pm_page_verify(f, page, ib, w->ptype, bid);
	if (!bid) /* no page has this id */
		*ret_bad |= PM_PR_BID;
	if (rc)
		*ret_bad |= PM_PR_READ;
	if (pm_map_has(&w->seen, ib))
		*ret_bad |= PM_PR_SHARED;
	return PM_OK;
}

enum pm_grade pm_page_grade(uint32_t bad)
{
	if (bad & (PM_PR_PLACE | PM_PR_SHARED))
		return PM_GRADE_LOST;
	if (bad & (PM_PR_CRC | PM_PR_READ))
		return bad & PM_PR_TYPE && bad & PM_PR_BID ? PM_GRADE_LOST : PM_GRADE_C;
	if (!(bad & (PM_PR_TYPE | PM_PR_REPEAT | PM_PR_SIG | PM_PR_BID)))
		return PM_GRADE_A;
	/* A wrong type byte over a right checksum: place and id must vouch for the page. */
	if (bad & PM_PR_TYPE && bad & (PM_PR_SIG | PM_PR_BID))
		return PM_GRADE_LOST;
	return PM_GRADE_B;
}

static enum pm_rc lose(struct pm_walk *w, uint64_t lo, uint64_t hi, pm_ib ib)
{
	struct pm_key_range *r = pm_vec_push(w->an->ctx, &w->an->lost);

	w->clean = false;
	if (!r)
		return w->an->ctx->rc;
	*r = (struct pm_key_range){.lo = lo, .hi = hi, .ib = ib, .ptype = w->ptype};
	return PM_OK;
}

/* Is the entry possible at all? */
static bool sane(const struct pm_walk *w, const struct pm_bt_entry *e)
{
	if (w->ptype == PM_PTYPE_NBT)
		return e->key && e->key <= UINT32_MAX;
	return e->key && e->cb && e->cb <= w->f->data_max && e->ib >= w->f->amap_first &&
	       !(e->ib & (w->f->unit - 1)) && e->ib < w->an->img->size;
}

static enum pm_rc emit(struct pm_walk *w, const struct pm_bt_entry *e, bool possible)
{
	struct pm_analysis *an = w->an;

	if (w->ptype == PM_PTYPE_BBT) {
		struct pm_block *b = pm_vec_push(an->ctx, &an->db.blocks);

		if (!b)
			return an->ctx->rc;
		*b = (struct pm_block){.bid = e->key,
				       .ib = e->ib,
				       .cb = e->cb,
				       .cb_inflated = e->cb_inflated,
				       .cref = e->cref};
		b->flags = possible ? 0 : PM_BF_LOST;
	} else {
		struct pm_node *n = pm_vec_push(an->ctx, &an->db.nodes);

		if (!n)
			return an->ctx->rc;
		*n = (struct pm_node){.nid = (pm_nid)e->key,
				      .parent = e->parent,
				      .data = pm_bid_key(e->bid),
				      .sub = pm_bid_key(e->sub)};
	}
	return PM_OK;
}

static enum pm_rc note_range(struct pm_walk *w, const struct pm_bt_entry *e, pm_ib ib)
{
	w->clean = false;
	return pm_note(w->an, w->ptype == PM_PTYPE_BBT ? PM_NOTE_BLOCK_RANGE : PM_NOTE_NODE_RANGE,
		       e->key, ib, e->bid, 0);
}

static enum pm_rc visit_leaf(struct pm_walk *w, struct visit *v)
{
	const unsigned n = v->meta.cent, size = pm_bt_entry_size(w->f, w->ptype, 0);
	enum pm_rc rc = PM_OK;

	/* Such a page is believed entry by entry only, later, when it is known what they must fit. */
	if (v->rec.grade == PM_GRADE_C || v->rec.bad & (PM_PR_CENT | PM_PR_EMPTY) ||
	    (v->rec.bad & PM_PR_LEVEL && v->rec.bad & PM_PR_CBENT))
		return lose(w, v->rec.lo, v->rec.hi, v->rec.ib);
	for (unsigned i = 0; i < n && rc == PM_OK; i++) {
		struct pm_bt_entry e;
		bool possible;

		pm_bt_entry(w->f, v->page, w->ptype, 0, i, size, &e);
		possible = sane(w, &e);
		if (e.key < v->rec.lo || e.key >= v->rec.hi || !e.key ||
		    (w->ptype == PM_PTYPE_NBT && !possible))
			rc = note_range(w, &e, v->rec.ib);
		else
			rc = emit(w, &e, possible);
		if (rc == PM_OK && w->ptype == PM_PTYPE_BBT && !possible)
			rc = note_range(w, &e, v->rec.ib);
	}
	return rc;
}

static enum pm_rc visit(struct pm_walk *w, const struct pm_bt_entry *e, int level, uint64_t lo,
			uint64_t hi);

/*
 * Is the child that this entry names the page that it must be, by place, id, type and level? Where
 * its checksum is right, too, its first key is the entry's key, whatever the (damaged) entry says.
 */
static enum pm_rc peek(struct pm_walk *w, struct pm_bt_entry *e, unsigned level, bool *ret_good)
{
	uint8_t page[4096];
	struct pm_bt_meta m;
	struct pm_bt_entry first;
	uint32_t bad;
	enum pm_rc rc = pm_walk_load(w, e->ib, e->bid, page, &bad);

	*ret_good = false;
	if (rc || bad & ~(uint32_t)(HARMLESS | PM_PR_CRC))
		return rc;
	pm_bt_meta(w->f, page, &m);
	if (m.level != level || !m.cent ||
	    pm_bt_verify(w->f, page, w->ptype, level) & (PM_PR_CENT | PM_PR_CBENT))
		return PM_OK;
	pm_bt_entry(w->f, page, w->ptype, level, 0, pm_bt_entry_size(w->f, w->ptype, level),
		    &first);
	if (!(bad & PM_PR_CRC))
		e->key = first.key;
	*ret_good = true;
	return PM_OK;
}

static void insert_by_key(struct pm_bt_entry *v, unsigned n, const struct pm_bt_entry *e)
{
	while (n && v[n - 1].key > e->key) {
		v[n] = v[n - 1];
		n--;
	}
	v[n] = *e;
}

/* The first n entries of an index page in key order. `doubtful`: only those whose child fits. */
static enum pm_rc gather_kids(struct pm_walk *w, const struct visit *v, bool doubtful, unsigned n,
			      struct pm_bt_entry *kids, unsigned *ret_n)
{
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++) {
		struct pm_bt_entry e;
		bool good = true;
		enum pm_rc rc = PM_OK;

		pm_bt_entry(w->f, v->page, w->ptype, v->rec.level, i, w->f->btentry, &e);
		if (doubtful)
			rc = peek(w, &e, v->rec.level - 1u, &good);
		if (rc)
			return rc;
		if (good && e.key >= v->rec.lo && e.key < v->rec.hi)
			insert_by_key(kids, k++, &e);
	}
	*ret_n = k;
	return PM_OK;
}

/*
 * The children of an index page. A doubtful page of which all entries fit is wrong elsewhere; of
 * others every slot is looked at, since their number may be wrong, too. Behind the last entry
 * older ones can stand, which fit as well: pages are left behind as they are.
 */
static enum pm_rc children(struct pm_walk *w, const struct visit *v, struct pm_bt_entry *kids,
			   unsigned *ret_n, bool *ret_all)
{
	const unsigned cap = w->f->bt_area / w->f->btentry;
	const unsigned n = v->meta.cent < cap ? v->meta.cent : cap;
	bool doubtful = v->rec.grade == PM_GRADE_C ||
			v->rec.bad & (PM_PR_CENT | PM_PR_EMPTY | PM_PR_LEVEL | PM_PR_ORDER);
	enum pm_rc rc = gather_kids(w, v, doubtful, n, kids, ret_n);

	*ret_all = *ret_n == n;
	if (rc == PM_OK && doubtful && (!n || !*ret_all)) {
		*ret_all = false;
		rc = gather_kids(w, v, true, cap, kids, ret_n);
	}
	return rc;
}

static enum pm_rc visit_index(struct pm_walk *w, struct visit *v)
{
	struct pm_bt_entry *kids = pm_calloc(w->an->ctx, FAN_MAX, sizeof(*kids));
	unsigned n = 0;
	bool all = true;
	enum pm_rc rc = kids ? children(w, v, kids, &n, &all) : w->an->ctx->rc;

	if (rc == PM_OK && (!all || !n))
		rc = lose(w, v->rec.lo, v->rec.hi, v->rec.ib);
	for (unsigned i = 0; i < n && rc == PM_OK; i++) {
		uint64_t lo = i ? kids[i].key : v->rec.lo;
		uint64_t hi = i + 1 < n ? kids[i + 1].key : v->rec.hi;

		if (i && kids[i].key == kids[i - 1].key)
			w->clean = false;
		rc = visit(w, &kids[i], v->rec.level - 1, lo, hi);
	}
	pm_free(kids);
	return rc;
}

/*
 * The level of a root: one above that of its children, whatever cLevel says. A child with a wrong
 * cLevel of its own has no say unless it holds entries of that level, and then one of many: the
 * root's own word decides between equals.
 */
static enum pm_rc probe_level(struct pm_walk *w, const struct visit *v, uint8_t *ret_level)
{
	const unsigned n = w->f->bt_area / w->f->btentry;
	unsigned votes[LEVEL_MAX + 2] = {0}, best;

	*ret_level = v->meta.level <= LEVEL_MAX ? (uint8_t)v->meta.level : 0;
	best = *ret_level;
	for (unsigned i = 0; i < n && votes[best] < PROBES; i++) {
		struct pm_bt_entry e;
		uint8_t page[4096];
		struct pm_bt_meta m;
		uint32_t bad;
		enum pm_rc rc;

		pm_bt_entry(w->f, v->page, w->ptype, 1, i, w->f->btentry, &e);
		rc = pm_walk_load(w, e.ib, e.bid, page, &bad);
		if (rc)
			return rc;
		if (bad & ~(uint32_t)HARMLESS)
			continue;
		pm_bt_meta(w->f, page, &m);
		if (m.level >= LEVEL_MAX ||
		    pm_bt_verify(w->f, page, w->ptype, m.level) & ~(uint32_t)HARMLESS)
			continue;
		if (++votes[m.level + 1] > votes[best])
			best = m.level + 1;
	}
	*ret_level = (uint8_t)best;
	return PM_OK;
}

/* The page of this id at another place. */
static enum pm_rc elsewhere(struct pm_walk *w, struct visit *v, pm_bid bid, int level)
{
	const struct pm_page_fact *fact;
	uint8_t page[4096];
	uint32_t bad;
	enum pm_rc rc = pm_fact_by_bid(w->an, w->ptype, bid, &fact);

	if (rc)
		return rc;
	if (!fact || fact->ib == v->rec.ib || (level >= 0 && fact->level != level))
		return PM_OK;
	rc = pm_walk_load(w, fact->ib, bid, page, &bad);
	if (rc || bad & (MISPLACED & ~PM_PR_BID))
		return rc;
	memcpy(v->page, page, w->f->page);
	v->rec.ib = fact->ib;
	v->rec.elsewhere = true;
	v->rec.grade = PM_GRADE_B;
	return PM_OK;
}

/* First key against the parent's; a page of another key range is not the one wanted. */
static void judge_keys(struct pm_walk *w, struct visit *v, bool root)
{
	struct pm_bt_entry e;

	if (!v->meta.cent || v->rec.bad & PM_PR_CENT)
		return;
	pm_bt_entry(w->f, v->page, w->ptype, v->rec.level, 0,
		    pm_bt_entry_size(w->f, w->ptype, v->rec.level), &e);
	if (!root && e.key != v->rec.key)
		v->rec.bad |= PM_PR_KEYMIN;
	if (e.key < v->rec.lo || e.key >= v->rec.hi)
		v->rec.bad |= PM_PR_RANGE;
}

static enum pm_rc judge(struct pm_walk *w, struct visit *v, pm_bid bid, int level)
{
	enum pm_rc rc = pm_walk_load(w, v->rec.ib, bid, v->page, &v->rec.bad);

	v->rec.grade = (uint8_t)pm_page_grade(v->rec.bad);
	if (rc == PM_OK && v->rec.bad & MISPLACED)
		rc = elsewhere(w, v, bid, level);
	if (rc || v->rec.grade == PM_GRADE_LOST)
		return rc;
	pm_bt_meta(w->f, v->page, &v->meta);
	v->rec.level = (uint8_t)level;
	if (level < 0)
		rc = probe_level(w, v, &v->rec.level);
	if (rc)
		return rc;
	v->rec.bad |= pm_bt_verify(w->f, v->page, w->ptype, v->rec.level);
	judge_keys(w, v, level < 0);
	/* A leaf of the other tree. */
	if (v->rec.bad & PM_PR_TYPE && v->rec.bad & PM_PR_CBENT && !v->rec.level)
		v->rec.grade = PM_GRADE_LOST;
	/* Right by itself but not what the parent wants: another page of the tree, or a stale one. */
	if (v->rec.bad & PM_PR_RANGE && v->rec.grade != PM_GRADE_C)
		v->rec.grade = PM_GRADE_LOST;
	return PM_OK;
}

/* `e`: how the page is named; level -1: the root. */
static enum pm_rc visit(struct pm_walk *w, const struct pm_bt_entry *e, int level, uint64_t lo,
			uint64_t hi)
{
	struct pm_tree_page *rec;
	struct visit here, *v = &here; /* as many at once as there are levels, LEVEL_MAX */
	enum pm_rc rc = pm_tick(w->an->ctx, "trees", 0, 0);

	if (rc)
		return rc;
	v->meta = (struct pm_bt_meta){0};
	v->rec = (struct pm_tree_page){.ib = e->ib,
				       .named = e->ib,
				       .bid = e->bid,
				       .lo = lo,
				       .hi = hi,
				       .key = e->key,
				       .ptype = w->ptype};
	rc = judge(w, v, e->bid, level);
	if (rc)
		return rc;
	/* An only root may be empty. */
	if (level < 0 && v->rec.level == 0)
		v->rec.bad &= ~(uint32_t)PM_PR_EMPTY;
	if (level < 0 && !v->meta.level && v->rec.grade == PM_GRADE_C &&
	    v->meta.cb_ent == pm_bt_entry_size(w->f, w->ptype, 0))
		w->only_leaf = v->rec.ib;
	if (v->rec.bad & ~(uint32_t)HARMLESS || v->rec.elsewhere)
		w->clean = false;
	rec = pm_vec_push(w->an->ctx, &w->an->pages);
	if (!rec)
		return w->an->ctx->rc;
	*rec = v->rec;
	if (v->rec.grade == PM_GRADE_LOST)
		return lose(w, lo, hi, v->rec.bad & (PM_PR_PLACE | PM_PR_SHARED) ? 0 : e->ib);
	rc = pm_map_put(w->an->ctx, &w->seen, v->rec.ib, 1);
	if (rc)
		return rc;
	return v->rec.level ? visit_index(w, v) : visit_leaf(w, v);
}

struct gather {
	struct pm_walk *w;
	const struct pm_rangeset *decided;
	pm_ib ib;
};

static enum pm_rc gather_entry(void *arg, const struct pm_bt_entry *e)
{
	struct gather *g = arg;

	if (pm_rangeset_contains(g->decided, e->key, e->key + 1))
		return PM_OK;
	if (!e->key || e->key == KEY_END || (g->w->ptype == PM_PTYPE_NBT && e->key > UINT32_MAX))
		return note_range(g->w, e, g->ib);
	return emit(g->w, e, sane(g->w, e));
}

static enum pm_rc assemble_leaf(struct pm_walk *w, const struct pm_page_fact *p, uint64_t until,
				struct pm_rangeset *decided)
{
	struct gather g = {w, decided, p->ib};
	struct pm_tree_page *rec = pm_vec_push(w->an->ctx, &w->an->pages);
	enum pm_rc rc;

	if (!rec)
		return w->an->ctx->rc;
	*rec = (struct pm_tree_page){.ib = p->ib,
				     .named = p->ib,
				     .bid = p->bid,
				     .lo = p->first,
				     .hi = until,
				     .ptype = w->ptype,
				     .grade = PM_GRADE_A,
				     .elsewhere = true};
	rc = pm_walk_leaf(w->an, p->ib, w->ptype, false, gather_entry, &g);
	return rc ? rc : pm_rangeset_add(w->an->ctx, decided, p->first, until);
}

/* No root: the live leaves, newest first; the newest that covers a key decides on it. What
 * they leave open is lost, for the rules on stale leaves. */
static enum pm_rc assemble(struct pm_walk *w)
{
	struct pm_analysis *an = w->an;
	struct pm_leaves l = {0};
	struct pm_rangeset decided = {0};
	struct pm_range gap;
	enum pm_rc rc = pm_live_leaves(w, &l);

	for (size_t i = 0; i < l.v.n && rc == PM_OK; i++) {
		const size_t k = (size_t)(l.v.v[i] - an->facts.v);

		if (!l.old[k])
			rc = assemble_leaf(w, l.v.v[i], l.until[k], &decided);
	}
	for (uint64_t at = 0; rc == PM_OK && pm_rangeset_next_gap(&decided, at, KEY_END - 1, &gap);
	     at = gap.end)
		rc = lose(w, gap.start, gap.end, w->only_leaf);
	pm_rangeset_done(&decided);
	pm_leaves_done(&l);
	return rc;
}

enum pm_rc pm_walk_leaf(struct pm_analysis *an, pm_ib ib, uint8_t ptype, bool beyond,
			pm_entry_fn fn, void *arg)
{
	const struct pm_format *f = an->db.fmt;
	const unsigned size = pm_bt_entry_size(f, ptype, 0), cap = f->bt_area / size;
	struct pm_bt_meta m;
	uint8_t page[4096];
	enum pm_rc rc = pm_image_read(an->ctx, an->img, ib, page, f->page);

	if (pm_is_error(rc))
		return rc;
	pm_bt_meta(f, page, &m);
	rc = PM_OK;
	for (unsigned i = 0; i < (beyond ? cap : m.cent < cap ? m.cent : cap) && rc == PM_OK; i++) {
		struct pm_bt_entry e;

		pm_bt_entry(f, page, ptype, 0, i, size, &e);
		rc = fn(arg, &e);
	}
	return rc;
}

/* Keep the faulty pages of a walk that is not used, for the report. */
static enum pm_rc give_up(struct pm_walk *w)
{
	struct pm_analysis *an = w->an;

	for (size_t i = 0; i < an->pages.n; i++) {
		struct pm_tree_page *slot;

		if (an->pages.v[i].ptype != w->ptype || !(an->pages.v[i].bad & ~(uint32_t)HARMLESS))
			continue;
		slot = pm_vec_push(an->ctx, &an->given_up);
		if (!slot)
			return an->ctx->rc;
		*slot = an->pages.v[i];
	}
	return PM_OK;
}

/* Did the root stand where the file is cut off? Then whatever tops the rest is no root. */
static bool cut_off(const struct pm_analysis *an, pm_ib root)
{
	return !(an->header_bad & PM_HR_SERIOUS) && root % an->db.fmt->page == 0 &&
	       root < an->header.eof && root + an->db.fmt->page > an->img->size;
}

enum pm_rc pm_walk_tree(struct pm_analysis *an, uint8_t ptype, bool *ret_clean)
{
	const struct pm_header *h = &an->header;
	const unsigned tree = ptype == PM_PTYPE_NBT;
	pm_bid bid = tree ? h->nbt_bid : h->bbt_bid;
	pm_ib ib = tree ? h->nbt_ib : h->bbt_ib;
	struct pm_walk w = {.an = an, .f = an->db.fmt, .ptype = ptype, .clean = true};
	const struct pm_page_fact *root = NULL;
	bool fits;
	enum pm_rc rc = pm_root_fits(&w, bid, ib, &fits);

	an->root_rejected[tree] = !fits;
	if (rc == PM_OK && !fits) {
		w.clean = false;
		if (!cut_off(an, ib))
			rc = pm_find_root(&w, &root);
		if (root) {
			bid = root->bid;
			ib = root->ib;
		}
	}
	if (rc == PM_OK && (fits || root)) {
		size_t at = an->lost.n;

		bool outside = false;

		rc = visit(&w, &(struct pm_bt_entry){.bid = bid, .ib = ib}, -1, 0, KEY_END);
		if (rc == PM_OK && an->swept && root)
			rc = pm_leaves_outside(&w, &outside);
		/* A leaf on its own is what is left of the node tree: all other keys are lost. */
		outside |= root && !root->level && tree;
		/* A root lost in itself, or one of several tops: the leaves know better. */
		if (rc == PM_OK && an->swept &&
		    (outside ||
		     (an->lost.n > at && !an->lost.v[at].lo && an->lost.v[at].hi == KEY_END)))
			rc = PM_LOST;
	} else if (rc == PM_OK) {
		rc = PM_LOST;
	}
	an->assembled[tree] = rc == PM_LOST;
	if (rc == PM_LOST) {
		rc = give_up(&w);
		pm_walk_reset(an, ptype);
		if (rc == PM_OK)
			rc = assemble(&w);
	}
	*ret_clean = w.clean;
	pm_map_done(&w.seen);
	return rc;
}

enum pm_rc pm_roots_hold(struct pm_analysis *an, bool *ret)
{
	const struct pm_header *h = &an->header;
	enum pm_rc rc = PM_OK;

	*ret = true;
	for (unsigned tree = 0; tree < 2 && rc == PM_OK && *ret; tree++) {
		struct pm_walk w = {
			.an = an, .f = an->db.fmt, .ptype = tree ? PM_PTYPE_NBT : PM_PTYPE_BBT};

		rc = pm_root_fits(&w, tree ? h->nbt_bid : h->bbt_bid, tree ? h->nbt_ib : h->bbt_ib,
				  ret);
	}
	return rc;
}
