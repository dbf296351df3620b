/* SPDX-License-Identifier: Apache-2.0 */
/* Table contexts: columns, and which rows there are. */
#include "ltp/tc.h"

#include "base/sort.h"
#include "format/fields.h"

#define ROWS_MAX ((size_t)1 << 23)
#define NO_ROW   UINT32_MAX
#define FEW      16 /* rows that are found without a map */

static uint32_t data_end(const struct pm_tc *tc)
{
	return tc->rgib[2];
}

static uint32_t row_size(const struct pm_tc *tc)
{
	return tc->rgib[3];
}

static bool is_info(struct pm_span s)
{
	return s.n >= 22 && s.p[0] == 0x7C && s.n == 22 + 8 * (size_t)s.p[1];
}

/* The TCINFO: hidUserRoot, or the only item in block 0 that looks like one. */
static enum pm_rc find_info(struct pm_tc *tc, struct pm_span *ret)
{
	struct pm_heap *h = &tc->heap;
	struct pm_span s;
	uint32_t n;
	enum pm_rc rc = pm_heap_item(h, h->root, ret);

	if (pm_is_error(rc))
		return rc;
	if ((rc == PM_OK || rc == PM_DAMAGED) && ret->n >= 22 && ret->p[0] == 0x7C) {
		enum pm_rc again = pm_heap_mark(h, h->root);

		return pm_is_error(again) ? again : rc;
	}
	tc->rules |= PM_BR_INFO;
	rc = pm_heap_items(h, 0, &n);
	for (uint32_t i = 1; !pm_is_error(rc) && i <= n; i++) {
		rc = pm_heap_item(h, pm_hid_make(h->db->fmt, 0, i), &s);
		if ((rc == PM_OK || rc == PM_DAMAGED) && is_info(s)) {
			*ret = s;
			return PM_DAMAGED;
		}
	}
	return pm_is_error(rc) ? rc : PM_LOST;
}

/* B02 to B08 [MS-PST 2.3.4.1, 2.3.4.2]. */
static void judge_columns(struct pm_tc *tc)
{
	const struct pm_col *id = pm_tc_col(tc, PM_ID_LTP_ROW_ID, PM_PT_I4);
	const struct pm_col *ver = pm_tc_col(tc, PM_ID_LTP_ROW_VER, PM_PT_I4);
	uint8_t bits[32] = {0};

	for (size_t i = 0; i < tc->cols.n; i++) {
		const struct pm_col *c = &tc->cols.v[i];
		uint32_t end = c->ibData + (uint32_t)c->cbData;
		unsigned want = pm_cell_inline(c->type) ? pm_proptype_cell(c->type) : 4;

		if (i && pm_col_tag(c) <= pm_col_tag(c - 1))
			tc->rules |= PM_BR_COLUMNS;
		if (c->iBit >= tc->cols.n || bits[c->iBit / 8] & 1 << c->iBit % 8)
			tc->rules |= PM_BR_IBIT;
		bits[c->iBit / 8] = (uint8_t)(bits[c->iBit / 8] | 1 << c->iBit % 8);
		if (end > data_end(tc))
			tc->rules |= PM_BR_PLACE;
		if (c->cbData != want || c->type <= PM_PT_NULL || pm_proptype_size(c->type) < 0)
			tc->rules |= PM_BR_CBDATA;
		for (size_t k = 0; k < i; k++) {
			const struct pm_col *o = &tc->cols.v[k];

			if (o->ibData < end && c->ibData < o->ibData + (uint32_t)o->cbData)
				tc->rules |= PM_BR_PLACE;
		}
	}
	if (!id || id->ibData || id->iBit)
		tc->rules |= PM_BR_ROWID;
	if (!ver || ver->ibData != 4 || ver->iBit != 1)
		tc->rules |= PM_BR_ROWVER;
}

/* Row size and start of the CEB; from the columns when rgib can't be. */
static void judge_rgib(struct pm_tc *tc, unsigned columns)
{
	uint32_t *r = tc->rgib, end = 0, ceb = (columns + 7) / 8;

	for (size_t i = 0; i < tc->cols.n; i++) {
		uint32_t e = tc->cols.v[i].ibData + (uint32_t)tc->cols.v[i].cbData;

		end = e > end ? e : end;
	}
	if (r[0] > r[1] || r[1] > r[2] || r[3] != r[2] + ceb)
		tc->rules |= PM_BR_RGIB;
	if (r[2] + ceb > r[3] || r[2] < 4 || r[3] > tc->db->fmt->data_max) {
		tc->rules |= PM_BR_RGIB;
		r[2] = end;
		r[3] = end + ceb;
	}
}

