/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of a file, described once and printed as text, JSON or HTML. A caller opens
 * documents, maps, lists and tables and puts values into them; a printer writes them in its
 * form as they come, in constant memory. Several printers in a chain print the same.
 *
 * A value names itself by a column: its key (JSON), its label (text and HTML), its form. No
 * key: JSON leaves it out, with all that is in it. No label: text and HTML leave it out; ""
 * shows without a heading.
 *
 *	static const struct pm_column cols[] = {{"nid", "Node", PM_AS_HEX}, {"name", "Name"}};
 *	pm_print_begin_table(p, &(struct pm_column){"nodes", "Nodes"}, cols, 2);
 *	pm_print_begin_row(p);
 *	pm_print_uint(p, &cols[0], 0x21);
 *	pm_print_text(p, &cols[1], name);
 *	pm_print_end(p);
 *	pm_print_end(p);
 *
 * All functions work on the whole chain and do nothing once an error (memory, writing) is
 * recorded on its context; a caller looks at the end.
 */
#ifndef PM_REPORT_PRINTER_H
#define PM_REPORT_PRINTER_H

#include "base/bytes.h"

/* How a value is shown. In JSON numbers are integers, but for ids and tags. */
enum pm_form {
	PM_AS_TEXT,   /* text in UTF-8; what is none, or unsafe on a terminal, is made safe */
	PM_AS_DEC,    /* 23 */
	PM_AS_HEX,    /* an id: 0x17; in JSON the text "0x17" */
	PM_AS_TAG,    /* the same with eight digits: 0x0037001f */
	PM_AS_OFFSET, /* a place in the file: 0x4400; in JSON an integer */
	PM_AS_SIZE,   /* 271360 (265 KiB) */
	PM_AS_TIME,   /* a FILETIME: 2004-08-17 14:00:46; in JSON 2004-08-17T14:00:46Z */
	PM_AS_BOOL,   /* yes, no */
};

struct pm_column {
	const char *key;
	const char *label;
	enum pm_form form;
	unsigned int max; /* widest in a table of text, in columns; 0: no limit */
};

/* Where printed bytes go. An error is recorded on the context of the writer's owner. */
struct pm_writer {
	enum pm_rc (*write)(struct pm_writer *w, const void *p, size_t n);
};

enum pm_print_form { PM_PRINT_TEXT, PM_PRINT_JSON, PM_PRINT_HTML };

struct pm_print_options {
	bool many; /* several documents follow one another */
	/* Seconds that local time is ahead of UTC at this moment; NULL: times in UTC. */
	int32_t (*utc_offset)(int64_t unix_seconds);
};

struct pm_printer;

/* `ctx` and `w` are borrowed and must outlive the printer. */
enum pm_rc pm_printer_new(struct pm_ctx *ctx, enum pm_print_form form, struct pm_writer *w,
			  const struct pm_print_options *opts,
			  struct pm_printer **ret) PM_MUST_CHECK;
/* Print to `second`, too; `first` owns it from now on. */
void pm_printer_chain(struct pm_printer *first, struct pm_printer *second);
/* No more documents: what is held back is written. PM_OK or the first error of the chain. */
enum pm_rc pm_printer_finish(struct pm_printer *p) PM_MUST_CHECK;
void pm_printer_free(struct pm_printer *p); /* the chain; NULL is fine */

/* How deep we are: 0 between documents. For pm_print_unwind. */
unsigned int pm_print_depth(const struct pm_printer *p);

/* A document; the outermost thing. `file` as named by the user, NULL when it is about none. */
void pm_print_begin_doc(struct pm_printer *p, const char *command, const char *file);
/* `col` is NULL for an element of a list. */
void pm_print_begin_map(struct pm_printer *p, const struct pm_column *col);
void pm_print_begin_list(struct pm_printer *p, const struct pm_column *col);
/* A list of maps that have the same columns. `cols` must outlive it. */
void pm_print_begin_table(struct pm_printer *p, const struct pm_column *col,
			  const struct pm_column *cols, size_t n);
void pm_print_begin_row(struct pm_printer *p);
void pm_print_end(struct pm_printer *p); /* the innermost */
void pm_print_unwind(struct pm_printer *p, unsigned int depth);

/*
 * Values: in a map with their column, in a row with one of the table's `cols` (or one that has
 * no label), in a list of values with any (its form counts).
 */
void pm_print_text(struct pm_printer *p, const struct pm_column *col,
		   const char *s); /* NULL: null */
void pm_print_textn(struct pm_printer *p, const struct pm_column *col, const void *s, size_t n);
void pm_print_uint(struct pm_printer *p, const struct pm_column *col, uint64_t v);
void pm_print_int(struct pm_printer *p, const struct pm_column *col, int64_t v);
void pm_print_bool(struct pm_printer *p, const struct pm_column *col, bool v);
void pm_print_null(struct pm_printer *p, const struct pm_column *col);

/*
 * Bytes: in JSON a text of hexadecimal digits, else the lines of a hex dump (without a label)
 * that counts from `at`. In a map or in a list.
 */
void pm_print_hex(struct pm_printer *p, const struct pm_column *col, uint64_t at, const void *bytes,
		  size_t n);

/* Text and HTML only: a paragraph, and a line that is shown as it is (a hex dump). */
void pm_print_para(struct pm_printer *p, const char *fmt, ...) PM_PRINTF(2, 3);
void pm_print_line(struct pm_printer *p, const char *s);

#endif
