/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crcloop: the least that a full check can cost. Reads a file once, in large pieces, and takes
 * libdeflate's CRC-32 of each 8 KiB of it, in one thread.
 *
 *	crcloop FILE
 *
 * Prints bytes, seconds, and all the checksums taken together, so that none can be left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)
#define UNIT  ((size_t)8 << 10)

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Fill buf as far as the file goes; the bytes read, or -1. */
static ssize_t read_piece(int fd, uint8_t *buf, uint64_t at)
{
	size_t n = 0;
	ssize_t got;

	while (n < PIECE) {
		got = pread(fd, buf + n, PIECE - n, (off_t)(at + n));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

int main(int argc, char **argv)
{
	static uint8_t buf[PIECE];
	uint64_t total = 0;
	uint32_t all = 0;
	double begin = now();
	ssize_t n = 0;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: crcloop FILE\n");
		return 16;
	}
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (n = read_piece(fd, buf, total)) > 0) {
		for (size_t i = 0; i < (size_t)n; i += UNIT) {
			size_t len = (size_t)n - i < UNIT ? (size_t)n - i : UNIT;

			all = (all << 1 | all >> 31) ^ libdeflate_crc32(0, buf + i, len);
		}
		total += (uint64_t)n;
	}
	if (fd < 0 || n < 0) {
		fprintf(stderr, "crcloop: cannot read %s: %s\n", argv[1], strerror(errno));
		return 8;
	}
	printf("%" PRIu64 " bytes %.6f s %08" PRIx32 "\n", total, now() - begin, all);
	close(fd);
	return 0;
}
