/* SPDX-License-Identifier: Apache-2.0 */
/* The whole export of a small store: what it accounts for, and every failure on the way. */
#include "pm_test.h"

#include "../tools/mk.h"
#include "export/exporter.h"
#include "io/memory.h"
#include "io/write.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

/* One of each that takes a way of its own. */
static const char description[] =
	"format unicode\n"
	"crypt permute\n"
	"store \"Small\"\n"
	"folder \"Inbox\" IPF.Note\n"
	"message \"Gr\xC3\xBC\xC3\x9F"
	"e\"\n"
	"  from \"J\xC3\xB6rg, X\" joerg@example.org\n"
	"  to \"Bob Example\" bob@example.org\n"
	"  to \"Carl Example\" carl@example.org\n"
	"  headers \"From: joerg@example.org\\r\\nTo: Bob <bob@example.org>\\r\\nX: \xC3\xBC\\r\\n\\r\\n\"\n"
	"  text \"Hello.\\r\\n\"\n"
	"  html \"<img src='cid:one@x'>\"\n"
	"  inline \"p.png\" image/png \"one@x\" @3000\n"
	"  attach \"\xC3\x9C.pdf\" application/pdf @20000\n"
	"  embed \"inner\"\n"
	"    from \"Eve\" eve@example.org\n"
	"    rtf \"bold: {\\\\b yes}\"\n"
	"  end\n"
	"folder \"Calendar\" IPF.Appointment\n"
	"message \"A meeting\"\n"
	"  class IPM.Appointment\n"
	"  from \"Ann Example\" ann@example.org\n"
	"  text \"Bring the plans.\\r\\n\"\n"
	"  named public \"Keywords\" 0x101F \"red\" \"green\"\n";

struct file {
	struct pm_buf bytes;
	char dir[32];
};

static size_t unfinished;

static int look(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	unfinished += strstr(path, ".pstmend-") != NULL;
	return 0;
}

