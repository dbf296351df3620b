/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: properties, recipients, which attachments there are. */
#include "msg/message.h"

#include "base/codepage.h"
#include "base/text.h"

static bool usable(enum pm_rc rc)
{
	return rc == PM_OK || rc == PM_DAMAGED;
}

/* A code page that strings of 8 bits can be in; UTF-16 is named by mistake at times. */
static bool sane_codepage(uint32_t cp)
{
	return cp && pm_cp_known(cp) && cp != 1200 && cp != 1201;
}

/*
 * The Windows code page of an internet one: properties are in the former, the latter is what
 * the mail came in. [OBS: an ANSI file with 3FDE 50220 and strings in 932]
 */
static uint32_t windows_codepage(uint32_t cp)
{
	static const uint32_t pairs[][2] = {
		{20127, 1252}, {20866, 1251}, {20932, 932},  {21866, 1251}, {28591, 1252},
		{28592, 1250}, {28593, 1254}, {28594, 1257}, {28595, 1251}, {28596, 1256},
		{28597, 1253}, {28598, 1255}, {28599, 1254}, {28603, 1257}, {28605, 1252},
		{38598, 1255}, {50220, 932},  {50221, 932},  {50222, 932},  {50225, 949},
		{50227, 936},  {51932, 932},  {51936, 936},  {51949, 949},  {52936, 936},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (pairs[i][0] == cp)
			return pairs[i][1];
	return cp;
}

static enum pm_rc decide_codepage(struct pm_message *m)
{
	static const uint16_t ids[] = {PM_ID_MESSAGE_CODEPAGE, PM_ID_INTERNET_CPID};

	for (size_t i = 0; i < 2; i++) {
		uint32_t cp = 0;
		enum pm_rc rc = pm_pc_u32(&m->pc, ids[i], &cp);

		if (pm_is_error(rc))
			return rc;
		if (sane_codepage(cp)) {
			m->codepage = windows_codepage(cp);
			return PM_OK;
		}
	}
	m->codepage = sane_codepage(m->store_codepage) ? m->store_codepage : PM_CP_WINDOWS_1252;
	return PM_OK;
}

/*
 * The subject may begin with U+0001 and a character whose code is one more than the number of
 * characters in the prefix [MS-PST 2.5.3.1.1.1].
 */
static enum pm_rc split_subject(struct pm_message *m)
{
	const char *s = m->subject;
	size_t n = s ? strlen(s) : 0, skip, end = 0;
	uint32_t c, units;

	if (n < 2 || s[0] != 1)
		return PM_OK;
	skip = 1 + pm_utf8_next((const uint8_t *)s + 1, n - 1, &c);
	m->subject += skip;
	if (c == PM_UNI_BAD || c < 2)
		return PM_OK;
	for (units = c - 1; units && m->subject[end]; units--) {
		size_t left = n - skip - end, len;

		len = pm_utf8_next((const uint8_t *)m->subject + end, left, &c);
		end += len;
		if (c != PM_UNI_BAD && c > 0xFFFF && units > 1)
			units--;
	}
	if (units)
		return PM_OK; /* longer than the subject: no prefix */
	m->subject_prefix = pm_arena_alloc(m->db->ctx, &m->arena, end + 1);
	if (!m->subject_prefix)
		return m->db->ctx->rc;
	memcpy(m->subject_prefix, m->subject, end);
	return PM_OK;
}

static enum pm_rc read_properties(struct pm_message *m)
{
	const struct {
		uint16_t id;
		char **text;
	} texts[] = {
		{PM_ID_MESSAGE_CLASS, &m->message_class},
		{PM_ID_SUBJECT, &m->subject},
		{PM_ID_SENDER_NAME, &m->sender_name},
		{PM_ID_SENDER_ADDRTYPE, &m->sender_type},
		{PM_ID_SENDER_EMAIL, &m->sender_email},
		{0x5D01, &m->sender_smtp}, /* PidTagSenderSmtpAddress */
		{PM_ID_SENT_REPR_NAME, &m->repr_name},
		{PM_ID_SENT_REPR_ADDRTYPE, &m->repr_type},
		{PM_ID_SENT_REPR_EMAIL, &m->repr_email},
	};
	const struct {
		uint16_t id;
		uint64_t *time;
	} times[] = {
		{PM_ID_SUBMIT_TIME, &m->submit},
		{PM_ID_DELIVERY_TIME, &m->delivery},
		{PM_ID_CREATION_TIME, &m->created},
		{PM_ID_MODIFICATION_TIME, &m->modified},
	};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; !pm_is_error(rc) && i < sizeof(texts) / sizeof(texts[0]); i++)
		rc = pm_pc_text(&m->pc, texts[i].id, m->codepage, &m->arena, texts[i].text);
	for (size_t i = 0; !pm_is_error(rc) && i < sizeof(times) / sizeof(times[0]); i++)
		rc = pm_pc_time(&m->pc, times[i].id, times[i].time);
	if (!pm_is_error(rc))
		rc = pm_pc_u32(&m->pc, PM_ID_MESSAGE_FLAGS, &m->flags);
	if (!pm_is_error(rc))
		rc = pm_pc_u32(&m->pc, PM_ID_MESSAGE_SIZE, &m->size);
	return pm_is_error(rc) ? rc : split_subject(m);
}

