/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of properties, tables and subnodes. */
#include "logic.h"

#include "edit.h"
#include "ltp/props.h"
#include "ltp/table.h"

struct edit_sink {
	struct pm_block_sink sink; /* first: the sink is the whole */
	struct pm_whole *w;
};

static enum pm_rc put_block(struct pm_block_sink *sink, bool internal, const uint8_t *p, size_t n,
			    pm_bid *ret_bid)
{
	/* Nobody refers to it yet; the counts are settled at the end. */
	return pm_edit_new_block(((struct edit_sink *)sink)->w, internal, p, n, 1, ret_bid);
}

static struct edit_sink sink_of(struct pm_whole *w)
{
	struct edit_sink s = {.sink = {.fmt = w->fmt, .put = put_block}, .w = w};

	return s;
}

/* Let the node's entry name these blocks, and drop what they replace. */
static enum pm_rc relink(struct pm_whole *w, const char *address, pm_bid data, pm_bid sub)
{
	const struct pm_format *f = w->fmt;
	struct pm_node_at n;
	uint8_t e[32];
	size_t size;
	enum pm_rc rc = pm_address_node(w, address, &n);

	if (rc)
		return rc;
	size = n.top ? f->nbtentry : f->slentry;
	rc = pm_place_get(w, &n.entry, e, size);
	if (rc)
		return rc;
	if (n.top) {
		pm_set_NBTENTRY_bidData(f, e, data);
		pm_set_NBTENTRY_bidSub(f, e, sub);
	} else {
		pm_set_SLENTRY_bidData(f, e, data);
		pm_set_SLENTRY_bidSub(f, e, sub);
	}
	rc = pm_place_put(w, &n.entry, e, size);
	if (rc == PM_OK)
		rc = pm_place_fix(w, &n.entry, PM_FIX_CRC);
	return rc ? rc : pm_edit_settle(w);
}

static enum pm_rc must_be_sound(struct pm_whole *w, enum pm_rc rc, const char *address)
{
	if (rc == PM_OK || pm_is_error(rc))
		return rc;
	return pm_fail(w->ctx, PM_EUSAGE, "%s is not sound, or not of this kind", address);
}

enum pm_rc pm_logic_prop(struct pm_whole *w, const char *address, uint32_t tag,
			 const struct pm_buf *value)
{
	struct edit_sink sink = sink_of(w);
	struct pm_node_at n;
	struct pm_pc pc;
	struct pm_props props;
	pm_bid data = 0, sub = 0;
	enum pm_rc rc = pm_address_node(w, address, &n);

	if (rc)
		return rc;
	pm_props_init(&props, w->ctx, w->fmt);
	rc = must_be_sound(w, pm_pc_open(&w->db, n.data, n.sub, &pc), address);
	if (rc == PM_OK)
		rc = must_be_sound(w, pm_props_load(&props, &pc), address);
	pm_pc_close(&pc);
	if (rc == PM_OK && value)
		rc = pm_props_set(&props, (uint16_t)(tag >> 16), (uint16_t)tag, value->p, value->n);
	else if (rc == PM_OK && !pm_props_find(&props, (uint16_t)(tag >> 16)))
		rc = pm_fail(w->ctx, PM_EUSAGE, "%s has no such property", address);
	else if (rc == PM_OK)
		pm_props_remove(&props, (uint16_t)(tag >> 16));
	if (rc == PM_OK)
		rc = pm_props_build(&props, &sink.sink, &data, &sub);
	pm_props_done(&props);
	return rc ? rc : relink(w, address, data, sub);
}

/* A table like `t` without one column. */
static enum pm_rc without_column(struct pm_table *t, uint32_t tag)
{
	struct pm_table less;
	uint32_t tags[256];
	size_t n = 0;
	enum pm_rc rc;

