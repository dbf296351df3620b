/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend dump: property contexts and table contexts. */
#include "cli/dump.h"
#include "ltp/pc.h"
#include "ltp/tc.h"

#include <stdio.h>

static const char *state_words(enum pm_rc state)
{
	return state == PM_OK ? "whole" : state == PM_DAMAGED ? "damaged" : "lost";
}

static const char *type_words(uint16_t type)
{
	const char *name = pm_proptype_name(type);

	return name ? name : "unknown type";
}

/* By bit of pm_pc_rule; the first is of the PC, the others of a property. */
static const char *const pc_rules[] = {
	"not a property context", "type",   "boolean",     "value not found", "size",   "odd size",
	"multi-value layout",     "object", "string type", "subnode type",    "UTF-16", "no name",
};

enum { P_TAG, P_NAME, P_TYPE, P_HNID, P_SIZE, P_STATE, P_REMARK, P_VALUE, P_COLUMNS };

static const struct pm_column prop_cols[P_COLUMNS] = {
	[P_TAG] = {"tag", "Property", PM_AS_TAG, 0},  [P_NAME] = {"name", "Name", PM_AS_TEXT, 36},
	[P_TYPE] = {"type", "Type", PM_AS_TEXT, 0},   [P_HNID] = {"hnid", "HNID", PM_AS_HEX, 0},
	[P_SIZE] = {"size", "Bytes", PM_AS_DEC, 0},   [P_STATE] = {"state", NULL, PM_AS_TEXT, 0},
	[P_REMARK] = {NULL, "Remark", PM_AS_TEXT, 0}, [P_VALUE] = {"value", "Value", PM_AS_TEXT, 0},
};

static void print_prop(struct pm_dump *d, struct pm_pc *pc, const struct pm_prop *p, uint32_t cp)
{
	struct pm_value v = {0};
	enum pm_rc rc = pm_pc_value(pc, p, &v);

	if (!pm_is_error(rc)) {
		pm_print_begin_row(d->out);
		pm_print_uint(d->out, &prop_cols[P_TAG], pm_prop_tag(p));
		pm_print_text(d->out, &prop_cols[P_NAME], pm_dump_prop_name(d, p->id));
		pm_print_text(d->out, &prop_cols[P_TYPE], type_words(p->type));
		if (!pm_proptype_inline(p->type))
			pm_print_uint(d->out, &prop_cols[P_HNID], pm_le32(p->raw));
		pm_print_uint(d->out, &prop_cols[P_SIZE], v.size);
		pm_print_text(d->out, &prop_cols[P_STATE], state_words(rc));
		pm_print_text(d->out, &prop_cols[P_REMARK], rc == PM_OK ? "" : state_words(rc));
		pm_dump_value(d, &prop_cols[P_VALUE], &v, cp);
		pm_print_end(d->out);
	}
	pm_value_done(&v);
}

void pm_dump_pc(struct pm_dump *d, pm_bid data, pm_bid sub)
{
	static const struct pm_column table = {"properties", "Properties", PM_AS_TEXT, 0};
	struct pm_pc pc;
	uint32_t cp = 0;
	enum pm_rc rc = pm_pc_open(&d->an->db, data, sub, &pc);

	if (!pm_is_error(rc))
		rc = pm_pc_u32(&pc, PM_ID_MESSAGE_CODEPAGE, &cp);
	if (!pm_is_error(rc)) {
		pm_dump_rules(d, pc.rules, pc_rules, sizeof(pc_rules) / sizeof(pc_rules[0]));
		pm_print_begin_table(d->out, &table, prop_cols, P_COLUMNS);
		for (size_t i = 0; i < pc.props.n && !d->ctx->rc; i++)
			print_prop(d, &pc, &pc.props.v[i], cp);
		pm_print_end(d->out);
	}
	pm_pc_close(&pc);
}

/* --- tables ---------------------------------------------------------------------------- */

/* By bit of pm_tc_rule. */
static const char *const tc_rules[] = {
	"TCINFO",     "rgib",           "column order",  "iBit",
	"cell place", "cbData",         "row id column", "row version column",
	"row index",  "index entry",    "row count",     "row id",
	"cell value", "existence bits", "row matrix",    "matrix block not full",
	"hidIndex",   "stale cell",
};

