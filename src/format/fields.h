/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Getters and setters of every fixed field, generated from fields.def:
 *   uint64_t pm_BTPAGE_cEnt(const struct pm_format *f, const uint8_t *p)
 *   void pm_set_BTPAGE_cEnt(const struct pm_format *f, uint8_t *p, uint64_t v)
 * `p` is the start of the structure, whose full size the caller has proved to be there. A
 * field that the variant does not have reads as 0 and takes no value. BYTES fields and
 * arrays read their first element; the table (pm_fields) gives the rest.
 */
#ifndef PM_FORMAT_FIELDS_H
#define PM_FORMAT_FIELDS_H

#include "format/variant.h"

#define PM_NO_FIELD 0xFFFF
#define PM_CNT_MAP  0 /* count of map bytes: pm_format.amap_bytes */

enum pm_field_type {
	PM_FT_U8,
	PM_FT_U16,
	PM_FT_U32,
	PM_FT_U64,
	PM_FT_ID,
	PM_FT_CE,
	PM_FT_BYTES,
};

struct pm_field {
	const char *structure, *name;
	enum pm_field_type type;
	uint16_t count;
	uint16_t offset[3]; /* by variant; PM_NO_FIELD when absent */
	const char *section;
};

/* All rows of fields.def in their order, pm_field_count of them. */
extern const struct pm_field pm_fields[];
extern const size_t pm_field_count;

/* Row of a structure's field, or NULL. */
const struct pm_field *pm_field_find(const char *structure, const char *name);
/* Bytes of one element of the field, and how many elements it has, in this variant. */
unsigned pm_field_width(const struct pm_format *f, const struct pm_field *field);
unsigned pm_field_elements(const struct pm_format *f, const struct pm_field *field);

static inline unsigned pm_ft_width(const struct pm_format *f, enum pm_field_type t)
{
	switch (t) {
	case PM_FT_U8:
	case PM_FT_BYTES:
		return 1;
	case PM_FT_U16:
		return 2;
	case PM_FT_U32:
		return 4;
	case PM_FT_U64:
		return 8;
	case PM_FT_ID:
		return f->id;
	case PM_FT_CE:
		return f->variant == PM_UNICODE4K ? 2 : 1;
	}
	return 0;
}

static inline uint64_t pm_ft_get(const uint8_t *p, unsigned width)
{
	return width == 8 ? pm_le64(p) : width == 4 ? pm_le32(p) : width == 2 ? pm_le16(p) : p[0];
}

static inline void pm_ft_set(uint8_t *p, unsigned width, uint64_t v)
{
	if (width == 8)
		pm_put64(p, v);
	else if (width == 4)
		pm_put32(p, (uint32_t)v);
	else if (width == 2)
		pm_put16(p, (uint16_t)v);
	else
		p[0] = (uint8_t)v;
}

static inline unsigned pm_ft_offset(const struct pm_format *f, unsigned a, unsigned u, unsigned k)
{
	return f->variant == PM_ANSI ? a : f->variant == PM_UNICODE ? u : k;
}

#define NA PM_NO_FIELD
#define FIELD(s, nm, t, c, a, u, k, sec)                                                           \
	static inline uint64_t pm_##s##_##nm(const struct pm_format *f, const uint8_t *p)          \
	{                                                                                          \
		unsigned o = pm_ft_offset(f, a, u, k);                                             \
		return o == PM_NO_FIELD ? 0 : pm_ft_get(p + o, pm_ft_width(f, PM_FT_##t));         \
	}                                                                                          \
	static inline void pm_set_##s##_##nm(const struct pm_format *f, uint8_t *p, uint64_t v)    \
	{                                                                                          \
		unsigned o = pm_ft_offset(f, a, u, k);                                             \
		if (o != PM_NO_FIELD)                                                              \
			pm_ft_set(p + o, pm_ft_width(f, PM_FT_##t), v);                            \
	}
#include "format/fields.def"
#undef FIELD
#undef NA

#endif
