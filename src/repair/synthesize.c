/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With --synthesize: values that a damaged message has lost, made from what else it says: date,
 * subject, sender, recipients. Nothing comes from outside of the message, none of it is certain,
 * so each value is listed with what it was made from. Without the option nothing is made.
 *
 * Needs: sound objects, folder tables still to be mended.
 */
#include "repair/repair.h"

#include "base/time.h"
#include "export/address.h"
#include "export/gm.h"
#include "export/header.h"
#include "ltp/props.h"
#include "ltp/templates.h"
#include "msg/message.h"

#define THREAD_HEAD 22 /* bytes of a conversation index without replies [MS-OXOMSG 2.2.1.3] */

/* Where a value is from, as reports have it. */
static const char from_headers[] = "transport headers";

struct synthesis {
	struct pm_repair *r;
	struct pm_message *m;
	struct pm_fields said; /* transport headers */
	struct pm_props *props;
	size_t made;
};

static uint32_t tag(uint16_t id, uint16_t type)
{
	return (uint32_t)id << 16 | type;
}

/* Note a value that was set. */
static enum pm_rc note(struct synthesis *s, uint16_t id, const char *value, const char *from)
{
	struct pm_synthesized *x = pm_vec_push(s->r->ctx, &s->r->synthesized);

	if (!x)
		return s->r->ctx->rc;
	*x = (struct pm_synthesized){.nid = s->m->nid, .id = id, .from = from};
	x->value = pm_arena_strdup(s->r->ctx, &s->r->arena, value);
	s->made++;
	return s->r->ctx->rc;
}

/* What the code page of the message can't say is not made. */
static enum pm_rc set_text(struct synthesis *s, uint16_t id, const char *value, const char *from)
{
	enum pm_rc rc = pm_props_set_text(s->props, id, s->m->codepage, value, NULL);

	if (rc == PM_OK)
		rc = note(s, id, value, from);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc set_time(struct synthesis *s, uint16_t id, uint64_t when, const char *from)
{
	char text[PM_TIME_TEXT];
	enum pm_rc rc = pm_props_set_u64(s->props, id, PM_PT_TIME, when);

	pm_time_iso(when, text);
	return rc ? rc : note(s, id, text, from);
}

/* The value of a header field on one line, in `out`; empty: there is none. */
static const char *said(struct synthesis *s, const char *name, struct pm_buf *out)
{
	const struct pm_head_field *f = pm_fields_find(&s->said, name);

	pm_buf_clear(out);
	if (f)
		pm_field_unfold(s->r->ctx, f, out);
	return pm_buf_cstr(s->r->ctx, out);
}

/* When a thread was begun; for a message that answers none, when it was written. 0: not known. */
static enum pm_rc thread_begun(struct synthesis *s, uint64_t *ret)
{
	struct pm_buf b = {0};
	enum pm_rc rc = pm_pc_binary(&s->m->pc, 0x0071, 4096, &b);

	*ret = 0;
	if (rc == PM_OK && b.n == THREAD_HEAD && b.p[0] == 1)
		for (unsigned i = 1; i < 6; i++)
			*ret |= (uint64_t)b.p[i] << (8 * (8 - i));
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* A message without any date. One that was never sent has none. */
static enum pm_rc date(struct synthesis *s)
{
	const struct pm_message *m = s->m;
	struct pm_ctx *ctx = s->r->ctx;
	struct pm_buf b = {0};
	const char *from = from_headers;
	uint64_t when = 0;
	enum pm_rc rc = PM_OK;

	if (m->submit || m->delivery || m->flags & PM_MSGFLAG_UNSENT)
		return PM_OK;
	if (!pm_gm_date(ctx, said(s, "Date", &b), &when)) {
		from = "conversation index";
		rc = thread_begun(s, &when);
	}
	pm_buf_done(&b);
	if (!when && m->created) {
		from = "creation time";
		when = m->created;
	} else if (!when && m->modified) {
		from = "modification time";
		when = m->modified;
	}
	if (rc || !pm_time_is_set(when))
		return rc;
	rc = set_time(s, PM_ID_SUBMIT_TIME, when, from);
	return rc ? rc : set_time(s, PM_ID_DELIVERY_TIME, when, from);
}

static enum pm_rc subject(struct synthesis *s)
{
	struct pm_ctx *ctx = s->r->ctx;
	struct pm_buf b = {0}, text = {0};
	char *topic = NULL;
	enum pm_rc rc = PM_OK;

