/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of recurrence patterns and time zones, on blobs put together here field by field. */
#include "pm_test.h"

#include "base/time.h"
#include "export/recur.h"
#include "export/tz.h"

/* ---- blobs ---- */

struct blob {
	uint8_t p[1024];
	size_t n;
};

static void w16(struct blob *b, unsigned int v)
{
	pm_put16(b->p + b->n, (uint16_t)v);
	b->n += 2;
}

static void w32(struct blob *b, uint32_t v)
{
	pm_put32(b->p + b->n, v);
	b->n += 4;
}

static void wstr(struct blob *b, const char *s, bool wide)
{
	size_t n = strlen(s);

	if (!wide)
		w16(b, (unsigned int)n + 1);
	w16(b, (unsigned int)n);
	for (size_t i = 0; i < n; i++) {
		if (wide)
			w16(b, (uint8_t)s[i]);
		else
			b->p[b->n++] = (uint8_t)s[i];
	}
}

/* Minutes since 1601 */
static uint32_t at(int year, int month, int day, int hour, int minute)
{
	struct pm_civil c = {
		.year = year, .month = month, .day = day, .hour = hour, .minute = minute};

	return (uint32_t)(pm_time_from_civil(&c) / PM_FILETIME_SECOND / 60);
}

static uint64_t ft(int year, int month, int day, int hour, int minute)
{
	return (uint64_t)at(year, month, day, hour, minute) * 60 * PM_FILETIME_SECOND;
}

/* Up to the field that is of the pattern's own. */
static void begin(struct blob *b, unsigned int freq, unsigned int pattern, uint32_t period)
{
	b->n = 0;
	w16(b, 0x3004);
	w16(b, 0x3004);
	w16(b, freq);
	w16(b, pattern);
	w16(b, 0);
	w32(b, 0);
	w32(b, period);
	w32(b, 0);
}

/* Behind it, up to the dates. */
static void tail(struct blob *b, uint32_t end_type, uint32_t count)
{
	w32(b, end_type);
	w32(b, count);
	w32(b, 1);
}

static void assert_rule(struct blob *b, enum pm_rc want, const char *rule)
{
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};
	struct pm_recur r;
	bool ok;

	assert_int_equal(pm_recur_parse(&ctx, (struct pm_span){b->p, b->n, 0}, false, 1252, &r),
			 want);
	ok = pm_recur_rule(&ctx, &r, &out);
	if (rule)
		assert_string_equal(pm_buf_cstr(&ctx, &out), rule);
	assert_int_equal(ok, rule != NULL);
	pm_buf_done(&out);
	pm_recur_done(&r);
}

static void dates(struct blob *b)
{
	tail(b, 0x2023, 10);
	w32(b, 0);
	w32(b, 0);
	w32(b, at(2021, 5, 3, 0, 0));
	w32(b, 0x5AE980DF);
}

static void test_rules(void **state)
{
	static const struct {
		unsigned int freq, pattern;
		uint32_t period, specific[2];
		int n;
		const char *rule;
	} cases[] = {
		{0x200A, 0, 1440, {0}, 0, "FREQ=DAILY"},
		{0x200A, 0, 4320, {0}, 0, "FREQ=DAILY;INTERVAL=3"},
		{0x200A, 1, 1, {0x3E}, 1, "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;WKST=MO"},
		{0x200B, 1, 2, {0x41}, 1, "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,SA;WKST=MO"},
		{0x200C, 2, 1, {15}, 1, "FREQ=MONTHLY;BYMONTHDAY=15"},
		{0x200C, 2, 3, {30}, 1, "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=28,29,30;BYSETPOS=-1"},
		{0x200C, 2, 1, {31}, 1, "FREQ=MONTHLY;BYMONTHDAY=-1"},
		{0x200C, 4, 1, {31}, 1, "FREQ=MONTHLY;BYMONTHDAY=-1"},
		{0x200C, 3, 1, {0x04, 2}, 2, "FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2"},
		{0x200C,
		 3,
		 2,
		 {0x3E, 5},
		 2,
		 "FREQ=MONTHLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"},
		{0x200D, 2, 12, {3}, 1, "FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=3"},
		{0x200D,
		 3,
		 24,
		 {0x02, 1},
		 2,
		 "FREQ=YEARLY;INTERVAL=2;BYMONTH=5;BYDAY=MO;BYSETPOS=1"},
		/* What iCalendar can't say, or what nothing can mean */
		{0x200C, 10, 1, {15}, 1, NULL},
		{0x200A, 0, 90, {0}, 0, NULL},
		{0x200B, 1, 1, {0}, 1, NULL},
		{0x200C, 3, 1, {0x04, 6}, 2, NULL},
		{0x200C, 2, 0, {15}, 1, NULL},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(cases); i++) {
		struct blob b;

		begin(&b, cases[i].freq, cases[i].pattern, cases[i].period);
		for (int k = 0; k < cases[i].n; k++)
			w32(&b, cases[i].specific[k]);
		dates(&b);
		assert_rule(&b, PM_OK, cases[i].rule);
	}
}

