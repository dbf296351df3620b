/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects that are the same in every new file: table templates, receive folder table,
 * the root folder's first PC [MS-PST 2.4.5.1, 2.4.6; OBS for columns and order].
 */
#ifndef PM_LTP_TEMPLATES_H
#define PM_LTP_TEMPLATES_H

#include "ltp/table.h"

/* Tags of the template's columns in order of iBit, strings in the format's own type, into
 * ret_tags (of PM_TEMPLATE_COLS); their number, 0 when `nid` is no template table. */
#define PM_TEMPLATE_COLS 32
size_t pm_template_columns(const struct pm_format *f, pm_nid nid,
			   uint32_t ret_tags[PM_TEMPLATE_COLS]);
/* The template that tables of this NID type start from (0D to 10, 11, 12), or 0. */
pm_nid pm_template_of_type(unsigned nid_type);
/* An empty table with the template's columns in its layout. PM_NONE: no such template. */
enum pm_rc pm_template_table(struct pm_ctx *ctx, const struct pm_format *f, pm_nid nid,
			     struct pm_table *t) PM_MUST_CHECK;
/*
 * Store the fixed object of this id: 60D, 60E, 60F, 610, 671, 692, 62B, 64C, 6B6, 6D7, 6F8,
 * C01, 122 (root folder without children), 2227 (criteria of the spam search folder). None
 * of them has subnodes. PM_NONE for any other id.
 */
enum pm_rc pm_template_build(struct pm_ctx *ctx, struct pm_block_sink *sink, pm_nid nid,
			     pm_bid *ret_data) PM_MUST_CHECK;

#endif
