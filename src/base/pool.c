/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that share a piece of work; see pool.h. */
#include "base/pool.h"

#include "base/codepage.h"
#include "base/mem.h"

#include <signal.h>

struct worker {
	struct pm_pool *pool;
	unsigned int k;
	pthread_t thread;
};

struct pm_pool {
	unsigned int n; /* threads, the caller's included */
	struct worker workers[PM_POOL_MAX];
	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t begin, end;
	void (*fn)(void *arg, unsigned int k);
	void *arg;
	uint64_t turn;     /* pieces of work so far */
	unsigned int busy; /* threads that are at work, but for the caller's */
	bool stop;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct pm_pool *p = w->pool;
	uint64_t turn = 0;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (p->turn == turn && !p->stop)
			pthread_cond_wait(&p->begin, &p->lock);
		if (p->stop)
			break;
		turn = p->turn;
		pthread_mutex_unlock(&p->lock);
		p->fn(p->arg, w->k);
		pthread_mutex_lock(&p->lock);
		if (!--p->busy)
			pthread_cond_signal(&p->end);
	}
	pthread_mutex_unlock(&p->lock);
	pm_cp_done();
	return NULL;
}

bool pm_thread_start(pthread_t *ret, void *(*fn)(void *arg), void *arg)
{
	sigset_t all, before;
	bool started;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	started = !pthread_create(ret, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

static void start(struct pm_pool *p, unsigned int jobs)
{
	for (p->n = 1; p->n < jobs; p->n++) {
		struct worker *w = &p->workers[p->n];

		*w = (struct worker){.pool = p, .k = p->n};
		if (!pm_thread_start(&w->thread, work, w))
			break;
	}
}

struct pm_pool *pm_pool_new(struct pm_ctx *ctx)
{
	struct pm_pool *p;

	if (ctx->jobs < 2)
		return NULL;
	p = pm_calloc(ctx, 1, sizeof(*p));
	if (!p)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->begin, NULL);
	pthread_cond_init(&p->end, NULL);
	start(p, ctx->jobs < PM_POOL_MAX ? ctx->jobs : PM_POOL_MAX);
	if (p->n > 1)
		return p;
	pm_pool_free(p);
	return NULL;
}

void pm_pool_free(struct pm_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->begin);
	pthread_mutex_unlock(&p->lock);
	for (unsigned int k = 1; k < p->n; k++)
		pthread_join(p->workers[k].thread, NULL);
	pthread_cond_destroy(&p->end);
	pthread_cond_destroy(&p->begin);
	pthread_mutex_destroy(&p->lock);
	pm_free(p);
}

unsigned int pm_pool_size(const struct pm_pool *p)
{
	return p ? p->n : 1;
}

void pm_pool_run(struct pm_pool *p, void (*fn)(void *arg, unsigned int k), void *arg)
{
	if (p) {
		pthread_mutex_lock(&p->lock);
		p->fn = fn;
		p->arg = arg;
		p->busy = p->n - 1;
		p->turn++;
		pthread_cond_broadcast(&p->begin);
		pthread_mutex_unlock(&p->lock);
	}
	fn(arg, 0);
	if (p) {
		pthread_mutex_lock(&p->lock);
		while (p->busy)
			pthread_cond_wait(&p->end, &p->lock);
		pthread_mutex_unlock(&p->lock);
	}
}
