/* SPDX-License-Identifier: Apache-2.0 */
/* The PST CRC is the common CRC-32 without its two inversions, so libdeflate's serves. */
#include "format/crc.h"

#include <libdeflate.h>

uint32_t pm_crc(const void *p, size_t n)
{
	return ~libdeflate_crc32(0xFFFFFFFFu, p, n);
}

bool pm_crc_bit(uint32_t difference, size_t n, size_t *ret)
{
	/* What one bit leaves in the register goes through a step for each bit that follows, and
	 * one for itself. Each can be undone: the polynomial alone sets the highest bit. */
	for (size_t k = 8 * n; k-- > 0;) {
		difference = difference & 0x80000000u ? (difference ^ 0xEDB88320u) << 1 | 1
						      : difference << 1;
		if (difference == 1) {
			*ret = k;
			return true;
		}
	}
	return false;
}
