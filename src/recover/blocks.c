/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block table: tree entries settled against the blocks themselves.
 *
 * Checks: doubles; entries that do not fit the block at their place.
 * Gathers: one entry a block id, at the place where its trailer proves it to be.
 * Needs: the walk, the sweep.
 */
#include "recover/internal.h"

#include "base/sort.h"

#define NEAR     16 /* ids that are looked at before a search */
#define NOT_HERE (PM_BF_BID | PM_BF_CB | PM_BF_SIG | PM_BF_READ | PM_BF_LOST)

static const struct pm_block *found(const struct pm_analysis *an, pm_bid bid)
{
	/* Most are asked for in the order of their ids. */
	static __thread size_t last;
	size_t lo = 0, hi = an->found.n;

	if (last < hi && an->found.v[last].bid < bid) {
		lo = last + 1;
		if (lo + NEAR < hi && an->found.v[lo + NEAR].bid >= bid)
			hi = lo + NEAR;
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (an->found.v[mid].bid < bid)
			lo = mid + 1;
		else
			hi = mid;
	}
	last = lo ? lo - 1 : 0;
	return lo < an->found.n && an->found.v[lo].bid == bid ? &an->found.v[lo] : NULL;
}

/* How well an entry fits what lies at its place; larger is better. */
static unsigned fit(const struct pm_block *b)
{
	unsigned n = 0;

	if (b->flags & PM_BF_LOST)
		return 0;
	n += !(b->flags & PM_BF_BID) * 4u;
	n += !(b->flags & PM_BF_CRC) * 2u;
	n += !(b->flags & (PM_BF_SIG | PM_BF_CB));
	return n + 1;
}

/* A block, by its place. */
struct lot {
	uint64_t ib;
	pm_bid bid;
};

struct lots {
	struct lot *v; /* ascending by place */
	size_t n, cap;
};

static enum pm_rc add_lot(struct pm_ctx *ctx, struct lots *all, const struct pm_block *b)
{
	struct lot *slot = pm_vec_push(ctx, all);

	if (!slot)
		return ctx->rc;
	*slot = (struct lot){b->ib, b->bid};
	return PM_OK;
}

/* How far is the id from those of the blocks in front and behind the place, its own left out? What is saved
 * together lies together. */
static pm_bid apart(const struct lots *all, uint64_t ib, pm_bid bid)
{
	const size_t at = pm_lower_member(all, ib, ib);
	pm_bid least = UINT64_MAX;

	for (size_t i = at ? at - 1 : 0; i <= at + 1 && i < all->n; i++) {
		const pm_bid other = all->v[i].bid;
		const pm_bid d = other > bid ? other - bid : bid - other;

		if (d && d < least)
			least = d;
	}
	return least;
}

struct settling {
	struct pm_analysis *an;
	const struct pm_map *by_place;
	struct lots all; /* of which entry and trailer agree; empty until somebody asks */
};

static enum pm_rc list_entries(struct settling *s)
{
	struct pm_analysis *an = s->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++)
		if (!(an->db.blocks.v[i].flags & (NOT_HERE | PM_BF_CRC)))
			rc = add_lot(an->ctx, &s->all, &an->db.blocks.v[i]);
	return rc ? rc : pm_sort_member(an->ctx, &s->all, ib);
}

/*
 * Is the trailer that names b->bid really that of another block, with a wrong id? An id never
 * comes with two sizes, and here another entry names this place with the size that is there. Where the sizes
 * are the same: the id is nearer to those around its own entry's place.
 */
static enum pm_rc of_another(struct settling *s, const struct pm_block *b, const struct pm_block *f,
			     bool *ret)
{
	const struct pm_analysis *an = s->an;
	const struct pm_map_entry *e = pm_map_find(s->by_place, f->ib);
	const struct pm_block *y = e ? &an->db.blocks.v[e->value] : NULL;
	enum pm_rc rc = PM_OK;

	*ret = false;
	if (!y || y->bid == b->bid || y->cb != f->cb ||
	    y->flags & (PM_BF_CRC | PM_BF_CB | PM_BF_READ | PM_BF_LOST))
		return PM_OK;
	*ret = b->cb != f->cb && !found(an, y->bid);
	if (*ret || b->cb != f->cb)
		return PM_OK;
	if (!s->all.n)
		rc = list_entries(s);
	/* What stands at its own place may have lost its trailer. */
	if (rc == PM_OK) {
		const pm_bid there = apart(&s->all, f->ib, b->bid) / 2;

		*ret = apart(&s->all, b->ib, b->bid) < there &&
		       apart(&s->all, f->ib, y->bid) < there;
	}
	return rc;
}

