/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap on a node [MS-PST 2.3.1]: items of up to 3580 bytes in the data blocks of a node,
 * addressed by HID. The reader takes damaged heaps as they are: a block that is missing has
 * no items, a block with a wrong checksum has items marked PM_DAMAGED, and of a page map that
 * is partly wrong the part that makes sense is used.
 */
#ifndef PM_LTP_HEAP_H
#define PM_LTP_HEAP_H

#include "ndb/tree.h"

#define PM_HEAP_ITEM_MAX 3580 /* [MS-PST 2.3.1.1] */

/* bClientSig [MS-PST 2.3.1.2] */
enum pm_heap_client {
	PM_CLIENT_ANY = 0,
	PM_CLIENT_TC = 0x7C,
	PM_CLIENT_ARRAY = 0xA5, /* [OBS] pools of shared cells in OSTs */
	PM_CLIENT_BTH = 0xB5,
	PM_CLIENT_PC = 0xBC,
};

/* Rules of a heap; bit n is rule S(n+1) of the format digest. */
enum pm_heap_rule {
	PM_HN_SIG = 1 << 0,       /* first block does not carry bSig EC */
	PM_HN_CLIENT = 1 << 1,    /* bClientSig is not the one expected */
	PM_HN_MAP = 1 << 2,       /* ibHnpm or cAlloc point outside the block */
	PM_HN_ORDER = 1 << 3,     /* offsets do not ascend, or pass ibHnpm */
	PM_HN_FIRST = 1 << 4,     /* first item does not follow the header */
	PM_HN_FREE = 1 << 5,      /* cFree is not the number of empty items */
	PM_HN_ROOT = 1 << 6,      /* hidUserRoot is no HID of this heap */
	PM_HN_FILL = 1 << 7,      /* fill level is not that of the free space */
	PM_HN_HID = 1 << 8,       /* a HID that was asked for does not resolve */
	PM_HN_ITEM = 1 << 9,      /* an item of more than 3580 bytes */
	PM_HN_UNUSED = 1 << 10,   /* an item that nothing refers to */
	PM_HN_TWICE = 1 << 11,    /* an item that is referred to twice */
	PM_HN_LAST = 1 << 12,     /* last offset is not ibHnpm */
	PM_HN_ODD_FREE = 1 << 13, /* with PM_HN_FREE: and it is more than there are items */
};

/* Flags that cast doubt on content; the others are matters of form. The results PM_OK and
 * PM_DAMAGED of this layer go by these, and by checksums: a page map that is found where
 * ibHnpm does not point, or a signature that is wrong, alone do not make content doubtful. */
#define PM_TF_CONTENT                                                                              \
	(PM_TF_LOST_BLOCK | PM_TF_BAD_BLOCK | PM_TF_BTYPE | PM_TF_CENT | PM_TF_CHILD |             \
	 PM_TF_LOST_LEAF | PM_TF_CYCLE | PM_TF_NOT_INTERNAL)

/* One block of the heap as it was loaded. */
struct pm_heap_block {
	uint8_t *p; /* NULL when not in memory */
	uint32_t n;
	uint64_t at;    /* file offset of p[0]; 0 when unknown or compressed */
	uint64_t used;  /* for the choice of what to forget */
	uint32_t map;   /* offset of rgibAlloc */
	uint32_t items; /* usable length of rgibAlloc - 1 */
	uint32_t rules; /* pm_heap_rule, once loaded; all but FILL, UNUSED, TWICE */
	uint8_t state;  /* PM_OK, PM_DAMAGED: checksum wrong or map partly wrong, PM_LOST */
	bool known;     /* rules and state are set */
	uint8_t *sane;  /* when offsets are out of order: a byte for each one that is in order */
	uint8_t *marks; /* a byte an item: how often pm_heap_mark saw it (up to 2) */
	uint32_t n_marks;
};

/* The rules whose failure leaves an item in doubt or out of reach; the rest are hints. */
#define PM_HN_ERRORS (PM_HN_SIG | PM_HN_CLIENT | PM_HN_MAP | PM_HN_ORDER | PM_HN_ROOT | PM_HN_ITEM)

struct pm_heap {
	const struct pm_ndb *db;
	struct pm_data data;
	struct pm_heap_block *blocks; /* data.leaves.n of them */
	size_t n_blocks;
	uint64_t clock;
	PM_VEC(uint32_t) loaded; /* numbers of the blocks in memory */
	size_t kept;             /* their bytes */
	uint32_t rules;          /* of all blocks seen so far, and PM_HN_HID */
	uint8_t client;          /* as stored; 0 when block 0 can't be read */
	pm_hid root;             /* as stored */
};

/*
 * Open the heap in data tree `bid`; `client` is the bClientSig expected or PM_CLIENT_ANY.
 * PM_OK; PM_DAMAGED: usable, h->rules, h->data.flags and the blocks' states say what is wrong;
 * PM_LOST: nothing of it can be read; PM_NONE: bid is 0. Close it in every case.
 */
