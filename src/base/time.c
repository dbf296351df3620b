/* SPDX-License-Identifier: Apache-2.0 */
/* FILETIME and the calendar. */
#include "base/time.h"

#include <stdio.h>

#define SECONDS_A_DAY 86400
#define DAYS_A_ERA    146097 /* 400 years, after which the calendar repeats */

/*
 * The calendar is reckoned in years that begin on 1 March, so that the leap day is the last
 * of its year; day 0 of the era that holds 1601-01-01 is 1600-03-01.
 */
#define DAYS_1600_03_01 (-306) /* from 1601-01-01 */

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char weekdays[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days since 1601-01-01 of a day of the month; month 1 to 12, any day. */
static int64_t days_of(int64_t year, int month, int64_t day)
{
	int64_t y = year - 1600 - (month < 3);
	int64_t era = floor_div(y, 400);
	int64_t in_era = y - era * 400;
	int64_t m = month < 3 ? month + 9 : month - 3;

	return DAYS_1600_03_01 + era * DAYS_A_ERA + in_era * 365 + in_era / 4 - in_era / 100 +
	       (153 * m + 2) / 5 + day - 1;
}

static void date_of(int64_t days, struct pm_civil *c)
{
	int64_t since = days - DAYS_1600_03_01;
	int64_t era = floor_div(since, DAYS_A_ERA);
	int64_t doe = since - era * DAYS_A_ERA;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / (DAYS_A_ERA - 1)) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t m = (5 * doy + 2) / 153;

	c->day = (int)(doy - (153 * m + 2) / 5 + 1);
	c->month = (int)(m < 10 ? m + 3 : m - 9);
	c->year = 1600 + era * 400 + yoe + (c->month < 3);
	c->weekday = (int)(((days + 1) % 7 + 7) % 7); /* 1601-01-01 was a Monday */
}

void pm_time_civil(uint64_t ft, struct pm_civil *ret)
{
	int64_t seconds = (int64_t)(ft / PM_FILETIME_SECOND);
	int rest = (int)(seconds % SECONDS_A_DAY);

	date_of(seconds / SECONDS_A_DAY, ret);
	ret->hour = rest / 3600;
	ret->minute = rest / 60 % 60;
	ret->second = rest % 60;
	ret->ticks = (uint32_t)(ft % PM_FILETIME_SECOND);
}

uint64_t pm_time_from_civil(const struct pm_civil *c)
{
	int64_t year = c->year, month = (int64_t)c->month - 1, seconds;
	uint64_t ft;

	/* Beyond these years the other fields can't bring it back into range; no overflow below. */
	if (year < -200000000)
		return 0;
	if (year > 200000000)
		return UINT64_MAX;
	year += floor_div(month, 12);
	month -= floor_div(month, 12) * 12;
	seconds = days_of(year, (int)month + 1, c->day) * SECONDS_A_DAY + (int64_t)c->hour * 3600 +
		  (int64_t)c->minute * 60 + c->second;
	if (seconds < 0)
		return 0;
	if (__builtin_mul_overflow((uint64_t)seconds, PM_FILETIME_SECOND, &ft) ||
	    __builtin_add_overflow(ft, c->ticks, &ft))
		return UINT64_MAX;
	return ft;
}

int64_t pm_time_to_unix(uint64_t ft)
{
	return (int64_t)(ft / PM_FILETIME_SECOND) -
	       (int64_t)(PM_FILETIME_UNIX / PM_FILETIME_SECOND);
}

uint64_t pm_time_from_unix(int64_t seconds)
{
	const int64_t first = -(int64_t)(PM_FILETIME_UNIX / PM_FILETIME_SECOND);
	const int64_t last = (int64_t)(UINT64_MAX / PM_FILETIME_SECOND) + first;

	if (seconds < first)
		return 0;
	if (seconds > last)
		return UINT64_MAX;
	return (uint64_t)(seconds - first) * PM_FILETIME_SECOND;
}

const char *pm_time_iso(uint64_t ft, char ret[PM_TIME_TEXT])
{
	struct pm_civil c;

	pm_time_civil(ft, &c);
	snprintf(ret, PM_TIME_TEXT, "%04lld-%02d-%02dT%02d:%02d:%02dZ", (long long)c.year, c.month,
		 c.day, c.hour, c.minute, c.second);
	return ret;
}

const char *pm_time_5322(uint64_t ft, char ret[PM_TIME_TEXT])
{
	struct pm_civil c;

	pm_time_civil(ft, &c);
	snprintf(ret, PM_TIME_TEXT, "%s, %d %s %04lld %02d:%02d:%02d +0000", weekdays[c.weekday],
		 c.day, months[c.month - 1], (long long)c.year, c.hour, c.minute, c.second);
	return ret;
}

const char *pm_time_from_line(uint64_t ft, char ret[PM_TIME_TEXT])
{
	struct pm_civil c;

	pm_time_civil(ft, &c);
	snprintf(ret, PM_TIME_TEXT, "%s %s %2d %02d:%02d:%02d %04lld", weekdays[c.weekday],
		 months[c.month - 1], c.day, c.hour, c.minute, c.second, (long long)c.year);
	return ret;
}
