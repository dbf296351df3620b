#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What Python's email package finds wrong with messages:
#	defects.py DIRECTORY [HEADERS]
# reads every .eml below DIRECTORY, with all parts, and the fields of each. A line a defect, "FILE:
# TYPE OF PART: WHAT", and at the end "FILES files, PARTS parts, N defects". Below HEADERS pffexport
# has written the headers that messages came with (InternetHeaders.txt): what is wrong with a field
# that is there word by word, or goes on behind it, is not ours and is left out; so are message ids.
import email
import email.policy
import os
import re
import sys

IDS = ('message-id', 'in-reply-to', 'references')


def unfold(value):
    return ' '.join(value.split())


def came(top):
    """The fields of all headers below TOP: a set of (name, value)."""
    fields = set()
    for d, _, names in os.walk(top):
        for name in names:
            if name == 'InternetHeaders.txt':
                with open(os.path.join(d, name), encoding='latin-1', newline=None) as f:
                    for m in re.finditer(r'^([!-9;-~]+):[ \t]*(.*(?:\n[ \t].*)*)', f.read(), re.M):
                        fields.add((m.group(1).lower(), unfold(m.group(2))))
    return fields


def is_ours(name, value, fields):
    value = unfold(value)
    while value:
        if (name, value) in fields:
            return False
        # People whom the header lacks stand behind those whom it has.
        value = value.rpartition(',')[0]
    return True


def defects(part, plain, fields):
    """PLAIN is the same part with its values as they stand in the file."""
    if not part.is_multipart():
        part.get_payload(decode=True) # finds faults as well
    yield from map(repr, part.defects)
    for (name, value), (_, raw) in zip(part.items(), plain.items()):
        if fields is not None and name.lower() in IDS:
            continue
        for d in getattr(value, 'defects', ()):
            if fields is None or is_ours(name.lower(), str(raw), fields):
                yield '%s: %r: %s' % (name, d, unfold(str(value)))


def main(top, headers=None):
    fields = came(headers) if headers else None
    files = parts = wrong = 0
    for d, _, names in os.walk(top):
        for name in names:
            if not name.endswith('.eml'):
                continue
            path = os.path.join(d, name)
            with open(path, 'rb') as f:
                raw = f.read()
            files += 1
            for part, plain in zip(email.message_from_bytes(raw, policy=email.policy.default).walk(),
                                   email.message_from_bytes(raw, policy=email.policy.compat32).walk()):
                parts += 1
                for x in dict.fromkeys(defects(part, plain, fields)):
                    wrong += 1
                    print('%s: %s: %s' % (path, part.get_content_type(), x))
    print('%d files, %d parts, %d defects' % (files, parts, wrong))


sys.stdout.reconfigure(encoding='utf-8', errors='backslashreplace')
main(*sys.argv[1:])
