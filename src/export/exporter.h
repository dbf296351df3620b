/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Export: the intended model written out as mail. One walk over folders and items, one vtable
 * for the forms they can take, one account of what became of each item.
 *
 * A form is a row in pm_export_forms (exporter.c) and a file of its own. It gets a folder, its
 * items, the folder's end, then the next folder, parents before children; so one that writes a
 * file a folder has a single one open. What an item is made of comes through the layers
 * msg (pm_message) and mime.h; a form that takes only some classes of items (contacts,
 * appointments) leaves the others to the reconciliation by `takes`.
 */
#ifndef PM_EXPORT_EXPORTER_H
#define PM_EXPORT_EXPORTER_H

#include "export/choose.h"
#include "export/evidence.h"
#include "export/mime.h"
#include "export/names.h"
#include "export/notes.h"
#include "export/outdir.h"
#include "msg/store.h"
#include "recover/model.h"

/* Why an item is not expected to be exported. */
enum pm_left_out {
	PM_LEFT_KIND,       /* the form takes no such items */
	PM_LEFT_CHOICE,     /* it was not chosen */
	PM_LEFT_FOLDER,     /* its folder was not */
	PM_LEFT_DUPLICATE,  /* it is the same as one before */
	PM_LEFT_ATTACHMENT, /* attachments alone are wanted, and it has none */
	PM_LEFT_OUTS
};

struct pm_deleted_item;

struct pm_export_counts {
	uint64_t expected, whole, partial, lost;
};

struct pm_export_folder {
	struct pm_export_folder *parent; /* NULL: of the root */
	pm_nid nid;
	uint32_t index;    /* in the model */
	const char *path;  /* as people write it: "/Top of Personal Folders/Inbox" */
	const char *file;  /* the same as safe names, below the output directory, no suffix */
	const char *place; /* where the form puts it, when that is elsewhere; NULL */
	bool made;         /* its directory exists */
	/*
	 * Where items are looked for: nodes that belong to the folder, and rows of its contents table.
	 * `listed` nodes have a row; rows beyond that name nothing that is there, or something twice.
	 */
	uint64_t nodes, rows, listed;
	uint64_t
		only_rows; /* of these, those that are the last trace of an item: they are lost ones */
	/*
	 * Every node and every such row is expected or skipped; every expected one is whole, partial
	 * or lost.
	 */
	uint64_t expected, whole, partial, lost;
	uint64_t skipped, left[PM_LEFT_OUTS]; /* by reason */
	struct pm_export_counts attachments;  /* where they alone are exported */
};

enum pm_item_state { PM_ITEM_WHOLE, PM_ITEM_PARTIAL, PM_ITEM_LOST };

struct pm_export_item {
	struct pm_export_folder *folder;
	struct pm_message *msg;
	struct pm_notes *notes; /* what is damaged; more may be added */
	uint64_t number;        /* in its folder, from 1; only those that are written count */
	uint8_t placed;         /* pm_placed */
	const char **files;     /* of its attachments, where each has one; NULL */
};

/* An item that is not whole, for the report. */
struct pm_export_loss {
	const struct pm_export_folder *folder;
	pm_nid nid;
	enum pm_item_state state;
	const char *subject; /* NULL: not known */
	const char *file;    /* relative; NULL: none was written */
	const char *why;
};

/* An item that was left out because it had been written before. */
struct pm_export_duplicate {
	const struct pm_export_folder *folder;
	pm_nid nid, of;
	const char *subject; /* NULL: not known */
};

struct pm_export_options {
	const struct pm_exporter_ops *form;
	const char *dir;
	const char *source; /* path of the data file */
	enum pm_outdir_how how;
	bool mark;
	bool join;         /* forms of files for items: one a folder */
	uint64_t split;    /* mbox: bytes after which another file begins; 0: never */
	bool deleted;      /* the model has deleted items, which are wanted, too */
	unsigned int jobs; /* threads that render ahead; 0 and 1: none. Never seen in the result */
	struct pm_choice choice;
	const struct pm_evidence_options *evidence; /* write the evidence package; NULL: don't */
	const struct pm_custody *run;               /* for it */
};

struct pm_export {
	struct pm_ctx *ctx;
	const struct pm_export_options *opts;
	struct pm_analysis *an;
	struct pm_model *model;
	struct pm_store store;
	struct pm_names names;
	struct pm_outdir dir;
	/* Result */
	struct pm_arena arena;
	PM_VEC(struct pm_export_folder *) folders; /* in the order of the walk */
	PM_VEC(struct pm_export_loss) losses;
	PM_VEC(struct pm_export_duplicate) duplicates;
	struct pm_export_folder total;   /* without the deleted items, */
	struct pm_export_folder deleted; /* which are counted here */
	/* private */
	struct pm_name_set top;
	struct pm_seen seen;
	struct pm_evidence *evidence;
	uint8_t *wanted; /* a byte a folder of the model: pm_folder_wanted */
	uint64_t done;
};

struct pm_exporter {
	const struct pm_exporter_ops *ops;
	struct pm_export *ex;
};

