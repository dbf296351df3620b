/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with the includes that it wants before it; include this first in every unit test. */
#ifndef PM_TEST_H
#define PM_TEST_H

/* clang-format off: cmocka.h needs these first, in any order but before it */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#define PM_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
