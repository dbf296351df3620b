/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contacts and distribution lists as vCard: 4.0 [RFC 6350], or 3.0 [RFC 2426] for programs that
 * know no other. What they mean is in [MS-OXOCNTC].
 */
#include "export/gw.h"

#include "base/text.h"
#include "base/time.h"
#include "export/people.h"

enum {
	ID_PHOTO = 0x7FFF, /* PidTagAttachmentContactPhoto */
	PHOTO_MAX = 8 << 20,
	MEMBERS_MAX = 16 << 20,
};

struct card {
	struct pm_gw g;
	struct pm_buf *out;
	struct pm_buf line;
	bool v3;
};

/* ---- lines ---- */

static void put_line(struct card *c)
{
	pm_gw_line(c->g.ctx, c->out, c->line.p, c->line.n);
	pm_buf_clear(&c->line);
}

/* Text within a value [RFC 6350 3.4]; a structured one has its own ; between the parts. */
static void put_text(struct card *c, const char *s)
{
	for (; s && *s; s++) {
		if (*s == '\n') {
			pm_buf_str(c->g.ctx, &c->line, "\\n");
			continue;
		}
		if (strchr("\\,;", *s))
			pm_buf_byte(c->g.ctx, &c->line, '\\');
		pm_buf_byte(c->g.ctx, &c->line, (uint8_t)*s);
	}
}

static void put(struct card *c, const char *name, const char *value)
{
	if (!value)
		return;
	pm_buf_printf(c->g.ctx, &c->line, "%s:", name);
	put_text(c, value);
	put_line(c);
}

/* A value that has a form of its own: an address, a URI. */
static void put_ready(struct card *c, const char *name, const char *value)
{
	if (!value || strchr(value, '\n'))
		return;
	pm_buf_printf(c->g.ctx, &c->line, "%s:%s", name, value);
	put_line(c);
}

static void put_parts(struct card *c, const char *name, const char *const *parts, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= parts[i] != NULL;
	if (!any)
		return;
	pm_buf_printf(c->g.ctx, &c->line, "%s:", name);
	for (size_t i = 0; i < n; i++) {
		if (i)
			pm_buf_byte(c->g.ctx, &c->line, ';');
		put_text(c, parts[i]);
	}
	put_line(c);
}

static void put_time(struct card *c, const char *name, uint64_t t, bool date)
{
	struct pm_civil d;

	if (!t)
		return;
	pm_time_civil(t, &d);
	if (d.year < 1 || d.year > 9999)
		return;
	pm_buf_printf(c->g.ctx, &c->line,
		      c->v3 && date ? "%s:%04lld-%02d-%02d" : "%s:%04lld%02d%02d", name,
		      (long long)d.year, d.month, d.day);
	if (!date)
		pm_buf_printf(c->g.ctx, &c->line, "T%02d%02d%02dZ", d.hour, d.minute, d.second);
	put_line(c);
}

/* Birthdays are midnight of some zone as UTC: the nearest midnight is the day that was meant. */
static uint64_t nearest_day(uint64_t t)
{
	return t ? t + 12 * 3600 * PM_FILETIME_SECOND : 0;
}

/* ---- contacts ---- */

static void names(struct card *c)
{
	struct pm_gw *g = &c->g;
	const char *parts[] = {pm_gw_text(g, 0x3A11), pm_gw_text(g, 0x3A06), pm_gw_text(g, 0x3A44),
			       pm_gw_text(g, 0x3A45), pm_gw_text(g, 0x3A05)};
	const char *full = pm_gw_text(g, PM_ID_DISPLAY_NAME);
	const char *org[] = {pm_gw_text(g, 0x3A16), pm_gw_text(g, 0x3A18)};

	full = full ? full : pm_gw_text(g, PM_ID_SUBJECT);
	full = full ? full : pm_gw_text(g, pm_gw_id(g, PM_GW_ADDRESS, 0x8005)); /* file under */
	full = full ? full : org[0];
	/* FN must be there [RFC 6350 6.2.1]. */
	put(c, "FN", full ? full : "(no name)");
	put_parts(c, "N", parts, 5);
	if (c->v3 && !parts[0] && !parts[1] && !parts[2])
		put_ready(c, "N", ";;;;");
	put(c, "NICKNAME", pm_gw_text(g, 0x3A4F));
	put_parts(c, "ORG", org, org[1] ? 2 : 1);
	put(c, "TITLE", pm_gw_text(g, 0x3A17));
	put(c, "ROLE", pm_gw_text(g, 0x3A46));
}

