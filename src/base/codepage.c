/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code pages by iconv, under the names that glibc knows. Where Windows and the standard of
 * the same name differ, the table names what Windows does. Two 7-bit encodings are unpacked
 * here first: ISO-2022-JP, because mail has NEC's characters in it that glibc refuses, and HZ,
 * which glibc doesn't have.
 */
#include "base/codepage.h"

#include "base/text.h"

#include <errno.h>
#include <iconv.h>

#define CHUNK 1024

enum cp_flag {
	CP_ASCII = 1,    /* bytes below 0x80 are ASCII, wherever a character begins */
	CP_COMPOSES = 2, /* iconv holds a letter back to join it with what follows */
	CP_JIS7 = 4,     /* ISO-2022-JP, unpacked to code page 932 */
	CP_HZ = 8,       /* HZ, unpacked to code page 936 */
	CP_UTF8 = 16,
	CP_UTF16 = 32,
};

struct code_page {
	uint32_t cp;
	unsigned int flags;
	const char *iconv;
	const char *mime;
};

/* clang-format off */
static const struct code_page code_pages[] = {
	{37, 0, "IBM037", "ibm037"},
	{437, CP_ASCII, "CP437", "ibm437"},
	{500, 0, "IBM500", "ibm500"},
	{737, CP_ASCII, "CP737", NULL},
	{775, CP_ASCII, "CP775", "ibm775"},
	{850, CP_ASCII, "CP850", "ibm850"},
	{852, CP_ASCII, "CP852", "ibm852"},
	{855, CP_ASCII, "CP855", "ibm855"},
	{857, CP_ASCII, "CP857", "ibm857"},
	{858, CP_ASCII, "CP858", "ibm00858"},
	{860, CP_ASCII, "CP860", "ibm860"},
	{861, CP_ASCII, "CP861", "ibm861"},
	{862, CP_ASCII, "CP862", "ibm862"},
	{863, CP_ASCII, "CP863", "ibm863"},
	{864, 0, "CP864", "ibm864"},
	{865, CP_ASCII, "CP865", "ibm865"},
	{866, CP_ASCII, "CP866", "ibm866"},
	{869, CP_ASCII, "CP869", "ibm869"},
	{870, 0, "IBM870", "ibm870"},
	{874, CP_ASCII, "CP874", "windows-874"},
	{875, 0, "CP875", NULL},
	{932, CP_ASCII, "CP932", "shift_jis"},
	{936, CP_ASCII, "CP936", "gbk"},
	{949, CP_ASCII, "UHC", "ks_c_5601-1987"},
	{950, CP_ASCII, "CP950", "big5"},
	{1026, 0, "IBM1026", "ibm1026"},
	{1047, 0, "IBM1047", "ibm1047"},
	{1140, 0, "CP1140", "ibm01140"},
	{1141, 0, "CP1141", "ibm01141"},
	{1142, 0, "CP1142", "ibm01142"},
	{1143, 0, "CP1143", "ibm01143"},
	{1144, 0, "CP1144", "ibm01144"},
	{1145, 0, "CP1145", "ibm01145"},
	{1146, 0, "CP1146", "ibm01146"},
	{1147, 0, "CP1147", "ibm01147"},
	{1148, 0, "CP1148", "ibm01148"},
	{1149, 0, "CP1149", "ibm01149"},
	{1200, CP_UTF16, NULL, "utf-16le"},
	{1201, 0, "UTF-16BE", "utf-16be"},
	{1250, CP_ASCII, "CP1250", "windows-1250"},
	{1251, CP_ASCII, "CP1251", "windows-1251"},
	{1252, CP_ASCII, "CP1252", "windows-1252"},
	{1253, CP_ASCII, "CP1253", "windows-1253"},
	{1254, CP_ASCII, "CP1254", "windows-1254"},
	{1255, CP_ASCII | CP_COMPOSES, "CP1255", "windows-1255"},
	{1256, CP_ASCII, "CP1256", "windows-1256"},
	{1257, CP_ASCII, "CP1257", "windows-1257"},
	{1258, CP_ASCII | CP_COMPOSES, "CP1258", "windows-1258"},
	{1361, CP_ASCII, "CP1361", NULL},
	{10000, CP_ASCII, "MACINTOSH", "macintosh"},
	{10001, CP_ASCII, "CP932", NULL},
	{10002, CP_ASCII, "BIG5", NULL},
	{10003, CP_ASCII, "EUC-KR", NULL},
	{10007, CP_ASCII, "MAC-CYRILLIC", "x-mac-cyrillic"},
	{10008, CP_ASCII, "EUC-CN", NULL},
	{10017, CP_ASCII, "MAC-UK", NULL},
	{10021, CP_ASCII, "TIS-620", NULL},
	{10029, CP_ASCII, "MAC-CENTRALEUROPE", NULL},
	{10079, CP_ASCII, "MAC-IS", NULL},
	{12000, 0, "UTF-32LE", "utf-32le"},
	{12001, 0, "UTF-32BE", "utf-32be"},
	{20000, CP_ASCII, "EUC-TW", NULL},
	{20105, CP_ASCII, "US-ASCII", "us-ascii"},
	{20106, 0, "DIN_66003", NULL},
	{20107, 0, "SEN_850200_B", NULL},
	{20108, 0, "NS_4551-1", NULL},
	{20127, CP_ASCII, "US-ASCII", "us-ascii"},
	{20261, 0, "T.61-8BIT", NULL},
	{20269, 0, "ISO_6937", NULL},
	{20273, 0, "IBM273", "ibm273"},
	{20277, 0, "IBM277", "ibm277"},
	{20278, 0, "IBM278", "ibm278"},
	{20280, 0, "IBM280", "ibm280"},
	{20284, 0, "IBM284", "ibm284"},
	{20285, 0, "IBM285", "ibm285"},
	{20290, 0, "IBM290", "ibm290"},
	{20297, 0, "IBM297", "ibm297"},
	{20420, 0, "IBM420", "ibm420"},
	{20423, 0, "IBM423", "ibm423"},
	{20424, 0, "IBM424", "ibm424"},
	{20866, CP_ASCII, "KOI8-R", "koi8-r"},
	{20871, 0, "IBM871", "ibm871"},
	{20880, 0, "IBM880", "ibm880"},
	{20905, 0, "IBM905", "ibm905"},
	{20924, 0, "IBM1047", NULL},
	{20932, CP_ASCII, "EUC-JP-MS", "euc-jp"},
	{20936, CP_ASCII, "EUC-CN", "gb2312"},
	{20949, CP_ASCII, "UHC", NULL},
	{21025, 0, "CP1025", NULL},
	{21866, CP_ASCII, "KOI8-U", "koi8-u"},
	{28591, CP_ASCII, "ISO-8859-1", "iso-8859-1"},
	{28592, CP_ASCII, "ISO-8859-2", "iso-8859-2"},
	{28593, CP_ASCII, "ISO-8859-3", "iso-8859-3"},
	{28594, CP_ASCII, "ISO-8859-4", "iso-8859-4"},
	{28595, CP_ASCII, "ISO-8859-5", "iso-8859-5"},
	{28596, CP_ASCII, "ISO-8859-6", "iso-8859-6"},
	{28597, CP_ASCII, "ISO-8859-7", "iso-8859-7"},
	{28598, CP_ASCII, "ISO-8859-8", "iso-8859-8"},
	{28599, CP_ASCII, "ISO-8859-9", "iso-8859-9"},
	{28600, CP_ASCII, "ISO-8859-10", "iso-8859-10"},
	{28601, CP_ASCII, "ISO-8859-11", "iso-8859-11"},
	{28603, CP_ASCII, "ISO-8859-13", "iso-8859-13"},
	{28604, CP_ASCII, "ISO-8859-14", "iso-8859-14"},
	{28605, CP_ASCII, "ISO-8859-15", "iso-8859-15"},
	{28606, CP_ASCII, "ISO-8859-16", "iso-8859-16"},
	{38598, CP_ASCII, "ISO-8859-8", "iso-8859-8-i"},
	{50220, CP_JIS7, "CP932", "iso-2022-jp"},
	{50221, CP_JIS7, "CP932", "iso-2022-jp"},
	{50222, CP_JIS7, "CP932", "iso-2022-jp"},
	{50225, 0, "ISO-2022-KR", "iso-2022-kr"},
	{50227, 0, "ISO-2022-CN", "iso-2022-cn"},
	{51932, CP_ASCII, "EUC-JP-MS", "euc-jp"},
	{51936, CP_ASCII, "CP936", "gb2312"},
	{51949, CP_ASCII, "UHC", "euc-kr"},
	{51950, CP_ASCII, "EUC-TW", "euc-tw"},
	{52936, CP_HZ, "CP936", "hz-gb-2312"},
	{54936, CP_ASCII, "GB18030", "gb18030"},
	{65000, 0, "UTF-7", "utf-7"},
	{65001, CP_ASCII | CP_UTF8, NULL, "utf-8"},
};
/* clang-format on */

