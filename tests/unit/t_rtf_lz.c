/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of compressed RTF. */
#include "pm_test.h"

#include "format/crc.h"
#include "format/rtf_lz.h"

#define NO_LIMIT ((size_t)1 << 30)

/* The example of [MS-OXRTFCP 3.1.1] with its end, 49 bytes for 43. */
static const uint8_t hello_lz[] = {0x2D, 0x00, 0x00, 0x00, 0x2B, 0x00, 0x00, 0x00, 0x4C, 0x5A,
				   0x46, 0x75, 0xF1, 0xC5, 0xC7, 0xA7, 0x03, 0x00, 0x0A, 0x00,
				   0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0A,
				   0xF3, 0x20, 0x68, 0x65, 0x6C, 0x09, 0x00, 0x20, 0x62, 0x77,
				   0x05, 0xB0, 0x6C, 0x64, 0x7D, 0x0A, 0x80, 0x0F, 0xA0};
static const char hello[] = "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n";

static struct pm_span span(const void *p, size_t n)
{
	return (struct pm_span){p, n, 0};
}

static void assert_lz(struct pm_span in, size_t limit, enum pm_rc want_rc, const char *want_why,
		      const char *want)
{
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};
	const char *why = "untouched";

	assert_int_equal(pm_rtf_lz_decode(&ctx, &out, in, limit, &why), want_rc);
	if (want_why) {
		assert_non_null(why);
		assert_string_equal(why, want_why);
	} else {
		assert_null(why);
	}
	assert_string_equal(pm_buf_cstr(&ctx, &out), want);
	assert_int_equal(out.n, strlen(want));
	pm_buf_done(&out);
}

static void test_lz_example(void **state)
{
	(void)state;
	assert_lz(span(hello_lz, sizeof(hello_lz)), NO_LIMIT, PM_OK, NULL, hello);
	assert_lz(span(hello_lz, sizeof(hello_lz)), strlen(hello), PM_OK, NULL, hello);
}

/* A reference may reach into what it writes [MS-OXRTFCP 3.1.2]. */
static void test_lz_overlap(void **state)
{
	static const uint8_t in[] = {0x1A, 0x00, 0x00, 0x00, 0x1C, 0x00, 0x00, 0x00, 0x4C, 0x5A,
				     0x46, 0x75, 0xE2, 0xD4, 0x4B, 0x51, 0x41, 0x00, 0x04, 0x20,
				     0x57, 0x58, 0x59, 0x5A, 0x0D, 0x6E, 0x7D, 0x01, 0x0E, 0xB0};

	(void)state;
	assert_lz(span(in, sizeof(in)), NO_LIMIT, PM_OK, NULL, "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
}

/* Cut anywhere: what decodes is a prefix, and the damage is told. */
static void test_lz_cut(void **state)
{
	size_t before = 0;

	(void)state;
	for (size_t n = 0; n < sizeof(hello_lz); n++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};
		const char *why = NULL;
		uint8_t *copy = malloc(n + 1); /* so that a read past the end is seen */

		memcpy(copy, hello_lz, n);
		assert_int_equal(pm_rtf_lz_decode(&ctx, &out, span(copy, n), NO_LIMIT, &why),
				 n < 16 ? PM_LOST : PM_DAMAGED);
		assert_string_equal(why, n < 16 ? "header" : "size");
		assert_true(out.n >= before && out.n <= strlen(hello));
		if (out.n)
			assert_memory_equal(out.p, hello, out.n);
		before = out.n;
		pm_buf_done(&out);
		free(copy);
	}
	assert_int_equal(before, strlen(hello)); /* only the end's mark was missing */
}

static void test_lz_faults(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum pm_rc rc;
		const char *why, *want;
	} t[] = {
		{0, 0x2C, PM_DAMAGED, "size", hello},
		{0, 0x2E, PM_DAMAGED, "size", hello},
		{3, 0xFF, PM_DAMAGED, "size", hello},
		{0, 0x00, PM_DAMAGED, "size", hello},
		{4, 0x2A, PM_DAMAGED, "raw-size", hello},
		{7, 0x80, PM_DAMAGED, "raw-size", hello},
		{8, 0x4D, PM_LOST, "type", ""},
		{12, 0xF0, PM_DAMAGED, "crc", hello},
		{21, 'C', PM_DAMAGED, "crc", "{\\rtf1\\ansi\\ansiCpg1252\\pard hello world}\r\n"},
		{48, 0xA1, PM_DAMAGED, "crc", hello},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		uint8_t in[sizeof(hello_lz)];

		memcpy(in, hello_lz, sizeof(in));
		assert_int_not_equal(in[t[i].at], t[i].value);
		in[t[i].at] = t[i].value;
		assert_lz(span(in, sizeof(in)), NO_LIMIT, t[i].rc, t[i].why, t[i].want);
	}
}

