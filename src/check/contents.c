/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes hold: the order of the passes, the subject at hand, objects that are not whole. */
#include "check/content.h"

#include "base/stats.h"
#include "msg/store.h"

/* --- the subject --------------------------------------------------------------------- */

static const char *path_of(struct pm_checker *c, uint32_t folder)
{
	if (folder == PM_NO_FOLDER)
		return NULL;
	if (c->path_of != folder) {
		pm_buf_clear(&c->path);
		c->path_of = PM_NO_FOLDER;
		if (pm_check_stop(c, pm_model_path(&c->model, folder, &c->path)))
			return NULL;
		c->path_of = folder;
	}
	return pm_buf_cstr(c->ctx, &c->path);
}

/* Of an object with a broken heap or table everything else that is wrong follows from that. */
static bool is_root_of_rest(const struct pm_problem_row *row)
{
	return row->layer == PM_PL_HEAP || row->layer == PM_PL_BTH || row->layer == PM_PL_TC;
}

uint64_t pm_check_subject(struct pm_checker *c, struct pm_problem *p)
{
	const struct pm_problem_row *row = &pm_problem_rows[p->id];
	struct pm_subject *s = &c->subject;
	uint64_t serial;

	if (!p->nid) {
		p->nid = s->nid;
		p->sub = s->sub;
	}
	if (!p->caused_by && row->severity != PM_SEV_INFO)
		p->caused_by = s->cause;
	if (!c->scouting && (row->severity != PM_SEV_INFO || c->sink->infos))
		p->path = path_of(c, s->folder);
	serial = pm_check_add(c, p);
	if (row->severity != PM_SEV_ERROR || !serial)
		return serial;
	if (!s->first)
		s->first = serial;
	if (!s->lossy && row->mend == PM_MEND_LOSSY)
		s->lossy = serial;
	if (!s->cause && is_root_of_rest(row)) {
		s->cause = serial;
		pm_check_stop(c, pm_sink_blame(c->sink, PM_CAUSE_NODE, s->nid, p));
	}
	return serial;
}

static bool tainted(const struct pm_checker *c, pm_bid bid)
{
	const struct pm_block *b = bid ? pm_ndb_find_block(&c->an->db, bid) : NULL;

	return b && pm_bitmap_test(&c->tainted, (uint64_t)(b - c->an->db.blocks.v));
}

/* The first thing that is wrong with a block, or one that it names directly. */
static uint64_t cause_within(struct pm_checker *c, pm_bid bid)
{
	uint64_t serial = pm_check_block_cause(c, bid);
	struct pm_data d;
	struct pm_subs s;

	if (serial || !tainted(c, bid) || !pm_bid_internal(bid))
		return serial;
	pm_check_stop(c, pm_data_open(&c->an->db, bid, &d));
	for (size_t i = 0; i < d.leaves.n && !serial; i++)
		serial = pm_check_block_cause(c, d.leaves.v[i].bid);
	for (size_t i = 0; i < d.internal.n && !serial; i++)
		serial = pm_check_block_cause(c, d.internal.v[i]);
	pm_data_close(&d);
	if (serial || c->rc)
		return serial;
	pm_check_stop(c, pm_subs_open(&c->an->db, bid, &s));
	for (size_t i = 0; i < s.internal.n && !serial; i++)
		serial = pm_check_block_cause(c, s.internal.v[i]);
	pm_subs_close(&s);
	return serial;
}

void pm_subject_cause(struct pm_checker *c, pm_bid bid)
{
	if (bid && !c->subject.cause && !c->rc)
		c->subject.cause = pm_ndb_find_block(&c->an->db, bid)
					   ? tainted(c, bid) ? cause_within(c, bid) : 0
					   : pm_check_block_cause(c, bid);
}

void pm_subject_begin(struct pm_checker *c, pm_nid nid, uint32_t folder, pm_bid data, pm_bid sub)
{
	c->subject = (struct pm_subject){.nid = nid, .folder = folder};
	c->subject.cause = pm_sink_cause(c->sink, PM_CAUSE_NODE, nid);
	pm_subject_cause(c, data);
	pm_subject_cause(c, sub);
	c->subject.tainted = tainted(c, data) || tainted(c, sub);
	if (c->subject.tainted)
		c->subject.lossy = c->subject.cause;
}

/* --- objects that are sound ---------------------------------------------------------- */

uint64_t pm_check_faults(const struct pm_checker *c)
{
	return c->sink->serial - c->sink->severity[PM_SEV_INFO];
}

void pm_check_set(struct pm_checker *c, pm_nid nid, unsigned int flags)
{
	struct pm_node *n = pm_ndb_find_node(&c->an->db, nid);

	if (n && n->data && !pm_node_doubt(n))
		n->flags |= (uint8_t)flags;
}

/* --- objects that are not whole ------------------------------------------------------ */

