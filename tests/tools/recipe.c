/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of recipes. */
#include "recipe.h"

#include "address.h"
#include "edit.h"
#include "logic.h"
#include "value.h"
#include "words.h"

#include "base/text.h"
#include "format/proptag.h"

#include <stdio.h>

struct line {
	struct pm_whole *w;
	char **word;
	const bool *quoted;
	unsigned n;
	bool reseal; /* the last word said so */
};

static enum pm_rc fail(struct line *l, const char *what)
{
	return pm_fail(l->w->ctx, PM_EUSAGE, "%s: %s", l->word[0], what);
}

static enum pm_rc number(struct line *l, unsigned i, uint64_t *ret)
{
	if (i < l->n && pm_number(l->word[i], strlen(l->word[i]), ret))
		return PM_OK;
	return fail(l, "a number is wanted");
}

/* A place: word i an address; or an offset, and word i + 1 a length. *ret_next is the word after
 * it. */
static enum pm_rc place(struct line *l, unsigned i, struct pm_place *ret, unsigned *ret_next)
{
	uint64_t n;
	enum pm_rc rc = pm_address(l->w, l->word[i], ret);

	if (rc)
		return rc;
	*ret_next = i + 1;
	if (l->word[i][0] != '@' || strchr(l->word[i], ':'))
		return PM_OK;
	rc = number(l, i + 1, &n);
	if (rc == PM_OK && (!n || n > ret->room))
		rc = fail(l, "that reaches beyond the end of the file");
	ret->count = n;
	*ret_next = i + 2;
	return rc;
}

static enum pm_rc done(struct line *l, const struct pm_place *at)
{
	return l->reseal ? pm_place_fix(l->w, at, PM_FIX_CRC) : PM_OK;
}

static enum pm_rc put(struct line *l, const struct pm_place *at, const struct pm_buf *b)
{
	enum pm_rc rc = b->bad ? l->w->ctx->rc : pm_place_put(l->w, at, b->p, b->n);

	return rc ? rc : done(l, at);
}

/* seed NAME, expect WHAT VALUE: for the runner */
static enum pm_rc do_nothing(struct line *l)
{
	(void)l;
	return PM_OK;
}

/* set ADDRESS VALUE [reseal] */
static enum pm_rc do_set(struct line *l)
{
	struct pm_place at;
	enum pm_rc rc = pm_address(l->w, l->word[1], &at);

	if (rc == PM_OK)
		rc = pm_value_apply(l->w, &at, l->word[2]);
	return rc ? rc : done(l, &at);
}

/* zero PLACE [reseal]; fill PLACE BYTE; noise PLACE SEED */
static enum pm_rc do_fill(struct line *l)
{
	bool zero = !strcmp(l->word[0], "zero"), noise = !strcmp(l->word[0], "noise");
	struct pm_place at;
	struct pm_buf b = {0};
	uint64_t v = 0;
	unsigned next;
	enum pm_rc rc = place(l, 1, &at, &next);

	if (rc == PM_OK && !zero)
		rc = number(l, next++, &v);
	if (rc == PM_OK && (next != l->n || (!noise && v > 0xFF)))
		rc = fail(l, "not understood");
	if (rc)
		return rc;
	pm_buf_zero(l->w->ctx, &b, (size_t)pm_place_size(&at));
	if (!b.bad && noise)
		pm_noise(v, b.p, b.n);
	else if (!b.bad)
		memset(b.p, (int)v, b.n);
	rc = put(l, &at, &b);
	pm_buf_done(&b);
	return rc;
}

static enum pm_rc get(struct line *l, const struct pm_place *at, struct pm_buf *b)
{
	pm_buf_zero(l->w->ctx, b, (size_t)pm_place_size(at));
	return b->bad ? l->w->ctx->rc : pm_place_get(l->w, at, b->p, b->n);
}

/* swap ADDRESS ADDRESS; copy ADDRESS ADDRESS (the first over the second) */
static enum pm_rc do_swap(struct line *l)
{
	bool swap = !strcmp(l->word[0], "swap");
	struct pm_buf ba = {0}, bb = {0};
	struct pm_place a, b;
	enum pm_rc rc = pm_address(l->w, l->word[1], &a);