static enum pm_rc settle_one(struct settling *s, struct pm_block *b)
{
	struct pm_analysis *an = s->an;
	const struct pm_block *f;
	bool others;
	enum pm_rc rc;

	if (!(b->flags & (NOT_HERE | PM_BF_CRC)))
		return PM_OK;
	f = found(an, b->bid);
	if (!f)
		return PM_OK;
	rc = of_another(s, b, f, &others);
	/* The block with this id lies elsewhere, or here with another size: its own trailer and
	 * checksum outweigh the entry. */
	if (rc == PM_OK && !others) {
		uint16_t cref = b->cref;

		rc = pm_note(an, PM_NOTE_BLOCK_MOVED, b->bid, b->ib, b->cb, f->ib);
		*b = *f;
		b->cref = cref;
		b->flags = f->flags & (uint16_t)~PM_BF_FOUND;
	}
	return rc;
}

enum pm_rc pm_settle_blocks(struct pm_analysis *an)
{
	struct pm_map by_place = {0};
	struct settling s = {.an = an, .by_place = &by_place};
	struct pm_block *v;
	size_t n = 0;
	enum pm_rc rc = pm_sort_member(an->ctx, &an->db.blocks, bid);

	v = an->db.blocks.v;
	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++) {
		if (n && v[n - 1].bid == v[i].bid) {
			rc = pm_note(an, PM_NOTE_BLOCK_DOUBLE, v[i].bid, v[i].ib, v[n - 1].ib, 0);
			if (fit(&v[i]) > fit(&v[n - 1]))
				v[n - 1] = v[i];
			continue;
		}
		v[n++] = v[i];
	}
	an->db.blocks.n = n;
	/* Those whose id is not that in the trailer: the only ones that can be meant. */
	for (size_t i = 0; i < n && rc == PM_OK; i++)
		if (v[i].flags & PM_BF_BID)
			rc = pm_map_put(an->ctx, &by_place, v[i].ib, i);
	for (size_t i = 0; i < n && rc == PM_OK; i++)
		rc = settle_one(&s, &v[i]);
	pm_vec_done(&s.all);
	pm_map_done(&by_place);
	return rc;
}

/* An entry of an older leaf of the block tree. */
struct old_entry {
	uint64_t age; /* larger is older */
	struct pm_block b;
};

struct doubtful {
	struct pm_analysis *an;
	uint64_t lo, hi;     /* keys that the page can have */
	pm_bid last;         /* key of the entry before */
	uint64_t age;        /* of the leaf at hand */
	struct pm_map known; /* ids that are in the table, before anything is added */
	struct pm_buf buf;
	PM_VEC(struct pm_block) rest; /* entries for which their block does not speak */
	PM_VEC(struct old_entry) old;
	struct pm_rangeset used; /* by what is known */
	struct pm_rangeset lost; /* keys */
};

/* Does enough of the block's own trailer speak for the entry? What a wrong entry names by chance
 * fits neither in id nor in size. */
static bool vouched(uint16_t flags)
{
	const int fits = !(flags & PM_BF_BID) + !(flags & PM_BF_CB) + !(flags & PM_BF_SIG);

	return flags & PM_BF_CRC ? fits == 3 : fits >= 1;
}

static enum pm_rc take_block(struct doubtful *d, const struct pm_block *b)
{
	struct pm_analysis *an = d->an;
	struct pm_block *slot;
	bool new;

	if (!pm_map_get(an->ctx, &d->known, b->bid, &new))
		return an->ctx->rc;
	slot = new ? pm_vec_push(an->ctx, &an->db.blocks) : NULL;
	if (slot)
		*slot = *b;
	return an->ctx->rc;
}

/* The block that an entry names; false when it can't be one that only the entry knows. */
static bool named_block(const struct pm_analysis *an, const struct pm_bt_entry *e,
			struct pm_block *ret)
{
	const struct pm_format *f = an->db.fmt;

