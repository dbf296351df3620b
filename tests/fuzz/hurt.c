/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of damage: running them, printing them as recipes, making some up. */
#include "hurt.h"

#include "../tools/recipe.h"
#include "../tools/value.h"
#include "../tools/words.h"
#include "fuzz.h"

#include "io/memory.h"

const char *const pm_hurt_seeds[] = {"tiny-unicode", "tiny-ansi",  "tiny-4k",       "tiny-zlib",
				     "stale",        "ansi-small", "unicode-small", "deep-tree",
				     "wide-tree",    NULL};

#define SEEDS_MAX 16
#define OPS_MAX   32
#define GROW_MAX  ((size_t)1 << 21) /* that a file gets longer */

static struct pm_hurt_seed *open_seeds[SEEDS_MAX];

static void die(const char *what, const char *why)
{
	fprintf(stderr, "fuzz: %s: %s\n", what, why);
	exit(2);
}

struct pm_hurt_seed *pm_hurt_open(unsigned i)
{
	const char *dir = getenv("PM_FUZZ_SEEDS");
	struct pm_hurt_seed *s = open_seeds[i];
	char path[512];

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		die(pm_hurt_seeds[i], "out of memory");
	snprintf(s->name, sizeof(s->name), "%s", pm_hurt_seeds[i]);
	snprintf(path, sizeof(path), "%s/%s.pst", dir ? dir : "testdata/seeds", s->name);
	if (pm_whole_open(&s->ctx, path, &s->w) || pm_hurt_spots(s))
		die(path, s->ctx.text);
	s->n = s->w.n;
	s->sound = pm_calloc(&s->ctx, s->n, 1);
	s->b = pm_calloc(&s->ctx, s->w.db.blocks.n, sizeof(*s->b));
	if (!s->sound || !s->b)
		die(path, s->ctx.text);
	memcpy(s->sound, s->w.p, s->n);
	memcpy(s->b, s->w.db.blocks.v, s->w.db.blocks.n * sizeof(*s->b));
	open_seeds[i] = s;
	return s;
}

void pm_hurt_close_all(void)
{
	for (unsigned i = 0; i < SEEDS_MAX; i++) {
		struct pm_hurt_seed *s = open_seeds[i];

		if (!s)
			continue;
		open_seeds[i] = NULL;
		for (unsigned c = 0; c < s->n_cats; c++)
			pm_vec_done(&s->cat[c].spots);
		pm_vec_done(&s->known);
		pm_map_done(&s->seen);
		pm_free(s->sound);
		pm_free(s->b);
		pm_whole_close(&s->w);
		free(s);
	}
}

void pm_hurt_undo(struct pm_hurt_seed *s)
{
	if (s->w.n != s->n && pm_whole_resize(&s->w, s->n))
		die(s->name, s->ctx.text);
	memcpy(s->w.p, s->sound, s->n);
	memcpy(s->w.db.blocks.v, s->b, s->w.db.blocks.n * sizeof(*s->b));
	s->w.walked = true;
	pm_image_close(s->w.img);
	s->w.img = NULL;
	s->ctx = (struct pm_ctx){0};
	if (pm_image_open_memory(&s->ctx, s->w.p, s->w.n, &s->w.img))
		die(s->name, s->ctx.text);
	s->w.db.img = s->w.img;
}

/* ---- as a recipe ---- */

