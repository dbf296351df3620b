/* SPDX-License-Identifier: Apache-2.0 */
/* Display lists of recipients: names in order of the table, joined by "; ". */
#include "repair/display.h"

#include "base/text.h"
#include "msg/message.h"

static enum pm_rc join(struct pm_ctx *ctx, struct pm_message *m, uint32_t type, struct pm_buf *out)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < m->recipients.rows.n && !pm_is_error(rc); i++) {
		struct pm_recipient rcpt;

		rc = pm_recipient_open(m, i, &rcpt);
		if (!pm_is_error(rc) && rcpt.type == type && (rcpt.name || rcpt.email)) {
			if (out->n)
				pm_buf_str(ctx, out, "; ");
			pm_buf_str(ctx, out, rcpt.name ? rcpt.name : rcpt.email);
		}
		pm_recipient_close(&rcpt);
	}
	return pm_is_error(rc) ? rc : ctx->rc;
}

static enum pm_rc set_text(struct pm_repair *r, struct pm_table *t, size_t row, uint16_t id,
			   uint32_t cp, struct pm_buf *utf8)
{
	size_t col = pm_table_col(t, (uint32_t)id << 16 | r->fmt->string_type);
	struct pm_buf b = {0};
	struct pm_span have;
	enum pm_rc rc = PM_OK;

	if (col == t->cols.n || !utf8->n || pm_table_get(t, row, col, &have, NULL) == PM_OK)
		return PM_OK;
	rc = pm_text_as(r->ctx, r->fmt, cp, pm_buf_cstr(r->ctx, utf8), &b, NULL);
	if (rc == PM_OK)
		rc = pm_table_set(t, row, col, b.p, b.n);
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_repair_display_cells(struct pm_repair *r, struct pm_table *t, size_t row,
				   const struct pm_node *n, struct pm_pc *pc)
{
	static const struct {
		uint32_t type;
		uint16_t id;
	} lists[] = {{1, PM_ID_DISPLAY_TO}, {2, PM_ID_DISPLAY_CC}};
	struct pm_buf b = {0};
	struct pm_message m;
	uint32_t size;
	enum pm_rc rc = pm_pc_u32(pc, PM_ID_MESSAGE_SIZE, &size);

	if (rc == PM_OK)
		rc = pm_table_set_u32(t, row, (uint32_t)PM_ID_MESSAGE_SIZE << 16 | PM_PT_I4, size);
	if (pm_is_error(rc))
		return rc;
	rc = pm_message_open(&r->an->db, n->nid, n->data, n->sub, 0, &m);
	for (size_t i = 0; i < 2 && !pm_is_error(rc) && m.recipients_state != PM_NONE &&
			   m.recipients_state != PM_LOST;
	     i++) {
		pm_buf_clear(&b);
		rc = join(r->ctx, &m, lists[i].type, &b);
		if (rc == PM_OK)
			rc = set_text(r, t, row, lists[i].id, m.codepage, &b);
	}
	pm_message_close(&m);
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}
