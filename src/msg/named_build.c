/* SPDX-License-Identifier: Apache-2.0 */
/* The name-to-id map: adding names, storing it, and judging its hash buckets. */
#include "msg/named.h"

#include "base/text.h"
#include "format/crc.h"
#include "format/fields.h"
#include "ltp/props.h"

#define BUCKETS  251
#define BUCKET_0 0x1000

static enum pm_rc guid_index(struct pm_names *names, const uint8_t uid[16], uint16_t *ret)
{
	if (!memcmp(uid, pm_uid_mapi, 16)) {
		*ret = 1;
		return PM_OK;
	}
	if (!memcmp(uid, pm_uid_strings, 16)) {
		*ret = 2;
		return PM_OK;
	}
	for (size_t at = 0; at < names->guids.n; at += 16)
		if (!memcmp(names->guids.p + at, uid, 16)) {
			*ret = (uint16_t)(3 + at / 16);
			return PM_OK;
		}
	if (names->guids.n / 16 >= 0x7FFC)
		return pm_fail(names->ctx, PM_ELIMIT, "too many property sets in the name map");
	*ret = (uint16_t)(3 + names->guids.n / 16);
	pm_buf_add(names->ctx, &names->guids, uid, 16);
	return names->ctx->rc;
}

enum pm_rc pm_names_add(struct pm_names *names, const uint8_t uid[16], uint32_t id,
			const char *string, uint16_t *ret_prop)
{
	struct pm_name n = {.prop = 0x8000, .is_string = string != NULL, .id = string ? 0 : id};
	struct pm_buf text = {0};
	struct pm_name *slot;
	enum pm_rc rc;

	for (size_t i = 0; i < names->v.n && n.prop != 0xFFFF; i++)
		if (names->v.v[i].prop >= n.prop)
			n.prop = (uint16_t)(names->v.v[i].prop + (names->v.v[i].prop < 0xFFFF));
	/* The highest one is in use: any that is free will do. */
	for (unsigned i = 0x8000; n.prop == 0xFFFF && i < 0xFFFF; i++)
		if (!pm_map_has(&names->by_prop, i))
			n.prop = (uint16_t)i;
	if (n.prop == 0xFFFF)
		return pm_fail(names->ctx, PM_ELIMIT, "no property id is left in the name map");
	rc = guid_index(names, uid, &n.guid);
	if (rc)
		return rc;
	memcpy(n.uid, uid, 16);
	if (string) {
		rc = pm_utf8_to_utf16(names->ctx, &text, string, strlen(string), NULL);
		n.string.n = text.n;
		n.string.p = pm_arena_dup(names->ctx, &names->arena, text.p, text.n);
		pm_buf_done(&text);
		if (pm_is_error(rc) || !n.string.p)
			return names->ctx->rc;
	}
	rc = pm_map_put(names->ctx, &names->by_prop, n.prop, names->v.n);
	slot = rc ? NULL : pm_vec_push(names->ctx, &names->v);
	if (!slot)
		return names->ctx->rc;
	*slot = n;
	*ret_prop = n.prop;
	return PM_OK;
}

static uint16_t word_of(const struct pm_name *n)
{
	unsigned guid = n->rules & PM_NR_GUID ? 0 : n->guid;

	return (uint16_t)(guid << 1 | (n->is_string ? 1 : 0));
}

static void put_entry(uint8_t *p, const struct pm_format *f, uint32_t id, const struct pm_name *n)
{
	pm_set_NAMEID_dwPropertyID(f, p, id);
	pm_set_NAMEID_wGuid(f, p, word_of(n));
	pm_set_NAMEID_wPropIdx(f, p, n->prop - 0x8000u);
}

/* The string of an entry, made up when it is lost: the slot must stay. */
static enum pm_rc string_of(struct pm_ctx *ctx, const struct pm_name *n, struct pm_buf *out)
{
	struct pm_buf text = {0};
	enum pm_rc rc;

	if (!(n->rules & PM_NR_STRING)) {
		pm_buf_add(ctx, out, n->string.p, n->string.n);
		return ctx->rc;
	}
	pm_buf_printf(ctx, &text, "lost-name-%04x", n->prop);
	rc = pm_utf8_to_utf16(ctx, out, text.p, text.n, NULL);
	pm_buf_done(&text);
	return pm_is_error(rc) ? rc : ctx->rc;
}

struct streams {
	struct pm_buf entries, strings, bucket[BUCKETS];
};

/* One entry into its streams and its bucket [MS-PST 2.4.7.1 to 2.4.7.5]. */
static enum pm_rc add_entry(const struct pm_names *names, const struct pm_name *n,
			    struct streams *s)
{
	struct pm_ctx *ctx = names->ctx;
	uint32_t id = n->id, hash = n->id;
	struct pm_buf text = {0};
	uint8_t rec[8];
	enum pm_rc rc = n->is_string ? string_of(ctx, n, &text) : PM_OK;

	if (rc == PM_OK && n->is_string) {
		uint8_t len[4];

		id = (uint32_t)s->strings.n;
		hash = pm_crc(text.p, text.n);
		pm_put32(len, (uint32_t)text.n);
		pm_buf_add(ctx, &s->strings, len, 4);
		pm_buf_add(ctx, &s->strings, text.p, text.n);
		pm_buf_zero(ctx, &s->strings, (4 - text.n % 4) % 4);
	}
	pm_buf_done(&text);
	if (rc)
		return rc;
	put_entry(rec, names->fmt, id, n);
	pm_buf_add(ctx, &s->entries, rec, 8);
	put_entry(rec, names->fmt, hash, n);
	pm_buf_add(ctx, &s->bucket[(hash ^ word_of(n)) % BUCKETS], rec, 8);
	return ctx->rc;
}

