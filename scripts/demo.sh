#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Shows what pstmend does: demo.sh BUILD DIRECTORY makes a sample PST in the new DIRECTORY,
# damages it, and checks, repairs and exports it with BUILD/pstmend. The exit status is 0 when
# every step ended as it must.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
mkdir -p "$2"
cd "$2"

# show STATUS ARGUMENT...: pstmend with these arguments, which must end with the status
show()
{
	want=$1 status=0
	shift
	printf '\n$ pstmend %s\n' "$*"
	"$build/pstmend" "$@" 2>&1 </dev/null || status=$?
	printf '[exit status %d]\n' "$status"
	[ "$status" -eq "$want" ] || {
		printf 'demo: this should have ended with %d\n' "$want" >&2
		exit 1
	}
}

# tell: the lines of standard input, set apart
tell()
{
	printf '\n'
	sed 's/^/# /'
}

sum()
{
	cksum <damaged.pst
}

"$build/tests/tools/pmmk" "$top/testdata/seeds/unicode-small.pmmk" sample.pst
"$build/tests/tools/pmhurt" sample.pst "$top/testdata/demo/recipe" damaged.pst
before=$(sum)

cat <<TEXT
# A sample mail store was made and damaged in five places:
# two messages taken out of the list of the Inbox, a page of the block tree zeroed,
# the allocation map overwritten with noise, and 512 bytes of an attachment zeroed.
# What is wrong with it? The file is only read; 4 means that there are errors.
TEXT
show 4 check damaged.pst

tell <<TEXT
Repair it into a new file. The result is proved before it gets its name: by the full
check, and by an independent reader, libpff. 65 = 1 (mended) + 64 (something is lost,
and named): the 512 bytes of the attachment are gone for good.
TEXT
show 65 repair damaged.pst -o repaired.pst

tell <<TEXT
One run is enough: the new file has no errors. A second repair finds nothing to do.
TEXT
show 0 check repaired.pst
show 0 repair repaired.pst -o again.pst
[ ! -e again.pst ] || {
	echo "demo: the second repair wrote a file" >&2
	exit 1
}

tell <<TEXT
Mail comes out as EML or mbox, of a damaged file too, and every message is accounted
for. 64: one of them is not whole.
TEXT
show 64 export damaged.pst --format eml -o mail

printf '\n$ find mail -name "*.eml"\n'
find mail -name '*.eml' | LC_ALL=C sort

[ "$(sum)" = "$before" ] || {
	echo "demo: damaged.pst has changed" >&2
	exit 1
}
tell <<TEXT
The damaged file is what it was, byte for byte. All of this stands in
$PWD
Your own file: scripts/run.sh check FILE, or build/pstmend check FILE; 'pstmend --help'.
TEXT
