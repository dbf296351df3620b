/* SPDX-License-Identifier: Apache-2.0 */
/* Property contexts, read tolerantly. */
#include "ltp/pc.h"

#include "base/text.h"
#include "format/fields.h"

#define PROPS_MAX 65536

/* A BTHHEADER of a PC: B5 02 06. */
static bool is_pc_header(struct pm_span s)
{
	return s.n == 8 && s.p[0] == 0xB5 && s.p[1] == 2 && s.p[2] == 6;
}

/* The root item when hidUserRoot does not lead to one: the first BTHHEADER in block 0. */
static enum pm_rc find_root(struct pm_heap *h, pm_hid *ret)
{
	struct pm_span s;
	uint32_t n;
	enum pm_rc rc;

	*ret = h->root;
	rc = pm_heap_item(h, h->root, &s);
	if (pm_is_error(rc) || ((rc == PM_OK || rc == PM_DAMAGED) && is_pc_header(s)))
		return rc;
	rc = pm_heap_items(h, 0, &n);
	for (uint32_t i = 1; !pm_is_error(rc) && i <= n; i++) {
		rc = pm_heap_item(h, pm_hid_make(h->db->fmt, 0, i), &s);
		if ((rc == PM_OK || rc == PM_DAMAGED) && is_pc_header(s)) {
			h->rules |= PM_HN_ROOT;
			*ret = pm_hid_make(h->db->fmt, 0, i);
			return PM_DAMAGED;
		}
	}
	return pm_is_error(rc) ? rc : PM_LOST;
}

/* The type that a property has in every file [MS-OXPROPS], of two the one that is fewer bits off what is
 * stored; 0 for ids not listed here. */
static uint16_t usual_type(const struct pm_format *f, uint16_t id, uint16_t stored)
{
	switch (id) {
	case PM_ID_MESSAGE_CLASS:
	case PM_ID_SUBJECT:
	case PM_ID_SENT_REPR_NAME:
	case PM_ID_SENT_REPR_ADDRTYPE:
	case PM_ID_SENT_REPR_EMAIL:
	case 0x0070: /* PidTagConversationTopic */
	case PM_ID_TRANSPORT_HEADERS:
	case PM_ID_SENDER_NAME:
	case PM_ID_SENDER_ADDRTYPE:
	case PM_ID_SENDER_EMAIL:
	case PM_ID_DISPLAY_BCC:
	case PM_ID_DISPLAY_CC:
	case PM_ID_DISPLAY_TO:
	case PM_ID_BODY:
	case PM_ID_INTERNET_MESSAGE_ID:
	case PM_ID_DISPLAY_NAME:
	case PM_ID_CONTAINER_CLASS:
	case PM_ID_ATTACH_FILENAME:
	case PM_ID_ATTACH_LONG_FILENAME:
	case PM_ID_ATTACH_MIME_TAG:
	case PM_ID_ATTACH_CONTENT_ID:
		return f->string_type;
	case PM_ID_SUBMIT_TIME:
	case PM_ID_DELIVERY_TIME:
	case PM_ID_CREATION_TIME:
	case PM_ID_MODIFICATION_TIME:
		return PM_PT_TIME;
	case PM_ID_MESSAGE_FLAGS:
	case PM_ID_MESSAGE_SIZE:
	case PM_ID_ATTACH_METHOD:
	case PM_ID_ATTACH_SIZE:
	case PM_ID_CONTENT_COUNT:
	case PM_ID_CONTENT_UNREAD:
	case PM_ID_MESSAGE_CODEPAGE:
	case PM_ID_INTERNET_CPID:
		return PM_PT_I4;
	case PM_ID_RTF_COMPRESSED:
	case PM_ID_SEARCH_KEY:
	case PM_ID_RECORD_KEY:
	case PM_ID_HTML: /* as PidTagBodyHtml a string */
		return PM_PT_BINARY;
	case PM_ID_ATTACH_DATA: /* or an object */
		return stored == PM_PT_OBJECT || __builtin_popcount(stored ^ PM_PT_OBJECT) <
							 __builtin_popcount(stored ^ PM_PT_BINARY)
			       ? PM_PT_OBJECT
			       : PM_PT_BINARY;
	}
	return 0;
}

