/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that live and that no node names: what a lost part of the node tree leaves behind.
 * Between orphans.c (which there are, which subnodes are theirs), owners.c (which tables they
 * are) and adopt.c (which node each of them is).
 */
#ifndef PM_RECOVER_ORPHANS_H
#define PM_RECOVER_ORPHANS_H

#include "base/map.h"
#include "ltp/tc.h"
#include "recover/internal.h"

enum pm_orphan_kind {
	PM_OR_OTHER,
	PM_OR_STORE,
	PM_OR_NAMES,
	PM_OR_FOLDER,
	PM_OR_MESSAGE,
	PM_OR_ASSOC,
	PM_OR_ATTACHMENT,
	PM_OR_HIERARCHY,
	PM_OR_CONTENTS,
	PM_OR_ASSOC_CONTENTS,
};

#define PM_OR_NO_NODE SIZE_MAX

/* A context by its data tree. */
struct pm_orphan {
	pm_bid data, sub;
	pm_nid nid, parent; /* 0: not known (yet) */
	size_t node;   /* in db.nodes, of one whose data are right and whose subnodes are not */
	size_t from;   /* in db.nodes, of the one that it was taken from as doubtful */
	pm_bid had;    /* the subnodes that it had in its node, where a younger one may have them */
	pm_nid left;   /* of the node that it was taken from with its subnodes, 0: none */
	uint64_t need; /* digest of the subnodes that its values lie in; 0: none */
	uint64_t to;   /* digest of its display-to; 0: none */
	uint64_t cc, bcc;         /* digests of its display-cc and display-bcc; 0: none */
	uint64_t search;          /* digest of its search key; 0: none */
	uint64_t name;            /* digest of its display name; 0: none */
	pm_nid matrix;            /* of a table: the subnode of its rows, 0: in the heap */
	uint8_t kind;             /* pm_orphan_kind */
	bool attach;              /* it says that it has attachments */
	bool to_elsewhere;        /* its display-to lies in a subnode, and is not known */
	bool cc_known, bcc_known; /* these could be read, or it has none */
	bool certain; /* lives by the block tree or a sound map, not only for want of them */
	bool mapped;  /* by the map alone, which knows blocks of older generations as well */
	bool damaged; /* a part of the context is lost, and with it perhaps what it needs, */
	bool tells;   /* but not its subject, or not its time */
	bool unsound; /* properties are broken, under whatever checksum: what they need is not known */
	bool freed; /* the leaf of the block tree that would have it is there, and has not */
	bool folder_made_up; /* a table whose folder is not known: it has got one of its own */
	bool placed;         /* it is known which node it is, or that it is none */
};

/* A subnode tree by its root. */
struct pm_orphan_sub {
	pm_bid bid;
	size_t node;  /* in db.nodes, of one whose subnodes are right and whose data are not */
	uint64_t has; /* digest of its LTP subnodes */
	uint64_t to, cc, bcc; /* digests of the names of its recipients, by their type */
	bool recipients, attach;
	bool whole; /* the table of recipients is without fault */
	bool taken;
};

struct pm_orphans {
	struct pm_analysis *an;
	PM_VEC(struct pm_orphan) v;        /* ascending by data */
	PM_VEC(struct pm_orphan_sub) subs; /* ascending by bid */
	PM_VEC(struct pm_node) made;       /* nodes that are to be new */
	bool counts_wrong;                 /* blocks in use say that nobody refers to them */
	bool rows_missing;                 /* a folder has items and no table that lists them */
	bool vacant;                       /* a row's item is not there */
	/* Messages of which display-to (-cc, -bcc) is just the names of their recipients, and others. */
	size_t to_same, to_other, cc_same, cc_other, bcc_same, bcc_other;
	struct pm_rangeset told; /* ids of blocks that leaves which are there decide on */
	struct pm_map doubtful;  /* data that were taken from their node as doubtful */
	struct pm_map doubled;   /* nids of which the node tree has several entries */
	struct pm_map named;     /* nid -> data that its entry named, and that were not its own */
};

/* doubts.c: take from nodes what is plainly not theirs; what is doubtful becomes an orphan. */
enum pm_rc pm_orphans_doubt(struct pm_orphans *o) PM_MUST_CHECK;
/* The same with folders of which their row in the parent's table says something else, their name at
 * least; once it is known whose tables the orphans among these are. */
