/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the layer io: names in messages, opening and reading files. */
#include "pm_test.h"

#include "base/quote.h"
#include "io/file.h"
#include "io/memory.h"
#include "io_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* --- names ----------------------------------------------------------------------------- */

static void test_quote(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{"", "''"},
		{"/home/a b/c.pst", "'/home/a b/c.pst'"},
		{"it's", "'it\\'s'"},
		{"a\\b", "'a\\\\b'"},
		{"a\nb\x1b[2J\x7f", "'a\\x0ab\\x1b[2J\\x7f'"},
		{"Gr\xc3\xbc\xc3\x9f"
		 "e \xe2\x82\xac \xf0\x9f\x93\xa7",
		 "'Gr\xc3\xbc\xc3\x9f"
		 "e \xe2\x82\xac \xf0\x9f\x93\xa7'"},
		{"\xe4"
		 "bc",
		 "'\\xe4bc'"},                                  /* Latin-1 */
		{"\xc3", "'\\xc3'"},                            /* cut off */
		{"\xe2\x82", "'\\xe2\\x82'"},                   /* cut off */
		{"\xc0\xaf", "'\\xc0\\xaf'"},                   /* overlong */
		{"\xe0\x80\xaf", "'\\xe0\\x80\\xaf'"},          /* overlong */
		{"\xed\xa0\x80", "'\\xed\\xa0\\x80'"},          /* a surrogate */
		{"\xf4\x90\x80\x80", "'\\xf4\\x90\\x80\\x80'"}, /* past the last character */
		{"\xf8\x90\x80\x80", "'\\xf8\\x90\\x80\\x80'"}, /* no first byte */
		{"\xff\xfe", "'\\xff\\xfe'"},
		{"\xc2\x9b"
		 "m",
		 "'\\xc2\\x9bm'"},                                     /* a C1 control */
		{"a\xe2\x80\xaetsp.exe", "'a\\xe2\\x80\\xaetsp.exe'"}, /* right to left */
		{"\xef\xbb\xbf", "'\\xef\\xbb\\xbf'"},
	};
	char name[5000];
	struct pm_quoted q;

	(void)state;
	for (size_t i = 0; i < PM_LEN(rows); i++)
		assert_string_equal(pm_quote(rows[i].name).s, rows[i].want);
	for (size_t n = 250; n < sizeof(name); n += n < 320 ? 1 : 617) {
		memset(name, n % 3 ? 'x' : '\n', n);
		memcpy(name, "/begin/", 7);
		memcpy(name + n - 8, "/end.pst", 9);
		q = pm_quote(name);
		assert_true(strlen(q.s) <= 306);
		assert_int_equal(strncmp(q.s, "'/begin/", 8), 0);
		assert_string_equal(q.s + strlen(q.s) - 9, "/end.pst'");
		assert_int_equal(!!strstr(q.s, "..."), n % 3 == 0 || n > 303);
	}
}

/* --- opening --------------------------------------------------------------------------- */

static void check_refused(const char *path, enum pm_rc rc, const char *text)
{
	struct pm_ctx ctx = {0};
	struct pm_image *img = NULL;

	assert_int_equal(pm_image_open_file(&ctx, path, &img), rc);
	assert_null(img);
	assert_non_null(strstr(ctx.text, pm_quote(path).s));
	if (!strstr(ctx.text, text))
		fail_msg("'%s' is not in: %s", text, ctx.text);
	assert_non_null(strstr(ctx.text, "; ")); /* and what to do */
	assert_null(strchr(ctx.text, '\n'));
}

