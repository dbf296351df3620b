/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend export: the mail of a file, and an account of what became of each item. */
#include "base/time.h"
#include "cli/commands.h"
#include "cli/jobs.h"
#include "cli/open.h"
#include "cli/undeleted.h"
#include "export/exporter.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct options {
	const char *output;
	int form; /* index of pm_export_forms */
	int load; /* index of: none, DAT, EDRM, both, which are bits of enum pm_load_file */
	bool mark, join, has_attachment, recovered, no_duplicates, evidence, md5, resume,
		only_attachments, deleted;
	const char *folder, *class, *from, *to, *subject, *since, *until;
	struct pm_number split, jobs;
};

static const char *const states[] = {"whole", "partial", "lost"};

static void print_folders(struct pm_cli *cli, const struct pm_export *ex)
{
	static const struct pm_column table = {"folders", "Folders", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"nid", NULL, PM_AS_HEX, 0},      {"rows", "Rows", PM_AS_DEC, 0},
		{"nodes", "Nodes", PM_AS_DEC, 0}, {"expected", "Expected", PM_AS_DEC, 0},
		{"whole", "Whole", PM_AS_DEC, 0}, {"partial", "Partial", PM_AS_DEC, 0},
		{"lost", "Lost", PM_AS_DEC, 0},   {"path", "Folder", PM_AS_TEXT, 0},
		{"file", NULL, PM_AS_TEXT, 0},    {"skipped", NULL, PM_AS_DEC, 0},
		{"listed", NULL, PM_AS_DEC, 0},   {"only_rows", NULL, PM_AS_DEC, 0},
	};

	pm_print_begin_table(cli->out, &table, cols, sizeof(cols) / sizeof(cols[0]));
	for (size_t i = 0; i < ex->folders.n; i++) {
		const struct pm_export_folder *f = ex->folders.v[i];
		const uint64_t counts[] = {f->rows,  f->nodes,   f->expected,
					   f->whole, f->partial, f->lost};

		pm_print_begin_row(cli->out);
		pm_print_uint(cli->out, &cols[0], f->nid);
		for (size_t k = 0; k < 6; k++)
			pm_print_uint(cli->out, &cols[k + 1], counts[k]);
		pm_print_text(cli->out, &cols[7], f->path);
		pm_print_text(cli->out, &cols[8], f->place ? f->place : f->file);
		pm_print_uint(cli->out, &cols[9], f->skipped);
		pm_print_uint(cli->out, &cols[10], f->listed);
		pm_print_uint(cli->out, &cols[11], f->only_rows);
		pm_print_end(cli->out);
	}
	pm_print_end(cli->out);
}

static void print_losses(struct pm_cli *cli, const struct pm_export *ex)
{
	static const struct pm_column table = {"items", "Not whole", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"state", "State", PM_AS_TEXT, 0},      {"nid", "Node", PM_AS_HEX, 0},
		{"subject", "Subject", PM_AS_TEXT, 40}, {"folder", "Folder", PM_AS_TEXT, 40},
		{"file", NULL, PM_AS_TEXT, 0},          {"why", "What", PM_AS_TEXT, 0},
	};

	if (!ex->losses.n)
		return;
	pm_print_begin_table(cli->out, &table, cols, sizeof(cols) / sizeof(cols[0]));
	for (size_t i = 0; i < ex->losses.n; i++) {
		const struct pm_export_loss *l = &ex->losses.v[i];

		pm_print_begin_row(cli->out);
		pm_print_text(cli->out, &cols[0], states[l->state]);
		pm_print_uint(cli->out, &cols[1], l->nid);
		pm_print_text(cli->out, &cols[2], l->subject);
		pm_print_text(cli->out, &cols[3], l->folder->path);
		pm_print_text(cli->out, &cols[4], l->file);
		pm_print_text(cli->out, &cols[5], l->why);
		pm_print_end(cli->out);
	}
	pm_print_end(cli->out);
}

