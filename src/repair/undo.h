/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The undo file of a repair in place: what is needed to make the file again what it was, byte
 * for byte. It holds only what is overwritten or cut off, mostly some kilobytes, and is on the
 * disk before the first byte of the file changes.
 *
 * All numbers are little-endian:
 *
 *	16	"pstmend undo 1\n" and a zero byte
 *	8, 8	length of the file before and after the repair
 *	4	bytes of the header; then the header as it was before, is during, and is after
 *	8	how many ranges; of each:
 *	  8, 4	  offset and length (at most PM_UNDO_PIECE, inside of one such piece)
 *	  4	  1: cut off by the repair, 0: changed
 *	  32	  SHA-256 of the new bytes (zeros when cut off)
 *	  4	  length of the code, and the code of the old bytes: runs of 2 bytes a count of
 *		  zeros, 2 bytes a count of bytes, those bytes
 *	32	SHA-256 of all this
 *
 * Ranges ascend, don't overlap, and lie between the header and the old end of the file.
 */
#ifndef PM_REPAIR_UNDO_H
#define PM_REPAIR_UNDO_H

#include "base/bytes.h"
#include "io/target.h"
#include "io/view.h"

#define PM_UNDO_PIECE 4096

struct pm_undo_range {
	uint64_t off;
	uint32_t n, coded;
	const uint8_t *code, *hash;
	bool cut;
};

/* Headers; also the order in which a repair writes them. */
enum { PM_UNDO_BEFORE, PM_UNDO_DURING, PM_UNDO_AFTER };

struct pm_undo {
	struct pm_buf bytes; /* the undo file, which the rest points into */
	uint64_t old_size, new_size;
	uint32_t header;
	const uint8_t *head[3];
	PM_VEC(struct pm_undo_range) ranges;
};

/* What a file is, compared with an undo file. */
enum pm_undo_state {
	PM_UNDO_ORIGINAL, /* all of it is as before the repair */
	PM_UNDO_BETWEEN,  /* the repair, or an undo, stopped on the way */
	PM_UNDO_DONE,     /* all of it is as after the repair */
	PM_UNDO_FOREIGN,  /* none of these: it was changed since, or is another file */
};

struct pm_undo_look {
	enum pm_undo_state state;
	uint64_t as_old, as_new, torn; /* ranges; where none of both, it was half written */
	const char *why;               /* FOREIGN: the end of "..., so nothing was restored" */
};

/* Where the undo file of `file` is by default; to be freed, NULL without memory. */
char *pm_undo_path(struct pm_ctx *ctx, const char *file);

/*
 * Make the undo file for changing `t` into `view`. `header` is the length of a header, `during`
 * the one for the time of the change. PM_ELIMIT when it would be larger than 512 MiB;
 * PM_EUNSUP when the view moves content. To be closed in every case.
 */
enum pm_rc pm_undo_make(struct pm_ctx *ctx, const struct pm_target *t, struct pm_view *view,
			uint32_t header, const uint8_t *during, struct pm_undo *ret) PM_MUST_CHECK;
/* Read an undo file. An error where there is none, or it isn't whole. */
enum pm_rc pm_undo_load(struct pm_ctx *ctx, const char *path, struct pm_undo *ret) PM_MUST_CHECK;
void pm_undo_done(struct pm_undo *u);

/* The old bytes of a range: r->n of them. */
void pm_undo_old(const struct pm_undo_range *r, uint8_t *ret);

/* Compare. Without `all`, a file whose header and length are those after the repair is DONE
 * without a look at the ranges. */
enum pm_rc pm_undo_compare(struct pm_ctx *ctx, const struct pm_undo *u, const struct pm_target *t,
			   bool all, struct pm_undo_look *ret) PM_MUST_CHECK;

/*
 * Make the file what it was, and look whether it is. The file must not be FOREIGN. When this is
 * interrupted at any point, it can be begun again. PM_OK, or PM_EIO.
 */
enum pm_rc pm_undo_restore(struct pm_ctx *ctx, const struct pm_undo *u,
			   const struct pm_target *t) PM_MUST_CHECK;

#endif
