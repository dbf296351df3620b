/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the layer msg: store, folders, messages, attachments, names, and flaws. */
#include "mem_db.h"

#include "ltp/templates.h"
#include "msg/message.h"
#include "msg/store.h"

static const enum pm_variant variants[] = {PM_ANSI, PM_UNICODE, PM_UNICODE4K};

#define BIG 60000

struct made {
	struct mem_db m;
	pm_bid data, sub; /* the outer message */
	uint8_t big[BIG];
};

static void text(struct pm_props *p, uint16_t id, const char *s)
{
	assert_int_equal(pm_props_set_text(p, id, 0, s, NULL), PM_OK);
}

static void cell_text(struct pm_table *t, size_t row, uint16_t id, const char *s)
{
	bool wide = t->fmt->string_type == PM_PT_UNICODE;
	size_t col = pm_table_col(t, (uint32_t)id << 16 | t->fmt->string_type);
	uint8_t b[200];
	size_t n = strlen(s);

	assert_true(col < t->cols.n && n < 100);
	for (size_t i = 0; i < n; i++) {
		b[wide ? 2 * i : i] = (uint8_t)s[i];
		if (wide)
			b[2 * i + 1] = 0;
	}
	assert_int_equal(pm_table_set(t, row, col, b, wide ? 2 * n : n), PM_OK);
}

static void add_recipients(struct made *t, struct pm_props *p, unsigned n)
{
	struct pm_table table;
	pm_bid data, sub;
	size_t col;

	assert_int_equal(pm_template_table(&t->m.ctx, t->m.db.fmt, 0x692, &table), PM_OK);
	assert_int_equal(pm_table_add_col(&table, 0x39FE0000u | t->m.db.fmt->string_type, &col),
			 PM_OK);
	for (unsigned i = 0; i < n; i++) {
		size_t row;

		assert_int_equal(pm_table_add_row(&table, i + 1, &row), PM_OK);
		assert_int_equal(pm_table_set_u32(&table, row, 0x0C150003, 1 + i % 3), PM_OK);
		cell_text(&table, row, 0x3001, i % 2 ? "Bob" : "Alice");
		cell_text(&table, row, 0x3002, "SMTP");
		cell_text(&table, row, 0x3003, "a@example.com");
		cell_text(&table, row, 0x39FE, "smtp@example.com");
	}
	assert_int_equal(pm_table_build(&table, &t->m.sink, &data, &sub), PM_OK);
	pm_table_done(&table);
	assert_int_equal(pm_subs_put(&t->m.ctx, &p->subs, 0x692, data, sub), PM_OK);
}

/* An attachment subnode and its row. `embedded`: a message of these blocks. */
static void add_attachment(struct made *t, struct pm_props *p, struct pm_table *table, pm_nid nid,
			   const char *name, pm_bid data, pm_bid sub)
{
	struct pm_props a;
	pm_bid d, s;
	size_t row;

	pm_props_init(&a, &t->m.ctx, t->m.db.fmt);
	text(&a, PM_ID_ATTACH_LONG_FILENAME, name);
	text(&a, PM_ID_ATTACH_MIME_TAG, "text/plain");
	assert_int_equal(pm_props_set_u32(&a, PM_ID_ATTACH_SIZE, PM_PT_I4, BIG), PM_OK);
	if (data) {
		assert_int_equal(pm_props_set_u32(&a, PM_ID_ATTACH_METHOD, PM_PT_I4, 5), PM_OK);
		assert_int_equal(pm_subs_put(&t->m.ctx, &a.subs, 0x2004, data, sub), PM_OK);
		assert_int_equal(pm_props_set_object(&a, PM_ID_ATTACH_DATA, 0x2004, 100), PM_OK);
	} else {
		assert_int_equal(pm_props_set_u32(&a, PM_ID_ATTACH_METHOD, PM_PT_I4, 1), PM_OK);
		assert_int_equal(pm_props_set(&a, PM_ID_ATTACH_DATA, PM_PT_BINARY, t->big, BIG),
				 PM_OK);
	}
	assert_int_equal(pm_props_build(&a, &t->m.sink, &d, &s), PM_OK);
	pm_props_done(&a);
	assert_int_equal(pm_subs_put(&t->m.ctx, &p->subs, nid, d, s), PM_OK);
	assert_int_equal(pm_table_add_row(table, nid, &row), PM_OK);
	cell_text(table, row, PM_ID_ATTACH_FILENAME, name);
}

