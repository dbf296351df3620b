/* SPDX-License-Identifier: Apache-2.0 */
/* Options by tables, over getopt_long; see options.h. */
#include "cli/options.h"

#include "base/quote.h"
#include "base/text.h"

#include <getopt.h>
#include <stdio.h>

enum { OPTIONS_MAX = 64, FIRST_VALUE = 256 };

/* All tables as getopt_long wants them. */
struct parser {
	struct option longs[OPTIONS_MAX + 1];
	char shorts[2 * OPTIONS_MAX + 2];
	const struct pm_option *option[OPTIONS_MAX];
	void *values[OPTIONS_MAX];
	size_t n;
};

static bool add_option(struct parser *ps, const struct pm_option *o, void *values)
{
	size_t end = strlen(ps->shorts);

	for (size_t i = 0; i < ps->n; i++)
		if (!strcmp(ps->option[i]->name, o->name))
			return true;
	if (ps->n == OPTIONS_MAX)
		return false;
	ps->longs[ps->n] = (struct option){
		.name = o->name,
		.has_arg = o->arg ? required_argument : no_argument,
		.val = FIRST_VALUE + (int)ps->n,
	};
	ps->option[ps->n] = o;
	ps->values[ps->n++] = values;
	if (o->letter) {
		ps->shorts[end++] = o->letter;
		if (o->arg)
			ps->shorts[end++] = ':';
	}
	return true;
}

bool pm_parse_number(const char *s, uint64_t *ret)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	unsigned int base = hex ? 16 : 10;
	uint64_t v = 0;

	s += hex ? 2 : 0;
	if (!*s)
		return false;
	for (; *s; s++) {
		int d = pm_ascii_hex((uint8_t)*s);

		if (d < 0 || d >= (int)base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return false;
	}
	*ret = v;
	return true;
}

bool pm_parse_size(const char *s, uint64_t *ret)
{
	static const char unit[] = "kmgt";
	size_t n = strlen(s);
	const char *u = n ? strchr(unit, pm_ascii_lower((uint8_t)s[n - 1])) : NULL;
	char digits[32];
	uint64_t v;

	if (!u)
		return pm_parse_number(s, ret);
	if (n > sizeof(digits))
		return false;
	memcpy(digits, s, n - 1);
	digits[n - 1] = '\0';
	if (!pm_parse_number(digits, &v) || v > UINT64_MAX >> (10 * (u - unit + 1)))
		return false;
	*ret = v << (10 * (u - unit + 1));
	return true;
}

/* The number of the word in a list of words; -1 when it is none of them. */
static int find_word(const char *words, const char *word)
{
	size_t len = strlen(word);
	int k = 0;

	for (const char *w = words; *w; k++) {
		size_t n = strcspn(w, " ");

		if (n == len && !memcmp(w, word, n))
			return k;
		w += n;
		w += *w == ' ';
	}
	return -1;
}

static void list_words(struct pm_ctx *ctx, struct pm_buf *out, const char *words)
{
	for (; *words; words++) {
		if (*words == ' ')
			pm_buf_str(ctx, out, ", ");
		else
			pm_buf_byte(ctx, out, (uint8_t)*words);
	}
}

static bool take_value(struct pm_ctx *ctx, const struct pm_option *o, void *values, char *arg,
		       struct pm_buf *why)
{
	void *p = (uint8_t *)values + o->at;
	struct pm_number *number = p;
	int k;

	switch (o->kind) {
	case PM_OPT_FLAG:
		*(bool *)p = true;
		return true;
	case PM_OPT_STRING:
		*(const char **)p = arg;
		if (*arg)
			return true;
		pm_buf_printf(ctx, why, "--%s: its argument is empty", o->name);
		return false;
	case PM_OPT_NUMBER:
	case PM_OPT_SIZE:
		number->given = true;
		if (o->kind == PM_OPT_SIZE ? pm_parse_size(arg, &number->value)
					   : pm_parse_number(arg, &number->value))
			return true;
		pm_buf_printf(ctx, why, "--%s %s: this is not a number%s", o->name, pm_quote(arg).s,
			      o->kind == PM_OPT_SIZE ? " such as 512M" : "");
		return false;
	case PM_OPT_CHOICE:
		k = find_word(o->choices, arg);
		if (k >= 0) {
			*(int *)p = k;
			return true;
		}
		pm_buf_printf(ctx, why, "--%s %s: choose one of ", o->name, pm_quote(arg).s);
		list_words(ctx, why, o->choices);
		return false;
	}
	return false;
}

