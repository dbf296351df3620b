/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the layer base: errors, memory, bytes. */
#include "pm_test.h"

#include "base/bytes.h"
#include "base/pool.h"
#include "pstmend.h"

/* --- errors -------------------------------------------------------------------------- */

static void test_first_error_stays(void **state)
{
	struct pm_ctx ctx = {0};

	(void)state;
	assert_int_equal(pm_fail(&ctx, PM_EIO, "cannot read %s at %d", "a.pst", 7), PM_EIO);
	assert_int_equal(pm_fail(&ctx, PM_ENOMEM, "second"), PM_EIO);
	assert_int_equal(pm_fail_oom(&ctx), PM_EIO);
	assert_int_equal(ctx.rc, PM_EIO);
	assert_string_equal(ctx.text, "cannot read a.pst at 7");
}

static void test_long_error_is_cut(void **state)
{
	struct pm_ctx ctx = {0};
	char name[2 * sizeof(ctx.text)];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	assert_int_equal(pm_fail(&ctx, PM_EUSAGE, "%s", name), PM_EUSAGE);
	assert_int_equal(strlen(ctx.text), sizeof(ctx.text) - 1);
}

struct ticks {
	int calls;
	uint64_t done, total;
	const char *phase;
};

static void count_tick(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	struct ticks *t = arg;

	t->calls++;
	t->phase = phase;
	t->done = done;
	t->total = total;
}

static void test_tick(void **state)
{
	volatile int cancel = 0;
	struct ticks t = {0};
	struct pm_ctx ctx = {.progress = count_tick, .progress_arg = &t, .cancel = &cancel};
	struct pm_ctx plain = {0};

	(void)state;
	assert_int_equal(pm_tick(&plain, "sweep", 1, 2), PM_OK);
	assert_int_equal(pm_tick(&ctx, "sweep", 3, 9), PM_OK);
	assert_int_equal(t.calls, 1);
	assert_string_equal(t.phase, "sweep");
	assert_int_equal(t.done, 3);
	assert_int_equal(t.total, 9);
	assert_int_equal(ctx.rc, PM_OK);
	cancel = 1;
	assert_int_equal(pm_tick(&ctx, "sweep", 4, 9), PM_ECANCEL);
	assert_int_equal(ctx.rc, PM_ECANCEL);
	assert_string_equal(ctx.text, "cancelled");
}

static void test_worse(void **state)
{
	static const struct {
		enum pm_rc a, b, want;
	} rows[] = {
		{PM_OK, PM_OK, PM_OK},
		{PM_OK, PM_DAMAGED, PM_DAMAGED},
		{PM_LOST, PM_DAMAGED, PM_LOST},
		{PM_NONE, PM_OK, PM_OK},
		{PM_DAMAGED, PM_NONE, PM_DAMAGED},
		{PM_NONE, PM_NONE, PM_NONE},
		{PM_LOST, PM_EIO, PM_EIO},
		{PM_ENOMEM, PM_LOST, PM_ENOMEM},
		{PM_EIO, PM_EBUG, PM_EIO},
	};
	size_t i;

	(void)state;
	for (i = 0; i < PM_LEN(rows); i++)
		assert_int_equal(pm_worse(rows[i].a, rows[i].b), rows[i].want);
	assert_true(pm_is_error(PM_EIO));
	assert_false(pm_is_error(PM_OK));
	assert_false(pm_is_error(PM_NONE));
}

static void test_version(void **state)
{
	(void)state;
	assert_string_equal(pstmend_version(), PACKAGE_VERSION);
}

/* --- memory -------------------------------------------------------------------------- */

static void test_zeroed_memory(void **state)
{
	struct pm_ctx ctx = {0};
	uint64_t before = pm_mem_count();
	uint8_t *p = pm_calloc(&ctx, 100, 3);
	void *none = pm_calloc(&ctx, 0, 8);

	(void)state;
	assert_non_null(p);
	assert_true(pm_is_zero(p, 300));
	assert_non_null(none);
	assert_int_equal(pm_mem_count() - before, 2);
	assert_int_equal(ctx.rc, PM_OK);
	pm_free(p);
	pm_free(none);
	pm_free(NULL);
}