static void print_columns(struct pm_dump *d, const struct pm_tc *tc)
{
	static const struct pm_column table = {"columns", "Columns", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"tag", "Property", PM_AS_TAG, 0},  {"name", "Name", PM_AS_TEXT, 36},
		{"type", "Type", PM_AS_TEXT, 0},    {"ibData", "ibData", PM_AS_DEC, 0},
		{"cbData", "cbData", PM_AS_DEC, 0}, {"iBit", "iBit", PM_AS_DEC, 0},
	};

	pm_print_begin_table(d->out, &table, cols, 6);
	for (size_t i = 0; i < tc->cols.n; i++) {
		const struct pm_col *c = &tc->cols.v[i];

		pm_print_begin_row(d->out);
		pm_print_uint(d->out, &cols[0], pm_col_tag(c));
		pm_print_text(d->out, &cols[1], pm_dump_prop_name(d, c->id));
		pm_print_text(d->out, &cols[2], type_words(c->type));
		pm_print_uint(d->out, &cols[3], c->ibData);
		pm_print_uint(d->out, &cols[4], c->cbData);
		pm_print_uint(d->out, &cols[5], c->iBit);
		pm_print_end(d->out);
	}
	pm_print_end(d->out);
}

static void print_cell(struct pm_dump *d, struct pm_tc *tc, size_t row, const struct pm_col *c)
{
	char key[16], label[128];
	const char *name = pm_dump_prop_name(d, c->id);
	const struct pm_column col = {key, label, PM_AS_TEXT, 0};
	struct pm_value v = {0};
	enum pm_rc rc = pm_tc_cell(tc, row, c, &v);

	snprintf(key, sizeof(key), "0x%08x", pm_col_tag(c));
	snprintf(label, sizeof(label), "%s%s%s", key, name ? " " : "", name ? name : "");
	if (rc == PM_LOST)
		pm_print_null(d->out, &col);
	else if (!pm_is_error(rc) && rc != PM_NONE)
		pm_dump_value(d, &col, &v, 0);
	pm_value_done(&v);
}

static void print_rows(struct pm_dump *d, struct pm_tc *tc)
{
	static const struct pm_column list = {"rows", "", PM_AS_TEXT, 0};
	static const struct pm_column cells = {"cells", "", PM_AS_TEXT, 0};
	static const struct pm_column fields[] = {
		{"id", NULL, PM_AS_HEX, 0},
		{"number", NULL, PM_AS_DEC, 0},
		{"state", NULL, PM_AS_TEXT, 0},
	};
	char label[96];
	const struct pm_column map = {"row", label, PM_AS_TEXT, 0};

	pm_print_begin_list(d->out, &list);
	for (size_t i = 0; i < tc->rows.n && !d->ctx->rc; i++) {
		const struct pm_tc_row *r = &tc->rows.v[i];
		uint32_t rules = 0;

		if (pm_is_error(pm_tc_row_rules(tc, i, &rules)))
			break;
		snprintf(label, sizeof(label), "Row 0x%x%s%s", r->id, r->state ? ", " : "",
			 r->state ? state_words(r->state) : "");
		pm_print_begin_map(d->out, &map);
		pm_print_uint(d->out, &fields[0], r->id);
		if (r->number != UINT32_MAX)
			pm_print_uint(d->out, &fields[1], r->number);
		pm_print_text(d->out, &fields[2], state_words(r->state));
		pm_dump_rules(d, rules, tc_rules, sizeof(tc_rules) / sizeof(tc_rules[0]));
		pm_print_begin_map(d->out, &cells);
		for (size_t k = 0; k < tc->cols.n; k++)
			print_cell(d, tc, i, &tc->cols.v[k]);
		pm_print_end(d->out);
		pm_print_end(d->out);
	}
	pm_print_end(d->out);
}

void pm_dump_tc(struct pm_dump *d, pm_bid data, pm_bid sub)
{
	struct pm_tc tc;
	struct pm_span info;
	enum pm_rc rc = pm_tc_open(&d->an->db, data, sub, &tc);

	if (!pm_is_error(rc)) {
		pm_dump_rules(d, tc.rules, tc_rules, sizeof(tc_rules) / sizeof(tc_rules[0]));
		if (!pm_is_error(pm_heap_item(&tc.heap, tc.heap.root, &info)) && info.n)
			pm_dump_fields(d, "TCINFO", info.p, info.n, info.at, NULL);
		print_columns(d, &tc);
		print_rows(d, &tc);
	}
	pm_tc_close(&tc);
}