static void finish(struct made *t, struct pm_props *p, struct pm_table *table, pm_bid *data,
		   pm_bid *sub)
{
	pm_bid d, s;

	assert_int_equal(pm_table_build(table, &t->m.sink, &d, &s), PM_OK);
	pm_table_done(table);
	assert_int_equal(pm_subs_put(&t->m.ctx, &p->subs, 0x671, d, s), PM_OK);
	assert_int_equal(pm_props_build(p, &t->m.sink, data, sub), PM_OK);
	pm_props_done(p);
}

/* A message with recipients, a file, and a message that has a file. */
static void make(struct made *t, enum pm_variant variant)
{
	struct pm_props p;
	struct pm_table table;
	pm_bid inner, inner_sub;

	mem_db_open(&t->m, variant, PM_CRYPT_PERMUTE);
	for (size_t i = 0; i < BIG; i++)
		t->big[i] = (uint8_t)(i * 13 + i / 251);
	pm_props_init(&p, &t->m.ctx, t->m.db.fmt);
	text(&p, PM_ID_MESSAGE_CLASS, "IPM.Note");
	text(&p, PM_ID_SUBJECT, "inner");
	assert_int_equal(pm_template_table(&t->m.ctx, t->m.db.fmt, 0x671, &table), PM_OK);
	add_attachment(t, &p, &table, 0x8025, "deep.txt", 0, 0);
	finish(t, &p, &table, &inner, &inner_sub);

	pm_props_init(&p, &t->m.ctx, t->m.db.fmt);
	text(&p, PM_ID_MESSAGE_CLASS, "IPM.Note");
	text(&p, PM_ID_SUBJECT, "\x01\x05RE: outer");
	text(&p, PM_ID_SENDER_NAME, "Carol");
	text(&p, PM_ID_SENDER_EMAIL, "carol@example.com");
	text(&p, PM_ID_BODY, "Hello\r\n");
	assert_int_equal(pm_props_set(&p, PM_ID_HTML, PM_PT_BINARY, t->big, 20000), PM_OK);
	assert_int_equal(pm_props_set_u32(&p, PM_ID_MESSAGE_FLAGS, PM_PT_I4, 0x11), PM_OK);
	assert_int_equal(pm_props_set_u64(&p, PM_ID_SUBMIT_TIME, PM_PT_TIME, 12345), PM_OK);
	add_recipients(t, &p, 5);
	assert_int_equal(pm_template_table(&t->m.ctx, t->m.db.fmt, 0x671, &table), PM_OK);
	add_attachment(t, &p, &table, 0x8025, "a.txt", 0, 0);
	add_attachment(t, &p, &table, 0x8045, "inner.msg", inner, inner_sub);
	finish(t, &p, &table, &t->data, &t->sub);
}

static enum pm_rc open_message(struct made *t, struct pm_message *m)
{
	return pm_message_open(&t->m.db, 0x200024, t->data, t->sub, 0, m);
}

static void assert_file(struct made *t, struct pm_message *m, size_t i, const char *name)
{
	struct pm_attachment a;
	struct pm_message none;
	struct pm_buf b = {0};
	struct pm_value v;

	assert_int_equal(pm_attachment_open(m, i, &a), PM_OK);
	assert_string_equal(a.name, name);
	assert_string_equal(a.mime, "text/plain");
	assert_int_equal(a.method, PM_AM_VALUE);
	assert_int_equal(a.size, BIG);
	assert_false(pm_attachment_is_message(&a));
	assert_int_equal(pm_attachment_message(&a, &none), PM_NONE);
	pm_message_close(&none);
	assert_int_equal(pm_attachment_data(&a, &v), PM_OK);
	assert_true(v.stream);
	assert_int_equal(pm_value_read(&t->m.ctx, &v, 1 << 20, &b), PM_OK);
	assert_int_equal(b.n, BIG);
	assert_memory_equal(b.p, t->big, BIG);
	pm_buf_done(&b);
	pm_value_done(&v);
	pm_attachment_close(&a);
}

