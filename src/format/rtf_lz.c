/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed RTF: a header of four 32-bit fields (size of what follows this one, size of the
 * RTF, type, CRC of what follows the header [MS-OXRTFCP 2.1.3.1.1]), then runs of a flag byte
 * and 8 tokens, lowest bit first: 0 a literal byte, 1 a reference of two bytes, high byte
 * first: 12 bits position in a ring of 4096 bytes, 4 bits length less 2. A reference to the
 * place that is written next ends the data.
 */
#include "format/rtf_lz.h"

#include "format/crc.h"

#define HEADER    16
#define TYPE_LZFU 0x75465A4Cu
#define TYPE_MELA 0x414C454Du
#define RING      4096

/* What the ring holds at first [MS-OXRTFCP 2.1.3.1.5]; the rest of it is blanks. */
static const char preset[] =
	"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
	"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
	"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

struct lz {
	uint8_t ring[RING];
	size_t at; /* next place to write in the ring */
	uint8_t chunk[RING];
	size_t used;
	size_t left; /* of the limit */
	bool full;   /* there was more than the limit */
};

/* The first failed rule counts. */
static void fault(const char **why, const char *rule)
{
	if (!*why)
		*why = rule;
}

static void put(struct pm_ctx *ctx, struct pm_buf *out, struct lz *lz, uint8_t c)
{
	lz->ring[lz->at] = c;
	lz->at = (lz->at + 1) % RING;
	if (!lz->left) {
		lz->full = true;
		return;
	}
	lz->left--;
	lz->chunk[lz->used++] = c;
	if (lz->used == sizeof(lz->chunk)) {
		pm_buf_add(ctx, out, lz->chunk, lz->used);
		lz->used = 0;
	}
}

/* One token; false at the end of the data, with *ended for an end that was marked. */
static bool token(struct pm_ctx *ctx, struct pm_buf *out, struct lz *lz, struct pm_cursor *c,
		  bool is_reference, bool *ended)
{
	const uint8_t *p = pm_cursor_take(c, is_reference ? 2 : 1);
	size_t from, len;

	if (!p)
		return false;
	if (!is_reference) {
		put(ctx, out, lz, p[0]);
		return true;
	}
	from = (size_t)p[0] << 4 | p[1] >> 4;
	if (from == lz->at) {
		*ended = true;
		return false;
	}
	for (len = (p[1] & 15u) + 2; len; len--) {
		put(ctx, out, lz, lz->ring[from]);
		from = (from + 1) % RING;
	}
	return true;
}

static void decompress(struct pm_ctx *ctx, struct pm_buf *out, struct lz *lz, struct pm_span in,
		       bool *ended)
{
	struct pm_cursor c = {.s = in};

	memcpy(lz->ring, preset, sizeof(preset) - 1);
	memset(lz->ring + sizeof(preset) - 1, ' ', RING - (sizeof(preset) - 1));
	lz->at = sizeof(preset) - 1;
	while (!lz->full && !out->bad) {
		unsigned int flags = pm_cursor_u8(&c);

		for (int bit = 0; bit < 8 && !c.bad; bit++) {
			if (!token(ctx, out, lz, &c, flags >> bit & 1, ended))
				goto out;
		}
		if (c.bad)
			break;
	}
out:
	pm_buf_add(ctx, out, lz->chunk, lz->used);
}

static enum pm_rc decode_lzfu(struct pm_ctx *ctx, struct pm_buf *out, struct pm_span in,
			      uint32_t raw_size, size_t limit, const char **why)
{
	struct lz *lz = pm_calloc(ctx, 1, sizeof(*lz));
	size_t start = out->n;
	bool ended = false;

	if (!lz)
		return ctx->rc;
	lz->left = limit;
	decompress(ctx, out, lz, in, &ended);
	if (lz->full)
		fault(why, "limit");
	else if (!ended && out->n - start != raw_size)
		fault(why, "end"); /* without the mark, the announced size tells */
	if (!lz->full && out->n - start != raw_size)
		fault(why, "raw-size");
	pm_free(lz);
	return PM_OK;
}

static void decode_mela(struct pm_ctx *ctx, struct pm_buf *out, struct pm_span in,
			uint32_t raw_size, size_t limit, const char **why)
{
	size_t n = in.n;

	/* Some writers announce the size with 12 bytes of the header in it [OBS]. */
	if (raw_size != n && raw_size != n + HEADER - 4)
		fault(why, "raw-size");
	if (n > limit) {
		fault(why, "limit");
		n = limit;
	}
	pm_buf_add(ctx, out, in.p, n);
}

static bool is_bare_rtf(struct pm_span in)
{
	static const char head[] = "{\\rtf";

	return in.n >= sizeof(head) - 1 && memcmp(in.p, head, sizeof(head) - 1) == 0;
}

/* Everything after the announced type; *why is NULL or a rule that failed already. */
static enum pm_rc decode_body(struct pm_ctx *ctx, struct pm_buf *out, struct pm_span in,
			      size_t limit, const char **why)
{
	uint32_t size = pm_le32(in.p), raw_size = pm_le32(in.p + 4);
	uint32_t type = pm_le32(in.p + 8), crc = pm_le32(in.p + 12);
	struct pm_span body = {in.p + HEADER, in.n - HEADER, in.at + HEADER};

	if (size < HEADER - 4 || size - (HEADER - 4) > body.n)
		fault(why, "size");
	else if (type == TYPE_MELA || pm_crc(body.p, size - (HEADER - 4)) == crc)
		body.n =
			size - (HEADER - 4); /* less than all is right where the checksum says so */
	else
		fault(why, size - (HEADER - 4) == body.n ? "crc" : "size");
	if (type == TYPE_MELA) {
		decode_mela(ctx, out, body, raw_size, limit, why);
		return PM_OK;
	}
	return decode_lzfu(ctx, out, body, raw_size, limit, why);
}

enum pm_rc pm_rtf_lz_decode(struct pm_ctx *ctx, struct pm_buf *out, struct pm_span in, size_t limit,
			    const char **ret_why)
{
	const char *why = NULL;
	enum pm_rc rc = PM_OK;

	if (is_bare_rtf(in)) {
		why = "type";
		pm_buf_add(ctx, out, in.p, in.n < limit ? in.n : limit);
	} else if (in.n < HEADER) {
		why = "header";
		rc = PM_LOST;
	} else if (pm_le32(in.p + 8) != TYPE_LZFU && pm_le32(in.p + 8) != TYPE_MELA) {
		why = "type";
		rc = PM_LOST;
	} else {
		rc = decode_body(ctx, out, in, limit, &why);
	}
	if (pm_is_error(rc))
		return rc;
	if (out->bad)
		return ctx->rc != PM_OK ? ctx->rc : PM_ENOMEM;
	if (ret_why)
		*ret_why = why;
	return rc == PM_OK && why ? PM_DAMAGED : rc;
}
