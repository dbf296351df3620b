/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over folders and items; see exporter.h. */
#include "export/exporter.h"

#include "base/quote.h"
#include "base/stats.h"
#include "base/text.h"
#include "base/time.h"
#include "export/ahead.h"
#include "export/rows.h"
#include "recover/deleted.h"

/* Paths longer than this begin again at the top: systems have limits. */
enum { PATH_BYTES_MAX = 2000, FLAWS_MAX = 50 };

const struct pm_exporter_ops *const pm_export_forms[] = {
	&pm_exporter_eml,
	&pm_exporter_mbox,
	&pm_exporter_mboxo,
	&pm_exporter_mboxcl2,
	&pm_exporter_maildir,
	&pm_exporter_kmail,
	&pm_exporter_vcard,
	&pm_exporter_vcard3,
	&pm_exporter_ical,
	&pm_exporter_attachments,
	NULL,
};

/* What a walk carries along. */
struct walk {
	struct pm_export *ex;
	struct pm_exporter *form;
	struct pm_buf name, path;
	struct pm_rows rows; /* of the folder at hand */
	struct pm_ahead *ahead;
	size_t at; /* in its line: the item at hand */
};

/* ---- names ---- */

/* The safe name of a folder among its siblings, appended to `out`. */
static enum pm_rc safe_name(struct walk *w, struct pm_name_set *taken, struct pm_buf *out)
{
	struct pm_ctx *ctx = w->ex->ctx;
	const char *suffix = w->ex->opts->form->suffix;
	size_t n = strlen(suffix);
	struct pm_buf safe = {0};
	enum pm_rc rc = PM_OK;

	pm_name_safe(ctx, &safe, w->name.p, w->name.n, PM_NAME_MAX - 10);
	/* No file and no directory may want the same name. */
	for (size_t i = 0; w->ex->opts->form->only_attachments && i < safe.n; i++)
		if (safe.p[i] == '(')
			safe.p[i] = '_';
	if (n && safe.n >= n && pm_ascii_ncasecmp(safe.p + safe.n - n, suffix, n) == 0)
		pm_buf_byte(ctx, &safe, '_');
	if (!ctx->rc)
		rc = pm_name_take(ctx, taken, pm_buf_cstr(ctx, &safe), out);
	pm_buf_done(&safe);
	return rc ? rc : ctx->rc;
}

static enum pm_rc new_folder(struct walk *w, uint32_t index, struct pm_export_folder *parent,
			     struct pm_name_set *taken, struct pm_export_folder **ret)
{
	struct pm_export *ex = w->ex;
	const struct pm_model_folder *mf = &ex->model->folders.v[index];
	struct pm_export_folder *f = pm_arena_alloc(ex->ctx, &ex->arena, sizeof(*f)), **slot;
	const char *up = parent && strlen(parent->file) < PATH_BYTES_MAX ? parent->file : NULL;
	struct pm_buf file = {0};
	enum pm_rc rc = f ? PM_OK : PM_ENOMEM;

	pm_buf_clear(&w->name);
	pm_buf_clear(&w->path);
	if (!rc)
		rc = pm_model_name(ex->model, index, &w->name);
	if (!rc)
		rc = pm_model_path(ex->model, index, &w->path);
	if (!rc && index == ex->model->root)
		pm_buf_str(ex->ctx, &w->name, "Root folder");
	if (up)
		pm_buf_printf(ex->ctx, &file, "%s/", up);
	else if (!rc && parent)
		pm_buf_printf(ex->ctx, &w->name, " %X", mf->nid);
	if (!rc)
		rc = safe_name(w, up ? taken : &ex->top, &file);
	if (!rc) {
		f->parent = parent;
		f->nid = mf->nid;
		f->index = index;
		f->expected = f->nodes = mf->n_messages;
		f->path = pm_arena_strdup(ex->ctx, &ex->arena, pm_buf_cstr(ex->ctx, &w->path));
		f->file = pm_arena_strdup(ex->ctx, &ex->arena, pm_buf_cstr(ex->ctx, &file));
		*ret = f;
		slot = ex->wanted[index] == PM_FOLDER_WRITTEN ? pm_vec_push(ex->ctx, &ex->folders)
							      : NULL;
		if (slot)
			*slot = f;
		rc = ex->ctx->rc;
	}
	pm_buf_done(&file);
	return rc;
}

