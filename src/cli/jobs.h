/* SPDX-License-Identifier: Apache-2.0 */
/* --jobs N: how many threads work. The results are the same with any number of them. */
#ifndef PM_CLI_JOBS_H
#define PM_CLI_JOBS_H

#include "cli/cli.h"

/* Its row in a command's table of options; `type` has a struct pm_number `member`. */
#define PM_JOBS_OPTION(type, member)                                                               \
	{                                                                                          \
		PM_OPT_NUMBER, "jobs", 0, "N",                                                     \
			"threads that work; as many as there are processors",                      \
			offsetof(type, member), NULL                                               \
	}

/* PM_EXIT_OK, or PM_EXIT_USAGE with a message. */
int pm_jobs_check(const struct pm_cli *cli, const struct pm_number *given);
/* What was asked for, else the number of processors that we may use; at least 1. */
unsigned int pm_jobs(const struct pm_number *given);

#endif
