/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node table [MS-PST 2.2.2.1, 2.4.1].
 *
 * Checks: entries; types; parents, and that those of folders lead to the root; nodes that
 * must be there; companions of folders.
 * Gathers: what to blame on nodes that were lost or restored.
 * Needs: the analysis' nodes and notes.
 */
#include "check/internal.h"

#include "msg/folder.h"
#include "msg/named.h"

/* Nodes of newer files, by their index, that look like companions of folder 0x600. */
#define TEMPLATE_INDEX 0x30u

static void check_notes(struct pm_checker *c)
{
	for (size_t i = 0; i < c->an->notes.n && !c->rc; i++) {
		const struct pm_note *n = &c->an->notes.v[i];
		struct pm_problem p = {.nid = (pm_nid)n->key, .offset = n->ib};

		switch (n->kind) {
		case PM_NOTE_NODE_DOUBLE:
			p.id = PM_P_NODE_DOUBLE;
			break;
		case PM_NOTE_NODE_RANGE:
			p.id = PM_P_NODE_KEY;
			p.item = n->key;
			p.caused_by = pm_sink_cause(c->sink, PM_CAUSE_PAGE, n->ib);
			break;
		case PM_NOTE_NODE_REPLACED:
			p.id = PM_P_NODE_REPLACED;
			break;
		case PM_NOTE_NODE_FOUND:
			p.id = PM_P_NODE_RESTORED;
			p.caused_by = pm_check_lost_cause(c, 1, n->key);
			break;
		case PM_NOTE_NODE_CONTENT:
			p.id = n->key ? PM_P_NODE_BY_CONTENT : PM_P_NODE_NAMELESS;
			p.bid = n->have;
			p.caused_by = n->key ? pm_check_lost_cause(c, 1, n->key) : 0;
			break;
		case PM_NOTE_NODE_UNFIT:
			p.id = PM_P_NODE_UNFIT;
			p.bid = n->have;
			p.caused_by = pm_sink_cause(c->sink, PM_CAUSE_NODE, n->key);
			if (!p.caused_by)
				p.caused_by = pm_check_block_cause(c, n->have);
			if (!p.caused_by)
				p.caused_by = pm_check_block_cause(c, n->want);
			break;
		default:
			continue;
		}
		pm_check_blame(c, PM_CAUSE_NODE, n->key, &p);
	}
}

/* Why there is no such node. */
static uint64_t missing_cause(const struct pm_checker *c, pm_nid nid)
{
	uint64_t serial = pm_sink_cause(c->sink, PM_CAUSE_NODE, nid);

	return serial ? serial : pm_check_lost_cause(c, 1, nid);
}

static bool is_folder(pm_nid nid)
{
	return pm_nid_type(nid) == PM_NT_FOLDER || pm_nid_type(nid) == PM_NT_SEARCH;
}

static bool exists(const struct pm_checker *c, pm_nid nid)
{
	return pm_ndb_find_node(&c->an->db, nid) != NULL;
}

/* Types that a node of its own can have [MS-PST 2.2.2.1]; those of subnodes are met, too. [OBS] */
static bool type_known(unsigned type)
{
	return type != 0 && type != 9 && (type <= 0x19 || type == 0x1F);
}

/* Must carry data to be what its type says. */
static bool needs_data(pm_nid nid)
{
	switch (pm_nid_type(nid)) {
	case PM_NT_FOLDER:
	case PM_NT_SEARCH:
	case PM_NT_MESSAGE:
	case PM_NT_CRITERIA:
	case PM_NT_ASSOC:
	case PM_NT_HIERARCHY:
	case PM_NT_CONTENTS:
	case PM_NT_ASSOC_CONTENTS:
	case PM_NT_SEARCH_CONTENTS:
		return true;
	}
	return nid == PM_NID_STORE || nid == PM_NID_NAMEMAP;
}

static void check_parent(struct pm_checker *c, const struct pm_node *n)
{
	unsigned type = pm_nid_type(n->nid);
	bool placed = is_folder(n->nid) || type == PM_NT_MESSAGE || type == PM_NT_ASSOC;
	bool there = exists(c, n->parent);
	uint64_t cause = there ? 0 : missing_cause(c, n->parent);

	if (n->nid == PM_NID_ROOT) {
		if (n->parent != PM_NID_ROOT)
			PM_REPORT(c, FOLDER_ROOT_PARENT, .nid = n->nid, .have = n->parent);
		return;
	}
	if (placed && (!there || !is_folder(n->parent)))
		PM_REPORT(c, NODE_PARENT_KIND, .nid = n->nid, .have = n->parent,
			  .caused_by = cause);
	else if (n->parent && !there)
		PM_REPORT(c, NODE_PARENT, .nid = n->nid, .have = n->parent, .caused_by = cause);
}

