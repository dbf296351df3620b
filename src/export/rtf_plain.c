/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink that makes plain text: what one would see, a line a paragraph, the cells of a table
 * row in one line with tabs, the target of a link behind its text as Outlook puts it.
 */
#include "base/text.h"
#include "export/rtf_sinks.h"

static void plain_text(struct pm_rtf_reader *r, const uint8_t *p, size_t n)
{
	struct pm_rtf_plain *s = r->arg;

	if (r->st.chars.flags & PM_RTF_HIDDEN)
		return;
	if (s->cell)
		pm_rtf_puts(r, "\t");
	s->cell = false;
	pm_rtf_put(r, p, n);
}

static void plain_break(struct pm_rtf_reader *r, enum pm_rtf_break b)
{
	struct pm_rtf_plain *s = r->arg;

	switch (b) {
	case PM_RTF_CELL:
	case PM_RTF_NEST_CELL:
		if (s->cell)
			pm_rtf_puts(r, "\t");
		s->cell = true;
		break;
	case PM_RTF_TAB:
		plain_text(r, (const uint8_t *)"\t", 1);
		break;
	default:
		s->cell = false;
		pm_rtf_puts(r, "\r\n");
		break;
	}
}

static bool contains(const uint8_t *p, size_t n, const struct pm_buf *what)
{
	return what->n && n >= what->n && memmem(p, n, what->p, what->n);
}

static void plain_link(struct pm_rtf_reader *r, const uint8_t *url, size_t n)
{
	static const char mailto[] = "mailto:";
	struct pm_rtf_plain *s = r->arg;

	if (url) {
		s->link_at = r->out->n;
		pm_buf_clear(&s->url);
		if (n >= sizeof(mailto) - 1 &&
		    pm_ascii_ncasecmp(url, mailto, sizeof(mailto) - 1) == 0) {
			url += sizeof(mailto) - 1;
			n -= sizeof(mailto) - 1;
		}
		pm_buf_add(r->ctx, &s->url, url, n);
		if (s->url.bad)
			r->failed = true;
		return;
	}
	if (s->url.n && s->url.p[0] != '#' && r->out->n > s->link_at &&
	    !contains(r->out->p + s->link_at, r->out->n - s->link_at, &s->url)) {
		pm_rtf_puts(r, " <");
		pm_rtf_put(r, s->url.p, s->url.n);
		pm_rtf_puts(r, ">");
	}
}

void pm_rtf_plain_done(struct pm_rtf_plain *s)
{
	pm_buf_done(&s->url);
}

const struct pm_rtf_sink pm_rtf_plain_sink = {
	.text = plain_text,
	.brk = plain_break,
	.link = plain_link,
};
