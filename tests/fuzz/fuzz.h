/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz targets: functions that take any bytes. libfuzzer.c makes one of them a libFuzzer
 * program (make fuzz), replay.c runs stored inputs through all of them (make check). What an
 * input breaks shows as a crash, a sanitizer's report, a leak, or an abort by must().
 */
#ifndef PM_FUZZ_H
#define PM_FUZZ_H

#include "ndb/tree.h"

/* All targets, in the order of the layers. */
#define PM_FUZZ_TARGETS(X)                                                                         \
	X(rtf_lz)                                                                                  \
	X(text)                                                                                    \
	X(page)                                                                                    \
	X(block)                                                                                   \
	X(tree)                                                                                    \
	X(heap)                                                                                    \
	X(pc)                                                                                      \
	X(tc)                                                                                      \
	X(names)                                                                                   \
	X(message)                                                                                 \
	X(rtf_html)                                                                                \
	X(whole_analysis)                                                                          \
	X(whole_check)                                                                             \
	X(whole_repair)                                                                            \
	X(whole_undelete)                                                                          \
	X(whole_export)                                                                            \
	X(whole_show)

#define PM_FUZZ_DECLARE(name) int pm_fuzz_##name(const uint8_t *p, size_t n);
PM_FUZZ_TARGETS(PM_FUZZ_DECLARE)

/* A property that holds for every input: ends the process when it doesn't. */
#define must(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			pm_fuzz_broken(__FILE__, __LINE__, #what);                                 \
	} while (0)
void pm_fuzz_broken(const char *file, int line, const char *what) __attribute__((noreturn));
/* The operation ended well, with damage, or in an error that the context has. */
void pm_fuzz_result(const struct pm_ctx *ctx, enum pm_rc rc);

/*
 * A node database made of an input, for what reads nodes. The input: variant (low 2 bits) and
 * encoding (next 2) in one byte, data bid, subnode bid (2 bytes each), then blocks: bid,
 * length, bytes. All are sealed but those with bit 0 of the bid set. It stores new blocks, too.
 */
struct pm_fuzz_db {
	struct pm_block_sink sink; /* first: the sink is the database */
	struct pm_ctx ctx;
	struct pm_ndb db;
	struct pm_buf image;
	pm_bid data, sub, next;
};

#define PM_FUZZ_NID 0x200024 /* the node of data and sub; the store and the name map are it, too */

/* False when the input is too short to say anything. Close it then, too. */
bool pm_fuzz_db_open(struct pm_fuzz_db *d, const uint8_t *p, size_t n);
void pm_fuzz_db_close(struct pm_fuzz_db *d);
/* Append the input that makes a node of an open database: its blocks, as far as they go. */
enum pm_rc pm_fuzz_db_write(const struct pm_ndb *db, pm_bid data, pm_bid sub,
			    struct pm_buf *out) PM_MUST_CHECK;

/* Touch each byte, so that a sanitizer sees what can't be read. */
void pm_fuzz_touch(const void *p, size_t n);

#endif
