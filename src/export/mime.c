/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a message and how they are put together:
 *	mixed( related( alternative( text, HTML ), shown attachments ), other attachments )
 * as far as there are such parts.
 */
#include "export/mime.h"

#include "base/scan.h"
#include "base/text.h"
#include "export/mime_report.h"
#include "export/mime_sealed.h"
#include "export/ole.h"

enum { BOUNDARY = 48, OLE_MAX = 64 << 20 };

/* Property ids [MS-OXPROPS] */
enum { ID_ATTACH_PATHNAME = 0x3708, ID_ATTACH_LONG_PATHNAME = 0x370D };

/* One message at work; what stays between messages is in its level. */
struct job {
	struct pm_mime *w;
	struct pm_ctx *ctx;
	struct pm_message *m;
	struct pm_mime_level *l;
	unsigned int depth;
	uint8_t *shown; /* attachments that the HTML shows; NULL: none */
	size_t n_shown;
	bool taken;                    /* the first attachment is in the report */
	struct pm_ole_picture picture; /* of the attachment just written, for a part of its own */
	struct pm_buf properties;
};

void pm_mime_init(struct pm_mime *w, struct pm_ctx *ctx, const struct pm_names *names,
		  struct pm_mail_out *out)
{
	*w = (struct pm_mime){.ctx = ctx, .names = names, .out = out};
}

static void empty_level(struct pm_mime_level *l)
{
	pm_people_done(&l->people);
	l->people = (struct pm_people){0};
	pm_fields_done(&l->fields);
	pm_buf_clear(&l->transport);
	pm_buf_clear(&l->head);
}

void pm_mime_done(struct pm_mime *w)
{
	for (size_t i = 0; i < PM_DEPTH_MAX; i++) {
		struct pm_mime_level *l = w->levels[i];

		if (!l)
			continue;
		empty_level(l);
		pm_bodies_done(&l->bodies);
		pm_buf_done(&l->transport);
		pm_buf_done(&l->head);
		pm_free(l);
		w->levels[i] = NULL;
	}
	pm_buf_done(&w->block);
}

/* ---- preparation ---- */

static enum pm_rc prepare(struct pm_mime *w, struct pm_message *m, unsigned int depth)
{
	struct pm_mime_level *l = w->levels[depth];
	enum pm_rc rc;

	if (!l) {
		l = w->levels[depth] = pm_calloc(w->ctx, 1, sizeof(*l));
		if (!l)
			return PM_ENOMEM;
	}
	empty_level(l);
	rc = pm_people_load(m, &l->people);
	if (rc)
		return rc;
	rc = pm_pc_string(&m->pc, PM_ID_TRANSPORT_HEADERS, m->codepage, &l->transport);
	if (!pm_is_error(rc))
		rc = pm_fields_parse(w->ctx, pm_buf_span(&l->transport), &l->fields);
	return rc ? rc : pm_bodies_load(m, w->notes, &l->bodies);
}

enum pm_rc pm_mime_prepare(struct pm_mime *w, struct pm_message *m, struct pm_notes *notes)
{
	w->nid = m->nid;
	w->boundaries = 0;
	w->body_at = 0;
	w->notes = notes;
	return prepare(w, m, 0);
}

const char *pm_mime_envelope(const struct pm_mime *w)
{
	const struct pm_people *p = &w->levels[0]->people;

	if (p->sender.v.n && p->sender.v.v[0].smtp)
		return p->sender.v.v[0].smtp;
	return p->from.v.n ? p->from.v.v[0].smtp : NULL;
}

/* ---- structure ---- */

/* Write the fields that wait, and the empty line behind them. */
static void end_head(struct job *j)
{
	pm_buf_byte(j->ctx, &j->l->head, '\n');
	pm_mail_lines(j->w->out, j->l->head.p, j->l->head.n);
	pm_buf_clear(&j->l->head);
	if (!j->w->body_at)
		j->w->body_at = j->w->out->bytes;
}

static void begin_multipart(struct job *j, const char *kind, char boundary[BOUNDARY])
{
	struct pm_buf *head = &j->l->head;
	struct pm_buf text = {0};

	/* Of one length, so that none is the beginning of another. */
	pm_buf_printf(j->ctx, &text, PM_MAIL_BOUNDARY "%08x_%08x", j->w->nid, j->w->boundaries++);
	memset(boundary, 0, BOUNDARY);
	if (text.n < BOUNDARY && text.p)
		memcpy(boundary, text.p, text.n);
	pm_buf_done(&text);
	pm_buf_printf(j->ctx, head, "Content-Type: multipart/%s;\n\tboundary=\"%s\"\n", kind,
		      boundary);
	end_head(j);
}

