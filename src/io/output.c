/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a new file safely; see output.h. */
#include "io/output.h"

#include "base/quote.h"
#include "io/file.h"
#include "io/tempfile.h"
#include "io/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct pm_output {
	struct pm_ctx *ctx;
	char *path, *temp;
	char *name; /* path, quoted */
	int fd, slot;
	unsigned int flags;
	mode_t mode;
	uint64_t size;
	bool exists; /* the temporary file, under its temporary name */
	bool later;  /* nothing is written yet: pm_output_resume begins */
};

enum { COPY_BUFFER = 1 << 20, COPY_CHUNK = 16 << 20 };

static enum pm_rc fail_exists(struct pm_output *out)
{
	return pm_fail(out->ctx, PM_EUSAGE,
		       "%s: it exists already and is left alone; "
		       "choose another name with -o, or replace it with --force",
		       out->name);
}

static enum pm_rc fail_no_dir(struct pm_output *out)
{
	return pm_fail(out->ctx, PM_EIO,
		       "%s: its directory does not exist; create it, "
		       "or choose another place with -o",
		       out->name);
}

/* May a file of this name be made? */
static enum pm_rc check_target(struct pm_output *out)
{
	size_t len = strlen(out->path);
	struct stat st;

	if (len == 0 || out->path[len - 1] == '/')
		return pm_fail(out->ctx, PM_EUSAGE, "%s: this is no file name; give one with -o",
			       out->name);
	if (lstat(out->path, &st)) {
		if (errno == ENAMETOOLONG)
			return pm_write_fail(out->ctx, out->name, "creating it", UINT64_MAX, errno);
		return PM_OK; /* creating will tell what else is wrong */
	}
	if (S_ISREG(st.st_mode))
		return out->flags & PM_OUTPUT_FORCE ? PM_OK : fail_exists(out);
	return pm_fail(out->ctx, PM_EUSAGE,
		       "%s: this is %s, not a file; choose another name with -o", out->name,
		       S_ISDIR(st.st_mode)   ? "a directory"
		       : S_ISLNK(st.st_mode) ? "a symbolic link"
					     : "a device or pipe");
}

/* The temporary name of attempt k; the file's own name is cut where it would get too long. */
static char *temp_name(struct pm_output *out, unsigned int k)
{
	const char *slash = strrchr(out->path, '/');
	size_t dir = slash ? (size_t)(slash - out->path) + 1 : 0;

	if (out->flags & PM_OUTPUT_KEEP)
		return pm_asprintf(out->ctx, "%.*s.%.*s.pstmend-part", (int)dir, out->path,
				   NAME_MAX - 40, out->path + dir);
	return pm_asprintf(out->ctx, "%.*s.%.*s.pstmend-%ld-%u", (int)dir, out->path, NAME_MAX - 40,
			   out->path + dir, (long)getpid(), k);
}

static enum pm_rc fail_create(struct pm_output *out, int errnum)
{
	if (errnum == ENOENT || errnum == ENOTDIR)
		return fail_no_dir(out);
	return pm_write_fail(out->ctx, out->name, "creating it", UINT64_MAX, errnum);
}

enum { TEMP_FLAGS = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW };

/* One that stays when it is not finished, and that the next attempt replaces. */
static enum pm_rc create_kept(struct pm_output *out)
{
	int errnum = pm_write_step();

	out->temp = temp_name(out, 0);
	if (!out->temp)
		return PM_ENOMEM;
	if (!errnum) {
		unlink(out->temp);
		out->fd = open(out->temp, TEMP_FLAGS, 0600);
		errnum = out->fd < 0 ? errno : 0;
	}
	out->exists = !errnum;
	return errnum ? fail_create(out, errnum) : PM_OK;
}

static enum pm_rc create_temp(struct pm_output *out)
{
	int errnum = pm_write_step();

