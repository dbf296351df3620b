/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions: the commands, one function each. */
#include "mk_parse.h"

#include "base/text.h"
#include "base/time.h"
#include "format/crc.h"
#include "value.h"

#include <stdio.h>

#define INDEX_IPM     0x401 /* of the folders that every file has: 0x8022, 0x8042, 0x8062 */
#define INDEX_FOLDER  0x404
#define INDEX_MESSAGE 0x10001
#define INDEX_FAI     0x8001

enum pm_rc pm_mkp_fail(struct pm_mkp *p, const char *what)
{
	return pm_fail(p->mk->ctx, PM_EUSAGE, "%s: %s", p->w->word[0], what);
}

enum pm_rc pm_mkp_number(struct pm_mkp *p, unsigned i, uint64_t max, uint64_t *ret)
{
	const char *s = i < p->w->n ? p->w->word[i] : "";

	if (p->w->n > i && pm_number(s, strlen(s), ret) && *ret <= max)
		return PM_OK;
	return pm_mkp_fail(p, "a number is wanted");
}

const char *pm_mkp_string(struct pm_mkp *p, unsigned i)
{
	return i < p->w->n ? pm_arena_strdup(p->mk->ctx, &p->mk->arena, p->w->word[i]) : NULL;
}

bool pm_mkp_date(const char *s, uint64_t *ret)
{
	struct pm_civil c = {0};
	int v[6] = {0};
	unsigned k = 0;

	/* 2021-03-04T05:06:07 */
	for (; *s && k < 6; s++) {
		if (*s >= '0' && *s <= '9')
			v[k] = v[k] * 10 + *s - '0';
		else if (strchr("-T:", *s))
			k++;
		else
			return false;
	}
	c.year = v[0];
	c.month = v[1];
	c.day = v[2];
	c.hour = v[3];
	c.minute = v[4];
	c.second = v[5];
	*ret = pm_time_from_civil(&c);
	return c.year >= 1601 && c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= 31;
}

/* ---- the file ---- */

static enum pm_rc do_format(struct pm_mkp *p)
{
	static const char *const names[] = {"ansi", "unicode", "4k"};

	for (unsigned i = 0; i < 3; i++)
		if (!strcmp(p->w->word[1], names[i])) {
			p->mk->fmt = &pm_formats[i];
			return p->mk->folders.n ? pm_mkp_fail(p, "must come before folders")
						: PM_OK;
		}
	return pm_mkp_fail(p, "ansi, unicode or 4k is wanted");
}

static enum pm_rc do_crypt(struct pm_mkp *p)
{
	static const char *const names[] = {"none", "permute", "cyclic"};

	for (unsigned i = 0; i < 3; i++)
		if (!strcmp(p->w->word[1], names[i])) {
			p->mk->crypt = (enum pm_crypt)i;
			return PM_OK;
		}
	return pm_mkp_fail(p, "none, permute or cyclic is wanted");
}

/* zlib; stale; no-pages; same-ids */
static enum pm_rc do_option(struct pm_mkp *p)
{
	if (!strcmp(p->w->word[0], "zlib"))
		p->mk->zlib = true;
	else if (!strcmp(p->w->word[0], "no-pages"))
		p->mk->no_pages = true;
	else if (!strcmp(p->w->word[0], "same-ids"))
		p->mk->same_ids = true;
	else
		p->mk->stale = true;
	return PM_OK;
}

/* fill N; dead N; room N */
static enum pm_rc do_count(struct pm_mkp *p)
{
	uint64_t n;
	enum pm_rc rc = pm_mkp_number(p, 1, 1 << 26, &n);

	if (rc)
		return rc;
	if (!strcmp(p->w->word[0], "fill"))
		p->mk->fill = (unsigned)n;
	else if (!strcmp(p->w->word[0], "dead"))
		p->mk->dead = (unsigned)n;
	else
		p->mk->room = n;
	return PM_OK;
}

static enum pm_rc do_store(struct pm_mkp *p)
{
	p->mk->store_name = pm_mkp_string(p, 1);
	return p->mk->ctx->rc;
}

static enum pm_rc do_password(struct pm_mkp *p)
{
	p->mk->password = pm_crc(p->w->word[1], strlen(p->w->word[1]));
	return PM_OK;
}

/* ---- folders ---- */

static struct pm_mk_folder *add_folder(struct pm_mk *mk, pm_nid parent, uint32_t index,
				       const char *name)
{
	struct pm_mk_folder **slot = pm_vec_push(mk->ctx, &mk->folders);
	struct pm_mk_folder *f = slot ? pm_arena_alloc(mk->ctx, &mk->arena, sizeof(*f)) : NULL;

	if (!f)
		return NULL;
	*slot = f;
	f->nid = pm_nid_make(2, index);
	f->parent = parent;
	f->name = name;
	return f;
}

