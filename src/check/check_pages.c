/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of block tree and node tree [MS-PST 2.2.2.7.7].
 *
 * Checks: what the walk found wrong with each page; which parts of the trees are lost.
 * Gathers: what to blame lost entries on.
 * Needs: the analysis' pages, lost ranges and notes.
 */
#include "check/internal.h"

#include "format/crc.h"

/* In place of a problem: a page without entries, in order otherwise. */
#define EMPTY_PAGE UINT64_MAX

static const char *tree_name(uint8_t ptype)
{
	return ptype == PM_PTYPE_NBT ? "node tree" : "block tree";
}

/* A page with faults, read again for what to say of them. */
struct bad_page {
	const struct pm_tree_page *t;
	const char *what;
	struct pm_page_trailer trailer;
	struct pm_bt_meta meta;
	struct pm_bt_entry first;
	uint32_t crc;
	unsigned size, cap; /* of entries */
	uint64_t cause;
};

static bool load(struct pm_checker *c, struct bad_page *b)
{
	const struct pm_tree_page *t = b->t;
	uint8_t page[4096];

	b->what = tree_name(t->ptype);
	b->cause = pm_sink_cause(c->sink, PM_CAUSE_PAGE, t->named);
	if (!b->cause)
		b->cause = c->header_serial;
	if (t->bad & (PM_PR_PLACE | PM_PR_READ))
		return true;
	if (pm_check_stop(c, pm_image_read(c->ctx, c->an->img, t->named, page, c->f->page)))
		return false;
	pm_page_trailer(c->f, page, &b->trailer);
	pm_bt_meta(c->f, page, &b->meta);
	b->crc = pm_crc(page, c->f->page_data);
	b->size = pm_bt_entry_size(c->f, t->ptype, t->level);
	b->cap = pm_bt_capacity(c->f, t->ptype, t->level);
	pm_bt_entry(c->f, page, t->ptype, t->level, 0, b->size, &b->first);
	return true;
}