static void assert_outer(struct made *t)
{
	struct pm_message m, inner;
	struct pm_attachment a;
	struct pm_flaws flaws;
	struct pm_value v;
	struct pm_buf b = {0};

	assert_int_equal(open_message(t, &m), PM_OK);
	assert_string_equal(m.message_class, "IPM.Note");
	assert_string_equal(m.subject, "RE: outer");
	assert_string_equal(m.subject_prefix, "RE: ");
	assert_string_equal(m.sender_name, "Carol");
	assert_null(m.sender_smtp);
	assert_int_equal(m.flags, 0x11);
	assert_int_equal(m.submit, 12345);
	assert_int_equal(m.codepage, 1252);
	assert_int_equal(pm_message_body(&m, PM_BODY_TEXT, &v), PM_OK);
	assert_int_equal(pm_value_text(&t->m.ctx, &v, m.codepage, &b), PM_OK);
	assert_string_equal(pm_buf_cstr(&t->m.ctx, &b), "Hello\r\n");
	pm_buf_done(&b);
	pm_value_done(&v);
	assert_int_equal(pm_message_body(&m, PM_BODY_HTML, &v), PM_OK);
	assert_int_equal(v.size, 20000);
	pm_value_done(&v);
	assert_int_equal(pm_message_body(&m, PM_BODY_RTF, &v), PM_NONE);
	assert_int_equal(m.recipients.rows.n, 5);
	for (size_t i = 0; i < 5; i++) {
		struct pm_recipient r;

		assert_int_equal(pm_recipient_open(&m, i, &r), PM_OK);
		assert_int_equal(r.type, 1 + i % 3);
		assert_string_equal(r.name, i % 2 ? "Bob" : "Alice");
		assert_string_equal(r.smtp, "smtp@example.com");
		pm_recipient_close(&r);
	}
	assert_int_equal(m.attachments.n, 2);
	assert_file(t, &m, 0, "a.txt");
	assert_int_equal(pm_attachment_open(&m, 1, &a), PM_OK);
	assert_true(pm_attachment_is_message(&a));
	assert_int_equal(pm_attachment_data(&a, &v), PM_NONE);
	assert_int_equal(pm_attachment_message(&a, &inner), PM_OK);
	assert_string_equal(inner.subject, "inner");
	assert_null(inner.subject_prefix);
	assert_int_equal(inner.recipients_state, PM_NONE);
	assert_file(t, &inner, 0, "deep.txt");
	pm_message_close(&inner);
	pm_attachment_close(&a);
	assert_int_equal(pm_message_assess(&m, 10, &flaws), PM_OK);
	assert_int_equal(flaws.v.n, 0);
	pm_flaws_done(&flaws);
	pm_message_close(&m);
}

static void test_message(void **state)
{
	static struct made t;

	(void)state;
	for (size_t v = 0; v < PM_LEN(variants); v++) {
		make(&t, variants[v]);
		assert_outer(&t);
		mem_db_close(&t.m);
	}
}

/* --- flaws ----------------------------------------------------------------------------- */

/* The data tree of a subnode of the message, or of a subnode of that. */
static pm_bid sub_data(struct made *t, pm_bid sub, pm_nid nid, pm_bid *ret_sub)
{
	struct pm_subs s;
	const struct pm_sub *e;
	pm_bid data;

	assert_int_equal(pm_tree_subs(&t->m.db, sub, &s), PM_OK);
	e = pm_subs_find(&s, nid);
	assert_non_null(e);
	data = e->data;
	if (ret_sub)
		*ret_sub = e->sub;
	pm_subs_close(&s);
	return data;
}

static pm_bid leaf_of(struct made *t, pm_bid bid, size_t k)
{
	struct pm_data d;
	pm_bid leaf;

	assert_int_equal(pm_tree_data(&t->m.db, bid, &d), PM_OK);
	leaf = d.leaves.v[k].bid;
	pm_data_close(&d);
	return leaf;
}

/* What each kind of damage is called. */
static void break_data(struct made *t)
{
	pm_bid sub;

	sub_data(t, t->sub, 0x8025, &sub);
	mem_db_lose(&t->m, leaf_of(t, sub_data(t, sub, 0x801F, NULL), 1));
}

static void break_html(struct made *t)
{
	mem_db_poke(&t->m, leaf_of(t, sub_data(t, t->sub, 0x801F, NULL), 0), 5, 0xEE, false);
}

static void break_recipients(struct made *t)
{
	mem_db_lose(&t->m, sub_data(t, t->sub, 0x692, NULL));
}

static void break_attachment(struct made *t)
{
	mem_db_lose(&t->m, sub_data(t, t->sub, 0x8025, NULL));
}

static void break_properties(struct made *t)
{
	mem_db_lose(&t->m, t->data);
}

static void break_properties_some(struct made *t)
{
	mem_db_poke(&t->m, t->data, 100, 0xEE, false);
}

static void break_subnodes(struct made *t)
{
	mem_db_lose(&t->m, t->sub);
}

static void break_inner(struct made *t)
{
	pm_bid sub, inner_sub;

	sub_data(t, t->sub, 0x8045, &sub);
	sub_data(t, sub, 0x2004, &inner_sub);
	mem_db_lose(&t->m, sub_data(t, inner_sub, 0x8025, NULL));
}

