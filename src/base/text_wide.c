/* SPDX-License-Identifier: Apache-2.0 */
/* See text_wide.h. Without such instructions nothing is done, and the caller does it unit by unit. */
#include "base/text_wide.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2")))

enum { UNITS = 16 };

__attribute__((target("avx2"))) static __m256i units(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* 16 units, none of them a surrogate, as up to three bytes each in 16 numbers, then close together. */
WIDE static size_t put_16(uint8_t *to, __m256i v)
{
	const __m512i c = _mm512_cvtepu16_epi32(v), low = _mm512_set1_epi32(0x3F);
	const __mmask16 two = _mm512_cmpge_epu32_mask(c, _mm512_set1_epi32(0x80));
	const __mmask16 three = _mm512_cmpge_epu32_mask(c, _mm512_set1_epi32(0x800));
	const __m512i tail = _mm512_and_si512(c, low), up6 = _mm512_srli_epi32(c, 6);
	const __m512i mid = _mm512_and_si512(up6, low), up12 = _mm512_srli_epi32(c, 12);
	/* 110xxxxx 10xxxxxx, 1110xxxx 10xxxxxx 10xxxxxx; the first byte is the lowest. */
	const __m512i as2 = _mm512_or_si512(_mm512_or_si512(up6, _mm512_slli_epi32(tail, 8)),
					    _mm512_set1_epi32(0x80C0));
	const __m512i as3 = _mm512_or_si512(
		_mm512_or_si512(up12, _mm512_set1_epi32(0x8080E0)),
		_mm512_or_si512(_mm512_slli_epi32(mid, 8), _mm512_slli_epi32(tail, 16)));
	__m512i bytes = _mm512_mask_blend_epi32(two, c, as2);
	__m512i there =
		_mm512_mask_blend_epi32(two, _mm512_set1_epi32(0x80), _mm512_set1_epi32(0x8080));
	__mmask64 which;

	bytes = _mm512_mask_blend_epi32(three, bytes, as3);
	there = _mm512_mask_blend_epi32(three, there, _mm512_set1_epi32(0x808080));
	which = _mm512_movepi8_mask(there);
	_mm512_storeu_si512(to, _mm512_maskz_compress_epi8(which, bytes));
	return (size_t)__builtin_popcountll(which);
}

WIDE static size_t put(uint8_t *to, size_t room, const uint8_t *p, size_t n, size_t *ret_put)
{
	const __m256i not_ascii = _mm256_set1_epi16((short)0xFF80);
	const __m256i top = _mm256_set1_epi16((short)0xF800);
	const __m256i surrogate = _mm256_set1_epi16((short)0xD800);
	size_t at = 0, used = 0;

	while (n - at >= 2 * UNITS && room - used >= PM_WIDE_ROOM) {
		const __m256i v = units(p + at);

		if (_mm256_testz_si256(v, not_ascii)) {
			_mm_storeu_si128((__m128i *)(void *)(to + used), _mm256_cvtepi16_epi8(v));
			used += UNITS;
		} else if (_mm256_cmpeq_epi16_mask(_mm256_and_si256(v, top), surrogate)) {
			break;
		} else {
			used += put_16(to + used, v);
		}
		at += 2 * UNITS;
	}
	*ret_put = used;
	return at;
}

size_t pm_utf16_put_wide(uint8_t *to, size_t room, const uint8_t *p, size_t n, size_t *ret_put)
{
	*ret_put = 0;
	return __builtin_cpu_supports("avx512vbmi2") ? put(to, room, p, n, ret_put) : 0;
}

__attribute__((target("avx2"))) static size_t plain(const uint8_t *p, size_t n)
{
	const __m256i top = _mm256_set1_epi16((short)0xF800);
	const __m256i surrogate = _mm256_set1_epi16((short)0xD800);
	size_t at = 0;

	for (; n - at >= 4 * UNITS; at += 4 * UNITS) {
		const __m256i a = _mm256_and_si256(units(p + at), top);
		const __m256i b = _mm256_and_si256(units(p + at + 2 * UNITS), top);
		const __m256i any = _mm256_or_si256(_mm256_cmpeq_epi16(a, surrogate),
						    _mm256_cmpeq_epi16(b, surrogate));

		if (!_mm256_testz_si256(any, any))
			break;
	}
	return at;
}

size_t pm_utf16_plain_wide(const uint8_t *p, size_t n)
{
	return __builtin_cpu_supports("avx2") ? plain(p, n) : 0;
}
#else
size_t pm_utf16_put_wide(uint8_t *to, size_t room, const uint8_t *p, size_t n, size_t *ret_put)
{
	(void)to, (void)room, (void)p, (void)n;
	*ret_put = 0;
	return 0;
}

size_t pm_utf16_plain_wide(const uint8_t *p, size_t n)
{
	(void)p, (void)n;
	return 0;
}
#endif