/* Can a property whose type is always `usual` (0: not known) have the type that is stored? */
static bool usable_type(uint16_t id, uint16_t stored, uint16_t usual)
{
	if (!usual || stored == usual)
		return true;
	/* PidTagMessageSizeExtended; in the store of an OST. [OBS] */
	if (id == PM_ID_MESSAGE_SIZE && stored == PM_PT_I8)
		return true;
	if (id == PM_ID_HTML)
		return stored == PM_PT_STRING8 || stored == PM_PT_UNICODE;
	/* 8-bit strings are met in Unicode files; ANSI files can't have the other kind. */
	if (usual == PM_PT_UNICODE)
		return stored == PM_PT_STRING8;
	return usual == PM_PT_I4 && stored == PM_PT_I2;
}

/* In the map of property names ids mean something else: 2, 3, 4 are its streams, 1000 and
 * above its buckets, all binary [MS-PST 2.4.7]. */
static bool is_name_map(const struct pm_pc *pc)
{
	for (size_t i = 0; i < pc->props.n && i < 4; i++)
		if (pc->props.v[i].id >= 2 && pc->props.v[i].id <= 4 &&
		    pc->props.v[i].type == PM_PT_BINARY)
			return true;
	return false;
}

static enum pm_rc add_prop(struct pm_pc *pc, const uint8_t *rec, uint8_t state)
{
	const struct pm_format *f = pc->db->fmt;
	struct pm_prop *p;

	if (!pm_PCENTRY_wPropId(f, rec)) {
		pc->padded = true; /* [OBS] padding records of a third-party writer */
		return PM_OK;
	}
	p = pm_vec_push(pc->db->ctx, &pc->props);
	if (!p)
		return pc->db->ctx->rc;
	p->id = (uint16_t)pm_PCENTRY_wPropId(f, rec);
	p->type = (uint16_t)pm_PCENTRY_wPropType(f, rec);
	memcpy(p->raw, rec + 4, 4);
	p->state = state;
	if (!usable_type(p->id, p->type, usual_type(f, p->id, p->type)) && !is_name_map(pc)) {
		p->type = usual_type(f, p->id, p->type);
		p->retyped = true;
	}
	return PM_OK;
}

/* Could these bytes be PC records: ascending ids, known types? */
static bool like_records(const struct pm_format *f, struct pm_span s)
{
	uint64_t last = 0;

	if (s.n < 24 || s.n % 8)
		return false;
	for (size_t i = 0; i < s.n; i += 8) {
		uint64_t id = pm_PCENTRY_wPropId(f, s.p + i);

		if (id <= last || pm_proptype_size((uint16_t)pm_PCENTRY_wPropType(f, s.p + i)) < 0)
			return false;
		last = id;
	}
	return true;
}

/* A record of a type that no stray bytes have by chance. */
static bool like_record(const struct pm_format *f, const uint8_t *p)
{
	uint16_t type = (uint16_t)pm_PCENTRY_wPropType(f, p);

	return pm_PCENTRY_wPropId(f, p) && type > PM_PT_NULL && pm_proptype_size(type) >= 0;
}

#define RAW_MIN 4 /* records in a row that are no accident */

/*
 * A block without a page map has no items, yet its records may stand there: the longest run of
 * them. Values that are in them or in subnodes come with them.
 */
static enum pm_rc scan_block(struct pm_pc *pc, const struct pm_heap_block *b)
{
	const struct pm_format *f = pc->db->fmt;
	uint32_t n = b->n, best = 0;
	uint16_t *run;
	enum pm_rc rc = PM_OK;