/* What opens may be a table of something else, under an entry that names a wrong block. */
static bool is_kind(const struct pm_tc *tc, pm_nid nid)
{
	if (nid == PM_NID_RECIPIENT_TABLE)
		return pm_tc_col(tc, PM_ID_RECIPIENT_TYPE, 0);
	return pm_tc_col(tc, PM_ID_ATTACH_METHOD, 0) || pm_tc_col(tc, PM_ID_ATTACH_SIZE, 0);
}

static enum pm_rc open_table(struct pm_message *m, pm_nid nid, struct pm_tc *tc, enum pm_rc *ret)
{
	const struct pm_sub *sub = pm_subs_find(&m->pc.subs, nid);

	*ret = PM_NONE;
	if (!sub)
		return PM_OK;
	*ret = pm_tc_open(m->db, sub->data, sub->sub, tc);
	if (pm_is_error(*ret))
		return *ret;
	if (*ret == PM_NONE)
		*ret = PM_LOST;
	if (usable(*ret) && tc->cols.n && !is_kind(tc, nid)) {
		pm_tc_close(tc);
		*tc = (struct pm_tc){0};
		*ret = PM_LOST;
	}
	return PM_OK;
}

static struct pm_attach_ref *find_ref(struct pm_message *m, size_t n, pm_nid nid)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->attachments.v[mid].nid < nid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && m->attachments.v[lo].nid == nid ? &m->attachments.v[lo] : NULL;
}

static int by_nid(const void *a, const void *b)
{
	pm_nid x = ((const struct pm_attach_ref *)a)->nid;
	pm_nid y = ((const struct pm_attach_ref *)b)->nid;

	return x < y ? -1 : x > y;
}

/* Attachments are subnodes of type 05; the table names them, too. */
static enum pm_rc list_attachments(struct pm_message *m)
{
	struct pm_attach_ref *a;
	size_t subs;

	for (size_t i = 0; i < m->pc.subs.v.n; i++) {
		const struct pm_sub *s = &m->pc.subs.v.v[i];

		if (pm_nid_type((pm_nid)s->nid) != PM_NT_ATTACHMENT)
			continue;
		a = pm_vec_push(m->db->ctx, &m->attachments);
		if (!a)
			return m->db->ctx->rc;
		*a = (struct pm_attach_ref){(pm_nid)s->nid, s->data, s->sub, false, 0, true};
	}
	subs = m->attachments.n;
	for (size_t i = 0; usable(m->attach_state) && i < m->attach_table.rows.n; i++) {
		pm_nid nid = m->attach_table.rows.v[i].id;

		a = find_ref(m, subs, nid);
		if (!a) {
			a = pm_vec_push(m->db->ctx, &m->attachments);
			if (!a)
				return m->db->ctx->rc;
			a->nid = nid;
		}
		a->listed = true;
		a->row = i;
	}
	if (m->attachments.n > subs)
		qsort(m->attachments.v, m->attachments.n, sizeof(*a), by_nid);
	return PM_OK;
}

enum pm_rc pm_message_open_bare(const struct pm_ndb *db, pm_nid nid, pm_bid data, pm_bid sub,
				uint32_t store_codepage, struct pm_message *m)
{
	enum pm_rc rc;

	*m = (struct pm_message){.db = db, .nid = nid, .store_codepage = store_codepage};
	m->state = pm_pc_open(db, data, sub, &m->pc);
	if (m->state == PM_NONE)
		m->state = PM_LOST;
	if (pm_is_error(m->state))
		return m->state;
	rc = decide_codepage(m);
	if (!pm_is_error(rc))
		rc = open_table(m, PM_NID_RECIPIENT_TABLE, &m->recipients, &m->recipients_state);
	if (!pm_is_error(rc))
		rc = open_table(m, PM_NID_ATTACHMENT_TABLE, &m->attach_table, &m->attach_state);
	if (!pm_is_error(rc))
		rc = list_attachments(m);
	return pm_is_error(rc) ? rc : m->state;
}

