/* SPDX-License-Identifier: Apache-2.0 */
/* A failing image for tests; see fault.h. */
#include "io/fault.h"

struct fault_image {
	struct pm_image img; /* first, so that an image pointer is one to this */
	struct pm_image *inner;
	struct pm_rangeset bad;
	uint64_t calls, bad_at, once_at, error_at; /* counted in calls; 0 is off */
	uint64_t end;
	size_t most;
};

static enum pm_rc fault_read_at(struct pm_ctx *ctx, struct pm_image *img, uint64_t off,
				uint8_t *buf, size_t n, size_t *ret_n)
{
	struct fault_image *f = (struct fault_image *)img;
	uint64_t call = ++f->calls;

	*ret_n = 0;
	if (call == f->error_at)
		return pm_fail(ctx, PM_EIO, "%s: a made-up error at offset %llu", img->name,
			       (unsigned long long)off);
	if (call == f->bad_at && pm_rangeset_add(ctx, &f->bad, off, off + n))
		return PM_ENOMEM;
	if (call == f->once_at)
		return PM_DAMAGED;
	if (off >= f->end)
		return PM_OK;
	if (n > f->end - off)
		n = (size_t)(f->end - off);
	if (n > f->most)
		n = f->most;
	if (pm_rangeset_overlaps(&f->bad, off, off + n))
		return PM_DAMAGED;
	*ret_n = n;
	return f->inner->ops->read_at(ctx, f->inner, off, buf, n, ret_n);
}

static void fault_close(struct pm_image *img)
{
	struct fault_image *f = (struct fault_image *)img;

	pm_rangeset_done(&f->bad);
	pm_free(f);
}

static const struct pm_image_ops fault_ops = {fault_read_at, fault_close};

enum pm_rc pm_image_open_fault(struct pm_ctx *ctx, struct pm_image *inner, struct pm_image **ret)
{
	struct fault_image *f = pm_calloc(ctx, 1, sizeof(*f));

	if (!f)
		return PM_ENOMEM;
	f->img.ops = &fault_ops;
	f->img.size = inner->size;
	f->inner = inner;
	f->end = UINT64_MAX;
	f->most = SIZE_MAX;
	f->img.name = pm_strdup(ctx, pm_image_name(inner));
	if (!f->img.name) {
		pm_image_close(&f->img);
		return PM_ENOMEM;
	}
	*ret = &f->img;
	return PM_OK;
}

enum pm_rc pm_fault_bad(struct pm_ctx *ctx, struct pm_image *img, uint64_t off, uint64_t n)
{
	return pm_rangeset_add(ctx, &((struct fault_image *)img)->bad, off, off + n);
}

void pm_fault_bad_at(struct pm_image *img, uint64_t n)
{
	struct fault_image *f = (struct fault_image *)img;

	f->bad_at = n ? f->calls + n : 0;
}

void pm_fault_once_at(struct pm_image *img, uint64_t n)
{
	struct fault_image *f = (struct fault_image *)img;

	f->once_at = n ? f->calls + n : 0;
}

void pm_fault_error_at(struct pm_image *img, uint64_t n)
{
	struct fault_image *f = (struct fault_image *)img;

	f->error_at = n ? f->calls + n : 0;
}

void pm_fault_end(struct pm_image *img, uint64_t end)
{
	((struct fault_image *)img)->end = end;
}

void pm_fault_short(struct pm_image *img, size_t n)
{
	((struct fault_image *)img)->most = n;
}
