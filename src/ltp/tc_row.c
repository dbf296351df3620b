/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and cells of a table context. */
#include "ltp/pc.h"
#include "ltp/tc.h"

#include "base/sort.h"
#include "base/text.h"

const struct pm_col *pm_tc_col(const struct pm_tc *tc, uint16_t id, uint16_t type)
{
	for (size_t i = 0; i < tc->cols.n; i++)
		if (tc->cols.v[i].id == id && (!type || tc->cols.v[i].type == type))
			return &tc->cols.v[i];
	return NULL;
}

size_t pm_tc_find(const struct pm_tc *tc, uint32_t id)
{
	const struct pm_map_entry *e;

	if (tc->ascending) {
		const size_t i = pm_lower_member(&tc->rows, id, id);

		return i < tc->rows.n && tc->rows.v[i].id == id ? i : tc->rows.n;
	}
	for (size_t i = tc->rows.n; !tc->by_id.n && i-- > 0;)
		if (tc->rows.v[i].id == id)
			return i;
	e = pm_map_find(&tc->by_id, id);
	return e ? (size_t)e->value : tc->rows.n;
}

size_t pm_tc_block_of(const struct pm_tc *tc, uint32_t number)
{
	size_t lo = 0, hi = tc->first.n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (tc->first.v[mid] <= number)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

enum pm_rc pm_tc_row_bytes(struct pm_tc *tc, const struct pm_tc_row *r, struct pm_span *ret)
{
	size_t k;

	*ret = (struct pm_span){0};
	if (r->number == UINT32_MAX || !tc->first.n)
		return PM_LOST;
	/* Mostly the block at hand. */
	k = tc->block_no;
	if (k >= tc->first.n || r->number < tc->first.v[k] ||
	    (k + 1 < tc->first.n && r->number >= tc->first.v[k + 1]))
		k = pm_tc_block_of(tc, r->number);
	if (k != tc->block_no) {
		enum pm_rc rc;

		pm_buf_clear(&tc->block);
		rc = pm_data_read_leaf(&tc->matrix, k, &tc->block);
		if (pm_is_error(rc))
			return rc;
		tc->block_no = k;
		tc->block_state = rc;
	}
	if (tc->block_state == PM_LOST ||
	    !pm_span_sub(pm_buf_span(&tc->block),
			 (uint64_t)(r->number - tc->first.v[k]) * tc->rgib[3], tc->rgib[3], ret))
		return PM_LOST;
	return tc->block_state;
}

enum pm_rc pm_tc_row(struct pm_tc *tc, size_t row, struct pm_span *ret)
{
	return pm_tc_row_bytes(tc, &tc->rows.v[row], ret);
}

/* The heap that the HIDs of this column are of. */
static struct pm_heap *pool_of(struct pm_tc *tc, const struct pm_col *c)
{
	if (tc->has_pool[0] && pm_col_tag(c) == 0x0042001F)
		return &tc->pool[0];
	if (tc->has_pool[1] && pm_col_tag(c) == 0x30130102)
		return &tc->pool[1];
	return &tc->heap;
}

/* What the HNID in a cell names. */
static enum pm_rc far_value(struct pm_tc *tc, const struct pm_col *c, uint32_t hnid,
			    struct pm_value *v)
{
	enum pm_rc rc = pm_hnid_value(pool_of(tc, c), &tc->subs, c->type, hnid, v);

	if (!pm_is_error(rc))
		v->state = pm_worse(rc, tc->block_state);
	return v->state;
}

enum pm_rc pm_tc_cell(struct pm_tc *tc, size_t row, const struct pm_col *c, struct pm_value *v)
{
	struct pm_span r, cell;
	enum pm_rc rc = pm_tc_row(tc, row, &r);

	*v = (struct pm_value){.type = c->type, .state = rc};
	if (pm_is_error(rc) || rc == PM_LOST)
		return rc;
	if (!pm_tc_exists(tc, r, c)) {
		v->state = PM_NONE;
		return PM_NONE;
	}
	if (pm_cell_inline(c->type)) {
		size_t n = (size_t)pm_proptype_size(c->type);

		if (c->cbData < n || !pm_span_sub(r, c->ibData, n, &v->span))
			v->state = PM_LOST;
		v->size = v->span.n;
		return v->state;
	}
	if (c->cbData < 4 || !pm_span_sub(r, c->ibData, 4, &cell)) {
		v->state = PM_LOST;
		return PM_LOST;
	}
	return far_value(tc, c, pm_le32(cell.p), v);
}

enum pm_rc pm_tc_any_cell(struct pm_tc *tc, size_t row, uint16_t id, struct pm_value *v)
{
	*v = (struct pm_value){.state = PM_NONE};
	for (size_t i = 0; i < tc->cols.n; i++) {
		enum pm_rc rc;

		if (tc->cols.v[i].id != id)
			continue;
		rc = pm_tc_cell(tc, row, &tc->cols.v[i], v);
		if (rc != PM_NONE)
			return rc;
	}
	return PM_NONE;
}

enum pm_rc pm_tc_u32(struct pm_tc *tc, size_t row, uint16_t id, uint32_t *ret)
{
	struct pm_value v;
	enum pm_rc rc = pm_tc_any_cell(tc, row, id, &v);
	uint32_t n = 0;

	if (rc == PM_OK || rc == PM_DAMAGED) {
		if (!pm_cell_inline(v.type) || v.span.n > 4)
			rc = PM_NONE;
		for (size_t i = v.span.n; rc != PM_NONE && i-- > 0;)
			n = n << 8 | v.span.p[i];
	}
	pm_value_done(&v);
	if (rc == PM_OK || rc == PM_DAMAGED)
		*ret = n;
	return rc;
}

enum pm_rc pm_tc_string(struct pm_tc *tc, size_t row, uint16_t id, uint32_t cp, struct pm_buf *out)
{
	struct pm_value v;
	enum pm_rc rc = pm_tc_any_cell(tc, row, id, &v);

	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_value_text(tc->db->ctx, &v, cp, out);
	pm_value_done(&v);
	return rc;
}

enum pm_rc pm_tc_text(struct pm_tc *tc, size_t row, uint16_t id, uint32_t cp, struct pm_arena *a,
		      char **ret)
{
	struct pm_buf *b = &tc->text;
	enum pm_rc rc;

	pm_buf_clear(b);
	rc = pm_tc_string(tc, row, id, cp, b);
	return pm_text_keep(tc->db->ctx, b, a, rc, ret);
}

enum pm_rc pm_tc_binary(struct pm_tc *tc, size_t row, uint16_t id, uint64_t max, struct pm_buf *out)
{
	struct pm_value v;
	enum pm_rc rc = pm_tc_any_cell(tc, row, id, &v);

	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_cell_inline(v.type) ? PM_NONE : pm_value_read(tc->db->ctx, &v, max, out);
	pm_value_done(&v);
	return rc;
}

/* A subnode that there isn't. */
static bool nowhere(const struct pm_tc *tc, uint32_t hnid)
{
	return pm_nid_type(hnid) && !pm_subs_find(&tc->subs, hnid);
}

enum pm_rc pm_tc_row_rules(struct pm_tc *tc, size_t row, uint32_t *ret_rules)
{
	const struct pm_tc_row *r = &tc->rows.v[row];
	const struct pm_col *id = pm_tc_col(tc, PM_ID_LTP_ROW_ID, PM_PT_I4);
	uint32_t rules = r->rules;
	struct pm_span s, cell;
	enum pm_rc rc = pm_tc_row(tc, row, &s);

	if (pm_is_error(rc))
		return rc;
	if (rc != PM_LOST && id) {
		if (!pm_tc_exists(tc, s, id))
			rules |= PM_BR_BITS;
		if (pm_span_sub(s, id->ibData, 4, &cell) && pm_le32(cell.p) != r->id)
			rules |= PM_BR_KEY;
	}
	for (size_t i = 0; rc != PM_LOST && i < tc->cols.n; i++) {
		const struct pm_col *c = &tc->cols.v[i];

		if (c->far && !pm_tc_exists(tc, s, c) && pm_span_sub(s, c->ibData, 4, &cell) &&
		    pm_le32(cell.p))
			rules |= PM_BR_STALE | (nowhere(tc, pm_le32(cell.p)) ? PM_BR_ASTRAY : 0);
	}
	*ret_rules = rules;
	return rc;
}

/* Most cells: an item of the heap with a value in which nothing can be wrong. Tables have millions. */
static bool plain_item(struct pm_tc *tc, const struct pm_col *c, uint32_t hnid)
{
	const int size = pm_proptype_size(c->type);
	const bool ansi = tc->db->fmt->variant == PM_ANSI;
	struct pm_span s;

	if (pm_nid_type(hnid) || c->cbData < 4 || c->type == PM_PT_OBJECT || c->type & PM_PT_MV ||
	    tc->block_state != PM_OK || pm_heap_item(&tc->heap, hnid, &s) != PM_OK)
		return false;
	if (c->type == PM_PT_UNICODE)
		return !ansi && s.n % 2 == 0 && pm_utf16_valid(s.p, s.n);
	return c->type == PM_PT_STRING8 ? ansi : size <= 0 || s.n == (size_t)size;
}

enum pm_rc pm_tc_hnid_rules(struct pm_tc *tc, const struct pm_col *c, uint32_t hnid, bool mark,
			    uint64_t max, uint32_t *ret_rules, uint32_t *ret_value)
{
	struct pm_value v;
	const bool own = pool_of(tc, c) == &tc->heap;
	enum pm_rc rc = PM_OK;

	*ret_rules = *ret_value = 0;
	if (mark && !pm_nid_type(hnid) && own)
		rc = pm_heap_mark(&tc->heap, hnid);
	if (pm_is_error(rc))
		return rc;
	if (own && plain_item(tc, c, hnid))
		return PM_OK;
	v = (struct pm_value){.type = c->type, .state = PM_LOST};
	rc = c->cbData < 4 ? PM_LOST : far_value(tc, c, hnid, &v);
	if (!pm_is_error(rc))
		rc = pm_value_rules(tc->db->ctx, tc->db->fmt, &tc->subs, &v, hnid, max, ret_value);
	pm_value_done(&v);
	if (pm_is_error(rc))
		return rc;
	if (*ret_value & ~(uint32_t)(PM_CR_STRING | PM_CR_NID | PM_CR_UTF16))
		*ret_rules = PM_BR_VALUE;
	return *ret_rules ? PM_DAMAGED : PM_OK;
}

enum pm_rc pm_tc_cell_rules(struct pm_tc *tc, size_t row, const struct pm_col *c, bool mark,
			    uint64_t max, uint32_t *ret_rules, uint32_t *ret_value)
{
	struct pm_span s;
	enum pm_rc rc = pm_tc_row(tc, row, &s);
	uint32_t hnid;

	*ret_rules = *ret_value = 0;
	if (pm_is_error(rc))
		return rc;
	hnid = rc == PM_LOST ? 0 : pm_tc_hnid(tc, s, c);
	return hnid ? pm_tc_hnid_rules(tc, c, hnid, mark, max, ret_rules, ret_value) : PM_OK;
}
