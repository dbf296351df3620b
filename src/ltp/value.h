/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of a property or of a table cell: bytes in memory, or a data tree to be read
 * block by block; and what the types make of the bytes.
 */
#ifndef PM_LTP_VALUE_H
#define PM_LTP_VALUE_H

#include "ltp/heap.h"

#include "format/proptag.h"

/* Strings longer than this are read up to it (bodies have no such limit: they are streams). */
#define PM_STRING_MAX ((uint64_t)16 << 20)

struct pm_value {
	enum pm_rc state; /* PM_OK, PM_DAMAGED, PM_LOST: of the place where it lies */
	uint16_t type;
	bool stream; /* the bytes are in `data`, else in `span` */
	pm_nid nid;  /* of the subnode, when stream */
	uint64_t size;
	struct pm_span span;
	struct pm_data data; /* of a stream; its blocks have not been read */
};

void pm_value_done(struct pm_value *v);

/*
 * Append the value's bytes, at most `max` of them. PM_OK; PM_DAMAGED: some are wrong, zeros
 * in place of lost blocks, or cut at `max`; PM_LOST: none.
 */
enum pm_rc pm_value_read(struct pm_ctx *ctx, const struct pm_value *v, uint64_t max,
			 struct pm_buf *out) PM_MUST_CHECK;
/* A text that was read into `b` with this result, into the arena: *ret unless there is none; the result. */
enum pm_rc pm_text_keep(struct pm_ctx *ctx, struct pm_buf *b, struct pm_arena *a, enum pm_rc rc,
			char **ret) PM_MUST_CHECK;
/*
 * Append a string value as UTF-8: PtypString, or PtypString8 in code page `cp`; NULs at
 * its end are cut. PM_DAMAGED also when characters had to be replaced; PM_NONE for other types.
 */
enum pm_rc pm_value_text(struct pm_ctx *ctx, const struct pm_value *v, uint32_t cp,
			 struct pm_buf *out) PM_MUST_CHECK;
/* Up to so many bytes of it. */
enum pm_rc pm_value_text_max(struct pm_ctx *ctx, const struct pm_value *v, uint32_t cp,
			     uint64_t max, struct pm_buf *out) PM_MUST_CHECK;
/* The same for bytes at hand. */
enum pm_rc pm_text_of(struct pm_ctx *ctx, uint16_t type, struct pm_span s, uint32_t cp,
		      struct pm_buf *out) PM_MUST_CHECK;
/*
 * The way back: `utf8` appended as strings of this format are stored, 8-bit ones in code page `cp`
 * (0: 1252). What it can't say: with `ret_bad` NULL nothing is appended, PM_NONE; else '?' stands for
 * each such character, and *ret_bad is how many they are. PM_OK, PM_NONE, or an error.
 */
enum pm_rc pm_text_as(struct pm_ctx *ctx, const struct pm_format *f, uint32_t cp, const char *utf8,
		      struct pm_buf *out, uint64_t *ret_bad) PM_MUST_CHECK;

/* A run of bytes of a data tree that is not what was stored. */
struct pm_bad_range {
	uint64_t from, to;
	bool lost; /* reads as zeros, else checksum wrong */
};

struct pm_bad_ranges {
	PM_VEC(struct pm_bad_range) v;
	uint64_t bytes; /* in all of them */
};

/*
 * Which parts of a data tree are damaged or lost, appended to ret->v (ret may be NULL). Blocks
 * that were looked at before (PM_BF_CHECKED) are not read again. PM_OK: none; PM_DAMAGED;
 * PM_LOST: all of it. Adjacent ranges are joined.
 */
enum pm_rc pm_data_bad_ranges(const struct pm_data *d, struct pm_bad_ranges *ret) PM_MUST_CHECK;

/* What is known of leaf k without reading it: PM_OK when nothing is known against it. */
enum pm_rc pm_leaf_known(const struct pm_data *d, size_t k);

/* ---- multi-valued properties [MS-PST 2.3.3.4] ---- */

struct pm_mv {
	uint16_t type; /* of an element */
	uint32_t n;    /* elements that are in bounds */
	bool damaged;  /* there were others */
	struct pm_span s;
};

/* Elements of a multi-valued value's bytes. */
struct pm_mv pm_mv_open(uint16_t type, struct pm_span s);
struct pm_span pm_mv_item(const struct pm_mv *mv, uint32_t i);

#endif
