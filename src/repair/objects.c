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
#include "ltp/sound.h"
#include "ltp/templates.h"
#include "msg/folder.h"
#include "msg/message.h"
#include "recover/tables.h"

#define DEPTH_MAX 48
#define LOOK_MAX  65536 /* bytes of a value that are looked at for its form */
#define CELL_MAX  65536

enum role { ROLE_MESSAGE, ROLE_ATTACHMENT, ROLE_OTHER };

/* An object being mended, with its subnodes as they will be. */
struct object {
	struct pm_repair *r;
	enum role role;
	pm_nid top; /* the node that it is in */
	unsigned depth;
	struct pm_pc pc;
	bool dirty;
	bool left;            /* its properties are lost, but not all of it */
	bool attachments;     /* there are any */
	struct pm_subs subs;  /* all of them, new ids where mended */
	PM_VEC(uint16_t) bad; /* properties to leave out */
};

static enum pm_rc mend_object(struct pm_repair *r, enum role role, pm_nid top, unsigned depth,
			      pm_bid *data, pm_bid *sub);

/*
 * A table that belongs to one object: as it is if it is sound, else from what can be read.
 * `cols`: columns that it must have where matters of form count, or NULL.
 */
static enum pm_rc mend_table(struct pm_repair *r, const uint16_t *cols, pm_bid *data, pm_bid *sub)
{
	struct pm_table t = {0};
	struct pm_tc tc;
	bool sound = false;
	enum pm_rc rc = pm_tc_open(&r->an->db, *data, *sub, &tc), state = rc;

	if (!pm_is_error(rc) && pm_is_error(pm_tc_sound(&tc, rc, r->strict, &sound)))
		rc = r->ctx->rc;
	sound = sound && !pm_repair_table_bare(r, &tc, cols);
	if (pm_is_error(rc) || rc == PM_NONE || sound) {
		pm_tc_close(&tc);
		return rc == PM_NONE ? PM_LOST : rc;
	}
	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_table_load(&t, &tc);
	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_repair_row_ids(&t);
	if (rc == PM_OK)
		rc = pm_repair_table_columns(r, &t, cols);
	if (rc == PM_OK)
		rc = pm_table_build(&t, &r->sink, data, sub);
	pm_table_done(&t);
	pm_tc_close(&tc);
	return rc == PM_OK && state != PM_OK ? PM_DAMAGED : rc;
}

/* Of odd texts and lists that don't fit their size what is there is kept. */
static enum pm_rc look_at_properties(struct object *o)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->pc.props.n && !pm_is_error(rc); i++) {
		uint32_t rules = 0;
		uint16_t *slot;

		rc = pm_pc_prop_rules(&o->pc, &o->pc.props.v[i], false, LOOK_MAX, &rules);
		if (pm_is_error(rc) || !(rules & PM_CR_UNUSABLE))
			continue;
		/* Read as what it always is, and stored so. */
		if (o->pc.props.v[i].retyped && (rules & PM_CR_UNUSABLE) == PM_CR_TYPE)
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
		rc = mend_table(o->r, NULL, &data, &sub);
		*ret_keep = rc != PM_LOST;
		break;
	case PM_NT_ATTACHMENT:
		if (o->role == ROLE_MESSAGE)
			rc = mend_object(o->r, ROLE_ATTACHMENT, o->top, o->depth + 1, &data, &sub);
		*ret_keep = rc != PM_LOST;
		break;
	case PM_NT_MESSAGE:
		if (o->role == ROLE_ATTACHMENT)
			rc = mend_object(o->r, ROLE_MESSAGE, o->top, o->depth + 1, &data, &sub);
		*ret_keep = rc != PM_LOST;
		break;
	case PM_NT_LTP:
		if (o->r->strict)
			rc = pm_repair_full(o->r, data, &data);
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
		struct pm_sub s = o->pc.subs.v.v[i];
		bool keep;

