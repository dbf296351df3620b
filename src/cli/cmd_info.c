/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend info: what a file is, from its header, and what it holds, from the analysis. */
#include "cli/commands.h"
#include "cli/open.h"
#include "ndb/tree.h"

/* NID types [MS-PST 2.2.2.1] */
enum {
	NID_FOLDER = 0x02,
	NID_SEARCH_FOLDER = 0x03,
	NID_MESSAGE = 0x04,
	NID_ATTACHMENT = 0x05,
	NID_ASSOC_MESSAGE = 0x08,
};

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

static const char *crypt_name(enum pm_crypt crypt)
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

static void print_file(struct pm_cli *cli, const struct pm_analysis *an, uint64_t size_of_file)
{
	const struct pm_header *h = &an->header;
	static const struct pm_column size = {"size", "Size", PM_AS_SIZE, 0};
	static const struct pm_column format = {"format", "Format", PM_AS_TEXT, 0};
	static const struct pm_column version = {"version", "Version (wVer)", PM_AS_DEC, 0};
	static const struct pm_column client = {"client", "Client", PM_AS_TEXT, 0};
	static const struct pm_column crypt = {"encryption", "Encryption", PM_AS_TEXT, 0};
	static const struct pm_column valid = {"amap_valid", NULL, PM_AS_DEC, 0};
	static const struct pm_column words = {NULL, "Marked consistent", PM_AS_TEXT, 0};

	pm_print_uint(cli->out, &size, size_of_file);
	pm_print_text(cli->out, &format, an->db.fmt->name);
	pm_print_uint(cli->out, &version, h->version);
	pm_print_text(cli->out, &client, client_name(h->client));
	pm_print_text(cli->out, &crypt, crypt_name(an->db.crypt));
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

/* Attachments are subnodes of a message, type 5 [MS-PST 2.2.2.1]. */
static enum pm_rc count_attachments(const struct pm_ndb *db, uint64_t *ret)
{
	uint64_t n = 0;

	for (size_t i = 0; i < db->nodes.n; i++) {
		const struct pm_node *node = &db->nodes.v[i];
		struct pm_subs subs;
		enum pm_rc rc;

		if (pm_nid_type(node->nid) != NID_MESSAGE || !node->sub)
			continue;
		rc = pm_tick(db->ctx, "attachments", i, db->nodes.n);
		if (rc)
			return rc;
		rc = pm_subs_open(db, node->sub, &subs);
		for (size_t k = 0; k < subs.v.n; k++)
			n += pm_nid_type((pm_nid)subs.v.v[k].nid) == NID_ATTACHMENT;
		pm_subs_close(&subs);
		if (pm_is_error(rc))
			return rc;
	}
	*ret = n;
	return PM_OK;
}

static uint64_t count_nodes(const struct pm_ndb *db, unsigned type)
{
	uint64_t n = 0;

	for (size_t i = 0; i < db->nodes.n; i++)
		n += pm_nid_type(db->nodes.v[i].nid) == type;
	return n;
}

static void print_counts(struct pm_cli *cli, const struct pm_analysis *an, uint64_t attachments)
{
	static const struct pm_column counts = {"counts", "Counts", PM_AS_TEXT, 0};
	const struct {
		struct pm_column col;
		uint64_t n;
	} rows[] = {
		{{"pages", "Pages of the two trees", PM_AS_DEC, 0}, an->pages.n},
		{{"blocks", "Blocks", PM_AS_DEC, 0}, an->db.blocks.n},
		{{"nodes", "Nodes", PM_AS_DEC, 0}, an->db.nodes.n},
		{{"folders", "Folders", PM_AS_DEC, 0}, count_nodes(&an->db, NID_FOLDER)},
		{{"search_folders", "Search folders", PM_AS_DEC, 0},
		 count_nodes(&an->db, NID_SEARCH_FOLDER)},
		{{"messages", "Messages", PM_AS_DEC, 0}, count_nodes(&an->db, NID_MESSAGE)},
		{{"associated", "Associated messages", PM_AS_DEC, 0},
		 count_nodes(&an->db, NID_ASSOC_MESSAGE)},
		{{"attachments", "Attachments", PM_AS_DEC, 0}, attachments},
	};

	pm_print_begin_map(cli->out, &counts);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		pm_print_uint(cli->out, &rows[i].col, rows[i].n);
	pm_print_end(cli->out);
}

/* What had to be found out against the header. */
static void print_condition(struct pm_cli *cli, const struct pm_analysis *an)
{
	static const struct pm_column header = {"header_sound", "Header sound", PM_AS_BOOL, 0};
	static const struct pm_column trees = {"trees_sound", "Trees sound", PM_AS_BOOL, 0};
	static const struct pm_column found = {"identified", "Format recognised by", PM_AS_TEXT, 0};
	static const struct pm_column shift = {"shift", "Foreign bytes in front", PM_AS_SIZE, 0};
	static const struct pm_column guessed = {"encryption_by_content", NULL, PM_AS_BOOL, 0};
	bool sound = !(an->header_bad & PM_HR_SERIOUS) && !an->shift;
	/* Without a sweep the trees gave no reason for one. */
	bool good_trees = an->accepted || !an->swept;

	pm_print_text(cli->out, &found, an->identified == PM_ID_HEADER ? "header" : "content");
	pm_print_bool(cli->out, &header, sound);
	pm_print_bool(cli->out, &trees, good_trees);
	if (an->shift > 0)
		pm_print_uint(cli->out, &shift, (uint64_t)an->shift);
	pm_print_bool(cli->out, &guessed, an->crypt_guessed);
	if (!sound || !good_trees)
		pm_print_para(cli->out, "This file is damaged; 'pstmend check' says how.");
}

static int run(struct pm_cli *cli, const char *file, int argc, char **argv)
{
	static const struct pm_analysis_options quick = {.quick = true};
	__attribute__((cleanup(pm_opened_close))) struct pm_opened o;
	uint64_t attachments = 0;

	(void)argc;
	(void)argv;
	if (pm_opened_open(cli, file, &quick, &o) || count_attachments(&o.an->db, &attachments))
		return PM_EXIT_OK; /* the error is recorded */
	print_file(cli, o.an, o.img->size);
	print_condition(cli, o.an);
	print_header(cli, &o.an->header);
	print_counts(cli, o.an, attachments);
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
