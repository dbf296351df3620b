/* SPDX-License-Identifier: Apache-2.0 */
/* Changing files; see write.h. */
#include "io/write.h"

#include "base/mem.h"
#include "base/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum fault_kind { FAULT_NONE, FAULT_ENOSPC, FAULT_EIO, FAULT_KILL, FAULT_TORN };

static struct {
	bool asked; /* the environment was looked at */
	bool bad;   /* and not understood */
	enum fault_kind kind;
	uint64_t at, count;
} fault;

static bool fault_parse(const char *spec, uint64_t *ret_n, enum fault_kind *ret_kind)
{
	static const struct {
		const char *name;
		enum fault_kind kind;
	} kinds[] = {
		{"enospc", FAULT_ENOSPC},
		{"eio", FAULT_EIO},
		{"kill", FAULT_KILL},
		{"torn", FAULT_TORN},
	};
	char *end;
	unsigned long long n = strtoull(spec, &end, 10);

	if (n == 0 || end == spec || *end != ':')
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(end + 1, kinds[i].name) == 0) {
			*ret_n = n;
			*ret_kind = kinds[i].kind;
			return true;
		}
	}
	return false;
}

bool pm_write_fault_set(const char *spec)
{
	fault.asked = true;
	fault.bad = false;
	fault.kind = FAULT_NONE;
	if (!spec)
		return true;
	if (!fault_parse(spec, &fault.at, &fault.kind)) {
		fault.bad = true;
		return false;
	}
	fault.at += fault.count;
	return true;
}

uint64_t pm_write_count(void)
{
	return fault.count;
}

/* Count one change; what is to happen to it. */
static enum fault_kind next_fault(void)
{
	if (!fault.asked)
		pm_write_fault_set(getenv("PM_FAULT_WRITE"));
	/* A copy may be made by a thread. */
	return __atomic_add_fetch(&fault.count, 1, __ATOMIC_RELAXED) == fault.at ? fault.kind
										 : FAULT_NONE;
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	_exit(137);
}

static int fault_errno(enum fault_kind kind)
{
	if (fault.bad)
		return EINVAL;
	return kind == FAULT_ENOSPC ? ENOSPC : kind == FAULT_EIO ? EIO : 0;
}

int pm_write_step(void)
{
	enum fault_kind kind = next_fault();

	if (kind == FAULT_KILL || kind == FAULT_TORN)
		die();
	return fault_errno(kind);
}

static const char *next_step(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return "free some space there, or choose another place for the result";
	case EFBIG:
		return "the file system or a limit (ulimit -f) allows no file that large; choose "
		       "another place, or raise the limit";
	case ENAMETOOLONG:
		return "choose a shorter name";
	case EIO:
		return "the disk may be failing; choose another place for the result";
	case EACCES:
	case EPERM:
	case EROFS:
		return "choose a place that you may write to";
	case EINVAL:
		return fault.bad ? "PM_FAULT_WRITE is not understood; unset it"
				 : "choose another place for the result";
	default:
		return "check the disk and start again";
	}
}

enum pm_rc pm_write_fail(struct pm_ctx *ctx, const char *name, const char *doing, uint64_t off,
			 int errnum)
{
	if (off == UINT64_MAX)
		return pm_fail(ctx, PM_EIO, "%s: %s failed: %s; %s", name, doing,
			       pm_strerror(errnum), next_step(errnum));
	return pm_fail(ctx, PM_EIO, "%s: %s at offset %llu failed: %s; %s", name, doing,
		       (unsigned long long)off, pm_strerror(errnum), next_step(errnum));
}

/* 0 or an errno; *off is how far it came. */
static int write_all(int fd, uint64_t *off, const uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t put = pwrite(fd, p, n, (off_t)*off);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put ? errno : ENOSPC;
		p += put;
		*off += (uint64_t)put;
		n -= (size_t)put;
	}
	return 0;
}

enum pm_rc pm_write_at(struct pm_ctx *ctx, int fd, const char *name, uint64_t off, const void *p,
		       size_t n)
{
	enum fault_kind kind = next_fault();
	int errnum = fault_errno(kind);

	if (kind == FAULT_TORN)
		write_all(fd, &off, p, n / 2);
	if (kind == FAULT_KILL || kind == FAULT_TORN)
		die();
	if (!errnum)
		errnum = write_all(fd, &off, p, n);
	return errnum ? pm_write_fail(ctx, name, "writing", off, errnum) : PM_OK;
}

enum pm_rc pm_write_truncate(struct pm_ctx *ctx, int fd, const char *name, uint64_t size)
{
	int errnum = pm_write_step();

	while (!errnum && ftruncate(fd, (off_t)size))
		errnum = errno == EINTR ? 0 : errno;
	return errnum ? pm_write_fail(ctx, name, "setting the length", size, errnum) : PM_OK;
}

/* Take the space, or at least the length. 0 or an errno. */
static int allocate(int fd, uint64_t off, uint64_t n)
{
	struct stat st;

	while (fallocate(fd, 0, (off_t)off, (off_t)n)) {
		if (errno == EINTR)
			continue;
		if (errno != EOPNOTSUPP && errno != ENOSYS)
			return errno;
		if (fstat(fd, &st))
			return errno;
		if ((uint64_t)st.st_size < off + n && ftruncate(fd, (off_t)(off + n)))
			return errno;
		break;
	}
	return 0;
}

enum pm_rc pm_write_allocate(struct pm_ctx *ctx, int fd, const char *name, uint64_t off, uint64_t n)
{
	int errnum = pm_write_step();

	if (!errnum && n > 0)
		errnum = allocate(fd, off, n);
	return errnum ? pm_write_fail(ctx, name, "taking space", off, errnum) : PM_OK;
}

enum pm_rc pm_write_sync(struct pm_ctx *ctx, int fd, const char *name)
{
	int errnum = pm_write_step();

	/* Not tried again after an error: the kernel forgets failed pages. */
	if (!errnum && fsync(fd))
		errnum = errno;
	return errnum ? pm_write_fail(ctx, name, "bringing it to the disk", UINT64_MAX, errnum)
		      : PM_OK;
}

enum pm_rc pm_write_sync_dir(struct pm_ctx *ctx, const char *path)
{
	int errnum = pm_write_step(), fd;
	const char *slash = strrchr(path, '/');
	char *dir = pm_strdup(ctx, slash ? path : ".");

	if (!dir)
		return PM_ENOMEM;
	if (slash)
		dir[slash == path ? 1 : slash - path] = '\0';
	fd = errnum ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && !errnum)
		errnum = errno;
	/* Some file systems can't sync a directory, and some directories may not be read. */
	if (fd >= 0 && fsync(fd) && errno != EINVAL && errno != ENOSYS)
		errnum = errno;
	if (fd >= 0)
		close(fd);
	else if (errnum == EACCES)
		errnum = 0;
	if (errnum)
		pm_write_fail(ctx, pm_quote(dir).s, "bringing the directory to the disk",
			      UINT64_MAX, errnum);
	pm_free(dir);
	return errnum ? ctx->rc : PM_OK;
}
