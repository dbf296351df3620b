/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the layer ltp: heaps, BTHs and property contexts, built, read, damaged. */
#include "mem_db.h"

#include "ltp/props.h"

static const enum pm_variant variants[] = {PM_ANSI, PM_UNICODE, PM_UNICODE4K};

/* --- heaps ----------------------------------------------------------------------------- */

struct made_heap {
	struct mem_db m;
	pm_bid bid;
	size_t n;
	pm_hid hid[2000];
	uint16_t size[2000];
};

static void fill_item(uint8_t *p, size_t n, size_t seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(seed * 31 + i * 7 + 1);
}

static void make_heap(struct made_heap *h, enum pm_variant variant, size_t items, size_t min)
{
	struct pm_heap_builder b;
	uint8_t item[PM_HEAP_ITEM_MAX];

	mem_db_open(&h->m, variant, PM_CRYPT_PERMUTE);
	mem_rnd_seed(items);
	pm_heap_builder_init(&b, &h->m.ctx, h->m.db.fmt, PM_CLIENT_PC);
	h->n = items;
	for (size_t i = 0; i < items; i++) {
		h->size[i] = (uint16_t)(min + mem_rnd(PM_HEAP_ITEM_MAX - min + 1));
		fill_item(item, h->size[i], i);
		assert_int_equal(pm_heap_builder_add(&b, item, h->size[i], &h->hid[i]), PM_OK);
	}
	b.root = h->hid[0];
	assert_int_equal(pm_heap_builder_store(&b, &h->m.sink, &h->bid), PM_OK);
	pm_heap_builder_done(&b);
}

static void assert_item(struct made_heap *h, struct pm_heap *heap, size_t i, enum pm_rc rc)
{
	uint8_t item[PM_HEAP_ITEM_MAX];
	struct pm_span s;

	assert_int_equal(pm_heap_item(heap, h->hid[i], &s), rc);
	if (rc == PM_LOST)
		return;
	fill_item(item, h->size[i], i);
	assert_int_equal(s.n, h->size[i]);
	assert_memory_equal(s.p, item, s.n);
}

static void test_heap_round_trip(void **state)
{
	static struct made_heap h;

	(void)state;
	for (size_t v = 0; v < PM_LEN(variants); v++) {
		struct pm_heap heap;
		uint64_t items, bytes;

		make_heap(&h, variants[v], 900, 1);
		assert_int_equal(pm_heap_open(&h.m.db, h.bid, PM_CLIENT_PC, &heap), PM_OK);
		if (variants[v] != PM_UNICODE4K)
			assert_true(heap.n_blocks > 137); /* beyond the second fill level map */
		assert_int_equal(heap.data.flags, 0);
		for (size_t i = 0; i < h.n; i++)
			assert_item(&h, &heap, i, PM_OK);
		for (size_t k = 0; k < heap.n_blocks; k++) {
			uint32_t rules;

			assert_int_equal(pm_heap_block_rules(&heap, k, &rules), PM_OK);
			assert_int_equal(rules, 0);
		}
		for (size_t i = 1; i < h.n; i++)
			assert_int_equal(pm_heap_mark(&heap, h.hid[i]), PM_OK);
		assert_int_equal(pm_heap_unused(&heap, &items, &bytes), PM_DAMAGED);
		assert_int_equal(items, 1);
		assert_int_equal(bytes, h.size[0]);
		assert_int_equal(pm_heap_mark(&heap, h.hid[5]), PM_DAMAGED);
		assert_int_equal(heap.rules, PM_HN_TWICE | PM_HN_UNUSED);
		pm_heap_close(&heap);
		mem_db_close(&h.m);
	}
}

/* More blocks than a heap keeps in memory: spans of the last ones stay good. */
static void test_heap_forgets(void **state)
{
	static struct made_heap h;
	struct pm_heap heap;
	struct pm_span first;

	(void)state;
	make_heap(&h, PM_UNICODE4K, 2000, 3500);
	assert_int_equal(pm_heap_open(&h.m.db, h.bid, PM_CLIENT_PC, &heap), PM_OK);
	heap.kept = (size_t)17 << 20; /* as if there were others: it must forget at once */
	assert_int_equal(pm_heap_item(&heap, h.hid[0], &first), PM_OK);
	for (size_t i = 0; i < h.n; i++)
		assert_item(&h, &heap, i, PM_OK);
	assert_true(heap.loaded.n <= 65);
	for (size_t i = 0; i < h.n; i += 7)
		assert_item(&h, &heap, i, PM_OK);
	pm_heap_close(&heap);
	mem_db_close(&h.m);
}

static void test_heap_holes(void **state)
{
	static struct made_heap h;
	struct pm_heap heap;
	struct pm_span s;
	pm_bid second, third;

	(void)state;
	make_heap(&h, PM_UNICODE, 30, 2000);
	assert_int_equal(pm_heap_open(&h.m.db, h.bid, PM_CLIENT_PC, &heap), PM_OK);
	second = heap.data.leaves.v[1].bid;
	third = heap.data.leaves.v[2].bid;
	pm_heap_close(&heap);
	mem_db_lose(&h.m, second);
	mem_db_poke(&h.m, third, 5000, 0x55, false);
	assert_int_equal(pm_heap_open(&h.m.db, h.bid, PM_CLIENT_PC, &heap), PM_DAMAGED);
	for (size_t i = 0; i < h.n; i++) {
		size_t k = pm_hid_block(h.m.db.fmt, h.hid[i]);

		if (k != 2)
			assert_item(&h, &heap, i, k == 1 ? PM_LOST : PM_OK);
		else
			assert_int_equal(pm_heap_item(&heap, h.hid[i], &s), PM_DAMAGED);
	}
	assert_int_equal(pm_heap_item(&heap, 0, &s), PM_NONE);
	assert_int_equal(pm_heap_item(&heap, 0x21, &s), PM_LOST);
	assert_int_equal(pm_heap_item(&heap, pm_hid_make(h.m.db.fmt, 900, 1), &s), PM_LOST);
	assert_true(heap.rules & PM_HN_HID);
	pm_heap_close(&heap);
	mem_db_close(&h.m);
}

