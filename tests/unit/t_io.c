/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the layer io: images, faults and views, against naive models with fixed seeds. */
#include "pm_test.h"

#include "io/fault.h"
#include "io/memory.h"
#include "io/view.h"

static uint64_t rnd_state;

static uint64_t rnd(uint64_t below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state % below;
}

/* Never zero, so that zero-filling shows. */
static void fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(1 + rnd(255));
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* --- bounds ---------------------------------------------------------------------------- */

static void test_bounds(void **state)
{
	static const struct {
		uint64_t off;
		size_t n;
		enum pm_rc rc;
		size_t good;
	} rows[] = {
		{0, 0, PM_OK, 0},        {0, 100, PM_OK, 100},
		{99, 1, PM_OK, 1},       {100, 0, PM_OK, 0},
		{5000, 0, PM_OK, 0},     {0, 101, PM_DAMAGED, 100},
		{99, 20, PM_DAMAGED, 1}, {100, 1, PM_LOST, 0},
		{5000, 128, PM_LOST, 0}, {UINT64_MAX, 128, PM_LOST, 0},
	};
	struct pm_ctx ctx = {0};
	struct pm_image *img;
	uint8_t data[100], buf[128];

	(void)state;
	rnd_state = 1;
	fill(data, sizeof(data));
	assert_int_equal(pm_image_open_memory(&ctx, data, sizeof(data), &img), PM_OK);
	assert_int_equal(pm_image_size(img), 100);
	for (size_t i = 0; i < PM_LEN(rows); i++) {
		memset(buf, 0xee, sizeof(buf));
		assert_int_equal(pm_image_read(&ctx, img, rows[i].off, buf, rows[i].n), rows[i].rc);
		if (rows[i].good)
			assert_memory_equal(buf, data + rows[i].off, rows[i].good);
		for (size_t k = rows[i].good; k < sizeof(buf); k++)
			assert_int_equal(buf[k], k < rows[i].n ? 0 : 0xee);
	}
	assert_int_equal(pm_rangeset_ranges(&img->unreadable), 0);
	assert_int_equal(img->bytes_read, 100 + 1 + 100 + 1);
	assert_int_equal(img->reads, 4);
	pm_image_close(img);
	assert_int_equal(ctx.rc, PM_OK);
}

/* --- unreadable parts ------------------------------------------------------------------ */

enum { DISK = 64 * 1024 - 100 };

struct disk {
	struct pm_ctx ctx;
	struct pm_image *inner, *img;
	uint8_t data[DISK], buf[DISK];
	bool bad[DISK];
};

static struct disk *disk_new(uint64_t seed)
{
	struct disk *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	rnd_state = seed;
	fill(d->data, DISK);
	assert_int_equal(pm_image_open_memory(&d->ctx, d->data, DISK, &d->inner), PM_OK);
	assert_int_equal(pm_image_open_fault(&d->ctx, d->inner, &d->img), PM_OK);
	return d;
}

static void disk_free(struct disk *d)
{
	pm_image_close(d->img);
	pm_image_close(d->inner);
	free(d);
}

/* Sectors that are bad: exactly they are lost, whatever the order and size of reads. */
static void test_bad_sectors(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct disk *d = disk_new(seed);

		for (unsigned int i = 0; i < 6; i++) {
			uint64_t at = rnd(DISK / 512) * 512, n = 512 * (1 + rnd(6));

			n = least(n, DISK - at);
			assert_int_equal(pm_fault_bad(&d->ctx, d->img, at, n), PM_OK);
			memset(d->bad + at, true, n);
		}
		for (unsigned int i = 0; i < 100; i++) {
			uint64_t off = rnd(DISK), n = 1 + rnd(rnd(2) ? 2000 : DISK);
			bool any = false;
			enum pm_rc rc;

			n = least(n, DISK - off);
			rc = pm_image_read(&d->ctx, d->img, off, d->buf, n);
			for (uint64_t k = 0; k < n; k++) {
				bool bad = d->bad[off + k];

				any = any || bad;
				assert_int_equal(d->buf[k], bad ? 0 : d->data[off + k]);
				assert_int_equal(pm_rangeset_contains(&d->img->unreadable, off + k,
								      off + k + 1),
						 bad);
			}
			assert_int_equal(rc, any ? PM_DAMAGED : PM_OK);
		}
		assert_int_equal(d->ctx.rc, PM_OK);
		disk_free(d);
	}
}

