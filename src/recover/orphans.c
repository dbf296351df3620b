/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the lost part of a node tree leaves behind: contexts and subnode trees that live by the
 * block tree (or the maps, where that is lost too) and that nothing references.
 *
 * Gathers: the roots among them (what an unreferenced internal block holds is no root), what
 * they are by their properties or columns, and which subnode tree belongs to which context.
 * Needs: settled blocks and nodes, references.
 *
 * Joining. The LTP subnodes that a context's values lie in are just those that its subnode tree
 * has, in every file looked at [OBS]. Of several trees that fit, the one whose recipients are
 * those of display-to, then the one saved nearest: ids are given out in the order of saving,
 * and a writer always saves data and subnodes in the same order, which the living show. Where with
 * nearly all of them data and subnodes are the same distance apart, the one there comes first, and
 * elsewhere only recipients tell.
 * A context that was saved again later is far from its subnodes; those whose LTP subnodes and
 * recipients are the right ones are found at any distance.
 */
#include "recover/orphans.h"

#include "base/sort.h"
#include "ltp/pc.h"
#include "ltp/tc.h"
#include "msg/folder.h"
#include "msg/message.h"

#define NEAR       24        /* subnode trees to each side that a context is compared with */
#define SAME       64        /* subnode trees with the same LTP subnodes that it is compared with */
#define FAR        (1 << 20) /* ids further apart tell nothing */
#define SURE       16        /* pairs of one distance that settle it */
#define STANDS_OUT 8         /* times the next frequent one */

uint64_t pm_digest(uint64_t seed, const uint8_t *p, size_t n)
{
	uint64_t h = pm_mix(seed ^ n * 0x9E3779B97F4A7C15u);

	for (; n >= 8; p += 8, n -= 8)
		h = pm_mix(h ^ pm_le64(p));
	for (; n; p++, n--)
		h = pm_mix(h ^ *p ^ 0x100);
	return h;
}

static uint64_t digest_string(const struct pm_buf *b)
{
	return b->n ? pm_digest(1, b->p, b->n) | 1 : 0;
}

/* ---- what a context is ---- */

static enum pm_orphan_kind pc_kind(struct pm_pc *pc, uint32_t flags)
{
	const bool class = pm_pc_find(pc, PM_ID_MESSAGE_CLASS), counts = pm_pc_find(pc, 0x3602);

	if (pm_pc_find(pc, PM_ID_IPM_SUBTREE_ENTRYID) || pm_pc_find(pc, PM_ID_VALID_FOLDER_MASK))
		return PM_OR_STORE;
	if (pm_pc_find(pc, 0x0002) && pm_pc_find(pc, 0x0003) && !class)
		return PM_OR_NAMES;
	if (counts && (pm_pc_find(pc, PM_ID_SUBFOLDERS) || pm_pc_find(pc, PM_ID_DISPLAY_NAME)))
		return PM_OR_FOLDER;
	if (pm_pc_find(pc, PM_ID_ATTACH_METHOD) && !class)
		return PM_OR_ATTACHMENT;
	if (!class && !pm_pc_find(pc, PM_ID_MESSAGE_FLAGS))
		return PM_OR_OTHER;
	return flags & 0x40 ? PM_OR_ASSOC : PM_OR_MESSAGE;
}

/* Is there a property of a type that there isn't? */
static bool types_known(const struct pm_pc *pc)
{
	for (size_t i = 0; i < pc->props.n; i++)
		if (pm_proptype_size(pc->props.v[i].type) < 0 || pc->props.v[i].retyped)
			return false;
	return true;
}

/* Digest of the subnodes that values lie in. */
static uint64_t needed(const struct pm_pc *pc)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < pc->props.n; i++) {
		const struct pm_prop *p = &pc->props.v[i];
		uint32_t hnid = pm_le32(p->raw);

		if (!pm_proptype_inline(p->type) && pm_nid_type(hnid) == PM_NT_LTP)
			sum += pm_mix(hnid);
	}
	return sum;
}

/* Digest of the names of recipients of one type. `known`: they could be read, or there are none. */
static enum pm_rc display(struct pm_pc *pc, uint16_t id, uint64_t *ret, bool *ret_known)
{
	const struct pm_prop *p = pm_pc_find(pc, id);
	struct pm_buf b = {0};
	enum pm_rc rc = pm_pc_string(pc, id, 1252, &b);

