/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the files of the evidence package: its state, and what a row of the inventory has.
 *
 * Rows go to inventory.jsonl as items are exported. All other files are made of that one at the end,
 * so that an export that goes on has one file to go on with.
 */
#ifndef PM_EXPORT_EVIDENCE_OUT_H
#define PM_EXPORT_EVIDENCE_OUT_H

#include "export/digest.h"
#include "export/evidence.h"

#include <jansson.h>

/* Columns of the inventory, in the order of the files. */
enum pm_evidence_column {
	PM_EC_NID,
	PM_EC_FOLDER,
	PM_EC_CLASS,
	PM_EC_SUBJECT,
	PM_EC_FROM,
	PM_EC_SENDER,
	PM_EC_TO,
	PM_EC_CC,
	PM_EC_BCC,
	PM_EC_SENT,
	PM_EC_DELIVERED,
	PM_EC_CREATED,
	PM_EC_MODIFIED,
	PM_EC_MESSAGE_ID,
	PM_EC_MIH,
	PM_EC_SIZE,
	PM_EC_FLAGS,
	PM_EC_ATTACHMENTS,
	PM_EC_STATE,
	PM_EC_WHY,
	PM_EC_PROVENANCE,
	PM_EC_PLACED,
	PM_EC_FILE,
	PM_EC_NUMBER,
	PM_EC_AUTHENTICATION,
	PM_EC_DKIM,
	PM_EC_ARC,
	PM_EC_SPF,
	PM_EC_WAS, /* these three of deleted items */
	PM_EC_WAS_IN,
	PM_EC_KNOWN_FROM,
	PM_EC_COLUMNS
};
extern const char *const pm_evidence_columns[PM_EC_COLUMNS];

enum pm_evidence_attachment_column {
	PM_EA_NID,
	PM_EA_INDEX,
	PM_EA_NAME,
	PM_EA_MIME,
	PM_EA_METHOD,
	PM_EA_SIZE,
	PM_EA_FILE, /* where they alone are exported */
	PM_EA_SHA256,
	PM_EA_MD5, /* only where it is asked for */
	PM_EA_COLUMNS
};
extern const char *const pm_evidence_attachment_columns[PM_EA_COLUMNS];

struct pm_evidence {
	struct pm_ctx *ctx;
	struct pm_outdir *dir;
	struct pm_image *source;
	const struct pm_evidence_options *opts;
	struct pm_digest_text before;
	struct pm_output *jsonl;
};

static inline size_t pm_evidence_attachment_n(const struct pm_evidence *e)
{
	return e->opts->md5 ? PM_EA_COLUMNS : PM_EA_COLUMNS - 1;
}

/* A file of the package. */
enum pm_rc pm_evidence_create(struct pm_evidence *e, const char *name,
			      struct pm_output **ret) PM_MUST_CHECK;
/* The whole data file. What can't be read is hashed as zeros; the analysis says where it is. */
enum pm_rc pm_evidence_hash_source(struct pm_evidence *e, struct pm_digest_text *ret) PM_MUST_CHECK;

/* A row of the inventory, read back: NULL where there is nothing. */
struct pm_evidence_row {
	const char *cells[PM_EC_COLUMNS];
	size_t n; /* attachments */
	const char *(*attachments)[PM_EA_COLUMNS];
};
/* Something that is made of all rows. */
typedef enum pm_rc (*pm_evidence_row_fn)(void *arg, const struct pm_evidence_row *row);
enum pm_rc pm_evidence_each(struct pm_evidence *e, pm_evidence_row_fn fn, void *arg) PM_MUST_CHECK;

/* inventory.csv and attachments.csv; inventory.sqlite. */
enum pm_rc pm_evidence_put_csv(struct pm_evidence *e) PM_MUST_CHECK;
enum pm_rc pm_evidence_put_sqlite(struct pm_evidence *e) PM_MUST_CHECK;
/* The load files that were asked for. */
enum pm_rc pm_evidence_put_load_files(struct pm_evidence *e) PM_MUST_CHECK;

#endif
