/* SPDX-License-Identifier: Apache-2.0 */
/* Items that are no mail; see gw.h. */
#include "export/gw.h"

#include "base/text.h"
#include "base/time.h"
#include "export/body.h"
#include "export/rtf_html.h"

enum { KEY_MAX = 256, VALUES_MAX = 1 << 20, LINE = 75 };

/* ---- properties ---- */

static const uint8_t sets[][16] = {
	[PM_GW_ADDRESS] = {4, 0x20, 6, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46},
	[PM_GW_APPOINTMENT] = {2, 0x20, 6, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46},
	[PM_GW_TASK] = {3, 0x20, 6, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46},
	[PM_GW_COMMON] = {8, 0x20, 6, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46},
	[PM_GW_MEETING] = {0x90, 0xDA, 0xD8, 0x6E, 0x0B, 0x45, 0x1B, 0x10, 0x98, 0xDA, 0, 0xAA, 0,
			   0x3F, 0x13, 0x05},
};

uint16_t pm_gw_id(const struct pm_gw *g, enum pm_gw_set set, uint32_t lid)
{
	return pm_names_id(g->names, sets[set], lid);
}

static bool usable(enum pm_rc rc)
{
	return rc == PM_OK || rc == PM_DAMAGED;
}

const char *pm_gw_clean(struct pm_gw *g, const char *s, size_t n)
{
	struct pm_buf text = {0}, out = {0};
	const char *copy;

	pm_utf8_clean(g->ctx, &text, s, n, NULL);
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if ((c >= ' ' && c != 0x7F) || c == '\n' || c == '\t')
			pm_buf_byte(g->ctx, &out, c);
	}
	while (out.n && pm_ascii_isspace(out.p[out.n - 1]))
		out.n--;
	copy = pm_arena_strdup(g->ctx, &g->arena, pm_buf_cstr(g->ctx, &out));
	pm_buf_done(&text);
	pm_buf_done(&out);
	return copy;
}

const char *pm_gw_text(struct pm_gw *g, uint16_t id)
{
	struct pm_buf text = {0};
	const char *s = NULL;

	if (id && usable(pm_pc_string(&g->m->pc, id, g->m->codepage, &text)) && text.n)
		s = pm_gw_clean(g, (const char *)text.p, text.n);
	pm_buf_done(&text);
	return s && *s ? s : NULL;
}

uint32_t pm_gw_u32(struct pm_gw *g, uint16_t id, uint32_t otherwise)
{
	uint32_t v = otherwise;

	return id && usable(pm_pc_u32(&g->m->pc, id, &v)) ? v : otherwise;
}

uint64_t pm_gw_time(struct pm_gw *g, uint16_t id)
{
	uint64_t v = 0;

	return id && usable(pm_pc_time(&g->m->pc, id, &v)) && pm_time_is_set(v) ? v : 0;
}

struct pm_span pm_gw_bytes(struct pm_gw *g, uint16_t id, size_t max)
{
	struct pm_buf b = {0};
	struct pm_span s = {0};

	if (id && pm_pc_binary(&g->m->pc, id, max, &b) == PM_OK && b.n) {
		s.p = pm_arena_dup(g->ctx, &g->arena, b.p, b.n);
		s.n = s.p ? b.n : 0;
	}
	pm_buf_done(&b);
	return s;
}

double pm_gw_double(struct pm_gw *g, uint16_t id)
{
	struct pm_span s = pm_gw_bytes(g, id, 8);
	double d = 0;

	if (s.n == sizeof(d)) {
		uint64_t bits = pm_le64(s.p);

		memcpy(&d, &bits, sizeof(d));
	}
	return d;
}

const char **pm_gw_categories(struct pm_gw *g)
{
	uint16_t id = pm_names_string(g->names, pm_uid_strings, "Keywords");
	const struct pm_prop *p = id ? pm_pc_find(&g->m->pc, id) : NULL;
	struct pm_span s;
	struct pm_mv mv;
	const char **list;
	size_t n = 0;

	if (!p || !(p->type & PM_PT_MV))
		return NULL;
	s = pm_gw_bytes(g, id, VALUES_MAX);
	mv = pm_mv_open(p->type & (uint16_t)~PM_PT_MV, s);
	list = pm_arena_alloc(g->ctx, &g->arena, ((size_t)mv.n + 1) * sizeof(*list));
	for (uint32_t i = 0; list && i < mv.n; i++) {
		struct pm_buf text = {0};

		if (usable(pm_text_of(g->ctx, mv.type, pm_mv_item(&mv, i), g->m->codepage,
				      &text)) &&
		    text.n)
			list[n++] = pm_gw_clean(g, (const char *)text.p, text.n);
		pm_buf_done(&text);
	}
	return n ? list : NULL;
}

const char *pm_gw_body(struct pm_gw *g, struct pm_notes *notes)
{
	struct pm_bodies b = {0};
	const char *s = NULL;

	if (!pm_bodies_load(g->m, notes, &b)) {
		if (!b.text.n && b.rtf.n)
			pm_rtf_to_text(g->ctx, &b.text, b.rtf.p, b.rtf.n, VALUES_MAX, NULL);
		if (b.text.n)
			s = pm_gw_clean(g, (const char *)b.text.p, b.text.n);
	}
	pm_bodies_done(&b);
	return s && *s ? s : NULL;
}