/* Why items were left out; nothing where none was. */
static void print_left_out(struct pm_cli *cli, const struct pm_export *ex)
{
	static const struct pm_column map = {"left_out", "Left out", PM_AS_TEXT, 0};
	static const struct pm_column cols[PM_LEFT_OUTS] = {
		[PM_LEFT_KIND] = {"kind", "Of another kind", PM_AS_DEC, 0},
		[PM_LEFT_CHOICE] = {"choice", "Not chosen", PM_AS_DEC, 0},
		[PM_LEFT_FOLDER] = {"folder", "In other folders", PM_AS_DEC, 0},
		[PM_LEFT_DUPLICATE] = {"duplicate", "Duplicates", PM_AS_DEC, 0},
		[PM_LEFT_ATTACHMENT] = {"attachment", "Without attachments", PM_AS_DEC, 0},
	};

	if (!ex->total.skipped)
		return;
	pm_print_begin_map(cli->out, &map);
	for (size_t i = 0; i < PM_LEFT_OUTS; i++)
		if (ex->total.left[i])
			pm_print_uint(cli->out, &cols[i], ex->total.left[i]);
	pm_print_end(cli->out);
}

static void print_attachments(struct pm_cli *cli, const struct pm_export *ex)
{
	static const struct pm_column map = {"attachments", "Attachments", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"expected", "Expected", PM_AS_DEC, 0},
		{"whole", "Whole", PM_AS_DEC, 0},
		{"partial", "Partial", PM_AS_DEC, 0},
		{"lost", "Lost", PM_AS_DEC, 0},
	};
	const struct pm_export_counts *a = &ex->total.attachments;
	const uint64_t counts[] = {a->expected, a->whole, a->partial, a->lost};

	if (!ex->opts->form->only_attachments)
		return;
	pm_print_begin_map(cli->out, &map);
	for (size_t i = 0; i < 4; i++)
		pm_print_uint(cli->out, &cols[i], counts[i]);
	pm_print_end(cli->out);
}

/* What is looked for in both, rows and nodes, and what became of it; both sums are checked. */
static void print_total(struct pm_cli *cli, const struct pm_export *ex)
{
	static const struct pm_column total = {"total", "Total", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"rows", "Rows", PM_AS_DEC, 0},
		{"nodes", "Nodes", PM_AS_DEC, 0},
		{"expected", "Expected", PM_AS_DEC, 0},
		{"whole", "Whole", PM_AS_DEC, 0},
		{"partial", "Partial", PM_AS_DEC, 0},
		{"lost", "Lost", PM_AS_DEC, 0},
		{"listed", NULL, PM_AS_DEC, 0},
		{"only_rows", NULL, PM_AS_DEC, 0},
		{"skipped", "Left out", PM_AS_DEC, 0},
		{"mended_bits", "Bits mended by their checksums", PM_AS_DEC, 0},
	};
	const size_t bits = pm_analysis_mended_bits(ex->an);
	const struct pm_export_folder *t = &ex->total;
	const uint64_t counts[] = {t->rows,    t->nodes, t->expected, t->whole,
				   t->partial, t->lost,  t->listed,   t->only_rows};

	pm_print_begin_map(cli->out, &total);
	for (size_t i = 0; i < 8; i++)
		pm_print_uint(cli->out, &cols[i], counts[i]);
	if (t->skipped)
		pm_print_uint(cli->out, &cols[8], t->skipped);
	if (bits)
		pm_print_uint(cli->out, &cols[9], bits);
	pm_print_end(cli->out);
}

/* Apart from all others: what they are, and what became of them. */
static enum pm_rc print_deleted(struct pm_cli *cli, const struct pm_export *ex)
{
	static const struct pm_column map = {"deleted_total", "Deleted items", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"expected", "Expected", PM_AS_DEC, 0}, {"whole", "Whole", PM_AS_DEC, 0},
		{"partial", "Partial", PM_AS_DEC, 0},   {"lost", "Lost", PM_AS_DEC, 0},
		{"skipped", "Left out", PM_AS_DEC, 0},
	};
	const struct pm_export_folder *d = &ex->deleted;
	const uint64_t counts[] = {d->expected, d->whole, d->partial, d->lost, d->skipped};

	pm_print_begin_map(cli->out, &map);
	for (size_t i = 0; i < 5; i++)
		pm_print_uint(cli->out, &cols[i], counts[i]);
	pm_print_end(cli->out);
	return pm_print_deleted(cli, ex->model);
}