/* A page map with one wrong offset loses the two items beside it and no other. */
static void test_heap_map_order(void **state)
{
	static struct made_heap h;
	struct pm_heap heap;
	struct pm_span s;
	struct pm_buf raw;
	size_t map;

	(void)state;
	make_heap(&h, PM_UNICODE, 1, 40);
	mem_db_close(&h.m);
	mem_db_open(&h.m, PM_UNICODE, PM_CRYPT_NONE);
	{
		struct pm_heap_builder b;

		pm_heap_builder_init(&b, &h.m.ctx, h.m.db.fmt, PM_CLIENT_PC);
		for (h.n = 0; h.n < 9; h.n++) {
			uint8_t item[64];

			h.size[h.n] = 50;
			fill_item(item, 50, h.n);
			assert_int_equal(pm_heap_builder_add(&b, item, 50, &h.hid[h.n]), PM_OK);
		}
		b.root = h.hid[0];
		assert_int_equal(pm_heap_builder_store(&b, &h.m.sink, &h.bid), PM_OK);
		pm_heap_builder_done(&b);
	}
	raw = mem_db_read(&h.m, h.bid);
	map = pm_le16(raw.p) + 4u;
	pm_buf_done(&raw);
	mem_db_poke(&h.m, h.bid, map + 2 * 4 + 1, 0x01, true); /* the end of item 4 */
	mem_db_poke(&h.m, h.bid, map + 2 * 4, 0xB0, true);
	assert_int_equal(pm_heap_open(&h.m.db, h.bid, PM_CLIENT_PC, &heap), PM_DAMAGED);
	assert_true(heap.rules & PM_HN_ORDER);
	for (size_t i = 0; i < h.n; i++)
		assert_item(&h, &heap, i, i == 3 || i == 4 ? PM_LOST : PM_DAMAGED);
	/* to know the size of one of the two is to have both */
	assert_int_equal(pm_heap_settle(&heap, h.hid[4], 5000), PM_OK);
	assert_item(&h, &heap, 3, PM_LOST);
	assert_int_equal(pm_heap_settle(&heap, h.hid[4], 50), PM_OK);
	assert_int_equal(pm_heap_settle(&heap, h.hid[5], 7), PM_OK);
	for (size_t i = 0; i < h.n; i++)
		assert_item(&h, &heap, i, PM_DAMAGED);
	pm_heap_close(&heap);
	/* ibHnpm gone as well: the map is found where it is */
	mem_db_poke(&h.m, h.bid, map + 2 * 4, (uint8_t)(12 + 4 * 50), true);
	mem_db_poke(&h.m, h.bid, map + 2 * 4 + 1, 0, true);
	mem_db_poke(&h.m, h.bid, 0, 0xF0, true);
	mem_db_poke(&h.m, h.bid, 1, 0xFF, true);
	assert_int_equal(pm_heap_open(&h.m.db, h.bid, PM_CLIENT_PC, &heap), PM_OK);
	assert_int_equal(heap.rules, PM_HN_MAP);
	for (size_t i = 0; i < h.n; i++)
		assert_item(&h, &heap, i, PM_OK);
	assert_int_equal(pm_heap_item(&heap, pm_hid_make(h.m.db.fmt, 0, 10), &s), PM_LOST);
	pm_heap_close(&heap);
	mem_db_close(&h.m);
}

static void test_heap_rules(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		uint32_t rule;
		enum pm_rc rc;
	} rows[] = {
		{2, 0xED, PM_HN_SIG, PM_OK},  {3, 0x7C, PM_HN_CLIENT, PM_OK},
		{4, 0x01, PM_HN_ROOT, PM_OK}, {8, 0x05, PM_HN_FILL, PM_OK},
		{64, 0xFF, PM_HN_MAP, PM_OK}, {66, 3, PM_HN_FREE | PM_HN_ODD_FREE, PM_OK},
		{68, 11, PM_HN_FIRST, PM_OK}, {71, 0xFF, PM_HN_ORDER | PM_HN_ROOT, PM_DAMAGED},
		{72, 50, PM_HN_LAST, PM_OK},
	};
	uint8_t item[26] = {1, 2, 3};

	(void)state;
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		struct pm_heap_builder b;
		struct pm_heap heap;
		struct mem_db m;
		uint32_t rules = 0;
		pm_bid bid;
		pm_hid hid;

		mem_db_open(&m, PM_UNICODE, PM_CRYPT_CYCLIC);
		pm_heap_builder_init(&b, &m.ctx, m.db.fmt, PM_CLIENT_PC);
		assert_int_equal(pm_heap_builder_add(&b, item, 26, &b.root), PM_OK);
		assert_int_equal(pm_heap_builder_add(&b, item, 26, &hid), PM_OK);
		assert_int_equal(pm_heap_builder_store(&b, &m.sink, &bid), PM_OK);
		pm_heap_builder_done(&b);
		mem_db_poke(&m, bid, rows[i].at, rows[i].value, true);
		assert_int_equal(pm_heap_open(&m.db, bid, PM_CLIENT_PC, &heap), rows[i].rc);
		assert_int_equal(pm_heap_block_rules(&heap, 0, &rules), PM_OK);
		assert_int_equal(rules | heap.rules, rows[i].rule);
		pm_heap_close(&heap);
		mem_db_close(&m);
	}
}

