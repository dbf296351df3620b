/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash map; see map.h. Linear probing over a table of 32-bit indices, at most 3/4 full;
 * deletion shifts back what follows, so there are no tombstones.
 */
#include "base/map.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { MAP_SLOTS_MIN = 16 };
#define MAP_MAX ((size_t)1 << 31)

static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	x ^= x >> 32;
	return x;
}

static size_t home(const struct pm_map *m, uint64_t key)
{
	return (size_t)(mix(mix(key ^ m->seed[0]) * (m->seed[1] | 1)) & (m->n_slot - 1));
}

/*
 * A map is right with any seed; a poor one only means that keys could be made up to slow it.
 * The system is asked once a thread, not for each of the many small maps.
 */
static void make_seed(struct pm_map *m)
{
	static __thread uint64_t state[2];

	if (!state[1] && getrandom(state, sizeof(state), GRND_NONBLOCK) != (ssize_t)sizeof(state)) {
		state[0] = (uint64_t)(uintptr_t)m;
		state[1] = (uint64_t)time(NULL); /* lint: time */
	}
	state[1] |= 1;
	for (size_t i = 0; i < 2; i++) {
		state[0] += state[1];
		m->seed[i] = mix(state[0]);
	}
}

/* The slot of key, or the free one where it would go. */
static size_t find_slot(const struct pm_map *m, uint64_t key)
{
	size_t i = home(m, key);

	while (m->slot[i] && m->v[m->slot[i] - 1].key != key)
		i = (i + 1) & (m->n_slot - 1);
	return i;
}

static enum pm_rc rehash(struct pm_ctx *ctx, struct pm_map *m, size_t n_slot)
{
	uint32_t *slot = pm_calloc(ctx, n_slot, sizeof(*slot));

	if (!slot)
		return PM_ENOMEM;
	if (!m->slot)
		make_seed(m);
	pm_free(m->slot);
	m->slot = slot;
	m->n_slot = n_slot;
	for (size_t i = 0; i < m->n; i++) {
		size_t at = home(m, m->v[i].key);

		while (slot[at])
			at = (at + 1) & (n_slot - 1);
		slot[at] = (uint32_t)i + 1;
	}
	return PM_OK;
}

enum pm_rc pm_map_reserve(struct pm_ctx *ctx, struct pm_map *m, size_t n)
{
	size_t n_slot = m->n_slot ? m->n_slot : MAP_SLOTS_MIN;

	if (n > MAP_MAX)
		return pm_fail(ctx, PM_ELIMIT,
			       "more than 2147483648 entries in one table; "
			       "the file is too large for this program");
	if (n > m->cap) {
		size_t cap = m->cap ? m->cap * 2 : MAP_SLOTS_MIN / 2;
		struct pm_map_entry *v;

		if (cap < n)
			cap = n;
		v = pm_realloc(ctx, m->v, cap, sizeof(*v));
		if (!v)
			return PM_ENOMEM;
		m->v = v;
		m->cap = cap;
	}
	while (n > n_slot / 4 * 3)
		n_slot *= 2;
	return n_slot == m->n_slot ? PM_OK : rehash(ctx, m, n_slot);
}

struct pm_map_entry *pm_map_find(const struct pm_map *m, uint64_t key)
{
	size_t at;

	if (m->n == 0)
		return NULL;
	at = find_slot(m, key);
	return m->slot[at] ? &m->v[m->slot[at] - 1] : NULL;
}

struct pm_map_entry *pm_map_get(struct pm_ctx *ctx, struct pm_map *m, uint64_t key, bool *ret_new)
{
	struct pm_map_entry *e = pm_map_find(m, key);

	if (!e && pm_map_reserve(ctx, m, m->n + 1))
		return NULL;
	if (ret_new)
		*ret_new = !e;
	if (!e) {
		m->slot[find_slot(m, key)] = (uint32_t)m->n + 1;
		e = &m->v[m->n++];
		*e = (struct pm_map_entry){key, 0};
	}
	return e;
}

enum pm_rc pm_map_put(struct pm_ctx *ctx, struct pm_map *m, uint64_t key, uint64_t value)
{
	struct pm_map_entry *e = pm_map_get(ctx, m, key, NULL);

	if (!e)
		return ctx->rc;
	e->value = value;
	return PM_OK;
}

bool pm_map_delete(struct pm_map *m, uint64_t key)
{
	size_t mask = m->n_slot - 1, hole, at, last;
	uint32_t gone;

	if (m->n == 0)
		return false;
	hole = find_slot(m, key);
	if (!m->slot[hole])
		return false;
	gone = m->slot[hole] - 1;
	last = m->n - 1;
	m->slot[find_slot(m, m->v[last].key)] = gone + 1; /* the last entry takes its place */
	for (at = (hole + 1) & mask; m->slot[at]; at = (at + 1) & mask) {
		/* v[last] still has the key of the one that moves, so homes can be found. */
		uint32_t i = m->slot[at] - 1;
		size_t h = home(m, m->v[i == gone ? last : i].key);

		if (((at - h) & mask) >= ((at - hole) & mask)) {
			m->slot[hole] = m->slot[at];
			hole = at;
		}
	}
	m->slot[hole] = 0;
	m->v[gone] = m->v[last];
	m->n = last;
	return true;
}

void pm_map_done(struct pm_map *m)
{
	pm_free(m->v);
	pm_free(m->slot);
	*m = (struct pm_map){0};
}
