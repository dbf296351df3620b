#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The calendars and address books of every healthy file, read by Python's icalendar and vobject,
# which share no code with us: as many items as the file has of these classes, none with an error.
. "${top_srcdir:?}/tests/tap.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
[ -d "$shared/corpus" ] || skip_all "there is no $shared/corpus"
for python in /usr/bin/python3 python3 ''; do
	[ -n "$python" ] && "$python" -c 'import icalendar, vobject' 2>/dev/null && break
done
[ -n "$python" ] || skip_all "icalendar and vobject for Python are missing"

cat >"$tmp/read.py" <<'P'
import glob, os, sys
import icalendar, vobject
n = bad = 0
for f in glob.glob(os.path.join(glob.escape(sys.argv[1]), '**', '*.ics'), recursive=True):
    cal = icalendar.Calendar.from_ical(open(f, 'rb').read())
    for c in cal.walk():
        if c.name in ('VEVENT', 'VTODO'):
            bad += bool(c.errors) + ('UID' not in c) + ('DTSTAMP' not in c)
            n += 'RECURRENCE-ID' not in c
for f in glob.glob(os.path.join(glob.escape(sys.argv[1]), '**', '*.vcf'), recursive=True):
    with open(f, encoding='utf-8', newline='') as text:
        for c in vobject.readComponents(text.read()):
            n += 1
            bad += not c.fn.value
print(n, bad)
P

awk -F'\t' 'NR > 1 && $NF == 0 { print $1 }' "$shared/corpus/INDEX.tsv" >"$tmp/healthy"
while read -r file; do
	for form in ical vcard vcard3; do
		rm -rf "$tmp/out"
		run "$PSTMEND" export --join --format $form -o "$tmp/out" "$shared/corpus/$file"
		exits 0 "$file: $form"
		whole=$(awk '$1 == "Whole" { print $2 }' "$out")
		is "$("$python" "$tmp/read.py" "$tmp/out" 2>&1 | tail -n 1)" "${whole:-?} 0" \
			"$file: $form: all of them are read back"
	done
done <"$tmp/healthy"

finish
