/* SPDX-License-Identifier: Apache-2.0 */
/* The heap on a node, read tolerantly. */
#include "ltp/heap.h"

/* What a heap keeps in memory; a span outlives KEEP_MIN other blocks. */
#define KEEP_BYTES ((size_t)2 << 20)
#define KEEP_MIN   65
#define KEEP_MAX   4096

#define OPEN_COST 500 /* pm_spend */

static uint32_t offset(const struct pm_heap_block *b, uint32_t i)
{
	return pm_le16(b->p + b->map + 2 * (size_t)i);
}

/*
 * A page map at `hnpm` vouches for itself when its offsets begin behind the header and ascend
 * up to ibHnpm: how many items it has then, whatever cAlloc says; 0 when it does not.
 */
static uint32_t map_count(const uint8_t *p, uint32_t n, uint32_t head, uint32_t hnpm)
{
	uint32_t last = head, i = 0;

	if (hnpm + 8 > n || pm_le16(p + hnpm + 4) != head)
		return 0;
	while (hnpm + 8 + 2 * (uint64_t)i <= n) {
		uint32_t o = pm_le16(p + hnpm + 6 + 2 * (size_t)i);

		if (o < last || o > hnpm)
			break;
		last = o;
		i++;
	}
	return hnpm - last <= 1 && last > head ? i : 0;
}

/* Where the page map is although ibHnpm does not say so; 0 when nothing looks like one. */
static uint32_t find_map(const uint8_t *p, uint32_t n, uint32_t head)
{
	for (uint32_t at = (head + 3) & ~1u; (uint64_t)at + 8 <= n; at += 2)
		if (pm_le16(p + at + 4) == head && pm_le16(p + at) &&
		    map_count(p, n, head, at) == pm_le16(p + at))
			return at;
	return 0;
}

/*
 * Offsets out of order: mark those of the longest ascending run of them, the fewest others
 * being taken for wrong.
 */
static enum pm_rc mark_sane(struct pm_ctx *ctx, struct pm_heap_block *b, uint32_t head,
			    uint32_t hnpm)
{
	uint32_t n = b->items + 1, len = 0;
	uint32_t *tail = pm_calloc(ctx, n, sizeof(*tail));
	uint32_t *prev = pm_calloc(ctx, n, sizeof(*prev));

	b->sane = pm_calloc(ctx, n, 1);
	if (!tail || !prev || !b->sane) {
		pm_free(tail);
		pm_free(prev);
		return ctx->rc;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t o = offset(b, i), lo = 0, hi = len;

		if (o < head || o > hnpm)
			continue;
		while (lo < hi) {
			uint32_t mid = (lo + hi) / 2;

			if (offset(b, tail[mid]) <= o)
				lo = mid + 1;
			else
				hi = mid;
		}
		prev[i] = lo ? tail[lo - 1] : UINT32_MAX;
		tail[lo] = i;
		if (lo == len)
			len++;
	}
	for (uint32_t i = len ? tail[len - 1] : UINT32_MAX; i != UINT32_MAX; i = prev[i])
		b->sane[i] = 1;
	pm_free(tail);
	pm_free(prev);
	return PM_OK;
}

static uint32_t map_rules(const struct pm_heap_block *b, uint32_t head, uint32_t hnpm)
{
	uint32_t rules = 0, empty = 0, last = offset(b, 0);

	if (last != head)
		rules |= PM_HN_FIRST;
	if (last > hnpm)
		rules |= PM_HN_ORDER;
	for (uint32_t i = 1; i <= b->items; i++) {
		uint32_t o = offset(b, i);

		if (o < last || o > hnpm)
			rules |= PM_HN_ORDER;
		else if (o == last)
			empty++;
		else if (o - last > PM_HEAP_ITEM_MAX)
			rules |= PM_HN_ITEM;
		last = o;
	}
	/* Writers count wrongly, or never [OBS]; more than there are items nobody counted. */
	if (empty != pm_le16(b->p + b->map - 2))
		rules |= PM_HN_FREE | (pm_le16(b->p + b->map - 2) > b->items ? PM_HN_ODD_FREE : 0);
	if (!(rules & PM_HN_ORDER) && hnpm - last > 1)
		rules |= PM_HN_LAST;
	return rules;
}

