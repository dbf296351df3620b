/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of the inventory at the end: CSV and SQLite; see evidence_out.h. */
#include "export/evidence_out.h"

#include "base/quote.h"
#include "io/write.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

enum { CHUNK = 1 << 20 };

/* ---- reading it back ---- */

static const char *text_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static enum pm_rc one_row(struct pm_evidence *e, const uint8_t *p, size_t n, pm_evidence_row_fn fn,
			  void *arg)
{
	json_t *o = json_loadb((const char *)p, n, 0, NULL);
	const json_t *list = json_object_get(o, "attachments");
	struct pm_evidence_row row = {.n = json_array_size(list)};
	char count[24];
	enum pm_rc rc = PM_OK;

	if (!o)
		return pm_fail(e->ctx, PM_EBUG, "a row of the inventory can't be read back");
	for (size_t i = 0; i < PM_EC_COLUMNS; i++)
		row.cells[i] = i == PM_EC_ATTACHMENTS ? NULL : text_of(o, pm_evidence_columns[i]);
	snprintf(count, sizeof(count), "%zu", row.n);
	if (row.cells[PM_EC_SIZE])
		row.cells[PM_EC_ATTACHMENTS] = count; /* else nothing is left of it */
	row.attachments = pm_calloc(e->ctx, row.n ? row.n : 1, sizeof(*row.attachments));
	for (size_t i = 0; row.attachments && i < row.n; i++) {
		const json_t *a = json_array_get(list, i);

		for (size_t k = 1; k < PM_EA_COLUMNS; k++)
			row.attachments[i][k] = text_of(a, pm_evidence_attachment_columns[k]);
		row.attachments[i][PM_EA_NID] = row.cells[PM_EC_NID];
	}
	rc = row.attachments ? fn(arg, &row) : PM_ENOMEM;
	pm_free(row.attachments);
	json_decref(o);
	return rc;
}

/* Whole lines at the beginning of the buffer; what is left moves there. */
static enum pm_rc rows_of(struct pm_evidence *e, struct pm_buf *b, pm_evidence_row_fn fn, void *arg)
{
	size_t at = 0;
	const uint8_t *nl;
	enum pm_rc rc = PM_OK;

	while (!rc && at < b->n && (nl = memchr(b->p + at, '\n', b->n - at))) {
		rc = one_row(e, b->p + at, (size_t)(nl - b->p) - at, fn, arg);
		at = (size_t)(nl - b->p) + 1;
	}
	if (at)
		memmove(b->p, b->p + at, b->n - at);
	b->n -= at;
	return rc;
}

enum pm_rc pm_evidence_each(struct pm_evidence *e, pm_evidence_row_fn fn, void *arg)
{
	uint64_t size = pm_output_size(e->jsonl), at = 0;
	struct pm_buf b = {0};
	enum pm_rc rc = PM_OK;

	while (!rc && at < size) {
		size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		uint8_t *room = pm_buf_room(e->ctx, &b, n);
		ssize_t got = room ? pread(pm_output_fd(e->jsonl), room, n, (off_t)at) : -1;

		if (!room)
			rc = e->ctx->rc;
		else if (got <= 0)
			rc = pm_fail(e->ctx, PM_EIO,
				     "%s/" PM_EVIDENCE_DIR
				     "/inventory.jsonl: cannot read what was written (%s)",
				     pm_quote(e->dir->path).s, pm_strerror(got ? errno : EIO));
		if (rc)
			break;
		b.n -= n - (size_t)got;
		at += (uint64_t)got;
		rc = rows_of(e, &b, fn, arg);
	}
	pm_buf_done(&b);
	return rc;
}

/* ---- CSV ---- */

void pm_csv_cell(struct pm_ctx *ctx, struct pm_buf *out, const char *text)
{
	pm_buf_byte(ctx, out, '"');
	if (text && *text && strchr("=+-@\t\r", *text))
		pm_buf_byte(ctx, out, '\'');
	for (; text && *text; text++) {
		if (*text == '"')
			pm_buf_byte(ctx, out, '"');
		pm_buf_byte(ctx, out, (uint8_t)*text);
	}
	pm_buf_byte(ctx, out, '"');
}

struct csv {
	struct pm_evidence *e;
	struct pm_output *items, *attachments;
	struct pm_buf lines[2]; /* not written yet */
};

static enum pm_rc flush(struct csv *c, size_t least)
{
	struct pm_output *const files[] = {c->items, c->attachments};
	enum pm_rc rc = c->e->ctx->rc;

	for (size_t i = 0; i < 2 && !rc; i++) {
		if (c->lines[i].n <= least)
			continue;
		rc = pm_output_append(files[i], c->lines[i].p, c->lines[i].n);
		pm_buf_clear(&c->lines[i]);
	}
	return rc;
}

static void put_line(struct csv *c, struct pm_buf *line, const char *const *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			pm_buf_byte(c->e->ctx, line, ',');
		pm_csv_cell(c->e->ctx, line, cells[i]);
	}
	pm_buf_str(c->e->ctx, line, "\r\n");
}

static enum pm_rc csv_row(void *arg, const struct pm_evidence_row *row)
{
	struct csv *c = arg;

