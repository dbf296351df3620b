/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTML printer: one page that stands for itself (no scripts, nothing fetched), readable
 * by a screen reader, on paper, and in the dark.
 */
#include "report/visual.h"

#include "pstmend.h"

struct html_printer {
	struct pm_visual v; /* first */
	bool began;
	bool in_fields, in_pre;     /* an element of several lines is open */
	unsigned int section;       /* depth of headings */
	PM_VEC(unsigned int) heads; /* of the open sections: 1 when it has a heading */
	const struct pm_column *const *cols;
};

static const char style[] =
	":root{color-scheme:light dark;--line:#8886;--head:#8882}\n"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:80em;margin:2em auto;padding:0 1em}\n"
	"h1{font-size:1.6em}h2{font-size:1.3em}h3{font-size:1.1em}\n"
	"table{border-collapse:collapse;margin:.5em 0 1.5em}\n"
	".wide{overflow-x:auto}\n"
	"caption{text-align:left;font-weight:bold;padding:.3em 0}\n"
	"th,td{border:1px solid var(--line);padding:.2em .6em;text-align:left;"
	"vertical-align:top;overflow-wrap:anywhere}\n"
	"th{background:var(--head);font-weight:600;overflow-wrap:normal}\n"
	"td{min-width:5em}\n"
	"td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;min-width:0}\n"
	"pre{font-size:.9em;white-space:pre-wrap;overflow-wrap:anywhere}\n"
	"@media print{body{max-width:none;margin:0}}\n";

static void put(struct html_printer *h, const char *s)
{
	pm_buf_str(h->v.p.ctx, &h->v.p.out, s);
}

static void put_escaped(struct html_printer *h, const char *s, size_t n)
{
	struct pm_ctx *ctx = h->v.p.ctx;
	struct pm_buf *out = &h->v.p.out;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '&')
			pm_buf_str(ctx, out, "&amp;");
		else if (s[i] == '<')
			pm_buf_str(ctx, out, "&lt;");
		else if (s[i] == '>')
			pm_buf_str(ctx, out, "&gt;");
		else if (s[i] == '"')
			pm_buf_str(ctx, out, "&quot;");
		else
			pm_buf_byte(ctx, out, (uint8_t)s[i]);
	}
}

static void put_text(struct html_printer *h, const char *s)
{
	put_escaped(h, s, strlen(s));
}

/* Close what holds lines or fields together. */
static void settle(struct html_printer *h)
{
	if (h->in_fields)
		put(h, "</tbody></table>\n");
	if (h->in_pre)
		put(h, "</pre>\n");
	h->in_fields = h->in_pre = false;
}

static void put_heading(struct html_printer *h, unsigned int rank, const char *s)
{
	rank = rank > 6 ? 6 : rank;
	pm_buf_printf(h->v.p.ctx, &h->v.p.out, "<h%u>", rank);
	put_text(h, s);
	pm_buf_printf(h->v.p.ctx, &h->v.p.out, "</h%u>\n", rank);
}

static void begin_page(struct html_printer *h, const char *command)
{
	h->began = true;
	put(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	       "<meta name=\"generator\" content=\"pstmend ");
	put_text(h, pstmend_version());
	put(h, "\">\n<title>pstmend ");
	put_text(h, command);
	put(h, "</title>\n<style>\n");
	put(h, style);
	put(h, "</style>\n</head>\n<body>\n<main>\n<h1>pstmend ");
	put_text(h, command);
	put(h, "</h1>\n");
}

static void html_doc(struct pm_visual *v, const char *command, const char *file)
{
	struct html_printer *h = (struct html_printer *)v;

	if (!h->began)
		begin_page(h, command);
	h->section = 2;
	put(h, "<section>\n");
	if (file)
		put_heading(h, 2, file);
}

static void html_end_doc(struct pm_visual *v)
{
	struct html_printer *h = (struct html_printer *)v;

	settle(h);
	put(h, "</section>\n");
}

