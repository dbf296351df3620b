/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of export: lines and encodings, header fields, addresses, charsets, names. */
#include "pm_test.h"

#include "export/address.h"
#include "export/body.h"
#include "export/gm.h"
#include "export/header.h"
#include "export/mailout.h"
#include "export/mime.h"
#include "export/names.h"
#include "export/people.h"

/* ---- lines and transfer encodings ---- */

struct memory {
	struct pm_mail_sink sink; /* first */
	struct pm_ctx ctx;
	struct pm_buf all;
	struct pm_mail_out out;
};

static enum pm_rc to_memory(struct pm_mail_sink *s, const void *p, size_t n)
{
	struct memory *m = (struct memory *)s;

	pm_buf_add(&m->ctx, &m->all, p, n);
	return m->ctx.rc;
}

static struct memory *memory_new(bool crlf, enum pm_mail_quote quote)
{
	struct memory *m = calloc(1, sizeof(*m)); /* lint: calloc */

	assert_non_null(m);
	m->sink.write = to_memory;
	assert_int_equal(pm_mail_out_init(&m->out, &m->ctx, &m->sink, PM_MAIL_BUFFER, crlf, quote),
			 PM_OK);
	return m;
}

static void memory_free(struct memory *m)
{
	pm_mail_out_done(&m->out);
	pm_buf_done(&m->all);
	free(m); /* lint: free */
}

static void assert_written(struct memory *m, const char *want)
{
	assert_int_equal(pm_mail_flush(&m->out), PM_OK);
	assert_string_equal(pm_buf_cstr(&m->ctx, &m->all), want);
	memory_free(m);
}

/* mboxrd: every line of any number of > and then "From " gets one more. */
static void test_from_quoting(void **state)
{
	static const char text[] =
		"From me\r\n>From you\n>>From all\nFrom\n From here\n>Fromage\nx";
	struct memory *m = memory_new(false, PM_MAIL_QUOTE_RD);

	(void)state;
	pm_mail_lines(&m->out, text, sizeof(text) - 1);
	assert_written(m, ">From me\n>>From you\n>>>From all\nFrom\n From here\n>Fromage\nx\n");
	m = memory_new(true, PM_MAIL_NO_QUOTE);
	pm_mail_lines(&m->out, text, sizeof(text) - 1);
	assert_written(m,
		       "From me\r\n>From you\r\n>>From all\r\nFrom\r\n From here\r\n>Fromage\r\nx"
		       "\r\n");
	m = memory_new(false, PM_MAIL_QUOTE_O);
	pm_mail_lines(&m->out, text, sizeof(text) - 1);
	assert_written(m, ">From me\n>From you\n>>From all\nFrom\n From here\n>Fromage\nx\n");
}

static void test_base64(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"", ""}, /* RFC 4648 10 */
		{"f", "Zg==\n"},
		{"fo", "Zm8=\n"},
		{"foo", "Zm9v\n"},
		{"foob", "Zm9vYg==\n"},
		{"foobar", "Zm9vYmFy\n"},
		{"0123456789012345678901234567890123456789012345678901234567",
		 "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2\n"
		 "Nw==\n"},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(cases); i++) {
		struct memory *m = memory_new(false, PM_MAIL_QUOTE_RD);

		/* In pieces of one byte, too. */
		for (size_t k = 0; k < strlen(cases[i].in); k++)
			pm_mail_base64(&m->out, (const uint8_t *)cases[i].in + k, 1);
		pm_mail_base64_end(&m->out);
		assert_written(m, cases[i].want);
		m = memory_new(false, PM_MAIL_QUOTE_RD);
		pm_mail_base64(&m->out, (const uint8_t *)cases[i].in, strlen(cases[i].in));
		pm_mail_base64_end(&m->out);
		assert_written(m, cases[i].want);
	}
}

/* More than the buffer holds arrives whole. */
static void test_base64_long(void **state)
{
	struct memory *m = memory_new(true, PM_MAIL_NO_QUOTE);
	uint8_t piece[1000];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(piece); i++)
		piece[i] = (uint8_t)(i * 7);
	for (; n < 400000; n += sizeof(piece))
		pm_mail_base64(&m->out, piece, sizeof(piece));
	pm_mail_base64_end(&m->out);
	assert_int_equal(pm_mail_flush(&m->out), PM_OK);
	assert_int_equal(m->all.n, n / 57 * 78 + (n % 57 + 2) / 3 * 4 + 2);
	assert_int_equal(m->all.n, m->out.bytes);
	for (size_t i = 0; i + 78 <= m->all.n; i += 78)
		assert_memory_equal(m->all.p + i + 76, "\r\n", 2);
	memory_free(m);
}