static void test_lz_limit(void **state)
{
	(void)state;
	assert_lz(span(hello_lz, sizeof(hello_lz)), 6, PM_DAMAGED, "limit", "{\\rtf1");
	assert_lz(span(hello_lz, sizeof(hello_lz)), 0, PM_DAMAGED, "limit", "");
}

static void test_lz_trailing_bytes(void **state)
{
	uint8_t in[sizeof(hello_lz) + 3] = {0};

	(void)state;
	memcpy(in, hello_lz, sizeof(hello_lz));
	assert_lz(span(in, sizeof(in)), NO_LIMIT, PM_OK, NULL, hello);
}

static void test_lz_no_end_mark(void **state)
{
	uint8_t in[sizeof(hello_lz) - 2];

	(void)state;
	memcpy(in, hello_lz, sizeof(in));
	in[0] -= 2;
	pm_put32(in + 12, pm_crc(in + 16, sizeof(in) - 16));
	assert_lz(span(in, sizeof(in)), NO_LIMIT, PM_OK, NULL, hello);
	in[4]++;
	assert_lz(span(in, sizeof(in)), NO_LIMIT, PM_DAMAGED, "end", hello);
}

static void test_lz_plain(void **state)
{
	uint8_t in[16 + 6] = "\x12\0\0\0\x06\0\0\0MELA\0\0\0\0{\\rtf}";

	(void)state;
	assert_lz(span(in, sizeof(in)), NO_LIMIT, PM_OK, NULL, "{\\rtf}");
	assert_lz(span(in, sizeof(in)), 2, PM_DAMAGED, "limit", "{\\");
	in[4] = 18; /* counted with the header */
	assert_lz(span(in, sizeof(in)), NO_LIMIT, PM_OK, NULL, "{\\rtf}");
	in[4] = 5;
	assert_lz(span(in, sizeof(in)), NO_LIMIT, PM_DAMAGED, "raw-size", "{\\rtf}");
	in[4] = 6;
	in[0] = 0x13;
	assert_lz(span(in, sizeof(in)), NO_LIMIT, PM_DAMAGED, "size", "{\\rtf}");
	assert_lz(span("{\\rtf1 bare}", 12), NO_LIMIT, PM_DAMAGED, "type", "{\\rtf1 bare}");
	assert_lz(span(NULL, 0), NO_LIMIT, PM_LOST, "header", "");
}

/* Output far longer than the ring, and the n-th request of memory failing. */
static void test_lz_long(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf in = {0}, out = {0};
	uint64_t n;

	(void)state;
	pm_buf_zero(&ctx, &in, 16);
	for (int i = 0; i < 1000; i++)
		pm_buf_add(&ctx, &in,
			   "\xFC"
			   "ab\0\x0F\0\x0F\0\x0F\0\x0F\0\x0F\0\x0F",
			   15);
	pm_put32(in.p, (uint32_t)in.n - 4);
	pm_put32(in.p + 4, 1000 * (2 + 6 * 17));
	pm_put32(in.p + 8, 0x75465A4C);
	pm_put32(in.p + 12, pm_crc(in.p + 16, in.n - 16));
	assert_int_equal(pm_rtf_lz_decode(&ctx, &out, pm_buf_span(&in), NO_LIMIT, NULL), PM_OK);
	assert_int_equal(out.n, 1000 * (2 + 6 * 17));
	assert_memory_equal(out.p, "ab{\\rtf1\\ansi\\mac\\", 18);
	pm_buf_done(&out);
	for (n = 1;; n++) {
		enum pm_rc rc;

		ctx = (struct pm_ctx){0};
		out = (struct pm_buf){0};
		pm_mem_fail_at(n);
		rc = pm_rtf_lz_decode(&ctx, &out, pm_buf_span(&in), NO_LIMIT, NULL);
		pm_mem_fail_at(0);
		pm_buf_done(&out);
		if (rc == PM_OK)
			break;
		assert_int_equal(rc, PM_ENOMEM);
	}
	assert_true(n > 2);
	pm_buf_done(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lz_example),     cmocka_unit_test(test_lz_overlap),
		cmocka_unit_test(test_lz_cut),         cmocka_unit_test(test_lz_faults),
		cmocka_unit_test(test_lz_limit),       cmocka_unit_test(test_lz_trailing_bytes),
		cmocka_unit_test(test_lz_no_end_mark), cmocka_unit_test(test_lz_plain),
		cmocka_unit_test(test_lz_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
