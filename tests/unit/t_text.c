/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of base/text, base/codepage and base/time. */
#include "pm_test.h"

#include "base/codepage.h"
#include "base/text.h"
#include "base/time.h"

#define BAD PM_UTF8_REPLACEMENT

/* Hexadecimal digits to bytes. */
static size_t unhex(const char *hex, uint8_t *ret, size_t max)
{
	size_t n = strlen(hex) / 2;

	assert_true(n <= max && strlen(hex) % 2 == 0);
	for (size_t i = 0; i < n; i++)
		ret[i] = (uint8_t)(pm_ascii_hex((uint8_t)hex[2 * i]) << 4 |
				   pm_ascii_hex((uint8_t)hex[2 * i + 1]));
	return n;
}

static void assert_text(struct pm_buf *b, const char *want)
{
	struct pm_ctx ctx = {0};

	assert_int_equal(b->n, strlen(want));
	assert_string_equal(pm_buf_cstr(&ctx, b), want);
	pm_buf_done(b);
}

/* --- UTF-16 and UTF-8 ---------------------------------------------------------------- */

static void test_utf16_to_utf8(void **state)
{
	static const struct {
		const char *hex, *want;
		uint64_t bad;
	} t[] = {
		{"", "", 0},
		{"4100E400AC20", "Aä€", 0},
		{"3DD800DE", "😀", 0},
		{"FFDBFFDF", "\xF4\x8F\xBF\xBF", 0},
		{"FFFE", "\xEF\xBB\xBF", 0},
		{"3DD8", BAD, 1},         /* a high surrogate ends the text */
		{"3DD84100", BAD "A", 1}, /* no low one follows */
		{"00DE4100", BAD "A", 1}, /* a low one alone */
		{"00DE3DD8", BAD BAD, 2}, /* the wrong way round */
		{"3DD83DD800DE", BAD "😀", 1},
		{"410042", "A" BAD, 1}, /* an odd byte */
		{"3DD800", BAD BAD, 2},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};
		uint8_t in[32];
		size_t n = unhex(t[i].hex, in, sizeof(in));
		uint64_t bad = 99;

		assert_int_equal(pm_utf16_to_utf8(&ctx, &out, in, n, &bad),
				 t[i].bad ? PM_DAMAGED : PM_OK);
		assert_int_equal(bad, t[i].bad);
		assert_text(&out, t[i].want);
	}
}

static void test_utf16_valid(void **state)
{
	static const struct {
		const char *hex;
		bool valid;
	} t[] =
		{
			{"3DD800DE", true},  {"3DD8", false},         {"00DE", false},
			{"00DE3DD8", false}, {"3DD83DD800DE", false}, {"3DD84100", false},
			{"FDFF", true}, /* U+FFFD itself is a character */
		};
	uint8_t in[64];

	(void)state;
	assert_true(pm_utf16_valid("", 0));
	/* Behind 0 to 9 characters, and before as many: units are looked at by fours. */
	for (size_t i = 0; i < PM_LEN(t); i++) {
		for (size_t before = 0; before < 10; before++) {
			for (size_t after = 0; after < 10; after++) {
				size_t n = 2 * before;

				for (size_t k = 0; k < n; k++)
					in[k] = k & 1 ? 0x20 : 0x41;
				n += unhex(t[i].hex, in + n, 16);
				for (size_t k = 0; k < 2 * after; k++)
					in[n++] = k & 1 ? 0xE0 : 0xFF;
				assert_int_equal(pm_utf16_valid(in, n), t[i].valid);
				in[n] = 0x41;
				assert_false(pm_utf16_valid(in, n + 1)); /* an odd byte */
			}
		}
	}
}

