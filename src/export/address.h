/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses: which SMTP address a person of a message has, and lists of them as header fields.
 * No address is made up: who has none is written as a group without members, "Name:;"
 * [RFC 6854], and what there is instead (an X.500 name) goes to a field of its own.
 */
#ifndef PM_EXPORT_ADDRESS_H
#define PM_EXPORT_ADDRESS_H

#include "base/bytes.h"

/* Strings are UTF-8 or NULL. */
struct pm_mailbox {
	const char *name;
	const char *smtp;         /* ASCII, fit for a header */
	const char *type, *other; /* what there is besides: "EX", "/o=..." */
};

struct pm_mailboxes {
	struct pm_arena arena;
	PM_VEC(struct pm_mailbox) v;
};

void pm_mailboxes_done(struct pm_mailboxes *l);

/* The address in `s`, without "smtp:", angle brackets and the like; NULL when it is none. */
char *pm_smtp_clean(struct pm_ctx *ctx, struct pm_arena *a, const char *s);

/* What a message says of one person; any may be NULL. */
struct pm_person {
	const char *name, *type, *email, *smtp;
};

/* Add a person, its address found in the best of its properties. Nothing at all: not added. */
enum pm_rc pm_mailboxes_add(struct pm_ctx *ctx, struct pm_mailboxes *l,
			    const struct pm_person *p) PM_MUST_CHECK;
/* Add the names of a list as Outlook displays it: "Smith, John; x@example.org". */
enum pm_rc pm_mailboxes_display(struct pm_ctx *ctx, struct pm_mailboxes *l,
				const char *text) PM_MUST_CHECK;
/* Is this address in the list, whatever its case? */
bool pm_mailboxes_have(const struct pm_mailboxes *l, const char *smtp);

/* The same person as one that has a better address: fill in from `from`, by `other`. */
void pm_mailboxes_resolve(struct pm_mailboxes *l, const struct pm_mailboxes *from);

/* Append a mailbox as it stands in a field. */
void pm_mailbox_put(struct pm_ctx *ctx, struct pm_buf *out, const struct pm_mailbox *m);
/* A field of all of them, none when the list is empty; and a field "X-PSTMend-NAME" for each
 * that has only another kind of address. */
void pm_head_mailboxes(struct pm_ctx *ctx, struct pm_buf *out, const char *name,
		       const struct pm_mailboxes *l);
void pm_head_others(struct pm_ctx *ctx, struct pm_buf *out, const char *name,
		    const struct pm_mailboxes *l);

#endif
