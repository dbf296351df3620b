/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repair: the difference between the file and the intended model, written as a view (append
 * and switch). Block content is never overwritten; changed in place are only map pages,
 * trailers over right content, single bits that a checksum proves wrong, and the header. Stages, in
 * this order:
 *
 *   pm_repair_begin    where new blocks go, which ids they get
 *   pm_repair_bits     bits that checksums prove wrong
 *   pm_repair_blocks   trailers, damaged and misplaced blocks, data and subnode trees
 *   pm_repair_objects  property contexts and tables inside nodes
 *   pm_repair_folders  folder tree, folder tables, counts, mandatory objects
 *   pm_repair_finish   references, both trees, allocation maps, header
 *                      (or pm_repair_compact, which lays all of it out afresh)
 *
 * After that the view is the repaired file; proof and commit are separate.
 */
#ifndef PM_REPAIR_REPAIR_H
#define PM_REPAIR_REPAIR_H

#include "base/bitmap.h"
#include "io/view.h"
#include "ltp/props.h"
#include "ndb/tree.h"
#include "recover/deleted.h"
#include "recover/model.h"

/* What was done, for the report; one row a kind of deed and object. */
enum pm_deed_kind {
	PM_DID_HEADER,       /* header fields set right */
	PM_DID_MAPS,         /* have: map pages written */
	PM_DID_TREE,         /* have: pages written, want: pages kept; key: ptype */
	PM_DID_BIT,          /* wrong bit mended in place; key: bid, have: byte's place, want: it */
	PM_DID_TRAILER,      /* block trailer mended in place; key: bid */
	PM_DID_RELOCATE,     /* block moved; key: bid, have: from, want: to */
	PM_DID_SALVAGE,      /* damaged block copied; key: old bid, have: new bid */
	PM_DID_NODE_TREES,   /* node's data or subnode tree rewritten; key: nid */
	PM_DID_NODE_REBUILT, /* property context or table inside a node rewritten; key: nid */
	PM_DID_NODE_DROPPED, /* key: nid */
	PM_DID_NODE_MADE,    /* mandatory or missing object made; key: nid */
	PM_DID_PARENT,       /* key: nid, have: old parent, want: new */
	PM_DID_TABLE,        /* key: nid; have: rows added, want: rows dropped; cells */
	PM_DID_COUNTS,       /* folder counts; key: nid */
	PM_DID_REFS,         /* have: reference counts corrected */
	PM_DID_SYNTHESIZED,  /* values made for a partial item; key: nid, have: how many */
	PM_DID_MARKED,       /* a partial item says what it lacks; key: nid */
	PM_DID_LEFT_OUT,     /* have: blocks that nothing references, not in a compacted file */
	PM_DID_UNDELETED,    /* have: deleted items that are back */
};

struct pm_deed {
	uint8_t kind; /* pm_deed_kind */
	uint64_t key, have, want;
	uint64_t cells; /* PM_DID_TABLE: cells changed */
};

/* An item, folder, store or map of names that did not come out whole. */
struct pm_casualty {
	pm_nid nid;
	uint32_t folder;     /* index into model->folders, a folder's own; PM_NO_FOLDER: none */
	bool lost;           /* else partial */
	bool deleted;        /* it was deleted before: no loss of this file */
	char *subject;       /* UTF-8 or NULL; in the repair's arena */
	char *reason;        /* likewise; never NULL */
	char *message_class; /* likewise, or NULL */
	uint64_t date;       /* FILETIME of delivery, else of submission; 0: not known */
};

/* A property that a message has lost, from the row in its folder's table. */
struct pm_row_value {
	pm_nid nid; /* of the message */
	uint16_t id, type;
	struct pm_span value; /* in the repair's arena */
};

/* A message or folder that the node tree alone would not have given, in its place. */
struct pm_recovered {
	pm_nid nid;
	uint32_t folder; /* index into model->folders; a folder's own */
	uint8_t origin;  /* pm_origin */
	uint8_t placed;  /* pm_placed */
	char *subject;   /* UTF-8 or NULL; in the repair's arena */
};

/* A value that was made for a damaged message, since that was asked for. */
struct pm_synthesized {
	pm_nid nid;
	uint16_t id;       /* of the property; of recipients, of the list that displays them */
	const char *value; /* UTF-8; in the repair's arena */
	const char *from;  /* what it was made from; static */
};

/* What a deleted item that comes back says of itself. */
struct pm_undeleted {
	const struct pm_deleted_item *item;
	char *subject, *sender, *message_class; /* UTF-8 or NULL; in the repair's arena */
	char *was_in;                           /* path of the folder that it was in, likewise */
	uint64_t date; /* FILETIME of delivery, else of submission; 0: not known */
};

