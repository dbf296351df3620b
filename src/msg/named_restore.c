/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name-to-id map: entries from the hash buckets. These hold each entry a second time, with
 * the hash of its name in place of the name: a number is its own hash, a text is known by its
 * checksum in the text stream.
 */
#include "msg/named.h"

#include "base/bitmap.h"
#include "format/crc.h"
#include "format/fields.h"

#define STREAM_MAX ((uint64_t)16 << 20)
#define BUCKETS    251 /* where the number of them is lost, too */
#define BUCKET_0   0x1000

#define IDS 0x8000

struct record {
	uint32_t hash;
	uint16_t word;
};

struct restore {
	struct pm_names *names;
	struct pm_pc pc;
	struct pm_buf strings;
	struct pm_map texts; /* checksum of a text -> its place in `strings` */
	struct pm_map twice; /* word and hash of an entry with an id that is taken -> its index */
	struct pm_bitmap given; /* ids that a bucket has given: each has one entry */
	struct record *records; /* by id, from 8000 on */
};

static uint32_t hash_of(const struct pm_name *n)
{
	return n->is_string ? pm_crc(n->string.p, n->string.n) : n->id;
}

static uint16_t word_of(const struct pm_name *n)
{
	return (uint16_t)(n->guid << 1 | (n->is_string ? 1 : 0));
}

static uint64_t key_of(uint16_t word, uint32_t hash)
{
	return (uint64_t)word << 32 | hash;
}

/* Texts stand one behind the other; the first that can't be ends the list. */
static enum pm_rc index_texts(struct restore *r)
{
	const struct pm_buf *b = &r->strings;
	enum pm_rc rc = PM_OK;

	for (size_t at = 0; at + 4 <= b->n && rc == PM_OK;) {
		uint32_t len = pm_le32(b->p + at);

		if (len % 2 || len > b->n - at - 4)
			break;
		rc = pm_map_put(r->names->ctx, &r->texts, pm_crc(b->p + at + 4, len), at);
		at += 4 + (size_t)len + (4 - len % 4) % 4;
	}
	return rc;
}

static enum pm_rc index_twice(struct restore *r)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < r->names->v.n && rc == PM_OK; i++) {
		const struct pm_name *n = &r->names->v.v[i];

		if (n->rules & PM_NR_TWICE && !(n->rules & (PM_NR_GUID | PM_NR_STRING)))
			rc = pm_map_put(r->names->ctx, &r->twice, key_of(word_of(n), hash_of(n)),
					i);
	}
	return rc;
}

/* The text with this checksum as that of n; false when there is none. */
static bool take_text(struct restore *r, uint32_t hash, struct pm_name *n)
{
	const struct pm_map_entry *e = pm_map_find(&r->texts, hash);
	const uint8_t *p = e ? r->strings.p + e->value : NULL;
	uint8_t *copy;

	if (!e)
		return false;
	copy = pm_arena_dup(r->names->ctx, &r->names->arena, p + 4, pm_le32(p));
	if (!copy)
		return false;
	n->string = (struct pm_span){copy, pm_le32(p), 0};
	n->rules &= ~(uint32_t)PM_NR_STRING;
	return true;
}

/* The set of names that a bucket's word gives; false when there is no such set. */
static bool take_set(struct restore *r, uint16_t word, struct pm_name *n)
{
	const unsigned guid = word >> 1;
	const size_t at = guid > 2 ? (size_t)(guid - 3) * 16 : 0;

	memset(n->uid, 0, sizeof(n->uid));
	if (guid == 1)
		memcpy(n->uid, pm_uid_mapi, 16);
	else if (guid == 2)
		memcpy(n->uid, pm_uid_strings, 16);
	else if (guid > 2 && at + 16 > r->names->guids.n)
		return false;
	else if (guid > 2)
		memcpy(n->uid, r->names->guids.p + at, 16);
	n->guid = (uint16_t)guid;
	n->rules &= ~(uint32_t)PM_NR_GUID;
	return true;
}

/* A name for an id that no entry has any more. */
static enum pm_rc add_name(struct restore *r, uint16_t prop, uint16_t word, uint32_t hash)
{
	struct pm_names *names = r->names;
	const struct pm_map_entry *e = pm_map_find(&r->twice, key_of(word, hash));
	struct pm_name n = {.prop = prop, .is_string = word & 1, .id = word & 1 ? 0 : hash};
	struct pm_name *slot;

	if (e && names->v.v[e->value].rules & PM_NR_TWICE) {
		names->v.v[e->value].prop = prop;
		names->v.v[e->value].rules &= ~(uint32_t)PM_NR_TWICE;
		return pm_map_put(names->ctx, &names->by_prop, prop, e->value);
	}
	if (!take_set(r, word, &n) || (n.is_string && !take_text(r, hash, &n)))
		return names->ctx->rc;
	slot = pm_vec_push(names->ctx, &names->v);
	if (!slot)
		return names->ctx->rc;
	*slot = n;
	return pm_map_put(names->ctx, &names->by_prop, prop, names->v.n - 1);
}

