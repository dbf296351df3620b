/* SPDX-License-Identifier: Apache-2.0 */
/* The survey of a sound file: see survey.h. */
#include "survey.h"

#include <inttypes.h>
#include <stdio.h>

#define ADDRESS_MAX 200
#define DEPTH_MAX   8

static const char *tree_name(uint8_t ptype)
{
	return ptype == PM_PTYPE_BBT ? "bbt" : "nbt";
}

static void pages(const struct pm_whole *w)
{
	for (size_t i = 0; i < w->pages.n; i++)
		printf("page %s %u %" PRIu64 "\n", tree_name(w->pages.v[i].ptype),
		       w->pages.v[i].level, w->pages.v[i].ib);
}

static bool in_trees(const struct pm_whole *w, pm_ib ib)
{
	for (size_t i = 0; i < w->pages.n; i++)
		if (w->pages.v[i].ib == ib)
			return true;
	return false;
}

/* Pages of trees that no tree has any more. */
static void old_pages(const struct pm_whole *w)
{
	const struct pm_format *f = w->fmt;

	for (pm_ib ib = f->page; w->n - ib >= f->page; ib += f->page) {
		const uint8_t *trailer = w->p + ib + f->page_data;
		uint8_t ptype = (uint8_t)pm_PAGETRAILER_ptype(f, trailer);
		struct pm_bt_meta m;

		if ((ptype != PM_PTYPE_BBT && ptype != PM_PTYPE_NBT) || in_trees(w, ib) ||
		    pm_page_verify(f, w->p + ib, ib, ptype, pm_PAGETRAILER_bid(f, trailer)))
			continue;
		pm_bt_meta(f, w->p + ib, &m);
		printf("old %s %u %" PRIu64 "\n", tree_name(ptype), m.level, ib);
	}
}

static void maps(const struct pm_whole *w)
{
	const struct pm_format *f = w->fmt;
	static const struct {
		uint8_t ptype;
		const char *name;
	} kinds[] = {{PM_PTYPE_AMAP, "amap"},
		     {PM_PTYPE_PMAP, "pmap"},
		     {PM_PTYPE_FMAP, "fmap"},
		     {PM_PTYPE_FPMAP, "fpmap"}};

	for (uint64_t k = 0; pm_amap_offset(f, k) + f->page <= w->n; k++)
		for (unsigned slot = 0; slot < 3; slot++)
			for (unsigned i = 0; i < 4; i++)
				if (pm_map_page_at(f, k, slot) == kinds[i].ptype)
					printf("map %s %" PRIu64 "\n", kinds[i].name,
					       pm_amap_offset(f, k) + slot * f->page);
}

static void block(struct pm_whole *w, pm_nid nid, const char *address, const char *kind, pm_bid bid)
{
	const struct pm_block *b = pm_ndb_find_block(&w->db, bid);

	if (b)
		printf("own 0x%x %s %s %" PRIu64 " %u %u 0x%" PRIx64 "\n", nid, address, kind,
		       b->ib, b->cb, pm_block_stored(w->fmt, b->cb), b->bid);
}

static enum pm_rc unsound(struct pm_whole *w, const char *address)
{
	return pm_fail(w->ctx, PM_EUSAGE, "the file is not sound: the blocks of %s", address);
}

static enum pm_rc data(struct pm_whole *w, pm_nid nid, const char *address, pm_bid bid)
{
	struct pm_data d;
	enum pm_rc rc = pm_data_open(&w->db, bid, &d);

	for (size_t i = 0; rc == PM_OK && i < d.internal.n; i++)
		block(w, nid, address, "xblock", d.internal.v[i]);
	for (size_t i = 0; rc == PM_OK && i < d.leaves.n; i++)
		block(w, nid, address, "data", d.leaves.v[i].bid);
	pm_data_close(&d);
	return rc == PM_OK || rc == PM_NONE || pm_is_error(rc) ? rc : unsound(w, address);
}

static enum pm_rc blocks(struct pm_whole *w, pm_nid nid, const char *address, pm_bid bid,
			 pm_bid sub, unsigned depth)
{
	struct pm_subs s = {0};
	enum pm_rc rc = data(w, nid, address, bid);

	if (pm_is_error(rc))
		return rc;
	if (depth > DEPTH_MAX)
		return unsound(w, address);
	rc = pm_subs_open(&w->db, sub, &s);
	if (rc == PM_DAMAGED || rc == PM_LOST)
		rc = unsound(w, address);
	for (size_t i = 0; rc == PM_OK && i < s.internal.n; i++)
		block(w, nid, address, "subs", s.internal.v[i]);
	for (size_t i = 0; rc == PM_OK && i < s.v.n; i++) {
		char inner[ADDRESS_MAX];

		snprintf(inner, sizeof(inner), "%s.sub[0x%" PRIx64 "]", address, s.v.v[i].nid);
		rc = blocks(w, nid, inner, s.v.v[i].data, s.v.v[i].sub, depth + 1);
	}
	pm_subs_close(&s);
	return rc == PM_NONE ? PM_OK : rc;
}

static enum pm_rc nodes(struct pm_whole *w)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; rc == PM_OK && i < w->db.nodes.n; i++) {
		const struct pm_node *n = &w->db.nodes.v[i];
		const struct pm_seed_page *leaf;
		char address[32];
		unsigned k;

		if (!pm_whole_find(w, PM_PTYPE_NBT, n->nid, &leaf, &k))
			return unsound(w, "the node tree");
		printf("node 0x%x %" PRIu64 " %u 0x%x\n", n->nid,
		       leaf->ib + (uint64_t)k * w->fmt->nbtentry, w->fmt->nbtentry, n->parent);
		snprintf(address, sizeof(address), "node[0x%x]", n->nid);
		rc = blocks(w, n->nid, address, n->data, n->sub, 0);
	}
	return rc;
}

void pm_survey(struct pm_whole *w)
{
	static const char *const names[] = {"ansi", "unicode", "4k"};

	printf("file %zu %u %u %s\n", w->n, w->fmt->page, w->fmt->unit, names[w->fmt->variant]);
	pages(w);
	old_pages(w);
	maps(w);
	if (nodes(w))
		return;
	printf("end\n");
}