/* E-mail addresses 1 to 3 [MS-OXOCNTC 2.2.1.2] */
static void mail(struct card *c)
{
	struct pm_gw *g = &c->g;

	for (uint32_t i = 0; i < 3; i++) {
		const uint32_t base = 0x8080 + i * 0x10;
		const char *address = pm_gw_text(g, pm_gw_id(g, PM_GW_ADDRESS, base + 3));
		const char *type = pm_gw_text(g, pm_gw_id(g, PM_GW_ADDRESS, base + 2));
		const char *shown = pm_gw_text(g, pm_gw_id(g, PM_GW_ADDRESS, base));
		const char *original = pm_gw_text(g, pm_gw_id(g, PM_GW_ADDRESS, base + 4));
		const char *smtp = pm_smtp_clean(g->ctx, &g->arena, address);

		if (!smtp)
			smtp = pm_smtp_clean(g->ctx, &g->arena, original);
		if (smtp)
			put_ready(c,
				  c->v3 ? "EMAIL;TYPE=INTERNET"
				  : i   ? "EMAIL"
					: "EMAIL;PREF=1",
				  smtp);
		/* An X.500 name is no address, but all that there is. */
		else if (address)
			put(c,
			    type && !pm_ascii_casecmp(type, "FAX") ? "TEL;TYPE=fax"
								   : "X-PSTMEND-EX",
			    address);
		else
			put(c, "X-PSTMEND-EMAIL-NAME", shown);
	}
}

static void phones(struct card *c)
{
	static const struct {
		uint16_t id;
		const char *type;
	} numbers[] = {
		{0x3A08, "work,voice"}, {0x3A1B, "work,voice"}, {0x3A09, "home,voice"},
		{0x3A2F, "home,voice"}, {0x3A1C, "cell"},       {0x3A24, "work,fax"},
		{0x3A25, "home,fax"},   {0x3A23, "fax"},        {0x3A1F, "voice"},
		{0x3A1A, "voice"},      {0x3A1D, "voice"},      {0x3A21, "pager"},
		{0x3A1E, "car"},        {0x3A02, "voice"},      {0x3A57, "work,voice"},
		{0x3A2E, "work,voice"}, {0x3A4B, "textphone"},  {0x3A2D, "isdn"},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const char *number = pm_gw_text(&c->g, numbers[i].id);
		bool list = strchr(numbers[i].type, ',') != NULL;

		if (!number)
			continue;
		/* What 4.0 has no word for is a voice. */
		if (!c->v3 &&
		    (!strcmp(numbers[i].type, "car") || !strcmp(numbers[i].type, "isdn"))) {
			put(c, "TEL;TYPE=voice", number);
			continue;
		}
		pm_buf_printf(
			c->g.ctx, &c->line,
			list && !c->v3 ? "TEL;TYPE=\"%s\":" : "TEL;TYPE=%s:", numbers[i].type);
		put_text(c, number);
		put_line(c);
	}
}

static void addresses(struct card *c)
{
	struct pm_gw *g = &c->g;
	/* Box, extended, street, locality, region, code, country [RFC 6350 6.3.1] */
	const char *home[] = {pm_gw_text(g, 0x3A5E), NULL,
			      pm_gw_text(g, 0x3A5D), pm_gw_text(g, 0x3A59),
			      pm_gw_text(g, 0x3A5C), pm_gw_text(g, 0x3A5B),
			      pm_gw_text(g, 0x3A5A)};
	const char *other[] = {pm_gw_text(g, 0x3A64), NULL,
			       pm_gw_text(g, 0x3A63), pm_gw_text(g, 0x3A5F),
			       pm_gw_text(g, 0x3A62), pm_gw_text(g, 0x3A61),
			       pm_gw_text(g, 0x3A60)};
	static const struct {
		uint32_t lid;
		uint16_t id;
	} work[] = {{0x804A, 0x3A2B}, {0, 0},           {0x8045, 0x3A29}, {0x8046, 0x3A27},
		    {0x8047, 0x3A28}, {0x8048, 0x3A2A}, {0x8049, 0x3A26}};
	const char *parts[7] = {NULL};
	bool any = false;

	/* The named ones are those of work; the tags are those of what is the mailing address. */
	for (size_t i = 0; i < 7; i++) {
		parts[i] =
			work[i].lid ? pm_gw_text(g, pm_gw_id(g, PM_GW_ADDRESS, work[i].lid)) : NULL;
		any |= parts[i] != NULL;
	}
	for (size_t i = 0; !any && i < 7; i++)
		parts[i] = pm_gw_text(g, work[i].id);
	put_parts(c, "ADR;TYPE=work", parts, 7);
	put_parts(c, "ADR;TYPE=home", home, 7);
	put_parts(c, "ADR", other, 7);
}

