/* SPDX-License-Identifier: Apache-2.0 */
/* Values of properties and cells. */
#include "ltp/value.h"

#include "base/codepage.h"
#include "base/text.h"

#define TEXT_KEPT 4096

void pm_value_done(struct pm_value *v)
{
	if (v->stream)
		pm_data_close(&v->data);
	v->stream = false;
}

enum pm_rc pm_value_read(struct pm_ctx *ctx, const struct pm_value *v, uint64_t max,
			 struct pm_buf *out)
{
	size_t n;

	if (v->state == PM_LOST)
		return PM_LOST;
	if (v->stream) {
		size_t at = out->n;
		enum pm_rc rc = PM_OK;

		for (size_t k = 0; k < v->data.leaves.n && out->n - at < max; k++) {
			enum pm_rc leaf = pm_data_read_leaf(&v->data, k, out);

			if (pm_is_error(leaf))
				return leaf;
			rc = pm_worse(rc, leaf == PM_LOST ? PM_DAMAGED : leaf);
		}
		if (out->n - at > max)
			out->n = at + (size_t)max;
		return v->size > max ? pm_worse(PM_DAMAGED, v->state) : pm_worse(rc, v->state);
	}
	n = v->span.n < max ? v->span.n : (size_t)max;
	pm_buf_add(ctx, out, v->span.p, n);
	if (out->bad)
		return ctx->rc;
	return n < v->span.n ? PM_DAMAGED : v->state;
}

enum pm_rc pm_text_of(struct pm_ctx *ctx, uint16_t type, struct pm_span s, uint32_t cp,
		      struct pm_buf *out)
{
	if (type == PM_PT_UNICODE) {
		while (s.n >= 2 && !s.p[s.n - 1] && !s.p[s.n - 2] && s.n % 2 == 0)
			s.n -= 2;
		return s.n ? pm_utf16_to_utf8(ctx, out, s.p, s.n, NULL) : PM_OK;
	}
	if (type != PM_PT_STRING8)
		return PM_NONE;
	while (s.n && !s.p[s.n - 1])
		s.n--;
	/* What is said to be UTF-8 and is not comes from a program that kept Windows' strings. */
	if (!cp || (cp == PM_CP_UTF8 && !pm_utf8_valid(s.p, s.n)))
		cp = PM_CP_WINDOWS_1252;
	return s.n ? pm_cp_to_utf8(ctx, out, cp, s.p, s.n, NULL) : PM_OK;
}

/* Character by character, '?' for what the code page doesn't have. */
static enum pm_rc one_by_one(struct pm_ctx *ctx, uint32_t cp, const char *utf8, struct pm_buf *out,
			     uint64_t *ret_bad)
{
	const uint8_t *s = (const uint8_t *)utf8;
	const size_t n = strlen(utf8);
	enum pm_rc rc = PM_OK;

	*ret_bad = 0;
	for (size_t i = 0, len; i < n && !pm_is_error(rc); i += len) {
		uint32_t c;

		len = pm_utf8_next(s + i, n - i, &c);
		rc = c < 0x80 ? PM_NONE : pm_cp_from_utf8(ctx, out, cp, s + i, len);
		if (rc == PM_NONE) {
			*ret_bad += c >= 0x80;
			pm_buf_byte(ctx, out, c < 0x80 ? (uint8_t)c : '?');
		}
	}
	return ctx->rc;
}

enum pm_rc pm_text_as(struct pm_ctx *ctx, const struct pm_format *f, uint32_t cp, const char *utf8,
		      struct pm_buf *out, uint64_t *ret_bad)
{
	enum pm_rc rc;

	cp = cp ? cp : PM_CP_WINDOWS_1252;
	if (f->string_type == PM_PT_UNICODE)
		rc = pm_utf8_to_utf16(ctx, out, utf8, strlen(utf8), NULL);
	else
		rc = pm_cp_from_utf8(ctx, out, cp, utf8, strlen(utf8));
	if (rc == PM_NONE)
		return ret_bad ? one_by_one(ctx, cp, utf8, out, ret_bad) : PM_NONE;
	if (pm_is_error(rc))
		return rc;
	if (ret_bad)
		*ret_bad = 0;
	return ctx->rc;
}

