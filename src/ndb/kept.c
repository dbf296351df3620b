/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small internal blocks, kept as the sweep verified them: several passes read them all, and they lie
 * apart, a message has one of some hundred bytes. They are lists of ids that are given out one after
 * the other, so of each the difference to the one before is kept, which mostly takes a byte or two.
 */
#include "ndb/ndb.h"

#include "base/sort.h"

/* A number takes seven bits a byte. */
enum { KEPT_SIZE = 1024, NUMBER = 10 };

struct kept {
	uint32_t place; /* in units */
	uint32_t at;    /* in bytes */
};

struct pm_block_store {
	PM_VEC(struct kept) v; /* ascending by place */
	struct pm_buf bytes;   /* of each: its size, its id and its content, packed */
};

/* The sweep meets nearly all of them in order. */
static enum pm_rc add_kept(struct pm_ctx *ctx, struct pm_block_store *s, uint32_t place)
{
	const size_t n = s->v.n;
	const size_t at =
		n && s->v.v[n - 1].place >= place ? pm_lower_member(&s->v, place, place) : n;
	struct kept *slot = pm_vec_push(ctx, &s->v);

	if (!slot)
		return ctx->rc;
	slot = &s->v.v[at];
	memmove(slot + 1, slot, (n - at) * sizeof(*slot));
	*slot = (struct kept){place, (uint32_t)s->bytes.n};
	return PM_OK;
}

static uint8_t *put_number(uint8_t *to, uint64_t v)
{
	for (; v > 0x7F; v >>= 7)
		*to++ = (uint8_t)(v | 0x80);
	*to++ = (uint8_t)v;
	return to;
}

static const uint8_t *get_number(const uint8_t *p, uint64_t *v)
{
	*v = 0;
	for (unsigned at = 0;; at += 7) {
		*v |= (uint64_t)(*p & 0x7F) << at;
		if (!(*p++ & 0x80))
			return p;
	}
}

/* What a block is: a header, and numbers as wide as ids. */
struct layout {
	const struct pm_format *f;
	size_t head;     /* 0: it is no list, and nothing is packed */
	unsigned stride; /* so far apart are numbers that stand for the same thing */
	bool nids;       /* the first of each */
	pm_bid own;      /* what it lists was mostly given its id shortly before it */
};

static struct layout layout(const struct pm_format *f, pm_bid own, unsigned type, unsigned level,
			    size_t n)
{
	struct layout l = {.f = f, .own = own};

	if (n < f->xhead || (type != 1 && type != 2))
		return l;
	l.head = type == 1 ? f->xhead : f->slhead;
	l.stride = type == 1 ? 1 : level ? 2 : 3;
	l.nids = type == 2;
	return l;
}

/* What number `i` is likely to be near; those before it are there. */
static uint64_t near(const struct layout *l, const uint8_t *numbers, size_t i)
{
	if (i >= l->stride)
		return pm_ft_get(numbers + (i - l->stride) * l->f->id, l->f->id);
	return l->nids && !i ? 0 : l->own;
}

/* The header: type and level, the count, what else there is. Each number: 0, or 1 and the difference, of which the
 * lowest bit is the sign. Bytes that make no number are as they are. NULL: one can't be packed. */
static uint8_t *pack(uint8_t *to, const struct pm_format *f, pm_bid own, const uint8_t *p, size_t n)
{
	const struct layout l = layout(f, own, p[0], n < 2 ? 0 : p[1], n);
	const unsigned width = f->id;
	size_t i = 0;

	if (l.head) {
		memcpy(to, p, 2);
		to = put_number(to + 2, pm_le16(p + 2));
		if (l.head > 4)
			to = put_number(to, pm_le32(p + 4));
		p += l.head;
		n -= l.head;
	}
	for (; l.head && (i + 1) * width <= n; i++) {
		const uint64_t v = pm_ft_get(p + i * width, width);
		const int64_t d = (int64_t)(v - near(&l, p, i));
		const uint64_t z = ((uint64_t)d << 1 ^ (uint64_t)(d >> 63)) + 1;

		if (v && !z)
			return NULL;
		to = put_number(to, v ? z : 0);
	}
	memcpy(to, p + i * width, n - i * width);
	return to + (n - i * width);
}

static void unpack(uint8_t *to, const struct pm_format *f, pm_bid own, size_t n, const uint8_t *p)
{
	const struct layout l = layout(f, own, p[0], n < 2 ? 0 : p[1], n);
	const unsigned width = f->id;
	size_t i = 0;
	uint64_t z;

	if (l.head) {
		memcpy(to, p, 2);
		p = get_number(p + 2, &z);
		pm_put16(to + 2, (uint16_t)z);
		if (l.head > 4) {
			p = get_number(p, &z);
			pm_put32(to + 4, (uint32_t)z);
		}
		to += l.head;
		n -= l.head;
	}
	for (; l.head && (i + 1) * width <= n; i++) {
		p = get_number(p, &z);
		if (z--)
			z = near(&l, to, i) + (z >> 1 ^ -(z & 1));
		else
			z = 0;
		pm_ft_set(to + i * width, width, z);
	}
	memcpy(to + i * width, p, n - i * width);
}

enum pm_rc pm_ndb_keep_internal(struct pm_ndb *db, const struct pm_block *b, const uint8_t *stored)
{
	const uint64_t place = b->ib / db->fmt->unit;
	struct pm_block_store *s = db->internal;
	uint8_t packed[4 * NUMBER + KEPT_SIZE / 4 * NUMBER], *end;

	if (!pm_bid_internal(b->bid) || b->cb != b->cb_inflated || b->cb > KEPT_SIZE ||
	    place > UINT32_MAX || !b->cb)
		return PM_OK;
	if (!s) {
		s = db->internal = pm_calloc(db->ctx, 1, sizeof(*s));
		if (!s)
			return PM_ENOMEM;
	}
	if (s->bytes.n + sizeof(packed) > pm_mem_share() || s->bytes.n > UINT32_MAX)
		return PM_OK;
	end = put_number(put_number(packed, b->cb), b->bid);
	end = pack(end, db->fmt, b->bid, stored, b->cb);
	if (!end)
		return PM_OK;
	if (add_kept(db->ctx, s, (uint32_t)place))
		return db->ctx->rc;
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
	uint64_t cb, bid;
	const uint8_t *p;
	uint8_t *to;

	if (!s || !pm_bid_internal(b->bid) || b->cb != b->cb_inflated || b->cb > KEPT_SIZE ||
	    b->ib % db->fmt->unit || place > UINT32_MAX)
		return false;
	if (i >= s->v.n || s->v.v[i].place != place)
		i = pm_lower_member(&s->v, place, place);
	if (i >= s->v.n || s->v.v[i].place != place)
		return false;
	last = i;
	p = get_number(get_number(s->bytes.p + s->v.v[i].at, &cb), &bid);
	if (cb != b->cb || bid != b->bid)
		return false;
	to = pm_buf_room(db->ctx, out, b->cb);
	if (to)
		unpack(to, db->fmt, bid, b->cb, p);
	return true;
}
