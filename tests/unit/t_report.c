/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the layer report: one description printed as text, JSON and HTML. */
#include "pm_test.h"

#include "report/visual.h"

#include <stdio.h>

struct sink {
	struct pm_writer w; /* first */
	struct pm_ctx ctx;
	struct pm_buf got;
	bool full;
};

static enum pm_rc sink_write(struct pm_writer *w, const void *p, size_t n)
{
	struct sink *s = (struct sink *)w;

	if (s->full)
		return pm_fail(&s->ctx, PM_EIO, "no room");
	pm_buf_add(&s->ctx, &s->got, p, n);
	return s->ctx.rc;
}

/* Print with `fn` in one form; the bytes are left in s->got. */
static enum pm_rc print(struct sink *s, enum pm_print_form form, bool many,
			void (*fn)(struct pm_printer *p))
{
	const struct pm_print_options opts = {.many = many};
	struct pm_printer *p = NULL;
	enum pm_rc rc;

	*s = (struct sink){.w.write = sink_write, .full = s->full};
	rc = pm_printer_new(&s->ctx, form, &s->w, &opts, &p);
	if (rc == PM_OK) {
		fn(p);
		rc = pm_printer_finish(p);
	}
	pm_printer_free(p);
	return rc;
}

static void expect(enum pm_print_form form, bool many, void (*fn)(struct pm_printer *p),
		   const char *want)
{
	struct sink s = {0};

	assert_int_equal(print(&s, form, many, fn), PM_OK);
	assert_string_equal(pm_buf_cstr(&s.ctx, &s.got), want);
	pm_buf_done(&s.got);
}

static const struct pm_column name = {"name", "Name", PM_AS_TEXT, 0};
static const struct pm_column size = {"size", "Size", PM_AS_SIZE, 0};
static const struct pm_column only_json = {"raw", NULL, PM_AS_DEC, 0};
static const struct pm_column only_text = {NULL, "In words", PM_AS_TEXT, 0};
static const struct pm_column section = {"root", "The root", PM_AS_TEXT, 0};
static const struct pm_column tags = {"tags", "Tags", PM_AS_TEXT, 0};
static const struct pm_column rows = {"rows", "Rows", PM_AS_TEXT, 0};
static const struct pm_column args = {"args", NULL, PM_AS_TEXT, 0};
static const struct pm_column cells[] = {
	{"nid", "Node", PM_AS_HEX, 0},         {"at", "Offset", PM_AS_OFFSET, 0},
	{"date", "Date", PM_AS_TIME, 0},       {"deep", NULL, PM_AS_DEC, 0},
	{"subject", "Subject", PM_AS_TEXT, 8},
};

static void print_row(struct pm_printer *p, uint64_t nid, uint64_t date, const char *subject)
{
	pm_print_begin_row(p);
	pm_print_uint(p, &cells[0], nid);
	pm_print_uint(p, &cells[1], nid * 16);
	pm_print_uint(p, &cells[2], date);
	pm_print_uint(p, &cells[3], 1);
	pm_print_begin_map(p, &args);
	pm_print_int(p, &only_json, -5);
	pm_print_end(p);
	pm_print_text(p, &cells[4], subject);
	pm_print_end(p);
}

/* One document with everything in it. */
static void print_all(struct pm_printer *p)
{
	pm_print_begin_doc(p, "info", "a.pst");
	pm_print_text(p, &name, "x<y>&\"z\"\n\x1b[0m\xff");
	pm_print_uint(p, &size, 271360);
	pm_print_uint(p, &only_json, UINT64_MAX);
	pm_print_text(p, &only_text, NULL);
	pm_print_begin_map(p, &section);
	pm_print_bool(p, &name, true);
	pm_print_end(p);
	pm_print_begin_list(p, &tags);
	pm_print_text(p, &name, "one");
	pm_print_int(p, NULL, -2);
	pm_print_end(p);
	pm_print_para(p, "That is %d thing.", 1);
	pm_print_line(p, "0000  00 01");
	pm_print_line(p, "0010  10 11");
	pm_print_begin_table(p, &rows, cells, 5);
	print_row(p, 0x21, 127372248462710000ull, "short");
	print_row(p, 0x200024, 0, "quite a long one");
	pm_print_end(p);
	pm_print_begin_table(p, &args, cells, 5);
	pm_print_end(p);
	pm_print_end(p);
}

