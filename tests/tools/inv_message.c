/* SPDX-License-Identifier: Apache-2.0 */
/* Inventory of a message: a line each for itself, bodies, recipients, attachments. */
#include "inv.h"

#include "base/text.h"
#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>

#define VALUE_MAX ((uint64_t)1 << 28)
#define SHOWN     8 /* bytes of a digest: enough to tell contents apart */

static void indent(unsigned depth)
{
	printf("%*s", (int)(2 * depth), "");
}

void pm_inv_quoted(struct pm_ctx *ctx, const char *s)
{
	struct pm_buf b = {0};

	if (!s) {
		printf(" -");
		return;
	}
	pm_text_printable(ctx, &b, s, strlen(s));
	printf(" \"%s\"", pm_buf_cstr(ctx, &b));
	pm_buf_done(&b);
}

void pm_inv_digest_begin(struct pm_inv_digest *d)
{
	sha256_init(&d->sha);
}

void pm_inv_digest_add(struct pm_inv_digest *d, const void *p, size_t n)
{
	sha256_update(&d->sha, n, p);
}

void pm_inv_digest_print(struct pm_inv_digest *d)
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(&d->sha, sizeof(digest), digest);
	for (unsigned i = 0; i < SHOWN; i++)
		printf("%02x", digest[i]);
}

static const char *state_name(enum pm_rc rc)
{
	return rc == PM_OK ? "" : rc == PM_NONE ? " NONE" : rc == PM_LOST ? " LOST" : " DAMAGED";
}

/* "BYTES DIGEST" of a value, and a word when not all of it is there. */
static enum pm_rc print_value(struct pm_ctx *ctx, const struct pm_value *v)
{
	struct pm_buf b = {0};
	struct pm_inv_digest sha;
	enum pm_rc rc = pm_value_read(ctx, v, VALUE_MAX, &b);

	if (!pm_is_error(rc)) {
		pm_inv_digest_begin(&sha);
		pm_inv_digest_add(&sha, b.p, b.n);
		printf(" %zu ", b.n);
		pm_inv_digest_print(&sha);
		printf("%s\n", state_name(rc));
	}
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc bodies(struct pm_message *m, unsigned depth)
{
	static const char *const names[] = {"text", "html", "rtf"};

	for (unsigned i = 0; i < 3; i++) {
		struct pm_value v;
		enum pm_rc rc = pm_message_body(m, (enum pm_body)i, &v);

		if (rc == PM_NONE)
			continue;
		if (!pm_is_error(rc)) {
			indent(depth);
			printf("%s", names[i]);
			rc = print_value(m->db->ctx, &v);
		}
		pm_value_done(&v);
		if (rc)
			return rc;
	}
	return PM_OK;
}

/* Properties that a repair may well set anew. */
static bool volatile_property(uint16_t id)
{
	return id == PM_ID_MESSAGE_SIZE || id == PM_ID_ATTACH_SIZE;
}

/* All properties of a PC in one digest; values in subnodes by their bytes. */
static enum pm_rc properties(struct pm_pc *pc, unsigned depth)
{
	struct pm_ctx *ctx = pc->db->ctx;
	struct pm_inv_digest sha;
	enum pm_rc rc = PM_OK, worst = PM_OK;
	size_t n = 0;

	pm_inv_digest_begin(&sha);
	for (size_t i = 0; i < pc->props.n && !pm_is_error(rc); i++) {
		const struct pm_prop *p = &pc->props.v[i];
		struct pm_value v;
		struct pm_buf b = {0};
		uint8_t tag[4];

		if (volatile_property(p->id))
			continue;
		n++;
		pm_put32(tag, pm_prop_tag(p));
		pm_inv_digest_add(&sha, tag, 4);
		rc = pm_pc_value(pc, p, &v);
		if (!pm_is_error(rc) && p->type != PM_PT_OBJECT)
			rc = pm_value_read(ctx, &v, VALUE_MAX, &b);
		if (rc != PM_NONE)
			worst = pm_worse(worst, rc);
		pm_inv_digest_add(&sha, b.p, b.n);
		pm_buf_done(&b);
		pm_value_done(&v);
	}
	if (pm_is_error(rc))
		return rc;
	indent(depth);
	printf("properties %zu ", n);
	pm_inv_digest_print(&sha);
	printf("%s\n", state_name(worst));
	return PM_OK;
}

static enum pm_rc recipients(struct pm_message *m, unsigned depth)
{
	static const char *const kinds[] = {"originator", "to", "cc", "bcc"};

