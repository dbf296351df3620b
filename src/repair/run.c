/* SPDX-License-Identifier: Apache-2.0 */
/* A whole repair, from the source to the proved new file. */
#include "repair/run.h"

#include "base/stats.h"
#include "io/file.h"
#include "io/output.h"
#include "msg/message.h"
#include "repair/commit.h"
#include "repair/pff_expect.h"

#include <stdio.h>

#define CHUNK     ((size_t)1 << 20)
#define FLAWS_MAX 16

static uint64_t count(const struct pm_sink *s, enum pm_severity sev)
{
	return s->severity[sev];
}

/*
 * Errors that a result must not have. The order of a value's blocks is judged by the other values of
 * the file: once those are mended it may look wrong where nothing could be said before.
 */
static uint64_t left(const struct pm_sink *s)
{
	return count(s, PM_SEV_ERROR) - s->n[PM_P_DATA_BLOCK_ORDER];
}

/* Warnings that repair has an answer to. */
static uint64_t mendable(const struct pm_sink *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < PM_P_COUNT; i++)
		if (pm_problem_rows[i].severity == PM_SEV_WARNING &&
		    pm_problem_rows[i].mend != PM_MEND_NONE)
			n += s->n[i];
	return n;
}

/* Who looks at the source meanwhile. */
struct looking {
	struct pm_run *run;
	struct pm_ctx *ctx;
	const struct pm_image *src;
	const struct pm_run_options *opt;
};

/* There will be something to repair: the copy that is to be changed may as well begin. */
static void begin_copy(void *arg)
{
	struct looking *l = arg;
	const struct pm_run_options *opt = l->opt;

	if (!opt->dry_run && !opt->in_place && !opt->compact)
		pm_copying_start(&l->run->copying, l->ctx, l->src, opt->output,
				 opt->force ? PM_OUTPUT_FORCE : 0);
}

static enum pm_rc problem(void *arg, const struct pm_problem *p)
{
	struct looking *l = arg;

	/* Where all has to move nothing is copied as it is. */
	if (pm_problem_rows[p->id].severity == PM_SEV_ERROR && !l->run->an->straight)
		begin_copy(l);
	return PM_OK;
}

static enum pm_rc suspect(void *arg, const struct pm_affected *a)
{
	struct pm_run *run = ((struct looking *)arg)->run;
	struct pm_ctx *ctx = run->an->ctx;
	struct pm_suspect *s;

	if (a->kind == PM_OBJ_NODE || a->state == PM_OBJ_WHOLE)
		return PM_OK;
	s = pm_vec_push(ctx, &run->suspects);
	if (!s)
		return ctx->rc;
	s->nid = a->nid;
	s->kind = a->kind;
	s->lost = a->state == PM_OBJ_LOST;
	if (a->name)
		s->name = pm_arena_strdup(ctx, &run->arena, a->name);
	if (a->detail)
		s->detail = pm_arena_strdup(ctx, &run->arena, a->detail);
	return ctx->rc;
}

/* The properties of a folder or store, by what is assessed of a message's. */
static enum pm_rc judge_own(struct pm_run *run, const struct pm_suspect *s)
{
	struct pm_flaws flaws = {0};
	struct pm_message m;
	enum pm_rc rc = PM_OK;

	/* It is still there, as long as it has a node. */
	if (s->lost)
		return pm_repair_casualty(&run->repair, s->nid, false, s->name,
					  "its own properties are lost");
	rc = pm_message_open_node(&run->an->db, s->nid, 0, &m);
	if (!pm_is_error(rc))
		rc = pm_message_assess(&m, FLAWS_MAX, &flaws);
	for (size_t i = 0; i < flaws.v.n && !pm_is_error(rc); i++)
		rc = pm_repair_casualty(&run->repair, s->nid, false, s->name, "%s",
					flaws.v.v[i].text);
	pm_flaws_done(&flaws);
	pm_message_close(&m);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* What the check doubts is never passed off as whole, whatever the repair makes of it. */
static enum pm_rc list_suspects(struct pm_run *run)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < run->suspects.n && rc == PM_OK; i++) {
		const struct pm_suspect *s = &run->suspects.v[i];