		rc = mend_sub(o, &s, &keep);
		if (rc == PM_OK && keep)
			rc = pm_subs_put(o->r->ctx, &o->subs, (pm_nid)s.nid, s.data, s.sub);
	}
	return rc;
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
	const struct pm_sub *at = pm_subs_find(&o->subs, PM_NID_ATTACHMENT_TABLE);
	struct pm_table t = {0};
	struct pm_tc tc = {0};
	bool dirty = false, any = false;
	pm_bid data, sub;
	enum pm_rc rc;

	for (size_t i = 0; i < o->subs.v.n; i++)
		any |= pm_nid_type((pm_nid)o->subs.v.v[i].nid) == PM_NT_ATTACHMENT;
	o->attachments = any;
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
		if (pm_nid_type(t.rows.v[i].id) != PM_NT_ATTACHMENT ||
		    !pm_subs_find(&o->subs, t.rows.v[i].id)) {
			dirty = true;
			pm_table_drop_row(&t, i);
		}
	for (size_t i = 0; i < o->subs.v.n && rc == PM_OK; i++)
		if (pm_nid_type((pm_nid)o->subs.v.v[i].nid) == PM_NT_ATTACHMENT)
			rc = attachment_row(o, &t, &o->subs.v.v[i], &dirty);
	if (rc == PM_OK && dirty) {
		o->dirty = true;
		rc = pm_table_build(&t, &r->sink, &data, &sub);
		if (rc == PM_OK)
			rc = pm_subs_put(r->ctx, &o->subs, PM_NID_ATTACHMENT_TABLE, data, sub);
	}
	pm_table_done(&t);
	pm_tc_close(&tc);
	return rc;
}

/* Properties whose value was in a subnode that is gone. */
static void drop_dangling(struct pm_props *p)
{
	for (size_t i = p->v.n; i--;) {
		const struct pm_propval *v = &p->v.v[i];
		pm_nid nid = v->nid;

		if (!nid && v->type == PM_PT_OBJECT && v->value.n >= 4)
			nid = pm_le32(v->value.p);
		if (nid && !pm_subs_find(&p->subs, nid))
			pm_props_remove(p, v->id);
	}
}

/* The class that the row in the folder's table says; NULL when it says none. */
static enum pm_rc class_of_row(struct object *o, struct pm_arena *arena, char **ret)
{
	const struct pm_ndb *db = &o->r->an->db;
	const struct pm_node *n = pm_ndb_find_node(db, o->top);
	const unsigned type =
		pm_nid_type(o->top) == PM_NT_ASSOC ? PM_NT_ASSOC_CONTENTS : PM_NT_CONTENTS;
	struct pm_tc tc;
	size_t row;
	enum pm_rc rc;

	*ret = NULL;
	if (!n || o->depth)
		return PM_OK;
	rc = pm_tc_open_node(db, pm_folder_companion(n->parent, type), &tc);
	row = pm_is_error(rc) ? tc.rows.n : pm_tc_find(&tc, o->top);
	if (!pm_is_error(rc) && row < tc.rows.n)
		rc = pm_tc_text(&tc, row, PM_ID_MESSAGE_CLASS, 0, arena, ret);
	pm_tc_close(&tc);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* A message without a class is no message to any mail program [MS-OXCMSG 2.2.1.3]. */
static enum pm_rc give_class(struct object *o, struct pm_props *p)
{
	const struct pm_propval *have = pm_props_find(p, PM_ID_MESSAGE_CLASS);
	struct pm_arena arena = {0};
	char *class = NULL;
	uint64_t bad; /* classes are ASCII, or none's [MS-OXCMSG 2.2.1.3] */
	enum pm_rc rc;

