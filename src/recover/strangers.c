/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of internal blocks that were redirected, under right checksums: they leave a block that
 * nobody names, and name one that is another's. Counts alone can be wrong, so both must be there.
 *
 * Gathers: PM_BF_CROWDED, of blocks that are named once too often; or that are named once, by an
 * internal block whose other ids are far from theirs, while one that nobody names is near, or one
 * that another names from afar; or that are before or behind the other ids, while one that nobody names is
 * among these.
 * Needs: references and kinds of all blocks. Only files that something is wrong with.
 */
#include "recover/internal.h"

#include "base/sort.h"
#include "msg/folder.h"

#define LEARN_MIN 20  /* entries that must be there for their distance to mean something */
#define TIMES     16  /* the usual distance: what is further away is far */
#define FAR_MIN   96  /* ids */
#define ROW       16  /* blocks in a row of ids, for each */
#define FAR_MAX   256 /* where ids are usually that far apart they tell nothing */

/* A block that an internal block names. */
struct ref {
	pm_bid bid;
	pm_nid nid; /* of the subnode; 0: a part of data */
	pm_bid sub; /* likewise: its subnodes */
	uint64_t
		nearest; /* distance to the next of the other ids; of a part of data: the widest gap that is
			   * between it and the block's own, as they are written together */
	uint64_t gap; /* that gap, of all */
};

struct strangers {
	struct pm_analysis *an;
	PM_VEC(struct ref) refs; /* of the block at hand */
	PM_VEC(pm_bid) ids;      /* all that it names, and its own */
	PM_VEC(uint64_t) steps;  /* likewise: the widest gap between it and its own */
	pm_bid own;
	PM_VEC(uint64_t) usual;  /* distances, of all blocks */
	uint64_t far;            /* 0: still to be learnt */
	bool mixed_up;           /* most are, though many are not: then those don't count either */
	bool judging;            /* after it is known what is far */
	struct pm_map from_afar; /* blocks that are named once, by one whose ids are far */
};

static enum pm_rc add(struct strangers *s, pm_bid bid, pm_nid nid, bool ref)
{
	pm_bid *id;
	struct ref *r;

	if (!pm_bid_key(bid))
		return PM_OK;
	id = pm_vec_push(s->an->ctx, &s->ids);
	if (!id)
		return s->an->ctx->rc;
	*id = pm_bid_key(bid);
	if (!ref)
		return PM_OK;
	r = pm_vec_push(s->an->ctx, &s->refs);
	if (!r)
		return s->an->ctx->rc;
	*r = (struct ref){.bid = *id, .nid = nid};
	return PM_OK;
}

/* What an XBLOCK or a leaf of a subnode tree names. */
static enum pm_rc list(struct strangers *s, pm_bid own, const struct pm_buf *b)
{
	const struct pm_format *f = s->an->db.fmt;
	const bool data = b->p[0] == 1;
	const unsigned head = data ? f->xhead : f->slhead, size = data ? f->xentry : f->slentry;
	const unsigned n = pm_internal_entries(b->n, head, size, pm_le16(b->p + 2));
	enum pm_rc rc = add(s, own, 0, false);

	for (unsigned i = 0; i < n && rc == PM_OK; i++) {
		const uint8_t *p = b->p + head + (size_t)i * size;

		if (data) {
			rc = add(s, pm_ft_get(p, f->id), 0, true);
			continue;
		}
		const pm_bid sub = pm_bid_key(pm_SLENTRY_bidSub(f, p));
		const size_t before = s->refs.n;

		rc = add(s, pm_SLENTRY_bidData(f, p), (pm_nid)pm_SLENTRY_nid(f, p), true);
		if (s->refs.n > before)
			s->refs.v[before].sub = sub;
		if (rc == PM_OK)
			rc = add(s, sub, 0, false);
	}
	return rc;
}

/* From the block's own id to both sides. */
static enum pm_rc measure_steps(struct strangers *s)
{
	const pm_bid *v = s->ids.v;
	size_t at = 0;

	s->steps.n = 0;
	while (at + 1 < s->ids.n && v[at] < s->own)
		at++;
	for (size_t i = 0; i < s->ids.n; i++) {
		uint64_t *slot = pm_vec_push(s->an->ctx, &s->steps);

		if (!slot)
			return s->an->ctx->rc;
		*slot = 0;
	}
	for (size_t i = at; i-- > 0;) {
		const uint64_t gap = v[i + 1] - v[i];

		s->steps.v[i] = gap > s->steps.v[i + 1] ? gap : s->steps.v[i + 1];
	}
	for (size_t i = at + 1; i < s->ids.n; i++) {
		const uint64_t gap = v[i] - v[i - 1];

		s->steps.v[i] = gap > s->steps.v[i - 1] ? gap : s->steps.v[i - 1];
	}
	return PM_OK;
}

