/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink that gives the source of encapsulated HTML back [MS-OXRTFEX 2.2.3.2]: what is in
 * \htmltag groups as it is, the text between them with the characters that HTML reserves
 * escaped, nothing of what \htmlrtf excludes.
 */
#include "base/text.h"
#include "export/rtf_sinks.h"

/* The length of a character reference at p (an ampersand), 0 if it is none. */
static size_t reference(const uint8_t *p, size_t n)
{
	size_t max = n < 32 ? n : 32, at = 1;
	bool number = max > 1 && p[1] == '#';

	at += number;
	if (number && at < max && pm_ascii_lower(p[at]) == 'x')
		at++;
	for (size_t start = at; at < max; at++) {
		if (p[at] == ';')
			return at > start ? at + 1 : 0;
		if (!(pm_ascii_isdigit(p[at]) ||
		      (pm_ascii_isalpha(p[at]) && (!number || pm_ascii_hex(p[at]) >= 0))))
			return 0;
	}
	return 0;
}

void pm_rtf_put_escaped(struct pm_rtf_reader *r, const uint8_t *p, size_t n, bool refs)
{
	size_t from = 0, len;

	for (size_t i = 0; i < n; i++) {
		const char *as = p[i] == '<'   ? "&lt;"
				 : p[i] == '>' ? "&gt;"
				 : p[i] == '&' ? "&amp;"
					       : NULL;

		if (p[i] == '"' && !refs)
			as = "&quot;";
		if (!as)
			continue;
		len = refs && p[i] == '&' ? reference(p + i, n - i) : 0;
		if (len) {
			i += len - 1;
			continue;
		}
		pm_rtf_put(r, p + from, i - from);
		pm_rtf_puts(r, as);
		from = i + 1;
	}
	pm_rtf_put(r, p + from, n - from);
}

static bool is_source(const struct pm_rtf_reader *r)
{
	return !r->st.html_off && r->st.dest != PM_RTF_LIST_TEXT;
}

static void source_text(struct pm_rtf_reader *r, const uint8_t *p, size_t n)
{
	if (!is_source(r))
		return;
	if (r->st.dest == PM_RTF_HTMLTAG)
		pm_rtf_put(r, p, n);
	else /* some writers leave source text out here, with its references: they are kept */
		pm_rtf_put_escaped(r, p, n, true);
}

static void source_break(struct pm_rtf_reader *r, enum pm_rtf_break b)
{
	if (!is_source(r))
		return;
	if (b == PM_RTF_PAR || b == PM_RTF_LINE)
		pm_rtf_puts(r, "\r\n");
	else if (b == PM_RTF_TAB)
		pm_rtf_puts(r, "\t");
}

const struct pm_rtf_sink pm_rtf_source_sink = {
	.text = source_text,
	.brk = source_break,
	.html_source = true,
};