/* A map that does not vouch for itself: take it as it is, unless there is a better one. */
static enum pm_rc parse_doubtful(struct pm_heap *h, struct pm_heap_block *b, uint32_t head,
				 uint32_t hnpm)
{
	uint32_t count = 0, fit, other;

	if (b->n >= head && hnpm >= head && hnpm + 6 <= b->n) {
		count = pm_le16(b->p + hnpm);
		fit = (b->n - hnpm - 6) / 2;
		if (count > fit)
			b->rules |= PM_HN_MAP;
		b->map = hnpm + 4;
		b->items = count < fit ? count : fit;
		b->rules |= map_rules(b, head, hnpm);
		if (!(b->rules & (PM_HN_MAP | PM_HN_ORDER | PM_HN_FIRST)))
			return PM_OK;
	} else {
		b->rules |= PM_HN_MAP;
	}
	other = find_map(b->p, b->n, head);
	if (other) {
		b->rules = (b->rules & PM_HN_SIG) | PM_HN_MAP;
		b->map = other + 4;
		b->items = pm_le16(b->p + other);
		b->rules |= map_rules(b, head, other);
		return PM_OK;
	}
	if (b->rules & (PM_HN_MAP | PM_HN_ORDER))
		b->state = PM_DAMAGED;
	return b->rules & PM_HN_ORDER ? mark_sane(h->db->ctx, b, head, hnpm) : PM_OK;
}

/* Find and judge the page map of a loaded block. */
static enum pm_rc parse_block(struct pm_heap *h, size_t k)
{
	struct pm_heap_block *b = &h->blocks[k];
	uint32_t head = pm_heap_header(k), hnpm = b->n >= 2 ? pm_le16(b->p) : 0;

	b->rules = 0;
	b->items = 0;
	if (k == 0 && (b->n < head || b->p[2] != 0xEC))
		b->rules |= PM_HN_SIG;
	if (b->n >= head && hnpm >= head)
		b->items = map_count(b->p, b->n, head, hnpm);
	if (!b->items)
		return parse_doubtful(h, b, head, hnpm);
	b->map = hnpm + 4;
	if (b->items != pm_le16(b->p + hnpm))
		b->rules |= PM_HN_MAP;
	b->rules |= map_rules(b, head, hnpm);
	return PM_OK;
}

static void forget(struct pm_heap *h, struct pm_heap_block *b)
{
	h->kept -= b->n;
	pm_free(b->p);
	pm_free(b->sane);
	b->p = NULL;
	b->sane = NULL;
}

/* Make room before another block is loaded. */
static void trim(struct pm_heap *h)
{
	while (h->loaded.n >= KEEP_MIN && (h->kept > KEEP_BYTES || h->loaded.n >= KEEP_MAX)) {
		size_t oldest = 0;

		for (size_t i = 1; i < h->loaded.n; i++)
			if (h->blocks[h->loaded.v[i]].used < h->blocks[h->loaded.v[oldest]].used)
				oldest = i;
		forget(h, &h->blocks[h->loaded.v[oldest]]);
		h->loaded.v[oldest] = h->loaded.v[--h->loaded.n];
	}
}

static uint64_t file_place(const struct pm_heap *h, size_t k)
{
	const struct pm_block *b = pm_ndb_find_block(h->db, h->data.leaves.v[k].bid);

	return b && b->cb == b->cb_inflated ? b->ib : 0;
}

/* Have block k in memory, if there is such a thing. */
static enum pm_rc load(struct pm_heap *h, size_t k)
{
	struct pm_heap_block *b = &h->blocks[k];
	struct pm_buf buf = {0};
	uint32_t *slot;
	enum pm_rc rc;

