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
/* Forget what the walk of one tree gathered. */
void pm_walk_reset(struct pm_analysis *an, uint8_t ptype);
/* After the sweep: are the roots that the first walk used no part of larger trees? */
enum pm_rc pm_roots_hold(struct pm_analysis *an, bool *ret);

/* shift.c: are bytes inserted or removed in the middle? Then an->img is the file put straight,
 * and *ret_done true: all else is to be done again. */
enum pm_rc pm_put_pieces_straight(struct pm_analysis *an, bool *ret_done);
/* Is the file longer or shorter than a sound header says? */
bool pm_length_differs(const struct pm_analysis *an);

/* bits.c: of a page or block in which all but the checksum is right: is it one bit? */
enum pm_rc pm_bit_of_page(struct pm_analysis *an, pm_ib ib, const uint8_t *page) PM_MUST_CHECK;
enum pm_rc pm_bit_of_block(struct pm_analysis *an, const struct pm_block *b,
			   const uint8_t *stored) PM_MUST_CHECK;
/* After a sweep: are there such? Then an->img is the file with them mended, and *ret_done true: all
 * else is to be done again. */
enum pm_rc pm_mend_bits(struct pm_analysis *an, bool *ret_done) PM_MUST_CHECK;
/* At the end: which are in pages of the trees? */
void pm_mark_bits(struct pm_analysis *an);

/* frail.c: a block that the sweep met, with a right trailer, a wrong checksum and no entry. */
enum pm_rc pm_note_frail(struct pm_analysis *an, const struct pm_block *b) PM_MUST_CHECK;
/* When all else is known: those of them that may live become blocks, and references are counted. */
enum pm_rc pm_take_frail(struct pm_analysis *an) PM_MUST_CHECK;

/* Is there a subject or a time in damaged properties? */
struct pm_pc;
enum pm_rc pm_frail_tells(struct pm_pc *pc, bool *ret) PM_MUST_CHECK;

/* sweep.c: the allocation maps, by which it fills maps, allocated and map_known. */
enum pm_rc pm_sweep_maps(struct pm_analysis *an);
/* After that the linear pass: verifies db.blocks, fills facts, found; `holes`: also unexplained. */
enum pm_rc pm_sweep(struct pm_analysis *an, bool holes);

/* The page that the sweep met at this place, or NULL. */
struct pm_page_fact *pm_fact_at(const struct pm_analysis *an, pm_ib ib);
/* Which of these pages do the trees have? */
void pm_mark_in_tree(struct pm_analysis *an);

/* strays.c: do the maps say that nothing is off its place, but for what lies between two of them? */
bool pm_maps_in_place(const struct pm_analysis *an);
/* For the sweep: what is allocated, not covered and not found; an->found by place. */
enum pm_rc pm_note_unexplained(struct pm_analysis *an,
			       const struct pm_rangeset *covered) PM_MUST_CHECK;
/* After the sweep: is there a page off its place, around what nothing explains? */
enum pm_rc pm_find_strays(struct pm_analysis *an, bool *ret) PM_MUST_CHECK;

/* blocks.c: settle the block table from tree entries and facts. */
enum pm_rc pm_settle_blocks(struct pm_analysis *an);
/* Take what leaves of the block tree with a wrong checksum say, where the blocks agree. */
enum pm_rc pm_take_doubtful_blocks(struct pm_analysis *an);
/* Take every found block into the table; the references will tell which of them live. */
enum pm_rc pm_merge_found(struct pm_analysis *an);
/* Verify blocks under their present entries, and see of what kind they are: all of them anew, or
 * what the sweep did not find right. */
enum pm_rc pm_look_at_blocks(struct pm_analysis *an, bool anew);