static enum pm_rc read_info(struct pm_tc *tc)
{
	const struct pm_format *f = tc->db->fmt;
	struct pm_span s;
	unsigned n;
	enum pm_rc rc = find_info(tc, &s);

	if (rc != PM_OK && rc != PM_DAMAGED)
		return rc;
	n = (unsigned)pm_TCINFO_cCols(f, s.p);
	if (s.n != 22 + 8 * (size_t)n)
		tc->rules |= PM_BR_INFO;
	for (unsigned i = 0; i < 4; i++)
		tc->rgib[i] = pm_le16(s.p + 2 + 2 * (size_t)i);
	tc->row_index = (pm_hid)pm_TCINFO_hidRowIndex(f, s.p);
	tc->rows_hnid = (uint32_t)pm_TCINFO_hnidRows(f, s.p);
	if (pm_TCINFO_hidIndex(f, s.p))
		tc->rules |= PM_BR_HIDINDEX;
	for (size_t at = 22; n && s.n - at >= 8; at += 8, n--) {
		struct pm_col *c = pm_vec_push(tc->db->ctx, &tc->cols);
		const uint8_t *p = s.p + at;

		if (!c)
			return tc->db->ctx->rc;
		c->type = (uint16_t)pm_TCOLDESC_tag(f, p);
		c->id = (uint16_t)(pm_TCOLDESC_tag(f, p) >> 16);
		c->ibData = (uint16_t)pm_TCOLDESC_ibData(f, p);
		c->cbData = (uint8_t)pm_TCOLDESC_cbData(f, p);
		c->iBit = (uint8_t)pm_TCOLDESC_iBit(f, p);
		c->far = !pm_cell_inline(c->type);
	}
	judge_rgib(tc, (unsigned)pm_TCINFO_cCols(f, s.p));
	judge_columns(tc);
	if (row_size(tc) < 5 || row_size(tc) > f->data_max)
		return PM_LOST;
	return rc;
}

/* The matrix: how many rows each of its blocks has room for. */
static enum pm_rc matrix_blocks(struct pm_tc *tc, uint64_t *ret_total)
{
	const struct pm_format *f = tc->db->fmt;
	uint32_t per = f->data_max / row_size(tc);
	uint64_t total = 0;

	for (size_t k = 0; k < tc->matrix.leaves.n && total < ROWS_MAX; k++) {
		uint32_t size = tc->matrix.leaves.v[k].size, n = size / row_size(tc);
		uint32_t *slot = pm_vec_push(tc->db->ctx, &tc->first);

		if (!slot)
			return tc->db->ctx->rc;
		*slot = (uint32_t)total;
		if (k + 1 < tc->matrix.leaves.n ? size != f->data_max || n != per
						: size % row_size(tc) && size != f->data_max)
			tc->rules |= PM_BR_FILLED;
		total += n;
	}
	*ret_total = total;
	return PM_OK;
}

static enum pm_rc open_matrix(struct pm_tc *tc, uint64_t *ret_total)
{
	const struct pm_sub *sub;
	struct pm_span s;
	uint32_t *slot;
	enum pm_rc rc;

	*ret_total = 0;
	tc->block_no = SIZE_MAX;
	tc->matrix_state = PM_NONE;
	if (!tc->rows_hnid)
		return PM_OK;
	if (pm_nid_type(tc->rows_hnid)) {
		sub = pm_subs_find(&tc->subs, tc->rows_hnid);
		tc->matrix_sub = true;
		tc->matrix_state = sub ? pm_tree_data(tc->db, sub->data, &tc->matrix) : PM_LOST;
		if (!sub || tc->matrix_state == PM_LOST)
			tc->rules |= PM_BR_MATRIX;
		if (pm_is_error(tc->matrix_state))
			return tc->matrix_state;
		return matrix_blocks(tc, ret_total);
	}
	rc = pm_heap_item(&tc->heap, tc->rows_hnid, &s);
	if (pm_is_error(rc))
		return rc;
	tc->matrix_state = tc->block_state = rc;
	if (rc == PM_LOST) {
		tc->rules |= PM_BR_MATRIX;
		return PM_OK;
	}
	rc = pm_heap_mark(&tc->heap, tc->rows_hnid);
	slot = pm_vec_push(tc->db->ctx, &tc->first);
	pm_buf_add(tc->db->ctx, &tc->block, s.p, s.n);
	if (!slot || tc->block.bad || pm_is_error(rc))
		return tc->db->ctx->rc;
	if (s.n % row_size(tc))
		tc->rules |= PM_BR_FILLED;
	tc->block_no = 0;
	*ret_total = s.n / row_size(tc);
	return PM_OK;
}