	if (rc == PM_OK)
		rc = pm_address(l->w, l->word[2], &b);
	if (rc == PM_OK && l->word[2][0] == '@' && !strchr(l->word[2], ':') &&
	    pm_place_size(&a) <= b.room)
		b.count = pm_place_size(&a);
	if (rc == PM_OK && pm_place_size(&a) != pm_place_size(&b))
		rc = fail(l, "the two are not of the same size");
	if (rc == PM_OK)
		rc = get(l, &a, &ba);
	if (rc == PM_OK)
		rc = get(l, &b, &bb);
	if (rc == PM_OK)
		rc = put(l, &b, &ba);
	if (rc == PM_OK && swap)
		rc = put(l, &a, &bb);
	pm_buf_done(&ba);
	pm_buf_done(&bb);
	return rc;
}

/* fix ADDRESS [crc] [sig] */
static enum pm_rc do_fix(struct line *l)
{
	struct pm_place at;
	unsigned what = 0;
	enum pm_rc rc = pm_address(l->w, l->word[1], &at);

	for (unsigned i = 2; i < l->n; i++)
		if (!strcmp(l->word[i], "crc"))
			what |= PM_FIX_CRC;
		else if (!strcmp(l->word[i], "sig"))
			what |= PM_FIX_SIG;
		else
			return fail(l, "crc or sig is wanted");
	return rc ? rc : pm_place_fix(l->w, &at, what ? what : PM_FIX_CRC);
}

/* An offset: a number, or the start of an address. */
static enum pm_rc offset(struct line *l, unsigned i, uint64_t *ret)
{
	struct pm_place at;
	enum pm_rc rc;

	if (pm_number(l->word[i], strlen(l->word[i]), ret))
		return PM_OK;
	rc = pm_address(l->w, l->word[i], &at);
	if (rc == PM_OK && at.content)
		rc = fail(l, "that is no place of the file itself");
	*ret = rc ? 0 : at.off;
	return rc;
}

/* truncate N|ADDRESS */
static enum pm_rc do_truncate(struct line *l)
{
	uint64_t n;
	enum pm_rc rc = offset(l, 1, &n);

	if (rc == PM_OK && n >= l->w->n)
		rc = fail(l, "the file is shorter");
	return rc ? rc : pm_whole_resize(l->w, (size_t)n);
}

/* append N SEED; insert OFFSET N [SEED]; remove OFFSET N */
static enum pm_rc do_insert(struct line *l)
{
	bool append = !strcmp(l->word[0], "append"), cut = !strcmp(l->word[0], "remove");
	struct pm_whole *w = l->w;
	unsigned i = append ? 1 : 2;
	uint64_t at = w->n, n, seed = 0;
	size_t tail;
	enum pm_rc rc = append ? PM_OK : offset(l, 1, &at);

	if (rc == PM_OK)
		rc = number(l, i, &n);
	if (rc == PM_OK && l->n > i + 1)
		rc = cut ? fail(l, "not understood") : number(l, i + 1, &seed);
	if (rc == PM_OK && (at > w->n || n > (cut ? w->n - at : (uint64_t)1 << 30)))
		rc = fail(l, "that reaches beyond the end of the file");
	if (rc)
		return rc;
	tail = w->n - (size_t)at;
	if (cut) {
		memmove(w->p + at, w->p + at + n, tail - (size_t)n);
		return pm_whole_resize(w, w->n - (size_t)n);
	}
	rc = pm_whole_resize(w, w->n + (size_t)n);
	if (rc)
		return rc;
	memmove(w->p + at + n, w->p + at, tail);
	pm_noise(seed, w->p + at, (size_t)n);
	return PM_OK;
}

/* mark PLACE; unmark PLACE: in the allocation map */
static enum pm_rc do_mark(struct line *l)
{
	bool used = !strcmp(l->word[0], "mark");
	struct pm_place at;
	unsigned next;
	enum pm_rc rc = place(l, 1, &at, &next);