static void html_section(struct pm_visual *v, const char *label)
{
	struct html_printer *h = (struct html_printer *)v;
	unsigned int *slot;

	settle(h);
	slot = pm_vec_push(v->p.ctx, &h->heads);
	if (!slot)
		return;
	*slot = label[0] != '\0';
	h->section += *slot;
	put(h, "<section>\n");
	if (*slot)
		put_heading(h, h->section, label);
}

static void html_end_section(struct pm_visual *v)
{
	struct html_printer *h = (struct html_printer *)v;

	settle(h);
	if (h->heads.n)
		h->section -= h->heads.v[--h->heads.n];
	put(h, "</section>\n");
}

static void html_field(struct pm_visual *v, const char *label, const char *s, size_t n)
{
	struct html_printer *h = (struct html_printer *)v;

	if (!h->in_fields) {
		settle(h);
		put(h, "<table><tbody>\n");
		h->in_fields = true;
	}
	put(h, "<tr><th scope=\"row\">");
	put_text(h, label);
	put(h, "</th><td><bdi>");
	put_escaped(h, n ? s : "-", n ? n : 1);
	put(h, "</bdi></td></tr>\n");
}

static void html_table(struct pm_visual *v, const char *label, const struct pm_column *const *cols,
		       size_t n)
{
	struct html_printer *h = (struct html_printer *)v;

	settle(h);
	h->cols = cols;
	/* What may have to be scrolled can be reached without a mouse. */
	put(h, "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"");
	put_text(h, label[0] ? label : "Table");
	put(h, "\"><table>\n");
	if (label[0]) {
		put(h, "<caption>");
		put_text(h, label);
		put(h, "</caption>\n");
	}
	put(h, "<thead><tr>");
	for (size_t i = 0; i < n; i++) {
		put(h, "<th scope=\"col\">");
		put_text(h, cols[i]->label);
		put(h, "</th>");
	}
	put(h, "</tr></thead>\n<tbody>\n");
}

static void html_row(struct pm_visual *v, const struct pm_cell *cells, size_t n)
{
	struct html_printer *h = (struct html_printer *)v;

	put(h, "<tr>");
	for (size_t i = 0; i < n; i++) {
		enum pm_form form = h->cols[i]->form;
		bool text = form == PM_AS_TEXT || form == PM_AS_BOOL || form == PM_AS_TIME;

		put(h, text ? "<td><bdi>" : "<td class=\"n\">");
		put_escaped(h, cells[i].s, cells[i].n);
		put(h, text ? "</bdi></td>" : "</td>");
	}
	put(h, "</tr>\n");
}

static void html_end_table(struct pm_visual *v)
{
	put((struct html_printer *)v, "</tbody></table></div>\n");
}

static void html_line(struct pm_visual *v, const char *s, size_t n, bool verbatim)
{
	struct html_printer *h = (struct html_printer *)v;

	if (!verbatim || !h->in_pre)
		settle(h);
	if (verbatim && !h->in_pre)
		put(h, "<pre>");
	h->in_pre = verbatim;
	if (!verbatim)
		put(h, "<p>");
	put_escaped(h, s, n);
	put(h, verbatim ? "\n" : "</p>\n");
}

static void html_finish(struct pm_visual *v)
{
	struct html_printer *h = (struct html_printer *)v;

	if (!h->began)
		begin_page(h, "report");
	put(h, "</main>\n</body>\n</html>\n");
}

static void html_free(struct pm_visual *v)
{
	struct html_printer *h = (struct html_printer *)v;

	pm_vec_done(&h->heads);
	pm_visual_done(v);
	pm_free(h);
}

static const struct pm_visual_ops html_ops = {
	.doc = html_doc,
	.end_doc = html_end_doc,
	.section = html_section,
	.end_section = html_end_section,
	.field = html_field,
	.table = html_table,
	.row = html_row,
	.end_table = html_end_table,
	.line = html_line,
	.finish = html_finish,
	.free = html_free,
};

struct pm_printer *pm_printer_html(struct pm_ctx *ctx)
{
	struct html_printer *h = pm_calloc(ctx, 1, sizeof(*h));

	if (!h)
		return NULL;
	h->v.p.ops = &pm_visual_printer;
	h->v.ops = &html_ops;
	return &h->v.p;
}
