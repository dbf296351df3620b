#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# repair --compact of real files that are sound: to the independent validator the result has no
# errors and the same contents, every property of every item.
. "${top_srcdir:?}/tests/tap.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
[ -f "$shared/corpus/INDEX.tsv" ] || skip_all "there is no $shared/corpus/INDEX.tsv"
[ -f "$shared/format/pstcheck.py" ] || skip_all "there is no $shared/format/pstcheck.py"
command -v python3 >/dev/null || skip_all "python3 is missing"

awk -F '\t' 'NR > 1 && $NF == 0 { print $1 }' "$shared/corpus/INDEX.tsv" >"$tmp/files"
while read -r name; do
	file=$shared/corpus/$name
	run "$PSTMEND" repair --compact "$file" -o "$tmp/compact.pst"
	exits 0 "$name: compacted, and proved"
	run python3 "$shared/format/pstcheck.py" "$tmp/compact.pst"
	has "$out" ' 0 errors' "$name: without errors"
	run python3 "$shared/format/pstcheck.py" --diff "$file" "$tmp/compact.pst"
	exits 0 "$name: the same contents"
	rm -f "$tmp/compact.pst"
done <"$tmp/files"

finish
