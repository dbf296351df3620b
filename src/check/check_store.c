/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message store [MS-PST 2.4.3], the map of property names [MS-PST 2.4.7].
 *
 * Checks: their properties; the store's record key, name and entry ids; entries and buckets
 * of the map.
 * Gathers: the map of names, the code page of 8-bit strings.
 * Needs: nodes.
 */
#include "check/content.h"

#include "msg/store.h"

#define REPORT(c, symbol, ...)                                                                     \
	pm_check_subject((c), &(struct pm_problem){.id = PM_P_##symbol, ##__VA_ARGS__})

static bool usable(enum pm_rc rc)
{
	return rc == PM_OK || rc == PM_DAMAGED;
}

static void report_names(struct pm_checker *c)
{
	struct pm_names *names = &c->names;

	if (names->rules & PM_NR_STREAMS)
		REPORT(c, NAMES_STREAM);
	if (names->rules & PM_NR_SIZES)
		REPORT(c, NAMES_STREAM_SIZE);
	if (names->rules & PM_NR_COUNT)
		REPORT(c, NAMES_BUCKET_COUNT, .have = names->buckets, .want = 251);
	for (size_t i = 0; i < names->v.n && !c->rc; i++) {
		const struct pm_name *n = &names->v.v[i];

		if (n->rules & PM_NR_GUID)
			REPORT(c, NAMES_GUID, .item = i, .have = n->guid);
		if (n->rules & PM_NR_STRING)
			REPORT(c, NAMES_STRING, .item = i, .have = n->prop);
		if (n->rules & PM_NR_TWICE)
			REPORT(c, NAMES_INDEX, .item = i, .have = n->prop);
		if (n->rules & PM_NR_SAME)
			REPORT(c, NAMES_DOUBLE, .item = i, .have = n->prop);
	}
	if (names->rules & PM_NR_BUCKET)
		REPORT(c, NAMES_BUCKET);
}

void pm_check_names(struct pm_checker *c)
{
	const struct pm_node *n = pm_ndb_find_node(&c->an->db, PM_NID_NAMEMAP);
	const uint64_t before = pm_check_faults(c);
	struct pm_pc pc;
	enum pm_rc rc;

	if (c->rc || !n || !n->data)
		return;
	pm_subject_begin(c, n->nid, PM_NO_FOLDER, n->data, n->sub);
	rc = pm_pc_open(&c->an->db, n->data, n->sub, &pc);
	if (!pm_check_stop(c, rc))
		pm_check_pc(c, &pc, rc, NULL);
	pm_pc_close(&pc);
	if (c->rc)
		return;
	rc = pm_names_open(&c->an->db, &c->names);
	if (usable(rc) && !(c->names.rules & PM_NR_STREAMS) &&
	    pm_check_stop(c, pm_names_check_buckets(&c->an->db, &c->names)))
		return;
	if (pm_check_stop(c, rc))
		return;
	if (rc == PM_LOST)
		REPORT(c, NAMES_UNREADABLE);
	else
		report_names(c);
	c->names_known = usable(rc);
	if (!c->subject.tainted && pm_check_faults(c) == before)
		pm_check_set(c, n->nid, PM_NF_SOUND);
}

/* An entry id of the store [MS-PST 2.4.3.2]. */
static void check_entry_id(struct pm_checker *c, struct pm_store *s, uint16_t id, bool subtree)
{
	const struct pm_prop *p = pm_pc_find(&s->pc, id);
	const uint32_t tag = (uint32_t)id << 16 | PM_PT_BINARY;
	pm_nid nid = 0;
	enum pm_rc rc;

	/* OSTs find these folders by other means. [OBS] */
	if (!p && c->an->header.client == PM_CLIENT_OST)
		return;
	pm_buf_clear(&c->buf);
	rc = pm_pc_binary(&s->pc, id, 64, &c->buf);
	if (pm_check_stop(c, rc))
		return;
	if (p && (c->buf.n != 24 || pm_le32(c->buf.p)))
		REPORT(c, STORE_ENTRY_ID_FORM, .tag = tag, .have = c->buf.n);
	if (c->buf.n >= 24) {
		nid = pm_le32(c->buf.p + 20);
		if (s->has_key && memcmp(c->buf.p + 4, s->key, 16) != 0)
			REPORT(c, STORE_ENTRY_ID_KEY, .tag = tag);
	}
	if (pm_model_folder(&c->model, nid) != PM_NO_FOLDER)
		return;
	if (subtree)
		REPORT(c, STORE_IPM_SUBTREE, .tag = tag, .have = nid);
	else
		REPORT(c, STORE_FOLDER, .tag = tag, .have = nid);
}

static void check_key(struct pm_checker *c, struct pm_store *s)
{
	const struct pm_prop *p = pm_pc_find(&s->pc, PM_ID_RECORD_KEY);
	uint64_t size = 0;
	struct pm_value v;

	if (p && p->type == PM_PT_BINARY) {
		if (!pm_check_stop(c, pm_pc_value(&s->pc, p, &v)))
			size = v.size;
		pm_value_done(&v);
	}
	if (size != 16)
		REPORT(c, STORE_RECORD_KEY, .have = size);
}

void pm_check_store(struct pm_checker *c)
{
	const struct pm_node *n = pm_ndb_find_node(&c->an->db, PM_NID_STORE);
	struct pm_store s;
	enum pm_rc rc;

	if (c->rc || !n || !n->data)
		return;
	pm_subject_begin(c, n->nid, PM_NO_FOLDER, n->data, n->sub);
	rc = pm_store_open(&c->an->db, &s);
	if (pm_check_stop(c, rc))
		goto out;
	pm_check_pc(c, &s.pc, rc, NULL);
	if (!usable(rc)) {
		REPORT(c, STORE_UNREADABLE);
		pm_unwhole_add(c, PM_OBJ_STORE, PM_OBJ_LOST, c->subject.first);
		goto out;
	}
	c->codepage = s.codepage;
	check_key(c, &s);
	if (!pm_pc_find(&s.pc, PM_ID_DISPLAY_NAME))
		REPORT(c, STORE_NAME);
	check_entry_id(c, &s, PM_ID_IPM_SUBTREE_ENTRYID, true);
	check_entry_id(c, &s, PM_ID_IPM_WASTEBASKET_ENTRYID, false);
	check_entry_id(c, &s, PM_ID_FINDER_ENTRYID, false);
	if (c->subject.lossy)
		pm_unwhole_add(c, PM_OBJ_STORE, PM_OBJ_DAMAGED, c->subject.lossy);
out:
	pm_store_close(&s);
}