/* --- BTHs ------------------------------------------------------------------------------ */

struct made_bth {
	struct mem_db m;
	pm_bid bid;
	pm_hid header;
	struct pm_bth_built built;
};

static void make_bth(struct made_bth *t, enum pm_variant variant, unsigned key, unsigned ent,
		     size_t n)
{
	struct pm_heap_builder b;
	struct pm_buf records = {0};

	mem_db_open(&t->m, variant, PM_CRYPT_NONE);
	pm_heap_builder_init(&b, &t->m.ctx, t->m.db.fmt, PM_CLIENT_BTH);
	for (size_t i = 0; i < n; i++) {
		uint8_t *p = pm_buf_room(&t->m.ctx, &records, key + ent);

		assert_non_null(p);
		memset(p, 0, key + ent);
		for (unsigned k = 0; k < 4 && k < key; k++)
			p[k] = (uint8_t)(i * 3 >> 8 * k);
		for (unsigned k = 0; k < 4 && k < ent; k++)
			p[key + k] = (uint8_t)(i >> 8 * k);
	}
	assert_int_equal(pm_heap_builder_add(&b, NULL, 8, &t->header), PM_OK);
	assert_int_equal(pm_bth_build(&b, key, ent, records.p, n, &t->built), PM_OK);
	if (n)
		pm_bth_built_record(&b, &t->built, n / 2)[key] ^= 0xFF;
	pm_bth_put_header(pm_heap_builder_item(&b, t->header), &t->built);
	b.root = t->header;
	assert_int_equal(pm_heap_builder_store(&b, &t->m.sink, &t->bid), PM_OK);
	pm_heap_builder_done(&b);
	pm_buf_done(&records);
}

static void test_bth_round_trip(void **state)
{
	static const struct {
		enum pm_variant variant;
		unsigned key, ent, levels;
		size_t n;
	} rows[] = {
		{PM_UNICODE, 4, 4, 0, 0},         {PM_UNICODE, 2, 6, 0, 447},
		{PM_UNICODE, 2, 6, 1, 448},       {PM_ANSI, 4, 2, 1, 5000},
		{PM_UNICODE, 4, 4, 1, 447 * 447}, {PM_UNICODE, 4, 4, 2, 447 * 447 + 1},
		{PM_UNICODE4K, 16, 4, 2, 40000},  {PM_UNICODE, 8, 32, 1, 9000},
		{PM_UNICODE, 16, 32, 2, 20000},
	};

	(void)state;
	for (size_t r = 0; r < PM_LEN(rows); r++) {
		static struct made_bth t;
		struct pm_heap heap;
		struct pm_bth b;

		make_bth(&t, rows[r].variant, rows[r].key, rows[r].ent, rows[r].n);
		assert_int_equal(pm_heap_open(&t.m.db, t.bid, PM_CLIENT_BTH, &heap), PM_OK);
		assert_int_equal(pm_bth_open(&heap, heap.root, rows[r].key, rows[r].ent, true, &b),
				 PM_OK);
		assert_int_equal(b.rules, 0);
		assert_int_equal(b.levels, rows[r].levels);
		assert_int_equal(b.n, rows[r].n);
		for (size_t i = 0; i < b.n; i += 1 + i / 50) {
			uint32_t want = (uint32_t)i ^ (i == rows[r].n / 2 ? 0xFF : 0);

			assert_int_equal(pm_le16(pm_bth_data(&b, i)), want & 0xFFFF);
			if (rows[r].key <= 8) {
				assert_int_equal(pm_bth_find(&b, pm_bth_key(&b, i)), i);
				assert_int_equal(pm_bth_find(&b, pm_bth_key(&b, i) + 1), b.n);
			}
		}
		pm_bth_close(&b);
		pm_heap_close(&heap);
		pm_bth_built_done(&t.built);
		mem_db_close(&t.m);
	}
}

