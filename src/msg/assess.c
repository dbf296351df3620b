/* SPDX-License-Identifier: Apache-2.0 */
/* What of a message is damaged or missing, named one by one. */
#include "msg/message.h"

#include <stdio.h>

#include "base/codepage.h"
#include "base/map.h"
#include "base/quote.h"
#include "msg/rtf_fault.h"

/*
 * Attachments that are met again (shared blocks, or a tree that was made to be endless) are
 * looked at again so many times in all.
 */
#define REPEATS_MAX 1000

#define LOOK_MAX  65536 /* bytes of a value that are looked at for its form */
#define FEW       64    /* properties that are compared each with each */
#define MALFORMED (PM_CR_SIZE | PM_CR_MV | PM_CR_ODD)

struct walk {
	struct pm_ctx *ctx;
	struct pm_flaws *flaws;
	const char *where; /* "attachment 3 'x.doc': ", or "" */
	bool named;        /* somebody reads that */
	unsigned depth;
	struct pm_map *seen; /* attachments by their blocks */
	unsigned *repeats;
};

static bool usable(enum pm_rc rc)
{
	return rc == PM_OK || rc == PM_DAMAGED;
}

/* Take down one flaw; its text is `where` and what the rest says. */
static PM_PRINTF(3, 4) enum pm_rc
	note(struct walk *w, const struct pm_flaw *flaw, const char *fmt, ...)
{
	struct pm_buf text = {0};
	struct pm_flaw *slot;
	char rest[256];
	va_list ap;

	w->flaws->worst = pm_worse(w->flaws->worst, PM_DAMAGED);
	if (w->flaws->v.n >= w->flaws->max) {
		w->flaws->more++;
		return PM_OK;
	}
	va_start(ap, fmt);
	vsnprintf(rest, sizeof(rest), fmt, ap);
	va_end(ap);
	pm_buf_str(w->ctx, &text, w->where);
	pm_buf_str(w->ctx, &text, rest);
	slot = pm_vec_push(w->ctx, &w->flaws->v);
	if (slot) {
		*slot = *flaw;
		slot->text = pm_arena_strdup(w->ctx, &w->flaws->arena, pm_buf_cstr(w->ctx, &text));
	}
	pm_buf_done(&text);
	return w->ctx->rc;
}

/* What the ranges of a value's data tree that are not sound mean for `what`. */
static enum pm_rc judge_stream(struct walk *w, const struct pm_value *v, struct pm_flaw *flaw,
			       const char *name)
{
	struct pm_bad_ranges bad = {0};
	enum pm_rc rc = pm_data_bad_ranges(&v->data, &bad);

	if (pm_is_error(rc) || rc == PM_OK) {
		pm_vec_done(&bad.v);
		return pm_is_error(rc) ? rc : PM_OK;
	}
	if (v->data.flags & (PM_TF_REORDERED | PM_TF_DISORDER)) {
		pm_vec_done(&bad.v);
		return note(w, flaw, "%s: order of its %zu blocks wrong, %s", name,
			    v->data.leaves.n,
			    v->data.flags & PM_TF_REORDERED ? "restored by their sizes and ids"
							    : "the right one is not known");
	}
	flaw->state = rc;
	flaw->ranges = (uint32_t)bad.v.n;
	if (bad.v.n) {
		flaw->from = bad.v.v[0].from;
		flaw->to = bad.v.v[0].to;
	}
	if (rc == PM_LOST)
		rc = note(w, flaw, "%s: lost, %llu bytes", name, (unsigned long long)v->size);
	else if (!bad.v.n)
		rc = note(w, flaw, "%s: damaged, parts may be missing", name);
	else
		rc = note(w, flaw, "%s: %s at %llu..%llu%s", name,
			  bad.v.v[0].lost ? "missing" : "damaged", (unsigned long long)flaw->from,
			  (unsigned long long)flaw->to, bad.v.n > 1 ? " and elsewhere" : "");
	pm_vec_done(&bad.v);
	return rc;
}

/* Is what stands in a value's place a table, or properties, without fault? Then it is that of
 * another object: the entry that names it was redirected. */
