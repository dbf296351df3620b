/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of an export; see journal.h. */
#include "export/journal.h"

#include "base/quote.h"
#include "base/text.h"
#include "base/time.h"
#include "export/tsv.h"
#include "io/file.h"
#include "io/output.h"
#include "io/write.h"
#include "pstmend.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	DUE_ITEMS = 64,
	DUE_BYTES = 1 << 20,
	HEAD_BYTES =
		1 << 16, /* of the source, for its digest: a header that changes with the file */
};

#define SYNC_BYTES ((uint64_t)1 << 30)
#define MAGIC      "pstmend-export\t1"

struct pm_journal {
	struct pm_ctx *ctx;
	char *dir, *path;
	int fd;
	uint64_t size; /* of the file */
	struct pm_buf lines;
	uint64_t items, bytes, unsynced; /* noted since the last checkpoint; since the last sync */
	/* What was read */
	struct pm_buf text;
	struct pm_arena arena;
	char *at, *end; /* the next step, and behind the last one that counts */
	bool peeked;
	struct pm_journal_step step;
	struct pm_journal_sizes sizes;
	const char *digest;
	uint64_t began;
	PM_VEC(uint64_t) resumed;
	PM_VEC(const char *) files;
};

/* ---- what tells one export from another ---- */

/* What the system says of its start; "" where it says nothing. */
static void boot_id(char ret[64])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, ret, 63);

	ret[n > 0 ? n : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

/* Size, time and the first bytes, which have a counter that every change moves. */
static enum pm_rc source_line(struct pm_ctx *ctx, struct pm_image *img, struct pm_buf *out)
{
	const struct stat *st = pm_image_file_stat(img);
	uint64_t size = pm_image_size(img), n = size < HEAD_BYTES ? size : HEAD_BYTES;
	uint8_t *head = pm_calloc(ctx, 1, HEAD_BYTES), digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx h;
	enum pm_rc rc = head ? pm_image_read(ctx, img, 0, head, (size_t)n) : PM_ENOMEM;

	if (!pm_is_error(rc)) {
		sha256_init(&h);
		sha256_update(&h, (size_t)n, head);
		sha256_digest(&h, sizeof(digest), digest);
		pm_buf_printf(ctx, out, "source\t%llu\t%lld.%09ld\t", (unsigned long long)size,
			      st ? (long long)st->st_mtim.tv_sec : 0, st ? st->st_mtim.tv_nsec : 0);
		pm_buf_hex(ctx, out, false, digest, sizeof(digest));
		pm_buf_byte(ctx, out, '\n');
	}
	pm_free(head);
	return pm_is_error(rc) ? rc : ctx->rc;
}

static void version_line(struct pm_ctx *ctx, struct pm_buf *out)
{
	pm_buf_printf(ctx, out, "version\t%s\n", pstmend_version());
}

static void options_line(struct pm_ctx *ctx, const struct pm_journal_id *id, struct pm_buf *out)
{
	pm_buf_str(ctx, out, "options\t");
	pm_tsv_put(ctx, out, id->options);
	pm_buf_byte(ctx, out, '\n');
}

static void began_line(struct pm_ctx *ctx, const struct pm_journal_id *id, const char *name,
		       struct pm_buf *out)
{
	char boot[64];

	boot_id(boot);
	pm_buf_printf(ctx, out, "%s\t%llu\t%s\n", name, (unsigned long long)id->now, boot);
}

/* ---- the file ---- */

static char *path_in(struct pm_ctx *ctx, const char *dir)
{
	return pm_asprintf(ctx, "%s/" PM_EXPORT_JOURNAL, dir);
}

bool pm_journal_exists(struct pm_ctx *ctx, const char *dir)
{
	char *path = path_in(ctx, dir);
	struct stat st;
	bool is = path && lstat(path, &st) == 0 && S_ISREG(st.st_mode);

	pm_free(path);
	return is;
}

static enum pm_rc new_journal(struct pm_ctx *ctx, const char *dir, struct pm_journal **ret)
{
	struct pm_journal *j = pm_calloc(ctx, 1, sizeof(*j));

	if (!j)
		return PM_ENOMEM;
	*ret = j;
	j->ctx = ctx;
	j->fd = -1;
	j->dir = pm_strdup(ctx, dir);
	j->path = path_in(ctx, dir);
	return ctx->rc;
}

/* Open, and keep others off: two that write one export would spoil it. */
static enum pm_rc open_journal(struct pm_journal *j)
{
	j->fd = open(j->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (j->fd < 0)
		return pm_fail(j->ctx, PM_EIO, "%s: cannot open the journal of the export (%s)",
			       pm_quote(j->path).s, pm_strerror(errno));
	if (flock(j->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return pm_fail(j->ctx, PM_EIO,
			       "%s: another process exports into this directory; wait for it, or "
			       "choose another directory with -o",
			       pm_quote(j->dir).s);
	return PM_OK;
}

enum pm_rc pm_journal_begin(struct pm_ctx *ctx, const char *dir, const struct pm_journal_id *id,
			    struct pm_journal **ret)
{
	struct pm_output *out = NULL;
	struct pm_buf head = {0};
	struct pm_journal *j;
	enum pm_rc rc = new_journal(ctx, dir, ret);

	if (rc)
		return rc;
	j = *ret;
	j->began = id->now;
	pm_buf_str(ctx, &head, MAGIC "\n");
	version_line(ctx, &head);
	rc = source_line(ctx, id->source, &head);
	options_line(ctx, id, &head);
	began_line(ctx, id, "began", &head);
	if (!rc)
		rc = ctx->rc;
	if (!rc)
		rc = pm_output_create(ctx, j->path,
				      PM_OUTPUT_FORCE | PM_OUTPUT_NOSYNC | PM_OUTPUT_KEEP, &out);
	if (!rc)
		rc = pm_output_append(out, head.p, head.n);
	if (!rc)
		rc = pm_output_commit(out);
	/* One that never began is of use to nobody. */
	if (rc && out)
		unlink(pm_output_temp_path(out));
	j->size = head.n;
	pm_output_free(out);
	pm_buf_done(&head);
	return rc ? rc : open_journal(j);
}

static enum pm_rc read_all(struct pm_journal *j)
{
	struct stat st;
	uint64_t done = 0, size;
	uint8_t *room;

	if (fstat(j->fd, &st) != 0)
		st.st_size = 0;
	size = (uint64_t)st.st_size;
	if (size >= SIZE_MAX / 2)
		return pm_fail(j->ctx, PM_ELIMIT, "%s: the journal is too large",
			       pm_quote(j->path).s);
	room = pm_buf_room(j->ctx, &j->text, (size_t)size + 1);
	if (!room)
		return j->ctx->rc;
	while (done < size) {
		ssize_t n = pread(j->fd, room + done, (size_t)(size - done), (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return pm_fail(j->ctx, PM_EIO, "%s: cannot read the journal (%s)",
				       pm_quote(j->path).s, n ? pm_strerror(errno) : "it ends");
		done += (uint64_t)n;
	}
	room[size] = '\0';
	return PM_OK;
}

/* ---- reading ---- */

/* The line at *at, its end made a NUL; NULL: there is no whole one left. */
static char *next_line(char **at, const char *end)
{
	char *line = *at, *nl = line < end ? memchr(line, '\n', (size_t)(end - line)) : NULL;

	if (!nl || memchr(line, '\0', (size_t)(nl - line)))
		return NULL;
	*nl = '\0';
	*at = nl + 1;
	return line;
}

/* A number of digits of this base, and all of the text. */
static bool number(const char *s, unsigned int base, uint64_t *ret)
{
	uint64_t v = 0;

	if (!s || !*s)
		return false;
	for (; *s; s++) {
		int digit = pm_ascii_hex((uint8_t)*s);

		if (digit < 0 || digit >= (int)base || v > (UINT64_MAX - 15) / base)
			return false;
		v = v * base + (unsigned int)digit;
	}
	*ret = v;
	return true;
}

static bool take_number(char **at, unsigned int base, uint64_t *ret)
{
	const char *s;

	return pm_tsv_take(at, &s) && number(s, base, ret);
}

static bool take_nid(char **at, pm_nid *ret)
{
	uint64_t v;

	if (!take_number(at, 16, &v) || v > UINT32_MAX)
		return false;
	*ret = (pm_nid)v;
	return true;
}

static bool take_hash(char **at, struct pm_journal_step *s)
{
	const char *hex;

	if (!pm_tsv_take(at, &hex))
		return false;
	if (!hex)
		return true;
	if (strlen(hex) != 2 * sizeof(s->hash_bytes))
		return false;
	for (size_t i = 0; i < sizeof(s->hash_bytes); i++) {
		int hi = pm_ascii_hex((uint8_t)hex[2 * i]), lo;

		lo = pm_ascii_hex((uint8_t)hex[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		s->hash_bytes[i] = (uint8_t)(hi * 16 + lo);
	}
	s->hash = s->hash_bytes;
	return true;
}

static bool parse_step(char *line, struct pm_journal_step *s)
{
	const char *kind;
	uint64_t state;

	*s = (struct pm_journal_step){0};
	if (!pm_tsv_take(&line, &kind) || !kind || !*kind || kind[1] || !strchr("isdrf", *kind))
		return false;
	s->kind = (enum pm_journal_kind) * kind;
	if (!take_nid(&line, &s->nid) || !take_nid(&line, &s->of) ||
	    !take_number(&line, 10, &state) || state > 9 || !take_number(&line, 10, &s->number))
		return false;
	for (size_t i = 0; i < 3; i++)
		if (!take_number(&line, 10, &s->attachments[i]))
			return false;
	s->state = (unsigned int)state;
	return take_hash(&line, s) && pm_tsv_take(&line, &s->file) &&
	       pm_tsv_take(&line, &s->subject) && pm_tsv_take(&line, &s->why) && !line;
}

static bool take_sizes(char **at, struct pm_journal_sizes *ret)
{
	return take_number(at, 10, &ret->map) && take_number(at, 10, &ret->inventory) &&
	       take_number(at, 10, &ret->mail) && !*at;
}

/*
 * Where the last checkpoint ends that counts; NULL: there is none. All of what was written is there
 * as long as the system runs; else what was brought to the disk.
 */
static char *last_checkpoint(char *from, char *end)
{
	char boot[64], last_boot[64] = "", *any = NULL, *synced = NULL;
	char *p, *nl;

	for (p = from; p < end && (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
		size_t n = (size_t)(nl - p);
		const char *tab = memrchr(p, '\t', n);

		if (memchr(p, '\0', n))
			break;
		if (n > 11 && !memcmp(p, "checkpoint\t", 11))
			any = nl + 1;
		if (n == 6 && !memcmp(p, "synced", 6))
			synced = any;
		if (tab && nl - tab <= 60 &&
		    (!strncmp(p, "began\t", 6) || !strncmp(p, "resumed\t", 8))) {
			memcpy(last_boot, tab + 1, (size_t)(nl - tab - 1));
			last_boot[nl - tab - 1] = '\0';
		}
	}
	boot_id(boot);
	return *boot && !strcmp(boot, last_boot) ? any : synced;
}

/* Each of the first lines must be what this export's would be. */
static enum pm_rc check_head(struct pm_journal *j, const struct pm_journal_id *id, char **at,
			     const char *end)
{
	static const char *const why[] = {
		"it is no journal of an export that this version can go on with",
		"the export was begun by another version of pstmend",
		"the export is one of another file, or the file has changed since",
		"the export was begun with other options",
	};
	struct pm_buf want = {0};
	enum pm_rc rc = PM_OK;
	const char *line = NULL;
	size_t i = 0;

	for (; i < 4 && !rc; i++) {
		pm_buf_clear(&want);
		if (i == 0)
			pm_buf_str(j->ctx, &want, MAGIC "\n");
		else if (i == 1)
			version_line(j->ctx, &want);
		else if (i == 2)
			rc = source_line(j->ctx, id->source, &want);
		else
			options_line(j->ctx, id, &want);
		line = next_line(at, end);
		if (rc || j->ctx->rc || !line || strlen(line) + 1 != want.n ||
		    memcmp(line, want.p, want.n - 1) != 0)
			break;
	}
	pm_buf_done(&want);
	if (rc || j->ctx->rc || i == 4)
		return rc ? rc : j->ctx->rc;
	return pm_fail(j->ctx, PM_EUSAGE,
		       "%s: %s%s%s%s; call it as it was called then, or begin again with --force",
		       pm_quote(j->path).s, why[i], line && i % 2 ? " (" : "",
		       line && i % 2 && strchr(line, '\t') ? pm_quote(strchr(line, '\t') + 1).s
							   : "",
		       line && i % 2 ? ")" : "");
}

/* Lines that are no steps: what they say is kept. False: it is none of them. */
static bool parse_other(struct pm_journal *j, char *line)
{
	char *at = line;
	const char *kind, *text;
	uint64_t t, *when;

	if (!pm_tsv_take(&at, &kind) || !kind)
		return false;
	if (!strcmp(kind, "checkpoint"))
		return take_sizes(&at, &j->sizes);
	if (!strcmp(kind, "synced"))
		return true;
	if (!strcmp(kind, "file") && pm_tsv_take(&at, &text) && text) {
		const char **slot = pm_vec_push(j->ctx, &j->files);

		if (slot)
			*slot = pm_arena_strdup(j->ctx, &j->arena, text);
		return !j->ctx->rc;
	}
	if (!strcmp(kind, "digest") && pm_tsv_take(&at, &text) && text) {
		j->digest = pm_arena_strdup(j->ctx, &j->arena, text);
		return j->digest != NULL;
	}
	if (!strcmp(kind, "began"))
		return take_number(&at, 10, &j->began);
	if (strcmp(kind, "resumed") || !take_number(&at, 10, &t))
		return false;
	when = pm_vec_push(j->ctx, &j->resumed);
	if (when)
		*when = t;
	return when != NULL;
}

static bool is_step(const char *line)
{
	return line[0] && line[1] == '\t';
}

/*
 * Read what is known of the whole export, and leave the steps, one behind the other, for
 * pm_journal_peek.
 */
static enum pm_rc parse(struct pm_journal *j, char *at, char *end)
{
	char *to = at, *line;

	j->at = at;
	while (at < end) {
		line = next_line(&at, end);
		if (line && is_step(line)) {
			size_t n = strlen(line) + 1;

			memmove(to, line, n);
			to += n;
		} else if (!line || !parse_other(j, line)) {
			return j->ctx->rc ? j->ctx->rc
					  : pm_fail(j->ctx, PM_EUSAGE,
						    "%s: the journal is damaged; begin again with "
						    "--force",
						    pm_quote(j->path).s);
		}
	}
	j->end = to;
	return PM_OK;
}

enum pm_rc pm_journal_resume(struct pm_ctx *ctx, const char *dir, const struct pm_journal_id *id,
			     struct pm_journal **ret)
{
	struct pm_buf line = {0};
	struct pm_journal *j;
	char *at, *begin, *end, *last;
	uint64_t *when;
	enum pm_rc rc = new_journal(ctx, dir, ret);

	if (rc)
		return rc;
	j = *ret;
	rc = open_journal(j);
	if (!rc)
		rc = read_all(j);
	if (rc)
		return rc;
	at = begin = (char *)j->text.p;
	end = at + j->text.n - 1;
	last = last_checkpoint(at, end);
	rc = check_head(j, id, &at, end);
	if (!rc && !last) { /* nothing counts but when it began */
		last = memchr(at, '\n', (size_t)(end - at));
		last = last ? last + 1 : at;
	}
	if (!rc)
		rc = parse(j, at, last);
	if (rc)
		return rc;
	j->size = (uint64_t)(last - begin);
	when = pm_vec_push(ctx, &j->resumed);
	if (when)
		*when = id->now;
	began_line(ctx, id, "resumed", &line);
	rc = pm_write_truncate(ctx, j->fd, pm_quote(j->path).s, j->size);
	if (!rc && !ctx->rc)
		rc = pm_write_at(ctx, j->fd, pm_quote(j->path).s, j->size, line.p, line.n);
	j->size += line.n;
	pm_buf_done(&line);
	return rc ? rc : ctx->rc;
}

void pm_journal_free(struct pm_journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	pm_buf_done(&j->lines);
	pm_buf_done(&j->text);
	pm_vec_done(&j->resumed);
	pm_vec_done(&j->files);
	pm_arena_done(&j->arena);
	pm_free(j->dir);
	pm_free(j->path);
	pm_free(j);
}

/* ---- replaying ---- */

bool pm_journal_replays(const struct pm_journal *j)
{
	return j->peeked || j->at < j->end;
}

bool pm_journal_peek(struct pm_journal *j, struct pm_journal_step *ret)
{
	if (!pm_journal_replays(j))
		return false;
	if (!j->peeked) {
		/* It is taken apart where it stands, so the next one is found before. */
		char *next = j->at + strlen(j->at) + 1;

		if (!parse_step(j->at, &j->step))
			j->step = (struct pm_journal_step){0}; /* it fits nothing */
		j->at = next;
		j->peeked = true;
	}
	*ret = j->step;
	ret->hash = ret->hash ? j->step.hash_bytes : NULL;
	return true;
}

void pm_journal_take(struct pm_journal *j)
{
	j->peeked = false;
}

const struct pm_journal_sizes *pm_journal_sizes(const struct pm_journal *j)
{
	return &j->sizes;
}

const char *pm_journal_digest(const struct pm_journal *j)
{
	return j->digest;
}

uint64_t pm_journal_began(const struct pm_journal *j)
{
	return j->began;
}

const uint64_t *pm_journal_resumed(const struct pm_journal *j, size_t *ret_n)
{
	*ret_n = j->resumed.n;
	return j->resumed.v;
}

const char *pm_journal_file(const struct pm_journal *j, size_t i)
{
	return i < j->files.n ? j->files.v[i] : NULL;
}

/* ---- writing ---- */

void pm_journal_note_digest(struct pm_journal *j, const char *digest)
{
	pm_buf_printf(j->ctx, &j->lines, "digest\t%s\n", digest);
}

void pm_journal_note_file(struct pm_journal *j, const char *rel)
{
	pm_buf_str(j->ctx, &j->lines, "file\t");
	pm_tsv_put(j->ctx, &j->lines, rel);
	pm_buf_byte(j->ctx, &j->lines, '\n');
}

void pm_journal_note(struct pm_journal *j, const struct pm_journal_step *s, uint64_t bytes)
{
	const char *const texts[] = {s->file, s->subject, s->why};

	pm_buf_printf(j->ctx, &j->lines, "%c\t%x\t%x\t%u\t%llu\t%llu\t%llu\t%llu\t", (int)s->kind,
		      s->nid, s->of, s->state, (unsigned long long)s->number,
		      (unsigned long long)s->attachments[0], (unsigned long long)s->attachments[1],
		      (unsigned long long)s->attachments[2]);
	if (s->hash)
		pm_buf_hex(j->ctx, &j->lines, false, s->hash, sizeof(s->hash_bytes));
	else
		pm_buf_str(j->ctx, &j->lines, "\\N");
	for (size_t i = 0; i < 3; i++) {
		pm_buf_byte(j->ctx, &j->lines, '\t');
		pm_tsv_put_null(j->ctx, &j->lines, texts[i]);
	}
	pm_buf_byte(j->ctx, &j->lines, '\n');
	j->items++;
	j->bytes += bytes;
}

bool pm_journal_is_due(const struct pm_journal *j, bool all)
{
	return (all && j->items) || j->items >= DUE_ITEMS || j->bytes >= DUE_BYTES;
}

static enum pm_rc append(struct pm_journal *j, const void *p, size_t n)
{
	enum pm_rc rc = pm_write_at(j->ctx, j->fd, pm_quote(j->path).s, j->size, p, n);

	j->size += n;
	return rc;
}

/* Everything that was written so far is on the disk, and then the journal says so. */
static enum pm_rc sync_all(struct pm_journal *j)
{
	int errnum = pm_write_step();
	enum pm_rc rc;

	j->unsynced = 0;
	if (!errnum && syncfs(j->fd))
		errnum = errno;
	if (errnum)
		return pm_write_fail(j->ctx, pm_quote(j->dir).s, "bringing it to the disk",
				     UINT64_MAX, errnum);
	rc = append(j, "synced\n", 7);
	return rc ? rc : pm_write_sync(j->ctx, j->fd, pm_quote(j->path).s);
}

enum pm_rc pm_journal_checkpoint(struct pm_journal *j, const struct pm_journal_sizes *sizes)
{
	enum pm_rc rc;

	pm_buf_printf(j->ctx, &j->lines, "checkpoint\t%llu\t%llu\t%llu\n",
		      (unsigned long long)sizes->map, (unsigned long long)sizes->inventory,
		      (unsigned long long)sizes->mail);
	rc = j->ctx->rc ? j->ctx->rc : append(j, j->lines.p, j->lines.n);
	pm_buf_clear(&j->lines);
	j->unsynced += j->bytes;
	j->items = j->bytes = 0;
	return !rc && j->unsynced >= SYNC_BYTES ? sync_all(j) : rc;
}

enum pm_rc pm_journal_remove(struct pm_journal *j)
{
	int errnum = pm_write_step();

	if (!errnum && unlink(j->path))
		errnum = errno;
	return errnum ? pm_write_fail(j->ctx, pm_quote(j->path).s, "removing it", UINT64_MAX,
				      errnum)
		      : PM_OK;
}
