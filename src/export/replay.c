/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An export that goes on: what the journal has in place of items, and the checkpoints that it is
 * made of (export/journal.h).
 */
#include "export/exporter.h"

#include "base/quote.h"

static void word(struct pm_buf *b, struct pm_ctx *ctx, const char *name, const char *value)
{
	if (value)
		pm_buf_printf(ctx, b, " --%s '%s'", name, value);
}

static void number(struct pm_buf *b, struct pm_ctx *ctx, const char *name, uint64_t value)
{
	if (value)
		pm_buf_printf(ctx, b, " --%s %llu", name, (unsigned long long)value);
}

void pm_export_options_text(struct pm_ctx *ctx, const struct pm_export_options *o,
			    struct pm_buf *out)
{
	const struct pm_choice *c = &o->choice;
	const struct {
		const char *name;
		bool is;
	} flags[] = {
		{"mark", o->mark},
		{"join", o->join},
		{"deleted", o->deleted},
		{"evidence", o->evidence != NULL},
		{"md5", o->evidence && o->evidence->md5},
		{"has-attachment", c->has_attachment},
		{"recovered", c->recovered},
		{"exclude-duplicates", c->no_duplicates},
	};

	if (o->form->only_attachments)
		pm_buf_str(ctx, out, "--attachments-only");
	else
		pm_buf_printf(ctx, out, "--format %s", o->form->name);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].is)
			pm_buf_printf(ctx, out, " --%s", flags[i].name);
	if (o->evidence)
		number(out, ctx, "load-file", o->evidence->load);
	number(out, ctx, "split", o->split);
	number(out, ctx, "since", c->since);
	number(out, ctx, "until", c->until);
	word(out, ctx, "folder", c->folder);
	word(out, ctx, "class", c->class);
	word(out, ctx, "from", c->from);
	word(out, ctx, "to", c->to);
	word(out, ctx, "subject", c->subject);
}

/* ---- checkpoints ---- */

enum pm_rc pm_export_checkpoint(struct pm_export *ex, struct pm_exporter *form, bool all)
{
	struct pm_journal_sizes sizes = {0};
	enum pm_rc rc = PM_OK;

	if (!pm_journal_is_due(ex->dir.journal, all))
		return PM_OK;
	if (form->ops->flush)
		rc = form->ops->flush(form, &sizes.mail);
	if (!rc)
		rc = pm_outdir_flush(&ex->dir, &sizes.map);
	if (ex->evidence)
		sizes.inventory = pm_evidence_size(ex->evidence);
	return rc ? rc : pm_journal_checkpoint(ex->dir.journal, &sizes);
}

/* ---- going over it again ---- */

/* The model and the journal must tell of the same items: bad sectors may come and go. */
static enum pm_rc fail_other(struct pm_export *ex, pm_nid nid)
{
	return pm_fail(
		ex->ctx, PM_EUSAGE,
		"%s: at item 0x%X the journal tells of another one: the file doesn't read as "
		"it did; begin again with --force",
		pm_quote(ex->dir.path).s, nid);
}

/* Behind the last step all goes on as if it had never stopped. */
static enum pm_rc go_on(struct pm_export *ex, struct pm_exporter *form)
{
	const struct pm_journal_sizes *sizes = pm_journal_sizes(ex->dir.journal);
	enum pm_rc rc;

	pm_journal_take(ex->dir.journal);
	if (pm_journal_replays(ex->dir.journal))
		return ex->ctx->rc;
	rc = pm_outdir_resume(&ex->dir);
	if (!rc && ex->evidence)
		rc = pm_evidence_resume(ex->evidence, sizes->inventory);
	if (!rc && form->ops->resume)
		rc = form->ops->resume(form, sizes->mail);
	return rc ? rc : ex->ctx->rc;
}

static enum pm_rc replay_written(struct pm_export *ex, struct pm_exporter *form,
				 struct pm_export_item *it, const struct pm_journal_step *s)
{
	struct pm_export_counts *a = &it->folder->attachments;
	enum pm_rc rc = PM_OK;

	a->whole += s->attachments[0];
	a->partial += s->attachments[1];
	a->lost += s->attachments[2];
	a->expected += s->attachments[0] + s->attachments[1] + s->attachments[2];
	if (s->state > PM_ITEM_LOST)
		return fail_other(ex, s->nid);
	if (s->hash)
		rc = pm_seen_add(ex->ctx, &ex->seen, s->hash, s->nid);
	if (!rc && s->file && form->ops->replay)
		rc = form->ops->replay(form, it, s->file);
	it->number = s->number;
	return rc ? rc
		  : pm_export_account(ex, it->folder, s->nid, (enum pm_item_state)s->state,
				      s->subject, s->file, s->why);
}

enum pm_rc pm_export_replay_item(struct pm_export *ex, struct pm_exporter *form,
				 struct pm_export_item *it, pm_nid nid)
{
	struct pm_journal_step s;
	enum pm_rc rc = PM_OK;

	if (!pm_journal_peek(ex->dir.journal, &s) || s.nid != nid)
		return fail_other(ex, nid);
	if (s.kind == PM_JOURNAL_ITEM)
		rc = replay_written(ex, form, it, &s);
	else if (s.kind == PM_JOURNAL_SKIPPED)
		pm_export_skip(it->folder, s.state < PM_LEFT_OUTS ? s.state : 0);
	else if (s.kind == PM_JOURNAL_DUPLICATE)
		rc = pm_export_duplicate(ex, it->folder, nid, s.of, s.subject);
	else
		rc = fail_other(ex, nid);
	return rc ? rc : go_on(ex, form);
}

enum pm_rc pm_export_replay_end(struct pm_export *ex, struct pm_exporter *form,
				struct pm_export_folder *f)
{
	struct pm_journal_step s;
	enum pm_rc rc = PM_OK;

	while (!rc && pm_journal_peek(ex->dir.journal, &s) && s.kind == PM_JOURNAL_ROW) {
		f->expected++;
		f->only_rows++;
		rc = pm_export_account(ex, f, s.nid, PM_ITEM_LOST, s.subject, NULL, s.why);
		pm_journal_take(ex->dir.journal);
	}
	if (!rc && (s.kind != PM_JOURNAL_FOLDER || s.nid != f->nid))
		rc = fail_other(ex, f->nid);
	return rc ? rc : go_on(ex, form);
}