static enum pm_rc is_object(const struct pm_value *v, bool *ret)
{
	const struct pm_ndb *db = v->data.db;
	const bool one = v->data.leaves.n == 1 && v->type != PM_PT_OBJECT;
	const pm_bid bid = one ? v->data.leaves.v[0].bid : 0;
	const struct pm_block *b = bid ? pm_ndb_find_block(db, bid) : NULL;
	const unsigned kind = b ? b->flags & PM_BF_KIND : PM_BK_NONE;
	struct pm_pc pc;
	struct pm_tc tc;
	enum pm_rc rc = PM_OK;

	*ret = false;
	if (kind == PM_BK_PC) {
		rc = pm_pc_open(db, bid, 0, &pc);
		*ret = rc == PM_OK && pc.props.n && !pc.rules && !pc.bth_rules;
		pm_pc_close(&pc);
	} else if (kind == PM_BK_TC) {
		rc = pm_tc_open(db, bid, 0, &tc);
		*ret = rc == PM_OK && tc.cols.n && !tc.rules && !tc.bth_rules;
		pm_tc_close(&tc);
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc judge_value(struct walk *w, const struct pm_value *v, struct pm_flaw *flaw,
			      const char *name)
{
	if (v->state == PM_LOST && !v->stream) {
		flaw->state = PM_LOST;
		return note(w, flaw, "%s: missing", name);
	}
	if (v->stream) {
		bool object;
		enum pm_rc rc = is_object(v, &object);

		flaw->state = PM_DAMAGED;
		if (rc || object)
			return rc ? rc
				  : note(w, flaw, "%s: another object stands in its place", name);
		return judge_stream(w, v, flaw, name);
	}
	if (v->state != PM_DAMAGED)
		return PM_OK;
	flaw->state = PM_DAMAGED;
	return note(w, flaw, "%s: damaged", name);
}

static enum pm_flaw_what what_of(uint16_t id)
{
	switch (id) {
	case PM_ID_BODY:
		return PM_FLAW_TEXT;
	case PM_ID_HTML:
		return PM_FLAW_HTML;
	case PM_ID_RTF_COMPRESSED:
		return PM_FLAW_RTF;
	case PM_ID_ATTACH_DATA:
		return PM_FLAW_DATA;
	}
	return PM_FLAW_PROPERTY;
}

static void name_of(const struct pm_prop *p, char *ret, size_t n)
{
	static const char *const names[] = {[PM_FLAW_TEXT] = "text body",
					    [PM_FLAW_HTML] = "html body",
					    [PM_FLAW_RTF] = "rtf body",
					    [PM_FLAW_DATA] = "data"};
	enum pm_flaw_what what = what_of(p->id);
	const char *known = pm_proptag_name(p->id);

	if (what != PM_FLAW_PROPERTY)
		snprintf(ret, n, "%s", names[what]);
	else if (known)
		snprintf(ret, n, "property 0x%08X (%s)", pm_prop_tag(p), known);
	else
		snprintf(ret, n, "property 0x%08X", pm_prop_tag(p));
}

/* Does another item name the same block as its own? */
static bool crowded(const struct pm_ndb *db, pm_bid bid)
{
	const struct pm_block *b = pm_ndb_find_block(db, bid);

	return b && b->flags & PM_BF_CROWDED;
}

/* The PC as a whole. */
static enum pm_rc judge_whole(struct walk *w, struct pm_pc *pc, enum pm_rc state)
{
	struct pm_flaw flaw = {.what = PM_FLAW_PROPERTIES, .state = state};
	bool damaged = pc->heap.n_blocks && pc->heap.blocks[0].state != PM_OK;
	enum pm_rc rc = PM_OK;

	if (pc->subs_state == PM_LOST || pc->subs_state == PM_DAMAGED)
		rc = note(w, &flaw,
			  "subnodes: %s, recipients, attachments or large values may be missing",
			  pc->subs_state == PM_LOST ? "lost" : "damaged");
	if (rc)
		return rc;
	if (pc->subs.internal.n && crowded(pc->db, pc->subs.internal.v[0]))
		rc = note(w, &flaw, "subnodes: may be those of another item");
	if (rc)
		return rc;
	if (!usable(state))
		return note(w, &flaw, "properties: lost");
	if (pc->lost || pc->bth_rules & PM_TR_TREE)
		return note(w, &flaw, "properties: some may be missing");
	/* A key that was hit stands in the wrong place, as another property; where records end in
	 * the middle of one, the ends of the items were moved, those of values with them. */
	if (pc->bth_rules & (PM_TR_ORDER | PM_TR_WHOLE) && !pc->padded)
		return note(w, &flaw, "properties: damaged, some may be missing");
	for (size_t i = 0; i < pc->props.n && !damaged; i++)
		damaged = pc->props.v[i].state != PM_OK;
	/* What was written over one part of a page map can have moved ends of values, too. */
	for (size_t i = 0; i < pc->heap.n_blocks && !damaged; i++)
		damaged = (pc->heap.blocks[i].rules & PM_HN_ODD_FREE) != 0;
	return damaged ? note(w, &flaw, "properties: damaged") : PM_OK;
}

/* Has judge_whole told of this damage: the record's, or that of the first block? */
static bool told(const struct pm_pc *pc, const struct pm_prop *p, const struct pm_value *v)
{
	if (v->stream || v->state != PM_DAMAGED)
		return false;
	return p->state != PM_OK || (pc->heap.blocks[0].state != PM_OK &&
				     pm_hid_block(pc->db->fmt, pm_le32(p->raw)) == 0);
}

/* In ANSI files the texts of a message are in its code page. */
static bool no_codepage(const struct pm_pc *pc, const struct pm_prop *p)
{
	return p->id == PM_ID_MESSAGE_CODEPAGE && p->type == PM_PT_I4 && pm_le32(p->raw) &&
	       pc->db->fmt->string_type == PM_PT_STRING8 && !pm_cp_known(pm_le32(p->raw));
}

/* A time of 17 bytes is none: its record names what is another property's. */
static bool wrong_size(const struct pm_prop *p, const struct pm_value *v)
{
	const int size = pm_proptype_size(p->type);

	return size > 0 && !pm_proptype_inline(p->type) && p->type != PM_PT_OBJECT &&
	       v->state == PM_OK && v->size != (uint64_t)size;
}

/* Where the value of a property lies, 0: in itself, or nowhere. */
static uint32_t place_of(const struct pm_prop *p)
{
	return pm_proptype_inline(p->type) ? 0 : pm_le32(p->raw);
}

static enum pm_rc judge_prop(struct walk *w, struct pm_pc *pc, const struct pm_prop *p)
{
	struct pm_flaw one = {.what = what_of(p->id), .tag = pm_prop_tag(p)};
	struct pm_value v = {0};
	uint32_t rules = 0;
	char name[96];
	enum pm_rc rc;

	/* Of ids with one type pm_pc_open has set another right. */
	if (pm_proptype_size(p->type) < 0) {
		one.state = PM_LOST;
		name_of(p, name, sizeof(name));
		return note(w, &one, "%s: lost, its type 0x%04X is wrong", name, p->type);
	}
	if (no_codepage(pc, p)) {
		one.state = PM_DAMAGED;
		return note(w, &one, "its texts: there is no code page %u", pm_le32(p->raw));
	}
	if (pm_proptype_inline(p->type) && p->state == PM_OK)
		return PM_OK;
	/* Of texts only the length tells something here, and that needs no reading. */
	if (p->type & PM_PT_MV) {
		rc = pm_pc_value_rules(pc, p, LOOK_MAX, &v, &rules);
	} else {
		rc = pm_pc_value(pc, p, &v);
		rules = pm_value_length_rules(&v, place_of(p));
	}
	if (!pm_is_error(rc) && rules & MALFORMED) {
		pm_value_done(&v);
		one.state = rules & MALFORMED & ~(uint32_t)PM_CR_ODD ? PM_LOST : PM_DAMAGED;
		name_of(p, name, sizeof(name));
		return note(w, &one, "%s: %s", name,
			    one.state == PM_LOST ? "lost, its value is malformed"
						 : "half of its last letter is missing");
	}
	if (pm_is_error(rc)) {
		/* recorded */
	} else if (wrong_size(p, &v)) {
		one.state = PM_DAMAGED;
		name_of(p, name, sizeof(name));
		rc = note(w, &one, "%s: another value stands in its place", name);
	} else if ((!v.stream && v.state == PM_OK) || told(pc, p, &v)) {
		rc = PM_OK;
	} else {
		name_of(p, name, sizeof(name));
		rc = judge_value(w, &v, &one, name);
	}
	pm_value_done(&v);
	return rc;
}

/* Is the place of property i that of one before it? A map is for the many; most are few. */
static enum pm_rc shares_place(struct walk *w, const struct pm_pc *pc, size_t i,
			       struct pm_map *places, uint64_t *seen, bool *ret)
{
	const uint32_t place = place_of(&pc->props.v[i]);
	const uint64_t bit = (uint64_t)1 << (place >> 5) % 64;
	bool fresh = true;

	*ret = false;
	if (pc->props.n > FEW) {
		if (place && !pm_map_get(w->ctx, places, place, &fresh))
			return w->ctx->rc;
		*ret = !fresh;
		return PM_OK;
	}
	/* A bit for each place met: where its bit is not set, none before has it. */
	if (place && *seen & bit)
		for (size_t k = 0; k < i && !*ret; k++)
			*ret = place_of(&pc->props.v[k]) == place;
	*seen |= place ? bit : 0;
	return PM_OK;
}

/* Two properties with one value: each has a place of its own, so one shows the other's. */
static enum pm_rc judge_places(struct walk *w, struct pm_pc *pc)
{
	struct pm_map places = {0};
	uint64_t seen = 0;
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; rc == PM_OK && i < pc->props.n; i++) {
		const struct pm_prop *p = &pc->props.v[i];
		struct pm_flaw flaw = {
			.what = what_of(p->id), .state = PM_DAMAGED, .tag = pm_prop_tag(p)};
		char name[96];
		bool shared;

		rc = shares_place(w, pc, i, &places, &seen, &shared);
		if (rc == PM_OK && shared) {
			name_of(p, name, sizeof(name));
			rc = note(w, &flaw,
				  "%s: its value is that of another property, or the reverse",
				  name);
		}
	}
	pm_map_done(&places);
	return rc;
}

static enum pm_rc judge_rtf(struct walk *w, struct pm_pc *pc)
{
	struct pm_flaw flaw = {.what = PM_FLAW_RTF, .state = PM_DAMAGED};
	struct pm_buf scratch = {0};
	const char *why;
	enum pm_rc rc = pm_rtf_fault(pc, &scratch, &why);

