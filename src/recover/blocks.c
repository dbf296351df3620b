/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block table: tree entries settled against the blocks themselves.
 *
 * Checks: doubles; entries that do not fit the block at their place.
 * Gathers: one entry a block id, at the place where its trailer proves it to be.
 * Needs: the walk, the sweep.
 */
#include "recover/internal.h"

#include "base/sort.h"

#define NOT_HERE (PM_BF_BID | PM_BF_CB | PM_BF_SIG | PM_BF_READ | PM_BF_LOST)

static const struct pm_block *found(const struct pm_analysis *an, pm_bid bid)
{
	size_t lo = 0, hi = an->found.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (an->found.v[mid].bid < bid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < an->found.n && an->found.v[lo].bid == bid ? &an->found.v[lo] : NULL;
}

/* How well an entry fits what lies at its place; larger is better. */
static unsigned fit(const struct pm_block *b)
{
	unsigned n = 0;

	if (b->flags & PM_BF_LOST)
		return 0;
	n += !(b->flags & PM_BF_BID) * 4u;
	n += !(b->flags & PM_BF_CRC) * 2u;
	n += !(b->flags & (PM_BF_SIG | PM_BF_CB));
	return n + 1;
}

static enum pm_rc settle_one(struct pm_analysis *an, struct pm_block *b)
{
	const struct pm_block *f;

	if (!(b->flags & (NOT_HERE | PM_BF_CRC)))
		return PM_OK;
	f = found(an, b->bid);
	/* The block with this id lies elsewhere, or here with another size: its own trailer and
	 * checksum outweigh the entry. */
	if (f) {
		enum pm_rc rc = pm_note(an, PM_NOTE_BLOCK_MOVED, b->bid, b->ib, b->cb, f->ib);
		uint16_t cref = b->cref;

		*b = *f;
		b->cref = cref;
		b->flags = f->flags & (uint16_t)~PM_BF_FOUND;
		return rc;
	}
	return PM_OK;
}

enum pm_rc pm_settle_blocks(struct pm_analysis *an)
{
	struct pm_block *v;
	size_t n = 0;
	enum pm_rc rc = pm_sort_member(an->ctx, &an->db.blocks, bid);

	v = an->db.blocks.v;
	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++) {
		if (n && v[n - 1].bid == v[i].bid) {
			rc = pm_note(an, PM_NOTE_BLOCK_DOUBLE, v[i].bid, v[i].ib, v[n - 1].ib, 0);
			if (fit(&v[i]) > fit(&v[n - 1]))
				v[n - 1] = v[i];
			continue;
		}
		v[n++] = v[i];
	}
	an->db.blocks.n = n;
	for (size_t i = 0; i < n && rc == PM_OK; i++)
		rc = settle_one(an, &v[i]);
	return rc;
}

/* Take every found block into the table: the references will tell which of them live. */
enum pm_rc pm_merge_found(struct pm_analysis *an)
{
	size_t n = an->db.blocks.n;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->found.n && rc == PM_OK; i++) {
		const struct pm_block *f = &an->found.v[i];
		struct pm_block *b;

		if (i && an->found.v[i - 1].bid == f->bid)
			continue;
		/* Only below n is the table sorted. */
		b = NULL;
		for (size_t lo = 0, hi = n; lo < hi;) {
			size_t mid = lo + (hi - lo) / 2;

			if (an->db.blocks.v[mid].bid == f->bid)
				b = &an->db.blocks.v[mid];
			if (b)
				break;
			if (an->db.blocks.v[mid].bid < f->bid)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (b)
			continue;
		b = pm_vec_push(an->ctx, &an->db.blocks);
		if (!b)
			return an->ctx->rc;
		*b = *f;
	}
	return pm_sort_member(an->ctx, &an->db.blocks, bid);
}

/* Look at the block under this entry: flags and kind. */
static enum pm_rc look(struct pm_analysis *an, struct pm_block *e, struct pm_buf *b)
{
	enum pm_rc rc;

	if (e->flags & PM_BF_LOST)
		return PM_OK;
	pm_buf_clear(b);
	rc = pm_ndb_read_entry(&an->db, e, b);
	if (pm_is_error(rc))
		return rc;
	if (!pm_bid_internal(e->bid))
		e->flags = (uint16_t)((e->flags & ~PM_BF_KIND) | pm_block_kind(b->p, b->n));
	return PM_OK;
}

enum pm_rc pm_look_at_blocks(struct pm_analysis *an, bool all)
{
	struct pm_buf b = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++)
		if (all || !(an->db.blocks.v[i].flags & PM_BF_CHECKED))
			rc = look(an, &an->db.blocks.v[i], &b);
	pm_buf_done(&b);
	return rc;
}
