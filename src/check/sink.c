/* SPDX-License-Identifier: Apache-2.0 */
/* The sink of problems: counting, keeping the first, folding under causes. */
#include "check/sink.h"

#define KEEP_DEFAULT 5
/* Beyond so many causes, further ones are no longer told apart: their consequences stand alone. */
#define CAUSES_MAX ((size_t)1 << 20)
#define TEXT_MAX   256 /* of a string that is kept */

const char *pm_object_kind_name(unsigned kind)
{
	static const char *const names[PM_OBJ_KINDS] = {"node", "store", "folder", "message"};

	return kind < PM_OBJ_KINDS ? names[kind] : "?";
}

const char *pm_object_state_name(unsigned state)
{
	static const char *const names[PM_OBJ_STATES] = {"whole", "damaged", "partial", "lost"};

	return state < PM_OBJ_STATES ? names[state] : "?";
}

void pm_sink_init(struct pm_sink *s, struct pm_ctx *ctx, const struct pm_sink_ops *ops, void *arg)
{
	*s = (struct pm_sink){.ctx = ctx, .ops = ops, .arg = arg, .keep = KEEP_DEFAULT};
}

void pm_sink_done(struct pm_sink *s)
{
	pm_vec_done(&s->kept);
	pm_map_done(&s->kept_at);
	for (unsigned i = 0; i < PM_CAUSE_KINDS; i++)
		pm_map_done(&s->cause[i]);
	pm_map_done(&s->root);
	pm_arena_done(&s->arena);
}

/* Serial and id of the root of what problem `serial` causes; 0 when it is not known. */
static uint64_t root_of(const struct pm_sink *s, uint64_t serial)
{
	const struct pm_map_entry *e = pm_map_find(&s->root, serial);

	return e ? e->value : 0;
}

static bool keep_text(struct pm_sink *s, const char **text)
{
	size_t n;
	char *copy;

	if (!*text)
		return true;
	n = strnlen(*text, TEXT_MAX);
	if (n == TEXT_MAX)
		while (n && ((*text)[n] & 0xC0) == 0x80)
			n--; /* not within a character */
	copy = pm_arena_alloc(s->ctx, &s->arena, n + 1);
	if (!copy)
		return false;
	memcpy(copy, *text, n);
	*text = copy;
	return true;
}

static enum pm_rc keep(struct pm_sink *s, const struct pm_problem *p)
{
	uint32_t *n = &s->kept_of[p->id][p->caused_by != 0];
	struct pm_sink_kept *k;

	if (*n >= s->keep)
		return PM_OK;
	k = pm_vec_push(s->ctx, &s->kept);
	if (!k)
		return s->ctx->rc;
	k->p = *p;
	++*n;
	if (!keep_text(s, &k->p.what) || !keep_text(s, &k->p.have_text) ||
	    !keep_text(s, &k->p.want_text) || !keep_text(s, &k->p.path)) {
		s->kept.n--; /* not with borrowed strings */
		return s->ctx->rc;
	}
	return pm_map_put(s->ctx, &s->kept_at, p->serial, s->kept.n - 1);
}

static void fold(struct pm_sink *s, const struct pm_problem *p)
{
	uint64_t root = root_of(s, p->caused_by);
	const struct pm_map_entry *at = pm_map_find(&s->kept_at, root >> 8);

	s->followed[p->id]++;
	if (root)
		s->under[root & 0xFF]++;
	if (at)
		s->kept.v[at->value].consequences++;
}

enum pm_rc pm_sink_add(struct pm_sink *s, struct pm_problem *p)
{
	unsigned severity = pm_problem_rows[p->id].severity;
	enum pm_rc rc;

	p->serial = ++s->serial;
	s->n[p->id]++;
	s->severity[severity]++;
	if (p->caused_by)
		fold(s, p);
	else if (severity != PM_SEV_INFO)
		s->roots++;
	if (severity == PM_SEV_INFO && !s->infos)
		return PM_OK;
	rc = keep(s, p);
	if (rc == PM_OK && s->ops && s->ops->problem)
		rc = s->ops->problem(s->arg, p);
	return rc;
}

void pm_sink_add_infos(struct pm_sink *s, enum pm_problem_id id, uint64_t n)
{
	s->serial += n;
	s->n[id] += n;
	s->severity[PM_SEV_INFO] += n;
}

enum pm_rc pm_sink_blame(struct pm_sink *s, enum pm_cause kind, uint64_t key,
			 const struct pm_problem *p)
{
	uint64_t root = p->caused_by ? root_of(s, p->caused_by) : 0;
	struct pm_map_entry *e;
	bool fresh;

	_Static_assert(PM_P_COUNT <= 256, "a problem id is packed into a byte");
	if (s->cause[kind].n >= CAUSES_MAX || s->root.n >= CAUSES_MAX)
		return PM_OK;
	if (!root)
		root = p->serial << 8 | p->id;
	e = pm_map_get(s->ctx, &s->cause[kind], key, &fresh);
	if (!e)
		return s->ctx->rc;
	if (!fresh)
		return PM_OK;
	e->value = p->serial;
	return pm_map_put(s->ctx, &s->root, p->serial, root);
}

uint64_t pm_sink_cause(const struct pm_sink *s, enum pm_cause kind, uint64_t key)
{
	const struct pm_map_entry *e = pm_map_find(&s->cause[kind], key);

	return e ? e->value : 0;
}

enum pm_rc pm_sink_affected(struct pm_sink *s, const struct pm_affected *a)
{
	return s->ops && s->ops->affected ? s->ops->affected(s->arg, a) : PM_OK;
}
