/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend ls: the folder tree, and the messages of a folder. */
#include "base/quote.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/open.h"
#include "msg/message.h"
#include "msg/store.h"
#include "recover/deleted.h"
#include "recover/model.h"

struct ls_options {
	bool recursive, associated, quick, deleted;
};

static const struct pm_option options[] = {
	{PM_OPT_FLAG, "recursive", 'r', NULL, "messages of the folder and of all below it",
	 offsetof(struct ls_options, recursive), NULL},
	{PM_OPT_FLAG, "associated", 'a', NULL, "associated messages (views, rules), too",
	 offsetof(struct ls_options, associated), NULL},
	{PM_OPT_FLAG, "quick", 0, NULL, "don't read bodies and attachments to find damage",
	 offsetof(struct ls_options, quick), NULL},
	{PM_OPT_FLAG, "deleted", 0, NULL, "deleted items, too (in Recovered by pstmend/Deleted)",
	 offsetof(struct ls_options, deleted), NULL},
	{0},
};

struct ls {
	struct pm_cli *cli;
	struct pm_printer *out;
	const struct ls_options *opts;
	struct pm_opened file;
	struct pm_model model;
	struct pm_store store;
	struct pm_buf text; /* scratch */
};

/* How its place was found. */
static const char *placed_words(uint8_t placed)
{
	static const char *const words[] = {"node", "row", "recovered", "made", "deleted"};

	return words[placed <= PM_PLACED_DELETED ? placed : 0];
}

static const char *state_words(enum pm_rc state)
{
	return state == PM_OK ? "whole" : state == PM_DAMAGED ? "damaged" : "lost";
}

/* For people: nothing when nothing is wrong. */
static const char *remark_words(enum pm_rc state, uint8_t placed)
{
	return placed == PM_PLACED_MADE      ? "made anew"
	       : placed == PM_PLACED_DELETED ? (state == PM_OK ? "deleted" : "deleted, partial")
	       : state != PM_OK              ? state_words(state)
	       : placed                      ? "orphan"
					     : "";
}

struct place {
	uint32_t folder;
	unsigned int depth;
};

/* Call fn for the folder and all below it, parents first. */
static enum pm_rc walk(struct ls *ls, uint32_t top, bool below,
		       enum pm_rc (*fn)(struct ls *ls, uint32_t folder, unsigned int depth))
{
	const struct pm_model *m = &ls->model;
	struct pm_ctx *ctx = &ls->cli->ctx;
	PM_VEC(struct place) stack = {0};
	enum pm_rc rc = PM_OK;

	if (!pm_vec_push(ctx, &stack))
		return ctx->rc;
	stack.v[0].folder = top;
	while (stack.n && rc == PM_OK) {
		uint32_t k = stack.v[--stack.n].folder;
		const struct pm_model_folder *f = &m->folders.v[k];
		unsigned int depth = stack.v[stack.n].depth;

		rc = fn(ls, k, depth);
		for (uint32_t i = below ? f->n_children : 0; i > 0 && rc == PM_OK; i--) {
			uint32_t child = m->children.v[f->children + i - 1];

			if (child == k)
				continue;
			if (!pm_vec_push(ctx, &stack))
				rc = ctx->rc;
			else
				stack.v[stack.n - 1].folder = child;
			if (rc == PM_OK)
				stack.v[stack.n - 1].depth = depth + 1;
		}
	}
	pm_vec_done(&stack);
	return rc;
}

/* --- folders --------------------------------------------------------------------------- */

enum {
	F_NID,
	F_MESSAGES,
	F_ASSOC,
	F_UNREAD,
	F_CLASS,
	F_REMARK,
	F_TREE,
	F_STATE,
	F_PLACED,
	F_PARENT,
	F_DEPTH,
	F_NAME,
	F_PATH,
	F_SEARCH,
	F_COLUMNS
};

