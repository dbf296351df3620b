/* SPDX-License-Identifier: Apache-2.0 */
/* Attachments of a message. */
#include "msg/message.h"

static bool usable(enum pm_rc rc)
{
	return rc == PM_OK || rc == PM_DAMAGED;
}

/* The best name that there is, the table row's last. */
static enum pm_rc find_name(struct pm_message *m, const struct pm_attach_ref *ref,
			    struct pm_attachment *a)
{
	static const uint16_t ids[] = {PM_ID_ATTACH_LONG_FILENAME, PM_ID_ATTACH_FILENAME,
				       PM_ID_DISPLAY_NAME};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < 3 && usable(a->state); i++) {
		rc = pm_pc_text(&a->pc, ids[i], m->codepage, &a->arena, &a->name);
		if (pm_is_error(rc))
			return rc;
		if (a->name && *a->name)
			return PM_OK;
		a->name = NULL;
	}
	if (ref->listed)
		rc = pm_tc_text(&m->attach_table, ref->row, PM_ID_ATTACH_FILENAME, m->codepage,
				&a->arena, &a->name);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Method when no property tells: by what the data is. */
static uint32_t guess_method(const struct pm_attachment *a)
{
	const struct pm_prop *p = pm_pc_find(&a->pc, PM_ID_ATTACH_DATA);

	if (!p)
		return PM_AM_NONE;
	return p->type == PM_PT_OBJECT ? PM_AM_EMBEDDED : PM_AM_VALUE;
}

static enum pm_rc read_all(struct pm_message *m, struct pm_attachment *a)
{
	const struct {
		uint16_t id;
		char **text;
	} texts[] = {
		{PM_ID_ATTACH_MIME_TAG, &a->mime},
		{PM_ID_ATTACH_CONTENT_ID, &a->content_id},
		{0x3713, &a->content_location}, /* PidTagAttachContentLocation */
		{0x3703, &a->extension},        /* PidTagAttachExtension */
	};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; !pm_is_error(rc) && i < sizeof(texts) / sizeof(texts[0]); i++)
		rc = pm_pc_text(&a->pc, texts[i].id, m->codepage, &a->arena, texts[i].text);
	if (!pm_is_error(rc))
		rc = pm_pc_u32(&a->pc, PM_ID_ATTACH_SIZE, &a->size);
	if (!pm_is_error(rc))
		rc = pm_pc_u32(&a->pc, PM_ID_RENDERING_POSITION, &a->rendering);
	if (!pm_is_error(rc))
		rc = pm_pc_u32(&a->pc, 0x3714, &a->flags); /* PidTagAttachFlags */
	if (!pm_is_error(rc))
		rc = pm_pc_bool(&a->pc, 0x7FFE, &a->hidden); /* PidTagAttachmentHidden */
	return rc;
}

enum pm_rc pm_attachment_open_bare(struct pm_message *m, size_t i, struct pm_attachment *a)
{
	const struct pm_attach_ref *ref = &m->attachments.v[i];
	enum pm_rc rc;

	*a = (struct pm_attachment){.of = m, .nid = ref->nid, .rendering = UINT32_MAX};
	a->state = pm_pc_open(m->db, ref->data, ref->sub, &a->pc);
	if (a->state == PM_NONE)
		a->state = PM_LOST;
	if (!usable(a->state))
		return a->state;
	rc = pm_pc_u32(&a->pc, PM_ID_ATTACH_METHOD, &a->method);
	if (!pm_is_error(rc) && !usable(rc))
		a->method = guess_method(a);
	return pm_is_error(rc) ? rc : a->state;
}

enum pm_rc pm_attachment_open(struct pm_message *m, size_t i, struct pm_attachment *a)
{
	enum pm_rc rc = pm_attachment_open_bare(m, i, a);

	if (!pm_is_error(rc))
		rc = usable(a->state) ? read_all(m, a) : PM_OK;
	if (!pm_is_error(rc))
		rc = find_name(m, &m->attachments.v[i], a);
	return pm_is_error(rc) ? rc : a->state;
}

void pm_attachment_close(struct pm_attachment *a)
{
	pm_pc_close(&a->pc);
	pm_arena_done(&a->arena);
}

bool pm_attachment_foreign(const struct pm_pc *pc)
{
	return pc->props.n && !pm_pc_find(pc, PM_ID_ATTACH_METHOD) &&
	       !pm_pc_find(pc, PM_ID_ATTACH_DATA) && !pm_pc_find(pc, PM_ID_ATTACH_SIZE);
}

bool pm_attachment_is_message(struct pm_attachment *a)
{
	const struct pm_prop *p = pm_pc_find(&a->pc, PM_ID_ATTACH_DATA);

	return a->method == PM_AM_EMBEDDED && p && p->type == PM_PT_OBJECT;
}

enum pm_rc pm_attachment_data(struct pm_attachment *a, struct pm_value *v)
{
	const struct pm_prop *p = pm_pc_find(&a->pc, PM_ID_ATTACH_DATA);
	const struct pm_sub *sub;
	uint32_t size;
	enum pm_rc rc;

	*v = (struct pm_value){.state = PM_NONE};
	if (!p || pm_proptype_inline(p->type) || pm_proptype_size(p->type) < 0 ||
	    pm_attachment_is_message(a))
		return PM_NONE;
	if (p->type != PM_PT_OBJECT)
		return pm_pc_value(&a->pc, p, v);
	v->type = PM_PT_OBJECT;
	rc = pm_pc_object(&a->pc, PM_ID_ATTACH_DATA, &sub, &size);
	if (!usable(rc)) {
		v->state = rc;
		return rc;
	}
	v->stream = true;
	v->nid = (pm_nid)sub->nid;
	v->state = pm_tree_data(a->pc.db, sub->data, &v->data);
	if (v->state == PM_NONE)
		v->state = PM_OK;
	v->size = v->data.size;
	return v->state;
}

enum pm_rc pm_attachment_message(struct pm_attachment *a, struct pm_message *m)
{
	const struct pm_sub *sub;
	uint32_t size;
	enum pm_rc rc;

	*m = (struct pm_message){.db = a->pc.db, .state = PM_NONE};
	if (!pm_attachment_is_message(a))
		return PM_NONE;
	rc = pm_pc_object(&a->pc, PM_ID_ATTACH_DATA, &sub, &size);
	if (!usable(rc)) {
		m->state = rc;
		return rc;
	}
	return pm_message_open(a->pc.db, 0, sub->data, sub->sub, a->of->codepage, m);
}
