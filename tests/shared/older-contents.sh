#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A real file whose map calls what is older in use: with leaves of the trees gone, each message is in its
# folder, and no folder is there that the healthy file has not.
. "${top_srcdir:?}/tests/tap.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
source=$shared/corpus/npm-enron.pst
[ -f "$source" ] || skip_all "there is no $source"
[ -f "$shared/kit/hurt.py" ] || skip_all "there is no $shared/kit/hurt.py"
command -v python3 >/dev/null || skip_all "python3 is missing"

# The folders and how many messages each has, whatever their order.
folders()
{
	"$PSTMEND" ls "$1" | sed 's/^ *//' | sort
}

folders "$source" >"$tmp/healthy"
is "$(grep -c '^0x' "$tmp/healthy")" 11 "the healthy file has folders to compare with"
while read -r status class seed severity; do
	name="$class $seed:$severity"
	python3 "$shared/kit/hurt.py" --class "$class" --seed "$seed" --severity "$severity" "$source" \
		"$tmp/hurt.pst" >"$out" 2>&1 || nok "$name: made" "$(cat "$out")"
	run "$PSTMEND" repair --verify self --force -o "$tmp/mended.pst" "$tmp/hurt.pst"
	exits "$status" "$name: mended"
	folders "$tmp/mended.pst" >"$tmp/mended"
	clean "$name: the folders of the healthy file" "$(diff "$tmp/healthy" "$tmp/mended")"
	clean "$name: no table without a folder" \
		"$("$PSTMEND" check "$tmp/mended.pst" | grep -A 3 '^node-no-folder')"
done <<EOF
1 nbt-leaf:zero 9 3
1 nbt-leaf:zero 10 4
1 nbt-leaf:zero 11 5
1 nbt-leaf:noise 9 3
1 nbt-leaf:noise 11 5
1 nbt-root:zero 10 4
1 bbt-leaf:zero 11 5
1 combo:trees 9 3
1 combo:trees 11 5
1 torn-write:cow 11 5
65 torn-write:stale 11 5
EOF

finish
