/* SPDX-License-Identifier: Apache-2.0 */
/* Which items are exported; see choose.h. */
#include "export/choose.h"

#include "base/text.h"
#include "base/time.h"
#include "export/gm.h"

/* ---- dates ---- */

/* n digits at *s, which moves on. */
static bool digits(const char **s, int n, int *ret)
{
	int v = 0;

	for (; n; n--, ++*s) {
		if (!pm_ascii_isdigit((uint8_t) * *s))
			return false;
		v = v * 10 + **s - '0';
	}
	*ret = v;
	return true;
}

static bool expect(const char **s, char c)
{
	if (**s != c)
		return false;
	++*s;
	return true;
}

bool pm_choice_date(const char *s, bool end, uint64_t *ret)
{
	static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	struct pm_civil c = {0};
	int year, n;
	bool day;

	if (!digits(&s, 4, &year) || !expect(&s, '-') || !digits(&s, 2, &c.month) ||
	    !expect(&s, '-') || !digits(&s, 2, &c.day))
		return false;
	day = !*s;
	if (!day && (!expect(&s, 'T') || !digits(&s, 2, &c.hour) || !expect(&s, ':') ||
		     !digits(&s, 2, &c.minute) || !expect(&s, ':') || !digits(&s, 2, &c.second)))
		return false;
	n = c.month >= 1 && c.month <= 12 ? lengths[c.month - 1] : 0;
	if ((*s && strcmp(s, "Z") != 0) || year < 1601 || c.day < 1 || c.day > n || c.hour > 23 ||
	    c.minute > 59 || c.second > 59)
		return false;
	c.year = year;
	c.day += day && end;
	*ret = pm_time_from_civil(&c);
	return true;
}

/* ---- patterns ---- */

/* Linear but for the last star, which is where it goes back to. */
static bool match(const uint8_t *p, size_t np, const uint8_t *t, size_t nt)
{
	size_t i = 0, k = 0, star = SIZE_MAX, mark = 0;

	while (k < nt) {
		uint32_t c;
		size_t len = pm_utf8_next(t + k, nt - k, &c);

		if (i < np && p[i] == '*') {
			star = i++;
			mark = k;
		} else if (i < np && p[i] == '?') {
			i++;
			k += len;
		} else if (i < np && p[i] == t[k]) {
			i++;
			k++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			k = ++mark;
		} else {
			return false;
		}
	}
	while (i < np && p[i] == '*')
		i++;
	return i == np;
}

bool pm_glob(struct pm_ctx *ctx, const char *pattern, const char *text)
{
	struct pm_buf p = {0}, t = {0};
	bool is;

	pm_gm_fold(ctx, pattern, &p);
	pm_gm_fold(ctx, text, &t);
	is = match(p.p, p.n, t.p, t.n);
	pm_buf_done(&p);
	pm_buf_done(&t);
	return is;
}

static bool contains(struct pm_ctx *ctx, const char *text, const char *part)
{
	struct pm_buf t = {0}, p = {0};
	bool is;

	if (!text)
		return false;
	pm_gm_fold(ctx, text, &t);
	pm_gm_fold(ctx, part, &p);
	is = !p.n || (t.n && memmem(t.p, t.n, p.p, p.n));
	pm_buf_done(&t);
	pm_buf_done(&p);
	return is;
}

bool pm_choice_folder(struct pm_ctx *ctx, const struct pm_choice *c, const char *path)
{
	const char *name = path;

	if (!c->folder)
		return true;
	if (strchr(c->folder, '/'))
		return pm_glob(ctx, c->folder, path);
	/* A slash that belongs to a name has a backslash in front. */
	for (const char *p = path; *p; p++)
		if (*p == '/' && (p == path || p[-1] != '\\'))
			name = p + 1;
	return pm_glob(ctx, c->folder, name);
}

/* ---- items ---- */

static bool is_from(const struct pm_choice *c, struct pm_message *m)
{
	const char *const texts[] = {m->sender_name, m->sender_email, m->sender_smtp, m->repr_name,
				     m->repr_email};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (contains(m->db->ctx, texts[i], c->from))
			return true;
	return false;
}

/* Recipients that can't be read keep the message in. */
static enum pm_rc is_to(const struct pm_choice *c, struct pm_message *m)
{
	enum pm_rc rc = PM_OK;
	bool found = m->recipients_state == PM_LOST;

	for (size_t i = 0; !found && i < m->recipients.rows.n && !pm_is_error(rc); i++) {
		struct pm_recipient r;

		rc = pm_recipient_open(m, i, &r);
		found = !pm_is_error(rc) && (rc != PM_OK || contains(m->db->ctx, r.name, c->to) ||
					     contains(m->db->ctx, r.email, c->to) ||
					     contains(m->db->ctx, r.smtp, c->to));
		pm_recipient_close(&r);
	}
	return pm_is_error(rc) ? rc : found ? PM_OK : PM_NONE;
}

static bool is_recovered(const struct pm_message *m)
{
	const struct pm_node *n = pm_ndb_find_node(m->db, m->nid);

	return n && n->origin != PM_FROM_TREE;
}

enum pm_rc pm_choice_item(const struct pm_choice *c, struct pm_message *m)
{
	struct pm_ctx *ctx = m->db->ctx;
	uint64_t t = pm_time_is_set(m->delivery) ? m->delivery : m->submit;

	/* That is known of damaged ones, too. */
	if (c->recovered && !is_recovered(m))
		return PM_NONE;
	if (m->state != PM_OK)
		return PM_OK;
	if (pm_time_is_set(t) && (t < c->since || (c->until && t >= c->until)))
		return PM_NONE;
	if (c->class && m->message_class && !pm_glob(ctx, c->class, m->message_class))
		return PM_NONE;
	if (c->subject && !contains(ctx, m->subject, c->subject))
		return PM_NONE;
	if (c->has_attachment && !m->attachments.n)
		return PM_NONE;
	if (c->from && !is_from(c, m))
		return PM_NONE;
	return c->to ? is_to(c, m) : ctx->rc;
}
