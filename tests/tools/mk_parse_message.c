/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions: what can be said of a message. */
#include "mk_parse.h"

#include "base/text.h"
#include "value.h"

#include <stdio.h>

/* n characters of text: lines that a reader can tell apart. */
static const char *generated(struct pm_mkp *p, uint64_t n)
{
	struct pm_buf b = {0};
	char *s;

	for (unsigned i = 1; b.n < n && !b.bad; i++)
		pm_buf_printf(p->mk->ctx, &b, "Message %llu, line %u: all work and no play.\r\n",
			      (unsigned long long)p->messages, i);
	s = pm_arena_alloc(p->mk->ctx, &p->mk->arena, n + 1);
	if (s && !b.bad)
		memcpy(s, b.p, n);
	pm_buf_done(&b);
	return s;
}

/* Word i as content: a string, or @N for so many characters. */
static const char *text_word(struct pm_mkp *p, unsigned i)
{
	const char *s = p->w->word[i];
	uint64_t n;

	if (p->w->quoted[i] || s[0] != '@')
		return pm_mkp_string(p, i);
	if (!pm_number(s + 1, strlen(s + 1), &n) || n > 1 << 28) {
		pm_mkp_fail(p, "a number is wanted behind @");
		return NULL;
	}
	return generated(p, n);
}

/* The same as bytes; @N is noise, but for text. */
static enum pm_rc data_word(struct pm_mkp *p, unsigned i, bool text, struct pm_mk_bytes *ret)
{
	struct pm_mk *mk = p->mk;
	const char *s = p->w->word[i];
	struct pm_buf b = {0};
	uint8_t *noise;
	uint64_t n;

	*ret = (struct pm_mk_bytes){0};
	if (!strncmp(s, "hex:", 4)) {
		if (!pm_value_hex(mk->ctx, s, &b))
			pm_mkp_fail(p, "wrong hex digits");
		ret->p = b.n ? pm_arena_dup(mk->ctx, &mk->arena, b.p, b.n) : NULL;
		ret->n = b.n;
		pm_buf_done(&b);
	} else if (p->w->quoted[i] || s[0] != '@' || text) {
		const char *t = text_word(p, i);

		ret->p = (const uint8_t *)t;
		ret->n = t ? strlen(t) : 0;
	} else if (pm_number(s + 1, strlen(s + 1), &n) && n <= 1 << 28) {
		noise = pm_arena_alloc(mk->ctx, &mk->arena, n);
		if (noise)
			pm_noise(p->messages * 1000 + p->message->attachments.n + 1, noise, n);
		ret->p = noise;
		ret->n = n;
	} else {
		pm_mkp_fail(p, "a number is wanted behind @");
	}
	return mk->ctx->rc;
}

/* ---- what a message has one of ---- */

/* class, was: their string; from NAME [ADDRESS] */
static enum pm_rc do_string(struct pm_mkp *p)
{
	struct pm_mk_message *m = p->message;

	if (!strcmp(p->w->word[0], "class"))
		m->class = pm_mkp_string(p, 1);
	else if (!strcmp(p->w->word[0], "was"))
		m->was = pm_mkp_string(p, 1);
	else
		m->from = pm_mkp_string(p, 1);
	if (p->w->n > 2)
		m->from_address = pm_mkp_string(p, 2);
	return p->mk->ctx->rc;
}

static enum pm_rc do_date(struct pm_mkp *p)
{
	return pm_mkp_date(p->w->word[1], &p->message->date)
		       ? PM_OK
		       : pm_mkp_fail(p, "a date is wanted, like 2021-03-04T05:06:07");
}

/* flags N; unread */
static enum pm_rc do_flags(struct pm_mkp *p)
{
	uint64_t v;
	enum pm_rc rc;

	if (p->w->n == 1) {
		p->message->flags &= ~1u;
		return PM_OK;
	}
	rc = pm_mkp_number(p, 1, UINT32_MAX, &v);
	if (rc == PM_OK)
		p->message->flags = (uint32_t)v;
	return rc;
}

enum pm_rc pm_mkp_body(struct pm_mkp *p, uint64_t n)
{
	const char *s = generated(p, n);

	return s ? pm_mk_put_text(p->mk, &p->message->props, PM_ID_BODY, s) : p->mk->ctx->rc;
}

/* text CONTENT; headers CONTENT */
static enum pm_rc do_text(struct pm_mkp *p)
{
	const char *s = text_word(p, 1);
	bool body = !strcmp(p->w->word[0], "text");

