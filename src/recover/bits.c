/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages and blocks in which one bit is wrong. Their checksum tells which: a CRC-32 differs in
 * another way for each of the up to 65,000 bits of a block, and whatever else may have happened to
 * it gives one of those differences by a chance of at most 1 in 65,000. What was stored is proved
 * then, not guessed. What differs in more than a bit is left to other evidence.
 *
 * Gathers: the places of such bits, as the sweep meets them; the file with them mended.
 * Needs: trailers in which all but the checksum is right.
 */
#include "recover/internal.h"

#include "base/sort.h"
#include "format/crc.h"
#include "io/view.h"

/* Of the bits found, how many may be there by chance: where much is damaged otherwise, none is
 * believed. */
#define BY_CHANCE 1e-3

/* The n bytes `was`, at the offset `from`, should be `is`: they differ in one byte. */
static enum pm_rc note(struct pm_analysis *an, struct pm_bit x, uint64_t from, const uint8_t *was,
		       const uint8_t *is, size_t n)
{
	struct pm_bit *slot = pm_vec_push(an->ctx, &an->bits);
	size_t at = 0;

	if (!slot)
		return an->ctx->rc;
	while (at + 1 < n && was[at] == is[at])
		at++;
	*slot = x;
	slot->at = from + at;
	slot->was = was[at];
	slot->is = is[at];
	return PM_OK;
}

/* The n bytes have another checksum than `crc`. */
static enum pm_rc in_data(struct pm_analysis *an, struct pm_bit x, const uint8_t *p, size_t n,
			  uint32_t crc)
{
	uint8_t byte;
	size_t bit;

	an->bits_tried[x.found] += 8 * n;
	if (!pm_crc_bit(pm_crc(p, n) ^ crc, n, &bit))
		return PM_OK;
	byte = p[bit / 8] ^ (uint8_t)(1u << bit % 8);
	return note(an, x, x.ib + bit / 8, p + bit / 8, &byte, 1);
}

enum pm_rc pm_bit_of_block(struct pm_analysis *an, const struct pm_block *b, const uint8_t *stored)
{
	const struct pm_format *f = an->db.fmt;
	const uint8_t *t = stored + pm_block_stored(f, b->cb) - f->block_trailer;

	if (an->mended)
		return PM_OK;
	return in_data(
		an,
		(struct pm_bit){.ib = b->ib, .bid = b->bid, .found = (b->flags & PM_BF_FOUND) != 0},
		stored, b->cb, (uint32_t)pm_BLOCKTRAILER_dwCRC(f, t));
}

enum pm_rc pm_bit_of_page(struct pm_analysis *an, pm_ib ib, const uint8_t *page)
{
	const struct pm_format *f = an->db.fmt;
	const uint32_t crc = pm_crc(page, f->page_data), n = f->page - f->page_data;
	struct pm_page_trailer t;
	struct pm_bit x = {.ib = ib};
	uint8_t is[64];

	pm_page_trailer(f, page, &t);
	x.bid = t.bid;
	x.ptype = t.ptype;
	if (an->mended || !t.crc || n > sizeof(is))
		return PM_OK;
	if (__builtin_popcount(t.crc ^ crc) > 1)
		return in_data(an, x, page, f->page_data, t.crc);
	/* It is the checksum itself. */
	memcpy(is, page + f->page_data, n);
	pm_set_PAGETRAILER_dwCRC(f, is, crc);
	return note(an, x, ib + f->page_data, page + f->page_data, is, n);
}

enum pm_rc pm_mend_bits(struct pm_analysis *an, bool *ret_done)
{
	struct pm_view *view;
	size_t n[2] = {0}, kept = 0;
	enum pm_rc rc;

	*ret_done = false;
	if (an->mended) /* once */
		return PM_OK;
	for (size_t i = 0; i < an->bits.n; i++)
		n[an->bits.v[i].found]++;
	for (size_t i = 0; i < an->bits.n; i++) {
		const bool found = an->bits.v[i].found;

		if ((double)an->bits_tried[found] / UINT32_MAX <= BY_CHANCE * (double)n[found])
			an->bits.v[kept++] = an->bits.v[i];
	}
	an->bits.n = kept;
	if (!kept)
		return PM_OK;
	rc = pm_sort_member(an->ctx, &an->bits, at);
	if (rc == PM_OK)
		rc = pm_view_new(an->ctx, an->img, &view);
	if (rc)
		return rc;
	an->mended = pm_view_image(view);
	for (size_t i = 0; i < an->bits.n && rc == PM_OK; i++)
		rc = pm_view_put(view, an->bits.v[i].at, &an->bits.v[i].is, 1);
	an->img = an->db.img = an->mended;
	an->swept = false;
	*ret_done = rc == PM_OK;
	return rc;
}

void pm_mark_bits(struct pm_analysis *an)
{
	/* The upper half of the id in its trailer may have been hit, too (cut_ids). */
	for (size_t i = 0; i < an->bits.n; i++)
		if (!pm_ndb_find_block(&an->db, an->bits.v[i].bid) &&
		    pm_ndb_find_block(&an->db, (uint32_t)an->bits.v[i].bid))
			an->bits.v[i].bid = (uint32_t)an->bits.v[i].bid;
	for (size_t k = 0; k < an->pages.n && an->bits.n; k++) {
		const pm_ib ib = an->pages.v[k].ib;

		for (size_t i = pm_lower_member(&an->bits, at, ib);
		     i < an->bits.n && an->bits.v[i].at < ib + an->db.fmt->page; i++)
			an->bits.v[i].in_tree |= an->bits.v[i].ib == ib;
	}
}

bool pm_bit_in_use(const struct pm_analysis *an, const struct pm_bit *x)
{
	const struct pm_block *b = x->ptype ? NULL : pm_ndb_find_block(&an->db, x->bid);

	return an->mended && (x->ptype ? x->in_tree : b && b->ib == x->ib);
}

size_t pm_analysis_mended_bits(const struct pm_analysis *an)
{
	size_t n = 0;

	for (size_t i = 0; i < an->bits.n; i++)
		n += pm_bit_in_use(an, &an->bits.v[i]);
	return n;
}
