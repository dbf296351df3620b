/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the layer ltp: table contexts, tables in memory, the fixed objects. */
#include "mem_db.h"

#include "base/text.h"
#include "ltp/pc.h"
#include "ltp/templates.h"

static const enum pm_variant variants[] = {PM_ANSI, PM_UNICODE, PM_UNICODE4K};

#define TAG_CLASS(f) (0x001A0000u | (f)->string_type)
#define TAG_SIZE     0x0E080003u
#define TAG_TIME     0x0E060040u
#define TAG_FLAG     0x0057000Bu
#define TAG_SHORT    0x60010002u
#define TAG_BIN      0x300B0102u

struct made_table {
	struct mem_db m;
	pm_bid data, sub;
	size_t n;
};

static uint32_t row_id(size_t i)
{
	return (uint32_t)(0x200024 + (i * 7919 % 100000) * 32); /* not in order */
}

/* The length of the binary cell of row i; a few need subnodes of their own. */
static size_t bin_size(size_t i)
{
	return i % 1000 == 17 ? 5000 : i % 5 == 0 ? 0 : i % 90;
}

static void set_row(struct pm_table *t, size_t i, size_t row)
{
	uint8_t bytes[5000], time[8];
	uint32_t tag = TAG_CLASS(t->fmt);

	memset(bytes, (int)(i % 256), sizeof(bytes));
	pm_put64(time, 0x01D0000000000000 + i);
	assert_int_equal(pm_table_set_u32(t, row, TAG_SIZE, (uint32_t)i * 3), PM_OK);
	assert_int_equal(pm_table_set_u32(t, row, TAG_FLAG, i % 2), PM_OK);
	assert_int_equal(pm_table_set_u32(t, row, TAG_SHORT, (uint32_t)i & 0xFFFF), PM_OK);
	assert_int_equal(pm_table_set_u32(t, row, 0x70000003, 1), PM_NONE);
	assert_int_equal(pm_table_set(t, row, pm_table_col(t, TAG_TIME), time, 8), PM_OK);
	assert_int_equal(pm_table_set(t, row, pm_table_col(t, TAG_BIN), bytes, bin_size(i)), PM_OK);
	if (i % 3)
		assert_int_equal(pm_table_set(t, row, pm_table_col(t, tag), "I\0P\0", 4), PM_OK);
}

static void make_table(struct made_table *m, enum pm_variant variant, size_t n)
{
	const struct pm_format *f = &pm_formats[variant];
	uint32_t tags[] = {TAG_CLASS(f), TAG_SIZE, TAG_TIME, TAG_FLAG, TAG_SHORT, TAG_BIN};
	struct pm_table t;

	mem_db_open(&m->m, variant, PM_CRYPT_PERMUTE);
	m->n = n;
	assert_int_equal(pm_table_init(&t, &m->m.ctx, f, tags, PM_LEN(tags)), PM_OK);
	for (size_t i = 0; i < n; i++) {
		size_t row;

		assert_int_equal(pm_table_add_row(&t, row_id(i), &row), PM_OK);
		set_row(&t, i, row);
	}
	assert_int_equal(pm_table_build(&t, &m->m.sink, &m->data, &m->sub), PM_OK);
	pm_table_done(&t);
}

static void assert_cell_bytes(struct pm_tc *tc, size_t row, uint16_t id, const void *p, size_t n)
{
	struct pm_value v;
	struct pm_buf b = {0};

	assert_int_equal(pm_tc_cell(tc, row, pm_tc_col(tc, id, 0), &v), PM_OK);
	assert_int_equal(pm_value_read(tc->db->ctx, &v, 1 << 20, &b), PM_OK);
	assert_int_equal(b.n, n);
	if (n)
		assert_memory_equal(b.p, p, n);
	pm_buf_done(&b);
	pm_value_done(&v);
}

