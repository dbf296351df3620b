/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of another message, which an entry of the message's subnodes was redirected to, under right
 * checksums. Display-to has the names of the table's recipients [MS-OXOMSG 2.2.1.9], so a table none of
 * whose rows it names may be another's; so may a text be that is no text.
 *
 * Gathers: PM_BF_CROWDED, of such a table where one that nobody names, near to the message, has who is
 * named in display-to; of such a text where nobody names a block near to it that could be the right one.
 * Needs: references and kinds of all blocks. Only files that something is wrong with.
 */
#include "recover/internal.h"

#include "ltp/pc.h"
#include "ltp/tc.h"
#include "msg/message.h"

#define NEAR     0x100 /* ids of parts of one message */
#define LOOK_MAX 65536 /* bytes of a text */

enum named {
	NAMED_UNKNOWN, /* a damaged table tells nothing, nor does one without rows */
	NAMED_NOBODY,
	NAMED_SOMEBODY,
};

/* Is one of the recipients in a table named in display-to? */
static enum pm_rc names_one(struct pm_analysis *an, const struct pm_sub *e, const struct pm_buf *to,
			    enum named *ret)
{
	struct pm_buf name = {0};
	struct pm_tc tc;
	enum pm_rc rc = pm_tc_open(&an->db, e->data, e->sub, &tc);

