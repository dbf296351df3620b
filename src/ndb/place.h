/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Things in the order of their places, eight bytes each: the unit in which one begins, and its index
 * among its like. Of a file with ten million blocks that is all that can be sorted in memory.
 */
#ifndef PM_NDB_PLACE_H
#define PM_NDB_PLACE_H

#include "base/sort.h"
#include "format/variant.h"

/* Can all places of a file of this size be told apart? */
static inline bool pm_place_fits(const struct pm_format *f, uint64_t size)
{
	return size / f->unit < UINT32_MAX;
}

/* What is behind the last place that there can be comes last, in no order. */
static inline uint64_t pm_place_make(const struct pm_format *f, uint64_t ib, size_t index)
{
	const uint64_t unit = ib / f->unit;

	return (unit < UINT32_MAX ? unit : UINT32_MAX) << 32 | (uint32_t)index;
}

/* Such, made with ascending indices, in the order of their places. */
static inline enum pm_rc pm_places_sort(struct pm_ctx *ctx, uint64_t *v, size_t n)
{
	return pm_sort_high(ctx, v, n);
}

static inline size_t pm_place_index(uint64_t place)
{
	return (uint32_t)place;
}

#endif
