/* SPDX-License-Identifier: Apache-2.0 */
/* Pages: trailer and B-tree pages. */
#include "ndb/page.h"

#include "format/crc.h"

static bool is_map(uint8_t ptype)
{
	return ptype >= PM_PTYPE_FMAP && ptype <= PM_PTYPE_FPMAP;
}

void pm_page_trailer(const struct pm_format *f, const uint8_t *page, struct pm_page_trailer *ret)
{
	const uint8_t *t = page + f->page_data;

	ret->ptype = (uint8_t)pm_PAGETRAILER_ptype(f, t);
	ret->repeat = (uint8_t)pm_PAGETRAILER_ptypeRepeat(f, t);
	ret->sig = (uint16_t)pm_PAGETRAILER_wSig(f, t);
	ret->crc = (uint32_t)pm_PAGETRAILER_dwCRC(f, t);
	ret->bid = pm_PAGETRAILER_bid(f, t);
}

uint32_t pm_page_verify(const struct pm_format *f, const uint8_t *page, pm_ib ib, uint8_t ptype,
			pm_bid bid)
{
	struct pm_page_trailer t;
	uint8_t type;
	uint32_t bad = 0;

	pm_page_trailer(f, page, &t);
	type = ptype ? ptype : t.ptype;
	if (type < PM_PTYPE_BBT || type > PM_PTYPE_DLIST || t.ptype != type)
		bad |= PM_PR_TYPE;
	if (t.repeat != t.ptype)
		bad |= PM_PR_REPEAT;
	/* The checksum of zeros is 0: a zeroed page has no right checksum. */
	if (t.crc != pm_crc(page, f->page_data) || (!t.crc && !t.ptype))
		bad |= PM_PR_CRC;
	if (is_map(type)) {
		if (t.sig)
			bad |= PM_PR_SIG;
		if (t.bid != ib)
			bad |= PM_PR_BID;
		return bad;
	}
	if (t.sig != pm_sig(ib, t.bid))
		bad |= PM_PR_SIG;
	/* Its neighbour by id that stands here has the signature of another place. */
	if (bid && t.bid != bid)
		bad |= (t.bid ^ bid) == 1 && !(bad & PM_PR_SIG) ? PM_PR_BID_LOW : PM_PR_BID;
	return bad;
}

void pm_page_seal(const struct pm_format *f, uint8_t *page, pm_ib ib, uint8_t ptype, pm_bid bid)
{
	uint8_t *t = page + f->page_data;

	pm_set_PAGETRAILER_ptype(f, t, ptype);
	pm_set_PAGETRAILER_ptypeRepeat(f, t, ptype);
	pm_set_PAGETRAILER_wSig(f, t, is_map(ptype) ? 0 : pm_sig(ib, bid));
	pm_set_PAGETRAILER_dwCRC(f, t, pm_crc(page, f->page_data));
	pm_set_PAGETRAILER_bid(f, t, bid);
	if (f->variant == PM_UNICODE4K)
		pm_put64(t + 16, 1); /* [OBS] every page of every 4K file */
}

void pm_bt_meta(const struct pm_format *f, const uint8_t *page, struct pm_bt_meta *ret)
{
	ret->cent = (unsigned)pm_BTPAGE_cEnt(f, page);
	ret->cent_max = (unsigned)pm_BTPAGE_cEntMax(f, page);
	ret->cb_ent = (unsigned)pm_BTPAGE_cbEnt(f, page);
	ret->level = (unsigned)pm_BTPAGE_cLevel(f, page);
}

/* Of entry p what verifying asks for; a block's id may have a bit that is not of its key. */
static uint64_t raw_key(const struct pm_format *f, const uint8_t *p, uint8_t ptype, unsigned level)
{
	return level                   ? pm_BTENTRY_btkey(f, p)
	       : ptype == PM_PTYPE_BBT ? pm_BBTENTRY_BREF_bid(f, p)
				       : pm_NBTENTRY_nid(f, p);
}

