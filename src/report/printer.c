/* SPDX-License-Identifier: Apache-2.0 */
/* The part that all printers share: nesting, what is for whom, the chain, buffering. */
#include "report/printer.h"

#include "report/printerP.h"

#include <stdio.h>

enum { HOLD = 32768 };

enum pm_rc pm_printer_new(struct pm_ctx *ctx, enum pm_print_form form, struct pm_writer *w,
			  const struct pm_print_options *opts, struct pm_printer **ret)
{
	struct pm_printer *p = form == PM_PRINT_JSON   ? pm_printer_json(ctx)
			       : form == PM_PRINT_HTML ? pm_printer_html(ctx)
						       : pm_printer_text(ctx);

	if (!p)
		return ctx->rc;
	p->ctx = ctx;
	p->w = w;
	if (opts)
		p->opts = *opts;
	*ret = p;
	return PM_OK;
}

void pm_printer_chain(struct pm_printer *first, struct pm_printer *second)
{
	while (first->next)
		first = first->next;
	first->next = second;
}

void pm_print_flush(struct pm_printer *p, size_t keep)
{
	if (p->out.n <= keep || p->ctx->rc)
		return;
	if (!p->w->write(p->w, p->out.p, p->out.n))
		pm_buf_clear(&p->out);
	else if (!p->ctx->rc)
		pm_fail(p->ctx, PM_EIO, "writing failed");
}

enum pm_rc pm_printer_finish(struct pm_printer *p)
{
	enum pm_rc rc = PM_OK;

	for (; p; p = p->next) {
		if (!p->ctx->rc)
			p->ops->finish(p);
		pm_print_flush(p, 0);
		rc = pm_worse(rc, p->ctx->rc);
	}
	return rc;
}

void pm_printer_free(struct pm_printer *p)
{
	while (p) {
		struct pm_printer *next = p->next;

		pm_buf_done(&p->out);
		p->ops->free(p);
		p = next;
	}
}

unsigned int pm_print_depth(const struct pm_printer *p)
{
	return p->depth;
}

struct pm_level *pm_print_level(struct pm_printer *p, unsigned int up)
{
	return p->depth > up ? &p->stack[p->depth - 1 - up] : NULL;
}

static bool for_this(const struct pm_printer *p, const struct pm_column *col)
{
	const struct pm_level *in = p->depth ? &p->stack[p->depth - 1] : NULL;

	if (in && in->muted)
		return false;
	if (!col || (in && in->shape == PM_LIST))
		return true;
	return p->ops->keyed ? col->key != NULL : col->label != NULL;
}

static void begin(struct pm_printer *p, struct pm_level level)
{
	struct pm_level *in = pm_print_level(p, 0);

	if (p->ctx->rc)
		return;
	if (p->depth == PM_PRINT_DEPTH || (level.shape == PM_DOC) != (p->depth == 0) ||
	    (level.shape == PM_ROW) != (in && in->shape == PM_TABLE)) {
		pm_fail(p->ctx, PM_EBUG, "a report is nested wrongly");
		return;
	}
	level.flat = level.shape == PM_ROW || (in && in->flat);
	/* A cell of a table that people look at has one value. */
	level.muted = !for_this(p, level.col) || (in && in->shape == PM_ROW && !p->ops->keyed);
	if (!level.muted)
		p->ops->begin(p, &level);
	if (in)
		in->count++;
	p->stack[p->depth++] = level;
}

void pm_print_begin_doc(struct pm_printer *p, const char *command, const char *file)
{
	for (; p; p = p->next) {
		begin(p, (struct pm_level){.shape = PM_DOC});
		if (p->ctx->rc)
			continue;
		p->ops->doc(p, command, file);
		p->docs++;
	}
}

void pm_print_begin_map(struct pm_printer *p, const struct pm_column *col)
{
	for (; p; p = p->next)
		begin(p, (struct pm_level){.shape = PM_MAP, .col = col});
}

void pm_print_begin_list(struct pm_printer *p, const struct pm_column *col)
{
	for (; p; p = p->next)
		begin(p, (struct pm_level){.shape = PM_LIST, .col = col});
}

void pm_print_begin_table(struct pm_printer *p, const struct pm_column *col,
			  const struct pm_column *cols, size_t n)
{
	for (; p; p = p->next)
		begin(p,
		      (struct pm_level){.shape = PM_TABLE, .col = col, .cols = cols, .ncols = n});
}

void pm_print_begin_row(struct pm_printer *p)
{
	for (; p; p = p->next)
		begin(p, (struct pm_level){.shape = PM_ROW});
}

static void end(struct pm_printer *p)
{
	struct pm_level level;

	if (p->ctx->rc)
		return;
	if (!p->depth) {
		pm_fail(p->ctx, PM_EBUG, "a report is nested wrongly");
		return;
	}
	level = p->stack[p->depth - 1];
	if (!level.muted)
		p->ops->end(p, &level);
	p->depth--;
	pm_print_flush(p, p->depth ? HOLD : 0);
}

