/* SPDX-License-Identifier: Apache-2.0 */
/* Lines, From_ quoting and transfer encodings; see mailout.h. */
#include "export/mailout.h"

#include "base/scan.h"
#include "export/base64.h"

enum pm_rc pm_mail_out_init(struct pm_mail_out *o, struct pm_ctx *ctx, struct pm_mail_sink *sink,
			    size_t size, bool crlf, enum pm_mail_quote quote)
{
	*o = (struct pm_mail_out){
		.ctx = ctx, .sink = sink, .size = size, .crlf = crlf, .quote = quote};
	o->buf = pm_calloc(ctx, 1, size);
	return o->buf ? PM_OK : PM_ENOMEM;
}

void pm_mail_out_done(struct pm_mail_out *o)
{
	pm_free(o->buf);
	o->buf = NULL;
}

enum pm_rc pm_mail_flush(struct pm_mail_out *o)
{
	enum pm_rc rc = o->ctx->rc;

	if (!rc && o->n)
		rc = o->sink->write(o->sink, o->buf, o->n);
	o->n = 0;
	return rc;
}

void pm_mail_out_shrink(struct pm_mail_out *o, size_t size)
{
	uint8_t *p = size < o->size ? pm_realloc(o->ctx, o->buf, 1, size) : NULL;

	if (!p)
		return;
	o->buf = p;
	o->size = size;
}

/* The buffer is full, or will be. */
static enum pm_rc make_room(struct pm_mail_out *o)
{
	uint8_t *p;

	if (!o->sink->more || !o->sink->more(o->sink, o->size))
		return pm_mail_flush(o);
	p = pm_realloc(o->ctx, o->buf, 2, o->size);
	if (!p)
		return o->ctx->rc;
	o->buf = p;
	o->size *= 2;
	return PM_OK;
}

void pm_mail_drop(struct pm_mail_out *o)
{
	o->n = o->n_rest = 0;
	o->bytes = 0;
}

static void put(struct pm_mail_out *o, const void *p, size_t n)
{
	const uint8_t *b = p;

	o->bytes += n;
	while (n && !o->ctx->rc) {
		size_t room = o->size - o->n, part = n < room ? n : room;

		memcpy(o->buf + o->n, b, part);
		o->n += part;
		b += part;
		n -= part;
		if (n && make_room(o))
			return;
	}
}

static void end_line(struct pm_mail_out *o)
{
	put(o, o->crlf ? "\r\n" : "\n", o->crlf ? 2 : 1);
}

/* Is it any number of > and then "From "? */
static bool is_from(const uint8_t *p, size_t n)
{
	while (n && *p == '>') {
		p++;
		n--;
	}
	return n >= 5 && memcmp(p, "From ", 5) == 0;
}

static bool must_quote(enum pm_mail_quote q, const uint8_t *p, size_t n)
{
	return q != PM_MAIL_NO_QUOTE && (q == PM_MAIL_QUOTE_RD || (n && *p == 'F')) &&
	       is_from(p, n);
}

void pm_mail_line(struct pm_mail_out *o, const void *p, size_t n)
{
	if (must_quote(o->quote, p, n))
		put(o, ">", 1);
	if (n)
		put(o, p, n);
	end_line(o);
}

void pm_mail_puts(struct pm_mail_out *o, const char *s)
{
	pm_mail_line(o, s, strlen(s));
}

/* The next line of a text: its length without its end; *ret_next is behind the end. */
static size_t next_line(const uint8_t *p, size_t n, size_t *ret_next)
{
	const uint8_t *nl = memchr(p, '\n', n);
	size_t len = nl ? (size_t)(nl - p) : n;

	*ret_next = nl ? len + 1 : n;
	return nl && len && p[len - 1] == '\r' ? len - 1 : len;
}

void pm_mail_lines(struct pm_mail_out *o, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t at = 0, next; at < n; at += next) {
		size_t len = next_line(b + at, n - at, &next);

		pm_mail_line(o, b + at, len);
	}
}

void pm_mail_raw(struct pm_mail_out *o, const void *p, size_t n)
{
	if (n)
		put(o, p, n);
}

/* ---- base64 ---- */

/* A line of base64, straight into the buffer. `behind`: bytes that follow where a whole line is. */
static void line64(struct pm_mail_out *o, const uint8_t *p, size_t n, size_t behind)
{
	size_t at;

	if (o->ctx->rc || (o->size - o->n < PM_BASE64_CHARS + 2 && make_room(o)))
		return;
	at = o->n;
	if (n == PM_BASE64_LINE) {
		pm_base64_line(o->buf + o->n, p, behind);
		o->n += PM_BASE64_CHARS;
	} else {
		o->n += pm_base64(o->buf + o->n, p, n);
	}
	if (o->crlf)
		o->buf[o->n++] = '\r';
	o->buf[o->n++] = '\n';
	o->bytes += o->n - at;
}

