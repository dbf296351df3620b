/* SPDX-License-Identifier: Apache-2.0 */
/* Where a command's output goes: standard output, and the file of --report. */
#ifndef PM_CLI_OUTPUT_H
#define PM_CLI_OUTPUT_H

#include "cli/cli.h"

struct pm_output;

struct pm_outputs {
	struct pm_ctx ctx, report_ctx;
	struct pm_writer out;
	struct report_writer {
		struct pm_writer w; /* first */
		struct pm_outputs *of;
	} report;
	struct pm_output *file; /* of the report */
	struct pm_printer *printer;
	bool hung_up; /* whoever read our output has gone */
};

/* The form that the suffix of a report's name says; false: it says none. ret may be NULL. */
bool pm_report_form(const char *name, enum pm_print_form *ret);

/* Set up cli->out. Failure is printed. `many`: documents of several files follow. */
enum pm_rc pm_outputs_open(struct pm_cli *cli, bool many, struct pm_outputs *o);
/* Write the rest and close; the report takes its name unless the work was cancelled. Failure
 * is printed; returns bits of pm_exit. */
int pm_outputs_close(struct pm_outputs *o, int bits);

#endif
