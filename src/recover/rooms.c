/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of which only the content is left: the leaf with their entries is gone, or these are wrong,
 * and their trailers are gone. Something names them, and their ids lie next to those of the blocks
 * beside a room that nothing known fills.
 *
 * Gathers: such blocks, in doubt (PM_BF_SUSPECT) where nothing of their trailer speaks for them.
 * Needs: rooms and places (gaps.c); what is missing, and whose it is (refs.c).
 */
#include "recover/gaps.h"

#include "base/sort.h"

#define AROUND    0x400   /* between those of a large item */
#define LATER     3       /* ids from the last that an internal block lists to its own */
#define CHAIN     64      /* blocks of a room */
#define TRIES_MAX 4000000 /* of places for blocks that nobody stands beside */

struct wanted {
	pm_bid bid;
	uint64_t by;                    /* as of an->missing */
	const struct pm_missing *entry; /* it has one, which is wrong; else NULL */
	bool taken;
};

/* A block as it would lie. */
struct fit {
	size_t id; /* in ids */
	pm_ib ib;
	uint32_t cb, inflated;
	uint64_t room; /* from there to the end of all */
	bool sure;     /* its content says where it ends, or its checksum is right */
	bool direct;   /* its id is the one after that of the block before */
	pm_bid last;   /* internal: the highest id that it lists */
	bool rival;    /* another that is wanted would do as well */
};

struct rooms {
	struct pm_gaps *g;
	struct pm_analysis *an;
	const struct pm_format *f;
	PM_VEC(struct wanted) ids; /* ascending */
	struct pm_buf bytes;       /* of the room */
	struct fit chain[CHAIN];
	unsigned n;
	pm_bid lo, hi; /* ids that come into question for the room: lo < id < hi */
	bool behind;   /* hi is that of the block behind it */
};

static uint64_t ids_between(pm_bid a, pm_bid b)
{
	return b >> 2 > a >> 2 ? (b >> 2) - (a >> 2) : 0;
}

/* Must it be a heap, all in one block? */
static bool is_heap(const struct wanted *want)
{
	return !(want->by & PM_MISSING_PART) && pm_nid_kind((pm_nid)want->by) != PM_BK_NONE;
}

/* ---- what a block is by its content ---- */

/* The bytes at `ib` as a block of this id would have them, at most `room` of them. */
static enum pm_rc read_as(struct rooms *w, pm_bid bid, pm_ib ib, uint32_t cb, bool *ret)
{
	struct pm_block b = {.bid = bid, .ib = ib, .cb = (uint16_t)cb, .cb_inflated = (uint16_t)cb};
	enum pm_rc rc;

	pm_buf_clear(&w->g->buf);
	rc = pm_ndb_read_entry(&w->an->db, &b, &w->g->buf);
	*ret = !pm_is_error(rc) && w->g->buf.n == cb && !(b.flags & PM_BF_READ);
	return pm_is_error(rc) ? rc : pm_spend(w->an->ctx, 2);
}

/* A compressed block [4K] ends where its stream does. What it holds is in the buffer then. */
static enum pm_rc inflate_at(struct rooms *w, struct fit *x)
{
	struct pm_buf out = {0};
	size_t in = 0, n = 0;
	uint8_t *room;
	enum pm_rc rc;

	if (!pm_like_zlib(w->g->buf.p))
		return PM_OK;
	room = pm_buf_room(w->an->ctx, &out, w->f->data_max);
	rc = room ? pm_inflate(w->an->ctx, w->g->buf.p, w->g->buf.n, room, w->f->data_max, &in, &n)
		  : w->an->ctx->rc;
	if (rc == PM_OK && in < n) {
		x->cb = (uint32_t)in;
		x->inflated = (uint32_t)n;
		x->sure = true;
		pm_buf_clear(&w->g->buf);
		pm_buf_add(w->an->ctx, &w->g->buf, room, n);
	}
	pm_buf_done(&out);
	return rc ? rc : w->an->ctx->rc;
}

/* May an internal block of this id list the other? It is there, or was saved with it. *ret_own: and
 * nobody else does, as far as is known. */
static bool may_list(const struct rooms *w, pm_bid bid, pm_bid other, bool *ret_own)
{
	const pm_bid key = pm_bid_key(other);
	const size_t i = pm_block_index(w->an, key);

	if (i != SIZE_MAX) {
		*ret_own |= pm_refs_wanted(w->an, i);
		return true;
	}
	*ret_own = true;
	return pm_map_has(&w->an->missing, key) || (key < bid && bid - key <= AROUND);
}