static enum pm_rc add_row(struct pm_tc *tc, uint32_t id, uint32_t number, uint32_t rules,
			  uint8_t state)
{
	struct pm_tc_row *r = pm_vec_push(tc->db->ctx, &tc->rows);

	if (!r)
		return tc->db->ctx->rc;
	*r = (struct pm_tc_row){id, number, rules, state};
	return PM_OK;
}

/* A row of the matrix that the index does not have: its id, 0 when it is none. */
static enum pm_rc stray_id(struct pm_tc *tc, uint32_t number, uint32_t *ret_id, uint8_t *ret_state)
{
	const struct pm_col *c = pm_tc_col(tc, PM_ID_LTP_ROW_ID, PM_PT_I4);
	size_t at = data_end(tc) + (c ? c->iBit / 8u : 0);
	struct pm_tc_row r = {.number = number};
	struct pm_span s;
	enum pm_rc rc;

	rc = pm_tc_row_bytes(tc, &r, &s);
	*ret_id = 0;
	if (pm_is_error(rc) || rc == PM_LOST)
		return rc;
	*ret_state = (uint8_t)rc;
	if (at < s.n && s.p[at] & 0x80 >> (c ? c->iBit % 8 : 0))
		*ret_id = pm_le32(s.p);
	return PM_OK;
}

/*
 * Something about the index is wrong: rows that bear another id than the index says are taken
 * from it. Rows are in order of their numbers.
 */
static enum pm_rc disown_wrong(struct pm_tc *tc, uint8_t *owned, bool *ret_any)
{
	for (size_t i = 0; i < tc->rows.n; i++) {
		struct pm_tc_row *r = &tc->rows.v[i];
		uint8_t state = PM_OK;
		uint32_t id;
		enum pm_rc rc;

		if (r->number == NO_ROW)
			break;
		rc = stray_id(tc, r->number, &id, &state);
		if (pm_is_error(rc))
			return rc;
		if (!id || state != PM_OK || id == r->id)
			continue;
		owned[r->number] = 0;
		r->number = NO_ROW;
		r->state = PM_LOST;
		r->rules |= PM_BR_ENTRY;
		tc->rules |= PM_BR_ENTRY;
		*ret_any = true;
	}
	return PM_OK;
}

/* What the index lacks comes from the matrix. */
static enum pm_rc add_strays(struct pm_tc *tc, const uint8_t *owned, uint64_t total)
{
	for (uint32_t i = 0; i < total; i++) {
		struct pm_map_entry *e;
		uint8_t state = PM_OK;
		uint32_t id;
		enum pm_rc rc;
		bool fresh;

		if (owned[i])
			continue;
		rc = stray_id(tc, i, &id, &state);
		if (pm_is_error(rc))
			return rc;
		if (!id)
			continue;
		e = pm_map_get(tc->db->ctx, &tc->by_id, id, &fresh);
		if (!e)
			return tc->db->ctx->rc;
		if (!fresh && tc->rows.v[e->value].number != NO_ROW)
			continue;
		if (!fresh) { /* the index knew it, but not where it is */
			tc->rows.v[e->value].number = i;
			tc->rows.v[e->value].state = state;
			continue;
		}
		e->value = tc->rows.n;
		rc = add_row(tc, id, i, PM_BR_ENTRY, state);
		if (rc)
			return rc;
	}
	return PM_OK;
}

/* Rows by their number. In most tables they are. */
static enum pm_rc sort_rows(struct pm_tc *tc)
{
	struct keyed {
		uint64_t key;
		struct pm_tc_row row;
	} * v;
	size_t sorted = 1;
	enum pm_rc rc;

	while (sorted < tc->rows.n && tc->rows.v[sorted - 1].number <= tc->rows.v[sorted].number)
		sorted++;
	if (sorted >= tc->rows.n)
		return PM_OK;
	v = pm_calloc(tc->db->ctx, tc->rows.n, sizeof(*v));
	rc = v ? PM_OK : tc->db->ctx->rc;
	for (size_t i = 0; rc == PM_OK && i < tc->rows.n; i++)
		v[i] = (struct keyed){tc->rows.v[i].number, tc->rows.v[i]};
	if (rc == PM_OK)
		rc = pm_sort_u64(tc->db->ctx, v, tc->rows.n, sizeof(*v), 0);
	for (size_t i = 0; rc == PM_OK && i < tc->rows.n; i++)
		tc->rows.v[i] = v[i].row;
	pm_free(v);
	return rc;
}

