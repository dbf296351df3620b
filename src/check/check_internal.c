/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Internal blocks: XBLOCK, XXBLOCK, SLBLOCK, SIBLOCK [MS-PST 2.2.2.8.3.2, 2.2.2.8.3.3].
 *
 * Checks: kind, entries, totals, children, order, cycles; that what they name exists.
 * Gathers: which internal blocks have something bad below them (tainted).
 * Needs: blocks, and which of them are tainted themselves.
 */
#include "check/internal.h"

/* btype << 8 | cLevel */
enum { XBLOCK = 0x101, XXBLOCK = 0x102, SLBLOCK = 0x200, SIBLOCK = 0x201 };

/* From one internal block to another. */
struct edge {
	uint32_t from, to; /* numbers among the internal blocks */
	bool sub;          /* as the subnodes of one of its nodes */
};

/* An internal block. */
struct one {
	uint32_t index; /* in db.blocks */
	uint16_t kind;  /* 0: none of the four, or unreadable */
};

struct inner {
	struct pm_checker *c;
	const struct pm_block *b; /* the one at hand */
	size_t index;
	uint32_t number;
	struct pm_buf data, kid; /* its content, and that of a child */
	PM_VEC(struct one) blocks;
	/* One names another with a higher id than its own, or one of a wrong kind: else there is no circle, and nothing
	 * wrong above, as long as no block is tainted. */
	bool entangled;
	PM_VEC(struct edge) edges; /* by from; where it matters */
};

static unsigned kind_of(const struct pm_buf *d)
{
	unsigned kind = d->n >= 8 ? (unsigned)d->p[0] << 8 | d->p[1] : 0;

	return kind == XBLOCK || kind == XXBLOCK || kind == SLBLOCK || kind == SIBLOCK ? kind : 0;
}

/* Entries of the block at hand are not what they were: what they named has a reference less. */
static void lose_entries(struct inner *in)
{
	if (!in->c->inner_serial)
		in->c->inner_serial = pm_sink_cause(in->c->sink, PM_CAUSE_BLOCK, in->b->bid);
}

