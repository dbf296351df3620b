/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of images: bounds, unreadable parts, counters. */
#include "io/image.h"

#include <pthread.h>
#include <string.h>

/* Of what is unreadable, in all images: seldom is there any. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

enum { SECTOR = 512, SHRINK = 8 };

/* Bytes from off to the next sector boundary, at most n. */
static size_t to_boundary(uint64_t off, size_t n)
{
	size_t m = SECTOR - (size_t)(off % SECTOR);

	return m < n ? m : n;
}

enum pm_rc pm_image_note_hole(struct pm_ctx *ctx, struct pm_image *img, uint64_t off, uint64_t n)
{
	enum pm_rc rc;

	pthread_mutex_lock(&lock);
	rc = pm_rangeset_add(ctx, &img->unreadable, off, off + n) ? ctx->rc : PM_DAMAGED;
	pthread_mutex_unlock(&lock);
	__atomic_store_n(&img->holes, true, __ATOMIC_RELAXED);
	return rc;
}

bool pm_image_next_hole(struct pm_image *img, uint64_t at, uint64_t end, struct pm_range *ret)
{
	bool found;

	if (!__atomic_load_n(&img->holes, __ATOMIC_RELAXED))
		return false;
	pthread_mutex_lock(&lock);
	found = pm_rangeset_next(&img->unreadable, at, end, ret);
	pthread_mutex_unlock(&lock);
	return found;
}

static enum pm_rc lose(struct pm_ctx *ctx, struct pm_image *img, uint64_t off, uint8_t *buf,
		       size_t n)
{
	memset(buf, 0, n);
	return pm_image_note_hole(ctx, img, off, n);
}

static void count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/*
 * Read [off, off + n), where nothing is known to be bad. Pieces shrink by a factor of eight
 * at a failure and grow again after a success, so that a few bad sectors cost a few failing
 * reads (each may take a disk seconds), not a division of all the rest. No sector is given up
 * that was not tried twice: what fails once can be a loose cable.
 */
static enum pm_rc read_run(struct pm_ctx *ctx, struct pm_image *img, uint64_t off, uint8_t *buf,
			   size_t n)
{
	enum pm_rc worst = PM_OK;
	size_t piece = n;
	bool tried = false; /* and failed, what is to be read now */

	while (n > 0) {
		size_t got = 0, m = piece < n ? piece : n;
		enum pm_rc rc;

		if (m <= SECTOR)
			m = to_boundary(off, m);
		count(&img->reads, 1);
		rc = img->ops->read_at(ctx, img, off, buf, m, &got);
		if (pm_is_error(rc))
			return rc;
		if (rc == PM_OK && got == 0) {
			/* Shorter than its size said; nothing beyond can be had. */
			return lose(ctx, img, off, buf, n);
		}
		if (rc == PM_DAMAGED && got == 0) {
			if (m > SECTOR)
				piece = m / SHRINK > SECTOR ? m / SHRINK / SECTOR * SECTOR : SECTOR;
			if (m > SECTOR || !tried) {
				tried = true;
				continue;
			}
			worst = PM_DAMAGED;
			rc = lose(ctx, img, off, buf, m);
			if (pm_is_error(rc))
				return rc;
			got = m;
		} else {
			count(&img->bytes_read, got);
			worst = pm_worse(worst, rc);
			if (piece < n)
				piece = piece * SHRINK;
		}
		off += got;
		buf += got;
		n -= got;
	}
	return worst;
}

/* Read [off, off + n), all of it inside the image. */
static enum pm_rc read_inside(struct pm_ctx *ctx, struct pm_image *img, uint64_t off, uint8_t *buf,
			      size_t n)
{
	enum pm_rc worst = PM_OK, rc;
	uint64_t end = off + n;
	struct pm_range bad;

	while (off < end) {
		size_t m = (size_t)(end - off);

		if (pm_image_next_hole(img, off, end, &bad)) {
			if (bad.start == off) {
				m = (size_t)(bad.end - bad.start);
				memset(buf, 0, m);
				worst = PM_DAMAGED;
				off += m;
				buf += m;
				continue;
			}
			m = (size_t)(bad.start - off);
		}
		rc = read_run(ctx, img, off, buf, m);
		if (pm_is_error(rc))
			return rc;
		worst = pm_worse(worst, rc);
		off += m;
		buf += m;
	}
	return worst;
}

enum pm_rc pm_image_read(struct pm_ctx *ctx, struct pm_image *img, uint64_t off, void *buf,
			 size_t n)
{
	enum pm_rc rc;
	size_t inside = n;

	if (n == 0)
		return PM_OK;
	if (off >= img->size) {
		memset(buf, 0, n);
		return PM_LOST;
	}
	if (n > img->size - off)
		inside = (size_t)(img->size - off);
	rc = read_inside(ctx, img, off, buf, inside);
	if (pm_is_error(rc) || inside == n)
		return rc;
	memset((uint8_t *)buf + inside, 0, n - inside);
	return PM_DAMAGED;
}

void pm_image_close(struct pm_image *img)
{
	if (!img)
		return;
	pm_rangeset_done(&img->unreadable);
	pm_free(img->name);
	img->ops->close(img);
}