enum pm_rc pm_heap_open(const struct pm_ndb *db, pm_bid bid, uint8_t client,
			struct pm_heap *h) PM_MUST_CHECK;
void pm_heap_close(struct pm_heap *h);

/*
 * The bytes of an item. PM_OK; PM_DAMAGED: there, but in a block whose checksum or map is
 * wrong; PM_LOST: no such item. HID 0 is PM_NONE with an empty span. The span stays valid
 * until the heap is closed or 64 other blocks of the heap have been used.
 */
enum pm_rc pm_heap_item(struct pm_heap *h, pm_hid hid, struct pm_span *ret) PM_MUST_CHECK;

/*
 * Tell what size an item has: where the map has a wrong offset on one side of it, that offset
 * follows, and with it the item on the other side. Does nothing else.
 */
enum pm_rc pm_heap_settle(struct pm_heap *h, pm_hid hid, uint32_t size) PM_MUST_CHECK;
/* Tell that an item is longer than the map says, at the cost of the next one. False: it can't be, nothing was
 * done. */
bool pm_heap_stretch(struct pm_heap *h, pm_hid hid, uint32_t size);
/* Items of block k by number, freed ones included; 0 when it is lost. The block is loaded. */
enum pm_rc pm_heap_items(struct pm_heap *h, size_t k, uint32_t *ret_n) PM_MUST_CHECK;
/* All rules of block k that need nothing but the heap itself. */
enum pm_rc pm_heap_block_rules(struct pm_heap *h, size_t k, uint32_t *ret_rules) PM_MUST_CHECK;
/*
 * Note that something owns this item. The first owner: PM_OK, the next: PM_DAMAGED (and
 * PM_HN_TWICE in h->rules); no such item: PM_LOST.
 */
enum pm_rc pm_heap_mark(struct pm_heap *h, pm_hid hid) PM_MUST_CHECK;
/* How many non-empty items nobody marked. */
enum pm_rc pm_heap_unused(struct pm_heap *h, uint64_t *ret_items,
			  uint64_t *ret_bytes) PM_MUST_CHECK;

/* pm_data_open and pm_subs_open, with results that go by PM_TF_CONTENT. */
enum pm_rc pm_tree_data(const struct pm_ndb *db, pm_bid bid, struct pm_data *d) PM_MUST_CHECK;
enum pm_rc pm_tree_subs(const struct pm_ndb *db, pm_bid bid, struct pm_subs *s) PM_MUST_CHECK;

static inline size_t pm_hid_block(const struct pm_format *f, pm_hid hid)
{
	return hid >> (5 + f->hid_index_bits);
}

static inline uint32_t pm_hid_index(const struct pm_format *f, pm_hid hid) /* 1-based */
{
	return hid >> 5 & ((1u << f->hid_index_bits) - 1);
}

static inline pm_hid pm_hid_make(const struct pm_format *f, size_t block, uint32_t index)
{
	return (pm_hid)block << (5 + f->hid_index_bits) | index << 5;
}

/* Bytes of the header of heap block k [MS-PST 2.3.1.2 to 2.3.1.4]. */
static inline uint32_t pm_heap_header(size_t k)
{
	return k == 0 ? 12 : k >= 8 && (k - 8) % 128 == 0 ? 66 : 2;
}

/* The fill level of so many free bytes [MS-PST 2.3.1.2]. */
unsigned pm_heap_level(uint32_t free_bytes);

/* ---- building ---- */

struct pm_heap_out {
	struct pm_buf bytes;   /* header and items */
	PM_VEC(uint16_t) ends; /* of each item */
};

struct pm_heap_builder {
	struct pm_ctx *ctx;
	const struct pm_format *fmt;
	uint8_t client;
	pm_hid root;
	PM_VEC(struct pm_heap_out) blocks;
};

void pm_heap_builder_init(struct pm_heap_builder *b, struct pm_ctx *ctx, const struct pm_format *f,
			  uint8_t client);
void pm_heap_builder_done(struct pm_heap_builder *b);
/* Add an item of 1 to 3580 bytes; `p` NULL: zeros, to be filled in later. PM_ELIMIT when the
 * heap is full (HIDs name 65536 blocks, 8192 in 4K files). */
enum pm_rc pm_heap_builder_add(struct pm_heap_builder *b, const void *p, size_t n,
			       pm_hid *ret_hid) PM_MUST_CHECK;
/* The bytes of an item that was added; valid until the next one is added. */
uint8_t *pm_heap_builder_item(struct pm_heap_builder *b, pm_hid hid);
/* Store the blocks; b->root becomes hidUserRoot. */
enum pm_rc pm_heap_builder_store(struct pm_heap_builder *b, struct pm_block_sink *sink,
				 pm_bid *ret_bid) PM_MUST_CHECK;

#endif
