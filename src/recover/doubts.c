/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes that name what is not theirs, under right checksums: entries of a node tree that were
 * mixed up. Looked at only where something about the tree was wrong.
 *
 * Checks: whether a node's context is of the kind that its nid says, by properties and columns;
 * whether a message's context and its subnodes belong together.
 * Gathers: contexts that were taken from their nodes, as orphans.
 * Needs: settled nodes, references.
 */
#include "recover/orphans.h"

#include "base/pool.h"
#include "ltp/pc.h"
#include "ltp/tc.h"
#include "msg/folder.h"
#include "msg/message.h"

#define TEMPLATES 0x30  /* index of the table templates */
#define FAR       0x100 /* between ids of parts of a message: what is further away is far */
#define TOGETHER  0x20  /* between those of context and subnodes that were saved together */
#define SAMPLE    64    /* rows that are compared with their messages */

/* What must be in the node. PM_OR_OTHER: not looked at. */
static enum pm_orphan_kind kind_wanted(pm_nid nid)
{
	if (nid == 0x21)
		return PM_OR_STORE;
	if (nid == 0x61)
		return PM_OR_NAMES;
	switch (pm_nid_type(nid)) {
	case PM_NT_FOLDER:
	case PM_NT_SEARCH:
		return PM_OR_FOLDER;
	case PM_NT_MESSAGE:
		return PM_OR_MESSAGE;
	case PM_NT_ASSOC:
		return PM_OR_ASSOC;
	case PM_NT_HIERARCHY:
		return PM_OR_HIERARCHY;
	case PM_NT_CONTENTS:
		return PM_OR_CONTENTS;
	case PM_NT_ASSOC_CONTENTS:
		return PM_OR_ASSOC_CONTENTS;
	}
	return PM_OR_OTHER;
}

static bool item(unsigned kind)
{
	return kind == PM_OR_MESSAGE || kind == PM_OR_ASSOC;
}

/* Is it something else for certain? What can't be told is taken for what it should be. */
static bool misfit(const struct pm_orphan *x, enum pm_orphan_kind want)
{
	if (x->kind == PM_OR_OTHER || x->kind == want || (item(x->kind) && item(want)))
		return false;
	/* In nodes whose content is not known here, items and folders are strangers. */
	return want != PM_OR_OTHER || item(x->kind) || x->kind == PM_OR_FOLDER;
}

/* The message's context and subnodes as they are looked at. */
struct look {
	struct pm_orphan x;
	struct pm_orphan_sub s;
	bool whole; /* both could be read */
};

static enum pm_rc look_at(struct pm_orphans *o, const struct pm_node *n, struct look *ret)
{
	const struct pm_ndb *db = &o->an->db;
	const uint16_t no = PM_BF_LOST | PM_BF_READ | PM_BF_SUSPECT | PM_BF_CRC;
	uint16_t kind;
	size_t i = SIZE_MAX;
	enum pm_rc rc = n->data ? pm_first_leaf(o->an, n->data, &i) : PM_OK;

	*ret = (struct look){.x = {.data = n->data}, .s = {.bid = n->sub}};
	if (rc || i == SIZE_MAX || db->blocks.v[i].flags & no)
		return rc;
	kind = db->blocks.v[i].flags & PM_BF_KIND;
	if (kind != pm_nid_kind(n->nid) && (kind != PM_BK_PC || pm_nid_kind(n->nid) != PM_BK_NONE))
		return PM_OK;
	rc = pm_orphan_look(o, &ret->x, kind);
	/* Damaged subnodes may well be its own. */
	i = n->sub ? pm_block_index(o->an, n->sub) : SIZE_MAX;
	if (rc || i == SIZE_MAX || db->blocks.v[i].flags & no)
		return rc;
	ret->whole =
		(item(ret->x.kind) || item(kind_wanted(n->nid))) && !(n->flags & PM_NF_DANGLING);
	return ret->whole ? pm_orphan_look_at_subs(o, &ret->s) : PM_OK;
}

/* What display-to is in this file, and which pairs of data and subnodes are usual. */
struct naming {
	bool equal;  /* just the names of the recipients, */
	bool always; /* and never missing where there are such, */
	bool alike;  /* or at least one of them is among these, where they are not all mixed up */
	bool tabled; /* what has it has a table of recipients */
	int64_t distance; /* of the ids of subnodes and data where that stands out, else 0 */
};

