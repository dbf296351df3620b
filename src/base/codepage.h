/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows code pages: text of any of them to UTF-8, and their MIME names. Numbers as in
 * PidTagMessageCodepage and PidTagInternetCodepage [MS-OXCMSG 2.2.2.58].
 */
#ifndef PM_BASE_CODEPAGE_H
#define PM_BASE_CODEPAGE_H

#include "base/bytes.h"

#define PM_CP_WINDOWS_1252 1252u
#define PM_CP_UTF8         65001u

/*
 * Append n bytes of code page cp as UTF-8. What the code page doesn't have becomes U+FFFD and is
 * counted: a bad byte each, an incomplete character at the end once. Of an unknown code page
 * only ASCII is understood. PM_OK, PM_DAMAGED when something was replaced, or an error of the
 * context; *ret_bad (may be NULL) is the number of replacements, untouched on an error.
 */
enum pm_rc pm_cp_to_utf8(struct pm_ctx *ctx, struct pm_buf *out, uint32_t cp, const void *p,
			 size_t n, uint64_t *ret_bad);

/*
 * Append n bytes of UTF-8 in code page cp. PM_OK; PM_NONE: it has not all of these characters, or
 * is one that is only read (unknown, 7-bit, UTF-16): nothing is appended; or an error.
 */
enum pm_rc pm_cp_from_utf8(struct pm_ctx *ctx, struct pm_buf *out, uint32_t cp, const void *p,
			   size_t n);

/* Is there a way to decode it? */
bool pm_cp_known(uint32_t cp);
/* Do bytes below 0x80 that stand alone mean ASCII there? False for an unknown code page. */
bool pm_cp_is_ascii(uint32_t cp);
/* The charset label for bytes of this code page in mail, in lower case; NULL if it has none. */
const char *pm_cp_mime(uint32_t cp);
/* The code page of a charset label, whatever its case; 0 if unknown. */
uint32_t pm_cp_by_name(const char *name, size_t n);
/* Before a thread ends: close the converter that it keeps. */
void pm_cp_done(void);
/* All known code pages, for i = 0, 1 ...; 0 ends them. */
uint32_t pm_cp_list(size_t i);

#endif
