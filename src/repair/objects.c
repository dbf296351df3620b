/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects inside nodes: property contexts, recipient and attachment tables, attachments,
 * embedded messages.
 *
 * Mends: heaps, BTHs, property records and table structures that are not what they must be.
 * What can be read is stored anew in the same order with the same ids; what can't is left
 * out, and the item is a casualty (assessed before). Objects in order are not touched.
 * Needs: sound blocks.
 */
#include "repair/repair.h"

#include "ltp/props.h"
#include "ltp/templates.h"
#include "msg/message.h"
#include "recover/tables.h"

#define DEPTH_MAX   48
#define LOOK_MAX    65536 /* bytes of a value that are looked at for its form */
#define CELL_MAX    65536
#define PROP_ERRORS (PM_CR_TYPE | PM_CR_HNID | PM_CR_SIZE | PM_CR_ODD | PM_CR_MV | PM_CR_OBJECT)

enum role { ROLE_MESSAGE, ROLE_ATTACHMENT, ROLE_OTHER };

/* An object being mended, with its subnodes as they will be. */
struct object {
	struct pm_repair *r;
	enum role role;
	unsigned depth;
	struct pm_pc pc;
	bool dirty;
	PM_VEC(struct pm_sub) subs; /* all of them, new ids where mended */
	PM_VEC(uint16_t) bad;       /* properties to leave out */
};

static enum pm_rc mend_object(struct pm_repair *r, enum role role, unsigned depth, pm_bid *data,
			      pm_bid *sub);

enum pm_rc pm_repair_row_ids(struct pm_table *t)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < t->rows.n && !pm_is_error(rc); i++)
		if (!t->rows.v[i].dropped)
			rc = pm_table_set_u32(t, i, (uint32_t)PM_ID_LTP_ROW_ID << 16 | PM_PT_I4,
					      t->rows.v[i].id);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* A table that belongs to one object: as it is if it is sound, else from what can be read. */
static enum pm_rc mend_table(struct pm_repair *r, pm_bid *data, pm_bid *sub)
{
	struct pm_table t = {0};
	struct pm_tc tc;
	bool sound = false;
	enum pm_rc rc = pm_tc_open(&r->an->db, *data, *sub, &tc), state = rc;

	if (!pm_is_error(rc) && pm_table_sound(&tc, rc))
		rc = pm_table_cells_sound(&tc, &sound);
	if (pm_is_error(rc) || rc == PM_NONE || sound) {
		pm_tc_close(&tc);
		return rc == PM_NONE ? PM_LOST : rc;
	}
	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_table_load(&t, &tc);
	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_repair_row_ids(&t);
	if (rc == PM_OK)
		rc = pm_table_build(&t, &r->sink, data, sub);
	pm_table_done(&t);
	pm_tc_close(&tc);
	return rc == PM_OK && state != PM_OK ? PM_DAMAGED : rc;
}

static enum pm_rc look_at_properties(struct object *o)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->pc.props.n && !pm_is_error(rc); i++) {
		uint32_t rules = 0;
		uint16_t *slot;

		rc = pm_pc_prop_rules(&o->pc, &o->pc.props.v[i], false, LOOK_MAX, &rules);
		if (pm_is_error(rc) || !(rules & PROP_ERRORS))
			continue;
		o->dirty = true;
		/* Read as what it always is, and stored so. */
		if (o->pc.props.v[i].retyped && (rules & PROP_ERRORS) == PM_CR_TYPE)
			continue;
		slot = pm_vec_push(o->r->ctx, &o->bad);
		if (!slot)
			return o->r->ctx->rc;
		*slot = o->pc.props.v[i].id;
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

/* One subnode by its type; *ret_keep false when nothing of it is left. */
static enum pm_rc mend_sub(struct object *o, struct pm_sub *s, bool *ret_keep)
{
	pm_bid data = s->data, sub = s->sub;
	enum pm_rc rc = PM_OK;

	*ret_keep = true;
	switch (pm_nid_type((pm_nid)s->nid)) {
	case PM_NT_RECIPIENTS:
	case PM_NT_ATTACHMENTS:
		rc = mend_table(o->r, &data, &sub);
		*ret_keep = rc != PM_LOST;
		break;
	case PM_NT_ATTACHMENT:
		if (o->role == ROLE_MESSAGE)
			rc = mend_object(o->r, ROLE_ATTACHMENT, o->depth + 1, &data, &sub);
		*ret_keep = rc != PM_LOST;
		break;
	case PM_NT_MESSAGE:
		if (o->role == ROLE_ATTACHMENT)
			rc = mend_object(o->r, ROLE_MESSAGE, o->depth + 1, &data, &sub);
		*ret_keep = rc != PM_LOST;
		break;
	}
	if (pm_is_error(rc))
		return rc;
	o->dirty |= data != s->data || sub != s->sub || !*ret_keep;
	s->data = data;
	s->sub = sub;
	return PM_OK;
}

static enum pm_rc mend_subs(struct object *o)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->pc.subs.v.n && rc == PM_OK; i++) {
		struct pm_sub s = o->pc.subs.v.v[i], *slot;
		bool keep;