	b->used = ++h->clock;
	if (b->p || (b->known && b->state == PM_LOST))
		return PM_OK;
	trim(h);
	rc = pm_data_read_leaf(&h->data, k, &buf);
	if (pm_is_error(rc))
		goto fail;
	if (rc == PM_LOST || !buf.n) {
		pm_buf_done(&buf);
		b->state = PM_LOST;
		b->rules = PM_HN_MAP;
		b->known = true;
		h->rules |= b->rules;
		return PM_OK;
	}
	slot = pm_vec_push(h->db->ctx, &h->loaded);
	if (!slot) {
		rc = h->db->ctx->rc;
		goto fail;
	}
	*slot = (uint32_t)k;
	b->p = buf.p;
	b->n = (uint32_t)buf.n;
	b->at = file_place(h, k);
	b->state = (uint8_t)rc;
	h->kept += b->n;
	rc = parse_block(h, k);
	b->known = true;
	h->rules |= b->rules;
	return rc;
fail:
	pm_buf_done(&buf);
	return rc;
}

enum pm_rc pm_tree_data(const struct pm_ndb *db, pm_bid bid, struct pm_data *d)
{
	enum pm_rc rc = pm_data_open(db, bid, d);

	return rc == PM_DAMAGED && !(d->flags & PM_TF_CONTENT) ? PM_OK : rc;
}

enum pm_rc pm_tree_subs(const struct pm_ndb *db, pm_bid bid, struct pm_subs *s)
{
	enum pm_rc rc = pm_subs_open(db, bid, s);

	return rc == PM_DAMAGED && !(s->flags & PM_TF_CONTENT) ? PM_OK : rc;
}

enum pm_rc pm_heap_open(const struct pm_ndb *db, pm_bid bid, uint8_t client, struct pm_heap *h)
{
	size_t most = (size_t)1 << (27 - db->fmt->hid_index_bits);
	struct pm_span root;
	enum pm_rc rc, read;

	*h = (struct pm_heap){.db = db};
	if (pm_spend(db->ctx, OPEN_COST))
		return db->ctx->rc;
	rc = pm_tree_data(db, bid, &h->data);
	if (rc == PM_LOST)
		h->rules |= PM_HN_SIG;
	if (rc != PM_OK && rc != PM_DAMAGED)
		return rc;
	h->n_blocks = h->data.leaves.n < most ? h->data.leaves.n : most;
	h->blocks = pm_calloc(db->ctx, h->n_blocks, sizeof(*h->blocks));
	if (!h->blocks)
		return db->ctx->rc;
	read = load(h, 0);
	if (pm_is_error(read))
		return read;
	if (h->blocks[0].p && !(h->blocks[0].rules & PM_HN_SIG)) {
		h->client = (uint8_t)pm_HNHDR_bClientSig(db->fmt, h->blocks[0].p);
		h->root = (pm_hid)pm_HNHDR_hidUserRoot(db->fmt, h->blocks[0].p);
		if (client != PM_CLIENT_ANY && h->client != client)
			h->rules |= PM_HN_CLIENT;
	} else if (h->n_blocks == 1 && !h->blocks[0].p) {
		return PM_LOST;
	}
	if (h->root) {
		read = pm_heap_item(h, h->root, &root);
		if (pm_is_error(read))
			return read;
		if (read == PM_LOST || !root.n)
			h->rules = (h->rules & ~(uint32_t)PM_HN_HID) | PM_HN_ROOT;
	}
	if (h->blocks[0].state != PM_OK)
		rc = PM_DAMAGED;
	return rc;
}

void pm_heap_close(struct pm_heap *h)
{
	for (size_t k = 0; h->blocks && k < h->n_blocks; k++) {
		pm_free(h->blocks[k].p);
		pm_free(h->blocks[k].sane);
		pm_free(h->blocks[k].marks);
	}
	pm_free(h->blocks);
	h->blocks = NULL;
	pm_vec_done(&h->loaded);
	pm_data_close(&h->data);
}

