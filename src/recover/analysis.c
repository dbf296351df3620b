/* SPDX-License-Identifier: Apache-2.0 */
/* The analysis as a whole: what runs in which order, and when a second walk is needed. */
#include "recover/analysis.h"

#include "ndb/place.h"
#include "recover/deleted.h"
#include "recover/internal.h"

#include "base/pool.h"
#include "base/sort.h"
#include "base/stats.h"

/* What may be spent (pm_spend): half a minute for any file, and reading each of its bytes a
 * thousand times. A repair reads most of them some ten times. */
#define EFFORT_ANY  ((uint64_t)3000000000)
#define EFFORT_BYTE 125

#define ROOM_ROUNDS 32 /* what is found by its room names more of such, and narrows others */

enum pm_rc pm_note(struct pm_analysis *an, enum pm_note_kind kind, uint64_t key, pm_ib ib,
		   uint64_t have, uint64_t want)
{
	struct pm_note *n = pm_vec_push(an->ctx, &an->notes);

	if (!n)
		return an->ctx->rc;
	*n = (struct pm_note){
		.key = key, .ib = ib, .have = have, .want = want, .kind = (uint8_t)kind};
	return PM_OK;
}

/* Of two pages with one id: right place beats moved, allocated beats free. */
static enum pm_rc index_facts(struct pm_analysis *an)
{
	for (size_t i = 0; i < an->facts.n; i++) {
		const struct pm_page_fact *p = &an->facts.v[i], *q;
		struct pm_map_entry *e;
		bool new;

		e = pm_map_get(an->ctx, &an->fact_map, p->bid << 1 | (p->ptype & 1), &new);
		if (!e)
			return an->ctx->rc;
		q = &an->facts.v[e->value];
		if (!new && (q->sig > p->sig || (q->sig == p->sig && q->allocated >= p->allocated)))
			continue;
		e->value = i;
	}
	return PM_OK;
}

enum pm_rc pm_fact_by_bid(struct pm_analysis *an, uint8_t ptype, pm_bid bid,
			  const struct pm_page_fact **ret)
{
	/* Sound trees never ask. */
	enum pm_rc rc = an->facts.n && !an->fact_map.n ? index_facts(an) : PM_OK;
	const struct pm_map_entry *e =
		rc ? NULL : pm_map_find(&an->fact_map, bid << 1 | (ptype & 1));

	*ret = e && an->facts.v[e->value].ptype == ptype ? &an->facts.v[e->value] : NULL;
	return rc;
}

static bool lost_nodes(const struct pm_analysis *an)
{
	for (size_t i = 0; i < an->lost.n; i++)
		if (an->lost.v[i].ptype == PM_PTYPE_NBT)
			return true;
	return false;
}

size_t pm_analysis_unindexed(const struct pm_analysis *an)
{
	size_t n = 0;

	if (an->adopted)
		return an->unindexed;
	if (!lost_nodes(an))
		return 0;
	for (size_t i = 0; i < an->db.blocks.n; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];

		n += (b->flags & PM_BF_KIND) == PM_BK_PC && !an->refs[i] && b->cref > 1;
	}
	/* Where the block tree is lost, too: what the maps mark. */
	for (size_t i = 0; i < an->found.n; i++) {
		const struct pm_block *b = &an->found.v[i];

		n += (b->flags & PM_BF_KIND) == PM_BK_PC && !pm_ndb_find_block(&an->db, b->bid) &&
		     pm_analysis_allocated(an, b->ib, pm_block_stored(an->db.fmt, b->cb)) > 0;
	}
	return n;
}

bool pm_analysis_cut_short(const struct pm_analysis *an)
{
	return lost_nodes(an) && !(an->header_bad & PM_HR_SERIOUS) &&
	       an->header.eof > pm_image_size(an->img);
}

const char *pm_node_doubt(const struct pm_node *n)
{
	return n->flags & PM_NF_UNFIT ? "its data may be those of another item"
	       : n->older ? "it is as it was before it was changed, what was saved last is lost"
			  : NULL;
}

int pm_analysis_allocated(const struct pm_analysis *an, pm_ib ib, uint64_t n)
{
	if (!pm_rangeset_contains(&an->map_known, ib, ib + n) ||
	    pm_rangeset_overlaps(&an->map_doubted, ib, ib + n))
		return -1;
	return pm_rangeset_contains(&an->allocated, ib, ib + n);
}

