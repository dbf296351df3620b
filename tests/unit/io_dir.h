/* SPDX-License-Identifier: Apache-2.0 */
/* For tests on real files: a directory for each, and systems that can do less. */
#ifndef PM_TEST_IO_DIR_H
#define PM_TEST_IO_DIR_H

#include "base/error.h"

#include <sys/syscall.h>

#ifndef SYS_link /* newer architectures have linkat alone */
#define SYS_link SYS_linkat
#endif

enum { TEST_SIZE = 3 * 1000 * 1000 };

/* Set-up and tear-down: the test runs in an empty directory, which is removed behind it. */
int dir_enter(void **state);
int dir_leave(void **state);
const char *dir_listing(void); /* the names in it, in order, each followed by a blank */

void make_file(const char *name, const void *p, size_t n);
void assert_content(const char *name, const void *p, size_t n);
uint8_t *test_pattern(void); /* TEST_SIZE bytes, none of them zero; to be freed */

/*
 * In a child with these system calls forbidden ({number, errno}): run fn, return what it
 * returns. The error's text is left in the file "text", for assert_child_text. Skips the test
 * where system calls can't be forbidden.
 */
enum pm_rc in_child(const unsigned int (*calls)[2], size_t n, enum pm_rc (*fn)(struct pm_ctx *ctx));
void assert_child_text(const char *want);

#endif