static const struct pm_column folder_cols[F_COLUMNS] = {
	[F_NID] = {"nid", "Node", PM_AS_HEX, 0},
	[F_MESSAGES] = {"messages", "Messages", PM_AS_DEC, 0},
	[F_ASSOC] = {"associated", "Associated", PM_AS_DEC, 0},
	[F_UNREAD] = {"unread", "Unread", PM_AS_DEC, 0},
	[F_CLASS] = {"class", "Class", PM_AS_TEXT, 24},
	[F_REMARK] = {NULL, "Remark", PM_AS_TEXT, 0},
	[F_TREE] = {NULL, "Folder", PM_AS_TEXT, 0},
	[F_STATE] = {"state", NULL, PM_AS_TEXT, 0},
	[F_PLACED] = {"placed", NULL, PM_AS_TEXT, 0},
	[F_PARENT] = {"parent", NULL, PM_AS_HEX, 0},
	[F_DEPTH] = {"depth", NULL, PM_AS_DEC, 0},
	[F_NAME] = {"name", NULL, PM_AS_TEXT, 0},
	[F_PATH] = {"path", NULL, PM_AS_TEXT, 0},
	[F_SEARCH] = {"search", NULL, PM_AS_BOOL, 0},
};

/* Name and path, for people and for programs. */
static enum pm_rc folder_names(struct ls *ls, uint32_t k, unsigned int depth)
{
	struct pm_ctx *ctx = &ls->cli->ctx;
	const struct pm_column *c = folder_cols;
	struct pm_buf tree = {0};
	enum pm_rc rc;

	pm_buf_clear(&ls->text);
	rc = pm_model_name(&ls->model, k, &ls->text);
	if (pm_is_error(rc))
		return rc;
	for (unsigned int i = 0; i < depth && i < 40; i++)
		pm_buf_str(ctx, &tree, "  ");
	if (ls->text.n)
		pm_buf_add(ctx, &tree, ls->text.p, ls->text.n);
	else
		pm_buf_str(ctx, &tree, "(root)");
	pm_print_textn(ls->out, &c[F_TREE], tree.p, tree.n);
	pm_buf_done(&tree);
	pm_print_text(ls->out, &c[F_NAME], pm_buf_cstr(ctx, &ls->text));
	pm_buf_clear(&ls->text);
	rc = pm_model_path(&ls->model, k, &ls->text);
	pm_print_text(ls->out, &c[F_PATH], pm_buf_cstr(ctx, &ls->text));
	return pm_is_error(rc) ? rc : ctx->rc;
}

static enum pm_rc print_folder(struct ls *ls, uint32_t k, unsigned int depth)
{
	const struct pm_model_folder *f = &ls->model.folders.v[k];
	const struct pm_column *c = folder_cols;
	struct pm_folder folder = {.state = PM_LOST};
	enum pm_rc rc = PM_OK;

