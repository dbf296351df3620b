/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend dump: pages, by their place alone; the two trees as lists of entries. */
#include "cli/dump.h"
#include "format/crc.h"
#include "ndb/page.h"

#include <stdio.h>

enum { PAGE_MAX = 4096 };

static const char *ptype_words(uint8_t ptype)
{
	static const char *const words[] = {"BBT", "NBT", "FMap", "PMap", "AMap", "FPMap", "DList"};

	return ptype >= PM_PTYPE_BBT && ptype <= PM_PTYPE_DLIST ? words[ptype - PM_PTYPE_BBT]
								: "unknown";
}

/* By bit of pm_page_rule. */
static const char *const rule_names[] = {
	"type",  "type repeat", "checksum",  "signature", "id",        "id in bit 0",
	"cEnt",  "cEntMax",     "cbEnt",     "level",     "key order", "no entries",
	"slack", "first key",   "key range", "shared",    "place",     "unreadable",
};

enum { E_OFFSET, E_KEY, E_BID, E_IB, E_CB, E_INFLATED, E_CREF, E_SUB, E_PARENT, E_TYPE, E_COLUMNS };

static const struct pm_column entry_cols[E_COLUMNS] = {
	[E_OFFSET] = {"offset", "Offset", PM_AS_OFFSET, 0},
	[E_KEY] = {"key", "Key", PM_AS_HEX, 0},
	[E_BID] = {"bid", "Block or page", PM_AS_HEX, 0},
	[E_IB] = {"ib", "At", PM_AS_OFFSET, 0},
	[E_CB] = {"cb", "Bytes", PM_AS_DEC, 0},
	[E_INFLATED] = {"cb_inflated", "Inflated", PM_AS_DEC, 0},
	[E_CREF] = {"cref", "References", PM_AS_DEC, 0},
	[E_SUB] = {"sub", "Subnodes", PM_AS_HEX, 0},
	[E_PARENT] = {"parent", "Parent", PM_AS_HEX, 0},
	[E_TYPE] = {"type", "Type", PM_AS_TEXT, 0},
};

/* The cells that an entry of this kind has. */
static void entry_cells(struct pm_dump *d, const struct pm_bt_entry *e, uint8_t ptype,
			unsigned int level, const struct pm_column *c)
{
	struct pm_printer *out = d->out;

	pm_print_uint(out, &c[E_KEY], e->key);
	pm_print_uint(out, &c[E_BID], e->bid);
	if (level || ptype == PM_PTYPE_BBT)
		pm_print_uint(out, &c[E_IB], e->ib);
	if (!level && ptype == PM_PTYPE_BBT) {
		pm_print_uint(out, &c[E_CB], e->cb);
		if (d->fmt->variant == PM_UNICODE4K)
			pm_print_uint(out, &c[E_INFLATED], e->cb_inflated);
		pm_print_uint(out, &c[E_CREF], e->cref);
	}
	if (!level && ptype == PM_PTYPE_NBT) {
		pm_print_uint(out, &c[E_SUB], e->sub);
		pm_print_uint(out, &c[E_PARENT], e->parent);
		pm_print_text(out, &c[E_TYPE], pm_dump_nid_type((pm_nid)e->key));
	}
}

/* Labels only for the columns that entries of this kind have. */
static void entry_columns(const struct pm_format *f, uint8_t ptype, unsigned int level,
			  struct pm_column ret[E_COLUMNS])
{
	bool bbt = !level && ptype == PM_PTYPE_BBT, nbt = !level && ptype == PM_PTYPE_NBT;

	memcpy(ret, entry_cols, sizeof(entry_cols));
	if (nbt)
		ret[E_IB].label = NULL;
	if (!bbt)
		ret[E_CB].label = ret[E_CREF].label = NULL;
	if (!bbt || f->variant != PM_UNICODE4K)
		ret[E_INFLATED].label = NULL;
	if (!nbt)
		ret[E_SUB].label = ret[E_PARENT].label = ret[E_TYPE].label = NULL;
	ret[E_BID].label = nbt ? "Data" : level ? "Page" : "Block";
}

static void bt_page(struct pm_dump *d, const uint8_t *page, pm_ib ib, uint8_t ptype)
{
	static const struct pm_column table = {"entries", "Entries", PM_AS_TEXT, 0};
	const struct pm_format *f = d->fmt;
	struct pm_column cols[E_COLUMNS];
	struct pm_remark r[] = {{"cEntMax", ""}, {"cbEnt", ""}, {NULL, ""}};
	struct pm_bt_meta m;
	unsigned int size, n;

	pm_bt_meta(f, page, &m);
	size = pm_bt_entry_size(f, ptype, m.level);
	pm_dump_verdict(r[0].text, m.cent_max, f->bt_area / size);
	pm_dump_verdict(r[1].text, m.cb_ent, size);
	pm_dump_fields(d, "BTPAGE", page, f->page_data, ib, r);
	n = m.cent < f->bt_area / size ? m.cent : f->bt_area / size;
	entry_columns(f, ptype, m.level, cols);
	pm_print_begin_table(d->out, &table, cols, E_COLUMNS);
	for (unsigned int i = 0; i < n; i++) {
		struct pm_bt_entry e;

		pm_bt_entry(f, page, ptype, m.level, i, size, &e);
		pm_print_begin_row(d->out);
		pm_print_uint(d->out, &cols[E_OFFSET], ib + (uint64_t)i * size);
		entry_cells(d, &e, ptype, m.level, cols);
		pm_print_end(d->out);
	}
	pm_print_end(d->out);
}

