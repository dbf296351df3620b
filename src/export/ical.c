/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appointments, meetings and tasks as iCalendar [RFC 5545], the components made by libical. What
 * their properties mean is in [MS-OXOCAL] and [MS-OXOTASK]. Single appointments are in UTC, which
 * no reader can shift; series are in the zone that they are kept in, with its VTIMEZONE.
 */
#include "export/gw.h"

#include "base/text.h"
#include "base/time.h"
#include "export/ical_attach.h"
#include "export/ical_calls.h"
#include "export/people.h"
#include "export/recur.h"
#include "export/tz.h"

#define BLOB_MAX ((size_t)1 << 20)
#define DAY      (1440 * 60 * PM_FILETIME_SECOND)

/* Property ids and numeric names */
enum {
	ID_IMPORTANCE = 0x0017,
	ID_SENSITIVITY = 0x0036,
	ID_EXCEPTION_REPLACE = 0x7FF9,
	ID_EXCEPTION_START = 0x7FFB,
	ID_ATTACHMENT_FLAGS = 0x7FFD,
	AF_EXCEPTION = 2,
	ID_RECIPIENT_FLAGS = 0x5FFD,
	ID_TRACK_STATUS = 0x5FFF,
	LID_SEQUENCE = 0x8201,
	LID_BUSY = 0x8205,
	LID_LOCATION = 0x8208,
	LID_START = 0x820D,
	LID_END = 0x820E,
	LID_ALL_DAY = 0x8215,
	LID_RECUR = 0x8216,
	LID_STATE = 0x8217,
	LID_RECURRING = 0x8223,
	LID_ZONE = 0x8233,
	LID_ZONE_NAME = 0x8234,
	LID_ZONE_START = 0x825E,
	LID_ZONE_RECUR = 0x8260,
	LID_DELTA = 0x8501,
	LID_REMINDER = 0x8503,
	LID_COMMON_START = 0x8516,
	LID_COMMON_END = 0x8517,
	LID_GLOBAL_ID = 0x03,
	LID_CLEAN_ID = 0x23,
	LID_TASK_STATUS = 0x8101,
	LID_TASK_PERCENT = 0x8102,
	LID_TASK_START = 0x8104,
	LID_TASK_DUE = 0x8105,
	LID_TASK_DONE = 0x810F,
	LID_TASK_RECUR = 0x8116,
};

/* An attachment that has what is special of one occurrence [MS-OXOCAL 2.2.10.1]. */
struct exception_message {
	size_t attachment;
	uint64_t original; /* when the series has it, local time; 0: not known */
	uint64_t start;    /* its own, local time of its writer */
};

struct event {
	struct pm_gw g;
	struct pm_export *ex;
	struct pm_notes *notes;
	icalcomponent *c;
	struct pm_tz tz;
	const char *tzid; /* NULL: the zone is not known */
	bool all_day;
	struct pm_recur recur;
	bool recurs;
	PM_VEC(struct exception_message) exceptions;
};

/* ---- small things ---- */

static uint16_t appointment(const struct event *e, uint32_t lid)
{
	return pm_gw_id(&e->g, PM_GW_APPOINTMENT, lid);
}

static uint16_t common(const struct event *e, uint32_t lid)
{
	return pm_gw_id(&e->g, PM_GW_COMMON, lid);
}

static uint16_t task(const struct event *e, uint32_t lid)
{
	return pm_gw_id(&e->g, PM_GW_TASK, lid);
}

static void add(icalcomponent *c, icalproperty *p)
{
	if (p)
		pm_ical.icalcomponent_add_property(c, p);
}

static void add_param(icalproperty *p, icalparameter *param)
{
	if (p && param)
		pm_ical.icalproperty_add_parameter(p, param);
}

static struct icaltimetype ical_time(uint64_t t, bool date, bool utc)
{
	struct icaltimetype r = pm_ical.icaltime_null_time();
	struct pm_civil c;

	pm_time_civil(t, &c);
	if (c.year > 9999)
		return r;
	r.year = (int)c.year;
	r.month = c.month;
	r.day = c.day;
	r.is_date = date;
	if (!date) {
		r.hour = c.hour;
		r.minute = c.minute;
		r.second = c.second;
		if (utc)
			r.zone = pm_ical.icaltimezone_get_utc_timezone();
	}
	return r;
}