static void delimit(struct job *j, const char *boundary, bool last)
{
	char line[BOUNDARY + 8];
	size_t n = strlen(boundary);

	memcpy(line, "--", 2);
	memcpy(line + 2, boundary, n);
	memcpy(line + 2 + n, "--", 2);
	pm_mail_line(j->w->out, line, n + (last ? 4 : 2));
}

/* ---- bodies ---- */

static void write_text(struct job *j, const char *type, const char *charset, const struct pm_buf *b,
		       bool in_multipart)
{
	enum pm_mail_encoding e = pm_mail_choose(b->p, b->n);

	pm_buf_printf(j->ctx, &j->l->head,
		      "Content-Type: %s; charset=%s\nContent-Transfer-Encoding: %s\n", type,
		      charset, pm_mail_encoding_name(e));
	end_head(j);
	if (b->n)
		pm_mail_text(j->w->out, e, b->p, b->n);
	/* The line end in front of a boundary belongs to that, not to the text. */
	if (in_multipart && e != PM_MAIL_BASE64 && b->n && b->p[b->n - 1] == '\n')
		pm_mail_puts(j->w->out, "");
}

static void write_plain(struct job *j, bool in_multipart)
{
	const struct pm_buf *text = &j->l->bodies.text;

	write_text(j, "text/plain", pm_is_ascii(text->p, text->n) ? "us-ascii" : "utf-8", text,
		   in_multipart);
}

static void write_html(struct job *j, bool in_multipart)
{
	const struct pm_bodies *b = &j->l->bodies;

	write_text(j, "text/html", b->charset, &b->html, in_multipart);
}

static void write_bodies(struct job *j, bool in_multipart)
{
	const struct pm_bodies *b = &j->l->bodies;
	char boundary[BOUNDARY];

	if (!b->has_html) {
		write_plain(j, in_multipart);
	} else if (!b->has_text || !b->text.n) {
		write_html(j, in_multipart);
	} else {
		begin_multipart(j, "alternative", boundary);
		delimit(j, boundary, false);
		write_plain(j, true);
		delimit(j, boundary, false);
		write_html(j, true);
		delimit(j, boundary, true);
	}
}

/* ---- attachments ---- */

static void write_stream(struct job *j, const struct pm_value *v)
{
	struct pm_buf *block = &j->w->block;

	if (!v->stream) {
		pm_mail_base64(j->w->out, v->span.p, v->span.n);
	} else {
		for (size_t i = 0; i < v->data.leaves.n && !j->ctx->rc; i++) {
			pm_buf_clear(block);
			if (pm_is_error(pm_data_read_leaf(&v->data, i, block)))
				break; /* recorded */
			pm_mail_base64(j->w->out, block->p, block->n);
		}
	}
	pm_mail_base64_end(j->w->out);
}

static void begin_bytes(struct job *j, struct pm_attachment *a, size_t number)
{
	bool shown = j->shown && j->shown[number];

	pm_mime_attach_fields(j->ctx, &j->l->head, a, number + 1, shown);
	pm_buf_str(j->ctx, &j->l->head, "Content-Transfer-Encoding: base64\n");
	end_head(j);
}

/* A byte of a URI as it is, or escaped [RFC 3986 2]. */
static void put_uri_byte(struct pm_ctx *ctx, struct pm_buf *out, uint8_t c)
{
	if (c > ' ' && c < 0x7F && !strchr("<>\"\\^`{|}", c))
		pm_buf_byte(ctx, out, c);
	else
		pm_buf_printf(ctx, out, "%%%02X", c);
}

/* The URI of a path with a server or a drive; false: it is none. [RFC 8089, appendix E] */
static bool path_uri(struct pm_ctx *ctx, const struct pm_buf *path, struct pm_buf *out)
{
	const uint8_t *p = path->p;
	bool server = path->n > 2 && p[0] == '\\' && p[1] == '\\';

	if (!server && !(path->n > 3 && pm_ascii_isalpha(p[0]) && p[1] == ':' && p[2] == '\\'))
		return false;
	pm_buf_str(ctx, out, server ? "file:" : "file:///");
	for (size_t i = 0; i < path->n; i++) {
		if (p[i] == '%' || p[i] == '#' || p[i] == '?')
			pm_buf_printf(ctx, out, "%%%02X", p[i]);
		else
			put_uri_byte(ctx, out, p[i] == '\\' ? '/' : p[i]);
	}
	return true;
}

