/* SPDX-License-Identifier: Apache-2.0 */
/* What the kinds of printers are made of; for this layer only. */
#ifndef PM_REPORT_PRINTERP_H
#define PM_REPORT_PRINTERP_H

#include "report/printer.h"

#define PM_PRINT_DEPTH 32

enum pm_shape { PM_DOC, PM_MAP, PM_LIST, PM_TABLE, PM_ROW };

enum pm_datum_kind { PM_V_NULL, PM_V_TEXT, PM_V_UINT, PM_V_INT, PM_V_BOOL };

struct pm_datum {
	enum pm_datum_kind kind;
	const char *s; /* PM_V_TEXT: n bytes */
	size_t n;
	uint64_t u;
	int64_t i;
	bool b;
};

struct pm_level {
	enum pm_shape shape;
	bool muted; /* nothing of it is for this printer */
	bool flat;  /* a row, or within one */
	const struct pm_column *col;
	const struct pm_column *cols; /* PM_TABLE */
	size_t ncols;
	size_t count; /* elements so far */
};

/* Called with what is for this printer; `level` is the one that begins, or the innermost. */
struct pm_printer_ops {
	bool keyed; /* goes by keys, not by labels */
	void (*begin)(struct pm_printer *p, const struct pm_level *level);
	void (*doc)(struct pm_printer *p, const char *command, const char *file);
	void (*end)(struct pm_printer *p, const struct pm_level *level);
	void (*value)(struct pm_printer *p, const struct pm_column *col, const struct pm_datum *v);
	void (*line)(struct pm_printer *p, const char *s, bool verbatim);
	void (*finish)(struct pm_printer *p);
	void (*free)(struct pm_printer *p);
};

struct pm_printer {
	const struct pm_printer_ops *ops;
	struct pm_ctx *ctx;
	struct pm_writer *w;
	struct pm_print_options opts;
	struct pm_printer *next; /* of the chain; owned */
	struct pm_buf out;       /* not yet written */
	size_t docs;             /* documents begun */
	unsigned int depth;
	struct pm_level stack[PM_PRINT_DEPTH];
};

/* The level `up` steps above the innermost; NULL when there is none. */
struct pm_level *pm_print_level(struct pm_printer *p, unsigned int up);
void pm_print_flush(struct pm_printer *p, size_t keep); /* write, if more than `keep` waits */

struct pm_printer *pm_printer_json(struct pm_ctx *ctx);
struct pm_printer *pm_printer_text(struct pm_ctx *ctx);
struct pm_printer *pm_printer_html(struct pm_ctx *ctx);

#endif
