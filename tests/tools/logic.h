/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of properties, tables and subnodes that leave the file sound below: what is changed
 * is stored anew in blocks of its own, and what it replaces goes.
 */
#ifndef PM_TOOLS_LOGIC_H
#define PM_TOOLS_LOGIC_H

#include "address.h"

/* `node` is an address of a node or subnode. A value of NULL removes the property. */
enum pm_rc pm_logic_prop(struct pm_whole *w, const char *node, uint32_t tag,
			 const struct pm_buf *value) PM_MUST_CHECK;

enum pm_row_change {
	PM_ROW_ADD,
	PM_ROW_DROP,
	PM_ROW_SET,
	PM_ROW_CLEAR,
	PM_ROW_COLUMN, /* these two: drop, add the column of this tag */
	PM_ROW_NEW_COLUMN,
};
/* A row, one of its cells (`tag`, `value`), or a column. */
enum pm_rc pm_logic_row(struct pm_whole *w, const char *node, enum pm_row_change change,
			uint32_t row_id, uint32_t tag, const struct pm_buf *value) PM_MUST_CHECK;

/* Take a subnode away, or (data not 0) put one there. */
enum pm_rc pm_logic_sub(struct pm_whole *w, const char *node, pm_nid nid, bool drop, pm_bid data,
			pm_bid sub) PM_MUST_CHECK;

#endif
