/* SPDX-License-Identifier: Apache-2.0 */
/* Storing a table: heap, row index, matrix, subnodes [MS-PST 2.3.4]. */
#include "ltp/table.h"

#include "base/sort.h"
#include "format/fields.h"

struct build {
	struct pm_table *t;
	struct pm_heap_builder hb;
	struct pm_block_sink *sink;
	size_t n; /* rows */
	uint32_t row_size;
	pm_hid info, matrix; /* matrix 0: in blocks */
	struct pm_bth_built index;
	struct pm_buf block; /* the matrix block at hand */
	PM_VEC(struct pm_leaf) leaves;
	size_t at; /* rows put so far */
};

/* Row index: row ids in order, and where each row is. */
static enum pm_rc put_index(struct build *b)
{
	struct {
		uint64_t id;
		uint32_t number;
	} * v;
	struct pm_table *t = b->t;
	unsigned width = t->fmt->rowidx, size = 4 + width;
	struct pm_buf records = {0};
	uint32_t number = 0;
	enum pm_rc rc;

	v = pm_calloc(t->ctx, b->n, sizeof(*v));
	if (!v)
		return t->ctx->rc;
	for (size_t i = 0; i < t->rows.n; i++)
		if (!t->rows.v[i].dropped) {
			v[number].id = t->rows.v[i].id;
			v[number].number = number;
			number++;
		}
	rc = pm_sort_u64(t->ctx, v, b->n, sizeof(*v), 0);
	for (size_t i = 0; rc == PM_OK && i < b->n; i++) {
		uint8_t rec[8];

		pm_put32(rec, (uint32_t)v[i].id);
		pm_put32(rec + 4, v[i].number);
		pm_buf_add(t->ctx, &records, rec, size); /* little-endian: the low bytes */
	}
	pm_free(v);
	if (rc == PM_OK)
		rc = records.bad ? t->ctx->rc
				 : pm_bth_build(&b->hb, 4, width, records.p, b->n, &b->index);
	pm_buf_done(&records);
	return rc;
}

static void put_info(struct build *b, uint32_t rows_hnid)
{
	const struct pm_format *f = b->t->fmt;
	uint8_t *p = pm_heap_builder_item(&b->hb, b->info);

	pm_set_TCINFO_bType(f, p, 0x7C);
	pm_set_TCINFO_cCols(f, p, b->t->cols.n);
	for (size_t i = 0; i < 4; i++)
		pm_put16(p + 2 + 2 * i, (uint16_t)b->t->rgib[i]);
	pm_set_TCINFO_hidRowIndex(f, p, pm_hid_make(f, 0, 1));
	pm_set_TCINFO_hnidRows(f, p, rows_hnid);
	for (size_t i = 0; i < b->t->cols.n; i++) {
		const struct pm_col *c = &b->t->cols.v[i];
		uint8_t *d = p + 22 + 8 * i;

		pm_set_TCOLDESC_tag(f, d, pm_col_tag(c));
		pm_set_TCOLDESC_ibData(f, d, c->ibData);
		pm_set_TCOLDESC_cbData(f, d, c->cbData);
		pm_set_TCOLDESC_iBit(f, d, c->iBit);
	}
}

/* Where a variable cell goes: its HNID. */
static enum pm_rc store_cell(struct build *b, struct pm_cell *c, uint32_t *ret)
{
	struct pm_ctx *ctx = b->t->ctx;
	pm_bid bid;
	enum pm_rc rc;

	*ret = c->nid;
	if (c->nid || !c->n)
		return PM_OK;
	if (c->n <= PM_HEAP_ITEM_MAX)
		return pm_heap_builder_add(&b->hb, c->p, c->n, ret);
	rc = pm_data_build(ctx, b->sink, c->p, c->n, &bid);
	if (rc)
		return rc;
	c->nid = pm_subs_free_nid(&b->t->subs, 0x1F);
	*ret = c->nid;
	rc = pm_map_put(ctx, &b->t->nids, c->nid, 1);
	return rc ? rc : pm_subs_put(ctx, &b->t->subs, c->nid, bid, 0);
}

/* The block at hand is complete: rows never straddle blocks. */
static enum pm_rc flush_block(struct build *b, bool last)
{
	struct pm_ctx *ctx = b->t->ctx;
	struct pm_leaf *l;
	enum pm_rc rc;

	if (!b->block.n)
		return PM_OK;
	if (!last)
		pm_buf_zero(ctx, &b->block, b->t->fmt->data_max - b->block.n);
	l = pm_vec_push(ctx, &b->leaves);
	if (!l || b->block.bad)
		return ctx->rc;
	l->size = (uint32_t)b->block.n;
	rc = b->sink->put(b->sink, false, b->block.p, b->block.n, &l->bid);
	pm_buf_clear(&b->block);
	return rc;
}

