/* SPDX-License-Identifier: Apache-2.0 */
/* What lies where in a sound file, for bench/damage: which bytes are whose. */
#ifndef PM_TOOLS_SURVEY_H
#define PM_TOOLS_SURVEY_H

#include "whole.h"

/*
 * Prints, a line each, offsets and sizes in bytes:
 *
 *	file SIZE PAGE UNIT ansi|unicode|4k
 *	page bbt|nbt LEVEL OFFSET		of the trees; each before those below it
 *	old bbt|nbt LEVEL OFFSET		a right page of a tree that isn't in it: left behind
 *	map amap|pmap|fmap|fpmap OFFSET
 *	node NID OFFSET SIZE PARENT		its entry in a leaf
 *	own NID ADDRESS data|xblock|subs OFFSET SIZE STORED BID
 *		a block that the node leads to; ADDRESS is that of the node or subnode whose data it
 *		is, or whose subnodes are in it; SIZE without padding and trailer, STORED with them
 *	end
 *
 * What fails is in w->ctx.
 */
void pm_survey(struct pm_whole *w);

#endif
