/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which item is which: digests of what stays the same in an item, however often it is saved,
 * moved or flagged. Between the files that look for deleted mail.
 */
#ifndef PM_RECOVER_KNOWN_H
#define PM_RECOVER_KNOWN_H

#include "base/map.h"
#include "ltp/pc.h"
#include "ltp/tc.h"
#include "recover/analysis.h"

/* Digests; 0: it doesn't say. */
struct pm_ident {
	uint64_t search;  /* its search key, */
	uint64_t titled;  /* with its subject, */
	uint64_t created; /* with the time of its creation */
	uint64_t mail;    /* internet message id, dates, class, people, subject */
	uint64_t row;     /* what a row has of that: dates, subject */
	uint64_t subject; /* its beginning, without case */
	uint64_t born;    /* no digest: the time of its creation */
};

enum pm_rc pm_ident_of_pc(struct pm_pc *pc, struct pm_ident *ret) PM_MUST_CHECK;
/* Of a row only `row` and `subject`. */
enum pm_rc pm_ident_of_row(struct pm_tc *tc, size_t row, struct pm_ident *ret) PM_MUST_CHECK;

/* Items by what they are known by -> the number of the first one. {0} is none. */
struct pm_known {
	struct pm_map search; /* both with the search key */
	struct pm_map mail, row;
};

enum pm_rc pm_known_add(struct pm_ctx *ctx, struct pm_known *k, const struct pm_ident *id,
			uint64_t number) PM_MUST_CHECK;
/* The same item: by its search key and its subject or creation, else by dates, subject and people.
 * Its number, or UINT64_MAX. */
uint64_t pm_known_find(const struct pm_known *k, const struct pm_ident *id);
void pm_known_done(struct pm_known *k);

/* All items that live; those within others apart: what was forwarded and then deleted is deleted. */
enum pm_rc pm_known_living(struct pm_analysis *an, struct pm_known *k,
			   struct pm_known *inner) PM_MUST_CHECK;

#endif
