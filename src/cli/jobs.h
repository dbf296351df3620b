/* SPDX-License-Identifier: Apache-2.0 */
/* --jobs N: how many threads work. The results are the same with any number of them. */
#ifndef PM_CLI_JOBS_H
#define PM_CLI_JOBS_H

#include "cli/options.h"

/* Its row in a command's table of options; `type` has a struct pm_number `member`. */
#define PM_JOBS_OPTION(type, member)                                                               \
	{                                                                                          \
		PM_OPT_NUMBER, "jobs", 0, "N",                                                     \
			"threads that work; as many as there are processors",                      \
			offsetof(type, member), NULL                                               \
	}

/* What was asked for, else the number of processors that we may use; at least 1. */
unsigned int pm_jobs(const struct pm_number *given);

#endif
