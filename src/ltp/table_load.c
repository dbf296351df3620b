/* SPDX-License-Identifier: Apache-2.0 */
/* Taking over an existing table as far as it can be read. */
#include "ltp/pc.h"
#include "ltp/table.h"

#define LAYOUT_RULES                                                                               \
	(PM_BR_RGIB | PM_BR_IBIT | PM_BR_PLACE | PM_BR_CBDATA | PM_BR_ROWID | PM_BR_ROWVER)
#define MALFORMED (PM_CR_SIZE | PM_CR_ODD | PM_CR_MV | PM_CR_OBJECT)
#define CELL_MAX  ((uint64_t)16 << 20)
#define COLS_KEPT 240 /* a table has room for 250, some of which it must have */

/* Cells that share a heap item come out with one each: sound tables don't, but for pools, and
 * what a damaged one can grow to is bounded by its heap. */
#define SHARED    4
#define ROW_BYTES 512

/* A column of a type that has values; "unspecified" and "null" have none. */
static bool has_values(const struct pm_col *c)
{
	return c->type > PM_PT_NULL && pm_proptype_size(c->type) >= 0;
}

/* Does the cell reach over the end of the area of its size? New columns are put there. */
static bool straddles(const struct pm_tc *tc, const struct pm_col *c)
{
	for (unsigned i = 0; i < 3; i++)
		if (c->ibData < tc->rgib[i] && c->ibData + (uint32_t)c->cbData > tc->rgib[i])
			return true;
	return false;
}

/* Columns where they are; PM_DAMAGED when they can't stay there. */
static enum pm_rc keep_layout(struct pm_table *t, const struct pm_tc *tc)
{
	if (tc->rules & LAYOUT_RULES || tc->cols.n > COLS_KEPT)
		return PM_DAMAGED;
	for (size_t i = 0; i < tc->cols.n; i++) {
		const struct pm_col *from = &tc->cols.v[i];
		size_t at;
		enum pm_rc rc;

		if (!has_values(from) || straddles(tc, from))
			return PM_DAMAGED;
		rc = pm_table_add_col(t, pm_col_tag(from), &at);
		if (rc)
			return rc;
	}
	if (t->cols.n != tc->cols.n) /* one is there twice */
		return PM_DAMAGED;
	for (size_t i = 0; i < tc->cols.n; i++)
		t->cols.v[pm_table_col(t, pm_col_tag(&tc->cols.v[i]))] = tc->cols.v[i];
	memcpy(t->rgib, tc->rgib, sizeof(t->rgib));
	return PM_OK;
}

/* The same columns in a new layout, in the old order of iBit where that is sound. */
static enum pm_rc new_layout(struct pm_table *t, const struct pm_tc *tc)
{
	uint32_t tags[256];
	size_t n = 0;

	for (unsigned bit = 0; bit < 256; bit++)
		for (size_t i = 0; i < tc->cols.n; i++)
			if (tc->cols.v[i].iBit == bit && n < COLS_KEPT &&
			    has_values(&tc->cols.v[i]))
				tags[n++] = pm_col_tag(&tc->cols.v[i]);
	return pm_table_init(t, tc->db->ctx, tc->db->fmt, tags, n);
}

static enum pm_rc note_loss(struct pm_table *t, uint32_t row, uint32_t tag)
{
	struct pm_table_loss *l = pm_vec_push(t->ctx, &t->lost);

	if (!l)
		return t->ctx->rc;
	*l = (struct pm_table_loss){row, tag};
	return PM_DAMAGED;
}

