/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend dump: nodes, what they are made of, and heaps. */
#include "cli/dump.h"
#include "ltp/heap.h"

const char *pm_dump_nid_type(pm_nid nid)
{
	static const char *const words[32] = {
		[0x00] = "heap item",
		[0x01] = "internal",
		[0x02] = "folder",
		[0x03] = "search folder",
		[0x04] = "message",
		[0x05] = "attachment",
		[0x06] = "search update queue",
		[0x07] = "search criteria",
		[0x08] = "associated message",
		[0x0A] = "contents index",
		[0x0B] = "receive folders",
		[0x0C] = "outgoing queue",
		[0x0D] = "hierarchy table",
		[0x0E] = "contents table",
		[0x0F] = "associated contents table",
		[0x10] = "search contents table",
		[0x11] = "attachment table",
		[0x12] = "recipient table",
		[0x13] = "search index",
		[0x1F] = "LTP data",
	};

	if (nid == 0x21)
		return "message store";
	if (nid == 0x61)
		return "name-to-id map";
	return words[pm_nid_type(nid)] ? words[pm_nid_type(nid)] : "unknown";
}

struct found {
	pm_nid nid;
	pm_bid data, sub;
	const struct pm_node *node; /* of the node tree; NULL for a subnode */
};

static bool find_sub(struct pm_dump *d, pm_nid nid, struct found *f)
{
	struct pm_subs subs;
	enum pm_rc rc = pm_subs_open(&d->an->db, f->sub, &subs);
	const struct pm_sub *s = pm_is_error(rc) ? NULL : pm_subs_find(&subs, nid);

	if (s)
		*f = (struct found){nid, s->data, s->sub, NULL};
	else
		pm_fail(d->ctx, PM_EUSAGE,
			"%s: node 0x%x has no subnode 0x%x; 'dump' it to see them",
			pm_image_name(d->img), f->nid, nid);
	pm_subs_close(&subs);
	return s != NULL;
}

static bool find(struct pm_dump *d, const pm_nid *path, size_t n, struct found *f)
{
	const struct pm_node *node;

	if (pm_dump_analyse(d))
		return false;
	node = pm_ndb_find_node(&d->an->db, path[0]);
	if (!node) {
		pm_fail(d->ctx, PM_EUSAGE, "%s: there is no node 0x%x; 'dump FILE nbt' lists them",
			pm_image_name(d->img), path[0]);
		return false;
	}
	*f = (struct found){path[0], node->data, node->sub, node};
	for (size_t i = 1; i < n; i++)
		if (!find_sub(d, path[i], f))
			return false;
	return true;
}

static const char *state_words(enum pm_rc state)
{
	return state == PM_OK ? "whole" : state == PM_DAMAGED ? "damaged" : "lost";
}

static void print_node(struct pm_dump *d, const struct found *f)
{
	static const struct pm_column rows[] = {
		{"nid", "Node", PM_AS_HEX, 0},        {"type", "Type", PM_AS_TEXT, 0},
		{"data", "Data block", PM_AS_HEX, 0}, {"sub", "Subnode block", PM_AS_HEX, 0},
		{"parent", "Parent", PM_AS_HEX, 0},   {"origin", "Known from", PM_AS_TEXT, 0},
	};

	pm_print_uint(d->out, &rows[0], f->nid);
	pm_print_text(d->out, &rows[1], pm_dump_nid_type(f->nid));
	pm_print_uint(d->out, &rows[2], f->data);
	pm_print_uint(d->out, &rows[3], f->sub);
	if (!f->node)
		return;
	pm_print_uint(d->out, &rows[4], f->node->parent);
	pm_print_text(d->out, &rows[5], pm_origin_name(f->node->origin));
}

