/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted sequence in leaves; see seq.h. */
#include "base/seq.h"

#include <string.h>

/*
 * With 512 items a leaf, ten million items have 20 to 40 thousand leaves: inserting into a
 * leaf moves some 4 KiB, and the leaf array (moved only by a split) stays below a megabyte.
 */
enum { SEQ_LEAF = 512, SEQ_LEAF_MIN = 4 };

static uint64_t item_key(const uint8_t *item)
{
	uint64_t key;

	memcpy(&key, item, sizeof(key));
	return key;
}

void pm_seq_init(struct pm_seq *s, size_t item)
{
	*s = (struct pm_seq){.item = item};
}

void pm_seq_done(struct pm_seq *s)
{
	for (size_t i = 0; i < s->n_leaf; i++)
		pm_free(s->leaf[i].v);
	pm_free(s->leaf);
	*s = (struct pm_seq){.item = s->item};
}

bool pm_seq_find(const struct pm_seq *s, uint64_t key, struct pm_seq_pos *ret_pos)
{
	const struct pm_seq_leaf *l;
	size_t lo = 0, hi = s->n_leaf;
	uint32_t a = 0, b;

	*ret_pos = (struct pm_seq_pos){0, 0};
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->leaf[mid].first <= key)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return false;
	l = &s->leaf[lo - 1];
	b = l->n;
	while (a < b) {
		uint32_t mid = a + (b - a) / 2;

		if (item_key(l->v + mid * s->item) <= key)
			a = mid + 1;
		else
			b = mid;
	}
	*ret_pos = (struct pm_seq_pos){lo - 1, a - 1}; /* a > 0: the leaf's first key is <= key */
	return true;
}

void pm_seq_rekey(struct pm_seq *s, struct pm_seq_pos pos, uint64_t key)
{
	memcpy(pm_seq_at(s, pos), &key, sizeof(key));
	if (pos.i == 0)
		s->leaf[pos.leaf].first = key;
}

static enum pm_rc leaf_reserve(struct pm_ctx *ctx, struct pm_seq *s, struct pm_seq_leaf *l,
			       uint32_t want)
{
	uint32_t cap = l->cap ? l->cap : SEQ_LEAF_MIN;
	uint8_t *v;

	while (cap < want)
		cap *= 2;
	if (cap == l->cap)
		return PM_OK;
	v = pm_realloc(ctx, l->v, cap, s->item);
	if (!v)
		return PM_ENOMEM;
	l->v = v;
	l->cap = cap;
	return PM_OK;
}

/* A new leaf before index `at` holding `n` items from `v`; the caller makes n at least 1. */
static enum pm_rc leaf_insert(struct pm_ctx *ctx, struct pm_seq *s, size_t at, const uint8_t *v,
			      uint32_t n)
{
	struct pm_seq_leaf l = {0};

	if (s->n_leaf == s->cap_leaf) {
		size_t cap = s->cap_leaf ? s->cap_leaf * 2 : 1;
		struct pm_seq_leaf *p = pm_realloc(ctx, s->leaf, cap, sizeof(*p));

		if (!p)
			return PM_ENOMEM;
		s->leaf = p;
		s->cap_leaf = cap;
	}
	if (leaf_reserve(ctx, s, &l, s->n_leaf ? SEQ_LEAF : n))
		return PM_ENOMEM;
	memcpy(l.v, v, n * s->item);
	l.n = n;
	l.first = item_key(l.v);
	memmove(s->leaf + at + 1, s->leaf + at, (s->n_leaf - at) * sizeof(*s->leaf));
	s->leaf[at] = l;
	s->n_leaf++;
	return PM_OK;
}

/* Halve a full leaf, so that there is room at pos. */
static enum pm_rc leaf_split(struct pm_ctx *ctx, struct pm_seq *s, struct pm_seq_pos *pos)
{
	const uint32_t half = SEQ_LEAF / 2;

	if (leaf_insert(ctx, s, pos->leaf + 1, s->leaf[pos->leaf].v + half * s->item,
			SEQ_LEAF - half))
		return PM_ENOMEM;
	s->leaf[pos->leaf].n = half;
	if (pos->i > half) {
		pos->leaf++;
		pos->i -= half;
	}
	return PM_OK;
}

enum pm_rc pm_seq_insert(struct pm_ctx *ctx, struct pm_seq *s, struct pm_seq_pos *pos,
			 const void *item)
{
	struct pm_seq_leaf *l;
	uint8_t *p;

	if (pos->leaf == s->n_leaf) {
		/* At the end: fill the last leaf to the brim, then begin another. */
		if (s->n_leaf == 0 || s->leaf[s->n_leaf - 1].n == SEQ_LEAF) {
			if (leaf_insert(ctx, s, s->n_leaf, item, 1))
				return PM_ENOMEM;
			*pos = (struct pm_seq_pos){s->n_leaf - 1, 0};
			s->n++;
			return PM_OK;
		}
		*pos = (struct pm_seq_pos){s->n_leaf - 1, s->leaf[s->n_leaf - 1].n};
	}
	if (s->leaf[pos->leaf].n == SEQ_LEAF && leaf_split(ctx, s, pos))
		return PM_ENOMEM;
	l = &s->leaf[pos->leaf];
	if (leaf_reserve(ctx, s, l, l->n + 1))
		return PM_ENOMEM;
	p = l->v + pos->i * s->item;
	memmove(p + s->item, p, (l->n - pos->i) * s->item);
	memcpy(p, item, s->item);
	l->n++;
	s->n++;
	if (pos->i == 0)
		l->first = item_key(p);
	return PM_OK;
}

/* Remove up to `count` items at pos in its leaf, which keeps at least one. */
static uint64_t leaf_trim(struct pm_seq *s, struct pm_seq_pos pos, uint64_t count)
{
	struct pm_seq_leaf *l = &s->leaf[pos.leaf];
	uint32_t m = l->n - pos.i;
	uint8_t *p = l->v + pos.i * s->item;

	if (m > count)
		m = (uint32_t)count;
	memmove(p, p + m * s->item, (l->n - pos.i - m) * s->item);
	l->n -= m;
	l->first = item_key(l->v);
	return m;
}

void pm_seq_erase(struct pm_seq *s, struct pm_seq_pos *pos, uint64_t count)
{
	size_t end;

	if (pos->leaf == s->n_leaf || count == 0)
		return;
	if (pos->i > 0) {
		uint64_t m = leaf_trim(s, *pos, count);

		s->n -= m;
		count -= m;
		if (pos->i < s->leaf[pos->leaf].n)
			return;
		*pos = (struct pm_seq_pos){pos->leaf + 1, 0};
	}
	for (end = pos->leaf; end < s->n_leaf && s->leaf[end].n <= count; end++) {
		count -= s->leaf[end].n;
		s->n -= s->leaf[end].n;
		pm_free(s->leaf[end].v);
	}
	memmove(s->leaf + pos->leaf, s->leaf + end, (s->n_leaf - end) * sizeof(*s->leaf));
	s->n_leaf -= end - pos->leaf;
	if (count > 0 && pos->leaf < s->n_leaf)
		s->n -= leaf_trim(s, *pos, count);
}
