/* SPDX-License-Identifier: Apache-2.0 */
/* An image over a file or block device; see file.h. */
#include "io/file.h"

#include "base/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct file_image {
	struct pm_image img; /* first, so that an image pointer is one to this */
	int fd;
	char *path;
	struct stat st;
};

bool pm_errno_is_unreadable(int errnum)
{
	switch (errnum) {
	case EIO:
	case ENODATA: /* what newer kernels say for a medium error */
	case EREMOTEIO:
	case EILSEQ: /* protection information wrong */
	case ETIMEDOUT:
	case EBADMSG: /* XFS: checksum */
	case EUCLEAN: /* file system structure damaged */
		return true;
	default:
		return false;
	}
}

static enum pm_rc file_read_at(struct pm_ctx *ctx, struct pm_image *img, uint64_t off, uint8_t *buf,
			       size_t n, size_t *ret_n)
{
	const struct file_image *f = (const struct file_image *)img;
	ssize_t got;

	do {
		got = pread(f->fd, buf, n, (off_t)off);
	} while (got < 0 && errno == EINTR);
	ctx->reads++;
	if (got >= 0) {
		ctx->bytes_read += (uint64_t)got;
		*ret_n = (size_t)got;
		return PM_OK;
	}
	if (pm_errno_is_unreadable(errno)) {
		*ret_n = 0;
		return PM_DAMAGED;
	}
	return pm_fail(ctx, PM_EIO,
		       "%s: reading at offset %llu failed: %s; "
		       "check the disk or the network and start again",
		       img->name, (unsigned long long)off, pm_strerror(errno));
}

static void file_close(struct pm_image *img)
{
	struct file_image *f = (struct file_image *)img;

	if (f->fd >= 0)
		close(f->fd);
	pm_free(f->path);
	pm_free(f);
}

static const struct pm_image_ops file_ops = {file_read_at, file_close};

static const struct file_image *as_file(const struct pm_image *img)
{
	return img->ops == &file_ops ? (const struct file_image *)img : NULL;
}

static enum pm_rc fail_open(struct pm_ctx *ctx, const char *name, int errnum)
{
	const char *next = "check the name and the disk";

	if (errnum == ENOENT || errnum == ENOTDIR)
		return pm_fail(ctx, PM_EIO, "%s: there is no such file; check the name", name);
	if (errnum == EACCES || errnum == EPERM)
		next = "change its permissions, or run as a user who may read it";
	else if (errnum == EMFILE || errnum == ENFILE)
		next = "close other programs, or raise the limit of open files";
	else if (errnum == EBUSY || errnum == ETXTBSY || errnum == EAGAIN)
		next = "close the program that uses it";
	return pm_fail(ctx, PM_EIO, "%s: cannot open it: %s; %s", name, pm_strerror(errnum), next);
}

/* Nothing but regular files and block devices. */
static enum pm_rc check_kind(struct pm_ctx *ctx, const char *name, mode_t mode)
{
	const char *what = S_ISDIR(mode)    ? "a directory"
			   : S_ISFIFO(mode) ? "a pipe"
			   : S_ISSOCK(mode) ? "a socket"
					    : "a character device";

	if (S_ISREG(mode) || S_ISBLK(mode))
		return PM_OK;
	return pm_fail(ctx, PM_EUSAGE, "%s: this is %s, not a file; name a .pst or .ost file%s",
		       name, what, S_ISDIR(mode) ? " in it" : "");
}

static enum pm_rc device_size(struct pm_ctx *ctx, struct file_image *f)
{
	uint64_t size = 0;
	off_t end;

	if (ioctl(f->fd, BLKGETSIZE64, &size) == 0) {
		f->img.size = size;
		return PM_OK;
	}
	end = lseek(f->fd, 0, SEEK_END);
	if (end < 0)
		return pm_fail(ctx, PM_EIO,
			       "%s: cannot find the size of the device: %s; "
			       "copy it to a file and name that",
			       f->img.name, pm_strerror(errno));
	f->img.size = (uint64_t)end;
	return PM_OK;
}

static enum pm_rc file_open(struct pm_ctx *ctx, struct file_image *f)
{
	/* Without O_NONBLOCK, opening a pipe that took the name just now would hang. */
	const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	const char *name = f->img.name;
	enum pm_rc rc;

	/* Look before opening: opening a device can have effects (a tape rewinds). */
	if (stat(f->path, &f->st))
		return fail_open(ctx, name, errno);
	rc = check_kind(ctx, name, f->st.st_mode);
	if (rc)
		return rc;
	f->fd = open(f->path, flags | O_NOATIME);
	if (f->fd < 0 && errno == EPERM) /* O_NOATIME is for the owner */
		f->fd = open(f->path, flags);
	if (f->fd < 0 || fstat(f->fd, &f->st))
		return fail_open(ctx, name, errno);
	rc = check_kind(ctx, name, f->st.st_mode);
	if (rc)
		return rc;
	f->img.size = (uint64_t)f->st.st_size;
	if (S_ISBLK(f->st.st_mode)) {
		rc = device_size(ctx, f);
		if (rc)
			return rc;
	}
	if (f->img.size == 0)
		return pm_fail(ctx, PM_EUSAGE,
			       "%s: it is empty (0 bytes), there is nothing to read; "
			       "look for another copy of it",
			       name);
	posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return PM_OK;
}

enum pm_rc pm_image_open_file(struct pm_ctx *ctx, const char *path, struct pm_image **ret)
{
	struct file_image *f = pm_calloc(ctx, 1, sizeof(*f));
	enum pm_rc rc;

	if (!f)
		return PM_ENOMEM;
	f->img.ops = &file_ops;
	f->fd = -1;
	f->path = pm_strdup(ctx, path);
	f->img.name = pm_strdup(ctx, pm_quote(path).s);
	rc = f->path && f->img.name ? file_open(ctx, f) : PM_ENOMEM;
	if (rc) {
		pm_image_close(&f->img);
		return rc;
	}
	*ret = &f->img;
	return PM_OK;
}

int pm_image_file_fd(const struct pm_image *img)
{
	const struct file_image *f = as_file(img);

	return f ? f->fd : -1;
}

const struct stat *pm_image_file_stat(const struct pm_image *img)
{
	const struct file_image *f = as_file(img);

	return f ? &f->st : NULL;
}

const char *pm_image_file_changed(const struct pm_image *img)
{
	const struct file_image *f = as_file(img);
	struct stat st;

	if (!f)
		return NULL;
	if (fstat(f->fd, &st))
		return "it can no longer be examined";
	if (st.st_size != f->st.st_size)
		return "its size changed";
	if (st.st_mtim.tv_sec != f->st.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != f->st.st_mtim.tv_nsec)
		return "it was written to";
	if (stat(f->path, &st))
		return "it was moved or deleted";
	if (st.st_dev != f->st.st_dev || st.st_ino != f->st.st_ino)
		return "another file took its name";
	return NULL;
}

bool pm_image_file_is(const struct pm_image *img, const char *path)
{
	const struct file_image *f = as_file(img);
	struct stat st;

	return f && !stat(path, &st) && st.st_dev == f->st.st_dev && st.st_ino == f->st.st_ino;
}
