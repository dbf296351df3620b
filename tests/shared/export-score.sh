#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every message of every healthy file, real ones and generated ones of all formats, comes out of
# export as EML and as mbox with the same content and in its folder, judged by the kit that
# measures damage (which reads the data file by a program of its own, and the mail by Python's).
. "${top_srcdir:?}/tests/tap.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
[ -d "$shared/corpus" ] || skip_all "there is no $shared/corpus"
[ -f "$shared/kit/score.py" ] || skip_all "there is no $shared/kit/score.py"
command -v python3 >/dev/null || skip_all "python3 is missing"

cp -R "$shared/kit" "$tmp/kit" && chmod -R u+w "$tmp/kit" || exit 99
(cd "$tmp/kit" && sh bases.sh "$shared/corpus") >"$tmp/bases.log" 2>&1 ||
	nok "the generated files are made" "$(tail -n 5 "$tmp/bases.log")"

# score NAME FILE
score()
{
	for form in eml mbox; do
		rm -rf "$tmp/mail"
		run "$PSTMEND" export --format $form -o "$tmp/mail" "$2"
		exits 0 "$1: $form"
		python3 "$tmp/kit/score.py" --base "$2" --kind $form --details "$tmp/mail" \
			>"$tmp/score" 2>&1 || nok "$1: $form: the score" "$(tail -n 3 "$tmp/score")"
		if tail -n 1 "$tmp/score" | grep -Eq \
			'content (100\.0%|-), found (100\.0%|-);.* silent corruption 0,.*duplicates 0, folder right (100\.0%|-)'
		then
			ok "$1: $form: the content is the same"
		else
			nok "$1: $form: the content is the same" "$(tail -n 20 "$tmp/score" | cut -c1-300)"
		fi
	done
}

awk -F'\t' 'NR > 1 && $NF == 0 { print $1 }' "$shared/corpus/INDEX.tsv" >"$tmp/healthy"
while read -r file; do
	score "$file" "$shared/corpus/$file"
done <"$tmp/healthy"
for file in "$tmp"/kit/bases/[au]-*.pst "$tmp"/kit/bases4k/k-*.pst; do
	score "${file##*/}" "$file"
done

finish
