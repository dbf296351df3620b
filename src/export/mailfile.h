/* SPDX-License-Identifier: Apache-2.0 */
/* What the forms that write mail have in common: a file, and a message put together into it. */
#ifndef PM_EXPORT_MAILFILE_H
#define PM_EXPORT_MAILFILE_H

#include "export/exporter.h"

struct pm_mailfile {
	struct pm_exporter base;  /* first */
	struct pm_mail_sink sink; /* second */
	struct pm_output *file;   /* NULL: none is open */
	const char *name;         /* of a file of many items, relative, in ex->arena */
	unsigned int part;        /* of the folder's files, from 1 */
	struct pm_mail_out out;
	struct pm_mime mime;
};

/*
 * `crlf` and `quote` as of struct pm_mail_out. The first is for forms that have more of their own: `f`
 * is the beginning of theirs, zeroed.
 */
enum pm_rc pm_mailfile_init(struct pm_mailfile *f, struct pm_export *ex,
			    const struct pm_exporter_ops *ops, bool crlf,
			    enum pm_mail_quote quote) PM_MUST_CHECK;
enum pm_rc pm_mailfile_new(struct pm_export *ex, const struct pm_exporter_ops *ops, bool crlf,
			   enum pm_mail_quote quote, struct pm_mailfile **ret) PM_MUST_CHECK;
void pm_mailfile_free(struct pm_exporter *e);

enum pm_rc pm_mailfile_begin(struct pm_mailfile *f, const char *rel) PM_MUST_CHECK;
enum pm_rc pm_mailfile_end(struct pm_mailfile *f) PM_MUST_CHECK; /* it takes its name */
/* All of it is in the file, which is so long; 0: none is open. */
enum pm_rc pm_mailfile_flush(struct pm_exporter *e, uint64_t *ret_size) PM_MUST_CHECK;
/* What the header is to say of damage: NULL without --mark. */
const char *pm_mailfile_mark(const struct pm_export *ex, struct pm_export_item *it);
/* The render and init_ahead of struct pm_exporter_ops, and all of a file for one item. */
enum pm_rc pm_mailfile_init_ahead(struct pm_exporter *e, struct pm_ctx *ctx, struct pm_mime *w,
				  struct pm_mail_out *out, struct pm_mail_sink *sink,
				  size_t size) PM_MUST_CHECK;
enum pm_rc pm_mailfile_render(struct pm_exporter *e, struct pm_mime *w,
			      struct pm_export_item *it) PM_MUST_CHECK;
/* Put what was rendered ahead into the file. */
enum pm_rc pm_mailfile_put(struct pm_mailfile *f, const struct pm_mime *w) PM_MUST_CHECK;

#endif
