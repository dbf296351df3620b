/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the RTF reader and what it makes of RTF. */
#include "pm_test.h"

#include "base/text.h"
#include "export/rtf_html.h"
#include "export/rtf_read.h"

#define NO_LIMIT ((size_t)1 << 30)

/* --- tokens and the table of words --------------------------------------------------- */

static void test_tokens(void **state)
{
	static const char in[] = "{\\b\\fs24 x\\u-10 ?\\'e4\\'zz\\*\\\r\n\\bin3 }}}a\\i";
	static const struct {
		enum pm_rtf_token_kind kind;
		const char *text; /* of words and text */
		int param;
		uint8_t c;
	} t[] = {
		{PM_RTF_OPEN, NULL, 0, 0},      {PM_RTF_WORD, "b", 0, 0},
		{PM_RTF_WORD, "fs", 24, 0},     {PM_RTF_TEXT, "x", 0, 0},
		{PM_RTF_WORD, "u", -10, 0},     {PM_RTF_TEXT, "?", 0, 0},
		{PM_RTF_BYTE, NULL, 0, 0xE4},   {PM_RTF_SYMBOL, NULL, 0, '\''},
		{PM_RTF_TEXT, "zz", 0, 0},      {PM_RTF_SYMBOL, NULL, 0, '*'},
		{PM_RTF_SYMBOL, NULL, 0, '\n'}, {PM_RTF_BINARY, "bin", 3, 0},
		{PM_RTF_TEXT, "a", 0, 0},       {PM_RTF_WORD, "i", 0, 0},
		{PM_RTF_END, NULL, 0, 0},       {PM_RTF_END, NULL, 0, 0},
	};
	struct pm_rtf_lex lex = {(const uint8_t *)in, sizeof(in) - 1, 0};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		struct pm_rtf_token k = pm_rtf_next(&lex);

		assert_int_equal(k.kind, t[i].kind);
		assert_int_equal(k.c, t[i].c);
		assert_int_equal(k.param, t[i].param);
		if (t[i].text) {
			assert_int_equal(k.n, strlen(t[i].text));
			assert_memory_equal(k.p, t[i].text, k.n);
		}
	}
}

static void test_token_limits(void **state)
{
	static const struct {
		const char *in;
		int32_t param;
	} t[] = {
		{"\\fs2147483647", INT32_MAX},
		{"\\fs2147483648", INT32_MAX},
		{"\\fs-2147483648", -INT32_MAX},
		{"\\fs99999999999999999999999", INT32_MAX},
		{"\\fs007", 7},
	};
	struct pm_rtf_lex lex = {(const uint8_t *)"\\bin999 x", 9, 0};

	(void)state;
	assert_int_equal(pm_rtf_next(&lex).kind, PM_RTF_BINARY);
	assert_int_equal(pm_rtf_next(&lex).kind, PM_RTF_END);
	for (size_t i = 0; i < PM_LEN(t); i++) {
		lex = (struct pm_rtf_lex){(const uint8_t *)t[i].in, strlen(t[i].in), 0};
		assert_int_equal(pm_rtf_next(&lex).param, t[i].param);
	}
	lex = (struct pm_rtf_lex){(const uint8_t *)"\\", 1, 0};
	assert_int_equal(pm_rtf_next(&lex).kind, PM_RTF_END);
}

static void test_words(void **state)
{
	const struct pm_rtf_word *w;
	const char *before = "";

	(void)state;
	for (size_t i = 0; (w = pm_rtf_word_at(i)) != NULL; i++) {
		struct pm_rtf_token t = {.p = (const uint8_t *)w->name, .n = strlen(w->name)};

		assert_true(strcmp(before, w->name) < 0); /* looked up by halves */
		before = w->name;
		assert_ptr_equal(pm_rtf_lookup(&t), w);
	}
	assert_string_equal(before, "zwnj");
	assert_null(pm_rtf_lookup(&(struct pm_rtf_token){.p = (const uint8_t *)"pa", .n = 2}));
	assert_null(pm_rtf_lookup(&(struct pm_rtf_token){.p = (const uint8_t *)"parx", .n = 4}));
}

/* --- kinds --------------------------------------------------------------------------- */

