#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `pstmend check` on real files: those that the independent validator finds without errors have
# none, and what kinds of problems there are agrees; damaged ones (a sample of each class of
# damage of the test kit) have errors exactly where the validator finds some.
. "${top_srcdir:?}/tests/tap.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
[ -d "$shared/corpus" ] || skip_all "there is no $shared/corpus"
command -v python3 >/dev/null || skip_all "python3 is missing"
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
compare=$top_srcdir/tests/shared/check-corpus.py

# agree FILE NAME: kinds agree
agree()
{
	"$PSTMEND" check --info --format json "$1" >"$tmp/ours.json" 2>"$tmp/err"
	python3 "$shared/format/pstcheck.py" --json "$1" >"$tmp/theirs.json" 2>>"$tmp/err"
	python3 "$compare" kinds "$top_srcdir/tests/lint/invariants.txt" "$tmp/ours.json" \
		"$tmp/theirs.json" >"$tmp/found" 2>&1
	clean "$2: kinds of problems agree with the validator's" "$(head -n 20 "$tmp/found")"
}

awk -F'\t' 'NR > 1 && $NF == 0 { print $1 }' "$shared/corpus/INDEX.tsv" >"$tmp/healthy"
while read -r file; do
	run "$PSTMEND" check "$shared/corpus/$file"
	exits 0 "$file: no errors"
	agree "$shared/corpus/$file" "$file"
done <"$tmp/healthy"

awk -F'\t' 'NR > 1 && $NF > 0 { print $1 }' "$shared/corpus/INDEX.tsv" >"$tmp/bad"
while read -r file; do
	run "$PSTMEND" check "$shared/corpus/$file"
	exits 4 "$file: errors"
done <"$tmp/bad"

# A sample of each class of damage, its first mode.
kit=$shared/kit
if [ ! -f "$kit/hurt.py" ]; then
	skip "damaged files" "there is no $kit/hurt.py"
	finish
fi
small=$shared/corpus/rjohnsondev-dist-list.pst
large=$shared/corpus/apache-testPST.pst
python3 "$kit/hurt.py" --list | awk '{ print $1 ($3 == "" ? "" : ":" $3) }' >"$tmp/classes"

# hurt CLASS FILE: false when the file has nothing of the kind
hurt()
{
	rm -f "$tmp/hurt.pst"
	python3 "$kit/hurt.py" "$2" "$tmp/hurt.pst" --class "$1" --seed 7 --severity 3 \
		--log "$tmp/log.json" >"$tmp/err" 2>&1
}

while read -r class; do
	case $class in
	first-megabyte) hurt "$class" "$large" ;; # of the small one nothing would be left
	*) hurt "$class" "$small" || hurt "$class" "$large" ;;
	esac || continue
	run "$PSTMEND" check "$tmp/hurt.pst"
	python3 "$shared/format/pstcheck.py" --json "$tmp/hurt.pst" >"$tmp/theirs.json" 2>&1
	# We may find more than the validator, such as properties of impossible types.
	want=$(python3 "$compare" verdict "$tmp/theirs.json")
	[ "$want$status" != 04 ] || want=4
	exits "$want" "$class: errors, or none, as the validator says"
done <"$tmp/classes"

finish
