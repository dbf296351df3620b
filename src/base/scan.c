/* SPDX-License-Identifier: Apache-2.0 */
/* What bytes are; see scan.h. */
#include "base/scan.h"

#include <string.h>

typedef uint8_t bytes16 __attribute__((vector_size(16)));

enum {
	BLOCKS = 255, /* of sixteen bytes, after which a count of one byte could overflow */
};

/* Counts in sixteen columns. */
struct columns {
	bytes16 high, c1, control, tab, esc, zero;
};

/* A comparison gives FF, which is -1, where it holds. */
static void count_block(struct columns *c, const uint8_t *p)
{
	bytes16 v;

	memcpy(&v, p, sizeof(v));
	c->high -= (bytes16)(v > 0x7F);
	c->c1 -= (bytes16)((bytes16)(v ^ 0x80) < 0x20);
	c->control -= (bytes16)(v < 0x20) | (bytes16)(v == 0x7F);
	c->tab -= (bytes16)(v == '\t');
	c->esc -= (bytes16)(v == 0x1B);
	c->zero -= (bytes16)(v == 0);
}

static size_t sum(bytes16 v)
{
	size_t all = 0;

	for (unsigned int i = 0; i < 16; i++)
		all += v[i];
	return all;
}

static void add_columns(struct pm_bytes_census *to, const struct columns *c)
{
	to->high += sum(c->high);
	to->c1 += sum(c->c1);
	to->control += sum(c->control);
	to->tab += sum(c->tab);
	to->esc += sum(c->esc);
	for (unsigned int i = 0; i < 16; i++)
		to->zeros[i % 2] += c->zero[i];
}

void pm_bytes_census(struct pm_bytes_census *ret, const uint8_t *p, size_t n)
{
	/* What is left at the end is counted as a block that is filled with what no kind has. */
	uint8_t last[16];
	size_t i = 0;

	*ret = (struct pm_bytes_census){0};
	memset(last, ' ', sizeof(last));
	while (i < n) {
		struct columns c = {0};

		for (unsigned int k = 0; k < BLOCKS && n - i >= 16; k++, i += 16)
			count_block(&c, p + i);
		if (n - i < 16) {
			add_columns(ret, &c);
			c = (struct columns){0};
			memcpy(last, p + i, n - i);
			count_block(&c, last);
			i = n;
		}
		add_columns(ret, &c);
	}
}

bool pm_is_ascii(const uint8_t *p, size_t n)
{
	size_t i = 0;
	uint8_t any = 0;

	for (; n - i >= 8; i += 8) {
		uint64_t v;

		memcpy(&v, p + i, sizeof(v));
		if (v & 0x8080808080808080u)
			return false;
	}
	for (; i < n; i++)
		any |= p[i];
	return !(any & 0x80);
}
