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
