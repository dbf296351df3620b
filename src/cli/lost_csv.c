/* SPDX-License-Identifier: Apache-2.0 */
/* The list of lost and partial items; see lost_csv.h. */
#include "cli/lost_csv.h"

#include "base/time.h"
#include "report/csv.h"

#include <stdio.h>

enum { CELLS = 7 };

static void add_line(struct pm_ctx *ctx, struct pm_run *run, const struct pm_casualty *c,
		     struct pm_buf *out)
{
	struct pm_buf path = {0};
	char date[PM_TIME_TEXT] = "", node[16];
	const char *cells[CELLS];

	if (c->folder < run->model.folders.n)
		(void)!pm_model_path(&run->model, c->folder, &path);
	if (pm_time_is_set(c->date))
		pm_time_iso(c->date, date);
	snprintf(node, sizeof(node), "0x%X", (unsigned)c->nid);
	cells[0] = path.n ? pm_buf_cstr(ctx, &path) : "";
	cells[1] = c->subject;
	cells[2] = date;
	cells[3] = c->message_class;
	cells[4] = node;
	cells[5] = c->lost ? "lost" : "partial";
	cells[6] = c->reason;
	pm_csv_line(ctx, out, cells, CELLS);
	pm_buf_done(&path);
}

void pm_lost_csv_write(struct pm_ctx *ctx, struct pm_run *run, struct pm_output *out)
{
	static const char *const heads[CELLS] = {"folder", "subject", "date",  "class",
						 "node",   "state",   "reason"};
	struct pm_buf line = {0};
	enum pm_rc rc;

	pm_csv_line(ctx, &line, heads, CELLS);
	rc = line.bad ? ctx->rc : pm_output_append(out, line.p, line.n);
	for (size_t i = 0; i < run->repair.casualties.n && rc == PM_OK; i++) {
		if (run->repair.casualties.v[i].deleted)
			continue;
		pm_buf_clear(&line);
		add_line(ctx, run, &run->repair.casualties.v[i], &line);
		rc = ctx->rc ? ctx->rc : pm_output_append(out, line.p, line.n);
	}
	if (rc == PM_OK)
		(void)!pm_output_commit(out);
	pm_buf_done(&line);
}
