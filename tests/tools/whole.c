/* SPDX-License-Identifier: Apache-2.0 */
/* The strict walk over a sound file. */
#include "whole.h"

#include "io/file.h"
#include "io/memory.h"

#define LEVELS_MAX 8

static enum pm_rc not_sound(const struct pm_whole *w, const char *what, pm_ib ib)
{
	return pm_fail(w->ctx, PM_EUSAGE, "the file is not sound: %s at 0x%llx", what,
		       (unsigned long long)ib);
}

static enum pm_rc add_block(struct pm_whole *w, const struct pm_bt_entry *e)
{
	const struct pm_format *f = w->fmt;
	struct pm_block *b;
	uint64_t end = e->ib + pm_block_stored(f, e->cb);

	if (!e->cb || e->cb > f->data_max || e->ib % f->unit || e->ib > w->n || end > w->n)
		return not_sound(w, "a block entry is wrong that names a block", e->ib);
	b = pm_vec_push(w->ctx, &w->db.blocks);
	if (!b)
		return w->ctx->rc;
	b->bid = pm_bid_key(e->bid);
	b->ib = e->ib;
	b->cb = e->cb;
	b->cb_inflated = e->cb_inflated;
	b->cref = e->cref;
	if (pm_block_verify(f, b, w->p + b->ib) != PM_BF_CHECKED)
		return not_sound(w, "a block's trailer is wrong", b->ib);
	return PM_OK;
}

static enum pm_rc add_node(struct pm_whole *w, const struct pm_bt_entry *e)
{
	struct pm_node *n = pm_vec_push(w->ctx, &w->db.nodes);

	if (!n)
		return w->ctx->rc;
	n->nid = (pm_nid)e->key;
	n->data = pm_bid_key(e->bid);
	n->sub = pm_bid_key(e->sub);
	n->parent = e->parent;
	return PM_OK;
}

static enum pm_rc add_page(struct pm_whole *w, uint8_t ptype, pm_ib ib, pm_bid bid, size_t up,
			   unsigned upi);

static enum pm_rc walk_entries(struct pm_whole *w, size_t self)
{
	const struct pm_format *f = w->fmt;
	const struct pm_seed_page page = w->pages.v[self];
	unsigned size = pm_bt_entry_size(f, page.ptype, page.level);

	for (unsigned i = 0; i < page.cent; i++) {
		struct pm_bt_entry e;
		enum pm_rc rc;

		pm_bt_entry(f, w->p + page.ib, page.ptype, page.level, i, size, &e);
		if (page.level)
			rc = add_page(w, page.ptype, e.ib, e.bid, self, i);
		else if (page.ptype == PM_PTYPE_BBT)
			rc = add_block(w, &e);
		else
			rc = add_node(w, &e);
		if (rc)
			return rc;
	}
	return PM_OK;
}

/* The page at `ib` and all below it; `up` is UINT32_MAX for a root. */
static enum pm_rc add_page(struct pm_whole *w, uint8_t ptype, pm_ib ib, pm_bid bid, size_t up,
			   unsigned upi)
{
	const struct pm_format *f = w->fmt;
	size_t self = w->pages.n;
	struct pm_seed_page *page;
	struct pm_bt_entry first;
	struct pm_bt_meta m;
	uint32_t bad;

	if (ib % f->page || ib > w->n || w->n - ib < f->page || self > w->n / f->page)
		return not_sound(w, "no B-tree page fits", ib);
	pm_bt_meta(f, w->p + ib, &m);
	bad = pm_page_verify(f, w->p + ib, ib, ptype, bid);
	if (m.level < LEVELS_MAX)
		bad |= pm_bt_verify(f, w->p + ib, ptype, m.level);
	if (up != UINT32_MAX && m.level + 1U != w->pages.v[up].level)
		bad |= PM_PR_LEVEL;
	if (up == UINT32_MAX && m.level == 0)
		bad &= ~(uint32_t)PM_PR_EMPTY;
	if (m.level >= LEVELS_MAX || bad & ~(uint32_t)PM_PR_SLACK)
		return not_sound(w, "there is no sound B-tree page", ib);
	page = pm_vec_push(w->ctx, &w->pages);
	if (!page)
		return w->ctx->rc;
	page->ib = ib;
	page->bid = bid;
	page->ptype = ptype;
	page->level = (uint8_t)m.level;
	page->cent = m.cent;
	page->up = up == UINT32_MAX ? self : up;
	page->upi = upi;
	if (m.cent) {
		pm_bt_entry(f, w->p + ib, ptype, m.level, 0, m.cb_ent, &first);
		page->key = first.key;
	}
	return walk_entries(w, self);
}

