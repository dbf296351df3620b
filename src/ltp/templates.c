/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of a new file, as lists of columns and properties. [OBS: fresh files] */
#include "ltp/templates.h"

#include "ltp/props.h"

#define STRING 0x001F /* stands for the format's own string type */

/* Columns behind 67F20003 and 67F30003, which every table has, in order of iBit. */
static const struct template
{
	pm_nid nid;
	uint8_t n;
	uint32_t tags[PM_TEMPLATE_COLS];
}
templates[] = {
	/* clang-format off */
	{0x60D, 11, {0x3001001F, 0x36020003, 0x36030003, 0x360A000B, 0x0E300102, 0x0E330014,
		     0x0E340102, 0x0E380003, 0x3613001F, 0x66350003, 0x66360003}},
	{0x60E, 26, {0x0E170003, 0x001A001F, 0x0E070003, 0x00170003, 0x0042001F, 0x0037001F,
		     0x0E060040, 0x00390040, 0x0E080003, 0x0E04001F, 0x0E03001F, 0x0057000B,
		     0x0058000B, 0x00360003, 0x10970003, 0x0070001F, 0x00710102, 0x30130102,
		     0x65C60003, 0x30080040, 0x0E300102, 0x0E330014, 0x0E340102, 0x0E3D0102,
		     0x0E3C0102, 0x0E380003}},
	{0x60F, 13, {0x0E170003, 0x001A001F, 0x0E070003, 0x3001001F, 0x70030003, 0x70040102,
		     0x70050102, 0x7006001F, 0x70070003, 0x6800001F, 0x6803000B, 0x68051003,
		     0x682F001F}},
	{0x610, 17, {0x67F10003, 0x0E05001F, 0x0E170003, 0x001A001F, 0x0E070003, 0x00170003,
		     0x0042001F, 0x0037001F, 0x0E060040, 0x0E080003, 0x0E04001F, 0x0E03001F,
		     0x0057000B, 0x0058000B, 0x00360003, 0x0E2A000B, 0x30080040}},
	{0x62B, 2, {0x66050003, 0x001A001F}},
	{0x64C, 3, {0x0E140003, 0x0E100003, 0x00390040}},
	{0x671, 4, {0x370B0003, 0x0E200003, 0x37050003, 0x3704001F}},
	{0x692, 12, {0x0E0F000B, 0x3002001F, 0x3003001F, 0x0FFF0102, 0x3001001F, 0x0C150003,
		     0x300B0102, 0x0FF90102, 0x0FFE0003, 0x39000003, 0x3A40000B, 0x39FF001F}},
	{0x6B6, 3, {0x0E330014, 0x0E370102, 0x0E380003}},
	{0x6D7, 7, {0x0E3E0102, 0x0E310102, 0x0E300102, 0x0E380003, 0x0E340102, 0x0E330014,
		    0x001A001F}},
	{0x6F8, 2, {0x30070040, 0x0E330014}},
	/* clang-format on */
};

static const struct template *find(pm_nid nid)
{
	for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++)
		if (templates[i].nid == nid)
			return &templates[i];
	return NULL;
}

size_t pm_template_columns(const struct pm_format *f, pm_nid nid,
			   uint32_t ret_tags[PM_TEMPLATE_COLS])
{
	const struct template *t = find(nid);

	if (!t)
		return 0;
	ret_tags[0] = (uint32_t)PM_ID_LTP_ROW_ID << 16 | PM_PT_I4;
	ret_tags[1] = (uint32_t)PM_ID_LTP_ROW_VER << 16 | PM_PT_I4;
	for (unsigned i = 0; i < t->n; i++) {
		uint32_t tag = t->tags[i];

		ret_tags[i + 2] =
			(tag & 0xFFFF) == STRING ? (tag & 0xFFFF0000) | f->string_type : tag;
	}
	return t->n + 2u;
}

pm_nid pm_template_of_type(unsigned nid_type)
{
	switch (nid_type) {
	case 0x0D:
		return 0x60D;
	case 0x0E:
		return 0x60E;
	case 0x0F:
		return 0x60F;
	case 0x10:
		return 0x610;
	case 0x11:
		return 0x671;
	case 0x12:
		return 0x692;
	}
	return 0;
}

