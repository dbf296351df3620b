/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-16LE, UTF-8, terminal-safe text, ASCII comparison. */
#include "base/text.h"

#include "base/text_wide.h"

/* Conversions collect this much before they touch the buffer. */
#define CHUNK 4096

/* What all conversions do at their end. */
static enum pm_rc finish(const struct pm_ctx *ctx, const struct pm_buf *out, uint64_t bad,
			 uint64_t *ret_bad)
{
	if (out->bad)
		return ctx->rc != PM_OK ? ctx->rc : PM_ENOMEM;
	if (ret_bad)
		*ret_bad = bad;
	return bad ? PM_DAMAGED : PM_OK;
}

/* --- one character ------------------------------------------------------------------- */

size_t pm_utf8_put(uint8_t ret[PM_UTF8_MAX], uint32_t c)
{
	if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		c = PM_UNI_REPLACEMENT;
	if (c < 0x80) {
		ret[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		ret[0] = (uint8_t)(0xC0 | c >> 6);
		ret[1] = (uint8_t)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		ret[0] = (uint8_t)(0xE0 | c >> 12);
		ret[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
		ret[2] = (uint8_t)(0x80 | (c & 0x3F));
		return 3;
	}
	ret[0] = (uint8_t)(0xF0 | c >> 18);
	ret[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
	ret[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
	ret[3] = (uint8_t)(0x80 | (c & 0x3F));
	return 4;
}

size_t pm_utf8_next(const uint8_t *p, size_t n, uint32_t *ret_c)
{
	/* Bounds of the second byte keep out overlong forms, surrogates and what is too big. */
	uint8_t lo = 0x80, hi = 0xBF;
	uint32_t c = p[0];
	size_t len, i;

	if (c < 0x80) {
		*ret_c = c;
		return 1;
	}
	*ret_c = PM_UNI_BAD;
	if (c < 0xC2 || c > 0xF4)
		return 1;
	len = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	if (c == 0xE0)
		lo = 0xA0;
	else if (c == 0xED)
		hi = 0x9F;
	else if (c == 0xF0)
		lo = 0x90;
	else if (c == 0xF4)
		hi = 0x8F;
	c &= 0x7Fu >> len;
	for (i = 1; i < len; i++) {
		if (i >= n || p[i] < lo || p[i] > hi)
			return i;
		c = c << 6 | (p[i] & 0x3F);
		lo = 0x80;
		hi = 0xBF;
	}
	*ret_c = c;
	return len;
}

bool pm_utf8_valid(const void *ptr, size_t n)
{
	const uint8_t *p = ptr;
	size_t i = 0;
	uint32_t c;

	while (i < n) {
		if (p[i] < 0x80) {
			i++;
			continue;
		}
		i += pm_utf8_next(p + i, n - i, &c);
		if (c == PM_UNI_BAD)
			return false;
	}
	return true;
}

/* May one of four units be a surrogate? (The test for a zero in a word.) */
static bool has_surrogate4(const uint8_t *p)
{
	uint64_t x = (pm_le64(p) & 0xF800F800F800F800u) ^ 0xD800D800D800D800u;

	return (x - 0x0001000100010001u) & ~x & 0x8000800080008000u;
}

bool pm_utf16_valid(const void *ptr, size_t n)
{
	const uint8_t *p = ptr;
	size_t at = pm_utf16_plain_wide(p, n);

	while (n - at >= 2) {
		unsigned int c;

		while (n - at >= 8 && !has_surrogate4(p + at))
			at += 8;
		if (n - at < 2)
			break;
		c = pm_le16(p + at) & 0xFC00;
		if (c == 0xDC00)
			return false;
		at += 2;
		if (c == 0xD800) {
			if (n - at < 2 || (pm_le16(p + at) & 0xFC00) != 0xDC00)
				return false;
			at += 2;
		}
	}
	return at == n;
}

/* --- conversions --------------------------------------------------------------------- */

static bool is_ascii4(const uint8_t *p)
{
	return !(pm_le64(p) & 0xFF80FF80FF80FF80u);
}

/* Units that are characters by themselves, from *at on, as far as there is room. How many bytes. */
static size_t put_units(uint8_t *to, size_t room, const uint8_t *p, size_t n, size_t *at)
{
	uint8_t *start = to, *last = to + room - 8;
	size_t put;

	*at += pm_utf16_put_wide(to, room, p + *at, n - *at, &put);
	to += put;
	while (n - *at >= 2 && to <= last) {
		uint32_t c;

		/* Most text is ASCII: four characters at once. */
		if (n - *at >= 8 && is_ascii4(p + *at)) {
			uint64_t v = pm_le64(p + *at);

			v = (v | v >> 8) & 0x0000FFFF0000FFFFu;
			pm_put32(to, (uint32_t)(v | v >> 16));
			to += 4;
			*at += 8;
			continue;
		}
		c = pm_le16(p + *at);
		if (c < 0x80) {
			*to++ = (uint8_t)c;
		} else if (c < 0x800) {
			*to++ = (uint8_t)(0xC0 | c >> 6);
			*to++ = (uint8_t)(0x80 | (c & 0x3F));
		} else if ((c & 0xF800) != 0xD800) {
			*to++ = (uint8_t)(0xE0 | c >> 12);
			*to++ = (uint8_t)(0x80 | (c >> 6 & 0x3F));
			*to++ = (uint8_t)(0x80 | (c & 0x3F));
		} else {
			break;
		}
		*at += 2;
	}
	return (size_t)(to - start);
}

enum pm_rc pm_utf16_to_utf8(struct pm_ctx *ctx, struct pm_buf *out, const void *ptr, size_t n,
			    uint64_t *ret_bad)
{
	const uint8_t *p = ptr;
	uint8_t chunk[CHUNK];
	uint64_t bad = 0;
	size_t at = 0, used = 0;

	while (at < n && !out->bad) {
		uint32_t c;

		used += put_units(chunk + used, sizeof(chunk) - used, p, n, &at);
		if (at == n || used >= sizeof(chunk) - PM_UTF8_MAX) {
			pm_buf_add(ctx, out, chunk, used);
			used = 0;
			continue;
		}
		if (n - at < 2) {
			c = PM_UNI_BAD;
			at++;
		} else {
			c = pm_le16(p + at);
			at += 2;
		}
		if (c >= 0xD800 && c <= 0xDFFF) {
			uint32_t low = c < 0xDC00 && n - at >= 2 ? pm_le16(p + at) : 0;

			if (low >= 0xDC00 && low <= 0xDFFF) {
				c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
				at += 2;
			} else {
				c = PM_UNI_BAD;
			}
		}
		bad += c == PM_UNI_BAD;
		used += pm_utf8_put(chunk + used, c);
		if (used > sizeof(chunk) - PM_UTF8_MAX || at == n) {
			pm_buf_add(ctx, out, chunk, used);
			used = 0;
		}
	}
	return finish(ctx, out, bad, ret_bad);
}

enum pm_rc pm_utf8_to_utf16(struct pm_ctx *ctx, struct pm_buf *out, const void *ptr, size_t n,
			    uint64_t *ret_bad)
{
	const uint8_t *p = ptr;
	uint8_t chunk[CHUNK];
	uint64_t bad = 0;
	size_t at = 0, used = 0;

	while (at < n && !out->bad) {
		uint32_t c;

		at += pm_utf8_next(p + at, n - at, &c);
		if (c == PM_UNI_BAD) {
			bad++;
			c = PM_UNI_REPLACEMENT;
		}
		if (c >= 0x10000) {
			c -= 0x10000;
			pm_put16(chunk + used, (uint16_t)(0xD800 | c >> 10));
			pm_put16(chunk + used + 2, (uint16_t)(0xDC00 | (c & 0x3FF)));
			used += 4;
		} else {
			pm_put16(chunk + used, (uint16_t)c);
			used += 2;
		}
		if (used > sizeof(chunk) - 4 || at == n) {
			pm_buf_add(ctx, out, chunk, used);
			used = 0;
		}
	}
	return finish(ctx, out, bad, ret_bad);
}

enum pm_rc pm_utf8_clean(struct pm_ctx *ctx, struct pm_buf *out, const void *ptr, size_t n,
			 uint64_t *ret_bad)
{
	const uint8_t *p = ptr;
	uint64_t bad = 0;
	size_t at = 0, good = 0; /* [good, at) is valid and not yet copied */

	while (at < n && !out->bad) {
		uint32_t c;
		size_t len = pm_utf8_next(p + at, n - at, &c);

		if (c == PM_UNI_BAD) {
			pm_buf_add(ctx, out, p + good, at - good);
			pm_buf_str(ctx, out, PM_UTF8_REPLACEMENT);
			good = at + len;
			bad++;
		}
		at += len;
	}
	if (at > good)
		pm_buf_add(ctx, out, p + good, at - good);
	return finish(ctx, out, bad, ret_bad);
}

/* --- terminals ----------------------------------------------------------------------- */

bool pm_uni_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C ||
	       (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
	       (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
	       (c >= 0xE0000 && c <= 0xE0FFF) || c > 0x10FFFF;
}

void pm_text_printable(struct pm_ctx *ctx, struct pm_buf *out, const void *ptr, size_t n)
{
	const uint8_t *p = ptr;
	size_t at = 0, len;
	uint32_t c;

	for (; at < n && !out->bad; at += len) {
		len = pm_utf8_next(p + at, n - at, &c);
		if (c == PM_UNI_BAD) {
			for (size_t i = 0; i < len; i++)
				pm_buf_printf(ctx, out, "\\x%02X", p[at + i]);
		} else if (!pm_uni_unsafe(c)) {
			pm_buf_add(ctx, out, p + at, len);
		} else if (c == '\n') {
			pm_buf_str(ctx, out, "\\n");
		} else if (c == '\r') {
			pm_buf_str(ctx, out, "\\r");
		} else if (c == '\t') {
			pm_buf_str(ctx, out, "\\t");
		} else if (c < 0x80) {
			pm_buf_printf(ctx, out, "\\x%02X", (unsigned int)c);
		} else {
			pm_buf_printf(ctx, out, "\\u{%04X}", (unsigned int)c);
		}
	}
}

/* --- ASCII --------------------------------------------------------------------------- */

int pm_ascii_casecmp(const char *a, const char *b)
{
	for (;; a++, b++) {
		int x = pm_ascii_lower((uint8_t)*a), y = pm_ascii_lower((uint8_t)*b);

		if (x != y || !x)
			return x - y;
	}
}

int pm_ascii_ncasecmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (size_t i = 0; i < n; i++) {
		int d = pm_ascii_lower(p[i]) - pm_ascii_lower(q[i]);

		if (d)
			return d;
	}
	return 0;
}

int pm_ascii_hex(uint8_t c)
{
	if (pm_ascii_isdigit(c))
		return c - '0';
	c = pm_ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