static void test_kind(void **state)
{
	static const struct {
		const char *in;
		enum pm_rtf_kind kind;
	} t[] = {
		{"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\fonttbl", PM_RTF_HTML},
		{"{\\rtf1\\ansi\\fbidis\\ansicpg1252\\deff0\\deftab720\\fromtext{\\fonttbl",
		 PM_RTF_PLAIN},
		{"\r\n {\\rtf1\\ANSI\r\n\\fromhtml1}", PM_RTF_HTML},
		{"\xEF\xBB\xBF{\\rtf1\\fromtext}", PM_RTF_PLAIN},
		{"{\\rtf1\\ansi{\\fonttbl}\\fromhtml1", PM_RTF_RICH}, /* too late */
		{"{\\rtf1\\ansi text\\fromhtml1", PM_RTF_RICH},
		{"{\\rtf1\\fromhtml0}", PM_RTF_RICH},
		{"{\\rtf1\\fromhtml}", PM_RTF_RICH},
		{"{\\rtf1\\fromhtml2}", PM_RTF_RICH},
		{"{\\rtf1}", PM_RTF_RICH},
		{"<html>\\fromhtml1", PM_RTF_RICH},
		{"", PM_RTF_RICH},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		if (pm_rtf_kind(t[i].in, strlen(t[i].in)) != t[i].kind)
			fail_msg("%s", t[i].in);
	}
}

/* --- conversions --------------------------------------------------------------------- */

struct conversion {
	const char *rtf; /* after the header that the test puts before it */
	const char *want;
	uint64_t bad;
};

static void convert(bool html, const char *head, const struct conversion *t, const char *before,
		    const char *after)
{
	struct pm_ctx ctx = {0};
	struct pm_buf in = {0}, out = {0}, want = {0};
	struct pm_rtf_info info = {.bad = 99};
	enum pm_rc rc;

	pm_buf_printf(&ctx, &in, "%s%s}", head, t->rtf);
	pm_buf_printf(&ctx, &want, "%s%s%s", before, t->want, after);
	rc = (html ? pm_rtf_to_html : pm_rtf_to_text)(&ctx, &out, in.p, in.n, NO_LIMIT, &info);
	if (rc != PM_OK || info.why || info.bad != t->bad)
		fail_msg("%s: result %d, rule %s, %u bad", t->rtf, rc, info.why ? info.why : "-",
			 (unsigned int)info.bad);
	assert_string_equal(pm_buf_cstr(&ctx, &out), pm_buf_cstr(&ctx, &want));
	assert_int_equal(out.n, want.n);
	pm_buf_done(&in);
	pm_buf_done(&out);
	pm_buf_done(&want);
}

/* Fonts: 0 and 1 Western, 2 symbols, 3 Japanese, 4 the document's, 5 Russian, 6 Wingdings. */
#define FONTS                                                                                      \
	"{\\fonttbl{\\f0\\fswiss\\fcharset0 Arial;}{\\f1\\fmodern Courier New;}"                   \
	"{\\f2\\fnil\\fcharset2 Symbol;}{\\f3\\fnil\\fcharset128{\\*\\panose 0}MS Gothic;}"        \
	"{\\f4\\fnil\\fcharset1 Any;}{\\f5\\fcharset0\\cpg1251 R;}"                                \
	"{\\f6\\fnil\\fcharset2 Wingdings;}}{\\colortbl;\\red255\\green0\\blue16;}"

static void test_source(void **state)
{
	static const struct conversion t[] = {
		/* as Outlook writes it */
		{"\\uc1\\pard\\plain\\deftab360 \\f0\\fs24 \r\n{\\*\\htmltag19 <html>}\r\n"
		 "{\\*\\htmltag2 \\par }{\\*\\htmltag50 <body dir=ltr>}\\htmlrtf \\ltrdoc\\ql "
		 "\\htmlrtf0 {\\*\\htmltag64}\\htmlrtf {\\htmlrtf0 Hur r\\'e4ttar{\\*\\htmltag72}"
		 "\\htmlrtf\\par}\\htmlrtf0\r\n{\\*\\htmltag58 </body>}",
		 "<html>\r\n<body dir=ltr>Hur rättar</body>", 0},
		{"{\\*\\htmltag84 &lt;}\\htmlrtf <\\htmlrtf0 b{\\*\\htmltag84 &#8217;}\\htmlrtf "
		 "\\'92\\htmlrtf0 s",
		 "&lt;b&#8217;s", 0},
		{"{\\*\\htmltag241 <!--[if x]>\\htmlrtf .\\u32  \\htmlrtf0<![endif]-->}",
		 "<!--[if x]><![endif]-->", 0},
		{"{\\*\\mhtmltag84 <a href=\"http://x\">}{\\*\\htmltag84 <a href=\"cid:1\">}",
		 "<a href=\"cid:1\">", 0},
		{"{\\*\\htmltag148 <font face=\"a\\\\b\">\\{\\}\\tab x\\~y\\_}",
		 "<font face=\"a\\b\">{}\tx\xC2\xA0y\xC2\xAD", 0},
		{"\\lquote\\rquote\\ldblquote\\rdblquote\\bullet\\endash\\emdash", "‘’“”•–—", 0},
		{"a\\line b\\par c\\tab d\\\ne", "a\r\nb\r\nc\td\r\ne", 0},
		/* groups restore what \htmlrtf said */
		{"\\htmlrtf {a\\htmlrtf0 b{\\htmlrtf c}d}e\\htmlrtf0 f", "bdf", 0},
		{"\\htmlrtf1 x{\\*\\htmltag <b>}\\htmlrtf0 y", "<b>y", 0},
		/* \f counts even there, \plain doesn't */
		{"\\htmlrtf\\f3\\plain\\htmlrtf0 \\'82\\'a0", "あ", 0},
		{"{\\htmlrtf\\f3\\htmlrtf0\\'82\\'a0}\\'e4", "あä", 0},
		/* in tags the document's code page holds */
		{"\\f3 {\\*\\htmltag <\\'e4>}", "<ä>", 0},
		/* source of symbols is what the font tag needs */
		{"\\f2 \\'b7\\f6 J", "·J", 0},
		/* text out here is text, references excepted */
		{"a<b>&c&amp;&#64;&#x40;&;&#;&#x;&a b;",
		 "a&lt;b&gt;&amp;c&amp;&#64;&#x40;&amp;;&amp;#;"
		 "&amp;#x;&amp;a b;",
		 0},
		{"{\\pntext 1.\\tab}{\\*\\htmltag <li>}x", "<li>x", 0},
		{"{\\field{\\*\\fldinst HYPERLINK \"u\"}{\\fldrslt t}}", "t", 0},
		{"\\htmlrtf \\'81\\u-9999 \\f3\\'82\\htmlrtf0 x", "x", 0}, /* not counted */
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++)
		convert(true, "{\\rtf1\\ansi\\ansicpg1252\\fromhtml1\\deff0" FONTS, &t[i], "", "");
}

