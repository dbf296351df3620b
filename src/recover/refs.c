/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reference counts [MS-PST 2.2.2.7.7.3.1]: cRef is 1 + the references from nodes, XBLOCKs
 * and SLBLOCKs. A block's own references count once, however often it is shared.
 *
 * Gathers: an->refs; references to blocks that are nowhere.
 * Needs: settled blocks, nodes.
 */
#include "recover/internal.h"

#include "msg/folder.h"
#include "ndb/tree.h"

#define DEPTH_MAX 128 /* messages in messages in messages */

size_t pm_block_index(const struct pm_analysis *an, pm_bid bid)
{
	const struct pm_block *b = pm_ndb_find_block(&an->db, bid);

	return b ? (size_t)(b - an->db.blocks.v) : SIZE_MAX;
}

/* One more, or one less. Is it the first, or was it the last? Of more than can be counted none is the last. */
static bool count(uint16_t *refs, bool up)
{
	if (*refs == UINT16_MAX)
		return false;
	if (up)
		return !(*refs)++;
	return !--*refs;
}

/* `by`: whose it is, as in an->missing. */
static enum pm_rc reference(struct pm_analysis *an, pm_bid bid, uint64_t by, bool up,
			    unsigned depth);

static enum pm_rc entries(struct pm_analysis *an, const struct pm_buf *b, pm_bid bid, bool sound,
			  bool up, unsigned depth)
{
	const struct pm_format *f = an->db.fmt;
	const bool data = b->p[0] == 1;
	const unsigned head = data ? f->xhead : f->slhead;
	const unsigned size = data ? f->xentry : b->p[1] ? f->sientry : f->slentry;
	unsigned n = pm_internal_entries(b->n, head, size, pm_le16(b->p + 2));
	enum pm_rc rc = PM_OK;

	for (unsigned i = 0; i < n && rc == PM_OK; i++) {
		const uint8_t *p = b->p + head + (size_t)i * size;

		if (pm_spend(an->ctx, 4))
			return an->ctx->rc;

		if (data) {
			rc = reference(an, pm_ft_get(p, f->id), PM_MISSING_PART | bid, up, depth);
		} else if (b->p[1]) {
			rc = reference(an, pm_SIENTRY_bid(f, p), PM_MISSING_SUB, up, depth);
		} else {
			const uint32_t nid = (uint32_t)pm_SLENTRY_nid(f, p);

			if (sound && pm_nid_type(nid) == PM_NT_MESSAGE &&
			    nid >> 5 > an->embedded_index)
				an->embedded_index = nid >> 5;
			rc = reference(an, pm_SLENTRY_bidData(f, p), nid, up, depth);
			if (rc == PM_OK)
				rc = reference(an, pm_SLENTRY_bidSub(f, p), PM_MISSING_SUB | nid,
					       up, depth);
		}
	}
	return rc;
}

/* References that an internal block makes. */
static enum pm_rc expand(struct pm_analysis *an, size_t i, bool up, unsigned depth)
{
	struct pm_buf b = {0};
	enum pm_rc rc = pm_ndb_read_entry(&an->db, &an->db.blocks.v[i], &b);

