/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one analysis that check, export and repair share: bytes -> facts -> live blocks and
 * nodes. It decides what the file was meant to hold (an->db) and keeps what it met on the
 * way, so that check can say what differs and repair can write the difference.
 *
 * Facts are graded. A: type, signature and checksum right. B: checksum right, signature,
 * type or place wrong. C: referenced or shaped like a page, checksum wrong; its entries are
 * accepted one by one.
 */
#ifndef PM_RECOVER_ANALYSIS_H
#define PM_RECOVER_ANALYSIS_H

#include "base/map.h"
#include "ndb/header.h"
#include "ndb/ndb.h"
#include "ndb/page.h"

enum pm_grade { PM_GRADE_LOST, PM_GRADE_C, PM_GRADE_B, PM_GRADE_A };

/* A page that a tree names, in the order of the walk: parents before children. */
struct pm_tree_page {
	pm_ib ib;        /* where its content was taken from */
	pm_ib named;     /* where its parent says that it is */
	pm_bid bid;      /* the id that its parent names */
	uint64_t lo, hi; /* keys that its parent gives it: lo <= key < hi */
	uint64_t key;    /* of its parent's entry; the root's: 0 */
	uint32_t bad;    /* pm_page_rule, of the page at `named` */
	uint8_t ptype, level, grade;
	bool elsewhere; /* found by its id at another place than named */
};

/* Keys whose live leaf is lost. */
struct pm_key_range {
	uint64_t lo, hi;
	pm_ib ib; /* where the page was looked for, 0: nowhere */
	uint8_t ptype;
};

/* A B-tree page met by the sweep, checksum right. */
struct pm_page_fact {
	pm_ib ib;
	uint64_t bid;
	uint64_t first, last; /* keys */
	uint8_t ptype, level;
	bool sig;       /* signature right for this place */
	bool allocated; /* marked in a sound AMap; the live generation's pages are */
	bool in_tree;
};

/* A fixed map page [MS-PST 2.2.2.7.2 to .6]. */
struct pm_map_page {
	pm_ib ib;
	uint32_t k;          /* interval */
	uint32_t bad;        /* pm_page_rule */
	uint32_t free_units; /* AMap: zero bits */
	uint8_t ptype;
};

/* Decisions about entries, for the report. */
enum pm_note_kind {
	PM_NOTE_BLOCK_MOVED,   /* entry named a wrong place or size; found by its trailer */
	PM_NOTE_BLOCK_DOUBLE,  /* two entries for one id: the verified one was kept */
	PM_NOTE_BLOCK_RANGE,   /* entry with an impossible id, size or place: dropped */
	PM_NOTE_BLOCK_FOUND,   /* needed, not in the block tree; found by its trailer */
	PM_NOTE_NODE_DOUBLE,   /* two entries for one nid */
	PM_NOTE_NODE_RANGE,    /* impossible nid or key outside its page: dropped */
	PM_NOTE_NODE_REPLACED, /* entry did not fit its content; an older leaf's was taken */
	PM_NOTE_NODE_FOUND,    /* key of a lost leaf, taken from another leaf */
	PM_NOTE_NODE_UNFIT,    /* entry names a block that is not of its kind, or is another's */
	PM_NOTE_NODE_DISOWNED, /* named another node's data; have, want: data, sub: taken from it */
	PM_NOTE_NODE_CONTENT,  /* no node named it: known by content alone; have, want: data, sub */
	PM_NOTE_LEAF_USED,     /* ib: a leaf outside the tree that was used */
};

struct pm_note {
	uint64_t key; /* bid or nid */
	pm_ib ib;     /* page or block it came from */
	uint64_t have, want;
	uint8_t kind; /* pm_note_kind */
};

/* From the logical offset `from` on, content stands `shift` bytes behind (before) its place. */
struct pm_piece {
	uint64_t from;
	int64_t shift;
};