static void measure(struct strangers *s, struct ref *r)
{
	const pm_bid *v = s->ids.v;
	size_t lo = 0, hi = s->ids.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid] < r->bid)
			lo = mid + 1;
		else
			hi = mid;
	}
	r->gap = s->steps.v[lo];
	if (!r->nid) {
		r->nearest = r->gap;
		return;
	}
	r->nearest = UINT64_MAX;
	if (lo)
		r->nearest = r->bid - v[lo - 1];
	if (lo + 1 < s->ids.n && v[lo + 1] - r->bid < r->nearest)
		r->nearest = v[lo + 1] - r->bid;
}

/* Could the block be what the reference should name? */
static bool fits(const struct pm_block *u, const struct pm_block *named, const struct ref *r)
{
	const unsigned type = pm_nid_type(r->nid);
	const uint16_t gone = PM_BF_CRC | PM_BF_BID | PM_BF_SIG;

	/* Of one that is gone nobody knows what it was. */
	if (u->flags & (PM_BF_LOST | PM_BF_READ | PM_BF_SUSPECT) || (u->flags & gone) == gone)
		return false;
	if (!r->nid) /* blocks of data are full */
		return u->cb == named->cb && pm_bid_internal(u->bid) == pm_bid_internal(r->bid);
	if (pm_bid_internal(u->bid))
		return true;
	if (type == PM_NT_RECIPIENTS || type == PM_NT_ATTACHMENTS)
		return (u->flags & PM_BF_KIND) == PM_BK_TC;
	if (type == PM_NT_LTP)
		return (u->flags & PM_BF_KIND) == PM_BK_NONE;
	return type != PM_NT_ATTACHMENT || (u->flags & PM_BF_KIND) == PM_BK_PC;
}

/* Does nobody name this block, or another one that should not? */
static bool forsaken(const struct strangers *s, size_t i, pm_bid but)
{
	const struct pm_block *b = &s->an->db.blocks.v[i];

	return b->cref > 1 && b->bid != but &&
	       (!s->an->refs[i] || pm_map_has(&s->from_afar, b->bid));
}

/* Does nobody name a block that is near to one of the others (`own`: of those that no gap parts from the block's own id),
 * and that fits? */
static bool left_alone(const struct strangers *s, const struct ref *r, const struct pm_block *named,
		       bool own)
{
	const struct pm_analysis *an = s->an;
	size_t last = SIZE_MAX;

	for (size_t k = 0; k < s->ids.n; k++) {
		const pm_bid id = s->ids.v[k], from = id > s->far ? id - s->far : 0;
		size_t i;

		if (id == r->bid || (own && s->steps.v[k] > s->far))
			continue;
		i = pm_ndb_lower_block(&an->db, from);
		for (i = i > last || last == SIZE_MAX ? i : last;
		     i < an->db.blocks.n && an->db.blocks.v[i].bid <= id + s->far; i++) {
			if (forsaken(s, i, r->bid) && fits(&an->db.blocks.v[i], named, r))
				return true;
			last = i + 1;
		}
	}
	return false;
}

/* Is it in front of all others or behind them, and does nobody name one among them that fits? What was saved
 * together has ids in a row. */
static bool out_of_row(const struct strangers *s, const struct ref *r, const struct pm_block *named)
{
	const struct pm_analysis *an = s->an;
	const pm_bid *v = s->ids.v;
	size_t first = 0, end = s->ids.n, i;

	while (first < end && (v[first] == r->bid || v[first] == r->sub))
		first++;
	while (end > first && (v[end - 1] == r->bid || v[end - 1] == r->sub))
		end--;
	if (!r->nid || end - first < 2 || (r->bid > v[first] && r->bid < v[end - 1]))
		return false;
	/* No row has many more blocks than it has ids. */
	i = pm_ndb_lower_block(&an->db, v[first]);
	for (size_t most = i + ROW * (end - first);
	     i < an->db.blocks.n && i < most && an->db.blocks.v[i].bid < v[end - 1]; i++) {
		const struct pm_block *u = &an->db.blocks.v[i];

		if (!an->refs[i] && u->cref > 1 &&
		    pm_bid_internal(u->bid) == pm_bid_internal(r->bid) && fits(u, named, r))
			return true;
	}
	return false;
}

static enum pm_rc judge(struct strangers *s, const struct ref *r)
{
	struct pm_analysis *an = s->an;
	const size_t i = pm_block_index(an, r->bid);

	if (i == SIZE_MAX || an->refs[i] != 1)
		return PM_OK;
	if (s->judging && out_of_row(s, r, &an->db.blocks.v[i]))
		an->db.blocks.v[i].flags |= PM_BF_CROWDED;
	/* Two of another's may be near to each other. */
	if (r->gap <= s->far)
		return PM_OK;
	if (!s->judging)
		return s->mixed_up && r->nearest > s->far
			       ? pm_map_put(an->ctx, &s->from_afar, r->bid, 1)
			       : PM_OK;
	if (left_alone(s, r, &an->db.blocks.v[i], r->nearest <= s->far))
		an->db.blocks.v[i].flags |= PM_BF_CROWDED;
	return PM_OK;
}