/* A local time: with the zone's name, or floating where there is none. */
static void add_local(struct event *e, icalcomponent *c, icalproperty *p)
{
	if (p && e->tzid && !e->all_day)
		add_param(p, pm_ical.icalparameter_new_tzid(e->tzid));
	add(c, p);
}

/* ---- what is common ---- */

/* The id that all programs have for a meeting [MS-OXCICAL 2.1.3.1.1.20.26]. */
static const char *meeting_uid(struct event *e)
{
	static const uint8_t vcal[] = {'v', 'C', 'a', 'l', '-', 'U', 'i', 'd', 1, 0, 0, 0};
	struct pm_span s = pm_gw_bytes(&e->g, pm_gw_id(&e->g, PM_GW_MEETING, LID_CLEAN_ID), 4096);
	struct pm_buf b = {0};
	const char *uid;

	if (s.n < 40)
		s = pm_gw_bytes(&e->g, pm_gw_id(&e->g, PM_GW_MEETING, LID_GLOBAL_ID), 4096);
	if (s.n < 40)
		return NULL;
	if (s.n > 40 + sizeof(vcal) && memcmp(s.p + 40, vcal, sizeof(vcal)) == 0)
		return pm_gw_clean(
			&e->g, (const char *)s.p + 40 + sizeof(vcal),
			strnlen((const char *)s.p + 40 + sizeof(vcal), s.n - 40 - sizeof(vcal)));
	for (size_t i = 0; i < s.n; i++) /* the date of one occurrence is left out */
		pm_buf_printf(e->ex->ctx, &b, "%02X", i >= 16 && i < 20 ? 0 : s.p[i]);
	uid = pm_arena_strdup(e->ex->ctx, &e->g.arena, pm_buf_cstr(e->ex->ctx, &b));
	pm_buf_done(&b);
	return uid;
}

static void add_classes(struct event *e, icalcomponent *c)
{
	const uint32_t sensitivity = pm_gw_u32(&e->g, ID_SENSITIVITY, 0);
	const uint32_t importance = pm_gw_u32(&e->g, ID_IMPORTANCE, 1);
	const char **categories = pm_gw_categories(&e->g);

	if (sensitivity == 1 || sensitivity == 2)
		add(c, pm_ical.icalproperty_new_class(ICAL_CLASS_PRIVATE));
	if (sensitivity == 3)
		add(c, pm_ical.icalproperty_new_class(ICAL_CLASS_CONFIDENTIAL));
	if (importance == 0 || importance == 2)
		add(c, pm_ical.icalproperty_new_priority(importance ? 1 : 9));
	for (size_t i = 0; categories && categories[i]; i++)
		add(c, pm_ical.icalproperty_new_categories(categories[i]));
}

/* `subject` and `body` NULL: the item's own; "": none. DTSTAMP must be there: it is when the item was
 * changed last, never the time of the export. */
static void add_common(struct event *e, icalcomponent *c, const char *uid, const char *subject,
		       const char *body)
{
	const struct pm_message *m = e->g.m;
	uint64_t stamp = pm_time_is_set(m->modified) ? m->modified : m->created;
	const char *own = m->subject ? pm_gw_clean(&e->g, m->subject, strlen(m->subject)) : NULL;

	add(c, pm_ical.icalproperty_new_uid(uid));
	add(c, pm_ical.icalproperty_new_dtstamp(
		       ical_time(pm_time_is_set(stamp) ? stamp : PM_FILETIME_UNIX, false, true)));
	if (pm_time_is_set(m->created))
		add(c, pm_ical.icalproperty_new_created(ical_time(m->created, false, true)));
	if (pm_time_is_set(m->modified))
		add(c, pm_ical.icalproperty_new_lastmodified(ical_time(m->modified, false, true)));
	subject = subject ? subject : own;
	body = body ? body : pm_gw_body(&e->g, e->notes);
	if (subject && *subject)
		add(c, pm_ical.icalproperty_new_summary(subject));
	if (body && *body)
		add(c, pm_ical.icalproperty_new_description(body));
	add_classes(e, c);
}

