/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: properties, recipients, attachments [MS-PST 2.4.5, 2.4.6]. */
#include "mk_write.h"

#include "msg/message.h"
#include "value.h"

#include <stdio.h>

#define HEAP_MAX 3580 /* larger values lie in subnodes [MS-PST 2.3.3.3] */

/* A PC in memory, into which subnodes may be put before it is built. */
static enum pm_rc props_of(struct pm_mkw *w, const struct pm_mk_props *from, struct pm_props *to)
{
	enum pm_rc rc = PM_OK;

	pm_props_init(to, w->ctx, w->l.sink.fmt);
	for (size_t i = 0; i < from->v.n && rc == PM_OK; i++) {
		const struct pm_mk_prop *p = &from->v.v[i];

		rc = pm_props_set(to, (uint16_t)(p->tag >> 16), (uint16_t)p->tag, p->v.p, p->v.n);
	}
	return rc;
}

enum pm_rc pm_mkw_pc(struct pm_mkw *w, const struct pm_mk_props *props, pm_bid *ret_data,
		     pm_bid *ret_sub)
{
	struct pm_props pc;
	enum pm_rc rc = props_of(w, props, &pc);

	if (rc == PM_OK)
		rc = pm_props_build(&pc, &w->l.sink, ret_data, ret_sub);
	pm_props_done(&pc);
	return rc;
}

enum pm_rc pm_mkw_row(struct pm_mkw *w, struct pm_table *t, uint32_t id,
		      const struct pm_mk_props *props)
{
	size_t row;
	enum pm_rc rc = pm_table_add_row(t, id, &row);

	if (rc == PM_OK)
		rc = pm_table_set_u32(t, row, PM_TAG(PM_ID_LTP_ROW_VER, PM_PT_I4), ++w->version);
	for (size_t i = 0; i < props->v.n && rc == PM_OK; i++) {
		const struct pm_mk_prop *p = &props->v.v[i];
		size_t col = pm_table_col(t, (uint32_t)p->tag);

		if (col < t->cols.n)
			rc = pm_table_set(t, row, col, p->v.p, p->v.n);
	}
	return rc;
}

/* ---- recipients ---- */

static void add_text(struct pm_mkw *w, struct pm_buf *b, const char *s)
{
	static const uint8_t nul[2] = {0};
	struct pm_mk_bytes v;

	if (pm_mk_text(w->mk, s, &v))
		return;
	pm_buf_add(w->ctx, b, v.p, v.n);
	pm_buf_add(w->ctx, b, nul, w->l.sink.fmt->variant == PM_ANSI ? 1 : 2);
}

/* A one-off entry id [MS-OXCDATA 2.2.5.1], in the arena. */
static enum pm_rc one_off(struct pm_mkw *w, const struct pm_mk_recipient *r,
			  struct pm_mk_bytes *ret)
{
	static const uint8_t head[] = {0,    0,    0,    0,    0x81, 0x2B, 0x1F, 0xA4,
				       0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD,
				       0x01, 0x0F, 0x54, 0x02, 0,    0};
	bool ansi = w->l.sink.fmt->variant == PM_ANSI;
	struct pm_buf b = {0};

	pm_buf_add(w->ctx, &b, head, sizeof(head));
	pm_buf_byte(w->ctx, &b, 1);
	pm_buf_byte(w->ctx, &b, ansi ? 0 : 0x90);
	add_text(w, &b, r->name);
	add_text(w, &b, "SMTP");
	add_text(w, &b, r->address);
	ret->n = b.n;
	ret->p = w->ctx->rc ? NULL : pm_arena_dup(w->ctx, &w->mk->arena, b.p, b.n);
	pm_buf_done(&b);
	return w->ctx->rc;
}

/* "SMTP:NAME@HOST" and a NUL, in capitals: what Outlook compares by. */
static enum pm_rc search_key(struct pm_mkw *w, const char *address, struct pm_mk_bytes *ret)
{
	size_t n = strlen(address);
	uint8_t *p = pm_arena_alloc(w->ctx, &w->mk->arena, n + 6);

