/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of layer check: the catalogue and the sink. */
#include "pm_test.h"

#include "check/sink.h"

/* --- catalogue ----------------------------------------------------------------------- */

static void test_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PM_P_COUNT; i++) {
		const struct pm_problem_row *r = &pm_problem_rows[i];

		assert_int_equal(pm_problem_find(r->name), i);
		assert_string_not_equal(pm_problem_layer_name(r->layer), "?");
		assert_string_not_equal(pm_severity_name(r->severity), "?");
		assert_string_not_equal(pm_mend_name(r->mend), "?");
	}
	assert_int_equal(pm_problem_find("page-crc"), PM_P_PAGE_CRC);
	assert_int_equal(pm_problem_find("no-such-problem"), PM_P_COUNT);
	assert_int_equal(pm_problem_find(""), PM_P_COUNT);
}

static void assert_text(const struct pm_problem *p, const char *want)
{
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};

	pm_problem_text(&ctx, p, &out);
	assert_string_equal(pm_buf_cstr(&ctx, &out), want);
	pm_buf_done(&out);
}

static void test_text(void **state)
{
	(void)state;
	assert_text(&(struct pm_problem){.id = PM_P_PAGE_CRC,
					 .what = "block tree",
					 .offset = 0x4600,
					 .have = 0xDEADBEEF,
					 .want = 1},
		    "block tree, page at 0x4600: the checksum is 0xdeadbeef, should be 0x1");
	assert_text(&(struct pm_problem){.id = PM_P_AMAP_FREE_COUNT, .have = 64, .want = 128},
		    "header: cbAMapFree is 64, the allocation maps have 128 free bytes");
	assert_text(&(struct pm_problem){.id = PM_P_PC_HNID,
					 .nid = 0x200024,
					 .sub = 0x8025,
					 .tag = 0x3001001F,
					 .item = 0x60},
		    "node 0x200024/0x8025: property 0x3001001f (PidTagDisplayName): its value 0x60 "
		    "does not exist");
	/* A property without a name, words in place of a number, a missing word. */
	assert_text(
		&(struct pm_problem){.id = PM_P_PC_TYPE, .nid = 0x21, .tag = 0x66AB9999},
		"node 0x21: property 0x66ab9999 has a type that does not exist or that it can't "
		"have");
	assert_text(
		&(struct pm_problem){
			.id = PM_P_PAGE_BID, .what = "node tree", .have_text = "none", .want = 7},
		"node tree, page at 0x0: it is page none, page 0x7 was expected");
	assert_text(&(struct pm_problem){.id = PM_P_FILE_HEADER_LOST},
		    "the header does not tell what this file is; its pages show that it is ?");
	assert_text(&(struct pm_problem){.id = PM_P_HEADER_FREE_MAPS},
		    "header: rgbFM and rgbFP are not filled with FF");
}

/* No text has a placeholder left, and each argument can be had by its place. */
static void test_all_texts(void **state)
{
	static const struct pm_problem full = {.offset = 1,
					       .size = 1,
					       .bid = 1,
					       .nid = 1,
					       .tag = 1,
					       .item = 1,
					       .have = 1,
					       .want = 1,
					       .count = 1,
					       .what = "it"};

	(void)state;
	for (unsigned i = 0; i < PM_P_COUNT; i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};
		struct pm_problem p = full;
		struct pm_problem_arg a;
		unsigned n = 0;

		p.id = (enum pm_problem_id)i;
		pm_problem_text(&ctx, &p, &out);
		assert_true(out.n > 10);
		assert_null(strpbrk(pm_buf_cstr(&ctx, &out), "{}\n"));
		while (pm_problem_arg(&p, n, &a)) {
			assert_true(a.form == PM_ARG_TEXT ? !strcmp(a.text, "it") : a.number == 1);
			n++;
		}
		assert_true(n == 0 ? !*pm_problem_rows[i].args : n < 10);
		pm_buf_done(&out);
	}
}

