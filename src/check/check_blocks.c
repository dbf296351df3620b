/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks one by one [MS-PST 2.2.2.8.1] and the entries that name them.
 *
 * Checks: entries of the block tree; size, id, signature, checksum of each block.
 * Gathers: which blocks are bad (tainted), and what to blame on them.
 * Needs: the analysis' blocks as the sweep verified them, its notes.
 */
#include "check/internal.h"

/* Without this the content is not what was stored. */
#define BAD (PM_BF_CRC | PM_BF_READ | PM_BF_INFLATE | PM_BF_SUSPECT | PM_BF_LOST)

#define BLAME(c, b, symbol, ...)                                                                   \
	blame((c), (b),                                                                            \
	      &(struct pm_problem){                                                                \
		      .id = PM_P_##symbol, .bid = (b)->bid, .offset = (b)->ib, ##__VA_ARGS__})

/* All of a block after the first follows from it. */
static void blame(struct pm_checker *c, const struct pm_block *b, struct pm_problem *p)
{
	p->caused_by = pm_sink_cause(c->sink, PM_CAUSE_BLOCK, b->bid);
	pm_check_blame(c, PM_CAUSE_BLOCK, b->bid, p);
}

/* Why a block has no entry: its part of the tree is lost, or another, that gave it a wrong key. */
static uint64_t entry_cause(const struct pm_checker *c, pm_bid bid)
{
	uint64_t serial = pm_check_lost_cause(c, 0, bid);

	return serial || !c->lost[0].n ? serial : c->lost[0].v[0].serial;
}

/* An entry that can't be, whatever lies where it points. */
static bool check_entry(struct pm_checker *c, const struct pm_block *b)
{
	uint64_t end = b->ib + pm_block_stored(c->f, b->cb);
	bool good = true;

	if (!b->bid) {
		BLAME(c, b, BLOCK_ENTRY, .what = "the id", .have = 0);
		good = false;
	}
	if (!b->cb || b->cb > c->f->data_max) {
		BLAME(c, b, BLOCK_ENTRY, .what = "the size", .have = b->cb);
		good = false;
	}
	if (b->ib % c->f->unit) {
		BLAME(c, b, BLOCK_ENTRY, .what = "the place", .have = b->ib);
		good = false;
	}
	if (good && (b->ib < c->f->amap_first || end < b->ib || end > c->end)) {
		BLAME(c, b, BLOCK_OUTSIDE, .size = b->cb);
		good = end > b->ib && end <= pm_image_size(c->an->img);
	}
	return good;
}

/* Nothing at this place reminds of the block: zeros, or something else. */
static bool gone(const struct pm_block *b)
{
	return b->flags & PM_BF_LOST ||
	       (b->flags & PM_BF_CRC && b->flags & PM_BF_BID && b->flags & PM_BF_SIG);
}

/* What lies there is taken for it, for want of another place: by the room that is left. */
static bool guessed(const struct pm_block *b)
{
	return b->flags & PM_BF_SUSPECT && !(b->flags & PM_BF_LOST);
}

static void check_content(struct pm_checker *c, const struct pm_block *b)
{
	if (b->flags & PM_BF_READ) {
		BLAME(c, b, BLOCK_UNREADABLE, .size = b->cb);
		return;
	}
	if (gone(b) || (b->flags & PM_BF_SUSPECT && b->flags & PM_BF_BID)) {
		BLAME(c, b, BLOCK_LOST, .size = b->cb,
		      .what = guessed(b) ? "its trailer is gone, what lies there is taken for it"
					 : "its content is gone");
		return;
	}
	if (b->flags & PM_BF_CRC)
		BLAME(c, b, BLOCK_CRC, .size = b->cb);
	if (b->flags & PM_BF_CB)
		BLAME(c, b, BLOCK_TRAILER_SIZE, .what = "the size");
	if (b->flags & PM_BF_CB_INFL)
		BLAME(c, b, BLOCK_TRAILER_SIZE, .what = "the inflated size");
	if (b->flags & PM_BF_BID)
		BLAME(c, b, BLOCK_TRAILER_BID);
	if (b->flags & PM_BF_CRC_FLIP)
		BLAME(c, b, BLOCK_TRAILER_CRC);
	if (b->flags & PM_BF_SIG)
		BLAME(c, b, BLOCK_SIGNATURE);
	if (b->flags & PM_BF_INFLATE)
		BLAME(c, b, BLOCK_INFLATE, .size = b->cb_inflated);
}

/* The entry as it stood in the tree: where it pointed (ib) and its size (have). */
static void moved(const struct pm_checker *c, const struct pm_note *n, struct pm_problem *p)
{
	p->offset = n->ib;
	p->have = n->ib;
	p->want = n->want;
	if (!n->have || n->have > c->f->data_max) {
		p->id = PM_P_BLOCK_ENTRY;
		p->what = "the size";
		p->have = n->have;
	} else if (n->ib == n->want) {
		const struct pm_block *b = pm_ndb_find_block(&c->an->db, n->key);

		p->id = PM_P_BLOCK_ENTRY;
		p->what = b && b->cb != n->have ? "the size" : "the id";
		p->have = b && b->cb != n->have ? n->have : 0;
	} else if (n->ib % c->f->unit) {
		p->id = PM_P_BLOCK_ENTRY;
		p->what = "the place";
	} else if (n->ib < c->f->amap_first || n->ib >= c->end ||
		   pm_block_stored(c->f, (uint32_t)n->have) > c->end - n->ib) {
		p->id = PM_P_BLOCK_OUTSIDE;
		p->size = n->have;
	} else {
		p->id = PM_P_BLOCK_MOVED;
	}
}

/* What the analysis found out about entries of the block tree. */
static void check_notes(struct pm_checker *c)
{
	for (size_t i = 0; i < c->an->notes.n && !c->rc; i++) {
		const struct pm_note *n = &c->an->notes.v[i];
		struct pm_problem p = {.bid = n->key};

		if (n->kind == PM_NOTE_BLOCK_MOVED) {
			moved(c, n, &p);
		} else if (n->kind == PM_NOTE_BLOCK_DOUBLE) {
			p.id = PM_P_BLOCK_DOUBLE;
			p.offset = n->ib;
		} else {
			continue;
		}
		p.caused_by = pm_check_block_cause(c, n->key);
		pm_check_blame(c, PM_CAUSE_BLOCK, n->key, &p);
	}
}

void pm_check_blocks(struct pm_checker *c)
{
	check_notes(c);
	for (size_t i = 0; i < c->an->db.blocks.n && !c->rc; i++) {
		const struct pm_block *b = &c->an->db.blocks.v[i];

		if (b->flags & PM_BF_FOUND)
			pm_check_blame(c, PM_CAUSE_BLOCK, b->bid,
				       &(struct pm_problem){.id = PM_P_BLOCK_FOUND,
							    .bid = b->bid,
							    .offset = b->ib,
							    .caused_by = entry_cause(c, b->bid)});
		if (check_entry(c, b))
			check_content(c, b);
		/* What may be another item's is no fault of its own, but not whole either. */
		if (b->flags & (BAD | PM_BF_CROWDED))
			pm_bitmap_set(&c->tainted, i);
	}
}
