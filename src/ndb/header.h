/* SPDX-License-Identifier: Apache-2.0 */
/* The file header [MS-PST 2.2.2.6]: reading, verifying, sealing. */
#ifndef PM_NDB_HEADER_H
#define PM_NDB_HEADER_H

#include "format/fields.h"

#define PM_HEADER_MAX 564 /* bytes of the largest header */

#define PM_MAGIC      0x4E444221u /* "!BDN" */
#define PM_CLIENT_PST 0x4D53
#define PM_CLIENT_OST 0x4F53
#define PM_CLIENT_PAB 0x4241

/* Rules of a header that fail by themselves, without a look at the rest of the file. */
enum pm_header_rule {
	PM_HR_MAGIC = 1 << 0,
	PM_HR_CLIENT = 1 << 1,
	PM_HR_VERSION = 1 << 2,
	PM_HR_CRC_PARTIAL = 1 << 3,
	PM_HR_CRC_FULL = 1 << 4,
	PM_HR_SENTINEL = 1 << 5,
	PM_HR_CRYPT = 1 << 6,
	PM_HR_AMAP_VALID = 1 << 7,
	PM_HR_VER_CLIENT = 1 << 8,
	PM_HR_PLATFORM = 1 << 9,
	PM_HR_RESERVED = 1 << 10,
	PM_HR_FM_FP = 1 << 11,
};
/* The rules whose failure means "not to be trusted". */
#define PM_HR_SERIOUS                                                                              \
	(PM_HR_MAGIC | PM_HR_CLIENT | PM_HR_VERSION | PM_HR_CRC_PARTIAL | PM_HR_CRC_FULL |         \
	 PM_HR_SENTINEL | PM_HR_CRYPT | PM_HR_AMAP_VALID)

/* A decoded header. Fields that the variant lacks are 0. */
struct pm_header {
	uint8_t raw[PM_HEADER_MAX];
	uint16_t client, version, ver_client;
	uint8_t crypt, amap_valid;
	uint32_t unique;
	pm_bid next_block, next_page;
	uint64_t eof, amap_last, amap_free, pmap_free;
	pm_bid nbt_bid, bbt_bid;
	pm_ib nbt_ib, bbt_ib;
	uint32_t rgnid[32];
};

/* Decode `raw` (PM_HEADER_MAX bytes) as a header of this variant. Judges nothing. */
void pm_header_decode(const struct pm_format *f, const uint8_t *raw, struct pm_header *ret);
/* The failed rules (bits of pm_header_rule); 0 for a sound header. */
uint32_t pm_header_verify(const struct pm_format *f, const uint8_t *raw);
/* Put the decoded fields back into h->raw and compute both checksums. */
void pm_header_encode(const struct pm_format *f, struct pm_header *h);
/* A new header of this variant with everything that does not depend on the contents. */
void pm_header_new(const struct pm_format *f, struct pm_header *ret);

#endif
