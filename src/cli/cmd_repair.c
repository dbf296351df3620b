/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend repair: mend a file into a new one, prove it, and say what was done and lost. */
#include "base/quote.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/lost_csv.h"
#include "cli/undeleted.h"
#include "io/file.h"
#include "msg/folder.h"
#include "repair/run.h"
#include "repair/undo.h"

struct repair_options {
	const char *output, *undo_file, *lost_csv;
	bool dry_run, strict, keep_unproved, in_place, compact, mark, synthesize, undelete;
	int verify;
	struct pm_number jobs;
};

enum { VERIFY_SAMPLE, VERIFY_FULL, VERIFY_SELF, VERIFY_NONE };

static const struct pm_option options[] = {
	{PM_OPT_STRING, "output", 'o', "PATH",
	 "the new file (default: NAME.repaired.pst beside the source)",
	 offsetof(struct repair_options, output), NULL},
	{PM_OPT_FLAG, "compact", 0, NULL, "lay the new file out afresh, without gaps",
	 offsetof(struct repair_options, compact), NULL},
	{PM_OPT_FLAG, "in-place", 0, NULL, "change FILE itself; 'pstmend undo' takes that back",
	 offsetof(struct repair_options, in_place), NULL},
	{PM_OPT_STRING, "undo-file", 0, "PATH",
	 "with --in-place: the undo file (default: FILE.pstmend-undo)",
	 offsetof(struct repair_options, undo_file), NULL},
	{PM_OPT_STRING, "lost-csv", 0, "CSV",
	 "list what is lost or partial in a file for a spreadsheet",
	 offsetof(struct repair_options, lost_csv), NULL},
	{PM_OPT_FLAG, "mark", 0, NULL,
	 "give a partial item a property that says what is missing (pstmend-damaged)",
	 offsetof(struct repair_options, mark), NULL},
	{PM_OPT_FLAG, "synthesize", 0, NULL,
	 "make lost values of partial messages from what they still say",
	 offsetof(struct repair_options, synthesize), NULL},
	{PM_OPT_FLAG, "undelete", 0, NULL,
	 "bring deleted items back (in Recovered by pstmend/Deleted)",
	 offsetof(struct repair_options, undelete), NULL},
	{PM_OPT_FLAG, "dry-run", 'n', NULL, "repair and prove in memory, write nothing",
	 offsetof(struct repair_options, dry_run), NULL},
	{PM_OPT_FLAG, "strict", 0, NULL, "mend warnings, too",
	 offsetof(struct repair_options, strict), NULL},
	{PM_OPT_FLAG, "keep-unproved", 0, NULL, "keep the new file even if its proof fails",
	 offsetof(struct repair_options, keep_unproved), NULL},
	{PM_OPT_CHOICE, "verify", 0, "HOW", "proof of the result (self: without libpff)",
	 offsetof(struct repair_options, verify), "sample full self none"},
	PM_JOBS_OPTION(struct repair_options, jobs),
	{0},
};

/* "mail.pst" -> "mail.repaired.pst"; a name without a suffix gets both. */
static char *default_output(struct pm_ctx *ctx, const char *file, const char *what)
{
	const char *slash = strrchr(file, '/');
	const char *dot = strrchr(slash ? slash : file, '.');

	if (!dot || dot == file || dot[-1] == '/')
		return pm_asprintf(ctx, "%s.%s.pst", file, what);
	return pm_asprintf(ctx, "%.*s.%s%s", (int)(dot - file), file, what, dot);
}

static const char *deed_text(unsigned kind)
{
	static const char *const text[] = {
		[PM_DID_HEADER] = "header written",
		[PM_DID_MAPS] = "allocation maps rewritten",
		[PM_DID_TREE] = "trees rewritten",
		[PM_DID_BIT] = "single wrong bits mended in place",
		[PM_DID_TRAILER] = "block trailers mended in place",
		[PM_DID_RELOCATE] = "blocks moved to a place of their own",
		[PM_DID_SALVAGE] = "damaged blocks copied",
		[PM_DID_NODE_TREES] = "objects whose data or subnode tree was rewritten",
		[PM_DID_NODE_REBUILT] = "objects whose properties or tables were rebuilt",
		[PM_DID_NODE_DROPPED] = "nodes dropped",
		[PM_DID_NODE_MADE] = "missing objects made",
		[PM_DID_PARENT] = "folders and messages put into their place",
		[PM_DID_TABLE] = "folder tables mended",
		[PM_DID_COUNTS] = "folders whose counts were set right",
		[PM_DID_REFS] = "reference counts corrected",
		[PM_DID_SYNTHESIZED] = "partial messages with values that were made",
		[PM_DID_MARKED] = "partial items marked as such",
		[PM_DID_LEFT_OUT] = "blocks that nothing refers to, left out",
		[PM_DID_UNDELETED] = "deleted items brought back",
	};

	return text[kind];
}

