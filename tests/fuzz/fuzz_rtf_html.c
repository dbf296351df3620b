/* SPDX-License-Identifier: Apache-2.0 */
/* RTF to HTML and to text. The first byte is the limit in KiB. What comes out is UTF-8. */
#include "fuzz.h"

#include "base/text.h"
#include "export/rtf_html.h"

static void convert(const uint8_t *p, size_t n, size_t limit, bool html)
{
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};
	struct pm_rtf_info info = {0};
	enum pm_rc rc = html ? pm_rtf_to_html(&ctx, &out, p, n, limit, &info)
			     : pm_rtf_to_text(&ctx, &out, p, n, limit, &info);

	pm_fuzz_result(&ctx, rc);
	must(out.n <= limit);
	must(pm_utf8_valid(out.p, out.n));
	must(rc != PM_LOST || !out.n);
	must((rc == PM_OK) == !info.why);
	pm_buf_done(&out);
}

int pm_fuzz_rtf_html(const uint8_t *p, size_t n)
{
	size_t limit;

	if (!n)
		return 0;
	limit = (size_t)p[0] << 10;
	convert(p + 1, n - 1, limit, true);
	convert(p + 1, n - 1, limit, false);
	return 0;
}
