#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The mail and calendars of every real file, damaged ones as well: no part of a message has a defect
# for Python's email or a warning from GMime, no calendar an error for libical. Fields that came
# with a message stay as they came, with what is wrong in them; pffexport says which these are.
. "${top_srcdir:?}/tests/tap.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
[ -d "$shared/corpus" ] || skip_all "there is no $shared/corpus"
command -v python3 >/dev/null || skip_all "python3 is missing"
command -v pffexport >/dev/null || skip_all "pffexport is missing (Debian: pff-tools)"
MAKEFLAGS= make -s -C "$top_builddir" tests/tools/pmparse >"$tmp/make.log" 2>&1 ||
	nok "tests/tools/pmparse is built" "$(tail -n 5 "$tmp/make.log")"

# unknown FILE: of GMime's warnings those that no header explains which came with a message
unknown()
{
	while IFS= read -r line; do
		case $line in
		*': field twice: '*) pattern="^${line##*: field twice: }:" ;;
		*': list of addresses: '*)
			pattern=$(printf '%s\n' "${line##*: list of addresses: }" | sed 's/[][\\.*^$]/\\&/g')
			;;
		*' wrong') continue ;;
		*) pattern='' ;;
		esac
		[ -n "$pattern" ] && grep -qri --include=InternetHeaders.txt -e "$pattern" "$tmp"/pff.* ||
			printf '%s\n' "$line"
	done <"$1"
}

all=0
awk -F'\t' 'NR > 1 { print $1 }' "$shared/corpus/INDEX.tsv" >"$tmp/files"
while read -r file; do
	rm -rf "$tmp/mail" "$tmp"/pff.*
	mkdir "$tmp/mail"
	for form in eml ical; do
		run "$PSTMEND" export --format $form -o "$tmp/mail/$form" "$shared/corpus/$file"
		case $status in
		0 | 64) ok "$file: $form" ;;
		*) exits 0 "$file: $form" ;;
		esac
	done
	timeout 300 pffexport -q -m items -f text -t "$tmp/pff" "$shared/corpus/$file" >/dev/null 2>&1
	mkdir -p "$tmp/pff.export"
	find "$tmp/mail" -type f -name '*.eml' -o -type f -name '*.ics' >"$tmp/list"
	n=$(wc -l <"$tmp/list" | tr -d ' ') all=$((all + n))
	"$top_builddir/tests/tools/pmparse" <"$tmp/list" >"$tmp/log" 2>&1
	is "$(sed -n '$s/ files,.*//p' "$tmp/log")" "$n" "$file: GMime and libical read all"
	clean "$file: nothing is wrong for them" "$(unknown "$tmp/log")"
	python3 "$top_srcdir/tests/tools/defects.py" "$tmp/mail" "$tmp/pff.export" >"$tmp/log" 2>&1
	have=$(sed -n '$s/, [0-9]* parts//p' "$tmp/log")
	[ "$have" = "$(grep -c '\.eml$' "$tmp/list") files, 0 defects" ] &&
		ok "$file: no defect for Python" || nok "$file: no defect for Python" "$(tail -n 20 "$tmp/log")"
done <"$tmp/files"
[ $all -gt 1000 ] && ok "there were many" || nok "there were many" "$all"

finish
