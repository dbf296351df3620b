/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory that an export goes to, and the map in it that tells what each file is made of,
 * so that every name can be traced back.
 */
#ifndef PM_EXPORT_OUTDIR_H
#define PM_EXPORT_OUTDIR_H

#include "base/bytes.h"
#include "io/output.h"
#include "ndb/ndb.h"

#define PM_EXPORT_MAP "pstmend-map.tsv"

struct pm_outdir {
	struct pm_ctx *ctx;
	char *path;
	bool force;
	struct pm_output *map;
	struct pm_buf lines; /* of the map, not written yet */
	bool record;         /* keep the names of all files */
	struct pm_arena arena;
	PM_VEC(const char *) made;
};

/*
 * Could an export go there? So that a long analysis need not end in a place that is taken: of
 * the errors of pm_outdir_open those that show without making anything.
 */
enum pm_rc pm_outdir_check(struct pm_ctx *ctx, const char *path, const char *source,
			   bool force) PM_MUST_CHECK;
/*
 * Begin: the directory is made, or it exists and is empty, or `force` says that what is in it
 * may be replaced. `record`: the names of all files are kept. PM_EUSAGE: it is not empty, no directory, or the data file `source` is
 * in it.
 */
enum pm_rc pm_outdir_open(struct pm_ctx *ctx, const char *path, const char *source, bool force,
			  bool record, struct pm_outdir *ret) PM_MUST_CHECK;
/* Make a directory below it; one that is there already is fine. */
enum pm_rc pm_outdir_mkdir(struct pm_outdir *d, const char *rel) PM_MUST_CHECK;
/* Begin a file below it. */
enum pm_rc pm_outdir_create(struct pm_outdir *d, const char *rel,
			    struct pm_output **ret) PM_MUST_CHECK;

/* A line of the map. `number` is the place of a message in a file of many, 0: none. */
struct pm_outdir_entry {
	const char *file, *kind, *folder, *name, *state;
	uint64_t number;
	pm_nid nid;
};
enum pm_rc pm_outdir_note(struct pm_outdir *d, const struct pm_outdir_entry *e) PM_MUST_CHECK;
/* The map takes its name. */
enum pm_rc pm_outdir_finish(struct pm_outdir *d) PM_MUST_CHECK;
void pm_outdir_close(struct pm_outdir *d);

#endif