enum pm_rc pm_export_make_dir(struct pm_export *ex, struct pm_export_folder *f)
{
	struct pm_buf part = {0};
	enum pm_rc rc = PM_OK;

	if (f->made)
		return PM_OK;
	/* A folder without mail of its own may not have been made yet. */
	for (const char *p = f->file; *p && !rc; p++) {
		if (*p == '/')
			rc = pm_outdir_mkdir(&ex->dir, pm_buf_cstr(ex->ctx, &part));
		pm_buf_byte(ex->ctx, &part, (uint8_t)*p);
	}
	if (!rc)
		rc = pm_outdir_mkdir(&ex->dir, pm_buf_cstr(ex->ctx, &part));
	f->made = !rc;
	pm_buf_done(&part);
	return rc ? rc : ex->ctx->rc;
}

const char *pm_export_item_file(struct pm_export *ex, const struct pm_export_item *it, bool dated,
				const char *suffix)
{
	const struct pm_message *m = it->msg;
	const char *subject = m->subject ? m->subject : "", *name;
	uint64_t t = pm_time_is_set(m->delivery) ? m->delivery : m->submit;
	struct pm_buf b = {0}, stem = {0};
	struct pm_civil c;

	if (dated && pm_time_is_set(t)) {
		pm_time_civil(t, &c);
		pm_buf_printf(ex->ctx, &stem, "%04lld%02d%02d-%02d%02d%02d", (long long)c.year,
			      c.month, c.day, c.hour, c.minute, c.second);
	} else if (dated) {
		pm_buf_str(ex->ctx, &stem, "undated");
	}
	if (*subject)
		pm_buf_printf(ex->ctx, &stem, "%s%s", dated ? " " : "", subject);
	pm_buf_printf(ex->ctx, &b, "%s/", it->folder->file);
	pm_name_safe(ex->ctx, &b, stem.p, stem.n, PM_NAME_MAX - 20);
	pm_buf_printf(ex->ctx, &b, " (%x)%s", m->nid, suffix);
	name = pm_arena_strdup(ex->ctx, &it->notes->arena, pm_buf_cstr(ex->ctx, &b));
	pm_buf_done(&b);
	pm_buf_done(&stem);
	return name;
}

/* ---- items ---- */

static const char *const state_names[] = {"whole", "partial", "lost"};

/* How an item is known. */
static const char *provenance(struct pm_export *ex, pm_nid nid)
{
	const struct pm_node *n = pm_ndb_find_node(&ex->an->db, nid);

	return pm_origin_name(n ? n->origin : PM_FROM_TREE);
}

enum pm_rc pm_export_account(struct pm_export *ex, struct pm_export_folder *f, pm_nid nid,
			     enum pm_item_state state, const char *subject, const char *file,
			     const char *why)
{
	struct pm_export_loss *slot;

	if (state == PM_ITEM_WHOLE) {
		f->whole++;
		return PM_OK;
	}
	*(state == PM_ITEM_PARTIAL ? &f->partial : &f->lost) += 1;
	slot = pm_vec_push(ex->ctx, &ex->losses);
	if (!slot)
		return ex->ctx->rc;
	*slot = (struct pm_export_loss){.folder = f, .nid = nid, .state = state};
	if (subject)
		slot->subject = pm_arena_strdup(ex->ctx, &ex->arena, subject);
	if (file)
		slot->file = pm_arena_strdup(ex->ctx, &ex->arena, file);
	slot->why = pm_arena_strdup(ex->ctx, &ex->arena, why ? why : "not known");
	return ex->ctx->rc;
}

/* Is there anything of the message that could be written? */
static bool is_empty(const struct pm_message *m)
{
	return m->state == PM_LOST && m->recipients_state != PM_OK &&
	       m->recipients_state != PM_DAMAGED && !m->attachments.n;
}

