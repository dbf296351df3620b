/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of layer check that look at what nodes hold. */
#ifndef PM_CHECK_CONTENT_H
#define PM_CHECK_CONTENT_H

#include "check/internal.h"
#include "ltp/pc.h"
#include "ltp/tc.h"
#include "msg/message.h"
#include "recover/tables.h"

/*
 * Report on the subject at hand (c->subject): nid, sub, path and cause come from there. The
 * serial, 0 after an error.
 */
uint64_t pm_check_subject(struct pm_checker *c, struct pm_problem *p);
/* What is wrong with these blocks, if something is, is the cause of what follows. */
void pm_subject_cause(struct pm_checker *c, pm_bid bid);

/* Begin with a node: c->subject is new. */
void pm_subject_begin(struct pm_checker *c, pm_nid nid, uint32_t folder, pm_bid data, pm_bid sub);
/* Note that an object is not whole. */
void pm_unwhole_add(struct pm_checker *c, enum pm_object_kind kind, enum pm_object_state state,
		    uint64_t serial);

/* Subnodes that the object has by its nature, whatever refers to them. */
typedef bool (*pm_known_sub_fn)(pm_nid nid);

void pm_check_heap(struct pm_checker *c, struct pm_heap *h, uint8_t client);
/* `state` is what opening gave. */
void pm_check_pc(struct pm_checker *c, struct pm_pc *pc, enum pm_rc state, pm_known_sub_fn known);
void pm_check_tc(struct pm_checker *c, struct pm_tc *tc, enum pm_rc state);

/*
 * plain.c: take down in the subject that a message may not be whole. After its heap was checked; of each
 * property, not inline (`value`) or inline (`number`); of the table of recipients; of each attachment.
 */
void pm_plain_pc(struct pm_checker *c, const struct pm_pc *pc, enum pm_rc state);
void pm_plain_value(struct pm_checker *c, const struct pm_prop *p, const struct pm_value *v);
void pm_plain_number(struct pm_checker *c, const struct pm_prop *p);
void pm_plain_recipients(struct pm_checker *c, const struct pm_sub *s, struct pm_tc *tc,
			 enum pm_rc state);
void pm_plain_attachment(struct pm_checker *c, const struct pm_sub *s, const struct pm_pc *pc,
			 uint32_t method);

/* The columns that a table must have, by property id, 0 at the end. */
void pm_check_columns(struct pm_checker *c, const struct pm_tc *tc, const uint16_t *ids);

void pm_check_names(struct pm_checker *c);
void pm_check_store(struct pm_checker *c);
/* A node that is no folder, no folder's table and no message. */
void pm_check_other(struct pm_checker *c, const struct pm_node *n);
void pm_check_folders(struct pm_checker *c);
/* All that belongs to a search folder. */
void pm_check_search(struct pm_checker *c, pm_nid folder);
/* The lists of the search engine: nodes 1E1, 201, 261. */
void pm_check_search_node(struct pm_checker *c, const struct pm_node *n);

/* What a message's folder wants to know of it. */
struct pm_message_facts {
	bool readable, has_flags;
	uint32_t flags;
};

/* What threads found of a row's message (scout.c). */
struct pm_verdict {
	uint32_t flags; /* of the message, where it has them */
	bool has_flags;
	bool sound; /* nothing to report of message and row, but for infos */
	bool whole; /* nothing is missing either; looked at when the options say so */
	struct {
		uint8_t id, n; /* pm_problem_id, how often; n 0: none */
	} infos[3];
};

/* A checker for a thread of its own: what it tells goes into a sink of its own. */
struct pm_scout {
	struct pm_ctx ctx;
	struct pm_analysis an; /* the file's, but with a reader of our own */
	struct pm_sink sink;   /* to be initialised for each thing that is looked at */
	struct pm_checker c;
};

/* In the thread: `w` is zeroed, or ended. Then its sink and reader are freed. */
void pm_scout_begin(struct pm_scout *w, const struct pm_checker *c);
void pm_scout_end(struct pm_scout *w);
/* After the threads: what it read and spent is the check's. */
void pm_scout_account(struct pm_checker *c, const struct pm_scout *w);

/* Threads for pm_scout_rows, as many as the context allows; c->scouts is NULL when there are none. */
void pm_scouts_open(struct pm_checker *c);
void pm_scouts_close(struct pm_checker *c);
/*
 * Look at the messages that the rows of a folder's table name, which is node `table`. A verdict a row, until the next
 * call; NULL when nobody looked.
 */
const struct pm_verdict *pm_scout_rows(struct pm_checker *c, pm_nid table, uint32_t folder,
				       const struct pm_tc *tc);
/* Is a difference between a row and its object one that sound files don't have? */
bool pm_check_diff_counts(const struct pm_table_diff *d);

/* A message of the folder at hand; compares it with `row` of cmp->tc unless cmp is NULL. */
void pm_check_message(struct pm_checker *c, pm_nid nid, uint32_t folder, struct pm_row_compare *cmp,
		      size_t row, struct pm_message_facts *ret);
/* Give the node flags (PM_NF_SOUND, PM_NF_WHOLE), unless its content is in doubt as a whole. */
void pm_check_set(struct pm_checker *c, pm_nid nid, unsigned int flags);
/* Hand the objects that are not whole to the sink. */
void pm_report_unwhole(struct pm_checker *c);

#endif
