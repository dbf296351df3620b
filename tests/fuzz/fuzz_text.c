/* SPDX-License-Identifier: Apache-2.0 */
/* Text of any code page, UTF-16 and UTF-8, into one another. The first byte chooses the page. */
#include "fuzz.h"

#include "base/codepage.h"
#include "base/quote.h"
#include "base/text.h"

int pm_fuzz_text(const uint8_t *p, size_t n)
{
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0}, back = {0};
	uint64_t bad = 0;
	size_t pages = 0;
	enum pm_rc rc;

	if (!n)
		return 0;
	while (pm_cp_list(pages))
		pages++;
	rc = pm_cp_to_utf8(&ctx, &out, p[0] < pages ? pm_cp_list(p[0]) : p[0], p + 1, n - 1, &bad);
	pm_fuzz_result(&ctx, rc);
	must((rc == PM_OK) == !bad && pm_utf8_valid(out.p, out.n));
	/* what is valid goes through UTF-16 unchanged */
	must(pm_utf8_to_utf16(&ctx, &back, out.p, out.n, &bad) == PM_OK && !bad);
	out.n = 0;
	must(pm_utf16_to_utf8(&ctx, &out, back.p, back.n, &bad) == PM_OK && !bad);
	out.n = 0;
	rc = pm_utf16_to_utf8(&ctx, &out, p, n, &bad);
	must((rc == PM_OK) == !bad && pm_utf8_valid(out.p, out.n));
	out.n = 0;
	rc = pm_utf8_clean(&ctx, &out, p, n, &bad);
	must((rc == PM_OK) == !bad && pm_utf8_valid(out.p, out.n));
	must(bad == 0 || !pm_utf8_valid(p, n));
	out.n = 0;
	pm_text_printable(&ctx, &out, p, n);
	must(pm_utf8_valid(out.p, out.n));
	for (size_t i = 0; i < out.n; i++)
		must(out.p[i] >= 0x20 && out.p[i] != 0x7F);
	pm_cp_by_name((const char *)p, n);
	must(ctx.rc == PM_OK);
	pm_buf_done(&out);
	pm_buf_done(&back);
	return 0;
}
