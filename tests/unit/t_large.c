/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays in temporary files (base/large) behave as those in memory. */
#include "pm_test.h"

#include "base/large.h"
#include "base/mem.h"

#include <signal.h>
#include <sys/resource.h>

#define SMALL ((uint64_t)1 << 20) /* a budget: shares of 128 KiB */

static int small_budget(void **state)
{
	(void)state;
	pm_mem_set_budget(SMALL);
	return 0;
}

static int usual_budget(void **state)
{
	(void)state;
	pm_mem_set_budget((uint64_t)512 << 20);
	return 0;
}

static uint32_t value(size_t i)
{
	return (uint32_t)(i * 2654435761u);
}

/* From a few items in memory into a file, further there, and back to few. */
static void test_grows(void **state)
{
	struct pm_ctx ctx = {0};
	PM_VEC(uint32_t) v = {0};
	const size_t n = 300000;
	uint32_t *p;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		p = pm_vec_push(&ctx, &v);
		assert_non_null(p);
		*p = value(i);
	}
	assert_true(pm_large_is(v.v));
	assert_true(pm_mem_spilled() >= n * sizeof(uint32_t));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(v.v[i], value(i));
	p = pm_realloc(&ctx, v.v, 100, sizeof(uint32_t));
	assert_non_null(p);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(p[i], value(i));
	pm_free(p);
	assert_false(pm_large_is(p));
	assert_int_equal(ctx.rc, PM_OK);
}

static void test_zeroed(void **state)
{
	struct pm_ctx ctx = {0};
	uint8_t *p = pm_calloc(&ctx, 3, 100000);

	(void)state;
	assert_non_null(p);
	assert_true(pm_large_is(p));
	for (size_t i = 0; i < 300000; i++)
		assert_int_equal(p[i], 0);
	pm_free(p);
	p = pm_calloc(&ctx, 1, 1000);
	assert_non_null(p);
	assert_false(pm_large_is(p));
	pm_free(p);
	pm_free(NULL);
}

/* More than there is a table for: the rest lies in memory. */
static void test_many(void **state)
{
	struct pm_ctx ctx = {0};
	uint8_t *v[80];
	size_t large = 0;

	(void)state;
	for (size_t i = 0; i < PM_LEN(v); i++) {
		v[i] = pm_calloc(&ctx, 1, 200000);
		assert_non_null(v[i]);
		memset(v[i], (int)i, 200000);
		large += pm_large_is(v[i]);
	}
	assert_in_range(large, 1, PM_LEN(v) - 1);
	for (size_t i = 0; i < PM_LEN(v); i++) {
		assert_int_equal(v[i][0], i);
		assert_int_equal(v[i][199999], i);
		pm_free(v[i]);
	}
}

/* There is no room for the file: memory has to do, and nothing is said. */
static void test_no_room(void **state)
{
	struct pm_ctx ctx = {0};
	char *was = getenv("TMPDIR"), *copy = was ? pm_strdup(&ctx, was) : NULL;
	uint8_t *p;

	(void)state;
	setenv("TMPDIR", "/nonexistent/nowhere", 1);
	p = pm_calloc(&ctx, 1, 400000);
	assert_non_null(p);
	assert_false(pm_large_is(p));
	p = pm_realloc(&ctx, p, 1, 800000);
	assert_non_null(p);
	assert_false(pm_large_is(p));
	pm_free(p);
	if (copy)
		setenv("TMPDIR", copy, 1);
	else
		unsetenv("TMPDIR");
	pm_free(copy);
	assert_int_equal(ctx.rc, PM_OK);
}

/* There was room for the file, and is none for a larger one: back to memory. */
static void test_no_more_room(void **state)
{
	struct pm_ctx ctx = {0};
	struct rlimit was, little;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	uint8_t *p = pm_calloc(&ctx, 1, 200000);

	(void)state;
	assert_non_null(p);
	assert_true(pm_large_is(p));
	memset(p, 7, 200000);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	little = was;
	little.rlim_cur = 250000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	p = pm_realloc(&ctx, p, 1, 400000);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, handler);
	assert_non_null(p);
	assert_int_equal(ctx.rc, PM_OK);
	assert_false(pm_large_is(p));
	for (size_t i = 0; i < 200000; i++)
		assert_int_equal(p[i], 7);
	pm_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_grows, small_budget, usual_budget),
		cmocka_unit_test_setup_teardown(test_zeroed, small_budget, usual_budget),
		cmocka_unit_test_setup_teardown(test_many, small_budget, usual_budget),
		cmocka_unit_test_setup_teardown(test_no_room, small_budget, usual_budget),
		cmocka_unit_test_setup_teardown(test_no_more_room, small_budget, usual_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
