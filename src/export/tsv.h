/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of fields with tabs between them. In a field, what would break the line is escaped as in
 * C: \t, \n, \r, \\.
 */
#ifndef PM_EXPORT_TSV_H
#define PM_EXPORT_TSV_H

#include "base/bytes.h"

/* Append a field. NULL is an empty one. */
void pm_tsv_put(struct pm_ctx *ctx, struct pm_buf *out, const char *s);
/* The same, but NULL can be told from an empty text: it is \N. */
void pm_tsv_put_null(struct pm_ctx *ctx, struct pm_buf *out, const char *s);

/*
 * The next field of a line that ends with a NUL: unescaped where it stands, and *at moves behind
 * it. *ret is NULL for \N. False: there is none left, or it is no field.
 */
bool pm_tsv_take(char **at, const char **ret);

#endif