static bool apart(pm_bid a, pm_bid b, pm_bid limit)
{
	return a > b ? a - b > limit : b - a > limit;
}

/* Are the recipients others than those of display-to? */
static bool others(const struct look *l, const struct naming *naming)
{
	return naming->equal && l->s.to && l->x.to != l->s.to &&
	       (l->x.to || (naming->always && !l->x.to_elsewhere));
}

/* Are there other subnodes where those of this context usually are? */
static bool other_pair(const struct pm_orphans *o, const struct look *l,
		       const struct naming *naming)
{
	const pm_bid usual = l->x.data + (pm_bid)naming->distance;

	return naming->distance && l->s.bid && l->s.bid != usual && pm_bid_internal(usual) &&
	       pm_block_index(o->an, usual) != SIZE_MAX;
}

/* Does the context contradict its nid, or its subnodes? */
static bool contradict(const struct pm_orphans *o, const struct look *l, enum pm_orphan_kind want,
		       const struct naming *naming)
{
	/* Flags tell associated items from others; some writers forget them. */
	if (item(l->x.kind) && l->x.kind != want)
		return true;
	if (!l->whole)
		return false;
	if (l->x.need != l->s.has || (l->x.attach && !l->s.attach))
		return true;
	if (l->x.to && !l->s.recipients && naming->tabled)
		return true;
	if (other_pair(o, l, naming))
		return true;
	/* Where context and subnodes were saved together it is the table among these that is not. */
	return apart(l->x.data, l->s.bid, TOGETHER) && others(l, naming);
}

/* The distance of most messages' data and subnodes, if none but it is frequent. */
static enum pm_rc learn_distance(struct pm_orphans *o, int64_t *ret)
{
	struct pm_distances d = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->an->db.nodes.n && rc == PM_OK; i++) {
		const struct pm_node *n = &o->an->db.nodes.v[i];

		if (pm_nid_type(n->nid) == PM_NT_MESSAGE && n->sub && n->data)
			rc = pm_distances_add(o->an->ctx, &d, n->data, n->sub);
	}
	*ret = pm_distances_stand_out(&d) ? d.usual : 0;
	pm_map_done(&d.votes);
	return rc;
}

/* What living messages show. */
struct shown {
	size_t agree, differ; /* display-to and the first-class recipients */
	size_t strange;       /* of those: it names nobody of them */
	size_t unnamed;       /* there are such, and no display-to */
	size_t untabled;      /* the reverse */
};

static enum pm_rc see_names(struct pm_orphans *o, const struct pm_node *n, struct shown *ret)
{
	pm_bid table = 0;
	struct look l;
	enum pm_rc rc = look_at(o, n, &l);

	if (rc || !l.whole || l.x.need != l.s.has)
		return rc;
	ret->unnamed += !l.x.to && l.s.to;
	ret->untabled += l.x.to && !l.s.recipients;
	if (!l.x.to || !l.s.recipients)
		return PM_OK;
	ret->agree += l.x.to == l.s.to;
	ret->differ += l.s.to && l.x.to != l.s.to;
	pm_orphans_see_names(o, &l.x, &l.s);
	if (l.x.to != l.s.to)
		rc = pm_nobody_shared(o->an, n, &table);
	ret->strange += table != 0;
	return rc;
}

static enum pm_rc learn_naming(struct pm_orphans *o, struct naming *ret)
{
	struct shown s = {0};
	enum pm_rc rc = learn_distance(o, &ret->distance);

	for (size_t i = 0; i < o->an->db.nodes.n && rc == PM_OK && s.agree + s.differ < 400; i++) {
		const struct pm_node *n = &o->an->db.nodes.v[i];

		if (pm_nid_type(n->nid) == PM_NT_MESSAGE && !n->flags &&
		    (!ret->distance || !n->sub || n->sub == n->data + (pm_bid)ret->distance))
			rc = see_names(o, n, &s);
	}
	ret->equal = s.agree > 4 * s.differ;
	ret->always = s.agree > 8 && s.agree > 8 * s.unnamed;
	ret->tabled = s.agree > 8 && s.agree > 8 * s.untabled;
	ret->alike = s.agree > 8 && 8 * s.agree > s.strange;
	return rc;
}

/* Take a context from its node. `back`: it may return, when nothing else fits it better. `both`: it
 * and its subnodes belong together, what is wrong is the nid. */
