/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmmk: makes a PST or OST from a description in text, byte for byte the same on every run.
 *
 *	pmmk DESCRIPTION OUT	DESCRIPTION - is standard input
 *
 * tests/README.md has the language.
 */
#include "mk.h"
#include "words.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct pm_ctx ctx = {0};
	struct pm_mk mk = {.ctx = &ctx};
	struct pm_buf out = {0};
	char *text = NULL;
	enum pm_rc rc;

	if (argc != 3) {
		fprintf(stderr, "usage: pmmk DESCRIPTION OUT\n");
		return 16;
	}
	rc = pm_read_text(&ctx, argv[1], &text);
	if (rc == PM_OK)
		rc = pm_mk_parse(&mk, argv[1], text);
	if (rc == PM_OK)
		rc = pm_mk_write(&mk, &out);
	if (rc == PM_OK)
		rc = pm_write_file(&ctx, argv[2], out.p, out.n);
	pm_free(text);
	pm_buf_done(&out);
	pm_mk_done(&mk);
	if (rc)
		fprintf(stderr, "pmmk: %s\n", ctx.text);
	return rc ? 8 : 0;
}
