/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base's containers: each against a naive model, with fixed seeds. */
#include "pm_test.h"

#include "base/bitmap.h"
#include "base/map.h"
#include "base/rangeset.h"
#include "base/sort.h"

static uint64_t rnd_state;

static uint64_t rnd(uint64_t below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state % below;
}

/* --- range set ------------------------------------------------------------------------- */

enum { WORLD = 6000 };

struct world {
	struct pm_ctx ctx;
	struct pm_rangeset rs;
	bool in[WORLD];
};

/* The set's structure is sound and says the same as the model. */
static void check_world(const struct world *w)
{
	uint64_t total = 0, ranges = 0, prev_end = 0;
	struct pm_seq_pos pos = {0, 0};
	const struct pm_range *r;

	for (size_t i = 0; i < w->rs.seq.n_leaf; i++) {
		assert_int_not_equal(w->rs.seq.leaf[i].n, 0);
		assert_int_equal(w->rs.seq.leaf[i].first,
				 ((struct pm_range *)(void *)w->rs.seq.leaf[i].v)->start);
	}
	for (; (r = pm_seq_at(&w->rs.seq, pos)); pos = pm_seq_next(&w->rs.seq, pos)) {
		assert_true(r->start < r->end);
		assert_true(ranges == 0 || r->start > prev_end); /* touching ones are merged */
		for (uint64_t i = prev_end; i < r->end; i++)
			assert_int_equal(w->in[i], i >= r->start);
		prev_end = r->end;
		total += r->end - r->start;
		ranges++;
	}
	for (uint64_t i = prev_end; i < WORLD; i++)
		assert_false(w->in[i]);
	assert_int_equal(pm_rangeset_total(&w->rs), total);
	assert_int_equal(pm_rangeset_ranges(&w->rs), ranges);
}

static void check_queries(const struct world *w, uint64_t a, uint64_t b)
{
	uint64_t count = 0, first_in = b, first_out = b, e;
	struct pm_range r;

	for (uint64_t i = a; i < b; i++) {
		count += w->in[i];
		if (w->in[i] && first_in == b)
			first_in = i;
		if (!w->in[i] && first_out == b)
			first_out = i;
	}
	assert_int_equal(pm_rangeset_count_in(&w->rs, a, b), count);
	assert_int_equal(pm_rangeset_contains(&w->rs, a, b), a >= b || count == b - a);
	assert_int_equal(pm_rangeset_overlaps(&w->rs, a, b), count > 0);
	assert_int_equal(pm_rangeset_next(&w->rs, a, b, &r), first_in < b);
	if (first_in < b) {
		for (e = first_in; e < b && w->in[e]; e++)
			;
		assert_int_equal(r.start, first_in);
		assert_int_equal(r.end, e);
	}
	assert_int_equal(pm_rangeset_next_gap(&w->rs, a, b, &r), first_out < b);
	if (first_out < b) {
		for (e = first_out; e < b && !w->in[e]; e++)
			;
		assert_int_equal(r.start, first_out);
		assert_int_equal(r.end, e);
	}
	if (a < WORLD) {
		assert_int_equal(pm_rangeset_find(&w->rs, a, &r), w->in[a]);
		if (w->in[a]) {
			assert_true(r.start <= a && a < r.end);
			assert_true(r.start == 0 || !w->in[r.start - 1]);
			assert_true(r.end == WORLD || !w->in[r.end]);
		}
	}
}

/* Lengths of changes, so that the set has few or very many ranges (several leaves). */
static void rangeset_random(uint64_t seed, unsigned int steps, uint64_t max_len, uint64_t max_cut)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	rnd_state = seed;
	for (unsigned int i = 0; i < steps; i++) {
		bool add = rnd(3) > 0;
		uint64_t a = rnd(WORLD), len = rnd((add ? max_len : max_cut) + 1);
		uint64_t b = a + len > WORLD ? WORLD : a + len;

		if (rnd(500) == 0) { /* now and then a big one, over whole leaves */
			a = rnd(WORLD / 4);
			b = WORLD - rnd(WORLD / 4);
		}
		if (add)
			assert_int_equal(pm_rangeset_add(&w->ctx, &w->rs, a, b), PM_OK);
		else
			assert_int_equal(pm_rangeset_remove(&w->ctx, &w->rs, a, b), PM_OK);
		for (uint64_t k = a; k < b; k++)
			w->in[k] = add;
		a = rnd(WORLD + 1);
		check_queries(w, a, a + rnd(WORLD + 1 - a));
		if (i % 64 == 0)
			check_world(w);
	}
	check_world(w);
	pm_rangeset_done(&w->rs);
	assert_int_equal(pm_rangeset_total(&w->rs), 0);
	free(w);
}

