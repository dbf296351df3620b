/* SPDX-License-Identifier: Apache-2.0 */
/* Radix sort, least significant byte first; bytes that are the same in all keys are skipped. Many plain
 * numbers are sorted where they are, since a second array would be what a large file costs most. */
#include "base/sort.h"

#include <string.h>

enum { SORT_FEW = 32, SORT_ITEM_MAX = 256, SORT_MANY = 1 << 18 };

/* What is sorted, and by which bytes of it. */
struct items {
	size_t n, size;
	size_t key_off;
	unsigned int low; /* bytes of the key below this one don't count */
};

static uint64_t key_at(const uint8_t *item, const struct items *of)
{
	uint64_t key;

	memcpy(&key, item + of->key_off, sizeof(key));
	return key >> 8 * of->low;
}

static bool is_sorted(const uint8_t *v, const struct items *of)
{
	for (size_t i = 1; i < of->n; i++) {
		if (key_at(v + (i - 1) * of->size, of) > key_at(v + i * of->size, of))
			return false;
	}
	return true;
}

static void insertion_sort(uint8_t *v, const struct items *of)
{
	const size_t size = of->size;
	uint8_t tmp[SORT_ITEM_MAX];

	for (size_t i = 1; i < of->n; i++) {
		uint64_t key = key_at(v + i * size, of);
		size_t j = i;

		while (j > 0 && key_at(v + (j - 1) * size, of) > key)
			j--;
		if (j == i)
			continue;
		memcpy(tmp, v + i * size, size);
		memmove(v + (j + 1) * size, v + j * size, (i - j) * size);
		memcpy(v + j * size, tmp, size);
	}
}

/* Inlined with a constant `size` it copies without a call. */
static inline __attribute__((always_inline)) void radix_pass(const uint8_t *from, uint8_t *to,
							     const struct items *of, size_t size,
							     unsigned int byte, const size_t *count)
{
	size_t pos[256], sum = 0;

	for (size_t d = 0; d < 256; d++) {
		pos[d] = sum;
		sum += count[d];
	}
	for (size_t i = 0; i < of->n; i++) {
		const uint8_t *item = from + i * size;
		size_t d = key_at(item, of) >> (8 * byte) & 0xff;

		memcpy(to + pos[d]++ * size, item, size);
	}
}

static enum pm_rc radix_sort(struct pm_ctx *ctx, void *v, const struct items *of)
{
	const unsigned int bytes = 8 - of->low;
	size_t count[8][256] = {{0}};
	uint8_t *from = v, *to, *tmp;

	tmp = to = pm_calloc(ctx, of->n, of->size);
	if (!tmp)
		return PM_ENOMEM;
	for (size_t i = 0; i < of->n; i++) {
		uint64_t key = key_at(from + i * of->size, of);

		for (unsigned int b = 0; b < bytes; b++)
			count[b][key >> (8 * b) & 0xff]++;
	}
	for (unsigned int b = 0; b < bytes; b++) {
		uint8_t *swap = from;

		if (count[b][key_at(from, of) >> (8 * b) & 0xff] == of->n)
			continue;
		if (of->size == sizeof(uint64_t))
			radix_pass(from, to, of, sizeof(uint64_t), b, count[b]);
		else
			radix_pass(from, to, of, of->size, b, count[b]);
		from = to;
		to = swap;
	}
	if (from != (uint8_t *)v)
		memcpy(v, from, of->n * of->size);
	pm_free(tmp);
	return PM_OK;
}

/* Most of what is sorted is in order, or a few properties: these don't pay for the counters. */
static enum pm_rc sort(struct pm_ctx *ctx, void *v, const struct items *of)
{
	if (is_sorted(v, of))
		return PM_OK;
	if (of->n > SORT_FEW || of->size > SORT_ITEM_MAX)
		return radix_sort(ctx, v, of);
	insertion_sort(v, of);
	return PM_OK;
}

enum pm_rc pm_sort_u64(struct pm_ctx *ctx, void *v, size_t n, size_t size, size_t key_off)
{
	return sort(ctx, v, &(struct items){.n = n, .size = size, .key_off = key_off});
}

/* Where each is to go by one byte: those that are not there change places until all are. */
static void exchange(uint64_t *v, unsigned int byte, const size_t *count)
{
	size_t at[256], end[256], sum = 0;

	for (size_t d = 0; d < 256; d++) {
		at[d] = sum;
		sum += count[d];
		end[d] = sum;
	}
	for (size_t d = 0; d < 256; d++)
		while (at[d] < end[d]) {
			uint64_t x = v[at[d]];

			for (size_t to = x >> 8 * byte & 0xff; to != d; to = x >> 8 * byte & 0xff) {
				const uint64_t other = v[at[to]];

				v[at[to]++] = x;
				x = other;
			}
			v[at[d]++] = x;
		}
}

/* Most significant byte first, without a second array. Eight levels at most. */
static void sort_in_place(uint64_t *v, size_t n, unsigned int byte)
{
	size_t count[256] = {0};

	if (n <= SORT_FEW) {
		insertion_sort((uint8_t *)v, &(struct items){.n = n, .size = sizeof(*v)});
		return;
	}
	for (size_t i = 0; i < n; i++)
		count[v[i] >> 8 * byte & 0xff]++;
	if (count[v[0] >> 8 * byte & 0xff] != n)
		exchange(v, byte, count);
	for (size_t d = 0, from = 0; byte && d < 256; from += count[d++])
		if (count[d] > 1)
			sort_in_place(v + from, count[d], byte - 1);
}

enum pm_rc pm_sort_high(struct pm_ctx *ctx, uint64_t *v, size_t n)
{
	const struct items of = {.n = n, .size = sizeof(*v), .low = 4};

	if (n < SORT_MANY || is_sorted((const uint8_t *)v, &of))
		return sort(ctx, v, &of);
	sort_in_place(v, n, 7);
	return PM_OK;
}
