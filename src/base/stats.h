/* SPDX-License-Identifier: Apache-2.0 */
/* What work cost, by phase: time, bytes read, memory. Only where somebody asked. */
#ifndef PM_BASE_STATS_H
#define PM_BASE_STATS_H

#include "base/error.h"

#define PM_PHASES_MAX 40

struct pm_phase {
	const char *group, *name; /* static; group "": none */
	double wall, cpu;         /* seconds; of processor time that of all threads */
	uint64_t bytes, reads;    /* read from files, calls for them */
	uint64_t peak;            /* bytes of resident memory, the most until its end */
};

struct pm_stats {
	struct pm_phase v[PM_PHASES_MAX]; /* in the order of their beginning */
	size_t n;
	/* private */
	const char *group;
	struct pm_phase *at;
	double wall, cpu;
	uint64_t bytes, reads;
};

/* From now on the work of `ctx` is counted into *s, which must outlive that. */
void pm_stats_begin(struct pm_ctx *ctx, struct pm_stats *s);
void pm_stats_end(struct pm_ctx *ctx);
struct pm_phase pm_stats_total(const struct pm_stats *s);

/* A phase begins, and the one before ends. One that comes again goes on. Nothing without stats. */
void pm_stats_phase(struct pm_ctx *ctx, const char *name);
static inline void pm_phase(struct pm_ctx *ctx, const char *name)
{
	if (ctx->stats)
		pm_stats_phase(ctx, name);
}
/* The phases from now on are of this group (static; "" none); returns the one before. */
const char *pm_phase_group(struct pm_ctx *ctx, const char *group);

#endif