static void add_reminder(struct event *e, icalcomponent *c)
{
	uint32_t delta = pm_gw_u32(&e->g, common(e, LID_DELTA), 0);
	struct icaltriggertype trigger = {.time = pm_ical.icaltime_null_time()};
	icalcomponent *alarm;

	if (!pm_gw_u32(&e->g, common(e, LID_REMINDER), 0) || delta > 366 * 1440)
		return;
	trigger.duration = pm_ical.icaldurationtype_from_int(-(int)delta * 60);
	alarm = pm_ical.icalcomponent_new(ICAL_VALARM_COMPONENT);
	add(alarm, pm_ical.icalproperty_new_action(ICAL_ACTION_DISPLAY));
	add(alarm, pm_ical.icalproperty_new_description("Reminder"));
	add(alarm, pm_ical.icalproperty_new_trigger(trigger));
	pm_ical.icalcomponent_add_component(c, alarm);
}

/* ---- zones ---- */

static const char *zone_name(struct event *e, const char *s)
{
	struct pm_buf b = {0};
	const char *name;

	for (; s && *s; s++)
		if (*s != '"' && *s != '\n')
			pm_buf_byte(e->ex->ctx, &b, (uint8_t)*s);
	if (!b.n)
		pm_buf_printf(e->ex->ctx, &b, "Zone%+ld", (long)-e->tz.v[e->tz.n - 1].bias);
	name = pm_arena_strdup(e->ex->ctx, &e->g.arena, pm_buf_cstr(e->ex->ctx, &b));
	pm_buf_done(&b);
	return name;
}

static void load_zone(struct event *e)
{
	static const uint32_t lids[] = {LID_ZONE_RECUR, LID_ZONE_START};
	struct pm_buf text = {0};
	struct pm_span s, name;

	for (size_t i = 0; i < 2; i++) {
		s = pm_gw_bytes(&e->g, appointment(e, lids[i]), BLOB_MAX);
		if (s.n && pm_tz_parse_definition(s, &e->tz, &name)) {
			pm_utf16_to_utf8(e->ex->ctx, &text, name.p, name.n, NULL);
			e->tzid = zone_name(e, pm_gw_clean(&e->g, (const char *)text.p, text.n));
			pm_buf_done(&text);
			return;
		}
	}
	s = pm_gw_bytes(&e->g, appointment(e, LID_ZONE), BLOB_MAX);
	if (s.n && pm_tz_parse_struct(s, &e->tz))
		e->tzid = zone_name(e, pm_gw_text(&e->g, appointment(e, LID_ZONE_NAME)));
}

/*
 * What held before the series began says nothing of it, and some programs stumble over rules that
 * end.
 */
static void trim_zone(struct event *e)
{
	const struct pm_recur *r = &e->recur;
	uint64_t first = r->start, last = r->end + DAY;

	for (size_t i = 0; i < r->exceptions.n; i++) {
		const struct pm_recur_exception *x = &r->exceptions.v[i];

		first = x->start < first ? x->start : first;
		last = x->end > last ? x->end : last;
	}
	pm_tz_trim(&e->tz, first, last);
}

/* Rules have no gaps between their members. */
static bool same_zone(const struct pm_tz *a, const struct pm_tz *b)
{
	_Static_assert(sizeof(a->v[0]) == 4 * 4 + 2 * 12, "a rule is its members");
	return a->n == b->n && memcmp(a->v, b->v, a->n * sizeof(a->v[0])) == 0;
}

/* A file describes a zone once. Another one of the same name gets a number. */
static enum pm_rc describe_zone(struct event *e, struct pm_gw_zones *zones, struct pm_buf *out)
{
	struct pm_ctx *ctx = e->ex->ctx;
	struct pm_buf name = {0};
	struct pm_gw_zone *z;
	unsigned int same = 0;