static void test_text(void **state)
{
	(void)state;
	expect(PM_PRINT_TEXT, false, print_all,
	       "Name      x<y>&\"z\"\\n\\x1B[0m\\xFF\n"
	       "Size      271360 (265 KiB)\n"
	       "In words  -\n"
	       "\n"
	       "The root:\n"
	       "  Name  yes\n"
	       "\n"
	       "Tags  one, -2\n"
	       "That is 1 thing.\n"
	       "0000  00 01\n"
	       "0010  10 11\n"
	       "\n"
	       "Rows:\n"
	       "      Node     Offset  Date                 Subject\n"
	       "      0x21      0x210  2004-08-17 14:00:46  short\n"
	       "  0x200024  0x2000240                       quite a\xE2\x80\xA6\n");
}

static void test_json(void **state)
{
	(void)state;
	expect(PM_PRINT_JSON, false, print_all,
	       "{\n"
	       "  \"pstmend\": \"" PACKAGE_VERSION "\",\n"
	       "  \"schema\": 1,\n"
	       "  \"command\": \"info\",\n"
	       "  \"file\": \"a.pst\",\n"
	       "  \"name\": \"x<y>&\\\"z\\\"\\n\\u001B[0m\xEF\xBF\xBD\",\n"
	       "  \"size\": 271360,\n"
	       "  \"raw\": 18446744073709551615,\n"
	       "  \"root\": {\n"
	       "    \"name\": true\n"
	       "  },\n"
	       "  \"tags\": [\n"
	       "    \"one\",\n"
	       "    -2\n"
	       "  ],\n"
	       "  \"rows\": [\n"
	       "    {\"nid\": \"0x21\", \"at\": 528, \"date\": \"2004-08-17T14:00:46.2710000Z\", "
	       "\"deep\": 1, \"args\": {\"raw\": -5}, \"subject\": \"short\"},\n"
	       "    {\"nid\": \"0x200024\", \"at\": 33555008, \"date\": null, "
	       "\"deep\": 1, \"args\": {\"raw\": -5}, \"subject\": \"quite a long one\"}\n"
	       "  ],\n"
	       "  \"args\": []\n"
	       "}\n");
}

static void print_two(struct pm_printer *p)
{
	for (int i = 0; i < 2; i++) {
		pm_print_begin_doc(p, "info", i ? "b\n.pst" : "a.pst");
		if (i)
			pm_print_uint(p, &size, 5);
		pm_print_end(p);
	}
}

static void print_none(struct pm_printer *p)
{
	(void)p;
}

static void test_documents(void **state)
{
	(void)state;
	expect(PM_PRINT_TEXT, true, print_two, "'b\\x0a.pst':\n  Size  5\n");
	expect(PM_PRINT_JSON, true, print_two,
	       "[\n"
	       "  {\n"
	       "    \"pstmend\": \"" PACKAGE_VERSION "\",\n"
	       "    \"schema\": 1,\n"
	       "    \"command\": \"info\",\n"
	       "    \"file\": \"a.pst\"\n"
	       "  },\n"
	       "  {\n"
	       "    \"pstmend\": \"" PACKAGE_VERSION "\",\n"
	       "    \"schema\": 1,\n"
	       "    \"command\": \"info\",\n"
	       "    \"file\": \"b\\n.pst\",\n"
	       "    \"size\": 5\n"
	       "  }\n"
	       "]\n");
	expect(PM_PRINT_JSON, true, print_none, "[]\n");
	expect(PM_PRINT_TEXT, true, print_none, "");
}

