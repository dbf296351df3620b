/* SPDX-License-Identifier: Apache-2.0 */
/* Undo files: writing, reading, and going by them; see undo.h. */
#include "repair/undo.h"

#include "base/quote.h"
#include "io/file.h"
#include "io/write.h"

#include <nettle/sha2.h>
#include <string.h>

#define UNDO_MAX ((size_t)512 << 20)

enum { HASH = SHA256_DIGEST_SIZE, ZERO_RUN = 8 };

static const char magic[16] = "pstmend undo 1\n";

char *pm_undo_path(struct pm_ctx *ctx, const char *file)
{
	return pm_asprintf(ctx, "%s.pstmend-undo", file);
}

static void sha256(const void *p, size_t n, uint8_t *ret)
{
	struct sha256_ctx h;

	sha256_init(&h);
	sha256_update(&h, n, p);
	sha256_digest(&h, HASH, ret);
}

/* --- writing --------------------------------------------------------------------------- */

static void add16(struct pm_ctx *ctx, struct pm_buf *b, size_t v)
{
	uint8_t p[2];

	pm_put16(p, (uint16_t)v);
	pm_buf_add(ctx, b, p, sizeof(p));
}

static void add32(struct pm_ctx *ctx, struct pm_buf *b, size_t v)
{
	uint8_t p[4];

	pm_put32(p, (uint32_t)v);
	pm_buf_add(ctx, b, p, sizeof(p));
}

static void add64(struct pm_ctx *ctx, struct pm_buf *b, uint64_t v)
{
	uint8_t p[8];

	pm_put64(p, v);
	pm_buf_add(ctx, b, p, sizeof(p));
}

static size_t zeros(const uint8_t *p, size_t n)
{
	size_t k = 0;

	while (k < n && !p[k])
		k++;
	return k;
}

/* Code n (up to PM_UNDO_PIECE) bytes, their length in front. */
static void add_code(struct pm_ctx *ctx, struct pm_buf *b, const uint8_t *p, size_t n)
{
	size_t at = b->n;

	add32(ctx, b, 0);
	for (size_t i = 0; i < n;) {
		size_t z = zeros(p + i, n - i), lit = 0, stop;

		i += z;
		while (i + lit < n) {
			stop = zeros(p + i + lit, n - i - lit);
			if (stop >= ZERO_RUN || i + lit + stop == n)
				break;
			lit += stop + 1;
		}
		add16(ctx, b, z);
		add16(ctx, b, lit);
		pm_buf_add(ctx, b, p + i, lit);
		i += lit;
	}
	if (!b->bad)
		pm_put32(b->p + at, (uint32_t)(b->n - at - 4));
}

struct maker {
	struct pm_ctx *ctx;
	const struct pm_target *t;
	struct pm_image *img; /* the view */
	struct pm_buf *out;
	uint64_t n;
};

static enum pm_rc add_range(struct maker *m, uint64_t off, const uint8_t *old, const uint8_t *new_,
			    size_t n)
{
	uint8_t hash[HASH] = {0};

	if (new_)
		sha256(new_, n, hash);
	add64(m->ctx, m->out, off);
	add32(m->ctx, m->out, n);
	add32(m->ctx, m->out, new_ ? 0 : 1);
	pm_buf_add(m->ctx, m->out, hash, HASH);
	add_code(m->ctx, m->out, old, n);
	m->n++;
	return m->out->bad ? m->ctx->rc : PM_OK;
}

/* What differs in [start, end), piece by piece. */
static enum pm_rc add_changes(struct maker *m, uint64_t start, uint64_t end, bool cut)
{
	uint8_t old[PM_UNDO_PIECE], new_[PM_UNDO_PIECE];
	enum pm_rc rc = PM_OK;
	size_t n, a;

