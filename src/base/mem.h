/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: the only allocator of the library (so that a test can make the n-th request
 * fail), arenas, and growing typed arrays. A failed request is recorded on the context
 * as PM_ENOMEM and returns NULL.
 */
#ifndef PM_BASE_MEM_H
#define PM_BASE_MEM_H

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* Zeroed memory for `n` items of `size` bytes; overflow-checked. n*size may be 0. */
void *pm_calloc(struct pm_ctx *ctx, size_t n, size_t size);
void *pm_realloc(struct pm_ctx *ctx, void *p, size_t n, size_t size);
void pm_free(void *p);
char *pm_strdup(struct pm_ctx *ctx, const char *s);
char *pm_asprintf(struct pm_ctx *ctx, const char *fmt, ...) PM_PRINTF(2, 3);

/*
 * How much memory is to do, for all that grows with the file: 512 MiB unless it is set, which is done
 * before anything else. An array that would take more than a share of it, an eighth, lies in a
 * temporary file (large.h), and others that keep things in memory keep to a share.
 */
void pm_mem_set_budget(uint64_t bytes);
size_t pm_mem_share(void);
/* The most bytes that lay in temporary files at a time. */
uint64_t pm_mem_spilled(void);

/* Tests: fail the n-th request of this thread from now (1 = the next one), once; 0 switches it
 * off. */
void pm_mem_fail_at(uint64_t n);
/* Requests that this thread made so far. */
uint64_t pm_mem_count(void);

/* Many small objects that live and die together. {0} is an empty arena. */
struct pm_arena {
	struct pm_arena_chunk *chunk;
	size_t used, cap; /* of the current chunk */
	bool large;       /* much will be in it: no small chunk first */
};

void *pm_arena_alloc(struct pm_ctx *ctx, struct pm_arena *a, size_t size); /* zeroed */
void *pm_arena_dup(struct pm_ctx *ctx, struct pm_arena *a, const void *p, size_t n);
char *pm_arena_strdup(struct pm_ctx *ctx, struct pm_arena *a, const char *s);
void pm_arena_done(struct pm_arena *a); /* frees all; the arena is empty and usable again */

/*
 * A growing array: PM_VEC(struct foo) foos = {0}. pm_vec_push gives a zeroed new last
 * element, or NULL. Elements move when it grows.
 */
#define PM_VEC(type)                                                                               \
	struct {                                                                                   \
		type *v;                                                                           \
		size_t n, cap;                                                                     \
	}
#define pm_vec_push(ctx, vec)                                                                      \
	((__typeof__((vec)->v))pm_vec_push_((ctx), (void **)&(vec)->v, &(vec)->n, &(vec)->cap,     \
					    sizeof(*(vec)->v)))
/* pm_vec_reserve(ctx, vec, n): room for n in all, so that they are not moved as they come. PM_OK or
 * PM_ENOMEM. */
#define pm_vec_reserve(ctx, vec, want)                                                             \
	pm_vec_reserve_((ctx), (void **)&(vec)->v, &(vec)->cap, (want), sizeof(*(vec)->v))
/* Memory for no more than there is. */
#define pm_vec_shrink(vec)                                                                         \
	pm_vec_shrink_((void **)&(vec)->v, (vec)->n, &(vec)->cap, sizeof(*(vec)->v))
#define pm_vec_done(vec)                                                                           \
	do {                                                                                       \
		pm_free((vec)->v);                                                                 \
		(vec)->v = NULL;                                                                   \
		(vec)->n = (vec)->cap = 0;                                                         \
	} while (0)
void pm_vec_shrink_(void **v, size_t n, size_t *cap, size_t size);
enum pm_rc pm_vec_reserve_(struct pm_ctx *ctx, void **v, size_t *cap, size_t want, size_t size);

/* Here, since the size is known where it is called: millions of small elements come one by one. */
static inline void *pm_vec_push_(struct pm_ctx *ctx, void **v, size_t *n, size_t *cap, size_t size)
{
	unsigned char *slot;

	if (*n == *cap && pm_vec_reserve_(ctx, v, cap, *cap ? *cap * 2 : 16, size))
		return NULL;
	slot = (unsigned char *)*v + *n * size;
	memset(slot, 0, size);
	++*n;
	return slot;
}

#endif
