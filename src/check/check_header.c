/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file as a whole and its header [MS-PST 2.2.2.6].
 *
 * Checks: size against ibFileEof, all fixed fields, checksums, what the header says of maps,
 * roots and counters against the file.
 * Gathers: the end of the file for the passes that follow.
 * Needs: the analysis.
 */
#include "check/internal.h"

#include "format/crc.h"

#define REPORT(c, symbol, ...) PM_REPORT(c, symbol, .caused_by = (c)->header_serial, ##__VA_ARGS__)

static void check_unreadable(struct pm_checker *c)
{
	struct pm_range r;

	for (uint64_t at = 0; pm_rangeset_next(&c->an->img->unreadable, at, UINT64_MAX, &r);
	     at = r.end)
		PM_REPORT(c, FILE_UNREADABLE, .offset = r.start, .size = r.end - r.start);
}

static uint64_t last_amap(const struct pm_format *f, uint64_t eof)
{
	return eof > f->amap_first ? pm_amap_offset(f, pm_amap_index(f, eof - 1)) : f->amap_first;
}

/* Where the last page or block of the trees ends, within the file. */
static uint64_t last_used(const struct pm_checker *c, uint64_t size)
{
	const struct pm_analysis *an = c->an;
	uint64_t end = 0;

	for (size_t i = 0; i < an->pages.n; i++)
		if (an->pages.v[i].grade != PM_GRADE_LOST && an->pages.v[i].ib + c->f->page > end)
			end = an->pages.v[i].ib + c->f->page;
	for (size_t i = 0; i < an->db.blocks.n; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];
		const uint64_t last = b->ib + pm_block_stored(c->f, b->cb);

		if (!(b->flags & (PM_BF_LOST | PM_BF_READ)) && last <= size && last > end)
			end = last;
	}
	return end;
}

static void check_size(struct pm_checker *c)
{
	const struct pm_header *h = &c->an->header;
	const uint64_t size = pm_image_size(c->an->img), first = c->f->amap_first;
	const uint64_t used = last_used(c, size);
	uint64_t whole;

	c->end = size;
	if (size < first + c->f->page)
		PM_REPORT(c, FILE_SHORT, .have = size, .want = first);
	if (c->header_serial)
		return;
	if (h->eof > size)
		PM_REPORT(c, FILE_TRUNCATED, .have = size, .want = h->eof);
	else if (h->eof < used)
		REPORT(c, HEADER_EOF, .have = h->eof, .want = used);
	else if (h->eof < size)
		PM_REPORT(c, FILE_TRAILING, .have = size, .want = h->eof);
	if (h->eof < size && h->eof >= used && h->eof > first)
		c->end = h->eof;
	if (h->eof > first && (h->eof - first) % c->f->amap_interval) {
		whole = pm_amap_offset(c->f, pm_amap_index(c->f, h->eof) + 1);
		REPORT(c, HEADER_EOF_INTERVAL, .have = h->eof, .want = whole);
	}
	if (h->amap_last != last_amap(c->f, h->eof))
		REPORT(c, HEADER_AMAP_LAST, .have = h->amap_last, .want = last_amap(c->f, h->eof));
}

static void check_identity(struct pm_checker *c, uint32_t bad)
{
	const struct pm_header *h = &c->an->header;
	const uint8_t *raw = h->raw;
	const unsigned full = pm_field_find("HEADER", "dwCRCFull")->offset[c->f->variant];

	if (bad & PM_HR_MAGIC)
		REPORT(c, HEADER_MAGIC, .have = pm_le32(raw), .want = PM_MAGIC);
	if (bad & PM_HR_CLIENT)
		REPORT(c, HEADER_CLIENT, .have = h->client);
	if (bad & PM_HR_VERSION)
		REPORT(c, HEADER_VERSION, .have = h->version, .what = c->f->name);
	if (bad & PM_HR_CRC_PARTIAL)
		REPORT(c, HEADER_CRC, .what = "dwCRCPartial", .have = pm_le32(raw + 4),
		       .want = pm_crc(raw + 8, 471));
	if (bad & PM_HR_CRC_FULL)
		REPORT(c, HEADER_CRC, .what = "dwCRCFull", .have = pm_le32(raw + full),
		       .want = pm_crc(raw + 8, 516));
	if (bad & PM_HR_VER_CLIENT)
		REPORT(c, HEADER_CLIENT_VERSION, .have = h->ver_client,
		       .want = h->client == PM_CLIENT_OST ? 12 : 19);
	if (bad & PM_HR_PLATFORM && pm_HEADER_bPlatformCreate(c->f, raw) != 1)
		REPORT(c, HEADER_PLATFORM, .what = "bPlatformCreate",
		       .have = pm_HEADER_bPlatformCreate(c->f, raw), .want = 1);
	if (bad & PM_HR_PLATFORM && pm_HEADER_bPlatformAccess(c->f, raw) != 1)
		REPORT(c, HEADER_PLATFORM, .what = "bPlatformAccess",
		       .have = pm_HEADER_bPlatformAccess(c->f, raw), .want = 1);
	if (bad & PM_HR_SENTINEL)
		REPORT(c, HEADER_SENTINEL, .have = pm_HEADER_bSentinel(c->f, raw), .want = 0x80);
	if (bad & PM_HR_CRYPT || c->an->crypt_guessed)
		REPORT(c, HEADER_CRYPT, .have = h->crypt, .want = c->an->db.crypt);
}