	for (uint64_t at = start; at < end && rc == PM_OK; at += n) {
		n = PM_UNDO_PIECE - (size_t)(at % PM_UNDO_PIECE);
		if (n > end - at)
			n = (size_t)(end - at);
		rc = pm_target_read(m->ctx, m->t, at, old, n);
		if (rc == PM_OK && cut) {
			rc = add_range(m, at, old, NULL, n);
			continue;
		}
		if (rc == PM_OK)
			rc = pm_image_read(m->ctx, m->img, at, new_, n);
		if (rc)
			return pm_is_error(rc) ? rc
					       : pm_fail(m->ctx, PM_EIO,
							 "%s: what is to be written at offset %llu "
							 "can't be read",
							 m->t->name, (unsigned long long)at);
		size_t last = n;

		while (last && old[last - 1] == new_[last - 1])
			last--;
		for (a = 0; a < last && old[a] == new_[a];)
			a++;
		if (a < last)
			rc = add_range(m, at + a, old + a, new_ + a, last - a);
	}
	return rc;
}

static enum pm_rc add_ranges(struct maker *m, struct pm_view *view, uint64_t header,
			     uint64_t old_size)
{
	uint64_t new_size = pm_image_size(m->img);
	uint64_t limit = new_size < old_size ? new_size : old_size;
	struct pm_view_extent e;
	enum pm_rc rc = PM_OK;

	for (uint64_t at = header; rc == PM_OK && pm_view_next(view, at, &e); at = e.end) {
		if (e.mapped)
			return pm_fail(m->ctx, PM_EUNSUP,
				       "%s: its content has to move, which can't be done in place; "
				       "repair it into a new file with -o",
				       m->t->name);
		if (e.start >= limit)
			break;
		rc = add_changes(m, e.start, e.end < limit ? e.end : limit, false);
	}
	return rc ? rc : add_changes(m, limit, old_size, true);
}

static enum pm_rc parse(struct pm_ctx *ctx, const char *name, struct pm_undo *u);

enum pm_rc pm_undo_make(struct pm_ctx *ctx, const struct pm_target *t, struct pm_view *view,
			uint32_t header, const uint8_t *during, struct pm_undo *ret)
{
	struct maker m = {.ctx = ctx, .t = t, .img = pm_view_image(view), .out = &ret->bytes};
	uint8_t head[PM_UNDO_PIECE], hash[HASH];
	uint64_t size;
	size_t count;
	enum pm_rc rc;

	*ret = (struct pm_undo){.bytes.max = UNDO_MAX};
	rc = pm_target_size(ctx, t, &size);
	if (rc == PM_OK && size < header)
		rc = pm_fail(ctx, PM_EUNSUP,
			     "%s: not even its header is whole, so it can't be changed in place; "
			     "repair it into a new file with -o",
			     t->name);
	if (rc == PM_OK)
		rc = pm_target_read(ctx, t, 0, head, header);
	if (rc)
		return rc;
	pm_buf_add(ctx, m.out, magic, sizeof(magic));
	add64(ctx, m.out, size);
	add64(ctx, m.out, pm_image_size(m.img));
	add32(ctx, m.out, header);
	pm_buf_add(ctx, m.out, head, header);
	pm_buf_add(ctx, m.out, during, header);
	rc = pm_image_read(ctx, m.img, 0, head, header);
	pm_buf_add(ctx, m.out, head, header);
	count = m.out->n;
	add64(ctx, m.out, 0);
	if (rc == PM_OK)
		rc = add_ranges(&m, view, header, size);
	if (rc || m.out->bad)
		return rc ? rc : ctx->rc;
	pm_put64(m.out->p + count, m.n);
	sha256(m.out->p, m.out->n, hash);
	pm_buf_add(ctx, m.out, hash, HASH);
	return m.out->bad ? ctx->rc : parse(ctx, t->name, ret);
}

/* --- reading --------------------------------------------------------------------------- */

/* Does the code give just r->n bytes? */
static bool code_fits(const struct pm_undo_range *r)
{
	struct pm_cursor c = {.s = {r->code, r->coded, 0}};
	uint64_t n = 0;

	while (c.pos < r->coded && !c.bad) {
		uint16_t z = pm_cursor_u16(&c), lit = pm_cursor_u16(&c);

		pm_cursor_take(&c, lit);
		n += (uint64_t)z + lit;
	}
	return !c.bad && n == r->n;
}