static void break_embedded(struct made *t)
{
	pm_bid sub;

	sub_data(t, t->sub, 0x8045, &sub);
	mem_db_lose(&t->m, sub_data(t, sub, 0x2004, NULL));
}

static void test_flaws(void **state)
{
	static const struct {
		void (*hurt)(struct made *t);
		enum pm_flaw_what what;
		enum pm_rc worst;
		const char *text;
	} rows[] = {
		{break_data, PM_FLAW_DATA, PM_DAMAGED,
		 "attachment 1 'a.txt': data: missing at 8176..16352"},
		{break_html, PM_FLAW_HTML, PM_DAMAGED, "html body: damaged at 0..8176"},
		{break_recipients, PM_FLAW_RECIPIENTS, PM_DAMAGED, "recipients: lost"},
		{break_attachment, PM_FLAW_ATTACHMENT, PM_DAMAGED, "attachment 1 'a.txt': lost"},
		{break_properties, PM_FLAW_PROPERTIES, PM_LOST, "properties: lost"},
		{break_properties_some, PM_FLAW_PROPERTIES, PM_DAMAGED, "properties: damaged"},
		{break_subnodes, PM_FLAW_PROPERTIES, PM_DAMAGED,
		 "subnodes: lost, recipients, attachments or large values may be missing"},
		{break_inner, PM_FLAW_ATTACHMENT, PM_DAMAGED,
		 "attachment 2 'inner.msg': attachment 1 'deep.txt': lost"},
		{break_embedded, PM_FLAW_EMBEDDED, PM_DAMAGED,
		 "attachment 2 'inner.msg': embedded message: lost"},
	};
	static struct made t;

	(void)state;
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		struct pm_message m;
		struct pm_flaws flaws;

		make(&t, PM_UNICODE);
		rows[i].hurt(&t);
		assert_false(pm_is_error(open_message(&t, &m)));
		assert_int_equal(pm_message_assess(&m, 10, &flaws), rows[i].worst);
		assert_true(flaws.v.n >= 1);
		assert_string_equal(flaws.v.v[0].text, rows[i].text);
		assert_int_equal(flaws.v.v[0].what, rows[i].what);
		pm_flaws_done(&flaws);
		/* no room to list it: counted all the same */
		assert_int_equal(pm_message_assess(&m, 0, &flaws), rows[i].worst);
		assert_int_equal(flaws.v.n, 0);
		assert_true(flaws.more >= 1);
		pm_flaws_done(&flaws);
		pm_message_close(&m);
		mem_db_close(&t.m);
	}
}

/* A row whose attachment is not there any more is told by the name in the row. */
static void test_missing_attachment(void **state)
{
	static struct made t;
	struct pm_message m;
	struct pm_flaws flaws;
	struct pm_props p;
	struct pm_pc pc;

	(void)state;
	make(&t, PM_UNICODE);
	assert_int_equal(pm_pc_open(&t.m.db, t.data, t.sub, &pc), PM_OK);
	pm_props_init(&p, &t.m.ctx, t.m.db.fmt);
	assert_int_equal(pm_props_load(&p, &pc), PM_OK);
	pm_subs_remove(&p.subs, 0x8045);
	assert_int_equal(pm_props_build(&p, &t.m.sink, &t.data, &t.sub), PM_OK);
	pm_props_done(&p);
	pm_pc_close(&pc);
	assert_int_equal(open_message(&t, &m), PM_OK);
	assert_int_equal(m.attachments.n, 2);
	assert_false(m.attachments.v[1].there);
	assert_int_equal(pm_message_assess(&m, 10, &flaws), PM_DAMAGED);
	assert_int_equal(flaws.v.n, 1);
	assert_string_equal(flaws.v.v[0].text, "attachment 2 'inner.msg': missing");
	pm_flaws_done(&flaws);
	pm_message_close(&m);
	mem_db_close(&t.m);
}

static void test_message_no_memory(void **state)
{
	static struct made t;

	(void)state;
	make(&t, PM_UNICODE);
	for (uint64_t n = 1; n < 3000; n++) {
		struct pm_flaws flaws = {0};
		struct pm_message m;
		enum pm_rc rc;

		pm_mem_fail_at(n);
		rc = open_message(&t, &m);
		if (!pm_is_error(rc))
			rc = pm_message_assess(&m, 10, &flaws);
		pm_mem_fail_at(0);
		pm_flaws_done(&flaws);
		pm_message_close(&m);
		if (rc == PM_OK) {
			assert_true(n > 50);
			mem_db_close(&t.m);
			return;
		}
		assert_int_equal(rc, PM_ENOMEM);
		t.m.ctx.rc = PM_OK;
	}
	fail_msg("it never succeeds");
}