/* Others that are called reserved, qwUnused and ROOT's dwReserved among them, hold values in
 * sound files. [OBS] */
static void check_reserved(struct pm_checker *c)
{
	static const char *const names[] = {"dwAlign", "rgbReserved", "ullReserved", "dwReserved"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct pm_field *field = pm_field_find("HEADER", names[i]);
		uint64_t v;

		if (field->offset[c->f->variant] == PM_NO_FIELD)
			continue;
		v = pm_ft_get(c->an->header.raw + field->offset[c->f->variant],
			      pm_field_width(c->f, field));
		if (v)
			REPORT(c, HEADER_RESERVED, .what = names[i], .have = v);
	}
}

static void check_roots(struct pm_checker *c)
{
	const struct pm_header *h = &c->an->header;
	const struct {
		const char *what;
		pm_ib ib;
	} roots[2] = {{"block tree", h->bbt_ib}, {"node tree", h->nbt_ib}};

	for (unsigned i = 0; i < 2; i++) {
		pm_ib ib = roots[i].ib;
		struct pm_problem p = {.id = PM_P_HEADER_ROOT,
				       .what = roots[i].what,
				       .have = ib,
				       .caused_by = c->header_serial};

		/* Inside what there is: a file cut short still has a root beyond its end. */
		if (ib % c->f->page || ib < c->f->amap_first || ib > c->end ||
		    c->end - ib < c->f->page) {
			c->root_serial[i] = pm_check_blame(c, PM_CAUSE_PAGE, ib, &p);
		}
	}
}

/* The highest ids in use against the counters for new ones. */
static void check_counters(struct pm_checker *c)
{
	const struct pm_header *h = &c->an->header;
	const struct pm_ndb *db = &c->an->db;
	uint32_t top[32] = {0};
	pm_bid block = 0, page = 0;

	for (size_t i = db->blocks.n; i-- > 0 && !block;)
		if (!(db->blocks.v[i].flags & PM_BF_LOST))
			block = db->blocks.v[i].bid;
	for (size_t i = 0; i < c->an->pages.n; i++)
		if (c->an->pages.v[i].grade >= PM_GRADE_B && c->an->pages.v[i].bid > page)
			page = c->an->pages.v[i].bid;
	for (size_t i = 0; i < db->nodes.n; i++) {
		pm_nid nid = db->nodes.v[i].nid;

		if (nid >> 5 > top[pm_nid_type(nid)])
			top[pm_nid_type(nid)] = nid >> 5;
	}
	if (block >= h->next_block)
		REPORT(c, HEADER_NEXT_ID, .what = "bidNextB", .have = h->next_block, .want = block);
	if (page >= h->next_page)
		REPORT(c, HEADER_NEXT_ID, .what = "bidNextP", .have = h->next_page, .want = page);
	/* Type 1 is predefined: it has no counter. [OBS] */
	for (unsigned t = 0; t < 32; t++)
		if (t != 1 && top[t] > h->rgnid[t])
			REPORT(c, HEADER_NID_COUNTER, .item = t, .have = h->rgnid[t],
			       .want = top[t]);
}

/* Each displacement against the one in front of it. */
static void check_pieces(struct pm_checker *c)
{
	int64_t before = 0;

	for (size_t i = 0; i < c->an->pieces.n; i++) {
		const struct pm_piece *p = &c->an->pieces.v[i];
		const int64_t more = p->shift - before;

		if (more > 0)
			PM_REPORT(c, FILE_SHIFTED_PART, .offset = p->from, .size = (uint64_t)more);
		else
			PM_REPORT(c, FILE_CUT_OUT, .offset = p->from, .size = (uint64_t)-more);
		before = p->shift;
	}
}

void pm_check_header(struct pm_checker *c)
{
	const struct pm_header *h = &c->an->header;

	if (c->an->identified == PM_ID_EVIDENCE)
		c->header_serial = PM_REPORT(c, FILE_HEADER_LOST, .what = c->f->name);
	if (c->an->shift)
		PM_REPORT(c, FILE_SHIFTED, .size = (uint64_t)c->an->shift);
	check_pieces(c);
	check_unreadable(c);
	check_identity(c, c->an->header_bad);
	check_size(c);
	if (h->amap_valid > 2)
		REPORT(c, HEADER_AMAP_VALID, .have = h->amap_valid);
	else if (!h->amap_valid)
		REPORT(c, HEADER_NOT_CLOSED);
	if (h->pmap_free % c->f->page)
		REPORT(c, HEADER_PMAP_FREE, .have = h->pmap_free);
	check_reserved(c);
	if (c->an->header_bad & PM_HR_FM_FP)
		REPORT(c, HEADER_FREE_MAPS);
	check_roots(c);
	check_counters(c);
}
