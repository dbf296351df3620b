/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folder tables against the objects that they list [MS-PST 2.4.4.4, 2.4.4.5]: which rows are
 * missing, which name nothing, which cells differ from the object's property.
 */
#ifndef PM_RECOVER_TABLES_H
#define PM_RECOVER_TABLES_H

#include "ltp/pc.h"
#include "ltp/tc.h"
#include "recover/model.h"

enum pm_table_diff_kind {
	PM_TD_MISSING_ROW,  /* an object of the folder has no row */
	PM_TD_GHOST_ROW,    /* a row names no object of the folder */
	PM_TD_STALE_CELL,   /* a cell differs from the object's property */
	PM_TD_MISSING_CELL, /* the object has the property, the row has no cell */
};

struct pm_table_diff {
	enum pm_table_diff_kind kind;
	pm_nid row;
	uint32_t tag; /* of a cell */
};

typedef enum pm_rc (*pm_table_diff_fn)(void *arg, const struct pm_table_diff *d);

/* The objects that a folder's table must list: nids, ascending. `type`: 0D, 0E or 0F. */
struct pm_expected {
	PM_VEC(pm_nid) v;
};

enum pm_rc pm_table_expected(const struct pm_model *m, uint32_t folder, unsigned type,
			     struct pm_expected *ret) PM_MUST_CHECK;

/* Is it a column whose cells have no property behind them, or differ from it in sound files? */
bool pm_row_only(uint16_t id);
/*
 * The value that a cell of this column must have, from the object's PC. PM_NONE: the object
 * has no such property, or the column is one that only rows have; PM_LOST or PM_DAMAGED: the
 * property is there, its value is not to be trusted; then the cell says nothing either.
 */
enum pm_rc pm_row_want(struct pm_pc *pc, const struct pm_col *c, struct pm_buf *out) PM_MUST_CHECK;

/* The comparing of one table's rows: `want`, `have` are scratch. Done with pm_row_compare_done. */
struct pm_row_compare {
	struct pm_tc *tc;
	pm_table_diff_fn fn;
	void *arg;
	struct pm_buf want, have;
};

/* Compare the cells of a row with its object's open PC: PM_TD_STALE_CELL, PM_TD_MISSING_CELL. */
enum pm_rc pm_row_compare(struct pm_row_compare *c, struct pm_pc *pc, size_t row,
			  pm_nid id) PM_MUST_CHECK;
void pm_row_compare_done(struct pm_row_compare *c);

/*
 * Compare an open table with the objects. `fn` is called for each difference. With `cells`
 * false only rows are compared. Objects whose PC can't be read have no say on cells.
 */
enum pm_rc pm_table_compare(const struct pm_model *m, struct pm_tc *tc,
			    const struct pm_expected *want, bool cells, pm_table_diff_fn fn,
			    void *arg) PM_MUST_CHECK;

#endif