	*ret = (struct pm_block){.bid = e->key,
				 .ib = e->ib,
				 .cb = e->cb,
				 .cb_inflated = e->cb_inflated,
				 .cref = e->cref};
	return e->key && e->cb && e->cb <= f->data_max && e->ib >= f->amap_first &&
	       !(e->ib % f->unit) && e->ib < an->img->size &&
	       pm_block_stored(f, e->cb) <= an->img->size - e->ib && !found(an, e->key);
}

/* Read it; PM_NONE when that can't be done. */
static enum pm_rc read_named(struct doubtful *d, struct pm_block *io_block)
{
	enum pm_rc rc;

	pm_buf_clear(&d->buf);
	rc = pm_ndb_read_entry(&d->an->db, io_block, &d->buf);
	if (pm_is_error(rc))
		return rc;
	return io_block->flags & (PM_BF_READ | PM_BF_LOST) ? PM_NONE : PM_OK;
}

static enum pm_rc take_doubtful(void *arg, const struct pm_bt_entry *e)
{
	struct doubtful *d = arg;
	const pm_bid last = d->last;
	struct pm_block b;
	enum pm_rc rc;

	d->last = e->key;
	if (e->key < d->lo || e->key >= d->hi || !named_block(d->an, e, &b))
		return PM_OK;
	rc = read_named(d, &b);
	if (rc)
		return pm_is_error(rc) ? rc : PM_OK;
	if (vouched(b.flags))
		return take_block(d, &b);
	if (e->key > last) {
		struct pm_block *slot = pm_vec_push(d->an->ctx, &d->rest);

		if (slot)
			*slot = b;
	}
	return d->an->ctx->rc;
}

static enum pm_rc cover(struct pm_analysis *an, struct pm_rangeset *used, const struct pm_block *b)
{
	return pm_rangeset_add(an->ctx, used, b->ib, b->ib + pm_block_stored(an->db.fmt, b->cb));
}

/* Do the maps, right as their checksums may be, call free what blocks of the tree lie in? */
static bool maps_lie(const struct pm_analysis *an)
{
	unsigned n = 0;

	for (size_t i = 0; i < an->db.blocks.n && n < 3; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];

		n += b->cb <= an->db.fmt->data_max && !(b->flags & (NOT_HERE | PM_BF_CRC)) &&
		     !pm_analysis_allocated(an, b->ib, pm_block_stored(an->db.fmt, b->cb));
	}
	return n == 3;
}

/*
 * Entries in order whose block has lost its trailer: most are right, since damage to a page hits
 * few of its entries. Where no other block lies the content is there, and in doubt.
 */
static enum pm_rc take_rest(struct doubtful *d)
{
	struct pm_analysis *an = d->an;
	const bool lie = d->rest.n && maps_lie(an);
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < d->rest.n && rc == PM_OK; i++) {
		struct pm_block *b = &d->rest.v[i];
		const uint64_t size = pm_block_stored(an->db.fmt, b->cb);

		if (pm_rangeset_overlaps(&d->used, b->ib, b->ib + size) ||
		    (!lie && !pm_analysis_allocated(an, b->ib, size)))
			continue;
		b->flags |= PM_BF_SUSPECT;
		rc = take_block(d, b);
		if (rc == PM_OK)
			rc = cover(an, &d->used, b);
	}
	return rc;
}

static enum pm_rc see_old(void *arg, const struct pm_bt_entry *e)
{
	struct doubtful *d = arg;
	struct old_entry *slot;
	struct pm_block b;

	if (pm_map_has(&d->known, e->key) || !pm_rangeset_contains(&d->lost, e->key, e->key + 1) ||
	    !named_block(d->an, e, &b))
		return PM_OK;
	slot = pm_vec_push(d->an->ctx, &d->old);
	if (!slot)
		return d->an->ctx->rc;
	*slot = (struct old_entry){.age = d->age, .b = b};
	return PM_OK;
}

static enum pm_rc take_old_block(struct doubtful *d, struct pm_block *b)
{
	enum pm_rc rc;

	b->flags |= PM_BF_FOUND | (vouched(b->flags) ? 0 : PM_BF_SUSPECT);
	b->cref = 0;
	rc = take_block(d, b);
	return rc ? rc : cover(d->an, &d->used, b);
}

/*
 * An id never stands for two contents, so what an older leaf says of a block holds as long as its
 * place is in use and no other block's. What nothing refers to is not part of the model.
 */
