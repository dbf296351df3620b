/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of pminv share. */
#ifndef PM_TOOLS_INV_H
#define PM_TOOLS_INV_H

#include "msg/message.h"

#include <nettle/sha2.h>

/* A digest of contents, short enough to be read. */
struct pm_inv_digest {
	struct sha256_ctx sha;
};

void pm_inv_digest_begin(struct pm_inv_digest *d);
void pm_inv_digest_add(struct pm_inv_digest *d, const void *p, size_t n);
void pm_inv_digest_print(struct pm_inv_digest *d);

/* Print the message and all in it, indented by `depth` steps; `label` begins its line. */
enum pm_rc pm_inv_message(struct pm_message *m, const char *label, unsigned depth) PM_MUST_CHECK;

/* Text in quotes, safe to print; "-" for NULL. */
void pm_inv_quoted(struct pm_ctx *ctx, const char *s);

#endif
