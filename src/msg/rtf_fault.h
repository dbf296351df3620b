/* SPDX-License-Identifier: Apache-2.0 */
/* Is a compressed RTF body what its own header says [MS-OXRTFCP 2.1.3.1]? */
#ifndef PM_MSG_RTF_FAULT_H
#define PM_MSG_RTF_FAULT_H

#include "ltp/pc.h"

/*
 * Look at the RTF body of an open PC. PM_OK: *ret_why says what is wrong with it, NULL when
 * nothing is, there is none, or its value is known to be damaged anyway. `scratch` is overwritten.
 */
enum pm_rc pm_rtf_fault(struct pm_pc *pc, struct pm_buf *scratch,
			const char **ret_why) PM_MUST_CHECK;

#endif