	pm_buf_done(&scratch);
	return rc == PM_OK && why ? note(w, &flaw, "rtf body: damaged, %s", why) : rc;
}

/* The PC, then each value that is damaged beyond that. */
static enum pm_rc judge_pc(struct walk *w, struct pm_pc *pc, enum pm_rc state)
{
	enum pm_rc rc = judge_whole(w, pc, state);

	if (rc == PM_OK)
		rc = judge_places(w, pc);
	for (size_t i = 0; rc == PM_OK && i < pc->props.n; i++)
		rc = judge_prop(w, pc, &pc->props.v[i]);
	return rc == PM_OK ? judge_rtf(w, pc) : rc;
}

static enum pm_rc judge_recipient(struct walk *w, struct pm_message *m, size_t i)
{
	struct pm_flaw flaw = {.what = PM_FLAW_RECIPIENT};
	struct pm_recipient r;
	enum pm_rc rc = pm_recipient_open(m, i, &r);

	flaw.state = rc;
	if (rc == PM_LOST)
		rc = note(w, &flaw, "recipient %zu: lost", i + 1);
	else if (rc == PM_DAMAGED && m->recipients_state == PM_OK)
		rc = note(w, &flaw, "recipient %zu %s: damaged", i + 1,
			  pm_quote(r.name ? r.name : "").s);
	pm_recipient_close(&r);
	return pm_is_error(rc) ? rc : w->ctx->rc;
}

static enum pm_rc judge_recipients(struct walk *w, struct pm_message *m)
{
	struct pm_flaw flaw = {.what = PM_FLAW_RECIPIENTS, .state = m->recipients_state};
	const struct pm_sub *table = pm_subs_find(&m->pc.subs, PM_NID_RECIPIENT_TABLE);
	enum pm_rc rc = PM_OK;

