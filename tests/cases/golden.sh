#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs cases, writes their goldens anew and shows what changed: make golden CASE=PROBLEM/NAME, or
# without CASE all of them. Goldens of a case that does not do what its recipe expects are
# not written (old ones stay); what is wrong is said. To be read before it is committed.
# `make casereport` only says what is wrong.
set -eu
: "${top_srcdir:?run this through make golden}" "${top_builddir:?}" "${PSTMEND:?}"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/pmgolden.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
. "$top_srcdir/tests/cases/lib.sh"
good=0 bad=0

# wrong CASE WHAT...
wrong()
{
	echo "WRONG: $*"
	faults=$((faults + 1))
}

# keep FILE GOLDEN: put it in its place and show the difference
keep()
{
	[ -f "$2" ] || : >"$2"
	diff -u "$2" "$1" || :
	cp "$1" "$2"
}

# wants CASE STEP HAVE DEFAULT: is this the exit status that the recipe expects?
wants()
{
	want=$(expected "$cases/$1/recipe" "$2" "$4")
	[ "$want" = "$3" ] || wrong "$1: $2 exits $3, expected is $want"
}

checks()
{
	status=0
	in_tmp "$PSTMEND" check $(options_of "$1") hurt.pst >"$tmp/out" 2>&1 || status=$?
	wants "$1" check $status 4
	normal "$tmp/out" >"$tmp/check.txt"
	in_tmp "$PSTMEND" check $(options_of "$1") --format json hurt.pst >"$tmp/out" || :
	normal "$tmp/out" >"$tmp/check.json"
	grep -q "\"${1%%/*}\"" "$tmp/check.json" ||
		wrong "$1: check does not report ${1%%/*}, but $(awk -F'"' '/"problem": / {
			for (i = 2; i < NF; i += 2) if ($i == "problem") n[$(i + 2)]++ }
			END { for (k in n) printf "%s(%d) ", k, n[k] }' "$tmp/check.json")"
}

repairs()
{
	rm -f "$tmp/out.pst" "$tmp/inventory.txt"
	status=0
	in_tmp "$PSTMEND" repair $(strict_of "$1") -o out.pst hurt.pst >"$tmp/out" 2>&1 || status=$?
	wants "$1" repair $status 1
	[ -f "$tmp/out.pst" ] || return 0
	status=0
	in_tmp "$PSTMEND" check $(strict_of "$1") out.pst >"$tmp/out" 2>&1 || status=$?
	[ $status = 0 ] || wrong "$1: check of the result exits $status: $(head -n 2 "$tmp/out" | tr '\n' ' ')"
	in_tmp "$pminv" out.pst >"$tmp/inventory.txt" 2>"$tmp/err" ||
		wrong "$1: $(cat "$tmp/err")"
	"$pminv" "$seed" >"$tmp/healthy.txt"
	if cmp -s "$tmp/inventory.txt" "$tmp/healthy.txt"; then
		rm -f "$tmp/inventory.txt"
		[ "$(expected "$dir/recipe" inventory same)" = same ] ||
			wrong "$1: the inventory is that of the seed"
	elif [ "$(expected "$dir/recipe" inventory same)" = same ]; then
		wrong "$1: the result does not hold what the seed held:"
		diff -u "$tmp/healthy.txt" "$tmp/inventory.txt" | tail -n +3 | head -n 40
	fi
}

one()
{
	dir=$cases/$1 faults=0
	if ! hurt "$1" 2>"$tmp/err"; then
		wrong "$1: $(cat "$tmp/err")"
	else
		checks "$1"
		repairs "$1"
	fi
	if [ "$faults" != 0 ]; then
		bad=$((bad + 1))
		return
	fi
	good=$((good + 1))
	[ -z "${REPORT-}" ] || return 0
	keep "$tmp/check.txt" "$dir/check.txt"
	keep "$tmp/check.json" "$dir/check.json"
	rm -f "$dir/inventory.diff"
	if [ -f "$tmp/inventory.txt" ]; then
		diff "$tmp/healthy.txt" "$tmp/inventory.txt" >"$tmp/inventory.diff" || :
		keep "$tmp/inventory.diff" "$dir/inventory.diff"
	fi
}

for case in ${CASE:-$(all_cases)}; do
	one "$case"
done
echo "$good as expected, $bad wrong"
