/* SPDX-License-Identifier: Apache-2.0 */
/* Placement of blocks and pages, the bulk loader of the trees, maps and header. */
#include "layout.h"

#include "base/sort.h"

#include <zlib.h>

#define PAGE_MAX_BYTES 4096

static enum pm_rc refer(struct pm_layout *l, pm_bid bid)
{
	struct pm_map_entry *e;

	if (!bid)
		return PM_OK;
	e = pm_map_get(l->ctx, &l->refs, pm_bid_key(bid), NULL);
	if (!e)
		return l->ctx->rc;
	e->value++;
	return PM_OK;
}

/* An internal block refers to what it lists. */
static enum pm_rc refer_internal(struct pm_layout *l, const uint8_t *p)
{
	const struct pm_format *f = l->sink.fmt;
	unsigned n = (unsigned)pm_XBLOCK_cEnt(f, p);
	bool x = pm_XBLOCK_btype(f, p) == 1, index = pm_XBLOCK_cLevel(f, p) != 0;
	enum pm_rc rc = PM_OK;

	for (unsigned i = 0; i < n && rc == PM_OK; i++) {
		const uint8_t *e = p + (x ? f->xhead : f->slhead) +
				   (size_t)i * (x       ? f->xentry
						: index ? f->sientry
							: f->slentry);

		if (x) {
			rc = refer(l, pm_ft_get(e, f->id));
		} else if (index) {
			rc = refer(l, pm_SIENTRY_bid(f, e));
		} else {
			rc = refer(l, pm_SLENTRY_bidData(f, e));
			if (rc == PM_OK)
				rc = refer(l, pm_SLENTRY_bidSub(f, e));
		}
	}
	return rc;
}

enum pm_rc pm_layout_place(struct pm_layout *l, uint32_t n, uint32_t align, pm_ib *ret)
{
	const struct pm_format *f = l->sink.fmt;
	pm_ib at = l->at;

	for (;;) {
		uint64_t k = pm_amap_index(f, at);
		pm_ib first = pm_amap_offset(f, k) + pm_map_bytes(f, k);

		if (at < first)
			at = first;
		at = (at + align - 1) / align * align;
		if (at + n <= pm_amap_offset(f, k + 1))
			break;
		at = pm_amap_offset(f, k + 1);
	}
	if (at + n > f->size_max)
		return pm_fail(l->ctx, PM_ELIMIT, "the file would be too big for the %s format",
			       f->name);
	l->at = at + n;
	*ret = at;
	return pm_rangeset_add(l->ctx, &l->used, at, at + n);
}

enum pm_rc pm_layout_forget(struct pm_layout *l, pm_ib ib, uint64_t n)
{
	return pm_rangeset_remove(l->ctx, &l->used, ib, ib + n);
}

/* The bytes of a block as they are stored, without trailer: *ret_cb of them. */
static enum pm_rc encode(struct pm_layout *l, pm_bid bid, const uint8_t *p, size_t n,
			 uint8_t *stored, uint16_t *ret_cb)
{
	uLongf z = l->sink.fmt->data_max;
	bool internal = pm_bid_internal(bid);

	if (l->deflate && !internal && compress2(stored, &z, p, n, 6) == Z_OK && z < n) {
		*ret_cb = (uint16_t)z;
	} else {
		memcpy(stored, p, n);
		*ret_cb = (uint16_t)n;
	}
	memset(stored + *ret_cb, 0, l->sink.fmt->block_max - *ret_cb);
	if (!internal)
		pm_encode(l->crypt, bid, stored, *ret_cb);
	return PM_OK;
}

/* The first spare place that is large enough, else behind all others. */
static enum pm_rc place_block(struct pm_layout *l, uint32_t size, pm_ib *ret)
{
	for (size_t i = 0; i < l->spare.n; i++) {
		struct pm_range *r = &l->spare.v[i];

		if (r->end - r->start < size)
			continue;
		*ret = r->start;
		r->start += size;
		return pm_rangeset_add(l->ctx, &l->used, *ret, *ret + size);
	}
	return pm_layout_place(l, size, l->sink.fmt->unit, ret);
}

