/* SPDX-License-Identifier: Apache-2.0 */
/* The message store, node 21 [MS-PST 2.4.3]. */
#ifndef PM_MSG_STORE_H
#define PM_MSG_STORE_H

#include "msg/named.h"

struct pm_store {
	struct pm_pc pc;
	enum pm_rc state; /* of pc */
	bool has_key;
	uint8_t key[16]; /* PidTagRecordKey: the provider UID of entry ids */
	char *name;      /* UTF-8; NULL when there is none */
	/* Folders that entry ids name; 0 when absent or malformed. */
	pm_nid ipm_subtree, wastebasket, finder, outbox, sent, views, common_views;
	uint32_t password; /* CRC of the password, 0 none */
	uint32_t folder_mask;
	uint32_t codepage; /* for strings of 8 bits; 0 unknown */
	struct pm_arena arena;
};

/* PM_OK, PM_DAMAGED, PM_LOST (everything empty). Close it in every case. */
enum pm_rc pm_store_open(const struct pm_ndb *db, struct pm_store *s) PM_MUST_CHECK;
void pm_store_close(struct pm_store *s);
/* The code page of 8-bit strings that are the store's and its folders': 1252 where the store says
 * none. */
enum pm_rc pm_store_codepage(const struct pm_ndb *db, uint32_t *ret) PM_MUST_CHECK;

/* The nid in an entry id [MS-PST 2.4.3.2]: 24 bytes, flags 0; 0 when it is none. When `key`
 * is not NULL, of this store only. */
pm_nid pm_entry_id_nid(struct pm_span e, const uint8_t *key);
void pm_entry_id_put(uint8_t ret[24], const uint8_t key[16], pm_nid nid);

#endif
