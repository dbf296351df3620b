/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The independent proof: libpff, which shares no code with us, reads an image (a file, or
 * the view of a repair before anything is written). It runs in a child process with limits
 * of memory and time, cannot write to any file there, and whatever happens to it is a
 * result, never an error of ours.
 */
#ifndef PM_REPAIR_PFF_PROOF_H
#define PM_REPAIR_PFF_PROOF_H

#include "base/bytes.h"
#include "io/image.h"

#define PM_PFF_SAMPLE_DEFAULT 500u
#define PM_PFF_LISTED_MAX     100u /* failures and differences kept; all are counted */

enum pm_pff_mode {
	PM_PFF_NONE,   /* don't run */
	PM_PFF_SAMPLE, /* list every folder, open a sample of what they hold */
	PM_PFF_FULL,   /* open everything */
};

/* What a folder holds by its tables; nid is the folder's node id. `unread_...`: libpff can't read that table, for a
 * reason that we know, and counts nothing. */
struct pm_pff_count {
	uint32_t nid, folders, messages, assoc;
	bool unread_messages, unread_assoc;
};

/* What libpff read of one message or associated item; embedded messages are added in. */
struct pm_pff_item {
	uint32_t nid, folder; /* folder 0: it was asked for by its node id */
	bool assoc, whole;    /* whole: all of it was read */
	uint32_t recipients, attachments;
	uint64_t body, html, rtf, attached; /* bytes read; texts with their final NUL */
};

struct pm_pff_options {
	enum pm_pff_mode mode;
	uint32_t sample; /* items to open, the first, the last and evenly between; 0: 500 */
	/* Node ids of items to open in any case (what a repair touched), ascending. */
	const uint32_t *must;
	size_t n_must;
	/*
	 * Node ids of items that we say are damaged, ascending: what libpff can't read of
	 * these counts as "limited", by the limit named "partial".
	 */
	const uint32_t *partial;
	size_t n_partial;
	/* Blocks of the file are both encoded and compressed: what libpff can't inflate then says nothing,
	 * by the limit named "encoded-zlib". */
	bool encoded_zlib;
	/* What each folder should hold, in any order; NULL: don't compare. */
	const struct pm_pff_count *expect;
	size_t n_expect;
	uint32_t time_s; /* wall time; 0: 5 minutes for a sample, an hour for all */
	uint64_t memory; /* bytes that libpff may take; 0: 1 GiB. No limit under ASan. */
	/* Called for each item that was opened, in the order of opening; may be NULL. */
	void (*item)(void *arg, const struct pm_pff_item *item);
	void *item_arg;
	/* For tests: called in the child before each step. */
	void (*hook)(const char *doing, uint32_t nid);
};

enum pm_pff_end {
	PM_PFF_NOT_RUN, /* not asked for, or no process was to be had: see text */
	PM_PFF_DONE,
	PM_PFF_REFUSED, /* it doesn't open the file */
	PM_PFF_CRASHED,
	PM_PFF_TIMEOUT,
};

struct pm_pff_failure {
	uint32_t nid, folder; /* folder 0: the nid is that of a folder, or 0: the file */
	const char *doing;    /* static: "reading the subject" */
	const char *limit;    /* static: the name of what explains it (see below); or NULL */
	char *text;           /* libpff's words, one line; owned by the result */
};

enum pm_pff_diff_kind {
	PM_PFF_DIFF_UNSEEN,  /* we have the folder, libpff doesn't show it */
	PM_PFF_DIFF_UNKNOWN, /* the reverse */
	PM_PFF_DIFF_FOLDERS, /* the numbers differ */
	PM_PFF_DIFF_MESSAGES,
	PM_PFF_DIFF_ASSOC,
};

struct pm_pff_diff {
	uint32_t nid; /* the folder */
	enum pm_pff_diff_kind kind;
	uint32_t have, want; /* libpff's number, ours; for the last three kinds */
};