	if (table && crowded(m->db, table->data))
		return note(w, &flaw, "recipients: may be those of another item");
	if (m->recipients_state == PM_NONE)
		return pm_message_addressed(&m->pc) ? note(w, &flaw, "recipients: lost") : PM_OK;
	if (m->recipients_state == PM_LOST)
		return note(w, &flaw, "recipients: lost");
	if (m->recipients_state == PM_OK && !m->recipients.rows.n && pm_message_addressed(&m->pc)) {
		flaw.state = PM_LOST;
		return note(w, &flaw, "recipients: lost");
	}
	if (m->recipients_state == PM_DAMAGED)
		rc = note(w, &flaw, "recipients: some may be missing or wrong");
	for (size_t i = 0; rc == PM_OK && i < m->recipients.rows.n; i++)
		if (!pm_recipient_plain(&m->recipients, i))
			rc = judge_recipient(w, m, i);
	return rc;
}

static enum pm_rc judge_message(struct walk *w, struct pm_message *m);

static enum pm_rc judge_embedded(struct walk *w, struct pm_attachment *a)
{
	struct pm_flaw flaw = {.what = PM_FLAW_EMBEDDED, .state = PM_LOST};
	struct walk inner = *w;
	struct pm_message m;
	bool lost;
	enum pm_rc rc;

