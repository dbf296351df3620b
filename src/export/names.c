/* SPDX-License-Identifier: Apache-2.0 */
/* Safe names; see names.h. */
#include "export/names.h"

#include "base/text.h"
#include "export/gm.h"

/* So many of one name are told apart by underscores, more by numbers. */
enum { SIMPLE = 4 };

/* Does some file system, shell or file manager stumble over this character? */
static bool is_bad(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c < 0x80 && strchr("/\\:*?\"<>|", (int)c)) ||
	       c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
	       (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF || c >= 0xFFF0;
}

/* Names that Windows keeps for devices, whatever the case and the suffix. */
static bool is_device(const uint8_t *p, size_t n)
{
	static const char *const plain[] = {"con", "prn", "aux", "nul"};
	static const char *const ported[] = {"com", "lpt"};
	const uint8_t *dot = memchr(p, '.', n);
	size_t len = dot ? (size_t)(dot - p) : n;

	while (len && p[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < 4; i++)
		if (len == 3 && pm_ascii_ncasecmp(p, plain[i], 3) == 0)
			return true;
	for (size_t i = 0; i < 2; i++)
		if (len == 4 && pm_ascii_ncasecmp(p, ported[i], 3) == 0 && pm_ascii_isdigit(p[3]))
			return true;
	return false;
}

void pm_name_safe(struct pm_ctx *ctx, struct pm_buf *out, const void *text, size_t n, size_t max)
{
	struct pm_buf name = {0};
	const uint8_t *p = text;

	for (size_t i = 0, len; i < n; i += len) {
		uint32_t c;

		len = pm_utf8_next(p + i, n - i, &c);
		if (name.n + (c == PM_UNI_BAD ? 1 : len) > max - 1)
			break; /* a byte is left for a device's underscore */
		if (c == PM_UNI_BAD || is_bad(c))
			pm_buf_byte(ctx, &name, '_');
		else
			pm_buf_add(ctx, &name, p + i, len);
	}
	for (size_t i = name.n; i && (name.p[i - 1] == '.' || name.p[i - 1] == ' '); i--)
		name.p[i - 1] = '_';
	for (size_t i = 0; i < name.n && (name.p[i] == '.' || name.p[i] == ' '); i++)
		name.p[i] = '_';
	if (!name.n || is_device(name.p, name.n))
		pm_buf_byte(ctx, out, '_');
	if (name.n)
		pm_buf_add(ctx, out, name.p, name.n);
	pm_buf_done(&name);
}

/* FNV-1a. Two names of one hash only cost one of them its plain form. */
static uint64_t hash(const uint8_t *p, size_t n)
{
	uint64_t h = 0xCBF29CE484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001B3u;
	return h;
}

enum pm_rc pm_name_take(struct pm_ctx *ctx, struct pm_name_set *set, const char *name,
			struct pm_buf *out)
{
	struct pm_buf try = {0}, folded = {0};
	bool new = false;

	for (unsigned int k = 1; !new && !ctx->rc; k++) {
		pm_buf_clear(&try);
		pm_buf_clear(&folded);
		pm_buf_str(ctx, &try, name);
		if (k > SIMPLE)
			pm_buf_printf(ctx, &try, " (%u)", k);
		for (unsigned int i = 1; k <= SIMPLE && i < k; i++)
			pm_buf_byte(ctx, &try, '_');
		pm_gm_fold(ctx, pm_buf_cstr(ctx, &try), &folded);
		if (!ctx->rc)
			pm_map_get(ctx, &set->taken, hash(folded.p, folded.n), &new);
	}
	pm_buf_str(ctx, out, pm_buf_cstr(ctx, &try));
	pm_buf_done(&try);
	pm_buf_done(&folded);
	return ctx->rc;
}

void pm_name_set_done(struct pm_name_set *set)
{
	pm_map_done(&set->taken);
}