/* --- sink ---------------------------------------------------------------------------- */

struct seen {
	uint64_t problems, affected, last;
	uint64_t stop_at; /* fail at this many problems; 0 never */
};

static enum pm_rc on_problem(void *arg, const struct pm_problem *p)
{
	struct seen *s = arg;

	assert_true(p->serial > s->last); /* infos may be left out between */
	s->last = p->serial;
	return ++s->problems == s->stop_at ? PM_EIO : PM_OK;
}

static enum pm_rc on_affected(void *arg, const struct pm_affected *a)
{
	struct seen *s = arg;

	assert_true(a->nid);
	s->affected++;
	return PM_OK;
}

static const struct pm_sink_ops ops = {on_problem, on_affected};

static void test_counts(void **state)
{
	struct pm_ctx ctx = {0};
	struct seen seen = {0};
	struct pm_sink s;

	(void)state;
	pm_sink_init(&s, &ctx, &ops, &seen);
	for (unsigned i = 0; i < 12; i++) {
		struct pm_problem p = {.id = PM_P_BLOCK_CRC, .bid = i};

		assert_int_equal(pm_sink_add(&s, &p), PM_OK);
		assert_int_equal(p.serial, i + 1);
	}
	assert_int_equal(pm_sink_add(&s, &(struct pm_problem){.id = PM_P_PAGE_SLACK}), PM_OK);
	assert_int_equal(pm_sink_add(&s, &(struct pm_problem){.id = PM_P_STORE_NAME}), PM_OK);
	assert_int_equal(s.n[PM_P_BLOCK_CRC], 12);
	assert_int_equal(s.n[PM_P_PAGE_SLACK], 1);
	assert_int_equal(s.severity[PM_SEV_ERROR], 12);
	assert_int_equal(s.severity[PM_SEV_WARNING], 1);
	assert_int_equal(s.severity[PM_SEV_INFO], 1);
	assert_int_equal(s.roots, 13);
	assert_int_equal(s.kept.n, s.keep + 1);
	assert_int_equal(seen.problems, 13); /* the info is only counted */
	s.infos = true;
	assert_int_equal(pm_sink_add(&s, &(struct pm_problem){.id = PM_P_PAGE_SLACK}), PM_OK);
	assert_int_equal(seen.problems, 14);
	assert_int_equal(s.kept.v[s.kept.n - 1].p.id, PM_P_PAGE_SLACK);
	assert_int_equal(pm_sink_affected(&s, &(struct pm_affected){.kind = PM_OBJ_MESSAGE,
								    .state = PM_OBJ_PARTIAL,
								    .nid = 0x200024}),
			 PM_OK);
	assert_int_equal(seen.affected, 1);
	pm_sink_done(&s);
}

static void test_folding(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_sink s;
	struct pm_problem page = {.id = PM_P_PAGE_CRC, .offset = 0x4600};
	struct pm_problem leaf = {.id = PM_P_TREE_LEAF_LOST};
	struct pm_problem block = {.id = PM_P_BLOCK_MISSING, .bid = 8};

	(void)state;
	pm_sink_init(&s, &ctx, NULL, NULL);
	assert_int_equal(pm_sink_cause(&s, PM_CAUSE_PAGE, 0x4600), 0);
	assert_int_equal(pm_sink_add(&s, &page), PM_OK);
	assert_int_equal(pm_sink_blame(&s, PM_CAUSE_PAGE, 0x4600, &page), PM_OK);
	leaf.caused_by = pm_sink_cause(&s, PM_CAUSE_PAGE, 0x4600);
	assert_int_equal(leaf.caused_by, 1);
	assert_int_equal(pm_sink_add(&s, &leaf), PM_OK);
	assert_int_equal(pm_sink_blame(&s, PM_CAUSE_BLOCK, 8, &leaf), PM_OK);
	/* The first blame stays. */
	assert_int_equal(pm_sink_blame(&s, PM_CAUSE_BLOCK, 8, &page), PM_OK);
	assert_int_equal(pm_sink_cause(&s, PM_CAUSE_BLOCK, 8), 2);
	for (unsigned i = 0; i < 100; i++) {
		block.caused_by = pm_sink_cause(&s, PM_CAUSE_BLOCK, 8);
		assert_int_equal(pm_sink_add(&s, &block), PM_OK);
	}
	/* All count under the root. */
	assert_int_equal(s.roots, 1);
	assert_int_equal(s.under[PM_P_PAGE_CRC], 101);
	assert_int_equal(s.under[PM_P_TREE_LEAF_LOST], 0);
	assert_int_equal(s.followed[PM_P_BLOCK_MISSING], 100);
	assert_int_equal(s.kept.v[0].consequences, 101);
	pm_sink_done(&s);
}

