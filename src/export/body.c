/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies; see body.h. */
#include "export/body.h"

#include "base/codepage.h"
#include "base/scan.h"
#include "base/text.h"
#include "export/rtf_html.h"
#include "format/rtf_lz.h"

/* Nothing larger was ever a body. */
#define BODY_MAX ((size_t)512 << 20)

enum { ID_REPORT_TEXT = 0x1001 };

enum {
	META_WITHIN = 4096, /* a <meta> stands near the beginning [HTML 4.2.5.4 says 1024] */
	KEEP_MAX = 1 << 20, /* larger buffers are given back between messages */
};

static bool usable(enum pm_rc rc)
{
	return rc == PM_OK || rc == PM_DAMAGED;
}

static void reset(struct pm_buf *b)
{
	if (b->cap > KEEP_MAX)
		pm_buf_done(b);
	pm_buf_clear(b);
	b->max = 0;
}

void pm_bodies_done(struct pm_bodies *b)
{
	pm_buf_done(&b->text);
	pm_buf_done(&b->html);
	pm_buf_done(&b->rtf);
}

/* The bytes of a value: in place where they are, else read into `room`. */
static enum pm_rc value_bytes(struct pm_ctx *ctx, struct pm_value *v, struct pm_buf *room,
			      struct pm_span *ret)
{
	enum pm_rc rc = v->state;

	if (!v->stream) {
		*ret = v->span;
		return rc;
	}
	rc = pm_value_read(ctx, v, BODY_MAX, room);
	*ret = pm_buf_span(room);
	return rc;
}

/* Zeros are what lost blocks read as; neither text nor HTML has them otherwise. */
static void drop_zeros(struct pm_buf *b)
{
	uint8_t *zero = b->n ? memchr(b->p, 0, b->n) : NULL;
	size_t to;

	if (!zero)
		return;
	to = (size_t)(zero - b->p);
	for (size_t i = to; i < b->n; i++)
		if (b->p[i])
			b->p[to++] = b->p[i];
	b->n = to;
}

/* ---- plain text ---- */

static enum pm_rc load_text(struct pm_message *m, struct pm_bodies *b)
{
	struct pm_value v;
	enum pm_rc rc = pm_message_body(m, PM_BODY_TEXT, &v);

