/* SPDX-License-Identifier: Apache-2.0 */
/* How many columns a text takes: combining marks none, East Asian wide characters two. */
#include "base/text.h"
#include "report/visual.h"

struct block {
	uint32_t first, last;
};

/* The blocks that matter for mail, ascending; a rare script may be a column off. */
/* clang-format off */
static const struct block marks[] = {
	{0x300, 0x36F},     {0x483, 0x489},   {0x591, 0x5BD},   {0x610, 0x61A},
	{0x64B, 0x65F},     {0x6D6, 0x6DC},   {0xE31, 0xE31},   {0xE34, 0xE3A},
	{0xE47, 0xE4E},     {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x20D0, 0x20FF},
	{0x3099, 0x309A},   {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0x1F3FB, 0x1F3FF},
	{0xE0100, 0xE01EF},
};

static const struct block wide[] = {
	{0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x25FD, 0x25FE},
	{0x2614, 0x2615},   {0x2648, 0x2653},   {0x2E80, 0x303E},   {0x3041, 0x4DBF},
	{0x4E00, 0xA4CF},   {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
	{0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x18AFF},
	{0x1B000, 0x1B2FF}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
	{0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
};

/* clang-format on */

static bool within(const struct block *b, size_t n, uint32_t c)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c > b[mid].last)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && c >= b[lo].first;
}

static size_t columns(uint32_t c)
{
	if (c < 0x300)
		return 1;
	if (within(marks, sizeof(marks) / sizeof(marks[0]), c))
		return 0;
	return within(wide, sizeof(wide) / sizeof(wide[0]), c) ? 2 : 1;
}

size_t pm_text_width(const char *s, size_t n)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t width = 0;
	uint32_t c;

	for (size_t i = 0; i < n;) {
		i += pm_utf8_next(p + i, n - i, &c);
		width += columns(c);
	}
	return width;
}

size_t pm_text_fit(const char *s, size_t n, size_t width)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t i = 0;
	uint32_t c;

	while (i < n) {
		size_t step = pm_utf8_next(p + i, n - i, &c);

		if (columns(c) > width)
			break;
		width -= columns(c);
		i += step;
	}
	return i;
}
