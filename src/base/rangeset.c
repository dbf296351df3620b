/* SPDX-License-Identifier: Apache-2.0 */
/* Range sets; see rangeset.h. */
#include "base/rangeset.h"

static struct pm_range *range_at(const struct pm_rangeset *rs, struct pm_seq_pos pos)
{
	return pm_seq_at(&rs->seq, pos);
}

/* The first range that ends at `a` or later (`touch`), or later than `a`. */
static struct pm_seq_pos first_from(const struct pm_rangeset *rs, uint64_t a, bool touch)
{
	struct pm_seq_pos pos;

	if (pm_seq_find(&rs->seq, a, &pos)) {
		const struct pm_range *r = range_at(rs, pos);

		if (r->end < a || (r->end == a && !touch))
			pos = pm_seq_next(&rs->seq, pos);
	}
	return pos;
}

enum pm_rc pm_rangeset_add(struct pm_ctx *ctx, struct pm_rangeset *rs, uint64_t a, uint64_t b)
{
	struct pm_seq_pos pos, at;
	struct pm_range *r, add = {a, b};
	uint64_t absorbed = 0, k = 0;

	if (a >= b)
		return PM_OK;
	if (!rs->seq.item)
		pm_seq_init(&rs->seq, sizeof(struct pm_range));
	pos = first_from(rs, a, true);
	at = pos;
	while ((r = range_at(rs, at)) && r->start <= b) {
		if (r->start < add.start)
			add.start = r->start;
		if (r->end > add.end)
			add.end = r->end;
		absorbed += r->end - r->start;
		k++;
		at = pm_seq_next(&rs->seq, at);
	}
	if (k == 0) {
		if (pm_seq_insert(ctx, &rs->seq, &pos, &add))
			return PM_ENOMEM;
	} else {
		range_at(rs, pos)->end = add.end;
		pm_seq_rekey(&rs->seq, pos, add.start);
		pos = pm_seq_next(&rs->seq, pos);
		pm_seq_erase(&rs->seq, &pos, k - 1);
	}
	rs->total += add.end - add.start - absorbed;
	return PM_OK;
}

enum pm_rc pm_rangeset_remove(struct pm_ctx *ctx, struct pm_rangeset *rs, uint64_t a, uint64_t b)
{
	struct pm_seq_pos pos, at;
	struct pm_range *r;
	uint64_t k = 0;

	if (a >= b)
		return PM_OK;
	pos = first_from(rs, a, false);
	r = range_at(rs, pos);
	if (r && r->start < a) {
		if (r->end > b) {
			struct pm_range tail = {b, r->end};

			pos = pm_seq_next(&rs->seq, pos);
			if (pm_seq_insert(ctx, &rs->seq, &pos, &tail))
				return PM_ENOMEM;
			pm_seq_find(&rs->seq, a, &pos);
			range_at(rs, pos)->end = a;
			rs->total -= b - a;
			return PM_OK;
		}
		rs->total -= r->end - a;
		r->end = a;
		pos = pm_seq_next(&rs->seq, pos);
	}
	for (at = pos; (r = range_at(rs, at)) && r->end <= b; at = pm_seq_next(&rs->seq, at)) {
		rs->total -= r->end - r->start;
		k++;
	}
	pm_seq_erase(&rs->seq, &pos, k);
	r = range_at(rs, pos);
	if (r && r->start < b) {
		rs->total -= b - r->start;
		pm_seq_rekey(&rs->seq, pos, b);
	}
	return PM_OK;
}

bool pm_rangeset_find(const struct pm_rangeset *rs, uint64_t at, struct pm_range *ret)
{
	const struct pm_range *r = range_at(rs, first_from(rs, at, false));

	if (!r || r->start > at)
		return false;
	*ret = *r;
	return true;
}

bool pm_rangeset_contains(const struct pm_rangeset *rs, uint64_t a, uint64_t b)
{
	struct pm_range r;

	return a >= b || (pm_rangeset_find(rs, a, &r) && r.end >= b);
}

bool pm_rangeset_overlaps(const struct pm_rangeset *rs, uint64_t a, uint64_t b)
{
	struct pm_range r;

	return pm_rangeset_next(rs, a, b, &r);
}

bool pm_rangeset_next(const struct pm_rangeset *rs, uint64_t from, uint64_t limit,
		      struct pm_range *ret)
{
	const struct pm_range *r;

	if (from >= limit)
		return false;
	r = range_at(rs, first_from(rs, from, false));
	if (!r || r->start >= limit)
		return false;
	ret->start = r->start > from ? r->start : from;
	ret->end = r->end < limit ? r->end : limit;
	return true;
}

bool pm_rangeset_next_gap(const struct pm_rangeset *rs, uint64_t from, uint64_t limit,
			  struct pm_range *ret)
{
	struct pm_seq_pos pos = first_from(rs, from, false);
	const struct pm_range *r = range_at(rs, pos);

	if (r && r->start <= from) {
		from = r->end;
		r = range_at(rs, pm_seq_next(&rs->seq, pos));
	}
	if (from >= limit)
		return false;
	ret->start = from;
	ret->end = r && r->start < limit ? r->start : limit;
	return true;
}

uint64_t pm_rangeset_count_in(const struct pm_rangeset *rs, uint64_t a, uint64_t b)
{
	struct pm_seq_pos pos;
	const struct pm_range *r;
	uint64_t n = 0;

	if (a >= b)
		return 0;
	for (pos = first_from(rs, a, false); (r = range_at(rs, pos)) && r->start < b;
	     pos = pm_seq_next(&rs->seq, pos))
		n += (r->end < b ? r->end : b) - (r->start > a ? r->start : a);
	return n;
}

void pm_rangeset_done(struct pm_rangeset *rs)
{
	pm_seq_done(&rs->seq);
	rs->total = 0;
}