static enum pm_rc take_old(struct doubtful *d)
{
	struct pm_analysis *an = d->an;
	enum pm_rc rc = PM_OK;

	/* A tree that was put together from leaves has all that these say. */
	if (an->assembled[0])
		pm_mark_in_tree(an);
	for (size_t i = 0; i < an->facts.n && rc == PM_OK; i++) {
		const struct pm_page_fact *p = &an->facts.v[i];

		if (p->ptype != PM_PTYPE_BBT || p->level || p->in_tree)
			continue;
		d->age = ~p->bid;
		rc = pm_walk_leaf(an, p->ib, PM_PTYPE_BBT, false, see_old, d);
	}
	if (rc == PM_OK)
		rc = pm_sort_member(an->ctx, &d->old, age);
	for (size_t i = 0; i < d->old.n && rc == PM_OK; i++) {
		struct pm_block *b = &d->old.v[i].b;
		const uint64_t end = b->ib + pm_block_stored(an->db.fmt, b->cb);

		if (pm_map_has(&d->known, b->bid) || pm_rangeset_overlaps(&d->used, b->ib, end) ||
		    pm_analysis_allocated(an, b->ib, end - b->ib) != 1)
			continue;
		rc = read_named(d, b);
		if (rc == PM_NONE)
			rc = PM_OK;
		else if (rc == PM_OK)
			rc = take_old_block(d, b);
	}
	return rc;
}

/* What lies where, by all that is known. */
static enum pm_rc cover_known(struct doubtful *d)
{
	struct pm_analysis *an = d->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++)
		if (an->db.blocks.v[i].cb <= an->db.fmt->data_max)
			rc = cover(an, &d->used, &an->db.blocks.v[i]);
	for (size_t i = 0; i < an->found.n && rc == PM_OK; i++)
		rc = cover(an, &d->used, &an->found.v[i]);
	return rc;
}

/*
 * Leaves of the block tree whose own checksum or form is wrong, entry by entry: each against the
 * block that it names. Only what its trailer can't tell by itself (pm_analysis.found).
 */
enum pm_rc pm_take_doubtful_blocks(struct pm_analysis *an)
{
	struct doubtful d = {.an = an};
	enum pm_rc rc = pm_map_reserve(an->ctx, &d.known, an->db.blocks.n);

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++)
		rc = pm_map_put(an->ctx, &d.known, an->db.blocks.v[i].bid, 1);
	for (size_t i = 0; i < an->lost.n && rc == PM_OK; i++) {
		const struct pm_key_range *r = &an->lost.v[i];

		d.lo = r->lo;
		d.hi = r->hi;
		d.last = 0;
		if (r->ptype == PM_PTYPE_BBT)
			rc = pm_rangeset_add(an->ctx, &d.lost, r->lo, r->hi);
		if (rc == PM_OK && r->ptype == PM_PTYPE_BBT && r->ib)
			rc = pm_walk_leaf(an, r->ib, PM_PTYPE_BBT, true, take_doubtful, &d);
	}
	/* Those that were taken may say fewer entries than they hold. */
	for (size_t i = 0; i < an->pages.n && rc == PM_OK; i++) {
		const struct pm_tree_page *t = &an->pages.v[i];

		d.lo = t->lo;
		d.hi = t->hi;
		d.last = 0;
		if (t->ptype == PM_PTYPE_BBT && !t->level && t->grade != PM_GRADE_LOST &&
		    t->bad & (PM_PR_LEVEL | PM_PR_CENT | PM_PR_CENTMAX | PM_PR_BID))
			rc = pm_walk_leaf(an, t->ib, PM_PTYPE_BBT, true, take_doubtful, &d);
	}
	if (rc == PM_OK && (an->lost.n || d.rest.n))
		rc = cover_known(&d);
	if (rc == PM_OK)
		rc = take_rest(&d);
	if (rc == PM_OK && an->lost.n)
		rc = take_old(&d);
	pm_map_done(&d.known);
	pm_buf_done(&d.buf);
	pm_vec_done(&d.rest);
	pm_vec_done(&d.old);
	pm_rangeset_done(&d.used);
	pm_rangeset_done(&d.lost);
	return rc;
}

/*
 * Entries whose id was hit in a bit or two so that it is above all others: their block is there under its
 * own, and new ids must have room above those that are in use.
 */
