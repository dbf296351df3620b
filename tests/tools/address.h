/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of the corruption tool: names of places, by the field table and the walk.
 * tests/README.md lists their forms.
 */
#ifndef PM_TOOLS_ADDRESS_H
#define PM_TOOLS_ADDRESS_H

#include "place.h"

#define PM_SEGS_MAX 20

/* One step of an address: name, or name[index]. */
struct pm_seg {
	char name[32];
	bool has_index;
	int64_t index;
};

struct pm_address {
	struct pm_whole *w;
	const char *text;
	struct pm_seg seg[PM_SEGS_MAX];
	unsigned n, i; /* segments, and the one that comes next */
};

/* What `text` means. An error (PM_EUSAGE) says which part of it is not understood. */
enum pm_rc pm_address(struct pm_whole *w, const char *text, struct pm_place *ret) PM_MUST_CHECK;

/* A node or subnode: its blocks, and the entry (NBTENTRY or SLENTRY) that names them. */
struct pm_node_at {
	pm_nid nid;
	pm_bid data, sub;
	bool top; /* a node of the node tree */
	struct pm_place entry;
};

/* node[NID], node[NID].sub[NID] ... */
enum pm_rc pm_address_node(struct pm_whole *w, const char *text,
			   struct pm_node_at *ret) PM_MUST_CHECK;

/* The rest is for the two halves of the resolver. */

/* The next segment if it has this name (NULL: any), else NULL; it is taken. */
const struct pm_seg *pm_address_take(struct pm_address *a, const char *name);
static inline bool pm_address_end(const struct pm_address *a)
{
	return a->i >= a->n;
}
enum pm_rc pm_address_fail(struct pm_address *a, const char *what);

/* A field of `structure` that begins at place `at`: the next segment names it. */
enum pm_rc pm_address_field(struct pm_address *a, const char *structure, struct pm_place *at);
/* `width` bytes `off` further on. */
enum pm_rc pm_address_at(struct pm_address *a, struct pm_place *at, uint64_t off, unsigned width);
/* The decoded content of a block, as a place. */
enum pm_rc pm_address_content(struct pm_address *a, pm_bid bid, struct pm_place *ret);
/* What may follow a block in an address. */
enum pm_rc pm_address_block(struct pm_address *a, pm_bid bid, struct pm_place *ret);

/* What may follow a node in an address: its heap. */
enum pm_rc pm_address_heap(struct pm_address *a, pm_bid data, pm_bid sub, struct pm_place *ret);
bool pm_address_is_heap(const char *name);

#endif