	if (rc)
		return rc;
	if (at.kind == PM_IN_PAGE)
		return pm_edit_mark(l->w, at.ib, l->w->fmt->page, used);
	if (at.kind == PM_IN_BLOCK)
		return pm_edit_mark(l->w, at.ib, pm_block_stored(l->w->fmt, at.block->cb), used);
	return pm_edit_mark(l->w, at.off, pm_place_size(&at), used);
}

static enum pm_rc which_tree(struct line *l, uint8_t *ret)
{
	bool nbt = !strcmp(l->word[1], "nbt");

	*ret = nbt ? PM_PTYPE_NBT : PM_PTYPE_BBT;
	return nbt || !strcmp(l->word[1], "bbt") ? PM_OK : fail(l, "nbt or bbt is wanted");
}

/* drop-entry nbt|bbt KEY */
static enum pm_rc do_drop(struct line *l)
{
	uint8_t ptype;
	uint64_t key;
	enum pm_rc rc = which_tree(l, &ptype);

	if (rc == PM_OK)
		rc = number(l, 2, &key);
	return rc ? rc : pm_edit_drop(l->w, ptype, key);
}

/* add-entry nbt NID DATA SUB PARENT; add-entry bbt BID IB CB CREF */
static enum pm_rc do_add(struct line *l)
{
	uint64_t v[4];
	struct pm_bt_entry e;
	uint8_t ptype;
	enum pm_rc rc = which_tree(l, &ptype);

	for (unsigned i = 0; i < 4 && rc == PM_OK; i++)
		rc = number(l, 2 + i, &v[i]);
	if (rc)
		return rc;
	e = (struct pm_bt_entry){.key = v[0]};
	if (ptype == PM_PTYPE_NBT) {
		e.bid = v[1];
		e.sub = v[2];
		e.parent = (pm_nid)v[3];
	} else {
		e.bid = v[0];
		e.ib = v[1];
		e.cb = e.cb_inflated = (uint16_t)v[2];
		e.cref = (uint16_t)v[3];
	}
	return pm_edit_add(l->w, ptype, &e, ptype == PM_PTYPE_NBT);
}

/* set-node NID data|sub|parent VALUE: its entry, with a right checksum */
static enum pm_rc do_set_node(struct line *l)
{
	static const char *const field[][2] = {
		{"data", "bidData"}, {"sub", "bidSub"}, {"parent", "nidParent"}};
	struct pm_place at;
	char address[80];

	for (unsigned i = 0; i < 3; i++) {
		enum pm_rc rc;

		if (strcmp(l->word[2], field[i][0]))
			continue;
		snprintf(address, sizeof(address), "nbt[%.20s].%s", l->word[1], field[i][1]);
		rc = pm_address(l->w, address, &at);
		if (rc == PM_OK)
			rc = pm_value_apply(l->w, &at, l->word[3]);
		return rc ? rc : pm_place_fix(l->w, &at, PM_FIX_CRC);
	}
	return fail(l, "data, sub or parent is wanted");
}

/* empty-leaf nbt|bbt KEY */
static enum pm_rc do_empty_leaf(struct line *l)
{
	uint8_t ptype;
	uint64_t key;
	enum pm_rc rc = which_tree(l, &ptype);

	if (rc == PM_OK)
		rc = number(l, 2, &key);
	return rc ? rc : pm_edit_empty_leaf(l->w, ptype, key);
}

/* block-size ADDRESS N: the block's content cut, or longer by zeros */
static enum pm_rc do_block_size(struct line *l)
{
	struct pm_place at;
	struct pm_buf b = {0};
	uint64_t n;
	enum pm_rc rc = pm_address(l->w, l->word[1], &at);