static void address(const struct pm_hurt_seed *s, const struct pm_place *at, bool whole, char *buf,
		    size_t n)
{
	const struct pm_format *f = s->w.fmt;
	char tail[64] = "";
	unsigned k = 0;

	if (!whole)
		snprintf(tail, sizeof(tail), ".%s[%llu]",
			 at->kind == PM_IN_BLOCK && !at->content ? "stored" : "data",
			 (unsigned long long)(at->content ? at->off : at->off - at->ib));
	if (at->kind == PM_IN_BLOCK) {
		snprintf(buf, n, "block[0x%llx]%s", (unsigned long long)at->block->bid, tail);
		return;
	}
	if (at->kind == PM_IN_PAGE) {
		for (size_t i = 0; i < s->w.pages.n; i++) {
			const struct pm_seed_page *page = &s->w.pages.v[i];

			if (page->ib != at->ib)
				continue;
			for (size_t j = 0; j < i; j++)
				k += s->w.pages.v[j].ptype == page->ptype &&
				     s->w.pages.v[j].level == page->level;
			snprintf(buf, n, "%s.level%u[%u]%s",
				 page->ptype == PM_PTYPE_BBT ? "bbt" : "nbt", page->level, k, tail);
			return;
		}
		if (at->ib == f->dlist) {
			snprintf(buf, n, "dlist%s", tail);
			return;
		}
		if (pm_map_page_at(f, pm_amap_index(f, at->ib), 0) == PM_PTYPE_AMAP &&
		    at->ib == pm_amap_offset(f, pm_amap_index(f, at->ib))) {
			snprintf(buf, n, "amap[%llu]%s",
				 (unsigned long long)pm_amap_index(f, at->ib), tail);
			return;
		}
	}
	if (at->kind == PM_IN_HEADER && whole)
		snprintf(buf, n, "header");
	else
		snprintf(buf, n, "@0x%llx", (unsigned long long)at->off);
}

static void trace_put(const struct pm_hurt_seed *s, const struct pm_place *at, const uint8_t *p,
		      FILE *trace)
{
	char where[160];

	if (!trace)
		return;
	address(s, at, false, where, sizeof(where));
	fprintf(trace, "set %s hex:", where);
	for (uint64_t i = 0; i < pm_place_size(at); i++)
		fprintf(trace, "%02X", p[i]);
	fprintf(trace, "\n");
}

/* ---- running ---- */

struct op {
	unsigned verb, fix;
	struct pm_place at;
	uint32_t arg;
};

static struct pm_place spot(const struct pm_hurt_seed *s, unsigned cat, unsigned i)
{
	const struct pm_hurt_cat *c = &s->cat[cat % s->n_cats];

	return c->spots.v[i % c->spots.n];
}

/* A run of bytes is hit somewhere in it. */
static void narrow(struct pm_place *at, uint32_t arg)
{
	uint64_t i;

	if (at->count <= 1)
		return;
	i = (arg >> 8) % at->count;
	at->off += i * at->width;
	at->room -= i * at->width;
	at->count = 1;
	if (at->width == 1 && at->room >= 4 && arg & 0x80)
		at->width = arg & 0x40 ? 4 : 2;
}

static const uint64_t interesting[] = {0,
				       1,
				       2,
				       3,
				       4,
				       7,
				       8,
				       0x10,
				       0x1F,
				       0x20,
				       0x7F,
				       0x80,
				       0xFF,
				       0x100,
				       0x1FF,
				       0x200,
				       0x3FFF,
				       0x4000,
				       0x4400,
				       0x7FFF,
				       0x8000,
				       0xFFFE,
				       0xFFFF,
				       0x10000,
				       0x200024,
				       0x7FFFFFFF,
				       0x80000000,
				       0xFFFFFFFC,
				       0xFFFFFFFF,
				       0x100000000,
				       0x7FFFFFFFFFFFFFFF,
				       0x8000000000000000,
				       0xFFFFFFFFFFFFFFFC,
				       0xFFFFFFFFFFFFFFFF};

static void put_number(struct pm_hurt_seed *s, const struct pm_place *at, uint64_t v, FILE *trace)
{
	uint8_t p[8];

	pm_ft_set(p, at->width, v);
	if (pm_place_put(&s->w, at, p, at->width) == PM_OK)
		trace_put(s, at, p, trace);
	s->ctx = (struct pm_ctx){0};
}

static uint64_t get_number(struct pm_hurt_seed *s, const struct pm_place *at)
{
	uint8_t p[8] = {0};
	enum pm_rc rc = pm_place_get(&s->w, at, p, at->width);

	s->ctx = (struct pm_ctx){0};
	return rc ? 0 : pm_ft_get(p, at->width);
}

static void put_bytes(struct pm_hurt_seed *s, struct pm_place at, uint32_t n, uint64_t noise,
		      FILE *trace)
{
	uint8_t p[4096];

	if (n > at.room)
		n = (uint32_t)at.room;
	pm_noise(noise, p, n);
	at.width = 1;
	at.count = n;
	if (n && pm_place_put(&s->w, &at, p, n) == PM_OK)
		trace_put(s, &at, p, trace);
	s->ctx = (struct pm_ctx){0};
}

