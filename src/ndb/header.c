/* SPDX-License-Identifier: Apache-2.0 */
/* The file header. Layout: fields.def; checksums [MS-PST 2.2.2.6]: both start at byte 8. */
#include "ndb/header.h"

#include "format/crc.h"

#define CRC_START   8
#define CRC_PARTIAL 471
#define CRC_FULL    516

void pm_header_decode(const struct pm_format *f, const uint8_t *raw, struct pm_header *ret)
{
	const unsigned rgnid = pm_field_find("HEADER", "rgnid")->offset[f->variant];

	memcpy(ret->raw, raw, PM_HEADER_MAX);
	ret->client = (uint16_t)pm_HEADER_wMagicClient(f, raw);
	ret->version = (uint16_t)pm_HEADER_wVer(f, raw);
	ret->ver_client = (uint16_t)pm_HEADER_wVerClient(f, raw);
	ret->crypt = (uint8_t)pm_HEADER_bCryptMethod(f, raw);
	ret->amap_valid = (uint8_t)pm_HEADER_fAMapValid(f, raw);
	ret->unique = (uint32_t)pm_HEADER_dwUnique(f, raw);
	ret->next_block = pm_HEADER_bidNextB(f, raw);
	ret->next_page = pm_HEADER_bidNextP(f, raw);
	ret->eof = pm_HEADER_ibFileEof(f, raw);
	ret->amap_last = pm_HEADER_ibAMapLast(f, raw);
	ret->amap_free = pm_HEADER_cbAMapFree(f, raw);
	ret->pmap_free = pm_HEADER_cbPMapFree(f, raw);
	ret->nbt_bid = pm_HEADER_BREFNBT_bid(f, raw);
	ret->nbt_ib = pm_HEADER_BREFNBT_ib(f, raw);
	ret->bbt_bid = pm_HEADER_BREFBBT_bid(f, raw);
	ret->bbt_ib = pm_HEADER_BREFBBT_ib(f, raw);
	for (unsigned i = 0; i < 32; i++)
		ret->rgnid[i] = pm_le32(raw + rgnid + 4 * i);
}

static bool reserved_zero(const struct pm_format *f, const uint8_t *raw)
{
	return !pm_HEADER_qwUnused(f, raw) && !pm_HEADER_dwAlign(f, raw) &&
	       !pm_HEADER_rgbReserved(f, raw) && !pm_HEADER_ullReserved(f, raw) &&
	       !pm_HEADER_dwReserved(f, raw) && !pm_HEADER_root_dwReserved(f, raw) &&
	       !pm_HEADER_root_bReserved(f, raw) && !pm_HEADER_root_wReserved(f, raw);
}

static bool maps_filled(const struct pm_format *f, const uint8_t *raw)
{
	const struct pm_field *fm = pm_field_find("HEADER", "rgbFM");
	const uint8_t *p = raw + fm->offset[f->variant];

	for (unsigned i = 0; i < 256; i++)
		if (p[i] != 0xFF)
			return false;
	return true;
}

uint32_t pm_header_verify(const struct pm_format *f, const uint8_t *raw)
{
	uint16_t client = (uint16_t)pm_HEADER_wMagicClient(f, raw);
	uint16_t want = client == PM_CLIENT_OST ? 12 : 19;
	const struct pm_format *named = pm_format_of_version((uint16_t)pm_HEADER_wVer(f, raw));
	uint32_t bad = 0;

	if (pm_HEADER_dwMagic(f, raw) != PM_MAGIC)
		bad |= PM_HR_MAGIC;
	if (client != PM_CLIENT_PST && client != PM_CLIENT_OST && client != PM_CLIENT_PAB)
		bad |= PM_HR_CLIENT;
	if (!named || (named != f && pm_HEADER_wVer(f, raw) != 37))
		bad |= PM_HR_VERSION;
	if (pm_crc(raw + CRC_START, CRC_PARTIAL) != pm_HEADER_dwCRCPartial(f, raw))
		bad |= PM_HR_CRC_PARTIAL;
	if (f->variant != PM_ANSI &&
	    pm_crc(raw + CRC_START, CRC_FULL) != pm_HEADER_dwCRCFull(f, raw))
		bad |= PM_HR_CRC_FULL;
	if (pm_HEADER_bSentinel(f, raw) != 0x80)
		bad |= PM_HR_SENTINEL;
	if (pm_HEADER_bCryptMethod(f, raw) > PM_CRYPT_CYCLIC)
		bad |= PM_HR_CRYPT;
	if (pm_HEADER_fAMapValid(f, raw) > 2)
		bad |= PM_HR_AMAP_VALID;
	if (pm_HEADER_wVerClient(f, raw) != want)
		bad |= PM_HR_VER_CLIENT;
	if (pm_HEADER_bPlatformCreate(f, raw) != 1 || pm_HEADER_bPlatformAccess(f, raw) != 1)
		bad |= PM_HR_PLATFORM;
	if (!reserved_zero(f, raw))
		bad |= PM_HR_RESERVED;
	if (!maps_filled(f, raw))
		bad |= PM_HR_FM_FP;
	return bad;
}