	if (s->m->subject)
		return PM_OK;
	pm_gm_text(ctx, said(s, "Subject", &b), &text);
	if (text.n)
		rc = set_text(s, PM_ID_SUBJECT, pm_buf_cstr(ctx, &text), from_headers);
	else
		rc = pm_pc_text(&s->m->pc, 0x0070, s->m->codepage, &s->m->arena, &topic);
	if (rc == PM_OK && topic && *topic)
		rc = set_text(s, PM_ID_SUBJECT, topic, "conversation topic");
	pm_buf_done(&b);
	pm_buf_done(&text);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* A message of which neither sender nor represented sender is known. */
static enum pm_rc sender(struct synthesis *s)
{
	static const uint16_t ids[2][3] = {
		{PM_ID_SENDER_NAME, PM_ID_SENDER_ADDRTYPE, PM_ID_SENDER_EMAIL},
		{PM_ID_SENT_REPR_NAME, PM_ID_SENT_REPR_ADDRTYPE, PM_ID_SENT_REPR_EMAIL}};
	const struct pm_message *m = s->m;
	struct pm_mailboxes list = {0};
	struct pm_buf b = {0};
	const struct pm_mailbox *who;
	enum pm_rc rc = PM_OK;

	if (m->sender_name || m->sender_email || m->sender_smtp || m->repr_name || m->repr_email)
		return PM_OK;
	pm_gm_addresses(s->r->ctx, said(s, "From", &b), &list);
	who = list.v.n ? &list.v.v[0] : NULL;
	for (unsigned i = 0; i < 2 && who && rc == PM_OK; i++) {
		if (who->name || who->smtp)
			rc = set_text(s, ids[i][0], who->name ? who->name : who->smtp,
				      from_headers);
		if (rc == PM_OK && who->smtp)
			rc = set_text(s, ids[i][1], "SMTP", from_headers);
		if (rc == PM_OK && who->smtp)
			rc = set_text(s, ids[i][2], who->smtp, from_headers);
	}
	pm_mailboxes_done(&list);
	pm_buf_done(&b);
	return rc;
}

/* ---- recipients ---- */

static enum pm_rc cell_text(const struct synthesis *s, struct pm_table *t, size_t row, uint16_t id,
			    const char *utf8)
{
	const size_t col = pm_table_col(t, tag(id, s->r->fmt->string_type));
	struct pm_buf b = {0};
	enum pm_rc rc;

	if (col == t->cols.n || !utf8)
		return PM_OK;
	rc = pm_text_as(s->r->ctx, s->r->fmt, s->m->codepage, utf8, &b, NULL);
	if (rc == PM_OK)
		rc = pm_table_set(t, row, col, b.p, b.n);
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc add_recipient(const struct synthesis *s, struct pm_table *t, uint32_t type,
				const struct pm_mailbox *who)
{
	const char *address = who->smtp ? who->smtp : who->other;
	size_t row;
	enum pm_rc rc = pm_table_add_row(t, (uint32_t)t->rows.n + 1, &row);

	if (rc == PM_OK)
		rc = pm_table_set_u32(t, row, tag(PM_ID_RECIPIENT_TYPE, PM_PT_I4), type);
	if (rc == PM_OK)
		rc = pm_table_set_u32(t, row, tag(0x0FFE, PM_PT_I4), 6);
	if (rc == PM_OK)
		rc = cell_text(s, t, row, PM_ID_DISPLAY_NAME, who->name ? who->name : address);
	if (rc == PM_OK && who->smtp)
		rc = cell_text(s, t, row, PM_ID_ADDRTYPE, "SMTP");
	if (rc == PM_OK)
		rc = cell_text(s, t, row, PM_ID_EMAIL_ADDRESS, address);
	return rc == PM_NONE ? PM_OK : rc;
}

/* Those of one kind: by the headers, else by the display list; what they are, for the report. */
static enum pm_rc add_kind(struct synthesis *s, struct pm_table *t, uint32_t type,
			   const char *field, uint16_t display)
{
	struct pm_ctx *ctx = s->r->ctx;
	struct pm_mailboxes list = {0};
	struct pm_buf b = {0}, text = {0};
	const char *from = from_headers;
	char *names = NULL;
	enum pm_rc rc = PM_OK;

	pm_gm_addresses(ctx, said(s, field, &b), &list);
	if (!list.v.n) {
		from = pm_proptag_name(display);
		rc = pm_pc_text(&s->m->pc, display, s->m->codepage, &s->m->arena, &names);
		if (rc == PM_OK && names)
			rc = pm_mailboxes_display(ctx, &list, names);
	}
	rc = pm_is_error(rc) ? rc : PM_OK;
	for (size_t i = 0; i < list.v.n && rc == PM_OK; i++) {
		const struct pm_mailbox *who = &list.v.v[i];

		rc = add_recipient(s, t, type, who);
		pm_buf_str(ctx, &text, i ? "; " : "");
		if (who->name && who->smtp)
			pm_buf_printf(ctx, &text, "%s <%s>", who->name, who->smtp);
		else
			pm_buf_str(ctx, &text, who->name ? who->name : who->smtp ? who->smtp : "");
	}
	if (rc == PM_OK && list.v.n)
		rc = note(s, display, pm_buf_cstr(ctx, &text), from);
	pm_mailboxes_done(&list);
	pm_buf_done(&b);
	pm_buf_done(&text);
	return rc;
}

/* A message without recipients. */
static enum pm_rc recipients(struct synthesis *s)
{
	static const struct {
		const char *field;
		uint16_t display;
	} kinds[] = {
		{"To", PM_ID_DISPLAY_TO}, {"Cc", PM_ID_DISPLAY_CC}, {"Bcc", PM_ID_DISPLAY_BCC}};
	struct pm_table t = {0};
	pm_bid data, sub;
	enum pm_rc rc;

	if (s->m->recipients_state == PM_OK && s->m->recipients.rows.n)
		return PM_OK;
	rc = pm_template_table(s->r->ctx, s->r->fmt, PM_NID_RECIPIENT_TABLE, &t);
	for (uint32_t i = 0; i < 3 && rc == PM_OK; i++)
		rc = add_kind(s, &t, i + 1, kinds[i].field, kinds[i].display);
	if (rc == PM_OK && t.rows.n) {
		rc = pm_table_build(&t, &s->r->sink, &data, &sub);
		if (rc == PM_OK)
			rc = pm_subs_put(s->r->ctx, &s->props->subs, PM_NID_RECIPIENT_TABLE, data,
					 sub);
	}
	pm_table_done(&t);
	return rc;
}

static enum pm_rc make_all(struct synthesis *s)
{
	enum pm_rc rc = date(s);

	if (rc == PM_OK)
		rc = subject(s);
	if (rc == PM_OK)
		rc = sender(s);
	return rc ? rc : recipients(s);
}

/* One message. After the stages before it is sound; what isn't is not touched. */
static enum pm_rc synthesize(struct pm_repair *r, const struct pm_node *n)
{
	struct pm_message m;
	struct pm_props props;
	struct pm_buf block = {0};
	struct synthesis s = {.r = r, .m = &m, .props = &props};
	pm_bid data, sub;
	enum pm_rc rc = pm_message_open(&r->an->db, n->nid, n->data, n->sub, 0, &m);

	pm_props_init(&props, r->ctx, r->fmt);
	if (rc == PM_OK && pm_pc_string(&m.pc, PM_ID_TRANSPORT_HEADERS, m.codepage, &block))
		rc = r->ctx->rc;
	if (rc == PM_OK)
		rc = pm_fields_parse(r->ctx, pm_buf_span(&block), &s.said);
	if (rc == PM_OK)
		rc = pm_props_load(&props, &m.pc);
	if (rc == PM_OK)
		rc = make_all(&s);
	if (rc == PM_OK && s.made)
		rc = pm_props_build(&props, &r->sink, &data, &sub);
	if (rc == PM_OK && s.made)
		rc = pm_repair_set_node(r, n->nid, n->parent, data, sub);
	if (rc == PM_OK && s.made)
		rc = pm_repair_did(r, PM_DID_SYNTHESIZED, n->nid, s.made, 0);
	pm_fields_done(&s.said);
	pm_buf_done(&block);
	pm_props_done(&props);
	pm_message_close(&m);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_repair_synthesize(struct pm_repair *r)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < r->casualties.n && rc == PM_OK; i++) {
		const struct pm_casualty *c = &r->casualties.v[i];
		const struct pm_node *n = pm_ndb_find_node(&r->an->db, c->nid);

		if (!c->lost && !c->deleted && n && n->data && pm_nid_type(c->nid) == PM_NT_MESSAGE)
			rc = synthesize(r, n);
	}
	return rc;
}
