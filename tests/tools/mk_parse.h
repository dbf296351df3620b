/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the description's parser share. */
#ifndef PM_TOOLS_MK_PARSE_H
#define PM_TOOLS_MK_PARSE_H

#include "mk.h"
#include "words.h"

struct pm_mkp {
	struct pm_mk *mk;
	struct pm_words *w; /* the line at hand */
	struct pm_mk_folder *folder;
	struct pm_mk_message *message; /* that the lines are about */
	uint64_t messages;             /* so far, embedded ones included */
};

struct pm_mkp_command {
	const char *name;
	unsigned min, max; /* words behind it */
	enum pm_rc (*run)(struct pm_mkp *p);
};

/* Commands that say something about a message; a row without a name ends them. */
extern const struct pm_mkp_command pm_mkp_message_commands[];

enum pm_rc pm_mkp_fail(struct pm_mkp *p, const char *what);
enum pm_rc pm_mkp_number(struct pm_mkp *p, unsigned i, uint64_t max, uint64_t *ret);
const char *pm_mkp_string(struct pm_mkp *p, unsigned i); /* word i, in the arena */
bool pm_mkp_date(const char *s, uint64_t *ret);
struct pm_mk_message *pm_mkp_message(struct pm_mkp *p, const char *subject);
/* A generated body of so many characters for the last message. */
enum pm_rc pm_mkp_body(struct pm_mkp *p, uint64_t n);
/* The folders that every file has. */
enum pm_rc pm_mk_begin(struct pm_mk *mk);

/* moved-from PATH, of the message at hand. */
enum pm_rc pm_mkp_moved(struct pm_mkp *p);

#endif