		rc = mend_sub(o, &s, &keep);
		if (rc || !keep)
			continue;
		slot = pm_vec_push(o->r->ctx, &o->subs);
		if (!slot)
			return o->r->ctx->rc;
		*slot = s;
	}
	return rc;
}

static struct pm_sub *find_sub(const struct object *o, pm_nid nid)
{
	for (size_t i = 0; i < o->subs.n; i++)
		if (o->subs.v[i].nid == nid)
			return &o->subs.v[i];
	return NULL;
}

/* The row of one attachment, from its properties. */
static enum pm_rc attachment_row(struct object *o, struct pm_table *t, const struct pm_sub *s,
				 bool *dirty)
{
	struct pm_buf want = {0};
	struct pm_pc pc;
	size_t row = pm_table_find(t, (uint32_t)s->nid);
	enum pm_rc rc = PM_OK, state;

	if (row == t->rows.n) {
		*dirty = true;
		rc = pm_table_add_row(t, (uint32_t)s->nid, &row);
	}
	state = pm_pc_open(&o->r->an->db, s->data, s->sub, &pc);
	for (size_t c = 0; c < t->cols.n && rc == PM_OK && state != PM_LOST; c++) {
		struct pm_span have;
		enum pm_rc got;
		pm_nid where;

		pm_buf_clear(&want);
		got = pm_row_want(&pc, &t->cols.v[c], &want);
		if (got) {
			rc = pm_is_error(got) ? got : PM_OK;
			continue;
		}
		got = pm_table_get(t, row, c, &have, &where);
		if (got == PM_OK && !where && have.n == want.n &&
		    (!have.n || !memcmp(have.p, want.p, have.n)))
			continue;
		if (got == PM_NONE && !want.n)
			continue;
		*dirty = true;
		rc = pm_table_set(t, row, c, want.p, want.n);
	}
	pm_pc_close(&pc);
	pm_buf_done(&want);
	return pm_is_error(state) ? state : rc;
}

/* The attachment table lists just the attachments that are there. */
static enum pm_rc list_attachments(struct object *o)
{
	struct pm_repair *r = o->r;
	struct pm_sub *at = find_sub(o, PM_NID_ATTACHMENT_TABLE), *slot;
	struct pm_table t = {0};
	struct pm_tc tc = {0};
	bool dirty = false, any = false;
	pm_bid data, sub;
	enum pm_rc rc;

	for (size_t i = 0; i < o->subs.n; i++)
		any |= pm_nid_type((pm_nid)o->subs.v[i].nid) == PM_NT_ATTACHMENT;
	if (!any && !at)
		return PM_OK;
	rc = pm_tc_open(&r->an->db, at ? at->data : 0, at ? at->sub : 0, &tc);
	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_table_load(&t, &tc);
	else if (!pm_is_error(rc))
		rc = pm_template_table(r->ctx, r->fmt, PM_NID_ATTACHMENT_TABLE, &t);
	dirty = !at;
	rc = pm_is_error(rc) ? rc : PM_OK;
	for (size_t i = 0; i < t.rows.n && rc == PM_OK; i++)
		if (!find_sub(o, t.rows.v[i].id)) {
			dirty = true;
			pm_table_drop_row(&t, i);
		}
	for (size_t i = 0; i < o->subs.n && rc == PM_OK; i++)
		if (pm_nid_type((pm_nid)o->subs.v[i].nid) == PM_NT_ATTACHMENT)
			rc = attachment_row(o, &t, &o->subs.v[i], &dirty);
	if (rc == PM_OK && dirty) {
		o->dirty = true;
		rc = pm_table_build(&t, &r->sink, &data, &sub);
		at = find_sub(o, PM_NID_ATTACHMENT_TABLE);
		if (rc == PM_OK && at) {
			at->data = data;
			at->sub = sub;
		} else if (rc == PM_OK) {
			slot = pm_vec_push(r->ctx, &o->subs);
			if (slot)
				*slot = (struct pm_sub){PM_NID_ATTACHMENT_TABLE, data, sub};
			rc = r->ctx->rc;
		}
	}
	pm_table_done(&t);
	pm_tc_close(&tc);
	return rc;
}

/* Objects whose subnode is gone: an attachment without its data is an empty one. */
static enum pm_rc drop_dangling(const struct object *o, struct pm_props *p)
{
	for (size_t i = p->v.n; i--;) {
		const struct pm_propval *v = &p->v.v[i];

		if (v->type == PM_PT_OBJECT && v->value.n >= 4 && !find_sub(o, pm_le32(v->value.p)))
			pm_props_remove(p, v->id);
	}
	return o->r->ctx->rc;
}

/* Everything that is left, stored anew. */
static enum pm_rc store(struct object *o, pm_bid *data, pm_bid *sub)
{
	struct pm_props p;
	enum pm_rc rc;