static enum pm_rc doubt(struct pm_orphans *o, size_t i, bool back, bool both)
{
	struct pm_node *n = &o->an->db.nodes.v[i];
	const struct pm_node sub = {.sub = both ? n->sub : 0};
	const pm_nid left = both ? n->nid : 0;
	const uint16_t kind = pm_nid_kind(n->nid) == PM_BK_TC ? PM_BK_TC : PM_BK_PC;
	size_t block = pm_block_index(o->an, n->data);
	enum pm_rc rc = pm_map_put(o->an->ctx, &o->doubtful, n->data, 1);

	if (rc == PM_OK)
		rc = pm_disown(o->an, n);
	if (rc == PM_OK && sub.sub) {
		rc = pm_refs_node(o->an, &sub, false);
		n->sub = 0;
	}
	if (rc == PM_OK)
		rc = pm_orphan_add(o, block, kind, PM_OR_NO_NODE, back ? i : PM_OR_NO_NODE);
	if (rc == PM_OK) {
		o->v.v[o->v.n - 1].sub = sub.sub;
		o->v.v[o->v.n - 1].left = left;
	}
	return rc;
}

/* Is the context of another kind for certain? A damaged heap header can look like that of a table
 * or of properties; only what opens without fault as that is that. */
static enum pm_rc other_kind(struct pm_analysis *an, const struct pm_node *n, bool *ret)
{
	size_t first = SIZE_MAX;
	uint16_t kind;
	enum pm_rc rc = pm_first_leaf(an, n->data, &first);

	*ret = true;
	if (rc || first == SIZE_MAX)
		return rc;
	kind = an->db.blocks.v[first].flags & PM_BF_KIND;
	*ret = false;
	if (kind == PM_BK_PC) {
		struct pm_pc pc;

		rc = pm_pc_open(&an->db, n->data, 0, &pc);
		*ret = rc == PM_OK && pc.props.n;
		pm_pc_close(&pc);
	} else if (kind == PM_BK_TC) {
		struct pm_tc tc;

		rc = pm_tc_open(&an->db, n->data, 0, &tc);
		*ret = (rc == PM_OK || rc == PM_DAMAGED) && tc.cols.n && !tc.rules;
		pm_tc_close(&tc);
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

/*
 * Data of another kind, internal blocks among them: then those whose they are look sound again.
 * What does not begin as a heap may be one whose header was hit: that is only doubtful.
 */
static enum pm_rc disown_misfits(struct pm_orphans *o)
{
	struct pm_analysis *an = o->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		struct pm_node *n = &an->db.nodes.v[i];
		bool fits, other;

		rc = pm_kind_fits(an, n, &fits);
		if (rc || fits)
			continue;
		rc = other_kind(an, n, &other);
		if (rc == PM_OK && other)
			rc = pm_disown(an, n);
		else if (rc == PM_OK)
			rc = doubt(o, i, true, false);
	}
	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++)
		if (an->db.nodes.v[i].data)
			rc = pm_judge_node(an, &an->db.nodes.v[i]);
	return rc;
}

static bool folders_table(pm_nid nid)
{
	return pm_nid_type(nid) >= PM_NT_HIERARCHY && pm_nid_type(nid) <= PM_NT_ASSOC_CONTENTS;
}

/* A folder's table by a page with a wrong checksum, of a folder that isn't there. */
static bool table_of_nobody(const struct pm_ndb *db, const struct pm_node *n)
{
	return n->origin == PM_FROM_WRONG && folders_table(n->nid) &&
	       !pm_ndb_find_node(db, pm_nid_make(PM_NT_FOLDER, n->nid >> 5));
}

/* A search folder, by a page with a wrong checksum, that has nothing of a search: its nid may be that
 * of a folder with a bit too many. */
static bool folder_in_disguise(const struct pm_ndb *db, const struct pm_node *n)
{
	const uint32_t i = n->nid >> 5;

	return n->origin == PM_FROM_WRONG && pm_nid_type(n->nid) == PM_NT_SEARCH && n->data &&
	       !pm_ndb_find_node(db, pm_nid_make(PM_NT_CRITERIA, i)) &&
	       !pm_ndb_find_node(db, pm_nid_make(PM_NT_SEARCH_CONTENTS, i));
}

/* Do so many of the rows that are looked at contradict their messages that nodes were mixed up? Rows
 * that were not kept up to date are few. */