/* Small heap: header at 12, records from 20 on (BTH 2+6, two leaves are not needed). */
static void test_bth_rules(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		uint32_t rule;
		size_t n;
		enum pm_rc rc;
	} rows[] = {
		{12, 0xB4, PM_TR_TYPE, 10, PM_OK},
		{13, 4, PM_TR_SIZES, 10, PM_OK},
		{15, 200, PM_TR_LEVELS, 10, PM_OK},
		{20, 9, PM_TR_ORDER, 9, PM_OK},
		{28, 200, PM_TR_ORDER, 10, PM_OK},
		{15, 1, PM_TR_LEVELS, 10, PM_OK},
		{16, 0x60, 0, 0, PM_LOST},
		{16, 0x20, PM_TR_TREE, 0, PM_DAMAGED},
		{16, 0, 0, 0, PM_OK},
	};

	(void)state;
	for (size_t r = 0; r < PM_LEN(rows); r++) {
		static struct made_bth t;
		struct pm_heap heap;
		struct pm_bth b;

		make_bth(&t, PM_UNICODE, 2, 6, 10);
		mem_db_poke(&t.m, t.bid, rows[r].at, rows[r].value, true);
		assert_int_equal(pm_heap_open(&t.m.db, t.bid, PM_CLIENT_BTH, &heap), PM_OK);
		assert_int_equal(pm_bth_open(&heap, heap.root, 2, 6, false, &b), rows[r].rc);
		assert_int_equal(b.rules, rows[r].rule);
		assert_int_equal(b.n, rows[r].n);
		for (size_t i = 1; i < b.n; i++)
			assert_true(pm_bth_key(&b, i - 1) < pm_bth_key(&b, i));
		pm_bth_close(&b);
		pm_heap_close(&heap);
		pm_bth_built_done(&t.built);
		mem_db_close(&t.m);
	}
}

/* --- property contexts ----------------------------------------------------------------- */

#define BIG 40000

struct made_pc {
	struct mem_db m;
	pm_bid data, sub;
	uint8_t big[BIG];
};

static void set_props(struct made_pc *t, struct pm_props *p)
{
	static const uint8_t mv[] = {2, 0, 0, 0, 12, 0, 0, 0, 14, 0, 0, 0, 'a', 0, 'b', 0, 'c', 0};
	static const uint8_t guid[16] = {1, 2, 3};
	pm_bid bid;

	for (size_t i = 0; i < BIG; i++)
		t->big[i] = (uint8_t)(i * 11 + i / 256);
	assert_int_equal(pm_props_set_u32(p, 0x0E07, PM_PT_I4, 0x11), PM_OK);
	assert_int_equal(pm_props_set_u32(p, 0x0E1F, PM_PT_BOOL, 1), PM_OK);
	assert_int_equal(pm_props_set_u32(p, 0x6001, PM_PT_I2, 0x1234), PM_OK);
	assert_int_equal(pm_props_set_u64(p, 0x0039, PM_PT_TIME, 0x01D0123456789ABC), PM_OK);
	assert_int_equal(pm_props_set_text(p, 0x0037, 0, "Grüße", NULL), PM_OK);
	assert_int_equal(pm_props_set_text(p, 0x001A, 0, "", NULL), PM_OK);
	assert_int_equal(pm_props_set(p, 0x1009, PM_PT_BINARY, t->big, BIG), PM_OK);
	assert_int_equal(pm_props_set(p, 0x1013, PM_PT_BINARY, t->big, 3580), PM_OK);
	assert_int_equal(pm_props_set(p, 0x6002, PM_PT_BINARY, t->big, 3581), PM_OK);
	assert_int_equal(pm_props_set(p, 0x6003, PM_PT_MV | PM_PT_UNICODE, mv, sizeof(mv)), PM_OK);
	assert_int_equal(pm_props_set(p, 0x6004, PM_PT_GUID, guid, 16), PM_OK);
	bid = mem_db_put(&t->m, false, "embedded", 8);
	assert_int_equal(pm_subs_put(&t->m.ctx, &p->subs, 0x8024, bid, 0), PM_OK);
	assert_int_equal(pm_props_set_object(p, 0x3701, 0x8024, 8), PM_OK);
	bid = mem_db_put(&t->m, false, "kept", 4);
	assert_int_equal(pm_subs_put(&t->m.ctx, &p->subs, 0x671, bid, 0), PM_OK);
}

static void make_pc(struct made_pc *t, enum pm_variant variant)
{
	struct pm_props p;

	mem_db_open(&t->m, variant, PM_CRYPT_PERMUTE);
	pm_props_init(&p, &t->m.ctx, t->m.db.fmt);
	set_props(t, &p);
	assert_int_equal(pm_props_build(&p, &t->m.sink, &t->data, &t->sub), PM_OK);
	pm_props_done(&p);
}

static void assert_bytes(struct pm_pc *pc, uint16_t id, const void *p, size_t n)
{
	struct pm_buf b = {0};

	assert_int_equal(pm_pc_binary(pc, id, 1 << 20, &b), PM_OK);
	assert_int_equal(b.n, n);
	if (n)
		assert_memory_equal(b.p, p, n);
	pm_buf_done(&b);
}

