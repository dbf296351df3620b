/* SPDX-License-Identifier: Apache-2.0 */
/* The field table. */
#include "format/fields.h"

#define NA                               PM_NO_FIELD
#define FIELD(s, nm, t, c, a, u, k, sec) {#s, #nm, PM_FT_##t, c, {a, u, k}, sec},
const struct pm_field pm_fields[] = {
#include "format/fields.def"
};
#undef FIELD

const size_t pm_field_count = sizeof(pm_fields) / sizeof(pm_fields[0]);

const struct pm_field *pm_field_find(const char *structure, const char *name)
{
	for (size_t i = 0; i < pm_field_count; i++)
		if (!strcmp(pm_fields[i].structure, structure) && !strcmp(pm_fields[i].name, name))
			return &pm_fields[i];
	return NULL;
}

unsigned pm_field_width(const struct pm_format *f, const struct pm_field *field)
{
	return pm_ft_width(f, field->type);
}

unsigned pm_field_elements(const struct pm_format *f, const struct pm_field *field)
{
	if (field->type == PM_FT_BYTES && field->count == PM_CNT_MAP)
		return f->amap_bytes;
	return field->count;
}
