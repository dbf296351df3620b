/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which items were deleted, and what is left of each.
 *
 * First what older pages of the node tree name, then what is known by its properties alone, then
 * what rows of older contents tables say of items that are gone. Stale pages name older contents
 * of nearly every item that lives, so that each content is compared with all that lives before it
 * counts, and then with what was found already.
 *
 * Gathers: an->deleted.
 * Needs: a finished analysis with a sweep, no model yet.
 */
#include "recover/undelete.h"

#include "base/sort.h"
#include "ltp/pc.h"
#include "msg/message.h"
#include "msg/store.h"

static const char lacks_subnodes[] =
	"its recipients and attachments, as far as it had any, were not found";
static const char lacks_taken[] =
	"its recipients, attachments and large values: other blocks have their place or their ids now";

/* ---- one content ---- */

struct content {
	struct pm_orphan x; /* kind, and what else its properties say */
	struct pm_ident ident;
	bool item;  /* it is a message, not an associated one */
	bool sound; /* its properties can all be read */
};

static enum pm_rc look(struct pm_undelete *u, pm_bid data, pm_bid sub, struct content *ret)
{
	struct pm_orphans o = {.an = &u->dead};
	struct pm_pc pc;
	enum pm_rc rc;

	*ret = (struct content){.x = {.data = data, .sub = sub}};
	rc = pm_orphan_look(&o, &ret->x, PM_BK_PC);
	ret->item = ret->x.kind == PM_OR_MESSAGE;
	if (rc || !ret->item)
		return rc;
	rc = pm_pc_open(&u->dead.db, data, sub, &pc);
	ret->sound = rc == PM_OK;
	if (!pm_is_error(rc))
		rc = pm_ident_of_pc(&pc, &ret->ident);
	pm_pc_close(&pc);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Is all of it there? */
static enum pm_rc is_whole(struct pm_undelete *u, pm_bid data, pm_bid sub, bool *ret)
{
	struct pm_flaws flaws = {0};
	struct pm_message m;
	enum pm_rc rc = pm_message_open(&u->dead.db, 0, data, sub, 0, &m);

	if (!pm_is_error(rc))
		rc = pm_message_assess(&m, 1, &flaws);
	*ret = !pm_is_error(rc) && flaws.worst == PM_OK;
	pm_flaws_done(&flaws);
	pm_message_close(&m);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc claim(struct pm_undelete *u, pm_bid data, pm_bid sub)
{
	return pm_refs_node(&u->dead, &(struct pm_node){.data = data, .sub = sub}, true);
}

/* ---- the items ---- */

enum pm_rc pm_undelete_add(struct pm_undelete *u, const struct pm_found_item *x)
{
	struct pm_ctx *ctx = u->an->ctx;
	uint64_t i = pm_known_find(&u->mine, &x->ident);
	struct pm_found_item *slot;

	if (i == UINT64_MAX && x->it.was && pm_map_has(&u->by_nid, x->it.was))
		i = pm_map_find(&u->by_nid, x->it.was)->value;
	if (i != UINT64_MAX) {
		slot = &u->items.v[i];
		u->ret->older++;
		if (!slot->whole && x->whole) {
			const struct pm_deleted_item old = slot->it;

			*slot = *x;
			if (!slot->it.folder)
				slot->it.folder = old.folder;
			if (!slot->it.was)
				slot->it.was = old.was;
		}
	} else {
		i = u->items.n;
		slot = pm_vec_push(ctx, &u->items);
		if (!slot)
			return ctx->rc;
		*slot = *x;
	}
	if (x->it.was && pm_map_put(ctx, &u->by_nid, x->it.was, i))
		return ctx->rc;
	return pm_known_add(ctx, &u->mine, &x->ident, i);
}

/* ---- by older pages ---- */

/* Both say something, and not the same. */
static bool differ(uint64_t a, uint64_t b)
{
	return a && b && a != b;
}

/* A node that lives has this id: is it another object? Outlook doesn't give out ids twice, so
 * everything has to speak for it: an item that lives may be damaged. */
static enum pm_rc another_object(struct pm_undelete *u, pm_nid nid, const struct content *old,
				 bool *ret)
{
	const struct pm_node *n = pm_ndb_find_node(&u->dead.db, nid);
	struct content now;
	enum pm_rc rc;

	*ret = true;
	if (!n)
		return PM_OK;
	rc = look(u, n->data, n->sub, &now);
	*ret = now.item && differ(now.ident.search, old->ident.search) &&
	       differ(now.ident.subject, old->ident.subject) &&
	       differ(now.ident.born, old->ident.born) && differ(now.ident.row, old->ident.row);
	return rc;
}

/* An older page names it, its properties are gone, what it had in subnodes is not. */
static enum pm_rc without_properties(struct pm_undelete *u, const struct pm_old_node *n,
				     struct pm_found_item *best)
{
	bool taken[2], there = false;
	struct pm_subs s;
	enum pm_rc rc;

