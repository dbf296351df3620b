/* SPDX-License-Identifier: Apache-2.0 */
/* What is damaged or missing of an item; see notes.h. */
#include "export/notes.h"

#include "base/bytes.h"

#include <stdio.h>

void pm_note_add(struct pm_ctx *ctx, struct pm_notes *n, const char *fmt, ...)
{
	const char **slot;
	char text[600];
	va_list ap;

	if (n->v.n >= PM_NOTES_MAX) {
		n->more++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	slot = pm_vec_push(ctx, &n->v);
	if (!slot)
		return;
	*slot = pm_arena_strdup(ctx, &n->arena, text);
	if (!*slot)
		n->v.n--;
}

const char *pm_notes_text(struct pm_ctx *ctx, struct pm_notes *n)
{
	struct pm_buf all = {0};
	const char *text;

	if (!n->v.n)
		return NULL;
	for (size_t i = 0; i < n->v.n; i++) {
		pm_buf_str(ctx, &all, i ? "; " : "");
		pm_buf_str(ctx, &all, n->v.v[i]);
	}
	if (n->more)
		pm_buf_printf(ctx, &all, "; and %zu more", n->more);
	text = pm_arena_strdup(ctx, &n->arena, pm_buf_cstr(ctx, &all));
	pm_buf_done(&all);
	return text;
}

void pm_notes_done(struct pm_notes *n)
{
	pm_vec_done(&n->v);
	pm_arena_done(&n->arena);
	n->more = 0;
}
