/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields; see header.h. */
#include "export/header.h"

#include "base/text.h"
#include "export/mailout.h"

enum {
	COLUMNS = 78,    /* what a line should not exceed [RFC 5322 2.1.1] */
	WORD_MAX = 75,   /* characters of an encoded word [RFC 2047 2] */
	TOKEN_MAX = 900, /* longest run without white space that is left as it is */
};

#define WORD_BEGIN "=?utf-8?"

/* ---- folding ---- */

/* Where to break a value so that the first part is at most `room` long: the index of the white
 * space that begins the next line; 0 when there is none. */
static size_t break_at(const uint8_t *p, size_t n, size_t room)
{
	size_t best = 0;

	for (size_t i = 1; i + 1 < n; i++) {
		if (i > room && best)
			break;
		if (p[i] == ' ' && p[i + 1] != ' ')
			best = i;
		if (i > room && best)
			break;
	}
	/* Nothing but white space in front would be an empty line. */
	for (size_t i = 0; i < best; i++)
		if (p[i] != ' ')
			return best;
	return 0;
}

void pm_head_ready(struct pm_ctx *ctx, struct pm_buf *out, const char *name, const void *value,
		   size_t n)
{
	const uint8_t *p = value;
	size_t used = strlen(name) + 2;

	pm_buf_str(ctx, out, name);
	pm_buf_str(ctx, out, ": ");
	while (used + n > COLUMNS) {
		size_t at = break_at(p, n, used < COLUMNS ? COLUMNS - used : 0);

		if (!at)
			break;
		pm_buf_add(ctx, out, p, at);
		pm_buf_byte(ctx, out, '\n');
		p += at;
		n -= at;
		used = 0;
	}
	pm_buf_add(ctx, out, p, n);
	pm_buf_byte(ctx, out, '\n');
}

/* ---- encoded words ---- */

/* Characters that stand for themselves in the Q encoding, even in a phrase [RFC 2047 5]. */
static bool q_plain(uint8_t c)
{
	return pm_ascii_isalpha(c) || pm_ascii_isdigit(c) || c == '!' || c == '*' || c == '+' ||
	       c == '-' || c == '/';
}

static size_t q_size(const uint8_t *p, size_t n)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += q_plain(p[i]) || p[i] == ' ' ? 1 : 3;
	return size;
}

static void put_q(struct pm_ctx *ctx, struct pm_buf *out, const uint8_t *p, size_t n)
{
	static const char hex[] = "0123456789ABCDEF";

	pm_buf_str(ctx, out, WORD_BEGIN "q?");
	for (size_t i = 0; i < n; i++) {
		if (q_plain(p[i]) || p[i] == ' ') {
			pm_buf_byte(ctx, out, p[i] == ' ' ? '_' : p[i]);
			continue;
		}
		pm_buf_byte(ctx, out, '=');
		pm_buf_byte(ctx, out, (uint8_t)hex[p[i] >> 4]);
		pm_buf_byte(ctx, out, (uint8_t)hex[p[i] & 15]);
	}
	pm_buf_str(ctx, out, "?=");
}

static void put_b(struct pm_ctx *ctx, struct pm_buf *out, const uint8_t *p, size_t n)
{
	uint8_t *room;

	pm_buf_str(ctx, out, WORD_BEGIN "b?");
	room = pm_buf_room(ctx, out, (n + 2) / 3 * 4);
	if (room)
		pm_base64(room, p, n);
	pm_buf_str(ctx, out, "?=");
}

/*
 * How much of a text goes into one encoded word of `room` characters, whole characters only. A
 * word of base64 that is not the last one has no padding: GMime and others decode adjacent words
 * as one, up to the padding. 0: no such word.
 */
static size_t take_word(const uint8_t *p, size_t n, size_t room, bool q)
{
	size_t end = 0, best = 0;

	while (end < n) {
		uint32_t c;

		end += pm_utf8_next(p + end, n - end, &c);
		if ((q ? q_size(p, end) : (end + 2) / 3 * 4) > room)
			break;
		if (q || end % 3 == 0 || end == n)
			best = end;
	}
	return best;
}