/* A series with one occurrence that is gone, and one that was moved and renamed. */
static void weekly(struct blob *b)
{
	begin(b, 0x200B, 1, 1);
	w32(b, 0x02);
	tail(b, PM_RECUR_UNTIL, 10);
	w32(b, 2);
	w32(b, at(2021, 5, 10, 0, 0));
	w32(b, at(2021, 5, 17, 0, 0));
	w32(b, 1);
	w32(b, at(2021, 5, 18, 0, 0));
	w32(b, at(2021, 5, 3, 0, 0));
	w32(b, at(2021, 7, 5, 0, 0));
	w32(b, 0x3006);
	w32(b, 0x3009);
	w32(b, 9 * 60);
	w32(b, 10 * 60);
	w16(b, 1);
	w32(b, at(2021, 5, 18, 14, 0));
	w32(b, at(2021, 5, 18, 15, 30));
	w32(b, at(2021, 5, 17, 9, 0));
	w16(b, PM_RECUR_SUBJECT | PM_RECUR_LOCATION | PM_RECUR_BUSY);
	wstr(b, "narrow", false);
	wstr(b, "room", false);
	w32(b, 3);
	w32(b, 0); /* reserved */
	w32(b, 4); /* highlight */
	w32(b, 0);
	w32(b, 0); /* reserved */
	for (int i = 0; i < 3; i++)
		w32(b, 0);
	wstr(b, "wide", true);
	wstr(b, "Room", true);
	w32(b, 0);
	w32(b, 0);
}

static void test_exceptions(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_recur r;
	struct blob b;

	(void)state;
	weekly(&b);
	assert_int_equal(pm_recur_parse(&ctx, (struct pm_span){b.p, b.n, 0}, true, 1252, &r),
			 PM_OK);
	assert_int_equal(r.start, ft(2021, 5, 3, 0, 0));
	assert_int_equal(r.start_offset, 540);
	assert_int_equal(r.deleted.n, 2);
	assert_int_equal(r.exceptions.n, 1);
	assert_int_equal(r.exceptions.v[0].start, ft(2021, 5, 18, 14, 0));
	assert_int_equal(r.exceptions.v[0].original, ft(2021, 5, 17, 9, 0));
	assert_int_equal(r.exceptions.v[0].busy, 3);
	assert_string_equal(r.exceptions.v[0].subject, "wide");
	assert_string_equal(r.exceptions.v[0].location, "Room");
	assert_true(pm_recur_is_changed(&r, r.deleted.v[1]));
	assert_false(pm_recur_is_changed(&r, r.deleted.v[0]));
	pm_recur_done(&r);
}

