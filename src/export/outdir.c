/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of an export; see outdir.h. */
#include "export/outdir.h"

#include "base/quote.h"
#include "export/tsv.h"
#include "io/write.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MAP_CHUNK = 64 << 10 };

/* ---- the directory ---- */

static enum pm_rc fail_no_dir(struct pm_ctx *ctx, const char *path)
{
	return pm_fail(ctx, PM_EUSAGE, "%s: this is no directory; choose another place with -o",
		       pm_quote(path).s);
}

/* Mail is nobody else's business: what we make is for its owner only, files as well. */
static enum pm_rc make(struct pm_ctx *ctx, const char *path, bool top)
{
	struct pm_quoted name = pm_quote(path);
	struct stat st;
	int errnum = pm_write_step();

	if (!errnum && mkdir(path, 0700) == 0)
		return PM_OK;
	errnum = errnum ? errnum : errno;
	if (errnum == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return PM_OK;
	if (errnum == EEXIST)
		return fail_no_dir(ctx, path);
	if (top && (errnum == ENOENT || errnum == ENOTDIR))
		return pm_fail(ctx, PM_EIO,
			       "%s: the directory that it is to be in does not exist; create it, "
			       "or choose another place with -o",
			       name.s);
	return pm_write_fail(ctx, name.s, "creating the directory", UINT64_MAX, errnum);
}

static enum pm_rc check_empty(struct pm_ctx *ctx, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	bool empty = true;

	if (!dir)
		return pm_fail(ctx, PM_EIO,
			       "%s: cannot read this directory (%s); choose another one with -o",
			       pm_quote(path).s, pm_strerror(errno));
	/* What is left of a journal that never began is nothing. */
	while (empty && (e = readdir(dir)))
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
			strcmp(e->d_name, "." PM_EXPORT_JOURNAL ".pstmend-part") == 0;
	closedir(dir);
	if (empty)
		return PM_OK;
	if (pm_journal_exists(ctx, path))
		return pm_fail(ctx, PM_EUSAGE,
			       "%s: an export into this directory was not finished; go on with it "
			       "with --resume, begin it again with --force, or choose another "
			       "directory with -o",
			       pm_quote(path).s);
	return pm_fail(ctx, PM_EUSAGE,
		       "%s: this directory is not empty; choose another one with -o, or write "
		       "into it with --force, which replaces files of the same names",
		       pm_quote(path).s);
}

static enum pm_rc check_journal(struct pm_ctx *ctx, const char *path)
{
	if (pm_journal_exists(ctx, path))
		return PM_OK;
	return pm_fail(ctx, PM_EUSAGE,
		       "%s: there is no unfinished export in this directory (no " PM_EXPORT_JOURNAL
		       "); begin one without --resume",
		       pm_quote(path).s);
}

/* The data file must not lie where we write: no name of ours may ever be its name. */
static enum pm_rc check_source(struct pm_ctx *ctx, const char *path, const char *source)
{
	char dir[PATH_MAX], file[PATH_MAX];
	size_t n;

	if (!source || !realpath(path, dir) || !realpath(source, file))
		return PM_OK;
	n = strlen(dir);
	if (strncmp(dir, file, n) != 0 || (file[n] != '/' && n > 1))
		return PM_OK;
	return pm_fail(ctx, PM_EUSAGE,
		       "%s: the data file %s lies in this directory; choose another one with -o",
		       pm_quote(path).s, pm_quote(source).s);
}

static enum pm_rc check_content(struct pm_ctx *ctx, const char *path, const char *source,
				enum pm_outdir_how how)
{
	enum pm_rc rc = check_source(ctx, path, source);

	if (!rc && how == PM_OUTDIR_NEW)
		rc = check_empty(ctx, path);
	return !rc && how == PM_OUTDIR_RESUME ? check_journal(ctx, path) : rc;
}

enum pm_rc pm_outdir_check(struct pm_ctx *ctx, const char *path, const char *source,
			   enum pm_outdir_how how)
{
	struct stat st;

	if (stat(path, &st))
		return how == PM_OUTDIR_RESUME ? check_journal(ctx, path) : PM_OK;
	if (!S_ISDIR(st.st_mode))
		return fail_no_dir(ctx, path);
	return check_content(ctx, path, source, how);
}

/* Names of files that were made before, which the journal has. */
static enum pm_rc load_made(struct pm_outdir *d)
{
	const char *file, **slot;

	for (size_t i = 0; (file = pm_journal_file(d->journal, i)); i++) {
		slot = pm_vec_push(d->ctx, &d->made);
		if (!slot)
			return d->ctx->rc;
		*slot = file;
	}
	return PM_OK;
}

enum pm_rc pm_outdir_open(struct pm_ctx *ctx, const char *path, const char *source,
			  enum pm_outdir_how how, bool record, const struct pm_journal_id *id,
			  struct pm_outdir *ret)
{
	enum pm_rc rc = PM_OK;

