/* SPDX-License-Identifier: Apache-2.0 */
/* The RTF reader. */
#include "export/rtf_read.h"

#include "base/codepage.h"
#include "base/text.h"

/* Letters that nothing was said of. */
static const struct pm_rtf_chars no_format = {.font = -1, .size = 24, .colour = -1};

#define CP_SYMBOL 42u /* bytes in a font of symbols, as Windows numbers it */

static void fault(struct pm_rtf_reader *r, const char *rule)
{
	if (!r->why)
		r->why = rule;
}

/* --- output -------------------------------------------------------------------------- */

void pm_rtf_put(struct pm_rtf_reader *r, const void *ptr, size_t n)
{
	const uint8_t *p = ptr;

	if (r->full)
		return; /* nothing may follow what was cut */
	if (n > r->left) {
		fault(r, "limit");
		r->full = true;
		n = r->left;
		while (n && (p[n] & 0xC0) == 0x80)
			n--;
	}
	r->left -= n;
	pm_buf_add(r->ctx, r->out, p, n);
}

void pm_rtf_puts(struct pm_rtf_reader *r, const char *s)
{
	pm_rtf_put(r, s, strlen(s));
}

/* --- fonts and colours --------------------------------------------------------------- */

const struct pm_rtf_font *pm_rtf_font(const struct pm_rtf_reader *r)
{
	int32_t number = r->st.chars.font < 0 ? r->st.deff : r->st.chars.font;

	if (!r->font_of || number < 0 || number >= PM_RTF_FONTS_MAX || !r->font_of[number])
		return NULL;
	return &r->fonts.v[r->font_of[number] - 1];
}

const struct pm_rtf_colour *pm_rtf_colour(const struct pm_rtf_reader *r, int32_t i)
{
	return i >= 0 && (size_t)i < r->colours.n && r->colours.v[i].set ? &r->colours.v[i] : NULL;
}

/* The name of the font being defined is complete. */
static void font_end(struct pm_rtf_reader *r)
{
	struct pm_buf name = {0};
	struct pm_rtf_font *f;
	size_t n;

	if (!r->font || !r->name_n)
		return;
	f = &r->fonts.v[r->font - 1];
	if (pm_is_error(pm_cp_to_utf8(r->ctx, &name, f->cp ? f->cp : r->st.cp, r->name, r->name_n,
				      NULL))) {
		r->failed = true;
	} else {
		n = name.n < sizeof(f->name) ? name.n : sizeof(f->name) - 1;
		while (n && n < name.n && (name.p[n] & 0xC0) == 0x80)
			n--;
		if (n)
			memcpy(f->name, name.p, n);
		f->name[n] = 0;
	}
	pm_buf_done(&name);
	r->name_n = 0;
}

static void font_begin(struct pm_rtf_reader *r, int32_t number)
{
	font_end(r);
	r->font = 0;
	r->name_n = 0;
	if (number < 0 || number >= PM_RTF_FONTS_MAX)
		return;
	if (!r->font_of) {
		r->font_of = pm_calloc(r->ctx, PM_RTF_FONTS_MAX, sizeof(*r->font_of));
		if (!r->font_of) {
			r->failed = true;
			return;
		}
	}
	if (!r->font_of[number]) {
		if (!pm_vec_push(r->ctx, &r->fonts)) {
			r->failed = true;
			return;
		}
		r->font_of[number] = (uint16_t)r->fonts.n;
	}
	r->font = r->font_of[number];
	r->fonts.v[r->font - 1] = (struct pm_rtf_font){0};
}

static void font_byte(struct pm_rtf_reader *r, uint8_t c)
{
	if (c == ';') {
		font_end(r);
		r->font = 0;
	} else if (r->name_n < sizeof(r->name) && (r->name_n || c != ' ')) {
		r->name[r->name_n++] = c;
	}
}

static void colour_byte(struct pm_rtf_reader *r, uint8_t c)
{
	struct pm_rtf_colour *new;

	if (c != ';' || r->colours.n >= PM_RTF_COLOURS_MAX)
		return;
	new = pm_vec_push(r->ctx, &r->colours);
	if (!new) {
		r->failed = true;
		return;
	}
	*new = r->colour;
	r->colour = (struct pm_rtf_colour){0};
}

/* --- characters ---------------------------------------------------------------------- */

/* UTF-8 to where the group's text goes. */
static void emit(struct pm_rtf_reader *r, const uint8_t *p, size_t n)
{
	if (!n)
		return;
	if (r->st.dest == PM_RTF_FIELD_CODE)
		pm_buf_add(r->ctx, &r->code, p, n);
	else if (r->st.dest <= PM_RTF_HTMLTAG)
		r->sink->text(r, p, n);
}

