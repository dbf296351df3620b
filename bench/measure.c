/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure: runs a command with its output thrown away and prints what it cost.
 *
 *	measure COMMAND [ARGUMENT]...
 *
 * Prints "SECONDS PROCESSOR PEAK-KIB STATUS": wall time, processor time (user and system) of the
 * command and the processes that it waited for, the largest resident memory of one of them, exit
 * status (128 + the signal's number; 127: no such command).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void run(char **argv)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd >= 0) {
		dup2(fd, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		if (fd > STDERR_FILENO)
			close(fd);
	}
	execvp(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct rusage use;
	double begin;
	int status;
	pid_t pid, got;

	if (argc < 2) {
		fprintf(stderr, "usage: measure COMMAND [ARGUMENT]...\n");
		return 16;
	}
	begin = now();
	pid = fork();
	if (pid == 0)
		run(argv + 1);
	do {
		got = pid > 0 ? wait4(pid, &status, 0, &use) : -1;
	} while (got < 0 && pid > 0 && errno == EINTR);
	if (got < 0) {
		perror("measure");
		return 8;
	}
	printf("%.6f %.6f %ld %d\n", now() - begin, seconds(use.ru_utime) + seconds(use.ru_stime),
	       use.ru_maxrss, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	return 0;
}
