/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data trees (XBLOCK, XXBLOCK) and subnode trees (SLBLOCK, SIBLOCK)
 * [MS-PST 2.2.2.8.3.2, 2.2.2.8.3.3], read tolerantly, and their builders.
 */
#ifndef PM_NDB_TREE_H
#define PM_NDB_TREE_H

#include "ndb/ndb.h"

/* What is wrong with a data or subnode tree. */
enum pm_tree_flag {
	PM_TF_LOST_BLOCK = 1 << 0,    /* an internal block is missing or unreadable */
	PM_TF_BAD_BLOCK = 1 << 1,     /* an internal block's checksum is wrong */
	PM_TF_BTYPE = 1 << 2,         /* btype or cLevel is not what it must be */
	PM_TF_CENT = 1 << 3,          /* cEnt does not fit the block */
	PM_TF_EMPTY = 1 << 4,         /* cEnt is 0 */
	PM_TF_TOTAL = 1 << 5,         /* lcbTotal is not the sum of the leaves */
	PM_TF_CHILD = 1 << 6,         /* a child of the wrong kind */
	PM_TF_NOT_FULL = 1 << 7,      /* a data block but the last is not full */
	PM_TF_LOST_LEAF = 1 << 8,     /* a data block is not in the block tree */
	PM_TF_ORDER = 1 << 9,         /* subnode keys do not ascend */
	PM_TF_KEYMIN = 1 << 10,       /* SIENTRY key is not the first below it */
	PM_TF_CYCLE = 1 << 11,        /* an internal block is met twice */
	PM_TF_PADDING = 1 << 12,      /* reserved padding is not zero */
	PM_TF_NOT_INTERNAL = 1 << 13, /* bidSub names a data block */
	PM_TF_DISORDER = 1 << 14,     /* leaves are not in the order in which they were written */
	PM_TF_REORDERED = 1 << 15,    /* so it was in the file; here they are in order */
};

/* One data block of a data tree, in order. */
struct pm_leaf {
	pm_bid bid;
	uint32_t size; /* decoded; of a lost block: what it must have been */
	bool lost;     /* not in the block tree: reads as zeros */
};

struct pm_data {
	const struct pm_ndb *db;
	PM_VEC(struct pm_leaf) leaves;
	PM_VEC(pm_bid) internal; /* the XBLOCKs and the XXBLOCK that were read */
	uint64_t size;           /* sum of the leaves */
	uint32_t flags;          /* pm_tree_flag */
	bool crowded;            /* one of `internal` may be another's (PM_BF_CROWDED) */
};

/*
 * Open the data tree at `bid`. PM_OK; PM_DAMAGED: usable, d->flags says what is wrong;
 * PM_LOST: nothing of it; PM_NONE: bid is 0. `d` is to be closed in every case.
 */
enum pm_rc pm_data_open(const struct pm_ndb *db, pm_bid bid, struct pm_data *d) PM_MUST_CHECK;
void pm_data_close(struct pm_data *d);
/* Append leaf k to `out`: always leaves.v[k].size bytes, zeros for what is lost. PM_OK,
 * PM_DAMAGED (content suspect), PM_LOST (zeros). */
enum pm_rc pm_data_read_leaf(const struct pm_data *d, size_t k, struct pm_buf *out) PM_MUST_CHECK;
/* Append the whole content; `max` bounds what is read. The worst of its leaves. */
enum pm_rc pm_data_read_all(const struct pm_data *d, uint64_t max,
			    struct pm_buf *out) PM_MUST_CHECK;

struct pm_sub {
	uint64_t nid; /* a pm_nid, wide as the key of a sort */
	pm_bid data, sub;
};

struct pm_subs {
	PM_VEC(struct pm_sub) v; /* ascending by nid, no doubles */
	PM_VEC(pm_bid) internal;
	uint32_t flags;
};

/* Read the subnode tree at `bid`; results as pm_data_open. */
enum pm_rc pm_subs_open(const struct pm_ndb *db, pm_bid bid, struct pm_subs *s) PM_MUST_CHECK;
void pm_subs_close(struct pm_subs *s);
const struct pm_sub *pm_subs_find(const struct pm_subs *s, pm_nid nid);

/*
 * Entries of an internal block of `n` bytes, of `head` bytes and `size` an entry. Its size is
 * vouched for by the block tree and the checksum: where cEnt says otherwise, the size is right.
 * [OBS: without exception in all files looked at]
 */
static inline unsigned pm_internal_entries(size_t n, unsigned head, unsigned size, unsigned cent)
{
	unsigned fit = n < head ? 0 : (unsigned)((n - head) / size);

	return n >= head && (n - head) % size == 0 ? fit : cent < fit ? cent : fit;
}

/* Where new blocks go: gives each an id and keeps it. `p` is decoded content, n up to
 * f->data_max; not kept after the call. */
struct pm_block_sink {
	const struct pm_format *fmt;
	enum pm_rc (*put)(struct pm_block_sink *sink, bool internal, const uint8_t *p, size_t n,
			  pm_bid *ret_bid);
};

/* Store `n` bytes as a data tree; *ret_bid 0 when n is 0. */
enum pm_rc pm_data_build(struct pm_ctx *ctx, struct pm_block_sink *sink, const uint8_t *p, size_t n,
			 pm_bid *ret_bid) PM_MUST_CHECK;
/* Store a data tree over data blocks that exist already; all but the last full. */
enum pm_rc pm_data_build_over(struct pm_ctx *ctx, struct pm_block_sink *sink,
			      const struct pm_leaf *leaves, size_t n,
			      pm_bid *ret_bid) PM_MUST_CHECK;
/* Store a subnode tree; `v` ascends by nid; *ret_bid 0 when n is 0. */
enum pm_rc pm_subs_build(struct pm_ctx *ctx, struct pm_block_sink *sink, const struct pm_sub *v,
			 size_t n, pm_bid *ret_bid) PM_MUST_CHECK;

#endif
