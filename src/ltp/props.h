/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A property context in memory, to be changed and stored anew. Large values stay in their
 * subnodes and are named only; what nobody touches comes out with the same value and subnode.
 */
#ifndef PM_LTP_PROPS_H
#define PM_LTP_PROPS_H

#include "ltp/pc.h"

struct pm_propval {
	uint16_t id, type;
	uint8_t state;        /* PM_OK, or PM_DAMAGED as it was read */
	pm_nid nid;           /* of the subnode that holds the value; 0: it is in `value` */
	struct pm_span value; /* inline types: the 4 bytes of the record; PtypObject: 8 bytes */
};

struct pm_props {
	struct pm_ctx *ctx;
	const struct pm_format *fmt;
	struct pm_arena arena;
	PM_VEC(struct pm_propval) v; /* ascending by id */
	struct pm_subs subs;
	PM_VEC(uint32_t) lost; /* tags of properties whose value could not be read */
};

void pm_props_init(struct pm_props *p, struct pm_ctx *ctx, const struct pm_format *f);
void pm_props_done(struct pm_props *p);
/*
 * All properties and subnodes of an open PC. PM_OK; PM_DAMAGED: some values are damaged, or
 * lost and left out (p->lost). Values in subnodes are not read, their trees are as they were
 * (see pm_data_mend).
 */
enum pm_rc pm_props_load(struct pm_props *p, struct pm_pc *pc) PM_MUST_CHECK;

struct pm_propval *pm_props_find(const struct pm_props *p, uint16_t id);
/* Set a property, whatever it was before; a subnode of type LTP that held the old value goes.
 * `n` bytes as the type has them (4 or less for inline types, which are zero-extended). */
enum pm_rc pm_props_set(struct pm_props *p, uint16_t id, uint16_t type, const void *value,
			size_t n) PM_MUST_CHECK;
enum pm_rc pm_props_set_u32(struct pm_props *p, uint16_t id, uint16_t type,
			    uint32_t value) PM_MUST_CHECK;
enum pm_rc pm_props_set_u64(struct pm_props *p, uint16_t id, uint16_t type,
			    uint64_t value) PM_MUST_CHECK;
/* UTF-8 to the format's string type; code page, `ret_bad` and PM_NONE (nothing is set) as for
 * pm_text_as. */
enum pm_rc pm_props_set_text(struct pm_props *p, uint16_t id, uint32_t cp, const char *utf8,
			     uint64_t *ret_bad) PM_MUST_CHECK;
/* The value is that of a subnode (put there by pm_subs_put, or kept). */
enum pm_rc pm_props_set_nid(struct pm_props *p, uint16_t id, uint16_t type,
			    pm_nid nid) PM_MUST_CHECK;
enum pm_rc pm_props_set_object(struct pm_props *p, uint16_t id, pm_nid nid,
			       uint32_t size) PM_MUST_CHECK;
void pm_props_remove(struct pm_props *p, uint16_t id);

/* Add a subnode, or replace the one of this id; pm_subs_find finds them. */
enum pm_rc pm_subs_put(struct pm_ctx *ctx, struct pm_subs *s, pm_nid nid, pm_bid data,
		       pm_bid sub) PM_MUST_CHECK;
void pm_subs_remove(struct pm_subs *s, pm_nid nid);
/* A nid of this type that no subnode has. */
pm_nid pm_subs_free_nid(const struct pm_subs *s, unsigned type);
enum pm_rc pm_subs_copy(struct pm_ctx *ctx, const struct pm_subs *from,
			struct pm_subs *to) PM_MUST_CHECK;

/* Store it: heap, subnodes for values of more than 3580 bytes, subnode tree. */
enum pm_rc pm_props_build(struct pm_props *p, struct pm_block_sink *sink, pm_bid *ret_data,
			  pm_bid *ret_sub) PM_MUST_CHECK;

/*
 * A data tree whose blocks are all there: sound ones are kept, damaged ones copied to new
 * blocks, lost ones zeros. *ret_bid is the old id when nothing had to be done. PM_OK,
 * PM_DAMAGED: content is damaged (it is now stored without a trace of it), PM_LOST: all of it.
 */
enum pm_rc pm_data_mend(struct pm_block_sink *sink, const struct pm_data *d, pm_bid bid,
			pm_bid *ret_bid) PM_MUST_CHECK;

#endif