/* Of a message whose attachments alone are exported only what concerns these counts. */
static enum pm_rc assess(struct pm_export *ex, struct pm_message *m, struct pm_notes *notes)
{
	const struct pm_deleted_item *gone = pm_deleted_of(ex->an, m->nid);
	const struct pm_node *n = pm_ndb_find_node(&ex->an->db, m->nid);
	const bool only_attachments = ex->opts->form->only_attachments;
	struct pm_flaws flaws;
	enum pm_rc rc = pm_message_assess(m, FLAWS_MAX, &flaws);

	if (gone && gone->lacks)
		pm_note_add(m->db->ctx, notes, "%s", gone->lacks);
	if (n && pm_node_doubt(n))
		pm_note_add(m->db->ctx, notes, "%s", pm_node_doubt(n));
	for (size_t i = 0; i < flaws.v.n; i++)
		if (!only_attachments || flaws.v.v[i].what >= PM_FLAW_ATTACHMENTS)
			pm_note_add(m->db->ctx, notes, "%s", flaws.v.v[i].text);
	notes->more += flaws.more;
	pm_flaws_done(&flaws);
	return pm_is_error(rc) ? rc : m->db->ctx->rc;
}

/* Of what has lost its class nobody can say that it is of another kind. */
static bool is_skipped(const struct pm_export *ex, const struct pm_message *m)
{
	bool (*takes)(const char *) = ex->opts->form->takes;

	return takes && m->message_class && !takes(m->message_class);
}

/* Do files hold many items? */
static bool many(const struct pm_export *ex)
{
	return ex->opts->form->many || ex->opts->join;
}

void pm_export_skip(struct pm_export_folder *f, enum pm_left_out why)
{
	f->expected--;
	f->skipped++;
	f->left[why]++;
}

/* What became of the item, for an export that goes on. */
static void note_step(struct pm_export *ex, const struct pm_export_item *it,
		      struct pm_journal_step *s)
{
	s->nid = it->msg->nid;
	s->number = it->number;
	pm_journal_note(ex->dir.journal, s, it->msg->size);
}

/* PM_NONE, and it is counted and noted. */
static enum pm_rc skip(struct walk *w, struct pm_export_item *it, enum pm_left_out why)
{
	pm_export_skip(it->folder, why);
	note_step(w->ex, it, &(struct pm_journal_step){.kind = PM_JOURNAL_SKIPPED, .state = why});
	return PM_NONE;
}

/* PM_NONE: the item is not to be exported, and why. */
static enum pm_rc leave_out(struct pm_export *ex, struct pm_message *m, enum pm_left_out *ret_why)
{
	const struct pm_deleted_item *gone = pm_deleted_of(ex->an, m->nid);
	bool chosen;
	enum pm_rc rc;

	*ret_why = PM_LEFT_KIND;
	if (is_skipped(ex, m))
		return PM_NONE;
	if (gone && ex->opts->choice.folder) {
		*ret_why = PM_LEFT_FOLDER;
		rc = pm_export_chosen_deleted(ex, gone, &chosen);
		if (rc || !chosen)
			return rc ? rc : PM_NONE;
	}
	*ret_why = PM_LEFT_CHOICE;
	return pm_choice_item(&ex->opts->choice, m);
}

enum pm_rc pm_export_duplicate(struct pm_export *ex, struct pm_export_folder *f, pm_nid nid,
			       pm_nid of, const char *subject)
{
	struct pm_export_duplicate *d = pm_vec_push(ex->ctx, &ex->duplicates);

	pm_export_skip(f, PM_LEFT_DUPLICATE);
	if (!d)
		return ex->ctx->rc;
	*d = (struct pm_export_duplicate){.folder = f, .nid = nid, .of = of};
	if (subject)
		d->subject = pm_arena_strdup(ex->ctx, &ex->arena, subject);
	return ex->ctx->rc;
}

/* The same for what was written before; what is damaged never gets here. */
static enum pm_rc leave_out_duplicate(struct walk *w, struct pm_export_item *it,
				      uint8_t ret_hash[PM_SEEN_HASH])
{
	struct pm_export *ex = w->ex;
	const char *subject = it->msg->subject;
	pm_nid of = 0;
	enum pm_rc rc = pm_seen_check(&ex->seen, it->msg, ret_hash, &of);

	if (rc || !of)
		return rc;
	rc = pm_export_duplicate(ex, it->folder, it->msg->nid, of, subject);
	note_step(ex, it,
		  &(struct pm_journal_step){
			  .kind = PM_JOURNAL_DUPLICATE, .of = of, .subject = subject});
	return rc ? rc : PM_NONE;
}

