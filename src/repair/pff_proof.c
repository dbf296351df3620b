/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent of the independent proof: starts the child, takes in what it sends, ends it
 * when its time is up, and finds out how it ended.
 */
#include "repair/pff_proof.h"

#include "base/bytes.h"
#include "base/quote.h"
#include "repair/pff_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libpff.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define UNDER_ASAN 1
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

#define MEMORY_DEFAULT ((uint64_t)1 << 30)
#define FOLDERS_MAX    ((size_t)1 << 22) /* kept; no store has so many */
#define POLL_MS        100

struct parent {
	struct pm_ctx *ctx;
	const struct pm_pff_options *opt;
	struct pm_pff_result *res;
	struct pff_page *page; /* shared with the child */
	pid_t pid;
	int fd;       /* the pipe's end to read from */
	bool ended;   /* the child said that it had done all */
	bool garbage; /* it sent what no child of ours sends */
	struct pm_buf in;
};

const char *pm_pff_step_text(uint32_t step)
{
	static const char *const text[] = {
#define X(name, words) words,
		PFF_STEPS(X)
#undef X
	};

	return step < PFF_N_STEPS ? text[step] : "something unknown";
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint32_t time_limit(const struct pm_pff_options *opt)
{
	if (opt->time_s)
		return opt->time_s;
	return opt->mode == PM_PFF_FULL ? 3600 : 300;
}

/* --- in the child ------------------------------------------------------------------------- */

/* What this process has mapped now, in bytes; 0 when the system doesn't say. */
static uint64_t mapped_bytes(void)
{
	char text[64] = "";
	unsigned long long pages;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	pages = n > 0 ? strtoull(text, NULL, 10) : 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void limit(__rlimit_resource_t what, uint64_t value)
{
	struct rlimit r;

	if (getrlimit(what, &r))
		return;
	if (r.rlim_max == RLIM_INFINITY || r.rlim_max > value)
		r.rlim_cur = r.rlim_max = value;
	else
		r.rlim_cur = r.rlim_max;
	setrlimit(what, &r);
}

static void set_limits(const struct pm_pff_options *opt)
{
	uint64_t memory = opt->memory ? opt->memory : MEMORY_DEFAULT;
	uint64_t mapped = UNDER_ASAN ? 0 : mapped_bytes(); /* its shadow is terabytes */

	if (mapped && memory < RLIM_INFINITY - mapped)
		limit(RLIMIT_AS, mapped + memory);
	limit(RLIMIT_CPU, (uint64_t)time_limit(opt) + 1);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 0); /* it can write to no file, whatever goes wrong */
}

static void set_signals(void)
{
	static const int ours[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,
				   SIGABRT, SIGTRAP, SIGPIPE, SIGXCPU};
	/* What is sent to all processes of a terminal: the parent decides what is to be done. */
	static const int not_ours[] = {SIGINT, SIGQUIT, SIGHUP, SIGTERM};
	struct sigaction act = {.sa_handler = SIG_DFL};
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigaction(ours[i], &act, NULL);
	act.sa_handler = SIG_IGN;
	for (i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
		sigaction(not_ours[i], &act, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* libpff is to print nothing, whatever it is; a sanitizer's report must be seen. */
static void silence(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	if (!UNDER_ASAN)
		dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static void run_child(struct parent *p, struct pm_image *img, int fd, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); /* it died before it could be watched */
	set_signals();
	silence();
	set_limits(p->opt);
	pm_pff_child(img, p->opt, fd, p->page);
	_exit(0); /* no handler of the program runs, no stream is flushed twice */
}

/* --- what the child sends ----------------------------------------------------------------- */

static struct pm_pff_failure *push_failure(struct parent *p, const struct pff_failure_record *r)
{
	struct pm_pff_result *res = p->res;
	struct pm_pff_failure *f;
	size_t i;

	/* Of the two kinds the unexplained ones have the right of way. */
	if (res->failures.n == PM_PFF_LISTED_MAX) {
		for (i = res->failures.n; r->limit == PFF_NO_LIMIT && i-- > 0;) {
			f = &res->failures.v[i];
			if (f->limit) {
				pm_free(f->text);
				return f;
			}
		}
		return NULL;
	}
	return pm_vec_push(p->ctx, &res->failures);
}

static enum pm_rc take_failure(struct parent *p, struct pff_failure_record *r)
{
	struct pm_pff_failure *f;

	r->text[sizeof(r->text) - 1] = 0;
	p->res->n_failures++;
	if (r->limit == pm_pff_limit_memory())
		p->res->out_of_memory = true;
	f = push_failure(p, r);
	if (!f)
		return p->ctx->rc;
	f->nid = r->nid;
	f->folder = r->folder;
	f->doing = pm_pff_step_text(r->step);
	f->limit = r->limit == PFF_NO_LIMIT ? NULL : pm_pff_limit_name(r->limit);
	f->text = pm_strdup(p->ctx, r->text);
	return f->text ? PM_OK : PM_ENOMEM;
}

static void take_refusal(struct parent *p, struct pff_failure_record *r)
{
	r->text[sizeof(r->text) - 1] = 0;
	p->res->end = PM_PFF_REFUSED;
	if (r->limit == PFF_NO_LIMIT && p->opt->encoded_zlib &&
	    strstr(r->text, "unable to decompress"))
		r->limit = pm_pff_limit_encoded_zlib();
	p->res->limit = r->limit == PFF_NO_LIMIT ? NULL : pm_pff_limit_name(r->limit);
	snprintf(p->res->text, sizeof(p->res->text), "%s", r->text);
}

static enum pm_rc take_folder(struct parent *p, const struct pm_pff_count *c)
{
	struct pm_pff_count *to;

	if (p->res->folders.n == FOLDERS_MAX)
		return PM_OK;
	to = pm_vec_push(p->ctx, &p->res->folders);
	if (!to)
		return PM_ENOMEM;
	*to = *c;
	return PM_OK;
}

static void take_item(struct parent *p, const struct pm_pff_item *item)
{
	if (p->opt->item)
		p->opt->item(p->opt->item_arg, item);
}

static void take_listed(struct parent *p, const struct pff_listed_record *r)
{
	p->res->listed = true;
	p->res->n_listed = r->n_items;
	p->res->n_orphans = r->n_orphans;
	p->res->n_tables_failed = r->n_tables_failed;
	p->res->n_tables_limited = r->n_tables_limited;
}

static void take_end(struct parent *p, const struct pff_end_record *r)
{
	p->ended = true;
	p->res->n_whole = r->n_whole;
	p->res->n_limited = r->n_limited;
	p->res->n_failed = r->n_failed;
	p->res->bytes = r->bytes;
}

static enum pm_rc take_record(struct parent *p, uint32_t kind, const uint8_t *body, size_t n)
{
	union {
		struct pm_pff_count folder;
		struct pff_listed_record listed;
		struct pm_pff_item item;
		struct pff_failure_record failure;
		struct pff_end_record end;
	} r;
	static const size_t size[] = {
		[PFF_RECORD_REFUSED] = sizeof(r.failure), [PFF_RECORD_FOLDER] = sizeof(r.folder),
		[PFF_RECORD_LISTED] = sizeof(r.listed),   [PFF_RECORD_ITEM] = sizeof(r.item),
		[PFF_RECORD_FAILURE] = sizeof(r.failure), [PFF_RECORD_END] = sizeof(r.end),
	};

	if (kind >= sizeof(size) / sizeof(size[0]) || n != size[kind]) {
		p->garbage = true;
		return PM_OK;
	}
	memcpy(&r, body, n);
	switch ((enum pff_record_kind)kind) {
	case PFF_RECORD_REFUSED:
		take_refusal(p, &r.failure);
		break;
	case PFF_RECORD_FOLDER:
		return take_folder(p, &r.folder);
	case PFF_RECORD_LISTED:
		take_listed(p, &r.listed);
		break;
	case PFF_RECORD_ITEM:
		take_item(p, &r.item);
		break;
	case PFF_RECORD_FAILURE:
		return take_failure(p, &r.failure);
	case PFF_RECORD_END:
		take_end(p, &r.end);
		break;
	}
	return PM_OK;
}

/* Take the whole records out of p->in. */
static enum pm_rc take_records(struct parent *p)
{
	struct pff_record_head head;
	size_t at = 0;
	enum pm_rc rc = PM_OK;

	while (rc == PM_OK && !p->garbage && p->in.n - at >= sizeof(head)) {
		memcpy(&head, p->in.p + at, sizeof(head));
		if (head.n > PFF_RECORD_MAX)
			p->garbage = true;
		if (p->garbage || head.n > p->in.n - at - sizeof(head))
			break;
		rc = take_record(p, head.kind, p->in.p + at + sizeof(head), head.n);
		at += sizeof(head) + head.n;
	}
	memmove(p->in.p, p->in.p + at, p->in.n - at);
	p->in.n -= at;
	return rc;
}

/* Read what is there. PM_NONE at the end. */
static enum pm_rc take_input(struct parent *p)
{
	uint8_t *room = pm_buf_room(p->ctx, &p->in, 16u << 10);
	ssize_t got;

	if (!room)
		return PM_ENOMEM;
	do {
		got = read(p->fd, room, 16u << 10);
	} while (got < 0 && errno == EINTR);
	p->in.n -= (16u << 10) - (size_t)(got > 0 ? got : 0);
	if (got <= 0)
		return PM_NONE;
	return take_records(p);
}

/* --- the parent --------------------------------------------------------------------------- */

/* Until the child closes the pipe, or is to be ended. PM_LOST: its time is up. */
static enum pm_rc attend(struct parent *p)
{
	uint64_t end = now_ms() + (uint64_t)time_limit(p->opt) * 1000;
	struct pollfd pfd = {.fd = p->fd, .events = POLLIN};
	enum pm_rc rc = PM_OK;
	int n;

	while (rc == PM_OK && !p->garbage) {
		n = poll(&pfd, 1, POLL_MS);
		if (n > 0)
			rc = take_input(p);
		if (rc == PM_OK)
			rc = pm_tick(p->ctx, "proof by libpff", p->page->done, p->page->total);
		if (rc == PM_OK && now_ms() >= end)
			rc = PM_LOST;
	}
	return rc;
}

/* The child is gone or is made to go; what became of it. */
static void reap(struct parent *p, enum pm_rc rc)
{
	struct pm_pff_result *res = p->res;
	struct rusage use = {0};
	int status = 0;
	pid_t got;

	if (rc != PM_NONE)
		kill(p->pid, SIGKILL);
	do {
		got = wait4(p->pid, &status, 0, &use);
	} while (got < 0 && errno == EINTR);
	if (got == p->pid)
		res->peak_bytes = (uint64_t)use.ru_maxrss * 1024;
	res->doing = pm_pff_step_text(p->page->step);
	res->doing_nid = p->page->nid;
	if (rc == PM_LOST || (got == p->pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU))
		res->end = PM_PFF_TIMEOUT;
	else if (p->ended)
		res->end = PM_PFF_DONE;
	else if (res->end != PM_PFF_REFUSED) {
		res->end = PM_PFF_CRASHED;
		if (got == p->pid && WIFSIGNALED(status) && rc == PM_NONE)
			res->signal = WTERMSIG(status);
	}
	res->n_opened = p->page->done;
}

/* The failures that no limit explains first, otherwise in their order. */
static void order_failures(struct pm_pff_result *res)
{
	struct pm_pff_failure f;
	size_t i, k = 0;

	for (i = 0; i < res->failures.n; i++) {
		f = res->failures.v[i];
		if (f.limit)
			continue;
		memmove(&res->failures.v[k + 1], &res->failures.v[k], (i - k) * sizeof(f));
		res->failures.v[k++] = f;
	}
}

static enum pm_rc not_run(struct pm_pff_result *res, const char *what)
{
	res->end = PM_PFF_NOT_RUN;
	snprintf(res->text, sizeof(res->text), "%s: %s", what, pm_strerror(errno));
	return PM_OK;
}

static enum pm_rc run(struct parent *p, struct pm_image *img)
{
	pid_t me = getpid();
	uint64_t begin = now_ms();
	enum pm_rc rc;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC))
		return not_run(p->res, "cannot make a pipe for libpff");
	p->pid = fork();
	if (p->pid == 0) {
		close(fd[0]);
		run_child(p, img, fd[1], me);
	}
	close(fd[1]);
	if (p->pid < 0) {
		close(fd[0]);
		return not_run(p->res, "cannot start a process for libpff");
	}
	p->fd = fd[0];
	rc = attend(p);
	reap(p, rc);
	close(fd[0]);
	order_failures(p->res);
	p->res->ms = (uint32_t)(now_ms() - begin);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_pff_prove(struct pm_ctx *ctx, struct pm_image *img, const struct pm_pff_options *opt,
			struct pm_pff_result *ret)
{
	struct pm_pff_result res = {.version = libpff_get_version(),
				    .full = opt->mode == PM_PFF_FULL};
	struct parent p = {.ctx = ctx, .opt = opt, .res = &res};
	enum pm_rc rc = PM_OK;

	if (opt->mode == PM_PFF_NONE) {
		snprintf(res.text, sizeof(res.text), "it was not asked for");
	} else {
		p.page = mmap(NULL, sizeof(*p.page), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (p.page == MAP_FAILED) {
			rc = not_run(&res, "no memory to share with libpff");
		} else {
			rc = run(&p, img);
			munmap(p.page, sizeof(*p.page));
		}
	}
	pm_buf_done(&p.in);
	if (rc == PM_OK && opt->expect)
		rc = pm_pff_compare(ctx, &res, opt->expect, opt->n_expect);
	if (pm_is_error(rc)) {
		pm_pff_result_done(&res);
		return rc;
	}
	*ret = res;
	return PM_OK;
}