struct pm_repair {
	struct pm_ctx *ctx;
	struct pm_analysis *an; /* an->db is changed as the repair goes on */
	struct pm_model *model;
	const struct pm_format *fmt;
	bool strict;  /* what are matters of form only is mended, too; false unless set */
	bool compact; /* the result is laid out afresh: this view may exceed the format's size */
	bool probing; /* nothing is to be changed or told: pm_repair_probe */
	struct pm_view *view;
	struct pm_block_sink sink; /* new blocks: into the view and an->db.blocks */
	pm_bid next_block, next_page;

	/* Place for what is new: [pos, limit) of interval k; then new intervals. */
	uint64_t pos, limit, k;
	uint64_t intervals; /* of the repaired file */

	struct pm_map mended; /* old bid -> new bid, of data and subnode trees seen (blocks.c) */
	struct pm_map new_blocks; /* bid -> 1 */
	pm_bid zeros;             /* a full block of zeros, 0: none yet */
	uint32_t zeros_used;
	struct pm_map full;     /* old bid -> new bid, of data trees stored in full blocks */
	struct pm_bitmap named; /* ids of named properties that are in use, from 8000 on */
	uint32_t next_unique;   /* dwUnique, also handed out as row versions */
	PM_VEC(struct pm_deed) deeds;
	PM_VEC(struct pm_casualty) casualties;
	PM_VEC(char *) names;  /* of folders whose own is gone or in doubt; in the arena */
	struct pm_map name_of; /* nid of folder -> index */
	PM_VEC(struct pm_recovered) recovered;
	PM_VEC(struct pm_synthesized) synthesized;
	PM_VEC(struct pm_undeleted) undeleted;
	PM_VEC(struct pm_row_value) row_values; /* those of one message side by side */
	struct pm_map row_values_of;            /* nid -> index of the first */
	size_t described;                       /* the first so many have class and date */
	struct pm_map casualty_of;              /* nid -> index */
	struct pm_arena arena;
	uint64_t bytes_in_place; /* changed below the old end of file */
	struct {
		pm_bid bid;
		pm_ib ib;
	} root[2]; /* BBT, NBT */
	uint64_t free_bytes;
};

/* What pm_repair_probe looks at: objects 0 to n-1 of some kind. */
struct pm_repair_probe {
	const char *phase; /* for progress */
	size_t n, chunk;   /* how many there are; that a thread takes at once */
	/* Did the check find object i sound, and is it still as it was? NULL: that tells nothing here. */
	bool (*known)(const struct pm_repair *r, size_t i);
	/* Is object i in order? `probe` may be given to whatever mends it; that fails at its first try
	 * to store or to tell something. */
	bool (*sound)(struct pm_repair *probe, size_t i);
};

/*
 * Look, in several threads, for objects that need no mending: a bit each in *ret, the caller's. Where
 * there are no threads only what is known gets one. PM_OK or an error.
 */
enum pm_rc pm_repair_probe(struct pm_repair *r, const struct pm_repair_probe *what,
			   struct pm_bitmap *ret) PM_MUST_CHECK;
/* Fail: what only a real repair does was about to be done. */
enum pm_rc pm_repair_refuse(struct pm_repair *r);

/* `view` must be over an->img; the repair borrows all three. */
enum pm_rc pm_repair_begin(struct pm_repair *r, struct pm_analysis *an, struct pm_model *m,
			   struct pm_view *view) PM_MUST_CHECK;
/* Look up the names of folders that can't name themselves. While tables are those of the source. */
enum pm_rc pm_repair_names(struct pm_repair *r) PM_MUST_CHECK;
/* List what is recovered, and from what. While objects are those of the source. */
enum pm_rc pm_repair_recovered(struct pm_repair *r) PM_MUST_CHECK;
/* Make and list the deleted items that come back. Likewise. */
enum pm_rc pm_repair_bits(struct pm_repair *r) PM_MUST_CHECK;
enum pm_rc pm_repair_undelete(struct pm_repair *r) PM_MUST_CHECK;
/* Assess all messages: the casualties. Before anything changes. */
enum pm_rc pm_repair_assess(struct pm_repair *r) PM_MUST_CHECK;
/* Look up what the rows of the casualties still say. Likewise. */
enum pm_rc pm_repair_rows(struct pm_repair *r) PM_MUST_CHECK;
/* What was found for one message: their number. */
size_t pm_repair_row_values(const struct pm_repair *r, pm_nid nid, const struct pm_row_value **ret);
/* Set them in the message's properties, and say so in the list of casualties. */
enum pm_rc pm_repair_fill_from_row(struct pm_repair *r, pm_nid nid,
				   struct pm_props *p) PM_MUST_CHECK;
