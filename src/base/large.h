/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large arrays in temporary files. Indexes grow with the file; what one array may take of memory is
 * an eighth of a budget, and a larger one is mapped from a file without a name in TMPDIR (/var/tmp),
 * whose pages the system can write back when memory gets scarce. The budget is the process's.
 *
 * Only for base/mem.c, which is what all others ask for memory.
 */
#ifndef PM_BASE_LARGE_H
#define PM_BASE_LARGE_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed. NULL when there is no room for it on the disk: the ordinary allocator may still have some. */
void *pm_large_alloc(size_t bytes);
/* Is p one of these? Cheap for what is none. */
bool pm_large_is(const void *p);
size_t pm_large_size(const void *p); /* of one of these */
/* Another size for one of these. NULL: there is no room, p stays as it is. */
void *pm_large_realloc(void *p, size_t bytes);
void pm_large_free(void *p);

#endif
