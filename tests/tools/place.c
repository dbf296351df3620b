/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing places, through the encoding of blocks; and the checksums over them. */
#include "place.h"

#include "format/crc.h"

#include <zlib.h>

void pm_fix_header(struct pm_whole *w)
{
	pm_set_HEADER_dwCRCFull(w->fmt, w->p, pm_crc(w->p + 8, 516));
	pm_set_HEADER_dwCRCPartial(w->fmt, w->p, pm_crc(w->p + 8, 471));
}

void pm_fix_page(struct pm_whole *w, pm_ib ib, unsigned what)
{
	const struct pm_format *f = w->fmt;
	uint8_t *page = w->p + ib, *t = page + f->page_data;
	uint64_t type = pm_PAGETRAILER_ptype(f, t);

	if (what & PM_FIX_CRC)
		pm_set_PAGETRAILER_dwCRC(f, t, pm_crc(page, f->page_data));
	if (what & PM_FIX_SIG)
		pm_set_PAGETRAILER_wSig(f, t,
					type >= PM_PTYPE_FMAP && type <= PM_PTYPE_FPMAP
						? 0
						: pm_sig(ib, pm_PAGETRAILER_bid(f, t)));
}

void pm_fix_block(struct pm_whole *w, const struct pm_block *b, unsigned what)
{
	const struct pm_format *f = w->fmt;
	uint8_t *t = w->p + b->ib + pm_block_stored(f, b->cb) - f->block_trailer;

	if (what & PM_FIX_CRC)
		pm_set_BLOCKTRAILER_dwCRC(f, t, pm_crc(w->p + b->ib, b->cb));
	if (what & PM_FIX_SIG)
		pm_set_BLOCKTRAILER_wSig(f, t, pm_sig(b->ib, pm_BLOCKTRAILER_bid(f, t)));
}

enum pm_rc pm_place_fix(struct pm_whole *w, const struct pm_place *at, unsigned what)
{
	switch (at->kind) {
	case PM_IN_HEADER:
		pm_fix_header(w);
		return PM_OK;
	case PM_IN_PAGE:
		pm_fix_page(w, at->ib, what);
		return PM_OK;
	case PM_IN_BLOCK:
		pm_fix_block(w, at->block, what);
		return PM_OK;
	case PM_IN_FILE:
		break;
	}
	return pm_fail(w->ctx, PM_EUSAGE, "a plain offset has no checksum to fix");
}

/* A compressed block whose stored size changed: tell its trailer and the block tree. */
static enum pm_rc new_size(struct pm_whole *w, struct pm_block *b, uint16_t cb)
{
	const struct pm_format *f = w->fmt;
	const struct pm_seed_page *leaf;
	unsigned i;

	if (!pm_whole_find(w, PM_PTYPE_BBT, b->bid, &leaf, &i))
		return pm_fail(w->ctx, PM_EBUG, "block 0x%llx is not in its tree",
			       (unsigned long long)b->bid);
	pm_set_BBTENTRY_cb(f, w->p + leaf->ib + i * f->bbtentry, cb);
	pm_fix_page(w, leaf->ib, PM_FIX_CRC);
	pm_set_BLOCKTRAILER_cb(f, w->p + b->ib + pm_block_stored(f, cb) - f->block_trailer, cb);
	memset(w->p + b->ib + cb, 0, pm_block_stored(f, cb) - f->block_trailer - cb);
	b->cb = cb;
	return PM_OK;
}

enum pm_rc pm_content_put(struct pm_whole *w, struct pm_block *b, const struct pm_buf *content)
{
	const struct pm_format *f = w->fmt;
	uint8_t stored[65536];
	uLongf n = sizeof(stored);
	uint16_t cb;

	if (content->n != b->cb_inflated)
		return pm_fail(w->ctx, PM_EUSAGE, "the content of block 0x%llx is damaged already",
			       (unsigned long long)b->bid);
	if (b->cb != b->cb_inflated) {
		if (compress2(stored, &n, content->p, content->n, 9) != Z_OK)
			return pm_fail_oom(w->ctx);
		cb = (uint16_t)n;
		if (n > f->data_max || pm_block_stored(f, cb) != pm_block_stored(f, b->cb))
			return pm_fail(w->ctx, PM_EUSAGE,
				       "block 0x%llx is compressed and would not fit its place",
				       (unsigned long long)b->bid);
		if (cb != b->cb && new_size(w, b, cb))
			return w->ctx->rc;
	} else {
		memcpy(stored, content->p, content->n);
	}
	if (!pm_bid_internal(b->bid))
		pm_encode(w->db.crypt, b->bid, stored, b->cb);
	memcpy(w->p + b->ib, stored, b->cb);
	return PM_OK;
}

static enum pm_rc content_get(struct pm_whole *w, const struct pm_place *at, size_t n,
			      struct pm_buf *b)
{
	enum pm_rc rc = pm_ndb_read_entry(&w->db, at->block, b);

	if (pm_is_error(rc))
		return rc;
	if (b->n < at->off || b->n - at->off < n)
		return pm_fail(w->ctx, PM_EUSAGE, "block 0x%llx has no such byte",
			       (unsigned long long)at->block->bid);
	return PM_OK;
}

enum pm_rc pm_place_get(struct pm_whole *w, const struct pm_place *at, uint8_t *p, size_t n)
{
	struct pm_buf b = {0};
	enum pm_rc rc;

	if (!at->content) {
		if (at->off > w->n || w->n - at->off < n)
			return pm_fail(w->ctx, PM_EUSAGE, "the file ends before 0x%llx",
				       (unsigned long long)(at->off + n));
		memcpy(p, w->p + at->off, n);
		return PM_OK;
	}
	rc = content_get(w, at, n, &b);
	if (rc == PM_OK)
		memcpy(p, b.p + at->off, n);
	pm_buf_done(&b);
	return rc;
}

enum pm_rc pm_place_put(struct pm_whole *w, const struct pm_place *at, const uint8_t *p, size_t n)
{
	struct pm_buf b = {0};
	enum pm_rc rc;

	if (!at->content) {
		if (at->off > w->n || w->n - at->off < n)
			return pm_fail(w->ctx, PM_EUSAGE, "the file ends before 0x%llx",
				       (unsigned long long)(at->off + n));
		memcpy(w->p + at->off, p, n);
		return PM_OK;
	}
	rc = content_get(w, at, n, &b);
	if (rc == PM_OK) {
		memcpy(b.p + at->off, p, n);
		rc = pm_content_put(w, at->block, &b);
	}
	pm_buf_done(&b);
	return rc;
}