	if (w->depth + 1 >= PM_DEPTH_MAX)
		return note(w, &flaw, "embedded message: nested too deeply, not looked at");
	rc = pm_attachment_message(a, &m);
	if (pm_is_error(rc) || rc == PM_NONE) {
		pm_message_close(&m);
		return rc == PM_NONE ? PM_OK : rc;
	}
	inner.depth++;
	lost = rc == PM_LOST;
	rc = PM_OK;
	if (!lost && m.pc.heap.data.leaves.n && crowded(m.db, m.pc.heap.data.leaves.v[0].bid)) {
		flaw.state = PM_DAMAGED;
		rc = note(w, &flaw, "embedded message: may be another's");
	}
	if (lost)
		rc = note(w, &flaw, "embedded message: lost");
	else if (rc == PM_OK)
		rc = judge_message(&inner, &m);
	pm_message_close(&m);
	return rc;
}

static enum pm_rc met_again(struct walk *w, const struct pm_attach_ref *ref, bool *ret)
{
	uint64_t key = ref->data * 0x9E3779B97F4A7C15u ^ ref->sub;
	bool fresh;

	if (!pm_map_get(w->ctx, w->seen, key, &fresh))
		return w->ctx->rc;
	*ret = !fresh;
	return PM_OK;
}

/* Methods that say where the data are: in the attachment. Others name a place elsewhere. */
static enum pm_rc judge_no_data(struct walk *w, struct pm_attachment *a)
{
	struct pm_flaw flaw = {.what = PM_FLAW_DATA, .state = PM_LOST};
	uint32_t method = 0;
	enum pm_rc rc = pm_pc_u32(&a->pc, PM_ID_ATTACH_METHOD, &method);

	if (pm_is_error(rc) ||
	    (method != PM_AM_VALUE && method != PM_AM_EMBEDDED && method != PM_AM_OLE))
		return pm_is_error(rc) ? rc : PM_OK;
	return note(w, &flaw, "data: missing");
}

static enum pm_rc judge_attachment(struct walk *w, struct pm_message *m, size_t i)
{
	struct pm_flaw flaw = {.what = PM_FLAW_ATTACHMENT, .state = PM_LOST};
	struct walk inner = *w;
	struct pm_buf where = {0};
	struct pm_attachment a;
	struct pm_value v;
	enum pm_rc rc;
	bool again = false;

