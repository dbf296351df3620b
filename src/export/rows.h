/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a folder's contents table, for what the messages themselves have lost. */
#ifndef PM_EXPORT_ROWS_H
#define PM_EXPORT_ROWS_H

#include "msg/message.h"

/* {0} with these two set is one that was not needed yet. */
struct pm_rows {
	const struct pm_ndb *db;
	pm_nid folder;
	bool open;
	struct pm_tc tc;
};

void pm_rows_close(struct pm_rows *r);
/*
 * Fill in what the message lacks of subject, class, sender's name and dates. PM_OK: something
 * was; PM_NONE; or an error.
 */
enum pm_rc pm_rows_fill(struct pm_rows *r, struct pm_message *m) PM_MUST_CHECK;
/* The subject in row i as the message would have it, appended. */
enum pm_rc pm_rows_subject(struct pm_rows *r, size_t i, uint32_t codepage,
			   struct pm_buf *out) PM_MUST_CHECK;
/* The table, opened when it is needed first; rows.n is 0 when there is none. */
enum pm_rc pm_rows_open(struct pm_rows *r, struct pm_tc **ret) PM_MUST_CHECK;

#endif
