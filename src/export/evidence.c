/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence package; see evidence.h. */
#include "export/evidence.h"

#include "base/quote.h"
#include "base/text.h"
#include "base/time.h"
#include "export/header.h"
#include "export/mime.h"
#include "pstmend.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <nettle/md5.h>
#include <nettle/sha2.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEX = 2 * SHA256_DIGEST_SIZE + 1, CHUNK = 1 << 20, HEADERS_MAX = 4 << 20 };

/* Columns of the inventory, in the order of the files. */
enum column {
	C_NID,
	C_FOLDER,
	C_CLASS,
	C_SUBJECT,
	C_FROM,
	C_SENDER,
	C_TO,
	C_CC,
	C_BCC,
	C_SENT,
	C_DELIVERED,
	C_CREATED,
	C_MODIFIED,
	C_MESSAGE_ID,
	C_MIH,
	C_SIZE,
	C_FLAGS,
	C_ATTACHMENTS,
	C_STATE,
	C_WHY,
	C_PROVENANCE,
	C_FILE,
	C_NUMBER,
	C_AUTHENTICATION,
	C_DKIM,
	C_ARC,
	C_SPF,
	COLUMNS
};

static const char *const names[COLUMNS] = {"nid",
					   "folder",
					   "class",
					   "subject",
					   "from",
					   "sender",
					   "to",
					   "cc",
					   "bcc",
					   "sent",
					   "delivered",
					   "created",
					   "modified",
					   "message_id",
					   "edrm_mih",
					   "size",
					   "flags",
					   "attachments",
					   "state",
					   "why",
					   "provenance",
					   "file",
					   "number",
					   "authentication_results",
					   "dkim_signature",
					   "arc_seal",
					   "received_spf"};

enum { A_NID, A_INDEX, A_NAME, A_MIME, A_METHOD, A_SIZE, A_SHA256, A_COLUMNS };
static const char *const attach_names[A_COLUMNS] = {"nid",    "attachment", "name",  "mime_type",
						    "method", "size",       "sha256"};

struct pm_evidence {
	struct pm_ctx *ctx;
	struct pm_outdir *dir;
	struct pm_image *source;
	char before[HEX];
	struct pm_output *csv, *attach_csv, *jsonl;
	sqlite3 *db;
	char *path; /* of the database, once it is ours */
	bool finished;
	sqlite3_stmt *insert, *insert_attach;
};

/* ---- hashes ---- */

static void to_hex(const uint8_t *p, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret[i * 2] = digits[p[i] >> 4];
		ret[i * 2 + 1] = digits[p[i] & 15];
	}
	ret[n * 2] = '\0';
}

static void end_sha(struct sha256_ctx *h, char ret[HEX])
{
	uint8_t d[SHA256_DIGEST_SIZE];

	sha256_digest(h, sizeof(d), d);
	to_hex(d, sizeof(d), ret);
}

bool pm_edrm_mih(const char *id, char ret[33])
{
	const char *open = id ? strchr(id, '<') : NULL, *close = open ? strchr(open, '>') : NULL;
	struct md5_ctx h;
	uint8_t d[MD5_DIGEST_SIZE];

	if (!id || !*id)
		return false;
	md5_init(&h);
	if (close) {
		md5_update(&h, (size_t)(close - open) + 1, (const uint8_t *)open);
	} else {
		md5_update(&h, 1, (const uint8_t *)"<");
		md5_update(&h, strlen(id), (const uint8_t *)id);
		md5_update(&h, 1, (const uint8_t *)">");
	}
	md5_digest(&h, sizeof(d), d);
	to_hex(d, sizeof(d), ret);
	return true;
}

/* The whole data file. What can't be read is hashed as zeros, and the analysis says where it is. */
static enum pm_rc hash_source(struct pm_evidence *e, char ret[HEX])
{
	uint64_t size = pm_image_size(e->source);
	uint8_t *buf = pm_calloc(e->ctx, 1, CHUNK);
	struct sha256_ctx h;
	enum pm_rc rc = buf ? PM_OK : PM_ENOMEM;

