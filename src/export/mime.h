/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message as mail [RFC 5322, RFC 2045]. All of it is 7-bit; attachments are read and written
 * block by block; boundaries are made of the node id and a counter, so that the same input
 * gives the same bytes.
 */
#ifndef PM_EXPORT_MIME_H
#define PM_EXPORT_MIME_H

#include "export/body.h"
#include "export/header.h"
#include "export/mailout.h"
#include "export/notes.h"
#include "export/people.h"
#include "msg/named.h"

/* A message on its way into mail, and its place in what it is embedded in. */
struct pm_mime_level {
	struct pm_people people;
	struct pm_buf transport; /* the header block that came with it */
	struct pm_fields fields; /* of it */
	struct pm_bodies bodies;
	struct pm_buf head; /* fields that wait to be written */
};

struct pm_mime {
	struct pm_ctx *ctx;
	const struct pm_names *names; /* named properties of the file; may be NULL */
	bool keywords_sought;
	uint16_t keywords; /* the property of this name, once it was sought; 0: there is none */
	struct pm_mail_out *out;
	bool mbox_status; /* add Status and X-Status, where mbox readers keep read and replied,
			   * to the message itself, not to embedded ones */
	struct pm_notes *notes;
	pm_nid nid;
	uint32_t boundaries; /* used up */
	uint64_t body_at;    /* out->bytes where the body of the message begins */
	struct pm_mime_level *levels[PM_DEPTH_MAX];
	struct pm_buf block; /* of an attachment */
};

/* {0} and these are an empty struct pm_mime. */
void pm_mime_init(struct pm_mime *w, struct pm_ctx *ctx, const struct pm_names *names,
		  struct pm_mail_out *out);
void pm_mime_done(struct pm_mime *w);

/*
 * Read what the header and bodies are made of; then more of what is damaged is in `notes`, and
 * w->levels[0] has the people. PM_OK or an error.
 */
enum pm_rc pm_mime_prepare(struct pm_mime *w, struct pm_message *m,
			   struct pm_notes *notes) PM_MUST_CHECK;
/* The address that it came from, for an envelope; NULL when it has none. */
const char *pm_mime_envelope(const struct pm_mime *w);
/* Write the prepared message. `mark`: say in its header what is damaged; NULL: don't. */
enum pm_rc pm_mime_write(struct pm_mime *w, struct pm_message *m, const char *mark) PM_MUST_CHECK;

/*
 * What an attachment without bytes of its own refers to: a list of URIs (*ret_url), else a path as
 * text. Appended; false: nothing, or an error.
 */
bool pm_mime_reference(struct pm_message *m, struct pm_attachment *a, struct pm_buf *out,
		       bool *ret_url);

/* The type that an attachment declares, else the one that its name tells. */
const char *pm_mime_type(const struct pm_attachment *a);

/* The state of a message that mailboxes and mail programs keep. */
enum pm_mime_state {
	PM_STATE_READ = 1,
	PM_STATE_REPLIED = 2,
	PM_STATE_FORWARDED = 4,
	PM_STATE_FLAGGED = 8,
	PM_STATE_DRAFT = 16,
};
unsigned int pm_mime_state(struct pm_message *m);

/* ---- between the files of this part ---- */

/* Append the fields of the message's header but for those of MIME. */
enum pm_rc pm_mime_header(struct pm_mime *w, struct pm_mime_level *l, struct pm_message *m,
			  const char *mark);
/* Append Content-Type, Content-Disposition and what else describes an attachment. */
void pm_mime_attach_fields(struct pm_ctx *ctx, struct pm_buf *head, struct pm_attachment *a,
			   size_t number, bool is_inline);
/* The same with a type and a name given. */
void pm_mime_part_fields(struct pm_ctx *ctx, struct pm_buf *head, const char *type,
			 const char *name, bool is_inline);
/* Which attachments the HTML shows: a byte for each of m->attachments, or NULL when none. */
enum pm_rc pm_mime_find_inline(struct pm_message *m, const struct pm_bodies *b, uint8_t **ret,
			       size_t *ret_n);
/* Is it mail, or a contact, an appointment ..., whose properties are its content? */
bool pm_mime_is_mail(const char *message_class);
/* Append all properties as text that people can read. */
enum pm_rc pm_mime_properties(struct pm_message *m, const struct pm_names *names,
			      struct pm_buf *out);

#endif
