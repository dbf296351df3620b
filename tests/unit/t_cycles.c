/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders that lie in each other, by their nodes' parents, by the rows of hierarchy tables, or
 * both: the model is a tree all the same, and check, repair and export do about as much as for
 * the sound file. (A subtree within the recovery folder, which is in the subtree, once made
 * export write paths without end.)
 */
#include "pm_test.h"

#include "../tools/recipe.h"
#include "export/exporter.h"
#include "io/memory.h"
#include "repair/run.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

/* The folders of the seed that is used, and one that it has not. */
static const pm_nid nids[] = {0x122, 0x8022, 0x8062, 0x8082, 0x9992};

/* Each folder lies in another, by rows: the subtree in the one that is in it. */
static const char rows[] = "seed tiny-unicode\n"
			   "add-row node[0x808D] 0x8022\n"
			   "add-row node[0x806D] 0x8082\n"
			   "drop-row node[0x12D] 0x8022\n"
			   "drop-row node[0x802D] 0x8082\n";

struct file {
	struct pm_ctx ctx;
	struct pm_whole w;
	uint64_t effort; /* that the analysis and the model of the sound file take */
};

static void open_seed(struct file *f, const char *recipe)
{
	const char *top = getenv("top_builddir");
	char path[4096];

	*f = (struct file){0};
	snprintf(path, sizeof(path), "%s/testdata/seeds/tiny-unicode.pst", top ? top : ".");
	if (access(path, R_OK)) {
		print_message("# %s is missing: make seeds\n", path);
		skip();
	}
	assert_int_equal(pm_whole_open(&f->ctx, path, &f->w), PM_OK);
	if (recipe && pm_recipe_run(&f->w, "recipe", recipe))
		fail_msg("%s", f->ctx.text);
}

/* --- the model --------------------------------------------------------------------------- */

/* From every folder up is the root, and every folder is once among the children of its own. */
static void assert_tree(const struct pm_model *m)
{
	size_t listed = 0;

	for (uint32_t i = 0; i < m->folders.n; i++) {
		const struct pm_model_folder *f = &m->folders.v[i];
		uint32_t up = i;

		for (size_t n = 0; up != m->root && n <= m->folders.n; n++)
			up = m->folders.v[up].parent;
		assert_int_equal(up, m->root);
		for (uint32_t k = 0; k < f->n_children; k++)
			assert_int_equal(m->folders.v[m->children.v[f->children + k]].parent, i);
		listed += f->n_children;
	}
	assert_int_equal(listed, m->folders.n - 1);
}

static void set_parent(struct pm_analysis *an, pm_nid nid, pm_nid parent)
{
	for (size_t i = 0; i < an->db.nodes.n; i++)
		if (an->db.nodes.v[i].nid == nid)
			an->db.nodes.v[i].parent = parent;
}

/* Every way in which three folders can lie in each other. */
static void every_way(const char *recipe)
{
	static const struct pm_analysis_options how = {0};
	enum { N = PM_LEN(nids) };
	struct file f;

	open_seed(&f, recipe);
	for (unsigned way = 0; way < N * N * N; way++) {
		struct pm_ctx ctx = {0};
		struct pm_analysis *an = NULL;
		struct pm_model m = {0};
		struct pm_image *img;

		assert_int_equal(pm_image_open_memory(&ctx, f.w.p, f.w.n, &img), PM_OK);
		assert_int_equal(pm_analysis_open(&ctx, img, &how, &an), PM_OK);
		set_parent(an, nids[1], nids[way % N]);
		set_parent(an, nids[2], nids[way / N % N]);
		set_parent(an, nids[3], nids[way / N / N]);
		assert_int_equal(pm_model_build(an, &m), PM_OK);
		assert_tree(&m);
		if (f.effort)
			assert_in_range(ctx.effort, 0, 3 * f.effort);
		else
			f.effort = ctx.effort;
		pm_model_done(&m);
		pm_analysis_close(an);
		pm_image_close(img);
	}
	pm_whole_close(&f.w);
}

static void test_parents(void **state)
{
	(void)state;
	every_way(NULL);
}

static void test_parents_and_rows(void **state)
{
	(void)state;
	every_way(rows);
}

/* --- what works with it ------------------------------------------------------------------ */

