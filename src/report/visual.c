/* SPDX-License-Identifier: Apache-2.0 */
/* Values as words, rows as cells; see visual.h. */
#include "report/visual.h"

#include "base/quote.h"
#include "base/text.h"
#include "base/time.h"

static void put_time(struct pm_printer *p, struct pm_buf *b, uint64_t ft)
{
	int64_t unix_time = pm_time_to_unix(ft);
	struct pm_civil c;

	if (!pm_time_is_set(ft))
		return;
	if (p->opts.utc_offset) {
		int64_t ahead =
			(int64_t)p->opts.utc_offset(unix_time) * (int64_t)PM_FILETIME_SECOND;

		if (ahead >= 0 ? ft <= UINT64_MAX - (uint64_t)ahead : ft >= (uint64_t)-ahead)
			ft += (uint64_t)ahead;
	}
	pm_time_civil(ft, &c);
	pm_buf_printf(p->ctx, b, "%04lld-%02d-%02d %02d:%02d:%02d", (long long)c.year, c.month,
		      c.day, c.hour, c.minute, c.second);
}

static void put_size(struct pm_printer *p, struct pm_buf *b, uint64_t n)
{
	static const char *const unit[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	uint64_t tenths = n;
	size_t i = 0;

	pm_buf_printf(p->ctx, b, "%llu", (unsigned long long)n);
	if (n < 1024)
		return;
	for (; tenths >= 1024 * 1024 && i < 5; i++)
		tenths /= 1024;
	tenths = tenths / 1024 * 10 + tenths % 1024 * 10 / 1024;
	if (tenths < 100)
		pm_buf_printf(p->ctx, b, " (%llu.%llu %s)", (unsigned long long)tenths / 10,
			      (unsigned long long)tenths % 10, unit[i]);
	else
		pm_buf_printf(p->ctx, b, " (%llu %s)", (unsigned long long)tenths / 10, unit[i]);
}

static void put_uint(struct pm_printer *p, struct pm_buf *b, enum pm_form form, uint64_t u)
{
	switch (form) {
	case PM_AS_TEXT:
	case PM_AS_DEC:
	case PM_AS_BOOL:
		pm_buf_printf(p->ctx, b, "%llu", (unsigned long long)u);
		break;
	case PM_AS_HEX:
	case PM_AS_OFFSET:
		pm_buf_printf(p->ctx, b, "0x%llx", (unsigned long long)u);
		break;
	case PM_AS_TAG:
		pm_buf_printf(p->ctx, b, "0x%08llx", (unsigned long long)u);
		break;
	case PM_AS_SIZE:
		put_size(p, b, u);
		break;
	case PM_AS_TIME:
		put_time(p, b, u);
		break;
	}
}

static void words(struct pm_printer *p, struct pm_buf *b, const struct pm_column *col,
		  const struct pm_datum *v)
{
	switch (v->kind) {
	case PM_V_NULL:
		break;
	case PM_V_TEXT:
		pm_text_printable(p->ctx, b, v->s, v->n);
		break;
	case PM_V_UINT:
		put_uint(p, b, col ? col->form : PM_AS_DEC, v->u);
		break;
	case PM_V_INT:
		pm_buf_printf(p->ctx, b, "%lld", (long long)v->i);
		break;
	case PM_V_BOOL:
		pm_buf_str(p->ctx, b, v->b ? "yes" : "no");
		break;
	}
}

static const char *bytes(const struct pm_buf *b, size_t at)
{
	return b->n > at ? (const char *)b->p + at : "";
}

/* The columns that are shown, and room for the cells of a row. */
static bool begin_columns(struct pm_visual *v, const struct pm_level *level)
{
	struct pm_ctx *ctx = v->p.ctx;

	v->cols.n = v->where.n = v->cells.n = 0;
	for (size_t i = 0; i < level->ncols; i++) {
		const struct pm_column **slot;

		if (!pm_vec_push(ctx, &v->where))
			return false;
		if (!level->cols[i].label)
			continue;
		slot = pm_vec_push(ctx, &v->cols);
		if (!slot || !pm_vec_push(ctx, &v->cells))
			return false;
		*slot = &level->cols[i];
	}
	return true;
}

static void visual_begin(struct pm_printer *p, const struct pm_level *level)
{
	struct pm_visual *v = (struct pm_visual *)p;
	const char *label = level->col ? level->col->label : "";

	switch (level->shape) {
	case PM_DOC:
		break;
	case PM_MAP:
		v->ops->section(v, label);
		break;
	case PM_LIST:
		pm_buf_clear(&v->list);
		break;
	case PM_TABLE:
		if (begin_columns(v, level))
			v->ops->table(v, label, v->cols.v, v->cols.n);
		break;
	case PM_ROW:
		pm_buf_clear(&v->cell);
		for (size_t i = 0; i < v->where.n; i++)
			v->where.v[i].n = 0;
		break;
	}
}

static void visual_doc(struct pm_printer *p, const char *command, const char *file)
{
	struct pm_visual *v = (struct pm_visual *)p;

	v->ops->doc(v, command, file ? pm_quote(file).s : NULL);
}

static void end_row(struct pm_visual *v)
{
	const struct pm_level *table = pm_print_level(&v->p, 1);

	for (size_t i = 0; i < v->cols.n; i++) {
		size_t k = (size_t)(v->cols.v[i] - table->cols);

		v->cells.v[i] =
			(struct pm_cell){bytes(&v->cell, v->where.v[k].at), v->where.v[k].n};
	}
	v->ops->row(v, v->cells.v, v->cells.n);
}

static void visual_end(struct pm_printer *p, const struct pm_level *level)
{
	struct pm_visual *v = (struct pm_visual *)p;

	switch (level->shape) {
	case PM_DOC:
		v->ops->end_doc(v);
		break;
	case PM_MAP:
		v->ops->end_section(v);
		break;
	case PM_LIST:
		if (v->list.n)
			v->ops->field(v, level->col ? level->col->label : "", bytes(&v->list, 0),
				      v->list.n);
		pm_buf_clear(&v->list);
		break;
	case PM_TABLE:
		v->ops->end_table(v);
		break;
	case PM_ROW:
		end_row(v);
		break;
	}
}

static void visual_value(struct pm_printer *p, const struct pm_column *col,
			 const struct pm_datum *val)
{
	struct pm_visual *v = (struct pm_visual *)p;
	const struct pm_level *in = pm_print_level(p, 0), *table = pm_print_level(p, 1);

	if (in->shape == PM_ROW) {
		size_t k = (size_t)(col - table->cols);

		if (k >= v->where.n) {
			pm_fail(p->ctx, PM_EBUG, "a value is none of its table's columns");
			return;
		}
		v->where.v[k].at = v->cell.n;
		words(p, &v->cell, col, val);
		v->where.v[k].n = v->cell.n - v->where.v[k].at;
		return;
	}
	if (in->shape == PM_LIST) {
		if (in->count)
			pm_buf_str(p->ctx, &v->list, ", ");
		words(p, &v->list, col, val);
		return;
	}
	pm_buf_clear(&v->text);
	words(p, &v->text, col, val);
	v->ops->field(v, col->label, bytes(&v->text, 0), v->text.n);
}

static void visual_line(struct pm_printer *p, const char *s, bool verbatim)
{
	struct pm_visual *v = (struct pm_visual *)p;

	pm_buf_clear(&v->text);
	pm_text_printable(p->ctx, &v->text, s, strlen(s));
	v->ops->line(v, bytes(&v->text, 0), v->text.n, verbatim);
}

static void visual_finish(struct pm_printer *p)
{
	struct pm_visual *v = (struct pm_visual *)p;

	v->ops->finish(v);
}

static void visual_free(struct pm_printer *p)
{
	struct pm_visual *v = (struct pm_visual *)p;

	v->ops->free(v);
}

void pm_visual_done(struct pm_visual *v)
{
	pm_buf_done(&v->text);
	pm_buf_done(&v->list);
	pm_buf_done(&v->cell);
	pm_vec_done(&v->where);
	pm_vec_done(&v->cols);
	pm_vec_done(&v->cells);
}

const struct pm_printer_ops pm_visual_printer = {
	.begin = visual_begin,
	.doc = visual_doc,
	.end = visual_end,
	.value = visual_value,
	.line = visual_line,
	.finish = visual_finish,
	.free = visual_free,
};
