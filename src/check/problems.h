/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue of problems (problems.def) as an enum and a table, one found problem with
 * its arguments, and its text.
 */
#ifndef PM_CHECK_PROBLEMS_H
#define PM_CHECK_PROBLEMS_H

#include "format/variant.h"

enum pm_problem_id {
#define PROBLEM(symbol, name, layer, severity, repair, args, text) PM_P_##symbol,
#include "check/problems.def"
#undef PROBLEM
	PM_P_COUNT
};

enum pm_problem_layer {
	PM_PL_FILE,
	PM_PL_HEADER,
	PM_PL_PAGE,
	PM_PL_ALLOC,
	PM_PL_BLOCK,
	PM_PL_NODE,
	PM_PL_HEAP,
	PM_PL_BTH,
	PM_PL_PC,
	PM_PL_TC,
	PM_PL_NAMES,
	PM_PL_STORE,
	PM_PL_FOLDER,
	PM_PL_MESSAGE,
	PM_PL_SEARCH,
};

enum pm_severity { PM_SEV_INFO, PM_SEV_WARNING, PM_SEV_ERROR };

/* What repair does about it. */
enum pm_mend { PM_MEND_NONE, PM_MEND_SAFE, PM_MEND_REBUILD, PM_MEND_LOSSY };

struct pm_problem_row {
	const char *name;
	uint8_t layer, severity, mend; /* the enums above */
	const char *args;              /* as in problems.def */
	const char *text;
};

extern const struct pm_problem_row pm_problem_rows[PM_P_COUNT];

/* The problem of this name, or PM_P_COUNT. */
enum pm_problem_id pm_problem_find(const char *name);

const char *pm_problem_layer_name(unsigned layer);
const char *pm_severity_name(unsigned severity); /* "error", "warning", "info" */
const char *pm_mend_name(unsigned mend);         /* "none", "safe", "rebuild", "lossy" */

/*
 * A found problem. The row's `args` say which of the members count; sub, path and caused_by
 * may stand with any. Strings are borrowed: they need to live as long as the call.
 */
struct pm_problem {
	enum pm_problem_id id;
	uint64_t offset; /* in the file */
	uint64_t size;   /* bytes */
	uint64_t bid;    /* block or page id */
	pm_nid nid;      /* top-level node */
	pm_nid sub;      /* its subnode that this is about (the innermost); 0: the node itself */
	uint32_t tag;    /* property tag */
	uint64_t item;   /* heap item, row, entry, subnode: as the text says */
	uint64_t have, want, count;
	const char *what;
	const char *have_text, *want_text; /* when not NULL: in place of the numbers */
	const char *path;                  /* of the folder concerned; NULL: none or not known */
	uint64_t serial;    /* given by the sink: 1, 2, ... in the order of finding */
	uint64_t caused_by; /* serial of the problem that this follows from, 0: none */
};

/* How an argument is shown. */
enum pm_arg_form { PM_ARG_DEC, PM_ARG_HEX, PM_ARG_TEXT };

struct pm_problem_arg {
	char name[8];
	enum pm_arg_form form;
	uint64_t number;
	const char *text; /* PM_ARG_TEXT; never NULL */
};

/* Argument i = 0, 1, ... of a problem, in the row's order; false when there are no more. */
bool pm_problem_arg(const struct pm_problem *p, unsigned i, struct pm_problem_arg *ret);

/* Append its text: one line without an end of line. */
void pm_problem_text(struct pm_ctx *ctx, const struct pm_problem *p, struct pm_buf *out);

#endif