	for (size_t i = 0; i < zones->v.n; i++) {
		z = &zones->v.v[i];
		if (strncmp(z->name, e->tzid, strlen(e->tzid)) != 0)
			continue;
		same++;
		if (same_zone(&z->tz, &e->tz)) {
			e->tzid = z->name;
			return PM_OK;
		}
	}
	pm_buf_str(ctx, &name, e->tzid);
	if (same)
		pm_buf_printf(ctx, &name, " #%u", same + 1);
	z = pm_vec_push(ctx, &zones->v);
	if (z) {
		z->tz = e->tz;
		z->name = e->tzid = pm_arena_strdup(ctx, &zones->arena, pm_buf_cstr(ctx, &name));
	}
	pm_buf_done(&name);
	if (!ctx->rc)
		pm_tz_put(ctx, out, &e->tz, e->tzid);
	return ctx->rc;
}

/* ---- people ---- */

static char *uri_of(struct event *e, const char *smtp)
{
	char *text = pm_asprintf(e->ex->ctx, "mailto:%s", smtp), *copy;

	copy = text ? pm_arena_strdup(e->ex->ctx, &e->g.arena, text) : NULL;
	pm_free(text);
	return copy;
}

static void add_name(struct event *e, icalproperty *p, const char *name)
{
	struct pm_buf b = {0};

	for (; name && *name; name++)
		if (*name != '"' && (uint8_t)*name >= ' ')
			pm_buf_byte(e->ex->ctx, &b, (uint8_t)*name);
	if (b.n)
		add_param(p, pm_ical.icalparameter_new_cn(pm_buf_cstr(e->ex->ctx, &b)));
	pm_buf_done(&b);
}

static void add_attendee(struct event *e, icalcomponent *c, size_t row, struct pm_recipient *r)
{
	static const icalparameter_partstat status[] = {
		ICAL_PARTSTAT_NEEDSACTION, ICAL_PARTSTAT_NEEDSACTION, ICAL_PARTSTAT_TENTATIVE,
		ICAL_PARTSTAT_ACCEPTED, ICAL_PARTSTAT_DECLINED};
	const char *smtp = pm_smtp_clean(e->ex->ctx, &e->g.arena, r->smtp);
	uint32_t flags = 0, track = 0;
	const char *uri;
	icalproperty *p;

	if (pm_is_error(pm_tc_u32(&e->g.m->recipients, row, ID_RECIPIENT_FLAGS, &flags)) ||
	    pm_is_error(pm_tc_u32(&e->g.m->recipients, row, ID_TRACK_STATUS, &track)))
		return;
	if (!smtp)
		smtp = pm_smtp_clean(e->ex->ctx, &e->g.arena, r->email);
	uri = smtp ? uri_of(e, smtp) : "invalid:nomail";
	if (!uri)
		return;
	if (flags & 2) { /* recipOrganizer */
		p = pm_ical.icalproperty_new_organizer(uri);
	} else {
		p = pm_ical.icalproperty_new_attendee(uri);
		add_param(p,
			  pm_ical.icalparameter_new_role(r->type == 2 ? ICAL_ROLE_OPTPARTICIPANT
								      : ICAL_ROLE_REQPARTICIPANT));
		if (r->type == 3)
			add_param(p, pm_ical.icalparameter_new_cutype(ICAL_CUTYPE_RESOURCE));
		add_param(p, pm_ical.icalparameter_new_partstat(status[track < 5 ? track : 0]));
	}
	add_name(e, p, r->name);
	add(c, p);
}

static enum pm_rc add_people(struct event *e, icalcomponent *c)
{
	struct pm_message *m = e->g.m;
	struct pm_people people;
	enum pm_rc rc = PM_OK;

	if (!(pm_gw_u32(&e->g, appointment(e, LID_STATE), 0) & 1)) /* asfMeeting */
		return PM_OK;
	for (size_t i = 0; i < m->recipients.rows.n && !pm_is_error(rc); i++) {
		struct pm_recipient r;

		rc = pm_recipient_open(m, i, &r);
		if (rc == PM_OK || rc == PM_DAMAGED)
			add_attendee(e, c, i, &r);
		pm_recipient_close(&r);
	}
	if (pm_is_error(rc) || pm_ical.icalcomponent_get_first_property(c, ICAL_ORGANIZER_PROPERTY))
		return pm_is_error(rc) ? rc : PM_OK;
	rc = pm_people_load(m, &people);
	if (!rc && people.from.v.n && people.from.v.v[0].smtp) {
		icalproperty *p =
			pm_ical.icalproperty_new_organizer(uri_of(e, people.from.v.v[0].smtp));

		add_name(e, p, people.from.v.v[0].name);
		add(c, p);
	}
	pm_people_done(&people);
	return rc;
}