	*ret = digest_string(&b);
	*ret_known = !p || (rc == PM_OK && (*ret || !pm_le32(p->raw)));
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc look_at_pc(struct pm_orphans *o, struct pm_orphan *x)
{
	const struct pm_ndb *db = &o->an->db;
	const struct pm_prop *to;
	struct pm_buf b = {0};
	uint32_t flags = 0;
	struct pm_pc pc;
	enum pm_rc rc = pm_pc_open(db, x->data, 0, &pc);

	x->unsound = rc != PM_OK || pc.lost || !types_known(&pc) ||
		     pc.heap.rules & (PM_HN_ERRORS | PM_HN_HID);
	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_pc_u32(&pc, PM_ID_MESSAGE_FLAGS, &flags);
	if (!pm_is_error(rc)) {
		x->kind = (uint8_t)(pc.props.n ? pc_kind(&pc, flags) : PM_OR_OTHER);
		x->attach = flags & 0x10;
		x->need = needed(&pc);
		rc = pm_pc_string(&pc, PM_ID_DISPLAY_TO, 1252, &b);
		x->to = digest_string(&b);
		to = pm_pc_find(&pc, PM_ID_DISPLAY_TO);
		x->to_elsewhere = to && !x->to && pm_nid_type(pm_le32(to->raw));
		pm_buf_clear(&b);
	}
	if (!pm_is_error(rc))
		rc = display(&pc, PM_ID_DISPLAY_CC, &x->cc, &x->cc_known);
	if (!pm_is_error(rc))
		rc = display(&pc, PM_ID_DISPLAY_BCC, &x->bcc, &x->bcc_known);
	if (!pm_is_error(rc))
		rc = pm_pc_string(&pc, PM_ID_DISPLAY_NAME, 1252, &b);
	x->name = digest_string(&b);
	pm_buf_clear(&b);
	if (!pm_is_error(rc))
		rc = pm_pc_binary(&pc, PM_ID_SEARCH_KEY, 64, &b);
	x->search = digest_string(&b);
	if (!pm_is_error(rc) && x->damaged)
		rc = pm_frail_tells(&pc, &x->tells);
	pm_pc_close(&pc);
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Of the columns that make the kind, views add some to other tables: a list of messages may have
 * the count of contents, one of associated items the size. */
static enum pm_orphan_kind tc_kind(const struct pm_tc *tc)
{
	if (pm_tc_col(tc, 0x67F1, 0)) /* only results of searches have it */
		return PM_OR_OTHER;
	if (pm_tc_col(tc, 0x6805, 0) || pm_tc_col(tc, 0x7003, 0))
		return PM_OR_ASSOC_CONTENTS;
	if (!pm_tc_col(tc, PM_ID_MESSAGE_FLAGS, 0))
		return pm_tc_col(tc, PM_ID_CONTENT_COUNT, 0) ? PM_OR_HIERARCHY : PM_OR_OTHER;
	return pm_tc_col(tc, PM_ID_MESSAGE_SIZE, 0) ? PM_OR_CONTENTS : PM_OR_OTHER;
}

static enum pm_rc look_at_tc(struct pm_orphans *o, struct pm_orphan *x)
{
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&o->an->db, x->data, 0, &tc);

	if (rc == PM_OK || rc == PM_DAMAGED) {
		x->kind = (uint8_t)tc_kind(&tc);
		x->matrix = pm_nid_type(tc.rows_hnid) == PM_NT_LTP ? tc.rows_hnid : 0;
		/* One without rows is the copy of a template: there is nothing in it. */
		if (!x->matrix && !tc.rows.n)
			x->kind = PM_OR_OTHER;
	}
	pm_tc_close(&tc);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_orphan_look(struct pm_orphans *o, struct pm_orphan *x, uint16_t kind)
{
	return kind == PM_BK_PC ? look_at_pc(o, x) : look_at_tc(o, x);
}

/* ---- what a subnode tree holds ---- */

/* The names of the recipients as display-to, display-cc and display-bcc have them. */
static enum pm_rc recipients(struct pm_orphans *o, const struct pm_sub *e,
			     struct pm_orphan_sub *ret)
{
	struct pm_buf b[3] = {{0}, {0}, {0}};
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&o->an->db, e->data, e->sub, &tc);

	ret->whole = rc == PM_OK && !tc.rules;
	for (size_t i = 0; i < tc.rows.n && !pm_is_error(rc); i++) {
		uint32_t type = 0;
		struct pm_buf *names;

		rc = pm_tc_u32(&tc, i, PM_ID_RECIPIENT_TYPE, &type);
		ret->whole &= rc == PM_OK;
		if (pm_is_error(rc) || (type & 0xF) < 1 || (type & 0xF) > 3)
			continue;
		names = &b[(type & 0xF) - 1];
		if (names->n)
			pm_buf_str(o->an->ctx, names, "; ");
		rc = pm_tc_string(&tc, i, PM_ID_DISPLAY_NAME, 1252, names);
		ret->whole &= rc == PM_OK;
	}
	ret->to = digest_string(&b[0]);
	ret->cc = digest_string(&b[1]);
	ret->bcc = digest_string(&b[2]);
	pm_tc_close(&tc);
	for (unsigned i = 0; i < 3; i++)
		pm_buf_done(&b[i]);
	return pm_is_error(rc) ? rc : o->an->ctx->rc;
}

enum pm_rc pm_orphan_look_at_subs(struct pm_orphans *o, struct pm_orphan_sub *x)
{
	struct pm_subs s;
	enum pm_rc rc = pm_subs_open(&o->an->db, x->bid, &s);

