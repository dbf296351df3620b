/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check: what of a file differs from what it was meant to hold. It reads the analysis and
 * the file, and fills a sink; it writes nothing.
 */
#ifndef PM_CHECK_CHECK_H
#define PM_CHECK_CHECK_H

#include "check/sink.h"
#include "recover/analysis.h"

struct pm_check_options {
	bool structure; /* header, pages, blocks, allocation, nodes; not what nodes hold */
	/* Header, pages, entries of blocks, allocation, nodes, folders and their tables: no block is read
	 * that isn't needed for these. For an analysis that was quick and bare. */
	bool quick;
	/* Also assess the messages that are found sound, while they are at hand: PM_NF_WHOLE. */
	bool assess;
};

/*
 * Check a file. The analysis must have swept (pm_analysis_options.quick unset), or `quick`. PM_OK
 * whatever was found (the sink has it); else an error. Objects that the model adds to an->db
 * (content of doubled nodes) are there afterwards.
 */
enum pm_rc pm_check(struct pm_analysis *an, const struct pm_check_options *opt,
		    struct pm_sink *sink) PM_MUST_CHECK;

#endif
