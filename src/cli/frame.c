/* SPDX-License-Identifier: Apache-2.0 */
/* The frame around the commands: see cli.h. */
#include "cli/cli.h"

#include "base/quote.h"
#include "base/stats.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/unfinished.h"
#include "pstmend.h"

#include <fcntl.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT(member) offsetof(struct pm_common, member)

enum { ERROR_TEXT = 1600 };

static const struct pm_option format_option[] = {
	{PM_OPT_CHOICE, "format", 0, "FORM", "form of standard output", AT(format),
	 "text json html"},
	{0},
};

#define MEMORY_MIN (1u << 20)

static const struct pm_option common_options[] = {
	{PM_OPT_STRING, "report", 0, "REPORT",
	 "write a report, too; its suffix says the form: .txt, .json, .html", AT(report), NULL},
	{PM_OPT_FLAG, "force", 0, NULL, "replace what is to be written if it exists", AT(force),
	 NULL},
	{PM_OPT_FLAG, "local-time", 0, NULL, "times in this system's zone", AT(local_time), NULL},
	{PM_OPT_FLAG, "utc", 0, NULL, "times in UTC, as is the default", AT(utc), NULL},
	{PM_OPT_SIZE, "memory", 0, "SIZE",
	 "memory that is to do, 512M; what is more lies in TMPDIR", AT(memory), NULL},
	{PM_OPT_NUMBER, "progress-fd", 0, "N", "lines about progress to file descriptor N",
	 AT(progress_fd), NULL},
	{PM_OPT_FLAG, "stats", 0, NULL, "say what it cost: time, reading and memory by phase",
	 AT(stats), NULL},
	{PM_OPT_FLAG, "quiet", 'q', NULL, "no progress on a terminal", AT(quiet), NULL},
	{PM_OPT_FLAG, "help", 'h', NULL, "show this help", AT(help), NULL},
	{0},
};

static const struct pm_column exit_col = {.key = "exit_status", .form = PM_AS_DEC};
static const struct pm_column error_col = {.key = "error", .label = "Error"};

