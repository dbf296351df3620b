/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks: lookup, verification, reading, sealing. */
#include "ndb/ndb.h"

#include "base/sort.h"
#include "format/crc.h"

#include <zlib.h>

#define READ_COST(n) (64 + (n) / 8) /* pm_spend */

enum { NEAR = 4 }; /* blocks that are looked at before a search */

size_t pm_ndb_lower_block(const struct pm_ndb *db, pm_bid bid)
{
	const struct pm_block *v = db->blocks.v;
	size_t lo = 0, hi = db->blocks.n;

	/* Ids are given out one after the other: first look where this one would be by its number. */
	for (unsigned int i = 0; i < 4 && hi - lo > 16; i++) {
		pm_bid first = v[lo].bid, last = v[hi - 1].bid;
		size_t guess;

		if (bid <= first || bid > last)
			return bid <= first ? lo : hi;
		guess = lo + (size_t)((double)(hi - 1 - lo) *
				      ((double)(bid - first) / (double)(last - first)));
		if (guess >= hi)
			break;
		if (v[guess].bid < bid) {
			lo = guess + 1;
			if (hi - lo > 16 && v[lo + 15].bid >= bid)
				hi = lo + 16;
		} else {
			hi = guess + 1;
			if (hi - lo > 16 && v[hi - 17].bid < bid)
				lo = hi - 16;
		}
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (db->blocks.v[mid].bid < bid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct pm_block *pm_ndb_find_block(const struct pm_ndb *db, pm_bid bid)
{
	/* Where this thread found the last one: the next is near it, since blocks that belong together
	 * were given ids together; in a table of a hundred megabytes every guess costs. */
	static __thread size_t last;
	const pm_bid key = pm_bid_key(bid);
	struct pm_block *v = db->blocks.v;
	const size_t n = db->blocks.n;
	size_t i;

	for (i = last; i < n && i < last + NEAR; i++)
		if (v[i].bid == key) {
			last = i ? i - 1 : 0;
			return &v[i];
		}
	i = pm_ndb_lower_block(db, key);
	if (i >= n || v[i].bid != key)
		return NULL;
	last = i ? i - 1 : 0;
	return &v[i];
}

size_t pm_ndb_lower_node(const struct pm_ndb *db, pm_nid nid)
{
	return pm_lower_member(&db->nodes, nid, nid);
}

struct pm_node *pm_ndb_find_node(const struct pm_ndb *db, pm_nid nid)
{
	static __thread size_t
		last; /* likewise: rows of a table, items of a folder ascend mostly */
	const struct pm_node *v = db->nodes.v;
	const size_t n = db->nodes.n;
	size_t i = last + 1;

	if (i >= n || v[i].nid != nid)
		i = pm_ndb_lower_node(db, nid);
	if (i >= n || v[i].nid != nid)
		return NULL;
	last = i;
	return &db->nodes.v[i];
}

const char *pm_origin_name(unsigned origin)
{
	static const char *const names[] = {
		[PM_FROM_TREE] = "node tree",   [PM_FROM_LEAF] = "leaf outside the tree",
		[PM_FROM_STALE] = "older leaf", [PM_FROM_WRONG] = "page with a wrong checksum",
		[PM_FROM_CONTENT] = "content",  [PM_FROM_UNVOUCHED] = "content, perhaps not live",
		[PM_FROM_TEMPLATE] = "made",    [PM_FROM_DELETED] = "deleted",
	};

	return names[origin <= PM_FROM_DELETED ? origin : PM_FROM_TEMPLATE];
}

void pm_ndb_done(struct pm_ndb *db)
{
	pm_vec_done(&db->blocks);
	pm_vec_done(&db->nodes);
	pm_free(db->cache);
	db->cache = NULL;
	pm_ndb_drop_internal(db);
}

uint16_t pm_block_verify(const struct pm_format *f, const struct pm_block *b, const uint8_t *stored)
{
	const uint8_t *t = stored + pm_block_stored(f, b->cb) - f->block_trailer;
	pm_bid bid = pm_BLOCKTRAILER_bid(f, t);
	uint32_t crc = (uint32_t)pm_BLOCKTRAILER_dwCRC(f, t), content;
	uint16_t bad = PM_BF_CHECKED;

	if (pm_BLOCKTRAILER_wSig(f, t) != pm_sig(b->ib, bid))
		bad |= PM_BF_SIG;
	if (pm_bid_key(bid) != b->bid) {
		bad |= PM_BF_BID;
		/* In agreement with itself: another's block. A hit id would leave the signature,
		 * in which it is, wrong; in which its lower half is, rather. */
		if (!(bad & PM_BF_SIG) && (uint32_t)pm_bid_key(bid) != (uint32_t)b->bid)
			bad |= PM_BF_SUSPECT;
	}
	if (pm_BLOCKTRAILER_cb(f, t) != b->cb)
		bad |= PM_BF_CB;
	if (f->variant == PM_UNICODE4K && pm_BLOCKTRAILER_cbInflated(f, t) != b->cb_inflated)
		bad |= PM_BF_CB_INFL;
	content = pm_crc(stored, b->cb);
	/* The checksum of zeros is zero: where all was wiped, data and trailer, it says nothing. */
	if (!content && bad & PM_BF_BID)
		bad |= PM_BF_CRC;
	crc ^= content;
	/* A damaged content changes half of the bits of its checksum, on average; one or two
	 * bits mean that the checksum itself was hit. (2^-23 for chance.) */
	if (crc)
		bad |= __builtin_popcount(crc) <= 2 ? PM_BF_CRC_FLIP : PM_BF_CRC;
	return bad;
}

void pm_block_seal(const struct pm_format *f, uint8_t *stored, pm_ib ib, pm_bid bid, uint16_t cb,
		   uint16_t cb_inflated)
{
	uint8_t *t = stored + pm_block_stored(f, cb) - f->block_trailer;

	pm_set_BLOCKTRAILER_cb(f, t, cb);
	pm_set_BLOCKTRAILER_wSig(f, t, pm_sig(ib, bid));
	pm_set_BLOCKTRAILER_dwCRC(f, t, pm_crc(stored, cb));
	pm_set_BLOCKTRAILER_bid(f, t, bid);
	pm_set_BLOCKTRAILER_wUnknown(f, t, 2); /* [OBS] every block of every 4K file */
	pm_set_BLOCKTRAILER_cbInflated(f, t, cb_inflated);
}

enum pm_rc pm_inflate(struct pm_ctx *ctx, const uint8_t *p, size_t n, uint8_t *out, size_t room,
		      size_t *ret_in, size_t *ret_out)
{
	z_stream z = {0};

	*ret_in = *ret_out = 0;
	if (inflateInit(&z) != Z_OK)
		return pm_fail_oom(ctx);
	z.next_in = (Bytef *)(uintptr_t)p;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)room;
	if (inflate(&z, Z_FINISH) == Z_STREAM_END) {
		*ret_in = z.total_in;
		*ret_out = z.total_out;
	}
	inflateEnd(&z);
	return PM_OK;
}

/* Inflate what there is; the announced size bounds the output. */
static bool inflate_block(struct pm_ctx *ctx, const struct pm_block *b, const uint8_t *p,
			  struct pm_buf *out)
{
	uint8_t *room = pm_buf_room(ctx, out, b->cb_inflated);
	size_t in, n;

	if (!room)
		return false;
	memset(room, 0, b->cb_inflated);
	return pm_inflate(ctx, p, b->cb, room, b->cb_inflated, &in, &n) == PM_OK &&
	       n == b->cb_inflated;
}

/* A wrong trailer over a right checksum is mended where it stands: the data are right. */
static enum pm_rc block_state(const struct pm_block *b)
{
	return pm_block_known(b) & (PM_BF_CRC | PM_BF_READ | PM_BF_INFLATE | PM_BF_SUSPECT)
		       ? PM_DAMAGED
		       : PM_OK;
}

/*
 * Threads with readers of their own share the table of blocks. Each finds the same in a block, so
 * nothing is written where the sweep has seen it, and else it doesn't matter who comes first.
 */
static void learn(struct pm_block *b, unsigned int flags)
{
	if ((pm_block_known(b) | flags) != pm_block_known(b))
		__atomic_fetch_or(&b->flags, (uint16_t)flags, __ATOMIC_RELAXED);
}

/* The block as it is stored, into `stored`, then decoded. PM_OK, or PM_LOST when it is beyond the end. */
static enum pm_rc read_stored(const struct pm_ndb *db, struct pm_block *b, uint8_t *stored)
{
	enum pm_rc rc =
		pm_image_read(db->ctx, db->img, b->ib, stored, pm_block_stored(db->fmt, b->cb));

	if (pm_is_error(rc))
		return rc;
	if (rc == PM_LOST) {
		learn(b, PM_BF_CHECKED | PM_BF_READ);
		return PM_LOST;
	}
	learn(b, pm_block_verify(db->fmt, b, stored) | (rc == PM_DAMAGED ? PM_BF_READ : 0u));
	if (!pm_bid_internal(b->bid))
		pm_decode(db->crypt, b->bid, stored, b->cb);
	return PM_OK;
}

/* Of a format that compresses nothing: straight to where it is wanted. */
static enum pm_rc read_plain(const struct pm_ndb *db, struct pm_block *b, struct pm_buf *out)
{
	const size_t at = out->n;
	uint8_t *room = pm_buf_room(db->ctx, out, pm_block_stored(db->fmt, b->cb));
	enum pm_rc rc;

	if (!room)
		return db->ctx->rc ? db->ctx->rc : PM_LOST;
	rc = read_stored(db, b, room);
	out->n = rc ? at : at + b->cb;
	return rc ? rc : block_state(b);
}

static enum pm_rc read_inflated(const struct pm_ndb *db, struct pm_block *b, struct pm_buf *out)
{
	uint8_t stored[65536];
	const size_t at = out->n;
	enum pm_rc rc = read_stored(db, b, stored);

	if (rc)
		return rc;
	/* What does not begin like that and is whole was not compressed: the size was hit. */
	if (b->cb == b->cb_inflated || (!(b->flags & PM_BF_CRC) && !pm_like_zlib(stored)))
		pm_buf_add(db->ctx, out, stored, b->cb);
	else if (!inflate_block(db->ctx, b, stored, out))
		learn(b, PM_BF_INFLATE);
	if (out->bad || db->ctx->rc) {
		out->n = at;
		return db->ctx->rc;
	}
	return block_state(b);
}

enum pm_rc pm_ndb_read_entry(const struct pm_ndb *db, struct pm_block *b, struct pm_buf *out)
{
	const struct pm_format *f = db->fmt;

	if (b->cb == 0 || b->cb > f->data_max || pm_block_known(b) & PM_BF_LOST)
		return PM_LOST;
	if (pm_spend(db->ctx, READ_COST(b->cb_inflated)))
		return db->ctx->rc;
	if (db->internal && pm_ndb_kept(db, b, out)) {
		learn(b, PM_BF_CHECKED);
		return db->ctx->rc ? db->ctx->rc : block_state(b);
	}
	/* The trailer comes with it, for which a limit may leave no room. */
	if (b->cb == b->cb_inflated &&
	    (!out->max || out->n + pm_block_stored(f, b->cb) <= out->max))
		return read_plain(db, b, out);
	return read_inflated(db, b, out);
}

/* ---- blocks read before ---- */

/* A message's blocks are consecutive, so they seldom fall into one slot. */
struct pm_block_cache {
	size_t slots; /* a power of two */
	size_t size;  /* of a slot's bytes */
	uint8_t *bytes;
	struct {
		pm_bid bid; /* 0: empty */
		size_t n;
	} slot[];
};

enum pm_rc pm_ndb_keep_blocks(struct pm_ndb *db, size_t n)
{
	struct pm_block_cache *c;

	if (db->cache)
		return PM_OK;
	c = pm_calloc(db->ctx, 1, sizeof(*c) + n * (sizeof(c->slot[0]) + db->fmt->data_max));
	if (!c)
		return PM_ENOMEM;
	c->slots = n;
	c->size = db->fmt->data_max;
	c->bytes = (uint8_t *)&c->slot[n];
	db->cache = c;
	return PM_OK;
}

void pm_ndb_reader(const struct pm_ndb *db, struct pm_ctx *ctx, struct pm_ndb *ret)
{
	*ret = *db;
	ret->ctx = ctx;
	ret->cache = NULL;
}

void pm_ndb_reader_done(struct pm_ndb *reader)
{
	pm_free(reader->cache);
	*reader = (struct pm_ndb){0};
}

static enum pm_rc read_kept(const struct pm_ndb *db, pm_bid bid, struct pm_buf *out)
{
	struct pm_block_cache *c = db->cache;
	size_t k = (bid >> 2 ^ (bid & 2) << 4) & (c->slots - 1), at = out->n;
	struct pm_block *b;
	enum pm_rc rc;

	if (c->slot[k].bid == bid) {
		if (pm_spend(db->ctx, READ_COST(c->slot[k].n)))
			return db->ctx->rc;
		pm_buf_add(db->ctx, out, c->bytes + k * c->size, c->slot[k].n);
		return db->ctx->rc;
	}
	b = pm_ndb_find_block(db, bid);
	rc = b ? pm_ndb_read_entry(db, b, out) : PM_LOST;
	if (rc == PM_OK && out->n - at <= c->size) {
		memcpy(c->bytes + k * c->size, out->p + at, out->n - at);
		c->slot[k].bid = bid;
		c->slot[k].n = out->n - at;
	}
	return rc;
}

enum pm_rc pm_ndb_read_block(const struct pm_ndb *db, pm_bid bid, struct pm_buf *out)
{
	struct pm_block *b;

	if (db->cache && pm_bid_key(bid))
		return read_kept(db, pm_bid_key(bid), out);
	b = pm_ndb_find_block(db, bid);
	return b ? pm_ndb_read_entry(db, b, out) : PM_LOST;
}

bool pm_block_like(const struct pm_format *f, const uint8_t *p, uint64_t n, uint64_t end,
		   struct pm_block *ret)
{
	const uint8_t *t = p - f->block_trailer;
	const pm_bid bid = pm_BLOCKTRAILER_bid(f, t);
	const uint32_t cb = (uint32_t)pm_BLOCKTRAILER_cb(f, t);
	uint32_t size;

	if (!bid || bid & 1 || !cb || cb > f->data_max)
		return false;
	size = pm_block_stored(f, cb);
	if (end < size + f->amap_first || n < size)
		return false;
	if (pm_BLOCKTRAILER_wSig(f, t) != pm_sig(end - size, bid) || !pm_BLOCKTRAILER_dwCRC(f, t))
		return false;
	*ret = (struct pm_block){.bid = bid,
				 .ib = end - size,
				 .cb = (uint16_t)cb,
				 .cb_inflated = (uint16_t)cb,
				 .flags = PM_BF_CHECKED | PM_BF_FOUND};
	if (f->variant == PM_UNICODE4K)
		ret->cb_inflated = (uint16_t)pm_BLOCKTRAILER_cbInflated(f, t);
	if (!ret->cb_inflated)
		ret->cb_inflated = ret->cb;
	return true;
}

bool pm_block_ending(const struct pm_format *f, const uint8_t *p, uint64_t n, uint64_t end,
		     struct pm_block *ret)
{
	return pm_block_like(f, p, n, end, ret) &&
	       pm_crc(p - pm_block_stored(f, ret->cb), ret->cb) ==
		       pm_BLOCKTRAILER_dwCRC(f, p - f->block_trailer);
}
