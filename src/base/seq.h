/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sorted sequence of fixed-size items, kept in leaves of a few hundred: insertion and
 * removal anywhere cost a search and a short move, appending costs nothing more than the
 * store, and a walk is as fast as over an array. Range sets and views are built on it.
 *
 * The first member of an item is its key, a uint64_t; keys are unique and ascending (the
 * caller sees to that). Items move when the sequence changes.
 */
#ifndef PM_BASE_SEQ_H
#define PM_BASE_SEQ_H

#include "base/mem.h"

struct pm_seq_leaf {
	uint64_t first; /* key of the first item, so that a search stays in this array */
	uint8_t *v;
	uint32_t n, cap; /* n is never 0 */
};

struct pm_seq {
	struct pm_seq_leaf *leaf;
	size_t n_leaf, cap_leaf;
	size_t item; /* bytes of an item */
	uint64_t n;  /* items */
};

/* A place in the sequence: an item, or the end. Any change makes other places invalid. */
struct pm_seq_pos {
	size_t leaf;
	uint32_t i;
};

/* Nothing is allocated before the first insertion. */
void pm_seq_init(struct pm_seq *s, size_t item);
void pm_seq_done(struct pm_seq *s); /* empty, and usable again */

/* The last item with a key <= key; false (and the first item, or the end) if there is none. */
bool pm_seq_find(const struct pm_seq *s, uint64_t key, struct pm_seq_pos *ret_pos);

/* Insert a copy of *item before pos, which then names the new item. PM_OK or PM_ENOMEM. */
enum pm_rc pm_seq_insert(struct pm_ctx *ctx, struct pm_seq *s, struct pm_seq_pos *pos,
			 const void *item);
/* Remove `count` items from pos on; pos then names what followed them. */
void pm_seq_erase(struct pm_seq *s, struct pm_seq_pos *pos, uint64_t count);

/* The item at pos; NULL at the end. */
static inline void *pm_seq_at(const struct pm_seq *s, struct pm_seq_pos pos)
{
	return pos.leaf < s->n_leaf ? s->leaf[pos.leaf].v + pos.i * s->item : NULL;
}

static inline struct pm_seq_pos pm_seq_next(const struct pm_seq *s, struct pm_seq_pos pos)
{
	if (pos.leaf < s->n_leaf && ++pos.i == s->leaf[pos.leaf].n) {
		pos.leaf++;
		pos.i = 0;
	}
	return pos;
}

/* Change the key of the item at pos (its place in the order must stay right). */
void pm_seq_rekey(struct pm_seq *s, struct pm_seq_pos pos, uint64_t key);

#endif