/* The example of [MS-OXRTFEX 3.1], put together anew. */
static void test_source_example(void **state)
{
	static const struct conversion t = {
		"{\\fonttbl {\\f0\\fmodern Courier New;}{\\f1\\fswiss "
		"Arial;}{\\f2\\fcharset0 Arial;}}\r\n"
		"{\\*\\htmltag64}\r\n\\uc1\\pard\\plain\\deftab360 \\f0\\fs24\r\n"
		"{\\*\\htmltag <p\\par\r\nclass=\"MsoNormal\">}\r\n"
		"{\\htmlrtf \\f1 \\htmlrtf0 Note the line break. {\\*\\htmltag "
		"<b>}{\\htmlrtf \\b\r\n"
		"\\htmlrtf0 This is bold{\\*\\htmltag </b>}} \\htmlrtf\\par\\htmlrtf0}\r\n"
		"\\htmlrtf \\par \\htmlrtf0\r\n{\\*\\htmltag <ol>\\par\r\n<li>}{\\htmlrtf\r\n"
		"{{\\*\\pn\\pnlvlbody\\pndec{\\pntxta.}}\\li360\\fi-360{\\pntext 1.\\tab} \\f1\r\n"
		"\\htmlrtf0 An "
		"item}\\htmlrtf\\par\\htmlrtf0}{\\*\\htmltag\r\n&uml;}\\htmlrtf {\\f2\\'a8}"
		"\\htmlrtf0",
		"<p\r\nclass=\"MsoNormal\">Note the line break. <b>This is bold</b> "
		"<ol>\r\n<li>An item"
		"&uml;",
		0};

	(void)state;
	convert(true, "{\\rtf1\\ANSI\\ansicpg1251\\fromhtml1 \\deff0\r\n", &t, "", "");
}