/* A bad byte costs its sector at most, and few failing reads; then it is known. */
static void test_bad_byte(void **state)
{
	struct disk *d = disk_new(3);
	struct pm_range r;
	uint64_t reads;

	(void)state;
	assert_int_equal(pm_fault_bad(&d->ctx, d->img, 30000, 1), PM_OK);
	assert_int_equal(pm_image_read(&d->ctx, d->img, 0, d->buf, DISK), PM_DAMAGED);
	assert_true(pm_rangeset_find(&d->img->unreadable, 30000, &r));
	assert_int_equal(r.start, 30000 / 512 * 512);
	assert_int_equal(r.end, r.start + 512);
	assert_int_equal(pm_rangeset_ranges(&d->img->unreadable), 1);
	assert_true(d->img->reads < 40);
	reads = d->img->reads;
	assert_int_equal(pm_image_read(&d->ctx, d->img, r.start, d->buf, 512), PM_DAMAGED);
	assert_int_equal(d->img->reads, reads); /* not tried again */
	assert_int_equal(pm_image_read(&d->ctx, d->img, 0, d->buf, DISK), PM_DAMAGED);
	assert_int_equal(d->img->reads, reads + 2); /* before it, behind it */
	disk_free(d);
}

/* The n-th read fails, for each n: the rest is right, and the work ends. */
static void test_nth_read_fails(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= 12; n++) {
		struct disk *d = disk_new(n);
		uint64_t lost = 0;

		pm_fault_bad_at(d->img, n);
		for (uint64_t off = 0; off < DISK; off += 8192) {
			size_t len = least(8192, DISK - off);
			enum pm_rc rc = pm_image_read(&d->ctx, d->img, off, d->buf, len);

			assert_int_equal(rc, off / 8192 + 1 == n ? PM_DAMAGED : PM_OK);
			for (size_t k = 0; k < len; k++) {
				assert_true(d->buf[k] == 0 || d->buf[k] == d->data[off + k]);
				lost += d->buf[k] == 0;
			}
		}
		assert_int_equal(lost, n == 8 ? 8192 - 100 : n < 8 ? 8192 : 0);
		assert_int_equal(pm_rangeset_total(&d->img->unreadable), lost);
		disk_free(d);
	}
}

/* A read that fails once and not again loses nothing, whatever its length. */
static void test_fails_once(void **state)
{
	static const size_t lengths[] = {1, 100, 512, 513, 8192, DISK};

	(void)state;
	for (size_t i = 0; i < PM_LEN(lengths); i++) {
		struct disk *d = disk_new(i + 1);

		for (uint64_t n = 1; n <= 3; n++) {
			pm_fault_once_at(d->img, n);
			for (uint64_t off = 0; off < DISK && off < 4 * lengths[i];
			     off += lengths[i]) {
				size_t len = least(lengths[i], DISK - off);

				assert_int_equal(pm_image_read(&d->ctx, d->img, off, d->buf, len),
						 PM_OK);
				assert_memory_equal(d->buf, d->data + off, len);
			}
			assert_int_equal(pm_rangeset_ranges(&d->img->unreadable), 0);
		}
		disk_free(d);
	}
}

static void test_real_error(void **state)
{
	struct disk *d = disk_new(4);

	(void)state;
	pm_fault_error_at(d->img, 2);
	assert_int_equal(pm_image_read(&d->ctx, d->img, 0, d->buf, 512), PM_OK);
	assert_int_equal(pm_image_read(&d->ctx, d->img, 512, d->buf, 512), PM_EIO);
	assert_int_equal(d->ctx.rc, PM_EIO);
	assert_int_equal(pm_rangeset_ranges(&d->img->unreadable), 0);
	disk_free(d);
}

/* The device is shorter than it said; and one that gives little at a time. */
static void test_short_device(void **state)
{
	struct disk *d = disk_new(5);

	(void)state;
	pm_fault_short(d->img, 700);
	assert_int_equal(pm_image_read(&d->ctx, d->img, 0, d->buf, DISK), PM_OK);
	assert_memory_equal(d->buf, d->data, DISK);
	assert_int_equal(d->img->bytes_read, DISK);
	pm_fault_end(d->img, 5000);
	assert_int_equal(pm_image_read(&d->ctx, d->img, 4000, d->buf, 3000), PM_DAMAGED);
	assert_memory_equal(d->buf, d->data + 4000, 1000);
	for (size_t k = 1000; k < 3000; k++)
		assert_int_equal(d->buf[k], 0);
	assert_true(pm_rangeset_contains(&d->img->unreadable, 5000, 7000));
	assert_int_equal(pm_rangeset_total(&d->img->unreadable), 2000);
	disk_free(d);
}

