/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which items are exported, where not all are. An item is left out only where its properties say
 * so: what is damaged, or has no date, stays in.
 */
#ifndef PM_EXPORT_CHOOSE_H
#define PM_EXPORT_CHOOSE_H

#include "base/map.h"
#include "export/names.h"
#include "export/notes.h"
#include "msg/message.h"

/* Patterns: * is anything, ? one character; whatever the case. NULL and 0: everything. */
struct pm_choice {
	const char *folder; /* with a slash: of its path, else of its name */
	const char *class;
	const char *from, *to, *subject; /* a part of it, not a pattern */
	uint64_t since, until;           /* FILETIME, the latter not included */
	bool has_attachment;
	bool recovered; /* only what the node tree does not name */
	bool no_duplicates;
};

/*
 * A day, 2021-03-04, or a time, 2021-03-04T05:06:07, in UTC. With `end` a day means its end. False:
 * it is neither.
 */
bool pm_choice_date(const char *s, bool end, uint64_t *ret);

bool pm_glob(struct pm_ctx *ctx, const char *pattern, const char *text);

bool pm_choice_folder(struct pm_ctx *ctx, const struct pm_choice *c, const char *path);
/* PM_OK: it is chosen; PM_NONE: it is not; or an error. */
enum pm_rc pm_choice_item(const struct pm_choice *c, struct pm_message *m) PM_MUST_CHECK;

/* ---- duplicates ---- */

/* What was exported, by message id and content. {0} is none. */
struct pm_seen {
	struct pm_map by_hash; /* first 8 bytes of the hash -> index */
	PM_VEC(struct pm_seen_item {
		uint8_t hash[32];
		pm_nid nid;
	})
	v;
};

#define PM_SEEN_HASH 32

/*
 * Is it the same as one before: the same message id, or none, and the same people, dates, subject,
 * bodies and attachments, byte by byte? *ret_nid is that one, 0 when there is none, and then this one
 * is remembered. What is damaged is never a duplicate. ret_hash is what tells them.
 */
enum pm_rc pm_seen_check(struct pm_seen *s, struct pm_message *m, uint8_t ret_hash[PM_SEEN_HASH],
			 pm_nid *ret_nid) PM_MUST_CHECK;
/* Remember one that was checked before. */
enum pm_rc pm_seen_add(struct pm_ctx *ctx, struct pm_seen *s, const uint8_t hash[PM_SEEN_HASH],
		       pm_nid nid) PM_MUST_CHECK;
void pm_seen_done(struct pm_seen *s);

#endif
