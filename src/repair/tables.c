/* SPDX-License-Identifier: Apache-2.0 */
/* What all tables must have, whoever they belong to: ids in their rows, columns, full blocks. */
#include "repair/repair.h"

#include "ltp/table.h"
#include "msg/folder.h"

enum pm_rc pm_repair_row_ids(struct pm_table *t)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < t->rows.n && !pm_is_error(rc); i++)
		if (!t->rows.v[i].dropped)
			rc = pm_table_set_u32(t, i, (uint32_t)PM_ID_LTP_ROW_ID << 16 | PM_PT_I4,
					      t->rows.v[i].id);
	return pm_is_error(rc) ? rc : PM_OK;
}

bool pm_repair_table_bare(const struct pm_repair *r, const struct pm_tc *tc, const uint16_t *cols)
{
	if (!r->strict)
		return false;
	for (; cols && *cols; cols++)
		if (!pm_tc_col(tc, *cols, 0))
			return true;
	return tc->heap.data.flags & PM_TF_NOT_FULL;
}

static bool has_column(const struct pm_table *t, uint16_t id)
{
	for (size_t i = 0; i < t->cols.n; i++)
		if (t->cols.v[i].id == id)
			return true;
	return false;
}

enum pm_rc pm_repair_table_columns(struct pm_repair *r, struct pm_table *t, const uint16_t *cols)
{
	enum pm_rc rc = PM_OK;
	size_t col;

	for (; r->strict && cols && *cols && rc == PM_OK; cols++)
		if (!has_column(t, *cols))
			rc = pm_table_add_col(t, pm_folder_column_tag(r->fmt, *cols), &col);
	return rc;
}
