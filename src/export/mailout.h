/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mail as it leaves: bytes collected into large writes, line ends of the format at hand, From_
 * quoting, and the transfer encodings. Everything that is put here ends up as 7-bit lines.
 */
#ifndef PM_EXPORT_MAILOUT_H
#define PM_EXPORT_MAILOUT_H

#include "base/bytes.h"
#include "export/base64.h"

/* Where the bytes go; an error is recorded on the context by the owner. */
struct pm_mail_sink {
	enum pm_rc (*write)(struct pm_mail_sink *s, const void *p, size_t n);
	/* May the buffer have n bytes more, rather than be written? NULL: never. */
	bool (*more)(struct pm_mail_sink *s, size_t n);
};

#define PM_MAIL_BUFFER ((size_t)256 << 10)
#define PM_MAIL_LINE   998 /* longest line of mail, without its end [RFC 5322 2.1.1] */

/* What becomes of a line that could begin a message of an mbox. */
enum pm_mail_quote {
	PM_MAIL_NO_QUOTE,
	PM_MAIL_QUOTE_O,  /* mboxo: "From " gets a > in front */
	PM_MAIL_QUOTE_RD, /* mboxrd: any number of > and then "From " get one more, to be undone */
};

struct pm_mail_out {
	struct pm_ctx *ctx;
	struct pm_mail_sink *sink;
	bool crlf; /* lines end in CR LF, else in LF */
	enum pm_mail_quote quote;
	uint8_t *buf;
	size_t n, size; /* in buf, room there */
	uint64_t bytes; /* put so far, flushed ones included */
	/* base64 */
	uint8_t rest[PM_BASE64_LINE];
	size_t n_rest;
};

/* Collects `size` bytes before it writes. PM_OK or PM_ENOMEM. The sink may be changed later on,
 * after a flush. */
enum pm_rc pm_mail_out_init(struct pm_mail_out *o, struct pm_ctx *ctx, struct pm_mail_sink *sink,
			    size_t size, bool crlf, enum pm_mail_quote quote) PM_MUST_CHECK;
void pm_mail_out_done(struct pm_mail_out *o);
/* Give a buffer that has grown, and holds nothing, this size again. */
void pm_mail_out_shrink(struct pm_mail_out *o, size_t size);
enum pm_rc pm_mail_flush(struct pm_mail_out *o) PM_MUST_CHECK;
/* Forget what was put and not flushed yet, and begin to count anew. */
void pm_mail_drop(struct pm_mail_out *o);

/*
 * The functions below put something; a failure to write is recorded on ctx, and what follows
 * does nothing. Look at ctx->rc at the end.
 */

/* A line: its text without an end, which is added. */
void pm_mail_line(struct pm_mail_out *o, const void *p, size_t n);
void pm_mail_lines(struct pm_mail_out *o, const void *p, size_t n); /* of LF or CR LF lines */
void pm_mail_puts(struct pm_mail_out *o, const char *s);            /* one line */
/* Bytes as they are, whatever they are. */
void pm_mail_raw(struct pm_mail_out *o, const void *p, size_t n);
/* Base64, in lines of 76. Any number of calls, then the end. */
void pm_mail_base64(struct pm_mail_out *o, const uint8_t *p, size_t n);
void pm_mail_base64_end(struct pm_mail_out *o);
/* Text as quoted-printable: line ends stay line ends, all else is kept byte by byte. */
void pm_mail_qp(struct pm_mail_out *o, const uint8_t *p, size_t n);

enum pm_mail_encoding { PM_MAIL_7BIT, PM_MAIL_QP, PM_MAIL_BASE64 };

/* The encoding that suits a text best. Lines that begin with "From " are not 7bit, nor is what
 * might be taken for a boundary of ours. */
enum pm_mail_encoding pm_mail_choose(const uint8_t *p, size_t n);
const char *pm_mail_encoding_name(enum pm_mail_encoding e);
/* A text in this encoding. */
void pm_mail_text(struct pm_mail_out *o, enum pm_mail_encoding e, const uint8_t *p, size_t n);

/* What all boundaries of ours begin with: it can't occur in quoted-printable. */
#define PM_MAIL_BOUNDARY "=_pstmend_"

#endif
