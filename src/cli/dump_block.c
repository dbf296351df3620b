/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend dump: blocks, by id or by place. */
#include "cli/dump.h"
#include "format/crc.h"

#include <stdio.h>

/* By bit of pm_block_flag; the first only says that the others were looked for. */
static const char *const flag_names[] = {
	NULL,
	"checksum",
	"signature",
	"id in the trailer",
	"size in the trailer",
	"unreadable",
	"does not inflate",
	"content is suspect",
	"not in the block tree",
	"inflated size in the trailer",
	"content is lost",
};

static void block_trailer(struct pm_dump *d, const struct pm_block *b, const uint8_t *stored)
{
	const struct pm_format *f = d->fmt;
	uint32_t at = pm_block_stored(f, b->cb) - f->block_trailer;
	const uint8_t *t = stored + at;
	pm_bid bid = pm_BLOCKTRAILER_bid(f, t);
	struct pm_remark r[] = {
		{"cb", ""},  {"wSig", ""},       {"dwCRC", ""},
		{"bid", ""}, {"cbInflated", ""}, {NULL, ""},
	};

	pm_dump_verdict(r[0].text, pm_BLOCKTRAILER_cb(f, t), b->cb);
	pm_dump_verdict(r[1].text, pm_BLOCKTRAILER_wSig(f, t), pm_sig(b->ib, bid));
	pm_dump_verdict(r[2].text, pm_BLOCKTRAILER_dwCRC(f, t), pm_crc(stored, b->cb));
	if (pm_bid_key(bid) != b->bid)
		pm_dump_verdict(r[3].text, bid, b->bid);
	pm_dump_verdict(r[4].text, pm_BLOCKTRAILER_cbInflated(f, t), b->cb_inflated);
	pm_dump_fields(d, "BLOCKTRAILER", t, f->block_trailer, b->ib + at, r);
}

struct id_row {
	uint64_t nid;
	pm_bid bid, sub;
};

/* The entries of an internal block: ids of blocks, or of nodes and blocks. */
static void id_table(struct pm_dump *d, const struct pm_buf *content, uint32_t head, uint32_t size,
		     unsigned int n,
		     struct id_row (*get)(const struct pm_format *, const uint8_t *), bool nids,
		     bool subs)
{
	static const struct pm_column table = {"entries", "Entries", PM_AS_TEXT, 0};
	const struct pm_column cols[] = {
		{"offset", "Offset", PM_AS_OFFSET, 0},
		{nids ? "nid" : NULL, nids ? "Node" : NULL, PM_AS_HEX, 0},
		{"bid", "Block", PM_AS_HEX, 0},
		{subs ? "sub" : NULL, subs ? "Subnodes" : NULL, PM_AS_HEX, 0},
	};

	pm_print_begin_table(d->out, &table, cols, 4);
	for (unsigned int i = 0; i < n && head + (size_t)(i + 1) * size <= content->n; i++) {
		struct id_row r = get(d->fmt, content->p + head + (size_t)i * size);

		pm_print_begin_row(d->out);
		pm_print_uint(d->out, &cols[0], head + (uint64_t)i * size);
		pm_print_uint(d->out, &cols[1], r.nid);
		pm_print_uint(d->out, &cols[2], r.bid);
		pm_print_uint(d->out, &cols[3], r.sub);
		pm_print_end(d->out);
	}
	pm_print_end(d->out);
}

static struct id_row get_x(const struct pm_format *f, const uint8_t *p)
{
	return (struct id_row){0, pm_ft_get(p, f->id), 0};
}

static struct id_row get_sl(const struct pm_format *f, const uint8_t *p)
{
	return (struct id_row){pm_SLENTRY_nid(f, p), pm_SLENTRY_bidData(f, p),
			       pm_SLENTRY_bidSub(f, p)};
}

static struct id_row get_si(const struct pm_format *f, const uint8_t *p)
{
	return (struct id_row){pm_SIENTRY_nid(f, p), pm_SIENTRY_bid(f, p), 0};
}

/* Offsets of what is in a block count from its beginning: a block may be compressed. */
static void internal_block(struct pm_dump *d, const struct pm_buf *content)
{
	const struct pm_format *f = d->fmt;
	const uint8_t *p = content->p;

	if (content->n >= f->xhead && p[0] == 1) {
		pm_dump_fields(d, "XBLOCK", p, content->n, 0, NULL);
		id_table(d, content, f->xhead, f->xentry, (unsigned int)pm_XBLOCK_cEnt(f, p), get_x,
			 false, false);
	} else if (content->n >= f->slhead && p[0] == 2) {
		bool leaf = pm_SLBLOCK_cLevel(f, p) == 0;

		pm_dump_fields(d, "SLBLOCK", p, content->n, 0, NULL);
		id_table(d, content, f->slhead, leaf ? f->slentry : f->sientry,
			 (unsigned int)pm_SLBLOCK_cEnt(f, p), leaf ? get_sl : get_si, true, leaf);
	} else {
		pm_dump_data(d, 0, p, content->n);
	}
}

