/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file laid out afresh, from front to back: blocks come in through a sink and get a place
 * and an id at once, nodes are noted, and at the end the trees, the allocation maps and the
 * header are written. Only the entries of the trees are kept in memory.
 *
 * Use: init; put blocks (pm_data_build, pm_subs_build over &l->sink) and note nodes, as often
 * as there are objects; finish; done.
 */
#ifndef PM_TOOLS_LAYOUT_H
#define PM_TOOLS_LAYOUT_H

#include "base/map.h"
#include "base/rangeset.h"
#include "ndb/header.h"
#include "ndb/page.h"
#include "ndb/tree.h"

/* Where the bytes go; offsets in any order, none twice. */
typedef enum pm_rc (*pm_layout_write_fn)(void *arg, uint64_t off, const void *p, size_t n);

struct pm_layout {
	struct pm_block_sink sink; /* first: the sink is the layout */
	struct pm_ctx *ctx;
	enum pm_crypt crypt;
	bool deflate;  /* 4K: compress data blocks that get smaller by it */
	unsigned fill; /* entries of a B-tree page at most; 0: as many as fit */
	pm_layout_write_fn write;
	void *arg;
	pm_ib at; /* what is free begins here */
	pm_bid next_block, next_page;
	PM_VEC(struct pm_bt_entry) blocks; /* in order of ids */
	PM_VEC(struct pm_bt_entry) nodes;
	struct pm_map refs;            /* block id -> references */
	struct pm_rangeset used;       /* space taken, map pages apart */
	PM_VEC(struct pm_range) spare; /* freed space that the next blocks that fit take */
};

void pm_layout_init(struct pm_ctx *ctx, struct pm_layout *l, const struct pm_format *f,
		    enum pm_crypt crypt, pm_layout_write_fn write, void *arg);
void pm_layout_done(struct pm_layout *l);

/* A place of n bytes (at most an interval), aligned: behind all others, behind the map pages
 * that stand there, and within one interval. It counts as used. */
enum pm_rc pm_layout_place(struct pm_layout *l, uint32_t n, uint32_t align,
			   pm_ib *ret) PM_MUST_CHECK;
/* The space is free after all: what was written there is a leftover. */
enum pm_rc pm_layout_forget(struct pm_layout *l, pm_ib ib, uint64_t n) PM_MUST_CHECK;

/* Note a node, in any order; it refers to its blocks. */
enum pm_rc pm_layout_node(struct pm_layout *l, pm_nid nid, pm_bid data, pm_bid sub,
			  pm_nid parent) PM_MUST_CHECK;

/* Place and write one B-tree page, full or not; its trailer is filled in. */
enum pm_rc pm_layout_page(struct pm_layout *l, uint8_t ptype, unsigned level,
			  const struct pm_bt_entry *e, unsigned n, pm_bid *ret_bid,
			  pm_ib *ret_ib) PM_MUST_CHECK;
/* A whole tree over entries in order of their keys; its root. */
enum pm_rc pm_layout_tree(struct pm_layout *l, uint8_t ptype, const struct pm_bt_entry *e, size_t n,
			  pm_bid *ret_bid, pm_ib *ret_ib) PM_MUST_CHECK;

/*
 * Write trees, maps and header. `h` comes from pm_header_new, with what the caller wants
 * different; its counters, roots and sizes are set here (rgnid is only raised). The file is to
 * be h->eof bytes long: what was not written there is zeros.
 */
enum pm_rc pm_layout_finish(struct pm_layout *l, struct pm_header *h) PM_MUST_CHECK;

#endif
