/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of the block tree that name a wrong place, of blocks that have lost their trailers: a leaf of an
 * older day may name the right one, since a block never moves and an id never stands for two contents.
 *
 * Gathers: such blocks, in doubt (PM_BF_SUSPECT) where nothing of their trailer speaks for them.
 * Needs: what is known of places (gaps.c); the page facts of the sweep.
 */
#include "recover/gaps.h"

/* What the youngest other leaf says of one that is missing. */
struct word {
	size_t index; /* in db.blocks */
	struct pm_bt_entry e;
	pm_bid page; /* 0: none does */
};

struct past {
	struct pm_gaps *g;
	struct pm_map index; /* id -> index of its word */
	PM_VEC(struct word) words;
	pm_bid page; /* of the leaf at hand */
	struct pm_rangeset claimed;
};

static enum pm_rc ask(struct past *p)
{
	struct pm_analysis *an = p->g->an;

	for (size_t i = 0; i < an->db.blocks.n && !an->ctx->rc; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];
		struct word *w;

		if (!pm_block_absent(b) || pm_map_put(an->ctx, &p->index, b->bid, p->words.n))
			continue;
		w = pm_vec_push(an->ctx, &p->words);
		if (w)
			w->index = i;
	}
	return an->ctx->rc;
}

static enum pm_rc hear(void *arg, const struct pm_bt_entry *e)
{
	struct past *p = arg;
	const struct pm_map_entry *i = pm_map_find(&p->index, e->key);
	struct word *w = i ? &p->words.v[i->value] : NULL;
	const struct pm_block *b = w ? &p->g->an->db.blocks.v[w->index] : NULL;

	/* The same place once more is what the entry says itself. */
	if (w && e->cb && p->page > w->page && (e->ib != b->ib || e->cb != b->cb)) {
		w->e = *e;
		w->page = p->page;
	}
	return PM_OK;
}

static enum pm_rc hear_all(struct past *p)
{
	struct pm_analysis *an = p->g->an;
	enum pm_rc rc = PM_OK;

	pm_mark_in_tree(an); /* these say what the entries say */
	for (size_t i = 0; i < an->facts.n && rc == PM_OK; i++) {
		const struct pm_page_fact *f = &an->facts.v[i];

		p->page = f->bid;
		if (f->ptype == PM_PTYPE_BBT && !f->level && !f->in_tree)
			rc = pm_walk_leaf(an, f->ib, PM_PTYPE_BBT, false, hear, p);
	}
	return rc;
}

/* Where those of which no leaf says anything else are said to be. */
static enum pm_rc claim(struct past *p)
{
	struct pm_analysis *an = p->g->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < p->words.n && rc == PM_OK; i++) {
		const struct pm_block *b = &an->db.blocks.v[p->words.v[i].index];

		if (!p->words.v[i].page && b->cb <= an->db.fmt->data_max)
			rc = pm_rangeset_add(an->ctx, &p->claimed, b->ib,
					     b->ib + pm_block_stored(an->db.fmt, b->cb));
	}
	return rc;
}

/* Is there room for it at that place, and does what lies there have that size, if it tells? */
static enum pm_rc follow(struct past *p, const struct word *w, const struct pm_rangeset *used,
			 bool *ret_any)
{
	struct pm_gaps *g = p->g;
	const struct pm_format *f = g->an->db.fmt;
	struct pm_missing there = {
		.b = g->an->db.blocks.v[w->index], .index = w->index, .at = w->e.ib, .cb = w->e.cb};
	const uint64_t end = w->page ? w->e.ib + pm_block_stored(f, w->e.cb) : 0;
	uint32_t told = 0;
	enum pm_rc rc = PM_OK;

	if (!w->page || w->e.cb > f->data_max || w->e.ib % f->unit || end > g->an->img->size ||
	    pm_rangeset_overlaps(used, w->e.ib, end) ||
	    pm_rangeset_overlaps(&p->claimed, w->e.ib, end) ||
	    !pm_analysis_allocated(g->an, w->e.ib, end - w->e.ib))
		return PM_OK;
	there.b.cb_inflated = w->e.cb_inflated;
	if (w->e.cb == w->e.cb_inflated)
		rc = pm_gap_size_told(g, &there, there.at, there.cb, &told);
	if (rc || (told && told != there.cb))
		return rc;
	*ret_any = true;
	return pm_gap_take(g, &there);
}

enum pm_rc pm_gap_by_older(struct pm_gaps *g, const struct pm_rangeset *used, bool *ret_any)
{
	struct past p = {.g = g};
	enum pm_rc rc = ask(&p);

	if (rc == PM_OK && p.words.n)
		rc = hear_all(&p);
	if (rc == PM_OK)
		rc = claim(&p);
	for (size_t i = 0; i < p.words.n && rc == PM_OK; i++)
		rc = follow(&p, &p.words.v[i], used, ret_any);
	pm_vec_done(&p.words);
	pm_map_done(&p.index);
	pm_rangeset_done(&p.claimed);
	return rc;
}