static enum pm_rc put_row(struct build *b, struct pm_table_row *r)
{
	struct pm_table *t = b->t;
	uint8_t row[65536];
	enum pm_rc rc = PM_OK;

	memcpy(row, r->fixed, b->row_size);
	for (size_t i = 0; rc == PM_OK && i < t->cols.n; i++) {
		const struct pm_col *c = &t->cols.v[i];
		uint32_t hnid;

		if (pm_cell_inline(c->type))
			continue;
		rc = store_cell(b, &r->var[t->var_of[i]], &hnid);
		if (rc == PM_OK)
			pm_put32(row + c->ibData, hnid);
	}
	if (rc)
		return rc;
	if (b->matrix) {
		memcpy(pm_heap_builder_item(&b->hb, b->matrix) + b->at * b->row_size, row,
		       b->row_size);
	} else {
		pm_buf_add(t->ctx, &b->block, row, b->row_size);
		if (b->block.bad)
			return t->ctx->rc;
		if (b->block.n + b->row_size > t->fmt->data_max)
			rc = flush_block(b, b->at + 1 == b->n);
	}
	b->at++;
	return rc;
}

/* The matrix in its subnode: where it was, if it was in one. */
static enum pm_rc put_matrix(struct build *b)
{
	struct pm_table *t = b->t;
	pm_bid bid;
	enum pm_rc rc = flush_block(b, true);

	if (rc == PM_OK)
		rc = pm_data_build_over(t->ctx, b->sink, b->leaves.v, b->leaves.n, &bid);
	if (rc)
		return rc;
	if (!t->matrix_nid || pm_subs_find(&t->subs, t->matrix_nid))
		t->matrix_nid = pm_subs_free_nid(&t->subs, 0x1F);
	return pm_subs_put(t->ctx, &t->subs, t->matrix_nid, bid, 0);
}

static enum pm_rc fill(struct build *b)
{
	struct pm_table *t = b->t;
	bool in_heap = b->n * b->row_size <= PM_HEAP_ITEM_MAX;
	pm_hid header;
	enum pm_rc rc;

	rc = pm_heap_builder_add(&b->hb, NULL, 8, &header);
	if (rc == PM_OK)
		rc = pm_heap_builder_add(&b->hb, NULL, 22 + 8 * t->cols.n, &b->info);
	b->hb.root = b->info;
	if (rc == PM_OK)
		rc = put_index(b);
	if (rc == PM_OK && b->n && in_heap)
		rc = pm_heap_builder_add(&b->hb, NULL, b->n * b->row_size, &b->matrix);
	for (size_t i = 0; rc == PM_OK && i < t->rows.n; i++)
		if (!t->rows.v[i].dropped)
			rc = put_row(b, &t->rows.v[i]);
	if (rc == PM_OK && b->n && !in_heap)
		rc = put_matrix(b);
	if (rc)
		return rc;
	pm_bth_put_header(pm_heap_builder_item(&b->hb, header), &b->index);
	put_info(b, !b->n ? 0 : in_heap ? b->matrix : t->matrix_nid);
	return PM_OK;
}

enum pm_rc pm_table_build(struct pm_table *t, struct pm_block_sink *sink, pm_bid *ret_data,
			  pm_bid *ret_sub)
{
	struct build b = {.t = t, .sink = sink, .n = pm_table_count(t), .row_size = t->rgib[3]};
	pm_bid data = 0, sub = 0;
	enum pm_rc rc;

	if (t->fmt->rowidx == 2 && b.n > UINT16_MAX)
		return pm_fail(t->ctx, PM_ELIMIT,
			       "a table of %zu rows does not fit an ANSI file (65535 at most)",
			       b.n);
	pm_heap_builder_init(&b.hb, t->ctx, t->fmt, PM_CLIENT_TC);
	rc = fill(&b);
	if (rc == PM_OK)
		rc = pm_heap_builder_store(&b.hb, sink, &data);
	if (rc == PM_OK)
		rc = pm_subs_build(t->ctx, sink, t->subs.v.v, t->subs.v.n, &sub);
	if (t->matrix_nid)
		pm_subs_remove(&t->subs, t->matrix_nid);
	pm_heap_builder_done(&b.hb);
	pm_bth_built_done(&b.index);
	pm_buf_done(&b.block);
	pm_vec_done(&b.leaves);
	if (rc)
		return rc;
	*ret_data = data;
	*ret_sub = sub;
	return PM_OK;
}
