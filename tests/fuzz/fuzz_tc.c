/* SPDX-License-Identifier: Apache-2.0 */
/* A table context of an input's blocks (fuzz.h): rows, cells, their rules, storing it anew. */
#include "fuzz.h"

#include "ltp/table.h"

#define READ_MAX ((uint64_t)1 << 18)
#define ROWS_MAX 200 /* that are looked at cell by cell */

static void cells(struct pm_tc *tc, size_t row)
{
	struct pm_ctx *ctx = tc->db->ctx;

	for (size_t i = 0; i < tc->cols.n; i++) {
		const struct pm_col *c = &tc->cols.v[i];
		uint32_t rules = 0, value_rules = 0, u32 = 0;
		struct pm_buf out = {0};
		struct pm_value v;
		enum pm_rc rc = pm_tc_cell(tc, row, c, &v);

		pm_fuzz_result(ctx, rc);
		if (rc == PM_OK || rc == PM_DAMAGED) {
			pm_fuzz_result(ctx, pm_value_read(ctx, &v, READ_MAX, &out));
			pm_fuzz_result(ctx, pm_value_text(ctx, &v, 1252, &out));
		}
		pm_value_done(&v);
		pm_fuzz_result(ctx,
			       pm_tc_cell_rules(tc, row, c, true, READ_MAX, &rules, &value_rules));
		pm_fuzz_result(ctx, pm_tc_u32(tc, row, c->id, &u32));
		pm_fuzz_result(ctx, pm_tc_binary(tc, row, c->id, READ_MAX, &out));
		pm_buf_done(&out);
	}
}

static void rows(struct pm_tc *tc)
{
	for (size_t i = 0; i < tc->rows.n && i < ROWS_MAX; i++) {
		struct pm_span s = {0};
		uint32_t rules = 0;
		enum pm_rc rc = pm_tc_row(tc, i, &s);

		pm_fuzz_result(tc->db->ctx, rc);
		must(rc == PM_LOST || s.n == tc->rgib[3]);
		pm_fuzz_touch(s.p, s.n);
		must(pm_tc_find(tc, tc->rows.v[i].id) < tc->rows.n);
		pm_fuzz_result(tc->db->ctx, pm_tc_row_rules(tc, i, &rules));
		cells(tc, i);
	}
}

static void rebuild(struct pm_fuzz_db *d, struct pm_tc *tc)
{
	struct pm_table t;
	struct pm_tc again;
	pm_bid data = 0, sub = 0;
	enum pm_rc rc = pm_table_load(&t, tc);

	pm_fuzz_result(&d->ctx, rc);
	if (rc == PM_OK || rc == PM_DAMAGED) {
		rc = pm_table_build(&t, &d->sink, &data, &sub);
		pm_fuzz_result(&d->ctx, rc);
	}
	if (rc == PM_OK) {
		rc = pm_tc_open(&d->db, data, sub, &again);
		must(rc == PM_OK);
		must(again.rows.n == pm_table_count(&t));
		must(!again.rules && !again.bth_rules && !again.heap.rules);
		pm_tc_close(&again);
	}
	pm_table_done(&t);
}

int pm_fuzz_tc(const uint8_t *p, size_t n)
{
	struct pm_fuzz_db d;
	struct pm_tc tc;

	if (pm_fuzz_db_open(&d, p, n)) {
		enum pm_rc rc = pm_tc_open_node(&d.db, PM_FUZZ_NID, &tc);

		pm_fuzz_result(&d.ctx, rc);
		rows(&tc);
		if (rc == PM_OK || rc == PM_DAMAGED)
			rebuild(&d, &tc);
		pm_tc_close(&tc);
	}
	pm_fuzz_db_close(&d);
	return 0;
}
