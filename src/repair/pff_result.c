/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from a proof by libpff: comparison with our own counts, verdict, words. */
#include "repair/pff_proof.h"

#include "base/bytes.h"
#include "base/map.h"
#include "msg/folder.h"

#include <inttypes.h>
#include <string.h>

static enum pm_rc add_diff(struct pm_ctx *ctx, struct pm_pff_result *res, uint32_t nid,
			   enum pm_pff_diff_kind kind, uint32_t have, uint32_t want)
{
	struct pm_pff_diff *d;

	res->n_diffs++;
	if (res->diffs.n == PM_PFF_LISTED_MAX)
		return PM_OK;
	d = pm_vec_push(ctx, &res->diffs);
	if (!d)
		return PM_ENOMEM;
	*d = (struct pm_pff_diff){nid, kind, have, want};
	return PM_OK;
}

static enum pm_rc compare_folder(struct pm_ctx *ctx, struct pm_pff_result *res,
				 const struct pm_pff_count *have, const struct pm_pff_count *want)
{
	enum pm_rc rc = PM_OK;

	if (have->folders != want->folders)
		rc = add_diff(ctx, res, have->nid, PM_PFF_DIFF_FOLDERS, have->folders,
			      want->folders);
	if (rc || pm_nid_type(have->nid) == PM_NT_SEARCH)
		return rc;
	if (have->messages != want->messages && !have->unread_messages)
		rc = add_diff(ctx, res, have->nid, PM_PFF_DIFF_MESSAGES, have->messages,
			      want->messages);
	if (rc == PM_OK && have->assoc != want->assoc && !have->unread_assoc)
		rc = add_diff(ctx, res, have->nid, PM_PFF_DIFF_ASSOC, have->assoc, want->assoc);
	return rc;
}

/* Node id to place in the array. */
static enum pm_rc index_counts(struct pm_ctx *ctx, struct pm_map *map, const struct pm_pff_count *v,
			       size_t n)
{
	enum pm_rc rc = pm_map_reserve(ctx, map, n);
	size_t i;

	for (i = 0; rc == PM_OK && i < n; i++)
		rc = pm_map_put(ctx, map, v[i].nid, i);
	return rc;
}

static enum pm_rc compare(struct pm_ctx *ctx, struct pm_pff_result *res, struct pm_map *ours,
			  struct pm_map *theirs, const struct pm_pff_count *expect, size_t n_expect)
{
	enum pm_rc rc = index_counts(ctx, ours, expect, n_expect);
	struct pm_map_entry *e;
	size_t i;

	if (rc == PM_OK)
		rc = index_counts(ctx, theirs, res->folders.v, res->folders.n);
	for (i = 0; rc == PM_OK && i < n_expect; i++) {
		e = pm_map_find(theirs, expect[i].nid);
		if (!e)
			rc = add_diff(ctx, res, expect[i].nid, PM_PFF_DIFF_UNSEEN, 0, 0);
		else
			rc = compare_folder(ctx, res, &res->folders.v[e->value], &expect[i]);
	}
	for (i = 0; rc == PM_OK && i < res->folders.n; i++) {
		if (!pm_map_has(ours, res->folders.v[i].nid))
			rc = add_diff(ctx, res, res->folders.v[i].nid, PM_PFF_DIFF_UNKNOWN, 0, 0);
	}
	return rc;
}

enum pm_rc pm_pff_compare(struct pm_ctx *ctx, struct pm_pff_result *res,
			  const struct pm_pff_count *expect, size_t n_expect)
{
	struct pm_map ours = {0}, theirs = {0};
	enum pm_rc rc;

	pm_vec_done(&res->diffs);
	res->n_diffs = 0;
	if (!res->listed)
		return PM_NONE;
	rc = compare(ctx, res, &ours, &theirs, expect, n_expect);
	pm_map_done(&ours);
	pm_map_done(&theirs);
	return rc;
}

enum pm_pff_verdict pm_pff_verdict(const struct pm_pff_result *res)
{
	size_t i;

	if (res->end == PM_PFF_NOT_RUN)
		return PM_PFF_NO_PROOF;
	if (res->end == PM_PFF_REFUSED)
		return res->limit ? PM_PFF_NO_PROOF : PM_PFF_REFUTED;
	/* What it said before it crashed or ran out of time stands. */
	for (i = 0; i < res->failures.n; i++) {
		if (!res->failures.v[i].limit)
			return PM_PFF_REFUTED;
	}
	if (res->n_diffs > 0)
		return PM_PFF_REFUTED;
	if (res->end != PM_PFF_DONE || res->out_of_memory)
		return PM_PFF_NO_PROOF;
	return res->n_failures > 0 ? PM_PFF_LIMITED : PM_PFF_PROVED;
}

