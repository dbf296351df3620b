/* SPDX-License-Identifier: Apache-2.0 */
/* What the printers for people (text, HTML) share: values as words, rows as cells. */
#ifndef PM_REPORT_VISUAL_H
#define PM_REPORT_VISUAL_H

#include "report/printerP.h"

struct pm_visual;

/* A shown cell, in the order of the table's columns; text is valid while the call lasts. */
struct pm_cell {
	const char *s;
	size_t n;
};

/* A part of a buffer's text. */
struct pm_piece {
	size_t at, n;
};

/* Texts that a printer gets here are UTF-8 without control characters, n bytes, no NUL. */
struct pm_visual_ops {
	void (*doc)(struct pm_visual *v, const char *command, const char *file); /* file: quoted */
	void (*end_doc)(struct pm_visual *v);
	void (*section)(struct pm_visual *v, const char *label); /* "" : without a heading */
	void (*end_section)(struct pm_visual *v);
	void (*field)(struct pm_visual *v, const char *label, const char *s, size_t n);
	/* Columns that have a label; they outlive the table. */
	void (*table)(struct pm_visual *v, const char *label, const struct pm_column *const *cols,
		      size_t n);
	void (*row)(struct pm_visual *v, const struct pm_cell *cells, size_t n);
	void (*end_table)(struct pm_visual *v);
	void (*line)(struct pm_visual *v, const char *s, size_t n, bool verbatim);
	void (*finish)(struct pm_visual *v);
	void (*free)(struct pm_visual *v);
};

struct pm_visual {
	struct pm_printer p; /* first */
	const struct pm_visual_ops *ops;
	struct pm_buf text;                    /* one value */
	struct pm_buf list;                    /* the values of the innermost list, joined */
	struct pm_buf cell;                    /* cells of a row, one after another */
	PM_VEC(struct pm_piece) where;         /* a row's cells, by column */
	PM_VEC(const struct pm_column *) cols; /* shown ones of the table */
	PM_VEC(struct pm_cell) cells;
};

extern const struct pm_printer_ops pm_visual_printer;
/* Frees what is here; the printer's own ops->free frees `v` itself. */
void pm_visual_done(struct pm_visual *v);

/* Columns that the text takes on a terminal. */
size_t pm_text_width(const char *s, size_t n);
/* The longest beginning of the text that takes at most `width` columns: its bytes. */
size_t pm_text_fit(const char *s, size_t n, size_t width);

#endif
