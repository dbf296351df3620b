/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files that look for deleted mail: dead.c, deleted.c, deleted_rows.c. */
#ifndef PM_RECOVER_UNDELETE_H
#define PM_RECOVER_UNDELETE_H

#include "recover/deleted.h"
#include "recover/known.h"
#include "recover/orphans.h"

/* An entry of an older page of the node tree: a content that a node once had. */
struct pm_old_node {
	uint64_t key; /* nid << 32 | order, the newest of a nid first, once sorted */
	pm_nid nid, parent;
	pm_bid data, sub;
	pm_bid page; /* the newest that has it */
};

/* An item that is found. */
struct pm_found_item {
	struct pm_deleted_item it;
	struct pm_ident ident;
	bool whole;
};

struct pm_undelete {
	struct pm_analysis *an;
	/*
	 * As the file would be if what was freed were not: blocks that live and blocks that don't; refs
	 * are those of the living, then also of every dead content that was looked at.
	 */
	struct pm_analysis dead;
	uint8_t *lives;      /* parallel to its blocks: something that lives refers to it */
	struct pm_map other; /* ids that a dead block had and a living one has now */
	PM_VEC(struct pm_old_node) nodes;
	struct pm_known living, inner, mine; /* of mine: index into items */
	PM_VEC(struct pm_found_item) items;
	struct pm_map by_nid; /* of items: nid when it lived -> index */
	struct pm_deleted *ret;
};

/* dead.c: the blocks that are dead, the nodes that older pages name. */
enum pm_rc pm_dead_gather(struct pm_undelete *u) PM_MUST_CHECK;
/* Do blocks of these trees have an id that a living one has now? */
enum pm_rc pm_dead_taken(struct pm_undelete *u, pm_bid data, pm_bid sub, bool *ret_data,
			 bool *ret_sub) PM_MUST_CHECK;
/*
 * Do the ids of both stand together, with nothing between but what they themselves hold? A program
 * saves a message at once. Where other ids lie between, the tree may be that of another message,
 * whose properties are gone.
 */
enum pm_rc pm_dead_one_save(struct pm_undelete *u, pm_bid data, pm_bid sub,
			    bool *ret) PM_MUST_CHECK;
/* Does a node that lives refer to this block? */
bool pm_dead_lives(const struct pm_undelete *u, pm_bid bid);

/* deleted.c: add an item, unless it is there; then the whole one stays, or the first. */
enum pm_rc pm_undelete_add(struct pm_undelete *u, const struct pm_found_item *x) PM_MUST_CHECK;

/* deleted_rows.c: what rows of older tables say: folders of items, and items themselves. */
enum pm_rc pm_undelete_rows(struct pm_undelete *u, const struct pm_orphans *o) PM_MUST_CHECK;

#endif