	if (!p)
		return w->ctx->rc;
	memcpy(p, "SMTP:", 5);
	for (size_t i = 0; i < n; i++)
		p[5 + i] = (uint8_t)(address[i] >= 'a' && address[i] <= 'z' ? address[i] - 32
									    : address[i]);
	*ret = (struct pm_mk_bytes){.p = p, .n = n + 6};
	return PM_OK;
}

static enum pm_rc recipient(struct pm_mkw *w, const struct pm_mk_recipient *r,
			    struct pm_mk_props *props)
{
	struct pm_mk *mk = w->mk;
	struct pm_mk_bytes entry = {0}, key = {0};
	enum pm_rc rc = one_off(w, r, &entry);

	if (rc == PM_OK)
		rc = search_key(w, r->address, &key);
	if (rc)
		return rc;
	if (pm_mk_put_u32(mk, props, PM_TAG(PM_ID_RECIPIENT_TYPE, PM_PT_I4), r->type) ||
	    pm_mk_put_u32(mk, props, PM_TAG(0x0E0F, PM_PT_BOOL), 1) ||
	    pm_mk_put(mk, props, PM_TAG(0x0FFF, PM_PT_BINARY), entry.p, entry.n) ||
	    pm_mk_put(mk, props, PM_TAG(PM_ID_RECORD_KEY, PM_PT_BINARY), entry.p, entry.n) ||
	    pm_mk_put(mk, props, PM_TAG(PM_ID_SEARCH_KEY, PM_PT_BINARY), key.p, key.n) ||
	    pm_mk_put_u32(mk, props, PM_TAG(0x0FFE, PM_PT_I4), 6) ||
	    pm_mk_put_u32(mk, props, PM_TAG(0x3900, PM_PT_I4), 0) ||
	    pm_mk_put_u32(mk, props, PM_TAG(0x3A40, PM_PT_BOOL), 0) ||
	    pm_mk_put_text(mk, props, PM_ID_DISPLAY_NAME, r->name) ||
	    pm_mk_put_text(mk, props, PM_ID_ADDRTYPE, "SMTP") ||
	    pm_mk_put_text(mk, props, PM_ID_EMAIL_ADDRESS, r->address) ||
	    pm_mk_put_text(mk, props, 0x39FF, r->name) ||
	    pm_mk_put_text(mk, props, PM_ID_SMTP_ADDRESS, r->address))
		return mk->ctx->rc;
	return PM_OK;
}

static enum pm_rc recipients(struct pm_mkw *w, const struct pm_mk_message *m, struct pm_props *pc)
{
	const struct pm_format *f = w->l.sink.fmt;
	pm_bid data = 0, sub = 0;
	struct pm_table t;
	size_t col;
	enum pm_rc rc;

	if (!m->recipients.n)
		return PM_OK;
	rc = pm_template_table(w->ctx, f, PM_NID_RECIPIENT_TABLE, &t);
	if (rc == PM_OK)
		rc = pm_table_add_col(&t, PM_TAG(PM_ID_SMTP_ADDRESS, f->string_type), &col);
	for (size_t i = 0; i < m->recipients.n && rc == PM_OK; i++) {
		struct pm_mk_props props = {0};

		rc = recipient(w, &m->recipients.v[i], &props);
		if (rc == PM_OK)
			rc = pm_mkw_row(w, &t, (uint32_t)i + 1, &props);
		pm_vec_done(&props.v);
	}
	if (rc == PM_OK)
		rc = pm_table_build(&t, &w->l.sink, &data, &sub);
	pm_table_done(&t);
	return rc ? rc : pm_subs_put(w->ctx, &pc->subs, PM_NID_RECIPIENT_TABLE, data, sub);
}

/* ---- attachments ---- */

/* So many full blocks of the same bytes, stored once. */
static enum pm_rc repeated(struct pm_mkw *w, const struct pm_mk_bytes *v, pm_bid *ret)
{
	PM_VEC(struct pm_leaf) leaves = {0};
	struct pm_leaf first = {.size = (uint32_t)v->n};
	enum pm_rc rc = w->l.sink.put(&w->l.sink, false, v->p, v->n, &first.bid);

