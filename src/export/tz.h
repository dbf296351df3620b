/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones of appointments: read, computed with, and written as VTIMEZONE. */
#ifndef PM_EXPORT_TZ_H
#define PM_EXPORT_TZ_H

#include "base/bytes.h"

/* When clocks change: every year on the day-th weekday of the month (5: the last), or on a date
 * where there is a year. Month 0: they don't. */
struct pm_tz_change {
	uint16_t year, month, weekday, day, hour, minute;
};

/*
 * What holds from 1 January of a year on, until that of the next rule. Minutes are what is to be
 * added to local time to get UTC.
 */
struct pm_tz_rule {
	uint32_t from;
	int32_t bias, standard_bias, daylight_bias;
	struct pm_tz_change standard, daylight;
};

#define PM_TZ_RULES_MAX 64 /* the busiest zones have changed their rules some twenty times */

/* Rules by year; the first one holds for what was before it as well. */
struct pm_tz {
	size_t n; /* at least 1 */
	struct pm_tz_rule v[PM_TZ_RULES_MAX];
};

/* PidLidTimeZoneStruct [MS-OXOCAL 2.2.1.39]. False: it is none. */
bool pm_tz_parse_struct(struct pm_span s, struct pm_tz *ret);
/*
 * A time zone definition [MS-OXOCAL 2.2.1.41] with all its rules, or those in front of what can't be
 * read. *ret_name is its key name as UTF-16, a part of s. False: it is none.
 */
bool pm_tz_parse_definition(struct pm_span s, struct pm_tz *ret, struct pm_span *ret_name);

/* Leave only rules that hold in some year from the first to the last of these local times. */
void pm_tz_trim(struct pm_tz *tz, uint64_t first, uint64_t last);

/* FILETIME to and from local time. Where clocks were put forward, an hour that never was is taken
 * for that behind it; where they were put back, the first of two is meant. */
uint64_t pm_tz_local(const struct pm_tz *tz, uint64_t utc);
uint64_t pm_tz_utc(const struct pm_tz *tz, uint64_t local);

/* Append a VTIMEZONE of this name, CR LF lines. */
void pm_tz_put(struct pm_ctx *ctx, struct pm_buf *out, const struct pm_tz *tz, const char *name);

#endif
