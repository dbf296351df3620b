/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting of large arrays of structs by an integer member, and searching in them. */
#ifndef PM_BASE_SORT_H
#define PM_BASE_SORT_H

#include "base/mem.h"

#include <stdint.h>
#include <string.h>

/*
 * Sort n items of `size` bytes by the uint64_t (of this machine's byte order) at byte
 * `key_off` of each; stable, linear time. Takes a second array of the same size while it
 * works (none when the items are few or already sorted). PM_OK or PM_ENOMEM (unchanged then).
 */
enum pm_rc pm_sort_u64(struct pm_ctx *ctx, void *v, size_t n, size_t size, size_t key_off);

/* The same of plain numbers by their upper 32 bits alone: in half the time. Where these are equal the lower
 * ones must ascend. Many are sorted in place. */
enum pm_rc pm_sort_high(struct pm_ctx *ctx, uint64_t *v, size_t n);

/* pm_sort_member(ctx, vec, member): sort a PM_VEC by a uint64_t member of its type. */
#define pm_sort_member(ctx, vec, member)                                                           \
	pm_sort_u64((ctx), (vec)->v, (vec)->n, sizeof(*(vec)->v),                                  \
		    __builtin_offsetof(__typeof__(*(vec)->v), member))

/* The index of the first of n items of `size` bytes, ascending by the number of `width` (4 or 8) bytes at byte `key_off` of
 * each, of which that number is not below `key`; n: none. */
static inline size_t pm_lower(const void *v, size_t n, size_t size, size_t key_off, size_t width,
			      uint64_t key)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const uint8_t *at = (const uint8_t *)v + mid * size + key_off;
		uint64_t there;
		uint32_t small;

		if (width == sizeof(small)) {
			memcpy(&small, at, sizeof(small));
			there = small;
		} else {
			memcpy(&there, at, sizeof(there));
		}
		if (there < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* pm_lower_member(vec, member, key): of a PM_VEC that is sorted by a uint32_t or uint64_t member of its type. */
#define pm_lower_member(vec, member, key)                                                          \
	pm_lower((vec)->v, (vec)->n, sizeof(*(vec)->v),                                            \
		 __builtin_offsetof(__typeof__(*(vec)->v), member), sizeof((vec)->v->member),      \
		 (key))

#endif