	if (n < 8 * RAW_MIN)
		return PM_OK;
	run = pm_calloc(pc->db->ctx, n, sizeof(*run));
	if (!run)
		return pc->db->ctx->rc;
	for (uint32_t at = n - 7; at-- > 0;) {
		const uint8_t *p = b->p + at;

		if (!like_record(f, p))
			continue;
		run[at] = 1;
		if (at + 16 <= n && run[at + 8] &&
		    pm_PCENTRY_wPropId(f, p) < pm_PCENTRY_wPropId(f, p + 8))
			run[at] = (uint16_t)(run[at + 8] + 1);
		if (run[at] > run[best])
			best = at;
	}
	for (unsigned i = 0; run[best] >= RAW_MIN && i < run[best] && !pm_is_error(rc); i++)
		rc = add_prop(pc, b->p + best + 8 * (size_t)i, PM_DAMAGED);
	pm_free(run);
	return rc;
}

/* Items of block k that can be nothing but records, if they go on where the last ones ended. */
static enum pm_rc scavenge_items(struct pm_pc *pc, size_t k, uint32_t n)
{
	const struct pm_format *f = pc->db->fmt;
	enum pm_rc rc = PM_OK;

	for (uint32_t i = 1; !pm_is_error(rc) && i <= n; i++) {
		size_t have = pc->props.n;
		struct pm_span s;
		uint8_t state;

		rc = pm_heap_item(&pc->heap, pm_hid_make(f, k, i), &s);
		if (pm_is_error(rc) || rc == PM_LOST || !like_records(f, s))
			continue;
		if (have && pm_PCENTRY_wPropId(f, s.p) <= pc->props.v[have - 1].id)
			continue;
		state = (uint8_t)rc;
		for (size_t at = 0; at < s.n && !pm_is_error(rc); at += 8)
			rc = add_prop(pc, s.p + at, state);
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

/* The tree leads to no record: whatever looks like its records. */
static enum pm_rc scavenge(struct pm_pc *pc)
{
	struct pm_heap *h = &pc->heap;
	enum pm_rc rc = PM_OK;

	for (size_t k = 0; !pm_is_error(rc) && k < h->n_blocks; k++) {
		uint32_t n;

		rc = pm_heap_items(h, k, &n);
		if (!pm_is_error(rc))
			rc = scavenge_items(pc, k, n);
	}
	for (size_t k = 0; !pm_is_error(rc) && !pc->props.n && k < h->n_blocks; k++) {
		uint32_t n;

		rc = pm_heap_items(h, k, &n);
		if (!pm_is_error(rc) && h->blocks[k].p)
			rc = scan_block(pc, &h->blocks[k]);
	}
	return pm_is_error(rc) ? rc : pc->props.n ? PM_DAMAGED : PM_LOST;
}

/*
 * Items of known size put wrong offsets of the page map right, and so save their neighbours.
 * Records that are lost to such an offset are taken from where they stand (scan_block).
 */
static enum pm_rc settle_items(struct pm_pc *pc)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; rc == PM_OK && i < pc->props.n; i++) {
		const struct pm_prop *p = &pc->props.v[i];
		int size = pm_proptype_size(p->type);

		if (size > 4)
			rc = pm_heap_settle(&pc->heap, pm_le32(p->raw), (uint32_t)size);
	}
	return rc;
}

/* Is there what the record names: a heap item, a subnode? */
static bool names_something(struct pm_pc *pc, const uint8_t *p)
{
	const uint32_t hnid = (uint32_t)pm_PCENTRY_dwValueHnid(pc->db->fmt, p);
	const size_t k = pm_hid_block(pc->db->fmt, hnid);

	if (pm_proptype_inline((uint16_t)pm_PCENTRY_wPropType(pc->db->fmt, p)) || !hnid)
		return true;
	if (pm_nid_type(hnid))
		return pm_subs_find(&pc->subs, hnid) != NULL;
	return k < pc->heap.n_blocks &&
	       pm_hid_index(pc->db->fmt, hnid) - 1 < pc->heap.blocks[k].items;
}

/*
 * The end of the records was moved forward in the map, right as its checksum may be: then more of them
 * stand behind it, in the next item. Two are no accident.
 */
static enum pm_rc add_behind(struct pm_pc *pc, struct pm_bth *b)
{
	const struct pm_format *f = pc->db->fmt;
	const struct pm_heap_block *hb;
	unsigned last, n = 0;
	struct pm_span s;
	enum pm_rc rc;