/* The runs of equal bits of a map page; each bit stands for `unit` bytes from `base`. */
static void bit_runs(struct pm_dump *d, const uint8_t *bits, size_t nbits, uint64_t base,
		     uint64_t unit)
{
	static const struct pm_column table = {"runs", "Runs", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"from", "From", PM_AS_OFFSET, 0},
		{"to", "To", PM_AS_OFFSET, 0},
		{"bits", "Bits", PM_AS_DEC, 0},
		{"state", "State", PM_AS_TEXT, 0},
	};
	size_t begin = 0;

	pm_print_begin_table(d->out, &table, cols, 4);
	for (size_t i = 1; i <= nbits; i++) {
		bool now = i < nbits && bits[i / 8] >> (7 - i % 8) & 1;
		bool was = bits[begin / 8] >> (7 - begin % 8) & 1;

		if (i < nbits && now == was)
			continue;
		pm_print_begin_row(d->out);
		pm_print_uint(d->out, &cols[0], base + begin * unit);
		pm_print_uint(d->out, &cols[1], base + i * unit);
		pm_print_uint(d->out, &cols[2], i - begin);
		pm_print_text(d->out, &cols[3], was ? "allocated" : "free");
		pm_print_end(d->out);
		begin = i;
	}
	pm_print_end(d->out);
}

static void map_page(struct pm_dump *d, const uint8_t *page, pm_ib ib, uint8_t ptype)
{
	const struct pm_format *f = d->fmt;
	const uint8_t *bits = page + f->amap_skip;

	if (ptype == PM_PTYPE_AMAP)
		bit_runs(d, bits, 8 * (size_t)f->amap_bytes, ib, f->unit);
	else if (ptype == PM_PTYPE_PMAP) /* one bit a page, from the AMap in front of it on */
		bit_runs(d, bits, 8 * (size_t)f->amap_bytes, ib - f->page, f->page);
	else
		pm_dump_data(d, ib, page, f->page_data);
}

/* [MS-PST 2.2.2.7.4.2]: page number in the low 20 bits, free slots above. */
static void dlist_page(struct pm_dump *d, const uint8_t *page, pm_ib ib)
{
	static const struct pm_column table = {"entries", "Entries", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"page", "AMap number", PM_AS_DEC, 0},
		{"offset", "At", PM_AS_OFFSET, 0},
		{"free", "Free slots", PM_AS_DEC, 0},
	};
	const struct pm_format *f = d->fmt;
	const struct pm_field *ent = pm_field_find("DLISTPAGE", "rgDListPageEnt");
	unsigned int n = (unsigned int)pm_DLISTPAGE_cEntDList(f, page);

	pm_dump_fields(d, "DLISTPAGE", page, ent->offset[f->variant], ib, NULL);
	pm_print_begin_table(d->out, &table, cols, 3);
	for (unsigned int i = 0; i < n && i < ent->count; i++) {
		uint32_t v = pm_le32(page + ent->offset[f->variant] + 4 * (size_t)i);

		pm_print_begin_row(d->out);
		pm_print_uint(d->out, &cols[0], v & 0xFFFFF);
		pm_print_uint(d->out, &cols[1], pm_amap_offset(f, v & 0xFFFFF));
		pm_print_uint(d->out, &cols[2], v >> 20);
		pm_print_end(d->out);
	}
	pm_print_end(d->out);
}

static void page_trailer(struct pm_dump *d, const uint8_t *page, pm_ib ib)
{
	const struct pm_format *f = d->fmt;
	struct pm_remark r[] = {
		{"ptype", ""}, {"ptypeRepeat", ""}, {"wSig", ""},
		{"dwCRC", ""}, {"bid", ""},         {NULL, ""},
	};
	struct pm_page_trailer t;
	bool map;

	pm_page_trailer(f, page, &t);
	map = t.ptype >= PM_PTYPE_FMAP && t.ptype <= PM_PTYPE_FPMAP;
	snprintf(r[0].text, sizeof(r[0].text), "%s", ptype_words(t.ptype));
	pm_dump_verdict(r[1].text, t.repeat, t.ptype);
	pm_dump_verdict(r[2].text, t.sig, map ? 0 : pm_sig(ib, t.bid));
	pm_dump_verdict(r[3].text, t.crc, pm_crc(page, f->page_data));
	if (map)
		pm_dump_verdict(r[4].text, t.bid, ib);
	pm_dump_fields(d, "PAGETRAILER", page + f->page_data, f->page_trailer, ib + f->page_data,
		       r);
}

