/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a CSV file for spreadsheets, as RFC 4180 has it. */
#ifndef PM_REPORT_CSV_H
#define PM_REPORT_CSV_H

#include "base/bytes.h"

/*
 * Append a line of n cells (UTF-8; NULL is an empty one). What a spreadsheet would take for a
 * formula (a cell that begins with = + - @, a tab or a carriage return) gets an apostrophe in
 * front; bytes that are no UTF-8 become U+FFFD.
 */
void pm_csv_line(struct pm_ctx *ctx, struct pm_buf *out, const char *const *cells, size_t n);

#endif