static enum pm_rc drop_hit_ids(struct pm_analysis *an)
{
	struct pm_map by_place = {0};
	pm_bid top = 0;
	size_t n = 0;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n; i++)
		if (!(an->db.blocks.v[i].flags & PM_BF_BID) && an->db.blocks.v[i].bid > top)
			top = an->db.blocks.v[i].bid;
	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++)
		if (an->db.blocks.v[i].bid > top && !(an->db.blocks.v[i].flags & PM_BF_CRC))
			rc = pm_map_put(an->ctx, &by_place, an->db.blocks.v[i].ib,
					an->db.blocks.v[i].bid);
	for (size_t i = 0; by_place.n && i < an->found.n; i++) {
		struct pm_map_entry *e = pm_map_find(&by_place, an->found.v[i].ib);

		if (e && __builtin_popcountll(e->value ^ an->found.v[i].bid) <= 2)
			e->value = 0;
	}
	for (size_t i = 0; by_place.n && i < an->db.blocks.n; i++) {
		const struct pm_block b = an->db.blocks.v[i];
		const struct pm_map_entry *e = pm_map_find(&by_place, b.ib);

		if (!e || e->value || b.bid <= top)
			an->db.blocks.v[n++] = b;
	}
	if (by_place.n)
		an->db.blocks.n = n;
	pm_map_done(&by_place);
	return rc;
}

struct merging {
	struct pm_analysis *an;
	struct lots all; /* empty until somebody asks */
};

static enum pm_rc list_found(struct merging *m)
{
	struct pm_analysis *an = m->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->found.n && rc == PM_OK; i++)
		rc = add_lot(an->ctx, &m->all, &an->found.v[i]);
	return rc ? rc : pm_sort_member(an->ctx, &m->all, ib);
}

/* Of several blocks with one id all but one have another's, in a trailer that agrees with itself: the right one is among its
 * like by their ids, since what is saved together lies together. Else the first. */
static enum pm_rc best_found(struct merging *m, size_t i, const struct pm_block **ret)
{
	const struct pm_block *v = m->an->found.v;
	enum pm_rc rc = PM_OK;

	*ret = &v[i];
	if (i + 1 >= m->an->found.n || v[i + 1].bid != v[i].bid)
		return PM_OK;
	if (!m->all.n)
		rc = list_found(m);
	for (size_t k = i + 1; k < m->an->found.n && v[k].bid == v[i].bid && rc == PM_OK; k++)
		if (apart(&m->all, v[k].ib, v[k].bid) < apart(&m->all, (*ret)->ib, v[k].bid))
			*ret = &v[k];
	return rc;
}

/* Take every found block into the table: the references will tell which of them live. */
enum pm_rc pm_merge_found(struct pm_analysis *an)
{
	const size_t n = an->db.blocks.n;
	struct merging m = {.an = an};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0, k = 0; i < an->found.n && rc == PM_OK; i++) {
		const struct pm_block *f = &an->found.v[i];
		struct pm_block *slot;

		if (i && an->found.v[i - 1].bid == f->bid)
			continue;
		/* Only below n is the table sorted. */
		while (k < n && an->db.blocks.v[k].bid < f->bid)
			k++;
		if (k < n && an->db.blocks.v[k].bid == f->bid)
			continue;
		rc = best_found(&m, i, &f);
		slot = rc ? NULL : pm_vec_push(an->ctx, &an->db.blocks);
		if (slot)
			*slot = *f;
		rc = rc ? rc : an->ctx->rc;
	}
	pm_vec_done(&m.all);
	if (rc == PM_OK)
		rc = drop_hit_ids(an);
	return rc ? rc : pm_sort_member(an->ctx, &an->db.blocks, bid);
}

/* Read the block under this entry: flags and kind. */
static enum pm_rc look(struct pm_analysis *an, struct pm_block *e, struct pm_buf *b)
{
	enum pm_rc rc;

	if (e->flags & PM_BF_LOST)
		return PM_OK;
	pm_buf_clear(b);
	rc = pm_ndb_read_entry(&an->db, e, b);
	if (pm_is_error(rc))
		return rc;
	if (!pm_bid_internal(e->bid))
		e->flags = (uint16_t)((e->flags & ~PM_BF_KIND) | pm_block_kind(b->p, b->n));
	return PM_OK;
}