	for (unsigned int k = 0; !errnum && k < 10000; k++) {
		pm_free(out->temp);
		out->temp = temp_name(out, k);
		if (!out->temp)
			return PM_ENOMEM;
		/* Listed first: an interrupt must not come between creating and listing. */
		out->slot = -1;
		if (access(out->temp, F_OK) == 0)
			continue;
		out->slot = pm_tempfile_add(out->temp);
		if (out->slot < 0)
			return pm_fail(out->ctx, PM_ELIMIT, "too many unfinished files at once");
		out->fd = open(out->temp, TEMP_FLAGS, 0600);
		if (out->fd >= 0) {
			out->exists = true;
			return PM_OK;
		}
		errnum = errno == EEXIST ? 0 : errno;
		pm_tempfile_drop(out->slot);
	}
	out->slot = -1;
	return fail_create(out, errnum ? errnum : EEXIST);
}

static enum pm_rc fail_source(struct pm_output *out)
{
	return pm_fail(out->ctx, PM_EUSAGE,
		       "%s: the result would replace the source; "
		       "choose another name with -o, or repair it with --in-place",
		       out->name);
}

/* The directory must be there; whether it can be written to shows when it is. */
static enum pm_rc check_dir(struct pm_output *out)
{
	char *slash = strrchr(out->path, '/');
	struct stat st;
	int failed = 0;

	if (slash && slash > out->path) {
		*slash = '\0';
		failed = stat(out->path, &st) ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
		*slash = '/';
	}
	return failed == ENOENT || failed == ENOTDIR ? fail_no_dir(out) : PM_OK;
}

enum pm_rc pm_output_check(struct pm_ctx *ctx, const char *path, unsigned int flags,
			   const struct pm_image *src)
{
	struct pm_output out = {.ctx = ctx, .flags = flags};
	enum pm_rc rc = PM_ENOMEM;

	out.path = pm_strdup(ctx, path);
	out.name = pm_strdup(ctx, pm_quote(path).s);
	if (out.path && out.name)
		rc = flags & PM_OUTPUT_FORCE && pm_image_file_is(src, path) ? fail_source(&out)
									    : check_target(&out);
	if (!rc)
		rc = check_dir(&out);
	pm_free(out.path);
	pm_free(out.name);
	return rc;
}

enum pm_rc pm_output_create(struct pm_ctx *ctx, const char *path, unsigned int flags,
			    struct pm_output **ret)
{
	struct pm_output *out = pm_calloc(ctx, 1, sizeof(*out));
	enum pm_rc rc;

	if (!out)
		return PM_ENOMEM;
	out->ctx = ctx;
	out->fd = out->slot = -1;
	out->flags = flags;
	out->mode = 0600;
	out->path = pm_strdup(ctx, path);
	out->name = pm_strdup(ctx, pm_quote(path).s);
	rc = out->path && out->name ? PM_OK : PM_ENOMEM;
	out->later = flags & PM_OUTPUT_LATER;
	if (!rc && !out->later)
		rc = check_target(out);
	if (!rc && !out->later)
		rc = flags & PM_OUTPUT_KEEP ? create_kept(out) : create_temp(out);
	if (rc) {
		pm_output_free(out);
		return rc;
	}
	*ret = out;
	return PM_OK;
}

/* It was finished after the moment that is gone back to: it gets its temporary name again. */
static int take_back(struct pm_output *out)
{
	struct stat st;
	int errnum = pm_write_step();

	if (errnum)
		return errnum;
	if (lstat(out->path, &st))
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	return rename(out->path, out->temp) ? errno : 0;
}

enum pm_rc pm_output_resume(struct pm_output *out, uint64_t size)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	struct stat st = {0};
	int errnum = 0;

	out->temp = temp_name(out, 0);
	if (!out->temp)
		return PM_ENOMEM;
	if (access(out->temp, F_OK) != 0)
		errnum = take_back(out);
	if (!errnum) {
		out->fd = open(out->temp, flags);
		errnum = out->fd < 0 || fstat(out->fd, &st) ? errno : 0;
	}
	if (errnum || (uint64_t)st.st_size < size)
		return pm_fail(out->ctx, PM_EIO,
			       "%s: what was written of it before is not there any more (%s); "
			       "begin again with --force",
			       out->name, errnum ? pm_strerror(errnum) : "it is shorter");
	out->later = false;
	out->exists = true;
	return pm_output_truncate(out, size);
}

