/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is recovered: messages and folders that the node tree does not name, or not in a place that
 * exists. Each with what it is known from and what says where it belongs, so that a reader can
 * judge how far to trust it.
 *
 * Needs: objects as they are in the source.
 */
#include "repair/repair.h"

#include "msg/message.h"

static bool plain(unsigned origin, unsigned placed)
{
	return origin <= PM_FROM_LEAF && placed == PM_PLACED_TREE;
}

static enum pm_rc add(struct pm_repair *r, pm_nid nid, uint32_t folder, unsigned origin,
		      unsigned placed, const char *subject)
{
	struct pm_recovered *slot = pm_vec_push(r->ctx, &r->recovered);

	if (!slot)
		return r->ctx->rc;
	/* What is known by content has got its parent from a row. */
	if (origin == PM_FROM_CONTENT && placed == PM_PLACED_TREE)
		placed = PM_PLACED_ROW;
	*slot = (struct pm_recovered){
		.nid = nid, .folder = folder, .origin = (uint8_t)origin, .placed = (uint8_t)placed};
	if (subject)
		slot->subject = pm_arena_strdup(r->ctx, &r->arena, subject);
	return r->ctx->rc;
}

static enum pm_rc add_message(struct pm_repair *r, const struct pm_model_item *it)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, it->nid);
	struct pm_message m;
	enum pm_rc rc;

	if (!n || plain(n->origin, it->placed) || it->placed == PM_PLACED_DELETED)
		return PM_OK;
	rc = pm_message_open(&r->an->db, it->nid, n->data, n->sub, 0, &m);
	if (!pm_is_error(rc))
		rc = add(r, it->nid, it->folder, n->origin, it->placed, m.subject);
	pm_message_close(&m);
	return rc;
}

enum pm_rc pm_repair_recovered(struct pm_repair *r)
{
	const struct pm_model *m = r->model;
	enum pm_rc rc = PM_OK;

	for (uint32_t i = 0; i < m->folders.n && rc == PM_OK; i++) {
		const struct pm_node *n = pm_ndb_find_node(&r->an->db, m->folders.v[i].nid);

		if (n && !m->folders.v[i].made && !plain(n->origin, m->folders.v[i].placed))
			rc = add(r, n->nid, i, n->origin, m->folders.v[i].placed, NULL);
	}
	for (size_t i = 0; i < m->messages.n && rc == PM_OK; i++)
		rc = add_message(r, &m->messages.v[i]);
	return rc;
}
