/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where found problems go: counted, the first few of each kind kept, all handed on to a
 * callback. A problem that follows from another is folded under it: it names its cause, and
 * causes know how many followed. Memory is bounded whatever the file holds.
 */
#ifndef PM_CHECK_SINK_H
#define PM_CHECK_SINK_H

#include "base/map.h"
#include "check/problems.h"

/* What later problems can be blamed on. */
enum pm_cause { PM_CAUSE_BLOCK, PM_CAUSE_PAGE, PM_CAUSE_NODE, PM_CAUSE_KINDS };

/* An object of the user's that is not whole. */
enum pm_object_kind { PM_OBJ_NODE, PM_OBJ_STORE, PM_OBJ_FOLDER, PM_OBJ_MESSAGE, PM_OBJ_KINDS };
enum pm_object_state {
	PM_OBJ_WHOLE,
	PM_OBJ_DAMAGED, /* all there, something about it wrong */
	PM_OBJ_PARTIAL, /* a part is lost */
	PM_OBJ_LOST,
	PM_OBJ_STATES
};

struct pm_affected {
	enum pm_object_kind kind;
	enum pm_object_state state;
	pm_nid nid;
	uint64_t serial;  /* of the first problem that says so; 0 when the damage has no problem */
	const char *path; /* of its folder (a folder's own), NULL when not known */
	const char *name; /* subject, display name; NULL when not known */
	const char *detail; /* what of it is damaged or missing; NULL */
};

const char *pm_object_kind_name(unsigned kind);   /* "node", "store", "folder", "message" */
const char *pm_object_state_name(unsigned state); /* "whole", "damaged", "partial", "lost" */

/* Called with each as it is found. An error stops the check. Either may be NULL. */
struct pm_sink_ops {
	enum pm_rc (*problem)(void *arg, const struct pm_problem *p);
	enum pm_rc (*affected)(void *arg, const struct pm_affected *a);
};

struct pm_sink_kept {
	struct pm_problem p;   /* strings owned by the sink */
	uint64_t consequences; /* problems that follow from this one, directly or not */
};

struct pm_sink {
	struct pm_ctx *ctx;
	const struct pm_sink_ops *ops;
	void *arg;
	bool infos;             /* hand on and keep PM_SEV_INFO, too; else they are only counted */
	unsigned keep;          /* of each kind */
	uint64_t serial;        /* last one given */
	uint64_t n[PM_P_COUNT]; /* found */
	uint64_t followed[PM_P_COUNT]; /* of these, those with a cause */
	uint64_t under[PM_P_COUNT];    /* consequences of these */
	uint64_t severity[3];          /* found, by severity */
	uint64_t roots;                /* errors and warnings without a cause */
	uint64_t affected[PM_OBJ_KINDS][PM_OBJ_STATES];
	PM_VEC(struct pm_sink_kept) kept;    /* in the order of finding */
	uint32_t kept_of[PM_P_COUNT][2];     /* without a cause, with one */
	struct pm_map kept_at;               /* serial -> index into kept */
	struct pm_map cause[PM_CAUSE_KINDS]; /* key -> serial */
	struct pm_map root;                  /* serial of a cause -> serial of its root << 8 | id */
	struct pm_arena arena;
};

void pm_sink_init(struct pm_sink *s, struct pm_ctx *ctx, const struct pm_sink_ops *ops, void *arg);
void pm_sink_done(struct pm_sink *s);

/* Record a problem; p->serial is set. PM_OK or an error. */
enum pm_rc pm_sink_add(struct pm_sink *s, struct pm_problem *p) PM_MUST_CHECK;
/* So many more of a PM_SEV_INFO that was not to be handed on (`infos` is unset). */
void pm_sink_add_infos(struct pm_sink *s, enum pm_problem_id id, uint64_t n);
/* From now on problems with this structure follow from problem p (added before); the first
 * blame stays. */
enum pm_rc pm_sink_blame(struct pm_sink *s, enum pm_cause kind, uint64_t key,
			 const struct pm_problem *p) PM_MUST_CHECK;
/* The problem to name as cause of one with this structure: its serial, 0 when there is none. */
uint64_t pm_sink_cause(const struct pm_sink *s, enum pm_cause kind, uint64_t key);
/* Hand on an object that is not whole; it was counted in s->affected before. */
enum pm_rc pm_sink_affected(struct pm_sink *s, const struct pm_affected *a) PM_MUST_CHECK;

#endif