	if (!f->made)
		rc = pm_folder_open(&ls->file.an->db, f->nid, ls->store.codepage, &folder);
	if (!pm_is_error(rc)) {
		pm_print_begin_row(ls->out);
		pm_print_uint(ls->out, &c[F_NID], f->nid);
		pm_print_uint(ls->out, &c[F_PARENT], ls->model.folders.v[f->parent].nid);
		pm_print_uint(ls->out, &c[F_DEPTH], depth);
		pm_print_uint(ls->out, &c[F_MESSAGES], f->n_messages);
		pm_print_uint(ls->out, &c[F_ASSOC], f->n_assoc);
		if (folder.has_unread)
			pm_print_uint(ls->out, &c[F_UNREAD], folder.unread);
		pm_print_text(ls->out, &c[F_CLASS],
			      folder.container_class ? folder.container_class
			      : f->search            ? "(search)"
						     : pm_own_class(pm_model_own(&ls->model, k)));
		pm_print_text(ls->out, &c[F_REMARK], remark_words(folder.state, f->placed));
		pm_print_text(ls->out, &c[F_STATE], state_words(folder.state));
		pm_print_text(ls->out, &c[F_PLACED], placed_words(f->placed));
		pm_print_bool(ls->out, &c[F_SEARCH], f->search);
		rc = folder_names(ls, k, depth);
		pm_print_end(ls->out);
	}
	if (!f->made)
		pm_folder_close(&folder);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc print_tree(struct ls *ls)
{
	static const struct pm_column table = {"folders", "", PM_AS_TEXT, 0};
	enum pm_rc rc;

	pm_print_begin_table(ls->out, &table, folder_cols, F_COLUMNS);
	rc = walk(ls, ls->model.root, true, print_folder);
	pm_print_end(ls->out);
	return rc;
}

/* --- messages -------------------------------------------------------------------------- */

enum {
	I_NID,
	I_DATE,
	I_FROM,
	I_SIZE,
	I_CLASS,
	I_REMARK,
	I_SUBJECT,
	I_DELIVERY,
	I_SUBMIT,
	I_NAME,
	I_TYPE,
	I_ADDRESS,
	I_FLAGS,
	I_ATTACHMENTS,
	I_ASSOC,
	I_STATE,
	I_PLACED,
	I_FOLDER,
	I_COLUMNS
};

static const struct pm_column item_cols[I_COLUMNS] = {
	[I_NID] = {"nid", "Node", PM_AS_HEX, 0},
	[I_DATE] = {NULL, "Date", PM_AS_TIME, 0},
	[I_FROM] = {NULL, "From", PM_AS_TEXT, 24},
	[I_SIZE] = {"size", "Size", PM_AS_DEC, 0},
	[I_CLASS] = {"class", "Class", PM_AS_TEXT, 24},
	[I_REMARK] = {NULL, "Remark", PM_AS_TEXT, 0},
	[I_SUBJECT] = {"subject", "Subject", PM_AS_TEXT, 0},
	[I_DELIVERY] = {"delivery", NULL, PM_AS_TIME, 0},
	[I_SUBMIT] = {"submit", NULL, PM_AS_TIME, 0},
	[I_NAME] = {"sender_name", NULL, PM_AS_TEXT, 0},
	[I_TYPE] = {"sender_type", NULL, PM_AS_TEXT, 0},
	[I_ADDRESS] = {"sender_address", NULL, PM_AS_TEXT, 0},
	[I_FLAGS] = {"flags", NULL, PM_AS_HEX, 0},
	[I_ATTACHMENTS] = {"attachments", NULL, PM_AS_DEC, 0},
	[I_ASSOC] = {"associated", NULL, PM_AS_BOOL, 0},
	[I_STATE] = {"state", NULL, PM_AS_TEXT, 0},
	[I_PLACED] = {"placed", NULL, PM_AS_TEXT, 0},
	[I_FOLDER] = {"folder", NULL, PM_AS_HEX, 0},
};

/* The worst of the message; what of it is damaged is listed for programs. */
static enum pm_rc print_state(struct ls *ls, struct pm_message *m, uint8_t placed)
{
	enum { MOST = 100 };
	static const struct pm_column list = {"flaws", NULL, PM_AS_TEXT, 0};
	struct pm_flaws flaws = {0};
	enum pm_rc rc;

