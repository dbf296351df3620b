/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of files made of names in a data file: safe on every system, told apart whatever the
 * case, the same on every run.
 */
#ifndef PM_EXPORT_NAMES_H
#define PM_EXPORT_NAMES_H

#include "base/bytes.h"
#include "base/map.h"

#define PM_NAME_MAX 100 /* bytes of a name made here, suffixes included */

/*
 * Append `text` as one component of a path, at most `max` bytes: what some system can't have in
 * a name becomes "_", also dots and spaces at the ends; names of devices get a "_" in front;
 * of nothing "_" is made.
 */
void pm_name_safe(struct pm_ctx *ctx, struct pm_buf *out, const void *text, size_t n, size_t max);

/* The names taken in one directory. {0} is an empty set. */
struct pm_name_set {
	struct pm_map taken; /* hashes of names, cases folded */
};

/* A name that is not taken, appended: `name`, else "name_" and so on; it is taken then. */
enum pm_rc pm_name_take(struct pm_ctx *ctx, struct pm_name_set *set, const char *name,
			struct pm_buf *out) PM_MUST_CHECK;
void pm_name_set_done(struct pm_name_set *set);

#endif
