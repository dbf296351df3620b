/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of pmmk's writer share. */
#ifndef PM_TOOLS_MK_WRITE_H
#define PM_TOOLS_MK_WRITE_H

#include "ltp/props.h"
#include "ltp/templates.h"
#include "mk.h"

#define PM_TAG(id, type) ((uint32_t)(id) << 16 | (uint32_t)(type))

/* A file with stale pages is written as it would have come about: what never changed, the
 * older form of the rest, the trees of that time, and then the form that counts. */
enum pm_mkw_phase { PM_MKW_SAME, PM_MKW_OLD, PM_MKW_NEW };

struct pm_mkw {
	struct pm_mk *mk;
	struct pm_ctx *ctx;
	struct pm_layout l;
	struct pm_buf *out;
	struct pm_map templates; /* nid -> block */
	struct pm_map changed;   /* messages and folders that have an older form */
	uint32_t version;        /* of the last table row */
	enum pm_mkw_phase phase;
};

/* Does this phase write the message or folder? */
static inline bool pm_mkw_wants(const struct pm_mkw *w, pm_nid nid)
{
	return pm_map_has(&w->changed, nid) == (w->phase != PM_MKW_SAME);
}

/* Store a message; `row` becomes what its table row is made from. */
enum pm_rc pm_mkw_message(struct pm_mkw *w, const struct pm_mk_message *m, struct pm_mk_props *row,
			  pm_bid *ret_data, pm_bid *ret_sub) PM_MUST_CHECK;
/* Store a PC of these properties. */
enum pm_rc pm_mkw_pc(struct pm_mkw *w, const struct pm_mk_props *props, pm_bid *ret_data,
		     pm_bid *ret_sub) PM_MUST_CHECK;
/* A row with a cell for each property that the table has a column for. */
enum pm_rc pm_mkw_row(struct pm_mkw *w, struct pm_table *t, uint32_t id,
		      const struct pm_mk_props *props) PM_MUST_CHECK;

/* All folders and messages of this phase. */
enum pm_rc pm_mkw_folders(struct pm_mkw *w) PM_MUST_CHECK;
/* The root folder, and the search folder that every file has. */
enum pm_rc pm_mkw_root(struct pm_mkw *w) PM_MUST_CHECK;
/* A node that has the data of a template: an empty table. */
enum pm_rc pm_mkw_empty(struct pm_mkw *w, pm_nid nid, pm_nid template) PM_MUST_CHECK;

#endif