static void test_rangeset_random(void **state)
{
	(void)state;
	rangeset_random(1, 6000, 40, 60);
	rangeset_random(2, 12000, 1, 1);
	rangeset_random(3, 12000, 2, 3);
	rangeset_random(4, 3000, 1000, 1000);
}

static void test_rangeset_edges(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_rangeset rs = {0};
	struct pm_range r;

	(void)state;
	/* The empty set. */
	assert_false(pm_rangeset_next(&rs, 0, UINT64_MAX, &r));
	assert_true(pm_rangeset_contains(&rs, 5, 5));
	assert_false(pm_rangeset_contains(&rs, 5, 6));
	assert_true(pm_rangeset_next_gap(&rs, 7, UINT64_MAX, &r));
	assert_true(r.start == 7 && r.end == UINT64_MAX);
	assert_int_equal(pm_rangeset_remove(&ctx, &rs, 0, UINT64_MAX), PM_OK);
	/* Nothing, and backwards. */
	assert_int_equal(pm_rangeset_add(&ctx, &rs, 9, 9), PM_OK);
	assert_int_equal(pm_rangeset_add(&ctx, &rs, 9, 3), PM_OK);
	assert_int_equal(pm_rangeset_ranges(&rs), 0);
	/* All there is. */
	assert_int_equal(pm_rangeset_add(&ctx, &rs, 0, UINT64_MAX), PM_OK);
	assert_int_equal(pm_rangeset_total(&rs), UINT64_MAX);
	assert_false(pm_rangeset_next_gap(&rs, 0, UINT64_MAX, &r));
	assert_int_equal(pm_rangeset_remove(&ctx, &rs, 10, UINT64_MAX - 1), PM_OK);
	assert_int_equal(pm_rangeset_ranges(&rs), 2);
	assert_int_equal(pm_rangeset_total(&rs), 11);
	pm_rangeset_done(&rs);
	assert_int_equal(ctx.rc, PM_OK);
}

static void test_rangeset_many(void **state)
{
	enum { MANY = 100000 };
	struct pm_ctx ctx = {0};
	struct pm_rangeset rs = {0};
	uint64_t k = 0, at = 0;
	struct pm_range r;

	(void)state;
	/* Disjoint ranges in a scattered order (a prime step goes round all of them). */
	for (uint64_t i = 0; i < MANY; i++) {
		k = (k + 61813) % MANY;
		assert_int_equal(pm_rangeset_add(&ctx, &rs, k * 10, k * 10 + 4), PM_OK);
	}
	assert_int_equal(pm_rangeset_ranges(&rs), MANY);
	for (k = 0; pm_rangeset_next(&rs, at, UINT64_MAX, &r); at = r.end, k++)
		assert_true(r.start == k * 10 && r.end == k * 10 + 4);
	assert_int_equal(k, MANY);
	/* The gaps merge them all. */
	for (uint64_t i = 0; i + 1 < MANY; i++) {
		k = (k + 31337) % (MANY - 1);
		assert_int_equal(pm_rangeset_add(&ctx, &rs, k * 10 + 4, k * 10 + 10), PM_OK);
	}
	assert_int_equal(pm_rangeset_ranges(&rs), 1);
	assert_int_equal(pm_rangeset_total(&rs), (MANY - 1) * 10 + 4);
	pm_rangeset_done(&rs);
	/* Ascending adds fill leaves wholly. */
	for (uint64_t i = 0; i < MANY; i++)
		assert_int_equal(pm_rangeset_add(&ctx, &rs, i * 3, i * 3 + 1), PM_OK);
	assert_true(rs.seq.n_leaf <= MANY / 512 + 1);
	pm_rangeset_done(&rs);
}