	for (size_t i = 0; i < s.v.n && !pm_is_error(rc); i++) {
		pm_nid nid = (pm_nid)s.v.v[i].nid;

		if (pm_nid_type(nid) == PM_NT_LTP)
			x->has += pm_mix(nid);
		x->attach |= pm_nid_type(nid) == PM_NT_ATTACHMENT;
		if (nid == PM_NID_RECIPIENT_TABLE) {
			x->recipients = true;
			rc = recipients(o, &s.v.v[i], x);
		}
	}
	pm_subs_close(&s);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* ---- gathering ---- */

enum pm_rc pm_orphan_add(struct pm_orphans *o, size_t block, uint16_t kind, size_t node,
			 size_t from)
{
	struct pm_analysis *an = o->an;
	const struct pm_block *b = &an->db.blocks.v[block];
	struct pm_orphan *x = pm_vec_push(an->ctx, &o->v);
	enum pm_rc rc;

	if (!x)
		return an->ctx->rc;
	*x = (struct pm_orphan){
		.data = b->bid, .node = node, .from = from, .damaged = b->flags & PM_BF_CRC};
	rc = pm_orphan_look(o, x, kind);
	/* Where counts are wrong, one alone does not make a message live. */
	x->mapped = !b->cref;
	x->freed = pm_orphans_given_up(o, b->bid);
	x->certain =
		b->cref ? b->cref > 1 && !(o->counts_wrong && x->kind == PM_OR_MESSAGE)
			: pm_analysis_allocated(an, b->ib, pm_block_stored(an->db.fmt, b->cb)) > 0;
	return rc;
}

enum pm_rc pm_orphan_add_subs(struct pm_orphans *o, pm_bid bid, size_t node)
{
	struct pm_orphan_sub *x = pm_vec_push(o->an->ctx, &o->subs);

	if (!x)
		return o->an->ctx->rc;
	*x = (struct pm_orphan_sub){.bid = bid, .node = node};
	return pm_orphan_look_at_subs(o, x);
}

/* A block of the pool that nothing holds: the root of a context, or of a subnode tree? */
static enum pm_rc add_root(struct pm_orphans *o, size_t i)
{
	struct pm_analysis *an = o->an;
	const struct pm_block *b = &an->db.blocks.v[i];
	uint16_t kind = b->flags & PM_BF_KIND;
	/* One of which its count says that it is dead is counted with what it holds. */
	const uint32_t counted = pm_map_has(&an->orphans, b->bid);
	struct pm_buf buf = {0};
	size_t first = i;
	enum pm_rc rc = PM_OK;

	if (pm_bid_internal(b->bid)) {
		struct pm_block e = *b;

		rc = pm_ndb_read_entry(&an->db, &e, &buf);
		if (rc == PM_OK && buf.n >= 8 && buf.p[0] == 2)
			rc = pm_orphan_add_subs(o, b->bid, PM_OR_NO_NODE);
		else if (rc == PM_OK)
			rc = pm_first_leaf(an, b->bid, &first);
		/* One that begins with the block of a living object has lost its own. */
		if (rc == PM_OK && first != i && first != SIZE_MAX && an->refs[first] <= counted)
			kind = an->db.blocks.v[first].flags & PM_BF_KIND;
	}
	pm_buf_done(&buf);
	if (rc == PM_OK && (kind == PM_BK_PC || kind == PM_BK_TC))
		rc = pm_orphan_add(o, i, kind, PM_OR_NO_NODE, PM_OR_NO_NODE);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Halves of objects: nodes that have right data and not their subnodes, or the reverse. */
static enum pm_rc add_halves(struct pm_orphans *o)
{
	struct pm_analysis *an = o->an;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		const struct pm_node *n = &an->db.nodes.v[i];
		size_t data = n->data ? pm_block_index(an, n->data) : SIZE_MAX;
		size_t sub = n->sub ? pm_block_index(an, n->sub) : SIZE_MAX;