/*
 * What a path or link is as text/uri-list [RFC 2483 5]: a link as it is, a path as its URI with
 * the path itself in a comment. False: it is neither, and stays as it is.
 */
static bool uri_list(struct pm_ctx *ctx, struct pm_buf *path)
{
	bool url = path->n > 8 && memmem(path->p, path->n < 16 ? path->n : 16, "://", 3);
	struct pm_buf uri = {0}, list = {0};

	for (size_t i = 0; i < path->n; i++)
		if (path->p[i] < ' ')
			path->p[i] = ' ';
	for (size_t i = 0; url && i < path->n; i++)
		put_uri_byte(ctx, &uri, path->p[i]);
	if (!url && path_uri(ctx, path, &uri)) {
		pm_buf_str(ctx, &list, "# ");
		pm_buf_add(ctx, &list, path->p, path->n);
		pm_buf_str(ctx, &list, "\r\n");
	}
	if (uri.n) {
		pm_buf_add(ctx, &list, uri.p, uri.n);
		pm_buf_done(path);
		*path = list;
	}
	url = uri.n != 0;
	pm_buf_done(&uri);
	pm_buf_str(ctx, path, "\r\n");
	return url;
}

bool pm_mime_reference(struct pm_message *m, struct pm_attachment *a, struct pm_buf *out,
		       bool *ret_url)
{
	static const uint16_t ids[] = {ID_ATTACH_LONG_PATHNAME, ID_ATTACH_PATHNAME};

	for (size_t i = 0; i < 2 && !out->n; i++) {
		enum pm_rc rc = pm_pc_string(&a->pc, ids[i], m->codepage, out);

		if (pm_is_error(rc))
			return false;
	}
	if (!out->n)
		return false;
	*ret_url = uri_list(m->db->ctx, out);
	return true;
}

static void write_reference(struct job *j, struct pm_attachment *a, size_t number,
			    const struct pm_buf *path, bool url)
{
	struct pm_buf name = {0};

	if (a->name && *a->name)
		pm_buf_str(j->ctx, &name, a->name);
	else
		pm_buf_printf(j->ctx, &name, "attachment-%zu", number + 1);
	pm_buf_str(j->ctx, &name, url ? ".uri" : ".txt");
	pm_mime_part_fields(j->ctx, &j->l->head,
			    url ? "text/uri-list; charset=utf-8" : "text/plain; charset=utf-8",
			    pm_buf_cstr(j->ctx, &name), false);
	pm_buf_str(j->ctx, &j->l->head, "Content-Transfer-Encoding: base64\n");
	end_head(j);
	pm_mail_text(j->w->out, PM_MAIL_BASE64, path->p, path->n);
	pm_buf_done(&name);
}

/* The picture of an object that a program may not know. */
static void find_picture(struct job *j, const struct pm_value *v)
{
	struct pm_buf storage = {0};

	if (v->state != PM_OK || v->size > OLE_MAX)
		return;
	if (pm_value_read(j->ctx, v, OLE_MAX, &storage) == PM_OK &&
	    pm_ole_find_picture(j->ctx, pm_buf_span(&storage), &j->picture) != PM_OK)
		pm_buf_done(&j->picture.data);
	pm_buf_done(&storage);
}

static void write_picture(struct job *j, size_t number)
{
	struct pm_buf name = {0};

	pm_buf_printf(j->ctx, &name, "object-%zu%s", number + 1, j->picture.suffix);
	pm_mime_part_fields(j->ctx, &j->l->head, j->picture.type, pm_buf_cstr(j->ctx, &name), true);
	pm_buf_str(j->ctx, &j->l->head, "Content-Transfer-Encoding: base64\n");
	end_head(j);
	pm_mail_text(j->w->out, PM_MAIL_BASE64, j->picture.data.p, j->picture.data.n);
	pm_buf_done(&name);
	pm_buf_done(&j->picture.data);
}

static bool is_reference(const struct pm_attachment *a)
{
	return a->method == PM_AM_REFERENCE || a->method == PM_AM_REF_RESOLVE ||
	       a->method == PM_AM_REF_ONLY || a->method == PM_AM_WEB;
}

