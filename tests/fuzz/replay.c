/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs stored inputs through fuzz targets, without libFuzzer: each in a heap buffer of exactly
 * its size.
 *
 *	replay DIR		all files of DIR/TARGET/ (DIR/whole/ for targets that take whole files);
 *				TAP, a test a target
 *	replay TARGET FILE...	these; *.recipe are recipes of pmhurt (whole files only)
 *	replay --random TARGET FIRST COUNT [SECONDS]
 *				made-up programs of damage of these numbers (whole files only)
 *	replay --print FILE|NUMBER	the program in a file, or of a number, as a recipe
 *	replay --corpus DIR	writes inputs to begin with, made of the seeds: DIR/TARGET/NAME
 */
#include "hurt.h"

#include "../tools/words.h"
#include "fuzz.h"

#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

struct target {
	const char *name;
	int (*run)(const uint8_t *p, size_t n);
};

static const struct target targets[] = {
#define TARGET(name) {#name, pm_fuzz_##name},
	PM_FUZZ_TARGETS(TARGET)
#undef TARGET
		{NULL, NULL}};

static void die(const struct pm_ctx *ctx)
{
	fprintf(stderr, "replay: %s\n", ctx->text);
	exit(2);
}

static const struct target *target(const char *name)
{
	for (const struct target *t = targets; t->name; t++)
		if (!strcmp(t->name, name))
			return t;
	fprintf(stderr, "replay: no such target: %s\n", name);
	exit(2);
}

static void run_bytes(const struct target *t, const void *p, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);

	must(exact);
	if (n)
		memcpy(exact, p, n);
	t->run(exact, n);
	free(exact);
}

/* The bytes of a file; of a recipe, the file that it makes. */
static void load(const char *path, struct pm_buf *out)
{
	struct pm_ctx ctx = {0};
	size_t n = strlen(path);
	bool recipe = n > 7 && !strcmp(path + n - 7, ".recipe");
	FILE *f = fopen(path, "rb");
	char buf[4096];
	struct pm_buf text = {0};

	if (!f) {
		perror(path);
		exit(2);
	}
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		pm_buf_add(&ctx, recipe ? &text : out, buf, n);
	fclose(f);
	if (recipe && pm_hurt_recipe(&ctx, path, pm_buf_cstr(&ctx, &text), out))
		die(&ctx);
	pm_buf_done(&text);
}

static void run_file(const struct target *t, const char *path)
{
	struct pm_buf b = {0};

	load(path, &b);
	run_bytes(t, b.p, b.n);
	pm_buf_done(&b);
}

static int visible(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && !(n > 4 && !strcmp(e->d_name + n - 4, ".txt"));
}

static bool is_whole(const struct target *t)
{
	return !strncmp(t->name, "whole_", 6);
}

/* A target that breaks ends the program, and there is no plan: that is a failure, too. */
static int run_dir(const char *dir)
{
	unsigned tests = 0;

	for (const struct target *t = targets; t->name; t++) {
		const char *name = is_whole(t) ? "whole" : t->name;
		char path[1024];
		struct dirent **e = NULL;
		int n;

		snprintf(path, sizeof(path), "%s/%s", dir, name);
		n = scandir(path, &e, visible, alphasort);
		for (int i = 0; i < n; i++) {
			snprintf(path, sizeof(path), "%s/%s/%s", dir, name, e[i]->d_name);
			run_file(t, path);
			free(e[i]);
		}
		free(e);
		tests++;
		printf("ok %u - %s: %d inputs\n", tests, t->name, n < 0 ? 0 : n);
		fflush(stdout);
	}
	printf("1..%u\n", tests);
	return 0;
}

static int run_random(const struct target *t, uint64_t first, uint64_t count, double seconds)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (uint64_t i = first; i < first + count; i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf b = {0};

		pm_hurt_random(i, &ctx, &b);
		if (getenv("PM_FUZZ_SHOW"))
			fprintf(stderr, "== %" PRIu64 "\n", i);
		run_bytes(t, b.p, b.n);
		pm_buf_done(&b);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (seconds > 0 && (double)(now.tv_sec - begin.tv_sec) > seconds) {
			printf("%" PRIu64 " programs\n", i + 1 - first);
			break;
		}
	}
	return 0;
}

static int print(const char *what)
{
	struct pm_ctx ctx = {0};
	struct pm_buf b = {0};
	uint64_t number;
	unsigned n_seeds = 0;

	if (pm_number(what, strlen(what), &number))
		pm_hurt_random(number, &ctx, &b);
	else
		load(what, &b);
	while (pm_hurt_seeds[n_seeds])
		n_seeds++;
	if (b.n)
		pm_hurt_run(pm_hurt_open(b.p[0] % n_seeds), b.p + 1, b.n - 1, stdout);
	pm_buf_done(&b);
	return 0;
}

