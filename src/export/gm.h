/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What GMime and GLib do for us: reading header values, whatever form they came in, and
 * comparing names. GLib ends the program when memory runs out, so its objects are small and
 * stay in gm.c. (Writing is our own: GMime's encoded words exceed their 75 characters, and
 * its RFC 2231 parameters are cut within characters.)
 */
#ifndef PM_EXPORT_GM_H
#define PM_EXPORT_GM_H

#include "export/address.h"

/* Each loads GMime if that has not been done (base/late.h); where it can't be, PM_EUNSUP is recorded. */

/* The version of the library that is at work. */
void pm_gm_version(struct pm_ctx *ctx, char *ret, size_t size);
/* Append the text of an unstructured value (encoded words decoded) as UTF-8. */
void pm_gm_text(struct pm_ctx *ctx, const char *value, struct pm_buf *out);
/* The time that a date field says, whatever form it has; false: none can be told. */
bool pm_gm_date(struct pm_ctx *ctx, const char *value, uint64_t *ret_filetime);
/* Add the mailboxes of an address list, those within groups included. False: it can't be
 * understood. */
bool pm_gm_addresses(struct pm_ctx *ctx, const char *value, struct pm_mailboxes *out);
/* An address with its domain in ASCII (IDNA); NULL when there is none. In the arena. */
char *pm_gm_ascii_address(struct pm_ctx *ctx, struct pm_arena *a, const char *address);
/* Append a form of UTF-8 text that is the same for texts that file systems don't tell apart:
 * without case, and however accents are put together. */
void pm_gm_fold(struct pm_ctx *ctx, const char *text, struct pm_buf *out);

#endif
