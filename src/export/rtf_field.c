/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code of a field, as in HYPERLINK "http://host/page" \l "place" \o "tip": a name, then
 * arguments with or without quotes and switches. A backslash before a quote or another
 * backslash stands for that character.
 */
#include "base/text.h"
#include "export/rtf_read.h"

struct args {
	const uint8_t *p;
	size_t n, at;
};

static void skip_space(struct args *a)
{
	while (a->at < a->n && pm_ascii_isspace(a->p[a->at]))
		a->at++;
}

/* A switch at a->at: its letter in lower case, 0 if there is none. */
static uint8_t switch_letter(struct args *a)
{
	if (a->n - a->at < 2 || a->p[a->at] != '\\' || !pm_ascii_isalpha(a->p[a->at + 1]))
		return 0;
	/* A path without quotes may begin with a backslash, too: \\server\share. */
	if (a->n - a->at > 2 && !pm_ascii_isspace(a->p[a->at + 2]) && a->p[a->at + 2] != '"')
		return 0;
	a->at += 2;
	return pm_ascii_lower(a->p[a->at - 1]);
}

/* One argument, appended to `to` unless that is NULL. */
static void argument(struct pm_ctx *ctx, struct args *a, struct pm_buf *to)
{
	bool quoted = a->at < a->n && a->p[a->at] == '"';

	a->at += quoted;
	for (; a->at < a->n; a->at++) {
		uint8_t c = a->p[a->at];

		if (quoted ? c == '"' : pm_ascii_isspace(c))
			break;
		if (c == '\\' && a->n - a->at > 1 &&
		    (a->p[a->at + 1] == '\\' || a->p[a->at + 1] == '"'))
			c = a->p[++a->at];
		if (to)
			pm_buf_byte(ctx, to, c);
	}
	a->at += quoted && a->at < a->n;
}

bool pm_rtf_hyperlink(struct pm_ctx *ctx, const uint8_t *p, size_t n, struct pm_buf *url)
{
	static const char name[] = "HYPERLINK";
	struct args a = {p, n, 0};
	bool have_target = false;

	skip_space(&a);
	if (a.n - a.at < sizeof(name) - 1 ||
	    pm_ascii_ncasecmp(a.p + a.at, name, sizeof(name) - 1) != 0)
		return false;
	a.at += sizeof(name) - 1;
	for (skip_space(&a); a.at < a.n; skip_space(&a)) {
		uint8_t letter = switch_letter(&a);

		if (!letter) {
			argument(ctx, &a, have_target ? NULL : url);
			have_target = true;
		} else if (letter == 'l') {
			skip_space(&a);
			pm_buf_byte(ctx, url, '#');
			argument(ctx, &a, url);
			have_target = true;
		} else if (letter == 'o' || letter == 't') { /* tip, frame */
			skip_space(&a);
			argument(ctx, &a, NULL);
		}
	}
	return true;
}
