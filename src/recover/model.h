/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intended model above the node database: the folder tree, and where each message
 * belongs. Export walks it, check compares the file's tables with it, repair writes them.
 *
 * A folder or message whose parent is unknown is placed by the table row that names it, else
 * in a folder of ours. A folder that others need (children, messages, a row that names it)
 * and that has no node is part of the model, marked as made.
 */
#ifndef PM_RECOVER_MODEL_H
#define PM_RECOVER_MODEL_H

#include "msg/named.h"
#include "recover/analysis.h"

/* The IPM subtree by convention; the store's entry id is what counts. */
#define PM_NID_SUBTREE 0x8022

/* Folders of ours, made when they are needed; their names are the same in every language. */
enum pm_own {
	PM_OWN_RECOVERY, /* for folders that have no place, and with folders of these names in it: */
	PM_OWN_DELETED,  /* for what was deleted, when that was looked for (deleted.h) */
	PM_OWN_MAIL,     /* for items that have no place, by kind, since programs show */
	PM_OWN_CALENDAR, /* a contact or an appointment only in a folder for such */
	PM_OWN_CONTACTS,
	PM_OWN_TASKS,
	PM_OWN_NOTES,
	PM_OWN_JOURNAL,
	PM_OWN_COUNT
};
/* Of a subtree that has no name any more. */
#define PM_SUBTREE_NAME "Top of Outlook data file"
#define PM_FOLDER_DEPTH 1024 /* folders in folders */

enum pm_placed {
	PM_PLACED_TREE,      /* where its node says */
	PM_PLACED_ROW,       /* where a table row says */
	PM_PLACED_RECOVERED, /* nothing says: in a folder of ours */
	PM_PLACED_MADE,      /* folders: no node; made because others need it */
	PM_PLACED_DELETED,   /* it was deleted: in the folder for that */
};

#define PM_NO_FOLDER UINT32_MAX

struct pm_model_folder {
	pm_nid nid;
	pm_nid stored_parent; /* of its node */
	uint32_t parent;      /* index into folders; the root's is its own */
	uint32_t row_of;      /* folder whose hierarchy table names it, PM_NO_FOLDER: none known */
	uint8_t placed;       /* pm_placed */
	bool made;            /* has no node */
	bool search;          /* a search folder */
	uint32_t children, n_children; /* first in model->children, how many */
	uint32_t messages, n_messages; /* in model->messages */
	uint32_t assoc, n_assoc;       /* in model->assoc */
};

struct pm_model_item {
	pm_nid nid;
	pm_nid stored_parent;
	uint32_t folder; /* index */
	uint8_t placed;  /* pm_placed */
};

struct pm_model {
	struct pm_analysis *an;
	PM_VEC(struct pm_model_folder) folders; /* ascending by nid, made ones included */
	PM_VEC(uint32_t) children;              /* folder indices, by parent, then nid */
	PM_VEC(struct pm_model_item) messages;  /* by folder, then nid */
	PM_VEC(struct pm_model_item) assoc;     /* likewise */
	uint32_t root;                          /* index; PM_NO_FOLDER when there is none */
	uint32_t own[PM_OWN_COUNT];             /* index; PM_NO_FOLDER when there is no need */
	uint32_t codepage;                      /* of folder names in 8 bits */
	uint32_t next_index[32];                /* first free nid index by type, above all in use */
};

/* Build the model; gives entries of doubled nids a nid of their own, and makes nodes of deleted
 * items that were found (an->db.nodes grows). */
enum pm_rc pm_model_build(struct pm_analysis *an, struct pm_model *m) PM_MUST_CHECK;
void pm_model_done(struct pm_model *m);
/* After messages were taken out of the lists: hang the rest on the folders again. */
void pm_model_rehang(struct pm_model *m);

/* Index of a folder by nid, PM_NO_FOLDER when there is none. */
uint32_t pm_model_folder(const struct pm_model *m, pm_nid nid);
/* Which of our folders is it? PM_OWN_COUNT: none. */
enum pm_own pm_model_own(const struct pm_model *m, uint32_t folder);
/* The container class of one of ours; NULL: none, as of PM_OWN_COUNT. */
const char *pm_own_class(enum pm_own own);
/* The one for an item of this message class, which may be NULL. */
enum pm_own pm_own_for(const char *message_class);
/* Append the folder's name as UTF-8: its own, else (also when its own lies in a damaged block)
 * that of the row that names it, else one derived from its nid. The root's is empty. */
enum pm_rc pm_model_name(struct pm_model *m, uint32_t folder, struct pm_buf *out) PM_MUST_CHECK;
/* Append the name that the file gives. PM_OK: the folder's own, sound; PM_DAMAGED: its own is in
 * doubt or missing, this is the better of it and the row's; PM_NONE, PM_LOST: none. */
enum pm_rc pm_model_true_name(struct pm_model *m, uint32_t folder,
			      struct pm_buf *out) PM_MUST_CHECK;
/* Append "/A/B/C"; '/' and '\' inside names are preceded by '\'. */
enum pm_rc pm_model_path(struct pm_model *m, uint32_t folder, struct pm_buf *out) PM_MUST_CHECK;
/* Append the path of the folder that a deleted item was in; of one that is gone what is known. Nothing
 * when that is not known. */
enum pm_rc pm_model_was_in(struct pm_model *m, pm_nid folder, struct pm_buf *out) PM_MUST_CHECK;
/* What says where it belongs: "node", "row of the folder's table", "nothing". */
const char *pm_placed_name(unsigned placed);
/* A new nid of this type that nothing in the file uses. */
pm_nid pm_model_new_nid(struct pm_model *m, unsigned type);

#endif
