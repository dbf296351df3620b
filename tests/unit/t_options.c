/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the layer cli: options by tables. */
#include "pm_test.h"

#include "cli/options.h"

struct values {
	bool strict, quiet;
	const char *output;
	struct pm_number n, size;
	int form;
};

#define AT(member) offsetof(struct values, member)

static const struct pm_option own[] = {
	{PM_OPT_FLAG, "strict", 0, NULL, "be strict", AT(strict), NULL},
	{PM_OPT_STRING, "output", 'o', "PATH", "where to", AT(output), NULL},
	{PM_OPT_NUMBER, "number", 'n', "N", "a number", AT(n), NULL},
	{PM_OPT_SIZE, "memory", 0, "SIZE", "an option with a name that takes the column", AT(size),
	 NULL},
	{0},
};
static const struct pm_option shared[] = {
	{PM_OPT_CHOICE, "format", 0, "FORM", "form", AT(form), "text json html"},
	{PM_OPT_FLAG, "quiet", 'q', NULL, "say less", AT(quiet), NULL},
	{PM_OPT_FLAG, "strict", 0, NULL, "never reached", AT(quiet), NULL},
	{0},
};

enum { ARGS = 12, WHY = 256 };

/* Parse the words; what is said of wrong usage is left in `why`. */
static bool parse(const char *const *words, struct values *v, int *first, char **argv, char *why)
{
	const struct pm_option_set sets[] = {{own, v}, {NULL, NULL}, {shared, v}};
	struct pm_ctx ctx = {0};
	struct pm_buf b = {0};
	int argc = 1;
	bool ok;

	*v = (struct values){0};
	argv[0] = (char *)(uintptr_t) "cmd";
	while (words[argc - 1]) {
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
		argc++;
	}
	argv[argc] = NULL;
	ok = pm_options_parse(&ctx, sets, 3, argc, argv, first, &b);
	assert_int_equal(ctx.rc, PM_OK);
	assert_true(b.n < WHY);
	memcpy(why, pm_buf_cstr(&ctx, &b), b.n + 1);
	pm_buf_done(&b);
	return ok;
}

static void test_values(void **state)
{
	static const char *const words[] = {
		"file", "--strict", "-o",   "out", "--number=0x1F", "-q", "--memory=512M",
		"more", "--format", "html", NULL};
	char *argv[ARGS], why[WHY] = "";
	struct values v;
	int first;

	(void)state;
	assert_true(parse(words, &v, &first, argv, why));
	assert_true(v.strict && v.quiet);
	assert_string_equal(v.output, "out");
	assert_true(v.n.given && v.n.value == 31);
	assert_true(v.size.given && v.size.value == 512 << 20);
	assert_int_equal(v.form, 2);
	assert_string_equal(argv[first], "file");
	assert_string_equal(argv[first + 1], "more");
	assert_null(argv[first + 2]);
	assert_string_equal(why, "");
}

static void test_defaults(void **state)
{
	static const char *const words[] = {"--", "--strict", NULL};
	char *argv[ARGS], why[WHY] = "";
	struct values v;
	int first;

	(void)state;
	assert_true(parse(words, &v, &first, argv, why));
	assert_false(v.strict || v.quiet || v.output || v.n.given || v.form);
	assert_string_equal(argv[first], "--strict");
}