		if (s->kind == PM_OBJ_MESSAGE)
			rc = pm_repair_casualty(&run->repair, s->nid, s->lost, s->name, "%s",
						s->detail ? s->detail : "its structure is damaged");
		else
			rc = judge_own(run, s);
	}
	return rc;
}

static enum pm_rc stages(struct pm_repair *r, const struct pm_run_options *opt)
{
	enum pm_rc rc = pm_repair_bits(r);

	if (rc == PM_OK)
		rc = pm_repair_undelete(r);
	if (rc == PM_OK)
		rc = pm_repair_assess(r);
	if (rc == PM_OK)
		rc = pm_repair_recovered(r);
	if (rc == PM_OK)
		rc = pm_repair_names(r);
	if (rc == PM_OK)
		rc = pm_repair_rows(r);
	if (rc == PM_OK)
		rc = pm_repair_blocks(r);
	if (rc == PM_OK)
		rc = pm_repair_describe(r);
	if (rc == PM_OK)
		rc = pm_repair_objects(r);
	if (rc == PM_OK && opt->synthesize)
		rc = pm_repair_synthesize(r);
	if (rc == PM_OK)
		rc = pm_repair_folders(r);
	if (rc == PM_OK) /* what the later stages found */
		rc = pm_repair_describe(r);
	return rc == PM_OK && opt->mark ? pm_repair_mark(r) : rc;
}

/* The repaired file as it will be, step by step. `as_is`: nothing is to be changed in it. */
static enum pm_rc mend(struct pm_run *run, const struct pm_run_options *opt, bool as_is)
{
	struct pm_repair *r = &run->repair;
	struct pm_ctx *ctx = run->an->ctx;
	enum pm_rc rc = pm_view_new(ctx, run->an->img, &run->view);

	pm_phase(ctx, "mend");
	if (rc)
		return rc;
	run->mended = true;
	rc = pm_repair_begin(r, run->an, &run->model, run->view);
	r->strict = opt->strict;
	r->compact = opt->compact;
	if (rc == PM_OK)
		rc = list_suspects(run);
	if (rc == PM_OK && !as_is)
		rc = stages(r, opt);
	if (rc == PM_OK)
		rc = opt->compact ? pm_repair_compact(r, &run->packed) : pm_repair_finish(r);
	run->size_after = pm_image_size(pm_view_image(r->view));
	return rc;
}

/* Are there blocks both encoded and compressed? */
static bool encoded_zlib(const struct pm_ndb *db)
{
	for (size_t i = 0; i < db->blocks.n && db->crypt != PM_CRYPT_NONE; i++)
		if (db->blocks.v[i].cb != db->blocks.v[i].cb_inflated)
			return true;
	return false;
}

/* Our own check, and libpff, on a finished image. */
static enum pm_rc prove(struct pm_run *run, struct pm_image *img, const struct pm_run_options *opt)
{
	struct pm_ctx *ctx = run->an->ctx;
	const struct pm_analysis_options how = {0};
	const struct pm_check_options what = {0};
	struct pm_pff_options pff = {.mode = opt->verify,
				     .encoded_zlib = encoded_zlib(&run->an->db)};
	struct pm_pff_expect expect = {0};
	struct pm_analysis *an = NULL;
	const char *group = pm_phase_group(ctx, "proof");
	enum pm_rc rc = PM_OK;

