/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the independent proof: sound images, garbage, and whatever can become of the
 * child. The seeds are built before the tests run; this runs in the build directory.
 */
#include "pm_test.h"

#include "base/bytes.h"
#include "io/file.h"
#include "io/memory.h"
#include "io/view.h"
#include "repair/pff_expect.h"
#include "repair/pff_proof.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define SMALL "testdata/seeds/unicode-small.pst"
#define PLAIN "testdata/seeds/unicode-none.pst"

/* Of the small seed. */
enum { SMALL_FOLDERS = 10, SMALL_ITEMS = 12 };
#define INBOX       0x8082u
#define SEARCH      0x2223u
#define RTF_MESSAGE 0x200064u /* has uncompressed RTF, which libpff refuses */
#define LARGE       0x2000A4u /* has large attachments */
#define NO_MESSAGE  0x2FFFE4u /* there is no such node */

static struct pm_image *open_seed(struct pm_ctx *ctx, const char *path)
{
	struct pm_image *img = NULL;

	if (pm_image_open_file(ctx, path, &img) != PM_OK)
		fail_msg("%s", ctx->text);
	return img;
}

static struct pm_pff_result prove(const char *path, const struct pm_pff_options *opt)
{
	struct pm_ctx ctx = {0};
	struct pm_image *img = open_seed(&ctx, path);
	struct pm_pff_result res = {0};

	assert_int_equal(pm_pff_prove(&ctx, img, opt, &res), PM_OK);
	assert_int_equal(ctx.rc, PM_OK);
	pm_image_close(img);
	return res;
}

static struct pm_pff_result prove_bytes(const void *p, size_t n, const struct pm_pff_options *opt)
{
	struct pm_ctx ctx = {0};
	struct pm_image *img = NULL;
	struct pm_pff_result res = {0};

	assert_int_equal(pm_image_open_memory(&ctx, p, n, &img), PM_OK);
	assert_int_equal(pm_pff_prove(&ctx, img, opt, &res), PM_OK);
	pm_image_close(img);
	return res;
}

static void assert_described(const struct pm_pff_result *res, const char *words)
{
	struct pm_ctx ctx = {0};
	struct pm_buf b = {0};

	pm_pff_describe(&ctx, res, &b);
	if (!strstr(pm_buf_cstr(&ctx, &b), words))
		fail_msg("\"%s\" doesn't say \"%s\"", pm_buf_cstr(&ctx, &b), words);
	assert_null(strchr(pm_buf_cstr(&ctx, &b), '\n'));
	pm_buf_done(&b);
}

/* --- what is read ------------------------------------------------------------------------- */

struct items {
	struct pm_pff_item v[64];
	size_t n;
};

static void keep_item(void *arg, const struct pm_pff_item *item)
{
	struct items *items = arg;

	assert_true(items->n < PM_LEN(items->v));
	items->v[items->n++] = *item;
}

static const struct pm_pff_item *find_item(const struct items *items, uint32_t nid)
{
	const struct pm_pff_item *found = NULL;

	for (size_t i = 0; i < items->n; i++) {
		if (items->v[i].nid != nid)
			continue;
		assert_null(found);
		found = &items->v[i];
	}
	assert_non_null(found);
	return found;
}

