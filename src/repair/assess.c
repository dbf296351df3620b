/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of the messages is damaged or lost, before anything is changed: the casualties of the report.
 *
 * Most messages are whole. Threads find those, each with a reader of its own; the others come one
 * after the other, so that the report is the same with any number of threads.
 */
#include "repair/repair.h"

#include "base/bitmap.h"
#include "base/pool.h"
#include "msg/message.h"

enum {
	FLAWS_MAX = 16,
	CHUNK = 64, /* messages that a thread takes at once: one word of the bitmap */
	MESSAGES_MIN = 256,
};

/* Every message has a class and flags; a context that can be read and has neither is not one's:
 * the entry names another object's. [OBS] */
static bool foreign(const struct pm_message *m)
{
	return m->state == PM_OK && m->pc.props.n && !pm_pc_find(&m->pc, PM_ID_MESSAGE_CLASS) &&
	       !pm_pc_find(&m->pc, PM_ID_MESSAGE_FLAGS);
}

/* ---- threads ---- */

struct whole {
	struct pm_repair *r;
	struct pm_bitmap is; /* by message */
	size_t next;         /* that no thread has taken */
	struct pm_ctx ctx[PM_POOL_MAX];
};

static bool is_whole(const struct pm_ndb *db, const struct pm_node *n)
{
	struct pm_flaws flaws = {0};
	struct pm_message m;
	enum pm_rc rc = pm_message_open(db, n->nid, n->data, n->sub, 0, &m);
	bool yes = false;

	if (rc == PM_OK && !foreign(&m) && !(n->flags & PM_NF_UNFIT)) {
		rc = pm_message_assess(&m, 1, &flaws);
		yes = rc == PM_OK && flaws.worst == PM_OK && !flaws.v.n;
		pm_flaws_done(&flaws);
	}
	pm_message_close(&m);
	return yes;
}

static void find_whole(void *arg, unsigned int k)
{
	struct whole *w = arg;
	const struct pm_repair *r = w->r;
	struct pm_ctx *ctx = &w->ctx[k];
	const size_t n = r->model->messages.n;
	struct pm_ndb db;
	size_t at;

	*ctx = (struct pm_ctx){.cancel = r->ctx->cancel, .effort_max = r->ctx->effort_max};
	pm_ndb_reader(&r->an->db, ctx, &db);
	/* An error is met again by who looks in order. */
	while (!ctx->rc) {
		at = __atomic_fetch_add(&w->next, CHUNK, __ATOMIC_RELAXED);
		if (at >= n || (k == 0 && pm_tick(r->ctx, "assess", at, n)))
			break;
		for (size_t i = at; i < n && i < at + CHUNK && !ctx->rc; i++) {
			pm_nid nid = r->model->messages.v[i].nid;

			if (is_whole(&db, pm_ndb_find_node(&r->an->db, nid)))
				pm_bitmap_set(&w->is, i);
		}
	}
	pm_ndb_reader_done(&db);
}

static enum pm_rc look_ahead(struct whole *w)
{
	struct pm_ctx *ctx = w->r->ctx;
	struct pm_pool *pool;

	if (w->r->model->messages.n < MESSAGES_MIN)
		return PM_OK;
	pool = pm_pool_new(ctx);
	if (!pool)
		return ctx->rc;
	pm_pool_run(pool, find_whole, w);
	for (unsigned int k = 0; k < pm_pool_size(pool) && !ctx->rc; k++) {
		ctx->bytes_read += w->ctx[k].bytes_read;
		ctx->reads += w->ctx[k].reads;
		if (pm_spend(ctx, w->ctx[k].effort))
			break;
	}
	pm_pool_free(pool);
	return ctx->rc;
}

/* ---- in order ---- */

static enum pm_rc report(struct pm_repair *r, const struct pm_node *n, const struct pm_message *m,
			 const struct pm_flaws *flaws)
{
	const bool lost = flaws->worst == PM_LOST;
	enum pm_rc rc = PM_OK;

	if (n->flags & PM_NF_UNFIT)
		rc = pm_repair_casualty(r, n->nid, false, m->subject,
					"its data may be those of another item");
	for (size_t k = 0; k < flaws->v.n && rc == PM_OK; k++)
		rc = pm_repair_casualty(r, n->nid, lost, m->subject, "%s", flaws->v.v[k].text);
	if (rc == PM_OK && flaws->worst != PM_OK && !flaws->v.n)
		rc = pm_repair_casualty(r, n->nid, lost, m->subject,
					lost ? "its properties are lost"
					     : "a part of it is damaged");
	return rc;
}

static enum pm_rc assess(struct pm_repair *r, struct pm_node *n)
{
	struct pm_flaws flaws = {0};
	struct pm_message m;
	enum pm_rc rc = pm_message_open(&r->an->db, n->nid, n->data, n->sub, 0, &m);

	if (!pm_is_error(rc) && foreign(&m)) {
		rc = pm_repair_casualty(r, n->nid, true, NULL,
					"its entry names data that are no message's");
		n->data = n->sub = 0;
	} else if (!pm_is_error(rc)) {
		rc = pm_message_assess(&m, FLAWS_MAX, &flaws);
		if (!pm_is_error(rc))
			rc = report(r, n, &m, &flaws);
	}
	pm_flaws_done(&flaws);
	pm_message_close(&m);
	return rc;
}

enum pm_rc pm_repair_assess(struct pm_repair *r)
{
	const size_t n = r->model->messages.n;
	struct whole w = {.r = r};
	enum pm_rc rc = pm_bitmap_init(r->ctx, &w.is, n);

	if (rc == PM_OK)
		rc = look_ahead(&w);
	for (size_t i = 0; i < n && rc == PM_OK; i++) {
		if (!pm_bitmap_test(&w.is, i))
			rc = assess(r, pm_ndb_find_node(&r->an->db, r->model->messages.v[i].nid));
		if (rc == PM_OK && i % 256 == 0)
			rc = pm_tick(r->ctx, "assess", i, n);
	}
	pm_bitmap_done(&w.is);
	return rc;
}
