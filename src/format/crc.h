/* SPDX-License-Identifier: Apache-2.0 */
/* CRC of headers, pages, blocks, names and compressed RTF [MS-PST 5.3]. */
#ifndef PM_FORMAT_CRC_H
#define PM_FORMAT_CRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reflected CRC-32, polynomial 0xEDB88320, start 0, no final inversion. The CRC of zeros is 0. */
uint32_t pm_crc(const void *p, size_t n);

/*
 * Is `difference` (of two checksums, exclusive or) that of n bytes which differ in just one bit? Then
 * *ret is its number: bit *ret % 8, 0 the lowest, of byte *ret / 8. 1 in 2^32 / 8n by chance.
 */
bool pm_crc_bit(uint32_t difference, size_t n, size_t *ret);

#endif