/* Every character, both ways, through chunks of all alignments. */
static void test_utf16_all_characters(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf wide = {0}, utf8 = {0}, back = {0};
	uint64_t bad = 0;

	(void)state;
	for (uint32_t c = 0; c <= 0x10FFFF; c++) {
		uint8_t text[PM_UTF8_MAX], *w;
		size_t n;
		uint32_t seen;

		if (c >= 0xD800 && c <= 0xDFFF)
			continue;
		n = pm_utf8_put(text, c);
		assert_int_equal(pm_utf8_next(text, n, &seen), n);
		assert_int_equal(seen, c);
		w = pm_buf_room(&ctx, &wide, c < 0x10000 ? 2 : 4);
		assert_non_null(w);
		if (c >= 0x10000) {
			pm_put16(w, (uint16_t)(0xD7C0 + (c >> 10)));
			pm_put16(w + 2, (uint16_t)(0xDC00 + (c & 0x3FF)));
		} else {
			pm_put16(w, (uint16_t)c);
		}
	}
	assert_int_equal(pm_utf16_to_utf8(&ctx, &utf8, wide.p, wide.n, &bad), PM_OK);
	assert_int_equal(bad, 0);
	assert_int_equal(utf8.n, 0x80 + 0x780 * 2 + (0xF800 - 0x800) * 3 + 0x100000 * 4);
	assert_true(pm_utf8_valid(utf8.p, utf8.n));
	assert_int_equal(pm_utf8_to_utf16(&ctx, &back, utf8.p, utf8.n, &bad), PM_OK);
	assert_int_equal(bad, 0);
	assert_int_equal(back.n, wide.n);
	assert_memory_equal(back.p, wide.p, wide.n);
	pm_buf_done(&wide);
	pm_buf_done(&utf8);
	pm_buf_done(&back);
}

static const struct {
	const char *hex, *want;
	uint64_t bad;
} utf8_cases[] = {
	{"", "", 0},
	{"41C3A4E282ACF09F9880", "Aä€😀", 0},
	{"80", BAD, 1},
	{"C3", BAD, 1},
	{"C341", BAD "A", 1},
	{"C080", BAD BAD, 2},       /* overlong */
	{"E08080", BAD BAD BAD, 3}, /* overlong */
	{"EDA080", BAD BAD BAD, 3}, /* a surrogate */
	{"F08FBFBF", BAD BAD BAD BAD, 4},
	{"F4908080", BAD BAD BAD BAD, 4}, /* beyond U+10FFFF */
	{"F5", BAD, 1},
	{"FFFE", BAD BAD, 2},
	{"E28241", BAD "A", 1}, /* one for the part that began well */
	{"F09F98", BAD, 1},
	{"E282AC80E282AC", "€" BAD "€", 1},
};

static void test_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < PM_LEN(utf8_cases); i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0}, wide = {0}, back = {0};
		uint8_t in[32];
		size_t n = unhex(utf8_cases[i].hex, in, sizeof(in));
		enum pm_rc want = utf8_cases[i].bad ? PM_DAMAGED : PM_OK;
		uint64_t bad = 99;

		assert_int_equal(pm_utf8_valid(in, n), !utf8_cases[i].bad);
		assert_int_equal(pm_utf8_clean(&ctx, &out, in, n, &bad), want);
		assert_int_equal(bad, utf8_cases[i].bad);
		assert_text(&out, utf8_cases[i].want);
		assert_int_equal(pm_utf8_to_utf16(&ctx, &wide, in, n, &bad), want);
		assert_int_equal(bad, utf8_cases[i].bad);
		assert_int_equal(pm_utf16_to_utf8(&ctx, &back, wide.p, wide.n, NULL), PM_OK);
		assert_text(&back, utf8_cases[i].want);
		pm_buf_done(&wide);
	}
}

static void test_utf8_put_refuses(void **state)
{
	static const uint32_t t[] = {0xD800, 0xDFFF, 0x110000, PM_UNI_BAD};
	uint8_t text[PM_UTF8_MAX];

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		assert_int_equal(pm_utf8_put(text, t[i]), 3);
		assert_memory_equal(text, BAD, 3);
	}
}

/* Into a code page: what it can say comes back the same, what it can't is not written at all. */
static void test_cp_from_utf8(void **state)
{
	static const struct {
		uint32_t cp;
		const char *text;
	} good[] = {{1252, "Grüße für 3 €"}, {1251, "Иван Петров"}, {932, "会議の議事録"},
		    {950, "會議"},           {65001, "Иван 会議"},  {1252, ""}},
	  bad[] = {{1252, "Иван"}, {1251, "会議"}, {50220, "会議"}, {1200, "x"}, {4711, "x"}};
	struct pm_ctx ctx = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct pm_buf in = {0}, back = {0};
		const size_t n = strlen(good[i].text);

		assert_int_equal(pm_cp_from_utf8(&ctx, &in, good[i].cp, good[i].text, n), PM_OK);
		assert_int_equal(pm_cp_to_utf8(&ctx, &back, good[i].cp, in.p, in.n, NULL), PM_OK);
		assert_string_equal(pm_buf_cstr(&ctx, &back), good[i].text);
		pm_buf_done(&in);
		pm_buf_done(&back);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pm_buf in = {0};
		const size_t n = strlen(bad[i].text);

		assert_int_equal(pm_cp_from_utf8(&ctx, &in, bad[i].cp, bad[i].text, n), PM_NONE);
		assert_int_equal(in.n, 0);
		pm_buf_done(&in);
	}
}

