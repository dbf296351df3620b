/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of layer recover. */
#ifndef PM_RECOVER_INTERNAL_H
#define PM_RECOVER_INTERNAL_H

#include "recover/analysis.h"

/* identify.c: format, header, shift; sets an->db.fmt, an->db.crypt, an->header. */
enum pm_rc pm_identify(struct pm_analysis *an);
/* Correct an->db.crypt by what the live blocks decode to. */
enum pm_rc pm_identify_crypt(struct pm_analysis *an);

/* walk.c: walk one tree from the root that the header names (or, when it is rejected, from
 * the leaves), with the facts known so far. Appends to an->pages, an->lost and the entries to
 * db.blocks or db.nodes. *ret_clean false when anything about the tree was wrong. */
enum pm_rc pm_walk_tree(struct pm_analysis *an, uint8_t ptype, bool *ret_clean);
/* Entries of a leaf page taken one by one. */
typedef enum pm_rc (*pm_entry_fn)(void *arg, const struct pm_bt_entry *e);
enum pm_rc pm_walk_leaf(struct pm_analysis *an, pm_ib ib, uint8_t ptype, bool beyond,
			pm_entry_fn fn, void *arg);
/* Forget everything the walks gathered. */
void pm_walk_reset(struct pm_analysis *an);

/* sweep.c: the linear pass: verifies db.blocks, fills facts, found, maps, allocated. */
enum pm_rc pm_sweep(struct pm_analysis *an);

/* blocks.c: settle the block table from tree entries and facts. */
enum pm_rc pm_settle_blocks(struct pm_analysis *an);
/* Verify the blocks that the sweep did not see under their final entry; fill an->kind. */
enum pm_rc pm_verify_rest(struct pm_analysis *an);
/* Add the facts that `bid` needs; true when it is in the table afterwards. */

/* nodes.c: settle the node table. */
enum pm_rc pm_settle_nodes(struct pm_analysis *an);
/* refs.c: count references from live nodes and internal blocks; adds needed facts. */
enum pm_rc pm_count_refs(struct pm_analysis *an);
/* Add (sign 1) or take back (-1) the references of one node. */
enum pm_rc pm_refs_node(struct pm_analysis *an, const struct pm_node *n, int sign);
/* All blocks of the node exist and none is referenced more often than its count allows. */
bool pm_refs_free(struct pm_analysis *an, const struct pm_node *n, enum pm_rc *ret_rc);

/* Client signature that a node of this nid must carry; 0: any, or no heap. */
uint8_t pm_nid_heap_kind(pm_nid nid);
size_t pm_block_index(const struct pm_analysis *an, pm_bid bid); /* SIZE_MAX: none */
enum pm_rc pm_note(struct pm_analysis *an, enum pm_note_kind kind, uint64_t key, pm_ib ib,
		   uint64_t have, uint64_t want);
const struct pm_page_fact *pm_fact_by_bid(const struct pm_analysis *an, uint8_t ptype, pm_bid bid);

#endif
