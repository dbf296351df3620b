/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones; see tz.h. */
#include "export/tz.h"

#include "base/time.h"
#include "export/gw.h"

#define MINUTE ((int64_t)60 * (int64_t)PM_FILETIME_SECOND)

enum {
	BIAS_MAX = 24 * 60,
	RULE_SIZE = 66,
	FIRST_YEAR = 1970, /* that changes are written from */
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

static bool is_rule(struct pm_tz_rule *r)
{
	if (!in_range(r->bias) || !in_range(r->standard_bias) || !in_range(r->daylight_bias) ||
	    !is_change(&r->standard) || !is_change(&r->daylight))
		return false;
	if (!r->standard.month || !r->daylight.month)
		r->standard.month = r->daylight.month = 0;
	return true;
}

bool pm_tz_parse_struct(struct pm_span s, struct pm_tz *ret)
{
	struct pm_cursor c = {.s = s};
	struct pm_tz_rule r = {0};

	r.bias = (int32_t)pm_cursor_u32(&c);
	r.standard_bias = (int32_t)pm_cursor_u32(&c);
	r.daylight_bias = (int32_t)pm_cursor_u32(&c);
	pm_cursor_u16(&c);
	r.standard = read_change(&c);
	pm_cursor_u16(&c);
	r.daylight = read_change(&c);
	if (c.bad || !is_rule(&r))
		return false;
	*ret = (struct pm_tz){.n = 1, .v = {r}};
	return true;
}

/* TZRule [MS-OXOCAL 2.2.1.41.1] */
static bool read_rule(struct pm_cursor *c, struct pm_tz_rule *r)
{
	size_t at = c->pos;

	*r = (struct pm_tz_rule){0};
	pm_cursor_take(c, 6); /* version, size, flags: which rule counts today is of no matter */
	r->from = pm_cursor_u16(c);
	pm_cursor_take(c, 14);
	r->bias = (int32_t)pm_cursor_u32(c);
	r->standard_bias = (int32_t)pm_cursor_u32(c);
	r->daylight_bias = (int32_t)pm_cursor_u32(c);
	r->standard = read_change(c);
	r->daylight = read_change(c);
	return !c->bad && c->pos - at == RULE_SIZE && is_rule(r);
}

/* In its place by year; of two for one year the later one counts. False: there are too many. */
static bool insert(struct pm_tz *tz, const struct pm_tz_rule *r)
{
	size_t i = tz->n;

	while (i && tz->v[i - 1].from > r->from)
		i--;
	if (i && tz->v[i - 1].from == r->from) {
		tz->v[i - 1] = *r;
		return true;
	}
	if (tz->n == PM_TZ_RULES_MAX)
		return false;
	memmove(&tz->v[i + 1], &tz->v[i], (tz->n - i) * sizeof(tz->v[0]));
	tz->v[i] = *r;
	tz->n++;
	return true;
}

bool pm_tz_parse_definition(struct pm_span s, struct pm_tz *ret, struct pm_span *ret_name)
{
	struct pm_cursor c = {.s = s};
	struct pm_tz tz = {0};
	struct pm_tz_rule r;
	const uint8_t *name;
	uint16_t n, rules;

	if (pm_cursor_u16(&c) != 0x0102)
		return false;
	pm_cursor_take(&c, 4); /* size of the header, reserved */
	n = pm_cursor_u16(&c);
	name = pm_cursor_take(&c, (uint64_t)n * 2);
	rules = pm_cursor_u16(&c);
	for (uint16_t i = 0; i < rules && read_rule(&c, &r); i++)
		if (!insert(&tz, &r))
			break;
	if (!tz.n)
		return false;
	*ret = tz;
	*ret_name = (struct pm_span){name, (size_t)n * 2, 0};
	return true;
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

static const struct pm_tz_rule *rule_of(const struct pm_tz *tz, int64_t year)
{
	size_t i = tz->n - 1;

	while (i && tz->v[i].from > year)
		i--;
	return &tz->v[i];
}

static int32_t standard_of(const struct pm_tz_rule *r)
{
	return r->bias + r->standard_bias;
}

static int32_t daylight_of(const struct pm_tz_rule *r)
{
	return r->bias + r->daylight_bias;
}

void pm_tz_trim(struct pm_tz *tz, uint64_t first, uint64_t last)
{
	struct pm_civil a, b;
	size_t skip = 0;

	pm_time_civil(first, &a);
	pm_time_civil(last, &b);
	while (tz->n > 1 && tz->v[tz->n - 1].from > b.year)
		tz->n--;
	while (skip + 1 < tz->n && tz->v[skip + 1].from <= a.year)
		skip++;
	tz->n -= skip;
	memmove(&tz->v[0], &tz->v[skip], tz->n * sizeof(tz->v[0]));
}

uint64_t pm_tz_local(const struct pm_tz *tz, uint64_t utc)
{
	const struct pm_tz_rule *r;
	uint64_t to_daylight, to_standard;
	struct pm_civil c;
	bool summer;

	/* The year is that of local time, which is only known by the rule of a year. */
	pm_time_civil(utc, &c);
	r = rule_of(tz, c.year);
	pm_time_civil(shift(utc, -standard_of(r)), &c);
	r = rule_of(tz, c.year);
	if (!r->daylight.month)
		return shift(utc, -standard_of(r));
	to_daylight = shift(change_at(&r->daylight, c.year), standard_of(r));
	to_standard = shift(change_at(&r->standard, c.year), daylight_of(r));
	/* South of the equator the year begins in summer. */
	summer = to_daylight < to_standard ? utc >= to_daylight && utc < to_standard
					   : utc >= to_daylight || utc < to_standard;
	return shift(utc, -(summer ? daylight_of(r) : standard_of(r)));
}

uint64_t pm_tz_utc(const struct pm_tz *tz, uint64_t local)
{
	const struct pm_tz_rule *r;
	struct pm_civil c;
	uint64_t summer;

	pm_time_civil(local, &c);
	r = rule_of(tz, c.year);
	summer = shift(local, daylight_of(r));
	if (r->daylight.month && pm_tz_local(tz, summer) == local)
		return summer;
	return shift(local, standard_of(r));
}

/* ---- writing ---- */

static void put_offset(struct pm_ctx *ctx, struct pm_buf *out, const char *name, int32_t bias)
{
	int32_t v = bias > 0 ? bias : -bias;

	pm_buf_printf(ctx, out, "%s:%c%02d%02d\r\n", name, bias > 0 ? '-' : '+', v / 60, v % 60);
}

/* When this happens every year, the last time: in the year before `until`, as UTC. */
static void put_yearly(struct pm_ctx *ctx, struct pm_buf *out, const struct pm_tz_change *t,
		       int64_t until, int32_t from)
{
	static const char days[7][3] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};
	struct pm_civil c;

	pm_buf_printf(ctx, out, "RRULE:FREQ=YEARLY;BYDAY=%d%s;BYMONTH=%d",
		      t->day == 5 ? -1 : t->day, days[t->weekday], t->month);
	if (until) {
		pm_time_civil(shift(change_at(t, until - 1), from), &c);
		pm_buf_printf(ctx, out, ";UNTIL=%04lld%02d%02dT%02d%02d00Z", (long long)c.year,
			      c.month, c.day, c.hour, c.minute);
	}
	pm_buf_str(ctx, out, "\r\n");
}

/* A change to `to`, at this local time of the offset `from`; yearly before the year `until` (0: for
 * ever) where `t` tells of a day of every year. */
static void put_part(struct pm_ctx *ctx, struct pm_buf *out, const char *kind, uint64_t at,
		     const struct pm_tz_change *t, int64_t until, int32_t from, int32_t to)
{
	struct pm_civil c;

	pm_time_civil(at, &c);
	pm_buf_printf(ctx, out, "BEGIN:%s\r\n", kind);
	pm_buf_printf(ctx, out, "DTSTART:%04lld%02d%02dT%02d%02d00\r\n", (long long)c.year, c.month,
		      c.day, c.hour, c.minute);
	if (t && t->month && !t->year)
		put_yearly(ctx, out, t, until, from);
	put_offset(ctx, out, "TZOFFSETFROM", from);
	put_offset(ctx, out, "TZOFFSETTO", to);
	pm_buf_printf(ctx, out, "END:%s\r\n", kind);
}

static uint64_t new_year(int64_t year)
{
	return pm_time_from_civil(&(struct pm_civil){.year = year, .month = 1, .day = 1});
}

/* South of the equator it is summer when the year turns. */
static bool turns_in_summer(const struct pm_tz_rule *r, int64_t year)
{
	return r->daylight.month && change_at(&r->daylight, year) > change_at(&r->standard, year);
}

/* From `year` on, up to the year `until`; *offset is that at the turn of the year in front of it. */
static void put_rule(struct pm_ctx *ctx, struct pm_buf *out, const struct pm_tz_rule *r,
		     int64_t year, int64_t until, int32_t *offset)
{
	bool summer = turns_in_summer(r, year);
	int32_t begins = summer ? daylight_of(r) : standard_of(r);

	if (begins != *offset)
		put_part(ctx, out, summer ? "DAYLIGHT" : "STANDARD", new_year(year), NULL, 0,
			 *offset, begins);
	*offset = begins;
	if (!r->daylight.month)
		return;
	put_part(ctx, out, "STANDARD", change_at(&r->standard, year), &r->standard, until,
		 daylight_of(r), standard_of(r));
	put_part(ctx, out, "DAYLIGHT", change_at(&r->daylight, year), &r->daylight, until,
		 standard_of(r), daylight_of(r));
}

void pm_tz_put(struct pm_ctx *ctx, struct pm_buf *out, const struct pm_tz *tz, const char *name)
{
	struct pm_buf line = {0};
	const struct pm_tz_rule *first = &tz->v[0];
	int32_t offset =
		turns_in_summer(first, FIRST_YEAR) ? daylight_of(first) : standard_of(first);

	pm_buf_str(ctx, out, "BEGIN:VTIMEZONE\r\n");
	pm_buf_printf(ctx, &line, "TZID:%s", name);
	pm_gw_line(ctx, out, line.p, line.n);
	/* There must be one part at least [RFC 5545 3.6.5]. */
	if (!first->daylight.month)
		put_part(ctx, out, "STANDARD", new_year(FIRST_YEAR), NULL, 0, offset, offset);
	for (size_t i = 0; i < tz->n; i++) {
		int64_t until = i + 1 < tz->n ? tz->v[i + 1].from : 0;

		/* Of years that nobody asks about only the last rule counts. */
		if (until && until <= FIRST_YEAR)
			continue;
		put_rule(ctx, out, &tz->v[i],
			 i && tz->v[i].from > FIRST_YEAR ? tz->v[i].from : FIRST_YEAR, until,
			 &offset);
	}
	pm_buf_str(ctx, out, "END:VTIMEZONE\r\n");
	pm_buf_done(&line);
}
