/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting of large arrays of structs by an integer member. */
#ifndef PM_BASE_SORT_H
#define PM_BASE_SORT_H

#include "base/mem.h"

/*
 * Sort n items of `size` bytes by the uint64_t (of this machine's byte order) at byte
 * `key_off` of each; stable, linear time. Takes a second array of the same size while it
 * works (none when the items are few or already sorted). PM_OK or PM_ENOMEM (unchanged then).
 */
enum pm_rc pm_sort_u64(struct pm_ctx *ctx, void *v, size_t n, size_t size, size_t key_off);

/* pm_sort_member(ctx, vec, member): sort a PM_VEC by a uint64_t member of its type. */
#define pm_sort_member(ctx, vec, member)                                                           \
	pm_sort_u64((ctx), (vec)->v, (vec)->n, sizeof(*(vec)->v),                                  \
		    __builtin_offsetof(__typeof__(*(vec)->v), member))

#endif