/* How many bytes a compressed block gives, whatever its entry and its trailer say; 0: it has no end of its own. */
static enum pm_rc stream_size(struct pm_analysis *an, const struct pm_block *e, struct pm_buf *b,
			      uint16_t *ret)
{
	struct pm_block x = *e;
	struct pm_buf out = {0};
	size_t in = 0, n = 0;
	uint8_t *room;
	enum pm_rc rc;

	x.cb_inflated = x.cb; /* as it is stored */
	pm_buf_clear(b);
	rc = pm_ndb_read_entry(&an->db, &x, b);
	room = !pm_is_error(rc) && b->n > 1 && pm_like_zlib(b->p)
		       ? pm_buf_room(an->ctx, &out, an->db.fmt->data_max)
		       : NULL;
	if (room)
		rc = pm_inflate(an->ctx, b->p, b->n, room, an->db.fmt->data_max, &in, &n);
	*ret = in == e->cb ? (uint16_t)n : 0;
	pm_buf_done(&out);
	return pm_is_error(rc) ? rc : an->ctx->rc;
}

/* Right content that does not give as much as the entry says: as much as the trailer says, or as it is, or as it
 * says itself? */
static enum pm_rc other_size(struct pm_analysis *an, struct pm_block *e, struct pm_buf *b)
{
	const struct pm_format *f = an->db.fmt;
	const uint64_t end = e->ib + pm_block_stored(f, e->cb);
	uint8_t t[64];
	uint16_t sizes[3] = {0, e->cb, 0};
	bool found = false;
	enum pm_rc rc =
		pm_image_read(an->ctx, an->img, end - f->block_trailer, t, f->block_trailer);

	sizes[0] = (uint16_t)pm_BLOCKTRAILER_cbInflated(f, t);
	pm_buf_clear(b);
	if (!pm_is_error(rc))
		rc = pm_ndb_read_entry(&an->db, e, b);
	if (!(e->flags & PM_BF_INFLATE) && b->n == e->cb_inflated)
		return pm_is_error(rc) ? rc : PM_OK;
	if (!pm_is_error(rc) && f->variant == PM_UNICODE4K)
		rc = stream_size(an, e, b, &sizes[2]);
	for (unsigned k = 0; k < 3 && !pm_is_error(rc) && !found; k++) {
		struct pm_block x = *e;

		x.cb_inflated = sizes[k];
		x.flags = 0;
		if (sizes[k] < e->cb || sizes[k] == e->cb_inflated)
			continue;
		pm_buf_clear(b);
		rc = pm_ndb_read_entry(&an->db, &x, b);
		if (pm_is_error(rc) || x.flags & (PM_BF_INFLATE | PM_BF_CRC | PM_BF_READ) ||
		    b->n != sizes[k] ||
		    (k == 1 && e->cb_inflated > e->cb && b->n > 1 && pm_like_zlib(b->p)))
			continue;
		x.flags |= PM_BF_CB_INFL | (e->flags & PM_BF_FOUND);
		if (!pm_bid_internal(x.bid))
			x.flags |= pm_block_kind(b->p, b->n);
		*e = x;
		found = true;
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_settle_sizes(struct pm_analysis *an)
{
	struct pm_buf b = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++)
		if (an->db.blocks.v[i].flags & (PM_BF_INFLATE | PM_BF_CB_INFL) &&
		    !(an->db.blocks.v[i].flags & PM_BF_CRC))
			rc = other_size(an, &an->db.blocks.v[i], &b);
	pm_buf_done(&b);
	return rc;
}

/* Did the sweep look at just this block, and find it right? Then its flags and kind are known. */
static bool was_proved(const struct pm_analysis *an, struct pm_block *e)
{
	const struct pm_block *f = found(an, e->bid), *end = an->found.v + an->found.n;

	for (; f && f < end && f->bid == e->bid; f++) {
		if (f->ib != e->ib || f->cb != e->cb || f->cb_inflated != e->cb_inflated)
			continue;
		e->flags = (uint16_t)((e->flags & ~PM_BF_KIND) | (f->flags & ~PM_BF_FOUND));
		return true;
	}
	return false;
}

enum pm_rc pm_look_at_blocks(struct pm_analysis *an, bool anew)
{
	struct pm_buf b = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++)
		if (anew || !was_proved(an, &an->db.blocks.v[i]))
			rc = look(an, &an->db.blocks.v[i], &b);
	pm_buf_done(&b);
	return rc;
}