	if (opt->self) {
		rc = pm_analysis_open(ctx, img, &how, &an);
		if (rc == PM_OK)
			rc = pm_check(an, &what, &run->left);
		pm_analysis_close(an);
		run->left_errors = left(&run->left);
		run->left_warnings = count(&run->left, PM_SEV_WARNING);
	}
	if (rc == PM_OK && opt->verify != PM_PFF_NONE) {
		pm_phase(ctx, "libpff");
		rc = pm_pff_expect_repair(&run->repair, &expect, &pff);
		if (rc == PM_OK)
			rc = pm_pff_prove(ctx, img, &pff, &run->pff);
		pm_pff_expect_done(&expect);
	}
	pm_phase_group(ctx, group);
	pm_phase(ctx, "end");
	if (rc)
		return rc;
	run->verdict = run->aim;
	if (run->left_errors) {
		run->verdict = PM_VERDICT_UNPROVED;
		snprintf(run->why, sizeof(run->why),
			 "our own check still finds %llu errors in the result",
			 (unsigned long long)run->left_errors);
	} else if (opt->verify != PM_PFF_NONE && pm_pff_verdict(&run->pff) == PM_PFF_REFUTED) {
		struct pm_buf b = {0};

		run->verdict = PM_VERDICT_UNPROVED;
		pm_pff_describe(ctx, &run->pff, &b);
		snprintf(run->why, sizeof(run->why), "%s", pm_buf_cstr(ctx, &b));
		pm_buf_done(&b);
	}
	return ctx->rc;
}

/* All of the view, from the start: for a source whose content is shifted. */
static enum pm_rc write_all(struct pm_ctx *ctx, struct pm_output *out, struct pm_image *img)
{
	uint8_t *buf = pm_calloc(ctx, CHUNK, 1);
	enum pm_rc rc = buf ? PM_OK : ctx->rc;

	for (uint64_t at = 0; at < img->size && rc == PM_OK; at += CHUNK) {
		size_t n = img->size - at < CHUNK ? (size_t)(img->size - at) : CHUNK;

		rc = pm_image_read(ctx, img, at, buf, n);
		if (!pm_is_error(rc))
			rc = pm_output_write(out, at, buf, n);
		if (rc == PM_OK)
			rc = pm_tick(ctx, "write", at, img->size);
	}
	pm_free(buf);
	return rc;
}

/* What the view changes, over a copy of the source. */
static enum pm_rc write_changes(struct pm_ctx *ctx, struct pm_output *out, struct pm_view *view)
{
	struct pm_image *img = pm_view_image(view);
	struct pm_view_extent e;
	uint8_t *buf = pm_calloc(ctx, CHUNK, 1);
	enum pm_rc rc = buf ? PM_OK : ctx->rc;

	for (uint64_t at = 0; rc == PM_OK && pm_view_next(view, at, &e); at = e.end)
		for (uint64_t o = e.start; o < e.end && rc == PM_OK; o += CHUNK) {
			size_t n = e.end - o < CHUNK ? (size_t)(e.end - o) : CHUNK;

			rc = pm_image_read(ctx, img, o, buf, n);
			if (!pm_is_error(rc))
				rc = pm_output_write(out, o, buf, n);
		}
	pm_free(buf);
	return rc;
}

/* `begun`: the output is a copy of so much already. */
static enum pm_rc write_output(struct pm_run *run, struct pm_image *src, struct pm_output *out,
			       bool begun, uint64_t done)
{
	struct pm_ctx *ctx = run->an->ctx;
	enum pm_rc rc = PM_OK;

	if (run->an->straight || run->packed.view) {
		if (begun)
			rc = pm_output_truncate(out, 0);
		return rc ? rc : write_all(ctx, out, pm_view_image(run->repair.view));
	}
	rc = begun ? pm_output_clone_end(out, src, done) : pm_output_clone(out, src);
	if (!pm_is_error(rc))
		rc = write_changes(ctx, out, run->view);
	if (rc == PM_OK)
		rc = pm_output_truncate(out, run->size_after);
	return rc;
}