	pm_props_init(&p, o->r->ctx, o->r->fmt);
	rc = pm_props_load(&p, &o->pc);
	if (pm_is_error(rc))
		goto out;
	for (size_t i = 0; i < o->bad.n; i++)
		pm_props_remove(&p, o->bad.v[i]);
	for (size_t i = p.subs.v.n; i--;)
		if (!find_sub(o, (pm_nid)p.subs.v.v[i].nid))
			pm_subs_remove(&p.subs, (pm_nid)p.subs.v.v[i].nid);
	rc = PM_OK;
	for (size_t i = 0; i < o->subs.n && rc == PM_OK; i++) {
		const struct pm_sub *s = &o->subs.v[i];

		rc = pm_subs_put(o->r->ctx, &p.subs, (pm_nid)s->nid, s->data, s->sub);
	}
	if (rc == PM_OK)
		rc = drop_dangling(o, &p);
	/* A message without a class is no message to any mail program [MS-OXCMSG 2.2.1.3]. */
	if (rc == PM_OK && o->role == ROLE_MESSAGE && !pm_props_find(&p, PM_ID_MESSAGE_CLASS))
		rc = pm_props_set_text(&p, PM_ID_MESSAGE_CLASS, "IPM.Note");
	if (rc == PM_OK)
		rc = pm_props_build(&p, &o->r->sink, data, sub);
out:
	pm_props_done(&p);
	return rc;
}

static enum pm_rc mend_object(struct pm_repair *r, enum role role, unsigned depth, pm_bid *data,
			      pm_bid *sub)
{
	struct object o = {.r = r, .role = role, .depth = depth};
	enum pm_rc rc = PM_OK, state;

	if (depth > DEPTH_MAX || !*data)
		return *data ? PM_OK : PM_LOST;
	state = pm_pc_open(&r->an->db, *data, *sub, &o.pc);
	if (pm_is_error(state) || state == PM_LOST)
		goto out;
	o.dirty = state != PM_OK;
	rc = look_at_properties(&o);
	o.dirty |= o.pc.rules & PM_CR_PC || o.pc.bth_rules & ~(uint32_t)PM_TR_EMPTY ||
		   o.pc.heap.rules & PM_HN_ERRORS;
	if (rc == PM_OK)
		rc = mend_subs(&o);
	if (rc == PM_OK && role == ROLE_MESSAGE)
		rc = list_attachments(&o);
	if (rc == PM_OK && o.dirty)
		rc = store(&o, data, sub);
	if (rc == PM_OK && o.dirty)
		rc = PM_DAMAGED;
out:
	pm_pc_close(&o.pc);
	pm_vec_done(&o.subs);
	pm_vec_done(&o.bad);
	return pm_is_error(state) || state == PM_LOST ? state : rc;
}

static enum pm_rc mend_node(struct pm_repair *r, struct pm_node *n)
{
	pm_bid data = n->data, sub = n->sub;
	enum pm_rc rc = PM_OK;

	switch (pm_nid_type(n->nid)) {
	case PM_NT_MESSAGE:
	case PM_NT_ASSOC:
		rc = mend_object(r, ROLE_MESSAGE, 0, &data, &sub);
		if (rc == PM_LOST)
			data = sub = 0;
		break;
	case PM_NT_FOLDER:
	case PM_NT_SEARCH:
		rc = mend_object(r, ROLE_OTHER, 0, &data, &sub);
		break;
	case PM_NT_CRITERIA: /* without them the search finds nothing, and says so */
		rc = mend_object(r, ROLE_OTHER, 0, &data, &sub);
		if (rc == PM_LOST) {
			sub = 0;
			rc = pm_template_build(r->ctx, &r->sink, 0x2227, &data);
		}
		break;
	case PM_NT_INTERNAL:
		if (n->nid == PM_NID_STORE || n->nid == PM_NID_NAMEMAP)
			rc = mend_object(r, ROLE_OTHER, 0, &data, &sub);
		break;
	case PM_NT_SEARCH_CONTENTS: /* derived: the search is run again [MS-PST 2.4.8.4] */
		if (n->nid >> 5 >= 0x100 || !data)
			rc = mend_table(r, &data, &sub);
		if (rc == PM_LOST) {
			sub = 0;
			rc = pm_template_build(r->ctx, &r->sink, 0x610, &data);
		}
		break;
	case 0x0C: /* the outgoing queue: what waited in it is in the outbox */
		rc = mend_table(r, &data, &sub);
		if (rc == PM_LOST) {
			sub = 0;
			rc = pm_template_build(r->ctx, &r->sink, 0x64C, &data);
		}
		break;
	}
	if (pm_is_error(rc) || (data == n->data && sub == n->sub))
		return pm_is_error(rc) ? rc : PM_OK;
	n->data = data;
	n->sub = sub;
	return data ? pm_repair_did(r, PM_DID_NODE_REBUILT, n->nid, 0, 0) : PM_OK;
}

enum pm_rc pm_repair_objects(struct pm_repair *r)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < r->an->db.nodes.n && rc == PM_OK; i++) {
		rc = mend_node(r, &r->an->db.nodes.v[i]);
		if (rc == PM_OK && i % 256 == 0)
			rc = pm_tick(r->ctx, "objects", i, r->an->db.nodes.n);
	}
	return rc;
}
