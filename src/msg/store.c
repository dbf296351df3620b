/* SPDX-License-Identifier: Apache-2.0 */
/* The message store. */
#include "msg/store.h"

#include "base/codepage.h"

pm_nid pm_entry_id_nid(struct pm_span e, const uint8_t *key)
{
	if (e.n != 24 || pm_le32(e.p) != 0 || (key && memcmp(e.p + 4, key, 16) != 0))
		return 0;
	return pm_le32(e.p + 20);
}

void pm_entry_id_put(uint8_t ret[24], const uint8_t key[16], pm_nid nid)
{
	pm_put32(ret, 0);
	memcpy(ret + 4, key, 16);
	pm_put32(ret + 20, nid);
}

static enum pm_rc folder_of(struct pm_store *s, uint16_t id, pm_nid *ret)
{
	struct pm_buf b = {0};
	enum pm_rc rc = pm_pc_binary(&s->pc, id, 64, &b);

	if (rc == PM_OK || rc == PM_DAMAGED)
		*ret = pm_entry_id_nid(pm_buf_span(&b), NULL);
	pm_buf_done(&b);
	return rc;
}

static enum pm_rc read_all(struct pm_store *s)
{
	const struct {
		uint16_t id;
		pm_nid *nid;
	} folders[] = {
		{PM_ID_IPM_SUBTREE_ENTRYID, &s->ipm_subtree},
		{PM_ID_IPM_WASTEBASKET_ENTRYID, &s->wastebasket},
		{PM_ID_FINDER_ENTRYID, &s->finder},
		{0x35E2, &s->outbox},
		{0x35E4, &s->sent},
		{0x35E5, &s->views},
		{0x35E6, &s->common_views},
	};
	struct pm_buf key = {0};
	enum pm_rc rc = pm_pc_binary(&s->pc, PM_ID_RECORD_KEY, 64, &key);

	if (key.n == 16) {
		memcpy(s->key, key.p, 16);
		s->has_key = true;
	}
	pm_buf_done(&key);
	for (size_t i = 0; !pm_is_error(rc) && i < sizeof(folders) / sizeof(folders[0]); i++)
		rc = folder_of(s, folders[i].id, folders[i].nid);
	if (!pm_is_error(rc))
		rc = pm_pc_u32(&s->pc, PM_ID_PST_PASSWORD, &s->password);
	if (!pm_is_error(rc))
		rc = pm_pc_u32(&s->pc, PM_ID_VALID_FOLDER_MASK, &s->folder_mask);
	if (!pm_is_error(rc))
		rc = pm_pc_u32(&s->pc, PM_ID_MESSAGE_CODEPAGE, &s->codepage);
	if (!pm_cp_known(s->codepage) || !pm_cp_is_ascii(s->codepage))
		s->codepage = 0;
	if (!pm_is_error(rc))
		rc = pm_pc_text(&s->pc, PM_ID_DISPLAY_NAME, s->codepage, &s->arena, &s->name);
	return rc;
}

enum pm_rc pm_store_open(const struct pm_ndb *db, struct pm_store *s)
{
	enum pm_rc rc;

	*s = (struct pm_store){0};
	s->state = pm_pc_open_node(db, PM_NID_STORE, &s->pc);
	if (s->state == PM_NONE)
		s->state = PM_LOST;
	if (s->state != PM_OK && s->state != PM_DAMAGED)
		return s->state;
	rc = read_all(s);
	return pm_is_error(rc) ? rc : s->state;
}

void pm_store_close(struct pm_store *s)
{
	pm_pc_close(&s->pc);
	pm_arena_done(&s->arena);
}

enum pm_rc pm_store_codepage(const struct pm_ndb *db, uint32_t *ret)
{
	struct pm_store s;
	enum pm_rc rc = pm_store_open(db, &s);

	if (!pm_is_error(rc))
		*ret = s.codepage ? s.codepage : PM_CP_WINDOWS_1252;
	pm_store_close(&s);
	return pm_is_error(rc) ? rc : PM_OK;
}
