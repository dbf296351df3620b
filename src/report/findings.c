/* SPDX-License-Identifier: Apache-2.0 */
/* What a check found, printed. */
#include "report/findings.h"

enum { STAGE_PROBLEMS, STAGE_NONE, STAGE_AFFECTED };

#define ULL(n) ((unsigned long long)(n))

/* --- one problem, for programs ------------------------------------------------------- */

static enum pm_form form_of(const struct pm_problem_arg *a)
{
	if (!strcmp(a->name, "offset"))
		return PM_AS_OFFSET;
	if (!strcmp(a->name, "tag"))
		return PM_AS_TAG;
	return a->form == PM_ARG_HEX ? PM_AS_HEX : PM_AS_DEC;
}

static void print_args(struct pm_findings *f, const struct pm_problem *p)
{
	static const struct pm_column sub = {"sub", NULL, PM_AS_HEX, 0};
	static const struct pm_column path = {"path", NULL, PM_AS_TEXT, 0};
	static const struct pm_column cause = {"caused_by", NULL, PM_AS_DEC, 0};
	struct pm_problem_arg a;

	for (unsigned i = 0; pm_problem_arg(p, i, &a); i++) {
		struct pm_column col = {a.name, NULL, form_of(&a), 0};

		if (a.form == PM_ARG_TEXT)
			pm_print_text(f->out, &col, a.text);
		else
			pm_print_uint(f->out, &col, a.number);
		if (p->sub && !strcmp(a.name, "nid"))
			pm_print_uint(f->out, &sub, p->sub);
	}
	if (p->path)
		pm_print_text(f->out, &path, p->path);
	if (p->caused_by)
		pm_print_uint(f->out, &cause, p->caused_by);
}

static enum pm_rc on_problem(void *arg, const struct pm_problem *p)
{
	static const struct pm_column serial = {"serial", NULL, PM_AS_DEC, 0};
	static const struct pm_column name = {"problem", NULL, PM_AS_TEXT, 0};
	static const struct pm_column severity = {"severity", NULL, PM_AS_TEXT, 0};
	static const struct pm_column mend = {"repair", NULL, PM_AS_TEXT, 0};
	static const struct pm_column text = {"text", NULL, PM_AS_TEXT, 0};
	const struct pm_problem_row *row = &pm_problem_rows[p->id];
	struct pm_findings *f = arg;

	pm_buf_clear(&f->text);
	pm_problem_text(f->ctx, p, &f->text);
	pm_print_begin_row(f->out);
	pm_print_uint(f->out, &serial, p->serial);
	pm_print_text(f->out, &name, row->name);
	pm_print_text(f->out, &severity, pm_severity_name(row->severity));
	pm_print_text(f->out, &mend, pm_mend_name(row->mend));
	pm_print_textn(f->out, &text, f->text.p, f->text.n);
	print_args(f, p);
	pm_print_end(f->out);
	return f->ctx->rc;
}

/* --- the whole, for people ----------------------------------------------------------- */

/* "3 errors", with `words` the singular. */
static void put_count(struct pm_findings *f, uint64_t n, const char *words)
{
	pm_buf_printf(f->ctx, &f->text, "%llu %s%s", ULL(n), words, n == 1 ? "" : "s");
}

static uint64_t roots_of(const struct pm_sink *s, unsigned severity)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < PM_P_COUNT; i++)
		if (pm_problem_rows[i].severity == severity)
			n += s->n[i] - s->followed[i];
	return n;
}

/* "; messages: 3 damaged, 1 lost" */
static void put_affected(struct pm_findings *f)
{
	for (unsigned kind = PM_OBJ_KINDS; kind-- > 0;) {
		const char *sep = NULL;

		for (unsigned state = PM_OBJ_DAMAGED; state < PM_OBJ_STATES; state++) {
			uint64_t n = f->sink.affected[kind][state];

			if (!n)
				continue;
			if (!sep)
				pm_buf_printf(f->ctx, &f->text,
					      "; %ss: ", pm_object_kind_name(kind));
			pm_buf_printf(f->ctx, &f->text, "%s%llu %s", sep ? sep : "", ULL(n),
				      pm_object_state_name(state));
			sep = ", ";
		}
	}
}