/* Row `row` holds what set_row put there for i. */
static void assert_row(struct pm_tc *tc, size_t row, size_t i)
{
	uint8_t bytes[5000], time[8];
	uint32_t v = 0, rules;
	struct pm_value cell;

	memset(bytes, (int)(i % 256), sizeof(bytes));
	pm_put64(time, 0x01D0000000000000 + i);
	assert_int_equal(pm_tc_u32(tc, row, 0x0E08, &v), PM_OK);
	assert_int_equal(v, i * 3);
	assert_int_equal(pm_tc_u32(tc, row, 0x0057, &v), PM_OK);
	assert_int_equal(v, i % 2);
	assert_int_equal(pm_tc_u32(tc, row, 0x6001, &v), PM_OK);
	assert_int_equal(v, i & 0xFFFF);
	assert_cell_bytes(tc, row, 0x0E06, time, 8);
	assert_cell_bytes(tc, row, 0x300B, bytes, bin_size(i));
	if (i % 3)
		assert_cell_bytes(tc, row, 0x001A, "I\0P\0", 4);
	else
		assert_int_equal(pm_tc_cell(tc, row, pm_tc_col(tc, 0x001A, 0), &cell), PM_NONE);
	assert_int_equal(pm_tc_row_rules(tc, row, &rules), PM_OK);
	assert_int_equal(rules, 0);
	for (size_t c = 0; c < tc->cols.n; c++) {
		uint32_t value;

		assert_int_equal(
			pm_tc_cell_rules(tc, row, &tc->cols.v[c], true, 1 << 20, &rules, &value),
			PM_OK);
		assert_int_equal(value, 0);
	}
}

static void assert_table(struct made_table *m, pm_bid data, pm_bid sub)
{
	struct pm_tc tc;
	uint64_t items, bytes;

	assert_int_equal(pm_tc_open(&m->m.db, data, sub, &tc), PM_OK);
	assert_int_equal(tc.rules, 0);
	assert_int_equal(tc.bth_rules, 0);
	assert_int_equal(tc.rows.n, m->n);
	assert_int_equal(tc.cols.n, 8);
	for (size_t i = 0; i < m->n; i++) {
		assert_int_equal(tc.rows.v[i].id, row_id(i));
		assert_int_equal(tc.rows.v[i].number, i);
		assert_int_equal(pm_tc_find(&tc, row_id(i)), i);
		assert_row(&tc, i, i);
	}
	assert_int_equal(pm_tc_find(&tc, 5), tc.rows.n);
	assert_int_equal(pm_heap_unused(&tc.heap, &items, &bytes), PM_OK);
	assert_int_equal(tc.heap.rules, 0);
	assert_int_equal(tc.matrix.flags, 0);
	pm_tc_close(&tc);
}

/* With the rows of one that is open, which is as it was when this one is closed. */
static void assert_again(struct made_table *m, const struct pm_tc *tc)
{
	struct pm_tc again;

	assert_int_equal(pm_tc_open_again(tc, &m->m.db, m->data, m->sub, &again), PM_OK);
	assert_int_equal(again.rules, 0);
	assert_int_equal(again.rows.n, m->n);
	for (size_t i = 0; i < m->n; i++) {
		assert_int_equal(pm_tc_find(&again, row_id(i)), i);
		assert_row(&again, i, i);
	}
	pm_tc_close(&again);
	assert_int_equal(tc->rows.n, m->n);
}

static void test_table_round_trip(void **state)
{
	static const size_t sizes[] = {0, 1, 80, 90, 5000};

	(void)state;
	for (size_t v = 0; v < PM_LEN(variants); v++)
		for (size_t s = 0; s < PM_LEN(sizes); s++) {
			struct made_table m;
			struct pm_table t;
			struct pm_tc tc;
			pm_bid data, sub;

			make_table(&m, variants[v], sizes[s]);
			assert_table(&m, m.data, m.sub);
			assert_int_equal(pm_tc_open(&m.m.db, m.data, m.sub, &tc), PM_OK);
			assert_again(&m, &tc);
			assert_int_equal(pm_table_load(&t, &tc), PM_OK);
			assert_int_equal(t.lost.n, 0);
			assert_int_equal(pm_table_build(&t, &m.m.sink, &data, &sub), PM_OK);
			assert_table(&m, data, sub);
			pm_table_done(&t);
			/* the same subnodes under the same ids */
			if (tc.subs.v.n) {
				struct pm_subs subs;

				assert_int_equal(pm_tree_subs(&m.m.db, sub, &subs), PM_OK);
				assert_int_equal(subs.v.n, tc.subs.v.n);
				for (size_t i = 0; i < subs.v.n; i++)
					assert_int_equal(subs.v.v[i].nid, tc.subs.v.v[i].nid);
				pm_subs_close(&subs);
			}
			pm_tc_close(&tc);
			mem_db_close(&m.m);
		}
}