/* One internal block: learn its distances, or judge by what was learnt. */
static enum pm_rc look(struct strangers *s, struct pm_block *e)
{
	struct pm_buf b = {0};
	const pm_bid own = e->bid;
	enum pm_rc rc = pm_ndb_read_entry(&s->an->db, e, &b);

	s->refs.n = s->ids.n = 0;
	if (rc == PM_OK && b.n >= 8 && ((b.p[0] == 1 && b.p[1] == 1) || (b.p[0] == 2 && !b.p[1])))
		rc = list(s, own, &b);
	pm_buf_done(&b);
	if (rc || s->ids.n < 2)
		return pm_is_error(rc) ? rc : PM_OK;
	rc = pm_sort_u64(s->an->ctx, s->ids.v, s->ids.n, sizeof(*s->ids.v), 0);
	s->own = pm_bid_key(own);
	if (rc == PM_OK)
		rc = measure_steps(s);
	for (size_t i = 0; i < s->refs.n && rc == PM_OK; i++) {
		uint64_t *d = NULL;

		measure(s, &s->refs.v[i]);
		if (s->far) {
			rc = judge(s, &s->refs.v[i]);
			continue;
		}
		d = pm_vec_push(s->an->ctx, &s->usual);
		if (!d)
			return s->an->ctx->rc;
		*d = s->refs.v[i].nearest;
	}
	return pm_spend(s->an->ctx, s->ids.n);
}

static enum pm_rc look_at_all(struct strangers *s)
{
	struct pm_analysis *an = s->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++)
		if (an->refs[i] && pm_bid_internal(an->db.blocks.v[i].bid))
			rc = look(s, &an->db.blocks.v[i]);
	return rc;
}

/* The blocks of this XBLOCK that something else names. */
static void crowd_parts(struct pm_analysis *an, const struct pm_buf *b)
{
	const struct pm_format *f = an->db.fmt;
	const unsigned n = b->n < 8 || b->p[0] != 1
				   ? 0
				   : pm_internal_entries(b->n, f->xhead, f->id, pm_le16(b->p + 2));

	for (unsigned k = 0; k < n; k++) {
		const uint8_t *p = b->p + f->xhead + (size_t)k * f->id;
		const size_t part = pm_block_index(an, pm_ft_get(p, f->id));

		if (part != SIZE_MAX && an->refs[part])
			an->db.blocks.v[part].flags |= PM_BF_CROWDED;
	}
}

/* Blocks that are named alone, and are parts of a value that somebody must own and nobody names: its
 * entry names a part of it, or another's. */
static enum pm_rc mark_parts(struct pm_analysis *an)
{
	struct pm_buf b = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && !pm_is_error(rc); i++) {
		struct pm_block e = an->db.blocks.v[i];

		if (!pm_bid_internal(e.bid) || an->refs[i] || e.cref < 2)
			continue;
		pm_buf_clear(&b);
		rc = pm_ndb_read_entry(&an->db, &e, &b);
		if (!pm_is_error(rc))
			crowd_parts(an, &b);
	}
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Does anything that somebody owns lack an owner, or did it until it was found by its content? */
static bool any_lost(const struct pm_analysis *an)
{
	for (size_t i = 0; i < an->notes.n; i++)
		if (an->notes.v[i].kind == PM_NOTE_NODE_CONTENT)
			return true;
	return pm_refs_pool(an) != 0;
}

enum pm_rc pm_mark_strangers(struct pm_analysis *an)
{
	struct strangers s = {.an = an};
	enum pm_rc rc;

	if (!any_lost(an))
		return PM_OK;
	for (size_t i = 0; i < an->db.blocks.n; i++) {
		struct pm_block *b = &an->db.blocks.v[i];

		if (an->refs[i] > 1 && b->cref && an->refs[i] >= b->cref)
			b->flags |= PM_BF_CROWDED;
	}
	rc = mark_parts(an);
	if (rc == PM_OK)
		rc = look_at_all(&s);
	if (rc == PM_OK)
		rc = pm_sort_u64(an->ctx, s.usual.v, s.usual.n, sizeof(*s.usual.v), 0);
	if (rc == PM_OK && s.usual.n >= LEARN_MIN) {
		/* Where most entries were redirected a sixth are right all the same. */
		s.far = TIMES * s.usual.v[s.usual.n / 8];
		if (s.far < FAR_MIN)
			s.far = FAR_MIN;
		s.mixed_up = s.usual.v[s.usual.n / 2] > s.far;
		if (s.far <= FAR_MAX && s.mixed_up)
			rc = look_at_all(&s);
		s.judging = true;
		if (s.far <= FAR_MAX && rc == PM_OK)
			rc = look_at_all(&s);
	}
	pm_vec_done(&s.refs);
	pm_vec_done(&s.ids);
	pm_vec_done(&s.steps);
	pm_vec_done(&s.usual);
	pm_map_done(&s.from_afar);
	return rc;
}
