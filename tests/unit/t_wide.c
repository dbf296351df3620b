/* SPDX-License-Identifier: Apache-2.0 */
/* What does many bytes at once gives what each byte alone would: base/scan, base/text, export/base64. */
#include "pm_test.h"

#include "base/scan.h"
#include "base/text.h"
#include "export/base64.h"

static uint8_t noise(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return (uint8_t)(*state >> 24);
}

static void count_alone(struct pm_bytes_census *c, const uint8_t *p, size_t n)
{
	*c = (struct pm_bytes_census){0};
	for (size_t i = 0; i < n; i++) {
		c->high += p[i] >= 0x80;
		c->c1 += p[i] >= 0x80 && p[i] < 0xA0;
		c->control += p[i] < 0x20 || p[i] == 0x7F;
		c->tab += p[i] == '\t';
		c->esc += p[i] == 0x1B;
		c->zeros[i % 2] += p[i] == 0;
	}
}

static void assert_census(const uint8_t *p, size_t n)
{
	struct pm_bytes_census have, want;

	pm_bytes_census(&have, p, n);
	count_alone(&want, p, n);
	assert_memory_equal(&have, &want, sizeof(have));
	assert_int_equal(pm_is_ascii(p, n), want.high == 0);
}

static void test_census(void **state)
{
	static uint8_t b[3 * 255 * 16 + 77];
	uint32_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		b[i] = (uint8_t)i;
	assert_census(b, 256);
	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = noise(&seed);
	for (size_t n = 0; n < 100; n++)
		for (size_t from = 0; from < 17; from++)
			assert_census(b + from, n);
	assert_census(b, sizeof(b));
	/* More of one kind than a byte can count. */
	memset(b, 0, sizeof(b));
	assert_census(b, sizeof(b));
	memset(b, 0x85, sizeof(b));
	assert_census(b, sizeof(b));
	memset(b, 'x', sizeof(b));
	b[sizeof(b) - 1] = 0x80;
	assert_census(b, sizeof(b));
	assert_census(b, sizeof(b) - 1);
}

/* [RFC 4648 4], digit by digit. */
static void line_alone(uint8_t *to, const uint8_t *p)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < PM_BASE64_CHARS; i++) {
		const size_t bit = 6 * i, byte = bit / 8;
		const unsigned two =
			(unsigned)p[byte] << 8 | (byte + 1 < PM_BASE64_LINE ? p[byte + 1] : 0u);

		to[i] = (uint8_t)digits[two >> (10 - bit % 8) & 63];
	}
}

static void test_base64_line(void **state)
{
	uint8_t in[PM_BASE64_LINE + 8], have[PM_BASE64_CHARS + 4], want[PM_BASE64_CHARS];
	uint32_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 4000; round++) {
		for (size_t i = 0; i < sizeof(in); i++)
			in[i] = round < 256 ? (uint8_t)round : noise(&seed);
		line_alone(want, in);
		for (size_t behind = 0; behind <= 8; behind += 4) {
			memset(have, '!', sizeof(have));
			pm_base64_line(have, in, behind);
			assert_memory_equal(have, want, sizeof(want));
			assert_memory_equal(have + sizeof(want), "!!!!", 4);
		}
	}
}

/* Nothing is read that is not there: the line lies at the end of what is allocated. */
static void test_base64_line_end(void **state)
{
	uint8_t *in = malloc(PM_BASE64_LINE), have[PM_BASE64_CHARS], want[PM_BASE64_CHARS];

	(void)state;
	assert_non_null(in);
	for (size_t i = 0; i < PM_BASE64_LINE; i++)
		in[i] = (uint8_t)(3 * i);
	line_alone(want, in);
	pm_base64_line(have, in, 0);
	assert_memory_equal(have, want, sizeof(want));
	free(in);
}

/* [RFC 3629 3], unit by unit; a surrogate without its other half is U+FFFD. How many were so. */
static size_t utf8_alone(uint8_t *to, const uint8_t *p, size_t n, uint64_t *ret_bad)
{
	size_t used = 0;

	*ret_bad = 0;
	for (size_t at = 0; at + 2 <= n; at += 2) {
		uint32_t c = pm_le16(p + at);
		const uint32_t low = at + 4 <= n ? pm_le16(p + at + 2) : 0;

		if (c >= 0xD800 && c < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
			c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
			at += 2;
		} else if (c >= 0xD800 && c < 0xE000) {
			c = 0xFFFD;
			++*ret_bad;
		}
		if (c < 0x80) {
			to[used++] = (uint8_t)c;
			continue;
		}
		for (int shift = c < 0x800     ? 6
				 : c < 0x10000 ? 12
					       : 18,
			 first = 1;
		     shift >= 0; shift -= 6, first = 0)
			to[used++] = (uint8_t)(first ? (shift == 6    ? 0xC0
							: shift == 12 ? 0xE0
								      : 0xF0) |
							       c >> shift
						     : 0x80 | (c >> shift & 0x3F));
	}
	return used;
}

static void assert_utf16(const uint8_t *p, size_t n)
{
	static uint8_t want[3 * 70000];
	struct pm_ctx ctx = {0};
	struct pm_buf have = {0};
	uint64_t bad = 0, want_bad;
	const size_t size = utf8_alone(want, p, n, &want_bad);

	assert_int_equal(pm_utf16_to_utf8(&ctx, &have, p, n, &bad), want_bad ? PM_DAMAGED : PM_OK);
	assert_int_equal(bad, want_bad);
	assert_int_equal(have.n, size);
	assert_memory_equal(have.p ? have.p : want, want, size);
	assert_int_equal(pm_utf16_valid(p, n), !want_bad);
	pm_buf_done(&have);
}

static void test_utf16(void **state)
{
	static uint8_t b[2 * 65536];
	static const uint16_t tops[] = {0x00, 0x00, 0x00, 0x03, 0x30, 0x4E, 0xAC, 0xFF};
	uint32_t seed = 3;

	(void)state;
	for (size_t i = 0; i < 65536; i++)
		pm_put16(b + 2 * i, (uint16_t)i);
	assert_utf16(b, sizeof(b));
	assert_utf16(b, 2 * 0xD800);
	/* Every length, from every place, of texts of several scripts; then with surrogates. */
	for (unsigned pairs = 0; pairs < 3; pairs++) {
		for (size_t i = 0; i < 4096; i++) {
			const uint16_t top = tops[noise(&seed) % 8];

			pm_put16(b + 2 * i,
				 (uint16_t)(top << 8 | (noise(&seed) & (top ? 0xFF : 0x7F))));
			if (pairs && noise(&seed) < 8)
				pm_put16(b + 2 * i, (uint16_t)(0xD800 | noise(&seed) |
							       (noise(&seed) & 7) << 8));
			if (pairs == 2 && i && noise(&seed) < 40) {
				pm_put16(b + 2 * i - 2, 0xD83D);
				pm_put16(b + 2 * i, 0xDE00);
			}
		}
		for (size_t n = 0; n < 300; n += 2)
			for (size_t from = 0; from < 80; from += 2)
				assert_utf16(b + from, n);
		assert_utf16(b, 8192);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_census),
		cmocka_unit_test(test_utf16),
		cmocka_unit_test(test_base64_line),
		cmocka_unit_test(test_base64_line_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
