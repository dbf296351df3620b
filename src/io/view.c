/* SPDX-License-Identifier: Apache-2.0 */
/* Views; see view.h. */
#include "io/view.h"

#include "base/nameless.h"
#include "base/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum kind { LITERAL, SPILLED, MAPPED };

struct extent {
	uint64_t start, end; /* start first: it is the key */
	enum kind kind;
	uint64_t src; /* SPILLED: offset in the spill file; MAPPED: in the base */
	uint8_t *p;   /* LITERAL */
};

struct pm_view {
	struct pm_image img; /* first, so that an image pointer is one to this */
	struct pm_ctx *ctx;
	struct pm_image *base;
	struct pm_seq seq; /* of struct extent */
	struct pm_arena arena;
	uint64_t in_memory, budget;
	char *spill_dir;
	int spill_fd;
	uint64_t spilled;
};

static struct extent *extent_at(const struct pm_view *v, struct pm_seq_pos pos)
{
	return pm_seq_at(&v->seq, pos);
}

/* The first extent that ends after `at`. */
static struct pm_seq_pos first_from(const struct pm_view *v, uint64_t at)
{
	struct pm_seq_pos pos;

	if (pm_seq_find(&v->seq, at, &pos) && extent_at(v, pos)->end <= at)
		pos = pm_seq_next(&v->seq, pos);
	return pos;
}

/* Let the extent begin at `start`, inside it. */
static void cut_head(struct extent *e, uint64_t start)
{
	uint64_t by = start - e->start;

	e->start = start;
	e->src += by;
	if (e->p)
		e->p += by;
}

/* Take [start, end) out of all extents. */
static enum pm_rc punch(struct pm_view *v, uint64_t start, uint64_t end)
{
	struct pm_seq_pos pos = first_from(v, start), at;
	struct extent *e = extent_at(v, pos), tail;
	uint64_t k = 0;

	/* What the base could not give there no longer matters. */
	if (pm_rangeset_remove(v->ctx, &v->img.unreadable, start, end))
		return PM_ENOMEM;
	if (e && e->start < start) {
		tail = *e;
		pos = pm_seq_next(&v->seq, pos);
		if (tail.end > end) {
			cut_head(&tail, end);
			if (pm_seq_insert(v->ctx, &v->seq, &pos, &tail))
				return PM_ENOMEM;
			pm_seq_find(&v->seq, start, &at);
			extent_at(v, at)->end = start;
			return PM_OK;
		}
		e->end = start;
	}
	for (at = pos; (e = extent_at(v, at)) && e->end <= end; at = pm_seq_next(&v->seq, at))
		k++;
	pm_seq_erase(&v->seq, &pos, k);
	e = extent_at(v, pos);
	if (e && e->start < end) {
		cut_head(e, end);
		pm_seq_rekey(&v->seq, pos, end);
	}
	return PM_OK;
}

/* Does `b`, right behind `a`, continue it? */
static bool continues(const struct extent *a, const struct extent *b)
{
	uint64_t n = a->end - a->start;

	if (a->end != b->start || a->kind != b->kind)
		return false;
	return a->kind == LITERAL ? a->p + n == b->p : a->src + n == b->src;
}

static enum pm_rc set_extent(struct pm_view *v, const struct extent *e)
{
	struct pm_seq_pos pos, prev;
	enum pm_rc rc = punch(v, e->start, e->end);

	if (rc)
		return rc;
	if (pm_seq_find(&v->seq, e->start, &prev) && continues(extent_at(v, prev), e)) {
		extent_at(v, prev)->end = e->end;
	} else {
		pos = first_from(v, e->start);
		if (pm_seq_insert(v->ctx, &v->seq, &pos, e))
			return PM_ENOMEM;
	}
	if (e->end > v->img.size)
		v->img.size = e->end;
	return PM_OK;
}

static enum pm_rc spill_fail(struct pm_view *v, const char *doing)
{
	return pm_fail(v->ctx, PM_EIO,
		       "cannot %s a temporary file in %s: %s; "
		       "make room there, or set TMPDIR to another directory",
		       doing, pm_quote(v->spill_dir).s, pm_strerror(errno));
}

