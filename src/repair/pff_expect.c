/* SPDX-License-Identifier: Apache-2.0 */
/* What a repair tells the independent proof; see pff_expect.h. */
#include "repair/pff_expect.h"

#include "msg/folder.h"

static int compare_nids(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

/* Ascending, each once. Returns how many are left. */
static size_t sort_nids(uint32_t *v, size_t n)
{
	size_t i, k = 0;

	if (n > 0)
		qsort(v, n, sizeof(*v), compare_nids);
	for (i = 0; i < n; i++) {
		if (k == 0 || v[k - 1] != v[i])
			v[k++] = v[i];
	}
	return k;
}

static enum pm_rc add_counts(const struct pm_repair *r, struct pm_pff_expect *e)
{
	const struct pm_model *m = r->model;
	struct pm_pff_count *c;
	size_t i;

	for (i = 0; i < m->folders.n; i++) {
		c = pm_vec_push(r->ctx, &e->counts);
		if (!c)
			return PM_ENOMEM;
		c->nid = m->folders.v[i].nid;
		c->folders = m->folders.v[i].n_children;
		c->messages = m->folders.v[i].n_messages;
		c->assoc = m->folders.v[i].n_assoc;
	}
	return PM_OK;
}

/* Did this deed write to an item? */
static bool touches_item(const struct pm_deed *d)
{
	switch ((enum pm_deed_kind)d->kind) {
	case PM_DID_NODE_TREES:
	case PM_DID_NODE_REBUILT:
	case PM_DID_NODE_MADE:
	case PM_DID_PARENT:
		break;
	default:
		return false;
	}
	return pm_nid_type((pm_nid)d->key) == PM_NT_MESSAGE ||
	       pm_nid_type((pm_nid)d->key) == PM_NT_ASSOC;
}

static enum pm_rc add_must(const struct pm_repair *r, struct pm_pff_expect *e)
{
	const size_t most = PM_PFF_SAMPLE_DEFAULT;
	uint32_t *nid;
	size_t i, n;

	for (i = 0; i < r->deeds.n; i++) {
		if (!touches_item(&r->deeds.v[i]))
			continue;
		nid = pm_vec_push(r->ctx, &e->must);
		if (!nid)
			return PM_ENOMEM;
		*nid = (uint32_t)r->deeds.v[i].key;
	}
	n = sort_nids(e->must.v, e->must.n);
	for (i = 0; n > most && i < most; i++)
		e->must.v[i] = e->must.v[i * (n - 1) / (most - 1)];
	e->must.n = n > most ? most : n;
	return PM_OK;
}

static enum pm_rc add_partial(const struct pm_repair *r, struct pm_pff_expect *e)
{
	uint32_t *nid;
	size_t i;

	for (i = 0; i < r->casualties.n; i++) {
		if (r->casualties.v[i].lost)
			continue;
		nid = pm_vec_push(r->ctx, &e->partial);
		if (!nid)
			return PM_ENOMEM;
		*nid = r->casualties.v[i].nid;
	}
	e->partial.n = sort_nids(e->partial.v, e->partial.n);
	return PM_OK;
}

/* Items that the repair took out again are not to be opened. */
static void drop_lost(const struct pm_repair *r, struct pm_pff_expect *e)
{
	size_t i, k = 0, at;

	for (i = 0; i < e->must.n; i++) {
		for (at = 0; at < r->casualties.n; at++) {
			if (r->casualties.v[at].lost && r->casualties.v[at].nid == e->must.v[i])
				break;
		}
		if (at == r->casualties.n)
			e->must.v[k++] = e->must.v[i];
	}
	e->must.n = k;
}

enum pm_rc pm_pff_expect_repair(const struct pm_repair *r, struct pm_pff_expect *e,
				struct pm_pff_options *opt)
{
	enum pm_rc rc = add_counts(r, e);

	if (rc == PM_OK)
		rc = add_must(r, e);
	if (rc == PM_OK)
		rc = add_partial(r, e);
	if (rc)
		return rc;
	drop_lost(r, e);
	opt->expect = e->counts.v;
	opt->n_expect = e->counts.n;
	opt->must = e->must.v;
	opt->n_must = e->must.n;
	opt->partial = e->partial.v;
	opt->n_partial = e->partial.n;
	return PM_OK;
}

void pm_pff_expect_done(struct pm_pff_expect *e)
{
	pm_vec_done(&e->counts);
	pm_vec_done(&e->must);
	pm_vec_done(&e->partial);
}