static void assert_pc(struct made_pc *t, pm_bid data, pm_bid sub)
{
	const struct pm_sub *object;
	struct pm_buf b = {0};
	struct pm_pc pc;
	uint64_t u64 = 0, items, bytes;
	uint32_t u32 = 0, rules;
	bool flag = false;

	assert_int_equal(pm_pc_open(&t->m.db, data, sub, &pc), PM_OK);
	assert_int_equal(pc.props.n, 12);
	assert_int_equal(pm_pc_u32(&pc, 0x0E07, &u32), PM_OK);
	assert_int_equal(u32, 0x11);
	assert_int_equal(pm_pc_u32(&pc, 0x6001, &u32), PM_OK);
	assert_int_equal(u32, 0x1234);
	assert_int_equal(pm_pc_bool(&pc, 0x0E1F, &flag), PM_OK);
	assert_true(flag);
	assert_int_equal(pm_pc_time(&pc, 0x0039, &u64), PM_OK);
	assert_int_equal(u64, 0x01D0123456789ABC);
	assert_int_equal(pm_pc_u32(&pc, 0x0039, &u32), PM_NONE);
	assert_int_equal(pm_pc_u32(&pc, 0x7000, &u32), PM_NONE);
	assert_int_equal(pm_pc_string(&pc, 0x0037, 1252, &b), PM_OK);
	assert_string_equal(pm_buf_cstr(&t->m.ctx, &b), "Grüße");
	pm_buf_done(&b);
	assert_bytes(&pc, 0x001A, NULL, 0);
	assert_bytes(&pc, 0x1009, t->big, BIG);
	assert_bytes(&pc, 0x1013, t->big, 3580);
	assert_bytes(&pc, 0x6002, t->big, 3581);
	assert_int_equal(pm_pc_object(&pc, 0x3701, &object, &u32), PM_OK);
	assert_int_equal(object->nid, 0x8024);
	assert_int_equal(u32, 8);
	assert_non_null(pm_subs_find(&pc.subs, 0x671));
	assert_int_equal(pc.subs.v.n, 4);
	for (size_t i = 0; i < pc.props.n; i++) {
		enum pm_rc rc = pm_pc_prop_rules(&pc, &pc.props.v[i], true, 1 << 20, &rules);

		if (pc.props.v[i].id == 0x6003 && t->m.db.fmt->variant == PM_ANSI)
			continue;
		assert_int_equal(rules, 0);
		assert_int_equal(rc, PM_OK);
	}
	assert_int_equal(pm_heap_unused(&pc.heap, &items, &bytes), PM_OK);
	assert_int_equal(pc.heap.rules, 0);
	pm_pc_close(&pc);
}

/* Texts as 8-bit strings: in the code page that is asked for, and what it doesn't have. */
static void test_text_as(void **state)
{
	static const char text[] = "Zo\u00EB \u0141\u00F3d\u017A";
	const struct pm_format *ansi = &pm_formats[PM_ANSI];
	struct pm_ctx ctx = {0};
	struct pm_buf b = {0};
	uint64_t bad = 9;

	(void)state;
	assert_int_equal(pm_text_as(&ctx, ansi, 1250, text, &b, NULL), PM_OK);
	assert_int_equal(b.n, 8);
	assert_memory_equal(b.p,
			    "Zo\xEB \xA3\xF3"
			    "d\x9F",
			    8);
	pm_buf_clear(&b);
	assert_int_equal(pm_text_as(&ctx, ansi, 0, text, &b, NULL), PM_NONE);
	assert_int_equal(b.n, 0);
	assert_int_equal(pm_text_as(&ctx, ansi, 0, text, &b, &bad), PM_OK);
	assert_int_equal(bad, 2);
	assert_int_equal(b.n, 8);
	assert_memory_equal(b.p,
			    "Zo\xEB ?\xF3"
			    "d?",
			    8);
	pm_buf_done(&b);
}

static void test_pc_round_trip(void **state)
{
	static struct made_pc t;

	(void)state;
	for (size_t v = 0; v < PM_LEN(variants); v++) {
		struct pm_props p;
		struct pm_pc pc;
		pm_bid data, sub, data2, sub2;
		uint64_t puts;

		make_pc(&t, variants[v]);
		assert_pc(&t, t.data, t.sub);
		/* load and store: the same, and large values stay where they are */
		assert_int_equal(pm_pc_open(&t.m.db, t.data, t.sub, &pc), PM_OK);
		pm_props_init(&p, &t.m.ctx, t.m.db.fmt);
		assert_int_equal(pm_props_load(&p, &pc), PM_OK);
		puts = t.m.puts;
		assert_int_equal(pm_props_build(&p, &t.m.sink, &data, &sub), PM_OK);
		assert_int_equal(t.m.puts,
				 puts + pc.heap.n_blocks + 1 + (pc.heap.n_blocks > 1 ? 1 : 0));
		assert_pc(&t, data, sub);
		pm_pc_close(&pc);
		/* a value that shrinks gives up its subnode, one that grows gets one */
		assert_int_equal(pm_props_set(&p, 0x1009, PM_PT_BINARY, "x", 1), PM_OK);
		assert_int_equal(pm_props_set(&p, 0x1013, PM_PT_BINARY, t.big, BIG), PM_OK);
		pm_props_remove(&p, 0x6002);
		pm_props_remove(&p, 0x6002);
		assert_int_equal(pm_props_build(&p, &t.m.sink, &data2, &sub2), PM_OK);
		pm_props_done(&p);
		assert_int_equal(pm_pc_open(&t.m.db, data2, sub2, &pc), PM_OK);
		assert_bytes(&pc, 0x1009, "x", 1);
		assert_bytes(&pc, 0x1013, t.big, BIG);
		assert_null(pm_pc_find(&pc, 0x6002));
		assert_int_equal(pc.subs.v.n, 3);
		pm_pc_close(&pc);
		mem_db_close(&t.m);
	}
}