/* What it became, for the inventory. */
static enum pm_rc add_evidence(struct pm_export *ex, const struct pm_export_item *it,
			       enum pm_item_state state, const char *file, const char *why)
{
	const pm_nid nid = it->msg->nid;
	const struct pm_deleted_item *gone = pm_deleted_of(ex->an, nid);
	struct pm_evidence_item e = {.nid = nid,
				     .msg = it->msg,
				     .folder = it->folder->path,
				     .subject = it->msg->subject,
				     .file = file,
				     .state = state_names[state],
				     .why = why,
				     .provenance = provenance(ex, nid),
				     .placed = pm_placed_name(it->placed),
				     .files = it->files,
				     .number = many(ex) ? it->number : 0};
	struct pm_buf was_in = {0};
	enum pm_rc rc = PM_OK;

	if (gone) {
		rc = pm_model_was_in(ex->model, gone->folder, &was_in);
		e.was = gone->was;
		e.was_in = pm_buf_cstr(ex->ctx, &was_in);
		e.known_from = pm_deleted_from_name(gone->from);
	}
	if (!rc)
		rc = pm_evidence_add(ex->evidence, &e);
	pm_buf_done(&was_in);
	return rc;
}

enum pm_ahead_state pm_export_ahead(struct pm_export *ex, struct pm_exporter *form,
				    uint32_t message, struct pm_ahead_item *a)
{
	const struct pm_model_item *mm = &ex->model->messages.v[message];
	struct pm_export_item it = {.msg = &a->msg, .notes = &a->notes, .placed = mm->placed};
	uint32_t size = 0;
	enum pm_rc rc;

	a->msg = (struct pm_message){0};
	if (pm_deleted_of(ex->an, mm->nid))
		return PM_AHEAD_NOT;
	rc = pm_message_open_node(&a->db, mm->nid, ex->store.codepage, &a->msg);

	if (!pm_is_error(rc))
		rc = leave_out(ex, &a->msg, &a->why);
	if (rc == PM_NONE)
		return PM_AHEAD_SKIP;
	if (!pm_is_error(rc))
		rc = assess(ex, &a->msg, &a->notes);
	/* What it lacks may be in the folder's table. */
	if (rc || (a->notes.v.n && !a->msg.subject))
		return PM_AHEAD_NOT;
	if (is_empty(&a->msg))
		return PM_AHEAD_READ;
	/* To find out by rendering that there is no room for it takes as long as to render it. */
	if (pm_pc_u32(&a->msg.pc, PM_ID_MESSAGE_SIZE, &size) == PM_OK && size > PM_AHEAD_MOST)
		return PM_AHEAD_NOT;
	return form->ops->render(form, &a->mime, &it) ? PM_AHEAD_NOT : PM_AHEAD_RENDERED;
}

/* PM_NONE: it is not to be exported, which is counted and noted. */
static enum pm_rc choose_item(struct walk *w, struct pm_export_item *it,
			      const struct pm_ahead_item *ahead)
{
	enum pm_left_out why = ahead ? ahead->why : PM_LEFT_KIND;
	enum pm_rc rc = PM_OK;

	if (!ahead)
		rc = leave_out(w->ex, it->msg, &why);
	else if (ahead->state == PM_AHEAD_SKIP)
		rc = PM_NONE;
	return rc == PM_NONE ? skip(w, it, why) : rc;
}

