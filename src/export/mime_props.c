/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items that are no mail (contacts, appointments, tasks, notes): their properties as text, so
 * that nothing of them is lost in a form made for mail.
 */
#include "export/mime.h"

#include "base/text.h"
#include "base/time.h"

/* More than enough for a name or an address; longer values are bodies or blobs. */
enum { VALUE_MAX = 64 << 10, HEX_MAX = 64 };

/* Classes that mail programs show as mail [MS-OXCMSG 2.2.1.3]. */
bool pm_mime_is_mail(const char *message_class)
{
	static const char *const classes[] = {
		"IPM.Note",   "IPM.Schedule",    "IPM.Recall",      "IPM.Outlook.Recall",
		"IPM.Post",   "IPM.Document",    "IPM.Sharing",     "IPM.InfoPathForm",
		"IPM.Remote", "IPM.Replication", "IPM.TaskRequest", "REPORT"};
	size_t n = strlen(message_class);

	if (pm_ascii_casecmp(message_class, "IPM") == 0 || !n)
		return true;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		size_t len = strlen(classes[i]);

		if (n >= len && pm_ascii_ncasecmp(message_class, classes[i], len) == 0 &&
		    (n == len || message_class[len] == '.'))
			return true;
	}
	return false;
}

/* Numeric names of named properties that people look for [MS-OXPROPS 2]. */
static const char *lid_name(uint32_t id)
{
	static const struct {
		uint16_t id;
		const char *name;
	} names[] = {
		{0x8005, "PidLidFileUnder"},
		{0x801A, "PidLidHomeAddress"},
		{0x801B, "PidLidWorkAddress"},
		{0x802B, "PidLidHtml"},
		{0x8045, "PidLidWorkAddressStreet"},
		{0x8046, "PidLidWorkAddressCity"},
		{0x8047, "PidLidWorkAddressState"},
		{0x8048, "PidLidWorkAddressPostalCode"},
		{0x8049, "PidLidWorkAddressCountry"},
		{0x8062, "PidLidInstantMessagingAddress"},
		{0x8080, "PidLidEmail1DisplayName"},
		{0x8082, "PidLidEmail1AddressType"},
		{0x8083, "PidLidEmail1EmailAddress"},
		{0x8090, "PidLidEmail2DisplayName"},
		{0x8093, "PidLidEmail2EmailAddress"},
		{0x80A0, "PidLidEmail3DisplayName"},
		{0x80A3, "PidLidEmail3EmailAddress"},
		{0x8101, "PidLidTaskStatus"},
		{0x8102, "PidLidPercentComplete"},
		{0x8104, "PidLidTaskStartDate"},
		{0x8105, "PidLidTaskDueDate"},
		{0x810F, "PidLidTaskDateCompleted"},
		{0x811C, "PidLidTaskComplete"},
		{0x811F, "PidLidTaskOwner"},
		{0x8205, "PidLidBusyStatus"},
		{0x8208, "PidLidLocation"},
		{0x820D, "PidLidAppointmentStartWhole"},
		{0x820E, "PidLidAppointmentEndWhole"},
		{0x8213, "PidLidAppointmentDuration"},
		{0x8215, "PidLidAppointmentSubType"},
		{0x8223, "PidLidRecurring"},
		{0x8232, "PidLidRecurrencePattern"},
		{0x8234, "PidLidTimeZoneDescription"},
		{0x8238, "PidLidAllAttendeesString"},
		{0x8502, "PidLidReminderTime"},
		{0x8503, "PidLidReminderSet"},
		{0x8516, "PidLidCommonStart"},
		{0x8517, "PidLidCommonEnd"},
		{0x8700, "PidLidLogType"},
		{0x8706, "PidLidLogStart"},
		{0x8707, "PidLidLogDuration"},
		{0x8708, "PidLidLogEnd"},
		{0x8B00, "PidLidNoteColor"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].id == id)
			return names[i].name;
	return NULL;
}

static void put_name(struct pm_ctx *ctx, const struct pm_names *names, const struct pm_prop *p,
		     struct pm_buf *out)
{
	const struct pm_name *n = names && p->id >= 0x8000 ? pm_names_of(names, p->id) : NULL;
	const char *known = n ? (n->is_string ? NULL : lid_name(n->id)) : pm_proptag_name(p->id);

	if (n && n->is_string)
		pm_utf16_to_utf8(ctx, out, n->string.p, n->string.n, NULL);
	else if (known)
		pm_buf_str(ctx, out, known);
	else if (n)
		pm_buf_printf(ctx, out, "0x%04X", n->id);
	else
		pm_buf_printf(ctx, out, "0x%08X", pm_prop_tag(p));
}

