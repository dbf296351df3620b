/* SPDX-License-Identifier: Apache-2.0 */
/* Lines and words of recipes and descriptions, and the files that they come from and go to. */
#include "words.h"

#include "base/bytes.h"
#include "base/quote.h"
#include "io/output.h"

#include <errno.h>
#include <stdio.h>

#define LINE_MAX_BYTES 8192

bool pm_number(const char *s, size_t n, uint64_t *ret)
{
	bool minus = n && s[0] == '-';
	unsigned base = 10;
	uint64_t v = 0;
	size_t i = minus;

	if (n - i > 2 && s[i] == '0' && s[i + 1] == 'x') {
		base = 16;
		i += 2;
	}
	if (i >= n)
		return false;
	for (; i < n; i++) {
		unsigned d = s[i] >= '0' && s[i] <= '9'   ? (unsigned)(s[i] - '0')
			     : s[i] >= 'a' && s[i] <= 'f' ? (unsigned)(s[i] - 'a' + 10)
			     : s[i] >= 'A' && s[i] <= 'F' ? (unsigned)(s[i] - 'A' + 10)
							  : 99;

		if (d >= base || v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	*ret = minus ? 0 - v : v;
	return true;
}

/* The end of a quoted word that begins at s (behind its quote), unescaped in place; NULL when
 * it has no end. */
static char *unquote(char *s)
{
	static const char from[] = "nrt\"\\", to[] = "\n\r\t\"\\";
	char *out = s;

	for (; *s && *s != '"'; s++) {
		const char *esc = *s == '\\' && s[1] ? strchr(from, s[1]) : NULL;

		if (*s == '\\' && !esc)
			return NULL;
		*out++ = esc ? to[esc - from] : *s;
		s += esc != NULL;
	}
	if (!*s)
		return NULL;
	*out = '\0';
	return s + 1;
}

static bool split(char *s, struct pm_words *w)
{
	w->n = 0;
	for (;;) {
		s += strspn(s, " \t\r");
		if (!*s || *s == '#')
			return true;
		if (w->n >= PM_WORDS_MAX)
			return false;
		w->quoted[w->n] = *s == '"';
		w->word[w->n] = s + (*s == '"');
		if (*s == '"') {
			s = unquote(s + 1);
			if (!s || (*s && !strchr(" \t\r", *s)))
				return false;
		} else {
			s += strcspn(s, " \t\r");
			if (*s)
				*s++ = '\0';
		}
		w->n++;
	}
}

enum pm_rc pm_lines(struct pm_ctx *ctx, const char *name, const char *text, pm_line_fn fn,
		    void *arg)
{
	char why[sizeof(ctx->text)];
	unsigned number = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");
		struct pm_words words = {.n = 0};
		char buf[LINE_MAX_BYTES];
		enum pm_rc rc;

		number++;
		if (n >= sizeof(buf))
			return pm_fail(ctx, PM_EUSAGE, "%s:%u: the line is too long", name, number);
		memcpy(buf, text, n);
		buf[n] = '\0';
		text += n + (text[n] == '\n');
		if (!split(buf, &words))
			return pm_fail(ctx, PM_EUSAGE,
				       "%s:%u: too many words, or quotes are not in pairs", name,
				       number);
		rc = words.n ? fn(arg, &words) : PM_OK;
		if (rc) {
			snprintf(why, sizeof(why), "%s", ctx->text);
			ctx->rc = PM_OK;
			return pm_fail(ctx, rc, "%s:%u: %s", name, number, why);
		}
	}
	return PM_OK;
}

enum pm_rc pm_read_text(struct pm_ctx *ctx, const char *path, char **ret)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	struct pm_buf b = {0};
	char chunk[4096];
	size_t n;

	if (!f)
		return pm_fail(ctx, PM_EIO, "cannot open %s: %s", pm_quote(path).s,
			       pm_strerror(errno));
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		pm_buf_add(ctx, &b, chunk, n);
	if (ferror(f))
		pm_fail(ctx, PM_EIO, "cannot read %s", pm_quote(path).s);
	if (f != stdin)
		fclose(f);
	if (!ctx->rc)
		*ret = pm_strdup(ctx, pm_buf_cstr(ctx, &b));
	pm_buf_done(&b);
	return ctx->rc;
}

enum pm_rc pm_write_file(struct pm_ctx *ctx, const char *path, const void *p, size_t n)
{
	struct pm_output *out = NULL;
	enum pm_rc rc;

	rc = pm_output_create(ctx, path, PM_OUTPUT_FORCE | PM_OUTPUT_NOSYNC, &out);
	if (rc == PM_OK)
		rc = pm_output_write(out, 0, p, n);
	if (rc == PM_OK)
		rc = pm_output_commit(out);
	pm_output_free(out);
	return rc;
}
