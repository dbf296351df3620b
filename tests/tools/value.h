/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the corruption tool: what `set` makes of the bytes at a place. */
#ifndef PM_TOOLS_VALUE_H
#define PM_TOOLS_VALUE_H

#include "place.h"

/* The words among them, in the order in which the field sweep uses them; NULL ends it. */
extern const char *const pm_value_verbs[];

/*
 * Change what is at the place. `text` is a number, ^x, +x or -x (exclusive or, sum, difference
 * with the number there), hex:BYTES, zeroes or ones (all of the place), or firstbit, midbit,
 * lastbit, add, sub (its first number).
 */
enum pm_rc pm_value_apply(struct pm_whole *w, const struct pm_place *at,
			  const char *text) PM_MUST_CHECK;
/* hex:BYTES, appended to `out`; false when it is something else. */
bool pm_value_hex(struct pm_ctx *ctx, const char *text, struct pm_buf *out);

/* n bytes of noise, the same for the same seed; seed 0 gives zeros. */
void pm_noise(uint64_t seed, uint8_t *p, size_t n);

#endif
