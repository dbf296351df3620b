/* SPDX-License-Identifier: Apache-2.0 */
/* Progress on a terminal or a file descriptor; see progress.h. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DELAY  1.0 /* seconds before the first line: most files are done by then */
#define PERIOD 0.2

static struct {
	int fd;
	bool terminal, shown;
	const char *phase;
	double begin, last; /* of the phase; of the last line */
} state = {.fd = -1};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void pm_progress_start(int fd, bool show)
{
	state.fd = fd;
	state.terminal = fd < 0 && show && isatty(STDERR_FILENO);
}

void pm_progress_clear(void)
{
	if (state.shown)
		fputs("\r\033[K", stderr);
	state.shown = false;
	state.phase = NULL;
}

static void put(const char *s, size_t n)
{
	while (n > 0) {
		ssize_t w = write(state.fd, s, n);

		if (w <= 0) { /* whoever listened is gone; that must not stop the work */
			state.fd = -1;
			return;
		}
		s += w;
		n -= (size_t)w;
	}
}

static void tell_program(const char *phase, uint64_t done, uint64_t total)
{
	char s[128];

	snprintf(s, sizeof(s), "%.80s %llu %llu\n", phase, (unsigned long long)done,
		 (unsigned long long)total);
	put(s, strlen(s));
}

static void tell_person(const char *phase, uint64_t done, uint64_t total, double t)
{
	double took = t - state.begin, rate = (double)done / took;

	fprintf(stderr, "\r\033[K%s", phase);
	if (total)
		fprintf(stderr, " %3.0f%%", (double)done * 100.0 / (double)total);
	if (done && total >= 1000000)
		fprintf(stderr, "  %.1f M/s", rate / 1e6); /* bytes, as a rule */
	else if (done)
		fprintf(stderr, "  %.0f/s", rate);
	if (done && total > done) {
		double left = (double)(total - done) / rate;

		if (left < 86400.0 * 99)
			fprintf(stderr, "  %d:%02d left", (int)left / 60, (int)left % 60);
	}
	fflush(stderr);
	state.shown = true;
}

void pm_progress(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	double t;

	(void)arg;
	if (state.fd < 0 && !state.terminal)
		return;
	t = now();
	if (!state.phase || strcmp(state.phase, phase)) {
		state.phase = phase;
		state.begin = t;
		state.last = state.fd >= 0 ? t - PERIOD : t + DELAY - PERIOD;
	}
	if (t - state.last < PERIOD && !(state.fd >= 0 && done == total))
		return;
	state.last = t;
	if (state.fd >= 0)
		tell_program(phase, done, total);
	else if (t > state.begin)
		tell_person(phase, done, total, t);
}
