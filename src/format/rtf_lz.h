/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed RTF, the form of PidTagRtfCompressed [MS-OXRTFCP]. */
#ifndef PM_FORMAT_RTF_LZ_H
#define PM_FORMAT_RTF_LZ_H

#include "base/bytes.h"

/*
 * Append the RTF of `in` to out, at most `limit` bytes of it.
 * PM_OK; PM_DAMAGED: something was wrong, what could be decoded is there; PM_LOST: too short
 * for its header or of an unknown kind, nothing is there; or an error of the context.
 * *ret_why (may be NULL) names the first rule that failed, a static text, NULL with PM_OK;
 * untouched on an error:
 *	header		shorter than its 16 bytes
 *	type		neither LZFu nor MELA; bare RTF without a header is taken as it is
 *	size		the announced stored size isn't what is there
 *	crc		the checksum is another
 *	end		the data ends in the middle
 *	raw-size	more or fewer bytes than announced
 *	limit		more than `limit`
 */
enum pm_rc pm_rtf_lz_decode(struct pm_ctx *ctx, struct pm_buf *out, struct pm_span in, size_t limit,
			    const char **ret_why);

#endif
