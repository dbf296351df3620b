/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the contents table. A row mirrors the message's properties [MS-PST 2.4.4.5], so what is
 * lost there may stand here.
 */
#include "export/rows.h"

#include "base/text.h"

enum pm_rc pm_rows_open(struct pm_rows *r, struct pm_tc **ret)
{
	enum pm_rc rc = PM_OK;

	if (!r->open)
		rc = pm_tc_open_node(r->db, pm_folder_companion(r->folder, PM_NT_CONTENTS), &r->tc);
	r->open = true;
	*ret = &r->tc;
	return pm_is_error(rc) ? rc : PM_OK;
}

void pm_rows_close(struct pm_rows *r)
{
	if (r->open)
		pm_tc_close(&r->tc);
	r->open = false;
}

/* Without the two characters that tell the length of its prefix [MS-PST 2.5.3.1.1.1]. */
static size_t subject_mark(const char *s)
{
	uint32_t c;

	if (s[0] != 1 || !s[1])
		return 0;
	return 1 + pm_utf8_next((const uint8_t *)s + 1, strlen(s + 1), &c);
}

enum pm_rc pm_rows_subject(struct pm_rows *r, size_t i, uint32_t codepage, struct pm_buf *out)
{
	struct pm_buf text = {0};
	enum pm_rc rc = pm_tc_string(&r->tc, i, PM_ID_SUBJECT, codepage, &text);
	const char *s = pm_buf_cstr(r->db->ctx, &text);

	if (rc == PM_OK || rc == PM_DAMAGED)
		pm_buf_str(r->db->ctx, out, s + subject_mark(s));
	pm_buf_done(&text);
	return pm_is_error(rc) ? rc : r->db->ctx->rc;
}

static enum pm_rc fill_text(struct pm_rows *r, size_t row, uint16_t id, struct pm_message *m,
			    char **text, bool *any)
{
	enum pm_rc rc;

	if (*text)
		return PM_OK;
	rc = pm_tc_text(&r->tc, row, id, m->codepage, &m->arena, text);
	if (pm_is_error(rc) || !*text)
		return pm_is_error(rc) ? rc : PM_OK;
	*any = true;
	return PM_OK;
}

static enum pm_rc fill_time(struct pm_rows *r, size_t row, uint16_t id, uint64_t *time, bool *any)
{
	const struct pm_col *c = pm_tc_col(&r->tc, id, PM_PT_TIME);
	struct pm_value v;
	enum pm_rc rc;

	if (*time || !c)
		return PM_OK;
	rc = pm_tc_cell(&r->tc, row, c, &v);
	if (rc == PM_OK && !v.stream && v.span.n == 8) {
		*time = pm_le64(v.span.p);
		*any = true;
	}
	pm_value_done(&v);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_rows_fill(struct pm_rows *r, struct pm_message *m)
{
	struct pm_tc *tc;
	bool any = false;
	size_t row;
	enum pm_rc rc = pm_rows_open(r, &tc);

	if (rc)
		return rc;
	row = pm_tc_find(tc, m->nid);
	if (row >= tc->rows.n || tc->rows.v[row].rules)
		return PM_NONE;
	rc = fill_text(r, row, PM_ID_SUBJECT, m, &m->subject, &any);
	if (!rc && m->subject)
		m->subject += subject_mark(m->subject);
	if (!rc)
		rc = fill_text(r, row, PM_ID_MESSAGE_CLASS, m, &m->message_class, &any);
	if (!rc)
		rc = fill_text(r, row, PM_ID_SENT_REPR_NAME, m, &m->repr_name, &any);
	if (!rc)
		rc = fill_time(r, row, PM_ID_SUBMIT_TIME, &m->submit, &any);
	if (!rc)
		rc = fill_time(r, row, PM_ID_DELIVERY_TIME, &m->delivery, &any);
	return rc ? rc : any ? PM_OK : PM_NONE;
}