enum pm_rc pm_output_write(struct pm_output *out, uint64_t off, const void *p, size_t n)
{
	enum pm_rc rc = out->later ? PM_OK : pm_write_at(out->ctx, out->fd, out->name, off, p, n);

	if (!rc && off + n > out->size)
		out->size = off + n;
	return rc;
}

enum pm_rc pm_output_append(struct pm_output *out, const void *p, size_t n)
{
	return pm_output_write(out, out->size, p, n);
}

enum pm_rc pm_output_truncate(struct pm_output *out, uint64_t size)
{
	enum pm_rc rc = pm_write_truncate(out->ctx, out->fd, out->name, size);

	if (!rc)
		out->size = size;
	return rc;
}

enum pm_rc pm_output_sync(struct pm_output *out)
{
	return pm_write_sync(out->ctx, out->fd, out->name);
}

static bool is_out_of_space(int errnum)
{
	return errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;
}

/*
 * Let the kernel copy as much as it can, from the start; *ret_done says how far. What it
 * can't do (other file system, unreadable sector, not a file), the caller does by hand.
 */
static enum pm_rc copy_in_kernel(struct pm_output *out, const struct pm_image *src,
				 uint64_t *ret_done)
{
	int from = pm_image_file_fd(src), errnum;

	while (*ret_done < src->size) {
		off_t in = (off_t)*ret_done, to = in;
		uint64_t left = src->size - *ret_done;
		ssize_t n = -1;

		errnum = pm_write_step();
		if (!errnum) {
			n = copy_file_range(from, &in, out->fd, &to,
					    left < COPY_CHUNK ? (size_t)left : COPY_CHUNK, 0);
			errnum = n < 0 ? errno : 0;
		}
		if (errnum == EINTR)
			continue;
		if (is_out_of_space(errnum))
			return pm_write_fail(out->ctx, out->name, "writing", *ret_done, errnum);
		if (n <= 0)
			return PM_OK;
		/* So that the disk is at work at once, not only when it is waited for. */
		sync_file_range(out->fd, (off_t)*ret_done, n, SYNC_FILE_RANGE_WRITE);
		*ret_done += (uint64_t)n;
		if (pm_tick(out->ctx, "copy", *ret_done, src->size))
			return out->ctx->rc;
	}
	return PM_OK;
}

static enum pm_rc copy_by_hand(struct pm_output *out, struct pm_image *src, uint64_t from)
{
	enum pm_rc worst = PM_OK, rc = PM_OK;
	uint8_t *buf = pm_calloc(out->ctx, 1, COPY_BUFFER);

	if (!buf)
		return PM_ENOMEM;
	while (from < src->size) {
		uint64_t left = src->size - from;
		size_t n = left < COPY_BUFFER ? (size_t)left : COPY_BUFFER;

		rc = pm_image_read(out->ctx, src, from, buf, n);
		worst = pm_worse(worst, rc);
		if (!pm_is_error(rc))
			rc = pm_write_at(out->ctx, out->fd, out->name, from, buf, n);
		if (!pm_is_error(rc))
			rc = pm_tick(out->ctx, "copy", from + n, src->size);
		if (pm_is_error(rc))
			break;
		from += n;
	}
	pm_free(buf);
	return pm_is_error(rc) ? rc : worst;
}

static bool share_blocks(struct pm_output *out, const struct pm_image *src)
{
	/* Any failure means copying instead, where it shows again if it matters. */
	return pm_write_step() == 0 && ioctl(out->fd, FICLONE, pm_image_file_fd(src)) == 0;
}

enum pm_rc pm_output_clone_begin(struct pm_output *out, const struct pm_image *src,
				 uint64_t *ret_done)
{
	enum pm_rc rc;

	*ret_done = 0;
	if (pm_image_file_is(src, out->path))
		return fail_source(out);
	rc = pm_output_truncate(out, 0);
	if (rc || pm_image_file_fd(src) < 0)
		return rc;
	if (!share_blocks(out, src))
		return copy_in_kernel(out, src, ret_done);
	*ret_done = src->size;
	return PM_OK;
}

