/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64; see base64.h. Three bytes are four digits of six bits. Where the processor can, 48 or 24
 * bytes are done at once; else twelve bits are looked up as two characters.
 */
#include "export/base64.h"

#include <pthread.h>
#include <string.h>
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

static const char digits[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* All pairs of digits. */
static uint16_t pairs[4096];
static pthread_once_t pairs_made = PTHREAD_ONCE_INIT;

static void make_pairs(void)
{
	for (unsigned int i = 0; i < 4096; i++)
		memcpy(&pairs[i], (char[2]){digits[i >> 6], digits[i & 63]}, 2);
}

size_t pm_base64(uint8_t *to, const uint8_t *p, size_t n)
{
	uint8_t *start = to;

	pthread_once(&pairs_made, make_pairs);
	for (; n >= 3; n -= 3, p += 3, to += 4) {
		uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

		memcpy(to, &pairs[v >> 12], 2);
		memcpy(to + 2, &pairs[v & 4095], 2);
	}
	if (n) {
		uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0);

		to[0] = (uint8_t)digits[v >> 18];
		to[1] = (uint8_t)digits[v >> 12 & 63];
		to[2] = (uint8_t)(n > 1 ? digits[v >> 6 & 63] : '=');
		to[3] = '=';
		to += 4;
	}
	return (size_t)(to - start);
}

#if defined(__x86_64__) && defined(__GNUC__)
/* Bytes that are read to do 24. */
enum { READ_24 = 28 };

/* 24 bytes as 32 characters: twelve in each half of the register. */
__attribute__((target("avx2"))) static void base64_24(uint8_t *to, const uint8_t *p)
{
	/* Three bytes a, b, c become the 16-bit numbers ab and bc, which hold two digits each. */
	const __m256i spread = _mm256_broadcastsi128_si256(
		_mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
	/* By group of digits, what is added: a to z; 0 to 9 ten times; +; /; A to Z. */
	const __m256i to_ascii = _mm256_broadcastsi128_si256(_mm_setr_epi8(
		'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
		'0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0));
	const __m128i low = _mm_loadu_si128((const __m128i *)(const void *)p);
	const __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(p + 12));
	__m256i v = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), spread);
	/* Multiplying shifts: digits 1 and 3 to the right, 2 and 4 to the left. */
	__m256i odd = _mm256_mulhi_epu16(_mm256_and_si256(v, _mm256_set1_epi32(0x0FC0FC00)),
					 _mm256_set1_epi32(0x04000040));
	__m256i even = _mm256_mullo_epi16(_mm256_and_si256(v, _mm256_set1_epi32(0x003F03F0)),
					  _mm256_set1_epi32(0x01000010));
	__m256i group, upper;

	v = _mm256_or_si256(odd, even);
	/* 0 for up to 51, 1 to 12 for the ten numerals and two signs; 13 for capitals. */
	group = _mm256_subs_epu8(v, _mm256_set1_epi8(51));
	upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), v);
	group = _mm256_or_si256(group, _mm256_and_si256(upper, _mm256_set1_epi8(13)));
	v = _mm256_add_epi8(v, _mm256_shuffle_epi8(to_ascii, group));
	_mm256_storeu_si256((__m256i *)(void *)to, v);
}

/* What 48 bytes and 64 characters have room for, or less: those of `in` as those of `out`. */
__attribute__((target("avx512f,avx512bw,avx512vbmi"))) static void
base64_48(uint8_t *to, __mmask64 out, const uint8_t *p, __mmask64 in)
{
	/* Bytes b, a, c, b of each three a, b, c: four digits at 10, 4, 22, 16 bits from the right. */
	const __m512i spread = _mm512_set_epi32(0x2E2F2D2E, 0x2B2C2A2B, 0x28292728, 0x25262425,
						0x22232122, 0x1F201E1F, 0x1C1D1B1C, 0x191A1819,
						0x16171516, 0x13141213, 0x10110F10, 0x0D0E0C0D,
						0x0A0B090A, 0x07080607, 0x04050304, 0x01020001);
	const __m512i shifts = _mm512_set1_epi64(0x3036242A1016040A);
	const __m512i v = _mm512_permutexvar_epi8(spread, _mm512_maskz_loadu_epi8(in, p));

	_mm512_mask_storeu_epi8(to, out,
				_mm512_permutexvar_epi8(_mm512_multishift_epi64_epi8(shifts, v),
							_mm512_loadu_si512(digits)));
}

void pm_base64_line(uint8_t *to, const uint8_t *p, size_t behind)
{
	const size_t last =
		PM_BASE64_LINE - 24; /* what it has in common with the one before is the same */

	if (__builtin_cpu_supports("avx512vbmi")) {
		base64_48(to, ~(__mmask64)0, p, ((__mmask64)1 << 48) - 1);
		base64_48(to + 64, ((__mmask64)1 << (PM_BASE64_CHARS - 64)) - 1, p + 48,
			  ((__mmask64)1 << (PM_BASE64_LINE - 48)) - 1);
		return;
	}
	if (behind < last + READ_24 - PM_BASE64_LINE || !__builtin_cpu_supports("avx2")) {
		pm_base64(to, p, PM_BASE64_LINE);
		return;
	}
	base64_24(to, p);
	base64_24(to + 32, p + 24);
	base64_24(to + last / 3 * 4, p + last);
}
#else
void pm_base64_line(uint8_t *to, const uint8_t *p, size_t behind)
{
	(void)behind;
	pm_base64(to, p, PM_BASE64_LINE);
}
#endif