	if (m->recipients_state == PM_NONE || m->recipients_state == PM_LOST) {
		if (m->recipients_state == PM_LOST) {
			indent(depth);
			printf("recipients LOST\n");
		}
		return PM_OK;
	}
	for (size_t i = 0; i < m->recipients.rows.n; i++) {
		struct pm_recipient r;
		enum pm_rc rc = pm_recipient_open(m, i, &r);

		if (!pm_is_error(rc)) {
			indent(depth);
			printf("%s", r.type < 4 ? kinds[r.type] : "recipient");
			pm_inv_quoted(m->db->ctx, r.name);
			pm_inv_quoted(m->db->ctx, r.email);
			printf("%s\n", state_name(rc));
		}
		pm_recipient_close(&r);
		if (pm_is_error(rc))
			return rc;
	}
	return PM_OK;
}

static enum pm_rc embedded(struct pm_attachment *a, unsigned depth)
{
	struct pm_message inner;
	enum pm_rc rc;

	if (depth > PM_DEPTH_MAX)
		return PM_OK;
	rc = pm_attachment_message(a, &inner);
	if (rc == PM_LOST || rc == PM_NONE) {
		indent(depth);
		printf("embedded%s\n", state_name(rc));
	} else if (!pm_is_error(rc)) {
		rc = pm_inv_message(&inner, "embedded", depth);
	}
	pm_message_close(&inner);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc attachment(struct pm_message *m, size_t i, unsigned depth)
{
	struct pm_attachment a;
	struct pm_value v;
	enum pm_rc rc = pm_attachment_open(m, i, &a);

	if (pm_is_error(rc)) {
		pm_attachment_close(&a);
		return rc;
	}
	indent(depth);
	printf("attachment 0x%x", m->attachments.v[i].nid);
	pm_inv_quoted(m->db->ctx, a.name);
	pm_inv_quoted(m->db->ctx, a.mime);
	printf(" method %u%s%s%s", a.method, state_name(rc),
	       m->attachments.v[i].listed ? "" : " UNLISTED",
	       m->attachments.v[i].there ? "" : " MISSING");
	if (pm_attachment_is_message(&a)) {
		printf("\n");
		rc = embedded(&a, depth + 1);
	} else {
		rc = pm_attachment_data(&a, &v);
		if (rc == PM_OK || rc == PM_DAMAGED) {
			rc = print_value(m->db->ctx, &v);
		} else if (!pm_is_error(rc)) {
			printf("%s\n", state_name(rc));
			rc = PM_OK;
		}
		pm_value_done(&v);
	}
	if (rc == PM_OK && a.state != PM_LOST)
		rc = properties(&a.pc, depth + 1);
	pm_attachment_close(&a);
	return rc;
}

enum pm_rc pm_inv_message(struct pm_message *m, const char *label, unsigned depth)
{
	struct pm_ctx *ctx = m->db->ctx;
	char date[PM_TIME_TEXT];
	enum pm_rc rc = PM_OK;

	indent(depth);
	printf("%s", label);
	if (m->nid)
		printf(" 0x%x", m->nid);
	if (m->state == PM_LOST) {
		printf(" LOST\n");
	} else {
		printf(" %s", m->message_class ? m->message_class : "-");
		pm_inv_quoted(ctx, m->subject);
		printf(" flags 0x%x %s from", m->flags, pm_time_iso(m->delivery, date));
		pm_inv_quoted(ctx, m->sender_name);
		pm_inv_quoted(ctx, m->sender_email);
		printf("%s\n", state_name(m->state));
		rc = properties(&m->pc, depth + 1);
	}
	if (rc == PM_OK)
		rc = bodies(m, depth + 1);
	if (rc == PM_OK)
		rc = recipients(m, depth + 1);
	for (size_t i = 0; i < m->attachments.n && rc == PM_OK; i++)
		rc = attachment(m, i, depth + 1);
	return rc;
}