static void test_quoted_printable(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"a=b\r\n", "a=3Db\n"},
		{"end \r\ntab\t\n", "end=20\ntab=09\n"},
		{"\xC3\xBC", "=C3=BC\n"},
		{"a\rb", "a=0Db\n"}, /* no line end */
		{"From me\n>From you\nFrom", "=46rom me\n=3EFrom you\nFrom\n"},
		{"0123456789012345678901234567890123456789012345678901234567890123456789012345\n",
		 "012345678901234567890123456789012345678901234567890123456789012345678901234=\n5\n"},
		{"012345678901234567890123456789012345678901234567890123456789012345678901234From x",
		 "012345678901234567890123456789012345678901234567890123456789012345678901234=\n"
		 "=46rom x\n"},
		{"01234567890123456789012345678901234567890123456789012345678901234567890123\xFF",
		 "01234567890123456789012345678901234567890123456789012345678901234567890123=\n"
		 "=FF\n"},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(cases); i++) {
		struct memory *m = memory_new(false, PM_MAIL_QUOTE_RD);

		pm_mail_qp(&m->out, (const uint8_t *)cases[i].in, strlen(cases[i].in));
		assert_written(m, cases[i].want);
	}
}

static enum pm_mail_encoding choose(const char *s, size_t n)
{
	return pm_mail_choose((const uint8_t *)s, n);
}

static void test_choose(void **state)
{
	char line[1200];

	(void)state;
	assert_int_equal(choose("", 0), PM_MAIL_7BIT);
	assert_int_equal(choose("plain\r\ntext\twith tab\r\n", 22), PM_MAIL_7BIT);
	assert_int_equal(choose("\x1B$B..\x1B(B", 8), PM_MAIL_7BIT); /* ISO-2022-JP */
	assert_int_equal(choose("a long text with one \xFC", 22), PM_MAIL_QP);
	assert_int_equal(choose("a long text with one \x7F", 22), PM_MAIL_QP);
	assert_int_equal(choose("a long text with a \0 in it", 26), PM_MAIL_QP);
	assert_int_equal(choose("a long text with a \r in it", 26), PM_MAIL_QP);
	assert_int_equal(choose("\xE6\x97\xA5\xE6\x9C\xAC", 6), PM_MAIL_BASE64);
	assert_int_equal(choose("x\nFrom me\n", 10), PM_MAIL_QP);
	assert_int_equal(choose("x\n>From me\n", 11), PM_MAIL_QP);
	assert_int_equal(choose("--" PM_MAIL_BOUNDARY "1", 13), PM_MAIL_QP);
	memset(line, 'x', sizeof(line));
	assert_int_equal(choose(line, PM_MAIL_LINE), PM_MAIL_7BIT);
	assert_int_equal(choose(line, PM_MAIL_LINE + 1), PM_MAIL_QP);
}

/* ---- header fields ---- */

static void assert_text(const char *in, size_t n, const char *want)
{
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};

	pm_head_text(&ctx, &out, "Subject", in, n);
	assert_string_equal(pm_buf_cstr(&ctx, &out), want);
	pm_buf_done(&out);
}

static void test_head_text(void **state)
{
	(void)state;
	assert_text("Hello", 5, "Subject: Hello\n");
	assert_text("", 0, "Subject: \n");
	/* What would end the field is white space. */
	assert_text("a\r\nBcc: x@y\0z", 13, "Subject: a  Bcc: x@y z\n");
	assert_text("Gr\xC3\xBC\xC3\x9F"
		    "e aus K",
		    13, "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K?=\n");
	assert_text("\xE6\x97\xA5\xE6\x9C\xAC", 6, "Subject: =?utf-8?b?5pel5pys?=\n");
	/* What only looks like an encoded word must not be decoded. */
	assert_text("=?utf-8?q?x?=", 13, "Subject: =?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?=\n");
	assert_text(" x", 2, "Subject: =?utf-8?q?_x?=\n");
	assert_text("bad \xFF", 5, "Subject: =?utf-8?q?bad_=EF=BF=BD?=\n");
	assert_text("one two three four five six seven eight nine ten eleven twelve thirteen "
		    "fourteen",
		    80,
		    "Subject: one two three four five six seven eight nine ten eleven twelve\n"
		    " thirteen fourteen\n");
}

