# SPDX-License-Identifier: Apache-2.0
"""Compare what `pstmend ls --format json` says of a file with the validator's inventory."""
import json
import sys


def records(folders, messages):
    """Ours, in the inventory's form: (kind, nid) -> values."""
    out = {}
    path = {}
    for f in folders['folders']:
        path[f['nid']] = f['path']
        kind = 'search folder' if f['search'] else 'folder'
        out[kind, int(f['nid'], 16)] = {'path': f['path'], 'class': f['class']}
    for f in messages['folders']:
        for m in f['messages']:
            kind = 'assoc' if m['associated'] else 'message'
            out[kind, int(m['nid'], 16)] = {
                'path': f['path'],
                'class': m['class'],
                'subject': m['subject'],
                'sender': [m['sender_name'], m['sender_type'], m['sender_address']],
                'submit': m['submit'],
                'delivery': m['delivery'],
                'attachments': m['attachments'],
            }
    return out


def when(text):
    """One form for times: the inventory has all digits always."""
    if text and '.' not in text:
        return text[:-1] + '.0000000Z'
    return text


def main():
    ours = records(json.load(open(sys.argv[1], encoding='utf-8')),
                   json.load(open(sys.argv[2], encoding='utf-8')))
    seen = set()
    for line in open(sys.argv[3], encoding='utf-8'):
        r = json.loads(line)
        key = r['kind'], int(r['nid'], 16)
        seen.add(key)
        have = ours.get(key)
        if have is None:
            print('missing: %s %s' % (r['kind'], r['nid']))
            continue
        want = dict(r, attachments=len(r.get('attachments', [])))
        for name, value in have.items():
            w = want.get(name)
            if name in ('submit', 'delivery'):
                value, w = when(value), when(w)
            if name == 'sender':
                value, w = [v or None for v in value], [v or None for v in w or [None] * 3]
            if r['kind'] == 'search folder' and name == 'class':
                continue
            # An ANSI item that names no code page: the validator takes 1252, we take the store's.
            if isinstance(w, str) and '\ufffd' in w and '\ufffd' not in (value or '\ufffd'):
                continue
            if (value or None) != (w or None):
                print('%s %s: %s: have %r, want %r' % (r['kind'], r['nid'], name, value, w))
    for kind, nid in sorted(set(ours) - seen):
        print('not in the inventory: %s 0x%x' % (kind, nid))


main()