/* ---- appointments ---- */

/* Midnight of the zone, or the nearest one where it is not known. */
static uint64_t day_of(struct event *e, uint64_t utc)
{
	uint64_t local = e->tzid ? pm_tz_local(&e->tz, utc) : utc;

	return (local + DAY / 2) / DAY * DAY;
}

static void add_when(struct event *e)
{
	uint64_t start = pm_gw_time(&e->g, appointment(e, LID_START));
	uint64_t end = pm_gw_time(&e->g, appointment(e, LID_END));

	start = start ? start : pm_gw_time(&e->g, common(e, LID_COMMON_START));
	end = end ? end : pm_gw_time(&e->g, common(e, LID_COMMON_END));
	if (!start)
		return; /* it has none; what is lost is said already */
	if (e->all_day) {
		start = day_of(e, start);
		end = end ? day_of(e, end) : 0;
	}
	add(e->c, pm_ical.icalproperty_new_dtstart(ical_time(start, e->all_day, true)));
	/* An end that is the start says nothing, and may not be written of whole days. */
	if (end > start)
		add(e->c, pm_ical.icalproperty_new_dtend(ical_time(end, e->all_day, true)));
}

static void add_rule(struct event *e)
{
	struct pm_recur *r = &e->recur;
	struct pm_ctx *ctx = e->ex->ctx;
	struct pm_buf rule = {0};
	struct icalrecurrencetype rt;

	if (!pm_recur_rule(ctx, r, &rule)) {
		pm_note_add(ctx, e->notes, "recurrence: iCalendar has no form for it");
		pm_buf_done(&rule);
		return;
	}
	rt = pm_ical.icalrecurrencetype_from_string(pm_buf_cstr(ctx, &rule));
	if (r->end_type == PM_RECUR_COUNT && r->count && r->count <= INT32_MAX) {
		rt.count = (int)r->count;
	} else if (r->end_type == PM_RECUR_UNTIL) {
		uint64_t last = r->end + (uint64_t)r->start_offset * 60 * PM_FILETIME_SECOND;

		if (e->tzid && !e->all_day)
			last = pm_tz_utc(&e->tz, last);
		rt.until = ical_time(last, e->all_day, e->tzid != NULL);
	}
	if (rt.freq == ICAL_NO_RECURRENCE)
		pm_note_add(ctx, e->notes, "recurrence: the rule is none");
	else
		add(e->c, pm_ical.icalproperty_new_rrule(rt));
	pm_buf_done(&rule);
}

/* First occurrence, rule, and the days that are left out. */
static void add_series(struct event *e)
{
	const struct pm_recur *r = &e->recur;
	const uint64_t minute = 60 * PM_FILETIME_SECOND;
	uint64_t start = r->start + r->start_offset * minute;
	uint64_t end = r->start + r->end_offset * minute;

	add_local(e, e->c, pm_ical.icalproperty_new_dtstart(ical_time(start, e->all_day, false)));
	if (end > start)
		add_local(e, e->c,
			  pm_ical.icalproperty_new_dtend(ical_time(end, e->all_day, false)));
	add_rule(e);
	for (size_t i = 0; i < r->deleted.n; i++) {
		uint64_t day = r->deleted.v[i];

		/* Days of exceptions stand there as well. */
		if (!pm_recur_is_changed(r, day))
			add_local(e, e->c,
				  pm_ical.icalproperty_new_exdate(ical_time(
					  day + r->start_offset * minute, e->all_day, false)));
	}
}

static void add_busy(icalcomponent *c, uint32_t busy)
{
	static const char *const names[] = {"FREE", "TENTATIVE", "BUSY", "OOF", "WORKINGELSEWHERE"};
	icalproperty *p;

	add(c, pm_ical.icalproperty_new_transp(busy == 0 ? ICAL_TRANSP_TRANSPARENT
							 : ICAL_TRANSP_OPAQUE));
	if (busy >= sizeof(names) / sizeof(names[0]))
		return;
	p = pm_ical.icalproperty_new_x(names[busy]);
	pm_ical.icalproperty_set_x_name(p, "X-MICROSOFT-CDO-BUSYSTATUS");
	add(c, p);
}

