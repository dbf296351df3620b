/* SPDX-License-Identifier: Apache-2.0 */
/* Constants of the three variants. */
#include "format/variant.h"

/* clang-format off */
const struct pm_format pm_formats[3] = {
	{
		.variant = PM_ANSI, .name = "ANSI", .id = 4, .header = 512,
		.page = 512, .page_data = 500, .page_trailer = 12, .bt_area = 496,
		.btentry = 12, .bbtentry = 12, .nbtentry = 16,
		.unit = 64, .block_trailer = 12, .block_max = 8192, .data_max = 8180,
		.xhead = 8, .xentry = 4, .slhead = 4, .slentry = 12, .sientry = 8,
		.amap_first = 0x4400, .amap_interval = 253952, .amap_skip = 4, .amap_bytes = 496,
		.dlist = 0x4200, .hid_index_bits = 11, .rowidx = 2, .string_type = 0x001E,
		.size_max = 0x7FFFFFFF,
	},
	{
		.variant = PM_UNICODE, .name = "Unicode", .id = 8, .header = 564,
		.page = 512, .page_data = 496, .page_trailer = 16, .bt_area = 488,
		.btentry = 24, .bbtentry = 24, .nbtentry = 32,
		.unit = 64, .block_trailer = 16, .block_max = 8192, .data_max = 8176,
		.xhead = 8, .xentry = 8, .slhead = 8, .slentry = 24, .sientry = 16,
		.amap_first = 0x4400, .amap_interval = 253952, .amap_skip = 0, .amap_bytes = 496,
		.dlist = 0x4200, .hid_index_bits = 11, .rowidx = 4, .string_type = 0x001F,
		.size_max = (uint64_t)1 << 44,
	},
	{
		.variant = PM_UNICODE4K, .name = "Unicode 4K", .id = 8, .header = 564,
		.page = 4096, .page_data = 4072, .page_trailer = 24, .bt_area = 4056,
		.btentry = 24, .bbtentry = 24, .nbtentry = 32,
		.unit = 512, .block_trailer = 24, .block_max = 65536, .data_max = 65512,
		.xhead = 8, .xentry = 8, .slhead = 8, .slentry = 24, .sientry = 16,
		.amap_first = 0x22000, .amap_interval = 16678912, .amap_skip = 0, .amap_bytes = 4072,
		.dlist = 0x21000, .hid_index_bits = 14, .rowidx = 4, .string_type = 0x001F,
		.size_max = (uint64_t)1 << 44,
	},
};
/* clang-format on */

const struct pm_format *pm_format_of_version(uint16_t wVer)
{
	switch (wVer) {
	case 14:
	case 15:
		return &pm_formats[PM_ANSI];
	case 21:
	case 23:
	case 37:
		return &pm_formats[PM_UNICODE];
	case 36:
		return &pm_formats[PM_UNICODE4K];
	}
	return NULL;
}

uint8_t pm_map_page_at(const struct pm_format *f, uint64_t k, unsigned slot)
{
	if (slot == 0)
		return PM_PTYPE_AMAP;
	if (f->variant == PM_UNICODE4K)
		return 0;
	if (slot == 1 && k % 8 == 0)
		return PM_PTYPE_PMAP;
	if (slot == 2 && k >= 128 && (k - 128) % 496 == 0)
		return PM_PTYPE_FMAP;
	if (slot == 2 && k >= 8192 && (k - 8192) % 31744 == 0)
		return PM_PTYPE_FPMAP;
	return 0;
}

uint32_t pm_map_bytes(const struct pm_format *f, uint64_t k)
{
	uint32_t n = f->page;

	for (unsigned slot = 1; slot < 3; slot++)
		if (pm_map_page_at(f, k, slot))
			n = (slot + 1) * f->page;
	return n;
}
