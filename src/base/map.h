/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash map from uint64 to uint64. The hash is seeded at random in each map, so keys made
 * up in a file can't make it slow. Entries lie in an array in order of insertion (deleting
 * one moves the last into its place), so a walk gives the same order on every run:
 *	for (i = 0; i < map.n; i++) use(map.v[i].key, map.v[i].value);
 * At most 2^31 entries; then adding fails with PM_ELIMIT.
 */
#ifndef PM_BASE_MAP_H
#define PM_BASE_MAP_H

#include "base/mem.h"

struct pm_map_entry {
	uint64_t key, value;
};

/* {0} is an empty map. */
struct pm_map {
	struct pm_map_entry *v;
	size_t n, cap;
	uint32_t *slot; /* index + 1 into v, 0 when free; a power of two of them */
	size_t n_slot;
	uint64_t seed[2];
};

/* Room for n entries at once. PM_OK or an error. */
enum pm_rc pm_map_reserve(struct pm_ctx *ctx, struct pm_map *m, size_t n);

/* Insert or replace. PM_OK, or an error; then the map is unchanged. */
enum pm_rc pm_map_put(struct pm_ctx *ctx, struct pm_map *m, uint64_t key, uint64_t value);

/*
 * The entry of key, inserted with value 0 if it was not there (*ret_new tells, may be NULL);
 * NULL when out of memory. Valid until the map changes.
 */
struct pm_map_entry *pm_map_get(struct pm_ctx *ctx, struct pm_map *m, uint64_t key, bool *ret_new);

/* The entry of key, or NULL. Its value may be changed in place. */
struct pm_map_entry *pm_map_find(const struct pm_map *m, uint64_t key);

static inline bool pm_map_has(const struct pm_map *m, uint64_t key)
{
	return pm_map_find(m, key) != NULL;
}

bool pm_map_delete(struct pm_map *m, uint64_t key); /* false if it was not there */
void pm_map_done(struct pm_map *m);                 /* frees; empty and usable again */

#endif