static void put_component(struct pm_ctx *ctx, icalcomponent *c, struct pm_buf *out)
{
	char *text = pm_ical.icalcomponent_as_ical_string_r(c);

	if (text)
		pm_buf_str(ctx, out, text);
	else
		pm_fail(ctx, PM_EBUG, "libical can't write a component");
	free(text); /* lint: free */
}

/* ---- occurrences that are changed ---- */

/* Which attachments are messages about occurrences; hidden ones that say so. */
static enum pm_rc find_exceptions(struct event *e)
{
	struct pm_message *m = e->g.m;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < m->attachments.n && !pm_is_error(rc); i++) {
		struct exception_message *slot;
		struct pm_attachment a;
		uint32_t flags = 0;
		uint64_t original = 0, start = 0;

		rc = pm_attachment_open(m, i, &a);
		if (!pm_is_error(rc) && pm_attachment_is_message(&a)) {
			rc = pm_pc_u32(&a.pc, ID_ATTACHMENT_FLAGS, &flags);
			if (!pm_is_error(rc))
				rc = pm_pc_time(&a.pc, ID_EXCEPTION_REPLACE, &original);
			if (!pm_is_error(rc))
				rc = pm_pc_time(&a.pc, ID_EXCEPTION_START, &start);
		}
		slot = !pm_is_error(rc) && flags & AF_EXCEPTION
			       ? pm_vec_push(e->ex->ctx, &e->exceptions)
			       : NULL;
		if (slot)
			*slot = (struct exception_message){
				.attachment = i,
				.start = start,
				.original = original && e->tzid ? pm_tz_local(&e->tz, original)
								: original};
		pm_attachment_close(&a);
	}
	return pm_is_error(rc) ? rc : e->ex->ctx->rc;
}

static const struct exception_message *message_of(const struct event *e,
						  const struct pm_recur_exception *x)
{
	for (size_t i = 0; i < e->exceptions.n; i++) {
		const struct exception_message *m = &e->exceptions.v[i];

		if (m->original ? m->original / DAY == x->original / DAY : m->start == x->start)
			return m;
	}
	return NULL;
}

/* What of it is not as in the series. */
struct special {
	const char *subject, *location, *body; /* NULL: as in the series */
};

/* Its message has the texts whole; the blob tells which of them count, but not of all writers. */
static enum pm_rc load_special(struct event *e, const struct pm_recur_exception *x,
			       icalcomponent *c, struct special *ret)
{
	const struct exception_message *em = message_of(e, x);
	struct event inner = *e;
	struct pm_attachment a;
	struct pm_message m;
	enum pm_rc rc;

	*ret = (struct special){.subject = x->subject, .location = x->location};
	if (!em)
		return add_people(e, c);
	rc = pm_attachment_open(e->g.m, em->attachment, &a);
	if (!pm_is_error(rc))
		rc = pm_attachment_message(&a, &m);
	else
		m = (struct pm_message){0};
	if (rc == PM_OK || rc == PM_DAMAGED) {
		const char *body, *location;

		inner.g.m = &m;
		body = pm_gw_body(&inner.g, e->notes);
		location = pm_gw_text(&inner.g, appointment(e, LID_LOCATION));
		if (body || x->flags & PM_RECUR_BODY)
			ret->body = body ? body : "";
		if (location)
			ret->location = location;
		if (m.subject && *m.subject)
			ret->subject = pm_arena_strdup(e->ex->ctx, &inner.g.arena, m.subject);
		rc = add_people(&inner, c);
		if (!rc)
			rc = pm_ical_attach(&inner.g, c);
	} else if (!pm_is_error(rc)) {
		pm_note_add(e->ex->ctx, e->notes,
			    "recurrence: what is special of an occurrence is lost");
		rc = add_people(e, c);
	}
	e->g.arena = inner.g.arena; /* which has grown */
	pm_message_close(&m);
	pm_attachment_close(&a);
	return rc;
}