/* Labels met in mail that are no MIME name of the table above. */
static const struct {
	const char *name;
	uint32_t cp;
} aliases[] = {
	{"ascii", 20127},        {"big5-hkscs", 950},
	{"cp936", 936},          {"cp949", 949},
	{"cseuckr", 51949},      {"cskoi8r", 20866},
	{"csshiftjis", 932},     {"euc-jp", 51932},
	{"gb2312", 936},         {"gb_2312-80", 936},
	{"iso8859-1", 28591},    {"iso_8859-1", 28591},
	{"iso-8859-8-e", 28598}, {"koi8-ru", 21866},
	{"ks_c_5601", 949},      {"latin1", 28591},
	{"mac", 10000},          {"ms_kanji", 932},
	{"sjis", 932},           {"tis-620", 874},
	{"unicode", 1200},       {"unicode-1-1-utf-7", 65000},
	{"us-ascii", 20127},     {"utf-16", 1200},
	{"utf-32", 12000},       {"utf7", 65000},
	{"utf8", 65001},         {"windows-31j", 932},
	{"windows-936", 936},    {"windows-949", 949},
	{"x-cp1250", 1250},      {"x-cp1251", 1251},
	{"x-cp1252", 1252},      {"x-euc-jp", 51932},
	{"x-gbk", 936},          {"x-sjis", 932},
};

