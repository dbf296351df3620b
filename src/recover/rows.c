/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of folder tables as descriptions of objects whose node is lost: a row has the object's
 * nid, and copies of its properties; the object has the properties and, without its node, no nid.
 *
 * Gathers: nid and folder of orphans that a row describes.
 * Needs: orphans with their subnodes; tables whose folder is known.
 *
 * A row and an object are compared by a digest over columns that never change once an item was
 * stored. Where several objects have the same, that with the fewest other differences is taken,
 * and of several the one that was saved first for the lowest nid.
 */
#include "recover/orphans.h"

#include "base/sort.h"
#include "ltp/pc.h"
#include "ltp/tc.h"
#include "msg/folder.h"
#include "recover/tables.h"

#define COLS_MAX  8
#define COLS_ANY  65536 /* more than a table has */
#define SETS_MAX  32    /* different choices of columns among the tables of a file */
#define TIES_MAX  16    /* objects with one digest that are compared in full */
#define VALUE_MAX 65536

/* Columns that tell items apart, by how the object is compared with the row. */
struct choice {
	uint16_t ids[COLS_MAX];
	bool strict; /* without a value beside the class the digest says nothing */
};

static const struct choice of_items[] = {
	{{PM_ID_MESSAGE_CLASS, PM_ID_SUBJECT, PM_ID_SUBMIT_TIME, PM_ID_SENT_REPR_NAME, 0x0071,
	  PM_ID_DELIVERY_TIME},
	 false},
	/* Long subjects are cut in rows [OBS]. */
	{{PM_ID_SUBMIT_TIME, 0x0071, PM_ID_DELIVERY_TIME}, true},
};

static const struct choice of_folders[] = {
	{{PM_ID_DISPLAY_NAME, PM_ID_CONTENT_COUNT, PM_ID_CONTENT_UNREAD, PM_ID_SUBFOLDERS,
	  PM_ID_CONTAINER_CLASS},
	 false},
	{{PM_ID_DISPLAY_NAME}, true},
};

/* A table's columns among the chosen ones, as they stand in it. */
struct set {
	struct pm_col cols[COLS_MAX];
	unsigned n;
	struct pm_map first; /* digest -> index into orphans + 1 */
	uint32_t *next;      /* chain of orphans of one digest: index + 1 */
};

struct match {
	struct pm_orphans *o;
	enum pm_orphan_kind kind;
	const struct choice *choice;
	struct set sets[SETS_MAX];
	unsigned n_sets;
	struct pm_map *done; /* nids that an orphan has got */
	/* Not NULL: what rows say of nodes that are there is gathered, pm_row_word. */
	struct pm_map *told;
	bool all;         /* of all nodes, not only of those of a page with a wrong checksum */
	size_t step, met; /* one row of so many; rows so far */
	struct pm_buf value;
};

static void digest_cell(uint64_t *h, const struct pm_col *c, struct pm_buf *v, bool *told)
{
	if (c->type == PM_PT_BOOL && v->n)
		v->p[0] = v->p[0] != 0;
	if (v->n && c->id != PM_ID_MESSAGE_CLASS)
		*told = true;
	*h = pm_digest(*h ^ c->id, v->p, v->n);
}

/* A value in a damaged block is what the row says, or it isn't: that shows. */
static enum pm_rc as_it_is(struct match *m, struct pm_pc *pc, const struct pm_col *c)
{
	const struct pm_prop *p = pm_pc_find(pc, c->id);
	struct pm_value v;
	enum pm_rc rc = pm_pc_value(pc, p, &v);

	if (rc == PM_DAMAGED)
		rc = pm_value_read(m->o->an->ctx, &v, VALUE_MAX, &m->value);
	pm_value_done(&v);
	return rc;
}