/* 2000 properties: a BTH of two levels whose values lie in many blocks. */
static void test_pc_many(void **state)
{
	struct mem_db m;
	struct pm_props p;
	struct pm_pc pc;
	pm_bid data, sub;
	uint8_t value[900];

	(void)state;
	mem_db_open(&m, PM_UNICODE, PM_CRYPT_NONE);
	pm_props_init(&p, &m.ctx, m.db.fmt);
	for (unsigned i = 2000; i-- > 0;) {
		memset(value, (int)(i % 251), sizeof(value));
		assert_int_equal(
			pm_props_set(&p, (uint16_t)(0x8000 + i * 3), PM_PT_BINARY, value, i % 900),
			PM_OK);
	}
	assert_int_equal(pm_props_build(&p, &m.sink, &data, &sub), PM_OK);
	pm_props_done(&p);
	assert_int_equal(sub, 0);
	assert_int_equal(pm_pc_open(&m.db, data, sub, &pc), PM_OK);
	assert_int_equal(pc.props.n, 2000);
	for (unsigned i = 0; i < 2000; i++) {
		memset(value, (int)(i % 251), sizeof(value));
		assert_bytes(&pc, (uint16_t)(0x8000 + i * 3), value, i % 900);
	}
	pm_pc_close(&pc);
	/* the first block is lost: with it the tree's head, but records in others are found */
	assert_int_equal(pm_pc_open(&m.db, data, sub, &pc), PM_OK);
	mem_db_lose(&m, pc.heap.data.leaves.v[0].bid);
	pm_pc_close(&pc);
	assert_int_equal(pm_pc_open(&m.db, data, sub, &pc), PM_DAMAGED);
	assert_true(pc.props.n >= 1000 && pc.props.n < 2000);
	pm_pc_close(&pc);
	mem_db_close(&m);
}

/* The tree's header leads nowhere, or to the wrong place: the records are found all the same. */
static void test_pc_no_tree(void **state)
{
	/* the header is at 12: bType, cbKey, cbEnt, bIdxLevels, hidRoot; root of the heap at 4 */
	static const struct {
		size_t at;
		uint8_t value;
		enum pm_rc rc;
	} rows[] = {
		{2, 0, PM_OK},          {3, 0, PM_OK},          {4, 0x40, PM_OK},
		{5, 0xFF, PM_OK},       {12, 0x7C, PM_OK},      {13, 8, PM_OK},
		{15, 1, PM_OK},         {15, 255, PM_OK},       {16, 0, PM_DAMAGED},
		{16, 0x20, PM_DAMAGED}, {17, 0xFF, PM_DAMAGED},
	};
	static struct made_pc t;

	(void)state;
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		struct pm_props p;
		struct pm_pc pc;
		pm_bid data, sub;

		make_pc(&t, PM_UNICODE);
		mem_db_poke(&t.m, t.data, rows[i].at, rows[i].value, true);
		assert_int_equal(pm_pc_open(&t.m.db, t.data, t.sub, &pc), rows[i].rc);
		assert_int_equal(pc.props.n, 12);
		assert_true(pc.rules | pc.heap.rules | pc.bth_rules);
		pm_props_init(&p, &t.m.ctx, t.m.db.fmt);
		assert_int_equal(pm_props_load(&p, &pc), PM_OK);
		assert_int_equal(pm_props_build(&p, &t.m.sink, &data, &sub), PM_OK);
		pm_props_done(&p);
		pm_pc_close(&pc);
		assert_pc(&t, data, sub);
		mem_db_close(&t.m);
	}
}

/* A type that does not exist, of a property that always has the same. */
static void test_pc_retyped(void **state)
{
	static struct made_pc t;
	struct pm_pc pc;
	const struct pm_prop *subject;
	struct pm_buf b = {0};
	uint32_t rules = 0;

	(void)state;
	make_pc(&t, PM_UNICODE);
	mem_db_poke(&t.m, t.data, 20 + 8 + 2, 0x77, true); /* the second record is 0037 */
	assert_int_equal(pm_pc_open(&t.m.db, t.data, t.sub, &pc), PM_OK);
	subject = pm_pc_find(&pc, 0x0037);
	assert_non_null(subject);
	assert_true(subject->retyped);
	assert_int_equal(pm_pc_prop_rules(&pc, subject, false, 100, &rules), PM_DAMAGED);
	assert_int_equal(rules, PM_CR_TYPE);
	assert_int_equal(pm_pc_string(&pc, 0x0037, 0, &b), PM_OK);
	assert_string_equal(pm_buf_cstr(&t.m.ctx, &b), "Grüße");
	pm_buf_done(&b);
	pm_pc_close(&pc);
	mem_db_close(&t.m);
}

/* The page map is gone, and the block's head as well: records are found where they stand. */
static void test_pc_no_map(void **state)
{
	static struct made_pc t;

	(void)state;
	for (unsigned how = 0; how < 2; how++) {
		struct pm_buf raw;
		struct pm_pc pc;
		uint32_t flags = 0;
		struct pm_buf b = {0};

		make_pc(&t, PM_UNICODE);
		raw = mem_db_read(&t.m, t.data);
		for (size_t at = pm_le16(raw.p); at < raw.n; at++)
			mem_db_poke(&t.m, t.data, at, 0, false);
		for (size_t at = 0; how && at < 20; at++)
			mem_db_poke(&t.m, t.data, at, 0, false);
		pm_buf_done(&raw);
		assert_int_equal(pm_pc_open(&t.m.db, t.data, t.sub, &pc), PM_DAMAGED);
		assert_int_equal(pc.props.n, 12);
		assert_int_equal(pm_pc_u32(&pc, 0x0E07, &flags), PM_DAMAGED);
		assert_int_equal(flags, 0x11);
		assert_int_equal(pm_pc_binary(&pc, 0x1009, 1 << 20, &b), PM_DAMAGED);
		assert_int_equal(b.n, BIG);
		assert_memory_equal(b.p, t.big, BIG);
		pm_buf_done(&b);
		assert_int_equal(pm_pc_string(&pc, 0x0037, 0, &b), PM_LOST);
		pm_pc_close(&pc);
		mem_db_close(&t.m);
	}
}

