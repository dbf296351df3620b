/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering ahead; see ahead.h. */
#include "export/ahead.h"

#include "base/codepage.h"
#include "export/gm.h"

#include <pthread.h>
#include <signal.h>

enum { THREADS_MAX = 64, KEPT_BLOCKS = 4 };

/* What all items together may take, and one of them. */
#define ALL_BYTES ((size_t)4 << 20)
#define MOST      ((size_t)512 << 10)
#define LEAST     ((size_t)64 << 10)

struct slot {
	struct pm_ahead_item item; /* first */
	struct pm_mail_sink sink;
	bool ready, open; /* it is done; its message is to be closed */
};

struct pm_ahead {
	struct pm_export *ex;
	struct pm_exporter *form;
	PM_VEC(uint32_t) line;
	uint64_t effort_max;
	unsigned int jobs, n_threads;
	bool tried; /* to start them */
	pthread_t threads[THREADS_MAX];
	struct slot *slots;
	size_t n_slots;
	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t room, done;
	size_t next;    /* that is to be begun */
	size_t given;   /* the writer is done with those before */
	size_t n_ready; /* not given back yet */
	unsigned int idle;
	bool waits, stop; /* the writer; all threads shall end */
};

struct pm_ahead *pm_ahead_new(struct pm_export *ex, struct pm_exporter *form)
{
	struct pm_ahead *h;

	/* Whether an item is a duplicate is known when those before are written. */
	if (ex->opts->jobs < 2 || !form->ops->render || ex->opts->choice.no_duplicates)
		return NULL;
	h = pm_calloc(ex->ctx, 1, sizeof(*h));
	if (!h)
		return NULL;
	h->ex = ex;
	h->form = form;
	h->effort_max = ex->ctx->effort_max;
	h->jobs = ex->opts->jobs < THREADS_MAX ? ex->opts->jobs : THREADS_MAX;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->room, NULL);
	pthread_cond_init(&h->done, NULL);
	return h;
}

enum pm_rc pm_ahead_push(struct pm_ahead *h, uint32_t message)
{
	uint32_t *slot = pm_vec_push(h->ex->ctx, &h->line);

	if (!slot)
		return h->ex->ctx->rc;
	*slot = message;
	return PM_OK;
}

/* It does not fit: the writer does it piece by piece. */
static enum pm_rc too_large(struct pm_mail_sink *s, const void *p, size_t n)
{
	struct slot *slot = (void *)((uint8_t *)s - offsetof(struct slot, sink));

	(void)p;
	(void)n;
	return pm_fail(&slot->item.ctx, PM_ELIMIT, "too large to be rendered ahead");
}

/* ---- the threads ---- */

static void close_message(struct slot *s)
{
	if (!s->open)
		return;
	pm_message_close(&s->item.msg);
	pm_notes_done(&s->item.notes);
	s->open = false;
}

static void render(struct pm_ahead *h, struct slot *s, uint32_t message)
{
	struct pm_ahead_item *it = &s->item;

	close_message(s);
	it->ctx = (struct pm_ctx){.cancel = h->ex->ctx->cancel, .effort_max = h->effort_max};
	pm_mail_drop(&it->out);
	s->open = true;
	it->state = pm_export_ahead(h->ex, h->form, message, it);
	if (it->ctx.rc || it->state == PM_AHEAD_NOT) {
		it->state = PM_AHEAD_NOT;
		close_message(s);
	}
	/* The room that large bodies took is not kept for small ones. */
	if (it->state == PM_AHEAD_NOT || it->out.n > LEAST)
		pm_mime_done(&it->mime);
}

/* Is there something to begin? Woken threads find several, so that they needn't be woken for each. */
static bool has_work(const struct pm_ahead *h)
{
	return h->next < h->line.n && h->next - h->given < h->n_slots;
}

/* The writer is woken when half of what there can be is ready. */
static bool enough(const struct pm_ahead *h)
{
	size_t want = h->n_slots / 2, left = h->line.n - h->given;

	return h->slots[h->given % h->n_slots].ready && h->n_ready >= (want < left ? want : left);
}

