/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table contexts [MS-PST 2.3.4]. Rows are numbered here from 0 in the order of the matrix.
 * When the row index is damaged, rows are also taken from the matrix, and rows that only the
 * index knows have an id and no cells.
 */
#ifndef PM_LTP_TC_H
#define PM_LTP_TC_H

#include "ltp/bth.h"
#include "ltp/value.h"

#include "base/map.h"

/* Rules of a TC, its rows and cells; bit n is rule B(n+1). */
enum pm_tc_rule {
	PM_BR_INFO = 1 << 0,      /* TCINFO missing, wrong type, or of another size */
	PM_BR_RGIB = 1 << 1,      /* rgib out of order, or the CEB has another size */
	PM_BR_COLUMNS = 1 << 2,   /* columns do not ascend by tag */
	PM_BR_IBIT = 1 << 3,      /* iBit taken twice or too large */
	PM_BR_PLACE = 1 << 4,     /* cells overlap or leave the row */
	PM_BR_CBDATA = 1 << 5,    /* cbData is not that of the type, or there is no such type */
	PM_BR_ROWID = 1 << 6,     /* column 67F2 is not first */
	PM_BR_ROWVER = 1 << 7,    /* column 67F3 is not second */
	PM_BR_INDEX = 1 << 8,     /* row index is not 4+4 (ANSI 4+2), or unreadable */
	PM_BR_ENTRY = 1 << 9,     /* an index entry names no row, or one that another has */
	PM_BR_COUNT = 1 << 10,    /* index and matrix differ in the number of rows */
	PM_BR_KEY = 1 << 11,      /* dwRowID is not the key in the index */
	PM_BR_VALUE = 1 << 12,    /* a variable cell does not resolve or is malformed */
	PM_BR_BITS = 1 << 13,     /* the row id's existence bit is clear */
	PM_BR_MATRIX = 1 << 14,   /* matrix without rows, or rows without matrix */
	PM_BR_FILLED = 1 << 15,   /* a matrix block but the last is not exactly full */
	PM_BR_HIDINDEX = 1 << 16, /* hidIndex is not zero */
	PM_BR_STALE = 1 << 17,    /* an absent cell is not zero */
	/* No rules of the digest: */
	PM_BR_POOL = 1 << 18,   /* a subnode that the rows share is no heap */
	PM_BR_ASTRAY = 1 << 19, /* an absent cell names a subnode that there isn't: libpff looks */
};

struct pm_col {
	uint16_t id, type;
	uint16_t ibData;
	uint8_t cbData, iBit;
	bool far; /* of a table that is read: its cells name where the values are (!pm_cell_inline) */
};

struct pm_tc_row {
	uint32_t id;
	uint32_t number; /* in the matrix; UINT32_MAX when it is not there */
	uint32_t rules;  /* pm_tc_rule: BR_KEY; BR_ENTRY: not in the index */
	uint8_t state;   /* PM_OK, PM_DAMAGED: matrix block damaged, PM_LOST: id only */
};

struct pm_tc {
	const struct pm_ndb *db;
	struct pm_heap heap;
	struct pm_subs subs;
	enum pm_rc subs_state;
	PM_VEC(struct pm_col) cols; /* as stored */
	uint32_t rgib[4];
	pm_hid row_index;
	uint32_t rows_hnid;
	PM_VEC(struct pm_tc_row) rows; /* by number, those without one last */
	struct pm_map by_id;           /* row id -> index into rows; empty when these are few, or */
	bool ascending;                /* their ids ascend, none twice */
	uint32_t rules, bth_rules;     /* of the table; what rows and cells break is not in it */
	uint32_t lost;                 /* items of the row index that could not be read */
	struct pm_data matrix;         /* when it lies in a subnode */
	bool matrix_sub;
	enum pm_rc matrix_state;
	PM_VEC(uint32_t) first; /* number of the first row of each matrix block */
	struct pm_buf block;    /* the matrix block at hand */
	struct pm_buf text;     /* for pm_tc_text */
	size_t block_no;
	enum pm_rc block_state;
	bool borrowed;          /* rows and by_id are another's */
	struct pm_heap pool[2]; /* [OBS] OSTs: heaps in subnodes 541, 521, shared by rows */
	bool has_pool[2];
};

/*
 * Open the TC in data tree `data` with subnode tree `sub`. PM_OK; PM_DAMAGED: usable, rows or
 * cells may be missing or wrong; PM_LOST: not even the columns are known; PM_NONE: data is 0.
 * Close it in every case.
 */
enum pm_rc pm_tc_open(const struct pm_ndb *db, pm_bid data, pm_bid sub,
		      struct pm_tc *tc) PM_MUST_CHECK;
enum pm_rc pm_tc_open_node(const struct pm_ndb *db, pm_nid nid, struct pm_tc *tc) PM_MUST_CHECK;
/* The table that `of` is, once more, for a thread of its own with another reader: which rows there are is taken from `of`,
 * which must stay open, and is not to be changed, as long as this one is. Results as those of pm_tc_open. */
