/* SPDX-License-Identifier: Apache-2.0 */
/* What the targets that take whole files share. */
#ifndef PM_FUZZ_WHOLE_H
#define PM_FUZZ_WHOLE_H

#include "fuzz.h"

#include <stdio.h>

#include "check/check.h"
#include "msg/message.h"
#include "recover/model.h"

/* A file from the input (hurt.h), analysed. */
struct pm_fuzz_file {
	struct pm_ctx ctx;
	struct pm_image *img;
	struct pm_analysis *an;
};

/* False when the analysis ends in an error, as it may: nothing of a PST is recognisable. */
bool pm_fuzz_file_open(struct pm_fuzz_file *f, const void *p, size_t n);
void pm_fuzz_file_close(struct pm_fuzz_file *f);
/* Errors that the check finds. Those beyond what repair can do anything about are no excuse. */
uint64_t pm_fuzz_file_check(struct pm_fuzz_file *f, uint64_t *ret_warnings, FILE *show);

#endif