/* One block's content over another's, as much as fits; or one page's bytes over another's. */
static void copy_whole(struct pm_hurt_seed *s, struct pm_place to, struct pm_place from,
		       FILE *trace)
{
	static uint8_t p[65536];
	uint64_t n;

	if (to.kind != from.kind || to.content != from.content)
		return;
	if (to.content)
		to.off = from.off = 0;
	else
		to.off = to.ib, from.off = from.ib;
	to.width = 1;
	to.count = to.content ? to.block->cb_inflated : to.kind == PM_IN_PAGE ? s->w.fmt->page : 0;
	n = from.content ? from.block->cb_inflated : from.kind == PM_IN_PAGE ? s->w.fmt->page : 0;
	if (n < to.count)
		to.count = n;
	if (!to.count || pm_place_get(&s->w, &from, p, to.count) != PM_OK ||
	    pm_place_put(&s->w, &to, p, to.count) != PM_OK) {
		s->ctx = (struct pm_ctx){0};
		return;
	}
	trace_put(s, &to, p, trace);
}

/* The file as a whole; names mean nothing afterwards. */
static void change_file(struct pm_hurt_seed *s, unsigned what, uint32_t arg, FILE *trace)
{
	uint64_t at = (uint64_t)(arg >> 8) * 64 % (s->w.n + 1);
	size_t n = ((arg & 0xFF) + 1) * (what & 1 ? 512 : 7);

	if (what == 0 || what == 1) {
		if (at < 600)
			return;
		if (pm_whole_resize(&s->w, at) == PM_OK && trace)
			fprintf(trace, "truncate %llu\n", (unsigned long long)at);
	} else if (what == 2 || what == 3) {
		n = n > s->w.n - at ? s->w.n - at : n;
		memset(s->w.p + at, 0, n);
		if (trace && n)
			fprintf(trace, "zero @%llu %zu\n", (unsigned long long)at, n);
	} else if (what == 4 || what == 5) {
		n = n > s->w.n - at ? s->w.n - at : n;
		if (s->w.n - n < 600)
			return;
		memmove(s->w.p + at, s->w.p + at + n, s->w.n - at - n);
		if (pm_whole_resize(&s->w, s->w.n - n) == PM_OK && trace)
			fprintf(trace, "remove %llu %zu\n", (unsigned long long)at, n);
	} else {
		size_t old = s->w.n;

		if (old + n > s->n + GROW_MAX || pm_whole_resize(&s->w, old + n))
			return;
		memmove(s->w.p + at + n, s->w.p + at, old - at);
		pm_noise(arg, s->w.p + at, n);
		if (trace)
			fprintf(trace, "insert %llu %zu %u\n", (unsigned long long)at, n, arg);
	}
}

static void run_op(struct pm_hurt_seed *s, struct op *op, FILE *trace)
{
	static const size_t n_interesting = sizeof(interesting) / sizeof(interesting[0]);
	uint64_t old;

	if (op->verb >= 9) {
		copy_whole(s, op->at, spot(s, op->arg & 0xFF, op->arg >> 8), trace);
		return;
	}
	if (op->verb >= 7) {
		narrow(&op->at, op->arg);
		put_bytes(s, op->at, (op->arg & 0x3F) * (op->arg & 1 ? 64 : 1) + 1,
			  op->verb == 7 ? 0 : op->arg, trace);
		return;
	}
	narrow(&op->at, op->arg);
	old = get_number(s, &op->at);
	switch (op->verb) {
	case 0:
		put_number(s, &op->at, op->arg, trace);
		break;
	case 1:
		put_number(s, &op->at, interesting[op->arg % n_interesting], trace);
		break;
	case 2:
		put_number(s, &op->at, old ^ (uint64_t)1 << op->arg % (op->at.width * 8), trace);
		break;
	case 3:
		put_number(s, &op->at, old + (uint64_t)(int64_t)(int8_t)op->arg, trace);
		break;
	case 4: {
		struct pm_place from = spot(s, op->arg & 0xFF, op->arg >> 8);

		narrow(&from, op->arg);
		put_number(s, &op->at, get_number(s, &from), trace);
		break;
	}
	default:
		put_number(s, &op->at, s->known.v[op->arg % s->known.n], trace);
		break;
	}
}