/* Keys of the whole trees ascend: pages were verified one by one only. */
static enum pm_rc verify_order(const struct pm_whole *w)
{
	for (size_t i = 1; i < w->db.blocks.n; i++)
		if (w->db.blocks.v[i].bid <= w->db.blocks.v[i - 1].bid)
			return not_sound(w, "the block tree is not in order", w->header.bbt_ib);
	for (size_t i = 1; i < w->db.nodes.n; i++)
		if (w->db.nodes.v[i].nid <= w->db.nodes.v[i - 1].nid)
			return not_sound(w, "the node tree is not in order", w->header.nbt_ib);
	return PM_OK;
}

enum pm_rc pm_whole_walk(struct pm_whole *w)
{
	enum pm_rc rc;

	w->walked = false;
	w->pages.n = 0;
	pm_ndb_done(&w->db);
	pm_image_close(w->img);
	w->img = NULL;
	if (w->n < PM_HEADER_MAX)
		return not_sound(w, "there is no header", 0);
	w->fmt = pm_format_of_version(pm_le16(w->p + 10));
	if (!w->fmt || pm_header_verify(w->fmt, w->p) & PM_HR_SERIOUS)
		return not_sound(w, "the header is wrong", 0);
	pm_header_decode(w->fmt, w->p, &w->header);
	rc = pm_image_open_memory(w->ctx, w->p, w->n, &w->img);
	if (rc)
		return rc;
	w->db = (struct pm_ndb){.ctx = w->ctx, .img = w->img, .fmt = w->fmt};
	w->db.crypt = (enum pm_crypt)w->header.crypt;
	rc = add_page(w, PM_PTYPE_BBT, w->header.bbt_ib, w->header.bbt_bid, UINT32_MAX, 0);
	if (rc == PM_OK)
		rc = add_page(w, PM_PTYPE_NBT, w->header.nbt_ib, w->header.nbt_bid, UINT32_MAX, 0);
	if (rc == PM_OK)
		rc = verify_order(w);
	w->walked = rc == PM_OK;
	return rc;
}

enum pm_rc pm_whole_open(struct pm_ctx *ctx, const char *path, struct pm_whole *w)
{
	struct pm_image *file = NULL;
	enum pm_rc rc;

	*w = (struct pm_whole){.ctx = ctx};
	rc = pm_image_open_file(ctx, path, &file);
	if (rc)
		return rc;
	w->n = (size_t)pm_image_size(file);
	w->p = pm_calloc(ctx, w->n, 1);
	rc = w->p ? pm_image_read(ctx, file, 0, w->p, w->n) : ctx->rc;
	pm_image_close(file);
	if (rc)
		return pm_fail(ctx, PM_EIO, "the file can't be read whole");
	return pm_whole_walk(w);
}

enum pm_rc pm_whole_resize(struct pm_whole *w, size_t n)
{
	uint8_t *p = pm_realloc(w->ctx, w->p, n, 1);

	if (!p)
		return w->ctx->rc;
	if (n > w->n)
		memset(p + w->n, 0, n - w->n);
	w->p = p;
	w->n = n;
	w->walked = false;
	return PM_OK;
}

void pm_whole_close(struct pm_whole *w)
{
	pm_vec_done(&w->pages);
	pm_ndb_done(&w->db);
	pm_image_close(w->img);
	pm_free(w->p);
	*w = (struct pm_whole){0};
}

const struct pm_seed_page *pm_whole_page(const struct pm_whole *w, uint8_t ptype, unsigned level,
					 int64_t i)
{
	int64_t n = 0;

	for (size_t k = 0; k < w->pages.n; k++)
		n += w->pages.v[k].ptype == ptype && w->pages.v[k].level == level;
	if (i < 0)
		i += n;
	for (size_t k = 0; k < w->pages.n; k++)
		if (w->pages.v[k].ptype == ptype && w->pages.v[k].level == level && i-- == 0)
			return &w->pages.v[k];
	return NULL;
}

const struct pm_seed_page *pm_whole_root(const struct pm_whole *w, uint8_t ptype)
{
	for (size_t k = 0; k < w->pages.n; k++)
		if (w->pages.v[k].ptype == ptype)
			return &w->pages.v[k];
	return NULL;
}

bool pm_whole_find(const struct pm_whole *w, uint8_t ptype, uint64_t key,
		   const struct pm_seed_page **ret_page, unsigned *ret_i)
{
	const struct pm_format *f = w->fmt;
	const struct pm_seed_page *leaf = NULL;
	unsigned i;

	for (size_t k = 0; k < w->pages.n; k++) {
		const struct pm_seed_page *page = &w->pages.v[k];

		if (page->ptype == ptype && !page->level && (!leaf || page->key <= key))
			leaf = page;
	}
	for (i = 0; i < leaf->cent; i++) {
		struct pm_bt_entry e;

		pm_bt_entry(f, w->p + leaf->ib, ptype, 0, i, pm_bt_entry_size(f, ptype, 0), &e);
		if (e.key >= key) {
			*ret_page = leaf;
			*ret_i = i;
			return e.key == key;
		}
	}
	*ret_page = leaf;
	*ret_i = i;
	return false;
}
