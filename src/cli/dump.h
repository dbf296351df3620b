/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of `pstmend dump`. */
#ifndef PM_CLI_DUMP_H
#define PM_CLI_DUMP_H

#include "cli/open.h"
#include "ltp/value.h"

struct pm_names;

struct pm_dump {
	struct pm_cli *cli;
	struct pm_printer *out;
	struct pm_ctx *ctx;
	bool full; /* don't cut long values and data */
	struct pm_image *img;
	const struct pm_format *fmt;
	enum pm_crypt crypt;
	uint8_t header[PM_HEADER_MAX];
	/* What the objects named by an id need; opened when the first of them is asked for. */
	struct pm_analysis *an;
	bool name_map; /* the node at hand is the name-to-id map */
	struct pm_names *names;
	struct pm_buf name; /* scratch of pm_dump_prop_name */
};

/* What is to be said of a field; by its name, or NAME[k] for one element. */
struct pm_remark {
	const char *field;
	char text[96];
};

/*
 * The fields of one structure as a table: `p` holds the `n` bytes that are there of it, which
 * lie at file offset `at`. `remarks` (may be NULL) end with a row without a field.
 */
void pm_dump_fields(struct pm_dump *d, const char *structure, const uint8_t *p, size_t n,
		    uint64_t at, const struct pm_remark *remarks);
/* For a remark: "right", or "wrong, want 0x..." */
void pm_dump_verdict(char ret[96], uint64_t have, uint64_t want);
/* Bytes under the key "data", at most the limit unless --full. */
void pm_dump_data(struct pm_dump *d, uint64_t at, const uint8_t *p, size_t n);
/* A list of words for the set bits of `rules`, if there are any: names[k] is that of bit k. */
void pm_dump_rules(struct pm_dump *d, uint32_t rules, const char *const *names, size_t n);
/* The analysis, if it is needed; an error is on d->ctx. */
enum pm_rc pm_dump_analyse(struct pm_dump *d) PM_MUST_CHECK;

/* The objects. An error (nothing there) is recorded on d->ctx. */
void pm_dump_header(struct pm_dump *d);
void pm_dump_page(struct pm_dump *d, pm_ib ib);
void pm_dump_block(struct pm_dump *d, pm_bid bid);
void pm_dump_block_at(struct pm_dump *d, pm_ib ib);
void pm_dump_tree(struct pm_dump *d, uint8_t ptype);
/* The nodes of the path, n of them: in the node tree, then among the subnodes of each. */
void pm_dump_node(struct pm_dump *d, const pm_nid *path, size_t n);
void pm_dump_heap(struct pm_dump *d, const pm_nid *path, size_t n);
/* PC and TC of a node. */
void pm_dump_pc(struct pm_dump *d, pm_bid data, pm_bid sub);
void pm_dump_tc(struct pm_dump *d, pm_bid data, pm_bid sub);
/* A value as a member of the map or row at hand: numbers and truth values as such, the rest as
 * text. `cp` is the code page of 8-bit strings. */
void pm_dump_value(struct pm_dump *d, const struct pm_column *col, const struct pm_value *v,
		   uint32_t cp);
void pm_dump_guid(struct pm_dump *d, const uint8_t *p, struct pm_buf *out); /* 16 bytes */
/* The name of a property, valid until the next; NULL when it has none. */
const char *pm_dump_prop_name(struct pm_dump *d, uint16_t id);
/* The file's map of named properties. */
void pm_dump_names(struct pm_dump *d);
void pm_dump_names_done(struct pm_dump *d);
const char *pm_dump_nid_type(pm_nid nid);

#endif
