/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence package: hashes, and a row of the inventory for each item; see evidence.h. */
#include "export/evidence_out.h"

#include "base/quote.h"
#include "base/text.h"
#include "base/time.h"
#include "export/gm.h"
#include "export/header.h"
#include "export/mime.h"
#include "pstmend.h"

#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <libical/ical.h>
#include <nettle/version.h>
#include <sqlite3.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 1 << 20, HEADERS_MAX = 4 << 20 };

const char *const pm_evidence_columns[PM_EC_COLUMNS] = {"nid",
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
							"placed",
							"file",
							"number",
							"authentication_results",
							"dkim_signature",
							"arc_seal",
							"received_spf",
							"was",
							"was_in",
							"known_from"};

const char *const pm_evidence_attachment_columns[PM_EA_COLUMNS] = {
	"nid", "attachment", "name", "mime_type", "method", "size", "file", "sha256", "md5"};

/* ---- hashes ---- */

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
	pm_digest_hex(d, sizeof(d), ret);
	return true;
}

enum pm_rc pm_evidence_hash_source(struct pm_evidence *e, struct pm_digest_text *ret)
{
	uint64_t size = pm_image_size(e->source);
	uint8_t *buf = pm_calloc(e->ctx, 1, CHUNK);
	struct pm_digest d;
	enum pm_rc rc = buf ? PM_OK : PM_ENOMEM;

	pm_digest_init(&d, e->opts->md5);
	for (uint64_t at = 0; at < size && !pm_is_error(rc); at += CHUNK) {
		size_t n = size - at < CHUNK ? (size_t)(size - at) : CHUNK;

		memset(buf, 0, n);
		rc = pm_image_read(e->ctx, e->source, at, buf, n);
		if (!pm_is_error(rc))
			pm_digest_add(&d, buf, n);
	}
	pm_digest_end(&d, ret);
	pm_free(buf);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc hash_value(struct pm_evidence *e, const struct pm_value *v,
			     struct pm_digest_text *ret)
{
	struct pm_buf block = {0};
	struct pm_digest d;
	enum pm_rc rc = PM_OK;

	pm_digest_init(&d, e->opts->md5);
	if (!v->stream)
		pm_digest_add(&d, v->span.p, v->span.n);
	for (size_t i = 0; v->stream && i < v->data.leaves.n && !pm_is_error(rc); i++) {
		pm_buf_clear(&block);
		rc = pm_data_read_leaf(&v->data, i, &block);
		if (!pm_is_error(rc))
			pm_digest_add(&d, block.p, block.n);
	}
	pm_digest_end(&d, ret);
	pm_buf_done(&block);
	return pm_is_error(rc) ? rc : e->ctx->rc;
}

/* ---- begin ---- */

enum pm_rc pm_evidence_create(struct pm_evidence *e, const char *name, struct pm_output **ret)
{
	char *rel = pm_asprintf(e->ctx, PM_EVIDENCE_DIR "/%s", name);
	enum pm_rc rc = rel ? pm_outdir_create(e->dir, rel, ret) : PM_ENOMEM;