static void print_duplicates(struct pm_cli *cli, const struct pm_export *ex)
{
	static const struct pm_column table = {"duplicates", "Duplicates, left out", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"nid", "Node", PM_AS_HEX, 0},
		{"of", "Same as", PM_AS_HEX, 0},
		{"subject", "Subject", PM_AS_TEXT, 40},
		{"folder", "Folder", PM_AS_TEXT, 40},
	};

	if (!ex->duplicates.n)
		return;
	pm_print_begin_table(cli->out, &table, cols, sizeof(cols) / sizeof(cols[0]));
	for (size_t i = 0; i < ex->duplicates.n; i++) {
		const struct pm_export_duplicate *d = &ex->duplicates.v[i];

		pm_print_begin_row(cli->out);
		pm_print_uint(cli->out, &cols[0], d->nid);
		pm_print_uint(cli->out, &cols[1], d->of);
		pm_print_text(cli->out, &cols[2], d->subject);
		pm_print_text(cli->out, &cols[3], d->folder->path);
		pm_print_end(cli->out);
	}
	pm_print_end(cli->out);
}

static struct pm_choice choice_of(const struct options *o)
{
	struct pm_choice c = {.folder = o->folder,
			      .class = o->class,
			      .from = o->from,
			      .to = o->to,
			      .subject = o->subject,
			      .has_attachment = o->has_attachment,
			      .recovered = o->recovered,
			      .no_duplicates = o->no_duplicates};

	/* They were looked at before. */
	if (o->since)
		pm_choice_date(o->since, false, &c.since);
	if (o->until)
		pm_choice_date(o->until, true, &c.until);
	return c;
}

/* What the program was called with, as the system knows it; "" where it doesn't tell. */
static void command_line(char *ret, size_t size)
{
	FILE *f = fopen("/proc/self/cmdline", "re");
	size_t n = f ? fread(ret, 1, size - 1, f) : 0;

	for (size_t i = 0; i + 1 < n; i++)
		if (!ret[i] || (uint8_t)ret[i] >= 0x80)
			ret[i] = ret[i] ? '?' : ' ';
	ret[n] = '\0';
	if (f)
		fclose(f);
}

static uint64_t now(void)
{
	return pm_time_from_unix(time(NULL));
}

static void zone_name(char *ret, size_t size)
{
	time_t t = time(NULL);
	struct tm local;

	if (!localtime_r(&t, &local) || !strftime(ret, size, "%Z %z", &local))
		*ret = '\0';
}

static const struct pm_exporter_ops *form_of(const struct options *o)
{
	return o->only_attachments ? &pm_exporter_attachments : pm_export_forms[o->form];
}

static enum pm_outdir_how how(const struct pm_cli *cli)
{
	const struct options *o = cli->options;

	return o->resume ? PM_OUTDIR_RESUME : cli->common.force ? PM_OUTDIR_FORCE : PM_OUTDIR_NEW;
}

