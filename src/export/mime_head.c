/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a message: the fields that it came with as they are, and what they lack from
 * its properties. What describes the parts of the body is left to mime.c.
 */
#include "export/mime.h"

#include "base/text.h"
#include "base/time.h"
#include "export/gm.h"

enum { HEADERS_MAX = 4 << 20, INDEX_MAX = 4 << 10 };

/* Property ids [MS-OXPROPS] */
enum {
	ID_IMPORTANCE = 0x0017,
	ID_READ_RECEIPT = 0x0029,
	ID_SENSITIVITY = 0x0036,
	ID_CONVERSATION_TOPIC = 0x0070,
	ID_CONVERSATION_INDEX = 0x0071,
	ID_REFERENCES = 0x1039,
	ID_IN_REPLY_TO = 0x1042,
	ID_FLAG_STATUS = 0x1090,
	ID_LAST_VERB = 0x1081,
};

struct head {
	struct pm_mime *w;
	struct pm_ctx *ctx;
	struct pm_mime_level *l;
	struct pm_message *m;
	struct pm_buf *out;
	struct pm_buf text; /* for values */
};

static bool have(const struct head *h, const char *name)
{
	return pm_fields_find(&h->l->fields, name) != NULL;
}

/* Does it keep its state in its header? A message that is embedded in it has none there. */
static bool in_mailbox(const struct head *h)
{
	return h->w->mbox_status && h->l == h->w->levels[0];
}

/* ---- fields that came with the message ---- */

