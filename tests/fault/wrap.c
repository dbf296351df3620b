/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the system that fail; see wrap.h. */
#include "wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512
#define BAD    8

static struct {
	enum pm_wrap_kind kind;
	uint64_t n;
	pid_t pid; /* 0: nothing is counted */
	bool full;
	struct pm_wrap_counts counts;
	struct {
		uint64_t off, end;
	} bad[BAD];
	unsigned n_bad;
	struct stat source;
} the;

void pm_wrap_set(enum pm_wrap_kind kind, uint64_t n)
{
	the.kind = kind;
	the.n = n;
	the.pid = getpid();
	the.full = false;
	the.counts = (struct pm_wrap_counts){0};
}

void pm_wrap_bad(uint64_t off, uint64_t n)
{
	if (the.n_bad == BAD)
		return;
	the.bad[the.n_bad].off = off / SECTOR * SECTOR;
	the.bad[the.n_bad++].end = (off + n + SECTOR - 1) / SECTOR * SECTOR;
}

const struct pm_wrap_counts *pm_wrap_counts(void)
{
	return &the.counts;
}

static bool ours(void)
{
	return the.pid && the.pid == getpid();
}

/* ---- reads ---- */

int pm_wrap_source(const char *path)
{
	return stat(path, &the.source);
}

static bool is_source(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == the.source.st_dev &&
	       st.st_ino == the.source.st_ino;
}

/* 0 or the errno of a read. */
static int read_fault(int fd, off_t off, size_t n)
{
	uint64_t from = (uint64_t)off;

	if (!ours())
		return 0;
	if (++the.counts.reads == the.n && the.kind == PM_WRAP_READ_FAIL)
		return ESTALE;
	if (!is_source(fd))
		return 0;
	if (++the.counts.source_reads == the.n && the.kind == PM_WRAP_READ_ONCE)
		return EIO;
	if (the.counts.source_reads == the.n && the.kind == PM_WRAP_READ_BAD)
		pm_wrap_bad(from, 1);
	for (unsigned i = 0; i < the.n_bad; i++)
		if (from < the.bad[i].end && from + n > the.bad[i].off)
			return EIO;
	return 0;
}

ssize_t __real_pread(int fd, void *p, size_t n, off_t off);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off);

ssize_t __wrap_pread(int fd, void *p, size_t n, off_t off)
{
	errno = read_fault(fd, off, n);
	return errno ? -1 : __real_pread(fd, p, n, off);
}

/* ---- changes ---- */

static int fail(int errnum)
{
	errno = errnum;
	return -1;
}

/* Before a change: 0, or the errno that it is to fail with. */
static int before(void)
{
	if (!ours())
		return 0;
	if (++the.counts.changes == the.n && the.kind == PM_WRAP_FULL)
		the.full = true;
	return the.full ? ENOSPC : 0;
}

static void after(void)
{
	if (ours() && the.kind == PM_WRAP_KILL && the.counts.changes == the.n)
		kill(getpid(), SIGKILL);
}

/* How much of a write is done; the errno when nothing is. */
static int write_fault(size_t *n)
{
	bool was_full = the.full, half;
	int errnum = before();

	if (!ours())
		return 0;
	half = ++the.counts.writes == the.n && the.kind == PM_WRAP_SHORT;
	if (errnum && was_full)
		return errnum;
	if (errnum)
		*n = *n / 2;
	else if (half) /* none at all would say that the disk is full */
		*n = (*n + 1) / 2;
	return *n ? 0 : errnum;
}

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t off);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t off);

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t off)
{
	int errnum = write_fault(&n);
	ssize_t put = errnum ? fail(errnum) : __real_pwrite(fd, p, n, off);

	after();
	return put;
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	bool hit = ours() && ++the.counts.prints >= the.n && the.kind == PM_WRAP_PRINT;

	if (hit && (the.counts.prints > the.n || n < 2))
		return fail(ENOSPC);
	return __real_write(fd, p, hit ? n / 2 : n);
}

ssize_t __real_copy_file_range(int in, off_t *off_in, int out, off_t *off_out, size_t n,
			       unsigned int flags);
ssize_t __wrap_copy_file_range(int in, off_t *off_in, int out, off_t *off_out, size_t n,
			       unsigned int flags);

ssize_t __wrap_copy_file_range(int in, off_t *off_in, int out, off_t *off_out, size_t n,
			       unsigned int flags)
{
	int errnum = write_fault(&n);
	ssize_t put =
		errnum ? fail(errnum) : __real_copy_file_range(in, off_in, out, off_out, n, flags);

	after();
	return put;
}

/* A change that is done or not. */
#define CHANGE(type, name, params, args)                                                           \
	type __real_##name params;                                                                 \
	type __wrap_##name params;                                                                 \
	type __wrap_##name params                                                                  \
	{                                                                                          \
		int errnum = before();                                                             \
		type rc = errnum ? fail(errnum) : __real_##name args;                              \
                                                                                                   \
		after();                                                                           \
		return rc;                                                                         \
	}

CHANGE(int, ftruncate, (int fd, off_t size), (fd, size))
CHANGE(int, fallocate, (int fd, int mode, off_t off, off_t n), (fd, mode, off, n))
CHANGE(int, mkdir, (const char *path, mode_t mode), (path, mode))
CHANGE(int, fchmod, (int fd, mode_t mode), (fd, mode))

static int rename_fault(void)
{
	int errnum = before();

	if (ours() && ++the.counts.renames == the.n && the.kind == PM_WRAP_RENAME)
		return EIO;
	return errnum;
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

int __wrap_rename(const char *from, const char *to)
{
	int errnum = rename_fault(), rc = errnum ? fail(errnum) : __real_rename(from, to);

	after();
	return rc;
}

int __real_renameat2(int fd, const char *from, int to_fd, const char *to, unsigned int flags);
int __wrap_renameat2(int fd, const char *from, int to_fd, const char *to, unsigned int flags);

int __wrap_renameat2(int fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
	int errnum = rename_fault();
	int rc = errnum ? fail(errnum) : __real_renameat2(fd, from, to_fd, to, flags);

	after();
	return rc;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
	int errnum = before(), rc;

	if (ours() && ++the.counts.syncs == the.n && the.kind == PM_WRAP_SYNC)
		errnum = EIO;
	rc = errnum ? fail(errnum) : __real_fsync(fd);
	after();
	return rc;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	int errnum, fd;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (!(flags & O_CREAT))
		return __real_open(path, flags);
	errnum = before();
	fd = errnum ? fail(errnum) : __real_open(path, flags, mode);
	after();
	return fd;
}
