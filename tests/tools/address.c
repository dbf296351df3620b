/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses down to nodes and blocks. */
#include "address.h"

#include "words.h"

enum pm_rc pm_address_fail(struct pm_address *a, const char *what)
{
	if (a->i && a->i <= a->n)
		return pm_fail(a->w->ctx, PM_EUSAGE, "address %s: at %s: %s", a->text,
			       a->seg[a->i - 1].name, what);
	return pm_fail(a->w->ctx, PM_EUSAGE, "address %s: %s", a->text, what);
}

const struct pm_seg *pm_address_take(struct pm_address *a, const char *name)
{
	if (a->i >= a->n || (name && strcmp(a->seg[a->i].name, name)))
		return NULL;
	return &a->seg[a->i++];
}

enum pm_rc pm_address_at(struct pm_address *a, struct pm_place *at, uint64_t off, unsigned width)
{
	if (off > at->room || at->room - off < width)
		return pm_address_fail(a, "beyond the end of what it lies in");
	at->off += off;
	at->room -= off;
	at->width = width;
	at->count = 1;
	return PM_OK;
}

enum pm_rc pm_address_field(struct pm_address *a, const char *structure, struct pm_place *at)
{
	const struct pm_format *f = a->w->fmt;
	const struct pm_seg *s = pm_address_take(a, NULL);
	const struct pm_field *field;
	unsigned width, n;
	uint64_t i;
	enum pm_rc rc;

	if (!s)
		return pm_address_fail(a, "a field's name is missing");
	field = pm_field_find(structure, s->name);
	if (!field || field->offset[f->variant] == PM_NO_FIELD)
		return pm_address_fail(a, "no such field in this format");
	width = pm_field_width(f, field);
	n = pm_field_elements(f, field);
	i = s->has_index ? (uint64_t)(s->index < 0 ? s->index + n : s->index) : 0;
	if (i >= n)
		return pm_address_fail(a, "no such element");
	rc = pm_address_at(a, at, field->offset[f->variant] + i * width, width);
	if (rc == PM_OK && !s->has_index)
		at->count = n;
	return rc;
}

/* Bytes from an index on: data[12]. */
static enum pm_rc bytes(struct pm_address *a, const struct pm_seg *s, struct pm_place *at)
{
	uint64_t room = at->room;
	int64_t i = s->has_index ? s->index : 0;
	enum pm_rc rc = pm_address_at(a, at, (uint64_t)(i < 0 ? i + (int64_t)room : i), 1);

	if (rc == PM_OK && !s->has_index)
		at->count = at->room;
	return rc;
}

enum pm_rc pm_address_content(struct pm_address *a, pm_bid bid, struct pm_place *ret)
{
	struct pm_block *b = bid ? pm_ndb_find_block(&a->w->db, bid) : NULL;

	if (!b)
		return pm_address_fail(a, "no such block");
	*ret = (struct pm_place){.kind = PM_IN_BLOCK, .ib = b->ib, .block = b, .content = true};
	ret->width = 1;
	ret->count = ret->room = b->cb_inflated;
	return PM_OK;
}

/* The entry of a leaf with this key. */
static enum pm_rc leaf_entry(struct pm_address *a, uint8_t ptype, uint64_t key,
			     struct pm_place *ret)
{
	const struct pm_format *f = a->w->fmt;
	unsigned size = pm_bt_entry_size(f, ptype, 0);
	const struct pm_seed_page *page;
	unsigned i;

	if (!pm_whole_find(a->w, ptype, key, &page, &i))
		return pm_address_fail(a, "no such key in the tree");
	*ret = (struct pm_place){.kind = PM_IN_PAGE, .ib = page->ib, .off = page->ib + i * size};
	ret->width = 1;
	ret->count = ret->room = size;
	if (pm_address_end(a))
		return PM_OK;
	return pm_address_field(a, ptype == PM_PTYPE_BBT ? "BBTENTRY" : "NBTENTRY", ret);
}

/* An entry or a field of an internal block. */
static enum pm_rc internal_block(struct pm_address *a, struct pm_place *at)
{
	const struct pm_format *f = a->w->fmt;
	const struct pm_seg *s;
	uint8_t head[8];
	bool x;
	unsigned size, first;
	enum pm_rc rc;