void pm_header_encode(const struct pm_format *f, struct pm_header *h)
{
	const unsigned rgnid = pm_field_find("HEADER", "rgnid")->offset[f->variant];
	uint8_t *raw = h->raw;

	pm_set_HEADER_dwMagic(f, raw, PM_MAGIC);
	pm_set_HEADER_wMagicClient(f, raw, h->client);
	pm_set_HEADER_wVer(f, raw, h->version);
	pm_set_HEADER_wVerClient(f, raw, h->ver_client);
	pm_set_HEADER_bSentinel(f, raw, 0x80);
	pm_set_HEADER_bCryptMethod(f, raw, h->crypt);
	pm_set_HEADER_fAMapValid(f, raw, h->amap_valid);
	pm_set_HEADER_dwUnique(f, raw, h->unique);
	pm_set_HEADER_bidNextB(f, raw, h->next_block);
	pm_set_HEADER_bidNextP(f, raw, h->next_page);
	pm_set_HEADER_ibFileEof(f, raw, h->eof);
	pm_set_HEADER_ibAMapLast(f, raw, h->amap_last);
	pm_set_HEADER_cbAMapFree(f, raw, h->amap_free);
	pm_set_HEADER_cbPMapFree(f, raw, h->pmap_free);
	pm_set_HEADER_BREFNBT_bid(f, raw, h->nbt_bid);
	pm_set_HEADER_BREFNBT_ib(f, raw, h->nbt_ib);
	pm_set_HEADER_BREFBBT_bid(f, raw, h->bbt_bid);
	pm_set_HEADER_BREFBBT_ib(f, raw, h->bbt_ib);
	for (unsigned i = 0; i < 32; i++)
		pm_put32(raw + rgnid + 4 * i, h->rgnid[i]);
	pm_set_HEADER_dwCRCFull(f, raw, pm_crc(raw + CRC_START, CRC_FULL));
	pm_set_HEADER_dwCRCPartial(f, raw, pm_crc(raw + CRC_START, CRC_PARTIAL));
}

void pm_header_new(const struct pm_format *f, struct pm_header *ret)
{
	static const uint16_t version[3] = {15, 23, 36};

	memset(ret, 0, sizeof(*ret));
	ret->client = f->variant == PM_UNICODE4K ? PM_CLIENT_OST : PM_CLIENT_PST;
	ret->version = version[f->variant];
	ret->ver_client = f->variant == PM_UNICODE4K ? 12 : 19;
	ret->amap_valid = 2;
	ret->unique = 1;
	ret->next_block = 4;
	ret->next_page = 1;
	for (unsigned i = 0; i < 32; i++)
		ret->rgnid[i] = 0x400;
	ret->rgnid[3] = 0x4000;
	ret->rgnid[4] = 0x10000;
	ret->rgnid[8] = 0x8000;
	pm_set_HEADER_bPlatformCreate(f, ret->raw, 1);
	pm_set_HEADER_bPlatformAccess(f, ret->raw, 1);
	/* Outlook mounts a new file with this value, not with 0. [OBS] */
	pm_set_HEADER_bidUnused(f, ret->raw, 0x0000000100000004);
	memset(ret->raw + pm_field_find("HEADER", "rgbFM")->offset[f->variant], 0xFF, 256);
	pm_header_encode(f, ret);
}
