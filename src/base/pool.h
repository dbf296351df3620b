/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that share a piece of work and wait for each other at its end. What they find must not
 * depend on who did which part of it.
 */
#ifndef PM_BASE_POOL_H
#define PM_BASE_POOL_H

#include "base/error.h"

#define PM_POOL_MAX 16 /* threads: more of them wait for memory and disk */

#include <pthread.h>

/* Start a thread that no signal comes to: those are for the one that can be interrupted in order. False:
 * the system has none. */
bool pm_thread_start(pthread_t *ret, void *(*fn)(void *arg), void *arg);

struct pm_pool;

/* As many as ctx->jobs says, the caller among them; where the system gives fewer, fewer. NULL when
 * there would be one, or with PM_ENOMEM recorded. */
struct pm_pool *pm_pool_new(struct pm_ctx *ctx);
void pm_pool_free(struct pm_pool *p);               /* NULL is allowed */
unsigned int pm_pool_size(const struct pm_pool *p); /* at least 1, which NULL is */

/* Call fn(arg, k) in each thread, k from 0 (the caller's) on; back when all have returned. */
void pm_pool_run(struct pm_pool *p, void (*fn)(void *arg, unsigned int k), void *arg);

#endif