	if (b->levels || !b->n || b->rules || pc->padded)
		return PM_OK;
	rc = pm_heap_item(&pc->heap, b->root, &s);
	if (rc != PM_OK)
		return pm_is_error(rc) ? rc : PM_OK;
	hb = &pc->heap.blocks[pm_hid_block(f, b->root)];
	last = pc->props.v[pc->props.n - 1].id;
	for (const uint8_t *p = s.p + s.n; p + 8 <= hb->p + hb->map; p += 8, n++) {
		if (!like_record(f, p) || pm_PCENTRY_wPropId(f, p) <= last ||
		    !names_something(pc, p))
			break;
		last = (unsigned)pm_PCENTRY_wPropId(f, p);
	}
	if (n < 2 || !pm_heap_stretch(&pc->heap, b->root, (uint32_t)s.n + 8 * n))
		return PM_OK;
	pc->bth_rules |= PM_TR_WHOLE;
	for (unsigned i = 0; i < n && rc == PM_OK; i++)
		rc = add_prop(pc, s.p + s.n + 8 * (size_t)i, PM_DAMAGED);
	return rc ? rc : PM_DAMAGED;
}

/* HTML that is said to be UTF-16 begins with a '<' or space of two bytes; else it is bytes. */
static enum pm_rc settle_html(struct pm_pc *pc)
{
	const struct pm_prop *p = pm_pc_find(pc, PM_ID_HTML);
	struct pm_buf b = {0};
	struct pm_value v;
	struct pm_span s;
	enum pm_rc rc;

	if (!p || p->type != PM_PT_UNICODE)
		return PM_OK;
	rc = pm_pc_value(pc, p, &v);
	if (!pm_is_error(rc) && v.stream && v.data.leaves.n)
		rc = pm_data_read_leaf(&v.data, 0, &b);
	s = v.stream ? pm_buf_span(&b) : v.span;
	if (!pm_is_error(rc) && s.n >= 2 && s.p[0] && s.p[1] && s.p[0] < 0x80 && s.p[1] < 0x80) {
		pc->props.v[p - pc->props.v].type = PM_PT_BINARY;
		pc->props.v[p - pc->props.v].retyped = true;
	}
	pm_value_done(&v);
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc read_props(struct pm_pc *pc)
{
	struct pm_bth b;
	pm_hid root;
	enum pm_rc rc = find_root(&pc->heap, &root);

	if (!pm_is_error(rc))
		rc = pm_heap_settle(&pc->heap, root, 8);
	if (pm_is_error(rc))
		return rc;
	rc = pm_bth_open(&pc->heap, root, 2, 6, true, &b);
	pc->bth_rules = b.rules;
	pc->lost = b.lost;
	if (b.rules & (PM_TR_TYPE | PM_TR_SIZES))
		pc->rules |= PM_CR_PC;
	for (size_t i = 0; !pm_is_error(rc) && i < b.n && i < PROPS_MAX; i++) {
		enum pm_rc add = add_prop(pc, pm_bth_record(&b, i), b.state[i]);

		if (add)
			rc = add;
	}
	if (!pm_is_error(rc) && pc->props.n) {
		enum pm_rc more = add_behind(pc, &b);

		rc = pm_is_error(more) ? more : pm_worse(rc, more);
	}
	pm_bth_close(&b);
	if (!pm_is_error(rc) && !pc->props.n) {
		enum pm_rc found = scavenge(pc);

		if (pm_is_error(found) || rc == PM_LOST)
			rc = found;
		if (found == PM_DAMAGED) {
			pc->rules |= PM_CR_PC;
			pc->lost++;
			rc = found;
		}
	}
	if (!pm_is_error(rc)) {
		enum pm_rc settled = settle_items(pc);

		settled = settled ? settled : settle_html(pc);
		rc = settled ? settled : rc;
	}
	return rc;
}

enum pm_rc pm_pc_open(const struct pm_ndb *db, pm_bid data, pm_bid sub, struct pm_pc *pc)
{
	enum pm_rc rc, heap;

