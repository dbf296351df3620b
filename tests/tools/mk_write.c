/* SPDX-License-Identifier: Apache-2.0 */
/* The whole file: store, templates, phases, trees [MS-PST 2.7]. */
#include "mk_write.h"

#include "base/sort.h"
#include "msg/store.h"
#include "value.h"

#define OUT_MAX ((size_t)16 << 30)

/* The layout writes into memory; what nobody wrote is zeros. */
static enum pm_rc write_out(void *arg, uint64_t off, const void *p, size_t n)
{
	struct pm_mkw *w = arg;
	struct pm_buf *b = w->out;

	if (off > OUT_MAX)
		return pm_fail(w->ctx, PM_ELIMIT, "the file would be too big for this tool");
	if (off + n > b->n)
		pm_buf_zero(w->ctx, b, (size_t)off + n - b->n);
	if (b->bad)
		return w->ctx->rc;
	memcpy(b->p + off, p, n);
	return PM_OK;
}

/* The tables' templates and the other fixed objects; criteria are one of them. */
static enum pm_rc templates(struct pm_mkw *w)
{
	static const pm_nid nids[] = {0x60D, 0x60E, 0x60F, 0x610, 0x671, 0x692, 0x62B,
				      0x64C, 0x6B6, 0x6D7, 0x6F8, 0xC01, 0x2227};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < sizeof(nids) / sizeof(nids[0]) && rc == PM_OK; i++) {
		pm_bid bid;

		rc = pm_template_build(w->ctx, &w->l.sink, nids[i], &bid);
		if (rc == PM_OK)
			rc = pm_map_put(w->ctx, &w->templates, nids[i], bid);
		if (rc == PM_OK && nids[i] != 0x2227)
			rc = pm_layout_node(&w->l, nids[i], bid, 0, 0);
	}
	return rc;
}

static enum pm_rc entry_id(struct pm_mkw *w, struct pm_mk_props *props, uint16_t id, pm_nid nid)
{
	uint8_t *e = pm_arena_alloc(w->ctx, &w->mk->arena, 24);

	if (!e)
		return w->ctx->rc;
	pm_entry_id_put(e, w->mk->key, nid);
	return pm_mk_put(w->mk, props, PM_TAG(id, PM_PT_BINARY), e, 24);
}

static enum pm_rc store_props(struct pm_mkw *w, struct pm_mk_props *props)
{
	struct pm_mk *mk = w->mk;
	uint8_t *history = pm_arena_alloc(w->ctx, &mk->arena, 24);

	if (!history)
		return w->ctx->rc;
	history[0] = history[20] = 1;
	pm_noise(pm_le64(mk->key), history + 4, 16);
	if (pm_mk_put(mk, props, PM_TAG(PM_ID_RECORD_KEY, PM_PT_BINARY), mk->key, 16) ||
	    pm_mk_put_text(mk, props, PM_ID_DISPLAY_NAME, mk->store_name) ||
	    pm_mk_put(mk, props, PM_TAG(0x0E34, PM_PT_BINARY), history, 24) ||
	    pm_mk_put_u32(mk, props, PM_TAG(0x0E38, PM_PT_I4), 0) ||
	    pm_mk_put_u32(mk, props, PM_TAG(PM_ID_VALID_FOLDER_MASK, PM_PT_I4), 0x89) ||
	    entry_id(w, props, PM_ID_IPM_SUBTREE_ENTRYID, mk->folders.v[0]->nid) ||
	    entry_id(w, props, PM_ID_FINDER_ENTRYID, mk->folders.v[1]->nid) ||
	    entry_id(w, props, PM_ID_IPM_WASTEBASKET_ENTRYID, mk->folders.v[2]->nid) ||
	    pm_mk_put_u32(mk, props, PM_TAG(0x6633, PM_PT_BOOL), 1) ||
	    pm_mk_put_u32(mk, props, PM_TAG(0x66FA, PM_PT_I4), 0xE0015) ||
	    pm_mk_put_u32(mk, props, PM_TAG(PM_ID_PST_PASSWORD, PM_PT_I4), mk->password))
		return w->ctx->rc;
	return PM_OK;
}