static const struct code_page *find(uint32_t cp)
{
	size_t lo = 0, hi = sizeof(code_pages) / sizeof(code_pages[0]);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (code_pages[mid].cp == cp)
			return &code_pages[mid];
		if (code_pages[mid].cp < cp)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* --- by iconv ------------------------------------------------------------------------ */

static void add_replacement(struct pm_ctx *ctx, struct pm_buf *out, uint64_t *bad)
{
	pm_buf_str(ctx, out, PM_UTF8_REPLACEMENT);
	++*bad;
}

/* Let out the letter that a composing encoding may hold back. */
static void flush(struct pm_ctx *ctx, struct pm_buf *out, iconv_t cd)
{
	char chunk[64], *o = chunk;
	size_t left = sizeof(chunk);

	if (iconv(cd, NULL, NULL, &o, &left) != (size_t)-1)
		pm_buf_add(ctx, out, chunk, sizeof(chunk) - left);
}

static void run_iconv(struct pm_ctx *ctx, struct pm_buf *out, const struct code_page *page,
		      iconv_t cd, const uint8_t *p, size_t n, uint64_t *bad)
{
	/* iconv doesn't write to its input; its prototype only lacks the const. */
	union {
		const uint8_t *c;
		char *v;
	} in = {.c = p};

	while (n && !out->bad) {
		char chunk[CHUNK], *o = chunk;
		size_t left = sizeof(chunk);
		size_t rc = iconv(cd, &in.v, &n, &o, &left);
		int e = rc == (size_t)-1 ? errno : 0;

		pm_buf_add(ctx, out, chunk, sizeof(chunk) - left);
		if (!e || (e == E2BIG && left < sizeof(chunk)))
			continue;
		if (page->flags & CP_COMPOSES)
			flush(ctx, out, cd);
		add_replacement(ctx, out, bad);
		if (e == EINVAL || !n) /* incomplete at the end; some of glibc's say EILSEQ */
			return;
		in.c++;
		n--;
	}
}

/* Without an iconv (unknown code page, or modules not installed) ASCII is all one can tell. */
static void run_ascii(struct pm_ctx *ctx, struct pm_buf *out, const uint8_t *p, size_t n,
		      uint64_t *bad)
{
	for (size_t i = 0; i < n && !out->bad; i++) {
		if (p[i] < 0x80)
			pm_buf_byte(ctx, out, p[i]);
		else
			add_replacement(ctx, out, bad);
	}
}

/* The last converter of a thread stays open: opening loads a module each time. */
static __thread struct {
	const struct code_page *page; /* NULL: none is open */
	iconv_t cd;
} last;

void pm_cp_done(void)
{
	if (last.page)
		iconv_close(last.cd);
	last.page = NULL;
}

static iconv_t converter(const struct code_page *page)
{
	iconv_t next;

	if (page == last.page) {
		iconv(last.cd, NULL, NULL, NULL, NULL);
		return last.cd;
	}
	next = iconv_open("UTF-8", page->iconv);
	if (next == (iconv_t)-1)
		return next;
	pm_cp_done();
	last.page = page;
	last.cd = next;
	return next;
}

static void run_page(struct pm_ctx *ctx, struct pm_buf *out, const struct code_page *page,
		     const uint8_t *p, size_t n, uint64_t *bad)
{
	iconv_t cd = converter(page);

	if (cd == (iconv_t)-1) {
		if (errno == ENOMEM) {
			pm_fail_oom(ctx);
			out->bad = true;
			return;
		}
		run_ascii(ctx, out, p, n, bad);
		return;
	}
	run_iconv(ctx, out, page, cd, p, n, bad);
	flush(ctx, out, cd);
}

/* --- 7-bit encodings ----------------------------------------------------------------- */

enum jis_set {
	JIS_ASCII,
	JIS_KANA,
	JIS_KANJI,
	JIS_OTHER, /* JIS X 0212 and sets that code page 932 doesn't have */
};

static const struct {
	char escape[5]; /* after ESC */
	enum jis_set set;
} jis_sets[] = {
	{"(B", JIS_ASCII},  {"(J", JIS_ASCII}, {"(H", JIS_ASCII},  {"(I", JIS_KANA},
	{"$@", JIS_KANJI},  {"$B", JIS_KANJI}, {"$(D", JIS_OTHER}, {"$A", JIS_OTHER},
	{"$(C", JIS_OTHER}, {"&@", JIS_KANJI}, {"$(@", JIS_KANJI}, {"$(B", JIS_KANJI},
};

/* The length of the escape sequence at p (which is ESC), 0 if it is none; sets *set. */
static size_t jis_escape(const uint8_t *p, size_t n, enum jis_set *set)
{
	for (size_t i = 0; i < sizeof(jis_sets) / sizeof(jis_sets[0]); i++) {
		size_t len = strlen(jis_sets[i].escape);

		if (n > len && memcmp(p + 1, jis_sets[i].escape, len) == 0) {
			if (jis_sets[i].escape[0] != '&') /* only says which revision follows */
				*set = jis_sets[i].set;
			return len + 1;
		}
	}
	return 0;
}

/* Row and cell of JIS X 0208, each 0x21 to 0x7E, as Shift-JIS. */
static void jis_pair(struct pm_ctx *ctx, struct pm_buf *sjis, unsigned int row, unsigned int cell)
{
	unsigned int lead = (row - 0x21) / 2 + 0x81;

	if (row & 1)
		cell += cell < 0x60 ? 0x1F : 0x20;
	else
		cell += 0x7E;
	pm_buf_byte(ctx, sjis, (uint8_t)(lead > 0x9F ? lead + 0x40 : lead));
	pm_buf_byte(ctx, sjis, (uint8_t)cell);
}

static bool is_94(uint8_t c)
{
	return c > 0x20 && c < 0x7F;
}

#define SJIS_NOTHING 0xFD /* a byte that code page 932 refuses */

/* ISO-2022-JP to Shift-JIS; bytes with the high bit set (Shift-JIS, mislabelled) stay. */
static void jis_unpack(struct pm_ctx *ctx, struct pm_buf *sjis, const uint8_t *p, size_t n)
{
	enum jis_set set = JIS_ASCII, before = JIS_ASCII;
	size_t at = 0;

	while (at < n && !sjis->bad) {
		uint8_t c = p[at];
		size_t len = c == 0x1B ? jis_escape(p + at, n - at, &set) : 0;

		if (len) {
			at += len;
			continue;
		}
		at++;
		if (c == 0x0E && set != JIS_KANA) { /* SO, as in code page 50222 */
			before = set;
			set = JIS_KANA;
		} else if (c == 0x0F) { /* SI */
			set = before;
		} else if (c == '\r' || c == '\n') { /* a line begins in ASCII */
			set = before = JIS_ASCII;
			pm_buf_byte(ctx, sjis, c);
		} else if (set == JIS_ASCII || !is_94(c)) {
			pm_buf_byte(ctx, sjis, c);
		} else if (set == JIS_KANA) {
			pm_buf_byte(ctx, sjis, c < 0x60 ? c | 0x80 : SJIS_NOTHING);
		} else if (at < n && is_94(p[at]) && set == JIS_KANJI) {
			jis_pair(ctx, sjis, c, p[at++]);
		} else {
			at += at < n && is_94(p[at]);
			pm_buf_byte(ctx, sjis, SJIS_NOTHING);
		}
	}
}

/* HZ [RFC 1843] to GBK: between ~{ and ~} pairs of bytes lack their high bit. */
static void hz_unpack(struct pm_ctx *ctx, struct pm_buf *gbk, const uint8_t *p, size_t n)
{
	bool gb = false;
	size_t at = 0;

	while (at < n && !gbk->bad) {
		uint8_t c = p[at], d = at + 1 < n ? p[at + 1] : 0;

		if (c == '~' && (d == '{' || d == '}')) {
			gb = d == '{';
			at += 2;
		} else if (!gb && c == '~' && (d == '~' || d == '\n')) {
			if (d == '~')
				pm_buf_byte(ctx, gbk, c);
			at += 2;
		} else if (gb && is_94(c) && is_94(d)) {
			pm_buf_byte(ctx, gbk, c | 0x80);
			pm_buf_byte(ctx, gbk, d | 0x80);
			at += 2;
		} else {
			gb = gb && c != '\n';
			pm_buf_byte(ctx, gbk, c);
			at++;
		}
	}
}

static void run_packed(struct pm_ctx *ctx, struct pm_buf *out, const struct code_page *page,
		       const uint8_t *p, size_t n, uint64_t *bad)
{
	struct pm_buf plain = {0};

	if (page->flags & CP_JIS7)
		jis_unpack(ctx, &plain, p, n);
	else
		hz_unpack(ctx, &plain, p, n);
	if (plain.bad)
		out->bad = true;
	else
		run_page(ctx, out, page, plain.p, plain.n, bad);
	pm_buf_done(&plain);
}

/* --- interface ----------------------------------------------------------------------- */

static size_t ascii_prefix(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] < 0x80)
		i++;
	return i;
}

