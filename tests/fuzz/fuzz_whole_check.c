/* SPDX-License-Identifier: Apache-2.0 */
/* A damaged file and the check. */
#include "hurt.h"
#include "whole.h"

int pm_fuzz_whole_check(const uint8_t *p, size_t n)
{
	struct pm_span bytes = pm_hurt_bytes(p, n);
	struct pm_fuzz_file f;
	uint64_t warnings;

	if (!bytes.n)
		return 0;
	if (pm_fuzz_file_open(&f, bytes.p, bytes.n))
		pm_fuzz_file_check(&f, &warnings, NULL);
	pm_fuzz_file_close(&f);
	return 0;
}
