/* SPDX-License-Identifier: Apache-2.0 */
/* A heap on a node and the BTH at its root, of an input's blocks (fuzz.h). */
#include "fuzz.h"

#include "ltp/bth.h"

static void items(struct pm_heap *h)
{
	for (size_t k = 0; k < h->n_blocks; k++) {
		uint32_t n = 0, rules = 0;

		pm_fuzz_result(h->db->ctx, pm_heap_items(h, k, &n));
		pm_fuzz_result(h->db->ctx, pm_heap_block_rules(h, k, &rules));
		for (uint32_t i = 0; i <= n + 1; i++) {
			struct pm_span s = {0};
			pm_hid hid = pm_hid_make(h->db->fmt, k, i);
			enum pm_rc rc = pm_heap_item(h, hid, &s);

			pm_fuzz_result(h->db->ctx, rc);
			must(rc == PM_OK || rc == PM_DAMAGED || !s.n);
			must(rc == PM_NONE || hid);
			pm_fuzz_touch(s.p, s.n);
		}
	}
}

static void bth(struct pm_heap *h, unsigned cb_key, unsigned cb_ent, bool mark)
{
	struct pm_bth b;
	enum pm_rc rc = pm_bth_open(h, h->root, cb_key, cb_ent, mark, &b);

	pm_fuzz_result(h->db->ctx, rc);
	must(rc != PM_LOST || !b.n);
	for (size_t i = 0; i < b.n; i++) {
		pm_fuzz_touch(pm_bth_record(&b, i), b.cb_key + b.cb_ent);
		if (b.cb_key > 8)
			continue;
		must(!i || pm_bth_key(&b, i) > pm_bth_key(&b, i - 1));
		must(pm_bth_find(&b, pm_bth_key(&b, i)) == i);
	}
	pm_bth_close(&b);
}

int pm_fuzz_heap(const uint8_t *p, size_t n)
{
	struct pm_fuzz_db d;
	struct pm_heap h;
	uint64_t unused = 0, bytes = 0;

	if (pm_fuzz_db_open(&d, p, n)) {
		pm_fuzz_result(&d.ctx, pm_heap_open(&d.db, d.data, PM_CLIENT_ANY, &h));
		items(&h);
		bth(&h, 2, 6, false);
		bth(&h, 0, 0, true);
		pm_fuzz_result(&d.ctx, pm_heap_unused(&h, &unused, &bytes));
		pm_heap_close(&h);
	}
	pm_fuzz_db_close(&d);
	return 0;
}