/* `ahead`: what was done of it before, or NULL. */
static enum pm_rc write_item(struct walk *w, struct pm_export_item *it,
			     const struct pm_ahead_item *ahead)
{
	struct pm_export *ex = w->ex;
	struct pm_message *m = it->msg;
	const char *file = NULL, *why;
	enum pm_item_state state = PM_ITEM_LOST;
	enum pm_rc rc;
	bool empty = is_empty(m), hashed = false;
	const struct pm_export_counts *a = &it->folder->attachments, before = *a;
	uint8_t hash[PM_SEEN_HASH];

	rc = choose_item(w, it, ahead);
	if (rc)
		return pm_is_error(rc) ? rc : PM_OK;
	if (!ahead)
		rc = assess(ex, m, it->notes);
	if (!rc && ex->opts->form->only_attachments && !m->attachments.n && !it->notes->v.n &&
	    !empty)
		rc = skip(w, it, PM_LEFT_ATTACHMENT);
	if (rc)
		return pm_is_error(rc) ? rc : PM_OK;
	if (ex->opts->choice.no_duplicates && !it->notes->v.n && !empty) {
		rc = leave_out_duplicate(w, it, hash);
		if (rc)
			return pm_is_error(rc) ? rc : PM_OK;
		hashed = true;
	}

	if (!rc && it->notes->v.n && !m->subject) {
		rc = pm_rows_fill(&w->rows, m);
		if (rc == PM_OK)
			pm_note_add(ex->ctx, it->notes, "what it lacks is from the folder's table");
		if (rc == PM_NONE)
			rc = PM_OK;
	}
	if (!rc && !empty) {
		it->number++;
		rc = w->form->ops->item(w->form, it, ahead ? &ahead->mime : NULL, &file);
		state = it->notes->v.n ? PM_ITEM_PARTIAL : PM_ITEM_WHOLE;
	}
	if (rc)
		return rc;
	why = pm_notes_text(ex->ctx, it->notes);
	rc = pm_export_account(ex, it->folder, m->nid, state, m->subject, file, why);
	if (!rc && ex->evidence)
		rc = add_evidence(ex, it, state, file, why);
	if (!rc)
		rc = pm_outdir_note(&ex->dir,
				    &(struct pm_outdir_entry){.file = file ? file : "",
							      .kind = "item",
							      .folder = it->folder->path,
							      .name = m->subject ? m->subject : "",
							      .state = state_names[state],
							      .number = many(ex) ? it->number : 0,
							      .nid = m->nid});
	note_step(ex, it,
		  &(struct pm_journal_step){.kind = PM_JOURNAL_ITEM,
					    .state = state,
					    .attachments = {a->whole - before.whole,
							    a->partial - before.partial,
							    a->lost - before.lost},
					    .hash = hashed ? hash : NULL,
					    .file = file,
					    .subject = state ? m->subject : NULL,
					    .why = why});
	return rc;
}

/* The item whose turn it is, unless all of it was done ahead. */
static enum pm_rc do_item(struct walk *w, struct pm_export_item *it, pm_nid nid)
{
	struct pm_notes notes = {0};
	struct pm_message m;
	enum pm_rc rc = pm_message_open_node(&w->ex->an->db, nid, w->ex->store.codepage, &m);

	it->msg = &m;
	it->notes = &notes;
	if (!pm_is_error(rc))
		rc = write_item(w, it, NULL);
	pm_message_close(&m);
	pm_notes_done(&notes);
	return rc;
}

static enum pm_rc next_item(struct walk *w, struct pm_export_item *it, pm_nid nid)
{
	struct pm_ahead_item *a = pm_ahead_take(w->ahead, w->at);
	enum pm_rc rc, gave;

	if (!a || a->state == PM_AHEAD_NOT) {
		rc = do_item(w, it, nid);
	} else {
		it->msg = &a->msg;
		it->notes = &a->notes;
		rc = write_item(w, it, a);
	}
	if (!a)
		return rc;
	gave = pm_ahead_give(w->ahead, a);
	return rc ? rc : gave;
}

static enum pm_rc write_items(struct walk *w, struct pm_export_folder *f)
{
	struct pm_export *ex = w->ex;
	const struct pm_model_folder *mf = &ex->model->folders.v[f->index];
	const bool joined = ex->opts->join && !w->form->ops->flush;
	struct pm_export_item it = {.folder = f};
	enum pm_rc rc = PM_OK;

	for (uint32_t i = 0; i < mf->n_messages && !rc; i++, w->at++) {
		pm_nid nid = ex->model->messages.v[mf->messages + i].nid;

		rc = pm_tick(ex->ctx, "export", ex->done++, ex->model->messages.n);
		if (!rc && ex->dir.replays) {
			rc = pm_export_replay_item(ex, w->form, &it, nid);
			continue;
		}
		if (rc)
			break;
		it.placed = ex->model->messages.v[mf->messages + i].placed;
		it.files = NULL;
		rc = next_item(w, &it, nid);
		if (!rc && !joined)
			rc = pm_export_checkpoint(ex, w->form, false);
	}
	return rc;
}

