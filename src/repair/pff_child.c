/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child of the independent proof: opens the image with libpff through a libbfio handle
 * of ours, lists all folders, opens the items asked for and reads what they hold. All that
 * it finds goes through the pipe at once, so that a crash loses nothing but what was at hand.
 */
#include "repair/pff_internal.h"

#include "base/bytes.h"
#include "msg/folder.h"

#include <errno.h>
#include <libbfio.h>
#include <libpff.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define FOLDER_DEPTH_MAX   128
#define EMBEDDED_DEPTH_MAX 16
#define CHUNK              (64u << 10)

/* The image as libbfio sees it. */
struct source {
	struct pm_ctx *ctx;
	struct pm_image *img;
	uint64_t pos;
};

struct child {
	const struct pm_pff_options *opt;
	struct pff_page *page;
	int fd;
	struct pm_ctx ctx; /* of the child's own: errors here are libpff's business */
	struct source source;
	libpff_file_t *file;
	libpff_error_t *error; /* of the last call */
	uint8_t chunk[CHUNK];

	struct pff_listed_record listed; /* what the walk that lists has found */
	bool opening;                    /* the second walk; items are numbered in its order: */
	uint64_t next;                   /* number of the item that comes next */
	uint64_t chosen;                 /* how many of the sample are done */
	uint64_t sample;                 /* how many there are to be */
	struct pff_end_record end;
	/* Of the item at hand. */
	struct pm_pff_item item;
	uint32_t reads; /* the node whose values are read: the item's, or an embedded message's */
	bool failed, limited;
	bool out_of_memory; /* from now on its failures prove nothing: it keeps half-made things */
};

/* --- the pipe ----------------------------------------------------------------------------- */

static void send_record(int fd, enum pff_record_kind kind, const void *p, size_t n)
{
	struct {
		struct pff_record_head head;
		uint8_t body[PFF_RECORD_MAX];
	} r;
	size_t done = 0, total = sizeof(r.head) + n;
	ssize_t put;

	memset(&r.head, 0, sizeof(r.head));
	r.head.kind = (uint32_t)kind;
	r.head.n = (uint32_t)n;
	memcpy(r.body, p, n);
	while (done < total) {
		put = write(fd, (const uint8_t *)&r + done, total - done);
		if (put < 0 && errno != EINTR)
			_exit(1); /* nobody listens any more */
		if (put > 0)
			done += (size_t)put;
	}
}

static void step(struct child *c, enum pff_step what, uint32_t nid)
{
	c->page->nid = nid;
	c->page->step = (uint32_t)what;
	if (c->opt->hook)
		c->opt->hook(pm_pff_step_text((uint32_t)what), nid);
	errno = 0;
}

/* One line of ASCII. */
static void make_plain(char *s)
{
	for (; *s; s++) {
		if (*s < 0x20 || *s > 0x7e)
			*s = '?';
	}
}

/*
 * Take the error of the last call: make the record of it, and free it. libpff tells the
 * innermost cause first, a line a caller; the cause is what the record says, but what the
 * limits are known by may stand in any line. `silent` is for a failure without an error.
 */
static void take_error(struct child *c, const char *silent, struct pff_failure_record *ret)
{
	char all[8192] = "";
	size_t n;

	memset(ret, 0, sizeof(*ret));
	c->out_of_memory = c->out_of_memory || errno == ENOMEM;
	ret->limit = c->out_of_memory ? pm_pff_limit_memory() : PFF_NO_LIMIT;
	if (!c->error || libpff_error_backtrace_sprint(c->error, all, sizeof(all)) < 0)
		snprintf(all, sizeof(all), "%s", silent);
	libpff_error_free(&c->error);
	if (ret->limit == PFF_NO_LIMIT)
		ret->limit = pm_pff_limit_of(all);
	all[strcspn(all, "\n")] = 0;
	n = strlen(all);
	if (n > 0 && all[n - 1] == '.')
		all[n - 1] = 0;
	make_plain(all);
	all[sizeof(ret->text) - 1] = 0;
	memcpy(ret->text, all, strlen(all) + 1);
}

