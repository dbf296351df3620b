/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference counts [MS-PST 2.2.2.7.7.3.1].
 *
 * Checks: each block's count against the references that there are; blocks nobody refers to.
 * Needs: the analysis' reference counts.
 */
#include "check/internal.h"

void pm_check_refs(struct pm_checker *c)
{
	const struct pm_analysis *an = c->an;
	/* References are missing where those who made them are: a count too high follows. */
	const uint64_t cause = pm_check_loss(c);

	for (size_t i = 0; i < an->db.blocks.n && an->refs && !c->rc; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];
		const uint64_t want = (uint64_t)an->refs[i] + 1;

		if (!b->cref && b->flags & PM_BF_FOUND)
			continue; /* has no entry, so no count */
		if (want == 1)
			PM_REPORT(c, BLOCK_UNREFERENCED, .bid = b->bid, .offset = b->ib,
				  .size = b->cb, .have = b->cref,
				  .caused_by = b->cref > 1 ? cause : 0);
		else if (b->cref < want)
			PM_REPORT(c, REF_COUNT_LOW, .bid = b->bid, .have = b->cref, .want = want,
				  .caused_by = pm_sink_cause(c->sink, PM_CAUSE_BLOCK, b->bid));
		else if (b->cref > want)
			PM_REPORT(c, REF_COUNT_HIGH, .bid = b->bid, .have = b->cref, .want = want,
				  .caused_by = cause);
	}
}