static void test_plain(void **state)
{
	static const struct conversion t[] = {
		{"\\pard\\f0\\fs20 One\\par\r\nTwo\\line\r\nThree\\par\r\n",
		 "One\r\nTwo\r\nThree\r\n", 0},
		/* code pages */
		{"\\'e4\\'80", "ä€", 0},
		{"\\f3\\'82\\'a0\\'83A\\'83\\'41\\f0\\'82", "あアア‚", 0},
		{"\\f3\\'82\\f0\\'a0", "\xEF\xBF\xBD\xC2\xA0", 1}, /* cut in two */
		{"\\f3\\'82\r\n\\'a0", "あ", 0},
		{"\\f4\\'e4\\f5\\'e4\\f99\\'e4", "äдä", 0},
		{"{\\f5\\'e4}\\'e4\\f5\\plain\\'e4", "дää", 0},
		{"\\'81x", "\xEF\xBF\xBDx", 1},
		{"\x93"
		 "q\x94",
		 "“q”", 0},
		{"\\f2 abG\\'b7\\u-3911 ?\\f6 J\\'e0\\'01", "αβΓ•≠☺→\x01", 0},
		{"\\f6 Q", "\xEF\xBF\xBD", 1},
		/* Unicode */
		{"\\u8364?\\u8364 ?\\u-3999\\'3f", "€€\xEF\x81\xA1", 0},
		{"\\uc0\\u8364?", "€?", 0},
		{"\\uc2\\u12354\\'82\\'a0x{\\uc0\\u65}\\u66ab", "あxAB", 0},
		{"\\uc3\\u65 {ab}c", "Aabc", 0}, /* a group ends the fallback */
		{"\\u65\\par b", "A\r\nb", 0},   /* a lost fallback eats no word */
		{"\\u8226\\bullet x\\u65\\~y", "•xAy", 0},
		{"\\uc2\\u65\\{\\}x\\u65\\bin2 {{yz", "AxAz", 0},
		{"\\u-10179?\\u-8694?", "😊", 0},
		{"{\\u55357 ?}{\\u56842 ?}", "😊", 0},
		{"\\u128522 ?", "😊", 0},
		{"\\u-10179?a",
		 "\xEF\xBF\xBD"
		 "a",
		 1},
		{"\\u-10179?\\par", "\xEF\xBF\xBD\r\n", 1},
		{"\\u-10179?", "\xEF\xBF\xBD", 1},
		{"\\u-8694?\\u-10179?\\u-10179?\\u-8694?", "\xEF\xBF\xBD\xEF\xBF\xBD😊", 2},
		{"\\u65533 ?\\u9999999 ?", "\xEF\xBF\xBD\xEF\xBF\xBD", 1},
		{"\\u x", "x", 0},
		/* what is no text */
		{"a{\\*\\unknown b{c}\\'82\\u65 d}e", "ae", 0},
		{"a{\\*\\b b}c", "ac", 0},
		{"{\\info{\\title T}}{\\stylesheet{\\s1 Heading;}}{\\header H}x", "x", 0},
		{"a{\\pict\\wmetafile8 0123\\bin4 }}}}45}b", "ab", 0},
		{"a{\\*\\htmltag84 <b>}\\htmlrtf x\\htmlrtf0", "ax", 0},
		{"a{\\v hidden\\v0 seen}{\\deleted gone}b", "aseenb", 0},
		{"\\unknownword12 a\\:b", "ab", 0},
		{"\\info a", "a", 0}, /* the whole document is no destination */
		/* what is */
		{"{\\listtext\\f2\\'b7\\tab}Item", "•\tItem", 0},
		{"{\\shp{\\*\\shpinst{\\sp{\\sn s}{\\sv 1}}{\\shptxt Box}}{\\shprslt Old}}", "Box",
		 0},
		{"{\\object\\objattph{\\*\\objdata 00}{\\result{Seen}}}", "Seen", 0},
		{"{\\upr{ansi}{\\*\\ud{\\u26085 ?}}}", "日", 0},
		{"Text{\\footnote Note}.", "Text [Note].", 0},
		{"{\\rtf1\\ansi\\ansicpg1251\\f4 \\'e4}\\f4\\'e4", "дä", 0}, /* a document within */
		{"\\emdash\\~\\_\\-\\zwj", "—\xC2\xA0\xE2\x80\x91\xC2\xAD\xE2\x80\x8D", 0},
		/* tables: tabs between cells only */
		{"\\trowd\\cellx1\\intbl a\\cell b\\cell\\row\\intbl c\\cell\\cell "
		 "d\\cell\\row\\pard e",
		 "a\tb\r\nc\t\td\r\ne", 0},
		{"\\intbl{a\\nestcell b\\nestcell{\\*\\nesttableprops\\trowd\\nestrow}"
		 "{\\nonesttables\\par}}c\\cell\\row",
		 "a\tb\r\nc\r\n", 0},
		/* links */
		{"{\\field{\\*\\fldinst{HYPERLINK \"http://h/\" }{\\*\\datafield "
		 "00}}{\\fldrslt{\\ul here}}}.",
		 "here <http://h/>.", 0},
		{"{\\field{\\*\\fldinst HYPERLINK \"http://h/\"}{\\fldrslt http://h/}}",
		 "http://h/", 0},
		{"{\\field{\\*\\fldinst HYPERLINK \"MAILTO:a@b\"}{\\fldrslt a@b}}", "a@b", 0},
		{"{\\field{\\*\\fldinst HYPERLINK \\\\l \"top\"}{\\fldrslt up}}", "up", 0},
		{"{\\field{\\*\\fldinst PAGE}{\\fldrslt 7}}", "7", 0},
		{"{\\field{\\*\\fldinst HYPERLINK \"http://h/\"}{\\fldrslt a{\\field{\\*\\fldinst "
		 "HYPERLINK \"http://g/\"}{\\fldrslt b}}}}",
		 "ab <http://h/>", 0},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++)
		convert(false, "{\\rtf1\\ansi\\ansicpg1252\\deff0" FONTS, &t[i], "", "");
}