static enum pm_rc spill_open(struct pm_view *v)
{
	if (!v->spill_dir && pm_view_set_spill(v, v->budget, NULL))
		return v->ctx->rc;
	v->spill_fd = pm_nameless_open(v->spill_dir);
	return v->spill_fd >= 0 ? PM_OK : spill_fail(v, "create");
}

static enum pm_rc spill_write(struct pm_view *v, uint64_t at, const uint8_t *p, size_t n)
{
	if (v->spill_fd < 0 && spill_open(v))
		return v->ctx->rc;
	while (n > 0) {
		ssize_t put = pwrite(v->spill_fd, p, n, (off_t)at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put == 0)
			errno = ENOSPC;
		if (put <= 0)
			return spill_fail(v, "write to");
		p += put;
		at += (uint64_t)put;
		n -= (size_t)put;
	}
	return PM_OK;
}

/* A put inside one literal extent changes its bytes; so a page put often is kept once. */
static bool put_over(struct pm_view *v, uint64_t off, const void *p, size_t n, enum pm_rc *ret_rc)
{
	const struct extent *e = extent_at(v, first_from(v, off));

	if (!e || e->start > off || n > e->end - off || e->kind == MAPPED)
		return false;
	*ret_rc = PM_OK;
	if (e->kind == LITERAL)
		memmove(e->p + (off - e->start), p, n);
	else
		*ret_rc = spill_write(v, e->src + (off - e->start), p, n);
	return true;
}

enum pm_rc pm_view_put(struct pm_view *v, uint64_t off, const void *p, size_t n)
{
	struct extent e = {.start = off, .end = off + n};
	enum pm_rc rc;

	if (n == 0)
		return PM_OK;
	if (e.end < off)
		return pm_fail(v->ctx, PM_EBUG, "a change at offset %llu wraps around",
			       (unsigned long long)off);
	if (put_over(v, off, p, n, &rc))
		return rc;
	if (v->in_memory <= v->budget && n <= v->budget - v->in_memory) {
		e.kind = LITERAL;
		e.p = pm_arena_dup(v->ctx, &v->arena, p, n);
		if (!e.p)
			return PM_ENOMEM;
		v->in_memory += n;
	} else {
		e.kind = SPILLED;
		e.src = v->spilled;
		rc = spill_write(v, e.src, p, n);
		if (rc)
			return rc;
		v->spilled += n;
	}
	return set_extent(v, &e);
}

enum pm_rc pm_view_map(struct pm_view *v, uint64_t off, uint64_t src_off, uint64_t n)
{
	struct extent e = {.start = off, .end = off + n, .kind = MAPPED, .src = src_off};

	if (n == 0)
		return PM_OK;
	if (e.end < off || src_off > v->base->size || n > v->base->size - src_off)
		return pm_fail(v->ctx, PM_EBUG, "a mapping of %llu bytes from %llu is outside %s",
			       (unsigned long long)n, (unsigned long long)src_off,
			       pm_image_name(v->base));
	if (off != src_off)
		return set_extent(v, &e);
	if (e.end > v->img.size)
		v->img.size = e.end;
	return punch(v, e.start, e.end);
}

enum pm_rc pm_view_set_size(struct pm_view *v, uint64_t size)
{
	enum pm_rc rc = size < v->img.size ? punch(v, size, UINT64_MAX) : PM_OK;

	if (rc == PM_OK)
		v->img.size = size;
	return rc;
}

/* Take over what the base found unreadable in [src, src + n), as seen at `off`. */
static enum pm_rc inherit_unreadable(struct pm_ctx *ctx, struct pm_view *v, uint64_t off,
				     uint64_t src, uint64_t n)
{
	struct pm_range r;

	for (uint64_t at = src; pm_image_next_hole(v->base, at, src + n, &r); at = r.end) {
		if (pm_is_error(pm_image_note_hole(ctx, &v->img, off + (r.start - src),
						   r.end - r.start)))
			return PM_ENOMEM;
	}
	return PM_OK;
}

static enum pm_rc read_base(struct pm_ctx *ctx, struct pm_view *v, uint64_t off, uint64_t src,
			    uint8_t *buf, size_t n)
{
	enum pm_rc rc;

	if (src >= v->base->size) {
		memset(buf, 0, n);
		return PM_OK;
	}
	if (n > v->base->size - src) {
		size_t inside = (size_t)(v->base->size - src);

		memset(buf + inside, 0, n - inside);
		n = inside;
	}
	rc = pm_image_read(ctx, v->base, src, buf, n);
	if (rc == PM_DAMAGED && inherit_unreadable(ctx, v, off, src, n))
		return PM_ENOMEM;
	return rc;
}