static enum pm_rc add_exception(struct event *e, const struct pm_recur_exception *x,
				const char *uid, const char *location, struct pm_buf *out)
{
	const bool series_all_day = e->all_day;
	icalcomponent *c = pm_ical.icalcomponent_new(ICAL_VEVENT_COMPONENT);
	struct special s;
	enum pm_rc rc = load_special(e, x, c, &s);

	location = s.location ? s.location : location;
	add_common(e, c, uid, s.subject ? pm_gw_clean(&e->g, s.subject, strlen(s.subject)) : NULL,
		   s.body);
	add_local(e, c,
		  pm_ical.icalproperty_new_recurrenceid(ical_time(x->original, e->all_day, false)));
	if (x->flags & PM_RECUR_ALL_DAY)
		e->all_day = x->all_day != 0;
	add_local(e, c, pm_ical.icalproperty_new_dtstart(ical_time(x->start, e->all_day, false)));
	if (x->end > x->start)
		add_local(e, c,
			  pm_ical.icalproperty_new_dtend(ical_time(x->end, e->all_day, false)));
	e->all_day = series_all_day;
	if (location)
		add(c, pm_ical.icalproperty_new_location(
			       pm_gw_clean(&e->g, location, strlen(location))));
	add_busy(c, x->flags & PM_RECUR_BUSY ? x->busy
					     : pm_gw_u32(&e->g, appointment(e, LID_BUSY), 2));
	if (!rc)
		put_component(e->ex->ctx, c, out);
	pm_ical.icalcomponent_free(c);
	return rc;
}

static void load_recurrence(struct event *e)
{
	struct pm_span s = pm_gw_bytes(&e->g, appointment(e, LID_RECUR), BLOB_MAX);
	enum pm_rc rc;

	if (!pm_gw_u32(&e->g, appointment(e, LID_RECURRING), 0) && !s.n)
		return;
	rc = pm_recur_parse(e->ex->ctx, s, true, e->g.m->codepage, &e->recur);
	e->recurs = rc == PM_OK || rc == PM_DAMAGED;
	if (rc != PM_OK && !pm_is_error(rc))
		pm_note_add(e->ex->ctx, e->notes, "recurrence: %s",
			    rc == PM_LOST ? "lost" : "damaged, exceptions may be missing");
}

static enum pm_rc write_event(struct event *e, struct pm_gw_zones *zones, struct pm_buf *out)
{
	struct pm_ctx *ctx = e->ex->ctx;
	const char *uid = meeting_uid(e);
	const char *location = pm_gw_text(&e->g, appointment(e, LID_LOCATION));
	enum pm_rc rc;

	uid = uid && *uid ? uid : pm_gw_uid(&e->g, &e->ex->store);
	e->c = pm_ical.icalcomponent_new(ICAL_VEVENT_COMPONENT);
	e->all_day = pm_gw_u32(&e->g, appointment(e, LID_ALL_DAY), 0) != 0;
	load_zone(e);
	load_recurrence(e);
	if (e->recurs && e->tzid)
		trim_zone(e);
	if (e->recurs && e->tzid && !e->all_day && describe_zone(e, zones, out))
		return ctx->rc;
	add_common(e, e->c, uid, NULL, NULL);
	if (e->recurs)
		add_series(e);
	else
		add_when(e);
	if (location)
		add(e->c, pm_ical.icalproperty_new_location(location));
	add_busy(e->c, pm_gw_u32(&e->g, appointment(e, LID_BUSY), 2));
	add(e->c, pm_ical.icalproperty_new_sequence(
			  (int)(pm_gw_u32(&e->g, appointment(e, LID_SEQUENCE), 0) & INT32_MAX)));
	rc = add_people(e, e->c);
	if (!rc)
		rc = pm_ical_attach(&e->g, e->c);
	add_reminder(e, e->c);
	if (!rc)
		put_component(ctx, e->c, out);
	if (!rc && e->recurs && e->recur.exceptions.n)
		rc = find_exceptions(e);
	for (size_t i = 0; !rc && e->recurs && i < e->recur.exceptions.n; i++)
		rc = add_exception(e, &e->recur.exceptions.v[i], uid, location, out);
	return rc ? rc : ctx->rc;
}

/* ---- tasks ---- */

