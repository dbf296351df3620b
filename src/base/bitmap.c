/* SPDX-License-Identifier: Apache-2.0 */
/* Bitmaps; see bitmap.h. */
#include "base/bitmap.h"

#include <string.h>

enum pm_rc pm_bitmap_init(struct pm_ctx *ctx, struct pm_bitmap *bm, uint64_t n)
{
	uint64_t words = n / 64 + (n % 64 != 0);

	if (words > SIZE_MAX / sizeof(uint64_t))
		return pm_fail_oom(ctx);
	bm->w = pm_calloc(ctx, (size_t)words, sizeof(uint64_t));
	bm->n = bm->w ? n : 0;
	return bm->w ? PM_OK : PM_ENOMEM;
}

void pm_bitmap_done(struct pm_bitmap *bm)
{
	pm_free(bm->w);
	*bm = (struct pm_bitmap){0};
}

/* The bits of word i that lie in [a, b), which touches that word. */
static uint64_t word_mask(uint64_t i, uint64_t a, uint64_t b)
{
	uint64_t m = UINT64_MAX;

	if (a / 64 == i)
		m &= UINT64_MAX << (a % 64);
	if (b / 64 == i)
		m &= ((uint64_t)1 << (b % 64)) - 1;
	return m;
}

/* Cut to the bitmap; false when nothing is left. */
static bool clip(const struct pm_bitmap *bm, uint64_t a, uint64_t *b)
{
	if (*b > bm->n)
		*b = bm->n;
	return a < *b;
}

void pm_bitmap_set_range(struct pm_bitmap *bm, uint64_t a, uint64_t b)
{
	if (!clip(bm, a, &b))
		return;
	for (uint64_t i = a / 64; i <= (b - 1) / 64; i++)
		bm->w[i] |= word_mask(i, a, b);
}

void pm_bitmap_clear_range(struct pm_bitmap *bm, uint64_t a, uint64_t b)
{
	if (!clip(bm, a, &b))
		return;
	for (uint64_t i = a / 64; i <= (b - 1) / 64; i++)
		bm->w[i] &= ~word_mask(i, a, b);
}

uint64_t pm_bitmap_count(const struct pm_bitmap *bm, uint64_t a, uint64_t b)
{
	uint64_t n = 0;

	if (!clip(bm, a, &b))
		return 0;
	for (uint64_t i = a / 64; i <= (b - 1) / 64; i++)
		n += (uint64_t)__builtin_popcountll(bm->w[i] & word_mask(i, a, b));
	return n;
}

static uint64_t next_bit(const struct pm_bitmap *bm, uint64_t from, uint64_t flip)
{
	uint64_t i = from / 64, w;

	if (from >= bm->n)
		return bm->n;
	w = (bm->w[i] ^ flip) & UINT64_MAX << (from % 64);
	while (!w) {
		if (++i > (bm->n - 1) / 64)
			return bm->n;
		w = bm->w[i] ^ flip;
	}
	/* Bits past the end are clear, so the first clear one is at most bm->n. */
	return i * 64 + (uint64_t)__builtin_ctzll(w);
}

uint64_t pm_bitmap_next_set(const struct pm_bitmap *bm, uint64_t from)
{
	return next_bit(bm, from, 0);
}

uint64_t pm_bitmap_next_clear(const struct pm_bitmap *bm, uint64_t from)
{
	return next_bit(bm, from, UINT64_MAX);
}

bool pm_bitmap_all(const struct pm_bitmap *bm, uint64_t a, uint64_t b)
{
	return a >= b || (b <= bm->n && pm_bitmap_next_clear(bm, a) >= b);
}

bool pm_bitmap_any(const struct pm_bitmap *bm, uint64_t a, uint64_t b)
{
	return clip(bm, a, &b) && pm_bitmap_next_set(bm, a) < b;
}
