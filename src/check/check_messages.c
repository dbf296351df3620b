/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages and attachments [MS-PST 2.4.5, 2.4.6], embedded ones included.
 *
 * Checks: properties; the tables of recipients and attachments; each attachment; a message's
 * row in its folder's table.
 * Gathers: messages that are not whole.
 * Needs: names, the folder's open table.
 */
#include "check/content.h"

#include "msg/rtf_fault.h"

#define REPORT(c, symbol, ...)                                                                     \
	pm_check_subject((c), &(struct pm_problem){.id = PM_P_##symbol, ##__VA_ARGS__})

static bool usable(enum pm_rc rc)
{
	return rc == PM_OK || rc == PM_DAMAGED;
}

static bool of_message(pm_nid nid)
{
	return nid == PM_NID_RECIPIENT_TABLE || nid == PM_NID_ATTACHMENT_TABLE ||
	       pm_nid_type(nid) == PM_NT_ATTACHMENT;
}

static void check_body(struct pm_checker *c, struct pm_pc *pc, enum pm_rc state,
		       const struct pm_node *n, unsigned depth, struct pm_message_facts *ret);

/* --- properties ---------------------------------------------------------------------- */

static void check_rtf(struct pm_checker *c, struct pm_pc *pc)
{
	const char *why;

	if (!pm_check_stop(c, pm_rtf_fault(pc, &c->buf, &why)) && why)
		REPORT(c, MESSAGE_RTF, .what = why);
}

static bool has_text(struct pm_checker *c, struct pm_pc *pc, uint16_t id)
{
	const struct pm_prop *p = pm_pc_find(pc, id);
	struct pm_value v;
	bool yes;

	if (!p)
		return false;
	yes = usable(pm_pc_value(pc, p, &v)) && v.size;
	pm_value_done(&v);
	c->rc = c->rc ? c->rc : c->ctx->rc;
	return yes;
}

static void check_properties(struct pm_checker *c, struct pm_pc *pc, struct pm_message_facts *ret)
{
	static const uint32_t wanted[] = {0x30070040, 0x30080040, 0x300B0102};
	enum pm_rc rc;

	if (!has_text(c, pc, PM_ID_MESSAGE_CLASS))
		REPORT(c, MESSAGE_CLASS);
	rc = pm_pc_u32(pc, PM_ID_MESSAGE_FLAGS, &ret->flags);
	if (pm_check_stop(c, rc))
		return;
	ret->has_flags = usable(rc);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!pm_pc_find(pc, (uint16_t)(wanted[i] >> 16)))
			REPORT(c, MESSAGE_PROPERTY, .tag = wanted[i]);
	check_rtf(c, pc);
}

/* --- recipients ---------------------------------------------------------------------- */

static bool has_cell(const struct pm_checker *c, struct pm_tc *tc, size_t row, uint16_t id)
{
	bool yes = false;

	for (size_t i = 0; i < tc->cols.n && !yes && !c->ctx->rc; i++) {
		struct pm_value v;

		if (tc->cols.v[i].id != id)
			continue;
		yes = pm_tc_cell(tc, row, &tc->cols.v[i], &v) != PM_NONE;
		pm_value_done(&v);
	}
	return yes;
}

static void check_recipients(struct pm_checker *c, const struct pm_sub *s)
{
	struct pm_tc tc;
	enum pm_rc rc;

	c->subject.sub = PM_NID_RECIPIENT_TABLE;
	pm_subject_cause(c, s->data);
	rc = pm_tc_open(&c->an->db, s->data, s->sub, &tc);
	if (!pm_check_stop(c, rc)) {
		pm_check_tc(c, &tc, rc);
		if (!usable(rc))
			REPORT(c, MESSAGE_RECIPIENT_TABLE);
		pm_plain_recipients(c, s, &tc, rc);
	}
	for (size_t i = 0; usable(rc) && i < tc.rows.n && !c->rc; i++) {
		if (tc.rows.v[i].state == PM_LOST)
			continue;
		if (!has_cell(c, &tc, i, PM_ID_RECIPIENT_TYPE))
			REPORT(c, RECIPIENT_PROPERTY, .item = tc.rows.v[i].id, .tag = 0x0C150003);
		if (!has_cell(c, &tc, i, PM_ID_DISPLAY_NAME))
			REPORT(c, RECIPIENT_PROPERTY, .item = tc.rows.v[i].id,
			       .tag = 0x30010000u | c->f->string_type);
		c->rc = c->rc ? c->rc : c->ctx->rc;
	}
	pm_tc_close(&tc);
}

/* --- attachments --------------------------------------------------------------------- */

struct attachments {
	struct pm_checker *c;
	struct pm_subs *subs; /* of the message */
	struct pm_tc table;
	enum pm_rc table_state; /* PM_NONE: there is none */
	uint64_t n, listed;
	unsigned depth;
};

static enum pm_rc on_diff(void *arg, const struct pm_table_diff *d)
{
	struct attachments *a = arg;

	pm_check_subject(a->c, &(struct pm_problem){.id = PM_P_ATTACHMENT_ROW_STALE,
						    .item = d->row,
						    .tag = d->tag});
	return a->c->rc;
}

/* The first problem by which something of the message is lost. */
static void lossy(struct pm_checker *c, uint64_t serial)
{
	if (!c->subject.lossy)
		c->subject.lossy = serial;
}

static void check_method(struct pm_checker *c, struct pm_pc *pc, uint32_t *ret_method)
{
	const struct pm_prop *data = pm_pc_find(pc, PM_ID_ATTACH_DATA);
	uint16_t type = data ? data->type : 0;
	uint32_t method = UINT32_MAX;
	enum pm_rc rc = pm_pc_u32(pc, PM_ID_ATTACH_METHOD, &method);

	*ret_method = method;
	if (pm_check_stop(c, rc))
		return;
	if (pm_attachment_foreign(pc)) {
		lossy(c, REPORT(c, ATTACHMENT_FOREIGN));
	} else if (!usable(rc) || method > PM_AM_WEB) {
		REPORT(c, ATTACHMENT_METHOD, .have = usable(rc) ? method : 0);
	} else if ((method == PM_AM_VALUE && type != PM_PT_BINARY) ||
		   ((method == PM_AM_EMBEDDED || method == PM_AM_OLE) && type != PM_PT_OBJECT &&
		    type != PM_PT_BINARY)) {
		uint64_t serial = REPORT(c, ATTACHMENT_METHOD, .have = method);

		if (!data) /* that should be here and are not */
			lossy(c, serial);
	}
}

/* Is this the subnode tree of a message that we are in? */
static bool holds_itself(const struct pm_checker *c, pm_bid sub, unsigned depth)
{
	for (unsigned i = 0; i <= depth; i++)
		if (sub && c->within[i] == sub)
			return true;
	return false;
}

static void check_embedded(struct attachments *a, struct pm_pc *pc)
{
	struct pm_checker *c = a->c;
	struct pm_message_facts facts;
	const struct pm_sub *s;
	struct pm_pc inner;
	uint32_t size;
	enum pm_rc rc = pm_pc_object(pc, PM_ID_ATTACH_DATA, &s, &size);

	if (pm_check_stop(c, rc))
		return;
	if (!usable(rc)) {
		REPORT(c, ATTACHMENT_EMBEDDED, .what = "is missing");
	} else if (holds_itself(c, s->sub, a->depth)) {
		REPORT(c, ATTACHMENT_EMBEDDED, .what = "is one that it is in");
	} else if (a->depth + 1 >= PM_DEPTH_MAX) {
		REPORT(c, ATTACHMENT_EMBEDDED, .what = "is nested too deeply");
	} else {
		struct pm_node n = {.nid = (pm_nid)s->nid, .data = s->data, .sub = s->sub};

		c->subject.sub = n.nid;
		pm_subject_cause(c, n.data);
		pm_subject_cause(c, n.sub);
		rc = pm_pc_open(&c->an->db, n.data, n.sub, &inner);
		if (!pm_check_stop(c, rc) && !usable(rc))
			REPORT(c, ATTACHMENT_EMBEDDED, .what = "can't be read");
		else if (!c->rc)
			check_body(c, &inner, rc, &n, a->depth + 1, &facts);
		pm_pc_close(&inner);
	}
}

static void check_attachment(struct attachments *a, const struct pm_sub *s)
{
	struct pm_checker *c = a->c;
	const struct pm_prop *data;
	uint32_t method = 0;
	struct pm_pc pc;
	size_t row;
	enum pm_rc rc;

	c->subject.sub = (pm_nid)s->nid;
	pm_subject_cause(c, s->data);
	pm_subject_cause(c, s->sub);
	rc = pm_pc_open(&c->an->db, s->data, s->sub, &pc);
	if (pm_check_stop(c, rc))
		goto out;
	pm_check_pc(c, &pc, rc, NULL);
	if (!usable(rc)) {
		REPORT(c, ATTACHMENT_UNREADABLE);
		goto out;
	}
	row = usable(a->table_state) ? pm_tc_find(&a->table, (pm_nid)s->nid) : SIZE_MAX;
	if (usable(a->table_state) && row < a->table.rows.n) {
		struct pm_row_compare cmp = {.tc = &a->table, .fn = on_diff, .arg = a};

		pm_check_stop(c, pm_row_compare(&cmp, &pc, row, (pm_nid)s->nid));
		pm_row_compare_done(&cmp);
	}
	if (!pm_pc_find(&pc, PM_ID_ATTACH_SIZE))
		REPORT(c, ATTACHMENT_PROPERTY, .tag = 0x0E200003);
	if (!pm_pc_find(&pc, PM_ID_RENDERING_POSITION))
		REPORT(c, ATTACHMENT_PROPERTY, .tag = 0x370B0003);
	check_method(c, &pc, &method);
	pm_plain_attachment(c, s, &pc, method);
	data = pm_pc_find(&pc, PM_ID_ATTACH_DATA);
	if (!c->rc && method == PM_AM_EMBEDDED && data && data->type == PM_PT_OBJECT)
		check_embedded(a, &pc);
out:
	pm_pc_close(&pc);
}

static void check_attachment_table(struct attachments *a)
{
	struct pm_checker *c = a->c;
	const struct pm_sub *s = pm_subs_find(a->subs, PM_NID_ATTACHMENT_TABLE);

	a->table_state = PM_NONE;
	if (!s)
		return;
	c->subject.sub = PM_NID_ATTACHMENT_TABLE;
	pm_subject_cause(c, s->data);
	a->table_state = pm_tc_open(&c->an->db, s->data, s->sub, &a->table);
	if (pm_check_stop(c, a->table_state))
		return;
	pm_check_tc(c, &a->table, a->table_state);
	if (!usable(a->table_state))
		REPORT(c, MESSAGE_ATTACHMENT_TABLE);
	for (size_t i = 0; usable(a->table_state) && i < a->table.rows.n; i++) {
		a->listed++;
		if (pm_nid_type(a->table.rows.v[i].id) != PM_NT_ATTACHMENT ||
		    !pm_subs_find(a->subs, a->table.rows.v[i].id))
			REPORT(c, ATTACHMENT_GHOST_ROW, .item = a->table.rows.v[i].id);
	}
}

static void check_attachments(struct pm_checker *c, struct pm_pc *pc, pm_nid sub, unsigned depth,
			      const struct pm_message_facts *facts)
{
	struct attachments a = {.c = c, .subs = &pc->subs, .depth = depth};
	const uint64_t cause = c->subject.cause;
	bool flag = facts->flags & PM_MSGFLAG_ATTACH;

	check_attachment_table(&a);
	for (size_t i = 0; i < pc->subs.v.n && !c->rc; i++) {
		const struct pm_sub *s = &pc->subs.v.v[i];
		pm_nid nid = (pm_nid)s->nid;

		if (pm_nid_type(nid) != PM_NT_ATTACHMENT)
			continue;
		a.n++;
		c->subject.sub = sub;
		if (!usable(a.table_state) || pm_tc_find(&a.table, nid) >= a.table.rows.n)
			REPORT(c, ATTACHMENT_MISSING_ROW, .item = nid);
		c->subject.cause = cause; /* each attachment stands for itself */
		check_attachment(&a, s);
	}
	c->subject.sub = sub;
	c->subject.cause = cause;
	if (!c->rc && facts->has_flags && flag != (a.n || a.listed))
		REPORT(c, MESSAGE_ATTACH_FLAG, .have = facts->flags, .count = a.n);
	if (a.table_state != PM_NONE)
		pm_tc_close(&a.table);
}

/* --- messages ------------------------------------------------------------------------ */

/* What is the same for top-level and embedded messages; the PC is open and usable. */
static void check_body(struct pm_checker *c, struct pm_pc *pc, enum pm_rc state,
		       const struct pm_node *n, unsigned depth, struct pm_message_facts *ret)
{
	const pm_nid sub = depth ? n->nid : 0;
	const uint64_t cause = c->subject.cause;
	const struct pm_sub *s;

	*ret = (struct pm_message_facts){.readable = true};
	c->within[depth] = n->sub;
	pm_check_pc(c, pc, state, of_message);
	check_properties(c, pc, ret);
	c->subject.cause = cause;
	s = pm_subs_find(&pc->subs, PM_NID_RECIPIENT_TABLE);
	if (s && !c->rc)
		check_recipients(c, s);
	c->subject.sub = sub;
	c->subject.cause = cause;
	if (!s && state == PM_OK && pm_message_addressed(pc)) {
		lossy(c, REPORT(c, MESSAGE_RECIPIENTS_LOST));
	} else if (!s) {
		REPORT(c, MESSAGE_NO_RECIPIENTS);
	}
	if (!c->rc)
		check_attachments(c, pc, sub, depth, ret);
}

/* Damaged, partial or lost? Only asked when something points that way. */
static enum pm_object_state state_of(struct pm_checker *c, pm_nid nid)
{
	enum pm_object_state state = PM_OBJ_WHOLE;
	struct pm_flaws flaws = {0};
	struct pm_message m;
	enum pm_rc rc = pm_message_open_node(&c->an->db, nid, c->codepage, &m);

	if (!pm_check_stop(c, rc)) {
		rc = pm_message_assess(&m, 64, &flaws);
		if (!pm_check_stop(c, rc) && rc != PM_OK)
			state = rc == PM_LOST ? PM_OBJ_LOST : PM_OBJ_DAMAGED;
		for (size_t i = 0; i < flaws.v.n && state == PM_OBJ_DAMAGED; i++)
			if (flaws.v.v[i].state == PM_LOST)
				state = PM_OBJ_PARTIAL;
	}
	if (state == PM_OBJ_WHOLE && pm_ndb_find_node(&c->an->db, nid)->older)
		state = PM_OBJ_PARTIAL;
	pm_flaws_done(&flaws);
	pm_message_close(&m);
	return state;
}

void pm_check_message(struct pm_checker *c, pm_nid nid, uint32_t folder, struct pm_row_compare *cmp,
		      size_t row, struct pm_message_facts *ret)
{
	const struct pm_node *n = pm_ndb_find_node(&c->an->db, nid);
	struct pm_pc pc;
	enum pm_rc rc;

	if (!n)
		return;
	pm_subject_begin(c, nid, folder, n->data, n->sub);
	rc = pm_pc_open(&c->an->db, n->data, n->sub, &pc);
	if (pm_check_stop(c, rc))
		goto out;
	if (usable(rc)) {
		check_body(c, &pc, rc, n, 0, ret);
		if (cmp && !c->rc) {
			/* Cells are the table's matter. */
			c->subject.nid = pm_folder_companion(c->model.folders.v[folder].nid,
							     pm_nid_type(nid) == PM_NT_MESSAGE
								     ? PM_NT_CONTENTS
								     : PM_NT_ASSOC_CONTENTS);
			pm_check_stop(c, pm_row_compare(cmp, &pc, row, nid));
			c->subject.nid = nid;
		}
	} else {
		pm_check_pc(c, &pc, rc, of_message);
		REPORT(c, MESSAGE_UNREADABLE);
	}
	if (n->older)
		c->subject.tainted = true;
	if (!c->rc && !c->scouting && (c->subject.lossy || c->subject.tainted || !usable(rc)))
		pm_unwhole_add(c, PM_OBJ_MESSAGE, usable(rc) ? state_of(c, nid) : PM_OBJ_LOST,
			       c->subject.lossy);
out:
	pm_pc_close(&pc);
}
