/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maildir: a file a message in "cur", its state in the name, the time of delivery as the time of
 * the file. Folders lie as one of two kinds of programs expects them:
 *	maildir	Maildir++, of Dovecot and Courier: ".Folder.Below" beside each other, names in
 *		modified UTF-7 [RFC 3501 5.1.3]; the directory itself is INBOX
 *	kmail	"Folder", and what is below it in ".Folder.directory"
 */
#include "export/mailfile.h"

#include "base/quote.h"
#include "base/text.h"
#include "base/time.h"

#include <errno.h>
#include <sys/stat.h>

/* File systems have names of 255 bytes at most; flags and numbers are told apart behind it. */
enum { NAME_BYTES_MAX = 200 };

struct maildir {
	struct pm_mailfile f; /* first */
	struct pm_name_set taken;
};

static enum pm_rc open_as(struct pm_export *ex, const struct pm_exporter_ops *ops,
			  struct pm_exporter **ret)
{
	struct maildir *d = pm_calloc(ex->ctx, 1, sizeof(*d));
	enum pm_rc rc = d ? pm_mailfile_init(&d->f, ex, ops, false, PM_MAIL_NO_QUOTE) : PM_ENOMEM;

	if (rc)
		pm_free(d);
	else
		*ret = &d->f.base;
	return rc;
}

static enum pm_rc make_three(struct pm_export *ex, const char *dir)
{
	static const char *const parts[] = {"cur", "new", "tmp"};
	struct pm_buf path = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < 3 && !rc; i++) {
		pm_buf_clear(&path);
		pm_buf_printf(ex->ctx, &path, "%s%s%s", dir, *dir ? "/" : "", parts[i]);
		rc = pm_outdir_mkdir(&ex->dir, pm_buf_cstr(ex->ctx, &path));
	}
	pm_buf_done(&path);
	return rc ? rc : ex->ctx->rc;
}

/* ---- Maildir++ ---- */

static enum pm_rc open_plus(struct pm_export *ex, struct pm_exporter **ret)
{
	enum pm_rc rc = open_as(ex, &pm_exporter_maildir, ret);

	/* INBOX must exist, whatever the data file has. */
	return rc ? rc : make_three(ex, "");
}

/* The bytes of UTF-16 as "&...-" in modified base64. */
static void put_shifted(struct pm_ctx *ctx, struct pm_buf *out, const struct pm_buf *utf16)
{
	struct pm_buf swapped = {0};
	uint8_t *room;
	size_t from;

	for (size_t i = 0; i + 1 < utf16->n; i += 2) {
		pm_buf_byte(ctx, &swapped, utf16->p[i + 1]);
		pm_buf_byte(ctx, &swapped, utf16->p[i]);
	}
	pm_buf_byte(ctx, out, '&');
	from = out->n;
	room = pm_buf_room(ctx, out, (swapped.n + 2) / 3 * 4);
	if (room)
		pm_base64(room, swapped.p, swapped.n);
	while (room && out->n > from && out->p[out->n - 1] == '=')
		out->n--;
	for (size_t i = from; room && i < out->n; i++)
		if (out->p[i] == '/')
			out->p[i] = ',';
	pm_buf_byte(ctx, out, '-');
	pm_buf_done(&swapped);
}

void pm_maildir_name(struct pm_ctx *ctx, struct pm_buf *out, const char *name)
{
	const uint8_t *p = (const uint8_t *)name;
	size_t n = strlen(name);

	for (size_t i = 0; i < n;) {
		size_t run = 0;
		struct pm_buf utf16 = {0};

		if (p[i] < 0x80) {
			/* The dot is what parts the names. */
			pm_buf_byte(ctx, out, p[i] == '.' ? '_' : p[i]);
			if (p[i] == '&')
				pm_buf_byte(ctx, out, '-');
			i++;
			continue;
		}
		while (i + run < n && p[i + run] >= 0x80)
			run++;
		pm_utf8_to_utf16(ctx, &utf16, p + i, run, NULL);
		put_shifted(ctx, out, &utf16);
		pm_buf_done(&utf16);
		i += run;
	}
}

