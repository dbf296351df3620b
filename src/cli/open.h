/* SPDX-License-Identifier: Apache-2.0 */
/* A file and its analysis, as most commands want them. */
#ifndef PM_CLI_OPEN_H
#define PM_CLI_OPEN_H

#include "cli/cli.h"
#include "recover/analysis.h"

struct pm_opened {
	struct pm_image *img;
	struct pm_analysis *an;
};

/* Open and analyse; an error is on cli->ctx. Closed in every case by pm_opened_close. */
enum pm_rc pm_opened_open(struct pm_cli *cli, const char *file,
			  const struct pm_analysis_options *opts,
			  struct pm_opened *ret) PM_MUST_CHECK;
void pm_opened_close(struct pm_opened *o);

#endif
