/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory that an export goes to, and the map in it that tells what each file is made of,
 * so that every name can be traced back.
 */
#ifndef PM_EXPORT_OUTDIR_H
#define PM_EXPORT_OUTDIR_H

#include "export/journal.h"
#include "io/output.h"

#define PM_EXPORT_MAP "pstmend-map.tsv"

/* What may be in it already. */
enum pm_outdir_how {
	PM_OUTDIR_NEW,    /* nothing */
	PM_OUTDIR_FORCE,  /* anything; files of the same names are replaced */
	PM_OUTDIR_RESUME, /* an export that was not finished, which goes on */
};

struct pm_outdir {
	struct pm_ctx *ctx;
	char *path;
	enum pm_outdir_how how;
	struct pm_journal *journal;
	struct pm_output *map;
	struct pm_buf lines; /* of the map, not written yet */
	bool replays;        /* what the journal has is gone over: files are begun for later */
	bool record;         /* keep the names of all files */
	struct pm_arena arena;
	PM_VEC(const char *) made;
};

/*
 * Could an export go there? So that a long analysis need not end in a place that is taken: of
 * the errors of pm_outdir_open those that show without making anything.
 */
enum pm_rc pm_outdir_check(struct pm_ctx *ctx, const char *path, const char *source,
			   enum pm_outdir_how how) PM_MUST_CHECK;
/*
 * Begin: the directory is made, or it exists and has what it may have, and has a journal then.
 * `record`: the names of all files are kept. PM_EUSAGE: it is not empty, or there is nothing to go
 * on with, it is no directory, or the data file `source` is in it.
 */
enum pm_rc pm_outdir_open(struct pm_ctx *ctx, const char *path, const char *source,
			  enum pm_outdir_how how, bool record, const struct pm_journal_id *id,
			  struct pm_outdir *ret) PM_MUST_CHECK;
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
/* All lines of the map are in its file; *ret_size is how long that is. */
enum pm_rc pm_outdir_flush(struct pm_outdir *d, uint64_t *ret_size) PM_MUST_CHECK;
/* The journal is gone over: the map goes on, and so does all else. */
enum pm_rc pm_outdir_resume(struct pm_outdir *d) PM_MUST_CHECK;
/* The map takes its name. */
enum pm_rc pm_outdir_finish(struct pm_outdir *d) PM_MUST_CHECK;
void pm_outdir_close(struct pm_outdir *d);

#endif