/* Cut anywhere, and with bytes changed: an end, in bounds, never an error. */
static void test_damaged(void **state)
{
	struct blob whole;
	uint32_t seed = 7;

	(void)state;
	weekly(&whole);
	for (size_t n = 0; n <= whole.n; n++) {
		struct pm_ctx ctx = {0};
		struct pm_recur r;
		enum pm_rc rc =
			pm_recur_parse(&ctx, (struct pm_span){whole.p, n, 0}, true, 1252, &r);

		assert_int_equal(rc, n == whole.n       ? PM_OK
				     : n < 22 + 4 + 12  ? PM_LOST
				     : n >= whole.n - 4 ? PM_OK /* the last reserved block */
							: PM_DAMAGED);
		pm_recur_done(&r);
	}
	for (unsigned int round = 0; round < 20000; round++) {
		struct pm_ctx ctx = {0};
		struct blob b = whole;
		struct pm_recur r;
		struct pm_buf rule = {0};

		for (unsigned int i = 0; i < 3; i++) {
			seed = seed * 1664525 + 1013904223;
			b.p[(seed >> 8) % b.n] = (uint8_t)(seed >> 24);
		}
		assert_false(pm_is_error(
			pm_recur_parse(&ctx, (struct pm_span){b.p, b.n, 0}, true, 1252, &r)));
		pm_recur_rule(&ctx, &r, &rule);
		pm_buf_done(&rule);
		pm_recur_done(&r);
	}
}

/* ---- zones ---- */

static void change(struct blob *b, unsigned int month, unsigned int weekday, unsigned int day,
		   unsigned int hour)
{
	w16(b, 0);
	w16(b, month);
	w16(b, weekday);
	w16(b, day);
	w16(b, hour);
	for (int i = 0; i < 3; i++)
		w16(b, 0);
}

/* Berlin */
static void berlin(struct blob *b)
{
	b->n = 0;
	w32(b, (uint32_t)-60);
	w32(b, 0);
	w32(b, (uint32_t)-60);
	w16(b, 0);
	change(b, 10, 0, 5, 3);
	w16(b, 0);
	change(b, 3, 0, 5, 2);
}

static void test_zone(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};
	struct pm_tz tz;
	struct blob b;

	(void)state;
	berlin(&b);
	assert_int_equal(b.n, 48);
	assert_false(pm_tz_parse_struct((struct pm_span){b.p, 47, 0}, &tz));
	assert_true(pm_tz_parse_struct((struct pm_span){b.p, b.n, 0}, &tz));
	assert_int_equal(pm_tz_local(&tz, ft(2021, 1, 1, 12, 0)), ft(2021, 1, 1, 13, 0));
	assert_int_equal(pm_tz_local(&tz, ft(2021, 7, 1, 12, 0)), ft(2021, 7, 1, 14, 0));
	/* Both sides of the changes of 2021: March 28 and October 31, 01:00 UTC */
	assert_int_equal(pm_tz_local(&tz, ft(2021, 3, 28, 0, 59)), ft(2021, 3, 28, 1, 59));
	assert_int_equal(pm_tz_local(&tz, ft(2021, 3, 28, 1, 0)), ft(2021, 3, 28, 3, 0));
	assert_int_equal(pm_tz_local(&tz, ft(2021, 10, 31, 0, 59)), ft(2021, 10, 31, 2, 59));
	assert_int_equal(pm_tz_local(&tz, ft(2021, 10, 31, 1, 0)), ft(2021, 10, 31, 2, 0));
	assert_int_equal(pm_tz_utc(&tz, ft(2021, 7, 1, 14, 0)), ft(2021, 7, 1, 12, 0));
	assert_int_equal(pm_tz_utc(&tz, ft(2021, 1, 1, 13, 0)), ft(2021, 1, 1, 12, 0));
	pm_tz_put(&ctx, &out, &tz, "Berlin");
	assert_string_equal(pm_buf_cstr(&ctx, &out),
			    "BEGIN:VTIMEZONE\r\nTZID:Berlin\r\n"
			    "BEGIN:STANDARD\r\nDTSTART:19701025T030000\r\n"
			    "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\n"
			    "TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\n"
			    "BEGIN:DAYLIGHT\r\nDTSTART:19700329T020000\r\n"
			    "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\n"
			    "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\n"
			    "END:VTIMEZONE\r\n");
	pm_buf_done(&out);
}