static void test_limit_and_memory(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf out = {.max = 8};
	uint8_t wide[64] = {0};
	uint64_t bad = 99;

	(void)state;
	assert_int_equal(pm_utf16_to_utf8(&ctx, &out, wide, sizeof(wide), &bad), PM_ELIMIT);
	assert_int_equal(bad, 99);
	pm_buf_done(&out);
	for (int kind = 0; kind < 3; kind++) {
		ctx = (struct pm_ctx){0};
		out = (struct pm_buf){0};
		pm_mem_fail_at(1);
		if (kind == 0)
			assert_int_equal(pm_utf8_to_utf16(&ctx, &out, "ab", 2, &bad), PM_ENOMEM);
		else if (kind == 1)
			assert_int_equal(pm_utf8_clean(&ctx, &out, "ab", 2, &bad), PM_ENOMEM);
		else
			assert_int_equal(pm_cp_to_utf8(&ctx, &out, 50220, "ab", 2, &bad),
					 PM_ENOMEM);
		pm_mem_fail_at(0);
		assert_int_equal(bad, 99);
		pm_buf_done(&out);
	}
}

static void test_printable(void **state)
{
	static const struct {
		const char *text, *want;
	} t[] = {
		{"plain ä€😀 \\ text", "plain ä€😀 \\ text"},
		{"a\tb\r\nc", "a\\tb\\r\\nc"},
		{"\x1b[31mred\x07\x7f", "\\x1B[31mred\\x07\\x7F"},
		{"\xC2\x9B"
		 "31m",
		 "\\u{009B}31m"}, /* CSI as a C1 control */
		{"\xE2\x80\xAE"
		 "gpj.exe",
		 "\\u{202E}gpj.exe"}, /* right-to-left override */
		{"\xE2\x80\xA8\xEF\xBB\xBF", "\\u{2028}\\u{FEFF}"},
		{"zero\xE2\x80\x8Bwidth\xC2\xAD", "zero\\u{200B}width\\u{00AD}"},
		{"\xFF\xE2\x82"
		 "A",
		 "\\xFF\\xE2\\x82A"},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};

		pm_text_printable(&ctx, &out, t[i].text, strlen(t[i].text));
		assert_text(&out, t[i].want);
	}
}

static void test_printable_nul(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};

	(void)state;
	pm_text_printable(&ctx, &out, "a\0b", 3);
	assert_text(&out, "a\\x00b");
}

static void test_ascii(void **state)
{
	(void)state;
	assert_int_equal(pm_ascii_casecmp("Content-Type", "content-TYPE"), 0);
	assert_true(pm_ascii_casecmp("a", "B") < 0);
	assert_true(pm_ascii_casecmp("ab", "a") > 0);
	assert_true(pm_ascii_casecmp("", "a") < 0);
	assert_true(pm_ascii_casecmp("[", "k") < 0);
	assert_true(pm_ascii_casecmp("\xE4", "\xC4") > 0); /* only ASCII has a case */
	assert_int_equal(pm_ascii_ncasecmp("HTTP:", "http;", 4), 0);
	assert_true(pm_ascii_ncasecmp("HTTP:", "http;", 5) < 0);
	assert_true(pm_ascii_ncasecmp("a\0b", "A\0C", 3) < 0);
	assert_int_equal(pm_ascii_hex('0'), 0);
	assert_int_equal(pm_ascii_hex('9'), 9);
	assert_int_equal(pm_ascii_hex('a'), 10);
	assert_int_equal(pm_ascii_hex('F'), 15);
	assert_int_equal(pm_ascii_hex('g'), -1);
	assert_int_equal(pm_ascii_hex('/'), -1);
	assert_true(pm_ascii_isalpha('z') && pm_ascii_isalpha('A') && !pm_ascii_isalpha('['));
	assert_true(pm_ascii_isspace('\n') && pm_ascii_isspace(' ') && !pm_ascii_isspace(0));
}

/* --- code pages ---------------------------------------------------------------------- */

