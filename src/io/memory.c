/* SPDX-License-Identifier: Apache-2.0 */
/* An image over bytes in memory; see memory.h. */
#include "io/memory.h"

#include <string.h>

struct memory_image {
	struct pm_image img; /* first, so that an image pointer is one to this */
	const uint8_t *p;
};

static enum pm_rc memory_read_at(struct pm_ctx *ctx, struct pm_image *img, uint64_t off,
				 uint8_t *buf, size_t n, size_t *ret_n)
{
	const struct memory_image *m = (const struct memory_image *)img;

	(void)ctx;
	memcpy(buf, m->p + off, n);
	*ret_n = n;
	return PM_OK;
}

static void memory_close(struct pm_image *img)
{
	pm_free(img);
}

static const struct pm_image_ops memory_ops = {memory_read_at, memory_close};

enum pm_rc pm_image_open_memory(struct pm_ctx *ctx, const void *p, size_t n, struct pm_image **ret)
{
	struct memory_image *m = pm_calloc(ctx, 1, sizeof(*m));

	if (!m)
		return PM_ENOMEM;
	m->img.ops = &memory_ops;
	m->img.size = n;
	m->p = p;
	*ret = &m->img;
	return PM_OK;
}
