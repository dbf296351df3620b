/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at files; see snapshot.h. */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* nftw has no argument for the caller. */
static struct {
	struct pm_snap *snap;
	size_t root; /* length of the path that the walk began with */
} walk;

/* FNV-1a over words and what is left: to see a change, not to resist anyone. */
static int digest(const char *path, uint64_t *ret)
{
	uint64_t h = 0xCBF29CE484222325, word;
	static uint8_t buf[1 << 16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0) {
		n = read(fd, buf, sizeof(buf));
		for (ssize_t i = 0; i < n; i += 8) {
			word = 0;
			memcpy(&word, buf + i, n - i < 8 ? (size_t)(n - i) : 8);
			h = (h ^ word) * 0x100000001B3;
			h ^= h >> 29;
		}
	}
	if (fd >= 0)
		close(fd);
	*ret = h;
	return n < 0 ? -1 : 0;
}

static int enter(const char *path, const struct stat *st, int type, struct FTW *at)
{
	struct pm_snap *s = walk.snap;
	struct pm_snap_entry e = {.dir = S_ISDIR(st->st_mode), .time = st->st_mtim};

	(void)type;
	if (!at->level && e.dir)
		return 0;
	if (!e.dir && digest(path, &e.digest))
		return -1;
	e.size = e.dir ? 0 : (uint64_t)st->st_size;
	e.path = strdup(path + walk.root);
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->v = realloc(s->v, s->cap * sizeof(*s->v));
	}
	if (!e.path || !s->v)
		return -1;
	s->v[s->n++] = e;
	return 0;
}

int pm_snap_take(const char *path, struct pm_snap *ret)
{
	*ret = (struct pm_snap){0};
	walk.snap = ret;
	walk.root = strlen(path);
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	return nftw(path, enter, 20, FTW_PHYS);
}

void pm_snap_done(struct pm_snap *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].path);
	free(s->v);
	*s = (struct pm_snap){0};
}

static int take_away(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	return at->level ? remove(path) : 0;
}

int pm_snap_empty(const char *dir)
{
	if (mkdir(dir, 0700) == 0)
		return 0;
	return errno == EEXIST ? nftw(dir, take_away, 20, FTW_DEPTH | FTW_PHYS) : -1;
}

static bool has(const struct pm_snap *s, const struct pm_snap_entry *e)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct pm_snap_entry *x = &s->v[i];

		if (!strcmp(x->path, e->path))
			return x->dir == e->dir && x->size == e->size && x->digest == e->digest;
	}
	return false;
}

static bool temporary(const struct pm_snap_entry *e)
{
	return strstr(e->path, ".pstmend-") != NULL;
}

static bool report(const struct pm_snap_entry *e)
{
	return !strcmp(e->path, "/report.json");
}

const char *pm_snap_extra(const struct pm_snap *a, const struct pm_snap *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!temporary(&a->v[i]) && !report(&a->v[i]) && !has(b, &a->v[i]))
			return a->v[i].path;
	return NULL;
}

const char *pm_snap_temporary(const struct pm_snap *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (temporary(&s->v[i]))
			return s->v[i].path;
	return NULL;
}

bool pm_snap_same_time(const struct pm_snap *a, const struct pm_snap *b)
{
	return a->n == b->n && !memcmp(&a->v[0].time, &b->v[0].time, sizeof(a->v[0].time));
}
