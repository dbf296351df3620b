/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tells items apart.
 *
 * The search key stays with an item when it is edited or moved, and a copy has it, too. There are
 * writers that give all items the same one, so it counts only together with the subject or the time
 * of creation. Where there is none, what people see of an item (dates, subject, names) must do;
 * without any date or message id that says too little.
 *
 * Gathers: digests of all items that live.
 * Needs: settled nodes.
 */
#include "recover/known.h"

#include "base/text.h"
#include "msg/message.h"
#include "recover/orphans.h"

#define SUBJECT_MAX 48 /* characters: rows cut long ones [OBS] */
#define KEY_MAX     256

/* What digests begin with, so that a value in one place is not the same in another. */
enum { OF_SEARCH = 11, OF_TITLED, OF_CREATED, OF_MAIL, OF_ROW, OF_SUBJECT };

/* The beginning of a subject, without the mark of its prefix [MS-PST 2.5.3.1.1.1] and case. */
static uint64_t subject_digest(const struct pm_buf *b)
{
	uint8_t text[SUBJECT_MAX];
	size_t at = 0, n = 0;
	uint32_t c;

	if (b->n && b->p[0] == 1)
		at = b->n > 1 ? 1 + pm_utf8_next(b->p + 1, b->n - 1, &c) : 1;
	for (; at < b->n && n < SUBJECT_MAX; at++)
		text[n++] = pm_ascii_lower(b->p[at]);
	return n ? pm_digest(OF_SUBJECT, text, n) | 1 : 0;
}

static uint64_t join(uint64_t seed, const uint64_t *v, size_t n)
{
	uint8_t bytes[8 * 8];

	for (size_t i = 0; i < n; i++)
		pm_put64(bytes + 8 * i, v[i]);
	return pm_digest(seed, bytes, 8 * n) | 1;
}

static enum pm_rc text_digest(struct pm_pc *pc, uint16_t id, struct pm_buf *b, uint64_t *ret)
{
	enum pm_rc rc;

	pm_buf_clear(b);
	rc = pm_pc_string(pc, id, 1252, b);
	*ret = b->n ? pm_digest(1, b->p, b->n) | 1 : 0;
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc mail_digest(struct pm_pc *pc, struct pm_buf *b, const uint64_t times[2],
			      struct pm_ident *ret)
{
	static const uint16_t texts[] = {PM_ID_INTERNET_MESSAGE_ID, PM_ID_MESSAGE_CLASS,
					 PM_ID_SENDER_NAME, PM_ID_SENT_REPR_NAME, PM_ID_DISPLAY_TO};
	uint64_t v[8] = {times[0], times[1], ret->subject};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < 5 && rc == PM_OK; i++)
		rc = text_digest(pc, texts[i], b, &v[3 + i]);
	if (times[0] || times[1] || v[3])
		ret->mail = join(OF_MAIL, v, 8);
	return rc;
}

enum pm_rc pm_ident_of_pc(struct pm_pc *pc, struct pm_ident *ret)
{
	uint64_t times[2] = {0}, created = 0;
	struct pm_buf b = {0};
	enum pm_rc rc = pm_pc_binary(pc, PM_ID_SEARCH_KEY, KEY_MAX, &b);

