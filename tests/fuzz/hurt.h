/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structure-aware damage for the targets that take whole files. An input is a short program:
 * its first byte chooses a seed, then each eight bytes are one change: to a field of a page,
 * block, heap, property or table of that seed (checksums made right again, or not), or to the
 * file as a whole. A change of the seed's content changes what an input means, so what is to
 * be kept is kept as a recipe of pmhurt, which pm_hurt_trace prints.
 */
#ifndef PM_FUZZ_HURT_H
#define PM_FUZZ_HURT_H

#include "../tools/place.h"

#include "base/map.h"

#include <stdio.h>

#define PM_HURT_OP   8
#define PM_HURT_CATS 48

struct pm_hurt_cat {
	const char *name;
	PM_VEC(struct pm_place) spots;
};

struct pm_hurt_seed {
	struct pm_ctx ctx;
	char name[64];
	struct pm_whole w;  /* what is damaged */
	uint8_t *sound;     /* what it was */
	size_t n;           /* bytes of that */
	struct pm_block *b; /* blocks of the sound file */
	struct pm_hurt_cat cat[PM_HURT_CATS];
	unsigned n_cats;
	PM_VEC(uint64_t) known; /* ids and places that the file uses */
	struct pm_map seen;     /* data trees whose heap was looked at */
};

/* Names of the seeds that inputs choose from, NULL ends them. */
extern const char *const pm_hurt_seeds[];

/* The seed by number, opened once for all; ends the process when it can't be had. The
 * directory is $PM_FUZZ_SEEDS, else testdata/seeds. */
struct pm_hurt_seed *pm_hurt_open(unsigned i);
void pm_hurt_close_all(void);

/* Do what the program says to s->w; `trace` not NULL: print it as a recipe, too. */
void pm_hurt_run(struct pm_hurt_seed *s, const uint8_t *p, size_t n, FILE *trace);
/* The sound file again. */
void pm_hurt_undo(struct pm_hurt_seed *s);

/*
 * For targets: the bytes that the input means. It is a program; or, when it begins with a
 * header's magic, those bytes themselves. Valid until the next call.
 */
struct pm_span pm_hurt_bytes(const uint8_t *p, size_t n);
/* Bytes that are the same for the same `seed`, and a likely program. */
void pm_hurt_random(uint64_t seed, struct pm_ctx *ctx, struct pm_buf *out);
/* The file that a recipe (tests/README.md) makes; its line `seed NAME` names one of the seeds. */
enum pm_rc pm_hurt_recipe(struct pm_ctx *ctx, const char *name, const char *text,
			  struct pm_buf *out) PM_MUST_CHECK;

/* hurt_spots.c */
enum pm_rc pm_hurt_spots(struct pm_hurt_seed *s) PM_MUST_CHECK;

#endif
