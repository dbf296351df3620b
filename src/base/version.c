/* SPDX-License-Identifier: Apache-2.0 */
/* The version, and proof that the public result codes are the internal ones. */
#include "pstmend.h"

#include "base/error.h"

#define SAME(a, b) _Static_assert((int)(a) == (int)(b), "public and internal result codes differ")

SAME(PSTMEND_OK, PM_OK);
SAME(PSTMEND_DAMAGED, PM_DAMAGED);
SAME(PSTMEND_LOST, PM_LOST);
SAME(PSTMEND_NONE, PM_NONE);
SAME(PSTMEND_EIO, PM_EIO);
SAME(PSTMEND_ENOMEM, PM_ENOMEM);
SAME(PSTMEND_ELIMIT, PM_ELIMIT);
SAME(PSTMEND_EUNSUP, PM_EUNSUP);
SAME(PSTMEND_EUSAGE, PM_EUSAGE);
SAME(PSTMEND_ECANCEL, PM_ECANCEL);
SAME(PSTMEND_EBUG, PM_EBUG);
SAME(PSTMEND_EGONE, PM_EGONE);

const char *pstmend_version(void)
{
	return PACKAGE_VERSION;
}