static enum pm_rc write_and_prove(struct pm_run *run, struct pm_image *src,
				  const struct pm_run_options *opt)
{
	struct pm_ctx *ctx = run->an->ctx;
	struct pm_output *out = NULL;
	struct pm_image *img = NULL;
	const struct stat *st = pm_image_file_stat(src);
	uint64_t done = 0;
	bool begun;
	enum pm_rc rc;

	pm_phase(ctx, "write");
	rc = pm_copying_take(&run->copying, ctx, &out, &done);
	begun = out;
	if (rc == PM_OK && !begun)
		rc = pm_output_create(ctx, opt->output, opt->force ? PM_OUTPUT_FORCE : 0, &out);
	if (rc == PM_OK && st)
		pm_output_set_mode(out, st->st_mode & 0777);
	if (rc == PM_OK)
		rc = write_output(run, src, out, begun, done);
	if (rc == PM_OK)
		rc = pm_output_sync(out);
	if (rc == PM_OK)
		rc = pm_image_open_file(ctx, pm_output_temp_path(out), &img);
	if (rc == PM_OK)
		rc = prove(run, img, opt);
	pm_image_close(img);
	if (rc == PM_OK && pm_image_file_changed(src))
		rc = pm_fail(ctx, PM_EIO,
			     "%s: %s while it was being repaired, nothing was written; close what "
			     "uses it and start again",
			     pm_image_name(src), pm_image_file_changed(src));
	if (rc == PM_OK && (run->verdict == run->aim || opt->keep_unproved)) {
		rc = pm_output_commit(out);
		run->written = rc == PM_OK;
	}
	pm_output_free(out);
	return rc;
}

/* Our own check of the file as it is on the disk now. It has a context of its own: what fails
 * here fails after the commit. */
static enum pm_rc check_written(struct pm_run *run, const char *path, uint64_t *ret_errors)
{
	const struct pm_analysis_options how = {0};
	const struct pm_check_options what = {0};
	struct pm_ctx *ctx = run->an->ctx;
	struct pm_ctx own = {.progress = ctx->progress,
			     .progress_arg = ctx->progress_arg,
			     .cancel = ctx->cancel,
			     .jobs = ctx->jobs};
	struct pm_image *img = NULL;
	struct pm_analysis *an = NULL;
	struct pm_sink sink;
	enum pm_rc rc;

	pm_sink_init(&sink, &own, NULL, NULL);
	rc = pm_image_open_file(&own, path, &img);
	if (rc == PM_OK)
		rc = pm_analysis_open(&own, img, &how, &an);
	if (rc == PM_OK)
		rc = pm_check(an, &what, &sink);
	*ret_errors = left(&sink);
	pm_analysis_close(an);
	pm_image_close(img);
	pm_sink_done(&sink);
	if (rc == PM_ECANCEL)
		return pm_fail(ctx, rc,
			       "cancelled after the repair, while it was checked once more; the "
			       "file is repaired, and 'pstmend undo' takes that back");
	return rc ? pm_fail(ctx, rc,
			    "%s. The file is repaired, but could not be checked once more; "
			    "'pstmend undo' takes the repair back",
			    own.text)
		  : PM_OK;
}