	put_line(c, &c->lines[0], row->cells, PM_EC_COLUMNS);
	for (size_t i = 0; i < row->n; i++)
		put_line(c, &c->lines[1], row->attachments[i], pm_evidence_attachment_n(c->e));
	return flush(c, CHUNK);
}

enum pm_rc pm_evidence_put_csv(struct pm_evidence *e)
{
	struct csv c = {.e = e};
	enum pm_rc rc = pm_evidence_create(e, "inventory.csv", &c.items);

	if (!rc)
		rc = pm_evidence_create(e, "attachments.csv", &c.attachments);
	put_line(&c, &c.lines[0], pm_evidence_columns, PM_EC_COLUMNS);
	put_line(&c, &c.lines[1], pm_evidence_attachment_columns, pm_evidence_attachment_n(e));
	if (!rc)
		rc = pm_evidence_each(e, csv_row, &c);
	if (!rc)
		rc = flush(&c, 0);
	if (!rc)
		rc = pm_output_commit(c.items);
	if (!rc)
		rc = pm_output_commit(c.attachments);
	pm_output_free(c.items);
	pm_output_free(c.attachments);
	pm_buf_done(&c.lines[0]);
	pm_buf_done(&c.lines[1]);
	return rc;
}

/* ---- SQLite ---- */

struct database {
	struct pm_evidence *e;
	sqlite3 *db;
	sqlite3_stmt *item, *attachment;
};

static enum pm_rc sql_fail(struct database *d)
{
	return pm_fail(d->e->ctx, PM_EIO,
		       "%s/" PM_EVIDENCE_DIR
		       "/inventory.sqlite: %s; check the disk and go on with --resume",
		       pm_quote(d->e->dir->path).s, sqlite3_errmsg(d->db));
}

static enum pm_rc sql_run(struct database *d, const char *sql)
{
	return sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK ? PM_OK : sql_fail(d);
}

static enum pm_rc sql_table(struct database *d, const char *table, const char *const *columns,
			    size_t n, sqlite3_stmt **ret)
{
	struct pm_ctx *ctx = d->e->ctx;
	struct pm_buf create = {0}, insert = {0};
	enum pm_rc rc;

	pm_buf_printf(ctx, &create, "CREATE TABLE %s (", table);
	pm_buf_printf(ctx, &insert, "INSERT INTO %s VALUES (", table);
	for (size_t i = 0; i < n; i++) {
		pm_buf_printf(ctx, &create, "%s\"%s\"", i ? ", " : "", columns[i]);
		pm_buf_str(ctx, &insert, i ? ",?" : "?");
	}
	pm_buf_byte(ctx, &create, ')');
	pm_buf_byte(ctx, &insert, ')');
	rc = ctx->rc ? ctx->rc : sql_run(d, pm_buf_cstr(ctx, &create));
	if (!rc && sqlite3_prepare_v2(d->db, pm_buf_cstr(ctx, &insert), -1, ret, NULL) != SQLITE_OK)
		rc = sql_fail(d);
	pm_buf_done(&create);
	pm_buf_done(&insert);
	return rc;
}

static enum pm_rc sql_insert(struct database *d, sqlite3_stmt *s, const char *const *cells,
			     size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int rc = cells[i] && *cells[i]
				 ? sqlite3_bind_text(s, (int)i + 1, cells[i], -1, SQLITE_TRANSIENT)
				 : sqlite3_bind_null(s, (int)i + 1);

		if (rc != SQLITE_OK)
			return sql_fail(d);
	}
	if (sqlite3_step(s) != SQLITE_DONE || sqlite3_reset(s) != SQLITE_OK)
		return sql_fail(d);
	return PM_OK;
}

static enum pm_rc sql_row(void *arg, const struct pm_evidence_row *row)
{
	struct database *d = arg;
	enum pm_rc rc = sql_insert(d, d->item, row->cells, PM_EC_COLUMNS);

	for (size_t i = 0; i < row->n && !rc; i++)
		rc = sql_insert(d, d->attachment, row->attachments[i],
				pm_evidence_attachment_n(d->e));
	return rc;
}

static enum pm_rc sql_fill(struct database *d, const char *path)
{
	enum pm_rc rc = PM_OK;

	if (sqlite3_open(path, &d->db) != SQLITE_OK)
		return sql_fail(d);
	rc = sql_run(d, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN");
	if (!rc)
		rc = sql_table(d, "items", pm_evidence_columns, PM_EC_COLUMNS, &d->item);
	if (!rc)
		rc = sql_table(d, "attachments", pm_evidence_attachment_columns,
			       pm_evidence_attachment_n(d->e), &d->attachment);
	if (!rc)
		rc = pm_evidence_each(d->e, sql_row, d);
	return rc ? rc : sql_run(d, "COMMIT");
}

/* The library opens files by their names, so it works on that of the unfinished one. */
enum pm_rc pm_evidence_put_sqlite(struct pm_evidence *e)
{
	struct database d = {.e = e};
	struct pm_output *file = NULL;
	enum pm_rc rc = pm_evidence_create(e, "inventory.sqlite", &file);

	if (!rc)
		rc = sql_fill(&d, pm_output_temp_path(file));
	sqlite3_finalize(d.item);
	sqlite3_finalize(d.attachment);
	sqlite3_close(d.db);
	if (!rc)
		rc = pm_output_commit(file);
	pm_output_free(file);
	return rc;
}
