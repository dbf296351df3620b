#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a damaged real file to the mail: check finds errors, one repair mends them and is proved,
# an independent validator agrees, a second repair has nothing to do, the source is what it was,
# and the mail of the damaged file and of the repaired one is that of the healthy original.
# The damage leaves each message's own bytes in the file, so nothing may be missing.
. "${top_srcdir:?}/tests/tap.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
[ -d "$shared/corpus" ] || skip_all "there is no $shared/corpus"
[ -f "$shared/kit/hurt.py" ] || skip_all "there is no $shared/kit/hurt.py"
[ -f "$shared/format/pstcheck.py" ] || skip_all "there is no $shared/format/pstcheck.py"
command -v python3 >/dev/null || skip_all "python3 is missing"
kit=$tmp/kit
mkdir "$kit" && cp "$shared"/kit/*.py "$kit" && cp -r "$shared/kit/lib" "$kit" &&
	chmod -R u+w "$kit" || exit 99

# What is asserted of score.py's numbers, to the lines that are wrong.
cat >"$tmp/whole.py" <<'PY'
import json
import sys

score = json.load(open(sys.argv[1]))
# Also a message the damage went through counts: the bytes put into its middle come out again.
found = score['table']['all' if score['kind'] == 'pst' else 'mail'].values()
messages = sum(sum(status.values()) for status in found)
content = sum(status['identical'] + status['content'] for status in found)
if not messages or content != messages:
    print('%d of %d messages with the original content' % (content, messages))
for what in ('silent_corruption', 'unmatched', 'duplicates'):
    if score[what]:
        print('%s: %d' % (what, score[what]))
if score['problem']:
    print(score['problem'])
PY

# mail KIND RESULT NAME: nothing is missing, wrong, double or invented
mail()
{
	rm -f "$tmp/score.json"
	run python3 "$kit/score.py" --base "$healthy" --hurt "$tmp/log.json" --kind "$1" \
		--json "$tmp/score.json" "$2"
	clean "$3" "$(python3 "$tmp/whole.py" "$tmp/score.json" 2>&1)"
}

# end_to_end FILE CLASS SEED SEVERITY [DOUBT]
# DOUBT: 64 where the damage took checksums of contents. Their bytes may be right, but nothing
# vouches for them, so repair and export have to say so.
end_to_end()
{
	healthy=$shared/corpus/$1
	name="$1, $2"
	doubt=${5:-0}
	hurt=$tmp/hurt.pst
	rm -rf "$tmp"/*.pst "$tmp"/mail.*
	python3 "$kit/hurt.py" "$healthy" "$hurt" --class "$2" --seed "$3" --severity "$4" \
		--log "$tmp/log.json" >"$err" 2>&1 || {
		nok "$name: the file is damaged" "$(cat "$err")"
		return
	}
	chmod a-w "$hurt"
	before=$(sha256sum <"$hurt")

	run "$PSTMEND" check "$hurt"
	exits 4 "$name: check finds errors"
	run "$PSTMEND" repair "$hurt" -o "$tmp/repaired.pst"
	exits $((1 + doubt)) "$name: repair mends all of it"
	has "$out" '^Repaired, and proved\.$' "$name: and proves it"
	has "$out" '^Independent reader +libpff [0-9]+ reads it: ' "$name: libpff reads it"
	run "$PSTMEND" check "$tmp/repaired.pst"
	exits 0 "$name: check finds no error in the result"
	run python3 "$shared/format/pstcheck.py" "$tmp/repaired.pst"
	has "$out" ' 0 errors,' "$name: nor does the independent validator"
	run "$PSTMEND" repair "$tmp/repaired.pst" -o "$tmp/again.pst"
	exits 0 "$name: a second repair has nothing to do"
	[ ! -e "$tmp/again.pst" ] && ok "$name: and writes nothing" || nok "$name: and writes nothing"

	run "$PSTMEND" export "$hurt" --format eml -o "$tmp/mail.hurt"
	exits "$doubt" "$name: export of the damaged file loses nothing"
	run "$PSTMEND" export "$tmp/repaired.pst" --format eml -o "$tmp/mail.repaired"
	exits 0 "$name: nor does that of the repaired file"
	mail pst "$tmp/repaired.pst" "$name: the repaired file has every message as it was"
	mail eml "$tmp/mail.hurt" "$name: the mail of the damaged file is all there"
	mail eml "$tmp/mail.repaired" "$name: the mail of the repaired file, too"
	is "$(sha256sum <"$hurt")" "$before" "$name: the source is what it was"
}

for file in apache-testPST.pst aspose-email-SampleOstFile.ost; do
	end_to_end "$file" header-zero 3 3
	end_to_end "$file" bbt-leaf:noise 3 3
	end_to_end "$file" nbt-leaf:zero 3 3
	end_to_end "$file" insert 3 3
	end_to_end "$file" amap-garbage:noise 3 3
	end_to_end "$file" block-trailer 3 3 64
	end_to_end "$file" contents-table:missing 3 3
	end_to_end "$file" combo:trees 3 3
done

finish