#define REPORT(c, b, symbol, ...)                                                                  \
	report((c), (b),                                                                           \
	       &(struct pm_problem){.id = PM_P_##symbol,                                           \
				    .what = (b)->what,                                             \
				    .offset = (b)->t->named,                                       \
				    .bid = (b)->t->bid,                                            \
				    ##__VA_ARGS__})

/* All but the first of a page follow from the first: it is one broken page. */
static void report(struct pm_checker *c, struct bad_page *b, struct pm_problem *p)
{
	uint64_t serial;

	p->caused_by = b->cause;
	serial = pm_check_blame(c, PM_CAUSE_PAGE, b->t->named, p);
	if (!b->cause && pm_problem_rows[p->id].severity == PM_SEV_ERROR)
		b->cause = serial;
}

static void report_trailer(struct pm_checker *c, struct bad_page *b)
{
	const struct pm_page_trailer *t = &b->trailer;
	uint32_t bad = b->t->bad;

	if (bad & PM_PR_TYPE)
		REPORT(c, b, PAGE_TYPE, .have = t->ptype, .want = b->t->ptype);
	else if (bad & PM_PR_REPEAT)
		REPORT(c, b, PAGE_TYPE, .have = t->repeat, .want = b->t->ptype);
	if (bad & PM_PR_CRC)
		REPORT(c, b, PAGE_CRC, .have = t->crc, .want = b->crc);
	if (bad & PM_PR_SIG)
		REPORT(c, b, PAGE_SIGNATURE, .have = t->sig, .want = pm_sig(b->t->named, t->bid));
	if (bad & PM_PR_BID)
		REPORT(c, b, PAGE_BID, .have = t->bid, .want = b->t->bid);
	if (bad & PM_PR_BID_LOW)
		REPORT(c, b, PAGE_BID_LOW, .have = t->bid, .want = b->t->bid);
}

/* Entries of the block tree whose id has its reserved bit set. */
static void report_key_bits(struct pm_checker *c, struct bad_page *b)
{
	uint8_t page[4096];

	if (pm_check_stop(c, pm_image_read(c->ctx, c->an->img, b->t->named, page, c->f->page)))
		return;
	for (unsigned i = 0; i < b->meta.cent && i < b->cap; i++) {
		struct pm_bt_entry e;

		pm_bt_entry(c->f, page, b->t->ptype, 0, i, b->size, &e);
		if (e.bid & 1)
			PM_REPORT(c, BLOCK_ENTRY, .bid = e.key, .what = "the id", .have = e.bid);
	}
}

static void report_entries(struct pm_checker *c, struct bad_page *b)
{
	const struct pm_bt_meta *m = &b->meta;
	uint32_t bad = b->t->bad;

	if (bad & PM_PR_LEVEL)
		REPORT(c, b, PAGE_LEVEL, .have = m->level, .want = b->t->level);
	if (bad & PM_PR_CBENT)
		REPORT(c, b, PAGE_ENTRY_SIZE, .have = m->cb_ent, .want = b->size);
	if (bad & PM_PR_CENTMAX)
		REPORT(c, b, PAGE_ENTRY_MAX, .have = m->cent_max, .want = b->cap);
	if (bad & PM_PR_CENT)
		REPORT(c, b, PAGE_ENTRY_COUNT, .have = m->cent, .want = b->cap);
	if (bad & PM_PR_ORDER)
		REPORT(c, b, PAGE_KEY_ORDER);
	if (bad & PM_PR_KEYMIN)
		REPORT(c, b, PAGE_PARENT_KEY, .have = b->first.key, .want = b->t->key);
	if (bad & PM_PR_RANGE)
		REPORT(c, b, PAGE_KEY_RANGE, .have = b->t->lo, .want = b->t->hi);
	if (bad & PM_PR_KEY_BIT)
		report_key_bits(c, b);
	if (bad & PM_PR_EMPTY)
		REPORT(c, b, PAGE_EMPTY);
	if (bad & PM_PR_SLACK && !b->cause)
		REPORT(c, b, PAGE_SLACK);
}

/* Has the model an entry with a key in [lo, hi)? */
static bool model_has(const struct pm_checker *c, unsigned tree, uint64_t lo, uint64_t hi)
{
	const struct pm_ndb *db = &c->an->db;
	size_t a = 0, b = db->blocks.n;

	if (tree) {
		a = lo > UINT32_MAX ? db->nodes.n : pm_ndb_lower_node(db, (pm_nid)lo);
		return a < db->nodes.n && db->nodes.v[a].nid < hi;
	}
	while (a < b) {
		size_t mid = a + (b - a) / 2;

		if (db->blocks.v[mid].bid < lo)
			a = mid + 1;
		else
			b = mid;
	}
	return a < db->blocks.n && db->blocks.v[a].bid < hi;
}

static void check_page(struct pm_checker *c, const struct pm_tree_page *t)
{
	const unsigned tree = t->ptype == PM_PTYPE_NBT;
	struct bad_page b = {.t = t};

	if (!t->bad || !load(c, &b))
		return;
	if (t->bad & PM_PR_PLACE)
		REPORT(c, &b, PAGE_PLACE);
	else if (t->bad & PM_PR_READ)
		REPORT(c, &b, PAGE_UNREADABLE);
	else
		report_trailer(c, &b);
	if (t->bad & PM_PR_SHARED)
		REPORT(c, &b, PAGE_SHARED);
	/* Of noise there is nothing more to say. */
	if (!(t->bad & (PM_PR_PLACE | PM_PR_READ | PM_PR_SHARED | PM_PR_TYPE | PM_PR_CRC)) &&
	    !t->elsewhere)
		report_entries(c, &b);
	if (!b.cause && !t->level && !(t->bad & ~(uint32_t)(PM_PR_EMPTY | PM_PR_SLACK)) &&
	    !model_has(c, tree, t->lo, t->hi))
		b.cause = EMPTY_PAGE;
	if (b.cause)
		pm_check_stop(c, pm_map_put(c->ctx, &c->bad_lo[tree], t->lo, b.cause));
	if (b.cause && b.cause != EMPTY_PAGE && !c->root_serial[tree] && c->an->assembled[tree])
		c->root_serial[tree] = b.cause;
}

/* The page that the header names is not the root: because it is broken, or for another reason. */
static void check_root(struct pm_checker *c, unsigned tree)
{
	const struct pm_header *h = &c->an->header;
	struct pm_tree_page t = {.named = tree ? h->nbt_ib : h->bbt_ib,
				 .bid = tree ? h->nbt_bid : h->bbt_bid,
				 .ptype = tree ? PM_PTYPE_NBT : PM_PTYPE_BBT,
				 .grade = PM_GRADE_LOST,
				 .elsewhere = true};
	struct pm_problem p = {.id = PM_P_TREE_ROOT, .what = tree_name(t.ptype), .offset = t.named};
	uint8_t page[4096];
	enum pm_rc rc;

	/* Of a place where no page can be the header was told; of a broken root the page. */
	if ((!c->an->root_rejected[tree] && !c->an->assembled[tree]) || c->root_serial[tree])
		return;
	rc = pm_image_read(c->ctx, c->an->img, t.named, page, c->f->page);
	if (pm_check_stop(c, rc))
		return;
	t.bad = pm_page_verify(c->f, page, t.named, t.ptype, t.bid);
	t.bad |= (t.bid ? 0 : PM_PR_BID) | (rc ? PM_PR_READ : 0);
	check_page(c, &t);
	p.caused_by = pm_sink_cause(c->sink, PM_CAUSE_PAGE, t.named);
	if (!p.caused_by)
		p.caused_by = c->header_serial;
	c->root_serial[tree] = pm_check_blame(c, PM_CAUSE_PAGE, t.named, &p);
}

/* The lost parts of the trees, in key order; what covers one is its cause. */
static void check_lost(struct pm_checker *c, uint8_t ptype)
{
	const unsigned tree = ptype == PM_PTYPE_NBT;

	for (size_t i = 0; i < c->an->lost.n && !c->rc; i++) {
		const struct pm_key_range *r = &c->an->lost.v[i];
		const struct pm_map_entry *e = pm_map_find(&c->bad_lo[tree], r->lo);
		uint64_t cause = pm_sink_cause(c->sink, PM_CAUSE_PAGE, r->ib);
		struct pm_lost_keys *slot;

		if (r->ptype != ptype)
			continue;
		/* An empty page that is sound has lost nothing. */
		if (e && e->value == EMPTY_PAGE)
			continue;
		if (!cause)
			cause = e ? e->value : c->header_serial;
		slot = pm_vec_push(c->ctx, &c->lost[tree]);
		if (!slot) {
			c->rc = c->ctx->rc;
			return;
		}
		/* Between the leaves of a tree that was put together from them nothing need be missing. */
		if (c->an->assembled[tree] && !r->ib && (r->lo || r->hi < UINT64_MAX - 1)) {
			*slot = (struct pm_lost_keys){r->lo, r->hi, c->root_serial[tree]};
			continue;
		}
		*slot = (struct pm_lost_keys){
			r->lo, r->hi,
			pm_check_blame(c, PM_CAUSE_PAGE, r->ib,
				       &(struct pm_problem){.id = PM_P_TREE_LEAF_LOST,
							    .what = tree_name(ptype),
							    .offset = r->ib,
							    .have = r->lo,
							    .want = r->hi,
							    .caused_by = cause})};
	}
}

/* Ranges by their start, for the search by key. */
static void sort_lost(struct pm_checker *c)
{
	for (unsigned i = 0; i < 2; i++)
		pm_check_stop(c, pm_sort_member(c->ctx, &c->lost[i], lo));
}

static void check_used_leaves(struct pm_checker *c)
{
	for (size_t i = 0; i < c->an->notes.n && !c->rc; i++)
		if (c->an->notes.v[i].kind == PM_NOTE_LEAF_USED)
			PM_REPORT(c, TREE_LEAF_STALE, .what = tree_name(PM_PTYPE_NBT),
				  .offset = c->an->notes.v[i].ib);
}

void pm_check_pages(struct pm_checker *c)
{
	for (size_t i = 0; i < c->an->given_up.n && !c->rc; i++)
		check_page(c, &c->an->given_up.v[i]);
	check_root(c, 0);
	check_root(c, 1);
	for (size_t i = 0; i < c->an->pages.n && !c->rc; i++)
		check_page(c, &c->an->pages.v[i]);
	check_lost(c, PM_PTYPE_BBT);
	check_lost(c, PM_PTYPE_NBT);
	sort_lost(c);
	check_used_leaves(c);
}
