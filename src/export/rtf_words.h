/* SPDX-License-Identifier: Apache-2.0 */
/* The control words of RTF that the reader knows [MSFT-RTF, appendix B]. */
#ifndef PM_EXPORT_RTF_WORDS_H
#define PM_EXPORT_RTF_WORDS_H

#include "export/rtf_lex.h"

/* Where the text of a group goes. */
enum pm_rtf_dest {
	PM_RTF_BODY,
	PM_RTF_LIST_TEXT, /* the number or bullet that stands before a list item */
	PM_RTF_HTMLTAG,   /* source text of encapsulated HTML [MS-OXRTFEX 2.1.3.1.4] */
	PM_RTF_FONTS,
	PM_RTF_COLOURS,
	PM_RTF_FIELD_CODE,
	PM_RTF_HOLDER, /* nowhere, but a group inside may be body again */
	PM_RTF_SKIP,   /* nowhere, with all that is inside */
};

enum pm_rtf_break {
	PM_RTF_PAR,
	PM_RTF_LINE,
	PM_RTF_TAB,
	PM_RTF_CELL,
	PM_RTF_ROW,
	PM_RTF_NEST_CELL,
	PM_RTF_NEST_ROW,
};

enum pm_rtf_flag { /* of letters */
		   PM_RTF_BOLD = 1,
		   PM_RTF_ITALIC = 2,
		   PM_RTF_UNDERLINE = 4,
		   PM_RTF_STRIKE = 8,
		   PM_RTF_SUPER = 16,
		   PM_RTF_SUB = 32,
		   PM_RTF_HIDDEN = 64, /* also text marked as deleted */
};

enum pm_rtf_align {
	PM_RTF_LEFT,
	PM_RTF_RIGHT,
	PM_RTF_CENTRE,
	PM_RTF_JUSTIFY,
};

/* What a word does; its row in the table has an argument for it. */
enum pm_rtf_action {
	PM_RTF_DO_CHAR,  /* a character, arg */
	PM_RTF_DO_BREAK, /* an enum pm_rtf_break */
	/* destinations */
	PM_RTF_DO_DEST,   /* an enum pm_rtf_dest */
	PM_RTF_DO_INNER,  /* the same, only inside HOLDER */
	PM_RTF_DO_RESULT, /* \fldrslt */
	PM_RTF_DO_NOTE,   /* \footnote */
	/* letters */
	PM_RTF_DO_UNICODE,
	PM_RTF_DO_UC,
	PM_RTF_DO_FONT,
	PM_RTF_DO_SIZE,
	PM_RTF_DO_COLOUR,
	PM_RTF_DO_BACK,
	PM_RTF_DO_TOGGLE, /* an enum pm_rtf_flag */
	PM_RTF_DO_CLEAR,  /* flags */
	PM_RTF_DO_PLAIN,
	/* paragraphs */
	PM_RTF_DO_PARD,
	PM_RTF_DO_ALIGN,
	PM_RTF_DO_RTL,
	PM_RTF_DO_INDENT,
	PM_RTF_DO_IN_TABLE,
	PM_RTF_DO_NESTING,
	/* document and tables of the header */
	PM_RTF_DO_CP, /* code page arg */
	PM_RTF_DO_ANSICPG,
	PM_RTF_DO_DEFF,
	PM_RTF_DO_FCHARSET,
	PM_RTF_DO_FCPG,
	PM_RTF_DO_RGB, /* arg 0, 1, 2 */
	PM_RTF_DO_HTMLRTF,
};

struct pm_rtf_word {
	const char *name;
	enum pm_rtf_action action;
	uint32_t arg;
};

/* The row of a WORD token, or NULL. */
const struct pm_rtf_word *pm_rtf_lookup(const struct pm_rtf_token *t);
/* For tests: row i, NULL behind the last. */
const struct pm_rtf_word *pm_rtf_word_at(size_t i);

#endif