static void test_table_edit(void **state)
{
	struct made_table m;
	struct pm_table t;
	struct pm_tc tc;
	struct pm_span s;
	size_t row, col;
	uint32_t v = 0;
	pm_bid data, sub;

	(void)state;
	make_table(&m, PM_UNICODE, 2000);
	assert_int_equal(pm_tc_open(&m.m.db, m.data, m.sub, &tc), PM_OK);
	assert_int_equal(pm_table_load(&t, &tc), PM_OK);
	assert_int_equal(tc.subs.v.n, 3); /* the matrix and rows 17 and 1017 */
	pm_tc_close(&tc);
	assert_int_equal(pm_table_add_col(&t, 0x0E170003, &col), PM_OK);
	assert_int_equal(pm_table_add_col(&t, 0x0058000B, &col), PM_OK);
	assert_int_equal(pm_table_add_col(&t, 0x0042001F, &col), PM_OK);
	pm_table_drop_row(&t, 17);
	pm_table_drop_row(&t, 17);
	pm_table_drop_row(&t, 3);
	assert_int_equal(pm_table_count(&t), 1998);
	assert_int_equal(pm_table_find(&t, row_id(3)), t.rows.n);
	assert_int_equal(pm_table_add_row(&t, 77, &row), PM_OK);
	set_row(&t, 5, row);
	assert_int_equal(pm_table_set(&t, row, pm_table_col(&t, 0x0042001F), "x\0", 2), PM_OK);
	assert_int_equal(pm_table_get(&t, row, pm_table_col(&t, 0x0042001F), &s, NULL), PM_OK);
	assert_int_equal(s.n, 2);
	pm_table_clear(&t, 1017, pm_table_col(&t, TAG_BIN));
	assert_int_equal(pm_table_get(&t, 1017, pm_table_col(&t, TAG_BIN), &s, NULL), PM_NONE);
	assert_int_equal(pm_table_build(&t, &m.m.sink, &data, &sub), PM_OK);
	pm_table_done(&t);
	assert_int_equal(pm_tc_open(&m.m.db, data, sub, &tc), PM_OK);
	assert_int_equal(tc.rules, 0);
	assert_int_equal(tc.rows.n, 1999);
	assert_int_equal(tc.subs.v.n, 1);
	assert_row(&tc, 0, 0);
	assert_row(&tc, 3, 4);
	assert_row(&tc, 500, 502);
	assert_row(&tc, 1998, 5);
	assert_int_equal(tc.rows.v[1998].id, 77);
	assert_cell_bytes(&tc, 1998, 0x0042, "x\0", 2);
	assert_int_equal(pm_tc_u32(&tc, 1998, 0x0E17, &v), PM_NONE);
	pm_tc_close(&tc);
	mem_db_close(&m.m);
}

/* --- damage ---------------------------------------------------------------------------- */

/* A block of the row matrix is gone: its rows are known by id, the others are whole. */
static void test_table_hole(void **state)
{
	struct made_table m;
	struct pm_table t;
	struct pm_tc tc;
	size_t lost = 0, per;

	(void)state;
	make_table(&m, PM_UNICODE, 1000);
	assert_int_equal(pm_tc_open(&m.m.db, m.data, m.sub, &tc), PM_OK);
	per = tc.first.v[1];
	mem_db_lose(&m.m, tc.matrix.leaves.v[1].bid);
	pm_tc_close(&tc);
	assert_int_equal(pm_tc_open(&m.m.db, m.data, m.sub, &tc), PM_DAMAGED);
	assert_int_equal(tc.rows.n, 1000);
	for (size_t i = 0; i < 1000; i++) {
		size_t row = pm_tc_find(&tc, row_id(i));
		bool gone = i / per == 1;

		assert_true(row < 1000);
		assert_int_equal(tc.rows.v[row].state, gone ? PM_LOST : PM_OK);
		lost += gone;
		if (!gone)
			assert_row(&tc, row, i);
	}
	assert_int_equal(lost, per);
	assert_int_equal(pm_table_load(&t, &tc), PM_DAMAGED);
	assert_int_equal(t.lost.n, per);
	assert_int_equal(pm_table_count(&t), 1000 - per);
	pm_table_done(&t);
	pm_tc_close(&tc);
	mem_db_close(&m.m);
}