/* Out of memory at any place leaves the set as it was. */
static void test_rangeset_no_memory(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	unsigned int failed = 0;

	(void)state;
	assert_non_null(w);
	rnd_state = 5;
	for (unsigned int i = 0; i < 20000; i++) {
		bool add = rnd(8) > 0;
		uint64_t a = rnd(WORLD - 2), b = a + 1 + rnd(2);
		enum pm_rc rc;

		pm_mem_fail_at(rnd(4) == 0);
		rc = add ? pm_rangeset_add(&w->ctx, &w->rs, a, b)
			 : pm_rangeset_remove(&w->ctx, &w->rs, a, b);
		pm_mem_fail_at(0);
		if (rc == PM_OK) {
			for (uint64_t k = a; k < b; k++)
				w->in[k] = add;
		} else {
			assert_int_equal(rc, PM_ENOMEM);
			check_world(w);
			failed++;
		}
		if (i % 3000 == 2999) { /* from anew, so that it grows again */
			pm_rangeset_done(&w->rs);
			memset(w->in, 0, sizeof(w->in));
		}
	}
	assert_true(failed >= 10);
	check_world(w);
	pm_rangeset_done(&w->rs);
	free(w);
}

/* --- map ------------------------------------------------------------------------------- */

static void test_map_random(void **state)
{
	enum { KEYS = 300 };
	struct pm_ctx ctx = {0};
	struct pm_map m = {0};
	uint64_t value[KEYS] = {0};
	bool in[KEYS] = {false};
	size_t n = 0;

	(void)state;
	rnd_state = 7;
	for (unsigned int i = 0; i < 60000; i++) {
		uint64_t k = rnd(KEYS), key = k * 0x100000001u; /* 0 is a key like others */
		bool is_new;

		switch (rnd(i / 10000 % 2 ? 5 : 3)) { /* it grows, it shrinks */
		case 0:
			value[k] = rnd(UINT64_MAX);
			assert_int_equal(pm_map_put(&ctx, &m, key, value[k]), PM_OK);
			n += !in[k];
			in[k] = true;
			break;
		case 1:
			assert_non_null(pm_map_get(&ctx, &m, key, &is_new));
			assert_int_equal(is_new, !in[k]);
			if (is_new)
				value[k] = 0;
			n += !in[k];
			in[k] = true;
			break;
		default:
			assert_int_equal(pm_map_delete(&m, key), in[k]);
			n -= in[k];
			in[k] = false;
		}
		assert_int_equal(m.n, n);
		k = rnd(KEYS);
		assert_int_equal(pm_map_has(&m, k * 0x100000001u), in[k]);
		if (in[k])
			assert_int_equal(pm_map_find(&m, k * 0x100000001u)->value, value[k]);
	}
	for (size_t i = 0; i < m.n; i++)
		assert_true(in[m.v[i].key / 0x100000001u]);
	pm_map_done(&m);
	assert_false(pm_map_has(&m, 0));
	assert_false(pm_map_delete(&m, 0));
}

static void test_map_keeps_order(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_map m = {0};

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(pm_map_put(&ctx, &m, i * i * 977, i), PM_OK);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(m.v[i].value, i);
	assert_true(pm_map_delete(&m, 9 * 977));
	assert_int_equal(m.v[3].value, 999); /* the last one took its place */
	pm_map_done(&m);
}

/* Keys in patterns don't pile up: no long run of used slots, for any stride. */
static void test_map_patterns(void **state)
{
	enum { MANY = 20000 };
	struct pm_ctx ctx = {0};

	(void)state;
	for (unsigned int shift = 0; shift < 48; shift += 4) {
		struct pm_map m = {0};
		size_t run = 0, longest = 0;

		for (uint64_t i = 0; i < MANY; i++)
			assert_int_equal(pm_map_put(&ctx, &m, i << shift, i), PM_OK);
		for (size_t i = 0; i < m.n_slot; i++) {
			run = m.slot[i] ? run + 1 : 0;
			longest = run > longest ? run : longest;
		}
		assert_true(longest < 1000);
		for (uint64_t i = 0; i < MANY; i++)
			assert_int_equal(pm_map_find(&m, i << shift)->value, i);
		pm_map_done(&m);
	}
}

