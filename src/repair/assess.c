/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of the messages is damaged or lost, before anything is changed: the casualties of the report.
 */
#include "repair/repair.h"

#include "msg/message.h"

#define FLAWS_MAX 16

static bool is_whole(struct pm_repair *r, size_t i)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, r->model->messages.v[i].nid);

	return !pm_node_doubt(n) && pm_message_whole(&r->an->db, n->nid, n->data, n->sub);
}

/* Did the check see it? What was found of the order of blocks since then may say otherwise. */
static bool is_known(const struct pm_repair *r, size_t i)
{
	const struct pm_node *n = pm_ndb_find_node(&r->an->db, r->model->messages.v[i].nid);

	return n->flags & PM_NF_WHOLE && !pm_node_doubt(n) && !r->an->orders.n;
}

static enum pm_rc report(struct pm_repair *r, const struct pm_node *n, const struct pm_message *m,
			 const struct pm_flaws *flaws)
{
	const bool lost = flaws->worst == PM_LOST;
	enum pm_rc rc = PM_OK;

	if (pm_node_doubt(n))
		rc = pm_repair_casualty(r, n->nid, false, m->subject, "%s", pm_node_doubt(n));
	for (size_t k = 0; k < flaws->v.n && rc == PM_OK; k++)
		rc = pm_repair_casualty(r, n->nid, lost, m->subject, "%s", flaws->v.v[k].text);
	if (rc == PM_OK && flaws->worst != PM_OK && !flaws->v.n)
		rc = pm_repair_casualty(r, n->nid, lost, m->subject,
					lost ? "its properties are lost"
					     : "a part of it is damaged");
	return rc;
}

static enum pm_rc assess(struct pm_repair *r, struct pm_node *n)
{
	struct pm_flaws flaws = {0};
	struct pm_message m;
	enum pm_rc rc = pm_message_open(&r->an->db, n->nid, n->data, n->sub, 0, &m);

	if (!pm_is_error(rc) && pm_message_foreign(&m)) {
		rc = pm_repair_casualty(r, n->nid, true, NULL,
					"its entry names data that are no message's");
		n->data = n->sub = 0;
	} else if (!pm_is_error(rc)) {
		rc = pm_message_assess(&m, FLAWS_MAX, &flaws);
		if (!pm_is_error(rc))
			rc = report(r, n, &m, &flaws);
	}
	pm_flaws_done(&flaws);
	pm_message_close(&m);
	return rc;
}

enum pm_rc pm_repair_assess(struct pm_repair *r)
{
	const size_t n = r->model->messages.n;
	/* The check looks for what is wrong with structures; what is missing, or is another's, shows only
	 * when a message is assessed. So "sound" is no answer here. */
	const struct pm_repair_probe what = {"assess", n, 64, is_known, is_whole};
	struct pm_bitmap whole;
	enum pm_rc rc = pm_repair_probe(r, &what, &whole);

	for (size_t i = 0; i < n && rc == PM_OK; i++) {
		if (!pm_bitmap_test(&whole, i))
			rc = assess(r, pm_ndb_find_node(&r->an->db, r->model->messages.v[i].nid));
		if (rc == PM_OK && i % 256 == 0)
			rc = pm_tick(r->ctx, "assess", i, n);
	}
	pm_bitmap_done(&whole);
	return rc;
}
