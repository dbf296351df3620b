/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that every store must have [MS-PST 2.7.1]: the store itself, the name-to-id map, the
 * table templates (the search lists: search.c). What can be read is kept; what is missing is derived from
 * the rest of the file, never from the clock or at random.
 */
#include "repair/repair.h"

#include "ltp/props.h"
#include "ltp/sound.h"
#include "ltp/templates.h"
#include "msg/folder.h"
#include "msg/store.h"
#include "recover/tables.h"

#include <nettle/md5.h>

#define SAMPLE_MAX 2000 /* objects looked through for an entry id of this store */

static enum pm_rc made(struct pm_repair *r, pm_nid nid, pm_bid data, pm_bid sub)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, nid);
	enum pm_rc rc =
		pm_repair_did(r, n && n->data ? PM_DID_NODE_REBUILT : PM_DID_NODE_MADE, nid, 0, 0);

	return rc ? rc : pm_repair_set_node(r, nid, n ? n->parent : 0, data, sub);
}

static enum pm_rc template_ok(struct pm_repair *r, pm_nid nid, bool *ret)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, nid);
	struct pm_tc tc;
	bool sound = false;
	enum pm_rc rc;

	*ret = false;
	if (!n || !n->data)
		return PM_OK;
	rc = pm_tc_open(&r->an->db, n->data, n->sub, &tc);
	if (!pm_is_error(rc) && pm_is_error(pm_tc_sound(&tc, rc, r->strict, &sound)))
		rc = r->ctx->rc;
	*ret = sound && (nid == 0x62B || !tc.rows.n) &&
	       !pm_repair_table_bare(r, &tc, pm_folder_columns(nid));
	pm_tc_close(&tc);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc fix_templates(struct pm_repair *r)
{
	static const pm_nid nids[] = {0x60D, 0x60E, 0x60F, 0x610, 0x62B,
				      0x671, 0x692, 0x6B6, 0x6D7, 0x6F8};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < sizeof(nids) / sizeof(nids[0]) && rc == PM_OK; i++) {
		pm_bid data;
		bool ok;

		/* The last three are in files of newer Outlooks only. */
		if (nids[i] >= 0x6B6 && !pm_ndb_find_node(&r->an->db, nids[i]))
			continue;
		rc = template_ok(r, nids[i], &ok);
		if (rc || ok)
			continue;
		rc = pm_template_build(r->ctx, &r->sink, nids[i], &data);
		if (rc == PM_OK)
			rc = made(r, nids[i], data, 0);
	}
	return rc;
}

#define LISTED 20 /* ids that are named in one line */

/* Which properties in use have lost their names; `all`: those that the map doesn't have, too. */
static enum pm_rc list_nameless(struct pm_repair *r, const struct pm_names *names, bool all)
{
	struct pm_buf ids = {0};
	uint64_t i = 0;
	unsigned n = 0;
	enum pm_rc rc = PM_OK;

	for (; (i = pm_bitmap_next_set(&r->named, i)) < r->named.n; i++) {
		const struct pm_name *name = pm_names_of(names, (uint16_t)(0x8000 + i));

		if (name ? !(name->rules & (PM_NR_GUID | PM_NR_STRING)) : !all)
			continue;
		if (n++ < LISTED)
			pm_buf_printf(r->ctx, &ids, "%s0x%04x", n > 1 ? ", " : "",
				      (unsigned)(0x8000 + i));
	}
	if (n)
		rc = pm_repair_casualty(r, PM_NID_NAMEMAP, false, NULL,
					"the names of %u properties are lost, their values are "
					"not: %s%s",
					n, pm_buf_cstr(r->ctx, &ids), n > LISTED ? " ..." : "");
	pm_buf_done(&ids);
	return rc;
}

/* What the entries have lost comes from the buckets; the rest is told. */
static enum pm_rc restore_names(struct pm_repair *r, struct pm_names *names)
{
	bool all = names->state == PM_LOST || names->rules & PM_NR_STREAMS;
	enum pm_rc rc = pm_names_restore(&r->an->db, names);

	for (size_t i = 0; i < names->v.n; i++)
		all |= names->v.v[i].rules & PM_NR_TWICE;
	return rc ? rc : list_nameless(r, names, all);
}

