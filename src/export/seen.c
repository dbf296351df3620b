/* SPDX-License-Identifier: Apache-2.0 */
/* Duplicates: messages whose id and content are those of one before; see choose.h. */
#include "export/choose.h"

#include <nettle/sha2.h>

/* Each field goes in with its length, so that no two contents are one run of bytes. */
static void add(struct sha256_ctx *h, const void *p, size_t n)
{
	uint8_t length[8];

	pm_put64(length, n);
	sha256_update(h, sizeof(length), length);
	if (n)
		sha256_update(h, n, p);
}

static void add_text(struct sha256_ctx *h, const char *s)
{
	add(h, s, s ? strlen(s) : 0);
}

static void add_number(struct sha256_ctx *h, uint64_t v)
{
	uint8_t b[8];

	pm_put64(b, v);
	add(h, b, sizeof(b));
}

static enum pm_rc add_value(struct pm_ctx *ctx, struct sha256_ctx *h, const struct pm_value *v)
{
	struct pm_buf block = {0};
	enum pm_rc rc = PM_OK;

	if (!v->stream) {
		add(h, v->span.p, v->span.n);
		return PM_OK;
	}
	add_number(h, v->size);
	for (size_t i = 0; i < v->data.leaves.n && !pm_is_error(rc); i++) {
		pm_buf_clear(&block);
		rc = pm_data_read_leaf(&v->data, i, &block);
		if (!pm_is_error(rc) && block.n)
			sha256_update(h, block.n, block.p);
	}
	pm_buf_done(&block);
	return pm_is_error(rc) ? rc : ctx->rc;
}

static enum pm_rc add_message(struct sha256_ctx *h, struct pm_message *m, unsigned int depth);

static enum pm_rc add_attachment(struct sha256_ctx *h, struct pm_message *m, size_t i,
				 unsigned int depth)
{
	struct pm_attachment a;
	struct pm_value v = {0};
	enum pm_rc rc = pm_attachment_open(m, i, &a);

	if (!pm_is_error(rc)) {
		add_text(h, a.name);
		add_text(h, a.mime);
		add_number(h, a.method);
	}
	if (!pm_is_error(rc) && pm_attachment_is_message(&a) && depth + 1 < PM_DEPTH_MAX) {
		struct pm_message inner;

		rc = pm_attachment_message(&a, &inner);
		if (!pm_is_error(rc))
			rc = add_message(h, &inner, depth + 1);
		pm_message_close(&inner);
	} else if (!pm_is_error(rc)) {
		rc = pm_attachment_data(&a, &v);
		if (rc == PM_OK || rc == PM_DAMAGED)
			rc = add_value(m->db->ctx, h, &v);
		pm_value_done(&v);
	}
	pm_attachment_close(&a);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc add_people(struct sha256_ctx *h, struct pm_message *m)
{
	enum pm_rc rc = PM_OK;

	add_number(h, m->recipients.rows.n);
	for (size_t i = 0; i < m->recipients.rows.n && !pm_is_error(rc); i++) {
		struct pm_recipient r;

		rc = pm_recipient_open(m, i, &r);
		add_number(h, r.type);
		add_text(h, r.name);
		add_text(h, r.email);
		add_text(h, r.smtp);
		pm_recipient_close(&r);
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc add_message(struct sha256_ctx *h, struct pm_message *m, unsigned int depth)
{
	static const enum pm_body bodies[] = {PM_BODY_TEXT, PM_BODY_HTML, PM_BODY_RTF};
	const char *const texts[] = {m->message_class, m->subject,   m->sender_name,
				     m->sender_email,  m->repr_name, m->repr_email};
	struct pm_buf id = {0};
	enum pm_rc rc = pm_pc_string(&m->pc, PM_ID_INTERNET_MESSAGE_ID, m->codepage, &id);

	add(h, id.p, id.n);
	pm_buf_done(&id);
	add_number(h, m->submit);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		add_text(h, texts[i]);
	if (!pm_is_error(rc))
		rc = add_people(h, m);
	for (size_t i = 0; i < 3 && !pm_is_error(rc); i++) {
		struct pm_value v;

		rc = pm_message_body(m, bodies[i], &v);
		add_number(h, rc == PM_NONE ? 0 : v.type);
		if (rc == PM_OK || rc == PM_DAMAGED)
			rc = add_value(m->db->ctx, h, &v);
		pm_value_done(&v);
	}
	add_number(h, m->attachments.n);
	for (size_t i = 0; i < m->attachments.n && !pm_is_error(rc); i++)
		rc = add_attachment(h, m, i, depth);
	return pm_is_error(rc) ? rc : m->db->ctx->rc;
}

/* *ret_nid: one that was added with this hash before; 0: there is none, and now this one is. */
static enum pm_rc add_hash(struct pm_ctx *ctx, struct pm_seen *s, const uint8_t *hash, pm_nid nid,
			   pm_nid *ret_nid)
{
	struct pm_seen_item *item;
	struct pm_map_entry *e;
	bool fresh;

	e = pm_map_get(ctx, &s->by_hash, pm_le64(hash), &fresh);
	if (!e)
		return ctx->rc;
	if (!fresh) {
		item = &s->v.v[e->value];
		*ret_nid = memcmp(item->hash, hash, PM_SEEN_HASH) == 0 ? item->nid : 0;
		return PM_OK;
	}
	e->value = s->v.n;
	item = pm_vec_push(ctx, &s->v);
	if (!item)
		return ctx->rc;
	memcpy(item->hash, hash, PM_SEEN_HASH);
	item->nid = nid;
	*ret_nid = 0;
	return PM_OK;
}

enum pm_rc pm_seen_check(struct pm_seen *s, struct pm_message *m, uint8_t ret_hash[PM_SEEN_HASH],
			 pm_nid *ret_nid)
{
	struct sha256_ctx h;
	enum pm_rc rc;

	sha256_init(&h);
	rc = add_message(&h, m, 0);
	if (rc)
		return rc;
	sha256_digest(&h, PM_SEEN_HASH, ret_hash);
	return add_hash(m->db->ctx, s, ret_hash, m->nid, ret_nid);
}

enum pm_rc pm_seen_add(struct pm_ctx *ctx, struct pm_seen *s, const uint8_t hash[PM_SEEN_HASH],
		       pm_nid nid)
{
	pm_nid before;

	return add_hash(ctx, s, hash, nid, &before);
}

void pm_seen_done(struct pm_seen *s)
{
	pm_map_done(&s->by_hash);
	pm_vec_done(&s->v);
}
