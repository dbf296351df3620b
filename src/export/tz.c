/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones; see tz.h. */
#include "export/tz.h"

#include "base/time.h"
#include "export/gw.h"

#define MINUTE ((int64_t)60 * (int64_t)PM_FILETIME_SECOND)

enum {
	BIAS_MAX = 24 * 60,
	RULE_SIZE = 66,
	RULE_EFFECTIVE = 2, /* TZRULE_FLAG_EFFECTIVE_TZREG */
};

/* ---- reading ---- */

/* SYSTEMTIME [MS-DTYP 2.3.13] */
static struct pm_tz_change read_change(struct pm_cursor *c)
{
	struct pm_tz_change t = {0};

	t.year = pm_cursor_u16(c);
	t.month = pm_cursor_u16(c);
	t.weekday = pm_cursor_u16(c);
	t.day = pm_cursor_u16(c);
	t.hour = pm_cursor_u16(c);
	t.minute = pm_cursor_u16(c);
	pm_cursor_take(c, 4); /* seconds, milliseconds */
	return t;
}

static bool is_change(const struct pm_tz_change *t)
{
	if (!t->month)
		return true;
	return t->month <= 12 && t->weekday < 7 && t->day >= 1 && t->day <= (t->year ? 31 : 5) &&
	       t->hour < 24 && t->minute < 60;
}

static bool in_range(int32_t bias)
{
	return bias >= -BIAS_MAX && bias <= BIAS_MAX;
}

static bool is_tz(struct pm_tz *tz)
{
	if (!in_range(tz->bias) || !in_range(tz->standard_bias) || !in_range(tz->daylight_bias) ||
	    !is_change(&tz->standard) || !is_change(&tz->daylight))
		return false;
	if (!tz->standard.month || !tz->daylight.month)
		tz->standard.month = tz->daylight.month = 0;
	return true;
}

bool pm_tz_parse_struct(struct pm_span s, struct pm_tz *ret)
{
	struct pm_cursor c = {.s = s};
	struct pm_tz tz = {0};

	tz.bias = (int32_t)pm_cursor_u32(&c);
	tz.standard_bias = (int32_t)pm_cursor_u32(&c);
	tz.daylight_bias = (int32_t)pm_cursor_u32(&c);
	pm_cursor_u16(&c);
	tz.standard = read_change(&c);
	pm_cursor_u16(&c);
	tz.daylight = read_change(&c);
	if (c.bad || !is_tz(&tz))
		return false;
	*ret = tz;
	return true;
}

bool pm_tz_parse_definition(struct pm_span s, struct pm_tz *ret, struct pm_span *ret_name)
{
	struct pm_cursor c = {.s = s};
	const uint8_t *name;
	uint16_t n, rules;
	bool found = false;

	if (pm_cursor_u16(&c) != 0x0102)
		return false;
	pm_cursor_take(&c, 4); /* size of the header, reserved */
	n = pm_cursor_u16(&c);
	name = pm_cursor_take(&c, (uint64_t)n * 2);
	rules = pm_cursor_u16(&c);
	for (uint16_t i = 0; i < rules && !c.bad; i++) {
		size_t at = c.pos;
		struct pm_tz tz = {0};
		uint16_t flags;

		pm_cursor_take(&c, 4);
		flags = pm_cursor_u16(&c);
		pm_cursor_take(&c, 16); /* the year from which it holds, unused */
		tz.bias = (int32_t)pm_cursor_u32(&c);
		tz.standard_bias = (int32_t)pm_cursor_u32(&c);
		tz.daylight_bias = (int32_t)pm_cursor_u32(&c);
		tz.standard = read_change(&c);
		tz.daylight = read_change(&c);
		if (c.bad || c.pos - at != RULE_SIZE || !is_tz(&tz))
			break;
		*ret = tz;
		found = true;
		if (flags & RULE_EFFECTIVE)
			break;
	}
	if (found)
		*ret_name = (struct pm_span){name, (size_t)n * 2, 0};
	return found;
}

/* ---- computing ---- */

