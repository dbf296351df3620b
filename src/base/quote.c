/* SPDX-License-Identifier: Apache-2.0 */
/* Safe printing of names; see quote.h. */
#include "base/quote.h"

#include "base/text.h"

#include <string.h>

#if !(defined(__GLIBC__) && __GLIBC_PREREQ(2, 32))
#define strerrordesc_np strerror
#endif

const char *pm_strerror(int errnum)
{
	const char *s = strerrordesc_np(errnum);

	return s ? s : "unknown error";
}

/* One character of the name at p, as printed; returns how many bytes of the name it was. */
static size_t quote_one(const uint8_t *p, char *out, size_t *ret_n)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t c = 0;
	/* The NUL at the end continues no character, so this stays inside the string. */
	size_t n = pm_utf8_next(p, PM_UTF8_MAX, &c), w = 0;

	if (!pm_uni_unsafe(c)) {
		if (c == '\\' || c == '\'')
			out[w++] = '\\';
		memcpy(out + w, p, n);
		*ret_n = w + n;
		return n;
	}
	for (size_t i = 0; i < n; i++) {
		out[w++] = '\\';
		out[w++] = 'x';
		out[w++] = hex[p[i] >> 4];
		out[w++] = hex[p[i] & 15];
	}
	*ret_n = w;
	return n;
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
