/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports [MS-OXOMSG 2.2.2]: messages that tell what became of another one. As mail they are
 * multipart/report, whose second part says it to programs [RFC 3464, RFC 8098].
 */
#ifndef PM_EXPORT_MIME_REPORT_H
#define PM_EXPORT_MIME_REPORT_H

#include "export/mime.h"

enum pm_report_kind {
	PM_REPORT_NONE,
	PM_REPORT_DELIVERY,    /* delivered, or not */
	PM_REPORT_DISPOSITION, /* read, or deleted unread */
};

/* By the message class. */
enum pm_report_kind pm_report_kind(const char *message_class);

/* The report as fields, appended. */
enum pm_rc pm_report_status(struct pm_message *m, const struct pm_people *people,
			    struct pm_buf *out) PM_MUST_CHECK;

#endif
