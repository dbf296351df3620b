/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a message has lost and the row in its folder's table still says. A row mirrors properties
 * of the message [MS-PST 2.4.4.5]: where those are lost, or lie in a block with damaged content, a
 * sound cell is the better copy. Nothing is made up here: a message whose row is gone, too, stays without.
 *
 * Needs: for pm_repair_rows, objects and tables as they are in the source; the list of casualties.
 */
#include "repair/repair.h"

#include "msg/folder.h"
#include "recover/tables.h"

#define CELL_MAX 65536

struct collect {
	struct pm_repair *r;
	struct pm_tc tc; /* of the folder, */
	pm_nid table;    /* 0: none is open */
	struct pm_buf cell, own;
	bool vouched; /* the message's own values are as good as the row's (trailers_only) */
};

static enum pm_rc open_table(struct collect *c, pm_nid table)
{
	enum pm_rc rc;

	if (c->table == table)
		return PM_OK;
	if (c->table)
		pm_tc_close(&c->tc);
	c->table = table;
	rc = pm_tc_open_node(&c->r->an->db, table, &c->tc);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc keep(struct collect *c, pm_nid nid, const struct pm_col *col)
{
	struct pm_row_value *v = pm_vec_push(c->r->ctx, &c->r->row_values);
	uint8_t *copy = pm_arena_alloc(c->r->ctx, &c->r->arena, c->cell.n + 1);

	if (!v || !copy)
		return c->r->ctx->rc;
	memcpy(copy, c->cell.p, c->cell.n);
	*v = (struct pm_row_value){.nid = nid, .id = col->id, .type = col->type};
	v->value = (struct pm_span){.p = copy, .n = c->cell.n};
	return PM_OK;
}

/* What the message itself says, in c->own; PM_NONE: nothing. */
static enum pm_rc own_value(struct collect *c, struct pm_pc *pc, const struct pm_col *col)
{
	const struct pm_prop *p = pm_pc_find(pc, col->id);
	struct pm_value v;
	uint32_t rules = 0;
	enum pm_rc rc;

	if (!p)
		return PM_NONE;
	rc = pm_pc_prop_rules(pc, p, false, CELL_MAX, &rules);
	if (pm_is_error(rc))
		return rc;
	if (rules & PM_CR_UNUSABLE)
		return PM_LOST;
	if (p->type != col->type) /* one of the two was hit, and this one can be read */
		return PM_OK;
	rc = pm_pc_value(pc, p, &v);
	if (rc == PM_DAMAGED && pm_is_error(pm_value_read(c->r->ctx, &v, CELL_MAX, &c->own)))
		rc = c->r->ctx->rc;
	pm_value_done(&v);
	return rc;
}

/*
 * Was nothing hit but the trailers of its blocks? A block whose content changed still has its id
 * and signature; one that has neither lost them to damage of the trailer, and the page map, which
 * lies beside the trailer, bears witness for the content.
 */
static bool trailers_only(const struct pm_pc *pc)
{
	const struct pm_data *d = &pc->heap.data;

	if (pc->heap.rules & PM_HN_ERRORS || pc->bth_rules || pc->lost || pc->rules)
		return false;
	for (size_t i = 0; i < d->leaves.n; i++) {
		const struct pm_block *b = pm_ndb_find_block(pc->db, d->leaves.v[i].bid);

		if (!b || b->flags & PM_BF_LOST ||
		    (b->flags & PM_BF_CRC && (~b->flags & (PM_BF_BID | PM_BF_SIG))))
			return false;
	}
	return true;
}

/* A column whose type was hit says nothing. */
static bool possible(const struct pm_format *f, uint16_t type)
{
	return pm_proptype_name(type) &&
	       !(type == PM_PT_UNICODE && f->string_type == PM_PT_STRING8);
}

/* PM_OK: the cell is to be taken. `open`: properties are missing of which nothing tells. */
static enum pm_rc better(struct collect *c, struct pm_pc *pc, bool open, size_t row,
			 const struct pm_col *col)
{
	uint32_t rules = 0, value = 0;
	struct pm_value v;
	enum pm_rc rc, own;

	pm_buf_clear(&c->cell);
	pm_buf_clear(&c->own);
	if (pm_row_only(col->id) || !possible(c->r->fmt, col->type))
		return PM_NONE;
	own = own_value(c, pc, col);
	if (own == PM_OK || pm_is_error(own) || (own == PM_NONE && !open) ||
	    (own == PM_DAMAGED && c->vouched))
		return pm_is_error(own) ? own : PM_NONE;
	/* A cell that was hit itself is no help. */
	rc = pm_tc_cell_rules(&c->tc, row, col, true, CELL_MAX, &rules, &value);
	if (pm_is_error(rc) || rules)
		return pm_is_error(rc) ? rc : PM_NONE;
	rc = pm_tc_cell(&c->tc, row, col, &v);
	if (rc == PM_OK)
		rc = pm_value_read(c->r->ctx, &v, CELL_MAX, &c->cell);
	pm_value_done(&v);
	if (rc || !c->cell.n)
		return pm_is_error(rc) ? rc : PM_NONE;
	return own == PM_DAMAGED && c->own.n == c->cell.n && !memcmp(c->own.p, c->cell.p, c->cell.n)
		       ? PM_NONE
		       : PM_OK;
}

static enum pm_rc collect_row(struct collect *c, pm_nid nid, struct pm_pc *pc, bool open)
{
	const size_t row = pm_tc_find(&c->tc, nid), first = c->r->row_values.n;
	enum pm_rc rc = PM_OK;