/* Text as encoded words with a space between them. */
static void put_words(struct pm_ctx *ctx, struct pm_buf *out, const uint8_t *p, size_t n)
{
	/* "Subject: " stands before the first one on its line. */
	size_t room = WORD_MAX - (sizeof(WORD_BEGIN) - 1) - 4 - 12;
	bool prefer_q = q_size(p, n) < n * 2;

	for (size_t at = 0; at < n;) {
		size_t part = prefer_q ? 0 : take_word(p + at, n - at, room, false);

		if (at)
			pm_buf_byte(ctx, out, ' ');
		if (part) {
			put_b(ctx, out, p + at, part);
		} else {
			part = take_word(p + at, n - at, room, true);
			put_q(ctx, out, p + at, part);
		}
		at += part;
	}
}

/* Append text without what ends lines or strings, and without what is no text. */
static void put_clean(struct pm_ctx *ctx, struct pm_buf *out, const uint8_t *p, size_t n)
{
	size_t from = out->n;

	pm_utf8_clean(ctx, out, p, n, NULL);
	for (size_t i = from; i < out->n; i++)
		if (out->p[i] < 0x20 || out->p[i] == 0x7F)
			out->p[i] = ' ';
}

static bool has_high(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] & 0x80)
			return true;
	return false;
}

/* Longest run without a space. */
static size_t longest_token(const uint8_t *p, size_t n)
{
	size_t longest = 0, start = 0;

	for (size_t i = 0; i <= n; i++) {
		if (i < n && p[i] != ' ')
			continue;
		if (i - start > longest)
			longest = i - start;
		start = i + 1;
	}
	return longest;
}

/* Must this text be encoded to arrive as it is? */
static bool must_encode(const uint8_t *p, size_t n)
{
	return n && (has_high(p, n) || memmem(p, n, "=?", 2) || p[0] == ' ' || p[n - 1] == ' ' ||
		     longest_token(p, n) > TOKEN_MAX);
}

void pm_head_text(struct pm_ctx *ctx, struct pm_buf *out, const char *name, const void *text,
		  size_t n)
{
	struct pm_buf clean = {0}, words = {0};

	put_clean(ctx, &clean, text, n);
	if (must_encode(clean.p, clean.n)) {
		put_words(ctx, &words, clean.p, clean.n);
		pm_head_ready(ctx, out, name, words.p, words.n);
	} else {
		pm_head_ready(ctx, out, name, clean.p, clean.n);
	}
	pm_buf_done(&clean);
	pm_buf_done(&words);
}

static bool is_atext(uint8_t c)
{
	return pm_ascii_isalpha(c) || pm_ascii_isdigit(c) ||
	       (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Words of atoms with single spaces between them. */
static bool is_atoms(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_atext(p[i]) && !(p[i] == ' ' && i && i + 1 < n && p[i - 1] != ' '))
			return false;
	return n != 0;
}

void pm_head_phrase(struct pm_ctx *ctx, struct pm_buf *out, const void *text, size_t n)
{
	struct pm_buf clean = {0};
	const uint8_t *p;

	put_clean(ctx, &clean, text, n);
	p = clean.p;
	n = clean.n;
	if (must_encode(p, n)) {
		put_words(ctx, out, p, n);
	} else if (is_atoms(p, n)) {
		pm_buf_add(ctx, out, p, n);
	} else {
		pm_buf_byte(ctx, out, '"');
		for (size_t i = 0; i < n; i++) {
			if (p[i] == '"' || p[i] == '\\')
				pm_buf_byte(ctx, out, '\\');
			pm_buf_byte(ctx, out, p[i]);
		}
		pm_buf_byte(ctx, out, '"');
	}
	pm_buf_done(&clean);
}

/* ---- header blocks ---- */

/* Length of the field name that a line begins with, 0 when it begins with none. */
static size_t name_length(const uint8_t *p, size_t n)
{
	size_t i = 0, end;

	while (i < n && p[i] > ' ' && p[i] < 0x7F && p[i] != ':')
		i++;
	end = i;
	while (i < n && (p[i] == ' ' || p[i] == '\t'))
		i++;
	return i < n && p[i] == ':' ? end : 0;
}

static bool is_blank(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!pm_ascii_isspace(p[i]) && p[i])
			return false;
	return true;
}