	if (ls->opts->quick) {
		rc = m->state;
		if (rc == PM_OK &&
		    ((m->recipients_state != PM_OK && m->recipients_state != PM_NONE) ||
		     (m->attach_state != PM_OK && m->attach_state != PM_NONE)))
			rc = PM_DAMAGED;
		pm_print_text(ls->out, &item_cols[I_STATE], state_words(rc));
		pm_print_text(ls->out, &item_cols[I_REMARK], remark_words(rc, placed));
		return PM_OK;
	}
	rc = pm_message_assess(m, MOST, &flaws);
	if (!pm_is_error(rc)) {
		pm_print_text(ls->out, &item_cols[I_STATE], state_words(flaws.worst));
		pm_print_text(ls->out, &item_cols[I_REMARK], remark_words(flaws.worst, placed));
		pm_print_begin_list(ls->out, &list);
		for (size_t i = 0; i < flaws.v.n; i++)
			pm_print_text(ls->out, &list, flaws.v.v[i].text);
		pm_print_end(ls->out);
	}
	pm_flaws_done(&flaws);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc print_message(struct ls *ls, const struct pm_model_item *item, bool associated)
{
	const struct pm_column *c = item_cols;
	struct pm_printer *out = ls->out;
	struct pm_message m;
	enum pm_rc rc = pm_message_open_node(&ls->file.an->db, item->nid, ls->store.codepage, &m);

	if (!pm_is_error(rc)) {
		pm_print_begin_row(out);
		pm_print_uint(out, &c[I_NID], item->nid);
		pm_print_uint(out, &c[I_FOLDER], ls->model.folders.v[item->folder].nid);
		pm_print_uint(out, &c[I_DATE], m.delivery ? m.delivery : m.submit);
		pm_print_uint(out, &c[I_DELIVERY], m.delivery);
		pm_print_uint(out, &c[I_SUBMIT], m.submit);
		pm_print_text(out, &c[I_FROM],
			      m.sender_name ? m.sender_name
			      : m.repr_name ? m.repr_name
					    : m.sender_email);
		pm_print_text(out, &c[I_NAME], m.sender_name);
		pm_print_text(out, &c[I_TYPE], m.sender_type);
		pm_print_text(out, &c[I_ADDRESS], m.sender_email);
		pm_print_text(out, &c[I_SUBJECT], m.subject);
		pm_print_text(out, &c[I_CLASS], m.message_class);
		pm_print_uint(out, &c[I_SIZE], m.size);
		pm_print_uint(out, &c[I_FLAGS], m.flags);
		pm_print_uint(out, &c[I_ATTACHMENTS], m.attachments.n);
		pm_print_bool(out, &c[I_ASSOC], associated);
		pm_print_text(out, &c[I_PLACED], placed_words(item->placed));
		rc = print_state(ls, &m, item->placed);
		pm_print_end(out);
	}
	pm_message_close(&m);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc print_messages(struct ls *ls, uint32_t k, unsigned int depth)
{
	static const struct pm_column nid = {"nid", NULL, PM_AS_HEX, 0};
	static const struct pm_column path = {"path", NULL, PM_AS_TEXT, 0};
	static const struct pm_column table = {"messages", "", PM_AS_TEXT, 0};
	const struct pm_model_folder *f = &ls->model.folders.v[k];
	uint32_t n_assoc = ls->opts->associated ? f->n_assoc : 0;
	struct pm_ctx *ctx = &ls->cli->ctx;
	struct pm_column map = {"folder", "", PM_AS_TEXT, 0};
	struct pm_quoted title;
	enum pm_rc rc;

	(void)depth;
	if (ls->opts->recursive && !f->n_messages && !n_assoc)
		return PM_OK;
	pm_buf_clear(&ls->text);
	rc = pm_model_path(&ls->model, k, &ls->text);
	if (pm_is_error(rc))
		return rc;
	title = pm_quote(pm_buf_cstr(ctx, &ls->text));
	map.label = ls->opts->recursive ? title.s : "";
	pm_print_begin_map(ls->out, &map);
	pm_print_uint(ls->out, &nid, f->nid);
	pm_print_text(ls->out, &path, pm_buf_cstr(ctx, &ls->text));
	pm_print_begin_table(ls->out, &table, item_cols, I_COLUMNS);
	for (uint32_t i = 0; i < f->n_messages && !ctx->rc; i++)
		if (!pm_tick(ctx, "messages", i, f->n_messages))
			rc = print_message(ls, &ls->model.messages.v[f->messages + i], false);
	for (uint32_t i = 0; i < n_assoc && !ctx->rc; i++)
		rc = print_message(ls, &ls->model.assoc.v[f->assoc + i], true);
	pm_print_end(ls->out);
	pm_print_end(ls->out);
	return ctx->rc ? ctx->rc : PM_OK;
}

static enum pm_rc print_folders(struct ls *ls, uint32_t top)
{
	static const struct pm_column list = {"folders", "", PM_AS_TEXT, 0};
	enum pm_rc rc;

	pm_print_begin_list(ls->out, &list);
	rc = walk(ls, top, ls->opts->recursive, print_messages);
	pm_print_end(ls->out);
	return rc;
}

/* --- which folder ---------------------------------------------------------------------- */

enum match { NO_MATCH, ANY_CASE, EXACT };

/* A path beginning with '/' must be all of it, a name the end of it. */
static enum match compare(const char *path, const char *want)
{
	size_t n = strlen(path), w = strlen(want);
	const char *end;

	if (want[0] == '/' ? n != w : n <= w || path[n - w - 1] != '/')
		return NO_MATCH;
	end = path + n - w;
	return !strcmp(end, want) ? EXACT : !pm_ascii_casecmp(end, want) ? ANY_CASE : NO_MATCH;
}

static uint32_t by_path(struct ls *ls, const char *want)
{
	struct pm_ctx *ctx = &ls->cli->ctx;
	uint32_t found = PM_NO_FOLDER, others[2] = {0, 0};
	enum match best = ANY_CASE;
	size_t n = 0;

	for (uint32_t k = 0; k < ls->model.folders.n && !ctx->rc; k++) {
		enum match match;

		pm_buf_clear(&ls->text);
		if (pm_is_error(pm_model_path(&ls->model, k, &ls->text)))
			break;
		match = compare(pm_buf_cstr(ctx, &ls->text), want);
		if (match == NO_MATCH || match < best)
			continue;
		n = match > best ? 1 : n + 1;
		best = match;
		found = k;
		if (n <= 2)
			others[n - 1] = ls->model.folders.v[k].nid;
	}
	if (n < 2 || ctx->rc)
		return found;
	pm_fail(ctx, PM_EUSAGE,
		"%s: %zu folders are called %s, such as 0x%x and 0x%x; name one by its number",
		pm_image_name(ls->file.img), n, pm_quote(want).s, others[0], others[1]);
	return PM_NO_FOLDER;
}

static uint32_t find_folder(struct ls *ls, const char *want)
{
	struct pm_ctx *ctx = &ls->cli->ctx;
	uint32_t found = PM_NO_FOLDER;
	uint64_t nid;

	if (!strcmp(want, "/"))
		return ls->model.root;
	if (pm_parse_number(want, &nid) && nid <= UINT32_MAX)
		found = pm_model_folder(&ls->model, (pm_nid)nid);
	if (found == PM_NO_FOLDER)
		found = by_path(ls, want);
	if (found == PM_NO_FOLDER)
		pm_fail(ctx, PM_EUSAGE, "%s: there is no folder %s; 'pstmend ls FILE' lists them",
			pm_image_name(ls->file.img), pm_quote(want).s);
	return found;
}

static enum pm_rc list(struct ls *ls, const char *folder)
{
	uint32_t k;
	enum pm_rc rc = ls->opts->deleted ? pm_deleted_find(ls->file.an) : PM_OK;

	if (!rc)
		rc = pm_model_build(ls->file.an, &ls->model);
	if (!rc && ls->opts->deleted)
		rc = pm_deleted_build_aside(ls->file.an);
	if (pm_is_error(rc))
		return rc;
	rc = pm_store_open(&ls->file.an->db, &ls->store);
	if (pm_is_error(rc))
		return rc;
	if (!folder && !ls->opts->recursive)
		return print_tree(ls);
	k = folder ? find_folder(ls, folder) : ls->model.root;
	return k == PM_NO_FOLDER ? ls->cli->ctx.rc : print_folders(ls, k);
}

static int run(struct pm_cli *cli, const char *file, int argc, char **argv)
{
	struct ls ls = {.cli = cli, .out = cli->out, .opts = cli->options};
	const struct pm_analysis_options how = {.quick = !ls.opts->deleted};

	if (pm_opened_open(cli, file, &how, &ls.file) == PM_OK) {
		/* An error is recorded, and all that there is to say. */
		enum pm_rc rc = list(&ls, argc ? argv[0] : NULL);

		(void)rc;
		pm_store_close(&ls.store);
		pm_model_done(&ls.model);
	}
	pm_buf_done(&ls.text);
	pm_opened_close(&ls.file);
	return PM_EXIT_OK;
}

const struct pm_command pm_cmd_ls = {
	.name = "ls",
	.args = "FILE [FOLDER]",
	.summary = "List the folders of a file, or the messages of a folder",
	.detail =
		"FOLDER is a path as shown with --format json (\"/Top/Inbox\"), a folder's name, or\n"
		"its node id.\n",
	.files = PM_FILES_ONE,
	.min = 1,
	.max = 2,
	.options = options,
	.size = sizeof(struct ls_options),
	.run = run,
};
