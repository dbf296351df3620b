/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses inside a node's heap: headers, page maps, items, BTH records, properties, table
 * columns, rows and cells. It finds places, where the readers of ltp give values; like the
 * walk it takes the file for sound, and only sees to it that it stays within it.
 */
#include "address.h"

struct heap {
	struct pm_address *a;
	const struct pm_format *f;
	struct pm_data d;
	struct pm_buf *leaf; /* decoded content of each data block */
	pm_bid sub;
	pm_hid root; /* hidUserRoot */
};

/* Bytes of a heap item, or of a subnode's value. */
struct item {
	pm_bid bid; /* the data block they begin in */
	uint64_t off;
	size_t n;
	struct pm_buf *in; /* its content; NULL for a subnode's */
};

static enum pm_rc heap_open(struct pm_address *a, pm_bid data, pm_bid sub, struct heap *h)
{
	enum pm_rc rc;

	*h = (struct heap){.a = a, .f = a->w->fmt, .sub = sub};
	rc = pm_data_open(&a->w->db, data, &h->d);
	if (rc)
		return pm_is_error(rc) ? rc : pm_address_fail(a, "the node has no sound data");
	h->leaf = pm_calloc(a->w->ctx, h->d.leaves.n, sizeof(*h->leaf));
	if (!h->leaf)
		return a->w->ctx->rc;
	for (size_t k = 0; k < h->d.leaves.n; k++) {
		rc = pm_data_read_leaf(&h->d, k, &h->leaf[k]);
		if (pm_is_error(rc))
			return rc;
	}
	if (h->leaf[0].n < 12)
		return pm_address_fail(a, "the node's data are no heap");
	h->root = (pm_hid)pm_HNHDR_hidUserRoot(h->f, h->leaf[0].p);
	return PM_OK;
}

static void heap_close(struct heap *h)
{
	for (size_t k = 0; h->leaf && k < h->d.leaves.n; k++)
		pm_buf_done(&h->leaf[k]);
	pm_free(h->leaf);
	pm_data_close(&h->d);
}

/* The page map of heap block k [MS-PST 2.3.1.5]. */
static enum pm_rc page_map(struct heap *h, size_t k, uint64_t *ret_off)
{
	const struct pm_buf *b;

	if (k >= h->d.leaves.n)
		return pm_address_fail(h->a, "the heap has no such block");
	b = &h->leaf[k];
	*ret_off = b->n < 2 ? 0 : pm_HNPAGEHDR_ibHnpm(h->f, b->p);
	if (b->n < 2 || *ret_off + 4 > b->n ||
	    *ret_off + 4 + 2 * (pm_HNPAGEMAP_cAlloc(h->f, b->p + *ret_off) + 1) > b->n)
		return pm_address_fail(h->a, "the heap has no sound page map");
	return PM_OK;
}

static enum pm_rc heap_item(struct heap *h, pm_hid hid, struct item *ret)
{
	unsigned bits = h->f->hid_index_bits;
	size_t k = hid >> (5 + bits);
	unsigned i = (hid >> 5) & ((1U << bits) - 1);
	const uint8_t *map;
	uint64_t off;
	enum pm_rc rc = page_map(h, k, &off);

	if (rc)
		return rc;
	map = h->leaf[k].p + off;
	if (hid & 0x1F || i == 0 || i > pm_HNPAGEMAP_cAlloc(h->f, map))
		return pm_address_fail(h->a, "no such heap item");
	ret->bid = h->d.leaves.v[k].bid;
	ret->in = &h->leaf[k];
	ret->off = pm_le16(map + 4 + 2 * (i - 1));
	ret->n = pm_le16(map + 4 + 2 * i) - (size_t)ret->off;
	if (ret->off > ret->in->n || ret->n > ret->in->n - ret->off)
		return pm_address_fail(h->a, "the heap item is not inside its block");
	return PM_OK;
}

static const uint8_t *item_bytes(const struct item *it)
{
	return it->in->p + it->off;
}

static enum pm_rc item_place(struct heap *h, const struct item *it, struct pm_place *ret)
{
	enum pm_rc rc = pm_address_content(h->a, it->bid, ret);

	if (rc == PM_OK)
		rc = pm_address_at(h->a, ret, it->off, 0);
	if (rc)
		return rc;
	ret->width = 1;
	ret->count = ret->room = it->n;
	return PM_OK;
}

/* value or value[off] of an item: its bytes. */
static enum pm_rc item_part(struct heap *h, const struct item *it, const struct pm_seg *s,
			    struct pm_place *ret)
{
	enum pm_rc rc = item_place(h, it, ret);