enum pm_rc pm_orphans_doubt_folders(struct pm_orphans *o) PM_MUST_CHECK;

/* orphans.c: which ids do leaves of the block tree decide on? Fills `told`. */
enum pm_rc pm_orphans_told(struct pm_orphans *o) PM_MUST_CHECK;
/* Has the block tree given up this block? Not if the leaf that would have it is lost. */
bool pm_orphans_given_up(const struct pm_orphans *o, pm_bid bid);
/* orphans.c: kind and digests of a context (PM_BK_PC or _TC), of a subnode tree. */
enum pm_rc pm_orphan_look(struct pm_orphans *o, struct pm_orphan *x, uint16_t kind) PM_MUST_CHECK;
enum pm_rc pm_orphan_look_at_subs(struct pm_orphans *o, struct pm_orphan_sub *s) PM_MUST_CHECK;
/* Count the names in a context and the subnodes that are its own. */
void pm_orphans_see_names(struct pm_orphans *o, const struct pm_orphan *x,
			  const struct pm_orphan_sub *s);
/* Add the context in this block, the subnode tree at this root. */
enum pm_rc pm_orphan_add(struct pm_orphans *o, size_t block, uint16_t kind, size_t node,
			 size_t from) PM_MUST_CHECK;
enum pm_rc pm_orphan_add_subs(struct pm_orphans *o, pm_bid bid, size_t node) PM_MUST_CHECK;
/* Gather what the pool holds, tell its kinds, join contexts and subnode trees. */
enum pm_rc pm_orphans_gather(struct pm_orphans *o) PM_MUST_CHECK;
void pm_orphans_close(struct pm_orphans *o);

/* What the row of a node that is there says of it. */
enum pm_row_word { PM_ROW_CONTRADICTS, PM_ROW_DESCRIBES };

/* The words of the rows of such tables, by nid: on folders; on items by a page with a wrong checksum,
 * or with a `step` on one of so many of all items. */
enum pm_rc pm_orphans_described(struct pm_orphans *o, enum pm_orphan_kind kind, unsigned table_type,
				size_t step, struct pm_map *ret) PM_MUST_CHECK;
/* rows.c: the ids of all rows of tables of this type, and in which folder. */
enum pm_rc pm_orphans_listed(struct pm_orphans *o, unsigned table_type,
			     struct pm_map *ret) PM_MUST_CHECK;

/* owners.c: give the tables among them the nids of their folders' tables; folders theirs. */
enum pm_rc pm_orphans_own(struct pm_orphans *o) PM_MUST_CHECK;
/* The folder that most of the objects which a table lists name as their parent, 0: nobody does. A word
 * for its `own` folder, if there is one, counts twice. */
enum pm_rc pm_orphans_parent(struct pm_orphans *o, const struct pm_tc *tc, pm_nid own,
			     pm_nid *ret) PM_MUST_CHECK;

/* rows.c: objects of this kind are what the rows of tables of this node type describe. Gives
 * them nid and parent. */
enum pm_rc pm_orphans_by_rows(struct pm_orphans *o, enum pm_orphan_kind kind,
			      unsigned table_type) PM_MUST_CHECK;

/* How far the ids of contexts and their subnodes are apart: a writer gives them out in one order. */
struct pm_distances {
	struct pm_map votes; /* by distance */
	int64_t usual;       /* id of the subnodes less that of the data, as most have it */
	uint64_t most;       /* so many */
	uint64_t total;
	uint64_t below; /* of these, in which the subnodes have the lower id */
};

/* orphans.c: count the distance of a pair; of ids too far apart it tells nothing. */
enum pm_rc pm_distances_add(struct pm_ctx *ctx, struct pm_distances *d, pm_bid data,
			    pm_bid sub) PM_MUST_CHECK;
/* Have enough the usual one, and is no other nearly as frequent? */
bool pm_distances_stand_out(const struct pm_distances *d);

/* Mixes 64 bits into 64. */
static inline uint64_t pm_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xBF58476D1CE4E5B9u;
	x ^= x >> 27;
	x *= 0x94D049BB133111EBu;
	return x ^ x >> 31;
}

uint64_t pm_digest(uint64_t seed, const uint8_t *p, size_t n);

#endif
