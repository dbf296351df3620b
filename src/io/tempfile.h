/* SPDX-License-Identifier: Apache-2.0 */
/* The list of temporary files that must go when the program is interrupted. */
#ifndef PM_IO_TEMPFILE_H
#define PM_IO_TEMPFILE_H

/*
 * Enter a path, which stays the caller's and must outlive the entry. A number for
 * pm_tempfile_drop, or -1 when the list is full (it holds 16).
 */
int pm_tempfile_add(const char *path);
void pm_tempfile_drop(int slot); /* take it off the list; -1 does nothing */

/* Delete all files on the list. Safe in a signal handler; keeps errno. */
void pm_tempfile_unlink_all(void);

#endif