static enum pm_rc set_streams(struct pm_props *p, const struct pm_names *names, struct streams *s)
{
	/* Readers take a map without this stream for a broken one, though all its names may be
	 * of the GUIDs that go without saying. */
	static const uint8_t nobody[16];
	const bool any = names->guids.n != 0;
	enum pm_rc rc = pm_props_set_u32(p, 1, PM_PT_I4, BUCKETS);

	if (rc == PM_OK)
		rc = pm_props_set(p, 2, PM_PT_BINARY, any ? names->guids.p : nobody,
				  any ? names->guids.n : sizeof(nobody));
	if (rc == PM_OK)
		rc = pm_props_set(p, 3, PM_PT_BINARY, s->entries.p, s->entries.n);
	if (rc == PM_OK)
		rc = pm_props_set(p, 4, PM_PT_BINARY, s->strings.p, s->strings.n);
	for (unsigned b = 0; rc == PM_OK && b < BUCKETS; b++)
		if (s->bucket[b].n)
			rc = pm_props_set(p, (uint16_t)(BUCKET_0 + b), PM_PT_BINARY, s->bucket[b].p,
					  s->bucket[b].n);
	return rc;
}

enum pm_rc pm_names_build(const struct pm_names *names, struct pm_block_sink *sink,
			  pm_bid *ret_data, pm_bid *ret_sub)
{
	struct streams *s = pm_calloc(names->ctx, 1, sizeof(*s));
	struct pm_props p;
	enum pm_rc rc = PM_OK;

	if (!s)
		return names->ctx->rc;
	pm_props_init(&p, names->ctx, names->fmt);
	for (size_t i = 0; rc == PM_OK && i < names->v.n; i++)
		if (!(names->v.v[i].rules & PM_NR_TWICE)) /* the first wins */
			rc = add_entry(names, &names->v.v[i], s);
	if (rc == PM_OK)
		rc = set_streams(&p, names, s);
	if (rc == PM_OK)
		rc = pm_props_build(&p, sink, ret_data, ret_sub);
	pm_props_done(&p);
	pm_buf_done(&s->entries);
	pm_buf_done(&s->strings);
	for (unsigned b = 0; b < BUCKETS; b++)
		pm_buf_done(&s->bucket[b]);
	pm_free(s);
	return rc;
}

/* Count the entries of one bucket that belong there; false when one does not, or when there
 * are more than the budget: every name stands in one bucket, so the names bound their entries. */
static bool bucket_is_right(const struct pm_names *names, struct pm_span s, uint32_t bucket,
			    uint8_t *seen, size_t *found, size_t *budget)
{
	const struct pm_format *f = names->fmt;

	if (s.n % 8 || s.n / 8 > *budget)
		return false;
	*budget -= s.n / 8;
	for (size_t at = 0; at < s.n; at += 8) {
		uint32_t hash = (uint32_t)pm_NAMEID_dwPropertyID(f, s.p + at);
		uint16_t word = (uint16_t)pm_NAMEID_wGuid(f, s.p + at);
		uint16_t prop = (uint16_t)(0x8000 + pm_NAMEID_wPropIdx(f, s.p + at));
		const struct pm_name *n = pm_names_of(names, prop);
		uint32_t want;

		if (!n)
			return false;
		want = n->is_string ? pm_crc(n->string.p, n->string.n) : n->id;
		if (hash != want || word != (n->guid << 1 | (n->is_string ? 1 : 0)) ||
		    (hash ^ word) % names->buckets != bucket)
			return false;
		if (!seen[n - names->v.v]++)
			++*found;
	}
	return true;
}

enum pm_rc pm_names_check_buckets(const struct pm_ndb *db, struct pm_names *names)
{
	struct pm_buf b = {0};
	uint8_t *seen;
	struct pm_pc pc;
	size_t found = 0, budget = 4 * names->v.n;
	enum pm_rc rc;

	if (!names->buckets || names->buckets >= 0xF000)
		return PM_NONE;
	seen = pm_calloc(names->ctx, names->v.n, 1);
	if (!seen)
		return names->ctx->rc;
	rc = pm_pc_open_node(db, PM_NID_NAMEMAP, &pc);
	/* One is enough to say so. */
	names->rules &= ~(uint32_t)PM_NR_BUCKET;
	for (size_t i = 0; !pm_is_error(rc) && !(names->rules & PM_NR_BUCKET) && i < pc.props.n;
	     i++) {
		uint16_t id = pc.props.v[i].id;

		if (id < BUCKET_0)
			continue;
		pm_buf_clear(&b);
		rc = pm_pc_binary(&pc, id, 1 << 20, &b);
		if (rc == PM_LOST ||
		    !bucket_is_right(names, pm_buf_span(&b), id - BUCKET_0, seen, &found, &budget))
			names->rules |= PM_NR_BUCKET;
	}
	pm_pc_close(&pc);
	pm_buf_done(&b);
	pm_free(seen);
	if (found != names->by_prop.n)
		names->rules |= PM_NR_BUCKET;
	if (pm_is_error(rc))
		return rc;
	return names->rules & PM_NR_BUCKET ? PM_DAMAGED : PM_OK;
}