/* Rows are mostly made in the order of their ids. */
static bool ids_ascend(const struct pm_tc *tc)
{
	for (size_t i = 1; i < tc->rows.n; i++)
		if (tc->rows.v[i - 1].id >= tc->rows.v[i].id)
			return false;
	return true;
}

/* The map from id to row; of rows with one id the last. */
static enum pm_rc index_rows(struct pm_tc *tc)
{
	enum pm_rc rc = pm_map_reserve(tc->db->ctx, &tc->by_id, tc->rows.n);

	for (size_t i = 0; rc == PM_OK && i < tc->rows.n; i++)
		rc = pm_map_put(tc->db->ctx, &tc->by_id, tc->rows.v[i].id, i);
	return rc;
}

static uint8_t block_known(const struct pm_tc *tc, uint32_t number)
{
	if (!tc->matrix_sub)
		return (uint8_t)tc->matrix_state;
	return (uint8_t)pm_leaf_known(&tc->matrix, pm_tc_block_of(tc, number));
}

static enum pm_rc add_indexed(struct pm_tc *tc, const struct pm_bth *b, uint8_t *owned,
			      uint64_t total)
{
	bool hole = tc->matrix_state == PM_LOST || tc->matrix_state == PM_DAMAGED;
	enum pm_rc rc = pm_vec_reserve(tc->db->ctx, &tc->rows, b->n < ROWS_MAX ? b->n : ROWS_MAX);

	for (size_t i = 0; rc == PM_OK && i < b->n && i < ROWS_MAX; i++) {
		uint32_t id = (uint32_t)pm_bth_key(b, i);
		const uint8_t *d = pm_bth_data(b, i);
		uint32_t number = b->cb_ent == 2 ? pm_le16(d) : pm_le32(d);
		uint32_t rules = 0;
		uint8_t state = PM_LOST;

		if (number < total && !owned[number]) {
			owned[number] = 1;
			state = block_known(tc, number);
		} else {
			if (number < total || !hole) {
				tc->rules |= PM_BR_ENTRY;
				rules |= PM_BR_ENTRY;
			}
			number = NO_ROW;
		}
		rc = add_row(tc, id, number, rules, state);
	}
	return rc;
}

/*
 * Rows of the matrix that the index does not have are left alone as long as the index is
 * whole: they are what deleted rows left behind.
 */
static enum pm_rc reconcile(struct pm_tc *tc, const struct pm_bth *b, uint8_t *owned,
			    uint64_t total, enum pm_rc index)
{
	bool broken = index != PM_OK || tc->rules & PM_BR_ENTRY || (!b->n && total) ||
		      b->rules & PM_TR_LEVELS;
	enum pm_rc rc = sort_rows(tc);

	if (rc == PM_OK && (broken || b->n != total))
		rc = disown_wrong(tc, owned, &broken);
	tc->ascending = !broken && ids_ascend(tc);
	if (rc == PM_OK && (broken || (tc->rows.n > FEW && !tc->ascending)))
		rc = index_rows(tc);
	if (rc || !broken)
		return rc;
	rc = add_strays(tc, owned, total);
	if (rc == PM_OK)
		rc = sort_rows(tc);
	return rc ? rc : index_rows(tc);
}

/* Which rows there are, by index and matrix. */
static enum pm_rc find_rows(struct pm_tc *tc)
{
	uint64_t total;
	uint8_t *owned;
	struct pm_bth b;
	enum pm_rc rc, index;

	rc = open_matrix(tc, &total);
	if (rc)
		return rc;
	index = pm_bth_open(&tc->heap, tc->row_index, 4, 0, true, &b);
	tc->bth_rules = b.rules;
	tc->lost = b.lost;
	owned = pm_is_error(index) ? NULL : pm_calloc(tc->db->ctx, total, 1);
	if (!owned) {
		pm_bth_close(&b);
		return tc->db->ctx->rc;
	}
	if (index == PM_LOST || b.cb_ent != tc->db->fmt->rowidx)
		tc->rules |= PM_BR_INDEX;
	if (b.cb_ent != 2 && b.cb_ent != 4) {
		b.n = 0;
		index = PM_LOST;
	}
	if ((b.n != 0) != (tc->rows_hnid != 0))
		tc->rules |= PM_BR_MATRIX;
	if (b.n != total)
		tc->rules |= PM_BR_COUNT;
	rc = add_indexed(tc, &b, owned, total);
	if (rc == PM_OK)
		rc = reconcile(tc, &b, owned, total, index);
	pm_free(owned);
	pm_bth_close(&b);
	return rc ? rc : index;
}

