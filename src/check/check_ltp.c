/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heaps, trees on heaps, property contexts and table contexts [MS-PST 2.3], of whatever node
 * or subnode.
 *
 * Checks: the rules that the readers of layer ltp state, property by property, row by row;
 * subnodes that nothing refers to.
 * Gathers: in the subject: that something is wrong with it.
 * Needs: an open PC or TC; for names of properties the map of names.
 */
#include "check/internal.h"

#include "check/content.h"

#define MV_MAX ((uint64_t)1 << 20) /* multi-values larger than this are not looked into */

#define REPORT(c, symbol, ...)                                                                     \
	pm_check_subject((c), &(struct pm_problem){.id = PM_P_##symbol, ##__VA_ARGS__})

/* --- heaps --------------------------------------------------------------------------- */

static void report_block(struct pm_checker *c, const struct pm_heap *h, size_t k, uint32_t rules)
{
	pm_bid bid = h->data.leaves.v[k].bid;

	if (rules & PM_HN_SIG)
		REPORT(c, HN_SIGNATURE, .bid = bid);
	if (rules & PM_HN_MAP)
		REPORT(c, HN_PAGE_MAP, .bid = bid, .item = k);
	if (rules & PM_HN_ORDER)
		REPORT(c, HN_ORDER, .bid = bid, .item = k);
	if (rules & PM_HN_FIRST)
		REPORT(c, HN_FIRST, .bid = bid, .item = k);
	if (rules & PM_HN_FREE)
		REPORT(c, HN_FREE_COUNT, .bid = bid, .item = k);
	if (rules & PM_HN_ITEM)
		REPORT(c, HN_ITEM_SIZE, .bid = bid, .item = k);
	if (rules & PM_HN_FILL)
		REPORT(c, HN_FILL_LEVEL, .item = k);
	if (rules & PM_HN_LAST)
		REPORT(c, HN_LAST, .bid = bid, .item = k);
}

/* Block k of a heap that holds nothing is its own problem, told before. */
static bool block_lost(const struct pm_heap *h, size_t k)
{
	return h->blocks[k].state == PM_LOST;
}

void pm_check_heap(struct pm_checker *c, struct pm_heap *h, uint8_t client)
{
	for (size_t k = 0; k < h->n_blocks && !c->rc; k++) {
		uint32_t rules = 0;

		if (pm_check_stop(c, pm_heap_block_rules(h, k, &rules)))
			return;
		if (rules && !block_lost(h, k))
			report_block(c, h, k, rules);
	}
	if (h->rules & PM_HN_CLIENT && h->n_blocks)
		REPORT(c, HN_CLIENT, .bid = h->data.leaves.v[0].bid, .have = h->client,
		       .want = client);
	if (h->rules & PM_HN_ROOT)
		REPORT(c, HN_ROOT, .item = h->root);
}

/* The items that two things own. */
static void report_shared(struct pm_checker *c, const struct pm_heap *h)
{
	for (size_t k = 0; k < h->n_blocks; k++)
		for (uint32_t i = 0; h->blocks[k].marks && i < h->blocks[k].n_marks; i++)
			if (h->blocks[k].marks[i] > 1)
				REPORT(c, HN_ITEM_SHARED, .item = pm_hid_make(c->f, k, i + 1));
}

/* Once everything that refers to items was looked at. */
static void finish_heap(struct pm_checker *c, struct pm_heap *h)
{
	uint64_t items = 0, bytes = 0;

	if (h->rules & PM_HN_TWICE)
		report_shared(c, h);
	if (pm_check_stop(c, pm_heap_unused(h, &items, &bytes)) || !items)
		return;
	REPORT(c, HN_UNUSED, .count = items, .size = bytes);
}

static void report_bth(struct pm_checker *c, uint32_t rules, uint32_t lost, const char *what)
{
	if (rules & PM_TR_TYPE)
		REPORT(c, BTH_HEADER, .what = what);
	if (rules & PM_TR_SIZES)
		REPORT(c, BTH_SIZES, .what = what);
	if (rules & PM_TR_LEVELS)
		REPORT(c, BTH_LEVELS, .what = what);
	if (rules & PM_TR_WHOLE)
		REPORT(c, BTH_RECORDS, .what = what);
	if (rules & PM_TR_ORDER)
		REPORT(c, BTH_ORDER, .what = what);
	if (rules & PM_TR_KEYMIN)
		REPORT(c, BTH_KEY, .what = what);
	if (rules & PM_TR_TREE)
		REPORT(c, BTH_TREE, .what = what);
	if (rules & PM_TR_EMPTY)
		REPORT(c, BTH_EMPTY, .what = what);
	if (lost)
		REPORT(c, BTH_LOST, .what = what, .count = lost);
}

/* --- subnodes ------------------------------------------------------------------------ */

static bool use_sub(struct pm_checker *c, const struct pm_subs *subs, pm_nid nid)
{
	const struct pm_sub *s = pm_subs_find(subs, nid);

	return !s || pm_bitmap_set(&c->used, (uint64_t)(s - subs->v.v));
}

static void begin_subs(struct pm_checker *c, const struct pm_subs *subs)
{
	if (subs->v.n > c->used.n) {
		pm_bitmap_done(&c->used);
		pm_check_stop(c, pm_bitmap_init(c->ctx, &c->used, subs->v.n));
	} else {
		pm_bitmap_clear_range(&c->used, 0, subs->v.n);
	}
}

/* Side tables of unknown use stand in sound files and nothing names them. [OBS] */
static bool undocumented(pm_nid nid)
{
	return pm_nid_type(nid) == 0x16 || nid == 0x6D7 || nid == 0x6F8 || nid == 0x4E1;
}

static void report_unused(struct pm_checker *c, const struct pm_subs *subs, pm_known_sub_fn known)
{
	for (size_t i = 0; i < subs->v.n && !c->rc; i++) {
		pm_nid nid = (pm_nid)subs->v.v[i].nid;

		if (!pm_bitmap_test(&c->used, i) && !undocumented(nid) && !(known && known(nid)))
			REPORT(c, SUBNODE_UNUSED, .item = nid);
	}
}

/* --- property contexts --------------------------------------------------------------- */

static void report_value(struct pm_checker *c, uint32_t rules, uint32_t tag, uint32_t hnid,
			 const struct pm_value *v)
{
	if (rules & PM_CR_HNID)
		REPORT(c, PC_HNID, .tag = tag, .item = hnid);
	if (rules & PM_CR_SIZE)
		REPORT(c, PC_SIZE, .tag = tag, .have = v->size,
		       .want = (uint64_t)pm_proptype_size(v->type));
	if (rules & PM_CR_ODD)
		REPORT(c, PC_STRING_ODD, .tag = tag, .have = v->size);
	if (rules & PM_CR_MV)
		REPORT(c, PC_MULTIVALUE, .tag = tag);
	if (rules & PM_CR_OBJECT)
		REPORT(c, PC_OBJECT, .tag = tag,
		       .item = v->span.n >= 4 ? pm_le32(v->span.p) : hnid);
	if (rules & PM_CR_STRING)
		REPORT(c, PC_STRING_TYPE, .tag = tag);
	if (rules & PM_CR_UTF16)
		REPORT(c, PC_STRING_UTF16, .tag = tag);
	if (rules & PM_CR_NID)
		REPORT(c, PC_SUBNODE_TYPE, .tag = tag, .item = hnid);
}

/* Text that lies in subnodes is not read for its letters: a body is what it is. */
static uint64_t look_into(uint16_t type)
{
	return type & PM_PT_MV ? MV_MAX : 0;
}

static void check_prop(struct pm_checker *c, struct pm_pc *pc, const struct pm_prop *p)
{
	const uint32_t tag = pm_prop_tag(p), hnid = pm_le32(p->raw);
	struct pm_value v;
	uint32_t rules = 0;
	enum pm_rc rc;

	if (p->id >= 0x8000 && c->names_known && !pm_names_of(&c->names, p->id))
		REPORT(c, PC_UNNAMED, .tag = tag);
	if (pm_proptype_size(p->type) < 0) {
		REPORT(c, PC_TYPE, .tag = tag);
		return;
	}
	if (p->retyped) {
		uint64_t lossy = c->subject.lossy;

		REPORT(c, PC_TYPE, .tag = tag);
		c->subject.lossy = lossy; /* the value is there all the same */
	}
	if (pm_proptype_inline(p->type)) {
		if (p->type == PM_PT_BOOL && p->raw[0] > 1)
			REPORT(c, PC_BOOLEAN, .tag = tag, .have = p->raw[0]);
		pm_plain_number(c, p);
		return;
	}
	if (hnid && !pm_nid_type(hnid) && pm_check_stop(c, pm_heap_mark(&pc->heap, hnid)))
		return;
	rc = pm_pc_value(pc, p, &v);
	if (!pm_is_error(rc))
		rc = pm_value_rules(c->ctx, c->f, &pc->subs, &v, hnid, look_into(p->type), &rules);
	if (!pm_check_stop(c, rc)) {
		if (rules)
			report_value(c, rules, tag, hnid, &v);
		pm_plain_value(c, p, &v);
		if (pm_nid_type(hnid))
			c->subject.odd |= !use_sub(c, &pc->subs, hnid); /* another's, too */
		else if (p->type == PM_PT_OBJECT && v.span.n >= 4)
			use_sub(c, &pc->subs, pm_le32(v.span.p));
	}
	pm_value_done(&v);
}

void pm_check_pc(struct pm_checker *c, struct pm_pc *pc, enum pm_rc state, pm_known_sub_fn known)
{
	if (c->rc || (state != PM_OK && state != PM_DAMAGED && !pc->heap.n_blocks))
		return;
	pm_check_heap(c, &pc->heap, PM_CLIENT_PC);
	pm_plain_pc(c, pc, state);
	if (!(pc->heap.rules & PM_HN_SIG))
		report_bth(c, pc->bth_rules, pc->lost, "property records");
	begin_subs(c, &pc->subs);
	for (size_t i = 0; i < pc->props.n && !c->rc; i++)
		check_prop(c, pc, &pc->props.v[i]);
	if (!c->rc && state == PM_OK) {
		finish_heap(c, &pc->heap);
		report_unused(c, &pc->subs, known);
	}
}

/* --- table contexts ------------------------------------------------------------------ */

static void report_columns(struct pm_checker *c, const struct pm_tc *tc)
{
	static const struct {
		uint32_t rule;
		const char *what;
	} rules[] = {
		{PM_BR_COLUMNS, "the columns do not ascend by tag"},
		{PM_BR_IBIT, "a column's existence bit is too large or used twice"},
		{PM_BR_PLACE, "cells of columns overlap or lie outside the row"},
		{PM_BR_CBDATA,
		 "the size of a column's cell does not fit its type, or there is no such type"},
		{PM_BR_ROWID, "the row id is not the first column"},
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (tc->rules & rules[i].rule)
			REPORT(c, TC_COLUMNS, .what = rules[i].what);
	if (tc->rules & PM_BR_RGIB)
		REPORT(c, TC_ROW_LAYOUT);
	if (tc->rules & PM_BR_ROWVER)
		REPORT(c, TC_ROW_VERSION_COLUMN);
	if (tc->rules & PM_BR_HIDINDEX)
		REPORT(c, TC_HID_INDEX);
	if (tc->rules & PM_BR_POOL)
		REPORT(c, TC_POOL);
}

static void report_rows(struct pm_checker *c, const struct pm_tc *tc)
{
	uint64_t there = 0, listed = 0;

	for (size_t i = 0; i < tc->rows.n; i++) {
		there += tc->rows.v[i].number != UINT32_MAX;
		listed +=
			!(tc->rows.v[i].rules & PM_BR_ENTRY) || tc->rows.v[i].number == UINT32_MAX;
	}
	if (tc->rules & PM_BR_INDEX)
		REPORT(c, TC_INDEX_SIZES);
	if (tc->rules & PM_BR_ENTRY)
		REPORT(c, TC_ROW_INDEX);
	if (tc->rules & PM_BR_COUNT)
		REPORT(c, TC_ROW_COUNT, .have = listed, .want = there);
	if (tc->rules & PM_BR_MATRIX)
		REPORT(c, TC_ROW_MATRIX);
	if (tc->rules & PM_BR_FILLED)
		REPORT(c, TC_MATRIX_BLOCK);
}

/* Of the row that was asked for last. */
static void check_cell(struct pm_checker *c, struct pm_tc *tc, size_t row, const struct pm_col *col,
		       uint32_t hnid)
{
	uint32_t rules, value;

	if (pm_check_stop(
		    c, pm_tc_hnid_rules(tc, col, hnid, true, look_into(col->type), &rules, &value)))
		return;
	if (rules)
		REPORT(c, TC_CELL, .tag = pm_col_tag(col), .item = tc->rows.v[row].id);
	if (value & PM_CR_UTF16)
		REPORT(c, PC_STRING_UTF16, .tag = pm_col_tag(col));
	if (value & PM_CR_STRING)
		REPORT(c, PC_STRING_TYPE, .tag = pm_col_tag(col));
}

static void check_cells(struct pm_checker *c, struct pm_tc *tc, size_t row)
{
	struct pm_span s;
	enum pm_rc rc = pm_tc_row(tc, row, &s);

	if (pm_check_stop(c, rc) || rc == PM_LOST)
		return;
	for (size_t i = 0; i < tc->cols.n && !c->rc; i++) {
		const uint32_t hnid = pm_tc_hnid(tc, s, &tc->cols.v[i]);

		if (hnid)
			check_cell(c, tc, row, &tc->cols.v[i], hnid);
	}
}

/* Cells name subnodes, too: which ones? Only asked when there are any. */
static void use_cells(struct pm_checker *c, struct pm_tc *tc, size_t row)
{
	struct pm_span s, cell;
	enum pm_rc rc = pm_tc_row(tc, row, &s);

	if (pm_check_stop(c, rc) || rc == PM_LOST)
		return;
	for (size_t i = 0; i < tc->cols.n; i++) {
		const struct pm_col *col = &tc->cols.v[i];

		if (col->far && pm_span_sub(s, col->ibData, 4, &cell) &&
		    pm_nid_type(pm_le32(cell.p)))
			use_sub(c, &tc->subs, pm_le32(cell.p));
	}
}

static void check_rows(struct pm_checker *c, struct pm_tc *tc)
{
	uint32_t all = 0;

	for (size_t i = 0; i < tc->rows.n && !c->rc; i++) {
		uint32_t rules = 0;

		if (pm_check_stop(c, pm_tc_row_rules(tc, i, &rules)))
			return;
		all |= rules;
		check_cells(c, tc, i);
		if (tc->subs.v.n)
			use_cells(c, tc, i);
	}
	if (all & PM_BR_KEY)
		REPORT(c, TC_ROW_ID);
	if (all & PM_BR_BITS)
		REPORT(c, TC_ROW_BITS);
	if (all & PM_BR_STALE)
		REPORT(c, TC_CELL_STALE);
}

/* A heap that the rows share. What such heaps keep for their own use is not looked at. */
static void check_pool(struct pm_checker *c, struct pm_heap *h)
{
	for (size_t k = 0; k < h->n_blocks && !c->rc; k++) {
		uint32_t rules = 0;

		if (!pm_check_stop(c, pm_heap_block_rules(h, k, &rules)) && !block_lost(h, k))
			report_block(c, h, k, rules & PM_HN_ERRORS);
	}
}

void pm_check_tc(struct pm_checker *c, struct pm_tc *tc, enum pm_rc state)
{
	if (c->rc || (state != PM_OK && state != PM_DAMAGED && !tc->heap.n_blocks))
		return;
	pm_check_heap(c, &tc->heap, PM_CLIENT_TC);
	if (tc->rules & PM_BR_INFO || state == PM_LOST)
		REPORT(c, TC_INFO);
	if (state == PM_LOST)
		return;
	report_columns(c, tc);
	report_bth(c, tc->bth_rules, tc->lost, "row index");
	report_rows(c, tc);
	begin_subs(c, &tc->subs);
	use_sub(c, &tc->subs, tc->rows_hnid);
	for (unsigned i = 0; i < 2; i++)
		if (tc->has_pool[i]) {
			use_sub(c, &tc->subs, i ? 0x521 : 0x541);
			check_pool(c, &tc->pool[i]);
		}
	check_rows(c, tc);
	if (!c->rc && state == PM_OK) {
		finish_heap(c, &tc->heap);
		report_unused(c, &tc->subs, NULL);
	}
}