/* The row index is gone, as a whole or in part: the rows come from the matrix. */
static void test_table_no_index(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 2; how++) {
		struct made_table m;
		struct pm_tc tc;

		make_table(&m, PM_UNICODE, 1500);
		switch (how) {
		case 0: /* the header's root leads nowhere */
			assert_int_equal(pm_tc_open(&m.m.db, m.data, m.sub, &tc), PM_OK);
			mem_db_poke(&m.m, tc.heap.data.leaves.v[0].bid, 16, 0x40, true);
			break;
		default: /* one leaf: the second entry of the index item leads nowhere */
			assert_int_equal(pm_tc_open(&m.m.db, m.data, m.sub, &tc), PM_OK);
			mem_db_lose(&m.m, tc.heap.data.leaves.v[1].bid);
			break;
		}
		pm_tc_close(&tc);
		assert_int_equal(pm_tc_open(&m.m.db, m.data, m.sub, &tc), PM_DAMAGED);
		assert_int_equal(tc.rows.n, 1500);
		for (size_t i = 0; i < 1500; i++)
			assert_int_equal(tc.rows.v[i].id, row_id(i));
		pm_tc_close(&tc);
		mem_db_close(&m.m);
	}
}

/* Entries of the index that name other rows, or none: the rows know who they are. */
static void test_table_wrong_index(void **state)
{
	/* entries of 8 bytes stand behind the TCINFO: id, number */
	static const struct {
		size_t at;
		uint8_t value;
		size_t rows; /* with those of which only the id in the index is known */
	} rows[] = {
		{4, 50, 3}, /* a number that is too large */
		{4, 1, 3},  /* the number of another */
		{0, 0x44, 4},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		struct made_table m;
		struct pm_tc tc;
		size_t entries = 12 + 8 + 22 + 8 * 8, whole = 0;

		make_table(&m, PM_UNICODE, 3);
		mem_db_poke(&m.m, m.data, entries + rows[i].at, rows[i].value, true);
		if (i == 2) /* and a number that is too large, so that the index is in doubt */
			mem_db_poke(&m.m, m.data, entries + 8 + 4, 9, true);
		assert_int_equal(pm_tc_open(&m.m.db, m.data, m.sub, &tc), PM_DAMAGED);
		assert_true(tc.rules & PM_BR_ENTRY);
		assert_int_equal(tc.rows.n, rows[i].rows);
		for (size_t k = 0; k < 3; k++) {
			size_t row = pm_tc_find(&tc, row_id(k));

			assert_true(row < tc.rows.n);
			assert_int_equal(tc.rows.v[row].number, k);
			whole += tc.rows.v[row].state == PM_OK;
		}
		assert_int_equal(whole, 3);
		pm_tc_close(&tc);
		mem_db_close(&m.m);
	}
}

/* Offsets in a small table's block: 12 BTH header, 20 TCINFO, columns from 42 on. */
static void test_table_rules(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		uint32_t rules;
		enum pm_rc rc;
		size_t rows;
	} rows[] = {
		{20, 0x7D, PM_BR_INFO, PM_LOST, 0},
		{21, 7, PM_BR_INFO, PM_DAMAGED, 3},
		{28, 200, PM_BR_RGIB, PM_OK, 0},
		{38, 1, PM_BR_HIDINDEX, PM_OK, 3},
		{42 + 7, 5, PM_BR_IBIT, PM_OK, 3},
		{42 + 4, 12, PM_BR_PLACE, PM_OK, 3},
		{42 + 6, 8, PM_BR_CBDATA | PM_BR_PLACE, PM_OK, 3},
		{13, 8, PM_BR_INDEX, PM_DAMAGED, 3},
		{14, 2, PM_BR_INDEX, PM_DAMAGED, 0},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		struct made_table m;
		struct pm_table t;
		struct pm_tc tc;
		enum pm_rc rc;

		make_table(&m, PM_UNICODE, 3);
		mem_db_poke(&m.m, m.data, rows[i].at, rows[i].value, true);
		rc = pm_tc_open(&m.m.db, m.data, m.sub, &tc);
		assert_int_equal(tc.rules & rows[i].rules, rows[i].rules);
		if (rows[i].rows) {
			assert_int_equal(rc, rows[i].rc);
			assert_int_equal(tc.rows.n, rows[i].rows);
			/* whatever it was, what is stored anew is sound */
			assert_false(pm_is_error(pm_table_load(&t, &tc)));
			assert_int_equal(pm_table_build(&t, &m.m.sink, &m.data, &m.sub), PM_OK);
			pm_table_done(&t);
			pm_tc_close(&tc);
			assert_int_equal(pm_tc_open(&m.m.db, m.data, m.sub, &tc), PM_OK);
			assert_int_equal(tc.rules, 0);
			assert_int_equal(tc.rows.n, 3);
		}
		pm_tc_close(&tc);
		mem_db_close(&m.m);
	}
}

