/* SPDX-License-Identifier: Apache-2.0 */
/* A damaged file: the analysis, the model, and every message with what is wrong about it. */
#include "hurt.h"
#include "whole.h"

static void message(const struct pm_ndb *db, pm_nid nid)
{
	struct pm_message m;
	struct pm_flaws flaws = {0};
	enum pm_rc rc = pm_message_open_node(db, nid, 1252, &m);

	pm_fuzz_result(db->ctx, rc);
	rc = pm_message_assess(&m, 20, &flaws);
	pm_fuzz_result(db->ctx, rc);
	must((rc == PM_OK) == !flaws.v.n);
	pm_flaws_done(&flaws);
	pm_message_close(&m);
}

/* The folders are a tree: from each one up is the root. */
static void tree(const struct pm_model *m)
{
	size_t listed = 0;

	for (uint32_t i = 0; i < m->folders.n; i++) {
		uint32_t up = i;

		for (size_t n = 0; up != m->root && n < m->folders.n; n++)
			up = m->folders.v[up].parent;
		must(up == m->root);
		listed += m->folders.v[i].n_children;
	}
	must(listed == m->folders.n - 1);
}

static void folders(struct pm_model *m)
{
	struct pm_buf path = {0};

	for (uint32_t i = 0; i < m->folders.n; i++) {
		pm_buf_clear(&path);
		pm_fuzz_result(m->an->ctx, pm_model_path(m, i, &path));
		must(pm_model_folder(m, m->folders.v[i].nid) == i);
		must(m->folders.v[i].parent < m->folders.n);
	}
	pm_buf_done(&path);
}

/* Blocks and nodes ascend, and blocks lie inside the file. */
static void tables(const struct pm_analysis *an)
{
	const struct pm_ndb *db = &an->db;

	for (size_t i = 1; i < db->blocks.n; i++)
		must(db->blocks.v[i].bid > db->blocks.v[i - 1].bid);
	for (size_t i = 0; i < db->blocks.n; i++)
		must(!(db->blocks.v[i].bid & 1));
	for (size_t i = 1; i < db->nodes.n; i++)
		must(db->nodes.v[i].nid > db->nodes.v[i - 1].nid);
}

int pm_fuzz_whole_analysis(const uint8_t *p, size_t n)
{
	struct pm_span bytes = pm_hurt_bytes(p, n);
	struct pm_fuzz_file f;
	struct pm_model m = {0};

	if (bytes.n && pm_fuzz_file_open(&f, bytes.p, bytes.n)) {
		tables(f.an);
		must(pm_model_build(f.an, &m) == PM_OK);
		tables(f.an);
		folders(&m);
		tree(&m);
		for (size_t i = 0; i < m.messages.n; i++)
			message(&f.an->db, m.messages.v[i].nid);
		for (size_t i = 0; i < m.assoc.n; i++)
			message(&f.an->db, m.assoc.v[i].nid);
		pm_model_done(&m);
	}
	if (bytes.n)
		pm_fuzz_file_close(&f);
	return 0;
}
