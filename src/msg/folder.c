/* SPDX-License-Identifier: Apache-2.0 */
/* Folders. */
#include "msg/folder.h"

static bool usable(enum pm_rc rc)
{
	return rc == PM_OK || rc == PM_DAMAGED;
}

static enum pm_rc read_all(struct pm_folder *f, uint32_t codepage)
{
	const struct {
		uint16_t id;
		uint32_t *value;
		bool *has;
	} numbers[] = {
		{PM_ID_CONTENT_COUNT, &f->count, &f->has_count},
		{PM_ID_CONTENT_UNREAD, &f->unread, &f->has_unread},
		{PM_ID_ASSOC_COUNT, &f->assoc, &f->has_assoc},
	};
	enum pm_rc rc = pm_pc_bool(&f->pc, PM_ID_SUBFOLDERS, &f->subfolders);

	f->has_subfolders = usable(rc);
	for (size_t i = 0; !pm_is_error(rc) && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		rc = pm_pc_u32(&f->pc, numbers[i].id, numbers[i].value);
		*numbers[i].has = usable(rc);
	}
	if (!pm_is_error(rc))
		rc = pm_pc_text(&f->pc, PM_ID_DISPLAY_NAME, codepage, &f->arena, &f->name);
	if (!pm_is_error(rc))
		rc = pm_pc_text(&f->pc, PM_ID_CONTAINER_CLASS, codepage, &f->arena,
				&f->container_class);
	return rc;
}

enum pm_rc pm_folder_open(const struct pm_ndb *db, pm_nid nid, uint32_t codepage,
			  struct pm_folder *f)
{
	const struct pm_node *n = pm_ndb_find_node(db, nid);
	enum pm_rc rc;

	*f = (struct pm_folder){.nid = nid, .parent = n ? n->parent : 0};
	f->state = pm_pc_open_node(db, nid, &f->pc);
	if (f->state == PM_NONE)
		f->state = PM_LOST;
	if (!usable(f->state))
		return f->state;
	rc = read_all(f, codepage);
	return pm_is_error(rc) ? rc : f->state;
}

void pm_folder_close(struct pm_folder *f)
{
	pm_pc_close(&f->pc);
	pm_arena_done(&f->arena);
}

static const uint16_t hierarchy_columns[] = {PM_ID_DISPLAY_NAME,
					     PM_ID_CONTENT_COUNT,
					     PM_ID_CONTENT_UNREAD,
					     PM_ID_SUBFOLDERS,
					     PM_ID_LTP_ROW_ID,
					     PM_ID_LTP_ROW_VER,
					     0};
static const uint16_t contents_columns[] = {PM_ID_MESSAGE_CLASS,
					    PM_ID_SUBJECT,
					    PM_ID_MESSAGE_FLAGS,
					    PM_ID_MESSAGE_SIZE,
					    PM_ID_LTP_ROW_ID,
					    PM_ID_LTP_ROW_VER,
					    0};
static const uint16_t assoc_columns[] = {PM_ID_MESSAGE_CLASS, PM_ID_MESSAGE_FLAGS, PM_ID_LTP_ROW_ID,
					 PM_ID_LTP_ROW_VER, 0};
static const uint16_t outgoing_columns[] = {PM_ID_SUBMIT_TIME, 0x0E14, PM_ID_LTP_ROW_ID,
					    PM_ID_LTP_ROW_VER, 0};

const uint16_t *pm_folder_columns(pm_nid nid)
{
	switch (pm_nid_type(nid)) {
	case PM_NT_HIERARCHY:
		return hierarchy_columns;
	case PM_NT_CONTENTS:
		return contents_columns;
	case PM_NT_ASSOC_CONTENTS:
		return assoc_columns;
	}
	return nid == PM_NID_OUTGOING ? outgoing_columns : NULL;
}

uint32_t pm_folder_column_tag(const struct pm_format *f, uint16_t id)
{
	uint32_t type = PM_PT_I4;

	if (id == PM_ID_DISPLAY_NAME || id == PM_ID_MESSAGE_CLASS || id == PM_ID_SUBJECT)
		type = f->string_type;
	else if (id == PM_ID_SUBFOLDERS)
		type = PM_PT_BOOL;
	else if (id == PM_ID_SUBMIT_TIME)
		type = PM_PT_TIME;
	return (uint32_t)id << 16 | type;
}