enum pm_rc pm_cp_to_utf8(struct pm_ctx *ctx, struct pm_buf *out, uint32_t cp, const void *ptr,
			 size_t n, uint64_t *ret_bad)
{
	const struct code_page *page = find(cp);
	const uint8_t *p = ptr;
	uint64_t bad = 0;

	if (page && page->flags & CP_UTF8)
		return pm_utf8_clean(ctx, out, p, n, ret_bad);
	if (page && page->flags & CP_UTF16)
		return pm_utf16_to_utf8(ctx, out, p, n, ret_bad);
	if (page && page->flags & CP_ASCII) { /* most strings end here */
		size_t plain = ascii_prefix(p, n);

		if (plain == n || !(page->flags & CP_COMPOSES)) {
			pm_buf_add(ctx, out, p, plain);
			p = plain ? p + plain : p;
			n -= plain;
		}
	}
	if (!n)
		;
	else if (!page)
		run_ascii(ctx, out, p, n, &bad);
	else if (page->flags & (CP_JIS7 | CP_HZ))
		run_packed(ctx, out, page, p, n, &bad);
	else
		run_page(ctx, out, page, p, n, &bad);
	if (out->bad)
		return ctx->rc != PM_OK ? ctx->rc : PM_ENOMEM;
	if (ret_bad)
		*ret_bad = bad;
	return bad ? PM_DAMAGED : PM_OK;
}