static const char *deed_name(unsigned kind)
{
	static const char *const name[] = {
		[PM_DID_HEADER] = "header",
		[PM_DID_MAPS] = "allocation-maps",
		[PM_DID_TREE] = "tree",
		[PM_DID_BIT] = "bit",
		[PM_DID_TRAILER] = "block-trailer",
		[PM_DID_RELOCATE] = "block-moved",
		[PM_DID_SALVAGE] = "block-copied",
		[PM_DID_NODE_TREES] = "node-trees",
		[PM_DID_NODE_REBUILT] = "node-rebuilt",
		[PM_DID_NODE_DROPPED] = "node-dropped",
		[PM_DID_NODE_MADE] = "node-made",
		[PM_DID_PARENT] = "parent",
		[PM_DID_TABLE] = "folder-table",
		[PM_DID_COUNTS] = "folder-counts",
		[PM_DID_REFS] = "reference-count",
		[PM_DID_SYNTHESIZED] = "values-made",
		[PM_DID_MARKED] = "item-marked",
		[PM_DID_LEFT_OUT] = "block-left-out",
		[PM_DID_UNDELETED] = "item-undeleted",
	};

	return name[kind];
}

static void print_found(struct pm_cli *cli, const struct pm_sink *sink, const char *key,
			const char *label)
{
	static const struct pm_column cols[] = {
		{"problem", "Problem", PM_AS_TEXT, 0},
		{"severity", "Severity", PM_AS_TEXT, 0},
		{"count", "Count", PM_AS_DEC, 0},
		{"consequences", "Of these, consequences", PM_AS_DEC, 0},
	};
	const struct pm_column list = {key, label, PM_AS_TEXT, 0};

	pm_print_begin_table(cli->out, &list, cols, 4);
	for (unsigned i = 0; i < PM_P_COUNT; i++) {
		if (!sink->n[i] || pm_problem_rows[i].severity == PM_SEV_INFO)
			continue;
		pm_print_begin_row(cli->out);
		pm_print_text(cli->out, &cols[0], pm_problem_rows[i].name);
		pm_print_text(cli->out, &cols[1], pm_severity_name(pm_problem_rows[i].severity));
		pm_print_uint(cli->out, &cols[2], sink->n[i]);
		pm_print_uint(cli->out, &cols[3], sink->followed[i]);
		pm_print_end(cli->out);
	}
	pm_print_end(cli->out);
}

static uint64_t deeds_of(const struct pm_repair *r, unsigned kind)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->deeds.n; i++)
		if (r->deeds.v[i].kind == kind)
			n += kind == PM_DID_MAPS || kind == PM_DID_REFS ||
					     kind == PM_DID_LEFT_OUT || kind == PM_DID_UNDELETED
				     ? r->deeds.v[i].have
				     : 1;
	return n;
}

static void print_deeds(struct pm_cli *cli, const struct pm_repair *r)
{
	static const struct pm_column list = {"done", "Done", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"what", NULL, PM_AS_TEXT, 0},
		{NULL, "What", PM_AS_TEXT, 0},
		{"count", "Count", PM_AS_DEC, 0},
	};

	pm_print_begin_table(cli->out, &list, cols, 3);
	for (unsigned k = 0; k <= PM_DID_UNDELETED; k++) {
		uint64_t n = deeds_of(r, k);

		if (!n)
			continue;
		pm_print_begin_row(cli->out);
		pm_print_text(cli->out, &cols[0], deed_name(k));
		pm_print_text(cli->out, &cols[1], deed_text(k));
		pm_print_uint(cli->out, &cols[2], n);
		pm_print_end(cli->out);
	}
	pm_print_end(cli->out);
}

/* Items of the file that are not whole; deleted ones are no loss. */
static size_t losses(const struct pm_run *run)
{
	size_t n = 0;

	for (size_t i = 0; i < run->repair.casualties.n; i++)
		n += !run->repair.casualties.v[i].deleted;
	return n;
}

