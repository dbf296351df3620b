/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue of problems: its table, the arguments of a problem, its text. */
#include "check/problems.h"

#include "format/proptag.h"

#define ERROR   PM_SEV_ERROR
#define WARNING PM_SEV_WARNING
#define INFO    PM_SEV_INFO

const struct pm_problem_row pm_problem_rows[PM_P_COUNT] = {
#define PROBLEM(symbol, name, layer, severity, repair, args, text)                                 \
	{name, PM_PL_##layer, severity, PM_MEND_##repair, args, text},
#include "check/problems.def"
#undef PROBLEM
};

enum pm_problem_id pm_problem_find(const char *name)
{
	for (unsigned i = 0; i < PM_P_COUNT; i++)
		if (!strcmp(pm_problem_rows[i].name, name))
			return (enum pm_problem_id)i;
	return PM_P_COUNT;
}

const char *pm_problem_layer_name(unsigned layer)
{
	static const char *const names[] = {"file",  "header", "page",   "alloc",   "block",
					    "node",  "heap",   "bth",    "pc",      "tc",
					    "names", "store",  "folder", "message", "search"};

	return layer < sizeof(names) / sizeof(names[0]) ? names[layer] : "?";
}

const char *pm_severity_name(unsigned severity)
{
	static const char *const names[] = {"info", "warning", "error"};

	return severity < 3 ? names[severity] : "?";
}

const char *pm_mend_name(unsigned mend)
{
	static const char *const names[] = {"none", "safe", "rebuild", "lossy"};

	return mend < 4 ? names[mend] : "?";
}

static void set_number(struct pm_problem_arg *a, uint64_t n, bool hex)
{
	a->number = n;
	if (hex)
		a->form = PM_ARG_HEX;
}

static void set_text(struct pm_problem_arg *a, const char *s)
{
	a->form = PM_ARG_TEXT;
	a->text = s ? s : "?";
}

static bool is(const struct pm_problem_arg *a, const char *name)
{
	return !strcmp(a->name, name);
}

static void fill(const struct pm_problem *p, struct pm_problem_arg *a, bool hex)
{
	if (is(a, "offset"))
		set_number(a, p->offset, true);
	else if (is(a, "size"))
		set_number(a, p->size, false);
	else if (is(a, "bid"))
		set_number(a, p->bid, true);
	else if (is(a, "nid"))
		set_number(a, p->nid, true);
	else if (is(a, "tag"))
		set_number(a, p->tag, true);
	else if (is(a, "item"))
		set_number(a, p->item, true);
	else if (is(a, "count"))
		set_number(a, p->count, false);
	else if (is(a, "what"))
		set_text(a, p->what);
	else if (is(a, "have") && p->have_text)
		set_text(a, p->have_text);
	else if (is(a, "want") && p->want_text)
		set_text(a, p->want_text);
	else
		set_number(a, is(a, "have") ? p->have : p->want, hex);
}

bool pm_problem_arg(const struct pm_problem *p, unsigned i, struct pm_problem_arg *ret)
{
	const char *s = pm_problem_rows[p->id].args;
	size_t n;

	for (; i; i--) {
		s += strcspn(s, " ");
		s += *s == ' ';
	}
	n = strcspn(s, " :");
	if (!n || n >= sizeof(ret->name))
		return false;
	*ret = (struct pm_problem_arg){.form = PM_ARG_DEC};
	memcpy(ret->name, s, n);
	fill(p, ret, s[n] == ':');
	return true;
}

static void put_arg(struct pm_ctx *ctx, const struct pm_problem *p, const struct pm_problem_arg *a,
		    struct pm_buf *out)
{
	if (a->form == PM_ARG_TEXT) {
		pm_buf_str(ctx, out, a->text);
	} else if (is(a, "tag")) {
		const char *name = pm_proptag_name((uint16_t)(a->number >> 16));

		pm_buf_printf(ctx, out, "0x%08llx", (unsigned long long)a->number);
		if (name)
			pm_buf_printf(ctx, out, " (%s)", name);
	} else {
		pm_buf_printf(ctx, out, a->form == PM_ARG_HEX ? "0x%llx" : "%llu",
			      (unsigned long long)a->number);
		if (is(a, "nid") && p->sub)
			pm_buf_printf(ctx, out, "/0x%x", (unsigned)p->sub);
	}
}

static bool find_arg(const struct pm_problem *p, const char *name, size_t n,
		     struct pm_problem_arg *ret)
{
	for (unsigned i = 0; pm_problem_arg(p, i, ret); i++)
		if (strlen(ret->name) == n && !memcmp(ret->name, name, n))
			return true;
	return false;
}

void pm_problem_text(struct pm_ctx *ctx, const struct pm_problem *p, struct pm_buf *out)
{
	const char *s = pm_problem_rows[p->id].text;

	while (*s) {
		size_t n = strcspn(s, "{");
		struct pm_problem_arg a;

		pm_buf_add(ctx, out, s, n);
		s += n;
		if (!*s)
			break;
		n = strcspn(s, "}");
		if (find_arg(p, s + 1, n - 1, &a))
			put_arg(ctx, p, &a, out);
		s += n + (s[n] == '}');
	}
}
