/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of the model, and generated content. */
#include "mk.h"

#include "base/text.h"

#include <stdio.h>

/* Code page 1252 has the characters up to U+00FF where they are, but for 0x80 to 0x9F. */
static void to_1252(uint8_t *out, size_t *n, const char *s)
{
	size_t len = strlen(s);

	*n = 0;
	for (size_t i = 0; i < len;) {
		uint32_t c;

		i += pm_utf8_next((const uint8_t *)s + i, len - i, &c);
		out[(*n)++] = c < 0x80 || (c >= 0xA0 && c < 0x100) ? (uint8_t)c
			      : c == 0x20AC                        ? 0x80
								   : '?';
	}
}

enum pm_rc pm_mk_text(struct pm_mk *mk, const char *s, struct pm_mk_bytes *ret)
{
	size_t n = strlen(s);
	struct pm_buf b = {0};
	uint8_t *p;

	*ret = (struct pm_mk_bytes){0};
	if (mk->fmt->variant == PM_ANSI) {
		p = pm_arena_alloc(mk->ctx, &mk->arena, n + 1);
		if (p)
			to_1252(p, &ret->n, s);
	} else {
		if (pm_is_error(pm_utf8_to_utf16(mk->ctx, &b, s, n, NULL)))
			return mk->ctx->rc;
		ret->n = b.n;
		p = pm_arena_dup(mk->ctx, &mk->arena, b.p ? b.p : (const uint8_t *)"", b.n);
		pm_buf_done(&b);
	}
	ret->p = p;
	return p ? PM_OK : mk->ctx->rc;
}

const struct pm_mk_prop *pm_mk_find(const struct pm_mk_props *props, uint16_t id)
{
	for (size_t i = 0; i < props->v.n; i++)
		if (props->v.v[i].tag >> 16 == id)
			return &props->v.v[i];
	return NULL;
}

enum pm_rc pm_mk_put(struct pm_mk *mk, struct pm_mk_props *props, uint32_t tag, const void *p,
		     size_t n)
{
	struct pm_mk_prop *at = NULL;

	for (size_t i = 0; i < props->v.n && !at; i++)
		if (props->v.v[i].tag >> 16 == tag >> 16)
			at = &props->v.v[i];
	if (!at)
		at = pm_vec_push(mk->ctx, &props->v);
	if (!at)
		return mk->ctx->rc;
	at->tag = tag;
	at->v = (struct pm_mk_bytes){.p = p, .n = n};
	return PM_OK;
}

static enum pm_rc put_number(struct pm_mk *mk, struct pm_mk_props *props, uint32_t tag, uint64_t v,
			     size_t n)
{
	uint8_t *p = pm_arena_alloc(mk->ctx, &mk->arena, 8);

	if (!p)
		return mk->ctx->rc;
	pm_put64(p, v);
	return pm_mk_put(mk, props, tag, p, n);
}

enum pm_rc pm_mk_put_u32(struct pm_mk *mk, struct pm_mk_props *props, uint32_t tag, uint32_t v)
{
	return put_number(mk, props, tag, v,
			  (tag & 0xFFFF) == PM_PT_BOOL ? 1
			  : (tag & 0xFFFF) == PM_PT_I2 ? 2
						       : 4);
}

enum pm_rc pm_mk_put_u64(struct pm_mk *mk, struct pm_mk_props *props, uint32_t tag, uint64_t v)
{
	return put_number(mk, props, tag, v, 8);
}

enum pm_rc pm_mk_put_text(struct pm_mk *mk, struct pm_mk_props *props, uint16_t id, const char *s)
{
	struct pm_mk_bytes v;
	enum pm_rc rc = pm_mk_text(mk, s, &v);

	return rc ? rc : pm_mk_put(mk, props, (uint32_t)id << 16 | mk->fmt->string_type, v.p, v.n);
}