	if (rc == PM_OK && at.kind != PM_IN_BLOCK)
		rc = fail(l, "the address of a block is wanted");
	if (rc == PM_OK)
		rc = number(l, 2, &n);
	if (rc == PM_OK)
		rc = pm_ndb_read_entry(&l->w->db, at.block, &b);
	if (rc == PM_OK && n <= l->w->fmt->data_max && b.n < n)
		pm_buf_zero(l->w->ctx, &b, (size_t)n - b.n);
	if (rc == PM_OK)
		rc = pm_edit_content(l->w, at.block->bid, b.p, (size_t)n);
	pm_buf_done(&b);
	return rc;
}

/* node-data NID hex:BYTES [internal]; node-size NID N (cut, or longer by zeros) */
static enum pm_rc do_node_data(struct line *l)
{
	bool size = !strcmp(l->word[0], "node-size"), internal = l->n > 3;
	const struct pm_node *node;
	struct pm_buf b = {0};
	uint64_t nid, n = 0;
	enum pm_rc rc = number(l, 1, &nid);

	if (rc == PM_OK && size)
		rc = number(l, 2, &n);
	if (rc)
		return rc;
	node = pm_ndb_find_node(&l->w->db, (pm_nid)nid);
	if (size && node) {
		rc = pm_ndb_read_block(&l->w->db, node->data, &b);
		if (rc == PM_OK && n <= l->w->fmt->data_max && b.n < n)
			pm_buf_zero(l->w->ctx, &b, (size_t)n - b.n);
		b.n = (size_t)n;
	} else if (!pm_value_hex(l->w->ctx, l->word[2], &b)) {
		rc = fail(l, "hex:BYTES is wanted");
	}
	if (rc == PM_OK)
		rc = pm_edit_node_data(l->w, (pm_nid)nid, internal, b.p, b.n);
	else if (!pm_is_error(rc))
		rc = fail(l, "the node's data are not one sound block");
	pm_buf_done(&b);
	return rc;
}

/* Word i as a value of this type: "text", hex:BYTES or a number. */
static enum pm_rc value_of(struct line *l, unsigned i, uint32_t tag, struct pm_buf *b)
{
	struct pm_ctx *ctx = l->w->ctx;
	const char *s = l->word[i];
	int size = pm_proptype_size((uint16_t)tag);
	uint8_t le[8];
	uint64_t v;

	if (l->quoted[i] && (tag & 0xFFFF) == PM_PT_UNICODE)
		return pm_is_error(pm_utf8_to_utf16(ctx, b, s, strlen(s), NULL)) ? ctx->rc : PM_OK;
	if (l->quoted[i])
		pm_buf_add(ctx, b, s, strlen(s));
	else if (!pm_value_hex(ctx, s, b)) {
		if (size < 1 || size > 8 || !pm_number(s, strlen(s), &v))
			return fail(l, "hex:BYTES, \"text\" or a number is wanted");
		pm_put64(le, v);
		pm_buf_add(ctx, b, le, (size_t)size);
	}
	return ctx->rc;
}

/* set-prop NODE TAG VALUE; drop-prop NODE TAG */
static enum pm_rc do_prop(struct line *l)
{
	struct pm_buf b = {0};
	uint64_t tag;
	bool set = l->n > 3;
	enum pm_rc rc = number(l, 2, &tag);

	if (rc == PM_OK && set)
		rc = value_of(l, 3, (uint32_t)tag, &b);
	if (rc == PM_OK)
		rc = pm_logic_prop(l->w, l->word[1], (uint32_t)tag, set ? &b : NULL);
	pm_buf_done(&b);
	return rc;
}

/* add-row, drop-row NODE ROW; set-cell NODE ROW TAG VALUE, drop-cell NODE ROW TAG;
 * drop-col, add-col NODE TAG */
static enum pm_rc do_row(struct line *l)
{
	static const char *const names[] = {"add-row",   "drop-row", "set-cell",
					    "drop-cell", "drop-col", "add-col"};
	struct pm_buf b = {0};
	uint64_t row = 0, tag = 0;
	unsigned change = 0;
	enum pm_rc rc;

