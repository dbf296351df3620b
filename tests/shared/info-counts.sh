#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `pstmend info` counts on every healthy real file what the independent validator counts.
. "${top_srcdir:?}/tests/tap.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
[ -d "$shared/corpus" ] || skip_all "there is no $shared/corpus"
command -v python3 >/dev/null || skip_all "python3 is missing"

awk -F'\t' 'NR > 1 && $NF == 0 { print $1 }' "$shared/corpus/INDEX.tsv" >"$tmp/healthy"
while read -r file; do
	"$PSTMEND" info --format json "$shared/corpus/$file" >"$tmp/ours.json" 2>"$err"
	python3 "$shared/format/pstcheck.py" --json "$shared/corpus/$file" >"$tmp/theirs.json"
	python3 - "$tmp/ours.json" "$tmp/theirs.json" >"$out" 2>&1 <<'PY'
import json, sys
a = json.load(open(sys.argv[1]))
b = json.load(open(sys.argv[2]))
b = b[0] if isinstance(b, list) else b
c = a['counts']
have = {'size': a['size'], 'version': a['version'], 'amap_valid': a['amap_valid'],
        'blocks': c['blocks'], 'nodes': c['nodes'], 'messages': c['messages'],
        'assoc': c['associated'], 'folders': c['folders'] + c['search_folders'],
        'crypt': ('none', 'permute', 'cyclic').index(a['encryption'])}
for k, v in have.items():
    if v != b[k]:
        print('%s: have %s, want %s' % (k, v, b[k]))
if not (a['header_sound'] and a['trees_sound']):
    print('not sound')
PY
	clean "$file" "$(cat "$out" "$err")"
done <"$tmp/healthy"

finish
