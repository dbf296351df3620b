/* SPDX-License-Identifier: Apache-2.0 */
/* Setting up a repair; new blocks; the node table; what was done and what was lost. */
#include "repair/repair.h"

#include <stdio.h>

/* New ids keep away from the old ones by this much: a reader who meets a stale reference that
 * we did not see must not find our block under it. */
#define BID_ROOM 0x400

#define UNSOUND (PM_BF_CRC | PM_BF_READ | PM_BF_INFLATE | PM_BF_LOST | PM_BF_SUSPECT)

static enum pm_rc put_block(struct pm_block_sink *sink, bool internal, const uint8_t *p, size_t n,
			    pm_bid *ret_bid)
{
	struct pm_repair *r = (struct pm_repair *)((char *)sink - offsetof(struct pm_repair, sink));
	const struct pm_format *f = r->fmt;
	uint8_t stored[65536];
	struct pm_block *b;
	uint32_t size;
	pm_bid bid = r->next_block | (internal ? PM_BID_INTERNAL : 0);
	pm_ib ib;
	enum pm_rc rc;

	if (!n || n > f->data_max)
		return pm_fail(r->ctx, PM_EBUG, "a block of %zu bytes can't be stored", n);
	size = pm_block_stored(f, (uint32_t)n);
	rc = pm_repair_place(r, size, f->unit, &ib);
	if (rc)
		return rc;
	memset(stored, 0, size);
	memcpy(stored, p, n);
	if (!internal)
		pm_encode(r->an->db.crypt, bid, stored, n);
	pm_block_seal(f, stored, ib, bid, (uint16_t)n, (uint16_t)n);
	rc = pm_view_put(r->view, ib, stored, size);
	if (rc)
		return rc;
	/* Ids ascend, so the table stays in order. */
	b = pm_vec_push(r->ctx, &r->an->db.blocks);
	if (!b)
		return r->ctx->rc;
	*b = (struct pm_block){.bid = bid,
			       .ib = ib,
			       .cb = (uint16_t)n,
			       .cb_inflated = (uint16_t)n,
			       .flags = PM_BF_CHECKED};
	if (!internal)
		b->flags |= pm_block_kind(p, n);
	r->next_block += 4;
	*ret_bid = bid;
	return pm_map_put(r->ctx, &r->new_blocks, bid, 1);
}

/*
 * What nobody references is dead, and stays as that: its bytes may be deleted mail. What is
 * damaged besides has nothing to offer. New ids come behind all others, so that impossible
 * ones must go.
 */
static enum pm_rc settle_dead(struct pm_repair *r)
{
	struct pm_analysis *an = r->an;
	size_t n = 0;

	for (size_t i = 0; i < an->db.blocks.n; i++) {
		struct pm_block b = an->db.blocks.v[i];
		bool unsound = b.flags & UNSOUND;

		if (b.bid >= pm_id_limit(r->fmt) && an->refs[i] && !unsound)
			return pm_fail(
				r->ctx, PM_ELIMIT,
				"%s: block id 0x%llx leaves no room for new ids; export what "
				"the file holds instead",
				pm_image_name(an->img), (unsigned long long)b.bid);
		if (b.bid >= pm_id_limit(r->fmt))
			continue;
		if (!an->refs[i])
			b.cref = unsound ? 0 : 1;
		an->refs[n] = an->refs[i];
		an->db.blocks.v[n++] = b;
	}
	an->db.blocks.n = n;
	return PM_OK;
}

enum pm_rc pm_repair_begin(struct pm_repair *r, struct pm_analysis *an, struct pm_model *m,
			   struct pm_view *view)
{
	const struct pm_header *h = &an->header;
	bool sound = !(an->header_bad & (PM_HR_CRC_PARTIAL | PM_HR_CRC_FULL | PM_HR_MAGIC));
	enum pm_rc rc;

	*r = (struct pm_repair){
		.ctx = an->ctx, .an = an, .model = m, .fmt = an->db.fmt, .view = view};
	r->sink = (struct pm_block_sink){.fmt = r->fmt, .put = put_block};
	r->next_block = (an->max_bid | 3) + 1 + BID_ROOM;
	r->next_page = an->max_page + 1 + BID_ROOM;
	if (sound && h->next_block > r->next_block && h->next_block < an->max_bid + (1u << 24))
		r->next_block = (h->next_block + 3) & ~(pm_bid)3;
	if (sound && h->next_page > r->next_page && h->next_page < an->max_page + (1u << 24))
		r->next_page = h->next_page;
	r->next_unique = sound && h->unique < 0xF0000000 ? h->unique + 1 : 0x10000;
	an->db.img = pm_view_image(view);
	rc = settle_dead(r);
	return rc ? rc : pm_repair_place_begin(r);
}