		if (!n->flags || pm_nid_kind(n->nid) != PM_BK_PC)
			continue;
		if (data == SIZE_MAX && sub != SIZE_MAX && pm_bid_internal(n->sub))
			rc = pm_orphan_add_subs(o, n->sub, i);
		else if (data != SIZE_MAX && n->sub && sub == SIZE_MAX)
			rc = pm_orphan_add(o, data, PM_BK_PC, i, PM_OR_NO_NODE);
	}
	return rc;
}

/* Are there blocks in use that say that nobody refers to them? Then others that say so may be as
 * wrong: they are looked at, and live if a row describes them. */
static bool counts_wrong(const struct pm_analysis *an)
{
	unsigned low = 0;

	for (size_t i = 0; i < an->db.blocks.n && low < 3; i++)
		low += an->db.blocks.v[i].cref == 1 && an->refs[i];
	return low == 3;
}

/* Which ids do leaves of the block tree decide on? Ids ascend: what a leaf does not have, and has
 * younger ones, was freed by then, of whatever generation it is. */
enum pm_rc pm_orphans_told(struct pm_orphans *o)
{
	struct pm_analysis *an = o->an;
	uint64_t top = 0;
	enum pm_rc rc = PM_OK;

	for (size_t i = an->db.blocks.n; i-- && !top;)
		top = an->db.blocks.v[i].cref ? an->db.blocks.v[i].bid : 0;
	for (size_t i = 0; i < an->pages.n && rc == PM_OK; i++) {
		const struct pm_tree_page *t = &an->pages.v[i];

		/* A leaf that stands in for a lost root is not all of the tree. */
		if (t->ptype == PM_PTYPE_BBT && !t->level && t->grade == PM_GRADE_A && !t->bad &&
		    t->lo < top && !(an->root_rejected[0] && !t->lo && t->hi == UINT64_MAX))
			rc = pm_rangeset_add(an->ctx, &o->told, t->lo, t->hi < top ? t->hi : top);
	}
	return rc;
}

bool pm_orphans_given_up(const struct pm_orphans *o, pm_bid bid)
{
	const size_t i = pm_block_index(o->an, bid);

	return bid && pm_rangeset_contains(&o->told, bid, bid + 1) &&
	       (i == SIZE_MAX || !o->an->db.blocks.v[i].cref);
}

/* Properties that are partly there, in a block that the block tree counts as named, or whose entry is lost: what is
 * left of them is looked at. */
static bool damaged(const struct pm_block *b)
{
	return b->flags & PM_BF_CRC && (b->flags & PM_BF_FOUND || b->cref > 1) &&
	       (b->flags & PM_BF_KIND) == PM_BK_PC;
}

static enum pm_rc gather(struct pm_orphans *o)
{
	struct pm_analysis *an = o->an;
	const uint16_t no = PM_BF_LOST | PM_BF_READ | PM_BF_SUSPECT;
	uint16_t *held = NULL;
	enum pm_rc rc = pm_refs_held(an, &held);

	o->counts_wrong = counts_wrong(an);
	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++) {
		if (an->refs[i] || held[i] || an->db.blocks.v[i].flags & no ||
		    (an->db.blocks.v[i].flags & PM_BF_CRC && !damaged(&an->db.blocks.v[i])) ||
		    (!pm_refs_wanted(an, i) && !o->counts_wrong) ||
		    pm_map_has(&o->doubtful, an->db.blocks.v[i].bid))
			continue;
		rc = add_root(o, i);
		if (rc == PM_OK && i % 1024 == 0)
			rc = pm_tick(an->ctx, "orphans", i, an->db.blocks.n);
	}
	pm_free(held);
	if (rc == PM_OK)
		rc = add_halves(o);
	if (rc == PM_OK)
		rc = pm_sort_member(an->ctx, &o->v, data);
	return rc ? rc : pm_sort_member(an->ctx, &o->subs, bid);
}

/* ---- joining ---- */

struct pair {
	uint64_t rank; /* smaller is better */
	uint32_t orphan, sub;
};

struct join {
	struct pm_orphans *o;
	PM_VEC(struct pair) pairs;
	struct pm_distances apart;
	uint64_t voters; /* so many gave it their distances, some several */
	bool stands_out; /* one distance is by far the most frequent */
	bool regular;    /* that of nearly all is the same: at another one, only recipients tell */
};

/* Can this be the subnode tree of the context, and how likely: 0 not at all. */
static unsigned likely(const struct pm_orphan *x, const struct pm_orphan_sub *s)
{
	if (x->node != PM_OR_NO_NODE && s->node != PM_OR_NO_NODE)
		return 0;
	if (s->has != x->need)
		return 0;
	if (x->kind != PM_OR_MESSAGE && x->kind != PM_OR_ASSOC)
		return x->need ? 1 : 0;
	/* A message's tree has at least one of these; others are those of its parts. */
	if (!s->recipients && (x->to || (!s->attach && !x->need)))
		return x->need ? 1 : 0;
	if (x->to && x->to == s->to && s->attach == x->attach)
		return 3;
	if (s->attach == x->attach && !(x->to && s->to))
		return 2;
	return x->need ? 1 : 0;
}

enum pm_rc pm_distances_add(struct pm_ctx *ctx, struct pm_distances *d, pm_bid data, pm_bid sub)
{
	const int64_t apart = (int64_t)(sub - data);
	struct pm_map_entry *e;
	bool fresh;

