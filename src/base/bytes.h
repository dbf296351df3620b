/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Untrusted bytes: spans (a window on file bytes), little-endian access, a sticky cursor
 * for variable records, and a growing buffer with a stated maximum.
 */
#ifndef PM_BASE_BYTES_H
#define PM_BASE_BYTES_H

#include "base/mem.h"

#include <string.h>

/* A window on bytes of the file; `at` is the file offset of p[0] where that means anything. */
struct pm_span {
	const uint8_t *p;
	size_t n;
	uint64_t at;
};

static inline uint16_t pm_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t pm_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t pm_le64(const uint8_t *p)
{
	return (uint64_t)pm_le32(p) | (uint64_t)pm_le32(p + 4) << 32;
}

static inline void pm_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void pm_put32(uint8_t *p, uint32_t v)
{
	pm_put16(p, (uint16_t)v);
	pm_put16(p + 2, (uint16_t)(v >> 16));
}

static inline void pm_put64(uint8_t *p, uint64_t v)
{
	pm_put32(p, (uint32_t)v);
	pm_put32(p + 4, (uint32_t)(v >> 32));
}

/* x with byte k of it, 0 the lowest, replaced: what it may have been before one was hit. */
static inline uint64_t pm_with_byte(uint64_t x, unsigned k, unsigned byte)
{
	return (x & ~(UINT64_C(0xFF) << 8 * k)) | (uint64_t)byte << 8 * k;
}

/* The sub-span [off, off+len), if it lies inside `s`; no wrap-around. */
static inline bool pm_span_sub(struct pm_span s, uint64_t off, uint64_t len, struct pm_span *ret)
{
	if (off > s.n || len > s.n - off)
		return false;
	ret->p = s.p + off;
	ret->n = (size_t)len;
	ret->at = s.at + off;
	return true;
}

/* Reads of a variable record: read all, then test `bad` once. A read past the end gives 0. */
struct pm_cursor {
	struct pm_span s;
	size_t pos;
	bool bad;
};

static inline const uint8_t *pm_cursor_take(struct pm_cursor *c, uint64_t n)
{
	const uint8_t *p;

	if (c->bad || n > c->s.n - c->pos) {
		c->bad = true;
		return NULL;
	}
	p = c->s.p + c->pos;
	c->pos += (size_t)n;
	return p;
}

static inline uint8_t pm_cursor_u8(struct pm_cursor *c)
{
	const uint8_t *p = pm_cursor_take(c, 1);

	return p ? p[0] : 0;
}

static inline uint16_t pm_cursor_u16(struct pm_cursor *c)
{
	const uint8_t *p = pm_cursor_take(c, 2);

	return p ? pm_le16(p) : 0;
}

static inline uint32_t pm_cursor_u32(struct pm_cursor *c)
{
	const uint8_t *p = pm_cursor_take(c, 4);

	return p ? pm_le32(p) : 0;
}

static inline uint64_t pm_cursor_u64(struct pm_cursor *c)
{
	const uint8_t *p = pm_cursor_take(c, 8);

	return p ? pm_le64(p) : 0;
}

bool pm_is_zero(const void *p, size_t n);

/*
 * A growing buffer. `max` bounds it (0: no bound of its own). Appending past it, or out of
 * memory, records an error on ctx, sets `bad` and leaves the contents; later appends do nothing.
 */
struct pm_buf {
	uint8_t *p;
	size_t n, cap, max;
	bool bad;
};

void pm_buf_add(struct pm_ctx *ctx, struct pm_buf *b, const void *p, size_t n);
void pm_buf_byte(struct pm_ctx *ctx, struct pm_buf *b, uint8_t c);
void pm_buf_str(struct pm_ctx *ctx, struct pm_buf *b, const char *s);
void pm_buf_printf(struct pm_ctx *ctx, struct pm_buf *b, const char *fmt, ...) PM_PRINTF(3, 4);
void pm_buf_hex(struct pm_ctx *ctx, struct pm_buf *b, bool upper, const uint8_t *p, size_t n);
void pm_buf_zero(struct pm_ctx *ctx, struct pm_buf *b, size_t n); /* n zero bytes */
/* Room for n bytes at the end, counted in at once; NULL on failure. */
uint8_t *pm_buf_room(struct pm_ctx *ctx, struct pm_buf *b, size_t n);
/* The contents as a C string owned by the buffer (a NUL is put behind them); "" on failure. */
const char *pm_buf_cstr(struct pm_ctx *ctx, struct pm_buf *b);
void pm_buf_clear(struct pm_buf *b); /* keeps the memory */
void pm_buf_done(struct pm_buf *b);

static inline struct pm_span pm_buf_span(const struct pm_buf *b)
{
	return (struct pm_span){b->p, b->n, 0};
}

#endif
