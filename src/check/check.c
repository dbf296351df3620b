/* SPDX-License-Identifier: Apache-2.0 */
/* The check as a whole: passes from the header upwards, so that causes come before what
 * follows from them. */
#include "check/internal.h"

uint64_t pm_check_add(struct pm_checker *c, struct pm_problem *p)
{
	if (c->rc)
		return 0;
	c->rc = pm_sink_add(c->sink, p);
	return c->rc ? 0 : p->serial;
}

uint64_t pm_check_blame(struct pm_checker *c, enum pm_cause kind, uint64_t key,
			struct pm_problem *p)
{
	if (!pm_check_add(c, p))
		return 0;
	/* An error does not follow from a warning. */
	if (pm_problem_rows[p->id].severity == PM_SEV_ERROR)
		c->rc = pm_sink_blame(c->sink, kind, key, p);
	return p->serial;
}

uint64_t pm_check_lost_cause(const struct pm_checker *c, unsigned tree, uint64_t key)
{
	size_t lo = 0, hi = c->lost[tree].n;

	/* The last range that starts at or before key. */
	while (hi > lo) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->lost[tree].v[mid].lo <= key)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo && key < c->lost[tree].v[lo - 1].hi)
		return c->lost[tree].v[lo - 1].serial;
	return c->root_serial[tree];
}

uint64_t pm_check_block_cause(const struct pm_checker *c, pm_bid bid)
{
	uint64_t serial = pm_sink_cause(c->sink, PM_CAUSE_BLOCK, pm_bid_key(bid));

	return serial ? serial : pm_check_lost_cause(c, 0, pm_bid_key(bid));
}

uint64_t pm_check_loss(const struct pm_checker *c)
{
	for (unsigned tree = 2; tree-- > 0;) {
		if (c->root_serial[tree])
			return c->root_serial[tree];
		if (c->lost[tree].n)
			return c->lost[tree].v[0].serial;
	}
	return c->inner_serial;
}

enum pm_rc pm_check(struct pm_analysis *an, const struct pm_check_options *opt,
		    struct pm_sink *sink)
{
	static void (*const passes[])(struct pm_checker *) = {
		pm_check_header, pm_check_pages, pm_check_blocks, pm_check_internal,
		pm_check_refs,   pm_check_alloc, pm_check_nodes,  pm_check_contents,
	};
	struct pm_checker c = {.an = an, .ctx = an->ctx, .f = an->db.fmt, .opt = opt, .sink = sink};

	c.rc = pm_bitmap_init(c.ctx, &c.tainted, an->db.blocks.n);
	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]) && !c.rc; i++)
		passes[i](&c);
	for (unsigned i = 0; i < 2; i++) {
		pm_map_done(&c.bad_lo[i]);
		pm_vec_done(&c.lost[i]);
	}
	pm_bitmap_done(&c.tainted);
	pm_bitmap_done(&c.used);
	pm_model_done(&c.model);
	pm_names_close(&c.names);
	pm_vec_done(&c.unwhole);
	pm_buf_done(&c.path);
	pm_buf_done(&c.buf);
	return c.rc;
}
