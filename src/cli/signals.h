/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts: the first SIGINT, SIGTERM or SIGHUP asks the work to stop, which then cleans up
 * after itself; the second ends the program at once. Either way no unfinished file stays.
 */
#ifndef PM_CLI_SIGNALS_H
#define PM_CLI_SIGNALS_H

void pm_signals_catch(void);
/* Not 0 once a stop was asked for. */
const volatile int *pm_cancelled(void);
/* End as a program does whose reader has gone: by SIGPIPE. Doesn't return as a rule. */
void pm_signals_hung_up(void);

#endif
