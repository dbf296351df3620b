# SPDX-License-Identifier: Apache-2.0
# TAP for shell tests. A test starts with
#
#	. "$top_srcdir/tests/tap.sh"
#
# and ends with `finish`, which prints the plan: a script that dies on the way has none, and
# that is an error to whoever reads it. $tmp is a directory of its own, removed at the end.
# $PSTMEND is the program. Both, and top_srcdir and top_builddir, are set by `make check`.

set -u
: "${top_srcdir:?run this through make check}" "${top_builddir:?}" "${PSTMEND:?}"
LC_ALL=C
TZ=UTC
export LC_ALL TZ

tap_n=0
tmp=$(mktemp -d "${TMPDIR:-/tmp}/pmtest.XXXXXX") || exit 99
trap 'chmod -R u+rwX "$tmp" 2>/dev/null; rm -rf "$tmp"' EXIT
trap 'exit 99' HUP INT TERM
out=$tmp/.out
err=$tmp/.err
status=0

# ok DESCRIPTION: passed.
ok()
{
	tap_n=$((tap_n + 1))
	printf 'ok %d - %s\n' "$tap_n" "$1"
}

# nok DESCRIPTION [DETAIL]: failed; the detail may have many lines.
nok()
{
	tap_n=$((tap_n + 1))
	printf 'not ok %d - %s\n' "$tap_n" "$1"
	[ -z "${2-}" ] || printf '%s\n' "$2" | sed 's/^/#   /'
}

# skip DESCRIPTION WHY: one test that can't run here.
skip()
{
	tap_n=$((tap_n + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_n" "$1" "$2"
}

# skip_all WHY: nothing of this script can run here.
skip_all()
{
	printf '1..0 # SKIP %s\n' "$1"
	exit 0
}

# finish: the plan. What failed was said; the exit status is for scripts that break.
finish()
{
	printf '1..%d\n' "$tap_n"
	exit 0
}

# run COMMAND...: runs it; its exit status is in $status, its output in the files $out, $err.
run()
{
	status=0
	"$@" >"$out" 2>"$err" </dev/null || status=$?
}

# is GOT WANT DESCRIPTION
is()
{
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		nok "$3" "have: $1
want: $2"
	fi
}

# exits WANT DESCRIPTION: the last `run` ended with this status.
exits()
{
	if [ "$status" = "$1" ]; then
		ok "$2"
	else
		nok "$2" "exit status $status, want $1; stdout:
$(head -c 2000 "$out")
stderr:
$(head -c 2000 "$err")"
	fi
}

# has FILE REGEX DESCRIPTION: a line of the file matches the extended regular expression.
has()
{
	if grep -Eq -- "$2" "$1"; then
		ok "$3"
	else
		nok "$3" "no line matches: $2
$(head -c 2000 "$1")"
	fi
}

# same FILE FILE DESCRIPTION: equal byte for byte.
same()
{
	if cmp -s -- "$1" "$2"; then
		ok "$3"
	else
		nok "$3" "$(diff -u -- "$2" "$1" 2>&1 | head -n 40)"
	fi
}

# clean DESCRIPTION TEXT: passed when the text (a list of findings) is empty.
clean()
{
	if [ -z "$2" ]; then
		ok "$1"
	else
		nok "$1" "$2"
	fi
}

# relay FILE [PREFIX]: the lines of another program that tests, "ok - ", "not ok - " or "skip - WHAT:
# WHY", take their numbers; all else is shown as it is.
relay()
{
	while IFS= read -r tap_line; do
		case $tap_line in
		'ok - '*) ok "${2-}${tap_line#ok - }" ;;
		'not ok - '*) nok "${2-}${tap_line#not ok - }" ;;
		'skip - '*)
			tap_line=${tap_line#skip - }
			skip "${2-}${tap_line%%: *}" "${tap_line#*: }"
			;;
		*) printf '%s\n' "$tap_line" ;;
		esac
	done <"$1"
}

# sources SUFFIX...: the project's files with these suffixes, a line each, relative to the top.
sources()
{
	for tap_suffix; do
		(cd "$top_srcdir" && find src include tests bench scripts -type f \
			-name "*.$tap_suffix" 2>/dev/null)
	done | sort
}
