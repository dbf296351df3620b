/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend explain and pstmend problems: the catalogue of what can be wrong with a file. */
#include "base/quote.h"
#include "check/problems.h"
#include "cli/commands.h"
#include "cli/explain.h"

static const struct pm_column problem_cols[] = {
	{"name", "Name", PM_AS_TEXT, 0},         {"layer", "Layer", PM_AS_TEXT, 0},
	{"severity", "Severity", PM_AS_TEXT, 0}, {"repair", "Repair", PM_AS_TEXT, 0},
	{"arguments", NULL, PM_AS_TEXT, 0},      {"text", "Text", PM_AS_TEXT, 0},
};

/* The catalogue's arguments are words, some with the form that they are shown in. */
static void print_arguments(struct pm_printer *out, const char *args)
{
	pm_print_begin_list(out, &problem_cols[4]);
	while (*args) {
		size_t n = strcspn(args, " "), name = strcspn(args, " :");

		pm_print_textn(out, &problem_cols[4], args, name);
		args += n + (args[n] == ' ');
	}
	pm_print_end(out);
}

/* All members of a row of the catalogue, in a row of a table or in a map. */
static void print_problem(struct pm_printer *out, const struct pm_problem_row *p)
{
	pm_print_text(out, &problem_cols[0], p->name);
	pm_print_text(out, &problem_cols[1], pm_problem_layer_name(p->layer));
	pm_print_text(out, &problem_cols[2], pm_severity_name(p->severity));
	pm_print_text(out, &problem_cols[3], pm_mend_name(p->mend));
	print_arguments(out, p->args);
	pm_print_text(out, &problem_cols[5], p->text);
}

static int run_problems(struct pm_cli *cli, const char *file, int argc, char **argv)
{
	static const struct pm_column table = {"problems", "", PM_AS_TEXT, 0};

	(void)file;
	(void)argc;
	(void)argv;
	pm_print_begin_table(cli->out, &table, problem_cols, 6);
	for (unsigned int i = 0; i < PM_P_COUNT; i++) {
		pm_print_begin_row(cli->out);
		print_problem(cli->out, &pm_problem_rows[i]);
		pm_print_end(cli->out);
	}
	pm_print_end(cli->out);
	return PM_EXIT_OK;
}

const struct pm_command pm_cmd_problems = {
	.name = "problems",
	.args = "",
	.summary = "List all problems that check can report",
	.files = PM_FILES_NONE,
	.max = 0,
	.run = run_problems,
};

/* --- explain --------------------------------------------------------------------------- */

static const char *explanation(const char *name)
{
	for (const struct pm_explanation *e = pm_explanations; e->name; e++)
		if (!strcmp(e->name, name))
			return e->text;
	return "";
}

static void print_lines(struct pm_cli *cli, const char *text)
{
	struct pm_buf line = {0};

	while (*text) {
		size_t n = strcspn(text, "\n");

		pm_buf_clear(&line);
		pm_buf_add(&cli->ctx, &line, text, n);
		pm_print_line(cli->out, pm_buf_cstr(&cli->ctx, &line));
		text += n + (text[n] == '\n');
	}
	pm_buf_done(&line);
}

static int check_names(const struct pm_cli *cli, int argc, char **argv)
{
	const char *names[PM_P_COUNT + 1] = {NULL};

	for (unsigned int i = 0; i < PM_P_COUNT; i++)
		names[i] = pm_problem_rows[i].name;
	for (int i = 0; i < argc; i++) {
		const char *near;

		if (pm_problem_find(argv[i]) != PM_P_COUNT)
			continue;
		near = pm_nearest(argv[i], names);
		return pm_cli_usage(cli->cmd, "there is no problem %s, %s%s%s", pm_quote(argv[i]).s,
				    near ? "did you mean " : "",
				    near ? near : "'pstmend problems' lists them", near ? "?" : "");
	}
	return PM_EXIT_OK;
}

static int run_explain(struct pm_cli *cli, const char *file, int argc, char **argv)
{
	static const struct pm_column list = {"problems", "", PM_AS_TEXT, 0};
	static const struct pm_column text = {"explanation", NULL, PM_AS_TEXT, 0};

	(void)file;
	pm_print_begin_list(cli->out, &list);
	for (int i = 0; i < argc; i++) {
		enum pm_problem_id id = pm_problem_find(argv[i]);
		const char *words = explanation(argv[i]);
		const struct pm_column map = {"problem", argc > 1 ? argv[i] : "", PM_AS_TEXT, 0};

		pm_print_begin_map(cli->out, &map);
		print_problem(cli->out, &pm_problem_rows[id]);
		pm_print_text(cli->out, &text, words);
		pm_print_line(cli->out, "");
		print_lines(cli, words);
		pm_print_end(cli->out);
	}
	pm_print_end(cli->out);
	return PM_EXIT_OK;
}

const struct pm_command pm_cmd_explain = {
	.name = "explain",
	.args = "PROBLEM...",
	.summary = "Say what a problem means, what is lost by it, and what repair does",
	.files = PM_FILES_NONE,
	.min = 1,
	.max = -1,
	.check = check_names,
	.run = run_explain,
};
