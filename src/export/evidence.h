/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evidence package of an export, in the directory "evidence" beside the mail:
 *	inventory.csv, attachments.csv, inventory.jsonl, inventory.sqlite
 *		every item, those that are lost included, and every attachment with its hash
 *	load.dat, load.xml	the same for review programs, where they are asked for
 *	manifest.sha256	hash of every file written, for sha256sum -c
 *	custody.json	who exported what, when, with what; hashes of the data file before and after
 * All but the last are the same on every run.
 */
#ifndef PM_EXPORT_EVIDENCE_H
#define PM_EXPORT_EVIDENCE_H

#include "export/outdir.h"
#include "export/people.h"
#include "io/image.h"
#include "msg/message.h"

#define PM_EVIDENCE_DIR "evidence"

struct pm_evidence;

/* What the record says of the run, which is not ours to know. NULL: not said. */
struct pm_custody {
	const char *command, *user, *host, *zone;
	uint64_t began; /* FILETIME */
	uint64_t (*now)(void);
};

enum pm_load_file { PM_LOAD_FILE_DAT = 1, PM_LOAD_FILE_EDRM = 2 };

/* What is asked for. */
struct pm_evidence_options {
	struct pm_image *source; /* the data file */
	bool md5;                /* MD5 beside SHA-256, everywhere */
	size_t mended_bits;      /* turned in what the items come from (recover/analysis.h) */
	unsigned int load;       /* enum pm_load_file */
};

/* What an item became; texts may be NULL. */
struct pm_evidence_item {
	pm_nid nid;
	struct pm_message *msg; /* NULL: only a row of a table is left of it */
	const char *folder, *subject, *file, *state, *why;
	const char *provenance, *placed; /* how it is known, and its folder */
	pm_nid was;                      /* of a deleted one: its node id before; 0: not known */
	const char *was_in, *known_from; /* likewise: its folder, what names it */
	const char *const *files;        /* of its attachments, where each has one; NULL */
	uint64_t number;
};

/*
 * Begin: the directory and the inventory are made, the data file is hashed. `dir` and `opts` are
 * borrowed. PM_EUSAGE when the export goes on and the data file is not what it was.
 */
enum pm_rc pm_evidence_open(struct pm_ctx *ctx, struct pm_outdir *dir,
			    const struct pm_evidence_options *opts,
			    struct pm_evidence **ret) PM_MUST_CHECK;
enum pm_rc pm_evidence_add(struct pm_evidence *e, const struct pm_evidence_item *it) PM_MUST_CHECK;
/* How long the inventory is; and, in an export that goes on, go on with it from this length. */
uint64_t pm_evidence_size(const struct pm_evidence *e);
enum pm_rc pm_evidence_resume(struct pm_evidence *e, uint64_t size) PM_MUST_CHECK;
/*
 * Finish, when all other files are there: the data file is hashed again, PM_EIO when it is no
 * longer the same.
 */
enum pm_rc pm_evidence_finish(struct pm_evidence *e, const char *source,
			      const struct pm_custody *run) PM_MUST_CHECK;
void pm_evidence_free(struct pm_evidence *e);

/* The EDRM message identity hash: MD5 of the message id with its angle brackets, in hex. False:
 * there is no id. */
bool pm_edrm_mih(const char *id, char ret[33]);
/* Append a cell of CSV [RFC 4180]: quoted, and what a spreadsheet would take for a formula gets a
 * ' in front. */
void pm_csv_cell(struct pm_ctx *ctx, struct pm_buf *out, const char *text);

#endif