/* However long and whatever it is made of: encoded words of 75 at most, lines of 78. */
static void test_head_words(void **state)
{
	static const char *const parts[] = {"\xE6\x97\xA5", "\xC3\xBC", "x\xF0\x9F\x98\x80",
					    "a b "};

	(void)state;
	for (size_t k = 0; k < PM_LEN(parts); k++) {
		struct pm_ctx ctx = {0};
		struct pm_buf in = {0}, out = {0}, back = {0};
		const char *p;

		pm_buf_str(&ctx, &in, "\xC3\xA4");
		for (size_t i = 0; i < 200; i++)
			pm_buf_str(&ctx, &in, parts[k]);
		pm_buf_byte(&ctx, &in, 'z');
		pm_head_text(&ctx, &out, "Subject", in.p, in.n);
		for (p = pm_buf_cstr(&ctx, &out); *p; p += strcspn(p, "\n") + 1)
			assert_true(strcspn(p, "\n") <= 78);
		for (p = pm_buf_cstr(&ctx, &out); (p = strstr(p, "=?")); p++)
			assert_true(strcspn(p, " \n") <= 75);
		out.n--;
		for (size_t i = 0; i < out.n; i++)
			out.p[i] = out.p[i] == '\n' ? ' ' : out.p[i];
		pm_gm_text(&ctx, pm_buf_cstr(&ctx, &out) + 9, &back);
		assert_string_equal(pm_buf_cstr(&ctx, &back), pm_buf_cstr(&ctx, &in));
		pm_buf_done(&in);
		pm_buf_done(&out);
		pm_buf_done(&back);
	}
}

static void test_phrase(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"Ann Example", "Ann Example"},
		{"Example, Ann", "\"Example, Ann\""},
		{"A \"B\" \\", "\"A \\\"B\\\" \\\\\""},
		{"two  spaces", "\"two  spaces\""},
		{"J\xC3\xB6rg (x), y", "=?utf-8?q?J=C3=B6rg_=28x=29=2C_y?="},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(cases); i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};

		pm_head_phrase(&ctx, &out, cases[i].in, strlen(cases[i].in));
		assert_string_equal(pm_buf_cstr(&ctx, &out), cases[i].want);
		pm_buf_done(&out);
	}
}

static void test_fields(void **state)
{
	static const char text[] = "Microsoft Mail Internet Headers Version 2.0\r\n"
				   "Received: from a\r\n\tby b;\r\n \r\n"
				   "Subject : Hi\n"
				   "X-Empty:\r\n"
				   "garbage\r\n"
				   "To: a@b\r\n"
				   "\r\n"
				   "Not: a field\r\n";
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};
	struct pm_fields f;
	struct pm_span s = {(const uint8_t *)text, sizeof(text) - 1, 0};

	(void)state;
	assert_int_equal(pm_fields_parse(&ctx, s, &f), PM_OK);
	assert_int_equal(f.v.n, 4);
	assert_int_equal(f.odd, 2);
	assert_true(pm_field_is(&f.v.v[0], "received"));
	assert_non_null(pm_fields_find(&f, "SUBJECT"));
	assert_null(pm_fields_find(&f, "Not"));
	/* The line of blanks is left out: it would end the header for some. */
	assert_true(pm_head_verbatim(&ctx, &out, &f.v.v[0], NULL));
	assert_string_equal(pm_buf_cstr(&ctx, &out), "Received: from a\n\tby b;\n");
	pm_buf_clear(&out);
	assert_true(pm_head_verbatim(&ctx, &out, &f.v.v[1], "X-Original-Subject"));
	assert_string_equal(pm_buf_cstr(&ctx, &out), "X-Original-Subject: Hi\n");
	pm_buf_clear(&out);
	pm_field_unfold(&ctx, &f.v.v[0], &out);
	assert_string_equal(pm_buf_cstr(&ctx, &out), "from a by b;");
	pm_fields_done(&f);
	pm_buf_done(&out);
}

