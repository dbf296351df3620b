/* SPDX-License-Identifier: Apache-2.0 */
/* A node database in memory for tests: what builders store is sealed and readable at once. */
#ifndef PM_TEST_MEM_DB_H
#define PM_TEST_MEM_DB_H

#include "pm_test.h"

#include "ndb/tree.h"

struct mem_db {
	struct pm_block_sink sink; /* first, so that the sink is the database */
	struct pm_ctx ctx;
	struct pm_ndb db;
	uint8_t *image;
	size_t used, cap;
	pm_bid next;
	uint64_t puts;
};

void mem_db_open(struct mem_db *m, enum pm_variant variant, enum pm_crypt crypt);
void mem_db_close(struct mem_db *m);
/* A block of these decoded bytes; fails the test when that is not possible. */
pm_bid mem_db_put(struct mem_db *m, bool internal, const void *p, size_t n);
/* Change a block as it is stored: decoded byte `at` becomes `value`. Resealed: its checksum is
 * right afterwards, else it is what it was. */
void mem_db_poke(struct mem_db *m, pm_bid bid, size_t at, uint8_t value, bool reseal);
/* Decoded bytes of a block, to be freed with pm_buf_done. */
struct pm_buf mem_db_read(struct mem_db *m, pm_bid bid);
/* Take a block out of the block table. */
void mem_db_lose(struct mem_db *m, pm_bid bid);
void mem_db_node(struct mem_db *m, pm_nid nid, pm_nid parent, pm_bid data, pm_bid sub);

/* A generator of numbers that are the same on every run. */
uint64_t mem_rnd(uint64_t below);
void mem_rnd_seed(uint64_t seed);

#endif