/* How many of the bytes are whole characters of UTF-16, if more follow. */
static size_t whole_utf16(const struct pm_buf *b)
{
	const size_t n = b->n & ~(size_t)1;

	return n && (b->p[n - 1] & 0xFC) == 0xD8 ? n - 2 : n;
}

/* UTF-16 of a stream as UTF-8, block by block, so that a large one isn't twice in memory. */
static enum pm_rc stream_utf16(struct pm_ctx *ctx, const struct pm_value *v, uint64_t max,
			       struct pm_buf *out)
{
	struct pm_buf piece = {0};
	const size_t at = out->n;
	uint64_t got = 0;
	enum pm_rc rc = v->size > max ? pm_worse(PM_DAMAGED, v->state) : v->state;

	for (size_t k = 0; k < v->data.leaves.n && got < max && !pm_is_error(rc); k++) {
		const size_t rest = piece.n;
		enum pm_rc leaf = pm_data_read_leaf(&v->data, k, &piece), text;
		size_t n;

		if (pm_is_error(leaf)) {
			rc = leaf;
			break;
		}
		rc = pm_worse(rc, leaf == PM_LOST ? PM_DAMAGED : leaf);
		got += piece.n - rest;
		if (got > max)
			piece.n -= (size_t)(got - max);
		n = k + 1 < v->data.leaves.n && got < max ? whole_utf16(&piece) : piece.n;
		text = n ? pm_utf16_to_utf8(ctx, out, piece.p, n, NULL) : PM_OK;
		rc = pm_is_error(text) ? text : pm_worse(rc, text);
		memmove(piece.p, piece.p + n, piece.n - n);
		piece.n -= n;
	}
	pm_buf_done(&piece);
	while (got % 2 == 0 && out->n > at && !out->p[out->n - 1])
		out->n--;
	return rc;
}

enum pm_rc pm_value_text_max(struct pm_ctx *ctx, const struct pm_value *v, uint32_t cp,
			     uint64_t max, struct pm_buf *out)
{
	struct pm_buf raw = {0};
	enum pm_rc rc, text;

	if (v->type != PM_PT_UNICODE && v->type != PM_PT_STRING8)
		return PM_NONE;
	if (v->state == PM_LOST)
		return PM_LOST;
	if (!v->stream) {
		text = pm_text_of(ctx, v->type, v->span, cp, out);
		return pm_is_error(text) ? text : pm_worse(text, v->state);
	}
	if (v->type == PM_PT_UNICODE)
		return stream_utf16(ctx, v, max, out);
	rc = pm_value_read(ctx, v, max, &raw);
	if (!pm_is_error(rc)) {
		text = pm_text_of(ctx, v->type, pm_buf_span(&raw), cp, out);
		rc = pm_is_error(text) ? text : pm_worse(text, rc);
	}
	pm_buf_done(&raw);
	return rc;
}

enum pm_rc pm_value_text(struct pm_ctx *ctx, const struct pm_value *v, uint32_t cp,
			 struct pm_buf *out)
{
	return pm_value_text_max(ctx, v, cp, PM_STRING_MAX, out);
}

enum pm_rc pm_text_keep(struct pm_ctx *ctx, struct pm_buf *b, struct pm_arena *a, enum pm_rc rc,
			char **ret)
{
	const size_t n = b->n + 1;
	const bool usable = rc == PM_OK || rc == PM_DAMAGED;
	char *s = usable ? pm_arena_dup(ctx, a, pm_buf_cstr(ctx, b), n) : NULL;
	const bool bad = b->bad;

	/* What a long text took, or failed over, is not kept. */
	if (bad || b->cap > TEXT_KEPT)
		pm_buf_done(b);
	if (s && !bad)
		*ret = s;
	return usable && (!s || bad) ? ctx->rc : rc;
}

enum pm_rc pm_leaf_known(const struct pm_data *d, size_t k)
{
	const struct pm_leaf *l = &d->leaves.v[k];
	const struct pm_block *b = l->lost ? NULL : pm_ndb_find_block(d->db, l->bid);

	if (!b || b->flags & PM_BF_LOST)
		return PM_LOST;
	return d->crowded || b->flags & (PM_BF_CRC | PM_BF_READ | PM_BF_INFLATE | PM_BF_SUSPECT |
					 PM_BF_CROWDED)
		       ? PM_DAMAGED
		       : PM_OK;
}