enum pm_rc pm_output_clone_end(struct pm_output *out, struct pm_image *src, uint64_t done)
{
	enum pm_rc rc = PM_OK, copied = PM_OK;
	struct pm_range bad;

	/* What was found to be unreadable is zeros, and is not tried once more. */
	if (pm_image_next_hole(src, 0, done, &bad))
		done = bad.start;
	if (done < src->size)
		rc = copied = copy_by_hand(out, src, done);
	if (pm_is_error(rc))
		return rc;
	rc = pm_output_truncate(out, src->size); /* the source may have grown meanwhile */
	return rc ? rc : copied;
}

enum pm_rc pm_output_clone(struct pm_output *out, struct pm_image *src)
{
	uint64_t done = 0;
	enum pm_rc rc;

	/* The system would try what is known to be unreadable. */
	if (pm_rangeset_ranges(&src->unreadable))
		rc = pm_image_file_is(src, out->path) ? fail_source(out)
						      : pm_output_truncate(out, 0);
	else
		rc = pm_output_clone_begin(out, src, &done);
	return rc ? rc : pm_output_clone_end(out, src, done);
}

void pm_output_hand_over(struct pm_output *out, struct pm_ctx *ctx)
{
	out->ctx = ctx;
}

void pm_output_set_mode(struct pm_output *out, mode_t mode)
{
	out->mode = mode & 0777;
}

const char *pm_output_temp_path(const struct pm_output *out)
{
	return out->temp;
}

int pm_output_fd(const struct pm_output *out)
{
	return out->fd;
}

uint64_t pm_output_size(const struct pm_output *out)
{
	return out->size;
}

/* For file systems without both hard links and RENAME_NOREPLACE (FAT): claim the name first. */
static int rename_over_placeholder(const struct pm_output *out)
{
	int fd = open(out->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int errnum;

	if (fd < 0)
		return errno;
	close(fd);
	if (rename(out->temp, out->path) == 0)
		return 0;
	errnum = errno;
	unlink(out->path);
	return errnum;
}

/* Give it its name only if that is free. 0 or an errno. */
static int rename_to_free(const struct pm_output *out)
{
	if (renameat2(AT_FDCWD, out->temp, AT_FDCWD, out->path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	if (link(out->temp, out->path) == 0) {
		unlink(out->temp);
		return 0;
	}
	return errno == EEXIST ? EEXIST : rename_over_placeholder(out);
}

static int give_name(const struct pm_output *out)
{
	int errnum = pm_write_step();

	if (errnum)
		return errnum;
	if (!(out->flags & PM_OUTPUT_FORCE))
		return rename_to_free(out);
	return rename(out->temp, out->path) ? errno : 0;
}

enum pm_rc pm_output_commit(struct pm_output *out)
{
	enum pm_rc rc = PM_OK;
	int errnum;

	if (out->later)
		return PM_OK;
	/* FAT has no permissions and says so; the file is no worse for that. */
	if (out->mode != 0600 && fchmod(out->fd, out->mode) && errno != EPERM &&
	    errno != EOPNOTSUPP)
		return pm_write_fail(out->ctx, out->name, "setting its permissions", UINT64_MAX,
				     errno);
	if (!(out->flags & PM_OUTPUT_NOSYNC))
		rc = pm_output_sync(out);
	if (rc)
		return rc;
	errnum = give_name(out);
	if (errnum == EEXIST)
		return fail_exists(out);
	if (errnum)
		return pm_write_fail(out->ctx, out->name, "giving it its name", UINT64_MAX, errnum);
	out->exists = false;
	pm_tempfile_drop(out->slot);
	out->slot = -1;
	return out->flags & PM_OUTPUT_NOSYNC ? PM_OK : pm_write_sync_dir(out->ctx, out->path);
}

void pm_output_free(struct pm_output *out)
{
	if (!out)
		return;
	if (out->exists && !(out->flags & PM_OUTPUT_KEEP))
		unlink(out->temp);
	pm_tempfile_drop(out->slot);
	if (out->fd >= 0)
		close(out->fd);
	pm_free(out->path);
	pm_free(out->temp);
	pm_free(out->name);
	pm_free(out);
}
