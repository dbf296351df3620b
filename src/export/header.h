/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header fields of mail: made from values, and taken over from the header block that came with
 * a message (PidTagTransportMessageHeaders). What is appended here are whole lines that end in
 * LF, folded, in 7-bit ASCII; nothing in a value can end a field or begin another.
 */
#ifndef PM_EXPORT_HEADER_H
#define PM_EXPORT_HEADER_H

#include "base/bytes.h"

/* An unstructured field (Subject): UTF-8 text, as encoded words where it has to be. */
void pm_head_text(struct pm_ctx *ctx, struct pm_buf *out, const char *name, const void *text,
		  size_t n);
/* A field whose value is in its final form already, ASCII: it is only folded. */
void pm_head_ready(struct pm_ctx *ctx, struct pm_buf *out, const char *name, const void *value,
		   size_t n);
/* Append text as a phrase [RFC 5322 3.2.5]: atoms, a quoted string, or encoded words. */
void pm_head_phrase(struct pm_ctx *ctx, struct pm_buf *out, const void *text, size_t n);

/* A field of a header block: spans of it. */
struct pm_head_field {
	struct pm_span name;
	struct pm_span raw;   /* all its lines, the name included, with the end of the last */
	struct pm_span value; /* behind the colon, white space in front of it left out */
};

struct pm_fields {
	PM_VEC(struct pm_head_field) v;
	size_t odd; /* lines that are no part of a field, left out */
};

/* Take a header block apart, up to its first empty line. `text` must outlive *ret. */
enum pm_rc pm_fields_parse(struct pm_ctx *ctx, struct pm_span text,
			   struct pm_fields *ret) PM_MUST_CHECK;
void pm_fields_done(struct pm_fields *f);
bool pm_field_is(const struct pm_head_field *f, const char *name); /* whatever the case */
/* The first field of this name, or NULL. */
const struct pm_head_field *pm_fields_find(const struct pm_fields *f, const char *name);
/* Append its value on one line. */
void pm_field_unfold(struct pm_ctx *ctx, const struct pm_head_field *f, struct pm_buf *out);

/*
 * Append a field as it is, line by line, under its own name or another. False, and nothing is
 * appended: it has bytes that mail can't carry as they are (not ASCII, too long).
 */
bool pm_head_verbatim(struct pm_ctx *ctx, struct pm_buf *out, const struct pm_head_field *f,
		      const char *rename);

#endif