static void test_table_hostile(void **state)
{
	struct made_table m;
	struct pm_tc tc;
	pm_bid blocks[3];

	(void)state;
	make_table(&m, PM_UNICODE, 300);
	assert_int_equal(pm_tc_open(&m.m.db, m.data, m.sub, &tc), PM_OK);
	blocks[0] = tc.heap.data.leaves.v[0].bid;
	blocks[1] = tc.matrix.leaves.v[0].bid;
	blocks[2] = tc.subs.internal.v[0];
	pm_tc_close(&tc);
	mem_rnd_seed(11);
	for (unsigned i = 0; i < 600; i++) {
		size_t used = m.m.used, have = m.m.db.blocks.n;
		pm_bid bid = blocks[mem_rnd(3)], data, sub;
		struct pm_buf b = mem_db_read(&m.m, bid);
		size_t at = mem_rnd(4) ? mem_rnd(b.n < 150 ? b.n : 150) : mem_rnd(b.n);
		struct pm_table t;
		enum pm_rc rc;

		mem_db_poke(&m.m, bid, at, (uint8_t)mem_rnd(256), true);
		rc = pm_tc_open(&m.m.db, m.data, m.sub, &tc);
		assert_false(pm_is_error(rc));
		if (rc == PM_OK || rc == PM_DAMAGED) {
			assert_false(pm_is_error(pm_table_load(&t, &tc)));
			assert_int_equal(pm_table_build(&t, &m.m.sink, &data, &sub), PM_OK);
			assert_int_equal(m.m.ctx.rc, PM_OK);
			pm_table_done(&t);
		}
		pm_tc_close(&tc);
		mem_db_poke(&m.m, bid, at, b.p[at], true);
		pm_buf_done(&b);
		m.m.used = used;
		m.m.db.blocks.n = have;
	}
	assert_table(&m, m.data, m.sub);
	mem_db_close(&m.m);
}

static void test_table_no_memory(void **state)
{
	struct made_table m;

	(void)state;
	make_table(&m, PM_ANSI, 40);
	for (uint64_t n = 1; n < 3000; n++) {
		struct pm_table t = {0};
		struct pm_tc tc;
		pm_bid data, sub;
		enum pm_rc rc;

		pm_mem_fail_at(n);
		rc = pm_tc_open(&m.m.db, m.data, m.sub, &tc);
		if (!pm_is_error(rc))
			rc = pm_table_load(&t, &tc);
		if (!pm_is_error(rc))
			rc = pm_table_build(&t, &m.m.sink, &data, &sub);
		pm_mem_fail_at(0);
		pm_table_done(&t);
		pm_tc_close(&tc);
		if (rc == PM_OK) {
			assert_true(n > 20);
			assert_table(&m, data, sub);
			mem_db_close(&m.m);
			return;
		}
		assert_int_equal(rc, PM_ENOMEM);
		m.m.ctx.rc = PM_OK;
	}
	fail_msg("it never succeeds");
}

static void test_ansi_limit(void **state)
{
	struct mem_db m;
	struct pm_table t;
	pm_bid data, sub;
	size_t row;

	(void)state;
	mem_db_open(&m, PM_ANSI, PM_CRYPT_NONE);
	assert_int_equal(pm_table_init(&t, &m.ctx, m.db.fmt, NULL, 0), PM_OK);
	for (uint32_t i = 1; i <= 65536; i++)
		assert_int_equal(pm_table_add_row(&t, i, &row), PM_OK);
	assert_int_equal(pm_table_build(&t, &m.sink, &data, &sub), PM_ELIMIT);
	m.ctx.rc = PM_OK;
	pm_table_drop_row(&t, row);
	assert_int_equal(pm_table_build(&t, &m.sink, &data, &sub), PM_OK);
	pm_table_done(&t);
	mem_db_close(&m);
}

/* --- the fixed objects ----------------------------------------------------------------- */

