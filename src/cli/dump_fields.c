/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend dump: the fields of a structure by fields.def, bytes, rules; the header. */
#include "cli/dump.h"
#include "format/crc.h"

#include <stdio.h>

enum { DATA_LIMIT = 65536 };

enum { F_OFFSET, F_SIZE, F_NAME, F_VALUE, F_REMARK, F_SECTION, F_COLUMNS };

static const struct pm_column field_cols[F_COLUMNS] = {
	[F_OFFSET] = {"offset", "Offset", PM_AS_OFFSET, 0},
	[F_SIZE] = {"size", "Size", PM_AS_DEC, 0},
	[F_NAME] = {"name", "Field", PM_AS_TEXT, 0},
	[F_VALUE] = {"value", "Value", PM_AS_TEXT, 40},
	[F_REMARK] = {"remark", "Remark", PM_AS_TEXT, 0},
	[F_SECTION] = {"section", "MS-PST", PM_AS_TEXT, 0},
};

static const char *find_remark(const struct pm_remark *remarks, const char *name)
{
	for (; remarks && remarks->field; remarks++)
		if (!strcmp(remarks->field, name) && remarks->text[0])
			return remarks->text;
	return NULL;
}

static void print_row(struct pm_dump *d, const struct pm_field *f, const char *name, uint64_t at,
		      size_t size, const char *value, const char *remark)
{
	struct pm_printer *out = d->out;

	pm_print_begin_row(out);
	pm_print_uint(out, &field_cols[F_OFFSET], at);
	pm_print_uint(out, &field_cols[F_SIZE], size);
	pm_print_text(out, &field_cols[F_NAME], name);
	pm_print_text(out, &field_cols[F_VALUE], value);
	if (remark)
		pm_print_text(out, &field_cols[F_REMARK], remark);
	pm_print_text(out, &field_cols[F_SECTION], f->section);
	pm_print_end(out);
}

static void bytes_field(struct pm_dump *d, const struct pm_field *f, const uint8_t *p, size_t n,
			uint64_t at, const char *remark)
{
	struct pm_buf text = {0};
	char same[32];

	pm_buf_hex(d->ctx, &text, false, p, n);
	if (!remark && n > 4 && !memcmp(p, p + 1, n - 1)) {
		snprintf(same, sizeof(same), "all %02x", p[0]);
		remark = same;
	}
	print_row(d, f, f->name, at, n, pm_buf_cstr(d->ctx, &text), remark);
	pm_buf_done(&text);
}

static void number_field(struct pm_dump *d, const struct pm_field *f, unsigned int k,
			 const uint8_t *p, unsigned int width, uint64_t at,
			 const struct pm_remark *remarks)
{
	uint64_t v = pm_ft_get(p, width);
	char name[64], value[32], plain[32];
	const char *remark;

	if (pm_field_elements(d->fmt, f) > 1)
		snprintf(name, sizeof(name), "%s[%u]", f->name, k);
	else
		snprintf(name, sizeof(name), "%s", f->name);
	snprintf(value, sizeof(value), "0x%0*llx", (int)(2 * width), (unsigned long long)v);
	remark = find_remark(remarks, name);
	if (!remark && v > 9 && v < 1000000) {
		snprintf(plain, sizeof(plain), "%llu", (unsigned long long)v);
		remark = plain;
	}
	print_row(d, f, name, at, width, value, remark);
}

static void one_field(struct pm_dump *d, const struct pm_field *f, const uint8_t *p, size_t n,
		      uint64_t at, const struct pm_remark *remarks)
{
	size_t offset = f->offset[d->fmt->variant];
	unsigned int width = pm_field_width(d->fmt, f), count = pm_field_elements(d->fmt, f);

	if (offset > n || (size_t)width * count > n - offset) {
		print_row(d, f, f->name, at + offset, (size_t)width * count, NULL,
			  "beyond what is there");
		return;
	}
	if (f->type == PM_FT_BYTES) {
		bytes_field(d, f, p + offset, count, at + offset, find_remark(remarks, f->name));
		return;
	}
	for (unsigned int k = 0; k < count; k++)
		number_field(d, f, k, p + offset + (size_t)k * width, width,
			     at + offset + (uint64_t)k * width, remarks);
}

