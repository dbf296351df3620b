/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the layer ndb: finding blocks by their ids. */
#include "pm_test.h"

#include "ndb/ndb.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_block),
	};

	return cmocka_run_group_tests_name("ndb", tests, NULL, NULL);
}