void pm_walk_reset(struct pm_analysis *an, uint8_t ptype)
{
	size_t n = 0;

	if (ptype == PM_PTYPE_BBT)
		an->db.blocks.n = 0;
	else
		an->db.nodes.n = 0;
	for (size_t i = 0; i < an->pages.n; i++)
		if (an->pages.v[i].ptype != ptype)
			an->pages.v[n++] = an->pages.v[i];
	an->pages.n = n;
	n = 0;
	for (size_t i = 0; i < an->lost.n; i++)
		if (an->lost.v[i].ptype != ptype)
			an->lost.v[n++] = an->lost.v[i];
	an->lost.n = n;
}

static void reset_walks(struct pm_analysis *an)
{
	pm_walk_reset(an, PM_PTYPE_BBT);
	pm_walk_reset(an, PM_PTYPE_NBT);
	an->notes.n = 0;
	an->given_up.n = 0;
}

static enum pm_rc walk_both(struct pm_analysis *an, bool *ret_clean)
{
	bool clean[2];
	enum pm_rc rc;

	reset_walks(an);
	rc = pm_walk_tree(an, PM_PTYPE_BBT, &clean[0]);
	if (rc == PM_OK)
		rc = pm_walk_tree(an, PM_PTYPE_NBT, &clean[1]);
	*ret_clean = rc == PM_OK && clean[0] && clean[1];
	return rc;
}

/* Maps and the node tree, read by a thread. */
struct beside {
	struct pm_ctx ctx;
	struct pm_analysis an; /* with nothing in it but an image, a header, maps and nodes */
	enum pm_rc rc, nodes_rc;
	bool clean;
};

static void *look_beside(void *arg)
{
	struct beside *m = arg;

	m->rc = pm_sweep_maps(&m->an);
	m->nodes_rc = m->rc ? m->rc : pm_walk_tree(&m->an, PM_PTYPE_NBT, &m->clean);
	return NULL;
}

static void drop_maps(struct pm_analysis *an)
{
	pm_vec_done(&an->maps);
	pm_rangeset_done(&an->allocated);
	pm_rangeset_done(&an->map_known);
}

static enum pm_rc take_maps(struct pm_analysis *an, struct beside *m)
{
	if (m->rc) {
		drop_maps(&m->an);
		/* What it was is told where it is met in order. */
		return pm_sweep_maps(an);
	}
	drop_maps(an);
	an->maps.v = m->an.maps.v;
	an->maps.n = m->an.maps.n;
	an->maps.cap = m->an.maps.cap;
	an->allocated = m->an.allocated;
	an->map_known = m->an.map_known;
	return PM_OK;
}

/* A tree with anything wrong in it is walked once more, in order. */
static enum pm_rc take_nodes(struct pm_analysis *an, struct beside *m, bool *ret_clean)
{
	const size_t n = m->an.pages.n;
	enum pm_rc rc;

	if (m->nodes_rc || !m->clean)
		return pm_walk_tree(an, PM_PTYPE_NBT, ret_clean);
	rc = pm_vec_reserve(an->ctx, &an->pages, an->pages.n + n);
	if (rc)
		return rc;
	memcpy(an->pages.v + an->pages.n, m->an.pages.v, n * sizeof(an->pages.v[0]));
	an->pages.n += n;
	pm_vec_done(&an->db.nodes);
	an->db.nodes.v = m->an.db.nodes.v;
	an->db.nodes.n = m->an.db.nodes.n;
	an->db.nodes.cap = m->an.db.nodes.cap;
	m->an.db.nodes.v = NULL;
	an->root_rejected[1] = an->assembled[1] = false;
	*ret_clean = true;
	return PM_OK;
}

/* Maps and trees need nothing of each other. */
static enum pm_rc walk_and_map(struct pm_analysis *an, bool *ret_clean)
{
	struct beside m = {.ctx = {.cancel = an->ctx->cancel, .effort_max = an->ctx->effort_max}};
	bool clean[2] = {false, false};
	pthread_t thread;
	enum pm_rc rc;

