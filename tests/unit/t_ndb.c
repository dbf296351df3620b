/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the layer ndb: finding blocks by their ids, internal ones that are kept. */
#include "mem_db.h"

/* Ids as different files have them: in a row, with gaps, in clusters, far apart, at the limits. */
static pm_bid next_id(unsigned int kind, pm_bid id, uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	switch (kind) {
	case 0:
		return id + 4;
	case 1:
		return id + 2 + 2 * (*seed >> 62);
	case 2:
		return id + (*seed >> 58 ? 4 : (pm_bid)1 << 40);
	case 3:
		return id + (id >> 1) / 8 * 2 + 2;
	}
	return id + (*seed >> 12) / 2048 * 2 + 2;
}

static void test_find_block(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 5; kind++) {
		struct pm_ctx ctx = {0};
		struct pm_ndb db = {.ctx = &ctx};
		uint64_t seed = kind;
		pm_bid id = 4;

		assert_int_equal(pm_ndb_lower_block(&db, 4), 0);
		for (size_t n = 1; n <= 600 && id < UINT64_MAX / 2; n++) {
			struct pm_block *b = pm_vec_push(&ctx, &db.blocks);

			assert_non_null(b);
			b->bid = id;
			id = next_id(kind, id, &seed);
			if (n > 40 && n % 97)
				continue;
			for (size_t i = 0; i < n; i++) {
				pm_bid at = db.blocks.v[i].bid;

				assert_int_equal(pm_ndb_lower_block(&db, at), i);
				assert_int_equal(pm_ndb_lower_block(&db, at + 1), i + 1);
				assert_int_equal(pm_ndb_lower_block(&db, at - 1),
						 i - (i && db.blocks.v[i - 1].bid == at - 1));
				assert_ptr_equal(pm_ndb_find_block(&db, at | 1), &db.blocks.v[i]);
			}
			assert_int_equal(pm_ndb_lower_block(&db, 0), 0);
			assert_int_equal(pm_ndb_lower_block(&db, UINT64_MAX), n);
		}
		assert_null(pm_ndb_find_block(&db, 2));
		pm_ndb_done(&db);
	}
}

/* Contents that lists have, and any others: numbers in a row, with gaps, any bytes, a few bytes too many. */
static void fill(uint8_t *p, size_t n, unsigned int kind, const struct pm_format *f)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(kind & 1 ? mem_rnd(256) : 0);
	if (n >= 2) {
		p[0] = (uint8_t)(1 + kind % 3);
		p[1] = (uint8_t)(kind / 3 % 2);
	}
	for (size_t i = f->xhead; kind < 9 && i + f->id <= n; i += f->id) {
		if (f->id == 4)
			pm_put32(p + i, (uint32_t)(0x1000 * kind + i - (kind > 6 ? 5 * i : 0)));
		else
			pm_put64(p + i, 0x10000000 * kind + i - (kind > 6 ? 5 * i : 0));
	}
}

static void test_kept(void **state)
{
	static const size_t sizes[] = {1,  2,  3,  4,   7,   8,   9,    24,
				       32, 33, 56, 100, 127, 500, 1023, 1024};

	(void)state;
	for (unsigned int v = PM_ANSI; v <= PM_UNICODE4K; v++) {
		struct mem_db m;
		uint8_t content[1024];
		struct pm_buf out = {0};

		mem_db_open(&m, (enum pm_variant)v, PM_CRYPT_NONE);
		for (unsigned int round = 0; round < 2; round++) {
			mem_rnd_seed(7);
			for (unsigned int kind = 0; kind < 12; kind++) {
				for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
					const size_t at = kind * 16 + i;
					const uint16_t n = (uint16_t)sizes[i];
					struct pm_block b = {.bid = 2 + 4 * at +
								    ((pm_bid)kind << 27),
							     .ib = m.db.fmt->unit * (at ^ 5),
							     .cb = n,
							     .cb_inflated = n};

					fill(content, n, kind, m.db.fmt);
					if (!round) {
						assert_int_equal(
							pm_ndb_keep_internal(&m.db, &b, content),
							PM_OK);
						continue;
					}
					pm_buf_clear(&out);
					assert_true(pm_ndb_kept(&m.db, &b, &out));
					assert_int_equal(out.n, n);
					assert_memory_equal(out.p, content, n);
					/* Of another block in the same place, or of another size, nothing is known. */
					b.bid += 4;
					assert_false(pm_ndb_kept(&m.db, &b, &out));
					b.bid -= 4;
					b.cb = b.cb_inflated = (uint16_t)(n + 1);
					assert_false(pm_ndb_kept(&m.db, &b, &out));
				}
			}
		}
		pm_buf_done(&out);
		mem_db_close(&m);
	}
}

/* An id as far from its own as can be has no difference that can be packed: it is read again. */
static void test_not_kept(void **state)
{
	struct mem_db m;
	uint8_t list[16] = {1, 1, 1};
	struct pm_block b = {
		.bid = 6, .ib = 0x8000, .cb = sizeof(list), .cb_inflated = sizeof(list)};
	struct pm_buf out = {0};

	(void)state;
	mem_db_open(&m, PM_UNICODE, PM_CRYPT_NONE);
	pm_put64(list + 8, b.bid + (UINT64_C(1) << 63));
	assert_int_equal(pm_ndb_keep_internal(&m.db, &b, list), PM_OK);
	assert_false(pm_ndb_kept(&m.db, &b, &out));
	pm_put64(list + 8, b.bid + (UINT64_C(1) << 63) - 1);
	assert_int_equal(pm_ndb_keep_internal(&m.db, &b, list), PM_OK);
	assert_true(pm_ndb_kept(&m.db, &b, &out));
	assert_memory_equal(out.p, list, sizeof(list));
	pm_buf_done(&out);
	mem_db_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_block),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_not_kept),
	};

	return cmocka_run_group_tests_name("ndb", tests, NULL, NULL);
}
