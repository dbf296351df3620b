#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `pstmend ls` agrees with the independent validator's inventory on every healthy real file.
. "${top_srcdir:?}/tests/tap.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
[ -d "$shared/corpus" ] || skip_all "there is no $shared/corpus"
command -v python3 >/dev/null || skip_all "python3 is missing"

awk -F'\t' 'NR > 1 && $NF == 0 { print $1 }' "$shared/corpus/INDEX.tsv" >"$tmp/healthy"
while read -r file; do
	run "$PSTMEND" ls --format json --report "$tmp/tree.txt" --force "$shared/corpus/$file"
	exits 0 "$file: folders"
	cp "$out" "$tmp/folders.json"
	run "$PSTMEND" ls --format json --recursive --associated "$shared/corpus/$file"
	exits 0 "$file: messages"
	cp "$out" "$tmp/messages.json"
	python3 "$shared/format/pstcheck.py" --inventory "$shared/corpus/$file" >"$tmp/inventory"
	python3 "$top_srcdir/tests/shared/ls-inventory.py" "$tmp/folders.json" "$tmp/messages.json" \
		"$tmp/inventory" >"$tmp/found" 2>&1
	clean "$file: equal to the inventory" "$(head -n 20 "$tmp/found")"
	clean "$file: no damage is seen" "$(grep -E '"(damaged|lost)"' "$tmp/messages.json" | head -n 5)"
done <"$tmp/healthy"

finish
