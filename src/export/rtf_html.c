/* SPDX-License-Identifier: Apache-2.0 */
/* RTF bodies: their kind, and the way from there to HTML and text. */
#include "export/rtf_html.h"

#include "base/text.h"
#include "export/rtf_sinks.h"

/* Where the document begins: after a byte order mark and white space; false if it isn't RTF. */
static bool find_start(const uint8_t *p, size_t n, size_t *ret_at)
{
	static const char head[] = "{\\rtf";
	size_t at = n >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

	while (at < n && (pm_ascii_isspace(p[at]) || !p[at]))
		at++;
	if (n - at < sizeof(head) - 1 || memcmp(p + at, head, sizeof(head) - 1) != 0)
		return false;
	*ret_at = at;
	return true;
}

enum pm_rtf_kind pm_rtf_kind(const void *p, size_t n)
{
	struct pm_rtf_lex lex = {p, n, 0};

	if (!find_start(p, n, &lex.at))
		return PM_RTF_RICH;
	/*
	 * The word must stand before the font table [MS-OXRTFEX 2.1.3.1]; a reader need not look
	 * at more than 10 tokens, but nothing stands against some more.
	 */
	for (int i = 0; i < 40; i++) {
		struct pm_rtf_token t = pm_rtf_next(&lex);

		if (t.kind != PM_RTF_OPEN && t.kind != PM_RTF_WORD)
			break;
		if (t.kind == PM_RTF_OPEN)
			continue;
		if (pm_rtf_is_word(&t, "fonttbl"))
			break;
		if (pm_rtf_is_word(&t, "fromhtml") && t.has_param && t.param == 1)
			return PM_RTF_HTML;
		if (pm_rtf_is_word(&t, "fromtext"))
			return PM_RTF_PLAIN;
	}
	return PM_RTF_RICH;
}

/* --- the charset that HTML says it is in --------------------------------------------- */

#define META_WITHIN 16384 /* <meta> stands early, or not at all */

/* Is there a word, in whatever case, at `at`? */
static bool is_at(const struct pm_buf *b, size_t at, size_t end, const char *word)
{
	size_t n = strlen(word);

	return end - at >= n && pm_ascii_ncasecmp(b->p + at, word, n) == 0;
}

static bool is_label(uint8_t c)
{
	return pm_ascii_isalpha(c) || pm_ascii_isdigit(c) || c == '-' || c == '_' || c == '.' ||
	       c == ':';
}

/* The value of charset= in the tag [at, end): where it begins, and its length (0: none). */
static size_t find_label(const struct pm_buf *b, size_t at, size_t end, size_t *ret_at)
{
	size_t n = 0;

	while (at < end && !is_at(b, at, end, "charset"))
		at++;
	at += at < end ? strlen("charset") : 0;
	while (at < end && pm_ascii_isspace(b->p[at]))
		at++;
	if (at >= end || b->p[at] != '=')
		return 0;
	at++;
	while (at < end && (pm_ascii_isspace(b->p[at]) || b->p[at] == '"' || b->p[at] == '\''))
		at++;
	while (at + n < end && is_label(b->p[at + n]))
		n++;
	*ret_at = at;
	return n;
}

/* Replace n bytes at `at`. */
static void splice(struct pm_ctx *ctx, struct pm_buf *b, size_t at, size_t n, const char *with)
{
	size_t m = strlen(with), tail = b->n - at - n;

	if (m > n && !pm_buf_room(ctx, b, m - n))
		return;
	memmove(b->p + at + m, b->p + at + n, tail);
	memcpy(b->p + at, with, m);
	b->n = at + m + tail;
}

#define LABELS_MAX 4 /* each one costs a move of all that follows */

/*
 * What was in some charset is UTF-8 now, and its labels must say so: a reader that believes
 * them would show rubbish. The first one is kept for the caller.
 */