/* ---- rows that name nothing ---- */

/*
 * Where the trees were damaged, a row of a folder's table may be all that is left of a message.
 * (In a sound file the node tree decides: such a row is only out of date.)
 */
static enum pm_rc lost_rows(struct walk *w, struct pm_export_folder *f)
{
	static const char only_row[] = "only a row of the folder's table is left of it";
	struct pm_export *ex = w->ex;
	struct pm_buf subject = {0};
	struct pm_tc *tc;
	enum pm_rc rc;

	if (ex->an->accepted)
		return PM_OK;
	rc = pm_rows_open(&w->rows, &tc);
	for (size_t i = 0; !rc && i < tc->rows.n; i++) {
		pm_nid nid = tc->rows.v[i].id;

		if (pm_nid_type(nid) != PM_NT_MESSAGE || tc->rows.v[i].rules ||
		    pm_ndb_find_node(&ex->an->db, nid))
			continue;
		pm_buf_clear(&subject);
		rc = pm_rows_subject(&w->rows, i, ex->store.codepage, &subject);
		if (rc)
			break;
		f->expected++;
		f->only_rows++;
		rc = pm_export_account(ex, f, nid, PM_ITEM_LOST, pm_buf_cstr(ex->ctx, &subject),
				       NULL, only_row);
		pm_journal_note(ex->dir.journal,
				&(struct pm_journal_step){.kind = PM_JOURNAL_ROW,
							  .nid = nid,
							  .subject = pm_buf_cstr(ex->ctx, &subject),
							  .why = only_row},
				0);
		if (!rc && ex->evidence)
			rc = pm_evidence_add(ex->evidence,
					     &(struct pm_evidence_item){
						     .nid = nid,
						     .folder = f->path,
						     .subject = pm_buf_cstr(ex->ctx, &subject),
						     .state = state_names[PM_ITEM_LOST],
						     .why = only_row,
						     .provenance = "row of the folder's table",
						     .placed = "row of the folder's table"});
	}
	pm_buf_done(&subject);
	return rc;
}

/* ---- the walk ---- */

static enum pm_rc end_folder(struct walk *w, struct pm_export_folder *f)
{
	enum pm_rc rc = lost_rows(w, f);

	if (rc)
		return rc;
	pm_journal_note(w->ex->dir.journal,
			&(struct pm_journal_step){.kind = PM_JOURNAL_FOLDER, .nid = f->nid}, 0);
	return pm_export_checkpoint(w->ex, w->form, false);
}

/* The table beside the nodes; where it is lost it has no rows. */
static enum pm_rc count_rows(struct walk *w, struct pm_export_folder *f)
{
	const struct pm_model *m = w->ex->model;
	const struct pm_model_folder *mf = &m->folders.v[f->index];
	struct pm_tc *tc;
	enum pm_rc rc = pm_rows_open(&w->rows, &tc);

	if (rc)
		return rc;
	f->rows = tc->rows.n;
	for (uint32_t i = 0; i < mf->n_messages; i++)
		f->listed += pm_tc_find(tc, m->messages.v[mf->messages + i].nid) < tc->rows.n;
	return PM_OK;
}

static void add_counts(struct pm_export_folder *to, const struct pm_export_folder *f)
{
	to->nodes += f->nodes;
	to->rows += f->rows;
	to->listed += f->listed;
	to->only_rows += f->only_rows;
	to->expected += f->expected;
	to->whole += f->whole;
	to->partial += f->partial;
	to->lost += f->lost;
	to->skipped += f->skipped;
	for (size_t i = 0; i < PM_LEFT_OUTS; i++)
		to->left[i] += f->left[i];
	to->attachments.expected += f->attachments.expected;
	to->attachments.whole += f->attachments.whole;
	to->attachments.partial += f->attachments.partial;
	to->attachments.lost += f->attachments.lost;
}