static void add_task_series(struct event *e)
{
	struct pm_span s = pm_gw_bytes(&e->g, task(e, LID_TASK_RECUR), BLOB_MAX);
	enum pm_rc rc;

	if (!s.n)
		return;
	rc = pm_recur_parse(e->ex->ctx, s, false, e->g.m->codepage, &e->recur);
	if (rc == PM_OK || rc == PM_DAMAGED)
		add_rule(e);
	else if (!pm_is_error(rc))
		pm_note_add(e->ex->ctx, e->notes, "recurrence: lost");
}

static enum pm_rc write_task(struct event *e, struct pm_buf *out)
{
	static const icalproperty_status status[] = {ICAL_STATUS_NEEDSACTION, ICAL_STATUS_INPROCESS,
						     ICAL_STATUS_COMPLETED, ICAL_STATUS_NEEDSACTION,
						     ICAL_STATUS_CANCELLED};
	const uint32_t state = pm_gw_u32(&e->g, task(e, LID_TASK_STATUS), 0);
	const double part = pm_gw_double(&e->g, task(e, LID_TASK_PERCENT));
	uint64_t start = pm_gw_time(&e->g, task(e, LID_TASK_START));
	uint64_t due = pm_gw_time(&e->g, task(e, LID_TASK_DUE));
	uint64_t done = pm_gw_time(&e->g, task(e, LID_TASK_DONE));

	e->c = pm_ical.icalcomponent_new(ICAL_VTODO_COMPONENT);
	e->all_day = true; /* days, as midnight of no zone [MS-OXOTASK 2.2.2.2.4] */
	add_common(e, e->c, pm_gw_uid(&e->g, &e->ex->store), NULL, NULL);
	if (start)
		add(e->c, pm_ical.icalproperty_new_dtstart(ical_time(start, true, false)));
	if (due && due >= start)
		add(e->c, pm_ical.icalproperty_new_due(ical_time(due, true, false)));
	if (done)
		add(e->c, pm_ical.icalproperty_new_completed(ical_time(done, false, true)));
	add(e->c, pm_ical.icalproperty_new_status(status[state < 5 ? state : 0]));
	if (part > 0 && part <= 1)
		add(e->c, pm_ical.icalproperty_new_percentcomplete((int)(part * 100 + 0.5)));
	if (start)
		add_task_series(e);
	if (!pm_ical_attach(&e->g, e->c))
		put_component(e->ex->ctx, e->c, out);
	return e->ex->ctx->rc;
}

/* ---- the form ---- */

static bool takes(const char *class)
{
	return pm_class_is(class, "IPM.Appointment") || pm_class_is(class, "IPM.Task");
}

static enum pm_rc write_item(struct pm_export *ex, struct pm_export_item *it,
			     struct pm_gw_zones *zones, struct pm_buf *out)
{
	struct event e = {.g = {.ctx = ex->ctx, .m = it->msg, .names = &ex->names},
			  .ex = ex,
			  .notes = it->notes};
	enum pm_rc rc = pm_class_is(it->msg->message_class, "IPM.Task")
				? write_task(&e, out)
				: write_event(&e, zones, out);

	if (e.c)
		pm_ical.icalcomponent_free(e.c);
	pm_recur_done(&e.recur);
	pm_vec_done(&e.exceptions);
	pm_arena_done(&e.g.arena);
	return rc ? rc : ex->ctx->rc;
}

static enum pm_rc open_form(struct pm_export *ex, struct pm_exporter **ret)
{
	static const struct pm_gw_writer writer = {
		.begin = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//pstmend//EN\r\n",
		.end = "END:VCALENDAR\r\n",
		.write = write_item,
	};
	const enum pm_rc rc = pm_ical_start(ex->ctx);

	return rc ? rc : pm_gw_open(ex, &pm_exporter_ical, &writer, ret);
}

const struct pm_exporter_ops pm_exporter_ical = {
	.name = "ical",
	.summary = "appointments, meetings and tasks as iCalendar",
	.suffix = ".ics",
	.takes = takes,
	.open = open_form,
	.item = pm_gw_item,
	.end_folder = pm_gw_end_folder,
	.replay = pm_gw_replay,
	.free = pm_gw_free,
};
