/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend dump: what stands at a place of a file, field by field. */
#include "base/quote.h"
#include "cli/commands.h"
#include "cli/dump.h"
#include "io/file.h"
#include "ndb/page.h"

struct dump_options {
	bool full;
	int variant, encryption; /* 0: as the file says */
};

static const struct pm_option options[] = {
	{PM_OPT_FLAG, "full", 0, NULL, "long values and data whole",
	 offsetof(struct dump_options, full), NULL},
	{PM_OPT_CHOICE, "variant", 0, "NAME", "take the file for this format",
	 offsetof(struct dump_options, variant), "auto ansi unicode unicode4k"},
	{PM_OPT_CHOICE, "encryption", 0, "NAME", "take its encoding for this",
	 offsetof(struct dump_options, encryption), "auto none permute cyclic"},
	{0},
};

static const char detail[] =
	"Objects, numbers decimal or hexadecimal (0x...):\n"
	"  header          the file header\n"
	"  page:OFFSET     a page, by its place\n"
	"  amap:K          the K-th allocation map, from 0\n"
	"  block:BID       a block, by its id\n"
	"  block-at:OFFSET a block, by its place\n"
	"  node:NID        a node: properties, or columns and rows, or bytes;\n"
	"                  node:NID/SUB/... a subnode\n"
	"  heap:NID        the heap of a node or subnode: blocks and items\n"
	"  nbt, bbt        the node tree, the block tree: pages and entries\n"
	"header, page, amap, dlist and block-at need nothing but the bytes there.\n";

enum { PATH_MAX_NIDS = 64 };

struct object {
	const char *kind;
	uint64_t number[PATH_MAX_NIDS];
	size_t n;
};

/* Kinds of objects: how many numbers each takes. */
static const struct {
	const char *name;
	size_t min, max;
} kinds[] = {
	{"header", 0, 0},
	{"page", 1, 1},
	{"amap", 1, 1},
	{"dlist", 0, 0},
	{"block", 1, 1},
	{"block-at", 1, 1},
	{"node", 1, PATH_MAX_NIDS},
	{"heap", 1, PATH_MAX_NIDS},
	{"nbt", 0, 0},
	{"bbt", 0, 0},
};

/* "KIND" or "KIND:NUMBER" or "KIND:NUMBER/NUMBER/..." */
static bool parse_object(const char *s, struct object *o)
{
	size_t len = strcspn(s, ":"), k;
	char number[32];

	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		if (strlen(kinds[k].name) == len && !memcmp(kinds[k].name, s, len))
			break;
	if (k == sizeof(kinds) / sizeof(kinds[0]))
		return false;
	*o = (struct object){.kind = kinds[k].name};
	for (s += len; *s; s += len) {
		s++;
		len = strcspn(s, "/");
		if (o->n == kinds[k].max || len >= sizeof(number))
			return false;
		memcpy(number, s, len);
		number[len] = '\0';
		if (!pm_parse_number(number, &o->number[o->n++]))
			return false;
	}
	return o->n >= kinds[k].min;
}

enum pm_rc pm_dump_analyse(struct pm_dump *d)
{
	static const struct pm_analysis_options quick = {.quick = true};
	enum pm_rc rc;

	if (d->an)
		return PM_OK;
	rc = pm_analysis_open(d->ctx, d->img, &quick, &d->an);
	if (rc)
		return rc;
	d->fmt = d->an->db.fmt;
	d->crypt = d->an->db.crypt;
	if (d->an->shift)
		pm_print_para(d->out,
			      "Places count from the file's own beginning, %lld bytes into it.",
			      (long long)d->an->shift);
	return PM_OK;
}

static bool is_kind(const struct object *o, const char *kind)
{
	return !strcmp(o->kind, kind);
}

static void dump_node(struct pm_dump *d, const struct object *o)
{
	pm_nid path[PATH_MAX_NIDS];

	for (size_t i = 0; i < o->n; i++) {
		if (o->number[i] > UINT32_MAX) {
			pm_fail(d->ctx, PM_EUSAGE,
				"%s: 0x%llx is no node id, they have 32 bits; 'dump FILE nbt' lists them",
				pm_image_name(d->img), (unsigned long long)o->number[i]);
			return;
		}
		path[i] = (pm_nid)o->number[i];
	}
	if (is_kind(o, "heap"))
		pm_dump_heap(d, path, o->n);
	else
		pm_dump_node(d, path, o->n);
}