	rc = met_again(w, &m->attachments.v[i], &again);
	if (rc || (again && ++*w->repeats > REPEATS_MAX))
		return rc;
	rc = w->named ? pm_attachment_open(m, i, &a) : pm_attachment_open_bare(m, i, &a);
	if (pm_is_error(rc))
		goto out;
	if (w->named) {
		pm_buf_printf(w->ctx, &where, "%sattachment %zu %s: ", w->where, i + 1,
			      pm_quote(a.name ? a.name : "").s);
		inner.where = pm_buf_cstr(w->ctx, &where);
	}
	if (!m->attachments.v[i].there) {
		rc = note(&inner, &flaw, "missing");
		goto out;
	}
	if (!usable(rc)) {
		rc = note(&inner, &flaw, "lost");
		goto out;
	}
	if (crowded(m->db, m->attachments.v[i].data) ||
	    (rc == PM_OK && pm_attachment_foreign(&a.pc)))
		rc = note(&inner, &flaw, "may be another's");
	if (!pm_is_error(rc))
		rc = judge_pc(&inner, &a.pc, rc);
	if (rc == PM_OK && !pm_pc_find(&a.pc, PM_ID_ATTACH_DATA))
		rc = judge_no_data(&inner, &a);
	if (pm_is_error(rc) || !pm_pc_find(&a.pc, PM_ID_ATTACH_DATA))
		goto out;
	if (pm_attachment_is_message(&a)) {
		rc = judge_embedded(&inner, &a);
	} else if (pm_pc_find(&a.pc, PM_ID_ATTACH_DATA)->type == PM_PT_OBJECT) {
		struct pm_flaw data = {.what = PM_FLAW_DATA};

		rc = pm_attachment_data(&a, &v);
		if (!pm_is_error(rc))
			rc = judge_value(&inner, &v, &data, "data");
		pm_value_done(&v);
	}
out:
	pm_buf_done(&where);
	pm_attachment_close(&a);
	return w->ctx->rc ? w->ctx->rc : rc;
}

static enum pm_rc judge_message(struct walk *w, struct pm_message *m)
{
	enum pm_rc rc = judge_pc(w, &m->pc, m->state);

	if (rc == PM_OK)
		rc = judge_recipients(w, m);
	for (size_t i = 0; !pm_is_error(rc) && i < m->attachments.n; i++)
		rc = judge_attachment(w, m, i);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc judge(struct pm_message *m, size_t max, struct pm_flaws *flaws)
{
	struct pm_map seen = {0};
	unsigned repeats = 0;
	struct walk w = {.ctx = m->db->ctx,
			 .flaws = flaws,
			 .where = "",
			 .named = max,
			 .seen = &seen,
			 .repeats = &repeats};
	enum pm_rc rc;

	*flaws = (struct pm_flaws){.max = max, .worst = PM_OK};
	rc = judge_message(&w, m);
	pm_map_done(&seen);
	if (pm_is_error(rc))
		return rc;
	if (!usable(m->state))
		flaws->worst = PM_LOST;
	return flaws->worst;
}

enum pm_rc pm_message_assess(struct pm_message *m, size_t max, struct pm_flaws *flaws)
{
	/* Most are whole, and names are only there for what is not. */
	enum pm_rc rc = judge(m, 0, flaws);

	return pm_is_error(rc) || rc == PM_OK || !max ? rc : judge(m, max, flaws);
}

void pm_flaws_done(struct pm_flaws *f)
{
	pm_vec_done(&f->v);
	pm_arena_done(&f->arena);
}

bool pm_message_foreign(const struct pm_message *m)
{
	return m->state == PM_OK && m->pc.props.n && !pm_pc_find(&m->pc, PM_ID_MESSAGE_CLASS) &&
	       !pm_pc_find(&m->pc, PM_ID_MESSAGE_FLAGS);
}

bool pm_message_whole(const struct pm_ndb *db, pm_nid nid, pm_bid data, pm_bid sub)
{
	struct pm_flaws flaws = {0};
	struct pm_message m;
	enum pm_rc rc = pm_message_open_bare(db, nid, data, sub, 0, &m);
	bool yes = false;

	if (rc == PM_OK && !pm_message_foreign(&m)) {
		rc = pm_message_assess(&m, 0, &flaws);
		yes = rc == PM_OK && flaws.worst == PM_OK;
		pm_flaws_done(&flaws);
	}
	pm_message_close(&m);
	return yes;
}
