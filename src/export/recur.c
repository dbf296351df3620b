/* SPDX-License-Identifier: Apache-2.0 */
/* Recurrence patterns; see recur.h. */
#include "export/recur.h"

#include "base/time.h"
#include "ltp/value.h"

#define MINUTE ((uint64_t)60 * PM_FILETIME_SECOND)
#define DAY    (1440 * MINUTE)

enum {
	PATTERN_VERSION = 0x3004,
	HIGHLIGHT_VERSION = 0x3009, /* from here on, extended exceptions begin with a highlight */
	PATTERN_DAY = 0,
	PATTERN_WEEK = 1,
	PATTERN_MONTH = 2,
	PATTERN_NTH = 3,
	PATTERN_END = 4,
	HIJRI = 8, /* this and what follows are of another calendar */
	FREQ_DAILY = 0x200A,
	FREQ_YEARLY = 0x200D,
};

static uint64_t minutes(struct pm_cursor *c)
{
	return (uint64_t)pm_cursor_u32(c) * MINUTE;
}

/* ---- the pattern ---- */

static void read_specific(struct pm_cursor *c, struct pm_recur *r)
{
	switch (r->pattern & 7) {
	case PATTERN_WEEK:
		r->days = pm_cursor_u32(c) & 0x7F;
		break;
	case PATTERN_MONTH:
	case PATTERN_END:
		r->day = pm_cursor_u32(c);
		break;
	case PATTERN_NTH:
		r->days = pm_cursor_u32(c) & 0x7F;
		r->nth = pm_cursor_u32(c);
		break;
	default:
		break;
	}
}

/* A list of days with its count in front, which can't be more than there are bytes. */
static enum pm_rc read_days(struct pm_ctx *ctx, struct pm_cursor *c, struct pm_recur *r, bool keep)
{
	uint32_t n = pm_cursor_u32(c);
	const uint8_t *p = pm_cursor_take(c, (uint64_t)n * 4);

	for (uint32_t i = 0; p && keep && i < n; i++) {
		uint64_t *slot = pm_vec_push(ctx, &r->deleted);

		if (!slot)
			return ctx->rc;
		*slot = pm_le32(p + (size_t)i * 4) * MINUTE;
	}
	return PM_OK;
}

/* ---- exceptions ---- */

/* A string of 8 bits behind its length plus one and its length. */
static const char *read_narrow(struct pm_ctx *ctx, struct pm_cursor *c, struct pm_recur *r,
			       uint32_t cp)
{
	struct pm_buf text = {0};
	const char *s = NULL;
	const uint8_t *p;
	uint16_t n;

	pm_cursor_u16(c);
	n = pm_cursor_u16(c);
	p = pm_cursor_take(c, n);
	if (p && !pm_is_error(pm_text_of(ctx, PM_PT_STRING8, (struct pm_span){p, n, 0}, cp, &text)))
		s = pm_arena_strdup(ctx, &r->arena, pm_buf_cstr(ctx, &text));
	pm_buf_done(&text);
	return s;
}

static const char *read_wide(struct pm_ctx *ctx, struct pm_cursor *c, struct pm_recur *r)
{
	uint32_t n = (uint32_t)pm_cursor_u16(c) * 2;
	const uint8_t *p = pm_cursor_take(c, n);
	struct pm_buf text = {0};
	const char *s = NULL;

	if (p && !pm_is_error(pm_text_of(ctx, PM_PT_UNICODE, (struct pm_span){p, n, 0}, 0, &text)))
		s = pm_arena_strdup(ctx, &r->arena, pm_buf_cstr(ctx, &text));
	pm_buf_done(&text);
	return s;
}

