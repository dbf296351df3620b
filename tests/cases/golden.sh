#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the goldens of cases anew and shows what changed: make golden CASE=PROBLEM/NAME, or
# without CASE all of them. To be read before it is committed.
set -eu
: "${top_srcdir:?run this through make golden}" "${top_builddir:?}" "${PSTMEND:?}"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/pmgolden.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
. "$top_srcdir/tests/cases/lib.sh"

# keep FILE GOLDEN: put it in its place and show the difference
keep()
{
	[ -f "$2" ] || : >"$2"
	diff -u "$2" "$1" || :
	cp "$1" "$2"
}

# expect_exit CASE STEP WANT HAVE
expect_exit()
{
	[ "$3" = "$4" ] || echo "WRONG: $1: $2 exits $4; the recipe expects $3"
}

one()
{
	dir=$cases/$1
	echo "== $1"
	hurt "$1"
	status=0
	in_tmp "$PSTMEND" check hurt.pst >"$tmp/out" || status=$?
	expect_exit "$1" check "$(expected "$dir/recipe" check 4)" $status
	normal "$tmp/out" >"$tmp/check.txt"
	in_tmp "$PSTMEND" check --format json hurt.pst >"$tmp/out" || :
	normal "$tmp/out" >"$tmp/check.json"
	keep "$tmp/check.txt" "$dir/check.txt"
	keep "$tmp/check.json" "$dir/check.json"
	grep -q "\"${1%%/*}\"" "$dir/check.json" ||
		echo "WRONG: $1: check does not report ${1%%/*}"
	has_command repair || return 0
	rm -f "$tmp/out.pst"
	status=0
	in_tmp "$PSTMEND" repair $(strict_of "$1") -o out.pst hurt.pst >"$tmp/out" || status=$?
	expect_exit "$1" repair "$(expected "$dir/recipe" repair 1)" $status
	[ -f "$tmp/out.pst" ] && [ -x "$pminv" ] || return 0
	in_tmp "$pminv" out.pst >"$tmp/inventory.txt"
	"$pminv" "$seed" >"$tmp/healthy.txt"
	if cmp -s "$tmp/inventory.txt" "$tmp/healthy.txt"; then
		rm -f "$dir/inventory.txt"
	else
		echo "LOST or changed, against the seed:"
		diff -u "$tmp/healthy.txt" "$tmp/inventory.txt" || :
		cp "$tmp/inventory.txt" "$dir/inventory.txt"
	fi
}

for case in ${CASE:-$(all_cases)}; do
	one "$case"
done
