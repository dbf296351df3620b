/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the layer io: writing safely, with every write failing or killing in turn. */
#include "pm_test.h"

#include "base/quote.h"
#include "io/fault.h"
#include "io/file.h"
#include "io/memory.h"
#include "io/output.h"
#include "io/tempfile.h"
#include "io/write.h"
#include "io_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- output ---------------------------------------------------------------------------- */

static enum pm_rc write_file(struct pm_ctx *ctx, const char *name, unsigned int flags,
			     const char *text)
{
	struct pm_output *out = NULL;
	enum pm_rc rc = pm_output_create(ctx, name, flags, &out);

	if (!rc)
		rc = pm_output_append(out, text, 2);
	if (!rc)
		rc = pm_output_append(out, text + 2, strlen(text + 2));
	if (!rc)
		rc = pm_output_commit(out);
	pm_output_free(out);
	return rc;
}

static void test_output(void **state)
{
	char longest[256];
	struct pm_ctx ctx = {0};
	struct pm_output *out;
	struct stat st;

	(void)state;
	assert_int_equal(pm_output_create(&ctx, "out.pst", 0, &out), PM_OK);
	assert_int_equal(pm_output_write(out, 10, "tail", 4), PM_OK);
	assert_int_equal(pm_output_write(out, 0, "head", 4), PM_OK);
	assert_int_equal(pm_output_size(out), 14);
	assert_int_equal(pm_output_truncate(out, 12), PM_OK);
	assert_int_equal(access("out.pst", F_OK), -1);
	assert_int_equal(strncmp(pm_output_temp_path(out), ".out.pst.pstmend-", 17), 0);
	assert_content(pm_output_temp_path(out), "head\0\0\0\0\0\0ta", 12);
	assert_int_equal(fstat(pm_output_fd(out), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	pm_output_set_mode(out, 0100640);
	assert_int_equal(pm_output_commit(out), PM_OK);
	pm_output_free(out);
	assert_string_equal(dir_listing(), "out.pst ");
	assert_int_equal(stat("out.pst", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	/* Freed without commit, nothing stays. */
	assert_int_equal(pm_output_create(&ctx, "other", 0, &out), PM_OK);
	pm_output_free(out);
	assert_string_equal(dir_listing(), "out.pst ");
	/* A name as long as names can be, and one in another directory. */
	memset(longest, 'n', 255);
	longest[255] = '\0';
	assert_int_equal(write_file(&ctx, longest, PM_OUTPUT_NOSYNC, "text"), PM_OK);
	assert_content(longest, "text", 4);
	assert_int_equal(mkdir("sub", 0700), 0);
	assert_int_equal(write_file(&ctx, "sub/x", 0, "text"), PM_OK);
	assert_content("sub/x", "text", 4);
	assert_int_equal(unlink("sub/x"), 0);
	assert_int_equal(rmdir("sub"), 0); /* it held nothing else */
	assert_int_equal(ctx.rc, PM_OK);
}

static void check_create(const char *name, unsigned int flags, enum pm_rc rc, const char *text)
{
	struct pm_ctx ctx = {0};
	char before[4096];

	snprintf(before, sizeof(before), "%s", dir_listing());
	assert_int_equal(write_file(&ctx, name, flags, "new text"), rc);
	assert_string_equal(dir_listing(), before);
	if (!rc)
		return;
	assert_non_null(strstr(ctx.text, pm_quote(name).s));
	if (!strstr(ctx.text, text))
		fail_msg("'%s' is not in: %s", text, ctx.text);
}

static void test_output_refused(void **state)
{
	(void)state;
	make_file("there", "old", 3);
	assert_int_equal(symlink("there", "link"), 0);
	assert_int_equal(mkdir("dir", 0700), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	check_create("there", 0, PM_EUSAGE, "--force");
	assert_content("there", "old", 3);
	for (unsigned int flags = 0; flags <= PM_OUTPUT_FORCE; flags++) {
		check_create("link", flags, PM_EUSAGE, "a symbolic link");
		check_create("dir", flags, PM_EUSAGE, "a directory");
		check_create("dir/", flags, PM_EUSAGE, "no file name");
		check_create("", flags, PM_EUSAGE, "no file name");
		check_create("fifo", flags, PM_EUSAGE, "a device or pipe");
		check_create("no/such", flags, PM_EIO, "create it");
		check_create("there/such", flags, PM_EIO, "create it");
	}
	check_create("/proc/pm-x", 0, PM_EIO, "create");
	check_create("there", PM_OUTPUT_FORCE, PM_OK, NULL);
	assert_content("there", "new text", 8);
}

/* A file that takes the name meanwhile is left alone. */
static void test_output_overtaken(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_output *out;

	(void)state;
	assert_int_equal(pm_output_create(&ctx, "out", 0, &out), PM_OK);
	make_file("out", "other", 5);
	assert_int_equal(pm_output_commit(out), PM_EUSAGE);
	assert_non_null(strstr(ctx.text, "exists"));
	pm_output_free(out);
	assert_content("out", "other", 5);
	assert_string_equal(dir_listing(), "out ");
}

static void test_two_at_once(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_output *out[17];

	(void)state;
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(pm_output_create(&ctx, "same", 0, &out[i]), PM_OK);
	assert_int_equal(pm_output_create(&ctx, "same", 0, &out[16]), PM_ELIMIT);
	/* The interrupt: all of them go, and freeing them later does no harm. */
	errno = 77;
	pm_tempfile_unlink_all();
	assert_int_equal(errno, 77);
	assert_string_equal(dir_listing(), "");
	for (unsigned int i = 0; i < 16; i++)
		pm_output_free(out[i]);
	ctx.rc = PM_OK;
	assert_int_equal(pm_output_create(&ctx, "same", 0, &out[0]), PM_OK);
	pm_output_free(out[0]);
}

/* --- clone ----------------------------------------------------------------------------- */

static enum pm_rc clone_to(struct pm_ctx *ctx, struct pm_image *src, const char *name,
			   unsigned int flags)
{
	struct pm_output *out = NULL;
	enum pm_rc rc = pm_output_create(ctx, name, flags, &out), rc2;

	if (!rc)
		rc = pm_output_clone(out, src);
	if (!pm_is_error(rc)) {
		assert_int_equal(pm_output_size(out), src->size);
		rc2 = pm_output_commit(out);
		rc = rc2 ? rc2 : rc;
	}
	pm_output_free(out);
	return rc;
}

static void test_clone(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_image *img, *mem, *bad;
	uint8_t *p = test_pattern();

	(void)state;
	make_file("src", p, TEST_SIZE);
	assert_int_equal(pm_image_open_file(&ctx, "src", &img), PM_OK);
	assert_int_equal(clone_to(&ctx, img, "copy", 0), PM_OK);
	assert_content("copy", p, TEST_SIZE);
	/* Never over the source, by whatever name. */
	assert_int_equal(link("src", "same"), 0);
	assert_int_equal(clone_to(&ctx, img, "same", PM_OUTPUT_FORCE), PM_EUSAGE);
	assert_non_null(strstr(ctx.text, "--in-place"));
	assert_content("src", p, TEST_SIZE);
	ctx.rc = PM_OK;
	/* No file, with a bad sector in it. */
	assert_int_equal(pm_image_open_memory(&ctx, p, TEST_SIZE, &mem), PM_OK);
	assert_int_equal(pm_image_open_fault(&ctx, mem, &bad), PM_OK);
	assert_int_equal(pm_fault_bad(&ctx, bad, 1024000, 512), PM_OK);
	assert_int_equal(clone_to(&ctx, bad, "bad", 0), PM_DAMAGED);
	assert_true(pm_rangeset_contains(&bad->unreadable, 1024000, 1024512));
	assert_int_equal(pm_rangeset_total(&bad->unreadable), 512);
	pm_fault_error_at(bad, 2);
	assert_int_equal(clone_to(&ctx, bad, "worse", 0), PM_EIO);
	assert_int_equal(access("worse", F_OK), -1);
	pm_image_close(bad);
	pm_image_close(mem);
	memset(p + 1024000, 0, 512);
	assert_content("bad", p, TEST_SIZE);
	pm_image_close(img);
	free(p);
}

static void test_clone_cancelled(void **state)
{
	static const int yes = 1;
	struct pm_ctx ctx = {.cancel = &yes};
	struct pm_image *mem;
	uint8_t *p = test_pattern();

	(void)state;
	assert_int_equal(pm_image_open_memory(&ctx, p, TEST_SIZE, &mem), PM_OK);
	assert_int_equal(clone_to(&ctx, mem, "out", 0), PM_ECANCEL);
	assert_string_equal(dir_listing(), "");
	pm_image_close(mem);
	free(p);
}

/* --- systems that can do less --------------------------------------------------------- */

static enum pm_rc copy_src(struct pm_ctx *ctx)
{
	struct pm_image *img;
	enum pm_rc rc = pm_image_open_file(ctx, "src", &img);

	if (!rc) {
		rc = clone_to(ctx, img, "out", 0);
		pm_image_close(img);
	}
	return rc;
}

static enum pm_rc overtaken(struct pm_ctx *ctx)
{
	struct pm_output *out;
	enum pm_rc rc = pm_output_create(ctx, "out", 0, &out);

	if (!rc) {
		make_file("out", "other", 5);
		rc = pm_output_commit(out);
		pm_output_free(out);
	}
	return rc;
}

/* Without each of the newer system calls: the same result, and no name is taken over. */
static void test_old_systems(void **state)
{
	static const unsigned int rows[][3][2] = {
		{{SYS_ioctl, EOPNOTSUPP}},
		{{SYS_ioctl, EOPNOTSUPP}, {SYS_copy_file_range, EXDEV}},
		{{SYS_ioctl, EOPNOTSUPP}, {SYS_copy_file_range, EIO}, {SYS_renameat2, ENOSYS}},
		{{SYS_renameat2, EINVAL}},
		{{SYS_renameat2, EINVAL}, {SYS_link, EPERM}},
	};
	uint8_t *p = test_pattern();

	(void)state;
	make_file("src", p, TEST_SIZE);
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		size_t n = 0;

		while (n < PM_LEN(rows[i]) && rows[i][n][1])
			n++;
		assert_int_equal(in_child(rows[i], n, copy_src), PM_OK);
		assert_content("out", p, TEST_SIZE);
		assert_string_equal(dir_listing(), "out src text ");
		assert_int_equal(unlink("out"), 0);
		assert_int_equal(in_child(rows[i], n, overtaken), PM_EUSAGE);
		assert_content("out", "other", 5);
		assert_string_equal(dir_listing(), "out src text ");
		assert_int_equal(unlink("out"), 0);
	}
	free(p);
}

static void test_no_space_in_copy(void **state)
{
	static const unsigned int calls[][2] = {{SYS_ioctl, EXDEV}, {SYS_copy_file_range, EDQUOT}};

	(void)state;
	make_file("src", "0123456789", 10);
	assert_int_equal(in_child(calls, PM_LEN(calls), copy_src), PM_EIO);
	assert_child_text("free some space");
	assert_string_equal(dir_listing(), "src text ");
}

static enum pm_rc allocate(struct pm_ctx *ctx)
{
	struct pm_output *out;
	enum pm_rc rc = pm_output_create(ctx, "out", 0, &out);

	if (rc)
		return rc;
	rc = pm_output_append(out, "0123", 4);
	if (!rc)
		rc = pm_write_allocate(ctx, pm_output_fd(out), "'out'", 2, 6);
	if (!rc)
		rc = pm_write_allocate(ctx, pm_output_fd(out), "'out'", 0, 3);
	if (!rc)
		rc = pm_output_commit(out);
	pm_output_free(out);
	return rc;
}

static void test_allocate(void **state)
{
	static const struct {
		unsigned int calls[2][2];
		enum pm_rc rc;
		const char *text;
	} rows[] = {
		{{{SYS_fallocate, EOPNOTSUPP}}, PM_OK, NULL},
		{{{SYS_fallocate, ENOSPC}}, PM_EIO, "free some space"},
		{{{SYS_fallocate, EOPNOTSUPP}, {SYS_ftruncate, EFBIG}}, PM_EIO, "that large"},
		{{{SYS_fsync, EINVAL}}, PM_EIO, "bringing it to the disk"},
		{{{SYS_pwrite64, EROFS}}, PM_EIO, "you may write to"},
		{{{SYS_pwrite64, ENODEV}}, PM_EIO, "at offset 0"},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		enum pm_rc rc = in_child(rows[i].calls, 1 + (rows[i].calls[1][1] != 0), allocate);

		assert_int_equal(rc, rows[i].rc);
		if (rc) {
			assert_child_text(rows[i].text);
			assert_string_equal(dir_listing(), "text ");
		} else {
			assert_content("out", "0123\0\0\0\0", 8);
			assert_int_equal(unlink("out"), 0);
		}
	}
}

/* --- every write fails, every write kills ---------------------------------------------- */

/* All that can be done to a file, each step one change; over an old file of the same name. */
static enum pm_rc whole_life(struct pm_ctx *ctx)
{
	struct pm_output *out = NULL;
	struct pm_image *mem;
	enum pm_rc rc = pm_image_open_memory(ctx, "0123456789", 10, &mem);

	if (rc)
		return rc;
	rc = pm_output_create(ctx, "out", PM_OUTPUT_FORCE, &out);
	if (!rc)
		rc = pm_output_clone(out, mem);
	if (!rc)
		rc = pm_output_write(out, 2, "AB", 2);
	if (!rc)
		rc = pm_write_allocate(ctx, pm_output_fd(out), "'out'", 8, 8);
	if (!rc)
		rc = pm_output_append(out, "CD", 2);
	if (!rc)
		rc = pm_output_commit(out);
	pm_output_free(out);
	pm_image_close(mem);
	return rc;
}

static const char finished[] = "01AB456789CD\0\0\0\0";

/* The file is wholly the old or wholly the new one. */
static bool is_finished(void)
{
	char buf[32] = {0};
	int fd = open("out", O_RDONLY);
	ssize_t n = read(fd, buf, sizeof(buf));

	close(fd);
	if (n == 3 && memcmp(buf, "old", 3) == 0)
		return false;
	assert_int_equal(n, 16);
	assert_memory_equal(buf, finished, 16);
	return true;
}

static unsigned int count_changes(void)
{
	struct pm_ctx ctx = {0};
	uint64_t before = pm_write_count();

	make_file("out", "old", 3);
	assert_int_equal(whole_life(&ctx), PM_OK);
	assert_true(is_finished());
	return (unsigned int)(pm_write_count() - before);
}

static void test_every_write_fails(void **state)
{
	unsigned int changes = count_changes();
	char spec[32];

	(void)state;
	assert_true(changes >= 9);
	for (unsigned int i = 0; i < 2 * changes; i++) {
		struct pm_ctx ctx = {0};

		make_file("out", "old", 3);
		snprintf(spec, sizeof(spec), "%u:%s", i / 2 + 1, i % 2 ? "eio" : "enospc");
		assert_true(pm_write_fault_set(spec));
		assert_int_equal(whole_life(&ctx), PM_EIO);
		assert_non_null(strstr(ctx.text, i % 2 ? "Input/output error" : "No space left"));
		assert_non_null(strstr(ctx.text, "; "));
		/* Only the last change comes after the new name: syncing the directory. */
		assert_int_equal(is_finished(), i / 2 + 1 == changes);
		assert_string_equal(dir_listing(), "out ");
	}
	assert_true(pm_write_fault_set(NULL));
}

static void test_every_write_kills(void **state)
{
	unsigned int changes = count_changes();

	(void)state;
	for (unsigned int i = 0; i < 2 * changes; i++) {
		char spec[32];
		int status;
		pid_t pid;

		make_file("out", "old", 3);
		snprintf(spec, sizeof(spec), "%u:%s", i / 2 + 1, i % 2 ? "torn" : "kill");
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct pm_ctx ctx = {0};

			pm_write_fault_set(spec);
			whole_life(&ctx);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_int_equal(is_finished(), i / 2 + 1 == changes);
		if (i == 9) { /* the write of AB, torn */
			char name[64], buf[10];
			int fd;

			snprintf(name, sizeof(name), ".out.pstmend-%ld-0", (long)pid);
			fd = open(name, O_RDONLY);
			assert_int_equal(read(fd, buf, 10), 10);
			assert_memory_equal(buf, "01A3456789", 10);
			close(fd);
		}
	}
}

static void test_fault_spec(void **state)
{
	static const char *const wrong[] = {"",   "1",       "x",    "0:kill",
					    "1:", "1:killl", "kill", ":kill"};
	struct pm_ctx ctx = {0};

	(void)state;
	for (size_t i = 0; i < PM_LEN(wrong); i++) {
		ctx.rc = PM_OK;
		assert_false(pm_write_fault_set(wrong[i]));
		assert_int_equal(write_file(&ctx, "out", 0, "text"), PM_EIO);
		assert_non_null(strstr(ctx.text, "PM_FAULT_WRITE"));
		assert_string_equal(dir_listing(), "");
	}
}

static void test_output_no_memory(void **state)
{
	unsigned int failed = 0;

	(void)state;
	for (uint64_t at = 1;; at++) {
		struct pm_ctx ctx = {0};
		enum pm_rc rc;

		make_file("out", "old", 3);
		pm_mem_fail_at(at);
		rc = whole_life(&ctx);
		pm_mem_fail_at(0);
		is_finished();
		assert_string_equal(dir_listing(), "out ");
		if (!rc)
			break;
		assert_int_equal(rc, PM_ENOMEM);
		failed++;
	}
	assert_true(failed >= 6);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, dir_enter, dir_leave)
	const struct CMUnitTest tests[] = {
		TEST(test_output),
		TEST(test_output_refused),
		TEST(test_output_overtaken),
		TEST(test_two_at_once),
		TEST(test_clone),
		TEST(test_clone_cancelled),
		TEST(test_old_systems),
		TEST(test_no_space_in_copy),
		TEST(test_allocate),
		TEST(test_every_write_fails),
		TEST(test_every_write_kills),
		TEST(test_fault_spec),
		TEST(test_output_no_memory),
	};

	return cmocka_run_group_tests_name("io output", tests, NULL, NULL);
}