/* Values that are malformed are named, and put right when they are loaded to be stored. */
static void test_pc_malformed(void **state)
{
	static const uint8_t mv[] = {2, 0, 0, 0, 12, 0, 0, 0, 99, 0, 0, 0, 'a', 0, 'b', 0};
	static const struct {
		uint16_t id, type;
		const void *p;
		size_t n;
		uint32_t rule;
		size_t after; /* bytes it has when it is stored again; SIZE_MAX: it is gone */
	} rows[] = {
		{0x6001, PM_PT_TIME, "12345", 5, PM_CR_SIZE, SIZE_MAX},
		{0x6002, PM_PT_UNICODE, "a\0b\0c", 5, PM_CR_ODD, 6},
		{0x6003, PM_PT_MV | PM_PT_UNICODE, mv, sizeof(mv), PM_CR_MV, 4},
		{0x6004, PM_PT_OBJECT, "\x24\0\0\0\1\0\0\0", 8, PM_CR_OBJECT, SIZE_MAX},
		{0x6005, PM_PT_UNICODE, "\0\xD8", 2, PM_CR_UTF16, 2},
		{0x6006, PM_PT_STRING8, "abc", 3, PM_CR_STRING, 3},
		{0x6007, PM_PT_MV | PM_PT_I4, "12345", 5, PM_CR_MV, 4},
	};
	struct mem_db m;
	struct pm_props p;
	struct pm_pc pc;
	pm_bid data, sub;

	(void)state;
	mem_db_open(&m, PM_UNICODE, PM_CRYPT_NONE);
	pm_props_init(&p, &m.ctx, m.db.fmt);
	for (size_t i = 0; i < PM_LEN(rows); i++)
		assert_int_equal(pm_props_set(&p, rows[i].id, rows[i].type, rows[i].p, rows[i].n),
				 PM_OK);
	assert_int_equal(pm_props_set_nid(&p, 0x6010, PM_PT_BINARY, 0x801F), PM_OK);
	assert_int_equal(pm_props_set_u32(&p, 0x6011, PM_PT_BOOL, 7), PM_OK);
	assert_int_equal(pm_props_build(&p, &m.sink, &data, &sub), PM_OK);
	pm_props_done(&p);
	assert_int_equal(pm_pc_open(&m.db, data, sub, &pc), PM_OK);
	for (size_t i = 0; i < pc.props.n; i++) {
		uint32_t rules = 0, want = i < PM_LEN(rows)    ? rows[i].rule
					   : i == PM_LEN(rows) ? PM_CR_HNID
							       : PM_CR_BOOL;

		assert_int_equal(pm_pc_prop_rules(&pc, &pc.props.v[i], true, 100, &rules),
				 PM_DAMAGED);
		assert_int_equal(rules, want);
	}
	pm_props_init(&p, &m.ctx, m.db.fmt);
	assert_int_equal(pm_props_load(&p, &pc), PM_DAMAGED);
	assert_int_equal(p.lost.n, 3);
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		struct pm_propval *v = pm_props_find(&p, rows[i].id);

		assert_int_equal(v ? v->value.n : SIZE_MAX, rows[i].after);
	}
	pm_props_done(&p);
	pm_pc_close(&pc);
	mem_db_close(&m);
}

/* --- whole data trees again ------------------------------------------------------------ */

static void test_mend(void **state)
{
	static uint8_t bytes[50000];
	struct mem_db m;
	struct pm_data d;
	struct pm_bad_ranges bad = {0};
	struct pm_buf b = {0};
	pm_bid bid, mended;

	(void)state;
	mem_db_open(&m, PM_UNICODE, PM_CRYPT_PERMUTE);
	fill_item(bytes, sizeof(bytes), 5);
	assert_int_equal(pm_data_build(&m.ctx, &m.sink, bytes, sizeof(bytes), &bid), PM_OK);
	assert_int_equal(pm_tree_data(&m.db, bid, &d), PM_OK);
	assert_int_equal(pm_data_mend(&m.sink, &d, bid, &mended), PM_OK);
	assert_int_equal(mended, bid);
	assert_int_equal(pm_data_bad_ranges(&d, &bad), PM_OK);
	mem_db_lose(&m, d.leaves.v[1].bid);
	mem_db_poke(&m, d.leaves.v[3].bid, 100, 0xAA, false);
	pm_data_close(&d);
	assert_int_equal(pm_tree_data(&m.db, bid, &d), PM_DAMAGED);
	assert_int_equal(pm_data_bad_ranges(&d, &bad), PM_DAMAGED);
	assert_int_equal(bad.v.n, 2);
	assert_int_equal(bad.v.v[0].from, 8176);
	assert_int_equal(bad.v.v[0].to, 16352);
	assert_true(bad.v.v[0].lost);
	assert_int_equal(bad.v.v[1].from, 3 * 8176);
	assert_false(bad.v.v[1].lost);
	assert_int_equal(bad.bytes, 2 * 8176);
	pm_vec_done(&bad.v);
	assert_int_equal(pm_data_mend(&m.sink, &d, bid, &mended), PM_DAMAGED);
	assert_int_not_equal(mended, bid);
	pm_data_close(&d);
	assert_int_equal(pm_tree_data(&m.db, mended, &d), PM_OK);
	assert_int_equal(pm_data_read_all(&d, 1 << 20, &b), PM_OK);
	assert_int_equal(b.n, sizeof(bytes));
	memset(bytes + 8176, 0, 8176);
	bytes[3 * 8176 + 100] = 0xAA;
	assert_memory_equal(b.p, bytes, b.n);
	pm_buf_done(&b);
	pm_data_close(&d);
	mem_db_close(&m);
}

