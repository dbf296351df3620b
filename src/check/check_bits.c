/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single wrong bits that checksums prove [MS-PST 5.3]: the analysis works on the file as it was
 * stored, so that nothing else follows from them.
 *
 * Checks: pages of the trees and live blocks.
 * Needs: the analysis' bits.
 */
#include "check/internal.h"

void pm_check_bits(struct pm_checker *c)
{
	for (size_t i = 0; i < c->an->bits.n && !c->rc; i++) {
		const struct pm_bit *x = &c->an->bits.v[i];

		if (!pm_bit_in_use(c->an, x))
			continue;
		pm_check_blame(c, x->ptype ? PM_CAUSE_PAGE : PM_CAUSE_BLOCK,
			       x->ptype ? x->ib : x->bid,
			       &(struct pm_problem){.id = x->ptype ? PM_P_PAGE_BIT : PM_P_BLOCK_BIT,
						    .offset = x->ib,
						    .bid = x->bid,
						    .item = x->at,
						    .have = x->was,
						    .want = x->is});
	}
}