static enum pm_rc change_in_place(struct pm_run *run, struct pm_image *src,
				  const struct pm_run_options *opt)
{
	struct pm_ctx *ctx = run->an->ctx;
	const struct pm_commit c = {.fmt = run->an->db.fmt,
				    .target = opt->in_place,
				    .src = src,
				    .view = run->view,
				    .undo_path = opt->undo_path};
	struct pm_undo undo = {0};
	uint64_t errors = 0;
	enum pm_rc rc = PM_OK;

	if (run->an->straight)
		return pm_fail(ctx, PM_EUNSUP,
			       "%s: all of its content is shifted and has to move, which can't be "
			       "done in place; repair it into a new file with -o",
			       pm_image_name(src));
	rc = pm_commit_possible(ctx, &c);
	if (rc == PM_OK)
		rc = prove(run, pm_view_image(run->view), opt);
	if (rc || opt->dry_run || run->verdict != run->aim)
		return rc;
	rc = pm_commit_write(ctx, &c, &undo);
	if (rc == PM_OK) {
		run->written = true;
		run->undo_size = undo.bytes.n;
		rc = check_written(run, opt->in_place->path, &errors);
	}
	if (rc == PM_OK && errors) {
		rc = pm_commit_take_back(ctx, &c, &undo);
		run->written = rc != PM_OK;
		run->verdict = PM_VERDICT_UNPROVED;
		snprintf(run->why, sizeof(run->why),
			 "the file on the disk has %llu errors that the repair did not have; it "
			 "is again as it was",
			 (unsigned long long)errors);
	}
	pm_undo_done(&undo);
	return rc;
}

enum pm_rc pm_run_repair(struct pm_ctx *ctx, struct pm_image *img, const struct pm_run_options *opt,
			 struct pm_sink *found, struct pm_run *ret)
{
	struct looking looking = {ret, ctx, img, opt};
	const struct pm_analysis_options how = {.broken = begin_copy, .arg = &looking};
	const struct pm_check_options what = {.assess = true};
	static const struct pm_sink_ops ops = {.problem = problem, .affected = suspect};
	bool healthy, undelete;
	enum pm_rc rc;

	*ret = (struct pm_run){.size_before = pm_image_size(img)};
	pm_sink_init(&ret->left, ctx, NULL, NULL);
	if (opt->in_place) {
		const struct pm_commit c = {
			.target = opt->in_place, .src = img, .undo_path = opt->undo_path};

		if (pm_commit_possible(ctx, &c))
			return ctx->rc;
	}
	rc = pm_analysis_open(ctx, img, &how, &ret->an);
	found->ops = &ops;
	found->arg = &looking;
	if (rc == PM_OK)
		rc = pm_check(ret->an, &what, found);
	found->ops = NULL;
	if (rc)
		return rc;
	ret->errors = count(found, PM_SEV_ERROR);
	ret->warnings = count(found, PM_SEV_WARNING);
	healthy = !ret->errors && !(opt->strict && mendable(found));
	if (opt->undelete)
		rc = pm_deleted_find(ret->an);
	undelete = rc == PM_OK && ret->an->deleted && ret->an->deleted->items.n;
	if (rc || (healthy && !opt->compact && !undelete))
		return rc;
	ret->nothing_left = !ret->an->db.nodes.n;
	ret->unindexed = pm_analysis_unindexed(ret->an);
	if (!opt->dry_run && !opt->in_place)
		rc = pm_output_check(ctx, opt->output, opt->force ? PM_OUTPUT_FORCE : 0, img);
	if (rc == PM_OK)
		rc = pm_model_build(ret->an, &ret->model);
	if (rc == PM_OK)
		rc = mend(ret, opt, healthy && !undelete);
	if (rc)
		return rc;
	ret->aim = !healthy   ? PM_VERDICT_REPAIRED
		   : undelete ? PM_VERDICT_UNDELETED
			      : PM_VERDICT_COMPACTED;
	if (opt->in_place)
		return change_in_place(ret, img, opt);
	return opt->dry_run ? prove(ret, pm_view_image(ret->repair.view), opt)
			    : write_and_prove(ret, img, opt);
}

void pm_run_done(struct pm_run *run)
{
	pm_copying_done(&run->copying);
	if (run->mended)
		pm_repair_done(&run->repair);
	pm_model_done(&run->model);
	pm_compact_done(&run->packed);
	pm_view_free(run->view);
	pm_analysis_close(run->an);
	pm_sink_done(&run->left);
	pm_vec_done(&run->suspects);
	pm_arena_done(&run->arena);
	pm_pff_result_done(&run->pff);
}
