/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view: an image made of a base image and changes to it. The changes are sorted extents
 * that don't overlap; each is literal bytes (a copy of its own) or a range of the base from
 * another offset. Where there is no extent, the view shows the base at the same offset, and
 * zeros beyond its end. The size is the view's own. This is how a repair looks before
 * anything is written, and what the writer writes.
 */
#ifndef PM_IO_VIEW_H
#define PM_IO_VIEW_H

#include "io/image.h"

struct pm_view;

/*
 * A view without changes, of the base's size. It borrows ctx and base: both must outlive it.
 * Literal bytes beyond the budget go to an unlinked temporary file; the default budget is
 * 64 MiB, the default place $TMPDIR, else /var/tmp.
 */
enum pm_rc pm_view_new(struct pm_ctx *ctx, struct pm_image *base, struct pm_view **ret);

/* Another budget (bytes) and directory (NULL: the default) for literals from now on. */
enum pm_rc pm_view_set_spill(struct pm_view *view, uint64_t budget, const char *dir);

/*
 * Put n bytes (copied) at off. What was put or mapped there earlier is replaced. The view
 * grows when this ends past its size. PM_OK or an error.
 */
enum pm_rc pm_view_put(struct pm_view *view, uint64_t off, const void *p, size_t n);

/*
 * Show at off the n bytes that the base has at src_off (all within the base, else PM_EBUG).
 * Mapping to the same offset undoes changes there.
 */
enum pm_rc pm_view_map(struct pm_view *view, uint64_t off, uint64_t src_off, uint64_t n);

/*
 * Cut or extend. Extents past the new end are dropped. Extending shows again what the base
 * has there, or zeros.
 */
enum pm_rc pm_view_set_size(struct pm_view *view, uint64_t size);

/* The view as an image, of the same life; closing it is freeing the view. */
struct pm_image *pm_view_image(struct pm_view *view);

/* A changed extent, as the writer wants it; its bytes are read through the image. */
struct pm_view_extent {
	uint64_t start, end;
	bool mapped;  /* it is the base's bytes from src on; else it is literal */
	uint64_t src; /* only when mapped */
};

/*
 * The first extent that ends after `from`, cut to begin there; false when there is none:
 *	for (at = 0; pm_view_next(view, at, &e); at = e.end)
 */
bool pm_view_next(const struct pm_view *view, uint64_t from, struct pm_view_extent *ret);

uint64_t pm_view_literal_bytes(const struct pm_view *view); /* in memory and spilled */
void pm_view_free(struct pm_view *view);                    /* NULL is fine */

#endif
