/* SPDX-License-Identifier: Apache-2.0 */
/* Folders: their PCs and tables [MS-PST 2.4.4]. */
#include "mk_write.h"

#include "msg/message.h"

#define NID_SPAM     0x2223
#define NID_SPAM_SUQ 0x2226
#define NID_SPAM_CRI 0x2227
#define NID_SPAM_TC  0x2230

/* Those that are in the folder in some generation. */
static size_t count(const struct pm_mk_folder *f)
{
	return f->messages.n + f->left.n;
}

static struct pm_mk_message *nth(const struct pm_mk_folder *f, size_t i)
{
	return i < f->messages.n ? f->messages.v[i] : f->left.v[i - f->messages.n];
}

/* Is the message there, in the generation at hand? */
static bool there(const struct pm_mkw *w, const struct pm_mk_folder *f,
		  const struct pm_mk_message *m)
{
	const bool old = w->phase == PM_MKW_OLD;

	return m->moved_from ? (m->moved_from == f) == old : !m->deleted || old;
}

static bool has_children(const struct pm_mk *mk, pm_nid nid)
{
	for (size_t i = 0; i < mk->folders.n; i++)
		if (mk->folders.v[i]->parent == nid)
			return true;
	return false;
}

/* The properties of a folder, which its parent's row repeats. */
static enum pm_rc folder_props(struct pm_mkw *w, const struct pm_mk_folder *f,
			       struct pm_mk_props *props)
{
	struct pm_mk *mk = w->mk;
	uint32_t messages = 0, unread = 0, assoc = 0;

	for (size_t i = 0; i < count(f); i++) {
		const struct pm_mk_message *m = nth(f, i);

		assoc += m->fai;
		messages += !m->fai && there(w, f, m);
		unread += !m->fai && there(w, f, m) && !(m->flags & PM_MSGFLAG_READ);
	}
	if (pm_mk_put_text(mk, props, PM_ID_DISPLAY_NAME, f->name) ||
	    pm_mk_put_u32(mk, props, PM_TAG(PM_ID_CONTENT_COUNT, PM_PT_I4), messages) ||
	    pm_mk_put_u32(mk, props, PM_TAG(PM_ID_CONTENT_UNREAD, PM_PT_I4), unread) ||
	    pm_mk_put_u32(mk, props, PM_TAG(PM_ID_SUBFOLDERS, PM_PT_BOOL),
			  has_children(mk, f->nid)))
		return w->ctx->rc;
	if (f->class && pm_mk_put_text(mk, props, PM_ID_CONTAINER_CLASS, f->class))
		return w->ctx->rc;
	return assoc ? pm_mk_put_u32(mk, props, PM_TAG(PM_ID_ASSOC_COUNT, PM_PT_I4), assoc) : PM_OK;
}

enum pm_rc pm_mkw_empty(struct pm_mkw *w, pm_nid nid, pm_nid template)
{
	const struct pm_map_entry *e = pm_map_find(&w->templates, template);

	if (!e)
		return pm_fail(w->ctx, PM_EBUG, "no template 0x%x", template);
	return pm_layout_node(&w->l, nid, e->value, 0, 0);
}

/* Store a table; one without rows is its template. */
static enum pm_rc put_table(struct pm_mkw *w, struct pm_table *t, pm_nid nid, pm_nid template)
{
	pm_bid data, sub;
	enum pm_rc rc;

	if (!pm_table_count(t))
		return pm_mkw_empty(w, nid, template);
	rc = pm_table_build(t, &w->l.sink, &data, &sub);
	return rc ? rc : pm_layout_node(&w->l, nid, data, sub, 0);
}

static enum pm_rc hierarchy(struct pm_mkw *w, pm_nid nid, const struct pm_mk_props *spam)
{
	struct pm_table t;
	enum pm_rc rc = pm_template_table(w->ctx, w->l.sink.fmt, 0x60D, &t);

	if (rc == PM_OK && spam)
		rc = pm_mkw_row(w, &t, NID_SPAM, spam);
	for (size_t i = 0; i < w->mk->folders.n && rc == PM_OK; i++) {
		const struct pm_mk_folder *f = w->mk->folders.v[i];
		struct pm_mk_props props = {0};

		if (f->parent != nid)
			continue;
		rc = folder_props(w, f, &props);
		if (rc == PM_OK)
			rc = pm_mkw_row(w, &t, f->nid, &props);
		pm_vec_done(&props.v);
	}
	if (rc == PM_OK)
		rc = put_table(w, &t, pm_folder_companion(nid, PM_NT_HIERARCHY), 0x60D);
	pm_table_done(&t);
	return rc;
}

