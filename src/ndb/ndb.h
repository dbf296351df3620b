/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node database as the upper layers see it: which blocks and nodes there are, by id.
 * Where the two tables come from (the file's own trees, or what recovery decided) is not
 * their concern: the layers above read healthy and damaged files with the same code.
 */
#ifndef PM_NDB_NDB_H
#define PM_NDB_NDB_H

#include "base/map.h"
#include "format/crypt.h"
#include "format/fields.h"
#include "io/image.h"

/* What is known of a block, in struct pm_block.flags. */
enum pm_block_flag {
	PM_BF_CHECKED = 1 << 0,   /* the rest was set by looking at the block itself */
	PM_BF_CRC = 1 << 1,       /* content does not match the trailer's checksum */
	PM_BF_SIG = 1 << 2,       /* trailer signature is wrong for place and id */
	PM_BF_BID = 1 << 3,       /* trailer names another block */
	PM_BF_CB = 1 << 4,        /* trailer has another size */
	PM_BF_READ = 1 << 5,      /* unreadable or outside the file */
	PM_BF_INFLATE = 1 << 6,   /* 4K: does not inflate to its announced size */
	PM_BF_SUSPECT = 1 << 7,   /* content is not to be trusted (damaged, or another block's) */
	PM_BF_FOUND = 1 << 8,     /* known by its own trailer, not by the block tree */
	PM_BF_CB_INFL = 1 << 9,   /* 4K: trailer and entry disagree on the inflated size */
	PM_BF_LOST = 1 << 10,     /* content is gone (zeroed, overwritten, outside) */
	PM_BF_CRC_FLIP = 1 << 14, /* the checksum field itself has a bit or two wrong */
	PM_BF_CROWDED = 1 << 15,  /* more refer to it than its count says, and others lack theirs:
				   * one of them shows another's content */
	PM_BF_KIND = 7 << 11,     /* pm_block_kind, once the block was looked at */
};

/* What begins in a block: a heap, by its client signature [MS-PST 2.3.1.2]. */
enum pm_block_kind {
	PM_BK_NONE = 0 << 11,
	PM_BK_PC = 1 << 11,
	PM_BK_TC = 2 << 11,
	PM_BK_HEAP = 3 << 11, /* another client */
};

/* 24 bytes a block. Sizes are those stored in the entry; cb is what lies in the file. */
struct pm_block {
	pm_bid bid; /* bit 0 clear */
	pm_ib ib;
	uint16_t cb, cb_inflated; /* decoded size; equal to cb when not compressed */
	uint16_t cref;            /* as stored in the block tree; 0 when not known */
	uint16_t flags;           /* pm_block_flag */
};

/* The flags, which a thread with another reader may be adding to. */
static inline uint16_t pm_block_known(const struct pm_block *b)
{
	return __atomic_load_n(&b->flags, __ATOMIC_RELAXED);
}

/* Where a node is known from, best first. */
enum pm_origin {
	PM_FROM_TREE,      /* the live node tree */
	PM_FROM_LEAF,      /* a leaf page that the tree should hold but does not reach */
	PM_FROM_STALE,     /* an older generation of a leaf, all blocks checked */
	PM_FROM_WRONG,     /* a page whose own checksum is wrong */
	PM_FROM_CONTENT,   /* its data alone */
	PM_FROM_UNVOUCHED, /* likewise; nothing tells that it was not deleted, or saved again since */
	PM_FROM_TEMPLATE, /* made by us: a mandatory object */
	PM_FROM_DELETED,  /* it was deleted, and comes back because that was asked for */
};

/* "node tree", "older leaf", ... */
const char *pm_origin_name(unsigned origin);

/* Of a value whose blocks are not in the order in which they were written. */
enum pm_order {
	PM_ORDER_UNKNOWN = 1, /* what it was can't be told */
	PM_ORDER_RESTORED,    /* the short block last, the others by their ids */
};

struct pm_node {
	pm_nid nid;
	pm_nid parent;
	pm_bid data, sub; /* bit 0 clear; 0 none */
	uint8_t origin;   /* pm_origin */
	uint8_t flags;    /* free for the layers above */
	bool older;       /* its content is that of an older version; the newer one is lost */
};

/* An open database. `blocks` ascends by bid, `nodes` by nid, both without doubles. */
struct pm_ndb {
	struct pm_ctx *ctx;
	struct pm_image *img;
	const struct pm_format *fmt;
	enum pm_crypt crypt;
	PM_VEC(struct pm_block) blocks;
	PM_VEC(struct pm_node) nodes;
	struct pm_block_cache *cache;    /* NULL: none */
	struct pm_block_store *internal; /* NULL: none */
	const struct pm_map *orders;     /* pm_order, by root of data tree; NULL: none */
};

struct pm_block *pm_ndb_find_block(const struct pm_ndb *db, pm_bid bid); /* bit 0 ignored */
/* Index of the first block whose id is not below `bid` (blocks.n when there is none). */
size_t pm_ndb_lower_block(const struct pm_ndb *db, pm_bid bid);
struct pm_node *pm_ndb_find_node(const struct pm_ndb *db, pm_nid nid);
/* Index of the first node whose nid is not below `nid` (nodes.n when there is none). */
size_t pm_ndb_lower_node(const struct pm_ndb *db, pm_nid nid);
void pm_ndb_done(struct pm_ndb *db);
/* From now on keep sound blocks that were read last, at most `n` (a power of two): for a reader
 * that comes back to them. The table of blocks must not change any more. PM_OK or PM_ENOMEM. */
enum pm_rc pm_ndb_keep_blocks(struct pm_ndb *db, size_t n) PM_MUST_CHECK;
/*
 * Keep a small internal block that was verified: several passes read them all. There is a limit to
 * what is kept; what is not is read again. PM_OK or PM_ENOMEM.
 */
enum pm_rc pm_ndb_keep_internal(struct pm_ndb *db, const struct pm_block *b,
				const uint8_t *stored) PM_MUST_CHECK;
/* Its content appended, if just this block, at this place, was verified and kept. False: it wasn't. */
bool pm_ndb_kept(const struct pm_ndb *db, const struct pm_block *b, struct pm_buf *out);
void pm_ndb_drop_internal(struct pm_ndb *db); /* as when another image takes the place of this */
/*
 * Another reader of the same tables, for a thread of its own: with a context and blocks kept of its
 * own. What is learnt of a block goes into the common table. The tables are borrowed and must not
 * change meanwhile; done with by pm_ndb_reader_done.
 */
void pm_ndb_reader(const struct pm_ndb *db, struct pm_ctx *ctx, struct pm_ndb *ret);
void pm_ndb_reader_done(struct pm_ndb *reader);

/* Do these two decoded bytes begin a compressed block, as zlib's do [RFC 1950 2.2]? */
static inline bool pm_like_zlib(const uint8_t *p)
{
	return (p[0] & 0xF) == 8 && (p[0] << 8 | p[1]) % 31 == 0;
}

/* Kind of the content that starts with these decoded bytes. */
static inline uint16_t pm_block_kind(const uint8_t *p, size_t n)
{
	if (n < 4 || p[2] != 0xEC)
		return PM_BK_NONE;
	return p[3] == 0xBC ? PM_BK_PC : p[3] == 0x7C ? PM_BK_TC : PM_BK_HEAP;
}

/* Rules of the block stored at b->ib, as flags of pm_block_flag; `stored` is its full stored
 * size, in memory. */
uint16_t pm_block_verify(const struct pm_format *f, const struct pm_block *b,
			 const uint8_t *stored);

/*
 * Decoded content of a block, appended to `out`. PM_OK; PM_DAMAGED: content appended, but
 * checksum or size is wrong (b->flags says what); PM_LOST: no such block, or nothing of it
 * can be read: nothing appended.
 */
enum pm_rc pm_ndb_read_block(const struct pm_ndb *db, pm_bid bid, struct pm_buf *out) PM_MUST_CHECK;
enum pm_rc pm_ndb_read_entry(const struct pm_ndb *db, struct pm_block *b,
			     struct pm_buf *out) PM_MUST_CHECK;

/* Inflate a whole stream [RFC 1950], which has an end and a checksum of its own. How many bytes it has and
 * gives; 0: it has no end there, or gives more than there is room for; what it gave so far is in `out`. PM_OK
 * or PM_ENOMEM. */
enum pm_rc pm_inflate(struct pm_ctx *ctx, const uint8_t *p, size_t n, uint8_t *out, size_t room,
		      size_t *ret_in, size_t *ret_out) PM_MUST_CHECK;

/* Fill in the trailer of a stored block: `stored` holds cb bytes of data as stored, zero
 * padding, and room for the trailer (pm_block_stored(f, cb) bytes in all). */
void pm_block_seal(const struct pm_format *f, uint8_t *stored, pm_ib ib, pm_bid bid, uint16_t cb,
		   uint16_t cb_inflated);

/*
 * Does a block, right in every respect, end at file offset `end` [MS-PST 2.2.2.8.1]? `p` is just behind
 * its last byte, and `n` bytes are there in front of it. When all but the checksum is right: false, but
 * ret->bid is set, which is else as it was.
 */
bool pm_block_ending(const struct pm_format *f, const uint8_t *p, uint64_t n, uint64_t end,
		     struct pm_block *ret);
/* The same, but for the checksum: what its trailer says. */
bool pm_block_like(const struct pm_format *f, const uint8_t *p, uint64_t n, uint64_t end,
		   struct pm_block *ret);

#endif
