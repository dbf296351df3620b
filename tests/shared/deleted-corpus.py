# SPDX-License-Identifier: Apache-2.0
# deleted-corpus.py VALIDATOR BEFORE AFTER: lines about what differs between the contents of two
# files, the second with deleted items; none when all that lived is there as it was, and everything
# else is in the folder for deleted items and nothing that lives. The last line is their number.
import json
import subprocess
import sys

APART = '/Recovered by pstmend/Deleted'


def inventory(path):
    text = subprocess.run([sys.executable, '-B', sys.argv[1], '--inventory', path],
                          capture_output=True, check=False).stdout.decode()
    return [json.loads(line) for line in text.splitlines() if line.startswith('{')]


def apart(row):
    return APART in json.dumps(row.get('path') or row.get('folder') or '')


def content(row):
    """What an item is, whatever its node id."""
    return json.dumps({k: v for k, v in row.items()
                       if k not in ('nid', 'path', 'folder', 'listed')}, sort_keys=True)


before, after = inventory(sys.argv[2]), inventory(sys.argv[3])
lives = [json.dumps(r, sort_keys=True) for r in before]
found = [json.dumps(r, sort_keys=True) for r in after if not apart(r)]
for line in sorted(set(lives) - set(found)):
    row = json.loads(line)
    # The folder that has the recovery folder has one more below it.
    same = [r for r in after if r.get('kind') == 'folder' == row['kind'] and
            r['nid'] == row['nid'] and r['path'] == row['path']]
    if not same or row['kind'] != 'folder':
        print('gone: ' + line)
for line in sorted(set(found) - set(lives)):
    if json.loads(line)['kind'] != 'folder':
        print('new: ' + line)
items = [r for r in after if apart(r) and r['kind'] == 'message']
known = {content(r) for r in before}
seen = set()
for row in items:
    if content(row) in known:
        print('lives: ' + content(row))
    if content(row) in seen:
        print('twice: ' + content(row))
    seen.add(content(row))
print(len(items))
