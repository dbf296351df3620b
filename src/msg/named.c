/* SPDX-License-Identifier: Apache-2.0 */
/* The name-to-id map: reading and looking up. */
#include "msg/named.h"

#include "base/text.h"
#include "format/crc.h"
#include "format/fields.h"

#define STREAM_MAX ((uint64_t)16 << 20)
#define SHARED     8

const uint8_t pm_uid_mapi[16] = {0x28, 0x03, 0x02, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46};
const uint8_t pm_uid_strings[16] = {0x29, 0x03, 0x02, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46};

void pm_names_init(struct pm_names *names, struct pm_ctx *ctx, const struct pm_format *f)
{
	*names = (struct pm_names){.ctx = ctx, .fmt = f, .buckets = 251};
}

void pm_names_close(struct pm_names *names)
{
	pm_vec_done(&names->v);
	pm_map_done(&names->by_prop);
	pm_buf_done(&names->guids);
	pm_arena_done(&names->arena);
}

/* A stream of the map: what can be read of it. */
static enum pm_rc read_stream(struct pm_names *names, struct pm_pc *pc, uint16_t id,
			      struct pm_buf *out)
{
	enum pm_rc rc = pm_pc_binary(pc, id, STREAM_MAX, out);

	if (pm_is_error(rc))
		return rc;
	if (rc == PM_NONE || rc == PM_LOST)
		names->rules |= PM_NR_STREAMS;
	if (rc == PM_LOST || rc == PM_DAMAGED)
		names->state = PM_DAMAGED;
	return PM_OK;
}

static void find_guid(struct pm_names *names, struct pm_name *n)
{
	if (n->guid == 1) {
		memcpy(n->uid, pm_uid_mapi, 16);
	} else if (n->guid == 2) {
		memcpy(n->uid, pm_uid_strings, 16);
	} else if (n->guid > 2) {
		size_t at = (size_t)(n->guid - 3) * 16;

		if (at + 16 <= names->guids.n)
			memcpy(n->uid, names->guids.p + at, 16);
		else
			n->rules |= PM_NR_GUID;
	}
}

/* The name at `at` of the string stream. */
static void find_string(struct pm_names *names, struct pm_span strings, uint32_t at,
			struct pm_name *n)
{
	struct pm_span head;
	uint32_t len;

	if (!pm_span_sub(strings, at, 4, &head)) {
		n->rules |= PM_NR_STRING;
		return;
	}
	len = pm_le32(head.p);
	/* No name is empty. Names don't share their bytes, but for a few: what all of them take is
	 * bounded by what is there. */
	if (!len || len % 2 || names->string_bytes + len > SHARED * (uint64_t)strings.n ||
	    !pm_span_sub(strings, (uint64_t)at + 4, len, &n->string))
		n->rules |= PM_NR_STRING;
	else
		names->string_bytes += len;
}

static enum pm_rc add_entry(struct pm_names *names, const uint8_t *p, struct pm_span strings)
{
	const struct pm_format *f = names->fmt;
	uint16_t word = (uint16_t)pm_NAMEID_wGuid(f, p);
	uint32_t id = (uint32_t)pm_NAMEID_dwPropertyID(f, p);
	uint64_t index = pm_NAMEID_wPropIdx(f, p);
	struct pm_name *n = pm_vec_push(names->ctx, &names->v);
	struct pm_map_entry *e;
	bool fresh;

	if (!n)
		return names->ctx->rc;
	n->prop = (uint16_t)(0x8000 + index);
	n->guid = word >> 1;
	n->is_string = word & 1;
	find_guid(names, n);
	if (n->is_string)
		find_string(names, strings, id, n);
	else
		n->id = id;
	/* An index beyond the ids of named properties names one that has a meaning of its own. */
	if (index >= 0x8000) {
		n->rules |= PM_NR_TWICE;
	} else {
		e = pm_map_get(names->ctx, &names->by_prop, n->prop, &fresh);
		if (!e)
			return names->ctx->rc;
		if (fresh)
			e->value = names->v.n - 1;
		else
			n->rules |= PM_NR_TWICE;
	}
	names->rules |= n->rules;
	return PM_OK;
}

/* Mark names that another entry has already. */
static enum pm_rc mark_same(struct pm_names *names)
{
	struct pm_map seen = {0};
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < names->v.n && rc == PM_OK; i++) {
		struct pm_name *n = &names->v.v[i];
		uint32_t key = n->is_string ? pm_crc(n->string.p, n->string.n) : n->id;
		uint64_t hash = (uint64_t)pm_crc(n->uid, 16) << 32 | key;
		struct pm_map_entry *e;
		bool fresh;

		e = pm_map_get(names->ctx, &seen, n->is_string ? ~hash : hash, &fresh);
		if (!e) {
			rc = names->ctx->rc;
		} else if (fresh) {
			e->value = i;
		} else if (!(n->rules & (PM_NR_GUID | PM_NR_STRING))) {
			const struct pm_name *o = &names->v.v[e->value];

			if (o->is_string == n->is_string && o->id == n->id &&
			    !memcmp(o->uid, n->uid, 16) && o->string.n == n->string.n &&
			    (!n->string.n || !memcmp(o->string.p, n->string.p, n->string.n)))
				n->rules |= PM_NR_SAME;
		}
		names->rules |= n->rules;
	}
	pm_map_done(&seen);
	return rc;
}

