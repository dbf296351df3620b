/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend dump: values of properties and cells as one reads them. */
#include "cli/dump.h"

#include "base/codepage.h"
#include "base/time.h"

#include <stdio.h>

enum { TEXT_LIMIT = 200, BINARY_LIMIT = 64, FULL_LIMIT = 1 << 28 };

static void put_binary(struct pm_dump *d, struct pm_span s, struct pm_buf *out)
{
	pm_buf_hex(d->ctx, out, false, s.p, s.n);
}

/* [MS-DTYP 2.3.4.2] */
void pm_dump_guid(struct pm_dump *d, const uint8_t *p, struct pm_buf *out)
{
	pm_buf_printf(d->ctx, out, "{%08x-%04x-%04x-%02x%02x-", pm_le32(p), pm_le16(p + 4),
		      pm_le16(p + 6), p[8], p[9]);
	pm_buf_hex(d->ctx, out, false, p + 10, 6);
	pm_buf_byte(d->ctx, out, '}');
}

static double as_double(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static double as_float(uint32_t bits)
{
	float v;

	memcpy(&v, &bits, sizeof(v));
	return (double)v;
}

/* A time with all its digits; the two values that mean no time as they are. */
static void put_time(struct pm_dump *d, uint64_t ft, struct pm_buf *out)
{
	char s[PM_TIME_TEXT];
	struct pm_civil c;

	if (!pm_time_is_set(ft)) {
		pm_buf_str(d->ctx, out, ft ? "never" : "none");
		return;
	}
	pm_time_civil(ft, &c);
	pm_time_iso(ft, s);
	pm_buf_printf(d->ctx, out, "%.*s.%07uZ", (int)strlen(s) - 1, s, c.ticks);
}

/* A value that is no plain number, from all of its bytes. */
static void put_words(struct pm_dump *d, uint16_t type, struct pm_span s, uint32_t cp,
		      struct pm_buf *out)
{
	int size = pm_proptype_size(type);

	if (size > 0 && s.n < (size_t)size) {
		put_binary(d, s, out);
		return;
	}
	switch (type) {
	case PM_PT_STRING8:
	case PM_PT_UNICODE:
		if (pm_is_error(pm_text_of(d->ctx, type, s, cp, out)))
			return;
		break;
	case PM_PT_I2:
		pm_buf_printf(d->ctx, out, "%d", (int16_t)pm_le16(s.p));
		break;
	case PM_PT_I4:
		pm_buf_printf(d->ctx, out, "%d", (int32_t)pm_le32(s.p));
		break;
	case PM_PT_I8:
	case PM_PT_CURRENCY: /* in ten-thousandths */
		pm_buf_printf(d->ctx, out, "%lld", (long long)pm_le64(s.p));
		break;
	case PM_PT_ERROR:
		pm_buf_printf(d->ctx, out, "0x%08x", pm_le32(s.p));
		break;
	case PM_PT_R4:
		pm_buf_printf(d->ctx, out, "%.9g", as_float(pm_le32(s.p)));
		break;
	case PM_PT_R8:
	case PM_PT_APPTIME:
		pm_buf_printf(d->ctx, out, "%.17g", as_double(pm_le64(s.p)));
		break;
	case PM_PT_TIME:
		put_time(d, pm_le64(s.p), out);
		break;
	case PM_PT_GUID:
		pm_dump_guid(d, s.p, out);
		break;
	case PM_PT_OBJECT:
		pm_buf_printf(d->ctx, out, "subnode 0x%x, %u bytes", pm_le32(s.p),
			      pm_le32(s.p + 4));
		break;
	default:
		put_binary(d, s, out);
	}
}

static void put_many(struct pm_dump *d, uint16_t type, struct pm_span s, uint32_t cp,
		     struct pm_buf *out)
{
	struct pm_mv mv = pm_mv_open(type, s);

	for (uint32_t i = 0; i < mv.n && !out->bad; i++) {
		if (i)
			pm_buf_str(d->ctx, out, "; ");
		put_words(d, mv.type, pm_mv_item(&mv, i), cp, out);
	}
	if (mv.damaged)
		pm_buf_str(d->ctx, out, " (and what is out of bounds)");
}

static bool print_number(struct pm_dump *d, const struct pm_column *col, const struct pm_value *v)
{
	const uint8_t *p = v->span.p;

	if (v->stream)
		return false;
	if (v->type == PM_PT_BOOL && v->span.n >= 1)
		pm_print_bool(d->out, col, p[0] != 0);
	else if (v->type == PM_PT_I2 && v->span.n >= 2)
		pm_print_int(d->out, col, (int16_t)pm_le16(p));
	else if (v->type == PM_PT_I4 && v->span.n >= 4)
		pm_print_int(d->out, col, (int32_t)pm_le32(p));
	else if (v->type == PM_PT_I8 && v->span.n >= 8)
		pm_print_int(d->out, col, (int64_t)pm_le64(p));
	else
		return false;
	return true;
}

void pm_dump_value(struct pm_dump *d, const struct pm_column *col, const struct pm_value *v,
		   uint32_t cp)
{
	bool text = v->type == PM_PT_UNICODE || v->type == PM_PT_STRING8;
	uint64_t limit = d->full ? FULL_LIMIT : text ? TEXT_LIMIT : BINARY_LIMIT;
	bool many = v->type & PM_PT_MV;
	struct pm_buf raw = {0}, words = {0};
	enum pm_rc rc;

	if (v->state == PM_LOST || print_number(d, col, v)) {
		if (v->state == PM_LOST)
			pm_print_null(d->out, col);
		return;
	}
	if (v->type == PM_PT_UNICODE)
		limit *= 2;
	if (many)
		limit = FULL_LIMIT;
	rc = pm_value_read(d->ctx, v, limit, &raw);
	if (pm_is_error(rc))
		goto out;
	if (many)
		put_many(d, v->type, pm_buf_span(&raw), cp, &words);
	else
		put_words(d, v->type, pm_buf_span(&raw), cp, &words);
	if (v->size > raw.n)
		pm_buf_str(d->ctx, &words, "...");
	pm_print_text(d->out, col, pm_buf_cstr(d->ctx, &words));
out:
	pm_buf_done(&raw);
	pm_buf_done(&words);
}
