/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in order, found ahead by threads: the space of the file, and tables.
 *
 * Each thread has a sink of its own. Where it has got nothing the check need not look; where it has
 * got anything the check looks again, in order, so that numbers, causes and texts of problems are the
 * same with any number of threads.
 *
 * Checks: nothing that it tells.
 * Gathers: that the space is in order; which tables are; without a sweep, verified blocks of folders
 * and their tables.
 * Needs: the header.
 */
#include "check/content.h"

#include "base/map.h"
#include "base/pool.h"
#include "base/sort.h"

struct job {
	uint64_t order;
	size_t node; /* whose blocks and tables are looked at, in db.nodes */
};

struct ahead {
	struct pm_checker *c;
	PM_VEC(struct job)
	nodes;          /* the largest tables first: else one is still at work when all is done */
	uint8_t *sound; /* parallel to it */
	bool read;      /* there was no sweep: blocks are to be verified */
	size_t next;    /* job: 0 is the space, then the nodes */
	struct pm_scout *scouts;
};

static bool is_table(pm_nid nid)
{
	const unsigned type = pm_nid_type(nid);

	return type == PM_NT_HIERARCHY || type == PM_NT_CONTENTS || type == PM_NT_ASSOC_CONTENTS;
}

/* All blocks of a tree that were not are read, and with that verified. */
static void read_data(struct pm_checker *c, pm_bid bid)
{
	struct pm_data d;

	pm_check_stop(c, pm_data_open(&c->an->db, bid, &d));
	for (size_t i = 0; i < d.leaves.n && !c->rc; i++) {
		const struct pm_block *b = pm_ndb_find_block(&c->an->db, d.leaves.v[i].bid);

		if (!b || pm_block_known(b) & PM_BF_CHECKED)
			continue;
		pm_buf_clear(&c->buf);
		pm_check_stop(c, pm_data_read_leaf(&d, i, &c->buf));
	}
	pm_data_close(&d);
}

static void read_node(struct pm_checker *c, const struct pm_node *n)
{
	struct pm_subs subs;

	read_data(c, n->data);
	pm_check_stop(c, pm_subs_open(&c->an->db, n->sub, &subs));
	for (size_t k = 0; k < subs.v.n && !c->rc; k++)
		read_data(c, subs.v.v[k].data);
	pm_subs_close(&subs);
}

/* ---- a thread ---- */

static bool nothing_told(const struct pm_scout *w)
{
	return !w->c.rc && !w->ctx.rc && !w->sink.serial;
}

static bool table_sound(struct pm_scout *w, const struct pm_node *n)
{
	struct pm_checker *c = &w->c;
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&w->an.db, n->data, n->sub, &tc);

	if (!pm_check_stop(c, rc))
		pm_check_tc(c, &tc, rc);
	pm_tc_close(&tc);
	return rc == PM_OK && nothing_told(w);
}

static bool look_at(const struct ahead *a, struct pm_scout *w, const struct pm_node *n)
{
	const bool sound = is_table(n->nid) && !a->c->opt->structure && table_sound(w, n);

	if (a->read)
		read_node(&w->c, n);
	return sound;
}

static void work(void *arg, unsigned int k)
{
	struct ahead *a = arg;
	struct pm_scout *w = &a->scouts[k];
	const struct pm_ndb *db = &a->c->an->db;

	pm_scout_begin(w, a->c);
	for (;;) {
		const size_t job = __atomic_fetch_add(&a->next, 1, __ATOMIC_RELAXED);

		if (job > a->nodes.n ||
		    (k == 0 && pm_tick(a->c->ctx, "structure", job, a->nodes.n)))
			break;
		pm_sink_done(&w->sink);
		pm_sink_init(&w->sink, &w->ctx, NULL, NULL);
		w->c.rc = w->ctx.rc = PM_OK; /* who looks in order meets it, too */
		if (job) {
			a->sound[job - 1] = look_at(a, w, &db->nodes.v[a->nodes.v[job - 1].node]);
		} else {
			pm_check_alloc(&w->c);
			a->c->space_sound = nothing_told(w);
		}
	}
	pm_scout_end(w);
}

