/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of lines; see tsv.h. */
#include "export/tsv.h"

static const char plain[] = "\t\n\r\\", letters[] = "tnr\\";

void pm_tsv_put(struct pm_ctx *ctx, struct pm_buf *out, const char *s)
{
	for (; s && *s; s++) {
		const char *special = strchr(plain, *s);

		if (special)
			pm_buf_byte(ctx, out, '\\');
		pm_buf_byte(ctx, out, special ? (uint8_t)letters[special - plain] : (uint8_t)*s);
	}
}

void pm_tsv_put_null(struct pm_ctx *ctx, struct pm_buf *out, const char *s)
{
	if (s)
		pm_tsv_put(ctx, out, s);
	else
		pm_buf_str(ctx, out, "\\N");
}

bool pm_tsv_take(char **at, const char **ret)
{
	char *from = *at, *to = from;

	if (!from)
		return false;
	*ret = from;
	if (strncmp(from, "\\N", 2) == 0 && (!from[2] || from[2] == '\t')) {
		*ret = NULL;
		from += 2;
	}
	for (; *from && *from != '\t'; from++) {
		const char *letter = *from == '\\' && from[1] ? strchr(letters, from[1]) : NULL;

		if (*from == '\\' && !letter)
			return false;
		from += letter ? 1 : 0;
		*to++ = letter ? plain[letter - letters] : *from;
	}
	*at = *from ? from + 1 : NULL;
	*to = '\0';
	return true;
}