static void has(const struct sink *s, const char *want)
{
	if (!memmem(s->got.p, s->got.n, want, strlen(want)))
		fail_msg("not in the output: %s", want);
}

static size_t count(const struct sink *s, const char *what)
{
	const uint8_t *p = s->got.p, *end = p + s->got.n;
	size_t n = 0;

	while ((p = memmem(p, (size_t)(end - p), what, strlen(what)))) {
		p += strlen(what);
		n++;
	}
	return n;
}

static void test_html(void **state)
{
	static const char *const paired[] = {
		"section", "table", "thead", "tbody", "tr",   "td",   "th",   "p",   "pre",
		"h2",      "h3",    "bdi",   "main",  "body", "head", "html", "div", "caption"};
	struct sink s = {0};
	char open[16], bare[16], close[16];

	(void)state;
	assert_int_equal(print(&s, PM_PRINT_HTML, false, print_all), PM_OK);
	assert_memory_equal(s.got.p, "<!DOCTYPE html>\n<html lang=\"en\">", 32);
	has(&s, "<td><bdi>x&lt;y&gt;&amp;&quot;z&quot;\\n\\x1B[0m\\xFF</bdi></td>");
	has(&s, "<h2>'a.pst'</h2>");
	has(&s, "<h3>The root</h3>");
	has(&s, "<pre>0000  00 01\n0010  10 11\n</pre>");
	has(&s, "<p>That is 1 thing.</p>");
	has(&s, "<caption>Rows</caption>");
	has(&s, "<td class=\"n\">0x200024</td>");
	has(&s, "<td><bdi>quite a long one</bdi></td>");
	has(&s, "color-scheme:light dark");
	assert_int_equal(count(&s, "<script"), 0);
	assert_int_equal(count(&s, "http"), 0);
	for (size_t i = 0; i < PM_LEN(paired); i++) {
		snprintf(open, sizeof(open), "<%s ", paired[i]);
		snprintf(bare, sizeof(bare), "<%s>", paired[i]);
		snprintf(close, sizeof(close), "</%s>", paired[i]);
		assert_true(count(&s, close) > 0);
		assert_int_equal(count(&s, open) + count(&s, bare), count(&s, close));
	}
	pm_buf_done(&s.got);
}

/* --- values -------------------------------------------------------------------------- */

static uint64_t one_value;
static enum pm_form one_form;
static const char *one_text;

static void print_value(struct pm_printer *p)
{
	const struct pm_column col = {"v", "V", one_form, 0};

	pm_print_begin_doc(p, "x", NULL);
	if (one_text)
		pm_print_text(p, &col, one_text);
	else
		pm_print_uint(p, &col, one_value);
	pm_print_end(p);
}

static void test_values(void **state)
{
	static const struct {
		enum pm_form form;
		uint64_t v;
		const char *text, *json;
	} t[] = {
		{PM_AS_DEC, 0, "0", "0"},
		{PM_AS_HEX, UINT64_MAX, "0xffffffffffffffff", "\"0xffffffffffffffff\""},
		{PM_AS_OFFSET, 0x4400, "0x4400", "17408"},
		{PM_AS_SIZE, 1023, "1023", "1023"},
		{PM_AS_SIZE, 1024, "1024 (1.0 KiB)", "1024"},
		{PM_AS_SIZE, 10188, "10188 (9.9 KiB)", "10188"},
		{PM_AS_SIZE, 10240, "10240 (10 KiB)", "10240"},
		{PM_AS_SIZE, 1048575, "1048575 (1023 KiB)", "1048575"},
		{PM_AS_SIZE, 1048576, "1048576 (1.0 MiB)", "1048576"},
		{PM_AS_SIZE, UINT64_MAX, "18446744073709551615 (15 EiB)", "18446744073709551615"},
		{PM_AS_TIME, 116444736000000000ull, "1970-01-01 00:00:00",
		 "\"1970-01-01T00:00:00Z\""},
		{PM_AS_TIME, 0, "-", "null"},
		{PM_AS_TIME, 0x0CB34557A3DD4000ull, "-", "null"},
	};
	char want[256];

	(void)state;
	one_text = NULL;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		one_form = t[i].form;
		one_value = t[i].v;
		snprintf(want, sizeof(want), "V  %s\n", t[i].text);
		expect(PM_PRINT_TEXT, false, print_value, want);
		snprintf(want, sizeof(want),
			 "{\n  \"pstmend\": \"" PACKAGE_VERSION "\",\n  \"schema\": 1,\n"
			 "  \"command\": \"x\",\n  \"v\": %s\n}\n",
			 t[i].json);
		expect(PM_PRINT_JSON, false, print_value, want);
	}
}

