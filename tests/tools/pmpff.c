/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmpff: what libpff, as the independent proof runs it, reads of a file.
 *
 *	pmpff [--full] [--sample N] [--time S] [--memory BYTES] [--items] [--partial NID]... FILE
 *
 * Prints the verdict and the summary, a line a folder ("folder NID FOLDERS MESSAGES ASSOC"),
 * with --items a line an opened item ("item NID FOLDER WHOLE RECIPIENTS ATTACHMENTS BODY HTML
 * RTF ATTACHED"), and the failures; those of the items named by --partial, in ascending order,
 * are none. Exit status: the verdict (0 proved, 1 limited, 2 refuted, 3 no proof), 8 for an error.
 */
#include "base/bytes.h"
#include "io/file.h"
#include "repair/pff_proof.h"

#include <inttypes.h>
#include <stdio.h>

static void print_item(void *arg, const struct pm_pff_item *i)
{
	(void)arg;
	printf("%s 0x%" PRIx32 " 0x%" PRIx32 " %d %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64
	       " %" PRIu64 " %" PRIu64 "\n",
	       i->assoc ? "assoc" : "item", i->nid, i->folder, i->whole, i->recipients,
	       i->attachments, i->body, i->html, i->rtf, i->attached);
}

static int print_result(struct pm_ctx *ctx, const struct pm_pff_result *res)
{
	static const struct {
		const char *name;
		int status;
	} verdict[] = {
		[PM_PFF_PROVED] = {"proved", 0},
		[PM_PFF_LIMITED] = {"limited", 1},
		[PM_PFF_REFUTED] = {"refuted", 2},
		[PM_PFF_NO_PROOF] = {"no-proof", 3},
	};
	enum pm_pff_verdict v = pm_pff_verdict(res);
	struct pm_buf b = {0};
	size_t i;

	for (i = 0; i < res->folders.n; i++)
		printf("folder 0x%" PRIx32 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n",
		       res->folders.v[i].nid, res->folders.v[i].folders, res->folders.v[i].messages,
		       res->folders.v[i].assoc);
	for (i = 0; i < res->failures.n; i++) {
		pm_buf_clear(&b);
		pm_pff_describe_failure(ctx, &res->failures.v[i], &b);
		printf("failure %s\n", pm_buf_cstr(ctx, &b));
	}
	pm_buf_clear(&b);
	pm_pff_describe(ctx, res, &b);
	printf("verdict %s\nsummary %s\n", verdict[v].name, pm_buf_cstr(ctx, &b));
	printf("cost %" PRIu32 " ms, %" PRIu64 " KiB, %" PRIu64 " bytes read, %" PRIu64
	       " orphans\n",
	       res->ms, res->peak_bytes / 1024, res->bytes, res->n_orphans);
	pm_buf_done(&b);
	return verdict[v].status;
}

typedef PM_VEC(uint32_t) nids;

static bool take_option(struct pm_ctx *ctx, struct pm_pff_options *opt, nids *partial, int argc,
			char **argv, int *at)
{
	const char *name = argv[*at];
	uint32_t *nid;

	if (!strcmp(name, "--full")) {
		opt->mode = PM_PFF_FULL;
		return true;
	}
	if (!strcmp(name, "--items")) {
		opt->item = print_item;
		return true;
	}
	if (*at + 1 >= argc)
		return false;
	(*at)++;
	if (!strcmp(name, "--sample"))
		opt->sample = (uint32_t)strtoul(argv[*at], NULL, 0);
	else if (!strcmp(name, "--time"))
		opt->time_s = (uint32_t)strtoul(argv[*at], NULL, 0);
	else if (!strcmp(name, "--memory"))
		opt->memory = strtoull(argv[*at], NULL, 0);
	else if (!strcmp(name, "--partial") && (nid = pm_vec_push(ctx, partial)))
		*nid = (uint32_t)strtoul(argv[*at], NULL, 0);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct pm_ctx ctx = {0};
	struct pm_pff_options opt = {.mode = PM_PFF_SAMPLE};
	struct pm_pff_result res = {0};
	struct pm_image *img = NULL;
	nids partial = {0};
	int i, status = 8;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!take_option(&ctx, &opt, &partial, argc, argv, &i))
			break;
	}
	opt.partial = partial.v;
	opt.n_partial = partial.n;
	if (i != argc - 1) {
		fprintf(stderr, "usage: pmpff [--full] [--sample N] [--time S] [--memory BYTES] "
				"[--items] [--partial NID]... FILE\n");
		pm_vec_done(&partial);
		return 16;
	}
	if (pm_image_open_file(&ctx, argv[i], &img) == PM_OK &&
	    pm_pff_prove(&ctx, img, &opt, &res) == PM_OK)
		status = print_result(&ctx, &res);
	else
		fprintf(stderr, "pmpff: %s\n", ctx.text);
	pm_pff_result_done(&res);
	pm_image_close(img);
	pm_vec_done(&partial);
	return status;
}
