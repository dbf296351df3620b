/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text: UTF-16LE and UTF-8 into one another, UTF-8 validation, a form that is safe on a
 * terminal, ASCII comparison. Code pages are in base/codepage.h.
 *
 * The conversions append to a buffer and never fail for what the bytes contain: what is no
 * text becomes U+FFFD and is counted. They return PM_OK, PM_DAMAGED when something was
 * replaced, or the error of the context. *ret_bad (may be NULL) is the number of
 * replacements, 0 for valid input; it is untouched on an error. U+0000 is text like any other.
 */
#ifndef PM_BASE_TEXT_H
#define PM_BASE_TEXT_H

#include "base/bytes.h"

#define PM_UNI_BAD          0xFFFFFFFFu /* no character */
#define PM_UNI_REPLACEMENT  0xFFFDu
#define PM_UTF8_REPLACEMENT "\xEF\xBF\xBD"
#define PM_UTF8_MAX         4 /* bytes of the longest character */

/*
 * The first character of n > 0 bytes of UTF-8: its length (1 to 4). For invalid bytes the
 * character is PM_UNI_BAD and the length that of the longest part that began well, at least 1.
 */
size_t pm_utf8_next(const uint8_t *p, size_t n, uint32_t *ret_c);
/* The UTF-8 of a character, U+FFFD's for surrogates and beyond U+10FFFF. Returns its length. */
size_t pm_utf8_put(uint8_t ret[PM_UTF8_MAX], uint32_t c);
bool pm_utf8_valid(const void *p, size_t n);
/* Controls, what breaks lines, turns the direction or can't be seen; also PM_UNI_BAD. */
bool pm_uni_unsafe(uint32_t c);

/* No lone surrogates in n bytes of UTF-16LE, and no odd byte at the end? (U+FFFD is a character.) */
bool pm_utf16_valid(const void *p, size_t n);
/* n bytes of UTF-16LE; a lone surrogate is bad, and so is an odd byte at the end. */
enum pm_rc pm_utf16_to_utf8(struct pm_ctx *ctx, struct pm_buf *out, const void *p, size_t n,
			    uint64_t *ret_bad);
enum pm_rc pm_utf8_to_utf16(struct pm_ctx *ctx, struct pm_buf *out, const void *p, size_t n,
			    uint64_t *ret_bad);
/* UTF-8 to valid UTF-8. */
enum pm_rc pm_utf8_clean(struct pm_ctx *ctx, struct pm_buf *out, const void *p, size_t n,
			 uint64_t *ret_bad);

/*
 * Text for a person at a terminal, one line, whatever is in it: control characters as \n, \t,
 * \xHH or \u{HHHH}, so all that is pm_uni_unsafe, bytes that are no UTF-8 as \xHH. A backslash
 * stays as it is. (pm_quote of base/quote.h is for names inside messages.)
 */
void pm_text_printable(struct pm_ctx *ctx, struct pm_buf *out, const void *p, size_t n);

/* ASCII only, no locale; other bytes compare as they are. Like strcmp and strncmp. */
static inline uint8_t pm_ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static inline bool pm_ascii_isdigit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool pm_ascii_isalpha(uint8_t c)
{
	c = pm_ascii_lower(c);
	return c >= 'a' && c <= 'z';
}

static inline bool pm_ascii_isspace(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int pm_ascii_casecmp(const char *a, const char *b);
int pm_ascii_ncasecmp(const void *a, const void *b, size_t n); /* no byte is a terminator */
/* The value of a hexadecimal digit, -1 for any other byte. */
int pm_ascii_hex(uint8_t c);

#endif
