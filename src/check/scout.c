/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are in order, found by threads.
 *
 * Most messages of most files are. Of those in a folder's table threads look at one after the other,
 * each with a reader, a table and a sink of its own, and note which gave nothing to report. Of these
 * the check takes what it wants to know; at the others it looks again, in order, so that numbers,
 * causes and texts of problems are the same with any number of threads. Where many are not in order
 * the threads stop: looking twice at all would take longer.
 */
#include "check/content.h"

#include "base/pool.h"

enum {
	ROWS_MIN = 64, /* fewer are not worth it */
	/* Rows that a thread takes at once: of a large table so many that blocks of rows and cells are
	 * mostly one thread's. */
	CHUNK_MIN = 16,
	CHUNK_MAX = 1024,
	CHUNKS = 16,     /* a thread, where that gives more */
	SAMPLE = 256,    /* rows after which threads may stop */
	SOUND_SHARE = 8, /* they do when more than one of so many is not in order */
	KEPT_BLOCKS = 32,
};

struct scout {
	struct pm_scout w;
	struct pm_tc tc;
};

struct pm_scouts {
	struct pm_checker *c;
	struct pm_pool *pool;
	unsigned int n;
	PM_VEC(struct pm_verdict) verdicts; /* by row */
	/* The table at hand. */
	pm_nid table;
	const struct pm_tc *tc;
	uint32_t folder;
	size_t rows, chunk;
	/* Of all threads. */
	size_t next, looked, odd;
	bool stop;
	struct scout v[];
};

/* ---- a thread ---- */

void pm_scout_begin(struct pm_scout *w, const struct pm_checker *c)
{
	w->ctx = (struct pm_ctx){.cancel = c->ctx->cancel, .effort_max = c->ctx->effort_max};
	w->an = *c->an;
	w->an.ctx = &w->ctx;
	pm_ndb_reader(&c->an->db, &w->ctx, &w->an.db);
	w->c = (struct pm_checker){.an = &w->an,
				   .ctx = &w->ctx,
				   .f = c->f,
				   .opt = c->opt,
				   .sink = &w->sink,
				   .end = c->end,
				   .tainted = c->tainted,
				   .model = c->model,
				   .names = c->names,
				   .names_known = c->names_known,
				   .codepage = c->codepage,
				   .scouting = true};
	w->c.model.an = &w->an;
	/* So that to assess a message right after its check reads no block again. It does without, too. */
	if (c->opt->assess && pm_ndb_keep_blocks(&w->an.db, KEPT_BLOCKS))
		w->ctx.rc = PM_OK;
}

void pm_scout_end(struct pm_scout *w)
{
	pm_bitmap_done(&w->c.used);
	pm_buf_done(&w->c.buf);
	pm_sink_done(&w->sink);
	pm_ndb_reader_done(&w->an.db);
}

void pm_scout_account(struct pm_checker *c, const struct pm_scout *w)
{
	c->ctx->bytes_read += w->ctx.bytes_read;
	c->ctx->reads += w->ctx.reads;
	pm_check_stop(c, pm_spend(c->ctx, w->ctx.effort));
}

static enum pm_rc on_diff(void *arg, const struct pm_table_diff *d)
{
	struct pm_scout *w = arg;

	if (pm_check_diff_counts(d))
		w->c.subject.first = 1;
	return PM_OK;
}

/* What there was to report is only what is no fault: how often. False: more than can be noted. */
static bool take_infos(struct pm_scout *w, struct pm_verdict *v)
{
	size_t k = 0;

	if (!w->sink.serial)
		return true;
	if (w->sink.serial != w->sink.severity[PM_SEV_INFO])
		return false;
	for (size_t id = 0; id < PM_P_COUNT; id++) {
		if (!w->sink.n[id])
			continue;
		if (k == sizeof(v->infos) / sizeof(v->infos[0]) || w->sink.n[id] > UINT8_MAX)
			return false;
		v->infos[k].id = (uint8_t)id;
		v->infos[k++].n = (uint8_t)w->sink.n[id];
	}
	return true;
}

static bool is_whole(struct pm_scout *w, pm_nid nid)
{
	const struct pm_node *n = pm_ndb_find_node(&w->an.db, nid);
	const bool yes = n && pm_message_whole(&w->an.db, nid, n->data, n->sub);

	w->ctx.rc = PM_OK; /* an error is met again by who assesses it then */
	return yes;
}

static bool look(struct pm_scouts *s, struct scout *w, struct pm_row_compare *cmp, size_t row,
		 struct pm_verdict *v)
{
	struct pm_checker *c = &w->w.c;
	struct pm_message_facts facts = {0};