	if (rc || !s->has_index)
		return rc;
	return pm_address_at(h->a, ret, (uint64_t)s->index, 1);
}

/* What an HNID names, from byte `skip` on: a heap item or a subnode's data. */
static enum pm_rc hnid_item(struct heap *h, uint32_t hnid, uint64_t skip, struct item *ret)
{
	const struct pm_sub *e;
	struct pm_subs subs;
	struct pm_data d = {0};
	enum pm_rc rc;

	if (!(hnid & 0x1F)) {
		rc = heap_item(h, hnid, ret);
		if (rc == PM_OK && skip > ret->n)
			rc = pm_address_fail(h->a, "the value is shorter");
		if (rc == PM_OK) {
			ret->off += skip;
			ret->n -= (size_t)skip;
		}
		return rc;
	}
	rc = pm_subs_open(&h->a->w->db, h->sub, &subs);
	e = rc == PM_OK ? pm_subs_find(&subs, hnid) : NULL;
	if (e)
		rc = pm_data_open(&h->a->w->db, e->data, &d);
	if (rc != PM_OK || !e || skip / h->f->data_max >= d.leaves.n) {
		rc = pm_is_error(rc) ? rc : pm_address_fail(h->a, "the value is not there");
	} else {
		const struct pm_leaf *leaf = &d.leaves.v[skip / h->f->data_max];

		*ret = (struct item){.bid = leaf->bid, .off = skip % h->f->data_max};
		ret->n = leaf->size - (size_t)ret->off;
	}
	pm_data_close(&d);
	pm_subs_close(&subs);
	return rc;
}

/* The record of a BTH with this key, or (by_key false) the one of this number. */
static enum pm_rc bth_record(struct heap *h, pm_hid header, bool by_key, uint64_t want,
			     struct item *ret)
{
	struct item at;
	enum pm_rc rc = heap_item(h, header, &at);
	unsigned key, data, level;
	pm_hid next;

	if (rc)
		return rc;
	if (at.n < 8)
		return pm_address_fail(h->a, "no BTH header");
	key = (unsigned)pm_BTHHEADER_cbKey(h->f, item_bytes(&at));
	data = (unsigned)pm_BTHHEADER_cbEnt(h->f, item_bytes(&at));
	level = (unsigned)pm_BTHHEADER_bIdxLevels(h->f, item_bytes(&at));
	next = (pm_hid)pm_BTHHEADER_hidRoot(h->f, item_bytes(&at));
	for (;; level--) {
		size_t size = key + (level ? 4 : data), n, i;

		rc = next ? heap_item(h, next, &at) : pm_address_fail(h->a, "the BTH is empty");
		if (rc)
			return rc;
		n = at.n / size;
		for (i = 0; by_key && i < n; i++) {
			const uint8_t *p = item_bytes(&at) + i * size;
			uint64_t k = key == 2 ? pm_le16(p) : key == 4 ? pm_le32(p) : pm_le64(p);

			if (k >= want) {
				i -= level && k > want && i;
				break;
			}
		}
		if (!by_key)
			i = level ? 0 : (size_t)want;
		if (level && i == n)
			i--;
		if (i >= n)
			return pm_address_fail(h->a, "no such record");
		at.off += i * size;
		at.n = size;
		if (!level)
			break;
		next = pm_le32(item_bytes(&at) + key);
	}
	if (by_key && (key == 2   ? pm_le16(item_bytes(&at))
		       : key == 4 ? pm_le32(item_bytes(&at))
				  : pm_le64(item_bytes(&at))) != want)
		return pm_address_fail(h->a, "no such key");
	*ret = at;
	return PM_OK;
}

/* bth.FIELD, bth.rec[i], bth.rec[i].key, .value; bth.root[off] (the item below the header) */
static enum pm_rc bth_part(struct heap *h, pm_hid header, struct pm_place *ret)
{
	const struct pm_seg *s;
	struct item at;
	enum pm_rc rc = heap_item(h, header, &at);
	unsigned key;

	if (rc)
		return rc;
	s = pm_address_take(h->a, "root");
	if (s) {
		rc = heap_item(h, (pm_hid)pm_BTHHEADER_hidRoot(h->f, item_bytes(&at)), &at);
		return rc ? rc : item_part(h, &at, s, ret);
	}
	s = pm_address_take(h->a, "rec");
	if (!s) {
		rc = item_place(h, &at, ret);
		return rc || pm_address_end(h->a) ? rc : pm_address_field(h->a, "BTHHEADER", ret);
	}
	key = (unsigned)pm_BTHHEADER_cbKey(h->f, item_bytes(&at));
	rc = bth_record(h, header, false, (uint64_t)s->index, &at);
	if (rc == PM_OK)
		rc = item_place(h, &at, ret);
	if (rc || pm_address_end(h->a))
		return rc;
	if (pm_address_take(h->a, "key"))
		return pm_address_at(h->a, ret, 0, key);
	if (pm_address_take(h->a, "value"))
		return pm_address_at(h->a, ret, key, (unsigned)ret->room - key);
	return pm_address_field(h->a, "PCENTRY", ret);
}

