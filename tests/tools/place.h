/* SPDX-License-Identifier: Apache-2.0 */
/* A place in a file under the corruption tool: what an address means. */
#ifndef PM_TOOLS_PLACE_H
#define PM_TOOLS_PLACE_H

#include "whole.h"

/* What a place lies in; it decides which checksum covers it. */
enum pm_place_kind { PM_IN_FILE, PM_IN_HEADER, PM_IN_PAGE, PM_IN_BLOCK };

struct pm_place {
	enum pm_place_kind kind;
	pm_ib ib;               /* of the header, page or stored block */
	struct pm_block *block; /* of PM_IN_BLOCK */
	bool content;           /* off counts in the block's decoded content, else in the file */
	uint64_t off;
	unsigned width; /* bytes of a number: 1, 2, 4, 8 */
	uint64_t count; /* numbers */
	uint64_t room;  /* bytes from off to the end of what it lies in */
};

static inline uint64_t pm_place_size(const struct pm_place *at)
{
	return at->width * at->count;
}

/* Read or write n bytes of the place; n is at most its room. Writing leaves checksums alone,
 * but for the tree's when a compressed block changes its stored size. */
enum pm_rc pm_place_get(struct pm_whole *w, const struct pm_place *at, uint8_t *p,
			size_t n) PM_MUST_CHECK;
enum pm_rc pm_place_put(struct pm_whole *w, const struct pm_place *at, const uint8_t *p,
			size_t n) PM_MUST_CHECK;

/* What to compute anew in the trailer (or header) of what the place lies in. */
enum pm_fix { PM_FIX_CRC = 1, PM_FIX_SIG = 2 };
enum pm_rc pm_place_fix(struct pm_whole *w, const struct pm_place *at, unsigned what) PM_MUST_CHECK;

void pm_fix_header(struct pm_whole *w);
void pm_fix_page(struct pm_whole *w, pm_ib ib, unsigned what);
void pm_fix_block(struct pm_whole *w, const struct pm_block *b, unsigned what);

/* Store changed content of the same length in the block's own place. */
enum pm_rc pm_content_put(struct pm_whole *w, struct pm_block *b,
			  const struct pm_buf *content) PM_MUST_CHECK;

#endif