/* South of the equator summer spans the new year. */
static void test_south(void **state)
{
	struct pm_tz tz = {.n = 1,
			   .v[0] = {.bias = -600,
				    .daylight_bias = -60,
				    .standard = {.month = 4, .day = 1, .hour = 3},
				    .daylight = {.month = 10, .day = 1, .hour = 2}}};

	(void)state;
	assert_int_equal(pm_tz_local(&tz, ft(2021, 1, 1, 0, 0)), ft(2021, 1, 1, 11, 0));
	assert_int_equal(pm_tz_local(&tz, ft(2021, 7, 1, 0, 0)), ft(2021, 7, 1, 10, 0));
}

/* A definition of these rules: the year, and the bias; daylight time is there with the last two. */
static void definition(struct blob *b, unsigned int n, const unsigned int *years,
		       const int32_t *biases)
{
	w16(b, 0x0102);
	w16(b, 12);
	w16(b, 2);
	wstr(b, "Zone", true);
	w16(b, n);
	for (unsigned int i = 0; i < n; i++) {
		w16(b, 0x0102);
		w16(b, 0x3E);
		w16(b, i ? 0 : 2); /* the flag of the one in effect changes nothing */
		w16(b, years[i]);
		for (int k = 0; k < 7; k++)
			w16(b, 0);
		w32(b, (uint32_t)biases[i]);
		w32(b, 0);
		w32(b, (uint32_t)-60);
		change(b, i + 2 < n ? 0 : 11, 0, 1, 2);
		change(b, i + 2 < n ? 0 : 3, 0, i + 1 < n ? 1 : 2, 2);
	}
}

/* Each rule holds for its years, whatever their order. */
static void test_definition(void **state)
{
	static const unsigned int years[] = {2005, 2000, 2007};
	static const int32_t biases[] = {240, 360,
					 300}; /* the first of them without daylight time */
	struct pm_span name;
	struct pm_tz tz = {0};
	struct blob b = {.n = 0};

	(void)state;
	definition(&b, 3, years, biases);
	assert_true(pm_tz_parse_definition((struct pm_span){b.p, b.n, 0}, &tz, &name));
	assert_int_equal(name.n, 8);
	assert_int_equal(tz.n, 3);
	assert_int_equal(tz.v[0].from, 2000);
	assert_int_equal(tz.v[2].bias, 300);
	/* The first holds for what was before it, too. */
	assert_int_equal(pm_tz_local(&tz, ft(1999, 1, 15, 12, 0)), ft(1999, 1, 15, 6, 0));
	assert_int_equal(pm_tz_local(&tz, ft(2004, 7, 15, 12, 0)), ft(2004, 7, 15, 7, 0));
	assert_int_equal(pm_tz_local(&tz, ft(2005, 7, 15, 12, 0)), ft(2005, 7, 15, 8, 0));
	/* Clocks change on the first Sunday of March up to 2004, from 2007 on the second. */
	assert_int_equal(pm_tz_local(&tz, ft(2004, 3, 8, 12, 0)), ft(2004, 3, 8, 7, 0));
	assert_int_equal(pm_tz_local(&tz, ft(2007, 3, 8, 12, 0)), ft(2007, 3, 8, 7, 0));
	assert_int_equal(pm_tz_local(&tz, ft(2030, 3, 20, 12, 0)), ft(2030, 3, 20, 8, 0));
	for (int year = 1999; year < 2010; year++)
		for (int month = 1; month <= 12; month++) {
			uint64_t at = ft(year, month, 15, 12, 0);

			assert_int_equal(pm_tz_utc(&tz, pm_tz_local(&tz, at)), at);
		}
	/* What is cut short still has what stands in front. */
	assert_true(pm_tz_parse_definition((struct pm_span){b.p, b.n - 1, 0}, &tz, &name));
	assert_int_equal(tz.n, 2);
	for (size_t n = 0; n < 60; n++)
		assert_false(pm_tz_parse_definition((struct pm_span){b.p, n, 0}, &tz, &name));
}

