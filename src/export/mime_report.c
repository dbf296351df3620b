/* SPDX-License-Identifier: Apache-2.0 */
/* Reports; see mime_report.h. */
#include "export/mime_report.h"

#include "base/text.h"
#include "base/time.h"

#include <stdio.h>

/* Property ids [MS-OXPROPS] */
enum {
	ID_REPORT_TIME = 0x0032,
	ID_NDR_REASON = 0x0C04,
	ID_NDR_DIAGNOSTIC = 0x0C05,
	ID_SUPPLEMENTARY = 0x0C1B,
	ID_NDR_STATUS = 0x0C20,
	ID_REMOTE_MTA = 0x0C21,
	ID_REPORTING_MTA = 0x6820,
	ID_ORIGINAL_ID = 0x1046,
};

static const struct form {
	const char *suffix; /* of the class, before ".DR" and the like */
	enum pm_report_kind kind;
	const char *action; /* or disposition */
	const char *status; /* where the message has none [RFC 3463] */
} forms[] = {
	{".Expanded.DR", PM_REPORT_DELIVERY, "expanded", "2.0.0"},
	{".Relayed.DR", PM_REPORT_DELIVERY, "relayed", "2.0.0"},
	{".Delayed.DR", PM_REPORT_DELIVERY, "delayed", "4.0.0"},
	{".NDR", PM_REPORT_DELIVERY, "failed", "5.0.0"},
	{".DR", PM_REPORT_DELIVERY, "delivered", "2.0.0"},
	{".IPNRN", PM_REPORT_DISPOSITION, "displayed", NULL},
	{".IPNNRN", PM_REPORT_DISPOSITION, "deleted", NULL},
};

static const struct form *form_of(const char *class)
{
	size_t n = class ? strlen(class) : 0;

	if (n < 7 || pm_ascii_ncasecmp(class, "REPORT.", 7) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t len = strlen(forms[i].suffix);

		if (n >= len && pm_ascii_casecmp(class + n - len, forms[i].suffix) == 0)
			return &forms[i];
	}
	return NULL;
}

enum pm_report_kind pm_report_kind(const char *message_class)
{
	const struct form *f = form_of(message_class);

	return f ? f->kind : PM_REPORT_NONE;
}

/* A field with text; what is not ASCII has no form here [RFC 3464 2.1.2]. */
static void put(struct pm_ctx *ctx, struct pm_buf *out, const char *name, const char *prefix,
		const char *text)
{
	struct pm_buf value = {0};

	if (!text || !*text)
		return;
	pm_buf_str(ctx, &value, prefix);
	for (; *text; text++)
		pm_buf_byte(ctx, &value,
			    *text & 0x80                   ? '?'
			    : *text < ' ' || *text == 0x7F ? ' '
							   : (uint8_t)*text);
	pm_head_ready(ctx, out, name, value.p, value.n);
	pm_buf_done(&value);
}

static void put_time(struct pm_ctx *ctx, struct pm_buf *out, const char *name, uint64_t t)
{
	char text[PM_TIME_TEXT];

	if (pm_time_is_set(t))
		put(ctx, out, name, "", pm_time_5322(t, text));
}

/* The text of a row's cell, else of the message's property; NULL: neither has it. */
static enum pm_rc text_of(struct pm_message *m, size_t row, uint16_t id, struct pm_arena *a,
			  char **ret)
{
	enum pm_rc rc = PM_NONE;

	*ret = NULL;
	if (row < m->recipients.rows.n)
		rc = pm_tc_text(&m->recipients, row, id, m->codepage, a, ret);
	if (!pm_is_error(rc) && !*ret)
		rc = pm_pc_text(&m->pc, id, m->codepage, a, ret);
	return pm_is_error(rc) ? rc : PM_OK;
}

static bool number_of(struct pm_message *m, size_t row, uint16_t id, uint32_t *ret)
{
	enum pm_rc rc = PM_NONE;

	if (row < m->recipients.rows.n)
		rc = pm_tc_u32(&m->recipients, row, id, ret);
	if (!pm_is_error(rc) && rc != PM_OK)
		rc = pm_pc_u32(&m->pc, id, ret);
	return rc == PM_OK;
}

