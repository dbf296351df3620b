/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-16 by many units at once, where the processor can: part of base/text. */
#ifndef PM_BASE_TEXT_WIDE_H
#define PM_BASE_TEXT_WIDE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of UTF-8 that 16 units may take while they are put together. */
enum { PM_WIDE_ROOM = 64 };

/*
 * Units from p on as UTF-8, as long as there are 16 of them, none a surrogate, and PM_WIDE_ROOM bytes
 * at `to`, which has `room`. How many bytes of `p` were read; those written in *ret_put.
 */
size_t pm_utf16_put_wide(uint8_t *to, size_t room, const uint8_t *p, size_t n, size_t *ret_put);

/* How many bytes at the beginning of p, whole units, certainly have no surrogate. */
size_t pm_utf16_plain_wide(const uint8_t *p, size_t n);

#endif
