/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the corruption tool. */
#include "value.h"

#include "words.h"

const char *const pm_value_verbs[] = {"zeroes",  "ones", "firstbit", "midbit",
				      "lastbit", "add",  "sub",      NULL};

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

bool pm_value_hex(struct pm_ctx *ctx, const char *text, struct pm_buf *out)
{
	if (strncmp(text, "hex:", 4) || !text[4])
		return false;
	for (text += 4; *text; text += 2) {
		int hi = hex_digit(text[0]), lo = hi < 0 ? -1 : hex_digit(text[1]);

		if (lo < 0)
			return false;
		pm_buf_byte(ctx, out, (uint8_t)(hi << 4 | lo));
	}
	return true;
}

/* splitmix64 */
void pm_noise(uint64_t seed, uint8_t *p, size_t n)
{
	uint64_t z = 0;

	if (!seed) {
		memset(p, 0, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (i % 8 == 0) {
			seed += 0x9E3779B97F4A7C15;
			z = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9;
			z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
			z ^= z >> 31;
		}
		p[i] = (uint8_t)(z >> i % 8 * 8);
	}
}

/* The new value of a number; false when the text is none of these forms. */
static bool number(const char *text, unsigned width, uint64_t old, uint64_t *ret)
{
	uint64_t v, mask = width == 8 ? UINT64_MAX : ((uint64_t)1 << width * 8) - 1;
	size_t n = strlen(text);
	char op = text[0];

	if (!strcmp(text, "firstbit"))
		v = old ^ ((uint64_t)1 << (width * 8 - 1));
	else if (!strcmp(text, "midbit"))
		v = old ^ ((uint64_t)1 << width * 4);
	else if (!strcmp(text, "lastbit"))
		v = old ^ 1;
	else if (!strcmp(text, "add"))
		v = old + 17;
	else if (!strcmp(text, "sub"))
		v = old - 17;
	else if ((op == '^' || op == '+' || op == '-') && pm_number(text + 1, n - 1, &v))
		v = op == '^' ? old ^ v : op == '+' ? old + v : old - v;
	else if (!pm_number(text, n, &v) || v > mask)
		return false;
	*ret = v & mask;
	return true;
}

static enum pm_rc apply_bytes(struct pm_whole *w, const struct pm_place *at, const char *text)
{
	struct pm_buf b = {0};
	enum pm_rc rc;

	if (!pm_value_hex(w->ctx, text, &b)) {
		b.n = 0;
		pm_buf_zero(w->ctx, &b, (size_t)pm_place_size(at));
		if (!b.bad && !strcmp(text, "ones"))
			memset(b.p, 0xFF, b.n);
	}
	rc = b.bad            ? w->ctx->rc
	     : b.n > at->room ? pm_fail(w->ctx, PM_EUSAGE, "the bytes reach beyond their place")
			      : pm_place_put(w, at, b.p, b.n);
	pm_buf_done(&b);
	return rc;
}

enum pm_rc pm_value_apply(struct pm_whole *w, const struct pm_place *at, const char *text)
{
	uint8_t p[8];
	uint64_t v;
	enum pm_rc rc;

	if (!strncmp(text, "hex:", 4) || !strcmp(text, "zeroes") || !strcmp(text, "ones"))
		return apply_bytes(w, at, text);
	rc = pm_place_get(w, at, p, at->width);
	if (rc)
		return rc;
	if (!number(text, at->width, pm_ft_get(p, at->width), &v))
		return pm_fail(w->ctx, PM_EUSAGE, "%s is no value for %u bytes", text, at->width);
	pm_ft_set(p, at->width, v);
	return pm_place_put(w, at, p, at->width);
}
