/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the items that are not whole: class, date, subject; of the item itself, else
 * of its row in the folder's table. And, when asked for, the mark that a partial item gets: a
 * property that says what is missing.
 *
 * Needs: for pm_repair_describe, objects and tables as they are in the source.
 */
#include "repair/repair.h"

#include "export/rows.h"
#include "ltp/props.h"

static enum pm_rc take(struct pm_repair *r, struct pm_casualty *c, const struct pm_message *m)
{
	c->date = m->delivery ? m->delivery : m->submit;
	if (m->message_class)
		c->message_class = pm_arena_strdup(r->ctx, &r->arena, m->message_class);
	if (m->subject && !c->subject)
		c->subject = pm_arena_strdup(r->ctx, &r->arena, m->subject);
	return r->ctx->rc;
}

static enum pm_rc describe(struct pm_repair *r, struct pm_casualty *c, struct pm_rows *rows)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, c->nid);
	struct pm_message m;
	enum pm_rc rc;

	rc = pm_message_open(&r->an->db, c->nid, n ? n->data : 0, n ? n->sub : 0, 0, &m);
	if (!pm_is_error(rc) && c->folder != PM_NO_FOLDER) {
		const pm_nid folder = r->model->folders.v[c->folder].nid;

		if (rows->folder != folder) {
			pm_rows_close(rows);
			*rows = (struct pm_rows){.db = &r->an->db, .folder = folder};
		}
		rc = pm_rows_fill(rows, &m);
	}
	if (!pm_is_error(rc))
		rc = take(r, c, &m);
	pm_message_close(&m);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_repair_describe(struct pm_repair *r)
{
	struct pm_rows rows = {.db = &r->an->db};
	enum pm_rc rc = PM_OK;

	for (; r->described < r->casualties.n && rc == PM_OK; r->described++)
		rc = describe(r, &r->casualties.v[r->described], &rows);
	pm_rows_close(&rows);
	return rc;
}

/* --- the mark ------------------------------------------------------------------------------ */

/* The property id of the mark, its name added to the store's map where it is not there yet. */
static enum pm_rc mark_id(struct pm_repair *r, uint16_t *ret)
{
	struct pm_names names;
	pm_bid data, sub;
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, PM_NID_NAMEMAP);
	enum pm_rc rc = pm_names_open(&r->an->db, &names);

	*ret = pm_is_error(rc) ? 0 : pm_names_string(&names, pm_uid_strings, PM_MARK_NAME);
	if (!pm_is_error(rc) && !*ret) {
		rc = pm_names_add(&names, pm_uid_strings, 0, PM_MARK_NAME, ret);
		if (rc == PM_OK)
			rc = pm_names_build(&names, &r->sink, &data, &sub);
		if (rc == PM_OK)
			rc = pm_repair_set_node(r, PM_NID_NAMEMAP, n ? n->parent : 0, data, sub);
	}
	pm_names_close(&names);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc mark(struct pm_repair *r, const struct pm_casualty *c, uint16_t id)
{
	struct pm_node *n = pm_ndb_find_node(&r->an->db, c->nid);
	struct pm_props props;
	struct pm_pc pc;
	uint64_t bad; /* the report has the letters */
	pm_bid data, sub;
	enum pm_rc rc;

	if (!n || !n->data)
		return PM_OK;
	rc = pm_pc_open(&r->an->db, n->data, n->sub, &pc);
	pm_props_init(&props, r->ctx, r->fmt);
	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_props_load(&props, &pc);
	/* After the other stages it is sound; what isn't is not touched. */
	if (rc == PM_OK)
		rc = pm_props_set_text(&props, id, r->model->codepage, c->reason, &bad);
	if (rc == PM_OK)
		rc = pm_props_build(&props, &r->sink, &data, &sub);
	if (rc == PM_OK)
		rc = pm_repair_set_node(r, c->nid, n->parent, data, sub);
	if (rc == PM_OK)
		rc = pm_repair_did(r, PM_DID_MARKED, c->nid, 0, 0);
	pm_props_done(&props);
	pm_pc_close(&pc);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_repair_mark(struct pm_repair *r)
{
	uint16_t id = 0;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < r->casualties.n && rc == PM_OK; i++) {
		const struct pm_casualty *c = &r->casualties.v[i];

		if (c->lost)
			continue;
		if (!id)
			rc = mark_id(r, &id);
		if (rc == PM_OK)
			rc = mark(r, c, id);
	}
	return rc;
}
