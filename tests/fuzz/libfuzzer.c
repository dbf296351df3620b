/* SPDX-License-Identifier: Apache-2.0 */
/* One target as a libFuzzer program; PM_FUZZ_TARGET is its name. */
#include "fuzz.h"

#define ENTRY_(name) pm_fuzz_##name
#define ENTRY(name)  ENTRY_(name)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	return ENTRY(PM_FUZZ_TARGET)(p, n);
}