/* An internal block: all that it lists may be, and something of it has no other owner. */
static void look_internal(const struct rooms *w, const struct wanted *want, struct fit *x)
{
	const struct pm_format *f = w->f;
	const struct pm_buf *b = &w->g->buf;
	bool own = false;
	const unsigned n = pm_le16(b->p + 2);
	const bool data = b->p[0] == 1, leaf = !data && !b->p[1];
	const unsigned head = data ? f->xhead : f->slhead;
	const unsigned size = data ? f->xentry : leaf ? f->slentry : f->sientry;

	if (data != !(want->by & PM_MISSING_SUB) ||
	    (data ? !b->p[1] || b->p[1] > 2 : b->p[0] != 2 || b->p[1] > 1) || !n ||
	    head + n * size > b->n)
		return;
	x->last = 0;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *p = b->p + head + i * size;
		const pm_bid child = data   ? pm_ft_get(p, f->id)
				     : leaf ? pm_SLENTRY_bidData(f, p)
					    : pm_SIENTRY_bid(f, p);

		if (!may_list(w, want->bid, child, &own))
			return;
		if (pm_bid_key(child) > x->last)
			x->last = pm_bid_key(child);
	}
	x->cb = x->inflated = own ? head + n * size : 0;
	x->sure = own;
}

/* Bytes of a part of a value, by the list of its parts: all are full, but for the last. */
static enum pm_rc part_size(const struct rooms *w, pm_bid bid, pm_bid list, uint32_t *ret)
{
	const struct pm_format *f = w->f;
	struct pm_buf b = {0};
	enum pm_rc rc = pm_ndb_read_block(&w->an->db, list, &b);
	unsigned n;

	*ret = 0;
	n = !pm_is_error(rc) && b.n >= f->xhead && b.p[0] == 1 && b.p[1] == 1 ? pm_le16(b.p + 2)
									      : 0;
	for (unsigned i = 0; i < n && f->xhead + (i + 1) * f->xentry <= b.n; i++) {
		const uint64_t rest = pm_XBLOCK_lcbTotal(f, b.p) - (uint64_t)(n - 1) * f->data_max;

		if (pm_bid_key(pm_ft_get(b.p + f->xhead + i * f->xentry, f->id)) != bid)
			continue;
		*ret = i + 1 < n ? f->data_max : rest <= f->data_max ? (uint32_t)rest : 0;
	}
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc look_value(struct rooms *w, bool last, struct fit *x)
{
	uint32_t cb;
	const enum pm_rc rc = pm_gap_value_size(w->g, x->ib, x->room, &cb, &x->sure);

	x->cb = x->inflated = x->sure || last ? cb : 0;
	return rc;
}

/* The data of a node, or a part of such. `size`: 0 unless a list of parts tells. */
static enum pm_rc look_data(struct rooms *w, const struct wanted *want, uint32_t size,
			    struct fit *x)
{
	const uint16_t kind =
		want->by & PM_MISSING_PART ? PM_BK_NONE : pm_nid_kind((pm_nid)want->by);
	const bool last = want->entry || want + 1 == w->ids.v + w->ids.n || want[1].bid >= w->hi;
	uint32_t told;
	enum pm_rc rc = PM_OK;

	if (w->f->variant == PM_UNICODE4K)
		rc = inflate_at(w, x);
	if (rc)
		return rc;
	if (size) {
		if (!x->cb && size <= w->g->buf.n)
			x->cb = x->inflated = size;
		if (x->inflated != size)
			x->cb = 0;
		return PM_OK;
	}
	if (!pm_heap_size(w->g->buf.p, w->g->buf.n, &told)) {
		/* A value: how long, its compressed form tells, or its end. */
		if (kind)
			x->cb = 0;
		return kind || x->cb ? PM_OK : look_value(w, last, x);
	}
	if ((x->cb && x->inflated != told) ||
	    (kind && kind != pm_block_kind(w->g->buf.p, w->g->buf.n)))
		x->cb = 0;
	else if (!x->cb)
		x->cb = x->inflated = told;
	x->sure = x->cb;
	return PM_OK;
}

/* Does a trailer that agrees with itself say that what lies there is another block? Its content may be damaged then, but it is
 * not the one that is wanted, unless only that one's id belongs there. A bit that was hit in id and signature alike
 * looks so, too, over content that is right. */
static enum pm_rc of_another(struct rooms *w, pm_bid bid, const struct fit *x, bool *ret)
{
	const struct pm_format *f = w->f;
	uint8_t t[64];
	enum pm_rc rc = pm_image_read(w->an->ctx, w->an->img,
				      x->ib + pm_block_stored(f, x->cb) - f->block_trailer, t,
				      f->block_trailer);
	const pm_bid there = pm_bid_key(pm_BLOCKTRAILER_bid(f, t));
	bool right = false;