static void test_fields_not_verbatim(void **state)
{
	static const char *const texts[] = {"Subject: Gr\xC3\xBC\xC3\x9F"
					    "e\r\n",
					    "X: a\x01\r\n", "X: a\rEvil: b\r\n", "X: \x7F\n"};
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};

	(void)state;
	for (size_t i = 0; i < PM_LEN(texts); i++) {
		struct pm_fields f;
		struct pm_span s = {(const uint8_t *)texts[i], strlen(texts[i]), 0};

		assert_int_equal(pm_fields_parse(&ctx, s, &f), PM_OK);
		assert_int_equal(f.v.n, 1);
		assert_false(pm_head_verbatim(&ctx, &out, &f.v.v[0], NULL));
		assert_int_equal(out.n, 0);
		pm_fields_done(&f);
	}
}

/* ---- addresses ---- */

static void test_smtp(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"ann@example.org", "ann@example.org"},
		{" <Ann@Example.org> ", "Ann@Example.org"},
		{"SMTP:ann@example.org", "ann@example.org"},
		{"mailto:ann@example.org", "ann@example.org"},
		{"'ann@example.org'", "ann@example.org"},
		{"\"a b\"@example.org", "\"a b\"@example.org"},
		{"x@[192.0.2.1]", "x@[192.0.2.1]"},
		{"x@m\xC3\xBCnchen.example", "x@xn--mnchen-3ya.example"},
		{"\xC3\xBC@example.org", NULL},
		{"ann", NULL},
		{"", NULL},
		{"@", NULL},
		{"a@", NULL},
		{"@b", NULL},
		{"a b@c", NULL},
		{"a@b\r\nBcc: c@d", NULL},
		{"a@b, c@d", NULL},
		{"a@b>", "a@b"},
		{"/O=ORG/OU=X/CN=RECIPIENTS/CN=ANN", NULL},
		{"\"Carl/NA/Org\"@Org", "\"Carl/NA/Org\"@Org"},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(cases); i++) {
		struct pm_ctx ctx = {0};
		struct pm_arena a = {0};
		char *got = pm_smtp_clean(&ctx, &a, cases[i].in);

		if (cases[i].want) {
			assert_non_null(got);
			assert_string_equal(got, cases[i].want);
		} else {
			assert_null(got);
		}
		pm_arena_done(&a);
	}
}

static void assert_field(const struct pm_mailboxes *l, const char *want)
{
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};

	pm_head_mailboxes(&ctx, &out, "To", l);
	pm_head_others(&ctx, &out, "To", l);
	assert_string_equal(pm_buf_cstr(&ctx, &out), want);
	pm_buf_done(&out);
}

/* The best address that is there; none is made up. */
static void test_mailboxes(void **state)
{
	static const struct {
		struct pm_person p;
		const char *want;
	} cases[] = {
		{{"Ann", "SMTP", "ann@example.org", NULL}, "To: Ann <ann@example.org>\n"},
		{{"Ann", "EX", "/O=X/CN=ANN", "ann@example.org"}, "To: Ann <ann@example.org>\n"},
		{{"ann@example.org", "SMTP", "ann@example.org", NULL}, "To: ann@example.org\n"},
		{{"ann@example.org", NULL, NULL, NULL}, "To: ann@example.org\n"},
		{{NULL, "SMTP", "ann@example.org", NULL}, "To: ann@example.org\n"},
		{{"Ann", "EX", "/O=X/CN=ANN", NULL},
		 "To: Ann:;\nX-PSTMend-To: Ann <EX:/O=X/CN=ANN>\n"},
		{{"Ann", "EX", "a\r\nBcc: b", NULL},
		 "To: Ann:;\nX-PSTMend-To: Ann <EX:a  Bcc: b>\n"},
		{{"Ann", NULL, NULL, NULL}, "To: Ann:;\n"},
		{{"Example, Ann", NULL, NULL, NULL}, "To: \"Example, Ann\":;\n"},
		{{NULL, "EX", "/O=X", NULL}, "To: \"/O=X\":;\nX-PSTMend-To: <EX:/O=X>\n"},
		{{NULL, NULL, NULL, NULL}, ""},
		{{"", "", "", ""}, ""},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(cases); i++) {
		struct pm_ctx ctx = {0};
		struct pm_mailboxes l = {0};

		assert_int_equal(pm_mailboxes_add(&ctx, &l, &cases[i].p), PM_OK);
		if (i == 9) /* a slash is an atom */
			assert_field(&l, "To: /O=X:;\nX-PSTMend-To: <EX:/O=X>\n");
		else
			assert_field(&l, cases[i].want);
		pm_mailboxes_done(&l);
	}
}

