/* SPDX-License-Identifier: Apache-2.0 */
/* The B-tree on a heap: flattened when read, laid out level by level when built. */
#include "ltp/bth.h"

#include "base/map.h"
#include "base/sort.h"
#include "format/fields.h"

#define LEVELS_MAX 8
#define BYTES_MAX  ((size_t)128 << 20) /* of records: a table of 16 million rows */

enum { FEW = 8 };

struct loader {
	struct pm_heap *h;
	struct pm_bth *b;
	/* The items that it names: the first ones, of most trees all; the others. */
	pm_hid few[FEW];
	size_t n_few;
	struct pm_map seen;
	struct pm_buf bytes, state;
};

static int key_cmp(const struct pm_bth *b, const uint8_t *x, const uint8_t *y)
{
	for (unsigned i = b->cb_key; i-- > 0;)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

static uint64_t number(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

uint64_t pm_bth_key(const struct pm_bth *b, size_t i)
{
	const uint8_t *p = pm_bth_record(b, i);

	return b->cb_key > 8 ? number(p + b->cb_key - 8, 8) : number(p, b->cb_key);
}

size_t pm_bth_find(const struct pm_bth *b, uint64_t key)
{
	size_t lo = 0, hi = b->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pm_bth_key(b, mid) < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->n && pm_bth_key(b, lo) == key ? lo : b->n;
}

static enum pm_rc add_records(struct loader *l, struct pm_span s, enum pm_rc state)
{
	struct pm_ctx *ctx = l->h->db->ctx;
	size_t size = l->b->cb_key + l->b->cb_ent, n = s.n / size;
	uint8_t *mark;

	if (l->bytes.n + n * size > BYTES_MAX) {
		l->b->rules |= PM_TR_TREE;
		return PM_OK;
	}
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = s.p + i * size;
		const uint8_t *last = i            ? p - size
				      : l->bytes.n ? l->bytes.p + l->bytes.n - size
						   : NULL;

		if (last && key_cmp(l->b, last, p) >= 0)
			l->b->rules |= PM_TR_ORDER;
	}
	pm_buf_add(ctx, &l->bytes, s.p, n * size);
	mark = n ? pm_buf_room(ctx, &l->state, n) : NULL;
	if (mark)
		memset(mark, (int)state, n);
	return ctx->rc;
}

/* Note that the tree names this item; is it for the first time? */
static enum pm_rc see(struct loader *l, pm_hid hid, bool *ret_fresh)
{
	*ret_fresh = false;
	for (size_t i = 0; i < l->n_few; i++)
		if (l->few[i] == hid)
			return PM_OK;
	if (l->n_few < FEW) {
		l->few[l->n_few++] = hid;
		*ret_fresh = true;
		return PM_OK;
	}
	return pm_map_get(l->h->db->ctx, &l->seen, hid, ret_fresh) ? PM_OK : l->h->db->ctx->rc;
}

static enum pm_rc walk(struct loader *l, pm_hid hid, unsigned level, const uint8_t *want);

static enum pm_rc walk_index(struct loader *l, struct pm_span s, unsigned level)
{
	struct pm_ctx *ctx = l->h->db->ctx;
	unsigned size = l->b->cb_key + 4;
	struct pm_buf copy = {0}; /* the span may go while its children are read */
	enum pm_rc rc = PM_OK;

	pm_buf_add(ctx, &copy, s.p, s.n);
	if (copy.bad)
		return ctx->rc;
	for (size_t at = 0; copy.n - at >= size && rc == PM_OK; at += size)
		rc = walk(l, pm_le32(copy.p + at + l->b->cb_key), level - 1, copy.p + at);
	pm_buf_done(&copy);
	return rc;
}

/* `want`: the key that the index gives for this item, or NULL. */
static enum pm_rc walk(struct loader *l, pm_hid hid, unsigned level, const uint8_t *want)
{
	struct pm_bth *b = l->b;
	unsigned size = b->cb_key + (level ? 4 : b->cb_ent);
	struct pm_span s;
	enum pm_rc rc;
	bool fresh;

	if (see(l, hid, &fresh))
		return l->h->db->ctx->rc;
	if (!fresh) {
		b->rules |= PM_TR_TREE;
		return PM_OK;
	}
	rc = pm_heap_item(l->h, hid, &s);
	if (pm_is_error(rc))
		return rc;
	if (rc != PM_OK && rc != PM_DAMAGED) {
		b->lost++;
		return PM_OK;
	}
	if (s.n % size)
		b->rules |= PM_TR_WHOLE;
	if (s.n < size && b->levels)
		b->rules |= PM_TR_EMPTY;
	if (want && s.n >= size && key_cmp(b, want, s.p))
		b->rules |= PM_TR_KEYMIN;
	return level ? walk_index(l, s, level) : add_records(l, s, rc);
}

/* Sort the records, the first of equal keys winning. */
static enum pm_rc put_in_order(struct pm_ctx *ctx, struct pm_bth *b)
{
	struct pair {
		uint64_t key, at;
	};
	size_t size = b->cb_key + b->cb_ent, n = 0;
	struct pair *v = pm_calloc(ctx, b->n, sizeof(*v));
	uint8_t *bytes = pm_calloc(ctx, b->n, size);
	uint8_t *state = pm_calloc(ctx, b->n, 1);
	enum pm_rc rc = v && bytes && state ? PM_OK : ctx->rc;

	for (size_t i = 0; rc == PM_OK && i < b->n; i++)
		v[i] = (struct pair){number(b->bytes + i * size, b->cb_key > 8 ? 8 : b->cb_key), i};
	if (rc == PM_OK)
		rc = pm_sort_u64(ctx, v, b->n, sizeof(*v), 0);
	for (size_t i = 0; rc == PM_OK && b->cb_key > 8 && i < b->n; i++)
		v[i].key = pm_bth_key(b, v[i].at);
	if (rc == PM_OK && b->cb_key > 8)
		rc = pm_sort_u64(ctx, v, b->n, sizeof(*v), 0);
	if (rc) {
		pm_free(v);
		pm_free(bytes);
		pm_free(state);
		return rc;
	}
	for (size_t i = 0; i < b->n; i++) {
		const uint8_t *p = b->bytes + v[i].at * size;

		if (n && !key_cmp(b, bytes + (n - 1) * size, p))
			continue;
		memcpy(bytes + n * size, p, size);
		state[n++] = b->state[v[i].at];
	}
	pm_free(b->bytes);
	pm_free(b->state);
	pm_free(v);
	b->bytes = bytes;
	b->state = state;
	b->n = n;
	return PM_OK;
}

/* The header item: sizes, levels, root. PM_LOST when there is nothing to go on. */
static enum pm_rc read_header(struct pm_heap *h, pm_hid hid, unsigned cb_key, unsigned cb_ent,
			      struct pm_bth *b)
{
	const struct pm_format *f = h->db->fmt;
	struct pm_span s;
	enum pm_rc rc = pm_heap_item(h, hid, &s);
	bool fits;

	if (pm_is_error(rc))
		return rc;
	if (s.n < 8) {
		b->rules |= PM_TR_TYPE;
		return PM_LOST;
	}
	b->cb_key = (unsigned)pm_BTHHEADER_cbKey(f, s.p);
	b->cb_ent = (unsigned)pm_BTHHEADER_cbEnt(f, s.p);
	b->levels = (unsigned)pm_BTHHEADER_bIdxLevels(f, s.p);
	b->root = (pm_hid)pm_BTHHEADER_hidRoot(f, s.p);
	fits = (!cb_key || b->cb_key == cb_key) && (!cb_ent || b->cb_ent == cb_ent);
	if (pm_BTHHEADER_bType(f, s.p) != 0xB5) {
		b->rules |= PM_TR_TYPE;
		if (!fits)
			return PM_LOST;
	}
	if (!fits || !b->cb_key || !b->cb_ent || b->cb_key > 16 || b->cb_ent > 32) {
		b->rules |= PM_TR_SIZES;
		b->cb_key = cb_key;
		b->cb_ent = cb_ent;
	}
	if (b->levels > LEVELS_MAX) {
		b->rules |= PM_TR_LEVELS;
		b->levels = 0;
	}
	return b->cb_key && b->cb_ent ? rc : PM_LOST;
}

/* What a wrong number of levels leads to. */
#define PM_TR_SHAPE (PM_TR_WHOLE | PM_TR_ORDER | PM_TR_KEYMIN | PM_TR_TREE | PM_TR_EMPTY)

static void loader_done(struct loader *l)
{
	pm_map_done(&l->seen);
	pm_buf_done(&l->bytes);
	pm_buf_done(&l->state);
}

/* All records of a tree with so many levels. The header item is no part of it. */
static enum pm_rc load_tree(struct loader *l, pm_hid header, unsigned levels)
{
	bool fresh;
	enum pm_rc rc = see(l, header, &fresh);

	l->b->levels = levels;
	l->b->lost = 0;
	if (rc == PM_OK && l->b->root)
		rc = walk(l, l->b->root, levels, NULL);
	return rc;
}

/* The stored number of levels makes no sense of it: does another one? */
static enum pm_rc try_levels(struct loader *l, pm_hid header)
{
	struct pm_bth *b = l->b;
	uint32_t lost = b->lost, rules = b->rules;
	unsigned levels = b->levels;

	for (unsigned i = 0; i < 4; i++) {
		struct loader other = {.h = l->h, .b = b};
		enum pm_rc rc;

		if (i == levels)
			continue;
		b->rules = rules & ~(uint32_t)PM_TR_SHAPE;
		rc = load_tree(&other, header, i);
		/* The right number of levels finds more: records look like an index, too. */
		if (rc == PM_OK && other.state.n > l->state.n && !b->lost &&
		    !(b->rules & PM_TR_SHAPE)) {
			loader_done(l);
			*l = other;
			b->rules |= PM_TR_LEVELS;
			/* A leaf this full may have had others beside it. */
			if (i < levels && l->bytes.n > PM_HEAP_ITEM_MAX / 2)
				b->lost++;
			return PM_OK;
		}
		loader_done(&other);
		if (pm_is_error(rc))
			return rc;
	}
	b->levels = levels;
	b->lost = lost;
	b->rules = rules;
	return PM_OK;
}

static enum pm_rc mark_items(const struct loader *l)
{
	const size_t n = l->n_few + l->seen.n;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < n && !pm_is_error(rc); i++)
		rc = pm_heap_mark(l->h,
				  i < l->n_few ? l->few[i] : (pm_hid)l->seen.v[i - l->n_few].key);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_bth_open(struct pm_heap *h, pm_hid hid, unsigned cb_key, unsigned cb_ent, bool mark,
		       struct pm_bth *b)
{
	struct loader l = {.h = h, .b = b};
	enum pm_rc rc, head;

	*b = (struct pm_bth){0};
	head = read_header(h, hid, cb_key, cb_ent, b);
	if (head != PM_OK && head != PM_DAMAGED)
		return head == PM_NONE ? PM_LOST : head;
	rc = load_tree(&l, hid, b->levels);
	if (rc == PM_OK && b->root && (b->lost || b->rules & (PM_TR_SHAPE | PM_TR_LEVELS)))
		rc = try_levels(&l, hid);
	if (rc == PM_OK && mark)
		rc = mark_items(&l);
	pm_map_done(&l.seen);
	b->bytes = l.bytes.p;
	b->state = l.state.p;
	if (rc)
		return rc;
	b->n = l.state.n;
	if (b->rules & PM_TR_ORDER)
		rc = put_in_order(h->db->ctx, b);
	if (rc)
		return rc;
	for (size_t i = 0; i < b->n && head == PM_OK; i++)
		if (b->state[i] != PM_OK)
			head = PM_DAMAGED;
	if (b->lost && !b->n)
		return PM_LOST;
	return b->rules & PM_TR_TREE || b->lost ? PM_DAMAGED : head;
}

void pm_bth_close(struct pm_bth *b)
{
	pm_free(b->bytes);
	pm_free(b->state);
	b->bytes = b->state = NULL;
	b->n = 0;
}

/* Lay out the records of one level; `keys` takes the first key and the item of each. */
static enum pm_rc put_level(struct pm_heap_builder *hb, const uint8_t *p, size_t n, size_t size,
			    unsigned cb_key, struct pm_bth_built *t, struct pm_buf *keys)
{
	size_t per = PM_HEAP_ITEM_MAX / size;

	for (size_t at = 0; at < n; at += per) {
		size_t count = n - at < per ? n - at : per;
		uint8_t *up;
		pm_hid hid;
		enum pm_rc rc = pm_heap_builder_add(hb, p + at * size, count * size, &hid);

		if (rc)
			return rc;
		if (t) {
			pm_hid *slot = pm_vec_push(hb->ctx, &t->leaves);

			if (!slot)
				return hb->ctx->rc;
			*slot = hid;
		}
		up = pm_buf_room(hb->ctx, keys, cb_key + 4);
		if (!up)
			return hb->ctx->rc;
		memcpy(up, p + at * size, cb_key);
		pm_put32(up + cb_key, hid);
	}
	return PM_OK;
}

enum pm_rc pm_bth_build(struct pm_heap_builder *hb, unsigned cb_key, unsigned cb_ent,
			const uint8_t *records, size_t n, struct pm_bth_built *ret)
{
	struct pm_bth_built t = {.cb_key = cb_key, .cb_ent = cb_ent};
	struct pm_buf keys = {0}, up = {0};
	enum pm_rc rc;

	t.per_leaf = PM_HEAP_ITEM_MAX / (cb_key + cb_ent);
	rc = put_level(hb, records, n, cb_key + cb_ent, cb_key, &t, &keys);
	while (rc == PM_OK && keys.n > cb_key + 4) {
		struct pm_buf swap = up;

		pm_buf_clear(&swap);
		rc = put_level(hb, keys.p, keys.n / (cb_key + 4), cb_key + 4, cb_key, NULL, &swap);
		up = keys;
		keys = swap;
		t.levels++;
	}
	if (rc == PM_OK && n)
		t.root = pm_le32(keys.p + cb_key);
	pm_buf_done(&keys);
	pm_buf_done(&up);
	if (rc)
		pm_bth_built_done(&t);
	else
		*ret = t;
	return rc;
}

void pm_bth_built_done(struct pm_bth_built *t)
{
	pm_vec_done(&t->leaves);
}

uint8_t *pm_bth_built_record(struct pm_heap_builder *hb, const struct pm_bth_built *t, size_t i)
{
	uint8_t *p = pm_heap_builder_item(hb, t->leaves.v[i / t->per_leaf]);

	return p + i % t->per_leaf * (t->cb_key + t->cb_ent);
}

void pm_bth_put_header(uint8_t *p, const struct pm_bth_built *t)
{
	p[0] = 0xB5;
	p[1] = (uint8_t)t->cb_key;
	p[2] = (uint8_t)t->cb_ent;
	p[3] = (uint8_t)t->levels;
	pm_put32(p + 4, t->root);
}