enum pm_rc pm_tc_open_again(const struct pm_tc *of, const struct pm_ndb *db, pm_bid data,
			    pm_bid sub, struct pm_tc *tc) PM_MUST_CHECK;
void pm_tc_close(struct pm_tc *tc);

/* The column of a property id, or NULL; with its type, or any type when 0. */
const struct pm_col *pm_tc_col(const struct pm_tc *tc, uint16_t id, uint16_t type);
static inline uint32_t pm_col_tag(const struct pm_col *c)
{
	return (uint32_t)c->id << 16 | c->type;
}

/* Is the value of such a cell in the row itself? */
static inline bool pm_cell_inline(uint16_t type)
{
	return type != PM_PT_OBJECT && type != PM_PT_GUID && pm_proptype_size(type) > 0;
}
/* Index of the row with this id, or rows.n. */
size_t pm_tc_find(const struct pm_tc *tc, uint32_t id);

/* The matrix block that holds this row number: the last one that starts at or before it. */
size_t pm_tc_block_of(const struct pm_tc *tc, uint32_t number);
/* The bytes of a row, rgib[3] of them; valid until another row is asked for. PM_LOST when
 * there are none. */
enum pm_rc pm_tc_row(struct pm_tc *tc, size_t row, struct pm_span *ret) PM_MUST_CHECK;
enum pm_rc pm_tc_row_bytes(struct pm_tc *tc, const struct pm_tc_row *r,
			   struct pm_span *ret) PM_MUST_CHECK;
/*
 * The value of a cell: v->state, PM_NONE when the row has no such cell, or an error. Valid
 * as the bytes of the row and those of pm_heap_item. Done with pm_value_done.
 */
enum pm_rc pm_tc_cell(struct pm_tc *tc, size_t row, const struct pm_col *c,
		      struct pm_value *v) PM_MUST_CHECK;
/* That of the first column of this id whose cell the row has. */
enum pm_rc pm_tc_any_cell(struct pm_tc *tc, size_t row, uint16_t id,
			  struct pm_value *v) PM_MUST_CHECK;
/* By property id, whatever the type: numbers of up to 4 bytes; strings as UTF-8. Results as
 * those of pm_pc_u32 and pm_pc_string. */
enum pm_rc pm_tc_u32(struct pm_tc *tc, size_t row, uint16_t id, uint32_t *ret) PM_MUST_CHECK;
enum pm_rc pm_tc_string(struct pm_tc *tc, size_t row, uint16_t id, uint32_t cp,
			struct pm_buf *out) PM_MUST_CHECK;
enum pm_rc pm_tc_text(struct pm_tc *tc, size_t row, uint16_t id, uint32_t cp, struct pm_arena *a,
		      char **ret) PM_MUST_CHECK;
enum pm_rc pm_tc_binary(struct pm_tc *tc, size_t row, uint16_t id, uint64_t max,
			struct pm_buf *out) PM_MUST_CHECK;

/* Rules that a row breaks in itself (BR_KEY, BR_ENTRY, BR_BITS, BR_STALE). */
enum pm_rc pm_tc_row_rules(struct pm_tc *tc, size_t row, uint32_t *ret_rules) PM_MUST_CHECK;
/* Does the row, whose bytes these are, have this cell? */
static inline bool pm_tc_exists(const struct pm_tc *tc, struct pm_span row, const struct pm_col *c)
{
	const size_t at = tc->rgib[2] + c->iBit / 8u;

	return at < row.n && row.p[at] & 0x80 >> c->iBit % 8;
}

/* What names the value of a cell that is elsewhere; 0: it is not, or there is none. */
static inline uint32_t pm_tc_hnid(const struct pm_tc *tc, struct pm_span row,
				  const struct pm_col *c)
{
	struct pm_span cell;

	return c->far && pm_tc_exists(tc, row, c) && pm_span_sub(row, c->ibData, 4, &cell)
		       ? pm_le32(cell.p)
		       : 0;
}

/* Rules of a cell: 0 or PM_BR_VALUE; *ret_value: what is wrong with its value, pm_pc_rule.
 * With `mark` its heap item counts as used. */
enum pm_rc pm_tc_cell_rules(struct pm_tc *tc, size_t row, const struct pm_col *c, bool mark,
			    uint64_t max, uint32_t *ret_rules, uint32_t *ret_value) PM_MUST_CHECK;
/* The same of a cell of the row that was asked for last, by its HNID, which is not 0. */
enum pm_rc pm_tc_hnid_rules(struct pm_tc *tc, const struct pm_col *c, uint32_t hnid, bool mark,
			    uint64_t max, uint32_t *ret_rules, uint32_t *ret_value) PM_MUST_CHECK;

#endif