enum pm_rc pm_cp_from_utf8(struct pm_ctx *ctx, struct pm_buf *out, uint32_t cp, const void *ptr,
			   size_t n)
{
	const struct code_page *page = find(cp);
	const size_t room = 4 * n + 16; /* no code page takes more for a character */
	union {
		const void *c;
		char *v;
	} in = {.c = ptr};
	char *made, *o;
	size_t left = room, rc;
	iconv_t cd;

	if (!page || page->flags & (CP_JIS7 | CP_HZ | CP_UTF16))
		return PM_NONE;
	if (page->flags & CP_UTF8) {
		pm_buf_add(ctx, out, ptr, n);
		return ctx->rc;
	}
	cd = iconv_open(page->iconv, "UTF-8");
	if (cd == (iconv_t)-1)
		return errno == ENOMEM ? pm_fail_oom(ctx) : PM_NONE;
	o = made = pm_calloc(ctx, room, 1);
	rc = made ? iconv(cd, &in.v, &n, &o, &left) : (size_t)-1;
	if (rc != (size_t)-1)
		rc += iconv(cd, NULL, NULL, &o, &left);
	if (made && rc == 0) /* neither refused nor replaced */
		pm_buf_add(ctx, out, made, room - left);
	pm_free(made);
	iconv_close(cd);
	return ctx->rc ? ctx->rc : rc == 0 ? PM_OK : PM_NONE;
}

bool pm_cp_known(uint32_t cp)
{
	return find(cp) != NULL;
}

bool pm_cp_is_ascii(uint32_t cp)
{
	const struct code_page *page = find(cp);

	return page && page->flags & CP_ASCII;
}

const char *pm_cp_mime(uint32_t cp)
{
	const struct code_page *page = find(cp);

	return page ? page->mime : NULL;
}

static bool is_name(const char *known, const char *name, size_t n)
{
	return known && strlen(known) == n && pm_ascii_ncasecmp(known, name, n) == 0;
}

uint32_t pm_cp_by_name(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (is_name(aliases[i].name, name, n))
			return aliases[i].cp;
	}
	for (size_t i = 0; i < sizeof(code_pages) / sizeof(code_pages[0]); i++) {
		if (is_name(code_pages[i].mime, name, n))
			return code_pages[i].cp;
	}
	for (size_t i = 0; i < sizeof(code_pages) / sizeof(code_pages[0]); i++) {
		if (is_name(code_pages[i].iconv, name, n))
			return code_pages[i].cp;
	}
	return 0;
}

uint32_t pm_cp_list(size_t i)
{
	return i < sizeof(code_pages) / sizeof(code_pages[0]) ? code_pages[i].cp : 0;
}
