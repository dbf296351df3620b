/* SPDX-License-Identifier: Apache-2.0 */
/* List of temporary files; see tempfile.h. */
#include "io/tempfile.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

enum { SLOTS = 16 };

/* Lock-free, as a signal handler needs it. */
static _Atomic(const char *) slots[SLOTS];

int pm_tempfile_add(const char *path)
{
	for (int i = 0; i < SLOTS; i++) {
		const char *none = NULL;

		if (atomic_compare_exchange_strong(&slots[i], &none, path))
			return i;
	}
	return -1;
}

void pm_tempfile_drop(int slot)
{
	if (slot >= 0)
		atomic_store(&slots[slot], NULL);
}

void pm_tempfile_unlink_all(void)
{
	int saved = errno;

	for (int i = 0; i < SLOTS; i++) {
		const char *path = atomic_exchange(&slots[i], NULL);

		if (path)
			unlink(path);
	}
	errno = saved;
}
