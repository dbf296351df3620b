/* SPDX-License-Identifier: Apache-2.0 */
/* Folders [MS-PST 2.4.4]: a PC and its tables, which are nodes with the same index. */
#ifndef PM_MSG_FOLDER_H
#define PM_MSG_FOLDER_H

#include "ltp/pc.h"
#include "ltp/tc.h"

/* NID types */
enum pm_nid_type {
	PM_NT_INTERNAL = 0x01,
	PM_NT_FOLDER = 0x02,
	PM_NT_SEARCH = 0x03,
	PM_NT_MESSAGE = 0x04,
	PM_NT_ATTACHMENT = 0x05,
	PM_NT_SUQ = 0x06,
	PM_NT_CRITERIA = 0x07,
	PM_NT_ASSOC = 0x08,
	PM_NT_HIERARCHY = 0x0D,
	PM_NT_CONTENTS = 0x0E,
	PM_NT_ASSOC_CONTENTS = 0x0F,
	PM_NT_SEARCH_CONTENTS = 0x10,
	PM_NT_ATTACHMENTS = 0x11,
	PM_NT_RECIPIENTS = 0x12,
	PM_NT_LTP = 0x1F,
};

struct pm_folder {
	struct pm_pc pc;
	enum pm_rc state; /* of pc */
	pm_nid nid, parent;
	char *name;                    /* UTF-8, "" for the root; NULL when lost or missing */
	char *container_class;         /* "IPF.Note" ...; NULL */
	uint32_t count, unread, assoc; /* as stored */
	bool subfolders;
	bool has_count, has_unread, has_subfolders, has_assoc;
	struct pm_arena arena;
};

/* `codepage` is that of 8-bit strings. PM_OK, PM_DAMAGED, PM_LOST. Close it in every case. */
enum pm_rc pm_folder_open(const struct pm_ndb *db, pm_nid nid, uint32_t codepage,
			  struct pm_folder *f) PM_MUST_CHECK;
void pm_folder_close(struct pm_folder *f);

/* The table of messages to be sent. */
#define PM_NID_OUTGOING 0x64C

/* The columns that a table of this id must have, by property id, 0 at the end; NULL: none. */
const uint16_t *pm_folder_columns(pm_nid nid);
uint32_t pm_folder_column_tag(const struct pm_format *f, uint16_t id);

/* The nid of a folder's companion of this type. */
static inline pm_nid pm_folder_companion(pm_nid folder, unsigned type)
{
	return (folder & ~(pm_nid)0x1F) | type;
}

#endif
