/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the pictures in OLE storages, on compound files made here. */
#include "pm_test.h"

#include "export/ole.h"

enum { SECTOR = 512, SECTORS = 16, SIZE = SECTOR * (SECTORS + 1) };

/* Sector 0 FAT, 1 directory, 2 mini FAT, 3 mini stream, 4 and on a stream of 5000 bytes. */
struct storage {
	uint8_t p[SIZE];
};

static uint8_t *sector(struct storage *s, size_t n)
{
	return s->p + (n + 1) * SECTOR;
}

static void entry(struct storage *s, size_t i, const char *name, uint8_t type, uint32_t start,
		  uint32_t size)
{
	uint8_t *e = sector(s, 1) + i * 128;

	for (size_t k = 0; k < strlen(name); k++)
		pm_put16(e + k * 2, (uint8_t)name[k]);
	pm_put16(e + 64, (uint16_t)((strlen(name) + 1) * 2));
	e[66] = type;
	pm_put32(e + 116, start);
	pm_put32(e + 120, size);
}

static void begin(struct storage *s)
{
	static const uint8_t magic[8] = {0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1};

	memset(s, 0, sizeof(*s));
	memcpy(s->p, magic, 8);
	pm_put16(s->p + 30, 9);
	pm_put32(s->p + 48, 1);
	pm_put32(s->p + 56, 4096);
	pm_put32(s->p + 60, 2);
	pm_put32(s->p + 68, 0xFFFFFFFE);
	for (size_t i = 1; i < 109; i++)
		pm_put32(s->p + 76 + i * 4, UINT32_MAX);
	for (uint32_t i = 0; i < SECTOR / 4; i++) {
		pm_put32(sector(s, 0) + (size_t)i * 4, i < 4 ? 0xFFFFFFFE : i + 1);
		pm_put32(sector(s, 2) + (size_t)i * 4, i + 1);
	}
	entry(s, 0, "Root Entry", 5, 3, SECTOR);
}

static void assert_picture(struct storage *s, const char *type, size_t n, const void *begins,
			   size_t n_begins)
{
	struct pm_ctx ctx = {0};
	struct pm_ole_picture pic;

	assert_int_equal(pm_ole_find_picture(&ctx, (struct pm_span){s->p, SIZE, 0}, &pic), PM_OK);
	assert_string_equal(pic.type, type);
	assert_int_equal(pic.data.n, n);
	assert_memory_equal(pic.data.p, begins, n_begins);
	pm_buf_done(&pic.data);
}

/* A small stream lies in the mini stream. */
static void test_contents(void **state)
{
	struct storage s;

	(void)state;
	begin(&s);
	entry(&s, 1, "CONTENTS", 2, 1, 100);
	memcpy(sector(&s, 3) + 64, "\x89PNG1", 5);
	memcpy(sector(&s, 3) + 128, "second", 6);
	assert_picture(&s, "image/png", 100, "\x89PNG1", 5);

	/* A bitmap as it lies in memory gets the header of a file. */
	memset(sector(&s, 3) + 64, 0, 100);
	pm_put32(sector(&s, 3) + 64, 40);
	pm_put16(sector(&s, 3) + 64 + 14, 24);
	assert_picture(&s, "image/bmp", 114, "BM\x72\0\0\0\0\0\0\0\x36\0\0\0\x28", 15);
}

/* A large one has sectors of its own. */
static void test_presentation(void **state)
{
	struct storage s;
	uint8_t *p;

	(void)state;
	begin(&s);
	entry(&s, 1, "\2OlePres000", 2, 4, 5000);
	p = sector(&s, 4);
	pm_put32(p, UINT32_MAX);
	pm_put32(p + 4, 3); /* CF_METAFILEPICT */
	pm_put32(p + 8, 4);
	pm_put32(p + 28, 1000);
	pm_put32(p + 32, 500);
	pm_put32(p + 36, 4000);
	pm_put16(p + 42, 9);
	assert_picture(&s, "image/wmf", 4022,
		       "\xD7\xCD\xC6\x9A\0\0\0\0\0\0\xE8\x03\xF4\x01\xEC\x09", 16);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Whatever the bytes are: an end, in the bounds of what is there. */
static void test_damaged(void **state)
{
	struct storage whole, s;
	uint32_t seed = 1;

	(void)state;
	begin(&whole);
	entry(&whole, 1, "CONTENTS", 2, 1, 100);
	entry(&whole, 2, "\2OlePres000", 2, 4, 5000);
	for (unsigned int round = 0; round < 3000; round++) {
		struct pm_ctx ctx = {0};
		struct pm_ole_picture pic;
		size_t n = round % 3 ? SIZE : next_random(&seed) % SIZE;
		enum pm_rc rc;

		s = whole;
		for (unsigned int i = 0; i < 6; i++)
			s.p[next_random(&seed) % (SECTOR * 4)] = (uint8_t)next_random(&seed);
		rc = pm_ole_find_picture(&ctx, (struct pm_span){s.p, n, 0}, &pic);
		assert_false(pm_is_error(rc));
		assert_true(pic.data.n <= SIZE + 22);
		pm_buf_done(&pic.data);
	}
}

static void test_none(void **state)
{
	static const uint8_t noise[600] = {1, 2, 3};
	struct pm_ctx ctx = {0};
	struct pm_ole_picture pic;
	struct storage s;

	(void)state;
	begin(&s);
	assert_int_equal(pm_ole_find_picture(&ctx, (struct pm_span){s.p, SIZE, 0}, &pic), PM_NONE);
	assert_int_equal(pm_ole_find_picture(&ctx, (struct pm_span){noise, 600, 0}, &pic), PM_NONE);
	assert_int_equal(pm_ole_find_picture(&ctx, (struct pm_span){NULL, 0, 0}, &pic), PM_NONE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_presentation),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