static void test_full(void **state)
{
	struct items items = {0};
	struct pm_pff_options opt = {.mode = PM_PFF_FULL, .item = keep_item, .item_arg = &items};
	struct pm_pff_result res = prove(SMALL, &opt);
	const struct pm_pff_item *i;

	(void)state;
	assert_int_equal(res.end, PM_PFF_DONE);
	assert_true(res.listed && res.full && !res.out_of_memory);
	assert_int_equal(res.folders.n, SMALL_FOLDERS);
	assert_int_equal(res.n_listed, SMALL_ITEMS);
	assert_int_equal(res.n_opened, SMALL_ITEMS);
	assert_int_equal(res.n_whole, SMALL_ITEMS - 1);
	assert_int_equal(res.n_failed, 0);
	assert_int_equal(res.n_tables_failed, 0);
	assert_int_equal(res.n_orphans, 0);
	assert_true(res.peak_bytes > 0);
	/* The one that libpff can't read, and why. */
	assert_int_equal(res.n_limited, 1);
	assert_int_equal(res.n_failures, 1);
	assert_int_equal(res.failures.v[0].nid, RTF_MESSAGE);
	assert_int_equal(res.failures.v[0].folder, INBOX);
	assert_string_equal(res.failures.v[0].limit, "rtf-plain");
	assert_string_equal(res.failures.v[0].doing, "reading the RTF");
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_LIMITED);
	assert_described(&res,
			 " reads it: 10 folders, 12 items listed, 12 opened, 11 read whole, 1 ");

	assert_int_equal(items.n, SMALL_ITEMS);
	assert_false(find_item(&items, RTF_MESSAGE)->whole);
	i = find_item(&items, LARGE);
	assert_true(i->whole && !i->assoc);
	assert_int_equal(i->folder, INBOX);
	assert_int_equal(i->recipients, 1);
	assert_int_equal(i->attachments, 3);
	assert_int_equal(i->attached, 5000 + 20000 + 20000);
	assert_int_equal(i->body, 6000 + 1);
	i = find_item(&items, 0x200044);
	assert_int_equal(i->recipients, 3);
	assert_int_equal(i->attachments, 0);
	assert_true(find_item(&items, 0x100028)->assoc);
	pm_pff_result_done(&res);
}

static void test_plain(void **state)
{
	struct pm_pff_options opt = {.mode = PM_PFF_FULL};
	struct pm_pff_result res = prove(PLAIN, &opt);

	(void)state;
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_PROVED);
	assert_int_equal(res.n_failures, 0);
	pm_pff_result_done(&res);

	opt.mode = PM_PFF_NONE;
	res = prove(PLAIN, &opt);
	assert_int_equal(res.end, PM_PFF_NOT_RUN);
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_NO_PROOF);
	assert_described(&res, "did not run: it was not asked for");
	pm_pff_result_done(&res);
}

static void test_sample(void **state)
{
	/* Of the n items in the order of the walk: which are opened by a sample of this size. */
	static const struct {
		uint32_t sample;
		size_t n, at[4];
	} rows[] = {
		{1, 1, {0}},
		{2, 2, {0, 11}},
		{3, 3, {0, 5, 11}},
		{4, 4, {0, 3, 7, 11}},
	};
	struct items all = {0}, some;
	struct pm_pff_options opt = {.mode = PM_PFF_FULL, .item = keep_item, .item_arg = &all};
	struct pm_pff_result res = prove(SMALL, &opt);

	(void)state;
	pm_pff_result_done(&res);
	opt.mode = PM_PFF_SAMPLE;
	opt.item_arg = &some;
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		opt.sample = rows[i].sample;
		some.n = 0;
		res = prove(SMALL, &opt);
		assert_int_equal(res.n_listed, SMALL_ITEMS);
		assert_int_equal(res.n_opened, rows[i].n);
		assert_int_equal(some.n, rows[i].n);
		for (size_t k = 0; k < some.n; k++)
			assert_int_equal(some.v[k].nid, all.v[rows[i].at[k]].nid);
		pm_pff_result_done(&res);
	}
	/* More than there are, and the default: all. */
	for (uint32_t sample = 0; sample <= 100; sample += 100) {
		opt.sample = sample;
		some.n = 0;
		res = prove(SMALL, &opt);
		assert_int_equal(some.n, SMALL_ITEMS);
		pm_pff_result_done(&res);
	}
}