static void dump_object(struct pm_dump *d, const struct object *o)
{
	if (is_kind(o, "header"))
		pm_dump_header(d);
	else if (is_kind(o, "page"))
		pm_dump_page(d, o->number[0]);
	else if (is_kind(o, "amap"))
		pm_dump_page(d, o->number[0] < d->img->size / d->fmt->amap_interval + 1
					? pm_amap_offset(d->fmt, o->number[0])
					: UINT64_MAX);
	else if (is_kind(o, "dlist"))
		pm_dump_page(d, d->fmt->dlist);
	else if (is_kind(o, "block"))
		pm_dump_block(d, o->number[0]);
	else if (is_kind(o, "block-at"))
		pm_dump_block_at(d, o->number[0]);
	else if (is_kind(o, "nbt"))
		pm_dump_tree(d, PM_PTYPE_NBT);
	else if (is_kind(o, "bbt"))
		pm_dump_tree(d, PM_PTYPE_BBT);
	else
		dump_node(d, o);
}

/*
 * The format without the trees: the header's word where the first allocation map agrees, else
 * whichever variant's map is there, else the header's word.
 */
static enum pm_rc guess_format(struct pm_dump *d)
{
	const struct pm_format *said = pm_format_of_version(pm_le16(d->header + 10));
	uint8_t page[4096];

	for (unsigned int i = 0; i < 4; i++) {
		const struct pm_format *f = i ? &pm_formats[i - 1] : said;
		enum pm_rc rc;

		if (!f)
			continue;
		rc = pm_image_read(d->ctx, d->img, f->amap_first, page, f->page);
		if (pm_is_error(rc))
			return rc;
		d->fmt = f;
		if (!(pm_page_verify(f, page, f->amap_first, PM_PTYPE_AMAP, 0) &
		      ~(uint32_t)PM_PR_CRC))
			return PM_OK;
	}
	d->fmt = said ? said : &pm_formats[PM_UNICODE];
	return PM_OK;
}

static enum pm_rc open_file(struct pm_dump *d, const char *file, const struct dump_options *opts)
{
	enum pm_rc rc = pm_image_open_file(d->ctx, file, &d->img);

	if (rc)
		return rc;
	rc = pm_image_read(d->ctx, d->img, 0, d->header, sizeof(d->header));
	if (pm_is_error(rc))
		return rc;
	rc = guess_format(d);
	if (rc)
		return rc;
	if (opts->variant)
		d->fmt = &pm_formats[opts->variant - 1];
	d->crypt = (enum pm_crypt)pm_HEADER_bCryptMethod(d->fmt, d->header);
	if (d->crypt > PM_CRYPT_CYCLIC)
		d->crypt = PM_CRYPT_NONE;
	if (opts->encryption)
		d->crypt = (enum pm_crypt)(opts->encryption - 1);
	return PM_OK;
}

static int check(const struct pm_cli *cli, int argc, char **argv)
{
	struct object o;

	for (int i = 0; i < argc; i++)
		if (!parse_object(argv[i], &o))
			return pm_cli_usage(cli->cmd, "%s is no object", pm_quote(argv[i]).s);
	return PM_EXIT_OK;
}

static int run(struct pm_cli *cli, const char *file, int argc, char **argv)
{
	static const struct pm_column list = {"objects", "", PM_AS_TEXT, 0};
	static const struct pm_column name = {"object", NULL, PM_AS_TEXT, 0};
	static const struct pm_column format = {"format", NULL, PM_AS_TEXT, 0};
	const struct dump_options *opts = cli->options;
	struct pm_dump d = {.cli = cli, .out = cli->out, .ctx = &cli->ctx, .full = opts->full};
	struct object o;

	if (open_file(&d, file, opts))
		goto out;
	pm_print_text(d.out, &format, d.fmt->name);
	pm_print_begin_list(d.out, &list);
	for (int i = 0; i < argc && !d.ctx->rc; i++) {
		const struct pm_column map = {"", argc > 1 ? argv[i] : "", PM_AS_TEXT, 0};

		parse_object(argv[i], &o);
		pm_print_begin_map(d.out, &map);
		pm_print_text(d.out, &name, argv[i]);
		dump_object(&d, &o);
		pm_print_end(d.out);
	}
	pm_print_end(d.out);
out:
	pm_dump_names_done(&d);
	pm_analysis_close(d.an);
	pm_image_close(d.img);
	return PM_EXIT_OK;
}

const struct pm_command pm_cmd_dump = {
	.name = "dump",
	.args = "FILE OBJECT...",
	.summary = "Show what stands at a place, field by field",
	.detail = detail,
	.files = PM_FILES_ONE,
	.min = 2,
	.max = -1,
	.options = options,
	.size = sizeof(struct dump_options),
	.check = check,
	.run = run,
};