enum pm_rc pm_message_open(const struct pm_ndb *db, pm_nid nid, pm_bid data, pm_bid sub,
			   uint32_t store_codepage, struct pm_message *m)
{
	enum pm_rc rc = pm_message_open_bare(db, nid, data, sub, store_codepage, m);

	if (!pm_is_error(rc) && usable(m->state))
		rc = read_properties(m);
	return pm_is_error(rc) ? rc : m->state;
}

enum pm_rc pm_message_open_node(const struct pm_ndb *db, pm_nid nid, uint32_t store_codepage,
				struct pm_message *m)
{
	const struct pm_node *n = pm_ndb_find_node(db, nid);

	return pm_message_open(db, nid, n ? n->data : 0, n ? n->sub : 0, store_codepage, m);
}

void pm_message_close(struct pm_message *m)
{
	pm_pc_close(&m->pc);
	pm_tc_close(&m->recipients);
	pm_tc_close(&m->attach_table);
	pm_vec_done(&m->attachments);
	pm_arena_done(&m->arena);
}

enum pm_rc pm_message_body(struct pm_message *m, enum pm_body which, struct pm_value *v)
{
	static const uint16_t ids[] = {PM_ID_BODY, PM_ID_HTML, PM_ID_RTF_COMPRESSED};
	const struct pm_prop *p = pm_pc_find(&m->pc, ids[which]);

	*v = (struct pm_value){.state = PM_NONE};
	if (!p || pm_proptype_inline(p->type) || pm_proptype_size(p->type) < 0)
		return PM_NONE;
	return pm_pc_value(&m->pc, p, v);
}

enum pm_rc pm_recipient_open(struct pm_message *m, size_t i, struct pm_recipient *r)
{
	struct pm_tc *tc = &m->recipients;
	const struct {
		uint16_t id;
		char **text;
	} texts[] = {
		{PM_ID_DISPLAY_NAME, &r->name},
		{PM_ID_ADDRTYPE, &r->address_type},
		{PM_ID_EMAIL_ADDRESS, &r->email},
		{PM_ID_SMTP_ADDRESS, &r->smtp},
	};
	struct pm_span row;
	enum pm_rc rc;

	*r = (struct pm_recipient){.row_id = tc->rows.v[i].id, .type = 1};
	r->state = pm_tc_row(tc, i, &row);
	if (!usable(r->state))
		return r->state;
	rc = pm_tc_u32(tc, i, PM_ID_RECIPIENT_TYPE, &r->type);
	r->type &= 0x0FFFFFFF;
	for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
		if (pm_is_error(rc))
			return rc;
		if (rc == PM_LOST || rc == PM_DAMAGED)
			r->state = PM_DAMAGED;
		rc = pm_tc_text(tc, i, texts[k].id, m->codepage, &r->arena, texts[k].text);
	}
	/* A row that names nobody, or whose id is not that of the index, was overwritten. */
	if (rc == PM_LOST || rc == PM_DAMAGED || tc->rows.v[i].rules ||
	    (!r->name && !r->email && !r->smtp))
		r->state = PM_DAMAGED;
	return pm_is_error(rc) ? rc : r->state;
}

bool pm_recipient_plain(struct pm_tc *tc, size_t i)
{
	static const uint16_t ids[] = {PM_ID_DISPLAY_NAME, PM_ID_EMAIL_ADDRESS, PM_ID_SMTP_ADDRESS,
				       PM_ID_ADDRTYPE, PM_ID_RECIPIENT_TYPE};
	struct pm_span row;
	bool named = false;

	if (pm_tc_row(tc, i, &row) != PM_OK || tc->rows.v[i].rules)
		return false;
	for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++) {
		struct pm_value v;
		enum pm_rc rc = pm_tc_any_cell(tc, i, ids[k], &v);

		named |= k < 3 && rc == PM_OK && v.size;
		pm_value_done(&v);
		if (rc != PM_OK && rc != PM_NONE)
			return false;
	}
	return named;
}

bool pm_message_addressed(const struct pm_pc *pc)
{
	static const uint16_t ids[] = {PM_ID_DISPLAY_TO, PM_ID_DISPLAY_CC, PM_ID_DISPLAY_BCC};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		const struct pm_prop *p = pm_pc_find(pc, ids[i]);

		/* An empty string has no place [MS-PST 2.3.3.3]. */
		if (p && pm_le32(p->raw))
			return true;
	}
	return false;
}

void pm_recipient_close(struct pm_recipient *r)
{
	pm_arena_done(&r->arena);
}

bool pm_class_is(const char *message_class, const char *base)
{
	const size_t n = strlen(base);

	return message_class && strlen(message_class) >= n &&
	       pm_ascii_ncasecmp(message_class, base, n) == 0 &&
	       (!message_class[n] || message_class[n] == '.');
}
