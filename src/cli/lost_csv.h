/* SPDX-License-Identifier: Apache-2.0 */
/* repair --lost-csv: the items that are not whole, for a spreadsheet. */
#ifndef PM_CLI_LOST_CSV_H
#define PM_CLI_LOST_CSV_H

#include "io/output.h"
#include "repair/run.h"

/* Write the list to the new file: a line of headings, then a line an item. Errors are those of
 * its context. */
void pm_lost_csv_write(struct pm_ctx *ctx, struct pm_run *run, struct pm_output *out);

#endif
