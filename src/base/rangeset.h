/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of uint64 values as sorted, disjoint, merged half-open ranges [a, b).
 * Good for tens of millions of ranges in any order; adding in ascending order is fastest.
 * Reading never fails and never changes the set. An empty range (a >= b) is no range:
 * adding or removing it does nothing, it is contained in every set and overlaps none.
 * UINT64_MAX itself can't be a member.
 */
#ifndef PM_BASE_RANGESET_H
#define PM_BASE_RANGESET_H

#include "base/seq.h"

struct pm_range {
	uint64_t start, end;
};

/* {0} is an empty set. */
struct pm_rangeset {
	struct pm_seq seq; /* of struct pm_range */
	uint64_t total;
};

/* PM_OK or PM_ENOMEM; then the set is unchanged. */
enum pm_rc pm_rangeset_add(struct pm_ctx *ctx, struct pm_rangeset *rs, uint64_t a, uint64_t b);
/* Removing can split a range, so it too can run out of memory. */
enum pm_rc pm_rangeset_remove(struct pm_ctx *ctx, struct pm_rangeset *rs, uint64_t a, uint64_t b);

bool pm_rangeset_contains(const struct pm_rangeset *rs, uint64_t a, uint64_t b); /* all of it */
bool pm_rangeset_overlaps(const struct pm_rangeset *rs, uint64_t a, uint64_t b); /* any of it */

/* The whole range that holds `at`. */
bool pm_rangeset_find(const struct pm_rangeset *rs, uint64_t at, struct pm_range *ret);

/*
 * The first range, or the first gap between ranges, in the window [from, limit), cut to
 * that window; false when there is none. All of them:
 *	for (at = 0; pm_rangeset_next(rs, at, UINT64_MAX, &r); at = r.end)
 */
bool pm_rangeset_next(const struct pm_rangeset *rs, uint64_t from, uint64_t limit,
		      struct pm_range *ret);
bool pm_rangeset_next_gap(const struct pm_rangeset *rs, uint64_t from, uint64_t limit,
			  struct pm_range *ret);

/* How many values of [a, b) are in the set; walks the ranges of that window. */
uint64_t pm_rangeset_count_in(const struct pm_rangeset *rs, uint64_t a, uint64_t b);

static inline uint64_t pm_rangeset_total(const struct pm_rangeset *rs) /* values in the set */
{
	return rs->total;
}

static inline uint64_t pm_rangeset_ranges(const struct pm_rangeset *rs) /* number of ranges */
{
	return rs->seq.n;
}

void pm_rangeset_done(struct pm_rangeset *rs); /* frees; the set is empty and usable again */

#endif
