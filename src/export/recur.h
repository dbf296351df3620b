/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When things recur: the blob of appointments (AppointmentRecurrencePattern, [MS-OXOCAL
 * 2.2.1.44.5]) and of tasks (RecurrencePattern, 2.2.1.44.1). Times in it are minutes since 1601
 * in the zone of the appointment, here as FILETIME of that local time.
 */
#ifndef PM_EXPORT_RECUR_H
#define PM_EXPORT_RECUR_H

#include "base/bytes.h"

struct pm_recur_exception {
	uint64_t start, end, original;  /* local */
	uint16_t flags;                 /* enum pm_recur_override */
	const char *subject, *location; /* UTF-8 in the arena; NULL: as in the series */
	uint32_t busy;
	uint32_t all_day;
};

enum pm_recur_override {
	PM_RECUR_SUBJECT = 0x0001,
	PM_RECUR_MEETING = 0x0002,
	PM_RECUR_DELTA = 0x0004,
	PM_RECUR_REMINDER = 0x0008,
	PM_RECUR_LOCATION = 0x0010,
	PM_RECUR_BUSY = 0x0020,
	PM_RECUR_ATTACHMENT = 0x0040,
	PM_RECUR_ALL_DAY = 0x0080,
	PM_RECUR_COLOR = 0x0100,
	PM_RECUR_BODY = 0x0200,
};

struct pm_recur {
	struct pm_arena arena;
	uint16_t frequency, pattern; /* as stored */
	uint32_t period, days, day, nth, end_type, count, first_day;
	uint64_t start, end; /* first and last day, local midnight */
	/* Of appointments: time of day of start and end, in minutes. */
	uint32_t start_offset, end_offset;
	PM_VEC(uint64_t) deleted; /* local midnights, those of exceptions among them */
	PM_VEC(struct pm_recur_exception) exceptions;
};

#define PM_RECUR_UNTIL 0x2021
#define PM_RECUR_COUNT 0x2022

/*
 * Read a blob; `appointment`: it has times and exceptions. `cp` is the code page of its strings of
 * 8 bits. PM_OK; PM_DAMAGED: it ends too early, the pattern is there; PM_LOST: it is none; or an
 * error. To be closed in every case.
 */
enum pm_rc pm_recur_parse(struct pm_ctx *ctx, struct pm_span s, bool appointment, uint32_t cp,
			  struct pm_recur *ret) PM_MUST_CHECK;
void pm_recur_done(struct pm_recur *r);

/* Append the rule as RRULE has it, without its end. False: iCalendar has no word for it. */
bool pm_recur_rule(struct pm_ctx *ctx, const struct pm_recur *r, struct pm_buf *out);
/* Is the day of this local time one whose occurrence was changed? */
bool pm_recur_is_changed(const struct pm_recur *r, uint64_t day);

#endif
