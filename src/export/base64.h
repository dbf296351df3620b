/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 [RFC 4648 4], by far the most of what an export writes. */
#ifndef PM_EXPORT_BASE64_H
#define PM_EXPORT_BASE64_H

#include <stddef.h>
#include <stdint.h>

enum {
	PM_BASE64_LINE = 57,  /* bytes of input in a line of mail [RFC 2045 6.8], */
	PM_BASE64_CHARS = 76, /* characters of output */
};

/* n bytes as base64, padded at the end; how many characters. `to` has room for four for each three
 * bytes begun. */
size_t pm_base64(uint8_t *to, const uint8_t *p, size_t n);

/* PM_BASE64_LINE bytes as PM_BASE64_CHARS characters. `behind`: so many more bytes may be read. */
void pm_base64_line(uint8_t *to, const uint8_t *p, size_t behind);

#endif