static enum pm_rc read_map(struct pm_names *names, struct pm_pc *pc)
{
	struct pm_buf entries = {0}, strings = {0};
	struct pm_span kept = {0};
	enum pm_rc rc;

	names->buckets = 0;
	rc = pm_pc_u32(pc, 1, &names->buckets);
	if (names->buckets != 251)
		names->rules |=
			names->buckets && names->buckets < 0xF000 ? PM_NR_COUNT : PM_NR_STREAMS;
	if (!pm_is_error(rc))
		rc = read_stream(names, pc, 2, &names->guids);
	if (!pm_is_error(rc))
		rc = read_stream(names, pc, 3, &entries);
	if (!pm_is_error(rc))
		rc = pm_pc_find(pc, 4) ? read_stream(names, pc, 4, &strings) : PM_OK;
	if (rc == PM_OK) {
		if (names->guids.n % 16 || entries.n % 8)
			names->rules |= PM_NR_SIZES;
		names->guids.n -= names->guids.n % 16;
		kept.n = strings.n;
		kept.p = pm_arena_dup(names->ctx, &names->arena, strings.p, strings.n);
		if (!kept.p)
			rc = names->ctx->rc;
	}
	for (size_t i = 0; rc == PM_OK && i + 8 <= entries.n && i < 8 * 0x8000; i += 8)
		rc = add_entry(names, entries.p + i, kept);
	if (rc == PM_OK)
		rc = mark_same(names);
	pm_buf_done(&entries);
	pm_buf_done(&strings);
	return rc;
}

enum pm_rc pm_names_open_at(const struct pm_ndb *db, pm_bid data, pm_bid sub,
			    struct pm_names *names)
{
	struct pm_pc pc;
	enum pm_rc rc;

	pm_names_init(names, db->ctx, db->fmt);
	names->state = pm_pc_open(db, data, sub, &pc);
	if (names->state == PM_NONE || names->state == PM_LOST) {
		names->state = PM_LOST;
		names->rules |= PM_NR_PC;
	}
	rc = names->state;
	if (rc == PM_OK || rc == PM_DAMAGED)
		rc = read_map(names, &pc);
	pm_pc_close(&pc);
	if (pm_is_error(rc))
		return rc;
	if (names->state == PM_OK &&
	    names->rules & (PM_NR_STREAMS | PM_NR_SIZES | PM_NR_GUID | PM_NR_STRING))
		names->state = PM_DAMAGED;
	return names->state;
}

enum pm_rc pm_names_open(const struct pm_ndb *db, struct pm_names *names)
{
	const struct pm_node *n = pm_ndb_find_node(db, PM_NID_NAMEMAP);

	return pm_names_open_at(db, n ? n->data : 0, n ? n->sub : 0, names);
}

const struct pm_name *pm_names_of(const struct pm_names *names, uint16_t prop)
{
	const struct pm_map_entry *e = pm_map_find(&names->by_prop, prop);

	return e ? &names->v.v[e->value] : NULL;
}

uint16_t pm_names_id(const struct pm_names *names, const uint8_t uid[16], uint32_t id)
{
	for (size_t i = 0; i < names->v.n; i++) {
		const struct pm_name *n = &names->v.v[i];

		if (!n->is_string && n->id == id && !memcmp(n->uid, uid, 16) &&
		    !(n->rules & (PM_NR_GUID | PM_NR_TWICE)))
			return n->prop;
	}
	return 0;
}

/* Does UTF-16LE spell this ASCII or UTF-8 string? */
static bool spells(struct pm_span s, const char *utf8)
{
	const uint8_t *p = (const uint8_t *)utf8;
	size_t left = strlen(utf8), at = 0;

	while (left) {
		uint32_t c;
		size_t len = pm_utf8_next(p, left, &c), units = c > 0xFFFF ? 2 : 1;

		if (c == PM_UNI_BAD || s.n - at < 2 * units)
			return false;
		if (units == 2) {
			c -= 0x10000;
			if (pm_le16(s.p + at) != (0xD800 | c >> 10) ||
			    pm_le16(s.p + at + 2) != (0xDC00 | (c & 0x3FF)))
				return false;
		} else if (pm_le16(s.p + at) != c) {
			return false;
		}
		at += 2 * units;
		p += len;
		left -= len;
	}
	return at == s.n;
}

uint16_t pm_names_string(const struct pm_names *names, const uint8_t uid[16], const char *utf8)
{
	for (size_t i = 0; i < names->v.n; i++) {
		const struct pm_name *n = &names->v.v[i];

		if (n->is_string && !(n->rules & (PM_NR_GUID | PM_NR_STRING | PM_NR_TWICE)) &&
		    !memcmp(n->uid, uid, 16) && spells(n->string, utf8))
			return n->prop;
	}
	return 0;
}