/* Heaps of a fresh file as Outlook writes them. [OBS: fresh Unicode file] */
static const struct {
	pm_nid nid;
	enum pm_variant variant;
	const char *hex;
} fixed[] = {
	/* clang-format off */
	{0x60D, PM_UNICODE,
	 "9200EC7C 40000000 00000000 B5040400 00000000 7C0D3400 34003500 37002000 00000000 "
	 "00000000 00000201 300E1400 "
	 "04061400 330E1800 08070201 340E2000 04080300 380E2400 04091F00 01300800 04020300 "
	 "02360C00 04030300 03361000 "
	 "04040B00 0A363400 01051F00 13362800 040A0300 35662C00 040B0300 36663000 040C0300 "
	 "F2670000 04000300 F3670400 "
	 "04010200 00000C00 14009200"},
	{0x60E, PM_UNICODE,
	 "0A01EC7C 40000000 00000000 B5040400 00000000 7C1C7800 78007A00 7E002000 00000000 "
	 "00000000 00000300 17001400 "
	 "04051F00 1A000C00 04030300 36003C00 040F1F00 37001C00 04074000 39002800 08091F00 "
	 "42001800 04060B00 57007800 "
	 "010D0B00 58007900 010E1F00 70004400 04110201 71004800 04121F00 030E3800 040C1F00 "
	 "040E3400 040B4000 060E2000 "
	 "08080300 070E1000 04040300 080E3000 040A0300 170E0800 04020201 300E5C00 04161400 "
	 "330E6000 08170201 340E6800 "
	 "04180300 380E7400 041B0201 3C0E7000 041A0201 3D0E6C00 04190300 97104000 04104000 "
	 "08305400 08150201 13304C00 "
	 "04130300 C6655000 04140300 F2670000 04000300 F3670400 04010200 00000C00 14000A01"},
	{0x60F, PM_UNICODE,
	 "A200EC7C 40000000 00000000 B5040400 00000000 7C0F3800 38003900 3B002000 00000000 "
	 "00000000 00001F00 1A000C00 "
	 "04030300 070E1000 04040300 170E0800 04021F00 01301400 04050300 F2670000 04000300 "
	 "F3670400 04011F00 00682C00 "
	 "040B0B00 03683800 010C0310 05683000 040D1F00 2F683400 040E0300 03701800 04060201 "
	 "04701C00 04070201 05702000 "
	 "04081F00 06702400 04090300 07702800 040A0200 00000C00 1400A200"},
	{0x610, PM_UNICODE,
	 "C200EC7C 40000000 00000000 B5040400 00000000 7C134800 48004B00 4E002000 00000000 "
	 "00000000 00000300 17001C00 "
	 "04071F00 1A001400 04050300 36003C00 04101F00 37002400 04091F00 42002000 04080B00 "
	 "57004800 010E0B00 58004900 "
	 "010F1F00 030E3800 040D1F00 040E3400 040C1F00 050E0C00 04034000 060E2800 080A0300 "
	 "070E1800 04060300 080E3000 "
	 "040B0300 170E1000 04040B00 2A0E4A00 01114000 08304000 08120300 F1670800 04020300 "
	 "F2670000 04000300 F3670400 "
	 "04010200 00000C00 1400C200"},
	{0x671, PM_UNICODE,
	 "5A00EC7C 40000000 00000000 B5040400 00000000 7C061800 18001800 19002000 00000000 "
	 "00000000 00000300 200E0C00 "
	 "04031F00 04371400 04050300 05371000 04040300 0B370800 04020300 F2670000 04000300 "
	 "F3670400 04010200 00000C00 "
	 "14005A00"},
	{0x692, PM_UNICODE,
	 "9A00EC7C 40000000 00000000 B5040400 00000000 7C0E3000 30003200 34002000 00000000 "
	 "00000000 00000300 150C1800 "
	 "04070B00 0F0E3000 01020201 F90F2000 04090300 FE0F2400 040A0201 FF0F1000 04051F00 "
	 "01301400 04061F00 02300800 "
	 "04031F00 03300C00 04040201 0B301C00 04080300 00392800 040B1F00 FF392C00 040D0B00 "
	 "403A3100 010C0300 F2670000 "
	 "04000300 F3670400 04010200 00000C00 14009A00"},
	{0x62B, PM_UNICODE,
	 "6400EC7C 40000000 00000000 B5040400 60000000 7C041000 10001000 11002000 00008000 "
	 "00000000 00001F00 1A000C00 "
	 "04030300 05660800 04020300 F2670000 04000300 F3670400 04010100 00000000 00000100 "
	 "00000200 00002201 00000000 "
	 "0000F000 04000000 0C001400 4A005200 6300"},
	{0x64C, PM_UNICODE,
	 "5200EC7C 40000000 00000000 B5040400 00000000 7C051800 18001800 19002000 00000000 "
	 "00000000 00004000 39001000 "
	 "08040300 100E0C00 04030300 140E0800 04020300 F2670000 04000300 F3670400 04010200 "
	 "00000C00 14005200"},
	{0x6B6, PM_UNICODE,
	 "5200EC7C 40000000 00000000 B5040400 00000000 7C051800 18001800 19002000 00000000 "
	 "00000000 00001400 330E0800 "
	 "08020201 370E1000 04030300 380E1400 04040300 F2670000 04000300 F3670400 04010200 "
	 "00000C00 14005200"},
	{0x6D7, PM_UNICODE,
	 "7200EC7C 40000000 00000000 B5040400 00000000 7C092800 28002800 2A002000 00000000 "
	 "00000000 00001F00 1A002400 "
	 "04080201 300E1000 04040201 310E0C00 04031400 330E1C00 08070201 340E1800 04060300 "
	 "380E1400 04050201 3E0E0800 "
	 "04020300 F2670000 04000300 F3670400 04010200 00000C00 14007200"},
	{0x6F8, PM_UNICODE,
	 "4A00EC7C 40000000 00000000 B5040400 00000000 7C041800 18001800 19002000 00000000 "
	 "00000000 00001400 330E1000 "
	 "08034000 07300800 08020300 F2670000 04000300 F3670400 04010200 00000C00 14004A00"},
	{0x2227, PM_UNICODE,
	 "1C00ECBC 20000000 00000000 B5020600 40000000 0B660300 00000000 02000000 0C001400 "
	 "1C00"},
	{0x122, PM_UNICODE,
	 "3400ECBC 20000000 00000000 B5020600 40000000 01301F00 00000000 02360300 00000000 "
	 "03360300 00000000 0A360B00 "
	 "01000000 02000000 0C001400 3400"},
	{0x671, PM_ANSI,
	 "5A00EC7C 40000000 00000000 B5040200 00000000 7C061800 18001800 19002000 00000000 "
	 "00000000 00000300 200E0C00 "
	 "04031E00 04371400 04050300 05371000 04040300 0B370800 04020300 F2670000 04000300 "
	 "F3670400 04010200 00000C00 "
	 "14005A00"},
	{0xC01, PM_UNICODE, "1800EC9C 20000000 00000000 40000000 B5100400 00000000 0200 0000 0C00 1000 1800"},
	/* clang-format on */
};