/* Of a series those rules are left that hold while it lasts. */
static void test_trim(void **state)
{
	static const unsigned int years[] = {2000, 2005, 2007};
	static const int32_t biases[] = {360, 240, 300};
	struct pm_span name;
	struct pm_tz tz;
	struct blob b = {.n = 0};

	(void)state;
	definition(&b, 3, years, biases);
	assert_true(pm_tz_parse_definition((struct pm_span){b.p, b.n, 0}, &tz, &name));
	pm_tz_trim(&tz, ft(1990, 1, 1, 0, 0), ft(2030, 1, 1, 0, 0));
	assert_int_equal(tz.n, 3);
	pm_tz_trim(&tz, ft(2005, 1, 1, 0, 0), ft(2030, 1, 1, 0, 0));
	assert_int_equal(tz.n, 2);
	assert_int_equal(tz.v[0].bias, 240);
	pm_tz_trim(&tz, ft(2005, 1, 1, 0, 0), ft(2006, 12, 31, 0, 0));
	assert_int_equal(tz.n, 1);
	pm_tz_trim(&tz, ft(1990, 1, 1, 0, 0), ft(1990, 12, 31, 0, 0));
	assert_int_equal(tz.n, 1);
	assert_int_equal(tz.v[0].bias, 240);
}

/* As VTIMEZONE: yearly changes end with their rule, and where the offset is another one at the turn
 * of the year, that is a change as well. */
static void test_several_rules(void **state)
{
	static const unsigned int years[] = {2000, 2005, 2007};
	static const int32_t biases[] = {360, 240, 300};
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};
	struct pm_span name;
	struct pm_tz tz = {0};
	struct blob b = {.n = 0};

	(void)state;
	definition(&b, 3, years, biases);
	assert_true(pm_tz_parse_definition((struct pm_span){b.p, b.n, 0}, &tz, &name));
	pm_tz_put(&ctx, &out, &tz, "Zone");
	assert_string_equal(pm_buf_cstr(&ctx, &out),
			    "BEGIN:VTIMEZONE\r\nTZID:Zone\r\n"
			    "BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
			    "TZOFFSETFROM:-0600\r\nTZOFFSETTO:-0600\r\nEND:STANDARD\r\n"
			    "BEGIN:STANDARD\r\nDTSTART:20050101T000000\r\n"
			    "TZOFFSETFROM:-0600\r\nTZOFFSETTO:-0400\r\nEND:STANDARD\r\n"
			    "BEGIN:STANDARD\r\nDTSTART:20051106T020000\r\n"
			    "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11;UNTIL=20061105T050000Z\r\n"
			    "TZOFFSETFROM:-0300\r\nTZOFFSETTO:-0400\r\nEND:STANDARD\r\n"
			    "BEGIN:DAYLIGHT\r\nDTSTART:20050306T020000\r\n"
			    "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=3;UNTIL=20060305T060000Z\r\n"
			    "TZOFFSETFROM:-0400\r\nTZOFFSETTO:-0300\r\nEND:DAYLIGHT\r\n"
			    "BEGIN:STANDARD\r\nDTSTART:20070101T000000\r\n"
			    "TZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\n"
			    "BEGIN:STANDARD\r\nDTSTART:20071104T020000\r\n"
			    "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11\r\n"
			    "TZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\n"
			    "BEGIN:DAYLIGHT\r\nDTSTART:20070311T020000\r\n"
			    "RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3\r\n"
			    "TZOFFSETFROM:-0500\r\nTZOFFSETTO:-0400\r\nEND:DAYLIGHT\r\n"
			    "END:VTIMEZONE\r\n");
	pm_buf_done(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),         cmocka_unit_test(test_exceptions),
		cmocka_unit_test(test_damaged),       cmocka_unit_test(test_zone),
		cmocka_unit_test(test_south),         cmocka_unit_test(test_definition),
		cmocka_unit_test(test_several_rules), cmocka_unit_test(test_trim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