/* What was there is what was exported, lost, or left out, and each for one reason. */
static bool is_balanced(const struct pm_export_folder *f)
{
	const struct pm_export_counts *a = &f->attachments;
	uint64_t left = 0;

	for (size_t i = 0; i < PM_LEFT_OUTS; i++)
		left += f->left[i];
	return f->nodes + f->only_rows == f->expected + f->skipped && left == f->skipped &&
	       f->expected == f->whole + f->partial + f->lost && f->listed <= f->nodes &&
	       f->listed + f->only_rows <= f->rows &&
	       a->expected == a->whole + a->partial + a->lost;
}

static enum pm_rc balance(struct pm_export *ex, const struct pm_export_folder *f)
{
	add_counts(pm_export_sums(ex, f->index), f);
	if (is_balanced(f))
		return PM_OK;
	return pm_fail(ex->ctx, PM_EBUG,
		       "the count of folder 0x%X does not balance: this is a bug, please report it",
		       f->nid);
}

/* Every message of the model was met in a folder, or its folder was not chosen. */
static enum pm_rc balance_total(struct pm_export *ex)
{
	const struct pm_model *m = ex->model;
	const struct pm_export_folder *t = &ex->total, *d = &ex->deleted;
	const uint32_t i = m->own[PM_OWN_DELETED];
	const uint64_t apart = i == PM_NO_FOLDER ? 0 : m->folders.v[i].n_messages;

	if (t->nodes + t->left[PM_LEFT_FOLDER] == m->messages.n - apart &&
	    t->nodes + t->left[PM_LEFT_FOLDER] + t->only_rows == t->expected + t->skipped &&
	    d->expected + d->skipped == apart)
		return PM_OK;
	return pm_fail(ex->ctx, PM_EBUG,
		       "%llu items in all, but %llu in folders: this is a bug, please report it",
		       (unsigned long long)m->messages.n,
		       (unsigned long long)(t->nodes + d->nodes));
}

static enum pm_rc write_folder(struct walk *w, struct pm_export_folder *f)
{
	struct pm_export *ex = w->ex;
	const struct pm_exporter_ops *ops = w->form->ops;
	enum pm_rc rc = PM_OK;

	w->rows = (struct pm_rows){.db = &ex->an->db, .folder = f->nid};
	if (ops->begin_folder)
		rc = ops->begin_folder(w->form, f);
	/* A folder that the journal knows has its line. */
	if (!rc && !ex->dir.replays)
		rc = pm_outdir_note(&ex->dir,
				    &(struct pm_outdir_entry){.file = f->place ? f->place : f->file,
							      .kind = "folder",
							      .nid = f->nid,
							      .folder = f->path});
	if (!rc)
		rc = write_items(w, f);
	if (!rc && ops->end_folder)
		rc = ops->end_folder(w->form, f);
	if (!rc)
		rc = ex->dir.replays ? pm_export_replay_end(ex, w->form, f) : end_folder(w, f);
	if (!rc)
		rc = count_rows(w, f);
	pm_rows_close(&w->rows);
	return rc ? rc : balance(ex, f);
}

/* The folder and all below it; the model bounds the depth. */
static enum pm_rc visit(struct walk *w, uint32_t index, struct pm_export_folder *parent,
			struct pm_name_set *taken)
{
	struct pm_export *ex = w->ex;
	const struct pm_model_folder *mf = &ex->model->folders.v[index];
	bool root = index == ex->model->root;
	struct pm_export_folder *f = NULL;
	struct pm_name_set below = {0};
	enum pm_rc rc = PM_OK;

	if (!ex->wanted[index])
		return PM_OK;
	if (!root || mf->n_messages) {
		rc = new_folder(w, index, parent, taken, &f);
		if (!rc && ex->wanted[index] == PM_FOLDER_WRITTEN)
			rc = write_folder(w, f);
	}
	for (uint32_t i = 0; i < mf->n_children && !rc; i++)
		rc = visit(w, ex->model->children.v[mf->children + i], root ? NULL : f,
			   root ? &ex->top : &below);
	pm_name_set_done(&below);
	return rc;
}

/* The items in the order in which visit() comes to them. */
static enum pm_rc line_up(struct walk *w, uint32_t index)
{
	struct pm_export *ex = w->ex;
	const struct pm_model_folder *mf = &ex->model->folders.v[index];
	enum pm_rc rc = PM_OK;

