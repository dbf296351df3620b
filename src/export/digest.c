/* SPDX-License-Identifier: Apache-2.0 */
/* Digests; see digest.h. */
#include "export/digest.h"

void pm_digest_hex(const uint8_t *p, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret[i * 2] = digits[p[i] >> 4];
		ret[i * 2 + 1] = digits[p[i] & 15];
	}
	ret[n * 2] = '\0';
}

void pm_digest_init(struct pm_digest *d, bool with_md5)
{
	d->with_md5 = with_md5;
	sha256_init(&d->sha256);
	md5_init(&d->md5);
}

void pm_digest_add(struct pm_digest *d, const void *p, size_t n)
{
	if (!n)
		return;
	sha256_update(&d->sha256, n, p);
	if (d->with_md5)
		md5_update(&d->md5, n, p);
}

void pm_digest_end(struct pm_digest *d, struct pm_digest_text *ret)
{
	uint8_t sha256[SHA256_DIGEST_SIZE], md5[MD5_DIGEST_SIZE];

	sha256_digest(&d->sha256, sizeof(sha256), sha256);
	pm_digest_hex(sha256, sizeof(sha256), ret->sha256);
	ret->md5[0] = '\0';
	if (!d->with_md5)
		return;
	md5_digest(&d->md5, sizeof(md5), md5);
	pm_digest_hex(md5, sizeof(md5), ret->md5);
}