#define REPORT(in, symbol, ...)                                                                    \
	pm_check_blame((in)->c, PM_CAUSE_BLOCK, (in)->b->bid,                                      \
		       &(struct pm_problem){.id = PM_P_##symbol,                                   \
					    .bid = (in)->b->bid,                                   \
					    .caused_by = pm_sink_cause(                            \
						    (in)->c->sink, PM_CAUSE_BLOCK, (in)->b->bid),  \
					    ##__VA_ARGS__})

static uint32_t number_of(const struct inner *in, size_t index)
{
	size_t lo = 0, hi = in->blocks.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (in->blocks.v[mid].index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (uint32_t)lo;
}

/* The block that an entry names: counted as below us. NULL, and reported, when it is nowhere. */
static const struct pm_block *child(struct inner *in, pm_bid bid, bool sub)
{
	struct pm_checker *c = in->c;
	const struct pm_block *b = pm_ndb_find_block(&c->an->db, bid);
	uint32_t number;
	size_t i;

	if (!b) {
		pm_check_blame(c, PM_CAUSE_BLOCK, pm_bid_key(bid),
			       &(struct pm_problem){.id = PM_P_BLOCK_MISSING,
						    .bid = pm_bid_key(bid),
						    .what = "internal block",
						    .item = in->b->bid,
						    .caused_by = pm_check_block_cause(c, bid)});
		pm_bitmap_set(&c->tainted, in->index);
		return NULL;
	}
	i = (size_t)(b - c->an->db.blocks.v);
	if (!pm_bid_internal(b->bid)) {
		if (pm_bitmap_test(&c->tainted, i))
			pm_bitmap_set(&c->tainted, in->index);
		return b;
	}
	number = number_of(in, i);
	in->entangled |= number >= in->number || (sub && in->blocks.v[number].kind >> 8 != 2);
	return b;
}

/* Content of a child; its kind, 0 when it has none. */
static unsigned read_kid(struct inner *in, const struct pm_block *b)
{
	struct pm_block copy = *b;
	enum pm_rc rc;

	pm_buf_clear(&in->kid);
	rc = pm_ndb_read_entry(&in->c->an->db, &copy, &in->kid);
	if (pm_check_stop(in->c, rc) || rc == PM_LOST)
		return 0;
	return kind_of(&in->kid);
}

static uint64_t sum_of(const struct pm_checker *c, const struct pm_buf *d)
{
	uint64_t sum = 0;
	size_t n = pm_le16(d->p + 2), room = (d->n - c->f->xhead) / c->f->xentry;

	for (size_t i = 0; i < n && i < room; i++) {
		const uint8_t *p = d->p + c->f->xhead + i * c->f->xentry;
		const struct pm_block *b = pm_ndb_find_block(&c->an->db, pm_ft_get(p, c->f->id));

		sum += b && !pm_bid_internal(b->bid) ? b->cb_inflated : 0;
	}
	return sum;
}

static void check_list(struct inner *in, unsigned kind, size_t n)
{
	struct pm_checker *c = in->c;
	const struct pm_format *f = c->f;
	uint64_t sum = 0, total = pm_XBLOCK_lcbTotal(f, in->data.p);
	bool whole = true;

	for (size_t i = 0; i < n && !c->rc; i++) {
		pm_bid bid = pm_ft_get(in->data.p + f->xhead + i * f->xentry, f->id);
		const struct pm_block *b;

		if (pm_bid_internal(bid) != (kind == XXBLOCK)) {
			REPORT(in, INTERNAL_CHILD, .have = bid);
			lose_entries(in);
			pm_bitmap_set(&c->tainted, in->index);
			whole = false;
		}
		b = child(in, bid, false);
		whole &= b != NULL;
		if (!b || pm_bid_internal(bid) != (kind == XXBLOCK))
			continue;
		if (kind == XBLOCK) {
			sum += b->cb_inflated;
			if (i + 1 < n && b->cb_inflated != f->data_max)
				REPORT(in, DATA_BLOCK_SHORT, .have = b->cb_inflated,
				       .want = f->data_max);
		} else if (read_kid(in, b) != XBLOCK) {
			REPORT(in, INTERNAL_CHILD, .have = b->bid);
			whole = false;
		} else {
			sum += sum_of(c, &in->kid);
		}
	}
	/* What is missing has a size, too. */
	if (whole && total != (sum & UINT32_MAX))
		REPORT(in, INTERNAL_TOTAL, .have = total, .want = sum);
}

static void report_kind(struct pm_checker *c, pm_bid bid, const char *what, uint64_t item)
{
	pm_check_blame(c, PM_CAUSE_BLOCK, bid,
		       &(struct pm_problem){.id = PM_P_SUBNODE_KIND,
					    .bid = bid,
					    .what = what,
					    .item = item,
					    .caused_by = pm_check_block_cause(c, bid)});
}

static void check_sl(struct inner *in, const uint8_t *p)
{
	pm_bid data = pm_bid_key(pm_SLENTRY_bidData(in->c->f, p));
	pm_bid sub = pm_bid_key(pm_SLENTRY_bidSub(in->c->f, p));

	if (data)
		child(in, data, false);
	if (sub && child(in, sub, true) && !pm_bid_internal(sub)) {
		report_kind(in->c, sub, "a node in block", in->b->bid);
		pm_bitmap_set(&in->c->tainted, in->index);
	}
}

static void check_si(struct inner *in, const uint8_t *p)
{
	struct pm_checker *c = in->c;
	pm_bid bid = pm_bid_key(pm_SIENTRY_bid(c->f, p));
	const struct pm_block *b = child(in, bid, false);
	uint64_t key = pm_SIENTRY_nid(c->f, p), first;

	if (!b)
		return;
	if (!pm_bid_internal(bid) || read_kid(in, b) != SLBLOCK) {
		REPORT(in, INTERNAL_CHILD, .have = bid);
		return;
	}
	first = in->kid.n >= c->f->slhead + c->f->slentry && pm_le16(in->kid.p + 2)
			? pm_SLENTRY_nid(c->f, in->kid.p + c->f->slhead)
			: 0;
	if ((uint32_t)first != (uint32_t)key)
		REPORT(in, SUBNODE_KEY, .have = first, .want = key);
}

static void check_subnodes(struct inner *in, unsigned kind, size_t n)
{
	struct pm_checker *c = in->c;
	const struct pm_format *f = c->f;
	const size_t size = kind == SLBLOCK ? f->slentry : f->sientry;
	uint64_t last = 0;

	if (f->variant != PM_ANSI && pm_SLBLOCK_dwPadding(f, in->data.p))
		REPORT(in, INTERNAL_PADDING);
	for (size_t i = 0; i < n && !c->rc; i++) {
		const uint8_t *p = in->data.p + f->slhead + i * size;
		uint32_t nid = (uint32_t)pm_SLENTRY_nid(f, p); /* first in both */

		if (i && nid <= last)
			REPORT(in, SUBNODE_ORDER, .item = nid);
		last = nid;
		if (kind == SLBLOCK)
			check_sl(in, p);
		else
			check_si(in, p);
	}
}

/* What the analysis made of the order of a value's blocks. */
static void check_order(struct inner *in, size_t n)
{
	const struct pm_map_entry *e = pm_map_find(&in->c->an->orders, in->b->bid);

	if (!e)
		return;
	REPORT(in, DATA_BLOCK_ORDER, .have = n,
	       .what = e->value == PM_ORDER_RESTORED ? "by sizes and ids the order is known"
						     : "what the order was is not known");
	pm_bitmap_set(&in->c->tainted, in->index);
}

static void check_one(struct inner *in)
{
	struct pm_checker *c = in->c;
	const struct pm_format *f = c->f;
	struct pm_block copy = *in->b;
	unsigned kind;
	size_t head, size, n, room;
	enum pm_rc rc;

	pm_buf_clear(&in->data);
	rc = pm_ndb_read_entry(&c->an->db, &copy, &in->data);
	if (!pm_check_stop(c, rc) && rc != PM_OK)
		lose_entries(in);
	if (c->rc || rc == PM_LOST)
		return;
	kind = kind_of(&in->data);
	in->blocks.v[in->number].kind = (uint16_t)kind;
	if (!kind) {
		REPORT(in, INTERNAL_TYPE, .have = in->data.n >= 2 ? pm_le16(in->data.p) : 0);
		pm_bitmap_set(&c->tainted, in->index);
		lose_entries(in);
		return;
	}
	head = kind >> 8 == 1 ? f->xhead : f->slhead;
	size = kind >> 8 == 1 ? f->xentry : kind == SLBLOCK ? f->slentry : f->sientry;
	n = pm_le16(in->data.p + 2);
	room = (in->data.n - head) / size;
	/* The block is as long as its entries are: too low a count hides some. */
	if (n != room)
		REPORT(in, INTERNAL_COUNT, .have = n, .want = room);
	else if (!n)
		REPORT(in, INTERNAL_EMPTY);
	if (n != room || !n)
		lose_entries(in);
	check_order(in, n);
	n = n < room ? n : room;
	if (kind >> 8 == 1)
		check_list(in, kind, n);
	else
		check_subnodes(in, kind, n);
}

static void add_edge(struct inner *in, pm_bid bid, bool sub)
{
	const struct pm_ndb *db = &in->c->an->db;
	const struct pm_block *b = pm_bid_internal(bid) ? pm_ndb_find_block(db, bid) : NULL;
	struct edge *e = b ? pm_vec_push(in->c->ctx, &in->edges) : NULL;

	if (e)
		*e = (struct edge){in->number, number_of(in, (size_t)(b - db->blocks.v)), sub};
	else if (b)
		in->c->rc = in->c->ctx->rc;
}

/* The internal blocks that the one at hand names, which was looked at before. */
static void add_edges(struct inner *in, unsigned kind)
{
	const struct pm_format *f = in->c->f;
	const size_t head = kind >> 8 == 1 ? f->xhead : f->slhead;
	const size_t size = kind >> 8 == 1 ? f->xentry : kind == SLBLOCK ? f->slentry : f->sientry;
	struct pm_block copy = *in->b;
	const uint8_t *p;
	size_t n;
	enum pm_rc rc;

	pm_buf_clear(&in->data);
	rc = kind ? pm_ndb_read_entry(&in->c->an->db, &copy, &in->data) : PM_LOST;
	if (pm_check_stop(in->c, rc) || rc == PM_LOST || in->data.n < head)
		return;
	n = (in->data.n - head) / size;
	n = pm_le16(in->data.p + 2) < n ? pm_le16(in->data.p + 2) : n;
	for (p = in->data.p + head; n-- && !in->c->rc; p += size) {
		if (kind >> 8 == 1) {
			add_edge(in, pm_ft_get(p, f->id), false);
		} else if (kind == SIBLOCK) {
			add_edge(in, pm_bid_key(pm_SIENTRY_bid(f, p)), false);
		} else {
			add_edge(in, pm_bid_key(pm_SLENTRY_bidData(f, p)), false);
			add_edge(in, pm_bid_key(pm_SLENTRY_bidSub(f, p)), true);
		}
	}
}

/* Now that each block's kind is known: those that are some node's subnodes. */
static void check_subs(struct inner *in)
{
	for (size_t i = 0; i < in->edges.n && !in->c->rc; i++) {
		const struct edge *e = &in->edges.v[i];
		const struct pm_block *from = &in->c->an->db.blocks.v[in->blocks.v[e->from].index];
		const struct pm_block *to = &in->c->an->db.blocks.v[in->blocks.v[e->to].index];

		if (!e->sub || in->blocks.v[e->to].kind >> 8 == 2)
			continue;
		report_kind(in->c, to->bid, "a node in block", from->bid);
		pm_bitmap_set(&in->c->tainted, in->blocks.v[e->from].index);
	}
}

/* The edges by their `from` or `to`: those of k are adj[start[k]] to adj[start[k + 1]]. */
struct sides {
	uint32_t *start, *adj;
};

static bool sides_init(struct inner *in, struct sides *s, bool by_to)
{
	const size_t n = in->blocks.n;

	s->start = pm_calloc(in->c->ctx, n + 2, sizeof(*s->start));
	s->adj = pm_calloc(in->c->ctx, in->edges.n, sizeof(*s->adj));
	if (!s->start || !s->adj)
		return false;
	for (size_t i = 0; i < in->edges.n; i++)
		s->start[(by_to ? in->edges.v[i].to : in->edges.v[i].from) + 2]++;
	for (size_t i = 2; i < n + 2; i++)
		s->start[i] += s->start[i - 1];
	for (size_t i = 0; i < in->edges.n; i++) {
		const struct edge *e = &in->edges.v[i];

		s->adj[s->start[(by_to ? e->to : e->from) + 1]++] = by_to ? e->from : e->to;
	}
	return true;
}

static void sides_done(struct sides *s)
{
	pm_free(s->start);
	pm_free(s->adj);
}

/*
 * Take away blocks that nothing more leads to (or that lead to nothing more), again and
 * again. `gone` marks those taken away. With `climb` taint goes along.
 */
static void peel(struct inner *in, const struct sides *s, const struct sides *other,
		 uint32_t *queue, uint32_t *degree, struct pm_bitmap *gone, bool climb)
{
	struct pm_bitmap *tainted = &in->c->tainted;
	uint32_t head = 0, tail = 0, n = (uint32_t)in->blocks.n;

	for (uint32_t i = 0; i < n; i++) {
		degree[i] = 0;
		for (uint32_t e = s->start[i]; e < s->start[i + 1]; e++)
			degree[i] += !pm_bitmap_test(gone, s->adj[e]);
	}
	for (uint32_t i = 0; i < n; i++)
		if (!degree[i] && pm_bitmap_set(gone, i))
			queue[tail++] = i;
	while (head < tail) {
		uint32_t k = queue[head++];

		for (uint32_t e = other->start[k]; e < other->start[k + 1]; e++) {
			uint32_t next = other->adj[e];

			if (climb && pm_bitmap_test(tainted, in->blocks.v[k].index))
				pm_bitmap_set(tainted, in->blocks.v[next].index);
			if (!--degree[next] && pm_bitmap_set(gone, next))
				queue[tail++] = next;
		}
	}
}

/* Taint climbs from children to parents; what remains when that is done goes in circles. */
static void check_cycles(struct inner *in)
{
	struct pm_checker *c = in->c;
	const size_t n = in->blocks.n;
	struct sides down = {0}, up = {0};
	struct pm_bitmap gone = {0};
	uint32_t *queue = pm_calloc(c->ctx, n, sizeof(*queue));
	uint32_t *degree = pm_calloc(c->ctx, n, sizeof(*degree));

	if (queue && degree && sides_init(in, &down, false) && sides_init(in, &up, true) &&
	    pm_bitmap_init(c->ctx, &gone, n) == PM_OK) {
		peel(in, &down, &up, queue, degree, &gone, true);
		peel(in, &up, &down, queue, degree, &gone, false);
		for (size_t i = 0; i < n && !c->rc; i++) {
			if (pm_bitmap_test(&gone, i))
				continue;
			in->b = &c->an->db.blocks.v[in->blocks.v[i].index];
			REPORT(in, INTERNAL_CYCLE);
			lose_entries(in);
			pm_bitmap_set(&c->tainted, in->blocks.v[i].index);
		}
	}
	c->rc = c->rc ? c->rc : c->ctx->rc;
	sides_done(&down);
	sides_done(&up);
	pm_bitmap_done(&gone);
	pm_free(queue);
	pm_free(degree);
}

static void disentangle(struct inner *in)
{
	struct pm_checker *c = in->c;

	for (size_t i = 0; i < in->blocks.n && !c->rc; i++) {
		in->number = (uint32_t)i;
		in->b = &c->an->db.blocks.v[in->blocks.v[i].index];
		add_edges(in, in->blocks.v[i].kind);
	}
	if (!c->rc)
		check_subs(in);
	if (!c->rc)
		check_cycles(in);
}

/* Data and subnodes of the nodes themselves. */
static void check_node(struct inner *in, const struct pm_node *node)
{
	struct pm_checker *c = in->c;
	const struct {
		const char *what;
		pm_bid bid;
	} roots[2] = {{"bidData", node->data}, {"bidSub", node->sub}};

	for (unsigned i = 0; i < 2; i++) {
		pm_bid bid = roots[i].bid;
		const struct pm_block *b = bid ? pm_ndb_find_block(&c->an->db, bid) : NULL;
		uint32_t k;

		if (bid && !b)
			pm_check_blame(
				c, PM_CAUSE_NODE, node->nid,
				&(struct pm_problem){.id = PM_P_NODE_BLOCK_MISSING,
						     .nid = node->nid,
						     .what = roots[i].what,
						     .bid = bid,
						     .caused_by = pm_check_block_cause(c, bid)});
		if (!b || !i)
			continue;
		k = pm_bid_internal(bid) ? number_of(in, (size_t)(b - c->an->db.blocks.v)) : 0;
		if (!pm_bid_internal(bid) ||
		    (in->blocks.v[k].kind && in->blocks.v[k].kind >> 8 != 2))
			report_kind(c, bid, "node", node->nid);
	}
}

static void list_internal(struct inner *in)
{
	struct pm_checker *c = in->c;

	for (size_t i = 0; i < c->an->db.blocks.n; i++) {
		struct one *slot;

		if (!pm_bid_internal(c->an->db.blocks.v[i].bid))
			continue;
		slot = pm_vec_push(c->ctx, &in->blocks);
		if (!slot) {
			c->rc = c->ctx->rc;
			return;
		}
		slot->index = (uint32_t)i;
	}
}

void pm_check_internal(struct pm_checker *c)
{
	struct inner in = {.c = c};

	list_internal(&in);
	for (size_t i = 0; i < in.blocks.n && !c->rc; i++) {
		in.number = (uint32_t)i;
		in.index = in.blocks.v[i].index;
		in.b = &c->an->db.blocks.v[in.index];
		check_one(&in);
		if (i % 4096 == 0)
			pm_check_stop(c, pm_tick(c->ctx, "internal blocks", i, in.blocks.n));
	}
	if (!c->rc && (in.entangled || pm_bitmap_next_set(&c->tainted, 0) < c->tainted.n))
		disentangle(&in);
	for (size_t i = 0; i < c->an->db.nodes.n && !c->rc; i++)
		check_node(&in, &c->an->db.nodes.v[i]);
	pm_buf_done(&in.data);
	pm_buf_done(&in.kid);
	pm_vec_done(&in.blocks);
	pm_vec_done(&in.edges);
}