	pm_free(rel);
	return rc;
}

enum pm_rc pm_evidence_open(struct pm_ctx *ctx, struct pm_outdir *dir,
			    const struct pm_evidence_options *opts, struct pm_evidence **ret)
{
	struct pm_evidence *e = pm_calloc(ctx, 1, sizeof(*e));
	const char *then = pm_journal_digest(dir->journal);
	enum pm_rc rc;

	if (!e)
		return PM_ENOMEM;
	*ret = e;
	*e = (struct pm_evidence){.ctx = ctx, .dir = dir, .source = opts->source, .opts = opts};
	rc = pm_evidence_hash_source(e, &e->before);
	if (!rc && then && strcmp(then, e->before.sha256) != 0)
		rc = pm_fail(ctx, PM_EUSAGE,
			     "%s: the data file is not the one that the export began with; begin "
			     "again with --force",
			     pm_quote(dir->path).s);
	if (!rc && !then)
		pm_journal_note_digest(dir->journal, e->before.sha256);
	if (!rc)
		rc = pm_outdir_mkdir(dir, PM_EVIDENCE_DIR);
	return rc ? rc : pm_evidence_create(e, "inventory.jsonl", &e->jsonl);
}

uint64_t pm_evidence_size(const struct pm_evidence *e)
{
	return pm_output_size(e->jsonl);
}

enum pm_rc pm_evidence_resume(struct pm_evidence *e, uint64_t size)
{
	return pm_output_resume(e->jsonl, size);
}

void pm_evidence_free(struct pm_evidence *e)
{
	if (!e)
		return;
	pm_output_free(e->jsonl);
	pm_free(e);
}

/* ---- an item ---- */

struct row {
	struct pm_evidence *e;
	struct pm_arena arena;
	const char *cells[PM_EC_COLUMNS];
	json_t *attachments;
	const char *const *files;
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
		r->cells[PM_EC_MESSAGE_ID] = id && *id ? id : claims(r, &f, "Message-ID");
		if (pm_edrm_mih(r->cells[PM_EC_MESSAGE_ID], mih))
			r->cells[PM_EC_MIH] = pm_arena_strdup(r->e->ctx, &r->arena, mih);
		r->cells[PM_EC_AUTHENTICATION] = claims(r, &f, "Authentication-Results");
		r->cells[PM_EC_DKIM] = claims(r, &f, "DKIM-Signature");
		r->cells[PM_EC_ARC] = claims(r, &f, "ARC-Seal");
		r->cells[PM_EC_SPF] = claims(r, &f, "Received-SPF");
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
	const char *cells[PM_EA_COLUMNS] = {NULL};
	struct pm_digest_text hash;
	struct pm_attachment a;
	struct pm_value v = {0};
	json_t *o = json_object();
	enum pm_rc rc = pm_attachment_open(m, i, &a);

