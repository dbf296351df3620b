/* SPDX-License-Identifier: Apache-2.0 */
/* Repairs in place that stopped on the way: every command says so. */
#ifndef PM_CLI_UNFINISHED_H
#define PM_CLI_UNFINISHED_H

#include "cli/cli.h"

/* Is there an undo file beside `file` whose repair, or undo, did not come to its end? Then say
 * so: a line on stderr, and in the document. */
void pm_unfinished_say(struct pm_cli *cli, const char *file);

#endif
