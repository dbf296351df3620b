/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the passes of layer check, over a seed file in memory. */
#include "pm_test.h"

#include "check/check.h"
#include "io/fault.h"
#include "io/memory.h"
#include "msg/folder.h"

#include <stdio.h>

/* A seed of testdata/seeds as the build tree has it. */
struct seed {
	uint8_t *p;
	size_t n;
};

static struct seed load_seed(const char *name)
{
	const char *top = getenv("top_builddir");
	char path[4096];
	struct seed s = {0};
	FILE *f;

	snprintf(path, sizeof(path), "%s/testdata/seeds/%s.pst", top ? top : ".", name);
	f = fopen(path, "rb");
	if (!f) {
		print_message("# %s is missing: make seeds\n", path);
		skip();
	}
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	s.n = (size_t)ftell(f);
	rewind(f);
	s.p = malloc(s.n);
	assert_int_equal(fread(s.p, 1, s.n, f), s.n);
	fclose(f);
	return s;
}

struct run {
	struct pm_ctx ctx;
	struct pm_image *img;
	struct pm_analysis *an;
	struct pm_sink sink;
	enum pm_rc rc;
};

static void run_on(struct run *r, struct pm_image *img, const struct pm_sink_ops *ops)
{
	static const struct pm_analysis_options whole = {0};
	static const struct pm_check_options all = {0};

	pm_sink_init(&r->sink, &r->ctx, ops, r);
	r->rc = pm_analysis_open(&r->ctx, img, &whole, &r->an);
	if (r->rc == PM_OK)
		r->rc = pm_check(r->an, &all, &r->sink);
}

static void run_done(struct run *r)
{
	pm_sink_done(&r->sink);
	pm_analysis_close(r->an);
	pm_image_close(r->img);
}

static void run_seed(struct run *r, const struct seed *s)
{
	*r = (struct run){0};
	assert_int_equal(pm_image_open_memory(&r->ctx, s->p, s->n, &r->img), PM_OK);
	run_on(r, r->img, NULL);
}

static const char *const sound[] = {"4k-small",      "4k-zlib",   "ansi-none",    "ansi-small",
				    "big-folder",    "deep-tree", "unicode-none", "unicode-cyclic",
				    "unicode-small", "wide-tree"};

static void test_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < PM_LEN(sound); i++) {
		struct seed s = load_seed(sound[i]);
		struct run r;

		run_seed(&r, &s);
		assert_int_equal(r.rc, PM_OK);
		assert_int_equal(r.sink.severity[PM_SEV_ERROR], 0);
		assert_int_equal(r.sink.severity[PM_SEV_WARNING], 0);
		run_done(&r);
		free(s.p);
	}
}

/* The bytes of the file are not changed by looking at them. */
static void test_reads_only(void **state)
{
	struct seed s = load_seed("unicode-small");
	uint8_t *before = malloc(s.n);
	struct run r;

	(void)state;
	memcpy(before, s.p, s.n);
	run_seed(&r, &s);
	assert_int_equal(r.rc, PM_OK);
	assert_memory_equal(s.p, before, s.n);
	run_done(&r);
	free(before);
	free(s.p);
}

static pm_ib place_of(const struct pm_analysis *an, pm_nid nid)
{
	const struct pm_node *n = pm_ndb_find_node(&an->db, nid);
	const struct pm_block *b = n ? pm_ndb_find_block(&an->db, n->data) : NULL;

	assert_non_null(b);
	return b->ib;
}

/* Sectors that can't be read: the range, what lies there, and the message that used it. */
static void test_unreadable(void **state)
{
	struct seed s = load_seed("unicode-small");
	pm_ib block, page;
	struct run r, bad = {0};
	struct pm_image *inner;

	(void)state;
	run_seed(&r, &s);
	block = place_of(r.an, 0x200024);
	page = 0;
	for (size_t i = 0; i < r.an->pages.n; i++)
		if (r.an->pages.v[i].ptype == PM_PTYPE_NBT && !r.an->pages.v[i].level)
			page = r.an->pages.v[i].ib;
	run_done(&r);

	assert_int_equal(pm_image_open_memory(&bad.ctx, s.p, s.n, &inner), PM_OK);
	assert_int_equal(pm_image_open_fault(&bad.ctx, inner, &bad.img), PM_OK);
	assert_int_equal(pm_fault_bad(&bad.ctx, bad.img, block, 64), PM_OK);
	assert_int_equal(pm_fault_bad(&bad.ctx, bad.img, page, 512), PM_OK);
	run_on(&bad, bad.img, NULL);
	assert_int_equal(bad.rc, PM_OK);
	assert_int_equal(bad.sink.n[PM_P_FILE_UNREADABLE], 2);
	assert_true(bad.sink.n[PM_P_BLOCK_UNREADABLE] >= 1);
	assert_int_equal(bad.sink.n[PM_P_PAGE_UNREADABLE], 1);
	/* The message whose entry was in the page is known by its content. */
	assert_int_equal(bad.sink.affected[PM_OBJ_MESSAGE][PM_OBJ_DAMAGED] +
				 bad.sink.affected[PM_OBJ_MESSAGE][PM_OBJ_PARTIAL] +
				 bad.sink.affected[PM_OBJ_MESSAGE][PM_OBJ_LOST],
			 1);
	run_done(&bad);
	pm_image_close(inner);
	free(s.p);
}

