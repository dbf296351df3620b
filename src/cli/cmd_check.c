/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend check: what is wrong with a file. Writes nothing to it. */
#include "check/check.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/open.h"
#include "report/findings.h"

#include <stddef.h>

struct check_options {
	bool strict, infos, structure, quick;
	struct pm_number jobs;
};

static const struct pm_option options[] = {
	{PM_OPT_FLAG, "strict", 0, NULL, "let warnings make the exit status 4, too",
	 offsetof(struct check_options, strict), NULL},
	{PM_OPT_FLAG, "info", 0, NULL, "list also what is no fault",
	 offsetof(struct check_options, infos), NULL},
	{PM_OPT_FLAG, "structure", 0, NULL, "only header, pages, blocks and nodes, not contents",
	 offsetof(struct check_options, structure), NULL},
	{PM_OPT_FLAG, "quick", 0, NULL, "only trees, allocation maps, folders and their tables",
	 offsetof(struct check_options, quick), NULL},
	PM_JOBS_OPTION(struct check_options, jobs),
	{0},
};

static const struct pm_column quick = {"quick", NULL, PM_AS_BOOL, 0};

static int run(struct pm_cli *cli, const char *file, int argc, char **argv)
{
	const struct check_options *o = cli->options;
	const struct pm_analysis_options how = {.quick = o->quick, .bare = o->quick};
	const struct pm_check_options what = {.structure = o->structure, .quick = o->quick};
	__attribute__((cleanup(pm_opened_close))) struct pm_opened opened;
	struct pm_findings f;
	int bits = PM_EXIT_OK;

	(void)argc;
	(void)argv;
	cli->ctx.jobs = pm_jobs(&o->jobs);
	if (pm_opened_open(cli, file, &how, &opened))
		return PM_EXIT_OK; /* the error is recorded */
	pm_findings_begin(&f, &cli->ctx, cli->out, o->infos);
	if (pm_check(opened.an, &what, &f.sink) == PM_OK)
		pm_findings_end(&f);
	if (o->quick) {
		pm_print_para(cli->out,
			      "Quick: messages were not looked at, and of blocks only those "
			      "of folders and their tables. 'pstmend check' without --quick "
			      "reads all.");
		pm_print_bool(cli->out, &quick, true);
	}
	if (f.sink.severity[PM_SEV_ERROR] || (o->strict && f.sink.severity[PM_SEV_WARNING]))
		bits = PM_EXIT_PROBLEMS;
	pm_findings_done(&f);
	return bits;
}

static int check(const struct pm_cli *cli, int argc, char **argv)
{
	const struct check_options *o = cli->options;

	(void)argc;
	(void)argv;
	return pm_jobs_check(cli, &o->jobs);
}

const struct pm_command pm_cmd_check = {
	.name = "check",
	.args = "FILE...",
	.summary = "Say what is wrong with a file; it is only read",
	.detail =
		"Exit status: 0 no errors (there may be warnings), 4 errors. 'pstmend explain NAME'\n"
		"says what a problem means, what one loses by it and what repair does about it.\n",
	.files = PM_FILES_MANY,
	.min = 1,
	.max = -1,
	.options = options,
	.size = sizeof(struct check_options),
	.check = check,
	.run = run,
};