static void write_data(struct job *j, struct pm_attachment *a, size_t number)
{
	struct pm_buf path = {0};
	struct pm_value v;
	bool url = false;
	enum pm_rc rc = pm_attachment_data(a, &v);

	if (pm_is_error(rc)) {
		/* recorded */
	} else if ((rc == PM_NONE || (!v.size && is_reference(a))) &&
		   pm_mime_reference(j->m, a, &path, &url)) {
		write_reference(j, a, number, &path, url);
	} else {
		begin_bytes(j, a, number);
		if (rc != PM_NONE)
			write_stream(j, &v);
		if (a->method == PM_AM_OLE && rc == PM_OK)
			find_picture(j, &v);
	}
	pm_value_done(&v);
	pm_buf_done(&path);
}

static enum pm_rc write_message(struct pm_mime *w, struct pm_message *m, unsigned int depth,
				const char *mark);

static void write_embedded(struct job *j, struct pm_attachment *a, size_t number)
{
	struct pm_buf name = {0};
	struct pm_message m;
	enum pm_rc rc;

	rc = pm_attachment_message(a, &m);
	if (pm_is_error(rc) || rc == PM_NONE || (rc == PM_LOST && !m.attachments.n)) {
		if (!pm_is_error(rc))
			begin_bytes(j, a, number);
		goto out;
	}
	pm_buf_str(j->ctx, &name, a->name && *a->name ? a->name : "");
	if (!name.n)
		pm_buf_str(j->ctx, &name, m.subject && *m.subject ? m.subject : "message");
	if (name.n < 4 || pm_ascii_ncasecmp(name.p + name.n - 4, ".eml", 4) != 0)
		pm_buf_str(j->ctx, &name, ".eml");
	pm_mime_part_fields(j->ctx, &j->l->head, "message/rfc822", pm_buf_cstr(j->ctx, &name),
			    false);
	end_head(j);
	if (!j->ctx->rc && !prepare(j->w, &m, j->depth + 1))
		(void)write_message(j->w, &m, j->depth + 1, NULL); /* recorded */
out:
	pm_message_close(&m);
	pm_buf_done(&name);
}

static void write_attachment(struct job *j, size_t number)
{
	struct pm_attachment a;
	enum pm_rc rc = pm_attachment_open(j->m, number, &a);

	if (!pm_is_error(rc)) {
		if (pm_attachment_is_message(&a) && j->depth + 1 < PM_DEPTH_MAX)
			write_embedded(j, &a, number);
		else
			write_data(j, &a, number);
	}
	pm_attachment_close(&a);
}

/* ---- all of it ---- */

static void write_related(struct job *j, bool in_multipart)
{
	char boundary[BOUNDARY];

	if (!j->n_shown) {
		write_bodies(j, in_multipart);
		return;
	}
	begin_multipart(j, "related", boundary);
	delimit(j, boundary, false);
	write_bodies(j, true);
	for (size_t i = 0; i < j->m->attachments.n && !j->ctx->rc; i++) {
		if (!j->shown[i])
			continue;
		delimit(j, boundary, false);
		write_attachment(j, i);
	}
	delimit(j, boundary, true);
}

static void write_extra(struct job *j, const char *type, const char *name, const struct pm_buf *b)
{
	enum pm_mail_encoding e = pm_mail_choose(b->p, b->n);

	/* Line ends of a document are its own. */
	if (b == &j->l->bodies.rtf)
		e = PM_MAIL_BASE64;
	pm_mime_part_fields(j->ctx, &j->l->head, type, name, false);
	pm_buf_printf(j->ctx, &j->l->head, "Content-Transfer-Encoding: %s\n",
		      pm_mail_encoding_name(e));
	end_head(j);
	pm_mail_text(j->w->out, e, b->p, b->n);
}

/* Is the only attachment the message that the report is about? */
static bool is_returned(struct job *j)
{
	struct pm_attachment a;
	bool is = false;

	if (j->m->attachments.n != 1 || j->n_shown)
		return false;
	if (!pm_is_error(pm_attachment_open(j->m, 0, &a)))
		is = pm_attachment_is_message(&a);
	pm_attachment_close(&a);
	return is;
}

/* report( bodies, what happened as fields, the message that it happened to ) */
static void write_report(struct job *j, enum pm_report_kind kind)
{
	bool delivery = kind == PM_REPORT_DELIVERY;
	struct pm_buf status = {0};
	char boundary[BOUNDARY];

	begin_multipart(j,
			delivery ? "report; report-type=delivery-status"
				 : "report; report-type=disposition-notification",
			boundary);
	delimit(j, boundary, false);
	write_related(j, true);
	delimit(j, boundary, false);
	pm_buf_str(j->ctx, &j->l->head,
		   delivery ? "Content-Type: message/delivery-status\n"
			    : "Content-Type: message/disposition-notification\n");
	end_head(j);
	if (!pm_report_status(j->m, &j->l->people, &status))
		pm_mail_lines(j->w->out, status.p, status.n);
	pm_mail_puts(j->w->out, "");
	if (j->taken) {
		delimit(j, boundary, false);
		write_attachment(j, 0);
	}
	delimit(j, boundary, true);
	pm_buf_done(&status);
}