/* --- what each page and block says when a byte of it is wrong --------------------------- */

/* Any one byte of the file may be anything: the check ends, with an error for whatever a
 * checksum covers. */
static void test_any_byte(void **state)
{
	struct seed s = load_seed("ansi-small");
	uint64_t found = 0, tried = 0;

	(void)state;
	for (size_t at = 0; at < s.n; at += 499) {
		uint8_t was = s.p[at];
		struct run r;

		s.p[at] = (uint8_t)~was;
		run_seed(&r, &s);
		assert_true(r.rc == PM_OK || r.rc == PM_EUNSUP);
		tried++;
		found += r.rc == PM_OK && r.sink.severity[PM_SEV_ERROR] != 0;
		run_done(&r);
		s.p[at] = was;
	}
	/* Free space, padding and what was left of older pages is no part of the content. */
	assert_true(found > 20);
	assert_true(tried > found);
	free(s.p);
}

static void test_wiped_block(void **state)
{
	struct seed s = load_seed("unicode-small");
	struct run r;
	pm_ib ib;

	(void)state;
	run_seed(&r, &s);
	ib = place_of(r.an, 0x200024);
	run_done(&r);
	memset(s.p + ib, 0, 512);
	run_seed(&r, &s);
	assert_int_equal(r.rc, PM_OK);
	assert_true(r.sink.n[PM_P_BLOCK_LOST] + r.sink.n[PM_P_BLOCK_CRC] >= 1);
	/* One broken block is one finding with what follows folded under it. */
	assert_true(r.sink.under[PM_P_BLOCK_LOST] + r.sink.under[PM_P_BLOCK_CRC] >= 1);
	run_done(&r);
	free(s.p);
}

/* --- errors ---------------------------------------------------------------------------- */

/* Any request for memory may fail, and the check says so and nothing else happens. */
static void test_memory(void **state)
{
	struct seed s = load_seed("ansi-small");
	uint64_t total;
	struct run r;

	(void)state;
	total = pm_mem_count();
	run_seed(&r, &s);
	total = pm_mem_count() - total;
	run_done(&r);
	assert_true(total > 300);
	for (uint64_t n = 1; n < total; n += 1 + total / 150) {
		r = (struct run){0};
		assert_int_equal(pm_image_open_memory(&r.ctx, s.p, s.n, &r.img), PM_OK);
		pm_mem_fail_at(n);
		run_on(&r, r.img, NULL);
		pm_mem_fail_at(0);
		assert_int_equal(r.rc, PM_ENOMEM);
		assert_int_equal(r.ctx.rc, PM_ENOMEM);
		run_done(&r);
	}
	free(s.p);
}

/* A read that fails for a real reason ends the check. */
static void test_read_error(void **state)
{
	struct seed s = load_seed("ansi-small");
	uint64_t reads;
	struct run r;

	(void)state;
	run_seed(&r, &s);
	reads = r.img->reads;
	run_done(&r);
	for (uint64_t n = 1; n < reads; n += 1 + reads / 60) {
		struct pm_image *inner;

		r = (struct run){0};
		assert_int_equal(pm_image_open_memory(&r.ctx, s.p, s.n, &inner), PM_OK);
		assert_int_equal(pm_image_open_fault(&r.ctx, inner, &r.img), PM_OK);
		pm_fault_error_at(r.img, n);
		run_on(&r, r.img, NULL);
		assert_int_equal(r.rc, PM_EIO);
		run_done(&r);
		pm_image_close(inner);
	}
	free(s.p);
}

static void test_cancel(void **state)
{
	static const volatile int yes = 1;
	struct seed s = load_seed("unicode-small");
	struct run r = {0};

	(void)state;
	assert_int_equal(pm_image_open_memory(&r.ctx, s.p, s.n, &r.img), PM_OK);
	r.ctx.cancel = &yes;
	run_on(&r, r.img, NULL);
	assert_int_equal(r.rc, PM_ECANCEL);
	run_done(&r);
	free(s.p);
}

static enum pm_rc refuse(void *arg, const struct pm_problem *p)
{
	struct run *r = arg;

	(void)p;
	return pm_fail(&r->ctx, PM_EIO, "the disk is full");
}

/* Whoever takes the problems may stop the check. */
static void test_refusal(void **state)
{
	static const struct pm_sink_ops ops = {.problem = refuse};
	struct seed s = load_seed("unicode-small");
	struct run r = {0};

	(void)state;
	s.p[14] = 2; /* bPlatformCreate, and the header's checksums with it */
	assert_int_equal(pm_image_open_memory(&r.ctx, s.p, s.n, &r.img), PM_OK);
	run_on(&r, r.img, &ops);
	assert_int_equal(r.rc, PM_EIO);
	assert_int_equal(r.sink.serial, 1);
	run_done(&r);
	free(s.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),       cmocka_unit_test(test_reads_only),
		cmocka_unit_test(test_unreadable),  cmocka_unit_test(test_any_byte),
		cmocka_unit_test(test_wiped_block), cmocka_unit_test(test_memory),
		cmocka_unit_test(test_read_error),  cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_refusal),
	};

	return cmocka_run_group_tests_name("check_file", tests, NULL, NULL);
}
