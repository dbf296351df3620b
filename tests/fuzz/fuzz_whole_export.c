/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A damaged file, exported in every form: the account balances, and what is in the directory
 * afterwards is whole.
 */
#include "hurt.h"
#include "whole.h"

#include "export/exporter.h"

#include <ftw.h>
#include <unistd.h>

static bool ended; /* the export at hand, well */

/* With what an export is not to leave behind, unless it can go on. */
static int take_away(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	must(!ended || !strstr(path, ".pstmend-"));
	must(remove(path) == 0);
	return 0;
}

static void balance(const struct pm_export *ex)
{
	uint64_t expected = 0, written = 0;

	for (size_t i = 0; i < ex->folders.n; i++) {
		const struct pm_export_folder *f = ex->folders.v[i];

		must(f->expected == f->whole + f->partial + f->lost);
		expected += f->expected;
		written += f->whole + f->partial;
	}
	must(expected == ex->total.expected);
	must(written == ex->total.whole + ex->total.partial);
	must(ex->losses.n == ex->total.partial + ex->total.lost);
}

static void export(struct pm_fuzz_file *f, struct pm_model *m, const struct pm_exporter_ops *form)
{
	char dir[] = "/tmp/pm-fuzz-export-XXXXXX";
	const struct pm_export_options opts = {.form = form, .dir = dir, .mark = true};
	struct pm_export ex;
	enum pm_rc rc;

	must(mkdtemp(dir));
	rc = pm_export_run(f->an, m, &opts, &ex);
	must(rc == PM_OK || rc == PM_ELIMIT);
	must(rc == f->ctx.rc);
	ended = rc == PM_OK;
	if (ended)
		balance(&ex);
	pm_export_close(&ex);
	nftw(dir, take_away, 20, FTW_DEPTH | FTW_PHYS);
	f->ctx = (struct pm_ctx){0};
}

int pm_fuzz_whole_export(const uint8_t *p, size_t n)
{
	struct pm_span bytes = pm_hurt_bytes(p, n);

	for (size_t i = 0; pm_export_forms[i] && bytes.n; i++) {
		struct pm_fuzz_file f;
		struct pm_model m = {0};

		if (pm_fuzz_file_open(&f, bytes.p, bytes.n)) {
			must(pm_model_build(f.an, &m) == PM_OK);
			export(&f, &m, pm_export_forms[i]);
			pm_model_done(&m);
		}
		pm_fuzz_file_close(&f);
	}
	return 0;
}