/* pc[ID].FIELD of its record, pc[ID].value[off] */
static enum pm_rc property(struct heap *h, uint64_t id, struct pm_place *ret)
{
	struct item rec;
	const struct pm_seg *s;
	uint32_t hnid;
	enum pm_rc rc = bth_record(h, h->root, true, id, &rec);

	if (rc)
		return rc;
	s = pm_address_take(h->a, "value");
	if (!s) {
		rc = item_place(h, &rec, ret);
		return rc || pm_address_end(h->a) ? rc : pm_address_field(h->a, "PCENTRY", ret);
	}
	hnid = (uint32_t)pm_PCENTRY_dwValueHnid(h->f, item_bytes(&rec));
	if (hnid & 0x1F && s->has_index) {
		rc = hnid_item(h, hnid, (uint64_t)s->index, &rec);
		return rc ? rc : item_part(h, &rec, &(struct pm_seg){.has_index = true}, ret);
	}
	rc = hnid_item(h, hnid, 0, &rec);
	return rc ? rc : item_part(h, &rec, s, ret);
}

/* name[i].FIELD: entry i of the name map's entry stream [MS-PST 2.4.7.1] */
static enum pm_rc name_entry(struct heap *h, uint64_t i, struct pm_place *ret)
{
	struct item rec;
	enum pm_rc rc = bth_record(h, h->root, true, 3, &rec);

	if (rc == PM_OK)
		rc = hnid_item(h, (uint32_t)pm_PCENTRY_dwValueHnid(h->f, item_bytes(&rec)), 8 * i,
			       &rec);
	if (rc == PM_OK)
		rc = item_place(h, &rec, ret);
	if (rc == PM_OK)
		rc = pm_address_at(h->a, ret, 0, 8);
	return rc || pm_address_end(h->a) ? rc : pm_address_field(h->a, "NAMEID", ret);
}

/* The column descriptor with this property id. */
static enum pm_rc column(struct heap *h, const struct item *info, uint64_t id, uint64_t *ret_off)
{
	unsigned n = (unsigned)pm_TCINFO_cCols(h->f, item_bytes(info));

	for (unsigned i = 0; i < n && 22 + 8 * (i + 1) <= info->n; i++) {
		uint64_t tag = pm_TCOLDESC_tag(h->f, item_bytes(info) + 22 + 8 * i);

		if (tag >> 16 == id || tag == id) {
			*ret_off = 22 + 8 * i;
			return PM_OK;
		}
	}
	return pm_address_fail(h->a, "the table has no such column");
}

/* row[i] or rowid[ID]: the row; .cell[ID] (.value[off] of a variable one), .ceb[i] */
static enum pm_rc row(struct heap *h, const struct item *info, uint64_t i, struct pm_place *ret)
{
	const uint8_t *p = item_bytes(info);
	unsigned size = pm_le16(p + 2 + 2 * 3), ceb = pm_le16(p + 2 + 2 * 2);
	uint32_t hnid = (uint32_t)pm_TCINFO_hnidRows(h->f, p);
	uint64_t per = h->f->data_max / (size ? size : 1), off;
	const struct pm_seg *s;
	struct item at;
	uint8_t cell[8];
	enum pm_rc rc;

	off = hnid & 0x1F ? i / per * h->f->data_max + i % per * size : i * size;
	rc = hnid ? hnid_item(h, hnid, off, &at) : pm_address_fail(h->a, "the table has no rows");
	if (rc == PM_OK)
		rc = item_place(h, &at, ret);
	if (rc == PM_OK)
		rc = pm_address_at(h->a, ret, 0, size);
	if (rc)
		return rc;
	ret->width = 1;
	ret->count = size;
	s = pm_address_take(h->a, NULL);
	if (!s)
		return PM_OK;
	if (!strcmp(s->name, "ceb"))
		return pm_address_at(h->a, ret, ceb + (uint64_t)s->index, 1);
	if (strcmp(s->name, "cell"))
		return pm_address_fail(h->a, "a row has cell[ID] and ceb[N]");
	rc = column(h, info, (uint64_t)s->index, &off);
	if (rc)
		return rc;
	rc = pm_address_at(h->a, ret, pm_TCOLDESC_ibData(h->f, p + off),
			   (unsigned)pm_TCOLDESC_cbData(h->f, p + off));
	s = rc ? NULL : pm_address_take(h->a, "value");
	if (!s)
		return rc;
	if (ret->width != 4)
		return pm_address_fail(h->a, "the cell holds the value itself");
	rc = pm_place_get(h->a->w, ret, cell, 4);
	if (rc == PM_OK)
		rc = hnid_item(h, pm_le32(cell), 0, &at);
	return rc ? rc : item_part(h, &at, s, ret);
}