	if (!ex->wanted[index])
		return PM_OK;
	for (uint32_t i = 0; ex->wanted[index] == PM_FOLDER_WRITTEN && i < mf->n_messages && !rc;
	     i++)
		rc = pm_ahead_push(w->ahead, mf->messages + i);
	for (uint32_t i = 0; i < mf->n_children && !rc; i++)
		rc = line_up(w, ex->model->children.v[mf->children + i]);
	return rc;
}

static enum pm_rc walk_all(struct pm_export *ex)
{
	struct walk w = {.ex = ex};
	struct pm_buf reserved = {0};
	enum pm_rc rc;

	rc = pm_name_take(ex->ctx, &ex->top, PM_EXPORT_MAP, &reserved);
	if (!rc && ex->opts->evidence)
		rc = pm_name_take(ex->ctx, &ex->top, PM_EVIDENCE_DIR, &reserved);
	if (!rc && ex->opts->evidence)
		rc = pm_evidence_open(ex->ctx, &ex->dir, ex->opts->evidence, &ex->evidence);
	if (!rc)
		rc = ex->opts->form->open(ex, &w.form);
	if (!rc) {
		w.ahead = pm_ahead_new(ex, w.form);
		rc = w.ahead ? line_up(&w, ex->model->root) : ex->ctx->rc;
		if (!rc)
			rc = visit(&w, ex->model->root, NULL, &ex->top);
		pm_ahead_free(w.ahead);
		if (!rc)
			rc = balance_total(ex);
		if (!rc)
			rc = pm_export_checkpoint(ex, w.form, true);
		w.form->ops->free(w.form);
	}
	if (!rc)
		rc = pm_outdir_finish(&ex->dir);
	if (!rc && ex->evidence)
		rc = pm_evidence_finish(ex->evidence, ex->opts->source, ex->opts->run);
	if (!rc)
		rc = pm_journal_remove(ex->dir.journal);
	pm_buf_done(&reserved);
	pm_buf_done(&w.name);
	pm_buf_done(&w.path);
	return rc;
}

static enum pm_rc open_dir(struct pm_export *ex)
{
	const struct pm_export_options *o = ex->opts;
	struct pm_journal_id id = {.source = ex->an->img, .now = o->run ? o->run->began : 0};
	struct pm_buf text = {0};
	enum pm_rc rc;

	pm_export_options_text(ex->ctx, o, &text);
	id.options = pm_buf_cstr(ex->ctx, &text);
	rc = ex->ctx->rc;
	if (!rc)
		rc = pm_outdir_open(ex->ctx, o->dir, o->source, o->how, o->evidence != NULL, &id,
				    &ex->dir);
	pm_buf_done(&text);
	return rc;
}

enum pm_rc pm_export_run(struct pm_analysis *an, struct pm_model *model,
			 const struct pm_export_options *opts, struct pm_export *ret)
{
	struct pm_export *ex = ret;
	enum pm_rc rc;

	pm_phase(an->ctx, "export");
	*ex = (struct pm_export){.ctx = an->ctx, .opts = opts, .an = an, .model = model};
	rc = pm_ndb_keep_blocks(&an->db, 64);
	if (!rc)
		rc = pm_store_open(&an->db, &ex->store);
	if (!pm_is_error(rc))
		rc = pm_names_open(&an->db, &ex->names);
	if (!pm_is_error(rc))
		rc = pm_export_folders(ex);
	if (!pm_is_error(rc))
		rc = open_dir(ex);
	if (!pm_is_error(rc))
		rc = walk_all(ex);
	return pm_is_error(rc) ? rc : PM_OK;
}

void pm_export_close(struct pm_export *ex)
{
	pm_evidence_free(ex->evidence);
	pm_store_close(&ex->store);
	pm_names_close(&ex->names);
	pm_outdir_close(&ex->dir);
	pm_name_set_done(&ex->top);
	pm_vec_done(&ex->folders);
	pm_vec_done(&ex->losses);
	pm_vec_done(&ex->duplicates);
	pm_seen_done(&ex->seen);
	pm_arena_done(&ex->arena);
	pm_free(ex->wanted);
}
