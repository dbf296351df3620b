#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What repair makes of the cases is sound to the independent validator, too.
. "${top_srcdir:?}/tests/tap.sh"
. "$top_srcdir/tests/cases/lib.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
[ -f "$shared/format/pstcheck.py" ] || skip_all "there is no $shared/format/pstcheck.py"
command -v python3 >/dev/null || skip_all "python3 is missing"
[ -x "$pmhurt" ] || skip_all "the tools of the tests are not built"

for case in ${CASES:-$(all_cases)}; do
	[ -f "$cases/$case/check.json" ] || continue
	hurt "$case" >"$out" 2>&1 || {
		nok "$case: the recipe runs" "$(cat "$out")"
		continue
	}
	rm -f "$tmp/out.pst"
	run in_tmp "$PSTMEND" repair $(strict_of "$case") -o out.pst hurt.pst
	[ -f "$tmp/out.pst" ] || continue
	run python3 "$shared/format/pstcheck.py" "$tmp/out.pst"
	has "$out" ' 0 errors, ' "$case: no errors are left"
done

finish