static void assert_hex(const struct pm_buf *b, const char *hex)
{
	size_t n = 0;

	for (; *hex; hex++) {
		int high = pm_ascii_hex((uint8_t)hex[0]), low;

		if (*hex == ' ')
			continue;
		low = pm_ascii_hex((uint8_t) * ++hex);
		assert_true(high >= 0 && low >= 0 && n < b->n);
		assert_int_equal(b->p[n], high << 4 | low);
		n++;
	}
	assert_int_equal(n, b->n);
}

static void test_templates(void **state)
{
	(void)state;
	for (size_t i = 0; i < PM_LEN(fixed); i++) {
		struct mem_db m;
		struct pm_buf b;
		pm_bid bid;

		mem_db_open(&m, fixed[i].variant, PM_CRYPT_PERMUTE);
		assert_int_equal(pm_template_build(&m.ctx, &m.sink, fixed[i].nid, &bid), PM_OK);
		b = mem_db_read(&m, bid);
		assert_hex(&b, fixed[i].hex);
		pm_buf_done(&b);
		mem_db_close(&m);
	}
}

/* Every one of them in every format is a sound heap, and a sound table if it is one. */
static void test_templates_sound(void **state)
{
	(void)state;
	for (size_t v = 0; v < PM_LEN(variants); v++)
		for (size_t i = 0; i < PM_LEN(fixed); i++) {
			uint32_t tags[PM_TEMPLATE_COLS];
			struct mem_db m;
			struct pm_tc tc;
			pm_bid bid;
			size_t n;

			mem_db_open(&m, variants[v], PM_CRYPT_NONE);
			assert_int_equal(pm_template_build(&m.ctx, &m.sink, fixed[i].nid, &bid),
					 PM_OK);
			n = pm_template_columns(m.db.fmt, fixed[i].nid, tags);
			if (n) {
				assert_int_equal(pm_tc_open(&m.db, bid, 0, &tc), PM_OK);
				assert_int_equal(tc.rules, 0);
				assert_int_equal(tc.cols.n, n);
				assert_int_equal(tc.rows.n, fixed[i].nid == 0x62B ? 1 : 0);
				for (size_t k = 0; k < n; k++)
					assert_int_equal(pm_tc_col(&tc, (uint16_t)(tags[k] >> 16),
								   (uint16_t)tags[k])
								 ->iBit,
							 k);
				pm_tc_close(&tc);
			}
			mem_db_close(&m);
		}
	assert_int_equal(pm_template_columns(&pm_formats[PM_UNICODE], 0x999, NULL), 0);
	for (unsigned type = 0; type < 32; type++)
		assert_int_equal(pm_template_of_type(type) & 0x1F,
				 pm_template_of_type(type) ? type : 0);
}