static void test_must(void **state)
{
	static const uint32_t must[] = {RTF_MESSAGE, LARGE, NO_MESSAGE};
	static const uint32_t partial[] = {0x10, NO_MESSAGE};
	struct items items = {0};
	struct pm_pff_options opt = {.mode = PM_PFF_SAMPLE,
				     .sample = 1,
				     .must = must,
				     .n_must = 2,
				     .item = keep_item,
				     .item_arg = &items};
	struct pm_pff_result res = prove(SMALL, &opt);

	(void)state;
	assert_int_equal(items.n, 3); /* these, and the first one of the walk */
	assert_int_equal(items.v[0].nid, RTF_MESSAGE);
	assert_int_equal(items.v[1].nid, LARGE);
	assert_int_equal(items.v[1].attached, 45000);
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_LIMITED);
	pm_pff_result_done(&res);

	/* Items of the sample that were asked for are opened once. */
	opt.mode = PM_PFF_FULL;
	items.n = 0;
	res = prove(SMALL, &opt);
	assert_int_equal(items.n, SMALL_ITEMS);
	assert_int_equal(res.n_opened, SMALL_ITEMS);
	pm_pff_result_done(&res);

	opt.n_must = 3;
	opt.item = NULL;
	res = prove(SMALL, &opt);
	assert_int_equal(res.n_failed, 1);
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_REFUTED);
	assert_int_equal(res.failures.v[0].nid, NO_MESSAGE); /* before the one that is explained */
	assert_null(res.failures.v[0].limit);
	assert_int_equal(res.failures.v[1].nid, RTF_MESSAGE);
	assert_described(&res, "finds fault with it");
	pm_pff_result_done(&res);

	/* That it is not there is known. */
	opt.partial = partial;
	opt.n_partial = PM_LEN(partial);
	res = prove(SMALL, &opt);
	assert_int_equal(res.n_failed, 0);
	assert_int_equal(res.n_limited, 2);
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_LIMITED);
	pm_pff_result_done(&res);
}

static void test_view(void **state)
{
	static const uint8_t zeros[512];
	struct pm_ctx ctx = {0};
	struct pm_image *img = open_seed(&ctx, SMALL);
	struct pm_pff_options opt = {.mode = PM_PFF_FULL};
	struct pm_pff_result res = {0};
	struct pm_view *view = NULL;

	(void)state;
	assert_int_equal(pm_view_new(&ctx, img, &view), PM_OK);
	assert_int_equal(pm_view_put(view, 0, zeros, sizeof(zeros)), PM_OK);
	assert_int_equal(pm_pff_prove(&ctx, pm_view_image(view), &opt, &res), PM_OK);
	assert_int_equal(res.end, PM_PFF_REFUSED);
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_REFUTED);
	pm_pff_result_done(&res);
	/* The change taken back, libpff reads it again. */
	assert_int_equal(pm_view_map(view, 0, 0, sizeof(zeros)), PM_OK);
	assert_int_equal(pm_pff_prove(&ctx, pm_view_image(view), &opt, &res), PM_OK);
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_LIMITED);
	assert_int_equal(res.n_whole, SMALL_ITEMS - 1);
	pm_pff_result_done(&res);
	pm_view_free(view);
	pm_image_close(img);
}

/* --- what is none ------------------------------------------------------------------------- */

static void test_garbage(void **state)
{
	static uint8_t noise[64 * 1024];
	struct pm_pff_options opt = {.mode = PM_PFF_SAMPLE};
	static const size_t size[] = {1, 4, 511, 512, 564, 4096, sizeof(noise)};
	struct pm_pff_result res;
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (uint8_t)(x >> 24);
	}
	for (size_t i = 0; i < 2 * PM_LEN(size); i++) {
		if (i == PM_LEN(size))
			memcpy(noise, "!BDN", 4); /* the second time it looks like a PST */
		res = prove_bytes(noise, size[i % PM_LEN(size)], &opt);
		assert_int_equal(res.end, PM_PFF_REFUSED);
		assert_null(res.limit);
		assert_true(res.text[0] != 0);
		assert_false(res.listed);
		assert_int_equal(res.n_listed, 0);
		assert_int_equal(pm_pff_verdict(&res), PM_PFF_REFUTED);
		assert_described(&res, "does not open it: ");
		pm_pff_result_done(&res);
	}
}

/* Cut anywhere, the file is refused or something is missed; never a crash. */
static void test_cut(void **state)
{
	static uint8_t file[1024 * 1024];
	struct pm_ctx ctx = {0};
	struct pm_image *img = open_seed(&ctx, PLAIN);
	struct pm_pff_options opt = {.mode = PM_PFF_FULL};
	struct pm_pff_result res;
	size_t n = (size_t)pm_image_size(img);

	(void)state;
	assert_true(n < sizeof(file));
	assert_int_equal(pm_image_read(&ctx, img, 0, file, n), PM_OK);
	pm_image_close(img);
	for (size_t i = 0; i < 16; i++) {
		res = prove_bytes(file, n / 32 + n / 32 * i, &opt);
		assert_true(res.end == PM_PFF_REFUSED || res.end == PM_PFF_DONE);
		pm_pff_result_done(&res);
	}
}

/* --- comparison --------------------------------------------------------------------------- */