/* The store, the name map, and the queues of the search, which are empty. */
static enum pm_rc store(struct pm_mkw *w)
{
	static const pm_nid empty[] = {0x1E1, 0x261, 0x281, 0x321, 0x501, 0xE41};
	static const uint8_t active[4] = {0x23, 0x22, 0, 0};
	struct pm_mk_props props = {0};
	pm_bid data, sub;
	enum pm_rc rc = store_props(w, &props);

	if (rc == PM_OK)
		rc = pm_mkw_pc(w, &props, &data, &sub);
	pm_vec_done(&props.v);
	if (rc == PM_OK)
		rc = pm_layout_node(&w->l, PM_NID_STORE, data, sub, 0);
	if (rc == PM_OK)
		rc = pm_names_build(&w->mk->names, &w->l.sink, &data, &sub);
	if (rc == PM_OK)
		rc = pm_layout_node(&w->l, PM_NID_NAMEMAP, data, sub, 0);
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]) && rc == PM_OK; i++)
		rc = pm_layout_node(&w->l, empty[i], 0, 0, 0);
	if (rc == PM_OK)
		rc = w->l.sink.put(&w->l.sink, false, active, sizeof(active), &data);
	return rc ? rc : pm_layout_node(&w->l, 0x201, data, 0, 0);
}

/* ---- the older generation ---- */

static enum pm_rc find_changed(struct pm_mkw *w)
{
	struct pm_mk *mk = w->mk;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < mk->folders.n; i++)
		for (size_t k = 0; k < mk->folders.v[i]->messages.n && rc == PM_OK; k++) {
			const struct pm_mk_message *m = mk->folders.v[i]->messages.v[k];

			if (!m->was && !m->deleted && !m->moved_from)
				continue;
			rc = pm_map_put(w->ctx, &w->changed, m->nid, 1);
			if (rc == PM_OK && m->moved_from)
				rc = pm_map_put(w->ctx, &w->changed, m->moved_from->nid, 1);
			if (rc == PM_OK)
				rc = pm_map_put(w->ctx, &w->changed, mk->folders.v[i]->nid, 1);
		}
	return rc;
}

/* The trees as they were, over what has been written so far. */
static enum pm_rc old_trees(struct pm_mkw *w)
{
	struct pm_layout *l = &w->l;
	pm_ib from = l->at, ib;
	pm_bid bid;
	enum pm_rc rc = pm_sort_member(w->ctx, &l->nodes, key);

	for (size_t i = 0; i < l->blocks.n; i++) {
		const struct pm_map_entry *e = pm_map_find(&l->refs, l->blocks.v[i].key);

		l->blocks.v[i].cref = (uint16_t)(e ? e->value + 1 : 1);
	}
	if (rc || w->mk->no_pages)
		return rc;
	rc = pm_layout_tree(l, PM_PTYPE_NBT, l->nodes.v, l->nodes.n, &bid, &ib);
	if (rc == PM_OK)
		rc = pm_layout_tree(l, PM_PTYPE_BBT, l->blocks.v, l->blocks.n, &bid, &ib);
	return rc ? rc : pm_layout_forget(l, from, l->at - from);
}

/* The deleted message whose blocks are not to stay as they are, by one of them; or NULL. */
static const struct pm_mk_message *owner(const struct pm_mkw *w, pm_bid bid)
{
	const struct pm_mk *mk = w->mk;

	for (size_t i = 0; i < mk->folders.n; i++)
		for (size_t k = 0; k < mk->folders.v[i]->messages.n; k++) {
			const struct pm_mk_message *m = mk->folders.v[i]->messages.v[k];
			const bool data = pm_bid_key(bid) == pm_bid_key(m->old_data);

			if (m->fate && bid >= m->old_from && bid < m->old_end &&
			    !(m->only_data && !data) && !(m->only_rest && data))
				return m;
		}
	return NULL;
}

/* A block of the older generation: its space is free. */
static enum pm_rc free_block(struct pm_mkw *w, const struct pm_bt_entry *e)
{
	static const uint8_t zeros[65536];
	const uint32_t size = pm_block_stored(w->l.sink.fmt, e->cb);
	const struct pm_mk_message *m = owner(w, e->bid);
	struct pm_range *slot;
	enum pm_rc rc = pm_layout_forget(&w->l, e->ib, size);