static const struct {
	uint32_t cp;
	const char *hex, *want;
} pages[] = {
	{37, "C14351", "Aäé"},
	{437, "418482", "Aäé"},
	{500, "C14351", "Aäé"},
	{737, "41A2E0", "Aλω"},
	{775, "41D5D8", "Ašž"},
	{850, "418482", "Aäé"},
	{852, "4188BE", "Ałż"},
	{855, "41E9DE", "Aжя"},
	{857, "419FA7", "Aşğ"},
	{858, "418482", "Aäé"},
	{860, "418482", "Aãé"},
	{861, "418482", "Aäé"},
	{862, "419980", "Aשא"},
	{863, "418E82", "AÀé"},
	{864, "41C7", "Aﺍ"},
	{865, "418482", "Aäé"},
	{866, "41A6EF", "Aжя"},
	{869, "41E5FA", "Aλω"},
	{870, "C181F1", "Aa1"},
	{874, "41A1A2", "Aกข"},
	{875, "C19ECB", "Aλω"},
	{932, "4193FA967BB1", "A日本ｱ"},
	{936, "41D6D0CEC4", "A中文"},
	{949, "41C7D1B1DB", "A한글"},
	{950, "41A4A4A4E5", "A中文"},
	{1026, "C16AD0", "Aşğ"},
	{1047, "C1ADBD", "A[]"},
	{1140, "C14351", "Aäé"},
	{1141, "C1C04A", "AäÄ"},
	{1142, "C16A5B", "AøÅ"},
	{1143, "C1C05B", "AäÅ"},
	{1144, "C1C05A", "Aàé"},
	{1145, "C16A7B", "AñÑ"},
	{1146, "C15B4A", "A£$"},
	{1147, "C1C07C", "Aéà"},
	{1148, "C19F4A", "A€["},
	{1149, "C1C0A1", "Aþö"},
	{1200, "4100E400E900", "Aäé"},
	{1201, "004100E400E9", "Aäé"},
	{1250, "41B3BF", "Ałż"},
	{1251, "41E6FF", "Aжя"},
	{1252, "41E4E9", "Aäé"},
	{1253, "41EBF9", "Aλω"},
	{1254, "41FEF0", "Aşğ"},
	{1255, "41F9E0", "Aשא"},
	{1256, "41D3C7", "Aسا"},
	{1257, "41F0FE", "Ašž"},
	{1258, "41F5F0", "Aơđ"},
	{1361, "41D0658B69", "A한글"},
	{10000, "418A8E", "Aäé"},
	{10001, "4193FA967BB1", "A日本ｱ"},
	{10002, "41A4A4A4E5", "A中文"},
	{10003, "41C7D1B1DB", "A한글"},
	{10007, "41E6DF", "Aжя"},
	{10008, "41D6D0CEC4", "A中文"},
	{10017, "41E6B4", "Aжі"},
	{10021, "41A1A2", "Aกข"},
	{10029, "41B8FD", "Ałż"},
	{10079, "418A8E", "Aäé"},
	{12000, "41000000E4000000E9000000", "Aäé"},
	{12001, "00000041000000E4000000E9", "Aäé"},
	{20000, "41C4E3", "A中"},
	{20105, "417E", "A~"},
	{20106, "41427B", "ABä"},
	{20107, "41427D", "ABå"},
	{20108, "41425B", "ABÆ"},
	{20127, "417E", "A~"},
	{20261, "41C861", "Aä"},
	{20269, "41C861", "Aä"},
	{20273, "C1C051", "Aäé"},
	{20277, "C16A5B", "AøÅ"},
	{20278, "C1C05B", "AäÅ"},
	{20280, "C1C05A", "Aàé"},
	{20284, "C16A7B", "AñÑ"},
	{20285, "C15B4A", "A£$"},
	{20290, "C181", "Aア"},
	{20297, "C1C07C", "Aéà"},
	{20420, "C1F1", "A1"},
	{20423, "C1F1", "A1"},
	{20424, "C16941", "Aשא"},
	{20866, "41D6D1", "Aжя"},
	{20871, "C1A1", "Aö"},
	{20880, "C1F1", "A1"},
	{20905, "C1F1", "A1"},
	{20924, "C1ADBD", "A[]"},
	{20932, "41C6FCCBDC", "A日本"},
	{20936, "41D6D0CEC4", "A中文"},
	{20949, "41C7D1B1DB", "A한글"},
	{21025, "C177", "Aа"},
	{21866, "41D6D1", "Aжя"},
	{28591, "41E4E9", "Aäé"},
	{28592, "41B3BF", "Ałż"},
	{28593, "41E4E9", "Aäé"},
	{28594, "41B9BE", "Ašž"},
	{28595, "41D6EF", "Aжя"},
	{28596, "41D3C7", "Aسا"},
	{28597, "41EBF9", "Aλω"},
	{28598, "41F9E0", "Aשא"},
	{28599, "41FEF0", "Aşğ"},
	{28600, "41BABC", "Ašž"},
	{28601, "41A1A2", "Aกข"},
	{28603, "41F0FE", "Ašž"},
	{28604, "41E4E9", "Aäé"},
	{28605, "41E4E9", "Aäé"},
	{28606, "41B3BF", "Ałż"},
	{38598, "41F9E0", "Aשא"},
	{50220, "411B2442467C4B5C1B2849311B2842", "A日本ｱ"},
	{50221, "411B2442467C4B5C1B2849311B2842", "A日本ｱ"},
	{50222, "411B2442467C4B5C1B2849311B2842", "A日本ｱ"},
	{50225, "411B2429430E4751315B0F", "A한글"},
	{50227, "411B2429410E56504E440F", "A中文"},
	{51932, "41C6FCCBDC", "A日本"},
	{51936, "41D6D0CEC4", "A中文"},
	{51949, "41C7D1B1DB", "A한글"},
	{51950, "41C4E3", "A中"},
	{52936, "417E7B56504E447E7D", "A中文"},
	{54936, "41D6D0CEC4", "A中文"},
	{65000, "412B414F514136512D", "Aäé"},
	{65001, "41C3A4C3A9", "Aäé"},
};