	return s ? pm_mk_put_text(p->mk, &p->message->props,
				  body ? PM_ID_BODY : PM_ID_TRANSPORT_HEADERS, s)
		 : p->mk->ctx->rc;
}

static enum pm_rc do_html(struct pm_mkp *p)
{
	const char *s = text_word(p, 1);
	struct pm_buf b = {0};
	uint8_t *copy = NULL;
	size_t n;

	if (s)
		pm_buf_printf(p->mk->ctx, &b,
			      "<html><head><meta charset=\"utf-8\"></head><body><p>%s</p></body>"
			      "</html>\r\n",
			      s);
	if (s && !b.bad)
		copy = pm_arena_dup(p->mk->ctx, &p->mk->arena, b.p, b.n);
	n = b.n;
	pm_buf_done(&b);
	return copy ? pm_mk_put(p->mk, &p->message->props, PM_ID_HTML << 16 | PM_PT_BINARY, copy, n)
		    : p->mk->ctx->rc;
}

/* rtf CONTENT: in the container of compressed RTF, plain [MS-OXRTFCP 2.2.3.1] */
static enum pm_rc do_rtf(struct pm_mkp *p)
{
	const char *s = text_word(p, 1);
	size_t n = s ? strlen(s) : 0, head = 16;
	uint8_t *b = s ? pm_arena_alloc(p->mk->ctx, &p->mk->arena, head + n + 64) : NULL;
	int len;

	if (!b)
		return p->mk->ctx->rc;
	len = snprintf((char *)b + head, n + 64, "{\\rtf1\\ansi\\ansicpg1252 %s}", s);
	pm_put32(b, (uint32_t)len + 12);
	pm_put32(b + 4, (uint32_t)len);
	pm_put32(b + 8, 0x414C454D); /* "MELA" */
	return pm_mk_put(p->mk, &p->message->props, PM_ID_RTF_COMPRESSED << 16 | PM_PT_BINARY, b,
			 head + (size_t)len);
}

/* ---- properties ---- */

/* Elements of variable size [MS-PST 2.3.3.4.2]: count, offsets, bytes. */
static enum pm_rc multi(struct pm_mkp *p, unsigned i, uint16_t type, struct pm_mk_bytes *ret)
{
	unsigned n = p->w->n - i;
	struct pm_buf heads = {0}, bodies = {0};
	uint8_t le[4];

	pm_put32(le, n);
	pm_buf_add(p->mk->ctx, &heads, le, 4);
	for (unsigned k = 0; k < n && !p->mk->ctx->rc; k++) {
		struct pm_mk_bytes v;

		if (type == (PM_PT_MV | PM_PT_BINARY) ? data_word(p, i + k, false, &v)
						      : pm_mk_text(p->mk, p->w->word[i + k], &v))
			break;
		pm_put32(le, (uint32_t)(4 + 4 * n + bodies.n));
		pm_buf_add(p->mk->ctx, &heads, le, 4);
		pm_buf_add(p->mk->ctx, &bodies, v.p, v.n);
	}
	pm_buf_add(p->mk->ctx, &heads, bodies.p, bodies.n);
	if (!p->mk->ctx->rc)
		*ret = (struct pm_mk_bytes){
			.p = pm_arena_dup(p->mk->ctx, &p->mk->arena, heads.p, heads.n),
			.n = heads.n};
	pm_buf_done(&heads);
	pm_buf_done(&bodies);
	return p->mk->ctx->rc;
}

/* Numbers, one or (multi-valued) several. */
static enum pm_rc numbers(struct pm_mkp *p, unsigned i, uint16_t type, struct pm_mk_bytes *ret)
{
	int size = pm_proptype_size(type & (uint16_t)~PM_PT_MV);
	unsigned n = type & PM_PT_MV ? p->w->n - i : 1;
	uint8_t *b;

	if (size < 1 || size > 8)
		return pm_mkp_fail(p, "that type takes hex:BYTES");
	b = pm_arena_alloc(p->mk->ctx, &p->mk->arena, 8 * ((size_t)n + 1));
	for (unsigned k = 0; b && k < n; k++) {
		uint64_t v;

		if (((type & 0xFF) != PM_PT_TIME || !pm_mkp_date(p->w->word[i + k], &v)) &&
		    pm_mkp_number(p, i + k, UINT64_MAX, &v))
			break;
		pm_put64(b + (size_t)k * (size_t)size, v);
	}
	*ret = (struct pm_mk_bytes){.p = b, .n = n * (size_t)size};
	return p->mk->ctx->rc;
}