static enum pm_rc mixed_up(struct pm_orphans *o, bool *ret)
{
	struct pm_map words = {0};
	size_t items = 0, against = 0;
	enum pm_rc rc;

	for (size_t i = 0; i < o->an->db.nodes.n; i++)
		items += pm_nid_type(o->an->db.nodes.v[i].nid) == PM_NT_MESSAGE;
	rc = pm_orphans_described(o, PM_OR_MESSAGE, PM_NT_CONTENTS, items / SAMPLE + 1, &words);
	for (size_t i = 0; i < words.n; i++)
		against += words.v[i].value == PM_ROW_CONTRADICTS;
	*ret = against > 2 && 8 * against > words.n;
	pm_map_done(&words);
	return rc;
}

/* Is the entry in doubt by what the rows of tables say? One of a page with a wrong checksum, or one of
 * several with its nid, must be described, others need not. */
static bool in_doubt(const struct pm_orphans *o, const struct pm_node *n,
		     const struct pm_map *words, bool all)
{
	const struct pm_map_entry *e = pm_map_find(words, n->nid);
	const bool must = n->origin == PM_FROM_WRONG || pm_map_has(&o->doubled, n->nid);

	return must ? !e || e->value != PM_ROW_DESCRIBES
		    : all && e && e->value == PM_ROW_CONTRADICTS;
}

/*
 * Entries of pages with a wrong checksum, of items that no table lists, or by a row that describes
 * another item: their nid may have been hit. They return to it when no row describes them either.
 * Where entries were mixed up, all that their rows contradict.
 */
static enum pm_rc doubt_nids(struct pm_orphans *o)
{
	struct pm_analysis *an = o->an;
	struct pm_map words = {0};
	bool any = false, all = false;
	enum pm_rc rc = mixed_up(o, &all);

	/* One whose nid became that of its neighbour may have left its own to a third. */
	all |= o->doubled.n > 0;

	for (size_t i = 0; i < an->db.nodes.n; i++)
		any |= an->db.nodes.v[i].origin == PM_FROM_WRONG;
	if (rc == PM_OK && (any || all))
		rc = pm_orphans_described(o, PM_OR_MESSAGE, PM_NT_CONTENTS, all, &words);
	if (rc == PM_OK && (any || all))
		rc = pm_orphans_described(o, PM_OR_ASSOC, PM_NT_ASSOC_CONTENTS, all, &words);
	for (size_t i = 0; (any || all) && i < an->db.nodes.n && rc == PM_OK; i++) {
		const struct pm_node *n = &an->db.nodes.v[i];
		struct look l;

		if (!n->data || n->flags || !item(kind_wanted(n->nid)) ||
		    !in_doubt(o, n, &words, all))
			continue;
		rc = look_at(o, n, &l);
		/* It may be the data that are another's, not the nid. */
		if (rc == PM_OK && item(l.x.kind) && l.x.need == l.s.has)
			rc = doubt(o, i, true, !l.x.to || !l.s.to || l.x.to == l.s.to);
	}
	pm_map_done(&words);
	return rc;
}

enum pm_rc pm_orphans_doubt_folders(struct pm_orphans *o)
{
	struct pm_analysis *an = o->an;
	struct pm_map described = {0};
	enum pm_rc rc = pm_orphans_described(o, PM_OR_FOLDER, PM_NT_HIERARCHY, 0, &described);

	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		const struct pm_map_entry *e = pm_map_find(&described, an->db.nodes.v[i].nid);

		if (e && e->value == PM_ROW_CONTRADICTS)
			rc = doubt(o, i, true, false);
	}
	pm_map_done(&described);
	return rc;
}

/* Is it the nid that is wrong: do context and subnodes, of another kind of item, belong together?
 * Only what has recipients or attachments has tables of them. */
static bool pair_of_another(const struct look *l, enum pm_orphan_kind want)
{
	const bool tables = l->s.recipients || l->s.attach;

	/* What it should have is looked for elsewhere, too. */
	if ((l->x.attach && !l->s.attach) || (l->x.to && !l->s.recipients))
		return false;
	return item(l->x.kind) && l->x.kind != want && l->x.need == l->s.has &&
	       (l->x.kind == PM_OR_MESSAGE || !tables || l->x.to || l->x.attach);
}

