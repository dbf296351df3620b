/* SPDX-License-Identifier: Apache-2.0 */
/* What is damaged or missing of one item, in words, as it comes to light. */
#ifndef PM_EXPORT_NOTES_H
#define PM_EXPORT_NOTES_H

#include "base/mem.h"

/* More than these are counted only. */
#define PM_NOTES_MAX 100

struct pm_notes {
	struct pm_arena arena;
	PM_VEC(const char *) v;
	size_t more;
};

void pm_note_add(struct pm_ctx *ctx, struct pm_notes *n, const char *fmt, ...) PM_PRINTF(3, 4);
/* All of them, with "; " between them; NULL when there are none. In the arena. */
const char *pm_notes_text(struct pm_ctx *ctx, struct pm_notes *n);
void pm_notes_done(struct pm_notes *n);

#endif
