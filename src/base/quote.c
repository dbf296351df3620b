/* SPDX-License-Identifier: Apache-2.0 */
/* Safe printing of names; see quote.h. */
#include "base/quote.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !(defined(__GLIBC__) && __GLIBC_PREREQ(2, 32))
#define strerrordesc_np strerror
#endif

const char *pm_strerror(int errnum)
{
	const char *s = strerrordesc_np(errnum);

	return s ? s : "unknown error";
}

/* Bytes of the valid UTF-8 sequence at p and its character; 0 when it is none. */
static size_t utf8_len(const uint8_t *p, uint32_t *ret_c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c = p[0];

	if (n == 0 || p[0] > 0xf4)
		return 0;
	if (n > 1)
		c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) /* a NUL too, so this stays inside the string */
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	*ret_c = c;
	return n;
}

/* Characters that move the cursor, change direction, or can't be seen. */
static bool is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	       (c >= 0xe0000 && c <= 0xe0fff);
}

/* One character of the name at p, as printed; returns how many bytes of the name it was. */
static size_t quote_one(const uint8_t *p, char *out, size_t *ret_n)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t c = 0;
	size_t n = utf8_len(p, &c), used = n ? n : 1, w = 0;

	if (n && !is_unsafe(c)) {
		if (c == '\\' || c == '\'')
			out[w++] = '\\';
		memcpy(out + w, p, n);
		*ret_n = w + n;
		return n;
	}
	for (size_t i = 0; i < used; i++) {
		out[w++] = '\\';
		out[w++] = 'x';
		out[w++] = hex[p[i] >> 4];
		out[w++] = hex[p[i] & 15];
	}
	*ret_n = w;
	return used;
}

struct pm_quoted pm_quote(const char *name)
{
	enum { ONE = 16, HEAD = 100, DOTS = 3, TAIL = 200 };
	struct pm_quoted q;
	const uint8_t *p = (const uint8_t *)name, *end = p + strlen(name);
	size_t n = 0, total = 0, skip = 0, w;
	char one[ONE];

	for (const uint8_t *s = p; s < end; total += w)
		s += quote_one(s, one, &w);
	/* The end of a path is what tells files apart: when it is too long, drop the middle. */
	if (total > HEAD + DOTS + TAIL)
		skip = total - TAIL;
	q.s[n++] = '\'';
	for (size_t at = 0; p < end; at += w) {
		p += quote_one(p, one, &w);
		if (skip && at + w > HEAD && at < skip) {
			if (at <= HEAD) {
				memcpy(q.s + n, "...", DOTS);
				n += DOTS;
			}
			continue;
		}
		memcpy(q.s + n, one, w);
		n += w;
	}
	q.s[n++] = '\'';
	q.s[n] = '\0';
	return q;
}
