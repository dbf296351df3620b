/* SPDX-License-Identifier: Apache-2.0 */
/* Names and system errors in messages: safe to print, the same in every locale. */
#ifndef PM_BASE_QUOTE_H
#define PM_BASE_QUOTE_H

/*
 * A name as one prints it: 'name', with control characters, bytes that are not valid UTF-8,
 * invisible and direction-changing characters as \xHH (a backslash and a quote as \\ and \'),
 * and the middle of a very long one left out ("..."). By value, to be used inside a call:
 *	pm_fail(ctx, PM_EIO, "cannot open %s", pm_quote(path).s)
 */
struct pm_quoted {
	char s[320];
};
struct pm_quoted pm_quote(const char *name);

/* The text of an errno value, never translated. */
const char *pm_strerror(int errnum);

#endif
