/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of bytes, and MD5 beside it where someone asks for it. */
#ifndef PM_EXPORT_DIGEST_H
#define PM_EXPORT_DIGEST_H

#include "base/bytes.h"

#include <nettle/md5.h>
#include <nettle/sha2.h>

struct pm_digest {
	struct sha256_ctx sha256;
	struct md5_ctx md5;
	bool with_md5;
};

/* In lower-case hexadecimal; md5 is "" where it was not asked for. */
struct pm_digest_text {
	char sha256[2 * SHA256_DIGEST_SIZE + 1];
	char md5[2 * MD5_DIGEST_SIZE + 1];
};

void pm_digest_init(struct pm_digest *d, bool with_md5);
void pm_digest_add(struct pm_digest *d, const void *p, size_t n);
void pm_digest_end(struct pm_digest *d, struct pm_digest_text *ret);
/* n bytes in hexadecimal; room for 2 n + 1. */
void pm_digest_hex(const uint8_t *p, size_t n, char *ret);

#endif
