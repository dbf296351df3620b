/* SPDX-License-Identifier: Apache-2.0 */
/* The check as a whole: passes from the header upwards, so that causes come before what
 * follows from them. */
#include "check/internal.h"

#include "base/stats.h"

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
	static const struct {
		void (*run)(struct pm_checker *c);
		const char *phase;
		bool always; /* without a sweep, too */
		bool blocks; /* what it tells is of blocks */
	} passes[] = {
		{pm_check_header, "structure", true, false},
		{pm_check_bits, "structure", true, true},
		{pm_check_pages, "structure", true, false},
		{pm_check_ahead, "structure", true, false},
		{pm_check_blocks, "structure", true, true},
		{pm_check_internal, "structure", false, true},
		{pm_check_refs, "structure", false, true},
		{pm_check_alloc, "structure", true, false},
		{pm_check_nodes, "structure", true, false},
		{pm_check_contents, "contents", true, false},
	};
	struct pm_checker c = {.an = an, .ctx = an->ctx, .f = an->db.fmt, .opt = opt, .sink = sink};
	uint64_t faults, blocks = 0;

	c.rc = pm_bitmap_init(c.ctx, &c.tainted, an->db.blocks.n);
	pm_phase(c.ctx, "structure");
	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]) && !c.rc; i++) {
		if (opt->quick && !an->swept && !passes[i].always)
			continue;
		pm_phase(c.ctx, passes[i].phase);
		faults = pm_check_faults(&c);
		passes[i].run(&c);
		blocks += passes[i].blocks ? pm_check_faults(&c) - faults : 0;
	}
	an->blocks_sound = !opt->quick && !c.rc && !blocks;
	for (unsigned i = 0; i < 2; i++) {
		pm_map_done(&c.bad_lo[i]);
		pm_vec_done(&c.lost[i]);
	}
	pm_bitmap_done(&c.tainted);
	pm_bitmap_done(&c.sound_tables);
	pm_bitmap_done(&c.used);
	pm_model_done(&c.model);
	pm_names_close(&c.names);
	pm_vec_done(&c.unwhole);
	pm_buf_done(&c.path);
	pm_buf_done(&c.buf);
	return c.rc;
}