	if (apart <= -FAR || apart >= FAR)
		return PM_OK;
	e = pm_map_get(ctx, &d->votes, (uint64_t)(apart + FAR), &fresh);
	if (!e)
		return ctx->rc;
	e->value = fresh ? 1 : e->value + 1;
	d->total++;
	d->below += apart < 0;
	if (e->value > d->most) {
		d->most = e->value;
		d->usual = apart;
	}
	return PM_OK;
}

bool pm_distances_stand_out(const struct pm_distances *d)
{
	uint64_t second = 0;

	for (size_t i = 0; i < d->votes.n; i++)
		if (d->votes.v[i].value > second && (int64_t)d->votes.v[i].key - FAR != d->usual)
			second = d->votes.v[i].value;
	return d->most >= SURE && d->most >= STANDS_OUT * second;
}

/*
 * The living tell; where there are hardly any, the pairs that their recipients or values join. Where
 * no distance is that of most, only which of the two is lower is learnt.
 */
static enum pm_rc learn_order(struct join *j)
{
	const struct pm_orphans *o = j->o;
	struct pm_distances *d = &j->apart;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->an->db.nodes.n && rc == PM_OK; i++) {
		const struct pm_node *n = &o->an->db.nodes.v[i];

		if (pm_nid_type(n->nid) == PM_NT_MESSAGE && n->sub && !n->flags)
			rc = pm_distances_add(o->an->ctx, d, n->data, n->sub);
	}
	j->voters = d->total;
	for (size_t i = 0; i < o->v.n && d->most < SURE && rc == PM_OK; i++) {
		const struct pm_orphan *x = &o->v.v[i];
		const size_t at = pm_lower_member(&o->subs, bid, x->data);
		const uint64_t before = d->total;

		for (size_t k = at > NEAR ? at - NEAR : 0;
		     x->kind == PM_OR_MESSAGE && k < at + NEAR && k < o->subs.n && rc == PM_OK; k++)
			if (likely(x, &o->subs.v[k]) == 3 ||
			    (x->need && o->subs.v[k].has == x->need))
				rc = pm_distances_add(o->an->ctx, d, x->data, o->subs.v[k].bid);
		j->voters += d->total > before;
	}
	/* Where entries were mixed up one distance stands out all the same. */
	if (2 * d->most < j->voters && !pm_distances_stand_out(d))
		d->usual = 2 * d->below > d->total ? -1 : 1;
	return rc;
}

void pm_orphans_see_names(struct pm_orphans *o, const struct pm_orphan *x,
			  const struct pm_orphan_sub *s)
{
	if (!x->to || !s->recipients || !s->whole)
		return;
	o->to_same += x->to == s->to;
	o->to_other += x->to != s->to;
	if (x->to != s->to)
		return;
	o->cc_same += x->cc_known && x->cc == s->cc;
	o->cc_other += x->cc_known && x->cc != s->cc;
	o->bcc_same += x->bcc_known && x->bcc == s->bcc;
	o->bcc_other += x->bcc_known && x->bcc != s->bcc;
}

/* The living may be few: what stands at the usual distance belongs together as well. */
static void see_usual(struct join *j)
{
	struct pm_orphans *o = j->o;

	for (size_t i = 0; i < o->v.n; i++) {
		const struct pm_orphan *x = &o->v.v[i];
		const pm_bid bid = x->data + (pm_bid)j->apart.usual;
		const size_t k = pm_lower_member(&o->subs, bid, bid);

		if (x->kind == PM_OR_MESSAGE && k < o->subs.n && o->subs.v[k].bid == bid &&
		    o->subs.v[k].has == x->need)
			pm_orphans_see_names(o, x, &o->subs.v[k]);
	}
}

