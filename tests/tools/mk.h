/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pmmk makes: a description in text (mk_parse.c) becomes this model, and the model a file
 * (mk_write.c and its parts). tests/README.md has the language.
 */
#ifndef PM_TOOLS_MK_H
#define PM_TOOLS_MK_H

#include "layout.h"

#include "format/proptag.h"
#include "msg/named.h"

struct pm_mk_bytes {
	const uint8_t *p;
	size_t n;
	unsigned repeat; /* full data blocks of these bytes, all the same block; 0: just once */
};

/* A property as it will be stored; strings in the file's own encoding. */
struct pm_mk_prop {
	uint64_t tag; /* id << 16 | type, wide as the key of a sort */
	struct pm_mk_bytes v;
};

struct pm_mk_props {
	PM_VEC(struct pm_mk_prop) v;
};

struct pm_mk_recipient {
	uint32_t type; /* 1 to, 2 cc, 3 bcc */
	const char *name, *address;
};

struct pm_mk_message;

struct pm_mk_attachment {
	struct pm_mk_props props; /* all but its data */
	uint32_t method;          /* 1 by value, 5 embedded message, 6 OLE, others: reference */
	struct pm_mk_bytes data;
	bool shared; /* the data block is that of the attachment before it */
	struct pm_mk_message *embedded;
};

struct pm_mk_message {
	pm_nid nid;
	bool fai;
	bool deleted;    /* only stale pages know it */
	const char *was; /* subject of its older version, which stale pages know; or NULL */
	struct pm_mk_folder *moved_from; /* which stale pages know; or NULL */
	enum pm_mk_fate {
		PM_MK_LEFT,                 /* its blocks are free, and as they were */
		PM_MK_GONE,                 /* wiped */
		PM_MK_REUSED,               /* the first blocks that fit take their space */
	} fate;                             /* of the blocks of a deleted one, or */
	bool only_data;                     /* of the block of its properties alone, or */
	bool only_rest;                     /* of all others */
	pm_bid old_data, old_from, old_end; /* what was stored of its older version */
	uint32_t flags;
	uint64_t date;
	const char *class, *subject, *from, *from_address;
	struct pm_mk_props props; /* as described; what is derived comes on top */
	PM_VEC(struct pm_mk_recipient) recipients;
	PM_VEC(struct pm_mk_attachment) attachments;
	struct pm_mk_message *outer; /* of an embedded one */
	struct pm_mk_props row[2];   /* what was stored of it: now, and in its older version */
};

struct pm_mk_folder {
	pm_nid nid, parent;
	const char *name, *class;
	PM_VEC(struct pm_mk_message *) messages;
	PM_VEC(struct pm_mk_message *) left; /* for another folder */
};

struct pm_mk {
	struct pm_ctx *ctx;
	struct pm_arena arena;
	const struct pm_format *fmt;
	enum pm_crypt crypt;
	bool zlib;
	bool stale;    /* leave an older generation of the trees behind, */
	bool no_pages; /* but none of its pages */
	bool same_ids; /* what came later has the ids of its blocks */
	unsigned fill, dead;
	uint64_t room; /* bytes left free before the messages */
	const char *store_name;
	uint32_t password;
	uint8_t key[16]; /* the store's record key */
	PM_VEC(struct pm_mk_folder *)
	folders; /* parents before children; the first three are the
						 IPM subtree, the search root, the deleted items */
	struct pm_names names;
	uint32_t next_message, next_fai, next_folder;
};

/* Text in UTF-8 as the file stores it (UTF-16LE; ANSI: code page 1252), in the arena. */
enum pm_rc pm_mk_text(struct pm_mk *mk, const char *s, struct pm_mk_bytes *ret) PM_MUST_CHECK;
/* Replace or add a property; the bytes are borrowed. */
enum pm_rc pm_mk_put(struct pm_mk *mk, struct pm_mk_props *props, uint32_t tag, const void *p,
		     size_t n) PM_MUST_CHECK;
enum pm_rc pm_mk_put_u32(struct pm_mk *mk, struct pm_mk_props *props, uint32_t tag,
			 uint32_t v) PM_MUST_CHECK;
enum pm_rc pm_mk_put_u64(struct pm_mk *mk, struct pm_mk_props *props, uint32_t tag,
			 uint64_t v) PM_MUST_CHECK;
/* A string property: `id` with the string type of the file. */
enum pm_rc pm_mk_put_text(struct pm_mk *mk, struct pm_mk_props *props, uint16_t id,
			  const char *s) PM_MUST_CHECK;
const struct pm_mk_prop *pm_mk_find(const struct pm_mk_props *props, uint16_t id);

/* Read a description; an error's text begins with NAME:LINE. */
enum pm_rc pm_mk_parse(struct pm_mk *mk, const char *name, const char *text) PM_MUST_CHECK;
/* Write the file: all of it is in `out` afterwards. */
enum pm_rc pm_mk_write(struct pm_mk *mk, struct pm_buf *out) PM_MUST_CHECK;
void pm_mk_done(struct pm_mk *mk);

#endif
