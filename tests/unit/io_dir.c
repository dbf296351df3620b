/* SPDX-License-Identifier: Apache-2.0 */
/* Tests on real files: a directory for each, and systems that can do less. See io_dir.h. */
#include "pm_test.h"

#include "io/write.h"
#include "io_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_FORBID = 99 };

static char top[4096], dir[] = "/tmp/pm-t-io-XXXXXX";

int dir_enter(void **state)
{
	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	return getcwd(top, sizeof(top)) && mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

int dir_leave(void **state)
{
	DIR *d = opendir(".");
	struct dirent *e;

	(void)state;
	pm_write_fault_set(NULL);
	while (d && (e = readdir(d))) {
		if (unlink(e->d_name))
			rmdir(e->d_name);
	}
	if (d)
		closedir(d);
	return chdir(top) || rmdir(dir);
}

const char *dir_listing(void)
{
	static char text[4096];
	struct dirent **names;
	int n = scandir(".", &names, NULL, alphasort);

	assert_true(n >= 2);
	text[0] = '\0';
	for (int i = 0; i < n; i++) {
		size_t used = strlen(text);

		if (strcmp(names[i]->d_name, ".") && strcmp(names[i]->d_name, ".."))
			snprintf(text + used, sizeof(text) - used, "%s ", names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return text;
}

void make_file(const char *name, const void *p, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

void assert_content(const char *name, const void *p, size_t n)
{
	uint8_t *buf = malloc(n + 1);
	int fd = open(name, O_RDONLY);

	assert_non_null(buf);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, buf, n + 1), n);
	assert_memory_equal(buf, p, n);
	close(fd);
	free(buf);
}

void assert_child_text(const char *want)
{
	char buf[1100] = {0};
	int fd = open("text", O_RDONLY);

	assert_true(read(fd, buf, sizeof(buf) - 1) > 0);
	close(fd);
	if (!strstr(buf, want))
		fail_msg("'%s' is not in: %s", want, buf);
}

uint8_t *test_pattern(void)
{
	uint8_t *p = malloc(TEST_SIZE);
	uint64_t x = 88172645463325252u;

	assert_non_null(p);
	for (size_t i = 0; i < TEST_SIZE; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = (uint8_t)(x % 255 + 1);
	}
	return p;
}

/* From now on the system call fails with this error, in this process. */
static bool forbid(unsigned int nr, unsigned int errnum)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | errnum),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {PM_LEN(f), f};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}

enum pm_rc in_child(const unsigned int (*calls)[2], size_t n, enum pm_rc (*fn)(struct pm_ctx *ctx))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct pm_ctx ctx = {0};
		int fd = open("text", O_WRONLY | O_CREAT | O_TRUNC, 0600);
		enum pm_rc rc;

		for (size_t i = 0; i < n; i++) {
			if (!forbid(calls[i][0], calls[i][1]))
				_exit(CANNOT_FORBID);
		}
		rc = fn(&ctx);
		if (write(fd, ctx.text, strlen(ctx.text)) < 0)
			_exit(1);
		_exit(16 + (int)rc);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CANNOT_FORBID) {
		print_message("# system calls can't be forbidden here\n");
		skip();
	}
	return (enum pm_rc)(WEXITSTATUS(status) - 16);
}