/* Messages in one another without end: as deep as agreed, and no further. */
static void test_cycle(void **state)
{
	struct mem_db m;
	struct pm_props p;
	struct pm_message msg;
	struct pm_flaws flaws;
	pm_bid attach, message, attach_sub, message_sub, self;
	uint8_t raw[32] = {2, 0, 1};
	uint8_t *entry = raw + 8;

	(void)state;
	mem_db_open(&m, PM_UNICODE, PM_CRYPT_NONE);
	pm_props_init(&p, &m.ctx, m.db.fmt);
	text(&p, PM_ID_SUBJECT, "round");
	assert_int_equal(pm_props_build(&p, &m.sink, &message, &message_sub), PM_OK);
	assert_int_equal(pm_props_set_object(&p, PM_ID_ATTACH_DATA, 0x24, 0), PM_OK);
	assert_int_equal(pm_props_set_u32(&p, PM_ID_ATTACH_METHOD, PM_PT_I4, 5), PM_OK);
	assert_int_equal(pm_props_build(&p, &m.sink, &attach, &attach_sub), PM_OK);
	pm_props_done(&p);
	/* two subnode lists that name each other: an attachment whose message has it */
	self = m.next | PM_BID_INTERNAL;
	pm_put64(entry, 0x25);
	pm_put64(entry + 8, attach);
	pm_put64(entry + 16, self + 4);
	assert_int_equal(mem_db_put(&m, true, raw, sizeof(raw)), self);
	pm_put64(entry, 0x24);
	pm_put64(entry + 8, message);
	pm_put64(entry + 16, self);
	assert_int_equal(mem_db_put(&m, true, raw, sizeof(raw)), self + 4);
	assert_int_equal(pm_message_open(&m.db, 0, message, self, 0, &msg), PM_OK);
	assert_int_equal(pm_message_assess(&msg, 10, &flaws), PM_DAMAGED);
	assert_int_equal(flaws.v.n, 1);
	assert_int_equal(flaws.v.v[0].what, PM_FLAW_EMBEDDED);
	pm_flaws_done(&flaws);
	pm_message_close(&msg);
	mem_db_close(&m);
}

/* Each message has ten attachments that are all the same message, twenty levels deep. */
static void test_fan(void **state)
{
	struct mem_db m;
	struct pm_props p;
	struct pm_message msg;
	struct pm_flaws flaws;
	pm_bid data, sub;

	(void)state;
	mem_db_open(&m, PM_UNICODE, PM_CRYPT_NONE);
	pm_props_init(&p, &m.ctx, m.db.fmt);
	text(&p, PM_ID_SUBJECT, "last");
	assert_int_equal(pm_props_build(&p, &m.sink, &data, &sub), PM_OK);
	pm_props_done(&p);
	for (unsigned level = 0; level < 20; level++) {
		pm_bid attach, attach_sub;

		pm_props_init(&p, &m.ctx, m.db.fmt);
		assert_int_equal(pm_subs_put(&m.ctx, &p.subs, 0x24, data, sub), PM_OK);
		assert_int_equal(pm_props_set_object(&p, PM_ID_ATTACH_DATA, 0x24, 0), PM_OK);
		assert_int_equal(pm_props_set_u32(&p, PM_ID_ATTACH_METHOD, PM_PT_I4, 5), PM_OK);
		assert_int_equal(pm_props_build(&p, &m.sink, &attach, &attach_sub), PM_OK);
		pm_props_done(&p);
		pm_props_init(&p, &m.ctx, m.db.fmt);
		text(&p, PM_ID_SUBJECT, "level");
		for (unsigned i = 0; i < 10; i++)
			assert_int_equal(
				pm_subs_put(&m.ctx, &p.subs, 0x25 + 32 * i, attach, attach_sub),
				PM_OK);
		assert_int_equal(pm_props_build(&p, &m.sink, &data, &sub), PM_OK);
		pm_props_done(&p);
	}
	assert_int_equal(pm_message_open(&m.db, 0, data, sub, 0, &msg), PM_OK);
	assert_int_equal(msg.attachments.n, 10);
	assert_int_equal(pm_message_assess(&msg, 10, &flaws), PM_OK);
	pm_flaws_done(&flaws);
	pm_message_close(&msg);
	mem_db_close(&m);
}

