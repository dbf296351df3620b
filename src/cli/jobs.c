/* SPDX-License-Identifier: Apache-2.0 */
/* How many threads work; see jobs.h. */
#include "cli/jobs.h"

#include <sched.h>

enum { MOST = 1024 };

int pm_jobs_check(const struct pm_cli *cli, const struct pm_number *given)
{
	if (given->given && !given->value)
		return pm_cli_usage(cli->cmd, "--jobs 0: one is the least");
	return PM_EXIT_OK;
}

unsigned int pm_jobs(const struct pm_number *given)
{
	cpu_set_t set;
	int n;

	if (given->given)
		return given->value < MOST ? (unsigned int)given->value : MOST;
	/* Not those of the machine: a container or a batch system may allow a few of them. */
	n = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
	return n > 0 ? (unsigned int)n : 1;
}