static void test_mailboxes_lists(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_mailboxes l = {0}, from = {0}, parsed = {0};
	const struct pm_person ex = {"Bob", "EX", "/O=X/CN=BOB", NULL};
	const struct pm_person known = {"Bob", "EX", "/o=x/cn=bob", "bob@example.org"};

	(void)state;
	assert_int_equal(pm_mailboxes_display(&ctx, &l, "Example, Ann; x@example.org;; "), PM_OK);
	assert_field(&l, "To: \"Example, Ann\":;, x@example.org\n");
	assert_true(pm_mailboxes_have(&l, "X@EXAMPLE.org"));
	assert_false(pm_mailboxes_have(&l, "y@example.org"));
	pm_mailboxes_done(&l);
	/* Somebody else's entry in the same message knows the address. */
	assert_int_equal(pm_mailboxes_add(&ctx, &l, &ex), PM_OK);
	assert_int_equal(pm_mailboxes_add(&ctx, &from, &known), PM_OK);
	pm_mailboxes_resolve(&l, &from);
	assert_field(&l, "To: Bob <bob@example.org>\n");
	assert_true(pm_gm_addresses(&ctx, "\"A, B\" <a@b.c>, g: d@e.f, =?utf-8?q?=C3=BC?= <g@h.i>;",
				    &parsed));
	assert_int_equal(parsed.v.n, 3);
	assert_string_equal(parsed.v.v[0].name, "A, B");
	assert_string_equal(parsed.v.v[1].smtp, "d@e.f");
	assert_string_equal(parsed.v.v[2].name, "\xC3\xBC");
	pm_mailboxes_done(&l);
	pm_mailboxes_done(&from);
	pm_mailboxes_done(&parsed);
}

/* Many recipients: the field is folded between them. */
static void test_mailboxes_folded(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_mailboxes l = {0};
	struct pm_buf out = {0};
	const struct pm_person p = {"Ann Example", "SMTP", "ann@example.org", NULL};
	size_t lines = 0;

	(void)state;
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(pm_mailboxes_add(&ctx, &l, &p), PM_OK);
	pm_head_mailboxes(&ctx, &out, "To", &l);
	for (const char *s = pm_buf_cstr(&ctx, &out); *s; s += strcspn(s, "\n") + 1, lines++)
		assert_true(strcspn(s, "\n") <= 78);
	assert_true(lines >= 80);
	pm_buf_done(&out);
	pm_mailboxes_done(&l);
}

static void test_oneoff(void **state)
{
	static const char uid[] =
		"\0\0\0\0\x81\x2B\x1F\xA4\xBE\xA3\x10\x19\x9D\x6E\x00\xDD\x01\x0F\x54"
		"\x02\0\0";
	static const char wide[] = "\x01\x90J\0\xF6\0\0\0S\0M\0T\0P\0\0\0j\0@\0x\0\0\0";
	static const char narrow[] = "\0\0Ann\0SMTP\0ann@example.org\0";
	struct pm_ctx ctx = {0};
	struct pm_arena a = {0};
	struct pm_buf b = {0};
	struct pm_person p;

	(void)state;
	pm_buf_add(&ctx, &b, uid, sizeof(uid) - 1);
	pm_buf_add(&ctx, &b, wide, sizeof(wide) - 1);
	assert_true(pm_oneoff_parse(&ctx, &a, pm_buf_span(&b), 1252, &p));
	assert_string_equal(p.name, "J\xC3\xB6");
	assert_string_equal(p.type, "SMTP");
	assert_string_equal(p.email, "j@x");
	/* Cut anywhere it is none, and nothing is read behind its end. */
	for (size_t n = 0; n < b.n; n++) {
		struct pm_buf cut = {0};

		pm_buf_add(&ctx, &cut, b.p, n);
		assert_false(pm_oneoff_parse(&ctx, &a, pm_buf_span(&cut), 1252, &p));
		pm_buf_done(&cut);
	}
	pm_buf_clear(&b);
	pm_buf_add(&ctx, &b, uid, sizeof(uid) - 1);
	pm_buf_add(&ctx, &b, narrow, sizeof(narrow) - 1);
	assert_true(pm_oneoff_parse(&ctx, &a, pm_buf_span(&b), 1252, &p));
	assert_string_equal(p.email, "ann@example.org");
	b.p[4] ^= 1;
	assert_false(pm_oneoff_parse(&ctx, &a, pm_buf_span(&b), 1252, &p));
	pm_buf_done(&b);
	pm_arena_done(&a);
}