static void test_overflow_is_out_of_memory(void **state)
{
	/* volatile: gcc would warn of the size that this test is about */
	volatile size_t huge = SIZE_MAX / 2;
	struct pm_ctx a = {0}, b = {0}, c = {0};
	struct pm_arena arena = {0};

	(void)state;
	assert_null(pm_calloc(&a, huge, 4));
	assert_int_equal(a.rc, PM_ENOMEM);
	assert_null(pm_realloc(&b, NULL, huge, 4));
	assert_int_equal(b.rc, PM_ENOMEM);
	assert_null(pm_arena_alloc(&c, &arena, huge + 1));
	assert_int_equal(c.rc, PM_ENOMEM);
	assert_null(arena.chunk);
}

static void test_fail_at(void **state)
{
	struct pm_ctx ctx = {0};
	char *first, *second, *third;

	(void)state;
	pm_mem_fail_at(2);
	first = pm_strdup(&ctx, "one");
	assert_int_equal(ctx.rc, PM_OK);
	second = pm_strdup(&ctx, "two");
	assert_int_equal(ctx.rc, PM_ENOMEM);
	third = pm_strdup(&ctx, "three");
	pm_mem_fail_at(0);
	assert_string_equal(first, "one");
	assert_null(second);
	assert_string_equal(third, "three");
	pm_free(first);
	pm_free(third);
}

static void test_failed_realloc_keeps_the_old(void **state)
{
	struct pm_ctx ctx = {0};
	uint8_t *p = pm_calloc(&ctx, 4, 1);
	uint8_t *q;

	(void)state;
	assert_non_null(p);
	p[3] = 7;
	pm_mem_fail_at(1);
	assert_null(pm_realloc(&ctx, p, 1000, 1));
	pm_mem_fail_at(0);
	assert_int_equal(p[3], 7);
	q = pm_realloc(&ctx, p, 1000, 1);
	assert_non_null(q);
	assert_int_equal(q[3], 7);
	pm_free(q);
}

static void test_asprintf(void **state)
{
	struct pm_ctx ctx = {0};
	char *s = pm_asprintf(&ctx, "%s-%05d", "block", 42);

	(void)state;
	assert_string_equal(s, "block-00042");
	pm_free(s);
	pm_mem_fail_at(1);
	assert_null(pm_asprintf(&ctx, "x"));
	pm_mem_fail_at(0);
	assert_int_equal(ctx.rc, PM_ENOMEM);
}

static void test_arena(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_arena a = {0};
	uint8_t *last = NULL;
	uint8_t *big;
	char *s;
	size_t i;

	(void)state;
	for (i = 1; i < 3000; i++) {
		uint8_t *p = pm_arena_alloc(&ctx, &a, i % 37 + 1);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(pm_is_zero(p, i % 37 + 1));
		assert_ptr_not_equal(p, last);
		memset(p, 0xEE, i % 37 + 1);
		last = p;
	}
	big = pm_arena_alloc(&ctx, &a, 1 << 20);
	assert_non_null(big);
	assert_true(pm_is_zero(big, 1 << 20));
	memset(big, 0xEE, 1 << 20);
	s = pm_arena_strdup(&ctx, &a, "Inbox");
	assert_string_equal(s, "Inbox");
	assert_memory_equal(pm_arena_dup(&ctx, &a, "a\0b", 3), "a\0b", 3);
	assert_int_equal(ctx.rc, PM_OK);
	pm_arena_done(&a);
	assert_null(a.chunk);
	assert_string_equal(pm_arena_strdup(&ctx, &a, "again"), "again");
	pm_arena_done(&a);
}