	m.an.ctx = &m.ctx;
	m.an.img = an->img;
	m.an.db.fmt = an->db.fmt;
	m.an.header = an->header;
	if (an->ctx->jobs < 2 || !pm_thread_start(&thread, look_beside, &m)) {
		rc = walk_both(an, ret_clean);
		return rc ? rc : pm_sweep_maps(an);
	}
	reset_walks(an);
	rc = pm_walk_tree(an, PM_PTYPE_BBT, &clean[0]);
	pthread_join(thread, NULL);
	an->ctx->bytes_read += m.ctx.bytes_read;
	an->ctx->reads += m.ctx.reads;
	if (rc == PM_OK)
		rc = take_nodes(an, &m, &clean[1]);
	if (rc == PM_OK)
		rc = take_maps(an, &m);
	else
		drop_maps(&m.an);
	*ret_clean = rc == PM_OK && clean[0] && clean[1];
	pm_vec_done(&m.an.db.nodes);
	pm_vec_done(&m.an.pages);
	pm_vec_done(&m.an.lost);
	pm_vec_done(&m.an.notes);
	pm_vec_done(&m.an.given_up);
	return rc ? rc : pm_spend(an->ctx, m.ctx.effort);
}

/*
 * Signatures cover 32 bits of an id: above them a flipped bit goes unnoticed. Where hardly any
 * block has an id of more than 32 bits, those that were found so have lost a bit. True when there are
 * such: their trailers are not right any more.
 */
static bool cut_ids(struct pm_analysis *an)
{
	size_t high = 0;

	for (size_t i = 0; i < an->db.blocks.n; i++)
		high += an->db.blocks.v[i].bid > UINT32_MAX;
	for (size_t i = 0; i < an->found.n; i++)
		high += an->found.v[i].bid > UINT32_MAX;
	if (!high || high > (an->db.blocks.n + an->found.n) / 16)
		return false;
	for (size_t i = 0; i < an->found.n; i++)
		if ((uint32_t)an->found.v[i].bid)
			an->found.v[i].bid = (uint32_t)an->found.v[i].bid;
	return true;
}

/* What the first walk named and the sweep proved is a fact, wherever the second walk leads. */
static enum pm_rc keep_proved(struct pm_analysis *an)
{
	const uint16_t wrong = (uint16_t) ~(PM_BF_CHECKED | PM_BF_KIND | PM_BF_FOUND);

	for (size_t i = 0; i < an->db.blocks.n; i++) {
		struct pm_block *b = &an->db.blocks.v[i], *slot;

		if (!(b->flags & PM_BF_CHECKED) || b->flags & wrong)
			continue;
		slot = pm_vec_push(an->ctx, &an->found);
		if (!slot)
			return an->ctx->rc;
		*slot = *b;
		slot->flags |= PM_BF_FOUND;
		slot->cref = 0;
	}
	return pm_sort_member(an->ctx, &an->found, bid);
}

/* Both trees again, now that the sweep knows where else pages and blocks are. */
static enum pm_rc with_facts(struct pm_analysis *an)
{
	const enum pm_crypt swept_as = an->db.crypt;
	const bool cut = cut_ids(an);
	bool clean;
	enum pm_rc rc = keep_proved(an);

	if (rc == PM_OK)
		rc = walk_both(an, &clean);
	if (rc == PM_OK)
		rc = pm_take_doubtful_blocks(an);
	if (rc == PM_OK)
		rc = pm_sort_member(an->ctx, &an->db.blocks, bid);
	if (rc == PM_OK)
		rc = pm_look_at_blocks(an, false);
	if (rc == PM_OK)
		rc = pm_settle_blocks(an);
	if (rc == PM_OK)
		rc = pm_merge_found(an);
	if (rc == PM_OK)
		rc = pm_identify_crypt(an);
	/* Kinds under another encoding say nothing, and trailers under another id are to be mended. */
	if (rc == PM_OK && (an->db.crypt != swept_as || cut))
		rc = pm_look_at_blocks(an, true);
	if (rc == PM_OK)
		rc = pm_settle_sizes(an);
	if (rc == PM_OK)
		rc = pm_analysis_sort_nodes(an);
	return rc;
}

static void take_max(pm_bid *max, pm_bid id, pm_bid limit)
{
	if (id > *max && id < limit)
		*max = id;
}

static void take_maxima(struct pm_analysis *an)
{
	const pm_bid limit = pm_id_limit(an->db.fmt);

	for (size_t i = 0; i < an->db.blocks.n; i++)
		take_max(&an->max_bid, an->db.blocks.v[i].bid, limit);
	for (size_t i = 0; i < an->found.n; i++)
		take_max(&an->max_bid, an->found.v[i].bid, limit);
	for (size_t i = 0; i < an->db.nodes.n; i++) {
		take_max(&an->max_bid, an->db.nodes.v[i].data, limit);
		take_max(&an->max_bid, an->db.nodes.v[i].sub, limit);
	}
	for (size_t i = 0; i < an->pages.n; i++)
		if (an->pages.v[i].grade == PM_GRADE_A)
			take_max(&an->max_page, an->pages.v[i].bid, limit);
}