/* ---- charsets ---- */

#define LATIN                                                                                      \
	"Gr\xFC\xDF"                                                                               \
	"e aus K\xF6ln, sch\xF6n"
#define UTF8                                                                                       \
	"Gr\xC3\xBC\xC3\x9F"                                                                       \
	"e"
#define META(cs) "<meta http-equiv=Content-Type content=\"text/html; charset=" cs "\">"

/* The label always says what the bytes are. */
static void test_charset(void **state)
{
	static const struct {
		const char *html;
		uint32_t internet, message;
		const char *want; /* NULL: to be converted from `cp` */
		uint32_t cp;
	} cases[] = {
		{"<b>plain</b>", 1252, 0, "us-ascii", 0},
		{"<b>plain</b>", 0, 0, "us-ascii", 0},
		{LATIN, 1252, 0, "windows-1252", 0},
		{LATIN, 28591, 0, "iso-8859-1", 0},
		{"\x93quoted\x94 \xFC", 28591, 0, "windows-1252", 0}, /* which Latin 1 lacks */
		{UTF8, 65001, 0, "utf-8", 0},
		{UTF8, 1252, 0, "utf-8", 0}, /* the bytes know better */
		{META("utf-8") UTF8, 1252, 1252, "utf-8", 0},
		{META("windows-1251") "\xCF\xF0\xE8", 0, 0, "windows-1251", 0},
		{META("koi8-r") "\xF0\xD2\xC9", 20866, 0, "koi8-r", 0},
		{LATIN, 65001, 1252, "windows-1252", 0}, /* is no UTF-8 */
		{LATIN, 0, 0, "windows-1252", 0},
		{LATIN, 77777, 0, "windows-1252", 0},
		{"\x1B$B\x46\x7C\x1B(B", 50220, 932, "iso-2022-jp", 0},
		{"\x93\xFA\x96\x7B", 932, 932, "shift_jis", 0},
		{"\xFF\xFE<\0b\0>\0\0", 1252, 0, NULL, 1200},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(cases); i++) {
		struct pm_ctx ctx = {0};
		const char *s = cases[i].html, *got;
		size_t n = cases[i].cp == 1200 ? 8 : strlen(s);
		uint32_t cp = 0;

		got = pm_html_charset(&ctx, (const uint8_t *)s, n, cases[i].internet,
				      cases[i].message, &cp);
		if (cases[i].want) {
			assert_non_null(got);
			assert_string_equal(got, cases[i].want);
		} else {
			assert_null(got);
			assert_int_equal(cp, cases[i].cp);
		}
	}
}

