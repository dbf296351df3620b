/* SPDX-License-Identifier: Apache-2.0 */
/* A file and its analysis. */
#include "cli/open.h"

#include "io/file.h"

enum pm_rc pm_opened_open(struct pm_cli *cli, const char *file,
			  const struct pm_analysis_options *opts, struct pm_opened *ret)
{
	enum pm_rc rc;

	*ret = (struct pm_opened){0};
	rc = pm_image_open_file(&cli->ctx, file, &ret->img);
	if (rc)
		return rc;
	return pm_analysis_open(&cli->ctx, ret->img, opts, &ret->an);
}

void pm_opened_close(struct pm_opened *o)
{
	pm_analysis_close(o->an);
	pm_image_close(o->img);
	*o = (struct pm_opened){0};
}
