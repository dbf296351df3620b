/* SPDX-License-Identifier: Apache-2.0 */
/* What the RTF reader can drive. Private to the RTF files of this layer. */
#ifndef PM_EXPORT_RTF_SINKS_H
#define PM_EXPORT_RTF_SINKS_H

#include "export/rtf_read.h"

/* The source of encapsulated HTML; needs no argument. */
extern const struct pm_rtf_sink pm_rtf_source_sink;

/* Plain text. */
struct pm_rtf_plain {
	bool cell;      /* a table cell ended: a tab, if another one follows */
	size_t link_at; /* where the text of a link began in the output */
	struct pm_buf url;
};
extern const struct pm_rtf_sink pm_rtf_plain_sink;
void pm_rtf_plain_done(struct pm_rtf_plain *s);

/* HTML made of RTF. */
struct pm_rtf_render {
	bool begun;                 /* the head is written */
	bool table, row, cell, par; /* open elements, outermost first */
	bool anchor, span;
	bool empty;  /* nothing in the paragraph yet */
	bool blank;  /* the last character was a blank: HTML would eat the next */
	bool nested; /* a cell of a table in this cell ended: a gap, if another one follows */
	struct pm_rtf_chars look; /* of the open span */
	struct pm_buf url;        /* of the link that we are in, else empty */
};
extern const struct pm_rtf_sink pm_rtf_render_sink;
void pm_rtf_render_end(struct pm_rtf_reader *r); /* close all that is open */
void pm_rtf_render_done(struct pm_rtf_render *s);

/* Text with <, > and & as HTML has them; `refs`: character references (&lt;) stay as they are. */
void pm_rtf_put_escaped(struct pm_rtf_reader *r, const uint8_t *p, size_t n, bool refs);

#endif
