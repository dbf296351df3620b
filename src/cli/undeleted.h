/* SPDX-License-Identifier: Apache-2.0 */
/* Deleted mail in reports: each item, and what was left out. */
#ifndef PM_CLI_UNDELETED_H
#define PM_CLI_UNDELETED_H

#include "cli/cli.h"
#include "repair/run.h"

/* In the report of a repair: what came back. */
void pm_print_undeleted(struct pm_cli *cli, const struct pm_run *run);
/* Where they are only read: what there is. With the model built, and pm_deleted_build_aside. */
enum pm_rc pm_print_deleted(struct pm_cli *cli, struct pm_model *model) PM_MUST_CHECK;

#endif
