/* SPDX-License-Identifier: Apache-2.0 */
/* Data trees and subnode trees of an input's blocks (fuzz.h), and building them anew. */
#include "fuzz.h"

#include "ltp/value.h"

#define READ_MAX  ((uint64_t)1 << 20)
#define DEPTH_MAX 4

static void data(struct pm_fuzz_db *d, pm_bid bid)
{
	struct pm_data t, again;
	struct pm_bad_ranges bad = {0};
	struct pm_buf out = {0};
	pm_bid built = 0;
	enum pm_rc rc = pm_data_open(&d->db, bid, &t);

	pm_fuzz_result(&d->ctx, rc);
	must(bid || rc == PM_NONE);
	rc = pm_data_read_all(&t, READ_MAX, &out);
	pm_fuzz_result(&d->ctx, rc);
	must(out.n <= READ_MAX && (rc != PM_OK || out.n == t.size));
	pm_fuzz_touch(out.p, out.n);
	rc = pm_data_bad_ranges(&t, &bad);
	pm_fuzz_result(&d->ctx, rc);
	for (size_t i = 0; i < bad.v.n; i++) {
		must(bad.v.v[i].from < bad.v.v[i].to && bad.v.v[i].to <= t.size);
		must(!i || bad.v.v[i].from >= bad.v.v[i - 1].to);
	}
	pm_vec_done(&bad.v);
	/* what was read can be stored, and reads the same */
	if (out.n && pm_data_build(&d->ctx, &d->sink, out.p, out.n, &built) == PM_OK) {
		struct pm_buf same = {0};

		must(pm_data_open(&d->db, built, &again) == PM_OK && again.size == out.n);
		must(pm_data_read_all(&again, READ_MAX, &same) == PM_OK);
		must(same.n == out.n && !memcmp(same.p, out.p, out.n));
		pm_buf_done(&same);
		pm_data_close(&again);
	}
	pm_fuzz_result(&d->ctx, d->ctx.rc);
	pm_buf_done(&out);
	pm_data_close(&t);
}

static void subs(struct pm_fuzz_db *d, pm_bid bid, unsigned depth)
{
	struct pm_subs s, again;
	pm_bid built = 0;
	enum pm_rc rc = pm_subs_open(&d->db, bid, &s);

	pm_fuzz_result(&d->ctx, rc);
	for (size_t i = 1; i < s.v.n; i++)
		must(s.v.v[i].nid > s.v.v[i - 1].nid);
	for (size_t i = 0; i < s.v.n && i < 16; i++) {
		must(pm_subs_find(&s, (pm_nid)s.v.v[i].nid) == &s.v.v[i]);
		data(d, s.v.v[i].data);
		if (depth < DEPTH_MAX)
			subs(d, s.v.v[i].sub, depth + 1);
	}
	if (s.v.n && pm_subs_build(&d->ctx, &d->sink, s.v.v, s.v.n, &built) == PM_OK) {
		must(pm_subs_open(&d->db, built, &again) == PM_OK && again.v.n == s.v.n);
		must(!memcmp(again.v.v, s.v.v, s.v.n * sizeof(s.v.v[0])));
		pm_subs_close(&again);
	}
	pm_fuzz_result(&d->ctx, d->ctx.rc);
	pm_subs_close(&s);
}

int pm_fuzz_tree(const uint8_t *p, size_t n)
{
	struct pm_fuzz_db d;

	if (pm_fuzz_db_open(&d, p, n)) {
		data(&d, d.data);
		subs(&d, d.sub, 0);
	}
	pm_fuzz_db_close(&d);
	return 0;
}