static enum pm_rc read_spill(struct pm_ctx *ctx, struct pm_view *v, uint64_t at, uint8_t *buf,
			     size_t n)
{
	while (n > 0) {
		ssize_t got = pread(v->spill_fd, buf, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return pm_fail(ctx, PM_EIO,
				       "cannot read back a temporary file in %s: %s; "
				       "set TMPDIR to a directory on another disk",
				       pm_quote(v->spill_dir).s,
				       got ? pm_strerror(errno) : "it was cut short");
		buf += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return PM_OK;
}

/* One extent, or the base up to the next one, for each call. */
static enum pm_rc view_read_at(struct pm_ctx *ctx, struct pm_image *img, uint64_t off, uint8_t *buf,
			       size_t n, size_t *ret_n)
{
	struct pm_view *v = (struct pm_view *)img;
	const struct extent *e = extent_at(v, first_from(v, off));
	bool inside = e && e->start <= off;
	uint64_t to = !e ? UINT64_MAX : inside ? e->end : e->start, skip;

	if (n > to - off)
		n = (size_t)(to - off);
	*ret_n = n;
	if (!inside)
		return read_base(ctx, v, off, off, buf, n);
	skip = off - e->start;
	if (e->kind == MAPPED)
		return read_base(ctx, v, off, e->src + skip, buf, n);
	if (e->kind == SPILLED)
		return read_spill(ctx, v, e->src + skip, buf, n);
	memcpy(buf, e->p + skip, n);
	return PM_OK;
}

static void view_close(struct pm_image *img)
{
	struct pm_view *v = (struct pm_view *)img;

	pm_seq_done(&v->seq);
	pm_arena_done(&v->arena);
	if (v->spill_fd >= 0)
		close(v->spill_fd);
	pm_free(v->spill_dir);
	pm_free(v);
}

static const struct pm_image_ops view_ops = {view_read_at, view_close};

enum pm_rc pm_view_new(struct pm_ctx *ctx, struct pm_image *base, struct pm_view **ret)
{
	struct pm_view *v = pm_calloc(ctx, 1, sizeof(*v));

	if (!v)
		return PM_ENOMEM;
	v->img.ops = &view_ops;
	v->img.size = base->size;
	v->ctx = ctx;
	v->base = base;
	v->budget = pm_mem_share();
	v->spill_fd = -1;
	v->arena.large = true; /* what is put in a row is one extent, as long as it lies in a row */
	pm_seq_init(&v->seq, sizeof(struct extent));
	v->img.name = pm_asprintf(ctx, "the repaired form of %s", pm_image_name(base));
	if (!v->img.name) {
		pm_view_free(v);
		return PM_ENOMEM;
	}
	*ret = v;
	return PM_OK;
}

enum pm_rc pm_view_set_spill(struct pm_view *v, uint64_t budget, const char *dir)
{
	char *copy;

	copy = pm_strdup(v->ctx, dir && *dir ? dir : pm_nameless_dir());
	if (!copy)
		return PM_ENOMEM;
	pm_free(v->spill_dir);
	v->spill_dir = copy;
	v->budget = budget;
	return PM_OK;
}

struct pm_image *pm_view_image(struct pm_view *v)
{
	return &v->img;
}

bool pm_view_next(const struct pm_view *v, uint64_t from, struct pm_view_extent *ret)
{
	const struct extent *e = extent_at(v, first_from(v, from));
	struct extent cut;

	if (!e)
		return false;
	cut = *e;
	if (cut.start < from)
		cut_head(&cut, from);
	ret->start = cut.start;
	ret->end = cut.end;
	ret->mapped = cut.kind == MAPPED;
	ret->src = cut.src;
	return true;
}

uint64_t pm_view_literal_bytes(const struct pm_view *v)
{
	return v->in_memory + v->spilled;
}

void pm_view_free(struct pm_view *v)
{
	if (v)
		pm_image_close(&v->img);
}
