/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbox: a file a folder, "Inbox.mbox", beside the directory "Inbox" of what is below it. Of the
 * kinds of mbox these are
 *	mboxrd	each line of any number of > and then "From " has one more >, so it can be undone
 *	mboxo	only "From " gets a >, as the oldest programs expect it
 *	mboxcl2	nothing is changed, Content-Length tells where a message ends
 */
#include "export/mailfile.h"

#include "base/time.h"

enum { LENGTH_DIGITS = 20 };

static const char length_name[] = "Content-Length: ";

static enum pm_rc open_as(struct pm_export *ex, const struct pm_exporter_ops *ops,
			  enum pm_mail_quote quote, struct pm_exporter **ret)
{
	struct pm_mailfile *f;
	enum pm_rc rc = pm_mailfile_new(ex, ops, false, quote, &f);

	if (!rc) {
		f->mime.mbox_status = true;
		*ret = &f->base;
	}
	return rc;
}

static enum pm_rc open_rd(struct pm_export *ex, struct pm_exporter **ret)
{
	return open_as(ex, &pm_exporter_mbox, PM_MAIL_QUOTE_RD, ret);
}

static enum pm_rc open_o(struct pm_export *ex, struct pm_exporter **ret)
{
	return open_as(ex, &pm_exporter_mboxo, PM_MAIL_QUOTE_O, ret);
}

static enum pm_rc open_cl2(struct pm_export *ex, struct pm_exporter **ret)
{
	return open_as(ex, &pm_exporter_mboxcl2, PM_MAIL_NO_QUOTE, ret);
}

/* The next file of a folder: "Inbox.mbox", where they are split "Inbox-2.mbox" and so on. */
static enum pm_rc begin_part(struct pm_mailfile *f, struct pm_export_folder *folder)
{
	struct pm_exporter *e = &f->base;
	struct pm_ctx *ctx = e->ex->ctx;
	struct pm_buf name = {0};
	enum pm_rc rc = PM_OK;

	f->part++;
	if (f->part > 1)
		pm_buf_printf(ctx, &name, "%s-%u.mbox", folder->file, f->part);
	else
		pm_buf_printf(ctx, &name, "%s.mbox", folder->file);
	f->name = pm_arena_strdup(ctx, &e->ex->arena, pm_buf_cstr(ctx, &name));
	pm_buf_done(&name);
	if (strchr(folder->file, '/') && !ctx->rc)
		rc = pm_export_make_dir(e->ex, folder->parent);
	if (!rc && !ctx->rc)
		rc = pm_mailfile_begin(f, f->name);
	return rc ? rc : ctx->rc;
}

static enum pm_rc begin_folder(struct pm_exporter *e, struct pm_export_folder *folder)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;

	f->part = 0;
	return begin_part(f, folder);
}

static enum pm_rc end_folder(struct pm_exporter *e, struct pm_export_folder *folder)
{
	(void)folder;
	return pm_mailfile_end((struct pm_mailfile *)e);
}

/* "From sender date": when and from whom it was delivered; where nothing tells, the beginning of
 * time, since the line must have a date. */
static void from_line(struct pm_mailfile *f, const struct pm_message *m)
{
	const char *who = pm_mime_envelope(&f->mime);
	uint64_t t = pm_time_is_set(m->delivery) ? m->delivery : m->submit;
	struct pm_ctx *ctx = f->base.ex->ctx;
	const enum pm_mail_quote quote = f->out.quote;
	char date[PM_TIME_TEXT];
	struct pm_buf line = {0};

	pm_time_from_line(pm_time_is_set(t) ? t : PM_FILETIME_UNIX, date);
	pm_buf_printf(ctx, &line, "From %s %s", who && !strchr(who, ' ') ? who : "-", date);
	f->out.quote = PM_MAIL_NO_QUOTE;
	pm_mail_line(&f->out, line.p, line.n);
	f->out.quote = quote;
	pm_buf_done(&line);
}

/*
 * The length of a message is known when it is written: the field stands first in its header with
 * room for the number, which goes into what waits to be written, or into the file.
 */
