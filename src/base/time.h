/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time as stored: FILETIME, the number of 100 ns since 1601-01-01 00:00 UTC, unsigned 64 bits
 * [MS-DTYP 2.3.3]. Proleptic Gregorian calendar, UTC, no libc time functions; every value has
 * a date (the last is in the year 60056).
 */
#ifndef PM_BASE_TIME_H
#define PM_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define PM_FILETIME_NONE   0ull
#define PM_FILETIME_NEVER  0x0CB34557A3DD4000ull /* 4501-01-01, "no date" of Outlook */
#define PM_FILETIME_SECOND 10000000ull
#define PM_FILETIME_UNIX   116444736000000000ull /* 1970-01-01 */

/* A FILETIME that says when: neither "none" nor "never". The formats below take any value. */
static inline bool pm_time_is_set(uint64_t ft)
{
	return ft != PM_FILETIME_NONE && ft != PM_FILETIME_NEVER;
}

struct pm_civil {
	int64_t year;
	int month; /* 1 to 12 */
	int day;   /* 1 to 31 */
	int hour, minute, second;
	int weekday;    /* 0 Sunday to 6 Saturday */
	uint32_t ticks; /* the rest of the second, in 100 ns */
};

void pm_time_civil(uint64_t ft, struct pm_civil *ret);
/*
 * The FILETIME of a date; fields beyond their range carry over (month 13 is next January,
 * minute -60 an hour before). `weekday` is not looked at. Out of FILETIME's range: the nearest.
 */
uint64_t pm_time_from_civil(const struct pm_civil *c);

int64_t pm_time_to_unix(uint64_t ft); /* whole seconds, rounded down */
uint64_t pm_time_from_unix(int64_t seconds);

#define PM_TIME_TEXT 40 /* room that each of these texts fits in */

const char *pm_time_iso(uint64_t ft, char ret[PM_TIME_TEXT]);  /* 1970-01-01T00:00:00Z */
const char *pm_time_5322(uint64_t ft, char ret[PM_TIME_TEXT]); /* Thu, 1 Jan 1970 00:00:00 +0000 */
const char *pm_time_from_line(uint64_t ft, char ret[PM_TIME_TEXT]); /* Thu Jan  1 00:00:00 1970 */

#endif
