#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Deleted mail of real files, sound ones and damaged ones: what lives is as it was to the independent
# validator, every property of it; what comes back is none of it, is there once, and does not come
# back again; the result has no errors; nothing appears that was not asked for.
. "${top_srcdir:?}/tests/tap.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
[ -f "$shared/corpus/INDEX.tsv" ] || skip_all "there is no $shared/corpus/INDEX.tsv"
[ -f "$shared/format/pstcheck.py" ] || skip_all "there is no $shared/format/pstcheck.py"
command -v python3 >/dev/null || skip_all "python3 is missing"
validator=$shared/format/pstcheck.py

# known NAME: how many deleted items were found in it, each looked at by hand
known()
{
	case $1 in
	aspose-email-SampleOstFile.ost) echo 3 ;;
	aspose-email-AddingBulk* | tghanem-PST.pst) echo 1 ;;
	*) echo 0 ;;
	esac
}

# items FILE: how many the report in JSON has
items()
{
	python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["deleted"]))' "$1"
}

# judged BEFORE AFTER NAME: what the validator says of a file with deleted items
judged()
{
	run python3 -B "$validator" "$2"
	has "$out" ' 0 errors' "$3: without errors"
	run python3 -B "$top_srcdir/tests/shared/deleted-corpus.py" "$validator" "$1" "$2"
	clean "$3: what lives is as it was, what comes back is nothing else" "$(sed '$d' "$out")"
	run "$PSTMEND" check "$2"
	exits 0 "$3: sound"
	run "$PSTMEND" repair --undelete --format json -o "$tmp/again.pst" "$2"
	exits 0 "$3: nothing to do a second time"
	is "$(items "$out")" 0 "$3: nothing comes back a second time"
}

awk -F '\t' 'NR > 1 { print $1, $NF }' "$shared/corpus/INDEX.tsv" >"$tmp/files"
while read -r name errors; do
	file=$shared/corpus/$name
	rm -f "$tmp"/*.pst
	run "$PSTMEND" repair --undelete --format json -o "$tmp/out.pst" "$file"
	is "$(items "$out")" "$(known "$name")" "$name: deleted items"
	run "$PSTMEND" repair -o "$tmp/plain.pst" "$file"
	[ "$status" != 1 ] || before=$tmp/plain.pst
	[ "$status" = 1 ] || before=$file
	if [ -e "$tmp/out.pst" ]; then
		[ "$errors" != 0 ] && [ "$(known "$name")" = 0 ] ||
			judged "$before" "$tmp/out.pst" "$name"
	else
		is "$(known "$name")" 0 "$name: nothing is written then"
	fi
	[ "$errors" = 0 ] || continue
	# Its references to pages have a wrong bit, which is too much for pmhurt.
	[ "$name" != aspose-email-Outlook-0f69be7e.pst ] || continue

	# A leaf of the node tree is lost: with and without, the same lives.
	printf 'zero nbt.leaf[-2]\n' >"$tmp/recipe"
	"$top_builddir/tests/tools/pmhurt" "$file" "$tmp/recipe" "$tmp/hurt.pst" || exit 99
	rm -f "$tmp/plain.pst" "$tmp/out.pst"
	run "$PSTMEND" repair -o "$tmp/plain.pst" "$tmp/hurt.pst"
	plain=$status
	run "$PSTMEND" repair --undelete -o "$tmp/out.pst" "$tmp/hurt.pst"
	exits "$plain" "$name, damaged: repaired"
	[ ! -e "$tmp/plain.pst" ] ||
		judged "$tmp/plain.pst" "$tmp/out.pst" "$name, damaged"
done <"$tmp/files"

finish