static void print_leaves(struct pm_dump *d, const struct pm_data *data)
{
	static const struct pm_column table = {"blocks", "Data blocks", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"bid", "Block", PM_AS_HEX, 0},
		{"offset", "At", PM_AS_OFFSET, 0},
		{"size", "Bytes", PM_AS_DEC, 0},
		{"state", "State", PM_AS_TEXT, 0},
	};

	pm_print_begin_table(d->out, &table, cols, 4);
	for (size_t k = 0; k < data->leaves.n; k++) {
		const struct pm_leaf *l = &data->leaves.v[k];
		const struct pm_block *b = pm_ndb_find_block(data->db, l->bid);

		pm_print_begin_row(d->out);
		pm_print_uint(d->out, &cols[0], l->bid);
		if (b)
			pm_print_uint(d->out, &cols[1], b->ib);
		pm_print_uint(d->out, &cols[2], l->size);
		pm_print_text(d->out, &cols[3], state_words(pm_leaf_known(data, k)));
		pm_print_end(d->out);
	}
	pm_print_end(d->out);
}

static void print_subs(struct pm_dump *d, pm_bid sub)
{
	static const struct pm_column table = {"subnodes", "Subnodes", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"nid", "Node", PM_AS_HEX, 0},
		{"type", "Type", PM_AS_TEXT, 0},
		{"data", "Data", PM_AS_HEX, 0},
		{"sub", "Subnodes", PM_AS_HEX, 0},
	};
	static const struct pm_column state = {"subnodes_state", "Subnode tree", PM_AS_TEXT, 0};
	struct pm_subs subs;
	enum pm_rc rc;

	if (!sub)
		return;
	rc = pm_tree_subs(&d->an->db, sub, &subs);
	if (!pm_is_error(rc)) {
		pm_print_text(d->out, &state, state_words(rc));
		pm_print_begin_table(d->out, &table, cols, 4);
		for (size_t i = 0; i < subs.v.n; i++) {
			const struct pm_sub *s = &subs.v.v[i];

			pm_print_begin_row(d->out);
			pm_print_uint(d->out, &cols[0], s->nid);
			pm_print_text(d->out, &cols[1], pm_dump_nid_type((pm_nid)s->nid));
			pm_print_uint(d->out, &cols[2], s->data);
			pm_print_uint(d->out, &cols[3], s->sub);
			pm_print_end(d->out);
		}
		pm_print_end(d->out);
	}
	pm_subs_close(&subs);
}

/* What is no heap: its bytes, leaf by leaf. */
static void print_bytes(struct pm_dump *d, const struct pm_data *data)
{
	enum { LIMIT = 65536 };
	static const struct pm_column list = {"data", "", PM_AS_TEXT, 0};
	static const struct pm_column more = {"data_left_out", NULL, PM_AS_DEC, 0};
	struct pm_buf b = {0};
	uint64_t at = 0;

	pm_print_begin_list(d->out, &list);
	for (size_t k = 0; k < data->leaves.n && (d->full || at < LIMIT); k++) {
		pm_buf_clear(&b);
		if (pm_is_error(pm_data_read_leaf(data, k, &b)))
			break;
		pm_print_hex(d->out, &list, at, b.p, b.n);
		at += b.n;
	}
	pm_print_end(d->out);
	pm_buf_done(&b);
	if (at >= data->size)
		return;
	pm_print_uint(d->out, &more, data->size - at);
	pm_print_para(d->out, "... and %llu bytes more; --full shows them",
		      (unsigned long long)(data->size - at));
}

void pm_dump_node(struct pm_dump *d, const pm_nid *path, size_t n)
{
	static const struct pm_column rows[] = {
		{"size", "Size", PM_AS_SIZE, 0},
		{"state", "State", PM_AS_TEXT, 0},
	};
	struct found f;
	struct pm_heap heap;
	enum pm_rc rc;

	if (!find(d, path, n, &f))
		return;
	d->name_map = n == 1 && f.nid == 0x61;
	print_node(d, &f);
	print_subs(d, f.sub);
	rc = pm_heap_open(&d->an->db, f.data, PM_CLIENT_ANY, &heap);
	if (!pm_is_error(rc) && rc != PM_NONE) {
		pm_print_uint(d->out, &rows[0], heap.data.size);
		print_leaves(d, &heap.data);
		if (d->name_map)
			pm_dump_names(d);
		if (heap.client == PM_CLIENT_PC)
			pm_dump_pc(d, f.data, f.sub);
		else if (heap.client == PM_CLIENT_TC)
			pm_dump_tc(d, f.data, f.sub);
		else if (heap.client)
			pm_print_para(d->out, "A heap, client 0x%02x; 'heap:' shows its items.",
				      heap.client);
		else
			print_bytes(d, &heap.data);
	}
	pm_heap_close(&heap);
}