static void block_itself(struct pm_dump *d, const struct pm_block *b)
{
	static const struct pm_column rows[] = {
		{"bid", "Block", PM_AS_HEX, 0},
		{"offset", "Offset", PM_AS_OFFSET, 0},
		{"cb", "Bytes", PM_AS_DEC, 0},
		{"cb_inflated", "Inflated", PM_AS_DEC, 0},
		{"cref", "References (cRef)", PM_AS_DEC, 0},
		{"internal", "Internal", PM_AS_BOOL, 0},
	};

	pm_print_uint(d->out, &rows[0], b->bid);
	pm_print_uint(d->out, &rows[1], b->ib);
	pm_print_uint(d->out, &rows[2], b->cb);
	if (b->cb != b->cb_inflated)
		pm_print_uint(d->out, &rows[3], b->cb_inflated);
	if (b->cref)
		pm_print_uint(d->out, &rows[4], b->cref);
	pm_print_bool(d->out, &rows[5], pm_bid_internal(b->bid));
}

/* `b` is a copy: what reading finds out about it is shown, and kept nowhere. `img` is the file,
 * or the file put straight, which its place counts in. */
static void dump(struct pm_dump *d, struct pm_image *img, struct pm_block b)
{
	const struct pm_ndb db = {.ctx = d->ctx, .img = img, .fmt = d->fmt, .crypt = d->crypt};
	struct pm_buf content = {0};
	uint8_t *stored = pm_calloc(d->ctx, pm_block_stored(d->fmt, b.cb), 1);
	enum pm_rc rc = PM_ENOMEM;

	if (stored)
		rc = pm_image_read(d->ctx, img, b.ib, stored, pm_block_stored(d->fmt, b.cb));
	if (!pm_is_error(rc))
		rc = pm_ndb_read_entry(&db, &b, &content);
	if (!pm_is_error(rc)) {
		block_itself(d, &b);
		pm_dump_rules(d, b.flags & ~(uint32_t)PM_BF_CHECKED, flag_names,
			      sizeof(flag_names) / sizeof(flag_names[0]));
		block_trailer(d, &b, stored);
		if (pm_bid_internal(b.bid))
			internal_block(d, &content);
		else
			pm_dump_data(d, 0, content.p, content.n);
	}
	pm_buf_done(&content);
	pm_free(stored);
}

void pm_dump_block(struct pm_dump *d, pm_bid bid)
{
	const struct pm_block *b;

	if (pm_dump_analyse(d))
		return;
	b = pm_ndb_find_block(&d->an->db, bid);
	if (b)
		dump(d, d->an->img, *b);
	else
		pm_fail(d->ctx, PM_EUSAGE,
			"%s: there is no block 0x%llx; 'dump FILE bbt' lists them",
			pm_image_name(d->img), (unsigned long long)bid);
}

/*
 * A block's trailer stands at its end, which its beginning doesn't tell: try each size that
 * the trailer there agrees with, the checksum being the better witness than the signature.
 */
static bool find_trailer(const struct pm_format *f, const uint8_t *p, size_t n, pm_ib ib,
			 struct pm_block *ret)
{
	unsigned int best = 0;

	for (uint32_t size = f->unit; size <= f->block_max && size <= n; size += f->unit) {
		const uint8_t *t = p + size - f->block_trailer;
		uint16_t cb = (uint16_t)pm_BLOCKTRAILER_cb(f, t);
		pm_bid bid = pm_BLOCKTRAILER_bid(f, t);
		unsigned int score;

		if (!cb || cb > f->data_max || pm_block_stored(f, cb) != size)
			continue;
		score = pm_crc(p, cb) == pm_BLOCKTRAILER_dwCRC(f, t) ? 2 : 0;
		score += pm_sig(ib, bid) == pm_BLOCKTRAILER_wSig(f, t);
		if (score <= best)
			continue;
		best = score;
		*ret = (struct pm_block){
			.bid = pm_bid_key(bid), .ib = ib, .cb = cb, .cb_inflated = cb};
		if (f->variant == PM_UNICODE4K)
			ret->cb_inflated = (uint16_t)pm_BLOCKTRAILER_cbInflated(f, t);
	}
	return best > 0;
}

void pm_dump_block_at(struct pm_dump *d, pm_ib ib)
{
	const struct pm_format *f = d->fmt;
	uint8_t *p = pm_calloc(d->ctx, f->block_max, 1);
	struct pm_block b;
	enum pm_rc rc = p ? pm_image_read(d->ctx, d->img, ib, p, f->block_max) : PM_ENOMEM;

	if (pm_is_error(rc))
		;
	else if (rc != PM_LOST && find_trailer(f, p, f->block_max, ib, &b))
		dump(d, d->img, b);
	else
		pm_fail(d->ctx, PM_EUSAGE,
			"%s: no block begins at 0x%llx: no trailer behind it fits; "
			"try page:0x%llx, or another --variant",
			pm_image_name(d->img), (unsigned long long)ib, (unsigned long long)ib);
	pm_free(p);
}