static int take_away(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* How many temporary files there are below the directory. */
static size_t leftovers(const char *dir)
{
	unfinished = 0;
	nftw(dir, look, 20, FTW_PHYS);
	return unfinished;
}

static int setup(void **state)
{
	struct file *f = calloc(1, sizeof(*f)); /* lint: calloc */
	struct pm_ctx ctx = {0};
	struct pm_mk mk = {.ctx = &ctx};

	assert_non_null(f);
	assert_int_equal(pm_mk_parse(&mk, "description", description), PM_OK);
	assert_int_equal(pm_mk_write(&mk, &f->bytes), PM_OK);
	pm_mk_done(&mk);
	memcpy(f->dir, "/tmp/pm-t-export-XXXXXX", 24);
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct file *f = *state;

	pm_write_fault_set(NULL);
	nftw(f->dir, take_away, 20, FTW_DEPTH | FTW_PHYS);
	pm_buf_done(&f->bytes);
	free(f); /* lint: free */
	return 0;
}

/* What a run ended with, and its sums. */
struct result {
	enum pm_rc rc;
	uint64_t expected, whole, partial, lost, skipped;
	size_t folders;
};

static struct result export_how(struct pm_ctx *ctx, const struct file *f,
				const struct pm_exporter_ops *form, enum pm_outdir_how how)
{
	const struct pm_analysis_options ao = {0};
	const struct pm_export_options eo = {.form = form, .dir = f->dir, .how = how, .mark = true};
	struct pm_image *img = NULL;
	struct pm_analysis *an = NULL;
	struct pm_model model = {0};
	struct pm_export ex = {0};
	struct result r = {0};

	r.rc = pm_image_open_memory(ctx, f->bytes.p, f->bytes.n, &img);
	if (!r.rc)
		r.rc = pm_analysis_open(ctx, img, &ao, &an);
	if (!r.rc)
		r.rc = pm_model_build(an, &model);
	if (!r.rc) {
		r.rc = pm_export_run(an, &model, &eo, &ex);
		r.expected = ex.total.expected;
		r.whole = ex.total.whole;
		r.partial = ex.total.partial;
		r.lost = ex.total.lost;
		r.skipped = ex.total.skipped;
		r.folders = ex.folders.n;
		pm_export_close(&ex);
	}
	pm_model_done(&model);
	pm_analysis_close(an);
	pm_image_close(img);
	return r;
}

static struct result export_to(struct pm_ctx *ctx, const struct file *f,
			       const struct pm_exporter_ops *form)
{
	return export_how(ctx, f, form, PM_OUTDIR_FORCE);
}

/* What was not finished and has a journal goes on, and leaves nothing behind. */
static void go_on(const struct file *f, const struct pm_exporter_ops *form)
{
	struct pm_ctx ctx = {0};
	struct result r;

	if (!pm_journal_exists(&ctx, f->dir))
		return;
	r = export_how(&ctx, f, form, PM_OUTDIR_RESUME);
	assert_int_equal(r.rc, PM_OK);
	assert_int_equal(r.whole, 2);
	assert_int_equal(leftovers(f->dir), 0);
}

static void test_sums(void **state)
{
	for (size_t i = 0; pm_export_forms[i]; i++) {
		struct pm_ctx ctx = {0};
		struct result r = export_to(&ctx, *state, pm_export_forms[i]);

		assert_int_equal(r.rc, PM_OK);
		/* What a form doesn't take is left out. */
		assert_int_equal(r.expected + r.skipped, 2);
		assert_int_equal(r.skipped != 0,
				 pm_export_forms[i]->takes || pm_export_forms[i]->only_attachments);
		assert_int_equal(r.whole, r.expected);
		assert_int_equal(r.partial, 0);
		assert_int_equal(r.lost, 0);
		assert_int_equal(r.folders, 4);
	}
}

/* Whichever request for memory fails, the export says so, can go on, and nothing leaks. */
static void test_no_memory(void **state)
{
	uint64_t before = pm_mem_count(), requests, step;
	struct pm_ctx first = {0};

	assert_int_equal(export_to(&first, *state, &pm_exporter_mbox).rc, PM_OK);
	requests = pm_mem_count() - before;
	assert_true(requests > 500);
	step = requests / 400 + 1;
	for (uint64_t k = 1; k <= requests; k += step) {
		struct pm_ctx ctx = {0};
		struct result r;

		pm_mem_fail_at(k);
		r = export_to(&ctx, *state, &pm_exporter_mbox);
		pm_mem_fail_at(0);
		assert_int_equal(r.rc, PM_ENOMEM);
		assert_int_equal(ctx.rc, PM_ENOMEM);
		go_on(*state, &pm_exporter_mbox);
	}
}

/* Whichever change of the disk fails, the export says so, and can go on. */
static void test_no_space(void **state)
{
	uint64_t before = pm_write_count(), changes;
	struct pm_ctx first = {0};

	assert_int_equal(export_to(&first, *state, &pm_exporter_eml).rc, PM_OK);
	changes = pm_write_count() - before;
	assert_true(changes > 10);
	for (uint64_t k = 1; k <= changes; k++) {
		struct pm_ctx ctx = {0};
		struct result r;
		char fault[40];

		snprintf(fault, sizeof(fault), "%llu:enospc", (unsigned long long)k);
		assert_true(pm_write_fault_set(fault));
		r = export_to(&ctx, *state, &pm_exporter_eml);
		pm_write_fault_set(NULL);
		assert_int_equal(r.rc, PM_EIO);
		assert_non_null(strstr(ctx.text, "space"));
		go_on(*state, &pm_exporter_eml);
	}
}

static volatile int cancelled;

static void on_progress(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	(void)arg;
	(void)total;
	if (strcmp(phase, "export") == 0 && done == 1)
		cancelled = 1;
}

/* Cancelled in the middle: no map, and it can go on. */
static void test_cancel(void **state)
{
	struct pm_ctx ctx = {.progress = on_progress, .cancel = &cancelled};
	struct file *f = *state;
	struct result r;
	char map[64];

	cancelled = 0;
	r = export_to(&ctx, f, &pm_exporter_eml);
	cancelled = 0;
	assert_int_equal(r.rc, PM_ECANCEL);
	snprintf(map, sizeof(map), "%s/" PM_EXPORT_MAP, f->dir);
	assert_int_equal(access(map, F_OK), -1);
	assert_true(pm_journal_exists(&ctx, f->dir));
	go_on(f, &pm_exporter_eml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sums, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_space, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
