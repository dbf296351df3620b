/* SPDX-License-Identifier: Apache-2.0 */
/* The public interface of libpstmend: the only header that is installed. */
#ifndef PSTMEND_H
#define PSTMEND_H

#ifdef __cplusplus
extern "C" {
#endif

#define PSTMEND_API __attribute__((visibility("default")))

/* One file and all that is known about it. */
struct pstmend;

/* Negative: we can't go on. Positive: the file is damaged, and work went on. */
enum pstmend_rc {
	PSTMEND_OK = 0,
	PSTMEND_DAMAGED = 1, /* usable, something about it was wrong */
	PSTMEND_LOST = 2,    /* this object is gone, the next one is not */
	PSTMEND_NONE = 3,    /* there is no such thing, and nothing is wrong with that */
	PSTMEND_EIO = -1,
	PSTMEND_ENOMEM = -2,
	PSTMEND_ELIMIT = -3, /* a limit of ours or of the format */
	PSTMEND_EUNSUP = -4, /* not a file that we can read */
	PSTMEND_EUSAGE = -5,
	PSTMEND_ECANCEL = -6,
	PSTMEND_EBUG = -7,
	PSTMEND_EGONE = -8 /* overwritten: nothing of a data file is left */
};

/* The library's version, such as "0.1.0". Static storage. */
PSTMEND_API const char *pstmend_version(void);

#ifdef __cplusplus
}
#endif

#endif
