/* SPDX-License-Identifier: Apache-2.0 */
/* A node database in memory for tests. */
#include "mem_db.h"

#include "format/crypt.h"
#include "io/memory.h"

static uint64_t rnd_state = 1;

uint64_t mem_rnd(uint64_t below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state % below;
}

void mem_rnd_seed(uint64_t seed)
{
	rnd_state = seed * 0x9E3779B97F4A7C15u | 1;
}

static enum pm_rc put(struct pm_block_sink *sink, bool internal, const uint8_t *p, size_t n,
		      pm_bid *ret_bid)
{
	struct mem_db *m = (struct mem_db *)sink;
	const struct pm_format *f = m->db.fmt;
	uint32_t size = pm_block_stored(f, (uint32_t)n);
	struct pm_block *b;

	assert_in_range(n, 1, f->data_max);
	assert_true(m->used + size <= m->cap);
	b = pm_vec_push(&m->ctx, &m->db.blocks);
	if (!b)
		return m->ctx.rc;
	b->bid = m->next | (internal ? PM_BID_INTERNAL : 0);
	m->next += 4;
	b->ib = m->used;
	b->cb = b->cb_inflated = (uint16_t)n;
	b->cref = 2;
	memcpy(m->image + b->ib, p, n);
	if (!internal)
		pm_encode(m->db.crypt, b->bid, m->image + b->ib, n);
	pm_block_seal(f, m->image + b->ib, b->ib, b->bid, b->cb, b->cb);
	m->used += size;
	m->puts++;
	*ret_bid = b->bid;
	return PM_OK;
}

void mem_db_open(struct mem_db *m, enum pm_variant variant, enum pm_crypt crypt)
{
	memset(m, 0, sizeof(*m));
	m->cap = (size_t)64 << 20;
	m->image = calloc(m->cap, 1); /* taken up only as it is written */
	assert_non_null(m->image);
	m->sink.fmt = &pm_formats[variant];
	m->sink.put = put;
	m->db.ctx = &m->ctx;
	m->db.fmt = &pm_formats[variant];
	m->db.crypt = crypt;
	m->next = 4;
	assert_int_equal(pm_image_open_memory(&m->ctx, m->image, m->cap, &m->db.img), PM_OK);
}

void mem_db_close(struct mem_db *m)
{
	pm_image_close(m->db.img);
	pm_ndb_done(&m->db);
	free(m->image);
}

pm_bid mem_db_put(struct mem_db *m, bool internal, const void *p, size_t n)
{
	pm_bid bid = 0;

	assert_int_equal(m->sink.put(&m->sink, internal, p, n, &bid), PM_OK);
	return bid;
}

void mem_db_poke(struct mem_db *m, pm_bid bid, size_t at, uint8_t value, bool reseal)
{
	struct pm_block *b = pm_ndb_find_block(&m->db, bid);
	uint8_t *p;

	assert_non_null(b);
	assert_true(at < b->cb);
	p = m->image + b->ib;
	if (!pm_bid_internal(bid))
		pm_decode(m->db.crypt, b->bid, p, b->cb);
	p[at] = value;
	if (!pm_bid_internal(bid))
		pm_encode(m->db.crypt, b->bid, p, b->cb);
	b->flags = 0;
	if (reseal)
		pm_block_seal(m->db.fmt, p, b->ib, b->bid, b->cb, b->cb);
}

struct pm_buf mem_db_read(struct mem_db *m, pm_bid bid)
{
	struct pm_buf b = {0};

	assert_int_equal(pm_ndb_read_block(&m->db, bid, &b), PM_OK);
	return b;
}

void mem_db_lose(struct mem_db *m, pm_bid bid)
{
	struct pm_block *b = pm_ndb_find_block(&m->db, bid);
	size_t i;

	assert_non_null(b);
	i = (size_t)(b - m->db.blocks.v);
	memmove(b, b + 1, (m->db.blocks.n - 1 - i) * sizeof(*b));
	m->db.blocks.n--;
}

void mem_db_node(struct mem_db *m, pm_nid nid, pm_nid parent, pm_bid data, pm_bid sub)
{
	size_t i = pm_ndb_lower_node(&m->db, nid);
	struct pm_node *n;

	assert_non_null(pm_vec_push(&m->ctx, &m->db.nodes));
	n = &m->db.nodes.v[i];
	memmove(n + 1, n, (m->db.nodes.n - 1 - i) * sizeof(*n));
	*n = (struct pm_node){.nid = nid, .parent = parent, .data = data, .sub = sub};
}