	for (unsigned i = 0; i < v->repeat && rc == PM_OK; i++) {
		struct pm_leaf *leaf = pm_vec_push(w->ctx, &leaves);

		if (leaf)
			*leaf = first;
		rc = w->ctx->rc;
	}
	if (rc == PM_OK)
		rc = pm_data_build_over(w->ctx, &w->l.sink, leaves.v, leaves.n, ret);
	pm_vec_done(&leaves);
	return rc;
}

static size_t size_of(const struct pm_mk_attachment *a)
{
	return a->data.n * (a->data.repeat ? a->data.repeat : 1);
}

/* The attachment's data, into its PC. *io_bid: the data tree of the one before, for sharing. */
static enum pm_rc attachment_data(struct pm_mkw *w, const struct pm_mk_attachment *a,
				  struct pm_props *pc, pm_bid *io_bid)
{
	pm_nid nid = pm_nid_make(PM_NT_LTP, 0x401);
	pm_bid data = 0, sub = 0;
	struct pm_mk_props none = {0};
	enum pm_rc rc = PM_OK;

	if (a->method == PM_AM_REFERENCE || a->method == PM_AM_REF_RESOLVE ||
	    a->method == PM_AM_REF_ONLY || a->method == PM_AM_WEB)
		return PM_OK; /* the data are elsewhere */
	if (a->embedded) {
		nid = pm_nid_make(PM_NT_MESSAGE, 0x10001);
		rc = pm_mkw_message(w, a->embedded, &none, &data, &sub);
		pm_vec_done(&none.v);
	} else if (a->method == PM_AM_VALUE && a->data.n <= HEAP_MAX) {
		return pm_props_set(pc, PM_ID_ATTACH_DATA, PM_PT_BINARY, a->data.p, a->data.n);
	} else if (a->shared && *io_bid) {
		data = *io_bid;
	} else if (a->data.repeat) {
		rc = repeated(w, &a->data, &data);
	} else {
		rc = pm_data_build(w->ctx, &w->l.sink, a->data.p, a->data.n, &data);
	}
	*io_bid = a->embedded ? 0 : data;
	if (rc == PM_OK)
		rc = pm_subs_put(w->ctx, &pc->subs, nid, data, sub);
	if (rc)
		return rc;
	if (a->method == PM_AM_VALUE)
		return pm_props_set_nid(pc, PM_ID_ATTACH_DATA, PM_PT_BINARY, nid);
	return pm_props_set_object(pc, PM_ID_ATTACH_DATA, nid, (uint32_t)size_of(a));
}

static enum pm_rc attachment(struct pm_mkw *w, const struct pm_mk_message *m, size_t i,
			     struct pm_table *t, struct pm_props *to, pm_bid *io_bid)
{
	struct pm_mk *mk = w->mk;
	struct pm_mk_attachment *a = &m->attachments.v[i];
	pm_nid nid = pm_nid_make(PM_NT_ATTACHMENT, (uint32_t)(0x401 + i));
	uint8_t *key = pm_arena_alloc(w->ctx, &mk->arena, 4);
	struct pm_props pc = {0};
	pm_bid data, sub;
	enum pm_rc rc;