/* --- anything at all ------------------------------------------------------------------- */

/* Every way of reading a PC, for what it does to memory. */
static void use_pc(struct mem_db *m, pm_bid data, pm_bid sub)
{
	struct pm_block_sink *sink = &m->sink;
	struct pm_props p;
	struct pm_pc pc;
	pm_bid d, s;
	enum pm_rc rc = pm_pc_open(&m->db, data, sub, &pc);

	assert_false(pm_is_error(rc));
	for (size_t i = 0; i < pc.props.n; i++) {
		uint32_t rules;

		assert_false(
			pm_is_error(pm_pc_prop_rules(&pc, &pc.props.v[i], true, 1 << 20, &rules)));
		if (i)
			assert_true(pc.props.v[i - 1].id < pc.props.v[i].id);
	}
	pm_props_init(&p, &m->ctx, m->db.fmt);
	if (rc == PM_OK || rc == PM_DAMAGED) {
		assert_false(pm_is_error(pm_props_load(&p, &pc)));
		assert_int_equal(pm_props_build(&p, sink, &d, &s), PM_OK);
	}
	pm_props_done(&p);
	pm_pc_close(&pc);
}

static void test_pc_hostile(void **state)
{
	static struct made_pc t;
	struct pm_pc pc;
	pm_bid blocks[8];
	size_t n = 0;

	(void)state;
	make_pc(&t, PM_UNICODE);
	assert_int_equal(pm_pc_open(&t.m.db, t.data, t.sub, &pc), PM_OK);
	for (size_t i = 0; i < pc.heap.n_blocks; i++)
		blocks[n++] = pc.heap.data.leaves.v[i].bid;
	blocks[n++] = pc.subs.internal.v[0];
	pm_pc_close(&pc);
	mem_rnd_seed(7);
	for (unsigned i = 0; i < 3000; i++) {
		size_t used = t.m.used, have = t.m.db.blocks.n;
		pm_bid bid = blocks[mem_rnd(n)];
		struct pm_buf b = mem_db_read(&t.m, bid);
		size_t at = mem_rnd(4) ? mem_rnd(b.n < 200 ? b.n : 200)
				       : b.n - 1 - mem_rnd(b.n < 60 ? b.n : 60);

		mem_db_poke(&t.m, bid, at, (uint8_t)mem_rnd(256), true);
		use_pc(&t.m, t.data, t.sub);
		mem_db_poke(&t.m, bid, at, b.p[at], true);
		pm_buf_done(&b);
		t.m.used = used;
		t.m.db.blocks.n = have;
	}
	assert_pc(&t, t.data, t.sub);
	mem_db_close(&t.m);
}

/* Refuse the n-th request for memory: an error that says so, and nothing is left behind. */
static void test_pc_no_memory(void **state)
{
	static struct made_pc t;

	(void)state;
	make_pc(&t, PM_UNICODE);
	for (uint64_t n = 1; n < 2000; n++) {
		struct pm_props p;
		struct pm_pc pc;
		pm_bid data, sub;
		enum pm_rc rc;

		pm_mem_fail_at(n);
		rc = pm_pc_open(&t.m.db, t.data, t.sub, &pc);
		pm_props_init(&p, &t.m.ctx, t.m.db.fmt);
		if (!pm_is_error(rc))
			rc = pm_props_load(&p, &pc);
		if (!pm_is_error(rc))
			rc = pm_props_build(&p, &t.m.sink, &data, &sub);
		pm_mem_fail_at(0);
		pm_props_done(&p);
		pm_pc_close(&pc);
		if (rc == PM_OK) {
			assert_int_equal(t.m.ctx.rc, PM_OK);
			assert_true(n > 20);
			assert_pc(&t, data, sub);
			mem_db_close(&t.m);
			return;
		}
		assert_int_equal(rc, PM_ENOMEM);
		assert_int_equal(t.m.ctx.rc, PM_ENOMEM);
		t.m.ctx.rc = PM_OK;
	}
	fail_msg("it never succeeds");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heap_round_trip),
		cmocka_unit_test(test_heap_forgets),
		cmocka_unit_test(test_heap_holes),
		cmocka_unit_test(test_heap_map_order),
		cmocka_unit_test(test_heap_rules),
		cmocka_unit_test(test_bth_round_trip),
		cmocka_unit_test(test_bth_rules),
		cmocka_unit_test(test_pc_round_trip),
		cmocka_unit_test(test_text_as),
		cmocka_unit_test(test_pc_many),
		cmocka_unit_test(test_pc_no_tree),
		cmocka_unit_test(test_pc_retyped),
		cmocka_unit_test(test_pc_no_map),
		cmocka_unit_test(test_pc_malformed),
		cmocka_unit_test(test_mend),
		cmocka_unit_test(test_pc_hostile),
		cmocka_unit_test(test_pc_no_memory),
	};

	return cmocka_run_group_tests_name("ltp", tests, NULL, NULL);
}