/* The same, reading the block if nobody did. */
static enum pm_rc leaf_state(const struct pm_data *d, size_t k, struct pm_buf *scratch)
{
	enum pm_rc rc = pm_leaf_known(d, k);

	if (rc != PM_OK || pm_ndb_find_block(d->db, d->leaves.v[k].bid)->flags & PM_BF_CHECKED)
		return rc;
	pm_buf_clear(scratch);
	return pm_data_read_leaf(d, k, scratch);
}

static enum pm_rc add_range(struct pm_ctx *ctx, struct pm_bad_ranges *r, uint64_t from, uint64_t to,
			    bool lost)
{
	struct pm_bad_range *last = r->v.n ? &r->v.v[r->v.n - 1] : NULL;

	if (from == to)
		return PM_OK;
	r->bytes += to - from;
	if (last && last->to == from && last->lost == lost) {
		last->to = to;
		return PM_OK;
	}
	last = pm_vec_push(ctx, &r->v);
	if (!last)
		return ctx->rc;
	*last = (struct pm_bad_range){from, to, lost};
	return PM_OK;
}

enum pm_rc pm_data_bad_ranges(const struct pm_data *d, struct pm_bad_ranges *ret)
{
	struct pm_buf scratch = {0};
	enum pm_rc rc = PM_OK;
	uint64_t at = 0;
	size_t bad = 0, lost = 0;

	for (size_t k = 0; k < d->leaves.n; k++) {
		uint64_t to = at + d->leaves.v[k].size;

		rc = leaf_state(d, k, &scratch);
		if (pm_is_error(rc))
			break;
		if (rc != PM_OK) {
			bad++;
			lost += rc == PM_LOST;
			rc = ret ? add_range(d->db->ctx, ret, at, to, rc == PM_LOST) : PM_OK;
			if (pm_is_error(rc))
				break;
		}
		at = to;
	}
	pm_buf_done(&scratch);
	if (pm_is_error(rc))
		return rc;
	if (d->leaves.n && lost == d->leaves.n)
		return PM_LOST;
	/* Content that was put together by a doubtful index is doubtful. A short block in the
	 * middle is not: the sum of all of them is right, or PM_TF_TOTAL says otherwise. */
	return bad || d->flags & ~(uint32_t)(PM_TF_CENT | PM_TF_PADDING | PM_TF_NOT_FULL)
		       ? PM_DAMAGED
		       : PM_OK;
}

/* Bytes of an element of fixed size; 0 for variable ones. */
static uint32_t element(uint16_t type)
{
	int n = pm_proptype_size(type);

	return n > 0 ? (uint32_t)n : 0;
}

struct pm_mv pm_mv_open(uint16_t type, struct pm_span s)
{
	struct pm_mv mv = {.type = (uint16_t)(type & ~PM_PT_MV), .s = s};
	uint32_t size = element(mv.type), count, last;

	if (s.n > UINT32_MAX) {
		mv.damaged = true;
		return mv;
	}
	if (size) {
		mv.n = (uint32_t)(s.n / size);
		mv.damaged = s.n % size != 0;
		return mv;
	}
	if (s.n < 4) {
		mv.damaged = s.n != 0;
		return mv;
	}
	count = pm_le32(s.p);
	if (count > (s.n - 4) / 4) {
		mv.damaged = true;
		return mv;
	}
	last = 4 + 4 * count;
	for (mv.n = 0; mv.n < count; mv.n++) {
		uint32_t at = pm_le32(s.p + 4 + 4 * (size_t)mv.n);

		if (at < last || at > s.n) {
			mv.damaged = true;
			/* The item before ends who knows where. */
			mv.n -= mv.n > 0;
			break;
		}
		last = at;
	}
	return mv;
}

struct pm_span pm_mv_item(const struct pm_mv *mv, uint32_t i)
{
	uint32_t size = element(mv->type);
	struct pm_span r = {0};
	uint32_t from, to;

	if (i >= mv->n)
		return r;
	if (size) {
		pm_span_sub(mv->s, (uint64_t)i * size, size, &r);
		return r;
	}
	from = pm_le32(mv->s.p + 4 + 4 * (size_t)i);
	to = (uint32_t)mv->s.n;
	if (i + 1 < pm_le32(mv->s.p))
		to = pm_le32(mv->s.p + 8 + 4 * (size_t)i);
	pm_span_sub(mv->s, from, to - from, &r);
	return r;
}