static void test_map_no_memory(void **state)
{
	unsigned int failed = 0;

	(void)state;
	for (uint64_t at = 1;; at++) {
		struct pm_ctx ctx = {0};
		struct pm_map m = {0};
		uint64_t i = 0;

		pm_mem_fail_at(at);
		while (i < 500 && pm_map_put(&ctx, &m, i, ~i) == PM_OK)
			i++;
		pm_mem_fail_at(0);
		assert_int_equal(m.n, i);
		for (uint64_t k = 0; k < 500; k++)
			assert_int_equal(pm_map_has(&m, k), k < i);
		pm_map_done(&m);
		if (i == 500)
			break;
		assert_int_equal(ctx.rc, PM_ENOMEM);
		failed++;
	}
	assert_true(failed >= 10);
}

static void test_map_limit(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_map m = {0};

	(void)state;
	assert_int_equal(pm_map_reserve(&ctx, &m, ((size_t)1 << 31) + 1), PM_ELIMIT);
	assert_int_equal(m.n_slot, 0);
}

/* --- bitmap ---------------------------------------------------------------------------- */

static void check_bitmap(const struct pm_bitmap *bm, const bool *in, uint64_t a, uint64_t b)
{
	uint64_t count = 0, set = bm->n, clear = bm->n;

	for (uint64_t i = bm->n; i-- > 0;) {
		assert_int_equal(pm_bitmap_test(bm, i), in[i]);
		if (i >= a && i < b)
			count += in[i];
		if (i >= a && in[i])
			set = i;
		if (i >= a && !in[i])
			clear = i;
	}
	assert_int_equal(pm_bitmap_count(bm, a, b), count);
	assert_int_equal(pm_bitmap_next_set(bm, a), set);
	assert_int_equal(pm_bitmap_next_clear(bm, a), clear);
	assert_int_equal(pm_bitmap_any(bm, a, b), count > 0);
	assert_int_equal(pm_bitmap_all(bm, a, b), a >= b || (b <= bm->n && count == b - a));
}

static void test_bitmap_random(void **state)
{
	static const uint64_t sizes[] = {0, 1, 63, 64, 65, 127, 128, 200};

	(void)state;
	rnd_state = 11;
	for (size_t s = 0; s < PM_LEN(sizes); s++) {
		struct pm_ctx ctx = {0};
		struct pm_bitmap bm;
		bool in[200] = {false};

		assert_int_equal(pm_bitmap_init(&ctx, &bm, sizes[s]), PM_OK);
		for (unsigned int i = 0; i < 1500; i++) {
			uint64_t a = rnd(sizes[s] + 10), b = rnd(sizes[s] + 10);
			uint64_t what = rnd(4);

			if (what < 2) {
				(what ? pm_bitmap_set_range : pm_bitmap_clear_range)(&bm, a, b);
				for (uint64_t k = a; k < b && k < sizes[s]; k++)
					in[k] = what;
			} else if (what == 2) {
				assert_int_equal(pm_bitmap_set(&bm, a), a < sizes[s] && !in[a]);
				if (a < sizes[s])
					in[a] = true;
			} else {
				pm_bitmap_clear(&bm, a);
				if (a < sizes[s])
					in[a] = false;
			}
			check_bitmap(&bm, in, rnd(sizes[s] + 5), rnd(sizes[s] + 5));
		}
		assert_false(pm_bitmap_test(&bm, sizes[s]));
		assert_false(pm_bitmap_test(&bm, UINT64_MAX));
		assert_int_equal(pm_bitmap_next_set(&bm, UINT64_MAX), sizes[s]);
		pm_bitmap_done(&bm);
	}
}

static void test_bitmap_no_memory(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_bitmap bm;

	(void)state;
	pm_mem_fail_at(1);
	assert_int_equal(pm_bitmap_init(&ctx, &bm, 1000), PM_ENOMEM);
	pm_mem_fail_at(0);
	assert_false(pm_bitmap_test(&bm, 0));
	pm_bitmap_set_range(&bm, 0, 1000);
	assert_int_equal(pm_bitmap_next_set(&bm, 0), 0); /* its length is 0 */
	pm_bitmap_done(&bm);
}

/* --- sort ------------------------------------------------------------------------------ */

static uint64_t get_key(const uint8_t *item, size_t off)
{
	uint64_t k;

	memcpy(&k, item + off, sizeof(k));
	return k;
}

