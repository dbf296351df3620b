/* SPDX-License-Identifier: Apache-2.0 */
/* Attachments of calendar items, within the calendar [RFC 5545 3.8.1.1]. */
#ifndef PM_EXPORT_ICAL_ATTACH_H
#define PM_EXPORT_ICAL_ATTACH_H

#include "export/gw.h"
#include "export/ical_calls.h"

/*
 * Add the attachments of g->m to the component: bytes as they are, links as links. What a calendar
 * has no form for, or is larger than programs bear, is named in X-PSTMEND-NOT-ATTACHED. Messages about
 * occurrences are none (ical.c). What is damaged is said elsewhere. PM_OK or an error.
 */
enum pm_rc pm_ical_attach(struct pm_gw *g, icalcomponent *c) PM_MUST_CHECK;

#endif