	*pc = (struct pm_pc){.db = db, .subs_state = PM_NONE};
	/* The subnodes first: they are there for those who look after a lost heap, too. */
	pc->subs_state = pm_tree_subs(db, sub, &pc->subs);
	if (pm_is_error(pc->subs_state))
		return pc->subs_state;
	heap = pm_heap_open(db, data, PM_CLIENT_PC, &pc->heap);
	if (heap != PM_OK && heap != PM_DAMAGED)
		return heap;
	if (pc->heap.rules & PM_HN_CLIENT)
		pc->rules |= PM_CR_PC;
	rc = read_props(pc);
	if (pm_is_error(rc) || rc == PM_LOST)
		return rc;
	if (rc != PM_OK || pc->subs_state == PM_LOST || pc->subs_state == PM_DAMAGED)
		return PM_DAMAGED;
	return heap;
}

enum pm_rc pm_pc_open_node(const struct pm_ndb *db, pm_nid nid, struct pm_pc *pc)
{
	const struct pm_node *n = pm_ndb_find_node(db, nid);

	return pm_pc_open(db, n ? n->data : 0, n ? n->sub : 0, pc);
}

void pm_pc_close(struct pm_pc *pc)
{
	pm_heap_close(&pc->heap);
	pm_subs_close(&pc->subs);
	pm_vec_done(&pc->props);
	pm_buf_done(&pc->text);
}

const struct pm_prop *pm_pc_find(const struct pm_pc *pc, uint16_t id)
{
	size_t lo = 0, hi = pc->props.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pc->props.v[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < pc->props.n && pc->props.v[lo].id == id ? &pc->props.v[lo] : NULL;
}

enum pm_rc pm_hnid_value(struct pm_heap *h, const struct pm_subs *subs, uint16_t type,
			 uint32_t hnid, struct pm_value *v)
{
	const struct pm_sub *sub;

	*v = (struct pm_value){.type = type, .state = PM_OK};
	if (!hnid)
		return PM_OK;
	if (!pm_nid_type(hnid)) {
		v->state = pm_heap_item(h, hnid, &v->span);
		v->size = v->span.n;
		return v->state;
	}
	v->nid = hnid;
	sub = pm_subs_find(subs, hnid);
	if (!sub) {
		v->state = PM_LOST;
		return PM_LOST;
	}
	v->stream = true;
	v->state = pm_tree_data(h->db, sub->data, &v->data);
	if (v->state == PM_NONE) /* an empty subnode is an empty value */
		v->state = PM_OK;
	v->size = v->data.size;
	return v->state;
}

enum pm_rc pm_pc_value(struct pm_pc *pc, const struct pm_prop *p, struct pm_value *v)
{
	int size = pm_proptype_size(p->type);

	if (size >= 0 && pm_proptype_inline(p->type)) {
		*v = (struct pm_value){.type = p->type, .state = (enum pm_rc)p->state};
		v->span = (struct pm_span){p->raw, (size_t)size, 0};
		v->size = (uint64_t)size;
		return v->state;
	}
	if (size < 0) { /* not known: the four bytes are all that is certain */
		*v = (struct pm_value){.type = p->type, .state = PM_DAMAGED};
		v->span = (struct pm_span){p->raw, 4, 0};
		v->size = 4;
		return v->state;
	}
	if (pm_is_error(pm_hnid_value(&pc->heap, &pc->subs, p->type, pm_le32(p->raw), v)))
		return v->state;
	v->state = pm_worse(v->state, (enum pm_rc)p->state);
	return v->state;
}

/* Rules of what the bytes say; `s` may be the beginning of the value only. */
static uint32_t content_rules(uint16_t type, struct pm_span s, bool all)
{
	if (type == PM_PT_UNICODE && s.n % 2 == 0 && all && !pm_utf16_valid(s.p, s.n))
		return PM_CR_UTF16;
	return type & PM_PT_MV && all && pm_mv_open(type, s).damaged ? PM_CR_MV : 0;
}

uint32_t pm_value_length_rules(const struct pm_value *v, uint32_t hnid)
{
	const int size = pm_proptype_size(v->type);

	if (!hnid || v->state == PM_LOST || v->type == PM_PT_OBJECT)
		return 0;
	return (size > 0 && v->size != (uint64_t)size ? PM_CR_SIZE : 0u) |
	       (v->type == PM_PT_UNICODE && v->size % 2 ? PM_CR_ODD : 0u);
}

enum pm_rc pm_value_rules(struct pm_ctx *ctx, const struct pm_format *f, const struct pm_subs *subs,
			  const struct pm_value *v, uint32_t hnid, uint64_t max,
			  uint32_t *ret_rules)
{
	struct pm_buf buf = {0};
	uint32_t rules = pm_value_length_rules(v, hnid);
	enum pm_rc rc = PM_OK;

	if (v->nid && pm_nid_type(v->nid) != 0x1F && v->type != PM_PT_OBJECT)
		rules |= PM_CR_NID;
	if (v->state == PM_LOST)
		rules |= PM_CR_HNID;
	if (v->type == PM_PT_STRING8 ? f->variant != PM_ANSI
				     : v->type == PM_PT_UNICODE && f->variant == PM_ANSI)
		rules |= PM_CR_STRING;
	if (!hnid || v->state == PM_LOST)
		goto out;
	if (v->type == PM_PT_OBJECT) {
		if (v->stream || v->span.n < 8 || !pm_subs_find(subs, pm_le32(v->span.p)))
			rules |= PM_CR_OBJECT;
		goto out;
	}
	if (!v->stream) {
		rules |= content_rules(v->type, v->span, true);
	} else if (v->size <= max && (v->type == PM_PT_UNICODE || v->type & PM_PT_MV)) {
		rc = pm_value_read(ctx, v, max, &buf);
		if (!pm_is_error(rc))
			rules |= content_rules(v->type, pm_buf_span(&buf), rc == PM_OK);
		pm_buf_done(&buf);
	}
out:
	if (pm_is_error(rc) || ctx->rc)
		return ctx->rc;
	*ret_rules = rules;
	return rules ? PM_DAMAGED : PM_OK;
}

enum pm_rc pm_pc_value_rules(struct pm_pc *pc, const struct pm_prop *p, uint64_t max,
			     struct pm_value *ret, uint32_t *ret_rules)
{
	enum pm_rc rc;

	*ret_rules = 0;
	if (pm_proptype_size(p->type) < 0) {
		*ret = (struct pm_value){0};
		*ret_rules = PM_CR_TYPE;
		return PM_DAMAGED;
	}
	rc = pm_pc_value(pc, p, ret);
	if (pm_is_error(rc))
		return rc;
	if (pm_proptype_inline(p->type)) {
		*ret_rules = p->type == PM_PT_BOOL && p->raw[0] > 1 ? PM_CR_BOOL : 0;
		rc = *ret_rules ? PM_DAMAGED : PM_OK;
	} else {
		rc = pm_value_rules(pc->db->ctx, pc->db->fmt, &pc->subs, ret, pm_le32(p->raw), max,
				    ret_rules);
	}
	if (!pm_is_error(rc) && p->retyped) {
		*ret_rules |= PM_CR_TYPE;
		rc = PM_DAMAGED;
	}
	return rc;
}

enum pm_rc pm_pc_prop_rules(struct pm_pc *pc, const struct pm_prop *p, bool mark, uint64_t max,
			    uint32_t *ret_rules)
{
	const uint32_t hnid = pm_le32(p->raw);
	struct pm_value v;
	enum pm_rc rc;

	if (mark && hnid && !pm_nid_type(hnid) && !pm_proptype_inline(p->type) &&
	    pm_proptype_size(p->type) >= 0) {
		rc = pm_heap_mark(&pc->heap, hnid);
		if (pm_is_error(rc))
			return rc;
	}
	rc = pm_pc_value_rules(pc, p, max, &v, ret_rules);
	pm_value_done(&v);
	return rc;
}
