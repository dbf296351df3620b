/* SPDX-License-Identifier: Apache-2.0 */
/* The format layer against published test vectors and against itself. */
#include "pm_test.h"

#include "format/crc.h"
#include "format/crypt.h"
#include "format/fields.h"
#include "format/proptag.h"

static void crc_vectors(void **state)
{
	uint8_t ones[496];

	(void)state;
	memset(ones, 0xFF, sizeof(ones));
	assert_int_equal(pm_crc("123456789", 9), 0x2DFD2D88);
	assert_int_equal(pm_crc(ones, sizeof(ones)), 0xA1AAE76E);
	assert_int_equal(pm_crc("\0\0\0\0", 4), 0);
}

/* Each bit of pages and blocks of all sizes is told by the checksum alone. */
static void crc_tells_one_bit(void **state)
{
	static const size_t sizes[] = {1, 8, 9, 496, 8176};
	uint8_t p[8176];
	size_t bit;

	(void)state;
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)(i * 167 ^ i >> 3);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		const size_t n = sizes[k];
		const uint32_t right = pm_crc(p, n);

		for (size_t i = 0; i<8 * n; i += n> 500 ? 61 : 1) {
			p[i / 8] ^= (uint8_t)(1 << i % 8);
			assert_true(pm_crc_bit(pm_crc(p, n) ^ right, n, &bit));
			assert_int_equal(bit, i);
			p[i / 8] ^= (uint8_t)(1 << i % 8);
		}
		assert_false(pm_crc_bit(0, n, &bit));
	}
	const uint32_t right = pm_crc(p, sizeof(p));

	p[0] ^= 1;
	p[4000] ^= 0x80;
	assert_false(pm_crc_bit(pm_crc(p, sizeof(p)) ^ right, sizeof(p), &bit));
}

static void signature_vectors(void **state)
{
	(void)state;
	assert_int_equal(pm_sig(0x5680, 0x64), 0x56E4);
	assert_int_equal(pm_sig(0x8400, 0x17B), 0x857B);
}

/* However many bytes are encoded at once, each becomes what it becomes alone. */
static void crypt_lengths(void **state)
{
	enum { MOST = 300 };
	uint8_t alone[256], b[MOST];

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		alone[i] = (uint8_t)i;
		pm_encode(PM_CRYPT_PERMUTE, 0, &alone[i], 1);
	}
	for (unsigned n = 0; n <= MOST; n++) {
		for (unsigned i = 0; i < MOST; i++)
			b[i] = (uint8_t)(i * 89 + n);
		pm_encode(PM_CRYPT_PERMUTE, 0, b, n);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(b[i], alone[(uint8_t)(i * 89 + n)]);
		for (unsigned i = n; i < MOST; i++)
			assert_int_equal(b[i], (uint8_t)(i * 89 + n));
		pm_decode(PM_CRYPT_PERMUTE, 0, b, n);
		for (unsigned i = 0; i < MOST; i++)
			assert_int_equal(b[i], (uint8_t)(i * 89 + n));
	}
}

static void crypt_vectors(void **state)
{
	static const uint8_t permuted[16] = {0x41, 0x36, 0x13, 0x62, 0xA8, 0x21, 0x6E, 0xBB,
					     0xF4, 0x16, 0xCC, 0x04, 0x7F, 0x64, 0xE8, 0x5D};
	static const uint8_t cyclic0[16] = {0xBB, 0xCF, 0x3B, 0x4F, 0x8B, 0x7C, 0x35, 0x5D,
					    0x97, 0x44, 0x9D, 0xA7, 0xF2, 0x6C, 0xEC, 0xCD};
	static const uint8_t cyclic1[16] = {0x56, 0x7B, 0x5E, 0xC6, 0xED, 0x98, 0xD7, 0x6B,
					    0x6C, 0xD7, 0xBA, 0x79, 0xE0, 0x95, 0x1F, 0xE7};
	uint8_t b[16];

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		b[i] = (uint8_t)i;
	pm_encode(PM_CRYPT_PERMUTE, 0, b, 16);
	assert_memory_equal(b, permuted, 16);
	pm_decode(PM_CRYPT_PERMUTE, 0, b, 16);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(b[i], i);
	pm_encode(PM_CRYPT_CYCLIC, 0x123450FC, b, 16);
	assert_memory_equal(b, cyclic1, 16);
	memset(b, 0, 16);
	pm_encode(PM_CRYPT_CYCLIC, 0x1234, b, 16);
	assert_memory_equal(b, cyclic0, 16);
	pm_decode(PM_CRYPT_CYCLIC, 0x1234, b, 16);
	assert_true(pm_is_zero(b, 16));
}

/* Each field lies inside its structure, no two of one structure overlap, and the generated
 * setter and getter agree. */
static void fields_round_trip(void **state)
{
	(void)state;
	for (size_t v = 0; v < 3; v++) {
		const struct pm_format *f = &pm_formats[v];

		for (size_t i = 0; i < pm_field_count; i++) {
			const struct pm_field *a = &pm_fields[i];
			unsigned wa = pm_field_width(f, a) * pm_field_elements(f, a);

			if (a->offset[v] == PM_NO_FIELD)
				continue;
			assert_ptr_equal(pm_field_find(a->structure, a->name), a);
			for (size_t j = i + 1; j < pm_field_count; j++) {
				const struct pm_field *b = &pm_fields[j];
				unsigned wb = pm_field_width(f, b) * pm_field_elements(f, b);

				if (strcmp(a->structure, b->structure) ||
				    b->offset[v] == PM_NO_FIELD)
					continue;
				assert_true(a->offset[v] + wa <= b->offset[v] ||
					    b->offset[v] + wb <= a->offset[v]);
			}
		}
	}
}