static const struct pm_pff_diff *only_diff(struct pm_pff_result *res,
					   const struct pm_pff_count *expect, size_t n)
{
	struct pm_ctx ctx = {0};

	assert_int_equal(pm_pff_compare(&ctx, res, expect, n), PM_OK);
	assert_int_equal(res->n_diffs, 1);
	assert_int_equal(res->diffs.n, 1);
	return &res->diffs.v[0];
}

static void assert_diff_says(const struct pm_pff_diff *d, const char *words)
{
	struct pm_ctx ctx = {0};
	struct pm_buf b = {0};

	pm_pff_describe_diff(&ctx, d, &b);
	assert_string_equal(pm_buf_cstr(&ctx, &b), words);
	pm_buf_done(&b);
}

static void test_compare(void **state)
{
	struct pm_pff_count expect[SMALL_FOLDERS + 1], *inbox = NULL, *search = NULL;
	struct pm_pff_options opt = {.mode = PM_PFF_SAMPLE, .expect = expect};
	struct pm_pff_result res = prove(SMALL, &(struct pm_pff_options){.mode = PM_PFF_SAMPLE});
	const struct pm_pff_diff *d;

	(void)state;
	for (size_t i = 0; i < SMALL_FOLDERS; i++) { /* the other way round */
		expect[i] = res.folders.v[SMALL_FOLDERS - 1 - i];
		if (expect[i].nid == INBOX)
			inbox = &expect[i];
		if (expect[i].nid == SEARCH)
			search = &expect[i];
	}
	assert_non_null(inbox);
	assert_non_null(search);
	assert_int_equal(inbox->messages, 6);
	assert_int_equal(inbox->assoc, 1);
	assert_int_equal(inbox->folders, 1);
	search->messages = 4711; /* what libpff can't see is not compared */
	pm_pff_result_done(&res);
	opt.n_expect = SMALL_FOLDERS;
	res = prove(SMALL, &opt);
	assert_int_equal(res.n_diffs, 0);
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_LIMITED);

	inbox->messages++;
	d = only_diff(&res, expect, SMALL_FOLDERS);
	assert_int_equal(d->kind, PM_PFF_DIFF_MESSAGES);
	assert_int_equal(d->nid, INBOX);
	assert_diff_says(d, "folder 0x8082: libpff counts 6 messages, there should be 7");
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_REFUTED);
	inbox->messages--;
	inbox->assoc = 0;
	assert_diff_says(only_diff(&res, expect, SMALL_FOLDERS),
			 "folder 0x8082: libpff counts 1 associated items, there should be 0");
	inbox->assoc = 1;
	inbox->folders = 2;
	assert_int_equal(only_diff(&res, expect, SMALL_FOLDERS)->kind, PM_PFF_DIFF_FOLDERS);
	inbox->folders = 1;
	/* Of a table that it can't read for a known reason the count tells nothing, of another it does. */
	inbox->assoc = 0;
	for (size_t i = 0; i < res.folders.n; i++)
		if (res.folders.v[i].nid == INBOX) {
			res.folders.v[i].messages = 0;
			res.folders.v[i].unread_messages = true;
		}
	assert_int_equal(only_diff(&res, expect, SMALL_FOLDERS)->kind, PM_PFF_DIFF_ASSOC);
	inbox->assoc = 1;
	assert_int_equal(only_diff(&res, expect, SMALL_FOLDERS - 1)->kind, PM_PFF_DIFF_UNKNOWN);
	expect[SMALL_FOLDERS] = (struct pm_pff_count){.nid = 0x9002};
	d = only_diff(&res, expect, SMALL_FOLDERS + 1);
	assert_int_equal(d->kind, PM_PFF_DIFF_UNSEEN);
	assert_diff_says(d, "folder 0x9002: libpff does not show it");
	pm_pff_result_done(&res);

	/* Given beforehand: in the result at once. */
	opt.n_expect = SMALL_FOLDERS + 1;
	res = prove(SMALL, &opt);
	assert_int_equal(res.n_diffs, 1);
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_REFUTED);
	assert_described(&res, ", 1 differences from what should be there");
	pm_pff_result_done(&res);

	/* What was not listed can't be compared. */
	res = prove_bytes("garbage", 7, &opt);
	assert_int_equal(res.n_diffs, 0);
	pm_pff_result_done(&res);
}

