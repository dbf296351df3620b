/* SPDX-License-Identifier: Apache-2.0 */
/* What fuzz targets share: the node database out of an input, and how a target complains. */
#include "fuzz.h"

#include "base/sort.h"
#include "io/memory.h"

#include <stdio.h>

#define IMAGE_MAX ((size_t)64 << 20)

void pm_fuzz_broken(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

void pm_fuzz_result(const struct pm_ctx *ctx, enum pm_rc rc)
{
	if (pm_is_error(rc))
		must(ctx->rc == rc && ctx->text[0]);
	else
		must(ctx->rc == PM_OK);
	must(rc != PM_EBUG);
}

void pm_fuzz_touch(const void *p, size_t n)
{
	static volatile uint8_t sum;
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + b[i]);
}

/* Store a block behind the others. A block that is there already stays as it is. */
static enum pm_rc store(struct pm_fuzz_db *d, pm_bid bid, const uint8_t *p, size_t n, bool seal)
{
	const struct pm_format *f = d->sink.fmt;
	uint32_t size = pm_block_stored(f, (uint32_t)n);
	pm_ib ib = d->image.n;
	uint8_t *stored = pm_buf_room(&d->ctx, &d->image, size);
	struct pm_block *b = stored ? pm_vec_push(&d->ctx, &d->db.blocks) : NULL;

	if (!b)
		return d->ctx.rc;
	memset(stored, 0, size);
	if (n)
		memcpy(stored, p, n);
	if (!pm_bid_internal(bid))
		pm_encode(d->db.crypt, bid, stored, n);
	if (seal)
		pm_block_seal(f, stored, ib, bid, (uint16_t)n, (uint16_t)n);
	*b = (struct pm_block){.bid = bid, .ib = ib, .cb = (uint16_t)n, .cref = 2};
	b->cb_inflated = b->cb;
	return PM_OK;
}

/* The image is over bytes that move as it grows. */
static enum pm_rc look(struct pm_fuzz_db *d)
{
	pm_image_close(d->db.img);
	d->db.img = NULL;
	return pm_image_open_memory(&d->ctx, d->image.p, d->image.n, &d->db.img);
}

static enum pm_rc put(struct pm_block_sink *sink, bool internal, const uint8_t *p, size_t n,
		      pm_bid *ret_bid)
{
	struct pm_fuzz_db *d = (struct pm_fuzz_db *)sink;
	pm_bid bid = d->next | (internal ? PM_BID_INTERNAL : 0);
	enum pm_rc rc;

	must(n && n <= sink->fmt->data_max);
	d->next += 4;
	rc = store(d, bid, p, n, true);
	if (rc == PM_OK)
		rc = look(d);
	if (rc == PM_OK)
		*ret_bid = bid;
	return rc;
}

static enum pm_rc add_node(struct pm_fuzz_db *d, pm_nid nid)
{
	struct pm_node *node = pm_vec_push(&d->ctx, &d->db.nodes);

	if (!node)
		return d->ctx.rc;
	*node = (struct pm_node){.nid = nid, .parent = nid, .data = d->data, .sub = d->sub};
	return PM_OK;
}

/* Ascending, the first of each id. */
static void sort_blocks(struct pm_fuzz_db *d)
{
	size_t n = 0;

	must(pm_sort_member(&d->ctx, &d->db.blocks, bid) == PM_OK);
	for (size_t i = 0; i < d->db.blocks.n; i++)
		if (!n || d->db.blocks.v[n - 1].bid != d->db.blocks.v[i].bid)
			d->db.blocks.v[n++] = d->db.blocks.v[i];
	d->db.blocks.n = n;
}

