/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last stage: reference counts from the final nodes, both trees, the maps, and the header
 * that switches over to them.
 */
#include "repair/repair.h"

#define UNSOUND (PM_BF_CRC | PM_BF_READ | PM_BF_INFLATE | PM_BF_LOST | PM_BF_SUSPECT)

/* Damaged, or an entry that can't be. */
static bool unsound_block(const struct pm_repair *r, const struct pm_block *b)
{
	return b->flags & UNSOUND || !b->cb || b->cb > r->fmt->data_max || b->ib % r->fmt->unit;
}

static bool unsound(const struct pm_repair *r, pm_bid bid)
{
	const struct pm_block *b = pm_ndb_find_block(&r->an->db, bid);

	return bid && (!b || unsound_block(r, b));
}

/* Blocks that nobody references: those that the repair replaced go; those that were dead
 * before stay as dead ones, unless the entry is an error, or all that is not right is to go. Their
 * bytes stay where they were in any case. */
static enum pm_rc settle_references(struct pm_repair *r)
{
	struct pm_analysis *an = r->an;
	uint64_t changed = 0;
	size_t n = 0;

	for (size_t i = 0; i < an->db.blocks.n; i++) {
		struct pm_block b = an->db.blocks.v[i];
		const uint16_t refs = an->refs[i];
		bool ours = pm_map_has(&r->new_blocks, b.bid);

		/* Count 1 marks what was dead before (pm_repair_begin); the rest we replaced. */
		if (!refs && (b.cref != 1 || r->strict || unsound_block(r, &b)))
			continue;
		if (refs > UINT16_MAX - 1)
			return pm_fail(r->ctx, PM_ELIMIT, "block 0x%llx has too many references",
				       (unsigned long long)b.bid);
		if (b.cref != refs + 1) {
			b.cref = (uint16_t)(refs + 1);
			changed += !ours;
		}
		an->refs[n] = refs;
		an->db.blocks.v[n++] = b;
	}
	an->db.blocks.n = n;
	return changed ? pm_repair_did(r, PM_DID_REFS, 0, changed, 0) : PM_OK;
}

#define DEAD_DEPTH_MAX 32
#define DEAD_ROUNDS    16 /* what is left of chains of dead trees after so many goes as a whole */

/* Readers go by the count of entries, the check by the length of the block, too. */
static enum pm_rc counts_fit(struct pm_repair *r, const pm_bid *bids, size_t n, bool *ret)
{
	const struct pm_format *f = r->fmt;
	struct pm_buf b = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < n && *ret && !pm_is_error(rc); i++) {
		const struct pm_block *have = pm_ndb_find_block(&r->an->db, bids[i]);
		struct pm_block copy = have ? *have : (struct pm_block){0};
		size_t head, size;

		pm_buf_clear(&b);
		rc = have ? pm_ndb_read_entry(&r->an->db, &copy, &b) : PM_LOST;
		*ret = rc == PM_OK && b.n >= 8;
		if (!*ret)
			break;
		head = b.p[0] == 1 ? f->xhead : f->slhead;
		size = b.p[0] == 1 ? f->xentry : b.p[1] ? f->sientry : f->slentry;
		*ret = b.n >= head && pm_le16(b.p + 2) == (b.n - head) / size;
	}
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Of a data tree that nobody references: are all its blocks there and right? */
static enum pm_rc dead_data_sound(struct pm_repair *r, pm_bid bid, bool *ret)
{
	struct pm_data d;
	enum pm_rc rc;

	*ret = !unsound(r, bid);
	if (!*ret || !pm_bid_internal(bid))
		return PM_OK;
	rc = pm_data_open(&r->an->db, bid, &d);
	*ret = rc == PM_OK;
	for (size_t i = 0; i < d.leaves.n && *ret; i++)
		*ret = !unsound(r, d.leaves.v[i].bid);
	if (!pm_is_error(rc) && *ret)
		rc = counts_fit(r, d.internal.v, d.internal.n, ret);
	pm_data_close(&d);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* The same of a subnode tree, with what its nodes have. */
static enum pm_rc dead_subs_sound(struct pm_repair *r, pm_bid bid, unsigned depth, bool *ret)
{
	struct pm_subs s;
	enum pm_rc rc;

	*ret = !unsound(r, bid);
	if (!bid || !*ret || depth > DEAD_DEPTH_MAX)
		return PM_OK;
	rc = pm_subs_open(&r->an->db, bid, &s);
	*ret = rc == PM_OK;
	if (*ret)
		rc = counts_fit(r, s.internal.v, s.internal.n, ret);
	for (size_t i = 0; i < s.v.n && *ret && rc == PM_OK; i++) {
		rc = dead_data_sound(r, s.v.v[i].data, ret);
		if (rc == PM_OK && *ret)
			rc = dead_subs_sound(r, s.v.v[i].sub, depth + 1, ret);
	}
	pm_subs_close(&s);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Its root's kind is not known: it is one or the other. */
static enum pm_rc dead_tree_sound(struct pm_repair *r, pm_bid bid, bool *ret)
{
	enum pm_rc rc = dead_data_sound(r, bid, ret);

	return rc || *ret ? rc : dead_subs_sound(r, bid, 0, ret);
}

/* Dead trees with damaged members are let go: kept, they would be errors of the new file. */
static enum pm_rc drop_dead_trees(struct pm_repair *r, bool all, bool *ret_any)
{
	enum pm_rc rc = PM_OK;