const char *pm_gw_uid(struct pm_gw *g, const struct pm_store *store)
{
	struct pm_span key = pm_gw_bytes(g, PM_ID_SEARCH_KEY, KEY_MAX);
	struct pm_buf b = {0};
	const char *s;

	if (!key.n) {
		key = (struct pm_span){store->key, sizeof(store->key), 0};
		pm_buf_printf(g->ctx, &b, "%08X-", g->m->nid);
	}
	for (size_t i = 0; i < key.n; i++)
		pm_buf_printf(g->ctx, &b, "%02X", key.p[i]);
	s = pm_arena_strdup(g->ctx, &g->arena, pm_buf_cstr(g->ctx, &b));
	pm_buf_done(&b);
	return s;
}

/* ---- files ---- */

void pm_gw_line(struct pm_ctx *ctx, struct pm_buf *out, const void *text, size_t n)
{
	const uint8_t *p = text;
	size_t column = 0;

	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t len = pm_utf8_next(p + i, n - i, &c);

		if (column + len > LINE) {
			pm_buf_str(ctx, out, "\r\n ");
			column = 1;
		}
		pm_buf_add(ctx, out, p + i, len);
		column += len;
		i += len;
	}
	pm_buf_str(ctx, out, "\r\n");
}

struct gw_form {
	struct pm_exporter base; /* first */
	const struct pm_gw_writer *writer;
	struct pm_output *file; /* NULL: none is open */
	const char *name;       /* of the folder's file */
	struct pm_buf out;
	struct pm_gw_zones zones;
};

enum pm_rc pm_gw_open(struct pm_export *ex, const struct pm_exporter_ops *ops,
		      const struct pm_gw_writer *writer, struct pm_exporter **ret)
{
	struct gw_form *f = pm_calloc(ex->ctx, 1, sizeof(*f));

	if (!f)
		return PM_ENOMEM;
	f->base.ops = ops;
	f->base.ex = ex;
	f->writer = writer;
	*ret = &f->base;
	return PM_OK;
}

static void drop_zones(struct pm_gw_zones *z)
{
	pm_vec_done(&z->v);
	pm_arena_done(&z->arena);
}

static enum pm_rc begin_file(struct gw_form *f, const char *name)
{
	enum pm_rc rc = pm_outdir_create(&f->base.ex->dir, name, &f->file);

	drop_zones(&f->zones);
	pm_buf_clear(&f->out);
	if (f->writer->begin)
		pm_buf_str(f->base.ex->ctx, &f->out, f->writer->begin);
	return rc ? rc : f->base.ex->ctx->rc;
}

static enum pm_rc flush(struct gw_form *f)
{
	enum pm_rc rc = f->base.ex->ctx->rc;

	if (!rc && f->out.n)
		rc = pm_output_append(f->file, f->out.p, f->out.n);
	pm_buf_clear(&f->out);
	return rc;
}

static enum pm_rc end_file(struct gw_form *f)
{
	enum pm_rc rc;

	if (f->writer->end)
		pm_buf_str(f->base.ex->ctx, &f->out, f->writer->end);
	rc = flush(f);
	if (!rc)
		rc = pm_output_commit(f->file);
	pm_output_free(f->file);
	f->file = NULL;
	return rc;
}

/* Folders without such items leave no trace, so a file begins with the first of them. */
static enum pm_rc begin_joined(struct gw_form *f, struct pm_export_folder *folder)
{
	struct pm_export *ex = f->base.ex;
	struct pm_buf name = {0};
	enum pm_rc rc = PM_OK;

	pm_buf_printf(ex->ctx, &name, "%s%s", folder->file, f->base.ops->suffix);
	f->name = pm_arena_strdup(ex->ctx, &ex->arena, pm_buf_cstr(ex->ctx, &name));
	pm_buf_done(&name);
	if (strchr(folder->file, '/') && !ex->ctx->rc)
		rc = pm_export_make_dir(ex, folder->parent);
	return rc || ex->ctx->rc ? ex->ctx->rc : begin_file(f, f->name);
}

enum pm_rc pm_gw_item(struct pm_exporter *e, struct pm_export_item *it, const struct pm_mime *ahead,
		      const char **ret_file)
{
	struct gw_form *f = (struct gw_form *)e;
	bool join = e->ex->opts->join;
	enum pm_rc rc = PM_OK;

	(void)ahead;
	*ret_file = join ? f->name : pm_export_item_file(e->ex, it, false, e->ops->suffix);
	if (!join)
		rc = pm_export_make_dir(e->ex, it->folder);
	if (!rc && !join && !e->ex->ctx->rc)
		rc = begin_file(f, *ret_file);
	if (!rc && join && !f->file) {
		rc = begin_joined(f, it->folder);
		*ret_file = f->name;
	}
	if (!rc && !e->ex->ctx->rc)
		rc = f->writer->write(e->ex, it, &f->zones, &f->out);
	if (!rc)
		rc = join ? flush(f) : end_file(f);
	return rc ? rc : e->ex->ctx->rc;
}

/* Only where a file holds a folder; then it is begun with the folder's first item. */
enum pm_rc pm_gw_replay(struct pm_exporter *e, struct pm_export_item *it, const char *file)
{
	struct gw_form *f = (struct gw_form *)e;

	(void)file;
	return e->ex->opts->join && !f->file ? begin_joined(f, it->folder) : PM_OK;
}

enum pm_rc pm_gw_end_folder(struct pm_exporter *e, struct pm_export_folder *folder)
{
	struct gw_form *f = (struct gw_form *)e;

	(void)folder;
	return f->file ? end_file(f) : PM_OK;
}

void pm_gw_free(struct pm_exporter *e)
{
	struct gw_form *f = (struct gw_form *)e;

	pm_output_free(f->file);
	pm_buf_done(&f->out);
	drop_zones(&f->zones);
	pm_free(f);
}