	if (at->room < sizeof(head))
		return pm_address_fail(a, "no internal block");
	rc = pm_place_get(a->w, at, head, sizeof(head));
	if (rc)
		return rc;
	x = pm_XBLOCK_btype(f, head) == 1;
	s = pm_address_take(a, "entry");
	if (!s)
		return pm_address_field(a, x ? "XBLOCK" : "SLBLOCK", at);
	size = x ? f->xentry : pm_SLBLOCK_cLevel(f, head) ? f->sientry : f->slentry;
	first = x ? f->xhead : f->slhead;
	if (!s->has_index || s->index < 0)
		return pm_address_fail(a, "entry[N] is wanted");
	rc = pm_address_at(a, at, first + (uint64_t)s->index * size, x ? size : 1);
	if (rc || x)
		return rc;
	at->count = size;
	if (pm_address_end(a))
		return PM_OK;
	return pm_address_field(a, size == f->sientry ? "SIENTRY" : "SLENTRY", at);
}

enum pm_rc pm_address_block(struct pm_address *a, pm_bid bid, struct pm_place *ret)
{
	const struct pm_format *f = a->w->fmt;
	const struct pm_seg *s;
	struct pm_block *b;
	uint32_t stored;
	enum pm_rc rc = pm_address_content(a, bid, ret);

	if (rc)
		return rc;
	b = ret->block;
	stored = pm_block_stored(f, b->cb);
	s = pm_address_take(a, "data");
	if (s)
		return bytes(a, s, ret);
	if (pm_address_take(a, "bbt"))
		return leaf_entry(a, PM_PTYPE_BBT, b->bid, ret);
	if (!pm_address_end(a) && strcmp(a->seg[a->i].name, "trailer") &&
	    strcmp(a->seg[a->i].name, "pad") && strcmp(a->seg[a->i].name, "stored"))
		return pm_bid_internal(b->bid) ? internal_block(a, ret)
					       : pm_address_fail(a, "no such part of a data block");
	/* the block as it is stored */
	ret->content = false;
	ret->off = b->ib;
	ret->count = ret->room = stored;
	if (pm_address_take(a, "trailer")) {
		rc = pm_address_at(a, ret, stored - f->block_trailer, 1);
		ret->count = f->block_trailer;
		return rc || pm_address_end(a) ? rc : pm_address_field(a, "BLOCKTRAILER", ret);
	}
	s = pm_address_take(a, "pad");
	if (s) {
		ret->off += b->cb;
		ret->room = stored - f->block_trailer - b->cb;
		return ret->room ? bytes(a, s, ret) : pm_address_fail(a, "it has no padding");
	}
	s = pm_address_take(a, "stored");
	return s ? bytes(a, s, ret) : PM_OK;
}

/* What follows a page. */
static enum pm_rc page_part(struct pm_address *a, pm_ib ib, const char *structure, uint8_t ptype,
			    struct pm_place *ret)
{
	const struct pm_format *f = a->w->fmt;
	const struct pm_seg *s;
	enum pm_rc rc;

	if (ib > a->w->n || a->w->n - ib < f->page)
		return pm_address_fail(a, "no such page");
	*ret = (struct pm_place){.kind = PM_IN_PAGE, .ib = ib, .off = ib, .width = 1};
	ret->count = ret->room = f->page;
	if (pm_address_end(a))
		return PM_OK;
	if (pm_address_take(a, "trailer")) {
		rc = pm_address_at(a, ret, f->page_data, 1);
		ret->count = f->page_trailer;
		return rc || pm_address_end(a) ? rc : pm_address_field(a, "PAGETRAILER", ret);
	}
	s = pm_address_take(a, "data");
	if (s)
		return bytes(a, s, ret);
	s = pm_address_take(a, "bits");
	if (s) {
		ret->off += f->amap_skip;
		ret->room = ret->count = f->amap_bytes;
		return bytes(a, s, ret);
	}
	s = ptype == PM_PTYPE_BBT || ptype == PM_PTYPE_NBT ? pm_address_take(a, "entry") : NULL;
	if (s) {
		unsigned level = (unsigned)pm_BTPAGE_cLevel(f, a->w->p + ib);
		unsigned size = pm_bt_entry_size(f, ptype, level);
		uint64_t n = pm_BTPAGE_cEnt(f, a->w->p + ib);
		uint64_t i = (uint64_t)(s->index < 0 ? s->index + (int64_t)n : s->index);

		if (!s->has_index || i >= f->bt_area / size)
			return pm_address_fail(a, "no such entry");
		rc = pm_address_at(a, ret, i * size, 1);
		ret->count = size;
		return rc || pm_address_end(a)
			       ? rc
			       : pm_address_field(a,
						  level                   ? "BTENTRY"
						  : ptype == PM_PTYPE_BBT ? "BBTENTRY"
									  : "NBTENTRY",
						  ret);
	}
	return pm_address_field(a, structure, ret);
}

