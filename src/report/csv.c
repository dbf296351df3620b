/* SPDX-License-Identifier: Apache-2.0 */
/* CSV; see csv.h. */
#include "report/csv.h"

#include "base/text.h"

static bool is_formula(const char *s)
{
	return *s && strchr("=+-@\t\r", *s);
}

static void cell(struct pm_ctx *ctx, struct pm_buf *out, const char *s)
{
	struct pm_buf clean = {0};
	const char *text;
	bool quoted;

	pm_utf8_clean(ctx, &clean, s, strlen(s), NULL);
	text = pm_buf_cstr(ctx, &clean);
	quoted = text[strcspn(text, ",\"\r\n")];
	if (quoted)
		pm_buf_byte(ctx, out, '"');
	if (is_formula(text))
		pm_buf_byte(ctx, out, '\'');
	for (; *text; text++) {
		if (*text == '"')
			pm_buf_byte(ctx, out, '"');
		pm_buf_byte(ctx, out, (uint8_t)*text);
	}
	if (quoted)
		pm_buf_byte(ctx, out, '"');
	pm_buf_done(&clean);
}

void pm_csv_line(struct pm_ctx *ctx, struct pm_buf *out, const char *const *cells, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			pm_buf_byte(ctx, out, ',');
		if (cells[i])
			cell(ctx, out, cells[i]);
	}
	pm_buf_str(ctx, out, "\r\n");
}