/* Every code page of the table has a line above, and every line decodes. */
static void test_pages(void **state)
{
	uint32_t cp, before = 0;

	(void)state;
	for (size_t i = 0; (cp = pm_cp_list(i)) != 0; i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};
		uint8_t in[64];
		size_t n;

		assert_true(cp > before); /* find() searches by halves */
		before = cp;
		assert_true(i < PM_LEN(pages));
		assert_int_equal(pages[i].cp, cp);
		assert_true(pm_cp_known(cp));
		n = unhex(pages[i].hex, in, sizeof(in));
		if (pm_cp_to_utf8(&ctx, &out, cp, in, n, NULL) != PM_OK)
			fail_msg("code page %u refuses %s", (unsigned int)cp, pages[i].hex);
		assert_text(&out, pages[i].want);
	}
	assert_int_equal(before, pages[PM_LEN(pages) - 1].cp);
}

/* A code page said to keep ASCII does so for all of it. */
static void test_pages_ascii(void **state)
{
	uint32_t cp;

	(void)state;
	for (size_t i = 0; (cp = pm_cp_list(i)) != 0; i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};

		if (!pm_cp_is_ascii(cp))
			continue;
		/* 0x80 keeps the shortcut for pure ASCII from hiding the converter. */
		for (uint8_t k = 1; k < 0x80; k++) {
			if (cp == 1361 && k == '\\')
				continue; /* glibc has the won sign there */
			uint8_t in[3] = {0x80, '\n', k};

			pm_buf_clear(&out);
			pm_cp_to_utf8(&ctx, &out, cp, in, sizeof(in), NULL);
			assert_true(out.n > 1);
			if (out.p[out.n - 1] != k)
				fail_msg("code page %u: %02X", (unsigned int)cp, k);
		}
		pm_buf_done(&out);
	}
}