static void test_arena_out_of_memory(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_arena a = {0};

	(void)state;
	pm_mem_fail_at(1);
	assert_null(pm_arena_strdup(&ctx, &a, "x"));
	pm_mem_fail_at(0);
	assert_int_equal(ctx.rc, PM_ENOMEM);
	assert_string_equal(pm_arena_strdup(&ctx, &a, "y"), "y");
	pm_arena_done(&a);
}

static void test_vec(void **state)
{
	struct pair {
		uint64_t a, b;
	};
	PM_VEC(struct pair) v = {0};
	struct pm_ctx ctx = {0};
	size_t i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		struct pair *p = pm_vec_push(&ctx, &v);

		assert_non_null(p);
		assert_true(pm_is_zero(p, sizeof(*p)));
		p->a = i;
		p->b = ~(uint64_t)i;
	}
	assert_int_equal(v.n, 1000);
	for (i = 0; i < v.n; i++) {
		assert_int_equal(v.v[i].a, i);
		assert_int_equal(v.v[i].b, ~(uint64_t)i);
	}
	pm_vec_done(&v);
	assert_null(v.v);
	assert_int_equal(v.n, 0);
}

static void test_vec_out_of_memory(void **state)
{
	PM_VEC(int) v = {0};
	struct pm_ctx ctx = {0};
	int *p;

	(void)state;
	p = pm_vec_push(&ctx, &v);
	assert_non_null(p);
	*p = 5;
	pm_mem_fail_at(1);
	while (ctx.rc == PM_OK)
		p = pm_vec_push(&ctx, &v);
	pm_mem_fail_at(0);
	assert_null(p);
	assert_int_equal(v.n, v.cap);
	assert_int_equal(v.v[0], 5);
	pm_vec_done(&v);
}

/* --- bytes --------------------------------------------------------------------------- */

static void test_little_endian(void **state)
{
	static const uint8_t bytes[8] = {0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88};
	uint8_t out[8];

	(void)state;
	assert_int_equal(pm_le16(bytes), 0x8201);
	assert_int_equal(pm_le32(bytes), 0x84038201);
	assert_true(pm_le64(bytes) == UINT64_C(0x8807860584038201));
	pm_put64(out, UINT64_C(0x8807860584038201));
	assert_memory_equal(out, bytes, 8);
	memset(out, 0, sizeof(out));
	pm_put32(out + 1, 0xFFEEDDCC);
	assert_memory_equal(out, "\0\xCC\xDD\xEE\xFF\0\0\0", 8);
	pm_put16(out + 2, 0x1234);
	assert_memory_equal(out, "\0\xCC\x34\x12\xFF\0\0\0", 8);
}

static void test_span_sub(void **state)
{
	static const uint8_t bytes[10];
	static const struct {
		uint64_t off, len;
		bool ok;
	} rows[] = {
		{0, 0, true},           {0, 10, true},
		{10, 0, true},          {3, 7, true},
		{3, 8, false},          {11, 0, false},
		{0, 11, false},         {UINT64_MAX, 2, false},
		{2, UINT64_MAX, false}, {UINT64_MAX - 1, UINT64_MAX, false},
	};
	const struct pm_span s = {bytes, sizeof(bytes), 0x4400};
	size_t i;

	(void)state;
	for (i = 0; i < PM_LEN(rows); i++) {
		struct pm_span sub = {NULL, 77, 88};

		assert_int_equal(pm_span_sub(s, rows[i].off, rows[i].len, &sub), rows[i].ok);
		if (rows[i].ok) {
			assert_ptr_equal(sub.p, bytes + rows[i].off);
			assert_int_equal(sub.n, rows[i].len);
			assert_int_equal(sub.at, 0x4400 + rows[i].off);
		} else {
			assert_null(sub.p);
			assert_int_equal(sub.n, 77);
			assert_int_equal(sub.at, 88);
		}
	}
}

