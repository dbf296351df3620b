/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structures that are sound one by one and made to cost time or memory without end: shared
 * trees, shared heap items, messages that hold each other, files full of headers.
 */
#include "mem_db.h"

#include "io/memory.h"
#include "ltp/table.h"
#include "msg/message.h"
#include "ndb/header.h"
#include "recover/analysis.h"

#define ITEM 3500 /* bytes of a heap item that many things share */

static struct mem_db m;

static int setup(void **state)
{
	(void)state;
	mem_db_open(&m, PM_UNICODE, PM_CRYPT_NONE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mem_db_close(&m);
	return 0;
}

/* A message whose two attachments are both the message (data, sub). */
static void two_of(pm_bid *data, pm_bid *sub)
{
	struct pm_props a, p;
	pm_bid d, s;

	pm_props_init(&a, &m.ctx, m.db.fmt);
	assert_int_equal(pm_props_set_u32(&a, PM_ID_ATTACH_METHOD, PM_PT_I4, PM_AM_EMBEDDED), 0);
	assert_int_equal(pm_subs_put(&m.ctx, &a.subs, 0x2004, *data, *sub), PM_OK);
	assert_int_equal(pm_props_set_object(&a, PM_ID_ATTACH_DATA, 0x2004, 100), PM_OK);
	assert_int_equal(pm_props_build(&a, &m.sink, &d, &s), PM_OK);
	pm_props_done(&a);
	pm_props_init(&p, &m.ctx, m.db.fmt);
	assert_int_equal(pm_props_set_text(&p, PM_ID_MESSAGE_CLASS, 0, "IPM.Note", NULL), PM_OK);
	assert_int_equal(pm_subs_put(&m.ctx, &p.subs, 0x8025, d, s), PM_OK);
	assert_int_equal(pm_subs_put(&m.ctx, &p.subs, 0x8045, d, s), PM_OK);
	assert_int_equal(pm_props_build(&p, &m.sink, data, sub), PM_OK);
	pm_props_done(&p);
}

/* 2^30 messages in a hundred blocks. */
static void test_messages(void **state)
{
	pm_bid data = 0, sub = 0;
	struct pm_message msg;
	struct pm_flaws flaws;

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		two_of(&data, &sub);
	m.ctx.effort = 0;
	assert_int_equal(pm_message_open(&m.db, 0x200024, data, sub, 0, &msg), PM_OK);
	assert_int_equal(pm_message_assess(&msg, 10, &flaws), PM_DAMAGED); /* the innermost */
	assert_in_range(m.ctx.effort, 1, 1000000000);
	pm_flaws_done(&flaws);
	pm_message_close(&msg);
}

/* A tree of 1000 leaves that are one block, opened again and again. */
static void test_trees(void **state)
{
	static uint8_t full[8176], list[8176];
	struct pm_data d;
	unsigned n = 0;
	pm_bid leaf, bid;
	enum pm_rc rc = PM_OK;

	(void)state;
	leaf = mem_db_put(&m, false, full, sizeof(full));
	list[0] = list[1] = 1;
	pm_put16(list + 2, 1000);
	pm_put32(list + 4, 1000 * sizeof(full));
	for (unsigned i = 0; i < 1000; i++)
		pm_put64(list + 8 + 8 * i, leaf);
	bid = mem_db_put(&m, true, list, 8 + 8 * 1000);
	m.ctx.effort_max = m.ctx.effort + 1000000;
	for (; rc == PM_OK && n < 100000; n++) {
		rc = pm_data_open(&m.db, bid, &d);
		pm_data_close(&d);
	}
	assert_int_equal(rc, PM_ELIMIT);
	assert_int_equal(m.ctx.rc, PM_ELIMIT);
	assert_in_range(n, 100, 1000);
}

/* 5000 properties whose values are all the same item. */
static void test_properties(void **state)
{
	static uint8_t item[ITEM] = {1};
	struct pm_heap_builder hb;
	struct pm_bth_built tree;
	struct pm_buf records = {0};
	struct pm_props p;
	struct pm_pc pc;
	pm_hid header, hid;
	uint64_t bytes = 0;
	pm_bid bid;

	(void)state;
	pm_heap_builder_init(&hb, &m.ctx, m.db.fmt, PM_CLIENT_PC);
	assert_int_equal(pm_heap_builder_add(&hb, NULL, 8, &header), PM_OK);
	assert_int_equal(pm_heap_builder_add(&hb, item, ITEM, &hid), PM_OK);
	for (unsigned i = 0; i < 5000; i++) {
		uint8_t rec[8];

		pm_put16(rec, (uint16_t)(0x6000 + i));
		pm_put16(rec + 2, PM_PT_BINARY);
		pm_put32(rec + 4, hid);
		pm_buf_add(&m.ctx, &records, rec, 8);
	}
	assert_int_equal(pm_bth_build(&hb, 2, 6, records.p, 5000, &tree), PM_OK);
	pm_bth_put_header(pm_heap_builder_item(&hb, header), &tree);
	hb.root = header;
	assert_int_equal(pm_heap_builder_store(&hb, &m.sink, &bid), PM_OK);
	pm_bth_built_done(&tree);
	pm_heap_builder_done(&hb);
	pm_buf_done(&records);

	assert_int_equal(pm_pc_open(&m.db, bid, 0, &pc), PM_OK);
	pm_props_init(&p, &m.ctx, m.db.fmt);
	assert_int_equal(pm_props_load(&p, &pc), PM_DAMAGED);
	for (size_t i = 0; i < p.v.n; i++)
		bytes += p.v.v[i].value.n;
	assert_int_equal(p.v.n + p.lost.n, 5000);
	assert_in_range(p.v.n, 20, 200);
	assert_in_range(bytes, 1, 65536 + 4 * pc.heap.data.size);
	pm_props_done(&p);
	pm_pc_close(&pc);
}

#define COLS 100
#define ROWS 8

static void put_column(uint8_t *p, uint32_t tag, unsigned at, unsigned size, unsigned bit)
{
	pm_put32(p, tag);
	pm_put16(p + 4, (uint16_t)at);
	p[6] = (uint8_t)size;
	p[7] = (uint8_t)bit;
}

/* 800 cells whose values are all the same item. */
static pm_bid shared_cells(void)
{
	static uint8_t item[ITEM] = {1};
	const unsigned end = 8 + 4 * COLS, row = end + (COLS + 2 + 7) / 8;
	struct pm_heap_builder hb;
	struct pm_bth_built tree;
	uint8_t records[8 * ROWS], *p;
	pm_hid header, info, matrix, hid;
	pm_bid bid;

	pm_heap_builder_init(&hb, &m.ctx, m.db.fmt, PM_CLIENT_TC);
	assert_int_equal(pm_heap_builder_add(&hb, NULL, 8, &header), PM_OK);
	assert_int_equal(pm_heap_builder_add(&hb, NULL, 22 + 8 * (COLS + 2), &info), PM_OK);
	assert_int_equal(pm_heap_builder_add(&hb, NULL, (size_t)row * ROWS, &matrix), PM_OK);
	assert_int_equal(pm_heap_builder_add(&hb, item, ITEM, &hid), PM_OK);
	for (unsigned i = 0; i < ROWS; i++) {
		pm_put32(records + 8 * i, i + 1);
		pm_put32(records + 8 * i + 4, i);
		p = pm_heap_builder_item(&hb, matrix) + i * row;
		pm_put32(p, i + 1);
		for (unsigned c = 0; c < COLS; c++)
			pm_put32(p + 8 + 4 * c, hid);
		memset(p + end, 0xFF, row - end);
	}
	assert_int_equal(pm_bth_build(&hb, 4, 4, records, ROWS, &tree), PM_OK);
	pm_bth_put_header(pm_heap_builder_item(&hb, header), &tree);
	p = pm_heap_builder_item(&hb, info);
	p[0] = 0x7C;
	p[1] = COLS + 2;
	for (unsigned i = 0; i < 3; i++)
		pm_put16(p + 2 + 2 * i, (uint16_t)end);
	pm_put16(p + 8, (uint16_t)row);
	pm_put32(p + 10, header);
	pm_put32(p + 14, matrix);
	for (unsigned c = 0; c < COLS; c++)
		put_column(p + 22 + 8 * c, (0x6000 + c) << 16 | PM_PT_BINARY, 8 + 4 * c, 4, c + 2);
	put_column(p + 22 + 8 * COLS, 0x67F20003, 0, 4, 0);
	put_column(p + 30 + 8 * COLS, 0x67F30003, 4, 4, 1);
	hb.root = info;
	assert_int_equal(pm_heap_builder_store(&hb, &m.sink, &bid), PM_OK);
	pm_bth_built_done(&tree);
	pm_heap_builder_done(&hb);
	return bid;
}

static void test_cells(void **state)
{
	struct pm_table t;
	struct pm_tc tc;
	uint64_t bytes = 0;

	(void)state;
	assert_int_equal(pm_tc_open(&m.db, shared_cells(), 0, &tc), PM_OK);
	assert_int_equal(tc.rows.n, ROWS);
	assert_int_equal(pm_table_load(&t, &tc), PM_DAMAGED);
	/* a layout that is sound is kept as it is */
	assert_int_equal(t.cols.n, tc.cols.n);
	for (size_t i = 0; i < t.cols.n; i++)
		assert_memory_equal(&t.cols.v[i], pm_tc_col(&tc, t.cols.v[i].id, t.cols.v[i].type),
				    sizeof(struct pm_col));
	for (size_t i = 0; i < t.rows.n; i++)
		for (size_t k = 0; k < t.n_var; k++)
			bytes += t.rows.v[i].var[k].n;
	assert_in_range(bytes, ITEM, 4 * tc.heap.data.size + 512 * ROWS);
	assert_in_range(t.lost.n, 700, COLS * ROWS);
	pm_table_done(&t);
	pm_tc_close(&tc);
}

/* Sound headers, one behind the other, and no page. */
static void test_headers(void **state)
{
	const size_t n = 5000, size = n * PM_HEADER_MAX;
	struct pm_ctx ctx = {0};
	const struct pm_analysis_options how = {0};
	struct pm_analysis *an = NULL;
	struct pm_image *img = NULL;
	struct pm_header h;
	uint8_t *p = calloc(1, size);

	(void)state;
	assert_non_null(p);
	pm_header_new(&pm_formats[PM_UNICODE], &h);
	for (size_t i = 1; i < n; i++)
		memcpy(p + i * PM_HEADER_MAX, h.raw, PM_HEADER_MAX);
	assert_int_equal(pm_image_open_memory(&ctx, p, size, &img), PM_OK);
	if (pm_analysis_open(&ctx, img, &how, &an) == PM_OK)
		assert_int_equal(an->db.nodes.n, 0);
	else
		assert_int_equal(ctx.rc, PM_EUNSUP);
	pm_analysis_close(an);
	pm_image_close(img);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trees, setup, teardown),
		cmocka_unit_test_setup_teardown(test_properties, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cells, setup, teardown),
		cmocka_unit_test(test_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
