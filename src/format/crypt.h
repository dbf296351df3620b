/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding of data blocks: permute and cyclic [MS-PST 5.1, 5.2]. Internal blocks are plain. */
#ifndef PM_FORMAT_CRYPT_H
#define PM_FORMAT_CRYPT_H

#include "format/variant.h"

/* In place; `bid` is the block's own id (the cyclic key). PM_CRYPT_NONE does nothing. */
void pm_decode(enum pm_crypt method, pm_bid bid, uint8_t *p, size_t n);
void pm_encode(enum pm_crypt method, pm_bid bid, uint8_t *p, size_t n);
/* Cyclic with its 16-bit start value given: for blocks whose id is lost. */
void pm_cyclic(uint16_t w, uint8_t *p, size_t n);

#endif
