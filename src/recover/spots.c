/* SPDX-License-Identifier: Apache-2.0 */
/* Pages at any byte; see spots.h. */
#include "recover/spots.h"

#include "base/pool.h"
#include "base/sort.h"
#include "format/crc.h"
#include "recover/internal.h"

#define WINDOW ((size_t)1 << 20)
#define TAIL   4096 /* of the next window: a page may begin at the last byte of one */

/* A thread's own. */
struct hand {
	struct pm_ctx ctx;
	uint8_t *buf;
	struct pm_spots spots;
};

struct search {
	struct pm_analysis *an;
	const struct pm_rangeset *where;
	uint64_t next; /* window that no thread has taken */
	bool stop;
	struct hand hands[PM_POOL_MAX];
};

/* Could a page end with this trailer? Cheap, and nearly never true by chance. */
static bool like_page(const struct pm_format *f, const uint8_t *p)
{
	const uint8_t *t = p + f->page_data;
	struct pm_page_trailer tr;
	struct pm_bt_meta m;

	if (t[0] != t[1])
		return false;
	pm_page_trailer(f, p, &tr);
	if (t[0] == PM_PTYPE_AMAP)
		return !tr.sig && tr.bid >= f->amap_first &&
		       (tr.bid - f->amap_first) % f->amap_interval == 0;
	if (t[0] != PM_PTYPE_BBT && t[0] != PM_PTYPE_NBT)
		return false;
	pm_bt_meta(f, p, &m);
	return m.level <= 8 && m.cent && m.cb_ent == pm_bt_entry_size(f, t[0], m.level) &&
	       m.cent <= f->bt_area / m.cb_ent;
}

static bool take_spot(const struct pm_format *f, struct hand *h, uint64_t at, const uint8_t *p)
{
	struct pm_page_trailer tr;
	struct pm_bt_meta m;
	struct pm_spot *slot;

	pm_page_trailer(f, p, &tr);
	if (!tr.crc || tr.crc != pm_crc(p, f->page_data))
		return true;
	slot = pm_vec_push(&h->ctx, &h->spots.v);
	if (!slot)
		return false;
	*slot = (struct pm_spot){.at = at, .bid = tr.bid, .ptype = tr.ptype};
	if (tr.ptype == PM_PTYPE_AMAP)
		return true;
	pm_bt_meta(f, p, &m);
	slot->level = (uint8_t)m.level;
	slot->bytes = h->spots.pages.n;
	if (m.level)
		pm_buf_add(&h->ctx, &h->spots.pages, p, f->page);
	return !h->ctx.rc;
}

/*
 * The first place from `at` on whose page would have two equal bytes of 80 and above for its type, of n
 * bytes; at least n when there is none. Eight places at once: in nearly all of a file there is none.
 */
static size_t next_type(const struct pm_format *f, const uint8_t *buf, size_t at, size_t n)
{
	const uint8_t *t = buf + f->page_data;
	const uint64_t ones = 0x0101010101010101u, highs = ones << 7;

	while (at + f->page + 8 <= n) {
		uint64_t x = pm_le64(t + at), differ = x ^ pm_le64(t + at + 1);

		/* A zero byte in `differ` (or one above such a byte), where x has its high bit. */
		if ((differ - ones) & ~differ & highs & x)
			break;
		at += 8;
	}
	while (at + f->page <= n && (t[at] != t[at + 1] || !(t[at] & 0x80)))
		at++;
	return at;
}

static bool search_window(struct search *s, struct hand *h, uint64_t at)
{
	const struct pm_format *f = s->an->db.fmt;
	const uint64_t left = s->an->img->size - at;
	const size_t n = left < WINDOW + TAIL ? (size_t)left : WINDOW + TAIL;

	if (s->where && !pm_rangeset_overlaps(s->where, at, at + n))
		return true;
	if (pm_is_error(pm_image_read(&h->ctx, s->an->img, at, h->buf, n)))
		return false;
	for (size_t o = 0; o < WINDOW && o + f->page <= n; o++) {
		o = next_type(f, h->buf, o, n);
		if (o < WINDOW && o + f->page <= n && like_page(f, h->buf + o) &&
		    !take_spot(f, h, at + o, h->buf + o))
			return false;
	}
	return true;
}

static void work(void *arg, unsigned int k)
{
	struct search *s = arg;
	struct hand *h = &s->hands[k];

	h->buf = pm_calloc(&h->ctx, WINDOW + TAIL, 1);
	while (h->buf && !__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		uint64_t at = __atomic_fetch_add(&s->next, WINDOW, __ATOMIC_RELAXED);

		if (at >= s->an->img->size || !search_window(s, h, at) ||
		    (k == 0 && pm_tick(s->an->ctx, "displaced pages", at, s->an->img->size)))
			break;
	}
	/* Who stops at an error, or is told to, stops all. */
	if (h->ctx.rc || (k == 0 && s->an->ctx->rc))
		__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	pm_free(h->buf);
}

/* What a thread found, and what it cost, is the analysis'. */
static enum pm_rc take(struct pm_analysis *an, struct hand *h, struct pm_spots *ret)
{
	const size_t base = ret->pages.n;

	an->ctx->bytes_read += h->ctx.bytes_read;
	an->ctx->reads += h->ctx.reads;
	if (h->ctx.rc)
		return pm_fail(an->ctx, h->ctx.rc, "%s", h->ctx.text);
	pm_buf_add(an->ctx, &ret->pages, h->spots.pages.p, h->spots.pages.n);
	for (size_t i = 0; i < h->spots.v.n; i++) {
		struct pm_spot *slot = pm_vec_push(an->ctx, &ret->v);

		if (!slot)
			break;
		*slot = h->spots.v.v[i];
		slot->bytes += base;
	}
	return an->ctx->rc;
}

enum pm_rc pm_find_spots(struct pm_analysis *an, const struct pm_rangeset *where,
			 struct pm_spots *ret)
{
	struct pm_pool *pool = an->img->size > 4 * WINDOW ? pm_pool_new(an->ctx) : NULL;
	struct search *s = pm_calloc(an->ctx, 1, sizeof(*s));
	enum pm_rc rc = an->ctx->rc;

	*ret = (struct pm_spots){0};
	if (s && !rc) {
		s->an = an;
		s->where = where;
		pm_pool_run(pool, work, s);
	}
	for (unsigned int k = 0; s && k < PM_POOL_MAX; k++) {
		if (!rc)
			rc = take(an, &s->hands[k], ret);
		pm_spots_done(&s->hands[k].spots);
	}
	pm_free(s);
	pm_pool_free(pool);
	if (!rc)
		rc = an->ctx->rc;
	return rc ? rc : pm_sort_member(an->ctx, &ret->v, at);
}

void pm_spots_done(struct pm_spots *s)
{
	pm_vec_done(&s->v);
	pm_buf_done(&s->pages);
}