void pm_repair_done(struct pm_repair *r)
{
	r->an->db.img = r->an->img;
	pm_map_done(&r->mended);
	pm_map_done(&r->new_blocks);
	pm_map_done(&r->full);
	pm_bitmap_done(&r->named);
	pm_map_done(&r->casualty_of);
	pm_vec_done(&r->names);
	pm_vec_done(&r->recovered);
	pm_vec_done(&r->synthesized);
	pm_vec_done(&r->undeleted);
	pm_map_done(&r->name_of);
	pm_vec_done(&r->row_values);
	pm_map_done(&r->row_values_of);
	pm_vec_done(&r->deeds);
	pm_vec_done(&r->casualties);
	pm_arena_done(&r->arena);
}

enum pm_rc pm_repair_did(struct pm_repair *r, enum pm_deed_kind kind, uint64_t key, uint64_t have,
			 uint64_t want)
{
	struct pm_deed *d = r->probing ? NULL : pm_vec_push(r->ctx, &r->deeds);

	if (r->probing)
		return pm_repair_refuse(r);
	if (!d)
		return r->ctx->rc;
	*d = (struct pm_deed){.kind = (uint8_t)kind, .key = key, .have = have, .want = want};
	return PM_OK;
}

static uint32_t folder_of(const struct pm_repair *r, pm_nid nid)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, nid);
	uint32_t folder = n ? pm_model_folder(r->model, n->parent) : PM_NO_FOLDER;

	if (pm_model_folder(r->model, nid) != PM_NO_FOLDER)
		return pm_model_folder(r->model, nid);
	if (folder != PM_NO_FOLDER)
		return folder;
	for (size_t i = 0; i < r->model->messages.n; i++)
		if (r->model->messages.v[i].nid == nid)
			return r->model->messages.v[i].folder;
	return PM_NO_FOLDER;
}

enum pm_rc pm_repair_casualty(struct pm_repair *r, pm_nid nid, bool lost, const char *subject,
			      const char *fmt, ...)
{
	const struct pm_map_entry *seen;
	struct pm_casualty *c = NULL;
	char text[512];
	va_list ap;

	if (r->probing)
		return pm_repair_refuse(r);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	seen = pm_map_find(&r->casualty_of, nid);
	if (seen)
		c = &r->casualties.v[seen->value];
	if (c) {
		char *both = pm_asprintf(r->ctx, "%s; %s", c->reason, text);

		if (both && !strstr(c->reason, text))
			c->reason = pm_arena_strdup(r->ctx, &r->arena, both);
		pm_free(both);
	} else {
		c = pm_vec_push(r->ctx, &r->casualties);
		if (!c)
			return r->ctx->rc;
		c->nid = nid;
		c->folder = folder_of(r, nid);
		c->deleted = pm_deleted_of(r->an, nid) != NULL;
		c->reason = pm_arena_strdup(r->ctx, &r->arena, text);
		if (pm_map_put(r->ctx, &r->casualty_of, nid, r->casualties.n - 1))
			return r->ctx->rc;
	}
	c->lost |= lost;
	if (subject && !c->subject)
		c->subject = pm_arena_strdup(r->ctx, &r->arena, subject);
	return r->ctx->rc;
}

void pm_repair_kept(struct pm_repair *r, pm_nid nid)
{
	const struct pm_map_entry *e = pm_map_find(&r->casualty_of, nid);

	if (e)
		r->casualties.v[e->value].lost = false;
}

enum pm_rc pm_repair_set_node(struct pm_repair *r, pm_nid nid, pm_nid parent, pm_bid data,
			      pm_bid sub)
{
	struct pm_node *n = pm_ndb_find_node(&r->an->db, nid);
	size_t at;

	if (!n) {
		at = pm_ndb_lower_node(&r->an->db, nid);
		if (!pm_vec_push(r->ctx, &r->an->db.nodes))
			return r->ctx->rc;
		n = &r->an->db.nodes.v[at];
		memmove(n + 1, n, (r->an->db.nodes.n - 1 - at) * sizeof(*n));
		*n = (struct pm_node){.nid = nid, .origin = PM_FROM_TEMPLATE};
	}
	n->parent = parent;
	n->data = data;
	n->sub = sub;
	n->flags &= (uint8_t) ~(PM_NF_SOUND | PM_NF_WHOLE);
	return PM_OK;
}