void pm_dump_fields(struct pm_dump *d, const char *structure, const uint8_t *p, size_t n,
		    uint64_t at, const struct pm_remark *remarks)
{
	enum { MOST = 64 };
	const struct pm_column table = {structure, structure, PM_AS_TEXT, 0};
	const struct pm_field *fields[MOST];
	unsigned int v = d->fmt->variant;
	size_t k = 0, i;

	/* In the order of this variant. */
	for (size_t r = 0; r < pm_field_count && k < MOST; r++) {
		const struct pm_field *f = &pm_fields[r];

		if (strcmp(f->structure, structure) != 0 || f->offset[v] == PM_NO_FIELD)
			continue;
		for (i = k++; i > 0 && fields[i - 1]->offset[v] > f->offset[v]; i--)
			fields[i] = fields[i - 1];
		fields[i] = f;
	}
	pm_print_begin_table(d->out, &table, field_cols, F_COLUMNS);
	for (i = 0; i < k; i++)
		one_field(d, fields[i], p, n, at, remarks);
	pm_print_end(d->out);
}

void pm_dump_verdict(char ret[96], uint64_t have, uint64_t want)
{
	if (have == want)
		snprintf(ret, 96, "right");
	else
		snprintf(ret, 96, "wrong, want 0x%llx", (unsigned long long)want);
}

void pm_dump_data(struct pm_dump *d, uint64_t at, const uint8_t *p, size_t n)
{
	static const struct pm_column data = {"data", "", PM_AS_TEXT, 0};
	static const struct pm_column more = {"data_left_out", NULL, PM_AS_DEC, 0};
	size_t shown = d->full || n <= DATA_LIMIT ? n : DATA_LIMIT;

	pm_print_hex(d->out, &data, at, p, shown);
	if (shown == n)
		return;
	pm_print_uint(d->out, &more, n - shown);
	pm_print_para(d->out, "... and %zu bytes more; --full shows them", n - shown);
}

void pm_dump_rules(struct pm_dump *d, uint32_t rules, const char *const *names, size_t n)
{
	static const struct pm_column col = {"broken_rules", "Broken rules", PM_AS_TEXT, 0};

	pm_print_begin_list(d->out, &col);
	for (size_t k = 0; k < n; k++)
		if (rules >> k & 1)
			pm_print_text(d->out, &col, names[k]);
	pm_print_end(d->out);
}

/* --- the header ------------------------------------------------------------------------ */

static const char *client_words(uint64_t client)
{
	return client == PM_CLIENT_PST   ? "PST"
	       : client == PM_CLIENT_OST ? "OST"
	       : client == PM_CLIENT_PAB ? "PAB"
					 : "unknown";
}

static const char *crypt_words(uint64_t method)
{
	static const char *const words[] = {"none", "permute", "cyclic"};

	return method <= PM_CRYPT_CYCLIC ? words[method]
	       : method == PM_CRYPT_WIP  ? "Windows Information Protection"
					 : "unknown";
}

void pm_dump_header(struct pm_dump *d)
{
	enum { PARTIAL = 471, FULL = 516, START = 8 }; /* [MS-PST 2.2.2.6] */
	const struct pm_format *f = d->fmt, *named;
	const uint8_t *p = d->header;
	struct pm_remark r[] = {
		{"dwMagic", ""},      {"dwCRCPartial", ""}, {"dwCRCFull", ""},
		{"wMagicClient", ""}, {"wVer", ""},         {"bSentinel", ""},
		{"bCryptMethod", ""}, {"fAMapValid", ""},   {NULL, ""},
	};

	if (d->img->size < f->header) {
		pm_fail(d->ctx, PM_EUSAGE,
			"%s: the header would end beyond the file, which has %llu bytes; "
			"look for a complete copy",
			pm_image_name(d->img), (unsigned long long)d->img->size);
		return;
	}
	named = pm_format_of_version((uint16_t)pm_HEADER_wVer(f, p));
	pm_dump_verdict(r[0].text, pm_HEADER_dwMagic(f, p), PM_MAGIC);
	pm_dump_verdict(r[1].text, pm_HEADER_dwCRCPartial(f, p), pm_crc(p + START, PARTIAL));
	pm_dump_verdict(r[2].text, pm_HEADER_dwCRCFull(f, p), pm_crc(p + START, FULL));
	snprintf(r[3].text, sizeof(r[3].text), "%s", client_words(pm_HEADER_wMagicClient(f, p)));
	snprintf(r[4].text, sizeof(r[4].text), "%u, %s", (unsigned int)pm_HEADER_wVer(f, p),
		 named ? named->name : "unknown");
	pm_dump_verdict(r[5].text, pm_HEADER_bSentinel(f, p), 0x80);
	snprintf(r[6].text, sizeof(r[6].text), "%s", crypt_words(pm_HEADER_bCryptMethod(f, p)));
	snprintf(r[7].text, sizeof(r[7].text), "%s",
		 pm_HEADER_fAMapValid(f, p) == 0   ? "maps not valid"
		 : pm_HEADER_fAMapValid(f, p) <= 2 ? "maps valid"
						   : "unknown");
	pm_dump_fields(d, "HEADER", p, f->header, 0, r);
}