static void write_main(struct job *j, bool in_multipart)
{
	enum pm_report_kind kind = pm_report_kind(j->m->message_class);

	if (kind)
		write_report(j, kind);
	else
		write_related(j, in_multipart);
}

/* Is it encrypted mail [RFC 3156 4], whose two parts are attachments by now? */
static bool is_pgp(struct job *j)
{
	const struct pm_head_field *f = pm_fields_find(&j->l->fields, "Content-Type");
	static const char type[] = "multipart/encrypted";
	struct pm_attachment a;
	bool pgp = false;

	if (!f || f->value.n < sizeof(type) ||
	    pm_ascii_ncasecmp(f->value.p, type, sizeof(type) - 1) != 0 ||
	    j->m->attachments.n != 2 || j->n_shown || j->l->bodies.has_html || j->l->bodies.text.n)
		return false;
	if (!pm_is_error(pm_attachment_open(j->m, 0, &a)))
		pgp = a.mime && pm_ascii_casecmp(a.mime, "application/pgp-encrypted") == 0;
	pm_attachment_close(&a);
	return pgp;
}

static void write_pgp(struct job *j)
{
	char boundary[BOUNDARY];

	begin_multipart(j, "encrypted; protocol=\"application/pgp-encrypted\"", boundary);
	for (size_t i = 0; i < 2; i++) {
		delimit(j, boundary, false);
		write_attachment(j, i);
	}
	delimit(j, boundary, true);
}

static void write_mixed(struct job *j)
{
	char boundary[BOUNDARY];

	begin_multipart(j, "mixed", boundary);
	delimit(j, boundary, false);
	write_main(j, true);
	if (j->l->bodies.attach_rtf) {
		delimit(j, boundary, false);
		write_extra(j, "application/rtf", "body.rtf", &j->l->bodies.rtf);
	}
	if (j->properties.n) {
		delimit(j, boundary, false);
		write_extra(j, "text/plain; charset=utf-8", "properties.txt", &j->properties);
	}
	for (size_t i = j->taken ? 1 : 0; i < j->m->attachments.n && !j->ctx->rc; i++) {
		if (j->shown && j->shown[i])
			continue;
		delimit(j, boundary, false);
		write_attachment(j, i);
		if (j->picture.data.n) {
			delimit(j, boundary, false);
			write_picture(j, i);
		}
	}
	delimit(j, boundary, true);
}

static void write_sealed(struct job *j, const struct pm_sealed *sealed)
{
	pm_sealed_fields(j->ctx, sealed, &j->l->head);
	end_head(j);
	pm_sealed_body(sealed, j->w->out);
}

static void write_parts(struct job *j)
{
	j->taken = pm_report_kind(j->m->message_class) && is_returned(j);
	if (is_pgp(j))
		write_pgp(j);
	else if (j->m->attachments.n > j->n_shown + j->taken || j->l->bodies.attach_rtf ||
		 j->properties.n)
		write_mixed(j);
	else
		write_main(j, false);
}

static enum pm_rc write_message(struct pm_mime *w, struct pm_message *m, unsigned int depth,
				const char *mark)
{
	struct job j = {.w = w, .ctx = w->ctx, .m = m, .l = w->levels[depth], .depth = depth};
	struct pm_sealed sealed;
	enum pm_rc rc = pm_sealed_find(m, &j.l->bodies, &sealed);

	if (!rc)
		rc = pm_mime_header(w, j.l, m, mark);
	if (!rc && !sealed.kind)
		rc = pm_mime_find_inline(m, &j.l->bodies, &j.shown, &j.n_shown);
	if (!rc && m->message_class && !pm_mime_is_mail(m->message_class))
		rc = pm_mime_properties(m, w->names, &j.properties);
	if (!rc && sealed.kind)
		write_sealed(&j, &sealed);
	else if (!rc)
		write_parts(&j);
	pm_sealed_done(&sealed);
	pm_buf_done(&j.picture.data);
	pm_free(j.shown);
	pm_buf_done(&j.properties);
	return w->ctx->rc;
}

enum pm_rc pm_mime_write(struct pm_mime *w, struct pm_message *m, const char *mark)
{
	return write_message(w, m, 0, mark);
}
