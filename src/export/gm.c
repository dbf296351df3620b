/* SPDX-License-Identifier: Apache-2.0 */
/* GMime; see gm.h. */
#include "export/gm.h"

#include "base/text.h"
#include "base/time.h"

#include <gmime/gmime.h>

/* The same in every locale: what is no UTF-8 is Latin 1. */
static GMimeParserOptions *options(void)
{
	static const char *charsets[] = {"utf-8", "iso-8859-1", NULL};
	static GMimeParserOptions *o;

	if (!o) {
		g_mime_init();
		o = g_mime_parser_options_new();
		g_mime_parser_options_set_fallback_charsets(o, charsets);
	}
	return o;
}

void pm_gm_start(void)
{
	options();
}

void pm_gm_text(struct pm_ctx *ctx, const char *value, struct pm_buf *out)
{
	char *text = g_mime_utils_header_decode_text(options(), value);

	if (text)
		pm_utf8_clean(ctx, out, text, strlen(text), NULL);
	g_free(text);
}

bool pm_gm_date(const char *value, uint64_t *ret_filetime)
{
	GDateTime *t;

	options();
	t = g_mime_utils_header_decode_date(value);
	if (!t)
		return false;
	*ret_filetime = pm_time_from_unix(g_date_time_to_unix(t));
	g_date_time_unref(t);
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
	int n = internet_address_list_length(list);

	for (int i = 0; i < n && !ctx->rc; i++) {
		InternetAddress *ia = internet_address_list_get_address(list, i);
		const char *addr;
		struct pm_mailbox m = {0}, *slot;

		if (INTERNET_ADDRESS_IS_GROUP(ia)) {
			InternetAddressGroup *g = INTERNET_ADDRESS_GROUP(ia);

			if (depth < 8)
				add_list(ctx, internet_address_group_get_members(g), out,
					 depth + 1);
			continue;
		}
		addr = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(ia));
		m.name = keep(ctx, &out->arena, internet_address_get_name(ia));
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
	InternetAddressList *list = internet_address_list_parse(options(), value);

	if (!list)
		return false;
	add_list(ctx, list, out, 0);
	g_object_unref(list);
	return true;
}

char *pm_gm_ascii_address(struct pm_ctx *ctx, struct pm_arena *a, const char *address)
{
	InternetAddress *ia;
	char *text = NULL;

	options();
	ia = internet_address_mailbox_new(NULL, address);
	text = keep(ctx, a, internet_address_mailbox_get_idn_addr(INTERNET_ADDRESS_MAILBOX(ia)));
	g_object_unref(ia);
	return text;
}

void pm_gm_fold(struct pm_ctx *ctx, const char *text, struct pm_buf *out)
{
	char *folded = g_utf8_casefold(text, -1);
	char *normal = folded ? g_utf8_normalize(folded, -1, G_NORMALIZE_ALL) : NULL;

	pm_buf_str(ctx, out, normal ? normal : text);
	g_free(folded);
	g_free(normal);
}
