/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a directory, or in a file: names, kinds, lengths, digests. */
#ifndef PM_FAULT_SNAPSHOT_H
#define PM_FAULT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct pm_snap_entry {
	char *path; /* relative; "" is the file itself */
	bool dir;
	uint64_t size, digest;
	struct timespec time; /* of the last change */
};

struct pm_snap {
	struct pm_snap_entry *v;
	size_t n, cap;
};

/* 0, or -1 and errno. A directory that is not there is an empty one. */
int pm_snap_take(const char *path, struct pm_snap *ret);
void pm_snap_done(struct pm_snap *s);
/* Take away all that is in the directory; make it if it is not there. 0, or -1 and errno. */
int pm_snap_empty(const char *dir);

/* The path of the first entry of `a` that `b` has not, or has with other content; NULL: none.
 * Temporary names and report.json are passed over. */
const char *pm_snap_extra(const struct pm_snap *a, const struct pm_snap *b);
/* The path of the first entry with a temporary name (io/output.h); NULL: none. */
const char *pm_snap_temporary(const struct pm_snap *s);
bool pm_snap_same_time(const struct pm_snap *a, const struct pm_snap *b);

#endif