	if (usable(rc))
		rc = pm_value_text_max(m->db->ctx, &v, m->codepage, BODY_MAX, &b->text);
	if (usable(rc)) {
		drop_zeros(&b->text);
		b->has_text = true;
	}
	pm_value_done(&v);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* ---- HTML ---- */

bool pm_html_meta(const uint8_t *p, size_t n, size_t *ret_at, size_t *ret_n)
{
	size_t end = n < META_WITHIN ? n : META_WITHIN;

	for (size_t i = 0; i + 8 < end; i++) {
		size_t at = i + 7, len = 0;

		if (pm_ascii_lower(p[i]) != 'c' || pm_ascii_ncasecmp(p + i, "charset", 7) != 0)
			continue;
		while (at < end && pm_ascii_isspace(p[at]))
			at++;
		if (at >= end || p[at] != '=')
			continue;
		at++;
		while (at < end && (pm_ascii_isspace(p[at]) || p[at] == '"' || p[at] == '\''))
			at++;
		while (at + len < end && len < 40 &&
		       (pm_ascii_isalpha(p[at + len]) || pm_ascii_isdigit(p[at + len]) ||
			strchr("-_:.", p[at + len])) &&
		       p[at + len])
			len++;
		if (!len)
			continue;
		*ret_at = at;
		*ret_n = len;
		return true;
	}
	return false;
}

/* Do these bytes decode in this code page without a fault? */
static bool fits(struct pm_ctx *ctx, uint32_t cp, const uint8_t *p, size_t n)
{
	struct pm_buf out = {0};
	uint64_t bad = 1;

	if (!cp || !pm_cp_known(cp) || !pm_cp_is_ascii(cp))
		return false;
	pm_cp_to_utf8(ctx, &out, cp, p, n, &bad);
	pm_buf_done(&out);
	return !bad;
}

/* The code page of UTF-16, by its mark or by the zeros in every other place; else 0. */
static uint32_t utf16_codepage(const uint8_t *p, size_t n, const struct pm_bytes_census *c)
{
	if (n < 2)
		return 0;
	if ((p[0] == 0xFF && p[1] == 0xFE) || (c->zeros[1] > n / 4 && c->zeros[0] < n / 64 + 1))
		return 1200;
	if ((p[0] == 0xFE && p[1] == 0xFF) || (c->zeros[0] > n / 4 && c->zeros[1] < n / 64 + 1))
		return 1201;
	return 0;
}

/* Code pages of characters of two bytes: theirs may be valid UTF-8 by chance. */
static bool is_wide(uint32_t cp)
{
	static const uint32_t wide[] = {932,   936,   949,   950,   1361, 20932,
					20936, 51932, 51936, 51949, 54936};

	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (cp == wide[i])
			return true;
	return false;
}

/* Which code page 8-bit HTML is in; 0: none fits. */
static uint32_t choose_high(struct pm_ctx *ctx, const uint8_t *p, size_t n, bool c1,
			    const uint32_t cps[3])
{
	bool utf8 = pm_utf8_valid(p, n);

	/* Two witnesses who agree are believed. */
	if (!utf8 && cps[0] == cps[1] && cps[0] != PM_CP_UTF8 && cps[0] != 28591 &&
	    pm_cp_known(cps[0]) && pm_cp_is_ascii(cps[0]))
		return cps[0];
	if (utf8 && !(is_wide(cps[0]) && fits(ctx, cps[0], p, n)))
		return PM_CP_UTF8;
	for (size_t i = 0; i < 3; i++) {
		/* What calls itself Latin 1 and has these is of the Windows code page. */
		if (cps[i] == 28591 && c1 && fits(ctx, PM_CP_WINDOWS_1252, p, n))
			return PM_CP_WINDOWS_1252;
		if (cps[i] != PM_CP_UTF8 && fits(ctx, cps[i], p, n))
			return cps[i];
	}
	return 0;
}

const char *pm_html_charset(struct pm_ctx *ctx, const uint8_t *p, size_t n, uint32_t internet_cp,
			    uint32_t message_cp, uint32_t *ret_cp)
{
	struct pm_bytes_census c;
	uint32_t cps[3] = {internet_cp, 0, message_cp}, cp;
	const char *name;
	size_t at, len;

	pm_bytes_census(&c, p, n);
	if (pm_html_meta(p, n, &at, &len))
		cps[1] = pm_cp_by_name((const char *)p + at, len);
	*ret_cp = utf16_codepage(p, n, &c);
	if (*ret_cp)
		return NULL;
	if (!c.high) {
		/* Seven bits are ASCII, unless they are a code of their own, such as ISO-2022-JP. */
		for (size_t i = 0; i < 3; i++) {
			if (!cps[i] || !pm_cp_known(cps[i]) || pm_cp_is_ascii(cps[i]))
				continue;
			if (cps[i] != 1200 && cps[i] != 1201 && (c.esc || cps[i] < 50220)) {
				*ret_cp = cps[i];
				return c.esc ? pm_cp_mime(cps[i]) : NULL;
			}
		}
		return "us-ascii";
	}
	cp = choose_high(ctx, p, n, c.c1 != 0, cps);
	for (size_t i = 0; i < 3 && !cp; i++)
		if (cps[i] && pm_cp_known(cps[i]) && cps[i] != 1200 && cps[i] != 1201)
			cp = cps[i];
	cp = cp ? cp : PM_CP_WINDOWS_1252;
	name = pm_cp_is_ascii(cp) ? pm_cp_mime(cp) : NULL;
	*ret_cp = cp;
	return name;
}

/* HTML that became UTF-8 must say so. */
static void rename_charset(struct pm_ctx *ctx, struct pm_buf *html)
{
	struct pm_buf out = {0};
	size_t at, n;

	if (!pm_html_meta(html->p, html->n, &at, &n))
		return;
	pm_buf_add(ctx, &out, html->p, at);
	pm_buf_str(ctx, &out, "utf-8");
	pm_buf_add(ctx, &out, html->p + at + n, html->n - at - n);
	pm_buf_done(html);
	*html = out;
}

static enum pm_rc number(struct pm_message *m, uint16_t id, uint32_t *ret)
{
	enum pm_rc rc = pm_pc_u32(&m->pc, id, ret);

	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc convert_html(struct pm_message *m, struct pm_bodies *b)
{
	struct pm_ctx *ctx = m->db->ctx;
	uint32_t internet = 0, message = 0, cp = 0;
	struct pm_buf out = {0};

	if (number(m, PM_ID_INTERNET_CPID, &internet) ||
	    number(m, PM_ID_MESSAGE_CODEPAGE, &message))
		return ctx->rc;
	b->charset = pm_html_charset(ctx, b->html.p, b->html.n, internet, message, &cp);
	if (b->charset)
		return ctx->rc;
	pm_cp_to_utf8(ctx, &out, cp, b->html.p, b->html.n, NULL);
	pm_buf_done(&b->html);
	b->html = out;
	rename_charset(ctx, &b->html);
	b->charset = "utf-8";
	return ctx->rc;
}

static enum pm_rc load_html(struct pm_message *m, struct pm_bodies *b)
{
	struct pm_ctx *ctx = m->db->ctx;
	struct pm_value v;
	enum pm_rc rc = pm_message_body(m, PM_BODY_HTML, &v);

