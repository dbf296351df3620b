/* SPDX-License-Identifier: Apache-2.0 */
/* Repair in place; see commit.h. */
#include "repair/commit.h"

#include "base/bytes.h"
#include "base/quote.h"
#include "io/file.h"
#include "io/output.h"
#include "io/write.h"
#include "ndb/header.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define CHUNK ((size_t)1 << 20)

enum pm_rc pm_commit_possible(struct pm_ctx *ctx, const struct pm_commit *c)
{
	struct stat st;

	if (!pm_image_file_is(c->src, c->target->path))
		return pm_fail(ctx, PM_EIO, "%s: another file took its name; start again",
			       c->target->name);
	if (lstat(c->undo_path, &st) == 0)
		return pm_fail(ctx, PM_EUSAGE,
			       "%s: there is an undo file already, of an earlier repair; take that "
			       "back with 'pstmend undo', or delete the file if it is no longer "
			       "wanted",
			       pm_quote(c->undo_path).s);
	if (pm_image_file_changed(c->src))
		return pm_fail(ctx, PM_EIO,
			       "%s: %s while it was being repaired; nothing was written, start "
			       "again when no other program uses it",
			       c->target->name, pm_image_file_changed(c->src));
	if (pm_rangeset_ranges(&c->src->unreadable))
		return pm_fail(ctx, PM_EUNSUP,
			       "%s: parts of it can't be read, and the disk may be failing; repair "
			       "it into a new file on another disk with -o",
			       c->target->name);
	return PM_OK;
}

/* The header for the time of the change: that of before, which says that its allocation maps
 * are not valid. A damaged one stays: sealed anew it would pass for a good one. */
static enum pm_rc header_during(struct pm_ctx *ctx, const struct pm_commit *c, uint8_t *ret)
{
	uint8_t raw[PM_HEADER_MAX] = {0};
	struct pm_header h;
	enum pm_rc rc = pm_target_read(ctx, c->target, 0, raw, c->fmt->header);

	memcpy(ret, raw, PM_HEADER_MAX);
	if (rc || pm_header_verify(c->fmt, raw) & PM_HR_SERIOUS & ~(uint32_t)PM_HR_AMAP_VALID)
		return rc;
	pm_header_decode(c->fmt, raw, &h);
	h.amap_valid = 0;
	h.unique++;
	pm_header_encode(c->fmt, &h);
	memcpy(ret, h.raw, PM_HEADER_MAX);
	return PM_OK;
}

/* Write the undo file, and don't leave it half there. */
static enum pm_rc save_undo(struct pm_ctx *ctx, const struct pm_commit *c, const struct pm_undo *u)
{
	struct pm_output *out = NULL;
	struct stat ours, named;
	enum pm_rc rc = pm_output_create(ctx, c->undo_path, 0, &out);

	if (rc == PM_OK) {
		pm_output_set_mode(out, c->target->st.st_mode & 0777);
		rc = pm_output_append(out, u->bytes.p, u->bytes.n);
	}
	if (rc == PM_OK)
		rc = pm_output_commit(out);
	if (rc && out && !fstat(pm_output_fd(out), &ours) && !lstat(c->undo_path, &named) &&
	    ours.st_dev == named.st_dev && ours.st_ino == named.st_ino)
		unlink(c->undo_path);
	pm_output_free(out);
	return rc;
}

/* Nothing but zeros are there: no one will miss the old bytes, and they may be a hole. */
static bool was_empty(const struct pm_undo_range *r)
{
	return !r->cut && r->coded == 4 && !pm_le16(r->code + 2);
}

static enum pm_rc take_space(struct pm_ctx *ctx, const struct pm_commit *c, const struct pm_undo *u)
{
	const struct pm_target *t = c->target;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < u->ranges.n && rc == PM_OK; i++)
		if (was_empty(&u->ranges.v[i]))
			rc = pm_write_allocate(ctx, t->fd, t->name, u->ranges.v[i].off,
					       u->ranges.v[i].n);
	if (rc == PM_OK && u->new_size > u->old_size)
		rc = pm_write_allocate(ctx, t->fd, t->name, u->old_size, u->new_size - u->old_size);
	return rc;
}

/* Below the old end: what goes to where nothing was, or the rest. */
static enum pm_rc write_ranges(struct pm_ctx *ctx, const struct pm_commit *c,
			       const struct pm_undo *u, bool empty)
{
	uint8_t buf[PM_UNDO_PIECE];
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < u->ranges.n && rc == PM_OK; i++) {
		const struct pm_undo_range *r = &u->ranges.v[i];

		if (r->cut || was_empty(r) != empty)
			continue;
		rc = pm_image_read(ctx, pm_view_image(c->view), r->off, buf, r->n);
		if (!pm_is_error(rc))
			rc = pm_write_at(ctx, c->target->fd, c->target->name, r->off, buf, r->n);
		if (rc == PM_OK && empty)
			rc = pm_tick(ctx, "write", i, u->ranges.n);
	}
	return rc;
}