	*ret = (struct pm_outdir){.ctx = ctx, .how = how, .record = record};
	ret->path = pm_strdup(ctx, path);
	if (!ret->path)
		return PM_ENOMEM;
	if (how != PM_OUTDIR_RESUME)
		rc = make(ctx, path, true);
	if (!rc)
		rc = check_content(ctx, path, source, how);
	if (!rc)
		rc = how == PM_OUTDIR_RESUME ? pm_journal_resume(ctx, path, id, &ret->journal)
					     : pm_journal_begin(ctx, path, id, &ret->journal);
	if (!rc)
		rc = load_made(ret);
	ret->replays = !rc && pm_journal_replays(ret->journal);
	if (!rc)
		rc = pm_outdir_create(ret, PM_EXPORT_MAP, &ret->map);
	if (!rc && !ret->replays)
		pm_buf_str(ctx, &ret->lines, "file\tnumber\tkind\tnid\tfolder\tname\tstate\n");
	return rc ? rc : ctx->rc;
}

static char *join(struct pm_outdir *d, const char *rel)
{
	return pm_asprintf(d->ctx, "%s/%s", d->path, rel);
}

enum pm_rc pm_outdir_mkdir(struct pm_outdir *d, const char *rel)
{
	char *path = join(d, rel);
	enum pm_rc rc = path ? make(d->ctx, path, false) : PM_ENOMEM;

	pm_free(path);
	return rc;
}

static enum pm_rc record(struct pm_outdir *d, const char *rel)
{
	const char **slot = pm_vec_push(d->ctx, &d->made);

	if (slot)
		*slot = pm_arena_strdup(d->ctx, &d->arena, rel);
	pm_journal_note_file(d->journal, rel);
	return d->ctx->rc;
}

enum pm_rc pm_outdir_create(struct pm_outdir *d, const char *rel, struct pm_output **ret)
{
	unsigned int flags = PM_OUTPUT_NOSYNC | PM_OUTPUT_KEEP;
	char *path = join(d, rel);
	enum pm_rc rc = path ? PM_OK : PM_ENOMEM;

	if (d->how != PM_OUTDIR_NEW)
		flags |= PM_OUTPUT_FORCE;
	if (d->replays)
		flags |= PM_OUTPUT_LATER; /* and it has its place among those that were made */
	else if (!rc && d->record)
		rc = record(d, rel);
	if (!rc)
		rc = pm_output_create(d->ctx, path, flags, ret);
	pm_free(path);
	return rc;
}

/* ---- the map ---- */

static enum pm_rc flush(struct pm_outdir *d)
{
	enum pm_rc rc = d->ctx->rc;

	if (!rc && d->lines.n)
		rc = pm_output_append(d->map, d->lines.p, d->lines.n);
	pm_buf_clear(&d->lines);
	return rc;
}

enum pm_rc pm_outdir_note(struct pm_outdir *d, const struct pm_outdir_entry *e)
{
	pm_tsv_put(d->ctx, &d->lines, e->file);
	if (e->number)
		pm_buf_printf(d->ctx, &d->lines, "\t%llu\t", (unsigned long long)e->number);
	else
		pm_buf_str(d->ctx, &d->lines, "\t\t");
	pm_tsv_put(d->ctx, &d->lines, e->kind);
	pm_buf_printf(d->ctx, &d->lines, "\t0x%X\t", e->nid);
	pm_tsv_put(d->ctx, &d->lines, e->folder);
	pm_buf_byte(d->ctx, &d->lines, '\t');
	pm_tsv_put(d->ctx, &d->lines, e->name);
	pm_buf_byte(d->ctx, &d->lines, '\t');
	pm_tsv_put(d->ctx, &d->lines, e->state);
	pm_buf_byte(d->ctx, &d->lines, '\n');
	return d->lines.n > MAP_CHUNK ? flush(d) : d->ctx->rc;
}

enum pm_rc pm_outdir_flush(struct pm_outdir *d, uint64_t *ret_size)
{
	enum pm_rc rc = flush(d);

	*ret_size = pm_output_size(d->map);
	return rc;
}

enum pm_rc pm_outdir_resume(struct pm_outdir *d)
{
	d->replays = false;
	return pm_output_resume(d->map, pm_journal_sizes(d->journal)->map);
}

enum pm_rc pm_outdir_finish(struct pm_outdir *d)
{
	enum pm_rc rc = flush(d);

	return rc ? rc : pm_output_commit(d->map);
}

void pm_outdir_close(struct pm_outdir *d)
{
	pm_output_free(d->map);
	pm_journal_free(d->journal);
	pm_buf_done(&d->lines);
	pm_vec_done(&d->made);
	pm_arena_done(&d->arena);
	pm_free(d->path);
	*d = (struct pm_outdir){0};
}
