/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend undo: take a repair in place back. */
#include "base/quote.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "io/write.h"
#include "repair/undo.h"

#include <errno.h>
#include <unistd.h>

struct undo_options {
	const char *undo_file;
};

static const struct pm_option options[] = {
	{PM_OPT_STRING, "undo-file", 0, "PATH", "the undo file (default: FILE.pstmend-undo)",
	 offsetof(struct undo_options, undo_file), NULL},
	{0},
};

/* The file is what it was: its undo file is of no more use. */
static enum pm_rc drop_undo_file(struct pm_ctx *ctx, const char *path)
{
	int errnum = pm_write_step();

	if (!errnum && unlink(path))
		errnum = errno;
	if (errnum)
		return pm_write_fail(ctx, pm_quote(path).s, "deleting it", UINT64_MAX, errnum);
	return pm_write_sync_dir(ctx, path);
}

static void report(struct pm_cli *cli, const struct pm_undo *u, const struct pm_undo_look *look,
		   const char *path)
{
	static const struct pm_column state = {"state", NULL, PM_AS_TEXT, 0};
	static const struct pm_column ranges = {"ranges", "Places restored", PM_AS_DEC, 0};
	static const struct pm_column size = {"size", "Size", PM_AS_SIZE, 0};
	const bool was = look->state == PM_UNDO_ORIGINAL;
	struct pm_ctx own = {0};

	pm_print_text(cli->out, &state, was ? "original" : "restored");
	if (was)
		pm_print_para(cli->out, "It is as it was before the repair already.");
	else
		pm_print_para(cli->out, "Restored: byte for byte as before the repair.");
	if (!was)
		pm_print_uint(cli->out, &ranges, look->as_new + look->torn);
	pm_print_uint(cli->out, &size, u->old_size);
	if (drop_undo_file(&own, path))
		pm_cli_message("%s; it is not needed any more", own.text);
	else
		pm_print_para(cli->out, "The undo file %s is deleted.", pm_quote(path).s);
}

static int run(struct pm_cli *cli, const char *file, int argc, char **argv)
{
	const struct undo_options *o = cli->options;
	struct pm_ctx *ctx = &cli->ctx;
	struct pm_target target = {.fd = -1};
	struct pm_undo undo = {0};
	struct pm_undo_look look = {0};
	char *path = o->undo_file ? pm_strdup(ctx, o->undo_file) : pm_undo_path(ctx, file);
	enum pm_rc rc = path ? pm_target_open(ctx, file, 0, &target) : ctx->rc;

	(void)argc;
	(void)argv;
	if (rc == PM_OK && access(path, F_OK))
		rc = pm_fail(ctx, PM_EUSAGE,
			     "%s: there is no undo file %s; if it is elsewhere, name it with "
			     "--undo-file",
			     target.name, pm_quote(path).s);
	if (rc == PM_OK)
		rc = pm_undo_load(ctx, path, &undo);
	if (rc == PM_OK)
		rc = pm_undo_compare(ctx, &undo, &target, true, &look);
	if (rc == PM_OK && look.state == PM_UNDO_FOREIGN)
		rc = pm_fail(ctx, PM_EUSAGE, "%s: %s; nothing was restored", target.name, look.why);
	if (rc == PM_OK && look.state != PM_UNDO_ORIGINAL)
		rc = pm_undo_restore(ctx, &undo, &target);
	if (rc == PM_OK)
		report(cli, &undo, &look, path);
	pm_undo_done(&undo);
	pm_target_close(&target);
	pm_free(path);
	return PM_EXIT_OK;
}

static int check(const struct pm_cli *cli, int argc, char **argv)
{
	const struct undo_options *o = cli->options;

	(void)argv;
	if (o->undo_file && argc > 1)
		return pm_cli_usage(cli->cmd, "--undo-file names one file, but there are several");
	return PM_EXIT_OK;
}

const struct pm_command pm_cmd_undo = {
	.name = "undo",
	.args = "FILE...",
	.summary = "Take a repair in place back: the file as it was, byte for byte",
	.detail = "A file that was changed since the repair is refused.",
	.files = PM_FILES_MANY,
	.min = 1,
	.max = -1,
	.options = options,
	.size = sizeof(struct undo_options),
	.check = check,
	.run = run,
};