static void test_meta(void **state)
{
	static const struct {
		const char *html, *want;
	} cases[] = {
		{META("utf-8"), "utf-8"},
		{"<META CHARSET = 'Shift_JIS'>", "Shift_JIS"},
		{"<meta charset>x", NULL},
		{"charset=", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(cases); i++) {
		const char *s = cases[i].html;
		size_t at = 0, n = 0;

		if (!cases[i].want) {
			assert_false(pm_html_meta((const uint8_t *)s, strlen(s), &at, &n));
			continue;
		}
		assert_true(pm_html_meta((const uint8_t *)s, strlen(s), &at, &n));
		assert_int_equal(n, strlen(cases[i].want));
		assert_memory_equal(s + at, cases[i].want, n);
	}
}

/* ---- attachments ---- */

static void assert_part(const char *type, const char *name, const char *want)
{
	struct pm_ctx ctx = {0};
	struct pm_buf out = {0};

	pm_mime_part_fields(&ctx, &out, type, name, false);
	assert_string_equal(pm_buf_cstr(&ctx, &out), want);
	pm_buf_done(&out);
}

static void test_part_names(void **state)
{
	(void)state;
	assert_part("text/plain", "a b.txt",
		    "Content-Type: text/plain;\n\tname=\"a b.txt\"\n"
		    "Content-Disposition: attachment;\n\tfilename=\"a b.txt\"\n");
	assert_part("x/y", "a\r\nBcc: b",
		    "Content-Type: x/y;\n\tname=\"a  Bcc: b\"\n"
		    "Content-Disposition: attachment;\n\tfilename=\"a  Bcc: b\"\n");
	assert_part("x/y", "\xC3\xBC\".x",
		    "Content-Type: x/y;\n\tname*0*=utf-8''%C3%BC%22.x\n"
		    "Content-Disposition: attachment;\n\tfilename*0*=utf-8''%C3%BC%22.x\n");
}

/* Pieces of RFC 2231 are cut between characters. */
static void test_part_long_name(void **state)
{
	struct pm_ctx ctx = {0};
	struct pm_buf name = {0}, out = {0};

	(void)state;
	for (size_t i = 0; i < 60; i++)
		pm_buf_str(&ctx, &name, "\xE6\x97\xA5");
	pm_mime_part_fields(&ctx, &out, "x/y", pm_buf_cstr(&ctx, &name), true);
	for (const char *s = pm_buf_cstr(&ctx, &out); *s; s += strcspn(s, "\n") + 1) {
		const char *value = strstr(s, "*=");

		assert_true(strcspn(s, "\n") <= 90);
		if (*s == '\t' && !strstr(s, "*0*="))
			assert_memory_equal(value + 2, "%E6", 3);
	}
	assert_non_null(strstr(pm_buf_cstr(&ctx, &out), "Content-Disposition: inline;"));
	assert_non_null(strstr(pm_buf_cstr(&ctx, &out), "filename*5*="));
	pm_buf_done(&name);
	pm_buf_done(&out);
}

static void test_is_mail(void **state)
{
	(void)state;
	assert_true(pm_mime_is_mail("IPM.Note"));
	assert_true(pm_mime_is_mail("ipm.note.SMIME"));
	assert_true(pm_mime_is_mail("REPORT.IPM.Note.NDR"));
	assert_true(pm_mime_is_mail("IPM.Schedule.Meeting.Request"));
	assert_true(pm_mime_is_mail("IPM"));
	assert_true(pm_mime_is_mail(""));
	assert_false(pm_mime_is_mail("IPM.Contact"));
	assert_false(pm_mime_is_mail("IPM.Notebook"));
	assert_false(pm_mime_is_mail("IPM.Appointment"));
}

/* ---- names of files ---- */

static void test_safe_names(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"Inbox", "Inbox"},
		{"", "_"},
		{".", "_"},
		{"..", "__"},
		{".hidden", "_hidden"},
		{"dots...", "dots___"},
		{" both ends ", "_both ends_"},
		{"a/b\\c:d*e?f\"g<h>i|j", "a_b_c_d_e_f_g_h_i_j"},
		{"a\nb\x7F"
		 "c\x01",
		 "a_b_c_"},
		{"CON", "_CON"},
		{"nul.txt", "_nul.txt"},
		{"Com1", "_Com1"},
		{"COM0x", "COM0x"},
		{"Aux .y", "_Aux .y"},
		{"console", "console"},
		{"\xE6\x97\xA5\xE6\x9C\xAC", "\xE6\x97\xA5\xE6\x9C\xAC"},
		{"bad\xFF", "bad_"},
		{"turn\xE2\x80\xAE"
		 "ed",
		 "turn_ed"},
	};

	(void)state;
	for (size_t i = 0; i < PM_LEN(cases); i++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};

		pm_name_safe(&ctx, &out, cases[i].in, strlen(cases[i].in), 90);
		assert_string_equal(pm_buf_cstr(&ctx, &out), cases[i].want);
		pm_buf_done(&out);
	}
}

