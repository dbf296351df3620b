/* SPDX-License-Identifier: Apache-2.0 */
/* An image over a regular file or a block device, opened read-only. */
#ifndef PM_IO_FILE_H
#define PM_IO_FILE_H

#include "io/image.h"

#include <sys/stat.h>

/*
 * Open `path`. The access time is left alone where the system lets us. A directory, a pipe
 * and the like, and an empty file are errors (PM_EUSAGE), so are a missing one and one
 * without permission (PM_EIO); the text names the file and the next step.
 */
enum pm_rc pm_image_open_file(struct pm_ctx *ctx, const char *path, struct pm_image **ret);

/* The open descriptor; -1 when the image is no file. */
int pm_image_file_fd(const struct pm_image *img);

/* What fstat said when the file was opened; NULL when the image is no file. */
const struct stat *pm_image_file_stat(const struct pm_image *img);

/*
 * Is the file still what was opened? NULL if so; else what happened, as the end of a
 * sentence: "its size changed". A replaced name counts as a change. NULL for no file.
 */
const char *pm_image_file_changed(const struct pm_image *img);

/* Does this path lead to the very file of the image (by device and inode)? */
bool pm_image_file_is(const struct pm_image *img, const char *path);

/* True for errno values that mean that the medium or file system lost these bytes. */
bool pm_errno_is_unreadable(int errnum);

#endif
