/* SPDX-License-Identifier: Apache-2.0 */
/* Building a heap: items one after the other, a new block whenever the last one is full. */
#include "ltp/heap.h"

void pm_heap_builder_init(struct pm_heap_builder *b, struct pm_ctx *ctx, const struct pm_format *f,
			  uint8_t client)
{
	*b = (struct pm_heap_builder){.ctx = ctx, .fmt = f, .client = client};
}

void pm_heap_builder_done(struct pm_heap_builder *b)
{
	for (size_t k = 0; k < b->blocks.n; k++) {
		pm_buf_done(&b->blocks.v[k].bytes);
		pm_vec_done(&b->blocks.v[k].ends);
	}
	pm_vec_done(&b->blocks);
}

/* Bytes of a block with this end of its items and so many of them. */
static size_t full_size(size_t end, size_t items)
{
	return ((end + 1) & ~(size_t)1) + 4 + 2 * (items + 1);
}

static enum pm_rc new_block(struct pm_heap_builder *b)
{
	struct pm_heap_out *o;
	size_t k = b->blocks.n;

	if (k >= (size_t)1 << (27 - b->fmt->hid_index_bits))
		return pm_fail(b->ctx, PM_ELIMIT,
			       "an object is too large for its heap (%zu blocks)", k);
	o = pm_vec_push(b->ctx, &b->blocks);
	if (!o)
		return b->ctx->rc;
	pm_buf_zero(b->ctx, &o->bytes, pm_heap_header(k));
	return b->ctx->rc;
}

enum pm_rc pm_heap_builder_add(struct pm_heap_builder *b, const void *p, size_t n, pm_hid *ret_hid)
{
	size_t most = ((size_t)1 << b->fmt->hid_index_bits) - 1;
	struct pm_heap_out *o = b->blocks.n ? &b->blocks.v[b->blocks.n - 1] : NULL;
	uint16_t *end;

	if (n == 0 || n > PM_HEAP_ITEM_MAX)
		return pm_fail(b->ctx, PM_EBUG, "a heap item of %zu bytes", n);
	if (!o || o->ends.n >= most ||
	    full_size(o->bytes.n + n, o->ends.n + 1) > b->fmt->data_max) {
		enum pm_rc rc = new_block(b);

		if (rc)
			return rc;
		o = &b->blocks.v[b->blocks.n - 1];
	}
	end = pm_vec_push(b->ctx, &o->ends);
	if (!end)
		return b->ctx->rc;
	if (p)
		pm_buf_add(b->ctx, &o->bytes, p, n);
	else
		pm_buf_zero(b->ctx, &o->bytes, n);
	if (o->bytes.bad)
		return b->ctx->rc;
	*end = (uint16_t)o->bytes.n;
	*ret_hid = pm_hid_make(b->fmt, b->blocks.n - 1, (uint32_t)o->ends.n);
	return PM_OK;
}

uint8_t *pm_heap_builder_item(struct pm_heap_builder *b, pm_hid hid)
{
	size_t k = pm_hid_block(b->fmt, hid);
	uint32_t i = pm_hid_index(b->fmt, hid);
	struct pm_heap_out *o = &b->blocks.v[k];

	return o->bytes.p + (i > 1 ? o->ends.v[i - 2] : pm_heap_header(k));
}

/* Put the level of block k where it belongs: nibbles, the low one first. */
static void put_level(struct pm_heap_builder *b, size_t k)
{
	size_t owner = k < 8 ? 0 : k - (k - 8) % 128;
	uint8_t *p = b->blocks.v[owner].bytes.p + (owner ? 2 : 8) + (k - owner) / 2;
	const struct pm_heap_out *o = &b->blocks.v[k];
	size_t used = o->bytes.n + 4 + 2 * (o->ends.n + 1);
	unsigned level = pm_heap_level(b->fmt->data_max - (uint32_t)used);

	*p = (uint8_t)(*p | level << ((k - owner) % 2 ? 4 : 0));
}

/* Complete a block with its page map; all but the last are full-size [MS-PST 2.3.1.1]. */
static enum pm_rc put_map(struct pm_heap_builder *b, size_t k)
{
	struct pm_heap_out *o = &b->blocks.v[k];
	size_t hnpm = (o->bytes.n + 1) & ~(size_t)1;
	size_t n = o->ends.n;
	uint8_t *p;

	pm_buf_zero(b->ctx, &o->bytes, full_size(o->bytes.n, n) - o->bytes.n);
	if (k + 1 < b->blocks.n)
		pm_buf_zero(b->ctx, &o->bytes, b->fmt->data_max - o->bytes.n);
	if (o->bytes.bad)
		return b->ctx->rc;
	pm_put16(o->bytes.p, (uint16_t)hnpm);
	p = o->bytes.p + hnpm;
	pm_put16(p, (uint16_t)n);
	pm_put16(p + 4, (uint16_t)pm_heap_header(k));
	for (size_t i = 0; i < n; i++)
		pm_put16(p + 6 + 2 * i, o->ends.v[i]);
	return PM_OK;
}

enum pm_rc pm_heap_builder_store(struct pm_heap_builder *b, struct pm_block_sink *sink,
				 pm_bid *ret_bid)
{
	PM_VEC(struct pm_leaf) leaves = {0};
	enum pm_rc rc = b->blocks.n ? PM_OK : new_block(b);

	if (rc == PM_OK && b->fmt->variant != PM_UNICODE4K)
		for (size_t k = 0; k < b->blocks.n; k++)
			put_level(b, k);
	if (rc == PM_OK) {
		uint8_t *p = b->blocks.v[0].bytes.p;

		p[2] = 0xEC;
		p[3] = b->client;
		pm_put32(p + 4, b->root);
	}
	for (size_t k = 0; rc == PM_OK && k < b->blocks.n; k++) {
		struct pm_leaf *l = pm_vec_push(b->ctx, &leaves);

		rc = l ? put_map(b, k) : b->ctx->rc;
		if (rc)
			break;
		l->size = (uint32_t)b->blocks.v[k].bytes.n;
		rc = sink->put(sink, false, b->blocks.v[k].bytes.p, l->size, &l->bid);
	}
	if (rc == PM_OK)
		rc = pm_data_build_over(b->ctx, sink, leaves.v, leaves.n, ret_bid);
	pm_vec_done(&leaves);
	return rc;
}