/* What was wrong with the option that getopt_long refused. */
static void explain(struct pm_ctx *ctx, const struct parser *ps, int c, char *const *argv,
		    struct pm_buf *why)
{
	const char *word = argv[optind - 1];
	const char *names[OPTIONS_MAX + 1] = {NULL};
	char letter[3] = {'-', (char)optopt, '\0'};
	const char *near;

	for (size_t i = 0; i < ps->n; i++)
		names[i] = ps->option[i]->name;
	if (optopt >= FIRST_VALUE && optopt < FIRST_VALUE + (int)ps->n)
		pm_buf_printf(ctx, why, "--%s %s", names[optopt - FIRST_VALUE],
			      c == ':' ? "needs an argument" : "takes no argument");
	else if (c == ':')
		pm_buf_printf(ctx, why, "%s needs an argument", letter);
	else if (optopt)
		pm_buf_printf(ctx, why, "there is no option %s", pm_quote(letter).s);
	else {
		pm_buf_printf(ctx, why, "there is no option %s, or it is cut short too much",
			      pm_quote(word).s);
		near = pm_nearest(word + 2, names);
		if (near)
			pm_buf_printf(ctx, why, "; did you mean --%s?", near);
	}
}

bool pm_options_parse(struct pm_ctx *ctx, const struct pm_option_set *sets, size_t nsets, int argc,
		      char **argv, int *ret_first, struct pm_buf *why)
{
	struct parser ps = {.shorts = ":"};
	int c;

	for (size_t i = 0; i < nsets; i++)
		for (const struct pm_option *o = sets[i].options; o && o->kind; o++)
			if (!add_option(&ps, o, sets[i].values)) {
				pm_fail(ctx, PM_EBUG, "too many options");
				return false;
			}
	optind = 0; /* begin anew */
	opterr = 0;
	while ((c = getopt_long(argc, argv, ps.shorts, ps.longs, NULL)) != -1) {
		size_t k = 0;

		if (c == '?' || c == ':') {
			explain(ctx, &ps, c, argv, why);
			return false;
		}
		if (c >= FIRST_VALUE)
			k = (size_t)(c - FIRST_VALUE);
		else
			while (ps.option[k]->letter != c)
				k++;
		if (!take_value(ctx, ps.option[k], ps.values[k], optarg, why))
			return false;
	}
	*ret_first = optind;
	return true;
}

void pm_options_help(struct pm_ctx *ctx, const struct pm_option *options, struct pm_buf *out)
{
	enum { COLUMN = 26 };

	for (const struct pm_option *o = options; o && o->kind; o++) {
		size_t begin = out->n;

		pm_buf_str(ctx, out, "  ");
		if (o->letter)
			pm_buf_printf(ctx, out, "-%c, ", o->letter);
		else
			pm_buf_str(ctx, out, "    ");
		pm_buf_printf(ctx, out, "--%s", o->name);
		if (o->arg)
			pm_buf_printf(ctx, out, " %s", o->arg);
		if (out->n - begin > COLUMN - 2) {
			pm_buf_byte(ctx, out, '\n');
			begin = out->n;
		}
		while (out->n - begin < COLUMN && !out->bad)
			pm_buf_byte(ctx, out, ' ');
		pm_buf_str(ctx, out, o->help);
		if (o->choices) {
			pm_buf_str(ctx, out, ": ");
			list_words(ctx, out, o->choices);
		}
		pm_buf_byte(ctx, out, '\n');
	}
}

/* Insertions, deletions, changes and swaps of neighbours that make `b` of `a`. */
static size_t distance(const char *a, const char *b)
{
	enum { LONGEST = 24 };
	size_t row[3][LONGEST + 1], na = strlen(a), nb = strlen(b);

	if (na > LONGEST || nb > LONGEST)
		return LONGEST;
	for (size_t i = 0; i <= na; i++) {
		size_t *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];

		for (size_t j = 0; j <= nb; j++) {
			size_t d;

			if (!i || !j) {
				now[j] = i + j;
				continue;
			}
			d = up[j - 1] + (a[i - 1] != b[j - 1]);
			d = up[j] + 1 < d ? up[j] + 1 : d;
			d = now[j - 1] + 1 < d ? now[j - 1] + 1 : d;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1 < d)
				d = up2[j - 2] + 1;
			now[j] = d;
		}
	}
	return row[na % 3][nb];
}

const char *pm_nearest(const char *word, const char *const *names)
{
	size_t least = strlen(word) / 3 + 1;
	const char *best = NULL;

	for (; *names; names++) {
		size_t d = distance(word, *names);

		if (d <= least && (!best || d < least)) {
			least = d;
			best = *names;
		}
	}
	return best;
}