/* Nothing of the block's trailer is right: what lies there is another's, or nothing says what it is. */
#define PM_BF_GONE (PM_BF_CRC | PM_BF_BID | PM_BF_SIG)
static inline bool pm_block_absent(const struct pm_block *b)
{
	return b->flags & PM_BF_LOST || (b->flags & PM_BF_GONE) == PM_BF_GONE ||
	       (b->flags & (PM_BF_SUSPECT | PM_BF_BID)) == (PM_BF_SUSPECT | PM_BF_BID);
}

/* Sizes of decompressed blocks that the tree has wrong, of blocks with a right checksum. */
enum pm_rc pm_settle_sizes(struct pm_analysis *an) PM_MUST_CHECK;

/* gaps.c: blocks that neither their entry nor their trailer finds, by the room that is left;
 * *ret_any: there were such. */
enum pm_rc pm_find_by_room(struct pm_analysis *an, unsigned round, bool *ret_any) PM_MUST_CHECK;

/* refs.c */
/* Add (up) or take back the references of one node. */
enum pm_rc pm_refs_node(struct pm_analysis *an, const struct pm_node *n, bool up);
/* References that the block tree says the block has and that are not found: the pool of what
 * a node known from elsewhere may own. Blocks known by their trailer alone: whether their
 * space is marked allocated. */
bool pm_refs_wanted(const struct pm_analysis *an, size_t block);
/* A count for each block: references from internal blocks that nobody references. The caller
 * frees it in every case. */
enum pm_rc pm_refs_held(struct pm_analysis *an, uint16_t **ret);
/* Blocks with such references; only known after pm_analysis_count_refs. */
size_t pm_refs_pool(const struct pm_analysis *an);
/* strangers.c: blocks that an internal block names and that are another's: PM_BF_CROWDED. */
enum pm_rc pm_mark_strangers(struct pm_analysis *an) PM_MUST_CHECK;
/* foreign.c: recipients and texts of another message, by what is known of its own: PM_BF_CROWDED. */
enum pm_rc pm_mark_foreign(struct pm_analysis *an) PM_MUST_CHECK;
/* The block of the message's table of recipients, if it can be read and display-to, which is there,
 * names nobody of it; else 0. */
enum pm_rc pm_nobody_shared(struct pm_analysis *an, const struct pm_node *n,
			    pm_bid *ret) PM_MUST_CHECK;

/* order.c: values whose blocks are not in the order in which they were written: an->orders. */
enum pm_rc pm_find_orders(struct pm_analysis *an) PM_MUST_CHECK;

/* nodes.c: settle the node table. */
enum pm_rc pm_settle_nodes(struct pm_analysis *an);
/* Set a node's flags by its blocks and the references to them. */
enum pm_rc pm_judge_node(struct pm_analysis *an, struct pm_node *n);
/* Does the content fit the node's type? Damaged content can't tell: then it does. */
enum pm_rc pm_kind_fits(struct pm_analysis *an, const struct pm_node *n, bool *ret);
/* The node names data that are not its own: it has none any more. What subnodes it has may be
 * its own all the same. */
enum pm_rc pm_disown(struct pm_analysis *an, struct pm_node *n);
/* adopt.c: objects that no node names, where nodes may be missing. */
enum pm_rc pm_adopt_orphans(struct pm_analysis *an);
/* Index of the block in which the data of `bid` begin; SIZE_MAX when it is not to be had. */
enum pm_rc pm_first_leaf(struct pm_analysis *an, pm_bid bid, size_t *ret);
/* Kind of the heap that a node of this nid must carry; PM_BK_NONE: any, or no heap. */
uint16_t pm_nid_kind(pm_nid nid);

size_t pm_block_index(const struct pm_analysis *an, pm_bid bid); /* SIZE_MAX: none */
enum pm_rc pm_note(struct pm_analysis *an, enum pm_note_kind kind, uint64_t key, pm_ib ib,
		   uint64_t have, uint64_t want);
enum pm_rc pm_fact_by_bid(struct pm_analysis *an, uint8_t ptype, pm_bid bid,
			  const struct pm_page_fact **ret) PM_MUST_CHECK;

#endif
