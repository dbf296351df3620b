/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The B-tree on a heap [MS-PST 2.3.2], read as one sorted array of records. Records whose
 * item is gone are missing (`lost` counts the items), those of a damaged block are marked.
 */
#ifndef PM_LTP_BTH_H
#define PM_LTP_BTH_H

#include "ltp/heap.h"

/* Rules of a BTH; bit n is rule T(n+1). */
enum pm_bth_rule {
	PM_TR_TYPE = 1 << 0,   /* header missing, or bType is not B5 */
	PM_TR_SIZES = 1 << 1,  /* cbKey and cbEnt are not those expected */
	PM_TR_LEVELS = 1 << 2, /* bIdxLevels is absurd, or not what the items are */
	PM_TR_WHOLE = 1 << 3,  /* an item is not a whole number of records */
	PM_TR_ORDER = 1 << 4,  /* keys do not ascend strictly */
	PM_TR_KEYMIN = 1 << 5, /* an index key is not the first key below it */
	PM_TR_TREE = 1 << 6,   /* an item is reached twice, or there are absurdly many */
	PM_TR_EMPTY = 1 << 7,  /* an empty item below an index */
};

struct pm_bth {
	unsigned cb_key, cb_ent, levels;
	pm_hid root;
	uint32_t rules;
	uint32_t lost;  /* items that could not be read; their records are missing */
	size_t n;       /* records, ascending by key, no doubles (the first one met wins) */
	uint8_t *bytes; /* n records of cb_key + cb_ent bytes */
	uint8_t *state; /* of each: PM_OK, PM_DAMAGED */
};

/*
 * Load the BTH whose header is item `hid`. `cb_key` and `cb_ent` are the sizes expected, 0 for
 * any; they are taken when the header has others. A number of levels that makes no sense of
 * the items is replaced by one that does. PM_OK; PM_DAMAGED: records may be missing or wrong
 * (b->lost, PM_TR_TREE, b->state); PM_LOST: no record. With `mark` the items count as used
 * (pm_heap_mark). Close it in every case.
 */
enum pm_rc pm_bth_open(struct pm_heap *h, pm_hid hid, unsigned cb_key, unsigned cb_ent, bool mark,
		       struct pm_bth *b) PM_MUST_CHECK;
void pm_bth_close(struct pm_bth *b);

static inline const uint8_t *pm_bth_record(const struct pm_bth *b, size_t i)
{
	return b->bytes + i * (b->cb_key + b->cb_ent);
}

static inline const uint8_t *pm_bth_data(const struct pm_bth *b, size_t i)
{
	return pm_bth_record(b, i) + b->cb_key;
}

/* Keys of up to 8 bytes as a number (of longer ones the last 8 bytes). */
uint64_t pm_bth_key(const struct pm_bth *b, size_t i);
/* Index of the record with this key, or b->n. */
size_t pm_bth_find(const struct pm_bth *b, uint64_t key);

/* ---- building ---- */

/* Where the records of a BTH that is being built lie. */
struct pm_bth_built {
	unsigned cb_key, cb_ent, levels, per_leaf;
	pm_hid root;
	PM_VEC(pm_hid) leaves;
};

/* Add the records (ascending, n of cb_key + cb_ent bytes; n 0: an empty tree, root 0) to a
 * heap. The header is the caller's. Done with pm_bth_built_done. */
enum pm_rc pm_bth_build(struct pm_heap_builder *hb, unsigned cb_key, unsigned cb_ent,
			const uint8_t *records, size_t n, struct pm_bth_built *ret) PM_MUST_CHECK;
void pm_bth_built_done(struct pm_bth_built *t);
/* Record i of it, to be changed; valid until something is added to the heap. */
uint8_t *pm_bth_built_record(struct pm_heap_builder *hb, const struct pm_bth_built *t, size_t i);
/* Write a BTHHEADER of 8 bytes. */
void pm_bth_put_header(uint8_t *p, const struct pm_bth_built *t);

#endif
