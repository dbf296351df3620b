/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing files: every change that the program makes on a disk goes through these few
 * functions, so that a test can make the n-th one fail, or end the process there.
 *
 * For tests only: the environment variable PM_FAULT_WRITE=N:KIND, read once, acts on the
 * N-th change (1 is the first) of the process. KIND is one of
 *	enospc, eio	it fails with that error, nothing is written
 *	kill		the process is killed before it
 *	torn		the process is killed when half of it is written
 */
#ifndef PM_IO_WRITE_H
#define PM_IO_WRITE_H

#include "base/error.h"

/*
 * `name` is what messages call the file, quoted already (pm_quote). All return PM_OK or a
 * recorded PM_EIO whose text has the file, the offset, the reason and the next step.
 */
enum pm_rc pm_write_at(struct pm_ctx *ctx, int fd, const char *name, uint64_t off, const void *p,
		       size_t n);
enum pm_rc pm_write_truncate(struct pm_ctx *ctx, int fd, const char *name, uint64_t size);
/*
 * Take disk space for [off, off + n) now, so that writing there can't run out of it later.
 * The file grows to off + n. Where the file system can't do it, it grows without.
 */
enum pm_rc pm_write_allocate(struct pm_ctx *ctx, int fd, const char *name, uint64_t off,
			     uint64_t n);
enum pm_rc pm_write_sync(struct pm_ctx *ctx, int fd, const char *name);
enum pm_rc pm_write_sync_dir(struct pm_ctx *ctx, const char *path); /* the directory of path */

/*
 * For a change by another system call (rename, clone): call this before it. 0, or an errno
 * value that the call is to fail with. May not return.
 */
int pm_write_step(void);

/* Record a failed change; off is UINT64_MAX where there is none. Returns PM_EIO. */
enum pm_rc pm_write_fail(struct pm_ctx *ctx, const char *name, const char *doing, uint64_t off,
			 int errnum);

/* Tests: as the variable does, but counted from now; NULL switches it off. False: not understood. */
bool pm_write_fault_set(const char *spec);
uint64_t pm_write_count(void); /* changes so far */

#endif