static bool nearly_always(size_t same, size_t other)
{
	return same > 8 && same > 64 * other;
}

/* Has the tree recipients that the context does not name, or not those that it names, in a file where
 * these are always the same? */
static bool names_others(const struct pm_orphans *o, const struct pm_orphan *x,
			 const struct pm_orphan_sub *s)
{
	if (!s->recipients || !s->whole)
		return false;
	return (x->to && s->to != x->to && nearly_always(o->to_same, o->to_other)) ||
	       (x->cc_known && s->cc != x->cc && nearly_always(o->cc_same, o->cc_other)) ||
	       (x->bcc_known && s->bcc != x->bcc && nearly_always(o->bcc_same, o->bcc_other));
}

static enum pm_rc consider(struct join *j, size_t i, size_t k)
{
	const struct pm_orphan *x = &j->o->v.v[i];
	const struct pm_orphan_sub *s = &j->o->subs.v[k];
	unsigned how = likely(x, s);
	const int64_t off = (int64_t)(s->bid - x->data) - j->apart.usual;
	const bool other_side = (s->bid < x->data) != (j->apart.usual < 0);
	uint64_t distance = off < 0 ? (uint64_t)-off : (uint64_t)off;
	struct pair *p;

	/* A context that is damaged can't tell, but where it stands does. */
	if (!how && x->damaged && x->kind == PM_OR_MESSAGE && !off && j->stands_out &&
	    (s->recipients || s->attach))
		how = 1;
	if (!how || (j->regular && off && how < 3))
		return PM_OK;
	if (off && names_others(j->o, x, s))
		return PM_OK;
	p = pm_vec_push(j->o->an->ctx, &j->pairs);
	if (!p)
		return j->o->an->ctx->rc;
	if (distance > UINT32_MAX)
		distance = UINT32_MAX;
	*p = (struct pair){.orphan = (uint32_t)i, .sub = (uint32_t)k};
	/* Where they regularly stand is better evidence than the same recipients elsewhere. */
	p->rank = (uint64_t)(3 - how + (j->regular && off ? 2 : 0)) << 40 |
		  (uint64_t)other_side << 39 | distance;
	return PM_OK;
}

/* Subnode trees by their LTP subnodes, whatever their ids. */
struct alike {
	struct pm_map first; /* digest -> index into subs + 1 */
	struct pm_map needs; /* digest -> contexts that need it */
	uint32_t *next;      /* chain of those of one digest: index + 1 */
};

static enum pm_rc find_alike(const struct pm_orphans *o, struct alike *a)
{
	struct pm_ctx *ctx = o->an->ctx;
	struct pm_map_entry *e;
	bool new;

	a->next = pm_calloc(ctx, o->subs.n + 1, sizeof(*a->next));
	if (!a->next)
		return ctx->rc;
	for (size_t k = o->subs.n; k-- > 0;) {
		if (o->subs.v[k].taken || !o->subs.v[k].has)
			continue;
		e = pm_map_get(ctx, &a->first, o->subs.v[k].has, &new);
		if (!e)
			return ctx->rc;
		a->next[k] = new ? 0 : (uint32_t)e->value;
		e->value = k + 1;
	}
	for (size_t i = 0; i < o->v.n; i++) {
		if (!o->v.v[i].need || o->v.v[i].kind >= PM_OR_HIERARCHY)
			continue;
		e = pm_map_get(ctx, &a->needs, o->v.v[i].need, &new);
		if (!e)
			return ctx->rc;
		e->value = new ? 1 : e->value + 1;
	}
	return PM_OK;
}

/* A context that was saved again long after its subnodes. Where recipients don't tell, both must
 * be the only ones with those LTP subnodes. */
static enum pm_rc consider_alike(struct join *j, const struct alike *a, size_t i)
{
	const struct pm_orphan *x = &j->o->v.v[i];
	const struct pm_map_entry *e = x->need ? pm_map_find(&a->first, x->need) : NULL;
	const struct pm_map_entry *all = x->need ? pm_map_find(&a->needs, x->need) : NULL;
	const size_t at = pm_lower_member(&j->o->subs, bid, x->data);
	enum pm_rc rc = PM_OK;