static void test_pages_bad(void **state)
{
	static const struct {
		uint32_t cp;
		const char *hex, *want;
		uint64_t bad;
	} t[] = {
		{1252, "41814290", "A" BAD "B" BAD, 2},
		{1252, "80", "€", 0},
		{874, "80859193", "€…‘“", 0},
		{936, "80", "€", 0},
		{932, "81", BAD, 1}, /* the second half is missing */
		{932, "8141FD42", "、" BAD "B", 1},
		{932, "815C5C7E", "―\\~", 0},
		{932, "8740FA40", "①ⅰ", 0},
		{949, "8141", "갂", 0},
		{949, "41FF42", "A" BAD "B", 1},
		{950, "A145A3E1", "‧€", 0},
		{54936, "8130813041FF",
		 "\xC2\x80"
		 "A" BAD,
		 1},
		{1255, "E0C1", "אֱ", 0}, /* held back to be joined, let out at the end */
		{1255, "41D942E0", "A" BAD "Bא", 1},
		{1255, "E0D9", "א" BAD, 1}, /* in this order */
		{1258, "61CC", "à", 0},
		{20127, "41C3A442", "A" BAD BAD "B", 2},
		{65001, "41C3A4FF", "Aä" BAD, 1},
		{1200, "410000D8", "A" BAD, 1},
		{65000, "412B", "A" BAD, 1},
		{20106, "E4", BAD, 1},
		{0, "41E442", "A" BAD "B", 1}, /* unknown code pages: ASCII only */
		{4711, "41E4E5", "A" BAD BAD, 2},
		{4711, "41", "A", 0},
		{1252, "", "", 0},
		{4711, "", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};
		uint8_t in[32];
		size_t n = unhex(t[i].hex, in, sizeof(in));
		uint64_t bad = 99;
		enum pm_rc rc = pm_cp_to_utf8(&ctx, &out, t[i].cp, in, n, &bad);

		if (rc != (t[i].bad ? PM_DAMAGED : PM_OK) || bad != t[i].bad)
			fail_msg("case %zu: rc %d, %u bad: %s", i, rc, (unsigned int)bad,
				 pm_buf_cstr(&ctx, &out));
		assert_text(&out, t[i].want);
	}
}

/* Whatever the bytes, the result is UTF-8 and no error. */
static void test_pages_noise(void **state)
{
	uint64_t seed = 88172645463325252ull;
	uint8_t in[97];
	uint32_t cp;

	(void)state;
	for (size_t i = 0; (cp = pm_cp_list(i)) != 0; i++) {
		for (size_t n = 0; n < sizeof(in); n++) {
			struct pm_ctx ctx = {0};
			struct pm_buf out = {0};

			for (size_t k = 0; k < n; k++) {
				seed ^= seed << 13;
				seed ^= seed >> 7;
				seed ^= seed << 17;
				/* every third text is full of escape sequences */
				in[k] = (uint8_t)(seed >> 20);
				if (n % 3 == 0 && seed % 5 == 0)
					in[k] = (uint8_t) "\x1B$B(ONI\x0E\x0F~{+-"[seed / 5 % 13];
			}
			if (pm_is_error(pm_cp_to_utf8(&ctx, &out, cp, in, n, NULL)))
				fail_msg("code page %u, %zu bytes: %s", (unsigned int)cp, n,
					 ctx.text);
			assert_true(pm_utf8_valid(out.p, out.n));
			pm_buf_done(&out);
		}
	}
}

static void test_jis(void **state)
{
	static const struct {
		const char *hex, *want;
		uint64_t bad;
	} t[] = {
		{"1B2440467C4B5C1B284A5C7E", "日本\\~", 0}, /* the set of 1978 */
		{"1B24422D211B2842", "①", 0},               /* NEC's row 13 */
		{"1B2442467C0A41", "日\nA", 0},             /* no way back, but a new line */
		{"1B244246", BAD, 1},                       /* half a character */
		{"1B2442460A", BAD "\n", 1},
		{"1B2849312042", "ｱ ﾂ", 0}, /* kana; a blank is a blank */
		{"1B284960", BAD, 1},
		{"0E310F41", "ｱA", 0}, /* kana by shift out */
		{"1B2442467C0E310F4B5C", "日ｱ本", 0},
		{"1B24284422301B284241", BAD "A", 1}, /* JIS X 0212 */
		{"1B2440", "", 0},
		{"1B41",
		 "\x1B"
		 "A",
		 0},
		{"1B26401B2442467C", "日", 0}, /* the revision of 1990 is announced */
		{"93FA967B", "日本", 0},       /* Shift-JIS under a wrong label */
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		for (uint32_t cp = 50220; cp <= 50222; cp++) {
			struct pm_ctx ctx = {0};
			struct pm_buf out = {0};
			uint8_t in[32];
			size_t n = unhex(t[i].hex, in, sizeof(in));
			uint64_t bad = 99;

			pm_cp_to_utf8(&ctx, &out, cp, in, n, &bad);
			if (bad != t[i].bad)
				fail_msg("case %zu: %u bad", i, (unsigned int)bad);
			assert_text(&out, t[i].want);
		}
	}
}

