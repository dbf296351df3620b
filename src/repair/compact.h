/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compaction: what lives, laid out afresh in a new file without gaps. Blocks keep their ids and
 * so their content, encoded bytes and all; what changes is their place, and with it the
 * signature. Both trees and the maps are new. What nothing references is left behind, deleted
 * mail in free space with it.
 */
#ifndef PM_REPAIR_COMPACT_H
#define PM_REPAIR_COMPACT_H

#include "repair/repair.h"

struct pm_compact {
	struct pm_image *blocks; /* the moved blocks, read out of the old places */
	struct pm_view *view;    /* pages, maps and header over that: the new file */
};

/*
 * The last stage instead of pm_repair_finish, for r->compact: r->view and the block table are
 * of the new file afterwards. PM_ELIMIT when that would be larger than the format allows. To be
 * closed after the repair, in every case.
 */
enum pm_rc pm_repair_compact(struct pm_repair *r, struct pm_compact *ret) PM_MUST_CHECK;
void pm_compact_done(struct pm_compact *c);

#endif
