/* SPDX-License-Identifier: Apache-2.0 */
/* Deleted mail in reports; see undeleted.h. */
#include "cli/undeleted.h"

#include "msg/message.h"
#include "msg/store.h"

enum { FLAWS_MAX = 16 };

static const struct pm_column item_cols[] = {
	{"state", "State", PM_AS_TEXT, 0},      {"nid", "Node", PM_AS_HEX, 0},
	{"was", "It was", PM_AS_HEX, 0},        {"was_in", "It was in", PM_AS_TEXT, 40},
	{"date", "Date", PM_AS_TIME, 0},        {"sender", "From", PM_AS_TEXT, 24},
	{"subject", "Subject", PM_AS_TEXT, 40}, {"class", NULL, PM_AS_TEXT, 0},
	{"provenance", NULL, PM_AS_TEXT, 0},    {"known_from", "Known from", PM_AS_TEXT, 0},
	{"missing", "Missing", PM_AS_TEXT, 0},
};

/* `missing` NULL: it is whole. */
static void print_item(struct pm_printer *out, const struct pm_undeleted *u, const char *missing)
{
	const struct pm_column *c = item_cols;

	pm_print_begin_row(out);
	pm_print_text(out, &c[0], missing ? "partial" : "whole");
	pm_print_uint(out, &c[1], u->item->nid);
	if (u->item->was)
		pm_print_uint(out, &c[2], u->item->was);
	else
		pm_print_null(out, &c[2]);
	pm_print_text(out, &c[3], u->was_in);
	if (u->date)
		pm_print_uint(out, &c[4], u->date);
	else
		pm_print_null(out, &c[4]);
	pm_print_text(out, &c[5], u->sender);
	pm_print_text(out, &c[6], u->subject);
	pm_print_text(out, &c[7], u->message_class);
	pm_print_text(out, &c[8], pm_origin_name(PM_FROM_DELETED));
	pm_print_text(out, &c[9], pm_deleted_from_name(u->item->from));
	pm_print_text(out, &c[10], missing);
	pm_print_end(out);
}

static void begin_items(struct pm_cli *cli, const char *label)
{
	const struct pm_column list = {"deleted", label, PM_AS_TEXT, 0};

	pm_print_begin_table(cli->out, &list, item_cols, sizeof(item_cols) / sizeof(item_cols[0]));
}

static void print_left_out(struct pm_cli *cli, const struct pm_deleted *d)
{
	static const struct pm_column map = {
		"deleted_left_out", "Older contents that are no deleted items", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"living", "Of items that live", PM_AS_DEC, 0},
		{"older", "Older ones of those above", PM_AS_DEC, 0},
		{"taken", "Blocks are others' now", PM_AS_DEC, 0},
	};

	pm_print_begin_map(cli->out, &map);
	pm_print_uint(cli->out, &cols[0], d->living);
	pm_print_uint(cli->out, &cols[1], d->older);
	pm_print_uint(cli->out, &cols[2], d->taken);
	pm_print_end(cli->out);
}

static void print_none(struct pm_cli *cli)
{
	pm_print_para(cli->out, "No deleted mail was found that is not in the file anyway.");
}

/* ---- of a repair ---- */

static const char *missing(const struct pm_run *run, pm_nid nid)
{
	const struct pm_map_entry *e = pm_map_find(&run->repair.casualty_of, nid);

	return e ? run->repair.casualties.v[e->value].reason : NULL;
}

void pm_print_undeleted(struct pm_cli *cli, const struct pm_run *run)
{
	const struct pm_repair *r = &run->repair;
	size_t partial = 0;

	for (size_t i = 0; i < r->undeleted.n; i++)
		partial += missing(run, r->undeleted.v[i].item->nid) != NULL;
	if (r->undeleted.n)
		pm_print_para(cli->out, "%zu deleted items: %zu whole, %zu partial.",
			      r->undeleted.n, r->undeleted.n - partial, partial);
	else
		print_none(cli);
	begin_items(cli, r->undeleted.n ? "Deleted, brought back" : NULL);
	for (size_t i = 0; i < r->undeleted.n; i++)
		print_item(cli->out, &r->undeleted.v[i], missing(run, r->undeleted.v[i].item->nid));
	pm_print_end(cli->out);
	print_left_out(cli, run->an->deleted);
}

/* ---- where they are only read ---- */

/* What is missing, in `out`. */
static enum pm_rc assess(struct pm_ctx *ctx, const struct pm_deleted_item *it, struct pm_message *m,
			 struct pm_buf *out)
{
	struct pm_flaws flaws = {0};
	enum pm_rc rc = pm_message_assess(m, FLAWS_MAX, &flaws);

	pm_buf_clear(out);
	if (it->lacks)
		pm_buf_str(ctx, out, it->lacks);
	for (size_t i = 0; i < flaws.v.n; i++)
		pm_buf_printf(ctx, out, "%s%s", out->n ? "; " : "", flaws.v.v[i].text);
	if (flaws.worst != PM_OK && !out->n)
		pm_buf_str(ctx, out, "a part of it is damaged");
	pm_flaws_done(&flaws);
	return pm_is_error(rc) ? rc : ctx->rc;
}

static enum pm_rc read_item(struct pm_cli *cli, struct pm_model *model, uint32_t codepage,
			    const struct pm_deleted_item *it, struct pm_buf *scratch)
{
	struct pm_ctx *ctx = &cli->ctx;
	struct pm_undeleted u = {.item = it};
	struct pm_buf was_in = {0};
	struct pm_message m;
	enum pm_rc rc = pm_model_was_in(model, it->folder, &was_in), opened;

	opened = pm_message_open_node(&model->an->db, it->nid, codepage, &m);
	if (!rc)
		rc = pm_is_error(opened) ? opened : assess(ctx, it, &m, scratch);
	if (!rc) {
		u.subject = m.subject;
		u.sender = m.sender_name ? m.sender_name
			   : m.repr_name ? m.repr_name
					 : m.sender_email;
		u.message_class = m.message_class;
		u.date = m.delivery ? m.delivery : m.submit;
		if (was_in.n)
			u.was_in = pm_strdup(ctx, pm_buf_cstr(ctx, &was_in));
		print_item(cli->out, &u, scratch->n ? pm_buf_cstr(ctx, scratch) : NULL);
		pm_free(u.was_in);
	}
	pm_message_close(&m);
	pm_buf_done(&was_in);
	return rc;
}

enum pm_rc pm_print_deleted(struct pm_cli *cli, struct pm_model *model)
{
	const struct pm_deleted *d = model->an->deleted;
	struct pm_buf scratch = {0};
	struct pm_store store;
	enum pm_rc rc = pm_store_open(&model->an->db, &store);

	rc = pm_is_error(rc) ? rc : PM_OK;
	if (!d->items.n)
		print_none(cli);
	begin_items(cli, d->items.n ? "Deleted" : NULL);
	for (size_t i = 0; i < d->items.n && !rc; i++)
		rc = read_item(cli, model, store.codepage, &d->items.v[i], &scratch);
	pm_print_end(cli->out);
	print_left_out(cli, d);
	pm_store_close(&store);
	pm_buf_done(&scratch);
	return rc;
}