/* --- what a repair asks for ----------------------------------------------------------------- */

static void deed(struct pm_repair *r, enum pm_deed_kind kind, uint64_t key)
{
	struct pm_deed *d = pm_vec_push(r->ctx, &r->deeds);

	assert_non_null(d);
	d->kind = (uint8_t)kind;
	d->key = key;
}

static void casualty(struct pm_repair *r, pm_nid nid, bool lost)
{
	struct pm_casualty *c = pm_vec_push(r->ctx, &r->casualties);

	assert_non_null(c);
	c->nid = nid;
	c->lost = lost;
}

static void test_expect_repair(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_model model = {0};
	struct pm_repair r = {.ctx = &ctx, .model = &model};
	struct pm_pff_options opt = {0};
	struct pm_pff_expect e = {0};
	struct pm_model_folder *f = pm_vec_push(&ctx, &model.folders);

	(void)state;
	assert_non_null(f);
	*f = (struct pm_model_folder){.nid = INBOX, .n_children = 1, .n_messages = 6, .n_assoc = 2};
	deed(&r, PM_DID_NODE_REBUILT, LARGE);
	deed(&r, PM_DID_NODE_TREES, RTF_MESSAGE);
	deed(&r, PM_DID_NODE_REBUILT, RTF_MESSAGE); /* once is enough */
	deed(&r, PM_DID_NODE_TREES, NO_MESSAGE);    /* lost in the end */
	deed(&r, PM_DID_NODE_REBUILT, INBOX);       /* a folder */
	deed(&r, PM_DID_TRAILER, 0x200004);         /* a block */
	casualty(&r, NO_MESSAGE, true);
	casualty(&r, 0x200184, false);
	casualty(&r, LARGE, false);
	assert_int_equal(pm_pff_expect_repair(&r, &e, &opt), PM_OK);
	assert_int_equal(opt.n_expect, 1);
	assert_int_equal(opt.expect[0].nid, INBOX);
	assert_int_equal(opt.expect[0].folders, 1);
	assert_int_equal(opt.expect[0].messages, 6);
	assert_int_equal(opt.expect[0].assoc, 2);
	assert_int_equal(opt.n_must, 2);
	assert_int_equal(opt.must[0], RTF_MESSAGE);
	assert_int_equal(opt.must[1], LARGE);
	assert_int_equal(opt.n_partial, 2);
	assert_int_equal(opt.partial[0], LARGE);
	assert_int_equal(opt.partial[1], 0x200184);
	pm_pff_expect_done(&e);

	/* Of very many, some: the first, the last, in order. */
	for (uint32_t i = 0; i < 10000; i++)
		deed(&r, PM_DID_NODE_TREES, 0x300004 + 32 * i);
	assert_int_equal(pm_pff_expect_repair(&r, &e, &opt), PM_OK);
	assert_int_equal(opt.n_must, PM_PFF_SAMPLE_DEFAULT);
	assert_int_equal(opt.must[0], RTF_MESSAGE);
	assert_int_equal(opt.must[opt.n_must - 1], 0x300004 + 32 * 9999);
	for (size_t i = 1; i < opt.n_must; i++)
		assert_true(opt.must[i - 1] < opt.must[i]);
	pm_pff_expect_done(&e);
	pm_vec_done(&r.deeds);
	pm_vec_done(&r.casualties);
	pm_vec_done(&model.folders);
}

/* --- what can become of the child ----------------------------------------------------------- */

static int hook_signal;

static void die_at_item(const char *doing, uint32_t nid)
{
	if (strcmp(doing, "reading the sender") || nid != LARGE)
		return;
	if (hook_signal)
		raise(hook_signal);
	_exit(3);
}

static void test_crash(void **state)
{
	static const int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGKILL, 0};
	struct pm_pff_options opt = {.mode = PM_PFF_FULL, .hook = die_at_item};
	struct pm_pff_result res;

	(void)state;
	for (size_t i = 0; i < PM_LEN(signals); i++) {
		hook_signal = signals[i];
		res = prove(SMALL, &opt);
		assert_int_equal(res.end, PM_PFF_CRASHED);
		assert_int_equal(res.signal, signals[i]);
		assert_int_equal(res.doing_nid, LARGE);
		assert_string_equal(res.doing, "reading the sender");
		/* What it said before stands. */
		assert_true(res.listed);
		assert_int_equal(res.n_listed, SMALL_ITEMS);
		assert_int_equal(res.n_failures, 1);
		assert_int_equal(pm_pff_verdict(&res), PM_PFF_NO_PROOF);
		if (signals[i] == SIGSEGV)
			assert_described(&res, "crashed (signal 11) while reading the sender "
					       "(node 0x2000a4): 10 folders");
		pm_pff_result_done(&res);
	}
}

