/* SPDX-License-Identifier: Apache-2.0 */
/* What the fonts of RTF mean for its bytes: code pages, and the letters of symbol fonts. */
#ifndef PM_EXPORT_RTF_FONT_H
#define PM_EXPORT_RTF_FONT_H

#include "base/bytes.h"

enum pm_rtf_face {
	PM_RTF_FACE_TEXT,
	PM_RTF_FACE_SYMBOL,    /* Symbol: Greek and mathematics */
	PM_RTF_FACE_WINGDINGS, /* Outlook writes smileys and arrows in it */
	PM_RTF_FACE_PICTURES,  /* other fonts of pictures: their bytes mean nothing here */
};

/* The code page of \fcharsetN; 0 for the document's own. */
uint32_t pm_rtf_charset_cp(int32_t charset);
#define PM_RTF_CHARSET_SYMBOL 2

/* Which face a font with \fcharset2 is, by its name (UTF-8). */
enum pm_rtf_face pm_rtf_face(const char *name);

/* The character that byte c shows in a face that isn't TEXT; U+FFFD if Unicode has none here. */
uint32_t pm_rtf_face_char(enum pm_rtf_face face, uint8_t c);

#endif
