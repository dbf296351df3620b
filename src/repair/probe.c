/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs no mending, found by threads.
 *
 * Most objects of most files are in order, and to see that takes longer than to mend the others. Each
 * thread goes through the motions with a repair of its own, in which nothing can be stored or told:
 * what tries to fails, and comes again, in order, in the one that counts. So the result does not depend
 * on the number of threads.
 */
#include "repair/repair.h"

#include "base/pool.h"

struct probe {
	struct pm_ctx ctx;
	struct pm_analysis an;
	struct pm_model model;
	struct pm_repair repair;
};

struct probes {
	struct pm_repair *r;
	const struct pm_repair_probe *what;
	struct pm_bitmap *sound;
	size_t next; /* that no thread has taken */
	struct probe v[];
};

static enum pm_rc refuse(struct pm_block_sink *sink, bool internal, const uint8_t *p, size_t n,
			 pm_bid *ret_bid)
{
	struct pm_repair *r = (void *)((uint8_t *)sink - offsetof(struct pm_repair, sink));

	(void)internal;
	(void)p;
	(void)n;
	*ret_bid = 0;
	return pm_repair_refuse(r);
}

enum pm_rc pm_repair_refuse(struct pm_repair *r)
{
	/* Nobody reads the text, so nothing is put into it. */
	r->ctx->rc = PM_ELIMIT;
	return PM_ELIMIT;
}

static enum pm_rc begin(struct probes *s, struct probe *p)
{
	const struct pm_repair *r = s->r;

	p->ctx = (struct pm_ctx){.cancel = r->ctx->cancel, .effort_max = r->ctx->effort_max};
	p->an = *r->an;
	p->an.ctx = &p->ctx;
	pm_ndb_reader(&r->an->db, &p->ctx, &p->an.db);
	p->model = *r->model;
	p->model.an = &p->an;
	p->repair = *r;
	p->repair.ctx = &p->ctx;
	p->repair.an = &p->an;
	p->repair.model = &p->model;
	p->repair.sink.put = refuse;
	p->repair.probing = true;
	p->repair.named = (struct pm_bitmap){0};
	return pm_bitmap_init(&p->ctx, &p->repair.named, r->named.n);
}

static void end(struct probe *p)
{
	pm_ndb_reader_done(&p->an.db);
}

static void set_shared(struct pm_bitmap *bm, size_t i)
{
	__atomic_fetch_or(&bm->w[i / 64], (uint64_t)1 << (i % 64), __ATOMIC_RELAXED);
}

static bool test_shared(const struct pm_bitmap *bm, size_t i)
{
	return __atomic_load_n(&bm->w[i / 64], __ATOMIC_RELAXED) >> (i % 64) & 1;
}

static void work(void *arg, unsigned int k)
{
	struct probes *s = arg;
	struct probe *p = &s->v[k];
	const struct pm_repair_probe *what = s->what;
	bool stop = begin(s, p) != PM_OK;

	while (!stop) {
		size_t at = __atomic_fetch_add(&s->next, what->chunk, __ATOMIC_RELAXED);

		if (at >= what->n || (k == 0 && pm_tick(s->r->ctx, what->phase, at, what->n)))
			break;
		for (size_t i = at; i < what->n && i < at + what->chunk; i++) {
			if (test_shared(s->sound, i))
				continue;
			if (what->sound(&p->repair, i) && !p->ctx.rc)
				set_shared(s->sound, i);
			p->ctx.rc = PM_OK; /* an error is met again by who looks in order */
		}
	}
	end(p);
}

/* What the threads spent and learnt is this repair's. */
static enum pm_rc take(struct pm_repair *r, struct probe *p)
{
	const struct pm_bitmap *named = &p->repair.named;

	for (uint64_t i = 0; i < named->n; i += 64)
		r->named.w[i / 64] |= named->w[i / 64];
	pm_bitmap_done(&p->repair.named);
	r->ctx->bytes_read += p->ctx.bytes_read;
	r->ctx->reads += p->ctx.reads;
	return pm_spend(r->ctx, p->ctx.effort);
}

enum pm_rc pm_repair_probe(struct pm_repair *r, const struct pm_repair_probe *what,
			   struct pm_bitmap *ret)
{
	struct probes *s;
	struct pm_pool *pool;

	*ret = (struct pm_bitmap){0};
	if (pm_bitmap_init(r->ctx, ret, what->n))
		return r->ctx->rc;
	for (size_t i = 0; i < what->n && what->known; i++)
		if (what->known(r, i))
			pm_bitmap_set(ret, i);
	pool = what->n > what->chunk ? pm_pool_new(r->ctx) : NULL;
	if (!pool)
		return r->ctx->rc;
	s = pm_calloc(r->ctx, 1, sizeof(*s) + pm_pool_size(pool) * sizeof(s->v[0]));
	if (s) {
		s->r = r;
		s->what = what;
		s->sound = ret;
		pm_pool_run(pool, work, s);
		for (unsigned int k = 0; k < pm_pool_size(pool); k++)
			if (take(r, &s->v[k]))
				break;
	}
	pm_free(s);
	pm_pool_free(pool);
	return r->ctx->rc;
}