static void die_while_listing(const char *doing, uint32_t nid)
{
	if (!strcmp(doing, "listing its messages") && nid == INBOX)
		raise(SIGSEGV);
}

static void test_crash_listing(void **state)
{
	static const struct pm_pff_count expect[] = {{.nid = 0x122, .folders = 3}};
	struct pm_pff_options opt = {
		.mode = PM_PFF_FULL, .hook = die_while_listing, .expect = expect, .n_expect = 1};
	struct pm_pff_result res = prove(SMALL, &opt);

	(void)state;
	assert_int_equal(res.end, PM_PFF_CRASHED);
	assert_false(res.listed);
	assert_int_equal(res.n_diffs, 0); /* half a listing is not compared */
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_NO_PROOF);
	pm_pff_result_done(&res);
}

/* A crash doesn't take back what was found before. */
static void test_crash_refuted(void **state)
{
	static const uint32_t must[] = {LARGE - 0x20, NO_MESSAGE};
	struct pm_pff_options opt = {
		.mode = PM_PFF_FULL, .hook = die_at_item, .must = must, .n_must = 2};
	struct pm_pff_result res;

	(void)state;
	hook_signal = SIGSEGV;
	res = prove(SMALL, &opt);
	assert_int_equal(res.end, PM_PFF_CRASHED);
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_REFUTED);
	pm_pff_result_done(&res);
}

static void sleep_at_item(const char *doing, uint32_t nid)
{
	(void)nid;
	while (!strcmp(doing, "opening it"))
		pause();
}

static void spin_at_item(const char *doing, uint32_t nid)
{
	(void)nid;
	while (!strcmp(doing, "opening it"))
		__asm__ volatile("");
}

static void test_time(void **state)
{
	struct pm_pff_options opt = {.mode = PM_PFF_FULL, .time_s = 1};
	struct pm_pff_result res;

	(void)state;
	for (int i = 0; i < 2; i++) {
		opt.hook = i ? spin_at_item : sleep_at_item;
		res = prove(SMALL, &opt);
		assert_int_equal(res.end, PM_PFF_TIMEOUT);
		assert_true(res.ms >= 1000 && res.ms < 30000);
		assert_true(res.listed);
		assert_string_equal(res.doing, "opening it");
		assert_int_equal(pm_pff_verdict(&res), PM_PFF_NO_PROOF);
		assert_described(&res, "did not finish in time while opening it");
		pm_pff_result_done(&res);
	}
}

static volatile int cancelled;

static void cancel_soon(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	(void)arg, (void)phase, (void)done, (void)total;
	cancelled = 1;
}

static void test_cancel(void **state)
{
	struct pm_ctx ctx = {.cancel = &cancelled, .progress = cancel_soon};
	struct pm_image *img = open_seed(&ctx, SMALL);
	struct pm_pff_options opt = {.mode = PM_PFF_FULL, .hook = sleep_at_item};
	struct pm_pff_result res = {.n_opened = 77};

	(void)state;
	cancelled = 0;
	assert_int_equal(pm_pff_prove(&ctx, img, &opt, &res), PM_ECANCEL);
	assert_int_equal(ctx.rc, PM_ECANCEL);
	assert_int_equal(res.n_opened, 77); /* untouched */
	pm_image_close(img);
}

#ifndef __SANITIZE_ADDRESS__ /* there the address space can't be limited */
/* With any limit: read whole, or no proof; want of memory is no fault of the file. */
static void test_memory(void **state)
{
	struct pm_pff_options opt = {.mode = PM_PFF_FULL};
	struct pm_pff_result res;
	unsigned refused = 0, limited = 0;

	(void)state;
	for (uint64_t memory = 4096; memory < 64u << 20; memory *= 4) {
		opt.memory = memory;
		res = prove(SMALL, &opt);
		assert_int_equal(res.n_failed, 0);
		if (pm_pff_verdict(&res) == PM_PFF_NO_PROOF)
			refused++;
		else if (pm_pff_verdict(&res) == PM_PFF_LIMITED)
			limited++;
		else
			fail();
		pm_pff_result_done(&res);
	}
	assert_true(refused > 0);
	assert_true(limited > 0);
}
#endif