/* Each by name, whatever else is folded. */
static void print_casualties(struct pm_cli *cli, struct pm_run *run)
{
	static const struct pm_column list = {"casualties", "Lost or partial", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"state", "State", PM_AS_TEXT, 0},    {"nid", "Node", PM_AS_HEX, 0},
		{"folder", "Folder", PM_AS_TEXT, 40}, {"subject", "Subject", PM_AS_TEXT, 40},
		{"reason", "Reason", PM_AS_TEXT, 0},
	};
	const struct pm_repair *r = &run->repair;
	struct pm_buf path = {0};

	pm_print_begin_table(cli->out, &list, cols, 5);
	for (size_t i = 0; i < r->casualties.n; i++) {
		const struct pm_casualty *c = &r->casualties.v[i];

		if (c->deleted)
			continue; /* listed with the deleted items */
		pm_buf_clear(&path);
		if (c->folder < run->model.folders.n &&
		    pm_is_error(pm_model_path(&run->model, c->folder, &path)))
			break;
		pm_print_begin_row(cli->out);
		pm_print_text(cli->out, &cols[0], c->lost ? "lost" : "partial");
		pm_print_uint(cli->out, &cols[1], c->nid);
		pm_print_textn(cli->out, &cols[2], path.p, path.n);
		pm_print_text(cli->out, &cols[3], c->subject);
		pm_print_text(cli->out, &cols[4], c->reason);
		pm_print_end(cli->out);
	}
	pm_print_end(cli->out);
	pm_buf_done(&path);
}

static void print_recovered(struct pm_cli *cli, struct pm_run *run)
{
	static const struct pm_column list = {"recovered", "Recovered", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"nid", "Node", PM_AS_HEX, 0},
		{"folder", "Folder", PM_AS_TEXT, 40},
		{"subject", "Subject", PM_AS_TEXT, 40},
		{"provenance", "Known from", PM_AS_TEXT, 0},
		{"placed", "Its place from", PM_AS_TEXT, 0},
	};
	const struct pm_repair *r = &run->repair;
	struct pm_buf path = {0};

	pm_print_begin_table(cli->out, &list, cols, 5);
	for (size_t i = 0; i < r->recovered.n; i++) {
		const struct pm_recovered *x = &r->recovered.v[i];

		pm_buf_clear(&path);
		if (x->folder < run->model.folders.n &&
		    pm_is_error(pm_model_path(&run->model, x->folder, &path)))
			break;
		pm_print_begin_row(cli->out);
		pm_print_uint(cli->out, &cols[0], x->nid);
		pm_print_textn(cli->out, &cols[1], path.p, path.n);
		pm_print_text(cli->out, &cols[2], x->subject);
		pm_print_text(cli->out, &cols[3], pm_origin_name(x->origin));
		pm_print_text(cli->out, &cols[4], pm_placed_name(x->placed));
		pm_print_end(cli->out);
	}
	pm_print_end(cli->out);
	pm_buf_done(&path);
}

/* Values that stand in the result and not in the source. */
static void print_synthesized(struct pm_cli *cli, const struct pm_repair *r)
{
	static const struct pm_column list = {"synthesized", "Made, as asked for", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"nid", "Node", PM_AS_HEX, 0},
		{"property", "Property", PM_AS_TEXT, 0},
		{"value", "Value", PM_AS_TEXT, 60},
		{"from", "Made from", PM_AS_TEXT, 0},
	};

	pm_print_begin_table(cli->out, &list, cols, 4);
	for (size_t i = 0; i < r->synthesized.n; i++) {
		const struct pm_synthesized *x = &r->synthesized.v[i];

		pm_print_begin_row(cli->out);
		pm_print_uint(cli->out, &cols[0], x->nid);
		pm_print_text(cli->out, &cols[1], pm_proptag_name(x->id));
		pm_print_text(cli->out, &cols[2], x->value);
		pm_print_text(cli->out, &cols[3], x->from);
		pm_print_end(cli->out);
	}
	pm_print_end(cli->out);
}

