/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three variants of the format and their constants [MS-PST 2.2.2], and the scalar
 * names used everywhere.
 */
#ifndef PM_FORMAT_VARIANT_H
#define PM_FORMAT_VARIANT_H

#include "base/bytes.h"

typedef uint64_t pm_bid; /* block id, or page id: separate spaces */
typedef uint64_t pm_ib;  /* file offset */
typedef uint32_t pm_nid; /* node id */
typedef uint32_t pm_hid; /* heap item id; an hnid is a hid or the nid of a subnode */

enum pm_variant { PM_ANSI, PM_UNICODE, PM_UNICODE4K };

/* Page types [MS-PST 2.2.2.7.1] */
enum pm_ptype {
	PM_PTYPE_BBT = 0x80,
	PM_PTYPE_NBT = 0x81,
	PM_PTYPE_FMAP = 0x82,
	PM_PTYPE_PMAP = 0x83,
	PM_PTYPE_AMAP = 0x84,
	PM_PTYPE_FPMAP = 0x85,
	PM_PTYPE_DLIST = 0x86,
};

/* bCryptMethod [MS-PST 2.2.2.6] */
enum pm_crypt { PM_CRYPT_NONE, PM_CRYPT_PERMUTE, PM_CRYPT_CYCLIC, PM_CRYPT_WIP = 0x10 };

/* Sizes in bytes, offsets from the file's start unless said otherwise. */
struct pm_format {
	enum pm_variant variant;
	const char *name;      /* "ANSI", "Unicode", "Unicode 4K" */
	uint32_t id;           /* bytes of a BID or IB on disk: 4 or 8 */
	uint32_t header;       /* 512 or 564 */
	uint32_t page;         /* 512 or 4096 */
	uint32_t page_data;    /* bytes before the page trailer */
	uint32_t page_trailer; /* 12, 16, 24 */
	uint32_t bt_area;      /* bytes of entries in a BTPAGE */
	uint32_t btentry, bbtentry, nbtentry;
	uint32_t unit;          /* allocation unit: 64 or 512 */
	uint32_t block_trailer; /* 12, 16, 24 */
	uint32_t block_max;     /* largest stored block with trailer */
	uint32_t data_max;      /* largest data in a block */
	uint32_t xhead, xentry; /* XBLOCK */
	uint32_t slhead, slentry, sientry;
	uint64_t amap_first;    /* offset of the first AMap */
	uint64_t amap_interval; /* bytes mapped by one AMap */
	uint32_t amap_skip;     /* bytes of a map page before its bits */
	uint32_t amap_bytes;    /* bytes of its bits */
	uint64_t dlist;         /* offset of the density list page */
	uint32_t hid_index_bits;
	uint32_t rowidx;      /* bytes of a row number in a TC's row index */
	uint16_t string_type; /* PtypString or PtypString8 */
	uint64_t size_max;    /* largest sensible file */
};

extern const struct pm_format pm_formats[3];

/* The variant of a wVer, or NULL when the version is not known. 37 may be Unicode or 4K:
 * Unicode is returned, the caller looks for the first AMap. */
const struct pm_format *pm_format_of_version(uint16_t wVer);

/* Stored size of a block of `cb` data bytes: data, padding, trailer. */
static inline uint32_t pm_block_stored(const struct pm_format *f, uint32_t cb)
{
	return (cb + f->block_trailer + f->unit - 1) & ~(f->unit - 1); /* a power of two */
}

/* Entry size and capacity of a BTPAGE of this type and level [MS-PST 2.2.2.7.7.1]. */
static inline uint32_t pm_bt_entry_size(const struct pm_format *f, uint8_t ptype, unsigned level)
{
	return level ? f->btentry : ptype == PM_PTYPE_NBT ? f->nbtentry : f->bbtentry;
}

static inline uint32_t pm_bt_capacity(const struct pm_format *f, uint8_t ptype, unsigned level)
{
	return f->bt_area / pm_bt_entry_size(f, ptype, level);
}

/* Block signature [MS-PST 5.5]: from the place and the id. Same for B-tree and DList pages. */
static inline uint16_t pm_sig(pm_ib ib, pm_bid bid)
{
	uint32_t x = (uint32_t)(ib ^ bid);

	return (uint16_t)((x >> 16) ^ (x & 0xFFFF));
}

/* BIDs: bit 0 is to be cleared before a lookup, bit 1 marks internal blocks [MS-PST 2.2.2.2]. */
#define PM_BID_INTERNAL ((pm_bid)2)
static inline pm_bid pm_bid_key(pm_bid bid)
{
	return bid & ~(pm_bid)1;
}

static inline bool pm_bid_internal(pm_bid bid)
{
	return (bid & PM_BID_INTERNAL) != 0;
}

/* Ids that no program has reached: what claims one says nothing about those in use, and above
 * it is room for all that a file can hold. */
static inline pm_bid pm_id_limit(const struct pm_format *f)
{
	return f->id == 4 ? 0xF0000000 : (pm_bid)1 << 60;
}

static inline unsigned pm_nid_type(pm_nid nid)
{
	return nid & 0x1F;
}

static inline pm_nid pm_nid_make(unsigned type, uint32_t index)
{
	return index << 5 | type;
}

/* AMap intervals: the number that maps `ib` (0 for anything before the first AMap too). */
static inline uint64_t pm_amap_index(const struct pm_format *f, pm_ib ib)
{
	return ib < f->amap_first ? 0 : (ib - f->amap_first) / f->amap_interval;
}

static inline pm_ib pm_amap_offset(const struct pm_format *f, uint64_t k)
{
	return f->amap_first + k * f->amap_interval;
}

/* Fixed map pages standing at the start of interval `k` behind its AMap: PMap, FMap, FPMap
 * [MS-PST 2.2.2.7.3, 2.2.2.7.5, 2.2.2.7.6]. Returns the ptype at AMap + slot * 512 (slot 0 is
 * the AMap itself), 0 when there is none. 4K files have AMaps only. */
uint8_t pm_map_page_at(const struct pm_format *f, uint64_t k, unsigned slot);
/* Bytes at the start of interval k taken by fixed map pages. */
uint32_t pm_map_bytes(const struct pm_format *f, uint64_t k);

#endif