/* --- texts ------------------------------------------------------------------------------- */

/* So many bytes of UTF-16 with pairs everywhere, an end of zeros, a lone half. */
static void fill_text(uint8_t *p, size_t n, size_t seed)
{
	mem_rnd_seed(seed);
	for (size_t i = 0; i < n; i += 2) {
		const uint64_t k = mem_rnd(8);
		uint16_t c = k < 5 ? (uint16_t)(0x20 + mem_rnd(0x60)) : (uint16_t)mem_rnd(0xD800);

		if (k == 7 && i + 4 <= n) {
			pm_put16(p + i, (uint16_t)(0xD800 + mem_rnd(0x400)));
			i += 2;
			c = (uint16_t)(0xDC00 + mem_rnd(0x400));
		}
		if (n - i < 2)
			p[i] = (uint8_t)c;
		else
			pm_put16(p + i, i + 2 * mem_rnd(4) >= n ? 0 : c);
	}
}

/* A text of several blocks reads as the same bytes do at hand. */
static void test_long_texts(void **state)
{
	enum { MOST = 140000 };
	static uint8_t bytes[MOST];

	(void)state;
	for (size_t k = 0; k < 64; k++) {
		struct mem_db m;
		struct pm_value v = {.type = PM_PT_UNICODE, .stream = true};
		struct pm_buf want = {0}, got = {0};
		const size_t n = MOST - k * 397;
		size_t most;
		/* Cut, too: then the last characters are not there. */
		const size_t max = k % 4 == 3 ? n / 2 + k : n;
		enum pm_rc rc;
		pm_bid bid;

		mem_db_open(&m, (enum pm_variant[]){PM_ANSI, PM_UNICODE, PM_UNICODE4K}[k % 3],
			    PM_CRYPT_PERMUTE);
		most = m.db.fmt->data_max;
		fill_text(bytes, n, k);
		/* A pair in front of, across and behind the end of each block. */
		for (size_t at = most - 2 * (k % 3); at + 4 <= n; at += most)
			memcpy(bytes + at, (uint8_t[]){0x3D, 0xD8, 0x00, 0xDE}, 4);
		assert_int_equal(pm_data_build(&m.ctx, &m.sink, bytes, n, &bid), PM_OK);
		v.state = pm_data_open(&m.db, bid, &v.data);
		v.size = n;
		assert_int_equal(v.state, PM_OK);
		assert_true(v.data.leaves.n > 1);
		rc = pm_text_of(&m.ctx, v.type, (struct pm_span){.p = bytes, .n = max}, 0, &want);
		assert_int_equal(pm_value_text_max(&m.ctx, &v, 0, max, &got),
				 max < n ? PM_DAMAGED : rc);
		assert_int_equal(got.n, want.n);
		assert_memory_equal(got.p, want.p, want.n);
		pm_buf_done(&want);
		pm_buf_done(&got);
		pm_value_done(&v);
		mem_db_close(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_round_trip),  cmocka_unit_test(test_table_edit),
		cmocka_unit_test(test_table_hole),        cmocka_unit_test(test_table_no_index),
		cmocka_unit_test(test_table_wrong_index), cmocka_unit_test(test_table_rules),
		cmocka_unit_test(test_table_hostile),     cmocka_unit_test(test_table_no_memory),
		cmocka_unit_test(test_ansi_limit),        cmocka_unit_test(test_templates),
		cmocka_unit_test(test_templates_sound),   cmocka_unit_test(test_long_texts),
	};

	return cmocka_run_group_tests_name("ltp tables", tests, NULL, NULL);
}
