/* SPDX-License-Identifier: Apache-2.0 */
/* Getters of single properties. */
#include "ltp/pc.h"

/* Bytes of a value of at most 8 bytes of one of two types; PM_NONE for others. */
static enum pm_rc number(struct pm_pc *pc, uint16_t id, bool wide, uint64_t *ret)
{
	const struct pm_prop *p = pm_pc_find(pc, id);
	struct pm_value v;
	uint64_t n = 0;
	enum pm_rc rc;
	size_t size;

	if (!p)
		return PM_NONE;
	switch (p->type) {
	case PM_PT_I2:
	case PM_PT_I4:
	case PM_PT_BOOL:
	case PM_PT_ERROR:
		break;
	case PM_PT_I8:
	case PM_PT_CURRENCY:
	case PM_PT_TIME:
		if (wide)
			break;
		return PM_NONE;
	default:
		return PM_NONE;
	}
	size = (size_t)pm_proptype_size(p->type);
	rc = pm_pc_value(pc, p, &v);
	if (rc == PM_OK || rc == PM_DAMAGED) {
		if (v.stream || v.span.n < size)
			rc = PM_LOST;
		for (size_t i = size; rc != PM_LOST && i-- > 0;)
			n = n << 8 | v.span.p[i];
	}
	pm_value_done(&v);
	if (rc == PM_OK || rc == PM_DAMAGED)
		*ret = n;
	return rc;
}

enum pm_rc pm_pc_u32(struct pm_pc *pc, uint16_t id, uint32_t *ret)
{
	uint64_t n;
	enum pm_rc rc = number(pc, id, false, &n);

	if (rc == PM_OK || rc == PM_DAMAGED)
		*ret = (uint32_t)n;
	return rc;
}

enum pm_rc pm_pc_bool(struct pm_pc *pc, uint16_t id, bool *ret)
{
	uint64_t n;
	enum pm_rc rc = number(pc, id, false, &n);

	if (rc == PM_OK || rc == PM_DAMAGED)
		*ret = n != 0;
	return rc;
}

enum pm_rc pm_pc_u64(struct pm_pc *pc, uint16_t id, uint64_t *ret)
{
	return number(pc, id, true, ret);
}

enum pm_rc pm_pc_time(struct pm_pc *pc, uint16_t id, uint64_t *ret)
{
	const struct pm_prop *p = pm_pc_find(pc, id);

	return p && p->type == PM_PT_TIME ? number(pc, id, true, ret) : PM_NONE;
}

enum pm_rc pm_pc_binary(struct pm_pc *pc, uint16_t id, uint64_t max, struct pm_buf *out)
{
	const struct pm_prop *p = pm_pc_find(pc, id);
	struct pm_value v;
	enum pm_rc rc;

	if (!p || pm_proptype_inline(p->type) || pm_proptype_size(p->type) < 0)
		return PM_NONE;
	rc = pm_pc_value(pc, p, &v);
	if (!pm_is_error(rc))
		rc = pm_value_read(pc->db->ctx, &v, max, out);
	pm_value_done(&v);
	return rc;
}

enum pm_rc pm_pc_string(struct pm_pc *pc, uint16_t id, uint32_t cp, struct pm_buf *out)
{
	const struct pm_prop *p = pm_pc_find(pc, id);
	struct pm_value v;
	enum pm_rc rc;

	if (!p || (p->type != PM_PT_UNICODE && p->type != PM_PT_STRING8))
		return PM_NONE;
	rc = pm_pc_value(pc, p, &v);
	if (!pm_is_error(rc))
		rc = pm_value_text(pc->db->ctx, &v, cp, out);
	pm_value_done(&v);
	return rc;
}

enum pm_rc pm_pc_text(struct pm_pc *pc, uint16_t id, uint32_t cp, struct pm_arena *a, char **ret)
{
	struct pm_buf *b = &pc->text;
	enum pm_rc rc;

	pm_buf_clear(b);
	rc = pm_pc_string(pc, id, cp, b);
	return pm_text_keep(pc->db->ctx, b, a, rc, ret);
}

enum pm_rc pm_pc_object(struct pm_pc *pc, uint16_t id, const struct pm_sub **ret_sub,
			uint32_t *ret_size)
{
	const struct pm_prop *p = pm_pc_find(pc, id);
	const struct pm_sub *sub;
	struct pm_value v;
	enum pm_rc rc;

	if (!p || p->type != PM_PT_OBJECT)
		return PM_NONE;
	rc = pm_pc_value(pc, p, &v);
	if (rc == PM_OK || rc == PM_DAMAGED) {
		sub = !v.stream && v.span.n >= 8 ? pm_subs_find(&pc->subs, pm_le32(v.span.p))
						 : NULL;
		if (sub) {
			*ret_sub = sub;
			*ret_size = pm_le32(v.span.p + 4);
		} else {
			rc = PM_LOST;
		}
	}
	pm_value_done(&v);
	return rc;
}