/* bbt.leaf[0], nbt.root, nbt.inner[-1], bbt.level2[0]; bbt[BID], nbt[NID]. */
static enum pm_rc tree(struct pm_address *a, uint8_t ptype, struct pm_place *ret)
{
	const struct pm_seg *s = &a->seg[a->i - 1];
	const struct pm_seed_page *page = NULL;
	unsigned level = 99;

	if (s->has_index)
		return leaf_entry(a, ptype, (uint64_t)s->index, ret);
	s = pm_address_take(a, NULL);
	if (!s)
		return pm_address_fail(a, "root, leaf[N] or inner[N] is wanted");
	if (!strcmp(s->name, "root"))
		page = pm_whole_root(a->w, ptype);
	else if (!strcmp(s->name, "leaf"))
		level = 0;
	else if (!strcmp(s->name, "inner"))
		level = 1;
	else if (!strncmp(s->name, "level", 5) && s->name[5] >= '0' && s->name[5] <= '7')
		level = (unsigned)(s->name[5] - '0');
	if (!page)
		page = pm_whole_page(a->w, ptype, level, s->has_index ? s->index : 0);
	if (!page)
		return pm_address_fail(a, "the tree has no such page");
	return page_part(a, page->ib, "BTPAGE", ptype, ret);
}

/* The k-th map page of this type. */
static enum pm_rc map_page(struct pm_address *a, uint8_t ptype, struct pm_place *ret)
{
	const struct pm_format *f = a->w->fmt;
	const struct pm_seg *s = &a->seg[a->i - 1];
	int64_t want = s->has_index ? s->index : 0, total = 0;

	for (unsigned pass = 0; pass < 2; pass++) {
		int64_t n = 0;

		for (uint64_t k = 0; pm_amap_offset(f, k) + f->page <= a->w->n; k++)
			for (unsigned slot = 0; slot < 3; slot++) {
				if (pm_map_page_at(f, k, slot) != ptype)
					continue;
				if (pass && n == want)
					return page_part(a, pm_amap_offset(f, k) + slot * f->page,
							 ptype == PM_PTYPE_FMAP ? "" : "AMAPPAGE",
							 ptype, ret);
				n++;
			}
		total = n;
		want = !pass && want < 0 ? want + total : want;
	}
	return pm_address_fail(a, "no such map page");
}

/* The SLENTRY of a subnode: its place, and what it names. */
static enum pm_rc sub_entry(struct pm_address *a, pm_bid sub, pm_nid nid, struct pm_place *ret)
{
	const struct pm_format *f = a->w->fmt;
	struct pm_subs subs;
	enum pm_rc rc = pm_subs_open(&a->w->db, sub, &subs);
	bool found = false;

	if (rc != PM_OK)
		rc = pm_address_fail(a, "it has no sound subnodes");
	for (size_t i = 0; rc == PM_OK && i < subs.internal.n && !found; i++) {
		struct pm_buf b = {0};

		rc = pm_address_content(a, subs.internal.v[i], ret);
		if (rc == PM_OK)
			rc = pm_ndb_read_entry(&a->w->db, ret->block, &b);
		for (unsigned k = 0;
		     !rc && !pm_SLBLOCK_cLevel(f, b.p) && !found && k < pm_SLBLOCK_cEnt(f, b.p);
		     k++) {
			uint64_t off = f->slhead + (uint64_t)k * f->slentry;

			found = pm_SLENTRY_nid(f, b.p + off) == nid;
			if (found)
				rc = pm_address_at(a, ret, off, f->slentry == 24 ? 8 : 4);
		}
		pm_buf_done(&b);
	}
	pm_subs_close(&subs);
	return rc == PM_OK && !found ? pm_address_fail(a, "no such subnode") : rc;
}

/* data (the root of the data tree), block[k] (its k-th data block), subs (root of the
 * subnode tree), xblock[k], slblock[k]: internal blocks in the order of reading. */
