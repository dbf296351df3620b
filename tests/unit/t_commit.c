/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the commit in place and of undo files: what the command line can't bring about. */
#include "pm_test.h"

#include "io/file.h"
#include "io/write.h"
#include "io_dir.h"
#include "ndb/header.h"
#include "repair/commit.h"

#include <stdio.h>
#include <unistd.h>

enum { SIZE = 30000, CUT = 29000 };

/* A file with a sound header, and a view that changes some of it. */
struct fixture {
	struct pm_ctx ctx;
	uint8_t bytes[SIZE];
	struct pm_image *img;
	struct pm_target target;
	struct pm_view *view;
	struct pm_commit c;
};

static void set_up(struct fixture *f)
{
	static const uint8_t zeros[3000];
	const struct pm_format *fmt = &pm_formats[PM_UNICODE];
	struct pm_header h;
	uint8_t *p;

	memset(f, 0, sizeof(*f));
	p = test_pattern();
	memcpy(f->bytes, p, SIZE);
	free(p); /* lint: free */
	memcpy(f->bytes + 5000, zeros, sizeof(zeros));
	pm_header_new(fmt, &h);
	h.amap_valid = 2;
	pm_header_encode(fmt, &h);
	memcpy(f->bytes, h.raw, fmt->header);
	make_file("a.pst", f->bytes, SIZE);
	assert_int_equal(pm_image_open_file(&f->ctx, "a.pst", &f->img), PM_OK);
	assert_int_equal(pm_target_open(&f->ctx, "a.pst", PM_TARGET_ONE_NAME, &f->target), PM_OK);
	assert_int_equal(pm_view_new(&f->ctx, f->img, &f->view), PM_OK);
	h.unique += 7;
	pm_header_encode(fmt, &h);
	assert_int_equal(pm_view_put(f->view, 0, h.raw, fmt->header), PM_OK);
	assert_int_equal(pm_view_put(f->view, 5100, "what is new", 11), PM_OK);
	assert_int_equal(pm_view_put(f->view, 12000, zeros, 700), PM_OK);
	f->c = (struct pm_commit){fmt, &f->target, f->img, f->view, "a.undo"};
}

static void tear_down(struct fixture *f)
{
	pm_view_free(f->view);
	pm_target_close(&f->target);
	pm_image_close(f->img);
	unlink("a.pst");
	unlink("a.undo");
}

static void refused(struct fixture *f, enum pm_rc want, const char *text)
{
	struct pm_undo u = {0};

	assert_int_equal(pm_commit_write(&f->ctx, &f->c, &u), want);
	assert_non_null(strstr(f->ctx.text, text));
	pm_undo_done(&u);
	assert_int_equal(access("a.undo", F_OK), -1);
	tear_down(f);
}

static void test_refused(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	make_file("b.pst", "x", 1);
	assert_int_equal(truncate("a.pst", SIZE - 1), 0);
	refused(&f, PM_EIO, "its size changed while it was being repaired");
	set_up(&f);
	assert_int_equal(rename("b.pst", "a.pst"), 0);
	refused(&f, PM_EIO, "another file took its name");
	set_up(&f);
	assert_int_equal(pm_rangeset_add(&f.ctx, &f.img->unreadable, 512, 1024), PM_OK);
	refused(&f, PM_EUNSUP, "parts of it can't be read");
	set_up(&f);
	assert_int_equal(pm_view_map(f.view, 20000, 10000, 500), PM_OK);
	refused(&f, PM_EUNSUP, "its content has to move");
}

static void test_lock(void **state)
{
	struct fixture f;
	struct pm_target second;
	struct pm_ctx ctx = {0};

	(void)state;
	set_up(&f);
	assert_int_equal(pm_target_open(&ctx, "a.pst", 0, &second), PM_EIO);
	assert_non_null(strstr(ctx.text, "another program has a lock on it"));
	pm_target_close(&second);
	tear_down(&f);
}

/* Asked to stop before anything was written but the undo file. */
static void test_cancelled(void **state)
{
	struct fixture f;
	struct pm_undo u = {0};
	const volatile int cancel = 1;

	(void)state;
	set_up(&f);
	f.ctx.cancel = &cancel;
	assert_int_equal(pm_commit_write(&f.ctx, &f.c, &u), PM_ECANCEL);
	assert_non_null(strstr(f.ctx.text, "The file is as it was"));
	pm_undo_done(&u);
	assert_content("a.pst", f.bytes, SIZE);
	assert_int_equal(access("a.undo", F_OK), -1);
	tear_down(&f);
}