static void read_exception(struct pm_ctx *ctx, struct pm_cursor *c, struct pm_recur *r, uint32_t cp,
			   struct pm_recur_exception *e)
{
	e->start = minutes(c);
	e->end = minutes(c);
	e->original = minutes(c);
	e->flags = pm_cursor_u16(c);
	if (e->flags & PM_RECUR_SUBJECT)
		e->subject = read_narrow(ctx, c, r, cp);
	if (e->flags & PM_RECUR_MEETING)
		pm_cursor_u32(c);
	if (e->flags & PM_RECUR_DELTA)
		pm_cursor_u32(c);
	if (e->flags & PM_RECUR_REMINDER)
		pm_cursor_u32(c);
	if (e->flags & PM_RECUR_LOCATION)
		e->location = read_narrow(ctx, c, r, cp);
	if (e->flags & PM_RECUR_BUSY)
		e->busy = pm_cursor_u32(c);
	if (e->flags & PM_RECUR_ATTACHMENT)
		pm_cursor_u32(c);
	if (e->flags & PM_RECUR_ALL_DAY)
		e->all_day = pm_cursor_u32(c);
	if (e->flags & PM_RECUR_COLOR)
		pm_cursor_u32(c);
}

static void skip_block(struct pm_cursor *c)
{
	pm_cursor_take(c, pm_cursor_u32(c));
}

/* The same strings again, as Unicode. */
static void read_extended(struct pm_ctx *ctx, struct pm_cursor *c, struct pm_recur *r,
			  uint32_t version, struct pm_recur_exception *e)
{
	const char *s;

	if (version >= HIGHLIGHT_VERSION)
		skip_block(c);
	skip_block(c);
	if (!(e->flags & (PM_RECUR_SUBJECT | PM_RECUR_LOCATION)))
		return;
	pm_cursor_take(c, 12); /* start, end, original once more */
	if (e->flags & PM_RECUR_SUBJECT) {
		s = read_wide(ctx, c, r);
		e->subject = s ? s : e->subject;
	}
	if (e->flags & PM_RECUR_LOCATION) {
		s = read_wide(ctx, c, r);
		e->location = s ? s : e->location;
	}
	skip_block(c);
}

static enum pm_rc read_appointment(struct pm_ctx *ctx, struct pm_cursor *c, struct pm_recur *r,
				   uint32_t cp)
{
	uint32_t version;
	uint16_t n;

	pm_cursor_u32(c);
	version = pm_cursor_u32(c);
	r->start_offset = pm_cursor_u32(c);
	r->end_offset = pm_cursor_u32(c);
	n = pm_cursor_u16(c);
	for (uint16_t i = 0; i < n && !c->bad; i++) {
		struct pm_recur_exception e = {0}, *slot;

		read_exception(ctx, c, r, cp, &e);
		slot = c->bad ? NULL : pm_vec_push(ctx, &r->exceptions);
		if (slot)
			*slot = e;
	}
	skip_block(c);
	/* What is missing from here on is only the other form of strings that are there. */
	for (size_t i = 0; i < r->exceptions.n && !c->bad; i++)
		read_extended(ctx, c, r, version, &r->exceptions.v[i]);
	return ctx->rc;
}

enum pm_rc pm_recur_parse(struct pm_ctx *ctx, struct pm_span s, bool appointment, uint32_t cp,
			  struct pm_recur *ret)
{
	struct pm_cursor c = {.s = s};
	struct pm_recur *r = ret;
	enum pm_rc rc;

	*r = (struct pm_recur){0};
	if (pm_cursor_u16(&c) != PATTERN_VERSION)
		return PM_LOST;
	pm_cursor_u16(&c);
	r->frequency = pm_cursor_u16(&c);
	r->pattern = pm_cursor_u16(&c);
	pm_cursor_u16(&c); /* calendar */
	pm_cursor_u32(&c); /* first date */
	r->period = pm_cursor_u32(&c);
	pm_cursor_u32(&c); /* sliding */
	read_specific(&c, r);
	r->end_type = pm_cursor_u32(&c);
	r->count = pm_cursor_u32(&c);
	r->first_day = pm_cursor_u32(&c);
	if (c.bad)
		return PM_LOST;
	rc = read_days(ctx, &c, r, true);
	if (!rc)
		rc = read_days(ctx, &c, r, false);
	r->start = minutes(&c);
	r->end = minutes(&c);
	if (!rc && !c.bad && appointment)
		rc = read_appointment(ctx, &c, r, cp);
	return rc ? rc : c.bad ? PM_DAMAGED : PM_OK;
}