static int work(struct pm_cli *cli, const char *file, struct pm_opened *o, struct pm_model *model)
{
	static const struct pm_column dir = {"directory", "Directory", PM_AS_TEXT, 0};
	static const struct pm_column form = {"format", "Format", PM_AS_TEXT, 0};
	const struct options *opts = cli->options;
	char command[4096], host[256] = "", zone[32] = "";
	struct pm_custody run = {.command = command,
				 .user = getenv("USER"),
				 .host = host,
				 .zone = zone,
				 .began = now(),
				 .now = now};
	const struct pm_evidence_options evidence = {.source = o->img,
						     .md5 = opts->md5,
						     .load = (unsigned int)opts->load,
						     .mended_bits = pm_analysis_mended_bits(o->an)};
	const struct pm_export_options eo = {.form = form_of(opts),
					     .dir = opts->output,
					     .source = file,
					     .how = how(cli),
					     .mark = opts->mark,
					     .join = opts->join,
					     .split = opts->split.value,
					     .deleted = opts->deleted,
					     .jobs = cli->ctx.jobs,
					     .choice = choice_of(opts),
					     .evidence = opts->evidence ? &evidence : NULL,
					     .run = &run};
	static const struct pm_column nameless = {"unindexed", NULL, PM_AS_DEC, 0};
	static const struct pm_column short_file = {"cut_short", NULL, PM_AS_BOOL, 0};
	const size_t unindexed = pm_analysis_unindexed(o->an);
	const bool cut_short = pm_analysis_cut_short(o->an);
	struct pm_export ex;
	int bits = PM_EXIT_OK;
	enum pm_rc rc;

	command_line(command, sizeof(command));
	gethostname(host, sizeof(host) - 1);
	zone_name(zone, sizeof(zone));
	rc = pm_export_run(o->an, model, &eo, &ex);

	if (!rc) {
		pm_print_text(cli->out, &dir, opts->output);
		pm_print_text(cli->out, &form, eo.form->name);
		print_folders(cli, &ex);
		print_losses(cli, &ex);
		print_duplicates(cli, &ex);
		print_attachments(cli, &ex);
		print_left_out(cli, &ex);
		print_total(cli, &ex);
		if (opts->deleted)
			rc = print_deleted(cli, &ex);
		pm_print_uint(cli->out, &nameless, unindexed);
		if (unindexed)
			pm_print_para(
				cli->out,
				"A part of the node tree is lost: %zu objects (messages, folders, "
				"attachments) are still in the file but under no name; they were "
				"not exported.",
				unindexed);
		pm_print_bool(cli->out, &short_file, cut_short);
		if (cut_short)
			pm_print_para(
				cli->out,
				"The file is cut short: what stood behind its end is lost, and "
				"nobody knows what all of it was.");
		if (ex.total.partial || ex.total.lost || unindexed || cut_short)
			bits = PM_EXIT_LOST;
	}
	pm_export_close(&ex);
	return bits;
}

static int run(struct pm_cli *cli, const char *file, int argc, char **argv)
{
	static const struct pm_analysis_options whole = {0};
	const struct options *opts = cli->options;
	struct pm_model model = {0};
	struct pm_opened o = {0};
	int bits = PM_EXIT_OK;
	enum pm_rc rc = pm_outdir_check(&cli->ctx, opts->output, file, how(cli));

	(void)argc;
	(void)argv;
	cli->ctx.jobs = pm_jobs(&opts->jobs);
	if (!rc)
		rc = pm_opened_open(cli, file, &whole, &o);
	if (!rc && opts->deleted)
		rc = pm_deleted_find(o.an);
	if (!rc)
		rc = pm_model_build(o.an, &model);
	if (!rc && opts->deleted)
		rc = pm_deleted_build_aside(o.an);
	if (!rc)
		bits = work(cli, file, &o, &model);
	pm_model_done(&model);
	pm_opened_close(&o);
	return bits;
}

static int check(const struct pm_cli *cli, int argc, char **argv)
{
	const struct options *opts = cli->options;
	uint64_t t;

	(void)argc;
	(void)argv;
	if (!opts->output || !*opts->output)
		return pm_cli_usage(cli->cmd, "where to? Give a directory with -o");
	if (pm_jobs_check(cli, &opts->jobs))
		return PM_EXIT_USAGE;
	if (opts->only_attachments && opts->form)
		return pm_cli_usage(cli->cmd,
				    "--attachments-only writes no mail, so it has no --format");
	if ((opts->md5 || opts->load) && !opts->evidence)
		return pm_cli_usage(cli->cmd, "--md5 and --load-file are about --evidence");
	if (opts->resume && cli->common.force)
		return pm_cli_usage(cli->cmd, "--resume goes on, --force begins again: which?");
	if ((opts->since && !pm_choice_date(opts->since, false, &t)) ||
	    (opts->until && !pm_choice_date(opts->until, true, &t)))
		return pm_cli_usage(cli->cmd, "a date is wanted, like 2021-03-04, or "
					      "2021-03-04T05:06:07 (in UTC)");
	return PM_EXIT_OK;
}

