/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of docs/problems.md, which the build puts into the program. */
#ifndef PM_CLI_EXPLAIN_H
#define PM_CLI_EXPLAIN_H

struct pm_explanation {
	const char *name;
	const char *text; /* lines that end with '\n' */
};

extern const struct pm_explanation pm_explanations[]; /* a row without a name ends them */

#endif