static enum pm_rc put_block(struct pm_block_sink *sink, bool internal, const uint8_t *p, size_t n,
			    pm_bid *ret_bid)
{
	struct pm_layout *l = (struct pm_layout *)sink;
	const struct pm_format *f = sink->fmt;
	uint8_t stored[65536];
	struct pm_bt_entry *e;
	uint32_t size;
	enum pm_rc rc;

	if (!n || n > f->data_max)
		return pm_fail(l->ctx, PM_EBUG, "a block can't have %zu bytes", n);
	e = pm_vec_push(l->ctx, &l->blocks);
	if (!e)
		return l->ctx->rc;
	e->bid = e->key = l->next_block | (internal ? PM_BID_INTERNAL : 0);
	e->cb_inflated = (uint16_t)n;
	l->next_block += 4;
	rc = encode(l, e->bid, p, n, stored, &e->cb);
	size = pm_block_stored(f, e->cb);
	if (rc == PM_OK)
		rc = place_block(l, size, &e->ib);
	if (rc == PM_OK && internal)
		rc = refer_internal(l, p);
	if (rc)
		return rc;
	pm_block_seal(f, stored, e->ib, e->bid, e->cb, e->cb_inflated);
	*ret_bid = e->bid;
	return l->write(l->arg, e->ib, stored, size);
}

void pm_layout_init(struct pm_ctx *ctx, struct pm_layout *l, const struct pm_format *f,
		    enum pm_crypt crypt, pm_layout_write_fn write, void *arg)
{
	*l = (struct pm_layout){.ctx = ctx, .crypt = crypt, .write = write, .arg = arg};
	l->sink.fmt = f;
	l->sink.put = put_block;
	l->at = f->amap_first;
	l->next_block = 4;
	l->next_page = 1;
}

void pm_layout_done(struct pm_layout *l)
{
	pm_vec_done(&l->blocks);
	pm_vec_done(&l->nodes);
	pm_map_done(&l->refs);
	pm_rangeset_done(&l->used);
	pm_vec_done(&l->spare);
}

enum pm_rc pm_layout_node(struct pm_layout *l, pm_nid nid, pm_bid data, pm_bid sub, pm_nid parent)
{
	struct pm_bt_entry *e = pm_vec_push(l->ctx, &l->nodes);
	enum pm_rc rc;

	if (!e)
		return l->ctx->rc;
	e->key = nid;
	e->bid = data;
	e->sub = sub;
	e->parent = parent;
	rc = refer(l, data);
	return rc ? rc : refer(l, sub);
}

enum pm_rc pm_layout_page(struct pm_layout *l, uint8_t ptype, unsigned level,
			  const struct pm_bt_entry *e, unsigned n, pm_bid *ret_bid, pm_ib *ret_ib)
{
	const struct pm_format *f = l->sink.fmt;
	uint8_t page[PAGE_MAX_BYTES];
	enum pm_rc rc = pm_layout_place(l, f->page, f->page, ret_ib);

	if (rc)
		return rc;
	*ret_bid = l->next_page++;
	pm_bt_build(f, page, ptype, level, e, n);
	pm_page_seal(f, page, *ret_ib, ptype, *ret_bid);
	return l->write(l->arg, *ret_ib, page, f->page);
}

enum pm_rc pm_layout_tree(struct pm_layout *l, uint8_t ptype, const struct pm_bt_entry *e, size_t n,
			  pm_bid *ret_bid, pm_ib *ret_ib)
{
	PM_VEC(struct pm_bt_entry) below = {0}, above = {0};
	enum pm_rc rc = PM_OK;

	if (!n)
		return pm_layout_page(l, ptype, 0, e, 0, ret_bid, ret_ib);
	for (unsigned level = 0;; level++) {
		size_t per = pm_bt_capacity(l->sink.fmt, ptype, level);

		if (l->fill > 1 && l->fill < per)
			per = l->fill;
		above.n = 0;
		for (size_t i = 0; i < n && rc == PM_OK; i += per) {
			size_t some = n - i < per ? n - i : per;
			struct pm_bt_entry *up = pm_vec_push(l->ctx, &above);

			if (!up) {
				rc = l->ctx->rc;
				break;
			}
			*up = (struct pm_bt_entry){.key = e[i].key};
			rc = pm_layout_page(l, ptype, level, e + i, (unsigned)some, &up->bid,
					    &up->ib);
		}
		if (rc || above.n == 1)
			break;
		/* What was built is what the next level lists. */
		pm_vec_done(&below);
		memcpy(&below, &above, sizeof(below));
		memset(&above, 0, sizeof(above));
		e = below.v;
		n = below.n;
	}
	if (rc == PM_OK) {
		*ret_bid = above.v[0].bid;
		*ret_ib = above.v[0].ib;
	}
	pm_vec_done(&below);
	pm_vec_done(&above);
	return rc;
}

static enum pm_rc write_trees(struct pm_layout *l, struct pm_header *h)
{
	enum pm_rc rc = pm_sort_member(l->ctx, &l->nodes, key);

