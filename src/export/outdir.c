/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of an export; see outdir.h. */
#include "export/outdir.h"

#include "base/quote.h"
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
	while (empty && (e = readdir(dir)))
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	closedir(dir);
	if (empty)
		return PM_OK;
	return pm_fail(ctx, PM_EUSAGE,
		       "%s: this directory is not empty; choose another one with -o, or write "
		       "into it with --force, which replaces files of the same names",
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

enum pm_rc pm_outdir_check(struct pm_ctx *ctx, const char *path, const char *source, bool force)
{
	struct stat st;
	enum pm_rc rc;

	if (stat(path, &st))
		return PM_OK;
	if (!S_ISDIR(st.st_mode))
		return fail_no_dir(ctx, path);
	rc = check_source(ctx, path, source);
	return rc || force ? rc : check_empty(ctx, path);
}

enum pm_rc pm_outdir_open(struct pm_ctx *ctx, const char *path, const char *source, bool force,
			  bool record, struct pm_outdir *ret)
{
	enum pm_rc rc = PM_OK;

	*ret = (struct pm_outdir){.ctx = ctx, .force = force, .record = record};
	ret->path = pm_strdup(ctx, path);
	if (!ret->path)
		return PM_ENOMEM;
	rc = make(ctx, path, true);
	if (!rc)
		rc = check_source(ctx, path, source);
	if (!rc && !force)
		rc = check_empty(ctx, path);
	if (!rc)
		rc = pm_outdir_create(ret, PM_EXPORT_MAP, &ret->map);
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

enum pm_rc pm_outdir_create(struct pm_outdir *d, const char *rel, struct pm_output **ret)
{
	unsigned int flags = PM_OUTPUT_NOSYNC | (d->force ? PM_OUTPUT_FORCE : 0);
	char *path = join(d, rel);
	const char **slot = d->record ? pm_vec_push(d->ctx, &d->made) : NULL;
	enum pm_rc rc;

	if (slot)
		*slot = pm_arena_strdup(d->ctx, &d->arena, rel);
	rc = d->ctx->rc;
	if (!rc)
		rc = path ? pm_output_create(d->ctx, path, flags, ret) : PM_ENOMEM;

	pm_free(path);
	return rc;
}

/* ---- the map ---- */

/* A field: what would break the line is escaped as in C. */
static void put(struct pm_outdir *d, const char *s)
{
	static const char from[] = "\t\n\r\\", to[] = "tnr\\";

	for (; s && *s; s++) {
		const char *special = strchr(from, *s);

		if (special) {
			pm_buf_byte(d->ctx, &d->lines, '\\');
			pm_buf_byte(d->ctx, &d->lines, (uint8_t)to[special - from]);
		} else {
			pm_buf_byte(d->ctx, &d->lines, (uint8_t)*s);
		}
	}
}

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
	put(d, e->file);
	if (e->number)
		pm_buf_printf(d->ctx, &d->lines, "\t%llu\t", (unsigned long long)e->number);
	else
		pm_buf_str(d->ctx, &d->lines, "\t\t");
	put(d, e->kind);
	pm_buf_printf(d->ctx, &d->lines, "\t0x%X\t", e->nid);
	put(d, e->folder);
	pm_buf_byte(d->ctx, &d->lines, '\t');
	put(d, e->name);
	pm_buf_byte(d->ctx, &d->lines, '\t');
	put(d, e->state);
	pm_buf_byte(d->ctx, &d->lines, '\n');
	return d->lines.n > MAP_CHUNK ? flush(d) : d->ctx->rc;
}

enum pm_rc pm_outdir_finish(struct pm_outdir *d)
{
	enum pm_rc rc = flush(d);

	return rc ? rc : pm_output_commit(d->map);
}

void pm_outdir_close(struct pm_outdir *d)
{
	pm_output_free(d->map);
	pm_buf_done(&d->lines);
	pm_vec_done(&d->made);
	pm_arena_done(&d->arena);
	pm_free(d->path);
	*d = (struct pm_outdir){0};
}