	if (best->it.data || best->it.sub || !n->sub || pm_dead_lives(u, n->sub) ||
	    pm_ndb_find_node(&u->dead.db, n->nid))
		return PM_OK;
	rc = pm_dead_taken(u, 0, n->sub, &taken[0], &taken[1]);
	if (rc || taken[1])
		return rc;
	rc = pm_subs_open(&u->dead.db, n->sub, &s);
	for (size_t i = 0; i < s.v.n; i++)
		there |= pm_nid_type((pm_nid)s.v.v[i].nid) == PM_NT_ATTACHMENT &&
			 pm_ndb_find_block(&u->dead.db, s.v.v[i].data) &&
			 !pm_dead_lives(u, s.v.v[i].data);
	pm_subs_close(&s);
	if (there && !pm_is_error(rc)) {
		best->it = (struct pm_deleted_item){.was = n->nid,
						    .folder = n->parent,
						    .sub = n->sub,
						    .from = PM_DEL_LEAF,
						    .lacks = "its properties are lost"};
		rc = claim(u, 0, n->sub);
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

struct group {
	struct pm_found_item best; /* of the contents of one node */
	bool lives;                /* they are those of an item that lives */
	size_t n;                  /* contents that are dead */
};

static enum pm_rc consider(struct pm_undelete *u, const struct pm_old_node *n, struct group *g)
{
	struct pm_found_item x = {.it = {.was = n->nid,
					 .folder = n->parent,
					 .data = n->data,
					 .sub = n->sub,
					 .from = PM_DEL_LEAF}};
	bool taken[2], other;
	struct content c;
	enum pm_rc rc;

	if (!pm_ndb_find_block(&u->dead.db, n->data))
		return without_properties(u, n, &g->best);
	rc = pm_dead_taken(u, n->data, n->sub, &taken[0], &taken[1]);
	if (rc || taken[0] || pm_dead_lives(u, n->data)) {
		u->ret->taken += taken[0];
		return rc;
	}
	rc = look(u, n->data, n->sub, &c);
	if (rc || !c.item)
		return rc;
	rc = another_object(u, n->nid, &c, &other);
	/* The subnodes of one that lives: only its properties were saved again. */
	g->lives |= !other || (n->sub && !taken[1] && pm_dead_lives(u, n->sub)) ||
		    pm_known_find(&u->living, &c.ident) != UINT64_MAX;
	g->n++;
	if (taken[1]) {
		x.it.sub = 0;
		x.it.lacks = lacks_taken;
	}
	x.ident = c.ident;
	if (rc == PM_OK)
		rc = claim(u, n->data, x.it.sub);
	if (rc == PM_OK && !g->lives)
		rc = is_whole(u, n->data, x.it.sub, &x.whole);
	x.whole &= !x.it.lacks;
	if (rc == PM_OK && (!g->best.it.data || (x.whole && !g->best.whole)))
		g->best = x;
	return rc;
}

/* All contents that older pages name for one node. */
static enum pm_rc take_group(struct pm_undelete *u, const struct pm_old_node *v, size_t n)
{
	struct group g = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < n && rc == PM_OK; i++)
		rc = consider(u, v + i, &g);
	if (rc || g.lives) {
		u->ret->living += g.n;
		return rc;
	}
	if (!g.best.it.data && !g.best.it.sub)
		return PM_OK;
	u->ret->older += g.n ? g.n - 1 : 0;
	return pm_undelete_add(u, &g.best);
}

static enum pm_rc by_pages(struct pm_undelete *u)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0, n; i < u->nodes.n && rc == PM_OK; i += n) {
		const struct pm_old_node *v = &u->nodes.v[i];

