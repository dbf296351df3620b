/* SPDX-License-Identifier: Apache-2.0 */
/* What bytes are, sixteen at a time: bodies are looked through several times for what is in them. */
#ifndef PM_BASE_SCAN_H
#define PM_BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many there are of some kinds. */
struct pm_bytes_census {
	size_t high;     /* 80 and above, */
	size_t c1;       /* 80 to 9F among them */
	size_t control;  /* below 20, and 7F */
	size_t tab, esc; /* among these */
	size_t zeros[2]; /* likewise, at even and at odd places */
};

void pm_bytes_census(struct pm_bytes_census *ret, const uint8_t *p, size_t n);

bool pm_is_ascii(const uint8_t *p, size_t n);

#endif
