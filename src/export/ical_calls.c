/* SPDX-License-Identifier: Apache-2.0 */
/* libical, loaded late; see ical_calls.h. */
#include "export/ical_calls.h"

#include <pthread.h>

#define SLOT(function) {#function, &pm_ical.function},

struct pm_ical_calls pm_ical;

static struct pm_late_fault fault;

static void load(void)
{
	static const struct pm_late_call calls[] = {PM_ICAL_CALLS(SLOT)};

	pm_late_load(PM_ICAL_FILE, calls, sizeof(calls) / sizeof(calls[0]), &fault);
	if (!fault.text[0])
		pm_ical.icalerror_set_errors_are_fatal(0); /* what it can't write is ours to say */
}

enum pm_rc pm_ical_start(struct pm_ctx *ctx)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return fault.text[0] ? pm_fail(ctx, PM_EUNSUP, "%s", fault.text) : PM_OK;
}