/* Items carry their first place behind the key, so that stability shows. */
static void check_sort(size_t n, size_t size, size_t off, uint64_t mask)
{
	struct pm_ctx ctx = {0};
	uint8_t *v = calloc(n + 1, size);
	size_t place = off >= 8 ? 0 : off + 8;
	uint64_t sum = 0;

	assert_non_null(v);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t key = rnd(UINT64_MAX) & mask;

		memset(v + i * size, (int)(key % 251), size);
		memcpy(v + i * size + off, &key, 8);
		memcpy(v + i * size + place, &i, 8);
		sum += key;
	}
	assert_int_equal(pm_sort_u64(&ctx, v, n, size, off), PM_OK);
	for (size_t i = 0; i < n; i++) {
		uint64_t key = get_key(v + i * size, off);

		sum -= key;
		if (size > 16)
			assert_int_equal(v[(i + 1) * size - 1], key % 251);
		if (i == 0)
			continue;
		assert_true(get_key(v + (i - 1) * size, off) <= key);
		if (get_key(v + (i - 1) * size, off) == key)
			assert_true(get_key(v + (i - 1) * size, place) <
				    get_key(v + i * size, place));
	}
	assert_int_equal(sum, 0);
	free(v);
}

static void test_sort(void **state)
{
	static const size_t counts[] = {0, 1, 2, 3, 31, 32, 33, 100, 5000};
	static const uint64_t masks[] = {0, 1, 0xff, 0xff00ff00, UINT64_MAX};

	(void)state;
	rnd_state = 13;
	for (size_t i = 0; i < PM_LEN(counts); i++) {
		for (size_t j = 0; j < PM_LEN(masks); j++) {
			check_sort(counts[i], 16, 0, masks[j]);
			check_sort(counts[i], 24, 8, masks[j]);
			check_sort(counts[i], 41, 0, masks[j]);
			check_sort(counts[i], 300, 24, masks[j]);
		}
	}
}

/* By the upper half alone, where the lower ones ascend; many in place. */
static void test_sort_high(void **state)
{
	static const size_t counts[] = {0, 1, 2, 31, 33, 5000, (1 << 18) + 9};
	static const uint64_t masks[] = {0, 0xff, 0xff00ff, UINT32_MAX};
	struct pm_ctx ctx = {0};

	(void)state;
	rnd_state = 17;
	for (size_t i = 0; i < PM_LEN(counts); i++)
		for (size_t j = 0; j < PM_LEN(masks); j++) {
			const size_t n = counts[i];
			uint64_t *v = calloc(n + 1, sizeof(*v));

			assert_non_null(v);
			for (size_t k = 0; k < n; k++)
				v[k] = (rnd(UINT64_MAX) & masks[j]) << 32 | k;
			assert_int_equal(pm_sort_high(&ctx, v, n), PM_OK);
			for (size_t k = 1; k < n; k++)
				assert_true(v[k - 1] >> 32 < v[k] >> 32 ||
					    (v[k - 1] >> 32 == v[k] >> 32 && v[k - 1] < v[k]));
			free(v);
		}
}

static void test_sort_no_memory(void **state)
{
	struct item {
		uint32_t other;
		uint64_t key;
	};
	struct pm_ctx ctx = {0};
	PM_VEC(struct item) v = {0};

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		pm_vec_push(&ctx, &v)->key = 100 - i;
	pm_mem_fail_at(1);
	assert_int_equal(pm_sort_member(&ctx, &v, key), PM_ENOMEM);
	pm_mem_fail_at(0);
	assert_int_equal(v.v[0].key, 100);
	assert_int_equal(pm_sort_member(&ctx, &v, key), PM_OK);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(v.v[i].key, i + 1);
	pm_vec_done(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rangeset_random),  cmocka_unit_test(test_rangeset_edges),
		cmocka_unit_test(test_rangeset_many),    cmocka_unit_test(test_rangeset_no_memory),
		cmocka_unit_test(test_map_random),       cmocka_unit_test(test_map_keeps_order),
		cmocka_unit_test(test_map_patterns),     cmocka_unit_test(test_map_no_memory),
		cmocka_unit_test(test_map_limit),        cmocka_unit_test(test_bitmap_random),
		cmocka_unit_test(test_bitmap_no_memory), cmocka_unit_test(test_sort),
		cmocka_unit_test(test_sort_high),        cmocka_unit_test(test_sort_no_memory),
	};

	return cmocka_run_group_tests_name("containers", tests, NULL, NULL);
}