void pm_dump_page(struct pm_dump *d, pm_ib ib)
{
	static const struct pm_column kind = {"page", "Page", PM_AS_TEXT, 0};
	static const struct pm_column offset = {"offset", "Offset", PM_AS_OFFSET, 0};
	const struct pm_format *f = d->fmt;
	struct pm_page_trailer t;
	uint8_t page[PAGE_MAX];
	uint32_t bad;
	enum pm_rc rc = pm_image_read(d->ctx, d->img, ib, page, f->page);

	if (pm_is_error(rc))
		return;
	if (rc == PM_LOST || d->img->size - ib < f->page) {
		pm_fail(d->ctx, PM_EUSAGE,
			"%s: a page at 0x%llx would end beyond the file, which has 0x%llx bytes; "
			"'dump FILE nbt' and 'dump FILE bbt' list where pages are",
			pm_image_name(d->img), (unsigned long long)ib,
			(unsigned long long)d->img->size);
		return;
	}
	pm_page_trailer(f, page, &t);
	pm_print_text(d->out, &kind, ptype_words(t.ptype));
	pm_print_uint(d->out, &offset, ib);
	bad = pm_page_verify(f, page, ib, 0, 0) | (rc == PM_DAMAGED ? PM_PR_READ : 0);
	if (t.ptype == PM_PTYPE_BBT || t.ptype == PM_PTYPE_NBT)
		bad |= pm_bt_verify(f, page, t.ptype, (unsigned int)pm_BTPAGE_cLevel(f, page));
	pm_dump_rules(d, bad, rule_names, sizeof(rule_names) / sizeof(rule_names[0]));
	page_trailer(d, page, ib);
	if (t.ptype == PM_PTYPE_BBT || t.ptype == PM_PTYPE_NBT)
		bt_page(d, page, ib, t.ptype);
	else if (t.ptype == PM_PTYPE_DLIST)
		dlist_page(d, page, ib);
	else
		map_page(d, page, ib, t.ptype);
}

/* --- trees ----------------------------------------------------------------------------- */

static void tree_pages(struct pm_dump *d, uint8_t ptype)
{
	static const struct pm_column table = {"pages", "Pages", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"offset", "Offset", PM_AS_OFFSET, 0}, {"bid", "Page id", PM_AS_HEX, 0},
		{"level", "Level", PM_AS_DEC, 0},      {"first", "First key", PM_AS_HEX, 0},
		{"grade", "Grade", PM_AS_TEXT, 0},
	};
	static const char *const grade[] = {"lost", "C", "B", "A"};

	pm_print_begin_table(d->out, &table, cols, 5);
	for (size_t i = 0; i < d->an->pages.n; i++) {
		const struct pm_tree_page *p = &d->an->pages.v[i];

		if (p->ptype != ptype)
			continue;
		pm_print_begin_row(d->out);
		pm_print_uint(d->out, &cols[0], p->ib);
		pm_print_uint(d->out, &cols[1], p->bid);
		pm_print_uint(d->out, &cols[2], p->level);
		pm_print_uint(d->out, &cols[3], p->lo);
		pm_print_text(d->out, &cols[4], grade[p->grade <= PM_GRADE_A ? p->grade : 0]);
		pm_print_end(d->out);
	}
	pm_print_end(d->out);
}

void pm_dump_tree(struct pm_dump *d, uint8_t ptype)
{
	static const struct pm_column table = {"entries", "Entries", PM_AS_TEXT, 0};
	struct pm_column cols[E_COLUMNS];
	const struct pm_ndb *db;
	size_t n;

	if (pm_dump_analyse(d))
		return;
	db = &d->an->db;
	tree_pages(d, ptype);
	entry_columns(d->fmt, ptype, 0, cols);
	cols[E_OFFSET].label = NULL;
	n = ptype == PM_PTYPE_BBT ? db->blocks.n : db->nodes.n;
	pm_print_begin_table(d->out, &table, cols, E_COLUMNS);
	for (size_t i = 0; i < n; i++) {
		struct pm_bt_entry e = {0};

		if (ptype == PM_PTYPE_BBT) {
			const struct pm_block *b = &db->blocks.v[i];

			e = (struct pm_bt_entry){b->bid,         b->bid,  b->ib, b->cb,
						 b->cb_inflated, b->cref, 0,     0};
		} else {
			const struct pm_node *m = &db->nodes.v[i];

			e = (struct pm_bt_entry){
				.key = m->nid, .bid = m->data, .sub = m->sub, .parent = m->parent};
		}
		pm_print_begin_row(d->out);
		entry_cells(d, &e, ptype, 0, cols);
		pm_print_end(d->out);
	}
	pm_print_end(d->out);
}
