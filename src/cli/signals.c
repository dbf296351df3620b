/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts; see signals.h. */
#include "cli/signals.h"

#include "io/tempfile.h"

#include <signal.h>
#include <stddef.h>

_Static_assert(sizeof(sig_atomic_t) == sizeof(int), "the library looks at an int");
static volatile int cancelled;

static void stop(int sig)
{
	if (!cancelled) {
		cancelled = sig;
		return;
	}
	pm_tempfile_unlink_all();
	signal(sig, SIG_DFL);
	raise(sig);
}

void pm_signals_catch(void)
{
	static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction sa = {.sa_handler = stop}, was;

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		/* Ignored from the start (nohup, a background job) stays ignored. */
		if (!sigaction(caught[i], NULL, &was) && was.sa_handler != SIG_IGN)
			sigaction(caught[i], &sa, NULL);
	/* A reader that has gone, and a file beyond the user's limit, is a failed write, after
	 * which we clean up. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

const volatile int *pm_cancelled(void)
{
	return &cancelled;
}

void pm_signals_hung_up(void)
{
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}
