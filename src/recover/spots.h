/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages with a right checksum at any byte of the file, not only where pages may be: what is left of
 * trees and maps where bytes were inserted or removed.
 */
#ifndef PM_RECOVER_SPOTS_H
#define PM_RECOVER_SPOTS_H

#include "recover/analysis.h"

struct pm_spot {
	uint64_t at;
	pm_bid bid;
	uint8_t ptype, level; /* an allocation map, or a page of a tree */
	size_t bytes;         /* of an index page (level above 0): where its bytes are in `pages` */
};

struct pm_spots {
	PM_VEC(struct pm_spot) v; /* in the order of their places */
	struct pm_buf pages;
};

/* Those around `where`, NULL: in all of the file. In threads. PM_OK or an error; to be done with in
 * both cases. */
enum pm_rc pm_find_spots(struct pm_analysis *an, const struct pm_rangeset *where,
			 struct pm_spots *ret) PM_MUST_CHECK;
void pm_spots_done(struct pm_spots *s);

#endif
