/* SPDX-License-Identifier: Apache-2.0 */
/* Attachments of calendar items; see ical_attach.h. */
#include "export/ical_attach.h"

#include "base/text.h"

#include <inttypes.h>

enum {
	ID_ATTACHMENT_FLAGS = 0x7FFD, /* PidTagAttachmentFlags */
	AF_EXCEPTION = 2,             /* a message about an occurrence [MS-OXOCAL 2.2.10.1.2] */
	/* Calendar programs load a file as a whole. */
	BYTES_MAX = 8 << 20, /* of one */
	ITEM_MAX = 16 << 20, /* of all that an item has */
};

struct attach {
	struct pm_gw *g;
	icalcomponent *c;
	struct pm_attachment a;
	size_t number; /* from 1 */
	uint64_t room; /* bytes that the item may still have */
};

/* Its name as a parameter can have it: there is no way to write a quote [RFC 5545 3.2]. */
static const char *name_of(struct attach *t)
{
	const char *s = t->a.name ? t->a.name : "", *name;
	struct pm_buf b = {0};

	for (; *s; s++)
		if ((uint8_t)*s >= ' ' && *s != 0x7F)
			pm_buf_byte(t->g->ctx, &b, *s == '"' ? '\'' : (uint8_t)*s);
	if (!b.n)
		pm_buf_printf(t->g->ctx, &b, "attachment-%zu", t->number);
	name = pm_arena_strdup(t->g->ctx, &t->g->arena, pm_buf_cstr(t->g->ctx, &b));
	pm_buf_done(&b);
	return name;
}

/* libical keeps line ends in values of such properties, where nothing may end a line. */
static void not_attached(struct attach *t, const char *why)
{
	const char *name = name_of(t);
	char *text = name ? pm_asprintf(t->g->ctx, "%s: %s", name, why) : NULL;
	struct pm_buf b = {0};
	icalproperty *p;

	for (const char *s = text; s && *s; s++)
		pm_buf_byte(t->g->ctx, &b, (uint8_t)*s < ' ' ? ' ' : (uint8_t)*s);
	p = b.n ? pm_ical.icalproperty_new_x(pm_buf_cstr(t->g->ctx, &b)) : NULL;
	if (p) {
		pm_ical.icalproperty_set_x_name(p, "X-PSTMEND-NOT-ATTACHED");
		pm_ical.icalcomponent_add_property(t->c, p);
	}
	pm_buf_done(&b);
	pm_free(text);
}

static void add(struct attach *t, icalattach *attach, bool bytes)
{
	const char *name = name_of(t);
	icalproperty *p = attach && name ? pm_ical.icalproperty_new_attach(attach) : NULL;

	if (!p) {
		if (!t->g->ctx->rc)
			pm_fail(t->g->ctx, PM_ENOMEM, "libical has no memory for an attachment");
		return;
	}
	if (bytes) {
		pm_ical.icalproperty_add_parameter(
			p, pm_ical.icalparameter_new_encoding(ICAL_ENCODING_BASE64));
		pm_ical.icalproperty_add_parameter(
			p, pm_ical.icalparameter_new_value(ICAL_VALUE_BINARY));
		pm_ical.icalproperty_add_parameter(
			p, pm_ical.icalparameter_new_fmttype(pm_mime_type(&t->a)));
	}
	pm_ical.icalproperty_add_parameter(p, pm_ical.icalparameter_new_filename(name));
	pm_ical.icalcomponent_add_property(t->c, p);
}

static void add_bytes(struct attach *t, const struct pm_buf *bytes)
{
	struct pm_buf text = {0};
	uint8_t *room = pm_buf_room(t->g->ctx, &text, (bytes->n + 2) / 3 * 4);
	icalattach *attach;

	if (room) {
		pm_base64(room, bytes->p, bytes->n);
		attach =
			pm_ical.icalattach_new_from_data(pm_buf_cstr(t->g->ctx, &text), NULL, NULL);
		add(t, attach, true);
		if (attach)
			pm_ical.icalattach_unref(attach);
	}
	pm_buf_done(&text);
}

/* A list of URIs has the path as a comment before the one that it is about. */
static void add_link(struct attach *t, const struct pm_buf *list)
{
	const char *p = (const char *)list->p, *uri = NULL;
	struct pm_buf b = {0};
	icalattach *attach;

	for (size_t at = 0, n; at < list->n; at += n) {
		const char *nl = memchr(p + at, '\n', list->n - at);

		n = nl ? (size_t)(nl - (p + at)) + 1 : list->n - at;
		if (p[at] != '#' && p[at] > ' ') {
			pm_buf_clear(&b);
			pm_buf_add(t->g->ctx, &b, p + at, n);
			uri = pm_gw_clean(t->g, (const char *)b.p, b.n);
		}
	}
	attach = uri ? pm_ical.icalattach_new_from_url(uri) : NULL;
	if (attach) {
		add(t, attach, false);
		pm_ical.icalattach_unref(attach);
	}
	pm_buf_done(&b);
}

static enum pm_rc add_data(struct attach *t)
{
	struct pm_ctx *ctx = t->g->ctx;
	struct pm_value v = {0};
	struct pm_buf b = {0};
	bool url = false;
	enum pm_rc rc = pm_attachment_data(&t->a, &v);
	char why[80];

	if (pm_is_error(rc)) {
		return rc;
	} else if ((rc == PM_NONE || !v.size) && pm_mime_reference(t->g->m, &t->a, &b, &url)) {
		if (url)
			add_link(t, &b);
		else
			not_attached(t, pm_gw_clean(t->g, (const char *)b.p, b.n));
	} else if (t->a.method == PM_AM_OLE) {
		not_attached(t, "an object, which is in the mail forms");
	} else if (rc == PM_LOST || (rc == PM_NONE && t->a.state == PM_LOST)) {
		not_attached(t, "lost");
	} else if (rc == PM_NONE || !v.size) {
		not_attached(t, "empty"); /* no program takes a value without bytes */
	} else if (v.size > BYTES_MAX || v.size > t->room) {
		snprintf(why, sizeof(why), "%" PRIu64 " bytes, too many for a calendar", v.size);
		not_attached(t, why);
	} else {
		rc = pm_value_read(ctx, &v, BYTES_MAX, &b);
		if (!pm_is_error(rc))
			add_bytes(t, &b);
		t->room -= v.size;
	}
	pm_value_done(&v);
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : ctx->rc;
}

enum pm_rc pm_ical_attach(struct pm_gw *g, icalcomponent *c)
{
	struct attach t = {.g = g, .c = c, .room = ITEM_MAX};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < g->m->attachments.n && !pm_is_error(rc); i++) {
		uint32_t flags = 0;

		t.number = i + 1;
		rc = pm_attachment_open(g->m, i, &t.a);
		if (!pm_is_error(rc) && pm_attachment_is_message(&t.a)) {
			rc = pm_pc_u32(&t.a.pc, ID_ATTACHMENT_FLAGS, &flags);
			if (!pm_is_error(rc) && !(flags & AF_EXCEPTION))
				not_attached(&t, "a message, which is in the mail forms");
		} else if (!pm_is_error(rc)) {
			rc = add_data(&t);
		}
		pm_attachment_close(&t.a);
	}
	return pm_is_error(rc) ? rc : g->ctx->rc;
}
