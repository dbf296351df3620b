/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of RTF [MSFT-RTF "Contents of an RTF file"]. No input is an error here. */
#ifndef PM_EXPORT_RTF_LEX_H
#define PM_EXPORT_RTF_LEX_H

#include "base/bytes.h"

enum pm_rtf_token_kind {
	PM_RTF_END,
	PM_RTF_OPEN,   /* { */
	PM_RTF_CLOSE,  /* } */
	PM_RTF_WORD,   /* \name, \name12, \name-12 and the blank behind it */
	PM_RTF_SYMBOL, /* \ and a byte that is no letter; \ and a line end is '\n' */
	PM_RTF_BYTE,   /* \'hh; with two bad digits it is a symbol */
	PM_RTF_TEXT,   /* bytes up to the next of the others; line ends and NULs are no text */
	PM_RTF_BINARY, /* \binN and its N bytes, or as many as there are */
};

struct pm_rtf_token {
	enum pm_rtf_token_kind kind;
	const uint8_t *p; /* WORD: the name; TEXT: the bytes; n of them */
	size_t n;
	bool has_param;
	int32_t param; /* the nearest that fits */
	uint8_t c;     /* SYMBOL, BYTE */
};

struct pm_rtf_lex {
	const uint8_t *p;
	size_t n, at;
};

/* The next token. At the end END, as often as asked. */
struct pm_rtf_token pm_rtf_next(struct pm_rtf_lex *lex);

bool pm_rtf_is_word(const struct pm_rtf_token *t, const char *name);

#endif