	if (!key)
		return w->ctx->rc;
	pm_put32(key, nid);
	if (pm_mk_put_u32(mk, &a->props, PM_TAG(PM_ID_ATTACH_METHOD, PM_PT_I4), a->method) ||
	    pm_mk_put_u32(mk, &a->props, PM_TAG(PM_ID_ATTACH_SIZE, PM_PT_I4),
			  (uint32_t)(size_of(a) + 200)) ||
	    pm_mk_put_u32(mk, &a->props, PM_TAG(PM_ID_RENDERING_POSITION, PM_PT_I4), UINT32_MAX) ||
	    pm_mk_put(mk, &a->props, PM_TAG(PM_ID_RECORD_KEY, PM_PT_BINARY), key, 4) ||
	    pm_mk_put_u64(mk, &a->props, PM_TAG(PM_ID_CREATION_TIME, PM_PT_TIME), m->date) ||
	    pm_mk_put_u64(mk, &a->props, PM_TAG(PM_ID_MODIFICATION_TIME, PM_PT_TIME), m->date))
		return w->ctx->rc;
	rc = props_of(w, &a->props, &pc);
	if (rc == PM_OK)
		rc = attachment_data(w, a, &pc, io_bid);
	if (rc == PM_OK)
		rc = pm_props_build(&pc, &w->l.sink, &data, &sub);
	pm_props_done(&pc);
	if (rc == PM_OK)
		rc = pm_subs_put(w->ctx, &to->subs, nid, data, sub);
	return rc ? rc : pm_mkw_row(w, t, nid, &a->props);
}

static enum pm_rc attachments(struct pm_mkw *w, const struct pm_mk_message *m, struct pm_props *pc)
{
	pm_bid data = 0, sub = 0, last = 0;
	struct pm_table t;
	enum pm_rc rc;

	if (!m->attachments.n)
		return PM_OK;
	rc = pm_template_table(w->ctx, w->l.sink.fmt, PM_NID_ATTACHMENT_TABLE, &t);
	for (size_t i = 0; i < m->attachments.n && rc == PM_OK; i++)
		rc = attachment(w, m, i, &t, pc, &last);
	if (rc == PM_OK)
		rc = pm_table_build(&t, &w->l.sink, &data, &sub);
	pm_table_done(&t);
	return rc ? rc : pm_subs_put(w->ctx, &pc->subs, PM_NID_ATTACHMENT_TABLE, data, sub);
}

/* ---- the message itself ---- */

/* The subject with the marker of its prefix: U+0001, 1 + length of "RE: " [MS-PST 2.5.3.1.1.1] */
static enum pm_rc subject(struct pm_mkw *w, struct pm_mk_props *props, const char *s)
{
	const char *colon = strstr(s, ": ");
	char marked[600];

	if (!colon || colon - s > 3)
		return pm_mk_put_text(w->mk, props, PM_ID_SUBJECT, s);
	snprintf(marked, sizeof(marked), "\x01%c%s", (int)(colon - s + 3), s);
	return pm_mk_put_text(w->mk, props, PM_ID_SUBJECT, marked);
}

/* The names of one kind of recipients, as tables show them. */
static enum pm_rc display(struct pm_mkw *w, const struct pm_mk_message *m, uint32_t type,
			  uint16_t id, struct pm_mk_props *props)
{
	struct pm_buf b = {0};
	enum pm_rc rc;

	for (size_t i = 0; i < m->recipients.n; i++)
		if (m->recipients.v[i].type == type)
			pm_buf_printf(w->ctx, &b, "%s%s", b.n ? "; " : "", m->recipients.v[i].name);
	rc = b.bad ? w->ctx->rc : pm_mk_put_text(w->mk, props, id, pm_buf_cstr(w->ctx, &b));
	pm_buf_done(&b);
	return rc;
}

static enum pm_rc from(struct pm_mkw *w, const struct pm_mk_message *m, struct pm_mk_props *props)
{
	static const uint16_t ids[2][3] = {
		{PM_ID_SENDER_NAME, PM_ID_SENDER_ADDRTYPE, PM_ID_SENDER_EMAIL},
		{PM_ID_SENT_REPR_NAME, PM_ID_SENT_REPR_ADDRTYPE, PM_ID_SENT_REPR_EMAIL}};

	for (unsigned i = 0; i < 2 && m->from; i++)
		if (pm_mk_put_text(w->mk, props, ids[i][0], m->from) ||
		    (m->from_address && (pm_mk_put_text(w->mk, props, ids[i][1], "SMTP") ||
					 pm_mk_put_text(w->mk, props, ids[i][2], m->from_address))))
			return w->ctx->rc;
	return PM_OK;
}

