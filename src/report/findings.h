/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a check found, printed: each problem as it is found (JSON), then the verdict, the
 * problems by kind with what follows from them folded (text, HTML), the objects that are not
 * whole one by one (all forms), and the counts.
 */
#ifndef PM_REPORT_FINDINGS_H
#define PM_REPORT_FINDINGS_H

#include "check/sink.h"
#include "report/printer.h"

struct pm_findings {
	struct pm_sink sink; /* to be filled by pm_check */
	struct pm_ctx *ctx;
	struct pm_printer *out;
	struct pm_buf text; /* of one problem */
	int stage;
};

/* Begin within a document. `infos`: what is no fault, too. */
void pm_findings_begin(struct pm_findings *f, struct pm_ctx *ctx, struct pm_printer *out,
		       bool infos);
/* The check is over: the verdict and all that is still to be said. */
void pm_findings_end(struct pm_findings *f);
void pm_findings_done(struct pm_findings *f);

#endif