/* {0} is the result of nothing. */
struct pm_pff_result {
	enum pm_pff_end end;
	bool listed;         /* all folders were listed: the counts below are complete */
	bool full;           /* all was to be opened */
	bool out_of_memory;  /* at some point it had too little; see the failures */
	int signal;          /* CRASHED: what killed it; 0: it ended without a word */
	const char *version; /* static; libpff's */
	const char *limit;   /* REFUSED: libpff's own limit that explains it, or NULL */
	char text[512];      /* REFUSED, NOT_RUN: why */
	/* CRASHED, TIMEOUT: what it was at. */
	const char *doing;
	uint32_t doing_nid;

	PM_VEC(struct pm_pff_count) folders; /* those inside a folder before it */
	uint64_t n_listed;                   /* messages and associated items in their tables */
	uint64_t n_orphans;                  /* nodes without a parent, by libpff's count */
	uint64_t n_opened;                   /* items tried: whole + limited + failed */
	uint64_t n_whole, n_limited, n_failed;
	uint64_t n_tables_failed, n_tables_limited; /* tables of folders that it didn't read */
	uint64_t bytes;                             /* of bodies and attachments */

	PM_VEC(struct pm_pff_failure) failures; /* those no limit explains come first */
	uint64_t n_failures;
	PM_VEC(struct pm_pff_diff) diffs; /* against options.expect */
	uint64_t n_diffs;

	uint32_t ms;         /* wall time */
	uint64_t peak_bytes; /* the child's resident memory; our own that it shares is in it */
};

enum pm_pff_verdict {
	PM_PFF_NO_PROOF, /* not run, crashed, no time or memory: this says nothing of the file */
	PM_PFF_PROVED,   /* all that was tried was read, and the counts are as expected */
	PM_PFF_LIMITED,  /* the same, but for what libpff can't read for reasons of its own */
	PM_PFF_REFUTED,  /* it refuses the file or part of it, or the counts differ */
};

/*
 * Let libpff read the image. PM_OK with *ret filled, whatever became of libpff (the caller
 * frees it with pm_pff_result_done), PM_ECANCEL when the context's cancel flag was raised, or
 * PM_ENOMEM. No other thread may use the image meanwhile.
 */
enum pm_rc pm_pff_prove(struct pm_ctx *ctx, struct pm_image *img, const struct pm_pff_options *opt,
			struct pm_pff_result *ret) PM_MUST_CHECK;

/*
 * Compare what libpff counted with what should be there; fills diffs and n_diffs anew. Of
 * search folders only the presence counts: libpff doesn't know their contents table.
 * PM_OK; PM_NONE when libpff didn't get through its listing; PM_ENOMEM.
 */
enum pm_rc pm_pff_compare(struct pm_ctx *ctx, struct pm_pff_result *res,
			  const struct pm_pff_count *expect, size_t n_expect);

enum pm_pff_verdict pm_pff_verdict(const struct pm_pff_result *res);

/* The result in one line: "libpff 20180714 reads it: 40 folders, 20000 items listed, ...". */
void pm_pff_describe(struct pm_ctx *ctx, const struct pm_pff_result *res, struct pm_buf *out);
/* A failure, a difference, as a line without an end: "message 0x200024: reading ...". */
void pm_pff_describe_failure(struct pm_ctx *ctx, const struct pm_pff_failure *f,
			     struct pm_buf *out);
void pm_pff_describe_diff(struct pm_ctx *ctx, const struct pm_pff_diff *d, struct pm_buf *out);

/*
 * What explains a failure, and makes it none of the repair: limits of libpff, and damage
 * that we name ourselves. i = 0, 1 ...: name and explanation; NULL ends them.
 */
const char *pm_pff_limit_name(size_t i);
const char *pm_pff_limit_text(size_t i);

void pm_pff_result_done(struct pm_pff_result *res); /* {0} again */

#endif
