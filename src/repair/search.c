/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to searches [MS-PST 2.4.8]: the queue, the list of active ones, the parts of each
 * search folder. All of it but the criteria is derived, and made again by the mail program.
 *
 * Mends: always, what every store must have; with `strict` entries and rows that name nothing,
 * and parts that are missing.
 * Needs: sound blocks and objects, messages that are lost taken out.
 */
#include "repair/repair.h"

#include "ltp/props.h"
#include "ltp/templates.h"
#include "msg/folder.h"
#include "msg/search.h"

#define LIST_MAX ((uint64_t)16 << 20)

/* The node with other data, or made. Whoever had a parent keeps it. */
static enum pm_rc put_node(struct pm_repair *r, pm_nid nid, pm_bid data, pm_bid sub)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, nid);
	enum pm_rc rc = pm_repair_did(r, n ? PM_DID_NODE_REBUILT : PM_DID_NODE_MADE, nid, 0, 0);

	return rc ? rc : pm_repair_set_node(r, nid, n ? n->parent : 0, data, sub);
}

/* The bytes of a node that is no heap; what can't be read counts as none. */
static enum pm_rc read_list(struct pm_repair *r, const struct pm_node *n, struct pm_buf *out)
{
	struct pm_data d;
	enum pm_rc rc = pm_data_open(&r->an->db, n->data, &d);

	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = pm_data_read_all(&d, LIST_MAX, out);
	pm_data_close(&d);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* Changes that searches have yet to look at: with one that is none the rest is not worth it. */
static enum pm_rc fix_queue(struct pm_repair *r)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, PM_NID_SEARCH_QUEUE);
	struct pm_buf b = {0};
	enum pm_rc rc;

	if (!n)
		return put_node(r, PM_NID_SEARCH_QUEUE, 0, 0);
	if (!r->strict || !n->data)
		return PM_OK;
	rc = read_list(r, n, &b);
	if (rc == PM_OK && pm_search_queue_bad(pm_buf_span(&b)))
		rc = put_node(r, PM_NID_SEARCH_QUEUE, 0, 0);
	pm_buf_done(&b);
	return rc;
}

static bool is_search_folder(const struct pm_repair *r, pm_nid nid)
{
	return pm_ndb_find_node(&r->an->db, pm_folder_companion(nid, PM_NT_SEARCH)) != NULL;
}

static enum pm_rc put_list(struct pm_repair *r, const uint8_t *p, size_t n)
{
	pm_bid bid = 0;
	enum pm_rc rc = pm_data_build(r->ctx, &r->sink, p, n, &bid);

	return rc ? rc : put_node(r, PM_NID_SEARCH_ACTIVITY, bid, 0);
}

/* The searches that are kept up to date. */
static enum pm_rc fix_activity(struct pm_repair *r)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, PM_NID_SEARCH_ACTIVITY);
	struct pm_buf b = {0};
	uint8_t spam[4];
	size_t kept = 0;
	enum pm_rc rc;

	if (!n) {
		pm_put32(spam, PM_NID_SPAM_SEARCH);
		return put_list(r, spam, is_search_folder(r, PM_NID_SPAM_SEARCH) ? 4 : 0);
	}
	if (!r->strict || !n->data)
		return PM_OK;
	rc = read_list(r, n, &b);
	for (size_t i = 0; rc == PM_OK && i + 4 <= b.n; i += 4) {
		if (!is_search_folder(r, pm_le32(b.p + i)))
			continue;
		memmove(b.p + kept, b.p + i, 4);
		kept += 4;
	}
	if (rc == PM_OK && kept != b.n)
		rc = put_list(r, b.p, kept);
	pm_buf_done(&b);
	return rc;
}

/* The results: rows of messages that don't exist go. */
static enum pm_rc fix_results(struct pm_repair *r, const struct pm_node *n)
{
	struct pm_table t = {0};
	struct pm_tc tc;
	pm_bid data, sub;
	bool any = false;
	enum pm_rc rc = pm_tc_open(&r->an->db, n->data, n->sub, &tc);

	for (size_t i = 0; rc == PM_OK && i < tc.rows.n && !any; i++)
		any = !pm_ndb_find_node(&r->an->db, tc.rows.v[i].id);
	/* Undocumented heaps stand here in some files. [OBS] */
	if (rc || !any) {
		pm_tc_close(&tc);
		return pm_is_error(rc) ? rc : PM_OK;
	}
	rc = pm_table_load(&t, &tc);
	for (size_t i = 0; i < t.rows.n && !pm_is_error(rc); i++)
		if (!pm_ndb_find_node(&r->an->db, t.rows.v[i].id))
			pm_table_drop_row(&t, i);
	if (!pm_is_error(rc))
		rc = pm_table_build(&t, &r->sink, &data, &sub);
	if (rc == PM_OK)
		rc = put_node(r, n->nid, data, sub);
	pm_table_done(&t);
	pm_tc_close(&tc);
	return rc;
}

/* Criteria that find nothing: an object without properties. */
enum pm_rc pm_repair_no_criteria(struct pm_repair *r, pm_nid nid, pm_bid *ret_data, pm_bid *ret_sub)
{
	struct pm_props none;
	enum pm_rc rc = pm_template_build(r->ctx, &r->sink, nid, ret_data);

	*ret_sub = 0;
	if (rc != PM_NONE)
		return rc;
	pm_props_init(&none, r->ctx, r->fmt);
	rc = pm_props_build(&none, &r->sink, ret_data, ret_sub);
	pm_props_done(&none);
	return rc;
}

enum pm_rc pm_repair_search_folder(struct pm_repair *r, pm_nid folder)
{
	const pm_nid results = pm_folder_companion(folder, PM_NT_SEARCH_CONTENTS);
	const pm_nid queue = pm_folder_companion(folder, PM_NT_SUQ);
	const pm_nid criteria = pm_folder_companion(folder, PM_NT_CRITERIA);
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, results);
	pm_bid data = 0, sub = 0;
	enum pm_rc rc = PM_OK;

	if (!r->strict)
		return PM_OK;
	if (n)
		rc = fix_results(r, n);
	if (rc || folder == PM_NID_BARE_SEARCH)
		return rc;
	if (!n) {
		rc = pm_template_build(r->ctx, &r->sink, PM_NID_SEARCH_TEMPLATE, &data);
		if (rc == PM_OK)
			rc = put_node(r, results, data, 0);
	}
	if (rc == PM_OK && !pm_ndb_find_node(&r->an->db, queue))
		rc = put_node(r, queue, 0, 0);
	if (rc == PM_OK && !pm_ndb_find_node(&r->an->db, criteria)) {
		rc = pm_repair_no_criteria(r, criteria, &data, &sub);
		if (rc == PM_OK)
			rc = put_node(r, criteria, data, sub);
	}
	return rc;
}

enum pm_rc pm_repair_search(struct pm_repair *r)
{
	enum pm_rc rc = fix_queue(r);

	return rc ? rc : fix_activity(r);
}
