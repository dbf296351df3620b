/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, each in its own cmd_NAME.c. */
#ifndef PM_CLI_COMMANDS_H
#define PM_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct pm_command pm_cmd_check;
extern const struct pm_command pm_cmd_dump;
extern const struct pm_command pm_cmd_explain;
extern const struct pm_command pm_cmd_export;
extern const struct pm_command pm_cmd_info;
extern const struct pm_command pm_cmd_ls;
extern const struct pm_command pm_cmd_problems;
extern const struct pm_command pm_cmd_repair;
extern const struct pm_command pm_cmd_undo;

#endif
