/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink that makes HTML of RTF. Elements are opened when there is something to put in them,
 * always in the order table, row, cell, paragraph, link, span, and closed in the reverse one,
 * so that the result is well formed whatever the RTF was.
 */
#include "base/text.h"
#include "export/rtf_sinks.h"

#include <stdio.h>

/* --- letters ------------------------------------------------------------------------- */

static const struct {
	unsigned int flag;
	const char *open, *close;
} tags[] = {
	{PM_RTF_BOLD, "<b>", "</b>"},      {PM_RTF_ITALIC, "<i>", "</i>"},
	{PM_RTF_UNDERLINE, "<u>", "</u>"}, {PM_RTF_STRIKE, "<s>", "</s>"},
	{PM_RTF_SUPER, "<sup>", "</sup>"}, {PM_RTF_SUB, "<sub>", "</sub>"},
};

#define TAGS (sizeof(tags) / sizeof(tags[0]))

/* The name of the font, of which nothing can leave the quotes and the attribute that it is in. */
static void put_font(struct pm_rtf_reader *r)
{
	const struct pm_rtf_font *f = pm_rtf_font(r);
	char name[PM_RTF_NAME_MAX];
	size_t n = 0;

	if (!f || f->symbol) /* symbols are characters now, of any font */
		return;
	for (const char *p = f->name; *p; p++) {
		uint8_t c = (uint8_t)*p;

		if (c >= 0x80 || pm_ascii_isalpha(c) || pm_ascii_isdigit(c) || c == ' ' || c == '-')
			name[n++] = *p;
	}
	if (!n)
		return;
	pm_rtf_puts(r, "font-family:'");
	pm_rtf_put(r, name, n);
	pm_rtf_puts(r, "';");
}

static void put_colour(struct pm_rtf_reader *r, const char *property, int32_t index)
{
	const struct pm_rtf_colour *c = pm_rtf_colour(r, index);
	char text[48];

	if (!c)
		return;
	snprintf(text, sizeof(text), "%s:#%02x%02x%02x;", property, c->rgb[0], c->rgb[1],
		 c->rgb[2]);
	pm_rtf_puts(r, text);
}

static void open_tags(struct pm_rtf_reader *r, unsigned int flags)
{
	for (size_t i = 0; i < TAGS; i++) {
		if (flags & tags[i].flag)
			pm_rtf_puts(r, tags[i].open);
	}
}

static void close_tags(struct pm_rtf_reader *r, unsigned int flags)
{
	for (size_t i = TAGS; i-- > 0;) {
		if (flags & tags[i].flag)
			pm_rtf_puts(r, tags[i].close);
	}
}

static void open_span(struct pm_rtf_reader *r, struct pm_rtf_render *s)
{
	char size[32];

	s->span = true;
	s->look = r->st.chars;
	snprintf(size, sizeof(size), "font-size:%d%spt;\">", s->look.size / 2,
		 s->look.size % 2 ? ".5" : "");
	pm_rtf_puts(r, "<span style=\"");
	put_font(r);
	put_colour(r, "color", s->look.colour);
	if (s->look.back) /* 0 is none, even where the table has a colour there */
		put_colour(r, "background-color", s->look.back);
	pm_rtf_puts(r, size);
	open_tags(r, s->look.flags);
}

static void close_span(struct pm_rtf_reader *r, struct pm_rtf_render *s)
{
	if (!s->span)
		return;
	s->span = false;
	close_tags(r, s->look.flags);
	pm_rtf_puts(r, "</span>");
}

static bool same_style(const struct pm_rtf_chars *a, const struct pm_rtf_chars *b)
{
	return a->font == b->font && a->size == b->size && a->colour == b->colour &&
	       a->back == b->back;
}

/* A span that looks as the letters that come. */
static void change_span(struct pm_rtf_reader *r, struct pm_rtf_render *s)
{
	if (s->span && !same_style(&s->look, &r->st.chars))
		close_span(r, s);
	if (!s->span) {
		open_span(r, s);
	} else if (s->look.flags != r->st.chars.flags) {
		close_tags(r, s->look.flags);
		s->look.flags = r->st.chars.flags;
		open_tags(r, s->look.flags);
	}
}

/* --- blocks -------------------------------------------------------------------------- */

static void close_anchor(struct pm_rtf_reader *r, struct pm_rtf_render *s)
{
	close_span(r, s);
	if (s->anchor)
		pm_rtf_puts(r, "</a>");
	s->anchor = false;
}

static void close_par(struct pm_rtf_reader *r, struct pm_rtf_render *s)
{
	close_anchor(r, s);
	if (s->par)
		pm_rtf_puts(r, s->empty ? "<br></p>\r\n" : "</p>\r\n");
	s->par = s->nested = false;
}

static void close_row(struct pm_rtf_reader *r, struct pm_rtf_render *s)
{
	close_par(r, s);
	if (s->cell)
		pm_rtf_puts(r, "</td>\r\n");
	if (s->row)
		pm_rtf_puts(r, "</tr>\r\n");
	s->cell = s->row = false;
}

static void close_table(struct pm_rtf_reader *r, struct pm_rtf_render *s)
{
	close_row(r, s);
	if (s->table)
		pm_rtf_puts(r, "</table>\r\n");
	s->table = false;
}

