/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleted items that come back: those of which only a row is left get their properties, what is
 * missing of each is listed, and what it says of itself.
 *
 * Needs: the model with the deleted items in it; objects as they are in the source.
 */
#include "repair/repair.h"

#include "msg/message.h"

static enum pm_rc was_in(struct pm_repair *r, const struct pm_deleted_item *it, char **ret)
{
	struct pm_buf path = {0};
	enum pm_rc rc = pm_model_was_in(r->model, it->folder, &path);

	if (rc == PM_OK && path.n)
		*ret = pm_arena_strdup(r->ctx, &r->arena, pm_buf_cstr(r->ctx, &path));
	pm_buf_done(&path);
	return rc ? rc : r->ctx->rc;
}

static enum pm_rc describe(struct pm_repair *r, const struct pm_message *m, struct pm_undeleted *u)
{
	const char *from = m->sender_name ? m->sender_name
			   : m->repr_name ? m->repr_name
					  : m->sender_email;

	if (m->subject)
		u->subject = pm_arena_strdup(r->ctx, &r->arena, m->subject);
	if (from)
		u->sender = pm_arena_strdup(r->ctx, &r->arena, from);
	if (m->message_class)
		u->message_class = pm_arena_strdup(r->ctx, &r->arena, m->message_class);
	u->date = m->delivery ? m->delivery : m->submit;
	return r->ctx->rc;
}

static enum pm_rc list(struct pm_repair *r, const struct pm_deleted_item *it)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, it->nid);
	struct pm_undeleted *u = pm_vec_push(r->ctx, &r->undeleted);
	struct pm_message m;
	enum pm_rc rc;

	if (!u)
		return r->ctx->rc;
	u->item = it;
	rc = pm_message_open(&r->an->db, it->nid, n ? n->data : 0, n ? n->sub : 0, 0, &m);
	if (!pm_is_error(rc))
		rc = describe(r, &m, u);
	if (rc == PM_OK && it->lacks)
		rc = pm_repair_casualty(r, it->nid, false, m.subject, "%s", it->lacks);
	pm_message_close(&m);
	return rc ? rc : was_in(r, it, &u->was_in);
}

enum pm_rc pm_repair_undelete(struct pm_repair *r)
{
	const struct pm_deleted *d = r->an->deleted;
	enum pm_rc rc = PM_OK;

	if (!d || !d->items.n)
		return PM_OK;
	rc = pm_deleted_build(r->an, &r->sink);
	for (size_t i = 0; i < d->items.n && rc == PM_OK; i++)
		rc = list(r, &d->items.v[i]);
	return rc ? rc : pm_repair_did(r, PM_DID_UNDELETED, 0, d->items.n, 0);
}
