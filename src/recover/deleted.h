/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleted mail: what older pages, freed blocks and rows of older tables still say of items that
 * no longer live. Only looked for when asked; it is no part of the model until then.
 *
 * An item is deleted only if nothing that lives is the same: not under its node id, not with its
 * data, its search key, its dates and subject (an item that was moved, or an older content of one
 * that lives, is none). Of several contents of one item the newest that is whole counts.
 */
#ifndef PM_RECOVER_DELETED_H
#define PM_RECOVER_DELETED_H

#include "ndb/tree.h"
#include "recover/analysis.h"

/* What names it, best first. */
enum pm_deleted_from {
	PM_DEL_LEAF,    /* an entry in an older page of the node tree */
	PM_DEL_CONTENT, /* nothing: its properties were found in a block */
	PM_DEL_ROW,     /* a row of a contents table, which is all that is left of its properties */
};

/* A property that a row says. */
struct pm_deleted_value {
	uint16_t id, type;
	struct pm_span value; /* in the arena */
};

struct pm_deleted_item {
	pm_nid nid;        /* the one it gets; 0 until there is a model */
	pm_nid was;        /* its node id when it lived; 0: not known */
	pm_nid folder;     /* that it was in; 0: not known */
	pm_bid data, sub;  /* 0: nothing is left */
	uint8_t from;      /* pm_deleted_from */
	const char *lacks; /* what can't be seen by looking at it; NULL: nothing */
	size_t row, n_row; /* in `values` */
};

/* A folder that is no more, by its own properties. */
struct pm_deleted_folder {
	pm_nid nid;
	const char *name; /* UTF-8, in the arena */
};

struct pm_deleted {
	struct pm_arena arena;
	PM_VEC(struct pm_deleted_item) items;
	PM_VEC(struct pm_deleted_value) values;
	PM_VEC(struct pm_deleted_folder) folders; /* those that items were in */
	uint64_t living;        /* contents left out: of an item that lives, as it is or was */
	uint64_t older;         /* contents left out: of an item that comes back with another */
	uint64_t taken;         /* items left out: the blocks that they name are another's now */
	uint32_t max_index[32]; /* the highest by type of node that older pages name */
	struct pm_view *aside;  /* what pm_deleted_build_aside made */
	struct pm_image *img;   /* db.img before that */
};

/* "older leaf", ... */
const char *pm_deleted_from_name(unsigned from);

/*
 * Look for deleted items: makes an->deleted, and takes the blocks that they need into db.blocks.
 * The nodes are made by pm_model_build, so it comes before that. Needs an analysis with a sweep
 * (not `quick`). To be called once.
 */
enum pm_rc pm_deleted_find(struct pm_analysis *an) PM_MUST_CHECK;
void pm_deleted_free(struct pm_analysis *an);

/* The item with this node id, or NULL. */
const struct pm_deleted_item *pm_deleted_of(const struct pm_analysis *an, pm_nid nid);
/* The name of a folder that is no more, or NULL. */
const char *pm_deleted_folder_name(const struct pm_analysis *an, pm_nid folder);

/*
 * Store the properties of those items of which a row, or only subnodes, are left; their nodes get
 * them. With the model built.
 */
enum pm_rc pm_deleted_build(struct pm_analysis *an, struct pm_block_sink *sink) PM_MUST_CHECK;
/* The same in memory, for who only reads: an->db.img becomes a view with these blocks behind the
 * end of the file. */
enum pm_rc pm_deleted_build_aside(struct pm_analysis *an) PM_MUST_CHECK;

#endif
