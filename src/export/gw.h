/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items that are no mail: contacts, appointments, tasks, read from their properties, and written
 * as the text files that address books and calendars exchange.
 */
#ifndef PM_EXPORT_GW_H
#define PM_EXPORT_GW_H

#include "export/exporter.h"
#include "export/tz.h"

/* An item being read. What it hands out is UTF-8 without control characters, in its arena. */
struct pm_gw {
	struct pm_ctx *ctx;
	struct pm_message *m;
	const struct pm_names *names;
	struct pm_arena arena;
};

/* Property sets [MS-OXPROPS 1.3.2] */
enum pm_gw_set { PM_GW_ADDRESS, PM_GW_APPOINTMENT, PM_GW_TASK, PM_GW_COMMON, PM_GW_MEETING };

/* The id of a named property in this file, 0: it has none. */
uint16_t pm_gw_id(const struct pm_gw *g, enum pm_gw_set set, uint32_t lid);

/* Properties by id (0: none). NULL, 0 or false when they are absent or lost. */
const char *pm_gw_text(struct pm_gw *g, uint16_t id);
uint32_t pm_gw_u32(struct pm_gw *g, uint16_t id, uint32_t otherwise);
uint64_t pm_gw_time(struct pm_gw *g, uint16_t id);
double pm_gw_double(struct pm_gw *g, uint16_t id);
/* The bytes, at most `max`; an empty span when there are none. In the arena. */
struct pm_span pm_gw_bytes(struct pm_gw *g, uint16_t id, size_t max);
/* Categories, as a list that ends with NULL; NULL: none. */
const char **pm_gw_categories(struct pm_gw *g);
/* The text body, or the text of what is there instead; NULL: none. */
const char *pm_gw_body(struct pm_gw *g, struct pm_notes *notes);
/* Text as it may stand in such files: no control characters but line ends (LF) and tabs. */
const char *pm_gw_clean(struct pm_gw *g, const char *s, size_t n);
/* What tells the item from all others: made of its search key, else of its place. */
const char *pm_gw_uid(struct pm_gw *g, const struct pm_store *store);

/* ---- the forms ---- */

/* The time zones that a file has described. */
struct pm_gw_zones {
	struct pm_arena arena;
	PM_VEC(struct pm_gw_zone {
		const char *name;
		struct pm_tz tz;
	})
	v;
};

/* Append the item as text with CR LF lines. */
struct pm_gw_writer {
	const char *begin, *end; /* of a file; may be NULL */
	enum pm_rc (*write)(struct pm_export *ex, struct pm_export_item *it,
			    struct pm_gw_zones *zones, struct pm_buf *out);
};

/* An exporter of such files: one an item, or one a folder where the options say `join`. */
enum pm_rc pm_gw_open(struct pm_export *ex, const struct pm_exporter_ops *ops,
		      const struct pm_gw_writer *writer, struct pm_exporter **ret) PM_MUST_CHECK;
enum pm_rc pm_gw_item(struct pm_exporter *e, struct pm_export_item *it, const struct pm_mime *ahead,
		      const char **ret_file);
enum pm_rc pm_gw_end_folder(struct pm_exporter *e, struct pm_export_folder *f);
enum pm_rc pm_gw_replay(struct pm_exporter *e, struct pm_export_item *it, const char *file);
void pm_gw_free(struct pm_exporter *e);

/* Append a line "text", folded at 75 bytes between characters [RFC 6350 3.2], and CR LF. */
void pm_gw_line(struct pm_ctx *ctx, struct pm_buf *out, const void *text, size_t n);

#endif