static const char *last_part(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

/* Children of the IPM subtree are what people see at the top. */
static bool is_top(const struct pm_export *ex, const struct pm_export_folder *f)
{
	return !f->parent || f->parent->nid == ex->store.ipm_subtree || !strchr(f->file, '/');
}

static enum pm_rc place_plus(struct maildir *d, struct pm_export_folder *f)
{
	struct pm_export *ex = d->f.base.ex;
	struct pm_ctx *ctx = ex->ctx;
	struct pm_buf name = {0}, taken = {0};
	const char *last = last_part(f->file);
	bool top = is_top(ex, f) || !f->parent->place; /* it was not chosen */
	enum pm_rc rc = PM_OK;

	if (top && f->parent && pm_ascii_casecmp(last, "INBOX") == 0) {
		/* No program would show another folder of this name. */
		rc = pm_name_take(ctx, &d->taken, ".INBOX", &taken);
		if (!rc && pm_ascii_casecmp(pm_buf_cstr(ctx, &taken), ".INBOX") == 0)
			pm_buf_clear(&taken);
	} else {
		if (!top)
			pm_buf_str(ctx, &name, *f->parent->place ? f->parent->place : ".INBOX");
		pm_buf_byte(ctx, &name, '.');
		pm_maildir_name(ctx, &name, last);
		if (name.n > NAME_BYTES_MAX) {
			pm_buf_clear(&name);
			pm_buf_printf(ctx, &name, ".folder %X", f->nid);
		}
		rc = pm_name_take(ctx, &d->taken, pm_buf_cstr(ctx, &name), &taken);
	}
	f->place = pm_arena_strdup(ctx, &ex->arena, pm_buf_cstr(ctx, &taken));
	pm_buf_done(&name);
	pm_buf_done(&taken);
	return rc ? rc : ctx->rc;
}

/* An empty file by which programs know that a directory is a folder. */
static enum pm_rc mark_folder(struct pm_export *ex, const char *place)
{
	char *path = pm_asprintf(ex->ctx, "%s/maildirfolder", place);
	struct pm_output *out = NULL;
	enum pm_rc rc = path ? pm_outdir_create(&ex->dir, path, &out) : PM_ENOMEM;

	if (!rc)
		rc = pm_output_commit(out);
	pm_output_free(out);
	pm_free(path);
	return rc;
}

static enum pm_rc begin_plus(struct pm_exporter *e, struct pm_export_folder *f)
{
	enum pm_rc rc = place_plus((struct maildir *)e, f);

	if (rc || !*f->place)
		return rc;
	rc = pm_outdir_mkdir(&e->ex->dir, f->place);
	if (!rc)
		rc = mark_folder(e->ex, f->place);
	return rc ? rc : make_three(e->ex, f->place);
}

/* ---- KMail ---- */

static enum pm_rc open_kmail(struct pm_export *ex, struct pm_exporter **ret)
{
	return open_as(ex, &pm_exporter_kmail, ret);
}

/* "a/b/c" is ".a.directory/.b.directory/c"; what is on the way is made. */
static enum pm_rc begin_kmail(struct pm_exporter *e, struct pm_export_folder *f)
{
	struct pm_export *ex = e->ex;
	struct pm_buf path = {0};
	enum pm_rc rc = PM_OK;

	for (const char *p = f->file; !rc;) {
		size_t n = strcspn(p, "/");
		bool last = !p[n];

		pm_buf_str(ex->ctx, &path, last ? "" : ".");
		pm_buf_add(ex->ctx, &path, p, n);
		pm_buf_str(ex->ctx, &path, last ? "" : ".directory");
		rc = pm_outdir_mkdir(&ex->dir, pm_buf_cstr(ex->ctx, &path));
		if (last)
			break;
		pm_buf_byte(ex->ctx, &path, '/');
		p += n + 1;
	}
	f->place = pm_arena_strdup(ex->ctx, &ex->arena, pm_buf_cstr(ex->ctx, &path));
	pm_buf_done(&path);
	if (!rc && !ex->ctx->rc)
		rc = make_three(ex, f->place);
	return rc ? rc : ex->ctx->rc;
}

/* ---- both ---- */

/* "cur/1614834367.200024.pstmend:2,RS": when it was delivered, which it is, its flags, which are
 * in alphabetical order. */
static const char *file_name(struct pm_export *ex, const struct pm_export_item *it, int64_t t)
{
	static const struct {
		unsigned int bit;
		char letter;
	} flags[] = {{PM_STATE_DRAFT, 'D'},
		     {PM_STATE_FLAGGED, 'F'},
		     {PM_STATE_FORWARDED, 'P'},
		     {PM_STATE_REPLIED, 'R'},
		     {PM_STATE_READ, 'S'}};
	const char *place = it->folder->place, *name;
	unsigned int state = pm_mime_state(it->msg);
	struct pm_buf b = {0};

	pm_buf_printf(ex->ctx, &b, "%s%scur/%lld.%x.pstmend:2,", place, *place ? "/" : "",
		      (long long)t, it->msg->nid);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (state & flags[i].bit)
			pm_buf_byte(ex->ctx, &b, (uint8_t)flags[i].letter);
	name = pm_arena_strdup(ex->ctx, &it->notes->arena, pm_buf_cstr(ex->ctx, &b));
	pm_buf_done(&b);
	return name;
}

/* Servers take the time of the file for that of delivery; where nothing tells it is 1970, never
 * that of the export. */
static enum pm_rc set_time(struct pm_mailfile *f, const char *name, int64_t t)
{
	const struct timespec times[2] = {{.tv_sec = t}, {.tv_sec = t}};
	enum pm_rc rc = pm_mail_flush(&f->out);

	if (!rc && futimens(pm_output_fd(f->file), times) != 0)
		rc = pm_fail(f->base.ex->ctx, PM_EIO, "%s: cannot set the time of this file (%s)",
			     name, pm_strerror(errno));
	return rc;
}

static enum pm_rc item(struct pm_exporter *e, struct pm_export_item *it,
		       const struct pm_mime *ahead, const char **ret_file)
{
	struct pm_mailfile *f = (struct pm_mailfile *)e;
	const struct pm_message *m = it->msg;
	uint64_t when = pm_time_is_set(m->delivery) ? m->delivery : m->submit;
	int64_t t = pm_time_is_set(when) ? pm_time_to_unix(when) : 0;
	const char *name;
	enum pm_rc rc;

	t = t > 0 ? t : 0;
	name = file_name(e->ex, it, t);
	rc = e->ex->ctx->rc;
	if (!rc)
		rc = pm_mailfile_begin(f, name);
	if (!rc)
		rc = ahead ? pm_mailfile_put(f, ahead) : pm_mailfile_render(e, &f->mime, it);
	if (!rc)
		rc = set_time(f, name, t);
	if (!rc)
		rc = pm_mailfile_end(f);
	*ret_file = name;
	return rc;
}

static void free_maildir(struct pm_exporter *e)
{
	pm_name_set_done(&((struct maildir *)e)->taken);
	pm_mailfile_free(e);
}

const struct pm_exporter_ops pm_exporter_maildir = {
	.name = "maildir",
	.summary = "Maildir++, for Dovecot and others",
	.suffix = ".maildir",
	.open = open_plus,
	.begin_folder = begin_plus,
	.item = item,
	.init_ahead = pm_mailfile_init_ahead,
	.render = pm_mailfile_render,
	.free = free_maildir,
};

const struct pm_exporter_ops pm_exporter_kmail = {
	.name = "kmail",
	.summary = "Maildir with folders as KMail has them",
	.suffix = ".directory",
	.open = open_kmail,
	.begin_folder = begin_kmail,
	.item = item,
	.init_ahead = pm_mailfile_init_ahead,
	.render = pm_mailfile_render,
	.free = free_maildir,
};
