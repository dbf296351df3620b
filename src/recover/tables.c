/* SPDX-License-Identifier: Apache-2.0 */
/* Folder tables against their objects. */
#include "recover/tables.h"

#define CELL_MAX 65536 /* bytes of a cell that are compared */

enum pm_rc pm_table_expected(const struct pm_model *m, uint32_t folder, unsigned type,
			     struct pm_expected *ret)
{
	const struct pm_model_folder *f = &m->folders.v[folder];
	uint32_t n = type == 0x0D ? f->n_children : type == 0x0E ? f->n_messages : f->n_assoc;

	ret->v.n = 0;
	for (uint32_t i = 0; i < n; i++) {
		pm_nid *nid = pm_vec_push(m->an->ctx, &ret->v);

		if (!nid)
			return m->an->ctx->rc;
		*nid = type == 0x0D   ? m->folders.v[m->children.v[f->children + i]].nid
		       : type == 0x0E ? m->messages.v[f->messages + i].nid
				      : m->assoc.v[f->assoc + i].nid;
	}
	return PM_OK;
}

static bool expected(const struct pm_expected *e, pm_nid nid)
{
	size_t lo = 0, hi = e->v.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->v.v[mid] < nid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < e->v.n && e->v.v[lo] == nid;
}

bool pm_row_only(uint16_t id)
{
	/* [OBS] */
	static const uint16_t ids[] = {0x67F2, 0x67F3, 0x0E17, 0x0E30, 0x0E33, 0x0E34, 0x0E38,
				       0x3013, 0x6612, 0x6628, 0x65E2, 0x65E3, 0x0E08};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (ids[i] == id)
			return true;
	return false;
}

enum pm_rc pm_row_want(struct pm_pc *pc, const struct pm_col *c, struct pm_buf *out)
{
	const struct pm_prop *p = pm_row_only(c->id) ? NULL : pm_pc_find(pc, c->id);
	struct pm_value v;
	size_t at = out->n;
	enum pm_rc rc;

	if (!p || p->type != c->type)
		return PM_NONE;
	rc = pm_pc_value(pc, p, &v);
	if (rc == PM_OK)
		rc = v.size > CELL_MAX ? PM_NONE : pm_value_read(pc->db->ctx, &v, CELL_MAX, out);
	pm_value_done(&v);
	/* Only the low byte of a boolean means anything. [OBS] */
	if (rc == PM_OK && c->type == PM_PT_BOOL && out->n > at) {
		out->n = at + 1;
		out->p[at] = out->p[at] != 0;
	}
	return rc;
}

static enum pm_rc compare_cell(struct pm_row_compare *c, struct pm_pc *pc, size_t row, pm_nid id,
			       const struct pm_col *col)
{
	struct pm_ctx *ctx = c->tc->db->ctx;
	struct pm_table_diff d = {.kind = PM_TD_STALE_CELL, .row = id, .tag = pm_col_tag(col)};
	struct pm_value v;
	enum pm_rc rc;

	pm_buf_clear(&c->want);
	pm_buf_clear(&c->have);
	rc = pm_row_want(pc, col, &c->want);
	if (rc)
		return pm_is_error(rc) ? rc : PM_OK;
	rc = pm_tc_cell(c->tc, row, col, &v);
	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_value_read(ctx, &v, CELL_MAX, &c->have);
	pm_value_done(&v);
	if (pm_is_error(rc))
		return rc;
	/* An empty value and no cell are the same; display-cc is left out when empty. [OBS] */
	if (rc == PM_NONE) {
		d.kind = PM_TD_MISSING_CELL;
		return c->want.n && col->id != 0x0E03 ? c->fn(c->arg, &d) : PM_OK;
	}
	if (col->type == PM_PT_BOOL && c->have.n)
		c->have.p[0] = c->have.p[0] != 0;
	if (c->have.n == c->want.n &&
	    !memcmp(c->have.p ? c->have.p : (const uint8_t *)"",
		    c->want.p ? c->want.p : (const uint8_t *)"", c->want.n))
		return PM_OK;
	return c->fn(c->arg, &d);
}

enum pm_rc pm_row_compare(struct pm_row_compare *c, struct pm_pc *pc, size_t row, pm_nid id)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < c->tc->cols.n && rc == PM_OK; i++)
		rc = compare_cell(c, pc, row, id, &c->tc->cols.v[i]);
	return rc;
}

void pm_row_compare_done(struct pm_row_compare *c)
{
	pm_buf_done(&c->want);
	pm_buf_done(&c->have);
}

static enum pm_rc compare_row(const struct pm_model *m, struct pm_row_compare *c, size_t row,
			      pm_nid id)
{
	const struct pm_node *n = pm_ndb_find_node(&m->an->db, id);
	struct pm_pc pc;
	enum pm_rc rc;

	if (!n)
		return PM_OK;
	rc = pm_pc_open(&m->an->db, n->data, n->sub, &pc);
	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_row_compare(c, &pc, row, id);
	pm_pc_close(&pc);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_table_compare(const struct pm_model *m, struct pm_tc *tc,
			    const struct pm_expected *want, bool cells, pm_table_diff_fn fn,
			    void *arg)
{
	struct pm_row_compare c = {.tc = tc, .fn = fn, .arg = arg};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < tc->rows.n && rc == PM_OK; i++) {
		struct pm_table_diff d = {.kind = PM_TD_GHOST_ROW, .row = tc->rows.v[i].id};

		if (!expected(want, d.row))
			rc = fn(arg, &d);
	}
	for (size_t i = 0; i < want->v.n && rc == PM_OK; i++) {
		struct pm_table_diff d = {.kind = PM_TD_MISSING_ROW, .row = want->v.v[i]};
		size_t row = pm_tc_find(tc, d.row);

		if (row >= tc->rows.n)
			rc = fn(arg, &d);
		else if (cells)
			rc = compare_row(m, &c, row, d.row);
	}
	pm_row_compare_done(&c);
	return rc;
}
