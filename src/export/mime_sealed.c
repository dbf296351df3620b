/* SPDX-License-Identifier: Apache-2.0 */
/* Signed and encrypted messages; see mime_sealed.h. */
#include "export/mime_sealed.h"

#include "base/text.h"

/* Larger ones are written as attachments. */
#define WHOLE_MAX ((uint64_t)512 << 20)

static bool contains(const char *s, const char *what)
{
	size_t n = strlen(what);

	for (; s && *s; s++)
		if (pm_ascii_ncasecmp(s, what, n < strlen(s) ? n : strlen(s)) == 0 &&
		    strlen(s) >= n)
			return true;
	return false;
}

static bool begins(const void *p, size_t n, const char *what)
{
	size_t len = strlen(what);

	return n >= len && pm_ascii_ncasecmp(p, what, len) == 0;
}

static bool is_blank(const struct pm_buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (!pm_ascii_isspace(b->p[i]))
			return false;
	return true;
}

/* Could this message be one, and of which kind? */
static enum pm_sealed_kind suspect(const struct pm_message *m, const struct pm_bodies *b,
				   const struct pm_attachment *a)
{
	const char *mime = a->mime ? a->mime : "", *class = m->message_class;
	bool secure = contains(class, ".SMIME") || contains(class, ".Secure") ||
		      contains(class, ".MultipartSigned");
	bool multi = begins(mime, strlen(mime), "multipart/signed") ||
		     begins(mime, strlen(mime), "multipart/encrypted");

	if (a->method != PM_AM_VALUE)
		return PM_SEALED_NONE;
	if (multi && (secure || (is_blank(&b->text) && is_blank(&b->html))))
		return PM_SEALED_ENTITY;
	return secure ? PM_SEALED_OPAQUE : PM_SEALED_NONE;
}

/* The offset of the body: behind the first empty line; n: there is none. */
static size_t find_body(const uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		const uint8_t *nl = memchr(p + at, '\n', n - at);
		size_t len = nl ? (size_t)(nl - (p + at)) : n - at;

		if (nl && (len == 0 || (len == 1 && p[at] == '\r')))
			return at + len + 1;
		at += len + 1;
	}
	return n;
}

/* Are the bytes an entity: header fields of MIME, an empty line, a body? */
static bool is_entity(struct pm_sealed *w)
{
	const struct pm_head_field *type = pm_fields_find(&w->fields, "Content-Type");

	return w->body < w->bytes.n && type && !w->fields.odd &&
	       begins(type->value.p, type->value.n, "multipart/");
}

static bool is_der(const struct pm_buf *b)
{
	return b->n > 2 && b->p[0] == 0x30;
}

enum pm_rc pm_sealed_find(struct pm_message *m, const struct pm_bodies *b, struct pm_sealed *ret)
{
	struct pm_ctx *ctx = m->db->ctx;
	struct pm_attachment a;
	struct pm_value v = {0};
	enum pm_sealed_kind kind;
	enum pm_rc rc;

	*ret = (struct pm_sealed){0};
	if (m->attachments.n != 1)
		return PM_OK;
	rc = pm_attachment_open(m, 0, &a);
	kind = rc == PM_OK ? suspect(m, b, &a) : PM_SEALED_NONE;
	if (kind) {
		rc = pm_attachment_data(&a, &v);
		if (rc == PM_OK && v.size <= WHOLE_MAX)
			rc = pm_value_read(ctx, &v, WHOLE_MAX, &ret->bytes);
		if (a.name)
			ret->name = pm_arena_strdup(ctx, &ret->arena, a.name);
		pm_value_done(&v);
	}
	/* What is damaged is no longer what was signed: it goes as an attachment. */
	if (kind && rc == PM_OK && ret->bytes.n && !ctx->rc) {
		rc = pm_fields_parse(ctx, pm_buf_span(&ret->bytes), &ret->fields);
		ret->body = find_body(ret->bytes.p, ret->bytes.n);
		if (is_entity(ret))
			ret->kind = PM_SEALED_ENTITY;
		else if (kind == PM_SEALED_OPAQUE && is_der(&ret->bytes))
			ret->kind = PM_SEALED_OPAQUE;
	}
	pm_attachment_close(&a);
	return pm_is_error(rc) ? rc : ctx->rc;
}

void pm_sealed_done(struct pm_sealed *w)
{
	pm_buf_done(&w->bytes);
	pm_fields_done(&w->fields);
	pm_arena_done(&w->arena);
}

/* What the object is, by the id of its content type, which stands near its beginning
 * [RFC 5652 3]; "" when it is not known. */
static const char *smime_type(const struct pm_buf *b)
{
	static const uint8_t pkcs7[] = {0x06, 0x09, 0x2A, 0x86, 0x48,
					0x86, 0xF7, 0x0D, 0x01, 0x07}; /* 1.2.840.113549.1.7 */
	static const uint8_t ct[] = {0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7,
				     0x0D, 0x01, 0x09, 0x10, 0x01}; /* 1.2.840.113549.1.9.16.1 */
	size_t n = b->n < 32 ? b->n : 32;
	const uint8_t *p = memmem(b->p, n, pkcs7, sizeof(pkcs7));

	if (p && p + sizeof(pkcs7) < b->p + b->n) {
		if (p[sizeof(pkcs7)] == 2)
			return "; smime-type=signed-data";
		if (p[sizeof(pkcs7)] == 3)
			return "; smime-type=enveloped-data";
	}
	p = memmem(b->p, n, ct, sizeof(ct));
	if (p && p + sizeof(ct) < b->p + b->n) {
		if (p[sizeof(ct)] == 9)
			return "; smime-type=compressed-data";
		if (p[sizeof(ct)] == 23)
			return "; smime-type=authEnveloped-data";
	}
	return "";
}

void pm_sealed_fields(struct pm_ctx *ctx, const struct pm_sealed *w, struct pm_buf *head)
{
	struct pm_buf type = {0};

	if (w->kind == PM_SEALED_ENTITY) {
		for (size_t i = 0; i < w->fields.v.n; i++) {
			const struct pm_head_field *f = &w->fields.v.v[i];

			if (begins(f->name.p, f->name.n, "Content-"))
				pm_head_verbatim(ctx, head, f, NULL);
		}
		return;
	}
	pm_buf_printf(ctx, &type, "application/pkcs7-mime%s", smime_type(&w->bytes));
	pm_mime_part_fields(ctx, head, pm_buf_cstr(ctx, &type),
			    w->name && *w->name ? w->name : "smime.p7m", false);
	pm_buf_str(ctx, head, "Content-Transfer-Encoding: base64\n");
	pm_buf_done(&type);
}

void pm_sealed_body(const struct pm_sealed *w, struct pm_mail_out *out)
{
	const uint8_t *p = w->bytes.p + w->body;
	size_t n = w->bytes.n - w->body;

	if (w->kind == PM_SEALED_OPAQUE) {
		pm_mail_base64(out, w->bytes.p, w->bytes.n);
		pm_mail_base64_end(out);
	} else if (out->crlf && memmem(p, n, "\r\n", 2)) {
		/* Its line ends are those of mail, so nothing is touched. */
		pm_mail_raw(out, p, n);
		if (p[n - 1] != '\n')
			pm_mail_raw(out, "\r\n", 2);
	} else {
		pm_mail_lines(out, p, n);
	}
}