	for (unsigned bit = 0; bit < t->cols.n; bit++)
		for (size_t i = 0; i < t->cols.n; i++)
			if (t->cols.v[i].iBit == bit &&
			    pm_col_tag(&t->cols.v[i]) >> 16 != tag >> 16)
				tags[n++] = pm_col_tag(&t->cols.v[i]);
	rc = pm_table_init(&less, t->ctx, t->fmt, tags, n);
	for (size_t r = 0; r < t->rows.n && rc == PM_OK; r++) {
		size_t row;

		rc = pm_table_add_row(&less, t->rows.v[r].id, &row);
		for (size_t c = 0; c < t->cols.n && rc == PM_OK; c++) {
			size_t col = pm_table_col(&less, pm_col_tag(&t->cols.v[c]));
			struct pm_span s;

			if (col < less.cols.n && pm_table_get(t, r, c, &s, NULL) == PM_OK)
				rc = pm_table_set(&less, row, col, s.p, s.n);
		}
	}
	pm_table_done(t);
	*t = less;
	return rc;
}

static enum pm_rc change_row(struct pm_table *t, enum pm_row_change change, uint32_t row_id,
			     uint32_t tag, const struct pm_buf *value)
{
	size_t row = pm_table_find(t, row_id), col = pm_table_col(t, tag);

	if (change == PM_ROW_ADD)
		return pm_table_add_row(t, row_id, &row);
	if (change == PM_ROW_COLUMN)
		return without_column(t, tag);
	if (change == PM_ROW_NEW_COLUMN)
		return pm_table_add_col(t, tag, &col);
	if (row >= t->rows.n)
		return pm_fail(t->ctx, PM_EUSAGE, "no row 0x%x", row_id);
	if (change == PM_ROW_DROP) {
		pm_table_drop_row(t, row);
		return PM_OK;
	}
	if (col >= t->cols.n)
		return pm_fail(t->ctx, PM_EUSAGE, "no column 0x%08x", tag);
	if (change == PM_ROW_SET)
		return pm_table_set(t, row, col, value->p, value->n);
	pm_table_clear(t, row, col);
	return PM_OK;
}

enum pm_rc pm_logic_row(struct pm_whole *w, const char *address, enum pm_row_change change,
			uint32_t row_id, uint32_t tag, const struct pm_buf *value)
{
	struct edit_sink sink = sink_of(w);
	struct pm_node_at n;
	struct pm_table t = {0};
	struct pm_tc tc;
	pm_bid data = 0, sub = 0;
	enum pm_rc rc = pm_address_node(w, address, &n);

	if (rc)
		return rc;
	rc = must_be_sound(w, pm_tc_open(&w->db, n.data, n.sub, &tc), address);
	if (rc == PM_OK)
		rc = must_be_sound(w, pm_table_load(&t, &tc), address);
	pm_tc_close(&tc);
	if (rc == PM_OK)
		rc = change_row(&t, change, row_id, tag, value);
	if (rc == PM_OK)
		rc = pm_table_build(&t, &sink.sink, &data, &sub);
	pm_table_done(&t);
	return rc ? rc : relink(w, address, data, sub);
}

enum pm_rc pm_logic_sub(struct pm_whole *w, const char *address, pm_nid nid, bool drop, pm_bid data,
			pm_bid sub)
{
	struct edit_sink sink = sink_of(w);
	struct pm_node_at n;
	struct pm_subs subs = {0};
	pm_bid tree = 0;
	enum pm_rc rc = pm_address_node(w, address, &n);

	if (rc)
		return rc;
	if (n.sub)
		rc = must_be_sound(w, pm_subs_open(&w->db, n.sub, &subs), address);
	if (rc == PM_OK && drop && !pm_subs_find(&subs, nid))
		rc = pm_fail(w->ctx, PM_EUSAGE, "%s has no subnode 0x%x", address, nid);
	if (rc == PM_OK && drop)
		pm_subs_remove(&subs, nid);
	else if (rc == PM_OK)
		rc = pm_subs_put(w->ctx, &subs, nid, data, sub);
	if (rc == PM_OK)
		rc = pm_subs_build(w->ctx, &sink.sink, subs.v.v, subs.v.n, &tree);
	pm_subs_close(&subs);
	return rc ? rc : relink(w, address, n.data, tree);
}
