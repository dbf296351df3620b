/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of the system: the linker (--wrap) leads calls of the program to functions of wrap.c,
 * which count them and make the chosen one fail. Only the process that set the fault is hit,
 * not its children.
 */
#ifndef PM_FAULT_WRAP_H
#define PM_FAULT_WRAP_H

#include <stdbool.h>
#include <stdint.h>

enum pm_wrap_kind {
	PM_WRAP_NONE,
	PM_WRAP_READ_ONCE, /* the n-th read of the source fails with EIO; again it does not */
	PM_WRAP_READ_BAD,  /* the sector where the n-th read of the source begins is gone */
	PM_WRAP_READ_FAIL, /* the n-th read of any file fails as when the network is gone */
	PM_WRAP_FULL,      /* the disk is full: half of the n-th change, and nothing more */
	PM_WRAP_PRINT,     /* the same for standard output, which has a disk of its own */
	PM_WRAP_SHORT,     /* the n-th write to a file does half of what it was asked for */
	PM_WRAP_SYNC,      /* the n-th fsync fails with EIO */
	PM_WRAP_RENAME,    /* the n-th rename fails with EIO */
	PM_WRAP_KILL,      /* SIGKILL after the n-th change */
};

/* Calls so far. Changes are writes, new files and directories, lengths, names, syncs; writes
 * are to files, prints to standard output. */
struct pm_wrap_counts {
	uint64_t source_reads, reads, changes, writes, prints, syncs, renames;
};

/* From now on, n counted from now; forgets what was counted before. */
void pm_wrap_set(enum pm_wrap_kind kind, uint64_t n);
/* Which file the source is. 0, or -1 and errno. */
int pm_wrap_source(const char *path);
/* [off, off + n) of the source can't be read, in whole sectors; besides the fault that is set. */
void pm_wrap_bad(uint64_t off, uint64_t n);
const struct pm_wrap_counts *pm_wrap_counts(void);

#endif