static void print_verdict(struct pm_findings *f)
{
	const struct pm_sink *s = &f->sink;
	uint64_t errors = roots_of(s, PM_SEV_ERROR), warnings = roots_of(s, PM_SEV_WARNING);
	uint64_t rest = s->severity[PM_SEV_ERROR] + s->severity[PM_SEV_WARNING] - errors - warnings;

	pm_buf_clear(&f->text);
	if (s->severity[PM_SEV_ERROR]) {
		pm_buf_str(f->ctx, &f->text, "Damaged: ");
		put_count(f, errors, "error");
		if (warnings) {
			pm_buf_str(f->ctx, &f->text, ", ");
			put_count(f, warnings, "warning");
		}
	} else if (warnings) {
		pm_buf_str(f->ctx, &f->text, "Usable: no errors, ");
		put_count(f, warnings, "warning");
	} else {
		pm_buf_str(f->ctx, &f->text, "Sound: no problems found");
	}
	if (rest)
		pm_buf_printf(f->ctx, &f->text, ", and %llu that follow from these", ULL(rest));
	put_affected(f);
	pm_print_para(f->out, "%s.", pm_buf_cstr(f->ctx, &f->text));
}

static void print_kind(struct pm_findings *f, unsigned id)
{
	const struct pm_problem_row *row = &pm_problem_rows[id];
	const struct pm_sink *s = &f->sink;
	uint64_t n = s->n[id] - s->followed[id], shown = 0;

	pm_print_para(f->out, "%s (%s): %llu", row->name, pm_severity_name(row->severity), ULL(n));
	for (size_t i = 0; i < s->kept.n; i++) {
		const struct pm_sink_kept *k = &s->kept.v[i];

		if (k->p.id != id || k->p.caused_by)
			continue;
		pm_buf_clear(&f->text);
		pm_buf_str(f->ctx, &f->text, "  ");
		pm_problem_text(f->ctx, &k->p, &f->text);
		if (k->p.path)
			pm_buf_printf(f->ctx, &f->text, " [%s]", k->p.path);
		if (k->consequences)
			pm_buf_printf(f->ctx, &f->text, "; %llu more follow from it",
				      ULL(k->consequences));
		pm_print_line(f->out, pm_buf_cstr(f->ctx, &f->text));
		shown++;
	}
	if (shown < n) {
		pm_buf_clear(&f->text);
		pm_buf_printf(f->ctx, &f->text, "  ... and %llu more", ULL(n - shown));
		pm_print_line(f->out, pm_buf_cstr(f->ctx, &f->text));
	}
}

/* "block-crc 3, page-type 1" of the kinds that `count` has something for. */
static void print_counts_line(struct pm_findings *f, const char *intro, unsigned severities,
			      const uint64_t *count)
{
	const char *sep = "";

	pm_buf_clear(&f->text);
	for (unsigned i = 0; i < PM_P_COUNT; i++) {
		if (!count[i] || !(severities >> pm_problem_rows[i].severity & 1))
			continue;
		pm_buf_printf(f->ctx, &f->text, "%s%s %llu", sep, pm_problem_rows[i].name,
			      ULL(count[i]));
		sep = ", ";
	}
	if (*sep)
		pm_print_para(f->out, "%s: %s.", intro, pm_buf_cstr(f->ctx, &f->text));
}

static void print_kinds(struct pm_findings *f)
{
	const struct pm_sink *s = &f->sink;

	for (unsigned severity = PM_SEV_ERROR;; severity--) {
		for (unsigned i = 0; i < PM_P_COUNT; i++)
			if (pm_problem_rows[i].severity == severity && s->n[i] > s->followed[i])
				print_kind(f, i);
		if (severity == (s->infos ? PM_SEV_INFO : PM_SEV_WARNING))
			break;
	}
	print_counts_line(f, "Following from these", 1u << PM_SEV_ERROR | 1u << PM_SEV_WARNING,
			  s->followed);
	if (!s->infos)
		print_counts_line(f, "No faults, but noted (--info lists them)", 1u << PM_SEV_INFO,
				  s->n);
}

/* --- objects that are not whole ------------------------------------------------------ */