static void test_hz(void **state)
{
	static const struct {
		const char *text, *want;
	} t[] = {
		{"a~{VPND~}b", "a中文b"},
		{"~~x~\ny", "~xy"},
		{"~{VP\nVP", "中\nVP"}, /* a line begins in ASCII */
		{"~{VP V", "中 V"},
		{"~{VP~~", "中" BAD BAD},
		{"~", "~"},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};

		pm_cp_to_utf8(&ctx, &out, 52936, t[i].text, strlen(t[i].text), NULL);
		assert_text(&out, t[i].want);
	}
}

/* Longer than the chunks inside, with a character across every border. */
static void test_long_text(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf in = {0}, out = {0};
	uint64_t bad = 99;

	(void)state;
	for (int i = 0; i < 5000; i++)
		pm_buf_str(&ctx, &in, i % 100 ? "\x93\xFA" : "\xFDx");
	assert_int_equal(pm_cp_to_utf8(&ctx, &out, 932, in.p, in.n, &bad), PM_DAMAGED);
	assert_int_equal(bad, 50);
	assert_int_equal(out.n, 4950 * 3 + 50 * 4);
	assert_true(pm_utf8_valid(out.p, out.n));
	pm_buf_done(&in);
	pm_buf_done(&out);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		uint32_t cp;
	} t[] = {
		{"utf-8", 65001},
		{"UTF8", 65001},
		{"Windows-1252", 1252},
		{"cp1252", 1252},
		{"us-ascii", 20127},
		{"ISO-2022-JP", 50220},
		{"euc-jp", 51932},
		{"gb2312", 936},
		{"shift_jis", 932},
		{"koi8-r", 20866},
		{"macintosh", 10000},
		{"utf-16", 1200},
		{"nonsense", 0},
		{"", 0},
		{"utf-", 0},
		{"utf-88", 0},
	};
	uint32_t cp;

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++)
		assert_int_equal(pm_cp_by_name(t[i].name, strlen(t[i].name)), t[i].cp);
	assert_string_equal(pm_cp_mime(1252), "windows-1252");
	assert_string_equal(pm_cp_mime(50221), "iso-2022-jp");
	assert_null(pm_cp_mime(4711));
	assert_false(pm_cp_known(4711));
	assert_false(pm_cp_is_ascii(4711));
	/* A label names a code page that has that label. */
	for (size_t i = 0; (cp = pm_cp_list(i)) != 0; i++) {
		const char *mime = pm_cp_mime(cp);
		uint32_t back = mime ? pm_cp_by_name(mime, strlen(mime)) : 0;

		if (mime && !pm_cp_mime(back))
			fail_msg("%s is the label of %u, which has none", mime, (unsigned int)back);
	}
}

/* --- time ---------------------------------------------------------------------------- */

static void test_time_formats(void **state)
{
	static const struct {
		uint64_t ft;
		const char *iso, *mail, *line;
	} t[] = {
		{PM_FILETIME_UNIX, "1970-01-01T00:00:00Z", "Thu, 1 Jan 1970 00:00:00 +0000",
		 "Thu Jan  1 00:00:00 1970"},
		{PM_FILETIME_UNIX + 1709210096ull * PM_FILETIME_SECOND + 9999999,
		 "2024-02-29T12:34:56Z", "Thu, 29 Feb 2024 12:34:56 +0000",
		 "Thu Feb 29 12:34:56 2024"},
		{PM_FILETIME_NONE, "1601-01-01T00:00:00Z", "Mon, 1 Jan 1601 00:00:00 +0000",
		 "Mon Jan  1 00:00:00 1601"},
		{PM_FILETIME_NEVER, "4501-01-01T00:00:00Z", "Sat, 1 Jan 4501 00:00:00 +0000",
		 "Sat Jan  1 00:00:00 4501"},
		{UINT64_MAX, "60056-05-28T05:36:10Z", "Sun, 28 May 60056 05:36:10 +0000",
		 "Sun May 28 05:36:10 60056"},
	};
	char text[PM_TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		assert_string_equal(pm_time_iso(t[i].ft, text), t[i].iso);
		assert_string_equal(pm_time_5322(t[i].ft, text), t[i].mail);
		assert_string_equal(pm_time_from_line(t[i].ft, text), t[i].line);
	}
	assert_false(pm_time_is_set(PM_FILETIME_NONE));
	assert_false(pm_time_is_set(PM_FILETIME_NEVER));
	assert_true(pm_time_is_set(PM_FILETIME_NEVER - 1));
}

