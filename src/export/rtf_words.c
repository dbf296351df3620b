/* SPDX-License-Identifier: Apache-2.0 */
/* The table of control words. A word that isn't here changes nothing that is read. */
#include "export/rtf_words.h"

/* Sorted by name. */
/* clang-format off */
static const struct pm_rtf_word words[] = {
	{"aftncn", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"aftnsep", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"aftnsepc", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"ansi", PM_RTF_DO_CP, 1252},
	{"ansicpg", PM_RTF_DO_ANSICPG, 0},
	{"b", PM_RTF_DO_TOGGLE, PM_RTF_BOLD},
	{"bkmkend", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"bkmkstart", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"blue", PM_RTF_DO_RGB, 2},
	{"bullet", PM_RTF_DO_CHAR, 0x2022},
	{"cb", PM_RTF_DO_BACK, 0},
	{"cell", PM_RTF_DO_BREAK, PM_RTF_CELL},
	{"cf", PM_RTF_DO_COLOUR, 0},
	{"chcbpat", PM_RTF_DO_BACK, 0},
	{"colortbl", PM_RTF_DO_DEST, PM_RTF_COLOURS},
	{"column", PM_RTF_DO_BREAK, PM_RTF_LINE},
	{"comment", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"cpg", PM_RTF_DO_FCPG, 0},
	{"datafield", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"deff", PM_RTF_DO_DEFF, 0},
	{"deleted", PM_RTF_DO_TOGGLE, PM_RTF_HIDDEN},
	{"emdash", PM_RTF_DO_CHAR, 0x2014},
	{"emspace", PM_RTF_DO_CHAR, 0x2003},
	{"endash", PM_RTF_DO_CHAR, 0x2013},
	{"enspace", PM_RTF_DO_CHAR, 0x2002},
	{"f", PM_RTF_DO_FONT, 0},
	{"fcharset", PM_RTF_DO_FCHARSET, 0},
	{"filetbl", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"fldinst", PM_RTF_DO_DEST, PM_RTF_FIELD_CODE},
	{"fldrslt", PM_RTF_DO_RESULT, 0},
	{"fonttbl", PM_RTF_DO_DEST, PM_RTF_FONTS},
	{"footer", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"footerf", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"footerl", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"footerr", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"footnote", PM_RTF_DO_NOTE, 0},
	{"fs", PM_RTF_DO_SIZE, 0},
	{"ftncn", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"ftnsep", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"ftnsepc", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"generator", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"green", PM_RTF_DO_RGB, 1},
	{"header", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"headerf", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"headerl", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"headerr", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"highlight", PM_RTF_DO_BACK, 0},
	{"htmlrtf", PM_RTF_DO_HTMLRTF, 0},
	{"htmltag", PM_RTF_DO_DEST, PM_RTF_HTMLTAG},
	{"i", PM_RTF_DO_TOGGLE, PM_RTF_ITALIC},
	{"info", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"intbl", PM_RTF_DO_IN_TABLE, 0},
	{"itap", PM_RTF_DO_NESTING, 0},
	{"lbr", PM_RTF_DO_BREAK, PM_RTF_LINE},
	{"ldblquote", PM_RTF_DO_CHAR, 0x201C},
	{"li", PM_RTF_DO_INDENT, 0},
	{"line", PM_RTF_DO_BREAK, PM_RTF_LINE},
	{"listoverridetable", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"listtable", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"listtext", PM_RTF_DO_DEST, PM_RTF_LIST_TEXT},
	{"lquote", PM_RTF_DO_CHAR, 0x2018},
	{"ltrmark", PM_RTF_DO_CHAR, 0x200E},
	{"ltrpar", PM_RTF_DO_RTL, 0},
	{"mac", PM_RTF_DO_CP, 10000},
	{"mhtmltag", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"nestcell", PM_RTF_DO_BREAK, PM_RTF_NEST_CELL},
	{"nestrow", PM_RTF_DO_BREAK, PM_RTF_NEST_ROW},
	{"nesttableprops", PM_RTF_DO_DEST, PM_RTF_BODY},
	{"nextfile", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"nonesttables", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"nonshppict", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"nosupersub", PM_RTF_DO_CLEAR, PM_RTF_SUPER | PM_RTF_SUB},
	{"object", PM_RTF_DO_DEST, PM_RTF_HOLDER},
	{"page", PM_RTF_DO_BREAK, PM_RTF_LINE},
	{"par", PM_RTF_DO_BREAK, PM_RTF_PAR},
	{"pard", PM_RTF_DO_PARD, 0},
	{"pc", PM_RTF_DO_CP, 437},
	{"pca", PM_RTF_DO_CP, 850},
	{"pgptbl", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"pict", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"plain", PM_RTF_DO_PLAIN, 0},
	{"pntext", PM_RTF_DO_DEST, PM_RTF_LIST_TEXT},
	{"private", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"private1", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"qc", PM_RTF_DO_ALIGN, PM_RTF_CENTRE},
	{"qj", PM_RTF_DO_ALIGN, PM_RTF_JUSTIFY},
	{"ql", PM_RTF_DO_ALIGN, PM_RTF_LEFT},
	{"qmspace", PM_RTF_DO_CHAR, 0x2005},
	{"qr", PM_RTF_DO_ALIGN, PM_RTF_RIGHT},
	{"rdblquote", PM_RTF_DO_CHAR, 0x201D},
	{"red", PM_RTF_DO_RGB, 0},
	{"result", PM_RTF_DO_INNER, PM_RTF_BODY},
	{"revtbl", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"row", PM_RTF_DO_BREAK, PM_RTF_ROW},
	{"rquote", PM_RTF_DO_CHAR, 0x2019},
	{"rtlmark", PM_RTF_DO_CHAR, 0x200F},
	{"rtlpar", PM_RTF_DO_RTL, 1},
	{"rxe", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"sect", PM_RTF_DO_BREAK, PM_RTF_PAR},
	{"shpinst", PM_RTF_DO_DEST, PM_RTF_HOLDER},
	{"shprslt", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"shptxt", PM_RTF_DO_INNER, PM_RTF_BODY},
	{"strike", PM_RTF_DO_TOGGLE, PM_RTF_STRIKE},
	{"striked", PM_RTF_DO_TOGGLE, PM_RTF_STRIKE},
	{"stylesheet", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"sub", PM_RTF_DO_TOGGLE, PM_RTF_SUB},
	{"super", PM_RTF_DO_TOGGLE, PM_RTF_SUPER},
	{"tab", PM_RTF_DO_BREAK, PM_RTF_TAB},
	{"tc", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"tcn", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"template", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"txe", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"u", PM_RTF_DO_UNICODE, 0},
	{"uc", PM_RTF_DO_UC, 0},
	{"ud", PM_RTF_DO_INNER, PM_RTF_BODY},
	{"ul", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"uld", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"uldash", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"uldashd", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"uldashdd", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"uldb", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"ulhair", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"ulhwave", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"ulldash", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"ulnone", PM_RTF_DO_CLEAR, PM_RTF_UNDERLINE},
	{"ulth", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"ulthd", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"ulthdash", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"ulthdashd", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"ulthdashdd", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"ulthldash", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"ululdbwave", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"ulw", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"ulwave", PM_RTF_DO_TOGGLE, PM_RTF_UNDERLINE},
	{"upr", PM_RTF_DO_DEST, PM_RTF_HOLDER},
	{"v", PM_RTF_DO_TOGGLE, PM_RTF_HIDDEN},
	{"xe", PM_RTF_DO_DEST, PM_RTF_SKIP},
	{"zwbo", PM_RTF_DO_CHAR, 0x200B},
	{"zwj", PM_RTF_DO_CHAR, 0x200D},
	{"zwnbo", PM_RTF_DO_CHAR, 0x2060},
	{"zwnj", PM_RTF_DO_CHAR, 0x200C},
};
/* clang-format on */

#define WORDS (sizeof(words) / sizeof(words[0]))

const struct pm_rtf_word *pm_rtf_lookup(const struct pm_rtf_token *t)
{
	size_t lo = 0, hi = WORDS;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		size_t len = strlen(words[mid].name);
		int d = memcmp(words[mid].name, t->p, len < t->n ? len : t->n);

		if (!d && len == t->n)
			return &words[mid];
		if (d < 0 || (!d && len < t->n))
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct pm_rtf_word *pm_rtf_word_at(size_t i)
{
	return i < WORDS ? &words[i] : NULL;
}