static enum pm_rc table(struct heap *h, struct pm_place *ret)
{
	const struct pm_seg *s;
	struct item info, rec;
	pm_hid index;
	uint64_t off;
	enum pm_rc rc = heap_item(h, h->root, &info);

	if (rc)
		return rc;
	if (info.n < 22)
		return pm_address_fail(h->a, "it is no table");
	index = (pm_hid)pm_TCINFO_hidRowIndex(h->f, item_bytes(&info));
	if (pm_address_take(h->a, "rowindex"))
		return bth_part(h, index, ret);
	s = pm_address_take(h->a, "row");
	if (s)
		return row(h, &info, (uint64_t)s->index, ret);
	s = pm_address_take(h->a, "rowid");
	if (s) {
		rc = bth_record(h, index, true, (uint64_t)s->index, &rec);
		if (rc)
			return rc;
		off = rec.n == 8 ? pm_le32(item_bytes(&rec) + 4) : pm_le16(item_bytes(&rec) + 4);
		return row(h, &info, off, ret);
	}
	rc = item_place(h, &info, ret);
	s = rc ? NULL : pm_address_take(h->a, "col");
	if (!s)
		return rc || pm_address_end(h->a) ? rc : pm_address_field(h->a, "TCINFO", ret);
	rc = column(h, &info, (uint64_t)s->index, &off);
	if (rc == PM_OK)
		rc = pm_address_at(h->a, ret, off, 8);
	return rc || pm_address_end(h->a) ? rc : pm_address_field(h->a, "TCOLDESC", ret);
}

/* hn[k].FIELD, map[k].FIELD, map[k].rgibAlloc[i] of heap block k */
static enum pm_rc block_part(struct heap *h, const struct pm_seg *s, struct pm_place *ret)
{
	uint64_t k = s->has_index ? (uint64_t)s->index : 0, off;
	enum pm_rc rc = page_map(h, (size_t)k, &off);

	if (rc == PM_OK)
		rc = pm_address_content(h->a, h->d.leaves.v[k].bid, ret);
	if (rc)
		return rc;
	if (!strcmp(s->name, "hn"))
		return pm_address_field(h->a,
					k == 0         ? "HNHDR"
					: k % 128 == 8 ? "HNBITMAPHDR"
						       : "HNPAGEHDR",
					ret);
	s = pm_address_take(h->a, "rgibAlloc");
	if (s)
		return pm_address_at(h->a, ret, off + 4 + 2 * (uint64_t)s->index, 2);
	rc = pm_address_at(h->a, ret, off, 4);
	return rc ? rc : pm_address_field(h->a, "HNPAGEMAP", ret);
}

bool pm_address_is_heap(const char *name)
{
	static const char *const names[] = {"hn", "map", "item", "bth", "pc", "name", "tc"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static enum pm_rc heap_part(struct heap *h, struct pm_place *ret)
{
	const struct pm_seg *s = pm_address_take(h->a, NULL);
	struct item at;
	enum pm_rc rc;

	if (!strcmp(s->name, "hn") || !strcmp(s->name, "map"))
		return block_part(h, s, ret);
	if (!strcmp(s->name, "bth"))
		return bth_part(h, h->root, ret);
	if (!strcmp(s->name, "tc"))
		return table(h, ret);
	if (!s->has_index)
		return pm_address_fail(h->a, "an index in [] is wanted");
	if (!strcmp(s->name, "pc"))
		return property(h, (uint64_t)s->index, ret);
	if (!strcmp(s->name, "name"))
		return name_entry(h, (uint64_t)s->index, ret);
	rc = heap_item(h, (pm_hid)s->index, &at);
	s = rc ? NULL : pm_address_take(h->a, "data");
	return rc ? rc : item_part(h, &at, s ? s : &(struct pm_seg){0}, ret);
}

enum pm_rc pm_address_heap(struct pm_address *a, pm_bid data, pm_bid sub, struct pm_place *ret)
{
	struct heap h;
	enum pm_rc rc = heap_open(a, data, sub, &h);

	if (rc == PM_OK)
		rc = heap_part(&h, ret);
	heap_close(&h);
	return rc;
}
