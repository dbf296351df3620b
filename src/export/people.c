/* SPDX-License-Identifier: Apache-2.0 */
/* The people of a message; see people.h. */
#include "export/people.h"

#include "base/text.h"

enum { ENTRY_ID_MAX = 64 << 10 };

/* Property ids [MS-OXPROPS] */
enum {
	ID_REPR_ENTRYID = 0x0041,
	ID_REPLY_ENTRIES = 0x004F,
	ID_REPLY_NAMES = 0x0050,
	ID_SENDER_ENTRYID = 0x0C19,
	ID_REPR_SMTP = 0x5D02,
};

/* ---- entry ids ---- */

static const uint8_t oneoff_uid[16] = {0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19,
				       0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54, 0x02};

/* The next string of a one-off entry id; false: it isn't ended. */
static bool take_string(struct pm_ctx *ctx, struct pm_arena *a, struct pm_cursor *c, bool wide,
			uint32_t cp, const char **ret)
{
	size_t unit = wide ? 2 : 1, end = c->pos;
	struct pm_buf text = {0};
	struct pm_span s;

	while (end + unit <= c->s.n && (c->s.p[end] || (wide && c->s.p[end + 1])))
		end += unit;
	if (end + unit > c->s.n)
		return false;
	s = (struct pm_span){c->s.p + c->pos, end - c->pos, 0};
	c->pos = end + unit;
	if (pm_is_error(pm_text_of(ctx, wide ? PM_PT_UNICODE : PM_PT_STRING8, s, cp, &text)))
		return false;
	*ret = pm_arena_strdup(ctx, a, pm_buf_cstr(ctx, &text));
	pm_buf_done(&text);
	return *ret != NULL;
}

bool pm_oneoff_parse(struct pm_ctx *ctx, struct pm_arena *a, struct pm_span e, uint32_t cp,
		     struct pm_person *ret)
{
	struct pm_cursor c = {.s = e};
	struct pm_person p = {0};
	const uint8_t *uid;
	bool wide;

	pm_cursor_u32(&c);
	uid = pm_cursor_take(&c, 16);
	if (!uid || memcmp(uid, oneoff_uid, 16) != 0)
		return false;
	pm_cursor_u16(&c);
	wide = pm_cursor_u16(&c) & 0x8000; /* MAPI_UNICODE */
	if (c.bad || !take_string(ctx, a, &c, wide, cp, &p.name) ||
	    !take_string(ctx, a, &c, wide, cp, &p.type) ||
	    !take_string(ctx, a, &c, wide, cp, &p.email))
		return false;
	*ret = p;
	return true;
}

/* A property that is a one-off entry id. */
static bool read_oneoff(struct pm_message *m, uint16_t id, struct pm_arena *a,
			struct pm_person *ret)
{
	struct pm_buf b = {0};
	bool ok = false;

	if (pm_pc_binary(&m->pc, id, ENTRY_ID_MAX, &b) == PM_OK)
		ok = pm_oneoff_parse(m->db->ctx, a, pm_buf_span(&b), m->codepage, ret);
	pm_buf_done(&b);
	return ok;
}

/* ---- from and sender ---- */

/* Add the person; where its properties have no address, that of its entry id counts. */
static enum pm_rc add_author(struct pm_message *m, struct pm_mailboxes *l, struct pm_person p,
			     uint16_t entry_id)
{
	struct pm_ctx *ctx = m->db->ctx;
	struct pm_person e;

	if (!pm_smtp_clean(ctx, &l->arena, p.smtp) && !pm_smtp_clean(ctx, &l->arena, p.email) &&
	    read_oneoff(m, entry_id, &l->arena, &e)) {
		p.smtp = pm_smtp_clean(ctx, &l->arena, e.email);
		if (!p.name || !*p.name)
			p.name = e.name;
		if (!p.email || !*p.email) {
			p.type = e.type;
			p.email = e.email;
		}
	}
	return pm_mailboxes_add(ctx, l, &p);
}

static bool same_text(const char *a, const char *b)
{
	return a && b && pm_ascii_casecmp(a, b) == 0;
}

static bool same_person(const struct pm_mailbox *a, const struct pm_mailbox *b)
{
	if (a->smtp && b->smtp)
		return same_text(a->smtp, b->smtp);
	if (a->other && b->other)
		return same_text(a->other, b->other);
	return same_text(a->name, b->name) || (!a->name && !b->name);
}

static enum pm_rc load_authors(struct pm_message *m, struct pm_people *p)
{
	struct pm_person repr = {m->repr_name, m->repr_type, m->repr_email, NULL};
	struct pm_person sender = {m->sender_name, m->sender_type, m->sender_email, m->sender_smtp};
	char *smtp = NULL;
	enum pm_rc rc;

	rc = pm_pc_text(&m->pc, ID_REPR_SMTP, m->codepage, &p->from.arena, &smtp);
	repr.smtp = smtp;
	if (!pm_is_error(rc))
		rc = add_author(m, &p->from, repr, ID_REPR_ENTRYID);
	if (!rc)
		rc = add_author(m, &p->sender, sender, ID_SENDER_ENTRYID);
	if (rc)
		return rc;
	pm_mailboxes_resolve(&p->from, &p->sender);
	pm_mailboxes_resolve(&p->sender, &p->from);
	return PM_OK;
}