static enum pm_rc node_block(struct pm_address *a, const struct pm_seg *s, pm_bid data, pm_bid sub,
			     pm_bid *ret)
{
	int64_t k = s->has_index ? s->index : 0;
	struct pm_data d = {0};
	struct pm_subs subs = {0};
	enum pm_rc rc = PM_OK;

	*ret = 0;
	if (!strcmp(s->name, "data")) {
		*ret = data;
	} else if (!strcmp(s->name, "subs")) {
		*ret = sub;
	} else if (!strcmp(s->name, "slblock")) {
		rc = pm_subs_open(&a->w->db, sub, &subs);
		k = k < 0 ? k + (int64_t)subs.internal.n : k;
		if (rc == PM_OK && k >= 0 && (size_t)k < subs.internal.n)
			*ret = subs.internal.v[k];
		pm_subs_close(&subs);
	} else {
		bool leaf = !strcmp(s->name, "block");

		rc = pm_data_open(&a->w->db, data, &d);
		k = k < 0 ? k + (int64_t)(leaf ? d.leaves.n : d.internal.n) : k;
		if (rc == PM_OK && k >= 0 && (size_t)k < (leaf ? d.leaves.n : d.internal.n))
			*ret = leaf ? d.leaves.v[k].bid : d.internal.v[k];
		pm_data_close(&d);
	}
	if (pm_is_error(rc))
		return rc;
	return *ret ? PM_OK : pm_address_fail(a, "the node has no such block");
}

/* node[NID], node[NID].sub[NID] ...: as far as it goes. */
static enum pm_rc node_at(struct pm_address *a, struct pm_node_at *ret)
{
	const struct pm_format *f = a->w->fmt;
	const struct pm_seg *s = &a->seg[a->i - 1];
	const struct pm_node *n = pm_ndb_find_node(&a->w->db, (pm_nid)s->index);
	unsigned saved = a->n;
	enum pm_rc rc;

	if (!n)
		return pm_address_fail(a, "no such node");
	*ret = (struct pm_node_at){.nid = n->nid, .data = n->data, .sub = n->sub, .top = true};
	a->n = a->i; /* the entry as a whole, whatever follows */
	rc = leaf_entry(a, PM_PTYPE_NBT, n->nid, &ret->entry);
	a->n = saved;
	while (rc == PM_OK && (s = pm_address_take(a, "sub")) != NULL) {
		uint8_t e[24];

		ret->top = false;
		ret->nid = (pm_nid)s->index;
		rc = sub_entry(a, ret->sub, ret->nid, &ret->entry);
		if (rc == PM_OK)
			rc = pm_place_get(a->w, &ret->entry, e, f->slentry);
		if (rc)
			break;
		ret->data = pm_bid_key(pm_SLENTRY_bidData(f, e));
		ret->sub = pm_bid_key(pm_SLENTRY_bidSub(f, e));
	}
	return rc;
}

/* node[NID] and what follows. */
static enum pm_rc node(struct pm_address *a, struct pm_place *ret)
{
	struct pm_node_at n;
	const struct pm_seg *s;
	pm_bid bid;
	enum pm_rc rc = node_at(a, &n);

	if (rc)
		return rc;
	*ret = n.entry;
	s = pm_address_take(a, NULL);
	if (!s)
		return pm_address_fail(a,
				       "a part of the node is wanted: data, subs, hn, pc[ID] ...");
	if (!strcmp(s->name, n.top ? "nbt" : "slentry"))
		return pm_address_field(a, n.top ? "NBTENTRY" : "SLENTRY", ret);
	/* node[N].block.hn is node[N].hn */
	if (!pm_address_end(a) && !strcmp(s->name, "block") && !s->has_index &&
	    pm_address_is_heap(a->seg[a->i].name))
		return pm_address_heap(a, n.data, n.sub, ret);
	if (pm_address_is_heap(s->name)) {
		a->i--;
		return pm_address_heap(a, n.data, n.sub, ret);
	}
	rc = node_block(a, s, n.data, n.sub, &bid);
	return rc ? rc : pm_address_block(a, bid, ret);
}

/* @OFFSET: one byte, or what the suffix :N makes of it. */
static enum pm_rc plain(struct pm_address *a, uint64_t off, struct pm_place *ret)
{
	*ret = (struct pm_place){.kind = PM_IN_FILE, .ib = off, .off = off, .width = 1, .count = 1};
	if (off >= a->w->n)
		return pm_address_fail(a, "the file ends before it");
	ret->room = a->w->n - off;
	return PM_OK;
}

