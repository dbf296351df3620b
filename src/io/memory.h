/* SPDX-License-Identifier: Apache-2.0 */
/* An image over bytes in memory. */
#ifndef PM_IO_MEMORY_H
#define PM_IO_MEMORY_H

#include "io/image.h"

/* The bytes are borrowed: they must outlive the image (and may be changed meanwhile). */
enum pm_rc pm_image_open_memory(struct pm_ctx *ctx, const void *p, size_t n, struct pm_image **ret);

#endif
