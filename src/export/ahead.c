/* SPDX-License-Identifier: Apache-2.0 */
/* Rendering ahead; see ahead.h. */
#include "export/ahead.h"

#include "base/codepage.h"
#include "base/pool.h"

/* With few items ready threads and writer wait for each other, and waking them takes longer than the
 * work does. */
enum { THREADS_MAX = 64, KEPT_BLOCKS = 4, SLOTS = 16, SLOTS_MAX = 96, SLOTS_MIN = 2 };

/* Room for mail: what an item has from the start, what it may keep for the next, what one may have;
 * what all of them may have beyond the first. */
#define LEAST     ((size_t)64 << 10)
#define KEPT      ((size_t)512 << 10)
#define ALL_BYTES ((size_t)12 << 20)

struct slot {
	struct pm_ahead_item item; /* first */
	struct pm_mail_sink sink;
	struct thread *owner;
	struct slot *next_free;
	bool ready, open; /* it is done; its message is to be closed */
};

/* Each has slots of its own: what one thread allocates and another frees they both wait for. */
struct thread {
	struct pm_ahead *ahead;
	pthread_t id;
	pthread_cond_t room;
	struct slot *free;
	size_t n_free;
	bool waits;
};

struct pm_ahead {
	struct pm_export *ex;
	struct pm_exporter *form;
	PM_VEC(uint32_t) line;
	uint64_t effort_max;
	unsigned int jobs, n_threads;
	bool tried; /* to start them */
	struct thread threads[THREADS_MAX];
	struct slot *slots, **at; /* at: by number in the line, modulo their number */
	size_t n_slots, share;    /* share: a thread's */
	size_t more;              /* bytes that they have beyond what each has from the start */
	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t done;
	size_t next;      /* that is to be begun */
	size_t given;     /* the writer is done with those before */
	size_t n_ready;   /* not given back yet */
	size_t want;      /* that many are worth waking the writer */
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

static bool reserve(struct pm_ahead *h, size_t n)
{
	if (__atomic_add_fetch(&h->more, n, __ATOMIC_RELAXED) <= ALL_BYTES)
		return true;
	__atomic_sub_fetch(&h->more, n, __ATOMIC_RELAXED);
	return false;
}

/* The room that large mails took is not kept. */
static void drop_room(struct pm_ahead *h, struct slot *s)
{
	struct pm_mail_out *o = &s->item.out;
	const size_t had = o->size;

	pm_mime_done(&s->item.mime);
	pm_mail_out_shrink(o, LEAST);
	__atomic_sub_fetch(&h->more, had - o->size, __ATOMIC_RELAXED);
}

/* Room that was had once is kept, since to get it again takes time, until others need it. */
static bool more(struct pm_mail_sink *s, size_t n)
{
	struct slot *slot = (void *)((uint8_t *)s - offsetof(struct slot, sink)), *other;
	struct pm_ahead *h = slot->owner->ahead;

	if (slot->item.out.size + n > PM_AHEAD_MOST)
		return false;
	if (reserve(h, n))
		return true;
	pthread_mutex_lock(&h->lock);
	for (other = slot->owner->free; other; other = other->next_free)
		if (other->item.out.size > LEAST)
			drop_room(h, other);
	pthread_mutex_unlock(&h->lock);
	return reserve(h, n);
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
	if (it->out.size > KEPT)
		drop_room(h, s);
	it->ctx = (struct pm_ctx){.cancel = h->ex->ctx->cancel, .effort_max = h->effort_max};
	pm_mail_drop(&it->out);
	s->open = true;
	it->state = pm_export_ahead(h->ex, h->form, message, it);
	if (it->ctx.rc || it->state == PM_AHEAD_NOT) {
		it->state = PM_AHEAD_NOT;
		close_message(s);
	}
	if (it->state == PM_AHEAD_NOT)
		drop_room(h, s);
}

/* The writer is woken when half of what there can be is ready. */
static bool enough(const struct pm_ahead *h)
{
	const struct slot *s = h->at[h->given % h->n_slots];
	const size_t left = h->line.n - h->given;

	return h->given < h->next && s->ready && h->n_ready >= (h->want < left ? h->want : left);
}

/* Under the lock, which is let go meanwhile. */
static void do_next(struct thread *t)
{
	struct pm_ahead *h = t->ahead;
	struct slot *s = t->free;
	const uint32_t message = h->line.v[h->next];

	t->free = s->next_free;
	t->n_free--;
	h->at[h->next++ % h->n_slots] = s;
	pthread_mutex_unlock(&h->lock);
	render(h, s, message);
	pthread_mutex_lock(&h->lock);
	s->ready = true;
	h->n_ready++;
	if (h->waits && enough(h))
		pthread_cond_signal(&h->done);
}

static void *work(void *arg)
{
	struct thread *t = arg;
	struct pm_ahead *h = t->ahead;

	pthread_mutex_lock(&h->lock);
	while (!h->stop) {
		if (t->n_free && h->next < h->line.n) {
			do_next(t);
			continue;
		}
		t->waits = true;
		pthread_cond_wait(&t->room, &h->lock);
		t->waits = false;
	}
	pthread_mutex_unlock(&h->lock);
	pm_cp_done();
	return NULL;
}

/* ---- beginning and end ---- */

static bool make_slot(struct pm_ahead *h, struct slot *s, struct thread *owner)
{
	struct pm_ahead_item *it = &s->item;

	s->owner = owner;
	s->sink = (struct pm_mail_sink){.write = too_large, .more = more};
	pm_ndb_reader(&h->ex->an->db, &it->ctx, &it->db);
	if (h->form->ops->init_ahead(h->form, &it->ctx, &it->mime, &it->out, &s->sink, LEAST) ||
	    pm_ndb_keep_blocks(&it->db, KEPT_BLOCKS)) {
		pm_ndb_reader_done(&it->db);
		pm_mail_out_done(&it->out);
		return false;
	}
	s->next_free = owner->free;
	owner->free = s;
	owner->n_free++;
	return true;
}

static bool make_slots(struct pm_ahead *h)
{
	struct pm_export *ex = h->ex;
	size_t n;

	h->share = SLOTS_MAX / h->jobs < SLOTS ? SLOTS_MAX / h->jobs : SLOTS;
	h->share = h->share < SLOTS_MIN ? SLOTS_MIN : h->share;
	n = h->share * h->jobs;
	h->slots = pm_calloc(ex->ctx, n, sizeof(*h->slots));
	h->at = pm_calloc(ex->ctx, n, sizeof(h->at[0]));
	if (!h->slots || !h->at)
		return false;
	for (h->n_slots = 0; h->n_slots < n; h->n_slots++)
		if (!make_slot(h, &h->slots[h->n_slots], &h->threads[h->n_slots / h->share]))
			return false;
	return true;
}

static void start(struct pm_ahead *h, size_t at)
{
	h->tried = true;
	h->next = h->given = at;
	for (unsigned int k = 0; k < h->jobs; k++) {
		h->threads[k].ahead = h;
		pthread_cond_init(&h->threads[k].room, NULL);
	}
	if (!make_slots(h))
		return;
	while (h->n_threads < h->jobs &&
	       pm_thread_start(&h->threads[h->n_threads].id, work, &h->threads[h->n_threads]))
		h->n_threads++;
	pthread_mutex_lock(&h->lock);
	h->want = h->n_threads * h->share / 2;
	pthread_mutex_unlock(&h->lock);
}

void pm_ahead_free(struct pm_ahead *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	for (unsigned int i = 0; i < h->n_threads; i++)
		pthread_cond_signal(&h->threads[i].room);
	pthread_mutex_unlock(&h->lock);
	for (unsigned int i = 0; i < h->n_threads; i++)
		pthread_join(h->threads[i].id, NULL);
	for (size_t i = 0; i < h->n_slots; i++) {
		struct pm_ahead_item *it = &h->slots[i].item;

		close_message(&h->slots[i]);
		pm_mime_done(&it->mime);
		pm_mail_out_done(&it->out);
		pm_ndb_reader_done(&it->db);
	}
	for (unsigned int i = 0; i < h->jobs && h->tried; i++)
		pthread_cond_destroy(&h->threads[i].room);
	pthread_cond_destroy(&h->done);
	pthread_mutex_destroy(&h->lock);
	pm_free(h->slots);
	pm_free(h->at);
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
	pthread_mutex_lock(&h->lock);
	h->waits = true;
	if (at >= h->next || !h->at[at % h->n_slots]->ready)
		while (!enough(h))
			pthread_cond_wait(&h->done, &h->lock);
	h->waits = false;
	s = h->at[at % h->n_slots];
	pthread_mutex_unlock(&h->lock);
	return &s->item;
}

enum pm_rc pm_ahead_give(struct pm_ahead *h, struct pm_ahead_item *item)
{
	struct slot *s = (struct slot *)item;
	struct thread *t = s->owner;
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
	s->next_free = t->free;
	t->free = s;
	if (++t->n_free > h->share / 2 && t->waits)
		pthread_cond_signal(&t->room);
	pthread_mutex_unlock(&h->lock);
	return rc;
}