static enum pm_rc resolve(struct pm_address *a, struct pm_place *ret)
{
	static const struct {
		const char *name;
		uint8_t ptype;
	} maps[] = {{"amap", PM_PTYPE_AMAP},
		    {"pmap", PM_PTYPE_PMAP},
		    {"fmap", PM_PTYPE_FMAP},
		    {"fpmap", PM_PTYPE_FPMAP}};
	const struct pm_seg *s;

	if (!a->w->walked)
		return pm_address_fail(a, "only @OFFSET can be named after insert or remove");
	s = pm_address_take(a, NULL);
	if (!s)
		return pm_address_fail(a, "it is empty");
	if (!strcmp(s->name, "header")) {
		*ret = (struct pm_place){.kind = PM_IN_HEADER, .width = 1};
		ret->count = ret->room = a->w->fmt->header;
		return pm_address_end(a) ? PM_OK : pm_address_field(a, "HEADER", ret);
	}
	if (!strcmp(s->name, "bbt"))
		return tree(a, PM_PTYPE_BBT, ret);
	if (!strcmp(s->name, "nbt"))
		return tree(a, PM_PTYPE_NBT, ret);
	if (!strcmp(s->name, "dlist"))
		return page_part(a, a->w->fmt->dlist, "DLISTPAGE", PM_PTYPE_DLIST, ret);
	for (unsigned i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		if (!strcmp(s->name, maps[i].name))
			return map_page(a, maps[i].ptype, ret);
	if (!strcmp(s->name, "block") && s->has_index)
		return pm_address_block(a, pm_bid_key((uint64_t)s->index), ret);
	if (!strcmp(s->name, "node") && s->has_index)
		return node(a, ret);
	return pm_address_fail(a, "not understood");
}

/* name or name[index], up to '.', ':' or the end. */
static bool parse_seg(struct pm_address *a, const char **p)
{
	struct pm_seg *s = &a->seg[a->n];
	size_t n = strcspn(*p, ".[:");
	uint64_t v;

	if (a->n >= PM_SEGS_MAX || !n || n >= sizeof(s->name))
		return false;
	a->n++;
	*s = (struct pm_seg){0};
	memcpy(s->name, *p, n);
	*p += n;
	if (**p == '[') {
		n = strcspn(*p, "]");
		if (!(*p)[n] || !pm_number(*p + 1, n - 1, &v))
			return false;
		s->has_index = true;
		s->index = (int64_t)v;
		*p += n + 1;
	}
	if (**p != '.')
		return !**p || **p == ':';
	(*p)++;
	return true;
}

enum pm_rc pm_address_node(struct pm_whole *w, const char *text, struct pm_node_at *ret)
{
	struct pm_address a = {.w = w, .text = text};
	const char *p = text;
	enum pm_rc rc;

	while (*p)
		if (!parse_seg(&a, &p))
			return pm_address_fail(&a, "not understood");
	if (!w->walked || !pm_address_take(&a, "node") || !a.seg[0].has_index)
		return pm_address_fail(&a, "node[NID] is wanted");
	rc = node_at(&a, ret);
	if (rc == PM_OK && !pm_address_end(&a))
		rc = pm_address_fail(&a, "nothing can follow here");
	return rc;
}

enum pm_rc pm_address(struct pm_whole *w, const char *text, struct pm_place *ret)
{
	struct pm_address a = {.w = w, .text = text};
	const char *p = text;
	struct pm_place at;
	enum pm_rc rc;
	uint64_t v;

	if (*p == '@') {
		size_t n = strcspn(p, ":");

		if (!pm_number(p + 1, n - 1, &v))
			return pm_address_fail(&a, "no number");
		p += n;
		rc = plain(&a, v, &at);
	} else {
		while (*p && *p != ':')
			if (!parse_seg(&a, &p))
				return pm_address_fail(&a, "not understood");
		rc = resolve(&a, &at);
	}
	if (rc)
		return rc;
	if (a.i < a.n)
		return pm_address_fail(&a, "nothing can follow here");
	if (*p == ':') {
		if (!pm_number(p + 1, strlen(p + 1), &v) || !v || v > at.room)
			return pm_address_fail(&a, "the size after : is not possible");
		at.width = v == 2 || v == 4 || v == 8 ? (unsigned)v : 1;
		at.count = v / at.width;
	}
	if (at.width > 8 || (at.width & (at.width - 1))) {
		at.count *= at.width; /* no number: so many bytes */
		at.width = 1;
	}
	*ret = at;
	return PM_OK;
}