/* Fields of this name are about the form that the message had on its way. */
static bool is_mime(const struct pm_head_field *f)
{
	static const char *const names[] = {
		"MIME-Version",        "Content-Type",   "Content-Transfer-Encoding",
		"Content-Disposition", "Content-Length", "Lines",
		"Content-MD5"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (pm_field_is(f, names[i]))
			return true;
	return false;
}

static bool is_addresses(const struct pm_head_field *f)
{
	static const char *const names[] = {
		"From",          "Sender",      "Reply-To",    "To",        "Cc",
		"Bcc",           "Resent-To",   "Resent-From", "Resent-Cc", "Resent-Bcc",
		"Resent-Sender", "Return-Path", "Delivered-To"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (pm_field_is(f, names[i]))
			return true;
	return false;
}

static const char *name_of(struct head *h, const struct pm_head_field *f)
{
	pm_buf_clear(&h->text);
	pm_buf_add(h->ctx, &h->text, f->name.p, f->name.n);
	return pm_buf_cstr(h->ctx, &h->text);
}

/* A field with bytes that mail can't carry: the same value, encoded. */
static void recode(struct head *h, const struct pm_head_field *f)
{
	struct pm_mailboxes list = {0};
	struct pm_buf value = {0}, text = {0};
	const char *name = name_of(h, f);

	pm_field_unfold(h->ctx, f, &value);
	if (is_addresses(f) && pm_gm_addresses(h->ctx, pm_buf_cstr(h->ctx, &value), &list) &&
	    list.v.n) {
		pm_head_mailboxes(h->ctx, h->out, name, &list);
	} else {
		pm_gm_text(h->ctx, pm_buf_cstr(h->ctx, &value), &text);
		pm_head_text(h->ctx, h->out, name, text.p, text.n);
	}
	pm_mailboxes_done(&list);
	pm_buf_done(&value);
	pm_buf_done(&text);
}

static void take_over(struct head *h, const struct pm_head_field *f)
{
	if (!pm_head_verbatim(h->ctx, h->out, f, NULL))
		recode(h, f);
}

/*
 * To, Cc, Bcc. Where the recipient table has more people than the field, those that it lacks
 * are added behind those that stand there, which stay as they are.
 */
static void complete(struct head *h, const struct pm_head_field *f, const struct pm_mailboxes *all)
{
	struct pm_mailboxes there = {0};
	struct pm_buf value = {0};
	size_t from = h->out->n;

	if (all->v.n < 2) {
		take_over(h, f);
		return;
	}
	pm_field_unfold(h->ctx, f, &value);
	pm_gm_addresses(h->ctx, pm_buf_cstr(h->ctx, &value), &there);
	take_over(h, f);
	for (size_t i = 0; all->v.n > there.v.n && there.v.n && i < all->v.n; i++) {
		const struct pm_mailbox *b = &all->v.v[i];

		if (!b->smtp || pm_mailboxes_have(&there, b->smtp) || h->out->n == from)
			continue;
		h->out->n--; /* the line end */
		pm_buf_str(h->ctx, h->out, ",\n ");
		pm_mailbox_put(h->ctx, h->out, b);
		pm_buf_byte(h->ctx, h->out, '\n');
	}
	pm_mailboxes_done(&there);
	pm_buf_done(&value);
}

/* Text without the white space in which two forms of it may differ. */
static void squeeze(struct pm_ctx *ctx, const void *p, size_t n, struct pm_buf *out)
{
	const uint8_t *b = p;
	bool space = false;

	for (size_t i = 0; i < n; i++) {
		if (b[i] <= ' ' || b[i] == 0x7F) {
			space = out->n != 0;
			continue;
		}
		if (space)
			pm_buf_byte(ctx, out, ' ');
		space = false;
		pm_buf_byte(ctx, out, b[i]);
	}
}

/* The subject as it came, unless the message has another one by now. */
static void subject(struct head *h, const struct pm_head_field *f)
{
	const char *own = h->m->subject;
	struct pm_buf value = {0}, text = {0}, a = {0}, b = {0};
	bool same = true;

	if (own) {
		pm_field_unfold(h->ctx, f, &value);
		pm_gm_text(h->ctx, pm_buf_cstr(h->ctx, &value), &text);
		squeeze(h->ctx, text.p, text.n, &a);
		squeeze(h->ctx, own, strlen(own), &b);
		same = a.n == b.n && (!a.n || memcmp(a.p, b.p, a.n) == 0);
	}
	if (same) {
		take_over(h, f);
	} else {
		pm_head_text(h->ctx, h->out, "Subject", own, strlen(own));
		if (!pm_head_verbatim(h->ctx, h->out, f, "X-Original-Subject"))
			pm_head_text(h->ctx, h->out, "X-Original-Subject", text.p, text.n);
	}
	pm_buf_done(&value);
	pm_buf_done(&text);
	pm_buf_done(&a);
	pm_buf_done(&b);
}

static void original(struct head *h, const struct pm_head_field *f)
{
	struct pm_buf name = {0};

	pm_buf_str(h->ctx, &name, "X-Original-");
	pm_buf_add(h->ctx, &name, f->name.p, f->name.n);
	pm_head_verbatim(h->ctx, h->out, f, pm_buf_cstr(h->ctx, &name));
	pm_buf_done(&name);
}

static void transport(struct head *h)
{
	const struct pm_people *p = &h->l->people;

	for (size_t i = 0; i < h->l->fields.v.n; i++) {
		const struct pm_head_field *f = &h->l->fields.v.v[i];

		if (pm_field_is(f, "Subject"))
			subject(h, f);
		else if (pm_field_is(f, "To"))
			complete(h, f, &p->to);
		else if (pm_field_is(f, "Cc"))
			complete(h, f, &p->cc);
		else if (pm_field_is(f, "Bcc"))
			complete(h, f, &p->bcc);
		else if (pm_field_is(f, "Content-Type"))
			original(h, f);
		else if (!is_mime(f) && !(in_mailbox(h) &&
					  (pm_field_is(f, "Status") || pm_field_is(f, "X-Status"))))
			take_over(h, f);
	}
}

/* ---- fields from properties ---- */

/* A string property as text; false: there is none. */
static bool string(struct head *h, uint16_t id)
{
	enum pm_rc rc;

	pm_buf_clear(&h->text);
	rc = pm_pc_string(&h->m->pc, id, h->m->codepage, &h->text);
	return (rc == PM_OK || rc == PM_DAMAGED) && h->text.n;
}

static uint32_t number(struct head *h, uint16_t id, uint32_t otherwise)
{
	uint32_t v = otherwise;
	enum pm_rc rc = pm_pc_u32(&h->m->pc, id, &v);

	return rc == PM_OK || rc == PM_DAMAGED ? v : otherwise;
}

static void people(struct head *h, const char *name, const struct pm_mailboxes *l)
{
	if (!have(h, name))
		pm_head_mailboxes(h->ctx, h->out, name, l);
	pm_head_others(h->ctx, h->out, name, l);
}

static void date(struct head *h)
{
	char text[PM_TIME_TEXT];
	uint64_t t = pm_time_is_set(h->m->submit) ? h->m->submit : h->m->delivery;

	if (have(h, "Date") || !pm_time_is_set(t))
		return;
	pm_time_5322(t, text);
	pm_head_ready(h->ctx, h->out, "Date", text, strlen(text));
}

/*
 * Message ids, "<a@b> <c@d>": what stands around them is left out. Where there are none in angle
 * brackets, the text is taken if it could be one.
 */
static void ids(struct head *h, const char *name, uint16_t id, bool one)
{
	struct pm_buf clean = {0};
	bool word = true;
	size_t open = 0;

	if (have(h, name) || !string(h, id))
		return;
	for (size_t i = 0; i < h->text.n && !(one && clean.n); i++) {
		uint8_t c = h->text.p[i];

		word = word && c > ' ' && c < 0x7F;
		if (c == '<') {
			open = i + 1;
		} else if (c == '>' && open) {
			if (clean.n)
				pm_buf_byte(h->ctx, &clean, ' ');
			pm_buf_add(h->ctx, &clean, h->text.p + open - 1, i + 2 - open);
			open = 0;
		} else if (c <= ' ' || c >= 0x7F) {
			open = 0;
		}
	}
	if (clean.n)
		pm_head_ready(h->ctx, h->out, name, clean.p, clean.n);
	else if (word && h->text.n < PM_MAIL_LINE / 2)
		pm_head_ready(h->ctx, h->out, name, h->text.p, h->text.n);
	pm_buf_done(&clean);
}

static void grades(struct head *h)
{
	static const char *const importance[] = {"low", NULL, "high"};
	static const char *const sensitivity[] = {NULL, "Personal", "Private",
						  "Company-Confidential"};
	uint32_t i = number(h, ID_IMPORTANCE, 1), s = number(h, ID_SENSITIVITY, 0);

	if (i < 3 && importance[i] && !have(h, "Importance") && !have(h, "X-Priority"))
		pm_head_ready(h->ctx, h->out, "Importance", importance[i], strlen(importance[i]));
	if (s < 4 && sensitivity[s] && !have(h, "Sensitivity"))
		pm_head_ready(h->ctx, h->out, "Sensitivity", sensitivity[s],
			      strlen(sensitivity[s]));
}

/* Who asks for a receipt gets it at the address that the message is from. */
static void receipt(struct head *h)
{
	const struct pm_mailboxes *from = &h->l->people.from;

	if (number(h, ID_READ_RECEIPT, 0) && !have(h, "Disposition-Notification-To") && from->v.n &&
	    from->v.v[0].smtp)
		pm_head_mailboxes(h->ctx, h->out, "Disposition-Notification-To", from);
}

static void thread(struct head *h)
{
	struct pm_buf b = {0}, value = {0};

	if (!have(h, "Thread-Topic") && string(h, ID_CONVERSATION_TOPIC))
		pm_head_text(h->ctx, h->out, "Thread-Topic", h->text.p, h->text.n);
	if (!have(h, "Thread-Index") &&
	    pm_pc_binary(&h->m->pc, ID_CONVERSATION_INDEX, INDEX_MAX, &b) == PM_OK) {
		for (size_t i = 0; i < b.n; i += 45) { /* lines that can be folded */
			size_t n = b.n - i < 45 ? b.n - i : 45;
			uint8_t *room;

			if (i)
				pm_buf_byte(h->ctx, &value, ' ');
			room = pm_buf_room(h->ctx, &value, (n + 2) / 3 * 4);
			if (room)
				pm_base64(room, b.p + i, n);
		}
		if (value.n)
			pm_head_ready(h->ctx, h->out, "Thread-Index", value.p, value.n);
	}
	pm_buf_done(&b);
	pm_buf_done(&value);
}

static uint16_t keywords_id(struct pm_mime *w)
{
	if (!w->keywords_sought && w->names)
		w->keywords = pm_names_string(w->names, pm_uid_strings, "Keywords");
	w->keywords_sought = true;
	return w->keywords;
}

/* Categories: a multiple string of the name "Keywords" [MS-OXCMSG 2.2.1.17]. */
static void keywords(struct head *h)
{
	const uint16_t id = keywords_id(h->w);
	const struct pm_prop *p = id ? pm_pc_find(&h->m->pc, id) : NULL;
	struct pm_buf bytes = {0}, value = {0}, one = {0};
	struct pm_mv mv;
	enum pm_rc rc;

	if (!p || !(p->type & PM_PT_MV) || have(h, "Keywords"))
		return;
	rc = pm_pc_binary(&h->m->pc, id, HEADERS_MAX, &bytes);
	if (rc != PM_OK && rc != PM_DAMAGED)
		goto out;
	mv = pm_mv_open(p->type & (uint16_t)~PM_PT_MV, pm_buf_span(&bytes));
	for (uint32_t i = 0; i < mv.n; i++) {
		pm_buf_clear(&one);
		rc = pm_text_of(h->ctx, mv.type, pm_mv_item(&mv, i), h->m->codepage, &one);
		if ((rc != PM_OK && rc != PM_DAMAGED) || !one.n)
			continue;
		if (value.n)
			pm_buf_str(h->ctx, &value, ", ");
		pm_head_phrase(h->ctx, &value, one.p, one.n);
	}
	if (value.n)
		pm_head_ready(h->ctx, h->out, "Keywords", value.p, value.n);
out:
	pm_buf_done(&bytes);
	pm_buf_done(&value);
	pm_buf_done(&one);
}

static uint32_t number_of(struct pm_message *m, uint16_t id)
{
	uint32_t v = 0;
	enum pm_rc rc = pm_pc_u32(&m->pc, id, &v);

	return rc == PM_OK || rc == PM_DAMAGED ? v : 0;
}

unsigned int pm_mime_state(struct pm_message *m)
{
	uint32_t verb = number_of(m, ID_LAST_VERB);
	unsigned int state = 0;

	if (m->flags & PM_MSGFLAG_READ)
		state |= PM_STATE_READ;
	if (verb == 102 || verb == 103) /* NOTEIVERB_REPLYTOSENDER, NOTEIVERB_REPLYTOALL */
		state |= PM_STATE_REPLIED;
	if (verb == 104) /* NOTEIVERB_FORWARD */
		state |= PM_STATE_FORWARDED;
	if (number_of(m, ID_FLAG_STATUS) == 2) /* followupFlagged [MS-OXOFLAG 2.2.1.1] */
		state |= PM_STATE_FLAGGED;
	if (m->flags & PM_MSGFLAG_UNSENT)
		state |= PM_STATE_DRAFT;
	return state;
}

static void state(struct head *h)
{
	unsigned int s = pm_mime_state(h->m);
	char flags[4] = {0};
	size_t n = 0;

	/* Outlook and others open it as a draft then. */
	if (s & PM_STATE_DRAFT && !have(h, "X-Unsent"))
		pm_head_ready(h->ctx, h->out, "X-Unsent", "1", 1);
	if (!in_mailbox(h))
		return;
	if (s & PM_STATE_READ)
		pm_head_ready(h->ctx, h->out, "Status", "RO", 2);
	else
		pm_head_ready(h->ctx, h->out, "Status", "O", 1);
	if (s & PM_STATE_REPLIED)
		flags[n++] = 'A';
	if (s & PM_STATE_FLAGGED)
		flags[n++] = 'F';
	if (s & PM_STATE_DRAFT)
		flags[n++] = 'T';
	if (n)
		pm_head_ready(h->ctx, h->out, "X-Status", flags, n);
}

static void from_properties(struct head *h)
{
	const struct pm_people *p = &h->l->people;
	const char *class = h->m->message_class;

	date(h);
	people(h, "From", &p->from);
	people(h, "Sender", &p->sender);
	people(h, "Reply-To", &p->reply);
	people(h, "To", &p->to);
	people(h, "Cc", &p->cc);
	people(h, "Bcc", &p->bcc);
	if (!have(h, "Subject") && h->m->subject && *h->m->subject)
		pm_head_text(h->ctx, h->out, "Subject", h->m->subject, strlen(h->m->subject));
	ids(h, "Message-ID", PM_ID_INTERNET_MESSAGE_ID, true);
	ids(h, "In-Reply-To", ID_IN_REPLY_TO, false);
	ids(h, "References", ID_REFERENCES, false);
	grades(h);
	receipt(h);
	thread(h);
	keywords(h);
	state(h);
	if (class && *class && pm_ascii_casecmp(class, "IPM.Note") != 0)
		pm_head_text(h->ctx, h->out, "X-PSTMend-Class", class, strlen(class));
}

enum pm_rc pm_mime_header(struct pm_mime *w, struct pm_mime_level *l, struct pm_message *m,
			  const char *mark)
{
	struct head h = {.w = w, .ctx = w->ctx, .l = l, .m = m, .out = &l->head};

	transport(&h);
	from_properties(&h);
	if (mark)
		pm_head_text(w->ctx, &l->head, "X-PSTMend-Damaged", mark, strlen(mark));
	pm_buf_str(w->ctx, &l->head, "MIME-Version: 1.0\n");
	pm_buf_done(&h.text);
	return w->ctx->rc;
}