bool pm_fuzz_db_open(struct pm_fuzz_db *d, const uint8_t *p, size_t n)
{
	struct pm_cursor c = {.s = {p, n, 0}};
	uint8_t how = pm_cursor_u8(&c);
	static const pm_nid nids[] = {0x21, 0x61, PM_FUZZ_NID};
	enum pm_rc rc = PM_OK;

	memset(d, 0, sizeof(*d));
	d->image.max = IMAGE_MAX;
	d->sink.fmt = d->db.fmt = &pm_formats[(how & 3) % 3];
	d->sink.put = put;
	d->db.ctx = &d->ctx;
	d->db.crypt = (enum pm_crypt)((how >> 2 & 3) % 3);
	d->data = pm_bid_key(pm_cursor_u16(&c));
	d->sub = pm_bid_key(pm_cursor_u16(&c));
	d->next = 0x10000;
	pm_buf_zero(&d->ctx, &d->image, d->db.fmt->unit);
	while (!c.bad && c.pos < c.s.n && rc == PM_OK) {
		pm_bid bid = pm_cursor_u16(&c);
		size_t len = pm_cursor_u16(&c);

		if (len > c.s.n - c.pos)
			len = c.s.n - c.pos;
		if (len > d->db.fmt->data_max)
			len = d->db.fmt->data_max;
		if (!c.bad)
			rc = store(d, pm_bid_key(bid), pm_cursor_take(&c, len), len, !(bid & 1));
	}
	sort_blocks(d);
	for (size_t i = 0; i < sizeof(nids) / sizeof(nids[0]) && rc == PM_OK; i++)
		rc = add_node(d, nids[i]);
	return rc == PM_OK && look(d) == PM_OK && d->db.blocks.n;
}

void pm_fuzz_db_close(struct pm_fuzz_db *d)
{
	pm_image_close(d->db.img);
	pm_ndb_done(&d->db);
	pm_buf_done(&d->image);
}

static void put_u16(struct pm_ctx *ctx, struct pm_buf *out, uint64_t v)
{
	pm_buf_byte(ctx, out, (uint8_t)v);
	pm_buf_byte(ctx, out, (uint8_t)(v >> 8));
}

static enum pm_rc write_block(const struct pm_ndb *db, pm_bid bid, struct pm_buf *out)
{
	struct pm_buf b = {0};
	enum pm_rc rc = pm_ndb_read_block(db, bid, &b);

	if (rc == PM_OK) {
		put_u16(db->ctx, out, bid);
		put_u16(db->ctx, out, b.n);
		pm_buf_add(db->ctx, out, b.p, b.n);
	}
	pm_buf_done(&b);
	return rc;
}

static enum pm_rc write_data(const struct pm_ndb *db, pm_bid bid, struct pm_buf *out)
{
	struct pm_data d;
	enum pm_rc rc = pm_data_open(db, bid, &d);

	for (size_t i = 0; i < d.internal.n && rc == PM_OK; i++)
		rc = write_block(db, d.internal.v[i], out);
	for (size_t i = 0; i < d.leaves.n && rc == PM_OK; i++)
		rc = write_block(db, d.leaves.v[i].bid, out);
	pm_data_close(&d);
	return rc == PM_NONE ? PM_OK : rc;
}

static enum pm_rc write_subs(const struct pm_ndb *db, pm_bid bid, unsigned depth,
			     struct pm_buf *out)
{
	struct pm_subs s;
	enum pm_rc rc = pm_subs_open(db, bid, &s);

	for (size_t i = 0; i < s.internal.n && rc == PM_OK; i++)
		rc = write_block(db, s.internal.v[i], out);
	for (size_t i = 0; i < s.v.n && rc == PM_OK; i++) {
		rc = write_data(db, s.v.v[i].data, out);
		if (rc == PM_OK && depth < 8)
			rc = write_subs(db, s.v.v[i].sub, depth + 1, out);
	}
	pm_subs_close(&s);
	return rc == PM_NONE ? PM_OK : rc;
}

enum pm_rc pm_fuzz_db_write(const struct pm_ndb *db, pm_bid data, pm_bid sub, struct pm_buf *out)
{
	enum pm_rc rc;

	/* as encoding none: the content is what matters */
	pm_buf_byte(db->ctx, out, (uint8_t)db->fmt->variant);
	put_u16(db->ctx, out, data);
	put_u16(db->ctx, out, sub);
	rc = write_data(db, data, out);
	return rc ? rc : write_subs(db, sub, 0, out);
}