	pm_sink_done(&w->w.sink);
	pm_sink_init(&w->w.sink, &w->w.ctx, NULL, NULL);
	pm_check_message(c, w->tc.rows.v[row].id, s->folder, cmp, row, &facts);
	if (c->rc || w->w.ctx.rc) {
		/* Who looks in order meets it, too. */
		c->rc = w->w.ctx.rc = PM_OK;
		return false;
	}
	if (!facts.readable || c->subject.first || c->subject.lossy || c->subject.tainted ||
	    !take_infos(&w->w, v))
		return false;
	v->flags = facts.flags;
	v->has_flags = facts.has_flags;
	v->whole = c->opt->assess && (!c->subject.odd || is_whole(&w->w, w->tc.rows.v[row].id));
	return true;
}

static void look_at_chunk(struct pm_scouts *s, struct scout *w, struct pm_row_compare *cmp,
			  size_t at)
{
	size_t end = s->rows - at < s->chunk ? s->rows : at + s->chunk, odd = 0, all;

	for (size_t i = at; i < end; i++) {
		struct pm_verdict *v = &s->verdicts.v[i];

		v->sound = look(s, w, cmp, i, v);
		odd += !v->sound;
	}
	all = __atomic_add_fetch(&s->looked, end - at, __ATOMIC_RELAXED);
	odd = __atomic_add_fetch(&s->odd, odd, __ATOMIC_RELAXED);
	if (all >= SAMPLE && odd > all / SOUND_SHARE)
		__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
}

static void look_at_rows(void *arg, unsigned int k)
{
	struct pm_scouts *s = arg;
	struct scout *w = &s->v[k];
	struct pm_row_compare cmp = {.tc = &w->tc, .fn = on_diff, .arg = &w->w};
	const struct pm_node *n;
	size_t at;

	pm_scout_begin(&w->w, s->c);
	n = pm_ndb_find_node(&w->w.an.db, s->table);
	if (!pm_is_error(pm_tc_open_again(s->tc, &w->w.an.db, n->data, n->sub, &w->tc))) {
		while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
			at = __atomic_fetch_add(&s->next, s->chunk, __ATOMIC_RELAXED);
			if (at >= s->rows)
				break;
			look_at_chunk(s, w, &cmp, at);
			if (k == 0 &&
			    pm_tick(s->c->ctx, "contents", s->folder, s->c->model.folders.n))
				__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
		}
	}
	pm_row_compare_done(&cmp);
	pm_tc_close(&w->tc);
	pm_scout_end(&w->w);
}

/* ---- the check ---- */

void pm_scouts_open(struct pm_checker *c)
{
	struct pm_pool *pool = pm_pool_new(c->ctx);
	struct pm_scouts *s;

	if (!pool) {
		pm_check_stop(c, c->ctx->rc);
		return;
	}
	s = pm_calloc(c->ctx, 1, sizeof(*s) + pm_pool_size(pool) * sizeof(s->v[0]));
	if (!s) {
		pm_pool_free(pool);
		c->rc = c->ctx->rc;
		return;
	}
	s->c = c;
	s->pool = pool;
	s->n = pm_pool_size(pool);
	c->scouts = s;
}

void pm_scouts_close(struct pm_checker *c)
{
	if (!c->scouts)
		return;
	pm_pool_free(c->scouts->pool);
	pm_vec_done(&c->scouts->verdicts);
	pm_free(c->scouts);
	c->scouts = NULL;
}

static bool room_for(struct pm_scouts *s, size_t rows)
{
	struct pm_verdict *v = s->verdicts.v;

	if (s->verdicts.cap < rows) {
		v = pm_realloc(s->c->ctx, v, rows, sizeof(*v));
		if (!v) {
			s->c->rc = s->c->ctx->rc;
			return false;
		}
		s->verdicts.v = v;
		s->verdicts.cap = rows;
	}
	memset(v, 0, rows * sizeof(*v));
	return true;
}

const struct pm_verdict *pm_scout_rows(struct pm_checker *c, pm_nid table, uint32_t folder,
				       const struct pm_tc *tc)
{
	struct pm_scouts *s = c->scouts;
	const size_t rows = tc->rows.n;

	if (!s || c->rc || c->sink->infos || rows < ROWS_MIN || !room_for(s, rows))
		return NULL;
	s->table = table;
	s->tc = tc;
	s->folder = folder;
	s->rows = rows;
	s->chunk = rows / (CHUNKS * s->n);
	s->chunk = s->chunk < CHUNK_MIN ? CHUNK_MIN : s->chunk > CHUNK_MAX ? CHUNK_MAX : s->chunk;
	s->next = s->looked = s->odd = 0;
	s->stop = false;
	pm_pool_run(s->pool, look_at_rows, s);
	for (unsigned int k = 0; k < s->n; k++)
		pm_scout_account(c, &s->v[k].w);
	pm_check_stop(c, c->ctx->rc);
	return s->verdicts.v;
}