/* The words from i on as a value of this type. */
static enum pm_rc value(struct pm_mkp *p, unsigned i, uint16_t type, struct pm_mk_bytes *ret)
{
	uint16_t base = type & (uint16_t)~PM_PT_MV;

	if (!strncmp(p->w->word[i], "hex:", 4) && !(type & PM_PT_MV))
		return data_word(p, i, false, ret);
	if (type & PM_PT_MV &&
	    (base == PM_PT_STRING8 || base == PM_PT_UNICODE || base == PM_PT_BINARY))
		return multi(p, i, type, ret);
	if (base == PM_PT_STRING8 || base == PM_PT_UNICODE) {
		const char *s = text_word(p, i);

		return s ? pm_mk_text(p->mk, s, ret) : p->mk->ctx->rc;
	}
	if (base == PM_PT_BINARY)
		return data_word(p, i, false, ret);
	return numbers(p, i, type, ret);
}

/* String types are given as in Unicode files; ANSI files take the other one. */
static uint32_t own_type(const struct pm_mk *mk, uint32_t tag)
{
	if ((tag & 0xEFFF) == PM_PT_UNICODE && mk->fmt->variant == PM_ANSI)
		tag ^= PM_PT_UNICODE ^ PM_PT_STRING8;
	return tag;
}

/* prop TAG VALUE...; attach-prop TAG VALUE... (of the last attachment) */
static enum pm_rc do_prop(struct pm_mkp *p)
{
	struct pm_mk_message *m = p->message;
	struct pm_mk_props *to = &m->props;
	struct pm_mk_bytes v;
	uint64_t tag;
	enum pm_rc rc = pm_mkp_number(p, 1, UINT32_MAX, &tag);

	if (rc == PM_OK && !strcmp(p->w->word[0], "attach-prop")) {
		if (!m->attachments.n)
			return pm_mkp_fail(p, "an attachment must come first");
		to = &m->attachments.v[m->attachments.n - 1].props;
	}
	if (rc == PM_OK)
		rc = value(p, 2, (uint16_t)tag, &v);
	return rc ? rc : pm_mk_put(p->mk, to, own_type(p->mk, (uint32_t)tag), v.p, v.n);
}

/* The id of a name, new or known. */
static enum pm_rc name_id(struct pm_mkp *p, const uint8_t *guid, uint16_t *ret)
{
	struct pm_names *names = &p->mk->names;
	bool text = p->w->quoted[2];
	uint64_t id = 0;
	enum pm_rc rc = text ? PM_OK : pm_mkp_number(p, 2, UINT32_MAX, &id);

	*ret = 0;
	if (rc)
		return rc;
	*ret = text ? pm_names_string(names, guid, p->w->word[2])
		    : pm_names_id(names, guid, (uint32_t)id);
	if (*ret)
		return PM_OK;
	return pm_names_add(names, guid, (uint32_t)id, text ? p->w->word[2] : NULL, ret);
}

/* named SET NAME TYPE VALUE...: NAME is "quoted" or a number, SET one of these */
static enum pm_rc do_named(struct pm_mkp *p)
{
	static const struct {
		const char *set;
		uint32_t d1;
		uint16_t d2;
	} sets[] = {{"mapi", 0x00020328, 0},        {"public", 0x00020329, 0},
		    {"appointment", 0x00062002, 0}, {"task", 0x00062003, 0},
		    {"address", 0x00062004, 0},     {"common", 0x00062008, 0},
		    {"headers", 0x00020386, 0}};
	uint8_t guid[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46};
	struct pm_mk_bytes v;
	uint64_t type;
	uint16_t id = 0;
	enum pm_rc rc;
	unsigned i = 0;

	while (i < 7 && strcmp(p->w->word[1], sets[i].set))
		i++;
	if (i == 7)
		return pm_mkp_fail(p, "no such property set");
	pm_put32(guid, sets[i].d1);
	rc = name_id(p, guid, &id);
	if (rc == PM_OK)
		rc = pm_mkp_number(p, 3, UINT16_MAX, &type);
	if (rc == PM_OK)
		rc = value(p, 4, (uint16_t)type, &v);
	return rc ? rc
		  : pm_mk_put(p->mk, &p->message->props,
			      own_type(p->mk, (uint32_t)id << 16 | (uint32_t)type), v.p, v.n);
}

/* ---- recipients and attachments ---- */

static enum pm_rc add_recipient(struct pm_mkp *p, uint32_t type, const char *name,
				const char *address)
{
	struct pm_mk_recipient *r = pm_vec_push(p->mk->ctx, &p->message->recipients);

	if (!r)
		return p->mk->ctx->rc;
	*r = (struct pm_mk_recipient){type, name, address};
	return p->mk->ctx->rc;
}

