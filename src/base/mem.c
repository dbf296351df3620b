/* SPDX-License-Identifier: Apache-2.0 */
/* The allocator, arenas and growing arrays. */
#include "base/mem.h"

#include "base/large.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of each thread its own: one counter for all would be the line of memory that they all wait for. */
static __thread uint64_t requests, fail_at;

void pm_mem_fail_at(uint64_t n)
{
	fail_at = n ? requests + n : 0;
}

uint64_t pm_mem_count(void)
{
	return requests;
}

static bool refused(void)
{
	uint64_t n = ++requests;

	return fail_at && n == fail_at;
}

/* What is smaller is not worth a file. */
#define LARGE_MIN ((size_t)64 << 10)
#define PART      ((size_t)2 << 20)

void *pm_calloc(struct pm_ctx *ctx, size_t n, size_t size)
{
	size_t bytes;
	void *p = NULL;

	if (!refused() && !__builtin_mul_overflow(n, size, &bytes)) {
		if (bytes < pm_mem_share())
			p = calloc(bytes ? bytes : 1, 1);
		/* Also where memory is scarcer than was thought. */
		if (!p && bytes >= LARGE_MIN)
			p = pm_large_alloc(bytes);
		if (!p && bytes >= pm_mem_share())
			p = calloc(bytes, 1);
	}
	if (!p)
		pm_fail_oom(ctx);
	return p;
}

/* A part at a time, and what was copied is given back: both together would be twice as much. */
static void copy_out(uint8_t *to, uint8_t *old, size_t n)
{
	/* What is given back is whole pages: of what is no multiple, the system takes the rest as well. */
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t at = 0, k; at < n; at += k) {
		const uintptr_t from = ((uintptr_t)old + at + page - 1) / page * page;
		uintptr_t end;

		k = n - at < PART ? n - at : PART;
		memcpy(to + at, old + at, k);
		end = ((uintptr_t)old + at + k) / page * page;
		if (end > from)
			madvise((void *)from, end - from, MADV_DONTNEED);
	}
}

/* What grew beyond its share moves to a file. NULL: there is no room there. */
static void *move_out(void *old, size_t bytes)
{
	const size_t had = old ? malloc_usable_size(old) : 0;
	void *p = pm_large_alloc(bytes);

	if (p && had)
		copy_out(p, old, had < bytes ? had : bytes);
	if (p)
		free(old);
	return p;
}

/* The way back: there is no room for a larger file. */
static void *move_in(void *old, size_t bytes)
{
	const size_t had = pm_large_size(old);
	void *p = malloc(bytes);

	if (!p)
		return NULL;
	memcpy(p, old, had < bytes ? had : bytes);
	pm_large_free(old);
	return p;
}

void *pm_realloc(struct pm_ctx *ctx, void *old, size_t n, size_t size)
{
	size_t bytes;
	void *p = NULL;

	if (!__builtin_mul_overflow(n, size, &bytes) && !refused()) {
		bytes = bytes ? bytes : 1;
		if (pm_large_is(old)) {
			p = pm_large_realloc(old, bytes);
			p = p ? p : move_in(old, bytes);
		} else {
			if (bytes < pm_mem_share())
				p = realloc(old, bytes);
			if (!p && bytes >= LARGE_MIN)
				p = move_out(old, bytes);
			if (!p && bytes >= pm_mem_share())
				p = realloc(old, bytes);
		}
	}
	if (!p)
		pm_fail_oom(ctx);
	return p;
}

void pm_free(void *p)
{
	if (pm_large_is(p))
		pm_large_free(p);
	else
		free(p);
}

char *pm_strdup(struct pm_ctx *ctx, const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = pm_calloc(ctx, n, 1);

	if (p)
		memcpy(p, s, n);
	return p;
}

char *pm_asprintf(struct pm_ctx *ctx, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		pm_fail(ctx, PM_EBUG, "cannot format a text");
		return NULL;
	}
	p = pm_calloc(ctx, (size_t)n + 1, 1);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

struct pm_arena_chunk {
	struct pm_arena_chunk *next;
	_Alignas(16) unsigned char data[];
};

/* The first is small: most arenas are for a name or two of one recipient. */
#define CHUNK_MIN ((size_t)496)
#define CHUNK_MAX ((size_t)16384)

void *pm_arena_alloc(struct pm_ctx *ctx, struct pm_arena *a, size_t size)
{
	void *p;

	if (size > SIZE_MAX / 2) {
		pm_fail_oom(ctx);
		return NULL;
	}
	size = (size + 15) & ~(size_t)15;
	if (!a->chunk || size > a->cap - a->used) {
		size_t cap = a->large ? CHUNK_MAX : a->chunk ? 4 * a->cap : CHUNK_MIN;
		struct pm_arena_chunk *c;

		cap = cap > CHUNK_MAX ? CHUNK_MAX : cap;
		cap = cap < size ? size : cap;
		c = pm_calloc(ctx, 1, sizeof(*c) + cap);
		if (!c)
			return NULL;
		c->next = a->chunk;
		a->chunk = c;
		a->used = 0;
		a->cap = cap;
	}
	p = a->chunk->data + a->used;
	a->used += size;
	return p;
}

void *pm_arena_dup(struct pm_ctx *ctx, struct pm_arena *a, const void *p, size_t n)
{
	void *q = pm_arena_alloc(ctx, a, n);

	if (q && n)
		memcpy(q, p, n);
	return q;
}

char *pm_arena_strdup(struct pm_ctx *ctx, struct pm_arena *a, const char *s)
{
	return pm_arena_dup(ctx, a, s, strlen(s) + 1);
}

void pm_arena_done(struct pm_arena *a)
{
	while (a->chunk) {
		struct pm_arena_chunk *c = a->chunk;

		a->chunk = c->next;
		pm_free(c);
	}
	a->used = a->cap = 0;
}

void pm_vec_shrink_(void **v, size_t n, size_t *cap, size_t size)
{
	void *p = NULL;

	if (n == *cap)
		return;
	if (!n) {
		pm_free(*v);
	} else {
		p = pm_large_is(*v) ? pm_large_realloc(*v, n * size) : realloc(*v, n * size);
		if (!p)
			return;
	}
	*v = p;
	*cap = n;
}

enum pm_rc pm_vec_reserve_(struct pm_ctx *ctx, void **v, size_t *cap, size_t want, size_t size)
{
	void *p;

	if (want <= *cap)
		return PM_OK;
	p = pm_realloc(ctx, *v, want, size);
	if (!p)
		return PM_ENOMEM;
	*v = p;
	*cap = want;
	return PM_OK;
}