	if (row >= c->tc.rows.n || c->tc.rows.v[row].rules)
		return PM_OK;
	for (size_t i = 0; i < c->tc.cols.n && !pm_is_error(rc); i++) {
		rc = better(c, pc, open, row, &c->tc.cols.v[i]);
		if (rc == PM_OK)
			rc = keep(c, nid, &c->tc.cols.v[i]);
	}
	if (!pm_is_error(rc) && c->r->row_values.n > first)
		rc = pm_map_put(c->r->ctx, &c->r->row_values_of, nid, first);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc collect(struct collect *c, const struct pm_casualty *lost)
{
	const unsigned type = pm_nid_type(lost->nid);
	const struct pm_node *n = pm_ndb_find_node(&c->r->an->db, lost->nid);
	struct pm_pc pc;
	enum pm_rc rc;

	if ((type != PM_NT_MESSAGE && type != PM_NT_ASSOC) || !n || lost->folder == PM_NO_FOLDER)
		return PM_OK;
	rc = open_table(c, pm_folder_companion(c->r->model->folders.v[lost->folder].nid,
					       type == PM_NT_ASSOC ? PM_NT_ASSOC_CONTENTS
								   : PM_NT_CONTENTS));
	if (rc)
		return rc;
	rc = pm_pc_open(&c->r->an->db, n->data, n->sub, &pc);
	c->vouched = !pm_is_error(rc) && rc <= PM_DAMAGED && trailers_only(&pc);
	if (!pm_is_error(rc))
		rc = collect_row(c, lost->nid, &pc, rc != PM_OK || pc.lost || pc.bth_rules);
	pm_pc_close(&pc);
	return rc;
}

enum pm_rc pm_repair_rows(struct pm_repair *r)
{
	struct collect c = {.r = r};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < r->casualties.n && rc == PM_OK; i++)
		rc = collect(&c, &r->casualties.v[i]);
	if (c.table)
		pm_tc_close(&c.tc);
	pm_buf_done(&c.cell);
	pm_buf_done(&c.own);
	return rc;
}

size_t pm_repair_row_values(const struct pm_repair *r, pm_nid nid, const struct pm_row_value **ret)
{
	const struct pm_map_entry *e = pm_map_find(&r->row_values_of, nid);
	size_t n = 0;

	if (!e)
		return 0;
	*ret = &r->row_values.v[e->value];
	while (e->value + n < r->row_values.n && (*ret)[n].nid == nid)
		n++;
	return n;
}

enum pm_rc pm_repair_fill_from_row(struct pm_repair *r, pm_nid nid, struct pm_props *p)
{
	const struct pm_row_value *v;
	const size_t n = pm_repair_row_values(r, nid, &v);
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < n && rc == PM_OK; i++)
		rc = pm_props_set(p, v[i].id, v[i].type, v[i].value.p, v[i].value.n);
	if (rc == PM_OK && n)
		rc = pm_repair_casualty(r, nid, false, NULL,
					"%zu propert%s from the folder's table", n,
					n == 1 ? "y is" : "ies are");
	return rc;
}
