/* SPDX-License-Identifier: Apache-2.0 */
/* A table context in memory: columns, rows, cells, and taking over an existing table. */
#include "ltp/table.h"

#define NO_VAR   255
#define COLS_MAX 250
#define TAG_ID   (PM_ID_LTP_ROW_ID << 16 | PM_PT_I4)
#define TAG_VER  (PM_ID_LTP_ROW_VER << 16 | PM_PT_I4)

static unsigned cell_size(uint16_t type)
{
	return pm_cell_inline(type) ? pm_proptype_cell(type) : 4;
}

static size_t ceb_size(const struct pm_table *t)
{
	return (t->cols.n + 7) / 8;
}

static bool exists(const struct pm_table *t, const struct pm_table_row *r, const struct pm_col *c)
{
	return r->fixed[t->rgib[2] + c->iBit / 8u] & 0x80 >> c->iBit % 8;
}

static void set_bit(const struct pm_table *t, struct pm_table_row *r, const struct pm_col *c,
		    bool on)
{
	uint8_t *p = r->fixed + t->rgib[2] + c->iBit / 8u;
	uint8_t bit = (uint8_t)(0x80 >> c->iBit % 8);

	*p = (uint8_t)(on ? *p | bit : *p & ~bit);
}

static size_t col_place(const struct pm_table *t, uint32_t tag)
{
	size_t i = 0;

	while (i < t->cols.n && pm_col_tag(&t->cols.v[i]) < tag)
		i++;
	return i;
}

size_t pm_table_col(const struct pm_table *t, uint32_t tag)
{
	size_t i = col_place(t, tag);

	return i < t->cols.n && pm_col_tag(&t->cols.v[i]) == tag ? i : t->cols.n;
}

/* A column into the list, in order of tags; its place in the row is the caller's. */
static struct pm_col *insert_col(struct pm_table *t, uint32_t tag)
{
	size_t i = col_place(t, tag);
	struct pm_col *c;

	if (!pm_vec_push(t->ctx, &t->cols))
		return NULL;
	c = &t->cols.v[i];
	memmove(c + 1, c, (t->cols.n - 1 - i) * sizeof(*c));
	memmove(t->var_of + i + 1, t->var_of + i, t->cols.n - 1 - i);
	*c = (struct pm_col){.id = (uint16_t)(tag >> 16), .type = (uint16_t)tag};
	c->cbData = (uint8_t)cell_size(c->type);
	t->var_of[i] = pm_cell_inline(c->type) ? NO_VAR : (uint8_t)t->n_var++;
	return c;
}

/* Rows in the layout with a hole of `size` bytes at `at`, one column and maybe a CEB byte more. */
static enum pm_rc widen_rows(struct pm_table *t, uint32_t old_end, uint32_t at, uint32_t size,
			     size_t old_ceb, uint32_t old_vars)
{
	for (size_t i = 0; i < t->rows.n; i++) {
		struct pm_table_row *r = &t->rows.v[i];
		uint8_t *p = pm_arena_alloc(t->ctx, &t->arena, t->rgib[3]);
		struct pm_cell *var = pm_arena_alloc(t->ctx, &t->arena, t->n_var * sizeof(*var));

		if (!p || !var)
			return t->ctx->rc;
		memcpy(p, r->fixed, at);
		memcpy(p + at + size, r->fixed + at, old_end - at);
		memcpy(p + t->rgib[2], r->fixed + old_end, old_ceb);
		if (old_vars)
			memcpy(var, r->var, old_vars * sizeof(*var));
		r->fixed = p;
		r->var = var;
	}
	return PM_OK;
}

enum pm_rc pm_table_add_col(struct pm_table *t, uint32_t tag, size_t *ret_col)
{
	unsigned size = cell_size((uint16_t)tag);
	unsigned area = size >= 4 ? 0 : size == 2 ? 1 : 2;
	size_t have = pm_table_col(t, tag), old_ceb = ceb_size(t);
	uint32_t at = t->rgib[area], old_end = t->rgib[2], old_vars = t->n_var;
	struct pm_col *c;
	enum pm_rc rc;