/* What the independent reader could not read, or counts otherwise. */
static void print_faults(struct pm_cli *cli, const struct pm_pff_result *res)
{
	static const struct pm_column list = {"libpff_faults", "Its words", PM_AS_TEXT, 0};
	static const struct pm_column item = {"fault", NULL, PM_AS_TEXT, 0};
	struct pm_buf b = {0};

	if (!res->failures.n && !res->diffs.n)
		return;
	pm_print_begin_list(cli->out, &list);
	for (size_t i = 0; i < res->failures.n + res->diffs.n; i++) {
		pm_buf_clear(&b);
		if (i < res->failures.n)
			pm_pff_describe_failure(&cli->ctx, &res->failures.v[i], &b);
		else
			pm_pff_describe_diff(&cli->ctx, &res->diffs.v[i - res->failures.n], &b);
		pm_print_textn(cli->out, &item, b.p, b.n);
	}
	pm_print_end(cli->out);
	pm_buf_done(&b);
}

static void print_proof(struct pm_cli *cli, struct pm_run *run, const struct pm_run_options *opt)
{
	static const struct pm_column errors = {"errors_left", "Errors left", PM_AS_DEC, 0};
	static const struct pm_column warnings = {"warnings_left", "Warnings left", PM_AS_DEC, 0};
	static const struct pm_column pff = {"libpff", "Independent reader", PM_AS_TEXT, 0};
	struct pm_buf b = {0};

	if (opt->self) {
		pm_print_uint(cli->out, &errors, run->left_errors);
		pm_print_uint(cli->out, &warnings, run->left_warnings);
	}
	if (opt->verify != PM_PFF_NONE) {
		pm_pff_describe(&cli->ctx, &run->pff, &b);
		pm_print_textn(cli->out, &pff, b.p, b.n);
		print_faults(cli, &run->pff);
	}
	pm_buf_done(&b);
}

/* What the result is proved by, in fact: what was asked of libpff it may not have come to. */
enum proof { PROOF_NONE, PROOF_SELF, PROOF_SAMPLE, PROOF_FULL };

static enum proof proof_of(const struct pm_run *run, const struct pm_run_options *opt)
{
	const enum pm_pff_verdict v = pm_pff_verdict(&run->pff);

	if (!opt->self)
		return PROOF_NONE;
	if (opt->verify == PM_PFF_NONE || (v != PM_PFF_PROVED && v != PM_PFF_LIMITED))
		return PROOF_SELF;
	return run->pff.n_opened < run->pff.n_listed ? PROOF_SAMPLE : PROOF_FULL;
}

/* What of the result nobody has proved. */
static void print_unproved(struct pm_cli *cli, const struct pm_run *run,
			   const struct pm_run_options *opt)
{
	const struct pm_pff_result *p = &run->pff;

	switch (proof_of(run, opt)) {
	case PROOF_NONE:
		pm_print_para(cli->out, "Nobody has read the result: check it before it is used.");
		break;
	case PROOF_SELF:
		pm_print_para(cli->out, "%s; no other reader has proved it.",
			      opt->verify == PM_PFF_NONE ? "libpff was not asked"
							 : "libpff did not come to an end");
		break;
	case PROOF_SAMPLE:
		pm_print_para(cli->out,
			      "libpff listed all %llu items and opened %llu of them; --verify full "
			      "opens all.",
			      (unsigned long long)p->n_listed, (unsigned long long)p->n_opened);
		break;
	case PROOF_FULL:
		break;
	}
}

static void print_success(struct pm_cli *cli, const struct pm_run *run,
			  const struct pm_run_options *opt)
{
	const enum proof proof = proof_of(run, opt);
	const char *how = proof == PROOF_NONE   ? ", but nothing is proved"
			  : proof == PROOF_SELF ? ", and proved by our own check alone"
						: ", and proved";

	if (run->verdict == PM_VERDICT_COMPACTED)
		pm_print_para(cli->out, "Healthy. Compacted%s.", how);
	else if (run->verdict == PM_VERDICT_UNDELETED)
		pm_print_para(cli->out, "Healthy. Deleted items were brought back%s.", how);
	else
		pm_print_para(cli->out, "Repaired%s%s.",
			      opt->in_place  ? " in place"
			      : opt->compact ? " and compacted"
					     : "",
			      how);
}

