/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: opening, checking. */
#include "whole.h"

#include "io/memory.h"

bool pm_fuzz_file_open(struct pm_fuzz_file *f, const void *p, size_t n)
{
	const struct pm_analysis_options how = {0};
	enum pm_rc rc;

	*f = (struct pm_fuzz_file){0};
	must(pm_image_open_memory(&f->ctx, p, n, &f->img) == PM_OK);
	rc = pm_analysis_open(&f->ctx, f->img, &how, &f->an);
	must(rc == PM_OK || rc == PM_EUNSUP);
	must(rc == f->ctx.rc);
	return rc == PM_OK;
}

void pm_fuzz_file_close(struct pm_fuzz_file *f)
{
	pm_analysis_close(f->an);
	pm_image_close(f->img);
}

static enum pm_rc show_problem(void *arg, const struct pm_problem *p)
{
	struct pm_ctx ctx = {0};
	struct pm_buf b = {0};

	if (pm_problem_rows[p->id].severity != PM_SEV_INFO) {
		pm_problem_text(&ctx, p, &b);
		fprintf(arg, "%s: %s\n", pm_problem_rows[p->id].name, pm_buf_cstr(&ctx, &b));
		pm_buf_done(&b);
	}
	return PM_OK;
}

uint64_t pm_fuzz_file_check(struct pm_fuzz_file *f, uint64_t *ret_warnings, FILE *show)
{
	const struct pm_sink_ops ops = {.problem = show_problem};
	const struct pm_check_options what = {0};
	struct pm_sink sink;
	uint64_t errors;

	pm_sink_init(&sink, &f->ctx, show ? &ops : NULL, show);
	must(pm_check(f->an, &what, &sink) == PM_OK && f->ctx.rc == PM_OK);
	errors = sink.severity[PM_SEV_ERROR];
	*ret_warnings = sink.severity[PM_SEV_WARNING];
	pm_sink_done(&sink);
	return errors;
}
