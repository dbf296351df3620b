/* SPDX-License-Identifier: Apache-2.0 */
/* A property context of an input's blocks (fuzz.h): every getter, its rules, storing it anew. */
#include "fuzz.h"

#include "ltp/props.h"

#define READ_MAX ((uint64_t)1 << 20)

static void property(struct pm_pc *pc, const struct pm_prop *p)
{
	struct pm_ctx *ctx = pc->db->ctx;
	struct pm_value v;
	struct pm_buf out = {0};
	uint32_t rules = 0, u32 = 0;
	uint64_t u64 = 0;
	const struct pm_sub *sub = NULL;
	enum pm_rc rc = pm_pc_value(pc, p, &v);

	pm_fuzz_result(ctx, rc);
	must(pm_is_error(rc) || rc == v.state);
	if (rc == PM_OK || rc == PM_DAMAGED) {
		pm_fuzz_result(ctx, pm_value_read(ctx, &v, READ_MAX, &out));
		must(out.n <= READ_MAX);
		out.n = 0;
		pm_fuzz_result(ctx, pm_value_text(ctx, &v, 1252, &out));
	}
	pm_value_done(&v);
	pm_fuzz_result(ctx, pm_pc_prop_rules(pc, p, true, READ_MAX, &rules));
	pm_fuzz_result(ctx, pm_pc_u32(pc, p->id, &u32));
	pm_fuzz_result(ctx, pm_pc_u64(pc, p->id, &u64));
	pm_fuzz_result(ctx, pm_pc_time(pc, p->id, &u64));
	pm_fuzz_result(ctx, pm_pc_binary(pc, p->id, READ_MAX, &out));
	pm_fuzz_result(ctx, pm_pc_string(pc, p->id, 932, &out));
	pm_fuzz_result(ctx, pm_pc_object(pc, p->id, &sub, &u32));
	pm_buf_done(&out);
}

/* What could be loaded can be stored, and is a sound context then. */
static void rebuild(struct pm_fuzz_db *d, struct pm_pc *pc)
{
	struct pm_props props;
	struct pm_pc again;
	pm_bid data = 0, sub = 0;
	enum pm_rc rc;

	pm_props_init(&props, &d->ctx, d->db.fmt);
	rc = pm_props_load(&props, pc);
	pm_fuzz_result(&d->ctx, rc);
	rc = pm_props_build(&props, &d->sink, &data, &sub);
	pm_fuzz_result(&d->ctx, rc);
	if (rc == PM_OK) {
		must(pm_pc_open(&d->db, data, sub, &again) == PM_OK);
		must(again.props.n == props.v.n);
		for (size_t i = 0; i < again.props.n; i++)
			must(again.props.v[i].id == props.v.v[i].id &&
			     again.props.v[i].type == props.v.v[i].type);
		must(!again.rules && !again.bth_rules && !again.heap.rules);
		pm_pc_close(&again);
	}
	pm_props_done(&props);
}

int pm_fuzz_pc(const uint8_t *p, size_t n)
{
	struct pm_fuzz_db d;
	struct pm_pc pc;

	if (pm_fuzz_db_open(&d, p, n)) {
		pm_fuzz_result(&d.ctx, pm_pc_open_node(&d.db, PM_FUZZ_NID, &pc));
		for (size_t i = 0; i < pc.props.n; i++) {
			must(!i || pc.props.v[i].id > pc.props.v[i - 1].id);
			must(pm_pc_find(&pc, pc.props.v[i].id) == &pc.props.v[i]);
			property(&pc, &pc.props.v[i]);
		}
		rebuild(&d, &pc);
		pm_pc_close(&pc);
	}
	pm_fuzz_db_close(&d);
	return 0;
}