	*ret_any = false;
	for (size_t i = 0; i < r->an->orphans.n && rc == PM_OK; i++) {
		struct pm_block *b = pm_ndb_find_block(&r->an->db, r->an->orphans.v[i].key);
		bool sound = !all;

		if (sound && b && b->cref == 1)
			rc = dead_tree_sound(r, b->bid, &sound);
		if (sound || !b)
			continue;
		b->cref = 0;
		*ret_any = true;
	}
	return rc;
}

static uint16_t client(const struct pm_analysis *an)
{
	const uint32_t lost = PM_HR_MAGIC | PM_HR_CRC_PARTIAL;
	uint16_t c = an->header.client;

	if (c == PM_CLIENT_PST || c == PM_CLIENT_OST)
		return c;
	/* An address book is rare, and libpff reads none: noise is no word on that. */
	if (c == PM_CLIENT_PAB && (an->header_bad & lost) != lost)
		return c;
	/* Only OSTs have 4K pages, and only they have nodes of type 19. */
	if (an->db.fmt->variant == PM_UNICODE4K || pm_ndb_find_node(&an->db, 0x619))
		return PM_CLIENT_OST;
	return PM_CLIENT_PST;
}

static void take_rgnid(struct pm_repair *r, struct pm_header *h)
{
	static const uint32_t start[32] = {[2] = 0x400, [3] = 0x4000, [4] = 0x10000, [8] = 0x8000};
	const bool sound = !(r->an->header_bad & (PM_HR_CRC_PARTIAL | PM_HR_MAGIC));

	for (unsigned t = 0; t < 32; t++) {
		uint32_t most = start[t] ? start[t] : 0x400;

		/* Larger than anything in use is fine, unless it is absurd. */
		if (sound && h->rgnid[t] > most && h->rgnid[t] < 0x4000000)
			most = h->rgnid[t];
		h->rgnid[t] = most;
	}
	for (size_t i = 0; i < r->an->db.nodes.n; i++) {
		pm_nid nid = r->an->db.nodes.v[i].nid;

		if (nid >> 5 > h->rgnid[nid & 31])
			h->rgnid[nid & 31] = nid >> 5;
	}
	for (unsigned t = 0; t < 32; t++)
		if (t != 1 && h->rgnid[t] < r->model->next_index[t] - 1 && t != 0x0D && t != 0x0E &&
		    t != 0x0F)
			h->rgnid[t] = r->model->next_index[t] - 1;
	h->rgnid[0x0D] = h->rgnid[0x0E] = h->rgnid[0x0F] = h->rgnid[2];
}

/* Fields that are the same in every header, whatever else is in it. */
static void set_constants(const struct pm_format *f, uint8_t *raw)
{
	pm_set_HEADER_bPlatformCreate(f, raw, 1);
	pm_set_HEADER_bPlatformAccess(f, raw, 1);
	pm_set_HEADER_dwAlign(f, raw, 0);
	pm_set_HEADER_rgbReserved(f, raw, 0);
	pm_set_HEADER_ullReserved(f, raw, 0);
	pm_set_HEADER_dwReserved(f, raw, 0);
}

enum pm_rc pm_repair_write_header(struct pm_repair *r)
{
	const struct pm_analysis *an = r->an;
	const struct pm_format *f = r->fmt;
	struct pm_header h = an->header;
	struct pm_header fresh;

	pm_header_new(f, &fresh);
	/* With a checksum wrong nothing outside the fields set below can be believed. */
	if (an->header_bad & (PM_HR_CRC_PARTIAL | PM_HR_MAGIC)) {
		uint16_t version = h.version;

		memcpy(h.raw, fresh.raw, sizeof(h.raw));
		h.version = version;
	}
	h.client = client(an);
	if (pm_format_of_version(h.version) != f && h.version != 37)
		h.version = fresh.version;
	h.ver_client = h.client == PM_CLIENT_OST ? 12 : 19;
	h.crypt = (uint8_t)an->db.crypt;
	h.amap_valid = 2;
	h.unique = r->next_unique + 1;
	h.next_block = r->next_block;
	h.next_page = r->next_page;
	h.eof = pm_amap_offset(f, r->intervals);
	h.amap_last = pm_amap_offset(f, r->intervals - 1);
	h.amap_free = r->free_bytes;
	h.pmap_free = 0;
	h.bbt_bid = r->root[0].bid;
	h.bbt_ib = r->root[0].ib;
	h.nbt_bid = r->root[1].bid;
	h.nbt_ib = r->root[1].ib;
	take_rgnid(r, &h);
	set_constants(f, h.raw);
	pm_header_encode(f, &h);
	r->bytes_in_place += f->header;
	return pm_view_put(r->view, 0, h.raw, f->header);
}

enum pm_rc pm_repair_finish(struct pm_repair *r)
{
	bool again = true;
	enum pm_rc rc = PM_OK;

	/* Each round lets go of trees; what they held may be a tree, too. */
	for (unsigned round = 0; again && rc == PM_OK; round++) {
		rc = pm_analysis_count_refs(r->an);
		if (rc == PM_OK)
			rc = drop_dead_trees(r, round >= DEAD_ROUNDS, &again);
	}
	if (rc == PM_OK)
		rc = settle_references(r);
	if (rc == PM_OK)
		rc = pm_repair_load_tree(r, PM_PTYPE_BBT);
	if (rc == PM_OK)
		rc = pm_repair_load_tree(r, PM_PTYPE_NBT);
	if (rc == PM_OK)
		rc = pm_view_set_size(r->view, pm_amap_offset(r->fmt, r->intervals));
	if (rc == PM_OK)
		rc = pm_repair_maps(r);
	if (rc == PM_OK)
		rc = pm_repair_write_header(r);
	if (rc == PM_OK)
		rc = pm_repair_did(r, PM_DID_HEADER, 0, 0, 0);
	return rc;
}