/* The table of recipients may be that of another item. */
static enum pm_rc mark_recipients(struct pm_orphans *o, const struct pm_node *n)
{
	struct pm_subs subs;
	enum pm_rc rc = pm_subs_open(&o->an->db, n->sub, &subs);
	const struct pm_sub *e = rc == PM_OK ? pm_subs_find(&subs, PM_NID_RECIPIENT_TABLE) : NULL;
	struct pm_block *b = e ? pm_ndb_find_block(&o->an->db, e->data) : NULL;

	if (b)
		b->flags |= PM_BF_CROWDED;
	pm_subs_close(&subs);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Recipients of whom display-to names nobody, and which were not saved with the rest. */
static enum pm_rc mark_strange(struct pm_orphans *o, const struct pm_node *n, bool *ret_any)
{
	pm_bid table;
	enum pm_rc rc = pm_nobody_shared(o->an, n, &table);

	*ret_any = rc == PM_OK && table && apart(table, n->data, FAR) && apart(table, n->sub, FAR);
	return *ret_any ? mark_recipients(o, n) : rc;
}

/* ---- looking ahead, in threads ---- */

enum { AHEAD = 2048, AT_ONCE = 32 };

/* A thread's own. */
struct eye {
	struct pm_ctx ctx;
	struct pm_analysis an; /* the file's, but with a reader of our own */
	struct pm_orphans o;
};

struct looks {
	struct pm_orphans *o;
	struct pm_pool *pool; /* NULL: nothing is done ahead */
	size_t from, n, next; /* the nodes that were looked at; the next that no thread has taken */
	bool stale;           /* something was decided since, by which one may look otherwise now */
	struct eye eyes[PM_POOL_MAX];
	bool failed[AHEAD];
	uint64_t effort[AHEAD]; /* that each took: spent when it is used */
	struct look v[AHEAD];
};

static void look_ahead(void *arg, unsigned int k)
{
	struct looks *s = arg;
	struct eye *e = &s->eyes[k];
	const struct pm_ctx *ctx = s->o->an->ctx;

	e->ctx = (struct pm_ctx){.cancel = ctx->cancel, .effort_max = ctx->effort_max};
	e->an = *s->o->an;
	e->an.ctx = &e->ctx;
	pm_ndb_reader(&s->o->an->db, &e->ctx, &e->an.db);
	e->o = *s->o;
	e->o.an = &e->an;
	for (;;) {
		const size_t at = __atomic_fetch_add(&s->next, AT_ONCE, __ATOMIC_RELAXED);

		if (at >= s->n)
			break;
		for (size_t i = at; i < s->n && i < at + AT_ONCE; i++) {
			const struct pm_node *n = &e->an.db.nodes.v[s->from + i];

			/* An error is met again by who looks in order. */
			e->ctx.effort = 0;
			s->failed[i] = look_at(&e->o, n, &s->v[i]) != PM_OK || e->ctx.rc;
			s->effort[i] = e->ctx.effort;
			e->ctx.rc = PM_OK;
		}
	}
	pm_ndb_reader_done(&e->an.db);
}

/* Look at the nodes from i on. */
static void look_on(struct looks *s, size_t i)
{
	struct pm_ctx *ctx = s->o->an->ctx;
	const size_t left = s->o->an->db.nodes.n - i;

	s->from = i;
	s->n = left < AHEAD ? left : AHEAD;
	s->next = 0;
	s->stale = false;
	pm_pool_run(s->pool, look_ahead, s);
	for (unsigned int k = 0; k < pm_pool_size(s->pool); k++) {
		ctx->bytes_read += s->eyes[k].ctx.bytes_read;
		ctx->reads += s->eyes[k].ctx.reads;
	}
}

static enum pm_rc look_at_node(struct looks *s, size_t i, struct look *ret)
{
	const struct pm_node *n = &s->o->an->db.nodes.v[i];