enum pm_rc pm_repair_blocks(struct pm_repair *r) PM_MUST_CHECK;
enum pm_rc pm_repair_objects(struct pm_repair *r) PM_MUST_CHECK;
enum pm_rc pm_repair_folders(struct pm_repair *r) PM_MUST_CHECK;
enum pm_rc pm_repair_finish(struct pm_repair *r) PM_MUST_CHECK;
void pm_repair_done(struct pm_repair *r);

/* Class, date and subject of the casualties that have none yet: of the item, else of its row.
 * To be called while objects and tables are those of the source. */
enum pm_rc pm_repair_describe(struct pm_repair *r) PM_MUST_CHECK;
/* Give every partial item a property named "pstmend-damaged" that says what is missing. Before
 * the last stage. */
enum pm_rc pm_repair_mark(struct pm_repair *r) PM_MUST_CHECK;

/* Make what partial messages have lost of date, subject, sender and recipients from what else they
 * say; each value is added to r->synthesized. Between objects and folders. */
enum pm_rc pm_repair_synthesize(struct pm_repair *r) PM_MUST_CHECK;

/* For the stages. */
enum pm_rc pm_repair_did(struct pm_repair *r, enum pm_deed_kind kind, uint64_t key, uint64_t have,
			 uint64_t want);
/* Record a casualty once a nid; a second reason is added to the first. `subject` may be NULL. */
enum pm_rc pm_repair_casualty(struct pm_repair *r, pm_nid nid, bool lost, const char *subject,
			      const char *fmt, ...) PM_PRINTF(5, 6);
/* An item that was a casualty as lost is there after all, in part. */
void pm_repair_kept(struct pm_repair *r, pm_nid nid);
/* Room for n bytes at a multiple of `align`, inside one interval. */
enum pm_rc pm_repair_place(struct pm_repair *r, uint64_t n, uint64_t align, pm_ib *ret_ib);
/* tables.c: every row says its own id. */
struct pm_table;
struct pm_tc;
enum pm_rc pm_repair_row_ids(struct pm_table *t);
/* With `strict`: does a table lack one of these columns (by id, 0 at the end; NULL: none), or has
 * its heap a short block in the middle? Add the columns, unless they are there. */
bool pm_repair_table_bare(const struct pm_repair *r, const struct pm_tc *tc, const uint16_t *cols);
enum pm_rc pm_repair_table_columns(struct pm_repair *r, struct pm_table *t,
				   const uint16_t *cols) PM_MUST_CHECK;
/* place.c: set up pos, limit, k, intervals. */
enum pm_rc pm_repair_place_begin(struct pm_repair *r);
/* The next place is the first one of interval k. */
void pm_repair_place_from(struct pm_repair *r, uint64_t k);
/* load.c: write one tree over the final tables; sets r->root. */
enum pm_rc pm_repair_load_tree(struct pm_repair *r, uint8_t ptype);
/* maps.c: allocation maps from the final use. */
enum pm_rc pm_repair_maps(struct pm_repair *r);
/* finish.c: the header that names the new trees and maps. */
enum pm_rc pm_repair_write_header(struct pm_repair *r);
/* mandatory.c: store, name map, templates [MS-PST 2.7.1]. */
enum pm_rc pm_repair_mandatory(struct pm_repair *r);
/* search.c: the lists of the search engine; the parts of a search folder. */
enum pm_rc pm_repair_search(struct pm_repair *r);
enum pm_rc pm_repair_search_folder(struct pm_repair *r, pm_nid folder);
/* Criteria that find nothing, in place of lost ones. */
enum pm_rc pm_repair_no_criteria(struct pm_repair *r, pm_nid nid, pm_bid *ret_data,
				 pm_bid *ret_sub);
/* Add or change a node; keeps an->db.nodes in order. */
enum pm_rc pm_repair_set_node(struct pm_repair *r, pm_nid nid, pm_nid parent, pm_bid data,
			      pm_bid sub);
/* Data tree and subnode tree of a node with everything damaged copied, everything lost cut or
 * zero. PM_OK, PM_DAMAGED (content suffered), PM_LOST (nothing left, *ret_bid 0). */
enum pm_rc pm_repair_data(struct pm_repair *r, pm_bid bid, pm_bid *ret_bid);
/* A data tree whose blocks are sound, with all blocks but the last full. */
enum pm_rc pm_repair_full(struct pm_repair *r, pm_bid bid, pm_bid *ret_bid);

#endif
