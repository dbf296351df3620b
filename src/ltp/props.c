/* SPDX-License-Identifier: Apache-2.0 */
/* A property context in memory: load, change, store. */
#include "ltp/props.h"

#include "base/text.h"
#include "format/fields.h"

#define MEND_MAX ((uint64_t)16 << 20) /* of values in subnodes that are malformed */

void pm_props_init(struct pm_props *p, struct pm_ctx *ctx, const struct pm_format *f)
{
	*p = (struct pm_props){.ctx = ctx, .fmt = f};
}

void pm_props_done(struct pm_props *p)
{
	pm_arena_done(&p->arena);
	pm_vec_done(&p->v);
	pm_vec_done(&p->lost);
	pm_subs_close(&p->subs);
}

static size_t place(const struct pm_props *p, uint16_t id)
{
	size_t lo = 0, hi = p->v.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->v.v[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct pm_propval *pm_props_find(const struct pm_props *p, uint16_t id)
{
	size_t i = place(p, id);

	return i < p->v.n && p->v.v[i].id == id ? &p->v.v[i] : NULL;
}

/* The subnode of an old value goes with it, unless something else names it. */
static void release(struct pm_props *p, pm_nid nid)
{
	if (!nid || pm_nid_type(nid) != 0x1F)
		return;
	for (size_t i = 0; i < p->v.n; i++)
		if (p->v.v[i].nid == nid)
			return;
	pm_subs_remove(&p->subs, nid);
}

/* The slot of a property, emptied; new when there was none. */
static struct pm_propval *slot_of(struct pm_props *p, uint16_t id, uint16_t type)
{
	size_t i = place(p, id);

	if (i == p->v.n || p->v.v[i].id != id) {
		if (!pm_vec_push(p->ctx, &p->v))
			return NULL;
		memmove(p->v.v + i + 1, p->v.v + i, (p->v.n - 1 - i) * sizeof(*p->v.v));
		p->v.v[i] = (struct pm_propval){0};
	}
	p->v.v[i].id = id;
	p->v.v[i].type = type;
	p->v.v[i].state = PM_OK;
	return &p->v.v[i];
}

static enum pm_rc set(struct pm_props *p, uint16_t id, uint16_t type, const void *value, size_t n,
		      pm_nid nid)
{
	bool in_record = pm_proptype_inline(type);
	size_t size = in_record && n < 4 ? 4 : n;
	const struct pm_propval *old = pm_props_find(p, id);
	pm_nid was = old ? old->nid : 0;
	struct pm_propval *v;
	uint8_t *copy;

	if (in_record && n > 4)
		return pm_fail(p->ctx, PM_EUSAGE, "property 0x%04X%04X of %zu bytes", id, type, n);
	copy = pm_arena_alloc(p->ctx, &p->arena, size);
	v = copy ? slot_of(p, id, type) : NULL;
	if (!v)
		return p->ctx->rc;
	if (n)
		memcpy(copy, value, n);
	v->value = (struct pm_span){copy, size, 0};
	v->nid = nid;
	if (was && was != nid)
		release(p, was);
	return PM_OK;
}

enum pm_rc pm_props_set(struct pm_props *p, uint16_t id, uint16_t type, const void *value, size_t n)
{
	return set(p, id, type, value, n, 0);
}

enum pm_rc pm_props_set_u32(struct pm_props *p, uint16_t id, uint16_t type, uint32_t value)
{
	uint8_t b[4];

	pm_put32(b, value);
	return set(p, id, type, b, 4, 0);
}

enum pm_rc pm_props_set_u64(struct pm_props *p, uint16_t id, uint16_t type, uint64_t value)
{
	uint8_t b[8];

	pm_put64(b, value);
	return set(p, id, type, b, 8, 0);
}

enum pm_rc pm_props_set_text(struct pm_props *p, uint16_t id, uint32_t cp, const char *utf8,
			     uint64_t *ret_bad)
{
	struct pm_buf b = {0};
	enum pm_rc rc = pm_text_as(p->ctx, p->fmt, cp, utf8, &b, ret_bad);

	if (rc == PM_OK)
		rc = set(p, id, p->fmt->string_type, b.p, b.n, 0);
	pm_buf_done(&b);
	return rc;
}

enum pm_rc pm_props_set_nid(struct pm_props *p, uint16_t id, uint16_t type, pm_nid nid)
{
	return set(p, id, type, NULL, 0, nid);
}

enum pm_rc pm_props_set_object(struct pm_props *p, uint16_t id, pm_nid nid, uint32_t size)
{
	uint8_t b[8];

	pm_put32(b, nid);
	pm_put32(b + 4, size);
	return set(p, id, PM_PT_OBJECT, b, 8, 0);
}

void pm_props_remove(struct pm_props *p, uint16_t id)
{
	size_t i = place(p, id);
	pm_nid was;

	if (i == p->v.n || p->v.v[i].id != id)
		return;
	was = p->v.v[i].nid;
	memmove(p->v.v + i, p->v.v + i + 1, (p->v.n - 1 - i) * sizeof(*p->v.v));
	p->v.n--;
	release(p, was);
}

/* Multi-values anew, of the elements that are in bounds. */
static void put_mv(struct pm_ctx *ctx, uint16_t type, struct pm_span s, struct pm_buf *out)
{
	struct pm_mv mv = pm_mv_open(type, s);
	bool fixed = pm_proptype_size(mv.type) > 0;
	uint32_t at = 4 + 4 * mv.n;
	uint8_t b[4];

	pm_put32(b, mv.n);
	if (!fixed)
		pm_buf_add(ctx, out, b, 4);
	for (uint32_t i = 0; !fixed && i < mv.n; i++) {
		pm_put32(b, at);
		pm_buf_add(ctx, out, b, 4);
		at += (uint32_t)pm_mv_item(&mv, i).n;
	}
	for (uint32_t i = 0; i < mv.n; i++) {
		struct pm_span item = pm_mv_item(&mv, i);

		pm_buf_add(ctx, out, item.p, item.n);
	}
}

/* A malformed value put right where that is possible; PM_LOST: it is of no use. */
static enum pm_rc straighten(struct pm_props *p, const struct pm_prop *prop, struct pm_span s)
{
	int size = pm_proptype_size(prop->type);
	uint16_t type = prop->type;
	struct pm_buf b = {0};
	enum pm_rc rc;

	if (size > 0 || type == PM_PT_OBJECT)
		return PM_LOST;
	/* A list of bytes of which nothing is one: the bytes themselves stay. */
	if (type == (PM_PT_BINARY | PM_PT_MV) && !pm_mv_open(type, s).n)
		type = PM_PT_BINARY;
	if (type & PM_PT_MV)
		put_mv(p->ctx, type, s, &b);
	else
		pm_buf_add(p->ctx, &b, s.p, s.n);
	/* Half a letter: all bytes that are there stay. */
	if (type == PM_PT_UNICODE)
		pm_buf_zero(p->ctx, &b, s.n % 2);
	rc = b.bad ? p->ctx->rc : set(p, prop->id, type, b.p, b.n, 0);
	pm_buf_done(&b);
	return rc ? rc : PM_DAMAGED;
}

#define MALFORMED (PM_CR_SIZE | PM_CR_ODD | PM_CR_MV | PM_CR_OBJECT)

/* As of cells (table_load.c): values that share a heap item. */
#define SHARED    4
#define ANY_BYTES 65536

static enum pm_rc load_value(struct pm_props *p, struct pm_pc *pc, const struct pm_prop *prop,
			     const struct pm_value *v, uint64_t *budget)
{
	struct pm_buf b = {0};
	uint32_t rules = 0;
	enum pm_rc rc;

	if (v->span.n > *budget)
		return PM_LOST;
	*budget -= v->span.n;
	rc = pm_value_rules(p->ctx, p->fmt, &pc->subs, v, pm_le32(prop->raw), MEND_MAX, &rules);
	if (pm_is_error(rc))
		return rc;
	if (!(rules & MALFORMED) && !(v->stream && prop->type & PM_PT_MV)) {
		rc = set(p, prop->id, prop->type, v->span.p, v->span.n, v->stream ? v->nid : 0);
		return rc ? rc : v->state;
	}
	if (!v->stream)
		return straighten(p, prop, v->span);
	rc = pm_value_read(p->ctx, v, MEND_MAX, &b);
	if (rc != PM_OK && rc != PM_DAMAGED) {
		pm_buf_done(&b);
		return rc;
	}
	/* Of a list in a damaged block the rules say nothing. */
	if (!(rules & MALFORMED) && !pm_mv_open(prop->type, pm_buf_span(&b)).damaged) {
		rc = set(p, prop->id, prop->type, NULL, 0, v->nid);
		rc = rc ? rc : v->state;
	} else {
		rc = v->size > MEND_MAX ? PM_LOST : straighten(p, prop, pm_buf_span(&b));
		release(p, v->nid);
	}
	pm_buf_done(&b);
	return rc;
}

enum pm_rc pm_props_load(struct pm_props *p, struct pm_pc *pc)
{
	uint64_t budget = ANY_BYTES + SHARED * pc->heap.data.size;
	enum pm_rc worst = PM_OK, rc = pm_subs_copy(p->ctx, &pc->subs, &p->subs);
	/* Then what looks like a record of a type that has no values is none; it would stop readers. */
	const bool broken = pc->heap.rules || pc->bth_rules || pc->lost;

	for (size_t i = 0; !pm_is_error(rc) && i < pc->props.n; i++) {
		const struct pm_prop *prop = &pc->props.v[i];
		struct pm_value v = {.state = PM_LOST};
		uint32_t *tag;

		if (pm_proptype_size(prop->type) < 0 || (broken && prop->type <= PM_PT_NULL))
			rc = PM_LOST;
		else if (pm_proptype_inline(prop->type))
			rc = set(p, prop->id, prop->type, prop->raw, 4, 0);
		else
			rc = pm_pc_value(pc, prop, &v);
		if (!pm_is_error(rc) && v.state != PM_LOST)
			rc = load_value(p, pc, prop, &v, &budget);
		pm_value_done(&v);
		if (rc == PM_LOST) {
			tag = pm_vec_push(p->ctx, &p->lost);
			if (!tag)
				return p->ctx->rc;
			*tag = pm_prop_tag(prop);
			worst = PM_DAMAGED;
		} else if (rc == PM_DAMAGED || prop->state != PM_OK) {
			struct pm_propval *have = pm_props_find(p, prop->id);

			if (have)
				have->state = PM_DAMAGED;
			worst = PM_DAMAGED;
		}
	}
	return pm_is_error(rc) ? rc : worst;
}

/* Where a value goes: its HNID. */
static enum pm_rc store_value(struct pm_props *p, struct pm_heap_builder *hb,
			      struct pm_block_sink *sink, struct pm_propval *v, uint32_t *ret)
{
	pm_bid bid;
	enum pm_rc rc;

	if (v->nid) {
		*ret = v->nid;
		return PM_OK;
	}
	if (!v->value.n) {
		*ret = 0;
		return PM_OK;
	}
	if (v->value.n <= PM_HEAP_ITEM_MAX)
		return pm_heap_builder_add(hb, v->value.p, v->value.n, ret);
	rc = pm_data_build(p->ctx, sink, v->value.p, v->value.n, &bid);
	if (rc)
		return rc;
	v->nid = pm_subs_free_nid(&p->subs, 0x1F);
	*ret = v->nid;
	return pm_subs_put(p->ctx, &p->subs, v->nid, bid, 0);
}

static enum pm_rc fill_heap(struct pm_props *p, struct pm_heap_builder *hb,
			    struct pm_block_sink *sink)
{
	struct pm_bth_built tree = {0};
	struct pm_buf records = {0};
	enum pm_rc rc = pm_heap_builder_add(hb, NULL, 8, &hb->root);

	for (size_t i = 0; i < p->v.n; i++) {
		uint8_t rec[8] = {0};

		pm_set_PCENTRY_wPropId(p->fmt, rec, p->v.v[i].id);
		pm_set_PCENTRY_wPropType(p->fmt, rec, p->v.v[i].type);
		if (pm_proptype_inline(p->v.v[i].type))
			memcpy(rec + 4, p->v.v[i].value.p, 4);
		pm_buf_add(p->ctx, &records, rec, 8);
	}
	if (rc == PM_OK)
		rc = records.bad ? p->ctx->rc : pm_bth_build(hb, 2, 6, records.p, p->v.n, &tree);
	pm_buf_done(&records);
	for (size_t i = 0; rc == PM_OK && i < p->v.n; i++) {
		uint32_t hnid;

		if (pm_proptype_inline(p->v.v[i].type))
			continue;
		rc = store_value(p, hb, sink, &p->v.v[i], &hnid);
		if (rc == PM_OK)
			pm_set_PCENTRY_dwValueHnid(p->fmt, pm_bth_built_record(hb, &tree, i), hnid);
	}
	if (rc == PM_OK)
		pm_bth_put_header(pm_heap_builder_item(hb, hb->root), &tree);
	pm_bth_built_done(&tree);
	return rc;
}

enum pm_rc pm_props_build(struct pm_props *p, struct pm_block_sink *sink, pm_bid *ret_data,
			  pm_bid *ret_sub)
{
	struct pm_heap_builder hb;
	pm_bid data = 0, sub = 0;
	enum pm_rc rc;

	pm_heap_builder_init(&hb, p->ctx, p->fmt, PM_CLIENT_PC);
	rc = fill_heap(p, &hb, sink);
	if (rc == PM_OK)
		rc = pm_heap_builder_store(&hb, sink, &data);
	pm_heap_builder_done(&hb);
	if (rc == PM_OK)
		rc = pm_subs_build(p->ctx, sink, p->subs.v.v, p->subs.v.n, &sub);
	if (rc)
		return rc;
	*ret_data = data;
	*ret_sub = sub;
	return PM_OK;
}