static const struct pm_option option_table[] = {
	{PM_OPT_STRING, "output", 'o', "DIR", "the directory that the mail goes to, new or empty",
	 offsetof(struct options, output), NULL},
	{PM_OPT_CHOICE, "format", 0, "FORM", "the form", offsetof(struct options, form),
	 "eml mbox mboxo mboxcl2 maildir kmail vcard vcard3 ical"}, /* in the order of pm_export_forms */
	{PM_OPT_FLAG, "deleted", 0, NULL, "deleted items, too (in Recovered by pstmend/Deleted)",
	 offsetof(struct options, deleted), NULL},
	{PM_OPT_FLAG, "resume", 0, NULL,
	 "go on with an export into DIR that was not finished, with the same options",
	 offsetof(struct options, resume), NULL},
	{PM_OPT_FLAG, "attachments-only", 0, NULL, "write attachments as files, and no mail",
	 offsetof(struct options, only_attachments), NULL},
	{PM_OPT_FLAG, "mark", 0, NULL,
	 "say in the header of a damaged message what it lacks (X-PSTMend-Damaged)",
	 offsetof(struct options, mark), NULL},
	{PM_OPT_STRING, "folder", 0, "GLOB",
	 "folders whose name is like this, or whose path when it has a /",
	 offsetof(struct options, folder), NULL},
	{PM_OPT_STRING, "since", 0, "DATE", "items from this day or time (UTC) on",
	 offsetof(struct options, since), NULL},
	{PM_OPT_STRING, "until", 0, "DATE", "items up to this day, or before this time",
	 offsetof(struct options, until), NULL},
	{PM_OPT_STRING, "class", 0, "GLOB", "items of a class like this",
	 offsetof(struct options, class), NULL},
	{PM_OPT_STRING, "from", 0, "TEXT", "mail from people with this in name or address",
	 offsetof(struct options, from), NULL},
	{PM_OPT_STRING, "to", 0, "TEXT", "mail to such people", offsetof(struct options, to), NULL},
	{PM_OPT_STRING, "subject", 0, "TEXT", "items with this in their subject",
	 offsetof(struct options, subject), NULL},
	{PM_OPT_FLAG, "has-attachment", 0, NULL, "items with attachments",
	 offsetof(struct options, has_attachment), NULL},
	{PM_OPT_FLAG, "recovered", 0, NULL, "items that the node tree does not name",
	 offsetof(struct options, recovered), NULL},
	{PM_OPT_FLAG, "exclude-duplicates", 0, NULL,
	 "of equal items only the first; the others are listed",
	 offsetof(struct options, no_duplicates), NULL},
	{PM_OPT_FLAG, "evidence", 0, NULL,
	 "add an inventory, a manifest of hashes and a custody record, in " PM_EVIDENCE_DIR,
	 offsetof(struct options, evidence), NULL},
	{PM_OPT_FLAG, "md5", 0, NULL, "--evidence: MD5 beside SHA-256",
	 offsetof(struct options, md5), NULL},
	{PM_OPT_CHOICE, "load-file", 0, "FORM", "--evidence: a load file for review programs",
	 offsetof(struct options, load), "none dat edrm both"},
	{PM_OPT_SIZE, "split", 0, "SIZE", "mbox: begin another file when one has this size",
	 offsetof(struct options, split), NULL},
	{PM_OPT_FLAG, "join", 0, NULL, "vCard and iCalendar: one file a folder, not one an item",
	 offsetof(struct options, join), NULL},
	PM_JOBS_OPTION(struct options, jobs),
	{0},
};

const struct pm_command pm_cmd_export = {
	.name = "export",
	.args = "FILE -o DIR",
	.summary = "Write the mail of a file, damaged or not, as EML or mbox",
	.detail =
		"Every message is accounted for: expected = whole + partial + lost. What is partial\n"
		"or lost is listed one by one. " PM_EXPORT_MAP " in DIR tells for each file what\n"
		"it is made of.\n",
	.files = PM_FILES_ONE,
	.min = 1,
	.max = 1,
	.own_format = true,
	.options = option_table,
	.size = sizeof(struct options),
	.check = check,
	.run = run,
};
