/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend info: what a file is, from its header, and what it holds, from the analysis. */
#include "base/text.h"
#include "cli/commands.h"
#include "io/file.h"
#include "ndb/header.h"

static const char *client_name(uint16_t client)
{
	switch (client) {
	case PM_CLIENT_PST:
		return "PST";
	case PM_CLIENT_OST:
		return "OST";
	case PM_CLIENT_PAB:
		return "PAB";
	}
	return "unknown";
}

static const char *crypt_name(uint8_t crypt)
{
	switch (crypt) {
	case PM_CRYPT_NONE:
		return "none";
	case PM_CRYPT_PERMUTE:
		return "permute";
	case PM_CRYPT_CYCLIC:
		return "cyclic";
	case PM_CRYPT_WIP:
		return "Windows Information Protection";
	}
	return "unknown";
}

/* fAMapValid [MS-PST 2.2.2.5] */
static const char *maps_words(uint8_t valid)
{
	switch (valid) {
	case 0:
		return "no: its allocation maps are not valid, the last program did not close it";
	case 1:
		return "yes, by Outlook 2003 or older";
	case 2:
		return "yes";
	}
	return "unknown";
}

static void print_file(struct pm_cli *cli, const struct pm_image *img, const struct pm_format *f,
		       const struct pm_header *h)
{
	static const struct pm_column size = {"size", "Size", PM_AS_SIZE, 0};
	static const struct pm_column format = {"format", "Format", PM_AS_TEXT, 0};
	static const struct pm_column version = {"version", "Version (wVer)", PM_AS_DEC, 0};
	static const struct pm_column client = {"client", "Client", PM_AS_TEXT, 0};
	static const struct pm_column crypt = {"encryption", "Encryption", PM_AS_TEXT, 0};
	static const struct pm_column valid = {"amap_valid", NULL, PM_AS_DEC, 0};
	static const struct pm_column words = {NULL, "Marked consistent", PM_AS_TEXT, 0};

	pm_print_uint(cli->out, &size, img->size);
	pm_print_text(cli->out, &format, f->name);
	pm_print_uint(cli->out, &version, h->version);
	pm_print_text(cli->out, &client, client_name(h->client));
	pm_print_text(cli->out, &crypt, crypt_name(h->crypt));
	pm_print_uint(cli->out, &valid, h->amap_valid);
	pm_print_text(cli->out, &words, maps_words(h->amap_valid));
}

static void print_root(struct pm_cli *cli, const char *key, const char *label, pm_bid bid, pm_ib ib)
{
	static const struct pm_column id = {"bid", "Page id", PM_AS_HEX, 0};
	static const struct pm_column at = {"offset", "Offset", PM_AS_OFFSET, 0};
	const struct pm_column root = {key, label, PM_AS_TEXT, 0};

	pm_print_begin_map(cli->out, &root);
	pm_print_uint(cli->out, &id, bid);
	pm_print_uint(cli->out, &at, ib);
	pm_print_end(cli->out);
}

static void print_header(struct pm_cli *cli, const struct pm_header *h)
{
	static const struct pm_column eof = {"eof", "End of file (ibFileEof)", PM_AS_SIZE, 0};
	static const struct pm_column amap = {"amap_last", "Last allocation map", PM_AS_OFFSET, 0};
	static const struct pm_column spare = {"amap_free", "Free space", PM_AS_SIZE, 0};
	static const struct pm_column unique = {"unique", "Header updates (dwUnique)", PM_AS_DEC,
						0};
	static const struct pm_column block = {"next_block", "Next block id", PM_AS_HEX, 0};
	static const struct pm_column page = {"next_page", "Next page id", PM_AS_HEX, 0};

	pm_print_uint(cli->out, &eof, h->eof);
	pm_print_uint(cli->out, &amap, h->amap_last);
	pm_print_uint(cli->out, &spare, h->amap_free);
	pm_print_uint(cli->out, &unique, h->unique);
	pm_print_uint(cli->out, &block, h->next_block);
	pm_print_uint(cli->out, &page, h->next_page);
	print_root(cli, "node_tree", "Root of the node tree", h->nbt_bid, h->nbt_ib);
	print_root(cli, "block_tree", "Root of the block tree", h->bbt_bid, h->bbt_ib);
}

static enum pm_rc identify(struct pm_cli *cli, struct pm_image *img, uint8_t raw[PM_HEADER_MAX],
			   const struct pm_format **ret)
{
	enum pm_rc rc = pm_image_read(&cli->ctx, img, 0, raw, PM_HEADER_MAX);
	const struct pm_format *f = pm_format_of_version(pm_le16(raw + 10));

	if (pm_is_error(rc))
		return rc;
	if (pm_le32(raw) != PM_MAGIC || !f)
		return pm_fail(&cli->ctx, PM_EUNSUP,
			       "%s: not a PST or OST file, or its header is lost; "
			       "look for another copy",
			       pm_image_name(img));
	if (img->size < f->amap_first)
		return pm_fail(&cli->ctx, PM_EUNSUP,
			       "%s: cut off after %llu bytes, in front of any mail; "
			       "look for a complete copy",
			       pm_image_name(img), (unsigned long long)img->size);
	*ret = f;
	return PM_OK;
}

static int run(struct pm_cli *cli, const char *file, int argc, char **argv)
{
	__attribute__((cleanup(pm_image_closep))) struct pm_image *img = NULL;
	const struct pm_format *f = NULL;
	uint8_t raw[PM_HEADER_MAX];
	struct pm_header h;

	(void)argc;
	(void)argv;
	if (pm_image_open_file(&cli->ctx, file, &img) || identify(cli, img, raw, &f))
		return PM_EXIT_OK; /* recorded */
	pm_header_decode(f, raw, &h);
	print_file(cli, img, f, &h);
	print_header(cli, &h);
	return PM_EXIT_OK;
}

const struct pm_command pm_cmd_info = {
	.name = "info",
	.args = "FILE...",
	.summary = "Show what a file is: format, version, encryption, sizes and counts",
	.files = PM_FILES_MANY,
	.min = 1,
	.max = -1,
	.run = run,
};
