/* SPDX-License-Identifier: Apache-2.0 */
/* Cells of a new contents row that no property of the message holds [MS-OXCMSG 2.2.1.7]. */
#ifndef PM_REPAIR_DISPLAY_H
#define PM_REPAIR_DISPLAY_H

#include "ltp/table.h"
#include "repair/repair.h"

/* Fill display-to and display-cc (from the recipient table) and the size, where the row has
 * no such cell. */
enum pm_rc pm_repair_display_cells(struct pm_repair *r, struct pm_table *t, size_t row,
				   const struct pm_node *n, struct pm_pc *pc) PM_MUST_CHECK;

#endif
