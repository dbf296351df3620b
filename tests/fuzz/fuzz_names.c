/* SPDX-License-Identifier: Apache-2.0 */
/* The name-to-id map of an input's blocks (fuzz.h), its lookups, and storing it anew. */
#include "fuzz.h"

#include "msg/named.h"
#include "msg/store.h"

/* Names that a map can hold: the first of each property id. */
static size_t usable(const struct pm_names *names)
{
	size_t n = 0;

	for (size_t i = 0; i < names->v.n; i++)
		n += !(names->v.v[i].rules & PM_NR_TWICE);
	return n;
}

static void rebuild(struct pm_fuzz_db *d, const struct pm_names *names)
{
	struct pm_names again;
	pm_bid data = 0, sub = 0;
	enum pm_rc rc = pm_names_build(names, &d->sink, &data, &sub);

	pm_fuzz_result(&d->ctx, rc);
	if (rc != PM_OK)
		return;
	rc = pm_names_open_at(&d->db, data, sub, &again);
	must(rc == PM_OK || rc == PM_DAMAGED);
	must(again.v.n == usable(names));
	pm_fuzz_result(&d->ctx, pm_names_check_buckets(&d->db, &again));
	pm_names_close(&again);
}

int pm_fuzz_names(const uint8_t *p, size_t n)
{
	struct pm_fuzz_db d;
	struct pm_names names;
	struct pm_store store;
	uint16_t prop = 0;

	if (pm_fuzz_db_open(&d, p, n)) {
		pm_fuzz_result(&d.ctx, pm_names_open(&d.db, &names));
		for (size_t i = 0; i < names.v.n; i++) {
			pm_fuzz_touch(names.v.v[i].string.p, names.v.v[i].string.n);
			must(names.v.v[i].rules & PM_NR_TWICE ||
			     pm_names_of(&names, names.v.v[i].prop) == &names.v.v[i]);
			if (!names.v.v[i].is_string)
				pm_names_id(&names, names.v.v[i].uid, names.v.v[i].id);
		}
		pm_names_string(&names, pm_uid_strings, "Keywords");
		pm_fuzz_result(&d.ctx, pm_names_check_buckets(&d.db, &names));
		pm_fuzz_result(&d.ctx, pm_names_add(&names, pm_uid_mapi, 1, "pm fuzz", &prop));
		must(prop >= 0x8000 && pm_names_string(&names, pm_uid_mapi, "pm fuzz"));
		rebuild(&d, &names);
		pm_names_close(&names);
		pm_fuzz_result(&d.ctx, pm_store_open(&d.db, &store));
		pm_store_close(&store);
	}
	pm_fuzz_db_close(&d);
	return 0;
}