/* An entry that has lost its set or its text, or that another has pushed out. */
static enum pm_rc mend_name(struct restore *r, struct pm_map_entry *at, uint16_t word,
			    uint32_t hash)
{
	struct pm_names *names = r->names;
	struct pm_name *n = &names->v.v[at->value];
	const struct pm_map_entry *other;

	if (n->rules & PM_NR_GUID && n->is_string == (word & 1) &&
	    (n->rules & PM_NR_STRING || hash_of(n) == hash))
		take_set(r, word, n);
	if (n->rules & PM_NR_STRING && word_of(n) == word)
		take_text(r, hash, n);
	if (n->rules & (PM_NR_GUID | PM_NR_STRING) || (word_of(n) == word && hash_of(n) == hash))
		return names->ctx->rc;
	/* Of two entries with one id the second is the one that belongs to it. */
	other = pm_map_find(&r->twice, key_of(word, hash));
	if (!other || names->v.v[other->value].prop != n->prop)
		return PM_OK;
	n->rules |= PM_NR_TWICE;
	names->v.v[other->value].rules &= ~(uint32_t)PM_NR_TWICE;
	at->value = other->value;
	return PM_OK;
}

static void take_record(struct restore *r, const uint8_t *p)
{
	const struct pm_format *f = r->names->fmt;
	const uint64_t index = pm_NAMEID_wPropIdx(f, p);

	if (index < IDS && pm_bitmap_set(&r->given, index))
		r->records[index] = (struct record){.hash = (uint32_t)pm_NAMEID_dwPropertyID(f, p),
						    .word = (uint16_t)pm_NAMEID_wGuid(f, p)};
}

/* All records that stand in the bucket to which they belong. */
static enum pm_rc read_buckets(struct restore *r)
{
	const struct pm_format *f = r->names->fmt;
	const uint32_t n = r->names->rules & PM_NR_STREAMS ? BUCKETS : r->names->buckets;
	struct pm_buf b = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; n && i < r->pc.props.n && !pm_is_error(rc); i++) {
		const uint16_t id = r->pc.props.v[i].id;

		if (id < BUCKET_0 || id - BUCKET_0 >= (int)n)
			continue;
		pm_buf_clear(&b);
		rc = pm_pc_binary(&r->pc, id, STREAM_MAX, &b);
		for (size_t at = 0; rc == PM_OK && at + 8 <= b.n; at += 8)
			if ((pm_NAMEID_dwPropertyID(f, b.p + at) ^ pm_NAMEID_wGuid(f, b.p + at)) %
				    n ==
			    (uint64_t)(id - BUCKET_0))
				take_record(r, b.p + at);
	}
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc use_records(struct restore *r)
{
	enum pm_rc rc = PM_OK;

	for (uint64_t i = 0; rc == PM_OK && (i = pm_bitmap_next_set(&r->given, i)) < IDS; i++) {
		const struct record *rec = &r->records[i];
		const uint16_t prop = (uint16_t)(0x8000 + i);
		struct pm_map_entry *e = pm_map_find(&r->names->by_prop, prop);

		rc = e ? mend_name(r, e, rec->word, rec->hash)
		       : add_name(r, prop, rec->word, rec->hash);
	}
	return rc;
}

enum pm_rc pm_names_restore(const struct pm_ndb *db, struct pm_names *names)
{
	struct restore r = {.names = names};
	enum pm_rc rc = pm_pc_open_node(db, PM_NID_NAMEMAP, &r.pc);

	r.records = pm_calloc(names->ctx, IDS, sizeof(*r.records));
	if (!r.records)
		rc = names->ctx->rc;
	if (!pm_is_error(rc))
		rc = pm_bitmap_init(names->ctx, &r.given, IDS);
	if (!pm_is_error(rc))
		rc = pm_pc_binary(&r.pc, 4, STREAM_MAX, &r.strings);
	if (!pm_is_error(rc))
		rc = index_texts(&r);
	if (rc == PM_OK)
		rc = read_buckets(&r);
	/* Twice: what the first round set free has a place in the second. */
	for (unsigned round = 0; round < 2 && rc == PM_OK; round++) {
		pm_map_done(&r.twice);
		rc = index_twice(&r);
		if (rc == PM_OK)
			rc = use_records(&r);
	}
	pm_pc_close(&r.pc);
	pm_buf_done(&r.strings);
	pm_map_done(&r.texts);
	pm_map_done(&r.twice);
	pm_bitmap_done(&r.given);
	pm_free(r.records);
	return rc;
}