void pm_cli_message(const char *fmt, ...)
{
	va_list ap;

	pm_progress_clear();
	fputs("pstmend: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* The error in words: the library's text, which mostly names the file itself. */
static void error_text(const struct pm_ctx *ctx, const char *file, char ret[ERROR_TEXT])
{
	const char *next = ctx->rc == PM_ENOMEM ? "; close other programs and start again" : "";

	if (file && ctx->text[0] != '\'')
		snprintf(ret, ERROR_TEXT, "%s: %s%s", pm_quote(file).s, ctx->text, next);
	else
		snprintf(ret, ERROR_TEXT, "%s%s", ctx->text, next);
}

void pm_cli_error(const struct pm_ctx *ctx)
{
	char text[ERROR_TEXT];

	error_text(ctx, NULL, text);
	pm_cli_message("%s", text);
}

int pm_cli_usage(const struct pm_command *cmd, const char *fmt, ...)
{
	char s[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s, sizeof(s), fmt, ap);
	va_end(ap);
	if (cmd)
		fprintf(stderr, "pstmend %s: %s; try pstmend %s --help\n", cmd->name, s, cmd->name);
	else
		fprintf(stderr, "pstmend: %s; try pstmend --help\n", s);
	return PM_EXIT_USAGE;
}

/* --- help ---------------------------------------------------------------------------- */

/* The end of what was printed with stdio. */
static int finish_stdout(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		pm_cli_message(
			"standard output: writing failed; make room on the disk, or check where it goes");
		return PM_EXIT_FAILED;
	}
	return PM_EXIT_OK;
}

/* An error before there is any work on a file. */
static int refuse(const struct pm_ctx *ctx)
{
	pm_cli_error(ctx);
	return PM_EXIT_FAILED;
}

static int help(const struct pm_command *cmd)
{
	struct pm_ctx ctx = {0};
	struct pm_buf text = {0};
	const char *lines;

	pm_options_help(&ctx, cmd->options, &text);
	if (!cmd->own_format)
		pm_options_help(&ctx, format_option, &text);
	pm_options_help(&ctx, common_options, &text);
	lines = pm_buf_cstr(&ctx, &text);
	if (ctx.rc) {
		pm_buf_done(&text);
		return refuse(&ctx);
	}
	printf("Usage: pstmend %s [OPTION]... %s\n%s.\n", cmd->name, cmd->args, cmd->summary);
	if (cmd->detail)
		printf("\n%s", cmd->detail);
	printf("\nOptions:\n%s", lines);
	pm_buf_done(&text);
	return finish_stdout();
}

static int general_help(void)
{
	printf("Usage: pstmend COMMAND [OPTION]... [ARGUMENT]...\n"
	       "Check, repair, inspect and export Outlook data files (PST and OST).\n\n"
	       "Commands:\n");
	for (const struct pm_command *const *c = pm_commands; *c; c++)
		printf("  %-10s%s\n", (*c)->name, (*c)->summary);
	printf("\n'pstmend COMMAND --help' shows the options of a command; 'pstmend --version' the\n"
	       "version. Exit status, the sum of: 0 nothing is wrong, 1 mended, 4 problems remain,\n"
	       "8 failed, 16 wrong usage, 32 cancelled, 64 something is lost.\n");
	return finish_stdout();
}

/* --- one command --------------------------------------------------------------------- */

/* Errors that end the work on a file make the status; damage is the command's to say. */
static int status_of(const struct pm_ctx *ctx)
{
	if (!ctx->rc)
		return PM_EXIT_OK;
	if (ctx->rc == PM_EGONE) /* the right file, and nothing can be done about its problem */
		return PM_EXIT_PROBLEMS;
	return ctx->rc == PM_ECANCEL ? PM_EXIT_CANCELLED : PM_EXIT_FAILED;
}

static void print_phase(struct pm_cli *cli, const struct pm_phase *p, double all)
{
	static const struct pm_column cols[] = {
		{"group", NULL, PM_AS_TEXT, 0},       {"phase", NULL, PM_AS_TEXT, 0},
		{"milliseconds", NULL, PM_AS_DEC, 0}, {"cpu_milliseconds", NULL, PM_AS_DEC, 0},
		{"bytes_read", NULL, PM_AS_DEC, 0},   {"reads", NULL, PM_AS_DEC, 0},
		{"peak_memory", NULL, PM_AS_DEC, 0},
	};

	pm_print_text(cli->out, &cols[0], *p->group ? p->group : NULL);
	pm_print_text(cli->out, &cols[1], p->name);
	pm_print_uint(cli->out, &cols[2], (uint64_t)(p->wall * 1000));
	pm_print_uint(cli->out, &cols[3], (uint64_t)(p->cpu * 1000));
	pm_print_uint(cli->out, &cols[4], p->bytes);
	pm_print_uint(cli->out, &cols[5], p->reads);
	pm_print_uint(cli->out, &cols[6], p->peak);
	if (cli->common.format != PM_PRINT_JSON)
		fprintf(stderr, "%7s %-12s %9.3f %5.1f %9.3f %14llu %9llu %9.1f\n", p->group,
			p->name, p->wall, all > 0 ? p->wall * 100 / all : 0.0, p->cpu,
			(unsigned long long)p->bytes, (unsigned long long)p->reads,
			(double)p->peak / (1 << 20));
}

static void print_stats(struct pm_cli *cli, const struct pm_stats *s, const char *file)
{
	static const struct pm_column map = {"stats", NULL, PM_AS_TEXT, 0};
	static const struct pm_column phases = {"phases", NULL, PM_AS_TEXT, 0};
	static const struct pm_column total = {"total", NULL, PM_AS_TEXT, 0};
	static const struct pm_column size = {"file_size", NULL, PM_AS_DEC, 0};
	static const struct pm_column spilled = {"temporary_bytes", NULL, PM_AS_DEC, 0};
	const struct pm_phase all = pm_stats_total(s);
	struct stat st = {0};

	if (file && stat(file, &st))
		st.st_size = 0;
	if (cli->common.format != PM_PRINT_JSON)
		fprintf(stderr, "%7s %-12s %9s %5s %9s %14s %9s %9s\n", "", "phase", "seconds", "%",
			"cpu", "bytes read", "reads", "peak MiB");
	pm_print_begin_map(cli->out, &map);
	pm_print_uint(cli->out, &size, (uint64_t)st.st_size);
	pm_print_begin_list(cli->out, &phases);
	for (size_t i = 0; i < s->n; i++) {
		pm_print_begin_map(cli->out, NULL);
		print_phase(cli, &s->v[i], all.wall);
		pm_print_end(cli->out);
	}
	pm_print_end(cli->out);
	pm_print_uint(cli->out, &spilled, pm_mem_spilled());
	pm_print_begin_map(cli->out, &total);
	print_phase(cli, &all, all.wall);
	pm_print_end(cli->out);
	pm_print_end(cli->out);
	if (cli->common.format != PM_PRINT_JSON && st.st_size)
		fprintf(stderr, "pstmend: %.2f times the file's %llu bytes were read\n",
			(double)all.bytes / (double)st.st_size, (unsigned long long)st.st_size);
	if (cli->common.format != PM_PRINT_JSON && pm_mem_spilled())
		fprintf(stderr, "pstmend: at most %llu bytes of indexes lay in temporary files\n",
			(unsigned long long)pm_mem_spilled());
}

static int work_on(struct pm_cli *cli, const char *file, int argc, char **argv)
{
	struct pm_stats stats;
	char text[ERROR_TEXT];
	unsigned int depth;
	int bits;

	cli->ctx = (struct pm_ctx){.progress = pm_progress, .cancel = pm_cancelled()};
	pm_print_begin_doc(cli->out, cli->cmd->name, file);
	depth = pm_print_depth(cli->out);
	if (file && strcmp(cli->cmd->name, "undo"))
		pm_unfinished_say(cli, file);
	if (cli->common.stats)
		pm_stats_begin(&cli->ctx, &stats);
	bits = cli->cmd->run(cli, file, argc, argv);
	pm_progress_clear();
	pm_print_unwind(cli->out, depth);
	if (cli->ctx.stats) {
		pm_stats_end(&cli->ctx);
		print_stats(cli, &stats, file);
	}
	bits |= status_of(&cli->ctx);
	if (cli->ctx.rc) {
		error_text(&cli->ctx, file, text);
		pm_cli_message("%s", text);
		pm_print_text(cli->errors, &error_col, text);
	}
	pm_print_uint(cli->out, &exit_col, (uint64_t)bits);
	pm_print_end(cli->out);
	return bits;
}

static int work(struct pm_cli *cli, int argc, char **argv)
{
	int bits = PM_EXIT_OK;

	if (cli->cmd->files == PM_FILES_NONE)
		return work_on(cli, NULL, argc, argv);
	if (cli->cmd->files == PM_FILES_ONE)
		return work_on(cli, argv[0], argc - 1, argv + 1);
	for (int i = 0; i < argc && !*pm_cancelled(); i++)
		bits |= work_on(cli, argv[i], 0, NULL);
	return *pm_cancelled() ? bits | PM_EXIT_CANCELLED : bits;
}

static int check_arguments(const struct pm_cli *cli, int argc, char **argv)
{
	const struct pm_command *cmd = cli->cmd;
	const struct pm_common *c = &cli->common;
	struct stat report, file;

	if (argc < cmd->min)
		return pm_cli_usage(cmd,
				    argc || cmd->files == PM_FILES_NONE
					    ? "an argument is missing: %s"
					    : "a file is missing: %s",
				    cmd->args);
	if (cmd->max >= 0 && argc > cmd->max)
		return pm_cli_usage(cmd, "%s is one argument too many", pm_quote(argv[cmd->max]).s);
	if (c->utc && c->local_time)
		return pm_cli_usage(cmd, "--utc and --local-time exclude each other");
	if (c->progress_fd.given &&
	    (c->progress_fd.value > INT32_MAX ||
	     (fcntl((int)c->progress_fd.value, F_GETFL) & O_ACCMODE) == O_RDONLY ||
	     fcntl((int)c->progress_fd.value, F_GETFL) < 0))
		return pm_cli_usage(cmd,
				    "--progress-fd %llu: this descriptor is not open for writing",
				    (unsigned long long)c->progress_fd.value);
	if (c->report && !pm_report_form(c->report, NULL))
		return pm_cli_usage(cmd, "--report %s: its name must end in .txt, .json or .html",
				    pm_quote(c->report).s);
	for (int i = 0; c->report && cmd->files != PM_FILES_NONE && i < argc; i++)
		if (!stat(c->report, &report) && !stat(argv[i], &file) &&
		    report.st_dev == file.st_dev && report.st_ino == file.st_ino)
			return pm_cli_usage(cmd, "--report %s: this is the file to be read",
					    pm_quote(c->report).s);
	if (c->memory.given && c->memory.value < MEMORY_MIN)
		return pm_cli_usage(cmd, "--memory: 1M is the least");
	if (!cmd->check)
		return PM_EXIT_OK;
	return cmd->files == PM_FILES_NONE  ? cmd->check(cli, argc, argv)
	       : cmd->files == PM_FILES_ONE ? cmd->check(cli, argc - 1, argv + 1)
					    : cmd->check(cli, argc, argv);
}

static int run_command(struct pm_cli *cli, int argc, char **argv)
{
	struct pm_outputs outputs;
	int bits = check_arguments(cli, argc, argv);

	if (bits)
		return bits;
	if (cli->common.memory.given)
		pm_mem_set_budget(cli->common.memory.value);
	pm_progress_start(cli->common.progress_fd.given ? (int)cli->common.progress_fd.value : -1,
			  !cli->common.quiet);
	if (pm_outputs_open(cli, argc > 1 && cli->cmd->files == PM_FILES_MANY, &outputs))
		return PM_EXIT_FAILED;
	bits = work(cli, argc, argv);
	return bits | pm_outputs_close(&outputs, bits);
}

static int parse_and_run(const struct pm_command *cmd, int argc, char **argv)
{
	struct pm_cli cli = {.cmd = cmd};
	struct pm_buf why = {0};
	void *own = pm_calloc(&cli.ctx, 1, cmd->size);
	const struct pm_option_set sets[] = {
		{cmd->options, own},
		{cmd->own_format ? NULL : format_option, &cli.common},
		{common_options, &cli.common},
	};
	int first = 0, bits;

	cli.options = own;
	if (own && pm_options_parse(&cli.ctx, sets, 3, argc, argv, &first, &why))
		bits = cli.common.help ? help(cmd) : run_command(&cli, argc - first, argv + first);
	else if (cli.ctx.rc)
		bits = refuse(&cli.ctx);
	else
		bits = pm_cli_usage(cmd, "%s", pm_buf_cstr(&cli.ctx, &why));
	pm_buf_done(&why);
	pm_free(own);
	return bits;
}

/* --- the program --------------------------------------------------------------------- */

static const struct pm_command *find_command(const char *name)
{
	for (const struct pm_command *const *c = pm_commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

static int no_command(const char *name)
{
	enum { MOST = 32 };
	const char *names[MOST + 1] = {NULL};
	const char *near;

	if (name[0] == '-')
		return pm_cli_usage(NULL, "%s: a command comes first, its options behind it",
				    pm_quote(name).s);
	for (size_t i = 0; i < MOST && pm_commands[i]; i++)
		names[i] = pm_commands[i]->name;
	near = pm_nearest(name, names);
	return near ? pm_cli_usage(NULL, "there is no command %s, did you mean %s?",
				   pm_quote(name).s, near)
		    : pm_cli_usage(NULL, "there is no command %s", pm_quote(name).s);
}

/* With one of the standard descriptors closed, the next file to be opened would take its
 * number, and what we print would go there. */
static void keep_descriptors(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
			return;
}

/*
 * Large pieces go back to the system when they are freed, always: else the first of them teaches
 * glibc to keep such pieces, each thread its own.
 */
static void tame_memory(void)
{
#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
}

int pm_cli_main(int argc, char **argv)
{
	const struct pm_command *cmd;

	keep_descriptors();
	tame_memory();
	if (argc < 2)
		return pm_cli_usage(NULL, "a command is needed");
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("pstmend %s\n", pstmend_version());
		return finish_stdout();
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		if (argc < 3)
			return general_help();
		cmd = find_command(argv[2]);
		return cmd ? help(cmd) : no_command(argv[2]);
	}
	cmd = find_command(argv[1]);
	if (!cmd)
		return no_command(argv[1]);
	pm_signals_catch();
	return parse_and_run(cmd, argc - 1, argv + 1);
}
