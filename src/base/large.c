/* SPDX-License-Identifier: Apache-2.0 */
/* Large arrays in temporary files; see large.h. */
#include "base/large.h"

#include "base/mem.h"
#include "base/nameless.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST = 64, SHARES = 8 };

#define BUDGET ((uint64_t)512 << 20)

static uint64_t budget = BUDGET;

/* There are few of them, and they live long. */
static struct {
	pthread_mutex_t lock;
	size_t n; /* read without the lock, too: 0 where none was ever made */
	uint64_t bytes, most;
	struct large {
		uint8_t *p;
		size_t bytes;
		int fd;
	} v[MOST];
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

void pm_mem_set_budget(uint64_t bytes)
{
	budget = bytes;
}

size_t pm_mem_share(void)
{
	return (size_t)(budget / SHARES);
}

uint64_t pm_mem_spilled(void)
{
	uint64_t most;

	pthread_mutex_lock(&all.lock);
	most = all.most;
	pthread_mutex_unlock(&all.lock);
	return most;
}

static void count(uint64_t less, uint64_t more)
{
	all.bytes += more - less;
	if (all.bytes > all.most)
		all.most = all.bytes;
}

/* Under the lock. */
static struct large *find(const void *p)
{
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i].p == p)
			return &all.v[i];
	return NULL;
}

void *pm_large_alloc(size_t bytes)
{
	struct large l = {.bytes = bytes, .fd = pm_nameless_open(pm_nameless_dir())};

	if (l.fd < 0)
		return NULL;
	/* Room that is not there would show when it is written to, as a signal. */
	if (posix_fallocate(l.fd, 0, (off_t)bytes))
		goto fail;
	l.p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, l.fd, 0);
	if (l.p == MAP_FAILED)
		goto fail;
	pthread_mutex_lock(&all.lock);
	if (all.n < MOST) {
		count(0, bytes);
		all.v[all.n] = l;
		__atomic_store_n(&all.n, all.n + 1, __ATOMIC_RELEASE);
		pthread_mutex_unlock(&all.lock);
		return l.p;
	}
	pthread_mutex_unlock(&all.lock);
	munmap(l.p, bytes);
fail:
	close(l.fd);
	return NULL;
}

bool pm_large_is(const void *p)
{
	bool yes;

	/* A mapping begins at a page; what malloc gives, behind its head, does not. */
	if ((uintptr_t)p % 4096 || !p || !__atomic_load_n(&all.n, __ATOMIC_ACQUIRE))
		return false;
	pthread_mutex_lock(&all.lock);
	yes = find(p);
	pthread_mutex_unlock(&all.lock);
	return yes;
}

size_t pm_large_size(const void *p)
{
	const struct large *l;
	size_t bytes;

	pthread_mutex_lock(&all.lock);
	l = find(p);
	bytes = l ? l->bytes : 0;
	pthread_mutex_unlock(&all.lock);
	return bytes;
}

void *pm_large_realloc(void *p, size_t bytes)
{
	struct large *l;
	void *to = NULL;

	pthread_mutex_lock(&all.lock);
	l = find(p);
	if (l && (bytes <= l->bytes ||
		  !posix_fallocate(l->fd, (off_t)l->bytes, (off_t)(bytes - l->bytes)))) {
		to = mremap(p, l->bytes, bytes, MREMAP_MAYMOVE);
		if (to == MAP_FAILED) {
			to = NULL;
		} else {
			count(l->bytes, bytes);
			l->p = to;
			l->bytes = bytes;
		}
	}
	pthread_mutex_unlock(&all.lock);
	return to;
}

void pm_large_free(void *p)
{
	struct large l = {.fd = -1}, *at;

	pthread_mutex_lock(&all.lock);
	at = find(p);
	if (at) {
		l = *at;
		count(l.bytes, 0);
		*at = all.v[all.n - 1];
		__atomic_store_n(&all.n, all.n - 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&all.lock);
	if (l.fd < 0)
		return;
	munmap(l.p, l.bytes);
	close(l.fd);
}