static const struct pm_column affected_cols[] = {
	{"nid", "Node", PM_AS_HEX, 0},     {"kind", "What", PM_AS_TEXT, 0},
	{"state", "State", PM_AS_TEXT, 0}, {"path", "Folder", PM_AS_TEXT, 40},
	{"name", "Name", PM_AS_TEXT, 50},  {"detail", "Why", PM_AS_TEXT, 60},
};

static void begin_affected(struct pm_findings *f)
{
	static const struct pm_column list = {"affected", "Not whole", PM_AS_TEXT, 0};
	static const struct pm_column none = {"affected", NULL, PM_AS_TEXT, 0};

	pm_print_end(f->out); /* of the problems */
	print_verdict(f);
	print_kinds(f);
	pm_print_begin_table(f->out, f->stage == STAGE_NONE ? &none : &list, affected_cols,
			     sizeof(affected_cols) / sizeof(affected_cols[0]));
	f->stage = STAGE_AFFECTED;
}

static enum pm_rc on_affected(void *arg, const struct pm_affected *a)
{
	struct pm_findings *f = arg;

	if (f->stage == STAGE_PROBLEMS)
		begin_affected(f);
	pm_print_begin_row(f->out);
	pm_print_uint(f->out, &affected_cols[0], a->nid);
	pm_print_text(f->out, &affected_cols[1], pm_object_kind_name(a->kind));
	pm_print_text(f->out, &affected_cols[2], pm_object_state_name(a->state));
	pm_print_text(f->out, &affected_cols[3], a->path);
	pm_print_text(f->out, &affected_cols[4], a->name);
	pm_print_text(f->out, &affected_cols[5], a->detail);
	pm_print_end(f->out);
	return f->ctx->rc;
}

/* --- all of it ----------------------------------------------------------------------- */

static const struct pm_sink_ops sink_ops = {on_problem, on_affected};

void pm_findings_begin(struct pm_findings *f, struct pm_ctx *ctx, struct pm_printer *out,
		       bool infos)
{
	static const struct pm_column problems = {"problems", NULL, PM_AS_TEXT, 0};

	*f = (struct pm_findings){.ctx = ctx, .out = out};
	pm_sink_init(&f->sink, ctx, &sink_ops, f);
	f->sink.infos = infos;
	pm_print_begin_table(out, &problems, NULL, 0);
}

static void print_numbers(struct pm_findings *f)
{
	static const struct pm_column verdict = {"verdict", NULL, PM_AS_TEXT, 0};
	static const struct pm_column counts = {"counts", NULL, PM_AS_TEXT, 0};
	static const struct pm_column kinds = {"kinds", NULL, PM_AS_TEXT, 0};
	static const struct pm_column cols[3] = {{"errors", NULL, PM_AS_DEC, 0},
						 {"warnings", NULL, PM_AS_DEC, 0},
						 {"infos", NULL, PM_AS_DEC, 0}};
	const struct pm_sink *s = &f->sink;

	pm_print_text(f->out, &verdict,
		      s->severity[PM_SEV_ERROR]     ? "damaged"
		      : s->severity[PM_SEV_WARNING] ? "usable"
						    : "sound");
	pm_print_begin_map(f->out, &counts);
	for (unsigned i = 0; i < 3; i++)
		pm_print_uint(f->out, &cols[i], s->severity[PM_SEV_ERROR - i]);
	pm_print_end(f->out);
	pm_print_begin_map(f->out, &kinds);
	for (unsigned i = 0; i < PM_P_COUNT; i++) {
		struct pm_column col = {pm_problem_rows[i].name, NULL, PM_AS_DEC, 0};

		if (s->n[i])
			pm_print_uint(f->out, &col, s->n[i]);
	}
	pm_print_end(f->out);
}

void pm_findings_end(struct pm_findings *f)
{
	if (f->stage == STAGE_PROBLEMS) {
		f->stage = STAGE_NONE;
		begin_affected(f);
	}
	pm_print_end(f->out); /* of the affected */
	print_numbers(f);
}

void pm_findings_done(struct pm_findings *f)
{
	pm_sink_done(&f->sink);
	pm_buf_done(&f->text);
}
