/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of an attachment: its type, its name, its place in the HTML. */
#include "export/mime.h"

#include "base/text.h"

enum { REFS_MAX = 4096, CID_MAX = 256, LOCATIONS_MAX = 256 };

/* ---- type ---- */

/* A token [RFC 2045 5.1] */
static bool is_token(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] >= 0x7F || strchr("()<>@,;:\\\"/[]?=", p[i]))
			return false;
	return n != 0;
}

static bool is_type(const char *s)
{
	const char *slash = s ? strchr(s, '/') : NULL;

	return slash && strlen(s) < 128 && is_token(s, (size_t)(slash - s)) &&
	       is_token(slash + 1, strlen(slash + 1));
}

/* Types whose parts may not be encoded [RFC 2045 6.4]: the bytes go as what they are. */
static bool is_composite(const char *s)
{
	return pm_ascii_ncasecmp(s, "multipart/", 10) == 0 ||
	       pm_ascii_ncasecmp(s, "message/", 8) == 0;
}

/* Where no type is declared, mail programs need one to show pictures and offer a program. */
static const char *type_by_name(const char *name)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
		{".bmp", "image/bmp"},
		{".csv", "text/csv"},
		{".doc", "application/msword"},
		{".docx",
		 "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{".gif", "image/gif"},
		{".htm", "text/html"},
		{".html", "text/html"},
		{".ics", "text/calendar"},
		{".jpeg", "image/jpeg"},
		{".jpg", "image/jpeg"},
		{".pdf", "application/pdf"},
		{".png", "image/png"},
		{".ppt", "application/vnd.ms-powerpoint"},
		{".pptx",
		 "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
		{".rtf", "application/rtf"},
		{".tif", "image/tiff"},
		{".tiff", "image/tiff"},
		{".txt", "text/plain"},
		{".vcf", "text/vcard"},
		{".xls", "application/vnd.ms-excel"},
		{".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		{".xml", "application/xml"},
		{".zip", "application/zip"},
	};
	const char *dot = name ? strrchr(name, '.') : NULL;

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (pm_ascii_casecmp(dot, types[i].suffix) == 0)
			return types[i].type;
	return "application/octet-stream";
}

/* ---- fields ---- */

static bool is_simple_name(const struct pm_buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] >= 0x7F || b->p[i] == '"' || b->p[i] == '\\')
			return false;
	return b->n <= 60;
}

/* attribute-char [RFC 2231 7] */
static bool is_attribute(uint8_t c)
{
	return pm_ascii_isalpha(c) || pm_ascii_isdigit(c) || (c && strchr("!#$&+-.^_`{|}~", c));
}

/* A value that is not ASCII, or long: in pieces that are escaped [RFC 2231 3, 4], none cut within
 * a character. */
static void extended_param(struct pm_ctx *ctx, struct pm_buf *head, const char *name,
			   const struct pm_buf *value)
{
	size_t at = 0;

	for (unsigned int k = 0; at < value->n && !ctx->rc; k++) {
		size_t column;

		pm_buf_printf(ctx, head, ";\n\t%s*%u*=%s", name, k, k ? "" : "utf-8''");
		for (column = 24; at < value->n && column < 70;) {
			uint32_t c;
			size_t n = pm_utf8_next(value->p + at, value->n - at, &c);

			for (; n; n--, at++) {
				uint8_t b = value->p[at];

				if (is_attribute(b)) {
					pm_buf_byte(ctx, head, b);
					column++;
					continue;
				}
				pm_buf_byte(ctx, head, '%');
				pm_buf_hex(ctx, head, true, &b, 1);
				column += 3;
			}
		}
	}
}

static void param(struct pm_ctx *ctx, struct pm_buf *head, const char *name, const char *value)
{
	struct pm_buf clean = {0};

	pm_utf8_clean(ctx, &clean, value, strlen(value), NULL);
	for (size_t i = 0; i < clean.n; i++)
		if (clean.p[i] < ' ' || clean.p[i] == 0x7F)
			clean.p[i] = ' ';
	if (is_simple_name(&clean))
		pm_buf_printf(ctx, head, ";\n\t%s=\"%s\"", name, pm_buf_cstr(ctx, &clean));
	else
		extended_param(ctx, head, name, &clean);
	pm_buf_done(&clean);
}

void pm_mime_part_fields(struct pm_ctx *ctx, struct pm_buf *head, const char *type,
			 const char *name, bool is_inline)
{
	pm_buf_printf(ctx, head, "Content-Type: %s", type);
	param(ctx, head, "name", name);
	pm_buf_printf(ctx, head, "\nContent-Disposition: %s", is_inline ? "inline" : "attachment");
	param(ctx, head, "filename", name);
	pm_buf_byte(ctx, head, '\n');
}

/* A content id as it stands within angle brackets; NULL: none that a header can carry. */
static const char *clean_id(struct pm_ctx *ctx, const char *s, struct pm_buf *out)
{
	size_t n = s ? strlen(s) : 0;

	if (n && s[0] == '<') {
		s++;
		n--;
	}
	if (n && s[n - 1] == '>')
		n--;
	if (!n || n > CID_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7F || s[i] == '<' || s[i] == '>')
			return NULL;
	pm_buf_clear(out);
	pm_buf_add(ctx, out, s, n);
	return pm_buf_cstr(ctx, out);
}

