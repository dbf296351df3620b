/* SPDX-License-Identifier: Apache-2.0 */
/* Undo files met beside a file; see unfinished.h. */
#include "cli/unfinished.h"

#include "base/quote.h"
#include "repair/undo.h"

#include <sys/stat.h>

/* How it stands with the file, or NULL. What can't be read is for the command to say. */
static const char *look(struct pm_ctx *ctx, const char *file, const char *path)
{
	struct pm_target t = {.fd = -1};
	struct pm_undo u = {0};
	struct pm_undo_look l = {0};
	const char *what = NULL;

	if (pm_undo_load(ctx, path, &u))
		what = "there is an undo file beside it, but that is damaged; a repair in place "
		       "may have been interrupted";
	else if (pm_target_open(ctx, file, PM_TARGET_LOOK, &t) == PM_OK &&
		 pm_undo_compare(ctx, &u, &t, false, &l) == PM_OK) {
		if (l.state == PM_UNDO_BETWEEN)
			what = "a repair in place did not come to its end; 'pstmend undo' makes "
			       "it again what it was";
		else if (l.state == PM_UNDO_ORIGINAL)
			what = "a repair in place stopped before it changed anything; 'pstmend "
			       "undo' takes its undo file away";
	}
	pm_target_close(&t);
	pm_undo_done(&u);
	return what;
}

void pm_unfinished_say(struct pm_cli *cli, const char *file)
{
	static const struct pm_column notice = {.key = "unfinished"};
	struct pm_ctx own = {0};
	char *path = pm_undo_path(&own, file);
	const char *what = NULL;
	struct stat st;

	if (path && !stat(path, &st) && S_ISREG(st.st_mode))
		what = look(&own, file, path);
	pm_free(path);
	if (!what)
		return;
	pm_cli_message("%s: %s", pm_quote(file).s, what);
	pm_print_text(cli->out, &notice, what);
}