static void test_read_no_memory(void **state)
{
	struct disk *d = disk_new(6);

	(void)state;
	assert_int_equal(pm_fault_bad(&d->ctx, d->img, 0, 512), PM_OK);
	pm_mem_fail_at(1);
	assert_int_equal(pm_image_read(&d->ctx, d->img, 0, d->buf, 512), PM_ENOMEM);
	pm_mem_fail_at(0);
	disk_free(d);
}

/* --- view ------------------------------------------------------------------------------ */

enum { BASE = 20000, SPACE = 30000 };

struct model {
	struct pm_ctx ctx;
	struct pm_image *base;
	struct pm_view *view;
	uint64_t size;
	uint8_t base_data[BASE], data[SPACE], changed[SPACE], buf[SPACE + 64];
};

static struct model *model_new(uint64_t seed, uint64_t budget)
{
	struct model *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	rnd_state = seed;
	fill(m->base_data, BASE);
	memcpy(m->data, m->base_data, BASE);
	m->size = BASE;
	assert_int_equal(pm_image_open_memory(&m->ctx, m->base_data, BASE, &m->base), PM_OK);
	assert_int_equal(pm_view_new(&m->ctx, m->base, &m->view), PM_OK);
	assert_int_equal(pm_view_set_spill(m->view, budget, NULL), PM_OK);
	return m;
}

static void model_free(struct model *m)
{
	assert_int_equal(m->ctx.rc, PM_OK);
	pm_view_free(m->view);
	pm_image_close(m->base);
	free(m);
}

static void model_step(struct model *m)
{
	uint64_t what = rnd(20), off = rnd(SPACE - 1), n = 1 + rnd(rnd(4) ? 60 : 3000), src;

	n = least(n, SPACE - off);
	if (what == 0) {
		uint64_t size = rnd(4) ? SPACE / 2 + rnd(SPACE / 2) : rnd(SPACE);

		assert_int_equal(pm_view_set_size(m->view, size), PM_OK);
		if (size < m->size) {
			memset(m->data + size, 0, SPACE - size);
			memset(m->changed + size, 0, SPACE - size);
			if (size < BASE)
				memcpy(m->data + size, m->base_data + size, BASE - size);
		}
		m->size = size;
		return;
	}
	if (what < 13) {
		fill(m->buf, n);
		assert_int_equal(pm_view_put(m->view, off, m->buf, n), PM_OK);
		memcpy(m->data + off, m->buf, n);
		memset(m->changed + off, 1, n);
	} else {
		n = least(n, BASE - 1);
		src = what < 15 && off + n <= BASE ? off : rnd(BASE - n);
		assert_int_equal(pm_view_map(m->view, off, src, n), PM_OK);
		memcpy(m->data + off, m->base_data + src, n);
		memset(m->changed + off, src != off, n);
	}
	if (off + n > m->size)
		m->size = off + n;
}

/* The extents are sorted and apart, cover exactly what changed, and say where from. */
static void check_extents(struct model *m)
{
	struct pm_view_extent e;
	uint64_t at = 0, end = 0;

	for (; pm_view_next(m->view, at, &e); at = e.end) {
		assert_true(e.start >= end && e.start < e.end && e.end <= m->size);
		for (uint64_t k = end; k < e.start; k++)
			assert_int_equal(m->changed[k], 0);
		for (uint64_t k = e.start; k < e.end; k++)
			assert_int_equal(m->changed[k], 1);
		if (e.mapped)
			assert_memory_equal(m->data + e.start, m->base_data + e.src,
					    e.end - e.start);
		end = e.end;
	}
	for (uint64_t k = end; k < m->size; k++)
		assert_int_equal(m->changed[k], 0);
}

