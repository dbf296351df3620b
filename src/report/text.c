/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text printer. Fields are aligned in runs; a table's first rows are held back until the
 * widths of its columns are known, the rest follows as it comes.
 */
#include "report/visual.h"

enum { BATCH_ROWS = 512, BATCH_BYTES = 1 << 17, GAP = 2, STEP = 2, FIELD_MAX = 32 };

struct text_printer {
	struct pm_visual v; /* first */
	unsigned int indent;
	bool said, gap; /* something was printed; a blank line is due before the next thing */
	char *title;    /* waits for the first thing that its document says */
	/* What is held back: rows of `ncols` cells, laid out in `chars`. */
	struct pm_buf chars;
	PM_VEC(struct pm_piece) held;
	size_t ncols;
	bool in_table, headed;
	const char *label;                   /* of the table */
	const struct pm_column *const *cols; /* of the table; fields have none */
	PM_VEC(size_t) width;
	/* Sections open: did they indent? */
	PM_VEC(bool) indented;
};

static struct pm_ctx *ctx_of(struct text_printer *t)
{
	return t->v.p.ctx;
}

static struct pm_buf *out_of(struct text_printer *t)
{
	return &t->v.p.out;
}

static void spaces(struct text_printer *t, size_t n)
{
	for (; n > 0; n--)
		pm_buf_byte(ctx_of(t), out_of(t), ' ');
}

/* Before anything of a document: the blank line and the title that are due. */
static void lead(struct text_printer *t)
{
	if (t->gap && t->said)
		pm_buf_byte(ctx_of(t), out_of(t), '\n');
	t->gap = false;
	t->said = true;
	if (!t->title)
		return;
	pm_buf_printf(ctx_of(t), out_of(t), "%s:\n", t->title);
	pm_free(t->title);
	t->title = NULL;
}

static bool to_right(const struct pm_column *col)
{
	return col->form == PM_AS_DEC || col->form == PM_AS_HEX || col->form == PM_AS_OFFSET ||
	       col->form == PM_AS_SIZE;
}

/* One cell, padded to its column; a text that is too long for it is cut. */
static void put_cell(struct text_printer *t, size_t k, const char *s, size_t n)
{
	const struct pm_column *col = t->cols ? t->cols[k] : NULL;
	size_t width = t->width.v[k], fit = n, w, pad;
	bool cut = false;

	if (col && col->max && pm_text_width(s, n) > col->max) {
		fit = pm_text_fit(s, n, col->max - 1);
		cut = true;
	}
	w = pm_text_width(s, fit) + cut;
	pad = width > w ? width - w : 0;
	if (k)
		spaces(t, GAP);
	if (col && to_right(col))
		spaces(t, pad);
	pm_buf_add(ctx_of(t), out_of(t), s, fit);
	if (cut)
		pm_buf_str(ctx_of(t), out_of(t), "\xE2\x80\xA6");
	if (!col || !to_right(col))
		spaces(t, pad);
}

static void end_line(struct text_printer *t)
{
	struct pm_buf *out = out_of(t);

	while (out->n && out->p[out->n - 1] == ' ')
		out->n--;
	pm_buf_byte(ctx_of(t), out, '\n');
}

static const char *held_text(const struct text_printer *t, size_t i)
{
	return t->held.v[i].n ? (const char *)t->chars.p + t->held.v[i].at : "";
}

static bool measure(struct text_printer *t)
{
	size_t min = 0;

	t->width.n = 0;
	for (size_t k = 0; k < t->ncols; k++) {
		size_t *w = pm_vec_push(ctx_of(t), &t->width);

		if (!w)
			return false;
		*w = t->cols ? pm_text_width(t->cols[k]->label, strlen(t->cols[k]->label)) : min;
	}
	for (size_t i = 0; i < t->held.n; i++) {
		const struct pm_column *col = t->cols ? t->cols[i % t->ncols] : NULL;
		size_t w = pm_text_width(held_text(t, i), t->held.v[i].n);
		size_t max = col ? col->max : i % t->ncols ? 0 : FIELD_MAX;

		if (max && w > max)
			w = max;
		if (w > t->width.v[i % t->ncols])
			t->width.v[i % t->ncols] = w;
	}
	return true;
}

static void put_header(struct text_printer *t)
{
	t->headed = true;
	for (size_t k = 0; k < t->ncols; k++)
		if (t->cols[k]->label[0])
			break;
		else if (k + 1 == t->ncols)
			return;
	spaces(t, t->indent);
	for (size_t k = 0; k < t->ncols; k++)
		put_cell(t, k, t->cols[k]->label, strlen(t->cols[k]->label));
	end_line(t);
}

/* Write what is held back. */
static void release(struct text_printer *t)
{
	if (!t->held.n || t->v.p.ctx->rc)
		return;
	lead(t);
	if (!t->headed && !measure(t))
		return;
	if (t->cols && !t->headed)
		put_header(t);
	for (size_t i = 0; i < t->held.n; i++) {
		size_t k = i % t->ncols;

		if (k == 0)
			spaces(t, t->indent);
		put_cell(t, k, held_text(t, i), t->held.v[i].n);
		if (k + 1 == t->ncols)
			end_line(t);
	}
	t->held.n = 0;
	pm_buf_clear(&t->chars);
}