static enum pm_rc put_length(struct pm_mailfile *f, uint64_t at, uint64_t length)
{
	const uint64_t flushed = f->out.bytes - f->out.n;
	struct pm_ctx *ctx = f->base.ex->ctx;
	struct pm_buf digits = {0};
	enum pm_rc rc = PM_OK;

	pm_buf_printf(ctx, &digits, "%*llu", LENGTH_DIGITS, (unsigned long long)length);
	for (size_t i = 0; i < digits.n && !rc; i++) {
		if (at + i >= flushed)
			f->out.buf[at + i - flushed] = digits.p[i];
		else
			rc = pm_output_write(f->file, at + i, digits.p + i, 1);
	}
	pm_buf_done(&digits);
	return rc ? rc : ctx->rc;
}

static enum pm_rc item(struct pm_exporter *e, struct pm_export_item *it, const char **ret_file)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;
	const bool counted = e->ops == &pm_exporter_mboxcl2;
	const uint64_t split = e->ex->opts->split;
	enum pm_rc rc = PM_OK;
	uint64_t at = 0;

	if (split && f->out.bytes >= split) {
		rc = pm_mailfile_end(f);
		if (!rc)
			rc = begin_part(f, it->folder);
		it->number = 1;
	}
	if (!rc)
		rc = pm_mime_prepare(&f->mime, it->msg, it->notes);
	if (rc)
		return rc;
	from_line(f, it->msg);
	if (counted) {
		static const char blanks[] = "                    ";

		_Static_assert(sizeof(blanks) == LENGTH_DIGITS + 1, "room for the number");
		pm_mail_raw(&f->out, length_name, sizeof(length_name) - 1);
		at = f->out.bytes;
		pm_mail_line(&f->out, blanks, LENGTH_DIGITS);
	}
	rc = pm_mime_write(&f->mime, it->msg, pm_mailfile_mark(f, it));
	if (!rc && counted)
		rc = put_length(f, at, f->out.bytes - f->mime.body_at);
	pm_mail_puts(&f->out, "");
	*ret_file = f->name;
	return rc;
}

/* An item that is in this file, which is that of the one before or the next. */
static enum pm_rc replay(struct pm_exporter *e, struct pm_export_item *it, const char *file)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;
	enum pm_rc rc = PM_OK;

	if (strcmp(f->name, file) == 0)
		return PM_OK;
	rc = pm_mailfile_end(f);
	return rc ? rc : begin_part(f, it->folder);
}

static enum pm_rc resume(struct pm_exporter *e, uint64_t size)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;

	if (!f->file)
		return PM_OK;
	f->out.bytes = size;
	return pm_output_resume(f->file, size);
}

const struct pm_exporter_ops pm_exporter_mbox = {
	.name = "mbox",
	.summary = "a file a folder (mboxrd)",
	.suffix = ".mbox",
	.many = true,
	.open = open_rd,
	.begin_folder = begin_folder,
	.item = item,
	.end_folder = end_folder,
	.flush = pm_mailfile_flush,
	.replay = replay,
	.resume = resume,
	.free = pm_mailfile_free,
};

const struct pm_exporter_ops pm_exporter_mboxo = {
	.name = "mboxo",
	.summary = "the same, quoted as the oldest programs expect it",
	.suffix = ".mbox",
	.many = true,
	.open = open_o,
	.begin_folder = begin_folder,
	.item = item,
	.end_folder = end_folder,
	.flush = pm_mailfile_flush,
	.replay = replay,
	.resume = resume,
	.free = pm_mailfile_free,
};

const struct pm_exporter_ops pm_exporter_mboxcl2 = {
	.name = "mboxcl2",
	.summary = "the same, with Content-Length in place of quoting",
	.suffix = ".mbox",
	.many = true,
	.open = open_cl2,
	.begin_folder = begin_folder,
	.item = item,
	.end_folder = end_folder,
	.flush = pm_mailfile_flush,
	.replay = replay,
	.resume = resume,
	.free = pm_mailfile_free,
};
