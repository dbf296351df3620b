/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a message whole? While it is checked all of it is open, and most are so plain that nothing could be
 * missing: then it need not be opened and looked through once more (pm_message_whole).
 *
 * Checks: nothing that it tells.
 * Gathers: in the subject, that something is not plain. Whoever needs to know then assesses the message.
 * What msg/assess.c calls a flaw is either told by the check as an error or a warning, or not plain here.
 * Needs: an open PC or table of the message; to be asked to (pm_check_options.assess).
 */
#include "check/content.h"

#include "base/codepage.h"
#include "msg/message.h"

static bool crowded(const struct pm_checker *c, pm_bid bid)
{
	const struct pm_block *b = pm_ndb_find_block(&c->an->db, bid);

	return b && pm_block_known(b) & PM_BF_CROWDED;
}

void pm_plain_pc(struct pm_checker *c, const struct pm_pc *pc, enum pm_rc state)
{
	bool plain = state == PM_OK && !pc->lost && !pc->bth_rules && pc->heap.data.leaves.n &&
		     (pc->subs_state == PM_OK || pc->subs_state == PM_NONE) &&
		     !crowded(c, pc->heap.data.leaves.v[0].bid) &&
		     !(pc->subs.internal.n && crowded(c, pc->subs.internal.v[0]));

	if (!c->opt->assess || c->subject.odd)
		return;
	for (size_t k = 0; k < pc->heap.n_blocks && plain; k++)
		plain = pc->heap.blocks[k].state == PM_OK &&
			!(pc->heap.blocks[k].rules & PM_HN_ODD_FREE);
	c->subject.odd |= !plain;
}

/* A value in a subnode: its blocks are sound, in order, and not what begins another object. */
static bool plain_stream(struct pm_checker *c, const struct pm_value *v)
{
	const struct pm_block *b = v->data.leaves.n == 1
					   ? pm_ndb_find_block(&c->an->db, v->data.leaves.v[0].bid)
					   : NULL;
	const unsigned kind = b ? pm_block_known(b) & PM_BF_KIND : PM_BK_NONE;
	struct pm_bad_ranges bad = {0};
	enum pm_rc rc;

	if (v->data.flags || v->data.crowded || kind == PM_BK_PC || kind == PM_BK_TC)
		return false;
	rc = pm_data_bad_ranges(&v->data, &bad);
	pm_vec_done(&bad.v);
	pm_check_stop(c, rc);
	return rc == PM_OK;
}

void pm_plain_value(struct pm_checker *c, const struct pm_prop *p, const struct pm_value *v)
{
	if (c->opt->assess && !c->subject.odd)
		c->subject.odd = p->state != PM_OK || v->state != PM_OK ||
				 (v->stream && !plain_stream(c, v));
}

/* In ANSI files the texts of a message are in its code page. */
void pm_plain_number(struct pm_checker *c, const struct pm_prop *p)
{
	if (p->state != PM_OK ||
	    (p->id == PM_ID_MESSAGE_CODEPAGE && c->f->string_type == PM_PT_STRING8 &&
	     pm_le32(p->raw) && !pm_cp_known(pm_le32(p->raw))))
		c->subject.odd = true;
}

void pm_plain_recipients(struct pm_checker *c, const struct pm_sub *s, struct pm_tc *tc,
			 enum pm_rc state)
{
	if (!c->opt->assess || c->subject.odd)
		return;
	c->subject.odd = state != PM_OK || !tc->rows.n || crowded(c, s->data);
	for (size_t i = 0; i < tc->rows.n && !c->subject.odd; i++)
		c->subject.odd = !pm_recipient_plain(tc, i);
	c->rc = c->rc ? c->rc : c->ctx->rc;
}

void pm_plain_attachment(struct pm_checker *c, const struct pm_sub *s, const struct pm_pc *pc,
			 uint32_t method)
{
	const struct pm_prop *data = pm_pc_find(pc, PM_ID_ATTACH_DATA);

	/* An object that is no message, or none that it says it has, is looked at closely. */
	if (crowded(c, s->data) || !data ||
	    (data->type == PM_PT_OBJECT) != (method == PM_AM_EMBEDDED))
		c->subject.odd = true;
}