static enum pm_rc append(struct pm_ctx *ctx, const struct pm_commit *c, const struct pm_undo *u)
{
	struct pm_view_extent e;
	uint8_t *buf = pm_calloc(ctx, CHUNK, 1);
	enum pm_rc rc = buf ? PM_OK : ctx->rc;

	for (uint64_t at = u->old_size; rc == PM_OK && pm_view_next(c->view, at, &e); at = e.end)
		for (uint64_t o = e.start; o < e.end && rc == PM_OK; o += CHUNK) {
			size_t n = e.end - o < CHUNK ? (size_t)(e.end - o) : CHUNK;

			rc = pm_image_read(ctx, pm_view_image(c->view), o, buf, n);
			if (!pm_is_error(rc))
				rc = pm_write_at(ctx, c->target->fd, c->target->name, o, buf, n);
			if (rc == PM_OK)
				rc = pm_tick(ctx, "write", o + n - u->old_size,
					     u->new_size - u->old_size);
		}
	pm_free(buf);
	return rc;
}

static enum pm_rc write_header(struct pm_ctx *ctx, const struct pm_commit *c,
			       const struct pm_undo *u, unsigned which)
{
	enum pm_rc rc =
		pm_write_at(ctx, c->target->fd, c->target->name, 0, u->head[which], u->header);

	return rc ? rc : pm_write_sync(ctx, c->target->fd, c->target->name);
}

static enum pm_rc switch_over(struct pm_ctx *ctx, const struct pm_commit *c,
			      const struct pm_undo *u)
{
	const struct pm_target *t = c->target;
	enum pm_rc rc = PM_OK;

	if (memcmp(u->head[PM_UNDO_BEFORE], u->head[PM_UNDO_DURING], u->header))
		rc = write_header(ctx, c, u, PM_UNDO_DURING);
	if (rc == PM_OK)
		rc = write_ranges(ctx, c, u, false);
	if (rc == PM_OK)
		rc = pm_write_sync(ctx, t->fd, t->name);
	if (rc == PM_OK)
		rc = write_header(ctx, c, u, PM_UNDO_AFTER);
	if (rc == PM_OK && u->new_size < u->old_size) {
		rc = pm_write_truncate(ctx, t->fd, t->name, u->new_size);
		if (rc == PM_OK)
			rc = pm_write_sync(ctx, t->fd, t->name);
	}
	return rc;
}

static void hold_signals(sigset_t *ret_was)
{
	sigset_t held;

	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &held, ret_was);
}

enum pm_rc pm_commit_take_back(struct pm_ctx *ctx, const struct pm_commit *c,
			       const struct pm_undo *u)
{
	sigset_t was;
	enum pm_rc rc;

	hold_signals(&was);
	rc = pm_undo_restore(ctx, u, c->target);
	if (rc == PM_OK && unlink(c->undo_path) && errno != ENOENT)
		rc = pm_write_fail(ctx, pm_quote(c->undo_path).s, "deleting it", UINT64_MAX, errno);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return rc;
}

/* Something failed: what it was stays on ctx, what became of the file is added. */
static enum pm_rc give_up(struct pm_ctx *ctx, const struct pm_commit *c, const struct pm_undo *u)
{
	struct pm_ctx own = {0};
	char first[sizeof(ctx->text)];

	memcpy(first, ctx->text, sizeof(first));
	if (pm_commit_take_back(&own, c, u) == PM_OK)
		snprintf(ctx->text, sizeof(ctx->text), "%.800s. The file is as it was", first);
	else
		snprintf(ctx->text, sizeof(ctx->text),
			 "%.800s. The file is half repaired; 'pstmend undo' takes it back once "
			 "the cause is gone",
			 first);
	return ctx->rc;
}

enum pm_rc pm_commit_write(struct pm_ctx *ctx, const struct pm_commit *c, struct pm_undo *ret)
{
	const struct pm_target *t = c->target;
	uint8_t during[PM_HEADER_MAX];
	sigset_t was;
	enum pm_rc rc;

	*ret = (struct pm_undo){0};
	rc = pm_commit_possible(ctx, c);
	if (rc == PM_OK)
		rc = header_during(ctx, c, during);
	if (rc == PM_OK)
		rc = pm_undo_make(ctx, t, c->view, c->fmt->header, during, ret);
	if (rc == PM_OK)
		rc = save_undo(ctx, c, ret);
	if (rc)
		return rc;
	rc = take_space(ctx, c, ret);
	if (rc == PM_OK)
		rc = write_ranges(ctx, c, ret, true);
	if (rc == PM_OK)
		rc = append(ctx, c, ret);
	if (rc == PM_OK)
		rc = pm_write_sync(ctx, t->fd, t->name);
	if (rc == PM_OK)
		rc = pm_tick(ctx, "write", 1, 1);
	if (rc)
		return give_up(ctx, c, ret);
	hold_signals(&was);
	rc = switch_over(ctx, c, ret);
	if (rc)
		rc = give_up(ctx, c, ret);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return rc;
}