static void others(struct card *c, struct pm_notes *notes)
{
	struct pm_gw *g = &c->g;
	const uint32_t gender = pm_gw_u32(g, 0x3A4D, 0);
	const char **categories = pm_gw_categories(g);
	const char *chat = pm_gw_text(g, pm_gw_id(g, PM_GW_ADDRESS, 0x8062));

	put_ready(c, "URL;TYPE=work", pm_gw_text(g, 0x3A51));
	put_ready(c, "URL;TYPE=home", pm_gw_text(g, 0x3A50));
	put(c, c->v3 ? "X-IMPP" : "X-PSTMEND-IMPP", chat);
	put_time(c, "BDAY", nearest_day(pm_gw_time(g, 0x3A42)), true);
	put_time(c, c->v3 ? "X-ANNIVERSARY" : "ANNIVERSARY", nearest_day(pm_gw_time(g, 0x3A41)),
		 true);
	if (!c->v3 && (gender == 1 || gender == 2))
		put(c, "GENDER", gender == 1 ? "F" : "M");
	put(c, c->v3 ? "X-SPOUSE" : "RELATED;TYPE=spouse;VALUE=text", pm_gw_text(g, 0x3A48));
	put(c, c->v3 ? "X-ASSISTANT" : "RELATED;TYPE=agent;VALUE=text", pm_gw_text(g, 0x3A30));
	put(c, c->v3 ? "X-MANAGER" : "RELATED;TYPE=co-worker;VALUE=text", pm_gw_text(g, 0x3A4E));
	if (categories) {
		pm_buf_str(g->ctx, &c->line, "CATEGORIES:");
		for (size_t i = 0; categories[i]; i++) {
			if (i)
				pm_buf_byte(g->ctx, &c->line, ',');
			put_text(c, categories[i]);
		}
		put_line(c);
	}
	put(c, "NOTE", pm_gw_body(g, notes));
}

/* The picture is the attachment that says so [MS-OXOCNTC 2.2.1.8]. */
static enum pm_rc photo(struct card *c)
{
	struct pm_gw *g = &c->g;
	enum pm_rc rc = PM_OK;
	bool found = false;

	for (size_t i = 0; i < g->m->attachments.n && !pm_is_error(rc) && !found; i++) {
		struct pm_attachment a;
		struct pm_value v = {0};
		struct pm_buf b = {0};
		uint8_t *room;

		rc = pm_attachment_open(g->m, i, &a);
		if (!pm_is_error(rc))
			rc = pm_pc_bool(&a.pc, ID_PHOTO, &found);
		if (!pm_is_error(rc) && found)
			rc = pm_attachment_data(&a, &v);
		if (rc == PM_OK && found && v.size <= PHOTO_MAX)
			rc = pm_value_read(g->ctx, &v, PHOTO_MAX, &b);
		if (rc == PM_OK && found && b.n) {
			bool png = b.n > 4 && memcmp(b.p, "\x89PNG", 4) == 0;

			if (c->v3)
				pm_buf_printf(g->ctx, &c->line,
					      "PHOTO;ENCODING=b;TYPE=%s:", png ? "PNG" : "JPEG");
			else
				pm_buf_printf(g->ctx, &c->line, "PHOTO:data:image/%s;base64,",
					      png ? "png" : "jpeg");
			room = pm_buf_room(g->ctx, &c->line, (b.n + 2) / 3 * 4);
			if (room)
				pm_base64(room, b.p, b.n);
			put_line(c);
		}
		pm_value_done(&v);
		pm_buf_done(&b);
		pm_attachment_close(&a);
	}
	return pm_is_error(rc) ? rc : PM_OK;
}

/* ---- lists ---- */

