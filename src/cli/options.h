/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options: one table says what there is, where the value goes, and what --help says of it.
 *
 *	struct my_options { bool strict; const char *output; };
 *	static const struct pm_option my_options[] = {
 *		{PM_OPT_FLAG, "strict", 0, NULL, "take warnings for errors",
 *		 offsetof(struct my_options, strict)},
 *		{PM_OPT_STRING, "output", 'o', "PATH", "the new file",
 *		 offsetof(struct my_options, output)},
 *		{0},
 *	};
 */
#ifndef PM_CLI_OPTIONS_H
#define PM_CLI_OPTIONS_H

#include "base/bytes.h"

/* The type that `at` points to. */
enum pm_opt_kind {
	PM_OPT_FLAG = 1, /* bool */
	PM_OPT_STRING,   /* const char *, a part of argv */
	PM_OPT_NUMBER,   /* struct pm_number */
	PM_OPT_SIZE,     /* struct pm_number; K, M, G, T behind it multiply */
	PM_OPT_CHOICE,   /* int: which of `choices` */
};

struct pm_number {
	bool given;
	uint64_t value;
};

struct pm_option {
	enum pm_opt_kind kind; /* 0 ends the table */
	const char *name;      /* "output" is given as --output */
	char letter;           /* 0: has none */
	const char *arg;       /* what --help calls the argument; NULL: takes none */
	const char *help;
	size_t at;           /* offset in the structure that the table fills */
	const char *choices; /* PM_OPT_CHOICE: "text json html"; the first is the default */
};

/* A table and the structure that it fills. */
struct pm_option_set {
	const struct pm_option *options; /* NULL: empty */
	void *values;
};

/* A number as one types it: decimal, or hexadecimal with 0x. False: it is none. */
bool pm_parse_number(const char *s, uint64_t *ret);
bool pm_parse_size(const char *s, uint64_t *ret);

/*
 * Parse argv[1...] by the tables (which share no names; the first one wins) and permute it:
 * the arguments that are no options come last, from *ret_first on. False: wrong usage, `why`
 * says what, and `ctx` has an error when memory ran out.
 */
bool pm_options_parse(struct pm_ctx *ctx, const struct pm_option_set *sets, size_t nsets, int argc,
		      char **argv, int *ret_first, struct pm_buf *why);
/* The lines of --help about the options of a table. */
void pm_options_help(struct pm_ctx *ctx, const struct pm_option *options, struct pm_buf *out);

/* Of the names (NULL at the end) the one most like `word`, if one is: "did you mean". */
const char *pm_nearest(const char *word, const char *const *names);

#endif