	*ret = rc == PM_OK && there != bid && pm_BLOCKTRAILER_cb(f, t) == x->cb &&
	       pm_BLOCKTRAILER_wSig(f, t) == pm_sig(x->ib, there) &&
	       (pm_gap_between(w->g, x->ib, there) || !pm_gap_between(w->g, x->ib, bid));
	if (pm_is_error(rc) || !*ret || __builtin_popcountll(there ^ bid) > 2)
		return pm_is_error(rc) ? rc : PM_OK;
	rc = pm_gap_checksum(w->g, x->ib, x->cb, &right);
	*ret = !right;
	return rc;
}

/* Is the block that is wanted what lies at x->ib, in x->room bytes? x->cb: 0, or its size. */
static enum pm_rc look(struct rooms *w, const struct wanted *want, struct fit *x)
{
	const uint64_t room = x->room;
	const struct pm_format *f = w->f;
	uint32_t most = f->data_max, size = 0;
	enum pm_rc rc = PM_OK;
	bool there;

	x->cb = 0;
	x->sure = false;
	if (room <= f->block_trailer)
		return PM_OK;
	if (room - f->block_trailer < most)
		most = (uint32_t)room - f->block_trailer;
	if (want->by & PM_MISSING_PART && !pm_bid_internal(want->bid)) {
		rc = part_size(w, want->bid, want->by & ~PM_MISSING_PART, &size);
		if (rc || !size)
			return rc;
	}
	rc = read_as(w, want->bid, x->ib, most, &there);
	if (rc || !there || w->g->buf.n < 8)
		return rc;
	if (pm_bid_internal(want->bid))
		look_internal(w, want, x);
	else
		rc = look_data(w, want, size, x);
	if (rc == PM_OK && x->cb && pm_block_stored(f, x->cb) > room)
		x->cb = 0;
	if (rc == PM_OK && x->cb)
		rc = of_another(w, want->bid, x, &there);
	if (rc == PM_OK && x->cb && there)
		x->cb = 0;
	if (rc == PM_OK && x->cb && !x->sure)
		rc = pm_gap_checksum(w->g, x->ib, x->cb, &x->sure);
	return rc;
}

/* ---- a room ---- */

static size_t first_above(const struct rooms *w, pm_bid bid)
{
	size_t lo = 0, hi = w->ids.n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (w->ids.v[mid].bid <= bid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Blocks beside the room, and which ids may be in it. False: nobody is beside it. */
static bool neighbours(struct rooms *w, const struct pm_range *r)
{
	const struct pm_place *v = w->g->places.v, *before = NULL, *behind = NULL;
	const size_t lo = pm_gap_place_from(w->g, r->start);

	if (lo && v[lo - 1].end == r->start)
		before = &v[lo - 1];
	if (lo < w->g->places.n && v[lo].ib == r->end)
		behind = &v[lo];
	if (!before && !behind)
		return false;
	w->lo = before ? before->bid : behind->bid > PM_TOGETHER ? behind->bid - PM_TOGETHER : 0;
	w->hi = w->lo + PM_TOGETHER;
	if (before && behind && behind->bid > before->bid && behind->bid < w->hi)
		w->hi = behind->bid;
	if (!before)
		w->hi = behind->bid;
	w->behind = behind && w->hi == behind->bid;
	return true;
}

/* The block at `ib`: the lowest id above `last` that does. */
static enum pm_rc next_of(struct rooms *w, pm_ib ib, uint64_t room, pm_bid last, bool *ret)
{
	struct fit *x = &w->chain[w->n];
	enum pm_rc rc = PM_OK;

	*ret = false;
	for (size_t i = first_above(w, last); i < w->ids.n && w->ids.v[i].bid < w->hi; i++) {
		struct fit y = {.id = i, .ib = ib, .room = room};

		rc = w->ids.v[i].taken ? PM_OK : look(w, &w->ids.v[i], &y);
		if (rc)
			return rc;
		if (!y.cb)
			continue;
		if (*ret) {
			x->rival = true;
			break;
		}
		*x = y;
		x->direct = ids_between(last, w->ids.v[i].bid) == 1;
		*ret = true;
	}
	return PM_OK;
}

/* Internal blocks are saved just after what they list. */
static bool follows(const struct fit *x, pm_bid bid)
{
	const uint64_t n = ids_between(x->last, bid);

	return n && n <= LATER;
}

/* Would another that is wanted do as well? */
static enum pm_rc drop_if_another(struct rooms *w, struct fit *x)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = first_above(w, w->lo);
	     x->cb && i < w->ids.n && w->ids.v[i].bid < w->hi && rc == PM_OK; i++) {
		struct fit y = {.ib = x->ib, .room = x->room};

		if (i != x->id && !w->ids.v[i].taken)
			rc = look(w, &w->ids.v[i], &y);
		if (y.cb)
			x->cb = 0;
	}
	return rc;
}

/* Where in the room does the block lie, whatever is in front of it? An internal one shows what it is, a
 * heap where it ends: at the end of the room. x->cb 0: nowhere, or in several places. */
static enum pm_rc find(struct rooms *w, const struct wanted *want, const struct pm_range *r,
		       struct fit *x)
{
	const struct pm_buf *all = &w->bytes;
	const bool internal = pm_bid_internal(want->bid);
	const uint64_t most = pm_block_stored(w->f, w->f->data_max);
	size_t at = internal || all->n <= most ? 0 : all->n - most;
	unsigned found = 0;
	enum pm_rc rc = PM_OK;

