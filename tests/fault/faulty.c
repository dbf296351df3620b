/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command of pstmend again and again, in a process of its own that begins here, with a
 * fault at the first, second, ... n-th place where it can strike, and looks at what is left.
 *
 *	faulty [--runs N] [--bad OFFSET:LENGTH]... [--also STATUS]... KIND SOURCE DIR -- ARGUMENT...
 *
 * SOURCE is the file that the command reads, DIR the directory that it writes to: emptied before
 * each run. --runs: so many, evenly chosen; else all. --bad: of SOURCE these bytes can't be read
 * in any run. KIND none: one run, its output and its exit status are passed on. The other kinds
 * are the names below (wrap.h says what they do, `memory` is base/mem.h's), and after each run:
 *
 *   - the exit status is 8 and what was found or done before that, with one line on stderr that
 *     names a file and what to do; or output, status and what was written are those of a run without a fault (and have to be for
 *     the faults that a program can cope with); --also allows other ones
 *   - in DIR nothing is under a final name but what the run without a fault wrote, whole, and
 *     nothing under a temporary one; of a report.json, that it is JSON and has the status
 *   - the source has the bytes and the time that it had
 *   - it ended by itself; in a build with sanitizers without a report, leaks included
 *
 * After a SIGKILL a temporary file may be there, and the next run, without fault and with
 * --force, writes all. An export that was not finished leaves its journal and what it had begun,
 * however it ended, and then the next run is one with --resume.
 */
#include "snapshot.h"
#include "wrap.h"

#include "base/mem.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUT  ".faulty-out"
#define ERR  ".faulty-err"
#define BADS 8

enum { MEMORY = 100, SHOWN = 5 };

static const struct kind {
	const char *name;
	int what;   /* enum pm_wrap_kind, or MEMORY */
	bool copes; /* the result must be that of a run without a fault */
} kinds[] = {
	{"none", PM_WRAP_NONE, false},           {"memory", MEMORY, false},
	{"read-once", PM_WRAP_READ_ONCE, true},  {"read-bad", PM_WRAP_READ_BAD, false},
	{"read-fail", PM_WRAP_READ_FAIL, false}, {"full", PM_WRAP_FULL, false},
	{"print", PM_WRAP_PRINT, false},         {"short", PM_WRAP_SHORT, true},
	{"sync", PM_WRAP_SYNC, false},           {"rename", PM_WRAP_RENAME, false},
	{"kill", PM_WRAP_KILL, false},           {NULL, 0, false},
};

/* How a run ended. */
struct ending {
	int status; /* as of waitpid */
	char *out, *err;
	struct pm_snap dir;
};

/* What a process tells the one that began it. */
struct told {
	struct pm_wrap_counts counts;
	uint64_t requests;
};

struct faulty {
	const struct kind *kind;
	uint64_t runs;
	const char *source, *dir;
	uint64_t bad[BADS][2];
	unsigned n_bad;
	int also[BADS];
	unsigned n_also;
	int argc;
	char **argv;
	struct told *told;
	struct pm_snap before; /* the source */
	struct ending good;
	unsigned wrong;
};

static void die(const char *what)
{
	fprintf(stderr, "faulty: %s: %s\n", what, strerror(errno));
	exit(99);
}

/* ---- one run ---- */

static void redirect(int fd, const char *path)
{
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (to < 0 || dup2(to, fd) < 0)
		die(path);
	close(to);
}

/* Does not return. With exit(), so that leaks are looked for. */
static void command(const struct faulty *f, int what, uint64_t n, char **argv, int argc)
{
	uint64_t requests;
	int status;

	redirect(STDOUT_FILENO, OUT);
	redirect(STDERR_FILENO, ERR);
	for (unsigned i = 0; i < f->n_bad; i++)
		pm_wrap_bad(f->bad[i][0], f->bad[i][1]);
	requests = pm_mem_count();
	if (what == MEMORY)
		pm_mem_fail_at(n);
	pm_wrap_set(what == MEMORY ? PM_WRAP_NONE : (enum pm_wrap_kind)what, n);
	status = pm_cli_main(argc, argv);
	f->told->counts = *pm_wrap_counts();
	f->told->requests = pm_mem_count() - requests;
	exit(status);
}

static char *slurp(const char *path)
{
	size_t n = 0, room = 1 << 16;
	char *p = malloc(room + 1);
	FILE *in = fopen(path, "rb");

	if (!in || !p)
		die(path);
	while (!feof(in)) {
		n += fread(p + n, 1, room - n, in);
		if (n == room)
			p = realloc(p, (room *= 2) + 1);
		if (!p || ferror(in))
			die(path);
	}
	fclose(in);
	p[n] = '\0';
	return p;
}

/* `more`: an option besides, or NULL. */
static struct ending run(const struct faulty *f, int what, uint64_t n, const char *more)
{
	struct ending e = {0};
	char *argv[64], again[16];
	int argc = 0;
	pid_t pid;

	for (; argc < f->argc && argc < 60; argc++)
		argv[argc] = f->argv[argc];
	snprintf(again, sizeof(again), "%s", more ? more : "");
	if (more)
		argv[argc++] = again;
	argv[argc] = NULL;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		command(f, what, n, argv, argc);
	while (waitpid(pid, &e.status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	e.out = slurp(OUT);
	e.err = slurp(ERR);
	if (pm_snap_take(f->dir, &e.dir))
		die(f->dir);
	return e;
}

static void ending_done(struct ending *e)
{
	free(e->out);
	free(e->err);
	pm_snap_done(&e->dir);
}

/* ---- what is looked at ---- */

static void wrong(struct faulty *f, uint64_t n, const struct ending *e, const char *what)
{
	if (f->wrong++ >= SHOWN)
		return;
	printf("%s, number %llu: %s\n", f->kind->name, (unsigned long long)n, what);
	if (WIFSIGNALED(e->status))
		printf("  ended by signal %d\n", WTERMSIG(e->status));
	else
		printf("  exit status %d\n", WEXITSTATUS(e->status));
	printf("  stderr: %.6000s\n", e->err);
}

/* One line, that says which file, what is wrong, and what to do. */
static bool says_why(const char *err)
{
	const char *end = strchr(err, '\n');
	static const char begin[] = "pstmend: ";

	if (!end || end[1] || strncmp(err, begin, sizeof(begin) - 1) != 0)
		return false;
	return strstr(err, "; ") &&
	       (err[sizeof(begin) - 1] == '\'' || strstr(err, "standard output") ||
		strstr(err, "out of memory"));
}

static bool is_as_good(const struct faulty *f, const struct ending *e)
{
	return e->status == f->good.status && !strcmp(e->out, f->good.out) &&
	       !strcmp(e->err, f->good.err) && !pm_snap_extra(&e->dir, &f->good.dir) &&
	       !pm_snap_extra(&f->good.dir, &e->dir);
}

static bool is_allowed(const struct faulty *f, int status)
{
	for (unsigned i = 0; i < f->n_also; i++)
		if (f->also[i] == status)
			return true;
	return false;
}

static void look_at_ending(struct faulty *f, uint64_t n, const struct ending *e)
{
	bool failed = WIFEXITED(e->status) && WEXITSTATUS(e->status) & PM_EXIT_FAILED;
	int more = failed ? WEXITSTATUS(e->status) & ~PM_EXIT_FAILED : 0;

	if (is_as_good(f, e))
		return;
	if (!WIFEXITED(e->status))
		wrong(f, n, e, "it did not end by itself");
	else if (f->kind->copes)
		wrong(f, n, e, "the result is another one than without a fault");
	else if (more & ~WEXITSTATUS(f->good.status) ||
		 (more & PM_EXIT_FIXED && pm_snap_extra(&f->good.dir, &e->dir)))
		wrong(f, n, e, "an exit status that claims what is not so");
	else if (failed && !says_why(e->err))
		wrong(f, n, e, "stderr is not one line that names a file and what to do");
	else if (!failed && !is_allowed(f, WEXITSTATUS(e->status)))
		wrong(f, n, e, "an exit status that is none of those expected");
	else if (!failed && *e->err)
		wrong(f, n, e, "a line on stderr, but it did not fail");
}

/* An export that can go on. */
static bool is_unfinished(const struct faulty *f)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/.pstmend-export", f->dir);
	return access(path, F_OK) == 0;
}

static void look_at_dir(struct faulty *f, uint64_t n, const struct ending *e)
{
	bool killed = f->kind->what == PM_WRAP_KILL || is_unfinished(f);
	const char *extra;

	extra = pm_snap_temporary(&e->dir);
	if (extra && !killed) {
		printf("%s\n", extra);
		wrong(f, n, e, "a temporary file is left behind");
	}
	/* Where part of the source is unreadable, another result is right. */
	if (f->n_also)
		return;
	extra = pm_snap_extra(&e->dir, &f->good.dir);
	if (extra) {
		printf("%s\n", extra);
		wrong(f, n, e, "a file that is not what it has to be");
	}
}

static bool claims(json_t *doc, int status)
{
	return WIFEXITED(status) &&
	       json_integer_value(json_object_get(doc, "exit_status")) == WEXITSTATUS(status);
}

/* Of a run that failed there may be a report, too, which says so. */
static void look_at_report(struct faulty *f, uint64_t n, const struct ending *e)
{
	char path[4096];
	json_t *doc;

	snprintf(path, sizeof(path), "%s/report.json", f->dir);
	if (access(path, F_OK))
		return;
	doc = json_load_file(path, 0, NULL);
	if (!doc)
		wrong(f, n, e, "the report is not whole");
	else if (!claims(doc, e->status) && !claims(doc, f->good.status))
		wrong(f, n, e, "the report has another exit status");
	json_decref(doc);
}

static void look_at_source(struct faulty *f, uint64_t n, const struct ending *e)
{
	struct pm_snap now;

	if (pm_snap_take(f->source, &now))
		die(f->source);
	if (pm_snap_extra(&now, &f->before) || !pm_snap_same_time(&now, &f->before))
		wrong(f, n, e, "the source was changed");
	pm_snap_done(&now);
}

/* After the power came back. */
static void run_again(struct faulty *f, uint64_t n, const char *how)
{
	struct ending e = run(f, PM_WRAP_NONE, 0, how);

	if (e.status != f->good.status || strcmp(e.out, f->good.out) || strcmp(e.err, f->good.err))
		wrong(f, n, &e, "the next run ends in another way");
	else if (pm_snap_extra(&f->good.dir, &e.dir))
		wrong(f, n, &e, "the next run does not write what it has to");
	else if (pm_snap_temporary(&e.dir) && !strcmp(how, "--resume"))
		wrong(f, n, &e, "the next run leaves something behind");
	look_at_source(f, n, &e);
	ending_done(&e);
}

/* ---- all runs ---- */

static void one(struct faulty *f, uint64_t n)
{
	struct ending e;
	bool again;

	if (pm_snap_empty(f->dir))
		die(f->dir);
	e = run(f, f->kind->what, n, NULL);
	if (f->kind->what == PM_WRAP_KILL) {
		if (!WIFSIGNALED(e.status) || WTERMSIG(e.status) != SIGKILL)
			wrong(f, n, &e, "it was not killed");
	} else {
		look_at_ending(f, n, &e);
	}
	look_at_dir(f, n, &e);
	look_at_report(f, n, &e);
	look_at_source(f, n, &e);
	/* What bad sectors hid may be there the next time, and then it is another file. */
	again = is_unfinished(f) && !f->n_also;
	ending_done(&e);
	if (again || f->kind->what == PM_WRAP_KILL)
		run_again(f, n, again ? "--resume" : "--force");
}

static uint64_t places(const struct faulty *f)
{
	const struct pm_wrap_counts *c = &f->told->counts;

	switch (f->kind->what) {
	case MEMORY:
		return f->told->requests;
	case PM_WRAP_READ_ONCE:
	case PM_WRAP_READ_BAD:
		return c->source_reads;
	case PM_WRAP_READ_FAIL:
		return c->reads;
	case PM_WRAP_FULL:
	case PM_WRAP_KILL:
		return c->changes;
	case PM_WRAP_PRINT:
		return c->prints;
	case PM_WRAP_SHORT:
		return c->writes;
	case PM_WRAP_SYNC:
		return c->syncs;
	case PM_WRAP_RENAME:
		return c->renames;
	default:
		return 0;
	}
}

static int all(struct faulty *f)
{
	uint64_t n, runs, done = 0;

	if (pm_snap_take(f->source, &f->before) || pm_snap_empty(f->dir))
		die(f->source);
	f->good = run(f, PM_WRAP_NONE, 0, NULL);
	if (!WIFEXITED(f->good.status) || pm_snap_temporary(&f->good.dir))
		wrong(f, 0, &f->good, "even without a fault");
	look_at_source(f, 0, &f->good);
	if (f->kind->what == PM_WRAP_NONE) {
		fputs(f->good.out, stdout);
		fputs(f->good.err, stderr);
		return f->wrong ? 99 : WEXITSTATUS(f->good.status);
	}
	n = places(f);
	if (!n)
		wrong(f, 0, &f->good, "there is no place for such a fault");
	runs = f->runs && f->runs < n ? f->runs : n;
	/* The first, the last, and those in between. */
	for (uint64_t i = 0; i < runs; i++, done++)
		one(f, runs == 1 ? 1 : 1 + i * (n - 1) / (runs - 1));
	printf("%llu of %llu places, %u wrong\n", (unsigned long long)done, (unsigned long long)n,
	       f->wrong);
	return f->wrong ? 1 : 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: faulty [--runs N] [--bad OFFSET:LENGTH] [--also STATUS] "
			"KIND SOURCE DIR -- ARGUMENT...\n");
	return 16;
}

static bool option(struct faulty *f, const char *name, const char *value)
{
	char *end;

	if (!strcmp(name, "--runs")) {
		f->runs = strtoull(value, NULL, 0);
	} else if (!strcmp(name, "--also") && f->n_also < BADS) {
		f->also[f->n_also++] = (int)strtol(value, NULL, 10);
	} else if (!strcmp(name, "--bad") && f->n_bad < BADS) {
		f->bad[f->n_bad][0] = strtoull(value, &end, 0);
		f->bad[f->n_bad++][1] = *end == ':' ? strtoull(end + 1, NULL, 0) : 1;
	} else {
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct faulty f; /* static: what it points to is no leak in the children */
	int i = 1, rc;

	for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2)
		if (!option(&f, argv[i], argv[i + 1]))
			return usage();
	if (argc - i < 5 || strcmp(argv[i + 3], "--") != 0)
		return usage();
	for (f.kind = kinds; f.kind->name && strcmp(f.kind->name, argv[i]); f.kind++)
		;
	if (!f.kind->name)
		return usage();
	f.source = argv[i + 1];
	f.dir = argv[i + 2];
	/* The program's name stands before its arguments. */
	f.argv = argv + i + 3;
	f.argc = argc - i - 3;
	f.told = mmap(NULL, sizeof(*f.told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (f.told == MAP_FAILED || pm_wrap_source(f.source))
		die(f.source);
	rc = all(&f);
	ending_done(&f.good);
	pm_snap_done(&f.before);
	return rc;
}
