/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed RTF. The first byte is the limit in KiB; the rest is the stream. */
#include "fuzz.h"

#include "format/rtf_lz.h"

int pm_fuzz_rtf_lz(const uint8_t *p, size_t n)
{
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};
	const char *why = NULL;
	enum pm_rc rc;
	size_t limit;

	if (!n)
		return 0;
	limit = (size_t)p[0] << 10;
	rc = pm_rtf_lz_decode(&ctx, &out, (struct pm_span){p + 1, n - 1, 0}, limit, &why);
	pm_fuzz_result(&ctx, rc);
	must(rc != PM_OK || !why);
	must(rc == PM_OK || why);
	must(rc != PM_LOST || !out.n);
	must(out.n <= limit);
	pm_fuzz_touch(out.p, out.n);
	pm_buf_done(&out);
	return 0;
}
