/* SPDX-License-Identifier: Apache-2.0 */
/* CRC of headers, pages, blocks, names and compressed RTF [MS-PST 5.3]. */
#ifndef PM_FORMAT_CRC_H
#define PM_FORMAT_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Reflected CRC-32, polynomial 0xEDB88320, start 0, no final inversion. The CRC of zeros is 0. */
uint32_t pm_crc(const void *p, size_t n);

#endif
