/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stored block: decoding, inflating, its rules. Bytes: variant, encoding, bid (2), cb (2),
 * inflated size (2), then the block as it is stored.
 */
#include "fuzz.h"

#include "io/memory.h"

int pm_fuzz_block(const uint8_t *p, size_t n)
{
	struct pm_ctx ctx = {0};
	struct pm_ndb db = {.ctx = &ctx};
	struct pm_block b = {0};
	struct pm_buf out = {0};
	enum pm_rc rc;
	uint8_t *bytes;

	if (n < 9)
		return 0;
	db.fmt = &pm_formats[p[0] % 3];
	db.crypt = (enum pm_crypt)(p[1] % 3);
	b.bid = pm_bid_key(pm_le16(p + 2));
	b.cb = pm_le16(p + 4);
	b.cb_inflated = pm_le16(p + 6);
	p += 8;
	n -= 8;
	bytes = calloc(n, 1);
	must(bytes);
	memcpy(bytes, p, n);
	must(pm_image_open_memory(&ctx, bytes, n, &db.img) == PM_OK);
	rc = pm_ndb_read_entry(&db, &b, &out);
	pm_fuzz_result(&ctx, rc);
	must(rc == PM_OK || rc == PM_DAMAGED || rc == PM_LOST);
	must(rc != PM_LOST || !out.n);
	must(rc == PM_LOST || b.flags & PM_BF_CHECKED);
	must(rc != PM_OK || out.n == b.cb_inflated || db.fmt->variant != PM_UNICODE4K);
	must(out.n <= UINT16_MAX);
	pm_fuzz_touch(out.p, out.n);
	if (b.cb <= db.fmt->data_max && pm_block_stored(db.fmt, b.cb) <= n)
		pm_block_verify(db.fmt, &b, bytes);
	pm_image_close(db.img);
	pm_buf_done(&out);
	free(bytes);
	return 0;
}
