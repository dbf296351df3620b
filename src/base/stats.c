/* SPDX-License-Identifier: Apache-2.0 */
/* What work cost; see stats.h. */
#include "base/stats.h"

#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double seconds(clockid_t clock)
{
	struct timespec t = {0};

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What happened since the last time is the present phase's. */
static void take(struct pm_ctx *ctx)
{
	struct pm_stats *s = ctx->stats;
	double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	struct rusage use = {0};

	if (s->at) {
		getrusage(RUSAGE_SELF, &use);
		s->at->wall += wall - s->wall;
		s->at->cpu += cpu - s->cpu;
		s->at->bytes += ctx->bytes_read - s->bytes;
		s->at->reads += ctx->reads - s->reads;
		s->at->peak = (uint64_t)use.ru_maxrss * 1024;
	}
	s->wall = wall;
	s->cpu = cpu;
	s->bytes = ctx->bytes_read;
	s->reads = ctx->reads;
}

void pm_stats_phase(struct pm_ctx *ctx, const char *name)
{
	struct pm_stats *s = ctx->stats;

	take(ctx);
	for (size_t i = 0; i < s->n; i++) {
		if (!strcmp(s->v[i].name, name) && !strcmp(s->v[i].group, s->group)) {
			s->at = &s->v[i];
			return;
		}
	}
	/* Where there are more, the last one has them all. */
	if (s->n < PM_PHASES_MAX)
		s->v[s->n++] = (struct pm_phase){.group = s->group, .name = name};
	s->at = &s->v[s->n - 1];
}

const char *pm_phase_group(struct pm_ctx *ctx, const char *group)
{
	const char *before = "";

	if (ctx->stats) {
		before = ctx->stats->group;
		ctx->stats->group = group;
	}
	return before;
}

void pm_stats_begin(struct pm_ctx *ctx, struct pm_stats *s)
{
	*s = (struct pm_stats){.group = ""};
	ctx->stats = s;
	pm_stats_phase(ctx, "begin");
}

void pm_stats_end(struct pm_ctx *ctx)
{
	take(ctx);
	ctx->stats = NULL;
}

struct pm_phase pm_stats_total(const struct pm_stats *s)
{
	struct pm_phase t = {.group = "", .name = "total"};

	for (size_t i = 0; i < s->n; i++) {
		t.wall += s->v[i].wall;
		t.cpu += s->v[i].cpu;
		t.bytes += s->v[i].bytes;
		t.reads += s->v[i].reads;
		if (s->v[i].peak > t.peak)
			t.peak = s->v[i].peak;
	}
	return t;
}
