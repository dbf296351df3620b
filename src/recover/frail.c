/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties of which a part is lost, in a block that has its trailer and no entry in the block tree: the trailer
 * says which block it is, but nothing vouches for the content, and nothing needs it. What is left of a message
 * in such a block is all that there is of it where the leaf of the node tree is lost as well.
 *
 * A subject that can be read, or a time, is the least that makes it a message to somebody.
 *
 * Gathers: such blocks, into the table, if nothing else is known of their id and their place.
 * Needs: settled blocks, references; what the sweep noted of such blocks.
 */
#include "recover/internal.h"

#include "base/map.h"
#include "base/sort.h"
#include "base/text.h"
#include "base/time.h"
#include "ltp/pc.h"

/* Nobody has mail of before, nor of after these years. */
#define YEAR_FIRST 1980
#define YEAR_LAST  2100

/* Could a person have written this? Of what is left of random bytes, nearly every character or two could not. */
static bool written(const struct pm_buf *utf8)
{
	bool any = false;
	size_t n;

	for (size_t i = 0; i < utf8->n; i += n) {
		uint32_t c;

		n = pm_utf8_next(utf8->p + i, utf8->n - i, &c);
		/* A subject may begin with the length of its prefix [MS-OXCMSG 2.2.1.46]. */
		if (i < 2 && c < 0x20)
			continue;
		if (pm_uni_unsafe(c) || c == PM_UNI_REPLACEMENT || (c >= 0xE000 && c < 0xF900))
			return false;
		any = true;
	}
	return any;
}

enum pm_rc pm_frail_tells(struct pm_pc *pc, bool *ret)
{
	static const uint16_t times[] = {PM_ID_DELIVERY_TIME, PM_ID_SUBMIT_TIME};
	struct pm_buf b = {0};
	enum pm_rc rc = pm_pc_string(pc, PM_ID_SUBJECT, 1252, &b);

	*ret = !pm_is_error(rc) && written(&b);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]) && !*ret && !pm_is_error(rc); i++) {
		struct pm_civil when = {0};
		uint64_t t = 0;

		rc = pm_pc_time(pc, times[i], &t);
		pm_time_civil(t, &when);
		*ret = !pm_is_error(rc) && t && when.year >= YEAR_FIRST && when.year < YEAR_LAST;
	}
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Ids of which the entries are lost. What is none of these the block tree has given up. */
static enum pm_rc lost_entries(const struct pm_analysis *an, struct pm_rangeset *ret)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->lost.n && rc == PM_OK; i++)
		if (an->lost.v[i].ptype == PM_PTYPE_BBT)
			rc = pm_rangeset_add(an->ctx, ret, an->lost.v[i].lo, an->lost.v[i].hi);
	return rc;
}

enum pm_rc pm_note_frail(struct pm_analysis *an, const struct pm_block *b)
{
	struct pm_block *slot;

	if (pm_bid_internal(b->bid) || !an->lost.n)
		return PM_OK;
	slot = pm_vec_push(an->ctx, &an->frail);
	if (slot) {
		*slot = *b;
		slot->flags |= PM_BF_CRC;
	}
	return an->ctx->rc;
}

/* Does it begin as properties do? How they are encoded may not have been known before. */
static enum pm_rc look(struct pm_analysis *an, struct pm_block *b, struct pm_buf *buf, bool *ret)
{
	enum pm_rc rc;

	pm_buf_clear(buf);
	rc = pm_ndb_read_entry(&an->db, b, buf);
	if (pm_is_error(rc))
		return rc;
	b->flags = (uint16_t)((b->flags & ~PM_BF_KIND) | pm_block_kind(buf->p, buf->n));
	*ret = (b->flags & PM_BF_KIND) == PM_BK_PC && !(b->flags & PM_BF_READ);
	return PM_OK;
}

/* What lies where something is known to be. */
static enum pm_rc known_places(const struct pm_analysis *an, struct pm_rangeset *ret)
{
	const struct pm_format *f = an->db.fmt;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && rc == PM_OK; i++) {
		const struct pm_block *b = &an->db.blocks.v[i];

		if (!(b->flags & PM_BF_LOST))
			rc = pm_rangeset_add(an->ctx, ret, b->ib,
					     b->ib + pm_block_stored(f, b->cb));
	}
	for (size_t i = 0; i < an->pages.n && rc == PM_OK; i++)
		rc = pm_rangeset_add(an->ctx, ret, an->pages.v[i].ib, an->pages.v[i].ib + f->page);
	return rc;
}

/* What is known otherwise, and what was taken so far. */
struct known {
	struct pm_rangeset lost, places;
	struct pm_map ids;
};

/* May it live: is nothing else known of its id, nor of its place, and is that in use? */
static bool may_live(const struct pm_analysis *an, const struct known *k, const struct pm_block *b)
{
	const uint64_t end = b->ib + pm_block_stored(an->db.fmt, b->cb);

	return pm_rangeset_contains(&k->lost, b->bid, b->bid + 1) && !pm_map_has(&k->ids, b->bid) &&
	       !pm_ndb_find_block(&an->db, b->bid) &&
	       !pm_rangeset_overlaps(&k->places, b->ib, end) &&
	       pm_analysis_allocated(an, b->ib, end - b->ib);
}

/* Those that may, in front; *ret: how many. */
static enum pm_rc choose(struct pm_analysis *an, struct known *k, size_t *ret)
{
	struct pm_buf buf = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->frail.n && rc == PM_OK; i++) {
		struct pm_block *b = &an->frail.v[i];
		bool fit = false;

		if (may_live(an, k, b))
			rc = look(an, b, &buf, &fit);
		if (rc || !fit)
			continue;
		rc = pm_map_put(an->ctx, &k->ids, b->bid, 1);
		if (rc == PM_OK)
			rc = pm_rangeset_add(an->ctx, &k->places, b->ib,
					     b->ib + pm_block_stored(an->db.fmt, b->cb));
		an->frail.v[(*ret)++] = *b;
	}
	pm_buf_done(&buf);
	return rc;
}

enum pm_rc pm_take_frail(struct pm_analysis *an)
{
	struct known k = {0};
	size_t n = 0;
	enum pm_rc rc;

	if (!an->frail.n)
		return PM_OK;
	rc = lost_entries(an, &k.lost);
	if (rc == PM_OK)
		rc = known_places(an, &k.places);
	if (rc == PM_OK)
		rc = choose(an, &k, &n);
	pm_rangeset_done(&k.lost);
	pm_rangeset_done(&k.places);
	pm_map_done(&k.ids);
	for (size_t i = 0; i < n && rc == PM_OK; i++) {
		struct pm_block *slot = pm_vec_push(an->ctx, &an->db.blocks);

		if (slot)
			*slot = an->frail.v[i];
		rc = an->ctx->rc;
	}
	an->frail.n = 0;
	if (rc == PM_OK && n)
		rc = pm_sort_member(an->ctx, &an->db.blocks, bid);
	return rc || !n ? rc : pm_analysis_count_refs(an);
}
