/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named properties: the name-to-id map [MS-PST 2.4.7], node 61. Ids from 8000 on mean
 * something only through it.
 */
#ifndef PM_MSG_NAMED_H
#define PM_MSG_NAMED_H

#include "ltp/pc.h"

#include "base/map.h"

#define PM_NID_STORE   0x21
#define PM_NID_NAMEMAP 0x61
#define PM_NID_ROOT    0x122

/* Of the public strings: the property that says what a repaired item lacks (repair --mark). */
#define PM_MARK_NAME "pstmend-damaged"

/* Rules; bit n is rule M(n+11). */
enum pm_name_rule {
	PM_NR_PC = 1 << 0,      /* the PC can't be read */
	PM_NR_STREAMS = 1 << 1, /* a stream or the bucket count is missing */
	PM_NR_SIZES = 1 << 2,   /* GUID stream not of 16 byte items, entries not of 8 */
	PM_NR_GUID = 1 << 3,    /* GUID index beyond the stream */
	PM_NR_STRING = 1 << 4,  /* name not within the string stream */
	PM_NR_TWICE = 1 << 5,   /* wPropIdx taken twice, or no index of a named property */
	PM_NR_BUCKET = 1 << 6,  /* not in its bucket, or buckets with others */
	PM_NR_COUNT = 1 << 7,   /* bucket count is not 251 */
	PM_NR_SAME = 1 << 8,    /* a name that is mapped twice */
};

struct pm_name {
	uint16_t prop; /* property id, 8000 and above */
	uint16_t guid; /* index as stored: 0 none, 1 MAPI, 2 public strings, 3.. */
	bool is_string;
	uint32_t id;           /* numeric name */
	struct pm_span string; /* UTF-16LE */
	uint8_t uid[16];       /* the GUID; zeros when there is none or it is lost */
	uint32_t rules;        /* pm_name_rule of this entry */
};

struct pm_names {
	struct pm_ctx *ctx;
	const struct pm_format *fmt;
	struct pm_arena arena;
	PM_VEC(struct pm_name) v; /* in order of the entry stream */
	struct pm_map by_prop;    /* property id -> index, the first of each */
	struct pm_buf guids;      /* GUID stream, whole GUIDs */
	uint32_t buckets;         /* as stored */
	uint64_t string_bytes;    /* of all string names */
	uint32_t rules;
	enum pm_rc state;
};

extern const uint8_t pm_uid_mapi[16], pm_uid_strings[16]; /* PS_MAPI, PS_PUBLIC_STRINGS */

/* Read the map of a file. PM_OK, PM_DAMAGED: names are missing; PM_LOST: there is none (an
 * empty map, usable). Close it in every case. */
enum pm_rc pm_names_open(const struct pm_ndb *db, struct pm_names *names) PM_MUST_CHECK;
enum pm_rc pm_names_open_at(const struct pm_ndb *db, pm_bid data, pm_bid sub,
			    struct pm_names *names) PM_MUST_CHECK;
void pm_names_init(struct pm_names *names, struct pm_ctx *ctx, const struct pm_format *f);
void pm_names_close(struct pm_names *names);

/* The name of a property id, or NULL. */
const struct pm_name *pm_names_of(const struct pm_names *names, uint16_t prop);
/* The property id of a name, 0 when there is none; the first entry wins. */
uint16_t pm_names_id(const struct pm_names *names, const uint8_t uid[16], uint32_t id);
uint16_t pm_names_string(const struct pm_names *names, const uint8_t uid[16], const char *utf8);
/* Add a name for the next free property id. `string` NULL: numeric. */
enum pm_rc pm_names_add(struct pm_names *names, const uint8_t uid[16], uint32_t id,
			const char *string, uint16_t *ret_prop) PM_MUST_CHECK;
/*
 * What the list of entries has lost, from the hash buckets, as far as they are sound: entries,
 * sets, texts, ids given twice. The rules of each entry are up to date afterwards, those of the
 * map stay what they were. PM_OK or an error.
 */
enum pm_rc pm_names_restore(const struct pm_ndb *db, struct pm_names *names) PM_MUST_CHECK;
/* Store the map with fresh buckets; entries keep their order and ids. */
enum pm_rc pm_names_build(const struct pm_names *names, struct pm_block_sink *sink,
			  pm_bid *ret_data, pm_bid *ret_sub) PM_MUST_CHECK;
/* Does every entry stand in its bucket, and nothing else? Adds PM_NR_BUCKET to the rules. */
enum pm_rc pm_names_check_buckets(const struct pm_ndb *db, struct pm_names *names) PM_MUST_CHECK;

#endif