static void write_input(const char *dir, const char *name, const char *seed, uint64_t number,
			const struct pm_buf *b)
{
	struct pm_ctx ctx = {0};
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%s-%" PRIx64, dir, name, seed, number);
	if (pm_write_file(&ctx, path, b->p, b->n))
		die(&ctx);
}

/* A node for the targets that read its kind. */
static void write_node(const char *dir, struct pm_hurt_seed *s, pm_nid nid, pm_bid data, pm_bid sub)
{
	static const char *const by_kind[][3] = {
		{"tree"}, {"tree", "heap", "pc"}, {"tree", "heap", "tc"}};
	struct pm_buf b = {0}, first = {0};
	uint16_t kind;

	if (pm_fuzz_db_write(&s->w.db, data, sub, &b) != PM_OK)
		die(&s->ctx);
	if (b.n > 100000) {
		pm_buf_done(&b);
		return;
	}
	kind = pm_block_kind(b.n > 9 ? b.p + 9 : b.p, b.n > 9 ? b.n - 9 : 0);
	for (unsigned i = 0; i < 3; i++) {
		const char *name = by_kind[kind == PM_BK_PC ? 1 : kind == PM_BK_TC ? 2 : 0][i];

		if (name)
			write_input(dir, name, s->name, nid, &b);
	}
	if (nid == 0x61 || nid == 0x21)
		write_input(dir, "names", s->name, nid, &b);
	if (pm_nid_type(nid) == 4)
		write_input(dir, "message", s->name, nid, &b);
	pm_buf_done(&b);
	pm_buf_done(&first);
}

static void write_pages(const char *dir, struct pm_hurt_seed *s)
{
	const struct pm_format *f = s->w.fmt;
	struct pm_buf b = {0};

	for (size_t i = 0; i < s->w.pages.n; i++) {
		b.n = 0;
		pm_buf_byte(&s->ctx, &b, (uint8_t)f->variant);
		pm_buf_byte(&s->ctx, &b, s->w.pages.v[i].ptype);
		pm_buf_add(&s->ctx, &b, s->w.p + s->w.pages.v[i].ib, f->page);
		write_input(dir, "page", s->name, s->w.pages.v[i].ib, &b);
	}
	for (size_t i = 0; i < s->w.db.blocks.n; i++) {
		const struct pm_block *k = &s->w.db.blocks.v[i];
		uint8_t head[8] = {(uint8_t)f->variant, (uint8_t)s->w.db.crypt};

		if (k->cb > 1000)
			continue;
		b.n = 0;
		pm_put16(head + 2, (uint16_t)k->bid);
		pm_put16(head + 4, k->cb);
		pm_put16(head + 6, k->cb_inflated);
		pm_buf_add(&s->ctx, &b, head, sizeof(head));
		pm_buf_add(&s->ctx, &b, s->w.p + k->ib, pm_block_stored(f, k->cb));
		write_input(dir, "block", s->name, k->bid, &b);
	}
	pm_buf_done(&b);
}

static int write_corpus(const char *dir)
{
	mkdir(dir, 0777);
	for (unsigned i = 0; pm_hurt_seeds[i]; i++) {
		struct pm_hurt_seed *s = pm_hurt_open(i);

		write_pages(dir, s);
		for (size_t k = 0; k < s->w.db.nodes.n; k++)
			write_node(dir, s, s->w.db.nodes.v[k].nid, s->w.db.nodes.v[k].data,
				   s->w.db.nodes.v[k].sub);
	}
	for (uint64_t i = 0; i < 64; i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf b = {0};

		pm_hurt_random(i, &ctx, &b);
		for (const struct target *t = targets; t->name; t++)
			if (is_whole(t))
				write_input(dir, t->name, "random", i, &b);
		pm_buf_done(&b);
	}
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: replay DIR\n"
			"       replay TARGET FILE...\n"
			"       replay --random TARGET FIRST COUNT [SECONDS]\n"
			"       replay --print FILE|NUMBER\n"
			"       replay --corpus DIR\n");
	return 16;
}

int main(int argc, char **argv)
{
	int rc = 0;

	if (argc == 2)
		rc = run_dir(argv[1]);
	else if (argc == 3 && !strcmp(argv[1], "--corpus"))
		rc = write_corpus(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "--print"))
		rc = print(argv[2]);
	else if ((argc == 5 || argc == 6) && !strcmp(argv[1], "--random"))
		rc = run_random(target(argv[2]), strtoull(argv[3], NULL, 0),
				strtoull(argv[4], NULL, 0), argc == 6 ? strtod(argv[5], NULL) : 0);
	else if (argc > 2 && strncmp(argv[1], "--", 2))
		for (int i = 2; i < argc; i++)
			run_file(target(argv[1]), argv[i]);
	else
		rc = usage();
	pm_hurt_close_all();
	return rc;
}