	cells[PM_EA_INDEX] = number(r, i + 1);
	cells[PM_EA_FILE] = r->files ? r->files[i] : NULL;
	if (!pm_is_error(rc)) {
		cells[PM_EA_NAME] = a.name;
		cells[PM_EA_MIME] = a.mime;
		cells[PM_EA_METHOD] = a.method < 8 ? methods[a.method] : NULL;
		rc = pm_attachment_data(&a, &v);
		if (rc == PM_OK || rc == PM_DAMAGED) {
			cells[PM_EA_SIZE] = number(r, v.stream ? v.size : v.span.n);
			rc = hash_value(r->e, &v, &hash);
			cells[PM_EA_SHA256] = hash.sha256;
			cells[PM_EA_MD5] = hash.md5;
		}
	}
	for (size_t k = PM_EA_INDEX; k < PM_EA_COLUMNS && !pm_is_error(rc); k++)
		set(o, pm_evidence_attachment_columns[k], cells[k]);
	json_array_append_new(r->attachments, o);
	pm_value_done(&v);
	pm_attachment_close(&a);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc fill(struct row *r, struct pm_message *m)
{
	struct pm_people p;
	enum pm_rc rc = pm_people_load(m, &p);

	if (!rc) {
		r->cells[PM_EC_FROM] = people(r, &p.from);
		r->cells[PM_EC_SENDER] = people(r, &p.sender);
		r->cells[PM_EC_TO] = people(r, &p.to);
		r->cells[PM_EC_CC] = people(r, &p.cc);
		r->cells[PM_EC_BCC] = people(r, &p.bcc);
	}
	pm_people_done(&p);
	r->cells[PM_EC_CLASS] = m->message_class;
	r->cells[PM_EC_SENT] = when(r, m->submit);
	r->cells[PM_EC_DELIVERED] = when(r, m->delivery);
	r->cells[PM_EC_CREATED] = when(r, m->created);
	r->cells[PM_EC_MODIFIED] = when(r, m->modified);
	r->cells[PM_EC_SIZE] = number(r, m->size);
	r->cells[PM_EC_FLAGS] = flags(r, m);
	r->cells[PM_EC_ATTACHMENTS] = number(r, m->attachments.n);
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

	for (size_t i = 0; i < PM_EC_COLUMNS; i++)
		if (i != PM_EC_ATTACHMENTS)
			set(o, pm_evidence_columns[i], r->cells[i]);
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

static const char *node_id(struct row *r, pm_nid nid)
{
	struct pm_buf b = {0};

	pm_buf_printf(r->e->ctx, &b, "0x%X", nid);
	return keep(r, &b);
}

enum pm_rc pm_evidence_add(struct pm_evidence *e, const struct pm_evidence_item *it)
{
	struct row r = {.e = e, .attachments = json_array(), .files = it->files};
	enum pm_rc rc;

	r.cells[PM_EC_NID] = node_id(&r, it->nid);
	r.cells[PM_EC_FOLDER] = it->folder;
	r.cells[PM_EC_SUBJECT] = it->subject;
	r.cells[PM_EC_STATE] = it->state;
	r.cells[PM_EC_WHY] = it->why;
	r.cells[PM_EC_PROVENANCE] = it->provenance;
	r.cells[PM_EC_PLACED] = it->placed;
	r.cells[PM_EC_WAS] = it->was ? node_id(&r, it->was) : NULL;
	r.cells[PM_EC_WAS_IN] = it->was_in;
	r.cells[PM_EC_KNOWN_FROM] = it->known_from;
	r.cells[PM_EC_FILE] = it->file;
	r.cells[PM_EC_NUMBER] = it->number ? number(&r, it->number) : NULL;
	rc = it->msg ? fill(&r, it->msg) : e->ctx->rc;
	if (!rc)
		rc = put_json(&r);
	json_decref(r.attachments);
	pm_arena_done(&r.arena);
	return rc ? rc : e->ctx->rc;
}

/* ---- the end ---- */

static enum pm_rc hash_file(struct pm_evidence *e, const char *rel, struct pm_digest_text *ret)
{
	char *path = pm_asprintf(e->ctx, "%s/%s", e->dir->path, rel);
	uint8_t *buf = pm_calloc(e->ctx, 1, CHUNK);
	int fd = path && buf ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct pm_digest d;
	ssize_t n = fd < 0 ? -1 : 0;
	enum pm_rc rc = e->ctx->rc;

	pm_digest_init(&d, e->opts->md5);
	while (fd >= 0 && (n = read(fd, buf, CHUNK)) > 0)
		pm_digest_add(&d, buf, (size_t)n);
	if (!rc && n < 0)
		rc = pm_fail(e->ctx, PM_EIO, "%s: cannot read what was written (%s)",
			     pm_quote(path).s, pm_strerror(errno));
	if (fd >= 0)
		close(fd);
	pm_digest_end(&d, ret);
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

static enum pm_rc put_lines(struct pm_evidence *e, const char *name, const struct pm_buf *lines)
{
	struct pm_output *file = NULL;
	enum pm_rc rc = pm_evidence_create(e, name, &file);

	if (!rc)
		rc = pm_output_append(file, lines->p, lines->n);
	if (!rc)
		rc = pm_output_commit(file);
	pm_output_free(file);
	return rc;
}

/* Of every file written but the manifests themselves and the record, which are not there yet. */
static enum pm_rc put_manifests(struct pm_evidence *e)
{
	struct pm_buf sha256 = {0}, md5 = {0};
	struct pm_digest_text hash;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < e->dir->made.n && !rc; i++) {
		const char *rel = e->dir->made.v[i];

		rc = hash_file(e, rel, &hash);
		manifest_line(e->ctx, &sha256, hash.sha256, rel);
		manifest_line(e->ctx, &md5, hash.md5, rel);
	}
	rc = rc ? rc : e->ctx->rc;
	if (!rc)
		rc = put_lines(e, "manifest.sha256", &sha256);
	if (!rc && e->opts->md5)
		rc = put_lines(e, "manifest.md5", &md5);
	pm_buf_done(&sha256);
	pm_buf_done(&md5);
	return rc;
}

static void set_time(json_t *o, const char *name, uint64_t t)
{
	char text[PM_TIME_TEXT];

	set(o, name, pm_time_iso(t, text));
}

/* What has a part in what is written, each as it is at work here. */
static void set_libraries(struct pm_evidence *e, json_t *o)
{
	json_t *l = json_object();
	char version[32] = "";

	pm_gm_version(e->ctx, version, sizeof(version));
	set(l, "gmime", version);
	set(l, "zlib", zlibVersion());
	set(l, "libdeflate", LIBDEFLATE_VERSION_STRING);
	set(l, "libical", ICAL_VERSION);
	snprintf(version, sizeof(version), "%d.%d", nettle_version_major(), nettle_version_minor());
	set(l, "nettle", version);
	set(l, "sqlite", sqlite3_libversion());
	set(l, "jansson", JANSSON_VERSION);
	json_object_set_new(o, "libraries", l);
}

/* An export may have been killed and gone on with, which is no secret. */
static void set_times(struct pm_evidence *e, json_t *o, const struct pm_custody *run)
{
	char text[PM_TIME_TEXT];
	size_t n;
	const uint64_t *resumed = pm_journal_resumed(e->dir->journal, &n);
	json_t *list = json_array();

	set_time(o, "began", pm_journal_began(e->dir->journal));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(pm_time_iso(resumed[i], text)));
	if (n)
		json_object_set(o, "resumed", list);
	json_decref(list);
	set_time(o, "ended", run->now());
	set(o, "zone", run->zone);
}

static json_t *custody(struct pm_evidence *e, const char *source, const struct pm_custody *run,
		       const struct pm_digest_text *after, const struct pm_digest_text *manifest)
{
	json_t *o = json_object();

	set(o, "source", source);
	json_object_set_new(o, "source_bytes", json_integer((json_int_t)pm_image_size(e->source)));
	set(o, "source_sha256_before", e->before.sha256);
	set(o, "source_sha256_after", after->sha256);
	set(o, "source_md5_before", e->before.md5);
	set(o, "source_md5_after", after->md5);
	set(o, "manifest_sha256", manifest->sha256);
	set(o, "manifest_md5", manifest->md5);
	set(o, "command", run->command);
	set(o, "user", run->user);
	json_object_set_new(o, "uid", json_integer(getuid()));
	set(o, "host", run->host);
	set_times(e, o, run);
	set(o, "pstmend", pstmend_version());
	json_object_set_new(o, "mended_bits", json_integer((json_int_t)e->opts->mended_bits));
	set_libraries(e, o);
	return o;
}

static enum pm_rc put_custody(struct pm_evidence *e, const char *source,
			      const struct pm_custody *run, const struct pm_digest_text *after)
{
	struct pm_digest_text manifest;
	struct pm_buf lines = {0};
	enum pm_rc rc = hash_file(e, PM_EVIDENCE_DIR "/manifest.sha256", &manifest);
	json_t *o;
	char *text;

	if (rc)
		return rc;
	o = custody(e, source, run, after, &manifest);
	text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	if (!text)
		return pm_fail_oom(e->ctx);
	pm_buf_printf(e->ctx, &lines, "%s\n", text);
	free(text); /* lint: free */
	rc = e->ctx->rc ? e->ctx->rc : put_lines(e, "custody.json", &lines);
	pm_buf_done(&lines);
	return rc;
}

enum pm_rc pm_evidence_finish(struct pm_evidence *e, const char *source,
			      const struct pm_custody *run)
{
	struct pm_digest_text after;
	enum pm_rc rc = pm_evidence_put_csv(e);

	if (!rc)
		rc = pm_evidence_put_sqlite(e);
	if (!rc)
		rc = pm_evidence_put_load_files(e);
	if (!rc)
		rc = pm_output_commit(e->jsonl);
	if (!rc)
		rc = put_manifests(e);
	if (!rc)
		rc = pm_evidence_hash_source(e, &after);
	if (!rc)
		rc = put_custody(e, source, run, &after);
	if (!rc && strcmp(e->before.sha256, after.sha256) != 0)
		rc = pm_fail(e->ctx, PM_EIO,
			     "%s: the file changed while it was exported; what was written is no "
			     "evidence of it",
			     pm_quote(source).s);
	return rc;
}