static void test_wrong(void **state)
{
	static const struct {
		const char *words[3];
		const char *why;
	} t[] = {
		{{"--strct"},
		 "there is no option '--strct', or it is cut short too much; "
		 "did you mean --strict?"},
		{{"--zzz"}, "there is no option '--zzz', or it is cut short too much"},
		{{"-x"}, "there is no option '-x'"},
		{{"--output"}, "--output needs an argument"},
		{{"-o"}, "-o needs an argument"},
		{{"-o", ""}, "--output: its argument is empty"},
		{{"--strict=1"}, "--strict takes no argument"},
		{{"--number", "12x"}, "--number '12x': this is not a number"},
		{{"--number="}, "--number '': this is not a number"},
		{{"--number", "18446744073709551616"},
		 "--number '18446744073709551616': this is not a number"},
		{{"--memory", "5X"}, "--memory '5X': this is not a number such as 512M"},
		{{"--memory", "18014398509481984K"},
		 "--memory '18014398509481984K': this is not a number such as 512M"},
		{{"--format", "xml"}, "--format 'xml': choose one of text, json, html"},
		{{"--format", "tex"}, "--format 'tex': choose one of text, json, html"},
		{{"--format", "json html"}, "--format 'json html': choose one of text, json, html"},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		char *argv[ARGS], why[WHY] = "";
		struct values v;
		int first = -1;

		assert_false(parse(t[i].words, &v, &first, argv, why));
		assert_string_equal(why, t[i].why);
		assert_int_equal(first, -1);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *s;
		bool ok;
		uint64_t number, size;
	} t[] = {
		{"0", true, 0, 0},
		{"18446744073709551615", true, UINT64_MAX, UINT64_MAX},
		{"0xffffffffffffffff", true, UINT64_MAX, UINT64_MAX},
		{"0x10000000000000000", false, 0, 0},
		{"", false, 0, 0},
		{"0x", false, 0, 0},
		{"-1", false, 0, 0},
		{" 1", false, 0, 0},
		{"1f", false, 0, 0},
		{"0X1f", true, 31, 31},
	};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		assert_int_equal(pm_parse_number(t[i].s, &v), t[i].ok);
		if (t[i].ok)
			assert_true(v == t[i].number);
		assert_int_equal(pm_parse_size(t[i].s, &v), t[i].ok);
		if (t[i].ok)
			assert_true(v == t[i].size);
	}
	assert_true(pm_parse_size("3k", &v) && v == 3072);
	assert_true(pm_parse_size("16777215T", &v) && v == 16777215ull << 40);
	assert_false(pm_parse_size("16777216T", &v));
	assert_false(pm_parse_size("K", &v));
}

static void test_help(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf b = {0};

	(void)state;
	pm_options_help(&ctx, own, &b);
	pm_options_help(&ctx, shared, &b);
	pm_options_help(&ctx, NULL, &b);
	assert_string_equal(
		pm_buf_cstr(&ctx, &b),
		"      --strict            be strict\n"
		"  -o, --output PATH       where to\n"
		"  -n, --number N          a number\n"
		"      --memory SIZE       an option with a name that takes the column\n"
		"      --format FORM       form: text, json, html\n"
		"  -q, --quiet             say less\n"
		"      --strict            never reached\n");
	pm_buf_done(&b);
}

static void test_nearest(void **state)
{
	static const char *const names[] = {"check", "repair", "export", "info", "ls", NULL};
	static const struct {
		const char *word, *want;
	} t[] = {
		{"check", "check"},   {"chekc", "check"}, {"repiar", "repair"},
		{"exprot", "export"}, {"inof", "info"},   {"l", "ls"},
		{"frobnicate", NULL}, {"xx", NULL},       {"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		const char *got = pm_nearest(t[i].word, names);

		if (t[i].want)
			assert_string_equal(got, t[i].want);
		else
			assert_null(got);
	}
}

static void test_no_memory(void **state)
{
	(void)state;
	for (uint64_t n = 1;; n++) {
		uint64_t before = pm_mem_count();
		struct pm_ctx ctx = {0};
		struct pm_buf b = {0};

		pm_mem_fail_at(n);
		pm_options_help(&ctx, own, &b);
		pm_mem_fail_at(0);
		pm_buf_done(&b);
		if (pm_mem_count() - before < n) {
			assert_int_equal(ctx.rc, PM_OK);
			break;
		}
		assert_int_equal(ctx.rc, PM_ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),    cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_wrong),     cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_help),      cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
