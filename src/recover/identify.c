/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is this file? From the header when its checksum holds and the file agrees with it;
 * else by evidence: the trailers of B-tree and map pages under the layouts of all three
 * variants, and a header found at any byte (content shifted as a whole).
 *
 * Gathers: format, header and its failed rules, shift, encoding.
 */
#include "recover/internal.h"

#include "format/crc.h"
#include "io/view.h"

#define WINDOW ((size_t)1 << 20)
#define TAIL   4096 /* largest page: windows overlap by it */

#define HEAPS_SURE  8
#define HEADERS_MAX 1000 /* that are tried, of a shifted file */

/* Pages with right type, checksum and place, under one layout. */
static unsigned good_page(const struct pm_format *f, const uint8_t *p, pm_ib ib)
{
	const uint8_t *t = p + f->page_data;

	if (t[0] != t[1] || t[0] < PM_PTYPE_BBT || t[0] > PM_PTYPE_DLIST)
		return 0;
	return !(pm_page_verify(f, p, ib, 0, 0) & (PM_PR_TYPE | PM_PR_CRC | PM_PR_SIG | PM_PR_BID));
}

/* Does the file, from `shift` on, look like this format at the places that never move, and
 * those that the header names? */
static enum pm_rc confirmed(struct pm_analysis *an, const struct pm_format *f,
			    const struct pm_header *h, uint64_t shift, bool *ret_yes)
{
	const pm_ib places[4] = {f->amap_first, h->nbt_ib, h->bbt_ib, pm_amap_offset(f, 1)};
	const uint64_t size = an->img->size - shift;
	uint8_t page[TAIL];

	*ret_yes = false;
	for (unsigned i = 0; i < 4 && !*ret_yes; i++) {
		enum pm_rc rc;

		if (places[i] % 512 || size < f->page || places[i] > size - f->page)
			continue;
		rc = pm_image_read(an->ctx, an->img, shift + places[i], page, f->page);
		if (pm_is_error(rc))
			return rc;
		*ret_yes = good_page(f, page, places[i]) != 0;
	}
	return PM_OK;
}

/* Count good pages of every layout on the 512-byte grid; stop once one has clearly won. */
static enum pm_rc count_pages(struct pm_analysis *an, unsigned score[3])
{
	uint8_t *buf = pm_calloc(an->ctx, WINDOW + TAIL, 1);
	enum pm_rc rc = buf ? PM_OK : an->ctx->rc;

	memset(score, 0, 3 * sizeof(*score));
	for (uint64_t at = 0; at < an->img->size && !pm_is_error(rc); at += WINDOW) {
		rc = pm_tick(an->ctx, "identify", at, an->img->size);
		if (rc)
			break;
		rc = pm_image_read(an->ctx, an->img, at, buf, WINDOW + TAIL);
		for (size_t o = 0; o < WINDOW && !pm_is_error(rc); o += 512)
			for (unsigned v = 0; v < 3; v++)
				if ((at + o) % pm_formats[v].page == 0)
					score[v] += good_page(&pm_formats[v], buf + o, at + o);
		if (score[0] + score[1] + score[2] >= 64)
			break;
	}
	pm_free(buf);
	return pm_is_error(rc) ? rc : PM_OK;
}

/* The same with blocks, where there are no pages: those that are right, at their place, of every
 * layout. */
static enum pm_rc count_blocks(struct pm_analysis *an, unsigned score[3])
{
	uint8_t *buf = pm_calloc(an->ctx, 2 * WINDOW, 1);
	enum pm_rc rc = buf ? PM_OK : an->ctx->rc;

	for (uint64_t at = 0; at < an->img->size && !pm_is_error(rc); at += WINDOW) {
		const uint64_t from = at ? at - WINDOW : 0;
		uint64_t end = an->img->size < at + WINDOW ? an->img->size : at + WINDOW;

		rc = pm_tick(an->ctx, "identify", at, an->img->size);
		if (rc)
			break;
		rc = pm_image_read(an->ctx, an->img, from, buf, 2 * WINDOW);
		for (end -= end % 64; end > at && !pm_is_error(rc); end -= 64)
			for (unsigned v = 0; v < 3; v++) {
				struct pm_block b;

				if (end % pm_formats[v].unit == 0 &&
				    pm_block_ending(&pm_formats[v], buf + (end - from), end - from,
						    end, &b))
					score[v]++;
			}
		if (score[0] + score[1] + score[2] >= 64)
			break;
	}
	pm_free(buf);
	return pm_is_error(rc) ? rc : PM_OK;
}