	if (have < t->cols.n) {
		*ret_col = have;
		return PM_OK;
	}
	if (t->cols.n >= COLS_MAX || t->rgib[3] + size + 1 > t->fmt->data_max)
		return pm_fail(t->ctx, PM_ELIMIT, "a table can't have more than %d columns",
			       COLS_MAX);
	for (size_t i = 0; i < t->cols.n; i++)
		if (t->cols.v[i].ibData >= at)
			t->cols.v[i].ibData = (uint16_t)(t->cols.v[i].ibData + size);
	c = insert_col(t, tag);
	if (!c)
		return t->ctx->rc;
	c->ibData = (uint16_t)at;
	c->iBit = (uint8_t)(t->cols.n - 1);
	for (unsigned i = area; i < 3; i++)
		t->rgib[i] += size;
	t->rgib[3] = t->rgib[2] + (uint32_t)ceb_size(t);
	*ret_col = (size_t)(c - t->cols.v);
	rc = widen_rows(t, old_end, at, size, old_ceb, old_vars);
	return rc;
}

static void init_empty(struct pm_table *t, struct pm_ctx *ctx, const struct pm_format *f)
{
	*t = (struct pm_table){.ctx = ctx, .fmt = f};
}

enum pm_rc pm_table_init(struct pm_table *t, struct pm_ctx *ctx, const struct pm_format *f,
			 const uint32_t *tags, size_t n)
{
	size_t col;
	enum pm_rc rc;

	init_empty(t, ctx, f);
	rc = pm_table_add_col(t, TAG_ID, &col);
	if (rc == PM_OK)
		rc = pm_table_add_col(t, TAG_VER, &col);
	for (size_t i = 0; rc == PM_OK && i < n; i++)
		rc = pm_table_add_col(t, tags[i], &col);
	return rc;
}

void pm_table_done(struct pm_table *t)
{
	pm_arena_done(&t->arena);
	pm_vec_done(&t->cols);
	pm_vec_done(&t->rows);
	pm_vec_done(&t->lost);
	pm_map_done(&t->by_id);
	pm_map_done(&t->nids);
	pm_subs_close(&t->subs);
}

size_t pm_table_find(const struct pm_table *t, uint32_t row_id)
{
	const struct pm_map_entry *e = pm_map_find(&t->by_id, row_id);

	return e ? (size_t)e->value : t->rows.n;
}

size_t pm_table_count(const struct pm_table *t)
{
	return t->by_id.n;
}

enum pm_rc pm_table_add_row(struct pm_table *t, uint32_t row_id, size_t *ret_row)
{
	struct pm_table_row *r;
	size_t i = t->rows.n;
	enum pm_rc rc;

	if (pm_map_has(&t->by_id, row_id))
		return pm_fail(t->ctx, PM_EUSAGE, "a table has row 0x%X already", row_id);
	rc = pm_map_put(t->ctx, &t->by_id, row_id, i);
	r = rc ? NULL : pm_vec_push(t->ctx, &t->rows);
	if (!r)
		return t->ctx->rc;
	r->id = row_id;
	r->fixed = pm_arena_alloc(t->ctx, &t->arena, t->rgib[3]);
	r->var = pm_arena_alloc(t->ctx, &t->arena, t->n_var * sizeof(*r->var));
	if (!r->fixed || !r->var)
		return t->ctx->rc;
	rc = pm_table_set_u32(t, i, TAG_ID, row_id);
	if (rc == PM_OK)
		rc = pm_table_set_u32(t, i, TAG_VER, 0);
	if (pm_is_error(rc))
		return rc;
	*ret_row = i;
	return PM_OK;
}

/* Forget a variable cell, with the subnode that only it had. */
static void release(struct pm_table *t, struct pm_cell *c)
{
	struct pm_map_entry *e = c->nid ? pm_map_find(&t->nids, c->nid) : NULL;
	pm_nid nid = c->nid;

	*c = (struct pm_cell){0};
	if (!e || --e->value)
		return;
	pm_map_delete(&t->nids, nid);
	if (pm_nid_type(nid) == 0x1F)
		pm_subs_remove(&t->subs, nid);
}

