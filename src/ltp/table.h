/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table context in memory, to be changed and stored anew. Columns keep their places, rows
 * their order, ids and versions, large cells their subnodes, unless they are changed.
 */
#ifndef PM_LTP_TABLE_H
#define PM_LTP_TABLE_H

#include "ltp/props.h"
#include "ltp/tc.h"

/* A cell of a variable type. */
struct pm_cell {
	const uint8_t *p; /* in the arena */
	uint32_t n;
	pm_nid nid; /* of the subnode that holds the value; 0: it is at p */
};

struct pm_table_row {
	uint32_t id;
	bool dropped;        /* not stored */
	uint8_t *fixed;      /* rgib[3] bytes as in the matrix, HNIDs 0 */
	struct pm_cell *var; /* n_var of them */
};

/* What the loader could not take over. */
struct pm_table_loss {
	uint32_t row; /* id */
	uint32_t tag; /* of the cell; 0: the whole row, but for its id */
};

struct pm_table {
	struct pm_ctx *ctx;
	const struct pm_format *fmt;
	struct pm_arena arena;
	PM_VEC(struct pm_col) cols; /* ascending by tag */
	uint32_t rgib[4];
	uint8_t var_of[256]; /* by column: index into var, 255 for inline types */
	uint32_t n_var;
	PM_VEC(struct pm_table_row) rows; /* in order of the matrix */
	struct pm_map by_id;              /* row id -> index, dropped ones excepted */
	struct pm_subs subs;              /* without the matrix */
	struct pm_map nids;               /* of cells in subnodes -> how many of them */
	pm_nid matrix_nid;                /* where the matrix was; 0: it had no subnode */
	PM_VEC(struct pm_table_loss) lost;
};

/* An empty table of these columns (id and type are looked at), laid out anew in this order;
 * 67F2 and 67F3 are first, added if they are not among them. */
enum pm_rc pm_table_init(struct pm_table *t, struct pm_ctx *ctx, const struct pm_format *f,
			 const uint32_t *tags, size_t n) PM_MUST_CHECK;
void pm_table_done(struct pm_table *t);
/*
 * Everything that an open TC has. Its layout is kept where it is sound, else made anew. Cells
 * that can't be read are left out, as are rows without bytes; t->lost names them. PM_OK,
 * PM_DAMAGED. Cells of the pools of OSTs become plain ones, and the pools' subnodes go.
 */
enum pm_rc pm_table_load(struct pm_table *t, struct pm_tc *tc) PM_MUST_CHECK;

size_t pm_table_find(const struct pm_table *t, uint32_t row_id); /* index, or rows.n */
/* Index of the column, or cols.n. */
size_t pm_table_col(const struct pm_table *t, uint32_t tag);
/* Add a column behind those of its size, unless it is there. *ret_col its index. */
enum pm_rc pm_table_add_col(struct pm_table *t, uint32_t tag, size_t *ret_col) PM_MUST_CHECK;
/* Add a row, last; its id and version 0 are set. PM_EUSAGE when the id is taken. */
enum pm_rc pm_table_add_row(struct pm_table *t, uint32_t row_id, size_t *ret_row) PM_MUST_CHECK;
void pm_table_drop_row(struct pm_table *t, size_t row);
size_t pm_table_count(const struct pm_table *t); /* rows that are not dropped */

/* PM_OK with the bytes, PM_NONE: no such cell. When the value lies in a subnode the span is
 * empty and *ret_nid (may be NULL) names it, else it is 0. */
enum pm_rc pm_table_get(const struct pm_table *t, size_t row, size_t col, struct pm_span *ret,
			pm_nid *ret_nid);
/* Set a cell: for inline types exactly the bytes of the type. */
enum pm_rc pm_table_set(struct pm_table *t, size_t row, size_t col, const void *p,
			size_t n) PM_MUST_CHECK;
/* Set a cell of a variable type to a value that is in a subnode. */
enum pm_rc pm_table_set_nid(struct pm_table *t, size_t row, size_t col, pm_nid nid) PM_MUST_CHECK;
enum pm_rc pm_table_set_u32(struct pm_table *t, size_t row, uint32_t tag, uint32_t v)
	PM_MUST_CHECK; /* adds nothing when there is no such column: PM_NONE */
void pm_table_clear(struct pm_table *t, size_t row, size_t col);

/* Store it. PM_ELIMIT when it can't be (ANSI: 65535 rows). */
enum pm_rc pm_table_build(struct pm_table *t, struct pm_block_sink *sink, pm_bid *ret_data,
			  pm_bid *ret_sub) PM_MUST_CHECK;

#endif