static void member(struct card *c, const struct pm_person *p)
{
	const char *smtp = pm_smtp_clean(c->g.ctx, &c->g.arena, p->email);
	const char *name =
		p->name && *p->name ? pm_gw_clean(&c->g, p->name, strlen(p->name)) : NULL;

	if (c->v3)
		pm_buf_str(c->g.ctx, &c->line, "X-ADDRESSBOOKSERVER-");
	if (smtp) {
		pm_buf_printf(c->g.ctx, &c->line, "MEMBER:mailto:%s", smtp);
		put_line(c);
		return;
	}
	pm_buf_clear(&c->line);
	put(c, "X-PSTMEND-MEMBER", name ? name : p->email);
}

/* Members as one-off entry ids [MS-OXOCNTC 2.2.2.4.2] */
static void members(struct card *c)
{
	struct pm_gw *g = &c->g;
	uint16_t id = pm_gw_id(g, PM_GW_ADDRESS, 0x8054);
	struct pm_span s = pm_gw_bytes(g, id, MEMBERS_MAX);
	struct pm_mv mv = pm_mv_open(PM_PT_BINARY, s);

	put_ready(c, c->v3 ? "X-ADDRESSBOOKSERVER-KIND" : "KIND", "group");
	for (uint32_t i = 0; s.n && i < mv.n; i++) {
		struct pm_person p;

		if (pm_oneoff_parse(g->ctx, &g->arena, pm_mv_item(&mv, i), g->m->codepage, &p))
			member(c, &p);
	}
}

/* ---- the form ---- */

static bool takes(const char *class)
{
	return pm_class_is(class, "IPM.Contact") || pm_class_is(class, "IPM.DistList");
}

static enum pm_rc write_card(struct pm_export *ex, struct pm_export_item *it, bool v3,
			     struct pm_buf *out)
{
	struct card c = {
		.g = {.ctx = ex->ctx, .m = it->msg, .names = &ex->names}, .out = out, .v3 = v3};
	enum pm_rc rc = PM_OK;

	put_ready(&c, "BEGIN", "VCARD");
	put_ready(&c, "VERSION", v3 ? "3.0" : "4.0");
	put_ready(&c, "PRODID", "-//pstmend//EN");
	put_ready(&c, "UID", pm_gw_uid(&c.g, &ex->store));
	names(&c);
	if (pm_class_is(it->msg->message_class, "IPM.DistList"))
		members(&c);
	mail(&c);
	phones(&c);
	addresses(&c);
	others(&c, it->notes);
	rc = photo(&c);
	put_time(&c, "REV", pm_time_is_set(it->msg->modified) ? it->msg->modified : 0, false);
	put_ready(&c, "END", "VCARD");
	pm_buf_done(&c.line);
	pm_arena_done(&c.g.arena);
	return rc ? rc : ex->ctx->rc;
}

static enum pm_rc write_v4(struct pm_export *ex, struct pm_export_item *it,
			   struct pm_gw_zones *zones, struct pm_buf *out)
{
	(void)zones;
	return write_card(ex, it, false, out);
}

static enum pm_rc write_v3(struct pm_export *ex, struct pm_export_item *it,
			   struct pm_gw_zones *zones, struct pm_buf *out)
{
	(void)zones;
	return write_card(ex, it, true, out);
}

static enum pm_rc open_v4(struct pm_export *ex, struct pm_exporter **ret)
{
	static const struct pm_gw_writer writer = {.write = write_v4};

	return pm_gw_open(ex, &pm_exporter_vcard, &writer, ret);
}

static enum pm_rc open_v3(struct pm_export *ex, struct pm_exporter **ret)
{
	static const struct pm_gw_writer writer = {.write = write_v3};

	return pm_gw_open(ex, &pm_exporter_vcard3, &writer, ret);
}

const struct pm_exporter_ops pm_exporter_vcard = {
	.name = "vcard",
	.summary = "contacts and distribution lists as vCard 4.0",
	.suffix = ".vcf",
	.takes = takes,
	.open = open_v4,
	.item = pm_gw_item,
	.end_folder = pm_gw_end_folder,
	.replay = pm_gw_replay,
	.free = pm_gw_free,
};

const struct pm_exporter_ops pm_exporter_vcard3 = {
	.name = "vcard3",
	.summary = "the same as vCard 3.0",
	.suffix = ".vcf",
	.takes = takes,
	.open = open_v3,
	.item = pm_gw_item,
	.end_folder = pm_gw_end_folder,
	.replay = pm_gw_replay,
	.free = pm_gw_free,
};