static bool header_sound(const uint8_t *raw)
{
	return pm_le32(raw) == PM_MAGIC && pm_crc(raw + 8, 471) == pm_le32(raw + 4) && raw[10] &&
	       pm_format_of_version(pm_le16(raw + 10)) != NULL;
}

/* Is the sound header at `shift` that of pages behind it? */
static enum pm_rc heads_pages(struct pm_analysis *an, const uint8_t *raw, uint64_t shift,
			      bool *ret_yes)
{
	const struct pm_format *f = pm_format_of_version(pm_le16(raw + 10));
	struct pm_header h;
	enum pm_rc rc;

	pm_header_decode(f, raw, &h);
	rc = confirmed(an, f, &h, shift, ret_yes);
	if (rc || *ret_yes || h.version != 37)
		return rc;
	f = &pm_formats[PM_UNICODE4K];
	pm_header_decode(f, raw, &h);
	return confirmed(an, f, &h, shift, ret_yes);
}

/*
 * A sound header behind foreign bytes: everything is shifted by its offset. The first one that
 * has pages behind it, else the first one; others may be content, such as attached files.
 */
static enum pm_rc find_header(struct pm_analysis *an, uint64_t *ret_at)
{
	uint8_t *buf = pm_calloc(an->ctx, WINDOW + TAIL, 1);
	enum pm_rc rc = buf ? PM_OK : an->ctx->rc;
	unsigned tried = 0;
	bool yes = false;

	*ret_at = 0;
	for (uint64_t at = 0; at < an->img->size && !yes && !pm_is_error(rc); at += WINDOW) {
		uint8_t *end = buf + WINDOW + TAIL;

		rc = pm_image_read(an->ctx, an->img, at, buf, WINDOW + TAIL);
		for (uint8_t *p = buf; p < buf + WINDOW && !yes && !pm_is_error(rc); p++) {
			p = memmem(p, (size_t)(end - p), "!BDN", 4);
			if (!p || p >= buf + WINDOW)
				break;
			if (!(at + (uint64_t)(p - buf)) || !header_sound(p))
				continue;
			if (tried++ < HEADERS_MAX)
				rc = heads_pages(an, p, at + (uint64_t)(p - buf), &yes);
			if (yes || !*ret_at)
				*ret_at = at + (uint64_t)(p - buf);
		}
	}
	pm_free(buf);
	return pm_is_error(rc) ? rc : PM_OK;
}

static enum pm_rc put_straight(struct pm_analysis *an, uint64_t shift)
{
	struct pm_view *view;
	enum pm_rc rc = pm_view_new(an->ctx, an->img, &view);

	if (rc)
		return rc;
	rc = pm_view_map(view, 0, shift, an->img->size - shift);
	if (rc == PM_OK)
		rc = pm_view_set_size(view, an->img->size - shift);
	an->straight = pm_view_image(view);
	if (rc == PM_OK) {
		an->img = an->straight;
		an->db.img = an->img;
		an->shift = (int64_t)shift;
	}
	return rc;
}

static enum pm_rc read_header(struct pm_analysis *an, uint8_t raw[PM_HEADER_MAX])
{
	enum pm_rc rc = pm_image_read(an->ctx, an->img, 0, raw, PM_HEADER_MAX);

	return pm_is_error(rc) ? rc : PM_OK;
}

static void take_format(struct pm_analysis *an, const struct pm_format *f, const uint8_t *raw)
{
	an->db.fmt = f;
	pm_header_decode(f, raw, &an->header);
	an->header_bad = pm_header_verify(f, raw);
	an->db.crypt = an->header.crypt <= PM_CRYPT_CYCLIC ? an->header.crypt : PM_CRYPT_PERMUTE;
}

