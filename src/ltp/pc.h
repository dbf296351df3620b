/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property contexts [MS-PST 2.3.3]: the properties of a store, folder, message, attachment.
 */
#ifndef PM_LTP_PC_H
#define PM_LTP_PC_H

#include "ltp/bth.h"
#include "ltp/value.h"

/* Rules of a PC and its properties; bit n is rule C(n+1). */
enum pm_pc_rule {
	PM_CR_PC = 1 << 0,     /* client signature is not BC, or the BTH is not 2+6 */
	PM_CR_TYPE = 1 << 1,   /* property type is not known */
	PM_CR_BOOL = 1 << 2,   /* low byte of an inline boolean is not 0 or 1 */
	PM_CR_HNID = 1 << 3,   /* HNID does not resolve */
	PM_CR_SIZE = 1 << 4,   /* a value of fixed size has another */
	PM_CR_ODD = 1 << 5,    /* a Unicode string of an odd number of bytes */
	PM_CR_MV = 1 << 6,     /* multi-value layout out of bounds */
	PM_CR_OBJECT = 1 << 7, /* PtypObject record too short, or its subnode is missing */
	PM_CR_STRING = 1 << 8, /* 8-bit string in a Unicode file, or the reverse */
	PM_CR_NID = 1 << 9,    /* value in a subnode whose type is not LTP */
	PM_CR_UTF16 = 1 << 10, /* not valid UTF-16 */
	PM_CR_NAME = 1 << 11,  /* id of 8000 and above that the name map does not have */
};

/* A value that breaks one of these says nothing. */
#define PM_CR_UNUSABLE (PM_CR_TYPE | PM_CR_HNID | PM_CR_SIZE | PM_CR_OBJECT)

struct pm_prop {
	uint16_t id, type;
	uint8_t raw[4]; /* dwValueHnid */
	uint8_t state;  /* PM_DAMAGED when the record lies in a damaged heap block */
	bool retyped;   /* the type stored can't be; `type` is the one that this id always has */
};

struct pm_pc {
	const struct pm_ndb *db;
	struct pm_heap heap;
	struct pm_subs subs;
	enum pm_rc subs_state;        /* PM_NONE: there are no subnodes */
	PM_VEC(struct pm_prop) props; /* ascending by id, no doubles */
	uint32_t rules;               /* PM_CR_PC */
	uint32_t bth_rules;           /* pm_bth_rule */
	uint32_t lost;                /* items of records that could not be read */
	bool padded;                  /* there are records of id 0, which are left out */
	struct pm_buf text;           /* for pm_pc_text */
};

/*
 * Open the PC in data tree `data` with subnode tree `sub`. PM_OK; PM_DAMAGED: usable, but
 * heap, BTH or subnode tree are not what they must be, properties may be missing; PM_LOST:
 * no properties; PM_NONE: data is 0. With the latter two the subnodes are there all the same.
 * Close it in every case.
 */
enum pm_rc pm_pc_open(const struct pm_ndb *db, pm_bid data, pm_bid sub,
		      struct pm_pc *pc) PM_MUST_CHECK;
enum pm_rc pm_pc_open_node(const struct pm_ndb *db, pm_nid nid, struct pm_pc *pc) PM_MUST_CHECK;
void pm_pc_close(struct pm_pc *pc);

const struct pm_prop *pm_pc_find(const struct pm_pc *pc, uint16_t id);
/* Its tag as in MS-OXPROPS: id << 16 | type. */
static inline uint32_t pm_prop_tag(const struct pm_prop *p)
{
	return (uint32_t)p->id << 16 | p->type;
}

/*
 * Where the value of a property is. The result is v->state: PM_OK, PM_DAMAGED, PM_LOST, or
 * an error. A span in `v` stays valid as that of pm_heap_item. PtypObject: the 8 bytes of its
 * record. Done with pm_value_done (also when it is PM_LOST).
 */
enum pm_rc pm_pc_value(struct pm_pc *pc, const struct pm_prop *p, struct pm_value *v) PM_MUST_CHECK;
/*
 * The value, and the rules that it and its record break; multi-values and strings of up to `max` bytes
 * are read where they lie in subnodes. PM_DAMAGED when there are such, or an error. Done with
 * pm_value_done in every case.
 */
enum pm_rc pm_pc_value_rules(struct pm_pc *pc, const struct pm_prop *p, uint64_t max,
			     struct pm_value *ret, uint32_t *ret_rules) PM_MUST_CHECK;
/*
 * All rules of one property, its value looked at; multi-values and strings of up to `max`
 * bytes are read where they lie in subnodes. With `mark` its heap item counts as used.
 */
enum pm_rc pm_pc_prop_rules(struct pm_pc *pc, const struct pm_prop *p, bool mark, uint64_t max,
			    uint32_t *ret_rules) PM_MUST_CHECK;

/*
 * Getters by id. PM_OK; PM_DAMAGED: a value from a damaged block; PM_NONE: no such property,
 * or of another type; PM_LOST: the property is there, its value is not; or an error. The
 * result is untouched unless PM_OK or PM_DAMAGED.
 */
enum pm_rc pm_pc_u32(struct pm_pc *pc, uint16_t id, uint32_t *ret) PM_MUST_CHECK; /* I2, I4, bool */
enum pm_rc pm_pc_bool(struct pm_pc *pc, uint16_t id, bool *ret) PM_MUST_CHECK;
enum pm_rc pm_pc_u64(struct pm_pc *pc, uint16_t id,
		     uint64_t *ret) PM_MUST_CHECK; /* I8, time, u32 */
enum pm_rc pm_pc_time(struct pm_pc *pc, uint16_t id, uint64_t *ret) PM_MUST_CHECK; /* FILETIME */
/* Appends. `max` bounds the bytes. Any type but inline ones. */
enum pm_rc pm_pc_binary(struct pm_pc *pc, uint16_t id, uint64_t max,
			struct pm_buf *out) PM_MUST_CHECK;
/* Appends UTF-8; `cp` is the code page of PtypString8. */
enum pm_rc pm_pc_string(struct pm_pc *pc, uint16_t id, uint32_t cp,
			struct pm_buf *out) PM_MUST_CHECK;
/* A string as a C string of UTF-8 in an arena, cut at a NUL. */
enum pm_rc pm_pc_text(struct pm_pc *pc, uint16_t id, uint32_t cp, struct pm_arena *a,
		      char **ret) PM_MUST_CHECK;
/* The subnode of a PtypObject: its entry (pm_pc.subs) and the size it claims. */
enum pm_rc pm_pc_object(struct pm_pc *pc, uint16_t id, const struct pm_sub **ret_sub,
			uint32_t *ret_size) PM_MUST_CHECK;

/* What PC and TC share: the place of a value behind an HNID. */
enum pm_rc pm_hnid_value(struct pm_heap *h, const struct pm_subs *subs, uint16_t type,
			 uint32_t hnid, struct pm_value *v) PM_MUST_CHECK;
/* Which of the rules below the length alone breaks, without a look at the bytes. */
uint32_t pm_value_length_rules(const struct pm_value *v, uint32_t hnid);
/* Rules C05 to C10 of a value at that place; `hnid` as stored. */
enum pm_rc pm_value_rules(struct pm_ctx *ctx, const struct pm_format *f, const struct pm_subs *subs,
			  const struct pm_value *v, uint32_t hnid, uint64_t max,
			  uint32_t *ret_rules) PM_MUST_CHECK;

#endif