/* A bit that a checksum proves wrong, of the page or block at `ib`. */
struct pm_bit {
	uint64_t at; /* of its byte */
	pm_ib ib;
	pm_bid bid;
	uint8_t ptype; /* 0: a block */
	bool found;    /* of a block: no tree names it */
	bool in_tree;  /* of a page: a tree does */
	uint8_t was, is;
};

#define PM_MISSING_PART ((uint64_t)1 << 63)
#define PM_MISSING_SUB  ((uint64_t)1 << 62)

/* How the format was recognised. */
enum pm_identified { PM_ID_HEADER, PM_ID_EVIDENCE };

struct pm_analysis {
	struct pm_ctx *ctx;
	struct pm_image *img;      /* the file */
	struct pm_image *straight; /* the file put straight when shifted: owned, else NULL */
	struct pm_image *under;    /* what that one lies over, when the file was shifted twice */
	struct pm_image *mended;   /* over those, with `bits` mended: owned, else NULL */
	int64_t shift;             /* bytes in front of the header that do not belong to the file */
	PM_VEC(struct pm_piece) pieces; /* where bytes were inserted or removed, ascending */
	PM_VEC(struct pm_bit) bits;     /* ascending; mended, where there is such an image */
	/* Of all pages and blocks with a wrong checksum under a right trailer; of those by `found`. */
	uint64_t bits_tried[2];
	struct pm_ndb db; /* live blocks and nodes: the intended model */
	enum pm_identified identified;
	struct pm_header header; /* as it stands in the file */
	uint32_t header_bad;     /* pm_header_rule */
	bool crypt_guessed;      /* bCryptMethod decided by evidence, against the header */

	PM_VEC(struct pm_tree_page) pages;
	PM_VEC(struct pm_tree_page)
	given_up; /* faulty pages of walks from a root that led nowhere */
	PM_VEC(struct pm_key_range) lost;
	bool assembled[2]; /* BBT, NBT: put together from leaves; gaps between them count as lost */
	bool root_rejected[2]; /* BBT, NBT: the header's root is not the root of the live tree */
	PM_VEC(struct pm_page_fact)
	facts;                         /* all B-tree pages that the sweep met, by ascending ib */
	struct pm_map fact_map;        /* bid << 1 | (ptype is NBT) -> index into facts */
	PM_VEC(struct pm_block) found; /* checksum-right blocks outside the block tree, by bid */
	PM_VEC(struct pm_block)
	frail; /* there, too: the trailer is right, the checksum is not; by ib */
	PM_VEC(struct pm_map_page) maps; /* by ascending ib */
	struct pm_rangeset allocated;    /* by the sound AMaps */
	struct pm_rangeset map_known;    /* intervals whose AMap is sound */
	struct pm_rangeset map_doubted;  /* but calls much free that is in use */
	struct pm_rangeset
		unexplained; /* allocated, and the sweep knows nothing there; on request */
	PM_VEC(struct pm_note) notes;
	PM_VEC(struct pm_node) doubles; /* further entries of a nid that is taken: still content */

	/* Parallel to db.blocks. */
	uint16_t *
		refs; /* references from live nodes and internal blocks; the most there can be: or more */
	struct pm_map orphans; /* internal blocks that nobody references, counted themselves */

	struct pm_map orders; /* values with their blocks in a wrong order: root -> pm_order */

	pm_bid max_bid;  /* highest block id in any checksum-right structure, below pm_id_limit */
	pm_bid max_page; /* highest page id likewise */
	uint32_t embedded_index; /* the highest of the nids of messages in attachments */
	uint64_t dangling;       /* references to blocks that are nowhere */
	/* Their ids, as of pm_analysis_count_refs -> nid whose data they are, PM_MISSING_SUB | nid
	 * whose subnodes, or PM_MISSING_PART | id of the internal block that lists them. */
	struct pm_map absent; /* likewise, of those that are not where their entries say */
	struct pm_map missing;
	bool swept;
	bool adopted;      /* what no node names was looked at */
	size_t unindexed;  /* then: items, folders and attachments that stay without a node */
	bool accepted;     /* both trees sound: nothing outside them was used */
	bool blocks_sound; /* by the check: nothing to report of blocks, internal ones, references */
	bool dead;         /* not the file's, but that of what is dead: pm_deleted_find */
	struct pm_deleted *deleted; /* deleted mail (deleted.h); NULL: nobody asked for it */
};

