/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sound file, whole in memory: where its pages, blocks and nodes are. The corruption tool
 * names places by it. The walk is strict: what is not right by the rules is an error, since a
 * recipe that starts from a damaged seed would damage something else than it says.
 */
#ifndef PM_TOOLS_WHOLE_H
#define PM_TOOLS_WHOLE_H

#include "ndb/header.h"
#include "ndb/page.h"
#include "ndb/tree.h"

/* A page of a B-tree. */
struct pm_seed_page {
	pm_ib ib;
	pm_bid bid;
	uint64_t key; /* its first key */
	uint8_t ptype, level;
	unsigned cent;
	size_t up;    /* index of the parent in the vector; itself for the root */
	unsigned upi; /* its entry there */
};

struct pm_whole {
	struct pm_ctx *ctx;
	uint8_t *p;
	size_t n;
	const struct pm_format *fmt;
	struct pm_header header;
	PM_VEC(struct pm_seed_page) pages; /* both trees, each page before those below it */
	struct pm_image *img;
	struct pm_ndb db;
	bool walked; /* false once bytes moved: then there are no names */
};

/* Read the file at `path` and walk it. `w` is to be closed in every case. */
enum pm_rc pm_whole_open(struct pm_ctx *ctx, const char *path, struct pm_whole *w) PM_MUST_CHECK;
/* Walk again, after a change to the trees. */
enum pm_rc pm_whole_walk(struct pm_whole *w) PM_MUST_CHECK;
/* Cut, or extend with zeros; there are no names until the next walk. */
enum pm_rc pm_whole_resize(struct pm_whole *w, size_t n) PM_MUST_CHECK;
void pm_whole_close(struct pm_whole *w);

/* The i-th page of this tree and level in order of keys, negative i from the end; NULL when
 * there is none. */
const struct pm_seed_page *pm_whole_page(const struct pm_whole *w, uint8_t ptype, unsigned level,
					 int64_t i);
const struct pm_seed_page *pm_whole_root(const struct pm_whole *w, uint8_t ptype);
/* The leaf that holds this key, and the number of its entry; or, when no leaf does, the leaf
 * and the place where it belongs, with false. */
bool pm_whole_find(const struct pm_whole *w, uint8_t ptype, uint64_t key,
		   const struct pm_seed_page **ret_page, unsigned *ret_i);

#endif
