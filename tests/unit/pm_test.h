/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka with the includes that it wants before it; include this first in every unit test. */
#ifndef PM_TEST_H
#define PM_TEST_H

/* cmocka.h needs the others before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
/* clang-format on */

#define PM_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
