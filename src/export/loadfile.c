/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load files, by which review programs take an export in: Concordance DAT and EDRM XML 1.2. Both are
 * made of the inventory; docs/export.md has their fields. A document is an item, or an attachment,
 * whose id is that of its item with its number behind: 200024, 200024.0001.
 */
#include "export/evidence_out.h"

#include "base/text.h"

#include <stdio.h>

enum { CHUNK = 1 << 20 };

/* What a document has, in the order of the DAT. */
struct field {
	const char *name; /* of the DAT */
	const char *tag;  /* of the XML; NULL: it has a place of its own */
	const char *type;
	int item, attachment; /* column of the inventory; -1: none; -2: made here */
};

static const struct field fields[] = {
	{"DOCID", NULL, NULL, -2, -2},
	{"BEGATTACH", NULL, NULL, -2, -2},
	{"ENDATTACH", NULL, NULL, -2, -2},
	{"PARENTID", NULL, NULL, -2, -2},
	{"DOCTYPE", NULL, NULL, -2, -2},
	{"FOLDER", "Folder", "Text", PM_EC_FOLDER, -1},
	{"CLASS", "#MessageClass", "Text", PM_EC_CLASS, -1},
	{"SUBJECT", "#Subject", "Text", PM_EC_SUBJECT, -1},
	{"FROM", "#From", "Text", PM_EC_FROM, -1},
	{"TO", "#To", "Text", PM_EC_TO, -1},
	{"CC", "#CC", "Text", PM_EC_CC, -1},
	{"BCC", "#BCC", "Text", PM_EC_BCC, -1},
	{"DATESENT", "#DateSent", "DateTime", PM_EC_SENT, -1},
	{"DATERECEIVED", "#DateReceived", "DateTime", PM_EC_DELIVERED, -1},
	{"DATECREATED", "#DateCreated", "DateTime", PM_EC_CREATED, -1},
	{"DATEMODIFIED", "#DateModified", "DateTime", PM_EC_MODIFIED, -1},
	{"MESSAGEID", "MessageID", "Text", PM_EC_MESSAGE_ID, -1},
	{"EDRMMIH", "EDRM-MIH", "Text", PM_EC_MIH, -1},
	{"ATTACHCOUNT", "#AttachmentCount", "Integer", PM_EC_ATTACHMENTS, -1},
	{"FILENAME", "#FileName", "Text", -1, PM_EA_NAME},
	{"MIMETYPE", NULL, NULL, -1, PM_EA_MIME},
	{"FILESIZE", "#FileSize", "LongInteger", PM_EC_SIZE, PM_EA_SIZE},
	{"SHA256", "SHA-256", "Text", -1, PM_EA_SHA256},
	{"MD5", "MD5", "Text", -1, PM_EA_MD5},
	{"STATE", "State", "Text", PM_EC_STATE, -1},
	{"LACKS", "Lacks", "Text", PM_EC_WHY, -1},
	{"PROVENANCE", "Provenance", "Text", PM_EC_PROVENANCE, -1},
	{"NATIVELINK", NULL, NULL, PM_EC_FILE, PM_EA_FILE},
	{"NUMBER", "NumberInFile", "Integer", PM_EC_NUMBER, -1},
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };
/* Places in it */
enum { DOCID, BEGIN, END, PARENT, TYPE, MD5 = 23, LINK = 27 };
_Static_assert(FIELDS == LINK + 2, "the places are those of the table");

/* A document of a row: the item with number 0, else an attachment. */
struct document {
	const struct pm_evidence_row *row;
	size_t number;
	char id[32], first[32], last[32];
};

static void name_id(const struct pm_evidence_row *row, size_t number, char ret[32])
{
	const char *nid = row->cells[PM_EC_NID];

	nid = nid && strlen(nid) > 2 ? nid + 2 : "0"; /* without 0x */
	if (number)
		snprintf(ret, 32, "%.10s.%04zu", nid, number);
	else
		snprintf(ret, 32, "%.10s", nid);
}

static struct document document(const struct pm_evidence_row *row, size_t number)
{
	struct document d = {.row = row, .number = number};

	name_id(row, number, d.id);
	name_id(row, 0, d.first);
	name_id(row, row->n, d.last);
	return d;
}

static bool is_message(const struct document *d)
{
	const char *method = d->number ? d->row->attachments[d->number - 1][PM_EA_METHOD] : NULL;

	return !d->number || (method && !strcmp(method, "embedded"));
}