static void emit_char(struct pm_rtf_reader *r, uint32_t c)
{
	uint8_t utf8[PM_UTF8_MAX];

	emit(r, utf8, pm_utf8_put(utf8, c));
}

/* Faults of what isn't part of the document don't count. */
static void count_bad(struct pm_rtf_reader *r, uint64_t bad)
{
	if (r->st.dest <= PM_RTF_HTMLTAG && !(r->sink->html_source && r->st.html_off))
		r->bad += bad;
}

static void drop_high(struct pm_rtf_reader *r)
{
	if (r->high) {
		r->high = 0;
		count_bad(r, 1);
		emit_char(r, PM_UNI_REPLACEMENT);
	}
}

static enum pm_rtf_face face_of(const struct pm_rtf_reader *r)
{
	const struct pm_rtf_font *f = pm_rtf_font(r);

	/* HTML names the font itself, and means its bytes. */
	if (!f || !f->symbol || r->sink->html_source)
		return PM_RTF_FACE_TEXT;
	return pm_rtf_face(f->name);
}

/* The code page of a byte that comes now [MS-OXRTFEX 2.2.3.2]. */
static uint32_t cp_of(const struct pm_rtf_reader *r)
{
	const struct pm_rtf_font *f = pm_rtf_font(r);

	if (r->st.dest == PM_RTF_HTMLTAG || !f)
		return r->st.cp;
	if (f->symbol)
		return r->sink->html_source ? PM_CP_WINDOWS_1252 : CP_SYMBOL;
	return f->cp ? f->cp : r->st.cp;
}

/* Give out the bytes that wait, in the state that holds for them: before it changes. */
static void flush(struct pm_rtf_reader *r)
{
	uint64_t bad = 0;

	if (!r->bytes.n)
		return;
	drop_high(r);
	if (r->bytes_cp == CP_SYMBOL) {
		enum pm_rtf_face face = face_of(r);

		for (size_t i = 0; i < r->bytes.n; i++) {
			uint32_t c = pm_rtf_face_char(face, r->bytes.p[i]);

			bad += c == PM_UNI_REPLACEMENT;
			emit_char(r, c);
		}
	} else {
		pm_buf_clear(&r->text);
		if (pm_is_error(pm_cp_to_utf8(r->ctx, &r->text, r->bytes_cp, r->bytes.p, r->bytes.n,
					      &bad)))
			r->failed = true;
		else
			emit(r, r->text.p, r->text.n);
	}
	count_bad(r, bad);
	pm_buf_clear(&r->bytes);
}

static void bytes(struct pm_rtf_reader *r, const uint8_t *p, size_t n)
{
	uint32_t cp;

	switch (r->st.dest) {
	case PM_RTF_FONTS:
		for (size_t i = 0; i < n; i++)
			font_byte(r, p[i]);
		return;
	case PM_RTF_COLOURS:
		for (size_t i = 0; i < n; i++)
			colour_byte(r, p[i]);
		return;
	case PM_RTF_HOLDER:
	case PM_RTF_SKIP:
		return;
	default:
		break;
	}
	cp = cp_of(r);
	if (r->bytes.n && cp != r->bytes_cp)
		flush(r);
	r->bytes_cp = cp;
	pm_buf_add(r->ctx, &r->bytes, p, n);
}

static void unicode(struct pm_rtf_reader *r, int32_t param)
{
	uint32_t c = param < 0 ? (uint32_t)(param + 65536) : (uint32_t)param;
	enum pm_rtf_face face = face_of(r);

	if (r->st.dest == PM_RTF_FONTS || r->st.dest == PM_RTF_COLOURS)
		return; /* the fallback is good enough for a name */
	r->skip = r->st.uc;
	if (r->st.dest >= PM_RTF_HOLDER)
		return;
	if (r->high && c >= 0xDC00 && c <= 0xDFFF) {
		c = 0x10000 + ((r->high - 0xD800) << 10) + (c - 0xDC00);
		r->high = 0;
	}
	drop_high(r);
	if (c >= 0xD800 && c <= 0xDBFF) {
		r->high = c;
		return;
	}
	/* Symbol fonts have their bytes at U+F000. */
	if (face != PM_RTF_FACE_TEXT && c >= 0xF000 && c <= 0xF0FF)
		c = pm_rtf_face_char(face, (uint8_t)c);
	/* U+FFFD itself is the writer's loss, not ours. */
	count_bad(r, c > 0x10FFFF || (c >= 0xDC00 && c <= 0xDFFF));
	emit_char(r, c);
}

