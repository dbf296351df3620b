/* SPDX-License-Identifier: Apache-2.0 */
/* Between gaps.c, trailers.c and rooms.c: what is missing, and the room that nothing known fills. */
#ifndef PM_RECOVER_GAPS_H
#define PM_RECOVER_GAPS_H

#include "recover/internal.h"

#define PM_TOGETHER 0x40       /* between ids of what was saved together */
#define PM_ROOM_MAX (1u << 20) /* of a room that is looked through */

/* An entry whose block isn't there, and where it may be instead; or one whose id can't be right. */
struct pm_missing {
	struct pm_block b; /* as the entry has it */
	size_t index;      /* in db.blocks, SIZE_MAX: of a leaf with a wrong checksum */
	pm_bid lo, hi;     /* hi: its id was hit, and lies between these */
	pm_ib at;          /* where it may be, 0: nowhere, or in several places */
	uint32_t cb;
	bool stays;    /* its place is not in doubt, only its size */
	bool loose;    /* likewise: something follows it that is no padding */
	bool told;     /* likewise, and what stands there says that it has the entry's size */
	bool unlike;   /* likewise, and what stands there is not of its kind */
	bool nameless; /* it has no entry and no trailer */
};

/* Of a block that is there. */
struct pm_place {
	uint64_t ib, end;
	pm_bid bid;
};

struct pm_gaps {
	struct pm_analysis *an;
	PM_VEC(struct pm_missing) v;
	PM_VEC(struct pm_missing) unlike; /* that stay, unless there is a better place */
	PM_VEC(struct pm_range) rooms;    /* in use, and nobody's, ascending */
	PM_VEC(struct pm_place) places;   /* of blocks that are there, ascending by ib */
	struct pm_buf buf;
	uint64_t lo, hi; /* keys of the leaf at hand */
	pm_bid last;     /* key of the entry before */
	size_t open;     /* first in v for which the key that follows is not known */
};

/* Of a heap's first block: where its page map ends [MS-PST 2.3.1]. False: it is none. */
bool pm_heap_size(const uint8_t *p, size_t n, uint32_t *ret);
/* How many bytes does the block at `ib` have by its content? 0: that doesn't tell. `most`: of them. */
enum pm_rc pm_gap_size_told(struct pm_gaps *g, const struct pm_missing *m, pm_ib ib, uint32_t most,
			    uint32_t *ret) PM_MUST_CHECK;
/* Does the checksum fit, in the trailer that a block of this size would have? The rest of it was hit
 * then. */
enum pm_rc pm_gap_checksum(struct pm_gaps *g, pm_ib ib, uint32_t cb, bool *ret) PM_MUST_CHECK;
/* Bytes of a value that fills all of the room: by its checksum (*ret_sure), else, when it is encoded, by
 * where the zeros behind it begin; 0: neither tells. */
enum pm_rc pm_gap_value_size(struct pm_gaps *g, pm_ib ib, uint64_t room, uint32_t *ret,
			     bool *ret_sure) PM_MUST_CHECK;
/* The first of the places that does not lie before `ib`. */
size_t pm_gap_place_from(const struct pm_gaps *g, pm_ib ib);
/* Has a block just before `ib` or just behind `end` an id that is at most `limit` from this? */
bool pm_gap_like_beside(const struct pm_gaps *g, pm_bid bid, pm_ib ib, uint64_t end, pm_bid limit);
/* Are the ids of the blocks in front and behind on its two sides? */
bool pm_gap_between(const struct pm_gaps *g, pm_ib ib, pm_bid bid);
/* Is the trailer of a block at `ib` that of another than `bid`: in agreement with itself, and by the ids in
 * front and behind its id belongs there and `bid` does not? A bit that was hit in id and signature alike
 * looks so, too, but for the neighbours. */
bool pm_gap_of_another(const struct pm_gaps *g, pm_ib ib, const uint8_t *t, pm_bid bid);
/* All bytes of a room; what can't be read is zeros. PM_OK or an error. */
enum pm_rc pm_gap_read_room(struct pm_gaps *g, const struct pm_range *r,
			    struct pm_buf *ret) PM_MUST_CHECK;
/* Take the block as it lies there. */
enum pm_rc pm_gap_take(struct pm_gaps *g, struct pm_missing *m) PM_MUST_CHECK;

/* past.c: take blocks where an older leaf says that they are, and nothing in `used` does. *ret_any: there
 * were such. */
enum pm_rc pm_gap_by_older(struct pm_gaps *g, const struct pm_rangeset *used,
			   bool *ret_any) PM_MUST_CHECK;
/* trailers.c: take blocks that are named, and that a trailer with a wrong bit or two shows. */
enum pm_rc pm_fill_by_trailers(struct pm_gaps *g, bool *ret_any) PM_MUST_CHECK;
/* rooms.c: take blocks that are named, and whose entries are gone like their trailers, where they fill
 * a room; `anywhere`: or by elimination, where nobody stands beside. *ret_any: there were such. */
enum pm_rc pm_fill_rooms(struct pm_gaps *g, bool anywhere, bool *ret_any) PM_MUST_CHECK;

#endif