static void test_cursor(void **state)
{
	static const uint8_t bytes[17] = {1, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 6};
	struct pm_cursor c = {.s = {bytes, sizeof(bytes), 0}};

	(void)state;
	assert_int_equal(pm_cursor_u8(&c), 1);
	assert_int_equal(pm_cursor_u16(&c), 2);
	assert_int_equal(pm_cursor_u32(&c), 3);
	assert_true(pm_cursor_u64(&c) == 4);
	assert_false(c.bad);
	assert_int_equal(c.pos, 15);
	assert_ptr_equal(pm_cursor_take(&c, 2), bytes + 15);
	assert_false(c.bad);
	assert_non_null(pm_cursor_take(&c, 0));
	assert_int_equal(pm_cursor_u8(&c), 0);
	assert_true(c.bad);
}

static void test_cursor_is_sticky(void **state)
{
	static const uint8_t bytes[4] = {9, 9, 9, 9};
	struct pm_cursor c = {.s = {bytes, sizeof(bytes), 0}};

	(void)state;
	assert_int_equal(pm_cursor_u8(&c), 9);
	assert_null(pm_cursor_take(&c, UINT64_MAX));
	assert_true(c.bad);
	assert_int_equal(pm_cursor_u8(&c), 0);
	assert_int_equal(pm_cursor_u64(&c), 0);
	assert_int_equal(c.pos, 1);
}

static void test_is_zero(void **state)
{
	uint8_t b[64] = {0};
	size_t i;

	(void)state;
	assert_true(pm_is_zero(b, 0));
	assert_true(pm_is_zero(b, sizeof(b)));
	for (i = 0; i < sizeof(b); i++) {
		b[i] = 1;
		assert_false(pm_is_zero(b, sizeof(b)));
		assert_true(pm_is_zero(b, i));
		b[i] = 0;
	}
}

static void test_buf(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf b = {0};
	struct pm_span s;
	uint8_t *room;
	int i;

	(void)state;
	assert_string_equal(pm_buf_cstr(&ctx, &b), "");
	pm_buf_str(&ctx, &b, "ab");
	pm_buf_byte(&ctx, &b, 'c');
	pm_buf_add(&ctx, &b, "de", 2);
	pm_buf_add(&ctx, &b, NULL, 0);
	pm_buf_printf(&ctx, &b, "[%d]", 12);
	assert_string_equal(pm_buf_cstr(&ctx, &b), "abcde[12]");
	assert_int_equal(b.n, 9);
	pm_buf_zero(&ctx, &b, 3);
	room = pm_buf_room(&ctx, &b, 2);
	assert_non_null(room);
	memcpy(room, "xy", 2);
	s = pm_buf_span(&b);
	assert_int_equal(s.n, 14);
	assert_memory_equal(s.p, "abcde[12]\0\0\0xy", 14);
	pm_buf_clear(&b);
	for (i = 0; i < 10000; i++)
		pm_buf_byte(&ctx, &b, (uint8_t)i);
	assert_int_equal(b.n, 10000);
	for (i = 0; i < 10000; i++)
		assert_int_equal(b.p[i], (uint8_t)i);
	assert_false(b.bad);
	pm_buf_done(&b);
	assert_null(b.p);
}

static void test_buf_limit(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf b = {.max = 100};

	(void)state;
	pm_buf_zero(&ctx, &b, 90);
	assert_false(b.bad);
	pm_buf_add(&ctx, &b, "0123456789a", 11);
	assert_true(b.bad);
	assert_int_equal(b.n, 90);
	assert_int_equal(ctx.rc, PM_ELIMIT);
	pm_buf_byte(&ctx, &b, 'x');
	pm_buf_printf(&ctx, &b, "y");
	assert_null(pm_buf_room(&ctx, &b, 1));
	assert_int_equal(b.n, 90);
	assert_string_equal(pm_buf_cstr(&ctx, &b), "");
	pm_buf_clear(&b);
	pm_buf_byte(&ctx, &b, 'z');
	assert_int_equal(b.n, 1);
	pm_buf_done(&b);
}