	if (x->kind != PM_OR_MESSAGE && x->kind != PM_OR_ASSOC)
		return PM_OK;
	for (uint32_t n = 0, k = e ? (uint32_t)e->value : 0; k && n < SAME && rc == PM_OK;
	     k = a->next[k - 1], n++) {
		const bool near = k - 1 + NEAR >= at && k - 1 < at + NEAR;
		const bool only = !n && !a->next[k - 1] && all && all->value == 1;
		const unsigned how = near ? 0 : likely(x, &j->o->subs.v[k - 1]);

		if (how == 3 || (how == 2 && only))
			rc = consider(j, i, k - 1);
	}
	return rc;
}

/* How well does a table open with these subnodes: 0 not at all, 2 with just the rows of its index? */
static enum pm_rc rows_fit(struct join *j, const struct pm_orphan *x, const struct pm_orphan_sub *s,
			   unsigned *ret)
{
	struct pm_subs subs;
	struct pm_tc tc;
	size_t wrong = 0;
	enum pm_rc rc;

	*ret = 0;
	if (s->taken || s->recipients || s->node != PM_OR_NO_NODE)
		return PM_OK;
	rc = pm_subs_open(&j->o->an->db, s->bid, &subs);
	if (!pm_is_error(rc) && !pm_subs_find(&subs, x->matrix))
		rc = PM_NONE;
	pm_subs_close(&subs);
	if (rc != PM_OK)
		return pm_is_error(rc) ? rc : PM_OK;
	rc = pm_tc_open(&j->o->an->db, x->data, s->bid, &tc);
	if (rc == PM_OK && tc.rows.n)
		*ret = 1;
	for (size_t i = 0; i < tc.rows.n && *ret && !pm_is_error(rc); i++) {
		uint32_t rules = 0;

		rc = pm_tc_row_rules(&tc, i, &rules);
		wrong += (rules & (PM_BR_KEY | PM_BR_ENTRY | PM_BR_BITS)) != 0;
	}
	if (*ret && !wrong && !(tc.rules & (PM_BR_COUNT | PM_BR_MATRIX)))
		*ret = 2;
	pm_tc_close(&tc);
	return pm_is_error(rc) ? rc : pm_spend(j->o->an->ctx, 1);
}

/* The tree at index k, unless a better one was met. */
static enum pm_rc try_rows(struct join *j, const struct pm_orphan *x, size_t k,
			   struct pm_orphan_sub **best, unsigned *how)
{
	unsigned fit;
	enum pm_rc rc = rows_fit(j, x, &j->o->subs.v[k], &fit);

	if (rc == PM_OK && fit > *how) {
		*how = fit;
		*best = &j->o->subs.v[k];
	}
	return rc;
}

/* A table's rows lie in a subnode: the nearest tree that has it and just the rows of the index, far
 * away only one that has nothing else; else one that it opens with. */
static enum pm_rc join_table(struct join *j, struct pm_orphan *x)
{
	struct pm_orphans *o = j->o;
	const size_t at = pm_lower_member(&o->subs, bid, x->data);
	struct pm_orphan_sub *best = NULL;
	unsigned how = 0;
	enum pm_rc rc = PM_OK;

	for (size_t d = 0; d < NEAR && how < 2 && rc == PM_OK; d++) {
		if (at > d)
			rc = try_rows(j, x, at - 1 - d, &best, &how);
		if (rc == PM_OK && how < 2 && at + d < o->subs.n)
			rc = try_rows(j, x, at + d, &best, &how);
	}
	for (size_t k = 0, n = 0; k < o->subs.n && n < SAME && how < 2 && rc == PM_OK; k++)
		if (o->subs.v[k].has == pm_mix(x->matrix)) {
			rc = try_rows(j, x, k, &best, &how);
			n++;
		}
	if (rc == PM_OK && best) {
		x->sub = best->bid;
		best->taken = true;
	}
	return rc;
}

/* Tables of one folder from several days want the same subnodes: they are those of the one that the
 * block tree says lives, or else of the youngest. */
static enum pm_rc join_tables(struct join *j)
{
	struct pm_orphans *o = j->o;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < o->v.n && rc == PM_OK; i++)
		if (o->v.v[i].matrix && !o->v.v[i].mapped)
			rc = join_table(j, &o->v.v[i]);
	for (size_t i = o->v.n; i-- && rc == PM_OK;)
		if (o->v.v[i].matrix && o->v.v[i].mapped)
			rc = join_table(j, &o->v.v[i]);
	return rc;
}

