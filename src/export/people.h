/* SPDX-License-Identifier: Apache-2.0 */
/* The people of a message: who sent it and to whom it went. */
#ifndef PM_EXPORT_PEOPLE_H
#define PM_EXPORT_PEOPLE_H

#include "export/address.h"
#include "msg/message.h"

struct pm_people {
	struct pm_mailboxes from;   /* whom it is from: sent representing, else the sender */
	struct pm_mailboxes sender; /* who sent it, when that is somebody else */
	struct pm_mailboxes reply;
	struct pm_mailboxes to, cc, bcc;
};

/* From the properties and the recipient table, addresses resolved as far as the message
 * itself knows them. PM_OK or an error; what is damaged is left out. */
enum pm_rc pm_people_load(struct pm_message *m, struct pm_people *ret) PM_MUST_CHECK;
void pm_people_done(struct pm_people *p);

/*
 * Who a one-off entry id names [MS-OXCDATA 2.2.5.1]: false when it is none. `cp` is the code
 * page of its strings of 8 bits.
 */
bool pm_oneoff_parse(struct pm_ctx *ctx, struct pm_arena *a, struct pm_span e, uint32_t cp,
		     struct pm_person *ret);

#endif