static void test_plain_headers(void **state)
{
	static const struct {
		const char *head, *rtf, *want;
		uint32_t cp;
	} t[] = {
		{"{\\rtf1\\ansi", "\\'e4", "ä", 1252},
		{"{\\rtf1\\mac", "\\'8a", "ä", 10000},
		{"{\\rtf1\\pc", "\\'84", "ä", 437},
		{"{\\rtf1\\pca", "\\'84", "ä", 850},
		{"{\\rtf1\\ansi\\ansicpg1251", "\\'e4", "д", 1251},
		{"{\\rtf1\\ansi\\ansicpg1200", "\\'e4", "ä", 1252}, /* can't be */
		{"{\\rtf1\\ansi\\ansicpg4711", "\\'e4", "ä", 1252},
		{"{\\rtf1\\ansi\\ansicpg65001", "\\'c3\\'a4\xC3\xA4", "ää", 65001},
		{"{\\rtf1\\ansi\\ansicpg50220", "\x1b$BF|K\\\\\x1b(B", "日本", 50220},
		{"{\\rtf1\\ansi\\ansicpg932\\deff1{\\fonttbl{\\f1 X;}}", "\\'82\\'a0", "あ", 932},
		{"{\\rtf1\\ansi\\ansicpg932\\deff1{\\fonttbl\\f0 Y;\\f1\\fcharset204 X;}", "\\'e4",
		 "д", 932},
		{"\r\n {\\rtf ", "x", "x", 1252},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf in = {0}, out = {0};
		struct pm_rtf_info info = {0};

		pm_buf_printf(&ctx, &in, "%s%s}", t[i].head, t[i].rtf);
		assert_int_equal(pm_rtf_to_text(&ctx, &out, in.p, in.n, NO_LIMIT, &info), PM_OK);
		assert_string_equal(pm_buf_cstr(&ctx, &out), t[i].want);
		assert_int_equal(info.codepage, t[i].cp);
		assert_int_equal(info.bad, 0);
		pm_buf_done(&in);
		pm_buf_done(&out);
	}
}

#define HEAD                                                                                       \
	"<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; "                  \
	"charset=utf-8\">\r\n</head>\r\n<body>\r\n"
#define TAIL  "</body></html>\r\n"
#define P     "<p style=\"margin:0;\">"
#define A12   "<span style=\"font-family:'Arial';font-size:12pt;\">"
#define TABLE "<table border=\"1\" cellspacing=\"0\" cellpadding=\"4\">\r\n"