	while (strcmp(names[change], l->word[0]))
		change++;
	rc = number(l, 2, change >= PM_ROW_COLUMN ? &tag : &row);
	if (rc == PM_OK && l->n > 3)
		rc = number(l, 3, &tag);
	if (rc == PM_OK && l->n > 4)
		rc = value_of(l, 4, (uint32_t)tag, &b);
	if (rc == PM_OK)
		rc = pm_logic_row(l->w, l->word[1], (enum pm_row_change)change, (uint32_t)row,
				  (uint32_t)tag, &b);
	pm_buf_done(&b);
	return rc;
}

/* drop-sub NODE NID; put-sub NODE NID DATA SUB */
static enum pm_rc do_sub(struct line *l)
{
	bool drop = l->n == 3;
	uint64_t nid, data = 0, sub = 0;
	enum pm_rc rc = number(l, 2, &nid);

	if (rc == PM_OK && !drop)
		rc = number(l, 3, &data);
	if (rc == PM_OK && !drop)
		rc = number(l, 4, &sub);
	return rc ? rc : pm_logic_sub(l->w, l->word[1], (pm_nid)nid, drop, data, sub);
}

/* settle: reference counts as they must be, and no unused blocks */
static enum pm_rc do_settle(struct line *l)
{
	return pm_edit_settle(l->w);
}

static const struct {
	const char *name;
	unsigned min, max; /* words behind it */
	bool sound;        /* works on a sound file only */
	enum pm_rc (*run)(struct line *l);
} commands[] = {
	{"seed", 1, 1, false, do_nothing},
	{"expect", 2, 2, false, do_nothing},
	{"set", 2, 2, false, do_set},
	{"zero", 1, 2, false, do_fill},
	{"fill", 2, 3, false, do_fill},
	{"noise", 2, 3, false, do_fill},
	{"swap", 2, 2, false, do_swap},
	{"copy", 2, 2, false, do_swap},
	{"fix", 1, 3, false, do_fix},
	{"truncate", 1, 1, false, do_truncate},
	{"append", 2, 2, false, do_insert},
	{"insert", 2, 3, false, do_insert},
	{"remove", 2, 2, false, do_insert},
	{"mark", 1, 2, false, do_mark},
	{"unmark", 1, 2, false, do_mark},
	{"set-node", 3, 3, false, do_set_node},
	{"drop-entry", 2, 2, true, do_drop},
	{"add-entry", 5, 5, true, do_add},
	{"empty-leaf", 2, 2, true, do_empty_leaf},
	{"block-size", 2, 2, true, do_block_size},
	{"node-data", 2, 3, true, do_node_data},
	{"node-size", 2, 2, true, do_node_data},
	{"set-prop", 3, 3, true, do_prop},
	{"drop-prop", 2, 2, true, do_prop},
	{"add-row", 2, 2, true, do_row},
	{"drop-row", 2, 2, true, do_row},
	{"set-cell", 4, 4, true, do_row},
	{"drop-cell", 3, 3, true, do_row},
	{"drop-col", 2, 2, true, do_row},
	{"add-col", 2, 2, true, do_row},
	{"drop-sub", 2, 2, true, do_sub},
	{"put-sub", 4, 4, true, do_sub},
	{"settle", 0, 0, true, do_settle},
};

static enum pm_rc run(struct line *l)
{
	l->reseal = l->n > 1 && !strcmp(l->word[l->n - 1], "reseal");
	l->n -= l->reseal;
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		enum pm_rc rc;

		if (strcmp(commands[i].name, l->word[0]))
			continue;
		if (l->n - 1 < commands[i].min || l->n - 1 > commands[i].max)
			return fail(l, "not as many words as it takes");
		/* So that what it rests on is what is there now. */
		rc = commands[i].sound ? pm_whole_walk(l->w) : PM_OK;
		return rc ? rc : commands[i].run(l);
	}
	return fail(l, "no such command");
}

static enum pm_rc line(void *arg, struct pm_words *words)
{
	struct line l = {.w = arg, .word = words->word, .n = words->n};

	l.quoted = words->quoted;

	return run(&l);
}

enum pm_rc pm_recipe_run(struct pm_whole *w, const char *name, const char *text)
{
	return pm_lines(w->ctx, name, text, line, w);
}
