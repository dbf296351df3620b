/* SPDX-License-Identifier: Apache-2.0 */
/* GMime; see gm.h. */
#include "export/gm.h"

#include "base/late.h"
#include "base/text.h"
#include "base/time.h"

#include <gmime/gmime.h>
#include <pthread.h>

/* clang-format off */
#define CALLS(X) \
	X(gmime_major_version) \
	X(gmime_minor_version) \
	X(gmime_micro_version) \
	X(g_mime_init) \
	X(g_mime_parser_options_new) \
	X(g_mime_parser_options_set_fallback_charsets) \
	X(g_mime_utils_header_decode_date) \
	X(g_mime_utils_header_decode_text) \
	X(internet_address_get_name) \
	X(internet_address_group_get_members) \
	X(internet_address_group_get_type) \
	X(internet_address_list_get_address) \
	X(internet_address_list_length) \
	X(internet_address_list_parse) \
	X(internet_address_mailbox_get_addr) \
	X(internet_address_mailbox_get_idn_addr) \
	X(internet_address_mailbox_new) \
	X(g_object_unref) \
	X(g_type_check_instance_is_a) \
	X(g_date_time_to_unix) \
	X(g_date_time_unref) \
	X(g_free) \
	X(g_utf8_casefold) \
	X(g_utf8_normalize)
/* clang-format on */
#define SLOT(function) {#function, &lib.function},

/* Loaded late (base/late.h); what is of GLib comes with GMime. */
static struct {
	CALLS(PM_LATE_MEMBER)
} lib;

static GMimeParserOptions *options;
static struct pm_late_fault fault;

static void load(void)
{
	static const struct pm_late_call calls[] = {CALLS(SLOT)};
	/* The same in every locale: what is no UTF-8 is Latin 1. */
	static const char *charsets[] = {"utf-8", "iso-8859-1", NULL};

	pm_late_load(PM_GMIME_FILE, calls, sizeof(calls) / sizeof(calls[0]), &fault);
	if (fault.text[0])
		return;
	lib.g_mime_init();
	options = lib.g_mime_parser_options_new();
	lib.g_mime_parser_options_set_fallback_charsets(options, charsets);
}

/* Can GMime be called? Else that is recorded. */
static bool ready(struct pm_ctx *ctx)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	if (fault.text[0])
		pm_fail(ctx, PM_EUNSUP, "%s", fault.text);
	return !fault.text[0];
}

static bool is_group(InternetAddress *ia)
{
	return lib.g_type_check_instance_is_a((GTypeInstance *)ia,
					      lib.internet_address_group_get_type());
}

void pm_gm_version(struct pm_ctx *ctx, char *ret, size_t size)
{
	if (ready(ctx))
		snprintf(ret, size, "%u.%u.%u", *lib.gmime_major_version, *lib.gmime_minor_version,
			 *lib.gmime_micro_version);
}

void pm_gm_text(struct pm_ctx *ctx, const char *value, struct pm_buf *out)
{
	char *text = ready(ctx) ? lib.g_mime_utils_header_decode_text(options, value) : NULL;

	if (text)
		pm_utf8_clean(ctx, out, text, strlen(text), NULL);
	if (text)
		lib.g_free(text);
}

bool pm_gm_date(struct pm_ctx *ctx, const char *value, uint64_t *ret_filetime)
{
	GDateTime *t;

	if (!ready(ctx))
		return false;
	t = lib.g_mime_utils_header_decode_date(value);
	if (!t)
		return false;
	*ret_filetime = pm_time_from_unix(lib.g_date_time_to_unix(t));
	lib.g_date_time_unref(t);
	return pm_time_is_set(*ret_filetime);
}

static char *keep(struct pm_ctx *ctx, struct pm_arena *a, const char *s)
{
	struct pm_buf clean = {0};
	char *text;

	if (!s || !*s)
		return NULL;
	pm_utf8_clean(ctx, &clean, s, strlen(s), NULL);
	text = pm_arena_strdup(ctx, a, pm_buf_cstr(ctx, &clean));
	pm_buf_done(&clean);
	return text;
}

static void add_list(struct pm_ctx *ctx, InternetAddressList *list, struct pm_mailboxes *out,
		     unsigned int depth)
{
	int n = lib.internet_address_list_length(list);

	for (int i = 0; i < n && !ctx->rc; i++) {
		InternetAddress *ia = lib.internet_address_list_get_address(list, i);
		const char *addr;
		struct pm_mailbox m = {0}, *slot;

		if (is_group(ia)) {
			InternetAddressGroup *g = (InternetAddressGroup *)ia;

			if (depth < 8)
				add_list(ctx, lib.internet_address_group_get_members(g), out,
					 depth + 1);
			continue;
		}
		addr = lib.internet_address_mailbox_get_addr((InternetAddressMailbox *)ia);
		m.name = keep(ctx, &out->arena, lib.internet_address_get_name(ia));
		m.smtp = pm_smtp_clean(ctx, &out->arena, addr);
		m.type = "unknown";
		m.other = m.smtp ? NULL : keep(ctx, &out->arena, addr);
		if (!m.smtp && !m.name && !m.other)
			continue;
		slot = pm_vec_push(ctx, &out->v);
		if (slot)
			*slot = m;
	}
}

bool pm_gm_addresses(struct pm_ctx *ctx, const char *value, struct pm_mailboxes *out)
{
	InternetAddressList *list =
		ready(ctx) ? lib.internet_address_list_parse(options, value) : NULL;

	if (!list)
		return false;
	add_list(ctx, list, out, 0);
	lib.g_object_unref(list);
	return true;
}

char *pm_gm_ascii_address(struct pm_ctx *ctx, struct pm_arena *a, const char *address)
{
	InternetAddress *ia;
	char *text = NULL;

	if (!ready(ctx))
		return NULL;
	ia = lib.internet_address_mailbox_new(NULL, address);
	text = keep(ctx, a,
		    lib.internet_address_mailbox_get_idn_addr((InternetAddressMailbox *)ia));
	lib.g_object_unref(ia);
	return text;
}

void pm_gm_fold(struct pm_ctx *ctx, const char *text, struct pm_buf *out)
{
	char *folded, *normal;

	if (!ready(ctx))
		return;
	folded = lib.g_utf8_casefold(text, -1);
	normal = folded ? lib.g_utf8_normalize(folded, -1, G_NORMALIZE_ALL) : NULL;
	pm_buf_str(ctx, out, normal ? normal : text);
	lib.g_free(folded);
	lib.g_free(normal);
}