static void test_render(void **state)
{
	static const struct conversion t[] = {
		{"", "", 0},
		{"a\\par b", P A12 "a</span></p>\r\n" P A12 "b</span></p>\r\n", 0},
		{"\\par\\par", P "<br></p>\r\n" P "<br></p>\r\n", 0},
		{"a <b> & \"c\" \\'e4", P A12 "a &lt;b&gt; &amp; &quot;c&quot; ä</span></p>\r\n",
		 0},
		{"  a  b", P A12 "&nbsp; a &nbsp;b</span></p>\r\n", 0},
		{"a{\\b b{\\i c}}d", P A12 "a<b>b</b><b><i>c</i></b>d</span></p>\r\n", 0},
		{"\\b a\\b0\\ul b\\ulnone\\strike c\\strike0\\super d\\sub e\\nosupersub f",
		 P A12 "<b>a</b><u>b</u><s>c</s><sup>d</sup><sub>e</sub>f</span></p>\r\n", 0},
		{"a{\\f1\\fs21\\cf1\\highlight1 b}",
		 P A12
		 "a</span><span style=\"font-family:'Courier "
		 "New';color:#ff0010;background-color:#ff0010;font-size:10.5pt;\">b</span></p>\r\n",
		 0},
		{"\\cf0\\cf7\\cf-1\\highlight0 a", P A12 "a</span></p>\r\n", 0},
		{"\\f2 a", P "<span style=\"font-size:12pt;\">α</span></p>\r\n", 0},
		{"\\qc a\\par\\qr b\\par\\qj\\li720 c\\par\\pard d",
		 "<p style=\"margin:0;text-align:center;\">" A12 "a</span></p>\r\n"
		 "<p style=\"margin:0;text-align:right;\">" A12 "b</span></p>\r\n"
		 "<p style=\"margin:0;text-align:justify;margin-left:36pt;\">" A12
		 "c</span></p>\r\n" P A12 "d</span></p>\r\n",
		 0},
		{"\\rtlpar\\li720 a",
		 "<p dir=\"rtl\" style=\"margin:0;margin-right:36pt;\">" A12 "a</span></p>\r\n", 0},
		{"a\\line b\\tab c", P A12 "a<br>\r\nb&emsp;c</span></p>\r\n", 0},
		/* links */
		{"a{\\field{\\*\\fldinst HYPERLINK \"http://h/?a=1&b=\\\\\"2\"}{\\fldrslt "
		 "x\\par y}}z",
		 P A12 "a</span><a href=\"http://h/?a=1&amp;b=&quot;2\">" A12
		       "x</span></a></p>\r\n" P "<a href=\"http://h/?a=1&amp;b=&quot;2\">" A12
		       "y</span></a>" A12 "z</span></p>\r\n",
		 0},
		{"{\\field{\\*\\fldinst HYPERLINK \"JavaScript:x()\"}{\\fldrslt x}}",
		 P A12 "x</span></p>\r\n", 0},
		{"{\\field{\\*\\fldinst HYPERLINK \" data:x\"}{\\fldrslt x}}",
		 P A12 "x</span></p>\r\n", 0},
		{"{\\field{\\*\\fldinst hyperlink page.htm \\\\l \"a b\" \\\\o \"tip\" "
		 "\\\\n}{\\fldrslt x}}",
		 P "<a href=\"page.htm#a b\">" A12 "x</span></a></p>\r\n", 0},
		{"{\\field{\\*\\fldinst HYPERLINK \"http://h/\"}{\\fldrslt }}a",
		 P A12 "a</span></p>\r\n", 0},
		/* tables */
		{"\\intbl a\\cell\\b b\\cell\\row\\intbl c\\cell\\row\\pard\\plain d",
		 TABLE "<tr>\r\n<td>" P A12 "a</span></p>\r\n</td>\r\n<td>" P A12
		       "<b>b</b></span></p>\r\n</td>\r\n</tr>\r\n<tr>\r\n<td>" P A12
		       "<b>c</b></span></p>\r\n</td>\r\n</tr>\r\n</table>\r\n" P A12
		       "d</span></p>\r\n",
		 0},
		{"\\cell\\row", TABLE "<tr>\r\n<td></td>\r\n</tr>\r\n</table>\r\n", 0},
		{"a\\intbl b\\par\\row c",
		 P A12 "ab</span></p>\r\n" TABLE "<tr>\r\n<td>" P A12
		       "c</span></p>\r\n</td>\r\n</tr>\r\n</table>\r\n",
		 0},
		{"\\intbl a\\nestcell b\\nestcell\\nestrow c\\cell",
		 TABLE "<tr>\r\n<td>" P A12
		       "a&emsp;b<br>\r\nc</span></p>\r\n</td>\r\n</tr>\r\n</table>\r\n",
		 0},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++)
		convert(true, "{\\rtf1\\ansi\\ansicpg1252\\deff0" FONTS, &t[i], HEAD, TAIL);
}

/* The name of a font can't leave its quotes. */
static void test_render_font_name(void **state)
{
	static const struct conversion t = {
		"{\\fonttbl{\\f0 A'\"</p><x>\\'e4\\;b;}}x",
		P "<span style=\"font-family:'Apxäb';font-size:12pt;\">x</span></p>\r\n", 0};

	(void)state;
	convert(true, "{\\rtf1\\ansi", &t, HEAD, TAIL);
}