struct pm_exporter_ops {
	const char *name;    /* --format */
	const char *summary; /* what --help says */
	const char *suffix;  /* of its files; no folder's name ends in it */
	bool many;           /* a file holds many items */
	bool only_attachments;
	/* Is an item of this class written? NULL: all are. */
	bool (*takes)(const char *message_class);
	enum pm_rc (*open)(struct pm_export *ex, struct pm_exporter **ret);
	/* Both may be NULL. */
	enum pm_rc (*begin_folder)(struct pm_exporter *e, struct pm_export_folder *f);
	enum pm_rc (*end_folder)(struct pm_exporter *e, struct pm_export_folder *f);
	/* Write an item; *ret_file: where to, in ex->arena or the folder's. Damage goes to
	 * it->notes; only errors end the export. `ahead`: its bytes are in ahead->out, from `render`;
	 * NULL: they are not. */
	enum pm_rc (*item)(struct pm_exporter *e, struct pm_export_item *it,
			   const struct pm_mime *ahead, const char **ret_file);
	/*
	 * For forms whose items are mail, so that they can be rendered ahead of their turn, by other
	 * threads (ahead.h); NULL: one after the other. `init_ahead` makes `w` and `out` ready, with
	 * room for `size` bytes; `render` puts all of an item into w->out, by nothing but the item and
	 * what stays the same for the whole export.
	 */
	enum pm_rc (*init_ahead)(struct pm_exporter *e, struct pm_ctx *ctx, struct pm_mime *w,
				 struct pm_mail_out *out, struct pm_mail_sink *sink, size_t size);
	enum pm_rc (*render)(struct pm_exporter *e, struct pm_mime *w, struct pm_export_item *it);
	/*
	 * For forms that keep a file open from item to item (the others have NULL): `flush` brings all
	 * into it and says how long it is. When an export goes on, the walk comes again from the
	 * beginning: `replay` stands for an item that was written to this file, which is only begun
	 * for later (io/output.h), and `resume` goes on with the open file, if there is one. A form
	 * without `flush` but with `join` is interrupted at the ends of folders only.
	 */
	enum pm_rc (*flush)(struct pm_exporter *e, uint64_t *ret_size);
	enum pm_rc (*replay)(struct pm_exporter *e, struct pm_export_item *it, const char *file);
	enum pm_rc (*resume)(struct pm_exporter *e, uint64_t size);
	void (*free)(struct pm_exporter *e); /* what was not finished stays unfinished */
};

extern const struct pm_exporter_ops pm_exporter_eml, pm_exporter_mbox, pm_exporter_mboxo,
	pm_exporter_mboxcl2;
extern const struct pm_exporter_ops pm_exporter_maildir, pm_exporter_kmail;
extern const struct pm_exporter_ops pm_exporter_attachments;
extern const struct pm_exporter_ops pm_exporter_vcard, pm_exporter_vcard3, pm_exporter_ical;
extern const struct pm_exporter_ops *const pm_export_forms[]; /* NULL at the end */

/*
 * Export everything. PM_OK: ex->total, folders and losses tell what became of it; or an error.
 * To be closed in every case. `an` and `model` are borrowed.
 */
enum pm_rc pm_export_run(struct pm_analysis *an, struct pm_model *model,
			 const struct pm_export_options *opts, struct pm_export *ret) PM_MUST_CHECK;
void pm_export_close(struct pm_export *ex);

/* The name of a folder as Maildir++ has it, appended: modified UTF-7, without dots. */
void pm_maildir_name(struct pm_ctx *ctx, struct pm_buf *out, const char *name);

/*
 * For forms: the name of an item's own file, relative, in the arena of its notes:
 * "Inbox/20040817-140046 Subject (200024).eml" sorts by time, and the node id makes it one of
 * a kind, the same on every run. Without the time when not `dated`.
 */
const char *pm_export_item_file(struct pm_export *ex, const struct pm_export_item *it, bool dated,
				const char *suffix);
/* For forms: the directory of a folder's file exists afterwards. */
enum pm_rc pm_export_make_dir(struct pm_export *ex, struct pm_export_folder *f) PM_MUST_CHECK;

/* ---- between the files of the walk (exporter.c, folders.c, replay.c) ---- */

/* What is wanted of a folder; 0: nothing. */
enum pm_folder_wanted { PM_FOLDER_ON_THE_WAY = 1, PM_FOLDER_WRITTEN = 2 };

/*
 * Fills ex->wanted: folders that hold mail, and those on the way to them; empty ones only where people
 * see them, below the IPM subtree. PM_EUSAGE when none has the path that was asked for.
 */
enum pm_rc pm_export_folders(struct pm_export *ex) PM_MUST_CHECK;
/* Was one of the two folders of a deleted item asked for: that which it is in, that which it was in? */
enum pm_rc pm_export_chosen_deleted(struct pm_export *ex, const struct pm_deleted_item *it,
				    bool *ret) PM_MUST_CHECK;
/* The sums that the folder belongs to. */
struct pm_export_folder *pm_export_sums(struct pm_export *ex, uint32_t folder);

/* What was asked for, as options are written; an export that goes on must have the same. */
void pm_export_options_text(struct pm_ctx *ctx, const struct pm_export_options *o,
			    struct pm_buf *out);

/* What becomes of an item is counted. Texts are copied. */
void pm_export_skip(struct pm_export_folder *f, enum pm_left_out why);
enum pm_rc pm_export_account(struct pm_export *ex, struct pm_export_folder *f, pm_nid nid,
			     enum pm_item_state state, const char *subject, const char *file,
			     const char *why) PM_MUST_CHECK;
enum pm_rc pm_export_duplicate(struct pm_export *ex, struct pm_export_folder *f, pm_nid nid,
			       pm_nid of, const char *subject) PM_MUST_CHECK;

/* A checkpoint, if it is time for one, or, with `all`, if any step has none yet. */
enum pm_rc pm_export_checkpoint(struct pm_export *ex, struct pm_exporter *form,
				bool all) PM_MUST_CHECK;
/* While ex->dir.replays: what became of this item, and of what was at the end of this folder. */
enum pm_rc pm_export_replay_item(struct pm_export *ex, struct pm_exporter *form,
				 struct pm_export_item *it, pm_nid nid) PM_MUST_CHECK;
enum pm_rc pm_export_replay_end(struct pm_export *ex, struct pm_exporter *form,
				struct pm_export_folder *f) PM_MUST_CHECK;

#endif