	if (!usable(rc)) {
		pm_value_done(&v);
		return pm_is_error(rc) ? rc : PM_OK;
	}
	if (v.type == PM_PT_UNICODE || v.type == PM_PT_STRING8) {
		rc = pm_value_text_max(ctx, &v, m->codepage, BODY_MAX, &b->html);
		rename_charset(ctx, &b->html);
		b->charset = "utf-8";
	} else {
		rc = pm_value_read(ctx, &v, BODY_MAX, &b->html);
		if (usable(rc) && convert_html(m, b))
			rc = ctx->rc;
	}
	drop_zeros(&b->html);
	b->has_html = usable(rc) && b->html.n;
	pm_value_done(&v);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* ---- RTF ---- */

static bool is_blank(const struct pm_buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (!pm_ascii_isspace(b->p[i]))
			return false;
	return true;
}

static enum pm_rc use_rtf(struct pm_message *m, struct pm_notes *notes, struct pm_bodies *b)
{
	struct pm_ctx *ctx = m->db->ctx;
	enum pm_rtf_kind kind = pm_rtf_kind(b->rtf.p, b->rtf.n);
	struct pm_rtf_info info = {0};
	enum pm_rc rc;

	if (kind == PM_RTF_PLAIN && !is_blank(&b->text))
		return PM_OK;
	if (kind == PM_RTF_PLAIN) {
		pm_buf_clear(&b->text);
		rc = pm_rtf_to_text(ctx, &b->text, b->rtf.p, b->rtf.n, BODY_MAX, &info);
		b->has_text = usable(rc);
	} else {
		rc = pm_rtf_to_html(ctx, &b->html, b->rtf.p, b->rtf.n, BODY_MAX, &info);
		b->has_html = usable(rc) && b->html.n;
		b->charset = "utf-8";
	}
	if (pm_is_error(rc))
		return rc;
	/* What shows nothing as text may still have something: a picture, an object. */
	b->attach_rtf =
		kind == PM_RTF_RICH || rc == PM_LOST || (is_blank(&b->text) && is_blank(&b->html));
	if (rc == PM_LOST || (rc == PM_DAMAGED && !b->has_text))
		pm_note_add(ctx, notes, "rtf body: damaged (%s)", info.why ? info.why : "unknown");
	return ctx->rc;
}

static enum pm_rc load_rtf(struct pm_message *m, struct pm_notes *notes, struct pm_bodies *b)
{
	struct pm_ctx *ctx = m->db->ctx;
	struct pm_buf room = {0};
	struct pm_span s = {0};
	const char *why = NULL;
	struct pm_value v;
	enum pm_rc rc = pm_message_body(m, PM_BODY_RTF, &v);

	if (usable(rc))
		rc = value_bytes(ctx, &v, &room, &s);
	if (usable(rc) && s.n) {
		rc = pm_rtf_lz_decode(ctx, &b->rtf, s, BODY_MAX, &why);
		if (rc == PM_LOST || (rc == PM_DAMAGED && !b->has_text))
			pm_note_add(ctx, notes, "rtf body: damaged (%s)", why ? why : "unknown");
		if (usable(rc) && b->rtf.n)
			rc = use_rtf(m, notes, b);
	}
	pm_value_done(&v);
	pm_buf_done(&room);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Reports may have their text in PidTagReportText [MS-OXOMSG 2.2.2.40]. */
static enum pm_rc load_report_text(struct pm_message *m, struct pm_bodies *b)
{
	enum pm_rc rc = pm_pc_string(&m->pc, ID_REPORT_TEXT, m->codepage, &b->text);

	b->has_text |= usable(rc) && b->text.n;
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_bodies_load(struct pm_message *m, struct pm_notes *notes, struct pm_bodies *b)
{
	enum pm_rc rc;

	reset(&b->text);
	reset(&b->html);
	reset(&b->rtf);
	b->has_text = b->has_html = b->attach_rtf = false;
	b->charset = NULL;
	rc = load_text(m, b);
	if (!rc)
		rc = load_html(m, b);
	/* Where there is HTML, RTF is a copy of it made by Outlook. */
	if (!rc && !b->has_html)
		rc = load_rtf(m, notes, b);
	if (!rc && !b->has_html && !b->text.n)
		rc = load_report_text(m, b);
	return rc;
}
