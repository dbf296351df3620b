/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the two sides of the proof: what the child sends, and the page that both see.
 * Both sides are one program, so records travel as they lie in memory; the parent checks
 * lengths and ranges all the same, since a child that went wrong may send anything.
 */
#ifndef PM_REPAIR_PFF_INTERNAL_H
#define PM_REPAIR_PFF_INTERNAL_H

#include "repair/pff_proof.h"

enum pff_record_kind {
	PFF_RECORD_REFUSED, /* struct pff_failure_record: the file doesn't open */
	PFF_RECORD_FOLDER,  /* struct pm_pff_count */
	PFF_RECORD_LISTED,  /* struct pff_listed_record: all folders have been sent */
	PFF_RECORD_ITEM,    /* struct pm_pff_item */
	PFF_RECORD_FAILURE, /* struct pff_failure_record */
	PFF_RECORD_END,     /* struct pff_end_record */
};

struct pff_record_head {
	uint32_t kind;
	uint32_t n; /* bytes that follow; at most PFF_RECORD_MAX */
};

#define PFF_RECORD_MAX 1024u
#define PFF_NO_LIMIT   UINT32_MAX

struct pff_failure_record {
	uint32_t nid, folder;
	uint32_t step;  /* enum pff_step */
	uint32_t limit; /* index into the table of limits, or PFF_NO_LIMIT */
	char text[512]; /* libpff's words with a NUL */
};

struct pff_listed_record {
	uint64_t n_items, n_orphans, n_tables_failed, n_tables_limited;
};

struct pff_end_record {
	uint64_t n_whole, n_limited, n_failed, bytes;
};

/* X(name, what the text says) */
#define PFF_STEPS(X)                                                                               \
	X(STARTING, "starting")                                                                    \
	X(OPENING, "opening the file")                                                             \
	X(ORPHANS, "counting orphans")                                                             \
	X(FOLDER, "reading the folder")                                                            \
	X(NAME, "reading its name")                                                                \
	X(FOLDERS, "listing the folders in it")                                                    \
	X(MESSAGES, "listing its messages")                                                        \
	X(ASSOC, "listing its associated items")                                                   \
	X(ROW, "finding the item of a row")                                                        \
	X(ITEM, "opening it")                                                                      \
	X(SUBJECT, "reading the subject")                                                          \
	X(SENDER, "reading the sender")                                                            \
	X(BODY, "reading the plain text")                                                          \
	X(HTML, "reading the HTML")                                                                \
	X(RTF, "reading the RTF")                                                                  \
	X(RECIPIENTS, "reading the recipients")                                                    \
	X(ATTACHMENTS, "listing the attachments")                                                  \
	X(ATTACHMENT, "reading an attachment")                                                     \
	X(EMBEDDED, "opening an embedded message")

enum pff_step {
#define X(name, text) PFF_##name,
	PFF_STEPS(X)
#undef X
		PFF_N_STEPS
};

/* What the child is at; the parent reads it for progress, and when the child is dead. */
struct pff_page {
	volatile uint32_t step, nid;
	volatile uint64_t done, total; /* items opened and to be opened; total 0: still listing */
};

/* The child's side: reads all and sends what it finds. Returns when done; never fails. */
void pm_pff_child(struct pm_image *img, const struct pm_pff_options *opt, int fd,
		  struct pff_page *page);

const char *pm_pff_step_text(uint32_t step);

/* The limit of libpff that explains its error text; PFF_NO_LIMIT if none does. */
uint32_t pm_pff_limit_of(const char *text);
/* The ones that are not told by words: memory ran out; the item is known to be damaged. */
uint32_t pm_pff_limit_memory(void);
uint32_t pm_pff_limit_partial(void);
uint32_t pm_pff_limit_encoded_zlib(void);

#endif
