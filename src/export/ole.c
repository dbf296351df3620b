/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures in OLE storages; see ole.h. Chains of sectors are followed for at most as many steps as
 * the file has sectors, so any bytes end in linear time.
 */
#include "export/ole.h"

enum {
	HEADER = 512,
	DIFAT_IN_HEADER = 109,
	ENTRY = 128,
	FREE_FROM = 0xFFFFFFFA, /* DIFSECT and above: no sector */
};

static const uint8_t cfb_magic[8] = {0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1};

struct cfb {
	struct pm_ctx *ctx;
	struct pm_span s;
	unsigned int shift; /* of a sector */
	uint32_t cutoff;    /* smaller streams are in the mini stream */
	struct pm_buf fat;  /* 32-bit numbers of the next sector */
	struct pm_buf mini_fat;
	struct pm_buf mini; /* the mini stream */
	struct pm_buf directory;
};

/* ---- sectors ---- */

static bool sector(const struct cfb *c, uint32_t n, struct pm_span *ret)
{
	return n < (uint32_t)FREE_FROM &&
	       pm_span_sub(c->s, ((uint64_t)n + 1) << c->shift, (uint64_t)1 << c->shift, ret);
}

static uint32_t next_in(const struct pm_buf *fat, uint32_t n)
{
	return n < fat->n / 4 ? pm_le32(fat->p + (size_t)n * 4) : UINT32_MAX;
}

/* Append the sectors of a chain, at most `max` bytes. */
static void read_chain(const struct cfb *c, uint32_t n, uint64_t max, struct pm_buf *out)
{
	struct pm_span s;

	for (size_t steps = 0; out->n < max && steps <= c->s.n >> c->shift; steps++) {
		if (!sector(c, n, &s))
			break;
		pm_buf_add(c->ctx, out, s.p, s.n < max - out->n ? s.n : (size_t)(max - out->n));
		n = next_in(&c->fat, n);
	}
}

/* The same in the mini stream, whose sectors have 64 bytes. */
static void read_mini(const struct cfb *c, uint32_t n, uint64_t max, struct pm_buf *out)
{
	for (size_t steps = 0; out->n < max && steps <= c->mini.n / 64; steps++) {
		struct pm_span s;

		if (!pm_span_sub(pm_buf_span(&c->mini), (uint64_t)n * 64, 64, &s))
			break;
		pm_buf_add(c->ctx, out, s.p, s.n < max - out->n ? s.n : (size_t)(max - out->n));
		n = next_in(&c->mini_fat, n);
	}
}

static void add_fat_sector(struct cfb *c, uint32_t n)
{
	struct pm_span s;

	if (sector(c, n, &s) && c->fat.n < c->s.n)
		pm_buf_add(c->ctx, &c->fat, s.p, s.n);
}

/* The sectors of the FAT are named in the header and in sectors behind it [MS-CFB 2.5]. */
static void read_fat(struct cfb *c)
{
	uint32_t next = pm_le32(c->s.p + 68);
	size_t per = ((size_t)1 << c->shift) / 4 - 1;

	for (size_t i = 0; i < DIFAT_IN_HEADER; i++)
		add_fat_sector(c, pm_le32(c->s.p + 76 + i * 4));
	for (size_t steps = 0; steps <= c->s.n >> c->shift; steps++) {
		struct pm_span s;

		if (!sector(c, next, &s))
			break;
		for (size_t i = 0; i < per; i++)
			add_fat_sector(c, pm_le32(s.p + i * 4));
		next = pm_le32(s.p + per * 4);
	}
}

static bool open_cfb(struct cfb *c)
{
	const uint8_t *p = c->s.p;

	if (c->s.n < HEADER || memcmp(p, cfb_magic, sizeof(cfb_magic)) != 0)
		return false;
	c->shift = pm_le16(p + 30);
	if (c->shift != 9 && c->shift != 12)
		return false;
	c->cutoff = pm_le32(p + 56);
	read_fat(c);
	read_chain(c, pm_le32(p + 48), c->s.n, &c->directory);
	read_chain(c, pm_le32(p + 60), c->s.n, &c->mini_fat);
	if (c->directory.n >= ENTRY) /* the root's entry comes first */
		read_chain(c, pm_le32(c->directory.p + 116), c->s.n, &c->mini);
	return true;
}

static void close_cfb(struct cfb *c)
{
	pm_buf_done(&c->fat);
	pm_buf_done(&c->mini_fat);
	pm_buf_done(&c->mini);
	pm_buf_done(&c->directory);
}

/* Is this the name of a directory entry (ASCII; stored as UTF-16, its length with a NUL)? */
static bool has_name(const uint8_t *entry, const char *name)
{
	size_t n = strlen(name);

	if (pm_le16(entry + 64) != (n + 1) * 2)
		return false;
	for (size_t i = 0; i < n; i++)
		if (pm_le16(entry + i * 2) != (uint8_t)name[i])
			return false;
	return true;
}

/* Append the stream of this name; false: there is none. */
static bool read_stream(struct cfb *c, const char *name, struct pm_buf *out)
{
	for (size_t at = 0; at + ENTRY <= c->directory.n; at += ENTRY) {
		const uint8_t *e = c->directory.p + at;
		uint32_t start = pm_le32(e + 116), size = pm_le32(e + 120);

		if (e[66] != 2 || !has_name(e, name))
			continue;
		if (size < c->cutoff)
			read_mini(c, start, size, out);
		else
			read_chain(c, start, size < c->s.n ? size : c->s.n, out);
		return out->n != 0;
	}
	return false;
}

/* ---- pictures ---- */