/* Who sent it is named only when it is not whom it is from. */
static void settle_authors(struct pm_people *p)
{
	if (!p->from.v.n && p->sender.v.n) {
		struct pm_mailboxes swap = p->from;

		p->from = p->sender;
		p->sender = swap;
	} else if (p->from.v.n && p->sender.v.n &&
		   same_person(&p->from.v.v[0], &p->sender.v.v[0])) {
		struct pm_mailbox *from = &p->from.v.v[0], *sender = &p->sender.v.v[0];

		if (!from->smtp)
			from->smtp = sender->smtp;
		if (!from->name)
			from->name = sender->name;
		p->sender.v.n = 0;
	}
}

/* ---- reply to: PidTagReplyRecipientEntries [MS-OXOMSG 2.2.1.43] ---- */

static enum pm_rc load_reply(struct pm_message *m, struct pm_people *p)
{
	struct pm_ctx *ctx = m->db->ctx;
	struct pm_buf b = {0};
	struct pm_cursor c = {0};
	enum pm_rc rc = pm_pc_binary(&m->pc, ID_REPLY_ENTRIES, ENTRY_ID_MAX, &b);

	if (rc == PM_OK) {
		c.s = pm_buf_span(&b);
		pm_cursor_u32(&c); /* number of entries */
		pm_cursor_u32(&c); /* their bytes */
		while (!c.bad && !rc && c.pos < c.s.n) {
			uint32_t size = pm_cursor_u32(&c);
			const uint8_t *e = pm_cursor_take(&c, size);
			struct pm_person who;

			if (e && pm_oneoff_parse(ctx, &p->reply.arena, (struct pm_span){e, size, 0},
						 m->codepage, &who))
				rc = pm_mailboxes_add(ctx, &p->reply, &who);
			if (size % 4)
				pm_cursor_take(&c, 4 - size % 4);
		}
	}
	pm_buf_done(&b);
	if (!pm_is_error(rc) && !p->reply.v.n) {
		char *names = NULL;

		rc = pm_pc_text(&m->pc, ID_REPLY_NAMES, m->codepage, &p->reply.arena, &names);
		if (!pm_is_error(rc) && names)
			rc = pm_mailboxes_display(ctx, &p->reply, names);
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

/* ---- recipients ---- */

static enum pm_rc load_table(struct pm_message *m, struct pm_people *p)
{
	struct pm_ctx *ctx = m->db->ctx;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < m->recipients.rows.n && !pm_is_error(rc); i++) {
		struct pm_recipient r;

		rc = pm_recipient_open(m, i, &r);
		if (rc == PM_OK || rc == PM_DAMAGED) {
			struct pm_mailboxes *l = r.type == 2   ? &p->cc
						 : r.type == 3 ? &p->bcc
							       : &p->to;
			struct pm_person who = {r.name, r.address_type, r.email, r.smtp};

			if (r.type != 0) /* the originator is told by the properties */
				rc = pm_mailboxes_add(ctx, l, &who);
		}
		pm_recipient_close(&r);
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Without a table the names that Outlook shows are better than nothing. */
static enum pm_rc load_displayed(struct pm_message *m, struct pm_people *p)
{
	const struct {
		uint16_t id;
		struct pm_mailboxes *l;
	} lists[] = {
		{PM_ID_DISPLAY_TO, &p->to},
		{PM_ID_DISPLAY_CC, &p->cc},
		{PM_ID_DISPLAY_BCC, &p->bcc},
	};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < 3 && !pm_is_error(rc); i++) {
		char *text = NULL;

		rc = pm_pc_text(&m->pc, lists[i].id, m->codepage, &lists[i].l->arena, &text);
		if (!pm_is_error(rc) && text)
			rc = pm_mailboxes_display(m->db->ctx, lists[i].l, text);
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_people_load(struct pm_message *m, struct pm_people *ret)
{
	struct pm_people *p = ret;
	enum pm_rc rc;

	*p = (struct pm_people){0};
	if (m->recipients_state == PM_OK || m->recipients_state == PM_DAMAGED)
		rc = load_table(m, p);
	else
		rc = load_displayed(m, p);
	if (!rc)
		rc = load_authors(m, p);
	if (!rc)
		rc = load_reply(m, p);
	if (rc)
		return rc;
	pm_mailboxes_resolve(&p->from, &p->to);
	pm_mailboxes_resolve(&p->from, &p->cc);
	pm_mailboxes_resolve(&p->sender, &p->to);
	pm_mailboxes_resolve(&p->sender, &p->cc);
	settle_authors(p);
	return PM_OK;
}

void pm_people_done(struct pm_people *p)
{
	pm_mailboxes_done(&p->from);
	pm_mailboxes_done(&p->sender);
	pm_mailboxes_done(&p->reply);
	pm_mailboxes_done(&p->to);
	pm_mailboxes_done(&p->cc);
	pm_mailboxes_done(&p->bcc);
}
