/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that keep a file sound: entries of trees, space, contents. Each works on a walked
 * file and walks again where it moved something, so that names stay right.
 */
#ifndef PM_TOOLS_EDIT_H
#define PM_TOOLS_EDIT_H

#include "place.h"

/* Take the entry with this key out of its leaf; an emptied page goes, too. */
enum pm_rc pm_edit_drop(struct pm_whole *w, uint8_t ptype, uint64_t key) PM_MUST_CHECK;
/* Put an entry into its leaf, which is split when it is full. `sound`: what it names is right. */
enum pm_rc pm_edit_add(struct pm_whole *w, uint8_t ptype, const struct pm_bt_entry *e,
		       bool sound) PM_MUST_CHECK;

/* Mark the bytes [ib, ib + n) used or free in the allocation map; its checksum and the header's
 * count of free bytes follow. */
enum pm_rc pm_edit_mark(struct pm_whole *w, pm_ib ib, uint64_t n, bool used) PM_MUST_CHECK;
/* A free place for n bytes, taken. */
enum pm_rc pm_edit_alloc(struct pm_whole *w, uint64_t n, unsigned align, pm_ib *ret) PM_MUST_CHECK;

/* Give a block other content (up to a block's maximum), in its own place if it fits there. */
enum pm_rc pm_edit_content(struct pm_whole *w, pm_bid bid, const uint8_t *p,
			   size_t n) PM_MUST_CHECK;
/* A new block, entered into the tree with this reference count. */
enum pm_rc pm_edit_new_block(struct pm_whole *w, bool internal, const uint8_t *p, size_t n,
			     uint16_t cref, pm_bid *ret) PM_MUST_CHECK;
/* Store n bytes as the data of a node: in its own single block, in a new one if others share
 * that or it is to be an internal one. */
enum pm_rc pm_edit_node_data(struct pm_whole *w, pm_nid nid, bool internal, const uint8_t *p,
			     size_t n) PM_MUST_CHECK;
/* An empty leaf, last of its tree, with this key in the page above; there must be one. */
enum pm_rc pm_edit_empty_leaf(struct pm_whole *w, uint8_t ptype, uint64_t key) PM_MUST_CHECK;

/* Count all references anew; drop blocks that nothing refers to, and free their space. */
enum pm_rc pm_edit_settle(struct pm_whole *w) PM_MUST_CHECK;

#endif
