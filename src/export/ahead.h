/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rendering ahead: threads that read items and put them into mail before it is their turn. They
 * only save time. An item that they can't finish, for whatever reason (it is too large, memory
 * ran out, it needs what other items decide), is left to the one that writes, who does it from the
 * beginning; so what is written, counted and said, errors included, is the same with any number
 * of threads and none.
 *
 * Items come in one line, in the order in which they are written. A few of them are at work or
 * ready at any time; each has all that it needs for itself: context, reader, message, buffer.
 * It belongs to the thread that renders it, then to the writer until that gives it back.
 */
#ifndef PM_EXPORT_AHEAD_H
#define PM_EXPORT_AHEAD_H

#include "export/exporter.h"

struct pm_ahead;

/* Bytes of a mail that is rendered ahead, at most. */
#define PM_AHEAD_MOST ((size_t)4 << 20)

enum pm_ahead_state {
	PM_AHEAD_NOT,     /* nothing is done */
	PM_AHEAD_SKIP,    /* it is left out, for `why` */
	PM_AHEAD_READ,    /* message and notes are there; there was nothing to be rendered */
	PM_AHEAD_RENDERED /* and mime.out has it */
};

struct pm_ahead_item {
	enum pm_ahead_state state;
	enum pm_left_out why;
	struct pm_ctx ctx; /* what reads the message: also while the writer has it */
	struct pm_ndb db;
	struct pm_message msg;
	struct pm_notes notes;
	struct pm_mime mime;
	struct pm_mail_out out;
};

/* What can be done of a message of the model before its turn (exporter.c): into `it`. */
enum pm_ahead_state pm_export_ahead(struct pm_export *ex, struct pm_exporter *form,
				    uint32_t message, struct pm_ahead_item *it);

/* NULL where nothing is to be done ahead (ex->opts), or an error is recorded. */
struct pm_ahead *pm_ahead_new(struct pm_export *ex, struct pm_exporter *form);
void pm_ahead_free(struct pm_ahead *h); /* ends the threads; NULL is fine */
/* The next of the line: an index of the model's messages. All of them before the first is taken. */
enum pm_rc pm_ahead_push(struct pm_ahead *h, uint32_t message) PM_MUST_CHECK;
/*
 * Item number `at` of the line, which is the one after the last that was taken; the first may be
 * any. Waits until it is done. NULL: there are no threads (h is NULL, or the system has none).
 */
struct pm_ahead_item *pm_ahead_take(struct pm_ahead *h, size_t at);
/* The writer is done with it: its errors and its effort are those of the export. */
enum pm_rc pm_ahead_give(struct pm_ahead *h, struct pm_ahead_item *item) PM_MUST_CHECK;

#endif