	if (have && (have->nid || have->value.n))
		return PM_OK;
	rc = class_of_row(o, &arena, &class);
	if (rc == PM_OK && (!class || !*class)) {
		class = NULL;
		rc = pm_repair_casualty(o->r, o->top, false, NULL,
					"%smessage class: lost, IPM.Note stands for it",
					o->depth ? "embedded message: " : "");
	}
	if (rc == PM_OK)
		rc = pm_props_set_text(p, PM_ID_MESSAGE_CLASS, 0, class ? class : "IPM.Note", &bad);
	pm_arena_done(&arena);
	return rc;
}

static bool has_class(struct object *o)
{
	const struct pm_prop *p = pm_pc_find(&o->pc, PM_ID_MESSAGE_CLASS);

	return p && pm_le32(p->raw);
}

/* Does an attachment's method fit data of this type (0: none)? */
static bool method_fits(uint32_t method, uint16_t type)
{
	if (method == PM_AM_VALUE)
		return type == PM_PT_BINARY;
	if (method == PM_AM_EMBEDDED || method == PM_AM_OLE)
		return type == PM_PT_OBJECT || type == PM_PT_BINARY;
	return method <= PM_AM_WEB;
}

/* Where there are no data the method, which says that there were, stays, but for strict form; what is
 * left of no attachment at all gets one that says that there are none. */
static bool method_counts(const struct object *o, const struct pm_props *p)
{
	return o->role == ROLE_ATTACHMENT &&
	       (o->r->strict || pm_props_find(p, PM_ID_ATTACH_DATA) ||
		!(pm_props_find(p, PM_ID_ATTACH_METHOD) || pm_props_find(p, PM_ID_ATTACH_SIZE)));
}

static enum pm_rc give_method(struct object *o, struct pm_props *p)
{
	const struct pm_propval *have = pm_props_find(p, PM_ID_ATTACH_METHOD);
	const struct pm_propval *data = pm_props_find(p, PM_ID_ATTACH_DATA);
	const bool known = have && have->type == PM_PT_I4 && have->value.n == 4;
	uint32_t method = PM_AM_NONE;

	if (!method_counts(o, p) ||
	    (known && method_fits(pm_le32(have->value.p), data ? data->type : 0)))
		return PM_OK;
	if (data && data->type == PM_PT_BINARY)
		method = PM_AM_VALUE;
	else if (data && data->type == PM_PT_OBJECT && data->value.n >= 4)
		method = pm_nid_type(pm_le32(data->value.p)) == PM_NT_MESSAGE ? PM_AM_EMBEDDED
									      : PM_AM_OLE;
	return pm_props_set_u32(p, PM_ID_ATTACH_METHOD, PM_PT_I4, method);
}

static bool lacks_recipients(const struct object *o)
{
	return pm_message_addressed(&o->pc) && !pm_subs_find(&o->subs, PM_NID_RECIPIENT_TABLE);
}

/* Whoever looks at the result must see that there were recipients, and that they are not known. */
static enum pm_rc give_recipients(struct object *o, struct pm_props *p)
{
	static const uint16_t ids[] = {PM_ID_DISPLAY_TO, PM_ID_DISPLAY_CC, PM_ID_DISPLAY_BCC};
	struct pm_table t = {0};
	pm_bid data, sub;
	bool addressed = false;
	enum pm_rc rc;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		const struct pm_propval *v = pm_props_find(p, ids[i]);

		addressed |= v && (v->nid || v->value.n);
	}
	if (!addressed || pm_subs_find(&p->subs, PM_NID_RECIPIENT_TABLE))
		return PM_OK;
	rc = pm_template_table(o->r->ctx, o->r->fmt, PM_NID_RECIPIENT_TABLE, &t);
	if (rc == PM_OK)
		rc = pm_table_build(&t, &o->r->sink, &data, &sub);
	if (rc == PM_OK)
		rc = pm_subs_put(o->r->ctx, &p->subs, PM_NID_RECIPIENT_TABLE, data, sub);
	pm_table_done(&t);
	return rc;
}

/* The mark that there are attachments. */
static enum pm_rc give_flag(struct object *o, struct pm_props *p)
{
	const struct pm_propval *have = pm_props_find(p, PM_ID_MESSAGE_FLAGS);
	uint32_t flags;

