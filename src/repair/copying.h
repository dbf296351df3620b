/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copy that a repair into a new file begins with, made by a thread while the source is still
 * looked at: what the disk takes is then mostly over when the changes are known.
 */
#ifndef PM_REPAIR_COPYING_H
#define PM_REPAIR_COPYING_H

#include "io/output.h"

#include <pthread.h>

struct pm_copying {
	struct pm_ctx ctx; /* of the thread; the output's until it is taken */
	volatile int stop;
	const volatile int *cancel; /* of whoever repairs */
	struct pm_output *out;      /* NULL: nothing was begun */
	const struct pm_image *src;
	pthread_t thread;
	bool tried, running;
	uint64_t done; /* bytes */
};

/*
 * Begin to copy src under the temporary name of `path`, unless that was tried before or ctx may not
 * use threads. What goes wrong comes up again, or is told, when the output is taken.
 */
void pm_copying_start(struct pm_copying *c, struct pm_ctx *ctx, const struct pm_image *src,
		      const char *path, unsigned int flags);

/* Wait for the thread. *ret is the output, NULL when there is none; *ret_done for
 * pm_output_clone_end. An error is recorded on ctx. */
enum pm_rc pm_copying_take(struct pm_copying *c, struct pm_ctx *ctx, struct pm_output **ret,
			   uint64_t *ret_done) PM_MUST_CHECK;

/* Nobody needs it any more: leaves nothing behind. */
void pm_copying_done(struct pm_copying *c);

#endif