static bool is_in(uint32_t nid, const uint32_t *v, size_t n)
{
	size_t lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (v[mid] < nid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && v[lo] == nid;
}

/*
 * Is what fails known to be damaged? It is the item, or a node of the store with the id of an
 * embedded message in it: libpff reads that one in its place.
 */
static bool is_partial(const struct child *c, uint32_t nid)
{
	return is_in(nid, c->opt->partial, c->opt->n_partial) ||
	       (nid == c->item.nid && is_in(c->reads, c->opt->partial, c->opt->n_partial));
}

/* The call for this step failed. Returns whether that has a reason that we know. */
static bool fail(struct child *c, enum pff_step what, uint32_t nid, uint32_t folder)
{
	struct pff_failure_record r;

	take_error(c, "it gives no reason", &r);
	if (r.limit == PFF_NO_LIMIT && is_partial(c, nid))
		r.limit = pm_pff_limit_partial();
	r.nid = nid;
	r.folder = folder;
	r.step = (uint32_t)what;
	send_record(c->fd, PFF_RECORD_FAILURE, &r, sizeof(r));
	return r.limit != PFF_NO_LIMIT;
}

static void fail_item(struct child *c, enum pff_step what)
{
	if (fail(c, what, c->item.nid, c->item.folder))
		c->limited = true;
	else
		c->failed = true;
}

/* Folders are walked twice; what fails is told the first time. Returns whether that has a reason that we know. */
static bool fail_folder(struct child *c, enum pff_step what, uint32_t nid)
{
	bool known;

	if (c->opening) {
		libpff_error_free(&c->error);
		return false;
	}
	known = fail(c, what, nid, 0);
	c->listed.n_tables_limited += known;
	c->listed.n_tables_failed += !known;
	return known;
}

/* --- the libbfio handle ------------------------------------------------------------------- */

static int source_open(intptr_t *io, int flags, libbfio_error_t **error)
{
	(void)io, (void)error;
	return flags & LIBBFIO_ACCESS_FLAG_WRITE ? -1 : 1;
}

static int source_close(intptr_t *io, libbfio_error_t **error)
{
	(void)io, (void)error;
	return 0;
}

static ssize_t source_read(intptr_t *io, uint8_t *buf, size_t n, libbfio_error_t **error)
{
	struct source *s = (struct source *)io;
	uint64_t size = pm_image_size(s->img);
	int saved = errno;
	enum pm_rc rc;

	(void)error;
	if (s->pos >= size)
		return 0;
	if (n > size - s->pos)
		n = (size_t)(size - s->pos);
	if (n > SSIZE_MAX)
		n = SSIZE_MAX;
	rc = pm_image_read(s->ctx, s->img, s->pos, buf, n);
	errno = saved; /* ENOMEM there is to mean libpff's memory */
	if (rc != PM_OK)
		return -1;
	s->pos += n;
	return (ssize_t)n;
}

static off64_t source_seek(intptr_t *io, off64_t off, int whence, libbfio_error_t **error)
{
	struct source *s = (struct source *)io;
	int64_t base = 0, to;

	(void)error;
	if (whence == SEEK_CUR)
		base = (int64_t)s->pos;
	else if (whence == SEEK_END)
		base = (int64_t)pm_image_size(s->img);
	else if (whence != SEEK_SET)
		return -1;
	if (__builtin_add_overflow(base, (int64_t)off, &to) || to < 0)
		return -1;
	s->pos = (uint64_t)to;
	return (off64_t)to;
}

static int source_yes(intptr_t *io, libbfio_error_t **error)
{
	(void)io, (void)error;
	return 1;
}

static int source_size(intptr_t *io, size64_t *size, libbfio_error_t **error)
{
	(void)error;
	*size = pm_image_size(((struct source *)io)->img);
	return 1;
}

static bool open_file(struct child *c)
{
	libbfio_handle_t *handle = NULL;

	step(c, PFF_OPENING, 0);
	return libbfio_handle_initialize(&handle, (intptr_t *)&c->source, NULL, NULL, source_open,
					 source_close, source_read, NULL, source_seek, source_yes,
					 source_yes, source_size,
					 LIBBFIO_FLAG_IO_HANDLE_NON_MANAGED |
						 LIBBFIO_FLAG_IO_HANDLE_CLONE_BY_FUNCTION,
					 &c->error) == 1 &&
	       libpff_file_initialize(&c->file, &c->error) == 1 &&
	       libpff_file_open_file_io_handle(c->file, handle, libpff_get_access_flags_read(),
					       &c->error) == 1;
}

/* --- an item ------------------------------------------------------------------------------ */

/* Memory for what libpff is to fill in; errno says so when there is none. */
static uint8_t *take_room(struct child *c, size_t size)
{
	uint8_t *p = pm_calloc(&c->ctx, size, 1);

	if (!p)
		errno = ENOMEM;
	return p;
}

/* A text property: 1 and its bytes, 0 when there is none, -1 when it can't be read. */
static int read_text(struct child *c, libpff_item_t *item, uint32_t property)
{
	size_t size = 0;
	uint8_t *p;
	int got;

	got = libpff_message_get_entry_value_utf8_string_size(item, property, &size, &c->error);
	if (got != 1 || size == 0)
		return got;
	p = take_room(c, size);
	got = p ? libpff_message_get_entry_value_utf8_string(item, property, p, size, &c->error)
		: -1;
	pm_free(p);
	return got;
}

typedef int (*body_size_fn)(libpff_item_t *, size_t *, libpff_error_t **);
typedef int (*body_fn)(libpff_item_t *, uint8_t *, size_t, libpff_error_t **);

static void read_body(struct child *c, libpff_item_t *item, enum pff_step what,
		      body_size_fn size_of, body_fn read, uint64_t *sum)
{
	size_t size = 0;
	uint8_t *p;
	int got;

	step(c, what, c->item.nid);
	got = size_of(item, &size, &c->error);
	if (got == 1 && size > 0) {
		p = take_room(c, size);
		got = p ? read(item, p, size, &c->error) : -1;
		pm_free(p);
	}
	if (got == -1)
		fail_item(c, what);
	else if (got == 1)
		*sum += size;
}

static void read_recipients(struct child *c, libpff_item_t *item)
{
	libpff_item_t *list = NULL;
	int got, n = 0;

	step(c, PFF_RECIPIENTS, c->item.nid);
	got = libpff_message_get_recipients(item, &list, &c->error);
	if (got == 1 && libpff_item_get_number_of_record_sets(list, &n, &c->error) != 1)
		got = -1;
	if (got == -1)
		fail_item(c, PFF_RECIPIENTS);
	else if (got == 1 && n > 0)
		c->item.recipients += (uint32_t)n;
	if (list)
		libpff_item_free(&list, NULL);
}

/* All the bytes of an attachment; false when libpff fails or gives less than it promised. */
static bool read_data(struct child *c, libpff_item_t *attachment)
{
	size64_t size = 0;
	uint64_t done = 0;
	ssize_t got;

	switch (libpff_attachment_get_data_size(attachment, &size, &c->error)) {
	case 0:
		return true;
	case 1:
		break;
	default:
		return false;
	}
	while (done < size) {
		got = libpff_attachment_data_read_buffer(attachment, c->chunk, sizeof(c->chunk),
							 &c->error);
		if (got <= 0)
			return false;
		done += (uint64_t)got;
	}
	c->item.attached += done;
	return true;
}

static void read_item(struct child *c, libpff_item_t *item, int depth);

static void read_embedded(struct child *c, libpff_item_t *attachment, int depth)
{
	libpff_item_t *item = NULL;
	uint32_t outer = c->reads;

	step(c, PFF_EMBEDDED, c->item.nid);
	if (libpff_attachment_get_item(attachment, &item, &c->error) != 1 ||
	    libpff_item_get_identifier(item, &c->reads, &c->error) != 1)
		fail_item(c, PFF_EMBEDDED);
	else if (depth < EMBEDDED_DEPTH_MAX)
		read_item(c, item, depth + 1);
	c->reads = outer;
	if (item)
		libpff_item_free(&item, NULL);
}

static void read_attachment(struct child *c, libpff_item_t *item, int i, int depth)
{
	libpff_item_t *attachment = NULL;
	int type = 0;

	step(c, PFF_ATTACHMENT, c->item.nid);
	if (libpff_message_get_attachment(item, i, &attachment, &c->error) != 1 ||
	    libpff_attachment_get_type(attachment, &type, &c->error) != 1 ||
	    (type == LIBPFF_ATTACHMENT_TYPE_DATA && !read_data(c, attachment)))
		fail_item(c, PFF_ATTACHMENT);
	else if (type == LIBPFF_ATTACHMENT_TYPE_ITEM)
		read_embedded(c, attachment, depth);
	if (attachment)
		libpff_item_free(&attachment, NULL);
}

static void read_item(struct child *c, libpff_item_t *item, int depth)
{
	uint8_t type = 0;
	int i, n = 0;

	step(c, PFF_ITEM, c->item.nid);
	if (libpff_item_get_type(item, &type, &c->error) != 1) {
		fail_item(c, PFF_ITEM);
		return;
	}
	step(c, PFF_SUBJECT, c->item.nid);
	if (read_text(c, item, LIBPFF_ENTRY_TYPE_MESSAGE_SUBJECT) == -1)
		fail_item(c, PFF_SUBJECT);
	step(c, PFF_SENDER, c->item.nid);
	if (read_text(c, item, LIBPFF_ENTRY_TYPE_MESSAGE_SENDER_NAME) == -1)
		fail_item(c, PFF_SENDER);
	read_body(c, item, PFF_BODY, libpff_message_get_plain_text_body_size,
		  libpff_message_get_plain_text_body, &c->item.body);
	read_body(c, item, PFF_HTML, libpff_message_get_html_body_size,
		  libpff_message_get_html_body, &c->item.html);
	read_body(c, item, PFF_RTF, libpff_message_get_rtf_body_size, libpff_message_get_rtf_body,
		  &c->item.rtf);
	read_recipients(c, item);
	step(c, PFF_ATTACHMENTS, c->item.nid);
	if (libpff_message_get_number_of_attachments(item, &n, &c->error) != 1) {
		fail_item(c, PFF_ATTACHMENTS);
		return;
	}
	for (i = 0; i < n; i++) {
		c->item.attachments++;
		read_attachment(c, item, i, depth);
	}
}

static void begin_item(struct child *c, uint32_t nid, uint32_t folder, bool assoc)
{
	memset(&c->item, 0, sizeof(c->item));
	c->item.nid = c->reads = nid;
	c->item.folder = folder;
	c->item.assoc = assoc;
	c->failed = c->limited = false;
}

static void end_item(struct child *c)
{
	c->item.whole = !c->failed && !c->limited;
	if (c->failed)
		c->end.n_failed++;
	else if (c->limited)
		c->end.n_limited++;
	else
		c->end.n_whole++;
	c->end.bytes += c->item.body + c->item.html + c->item.rtf + c->item.attached;
	if (c->opt->item)
		send_record(c->fd, PFF_RECORD_ITEM, &c->item, sizeof(c->item));
	c->page->done++;
}

/* --- folders ------------------------------------------------------------------------------ */

/* Is the next item of the walk in the sample? Item i of s lies at i (n - 1) / (s - 1). */
static bool is_chosen(struct child *c)
{
	uint64_t at = c->sample > 1 ? c->chosen * (c->listed.n_items - 1) / (c->sample - 1) : 0;

	if (c->chosen == c->sample || c->next++ != at)
		return false;
	c->chosen++;
	return true;
}

typedef int (*row_fn)(libpff_item_t *, int, libpff_item_t **, libpff_error_t **);

/* Open those rows of a table that are in the sample. */
static void open_rows(struct child *c, libpff_item_t *folder, uint32_t nid, bool assoc, uint32_t n)
{
	row_fn get =
		assoc ? libpff_folder_get_sub_associated_content : libpff_folder_get_sub_message;
	libpff_item_t *item;
	uint32_t i, item_nid;

	for (i = 0; i < n; i++) {
		if (!is_chosen(c))
			continue;
		item = NULL;
		item_nid = 0;
		step(c, PFF_ROW, nid);
		begin_item(c, 0, nid, assoc);
		if (get(folder, (int)i, &item, &c->error) != 1 ||
		    libpff_item_get_identifier(item, &item_nid, &c->error) != 1) {
			fail_item(c, PFF_ROW);
			end_item(c);
		} else if (!is_in(item_nid, c->opt->must, c->opt->n_must)) {
			c->item.nid = c->reads = item_nid;
			read_item(c, item, 0);
			end_item(c);
		}
		if (item)
			libpff_item_free(&item, NULL);
	}
}

typedef int (*count_fn)(libpff_item_t *, int *, libpff_error_t **);

/* The number of rows of a folder's table; 0 and a failure when libpff can't read it, which it need not if
 * *ret_unread. */
static uint32_t count(struct child *c, libpff_item_t *folder, enum pff_step what, uint32_t nid,
		      count_fn fn, bool *ret_unread)
{
	int n = 0;

	step(c, what, nid);
	if (fn(folder, &n, &c->error) != 1) {
		*ret_unread = fail_folder(c, what, nid);
		return 0;
	}
	return n > 0 ? (uint32_t)n : 0;
}

/* A folder's own properties; the root folder has no name. */
static void read_name(struct child *c, libpff_item_t *folder, uint32_t nid)
{
	size_t size = 0;
	uint8_t *p;
	int got;

	step(c, PFF_NAME, nid);
	got = libpff_folder_get_utf8_name_size(folder, &size, &c->error);
	if (got == 1 && size > 0) {
		p = take_room(c, size);
		got = p ? libpff_folder_get_utf8_name(folder, p, size, &c->error) : -1;
		pm_free(p);
	}
	if (got == -1)
		fail_folder(c, PFF_NAME, nid);
}

/*
 * A folder: the folders in it first, then its own contents, so that only one contents table
 * is in memory at a time. The walk is done twice, in the same order: once to list and count,
 * then to open.
 */
static void walk(struct child *c, libpff_item_t *folder, int depth)
{
	struct pm_pff_count here = {0};
	libpff_item_t *sub;
	bool tables, unread = false; /* folders that aren't listed are told as not seen */
	uint32_t i;

	step(c, PFF_FOLDER, 0);
	if (libpff_item_get_identifier(folder, &here.nid, &c->error) != 1)
		fail_folder(c, PFF_FOLDER, 0);
	if (!c->opening)
		read_name(c, folder, here.nid);
	/*
	 * libpff finds a folder's tables by adding to its node id. With a search folder that
	 * leads to its contents table as if it were the one of associated items.
	 */
	tables = pm_nid_type(here.nid) != PM_NT_SEARCH;
	if (tables)
		here.folders = count(c, folder, PFF_FOLDERS, here.nid,
				     libpff_folder_get_number_of_sub_folders, &unread);
	for (i = 0; i < here.folders && depth < FOLDER_DEPTH_MAX; i++) {
		sub = NULL;
		if (libpff_folder_get_sub_folder(folder, (int)i, &sub, &c->error) != 1)
			fail_folder(c, PFF_FOLDER, here.nid);
		else
			walk(c, sub, depth + 1);
		if (sub)
			libpff_item_free(&sub, NULL);
	}
	if (tables) {
		here.messages =
			count(c, folder, PFF_MESSAGES, here.nid,
			      libpff_folder_get_number_of_sub_messages, &here.unread_messages);
		here.assoc = count(c, folder, PFF_ASSOC, here.nid,
				   libpff_folder_get_number_of_sub_associated_contents,
				   &here.unread_assoc);
	}
	if (c->opening) {
		open_rows(c, folder, here.nid, false, here.messages);
		open_rows(c, folder, here.nid, true, here.assoc);
	} else {
		c->listed.n_items += (uint64_t)here.messages + here.assoc;
		send_record(c->fd, PFF_RECORD_FOLDER, &here, sizeof(here));
	}
}

static void open_wanted(struct child *c)
{
	libpff_item_t *item;
	size_t i;

	for (i = 0; i < c->opt->n_must; i++) {
		item = NULL;
		begin_item(c, c->opt->must[i], 0, false);
		step(c, PFF_ITEM, c->item.nid);
		if (libpff_file_get_item_by_identifier(c->file, c->item.nid, &item, &c->error) != 1)
			fail_item(c, PFF_ITEM);
		else
			read_item(c, item, 0);
		end_item(c);
		if (item)
			libpff_item_free(&item, NULL);
	}
}

static uint64_t sample_size(const struct child *c)
{
	uint64_t n = c->opt->sample ? c->opt->sample : PM_PFF_SAMPLE_DEFAULT;

	return c->opt->mode == PM_PFF_FULL || n > c->listed.n_items ? c->listed.n_items : n;
}

static void read_all(struct child *c, libpff_item_t *root)
{
	int n = 0;

	walk(c, root, 0);
	step(c, PFF_ORPHANS, 0);
	if (libpff_file_get_number_of_orphan_items(c->file, &n, &c->error) == 1 && n > 0)
		c->listed.n_orphans = (uint64_t)n;
	libpff_error_free(&c->error);
	send_record(c->fd, PFF_RECORD_LISTED, &c->listed, sizeof(c->listed));

	c->sample = sample_size(c);
	c->page->total = c->sample + c->opt->n_must;
	open_wanted(c);
	c->opening = true;
	if (c->sample > 0)
		walk(c, root, 0);
	send_record(c->fd, PFF_RECORD_END, &c->end, sizeof(c->end));
}

/* What is never freed: the process ends with it. */
static struct child *new_child(struct pm_image *img, const struct pm_pff_options *opt, int fd,
			       struct pff_page *page)
{
	struct pm_ctx ctx = {0};
	struct child *c = pm_calloc(&ctx, 1, sizeof(*c));

	if (!c)
		return NULL;
	c->opt = opt;
	c->page = page;
	c->fd = fd;
	c->source.ctx = &c->ctx;
	c->source.img = img;
	return c;
}

void pm_pff_child(struct pm_image *img, const struct pm_pff_options *opt, int fd,
		  struct pff_page *page)
{
	struct child *c = new_child(img, opt, fd, page);
	struct pff_failure_record r = {.step = PFF_OPENING, .limit = pm_pff_limit_memory()};
	libpff_item_t *root = NULL;

	if (!c) {
		send_record(fd, PFF_RECORD_REFUSED, &r, sizeof(r));
	} else if (open_file(c) && libpff_file_get_root_folder(c->file, &root, &c->error) == 1) {
		read_all(c, root);
	} else {
		take_error(c, "it finds no root folder", &r);
		send_record(fd, PFF_RECORD_REFUSED, &r, sizeof(r));
	}
}
