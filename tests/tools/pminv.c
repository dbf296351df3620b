/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pminv: what a mail program would find in a sound file: folders from the root down by their
 * hierarchy tables, messages by the contents tables, and a digest of everything in them. What
 * no table lists comes at the end.
 *
 *	pminv FILE
 *
 * It walks the file strictly on its own and then reads it through the library's layers up to
 * msg, so that what recovery would make of the file has no part in it.
 */
#include "base/quote.h"
#include "inv.h"
#include "msg/store.h"
#include "whole.h"

#include "base/sort.h"

#include <stdio.h>

struct inventory {
	struct pm_whole w;
	struct pm_store store;
	struct pm_map listed; /* nids that tables list */
	unsigned depth;       /* of the folder at hand */
};

struct ids {
	PM_VEC(struct { uint64_t id; }) v;
};

/* The row ids of a table, ascending: tables may have them in any order. */
static enum pm_rc rows(struct inventory *inv, pm_nid nid, struct ids *ret)
{
	struct pm_ctx *ctx = inv->w.ctx;
	struct pm_tc tc;
	enum pm_rc rc;

	*ret = (struct ids){0};
	if (!pm_ndb_find_node(&inv->w.db, nid)) {
		printf("table 0x%x LOST\n", nid);
		return PM_OK;
	}
	rc = pm_tc_open_node(&inv->w.db, nid, &tc);
	if (rc == PM_LOST)
		printf("table 0x%x LOST\n", nid);
	for (size_t i = 0; !pm_is_error(rc) && rc != PM_LOST && i < tc.rows.n; i++) {
		void *slot = pm_vec_push(ctx, &ret->v);

		if (slot)
			ret->v.v[i].id = tc.rows.v[i].id;
		if (!slot || pm_map_put(ctx, &inv->listed, tc.rows.v[i].id, 1))
			rc = ctx->rc;
	}
	pm_tc_close(&tc);
	if (pm_is_error(rc))
		return rc;
	return pm_sort_u64(ctx, ret->v.v, ret->v.n, sizeof(*ret->v.v), 0);
}

static enum pm_rc messages(struct inventory *inv, pm_nid table, const char *label)
{
	struct ids ids;
	enum pm_rc rc = rows(inv, table, &ids);

	for (size_t i = 0; i < ids.v.n && rc == PM_OK; i++) {
		pm_nid nid = (pm_nid)ids.v.v[i].id;
		struct pm_message m;

		if (!pm_ndb_find_node(&inv->w.db, nid)) {
			printf("  %s 0x%x MISSING\n", label, nid);
			continue;
		}
		rc = pm_message_open_node(&inv->w.db, nid, inv->store.codepage, &m);
		if (!pm_is_error(rc))
			rc = pm_inv_message(&m, label, 1);
		pm_message_close(&m);
	}
	pm_vec_done(&ids.v);
	return rc;
}

static enum pm_rc folder(struct inventory *inv, pm_nid nid, const char *path)
{
	struct pm_ctx *ctx = inv->w.ctx;
	struct pm_folder f;
	struct ids ids = {0};
	char *own = NULL;
	enum pm_rc rc;

	if (!pm_ndb_find_node(&inv->w.db, nid)) {
		printf("folder 0x%x below %s MISSING\n", nid, pm_quote(path).s);
		return PM_OK;
	}
	rc = pm_folder_open(&inv->w.db, nid, inv->store.codepage, &f);
	if (!pm_is_error(rc))
		own = pm_asprintf(ctx, "%s/%s", path, f.name ? f.name : "?");
	if (own) {
		printf("folder 0x%x", nid);
		pm_inv_quoted(ctx, own);
		printf(" %s count %u unread %u\n", f.container_class ? f.container_class : "-",
		       f.count, f.unread);
		rc = PM_OK;
	}
	pm_folder_close(&f);
	if (ctx->rc)
		return ctx->rc;
	if (pm_nid_type(nid) == PM_NT_FOLDER && inv->depth < 64) {
		rc = messages(inv, pm_folder_companion(nid, PM_NT_CONTENTS), "message");
		if (rc == PM_OK)
			rc = messages(inv, pm_folder_companion(nid, PM_NT_ASSOC_CONTENTS), "assoc");
		if (rc == PM_OK)
			rc = rows(inv, pm_folder_companion(nid, PM_NT_HIERARCHY), &ids);
		inv->depth++;
		for (size_t i = 0; i < ids.v.n && rc == PM_OK; i++)
			rc = folder(inv, (pm_nid)ids.v.v[i].id, nid == PM_NID_ROOT ? "" : own);
		inv->depth--;
	}
	pm_vec_done(&ids.v);
	pm_free(own);
	return rc;
}