/* One cell: PM_OK, PM_DAMAGED, PM_LOST: left out. */
static enum pm_rc load_cell(struct pm_table *t, struct pm_tc *tc, size_t from, size_t row,
			    const struct pm_col *c, uint64_t *budget)
{
	size_t col = pm_table_col(t, pm_col_tag(c));
	uint32_t rules = 0;
	struct pm_value v;
	enum pm_rc rc;

	if (col == t->cols.n)
		return PM_LOST;
	rc = pm_tc_cell(tc, from, c, &v);
	if (pm_is_error(rc) || rc == PM_NONE || rc == PM_LOST)
		goto out;
	if (!pm_cell_inline(c->type)) {
		rc = pm_value_rules(t->ctx, t->fmt, &tc->subs, &v, 1, CELL_MAX, &rules);
		if (pm_is_error(rc))
			goto out;
		/* A cell that names the subnode of the rows, or the heap that they share, has no value. */
		if ((v.size && rules & MALFORMED) || v.span.n > *budget ||
		    (v.stream && v.nid &&
		     (v.nid == tc->rows_hnid || v.nid == 0x541 || v.nid == 0x521))) {
			rc = PM_LOST;
			goto out;
		}
		*budget -= v.span.n;
	}
	rc = v.stream ? pm_table_set_nid(t, row, col, v.nid)
		      : pm_table_set(t, row, col, v.span.p, v.span.n);
	if (rc == PM_OK)
		rc = v.state;
out:
	pm_value_done(&v);
	return rc;
}

static enum pm_rc load_row(struct pm_table *t, struct pm_tc *tc, size_t i, uint64_t *budget)
{
	const struct pm_tc_row *r = &tc->rows.v[i];
	enum pm_rc worst = PM_OK, rc;
	struct pm_span bytes;
	size_t row;

	rc = pm_tc_row(tc, i, &bytes);
	if (pm_is_error(rc))
		return rc;
	if (rc == PM_LOST || pm_table_find(t, r->id) < t->rows.n)
		return note_loss(t, r->id, 0);
	worst = rc;
	rc = pm_table_add_row(t, r->id, &row);
	for (size_t k = 0; !pm_is_error(rc) && k < tc->cols.n; k++) {
		const struct pm_col *c = &tc->cols.v[k];

		if (c->id == PM_ID_LTP_ROW_ID && c->type == PM_PT_I4)
			continue;
		rc = load_cell(t, tc, i, row, c, budget);
		if (rc == PM_LOST)
			rc = note_loss(t, r->id, pm_col_tag(c));
		if (rc == PM_DAMAGED)
			worst = PM_DAMAGED;
	}
	return pm_is_error(rc) ? rc : worst;
}

enum pm_rc pm_table_load(struct pm_table *t, struct pm_tc *tc)
{
	uint64_t budget = SHARED * tc->heap.data.size + ROW_BYTES * (uint64_t)tc->rows.n;
	enum pm_rc rc, worst = PM_OK;

	rc = pm_table_init(t, tc->db->ctx, tc->db->fmt, NULL, 0);
	if (rc == PM_OK)
		rc = keep_layout(t, tc);
	if (rc == PM_DAMAGED) {
		pm_table_done(t);
		rc = new_layout(t, tc);
	}
	if (rc == PM_OK)
		rc = pm_subs_copy(t->ctx, &tc->subs, &t->subs);
	for (size_t i = 0; !pm_is_error(rc) && i < tc->rows.n; i++) {
		rc = load_row(t, tc, i, &budget);
		if (rc == PM_DAMAGED)
			worst = PM_DAMAGED;
	}
	if (pm_is_error(rc))
		return rc;
	if (tc->matrix_sub) {
		t->matrix_nid = tc->rows_hnid;
		pm_subs_remove(&t->subs, tc->rows_hnid);
	}
	/* What rows share is among their own values now; a shared heap that is none had nothing. */
	if (tc->has_pool[0] || tc->rules & PM_BR_POOL)
		pm_subs_remove(&t->subs, 0x541);
	if (tc->has_pool[1] || tc->rules & PM_BR_POOL)
		pm_subs_remove(&t->subs, 0x521);
	return tc->lost ? PM_DAMAGED : worst;
}