/* What a terminal would act upon never goes out raw, in no form. */
static void test_mischief(void **state)
{
	static const char *const bad[] = {
		"a\x1b]0;b\x07",
		"a\xC2\x9B"
		"31m",
		"a\xE2\x80\xAE"
		"b",
		"a\xE2\x81\xA6"
		"b",
		"a\xED\xA0\x80"
		"b",
	};

	(void)state;
	one_form = PM_AS_TEXT;
	for (size_t i = 0; i < PM_LEN(bad); i++)
		for (int form = PM_PRINT_TEXT; form <= PM_PRINT_HTML; form++) {
			struct sink s = {0};

			one_text = bad[i];
			assert_int_equal(print(&s, form, false, print_value), PM_OK);
			assert_int_equal(count(&s, bad[i] + 1), 0);
			for (size_t k = 0; k < s.got.n; k++)
				assert_true(s.got.p[k] >= 0x20 || s.got.p[k] == '\n');
			pm_buf_done(&s.got);
		}
	one_text = NULL;
}

static void test_width(void **state)
{
	static const struct {
		const char *s;
		size_t width, fit3;
	} t[] = {
		{"", 0, 0},
		{"abcd", 4, 3},
		{"e\xCC\x81"
		 "tude",
		 5, 5},
		{"\xE6\x97\xA5\xE6\x9C\xAC", 4, 3},
		{"\xF0\x9F\x98\x80\xF0\x9F\x98\x80", 4, 4},
		{"\xC4\x9F\xC5\x9F\xC4\xB1\xC3\xBC", 4, 6},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		assert_int_equal(pm_text_width(t[i].s, strlen(t[i].s)), t[i].width);
		assert_int_equal(pm_text_fit(t[i].s, strlen(t[i].s), 3), t[i].fit3);
	}
}

/* --- long tables, chains, misuse, failures ------------------------------------------------ */

enum { MANY_ROWS = 3000 };

static void print_long(struct pm_printer *p)
{
	pm_print_begin_doc(p, "x", NULL);
	pm_print_begin_table(p, &rows, cells, 5);
	for (uint64_t i = 0; i < MANY_ROWS; i++)
		print_row(p, i, 0, "s");
	pm_print_end(p);
	pm_print_end(p);
}

static void test_long_table(void **state)
{
	for (int form = PM_PRINT_TEXT; form <= PM_PRINT_HTML; form++) {
		struct sink s = {0};

		(void)state;
		assert_int_equal(print(&s, form, false, print_long), PM_OK);
		has(&s, "0xbb7");
		assert_int_equal(count(&s, "Subject"), form != PM_PRINT_JSON);
		assert_true(count(&s, "\n") >= MANY_ROWS);
		pm_buf_done(&s.got);
	}
}

static void test_chain(void **state)
{
	struct sink a = {.w.write = sink_write}, b = {.w.write = sink_write}, alone = {0};
	struct pm_printer *p, *q;

	(void)state;
	assert_int_equal(pm_printer_new(&a.ctx, PM_PRINT_TEXT, &a.w, NULL, &p), PM_OK);
	assert_int_equal(pm_printer_new(&b.ctx, PM_PRINT_JSON, &b.w, NULL, &q), PM_OK);
	pm_printer_chain(p, q);
	a.full = true; /* one that fails doesn't disturb the other */
	print_all(p);
	assert_int_equal(pm_printer_finish(p), PM_EIO);
	pm_printer_free(p);
	assert_int_equal(b.ctx.rc, PM_OK);
	assert_int_equal(print(&alone, PM_PRINT_JSON, false, print_all), PM_OK);
	assert_int_equal(b.got.n, alone.got.n);
	assert_memory_equal(b.got.p, alone.got.p, b.got.n);
	pm_buf_done(&a.got);
	pm_buf_done(&b.got);
	pm_buf_done(&alone.got);
}

