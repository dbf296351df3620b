# SPDX-License-Identifier: Apache-2.0
# What running a case and writing its goldens share. Sourced with top_srcdir, top_builddir,
# PSTMEND and tmp set. A case is a directory testdata/cases/PROBLEM/NAME with
#	recipe		what is done to which seed, and what is expected (tests/README.md)
#	check.txt	what `check` says of the result
#	check.json	the same with --format json
#	inventory.diff	what the repaired file's inventory has otherwise than the seed's, if anything

pmhurt=$top_builddir/tests/tools/pmhurt
pmmk=$top_builddir/tests/tools/pmmk
pminv=$top_builddir/tests/tools/pminv
cases=$top_srcdir/testdata/cases
filter=$top_srcdir/tests/cases/filter.sed

# all_cases: the names PROBLEM/CASE, a line each
all_cases()
{
	(cd "$cases" 2>/dev/null && find . -mindepth 2 -maxdepth 2 -type d | sed 's,^\./,,' | sort)
}

# expected RECIPE WHAT DEFAULT: the value of a line `expect WHAT VALUE`
expected()
{
	awk -v what="$2" -v value="$3" '
	$1 == "expect" && $2 == what { sub(/^[^ ]+ +[^ ]+ +/, ""); value = $0 }
	END { print value }' "$1"
}

# seed_of CASE: the file that its recipe starts from; `seed ./x.pmmk` is one of its own
seed_of()
{
	seed=$(awk '$1 == "seed" { print $2; exit }' "$cases/$1/recipe")
	case $seed in
	./*.pmmk)
		"$pmmk" "$cases/$1/$seed" "$tmp/own-seed.pst" && printf '%s\n' "$tmp/own-seed.pst"
		;;
	*)
		printf '%s\n' "$top_builddir/testdata/seeds/$seed.pst"
		;;
	esac
}

# hurt CASE: makes $tmp/hurt.pst; leaves the seed's name in $seed
hurt()
{
	seed=$(seed_of "$1") && rm -f "$tmp/hurt.pst" &&
		"$pmhurt" "$seed" "$cases/$1/recipe" "$tmp/hurt.pst"
}

# in_tmp COMMAND...: runs it where the files lie, so that no output has a path
in_tmp()
{
	(cd "$tmp" && "$@" </dev/null)
}

# normal FILE: without what differs from run to run, a problem a line
normal()
{
	sed -f "$filter" "$1" | awk -f "$top_srcdir/tests/cases/compact.awk"
}

# has_command NAME: does the program know it?
has_command()
{
	"$PSTMEND" --help 2>/dev/null | grep -q "^  $1 "
}

# options_of CASE: what its check is given besides
options_of()
{
	expected "$cases/$1/recipe" options ""
}

# strict_of CASE: --strict where what is to be mended are warnings only
strict_of()
{
	[ "$(expected "$cases/$1/recipe" check 4)" != 0 ] || echo --strict
}
