/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output and the report; see output.h. */
#include "cli/output.h"

#include "base/quote.h"
#include "base/text.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "io/output.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static enum pm_rc write_stdout(struct pm_writer *w, const void *p, size_t n)
{
	struct pm_outputs *o =
		(struct pm_outputs *)((uint8_t *)w - offsetof(struct pm_outputs, out));
	const uint8_t *bytes = p;

	pm_progress_clear();
	while (n > 0) {
		ssize_t got = write(STDOUT_FILENO, bytes, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EPIPE)
			o->hung_up = true;
		if (got <= 0)
			return pm_fail(&o->ctx, PM_EIO, "standard output: writing failed: %s; %s",
				       pm_strerror(got < 0 ? errno : EIO),
				       errno == ENOSPC ? "make room on the disk and start again"
						       : "check where it goes");
		bytes += got;
		n -= (size_t)got;
	}
	return PM_OK;
}

static enum pm_rc write_report(struct pm_writer *w, const void *p, size_t n)
{
	struct pm_outputs *o = ((struct report_writer *)w)->of;

	return pm_output_append(o->file, p, n);
}

bool pm_report_form(const char *name, enum pm_print_form *ret)
{
	static const struct {
		const char *suffix;
		enum pm_print_form form;
	} forms[] = {
		{".txt", PM_PRINT_TEXT},
		{".json", PM_PRINT_JSON},
		{".html", PM_PRINT_HTML},
	};
	size_t n = strlen(name);

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t len = strlen(forms[i].suffix);

		if (n > len && !pm_ascii_casecmp(name + n - len, forms[i].suffix)) {
			if (ret)
				*ret = forms[i].form;
			return true;
		}
	}
	return false;
}

static int32_t utc_offset(int64_t unix_seconds)
{
	time_t t = (time_t)unix_seconds;
	struct tm tm;

	return localtime_r(&t, &tm) ? (int32_t)tm.tm_gmtoff : 0;
}

static enum pm_rc open_report(struct pm_cli *cli, const struct pm_print_options *opts,
			      struct pm_outputs *o)
{
	enum pm_print_form form = PM_PRINT_TEXT;
	struct pm_printer *p;
	enum pm_rc rc;

	pm_report_form(cli->common.report, &form);
	rc = pm_output_create(&o->report_ctx, cli->common.report,
			      cli->common.force ? PM_OUTPUT_FORCE : 0, &o->file);
	if (rc)
		return rc;
	pm_output_set_mode(o->file, 0644);
	o->report.of = o;
	o->report.w.write = write_report;
	rc = pm_printer_new(&o->report_ctx, form, &o->report.w, opts, &p);
	if (rc)
		return rc;
	pm_printer_chain(o->printer, p);
	if (!cli->errors)
		cli->errors = p;
	return PM_OK;
}

static void release(struct pm_outputs *o)
{
	pm_printer_free(o->printer);
	pm_output_free(o->file);
}

enum pm_rc pm_outputs_open(struct pm_cli *cli, bool many, struct pm_outputs *o)
{
	const struct pm_print_options opts = {
		.many = many,
		.utc_offset = cli->common.local_time ? utc_offset : NULL,
	};
	enum pm_print_form form =
		cli->cmd->own_format ? PM_PRINT_TEXT : (enum pm_print_form)cli->common.format;
	enum pm_rc rc;

	*o = (struct pm_outputs){.out.write = write_stdout};
	rc = pm_printer_new(&o->ctx, form, &o->out, &opts, &o->printer);
	cli->errors = rc == PM_OK && form != PM_PRINT_TEXT ? o->printer : NULL;
	if (rc == PM_OK && cli->common.report)
		rc = open_report(cli, &opts, o);
	if (rc) {
		pm_cli_error(o->ctx.rc ? &o->ctx : &o->report_ctx);
		release(o);
		return rc;
	}
	cli->out = o->printer;
	return PM_OK;
}

int pm_outputs_close(struct pm_outputs *o, int bits)
{
	int more = PM_EXIT_OK;
	enum pm_rc rc = pm_printer_finish(o->printer);

	if (o->file && !o->report_ctx.rc && !(bits & PM_EXIT_CANCELLED))
		rc = pm_worse(rc, pm_output_commit(o->file));
	if (close(STDOUT_FILENO) && errno != EBADF)
		rc = pm_worse(rc,
			      pm_fail(&o->ctx, PM_EIO,
				      "standard output: writing failed: %s; check where it goes",
				      pm_strerror(errno)));
	if (rc)
		more = PM_EXIT_FAILED;
	release(o);
	if (o->hung_up && !o->report_ctx.rc)
		pm_signals_hung_up();
	if (o->ctx.rc)
		pm_cli_error(&o->ctx);
	if (o->report_ctx.rc)
		pm_cli_error(&o->report_ctx);
	return more;
}