/* ---- the check ---- */

static bool wanted(const struct ahead *a, const struct pm_node *n)
{
	const unsigned type = pm_nid_type(n->nid);

	if (is_table(n->nid))
		return a->read || !a->c->opt->structure;
	return a->read && (type == PM_NT_FOLDER || type == PM_NT_SEARCH || n->nid == PM_NID_STORE ||
			   n->nid == PM_NID_NAMEMAP);
}

/* How many messages each folder has, by its index. */
static void count(const struct pm_checker *c, struct pm_map *ret)
{
	const struct pm_ndb *db = &c->an->db;

	for (size_t i = 0; i < db->nodes.n; i++) {
		struct pm_map_entry *e;
		bool new;

		if (pm_nid_type(db->nodes.v[i].nid) != PM_NT_MESSAGE)
			continue;
		e = pm_map_get(c->ctx, ret, db->nodes.v[i].parent >> 5, &new);
		if (!e)
			return;
		e->value = new ? 1 : e->value + 1;
	}
}

static void gather(struct ahead *a, bool threads)
{
	const struct pm_ndb *db = &a->c->an->db;
	struct pm_ctx *ctx = a->c->ctx;
	struct pm_map rows = {0};

	if (threads)
		count(a->c, &rows);
	for (size_t i = 0; i < db->nodes.n && !ctx->rc; i++) {
		const struct pm_node *n = &db->nodes.v[i];
		const struct pm_map_entry *e = NULL;
		struct job *slot;

		if (!wanted(a, n))
			continue;
		if (pm_nid_type(n->nid) == PM_NT_CONTENTS)
			e = pm_map_find(&rows, n->nid >> 5);
		slot = pm_vec_push(ctx, &a->nodes);
		if (slot)
			*slot = (struct job){e ? UINT64_MAX - e->value : UINT64_MAX, i};
	}
	pm_map_done(&rows);
	if (threads && !ctx->rc)
		pm_check_stop(a->c, pm_sort_member(ctx, &a->nodes, order));
	pm_check_stop(a->c, ctx->rc);
}

static void with_threads(struct ahead *a, struct pm_pool *pool)
{
	struct pm_checker *c = a->c;
	const unsigned int n = pm_pool_size(pool);

	a->sound = pm_calloc(c->ctx, a->nodes.n + 1, 1);
	a->scouts = pm_calloc(c->ctx, n, sizeof(a->scouts[0]));
	if (!a->sound || !a->scouts ||
	    pm_bitmap_init(c->ctx, &c->sound_tables, c->an->db.nodes.n)) {
		c->rc = c->ctx->rc;
		return;
	}
	pm_pool_run(pool, work, a);
	for (unsigned int k = 0; k < n; k++)
		pm_scout_account(c, &a->scouts[k]);
	for (size_t i = 0; i < a->nodes.n; i++)
		if (a->sound[i])
			pm_bitmap_set(&c->sound_tables, a->nodes.v[i].node);
	pm_check_stop(c, c->ctx->rc);
}

/*
 * Without a sweep the blocks of folders and their tables are read in any case, so that what is wrong
 * with these is known when blocks are looked at. The others stay as they are: not verified, and not
 * reported.
 */
void pm_check_ahead(struct pm_checker *c)
{
	struct ahead a = {.c = c, .read = c->opt->quick && !c->an->swept};
	/* Who lists what is no fault wants that of sound things, too. */
	struct pm_pool *pool = c->sink->infos ? NULL : pm_pool_new(c->ctx);

	pm_check_stop(c, c->ctx->rc);
	gather(&a, pool != NULL);
	if (!c->rc && pool)
		with_threads(&a, pool);
	for (size_t i = 0; i < a.nodes.n && a.read && !pool && !c->rc; i++)
		read_node(c, &c->an->db.nodes.v[a.nodes.v[i].node]);
	pm_pool_free(pool);
	pm_vec_done(&a.nodes);
	pm_free(a.sound);
	pm_free(a.scouts);
}