void pm_recur_done(struct pm_recur *r)
{
	pm_arena_done(&r->arena);
	pm_vec_done(&r->deleted);
	pm_vec_done(&r->exceptions);
}

/* ---- rules ---- */

static const char day_names[7][3] = {"SU", "MO", "TU", "WE", "TH", "FR", "SA"};

static void put_days(struct pm_ctx *ctx, struct pm_buf *out, uint32_t mask)
{
	bool any = false;

	pm_buf_str(ctx, out, ";BYDAY=");
	for (unsigned int i = 0; i < 7; i++) {
		if (!(mask & 1u << i))
			continue;
		pm_buf_printf(ctx, out, "%s%s", any ? "," : "", day_names[i]);
		any = true;
	}
}

static void put_interval(struct pm_ctx *ctx, struct pm_buf *out, const char *freq, uint32_t n)
{
	pm_buf_printf(ctx, out, "FREQ=%s", freq);
	if (n > 1)
		pm_buf_printf(ctx, out, ";INTERVAL=%u", n);
}

/* Months, or years, which are twelve of them and happen in the month that the series begins in. */
static bool put_months(struct pm_ctx *ctx, const struct pm_recur *r, struct pm_buf *out)
{
	bool yearly = r->frequency == FREQ_YEARLY && r->period % 12 == 0;
	struct pm_civil c;

	if (!r->period)
		return false;
	put_interval(ctx, out, yearly ? "YEARLY" : "MONTHLY", yearly ? r->period / 12 : r->period);
	if (yearly) {
		pm_time_civil(r->start, &c);
		pm_buf_printf(ctx, out, ";BYMONTH=%d", c.month);
	}
	if (r->pattern == PATTERN_NTH) {
		if (!r->days || r->nth < 1 || r->nth > 5)
			return false;
		put_days(ctx, out, r->days);
		pm_buf_printf(ctx, out, ";BYSETPOS=%d", r->nth == 5 ? -1 : (int)r->nth);
		return true;
	}
	if (r->pattern == PATTERN_END || r->day >= 31) {
		pm_buf_str(ctx, out, ";BYMONTHDAY=-1");
	} else if (r->day > 28) {
		/* Where a month is too short, it is its last day. */
		pm_buf_str(ctx, out, ";BYMONTHDAY=28");
		for (uint32_t d = 29; d <= r->day; d++)
			pm_buf_printf(ctx, out, ",%u", d);
		pm_buf_str(ctx, out, ";BYSETPOS=-1");
	} else {
		pm_buf_printf(ctx, out, ";BYMONTHDAY=%u", r->day);
	}
	return r->pattern == PATTERN_END || r->day != 0;
}

bool pm_recur_rule(struct pm_ctx *ctx, const struct pm_recur *r, struct pm_buf *out)
{
	if (r->pattern >= HIJRI)
		return false;
	if (r->pattern == PATTERN_DAY) {
		if (r->period < 1440 || r->period % 1440)
			return false;
		put_interval(ctx, out, "DAILY", r->period / 1440);
		return true;
	}
	if (r->pattern == PATTERN_WEEK) {
		if (!r->days || !r->period)
			return false;
		/* Every working day is "daily", with a period that means nothing. */
		put_interval(ctx, out, "WEEKLY", r->frequency == FREQ_DAILY ? 1 : r->period);
		put_days(ctx, out, r->days);
		if (r->first_day < 7)
			pm_buf_printf(ctx, out, ";WKST=%s", day_names[r->first_day]);
		return true;
	}
	return r->pattern <= PATTERN_END && put_months(ctx, r, out);
}

bool pm_recur_is_changed(const struct pm_recur *r, uint64_t day)
{
	for (size_t i = 0; i < r->exceptions.n; i++)
		if (r->exceptions.v[i].original / DAY == day / DAY)
			return true;
	return false;
}
