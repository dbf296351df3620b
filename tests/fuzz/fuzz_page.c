/* SPDX-License-Identifier: Apache-2.0 */
/* A page of any kind: its rules, its entries. Byte 0: variant, byte 1: the type expected. */
#include "fuzz.h"

#include "ndb/header.h"
#include "ndb/page.h"

#define PAGE_IB 0x4400

static void entries(const struct pm_format *f, const uint8_t *page, uint8_t ptype)
{
	struct pm_bt_meta m;
	struct pm_bt_entry e;
	unsigned size, n;

	pm_bt_meta(f, page, &m);
	pm_bt_verify(f, page, ptype, m.level);
	pm_bt_verify(f, page, ptype, 0);
	size = pm_bt_entry_size(f, ptype, m.level);
	n = m.cent < f->bt_area / size ? m.cent : f->bt_area / size;
	for (unsigned i = 0; i < n; i++) {
		pm_bt_entry(f, page, ptype, m.level, i, size, &e);
		pm_fuzz_touch(&e.key, sizeof(e.key));
	}
}

/* What the builder makes of the entries that a page has, the rules are content with. */
static void rebuild(const struct pm_format *f, const uint8_t *page, uint8_t ptype)
{
	struct pm_bt_entry e[4096 / 12];
	uint8_t fresh[4096];
	struct pm_bt_meta m;
	unsigned n = 0, size;

	pm_bt_meta(f, page, &m);
	if (m.level > 7)
		return;
	size = pm_bt_entry_size(f, ptype, m.level);
	for (unsigned i = 0; i < m.cent && i < pm_bt_capacity(f, ptype, m.level); i++) {
		pm_bt_entry(f, page, ptype, m.level, i, size, &e[n]);
		if (!m.level && ptype == PM_PTYPE_BBT)
			e[n].bid &= ~(pm_bid)1; /* of no use in an entry */
		if (!n || e[n].key > e[n - 1].key)
			n++;
	}
	if (!n)
		return;
	pm_bt_build(f, fresh, ptype, m.level, e, n);
	pm_page_seal(f, fresh, PAGE_IB, ptype, 0x123);
	must(!pm_page_verify(f, fresh, PAGE_IB, ptype, 0x123));
	must(!pm_bt_verify(f, fresh, ptype, m.level));
}

int pm_fuzz_page(const uint8_t *p, size_t n)
{
	const struct pm_format *f;
	struct pm_page_trailer t;
	struct pm_header h;
	uint8_t *page;

	if (n < 2)
		return 0;
	f = &pm_formats[p[0] % 3];
	page = calloc(f->page, 1);
	must(page);
	memcpy(page, p + 2, n - 2 < f->page ? n - 2 : f->page);
	pm_page_trailer(f, page, &t);
	pm_page_verify(f, page, PAGE_IB, p[1], t.bid);
	pm_page_verify(f, page, PAGE_IB, 0, 0);
	entries(f, page, PM_PTYPE_BBT);
	entries(f, page, PM_PTYPE_NBT);
	rebuild(f, page, PM_PTYPE_BBT);
	rebuild(f, page, PM_PTYPE_NBT);
	free(page);
	page = calloc(PM_HEADER_MAX, 1);
	must(page);
	memcpy(page, p + 2, n - 2 < PM_HEADER_MAX ? n - 2 : PM_HEADER_MAX);
	pm_header_verify(f, page);
	pm_header_decode(f, page, &h);
	pm_header_encode(f, &h);
	must(!(pm_header_verify(f, h.raw) & (PM_HR_CRC_PARTIAL | PM_HR_CRC_FULL)));
	free(page);
	return 0;
}