	if (!o->r->strict || !have || have->type != PM_PT_I4 || have->value.n != 4)
		return PM_OK;
	flags = pm_le32(have->value.p) & ~(uint32_t)PM_MSGFLAG_ATTACH;
	if (o->attachments)
		flags |= PM_MSGFLAG_ATTACH;
	return pm_props_set_u32(p, PM_ID_MESSAGE_FLAGS, PM_PT_I4, flags);
}

/* Is there a value to be set, though all of them are sound? */
static enum pm_rc look_at_meaning(struct object *o)
{
	uint32_t v = UINT32_MAX;
	const struct pm_prop *data = pm_pc_find(&o->pc, PM_ID_ATTACH_DATA);
	enum pm_rc rc = PM_OK;

	if (o->role == ROLE_MESSAGE) {
		o->dirty |= !has_class(o) || lacks_recipients(o);
		rc = pm_pc_u32(&o->pc, PM_ID_MESSAGE_FLAGS, &v);
		if (rc == PM_OK && o->r->strict)
			o->dirty |= (v & PM_MSGFLAG_ATTACH) / PM_MSGFLAG_ATTACH != o->attachments;
	} else if (o->role == ROLE_ATTACHMENT &&
		   (data || o->r->strict || pm_attachment_foreign(&o->pc))) {
		rc = pm_pc_u32(&o->pc, PM_ID_ATTACH_METHOD, &v);
		o->dirty |= !method_fits(v, data ? data->type : 0);
	}
	return pm_is_error(rc) ? rc : PM_OK;
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
	p.subs.v.n = 0;
	rc = pm_subs_copy(o->r->ctx, &o->subs, &p.subs);
	for (size_t i = 0; i < o->bad.n; i++)
		pm_props_remove(&p, o->bad.v[i]);
	drop_dangling(&p);
	if (rc == PM_OK && o->role == ROLE_MESSAGE && !o->depth)
		rc = pm_repair_fill_from_row(o->r, o->top, &p);
	if (rc == PM_OK && o->role == ROLE_MESSAGE)
		rc = give_class(o, &p);
	if (rc == PM_OK && o->role == ROLE_MESSAGE)
		rc = give_flag(o, &p);
	if (rc == PM_OK && o->role == ROLE_MESSAGE)
		rc = give_recipients(o, &p);
	if (rc == PM_OK)
		rc = give_method(o, &p);
	if (rc == PM_OK)
		rc = pm_props_build(&p, &o->r->sink, data, sub);
out:
	pm_props_done(&p);
	return rc;
}

/* Ids of named properties that are in use: if their names are lost, these are the ones. */
static void note_named(struct object *o)
{
	for (size_t i = o->pc.props.n; i-- && o->pc.props.v[i].id >= 0x8000;)
		pm_bitmap_set(&o->r->named, o->pc.props.v[i].id - 0x8000u);
}

/* Of a message whose properties are lost: are there recipients or attachments? What only its row
 * knows is told in the list of losses; it makes no message. */
static bool something_left(const struct object *o, const struct pm_subs *s)
{
	bool any = pm_subs_find(s, PM_NID_RECIPIENT_TABLE) != NULL;

	if (o->role != ROLE_MESSAGE || o->depth)
		return false;
	for (size_t i = 0; i < s->v.n && !any; i++)
		any = pm_nid_type((pm_nid)s->v.v[i].nid) == PM_NT_ATTACHMENT;
	return any;
}

static enum pm_rc must_store(struct object *o, enum pm_rc state)
{
	const struct pm_row_value *v;
	bool sound = false;
	enum pm_rc rc = o->left ? PM_OK : pm_pc_sound(&o->pc, state, o->r->strict, &sound);

	o->dirty = !sound || (o->r->strict && o->pc.heap.data.flags & PM_TF_NOT_FULL);
	if (o->role == ROLE_MESSAGE && !o->depth)
		o->dirty |= pm_repair_row_values(o->r, o->top, &v) != 0;
	return rc;
}