	if (s->pool && i >= s->from + s->n)
		look_on(s, i);
	if (!s->pool || s->stale || s->failed[i - s->from])
		return look_at(s->o, n, ret);
	*ret = s->v[i - s->from];
	return pm_spend(s->o->an->ctx, s->effort[i - s->from]);
}

/* ---- all nodes ---- */

/* What is wrong with node i, and what is done about it; *ret_any false: nothing. */
static enum pm_rc doubt_node(struct pm_orphans *o, size_t i, const struct look *l,
			     const struct naming *naming, bool *ret_any)
{
	struct pm_node *n = &o->an->db.nodes.v[i];
	const enum pm_orphan_kind want = kind_wanted(n->nid);
	const bool pair = pair_of_another(l, want);

	*ret_any = true;
	if (misfit(&l->x, want))
		return pair ? doubt(o, i, false, true) : pm_disown(o->an, n);
	if (contradict(o, l, want, naming))
		return doubt(o, i, true, pair);
	if (l->whole && others(l, naming))
		return mark_recipients(o, n);
	if (naming->alike && l->whole && l->x.to != l->s.to)
		return mark_strange(o, n, ret_any);
	*ret_any = false;
	return PM_OK;
}

static enum pm_rc doubt_nodes(struct looks *s, const struct naming *naming)
{
	struct pm_orphans *o = s->o;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->an->db.nodes.n && rc == PM_OK; i++) {
		const struct pm_node *n = &o->an->db.nodes.v[i];
		bool any = true;
		struct look l;

		if (!n->data || n->nid >> 5 == TEMPLATES)
			continue;
		if (folder_in_disguise(&o->an->db, n) || table_of_nobody(&o->an->db, n)) {
			rc = doubt(o, i, true, true);
		} else {
			rc = look_at_node(s, i, &l);
			if (rc == PM_OK)
				rc = doubt_node(o, i, &l, naming, &any);
		}
		s->stale |= any;
		if (rc == PM_OK && i % 256 == 0)
			rc = pm_tick(o->an->ctx, "nodes", i, o->an->db.nodes.n);
	}
	return rc;
}

/*
 * A folder's table that an older leaf names and that the block tree has given up: a younger one was saved,
 * which may begin with the same blocks and have the same subnodes. Without one it returns.
 */
static enum pm_rc doubt_old_table(struct pm_orphans *o, size_t i)
{
	const pm_bid sub = o->an->db.nodes.v[i].sub;
	enum pm_rc rc = doubt(o, i, true, true);
	struct pm_orphan *x = o->v.n ? &o->v.v[o->v.n - 1] : NULL;

	if (rc || !x)
		return rc;
	x->had = sub;
	x->sub = 0;
	x->left = 0;
	return PM_OK;
}

/* Do the objects that a folder's table lists name another folder as theirs? `together`: its subnodes,
 * if it has some, have its rows. */
static enum pm_rc table_of_another(struct pm_orphans *o, const struct pm_node *n, bool *ret,
				   bool *ret_together)
{
	const pm_nid own = pm_folder_companion(n->nid, PM_NT_FOLDER);
	pm_nid folder = 0;
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&o->an->db, n->data, n->sub, &tc);

	*ret_together = rc == PM_OK;
	if (!pm_is_error(rc))
		rc = pm_orphans_parent(o, &tc, own, &folder);
	*ret = folder && folder != own;
	pm_tc_close(&tc);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Older tables; and those whose entry names that of another folder: without a better place they return, unless
 * another entry names them as well. */
static enum pm_rc doubt_tables(struct pm_orphans *o)
{
	struct pm_analysis *an = o->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		struct pm_node *n = &an->db.nodes.v[i];
		const size_t block = n->data ? pm_block_index(an, n->data) : SIZE_MAX;
		bool another = false, together = false;

		if (!folders_table(n->nid) || block == SIZE_MAX || n->flags)
			continue;
		if (n->origin == PM_FROM_STALE && pm_orphans_given_up(o, n->data)) {
			rc = doubt_old_table(o, i);
			continue;
		}
		rc = table_of_another(o, n, &another, &together);
		if (rc == PM_OK && another)
			rc = an->refs[block] > 1 ? pm_disown(an, n) : doubt(o, i, true, together);
	}
	return rc;
}

enum pm_rc pm_orphans_doubt(struct pm_orphans *o)
{
	struct pm_ctx *ctx = o->an->ctx;
	struct naming naming = {0};
	struct looks *s = pm_calloc(ctx, 1, sizeof(*s));
	enum pm_rc rc = s ? disown_misfits(o) : ctx->rc;

	if (rc == PM_OK)
		rc = learn_naming(o, &naming);
	if (rc == PM_OK) {
		s->o = o;
		s->pool = o->an->db.nodes.n > AHEAD ? pm_pool_new(ctx) : NULL;
		rc = ctx->rc ? ctx->rc : doubt_nodes(s, &naming);
		pm_pool_free(s->pool);
	}
	pm_free(s);
	if (rc == PM_OK)
		rc = doubt_tables(o);
	return rc ? rc : doubt_nids(o);
}
