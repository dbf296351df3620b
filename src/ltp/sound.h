/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is an open context in order, so that it can stay as it is? The same rules that check states,
 * all of them at once: heap, tree, records, values, rows and cells. What a heap keeps for its
 * own use (fill levels, unused space) doesn't count.
 */
#ifndef PM_LTP_SOUND_H
#define PM_LTP_SOUND_H

#include "ltp/pc.h"
#include "ltp/tc.h"

/* Rules whose failure is a matter of form: readers don't care. */
#define PM_TR_FORM PM_TR_EMPTY
#define PM_CR_FORM (PM_CR_BOOL | PM_CR_STRING | PM_CR_NID | PM_CR_UTF16 | PM_CR_NAME)
#define PM_BR_FORM (PM_BR_ROWVER | PM_BR_HIDINDEX | PM_BR_STALE | PM_BR_FILLED | PM_BR_BITS)

/*
 * `open_rc` is what opening gave. Marks the items of the heap, so it is to be asked once. With
 * `form` matters of form count, too, but for those of the heap's own use. PM_OK or an error.
 */
enum pm_rc pm_pc_sound(struct pm_pc *pc, enum pm_rc open_rc, bool form, bool *ret) PM_MUST_CHECK;
enum pm_rc pm_tc_sound(struct pm_tc *tc, enum pm_rc open_rc, bool form, bool *ret) PM_MUST_CHECK;

#endif