/* --- words -------------------------------------------------------------------------------- */

static void describe_end(struct pm_ctx *ctx, const struct pm_pff_result *res, struct pm_buf *out)
{
	switch (res->end) {
	case PM_PFF_NOT_RUN:
		pm_buf_printf(ctx, out, " did not run: %s", res->text);
		break;
	case PM_PFF_REFUSED:
		pm_buf_printf(ctx, out, " does not open it: %s", res->text);
		if (res->limit)
			pm_buf_printf(ctx, out, " (known reason: %s)", res->limit);
		break;
	case PM_PFF_CRASHED:
		pm_buf_str(ctx, out, " crashed");
		if (res->signal)
			pm_buf_printf(ctx, out, " (signal %d)", res->signal);
		break;
	case PM_PFF_TIMEOUT:
		pm_buf_str(ctx, out, " did not finish in time");
		break;
	case PM_PFF_DONE:
		if (pm_pff_verdict(res) == PM_PFF_REFUTED)
			pm_buf_str(ctx, out, " finds fault with it");
		else
			pm_buf_str(ctx, out,
				   res->out_of_memory ? " ran out of memory" : " reads it");
		break;
	}
	if (res->end == PM_PFF_CRASHED || res->end == PM_PFF_TIMEOUT) {
		pm_buf_printf(ctx, out, " while %s", res->doing);
		if (res->doing_nid)
			pm_buf_printf(ctx, out, " (node 0x%" PRIx32 ")", res->doing_nid);
	}
}

static void describe_number(struct pm_ctx *ctx, struct pm_buf *out, uint64_t n, const char *what)
{
	if (n > 0)
		pm_buf_printf(ctx, out, ", %" PRIu64 " %s", n, what);
}

void pm_pff_describe(struct pm_ctx *ctx, const struct pm_pff_result *res, struct pm_buf *out)
{
	pm_buf_printf(ctx, out, "libpff %s", res->version);
	describe_end(ctx, res, out);
	if (!res->listed)
		return;
	pm_buf_printf(ctx, out, ": %zu folders, %" PRIu64 " items listed, %" PRIu64 " opened",
		      res->folders.n, res->n_listed, res->n_opened);
	if (res->end == PM_PFF_DONE)
		pm_buf_printf(ctx, out, ", %" PRIu64 " read whole", res->n_whole);
	describe_number(ctx, out, res->n_failed, "not read");
	describe_number(ctx, out, res->n_limited, "not read for known reasons");
	describe_number(ctx, out, res->n_tables_failed, "tables of folders not read");
	describe_number(ctx, out, res->n_tables_limited,
			"tables of folders not read for known reasons");
	describe_number(ctx, out, res->n_diffs, "differences from what should be there");
}

void pm_pff_describe_failure(struct pm_ctx *ctx, const struct pm_pff_failure *f, struct pm_buf *out)
{
	if (f->nid && f->folder)
		pm_buf_printf(ctx, out, "item 0x%" PRIx32 " of folder 0x%" PRIx32 ": ", f->nid,
			      f->folder);
	else if (f->folder)
		pm_buf_printf(ctx, out, "an item of folder 0x%" PRIx32 ": ", f->folder);
	else if (f->nid)
		pm_buf_printf(ctx, out, "node 0x%" PRIx32 ": ", f->nid);
	pm_buf_printf(ctx, out, "libpff fails in %s: %s", f->doing, f->text);
	if (f->limit)
		pm_buf_printf(ctx, out, " (known reason: %s)", f->limit);
}

void pm_pff_describe_diff(struct pm_ctx *ctx, const struct pm_pff_diff *d, struct pm_buf *out)
{
	static const char *const what[] = {
		[PM_PFF_DIFF_FOLDERS] = "folders",
		[PM_PFF_DIFF_MESSAGES] = "messages",
		[PM_PFF_DIFF_ASSOC] = "associated items",
	};

	pm_buf_printf(ctx, out, "folder 0x%" PRIx32 ": ", d->nid);
	if (d->kind == PM_PFF_DIFF_UNSEEN)
		pm_buf_str(ctx, out, "libpff does not show it");
	else if (d->kind == PM_PFF_DIFF_UNKNOWN)
		pm_buf_str(ctx, out, "libpff shows it, and it should not be there");
	else
		pm_buf_printf(ctx, out, "libpff counts %" PRIu32 " %s, there should be %" PRIu32,
			      d->have, what[d->kind], d->want);
}

void pm_pff_result_done(struct pm_pff_result *res)
{
	size_t i;

	for (i = 0; i < res->failures.n; i++)
		pm_free(res->failures.v[i].text);
	pm_vec_done(&res->failures);
	pm_vec_done(&res->folders);
	pm_vec_done(&res->diffs);
	memset(res, 0, sizeof(*res));
}
