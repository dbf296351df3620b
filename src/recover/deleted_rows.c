/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents tables of older days: a row says of a deleted item where it was, and when nothing else
 * of it is left, its subject, dates and sender.
 *
 * Gathers: folders of items; items of which only a row is left, with what it says.
 * Needs: the items that are known otherwise.
 */
#include "recover/undelete.h"

#include "ltp/tc.h"
#include "msg/folder.h"
#include "recover/tables.h"

#define CELL_MAX 65536

static const char only_row[] = "all but what a row of a contents table says of it";

static const char row_and_rest[] = "its properties, but for those in a row of a contents table";

/* What the row says, as properties. */
static enum pm_rc keep_values(struct pm_undelete *u, struct pm_tc *tc, size_t row,
			      struct pm_deleted_item *it)
{
	struct pm_ctx *ctx = u->an->ctx;
	struct pm_deleted *d = u->ret;
	struct pm_buf b = {0};
	enum pm_rc rc = PM_OK;

	it->row = d->values.n;
	for (size_t i = 0; i < tc->cols.n && !pm_is_error(rc); i++) {
		const struct pm_col *c = &tc->cols.v[i];
		struct pm_deleted_value *slot;
		struct pm_value v;
		uint8_t *copy;

		if (pm_row_only(c->id))
			continue;
		pm_buf_clear(&b);
		rc = pm_tc_cell(tc, row, c, &v);
		if (rc == PM_OK)
			rc = pm_value_read(ctx, &v, CELL_MAX, &b);
		pm_value_done(&v);
		if (rc != PM_OK || !b.n)
			continue;
		slot = pm_vec_push(ctx, &d->values);
		copy = pm_arena_dup(ctx, &d->arena, b.p, b.n);
		if (!slot || !copy)
			rc = ctx->rc;
		else
			*slot = (struct pm_deleted_value){
				.id = c->id, .type = c->type, .value = {.p = copy, .n = b.n}};
	}
	it->n_row = d->values.n - it->row;
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* The item that the row is about, by node id or by what both say; NULL: none. */
static struct pm_found_item *item_of(struct pm_undelete *u, pm_nid nid, const struct pm_ident *id)
{
	const struct pm_map_entry *e = pm_map_find(&u->by_nid, nid);

	if (!e && id->row)
		e = pm_map_find(&u->mine.row, id->row);
	return e ? &u->items.v[e->value] : NULL;
}

static enum pm_rc take_row(struct pm_undelete *u, struct pm_tc *tc, size_t row, pm_nid folder)
{
	const pm_nid nid = tc->rows.v[row].id;
	struct pm_found_item *x, f = {0};
	struct pm_ident id;
	enum pm_rc rc;

	if (pm_nid_type(nid) != PM_NT_MESSAGE || pm_ndb_find_node(&u->dead.db, nid) ||
	    tc->rows.v[row].state != PM_OK || tc->rows.v[row].rules & ~(uint32_t)PM_BR_ENTRY)
		return PM_OK;
	rc = pm_ident_of_row(tc, row, &id);
	if (rc)
		return rc;
	if (nid >> 5 > u->ret->max_index[PM_NT_MESSAGE] && nid >> 5 < 0x4000000)
		u->ret->max_index[PM_NT_MESSAGE] = nid >> 5;
	x = item_of(u, nid, &id);
	if (x) {
		if (!x->it.folder)
			x->it.folder = folder;
		if (!x->it.was)
			x->it.was = nid;
		if (x->it.data || x->it.n_row)
			return PM_OK;
		x->it.lacks = row_and_rest;
		return keep_values(u, tc, row, &x->it);
	}
	/* Without any date or subject it says nothing. An item that lives may have got another node
	 * id when it was moved. */
	if (!id.row)
		return PM_OK;
	if (pm_map_has(&u->living.row, id.row)) {
		u->ret->living++;
		return PM_OK;
	}
	f.it = (struct pm_deleted_item){
		.was = nid, .folder = folder, .from = PM_DEL_ROW, .lacks = only_row};
	f.ident = id;
	rc = keep_values(u, tc, row, &f.it);
	return rc || !f.it.n_row ? rc : pm_undelete_add(u, &f);
}

/* `living`: a table that lives. What its index names and no node has is lost, not deleted, where
 * the node tree was damaged. */
static enum pm_rc take_table(struct pm_undelete *u, pm_bid data, pm_bid sub, pm_nid folder,
			     bool living)
{
	const bool strays = living && !u->an->accepted;
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&u->dead.db, data, sub, &tc);

	for (size_t i = 0; i < tc.rows.n && !pm_is_error(rc); i++)
		if (!strays || tc.rows.v[i].rules & PM_BR_ENTRY)
			rc = take_row(u, &tc, i, folder);
	pm_tc_close(&tc);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_undelete_rows(struct pm_undelete *u, const struct pm_orphans *o)
{
	const struct pm_ndb *db = &u->dead.db;
	bool taken[2];
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < db->nodes.n && rc == PM_OK; i++) {
		const struct pm_node *n = &db->nodes.v[i];

		if (pm_nid_type(n->nid) == PM_NT_CONTENTS && n->data)
			rc = take_table(u, n->data, n->sub,
					pm_folder_companion(n->nid, PM_NT_FOLDER), true);
	}
	/* Of one folder's the newest comes first. */
	for (size_t i = 0; i < u->nodes.n && rc == PM_OK; i++) {
		const struct pm_old_node *n = &u->nodes.v[i];

		if (pm_nid_type(n->nid) != PM_NT_CONTENTS || pm_dead_lives(u, n->data))
			continue;
		rc = pm_dead_taken(u, n->data, n->sub, &taken[0], &taken[1]);
		if (rc == PM_OK && !taken[0] && !taken[1])
			rc = take_table(u, n->data, n->sub,
					pm_folder_companion(n->nid, PM_NT_FOLDER), false);
	}
	for (size_t i = o->v.n; i-- && rc == PM_OK;) {
		if (o->v.v[i].kind != PM_OR_CONTENTS)
			continue;
		rc = pm_dead_taken(u, o->v.v[i].data, o->v.v[i].sub, &taken[0], &taken[1]);
		if (rc == PM_OK && !taken[0] && !taken[1])
			rc = take_table(u, o->v.v[i].data, o->v.v[i].sub, 0, false);
	}
	return rc;
}