enum pm_rc pm_heap_item(struct pm_heap *h, pm_hid hid, struct pm_span *ret)
{
	size_t k = pm_hid_block(h->db->fmt, hid);
	uint32_t i = pm_hid_index(h->db->fmt, hid);
	struct pm_heap_block *b;
	uint32_t from, to;
	enum pm_rc rc;

	if (!hid) {
		*ret = (struct pm_span){0};
		return PM_NONE;
	}
	if (pm_nid_type(hid) || !i || k >= h->n_blocks)
		goto lost;
	rc = load(h, k);
	if (pm_is_error(rc))
		return rc;
	b = &h->blocks[k];
	if (!b->p || i > b->items || (b->sane && !(b->sane[i - 1] && b->sane[i])))
		goto lost;
	from = offset(b, i - 1);
	to = offset(b, i);
	*ret = (struct pm_span){b->p + from, to - from, b->at ? b->at + from : 0};
	return (enum pm_rc)b->state;
lost:
	h->rules |= PM_HN_HID;
	*ret = (struct pm_span){0};
	return PM_LOST;
}

/* May offset i, which is wrong, be `o` without crossing those that are in order? */
static bool fits_between(const struct pm_heap_block *b, uint32_t i, uint32_t o)
{
	for (uint32_t k = i; k-- > 0;)
		if (b->sane[k]) {
			if (offset(b, k) > o)
				return false;
			break;
		}
	for (uint32_t k = i + 1; k <= b->items; k++)
		if (b->sane[k])
			return offset(b, k) >= o;
	return o <= b->map - 4;
}

enum pm_rc pm_heap_settle(struct pm_heap *h, pm_hid hid, uint32_t size)
{
	size_t k = pm_hid_block(h->db->fmt, hid);
	uint32_t i = pm_hid_index(h->db->fmt, hid), wrong, o;
	struct pm_heap_block *b;
	enum pm_rc rc;

	if (!hid || pm_nid_type(hid) || !i || k >= h->n_blocks)
		return PM_OK;
	rc = load(h, k);
	b = &h->blocks[k];
	if (pm_is_error(rc) || !b->p || !b->sane || i > b->items || b->sane[i - 1] == b->sane[i])
		return rc;
	wrong = b->sane[i] ? i - 1 : i;
	o = b->sane[i] ? offset(b, i) - size : offset(b, i - 1) + size;
	if (o > b->n || o < pm_heap_header(k) || !fits_between(b, wrong, o))
		return PM_OK;
	pm_put16(b->p + b->map + 2 * (size_t)wrong, (uint16_t)o);
	b->sane[wrong] = 1;
	return PM_OK;
}

bool pm_heap_stretch(struct pm_heap *h, pm_hid hid, uint32_t size)
{
	const size_t k = pm_hid_block(h->db->fmt, hid);
	const uint32_t i = pm_hid_index(h->db->fmt, hid);
	struct pm_heap_block *b = k < h->n_blocks ? &h->blocks[k] : NULL;
	uint32_t end;

	if (!b || !b->p || !i || i > b->items)
		return false;
	end = offset(b, i - 1) + size;
	if (end < offset(b, i) || end > (i < b->items ? offset(b, i + 1) : b->map))
		return false;
	pm_put16(b->p + b->map + 2 * (size_t)i, (uint16_t)end);
	return true;
}

enum pm_rc pm_heap_items(struct pm_heap *h, size_t k, uint32_t *ret_n)
{
	enum pm_rc rc = k < h->n_blocks ? load(h, k) : PM_LOST;

	if (pm_is_error(rc))
		return rc;
	*ret_n = rc == PM_OK && h->blocks[k].p ? h->blocks[k].items : 0;
	return rc == PM_OK ? (enum pm_rc)h->blocks[k].state : rc;
}