/* to NAME ADDRESS, cc, bcc; recipients N: so many */
static enum pm_rc do_recipient(struct pm_mkp *p)
{
	const char *kind = p->w->word[0];
	uint64_t n;
	enum pm_rc rc;

	if (p->w->n > 2)
		return add_recipient(p,
				     !strcmp(kind, "to")   ? 1
				     : !strcmp(kind, "cc") ? 2
							   : 3,
				     pm_mkp_string(p, 1), pm_mkp_string(p, 2));
	rc = pm_mkp_number(p, 1, 100000, &n);
	for (uint64_t i = 1; i <= n && rc == PM_OK; i++) {
		char name[40], address[60];

		snprintf(name, sizeof(name), "Person %llu", (unsigned long long)i);
		snprintf(address, sizeof(address), "person%llu@example.org", (unsigned long long)i);
		rc = add_recipient(p, i == 1 ? 1 : 2,
				   pm_arena_strdup(p->mk->ctx, &p->mk->arena, name),
				   pm_arena_strdup(p->mk->ctx, &p->mk->arena, address));
	}
	return rc;
}

static struct pm_mk_attachment *add_attachment(struct pm_mkp *p, const char *name, const char *mime)
{
	struct pm_mk_attachment *a = pm_vec_push(p->mk->ctx, &p->message->attachments);
	const char *dot = name ? strrchr(name, '.') : NULL;

	if (!a)
		return NULL;
	a->method = 1;
	if (name && (pm_mk_put_text(p->mk, &a->props, PM_ID_ATTACH_FILENAME, name) ||
		     pm_mk_put_text(p->mk, &a->props, PM_ID_ATTACH_LONG_FILENAME, name) ||
		     pm_mk_put_text(p->mk, &a->props, PM_ID_DISPLAY_NAME, name)))
		return NULL;
	if (dot && pm_mk_put_text(p->mk, &a->props, 0x3703, dot))
		return NULL;
	if (mime && pm_mk_put_text(p->mk, &a->props, PM_ID_ATTACH_MIME_TAG, mime))
		return NULL;
	return a;
}

/* attach NAME MIME CONTENT; inline NAME MIME CID CONTENT; blocks NAME MIME N (N full blocks of the
 * same bytes, stored once); share NAME MIME (the data of the one before it) */
static enum pm_rc do_attach(struct pm_mkp *p)
{
	const char *kind = p->w->word[0];
	struct pm_mk_message *m = p->message;
	size_t before = m->attachments.n;
	struct pm_mk_attachment *a;
	uint64_t n = 0;
	uint8_t *bytes;
	enum pm_rc rc = PM_OK;

	a = add_attachment(p, pm_mkp_string(p, 1), pm_mkp_string(p, 2));
	if (!a)
		return p->mk->ctx->rc;
	if (!strcmp(kind, "share")) {
		a->shared = true;
		if (!before || p->w->n != 3)
			return pm_mkp_fail(p, "NAME MIME is wanted, behind another attachment");
		a->data = m->attachments.v[before - 1].data;
	} else if (p->w->n < 4) {
		rc = pm_mkp_fail(p, "the content is missing");
	} else if (!strcmp(kind, "inline")) {
		rc = p->w->n < 5 ? pm_mkp_fail(p, "the content is missing")
				 : pm_mk_put_text(p->mk, &a->props, PM_ID_ATTACH_CONTENT_ID,
						  p->w->word[3]);
		if (rc == PM_OK)
			rc = data_word(p, 4, false, &a->data);
	} else if (!strcmp(kind, "blocks")) {
		rc = pm_mkp_number(p, 3, 65000, &n);
		bytes = pm_arena_alloc(p->mk->ctx, &p->mk->arena, p->mk->fmt->data_max);
		if (bytes)
			pm_noise(p->messages, bytes, p->mk->fmt->data_max);
		a->data = (struct pm_mk_bytes){bytes, p->mk->fmt->data_max, (unsigned)n};
	} else {
		rc = data_word(p, 3, !strncmp(p->w->word[2], "text/", 5), &a->data);
	}
	return rc ? rc : p->mk->ctx->rc;
}

/* ole NAME CONTENT: an OLE object, its data in a subnode of the attachment */
static enum pm_rc do_ole(struct pm_mkp *p)
{
	struct pm_mk_attachment *a = add_attachment(p, pm_mkp_string(p, 1), NULL);

	if (!a)
		return p->mk->ctx->rc;
	a->method = 6;
	return data_word(p, 2, false, &a->data);
}