static void test_subjects(void **state)
{
	static const struct {
		const char *stored, *subject, *prefix;
	} rows[] = {
		{"plain", "plain", NULL},
		{"\x01\x01no prefix", "no prefix", NULL},
		{"\x01\x05RE: x", "RE: x", "RE: "},
		{"\x01\x06 Ä\xF0\x9F\x99\x82: y", " Ä\xF0\x9F\x99\x82: y", " Ä\xF0\x9F\x99\x82:"},
		{"\x01\x40short", "short", NULL},
		{"\x01", "\x01", NULL},
		{"\x01\x05", "", NULL},
		{"", "", NULL},
	};
	struct mem_db m;

	(void)state;
	mem_db_open(&m, PM_UNICODE, PM_CRYPT_NONE);
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		struct pm_props p;
		struct pm_message msg;
		pm_bid data, sub;

		pm_props_init(&p, &m.ctx, m.db.fmt);
		text(&p, PM_ID_SUBJECT, rows[i].stored);
		assert_int_equal(pm_props_build(&p, &m.sink, &data, &sub), PM_OK);
		pm_props_done(&p);
		assert_int_equal(pm_message_open(&m.db, 0, data, sub, 0, &msg), PM_OK);
		assert_string_equal(msg.subject, rows[i].subject);
		if (rows[i].prefix)
			assert_string_equal(msg.subject_prefix, rows[i].prefix);
		else
			assert_null(msg.subject_prefix);
		pm_message_close(&msg);
	}
	mem_db_close(&m);
}

static void test_codepages(void **state)
{
	static const struct {
		uint32_t message, internet, store;
		const char *stored, *text;
		uint32_t codepage;
	} rows[] = {
		{0, 0, 0, "\xE9", "é", 1252},          {1251, 50220, 932, "\xE9", "й", 1251},
		{0, 50220, 0, "\x83R", "コ", 932},     {1200, 28592, 0, "\xB9", "ą", 1250},
		{0, 65001, 0, "\xC3\xA9", "é", 65001}, {0, 65001, 0, "\xE9", "é", 65001},
		{0, 0, 1250, "\xB9", "ą", 1250},       {99999, 0, 1253, "\xE1", "α", 1253},
	};
	struct mem_db m;

	(void)state;
	mem_db_open(&m, PM_ANSI, PM_CRYPT_NONE);
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		struct pm_props p;
		struct pm_message msg;
		pm_bid data, sub;

		pm_props_init(&p, &m.ctx, m.db.fmt);
		assert_int_equal(pm_props_set(&p, PM_ID_SUBJECT, PM_PT_STRING8, rows[i].stored,
					      strlen(rows[i].stored)),
				 PM_OK);
		if (rows[i].message)
			assert_int_equal(pm_props_set_u32(&p, PM_ID_MESSAGE_CODEPAGE, PM_PT_I4,
							  rows[i].message),
					 PM_OK);
		if (rows[i].internet)
			assert_int_equal(pm_props_set_u32(&p, PM_ID_INTERNET_CPID, PM_PT_I4,
							  rows[i].internet),
					 PM_OK);
		assert_int_equal(pm_props_build(&p, &m.sink, &data, &sub), PM_OK);
		pm_props_done(&p);
		assert_int_equal(pm_message_open(&m.db, 0, data, sub, rows[i].store, &msg), PM_OK);
		assert_int_equal(msg.codepage, rows[i].codepage);
		assert_string_equal(msg.subject, rows[i].text);
		pm_message_close(&msg);
	}
	mem_db_close(&m);
}

/* --- store and folder ------------------------------------------------------------------ */