static enum pm_rc take(struct pm_ctx *ctx, struct pm_ole_picture *ret, const char *type,
		       const char *suffix, struct pm_span s)
{
	ret->type = type;
	ret->suffix = suffix;
	pm_buf_add(ctx, &ret->data, s.p, s.n);
	return ctx->rc;
}

/* A bitmap without the header that it has in a file [MS-WMF 2.2.2.9]. */
static enum pm_rc take_dib(struct pm_ctx *ctx, struct pm_ole_picture *ret, struct pm_span s)
{
	uint32_t header = s.n >= 40 ? pm_le32(s.p) : 0, bits, used;
	uint64_t colours, start;
	uint8_t file[14] = {'B', 'M'};

	if (header < 40 || header > s.n)
		return PM_NONE;
	bits = pm_le16(s.p + 14);
	used = pm_le32(s.p + 32);
	colours = used ? used : bits <= 8 ? (uint64_t)1 << bits : 0;
	start = 14 + header + colours * 4 + (pm_le32(s.p + 16) == 3 && header == 40 ? 12 : 0);
	if (bits > 32 || start - 14 > s.n)
		return PM_NONE;
	pm_put32(file + 2, (uint32_t)(14 + s.n));
	pm_put32(file + 10, (uint32_t)start);
	pm_buf_add(ctx, &ret->data, file, sizeof(file));
	return take(ctx, ret, "image/bmp", ".bmp", s);
}

/* A metafile gets the header that tells programs its size, here in 0.01 mm [MS-WMF 2.3.2.3]. */
static enum pm_rc take_wmf(struct pm_ctx *ctx, struct pm_ole_picture *ret, struct pm_span s,
			   uint32_t width, uint32_t height)
{
	uint8_t head[22] = {0xD7, 0xCD, 0xC6, 0x9A};
	uint16_t sum = 0;

	if (s.n < 18 || pm_le16(s.p + 2) != 9)
		return PM_NONE;
	if (width && height && width <= INT16_MAX && height <= INT16_MAX) {
		pm_put16(head + 10, (uint16_t)width);
		pm_put16(head + 12, (uint16_t)height);
		pm_put16(head + 14, 2540);
		for (size_t i = 0; i < 20; i += 2)
			sum ^= pm_le16(head + i);
		pm_put16(head + 20, sum);
		pm_buf_add(ctx, &ret->data, head, sizeof(head));
	}
	return take(ctx, ret, "image/wmf", ".wmf", s);
}

static bool begins(struct pm_span s, const char *magic, size_t n)
{
	return s.n > n && memcmp(s.p, magic, n) == 0;
}

/* A picture that is a file, by its first bytes. */
static enum pm_rc take_file(struct pm_ctx *ctx, struct pm_ole_picture *ret, struct pm_span s)
{
	if (begins(s, "\x89PNG", 4))
		return take(ctx, ret, "image/png", ".png", s);
	if (begins(s, "\xFF\xD8\xFF", 3))
		return take(ctx, ret, "image/jpeg", ".jpg", s);
	if (begins(s, "GIF8", 4))
		return take(ctx, ret, "image/gif", ".gif", s);
	if (begins(s, "BM", 2))
		return take(ctx, ret, "image/bmp", ".bmp", s);
	if (begins(s, "\xD7\xCD\xC6\x9A", 4))
		return take(ctx, ret, "image/wmf", ".wmf", s);
	if (s.n > 44 && pm_le32(s.p) == 1 && memcmp(s.p + 40, " EMF", 4) == 0)
		return take(ctx, ret, "image/emf", ".emf", s);
	return take_dib(ctx, ret, s);
}

/* [MS-OLEDS 2.3.4] */
static enum pm_rc take_presentation(struct pm_ctx *ctx, struct pm_ole_picture *ret,
				    struct pm_span s)
{
	struct pm_cursor c = {.s = s};
	uint32_t marker = pm_cursor_u32(&c), format, device, width, height, size;
	const uint8_t *p;

	if (marker != UINT32_MAX && marker != UINT32_MAX - 1)
		return PM_NONE; /* no format, or one that has only a name */
	format = pm_cursor_u32(&c);
	device = pm_cursor_u32(&c); /* with its own four bytes */
	pm_cursor_take(&c, device > 4 ? device - 4 : 0);
	pm_cursor_take(&c, 16); /* aspect, index, advice, reserved */
	width = pm_cursor_u32(&c);
	height = pm_cursor_u32(&c);
	size = pm_cursor_u32(&c);
	p = pm_cursor_take(&c, size);
	if (!p)
		return PM_NONE;
	s = (struct pm_span){p, size, 0};
	if (format == 3) /* CF_METAFILEPICT */
		return take_wmf(ctx, ret, s, width, height);
	return format == 8 ? take_dib(ctx, ret, s) : take_file(ctx, ret, s);
}

enum pm_rc pm_ole_find_picture(struct pm_ctx *ctx, struct pm_span storage,
			       struct pm_ole_picture *ret)
{
	struct cfb c = {.ctx = ctx, .s = storage};
	struct pm_buf stream = {0};
	enum pm_rc rc = PM_NONE;

	*ret = (struct pm_ole_picture){0};
	if (open_cfb(&c) && read_stream(&c, "CONTENTS", &stream))
		rc = take_file(ctx, ret, pm_buf_span(&stream));
	pm_buf_clear(&stream);
	if (rc == PM_NONE && read_stream(&c, "\2OlePres000", &stream))
		rc = take_presentation(ctx, ret, pm_buf_span(&stream));
	pm_buf_done(&stream);
	close_cfb(&c);
	return ctx->rc ? ctx->rc : rc;
}