	if (rc || !m)
		return rc;
	if (m->fate == PM_MK_GONE)
		return w->l.write(w->l.arg, e->ib, zeros, size);
	slot = pm_vec_push(w->ctx, &w->l.spare);
	if (slot)
		*slot = (struct pm_range){e->ib, e->ib + size};
	return w->ctx->rc;
}

/* Take back the nodes and blocks of the older generation: their space is free now, but for a few
 * dead blocks that stay in the tree without a reference. */
static enum pm_rc take_back(struct pm_mkw *w, pm_bid first)
{
	struct pm_layout *l = &w->l;
	unsigned dead = w->mk->dead;
	enum pm_rc rc = PM_OK;
	size_t n = 0;

	for (size_t i = 0; i < l->nodes.n; i++) {
		pm_nid nid = (pm_nid)l->nodes.v[i].key;
		bool folder = pm_nid_type(nid) == 2 || pm_nid_type(nid) >= 0x0D;

		if (!pm_map_has(&w->changed, folder ? (nid & ~(pm_nid)0x1F) | 2 : nid))
			l->nodes.v[n++] = l->nodes.v[i];
	}
	l->nodes.n = n;
	n = 0;
	for (size_t i = 0; i < l->blocks.n && rc == PM_OK; i++) {
		const struct pm_bt_entry *e = &l->blocks.v[i];
		bool stays = e->bid < first || (!pm_bid_internal(e->bid) && dead && dead--);

		if (stays)
			l->blocks.v[n++] = *e;
		else
			rc = free_block(w, e);
	}
	l->blocks.n = n;
	return rc;
}

static enum pm_rc older_generation(struct pm_mkw *w)
{
	struct pm_layout *l = &w->l;
	pm_bid first = l->next_block;
	PM_VEC(struct pm_map_entry) refs = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < l->refs.n && rc == PM_OK; i++) {
		struct pm_map_entry *e = pm_vec_push(w->ctx, &refs);

		if (e)
			*e = l->refs.v[i];
		rc = w->ctx->rc;
	}
	w->phase = PM_MKW_OLD;
	if (rc == PM_OK)
		rc = pm_mkw_folders(w);
	if (rc == PM_OK)
		rc = old_trees(w);
	if (rc == PM_OK)
		rc = take_back(w, first);
	if (w->mk->same_ids && !w->mk->dead)
		l->next_block = first;
	pm_map_done(&l->refs);
	for (size_t i = 0; i < refs.n && rc == PM_OK; i++)
		rc = pm_map_put(w->ctx, &l->refs, refs.v[i].key, refs.v[i].value);
	pm_vec_done(&refs);
	w->phase = PM_MKW_NEW;
	return rc ? rc : pm_mkw_folders(w);
}

static enum pm_rc contents(struct pm_mkw *w)
{
	enum pm_rc rc = templates(w);

	if (rc == PM_OK)
		rc = store(w);
	if (rc == PM_OK)
		rc = pm_mkw_root(w);
	w->l.at += w->mk->room;
	if (rc == PM_OK)
		rc = find_changed(w);
	if (rc == PM_OK)
		rc = pm_mkw_folders(w);
	if (rc == PM_OK && (w->mk->stale || w->changed.n))
		rc = older_generation(w);
	return rc;
}

enum pm_rc pm_mk_write(struct pm_mk *mk, struct pm_buf *out)
{
	struct pm_mkw w = {.mk = mk, .ctx = mk->ctx, .out = out};
	struct pm_header h;
	enum pm_rc rc;

	pm_layout_init(mk->ctx, &w.l, mk->fmt, mk->crypt, write_out, &w);
	w.l.fill = mk->fill;
	w.l.deflate = mk->zlib && mk->fmt->variant == PM_UNICODE4K;
	pm_header_new(mk->fmt, &h);
	rc = contents(&w);
	if (rc == PM_OK)
		rc = pm_layout_finish(&w.l, &h);
	if (rc == PM_OK && out->n < h.eof)
		pm_buf_zero(mk->ctx, out, (size_t)h.eof - out->n);
	pm_layout_done(&w.l);
	pm_map_done(&w.templates);
	pm_map_done(&w.changed);
	return rc ? rc : mk->ctx->rc;
}
