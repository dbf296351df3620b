/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain bitmap of fixed length. Ranges are half-open [a, b); what lies past the end is
 * ignored: it can't be set, reads as clear, and is not found by the next_ functions.
 */
#ifndef PM_BASE_BITMAP_H
#define PM_BASE_BITMAP_H

#include "base/mem.h"

struct pm_bitmap {
	uint64_t *w;
	uint64_t n; /* bits */
};

enum pm_rc pm_bitmap_init(struct pm_ctx *ctx, struct pm_bitmap *bm, uint64_t n); /* all clear */
void pm_bitmap_done(struct pm_bitmap *bm);

static inline bool pm_bitmap_test(const struct pm_bitmap *bm, uint64_t i)
{
	return i < bm->n && (bm->w[i / 64] >> (i % 64) & 1);
}

/* False when it was set before: one call is a visited test. */
static inline bool pm_bitmap_set(struct pm_bitmap *bm, uint64_t i)
{
	if (i >= bm->n || pm_bitmap_test(bm, i))
		return false;
	bm->w[i / 64] |= (uint64_t)1 << (i % 64);
	return true;
}

static inline void pm_bitmap_clear(struct pm_bitmap *bm, uint64_t i)
{
	if (i < bm->n)
		bm->w[i / 64] &= ~((uint64_t)1 << (i % 64));
}

void pm_bitmap_set_range(struct pm_bitmap *bm, uint64_t a, uint64_t b);
void pm_bitmap_clear_range(struct pm_bitmap *bm, uint64_t a, uint64_t b);
uint64_t pm_bitmap_count(const struct pm_bitmap *bm, uint64_t a, uint64_t b); /* set ones */

/* All of a range set / any of it set; of an empty range: true / false. */
bool pm_bitmap_all(const struct pm_bitmap *bm, uint64_t a, uint64_t b);
bool pm_bitmap_any(const struct pm_bitmap *bm, uint64_t a, uint64_t b);

/* The first set / clear bit at `from` or later; bm->n when there is none. */
uint64_t pm_bitmap_next_set(const struct pm_bitmap *bm, uint64_t from);
uint64_t pm_bitmap_next_clear(const struct pm_bitmap *bm, uint64_t from);

#endif
