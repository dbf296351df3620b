/* SPDX-License-Identifier: Apache-2.0 */
/* A message of an input's blocks (fuzz.h): recipients, bodies, attachments, what is damaged. */
#include "fuzz.h"

#include "base/text.h"
#include "msg/message.h"

#define DEPTH_MAX 4
#define READ_MAX  ((uint64_t)1 << 18)

static void utf8(const char *s)
{
	must(!s || pm_utf8_valid(s, strlen(s)));
}

static void bodies(struct pm_message *m)
{
	static const enum pm_body all[] = {PM_BODY_TEXT, PM_BODY_HTML, PM_BODY_RTF};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct pm_value v;
		struct pm_buf out = {0};
		enum pm_rc rc = pm_message_body(m, all[i], &v);

		pm_fuzz_result(m->db->ctx, rc);
		if (rc == PM_OK || rc == PM_DAMAGED)
			pm_fuzz_result(m->db->ctx, pm_value_read(m->db->ctx, &v, READ_MAX, &out));
		pm_value_done(&v);
		pm_buf_done(&out);
	}
}

static void recipients(struct pm_message *m)
{
	for (size_t i = 0; i < m->recipients.rows.n && i < 100; i++) {
		struct pm_recipient r;

		pm_fuzz_result(m->db->ctx, pm_recipient_open(m, i, &r));
		utf8(r.name);
		utf8(r.email);
		pm_recipient_close(&r);
	}
}

static void message(struct pm_message *m, unsigned depth)
{
	struct pm_ctx *ctx = m->db->ctx;

	utf8(m->subject);
	utf8(m->sender_name);
	utf8(m->message_class);
	bodies(m);
	if (m->recipients_state == PM_OK || m->recipients_state == PM_DAMAGED)
		recipients(m);
	for (size_t i = 0; i < m->attachments.n && i < 100; i++) {
		struct pm_attachment a;
		struct pm_message inner;
		struct pm_value v;
		struct pm_buf out = {0};
		enum pm_rc rc;

		pm_fuzz_result(ctx, pm_attachment_open(m, i, &a));
		utf8(a.name);
		rc = pm_attachment_data(&a, &v);
		pm_fuzz_result(ctx, rc);
		if (rc == PM_OK || rc == PM_DAMAGED)
			pm_fuzz_result(ctx, pm_value_read(ctx, &v, READ_MAX, &out));
		pm_value_done(&v);
		pm_buf_done(&out);
		if (depth < DEPTH_MAX && pm_attachment_is_message(&a)) {
			rc = pm_attachment_message(&a, &inner);
			pm_fuzz_result(ctx, rc);
			if (rc != PM_NONE)
				message(&inner, depth + 1);
			pm_message_close(&inner);
		}
		pm_attachment_close(&a);
	}
}

int pm_fuzz_message(const uint8_t *p, size_t n)
{
	struct pm_fuzz_db d;
	struct pm_message m;
	struct pm_flaws flaws;
	enum pm_rc rc;

	if (pm_fuzz_db_open(&d, p, n)) {
		pm_fuzz_result(&d.ctx, pm_message_open_node(&d.db, PM_FUZZ_NID, 1252, &m));
		message(&m, 0);
		rc = pm_message_assess(&m, 50, &flaws);
		pm_fuzz_result(&d.ctx, rc);
		must(flaws.v.n <= 50 && (rc == PM_OK) == !flaws.v.n);
		for (size_t i = 0; i < flaws.v.n; i++)
			utf8(flaws.v.v[i].text);
		pm_flaws_done(&flaws);
		pm_message_close(&m);
	}
	pm_fuzz_db_close(&d);
	return 0;
}