static enum pm_rc analyse(struct pm_analysis *an, const struct pm_analysis_options *opt);

/* Are pages, or (after the sweep) blocks, not where they should be? One or two are damage, unless the
 * file has another length. */
static bool astray(const struct pm_analysis *an)
{
	unsigned blocks = 0;

	for (size_t i = 0; i < an->pages.n; i++)
		if (an->pages.v[i].bad & (PM_PR_TYPE | PM_PR_CRC | PM_PR_BID | PM_PR_PLACE))
			return true;
	for (size_t i = 0; i < an->db.blocks.n && an->swept; i++)
		blocks += (an->db.blocks.v[i].flags & (PM_BF_BID | PM_BF_LOST)) != 0;
	return an->root_rejected[0] || an->root_rejected[1] || blocks > 2 ||
	       (blocks && pm_length_differs(an));
}

/* Are things off their place? Then again, with all in its place. */
static enum pm_rc analyse_straight(struct pm_analysis *an, const struct pm_analysis_options *opt,
				   bool *ret_done)
{
	enum pm_rc rc;

	*ret_done = false;
	if (an->pieces.n || !astray(an))
		return PM_OK;
	rc = pm_put_pieces_straight(an, ret_done);
	return rc || !*ret_done ? rc : analyse(an, opt);
}

/*
 * The walk was not clean: because things are off their place? That is asked before the sweep, or
 * where the maps stand in theirs after it, of what it left open.
 */
static enum pm_rc sweep_unclean(struct pm_analysis *an, const struct pm_analysis_options *opt,
				bool *ret_done)
{
	const bool later = !an->pieces.n && pm_maps_in_place(an);
	bool any = false;
	enum pm_rc rc = PM_OK;

	*ret_done = false;
	if (!later)
		rc = analyse_straight(an, opt, ret_done);
	if (rc || *ret_done)
		return rc;
	if (opt->broken && !an->straight)
		opt->broken(opt->arg);
	pm_phase(an->ctx, "sweep");
	rc = pm_sweep(an, later);
	if (rc == PM_OK && later)
		rc = pm_find_strays(an, &any);
	return rc || !any ? rc : analyse_straight(an, opt, ret_done);
}

static enum pm_rc sweep_clean(struct pm_analysis *an, const struct pm_analysis_options *opt,
			      bool *ret_done)
{
	enum pm_rc rc;

	pm_phase(an->ctx, "sweep");
	rc = pm_sweep(an, false);
	return rc ? rc : analyse_straight(an, opt, ret_done);
}

/* What is found last may refer to more. */
static enum pm_rc by_room(struct pm_analysis *an)
{
	enum pm_rc rc = PM_OK;
	bool any = true;

	for (unsigned i = 0; i < ROOM_ROUNDS && any && rc == PM_OK; i++) {
		rc = pm_find_by_room(an, i, &any);
		if (rc == PM_OK && any)
			rc = pm_settle_sizes(an);
		if (rc == PM_OK && any)
			rc = pm_analysis_count_refs(an);
	}
	return rc;
}

/* Blocks that only their trailer knows and nobody needs are not part of the model. */
static void drop_unneeded(struct pm_analysis *an)
{
	size_t n = 0;

	for (size_t i = 0; i < an->db.blocks.n; i++)
		if (!(an->db.blocks.v[i].flags & PM_BF_FOUND) || an->refs[i]) {
			an->refs[n] = an->refs[i];
			an->db.blocks.v[n++] = an->db.blocks.v[i];
		}
	an->db.blocks.n = n;
}

/* Of trees that are sound nobody asks for these: they are what `pages` says. */
static void drop_tree_facts(struct pm_analysis *an)
{
	size_t n = 0;

	pm_mark_in_tree(an);
	for (size_t i = 0; i < an->facts.n; i++)
		if (!an->facts.v[i].in_tree)
			an->facts.v[n++] = an->facts.v[i];
	an->facts.n = n;
	pm_map_done(&an->fact_map);
	pm_vec_shrink(&an->facts);
}

/* After walk and sweep: which blocks and nodes there are, and what of them is in doubt. */
static enum pm_rc settle(struct pm_analysis *an, bool clean)
{
	enum pm_rc rc = PM_OK;