static void begin(struct pm_rtf_reader *r, struct pm_rtf_render *s)
{
	if (!s->begun)
		pm_rtf_puts(r, "<html><head>\r\n<meta http-equiv=\"Content-Type\" "
			       "content=\"text/html; charset=utf-8\">\r\n</head>\r\n<body>\r\n");
	s->begun = true;
}

static void open_cell(struct pm_rtf_reader *r, struct pm_rtf_render *s)
{
	begin(r, s);
	if (!s->table) {
		close_par(r, s);
		pm_rtf_puts(r, "<table border=\"1\" cellspacing=\"0\" cellpadding=\"4\">\r\n");
	}
	if (!s->row)
		pm_rtf_puts(r, "<tr>\r\n");
	if (!s->cell)
		pm_rtf_puts(r, "<td>");
	s->table = s->row = s->cell = true;
}

static void open_par(struct pm_rtf_reader *r, struct pm_rtf_render *s)
{
	static const char *const aligns[] = {"", "text-align:right;", "text-align:center;",
					     "text-align:justify;"};
	char indent[48];

	begin(r, s);
	if (s->table != r->st.in_table && !s->par) {
		if (r->st.in_table)
			open_cell(r, s);
		else
			close_table(r, s);
	} else if (s->table && !s->cell) {
		open_cell(r, s);
	}
	if (s->par)
		return;
	pm_rtf_puts(r, r->st.rtl ? "<p dir=\"rtl\" style=\"margin:0;" : "<p style=\"margin:0;");
	pm_rtf_puts(r, aligns[r->st.align]);
	if (r->st.indent) {
		snprintf(indent, sizeof(indent), "margin-%s:%dpt;", r->st.rtl ? "right" : "left",
			 r->st.indent / 20);
		pm_rtf_puts(r, indent);
	}
	pm_rtf_puts(r, "\">");
	s->par = s->empty = s->blank = true;
}

/* --- text ---------------------------------------------------------------------------- */

/* Everything open that text wants around it. */
static void open_text(struct pm_rtf_reader *r, struct pm_rtf_render *s)
{
	open_par(r, s);
	if (s->url.n && !s->anchor) {
		close_span(r, s);
		pm_rtf_puts(r, "<a href=\"");
		pm_rtf_put_escaped(r, s->url.p, s->url.n, false);
		pm_rtf_puts(r, "\">");
		s->anchor = true;
	}
	change_span(r, s);
	s->empty = false;
}

static void render_text(struct pm_rtf_reader *r, const uint8_t *p, size_t n)
{
	struct pm_rtf_render *s = r->arg;
	size_t from = 0;

	if (r->st.chars.flags & PM_RTF_HIDDEN)
		return;
	open_text(r, s);
	if (s->nested)
		pm_rtf_puts(r, "&emsp;");
	s->nested = false;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == ' ' && s->blank) {
			pm_rtf_put_escaped(r, p + from, i - from, false);
			pm_rtf_puts(r, "&nbsp;");
			from = i + 1;
			s->blank = false;
		} else {
			s->blank = p[i] == ' ';
		}
	}
	pm_rtf_put_escaped(r, p + from, n - from, false);
}

static void render_break(struct pm_rtf_reader *r, enum pm_rtf_break b)
{
	struct pm_rtf_render *s = r->arg;

	switch (b) {
	case PM_RTF_PAR:
		open_par(r, s);
		close_par(r, s);
		break;
	case PM_RTF_LINE:
	case PM_RTF_NEST_ROW:
		open_text(r, s);
		pm_rtf_puts(r, "<br>\r\n");
		s->blank = true;
		s->nested = false;
		break;
	case PM_RTF_NEST_CELL:
		s->nested = true;
		break;
	case PM_RTF_CELL:
		open_cell(r, s);
		close_par(r, s);
		pm_rtf_puts(r, "</td>\r\n");
		s->cell = false;
		break;
	case PM_RTF_ROW:
		close_row(r, s);
		break;
	default: /* a tab */
		open_text(r, s);
		pm_rtf_puts(r, "&emsp;");
		s->blank = false;
		break;
	}
}

/* Links that do nothing but go somewhere; text of others stays text. */
static bool is_harmless(const uint8_t *p, size_t n)
{
	static const char *const schemes[] = {
		"http:",   "https:", "mailto:",  "ftp:",     "file:", "news:",   "nntp:", "tel:",
		"callto:", "sip:",   "outlook:", "onenote:", "cid:",  "webcal:", "#"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i]);

		if (n > len && pm_ascii_ncasecmp(p, schemes[i], len) == 0)
			return true;
	}
	/* Without a scheme it is a relative one or a path. */
	return !memchr(p, ':', n);
}

static void render_link(struct pm_rtf_reader *r, const uint8_t *url, size_t n)
{
	struct pm_rtf_render *s = r->arg;

	close_anchor(r, s);
	pm_buf_clear(&s->url);
	if (url && is_harmless(url, n))
		pm_buf_add(r->ctx, &s->url, url, n);
	if (s->url.bad)
		r->failed = true;
}

void pm_rtf_render_end(struct pm_rtf_reader *r)
{
	struct pm_rtf_render *s = r->arg;

	begin(r, s);
	close_table(r, s);
	pm_rtf_puts(r, "</body></html>\r\n");
}

void pm_rtf_render_done(struct pm_rtf_render *s)
{
	pm_buf_done(&s->url);
}

const struct pm_rtf_sink pm_rtf_render_sink = {
	.text = render_text,
	.brk = render_break,
	.link = render_link,
};
