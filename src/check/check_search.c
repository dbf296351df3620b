/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search [MS-PST 2.4.8]: search folders and the lists of the search engine.
 *
 * Checks: the parts of a search folder, its results; the management queue, the activity list,
 * the domain object.
 * Needs: nodes.
 */
#include "check/content.h"

#include "msg/search.h"

#define LIST_MAX ((uint64_t)16 << 20)

#define REPORT(c, symbol, ...)                                                                     \
	pm_check_subject((c), &(struct pm_problem){.id = PM_P_##symbol, ##__VA_ARGS__})

static bool exists(const struct pm_checker *c, pm_nid nid)
{
	return pm_ndb_find_node(&c->an->db, nid) != NULL;
}

static void report_part(struct pm_checker *c, pm_nid part, const char *what)
{
	uint64_t cause = pm_sink_cause(c->sink, PM_CAUSE_NODE, part);

	REPORT(c, SEARCH_OBJECT, .what = what,
	       .caused_by = cause ? cause : pm_check_lost_cause(c, 1, part));
}

/* The results: a table whose rows name messages of other folders. */
static void check_results(struct pm_checker *c, const struct pm_node *n)
{
	const struct pm_block *b = pm_ndb_find_block(&c->an->db, n->data);
	struct pm_subject saved = c->subject;
	struct pm_tc tc;
	enum pm_rc rc;

	/* Undocumented heaps stand here in some files. [OBS] */
	if (b && (b->flags & PM_BF_KIND) != PM_BK_TC && !(b->flags & (PM_BF_CRC | PM_BF_LOST)) &&
	    !pm_bid_internal(b->bid))
		return;
	pm_subject_begin(c, n->nid, saved.folder, n->data, n->sub);
	rc = pm_tc_open(&c->an->db, n->data, n->sub, &tc);
	if (!pm_check_stop(c, rc))
		pm_check_tc(c, &tc, rc);
	saved.cause = c->subject.cause ? c->subject.cause : c->subject.first;
	c->subject = saved;
	if (rc == PM_LOST || rc == PM_NONE)
		report_part(c, n->nid, "contents table");
	for (size_t i = 0; i < tc.rows.n && !c->rc && !pm_is_error(rc); i++)
		if (!exists(c, tc.rows.v[i].id))
			REPORT(c, SEARCH_GHOST_ROW, .item = tc.rows.v[i].id);
	pm_tc_close(&tc);
}

void pm_check_search(struct pm_checker *c, pm_nid folder)
{
	static const struct {
		unsigned type;
		const char *what;
	} parts[] = {
		{PM_NT_SEARCH_CONTENTS, "contents table"},
		{PM_NT_SUQ, "update queue"},
		{PM_NT_CRITERIA, "criteria"},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !c->rc; i++) {
		pm_nid nid = pm_folder_companion(folder, parts[i].type);

		if (!exists(c, nid) && folder != PM_NID_BARE_SEARCH)
			report_part(c, nid, parts[i].what);
	}
}

/* The bytes of a node that is no heap, in c->buf. */
static bool read_node(struct pm_checker *c, const struct pm_node *n)
{
	struct pm_data d;
	enum pm_rc rc = pm_data_open(&c->an->db, n->data, &d);

	pm_buf_clear(&c->buf);
	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_data_read_all(&d, LIST_MAX, &c->buf);
	pm_data_close(&d);
	return !pm_check_stop(c, rc) && (rc == PM_OK || rc == PM_DAMAGED);
}

static void check_queue(struct pm_checker *c)
{
	uint64_t bad = pm_search_queue_bad(pm_buf_span(&c->buf));

	if (bad)
		REPORT(c, SEARCH_QUEUE, .count = bad);
}

/* Folders by their index, their low bits being flags. */
static void check_list(struct pm_checker *c, bool activity)
{
	for (size_t i = 0; i + 4 <= c->buf.n && !c->rc; i += 4) {
		pm_nid nid = pm_le32(c->buf.p + i);
		bool search = exists(c, pm_folder_companion(nid, PM_NT_SEARCH));

		if (activity && !search)
			REPORT(c, SEARCH_ACTIVITY, .item = nid);
		else if (!activity && !search && !exists(c, pm_folder_companion(nid, PM_NT_FOLDER)))
			REPORT(c, SEARCH_DOMAIN, .item = nid);
	}
}

void pm_check_search_node(struct pm_checker *c, const struct pm_node *n)
{
	if (pm_nid_type(n->nid) == PM_NT_SEARCH_CONTENTS) {
		uint32_t i = pm_model_folder(&c->model, pm_folder_companion(n->nid, PM_NT_SEARCH));

		c->subject.nid = pm_folder_companion(n->nid, PM_NT_SEARCH);
		c->subject.folder = i;
		check_results(c, n);
		return;
	}
	if ((n->nid != PM_NID_SEARCH_QUEUE && n->nid != PM_NID_SEARCH_ACTIVITY &&
	     n->nid != PM_NID_SEARCH_DOMAIN) ||
	    !n->data || !read_node(c, n))
		return;
	if (n->nid == PM_NID_SEARCH_QUEUE)
		check_queue(c);
	else
		check_list(c, n->nid == PM_NID_SEARCH_ACTIVITY);
}