/* What no list of items can tell: what may be missing, or dead. */
static void print_doubts(struct pm_cli *cli, const struct pm_run *run)
{
	size_t unvouched = 0;

	for (size_t i = 0; i < run->repair.recovered.n; i++)
		unvouched += run->repair.recovered.v[i].origin == PM_FROM_UNVOUCHED;
	if (unvouched)
		pm_print_para(
			cli->out,
			"Of these %zu may have been deleted, or saved again with other content; nothing that is left tells. Each is "
			"in \"Recovered by pstmend\", and listed below as perhaps not live.",
			unvouched);
	if (run->nothing_left)
		pm_print_para(cli->out, "Nothing that the node tree named is left: whatever the "
					"file held is lost. Keep the source.");
	if (run->unindexed)
		pm_print_para(
			cli->out,
			"A part of the node tree is lost: %llu objects (messages, folders, "
			"attachments) are still in the file but under no name; they are not in "
			"the result. Keep the source.",
			(unsigned long long)run->unindexed);
	if (pm_analysis_cut_short(run->an))
		pm_print_para(cli->out, "The file is cut short: what stood behind its end is lost, "
					"and nobody knows what all of it was.");
}

static void print_verdict(struct pm_cli *cli, const struct pm_run *run, const char *output,
			  const struct pm_run_options *opt)
{
	static const struct pm_column by = {"proof", NULL, PM_AS_TEXT, 0};
	static const char *const proofs[] = {"none", "self", "sample", "full"};
	static const struct pm_column verdict = {"verdict", NULL, PM_AS_TEXT, 0};
	static const struct pm_column out = {"output", NULL, PM_AS_TEXT, 0};
	static const char *const name[] = {"healthy", "repaired", "unproved", "compacted",
					   "undeleted"};
	const size_t deleted = run->an->deleted ? run->an->deleted->items.n : 0;
	size_t lost = 0, partial = 0;

	for (size_t i = 0; i < run->repair.casualties.n; i++) {
		const struct pm_casualty *c = &run->repair.casualties.v[i];
		bool message = pm_nid_type(c->nid) == PM_NT_MESSAGE && !c->deleted;

		lost += message && c->lost;
		partial += message && !c->lost;
	}
	pm_print_text(cli->out, &verdict,
		      name[run->verdict == PM_VERDICT_HEALTHY || opt->self ? run->verdict
									   : PM_VERDICT_UNPROVED]);
	pm_print_text(cli->out, &out, run->written ? output : NULL);
	if (run->verdict != PM_VERDICT_HEALTHY)
		pm_print_text(cli->out, &by, proofs[proof_of(run, opt)]);
	if (run->verdict == PM_VERDICT_HEALTHY) {
		pm_print_para(cli->out, "Healthy: no errors, %llu warnings. Nothing was written.",
			      (unsigned long long)run->warnings);
		return;
	}
	if (run->verdict == PM_VERDICT_UNPROVED)
		pm_print_para(cli->out, "Repaired, but not proved: %s. %s", run->why,
			      run->written ? "The file was kept as asked for."
					   : "Nothing was written; --keep-unproved keeps it.");
	else if (opt->dry_run)
		pm_print_para(cli->out, "%s Nothing was written (dry run).",
			      run->verdict == PM_VERDICT_COMPACTED ? "Healthy; can be compacted."
			      : run->verdict == PM_VERDICT_UNDELETED
				      ? "Healthy; deleted items can be brought back."
			      : opt->self ? "Can be repaired: the result would be clean."
					  : "Can be repaired; nothing is proved.");
	else
		print_success(cli, run, opt);
	if (run->verdict != PM_VERDICT_UNPROVED)
		print_unproved(cli, run, opt);
	pm_print_para(cli->out, "%zu messages expected: %zu whole, %zu partial, %zu lost.",
		      run->model.messages.n - deleted + lost,
		      run->model.messages.n - deleted - partial, partial, lost);
	print_doubts(cli, run);
}

static void print_sizes(struct pm_cli *cli, const struct pm_run *run)
{
	static const struct pm_column before = {"size_before", "Size of the source", PM_AS_SIZE, 0};
	static const struct pm_column after = {"size_after", "Size of the result", PM_AS_SIZE, 0};
	static const struct pm_column place = {"bytes_in_place", "Changed in place", PM_AS_SIZE, 0};
	static const struct pm_column nameless = {"unindexed", NULL, PM_AS_DEC, 0};
	static const struct pm_column nothing = {"nothing_left", NULL, PM_AS_BOOL, 0};
	static const struct pm_column cut = {"cut_short", NULL, PM_AS_BOOL, 0};

	pm_print_uint(cli->out, &before, run->size_before);
	pm_print_uint(cli->out, &after, run->size_after);
	pm_print_uint(cli->out, &place, run->repair.bytes_in_place);
	pm_print_uint(cli->out, &nameless, run->unindexed);
	pm_print_bool(cli->out, &nothing, run->nothing_left);
	pm_print_bool(cli->out, &cut, pm_analysis_cut_short(run->an));
}

