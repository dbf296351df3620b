/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of layer check. */
#ifndef PM_CHECK_INTERNAL_H
#define PM_CHECK_INTERNAL_H

#include "base/bitmap.h"
#include "base/sort.h"
#include "check/check.h"
#include "msg/message.h"
#include "msg/named.h"
#include "recover/model.h"

/* A part of a tree that is lost, and the problem that says so. */
struct pm_lost_keys {
	uint64_t lo, hi, serial;
};

/* What is being looked at, while contents are. */
struct pm_subject {
	pm_nid nid, sub; /* top-level node, subnode in it or 0 */
	uint32_t folder; /* index in the model, PM_NO_FOLDER */
	uint64_t cause;  /* of what will be found */
	uint64_t lossy;  /* first error that means that content is lost or wrong */
	uint64_t first;  /* first error of any kind */
	bool tainted;    /* some block of it is bad */
	bool odd;        /* it may not be whole, though the check finds nothing wrong (plain.c) */
};

/* An object that is not whole. */
struct pm_unwhole {
	uint64_t serial;
	pm_nid nid;
	uint32_t folder;
	uint8_t kind, state; /* pm_object_kind, pm_object_state */
	bool row_only;       /* a table row is all there is of it */
};

struct pm_checker {
	struct pm_analysis *an;
	struct pm_ctx *ctx;
	const struct pm_format *f;
	const struct pm_check_options *opt;
	struct pm_sink *sink;
	enum pm_rc rc; /* first error; passes go on doing nothing */

	uint64_t end;            /* of the file: ibFileEof, or what there is */
	uint64_t header_serial;  /* of file-header-lost */
	uint64_t root_serial[2]; /* BBT, NBT: the root that the header names is wrong */
	uint64_t inner_serial;   /* of the first internal block whose entries are lost */
	struct pm_map bad_lo[2]; /* BBT, NBT: lowest key of a bad page -> its problem */
	PM_VEC(struct pm_lost_keys) lost[2];
	/* By index of an->db.blocks: the block, or one below it, is damaged or missing. */
	struct pm_bitmap tainted;
	bool space_sound;              /* seen ahead: pm_check_alloc has nothing to tell */
	struct pm_bitmap sound_tables; /* by index of an->db.nodes: nor pm_check_tc; may be empty */
	struct pm_buf buf;             /* scratch of whoever runs */

	/* For contents. */
	struct pm_subject subject;
	struct pm_model model;
	struct pm_names names;
	bool names_known;
	uint32_t codepage;           /* of 8-bit strings */
	pm_bid within[PM_DEPTH_MAX]; /* subnode trees of the message at hand, outermost first */
	struct pm_bitmap used;       /* subnodes of the object at hand that something refers to */
	struct pm_buf path;          /* of folder path_of */
	uint32_t path_of;
	PM_VEC(struct pm_unwhole) unwhole;
	struct pm_scouts *scouts; /* NULL: none */
	bool scouting;            /* this is a scout's: problems are looked for, not told */
};

/* Report: *p is completed with its serial, which is returned (0 after an error). */
uint64_t pm_check_add(struct pm_checker *c, struct pm_problem *p);
#define PM_REPORT(c, symbol, ...)                                                                  \
	pm_check_add((c), &(struct pm_problem){.id = PM_P_##symbol, ##__VA_ARGS__})
/* The same, and later problems with this structure follow from it. */
uint64_t pm_check_blame(struct pm_checker *c, enum pm_cause kind, uint64_t key,
			struct pm_problem *p);

/* Remember an error; true when there is one. */
static inline bool pm_check_stop(struct pm_checker *c, enum pm_rc rc)
{
	if (pm_is_error(rc) && c->rc == PM_OK)
		c->rc = rc;
	return c->rc != PM_OK;
}

/* Why an entry with this key may be missing from the block tree (0) or node tree (1). */
uint64_t pm_check_lost_cause(const struct pm_checker *c, unsigned tree, uint64_t key);
/* The first thing that took references or entries with it, 0: nothing did. */
uint64_t pm_check_loss(const struct pm_checker *c);
/* Why a block is bad or missing. */
uint64_t pm_check_block_cause(const struct pm_checker *c, pm_bid bid);

/* How much was told so far, but for what sound files have, too. */
uint64_t pm_check_faults(const struct pm_checker *c);

/* The passes, in this order; errors are in c->rc. */
void pm_check_header(struct pm_checker *c);
void pm_check_bits(struct pm_checker *c);
void pm_check_pages(struct pm_checker *c);
void pm_check_ahead(struct pm_checker *c);
void pm_check_blocks(struct pm_checker *c);
void pm_check_internal(struct pm_checker *c);
void pm_check_refs(struct pm_checker *c);
void pm_check_alloc(struct pm_checker *c);
void pm_check_nodes(struct pm_checker *c);
void pm_check_contents(struct pm_checker *c);

#endif
