/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmhurt: damages a sound file as a recipe says, byte for byte the same on every run.
 *
 *	pmhurt SEED RECIPE OUT	RECIPE - is standard input
 *	pmhurt --show SEED ADDRESS...	where a place is and what is there
 *	pmhurt --map SEED	all pages, blocks and nodes
 *	pmhurt --fields SEED	an address for every row of the field table that the file has
 *	pmhurt --survey SEED	which bytes are whose (survey.h)
 *
 * tests/README.md has the commands and the forms of addresses.
 */
#include "address.h"
#include "recipe.h"
#include "survey.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>

static enum pm_rc hurt(struct pm_whole *w, const char *recipe, const char *path)
{
	char *text = NULL;
	enum pm_rc rc = pm_read_text(w->ctx, recipe, &text);

	if (rc == PM_OK)
		rc = pm_recipe_run(w, recipe, text);
	if (rc == PM_OK)
		rc = pm_write_file(w->ctx, path, w->p, w->n);
	pm_free(text);
	return rc;
}

static enum pm_rc show(struct pm_whole *w, char *const *address, int n)
{
	for (int i = 0; i < n; i++) {
		struct pm_place at;
		uint8_t p[16];
		size_t len;
		enum pm_rc rc = pm_address(w, address[i], &at);

		if (rc)
			return rc;
		len = pm_place_size(&at) < sizeof(p) ? (size_t)pm_place_size(&at) : sizeof(p);
		rc = pm_place_get(w, &at, p, len);
		if (rc)
			return rc;
		if (at.content)
			printf("%s: byte 0x%" PRIx64 " of block 0x%" PRIx64, address[i], at.off,
			       at.block->bid);
		else
			printf("%s: 0x%" PRIx64, address[i], at.off);
		printf(", %" PRIu64 " bytes:", pm_place_size(&at));
		for (size_t k = 0; k < len; k++)
			printf(" %02x", p[k]);
		if (at.count == 1)
			printf(" = 0x%" PRIx64, pm_ft_get(p, at.width));
		printf("\n");
	}
	return PM_OK;
}

static enum pm_rc map(struct pm_whole *w)
{
	for (size_t i = 0; i < w->pages.n; i++)
		printf("page 0x%06" PRIx64 " %s level %u bid 0x%" PRIx64
		       " entries %u key 0x%" PRIx64 "\n",
		       w->pages.v[i].ib, w->pages.v[i].ptype == PM_PTYPE_BBT ? "bbt" : "nbt",
		       w->pages.v[i].level, w->pages.v[i].bid, w->pages.v[i].cent,
		       w->pages.v[i].key);
	for (size_t i = 0; i < w->db.blocks.n; i++)
		printf("block 0x%" PRIx64 " at 0x%06" PRIx64 " cb %u inflated %u cref %u\n",
		       w->db.blocks.v[i].bid, w->db.blocks.v[i].ib, w->db.blocks.v[i].cb,
		       w->db.blocks.v[i].cb_inflated, w->db.blocks.v[i].cref);
	for (size_t i = 0; i < w->db.nodes.n; i++)
		printf("node 0x%x data 0x%" PRIx64 " sub 0x%" PRIx64 " parent 0x%x\n",
		       w->db.nodes.v[i].nid, w->db.nodes.v[i].data, w->db.nodes.v[i].sub,
		       w->db.nodes.v[i].parent);
	return PM_OK;
}

/* The first node of a type whose data (or subnodes) are a tree or a single block. */
static pm_nid first_node(const struct pm_whole *w, unsigned type, bool sub, bool big)
{
	for (size_t i = 0; i < w->db.nodes.n; i++) {
		const struct pm_node *n = &w->db.nodes.v[i];

		if (type != 99 && pm_nid_type(n->nid) != type)
			continue;
		if ((!sub || n->sub) && (!big || pm_bid_internal(n->data)))
			return n->nid;
	}
	return 0;
}

/* Where the structures of the field table are met. $M is a message with subnodes, $X a node
 * whose data are more than a block, $C a contents table. */
