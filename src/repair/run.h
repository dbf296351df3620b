/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole repair: analyse, check, mend as a view. Then either write a new file, prove it, and
 * give it its name; the source is only ever read. Or, in place, prove the view and commit it
 * (commit.h).
 */
#ifndef PM_REPAIR_RUN_H
#define PM_REPAIR_RUN_H

#include "check/check.h"
#include "io/target.h"
#include "repair/compact.h"
#include "repair/copying.h"
#include "repair/pff_proof.h"
#include "repair/repair.h"

struct pm_run_options {
	const char *output;               /* path of the new file; not used by a dry run */
	bool dry_run;                     /* prove the view, write nothing */
	const struct pm_target *in_place; /* the source, to be changed itself; else NULL */
	const char *undo_path;            /* with in_place */
	bool strict;                      /* mend warnings, too */
	bool undelete;                    /* bring deleted items back, also when nothing is wrong */
	bool compact;            /* lay the new file out afresh, also when nothing is wrong */
	bool force;              /* the output may replace an existing file */
	bool keep_unproved;      /* give the file its name though the proof failed */
	bool mark;               /* give partial items a property that says what is missing */
	bool synthesize;         /* make lost values of partial messages from what is left */
	enum pm_pff_mode verify; /* how much libpff reads */
	bool self;               /* prove by our own check (off only for `--verify none`) */
};

enum pm_verdict {
	PM_VERDICT_HEALTHY,   /* nothing to do, nothing written */
	PM_VERDICT_REPAIRED,  /* written and proved (dry run: would be) */
	PM_VERDICT_UNPROVED,  /* the proof failed */
	PM_VERDICT_COMPACTED, /* healthy; written and proved all the same (dry run: would be) */
	PM_VERDICT_UNDELETED, /* likewise, for deleted items that are in it now */
};

/* An item that the check found not to be whole. Strings are in the run's arena. */
struct pm_suspect {
	pm_nid nid;
	enum pm_object_kind kind;
	bool lost;
	char *name, *detail; /* may be NULL */
};

struct pm_run {
	enum pm_verdict verdict, aim; /* aim: what it is to be, when the proof holds */
	struct pm_analysis *an;
	struct pm_model model;
	struct pm_view *view;
	struct pm_copying copying;          /* of the source, while it is looked at */
	PM_VEC(struct pm_suspect) suspects; /* in the source */
	struct pm_arena arena;
	struct pm_repair repair; /* its view is the result */
	struct pm_compact packed;
	bool mended;                         /* `repair` is set */
	uint64_t errors, warnings;           /* found in the source */
	uint64_t left_errors, left_warnings; /* in the result */
	struct pm_sink left;                 /* what the check of the result found */
	struct pm_pff_result pff;
	uint64_t size_before, size_after;
	uint64_t unindexed; /* pm_analysis_unindexed of the source */
	bool written;       /* the output has its name; the source was changed in place */
	uint64_t undo_size; /* of the undo file, 0: there is none */
	bool nothing_left;  /* no node at all is left of the source */
	char why[512];      /* UNPROVED: what failed, one line */
};

/*
 * `found` takes the problems of the source. PM_OK with *ret filled (to be closed in every
 * case), or an error. */
enum pm_rc pm_run_repair(struct pm_ctx *ctx, struct pm_image *img, const struct pm_run_options *opt,
			 struct pm_sink *found, struct pm_run *ret) PM_MUST_CHECK;
void pm_run_done(struct pm_run *run);

#endif