/* A name map is never empty: some readers take that for a damaged file [OBS: libpff]. */
static enum pm_rc begin_names(struct pm_mk *mk)
{
	static const uint8_t common[16] = {0x08, 0x20, 0x06, 0, 0, 0, 0, 0,
					   0xC0, 0,    0,    0, 0, 0, 0, 0x46};
	uint16_t id;
	enum pm_rc rc;

	pm_names_init(&mk->names, mk->ctx, mk->fmt);
	rc = pm_names_add(&mk->names, common, 0x8503, NULL, &id);
	return rc ? rc : pm_names_add(&mk->names, pm_uid_strings, 0, "Keywords", &id);
}

enum pm_rc pm_mk_begin(struct pm_mk *mk)
{
	pm_nid ipm = pm_nid_make(2, INDEX_IPM);

	if (!mk->fmt)
		mk->fmt = &pm_formats[PM_UNICODE];
	if (mk->folders.n)
		return PM_OK;
	if (begin_names(mk))
		return mk->ctx->rc;
	mk->next_folder = INDEX_FOLDER;
	mk->next_message = INDEX_MESSAGE;
	mk->next_fai = INDEX_FAI;
	if (!add_folder(mk, 0x122, INDEX_IPM, "Top of Personal Folders") ||
	    !add_folder(mk, 0x122, INDEX_IPM + 1, "Search Root") ||
	    !add_folder(mk, ipm, INDEX_IPM + 2, "Deleted Items"))
		return mk->ctx->rc;
	return PM_OK;
}

/* The child of this name, made if it is not there. */
static struct pm_mk_folder *child(struct pm_mk *mk, pm_nid parent, const char *name, size_t n)
{
	char *copy;

	for (size_t i = 0; i < mk->folders.n; i++) {
		struct pm_mk_folder *f = mk->folders.v[i];

		if (f->parent == parent && strlen(f->name) == n && !memcmp(f->name, name, n))
			return f;
	}
	copy = pm_arena_alloc(mk->ctx, &mk->arena, n + 1);
	if (!copy)
		return NULL;
	memcpy(copy, name, n);
	return add_folder(mk, parent, mk->next_folder++, copy);
}

/* The folder with this path below the IPM subtree; what is missing is made. */
static enum pm_rc folder_of(struct pm_mkp *p, const char *path, struct pm_mk_folder **ret)
{
	pm_nid parent = pm_nid_make(2, INDEX_IPM);
	struct pm_mk_folder *f = NULL;
	enum pm_rc rc = pm_mk_begin(p->mk);

	while (rc == PM_OK && *path) {
		size_t n = strcspn(path, "/");

		f = child(p->mk, parent, path, n);
		if (!f)
			return p->mk->ctx->rc;
		parent = f->nid;
		path += n + (path[n] == '/');
	}
	*ret = f;
	return rc || f ? rc : pm_mkp_fail(p, "a path is wanted");
}

/* moved-from PATH */
enum pm_rc pm_mkp_moved(struct pm_mkp *p)
{
	struct pm_mk_message *m = p->message, **slot;
	enum pm_rc rc = folder_of(p, p->w->word[1], &m->moved_from);

	slot = rc ? NULL : pm_vec_push(p->mk->ctx, &m->moved_from->left);
	if (slot)
		*slot = m;
	return p->mk->ctx->rc;
}

/* folder PATH [CLASS] */
static enum pm_rc do_folder(struct pm_mkp *p)
{
	struct pm_mk_folder *f;
	enum pm_rc rc = folder_of(p, p->w->word[1], &f);

	if (rc)
		return rc;
	if (p->w->n > 2)
		f->class = pm_mkp_string(p, 2);
	p->folder = f;
	p->message = NULL;
	return p->mk->ctx->rc;
}

/* ---- messages ---- */

struct pm_mk_message *pm_mkp_message(struct pm_mkp *p, const char *subject)
{
	struct pm_mk_message *m = pm_arena_alloc(p->mk->ctx, &p->mk->arena, sizeof(*m));

	if (!m)
		return NULL;
	m->class = "IPM.Note";
	m->subject = subject;
	m->flags = 1;
	m->date = pm_time_from_civil(&(struct pm_civil){.year = 2021, .month = 1, .day = 1}) +
		  3607 * PM_FILETIME_SECOND * ++p->messages;
	return m;
}

/* message ["Subject"]; deleted "Subject"; fai CLASS */
static enum pm_rc do_message(struct pm_mkp *p)
{
	struct pm_mk *mk = p->mk;
	struct pm_mk_message *m, **slot;
	bool fai = !strcmp(p->w->word[0], "fai");

