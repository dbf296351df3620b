/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks that have lost their trailers, and whose entries name a wrong place or are gone with their leaf: a leaf of
 * an older day may name the right one, since a block never moves and an id never stands for two contents.
 *
 * Gathers: such blocks, in doubt (PM_BF_SUSPECT) where nothing of their trailer speaks for them.
 * Needs: what is known of places (gaps.c); the page facts of the sweep.
 */
#include "recover/gaps.h"

#include "base/sort.h"

/* What the youngest other leaf says of one that is missing. */
struct word {
	size_t index; /* in db.blocks, SIZE_MAX: it is named, and has no entry */
	pm_bid bid;
	struct pm_bt_entry e;
	pm_bid page; /* 0: none does */
};

struct past {
	struct pm_gaps *g;
	PM_VEC(struct word) words;  /* ascending by id */
	pm_bid page;                /* of the leaf at hand */
	struct pm_rangeset claimed; /* places that are another's, or were given to one */
};

static enum pm_rc ask(struct past *p, pm_bid bid, size_t index)
{
	struct word *w = pm_vec_push(p->g->an->ctx, &p->words);

	if (!w)
		return p->g->an->ctx->rc;
	*w = (struct word){.index = index, .bid = bid};
	return PM_OK;
}

static enum pm_rc ask_all(struct past *p)
{
	const struct pm_analysis *an = p->g->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++)
		if (pm_block_absent(&an->db.blocks.v[i]))
			rc = ask(p, an->db.blocks.v[i].bid, i);
	for (size_t i = 0; i < an->missing.n && rc == PM_OK; i++)
		rc = ask(p, an->missing.v[i].key, SIZE_MAX);
	return rc ? rc : pm_sort_member(an->ctx, &p->words, bid);
}

/* As its entry has it; NULL: there is none. */
static const struct pm_block *entry_of(const struct past *p, const struct word *w)
{
	return w->index == SIZE_MAX ? NULL : &p->g->an->db.blocks.v[w->index];
}

static enum pm_rc hear(void *arg, const struct pm_bt_entry *e)
{
	struct past *p = arg;
	const size_t i = pm_lower_member(&p->words, bid, e->key);
	struct word *w = i < p->words.n && p->words.v[i].bid == e->key ? &p->words.v[i] : NULL;
	const struct pm_block *b = w ? entry_of(p, w) : NULL;

	/* The same place once more is what the entry says itself. */
	if (w && e->cb && p->page > w->page && (!b || e->ib != b->ib || e->cb != b->cb)) {
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
		const size_t k = pm_lower_member(&p->words, bid, f->first);

		if (f->ptype != PM_PTYPE_BBT || f->level || f->in_tree || k >= p->words.n ||
		    p->words.v[k].bid > f->last)
			continue;
		p->page = f->bid;
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
		const struct pm_block *b = entry_of(p, &p->words.v[i]);

		if (b && !p->words.v[i].page && b->cb <= an->db.fmt->data_max)
			rc = pm_rangeset_add(an->ctx, &p->claimed, b->ib,
					     b->ib + pm_block_stored(an->db.fmt, b->cb));
	}
	return rc;
}

/* Does a block stand there that is right, and another? The place was used again then. */
static enum pm_rc used_again(struct past *p, const struct pm_missing *m, bool *ret)
{
	struct pm_analysis *an = p->g->an;
	struct pm_block b = m->b;
	enum pm_rc rc;

	b.ib = m->at;
	b.cb = (uint16_t)m->cb;
	b.flags = 0;
	pm_buf_clear(&p->g->buf);
	rc = pm_ndb_read_entry(&an->db, &b, &p->g->buf);
	*ret = b.flags & PM_BF_BID && !(b.flags & (PM_BF_CRC | PM_BF_SIG | PM_BF_READ));
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Is there room for it at that place, and does what lies there have that size, if it tells? */
static enum pm_rc follow(struct past *p, const struct word *w, const struct pm_rangeset *used,
			 bool *ret_any)
{
	struct pm_gaps *g = p->g;
	const struct pm_format *f = g->an->db.fmt;
	const struct pm_block *b = entry_of(p, w);
	struct pm_missing there = {.b = b ? *b : (struct pm_block){.bid = w->bid},
				   .index = w->index,
				   .at = w->e.ib,
				   .cb = w->e.cb,
				   .nameless = !b};
	const uint64_t end = w->page ? w->e.ib + pm_block_stored(f, w->e.cb) : 0;
	uint32_t told = 0;
	bool again = false;
	enum pm_rc rc = PM_OK;

	if (!w->page || w->e.cb > f->data_max || w->e.ib % f->unit || end > g->an->img->size ||
	    pm_rangeset_overlaps(used, w->e.ib, end) ||
	    pm_rangeset_overlaps(&p->claimed, w->e.ib, end) ||
	    !pm_analysis_allocated(g->an, w->e.ib, end - w->e.ib))
		return PM_OK;
	there.b.cb_inflated = w->e.cb_inflated;
	if (w->e.cb == w->e.cb_inflated)
		rc = pm_gap_size_told(g, &there, there.at, there.cb, &told);
	if (rc == PM_OK)
		rc = used_again(p, &there, &again);
	if (rc || again || (told && told != there.cb))
		return rc;
	*ret_any = true;
	if (!b)
		pm_map_delete(&g->an->missing, w->bid);
	rc = pm_rangeset_add(g->an->ctx, &p->claimed, w->e.ib, end);
	return rc ? rc : pm_gap_take(g, &there);
}

enum pm_rc pm_gap_by_older(struct pm_gaps *g, const struct pm_rangeset *used, bool *ret_any)
{
	struct past p = {.g = g};
	enum pm_rc rc = ask_all(&p);

	if (rc == PM_OK && p.words.n)
		rc = hear_all(&p);
	if (rc == PM_OK)
		rc = claim(&p);
	for (size_t i = 0; i < p.words.n && rc == PM_OK; i++)
		rc = follow(&p, &p.words.v[i], used, ret_any);
	pm_vec_done(&p.words);
	pm_rangeset_done(&p.claimed);
	return rc;
}
