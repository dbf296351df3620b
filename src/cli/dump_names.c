/* SPDX-License-Identifier: Apache-2.0 */
/* pstmend dump: names of properties, of named ones through the file's name-to-id map. */
#include "cli/dump.h"
#include "format/proptag.h"
#include "msg/named.h"

/* Property sets [MS-OXPROPS 1.3.2]; those of the form {000620xx-0000-0000-C000-000000000046}. */
static const struct {
	uint8_t number;
	const char *name;
} outlook_sets[] = {
	{0x02, "Appointment"}, {0x03, "Task"},    {0x04, "Address"},
	{0x08, "Common"},      {0x0A, "Log"},     {0x0E, "Note"},
	{0x14, "Remote"},      {0x40, "Sharing"}, {0x41, "PostRss"},
};

static const uint8_t tail[8] = {0xC0, 0, 0, 0, 0, 0, 0, 0x46};

static bool put_known_set(struct pm_dump *d, const uint8_t uid[16], struct pm_buf *out)
{
	static const uint8_t meeting[16] = {0x90, 0xDA, 0xD8, 0x6E, 0x0B, 0x45, 0x1B, 0x10,
					    0x98, 0xDA, 0x00, 0xAA, 0x00, 0x3F, 0x13, 0x05};
	uint32_t first = pm_le32(uid);
	const char *name = NULL;

	if (!memcmp(uid, meeting, sizeof(meeting)))
		name = "Meeting";
	else if (memcmp(uid + 8, tail, sizeof(tail)) || pm_le32(uid + 4))
		return false;
	for (size_t i = 0; i < sizeof(outlook_sets) / sizeof(outlook_sets[0]); i++)
		if (first == (0x00062000u | outlook_sets[i].number))
			name = outlook_sets[i].name;
	if (first == 0x00020328)
		name = "MAPI";
	else if (first == 0x00020329)
		name = "Public";
	else if (first == 0x00020386)
		name = "InternetHeaders";
	if (name)
		pm_buf_str(d->ctx, out, name);
	return name != NULL;
}

static void put_named(struct pm_dump *d, const struct pm_name *n, struct pm_buf *out)
{
	if (!put_known_set(d, n->uid, out))
		pm_dump_guid(d, n->uid, out);
	pm_buf_byte(d->ctx, out, ':');
	if (n->is_string && n->string.n)
		(void)!pm_text_of(d->ctx, PM_PT_UNICODE, n->string, 0, out);
	else
		pm_buf_printf(d->ctx, out, "0x%04X", n->id);
}

/* The map of the file, read when it is asked for. */
static const struct pm_names *names(struct pm_dump *d)
{
	if (!d->names) {
		struct pm_names *n = pm_calloc(d->ctx, 1, sizeof(*n));

		if (!n)
			return NULL;
		d->names = n;
		if (pm_is_error(pm_names_open(&d->an->db, n)))
			return NULL;
	}
	return d->names;
}

const char *pm_dump_prop_name(struct pm_dump *d, uint16_t id)
{
	const struct pm_names *map = id >= 0x8000 ? names(d) : NULL;
	const struct pm_name *n = map ? pm_names_of(map, id) : NULL;

	if (id < 0x8000) /* the lowest ids mean something else in the name-to-id map */
		return id >= 0x10 || d->name_map ? pm_proptag_name(id) : NULL;
	if (!n)
		return NULL;
	pm_buf_clear(&d->name);
	put_named(d, n, &d->name);
	return pm_buf_cstr(d->ctx, &d->name);
}

void pm_dump_names(struct pm_dump *d)
{
	static const struct pm_column table = {"names", "Names", PM_AS_TEXT, 0};
	static const struct pm_column cols[] = {
		{"id", "Property", PM_AS_HEX, 0},
		{"guid", "Set", PM_AS_TEXT, 0},
		{"name", "Name", PM_AS_TEXT, 0},
	};
	const struct pm_names *map = names(d);

	pm_print_begin_table(d->out, &table, cols, 3);
	for (size_t i = 0; map && i < map->v.n; i++) {
		pm_print_begin_row(d->out);
		pm_print_uint(d->out, &cols[0], map->v.v[i].prop);
		pm_buf_clear(&d->name);
		pm_dump_guid(d, map->v.v[i].uid, &d->name);
		pm_print_text(d->out, &cols[1], pm_buf_cstr(d->ctx, &d->name));
		pm_buf_clear(&d->name);
		put_named(d, &map->v.v[i], &d->name);
		pm_print_text(d->out, &cols[2], pm_buf_cstr(d->ctx, &d->name));
		pm_print_end(d->out);
	}
	pm_print_end(d->out);
}

void pm_dump_names_done(struct pm_dump *d)
{
	if (d->names)
		pm_names_close(d->names);
	pm_free(d->names);
	pm_buf_done(&d->name);
}