static void check_companion(struct pm_checker *c, const struct pm_node *n)
{
	const unsigned type = pm_nid_type(n->nid);
	const pm_nid search = pm_folder_companion(n->nid, PM_NT_SEARCH);
	const pm_nid folder = pm_folder_companion(n->nid, PM_NT_FOLDER);
	const char *what;
	bool orphan;

	switch (type) {
	case PM_NT_HIERARCHY:
	case PM_NT_CONTENTS:
	case PM_NT_ASSOC_CONTENTS:
		what = "folder's table";
		orphan = !exists(c, folder) && !exists(c, search);
		break;
	case PM_NT_SUQ:
	case PM_NT_CRITERIA:
	case PM_NT_SEARCH_CONTENTS:
		what = "part of a search folder";
		orphan = !exists(c, search);
		break;
	default:
		return;
	}
	if (orphan && n->nid >> 5 != TEMPLATE_INDEX)
		PM_REPORT(c, NODE_NO_FOLDER, .nid = n->nid, .what = what,
			  .caused_by = missing_cause(c, folder));
}

static void check_node(struct pm_checker *c, const struct pm_node *n)
{
	unsigned type = pm_nid_type(n->nid);

	if (!type_known(type))
		PM_REPORT(c, NODE_TYPE, .nid = n->nid, .have = type);
	check_parent(c, n);
	check_companion(c, n);
	if (!n->data && needs_data(n->nid))
		pm_check_blame(c, PM_CAUSE_NODE, n->nid,
			       &(struct pm_problem){.id = PM_P_NODE_NO_DATA, .nid = n->nid});
}

static void check_expected(struct pm_checker *c)
{
	static const struct {
		pm_nid nid;
		bool mandatory;
		const char *what;
	} nodes[] = {
		{PM_NID_STORE, true, "message store"},
		{PM_NID_NAMEMAP, true, "map of property names"},
		{PM_NID_ROOT, true, "root folder"},
		{0x1E1, false, "search management queue"},
		{0x201, false, "search activity list"},
		{0x60D, false, "template of hierarchy tables"},
		{0x60E, false, "template of contents tables"},
		{0x60F, false, "template of associated contents tables"},
		{0x610, false, "template of search contents tables"},
		{0x62B, false, "receive folder table"},
		{0x671, false, "template of attachment tables"},
		{0x692, false, "template of recipient tables"},
	};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]) && !c->rc; i++) {
		pm_nid nid = nodes[i].nid;
		struct pm_problem p = {.nid = nid, .what = nodes[i].what};

		if (exists(c, nid))
			continue;
		p.caused_by = missing_cause(c, nid);
		p.id = nodes[i].mandatory ? PM_P_NODE_MANDATORY : PM_P_NODE_EXPECTED;
		/* OSTs do without these. [OBS] */
		if (nodes[i].mandatory || c->an->header.client != PM_CLIENT_OST)
			pm_check_blame(c, PM_CAUSE_NODE, nid, &p);
	}
}

/* Folders whose parents do not lead to the root: each reported once, with where it ends. */
struct chains {
	struct pm_checker *c;
	uint8_t *state; /* by index of nodes: 0 not seen, 1 on this path, 2 good, 3 bad */
	PM_VEC(uint32_t) path;
};

static void follow(struct chains *ch, uint32_t i)
{
	const struct pm_ndb *db = &ch->c->an->db;
	uint8_t verdict = 3;
	pm_nid last = db->nodes.v[i].nid;

	ch->path.n = 0;
	for (;;) {
		const struct pm_node *n = &db->nodes.v[i], *up;
		uint32_t *slot;

		if (n->nid == PM_NID_ROOT || ch->state[i]) {
			verdict = n->nid == PM_NID_ROOT ? 2 : ch->state[i] == 1 ? 3 : ch->state[i];
			last = n->nid;
			break;
		}
		slot = pm_vec_push(ch->c->ctx, &ch->path);
		if (!slot) {
			ch->c->rc = ch->c->ctx->rc;
			return;
		}
		*slot = i;
		ch->state[i] = 1;
		up = pm_ndb_find_node(db, n->parent);
		last = n->parent;
		if (!up || !is_folder(up->nid))
			break;
		i = (uint32_t)(up - db->nodes.v);
	}
	for (size_t k = 0; k < ch->path.n; k++) {
		const struct pm_node *n = &db->nodes.v[ch->path.v[k]];

		ch->state[ch->path.v[k]] = verdict;
		if (verdict == 3)
			PM_REPORT(ch->c, FOLDER_UNREACHABLE, .nid = n->nid, .have = last,
				  .caused_by = missing_cause(ch->c, last));
	}
}

static void check_chains(struct pm_checker *c)
{
	struct chains ch = {.c = c};

	ch.state = pm_calloc(c->ctx, c->an->db.nodes.n, 1);
	if (!ch.state)
		c->rc = c->ctx->rc;
	for (size_t i = 0; i < c->an->db.nodes.n && !c->rc; i++)
		if (is_folder(c->an->db.nodes.v[i].nid))
			follow(&ch, (uint32_t)i);
	pm_vec_done(&ch.path);
	pm_free(ch.state);
}

void pm_check_nodes(struct pm_checker *c)
{
	check_notes(c);
	check_expected(c);
	for (size_t i = 0; i < c->an->db.nodes.n && !c->rc; i++)
		check_node(c, &c->an->db.nodes.v[i]);
	if (!c->rc)
		check_chains(c);
}