/* Folders and messages that no table lists: a mail program doesn't show them. */
static enum pm_rc unlisted(struct inventory *inv)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < inv->w.db.nodes.n && rc == PM_OK; i++) {
		pm_nid nid = inv->w.db.nodes.v[i].nid;
		unsigned type = pm_nid_type(nid);
		struct pm_message m;

		if (pm_map_has(&inv->listed, nid) || nid == PM_NID_ROOT)
			continue;
		if (type == PM_NT_FOLDER || type == PM_NT_SEARCH)
			printf("unlisted folder 0x%x\n", nid);
		if (type != PM_NT_MESSAGE && type != PM_NT_ASSOC)
			continue;
		rc = pm_message_open_node(&inv->w.db, nid, inv->store.codepage, &m);
		if (!pm_is_error(rc))
			rc = pm_inv_message(&m, "unlisted message", 0);
		pm_message_close(&m);
	}
	return rc;
}

/* The name map: what each property id means. */
static enum pm_rc names(struct inventory *inv)
{
	struct pm_names n;
	struct pm_inv_digest d;
	enum pm_rc rc = pm_names_open(&inv->w.db, &n);

	pm_inv_digest_begin(&d);
	for (size_t i = 0; !pm_is_error(rc) && i < n.v.n; i++) {
		const struct pm_name *name = &n.v.v[i];
		uint8_t ids[6];

		pm_put16(ids, name->prop);
		pm_put32(ids + 2, name->is_string ? 0 : name->id);
		pm_inv_digest_add(&d, ids, sizeof(ids));
		pm_inv_digest_add(&d, name->uid, 16);
		if (name->is_string)
			pm_inv_digest_add(&d, name->string.p, name->string.n);
	}
	if (!pm_is_error(rc) && n.v.n) {
		printf("names %zu ", n.v.n);
		pm_inv_digest_print(&d);
		printf("\n");
	}
	pm_names_close(&n);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc inventory(struct inventory *inv)
{
	struct pm_ctx *ctx = inv->w.ctx;
	enum pm_rc rc = pm_store_open(&inv->w.db, &inv->store);

	if (pm_is_error(rc))
		return rc;
	printf("store");
	pm_inv_quoted(ctx, inv->store.name);
	for (unsigned i = 0; i < 16; i++)
		printf("%s%02x", i ? "" : " ", inv->store.key[i]);
	printf("%s\n", rc == PM_OK ? "" : " DAMAGED");
	rc = names(inv);
	if (rc == PM_OK)
		rc = folder(inv, PM_NID_ROOT, "");
	return rc ? rc : unlisted(inv);
}

int main(int argc, char **argv)
{
	struct pm_ctx ctx = {0};
	struct inventory inv = {.depth = 0};

	if (argc != 2) {
		fprintf(stderr, "usage: pminv FILE\n");
		return 16;
	}
	if (pm_whole_open(&ctx, argv[1], &inv.w) == PM_OK && inventory(&inv) == PM_OK)
		pm_store_close(&inv.store);
	pm_map_done(&inv.listed);
	pm_whole_close(&inv.w);
	if (ctx.rc)
		fprintf(stderr, "pminv: %s: %s\n", argv[1], ctx.text);
	return ctx.rc ? 8 : 0;
}