static void check_view(struct model *m)
{
	struct pm_image *img = pm_view_image(m->view);
	uint64_t off = rnd(SPACE), n = 1 + rnd(64);
	struct pm_view_extent e;
	enum pm_rc rc = pm_image_read(&m->ctx, img, off, m->buf, n);

	assert_int_equal(pm_image_size(img), m->size);
	assert_int_equal(rc, off >= m->size ? PM_LOST : off + n > m->size ? PM_DAMAGED : PM_OK);
	for (uint64_t k = 0; k < n; k++)
		assert_int_equal(m->buf[k], off + k < m->size ? m->data[off + k] : 0);
	if (pm_view_next(m->view, off, &e)) {
		assert_true(e.start >= off);
		if (e.mapped)
			assert_int_equal(m->base_data[e.src], m->data[e.start]);
	}
	if (rnd(40) == 0) {
		if (m->size > 0)
			assert_int_equal(pm_image_read(&m->ctx, img, 0, m->buf, m->size), PM_OK);
		assert_memory_equal(m->buf, m->data, m->size);
		check_extents(m);
	}
}

static void test_view_random(void **state)
{
	static const uint64_t budgets[] = {0, 3000, UINT64_MAX};

	(void)state;
	for (size_t b = 0; b < PM_LEN(budgets); b++) {
		for (uint64_t seed = 1; seed <= 3; seed++) {
			struct model *m = model_new(seed, budgets[b]);

			for (unsigned int i = 0; i < 2500; i++) {
				model_step(m);
				check_view(m);
			}
			check_extents(m);
			model_free(m);
		}
	}
}

/* What the writer does: a copy of the base, cut to size, the extents put over it. */
static void test_view_written(void **state)
{
	struct model *m = model_new(9, 500);
	uint8_t *file = calloc(1, SPACE);
	struct pm_view_extent e;

	(void)state;
	assert_non_null(file);
	for (unsigned int i = 0; i < 300; i++)
		model_step(m);
	memcpy(file, m->base_data, BASE);
	for (uint64_t at = 0; pm_view_next(m->view, at, &e); at = e.end)
		assert_int_equal(pm_image_read(&m->ctx, pm_view_image(m->view), e.start,
					       file + e.start, e.end - e.start),
				 PM_OK);
	assert_memory_equal(file, m->data, m->size);
	free(file);
	model_free(m);
}

/* Putting a page again and again takes its place once; in order, extents join. */
static void test_view_is_frugal(void **state)
{
	static const uint64_t budgets[] = {0, UINT64_MAX};

	(void)state;
	for (size_t b = 0; b < PM_LEN(budgets); b++) {
		struct model *m = model_new(10, budgets[b]);
		struct pm_view_extent e;

		for (unsigned int i = 0; i < 50; i++)
			assert_int_equal(pm_view_put(m->view, 512, m->base_data, 512), PM_OK);
		assert_int_equal(pm_view_literal_bytes(m->view), 512);
		assert_int_equal(pm_view_put(m->view, 1024, m->base_data, 512), PM_OK);
		assert_true(pm_view_next(m->view, 0, &e));
		assert_true(e.start == 512 && e.end == 1536);
		for (uint64_t at = 2000; at < 3000; at += 100)
			assert_int_equal(pm_view_map(m->view, at, at + 700, 100), PM_OK);
		assert_true(pm_view_next(m->view, 1536, &e));
		assert_true(e.start == 2000 && e.end == 3000 && e.mapped && e.src == 2700);
		assert_false(pm_view_next(m->view, 3000, &e));
		model_free(m);
	}
}