struct pm_analysis_options {
	bool quick; /* no sweep unless the trees need it: blocks are then not verified */
	bool bare;  /* with quick: references aren't counted either; allocation maps are read */
	/* Called when it is known that the trees are not whole, before the file is read through; maybe
	 * more than once. NULL: nobody wants to know. */
	void (*broken)(void *arg);
	void *arg;
};

/*
 * Analyse. PM_OK; recorded: PM_EUNSUP when it is no PST (empty, foreign, protected content),
 * PM_EGONE when nothing of one is left (overwritten). `img` stays the caller's and must outlive *ret.
 */
enum pm_rc pm_analysis_open(struct pm_ctx *ctx, struct pm_image *img,
			    const struct pm_analysis_options *opt,
			    struct pm_analysis **ret) PM_MUST_CHECK;
void pm_analysis_close(struct pm_analysis *an);

/* Is the page or block in use? What nothing uses any more may be as it is. */
bool pm_bit_in_use(const struct pm_analysis *an, const struct pm_bit *x);
/* How many such bits the model owes to their checksums. */
size_t pm_analysis_mended_bits(const struct pm_analysis *an);

/* What is known of a node, in struct pm_node.flags. */
enum pm_node_flag {
	PM_NF_UNFIT = 1 << 0,    /* its data are not of its kind, or another node's */
	PM_NF_DANGLING = 1 << 1, /* names a block that is nowhere */
	PM_NF_VACATED = 1 << 2,  /* within pm_adopt_orphans: its content has another nid */
	/* The check looked at all of the item, its row included, and found nothing but what sound
	 * files have; of a folder: at its tables, too. Whoever changes the node takes it away. */
	PM_NF_SOUND = 1 << 3,
	/* The check was asked to assess messages, and nothing is wrong with or missing from this one.
	 * Goes with the other. */
	PM_NF_WHOLE = 1 << 4,
};

/* Why the content of a node is in doubt as a whole, as the end of a sentence; NULL: it is not. */
const char *pm_node_doubt(const struct pm_node *n);

/* Count references anew into an->refs, from nodes, and from internal blocks that nobody
 * references and whose count says so. */
enum pm_rc pm_analysis_count_refs(struct pm_analysis *an) PM_MUST_CHECK;

/* Does the node hold a table, so that its subnodes are rows and cells? What can't be told, since its data
 * are damaged, is none. */
enum pm_rc pm_node_is_table(struct pm_analysis *an, const struct pm_node *n,
			    bool *ret) PM_MUST_CHECK;

/* Put db.nodes in order after something was appended; doubles go to an->doubles. */
enum pm_rc pm_analysis_sort_nodes(struct pm_analysis *an) PM_MUST_CHECK;

/*
 * Where a part of the node tree is lost: property contexts (of messages, folders, attachments)
 * that live by the block tree or the maps and that no node names. They are not part of the
 * model: how many items are missing nobody can say, but that some are. 0 when no such part is
 * lost.
 */
size_t pm_analysis_unindexed(const struct pm_analysis *an);

/* Is the file shorter than its sound header says, and is a part of the node tree lost? What stood
 * behind the end may have been mail that nothing else names. */
bool pm_analysis_cut_short(const struct pm_analysis *an);

/* Is [ib, ib+n) marked allocated in a sound AMap? -1: that AMap is not sound. */
int pm_analysis_allocated(const struct pm_analysis *an, pm_ib ib, uint64_t n);

#endif
