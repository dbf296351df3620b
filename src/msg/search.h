/* SPDX-License-Identifier: Apache-2.0 */
/* The search engine's own nodes and lists [MS-PST 2.4.8]. */
#ifndef PM_MSG_SEARCH_H
#define PM_MSG_SEARCH_H

#include "base/bytes.h"

#define PM_NID_SEARCH_QUEUE    0x1E1u
#define PM_NID_SEARCH_ACTIVITY 0x201u
#define PM_NID_SEARCH_DOMAIN   0x261u
#define PM_NID_SEARCH_TEMPLATE 0x610u
#define PM_NID_BARE_SEARCH     0x723u  /* [OBS] a search folder without queue and criteria */
#define PM_NID_SPAM_SEARCH     0x2223u /* [OBS] in every store of Outlook 2003 and later */

#define PM_SUD_SIZE  20u   /* [MS-PST 2.4.8.4.1] */
#define PM_SUD_TYPES 0x12u /* [OBS] highest one met */

/* Entries of a management queue that are of no known kind, and what is no whole entry. */
static inline uint64_t pm_search_queue_bad(struct pm_span s)
{
	uint64_t bad = s.n % PM_SUD_SIZE != 0;

	for (size_t i = 0; i + PM_SUD_SIZE <= s.n; i += PM_SUD_SIZE) {
		unsigned type = pm_le16(s.p + i + 2);

		bad += type < 1 || type > PM_SUD_TYPES;
	}
	return bad;
}

#endif