static void test_store_and_folder(void **state)
{
	static const uint8_t key[16] = {9, 8, 7};

	(void)state;
	for (size_t v = 0; v < PM_LEN(variants); v++) {
		struct mem_db m;
		struct pm_props p;
		struct pm_store s;
		struct pm_folder f;
		uint8_t entry[24];
		pm_bid data, sub;

		mem_db_open(&m, variants[v], PM_CRYPT_PERMUTE);
		assert_int_equal(pm_store_open(&m.db, &s), PM_LOST);
		pm_store_close(&s);
		pm_props_init(&p, &m.ctx, m.db.fmt);
		text(&p, PM_ID_DISPLAY_NAME, "Mail");
		assert_int_equal(pm_props_set(&p, PM_ID_RECORD_KEY, PM_PT_BINARY, key, 16), PM_OK);
		pm_entry_id_put(entry, key, 0x8022);
		assert_int_equal(
			pm_props_set(&p, PM_ID_IPM_SUBTREE_ENTRYID, PM_PT_BINARY, entry, 24),
			PM_OK);
		assert_int_equal(pm_props_set(&p, PM_ID_FINDER_ENTRYID, PM_PT_BINARY, entry, 23),
				 PM_OK);
		assert_int_equal(pm_props_build(&p, &m.sink, &data, &sub), PM_OK);
		pm_props_done(&p);
		mem_db_node(&m, PM_NID_STORE, 0, data, sub);
		assert_int_equal(pm_store_open(&m.db, &s), PM_OK);
		assert_string_equal(s.name, "Mail");
		assert_true(s.has_key);
		assert_int_equal(s.ipm_subtree, 0x8022);
		assert_int_equal(s.finder, 0);
		assert_int_equal(s.wastebasket, 0);
		pm_store_close(&s);
		assert_int_equal(pm_entry_id_nid((struct pm_span){entry, 24, 0}, key), 0x8022);
		entry[4]++;
		assert_int_equal(pm_entry_id_nid((struct pm_span){entry, 24, 0}, key), 0);

		assert_int_equal(pm_template_build(&m.ctx, &m.sink, PM_NID_ROOT, &data), PM_OK);
		mem_db_node(&m, PM_NID_ROOT, PM_NID_ROOT, data, 0);
		assert_int_equal(pm_folder_open(&m.db, PM_NID_ROOT, 0, &f), PM_OK);
		assert_string_equal(f.name, "");
		assert_int_equal(f.parent, PM_NID_ROOT);
		assert_true(f.has_count && f.has_unread && f.has_subfolders && !f.has_assoc);
		assert_true(f.subfolders && f.count == 0);
		pm_folder_close(&f);
		assert_int_equal(pm_folder_open(&m.db, 0x8022, 0, &f), PM_LOST);
		pm_folder_close(&f);
		assert_int_equal(pm_folder_companion(0x8022, PM_NT_CONTENTS), 0x802E);
		mem_db_close(&m);
	}
}

/* --- named properties ------------------------------------------------------------------ */

static const uint8_t appointment[16] = {2, 0x20, 6, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46};

static void add_names(struct pm_names *names)
{
	uint16_t prop = 0;
	char name[32];

	assert_int_equal(pm_names_add(names, appointment, 0x8205, NULL, &prop), PM_OK);
	assert_int_equal(prop, 0x8000);
	assert_int_equal(pm_names_add(names, pm_uid_strings, 0, "Keywords", &prop), PM_OK);
	assert_int_equal(pm_names_add(names, pm_uid_mapi, 0x1234, NULL, &prop), PM_OK);
	assert_int_equal(prop, 0x8002);
	memcpy(name, "name-000", 9);
	for (unsigned i = 0; i < 600; i++) {
		name[5] = (char)('0' + i / 100);
		name[6] = (char)('0' + i / 10 % 10);
		name[7] = (char)('0' + i % 10);
		assert_int_equal(pm_names_add(names, appointment, 0, name, &prop), PM_OK);
	}
	assert_int_equal(prop, 0x8002 + 600);
}

static void test_names(void **state)
{
	(void)state;
	for (size_t v = 0; v < PM_LEN(variants); v++) {
		struct mem_db m;
		struct pm_names names;
		const struct pm_name *n;
		pm_bid data, sub;

		mem_db_open(&m, variants[v], PM_CRYPT_PERMUTE);
		assert_int_equal(pm_names_open(&m.db, &names), PM_LOST);
		add_names(&names);
		assert_int_equal(pm_names_build(&names, &m.sink, &data, &sub), PM_OK);
		pm_names_close(&names);
		mem_db_node(&m, PM_NID_NAMEMAP, 0, data, sub);
		assert_int_equal(pm_names_open(&m.db, &names), PM_OK);
		assert_int_equal(names.rules, 0);
		assert_int_equal(names.v.n, 603);
		assert_int_equal(pm_names_check_buckets(&m.db, &names), PM_OK);
		assert_int_equal(pm_names_id(&names, appointment, 0x8205), 0x8000);
		assert_int_equal(pm_names_id(&names, appointment, 0x8206), 0);
		assert_int_equal(pm_names_id(&names, pm_uid_mapi, 0x8205), 0);
		assert_int_equal(pm_names_id(&names, pm_uid_mapi, 0x1234), 0x8002);
		assert_int_equal(pm_names_string(&names, pm_uid_strings, "Keywords"), 0x8001);
		assert_int_equal(pm_names_string(&names, pm_uid_strings, "Keyword"), 0);
		assert_int_equal(pm_names_string(&names, appointment, "name-599"), 0x8002 + 600);
		n = pm_names_of(&names, 0x8001);
		assert_non_null(n);
		assert_true(n->is_string);
		assert_memory_equal(n->uid, pm_uid_strings, 16);
		assert_null(pm_names_of(&names, 0x9000));
		pm_names_close(&names);
		mem_db_close(&m);
	}
}