void pm_undo_old(const struct pm_undo_range *r, uint8_t *ret)
{
	struct pm_cursor c = {.s = {r->code, r->coded, 0}};

	while (c.pos < r->coded) {
		uint16_t z = pm_cursor_u16(&c), lit = pm_cursor_u16(&c);

		memset(ret, 0, z);
		memcpy(ret + z, pm_cursor_take(&c, lit), lit);
		ret += z + lit;
	}
}

static bool parse_range(struct pm_cursor *c, struct pm_undo_range *r)
{
	uint32_t cut;

	r->off = pm_cursor_u64(c);
	r->n = pm_cursor_u32(c);
	cut = pm_cursor_u32(c);
	r->hash = pm_cursor_take(c, HASH);
	r->coded = pm_cursor_u32(c);
	r->code = pm_cursor_take(c, r->coded);
	r->cut = cut == 1;
	return !c->bad && cut <= 1 && r->n && r->n <= PM_UNDO_PIECE && code_fits(r);
}

static enum pm_rc parse_ranges(struct pm_ctx *ctx, struct pm_cursor *c, struct pm_undo *u,
			       bool *ret)
{
	uint64_t n = pm_cursor_u64(c), from = u->header;

	for (*ret = !c->bad; n && *ret; n--) {
		struct pm_undo_range *r = pm_vec_push(ctx, &u->ranges);

		if (!r)
			return ctx->rc;
		*ret = parse_range(c, r) && r->off >= from && r->off <= u->old_size &&
		       r->n <= u->old_size - r->off &&
		       (r->cut ? r->off >= u->new_size : r->off + r->n <= u->new_size);
		from = r->off + r->n;
	}
	*ret = *ret && !c->bad && c->pos == c->s.n;
	return PM_OK;
}

static enum pm_rc parse(struct pm_ctx *ctx, const char *name, struct pm_undo *u)
{
	struct pm_cursor c = {.s = pm_buf_span(&u->bytes)};
	const uint8_t *start = pm_cursor_take(&c, sizeof(magic));
	uint8_t hash[HASH];
	enum pm_rc rc;
	bool good;

	if (!start || memcmp(start, magic, sizeof(magic)) || c.s.n < sizeof(magic) + HASH)
		return pm_fail(ctx, PM_EUSAGE,
			       "%s: this is no undo file of pstmend's; name the right one with "
			       "--undo-file",
			       name);
	c.s.n -= HASH;
	sha256(c.s.p, c.s.n, hash);
	good = !memcmp(hash, c.s.p + c.s.n, HASH);
	u->old_size = pm_cursor_u64(&c);
	u->new_size = pm_cursor_u64(&c);
	u->header = pm_cursor_u32(&c);
	good = good && u->header && u->header <= PM_UNDO_PIECE && u->header <= u->old_size &&
	       u->header <= u->new_size;
	for (unsigned i = 0; i < 3 && good; i++)
		u->head[i] = pm_cursor_take(&c, u->header);
	good = good && !c.bad;
	rc = good ? parse_ranges(ctx, &c, u, &good) : PM_OK;
	if (rc)
		return rc;
	return good ? PM_OK
		    : pm_fail(ctx, PM_EIO,
			      "%s: the undo file is damaged or cut short, and nothing can be "
			      "restored from it; look for a backup of the data file",
			      name);
}

enum pm_rc pm_undo_load(struct pm_ctx *ctx, const char *path, struct pm_undo *ret)
{
	struct pm_image *img = NULL;
	uint8_t *p = NULL;
	enum pm_rc rc;