	*ret = rc != PM_OK || !tc.rows.n ? NAMED_UNKNOWN : NAMED_NOBODY;
	for (size_t i = 0; i < tc.rows.n && *ret == NAMED_NOBODY && !pm_is_error(rc); i++) {
		pm_buf_clear(&name);
		rc = pm_tc_string(&tc, i, PM_ID_DISPLAY_NAME, 1252, &name);
		if (name.n && memmem(to->p, to->n, name.p, name.n))
			*ret = NAMED_SOMEBODY;
	}
	pm_tc_close(&tc);
	pm_buf_done(&name);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* The message's table, if display-to names nobody of it; to: what display-to says. */
static enum pm_rc stranger(struct pm_analysis *an, const struct pm_node *n, struct pm_buf *to,
			   pm_bid *ret)
{
	const struct pm_sub *e;
	enum named named = NAMED_UNKNOWN;
	struct pm_pc pc;
	enum pm_rc rc = pm_pc_open(&an->db, n->data, n->sub, &pc);

	*ret = 0;
	e = rc == PM_OK ? pm_subs_find(&pc.subs, PM_NID_RECIPIENT_TABLE) : NULL;
	if (e)
		rc = pm_pc_string(&pc, PM_ID_DISPLAY_TO, 1252, to);
	if (rc == PM_OK && to->n)
		rc = names_one(an, e, to, &named);
	if (named == NAMED_NOBODY)
		*ret = e->data;
	pm_pc_close(&pc);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_nobody_shared(struct pm_analysis *an, const struct pm_node *n, pm_bid *ret)
{
	struct pm_buf to = {0};
	enum pm_rc rc = stranger(an, n, &to, ret);

	pm_buf_done(&to);
	return rc;
}

struct foreign {
	struct pm_analysis *an;
	struct pm_map strange; /* tables that are another message's */
	size_t n;              /* blocks that were marked */
};

/* A block that somebody must own and nobody names, or nobody but who shouldn't: a table, or what is no
 * heap. */
static bool forsaken(const struct foreign *f, size_t i, uint16_t kind)
{
	const struct pm_block *b = &f->an->db.blocks.v[i];

	return (!f->an->refs[i] || pm_map_has(&f->strange, b->bid)) && b->cref > 1 &&
	       b->flags & PM_BF_CHECKED && (b->flags & PM_BF_KIND) == kind;
}

/* Is there a forsaken block of this kind near `bid`? With `to`, a table that has who is named there. */
static enum pm_rc is_near(struct foreign *f, pm_bid bid, uint16_t kind, const struct pm_buf *to,
			  bool *ret)
{
	struct pm_analysis *an = f->an;
	const size_t n = an->db.blocks.n;
	enum named named = NAMED_UNKNOWN;
	enum pm_rc rc = pm_spend(an->ctx, 1);

	*ret = false;
	for (size_t i = pm_ndb_lower_block(&an->db, bid > NEAR ? bid - NEAR : 0);
	     i < n && an->db.blocks.v[i].bid <= bid + NEAR && !*ret && rc == PM_OK; i++) {
		if (!forsaken(f, i, kind))
			continue;
		if (to)
			rc = names_one(an, &(struct pm_sub){.data = an->db.blocks.v[i].bid}, to,
				       &named);
		*ret = !to || named == NAMED_SOMEBODY;
	}
	return rc;
}

static void crowd(struct foreign *f, pm_bid bid)
{
	struct pm_block *b = bid ? pm_ndb_find_block(&f->an->db, bid) : NULL;

	f->n += b != NULL;
	if (b)
		b->flags |= PM_BF_CROWDED;
}

static enum pm_rc mark_recipients(struct foreign *f, const struct pm_node *n)
{
	struct pm_buf to = {0};
	pm_bid table = 0;
	bool near = false;
	enum pm_rc rc = is_near(f, n->data, PM_BK_TC, NULL, &near);

	if (near && rc == PM_OK)
		rc = stranger(f->an, n, &to, &table);
	if (table && rc == PM_OK)
		rc = is_near(f, n->data, PM_BK_TC, &to, &near);
	if (near)
		crowd(f, table);
	pm_buf_done(&to);
	return rc;
}

/* Of noise one unit in thirty is no character of UTF-16 alone, and one byte in nine a control; of damaged text
 * a few are. */
static bool no_text(const struct pm_buf *b, uint16_t type)
{
	const size_t wide = type == PM_PT_UNICODE ? 2 : 1, n = b->n / wide;
	size_t wrong = 0;

	for (size_t i = 0; i < n; i++) {
		const unsigned c = wide == 2 ? pm_le16(b->p + 2 * i) : b->p[i];

		if (c >= 0xD800 && c < 0xDC00 && i + 1 < n &&
		    (pm_le16(b->p + 2 * i + 2) & 0xFC00) == 0xDC00)
			i++;
		else
			wrong += (c >= 0xD800 && c < 0xE000) || c >= 0xFFFE ||
				 (c < 0x20 && c && c != '\t' && c != '\n' && c != '\r' &&
				  c != '\f' && c != 0x1B);
	}
	return n >= 64 && 64 * wrong > n;
}

static enum pm_rc mark_text(struct foreign *f, struct pm_pc *pc, const struct pm_prop *p)
{
	const struct pm_sub *e;
	struct pm_buf text = {0};
	struct pm_value v = {0};
	enum pm_rc rc = pm_pc_value(pc, p, &v);

	if (rc == PM_OK && v.stream)
		rc = pm_value_read(f->an->ctx, &v, LOOK_MAX, &text);
	e = rc == PM_OK && no_text(&text, p->type) ? pm_subs_find(&pc->subs, v.nid) : NULL;
	if (e)
		crowd(f, e->data);
	pm_value_done(&v);
	pm_buf_done(&text);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc mark_texts(struct foreign *f, const struct pm_node *n)
{
	struct pm_pc pc;
	bool near = false;
	enum pm_rc state, rc = is_near(f, n->data, PM_BK_NONE, NULL, &near);

	if (rc || !near)
		return rc;
	state = pm_pc_open(&f->an->db, n->data, n->sub, &pc);
	for (size_t i = 0; i < pc.props.n && state == PM_OK && rc == PM_OK; i++) {
		const struct pm_prop *p = &pc.props.v[i];

		if (p->type == PM_PT_UNICODE || p->type == PM_PT_STRING8 || p->id == PM_ID_HTML)
			rc = mark_text(f, &pc, p);
	}
	pm_pc_close(&pc);
	return pm_is_error(state) ? state : rc;
}

/* Where one table was another's the right one of the next can be the one that a third names. */
static enum pm_rc find_strange(struct foreign *f, const struct pm_node *n)
{
	struct pm_buf to = {0};
	pm_bid table = 0;
	enum pm_rc rc = stranger(f->an, n, &to, &table);

	if (rc == PM_OK && table)
		rc = pm_map_put(f->an->ctx, &f->strange, table, 1);
	pm_buf_done(&to);
	return rc;
}

static enum pm_rc each_message(struct foreign *f,
			       enum pm_rc (*call)(struct foreign *, const struct pm_node *))
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < f->an->db.nodes.n && rc == PM_OK; i++) {
		const struct pm_node *n = &f->an->db.nodes.v[i];

		if (pm_nid_type(n->nid) == PM_NT_MESSAGE && n->data && n->sub)
			rc = call(f, n);
	}
	return rc;
}

enum pm_rc pm_mark_foreign(struct pm_analysis *an)
{
	struct foreign f = {.an = an};
	bool table = false, other = false;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.blocks.n && !(table && other); i++) {
		table |= forsaken(&f, i, PM_BK_TC);
		other |= forsaken(&f, i, PM_BK_NONE);
	}
	if (other)
		rc = each_message(&f, mark_texts);
	f.n = 0;
	if (table && rc == PM_OK)
		rc = each_message(&f, mark_recipients);
	if (f.n && rc == PM_OK) {
		rc = each_message(&f, find_strange);
		if (rc == PM_OK)
			rc = each_message(&f, mark_recipients);
	}
	pm_map_done(&f.strange);
	return rc;
}
