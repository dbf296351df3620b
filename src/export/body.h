/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bodies of a message in the form that mail has them: plain text in UTF-8, HTML in the
 * charset that its bytes are in, RTF turned into one of these.
 */
#ifndef PM_EXPORT_BODY_H
#define PM_EXPORT_BODY_H

#include "export/notes.h"
#include "msg/message.h"

struct pm_bodies {
	bool has_text, has_html;
	bool attach_rtf;     /* `rtf` is a document in its own right, not another form of HTML */
	struct pm_buf text;  /* UTF-8 */
	struct pm_buf html;  /* in `charset` */
	struct pm_buf rtf;   /* decompressed */
	const char *charset; /* of html, a MIME name, static */
};

/* Load what a message has, into `b`, whose buffers are used again. What can't be made of it is
 * noted. PM_OK or an error. */
enum pm_rc pm_bodies_load(struct pm_message *m, struct pm_notes *notes,
			  struct pm_bodies *b) PM_MUST_CHECK;
void pm_bodies_done(struct pm_bodies *b);

/*
 * The charset that HTML is in, by its bytes, by what it says itself and by the code pages that
 * the message names (0: none). The name for mail, static; NULL: mail can't carry it as it
 * is, *ret_cp is the code page to convert it from.
 */
const char *pm_html_charset(struct pm_ctx *ctx, const uint8_t *p, size_t n, uint32_t internet_cp,
			    uint32_t message_cp, uint32_t *ret_cp);
/* The charset that HTML names in a <meta>: its place; false: none. */
bool pm_html_meta(const uint8_t *p, size_t n, size_t *ret_at, size_t *ret_n);

#endif