	*ret = (struct pm_ident){.search = b.n ? pm_digest(OF_SEARCH, b.p, b.n) | 1 : 0};
	pm_buf_clear(&b);
	if (!pm_is_error(rc))
		rc = pm_pc_string(pc, PM_ID_SUBJECT, 1252, &b);
	ret->subject = subject_digest(&b);
	if (!pm_is_error(rc))
		rc = pm_pc_time(pc, PM_ID_SUBMIT_TIME, &times[0]);
	if (!pm_is_error(rc))
		rc = pm_pc_time(pc, PM_ID_DELIVERY_TIME, &times[1]);
	if (!pm_is_error(rc))
		rc = pm_pc_time(pc, PM_ID_CREATION_TIME, &created);
	ret->born = created;
	if (ret->search)
		ret->titled = join(OF_TITLED, (uint64_t[]){ret->search, ret->subject}, 2);
	if (ret->search && created)
		ret->created = join(OF_CREATED, (uint64_t[]){ret->search, created}, 2);
	if (!pm_is_error(rc))
		rc = mail_digest(pc, &b, times, ret);
	if (times[0] || times[1])
		ret->row = join(OF_ROW, (uint64_t[]){times[0], times[1], ret->subject}, 3);
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc row_time(struct pm_tc *tc, size_t row, uint16_t id, uint64_t *ret)
{
	const struct pm_col *c = pm_tc_col(tc, id, PM_PT_TIME);
	struct pm_value v;
	enum pm_rc rc;

	if (!c)
		return PM_OK;
	rc = pm_tc_cell(tc, row, c, &v);
	if (rc == PM_OK && !v.stream && v.span.n == 8)
		*ret = pm_le64(v.span.p);
	pm_value_done(&v);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_ident_of_row(struct pm_tc *tc, size_t row, struct pm_ident *ret)
{
	uint64_t times[2] = {0};
	struct pm_buf b = {0};
	enum pm_rc rc = pm_tc_string(tc, row, PM_ID_SUBJECT, 1252, &b);

	*ret = (struct pm_ident){.subject = subject_digest(&b)};
	if (!pm_is_error(rc))
		rc = row_time(tc, row, PM_ID_SUBMIT_TIME, &times[0]);
	if (!pm_is_error(rc))
		rc = row_time(tc, row, PM_ID_DELIVERY_TIME, &times[1]);
	if (times[0] || times[1])
		ret->row = join(OF_ROW, (uint64_t[]){times[0], times[1], ret->subject}, 3);
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* ---- the set ---- */

static enum pm_rc add_first(struct pm_ctx *ctx, struct pm_map *m, uint64_t key, uint64_t number)
{
	struct pm_map_entry *e;
	bool fresh;

	if (!key)
		return PM_OK;
	e = pm_map_get(ctx, m, key, &fresh);
	if (e && fresh)
		e->value = number;
	return e ? PM_OK : ctx->rc;
}

enum pm_rc pm_known_add(struct pm_ctx *ctx, struct pm_known *k, const struct pm_ident *id,
			uint64_t number)
{
	enum pm_rc rc = add_first(ctx, &k->search, id->titled, number);

	if (rc == PM_OK)
		rc = add_first(ctx, &k->search, id->created, number);
	if (rc == PM_OK)
		rc = add_first(ctx, &k->mail, id->mail, number);
	return rc ? rc : add_first(ctx, &k->row, id->row, number);
}

uint64_t pm_known_find(const struct pm_known *k, const struct pm_ident *id)
{
	const struct pm_map_entry *e = id->titled ? pm_map_find(&k->search, id->titled) : NULL;

	if (!e && id->created)
		e = pm_map_find(&k->search, id->created);
	if (!e && id->mail)
		e = pm_map_find(&k->mail, id->mail);
	return e ? e->value : UINT64_MAX;
}

void pm_known_done(struct pm_known *k)
{
	pm_map_done(&k->search);
	pm_map_done(&k->mail);
	pm_map_done(&k->row);
}

/* ---- what lives ---- */

static enum pm_rc add_inner(struct pm_known *k, struct pm_message *m, unsigned depth);

static enum pm_rc add_embedded(struct pm_known *k, struct pm_message *m, size_t i, unsigned depth)
{
	struct pm_attachment a;
	struct pm_message inner;
	struct pm_ident id;
	enum pm_rc rc = pm_attachment_open(m, i, &a);

	if (!pm_is_error(rc) && pm_attachment_is_message(&a)) {
		rc = pm_attachment_message(&a, &inner);
		if (!pm_is_error(rc))
			rc = pm_ident_of_pc(&inner.pc, &id);
		if (rc == PM_OK)
			rc = pm_known_add(m->db->ctx, k, &id, 0);
		if (rc == PM_OK)
			rc = add_inner(k, &inner, depth + 1);
		pm_message_close(&inner);
	}
	pm_attachment_close(&a);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc add_inner(struct pm_known *k, struct pm_message *m, unsigned depth)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < m->attachments.n && depth < PM_DEPTH_MAX && rc == PM_OK; i++)
		rc = add_embedded(k, m, i, depth);
	return rc;
}

static enum pm_rc add_node(struct pm_analysis *an, const struct pm_node *n, struct pm_known *k,
			   struct pm_known *inner)
{
	struct pm_ident id;
	struct pm_message m;
	enum pm_rc rc;

	if (pm_nid_type(n->nid) != PM_NT_MESSAGE || (!n->data && !n->sub))
		return PM_OK;
	rc = pm_message_open(&an->db, n->nid, n->data, n->sub, 0, &m);
	if (!pm_is_error(rc))
		rc = pm_ident_of_pc(&m.pc, &id);
	if (rc == PM_OK)
		rc = pm_known_add(an->ctx, k, &id, n->nid);
	if (rc == PM_OK)
		rc = add_inner(inner, &m, 0);
	pm_message_close(&m);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_known_living(struct pm_analysis *an, struct pm_known *k, struct pm_known *inner)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < an->db.nodes.n && rc == PM_OK; i++) {
		rc = add_node(an, &an->db.nodes.v[i], k, inner);
		if (rc == PM_OK && i % 256 == 0)
			rc = pm_tick(an->ctx, "living items", i, an->db.nodes.n);
	}
	for (size_t i = 0; i < an->doubles.n && rc == PM_OK; i++)
		rc = add_node(an, &an->doubles.v[i], k, inner);
	return rc;
}
