/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmparse: what GMime and libical, as strict as they can be, find wrong with exported files.
 *
 *	find DIR -name '*.eml' -o -name '*.ics' | pmparse
 *
 * Reads names of files, one a line: calendars by their suffix .ics, all else is a message. Prints
 * a line for each thing that is wrong ("FILE: OFFSET: WHAT: VALUE"), and at the end what there was:
 * "FILES files, PARTS parts, WRONG wrong". Exit status: 0 nothing is wrong, 4 something is, 8 a
 * file can't be read.
 */
#include <gmime/gmime.h>
#include <libical/ical.h>
#include <stdio.h>
#include <string.h>

struct parse {
	const char *file;
	GMimeParserOptions *options;
	unsigned long files, parts, wrong;
};

static void wrong(struct parse *p, gint64 offset, const char *what, const char *value)
{
	p->wrong++;
	printf("%s: %lld: %s: %s\n", p->file, (long long)offset, what, value ? value : "");
}

/* ---- messages ---- */

static void warning(gint64 offset, GMimeParserWarning code, const gchar *item, gpointer arg)
{
	static const char *const what[] = {
		[GMIME_WARN_DUPLICATED_HEADER] = "field twice",
		[GMIME_WARN_DUPLICATED_PARAMETER] = "parameter twice",
		[GMIME_WARN_UNENCODED_8BIT_HEADER] = "8 bits in a field",
		[GMIME_WARN_INVALID_CONTENT_TYPE] = "content type",
		[GMIME_WARN_INVALID_RFC2047_HEADER_VALUE] = "encoded word",
		[GMIME_WARN_MALFORMED_MULTIPART] = "multipart without parts",
		[GMIME_WARN_TRUNCATED_MESSAGE] = "no end of a multipart",
		[GMIME_WARN_MALFORMED_MESSAGE] = "malformed message",
		[GMIME_CRIT_INVALID_HEADER_NAME] = "name of a field",
		[GMIME_CRIT_CONFLICTING_HEADER] = "fields that differ",
		[GMIME_CRIT_CONFLICTING_PARAMETER] = "parameters that differ",
		[GMIME_CRIT_MULTIPART_WITHOUT_BOUNDARY] = "multipart without boundary",
		[GMIME_WARN_INVALID_PARAMETER] = "parameter",
		[GMIME_WARN_INVALID_ADDRESS_LIST] = "list of addresses",
		[GMIME_CRIT_NESTING_OVERFLOW] = "nested too deep",
		[GMIME_WARN_PART_WITHOUT_CONTENT] = "part without content",
		[GMIME_CRIT_PART_WITHOUT_HEADERS_OR_CONTENT] = "empty part",
	};
	const char *text = (size_t)code < sizeof(what) / sizeof(what[0]) ? what[code] : NULL;

	wrong(arg, offset, text ? text : "unknown warning", item);
}

/* Values are decoded, and their faults seen, when somebody asks for them. */
static void read_fields(GMimeObject *o)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(o);

	for (int i = 0; i < g_mime_header_list_get_count(list); i++)
		(void)g_mime_header_get_value(g_mime_header_list_get_header_at(list, i));
}

static void read_part(GMimeObject *parent, GMimeObject *o, gpointer arg)
{
	struct parse *p = arg;

	(void)parent;
	p->parts++;
	read_fields(o);
	if (GMIME_IS_MESSAGE_PART(o)) {
		GMimeMessage *m = g_mime_message_part_get_message(GMIME_MESSAGE_PART(o));

		if (!m) {
			wrong(p, -1, "message part without message", NULL);
			return;
		}
		/* g_mime_message_foreach goes into it by itself; its own fields it passes over. */
		read_fields(GMIME_OBJECT(m));
	} else if (GMIME_IS_PART(o)) {
		GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(o));
		GMimeStream *out = g_mime_stream_null_new();

		if (content && g_mime_data_wrapper_write_to_stream(content, out) < 0)
			wrong(p, -1, "content", g_mime_part_get_filename(GMIME_PART(o)));
		g_object_unref(out);
	}
}

static void read_message(struct parse *p, const char *bytes, size_t n)
{
	GMimeStream *in = g_mime_stream_mem_new_with_buffer(bytes, n);
	GMimeParser *parser = g_mime_parser_new_with_stream(in);
	GMimeMessage *m = g_mime_parser_construct_message(parser, p->options);

	if (m) {
		read_fields(GMIME_OBJECT(m));
		g_mime_message_foreach(m, read_part, p);
		g_object_unref(m);
	} else {
		wrong(p, -1, "no message", NULL);
	}
	g_object_unref(parser);
	g_object_unref(in);
}

/* ---- calendars ---- */

static void read_component(struct parse *p, icalcomponent *c)
{
	icalproperty *prop;

	p->parts++;
	for (prop = icalcomponent_get_first_property(c, ICAL_ANY_PROPERTY); prop;
	     prop = icalcomponent_get_next_property(c, ICAL_ANY_PROPERTY))
		if (icalproperty_isa(prop) == ICAL_XLICERROR_PROPERTY)
			wrong(p, -1, "property", icalproperty_get_xlicerror(prop));
	for (icalcomponent *below = icalcomponent_get_first_component(c, ICAL_ANY_COMPONENT); below;
	     below = icalcomponent_get_next_component(c, ICAL_ANY_COMPONENT))
		read_component(p, below);
}

static void read_calendar(struct parse *p, const char *text)
{
	icalcomponent *c = icalparser_parse_string(text);

	if (!c) {
		wrong(p, -1, "no calendar", icalerror_strerror(icalerrno));
		return;
	}
	/* What must be there and what must not, how often: errors become properties. */
	if (!icalrestriction_check(c))
		wrong(p, -1, "calendar", "a property is missing, or there too often");
	read_component(p, c);
	icalcomponent_free(c);
}

int main(void)
{
	struct parse p = {0};
	char line[8192];

	g_mime_init();
	p.options = g_mime_parser_options_new();
	g_mime_parser_options_set_warning_callback(p.options, warning, &p);
	while (fgets(line, sizeof(line), stdin)) {
		gchar *bytes = NULL;
		gsize n = 0;

		line[strcspn(line, "\n")] = '\0';
		p.file = line;
		if (!g_file_get_contents(line, &bytes, &n, NULL)) {
			fprintf(stderr, "pmparse: %s: cannot read this file\n", line);
			return 8;
		}
		p.files++;
		if (g_str_has_suffix(line, ".ics"))
			read_calendar(&p, bytes);
		else
			read_message(&p, bytes, n);
		g_free(bytes);
	}
	g_mime_parser_options_free(p.options);
	printf("%lu files, %lu parts, %lu wrong\n", p.files, p.parts, p.wrong);
	return p.wrong ? 4 : 0;
}
