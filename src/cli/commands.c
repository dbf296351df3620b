/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, in the order of --help. HACKING.md says how to add one. */
#include "cli/commands.h"

/* A line each, so that one more is one line more. */
/* clang-format off */
const struct pm_command *const pm_commands[] = {
	&pm_cmd_check,
	&pm_cmd_repair,
	&pm_cmd_undo,
	&pm_cmd_info,
	&pm_cmd_ls,
	&pm_cmd_export,
	&pm_cmd_dump,
	&pm_cmd_explain,
	&pm_cmd_problems,
	NULL,
};
/* clang-format on */