	if (rc == PM_OK || rc == PM_DAMAGED) {
		/* One with a wrong checksum keeps its entries: each must still fit a block. */
		if (b.n >= 8 && (b.p[0] == 1 || b.p[0] == 2) && b.p[1] <= 2)
			rc = entries(an, &b, an->db.blocks.v[i].bid, rc == PM_OK, up, depth);
		else
			rc = PM_OK;
	}
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc reference(struct pm_analysis *an, pm_bid bid, uint64_t by, bool up,
			    unsigned depth)
{
	size_t i;

	if (!pm_bid_key(bid))
		return PM_OK;
	i = pm_block_index(an, bid);
	if (i == SIZE_MAX) {
		an->dangling += up ? 1 : (uint64_t)-1;
		return up ? pm_map_put(an->ctx, &an->missing, pm_bid_key(bid), by) : PM_OK;
	}
	if (!count(&an->refs[i], up))
		return PM_OK;
	if (up && pm_block_absent(&an->db.blocks.v[i]) &&
	    pm_map_put(an->ctx, &an->absent, pm_bid_key(bid), by))
		return an->ctx->rc;
	if (!pm_bid_internal(bid) || depth >= DEPTH_MAX ||
	    pm_map_has(&an->orphans, pm_bid_key(bid)))
		return PM_OK;
	return expand(an, i, up, depth + 1);
}

enum pm_rc pm_refs_node(struct pm_analysis *an, const struct pm_node *n, bool up)
{
	enum pm_rc rc = reference(an, n->data, n->nid, up, 0);

	return rc ? rc : reference(an, n->sub, PM_MISSING_SUB | n->nid, up, 0);
}

/* Trees of blocks that nobody references stand in many healthy files, their members
 * counted. [OBS] What such a tree names is not free for the taking, once. */
static enum pm_rc count_orphans(struct pm_analysis *an)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];

		if (!pm_bid_internal(b->bid) || an->refs[i] || b->cref != 1)
			continue;
		rc = pm_map_put(an->ctx, &an->orphans, b->bid, 1);
		if (rc == PM_OK)
			rc = expand(an, i, true, 1);
	}
	return rc;
}

enum pm_rc pm_analysis_count_refs(struct pm_analysis *an)
{
	enum pm_rc rc = PM_OK;

	pm_free(an->refs);
	pm_map_done(&an->orphans);
	pm_map_done(&an->missing);
	pm_map_done(&an->absent);
	an->dangling = 0;
	an->refs = pm_calloc(an->ctx, an->db.blocks.n, sizeof(*an->refs));
	if (!an->refs)
		return an->ctx->rc;
	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		rc = pm_refs_node(an, &an->db.nodes.v[i], true);
		if (rc == PM_OK && i % 4096 == 0)
			rc = pm_tick(an->ctx, "references", i, an->db.nodes.n);
	}
	return rc ? rc : count_orphans(an);
}

bool pm_refs_wanted(const struct pm_analysis *an, size_t i)
{
	const struct pm_block *b = &an->db.blocks.v[i];

	if (an->dead)
		return !an->refs[i];
	if (b->cref)
		return an->refs[i] + 1 < b->cref;
	if (an->refs[i])
		return false;
	return pm_analysis_allocated(an, b->ib, pm_block_stored(an->db.fmt, b->cb)) != 0;
}

enum pm_rc pm_refs_held(struct pm_analysis *an, uint16_t **ret)
{
	uint16_t *refs = an->refs;
	const uint64_t dangling = an->dangling;
	size_t n = an->db.blocks.n;
	uint8_t *roots = pm_calloc(an->ctx, n, 1);
	enum pm_rc rc = roots ? PM_OK : an->ctx->rc;

	*ret = pm_calloc(an->ctx, n, sizeof(**ret));
	if (!*ret)
		rc = an->ctx->rc;
	for (size_t i = 0; i < n && rc == PM_OK; i++)
		roots[i] = pm_bid_internal(an->db.blocks.v[i].bid) && !refs[i] &&
			   pm_refs_wanted(an, i);
	/* Counted as ever, but to the side. */
	an->refs = *ret;
	for (size_t i = 0; i < n && rc == PM_OK; i++)
		if (roots[i] && !an->refs[i])
			rc = expand(an, i, true, 1);
	an->refs = refs;
	an->dangling = dangling;
	pm_free(roots);
	return rc;
}

size_t pm_refs_pool(const struct pm_analysis *an)
{
	size_t n = 0;

	for (size_t i = 0; i < an->db.blocks.n; i++)
		n += !an->refs[i] && an->db.blocks.v[i].cref > 1;
	return n;
}
