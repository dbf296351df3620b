/* SPDX-License-Identifier: Apache-2.0 */
/* Growing buffers. */
#include "base/bytes.h"

#include <stdio.h>

bool pm_is_zero(const void *ptr, size_t n)
{
	const uint8_t *p = ptr;

	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* Room for n bytes more, and for `nul` behind them that don't count towards the limit. */
static bool reserve(struct pm_ctx *ctx, struct pm_buf *b, size_t n, size_t nul)
{
	size_t need, cap = b->cap ? b->cap : 64;
	uint8_t *p;

	if (b->bad)
		return false;
	if (__builtin_add_overflow(b->n, n, &need) || (b->max && need > b->max)) {
		pm_fail(ctx, PM_ELIMIT, "a buffer would grow over its limit of %zu bytes", b->max);
		b->bad = true;
		return false;
	}
	if (__builtin_add_overflow(need, nul, &need)) {
		pm_fail_oom(ctx);
		b->bad = true;
		return false;
	}
	if (b->p && need <= b->cap)
		return true;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	p = pm_realloc(ctx, b->p, cap, 1);
	if (!p) {
		b->bad = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

uint8_t *pm_buf_room(struct pm_ctx *ctx, struct pm_buf *b, size_t n)
{
	uint8_t *p;

	if (!reserve(ctx, b, n, 0))
		return NULL;
	p = b->p + b->n;
	b->n += n;
	return p;
}

void pm_buf_add(struct pm_ctx *ctx, struct pm_buf *b, const void *p, size_t n)
{
	uint8_t *q = n ? pm_buf_room(ctx, b, n) : NULL;

	if (q)
		memcpy(q, p, n);
}

void pm_buf_byte(struct pm_ctx *ctx, struct pm_buf *b, uint8_t c)
{
	pm_buf_add(ctx, b, &c, 1);
}

void pm_buf_str(struct pm_ctx *ctx, struct pm_buf *b, const char *s)
{
	pm_buf_add(ctx, b, s, strlen(s));
}

void pm_buf_hex(struct pm_ctx *ctx, struct pm_buf *b, bool upper, const uint8_t *p, size_t n)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	uint8_t *q = n ? pm_buf_room(ctx, b, 2 * n) : NULL;

	for (size_t i = 0; q && i < n; i++) {
		q[2 * i] = (uint8_t)digits[p[i] >> 4];
		q[2 * i + 1] = (uint8_t)digits[p[i] & 15];
	}
}

void pm_buf_zero(struct pm_ctx *ctx, struct pm_buf *b, size_t n)
{
	uint8_t *q = n ? pm_buf_room(ctx, b, n) : NULL;

	if (q)
		memset(q, 0, n);
}

void pm_buf_printf(struct pm_ctx *ctx, struct pm_buf *b, const char *fmt, ...)
{
	char most[256]; /* of what is put into buffers is shorter */
	va_list ap;
	uint8_t *q;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(most, sizeof(most), fmt, ap);
	va_end(ap);
	if (n < 0 || !reserve(ctx, b, (size_t)n, 1))
		return;
	if ((size_t)n < sizeof(most)) {
		memcpy(b->p + b->n, most, (size_t)n + 1);
		b->n += (size_t)n;
		return;
	}
	q = b->p + b->n;
	va_start(ap, fmt);
	vsnprintf((char *)q, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

const char *pm_buf_cstr(struct pm_ctx *ctx, struct pm_buf *b)
{
	if (!reserve(ctx, b, 0, 1))
		return "";
	b->p[b->n] = 0;
	return (const char *)b->p;
}

void pm_buf_clear(struct pm_buf *b)
{
	b->n = 0;
	b->bad = false;
}

void pm_buf_done(struct pm_buf *b)
{
	pm_free(b->p);
	b->p = NULL;
	b->n = b->cap = 0;
}