void pm_table_drop_row(struct pm_table *t, size_t row)
{
	struct pm_table_row *r = &t->rows.v[row];

	if (r->dropped)
		return;
	r->dropped = true;
	for (uint32_t k = 0; k < t->n_var; k++)
		release(t, &r->var[k]);
	pm_map_delete(&t->by_id, r->id);
}

enum pm_rc pm_table_get(const struct pm_table *t, size_t row, size_t col, struct pm_span *ret,
			pm_nid *ret_nid)
{
	const struct pm_table_row *r = &t->rows.v[row];
	const struct pm_col *c = &t->cols.v[col];
	const struct pm_cell *v;

	*ret = (struct pm_span){0};
	if (ret_nid)
		*ret_nid = 0;
	if (!exists(t, r, c))
		return PM_NONE;
	if (t->var_of[col] == NO_VAR) {
		*ret = (struct pm_span){r->fixed + c->ibData, c->cbData, 0};
		return PM_OK;
	}
	v = &r->var[t->var_of[col]];
	*ret = (struct pm_span){v->p, v->n, 0};
	if (ret_nid)
		*ret_nid = v->nid;
	return PM_OK;
}

enum pm_rc pm_table_set(struct pm_table *t, size_t row, size_t col, const void *p, size_t n)
{
	struct pm_table_row *r = &t->rows.v[row];
	const struct pm_col *c = &t->cols.v[col];
	struct pm_cell *v;
	uint8_t *copy;

	if (t->var_of[col] == NO_VAR) {
		if (n > c->cbData)
			return pm_fail(t->ctx, PM_EUSAGE, "cell 0x%08X of %zu bytes", pm_col_tag(c),
				       n);
		memset(r->fixed + c->ibData, 0, c->cbData);
		if (n)
			memcpy(r->fixed + c->ibData, p, n);
		set_bit(t, r, c, true);
		return PM_OK;
	}
	if (n > UINT32_MAX)
		return pm_fail(t->ctx, PM_ELIMIT, "a cell of %zu bytes can't be stored", n);
	copy = n ? pm_arena_dup(t->ctx, &t->arena, p, n) : NULL;
	if (n && !copy)
		return t->ctx->rc;
	v = &r->var[t->var_of[col]];
	release(t, v);
	v->p = copy;
	v->n = (uint32_t)n;
	set_bit(t, r, c, true);
	return PM_OK;
}

enum pm_rc pm_table_set_nid(struct pm_table *t, size_t row, size_t col, pm_nid nid)
{
	struct pm_map_entry *e = pm_map_get(t->ctx, &t->nids, nid, NULL);
	struct pm_table_row *r = &t->rows.v[row];

	if (!e)
		return t->ctx->rc;
	e->value++; /* first: it may be the cell's own already */
	release(t, &r->var[t->var_of[col]]);
	r->var[t->var_of[col]].nid = nid;
	set_bit(t, r, &t->cols.v[col], true);
	return PM_OK;
}

enum pm_rc pm_table_set_u32(struct pm_table *t, size_t row, uint32_t tag, uint32_t value)
{
	size_t col = pm_table_col(t, tag);
	unsigned size = cell_size((uint16_t)tag);
	uint8_t b[4];

	if (col == t->cols.n || !pm_cell_inline((uint16_t)tag))
		return PM_NONE;
	pm_put32(b, value);
	return pm_table_set(t, row, col, b, size < 4 ? size : 4);
}

void pm_table_clear(struct pm_table *t, size_t row, size_t col)
{
	struct pm_table_row *r = &t->rows.v[row];
	const struct pm_col *c = &t->cols.v[col];

	memset(r->fixed + c->ibData, 0, c->cbData);
	set_bit(t, r, c, false);
	if (t->var_of[col] != NO_VAR)
		release(t, &r->var[t->var_of[col]]);
}