/* Local time of a change in a year. */
static uint64_t change_at(const struct pm_tz_change *t, int64_t year)
{
	struct pm_civil c = {.year = t->year ? t->year : year,
			     .month = t->month,
			     .day = 1,
			     .hour = t->hour,
			     .minute = t->minute};
	struct pm_civil first;
	uint64_t at = pm_time_from_civil(&c);

	if (t->year) {
		c.day = t->day;
		return pm_time_from_civil(&c);
	}
	pm_time_civil(at, &first);
	c.day = 1 + (t->weekday - first.weekday + 7) % 7 + (t->day - 1) * 7;
	at = pm_time_from_civil(&c);
	pm_time_civil(at, &first);
	if (first.month != t->month) { /* there is no fifth one */
		c.day -= 7;
		at = pm_time_from_civil(&c);
	}
	return at;
}

static uint64_t shift(uint64_t t, int64_t by_minutes)
{
	int64_t v = (int64_t)t + by_minutes * MINUTE;

	return v < 0 ? 0 : (uint64_t)v;
}

uint64_t pm_tz_local(const struct pm_tz *tz, uint64_t utc)
{
	int32_t standard = tz->bias + tz->standard_bias, daylight = tz->bias + tz->daylight_bias;
	uint64_t to_daylight, to_standard;
	struct pm_civil c;
	bool summer;

	if (!tz->daylight.month)
		return shift(utc, -standard);
	pm_time_civil(shift(utc, -standard), &c);
	to_daylight = shift(change_at(&tz->daylight, c.year), standard);
	to_standard = shift(change_at(&tz->standard, c.year), daylight);
	/* South of the equator the year begins in summer. */
	summer = to_daylight < to_standard ? utc >= to_daylight && utc < to_standard
					   : utc >= to_daylight || utc < to_standard;
	return shift(utc, -(summer ? daylight : standard));
}

uint64_t pm_tz_utc(const struct pm_tz *tz, uint64_t local)
{
	uint64_t summer = shift(local, tz->bias + tz->daylight_bias);

	if (tz->daylight.month && pm_tz_local(tz, summer) == local)
		return summer;
	return shift(local, tz->bias + tz->standard_bias);
}

/* ---- writing ---- */

static void put_offset(struct pm_ctx *ctx, struct pm_buf *out, const char *name, int32_t bias)
{
	int32_t v = bias > 0 ? bias : -bias;

	pm_buf_printf(ctx, out, "%s:%c%02d%02d\r\n", name, bias > 0 ? '-' : '+', v / 60, v % 60);
}

static void put_part(struct pm_ctx *ctx, struct pm_buf *out, const char *kind,
		     const struct pm_tz_change *t, int32_t from, int32_t to)
{
	static const char days[7][3] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};
	struct pm_civil c = {.year = 1970, .month = 1, .day = 1};

	if (t->month)
		pm_time_civil(change_at(t, 1970), &c);
	pm_buf_printf(ctx, out, "BEGIN:%s\r\n", kind);
	pm_buf_printf(ctx, out, "DTSTART:%04lld%02d%02dT%02d%02d00\r\n", (long long)c.year, c.month,
		      c.day, c.hour, c.minute);
	if (t->month && !t->year)
		pm_buf_printf(ctx, out, "RRULE:FREQ=YEARLY;BYDAY=%d%s;BYMONTH=%d\r\n",
			      t->day == 5 ? -1 : t->day, days[t->weekday], t->month);
	put_offset(ctx, out, "TZOFFSETFROM", from);
	put_offset(ctx, out, "TZOFFSETTO", to);
	pm_buf_printf(ctx, out, "END:%s\r\n", kind);
}

void pm_tz_put(struct pm_ctx *ctx, struct pm_buf *out, const struct pm_tz *tz, const char *name)
{
	int32_t standard = tz->bias + tz->standard_bias, daylight = tz->bias + tz->daylight_bias;
	bool changes = tz->daylight.month != 0;
	struct pm_buf line = {0};

	pm_buf_str(ctx, out, "BEGIN:VTIMEZONE\r\n");
	pm_buf_printf(ctx, &line, "TZID:%s", name);
	pm_gw_line(ctx, out, line.p, line.n);
	put_part(ctx, out, "STANDARD", &tz->standard, changes ? daylight : standard, standard);
	if (changes)
		put_part(ctx, out, "DAYLIGHT", &tz->daylight, standard, daylight);
	pm_buf_str(ctx, out, "END:VTIMEZONE\r\n");
	pm_buf_done(&line);
}