static void test_hyperlinks(void **state)
{
	static const struct {
		const char *code, *url; /* NULL: no link */
	} t[] = {
		{"HYPERLINK \"http://h/\"", "http://h/"},
		{" hyperlink  http://h/ ", "http://h/"},
		{"HYPERLINK \"C:\\\\dir\\\\f\"", "C:\\dir\\f"},
		{"HYPERLINK \\\\server\\share", "\\server\\share"},
		{"HYPERLINK \"a\" \\l \"b\"", "a#b"},
		{"HYPERLINK \\l b", "#b"},
		{"HYPERLINK \\t \"_blank\" \\o \"x y\" \"u\" \\h", "u"},
		{"HYPERLINK \"open", "open"},
		{"HYPERLINK", ""},
		{"HYPERLINK \\l", "#"},
		{"HYPERLIN", NULL},
		{"PAGEREF x", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf url = {0};
		bool is =
			pm_rtf_hyperlink(&ctx, (const uint8_t *)t[i].code, strlen(t[i].code), &url);

		assert_int_equal(is, t[i].url != NULL);
		assert_string_equal(pm_buf_cstr(&ctx, &url), t[i].url ? t[i].url : "");
		pm_buf_done(&url);
	}
}

/* --- charset labels ------------------------------------------------------------------ */

static void test_relabel(void **state)
{
	static const struct {
		const char *html, *want, *charset;
	} t[] = {
		{"<meta http-equiv=Content-Type content=\"text/html; charset=windows-1252\"><p>",
		 "<meta http-equiv=Content-Type content=\"text/html; charset=utf-8\"><p>",
		 "windows-1252"},
		{"<META CHARSET = 'GBK'>", "<META CHARSET = 'utf-8'>", "GBK"},
		{"<meta charset=UTF-8>", "<meta charset=utf-8>", "UTF-8"},
		{"<meta name=x><meta charset=a><meta charset=bb>",
		 "<meta name=x><meta charset=utf-8>"
		 "<meta charset=utf-8>",
		 "a"},
		{"<p>charset=x</p>", "<p>charset=x</p>", ""},
		{"<meta name=charset>", "<meta name=charset>", ""},
		{"<meta charset=", "<meta charset=", ""},
		{"<meta charset=>", "<meta charset=>", ""},
		{"<meta charset=0123456789012345678901234567890123456789>", "<meta charset=utf-8>",
		 "012345678901234567890123456789012345678"},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf in = {0}, out = {0};
		struct pm_rtf_info info = {0};

		pm_buf_str(&ctx, &out, "before <meta charset=x>");
		pm_buf_printf(&ctx, &in, "{\\rtf1\\fromhtml1{\\*\\htmltag %s}}", t[i].html);
		assert_int_equal(pm_rtf_to_html(&ctx, &out, in.p, in.n, NO_LIMIT, &info), PM_OK);
		assert_memory_equal(out.p, "before <meta charset=x>", 23);
		assert_string_equal(pm_buf_cstr(&ctx, &out) + 23, t[i].want);
		assert_string_equal(info.charset, t[i].charset);
		assert_int_equal(info.kind, PM_RTF_HTML);
		pm_buf_done(&in);
		pm_buf_done(&out);
	}
}

/* --- faults -------------------------------------------------------------------------- */

static void test_faults(void **state)
{
	static const struct {
		const char *rtf;
		enum pm_rc rc;
		const char *why, *want;
	} t[] = {
		{"", PM_LOST, "rtf", ""},
		{"text", PM_LOST, "rtf", ""},
		{"{\\rt", PM_LOST, "rtf", ""},
		{"{\\rtf1 a", PM_DAMAGED, "unclosed", "a"},
		{"{\\rtf1 a{b\\'8", PM_DAMAGED, "unclosed", "ab8"},
		{"{\\rtf1 a{\\*\\x", PM_DAMAGED, "unclosed", "a"},
		{"{\\rtf1 a\\", PM_DAMAGED, "unclosed", "a"},
		{"{\\rtf1 a\\bin99 b}", PM_DAMAGED, "unclosed", "a"},
		{"{\\rtf1 a}b}", PM_DAMAGED, "trailing", "a"},
		{"{\\rtf1 a}}", PM_DAMAGED, "trailing", "a"},
		{"{\\rtf1 a}\r\n\r\n", PM_OK, NULL, "a"},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(t); i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};
		struct pm_rtf_info info = {0};

		assert_int_equal(
			pm_rtf_to_text(&ctx, &out, t[i].rtf, strlen(t[i].rtf), NO_LIMIT, &info),
			t[i].rc);
		assert_string_equal(pm_buf_cstr(&ctx, &out), t[i].want);
		if (t[i].why)
			assert_string_equal(info.why, t[i].why);
		else
			assert_null(info.why);
		pm_buf_done(&out);
	}
}

static void test_depth(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf in = {0}, out = {0};
	struct pm_rtf_info info = {0};

	(void)state;
	pm_buf_str(&ctx, &in, "{\\rtf1 a");
	for (int i = 0; i < 200000; i++)
		pm_buf_byte(&ctx, &in, '{');
	pm_buf_str(&ctx, &in, "deep");
	for (int i = 0; i < 200000; i++)
		pm_buf_byte(&ctx, &in, '}');
	pm_buf_str(&ctx, &in, "b}");
	assert_int_equal(pm_rtf_to_text(&ctx, &out, in.p, in.n, NO_LIMIT, &info), PM_DAMAGED);
	assert_string_equal(info.why, "depth");
	assert_string_equal(pm_buf_cstr(&ctx, &out), "ab");
	pm_buf_done(&in);
	pm_buf_done(&out);
}

