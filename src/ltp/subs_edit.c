/* SPDX-License-Identifier: Apache-2.0 */
/* Changing a list of subnodes, and data trees that are to be whole again. */
#include "ltp/props.h"

#define FIRST_INDEX 0x400 /* [OBS] where Outlook begins */
#define LAST_INDEX  0x7FFFFFF

/* Where nid is, or belongs. */
static size_t place(const struct pm_subs *s, pm_nid nid)
{
	size_t lo = 0, hi = s->v.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v.v[mid].nid < nid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

enum pm_rc pm_subs_put(struct pm_ctx *ctx, struct pm_subs *s, pm_nid nid, pm_bid data, pm_bid sub)
{
	size_t i = place(s, nid);

	if (i == s->v.n || s->v.v[i].nid != nid) {
		if (!pm_vec_push(ctx, &s->v))
			return ctx->rc;
		memmove(s->v.v + i + 1, s->v.v + i, (s->v.n - 1 - i) * sizeof(*s->v.v));
	}
	s->v.v[i] = (struct pm_sub){nid, data, sub};
	return PM_OK;
}

void pm_subs_remove(struct pm_subs *s, pm_nid nid)
{
	size_t i = place(s, nid);

	if (i == s->v.n || s->v.v[i].nid != nid)
		return;
	memmove(s->v.v + i, s->v.v + i + 1, (s->v.n - 1 - i) * sizeof(*s->v.v));
	s->v.n--;
}

pm_nid pm_subs_free_nid(const struct pm_subs *s, unsigned type)
{
	uint32_t next = FIRST_INDEX;

	for (size_t i = 0; i < s->v.n; i++) {
		pm_nid nid = (pm_nid)s->v.v[i].nid;

		/* One beyond the last, or the first gap when the last is as far as it goes. */
		if (pm_nid_type(nid) == type && nid >> 5 >= next && nid >> 5 < LAST_INDEX)
			next = (nid >> 5) + 1;
	}
	if (next < LAST_INDEX)
		return pm_nid_make(type, next);
	next = FIRST_INDEX;
	for (size_t i = 0; i < s->v.n; i++)
		if ((pm_nid)s->v.v[i].nid == pm_nid_make(type, next))
			next++;
	return pm_nid_make(type, next);
}

enum pm_rc pm_subs_copy(struct pm_ctx *ctx, const struct pm_subs *from, struct pm_subs *to)
{
	for (size_t i = 0; i < from->v.n; i++) {
		struct pm_sub *s = pm_vec_push(ctx, &to->v);

		if (!s)
			return ctx->rc;
		*s = from->v.v[i];
	}
	return PM_OK;
}

/* Blocks of a tree as they are to be stored. */
struct mender {
	struct pm_block_sink *sink;
	const struct pm_data *d;
	PM_VEC(struct pm_leaf) leaves;
	struct pm_buf buf;
	bool changed;
	size_t damaged, lost;
};

static enum pm_rc put_block(struct mender *m, size_t n)
{
	struct pm_ctx *ctx = m->d->db->ctx;
	struct pm_leaf *l = pm_vec_push(ctx, &m->leaves);
	enum pm_rc rc;

	if (!l)
		return ctx->rc;
	l->size = (uint32_t)n;
	rc = m->sink->put(m->sink, false, m->buf.p, n, &l->bid);
	memmove(m->buf.p, m->buf.p + n, m->buf.n - n);
	m->buf.n -= n;
	m->changed = true;
	return rc;
}

/* One leaf: kept when it is sound and stands in its place, else its bytes anew. */
static enum pm_rc mend_leaf(struct mender *m, size_t k, bool rechunk)
{
	struct pm_ctx *ctx = m->d->db->ctx;
	size_t full = m->sink->fmt->data_max, at = m->buf.n;
	enum pm_rc rc = pm_data_read_leaf(m->d, k, &m->buf);
	struct pm_leaf *l;

	if (pm_is_error(rc))
		return rc;
	m->damaged += rc != PM_OK;
	m->lost += rc == PM_LOST;
	if (rc == PM_OK && !rechunk) {
		m->buf.n = at;
		l = pm_vec_push(ctx, &m->leaves);
		if (!l)
			return ctx->rc;
		*l = m->d->leaves.v[k];
		return PM_OK;
	}
	if (!rechunk)
		return put_block(m, m->buf.n);
	rc = PM_OK;
	while (rc == PM_OK && m->buf.n >= full)
		rc = put_block(m, full);
	if (rc == PM_OK && k + 1 == m->d->leaves.n && m->buf.n)
		rc = put_block(m, m->buf.n);
	return rc;
}

/* Blocks of other sizes than they must have: the bytes are cut anew. */
static bool needs_rechunk(const struct pm_format *f, const struct pm_data *d)
{
	for (size_t k = 0; k < d->leaves.n; k++) {
		uint32_t size = d->leaves.v[k].size;

		if (size > f->data_max || size == 0 || (k + 1 < d->leaves.n && size != f->data_max))
			return true;
	}
	return false;
}

enum pm_rc pm_data_mend(struct pm_block_sink *sink, const struct pm_data *d, pm_bid bid,
			pm_bid *ret_bid)
{
	bool rechunk = needs_rechunk(sink->fmt, d);
	struct mender m = {.sink = sink, .d = d};
	enum pm_rc rc = PM_OK;
	pm_bid made = bid;

	for (size_t k = 0; rc == PM_OK && k < d->leaves.n; k++)
		rc = mend_leaf(&m, k, rechunk);
	if (rc == PM_OK && (m.changed || d->flags))
		rc = pm_data_build_over(d->db->ctx, sink, m.leaves.v, m.leaves.n, &made);
	pm_vec_done(&m.leaves);
	pm_buf_done(&m.buf);
	if (rc)
		return rc;
	*ret_bid = made;
	if (d->leaves.n && m.lost == d->leaves.n)
		return PM_LOST;
	return m.damaged || d->flags & PM_TF_CONTENT ? PM_DAMAGED : PM_OK;
}