static void *work(void *arg)
{
	struct pm_ahead *h = arg;

	pthread_mutex_lock(&h->lock);
	while (!h->stop) {
		struct slot *s;
		uint32_t message;

		if (!has_work(h)) {
			h->idle++;
			pthread_cond_wait(&h->room, &h->lock);
			h->idle--;
			continue;
		}
		s = &h->slots[h->next % h->n_slots];
		message = h->line.v[h->next++];
		pthread_mutex_unlock(&h->lock);
		render(h, s, message);
		pthread_mutex_lock(&h->lock);
		s->ready = true;
		h->n_ready++;
		if (h->waits && enough(h))
			pthread_cond_signal(&h->done);
	}
	pthread_mutex_unlock(&h->lock);
	pm_cp_done();
	return NULL;
}

/* ---- beginning and end ---- */

static bool make_slots(struct pm_ahead *h)
{
	struct pm_export *ex = h->ex;
	const size_t n = 6 * h->jobs, share = ALL_BYTES / n;
	const size_t size = share > MOST ? MOST : share < LEAST ? LEAST : share;

	h->slots = pm_calloc(ex->ctx, n, sizeof(*h->slots));
	if (!h->slots)
		return false;
	for (h->n_slots = 0; h->n_slots < n; h->n_slots++) {
		struct slot *s = &h->slots[h->n_slots];
		struct pm_ahead_item *it = &s->item;

		s->sink.write = too_large;
		pm_ndb_reader(&ex->an->db, &it->ctx, &it->db);
		if (h->form->ops->init_ahead(h->form, &it->ctx, &it->mime, &it->out, &s->sink,
					     size) ||
		    pm_ndb_keep_blocks(&it->db, KEPT_BLOCKS)) {
			pm_ndb_reader_done(&it->db);
			pm_mail_out_done(&it->out);
			return false;
		}
	}
	return true;
}

/* Signals are for the thread that can be interrupted in order: the writer's. */
static void start(struct pm_ahead *h, size_t at)
{
	sigset_t all, before;

	h->tried = true;
	h->next = h->given = at;
	if (!make_slots(h))
		return;
	pm_gm_start();
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (h->n_threads < h->jobs && !pthread_create(&h->threads[h->n_threads], NULL, work, h))
		h->n_threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void pm_ahead_free(struct pm_ahead *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_broadcast(&h->room);
	pthread_mutex_unlock(&h->lock);
	for (unsigned int i = 0; i < h->n_threads; i++)
		pthread_join(h->threads[i], NULL);
	for (size_t i = 0; i < h->n_slots; i++) {
		struct pm_ahead_item *it = &h->slots[i].item;

		close_message(&h->slots[i]);
		pm_mime_done(&it->mime);
		pm_mail_out_done(&it->out);
		pm_ndb_reader_done(&it->db);
	}
	pthread_cond_destroy(&h->done);
	pthread_cond_destroy(&h->room);
	pthread_mutex_destroy(&h->lock);
	pm_free(h->slots);
	pm_vec_done(&h->line);
	pm_free(h);
}

/* ---- the writer ---- */

struct pm_ahead_item *pm_ahead_take(struct pm_ahead *h, size_t at)
{
	struct slot *s;

	if (!h)
		return NULL;
	if (!h->tried)
		start(h, at);
	if (!h->n_threads)
		return NULL;
	s = &h->slots[at % h->n_slots];
	pthread_mutex_lock(&h->lock);
	h->waits = true;
	if (!s->ready)
		while (!enough(h))
			pthread_cond_wait(&h->done, &h->lock);
	h->waits = false;
	pthread_mutex_unlock(&h->lock);
	return &s->item;
}

enum pm_rc pm_ahead_give(struct pm_ahead *h, struct pm_ahead_item *item)
{
	struct slot *s = (struct slot *)item;
	struct pm_ctx *ctx = h->ex->ctx;
	enum pm_rc rc = PM_OK;

	ctx->bytes_read += item->ctx.bytes_read;
	ctx->reads += item->ctx.reads;
	if (item->state != PM_AHEAD_NOT && item->ctx.rc)
		rc = pm_fail(ctx, item->ctx.rc, "%s", item->ctx.text);
	else if (item->state != PM_AHEAD_NOT)
		rc = pm_spend(ctx, item->ctx.effort);
	pthread_mutex_lock(&h->lock);
	s->ready = false;
	h->n_ready--;
	h->given++;
	if (h->idle && (h->next - h->given <= h->n_slots / 2 || h->next - h->given == h->n_ready))
		pthread_cond_broadcast(&h->room);
	pthread_mutex_unlock(&h->lock);
	return rc;
}