static enum pm_rc add_field(struct pm_ctx *ctx, struct pm_fields *f, struct pm_span raw,
			    size_t name)
{
	struct pm_head_field *slot = pm_vec_push(ctx, &f->v);
	size_t at = name;

	if (!slot)
		return ctx->rc;
	while (raw.p[at] != ':')
		at++;
	at++;
	while (at < raw.n && (raw.p[at] == ' ' || raw.p[at] == '\t'))
		at++;
	slot->raw = raw;
	slot->name = (struct pm_span){raw.p, name, 0};
	slot->value = (struct pm_span){raw.p + at, raw.n - at, 0};
	return PM_OK;
}

static void extend(struct pm_head_field *f, const uint8_t *end)
{
	f->raw.n = (size_t)(end - f->raw.p);
	f->value.n = (size_t)(end - f->value.p);
}

enum pm_rc pm_fields_parse(struct pm_ctx *ctx, struct pm_span text, struct pm_fields *ret)
{
	enum pm_rc rc = PM_OK;
	bool open = false; /* the line before belongs to a field */

	*ret = (struct pm_fields){0};
	for (size_t at = 0; at < text.n && !rc;) {
		const uint8_t *p = text.p + at, *nl = memchr(p, '\n', text.n - at);
		size_t n = nl ? (size_t)(nl - p) + 1 : text.n - at, name;

		at += n;
		if (is_blank(p, n)) {
			/* An empty line ends the block; one of white space only is a slip. */
			if (ret->v.n && (p[0] == '\n' || p[0] == '\r'))
				break;
			continue;
		}
		if (p[0] == ' ' || p[0] == '\t') {
			if (open)
				extend(&ret->v.v[ret->v.n - 1], p + n);
			else
				ret->odd++;
			continue;
		}
		name = name_length(p, n);
		open = name != 0;
		if (open)
			rc = add_field(ctx, ret, (struct pm_span){p, n, 0}, name);
		else
			ret->odd++;
	}
	return rc;
}

void pm_fields_done(struct pm_fields *f)
{
	pm_vec_done(&f->v);
}

bool pm_field_is(const struct pm_head_field *f, const char *name)
{
	return f->name.n == strlen(name) && pm_ascii_ncasecmp(f->name.p, name, f->name.n) == 0;
}

const struct pm_head_field *pm_fields_find(const struct pm_fields *f, const char *name)
{
	for (size_t i = 0; i < f->v.n; i++)
		if (pm_field_is(&f->v.v[i], name))
			return &f->v.v[i];
	return NULL;
}

void pm_field_unfold(struct pm_ctx *ctx, const struct pm_head_field *f, struct pm_buf *out)
{
	size_t end = f->value.n;

	while (end && (pm_ascii_isspace(f->value.p[end - 1]) || !f->value.p[end - 1]))
		end--;
	for (size_t i = 0; i < end; i++) {
		uint8_t c = f->value.p[i];

		if (c != '\r' && c != '\n')
			pm_buf_byte(ctx, out, c < 0x20 || c == 0x7F ? ' ' : c);
	}
}

/* Can mail carry these lines as they are? */
static bool is_carried(struct pm_span raw)
{
	size_t column = 0;

	for (size_t i = 0; i < raw.n; i++) {
		uint8_t c = raw.p[i];

		column = c == '\n' ? 0 : column + 1;
		if (c >= 0x7F || (c < 0x20 && c != '\t' && c != '\n' && c != '\r') ||
		    column > PM_MAIL_LINE)
			return false;
		if (c == '\r' && i + 1 < raw.n && raw.p[i + 1] != '\n')
			return false;
	}
	return true;
}

bool pm_head_verbatim(struct pm_ctx *ctx, struct pm_buf *out, const struct pm_head_field *f,
		      const char *rename)
{
	size_t at = 0;

	if (!is_carried(f->raw))
		return false;
	if (rename) {
		pm_buf_str(ctx, out, rename);
		pm_buf_str(ctx, out, ":");
		while (f->raw.p[at++] != ':')
			;
	}
	while (at < f->raw.n) {
		const uint8_t *p = f->raw.p + at, *nl = memchr(p, '\n', f->raw.n - at);
		size_t n = nl ? (size_t)(nl - p) : f->raw.n - at;

		at += nl ? n + 1 : n;
		while (n && (p[n - 1] == '\r' || p[n - 1] == ' ' || p[n - 1] == '\t'))
			n--;
		if (!n)
			continue; /* it would end the header */
		pm_buf_add(ctx, out, p, n);
		pm_buf_byte(ctx, out, '\n');
	}
	return true;
}