static void print_undo(struct pm_cli *cli, const struct pm_run *run, const char *file,
		       const struct pm_run_options *opt)
{
	const bool elsewhere = ((const struct repair_options *)cli->options)->undo_file;
	static const struct pm_column undo = {"undo_file", "Undo file", PM_AS_TEXT, 0};
	static const struct pm_column size = {"undo_size", "Size of the undo file", PM_AS_SIZE, 0};

	pm_print_text(cli->out, &undo, opt->undo_path);
	pm_print_uint(cli->out, &size, run->undo_size);
	pm_print_para(cli->out,
		      "'pstmend undo' makes %s again what it was, byte for byte, as long as "
		      "nothing else changes it%s. The undo file may be deleted when nobody wants "
		      "that any more.",
		      pm_quote(file).s, elsewhere ? " (with --undo-file, as it is elsewhere)" : "");
}

static void report(struct pm_cli *cli, struct pm_run *run, const struct pm_sink *found,
		   const char *output, const struct pm_run_options *opt)
{
	static const struct pm_column where = {NULL, "Written to", PM_AS_TEXT, 0};

	print_verdict(cli, run, output, opt);
	if (run->written && opt->in_place)
		print_undo(cli, run, output, opt);
	else if (run->written)
		pm_print_text(cli->out, &where, output);
	if (run->verdict != PM_VERDICT_HEALTHY) {
		print_sizes(cli, run);
		print_proof(cli, run, opt);
	}
	if (run->errors + run->warnings)
		print_found(cli, found, "found", "Found");
	if (run->mended) {
		print_deeds(cli, &run->repair);
		if (losses(run))
			print_casualties(cli, run);
		if (run->repair.recovered.n)
			print_recovered(cli, run);
		if (opt->synthesize)
			print_synthesized(cli, &run->repair);
	}
	if (run->an->deleted)
		pm_print_undeleted(cli, run);
	if (run->left_errors + run->left_warnings)
		print_found(cli, &run->left, "left", "Left in the result");
}

static int exit_status(const struct pm_run *run, const struct pm_run_options *opt)
{
	const bool lost = losses(run) || run->unindexed || run->nothing_left ||
			  pm_analysis_cut_short(run->an);
	int status = lost ? PM_EXIT_LOST : 0;

	if (run->verdict == PM_VERDICT_HEALTHY || run->verdict == PM_VERDICT_COMPACTED)
		return PM_EXIT_OK;
	if (run->verdict == PM_VERDICT_UNDELETED)
		return status;
	if (run->verdict == PM_VERDICT_UNPROVED)
		return status | PM_EXIT_PROBLEMS | (run->written ? PM_EXIT_FIXED : 0);
	return status | (opt->dry_run ? PM_EXIT_PROBLEMS : PM_EXIT_FIXED);
}

/* What belongs to one file of the command line. */
struct work {
	struct pm_run_options opt;
	struct pm_image *img;
	struct pm_target target;
	struct pm_output *csv;
	char *output, *undo;
	struct pm_sink found;
	struct pm_run result;
};

static void take_options(const struct pm_cli *cli, struct work *w)
{
	const struct repair_options *o = cli->options;

	w->opt.dry_run = o->dry_run;
	w->opt.strict = o->strict;
	w->opt.compact = o->compact;
	w->opt.mark = o->mark;
	w->opt.synthesize = o->synthesize;
	w->opt.undelete = o->undelete;
	w->opt.force = cli->common.force;
	w->opt.keep_unproved = o->keep_unproved;
	w->opt.verify = o->verify == VERIFY_FULL     ? PM_PFF_FULL
			: o->verify == VERIFY_SAMPLE ? PM_PFF_SAMPLE
						     : PM_PFF_NONE;
	w->opt.self = o->verify != VERIFY_NONE;
}

static enum pm_rc open_files(struct pm_cli *cli, const char *file, struct work *w)
{
	const struct repair_options *o = cli->options;
	struct pm_ctx *ctx = &cli->ctx;
	enum pm_rc rc;

