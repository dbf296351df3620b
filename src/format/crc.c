/* SPDX-License-Identifier: Apache-2.0 */
/* The PST CRC is the common CRC-32 without its two inversions, so libdeflate's serves. */
#include "format/crc.h"

#include <libdeflate.h>

uint32_t pm_crc(const void *p, size_t n)
{
	return ~libdeflate_crc32(0xFFFFFFFFu, p, n);
}
