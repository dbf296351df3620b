/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commit of a repair in place: a proved view is written over its own source, in an order
 * in which the undo file restores the source whenever it stops.
 *
 *	1. undo file: written, brought to the disk, named; its directory, too
 *	2. space for all that is new is taken
 *	3. what goes to where nothing was, or behind the end; to the disk
 *	4. the old header, saying that the allocation maps are not valid; to the disk
 *	5. maps and trailers; to the disk
 *	6. the new header; to the disk. Then the end, where the repaired file is shorter
 *
 * A failure on the way, or a request to stop before 4, undoes what was done and takes the undo
 * file away. From 4 on a request to stop waits, signals included.
 */
#ifndef PM_REPAIR_COMMIT_H
#define PM_REPAIR_COMMIT_H

#include "format/variant.h"
#include "repair/undo.h"

struct pm_commit {
	const struct pm_format *fmt;
	const struct pm_target *target; /* locked since before the source was analysed */
	struct pm_image *src;           /* the same file, as the analysis read it */
	struct pm_view *view;
	const char *undo_path;
};

/* Refuse what can be refused before the work: PM_OK, or an error with the reason. */
enum pm_rc pm_commit_possible(struct pm_ctx *ctx, const struct pm_commit *c) PM_MUST_CHECK;

/*
 * Write. PM_OK: done; *ret, the undo file, is for pm_undo_restore. An error: the file is what
 * it was, and if not (then the text says so), the undo file is there. `ret` is to be closed in
 * every case.
 */
enum pm_rc pm_commit_write(struct pm_ctx *ctx, const struct pm_commit *c,
			   struct pm_undo *ret) PM_MUST_CHECK;

/* Take the commit back: the source as it was, no undo file. PM_EIO: `pstmend undo` is needed. */
enum pm_rc pm_commit_take_back(struct pm_ctx *ctx, const struct pm_commit *c,
			       const struct pm_undo *u) PM_MUST_CHECK;

#endif
