/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries that few commands need are loaded when one does. GMime and libical bring some twenty
 * others, which took two thirds of the time that the program needs to start.
 *
 * Who calls such a library keeps what it calls in a table of pointers and goes through that:
 *
 *	#define CALLS(X) X(icalcomponent_new) X(icalcomponent_free)
 *	#define SLOT(function) {#function, &lib.function},
 *	static struct { CALLS(PM_LATE_MEMBER) } lib;
 *	static const struct pm_late_call calls[] = {CALLS(SLOT)};
 *
 * The types are those of the library's own header; the file that is loaded is the one that configure
 * linked a trial program with.
 */
#ifndef PM_BASE_LATE_H
#define PM_BASE_LATE_H

#include <stddef.h>

struct pm_late_call {
	const char *name;
	void *slot; /* of a pointer to the function, or to a variable */
};

#define PM_LATE_MEMBER(name) __typeof__(name) *name;

/* Why a library can't be used, as a sentence for the user; empty: it can. */
struct pm_late_fault {
	char text[256];
};

/*
 * Load `file` (a name as the linker has it), which stays loaded, and set all slots. Without a context,
 * so that it can be called by pthread_once.
 */
void pm_late_load(const char *file, const struct pm_late_call *calls, size_t n,
		  struct pm_late_fault *ret);

#endif