static int take_away(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

struct result {
	enum pm_rc rc;
	uint64_t effort, whole;
};

/* With an end far beyond what the sound file takes, so that a walk without one fails here. */
static void limit(struct pm_ctx *ctx, uint64_t effort)
{
	if (effort)
		ctx->effort_max = ctx->effort + 20 * effort;
}

static struct result export(const struct file *f, uint64_t effort)
{
	static const struct pm_analysis_options how = {0};
	char dir[] = "/tmp/pm-t-cycles-XXXXXX";
	const struct pm_export_options opts = {.form = &pm_exporter_eml, .dir = dir};
	struct pm_ctx ctx = {0};
	struct pm_analysis *an = NULL;
	struct pm_model m = {0};
	struct pm_export ex = {0};
	struct pm_image *img;
	struct result r = {0};

	assert_non_null(mkdtemp(dir));
	assert_int_equal(pm_image_open_memory(&ctx, f->w.p, f->w.n, &img), PM_OK);
	assert_int_equal(pm_analysis_open(&ctx, img, &how, &an), PM_OK);
	limit(&ctx, effort);
	r.rc = pm_model_build(an, &m);
	if (r.rc == PM_OK) {
		assert_tree(&m);
		r.rc = pm_export_run(an, &m, &opts, &ex);
		r.whole = ex.total.whole;
		pm_export_close(&ex);
	}
	r.effort = ctx.effort;
	pm_model_done(&m);
	pm_analysis_close(an);
	pm_image_close(img);
	nftw(dir, take_away, 20, FTW_DEPTH | FTW_PHYS);
	return r;
}

static struct result repair(const struct file *f)
{
	static const struct pm_run_options opts = {.dry_run = true, .self = true};
	struct pm_ctx ctx = {0};
	struct pm_image *img;
	struct pm_sink found;
	struct pm_run run;
	struct result r = {0};

	assert_int_equal(pm_image_open_memory(&ctx, f->w.p, f->w.n, &img), PM_OK);
	pm_sink_init(&found, &ctx, NULL, NULL);
	r.rc = pm_run_repair(&ctx, img, &opts, &found, &run);
	assert_int_equal(run.left_errors, 0);
	assert_int_equal(run.repair.casualties.n, 0);
	r.effort = ctx.effort;
	pm_run_done(&run);
	pm_sink_done(&found);
	pm_image_close(img);
	return r;
}

static const char *const tangles[] = {
	/* two in each other */
	"seed tiny-unicode\nset-node 0x8022 parent 0x8082\n",
	/* a ring */
	"seed tiny-unicode\nset-node 0x8022 parent 0x8062\nset-node 0x8062 parent 0x8082\n"
	"set-node 0x8082 parent 0x8022\n",
	/* the subtree in itself, the rest lost */
	"seed tiny-unicode\nset-node 0x8022 parent 0x8022\nset-node 0x8082 parent 0x9992\n",
};

static void test_work(void **state)
{
	struct result sound, mended;
	struct file f;

	(void)state;
	open_seed(&f, NULL);
	sound = export(&f, 0);
	mended = repair(&f);
	assert_int_equal(sound.rc, PM_OK);
	assert_int_equal(sound.whole, 2);
	pm_whole_close(&f.w);
	for (unsigned i = 0; i < 2 * PM_LEN(tangles); i++) {
		char recipe[1024];
		struct result r;

		/* Rows first: they need a file whose trees are sound. */
		snprintf(recipe, sizeof(recipe), "%s%s", i & 1 ? rows : "", tangles[i / 2]);
		open_seed(&f, recipe);
		r = export(&f, sound.effort);
		assert_int_equal(r.rc, PM_OK);
		assert_int_equal(r.whole, 2);
		assert_in_range(r.effort, 1, 3 * sound.effort);
		r = repair(&f);
		assert_int_equal(r.rc, PM_OK);
		/* The sound file is only checked, this one is mended and checked again. */
		assert_in_range(r.effort, 1, 20 * mended.effort);
		pm_whole_close(&f.w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parents),
		cmocka_unit_test(test_parents_and_rows),
		cmocka_unit_test(test_work),
	};

	return cmocka_run_group_tests_name("cycles", tests, NULL, NULL);
}
