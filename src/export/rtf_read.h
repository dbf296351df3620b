/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RTF reader: groups, destinations, fonts, code pages, Unicode escapes, fields. It drives
 * a sink with text in UTF-8 and the state that holds for it. Any bytes are read to their end in
 * linear time; depth and output are bounded. Private to the RTF files of this layer; the
 * interface is export/rtf_html.h.
 */
#ifndef PM_EXPORT_RTF_READ_H
#define PM_EXPORT_RTF_READ_H

#include "export/rtf_font.h"
#include "export/rtf_html.h"
#include "export/rtf_words.h"

#define PM_RTF_DEPTH       10000 /* groups in groups; deeper ones are left out */
#define PM_RTF_FONTS_MAX   32768 /* numbers of fonts, 0 to this less 1 */
#define PM_RTF_COLOURS_MAX 65536
#define PM_RTF_NAME_MAX    64   /* bytes of a font's name, with a NUL */
#define PM_RTF_URL_MAX     4096 /* longer links are text only */

/* How letters look. */
struct pm_rtf_chars {
	unsigned int flags; /* enum pm_rtf_flag */
	int32_t font;       /* number; -1 the default font */
	int32_t size;       /* half points */
	int32_t colour;     /* index of the colour table; -1 the automatic one */
	int32_t back;       /* the same; 0 none */
};

/* What { saves and } restores. */
struct pm_rtf_state {
	struct pm_rtf_chars chars;
	enum pm_rtf_dest dest;
	enum pm_rtf_align align;
	int32_t indent; /* twentieths of a point */
	uint32_t cp;    /* code page of text whose font has none of its own */
	int32_t deff;   /* number of the default font */
	uint32_t uc;    /* characters that stand behind \u for those who don't know it */
	bool rtl, in_table;
	bool html_off;   /* \htmlrtf: this is no part of encapsulated HTML */
	bool link, note; /* ends with this group */
};

struct pm_rtf_font {
	uint32_t cp;                /* 0: the document's */
	bool symbol;                /* \fcharset2 */
	char name[PM_RTF_NAME_MAX]; /* UTF-8 */
};

struct pm_rtf_colour {
	uint8_t rgb[3];
	bool set; /* an entry without values is "automatic" */
};

struct pm_rtf_reader;

struct pm_rtf_sink {
	/* Text in BODY, LIST_TEXT or HTMLTAG (see r->st), never empty. */
	void (*text)(struct pm_rtf_reader *r, const uint8_t *p, size_t n);
	void (*brk)(struct pm_rtf_reader *r, enum pm_rtf_break b);
	/* A link begins, or ends with NULL; links are not nested. May be NULL. */
	void (*link)(struct pm_rtf_reader *r, const uint8_t *url, size_t n);
	/* The source of encapsulated HTML is wanted, not what it looks like. */
	bool html_source;
};

struct pm_rtf_reader {
	struct pm_ctx *ctx;
	const struct pm_rtf_sink *sink;
	void *arg; /* the sink's */
	struct pm_rtf_state st;

	/* private */
	struct pm_rtf_lex lex;
	PM_VEC(struct pm_rtf_state) stack;
	size_t too_deep; /* open groups beyond PM_RTF_DEPTH */
	PM_VEC(struct pm_rtf_font) fonts;
	uint16_t *font_of; /* by number: index in fonts + 1 */
	size_t font;       /* being defined: index + 1 */
	uint8_t name[PM_RTF_NAME_MAX];
	size_t name_n;
	PM_VEC(struct pm_rtf_colour) colours;
	struct pm_rtf_colour colour; /* being defined */
	struct pm_buf bytes;         /* text that waits for its conversion */
	uint32_t bytes_cp;
	struct pm_buf text;
	struct pm_buf code; /* of a field */
	uint32_t high;      /* first half of a surrogate pair */
	uint32_t skip;      /* characters of a fallback still to come */
	bool star, in_link, failed, full;
	struct pm_buf *out;
	size_t left; /* of the limit */
	uint64_t bad;
	const char *why;   /* first rule that failed */
	uint32_t codepage; /* of the document */
};

/* Read the document: PM_OK, or an error of the context. Faults are in r->bad and r->why. */
enum pm_rc pm_rtf_read(struct pm_rtf_reader *r);
void pm_rtf_reader_done(struct pm_rtf_reader *r);

/* Output of a sink, up to the limit; text is cut between characters. */
void pm_rtf_put(struct pm_rtf_reader *r, const void *p, size_t n);
void pm_rtf_puts(struct pm_rtf_reader *r, const char *s);

/* The font that holds now, NULL if the font table doesn't have it. */
const struct pm_rtf_font *pm_rtf_font(const struct pm_rtf_reader *r);
/* A colour by index, NULL for the automatic one. */
const struct pm_rtf_colour *pm_rtf_colour(const struct pm_rtf_reader *r, int32_t i);

/* The target of a HYPERLINK field in its code, appended to url; false for other fields. */
bool pm_rtf_hyperlink(struct pm_ctx *ctx, const uint8_t *p, size_t n, struct pm_buf *url);

#endif