	*ret = (struct pm_undo){.bytes.max = UNDO_MAX};
	rc = pm_image_open_file(ctx, path, &img);
	if (rc == PM_OK)
		p = pm_image_size(img) <= UNDO_MAX
			    ? pm_buf_room(ctx, &ret->bytes, (size_t)pm_image_size(img))
			    : NULL;
	if (rc == PM_OK && !p && !ctx->rc)
		rc = pm_fail(ctx, PM_EUSAGE, "%s: this is no undo file of pstmend's",
			     pm_image_name(img));
	if (p)
		rc = pm_image_read(ctx, img, 0, p, ret->bytes.n);
	pm_image_close(img);
	if (rc || !p)
		return pm_is_error(rc) ? rc
		       : rc            ? pm_fail(ctx, PM_EIO, "%s: the undo file can't be read",
						 pm_quote(path).s)
				       : ctx->rc;
	return parse(ctx, pm_quote(path).s, ret);
}

void pm_undo_done(struct pm_undo *u)
{
	pm_buf_done(&u->bytes);
	pm_vec_done(&u->ranges);
}

/* --- going by it ------------------------------------------------------------------------- */

/* Is it one of ours, or the beginning of one and the end of another? A header spans two
 * sectors, and a write can stop between them, or within. */
static bool header_is_ours(const struct pm_undo *u, const uint8_t *h)
{
	uint32_t front = 0, back = 0;

	for (unsigned i = 0; i < 3; i++) {
		uint32_t a = 0, b = 0;

		while (a < u->header && h[a] == u->head[i][a])
			a++;
		while (b < u->header && h[u->header - 1 - b] == u->head[i][u->header - 1 - b])
			b++;
		front = a > front ? a : front;
		back = b > back ? b : back;
	}
	return front + back >= u->header;
}

static bool is_head(const struct pm_undo *u, const uint8_t *h, unsigned which)
{
	return !memcmp(h, u->head[which], u->header);
}

static enum pm_rc compare_range(struct pm_ctx *ctx, const struct pm_undo_range *r,
				const struct pm_target *t, uint64_t size, struct pm_undo_look *look)
{
	uint8_t have[PM_UNDO_PIECE], old[PM_UNDO_PIECE], hash[HASH];
	enum pm_rc rc;

	if (r->cut && r->off >= size) {
		look->as_new++;
		return PM_OK;
	}
	rc = pm_target_read(ctx, t, r->off, have, r->n);
	if (rc)
		return rc;
	pm_undo_old(r, old);
	sha256(have, r->n, hash);
	if (!memcmp(have, old, r->n) && r->off + r->n <= size)
		look->as_old++;
	else if (!r->cut && !memcmp(hash, r->hash, HASH))
		look->as_new++;
	else
		look->torn++;
	return PM_OK;
}

static void judge(const struct pm_undo *u, const uint8_t *h, uint64_t size,
		  struct pm_undo_look *look)
{
	uint64_t low = u->old_size < u->new_size ? u->old_size : u->new_size;
	uint64_t high = u->old_size > u->new_size ? u->old_size : u->new_size;

	look->state = PM_UNDO_BETWEEN;
	if (!header_is_ours(u, h))
		look->why = "its header is neither that before nor that after the repair: it was "
			    "changed since, or is another file";
	else if (size < low || size > high)
		look->why = "its length is neither that before nor that after the repair: it was "
			    "changed since, or is another file";
	else if (is_head(u, h, PM_UNDO_AFTER) && size == u->new_size && look->as_new == u->ranges.n)
		look->state = PM_UNDO_DONE;
	else if (is_head(u, h, PM_UNDO_BEFORE) && size == u->old_size &&
		 look->as_old == u->ranges.n)
		look->state = PM_UNDO_ORIGINAL;
	/* The new header is written last, when all the rest is on the disk, but for the end
	 * that is cut off. */
	else if (is_head(u, h, PM_UNDO_AFTER) && size < u->new_size)
		look->why = "it is shorter than the repair left it: it was changed since";
	if (look->why)
		look->state = PM_UNDO_FOREIGN;
}

