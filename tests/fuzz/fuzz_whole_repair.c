/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A damaged file, repaired: the check finds no error in the result, so that a second repair has
 * nothing to do, and the bytes of the source are what they were. With PM_FUZZ_SHOW set, what was
 * found is printed.
 */
#include "hurt.h"
#include "whole.h"

#include "format/crc.h"
#include "repair/repair.h"

#include <stdio.h>

/* The bytes of a whole image, of exactly its size. */
static uint8_t *bytes_of(struct pm_ctx *ctx, struct pm_image *img, size_t *ret_n)
{
	uint8_t *p = malloc(img->size);
	enum pm_rc rc;

	must(p);
	rc = pm_image_read(ctx, img, 0, p, img->size);
	must(rc == PM_OK);
	*ret_n = img->size;
	return p;
}

static uint8_t *repair(struct pm_fuzz_file *f, bool undelete, size_t *ret_n)
{
	struct pm_model m = {0};
	struct pm_repair r = {0};
	struct pm_view *view = NULL;
	uint8_t *p = NULL;
	enum pm_rc rc = undelete ? pm_deleted_find(f->an) : PM_OK;

	if (rc == PM_OK)
		rc = pm_model_build(f->an, &m);
	must(rc == PM_OK);
	must(pm_view_new(&f->ctx, f->an->img, &view) == PM_OK);
	rc = pm_repair_begin(&r, f->an, &m, view);
	if (rc == PM_OK)
		rc = pm_repair_undelete(&r);
	if (rc == PM_OK)
		rc = pm_repair_blocks(&r);
	if (rc == PM_OK)
		rc = pm_repair_objects(&r);
	if (rc == PM_OK)
		rc = pm_repair_folders(&r);
	if (rc == PM_OK)
		rc = pm_repair_finish(&r);
	pm_fuzz_result(&f->ctx, rc);
	must(rc == PM_OK || rc == PM_ELIMIT);
	if (rc == PM_OK)
		p = bytes_of(&f->ctx, pm_view_image(view), ret_n);
	pm_repair_done(&r);
	pm_view_free(view);
	pm_model_done(&m);
	return p;
}

/* What came back, to be told again. */
struct back {
	PM_VEC(struct pm_deleted_item) v;
};

static void note_back(struct pm_fuzz_file *f, struct back *b)
{
	for (size_t i = 0; f->an->deleted && i < f->an->deleted->items.n; i++) {
		struct pm_deleted_item *slot = pm_vec_push(&f->ctx, &b->v);

		must(slot);
		*slot = f->an->deleted->items.v[i];
	}
}

/* It does not come again. (What the damage took out of other items may come now.) */
static void none_again(struct pm_fuzz_file *f, const struct back *b)
{
	must(pm_deleted_find(f->an) == PM_OK);
	for (size_t i = 0; i < f->an->deleted->items.n; i++)
		for (size_t k = 0; k < b->v.n; k++) {
			const struct pm_deleted_item *x = &f->an->deleted->items.v[i];

			must(!x->was || x->was != b->v.v[k].was);
			must(!x->data || x->data != b->v.v[k].data);
		}
}

static int whole(const uint8_t *p, size_t n, bool undelete)
{
	struct pm_span bytes = pm_hurt_bytes(p, n);
	struct pm_fuzz_file f;
	uint64_t errors = 0, warnings = 0;
	uint8_t *mended = NULL;
	struct back back = {0};
	size_t size = 0;
	FILE *show = getenv("PM_FUZZ_SHOW") ? stderr : NULL;
	uint32_t source;

	if (!bytes.n)
		return 0;
	source = pm_crc(bytes.p, bytes.n);
	if (pm_fuzz_file_open(&f, bytes.p, bytes.n)) {
		errors = pm_fuzz_file_check(&f, &warnings, show);
		if (errors || warnings || undelete)
			mended = repair(&f, undelete, &size);
		note_back(&f, &back);
	}
	pm_fuzz_file_close(&f);
	must(pm_crc(bytes.p, bytes.n) == source);
	if (!mended) {
		pm_vec_done(&back.v);
		return 0;
	}
	if (show)
		fprintf(show, "--- %llu errors, %llu warnings; after the repair:\n",
			(unsigned long long)errors, (unsigned long long)warnings);
	must(pm_fuzz_file_open(&f, mended, size));
	must(!pm_fuzz_file_check(&f, &warnings, show));
	if (undelete)
		none_again(&f, &back);
	pm_fuzz_file_close(&f);
	pm_vec_done(&back.v);
	free(mended);
	return 0;
}

int pm_fuzz_whole_repair(const uint8_t *p, size_t n)
{
	return whole(p, n, false);
}

int pm_fuzz_whole_undelete(const uint8_t *p, size_t n)
{
	return whole(p, n, true);
}