static void hold(struct text_printer *t, const char *s, size_t n)
{
	size_t at = t->chars.n;

	pm_buf_add(ctx_of(t), &t->chars, s, n);
	if (!pm_vec_push(ctx_of(t), &t->held))
		return;
	t->held.v[t->held.n - 1].at = at;
	t->held.v[t->held.n - 1].n = n;
}

static void text_doc(struct pm_visual *v, const char *command, const char *file)
{
	struct text_printer *t = (struct text_printer *)v;

	(void)command;
	t->gap = t->said;
	t->indent = 0;
	if (v->p.opts.many && file) {
		t->title = pm_strdup(v->p.ctx, file);
		t->indent = STEP;
	}
}

static void text_end_doc(struct pm_visual *v)
{
	struct text_printer *t = (struct text_printer *)v;

	release(t);
	t->gap = true;
	pm_free(t->title);
	t->title = NULL;
}

static void heading(struct text_printer *t, const char *label)
{
	release(t);
	t->gap = t->gap || !t->title;
	lead(t);
	spaces(t, t->indent);
	pm_buf_printf(ctx_of(t), out_of(t), "%s:\n", label);
}

static void text_section(struct pm_visual *v, const char *label)
{
	struct text_printer *t = (struct text_printer *)v;
	bool *slot;

	if (label[0])
		heading(t, label);
	else
		release(t);
	slot = pm_vec_push(v->p.ctx, &t->indented);
	if (!slot)
		return;
	*slot = label[0] != '\0';
	t->indent += *slot ? STEP : 0;
}

static void text_end_section(struct pm_visual *v)
{
	struct text_printer *t = (struct text_printer *)v;

	release(t);
	t->gap = true;
	if (t->indented.n && t->indented.v[--t->indented.n])
		t->indent -= STEP;
}

static void text_field(struct pm_visual *v, const char *label, const char *s, size_t n)
{
	struct text_printer *t = (struct text_printer *)v;

	t->ncols = 2;
	t->cols = NULL;
	t->headed = false;
	hold(t, label, strlen(label));
	hold(t, n ? s : "-", n ? n : 1);
	if (t->held.n >= 2 * (size_t)BATCH_ROWS)
		release(t);
}

static void text_table(struct pm_visual *v, const char *label, const struct pm_column *const *cols,
		       size_t n)
{
	struct text_printer *t = (struct text_printer *)v;

	release(t);
	t->label = label;
	t->cols = cols;
	t->ncols = n;
	t->headed = false;
	if (label[0]) {
		heading(t, label);
		t->indent += STEP;
	}
}

static void text_row(struct pm_visual *v, const struct pm_cell *cells, size_t n)
{
	struct text_printer *t = (struct text_printer *)v;

	for (size_t i = 0; i < n; i++)
		hold(t, cells[i].s, cells[i].n);
	if (t->held.n >= n * BATCH_ROWS || t->chars.n >= BATCH_BYTES)
		release(t);
}

static void text_end_table(struct pm_visual *v)
{
	struct text_printer *t = (struct text_printer *)v;
	bool empty = !t->headed && !t->held.n;

	release(t);
	if (t->label[0]) {
		if (empty) {
			spaces(t, t->indent);
			pm_buf_str(v->p.ctx, &v->p.out, "none\n");
		}
		t->indent -= STEP;
		t->gap = true;
	}
	t->cols = NULL;
}

static void text_line(struct pm_visual *v, const char *s, size_t n, bool verbatim)
{
	struct text_printer *t = (struct text_printer *)v;

	(void)verbatim;
	release(t);
	lead(t);
	if (n)
		spaces(t, t->indent);
	pm_buf_add(v->p.ctx, &v->p.out, s, n);
	pm_buf_byte(v->p.ctx, &v->p.out, '\n');
}

static void text_finish(struct pm_visual *v)
{
	(void)v;
}

static void text_free(struct pm_visual *v)
{
	struct text_printer *t = (struct text_printer *)v;

	pm_buf_done(&t->chars);
	pm_vec_done(&t->held);
	pm_vec_done(&t->width);
	pm_vec_done(&t->indented);
	pm_free(t->title);
	pm_visual_done(v);
	pm_free(t);
}

static const struct pm_visual_ops text_ops = {
	.doc = text_doc,
	.end_doc = text_end_doc,
	.section = text_section,
	.end_section = text_end_section,
	.field = text_field,
	.table = text_table,
	.row = text_row,
	.end_table = text_end_table,
	.line = text_line,
	.finish = text_finish,
	.free = text_free,
};

struct pm_printer *pm_printer_text(struct pm_ctx *ctx)
{
	struct text_printer *t = pm_calloc(ctx, 1, sizeof(*t));

	if (!t)
		return NULL;
	t->v.p.ops = &pm_visual_printer;
	t->v.ops = &text_ops;
	return &t->v.p;
}