		for (n = 1; i + n < u->nodes.n && v[n].nid == v->nid; n++)
			;
		if (pm_nid_type(v->nid) == PM_NT_MESSAGE)
			rc = take_group(u, v, n);
	}
	/* Tables and folders are no items; what they have is nobody else's. */
	for (size_t i = 0; i < u->nodes.n && rc == PM_OK; i++)
		if (pm_nid_type(u->nodes.v[i].nid) != PM_NT_MESSAGE)
			rc = claim(u, u->nodes.v[i].data, u->nodes.v[i].sub);
	return rc;
}

/* ---- by content alone ---- */

static enum pm_rc take_orphan(struct pm_undelete *u, const struct pm_orphan *x)
{
	struct pm_found_item f = {.it = {.data = x->data, .sub = x->sub, .from = PM_DEL_CONTENT}};
	bool taken[2], together = true;
	struct content c;
	enum pm_rc rc = pm_dead_taken(u, x->data, x->sub, &taken[0], &taken[1]);

	if (rc || taken[0]) {
		u->ret->taken += taken[0];
		return rc;
	}
	if (x->sub)
		rc = pm_dead_one_save(u, x->data, x->sub, &together);
	if (taken[1] || !together)
		f.it.sub = 0;
	if (rc == PM_OK)
		rc = look(u, x->data, f.it.sub, &c);
	/* What is broken and has nothing to know it by may be a piece of anything. */
	if (rc || !c.item || (!c.sound && !c.ident.search && !c.ident.mail))
		return rc;
	if (pm_known_find(&u->living, &c.ident) != UINT64_MAX ||
	    pm_known_find(&u->inner, &c.ident) != UINT64_MAX) {
		u->ret->living++;
		return PM_OK;
	}
	if (!f.it.sub && (c.x.to || c.x.attach || c.x.need))
		f.it.lacks = taken[1] ? lacks_taken : lacks_subnodes;
	f.ident = c.ident;
	rc = is_whole(u, x->data, f.it.sub, &f.whole);
	f.whole &= !f.it.lacks;
	return rc ? rc : pm_undelete_add(u, &f);
}

static enum pm_rc by_content(struct pm_undelete *u, const struct pm_orphans *o)
{
	enum pm_rc rc = PM_OK;

	/* The newest first. */
	for (size_t i = o->v.n; i-- && rc == PM_OK;)
		if (o->v.v[i].kind == PM_OR_MESSAGE)
			rc = take_orphan(u, &o->v.v[i]);
	return rc;
}

/* ---- what is found ---- */

/* The folders that items were in and that are gone, too: by the newest content that is left. */
static enum pm_rc name_folder(struct pm_undelete *u, const struct pm_old_node *n)
{
	struct pm_deleted *d = u->ret;
	struct pm_deleted_folder *slot;
	char *name = NULL;
	uint32_t cp = 0;
	struct pm_pc pc;
	enum pm_rc rc = PM_OK;

