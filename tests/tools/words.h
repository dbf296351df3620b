/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a command a line: recipes and descriptions. */
#ifndef PM_TOOLS_WORDS_H
#define PM_TOOLS_WORDS_H

#include "base/mem.h"

#define PM_WORDS_MAX 32

struct pm_words {
	char *word[PM_WORDS_MAX];
	bool quoted[PM_WORDS_MAX];
	unsigned n;
};

typedef enum pm_rc (*pm_line_fn)(void *arg, struct pm_words *words);

/*
 * Call fn for each line that has words. They are separated by blanks; # begins a comment where
 * a word could begin; "..." is one word and may have \n \r \t \" \\ in it. What fails gets NAME:LINE
 * before its text.
 */
enum pm_rc pm_lines(struct pm_ctx *ctx, const char *name, const char *text, pm_line_fn fn,
		    void *arg) PM_MUST_CHECK;

/* A number as both languages write it: decimal or 0x, with an optional minus. */
bool pm_number(const char *s, size_t n, uint64_t *ret);

/* The bytes of a file; path - is standard input. */
enum pm_rc pm_read_text(struct pm_ctx *ctx, const char *path, char **ret) PM_MUST_CHECK;
/* A new file of these bytes, in place of an old one. */
enum pm_rc pm_write_file(struct pm_ctx *ctx, const char *path, const void *p,
			 size_t n) PM_MUST_CHECK;

#endif
