/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of libical that are called, loaded when a calendar is to be written (base/late.h). */
#ifndef PM_EXPORT_ICAL_CALLS_H
#define PM_EXPORT_ICAL_CALLS_H

#include "base/error.h"
#include "base/late.h"

#include <libical/ical.h>

/* clang-format off */
#define PM_ICAL_CALLS(X) \
	X(icalattach_new_from_data) \
	X(icalattach_new_from_url) \
	X(icalattach_unref) \
	X(icalcomponent_add_component) \
	X(icalcomponent_add_property) \
	X(icalcomponent_as_ical_string_r) \
	X(icalcomponent_free) \
	X(icalcomponent_get_first_property) \
	X(icalcomponent_new) \
	X(icaldurationtype_from_int) \
	X(icalerror_set_errors_are_fatal) \
	X(icalparameter_new_cn) \
	X(icalparameter_new_cutype) \
	X(icalparameter_new_encoding) \
	X(icalparameter_new_filename) \
	X(icalparameter_new_fmttype) \
	X(icalparameter_new_partstat) \
	X(icalparameter_new_role) \
	X(icalparameter_new_tzid) \
	X(icalparameter_new_value) \
	X(icalproperty_add_parameter) \
	X(icalproperty_new_action) \
	X(icalproperty_new_attach) \
	X(icalproperty_new_attendee) \
	X(icalproperty_new_categories) \
	X(icalproperty_new_class) \
	X(icalproperty_new_completed) \
	X(icalproperty_new_created) \
	X(icalproperty_new_description) \
	X(icalproperty_new_dtend) \
	X(icalproperty_new_dtstamp) \
	X(icalproperty_new_dtstart) \
	X(icalproperty_new_due) \
	X(icalproperty_new_exdate) \
	X(icalproperty_new_lastmodified) \
	X(icalproperty_new_location) \
	X(icalproperty_new_organizer) \
	X(icalproperty_new_percentcomplete) \
	X(icalproperty_new_priority) \
	X(icalproperty_new_recurrenceid) \
	X(icalproperty_new_rrule) \
	X(icalproperty_new_sequence) \
	X(icalproperty_new_status) \
	X(icalproperty_new_summary) \
	X(icalproperty_new_transp) \
	X(icalproperty_new_trigger) \
	X(icalproperty_new_uid) \
	X(icalproperty_new_x) \
	X(icalproperty_set_x_name) \
	X(icalrecurrencetype_from_string) \
	X(icaltime_null_time) \
	X(icaltimezone_get_utc_timezone)
/* clang-format on */

/* Set by pm_ical_start. */
extern struct pm_ical_calls {
	PM_ICAL_CALLS(PM_LATE_MEMBER)
} pm_ical;

/* Whoever calls one of them calls this first. PM_OK; PM_EUNSUP: the library can't be loaded. */
enum pm_rc pm_ical_start(struct pm_ctx *ctx) PM_MUST_CHECK;

#endif