static const char *value(const struct document *d, size_t i)
{
	const struct field *f = &fields[i];
	int column = d->number ? f->attachment : f->item;

	if (column >= 0)
		return d->number ? d->row->attachments[d->number - 1][column]
				 : d->row->cells[column];
	if (column == -1)
		return NULL;
	switch (i) {
	case DOCID:
		return d->id;
	case BEGIN:
		return d->row->n ? d->first : NULL;
	case END:
		return d->row->n ? d->last : NULL;
	case PARENT:
		return d->number ? d->first : NULL;
	default:
		return is_message(d) ? "Message" : "File";
	}
}

/* ---- both ---- */

struct load_file {
	struct pm_evidence *e;
	struct pm_output *out;
	struct pm_buf b; /* not written yet */
};

static enum pm_rc flush(struct load_file *l, size_t least)
{
	enum pm_rc rc = l->e->ctx->rc;

	if (!rc && l->b.n > least) {
		rc = pm_output_append(l->out, l->b.p, l->b.n);
		pm_buf_clear(&l->b);
	}
	return rc;
}

static enum pm_rc finish(struct load_file *l, enum pm_rc rc)
{
	if (!rc)
		rc = flush(l, 0);
	if (!rc)
		rc = pm_output_commit(l->out);
	pm_output_free(l->out);
	pm_buf_done(&l->b);
	return rc;
}

/* ---- Concordance ---- */

#define THORN   "\xC3\xBE" /* around each value */
#define RETURN  "\xC2\xAE" /* for a line end in it */
#define PILCROW "\x14"     /* between them: shown as a pilcrow sign */

/* The format has no escapes: what it needs for itself can't be in a text. */
static void put_value(struct load_file *l, const char *s)
{
	struct pm_ctx *ctx = l->e->ctx;

	pm_buf_str(ctx, &l->b, THORN);
	for (; s && *s; s++) {
		if (*s == '\r' && s[1] == '\n')
			continue;
		if (*s == '\n' || *s == '\r') {
			pm_buf_str(ctx, &l->b, RETURN);
		} else if (*s == PILCROW[0]) {
			pm_buf_str(ctx, &l->b, PM_UTF8_REPLACEMENT);
		} else if (!strncmp(s, THORN, 2) || !strncmp(s, RETURN, 2)) {
			pm_buf_str(ctx, &l->b, PM_UTF8_REPLACEMENT);
			s++;
		} else {
			pm_buf_byte(ctx, &l->b, (uint8_t)*s);
		}
	}
	pm_buf_str(ctx, &l->b, THORN);
}

static enum pm_rc dat_row(void *arg, const struct pm_evidence_row *row)
{
	struct load_file *l = arg;

	for (size_t k = 0; k <= row->n; k++) {
		struct document d = document(row, k);

		for (size_t i = 0; i < FIELDS; i++) {
			pm_buf_str(l->e->ctx, &l->b, i ? PILCROW : "");
			put_value(l, value(&d, i));
		}
		pm_buf_str(l->e->ctx, &l->b, "\r\n");
	}
	return flush(l, CHUNK);
}

static enum pm_rc put_dat(struct pm_evidence *e)
{
	struct load_file l = {.e = e};
	enum pm_rc rc = pm_evidence_create(e, "load.dat", &l.out);

	pm_buf_str(e->ctx, &l.b, "\xEF\xBB\xBF");
	for (size_t i = 0; i < FIELDS; i++) {
		pm_buf_str(e->ctx, &l.b, i ? PILCROW : "");
		put_value(&l, fields[i].name);
	}
	pm_buf_str(e->ctx, &l.b, "\r\n");
	if (!rc)
		rc = pm_evidence_each(e, dat_row, &l);
	return finish(&l, rc);
}

/* ---- EDRM XML ---- */

/* The value of an attribute [XML 1.0 2.3, 3.3.3]. What no document may hold is U+FFFD. */
static void put_attribute(struct load_file *l, const char *name, const char *s)
{
	struct pm_ctx *ctx = l->e->ctx;
	size_t n = strlen(s);

	pm_buf_printf(ctx, &l->b, " %s=\"", name);
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t c;

		len = pm_utf8_next((const uint8_t *)s + i, n - i, &c);
		if (c == PM_UNI_BAD || c == 0xFFFE || c == 0xFFFF ||
		    (c < ' ' && c != '\t' && c != '\n' && c != '\r'))
			pm_buf_str(ctx, &l->b, PM_UTF8_REPLACEMENT);
		else if (c < ' ' || strchr("&<>\"", (int)(c < 0x80 ? c : 'x')))
			pm_buf_printf(ctx, &l->b, "&#%u;", c);
		else
			pm_buf_add(ctx, &l->b, s + i, len);
	}
	pm_buf_byte(ctx, &l->b, '"');
}

