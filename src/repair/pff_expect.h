/* SPDX-License-Identifier: Apache-2.0 */
/* What a repair tells the independent proof: what must be there, and what to look at. */
#ifndef PM_REPAIR_PFF_EXPECT_H
#define PM_REPAIR_PFF_EXPECT_H

#include "repair/pff_proof.h"
#include "repair/repair.h"

/* {0} expects nothing. */
struct pm_pff_expect {
	PM_VEC(struct pm_pff_count) counts; /* of every folder of the model */
	PM_VEC(uint32_t) must;    /* ascending: items that the repair wrote to, or some of them */
	PM_VEC(uint32_t) partial; /* ascending: items that it says are damaged */
};

/*
 * After a repair: the folders' counts by its model, the items that it wrote to (at most
 * PM_PFF_SAMPLE_DEFAULT of them, evenly chosen), the items that it lists as partial; and
 * `opt` made to point to all that. PM_OK or PM_ENOMEM; to be freed in both cases, after `opt`
 * was used.
 */
enum pm_rc pm_pff_expect_repair(const struct pm_repair *r, struct pm_pff_expect *e,
				struct pm_pff_options *opt) PM_MUST_CHECK;
void pm_pff_expect_done(struct pm_pff_expect *e);

#endif