/* What every message has, under what was described. */
static enum pm_rc derived(struct pm_mkw *w, const struct pm_mk_message *m,
			  struct pm_mk_props *props)
{
	struct pm_mk *mk = w->mk;
	uint32_t size = 500;
	uint32_t flags = m->flags | (m->attachments.n ? PM_MSGFLAG_ATTACH : 0);
	uint8_t *key = pm_arena_alloc(w->ctx, &mk->arena, 16);

	if (!key)
		return w->ctx->rc;
	pm_noise(m->date ^ m->nid, key, 16);
	for (size_t i = 0; i < m->props.v.n; i++)
		size += (uint32_t)m->props.v.v[i].v.n;
	for (size_t i = 0; i < m->attachments.n; i++)
		size += (uint32_t)size_of(&m->attachments.v[i]);
	if (pm_mk_put_text(mk, props, PM_ID_MESSAGE_CLASS, m->class) ||
	    pm_mk_put_u32(mk, props, PM_TAG(PM_ID_MESSAGE_FLAGS, PM_PT_I4), flags) ||
	    pm_mk_put_u32(mk, props, PM_TAG(PM_ID_MESSAGE_SIZE, PM_PT_I4), size) ||
	    pm_mk_put_u32(mk, props, PM_TAG(PM_ID_MESSAGE_STATUS, PM_PT_I4), 0) ||
	    pm_mk_put_u64(mk, props, PM_TAG(PM_ID_CREATION_TIME, PM_PT_TIME), m->date) ||
	    pm_mk_put_u64(mk, props, PM_TAG(PM_ID_MODIFICATION_TIME, PM_PT_TIME), m->date) ||
	    pm_mk_put(mk, props, PM_TAG(PM_ID_SEARCH_KEY, PM_PT_BINARY), key, 16))
		return w->ctx->rc;
	if (m->fai)
		return PM_OK;
	if (pm_mk_put_u32(mk, props, PM_TAG(0x0017, PM_PT_I4), 1) ||
	    pm_mk_put_u32(mk, props, PM_TAG(0x0036, PM_PT_I4), 0) ||
	    pm_mk_put_u64(mk, props, PM_TAG(PM_ID_SUBMIT_TIME, PM_PT_TIME), m->date) ||
	    pm_mk_put_u64(mk, props, PM_TAG(PM_ID_DELIVERY_TIME, PM_PT_TIME), m->date) ||
	    pm_mk_put_u32(mk, props, PM_TAG(PM_ID_INTERNET_CPID, PM_PT_I4), 65001) ||
	    pm_mk_put_u32(mk, props, PM_TAG(PM_ID_MESSAGE_CODEPAGE, PM_PT_I4), 1252) ||
	    subject(w, props,
		    w->phase == PM_MKW_OLD && m->was ? m->was
		    : m->subject                     ? m->subject
						     : "") ||
	    from(w, m, props) || display(w, m, 1, PM_ID_DISPLAY_TO, props) ||
	    display(w, m, 2, PM_ID_DISPLAY_CC, props))
		return w->ctx->rc;
	return PM_OK;
}

enum pm_rc pm_mkw_message(struct pm_mkw *w, const struct pm_mk_message *m, struct pm_mk_props *row,
			  pm_bid *ret_data, pm_bid *ret_sub)
{
	struct pm_props pc = {0};
	enum pm_rc rc = derived(w, m, row);

	for (size_t i = 0; i < m->props.v.n && rc == PM_OK; i++)
		rc = pm_mk_put(w->mk, row, (uint32_t)m->props.v.v[i].tag, m->props.v.v[i].v.p,
			       m->props.v.v[i].v.n);
	if (rc == PM_OK)
		rc = props_of(w, row, &pc);
	if (rc == PM_OK)
		rc = recipients(w, m, &pc);
	if (rc == PM_OK)
		rc = attachments(w, m, &pc);
	if (rc == PM_OK)
		rc = pm_props_build(&pc, &w->l.sink, ret_data, ret_sub);
	pm_props_done(&pc);
	return rc;
}
