/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders [MS-PST 2.4.4]: properties, tables, and the objects that the tables list.
 *
 * Checks: required properties; the three tables of each folder; rows against objects, both
 * ways, cell by cell; counts; names of siblings.
 * Gathers: folders that are not whole; nodes of folders and messages that are sound.
 * Needs: the model; names for properties. Opens each message once, beside its row.
 */
#include "check/content.h"

#define REPORT(c, symbol, ...)                                                                     \
	pm_check_subject((c), &(struct pm_problem){.id = PM_P_##symbol, ##__VA_ARGS__})

struct folder {
	struct pm_checker *c;
	uint32_t index; /* in the model */
	const struct pm_model_folder *m;
	struct pm_folder f;
	bool readable;
	uint64_t cause;        /* of what is wrong with its tables */
	bool odd;              /* something keeps it from being PM_NF_SOUND, told or not */
	struct pm_bitmap seen; /* of the objects that a table must list */
	uint64_t unread;
	bool unread_known;
	struct pm_map *names; /* parent and name of folders -> nid */
};

/* A kind of table, and what is said of it. */
struct table {
	unsigned type;
	const char *what;
	enum pm_problem_id missing_table, ghost, missing;
};

static const struct table tables[] = {
	{PM_NT_HIERARCHY, "hierarchy table", PM_P_FOLDER_TABLE, PM_P_FOLDER_HIERARCHY_GHOST_ROW,
	 PM_P_FOLDER_HIERARCHY_MISSING_ROW},
	{PM_NT_CONTENTS, "contents table", PM_P_FOLDER_TABLE, PM_P_FOLDER_CONTENTS_GHOST_ROW,
	 PM_P_FOLDER_CONTENTS_MISSING_ROW},
	{PM_NT_ASSOC_CONTENTS, "associated contents table", PM_P_FOLDER_ASSOC_TABLE,
	 PM_P_FOLDER_ASSOC_GHOST_ROW, PM_P_FOLDER_ASSOC_MISSING_ROW},
};

static bool usable(enum pm_rc rc)
{
	return rc == PM_OK || rc == PM_DAMAGED;
}

void pm_check_columns(struct pm_checker *c, const struct pm_tc *tc, const uint16_t *ids)
{
	for (; ids && *ids; ids++)
		if (!pm_tc_col(tc, *ids, 0))
			REPORT(c, FOLDER_COLUMN, .tag = pm_folder_column_tag(c->f, *ids));
}

/* --- rows ---------------------------------------------------------------------------- */

bool pm_check_diff_counts(const struct pm_table_diff *d)
{
	/* The row of the spam search folder is left bare by Outlook 2003. [OBS] */
	return d->kind != PM_TD_MISSING_CELL || d->row != 0x2223;
}

static enum pm_rc on_diff(void *arg, const struct pm_table_diff *d)
{
	struct folder *f = arg;
	struct pm_checker *c = f->c;
	struct pm_problem p = {.id = d->kind == PM_TD_STALE_CELL ? PM_P_FOLDER_ROW_STALE
								 : PM_P_FOLDER_ROW_CELL,
			       .item = d->row,
			       .tag = d->tag};

	if (!pm_check_diff_counts(d))
		return PM_OK;
	pm_check_subject(c, &p);
	return c->rc;
}

/* Objects that the model put somewhere because their own entry says nothing, or that are no
 * entries of the file's: their missing row is not the table's fault. */
static bool placed_by_us(const struct pm_model *m, pm_nid nid, unsigned placed)
{
	const struct pm_node *n = pm_ndb_find_node(&m->an->db, nid);

	return placed == PM_PLACED_MADE || placed == PM_PLACED_RECOVERED || !n ||
	       n->origin >= PM_FROM_CONTENT;
}

/* Object i that the table must list: its nid and place. */
static pm_nid object(const struct folder *f, const struct table *t, uint32_t i,
		     unsigned *ret_placed)
{
	const struct pm_model *m = &f->c->model;
	const struct pm_model_folder *child;
	const struct pm_model_item *item;

	if (t->type == PM_NT_HIERARCHY) {
		child = &m->folders.v[m->children.v[f->m->children + i]];
		*ret_placed = child->placed;
		return child->nid;
	}
	item = t->type == PM_NT_CONTENTS ? &m->messages.v[f->m->messages + i]
					 : &m->assoc.v[f->m->assoc + i];
	*ret_placed = item->placed;
	return item->nid;
}

static uint32_t objects(const struct folder *f, const struct table *t)
{
	return t->type == PM_NT_HIERARCHY  ? f->m->n_children
	       : t->type == PM_NT_CONTENTS ? f->m->n_messages
					   : f->m->n_assoc;
}

/* Which of the objects has this nid; UINT32_MAX: none. */
static uint32_t find_object(const struct folder *f, const struct table *t, pm_nid nid)
{
	uint32_t lo = 0, hi = objects(f, t);
	unsigned placed;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (object(f, t, mid, &placed) < nid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < objects(f, t) && object(f, t, lo, &placed) == nid ? lo : UINT32_MAX;
}

static void take_flags(struct folder *f, const struct table *t, bool has_flags, uint32_t flags)
{
	if (t->type != PM_NT_CONTENTS)
		return;
	f->unread_known &= has_flags;
	f->unread += !(flags & PM_MSGFLAG_READ);
}

/* Of a message at which a thread looked. */
static void take_verdict(struct folder *f, const struct table *t, const struct pm_verdict *v)
{
	take_flags(f, t, v->has_flags, v->flags);
	for (size_t i = 0; i < sizeof(v->infos) / sizeof(v->infos[0]); i++)
		pm_sink_add_infos(f->c->sink, v->infos[i].id, v->infos[i].n);
}

static void set_sound(struct pm_checker *c, const struct pm_node *n)
{
	const bool whole = c->opt->assess && pm_message_whole(&c->an->db, n->nid, n->data, n->sub);

	if (!pm_check_stop(c, c->ctx->rc))
		pm_check_set(c, n->nid, PM_NF_SOUND | (whole ? PM_NF_WHOLE : 0));
}

static void check_object(struct folder *f, const struct table *t, pm_nid nid,
			 struct pm_row_compare *cmp, size_t row)
{
	struct pm_checker *c = f->c;
	const bool skipped = t->type != PM_NT_HIERARCHY && c->opt->quick;
	const struct pm_node *n = skipped ? NULL : pm_ndb_find_node(&c->an->db, nid);
	struct pm_subject saved = c->subject;
	struct pm_message_facts facts = {0};
	const uint64_t before = pm_check_faults(c);
	struct pm_pc pc;
	enum pm_rc rc;

	if (skipped) {
		f->unread_known = false;
	} else if (t->type != PM_NT_HIERARCHY) {
		pm_check_message(c, nid, f->index, cmp, row, &facts);
		if (cmp)
			take_flags(f, t, facts.has_flags, facts.flags);
		if (cmp && !c->rc && facts.readable && !c->subject.lossy && !c->subject.tainted &&
		    pm_check_faults(c) == before)
			set_sound(c, n);
		else
			f->odd = true;
	} else if (cmp && n) {
		/* The subfolder's own turn comes; here only its row counts. */
		rc = pm_pc_open(&c->an->db, n->data, n->sub, &pc);
		if (!pm_check_stop(c, rc) && usable(rc))
			pm_check_stop(c, pm_row_compare(cmp, &pc, row, nid));
		pm_pc_close(&pc);
	}
	c->subject = saved;
}

static void ghost_row(struct folder *f, const struct table *t, pm_nid nid)
{
	struct pm_checker *c = f->c;
	const bool exists = pm_ndb_find_node(&c->an->db, nid) != NULL;
	struct pm_problem p = {.id = t->ghost, .nid = f->m->nid, .item = nid};
	struct pm_subject saved = c->subject;
	uint64_t serial;

	if (!exists) {
		p.caused_by = pm_sink_cause(c->sink, PM_CAUSE_NODE, nid);
		if (!p.caused_by)
			p.caused_by = pm_check_lost_cause(c, 1, nid);
	}
	serial = pm_check_subject(c, &p);
	if (!exists && t->type == PM_NT_CONTENTS && pm_nid_type(nid) == PM_NT_MESSAGE && !c->rc) {
		c->subject.nid = nid;
		pm_unwhole_add(c, PM_OBJ_MESSAGE, PM_OBJ_LOST, serial);
		if (!c->rc)
			c->unwhole.v[c->unwhole.n - 1].row_only = true;
	}
	c->subject = saved;
}

/* Each row with its object, in the order of the rows; then the objects without a row. */
static void check_rows(struct folder *f, const struct table *t, struct pm_tc *tc)
{
	struct pm_checker *c = f->c;
	struct pm_row_compare cmp = {.tc = tc, .fn = on_diff, .arg = f};
	const uint32_t n = objects(f, t);
	const struct pm_verdict *seen = NULL;

	if (t->type != PM_NT_HIERARCHY && !c->opt->quick)
		seen = pm_scout_rows(c, pm_folder_companion(f->m->nid, t->type), f->index, tc);
	for (size_t i = 0; i < tc->rows.n && !c->rc; i++) {
		pm_nid nid = tc->rows.v[i].id;
		uint32_t k = find_object(f, t, nid);

		if (k == UINT32_MAX) {
			ghost_row(f, t, nid);
			continue;
		}
		if (!pm_bitmap_set(&f->seen, k))
			continue;
		if (seen && seen[i].sound) {
			take_verdict(f, t, &seen[i]);
			pm_check_set(c, nid, PM_NF_SOUND | (seen[i].whole ? PM_NF_WHOLE : 0));
		} else {
			check_object(f, t, nid, &cmp, i);
		}
		if (i % 256 == 0)
			pm_check_stop(c, pm_tick(c->ctx, "contents", f->index, c->model.folders.n));
	}
	for (uint32_t k = 0; k < n && !c->rc; k++) {
		unsigned placed;
		pm_nid nid = object(f, t, k, &placed);

		if (pm_bitmap_test(&f->seen, k))
			continue;
		if (!placed_by_us(&c->model, nid, placed))
			pm_check_subject(c, &(struct pm_problem){.id = t->missing,
								 .nid = f->m->nid,
								 .item = nid});
		f->odd = true;
		check_object(f, t, nid, NULL, 0);
	}
	pm_row_compare_done(&cmp);
}

/* --- tables -------------------------------------------------------------------------- */

static void check_counts(struct folder *f, const struct table *t, uint64_t rows)
{
	struct pm_checker *c = f->c;
	const struct pm_folder *pf = &f->f;
	const pm_nid nid = f->m->nid;

	if (!f->readable || f->m->search)
		return;
	if (t->type == PM_NT_HIERARCHY) {
		if (pf->has_subfolders && pf->subfolders != (rows != 0))
			REPORT(c, FOLDER_SUBFOLDERS, .nid = nid, .have = pf->subfolders,
			       .want = rows);
	} else if (t->type == PM_NT_CONTENTS) {
		if (pf->has_count && pf->count != rows)
			REPORT(c, FOLDER_CONTENT_COUNT, .nid = nid, .have = pf->count,
			       .want = rows);
		if (pf->has_unread && f->unread_known && pf->unread != f->unread)
			REPORT(c, FOLDER_UNREAD_COUNT, .nid = nid, .have = pf->unread,
			       .want = f->unread);
	} else if (pf->has_assoc && pf->assoc != rows) {
		REPORT(c, FOLDER_ASSOC_COUNT, .nid = nid, .have = pf->assoc, .want = rows);
	}
}

static void no_table(struct folder *f, const struct table *t, const struct pm_node *n)
{
	struct pm_checker *c = f->c;
	pm_nid nid = pm_folder_companion(f->m->nid, t->type);
	struct pm_problem p = {.id = t->missing_table, .nid = f->m->nid, .what = t->what};

	if (!n)
		p.caused_by = pm_check_lost_cause(c, 1, nid);
	if (!p.caused_by)
		p.caused_by = pm_sink_cause(c->sink, PM_CAUSE_NODE, nid);
	pm_check_subject(c, &p);
}

static void check_table(struct folder *f, const struct table *t)
{
	struct pm_checker *c = f->c;
	pm_nid nid = pm_folder_companion(f->m->nid, t->type);
	const struct pm_node *n = pm_ndb_find_node(&c->an->db, nid);
	struct pm_tc tc = {0};
	enum pm_rc rc = PM_NONE;

	/* Search folders have their own kind of table. */
	if (!n && f->m->search && !objects(f, t))
		return;
	pm_bitmap_done(&f->seen);
	if (pm_check_stop(c, pm_bitmap_init(c->ctx, &f->seen, objects(f, t))))
		return;
	pm_subject_begin(c, nid, f->index, n ? n->data : 0, n ? n->sub : 0);
	if (n)
		rc = pm_tc_open(&c->an->db, n->data, n->sub, &tc);
	if (pm_check_stop(c, rc))
		goto out;
	if (n && !pm_bitmap_test(&c->sound_tables, (uint64_t)(n - c->an->db.nodes.v)))
		pm_check_tc(c, &tc, rc);
	if (!usable(rc) && !f->m->search && !f->m->made)
		no_table(f, t, n);
	if (!usable(rc) && !c->subject.cause)
		c->subject.cause = c->subject.first;
	f->unread = 0;
	f->unread_known = true;
	if (usable(rc)) {
		pm_check_columns(c, &tc, pm_folder_columns(nid));
		check_rows(f, t, &tc);
		check_counts(f, t, tc.rows.n);
		f->odd |= c->subject.tainted || !f->unread_known;
	} else {
		f->odd = true;
		for (uint32_t i = 0; i < objects(f, t) && !c->rc; i++) {
			unsigned placed;

			check_object(f, t, object(f, t, i, &placed), NULL, 0);
		}
	}
out:
	if (n)
		pm_tc_close(&tc);
}

/* --- folders ------------------------------------------------------------------------- */

static void check_properties(struct folder *f)
{
	static const uint32_t tags[] = {0x30010000, 0x36020003, 0x36030003, 0x360A000B};
	struct pm_checker *c = f->c;

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		const struct pm_prop *p = pm_pc_find(&f->f.pc, (uint16_t)(tags[i] >> 16));

		/* A count of another type is no fault, but repair gives it the right one. */
		f->odd |= p && tags[i] & 0xFFFF && p->type != (uint16_t)tags[i];
		if (!p)
			REPORT(c, FOLDER_PROPERTY,
			       .tag = tags[i] & 0xFFFF ? tags[i] : tags[i] | c->f->string_type);
	}
}

/* Two folders of one parent with one name. */
static void check_name(struct folder *f)
{
	struct pm_checker *c = f->c;
	uint64_t h = 0xCBF29CE484222325u ^ f->m->stored_parent;
	struct pm_map_entry *e;
	bool fresh;

	if (!f->f.name || f->m->nid == PM_NID_ROOT)
		return;
	for (const char *s = f->f.name; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001B3u;
	e = pm_map_get(c->ctx, f->names, h, &fresh);
	if (!e)
		c->rc = c->ctx->rc;
	else if (!fresh)
		REPORT(c, FOLDER_NAME_DOUBLE, .have = e->value);
	if (e)
		e->value = f->m->nid;
}

static void check_folder(struct folder *f)
{
	struct pm_checker *c = f->c;
	const struct pm_node *n = pm_ndb_find_node(&c->an->db, f->m->nid);
	const uint64_t before = pm_check_faults(c);
	enum pm_rc rc;

	f->readable = f->odd = false;
	if (n) {
		pm_subject_begin(c, n->nid, f->index, n->data, n->sub);
		rc = pm_folder_open(&c->an->db, n->nid, c->codepage, &f->f);
		if (!pm_check_stop(c, rc)) {
			f->readable = usable(rc);
			pm_check_pc(c, &f->f.pc, rc, NULL);
			if (!f->readable)
				REPORT(c, FOLDER_UNREADABLE);
			else
				check_properties(f);
			if (f->readable)
				check_name(f);
			pm_unwhole_add(c, PM_OBJ_FOLDER,
				       !f->readable                             ? PM_OBJ_LOST
				       : c->subject.lossy || c->subject.tainted ? PM_OBJ_DAMAGED
										: PM_OBJ_WHOLE,
				       c->subject.lossy ? c->subject.lossy : c->subject.first);
			f->odd |= c->subject.lossy || c->subject.tainted;
		}
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && !c->rc; i++)
		check_table(f, &tables[i]);
	if (n)
		pm_folder_close(&f->f);
	if (f->m->search && !c->rc) {
		pm_subject_begin(c, f->m->nid, f->index, 0, 0);
		pm_check_search(c, f->m->nid);
	}
	if (!c->rc && !f->odd && !f->m->search && pm_check_faults(c) == before)
		pm_check_set(c, f->m->nid, PM_NF_SOUND);
}

void pm_check_folders(struct pm_checker *c)
{
	struct folder f = {.c = c};
	struct pm_map names = {0};

	f.names = &names;
	pm_scouts_open(c);
	for (uint32_t i = 0; i < c->model.folders.n && !c->rc; i++) {
		f.index = i;
		f.m = &c->model.folders.v[i];
		check_folder(&f);
		pm_check_stop(c, pm_tick(c->ctx, "contents", i, c->model.folders.n));
	}
	pm_scouts_close(c);
	pm_bitmap_done(&f.seen);
	pm_map_done(&names);
}

/* --- tables that belong to no folder ------------------------------------------------- */

static bool is_template(pm_nid nid)
{
	return nid == 0x60D || nid == 0x60E || nid == 0x60F || nid == 0x610 || nid == 0x671 ||
	       nid == 0x692;
}

static bool is_table(const struct pm_checker *c, const struct pm_node *n)
{
	const struct pm_block *b;

	switch (pm_nid_type(n->nid)) {
	case PM_NT_HIERARCHY:
	case PM_NT_CONTENTS:
	case PM_NT_ASSOC_CONTENTS:
	case PM_NT_ATTACHMENTS:
	case PM_NT_RECIPIENTS:
		return true;
	case 0x0B:
	case 0x0C:
	case 0x16:
		b = pm_ndb_find_block(&c->an->db, n->data);
		return b && (b->flags & PM_BF_KIND) == PM_BK_TC;
	}
	return n->nid == 0x610;
}

static void check_side_table(struct pm_checker *c, const struct pm_node *n)
{
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&c->an->db, n->data, n->sub, &tc);

	if (!pm_check_stop(c, rc) && rc != PM_NONE) {
		pm_check_tc(c, &tc, rc);
		if (usable(rc))
			pm_check_columns(c, &tc, pm_folder_columns(n->nid));
		if (usable(rc) && is_template(n->nid) && tc.rows.n)
			REPORT(c, TEMPLATE_ROWS, .count = tc.rows.n);
	}
	pm_tc_close(&tc);
}

static void check_criteria(struct pm_checker *c, const struct pm_node *n)
{
	struct pm_pc pc;
	enum pm_rc rc = pm_pc_open(&c->an->db, n->data, n->sub, &pc);

	if (!pm_check_stop(c, rc))
		pm_check_pc(c, &pc, rc, NULL);
	if (rc == PM_LOST)
		REPORT(c, PC_UNREADABLE);
	pm_pc_close(&pc);
}

void pm_check_other(struct pm_checker *c, const struct pm_node *n)
{
	pm_subject_begin(c, n->nid, PM_NO_FOLDER, n->data, n->sub);
	if (is_table(c, n))
		check_side_table(c, n);
	else if (pm_nid_type(n->nid) == PM_NT_CRITERIA)
		check_criteria(c, n);
	else
		pm_check_search_node(c, n);
}