/* What a file that is no PST seems to be, as the end of a sentence. */
static const char *foreign(const uint8_t *p)
{
	static const struct {
		const char *magic;
		unsigned n;
		const char *what;
	} known[] = {
		{"PK\003\004", 4, "a ZIP archive; unpack it first"},
		{"\037\213", 2, "gzip-compressed; unpack it first"},
		{"7z\274\257", 4, "a 7-Zip archive; unpack it first"},
		{"Rar!", 4, "a RAR archive; unpack it first"},
		{"\320\317\021\340", 4, "an OLE file, such as a single Outlook message (.msg)"},
		{"From ", 5, "an mbox mail file"},
		{"SQLite format 3", 15, "an SQLite database"},
		{"%PDF", 4, "a PDF document"},
		{"\357\315\253\211", 4, "an Exchange database (.edb)"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!memcmp(p, known[i].magic, known[i].n))
			return known[i].what;
	return NULL;
}

/* What bytes without any structure are like, NULL when they have one. */
static const char *structureless(const uint8_t *p, size_t n)
{
	size_t count[256] = {0}, expected = n / 256;
	double chi2 = 0;

	if (expected < 16) /* too few to tell */
		return NULL;
	for (size_t i = 0; i < n; i++)
		count[p[i]]++;
	if (count[p[0]] == n)
		return p[0] ? "one byte repeated" : "zeros";
	for (unsigned i = 0; i < 256; i++) {
		double off = (double)count[i] - (double)expected;

		chi2 += off * off / (double)expected;
	}
	/* Random bytes give 255 and, to all purposes, never twice that; compressed ones give more. */
	return chi2 < 510 ? "random bytes, as an encrypted file has" : NULL;
}

/*
 * Nothing of a PST, and no other kind of file: either it is a foreign file, which is the wrong
 * one to name, or one whose content was overwritten, which is damage.
 */
static enum pm_rc unrecognised(struct pm_analysis *an)
{
	static const size_t sample = 64 << 10;
	const char *name = pm_image_name(an->img), *like = NULL;
	unsigned long long size = an->img->size;
	struct pm_buf b = {0};
	size_t n = size < sample ? (size_t)size : sample;
	uint8_t *p = pm_buf_room(an->ctx, &b, n);
	enum pm_rc rc = p ? pm_image_read(an->ctx, an->img, 0, p, n) : an->ctx->rc;

	if (rc == PM_OK)
		like = structureless(p, n);
	pm_buf_done(&b);
	if (pm_is_error(rc))
		return rc;
	if (like)
		return pm_fail(
			an->ctx, PM_EGONE,
			"%s: nothing of a PST or OST file is left in its %llu bytes: it begins "
			"with %s; look for another copy of the file",
			name, size, like);
	return pm_fail(an->ctx, PM_EUNSUP,
		       "%s: nothing of a PST or OST file is recognisable in it: no header, no page "
		       "of any version in %llu bytes; look for another copy of the file",
		       name, size);
}

static enum pm_rc nothing(struct pm_analysis *an, const uint8_t *raw)
{
	const char *what = foreign(raw);
	unsigned n = an->img->size < 512 ? (unsigned)an->img->size : 512, text = 0;

	if (what)
		return pm_fail(
			an->ctx, PM_EUNSUP,
			"%s: not a PST or OST file: it looks like %s; name a .pst or .ost file",
			pm_image_name(an->img), what);
	for (unsigned i = 0; i < n; i++)
		text += (raw[i] >= 0x20 && raw[i] < 0x7F) || raw[i] == '\n' || raw[i] == '\r' ||
			raw[i] == '\t';
	if (n && text == n)
		return pm_fail(an->ctx, PM_EUNSUP,
			       "%s: not a PST or OST file: it is text; name a .pst or .ost file",
			       pm_image_name(an->img));
	if (pm_le32(raw) == PM_MAGIC && an->img->size < 0x4600)
		return pm_fail(
			an->ctx, PM_EUNSUP,
			"%s: begins like a PST file but is cut off after %llu bytes, in front "
			"of any mail; look for a complete copy",
			pm_image_name(an->img), (unsigned long long)an->img->size);
	return unrecognised(an);
}

static enum pm_rc by_evidence(struct pm_analysis *an, uint8_t raw[PM_HEADER_MAX])
{
	const struct pm_format *named = pm_format_of_version(pm_le16(raw + 10));
	unsigned score[3], best = 0;
	enum pm_rc rc = count_pages(an, score);

	if (rc)
		return rc;
	for (unsigned v = 1; v < 3; v++)
		if (score[v] > score[best])
			best = v;
	if (!score[best]) {
		uint64_t at = 0;

		if (!an->straight) /* once: content may be full of headers */
			rc = find_header(an, &at);
		if (rc)
			return rc;
		if (at) {
			rc = put_straight(an, at);
			if (rc == PM_OK)
				rc = read_header(an, raw);
			if (rc)
				return rc;
			return pm_identify(an);
		}
		/* No page at all: a sound header's word is the best there is. */
		if (header_sound(raw) && an->img->size > named->amap_first) {
			take_format(an, named, raw);
			return PM_OK;
		}
		rc = count_blocks(an, score);
		if (rc)
			return rc;
		for (unsigned v = 1; v < 3; v++)
			if (score[v] > score[best])
				best = v;
		if (!score[best])
			return nothing(an, raw);
	}
	an->identified = PM_ID_EVIDENCE;
	take_format(an, &pm_formats[best], raw);
	return PM_OK;
}

enum pm_rc pm_identify(struct pm_analysis *an)
{
	uint8_t raw[PM_HEADER_MAX];
	const struct pm_format *f;
	bool yes;
	enum pm_rc rc = read_header(an, raw);

	if (rc)
		return rc;
	f = pm_format_of_version(pm_le16(raw + 10));
	if (header_sound(raw)) {
		take_format(an, f, raw);
		rc = confirmed(an, f, &an->header, 0, &yes);
		if (rc || yes)
			return rc;
		if (an->header.version == 37) { /* either layout; the first AMap tells */
			take_format(an, &pm_formats[PM_UNICODE4K], raw);
			rc = confirmed(an, an->db.fmt, &an->header, 0, &yes);
			if (rc || yes)
				return rc;
		}
	}
	return by_evidence(an, raw);
}

/* How many of up to 200 node data blocks decode to a heap with this method; `right`: of how many is the checksum right,
 * so that they are where they should be? */
static enum pm_rc count_heaps(struct pm_analysis *an, enum pm_crypt method, unsigned *ret_n,
			      unsigned *ret_of, unsigned *ret_right)
{
	enum pm_crypt was = an->db.crypt;
	struct pm_buf b = {0};
	enum pm_rc rc = PM_OK;
	size_t step = an->db.blocks.n / 200 + 1;

	*ret_n = *ret_of = *ret_right = 0;
	an->db.crypt = method;
	for (size_t i = 0; i < an->db.blocks.n; i += step) {
		struct pm_block e = an->db.blocks.v[i]; /* a try must leave no mark on it */

		if (pm_bid_internal(e.bid) || e.flags & (PM_BF_CRC | PM_BF_READ | PM_BF_LOST))
			continue;
		pm_buf_clear(&b);
		rc = pm_ndb_read_entry(&an->db, &e, &b);
		if (pm_is_error(rc))
			break;
		++*ret_of;
		*ret_right += rc == PM_OK;
		if (b.n >= 8 && b.p[2] == 0xEC && (b.p[3] == 0xBC || b.p[3] == 0x7C))
			++*ret_n;
	}
	an->db.crypt = was;
	pm_buf_done(&b);
	return pm_is_error(rc) ? rc : PM_OK;
}

enum pm_rc pm_identify_crypt(struct pm_analysis *an)
{
	unsigned n[3], of = 0, right = 0, best = an->db.crypt;
	enum pm_rc rc = count_heaps(an, an->db.crypt, &n[best], &of, &right);

	/* So many do not look like heaps by chance: what the header says is not plainly wrong. */
	if (rc || (n[best] >= HEAPS_SURE && an->header.crypt <= PM_CRYPT_CYCLIC))
		return rc;
	/* Twice as many as these there are not. */
	if (n[best] && of <= 2 * n[best] && an->header.crypt <= PM_CRYPT_CYCLIC)
		return rc;
	for (unsigned m = 0; m < 3 && rc == PM_OK; m++)
		if (m != (unsigned)an->db.crypt)
			rc = count_heaps(an, m, &n[m], &of, &right);
	if (rc)
		return rc;
	for (unsigned m = 0; m < 3; m++)
		if (n[m] > n[best])
			best = m;
	if (!n[best] && right >= 8 && an->header.crypt == PM_CRYPT_WIP)
		return pm_fail(
			an->ctx, PM_EUNSUP,
			"%s: its contents are protected by Windows Information Protection "
			"(bCryptMethod 0x10); only the Windows account that wrote it can open it",
			pm_image_name(an->img));
	/* A header with a right checksum is believed unless it is plainly wrong. */
	if (best != an->db.crypt && n[best] > 2 * n[an->db.crypt]) {
		an->db.crypt = best;
		an->crypt_guessed = true;
	}
	if (an->header.crypt > PM_CRYPT_CYCLIC)
		an->crypt_guessed = true;
	return PM_OK;
}