static void test_strings_kept(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_sink s;
	char path[600], what[] = "node tree";
	struct pm_problem p = {.id = PM_P_PAGE_SHARED, .what = what, .path = path};

	(void)state;
	memset(path, 'a', sizeof(path));
	memcpy(path + 254, "\xE2\x82\xAC", 3); /* a character over the limit */
	path[sizeof(path) - 1] = 0;
	pm_sink_init(&s, &ctx, NULL, NULL);
	assert_int_equal(pm_sink_add(&s, &p), PM_OK);
	memset(what, 'x', sizeof(what) - 1);
	memset(path, 'x', sizeof(path) - 1);
	assert_string_equal(s.kept.v[0].p.what, "node tree");
	assert_int_equal(strlen(s.kept.v[0].p.path), 254);
	assert_int_equal(s.kept.v[0].p.path[253], 'a');
	pm_sink_done(&s);
}

static void test_callback_stops(void **state)
{
	struct pm_ctx ctx = {0};
	struct seen seen = {.stop_at = 2};
	struct pm_sink s;

	(void)state;
	pm_sink_init(&s, &ctx, &ops, &seen);
	assert_int_equal(pm_sink_add(&s, &(struct pm_problem){.id = PM_P_PC_HNID}), PM_OK);
	assert_int_equal(pm_sink_add(&s, &(struct pm_problem){.id = PM_P_PC_HNID}), PM_EIO);
	pm_sink_done(&s);
}

/* Any request for memory may fail: an error, and nothing else. */
static void test_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (uint64_t n = 1; failed; n++) {
		struct pm_ctx ctx = {0};
		struct pm_sink s;
		enum pm_rc rc = PM_OK;

		pm_sink_init(&s, &ctx, NULL, NULL);
		pm_mem_fail_at(n);
		for (unsigned i = 0; i < 20 && rc == PM_OK; i++) {
			struct pm_problem p = {.id = i % 2 ? PM_P_BLOCK_CRC : PM_P_BLOCK_MISSING,
					       .bid = i,
					       .what = "what",
					       .path = "path",
					       .caused_by = i ? 1 : 0};

			rc = pm_sink_add(&s, &p);
			if (rc == PM_OK)
				rc = pm_sink_blame(&s, PM_CAUSE_BLOCK, i, &p);
		}
		pm_mem_fail_at(0);
		failed = rc != PM_OK;
		if (failed) {
			assert_int_equal(rc, PM_ENOMEM);
			assert_int_equal(ctx.rc, PM_ENOMEM);
		}
		for (size_t i = 0; i < s.kept.n; i++)
			assert_string_equal(s.kept.v[i].p.path, "path");
		assert_true(n < 1000);
		pm_sink_done(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),          cmocka_unit_test(test_text),
		cmocka_unit_test(test_all_texts),      cmocka_unit_test(test_counts),
		cmocka_unit_test(test_folding),        cmocka_unit_test(test_strings_kept),
		cmocka_unit_test(test_callback_stops), cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