static void test_open_refused(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "sock"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(mkdir("dir.pst", 0700), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	make_file("empty.pst", "", 0);
	make_file("file", "x", 1);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	check_refused("missing.pst", PM_EIO, "there is no such file");
	check_refused("mis\nsing.pst", PM_EIO, "there is no such file");
	check_refused("", PM_EIO, "there is no such file");
	check_refused("dangling", PM_EIO, "there is no such file");
	check_refused("file/x.pst", PM_EIO, "there is no such file");
	check_refused("dir.pst", PM_EUSAGE, "a directory");
	check_refused("fifo", PM_EUSAGE, "a pipe");
	check_refused("sock", PM_EUSAGE, "a socket");
	check_refused("/dev/null", PM_EUSAGE, "a character device");
	check_refused("empty.pst", PM_EUSAGE, "empty (0 bytes)");
	close(fd);
}

static void test_open_reads(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_image *img;
	uint8_t *p = test_pattern(), *buf = malloc(TEST_SIZE);

	(void)state;
	assert_non_null(buf);
	make_file("a.pst", p, TEST_SIZE);
	assert_int_equal(pm_image_open_file(&ctx, "a.pst", &img), PM_OK);
	assert_int_equal(pm_image_size(img), TEST_SIZE);
	assert_string_equal(pm_image_name(img), "'a.pst'");
	assert_int_equal(fcntl(pm_image_file_fd(img), F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(fcntl(pm_image_file_fd(img), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(pm_image_read(&ctx, img, 0, buf, TEST_SIZE), PM_OK);
	assert_memory_equal(buf, p, TEST_SIZE);
	assert_int_equal(pm_image_read(&ctx, img, 12345, buf, 77), PM_OK);
	assert_memory_equal(buf, p + 12345, 77);
	/* Cut short while open: zeros and damage, not an error. */
	assert_int_equal(truncate("a.pst", 1000), 0);
	assert_int_equal(pm_image_read(&ctx, img, 500, buf, 1000), PM_DAMAGED);
	assert_memory_equal(buf, p + 500, 500);
	assert_int_equal(buf[500], 0);
	pm_image_close(img);
	assert_int_equal(ctx.rc, PM_OK);
	free(p);
	free(buf);
}

static enum pm_rc read_file(struct pm_ctx *ctx)
{
	struct pm_image *img;
	enum pm_rc rc = pm_image_open_file(ctx, "a.pst", &img);
	uint8_t buf[1000];

	if (!rc) {
		rc = pm_image_read(ctx, img, 0, buf, sizeof(buf));
		if (rc == PM_DAMAGED && (pm_rangeset_total(&img->unreadable) != 1000 || buf[0]))
			rc = PM_EBUG;
		pm_image_close(img);
	}
	return rc;
}

static void test_read_errors(void **state)
{
	static const struct {
		unsigned int call[1][2];
		enum pm_rc rc;
		const char *text;
	} rows[] = {
		{{{SYS_pread64, EIO}}, PM_DAMAGED, NULL},
		{{{SYS_pread64, ENODATA}}, PM_DAMAGED, NULL},
		{{{SYS_pread64, ENXIO}}, PM_EIO, "reading at offset 0"},
		{{{SYS_openat, EMFILE}}, PM_EIO, "limit of open files"},
		{{{SYS_openat, EBUSY}}, PM_EIO, "close the program"},
	};

	(void)state;
	make_file("a.pst", "x", 1);
	assert_int_equal(truncate("a.pst", 1000), 0);
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		assert_int_equal(in_child(rows[i].call, 1, read_file), rows[i].rc);
		if (rows[i].text)
			assert_child_text(rows[i].text);
	}
}

static enum pm_rc read_as_nobody(struct pm_ctx *ctx)
{
	if (geteuid() == 0 && seteuid(65534))
		return PM_EBUG;
	return read_file(ctx);
}

/* A file of somebody else's (its access time can't be spared), and one we may not read. */
static void test_permissions(void **state)
{
	(void)state;
	make_file("a.pst", "x", 1);
	assert_int_equal(truncate("a.pst", 1000), 0);
	assert_int_equal(chmod(".", 0755), 0);
	assert_int_equal(in_child(NULL, 0, read_as_nobody), PM_OK);
	assert_int_equal(chmod("a.pst", 0), 0);
	assert_int_equal(in_child(NULL, 0, read_as_nobody), PM_EIO);
	assert_child_text("'a.pst': cannot open it: Permission denied; change its permissions");
}

static void check_changed(void (*change)(void), const char *want)
{
	struct pm_ctx ctx = {0};
	struct pm_image *img;
	const char *got;

	make_file("a.pst", "hello", 5);
	assert_int_equal(pm_image_open_file(&ctx, "a.pst", &img), PM_OK);
	assert_null(pm_image_file_changed(img));
	change();
	got = pm_image_file_changed(img);
	assert_int_equal(!got, !want);
	if (want)
		assert_string_equal(got, want);
	pm_image_close(img);
}

static void change_nothing(void)
{
	assert_content("a.pst", "hello", 5); /* reading is no change */
}

static void change_size(void)
{
	assert_int_equal(truncate("a.pst", 6), 0);
}

static void change_bytes(void)
{
	const struct timespec times[2] = {{1000, 0}, {1000, 1}};

	assert_int_equal(utimensat(AT_FDCWD, "a.pst", times, 0), 0);
}

static void change_away(void)
{
	assert_int_equal(unlink("a.pst"), 0);
}

static void change_other(void)
{
	make_file("b.pst", "hello", 5);
	assert_int_equal(rename("b.pst", "a.pst"), 0);
}

static void test_file_changed(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_image *img;

	(void)state;
	check_changed(change_nothing, NULL);
	check_changed(change_size, "its size changed");
	check_changed(change_bytes, "it was written to");
	check_changed(change_away, "it was moved or deleted");
	check_changed(change_other, "another file took its name");
	make_file("c.pst", "c", 1);
	assert_int_equal(link("c.pst", "d.pst"), 0);
	assert_int_equal(pm_image_open_file(&ctx, "./c.pst", &img), PM_OK);
	assert_true(pm_image_file_is(img, "d.pst"));
	assert_false(pm_image_file_is(img, "a.pst"));
	assert_false(pm_image_file_is(img, "nowhere"));
	pm_image_close(img);
	/* An image that is no file. */
	assert_int_equal(pm_image_open_memory(&ctx, "x", 1, &img), PM_OK);
	assert_null(pm_image_file_changed(img));
	assert_null(pm_image_file_stat(img));
	assert_int_equal(pm_image_file_fd(img), -1);
	assert_false(pm_image_file_is(img, "c.pst"));
	pm_image_close(img);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, dir_enter, dir_leave)
	const struct CMUnitTest tests[] = {
		TEST(test_quote),       TEST(test_open_refused), TEST(test_open_reads),
		TEST(test_read_errors), TEST(test_permissions),  TEST(test_file_changed),
	};

	return cmocka_run_group_tests_name("io files", tests, NULL, NULL);
}