enum pm_rc pm_template_table(struct pm_ctx *ctx, const struct pm_format *f, pm_nid nid,
			     struct pm_table *t)
{
	uint32_t tags[PM_TEMPLATE_COLS];
	size_t n = pm_template_columns(f, nid, tags);

	if (!n)
		return PM_NONE;
	return pm_table_init(t, ctx, f, tags, n);
}

/* The receive folder table knows one folder for every class: the root [MS-PST 2.4.5.1]. */
static enum pm_rc add_receive_row(struct pm_table *t)
{
	size_t row, col;
	enum pm_rc rc = pm_table_add_row(t, 1, &row);

	if (rc == PM_OK)
		rc = pm_table_set_u32(t, row, 0x66050003, 0x122);
	if (rc == PM_OK)
		rc = pm_table_set_u32(t, row, 0x67F30003, 2);
	col = pm_table_col(t, 0x001A0000u | t->fmt->string_type);
	return rc ? rc : pm_table_set(t, row, col, NULL, 0);
}

static enum pm_rc build_table(struct pm_ctx *ctx, struct pm_block_sink *sink, pm_nid nid,
			      pm_bid *ret_data)
{
	struct pm_table t;
	pm_bid sub;
	enum pm_rc rc = pm_template_table(ctx, sink->fmt, nid, &t);

	if (rc == PM_OK && nid == 0x62B)
		rc = add_receive_row(&t);
	if (rc == PM_OK)
		rc = pm_table_build(&t, sink, ret_data, &sub);
	pm_table_done(&t);
	return rc;
}

static enum pm_rc build_pc(struct pm_ctx *ctx, struct pm_block_sink *sink, pm_nid nid,
			   pm_bid *ret_data)
{
	struct pm_props p;
	pm_bid sub;
	enum pm_rc rc;

	pm_props_init(&p, ctx, sink->fmt);
	if (nid == 0x2227) {
		rc = pm_props_set_u32(&p, PM_ID_SEARCH_FLAGS, PM_PT_I4, 0);
	} else {
		rc = pm_props_set_text(&p, PM_ID_DISPLAY_NAME, 0, "", NULL);
		if (rc == PM_OK)
			rc = pm_props_set_u32(&p, PM_ID_CONTENT_COUNT, PM_PT_I4, 0);
		if (rc == PM_OK)
			rc = pm_props_set_u32(&p, PM_ID_CONTENT_UNREAD, PM_PT_I4, 0);
		if (rc == PM_OK)
			rc = pm_props_set_u32(&p, PM_ID_SUBFOLDERS, PM_PT_BOOL, 1);
	}
	if (rc == PM_OK)
		rc = pm_props_build(&p, sink, ret_data, &sub);
	pm_props_done(&p);
	return rc;
}

/* Node C01: client signature 9C, its root an item that holds the HID of an empty BTH 16+4. */
static enum pm_rc build_c01(struct pm_ctx *ctx, struct pm_block_sink *sink, pm_bid *ret_data)
{
	static const uint8_t root[4] = {0x40};
	static const uint8_t bth[8] = {0xB5, 16, 4};
	struct pm_heap_builder hb;
	pm_hid hid;
	enum pm_rc rc;

	pm_heap_builder_init(&hb, ctx, sink->fmt, 0x9C);
	rc = pm_heap_builder_add(&hb, root, sizeof(root), &hb.root);
	if (rc == PM_OK)
		rc = pm_heap_builder_add(&hb, bth, sizeof(bth), &hid);
	if (rc == PM_OK)
		rc = pm_heap_builder_store(&hb, sink, ret_data);
	pm_heap_builder_done(&hb);
	return rc;
}

enum pm_rc pm_template_build(struct pm_ctx *ctx, struct pm_block_sink *sink, pm_nid nid,
			     pm_bid *ret_data)
{
	if (find(nid))
		return build_table(ctx, sink, nid, ret_data);
	if (nid == 0xC01)
		return build_c01(ctx, sink, ret_data);
	if (nid == 0x122 || nid == 0x2227)
		return build_pc(ctx, sink, nid, ret_data);
	return PM_NONE;
}