static void put_time(struct pm_ctx *ctx, struct pm_buf *out, uint64_t t)
{
	char text[PM_TIME_TEXT];

	pm_buf_str(ctx, out, pm_time_is_set(t) ? pm_time_iso(t, text) : "none");
}

static void put_hex(struct pm_ctx *ctx, struct pm_buf *out, struct pm_span s)
{
	pm_buf_printf(ctx, out, "(%zu bytes) ", s.n);
	pm_buf_hex(ctx, out, true, s.p, s.n < HEX_MAX ? s.n : HEX_MAX);
	if (s.n > HEX_MAX)
		pm_buf_str(ctx, out, "...");
}

/* Append a value; further lines of a text are indented. */
static void put_value(struct pm_message *m, uint16_t type, struct pm_span s, struct pm_buf *out)
{
	struct pm_ctx *ctx = m->db->ctx;
	struct pm_buf text = {0};

	if (type == PM_PT_UNICODE || type == PM_PT_STRING8) {
		if (pm_is_error(pm_text_of(ctx, type, s, m->codepage, &text)))
			return;
		for (size_t i = 0; i < text.n; i++) {
			if (text.p[i] == '\n' && i + 1 < text.n)
				pm_buf_str(ctx, out, "\n\t");
			else if (text.p[i] >= 0x20 || text.p[i] == '\t')
				pm_buf_byte(ctx, out, text.p[i]);
		}
		pm_buf_done(&text);
	} else if (type == PM_PT_TIME && s.n >= 8) {
		put_time(ctx, out, pm_le64(s.p));
	} else if (type == PM_PT_I8 && s.n >= 8) {
		pm_buf_printf(ctx, out, "%lld", (long long)pm_le64(s.p));
	} else if (type == PM_PT_I4 && s.n >= 4) {
		pm_buf_printf(ctx, out, "%ld", (long)(int32_t)pm_le32(s.p));
	} else if (type == PM_PT_I2 && s.n >= 2) {
		pm_buf_printf(ctx, out, "%d", (int16_t)pm_le16(s.p));
	} else if (type == PM_PT_BOOL && s.n) {
		pm_buf_str(ctx, out, s.p[0] ? "yes" : "no");
	} else {
		put_hex(ctx, out, s);
	}
}

static void put_values(struct pm_message *m, uint16_t type, struct pm_span s, struct pm_buf *out)
{
	struct pm_mv mv;

	if (!(type & PM_PT_MV)) {
		put_value(m, type, s, out);
		return;
	}
	mv = pm_mv_open(type & (uint16_t)~PM_PT_MV, s);
	for (uint32_t i = 0; i < mv.n; i++) {
		if (i)
			pm_buf_str(m->db->ctx, out, "; ");
		put_value(m, mv.type, pm_mv_item(&mv, i), out);
	}
}

/* The bodies are parts of their own. */
static bool is_body(uint16_t id)
{
	return id == PM_ID_BODY || id == PM_ID_HTML || id == PM_ID_RTF_COMPRESSED;
}

static enum pm_rc put_property(struct pm_message *m, const struct pm_names *names,
			       const struct pm_prop *p, struct pm_buf *out)
{
	struct pm_ctx *ctx = m->db->ctx;
	struct pm_buf room = {0};
	struct pm_value v;
	enum pm_rc rc = PM_OK;

	put_name(ctx, names, p, out);
	pm_buf_str(ctx, out, ": ");
	if (pm_proptype_inline(p->type)) {
		put_values(m, p->type, (struct pm_span){p->raw, 4, 0}, out);
	} else {
		rc = pm_pc_value(&m->pc, p, &v);
		if (!pm_is_error(rc) && rc != PM_LOST && v.stream)
			rc = pm_value_read(ctx, &v, VALUE_MAX, &room);
		if (rc == PM_OK || rc == PM_DAMAGED)
			put_values(m, p->type, v.stream ? pm_buf_span(&room) : v.span, out);
		pm_value_done(&v);
	}
	pm_buf_byte(ctx, out, '\n');
	pm_buf_done(&room);
	return pm_is_error(rc) ? rc : ctx->rc;
}

enum pm_rc pm_mime_properties(struct pm_message *m, const struct pm_names *names,
			      struct pm_buf *out)
{
	enum pm_rc rc = PM_OK;

	for (size_t i = 0; i < m->pc.props.n && !rc; i++) {
		const struct pm_prop *p = &m->pc.props.v[i];

		if (!is_body(p->id) && pm_proptype_size(p->type) >= 0)
			rc = put_property(m, names, p, out);
	}
	return rc;
}
