/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed RTF has a checksum of its own: what was changed under right checksums of its blocks,
 * or put together from the wrong ones, shows here.
 */
#include "msg/rtf_fault.h"

#include "format/crc.h"

#define RTF_HEAD 16
#define RTF_LZFU 0x75465A4Cu /* [MS-OXRTFCP 2.1.3.1.2] */
#define RTF_MELA 0x414C454Du
#define RTF_MAX  ((uint64_t)16 << 20) /* of longer ones only the head is looked at */

static const char *judge(const struct pm_buf *b, uint64_t whole)
{
	uint32_t size, type;

	if (b->n < RTF_HEAD)
		return "shorter than its header";
	size = pm_le32(b->p);
	type = pm_le32(b->p + 8);
	if (type != RTF_LZFU && type != RTF_MELA)
		return "unknown kind of compression";
	if (type == RTF_MELA)
		return NULL;
	if ((uint64_t)size + 4 > whole)
		return "cut";
	if (whole <= RTF_MAX && size >= 12 &&
	    pm_crc(b->p + RTF_HEAD, size - 12) != pm_le32(b->p + 12))
		return "wrong checksum";
	return NULL;
}

enum pm_rc pm_rtf_fault(struct pm_pc *pc, struct pm_buf *scratch, const char **ret_why)
{
	const struct pm_prop *p = pm_pc_find(pc, PM_ID_RTF_COMPRESSED);
	struct pm_value v;
	enum pm_rc rc;

	*ret_why = NULL;
	if (!p || p->type != PM_PT_BINARY)
		return PM_OK;
	pm_buf_clear(scratch);
	rc = pm_pc_value(pc, p, &v);
	if (rc == PM_OK && v.size)
		rc = pm_value_read(pc->db->ctx, &v, v.size > RTF_MAX ? RTF_HEAD : RTF_MAX, scratch);
	pm_value_done(&v);
	/* Of a damaged value the damage was told. */
	if (pm_is_error(rc) || (rc != PM_OK && v.size <= RTF_MAX) || !scratch->n)
		return pm_is_error(rc) ? rc : PM_OK;
	*ret_why = judge(scratch, v.size);
	return PM_OK;
}
