/* SPDX-License-Identifier: Apache-2.0 */
/* Compaction; see compact.h. */
#include "repair/compact.h"

#include "base/sort.h"

/* --- blocks in their new places ------------------------------------------------------------ */

struct moved {
	pm_ib from; /* first: the key of the sort */
	pm_ib to;
	pm_bid bid;
	uint32_t n;     /* stored bytes */
	uint32_t index; /* in the block table */
};

struct blocks_image {
	struct pm_image img; /* first, so that an image pointer is one to this */
	struct pm_image *src;
	const struct pm_format *fmt;
	PM_VEC(struct moved) v; /* ascending by `from`, and so by `to` */
};

/* The first block that ends behind `off`. */
static size_t find(const struct blocks_image *b, uint64_t off)
{
	size_t lo = 0, hi = b->v.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->v.v[mid].to + b->v.v[mid].n <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* One block, or the gap in front of one, for each call. The checksum stays that of the old
 * trailer: what changes between analysis and copy is not sealed as if it were right. */
static enum pm_rc blocks_read_at(struct pm_ctx *ctx, struct pm_image *img, uint64_t off,
				 uint8_t *buf, size_t n, size_t *ret_n)
{
	const struct blocks_image *b = (const struct blocks_image *)img;
	const size_t i = find(b, off);
	const struct moved *m = i < b->v.n ? &b->v.v[i] : NULL;
	uint8_t stored[65536];
	uint64_t room = !m ? UINT64_MAX : off < m->to ? m->to - off : m->to + m->n - off;
	enum pm_rc rc;

	if (n > room)
		n = (size_t)room;
	*ret_n = n;
	if (!m || off < m->to) {
		memset(buf, 0, n);
		return PM_OK;
	}
	rc = pm_image_read(ctx, b->src, m->from, stored, m->n);
	if (rc)
		return pm_is_error(rc) ? rc
				       : pm_fail(ctx, PM_EIO,
						 "%s: block 0x%llx could be read before and can't "
						 "any more; check the disk and start again",
						 pm_image_name(b->src), (unsigned long long)m->bid);
	pm_set_BLOCKTRAILER_wSig(b->fmt, stored + m->n - b->fmt->block_trailer,
				 pm_sig(m->to, m->bid));
	memcpy(buf, stored + (off - m->to), n);
	return PM_OK;
}

static void blocks_close(struct pm_image *img)
{
	struct blocks_image *b = (struct blocks_image *)img;

	pm_vec_done(&b->v);
	pm_free(b);
}

static const struct pm_image_ops blocks_ops = {blocks_read_at, blocks_close};

static enum pm_rc blocks_open(struct pm_repair *r, struct blocks_image **ret)
{
	struct blocks_image *b = pm_calloc(r->ctx, 1, sizeof(*b));

	if (!b)
		return r->ctx->rc;
	b->img.ops = &blocks_ops;
	b->src = pm_view_image(r->view);
	b->fmt = r->fmt;
	b->img.name = pm_asprintf(r->ctx, "the compacted form of %s", pm_image_name(r->an->img));
	*ret = b;
	return r->ctx->rc;
}

/* --- what lives, and where it goes --------------------------------------------------------- */

/* Only what nodes lead to. Trees that nobody references count their members, in sound files
 * too; here they don't. */
static enum pm_rc drop_dead(struct pm_repair *r)
{
	struct pm_analysis *an = r->an;
	uint64_t dropped = 0;
	size_t n = 0;
	enum pm_rc rc = pm_analysis_count_refs(an);

	if (rc)
		return rc;
	for (size_t i = 0; i < an->db.blocks.n; i++)
		if (!an->refs[i] || pm_map_has(&an->orphans, an->db.blocks.v[i].bid))
			an->db.blocks.v[i].cref = 0;
	rc = pm_analysis_count_refs(an);
	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++) {
		struct pm_block b = an->db.blocks.v[i];

		if (!an->refs[i]) {
			dropped++;
			continue;
		}
		if (an->refs[i] > UINT16_MAX - 1)
			return pm_fail(r->ctx, PM_ELIMIT, "block 0x%llx has too many references",
				       (unsigned long long)b.bid);
		b.cref = (uint16_t)(an->refs[i] + 1);
		an->refs[n] = an->refs[i];
		an->db.blocks.v[n++] = b;
	}
	if (rc)
		return rc;
	an->db.blocks.n = n;
	return dropped ? pm_repair_did(r, PM_DID_LEFT_OUT, 0, dropped, 0) : PM_OK;
}

/* New places in the order of the old ones, so that both are read and written in one go. */
static enum pm_rc lay_out(struct pm_repair *r, struct blocks_image *b)
{
	struct pm_ndb *db = &r->an->db;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < db->blocks.n; i++) {
		const struct pm_block *e = &db->blocks.v[i];
		struct moved *m = pm_vec_push(r->ctx, &b->v);

		if (!m)
			return r->ctx->rc;
		*m = (struct moved){.from = e->ib,
				    .bid = e->bid,
				    .n = pm_block_stored(r->fmt, e->cb),
				    .index = (uint32_t)i};
	}
	rc = pm_sort_member(r->ctx, &b->v, from);
	/* All pages are new, and nobody can know old ones: their ids begin anew. */
	r->next_page = 1;
	r->intervals = 0;
	pm_repair_place_from(r, 0);
	for (size_t i = 0; i < b->v.n && rc == PM_OK; i++) {
		rc = pm_repair_place(r, b->v.v[i].n, r->fmt->unit, &b->v.v[i].to);
		db->blocks.v[b->v.v[i].index].ib = b->v.v[i].to;
	}
	if (rc == PM_OK && b->v.n)
		b->img.size = b->v.v[b->v.n - 1].to + b->v.v[b->v.n - 1].n;
	return rc;
}

static enum pm_rc write_structure(struct pm_repair *r)
{
	uint64_t end;
	enum pm_rc rc = pm_repair_load_tree(r, PM_PTYPE_BBT);

	if (rc == PM_OK)
		rc = pm_repair_load_tree(r, PM_PTYPE_NBT);
	end = pm_amap_offset(r->fmt, r->intervals);
	if (rc == PM_OK && end > r->fmt->size_max)
		return pm_fail(r->ctx, PM_ELIMIT,
			       "%s: what lives in it takes %llu bytes, and an %s file can have "
			       "%llu; export it instead",
			       pm_image_name(r->an->img), (unsigned long long)end, r->fmt->name,
			       (unsigned long long)r->fmt->size_max);
	if (rc == PM_OK)
		rc = pm_view_set_size(r->view, end);
	if (rc == PM_OK)
		rc = pm_repair_maps(r);
	return rc ? rc : pm_repair_write_header(r);
}

enum pm_rc pm_repair_compact(struct pm_repair *r, struct pm_compact *ret)
{
	struct blocks_image *b = NULL;
	enum pm_rc rc = drop_dead(r);

	*ret = (struct pm_compact){0};
	if (rc == PM_OK)
		rc = blocks_open(r, &b);
	if (b)
		ret->blocks = &b->img;
	if (rc == PM_OK)
		rc = lay_out(r, b);
	if (rc == PM_OK)
		rc = pm_view_new(r->ctx, &b->img, &ret->view);
	if (rc)
		return rc;
	r->view = ret->view;
	r->an->db.img = pm_view_image(ret->view);
	rc = write_structure(r);
	r->bytes_in_place = 0;
	return rc;
}

void pm_compact_done(struct pm_compact *c)
{
	pm_view_free(c->view);
	pm_image_close(c->blocks);
}