/* --- groups -------------------------------------------------------------------------- */

static void open_group(struct pm_rtf_reader *r)
{
	struct pm_rtf_state *s;

	if (r->too_deep || r->stack.n >= PM_RTF_DEPTH) {
		r->too_deep++;
		fault(r, "depth");
		return;
	}
	flush(r);
	s = pm_vec_push(r->ctx, &r->stack);
	if (!s) {
		r->failed = true;
		return;
	}
	*s = r->st;
	r->st.link = r->st.note = false;
}

static void close_group(struct pm_rtf_reader *r)
{
	if (r->too_deep) {
		r->too_deep--;
		return;
	}
	flush(r);
	if (r->st.link) {
		drop_high(r);
		r->in_link = false;
		r->sink->link(r, NULL, 0);
	}
	if (r->st.note)
		emit(r, (const uint8_t *)"]", 1);
	if (r->st.dest == PM_RTF_FONTS)
		font_end(r);
	r->st = r->stack.v[--r->stack.n];
}

/* The group is a destination; `ignorable` if \* stood before the word. */
static void set_dest(struct pm_rtf_reader *r, enum pm_rtf_dest dest, bool ignorable)
{
	enum pm_rtf_dest now = r->st.dest;

	if (now == PM_RTF_SKIP || r->stack.n < 2)
		return; /* the whole document is no destination, whatever it says */
	if (dest == PM_RTF_HTMLTAG && !r->sink->html_source)
		dest = PM_RTF_SKIP;
	if ((now == PM_RTF_HTMLTAG || now == PM_RTF_FIELD_CODE || now == PM_RTF_FONTS) &&
	    !(dest == PM_RTF_SKIP && ignorable))
		return;
	if (now == PM_RTF_HOLDER && dest < PM_RTF_HOLDER)
		return;
	if (dest == PM_RTF_FIELD_CODE)
		pm_buf_clear(&r->code);
	if (dest == PM_RTF_HTMLTAG)
		r->st.html_off = false; /* a tag is a tag, wherever it stands */
	r->st.dest = dest;
}

static void field_result(struct pm_rtf_reader *r)
{
	struct pm_buf url = {0};

	if (r->st.dest <= PM_RTF_LIST_TEXT && r->sink->link && !r->in_link && r->stack.n > 1 &&
	    pm_rtf_hyperlink(r->ctx, r->code.p, r->code.n, &url) && url.n &&
	    url.n <= PM_RTF_URL_MAX) {
		r->in_link = r->st.link = true;
		r->sink->link(r, url.p, url.n);
	}
	if (url.bad)
		r->failed = true;
	pm_buf_done(&url);
	if (r->st.dest != PM_RTF_FIELD_CODE)
		pm_buf_clear(&r->code);
}

/* --- control words ------------------------------------------------------------------- */

