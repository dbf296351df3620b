/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Debian's libpff (20180714) can't read although nothing is wrong with it, told by the
 * words of its error. How each was measured stands in docs/architecture.md.
 */
#include "repair/pff_internal.h"

#include <string.h>

static const struct {
	const char *name;
	const char *words; /* anywhere in libpff's text; NULL: found otherwise */
	const char *text;
} limits[] = {
	{"memory", NULL, "its memory limit was reached"},
	{"partial", NULL, "the item is damaged, and we say so"},
	{"encoded-zlib", NULL, "it inflates blocks before it decodes them"},
	{"rtf-plain", "libfmapi_lzfu_decompress: mismatch in checksum ( 0 != ",
	 "it wants a checksum of uncompressed RTF, which has none [MS-OXRTFCP 2.1.3.1.1]"},
	{"rtf-empty", "lzfu_get_uncompressed_data_size: invalid compressed data",
	 "an empty RTF body is none to it"},
	{"attachment-method", "unsupported attachment method: ",
	 "of the ways to attach it knows by value, by reference, embedded message and OLE"},
	{"code-page",
	 "unsupported codepage: ", "it does not know the code page that the item names"},
	{"value-type", "unsupported value type: ",
	 "a property of unspecified type, or of a type that it does not expect under this id, "
	 "stops it at the whole item"},
};

#define N_LIMITS (sizeof(limits) / sizeof(limits[0]))

uint32_t pm_pff_limit_of(const char *text)
{
	uint32_t i;

	for (i = 0; i < N_LIMITS; i++) {
		if (limits[i].words && strstr(text, limits[i].words))
			return i;
	}
	return PFF_NO_LIMIT;
}

uint32_t pm_pff_limit_memory(void)
{
	return 0;
}

uint32_t pm_pff_limit_partial(void)
{
	return 1;
}

uint32_t pm_pff_limit_encoded_zlib(void)
{
	return 2;
}

const char *pm_pff_limit_name(size_t i)
{
	return i < N_LIMITS ? limits[i].name : NULL;
}

const char *pm_pff_limit_text(size_t i)
{
	return i < N_LIMITS ? limits[i].text : NULL;
}