void pm_mail_base64(struct pm_mail_out *o, const uint8_t *p, size_t n)
{
	if (o->n_rest) {
		size_t part = PM_BASE64_LINE - o->n_rest < n ? PM_BASE64_LINE - o->n_rest : n;

		if (part)
			memcpy(o->rest + o->n_rest, p, part);
		o->n_rest += part;
		p += part;
		n -= part;
		if (o->n_rest < PM_BASE64_LINE)
			return;
		line64(o, o->rest, PM_BASE64_LINE, 0);
		o->n_rest = 0;
	}
	for (; n >= PM_BASE64_LINE; n -= PM_BASE64_LINE, p += PM_BASE64_LINE)
		line64(o, p, PM_BASE64_LINE, n - PM_BASE64_LINE);
	if (n)
		memcpy(o->rest, p, n);
	o->n_rest = n;
}

void pm_mail_base64_end(struct pm_mail_out *o)
{
	if (o->n_rest)
		line64(o, o->rest, o->n_rest, 0);
	o->n_rest = 0;
}

/* ---- quoted-printable ---- */

/* Can byte i of a line stand for itself? White space at the end can't [RFC 2045 6.7]. */
static bool qp_plain(const uint8_t *p, size_t i, size_t n)
{
	uint8_t c = p[i];

	if (c == ' ' || c == '\t')
		return i + 1 < n;
	return c > ' ' && c < 0x7F && c != '=';
}

/* How many bytes from i on, at most `most`, can. */
static size_t qp_run(const uint8_t *p, size_t i, size_t n, size_t most)
{
	size_t end = n - i < most ? n : i + most, k = i;

	while (k < end && p[k] >= ' ' && p[k] < 0x7F && p[k] != '=')
		k++;
	return k - i - (k == n && k > i && p[k - 1] == ' ');
}

static void qp_line(struct pm_mail_out *o, const uint8_t *p, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";
	uint8_t line[76];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		/* Most can, all but the first of a line without another look. */
		const size_t run = len ? qp_run(p, i, n, sizeof(line) - 1 - len) : 0;
		bool plain;

		memcpy(line + len, p + i, run);
		len += run;
		i += run;
		if (i == n)
			break;
		/* Nothing at the beginning of a line is to look like the beginning of a message. */
		plain = qp_plain(p, i, n) && !(len == 0 && is_from(p + i, n - i));
		/* Room for the = of a soft line break. */
		if (len + (plain ? 1 : 3) >
		    sizeof(line) - 1) { /* room for the = of a soft line break */
			line[len++] = '=';
			pm_mail_line(o, line, len);
			len = 0;
			plain = plain && !is_from(p + i, n - i);
		}
		if (plain) {
			line[len++] = p[i];
		} else {
			line[len++] = '=';
			line[len++] = (uint8_t)hex[p[i] >> 4];
			line[len++] = (uint8_t)hex[p[i] & 15];
		}
	}
	pm_mail_line(o, line, len);
}

void pm_mail_qp(struct pm_mail_out *o, const uint8_t *p, size_t n)
{
	for (size_t at = 0, next; at < n; at += next) {
		size_t len = next_line(p + at, n - at, &next);

		qp_line(o, p + at, len);
	}
}

/* ---- choice ---- */

/* What a text is made of. */
struct census {
	size_t high;    /* bytes of 80 and above */
	size_t control; /* control characters that 7bit can't carry, or better doesn't */
	size_t longest; /* line */
	bool from;      /* a line looks like the beginning of a message, */
	bool boundary;  /* or like one of our delimiters */
};

static void take_census(struct census *c, const uint8_t *p, size_t n)
{
	static const char delimiter[] = "--" PM_MAIL_BOUNDARY;
	struct pm_bytes_census bytes;

	pm_bytes_census(&bytes, p, n);
	c->high = bytes.high;
	/* ESC is what ISO-2022 is made of. */
	c->control = bytes.control - bytes.tab - bytes.esc;
	for (size_t at = 0, next; at < n; at += next) {
		size_t len = next_line(p + at, n - at, &next);

		c->control -= next - len; /* its end */
		if (len > c->longest)
			c->longest = len;
		if (len > 4 && (p[at] == 'F' || p[at] == '>') && is_from(p + at, len))
			c->from = true;
		if (len >= sizeof(delimiter) - 1 && p[at] == '-' &&
		    memcmp(p + at, delimiter, sizeof(delimiter) - 1) == 0)
			c->boundary = true;
	}
}

enum pm_mail_encoding pm_mail_choose(const uint8_t *p, size_t n)
{
	struct census c = {0};

	take_census(&c, p, n);
	if (!c.high && !c.control && c.longest <= PM_MAIL_LINE && !c.from && !c.boundary)
		return PM_MAIL_7BIT;
	/* An escaped byte takes three; beyond this base64 is shorter, and nobody could read it. */
	return c.high + c.control > n / 4 ? PM_MAIL_BASE64 : PM_MAIL_QP;
}

const char *pm_mail_encoding_name(enum pm_mail_encoding e)
{
	static const char *const names[] = {"7bit", "quoted-printable", "base64"};

	return names[e];
}

void pm_mail_text(struct pm_mail_out *o, enum pm_mail_encoding e, const uint8_t *p, size_t n)
{
	if (e == PM_MAIL_7BIT) {
		pm_mail_lines(o, p, n);
	} else if (e == PM_MAIL_QP) {
		pm_mail_qp(o, p, n);
	} else {
		pm_mail_base64(o, p, n);
		pm_mail_base64_end(o);
	}
}
