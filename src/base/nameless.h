/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary files without a name: gone when they are closed, however the program ends. */
#ifndef PM_BASE_NAMELESS_H
#define PM_BASE_NAMELESS_H

/* Where they go: $TMPDIR, else /var/tmp. */
const char *pm_nameless_dir(void);
/* A new one in this directory, to read and write; -1 and errno. */
int pm_nameless_open(const char *dir);

#endif