/* Every limit: never more than it, a prefix, no half character, and told unless all fits. */
static void test_limit(void **state)
{
	static const char in[] =
		"{\\rtf1\\ansi\\fromhtml1{\\*\\htmltag <meta charset=x>\\'e4}\\'e4<\\par}";
	static const char want[] = "<meta charset=utf-8>ää&lt;\r\n";

	(void)state;
	for (size_t limit = 0; limit <= sizeof(want); limit++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};
		struct pm_rtf_info info = {0};
		enum pm_rc rc = pm_rtf_to_html(&ctx, &out, in, sizeof(in) - 1, limit, &info);

		assert_true(out.n <= limit);
		assert_true(pm_utf8_valid(out.p, out.n));
		/* without its label the text is 4 bytes shorter, and fits before the label does */
		if (limit < sizeof(want) - 1 - 4) {
			assert_int_equal(rc, PM_DAMAGED);
			assert_string_equal(info.why, "limit");
		} else {
			assert_int_equal(rc, PM_OK);
		}
		if (limit >= sizeof(want) - 1)
			assert_string_equal(pm_buf_cstr(&ctx, &out), want);
		pm_buf_done(&out);
	}
}

/* The n-th request of memory fails, for all n. */
static void test_no_memory(void **state)
{
	static const char in[] =
		"{\\rtf1\\ansi" FONTS "\\f3\\'82\\'a0\\intbl a{\\field{\\*\\fldinst HYPERLINK "
		"\"http://h/\"}{\\fldrslt b}}\\cell\\row {\\b c}\\ansicpg50220 \x1b$BF|\x1b(B}";

	(void)state;
	for (int html = 0; html < 2; html++) {
		uint64_t n;

		for (n = 1;; n++) {
			struct pm_ctx ctx = {0};
			struct pm_buf out = {0};
			struct pm_rtf_info info = {.bad = 99};
			enum pm_rc rc;

			pm_mem_fail_at(n);
			rc = (html ? pm_rtf_to_html : pm_rtf_to_text)(
				&ctx, &out, in, sizeof(in) - 1, NO_LIMIT, &info);
			pm_mem_fail_at(0);
			pm_buf_done(&out);
			if (rc == PM_OK)
				break;
			assert_int_equal(rc, PM_ENOMEM);
			assert_int_equal(ctx.rc, PM_ENOMEM);
			assert_int_equal(info.bad, 99);
		}
		assert_true(n > 8);
	}
}

/* Parts of real RTF in any order: no end is wrong, and what comes out is text. */
static void test_noise(void **state)
{
	static const char *const parts[] = {
		"{",
		"}",
		"}",
		"\\*",
		"\\par ",
		"\\'82",
		"\\u-10179 ?",
		"\\u-8694 ",
		"\\uc3 ",
		"\\f3 ",
		"\\f2 ",
		"{\\*\\htmltag ",
		"\\htmlrtf ",
		"\\htmlrtf0 ",
		"{\\field",
		"{\\*\\fldinst ",
		"HYPERLINK \"",
		"{\\fldrslt ",
		"\\cell ",
		"\\row ",
		"\\intbl ",
		"\\pard ",
		"{\\fonttbl",
		"{\\colortbl;\\red1;",
		"{\\pict ",
		"\\bin2 ",
		"{\\upr",
		"{\\*\\ud ",
		"{\\footnote ",
		"&amp",
		"<meta charset=",
		">",
		"\x1b$B",
		"\\ansicpg50220 ",
		"\xFF",
		"text ",
		"  ",
		"\\",
		"\\v ",
	};
	uint64_t seed = 88172645463325252ull;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf in = {0}, out = {0};

		pm_buf_str(&ctx, &in, i % 2 ? "{\\rtf1\\fromhtml1 " : "{\\rtf1" FONTS);
		for (int k = 0; k < 40; k++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			pm_buf_str(&ctx, &in, parts[(seed >> 20) % PM_LEN(parts)]);
		}
		assert_false(pm_is_error(pm_rtf_to_html(&ctx, &out, in.p, in.n, NO_LIMIT, NULL)));
		assert_true(pm_utf8_valid(out.p, out.n));
		pm_buf_clear(&out);
		assert_false(pm_is_error(pm_rtf_to_text(&ctx, &out, in.p, in.n, NO_LIMIT, NULL)));
		assert_true(pm_utf8_valid(out.p, out.n));
		pm_buf_done(&in);
		pm_buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),     cmocka_unit_test(test_token_limits),
		cmocka_unit_test(test_words),      cmocka_unit_test(test_kind),
		cmocka_unit_test(test_source),     cmocka_unit_test(test_source_example),
		cmocka_unit_test(test_plain),      cmocka_unit_test(test_plain_headers),
		cmocka_unit_test(test_render),     cmocka_unit_test(test_render_font_name),
		cmocka_unit_test(test_hyperlinks), cmocka_unit_test(test_relabel),
		cmocka_unit_test(test_faults),     cmocka_unit_test(test_depth),
		cmocka_unit_test(test_limit),      cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
