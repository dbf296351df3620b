/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that must stay byte for byte what they were: signed and encrypted ones. Outlook keeps
 * the whole MIME entity, or the cryptographic object, as the one attachment [MS-OXOSMIME 2.1.3].
 */
#ifndef PM_EXPORT_MIME_SEALED_H
#define PM_EXPORT_MIME_SEALED_H

#include "export/mime.h"

enum pm_sealed_kind {
	PM_SEALED_NONE,   /* an ordinary message */
	PM_SEALED_ENTITY, /* `bytes` are header fields and body of a MIME entity */
	PM_SEALED_OPAQUE, /* `bytes` are a CMS object [RFC 8551 3.2] */
};

struct pm_sealed {
	enum pm_sealed_kind kind;
	struct pm_buf bytes;
	struct pm_fields fields; /* ENTITY */
	size_t body;             /* ENTITY: where it begins */
	char *name;              /* OPAQUE: of the attachment, in `arena` */
	struct pm_arena arena;
};

/* What the message is. PM_OK or an error; to be closed in every case. */
enum pm_rc pm_sealed_find(struct pm_message *m, const struct pm_bodies *b,
			  struct pm_sealed *ret) PM_MUST_CHECK;
void pm_sealed_done(struct pm_sealed *w);

/* Append the fields that tell of its form to a header, MIME-Version left out. */
void pm_sealed_fields(struct pm_ctx *ctx, const struct pm_sealed *w, struct pm_buf *head);
/* Write the body. */
void pm_sealed_body(const struct pm_sealed *w, struct pm_mail_out *out);

#endif
