/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of property types, and names of property ids. */
#include "format/proptag.h"

#include <stddef.h>

enum { VARIABLE = 1, BYTES_1 = 2, BYTES_2 = 3, BYTES_4 = 5, BYTES_8 = 9, BYTES_16 = 17 };

const uint8_t pm_proptype_sizes[PM_PT_BINARY + 1] = {
	[PM_PT_UNSPECIFIED] = BYTES_4, [PM_PT_NULL] = BYTES_4,      [PM_PT_I2] = BYTES_2,
	[PM_PT_I4] = BYTES_4,          [PM_PT_R4] = BYTES_4,        [PM_PT_R8] = BYTES_8,
	[PM_PT_CURRENCY] = BYTES_8,    [PM_PT_APPTIME] = BYTES_8,   [PM_PT_ERROR] = BYTES_4,
	[PM_PT_BOOL] = BYTES_1,        [PM_PT_OBJECT] = BYTES_8,    [PM_PT_I8] = BYTES_8,
	[PM_PT_STRING8] = VARIABLE,    [PM_PT_UNICODE] = VARIABLE,  [PM_PT_TIME] = BYTES_8,
	[PM_PT_GUID] = BYTES_16,       [PM_PT_SERVERID] = VARIABLE, [PM_PT_RESTRICTION] = VARIABLE,
	[PM_PT_ACTIONS] = VARIABLE,    [PM_PT_BINARY] = VARIABLE,
};

unsigned pm_proptype_cell(uint16_t type)
{
	switch (type) {
	case PM_PT_BOOL:
		return 1;
	case PM_PT_I2:
		return 2;
	case PM_PT_R8:
	case PM_PT_CURRENCY:
	case PM_PT_APPTIME:
	case PM_PT_I8:
	case PM_PT_TIME:
		return 8;
	}
	return 4;
}

const char *pm_proptype_name(uint16_t type)
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = {
		{PM_PT_UNSPECIFIED, "Unspecified"},
		{PM_PT_NULL, "Null"},
		{PM_PT_I2, "Integer16"},
		{PM_PT_I4, "Integer32"},
		{PM_PT_R4, "Floating32"},
		{PM_PT_R8, "Floating64"},
		{PM_PT_CURRENCY, "Currency"},
		{PM_PT_APPTIME, "FloatingTime"},
		{PM_PT_ERROR, "ErrorCode"},
		{PM_PT_BOOL, "Boolean"},
		{PM_PT_OBJECT, "Object"},
		{PM_PT_I8, "Integer64"},
		{PM_PT_STRING8, "String8"},
		{PM_PT_UNICODE, "String"},
		{PM_PT_TIME, "Time"},
		{PM_PT_GUID, "Guid"},
		{PM_PT_SERVERID, "ServerId"},
		{PM_PT_RESTRICTION, "Restriction"},
		{PM_PT_ACTIONS, "RuleAction"},
		{PM_PT_BINARY, "Binary"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == (type & ~PM_PT_MV))
			return names[i].name;
	return NULL;
}

const char *pm_proptag_name(uint16_t id)
{
	static const struct {
		uint16_t id;
		const char *name;
	} names[] = {
#define PROPTAG(id, name) {id, #name},
#include "format/proptag.def"
#undef PROPTAG
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].id == id)
			return names[i].name;
	return NULL;
}