/* --- heaps ----------------------------------------------------------------------------- */

/* By bit of pm_heap_rule. */
static const char *const heap_rules[] = {
	"signature",   "client",      "page map",    "offset order",  "first item",
	"free count",  "root",        "fill level",  "unresolved id", "item size",
	"unused item", "shared item", "last offset",
};

static const struct pm_column item_cols[] = {
	{"hid", "Item", PM_AS_HEX, 0},
	{"size", "Bytes", PM_AS_DEC, 0},
	{"state", "State", PM_AS_TEXT, 0},
	{"hex", "Content", PM_AS_TEXT, 64},
};

static void print_item(struct pm_dump *d, struct pm_heap *h, pm_hid hid)
{
	struct pm_buf hex = {0};
	struct pm_span s = {0};
	enum pm_rc rc = pm_heap_item(h, hid, &s);

	if (pm_is_error(rc))
		return;
	pm_buf_hex(d->ctx, &hex, false, s.p, s.n);
	pm_print_begin_row(d->out);
	pm_print_uint(d->out, &item_cols[0], hid);
	pm_print_uint(d->out, &item_cols[1], s.n);
	pm_print_text(d->out, &item_cols[2], state_words(rc));
	pm_print_text(d->out, &item_cols[3], pm_buf_cstr(d->ctx, &hex));
	pm_print_end(d->out);
	pm_buf_done(&hex);
}

static void print_heap_block(struct pm_dump *d, struct pm_heap *h, size_t k)
{
	static const struct pm_column map = {"block", "Heap block", PM_AS_TEXT, 0};
	static const struct pm_column number = {"number", "Number", PM_AS_DEC, 0};
	static const struct pm_column bytes = {"size", "Bytes", PM_AS_DEC, 0};
	static const struct pm_column table = {"items", "", PM_AS_TEXT, 0};
	const char *header = k == 0 ? "HNHDR" : pm_heap_header(k) > 2 ? "HNBITMAPHDR" : "HNPAGEHDR";
	const struct pm_heap_block *b = &h->blocks[k];
	uint32_t n = 0, rules = 0, at;

	if (pm_is_error(pm_heap_block_rules(h, k, &rules)) || pm_is_error(pm_heap_items(h, k, &n)))
		return;
	pm_print_begin_map(d->out, &map);
	pm_print_uint(d->out, &number, k);
	pm_print_uint(d->out, &bytes, b->n);
	pm_dump_rules(d, rules, heap_rules, sizeof(heap_rules) / sizeof(heap_rules[0]));
	if (b->p) {
		pm_dump_fields(d, header, b->p, b->n, b->at, NULL);
		at = b->n >= 2 ? pm_le16(b->p) : 0;
		if (at < b->n)
			pm_dump_fields(d, "HNPAGEMAP", b->p + at, b->n - at, b->at + at, NULL);
	}
	pm_print_begin_table(d->out, &table, item_cols, 4);
	for (uint32_t i = 1; i <= n; i++)
		print_item(d, h, pm_hid_make(d->fmt, k, i));
	pm_print_end(d->out);
	pm_print_end(d->out);
}

void pm_dump_heap(struct pm_dump *d, const pm_nid *path, size_t n)
{
	static const struct pm_column list = {"heap_blocks", "", PM_AS_TEXT, 0};
	static const struct pm_column rows[] = {
		{"client", "Client", PM_AS_HEX, 0},
		{"root", "Root item", PM_AS_HEX, 0},
	};
	struct found f;
	struct pm_heap h;
	enum pm_rc rc;

	if (!find(d, path, n, &f))
		return;
	print_node(d, &f);
	rc = pm_heap_open(&d->an->db, f.data, PM_CLIENT_ANY, &h);
	if (!pm_is_error(rc)) {
		pm_print_uint(d->out, &rows[0], h.client);
		pm_print_uint(d->out, &rows[1], h.root);
		pm_print_begin_list(d->out, &list);
		for (size_t k = 0; k < h.n_blocks && !d->ctx->rc; k++)
			print_heap_block(d, &h, k);
		pm_print_end(d->out);
	}
	pm_heap_close(&h);
}