static void relabel(struct pm_rtf_reader *r, size_t start, struct pm_rtf_info *info)
{
	static const char utf8[] = "utf-8";
	struct pm_buf *b = r->out;
	size_t end = b->n - start < META_WITHIN ? b->n : start + META_WITHIN;
	int labels = 0;

	for (size_t at = start; at < end && labels < LABELS_MAX && !b->bad; at++) {
		const uint8_t *close;
		size_t label, n;

		if (b->p[at] != '<' || !is_at(b, at, end, "<meta"))
			continue;
		close = memchr(b->p + at, '>', end - at);
		if (!close)
			return;
		n = find_label(b, at, (size_t)(close - b->p), &label);
		if (!n || n + r->left < strlen(utf8))
			continue;
		if (!labels++) {
			size_t keep = n < sizeof(info->charset) ? n : sizeof(info->charset) - 1;

			memcpy(info->charset, b->p + label, keep);
			info->charset[keep] = 0;
		}
		splice(r->ctx, b, label, n, utf8);
		end = b->n - start < META_WITHIN ? b->n : start + META_WITHIN;
	}
}

/* --- interface ----------------------------------------------------------------------- */

static enum pm_rc run(struct pm_rtf_reader *r, struct pm_rtf_info *info)
{
	enum pm_rc rc;

	if (!find_start(r->lex.p, r->lex.n, &r->lex.at)) {
		r->why = "rtf";
		return PM_LOST;
	}
	info->kind = pm_rtf_kind(r->lex.p, r->lex.n);
	rc = pm_rtf_read(r);
	info->codepage = r->codepage;
	return rc;
}

/* The end of both conversions: `rc` of the reading, and what it found. */
static enum pm_rc finish(struct pm_rtf_reader *r, enum pm_rc rc, struct pm_rtf_info *info,
			 struct pm_rtf_info *ret_info)
{
	if (!pm_is_error(rc) && r->out->bad)
		rc = r->ctx->rc != PM_OK ? r->ctx->rc : PM_ENOMEM;
	if (!pm_is_error(rc)) {
		info->bad = r->bad;
		info->why = r->why;
		if (ret_info)
			*ret_info = *info;
		if (rc == PM_OK && r->why)
			rc = PM_DAMAGED;
	}
	pm_rtf_reader_done(r);
	return rc;
}

enum pm_rc pm_rtf_to_html(struct pm_ctx *ctx, struct pm_buf *out, const void *p, size_t n,
			  size_t limit, struct pm_rtf_info *ret_info)
{
	struct pm_rtf_render render = {0};
	struct pm_rtf_info info = {0};
	struct pm_rtf_reader r = {
		.ctx = ctx, .lex = {.p = p, .n = n}, .out = out, .left = limit, .arg = &render};
	bool source = pm_rtf_kind(p, n) == PM_RTF_HTML;
	size_t start = out->n;
	enum pm_rc rc;

	r.sink = source ? &pm_rtf_source_sink : &pm_rtf_render_sink;
	rc = run(&r, &info);
	if (rc == PM_OK && source)
		relabel(&r, start, &info);
	else if (rc == PM_OK)
		pm_rtf_render_end(&r);
	pm_rtf_render_done(&render);
	return finish(&r, rc, &info, ret_info);
}

enum pm_rc pm_rtf_to_text(struct pm_ctx *ctx, struct pm_buf *out, const void *p, size_t n,
			  size_t limit, struct pm_rtf_info *ret_info)
{
	struct pm_rtf_plain plain = {0};
	struct pm_rtf_info info = {0};
	struct pm_rtf_reader r = {.ctx = ctx,
				  .sink = &pm_rtf_plain_sink,
				  .lex = {.p = p, .n = n},
				  .out = out,
				  .left = limit,
				  .arg = &plain};
	enum pm_rc rc = run(&r, &info);

	pm_rtf_plain_done(&plain);
	return finish(&r, rc, &info, ret_info);
}
