/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses; see address.h. */
#include "export/address.h"

#include "base/scan.h"
#include "base/text.h"
#include "export/gm.h"
#include "export/header.h"

enum { SMTP_MAX = 512 };

void pm_mailboxes_done(struct pm_mailboxes *l)
{
	pm_vec_done(&l->v);
	pm_arena_done(&l->arena);
}

/* A local part or a domain as it stands in a header, without quoting. */
static bool is_plain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] == 0x7F || strchr("()<>[]:;@\\,\"", p[i]))
			return false;
	return n != 0;
}

/* "local part" within quotes. */
static bool is_quoted(const char *p, size_t n)
{
	if (n < 3 || p[0] != '"' || p[n - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < n; i++)
		if (p[i] < ' ' || p[i] == 0x7F || p[i] == '"' || p[i] == '\\')
			return false;
	return true;
}

/* [192.0.2.1] */
static bool is_literal(const char *p, size_t n)
{
	return n > 2 && p[0] == '[' && p[n - 1] == ']' && is_plain(p + 1, n - 2);
}

static bool is_address(const char *s)
{
	const char *at = strrchr(s, '@');
	size_t local = at ? (size_t)(at - s) : 0, domain = at ? strlen(at + 1) : 0;

	return at && pm_is_ascii((const uint8_t *)s, strlen(s)) && strlen(s) <= SMTP_MAX &&
	       (is_plain(s, local) || is_quoted(s, local)) &&
	       (is_plain(at + 1, domain) || is_literal(at + 1, domain));
}

/* Take off what may stand around an address. */
static void trim(const char **s, size_t *n)
{
	static const char *const prefixes[] = {"smtp:", "mailto:"};
	bool again = true;

	while (again && *n) {
		const char *p = *s;

		again = false;
		if (strchr(" \t<'", p[0])) {
			*s += 1;
			*n -= 1;
			again = true;
		} else if (strchr(" \t>'", p[*n - 1])) {
			*n -= 1;
			again = true;
		}
		for (size_t i = 0; !again && i < 2; i++) {
			size_t len = strlen(prefixes[i]);

			if (*n > len && pm_ascii_ncasecmp(p, prefixes[i], len) == 0) {
				*s += len;
				*n -= len;
				again = true;
			}
		}
	}
}

char *pm_smtp_clean(struct pm_ctx *ctx, struct pm_arena *a, const char *s)
{
	size_t n = s ? strlen(s) : 0;
	char *text;

	if (!n || !strchr(s, '@') || n > SMTP_MAX)
		return NULL;
	trim(&s, &n);
	text = n ? pm_arena_dup(ctx, a, s, n + 1) : NULL;
	if (!text)
		return NULL;
	text[n] = '\0';
	if (!pm_is_ascii((const uint8_t *)text, strlen(text)) && strrchr(text, '@')) {
		/* The domain may have a form in ASCII; the part in front of it never has. */
		text = pm_gm_ascii_address(ctx, a, text);
		if (!text)
			return NULL;
	}
	return is_address(text) ? text : NULL;
}

static const char *full(const char *s)
{
	return s && *s ? s : NULL;
}

enum pm_rc pm_mailboxes_add(struct pm_ctx *ctx, struct pm_mailboxes *l, const struct pm_person *p)
{
	const char *tries[] = {p->smtp, p->email, p->name};
	struct pm_mailbox m = {0}, *slot;

	for (size_t i = 0; i < 3 && !m.smtp; i++)
		m.smtp = pm_smtp_clean(ctx, &l->arena, tries[i]);
	if (full(p->name))
		m.name = pm_arena_strdup(ctx, &l->arena, p->name);
	if (full(p->email) && !(m.smtp && strchr(p->email, '@'))) {
		m.type = pm_arena_strdup(ctx, &l->arena, full(p->type) ? p->type : "unknown");
		m.other = pm_arena_strdup(ctx, &l->arena, p->email);
	}
	if (ctx->rc || (!m.smtp && !m.name && !m.other))
		return ctx->rc;
	slot = pm_vec_push(ctx, &l->v);
	if (slot)
		*slot = m;
	return ctx->rc;
}

enum pm_rc pm_mailboxes_display(struct pm_ctx *ctx, struct pm_mailboxes *l, const char *text)
{
	enum pm_rc rc = PM_OK;

	while (*text && !rc) {
		size_t n = strcspn(text, ";"), skip = strspn(text, " \t"), end = n;
		struct pm_person p = {0};
		char *name;

		while (end > skip && text[end - 1] == ' ')
			end--;
		if (end > skip) {
			name = pm_arena_dup(ctx, &l->arena, text + skip, end - skip + 1);
			if (!name)
				return ctx->rc;
			name[end - skip] = '\0';
			p.name = name;
			rc = pm_mailboxes_add(ctx, l, &p);
		}
		text += n + (text[n] == ';');
	}
	return rc;
}

bool pm_mailboxes_have(const struct pm_mailboxes *l, const char *smtp)
{
	for (size_t i = 0; i < l->v.n; i++)
		if (l->v.v[i].smtp && pm_ascii_casecmp(l->v.v[i].smtp, smtp) == 0)
			return true;
	return false;
}

void pm_mailboxes_resolve(struct pm_mailboxes *l, const struct pm_mailboxes *from)
{
	for (size_t i = 0; i < l->v.n; i++) {
		struct pm_mailbox *m = &l->v.v[i];

		for (size_t k = 0; !m->smtp && m->other && k < from->v.n; k++) {
			const struct pm_mailbox *f = &from->v.v[k];

			if (f->smtp && f->other && pm_ascii_casecmp(f->other, m->other) == 0)
				m->smtp = f->smtp;
		}
	}
}

void pm_mailbox_put(struct pm_ctx *ctx, struct pm_buf *out, const struct pm_mailbox *m)
{
	const char *name = m->name && m->smtp && strcmp(m->name, m->smtp) == 0 ? NULL : m->name;

	if (!m->smtp) {
		name = name ? name : m->other;
		pm_head_phrase(ctx, out, name, strlen(name));
		pm_buf_str(ctx, out, ":;");
		return;
	}
	if (name) {
		pm_head_phrase(ctx, out, name, strlen(name));
		pm_buf_byte(ctx, out, ' ');
	}
	pm_buf_printf(ctx, out, name ? "<%s>" : "%s", m->smtp);
}

void pm_head_mailboxes(struct pm_ctx *ctx, struct pm_buf *out, const char *name,
		       const struct pm_mailboxes *l)
{
	struct pm_buf value = {0};

	for (size_t i = 0; i < l->v.n; i++) {
		if (i)
			pm_buf_str(ctx, &value, ", ");
		pm_mailbox_put(ctx, &value, &l->v.v[i]);
	}
	if (value.n)
		pm_head_ready(ctx, out, name, value.p, value.n);
	pm_buf_done(&value);
}

void pm_head_others(struct pm_ctx *ctx, struct pm_buf *out, const char *name,
		    const struct pm_mailboxes *l)
{
	struct pm_buf field = {0}, value = {0};

	for (size_t i = 0; i < l->v.n; i++) {
		const struct pm_mailbox *m = &l->v.v[i];

		if (m->smtp || !m->other)
			continue;
		pm_buf_clear(&field);
		pm_buf_printf(ctx, &field, "X-PSTMend-%s", name);
		pm_buf_clear(&value);
		if (m->name)
			pm_buf_printf(ctx, &value, "%s ", m->name);
		pm_buf_printf(ctx, &value, "<%s:%s>", m->type, m->other);
		pm_head_text(ctx, out, pm_buf_cstr(ctx, &field), value.p, value.n);
	}
	pm_buf_done(&field);
	pm_buf_done(&value);
}