/* Is there an entry that the map will have? */
static bool any_name(const struct pm_names *names)
{
	for (size_t i = 0; i < names->v.n; i++)
		if (!(names->v.v[i].rules & PM_NR_TWICE))
			return true;
	return false;
}

static enum pm_rc fix_names(struct pm_repair *r)
{
	/* Twice the same name, or another number of buckets, is found in sound files. */
	const uint32_t harmless =
		PM_NR_SAME | PM_NR_COUNT | (r->strict ? 0 : (uint32_t)PM_NR_BUCKET);
	struct pm_names names;
	pm_bid data, sub;
	enum pm_rc rc = pm_names_open(&r->an->db, &names);

	if (!pm_is_error(rc) && pm_is_error(pm_names_check_buckets(&r->an->db, &names)))
		rc = r->ctx->rc;
	if (!pm_is_error(rc) && (rc == PM_LOST || names.rules & ~harmless || !any_name(&names))) {
		static const uint8_t nobody[16];
		uint16_t prop;

		rc = restore_names(r, &names);
		/* Readers take a map without any entry for a broken one: one that names nothing. */
		if (rc == PM_OK && !any_name(&names))
			rc = pm_names_add(&names, nobody, 0, NULL, &prop);
		if (rc == PM_OK)
			rc = pm_names_build(&names, &r->sink, &data, &sub);
		if (rc == PM_OK)
			rc = made(r, PM_NID_NAMEMAP, data, sub);
	}
	pm_names_close(&names);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* The provider UID in an entry id of a node that exists. */
static bool uid_of(const struct pm_repair *r, struct pm_span s, uint8_t ret[16])
{
	pm_nid nid = pm_entry_id_nid(s, NULL);

	if (!nid || !pm_ndb_find_node(&r->an->db, nid))
		return false;
	memcpy(ret, s.p + 4, 16);
	return true;
}

static enum pm_rc search_uid(struct pm_repair *r, const struct pm_node *n, uint8_t ret[16],
			     bool *ret_found)
{
	struct pm_pc pc;
	enum pm_rc rc = pm_pc_open(&r->an->db, n->data, n->sub, &pc);

	for (size_t i = 0; i < pc.props.n && !pm_is_error(rc) && !*ret_found; i++) {
		struct pm_value v;

		if (pc.props.v[i].type != PM_PT_BINARY)
			continue;
		rc = pm_pc_value(&pc, &pc.props.v[i], &v);
		if (rc == PM_OK && !v.stream && v.size == 24)
			*ret_found = uid_of(r, v.span, ret);
		pm_value_done(&v);
	}
	pm_pc_close(&pc);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* The record key: from an entry id that survived, else a hash of what the file holds. Entry
 * ids inside messages refer to it, so it must not be a new one if the old one can be known. */
static enum pm_rc find_key(struct pm_repair *r, const struct pm_node *store, uint8_t ret[16])
{
	const struct pm_analysis *an = r->an;
	struct md5_ctx md5;
	unsigned looked = 0;
	bool found = false;
	enum pm_rc rc = store ? search_uid(r, store, ret, &found) : PM_OK;

	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK && !found && looked < SAMPLE_MAX;
	     i++) {
		unsigned t = pm_nid_type(an->db.nodes.v[i].nid);

		if (t != 2 && t != 4 && t != 8)
			continue;
		looked++;
		rc = search_uid(r, &an->db.nodes.v[i], ret, &found);
	}
	if (rc || found)
		return rc;
	md5_init(&md5);
	for (size_t i = 0; i < an->db.nodes.n; i++) {
		uint8_t b[12];

		pm_put32(b, an->db.nodes.v[i].nid);
		pm_put64(b + 4, an->db.nodes.v[i].data);
		md5_update(&md5, sizeof(b), b);
	}
	md5_digest(&md5, 16, ret);
	return PM_OK;
}

/* The folder that holds the user's folders. */
static pm_nid subtree(const struct pm_repair *r)
{
	const struct pm_model *m = r->model;
	uint32_t i = pm_model_folder(m, PM_NID_SUBTREE), best = m->root;
	uint32_t most = 0;

	if (i != PM_NO_FOLDER && m->folders.v[i].parent == m->root)
		return PM_NID_SUBTREE;
	for (i = 0; i < m->folders.n; i++)
		if (i != m->root && m->folders.v[i].parent == m->root && !m->folders.v[i].search &&
		    m->folders.v[i].n_children + 1 > most) {
			most = m->folders.v[i].n_children + 1;
			best = i;
		}
	return m->folders.v[best].nid;
}

static enum pm_rc put_entry_id(struct pm_repair *r, struct pm_props *p, uint16_t id,
			       const uint8_t key[16], pm_nid want, bool *dirty)
{
	const struct pm_propval *have = pm_props_find(p, id);
	uint8_t e[24];
	pm_nid nid = 0;

	/* OSTs find these folders by other means; what they have must be right. [OBS] */
	if (!have && r->an->header.client == PM_CLIENT_OST)
		return PM_OK;
	if (have && have->type == PM_PT_BINARY && !have->nid)
		nid = pm_entry_id_nid(have->value, key);
	if (nid && pm_model_folder(r->model, nid) != PM_NO_FOLDER)
		return PM_OK;
	if (pm_model_folder(r->model, want) == PM_NO_FOLDER)
		return PM_OK;
	pm_entry_id_put(e, key, want);
	*dirty = true;
	return pm_props_set(p, id, PM_PT_BINARY, e, sizeof(e));
}

static enum pm_rc fix_store_props(struct pm_repair *r, struct pm_props *p, bool *dirty)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, PM_NID_STORE);
	const struct pm_propval *have = pm_props_find(p, PM_ID_RECORD_KEY);
	uint8_t key[16];
	enum pm_rc rc = PM_OK;

	if (have && have->type == PM_PT_BINARY && have->value.n == 16) {
		memcpy(key, have->value.p, 16);
	} else {
		*dirty = true;
		rc = find_key(r, n, key);
		if (rc == PM_OK)
			rc = pm_props_set(p, PM_ID_RECORD_KEY, PM_PT_BINARY, key, 16);
	}
	if (rc == PM_OK && !pm_props_find(p, PM_ID_DISPLAY_NAME)) {
		*dirty = true;
		rc = pm_props_set_text(p, PM_ID_DISPLAY_NAME, 0, "Outlook Data File", NULL);
	}
	if (rc == PM_OK)
		rc = put_entry_id(r, p, PM_ID_IPM_SUBTREE_ENTRYID, key, subtree(r), dirty);
	if (rc == PM_OK)
		rc = put_entry_id(r, p, PM_ID_IPM_WASTEBASKET_ENTRYID, key, 0x8062, dirty);
	if (rc == PM_OK)
		rc = put_entry_id(r, p, PM_ID_FINDER_ENTRYID, key, 0x8042, dirty);
	return rc;
}