static enum pm_rc mend_object(struct pm_repair *r, enum role role, pm_nid top, unsigned depth,
			      pm_bid *data, pm_bid *sub)
{
	struct object o = {.r = r, .role = role, .top = top, .depth = depth};
	enum pm_rc rc = PM_OK, state;

	if (depth > DEPTH_MAX)
		return PM_OK;
	state = pm_pc_open(&r->an->db, *data, *sub, &o.pc);
	if (state == PM_NONE)
		state = PM_LOST;
	o.left = state == PM_LOST && something_left(&o, &o.pc.subs);
	if (pm_is_error(state) || (state == PM_LOST && !o.left))
		goto out;
	note_named(&o);
	rc = o.left && r->probing ? pm_repair_refuse(r) : must_store(&o, state);
	if (rc == PM_OK && o.dirty)
		rc = look_at_properties(&o);
	if (rc == PM_OK)
		rc = mend_subs(&o);
	o.left = o.left && something_left(&o, &o.subs);
	if (rc == PM_OK && state == PM_LOST && !o.left)
		goto out;
	if (rc == PM_OK && role == ROLE_MESSAGE)
		rc = list_attachments(&o);
	if (rc == PM_OK)
		rc = look_at_meaning(&o);
	if (rc == PM_OK && o.dirty)
		rc = r->probing ? pm_repair_refuse(r) : store(&o, data, sub);
	if (rc == PM_OK && o.left)
		pm_repair_kept(r, top);
	if (rc == PM_OK && o.dirty)
		rc = PM_DAMAGED;
out:
	pm_pc_close(&o.pc);
	pm_subs_close(&o.subs);
	pm_vec_done(&o.bad);
	return pm_is_error(state) || (state == PM_LOST && !o.left) ? state : rc;
}

/* Does the node hold something that begins as a table, or can't tell? */
static bool table_like(const struct pm_repair *r, const struct pm_node *n)
{
	const struct pm_block *b = n->data ? pm_ndb_find_block(&r->an->db, n->data) : NULL;

	return b && (pm_bid_internal(b->bid) || (b->flags & PM_BF_KIND) == PM_BK_TC);
}

/*
 * A table that is no folder's: as far as it can be read, else an empty one. Templates, results
 * of searches and the like are derived, or belong to a folder that is gone.
 */
static enum pm_rc mend_side_table(struct pm_repair *r, pm_nid nid, pm_bid *data, pm_bid *sub)
{
	enum pm_rc rc = mend_table(r, pm_folder_columns(nid), data, sub);

	if (rc != PM_LOST)
		return rc;
	*sub = 0;
	rc = pm_template_build(r->ctx, &r->sink, nid, data);
	if (rc == PM_NONE && pm_template_of_type(pm_nid_type(nid)))
		rc = pm_template_build(r->ctx, &r->sink, pm_template_of_type(pm_nid_type(nid)),
				       data);
	if (rc == PM_NONE)
		*data = 0;
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Criteria that can't be read: none. */
static enum pm_rc mend_criteria(struct pm_repair *r, pm_nid nid, pm_bid *data, pm_bid *sub)
{
	enum pm_rc rc = mend_object(r, ROLE_OTHER, nid, 0, data, sub);

