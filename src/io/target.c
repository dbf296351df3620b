/* SPDX-License-Identifier: Apache-2.0 */
/* A file to be changed in place; see target.h. */
#include "io/target.h"

#include "base/mem.h"
#include "base/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static enum pm_rc check_names(struct pm_ctx *ctx, const struct pm_target *t)
{
	struct stat st;

	if (lstat(t->path, &st) == 0 && S_ISLNK(st.st_mode))
		return pm_fail(ctx, PM_EUSAGE,
			       "%s: this is a symbolic link, and the undo file belongs beside the "
			       "file itself; name the file that it leads to",
			       t->name);
	if (t->st.st_nlink > 1)
		return pm_fail(ctx, PM_EUSAGE,
			       "%s: the file has %llu names (hard links), all of which would "
			       "change; repair it into a new file with -o",
			       t->name, (unsigned long long)t->st.st_nlink);
	return PM_OK;
}

static enum pm_rc fail_open(struct pm_ctx *ctx, const struct pm_target *t, int errnum)
{
	const char *next = "check the name and the disk";

	if (errnum == EACCES || errnum == EPERM)
		next = "change its permissions, or run as a user who may write to it";
	else if (errnum == EROFS)
		next = "the file system is mounted read-only; name another place with -o";
	else if (errnum == ETXTBSY || errnum == EBUSY)
		next = "close the program that uses it";
	return pm_fail(ctx, PM_EIO, "%s: cannot open it for writing: %s; %s", t->name,
		       pm_strerror(errnum), next);
}

/* Both kinds of lock: programs ask for one or the other, and some file systems hand them on to
 * other machines only in one form. */
static enum pm_rc lock(struct pm_ctx *ctx, const struct pm_target *t)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int errnum = 0;

	if (flock(t->fd, LOCK_EX | LOCK_NB) || fcntl(t->fd, F_OFD_SETLK, &whole))
		errnum = errno;
	if (!errnum)
		return PM_OK;
	if (errnum == EWOULDBLOCK || errnum == EAGAIN || errnum == EACCES)
		return pm_fail(ctx, PM_EIO,
			       "%s: another program has a lock on it; close that program first",
			       t->name);
	return pm_fail(ctx, PM_EIO,
		       "%s: no lock is to be had on it (%s), so another program could change it "
		       "meanwhile; repair it into a new file with -o",
		       t->name, pm_strerror(errnum));
}

enum pm_rc pm_target_open(struct pm_ctx *ctx, const char *path, unsigned int flags,
			  struct pm_target *ret)
{
	enum pm_rc rc = PM_OK;

	*ret = (struct pm_target){.fd = -1};
	ret->path = pm_strdup(ctx, path);
	ret->name = pm_strdup(ctx, pm_quote(path).s);
	if (!ret->path || !ret->name)
		return PM_ENOMEM;
	/* Looked at before it is opened: a pipe would make opening wait. */
	if (stat(path, &ret->st))
		return fail_open(ctx, ret, errno);
	if (!S_ISREG(ret->st.st_mode))
		return pm_fail(ctx, PM_EUSAGE,
			       "%s: only a regular file can be changed in place; copy it to one",
			       ret->name);
	if (flags & PM_TARGET_ONE_NAME)
		rc = check_names(ctx, ret);
	if (rc)
		return rc;
	ret->fd = open(path, (flags & PM_TARGET_LOOK ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY |
				     O_NONBLOCK);
	if (ret->fd < 0 || fstat(ret->fd, &ret->st))
		return fail_open(ctx, ret, errno);
	return flags & PM_TARGET_LOOK ? PM_OK : lock(ctx, ret);
}

void pm_target_close(struct pm_target *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	pm_free(t->path);
	pm_free(t->name);
	t->path = t->name = NULL;
}

enum pm_rc pm_target_read(struct pm_ctx *ctx, const struct pm_target *t, uint64_t off, void *buf,
			  size_t n)
{
	uint8_t *p = buf;

	while (n > 0) {
		ssize_t got = pread(t->fd, p, n, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return pm_fail(ctx, PM_EIO,
				       "%s: reading at offset %llu failed: %s; "
				       "check the disk",
				       t->name, (unsigned long long)off, pm_strerror(errno));
		if (got == 0) {
			memset(p, 0, n);
			return PM_OK;
		}
		p += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	return PM_OK;
}

enum pm_rc pm_target_size(struct pm_ctx *ctx, const struct pm_target *t, uint64_t *ret)
{
	struct stat st;

	if (fstat(t->fd, &st))
		return pm_fail(ctx, PM_EIO, "%s: it can't be examined: %s; check the disk", t->name,
			       pm_strerror(errno));
	*ret = (uint64_t)st.st_size;
	return PM_OK;
}
