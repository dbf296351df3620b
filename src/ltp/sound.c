/* SPDX-License-Identifier: Apache-2.0 */
/* Whole verdicts on contexts. */
#include "ltp/sound.h"

#define LOOK_MAX ((uint64_t)1 << 20) /* bytes of a value that are looked at for its form */
#define OWN_USE  (PM_HN_FILL | PM_HN_UNUSED | PM_HN_LAST)

/* Every block of the heap, and what was met while its items were asked for. */
static enum pm_rc heap_sound(struct pm_heap *h, bool form, bool *ret)
{
	/* HIDs that don't resolve are those of values, which have rules of their own. */
	const uint32_t counts =
		form ? ~(uint32_t)(OWN_USE | PM_HN_HID) : PM_HN_ERRORS | PM_HN_TWICE;
	uint32_t all = h->rules;

	for (size_t k = 0; k < h->n_blocks; k++) {
		uint32_t rules = 0;
		enum pm_rc rc = pm_heap_block_rules(h, k, &rules);

		if (rc)
			return rc;
		all |= rules;
		if (h->blocks[k].state != PM_OK)
			all |= PM_HN_MAP;
	}
	*ret = !(all & counts);
	return PM_OK;
}

enum pm_rc pm_pc_sound(struct pm_pc *pc, enum pm_rc open_rc, bool form, bool *ret)
{
	const uint32_t ignored =
		form ? PM_CR_STRING | PM_CR_NID | PM_CR_UTF16 | PM_CR_NAME : PM_CR_FORM;
	uint32_t all = 0;

	*ret = false;
	if (open_rc != PM_OK || pc->rules || pc->lost ||
	    pc->bth_rules & ~(uint32_t)(form ? 0 : PM_TR_FORM))
		return PM_OK;
	for (size_t i = 0; i < pc->props.n; i++) {
		uint32_t rules = 0;
		enum pm_rc rc = pm_pc_prop_rules(pc, &pc->props.v[i], true, LOOK_MAX, &rules);

		if (pm_is_error(rc))
			return rc;
		all |= rules;
	}
	return all & ~ignored ? PM_OK : heap_sound(&pc->heap, form, ret);
}

static enum pm_rc row_sound(struct pm_tc *tc, size_t row, uint32_t ignored, bool *ret)
{
	const struct pm_tc_row *r = &tc->rows.v[row];
	uint32_t all = 0;
	enum pm_rc rc = pm_tc_row_rules(tc, row, &all);

	*ret = false;
	if (pm_is_error(rc) || r->state != PM_OK || all & ~ignored)
		return pm_is_error(rc) ? rc : PM_OK;
	for (size_t i = 0; i < tc->cols.n; i++) {
		uint32_t rules = 0, value = 0;

		if (pm_cell_inline(tc->cols.v[i].type))
			continue;
		rc = pm_tc_cell_rules(tc, row, &tc->cols.v[i], true, LOOK_MAX, &rules, &value);
		if (pm_is_error(rc) || rules)
			return pm_is_error(rc) ? rc : PM_OK;
	}
	*ret = true;
	return PM_OK;
}

enum pm_rc pm_tc_sound(struct pm_tc *tc, enum pm_rc open_rc, bool form, bool *ret)
{
	const uint32_t ignored = form ? PM_BR_STALE : PM_BR_FORM;
	enum pm_rc rc = PM_OK;

	*ret = false;
	if (open_rc != PM_OK || tc->lost || tc->rules & ~ignored ||
	    tc->bth_rules & ~(uint32_t)(form ? 0 : PM_TR_FORM))
		return PM_OK;
	for (size_t i = 0; i < tc->rows.n; i++) {
		bool sound;

		rc = row_sound(tc, i, ignored, &sound);
		if (rc || !sound)
			return rc;
	}
	rc = heap_sound(&tc->heap, form, ret);
	for (unsigned i = 0; i < 2 && rc == PM_OK && *ret; i++)
		if (tc->has_pool[i])
			rc = heap_sound(&tc->pool[i], false, ret);
	return rc;
}
