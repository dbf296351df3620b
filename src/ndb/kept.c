/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small internal blocks, kept as the sweep verified them: several passes read them all, and they lie
 * apart, a message has one of some hundred bytes. Most of their bytes are zeros, upper ones of ids, so
 * of each eight bytes a mask and those that are none are kept: less than half.
 */
#include "ndb/ndb.h"

#include "base/sort.h"

enum { KEPT_SIZE = 1024, GROUP = 8, HEAD = 2, ID = 8 };

struct kept {
	uint32_t place; /* in units */
	uint32_t at;    /* in bytes */
};

struct pm_block_store {
	PM_VEC(struct kept) v; /* ascending by place */
	struct pm_buf bytes;   /* of each: cb; its id and its content, packed */
};

/* The sweep meets nearly all of them in order. */
static enum pm_rc add_kept(struct pm_ctx *ctx, struct pm_block_store *s, uint32_t place)
{
	const size_t n = s->v.n;
	const size_t at =
		n && s->v.v[n - 1].place >= place ? pm_lower_member32(&s->v, place, place) : n;
	struct kept *slot = pm_vec_push(ctx, &s->v);

	if (!slot)
		return ctx->rc;
	slot = &s->v.v[at];
	memmove(slot + 1, slot, (n - at) * sizeof(*slot));
	*slot = (struct kept){place, (uint32_t)s->bytes.n};
	return PM_OK;
}

static uint8_t *pack(uint8_t *to, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += GROUP) {
		uint8_t *mask = to++;

		*mask = 0;
		for (size_t k = 0; k < GROUP && i + k < n; k++)
			if (p[i + k]) {
				*mask = (uint8_t)(*mask | 1 << k);
				*to++ = p[i + k];
			}
	}
	return to;
}

static const uint8_t *unpack(uint8_t *to, size_t n, const uint8_t *p)
{
	memset(to, 0, n);
	for (size_t i = 0; i < n; i += GROUP)
		for (unsigned mask = *p++; mask; mask &= mask - 1)
			to[i + (unsigned)__builtin_ctz(mask)] = *p++;
	return p;
}

enum pm_rc pm_ndb_keep_internal(struct pm_ndb *db, const struct pm_block *b, const uint8_t *stored)
{
	const uint64_t place = b->ib / db->fmt->unit;
	struct pm_block_store *s = db->internal;
	uint8_t packed[HEAD + (ID + KEPT_SIZE) / GROUP * (GROUP + 1)], *end, id[ID];

	if (!pm_bid_internal(b->bid) || b->cb != b->cb_inflated || b->cb > KEPT_SIZE ||
	    place > UINT32_MAX)
		return PM_OK;
	if (!s) {
		s = db->internal = pm_calloc(db->ctx, 1, sizeof(*s));
		if (!s)
			return PM_ENOMEM;
	}
	if (s->bytes.n + sizeof(packed) > pm_mem_share() || s->bytes.n > UINT32_MAX)
		return PM_OK;
	if (add_kept(db->ctx, s, (uint32_t)place))
		return db->ctx->rc;
	pm_put16(packed, b->cb);
	pm_put64(id, b->bid);
	end = pack(pack(packed + HEAD, id, ID), stored, b->cb);
	pm_buf_add(db->ctx, &s->bytes, packed, (size_t)(end - packed));
	return db->ctx->rc;
}

void pm_ndb_drop_internal(struct pm_ndb *db)
{
	if (!db->internal)
		return;
	pm_vec_done(&db->internal->v);
	pm_buf_done(&db->internal->bytes);
	pm_free(db->internal);
	db->internal = NULL;
}

bool pm_ndb_kept(const struct pm_ndb *db, const struct pm_block *b, struct pm_buf *out)
{
	static __thread size_t last; /* as of pm_ndb_find_block */
	const struct pm_block_store *s = db->internal;
	const uint64_t place = b->ib / db->fmt->unit;
	size_t i = last + 1;
	const uint8_t *p;
	uint8_t *to, id[ID];

	if (!s || !pm_bid_internal(b->bid) || b->cb != b->cb_inflated || b->cb > KEPT_SIZE ||
	    b->ib % db->fmt->unit || place > UINT32_MAX)
		return false;
	if (i >= s->v.n || s->v.v[i].place != place)
		i = pm_lower_member32(&s->v, place, (uint32_t)place);
	if (i >= s->v.n || s->v.v[i].place != place)
		return false;
	last = i;
	p = s->bytes.p + s->v.v[i].at;
	if (pm_le16(p) != b->cb)
		return false;
	p = unpack(id, ID, p + HEAD);
	if (pm_le64(id) != b->bid)
		return false;
	to = pm_buf_room(db->ctx, out, b->cb);
	if (to)
		unpack(to, b->cb, p);
	return true;
}