/* "rfc822; address", or the other kind of address that there is. */
static void recipient(struct pm_ctx *ctx, struct pm_buf *out, const char *field,
		      const struct pm_mailbox *b)
{
	if (b->smtp)
		put(ctx, out, field, "rfc822; ", b->smtp);
	else
		put(ctx, out, field, "x-unknown; ", b->other ? b->other : b->name);
}

/* What became of one recipient. */
static enum pm_rc put_recipient(struct pm_message *m, const struct form *f, size_t row,
				const struct pm_mailbox *b, struct pm_buf *out)
{
	struct pm_ctx *ctx = m->db->ctx;
	struct pm_arena a = {0};
	uint32_t status = 0, reason = 0, diagnostic = 0;
	char *info = NULL, *remote = NULL, code[64];
	enum pm_rc rc;

	pm_buf_byte(ctx, out, '\n');
	recipient(ctx, out, "Final-Recipient", b);
	put(ctx, out, "Action", "", f->action);
	/* 511 is 5.1.1 [MS-OXOMSG 2.2.2.31]. */
	if (number_of(m, row, ID_NDR_STATUS, &status) && status >= 200 && status < 600)
		snprintf(code, sizeof(code), "%u.%u.%u", status / 100, status / 10 % 10,
			 status % 10);
	else
		snprintf(code, sizeof(code), "%s", f->status);
	put(ctx, out, "Status", "", code);
	rc = text_of(m, row, ID_REMOTE_MTA, &a, &remote);
	if (!rc)
		rc = text_of(m, row, ID_SUPPLEMENTARY, &a, &info);
	put(ctx, out, "Remote-MTA", "dns; ", remote);
	put(ctx, out, "Diagnostic-Code", "smtp; ", info);
	if (number_of(m, row, ID_NDR_REASON, &reason) &&
	    number_of(m, row, ID_NDR_DIAGNOSTIC, &diagnostic)) {
		snprintf(code, sizeof(code), "reason %ld, diagnostic %ld", (long)(int32_t)reason,
			 (long)(int32_t)diagnostic);
		put(ctx, out, "X-MAPI-Codes", "", code);
	}
	pm_arena_done(&a);
	return rc;
}

/* The rows of the table and the people of To have one order, unless rows were left out. */
static enum pm_rc put_delivery(struct pm_message *m, const struct form *f,
			       const struct pm_people *people, struct pm_buf *out)
{
	struct pm_ctx *ctx = m->db->ctx;
	struct pm_arena a = {0};
	uint64_t t = 0;
	char *mta = NULL;
	bool rows = people->to.v.n == m->recipients.rows.n;
	enum pm_rc rc = pm_pc_text(&m->pc, ID_REPORTING_MTA, m->codepage, &a, &mta);

	put(ctx, out, "Reporting-MTA", mta ? "dns; " : "", mta ? mta : "x-unknown; unknown");
	if (!pm_is_error(rc))
		rc = pm_pc_time(&m->pc, ID_REPORT_TIME, &t);
	put_time(ctx, out, "Arrival-Date", t);
	for (size_t i = 0; i < people->to.v.n && !pm_is_error(rc); i++)
		rc = put_recipient(m, f, rows ? i : SIZE_MAX, &people->to.v.v[i], out);
	pm_arena_done(&a);
	return rc;
}

static enum pm_rc put_disposition(struct pm_message *m, const struct form *f,
				  const struct pm_people *people, struct pm_buf *out)
{
	struct pm_ctx *ctx = m->db->ctx;
	struct pm_arena a = {0};
	char *id = NULL;
	enum pm_rc rc = pm_pc_text(&m->pc, ID_ORIGINAL_ID, m->codepage, &a, &id);

	if (people->from.v.n)
		recipient(ctx, out, "Final-Recipient", &people->from.v.v[0]);
	put(ctx, out, "Original-Message-ID", "", id);
	/* Who sent the report, the program or its user, is not stored. */
	put(ctx, out, "Disposition", "manual-action/MDN-sent-manually; ", f->action);
	pm_arena_done(&a);
	return rc;
}

enum pm_rc pm_report_status(struct pm_message *m, const struct pm_people *people,
			    struct pm_buf *out)
{
	const struct form *f = form_of(m->message_class);
	enum pm_rc rc = PM_OK;

	if (f && f->kind == PM_REPORT_DELIVERY)
		rc = put_delivery(m, f, people, out);
	else if (f)
		rc = put_disposition(m, f, people, out);
	return pm_is_error(rc) ? rc : m->db->ctx->rc;
}