static void value_outside(struct pm_printer *p)
{
	pm_print_uint(p, &size, 1);
}

static void row_outside(struct pm_printer *p)
{
	pm_print_begin_doc(p, "x", NULL);
	pm_print_begin_row(p);
}

static void value_in_table(struct pm_printer *p)
{
	pm_print_begin_doc(p, "x", NULL);
	pm_print_begin_table(p, &rows, cells, 5);
	pm_print_uint(p, &cells[0], 1);
}

static void end_too_often(struct pm_printer *p)
{
	pm_print_begin_doc(p, "x", NULL);
	pm_print_end(p);
	pm_print_end(p);
}

static void too_deep(struct pm_printer *p)
{
	pm_print_begin_doc(p, "x", NULL);
	for (int i = 0; i < 100; i++)
		pm_print_begin_map(p, &section);
}

static void doc_in_doc(struct pm_printer *p)
{
	pm_print_begin_doc(p, "x", NULL);
	pm_print_begin_doc(p, "x", NULL);
}

static void test_misuse(void **state)
{
	static void (*const wrong[])(struct pm_printer *) = {
		value_outside, row_outside, value_in_table, end_too_often, too_deep, doc_in_doc,
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(wrong); i++)
		for (int form = PM_PRINT_TEXT; form <= PM_PRINT_HTML; form++) {
			struct sink s = {0};

			assert_int_equal(print(&s, form, false, wrong[i]), PM_EBUG);
			pm_buf_done(&s.got);
		}
}

static void unwound(struct pm_printer *p)
{
	pm_print_begin_doc(p, "x", NULL);
	pm_print_begin_table(p, &rows, cells, 5);
	pm_print_begin_row(p);
	pm_print_uint(p, &cells[0], 1);
	pm_print_unwind(p, 1);
	assert_int_equal(pm_print_depth(p), 1);
	pm_print_uint(p, &only_json, 7);
	pm_print_unwind(p, 0);
}

static void test_unwind(void **state)
{
	struct sink s = {0};

	(void)state;
	assert_int_equal(print(&s, PM_PRINT_JSON, false, unwound), PM_OK);
	has(&s, "{\"nid\": \"0x1\"}\n  ],\n  \"raw\": 7\n}\n");
	pm_buf_done(&s.got);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (int form = PM_PRINT_TEXT; form <= PM_PRINT_HTML; form++) {
		bool done = false;

		for (uint64_t n = 1; !done; n++) {
			struct sink s = {0};
			uint64_t before = pm_mem_count();
			enum pm_rc rc;

			pm_mem_fail_at(n);
			rc = print(&s, form, false, print_all);
			done = pm_mem_count() - before < n;
			pm_mem_fail_at(0);
			assert_int_equal(rc, done ? PM_OK : PM_ENOMEM);
			pm_buf_done(&s.got);
		}
	}
}

static void test_no_room(void **state)
{
	(void)state;
	for (int form = PM_PRINT_TEXT; form <= PM_PRINT_HTML; form++) {
		struct sink s = {.full = true};

		assert_int_equal(print(&s, form, false, print_long), PM_EIO);
		assert_string_equal(s.ctx.text, "no room");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),      cmocka_unit_test(test_json),
		cmocka_unit_test(test_documents), cmocka_unit_test(test_html),
		cmocka_unit_test(test_values),    cmocka_unit_test(test_mischief),
		cmocka_unit_test(test_width),     cmocka_unit_test(test_long_table),
		cmocka_unit_test(test_chain),     cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_unwind),    cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