static enum pm_rc fix_store(struct pm_repair *r)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, PM_NID_STORE);
	struct pm_props p;
	struct pm_pc pc;
	bool dirty = false;
	pm_bid data, sub;
	enum pm_rc rc = pm_pc_open(&r->an->db, n ? n->data : 0, n ? n->sub : 0, &pc);

	pm_props_init(&p, r->ctx, r->fmt);
	if (rc == PM_OK || rc == PM_DAMAGED) {
		dirty = rc == PM_DAMAGED;
		rc = pm_props_load(&p, &pc);
		dirty |= rc == PM_DAMAGED;
	} else {
		dirty = true;
	}
	if (!pm_is_error(rc))
		rc = fix_store_props(r, &p, &dirty);
	if (rc == PM_OK && dirty)
		rc = pm_props_build(&p, &r->sink, &data, &sub);
	if (rc == PM_OK && dirty)
		rc = made(r, PM_NID_STORE, data, sub);
	pm_props_done(&p);
	pm_pc_close(&pc);
	return rc;
}

enum pm_rc pm_repair_mandatory(struct pm_repair *r)
{
	enum pm_rc rc = fix_templates(r);

	if (rc == PM_OK)
		rc = fix_names(r);
	if (rc == PM_OK)
		rc = pm_repair_search(r);
	return rc ? rc : fix_store(r);
}