static void test_long_names(void **state)
{
	char text[400];

	(void)state;
	memset(text, '\xFC', sizeof(text));
	for (size_t i = 0; i + 3 <= sizeof(text); i += 3)
		memcpy(text + i, "\xE6\x97\xA5", 3);
	for (size_t max = 2; max < 100; max++) {
		struct pm_ctx ctx = {0};
		struct pm_buf out = {0};

		pm_name_safe(&ctx, &out, text, sizeof(text), max);
		assert_true(out.n <= max);
		assert_true(max < 5 || out.n + 4 > max);
		assert_true(out.n % 3 == 0 || out.n == 1); /* between characters */
		pm_buf_done(&out);
	}
}

static void test_names_taken(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"Inbox", "Inbox"},
		{"INBOX", "INBOX_"},
		{"inbox", "inbox__"},
		{"inbox_", "inbox___"},
		{"Inbox", "Inbox (5)"},
		{"Inbox", "Inbox (6)"},
		{"\xC3\x84", "\xC3\x84"},
		{"\xC3\xA4", "\xC3\xA4_"},
		{"A\xCC\x88", "A\xCC\x88__"},
		{"stra\xC3\x9F"
		 "e",
		 "stra\xC3\x9F"
		 "e"},
		{"STRASSE", "STRASSE_"},
	};
	struct pm_ctx ctx = {0};
	struct pm_name_set set = {0};

	(void)state;
	for (size_t i = 0; i < PM_LEN(cases); i++) {
		struct pm_buf out = {0};

		assert_int_equal(pm_name_take(&ctx, &set, cases[i].in, &out), PM_OK);
		assert_string_equal(pm_buf_cstr(&ctx, &out), cases[i].want);
		pm_buf_done(&out);
	}
	pm_name_set_done(&set);
}

/* ---- memory ---- */

static void build_some(struct pm_ctx *ctx)
{
	const struct pm_person p = {"J\xC3\xB6rg, X", "EX", "/O=X", "j@example.org"};
	struct pm_buf out = {0};
	struct pm_mailboxes l = {0};
	struct pm_name_set set = {0};
	enum pm_rc rc;

	pm_head_text(ctx, &out, "Subject",
		     "Gr\xC3\xBC\xC3\x9F"
		     "e",
		     7);
	rc = pm_mailboxes_add(ctx, &l, &p);
	if (!rc)
		rc = pm_mailboxes_display(ctx, &l, "a; b@example.org");
	pm_head_mailboxes(ctx, &out, "To", &l);
	pm_head_others(ctx, &out, "To", &l);
	pm_mime_part_fields(ctx, &out, "x/y", "\xC3\xBC.x", false);
	pm_name_safe(ctx, &out, "a/b", 3, 20);
	if (!rc)
		rc = pm_name_take(ctx, &set, "a", &out);
	assert_int_equal(rc != PM_OK && !ctx->rc, 0);
	pm_mailboxes_done(&l);
	pm_name_set_done(&set);
	pm_buf_done(&out);
}

static void test_no_memory(void **state)
{
	struct pm_ctx first = {0};
	uint64_t before = pm_mem_count(), requests;

	(void)state;
	build_some(&first);
	assert_int_equal(first.rc, PM_OK);
	requests = pm_mem_count() - before;
	assert_true(requests > 10);
	for (uint64_t k = 1; k <= requests; k++) {
		struct pm_ctx ctx = {0};

		pm_mem_fail_at(k);
		build_some(&ctx);
		pm_mem_fail_at(0);
		assert_int_equal(ctx.rc, PM_ENOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_quoting),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_long),
		cmocka_unit_test(test_quoted_printable),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_head_text),
		cmocka_unit_test(test_head_words),
		cmocka_unit_test(test_phrase),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_fields_not_verbatim),
		cmocka_unit_test(test_smtp),
		cmocka_unit_test(test_mailboxes),
		cmocka_unit_test(test_mailboxes_lists),
		cmocka_unit_test(test_mailboxes_folded),
		cmocka_unit_test(test_oneoff),
		cmocka_unit_test(test_charset),
		cmocka_unit_test(test_meta),
		cmocka_unit_test(test_part_names),
		cmocka_unit_test(test_part_long_name),
		cmocka_unit_test(test_is_mail),
		cmocka_unit_test(test_safe_names),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_names_taken),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