/* reference NAME METHOD PATH: an attachment that is elsewhere */
static enum pm_rc do_reference(struct pm_mkp *p)
{
	struct pm_mk_attachment *a = add_attachment(p, pm_mkp_string(p, 1), NULL);
	const char *path = pm_mkp_string(p, 3);
	uint64_t method;
	enum pm_rc rc = pm_mkp_number(p, 2, 7, &method);

	if (!a || !path || rc)
		return p->mk->ctx->rc;
	a->method = (uint32_t)method;
	return pm_mk_put_text(p->mk, &a->props, 0x370D, path); /* PidTagAttachLongPathname */
}

/* attachments N: so many small ones */
static enum pm_rc do_attachments(struct pm_mkp *p)
{
	uint64_t n;
	enum pm_rc rc = pm_mkp_number(p, 1, 10000, &n);

	for (uint64_t i = 1; i <= n && rc == PM_OK; i++) {
		struct pm_mk_attachment *a;
		char name[40];
		const char *own;

		snprintf(name, sizeof(name), "file%llu.txt", (unsigned long long)i);
		own = pm_arena_strdup(p->mk->ctx, &p->mk->arena, name);
		a = own ? add_attachment(p, own, "text/plain") : NULL;
		if (!a)
			return p->mk->ctx->rc;
		a->data = (struct pm_mk_bytes){.p = (const uint8_t *)own, .n = strlen(own)};
	}
	return rc;
}

/* embed [SUBJECT]: an embedded message, which the lines up to `end` are about */
static enum pm_rc do_embed(struct pm_mkp *p)
{
	struct pm_mk_attachment *a = add_attachment(p, NULL, NULL);
	struct pm_mk_message *m = a ? pm_mkp_message(p, pm_mkp_string(p, 1)) : NULL;

	if (!m)
		return p->mk->ctx->rc;
	a->method = 5;
	a->embedded = m;
	m->outer = p->message;
	if (m->subject && pm_mk_put_text(p->mk, &a->props, PM_ID_DISPLAY_NAME, m->subject))
		return p->mk->ctx->rc;
	p->message = m;
	return PM_OK;
}

static enum pm_rc do_end(struct pm_mkp *p)
{
	if (!p->message->outer)
		return pm_mkp_fail(p, "there is no embedded message to end");
	p->message = p->message->outer;
	return PM_OK;
}

/* gone [properties|rest]; reused [properties|rest] */
static enum pm_rc do_fate(struct pm_mkp *p)
{
	struct pm_mk_message *m = p->message;
	const char *part = p->w->n > 1 ? p->w->word[1] : "";

	if (!m->deleted)
		return pm_mkp_fail(p, "the message is not deleted");
	m->fate = strcmp(p->w->word[0], "gone") ? PM_MK_REUSED : PM_MK_GONE;
	m->only_data = !strcmp(part, "properties");
	m->only_rest = !strcmp(part, "rest");
	return !*part || m->only_data || m->only_rest
		       ? PM_OK
		       : pm_mkp_fail(p, "properties or rest is wanted");
}

const struct pm_mkp_command pm_mkp_message_commands[] = {
	{"class", 1, 1, do_string},
	{"was", 1, 1, do_string},
	{"moved-from", 1, 1, pm_mkp_moved},
	{"gone", 0, 1, do_fate},
	{"reused", 0, 1, do_fate},
	{"from", 1, 2, do_string},
	{"date", 1, 1, do_date},
	{"flags", 1, 1, do_flags},
	{"unread", 0, 0, do_flags},
	{"text", 1, 1, do_text},
	{"headers", 1, 1, do_text},
	{"html", 1, 1, do_html},
	{"rtf", 1, 1, do_rtf},
	{"prop", 2, PM_WORDS_MAX, do_prop},
	{"attach-prop", 2, PM_WORDS_MAX, do_prop},
	{"named", 4, PM_WORDS_MAX, do_named},
	{"to", 2, 2, do_recipient},
	{"cc", 2, 2, do_recipient},
	{"bcc", 2, 2, do_recipient},
	{"recipients", 1, 1, do_recipient},
	{"attach", 3, 3, do_attach},
	{"inline", 4, 4, do_attach},
	{"blocks", 3, 3, do_attach},
	{"share", 2, 2, do_attach},
	{"ole", 2, 2, do_ole},
	{"reference", 3, 3, do_reference},
	{"attachments", 1, 1, do_attachments},
	{"embed", 0, 1, do_embed},
	{"end", 0, 0, do_end},
	{NULL, 0, 0, NULL},
};
