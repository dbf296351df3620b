#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `pstmend dump` of everything in every healthy real file: the header, all pages, blocks, nodes
# and subnodes can be shown, and nothing about them is called wrong.
. "${top_srcdir:?}/tests/tap.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
[ -d "$shared/corpus" ] || skip_all "there is no $shared/corpus"
command -v python3 >/dev/null || skip_all "python3 is missing"

cat >"$tmp/all.py" <<'PY'
import json, subprocess, sys
tool, path = sys.argv[1:]
# matters of form that healthy files break
FORM = {'slack', 'id in bit 0', 'free count', 'fill level', 'last offset', 'first key'}

def dump(*objects):
    p = subprocess.run([tool, 'dump', '--format', 'json', path, *objects], capture_output=True)
    if p.returncode or p.stderr:
        print('dump %s...: status %d %s' % (objects[0], p.returncode, p.stderr.decode()))
    return json.loads(p.stdout)['objects']

def judge(o):
    for rule in o.get('broken_rules', []):
        # templates of ANSI files written by new Outlooks have row indexes of 4+4
        if rule == 'row index' and o['object'] in ('node:0x6d7', 'node:0x6f8'):
            continue
        if rule not in FORM:
            print('%s: broken rule: %s' % (o['object'], rule))
    for table in o.values():
        for row in table if isinstance(table, list) else []:
            if isinstance(row, dict) and str(row.get('remark', '')).startswith(('wrong', 'beyond')):
                print('%s: %s %s' % (o['object'], row['name'], row['remark']))
            if isinstance(row, dict) and row.get('state') in ('damaged', 'lost'):
                print('%s: %s' % (o['object'], row))

def batches(names):
    for i in range(0, len(names), 400):
        for o in dump(*names[i:i + 400]):
            judge(o)
            yield o

head, nbt, bbt = dump('header', 'nbt', 'bbt')
judge(head)
pages = ['page:%d' % p['offset'] for p in nbt['pages'] + bbt['pages']]
shown = list(batches(pages + ['amap:0']))
for tree, rows in (('NBT', nbt['entries']), ('BBT', bbt['entries'])):
    n = sum(len(o['entries']) for o in shown if o['page'] == tree and
            next(f['value'] for f in o['BTPAGE'] if f['name'] == 'cLevel') == '0x00')
    if n != len(rows):
        print('%s: leaves hold %d entries, the tree %d' % (tree, n, len(rows)))
by_id = list(batches(['block:' + e['key'] for e in bbt['entries']]))
by_place = list(batches(['block-at:%d' % e['ib'] for e in bbt['entries']]))
for a, b in zip(by_id, by_place):
    if a['bid'] != b['bid'] or a.get('data') != b.get('data') or a.get('entries') != b.get('entries'):
        print('%s and %s differ' % (a['object'], b['object']))
level = [e['key'] for e in nbt['entries']]
props = 0
while level:
    below = []
    for o in batches(['node:' + n for n in level]):
        props += len(o.get('properties', []))
        below += [o['object'][5:] + '/' + s['nid'] for s in o.get('subnodes', [])]
    list(batches(['heap:' + n for n in level]))
    level = below
if not props:
    print('no property was seen')
PY
awk -F'\t' 'NR > 1 && $NF == 0 && $2 < 4000000 { print $1 }' "$shared/corpus/INDEX.tsv" >"$tmp/healthy"
while read -r file; do
	python3 "$tmp/all.py" "$PSTMEND" "$shared/corpus/$file" >"$out" 2>&1
	clean "$file" "$(head -n 20 "$out")"
done <"$tmp/healthy"

finish