	for (size_t i = 1; i < l->nodes.n && rc == PM_OK; i++)
		if (l->nodes.v[i].key == l->nodes.v[i - 1].key)
			rc = pm_fail(l->ctx, PM_EBUG, "node 0x%llx is there twice",
				     (unsigned long long)l->nodes.v[i].key);
	for (size_t i = 0; i < l->blocks.n; i++) {
		const struct pm_map_entry *e = pm_map_find(&l->refs, l->blocks.v[i].key);

		l->blocks.v[i].cref = (uint16_t)(e ? e->value + 1 : 1);
	}
	if (rc == PM_OK)
		rc = pm_layout_tree(l, PM_PTYPE_NBT, l->nodes.v, l->nodes.n, &h->nbt_bid,
				    &h->nbt_ib);
	if (rc == PM_OK)
		rc = pm_layout_tree(l, PM_PTYPE_BBT, l->blocks.v, l->blocks.n, &h->bbt_bid,
				    &h->bbt_ib);
	return rc;
}

/* Mark what is used of [start, end) in the bits of a map that begins at `start`. */
static uint64_t fill_amap(const struct pm_layout *l, pm_ib start, uint8_t *bits)
{
	const struct pm_format *f = l->sink.fmt;
	uint64_t k = pm_amap_index(f, start), end = start + f->amap_interval, n_used = 0;
	struct pm_range r = {start, start + pm_map_bytes(f, k)};

	do {
		for (pm_ib ib = r.start; ib < r.end; ib += f->unit) {
			uint64_t bit = (ib - start) / f->unit;

			bits[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
			n_used++;
		}
	} while (pm_rangeset_next(&l->used, r.end, end, &r));
	return n_used;
}

/* The map pages of all intervals [MS-PST 2.2.2.7.2 to 2.2.2.7.6]. The free map pages are of the
 * past: all ones. */
static enum pm_rc write_maps(struct pm_layout *l, struct pm_header *h)
{
	const struct pm_format *f = l->sink.fmt;
	uint64_t n = pm_amap_index(f, l->at - (l->at > f->amap_first)) + 1;
	enum pm_rc rc = PM_OK;

	h->eof = pm_amap_offset(f, n);
	h->amap_last = pm_amap_offset(f, n - 1);
	h->amap_free = h->pmap_free = 0;
	for (uint64_t k = 0; k < n && rc == PM_OK; k++) {
		for (unsigned slot = 0; slot < 3 && rc == PM_OK; slot++) {
			pm_ib ib = pm_amap_offset(f, k) + slot * f->page;
			uint8_t page[PAGE_MAX_BYTES] = {0};
			uint8_t ptype = pm_map_page_at(f, k, slot);

			if (!ptype)
				break;
			if (ptype == PM_PTYPE_AMAP)
				h->amap_free += f->amap_interval -
						f->unit * fill_amap(l, ib, page + f->amap_skip);
			else
				memset(page + f->amap_skip, 0xFF, f->amap_bytes);
			pm_page_seal(f, page, ib, ptype, ib);
			rc = l->write(l->arg, ib, page, f->page);
		}
	}
	return rc;
}

/* An empty density list, as Outlook leaves it [MS-PST 2.2.2.7.4]. */
static enum pm_rc write_dlist(struct pm_layout *l)
{
	const struct pm_format *f = l->sink.fmt;
	uint8_t page[PAGE_MAX_BYTES] = {0};

	pm_page_seal(f, page, f->dlist, PM_PTYPE_DLIST, l->next_page);
	return l->write(l->arg, f->dlist, page, f->page);
}

/* Highest index in use, type by type; the tables of folders count with their folders. */
static void raise_rgnid(const struct pm_layout *l, struct pm_header *h)
{
	for (size_t i = 0; i < l->nodes.n; i++) {
		uint32_t index = (uint32_t)(l->nodes.v[i].key >> 5);
		unsigned type = pm_nid_type((pm_nid)l->nodes.v[i].key);

		if (type >= 0x0D && type <= 0x0F)
			type = 2;
		else if (type == 0x06 || type == 0x07 || type == 0x10)
			type = 3;
		if (type != 1 && h->rgnid[type] < index)
			h->rgnid[type] = index;
	}
	h->rgnid[0x0D] = h->rgnid[0x0E] = h->rgnid[0x0F] = h->rgnid[2];
	h->rgnid[0x06] = h->rgnid[0x07] = h->rgnid[0x10] = h->rgnid[3];
}

enum pm_rc pm_layout_finish(struct pm_layout *l, struct pm_header *h)
{
	const struct pm_format *f = l->sink.fmt;
	enum pm_rc rc = write_trees(l, h);

	if (rc == PM_OK)
		rc = write_maps(l, h);
	if (rc == PM_OK)
		rc = write_dlist(l);
	if (rc)
		return rc;
	raise_rgnid(l, h);
	h->crypt = (uint8_t)l->crypt;
	h->next_block = l->next_block;
	h->next_page = l->next_page;
	pm_header_encode(f, h);
	return l->write(l->arg, 0, h->raw, f->header);
}
