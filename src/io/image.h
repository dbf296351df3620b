/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image: the bytes of a file as the rest of the program sees them, read-only and at
 * random. Back ends are a file or block device (io/file.h), memory (io/memory.h), a changed
 * file (io/view.h) and a failing one for tests (io/fault.h).
 */
#ifndef PM_IO_IMAGE_H
#define PM_IO_IMAGE_H

#include "base/rangeset.h"

struct pm_image;

/* For back ends. */
struct pm_image_ops {
	/*
	 * Read at most n (> 0) bytes at off; off + n is within the size. Returns
	 *  PM_OK with *ret_n bytes read (0: the data ends here, the size was a promise);
	 *  PM_DAMAGED with *ret_n 0: something in [off, off + n) is unreadable, try less;
	 *  PM_DAMAGED with *ret_n > 0: that much was read, with holes that are filled with
	 *   zeros and recorded already;
	 *  negative: cannot go on (recorded on ctx).
	 */
	enum pm_rc (*read_at)(struct pm_ctx *ctx, struct pm_image *img, uint64_t off, uint8_t *buf,
			      size_t n, size_t *ret_n);
	void (*close)(struct pm_image *img); /* frees img, too */
};

struct pm_image {
	const struct pm_image_ops *ops;
	uint64_t size;
	char *name; /* what messages call it, quoted already; owned */
	/* What could not be read so far, in units of 512 bytes or less. While several threads read:
	 * under the lock of image.c; `holes` is set once there is any. */
	struct pm_rangeset unreadable;
	bool holes;
	/* The back end's work so far: bytes it gave and calls that it took. */
	uint64_t bytes_read, reads;
};

/* For back ends: note that [off, off + n) can't be read. PM_DAMAGED or PM_ENOMEM. */
enum pm_rc pm_image_note_hole(struct pm_ctx *ctx, struct pm_image *img, uint64_t off,
			      uint64_t n) PM_MUST_CHECK;
/* The first range from `at` on that is known to be unreadable and begins before `end`. */
bool pm_image_next_hole(struct pm_image *img, uint64_t at, uint64_t end, struct pm_range *ret);

/*
 * Fill buf with the n bytes at off.
 *  PM_OK       all of it was read.
 *  PM_DAMAGED  part of it is past the end, or unreadable (then recorded in img->unreadable);
 *              that part is filled with zeros.
 *  PM_LOST     all of it is past the end; buf is zeros.
 *  negative    a real error, never a medium error.
 * A failing read is retried in smaller pieces, down to single sectors of 512 bytes; what is
 * known to be unreadable is not tried again. n = 0 is PM_OK anywhere.
 * Several threads may read at once, each with a context of its own.
 */
enum pm_rc pm_image_read(struct pm_ctx *ctx, struct pm_image *img, uint64_t off, void *buf,
			 size_t n) PM_MUST_CHECK;

static inline uint64_t pm_image_size(const struct pm_image *img)
{
	return img->size;
}

static inline const char *pm_image_name(const struct pm_image *img)
{
	return img->name ? img->name : "the image";
}

/* Close and free; NULL is fine. An image on top of others doesn't close those. */
void pm_image_close(struct pm_image *img);

/* For __attribute__((cleanup(pm_image_closep))). */
static inline void pm_image_closep(struct pm_image **img)
{
	pm_image_close(*img);
}

#endif
