/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON printer. Everything stands on a line of its own, but a row of a table is one line with
 * all that is in it: a reader can go by lines.
 */
#include "base/text.h"
#include "base/time.h"
#include "pstmend.h"
#include "report/printerP.h"

#include <jansson.h>

#define SCHEMA 1

struct json_printer {
	struct pm_printer p; /* first */
	struct pm_buf clean; /* scratch */
};

static void put(struct pm_printer *p, const char *s)
{
	pm_buf_str(p->ctx, &p->out, s);
}

static void newline(struct pm_printer *p, unsigned int depth)
{
	put(p, "\n");
	for (unsigned int i = 0; i < depth + p->opts.many; i++)
		put(p, "  ");
}

static int add(const char *s, size_t n, void *arg)
{
	struct pm_printer *p = arg;

	pm_buf_add(p->ctx, &p->out, s, n);
	return p->out.bad ? -1 : 0;
}

/* Characters that are valid in JSON, and mischief on a terminal. */
static bool is_unsafe(const uint8_t *s, size_t n)
{
	uint32_t c;

	for (size_t i = 0; i < n;) {
		i += pm_utf8_next(s + i, n - i, &c);
		if ((c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C ||
		    (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
		    (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xE0000 && c <= 0xE0FFF))
			return true;
	}
	return false;
}

static void put_string(struct pm_printer *p, const char *s, size_t n)
{
	struct json_printer *j = (struct json_printer *)p;
	json_t *v;

	pm_buf_clear(&j->clean);
	if (pm_is_error(pm_utf8_clean(p->ctx, &j->clean, s, n, NULL)))
		return;
	v = json_stringn_nocheck(j->clean.n ? (const char *)j->clean.p : "", j->clean.n);
	if (!v ||
	    json_dump_callback(v, add, p,
			       JSON_ENCODE_ANY |
				       (is_unsafe(j->clean.p, j->clean.n) ? JSON_ENSURE_ASCII : 0)))
		pm_fail_oom(p->ctx);
	json_decref(v);
}

/* What stands before a value: comma, line, key. */
static void lead(struct pm_printer *p, const struct pm_column *col)
{
	const struct pm_level *in = pm_print_level(p, 0);

	if (!in)
		return;
	if (in->count)
		put(p, ",");
	if (!in->flat)
		newline(p, p->depth);
	else if (in->count)
		put(p, " ");
	if (in->shape == PM_LIST || in->shape == PM_TABLE)
		return;
	put_string(p, col->key, strlen(col->key));
	put(p, ": ");
}

static void json_begin(struct pm_printer *p, const struct pm_level *level)
{
	if (level->shape == PM_DOC && p->opts.many)
		put(p, p->docs ? ",\n  " : "[\n  ");
	lead(p, level->col);
	put(p, level->shape == PM_LIST || level->shape == PM_TABLE ? "[" : "{");
}

static void member(struct pm_printer *p, const char *key, const char *s)
{
	lead(p, &(struct pm_column){.key = key});
	if (s)
		put_string(p, s, strlen(s));
	else
		put(p, "1");
	pm_print_level(p, 0)->count++;
}

static void json_doc(struct pm_printer *p, const char *command, const char *file)
{
	member(p, "pstmend", pstmend_version());
	lead(p, &(struct pm_column){.key = "schema"});
	pm_buf_printf(p->ctx, &p->out, "%d", SCHEMA);
	member(p, "command", command);
	if (file)
		member(p, "file", file);
}

static void json_end(struct pm_printer *p, const struct pm_level *level)
{
	if (!level->flat && level->count)
		newline(p, p->depth - 1);
	put(p, level->shape == PM_LIST || level->shape == PM_TABLE ? "]" : "}");
	if (p->depth == 1 && !p->opts.many)
		put(p, "\n");
}

static void put_time(struct pm_printer *p, uint64_t ft)
{
	char s[PM_TIME_TEXT];
	struct pm_civil c;

	if (!pm_time_is_set(ft)) {
		put(p, "null");
		return;
	}
	pm_time_civil(ft, &c);
	pm_time_iso(ft, s);
	if (c.ticks)
		pm_buf_printf(p->ctx, &p->out, "\"%.*s.%07uZ\"", (int)strlen(s) - 1, s, c.ticks);
	else
		pm_buf_printf(p->ctx, &p->out, "\"%s\"", s);
}

static void json_value(struct pm_printer *p, const struct pm_column *col, const struct pm_datum *v)
{
	enum pm_form form = col ? col->form : PM_AS_TEXT;

	lead(p, col);
	switch (v->kind) {
	case PM_V_NULL:
		put(p, "null");
		break;
	case PM_V_TEXT:
		put_string(p, v->s, v->n);
		break;
	case PM_V_UINT:
		if (form == PM_AS_TIME)
			put_time(p, v->u);
		else
			pm_buf_printf(p->ctx, &p->out,
				      form == PM_AS_HEX   ? "\"0x%llx\""
				      : form == PM_AS_TAG ? "\"0x%08llx\""
							  : "%llu",
				      (unsigned long long)v->u);
		break;
	case PM_V_INT:
		pm_buf_printf(p->ctx, &p->out, "%lld", (long long)v->i);
		break;
	case PM_V_BOOL:
		put(p, v->b ? "true" : "false");
		break;
	}
}

static void json_line(struct pm_printer *p, const char *s, bool verbatim)
{
	(void)p;
	(void)s;
	(void)verbatim;
}

static void json_finish(struct pm_printer *p)
{
	if (p->opts.many)
		put(p, p->docs ? "\n]\n" : "[]\n");
}

static void json_free(struct pm_printer *p)
{
	struct json_printer *j = (struct json_printer *)p;

	pm_buf_done(&j->clean);
	pm_free(j);
}

static const struct pm_printer_ops json_ops = {
	.keyed = true,
	.begin = json_begin,
	.doc = json_doc,
	.end = json_end,
	.value = json_value,
	.line = json_line,
	.finish = json_finish,
	.free = json_free,
};

struct pm_printer *pm_printer_json(struct pm_ctx *ctx)
{
	struct json_printer *j = pm_calloc(ctx, 1, sizeof(*j));

	if (!j)
		return NULL;
	j->p.ops = &json_ops;
	return &j->p;
}
