/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of RTF. */
#include "export/rtf_lex.h"

#include "base/text.h"

static bool is_special(uint8_t c)
{
	return c == '{' || c == '}' || c == '\\' || c == '\r' || c == '\n' || c == 0;
}

/* The digits at lex->at with their sign, if there are any. */
static bool parameter(struct pm_rtf_lex *lex, int32_t *ret)
{
	size_t at = lex->at;
	bool minus = at < lex->n && lex->p[at] == '-';
	int64_t v = 0;

	at += minus;
	if (at >= lex->n || !pm_ascii_isdigit(lex->p[at]))
		return false;
	for (; at < lex->n && pm_ascii_isdigit(lex->p[at]); at++) {
		if (v <= INT32_MAX)
			v = v * 10 + (lex->p[at] - '0');
	}
	if (v > INT32_MAX)
		v = INT32_MAX;
	*ret = (int32_t)(minus ? -v : v);
	lex->at = at;
	return true;
}

/* lex->at is behind the backslash, at a letter. */
static struct pm_rtf_token word(struct pm_rtf_lex *lex)
{
	struct pm_rtf_token t = {.kind = PM_RTF_WORD, .p = lex->p + lex->at};

	while (lex->at < lex->n && pm_ascii_isalpha(lex->p[lex->at])) {
		lex->at++;
		t.n++;
	}
	t.has_param = parameter(lex, &t.param);
	if (lex->at < lex->n && lex->p[lex->at] == ' ')
		lex->at++;
	if (pm_rtf_is_word(&t, "bin") && t.param > 0) {
		size_t left = lex->n - lex->at;

		t.kind = PM_RTF_BINARY;
		lex->at += (size_t)t.param < left ? (size_t)t.param : left;
	}
	return t;
}

/* lex->at is behind the backslash, at a byte that is no letter. */
static struct pm_rtf_token symbol(struct pm_rtf_lex *lex)
{
	struct pm_rtf_token t = {.kind = PM_RTF_SYMBOL, .c = lex->p[lex->at++]};
	int hi = -1, lo = -1;

	if (t.c == '\r')
		t.c = '\n';
	if (t.c != '\'')
		return t;
	if (lex->n - lex->at >= 2) {
		hi = pm_ascii_hex(lex->p[lex->at]);
		lo = pm_ascii_hex(lex->p[lex->at + 1]);
	}
	if (hi >= 0 && lo >= 0) {
		t.kind = PM_RTF_BYTE;
		t.c = (uint8_t)(hi << 4 | lo);
		lex->at += 2;
	}
	return t;
}

struct pm_rtf_token pm_rtf_next(struct pm_rtf_lex *lex)
{
	struct pm_rtf_token t = {.kind = PM_RTF_END};
	uint8_t c = 0;

	for (; lex->at < lex->n; lex->at++) {
		c = lex->p[lex->at];
		if (c != '\r' && c != '\n' && c != 0)
			break;
	}
	if (lex->at >= lex->n)
		return t;
	if (c == '{' || c == '}') {
		lex->at++;
		t.kind = c == '{' ? PM_RTF_OPEN : PM_RTF_CLOSE;
	} else if (c == '\\') {
		lex->at++;
		if (lex->at < lex->n)
			return pm_ascii_isalpha(lex->p[lex->at]) ? word(lex) : symbol(lex);
	} else {
		t.kind = PM_RTF_TEXT;
		t.p = lex->p + lex->at;
		while (lex->at < lex->n && !is_special(lex->p[lex->at])) {
			lex->at++;
			t.n++;
		}
	}
	return t;
}

bool pm_rtf_is_word(const struct pm_rtf_token *t, const char *name)
{
	size_t n = strlen(name);

	return t->n == n && memcmp(t->p, name, n) == 0;
}