void pm_print_end(struct pm_printer *p)
{
	for (; p; p = p->next)
		end(p);
}

void pm_print_unwind(struct pm_printer *p, unsigned int depth)
{
	for (; p; p = p->next)
		while (p->depth > depth && !p->ctx->rc)
			end(p);
}

static void value(struct pm_printer *p, const struct pm_column *col, const struct pm_datum *v)
{
	struct pm_level *in = pm_print_level(p, 0);

	if (p->ctx->rc)
		return;
	if (!in || in->shape == PM_TABLE) {
		pm_fail(p->ctx, PM_EBUG, "a report is nested wrongly");
		return;
	}
	if (for_this(p, col))
		p->ops->value(p, col, v);
	in->count++;
}

static void all_values(struct pm_printer *p, const struct pm_column *col, struct pm_datum v)
{
	for (; p; p = p->next)
		value(p, col, &v);
}

void pm_print_text(struct pm_printer *p, const struct pm_column *col, const char *s)
{
	if (s)
		pm_print_textn(p, col, s, strlen(s));
	else
		pm_print_null(p, col);
}

void pm_print_textn(struct pm_printer *p, const struct pm_column *col, const void *s, size_t n)
{
	all_values(p, col, (struct pm_datum){.kind = PM_V_TEXT, .s = s, .n = n});
}

void pm_print_uint(struct pm_printer *p, const struct pm_column *col, uint64_t v)
{
	all_values(p, col, (struct pm_datum){.kind = PM_V_UINT, .u = v});
}

void pm_print_int(struct pm_printer *p, const struct pm_column *col, int64_t v)
{
	all_values(p, col, (struct pm_datum){.kind = PM_V_INT, .i = v});
}

void pm_print_bool(struct pm_printer *p, const struct pm_column *col, bool v)
{
	all_values(p, col, (struct pm_datum){.kind = PM_V_BOOL, .b = v});
}

void pm_print_null(struct pm_printer *p, const struct pm_column *col)
{
	all_values(p, col, (struct pm_datum){.kind = PM_V_NULL});
}

static void line(struct pm_printer *p, const char *s, bool verbatim)
{
	const struct pm_level *in = pm_print_level(p, 0);

	if (p->ctx->rc || p->ops->keyed || (in && in->muted))
		return;
	if (!in || in->shape == PM_TABLE || in->shape == PM_ROW) {
		pm_fail(p->ctx, PM_EBUG, "a report is nested wrongly");
		return;
	}
	p->ops->line(p, s, verbatim);
	pm_print_flush(p, HOLD);
}

void pm_print_para(struct pm_printer *p, const char *fmt, ...)
{
	char s[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s, sizeof(s), fmt, ap);
	va_end(ap);
	for (; p; p = p->next)
		line(p, s, false);
}

void pm_print_line(struct pm_printer *p, const char *s)
{
	for (; p; p = p->next)
		line(p, s, true);
}

/* --- bytes --------------------------------------------------------------------------- */

enum { PER_LINE = 16 };

static const char digits[] = "0123456789abcdef";

static void hex_text(struct pm_printer *p, const struct pm_column *col, const uint8_t *bytes,
		     size_t n)
{
	struct pm_buf b = {0};
	uint8_t *room = pm_buf_room(p->ctx, &b, 2 * n);

	for (size_t i = 0; room && i < n; i++) {
		room[2 * i] = (uint8_t)digits[bytes[i] >> 4];
		room[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
	}
	value(p, col,
	      &(struct pm_datum){.kind = PM_V_TEXT, .s = b.n ? (const char *)b.p : "", .n = b.n});
	pm_buf_done(&b);
}

static void hex_line(struct pm_printer *p, uint64_t at, const uint8_t *bytes, size_t n)
{
	char s[20 + 4 * PER_LINE + 8];
	int w = snprintf(s, sizeof(s), "%08llx  ", (unsigned long long)at);
	char *c = s + w;

	for (size_t i = 0; i < PER_LINE; i++) {
		*c++ = i < n ? digits[bytes[i] >> 4] : ' ';
		*c++ = i < n ? digits[bytes[i] & 15] : ' ';
		*c++ = ' ';
	}
	*c++ = '|';
	for (size_t i = 0; i < n; i++)
		*c++ = bytes[i] >= 0x20 && bytes[i] < 0x7F ? (char)bytes[i] : '.';
	*c++ = '|';
	*c = '\0';
	line(p, s, true);
}

void pm_print_hex(struct pm_printer *p, const struct pm_column *col, uint64_t at, const void *bytes,
		  size_t n)
{
	const uint8_t *b = bytes;

	for (; p; p = p->next) {
		struct pm_level *in = pm_print_level(p, 0);

		if (p->ops->keyed) {
			hex_text(p, col, b, n);
			continue;
		}
		for (size_t i = 0; i < n; i += PER_LINE)
			hex_line(p, at + i, b + i, n - i < PER_LINE ? n - i : PER_LINE);
		if (in)
			in->count++;
	}
}