	/* Locked before it is read: nobody is to change it in between. */
	if (o->in_place) {
		w->undo = o->undo_file ? pm_strdup(ctx, o->undo_file) : pm_undo_path(ctx, file);
		rc = w->undo ? pm_target_open(ctx, file, PM_TARGET_ONE_NAME, &w->target) : ctx->rc;
		if (rc)
			return rc;
		w->opt.in_place = &w->target;
		w->opt.undo_path = w->undo;
	}
	w->output = o->in_place ? pm_strdup(ctx, file)
		    : o->output ? pm_strdup(ctx, o->output)
				: default_output(ctx, file, o->compact ? "compacted" : "repaired");
	w->opt.output = w->output;
	if (o->lost_csv &&
	    pm_output_create(ctx, o->lost_csv, cli->common.force ? PM_OUTPUT_FORCE : 0, &w->csv))
		return ctx->rc;
	return w->output ? pm_image_open_file(ctx, file, &w->img) : ctx->rc;
}

static int run(struct pm_cli *cli, const char *file, int argc, char **argv)
{
	struct work w = {.target.fd = -1};
	int status = PM_EXIT_OK; /* an error is recorded and makes the status */

	(void)argc;
	(void)argv;
	take_options(cli, &w);
	cli->ctx.jobs = pm_jobs(&((const struct repair_options *)cli->options)->jobs);
	pm_sink_init(&w.found, &cli->ctx, NULL, NULL);
	if (open_files(cli, file, &w) == PM_OK) {
		if (pm_run_repair(&cli->ctx, w.img, &w.opt, &w.found, &w.result) == PM_OK) {
			report(cli, &w.result, &w.found, w.output, &w.opt);
			status = exit_status(&w.result, &w.opt);
			if (w.csv)
				pm_lost_csv_write(&cli->ctx, &w.result, w.csv);
		}
		pm_run_done(&w.result);
	}
	pm_sink_done(&w.found);
	pm_image_close(w.img);
	pm_target_close(&w.target);
	pm_output_free(w.csv);
	pm_free(w.output);
	pm_free(w.undo);
	return status;
}

/* The list must not take the place of what is read or written. */
static int check_csv(const struct pm_cli *cli, int argc, char **argv)
{
	const struct repair_options *o = cli->options;
	struct stat csv, file;

	if (argc > 1)
		return pm_cli_usage(cli->cmd, "--lost-csv names one file, but there are several");
	if (o->output && !strcmp(o->output, o->lost_csv))
		return pm_cli_usage(cli->cmd, "--lost-csv and --output name the same file");
	if (!stat(o->lost_csv, &csv) && !stat(argv[0], &file) && csv.st_dev == file.st_dev &&
	    csv.st_ino == file.st_ino)
		return pm_cli_usage(cli->cmd, "--lost-csv %s: this is the file to be read",
				    pm_quote(o->lost_csv).s);
	return PM_EXIT_OK;
}

static int check(const struct pm_cli *cli, int argc, char **argv)
{
	const struct repair_options *o = cli->options;

	(void)argv;
	if (pm_jobs_check(cli, &o->jobs))
		return PM_EXIT_USAGE;
	if (o->output && argc > 1)
		return pm_cli_usage(cli->cmd, "--output names one file, but there are several");
	if (o->lost_csv && check_csv(cli, argc, argv))
		return PM_EXIT_USAGE;
	if (o->undo_file && argc > 1)
		return pm_cli_usage(cli->cmd, "--undo-file names one file, but there are several");
	if (o->undo_file && !o->in_place)
		return pm_cli_usage(cli->cmd, "--undo-file belongs to --in-place");
	if (!o->in_place)
		return PM_EXIT_OK;
	if (o->compact)
		return pm_cli_usage(cli->cmd, "--compact makes a new file, not one --in-place");
	if (o->output)
		return pm_cli_usage(cli->cmd, "--in-place and --output exclude each other");
	if (o->keep_unproved || o->verify == VERIFY_NONE)
		return pm_cli_usage(cli->cmd,
				    "--in-place changes a file only when the result is proved");
	return PM_EXIT_OK;
}

const struct pm_command pm_cmd_repair = {
	.name = "repair",
	.args = "FILE...",
	.summary = "Mend a file into a new one, prove it, and list what was done and lost",
	.detail =
		"The source is not changed, unless --in-place asks for that. A file without errors\n"
		"is not rewritten.",
	.files = PM_FILES_MANY,
	.min = 1,
	.max = -1,
	.options = options,
	.size = sizeof(struct repair_options),
	.check = check,
	.run = run,
};
