/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RTF bodies as HTML or plain text. A body that was made of HTML or of text says so and has the
 * original in it [MS-OXRTFEX]; from others HTML is made: letters, paragraphs, links, simple
 * tables; pictures and objects are left out.
 */
#ifndef PM_EXPORT_RTF_HTML_H
#define PM_EXPORT_RTF_HTML_H

#include "base/bytes.h"

enum pm_rtf_kind {
	PM_RTF_RICH,  /* RTF in its own right */
	PM_RTF_HTML,  /* has the HTML that it was made of */
	PM_RTF_PLAIN, /* was made of plain text */
};

/* By its first control words [MS-OXRTFEX 2.2.3.1]; RICH for what is no RTF. */
enum pm_rtf_kind pm_rtf_kind(const void *p, size_t n);

struct pm_rtf_info {
	enum pm_rtf_kind kind;
	uint32_t codepage; /* \ansicpg, what text without a font of its own is in */
	uint64_t bad;      /* characters that became U+FFFD */
	const char *why;   /* the first rule that failed, a static text, or NULL */
	char charset[40];  /* what the HTML inside called its charset, before it was made "utf-8" */
};

/*
 * Append the body as HTML, in UTF-8, at most `limit` bytes: for kind HTML the original (its
 * <meta> charset changed to utf-8, which it now is), for the others HTML made of it.
 * pm_rtf_to_text: plain text as one sees it, lines end in CR LF.
 *
 * PM_OK; PM_DAMAGED: something was wrong, what could be read is there; PM_LOST: no RTF, nothing
 * is there; or an error of the context. *ret_info (may be NULL) is untouched on an error. Bad
 * characters alone are no damage. Rules:
 *	rtf		it doesn't begin as RTF
 *	unclosed	it ends inside a group
 *	trailing	there is something behind its end
 *	depth		groups are nested too deep, the inner ones are left out
 *	limit		there is more than `limit`
 */
enum pm_rc pm_rtf_to_html(struct pm_ctx *ctx, struct pm_buf *out, const void *p, size_t n,
			  size_t limit, struct pm_rtf_info *ret_info);
enum pm_rc pm_rtf_to_text(struct pm_ctx *ctx, struct pm_buf *out, const void *p, size_t n,
			  size_t limit, struct pm_rtf_info *ret_info);

#endif