	for (; at + 8 <= all->n && found < 2 && rc == PM_OK; at += w->f->unit) {
		const uint8_t *p = all->p + at;
		struct fit y = {.id = x->id, .ib = r->start + at, .room = all->n - at};

		if (internal && (!p[0] || p[0] > 2 || p[1] > 2 || !pm_le16(p + 2)))
			continue;
		rc = look(w, want, &y);
		if (rc || !y.cb || !y.sure ||
		    !(internal ? follows(&y, want->bid) : pm_block_stored(w->f, y.cb) == y.room))
			continue;
		found++;
		*x = y;
	}
	if (found != 1)
		x->cb = 0;
	if (rc == PM_OK && x->cb && !internal && ids_between(want->bid, w->hi) != 1)
		rc = drop_if_another(w, x);
	x->direct = x->sure = x->cb;
	return rc;
}

/* What does not follow the block in front of the room. */
static enum pm_rc scan(struct rooms *w, const struct pm_range *r)
{
	size_t i = first_above(w, w->lo);
	enum pm_rc rc = PM_OK;

	w->n = 0;
	pm_buf_clear(&w->bytes);
	for (; i < w->ids.n && w->ids.v[i].bid < w->hi && w->n < CHAIN && rc == PM_OK; i++) {
		struct fit *x = &w->chain[w->n];

		if (w->ids.v[i].taken ||
		    !(pm_bid_internal(w->ids.v[i].bid) || is_heap(&w->ids.v[i])))
			continue;
		if (!w->bytes.n)
			rc = pm_gap_read_room(w->g, r, &w->bytes);
		if (rc)
			return rc;
		*x = (struct fit){.id = i};
		rc = find(w, &w->ids.v[i], r, x);
		w->n += x->cb != 0;
	}
	return rc;
}

/* From one end to the other, or as far as it goes. */
static enum pm_rc fill(struct rooms *w, const struct pm_range *r, bool *ret_full)
{
	pm_ib at = r->start;
	pm_bid last = w->lo;
	bool any = true;
	enum pm_rc rc = PM_OK;

	w->n = 0;
	while (any && at < r->end && w->n < CHAIN && rc == PM_OK) {
		rc = next_of(w, at, r->end - at, last, &any);
		if (rc || !any)
			break;
		at += pm_block_stored(w->f, w->chain[w->n].cb);
		last = w->ids.v[w->chain[w->n].id].bid;
		w->n++;
	}
	*ret_full = at == r->end;
	/* Seen from the block behind the room. */
	last = w->hi;
	for (unsigned i = *ret_full && w->behind ? w->n : 0; i-- > 0;) {
		const pm_bid bid = w->ids.v[w->chain[i].id].bid;

		if (ids_between(bid, last) != 1)
			break;
		w->chain[i].direct = true;
		last = bid;
	}
	return rc;
}

/* Blocks that fill a room are believed, others while content and id speak for them. */
static enum pm_rc take_chain(struct rooms *w, bool full, bool *ret_any)
{
	enum pm_rc rc = PM_OK;