static enum pm_rc digest_object(struct match *m, const struct set *s, const struct pm_orphan *x,
				uint64_t *ret, bool *ret_told)
{
	struct pm_pc pc;
	enum pm_rc rc = pm_pc_open(&m->o->an->db, x->data, x->sub, &pc);

	*ret = 0;
	*ret_told = false;
	for (unsigned i = 0; i < s->n && !pm_is_error(rc); i++) {
		pm_buf_clear(&m->value);
		rc = pm_row_want(&pc, &s->cols[i], &m->value);
		if (rc == PM_DAMAGED && x->damaged)
			rc = as_it_is(m, &pc, &s->cols[i]);
		digest_cell(ret, &s->cols[i], &m->value, ret_told);
	}
	pm_pc_close(&pc);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc digest_row(struct match *m, const struct set *s, struct pm_tc *tc, size_t row,
			     uint64_t *ret, bool *ret_told)
{
	enum pm_rc rc = PM_OK;

	*ret = 0;
	*ret_told = false;
	for (unsigned i = 0; i < s->n && !pm_is_error(rc); i++) {
		struct pm_value v;

		pm_buf_clear(&m->value);
		rc = pm_tc_cell(tc, row, &s->cols[i], &v);
		if (rc == PM_OK || rc == PM_DAMAGED)
			rc = pm_value_read(m->o->an->ctx, &v, VALUE_MAX, &m->value);
		pm_value_done(&v);
		if (s->cols[i].type == PM_PT_BOOL && m->value.n > 1)
			m->value.n = 1;
		digest_cell(ret, &s->cols[i], &m->value, ret_told);
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

static bool same_columns(const struct set *s, const struct pm_col *cols, unsigned n)
{
	if (s->n != n)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (s->cols[i].id != cols[i].id || s->cols[i].type != cols[i].type)
			return false;
	return true;
}

/* The orphan's digest over a set's columns, at the head of the chain of that. */
static enum pm_rc fill_with(struct match *m, struct set *s, size_t i)
{
	struct pm_orphans *o = m->o;
	struct pm_map_entry *e;
	uint64_t h;
	bool told;
	enum pm_rc rc = digest_object(m, s, &o->v.v[i], &h, &told);

	/* A row that was hit is as empty as what is damaged. */
	if (rc || ((m->choice->strict || o->v.v[i].damaged) && !told))
		return rc;
	e = pm_map_get(o->an->ctx, &s->first, h, NULL);
	if (!e)
		return o->an->ctx->rc;
	s->next[i] = (uint32_t)e->value;
	e->value = i + 1;
	return PM_OK;
}

/* How sure is it that it lives? */
static unsigned liveliness(const struct pm_orphan *x)
{
	return x->freed ? 0 : x->mapped ? 1 : 2;
}

/*
 * The digests of all orphans. What surely lives is asked first, what the block tree has given up last;
 * of items what was saved first, of folders that may be one another's older contents the last.
 */
static enum pm_rc fill_set(struct match *m, struct set *s)
{
	struct pm_orphans *o = m->o;
	enum pm_rc rc = PM_OK;

	s->next = pm_calloc(o->an->ctx, o->v.n + 1, sizeof(*s->next));
	if (!s->next)
		return o->an->ctx->rc;
	for (unsigned pass = 0; pass < 3 && !m->told; pass++)
		for (size_t k = 0; k < o->v.n && rc == PM_OK; k++) {
			const bool youngest = m->kind == PM_OR_FOLDER && pass < 2;
			const size_t i = youngest ? k : o->v.n - 1 - k;

			if (o->v.v[i].kind == m->kind && !o->v.v[i].placed &&
			    liveliness(&o->v.v[i]) == pass)
				rc = fill_with(m, s, i);
		}
	return rc;
}

static enum pm_rc set_of(struct match *m, const struct pm_tc *tc, struct set **ret)
{
	struct pm_col cols[COLS_MAX] = {0};
	unsigned n = 0;
	struct set *s;

	*ret = NULL;
	for (unsigned i = 0; i < COLS_MAX && m->choice->ids[i]; i++) {
		const struct pm_col *c = pm_tc_col(tc, m->choice->ids[i], 0);

		if (c)
			cols[n++] = *c;
	}
	for (unsigned i = 0; i < m->n_sets; i++)
		if (same_columns(&m->sets[i], cols, n))
			*ret = &m->sets[i];
	if (*ret || !n || m->n_sets == SETS_MAX)
		return PM_OK;
	s = &m->sets[m->n_sets++];
	memcpy(s->cols, cols, sizeof(cols));
	s->n = n;
	*ret = s;
	return fill_set(m, s);
}

static enum pm_rc count_diff(void *arg, const struct pm_table_diff *d)
{
	(void)d;
	++*(unsigned *)arg;
	return PM_OK;
}

/* Of the orphans of one digest: the one that differs least in all columns. */
static enum pm_rc best_of(struct match *m, const struct set *s, uint32_t first, struct pm_tc *tc,
			  size_t row, uint32_t *ret)
{
	struct pm_orphans *o = m->o;
	unsigned least = UINT32_MAX, tried = 0;
	enum pm_rc rc = PM_OK;

	*ret = 0;
	for (uint32_t i = first; i && tried < TIES_MAX && rc == PM_OK; i = s->next[i - 1]) {
		const struct pm_orphan *x = &o->v.v[i - 1];
		/* What is damaged can't be compared, and comes after what is whole. */
		unsigned diffs = x->damaged ? COLS_ANY : 0;
		struct pm_row_compare c = {.tc = tc, .fn = count_diff, .arg = &diffs};
		struct pm_pc pc;

		rc = pm_spend(o->an->ctx, 1);
		if (x->placed || rc)
			continue;
		tried++;
		rc = pm_pc_open(&o->an->db, x->data, x->sub, &pc);
		if (!pm_is_error(rc))
			rc = pm_row_compare(&c, &pc, row, tc->rows.v[row].id);
		pm_pc_close(&pc);
		pm_row_compare_done(&c);
		if (rc == PM_OK && diffs < least) {
			least = diffs;
			*ret = i;
		}
		if (!diffs)
			break;
	}
	return rc;
}

/* Is the object of this nid one that is looked for? One that only an older leaf names may be. */
static bool wanted(const struct match *m, pm_nid id)
{
	const struct pm_node *n = pm_ndb_find_node(&m->o->an->db, id);

	return (!n || n->flags || !n->data || n->origin == PM_FROM_STALE) &&
	       !pm_map_has(m->done, id);
}

/* Does the row, of this digest, describe the node's content? */
static enum pm_rc describes(struct match *m, const struct set *s, const struct pm_node *n,
			    uint64_t row, bool *ret)
{
	const struct pm_orphan x = {.data = n->data, .sub = n->sub};
	uint64_t h;
	bool told;
	enum pm_rc rc = digest_object(m, s, &x, &h, &told);

	*ret = rc != PM_OK || h == row;
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Does it describe what an older leaf has under its id? Then that was not saved again. */
static enum pm_rc describes_old(struct match *m, const struct set *s, pm_nid id, uint64_t row,
				bool *ret)
{
	const struct pm_node *n = pm_ndb_find_node(&m->o->an->db, id);

	*ret = false;
	if (!n || n->origin != PM_FROM_STALE || n->flags || !n->data)
		return PM_OK;
	return describes(m, s, n, row, ret);
}

/* Does the row say of its node what the node says of itself? */
static enum pm_rc hear_row(struct match *m, const struct set *s, struct pm_tc *tc, size_t row)
{
	const pm_nid id = tc->rows.v[row].id;
	const struct pm_node *n = pm_ndb_find_node(&m->o->an->db, id);
	struct pm_map_entry *e;
	bool same = false, told;
	uint64_t h;
	enum pm_rc rc;

	if (!n || n->flags || !n->data || tc->rows.v[row].rules ||
	    (n->origin != PM_FROM_WRONG && !m->all && !pm_map_has(&m->o->doubled, id)) ||
	    m->met++ % m->step)
		return PM_OK;
	rc = digest_row(m, s, tc, row, &h, &told);
	if (rc || (m->choice->strict && !told))
		return rc;
	rc = describes(m, s, n, h, &same);
	e = rc == PM_OK ? pm_map_get(m->o->an->ctx, m->told, id, NULL) : NULL;
	if (e && same)
		e->value = PM_ROW_DESCRIBES;
	return rc ? rc : m->o->an->ctx->rc;
}

static bool right_type(const struct match *m, pm_nid id)
{
	const unsigned t = pm_nid_type(id);

	switch (m->kind) {
	case PM_OR_FOLDER:
		return t == PM_NT_FOLDER || t == PM_NT_SEARCH;
	case PM_OR_ASSOC:
		return t == PM_NT_ASSOC;
	default:
		return t == PM_NT_MESSAGE;
	}
}

static enum pm_rc match_row(struct match *m, const struct set *s, struct pm_tc *tc, size_t row,
			    pm_nid folder)
{
	pm_nid id = tc->rows.v[row].id;
	const struct pm_map_entry *e;
	uint32_t best = 0;
	uint64_t h;
	bool told, old = false;
	enum pm_rc rc;

	if (!right_type(m, id) || !wanted(m, id))
		return PM_OK;
	rc = digest_row(m, s, tc, row, &h, &told);
	if (rc == PM_OK)
		rc = describes_old(m, s, id, h, &old);
	if (old)
		return rc;
	e = rc == PM_OK ? pm_map_find(&s->first, h) : NULL;
	if (e && (told || !m->choice->strict))
		rc = best_of(m, s, (uint32_t)e->value, tc, row, &best);
	if (rc || !best)
		return rc;
	m->o->v.v[best - 1].nid = id;
	m->o->v.v[best - 1].parent = folder;
	m->o->v.v[best - 1].placed = true;
	return pm_map_put(m->o->an->ctx, m->done, id, 1);
}

static enum pm_rc match_table(struct match *m, pm_nid folder, pm_bid data, pm_bid sub)
{
	struct set *s = NULL;
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&m->o->an->db, data, sub, &tc);

	if (!pm_is_error(rc))
		rc = set_of(m, &tc, &s);
	for (size_t i = 0; s && i < tc.rows.n && rc == PM_OK; i++)
		rc = m->told ? hear_row(m, s, &tc, i) : match_row(m, s, &tc, i, folder);
	pm_tc_close(&tc);
	return rc;
}

static enum pm_rc match_tables(struct match *m, unsigned type)
{
	struct pm_orphans *o = m->o;
	const struct pm_ndb *db = &o->an->db;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < db->nodes.n && rc == PM_OK; i++) {
		const struct pm_node *n = &db->nodes.v[i];

		if (pm_nid_type(n->nid) == type && n->nid >> 5 != 0x30 && n->data && !n->flags)
			rc = match_table(m, pm_folder_companion(n->nid, PM_NT_FOLDER), n->data,
					 n->sub);
	}
	for (size_t i = 0; i < o->v.n && rc == PM_OK; i++) {
		const struct pm_orphan *x = &o->v.v[i];

		if (x->nid && pm_nid_type(x->nid) == type)
			rc = match_table(m, pm_folder_companion(x->nid, PM_NT_FOLDER), x->data,
					 x->sub);
	}
	return rc;
}

static void match_done(struct match *m)
{
	for (unsigned i = 0; i < m->n_sets; i++) {
		pm_map_done(&m->sets[i].first);
		pm_free(m->sets[i].next);
	}
	pm_buf_done(&m->value);
}

enum pm_rc pm_orphans_by_rows(struct pm_orphans *o, enum pm_orphan_kind kind, unsigned table_type)
{
	const struct choice *choices = kind == PM_OR_FOLDER ? of_folders : of_items;
	struct pm_map done = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->v.n && rc == PM_OK; i++)
		if (o->v.v[i].placed && o->v.v[i].nid)
			rc = pm_map_put(o->an->ctx, &done, o->v.v[i].nid, 1);
	for (unsigned k = 0; k < 2 && rc == PM_OK; k++) {
		struct match m = {.o = o, .kind = kind, .choice = &choices[k], .done = &done};

		rc = match_tables(&m, table_type);
		match_done(&m);
	}
	pm_map_done(&done);
	return rc;
}

enum pm_rc pm_orphans_described(struct pm_orphans *o, enum pm_orphan_kind kind, unsigned table_type,
				size_t step, struct pm_map *ret)
{
	const struct choice *choices = kind == PM_OR_FOLDER ? of_folders : of_items;
	enum pm_rc rc = PM_OK;

	for (unsigned k = 0; k < 2 && rc == PM_OK; k++) {
		struct match m = {.o = o,
				  .kind = kind,
				  .choice = &choices[k],
				  .told = ret,
				  .all = step || kind == PM_OR_FOLDER,
				  .step = step ? step : 1};

		rc = match_tables(&m, table_type);
		match_done(&m);
	}
	return rc;
}

enum pm_rc pm_orphans_listed(struct pm_orphans *o, unsigned table_type, struct pm_map *ret)
{
	const struct pm_ndb *db = &o->an->db;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < db->nodes.n && rc == PM_OK; i++) {
		const struct pm_node *n = &db->nodes.v[i];
		struct pm_tc tc;

		if (pm_nid_type(n->nid) != table_type || !n->data || n->flags)
			continue;
		rc = pm_tc_open(db, n->data, n->sub, &tc);
		for (size_t k = 0; k < tc.rows.n && !pm_is_error(rc); k++)
			if (pm_map_put(o->an->ctx, ret, tc.rows.v[k].id,
				       pm_folder_companion(n->nid, PM_NT_FOLDER)))
				rc = o->an->ctx->rc;
		pm_tc_close(&tc);
		rc = pm_is_error(rc) ? rc : PM_OK;
	}
	return rc;
}