	return rc == PM_LOST ? pm_repair_no_criteria(r, nid, data, sub) : rc;
}

/* A node by its type; *data 0 when nothing of it is left. */
static enum pm_rc mend_by_type(struct pm_repair *r, const struct pm_node *n, pm_bid *data,
			       pm_bid *sub)
{
	enum pm_rc rc = PM_OK;

	switch (pm_nid_type(n->nid)) {
	case PM_NT_MESSAGE:
	case PM_NT_ASSOC:
		rc = mend_object(r, ROLE_MESSAGE, n->nid, 0, data, sub);
		if (rc == PM_LOST)
			*data = *sub = 0;
		return rc;
	case PM_NT_FOLDER:
	case PM_NT_SEARCH:
		return mend_object(r, ROLE_OTHER, n->nid, 0, data, sub);
	case PM_NT_CRITERIA:
		return mend_criteria(r, n->nid, data, sub);
	case PM_NT_INTERNAL:
		if (n->nid == PM_NID_STORE || n->nid == PM_NID_NAMEMAP)
			rc = mend_object(r, ROLE_OTHER, n->nid, 0, data, sub);
		return rc;
	case PM_NT_HIERARCHY:
	case PM_NT_CONTENTS:
	case PM_NT_ASSOC_CONTENTS: /* those of folders come with their folders */
		if (pm_model_folder(r->model, pm_folder_companion(n->nid, PM_NT_FOLDER)) !=
		    PM_NO_FOLDER)
			return rc;
		return mend_side_table(r, n->nid, data, sub);
	case PM_NT_ATTACHMENTS:
	case PM_NT_RECIPIENTS:
		return mend_side_table(r, n->nid, data, sub);
	case 0x0B:
	case 0x0C:
		return n->data ? mend_side_table(r, n->nid, data, sub) : rc;
	case PM_NT_SEARCH_CONTENTS: /* undocumented heaps stand here in some files [OBS] */
		return !n->data || table_like(r, n) ? mend_side_table(r, n->nid, data, sub) : rc;
	case 0x16:
		return table_like(r, n) ? mend_side_table(r, n->nid, data, sub) : rc;
	}
	return rc;
}

static enum pm_rc mend_node(struct pm_repair *r, struct pm_node *n)
{
	pm_bid data = n->data, sub = n->sub;
	enum pm_rc rc = mend_by_type(r, n, &data, &sub);

	if (!data) /* subnodes whose data are nowhere are nothing */
		sub = 0;
	if (pm_is_error(rc) || (data == n->data && sub == n->sub))
		return pm_is_error(rc) ? rc : PM_OK;
	n->data = data;
	n->sub = sub;
	n->flags &= (uint8_t) ~(PM_NF_SOUND | PM_NF_WHOLE);
	return data ? pm_repair_did(r, PM_DID_NODE_REBUILT, n->nid, 0, 0) : PM_OK;
}

/* Only if names are lost, it counts which are in use. */
static bool node_known(const struct pm_repair *r, size_t i)
{
	const struct pm_node *n = &r->an->db.nodes.v[i], *names;

	if (!(n->flags & PM_NF_SOUND) ||
	    (pm_nid_type(n->nid) != PM_NT_MESSAGE && pm_nid_type(n->nid) != PM_NT_ASSOC))
		return false;
	names = pm_ndb_find_node(&r->an->db, PM_NID_NAMEMAP);
	return names && names->flags & PM_NF_SOUND;
}

static bool node_sound(struct pm_repair *r, size_t i)
{
	const struct pm_node *n = &r->an->db.nodes.v[i];
	pm_bid data = n->data, sub = n->sub;
	enum pm_rc rc;

	if (pm_nid_type(n->nid) != PM_NT_MESSAGE && pm_nid_type(n->nid) != PM_NT_ASSOC)
		return false;
	rc = mend_object(r, ROLE_MESSAGE, n->nid, 0, &data, &sub);
	return rc == PM_OK && data == n->data && sub == n->sub;
}

enum pm_rc pm_repair_objects(struct pm_repair *r)
{
	const struct pm_repair_probe what = {"objects", r->an->db.nodes.n, 64, node_known,
					     node_sound};
	struct pm_bitmap sound = {0};
	enum pm_rc rc = pm_bitmap_init(r->ctx, &r->named, 0x8000);

	/* Full blocks are shared by all that have the same (pm_repair_full). */
	if (rc == PM_OK && !r->strict)
		rc = pm_repair_probe(r, &what, &sound);
	for (size_t i = 0; i < r->an->db.nodes.n && rc == PM_OK; i++) {
		if (!pm_bitmap_test(&sound, i))
			rc = mend_node(r, &r->an->db.nodes.v[i]);
		if (rc == PM_OK && i % 256 == 0)
			rc = pm_tick(r->ctx, "objects", i, r->an->db.nodes.n);
	}
	pm_bitmap_done(&sound);
	return rc;
}
