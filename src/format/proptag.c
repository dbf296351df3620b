/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of property types, and names of property ids. */
#include "format/proptag.h"

#include <stddef.h>

int pm_proptype_size(uint16_t type)
{
	if (type & PM_PT_MV) {
		switch (type & ~PM_PT_MV) { /* those that have no multi-valued form */
		case PM_PT_UNSPECIFIED:
		case PM_PT_NULL:
		case PM_PT_ERROR:
		case PM_PT_BOOL:
		case PM_PT_OBJECT:
			return -1;
		}
		return pm_proptype_size((uint16_t)(type & ~PM_PT_MV)) < 0 ? -1 : 0;
	}
	switch (type) {
	case PM_PT_UNSPECIFIED:
	case PM_PT_NULL:
	case PM_PT_I4:
	case PM_PT_R4:
	case PM_PT_ERROR:
		return 4;
	case PM_PT_I2:
		return 2;
	case PM_PT_BOOL:
		return 1;
	case PM_PT_R8:
	case PM_PT_CURRENCY:
	case PM_PT_APPTIME:
	case PM_PT_I8:
	case PM_PT_TIME:
	case PM_PT_OBJECT:
		return 8;
	case PM_PT_GUID:
		return 16;
	case PM_PT_STRING8:
	case PM_PT_UNICODE:
	case PM_PT_SERVERID:
	case PM_PT_RESTRICTION:
	case PM_PT_ACTIONS:
	case PM_PT_BINARY:
		return 0;
	}
	return -1;
}

bool pm_proptype_inline(uint16_t type)
{
	int n = pm_proptype_size(type);

	return n > 0 && n <= 4;
}

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
