/* SPDX-License-Identifier: Apache-2.0 */
/* Libraries loaded late; see late.h. */
#include "base/late.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

void pm_late_load(const char *file, const struct pm_late_call *calls, size_t n,
		  struct pm_late_fault *ret)
{
	void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);

	ret->text[0] = '\0';
	if (!library) {
		snprintf(ret->text, sizeof(ret->text),
			 "a library that this needs can't be loaded (%s); install it", dlerror());
		return;
	}
	for (size_t i = 0; i < n; i++) {
		void *found = dlsym(library, calls[i].name);

		if (!found) {
			snprintf(
				ret->text, sizeof(ret->text),
				"the library %s has no %s, so it is not the one that pstmend was built for",
				file, calls[i].name);
			return;
		}
		/* ISO C has no cast from a pointer to an object to one to a function. */
		memcpy(calls[i].slot, &found, sizeof(found));
	}
}