	sha256_init(&h);
	for (uint64_t at = 0; at < size && !pm_is_error(rc); at += CHUNK) {
		size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK;

		memset(buf, 0, n);
		rc = pm_image_read(e->ctx, e->source, at, buf, n);
		if (!pm_is_error(rc))
			sha256_update(&h, n, buf);
	}
	end_sha(&h, ret);
	pm_free(buf);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc hash_value(struct pm_ctx *ctx, const struct pm_value *v, char ret[HEX])
{
	struct pm_buf block = {0};
	struct sha256_ctx h;
	enum pm_rc rc = PM_OK;

	sha256_init(&h);
	if (!v->stream && v->span.n)
		sha256_update(&h, v->span.n, v->span.p);
	for (size_t i = 0; v->stream && i < v->data.leaves.n && !pm_is_error(rc); i++) {
		pm_buf_clear(&block);
		rc = pm_data_read_leaf(&v->data, i, &block);
		if (!pm_is_error(rc) && block.n)
			sha256_update(&h, block.n, block.p);
	}
	end_sha(&h, ret);
	pm_buf_done(&block);
	return pm_is_error(rc) ? rc : ctx->rc;
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

static enum pm_rc put_csv(struct pm_evidence *e, struct pm_output *file, const char *const *cells,
			  size_t n)
{
	struct pm_buf line = {0};
	enum pm_rc rc;

	for (size_t i = 0; i < n; i++) {
		if (i)
			pm_buf_byte(e->ctx, &line, ',');
		pm_csv_cell(e->ctx, &line, cells[i]);
	}
	pm_buf_str(e->ctx, &line, "\r\n");
	rc = e->ctx->rc ? e->ctx->rc : pm_output_append(file, line.p, line.n);
	pm_buf_done(&line);
	return rc;
}

/* ---- SQLite ---- */

static enum pm_rc sql_fail(struct pm_evidence *e)
{
	return pm_fail(e->ctx, PM_EIO, "%s/" PM_EVIDENCE_DIR "/inventory.sqlite: %s",
		       pm_quote(e->dir->path).s, sqlite3_errmsg(e->db));
}

static enum pm_rc sql_run(struct pm_evidence *e, const char *sql)
{
	return sqlite3_exec(e->db, sql, NULL, NULL, NULL) == SQLITE_OK ? PM_OK : sql_fail(e);
}

static enum pm_rc sql_table(struct pm_evidence *e, const char *table, const char *const *columns,
			    size_t n, sqlite3_stmt **ret)
{
	struct pm_buf create = {0}, insert = {0};
	enum pm_rc rc;

	pm_buf_printf(e->ctx, &create, "CREATE TABLE %s (", table);
	pm_buf_printf(e->ctx, &insert, "INSERT INTO %s VALUES (", table);
	for (size_t i = 0; i < n; i++) {
		pm_buf_printf(e->ctx, &create, "%s\"%s\"", i ? ", " : "", columns[i]);
		pm_buf_str(e->ctx, &insert, i ? ",?" : "?");
	}
	pm_buf_byte(e->ctx, &create, ')');
	pm_buf_byte(e->ctx, &insert, ')');
	rc = e->ctx->rc ? e->ctx->rc : sql_run(e, pm_buf_cstr(e->ctx, &create));
	if (!rc &&
	    sqlite3_prepare_v2(e->db, pm_buf_cstr(e->ctx, &insert), -1, ret, NULL) != SQLITE_OK)
		rc = sql_fail(e);
	pm_buf_done(&create);
	pm_buf_done(&insert);
	return rc;
}

static enum pm_rc sql_open(struct pm_evidence *e)
{
	char *path = pm_asprintf(e->ctx, "%s/" PM_EVIDENCE_DIR "/inventory.sqlite", e->dir->path);
	int fd;
	enum pm_rc rc = PM_OK;

	if (!path)
		return PM_ENOMEM;
	if (e->dir->force)
		unlink(path);
	/* For its owner only, as all else. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		rc = pm_fail(e->ctx, PM_EIO, "%s: cannot create it (%s)", pm_quote(path).s,
			     pm_strerror(errno));
	else
		close(fd);
	if (fd >= 0)
		e->path = path;
	if (!rc && sqlite3_open(path, &e->db) != SQLITE_OK)
		rc = sql_fail(e);
	if (fd < 0)
		pm_free(path);
	if (!rc)
		rc = sql_run(e, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN");
	if (!rc)
		rc = sql_table(e, "items", names, COLUMNS, &e->insert);
	return rc ? rc : sql_table(e, "attachments", attach_names, A_COLUMNS, &e->insert_attach);
}

static enum pm_rc sql_insert(struct pm_evidence *e, sqlite3_stmt *s, const char *const *cells,
			     size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int rc = cells[i] && *cells[i]
				 ? sqlite3_bind_text(s, (int)i + 1, cells[i], -1, SQLITE_TRANSIENT)
				 : sqlite3_bind_null(s, (int)i + 1);

		if (rc != SQLITE_OK)
			return sql_fail(e);
	}
	if (sqlite3_step(s) != SQLITE_DONE || sqlite3_reset(s) != SQLITE_OK)
		return sql_fail(e);
	return PM_OK;
}

/* ---- begin ---- */

static enum pm_rc begin_file(struct pm_evidence *e, const char *name, struct pm_output **ret)
{
	char *rel = pm_asprintf(e->ctx, PM_EVIDENCE_DIR "/%s", name);
	enum pm_rc rc = rel ? pm_outdir_create(e->dir, rel, ret) : PM_ENOMEM;

	pm_free(rel);
	return rc;
}

enum pm_rc pm_evidence_open(struct pm_ctx *ctx, struct pm_outdir *dir, struct pm_image *source,
			    struct pm_evidence **ret)
{
	struct pm_evidence *e = pm_calloc(ctx, 1, sizeof(*e));
	enum pm_rc rc;

	if (!e)
		return PM_ENOMEM;
	*ret = e;
	*e = (struct pm_evidence){.ctx = ctx, .dir = dir, .source = source};
	rc = hash_source(e, e->before);
	if (!rc)
		rc = pm_outdir_mkdir(dir, PM_EVIDENCE_DIR);
	if (!rc)
		rc = begin_file(e, "inventory.csv", &e->csv);
	if (!rc)
		rc = begin_file(e, "attachments.csv", &e->attach_csv);
	if (!rc)
		rc = begin_file(e, "inventory.jsonl", &e->jsonl);
	if (!rc)
		rc = sql_open(e);
	if (!rc)
		rc = put_csv(e, e->csv, names, COLUMNS);
	return rc ? rc : put_csv(e, e->attach_csv, attach_names, A_COLUMNS);
}

void pm_evidence_free(struct pm_evidence *e)
{
	if (!e)
		return;
	pm_output_free(e->csv);
	pm_output_free(e->attach_csv);
	pm_output_free(e->jsonl);
	sqlite3_finalize(e->insert);
	sqlite3_finalize(e->insert_attach);
	sqlite3_close(e->db);
	if (e->path && !e->finished)
		unlink(e->path); /* what is not finished is not left behind */
	pm_free(e->path);
	pm_free(e);
}

/* ---- an item ---- */

struct row {
	struct pm_evidence *e;
	struct pm_arena arena;
	const char *cells[COLUMNS];
	json_t *attachments;
};

static const char *keep(struct row *r, struct pm_buf *b)
{
	const char *s =
		b->n ? pm_arena_strdup(r->e->ctx, &r->arena, pm_buf_cstr(r->e->ctx, b)) : NULL;

	pm_buf_done(b);
	return s;
}

static const char *number(struct row *r, uint64_t v)
{
	struct pm_buf b = {0};

	pm_buf_printf(r->e->ctx, &b, "%llu", (unsigned long long)v);
	return keep(r, &b);
}

static const char *when(struct row *r, uint64_t t)
{
	char text[PM_TIME_TEXT];

	return pm_time_is_set(t) ? pm_arena_strdup(r->e->ctx, &r->arena, pm_time_iso(t, text))
				 : NULL;
}

static const char *people(struct row *r, const struct pm_mailboxes *l)
{
	struct pm_buf b = {0};

	for (size_t i = 0; i < l->v.n; i++) {
		const struct pm_mailbox *m = &l->v.v[i];
		const char *address = m->smtp ? m->smtp : m->other;

		pm_buf_printf(r->e->ctx, &b, "%s%s", i ? "; " : "", m->name ? m->name : "");
		if (address)
			pm_buf_printf(r->e->ctx, &b, "%s<%s>", m->name ? " " : "", address);
	}
	return keep(r, &b);
}

static const char *flags(struct row *r, struct pm_message *m)
{
	static const char *const words[] = {"read", "replied", "forwarded", "flagged", "draft"};
	unsigned int s = pm_mime_state(m);
	struct pm_buf b = {0};

	for (size_t i = 0; i < 5; i++)
		if (s & 1u << i)
			pm_buf_printf(r->e->ctx, &b, "%s%s", b.n ? " " : "", words[i]);
	return keep(r, &b);
}

/* What headers claim: every field of this name, as it is. */
static const char *claims(struct row *r, const struct pm_fields *f, const char *name)
{
	struct pm_buf b = {0}, clean = {0};

	for (size_t i = 0; i < f->v.n; i++) {
		if (!pm_field_is(&f->v.v[i], name))
			continue;
		if (b.n)
			pm_buf_str(r->e->ctx, &b, " | ");
		pm_field_unfold(r->e->ctx, &f->v.v[i], &b);
	}
	pm_utf8_clean(r->e->ctx, &clean, b.p, b.n, NULL);
	pm_buf_done(&b);
	return keep(r, &clean);
}

static enum pm_rc headers(struct row *r, struct pm_message *m)
{
	struct pm_buf block = {0};
	struct pm_fields f = {0};
	char *id = NULL, mih[33];
	enum pm_rc rc = pm_pc_text(&m->pc, PM_ID_INTERNET_MESSAGE_ID, m->codepage, &r->arena, &id);

	if (!pm_is_error(rc))
		rc = pm_pc_string(&m->pc, PM_ID_TRANSPORT_HEADERS, m->codepage, &block);
	if (!pm_is_error(rc))
		rc = pm_fields_parse(r->e->ctx, pm_buf_span(&block), &f);
	if (!pm_is_error(rc)) {
		r->cells[C_MESSAGE_ID] = id && *id ? id : claims(r, &f, "Message-ID");
		if (pm_edrm_mih(r->cells[C_MESSAGE_ID], mih))
			r->cells[C_MIH] = pm_arena_strdup(r->e->ctx, &r->arena, mih);
		r->cells[C_AUTHENTICATION] = claims(r, &f, "Authentication-Results");
		r->cells[C_DKIM] = claims(r, &f, "DKIM-Signature");
		r->cells[C_ARC] = claims(r, &f, "ARC-Seal");
		r->cells[C_SPF] = claims(r, &f, "Received-SPF");
	}
	pm_fields_done(&f);
	pm_buf_done(&block);
	return pm_is_error(rc) ? rc : PM_OK;
}

static void set(json_t *o, const char *name, const char *value)
{
	if (value && *value)
		json_object_set_new(o, name, json_string(value));
}

static enum pm_rc attachment(struct row *r, struct pm_message *m, size_t i)
{
	static const char *const methods[] = {"none",      "value",    "reference", "reference",
					      "reference", "embedded", "ole",       "link"};
	const char *cells[A_COLUMNS] = {r->cells[C_NID]};
	char hash[HEX];
	struct pm_attachment a;
	struct pm_value v = {0};
	json_t *o = json_object();
	enum pm_rc rc = pm_attachment_open(m, i, &a);

	cells[A_INDEX] = number(r, i + 1);
	if (!pm_is_error(rc)) {
		cells[A_NAME] = a.name;
		cells[A_MIME] = a.mime;
		cells[A_METHOD] = a.method < 8 ? methods[a.method] : NULL;
		rc = pm_attachment_data(&a, &v);
		if (rc == PM_OK || rc == PM_DAMAGED) {
			cells[A_SIZE] = number(r, v.stream ? v.size : v.span.n);
			rc = hash_value(r->e->ctx, &v, hash);
			cells[A_SHA256] = hash;
		}
	}
	if (!pm_is_error(rc)) {
		for (size_t k = A_INDEX; k < A_COLUMNS; k++)
			set(o, attach_names[k], cells[k]);
		rc = put_csv(r->e, r->e->attach_csv, cells, A_COLUMNS);
	}
	if (!rc)
		rc = sql_insert(r->e, r->e->insert_attach, cells, A_COLUMNS);
	json_array_append_new(r->attachments, o);
	pm_value_done(&v);
	pm_attachment_close(&a);
	return rc;
}

static enum pm_rc fill(struct row *r, struct pm_message *m)
{
	struct pm_people p;
	enum pm_rc rc = pm_people_load(m, &p);

	if (!rc) {
		r->cells[C_FROM] = people(r, &p.from);
		r->cells[C_SENDER] = people(r, &p.sender);
		r->cells[C_TO] = people(r, &p.to);
		r->cells[C_CC] = people(r, &p.cc);
		r->cells[C_BCC] = people(r, &p.bcc);
	}
	pm_people_done(&p);
	r->cells[C_CLASS] = m->message_class;
	r->cells[C_SENT] = when(r, m->submit);
	r->cells[C_DELIVERED] = when(r, m->delivery);
	r->cells[C_CREATED] = when(r, m->created);
	r->cells[C_MODIFIED] = when(r, m->modified);
	r->cells[C_SIZE] = number(r, m->size);
	r->cells[C_FLAGS] = flags(r, m);
	r->cells[C_ATTACHMENTS] = number(r, m->attachments.n);
	if (!rc)
		rc = headers(r, m);
	for (size_t i = 0; i < m->attachments.n && !rc; i++)
		rc = attachment(r, m, i);
	return rc;
}

static enum pm_rc put_json(struct row *r)
{
	json_t *o = json_object();
	char *text;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < COLUMNS; i++)
		if (i != C_ATTACHMENTS)
			set(o, names[i], r->cells[i]);
	json_object_set(o, "attachments", r->attachments);
	text = json_dumps(o, JSON_COMPACT);
	if (!text)
		rc = pm_fail(r->e->ctx, PM_ENOMEM, "out of memory");
	if (!rc)
		rc = pm_output_append(r->e->jsonl, text, strlen(text));
	if (!rc)
		rc = pm_output_append(r->e->jsonl, "\n", 1);
	free(text); /* lint: free */
	json_decref(o);
	return rc;
}

enum pm_rc pm_evidence_add(struct pm_evidence *e, const struct pm_evidence_item *it)
{
	struct row r = {.e = e, .attachments = json_array()};
	struct pm_buf nid = {0};
	enum pm_rc rc;

	pm_buf_printf(e->ctx, &nid, "0x%X", it->nid);
	r.cells[C_NID] = keep(&r, &nid);
	r.cells[C_FOLDER] = it->folder;
	r.cells[C_SUBJECT] = it->subject;
	r.cells[C_STATE] = it->state;
	r.cells[C_WHY] = it->why;
	r.cells[C_PROVENANCE] = it->msg ? "node tree" : "row of the folder's table";
	r.cells[C_FILE] = it->file;
	r.cells[C_NUMBER] = it->number ? number(&r, it->number) : NULL;
	rc = it->msg ? fill(&r, it->msg) : e->ctx->rc;
	if (!rc)
		rc = put_csv(e, e->csv, r.cells, COLUMNS);
	if (!rc)
		rc = sql_insert(e, e->insert, r.cells, COLUMNS);
	if (!rc)
		rc = put_json(&r);
	json_decref(r.attachments);
	pm_arena_done(&r.arena);
	return rc ? rc : e->ctx->rc;
}

/* ---- the end ---- */

static enum pm_rc hash_file(struct pm_evidence *e, const char *rel, char ret[HEX])
{
	char *path = pm_asprintf(e->ctx, "%s/%s", e->dir->path, rel);
	uint8_t *buf = pm_calloc(e->ctx, 1, CHUNK);
	int fd = path && buf ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct sha256_ctx h;
	ssize_t n = fd < 0 ? -1 : 0;
	enum pm_rc rc = e->ctx->rc;

	sha256_init(&h);
	while (fd >= 0 && (n = read(fd, buf, CHUNK)) > 0)
		sha256_update(&h, (size_t)n, buf);
	if (!rc && n < 0)
		rc = pm_fail(e->ctx, PM_EIO, "%s: cannot read what was written (%s)",
			     pm_quote(path).s, pm_strerror(errno));
	if (fd >= 0)
		close(fd);
	end_sha(&h, ret);
	pm_free(path);
	pm_free(buf);
	return rc;
}

/* A line as sha256sum has it; a name with a backslash or a line end is escaped, and a backslash
 * in front of the line says so. */
static void manifest_line(struct pm_ctx *ctx, struct pm_buf *out, const char *hash, const char *rel)
{
	if (strpbrk(rel, "\\\n"))
		pm_buf_byte(ctx, out, '\\');
	pm_buf_printf(ctx, out, "%s  ", hash);
	for (; *rel; rel++) {
		if (*rel == '\\' || *rel == '\n')
			pm_buf_str(ctx, out, *rel == '\n' ? "\\n" : "\\\\");
		else
			pm_buf_byte(ctx, out, (uint8_t)*rel);
	}
	pm_buf_byte(ctx, out, '\n');
}

static enum pm_rc put_manifest(struct pm_evidence *e)
{
	struct pm_output *file = NULL;
	struct pm_buf lines = {0};
	char hash[HEX];
	enum pm_rc rc = begin_file(e, "manifest.sha256", &file);

	for (size_t i = 0; i < e->dir->made.n && !rc; i++) {
		const char *rel = e->dir->made.v[i];

		if (strcmp(rel, PM_EVIDENCE_DIR "/manifest.sha256") == 0)
			continue;
		rc = hash_file(e, rel, hash);
		manifest_line(e->ctx, &lines, hash, rel);
	}
	if (!rc)
		rc = hash_file(e, PM_EVIDENCE_DIR "/inventory.sqlite", hash);
	manifest_line(e->ctx, &lines, hash, PM_EVIDENCE_DIR "/inventory.sqlite");
	rc = rc ? rc : e->ctx->rc;
	if (!rc)
		rc = pm_output_append(file, lines.p, lines.n);
	if (!rc)
		rc = pm_output_commit(file);
	pm_output_free(file);
	pm_buf_done(&lines);
	return rc;
}

static void set_time(json_t *o, const char *name, uint64_t t)
{
	char text[PM_TIME_TEXT];

	set(o, name, pm_time_iso(t, text));
}

static enum pm_rc put_custody(struct pm_evidence *e, const char *source,
			      const struct pm_custody *run, const char *after)
{
	json_t *o = json_object();
	struct pm_output *file = NULL;
	char manifest[HEX], *text;
	enum pm_rc rc = hash_file(e, PM_EVIDENCE_DIR "/manifest.sha256", manifest);

	set(o, "source", source);
	json_object_set_new(o, "source_bytes", json_integer((json_int_t)pm_image_size(e->source)));
	set(o, "source_sha256_before", e->before);
	set(o, "source_sha256_after", after);
	set(o, "manifest_sha256", manifest);
	set(o, "command", run->command);
	set(o, "user", run->user);
	json_object_set_new(o, "uid", json_integer(getuid()));
	set(o, "host", run->host);
	set_time(o, "began", run->began);
	set_time(o, "ended", run->now());
	set(o, "zone", run->zone);
	set(o, "pstmend", pstmend_version());
	set(o, "sqlite", sqlite3_libversion());
	set(o, "jansson", JANSSON_VERSION);
	text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	if (!rc && !text)
		rc = pm_fail(e->ctx, PM_ENOMEM, "out of memory");
	if (!rc)
		rc = begin_file(e, "custody.json", &file);
	if (!rc)
		rc = pm_output_append(file, text, strlen(text));
	if (!rc)
		rc = pm_output_append(file, "\n", 1);
	if (!rc)
		rc = pm_output_commit(file);
	pm_output_free(file);
	free(text); /* lint: free */
	return rc;
}

enum pm_rc pm_evidence_finish(struct pm_evidence *e, const char *source,
			      const struct pm_custody *run)
{
	char after[HEX];
	enum pm_rc rc = sql_run(e, "COMMIT");

	if (!rc)
		rc = pm_output_commit(e->csv);
	if (!rc)
		rc = pm_output_commit(e->attach_csv);
	if (!rc)
		rc = pm_output_commit(e->jsonl);
	if (!rc)
		rc = put_manifest(e);
	if (!rc)
		rc = hash_source(e, after);
	if (!rc)
		rc = put_custody(e, source, run, after);
	e->finished = !rc;
	if (!rc && strcmp(e->before, after) != 0)
		rc = pm_fail(e->ctx, PM_EIO,
			     "%s: the file changed while it was exported; what was written is no "
			     "evidence of it",
			     pm_quote(source).s);
	return rc;
}