enum pm_rc pm_undo_compare(struct pm_ctx *ctx, const struct pm_undo *u, const struct pm_target *t,
			   bool all, struct pm_undo_look *ret)
{
	uint8_t h[PM_UNDO_PIECE];
	uint64_t size, changed = 0;
	enum pm_rc rc;

	*ret = (struct pm_undo_look){.state = PM_UNDO_DONE};
	rc = pm_target_size(ctx, t, &size);
	if (rc == PM_OK)
		rc = pm_target_read(ctx, t, 0, h, u->header);
	if (rc == PM_OK && !all && is_head(u, h, PM_UNDO_AFTER) && size == u->new_size)
		return PM_OK;
	for (size_t i = 0; i < u->ranges.n && rc == PM_OK; i++) {
		const uint64_t before = ret->as_new;

		rc = compare_range(ctx, &u->ranges.v[i], t, size, ret);
		changed += !u->ranges.v[i].cut && ret->as_new == before;
	}
	if (rc)
		return rc;
	judge(u, h, size, ret);
	if (ret->state == PM_UNDO_BETWEEN && is_head(u, h, PM_UNDO_AFTER) && changed) {
		ret->state = PM_UNDO_FOREIGN;
		ret->why = "places that the repair wrote have other contents by now: it was "
			   "changed since";
	}
	return PM_OK;
}

static enum pm_rc write_header(struct pm_ctx *ctx, const struct pm_undo *u,
			       const struct pm_target *t, unsigned which)
{
	enum pm_rc rc = pm_write_at(ctx, t->fd, t->name, 0, u->head[which], u->header);

	return rc ? rc : pm_write_sync(ctx, t->fd, t->name);
}

static enum pm_rc restore_ranges(struct pm_ctx *ctx, const struct pm_undo *u,
				 const struct pm_target *t)
{
	uint8_t have[PM_UNDO_PIECE], old[PM_UNDO_PIECE];
	uint64_t size;
	enum pm_rc rc = pm_target_size(ctx, t, &size);

	for (size_t i = 0; i < u->ranges.n && rc == PM_OK; i++) {
		const struct pm_undo_range *r = &u->ranges.v[i];

		pm_undo_old(r, old);
		rc = pm_target_read(ctx, t, r->off, have, r->n);
		if (rc == PM_OK && (memcmp(have, old, r->n) || r->off + r->n > size))
			rc = pm_write_at(ctx, t->fd, t->name, r->off, old, r->n);
	}
	if (rc == PM_OK)
		rc = pm_target_size(ctx, t, &size);
	if (rc == PM_OK && size != u->old_size)
		rc = pm_write_truncate(ctx, t->fd, t->name, u->old_size);
	return rc ? rc : pm_write_sync(ctx, t->fd, t->name);
}

enum pm_rc pm_undo_restore(struct pm_ctx *ctx, const struct pm_undo *u, const struct pm_target *t)
{
	struct pm_undo_look look;
	uint8_t h[PM_UNDO_PIECE];
	enum pm_rc rc = pm_target_read(ctx, t, 0, h, u->header);

	/* Never the header of the repaired file over what is half restored: not for a reader,
	 * and not for an undo that comes later and takes it for a sign that all is written. */
	if (rc == PM_OK && !is_head(u, h, PM_UNDO_BEFORE) && !is_head(u, h, PM_UNDO_DURING))
		rc = write_header(ctx, u, t, PM_UNDO_DURING);
	if (rc == PM_OK)
		rc = restore_ranges(ctx, u, t);
	if (rc == PM_OK)
		rc = pm_target_read(ctx, t, 0, h, u->header);
	if (rc == PM_OK && !is_head(u, h, PM_UNDO_BEFORE))
		rc = write_header(ctx, u, t, PM_UNDO_BEFORE);
	if (rc == PM_OK)
		rc = pm_undo_compare(ctx, u, t, true, &look);
	if (rc == PM_OK && look.state != PM_UNDO_ORIGINAL)
		rc = pm_fail(ctx, PM_EIO,
			     "%s: what was restored reads differently; the disk may be failing",
			     t->name);
	return rc;
}