	if (pm_nid_type(n->nid) != PM_NT_FOLDER || pm_ndb_find_node(&u->an->db, n->nid) ||
	    (d->folders.n && d->folders.v[d->folders.n - 1].nid == n->nid) ||
	    pm_dead_lives(u, n->data))
		return PM_OK;
	rc = pm_pc_open(&u->dead.db, n->data, n->sub, &pc);
	if (!pm_is_error(rc) && pm_pc_find(&pc, PM_ID_CONTENT_COUNT))
		rc = pm_store_codepage(&u->an->db, &cp);
	if (cp)
		rc = pm_pc_text(&pc, PM_ID_DISPLAY_NAME, cp, &d->arena, &name);
	pm_pc_close(&pc);
	if (pm_is_error(rc) || !name)
		return pm_is_error(rc) ? rc : PM_OK;
	slot = pm_vec_push(u->an->ctx, &d->folders);
	if (slot)
		*slot = (struct pm_deleted_folder){n->nid, name};
	return u->an->ctx->rc;
}

/* The blocks that the items need live again. */
static enum pm_rc take_blocks(struct pm_undelete *u)
{
	struct pm_analysis *an = u->an, *dead = &u->dead;
	const size_t n = dead->db.blocks.n;
	enum pm_rc rc = PM_OK;

	memset(dead->refs, 0, n * sizeof(*dead->refs));
	for (size_t i = 0; i < u->items.n && rc == PM_OK; i++)
		rc = claim(u, u->items.v[i].it.data, u->items.v[i].it.sub);
	for (size_t i = 0; i < n && rc == PM_OK; i++) {
		struct pm_block *slot;

		if (!dead->refs[i] || pm_ndb_find_block(&an->db, dead->db.blocks.v[i].bid))
			continue;
		/* Behind the rest, which stays in order until all are there. */
		slot = pm_vec_push(an->ctx, &dead->db.blocks);
		if (slot)
			*slot = dead->db.blocks.v[i];
		rc = an->ctx->rc;
	}
	for (size_t i = n; i < dead->db.blocks.n && rc == PM_OK; i++) {
		struct pm_block *slot = pm_vec_push(an->ctx, &an->db.blocks);

		if (slot)
			*slot = dead->db.blocks.v[i];
		rc = an->ctx->rc;
	}
	if (rc == PM_OK)
		rc = pm_sort_member(an->ctx, &an->db.blocks, bid);
	return rc ? rc : pm_analysis_count_refs(an);
}

static enum pm_rc keep(struct pm_undelete *u)
{
	enum pm_rc rc = u->items.n ? take_blocks(u) : PM_OK;

	for (size_t i = 0; i < u->nodes.n && u->items.n && rc == PM_OK; i++)
		rc = name_folder(u, &u->nodes.v[i]);
	for (size_t i = 0; i < u->items.n && rc == PM_OK; i++) {
		struct pm_deleted_item *slot = pm_vec_push(u->an->ctx, &u->ret->items);

		if (slot)
			*slot = u->items.v[i].it;
		rc = u->an->ctx->rc;
	}
	return rc;
}

static void undelete_done(struct pm_undelete *u)
{
	pm_vec_done(&u->dead.db.blocks);
	pm_vec_done(&u->dead.db.nodes);
	pm_map_done(&u->dead.missing);
	pm_map_done(&u->dead.absent);
	pm_map_done(&u->dead.orphans);
	pm_free(u->dead.refs);
	pm_free(u->lives);
	pm_map_done(&u->other);
	pm_vec_done(&u->nodes);
	pm_known_done(&u->living);
	pm_known_done(&u->inner);
	pm_known_done(&u->mine);
	pm_vec_done(&u->items);
	pm_map_done(&u->by_nid);
}

enum pm_rc pm_deleted_find(struct pm_analysis *an)
{
	struct pm_undelete u = {.an = an};
	struct pm_orphans o = {.an = &u.dead};
	enum pm_rc rc;

	an->deleted = u.ret = pm_calloc(an->ctx, 1, sizeof(*u.ret));
	if (!u.ret)
		return an->ctx->rc;
	rc = pm_dead_gather(&u);
	if (rc == PM_OK)
		rc = pm_known_living(an, &u.living, &u.inner);
	if (rc == PM_OK)
		rc = by_pages(&u);
	if (rc == PM_OK)
		rc = pm_orphans_gather(&o);
	if (rc == PM_OK)
		rc = by_content(&u, &o);
	if (rc == PM_OK)
		rc = pm_undelete_rows(&u, &o);
	if (rc == PM_OK)
		rc = keep(&u);
	pm_orphans_close(&o);
	undelete_done(&u);
	return rc;
}