	for (unsigned i = 0; i < w->n && rc == PM_OK; i++) {
		const struct fit *x = &w->chain[i];
		struct wanted *want = &w->ids.v[x->id];
		struct pm_missing m = {
			.b = {.bid = want->bid}, .index = SIZE_MAX, .nameless = !want->entry};

		if (want->entry)
			m = *want->entry;
		m.at = x->ib;
		m.cb = x->cb;
		m.b.cb_inflated = (uint16_t)x->inflated;

		/* The next id, in the next place; or what shows its length, and fills the room. */
		if (!(x->direct ? full || x->sure : full && x->sure && !x->rival))
			break;
		rc = pm_gap_take(w->g, &m);
		want->taken = *ret_any = true;
	}
	return rc;
}

static enum pm_rc want(struct rooms *w, const struct pm_map_entry *e, const struct pm_missing *m)
{
	struct wanted *slot = pm_vec_push(w->an->ctx, &w->ids);

	if (slot)
		*slot = (struct wanted){.bid = e->key, .by = e->value, .entry = m};
	return w->an->ctx->rc;
}

/* Has a damaged leaf an entry of it, or one whose id was hit and may be this? */
static bool has_entry(const struct rooms *w, pm_bid bid)
{
	for (size_t i = 0; i < w->g->v.n; i++) {
		const struct pm_missing *m = &w->g->v.v[i];

		if ((m->index == SIZE_MAX && m->b.bid == bid) || (bid > m->lo && bid < m->hi))
			return true;
	}
	return false;
}

/* `all`: also what has such an entry, which may tell more. */
static enum pm_rc gather(struct rooms *w, bool all)
{
	const struct pm_map *missing = &w->an->missing;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < missing->n && rc == PM_OK; i++)
		if (all || !has_entry(w, missing->v[i].key))
			rc = want(w, &missing->v[i], NULL);
	for (size_t i = 0; i < w->g->v.n && rc == PM_OK; i++) {
		const struct pm_missing *m = &w->g->v.v[i];
		const struct pm_map_entry *e = pm_map_find(&w->an->absent, m->b.bid);

		if (e && m->index != SIZE_MAX && !m->stays && !m->hi)
			rc = want(w, e, m);
	}
	return rc ? rc : pm_sort_member(w->an->ctx, &w->ids, bid);
}

/* ---- by elimination ---- */

/* How many places a wanted block could have by its content, and the last of them. */
struct likely {
	unsigned n;
	unsigned exact; /* those of the very size that its entry says; no others count then */
	struct fit x;
};

#define EXACTLY ((uint64_t)1 << 32)

struct places {
	struct likely *of; /* each in ids */
	struct pm_map at;  /* place -> how many it could be, and EXACTLY times how many exactly */
};

/* Could the block begin with these bytes? */
static bool may_begin(const struct rooms *w, const struct wanted *want, const uint8_t *p,
		      bool first)
{
	uint8_t head[12];

	if (pm_bid_internal(want->bid))
		return p[0] && p[0] <= 2 && p[1] <= 2 && pm_le16(p + 2);
	memcpy(head, p, sizeof(head));
	pm_decode(w->an->db.crypt, want->bid, head, sizeof(head));
	/* A value may begin with anything: at the beginning of a room, if it has the size of its entry. */
	return pm_block_kind(head, sizeof(head)) || (first && want->entry && !is_heap(want)) ||
	       (w->f->variant == PM_UNICODE4K && pm_like_zlib(head));
}

static bool as_said(const struct wanted *want, const struct fit *x)
{
	return want->entry && want->entry->b.cb == x->cb &&
	       want->entry->b.cb_inflated == x->inflated;
}

/* Its content says how long it is. It must have the size of its entry, or fill the room, or, internal,
 * have been saved after what it lists. */
static bool convinces(const struct rooms *w, const struct wanted *want, const struct pm_range *r,
		      const struct fit *x)
{
	if (as_said(want, x))
		return x->sure || pm_block_stored(w->f, x->cb) == x->room;
	if (!x->cb || !x->sure)
		return false;
	return pm_bid_internal(want->bid)
		       ? follows(x, want->bid)
		       : x->ib == r->start && pm_block_stored(w->f, x->cb) == x->room;
}