static void getters(void **state)
{
	uint8_t page[4096] = {0};

	(void)state;
	for (size_t v = 0; v < 3; v++) {
		const struct pm_format *f = &pm_formats[v];
		uint64_t big = f->id == 8 ? 0x1122334455667788 : 0x55667788;

		pm_set_BTPAGE_cEnt(f, page, v == 2 ? 0x1234 : 0x34);
		assert_int_equal(pm_BTPAGE_cEnt(f, page), v == 2 ? 0x1234 : 0x34);
		pm_set_HEADER_ibFileEof(f, page, big);
		assert_true(pm_HEADER_ibFileEof(f, page) == big);
		pm_set_HEADER_dwCRCFull(f, page, 0xAABBCCDD);
		assert_int_equal(pm_HEADER_dwCRCFull(f, page), v ? 0xAABBCCDD : 0);
	}
}

/* The derived constants must fit each other. */
static void variants_consistent(void **state)
{
	(void)state;
	for (size_t v = 0; v < 3; v++) {
		const struct pm_format *f = &pm_formats[v];

		assert_int_equal(f->page_data + f->page_trailer, f->page);
		assert_int_equal(f->amap_interval, (uint64_t)f->amap_bytes * 8 * f->unit);
		assert_int_equal(f->amap_skip + f->amap_bytes, f->page_data);
		assert_int_equal(f->data_max + f->block_trailer, f->block_max);
		assert_int_equal(pm_block_stored(f, f->data_max), f->block_max);
		assert_int_equal(pm_block_stored(f, 1), f->unit);
	}
	assert_int_equal(pm_bt_capacity(&pm_formats[0], PM_PTYPE_NBT, 0), 31);
	assert_int_equal(pm_bt_capacity(&pm_formats[1], PM_PTYPE_NBT, 0), 15);
	assert_int_equal(pm_bt_capacity(&pm_formats[1], PM_PTYPE_BBT, 1), 20);
	assert_int_equal(pm_bt_capacity(&pm_formats[2], PM_PTYPE_NBT, 0), 126);
	assert_ptr_equal(pm_format_of_version(23), &pm_formats[PM_UNICODE]);
	assert_null(pm_format_of_version(22));
}

/* First places of the deprecated map pages [MS-PST 2.2.2.7]. */
static void map_pages(void **state)
{
	const struct pm_format *f = &pm_formats[PM_UNICODE];

	(void)state;
	assert_int_equal(pm_map_page_at(f, 0, 0), PM_PTYPE_AMAP);
	assert_int_equal(pm_amap_offset(f, 0) + f->page, 0x4600);
	assert_int_equal(pm_map_page_at(f, 0, 1), PM_PTYPE_PMAP);
	assert_int_equal(pm_map_page_at(f, 1, 1), 0);
	assert_int_equal(pm_amap_offset(f, 8) + f->page, 0x4600 + 2031616);
	assert_int_equal(pm_map_page_at(f, 128, 2), PM_PTYPE_FMAP);
	assert_int_equal(pm_amap_offset(f, 128) + 2 * f->page, 0x1F04800);
	assert_int_equal(pm_map_page_at(f, 8192, 2), PM_PTYPE_FPMAP);
	assert_true(pm_amap_offset(f, 8192) + 2 * f->page == 0x7C004800);
	assert_int_equal(pm_map_bytes(f, 0), 1024);
	assert_int_equal(pm_map_bytes(f, 1), 512);
	assert_int_equal(pm_map_bytes(f, 128), 1536);
	assert_int_equal(pm_map_bytes(&pm_formats[PM_UNICODE4K], 0), 4096);
}

static void proptags(void **state)
{
	static const struct {
		uint16_t type;
		int size;
		unsigned cell;
	} t[] = {
		{PM_PT_BOOL, 1, 1},   {PM_PT_I2, 2, 2},    {PM_PT_I4, 4, 4},
		{PM_PT_TIME, 8, 8},   {PM_PT_GUID, 16, 4}, {PM_PT_UNICODE, 0, 4},
		{PM_PT_BINARY, 0, 4}, {0x1003, 0, 4},      {0x101F, 0, 4},
		{0x0099, -1, 4},      {PM_PT_MV, -1, 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(pm_proptype_size(t[i].type), t[i].size);
		assert_int_equal(pm_proptype_cell(t[i].type), t[i].cell);
	}
	assert_string_equal(pm_proptag_name(0x0037), "PidTagSubject");
	assert_null(pm_proptag_name(0x7777));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_vectors),       cmocka_unit_test(crc_tells_one_bit),
		cmocka_unit_test(signature_vectors), cmocka_unit_test(crypt_vectors),
		cmocka_unit_test(crypt_lengths),     cmocka_unit_test(fields_round_trip),
		cmocka_unit_test(getters),           cmocka_unit_test(variants_consistent),
		cmocka_unit_test(map_pages),         cmocka_unit_test(proptags),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
