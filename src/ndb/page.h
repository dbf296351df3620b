/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages [MS-PST 2.2.2.7]: trailer, B-tree pages and their entries. A page is f->page bytes;
 * callers have proved that.
 */
#ifndef PM_NDB_PAGE_H
#define PM_NDB_PAGE_H

#include "format/fields.h"

/* Rules of a page trailer. */
enum pm_page_rule {
	PM_PR_TYPE = 1 << 0,   /* ptype is not the one expected */
	PM_PR_REPEAT = 1 << 1, /* ptypeRepeat differs */
	PM_PR_CRC = 1 << 2,
	PM_PR_SIG = 1 << 3,
	PM_PR_BID = 1 << 4,     /* not the id that the BREF names (map pages: not the offset) */
	PM_PR_BID_LOW = 1 << 5, /* differs from the BREF in bit 0 only */
	/* of a B-tree page */
	PM_PR_CENT = 1 << 6,
	PM_PR_CENTMAX = 1 << 7,
	PM_PR_CBENT = 1 << 8,
	PM_PR_LEVEL = 1 << 9,
	PM_PR_ORDER = 1 << 10,
	PM_PR_EMPTY = 1 << 11,
	PM_PR_SLACK = 1 << 12,   /* unused entry space is not zero */
	PM_PR_KEYMIN = 1 << 13,  /* first key is not the parent's BTENTRY key */
	PM_PR_RANGE = 1 << 14,   /* keys outside the range that the parent gives */
	PM_PR_SHARED = 1 << 15,  /* reached a second time: cycle or shared page */
	PM_PR_PLACE = 1 << 16,   /* offset misaligned or outside the file */
	PM_PR_READ = 1 << 17,    /* could not be read */
	PM_PR_KEY_BIT = 1 << 18, /* a leaf of the block tree: an id has bit 0 set */
};

struct pm_page_trailer {
	uint8_t ptype, repeat;
	uint16_t sig;
	uint32_t crc;
	pm_bid bid;
};

void pm_page_trailer(const struct pm_format *f, const uint8_t *page, struct pm_page_trailer *ret);
/* Failed trailer rules of the page at `ib`. ptype 0: any of 0x80..0x86; bid 0: not compared.
 * Map pages carry signature 0 and their own offset as id. */
uint32_t pm_page_verify(const struct pm_format *f, const uint8_t *page, pm_ib ib, uint8_t ptype,
			pm_bid bid);
/* Write trailer, signature and checksum. For map pages pass bid = ib. */
void pm_page_seal(const struct pm_format *f, uint8_t *page, pm_ib ib, uint8_t ptype, pm_bid bid);

/* One entry of a B-tree page, of whichever kind. */
struct pm_bt_entry {
	uint64_t key; /* btkey; BBT leaf: bid without bit 0; NBT leaf: nid */
	pm_bid bid;   /* index: child page id; BBT leaf: block id as stored; NBT leaf: bidData */
	pm_ib ib;     /* index and BBT leaf */
	uint16_t cb, cb_inflated, cref; /* BBT leaf; cb_inflated = cb but in 4K files */
	pm_bid sub;                     /* NBT leaf: bidSub */
	pm_nid parent;                  /* NBT leaf: nidParent */
};

struct pm_bt_meta {
	unsigned cent, cent_max, cb_ent, level;
};

void pm_bt_meta(const struct pm_format *f, const uint8_t *page, struct pm_bt_meta *ret);
/* Rules of the entry area of a B-tree page of this type and level (trailer rules apart). */
uint32_t pm_bt_verify(const struct pm_format *f, const uint8_t *page, uint8_t ptype,
		      unsigned level);
/* Entry i, read with stride `stride`; i * stride + entry size must lie in the entry area. */
void pm_bt_entry(const struct pm_format *f, const uint8_t *page, uint8_t ptype, unsigned level,
		 unsigned i, unsigned stride, struct pm_bt_entry *ret);
void pm_bt_put_entry(const struct pm_format *f, uint8_t *page, uint8_t ptype, unsigned level,
		     unsigned i, const struct pm_bt_entry *e);
/* Fill in a whole B-tree page but for its trailer; n up to pm_bt_capacity. */
void pm_bt_build(const struct pm_format *f, uint8_t *page, uint8_t ptype, unsigned level,
		 const struct pm_bt_entry *e, unsigned n);

#endif
