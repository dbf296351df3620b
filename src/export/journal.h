/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of an export: how far it came, so that one that was killed can go on. It is the file
 * ".pstmend-export" in the directory, made before anything else there and removed when all is done.
 *
 * Lines of fields (export/tsv.h). The first ones say what is exported and how; then come, in the
 * order of the walk, what became of each item, and now and then a checkpoint: how long the files
 * are that are open. What stands behind the last checkpoint does not count: those items are
 * exported again, onto the same names. To go on is to walk over the folders again, with the answers
 * of the journal in place of items, up to the last checkpoint, where files are cut to their lengths.
 *
 * After a kill of the process, all that was written is there. After one of the system it need not be,
 * so each gigabyte all is brought to the disk, and where the system was started since, only
 * checkpoints up to there count.
 */
#ifndef PM_EXPORT_JOURNAL_H
#define PM_EXPORT_JOURNAL_H

#include "base/bytes.h"
#include "io/image.h"
#include "ndb/ndb.h"

#define PM_EXPORT_JOURNAL ".pstmend-export"

struct pm_journal;

enum pm_journal_kind {
	PM_JOURNAL_ITEM = 'i',      /* exported, or lost */
	PM_JOURNAL_SKIPPED = 's',   /* not chosen, or of another kind */
	PM_JOURNAL_DUPLICATE = 'd', /* of `of` */
	PM_JOURNAL_ROW = 'r',       /* a row of a folder's table that names nothing */
	PM_JOURNAL_FOLDER = 'f',    /* the end of a folder */
};

/* One step of the walk. Texts may be NULL; of one read they are the journal's. */
struct pm_journal_step {
	enum pm_journal_kind kind;
	pm_nid nid, of;
	unsigned int state; /* enum pm_item_state; of one that was skipped enum pm_left_out */
	uint64_t number;
	uint64_t attachments[3]; /* whole, partial, lost, where they alone are exported */
	const uint8_t *hash;     /* 32 bytes that tell duplicates; NULL: none */
	const char *file, *subject, *why;
	uint8_t hash_bytes[32];
};

/* Of the files that stay open over many items. */
struct pm_journal_sizes {
	uint64_t map, inventory, mail;
};

/* What is exported, and how: all of it must be the same when it goes on. */
struct pm_journal_id {
	struct pm_image *source;
	const char *options; /* as one text */
	uint64_t now;        /* FILETIME, for the record */
};

/* Is there one in this directory? */
bool pm_journal_exists(struct pm_ctx *ctx, const char *dir);

/*
 * Begin one; one that is there is replaced. Or go on with it: PM_EUSAGE when there is none, when it
 * is of another version, another file or other options, PM_EIO when another process is at it. Both
 * are to be freed in every case; ctx and `dir` are borrowed.
 */
enum pm_rc pm_journal_begin(struct pm_ctx *ctx, const char *dir, const struct pm_journal_id *id,
			    struct pm_journal **ret) PM_MUST_CHECK;
enum pm_rc pm_journal_resume(struct pm_ctx *ctx, const char *dir, const struct pm_journal_id *id,
			     struct pm_journal **ret) PM_MUST_CHECK;
void pm_journal_free(struct pm_journal *j);

/* ---- what was done before ---- */

/* Are there steps left up to the last checkpoint? */
bool pm_journal_replays(const struct pm_journal *j);
/* The next one, without taking it: false when there is none. It holds until the next call. */
bool pm_journal_peek(struct pm_journal *j, struct pm_journal_step *ret);
void pm_journal_take(struct pm_journal *j);
const struct pm_journal_sizes *pm_journal_sizes(const struct pm_journal *j);
/* The digest of the source that the evidence package began with; NULL: none is known. */
const char *pm_journal_digest(const struct pm_journal *j);
/* When the export began, and when it went on: n times, FILETIME. */
uint64_t pm_journal_began(const struct pm_journal *j);
const uint64_t *pm_journal_resumed(const struct pm_journal *j, size_t *ret_n);
/* Files that were made, in their order: those noted below. */
const char *pm_journal_file(const struct pm_journal *j, size_t i);

/* ---- what is done now ---- */

/* These wait in memory for a checkpoint. */
void pm_journal_note_digest(struct pm_journal *j, const char *digest);
void pm_journal_note_file(struct pm_journal *j, const char *rel);
void pm_journal_note(struct pm_journal *j, const struct pm_journal_step *s, uint64_t bytes);

/* Is it time for a checkpoint? By items and bytes, never by the clock; `all`: if any step waits. */
bool pm_journal_is_due(const struct pm_journal *j, bool all);
/* All files have these lengths now, and hold what was noted. */
enum pm_rc pm_journal_checkpoint(struct pm_journal *j,
				 const struct pm_journal_sizes *sizes) PM_MUST_CHECK;
/* All is done: it goes. */
enum pm_rc pm_journal_remove(struct pm_journal *j) PM_MUST_CHECK;

#endif