/* The contents table, or that of associated messages. */
static enum pm_rc contents(struct pm_mkw *w, const struct pm_mk_folder *f, bool fai)
{
	pm_nid template = fai ? 0x60F : 0x60E;
	struct pm_table t;
	enum pm_rc rc = pm_template_table(w->ctx, w->l.sink.fmt, template, &t);

	for (size_t i = 0; i < count(f) && rc == PM_OK; i++) {
		const struct pm_mk_message *m = nth(f, i);
		bool old = w->phase == PM_MKW_OLD && (m->was || m->deleted || m->moved_from);

		if (m->fai == fai && there(w, f, m))
			rc = pm_mkw_row(w, &t, m->nid, &m->row[old]);
	}
	if (rc == PM_OK)
		rc = put_table(
			w, &t,
			pm_folder_companion(f->nid, fai ? PM_NT_ASSOC_CONTENTS : PM_NT_CONTENTS),
			template);
	pm_table_done(&t);
	return rc;
}

static enum pm_rc folder(struct pm_mkw *w, const struct pm_mk_folder *f)
{
	struct pm_mk_props props = {0};
	pm_bid data, sub;
	enum pm_rc rc = folder_props(w, f, &props);

	if (rc == PM_OK)
		rc = pm_mkw_pc(w, &props, &data, &sub);
	if (rc == PM_OK)
		rc = pm_layout_node(&w->l, f->nid, data, sub, f->parent);
	pm_vec_done(&props.v);
	if (rc == PM_OK)
		rc = hierarchy(w, f->nid, NULL);
	if (rc == PM_OK)
		rc = contents(w, f, false);
	return rc ? rc : contents(w, f, true);
}

static enum pm_rc message(struct pm_mkw *w, const struct pm_mk_folder *f, struct pm_mk_message *m)
{
	const bool old = w->phase == PM_MKW_OLD;
	const struct pm_mk_folder *in = old && m->moved_from ? m->moved_from : f;
	const pm_bid from = w->l.next_block;
	pm_bid data, sub;
	enum pm_rc rc;

	if (!pm_mkw_wants(w, m->nid) || !there(w, in, m))
		return PM_OK;
	rc = pm_mkw_message(w, m, &m->row[old], &data, &sub);
	if (rc == PM_OK && old) {
		m->old_data = data;
		m->old_from = from;
		m->old_end = w->l.next_block;
	}
	return rc ? rc : pm_layout_node(&w->l, m->nid, data, sub, in->nid);
}

enum pm_rc pm_mkw_folders(struct pm_mkw *w)
{
	struct pm_mk *mk = w->mk;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < mk->folders.n; i++)
		for (size_t k = 0; k < mk->folders.v[i]->messages.n && rc == PM_OK; k++)
			rc = message(w, mk->folders.v[i], mk->folders.v[i]->messages.v[k]);
	for (size_t i = 0; i < mk->folders.n && rc == PM_OK; i++)
		if (pm_mkw_wants(w, mk->folders.v[i]->nid))
			rc = folder(w, mk->folders.v[i]);
	return rc;
}

enum pm_rc pm_mkw_root(struct pm_mkw *w)
{
	const struct pm_mk_folder spam = {.nid = NID_SPAM, .name = "SPAM Search Folder 2"};
	const struct pm_mk_folder root = {.nid = 0x122, .parent = 0x122, .name = ""};
	struct pm_mk_props props = {0}, own = {0};
	pm_bid data, sub;
	enum pm_rc rc = folder_props(w, &spam, &props);

	if (rc == PM_OK)
		rc = pm_mkw_pc(w, &props, &data, &sub);
	if (rc == PM_OK)
		rc = pm_layout_node(&w->l, NID_SPAM, data, sub, root.nid);
	if (rc == PM_OK)
		rc = pm_layout_node(&w->l, NID_SPAM_SUQ, 0, 0, 0);
	if (rc == PM_OK)
		rc = pm_mkw_empty(w, NID_SPAM_CRI, NID_SPAM_CRI);
	if (rc == PM_OK)
		rc = pm_mkw_empty(w, NID_SPAM_TC, 0x610);
	if (rc == PM_OK)
		rc = folder_props(w, &root, &own);
	if (rc == PM_OK)
		rc = pm_mkw_pc(w, &own, &data, &sub);
	if (rc == PM_OK)
		rc = pm_layout_node(&w->l, root.nid, data, sub, root.nid);
	if (rc == PM_OK)
		rc = hierarchy(w, root.nid, &props);
	if (rc == PM_OK)
		rc = contents(w, &root, false);
	if (rc == PM_OK)
		rc = contents(w, &root, true);
	pm_vec_done(&props.v);
	pm_vec_done(&own.v);
	return rc;
}
