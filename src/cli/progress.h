/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress: for a person on a terminal (a line on stderr with percentage, rate and time left,
 * after a delay), or for a program (--progress-fd: a line "PHASE DONE TOTAL" each).
 */
#ifndef PM_CLI_PROGRESS_H
#define PM_CLI_PROGRESS_H

#include "base/error.h"

/* fd -1: for a person, if `show` and stderr is a terminal. */
void pm_progress_start(int fd, bool show);
/* A pm_progress_fn. */
void pm_progress(void *arg, const char *phase, uint64_t done, uint64_t total);
/* Take the line off the terminal: before a message, and at the end of a file. */
void pm_progress_clear(void);

#endif
