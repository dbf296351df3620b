/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleted items as nodes: the properties of those of which only a row is left are stored, from what
 * it says and nothing else, in the file that a repair makes or, for who only reads, in memory.
 */
#include "recover/deleted.h"

#include "io/view.h"
#include "ltp/props.h"

const char *pm_deleted_from_name(unsigned from)
{
	static const char *const names[] = {
		[PM_DEL_LEAF] = "older leaf",
		[PM_DEL_CONTENT] = "content",
		[PM_DEL_ROW] = "row of an older table",
	};

	return names[from <= PM_DEL_ROW ? from : PM_DEL_ROW];
}

const struct pm_deleted_item *pm_deleted_of(const struct pm_analysis *an, pm_nid nid)
{
	const struct pm_deleted *d = an->deleted;
	size_t lo = 0, hi = d ? d->items.n : 0;

	while (lo < hi) { /* they get their ids in order */
		size_t mid = lo + (hi - lo) / 2;

		if (d->items.v[mid].nid < nid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return d && nid && lo < d->items.n && d->items.v[lo].nid == nid ? &d->items.v[lo] : NULL;
}

const char *pm_deleted_folder_name(const struct pm_analysis *an, pm_nid folder)
{
	const struct pm_deleted *d = an->deleted;

	for (size_t i = 0; d && i < d->folders.n; i++)
		if (d->folders.v[i].nid == folder)
			return d->folders.v[i].name;
	return NULL;
}

static enum pm_rc build(struct pm_analysis *an, const struct pm_deleted_item *it,
			struct pm_block_sink *sink, struct pm_node *n)
{
	const struct pm_deleted_value *v = an->deleted->values.v + it->row;
	struct pm_props p;
	struct pm_subs s = {0};
	enum pm_rc rc = PM_OK;

	pm_props_init(&p, an->ctx, an->db.fmt);
	if (n->sub) {
		rc = pm_subs_open(&an->db, n->sub, &s);
		if (!pm_is_error(rc))
			rc = pm_subs_copy(an->ctx, &s, &p.subs);
		pm_subs_close(&s);
	}
	for (size_t i = 0; i < it->n_row && !pm_is_error(rc); i++)
		rc = pm_props_set(&p, v[i].id, v[i].type, v[i].value.p, v[i].value.n);
	if (!pm_is_error(rc))
		rc = pm_props_build(&p, sink, &n->data, &n->sub);
	pm_props_done(&p);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_deleted_build(struct pm_analysis *an, struct pm_block_sink *sink)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; an->deleted && i < an->deleted->items.n && rc == PM_OK; i++) {
		const struct pm_deleted_item *it = &an->deleted->items.v[i];
		struct pm_node *n = pm_ndb_find_node(&an->db, it->nid);

		if (n && !n->data)
			rc = build(an, it, sink, n);
	}
	return rc;
}

/* ---- in memory ---- */

struct aside {
	struct pm_block_sink sink;
	struct pm_analysis *an;
	pm_bid next;
	pm_ib at;
};

static enum pm_rc put_aside(struct pm_block_sink *sink, bool internal, const uint8_t *p, size_t n,
			    pm_bid *ret_bid)
{
	struct aside *a = (struct aside *)((char *)sink - offsetof(struct aside, sink));
	struct pm_analysis *an = a->an;
	const pm_bid bid = a->next | (internal ? PM_BID_INTERNAL : 0);
	uint32_t size = pm_block_stored(sink->fmt, (uint32_t)n);
	uint8_t stored[65536] = {0};
	struct pm_block *b;
	enum pm_rc rc;

	if (!n || n > sink->fmt->data_max)
		return pm_fail(an->ctx, PM_EBUG, "a block of %zu bytes can't be stored", n);
	memcpy(stored, p, n);
	if (!internal)
		pm_encode(an->db.crypt, bid, stored, n);
	pm_block_seal(sink->fmt, stored, a->at, bid, (uint16_t)n, (uint16_t)n);
	rc = pm_view_put(an->deleted->aside, a->at, stored, size);
	b = rc ? NULL : pm_vec_push(an->ctx, &an->db.blocks);
	if (!b)
		return an->ctx->rc;
	*b = (struct pm_block){.bid = bid,
			       .ib = a->at,
			       .cb = (uint16_t)n,
			       .cb_inflated = (uint16_t)n,
			       .flags = PM_BF_CHECKED | PM_BF_FOUND};
	a->next += 4;
	a->at += size;
	*ret_bid = bid;
	return PM_OK;
}

enum pm_rc pm_deleted_build_aside(struct pm_analysis *an)
{
	const uint64_t unit = an->db.fmt->unit;
	struct aside a = {.sink = {.fmt = an->db.fmt, .put = put_aside},
			  .an = an,
			  .next = (an->max_bid | 3) + 1,
			  .at = (an->db.img->size + unit - 1) / unit * unit};
	struct pm_deleted *d = an->deleted;
	bool any = false;
	enum pm_rc rc;

	for (size_t i = 0; d && i < d->items.n; i++)
		any |= !d->items.v[i].data;
	if (!any)
		return PM_OK;
	rc = pm_view_new(an->ctx, an->db.img, &d->aside);
	if (rc)
		return rc;
	d->img = an->db.img;
	an->db.img = pm_view_image(d->aside);
	return pm_deleted_build(an, &a.sink);
}

void pm_deleted_free(struct pm_analysis *an)
{
	struct pm_deleted *d = an->deleted;

	if (!d)
		return;
	if (d->aside)
		an->db.img = d->img;
	pm_view_free(d->aside);
	pm_arena_done(&d->arena);
	pm_vec_done(&d->items);
	pm_vec_done(&d->values);
	pm_vec_done(&d->folders);
	pm_free(d);
	an->deleted = NULL;
}