static void test_buf_nul_is_outside_the_limit(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf b = {.max = 64};
	int i;

	(void)state;
	for (i = 0; i < 8; i++)
		pm_buf_printf(&ctx, &b, "%08d", i);
	assert_false(b.bad);
	assert_int_equal(b.n, 64);
	assert_int_equal(strlen(pm_buf_cstr(&ctx, &b)), 64);
	pm_buf_printf(&ctx, &b, "%s", "");
	assert_int_equal(ctx.rc, PM_OK);
	pm_buf_printf(&ctx, &b, "x");
	assert_int_equal(ctx.rc, PM_ELIMIT);
	pm_buf_done(&b);
}

static void test_buf_out_of_memory(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf b = {0};

	(void)state;
	pm_buf_str(&ctx, &b, "kept");
	pm_mem_fail_at(1);
	pm_buf_zero(&ctx, &b, 5000);
	pm_mem_fail_at(0);
	assert_true(b.bad);
	assert_int_equal(ctx.rc, PM_ENOMEM);
	assert_int_equal(b.n, 4);
	assert_memory_equal(b.p, "kept", 4);
	pm_buf_done(&b);
}

/* --- threads ------------------------------------------------------------------------- */

struct sums {
	unsigned int calls[PM_POOL_MAX]; /* of each thread */
	uint64_t next, sum;
};

static void add_up(void *arg, unsigned int k)
{
	struct sums *s = arg;
	uint64_t i;

	s->calls[k]++;
	while ((i = __atomic_fetch_add(&s->next, 1, __ATOMIC_RELAXED)) < 1000)
		__atomic_fetch_add(&s->sum, i, __ATOMIC_RELAXED);
}

static void test_pool(void **state)
{
	static const unsigned int jobs[] = {0, 1, 2, 3, PM_POOL_MAX, 1000};

	(void)state;
	for (size_t i = 0; i < PM_LEN(jobs); i++) {
		struct pm_ctx ctx = {.jobs = jobs[i]};
		struct pm_pool *p = pm_pool_new(&ctx);
		struct sums s = {0};

		assert_int_equal(p != NULL, jobs[i] > 1);
		assert_in_range(pm_pool_size(p), 1, PM_POOL_MAX);
		/* Again and again: a thread calls once a turn, and nobody is still at work after it. */
		for (unsigned int turn = 1; turn <= 200; turn++) {
			s.next = s.sum = 0;
			pm_pool_run(p, add_up, &s);
			assert_int_equal(s.sum, 1000 * 999 / 2);
			for (unsigned int k = 0; k < PM_POOL_MAX; k++)
				assert_int_equal(s.calls[k], k < pm_pool_size(p) ? turn : 0);
		}
		pm_pool_free(p);
		assert_int_equal(ctx.rc, PM_OK);
	}
}

static void test_pool_out_of_memory(void **state)
{
	struct pm_ctx ctx = {.jobs = 4};

	(void)state;
	pm_mem_fail_at(1);
	assert_null(pm_pool_new(&ctx));
	pm_mem_fail_at(0);
	assert_int_equal(ctx.rc, PM_ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_error_stays),
		cmocka_unit_test(test_long_error_is_cut),
		cmocka_unit_test(test_tick),
		cmocka_unit_test(test_worse),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_zeroed_memory),
		cmocka_unit_test(test_overflow_is_out_of_memory),
		cmocka_unit_test(test_fail_at),
		cmocka_unit_test(test_failed_realloc_keeps_the_old),
		cmocka_unit_test(test_asprintf),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_arena_out_of_memory),
		cmocka_unit_test(test_vec),
		cmocka_unit_test(test_vec_out_of_memory),
		cmocka_unit_test(test_little_endian),
		cmocka_unit_test(test_span_sub),
		cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_cursor_is_sticky),
		cmocka_unit_test(test_is_zero),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_buf_limit),
		cmocka_unit_test(test_buf_nul_is_outside_the_limit),
		cmocka_unit_test(test_buf_out_of_memory),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_pool_out_of_memory),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