	if (!p->folder)
		return pm_mkp_fail(p, "a folder must come first");
	m = pm_mkp_message(p, fai ? NULL : pm_mkp_string(p, 1));
	slot = m ? pm_vec_push(mk->ctx, &p->folder->messages) : NULL;
	if (!slot)
		return mk->ctx->rc;
	*slot = p->message = m;
	m->nid = fai ? pm_nid_make(8, mk->next_fai++) : pm_nid_make(4, mk->next_message++);
	m->fai = fai;
	m->deleted = !strcmp(p->w->word[0], "deleted");
	if (fai) {
		m->class = pm_mkp_string(p, 1);
		m->flags = 0x41;
	}
	return mk->ctx->rc;
}

/* many N "Subject" [TEXT BYTES]: so many messages; their subjects get a number */
static enum pm_rc do_many(struct pm_mkp *p)
{
	uint64_t n, bytes = 0;
	enum pm_rc rc = pm_mkp_number(p, 1, 100000, &n);

	if (rc == PM_OK && p->w->n > 3)
		rc = pm_mkp_number(p, 3, 1 << 20, &bytes);
	for (uint64_t i = 0; i < n && rc == PM_OK; i++) {
		char subject[200];
		struct pm_words w = {.word = {(char[]){"message"}, subject}, .n = 2};
		struct pm_words *saved = p->w;

		snprintf(subject, sizeof(subject), "%.150s %llu", p->w->word[2],
			 (unsigned long long)i + 1);
		p->w = &w;
		rc = do_message(p);
		p->w = saved;
		if (rc == PM_OK && bytes)
			rc = pm_mkp_body(p, bytes);
	}
	p->message = NULL;
	return rc;
}

static const struct pm_mkp_command commands[] = {
	{"format", 1, 1, do_format},
	{"crypt", 1, 1, do_crypt},
	{"zlib", 0, 0, do_option},
	{"stale", 0, 0, do_option},
	{"fill", 1, 1, do_count},
	{"dead", 1, 1, do_count},
	{"room", 1, 1, do_count},
	{"store", 1, 1, do_store},
	{"password", 1, 1, do_password},
	{"folder", 1, 2, do_folder},
	{"message", 0, 1, do_message},
	{"deleted", 1, 1, do_message},
	{"fai", 1, 1, do_message},
	{"many", 2, 3, do_many},
	{"no-pages", 0, 0, do_option},
	{"same-ids", 0, 0, do_option},
	{NULL, 0, 0, NULL},
};

static enum pm_rc line(void *arg, struct pm_words *words)
{
	struct pm_mkp *p = arg;
	const struct pm_mkp_command *c = commands;

	p->w = words;
	while (c->name && strcmp(c->name, words->word[0]))
		c++;
	if (!c->name) {
		for (c = pm_mkp_message_commands; c->name && strcmp(c->name, words->word[0]);)
			c++;
		if (c->name && !p->message)
			return pm_mkp_fail(p, "a message must come first");
	}
	if (!c->name)
		return pm_mkp_fail(p, "no such command");
	if (words->n - 1 < c->min || words->n - 1 > c->max)
		return pm_mkp_fail(p, "not as many words as it takes");
	return c->run(p);
}

enum pm_rc pm_mk_parse(struct pm_mk *mk, const char *name, const char *text)
{
	struct pm_mkp p = {.mk = mk};
	enum pm_rc rc;

	mk->store_name = "Personal Folders";
	rc = pm_lines(mk->ctx, name, text, line, &p);
	if (rc == PM_OK && p.message && p.message->outer)
		rc = pm_fail(mk->ctx, PM_EUSAGE, "%s: an embedded message has no end", name);
	/* The record key must differ from store to store, and be the same on every run. */
	pm_noise(pm_crc(text, strlen(text)) | (uint64_t)1 << 32, mk->key, sizeof(mk->key));
	return rc ? rc : pm_mk_begin(mk);
}

static void done_message(struct pm_mk_message *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->attachments.n; i++) {
		pm_vec_done(&m->attachments.v[i].props.v);
		done_message(m->attachments.v[i].embedded);
	}
	pm_vec_done(&m->props.v);
	pm_vec_done(&m->row[0].v);
	pm_vec_done(&m->row[1].v);
	pm_vec_done(&m->recipients);
	pm_vec_done(&m->attachments);
}

void pm_mk_done(struct pm_mk *mk)
{
	for (size_t i = 0; i < mk->folders.n; i++) {
		for (size_t k = 0; k < mk->folders.v[i]->messages.n; k++)
			done_message(mk->folders.v[i]->messages.v[k]);
		pm_vec_done(&mk->folders.v[i]->messages);
		pm_vec_done(&mk->folders.v[i]->left);
	}
	pm_vec_done(&mk->folders);
	pm_names_close(&mk->names);
	pm_arena_done(&mk->arena);
}