static void test_view_refuses(void **state)
{
	static const struct {
		uint64_t off, src, n;
	} maps[] = {
		{0, BASE, 1},       {0, BASE - 1, 2},   {0, UINT64_MAX, 2},
		{UINT64_MAX, 0, 2}, {0, 0, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i <= PM_LEN(maps); i++) {
		struct model *m = model_new(11, 0);
		struct pm_view_extent e;
		enum pm_rc rc = i < PM_LEN(maps)
					? pm_view_map(m->view, maps[i].off, maps[i].src, maps[i].n)
					: pm_view_put(m->view, UINT64_MAX, "ab", 2);

		assert_int_equal(rc, PM_EBUG);
		assert_false(pm_view_next(m->view, 0, &e));
		m->ctx.rc = PM_OK;
		model_free(m);
	}
}

static void test_view_spill_dir(void **state)
{
	struct model *m = model_new(12, 0);

	(void)state;
	assert_int_equal(pm_view_set_spill(m->view, 100, "/nonexistent/\x1b"), PM_OK);
	assert_int_equal(pm_view_put(m->view, 0, m->base_data, 100), PM_OK);
	assert_int_equal(pm_view_put(m->view, 100, m->base_data, 1), PM_EIO);
	assert_non_null(strstr(m->ctx.text, "'/nonexistent/\\x1b'"));
	assert_non_null(strstr(m->ctx.text, "TMPDIR"));
	m->ctx.rc = PM_OK;
	model_free(m);
}

/* Unreadable parts show through, where the view shows them; literals cover them. */
static void test_view_unreadable(void **state)
{
	struct disk *d = disk_new(13);
	struct pm_view *v;
	struct pm_image *img;

	(void)state;
	assert_int_equal(pm_fault_bad(&d->ctx, d->img, 1024, 512), PM_OK);
	assert_int_equal(pm_view_new(&d->ctx, d->img, &v), PM_OK);
	img = pm_view_image(v);
	assert_int_equal(pm_view_map(v, 10000, 0, 3000), PM_OK);
	assert_int_equal(pm_image_read(&d->ctx, img, 9000, d->buf, 5000), PM_DAMAGED);
	assert_memory_equal(d->buf, d->data + 9000, 1000);
	assert_memory_equal(d->buf + 1000, d->data, 1024);
	assert_int_equal(d->buf[1000 + 1024], 0);
	assert_memory_equal(d->buf + 1000 + 1536, d->data + 1536, 3000 - 1536);
	assert_int_equal(pm_rangeset_total(&img->unreadable), 512);
	assert_true(pm_rangeset_contains(&img->unreadable, 11024, 11536));
	assert_int_equal(pm_image_read(&d->ctx, img, 0, d->buf, 4000), PM_DAMAGED);
	assert_true(pm_rangeset_contains(&img->unreadable, 1024, 1536));
	assert_int_equal(pm_view_put(v, 1000, d->data + 1000, 1000), PM_OK);
	assert_int_equal(pm_image_read(&d->ctx, img, 0, d->buf, 4000), PM_OK);
	assert_memory_equal(d->buf, d->data, 4000);
	assert_int_equal(pm_view_set_size(v, 5000), PM_OK);
	assert_int_equal(pm_rangeset_total(&img->unreadable), 0);
	pm_view_free(v);
	assert_int_equal(d->ctx.rc, PM_OK);
	disk_free(d);
}

/* Any allocation may fail: an error, never a crash or a leak. */
static void test_view_no_memory(void **state)
{
	unsigned int failed = 0;

	(void)state;
	for (uint64_t at = 1;; at++) {
		struct pm_ctx ctx = {0};
		struct pm_image *base = NULL;
		struct pm_view *v = NULL;
		uint8_t data[600] = {1};
		enum pm_rc rc;

		pm_mem_fail_at(at);
		rc = pm_image_open_memory(&ctx, data, sizeof(data), &base);
		if (!rc)
			rc = pm_view_new(&ctx, base, &v);
		for (uint64_t i = 0; !rc && i < 200; i++)
			rc = i % 3 ? pm_view_put(v, i * 50, data, 30)
				   : pm_view_map(v, i * 50 - i, i, 40);
		pm_mem_fail_at(0);
		pm_view_free(v);
		pm_image_close(base);
		if (!rc)
			break;
		assert_int_equal(rc, PM_ENOMEM);
		failed++;
	}
	assert_true(failed >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),         cmocka_unit_test(test_bad_sectors),
		cmocka_unit_test(test_bad_byte),       cmocka_unit_test(test_nth_read_fails),
		cmocka_unit_test(test_fails_once),     cmocka_unit_test(test_real_error),
		cmocka_unit_test(test_short_device),   cmocka_unit_test(test_read_no_memory),
		cmocka_unit_test(test_view_random),    cmocka_unit_test(test_view_written),
		cmocka_unit_test(test_view_is_frugal), cmocka_unit_test(test_view_refuses),
		cmocka_unit_test(test_view_spill_dir), cmocka_unit_test(test_view_unreadable),
		cmocka_unit_test(test_view_no_memory),
	};

	return cmocka_run_group_tests_name("io", tests, NULL, NULL);
}