void pm_unwhole_add(struct pm_checker *c, enum pm_object_kind kind, enum pm_object_state state,
		    uint64_t serial)
{
	struct pm_unwhole *u;

	if (c->rc || state == PM_OBJ_WHOLE)
		return;
	u = pm_vec_push(c->ctx, &c->unwhole);
	if (!u) {
		c->rc = c->ctx->rc;
		return;
	}
	*u = (struct pm_unwhole){.serial = serial,
				 .nid = c->subject.nid,
				 .folder = c->subject.folder,
				 .kind = (uint8_t)kind,
				 .state = (uint8_t)state};
	c->sink->affected[kind][state]++;
}

/* "; "-joined texts of the flaws. */
static void put_flaws(struct pm_checker *c, const struct pm_node *n, const struct pm_flaws *flaws)
{
	pm_buf_clear(&c->buf);
	if (n && n->older)
		pm_buf_printf(c->ctx, &c->buf, "%s%s", pm_node_doubt(n), flaws->v.n ? "; " : "");
	for (size_t i = 0; i < flaws->v.n; i++)
		pm_buf_printf(c->ctx, &c->buf, "%s%s", i ? "; " : "", flaws->v.v[i].text);
	if (flaws->more)
		pm_buf_printf(c->ctx, &c->buf, "; %zu more", flaws->more);
}

static void report_message(struct pm_checker *c, struct pm_affected *a)
{
	struct pm_flaws flaws = {0};
	struct pm_message m;

	if (!pm_check_stop(c, pm_message_open_node(&c->an->db, a->nid, c->codepage, &m)) &&
	    !pm_check_stop(c, pm_message_assess(&m, 5, &flaws))) {
		put_flaws(c, pm_ndb_find_node(&c->an->db, a->nid), &flaws);
		a->name = m.subject;
		a->detail = c->buf.n ? pm_buf_cstr(c->ctx, &c->buf) : NULL;
		c->rc = pm_sink_affected(c->sink, a);
	}
	pm_flaws_done(&flaws);
	pm_message_close(&m);
}

/* What the row in its folder's table says is all that is left of it. */
static void report_row(struct pm_checker *c, const struct pm_unwhole *u, struct pm_affected *a)
{
	const struct pm_model_folder *f = &c->model.folders.v[u->folder];
	struct pm_arena arena = {0};
	char *subject = NULL;
	struct pm_tc tc;
	enum pm_rc rc;
	size_t row;

	rc = pm_tc_open_node(&c->an->db, pm_folder_companion(f->nid, PM_NT_CONTENTS), &tc);
	if (!pm_check_stop(c, rc)) {
		row = pm_tc_find(&tc, u->nid);
		if (row < tc.rows.n)
			pm_check_stop(c, pm_tc_text(&tc, row, PM_ID_SUBJECT, c->codepage, &arena,
						    &subject));
		a->name = subject && subject[0] == 1 && subject[1] ? subject + 2 : subject;
		a->detail = "only its row in the folder's table is left";
		if (!c->rc)
			c->rc = pm_sink_affected(c->sink, a);
	}
	pm_tc_close(&tc);
	pm_arena_done(&arena);
}

void pm_report_unwhole(struct pm_checker *c)
{
	for (size_t i = 0; i < c->unwhole.n && !c->rc; i++) {
		const struct pm_unwhole *u = &c->unwhole.v[i];
		struct pm_affected a = {.kind = u->kind,
					.state = u->state,
					.nid = u->nid,
					.serial = u->serial,
					.path = path_of(c, u->folder)};

		if (c->rc)
			return;
		if (u->row_only)
			report_row(c, u, &a);
		else if (u->kind == PM_OBJ_MESSAGE)
			report_message(c, &a);
		else
			c->rc = pm_sink_affected(c->sink, &a);
	}
}

/* --- the passes ---------------------------------------------------------------------- */

static bool is_template(pm_nid nid)
{
	return nid >> 5 >= 0x30 && nid >> 5 <= 0x37;
}

/* Of a folder's tables and messages the folder pass takes care. */
static bool with_folders(const struct pm_checker *c, const struct pm_node *n)
{
	pm_nid folder = pm_folder_companion(n->nid, PM_NT_FOLDER);

	switch (pm_nid_type(n->nid)) {
	case PM_NT_FOLDER:
	case PM_NT_SEARCH:
	case PM_NT_MESSAGE:
	case PM_NT_ASSOC:
		return true;
	case PM_NT_HIERARCHY:
	case PM_NT_CONTENTS:
	case PM_NT_ASSOC_CONTENTS:
		return !is_template(n->nid) && pm_model_folder(&c->model, folder) != PM_NO_FOLDER;
	}
	return n->nid == PM_NID_STORE || n->nid == PM_NID_NAMEMAP;
}

void pm_check_contents(struct pm_checker *c)
{
	const struct pm_ndb *db = &c->an->db;

	if (c->opt->structure)
		return;
	c->path_of = PM_NO_FOLDER;
	if (pm_check_stop(c, pm_model_build(c->an, &c->model)))
		return;
	pm_phase(c->ctx, "contents");
	pm_check_names(c);
	pm_check_store(c);
	for (size_t i = 0; i < db->nodes.n && !c->rc && !c->opt->quick; i++) {
		if (!with_folders(c, &db->nodes.v[i]))
			pm_check_other(c, &db->nodes.v[i]);
	}
	pm_check_folders(c);
	pm_report_unwhole(c);
}