uint32_t pm_bt_verify(const struct pm_format *f, const uint8_t *page, uint8_t ptype, unsigned level)
{
	struct pm_bt_meta m;
	const bool blocks = !level && ptype == PM_PTYPE_BBT;
	unsigned size = pm_bt_entry_size(f, ptype, level);
	uint64_t last = 0;
	uint32_t bad = 0;
	unsigned n;

	pm_bt_meta(f, page, &m);
	if (m.level != level)
		bad |= PM_PR_LEVEL;
	if (m.cb_ent != size)
		bad |= PM_PR_CBENT;
	if (m.cent_max != f->bt_area / size)
		bad |= PM_PR_CENTMAX;
	if (m.cent > f->bt_area / size)
		bad |= PM_PR_CENT;
	if (m.cent == 0)
		bad |= PM_PR_EMPTY;
	n = m.cent > f->bt_area / size ? f->bt_area / size : m.cent;
	for (unsigned i = 0; i < n; i++) {
		const uint64_t raw = raw_key(f, page + (size_t)i * size, ptype, level);
		const uint64_t key = blocks ? pm_bid_key(raw) : raw;

		if (i && key <= last)
			bad |= PM_PR_ORDER;
		if (key != raw)
			bad |= PM_PR_KEY_BIT;
		last = key;
	}
	if (!pm_is_zero(page + n * size, f->bt_area - n * size))
		bad |= PM_PR_SLACK;
	return bad;
}

void pm_bt_entry(const struct pm_format *f, const uint8_t *page, uint8_t ptype, unsigned level,
		 unsigned i, unsigned stride, struct pm_bt_entry *ret)
{
	const uint8_t *p = page + (size_t)i * stride;

	memset(ret, 0, sizeof(*ret));
	if (level) {
		ret->key = pm_BTENTRY_btkey(f, p);
		ret->bid = pm_BTENTRY_BREF_bid(f, p);
		ret->ib = pm_BTENTRY_BREF_ib(f, p);
	} else if (ptype == PM_PTYPE_BBT) {
		ret->bid = pm_BBTENTRY_BREF_bid(f, p);
		ret->key = pm_bid_key(ret->bid);
		ret->ib = pm_BBTENTRY_BREF_ib(f, p);
		ret->cb = (uint16_t)pm_BBTENTRY_cb(f, p);
		ret->cb_inflated = f->variant == PM_UNICODE4K
					   ? (uint16_t)pm_BBTENTRY_cbInflated(f, p)
					   : ret->cb;
		ret->cref = (uint16_t)pm_BBTENTRY_cRef(f, p);
	} else {
		ret->key = pm_NBTENTRY_nid(f, p);
		ret->bid = pm_NBTENTRY_bidData(f, p);
		ret->sub = pm_NBTENTRY_bidSub(f, p);
		ret->parent = (pm_nid)pm_NBTENTRY_nidParent(f, p);
	}
}

void pm_bt_put_entry(const struct pm_format *f, uint8_t *page, uint8_t ptype, unsigned level,
		     unsigned i, const struct pm_bt_entry *e)
{
	unsigned size = pm_bt_entry_size(f, ptype, level);
	uint8_t *p = page + (size_t)i * size;

	memset(p, 0, size);
	if (level) {
		pm_set_BTENTRY_btkey(f, p, e->key);
		pm_set_BTENTRY_BREF_bid(f, p, e->bid);
		pm_set_BTENTRY_BREF_ib(f, p, e->ib);
	} else if (ptype == PM_PTYPE_BBT) {
		pm_set_BBTENTRY_BREF_bid(f, p, e->bid);
		pm_set_BBTENTRY_BREF_ib(f, p, e->ib);
		pm_set_BBTENTRY_cb(f, p, e->cb);
		pm_set_BBTENTRY_cbInflated(f, p, e->cb_inflated);
		pm_set_BBTENTRY_cRef(f, p, e->cref);
	} else {
		pm_set_NBTENTRY_nid(f, p, e->key);
		pm_set_NBTENTRY_bidData(f, p, e->bid);
		pm_set_NBTENTRY_bidSub(f, p, e->sub);
		pm_set_NBTENTRY_nidParent(f, p, e->parent);
	}
}

void pm_bt_build(const struct pm_format *f, uint8_t *page, uint8_t ptype, unsigned level,
		 const struct pm_bt_entry *e, unsigned n)
{
	memset(page, 0, f->page);
	for (unsigned i = 0; i < n; i++)
		pm_bt_put_entry(f, page, ptype, level, i, &e[i]);
	pm_set_BTPAGE_cEnt(f, page, n);
	pm_set_BTPAGE_cEntMax(f, page, pm_bt_capacity(f, ptype, level));
	pm_set_BTPAGE_cbEnt(f, page, pm_bt_entry_size(f, ptype, level));
	pm_set_BTPAGE_cLevel(f, page, level);
}