static enum pm_rc note_places(struct rooms *w, size_t i, const struct pm_range *r, struct places *p)
{
	enum pm_rc rc = PM_OK;

	for (size_t at = 0; at + 12 <= w->bytes.n && rc == PM_OK; at += w->f->unit) {
		struct fit x = {
			.id = i, .ib = r->start + at, .room = w->bytes.n - at, .direct = true};
		struct pm_map_entry *e;
		bool exact;

		if (!may_begin(w, &w->ids.v[i], w->bytes.p + at, !at))
			continue;
		rc = look(w, &w->ids.v[i], &x);
		if (rc || !convinces(w, &w->ids.v[i], r, &x))
			continue;
		exact = as_said(&w->ids.v[i], &x);
		x.sure |= exact;
		if (exact && !p->of[i].exact++)
			p->of[i].n = 0;
		if (exact || !p->of[i].exact) {
			p->of[i].n++;
			p->of[i].x = x;
		}
		e = pm_map_get(w->an->ctx, &p->at, x.ib, NULL);
		if (!e)
			return w->an->ctx->rc;
		e->value += exact ? EXACTLY : 1;
	}
	return rc ? rc : pm_spend(w->an->ctx, w->bytes.n / w->f->unit);
}

/* What nobody stands beside: one place in all rooms that this block could have, and no other. */
static enum pm_rc eliminate(struct rooms *w, bool *ret_any)
{
	struct places p = {.of = pm_calloc(w->an->ctx, w->ids.n + 1, sizeof(*p.of))};
	enum pm_rc rc = w->an->ctx->rc;

	w->lo = 0;
	w->hi = UINT64_MAX;
	for (size_t k = 0; k < w->g->rooms.n && rc == PM_OK; k++) {
		const struct pm_range *r = &w->g->rooms.v[k];

		if (r->start % w->f->unit || r->end - r->start > PM_ROOM_MAX)
			continue;
		rc = pm_gap_read_room(w->g, r, &w->bytes);
		for (size_t i = 0; i < w->ids.n && rc == PM_OK; i++)
			if (!w->ids.v[i].taken)
				rc = note_places(w, i, r, &p);
	}
	for (size_t i = 0; i < w->ids.n && rc == PM_OK; i++) {
		const struct fit *x = &p.of[i].x;
		const struct pm_map_entry *e = p.of[i].n == 1 ? pm_map_find(&p.at, x->ib) : NULL;

		if (!e || (p.of[i].exact ? e->value / EXACTLY : e->value) != 1)
			continue;
		w->chain[0] = *x;
		w->n = 1;
		rc = take_chain(w, false, ret_any);
	}
	pm_free(p.of);
	pm_map_done(&p.at);
	return rc;
}

static uint64_t units_in_rooms(const struct rooms *w)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->g->rooms.n; i++)
		n += (w->g->rooms.v[i].end - w->g->rooms.v[i].start) / w->f->unit + 1;
	return n;
}

enum pm_rc pm_fill_rooms(struct pm_gaps *g, bool anywhere, bool *ret_any)
{
	struct rooms w = {.g = g, .an = g->an, .f = g->an->db.fmt};
	enum pm_rc rc = gather(&w, anywhere);
	bool full;

	*ret_any = false;
	for (size_t i = 0; i < g->rooms.n && rc == PM_OK; i++) {
		const struct pm_range *r = &g->rooms.v[i];
		bool any = false;

		if (r->start % w.f->unit || !neighbours(&w, r))
			continue;
		rc = fill(&w, r, &full);
		if (rc == PM_OK)
			rc = take_chain(&w, full, &any);
		/* Else in the next round, of what is left of the room. */
		if (rc == PM_OK && !any && r->end - r->start <= PM_ROOM_MAX)
			rc = scan(&w, r);
		if (rc == PM_OK && !any)
			rc = take_chain(&w, false, &any);
		if (rc == PM_OK)
			rc = pm_spend(g->an->ctx, 1);
		*ret_any |= any;
	}
	if (rc == PM_OK && anywhere && !*ret_any && units_in_rooms(&w) * w.ids.n <= TRIES_MAX)
		rc = eliminate(&w, ret_any);
	pm_vec_done(&w.ids);
	pm_buf_done(&w.bytes);
	return rc;
}