/* The subnodes are those of a node that has lost its data. One of a page with a wrong checksum may
 * have a wrong nid as well, and where the data are from another node one of the two named what is
 * not its own: then a row knows better. */
static enum pm_rc join_half(struct pm_orphans *o, struct pm_orphan *x, size_t node)
{
	struct pm_node *n = &o->an->db.nodes.v[node];
	enum pm_rc rc;

	if (n->origin != PM_FROM_WRONG && (x->from == PM_OR_NO_NODE || x->from == node)) {
		x->nid = n->nid;
		x->parent = n->parent;
		x->placed = true;
		return PM_OK;
	}
	rc = pm_refs_node(o->an, n, false);
	n->data = n->sub = 0;
	if (x->from == PM_OR_NO_NODE)
		x->from = node;
	x->left = n->nid;
	return rc;
}

static enum pm_rc join(struct pm_orphans *o)
{
	struct join j = {.o = o};
	struct alike a = {0};
	enum pm_rc rc;

	for (size_t i = 0; i < o->v.n; i++) { /* pairs that came as such */
		const size_t at =
			o->v.v[i].sub ? pm_lower_member(&o->subs, bid, o->v.v[i].sub) : o->subs.n;

		if (at < o->subs.n && o->subs.v[at].bid == o->v.v[i].sub)
			o->subs.v[at].taken = true;
	}
	rc = join_tables(&j);
	if (rc == PM_OK)
		rc = learn_order(&j);
	j.stands_out = pm_distances_stand_out(&j.apart);
	j.regular = j.stands_out && 2 * j.apart.most > j.voters;
	see_usual(&j);
	if (rc == PM_OK)
		rc = find_alike(o, &a);
	for (size_t i = 0; i < o->v.n && rc == PM_OK; i++) {
		size_t at = pm_lower_member(&o->subs, bid, o->v.v[i].data);

		if (o->v.v[i].kind >= PM_OR_HIERARCHY)
			continue;
		for (size_t k = at > NEAR ? at - NEAR : 0; k < at + NEAR && k < o->subs.n; k++)
			if (rc == PM_OK && !o->subs.v[k].taken)
				rc = consider(&j, i, k);
		if (rc == PM_OK)
			rc = consider_alike(&j, &a, i);
		if (rc == PM_OK)
			rc = pm_spend(o->an->ctx, NEAR);
	}
	if (rc == PM_OK)
		rc = pm_sort_member(o->an->ctx, &j.pairs, rank);
	for (size_t i = 0; i < j.pairs.n && rc == PM_OK; i++) {
		struct pm_orphan *x = &o->v.v[j.pairs.v[i].orphan];
		struct pm_orphan_sub *s = &o->subs.v[j.pairs.v[i].sub];

		if (x->sub || s->taken)
			continue;
		s->taken = true;
		x->sub = s->bid;
		if (s->node != PM_OR_NO_NODE)
			rc = join_half(o, x, s->node);
	}
	pm_vec_done(&j.pairs);
	pm_map_done(&j.apart.votes);
	pm_map_done(&a.first);
	pm_map_done(&a.needs);
	pm_free(a.next);
	return rc;
}

/* Of an entry whose nid another one has, the nid alone is in doubt. */
static void know_doubles(struct pm_orphans *o)
{
	for (size_t i = 0; i < o->an->doubles.n; i++) {
		const struct pm_node *d = &o->an->doubles.v[i];
		const size_t k = pm_lower_member(&o->v, data, d->data);

		if (k == o->v.n || o->v.v[k].data != d->data)
			continue;
		o->v.v[k].parent = d->parent;
		if (!o->v.v[k].sub && pm_block_index(o->an, d->sub) != SIZE_MAX)
			o->v.v[k].sub = d->sub;
	}
}

enum pm_rc pm_orphans_gather(struct pm_orphans *o)
{
	enum pm_rc rc = gather(o);

	know_doubles(o);

	for (size_t i = 0; i < o->v.n; i++) {
		struct pm_orphan *x = &o->v.v[i];

		if (x->node == PM_OR_NO_NODE)
			continue;
		x->nid = o->an->db.nodes.v[x->node].nid;
		x->parent = o->an->db.nodes.v[x->node].parent;
		x->placed = true;
	}
	return rc ? rc : join(o);
}

void pm_orphans_close(struct pm_orphans *o)
{
	pm_vec_done(&o->v);
	pm_vec_done(&o->subs);
	pm_vec_done(&o->made);
	pm_map_done(&o->doubtful);
	pm_map_done(&o->doubled);
	pm_map_done(&o->named);
	pm_rangeset_done(&o->told);
}