static void look(struct fixture *f, const struct pm_undo *u, enum pm_undo_state want)
{
	struct pm_undo_look l;

	assert_int_equal(pm_undo_compare(&f->ctx, u, &f->target, true, &l), PM_OK);
	assert_int_equal(l.state, want);
}

static void test_whole_way(void **state)
{
	struct fixture f;
	struct pm_undo u = {0}, again = {0};

	(void)state;
	set_up(&f);
	assert_int_equal(pm_view_set_size(f.view, CUT), PM_OK);
	assert_int_equal(pm_commit_write(&f.ctx, &f.c, &u), PM_OK);
	assert_int_equal(u.old_size, SIZE);
	assert_int_equal(u.new_size, CUT);
	assert_int_equal(pm_undo_load(&f.ctx, "a.undo", &again), PM_OK);
	assert_int_equal(again.ranges.n, u.ranges.n);
	look(&f, &again, PM_UNDO_DONE);
	assert_int_equal(pm_write_truncate(&f.ctx, f.target.fd, "a", SIZE), PM_OK);
	look(&f, &again, PM_UNDO_BETWEEN);
	assert_int_equal(pm_commit_take_back(&f.ctx, &f.c, &again), PM_OK);
	look(&f, &u, PM_UNDO_ORIGINAL);
	assert_content("a.pst", f.bytes, SIZE);
	assert_int_equal(access("a.undo", F_OK), -1);
	pm_undo_done(&again);
	pm_undo_done(&u);
	tear_down(&f);
}

/* No byte of an undo file can be another, or missing. */
static void test_mutilated(void **state)
{
	struct fixture f;
	struct pm_undo u = {0};

	(void)state;
	set_up(&f);
	assert_int_equal(pm_commit_write(&f.ctx, &f.c, &u), PM_OK);
	for (size_t i = 0; i < u.bytes.n; i++) {
		struct pm_undo bad;
		struct pm_ctx ctx = {0};

		u.bytes.p[i] ^= 0x10;
		make_file("bad", u.bytes.p, u.bytes.n);
		assert_true(pm_is_error(pm_undo_load(&ctx, "bad", &bad)));
		pm_undo_done(&bad);
		u.bytes.p[i] ^= 0x10;
		ctx = (struct pm_ctx){0};
		make_file("bad", u.bytes.p, i);
		assert_true(pm_is_error(pm_undo_load(&ctx, "bad", &bad)));
		pm_undo_done(&bad);
	}
	pm_undo_done(&u);
	tear_down(&f);
}

/* Old bytes of all shapes come back from their code. */
static void test_code(void **state)
{
	struct fixture f;
	struct pm_undo u = {0};
	uint8_t noise[SIZE], old[PM_UNDO_PIECE];
	uint32_t seed = 1;

	(void)state;
	set_up(&f);
	for (size_t i = 600; i < SIZE; i++) {
		seed = seed * 1664525 + 1013904223;
		/* Runs of zeros of every length, and of others. */
		f.bytes[i] = (seed >> 28) < 12 || i % 9000 < 5000 ? 0 : (uint8_t)(seed >> 20);
		noise[i] = (uint8_t)~f.bytes[i];
	}
	assert_int_equal(pm_write_at(&f.ctx, f.target.fd, "a", 600, f.bytes + 600, SIZE - 600),
			 PM_OK);
	assert_int_equal(pm_view_put(f.view, 600, noise + 600, SIZE - 600), PM_OK);
	assert_int_equal(pm_undo_make(&f.ctx, &f.target, f.view, f.c.fmt->header, f.bytes, &u),
			 PM_OK);
	assert_int_equal(u.ranges.v[0].off, 600);
	for (size_t i = 0; i < u.ranges.n; i++) {
		pm_undo_old(&u.ranges.v[i], old);
		assert_memory_equal(old, f.bytes + u.ranges.v[i].off, u.ranges.v[i].n);
		assert_int_equal(u.ranges.v[i].off + u.ranges.v[i].n,
				 i + 1 < u.ranges.n ? u.ranges.v[i + 1].off : SIZE);
	}
	pm_undo_done(&u);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refused, dir_enter, dir_leave),
		cmocka_unit_test_setup_teardown(test_lock, dir_enter, dir_leave),
		cmocka_unit_test_setup_teardown(test_cancelled, dir_enter, dir_leave),
		cmocka_unit_test_setup_teardown(test_whole_way, dir_enter, dir_leave),
		cmocka_unit_test_setup_teardown(test_mutilated, dir_enter, dir_leave),
		cmocka_unit_test_setup_teardown(test_code, dir_enter, dir_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
