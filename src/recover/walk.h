/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk of one tree: between walk.c (its pages, from the root down) and roots.c (which page is the
 * root, which leaves live without one).
 */
#ifndef PM_RECOVER_WALK_H
#define PM_RECOVER_WALK_H

#include "recover/internal.h"

#define LEVEL_MAX 8
#define FAN_MAX   340 /* above the largest capacity of any page */
#define KEY_END   UINT64_MAX

struct pm_walk {
	struct pm_analysis *an;
	const struct pm_format *f;
	uint8_t ptype;
	struct pm_map seen; /* offsets of pages whose content was used */
	bool clean;
	/* Pages often lie in the order of their keys: then several are read at once. */
	pm_ib next;     /* behind the last page read */
	uint64_t at, n; /* of the window in the file */
	uint8_t window[32 << 10];
	pm_ib only_leaf; /* the root, where it is a leaf with a wrong checksum; else 0 */
};

/* Leaves that may live, newest first. */
struct pm_leaves {
	PM_VEC(const struct pm_page_fact *) v;
	uint8_t *old;    /* by their index among the facts: it is of another day */
	uint64_t *until; /* likewise: the first key that it does not decide on */
};

/* walk.c: read the page, and what is wrong with it as that of this id (pm_page_rule). */
enum pm_rc pm_walk_load(struct pm_walk *w, pm_ib ib, pm_bid bid, uint8_t *page,
			uint32_t *ret_bad) PM_MUST_CHECK;
enum pm_grade pm_page_grade(uint32_t bad);

/* roots.c: the newest allocated page that no other contains and that has the highest level; NULL: none. */
enum pm_rc pm_find_root(struct pm_walk *w, const struct pm_page_fact **ret) PM_MUST_CHECK;
/* The header's root: usable, and not part of a larger tree? */
enum pm_rc pm_root_fits(struct pm_walk *w, pm_bid bid, pm_ib ib, bool *ret) PM_MUST_CHECK;
/* Are there live leaves that the tree under a found root, which was walked, does not reach? */
enum pm_rc pm_leaves_outside(struct pm_walk *w, bool *ret) PM_MUST_CHECK;
/* The leaves of a tree without a root. */
enum pm_rc pm_live_leaves(struct pm_walk *w, struct pm_leaves *ret) PM_MUST_CHECK;
void pm_leaves_done(struct pm_leaves *l);

#endif