static int32_t clamp(int32_t v, int32_t lo, int32_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

static void toggle(struct pm_rtf_reader *r, unsigned int flag, bool on)
{
	unsigned int *flags = &r->st.chars.flags;

	if (on && flag & (PM_RTF_SUPER | PM_RTF_SUB))
		*flags &= ~(unsigned int)(PM_RTF_SUPER | PM_RTF_SUB);
	*flags = on ? *flags | flag : *flags & ~flag;
}

static void plain(struct pm_rtf_reader *r)
{
	/* Of what isn't part of the HTML only \f counts [MS-OXRTFEX 2.2.3.2]. */
	if (!(r->sink->html_source && r->st.html_off))
		r->st.chars = no_format;
}

static void font_word(struct pm_rtf_reader *r, const struct pm_rtf_word *w, int32_t param)
{
	struct pm_rtf_font *f = r->font ? &r->fonts.v[r->font - 1] : NULL;

	if (w->action == PM_RTF_DO_FONT) {
		if (r->st.dest == PM_RTF_FONTS)
			font_begin(r, param);
		else
			r->st.chars.font = param;
	} else if (f && w->action == PM_RTF_DO_FCPG) {
		if (param > 0 && pm_cp_known((uint32_t)param))
			f->cp = (uint32_t)param;
	} else if (f && w->action == PM_RTF_DO_FCHARSET) {
		f->symbol = param == PM_RTF_CHARSET_SYMBOL;
		f->cp = pm_rtf_charset_cp(param);
	}
}

/* Of the document, or of a document within it. */
static void set_cp(struct pm_rtf_reader *r, uint32_t cp)
{
	r->st.cp = cp;
	if (r->stack.n <= 1)
		r->codepage = cp;
}

static void document_word(struct pm_rtf_reader *r, const struct pm_rtf_word *w,
			  const struct pm_rtf_token *t)
{
	int32_t param = t->param;

	switch (w->action) {
	case PM_RTF_DO_CP:
		set_cp(r, w->arg);
		break;
	case PM_RTF_DO_ANSICPG:
		/* Some write 1200, UTF-16, which bytes in RTF can't be. */
		if (param > 0 && param != 1200 && pm_cp_known((uint32_t)param))
			set_cp(r, (uint32_t)param);
		break;
	case PM_RTF_DO_DEFF:
		r->st.deff = param;
		break;
	case PM_RTF_DO_RGB:
		r->colour.rgb[w->arg] = (uint8_t)clamp(param, 0, 255);
		r->colour.set = true;
		break;
	case PM_RTF_DO_HTMLRTF:
		r->st.html_off = !t->has_param || param != 0;
		break;
	default:
		font_word(r, w, param);
		break;
	}
}

static void paragraph_word(struct pm_rtf_reader *r, const struct pm_rtf_word *w, int32_t param)
{
	struct pm_rtf_state *st = &r->st;

	switch (w->action) {
	case PM_RTF_DO_PARD:
		st->align = PM_RTF_LEFT;
		st->indent = 0;
		st->rtl = st->in_table = false;
		break;
	case PM_RTF_DO_ALIGN:
		st->align = (enum pm_rtf_align)w->arg;
		break;
	case PM_RTF_DO_RTL:
		st->rtl = w->arg != 0;
		break;
	case PM_RTF_DO_INDENT:
		st->indent = clamp(param, 0, 31680); /* 22 inches, Word's widest page */
		break;
	case PM_RTF_DO_IN_TABLE:
		st->in_table = true;
		break;
	default: /* PM_RTF_DO_NESTING */
		st->in_table = param > 0;
		break;
	}
}

static void letter_word(struct pm_rtf_reader *r, const struct pm_rtf_word *w,
			const struct pm_rtf_token *t)
{
	struct pm_rtf_chars *chars = &r->st.chars;
	int32_t param = t->param;

	switch (w->action) {
	case PM_RTF_DO_UC:
		r->st.uc = (uint32_t)clamp(param, 0, 255);
		break;
	case PM_RTF_DO_SIZE:
		chars->size = clamp(param, 2, 3276);
		break;
	case PM_RTF_DO_COLOUR:
		chars->colour = param;
		break;
	case PM_RTF_DO_BACK:
		chars->back = param;
		break;
	case PM_RTF_DO_TOGGLE:
		toggle(r, w->arg, !t->has_param || param != 0);
		break;
	case PM_RTF_DO_CLEAR:
		chars->flags &= ~w->arg;
		break;
	default: /* PM_RTF_DO_PLAIN */
		plain(r);
		break;
	}
}

static void note(struct pm_rtf_reader *r)
{
	if (r->st.dest == PM_RTF_BODY && r->stack.n > 1 && !r->sink->html_source) {
		emit(r, (const uint8_t *)" [", 2);
		r->st.note = true;
	}
}

static void known_word(struct pm_rtf_reader *r, const struct pm_rtf_word *w,
		       const struct pm_rtf_token *t, bool ignorable)
{
	switch (w->action) {
	case PM_RTF_DO_CHAR:
		drop_high(r);
		emit_char(r, w->arg);
		break;
	case PM_RTF_DO_BREAK:
		drop_high(r);
		if (r->st.dest <= PM_RTF_HTMLTAG)
			r->sink->brk(r, (enum pm_rtf_break)w->arg);
		break;
	case PM_RTF_DO_DEST:
		set_dest(r, (enum pm_rtf_dest)w->arg, ignorable);
		break;
	case PM_RTF_DO_INNER:
		if (r->st.dest == PM_RTF_HOLDER)
			r->st.dest = (enum pm_rtf_dest)w->arg;
		break;
	case PM_RTF_DO_RESULT:
		field_result(r);
		break;
	case PM_RTF_DO_NOTE:
		note(r);
		break;
	case PM_RTF_DO_UNICODE:
		if (t->has_param)
			unicode(r, t->param);
		break;
	case PM_RTF_DO_FONT:
		font_word(r, w, t->param);
		break;
	default:
		if (w->action <= PM_RTF_DO_PLAIN)
			letter_word(r, w, t);
		else if (w->action <= PM_RTF_DO_NESTING)
			paragraph_word(r, w, t->param);
		else
			document_word(r, w, t);
		break;
	}
}

static void word(struct pm_rtf_reader *r, const struct pm_rtf_token *t)
{
	const struct pm_rtf_word *w = pm_rtf_lookup(t);
	bool ignorable = r->star;

	r->star = false;
	if (r->skip) {
		/* Only what makes characters is taken as a fallback: a lost one eats no \par. */
		if (w && w->action == PM_RTF_DO_CHAR) {
			r->skip--;
			return;
		}
		r->skip = 0;
	}
	flush(r);
	if (ignorable && (!w || w->action < PM_RTF_DO_DEST || w->action > PM_RTF_DO_NOTE))
		set_dest(r, PM_RTF_SKIP, true);
	else if (w)
		known_word(r, w, t, ignorable);
}

static void symbol(struct pm_rtf_reader *r, uint8_t c)
{
	uint32_t unicode_c = 0;

	if (c == '*') {
		r->star = true;
		return;
	}
	if (r->skip && c != '\n') {
		r->skip--;
		return;
	}
	switch (c) {
	case '{':
	case '}':
	case '\\':
		bytes(r, &c, 1);
		return;
	case '~':
		unicode_c = 0xA0;
		break;
	case '_': /* a soft hyphen in HTML [MS-OXRTFEX 2.1.3.1.4.2], else a hard one */
		unicode_c = r->sink->html_source ? 0xAD : 0x2011;
		break;
	case '-':
		unicode_c = 0xAD;
		break;
	case '\n':
	case '\t':
		r->skip = 0;
		flush(r);
		drop_high(r);
		if (r->st.dest <= PM_RTF_HTMLTAG)
			r->sink->brk(r, c == '\t' ? PM_RTF_TAB : PM_RTF_PAR);
		return;
	default:
		return;
	}
	flush(r);
	drop_high(r);
	emit_char(r, unicode_c);
}

/* --- the document -------------------------------------------------------------------- */

static void text(struct pm_rtf_reader *r, const struct pm_rtf_token *t)
{
	size_t skip = r->skip < t->n ? r->skip : t->n;

	r->star = false;
	r->skip -= (uint32_t)skip;
	if (skip < t->n)
		bytes(r, t->p + skip, t->n - skip);
}

/* False at the end of the document. */
static bool token(struct pm_rtf_reader *r, const struct pm_rtf_token *t)
{
	switch (t->kind) {
	case PM_RTF_END:
		fault(r, "unclosed");
		return false;
	case PM_RTF_OPEN:
		r->skip = 0;
		r->star = false;
		open_group(r);
		return true;
	case PM_RTF_CLOSE:
		r->skip = 0;
		r->star = false;
		close_group(r);
		return r->stack.n > 0;
	default:
		break;
	}
	if (r->too_deep)
		return true;
	if (t->kind == PM_RTF_WORD) {
		word(r, t);
	} else if (t->kind == PM_RTF_SYMBOL) {
		symbol(r, t->c);
	} else if (t->kind == PM_RTF_TEXT) {
		text(r, t);
	} else if (r->skip) {
		r->skip--;
	} else if (t->kind == PM_RTF_BYTE) {
		bytes(r, &t->c, 1);
	}
	return true;
}

enum pm_rc pm_rtf_read(struct pm_rtf_reader *r)
{
	struct pm_rtf_token t;
	bool more = true;

	r->st = (struct pm_rtf_state){.chars = no_format, .cp = PM_CP_WINDOWS_1252, .uc = 1};
	r->codepage = r->st.cp;
	while (more && !r->failed && !r->out->bad && !r->bytes.bad && !r->code.bad) {
		t = pm_rtf_next(&r->lex);
		more = token(r, &t) && !r->full;
	}
	flush(r);
	drop_high(r);
	if (!r->stack.n && pm_rtf_next(&r->lex).kind != PM_RTF_END)
		fault(r, "trailing");
	if (r->failed || r->out->bad || r->bytes.bad || r->code.bad)
		return r->ctx->rc != PM_OK ? r->ctx->rc : PM_ENOMEM;
	return PM_OK;
}

void pm_rtf_reader_done(struct pm_rtf_reader *r)
{
	pm_vec_done(&r->stack);
	pm_vec_done(&r->fonts);
	pm_vec_done(&r->colours);
	pm_free(r->font_of);
	r->font_of = NULL;
	pm_buf_done(&r->bytes);
	pm_buf_done(&r->text);
	pm_buf_done(&r->code);
}
