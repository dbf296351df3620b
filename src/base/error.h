/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: why we cannot go on. (Damage in the file is no error; it is recorded as a
 * problem and work goes on.) One sticky error a context, the first one wins; the library
 * never prints and never exits.
 */
#ifndef PM_BASE_ERROR_H
#define PM_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pm_rc {
	PM_OK = 0,
	PM_DAMAGED = 1, /* the value is usable, something about it was wrong */
	PM_LOST = 2,    /* this object is gone, the next one is not */
	PM_NONE = 3,    /* there is no such thing, and nothing is wrong with that */
	PM_EIO = -1,
	PM_ENOMEM = -2,
	PM_ELIMIT = -3,
	PM_EUNSUP = -4,
	PM_EUSAGE = -5,
	PM_ECANCEL = -6,
	PM_EBUG = -7,
	PM_EGONE = -8, /* damaged so that nothing is left to work on */
};

/* Called now and then during long work; `total` 0 when it is not known. */
typedef void (*pm_progress_fn)(void *arg, const char *phase, uint64_t done, uint64_t total);

/* What every operation on one file shares. Not to be used by two threads at once. */
struct pm_ctx {
	enum pm_rc rc;   /* first error, PM_OK while there is none */
	char text[1024]; /* its one-line text, without a final full stop or newline */
	pm_progress_fn progress;
	void *progress_arg;
	const volatile int *cancel;  /* non-zero asks for a stop; may be NULL */
	uint64_t effort, effort_max; /* spent, and where it ends (0: nowhere); pm_spend */
	uint64_t bytes_read, reads;  /* from files on its behalf: bytes, calls */
	unsigned int jobs;           /* threads that may work for it; 0 and 1: none but its own */
	struct pm_stats *stats;      /* where costs go (stats.h); NULL: nobody asked */
};

#define PM_MUST_CHECK   __attribute__((warn_unused_result))
#define PM_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Record an error (the first one stays) and return its code, for `return pm_fail(...)`. */
enum pm_rc pm_fail(struct pm_ctx *ctx, enum pm_rc rc, const char *fmt, ...) PM_PRINTF(3, 4);
enum pm_rc pm_fail_oom(struct pm_ctx *ctx);

/* Report progress and look for a cancel request: PM_OK or PM_ECANCEL (recorded). */
enum pm_rc pm_tick(struct pm_ctx *ctx, const char *phase, uint64_t done, uint64_t total);

/*
 * Structures of a file can refer to each other so that reading them all takes forever, though
 * each is sound by itself: the same tree named a million times, messages that hold each other
 * twice. What follows references says how much it does, a unit being some ten nanoseconds.
 * PM_OK, or PM_ELIMIT (recorded) once it is more than any file of that size is worth.
 */
static inline enum pm_rc pm_spend(struct pm_ctx *ctx, uint64_t units)
{
	ctx->effort += units;
	if (ctx->effort <= ctx->effort_max || !ctx->effort_max)
		return PM_OK;
	return pm_fail(ctx, PM_ELIMIT,
		       "the structures of the file refer to each other so often that reading them "
		       "all would never end; no mail program writes such a file");
}

/* True for codes that mean "stop": the negative ones. */
static inline bool pm_is_error(enum pm_rc rc)
{
	return (int)rc < 0;
}

/* The worse of two results: an error beats damage, the first error stays. */
static inline enum pm_rc pm_worse(enum pm_rc a, enum pm_rc b)
{
	if (pm_is_error(a) || pm_is_error(b))
		return pm_is_error(a) ? a : b;
	if (a == PM_NONE || b == PM_NONE)
		return a == PM_NONE ? b : a;
	return a > b ? a : b;
}

#endif