	if (clean)
		rc = pm_roots_hold(an, &clean);
	if (rc == PM_OK && clean)
		rc = pm_settle_sizes(an);
	if (rc == PM_OK && clean)
		rc = pm_settle_blocks(an);
	if (rc == PM_OK && clean)
		rc = pm_analysis_sort_nodes(an);
	if (rc == PM_OK && clean)
		rc = pm_analysis_count_refs(an);
	an->accepted = clean && !an->dangling && (!an->refs || !pm_refs_pool(an));
	if (an->accepted)
		drop_tree_facts(an);
	if (rc == PM_OK && !an->accepted) {
		rc = with_facts(an);
		if (rc == PM_OK)
			rc = pm_analysis_count_refs(an);
	}
	if (rc == PM_OK)
		rc = by_room(an);
	if (rc == PM_OK && !an->accepted)
		rc = pm_take_frail(an);
	if (rc == PM_OK)
		rc = pm_settle_nodes(an);
	if (rc == PM_OK && !an->accepted) {
		drop_unneeded(an);
		rc = pm_mark_strangers(an);
		if (rc == PM_OK)
			rc = pm_mark_foreign(an);
	}
	if (rc == PM_OK)
		rc = pm_find_orders(an);
	pm_mark_bits(an);
	take_maxima(an);
	return rc;
}

static enum pm_rc analyse(struct pm_analysis *an, const struct pm_analysis_options *opt)
{
	const bool maps = !opt->quick || opt->bare;
	bool clean, done = false;
	enum pm_rc rc;

	pm_phase(an->ctx, "trees");
	pm_ndb_drop_internal(&an->db);
	rc = pm_identify(an);
	if (rc == PM_OK && !pm_place_fits(an->db.fmt, an->img->size))
		rc = pm_fail(an->ctx, PM_EUNSUP,
			     "%s: it is larger than %llu GiB; no mail program writes such a file",
			     pm_image_name(an->img),
			     (unsigned long long)an->db.fmt->unit * UINT32_MAX >> 30);
	if (rc == PM_OK)
		rc = maps ? walk_and_map(an, &clean) : walk_both(an, &clean);
	if (rc == PM_OK)
		rc = pm_identify_crypt(an);
	if (rc)
		return rc;
	if (opt->quick && clean && !(an->header_bad & PM_HR_SERIOUS))
		return opt->bare ? PM_OK : pm_analysis_count_refs(an);
	if (!maps)
		rc = pm_sweep_maps(an);
	if (rc == PM_OK)
		rc = clean ? sweep_clean(an, opt, &done) : sweep_unclean(an, opt, &done);
	if (rc || done)
		return rc;
	pm_phase(an->ctx, "settle");
	rc = pm_mend_bits(an, &done);
	if (rc == PM_OK && done)
		return analyse(an, opt);
	return rc ? rc : settle(an, clean);
}

enum pm_rc pm_analysis_open(struct pm_ctx *ctx, struct pm_image *img,
			    const struct pm_analysis_options *opt, struct pm_analysis **ret)
{
	struct pm_analysis *an = pm_calloc(ctx, 1, sizeof(*an));
	enum pm_rc rc;

	if (!an)
		return ctx->rc;
	an->ctx = an->db.ctx = ctx;
	an->img = an->db.img = img;
	ctx->effort_max = ctx->effort + EFFORT_ANY + EFFORT_BYTE * pm_image_size(img);
	rc = analyse(an, opt);
	if (pm_is_error(rc)) {
		pm_analysis_close(an);
		return rc;
	}
	*ret = an;
	return PM_OK;
}

void pm_analysis_close(struct pm_analysis *an)
{
	if (!an)
		return;
	pm_deleted_free(an);
	pm_ndb_done(&an->db);
	pm_vec_done(&an->pages);
	pm_vec_done(&an->given_up);
	pm_vec_done(&an->lost);
	pm_vec_done(&an->facts);
	pm_vec_done(&an->found);
	pm_vec_done(&an->frail);
	pm_vec_done(&an->maps);
	pm_vec_done(&an->notes);
	pm_vec_done(&an->doubles);
	pm_map_done(&an->fact_map);
	pm_rangeset_done(&an->allocated);
	pm_rangeset_done(&an->map_known);
	pm_rangeset_done(&an->map_doubted);
	pm_rangeset_done(&an->unexplained);
	pm_map_done(&an->orphans);
	pm_map_done(&an->missing);
	pm_map_done(&an->absent);
	pm_map_done(&an->orders);
	pm_free(an->refs);
	pm_vec_done(&an->pieces);
	pm_vec_done(&an->bits);
	pm_image_close(an->mended);
	pm_image_close(an->straight);
	pm_image_close(an->under);
	pm_free(an);
}
