/* SPDX-License-Identifier: Apache-2.0 */
/* Radix sort, least significant byte first; bytes that are the same in all keys are skipped. */
#include "base/sort.h"

#include <string.h>

enum { SORT_FEW = 32, SORT_ITEM_MAX = 256 };

static uint64_t key_at(const uint8_t *item, size_t key_off)
{
	uint64_t key;

	memcpy(&key, item + key_off, sizeof(key));
	return key;
}

static bool is_sorted(const uint8_t *v, size_t n, size_t size, size_t key_off)
{
	for (size_t i = 1; i < n; i++) {
		if (key_at(v + (i - 1) * size, key_off) > key_at(v + i * size, key_off))
			return false;
	}
	return true;
}

static void insertion_sort(uint8_t *v, size_t n, size_t size, size_t key_off)
{
	uint8_t tmp[SORT_ITEM_MAX];

	for (size_t i = 1; i < n; i++) {
		uint64_t key = key_at(v + i * size, key_off);
		size_t j = i;

		while (j > 0 && key_at(v + (j - 1) * size, key_off) > key)
			j--;
		if (j == i)
			continue;
		memcpy(tmp, v + i * size, size);
		memmove(v + (j + 1) * size, v + j * size, (i - j) * size);
		memcpy(v + j * size, tmp, size);
	}
}

static void radix_pass(const uint8_t *from, uint8_t *to, size_t n, size_t size, size_t key_off,
		       unsigned int byte, const size_t *count)
{
	size_t pos[256], sum = 0;

	for (size_t d = 0; d < 256; d++) {
		pos[d] = sum;
		sum += count[d];
	}
	for (size_t i = 0; i < n; i++) {
		const uint8_t *item = from + i * size;
		size_t d = key_at(item, key_off) >> (8 * byte) & 0xff;

		memcpy(to + pos[d]++ * size, item, size);
	}
}

static enum pm_rc radix_sort(struct pm_ctx *ctx, void *v, size_t n, size_t size, size_t key_off)
{
	size_t count[8][256] = {{0}};
	uint8_t *from = v, *to, *tmp;

	tmp = to = pm_calloc(ctx, n, size);
	if (!tmp)
		return PM_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint64_t key = key_at(from + i * size, key_off);

		for (unsigned int b = 0; b < 8; b++)
			count[b][key >> (8 * b) & 0xff]++;
	}
	for (unsigned int b = 0; b < 8; b++) {
		uint8_t *swap = from;

		if (count[b][key_at(from, key_off) >> (8 * b) & 0xff] == n)
			continue;
		radix_pass(from, to, n, size, key_off, b, count[b]);
		from = to;
		to = swap;
	}
	if (from != (uint8_t *)v)
		memcpy(v, from, n * size);
	pm_free(tmp);
	return PM_OK;
}

/* Most of what is sorted is in order, or a few properties: these don't pay for the counters. */
enum pm_rc pm_sort_u64(struct pm_ctx *ctx, void *v, size_t n, size_t size, size_t key_off)
{
	if (is_sorted(v, n, size, key_off))
		return PM_OK;
	if (n > SORT_FEW || size > SORT_ITEM_MAX)
		return radix_sort(ctx, v, n, size, key_off);
	insertion_sort(v, n, size, key_off);
	return PM_OK;
}