static void put_file(struct load_file *l, const struct document *d, const char *file)
{
	const char *slash = strrchr(file, '/');
	char *path = pm_asprintf(l->e->ctx, "%.*s", (int)(slash ? slash - file : 0), file);

	pm_buf_str(l->e->ctx, &l->b, "<Files><File FileType=\"Native\"><ExternalFile");
	put_attribute(l, "FilePath", path ? path : "");
	put_attribute(l, "FileName", slash ? slash + 1 : file);
	/* A message as a file is another thing than what its size and hash are stored of. */
	if (!is_message(d) && value(d, MD5) && *value(d, MD5)) {
		put_attribute(l, "Hash", value(d, MD5));
		put_attribute(l, "HashType", "MD5");
	}
	pm_buf_str(l->e->ctx, &l->b, "/></File></Files>");
	pm_free(path);
}

static void put_document(struct load_file *l, const struct document *d)
{
	const char *mime = d->number ? d->row->attachments[d->number - 1][PM_EA_MIME] : NULL;
	const char *file = value(d, LINK);

	pm_buf_str(l->e->ctx, &l->b, "<Document");
	put_attribute(l, "DocID", d->id);
	put_attribute(l, "DocType", value(d, TYPE));
	if (is_message(d) || (mime && *mime))
		put_attribute(l, "MimeType", is_message(d) ? "message/rfc822" : mime);
	pm_buf_byte(l->e->ctx, &l->b, '>');
	/* Of a file of many there is no document; NumberInFile has the place. */
	if (file && *file && !(!d->number && d->row->cells[PM_EC_NUMBER]))
		put_file(l, d, file);
	pm_buf_str(l->e->ctx, &l->b, "<Tags>");
	for (size_t i = 0; i < FIELDS; i++) {
		const char *v = fields[i].tag ? value(d, i) : NULL;

		if (!v || !*v)
			continue;
		pm_buf_str(l->e->ctx, &l->b, "<Tag");
		put_attribute(l, "TagName", fields[i].tag);
		put_attribute(l, "TagValue", v);
		put_attribute(l, "TagDataType", fields[i].type);
		pm_buf_str(l->e->ctx, &l->b, "/>");
	}
	if (!d->number && d->row->cells[PM_EC_NUMBER] && file) {
		pm_buf_str(l->e->ctx, &l->b, "<Tag TagName=\"InFile\"");
		put_attribute(l, "TagValue", file);
		pm_buf_str(l->e->ctx, &l->b, " TagDataType=\"Text\"/>");
	}
	pm_buf_str(l->e->ctx, &l->b, "</Tags></Document>\n");
}

static enum pm_rc xml_row(void *arg, const struct pm_evidence_row *row)
{
	struct load_file *l = arg;

	for (size_t k = 0; k <= row->n; k++) {
		struct document d = document(row, k);

		put_document(l, &d);
	}
	return flush(l, CHUNK);
}

static enum pm_rc xml_relations(void *arg, const struct pm_evidence_row *row)
{
	struct load_file *l = arg;

	for (size_t k = 1; k <= row->n; k++) {
		struct document d = document(row, k);

		pm_buf_str(l->e->ctx, &l->b, "<Relationship Type=\"Attachment\"");
		put_attribute(l, "ParentDocId", d.first);
		put_attribute(l, "ChildDocId", d.id);
		pm_buf_str(l->e->ctx, &l->b, "/>\n");
	}
	return flush(l, CHUNK);
}

static enum pm_rc put_xml(struct pm_evidence *e)
{
	struct load_file l = {.e = e};
	enum pm_rc rc = pm_evidence_create(e, "load.xml", &l.out);

	pm_buf_str(e->ctx, &l.b,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		   "<Root MajorVersion=\"1\" MinorVersion=\"2\" Description=\"pstmend\" "
		   "DataInterchangeType=\"Update\">\n<Batch>\n<Documents>\n");
	if (!rc)
		rc = pm_evidence_each(e, xml_row, &l);
	pm_buf_str(e->ctx, &l.b, "</Documents>\n<Relationships>\n");
	if (!rc)
		rc = pm_evidence_each(e, xml_relations, &l);
	pm_buf_str(e->ctx, &l.b, "</Relationships>\n</Batch>\n</Root>\n");
	return finish(&l, rc);
}

enum pm_rc pm_evidence_put_load_files(struct pm_evidence *e)
{
	enum pm_rc rc = e->opts->load & PM_LOAD_FILE_DAT ? put_dat(e) : PM_OK;

	return !rc && e->opts->load & PM_LOAD_FILE_EDRM ? put_xml(e) : rc;
}
