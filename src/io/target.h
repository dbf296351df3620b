/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that is to be changed where it is: opened for reading and writing, and locked, so
 * that no other program that asks for locks changes it meanwhile.
 */
#ifndef PM_IO_TARGET_H
#define PM_IO_TARGET_H

#include "base/error.h"

#include <sys/stat.h>

struct pm_target {
	int fd;
	char *path;
	char *name; /* path, quoted */
	struct stat st;
};

enum pm_target_flags {
	/* Refuse what leads to the same bytes by another name: a symbolic link, a file with
	 * several names. Beside which of them an undo file belongs, nobody could tell. */
	PM_TARGET_ONE_NAME = 1,
	PM_TARGET_LOOK = 2, /* for reading alone, and not locked */
};

/*
 * Open and lock `path`; nothing of it is changed. PM_EUSAGE for what is no regular file or has
 * several names; PM_EIO where it can't be written to, or another program has a lock on it, or
 * the file system has no locks. `ret` is to be closed in every case.
 */
enum pm_rc pm_target_open(struct pm_ctx *ctx, const char *path, unsigned int flags,
			  struct pm_target *ret) PM_MUST_CHECK;
void pm_target_close(struct pm_target *t); /* the lock goes, too */

/* Fill buf with the n bytes at off; what is past the end is zeros. PM_OK or PM_EIO. */
enum pm_rc pm_target_read(struct pm_ctx *ctx, const struct pm_target *t, uint64_t off, void *buf,
			  size_t n) PM_MUST_CHECK;
enum pm_rc pm_target_size(struct pm_ctx *ctx, const struct pm_target *t,
			  uint64_t *ret) PM_MUST_CHECK;

#endif