static enum pm_rc open_pools(struct pm_tc *tc)
{
	static const struct {
		uint16_t id, type;
		pm_nid nid;
	} pools[2] = {{PM_ID_SENT_REPR_NAME, PM_PT_UNICODE, 0x541}, {0x3013, PM_PT_BINARY, 0x521}};

	for (int i = 0; i < 2; i++) {
		const struct pm_sub *sub = pm_subs_find(&tc->subs, pools[i].nid);
		enum pm_rc rc;

		if (!sub || !pm_tc_col(tc, pools[i].id, pools[i].type))
			continue;
		rc = pm_heap_open(tc->db, sub->data, PM_CLIENT_ARRAY, &tc->pool[i]);
		if (pm_is_error(rc))
			return rc;
		tc->has_pool[i] = (rc == PM_OK || rc == PM_DAMAGED) &&
				  !(tc->pool[i].rules & (PM_HN_SIG | PM_HN_CLIENT));
		if (!tc->has_pool[i])
			tc->rules |= PM_BR_POOL;
	}
	return PM_OK;
}

/* The rows are those of the same table. */
static enum pm_rc borrow_rows(struct pm_tc *tc, const struct pm_tc *of)
{
	uint64_t total;
	const enum pm_rc rc = open_matrix(tc, &total);

	tc->borrowed = true;
	tc->rows.v = of->rows.v;
	tc->rows.n = of->rows.n;
	tc->by_id = of->by_id;
	tc->ascending = of->ascending;
	tc->rules |= of->rules;
	tc->bth_rules = of->bth_rules;
	tc->lost = of->lost;
	return rc;
}

/* `of`: NULL, or the same table, which is open already. */
static enum pm_rc open_table(const struct pm_ndb *db, pm_bid data, pm_bid sub,
			     const struct pm_tc *of, struct pm_tc *tc)
{
	enum pm_rc heap, rc, rows;

	*tc = (struct pm_tc){.db = db, .subs_state = PM_NONE};
	heap = pm_heap_open(db, data, PM_CLIENT_TC, &tc->heap);
	if (heap != PM_OK && heap != PM_DAMAGED)
		return heap;
	tc->subs_state = pm_tree_subs(db, sub, &tc->subs);
	if (pm_is_error(tc->subs_state))
		return tc->subs_state;
	rc = read_info(tc);
	if (rc != PM_OK && rc != PM_DAMAGED)
		return rc;
	rows = of ? borrow_rows(tc, of) : find_rows(tc);
	if (!pm_is_error(rows)) {
		enum pm_rc pools = open_pools(tc);

		rows = pools ? pools : rows;
	}
	if (pm_is_error(rows))
		return rows;
	if (rows != PM_OK || tc->rules & (PM_BR_INFO | PM_BR_INDEX | PM_BR_ENTRY) ||
	    tc->bth_rules & PM_TR_LEVELS || tc->subs_state == PM_LOST ||
	    tc->subs_state == PM_DAMAGED || tc->matrix_state == PM_LOST ||
	    tc->matrix_state == PM_DAMAGED)
		return PM_DAMAGED;
	return pm_worse(heap, rc);
}

enum pm_rc pm_tc_open(const struct pm_ndb *db, pm_bid data, pm_bid sub, struct pm_tc *tc)
{
	return open_table(db, data, sub, NULL, tc);
}

enum pm_rc pm_tc_open_again(const struct pm_tc *of, const struct pm_ndb *db, pm_bid data,
			    pm_bid sub, struct pm_tc *tc)
{
	return open_table(db, data, sub, of, tc);
}

enum pm_rc pm_tc_open_node(const struct pm_ndb *db, pm_nid nid, struct pm_tc *tc)
{
	const struct pm_node *n = pm_ndb_find_node(db, nid);

	return pm_tc_open(db, n ? n->data : 0, n ? n->sub : 0, tc);
}

void pm_tc_close(struct pm_tc *tc)
{
	for (int i = 0; i < 2; i++)
		pm_heap_close(&tc->pool[i]);
	pm_heap_close(&tc->heap);
	pm_subs_close(&tc->subs);
	pm_data_close(&tc->matrix);
	pm_vec_done(&tc->cols);
	if (!tc->borrowed) {
		pm_vec_done(&tc->rows);
		pm_map_done(&tc->by_id);
	}
	pm_vec_done(&tc->first);
	pm_buf_done(&tc->block);
	pm_buf_done(&tc->text);
}