static bool is_printable(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s >= 0x7F)
			return false;
	return true;
}

const char *pm_mime_type(const struct pm_attachment *a)
{
	return is_type(a->mime) ? a->mime : type_by_name(a->name);
}

void pm_mime_attach_fields(struct pm_ctx *ctx, struct pm_buf *head, struct pm_attachment *a,
			   size_t number, bool is_inline)
{
	const char *type = pm_mime_type(a);
	struct pm_buf name = {0}, id = {0};
	const char *cid = clean_id(ctx, a->content_id, &id);

	pm_buf_str(ctx, &name, a->name ? a->name : "");
	if (!name.n)
		pm_buf_printf(ctx, &name, "attachment-%zu", number);
	pm_mime_part_fields(ctx, head, is_composite(type) ? "application/octet-stream" : type,
			    pm_buf_cstr(ctx, &name), is_inline);
	if (is_composite(type))
		pm_buf_printf(ctx, head, "X-Original-Content-Type: %s\n", type);
	if (cid)
		pm_buf_printf(ctx, head, "Content-ID: <%s>\n", cid);
	if (a->content_location && *a->content_location && is_printable(a->content_location) &&
	    strlen(a->content_location) < 900)
		pm_buf_printf(ctx, head, "Content-Location: %s\n", a->content_location);
	pm_buf_done(&name);
	pm_buf_done(&id);
}

/* ---- what the HTML shows ---- */

/* A reference in HTML, "cid:" left out, unescaped. */
struct ref {
	char text[CID_MAX + 1];
};

struct refs {
	PM_VEC(struct ref) v;
};

static bool ends_url(uint8_t c)
{
	return c <= ' ' || c == '"' || c == '\'' || c == '>' || c == '<' || c == ')' || c == '\\';
}

static enum pm_rc add_ref(struct pm_ctx *ctx, struct refs *refs, const uint8_t *p, size_t n)
{
	struct ref *r;
	size_t len = 0;

	if (!n || refs->v.n >= REFS_MAX)
		return PM_OK;
	r = pm_vec_push(ctx, &refs->v);
	if (!r)
		return ctx->rc;
	for (size_t i = 0; i < n && len < CID_MAX; i++) {
		int hi = i + 2 < n && p[i] == '%' ? pm_ascii_hex(p[i + 1]) : -1;
		int lo = hi >= 0 ? pm_ascii_hex(p[i + 2]) : -1;

		r->text[len++] = lo >= 0 ? (char)(hi * 16 + lo) : (char)p[i];
		i += lo >= 0 ? 2 : 0;
	}
	return PM_OK;
}

static enum pm_rc find_refs(struct pm_ctx *ctx, const struct pm_buf *html, struct refs *refs)
{
	const uint8_t *p = html->p;
	size_t n = html->n;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i + 4 < n && !rc;) {
		const uint8_t *colon = memchr(p + i, ':', n - i);
		size_t at, len = 0;

		if (!colon)
			break;
		at = (size_t)(colon - p) + 1;
		i = at;
		if (at < 4 || pm_ascii_ncasecmp(p + at - 4, "cid", 3) != 0)
			continue;
		while (at + len < n && len < CID_MAX && !ends_url(p[at + len]))
			len++;
		rc = add_ref(ctx, refs, p + at, len);
		i = at + len;
	}
	return rc;
}

static bool is_shown(struct pm_ctx *ctx, const struct refs *refs, const struct pm_buf *html,
		     const struct pm_attachment *a, bool locations)
{
	const char *where = a->content_location;
	struct pm_buf id = {0};
	const char *cid = clean_id(ctx, a->content_id, &id);
	bool shown = false;

	for (size_t i = 0; cid && i < refs->v.n && !shown; i++)
		shown = pm_ascii_casecmp(refs->v.v[i].text, cid) == 0;
	if (!shown && locations && where && strlen(where) > 3)
		shown = memmem(html->p, html->n, where, strlen(where)) != NULL;
	pm_buf_done(&id);
	return shown;
}

enum pm_rc pm_mime_find_inline(struct pm_message *m, const struct pm_bodies *b, uint8_t **ret,
			       size_t *ret_n)
{
	struct pm_ctx *ctx = m->db->ctx;
	struct refs refs = {0};
	size_t n = m->attachments.n, found = 0;
	uint8_t *shown = NULL;
	enum pm_rc rc = PM_OK;
	bool locations;

	*ret = NULL;
	*ret_n = 0;
	if (!b->has_html || !n)
		return PM_OK;
	rc = find_refs(ctx, &b->html, &refs);
	locations = n <= LOCATIONS_MAX && memmem(b->html.p, b->html.n, "src=", 4);
	if (!rc && (refs.v.n || locations)) {
		shown = pm_calloc(ctx, n, 1);
		rc = ctx->rc;
	}
	for (size_t i = 0; shown && i < n && !rc; i++) {
		struct pm_attachment a;
		enum pm_rc state = pm_attachment_open(m, i, &a);

		if (pm_is_error(state))
			rc = state;
		else if (!pm_attachment_is_message(&a))
			shown[i] = is_shown(ctx, &refs, &b->html, &a, locations);
		found += shown[i];
		pm_attachment_close(&a);
	}
	pm_vec_done(&refs.v);
	if (!rc && found) {
		*ret = shown;
		*ret_n = found;
	} else {
		pm_free(shown);
	}
	return rc;
}