/* Checksums last, when all is in place. */
static void run_fix(struct pm_hurt_seed *s, const struct op *op, FILE *trace)
{
	char where[160];
	unsigned what = op->fix == 2 ? PM_FIX_CRC | PM_FIX_SIG : PM_FIX_CRC;

	if (op->fix == 3 || pm_place_fix(&s->w, &op->at, what) != PM_OK) {
		s->ctx = (struct pm_ctx){0};
		return;
	}
	if (!trace)
		return;
	address(s, &op->at, true, where, sizeof(where));
	fprintf(trace, "fix %s crc%s\n", where, op->fix == 2 ? " sig" : "");
}

void pm_hurt_run(struct pm_hurt_seed *s, const uint8_t *p, size_t n, FILE *trace)
{
	struct op ops[OPS_MAX];
	size_t count = n / PM_HURT_OP < OPS_MAX ? n / PM_HURT_OP : OPS_MAX;

	if (trace)
		fprintf(trace, "seed %s\n", s->name);
	for (size_t i = 0; i < count; i++, p += PM_HURT_OP) {
		ops[i] = (struct op){.verb = (p[0] & 0x0F) % 11, .fix = p[0] >> 4 & 3};
		ops[i].at = spot(s, p[1], pm_le16(p + 2));
		ops[i].arg = pm_le32(p + 4);
		if (ops[i].verb < 10)
			run_op(s, &ops[i], trace);
	}
	for (size_t i = 0; i < count; i++)
		if (ops[i].verb < 10)
			run_fix(s, &ops[i], trace);
	for (size_t i = 0; i < count; i++)
		if (ops[i].verb == 10)
			change_file(s, ops[i].fix << 1 | (ops[i].arg & 1), ops[i].arg, trace);
}

/* ---- for targets ---- */

struct pm_span pm_hurt_bytes(const uint8_t *p, size_t n)
{
	static struct pm_hurt_seed *last;
	unsigned n_seeds = 0;

	if (last)
		pm_hurt_undo(last);
	if (!n || (n > 600 && pm_le32(p) == 0x4E444221))
		return (struct pm_span){p, n, 0};
	while (pm_hurt_seeds[n_seeds])
		n_seeds++;
	last = pm_hurt_open(p[0] % n_seeds);
	pm_hurt_run(last, p + 1, n - 1, NULL);
	return (struct pm_span){last->w.p, last->w.n, 0};
}

void pm_hurt_random(uint64_t seed, struct pm_ctx *ctx, struct pm_buf *out)
{
	uint8_t p[1 + PM_HURT_OP * 8];
	size_t n;

	pm_noise(seed * 2 + 1, p, sizeof(p));
	n = 1 + PM_HURT_OP * (1 + (seed >> 3) % 8);
	pm_buf_add(ctx, out, p, n);
}

/* The word after `seed` on a line of its own. */
static bool seed_name(const char *text, char *buf, size_t n)
{
	const char *p = strstr(text, "seed ");

	if (!p || (p != text && p[-1] != '\n'))
		return false;
	p += 5;
	snprintf(buf, n, "%.*s", (int)strcspn(p, " \r\n"), p);
	return true;
}

enum pm_rc pm_hurt_recipe(struct pm_ctx *ctx, const char *name, const char *text,
			  struct pm_buf *out)
{
	const char *dir = getenv("PM_FUZZ_SEEDS");
	struct pm_whole w = {0};
	char seed[64], path[512];
	enum pm_rc rc;

	if (!seed_name(text, seed, sizeof(seed)))
		return pm_fail(ctx, PM_EUSAGE, "%s: a line `seed NAME` is wanted", name);
	snprintf(path, sizeof(path), "%s/%s.pst", dir ? dir : "testdata/seeds", seed);
	rc = pm_whole_open(ctx, path, &w);
	if (rc == PM_OK)
		rc = pm_recipe_run(&w, name, text);
	if (rc == PM_OK)
		pm_buf_add(ctx, out, w.p, w.n);
	pm_whole_close(&w);
	return ctx->rc;
}