static int days_in(int64_t year, int month)
{
	static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* 900 years day by day against a calendar that merely counts. */
static void test_time_calendar(void **state)
{
	struct pm_civil want = {.year = 1601, .month = 1, .day = 1, .weekday = 1};

	(void)state;
	for (uint64_t day = 0; want.year < 2500; day++) {
		uint64_t ft = day * 86400 * PM_FILETIME_SECOND;
		struct pm_civil c;

		pm_time_civil(ft + 86399 * PM_FILETIME_SECOND + 17, &c);
		if (c.year != want.year || c.month != want.month || c.day != want.day ||
		    c.weekday != want.weekday || c.hour != 23 || c.minute != 59 || c.second != 59 ||
		    c.ticks != 17)
			fail_msg("day %llu is wrong", (unsigned long long)day);
		assert_true(pm_time_from_civil(&want) == ft);
		want.weekday = (want.weekday + 1) % 7;
		if (++want.day > days_in(want.year, want.month)) {
			want.day = 1;
			want.month = want.month % 12 + 1;
			want.year += want.month == 1;
		}
	}
}

static void test_time_from_civil(void **state)
{
	static const struct {
		struct pm_civil c;
		uint64_t want;
	} t[] = {
		{{.year = 1970, .month = 1, .day = 1, .ticks = 5}, PM_FILETIME_UNIX + 5},
		{{.year = 1969, .month = 13, .day = 1}, PM_FILETIME_UNIX},
		{{.year = 1971, .month = -11, .day = 1}, PM_FILETIME_UNIX},
		{{.year = 1970, .month = 1, .day = 0, .hour = 24}, PM_FILETIME_UNIX},
		{{.year = 1970, .month = 1, .day = 1, .hour = 1, .minute = -60}, PM_FILETIME_UNIX},
		{{.year = 1600, .month = 12, .day = 31}, 0},
		{{.year = -5000000000, .month = 1, .day = 1}, 0},
		{{.year = 60057, .month = 1, .day = 1}, UINT64_MAX},
		{{.year = INT64_MAX, .month = 12, .day = 31}, UINT64_MAX},
		{{.year = 60056,
		  .month = 5,
		  .day = 28,
		  .hour = 5,
		  .minute = 36,
		  .second = 10,
		  .ticks = 9551615},
		 UINT64_MAX},
		{{.year = 60056,
		  .month = 5,
		  .day = 28,
		  .hour = 5,
		  .minute = 36,
		  .second = 10,
		  .ticks = 9551614},
		 UINT64_MAX - 1},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++)
		assert_true(pm_time_from_civil(&t[i].c) == t[i].want);
}

static void test_time_unix(void **state)
{
	(void)state;
	assert_true(pm_time_to_unix(PM_FILETIME_UNIX) == 0);
	assert_true(pm_time_to_unix(PM_FILETIME_UNIX + PM_FILETIME_SECOND) == 1);
	assert_true(pm_time_to_unix(PM_FILETIME_UNIX - 1) == -1);
	assert_true(pm_time_to_unix(0) == -11644473600);
	assert_true(pm_time_from_unix(0) == PM_FILETIME_UNIX);
	assert_true(pm_time_from_unix(-11644473600) == 0);
	assert_true(pm_time_from_unix(-11644473601) == 0);
	assert_true(pm_time_from_unix(INT64_MIN) == 0);
	assert_true(pm_time_from_unix(INT64_MAX) == UINT64_MAX);
	assert_true(pm_time_from_unix(pm_time_to_unix(UINT64_MAX)) ==
		    UINT64_MAX - UINT64_MAX % PM_FILETIME_SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf16_to_utf8),
		cmocka_unit_test(test_utf16_valid),
		cmocka_unit_test(test_utf16_all_characters),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_utf8_put_refuses),
		cmocka_unit_test(test_cp_from_utf8),
		cmocka_unit_test(test_limit_and_memory),
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_printable_nul),
		cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_pages_ascii),
		cmocka_unit_test(test_pages_bad),
		cmocka_unit_test(test_pages_noise),
		cmocka_unit_test(test_jis),
		cmocka_unit_test(test_hz),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_time_formats),
		cmocka_unit_test(test_time_calendar),
		cmocka_unit_test(test_time_from_civil),
		cmocka_unit_test(test_time_unix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