/* The map of a PC whose streams are these. */
static void put_streams(struct mem_db *m, const void *guids, size_t n_guids, const void *entries,
			size_t n_entries, const void *strings, size_t n_strings)
{
	struct pm_props p;
	pm_bid data, sub;

	pm_props_init(&p, &m->ctx, m->db.fmt);
	assert_int_equal(pm_props_set_u32(&p, 1, PM_PT_I4, 7), PM_OK);
	assert_int_equal(pm_props_set(&p, 2, PM_PT_BINARY, guids, n_guids), PM_OK);
	assert_int_equal(pm_props_set(&p, 3, PM_PT_BINARY, entries, n_entries), PM_OK);
	assert_int_equal(pm_props_set(&p, 4, PM_PT_BINARY, strings, n_strings), PM_OK);
	assert_int_equal(pm_props_build(&p, &m->sink, &data, &sub), PM_OK);
	pm_props_done(&p);
	mem_db_node(m, PM_NID_NAMEMAP, 0, data, sub);
}

/* Entries that are wrong keep their ids; what is lost of them is named and made good. */
static void test_names_damaged(void **state)
{
	static const uint8_t entries[] = {
		0x05, 0x82, 0, 0, 6, 0, 0, 0, /* set 3, 8205 */
		0x06, 0x82, 0, 0, 8, 0, 1, 0, /* set 4: there is none */
		90,   0,    0, 0, 7, 0, 2, 0, /* a string beyond the stream */
		0,    0,    0, 0, 7, 0, 3, 0, /* "ab" */
		0x07, 0x82, 0, 0, 6, 0, 3, 0, /* the id of the one before */
		0x05, 0x82, 0, 0, 6, 0, 4, 0, /* the name of the first */
		1,    2,    3,
	};
	static const uint8_t strings[] = {4, 0, 0, 0, 'a', 0, 'b', 0};
	struct mem_db m;
	struct pm_names names;
	pm_bid data, sub;

	(void)state;
	mem_db_open(&m, PM_UNICODE, PM_CRYPT_NONE);
	put_streams(&m, appointment, 16, entries, sizeof(entries), strings, sizeof(strings));
	assert_int_equal(pm_names_open(&m.db, &names), PM_DAMAGED);
	assert_int_equal(names.v.n, 6);
	assert_int_equal(names.rules, PM_NR_SIZES | PM_NR_GUID | PM_NR_STRING | PM_NR_TWICE |
					      PM_NR_COUNT | PM_NR_SAME);
	assert_int_equal(names.v.v[1].rules, PM_NR_GUID);
	assert_int_equal(names.v.v[2].rules, PM_NR_STRING);
	assert_int_equal(names.v.v[4].rules, PM_NR_TWICE);
	assert_int_equal(names.v.v[5].rules, PM_NR_SAME);
	assert_int_equal(pm_names_check_buckets(&m.db, &names), PM_DAMAGED);
	assert_int_equal(pm_names_id(&names, appointment, 0x8205), 0x8000);
	assert_int_equal(pm_names_string(&names, appointment, "ab"), 0x8003);
	assert_int_equal(pm_names_build(&names, &m.sink, &data, &sub), PM_OK);
	pm_names_close(&names);
	pm_ndb_find_node(&m.db, PM_NID_NAMEMAP)->data = data;
	assert_int_equal(pm_names_open(&m.db, &names), PM_OK);
	assert_int_equal(names.rules, PM_NR_SAME);
	assert_int_equal(names.v.n, 5);
	assert_int_equal(pm_names_check_buckets(&m.db, &names), PM_OK);
	assert_int_equal(pm_names_string(&names, appointment, "ab"), 0x8003);
	assert_int_equal(pm_names_of(&names, 0x8002)->prop, 0x8002);
	pm_names_close(&names);
	mem_db_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_flaws),
		cmocka_unit_test(test_missing_attachment),
		cmocka_unit_test(test_message_no_memory),
		cmocka_unit_test(test_cycle),
		cmocka_unit_test(test_fan),
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_codepages),
		cmocka_unit_test(test_store_and_folder),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_damaged),
	};

	return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