static int hook_fd;

static void write_to_file(const char *doing, uint32_t nid)
{
	(void)nid;
	if (!strcmp(doing, "opening it") && write(hook_fd, "harm", 4) == 4)
		_exit(0);
}

static void test_no_writing(void **state)
{
	char name[] = "t_proof.XXXXXX";
	struct pm_pff_options opt = {.mode = PM_PFF_FULL, .hook = write_to_file};
	struct pm_pff_result res;

	(void)state;
	hook_fd = mkstemp(name);
	assert_true(hook_fd >= 0);
	unlink(name);
	res = prove(SMALL, &opt);
	assert_int_equal(res.end, PM_PFF_CRASHED);
	assert_int_equal(res.signal, SIGXFSZ);
	assert_int_equal(lseek(hook_fd, 0, SEEK_END), 0);
	close(hook_fd);
	pm_pff_result_done(&res);
}

static void shout(const char *doing, uint32_t nid)
{
	(void)nid;
	if (!strcmp(doing, "opening it") && write(STDOUT_FILENO, "Bail out!\n", 10) != 10)
		_exit(4);
}

/* Nothing of the child's is seen, and a program that ignores its children still learns all. */
static void test_quiet(void **state)
{
	struct pm_pff_options opt = {.mode = PM_PFF_FULL, .hook = shout};
	struct sigaction old, ignore = {.sa_handler = SIG_IGN};
	struct pm_pff_result res;

	(void)state;
	sigaction(SIGCHLD, &ignore, &old);
	res = prove(PLAIN, &opt);
	sigaction(SIGCHLD, &old, NULL);
	assert_int_equal(res.end, PM_PFF_DONE);
	assert_int_equal(pm_pff_verdict(&res), PM_PFF_PROVED);
	pm_pff_result_done(&res);
}

static void test_out_of_memory(void **state)
{
	static const struct pm_pff_count expect[] = {{.nid = 0x122, .folders = 3}};
	struct pm_pff_options opt = {.mode = PM_PFF_FULL, .expect = expect, .n_expect = 1};
	enum pm_rc rc = PM_ENOMEM;
	uint64_t n, failed = 0;

	(void)state;
	for (n = 1; n < 200; n++) {
		struct pm_ctx ctx = {0};
		struct pm_image *img = open_seed(&ctx, SMALL);
		struct pm_pff_result res = {0};
		uint64_t before = pm_mem_count();

		pm_mem_fail_at(n);
		rc = pm_pff_prove(&ctx, img, &opt, &res);
		pm_mem_fail_at(0);
		before = pm_mem_count() - before;
		if (rc == PM_OK) { /* it failed in the child, where it is a limit */
			assert_int_equal(res.n_failed, 0);
			pm_pff_result_done(&res);
		} else {
			assert_int_equal(rc, PM_ENOMEM);
			assert_null(res.failures.v);
			failed++;
		}
		pm_image_close(img);
		if (rc == PM_OK && before < n)
			break;
	}
	assert_int_equal(rc, PM_OK);
	assert_true(n < 200);
	assert_true(failed > 3);
}

/* Each limit has a name of its own and says what it is. */
static void test_limits(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; pm_pff_limit_name(i); i++) {
		assert_true(strlen(pm_pff_limit_text(i)) > 10);
		for (k = 0; k < i; k++)
			assert_string_not_equal(pm_pff_limit_name(i), pm_pff_limit_name(k));
	}
	assert_true(i >= 4);
	assert_null(pm_pff_limit_text(i));
}

int main(void)
{
	/* clang-format off */
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_must),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_expect_repair),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_crash_listing),
		cmocka_unit_test(test_crash_refuted),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_no_writing),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_limits),
#ifndef __SANITIZE_ADDRESS__
		cmocka_unit_test(test_memory),
#endif
	};
	/* clang-format on */

	return cmocka_run_group_tests(tests, NULL, NULL);
}
