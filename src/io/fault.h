/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: an image over another one that fails in chosen ways. */
#ifndef PM_IO_FAULT_H
#define PM_IO_FAULT_H

#include "io/image.h"

/* `inner` is borrowed. Without further calls it passes all reads on. */
enum pm_rc pm_image_open_fault(struct pm_ctx *ctx, struct pm_image *inner, struct pm_image **ret);

/* Bytes [off, off + n) can't be read (like a bad sector: any read that touches them fails). */
enum pm_rc pm_fault_bad(struct pm_ctx *ctx, struct pm_image *img, uint64_t off, uint64_t n);

/* The n-th read of the back end from now (1: the next) fails, and its range stays bad. */
void pm_fault_bad_at(struct pm_image *img, uint64_t n);

/* The n-th read of the back end from now fails like a bad sector, but only this once. */
void pm_fault_once_at(struct pm_image *img, uint64_t n);

/* The n-th read of the back end from now is a real error (PM_EIO), not a bad range. */
void pm_fault_error_at(struct pm_image *img, uint64_t n);

/* The data ends at `end` though the size says more (a file cut short meanwhile). */
void pm_fault_end(struct pm_image *img, uint64_t end);

/* No single read gives more than n bytes. */
void pm_fault_short(struct pm_image *img, size_t n);

#endif