static const char *const where[][2] = {
	{"HEADER", "header"},
	{"PAGETRAILER", "bbt.root.trailer"},
	{"PAGETRAILER", "bbt.leaf[0].trailer"},
	{"PAGETRAILER", "nbt.root.trailer"},
	{"PAGETRAILER", "nbt.leaf[-1].trailer"},
	{"PAGETRAILER", "amap[0].trailer"},
	{"PAGETRAILER", "pmap[0].trailer"},
	{"PAGETRAILER", "dlist.trailer"},
	{"BTPAGE", "bbt.root"},
	{"BTPAGE", "bbt.leaf[0]"},
	{"BTPAGE", "nbt.root"},
	{"BTPAGE", "nbt.leaf[-1]"},
	{"BTENTRY", "bbt.inner[0].entry[0]"},
	{"BTENTRY", "nbt.inner[0].entry[1]"},
	{"BBTENTRY", "bbt.leaf[0].entry[1]"},
	{"NBTENTRY", "nbt.leaf[0].entry[0]"},
	{"NBTENTRY", "nbt[$M]"},
	{"AMAPPAGE", "amap[0]"},
	{"DLISTPAGE", "dlist"},
	{"BLOCKTRAILER", "node[0x122].data.trailer"},
	{"BLOCKTRAILER", "node[$M].subs.trailer"},
	{"BLOCKTRAILER", "node[$X].data.trailer"},
	{"XBLOCK", "node[$X].data"},
	{"SLBLOCK", "node[$M].subs"},
	{"SLENTRY", "node[$M].subs.entry[0]"},
	{"SIENTRY", "node[$S].subs.entry[0]"},
	{"HNHDR", "node[0x21].hn"},
	{"HNHDR", "node[0x12D].hn"},
	{"HNHDR", "node[$M].hn"},
	{"HNPAGEHDR", "node[$X].hn[1]"},
	{"HNBITMAPHDR", "node[$X].hn[8]"},
	{"HNPAGEMAP", "node[0x21].map"},
	{"HNPAGEMAP", "node[$M].map"},
	{"BTHHEADER", "node[0x21].bth"},
	{"BTHHEADER", "node[$M].bth"},
	{"BTHHEADER", "node[$C].tc.rowindex"},
	{"PCENTRY", "node[0x21].pc[0x0FF9]"},
	{"PCENTRY", "node[0x122].pc[0x3001]"},
	{"PCENTRY", "node[$M].pc[0x0037]"},
	{"PCENTRY", "node[$M].pc[0x1000]"},
	{"TCINFO", "node[0x12D].tc"},
	{"TCINFO", "node[$C].tc"},
	{"TCOLDESC", "node[$C].tc.col[0x0037]"},
	{"TCOLDESC", "node[$C].tc.col[0x67F2]"},
	{"NAMEID", "node[0x61].name[0]"},
};

/* The template with its $ letter replaced. */
static void instance(const struct pm_whole *w, const char *template, char *buf, size_t n)
{
	const char *dollar = strchr(template, '$');
	pm_nid nid = 0;

	if (!dollar) {
		snprintf(buf, n, "%s", template);
		return;
	}
	if (dollar[1] == 'M' || dollar[1] == 'S')
		nid = first_node(w, 4, true, false);
	if (dollar[1] == 'X')
		nid = first_node(w, 99, false, true);
	for (size_t i = 0; dollar[1] == 'C' && i < w->db.nodes.n; i++)
		if (pm_nid_type(w->db.nodes.v[i].nid) == 0xE &&
		    w->db.nodes.v[i].data != pm_ndb_find_node(&w->db, 0x60E)->data)
			nid = w->db.nodes.v[i].nid;
	snprintf(buf, n, "%.*s0x%x%s", (int)(dollar - template), template, nid, dollar + 2);
}

static enum pm_rc fields(struct pm_whole *w)
{
	struct pm_ctx *ctx = w->ctx;

	for (size_t k = 0; k < sizeof(where) / sizeof(where[0]); k++)
		for (size_t i = 0; i < pm_field_count; i++) {
			char base[80], address[160];
			struct pm_place at;

			if (strcmp(pm_fields[i].structure, where[k][0]))
				continue;
			instance(w, where[k][1], base, sizeof(base));
			snprintf(address, sizeof(address), "%s.%s", base, pm_fields[i].name);
			if (pm_address(w, address, &at) == PM_OK)
				printf("%s\n", address);
			else if (ctx->rc == PM_EUSAGE)
				*ctx = (struct pm_ctx){0}; /* not in this file */
			else
				return ctx->rc;
		}
	return PM_OK;
}

int main(int argc, char **argv)
{
	struct pm_ctx ctx = {0};
	struct pm_whole w = {0};
	bool option = argc > 1 && !strncmp(argv[1], "--", 2);

	if (argc < 3 || (!option && argc != 4)) {
		fprintf(stderr, "usage: pmhurt SEED RECIPE OUT\n"
				"       pmhurt --show SEED ADDRESS...\n"
				"       pmhurt --map|--fields|--survey SEED\n");
		return 16;
	}
	if (pm_whole_open(&ctx, argv[option ? 2 : 1], &w) == PM_OK) {
		if (!option)
			hurt(&w, argv[2], argv[3]);
		else if (!strcmp(argv[1], "--show"))
			show(&w, argv + 3, argc - 3);
		else if (!strcmp(argv[1], "--map"))
			map(&w);
		else if (!strcmp(argv[1], "--fields"))
			fields(&w);
		else if (!strcmp(argv[1], "--survey"))
			pm_survey(&w);
		else
			pm_fail(&ctx, PM_EUSAGE, "no such option: %s", argv[1]);
	}
	pm_whole_close(&w);
	if (ctx.rc)
		fprintf(stderr, "pmhurt: %s\n", ctx.text);
	return ctx.rc ? 8 : 0;
}