enum pm_rc pm_heap_mark(struct pm_heap *h, pm_hid hid)
{
	size_t k = pm_hid_block(h->db->fmt, hid);
	uint32_t i = pm_hid_index(h->db->fmt, hid);
	struct pm_heap_block *b;
	enum pm_rc rc;

	if (pm_nid_type(hid) || !i || k >= h->n_blocks)
		return PM_LOST;
	rc = load(h, k);
	if (pm_is_error(rc))
		return rc;
	b = &h->blocks[k];
	/* A block that was forgotten and read again may be another by now: somebody writes. */
	if (!b->p || i > b->items || (b->marks && i > b->n_marks))
		return PM_LOST;
	if (!b->marks) {
		b->marks = pm_calloc(h->db->ctx, b->items, 1);
		if (!b->marks)
			return h->db->ctx->rc;
		b->n_marks = b->items;
	}
	if (b->marks[i - 1]) {
		b->marks[i - 1] = 2;
		h->rules |= PM_HN_TWICE;
		return PM_DAMAGED;
	}
	b->marks[i - 1] = 1;
	return PM_OK;
}

enum pm_rc pm_heap_unused(struct pm_heap *h, uint64_t *ret_items, uint64_t *ret_bytes)
{
	uint64_t items = 0, bytes = 0;

	for (size_t k = 0; k < h->n_blocks; k++) {
		struct pm_heap_block *b = &h->blocks[k];
		enum pm_rc rc = load(h, k);

		if (pm_is_error(rc))
			return rc;
		for (uint32_t i = 0; b->p && i < b->items; i++) {
			uint32_t from = offset(b, i), to = offset(b, i + 1);

			if (to <= from || (b->marks && i < b->n_marks && b->marks[i]))
				continue;
			items++;
			bytes += to - from;
		}
	}
	if (items)
		h->rules |= PM_HN_UNUSED;
	*ret_items = items;
	*ret_bytes = bytes;
	return items ? PM_DAMAGED : PM_OK;
}

unsigned pm_heap_level(uint32_t free_bytes)
{
	static const uint16_t steps[] = {3584, 2560, 2048, 1792, 1536, 1280, 1024, 768,
					 512,  256,  128,  64,   32,   16,   8};
	unsigned level = 0;

	while (level < sizeof(steps) / sizeof(steps[0]) && free_bytes < steps[level])
		level++;
	return level;
}

/* The fill level that the heap's headers have for block k; -1 when that header is lost. */
static int stored_level(struct pm_heap *h, size_t k, enum pm_rc *rc)
{
	size_t owner = k < 8 ? 0 : k - (k - 8) % 128;
	size_t nth = k - owner, start = owner ? 2 : 8;
	const struct pm_heap_block *b;

	*rc = load(h, owner);
	b = &h->blocks[owner];
	if (pm_is_error(*rc) || !b->p || b->n < pm_heap_header(owner))
		return -1;
	return b->p[start + nth / 2] >> (nth & 1 ? 4 : 0) & 15;
}

enum pm_rc pm_heap_block_rules(struct pm_heap *h, size_t k, uint32_t *ret_rules)
{
	const struct pm_format *f = h->db->fmt;
	const struct pm_heap_block *b = &h->blocks[k];
	uint32_t rules, used;
	enum pm_rc rc;
	int level;

	rc = load(h, k);
	if (pm_is_error(rc))
		return rc;
	rules = b->rules;
	if (!b->p || rules & (PM_HN_MAP | PM_HN_ORDER) || f->variant == PM_UNICODE4K) {
		*ret_rules = rules; /* [OBS] 4K files keep no fill levels */
		return PM_OK;
	}
	used = offset(b, b->items) + 4 + 2 * (b->items + 1);
	level = stored_level(h, k, &rc);
	if (pm_is_error(rc))
		return rc;
	if (level >= 0 && used <= f->data_max &&
	    (unsigned)level != pm_heap_level(f->data_max - used)) {
		rules |= PM_HN_FILL;
		h->rules |= PM_HN_FILL;
	}
	*ret_rules = rules;
	return PM_OK;
}
