# SPDX-License-Identifier: Apache-2.0
"""Compares what a tool made of a damaged file with the healthy one.

A message is a dictionary of parts: name -> (length, digest) or text; what is not there has no entry.
A repaired file is read by tests/tools/pminv, which takes only what a mail program would show; exports are
read as mail, and compared with the same tool's export of the healthy file, so that no tool is blamed
for its way to write mail.
"""
import collections
import email
import email.header
import hashlib
import os
import re
import subprocess

import survey

SAME, LESS, WRONG, LOST = 'same', 'less', 'wrong', 'lost'       # what came back of a message

HEAD = re.compile(r'(?:unlisted )?message 0x([0-9a-f]+) (\S+) (".*"|-) flags 0x\w+ (\S+) from (.*)$')
VALUE = re.compile(r'(text|html|rtf|properties) (\d+) (\w+)( \w+)?$')
ATTACHED = re.compile(r'attachment 0x\w+ (.*?)(?: (\d+) (\w+))?( [A-Z ]+)?$')


class Item:
    def __init__(self, nid, subject, folder):
        self.nid, self.subject, self.folder = nid, subject, folder
        self.parts = {}
        self.listed, self.date = True, None

    def key(self):
        return tuple(sorted(self.parts.items()))


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


# ---- a repaired file ----

def attachments(lines):
    """(name and method, length, digest) of each, from the lines below a message."""
    found, depth = [], None
    for at, line in lines:
        m = ATTACHED.match(line)
        if m and (depth is None or at <= depth):
            depth = at
            found.append([m.group(1), int(m.group(2) or 0), [m.group(3) or '-', (m.group(4) or '').strip()]])
        elif found and depth is not None and at > depth and not line.startswith('properties '):
            found[-1][2].append(re.sub(r' 0x[0-9a-f]+ ', ' ', line))
    return found


def add_parts(item, head, lines):
    item.parts['head'] = (0, '%s %s %s %s' % head)
    top = [(at, line) for at, line in lines if at == 4]
    people = []
    for _, line in top:
        m = VALUE.match(line)
        if m:
            if not m.group(4) or m.group(1) == 'properties':
                item.parts[m.group(1)] = (int(m.group(2)), m.group(3))
            elif int(m.group(2)):
                item.parts[m.group(1)] = (int(m.group(2)) - 1, m.group(3))
        elif line.startswith(('to ', 'cc ', 'bcc ', 'recipient ')):
            people.append(line)
    if people:
        item.parts['recipients'] = (len(people), digest('\n'.join(sorted(people)).encode()))
    seen = collections.Counter()
    for name, size, rest in attachments(lines):
        seen[name] += 1
        if rest == ['-', 'LOST'] or rest == ['-', 'NONE'] or rest == ['-', 'LOST MISSING']:
            continue
        item.parts['attached %s %d' % (name, seen[name])] = (size, digest(repr(rest).encode()))


def inventory(text):
    """The messages in what pminv prints; None when the file isn't sound."""
    found, folder, lines = [], '', None
    for line in text.split('\n'):
        at = len(line) - len(line.lstrip())
        word = line.strip()
        if at == 0 and word.startswith('folder '):
            m = re.match(r'folder 0x[0-9a-f]+ "(.*)" \S+ count', word)
            folder = m.group(1) if m else '?'
        if at <= 2:
            lines = None
            m = HEAD.match(word)
            if m and (at == 2 or word.startswith('unlisted')):
                item = Item(int(m.group(1), 16), m.group(3).strip('"'), folder)
                item.listed = at == 2
                item.date = m.group(4) if m.group(4)[:4] > '1601' else None
                lines = []
                found.append((item, m.groups()[1:], lines))
        elif lines is not None:
            lines.append((at if found[-1][0].listed else at + 2, word))
    for item, head, below in found:
        add_parts(item, head, below)
    return [item for item, _, _ in found]


def read_pst(pminv, path):
    p = subprocess.run([pminv, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text = p.stdout.decode('utf-8', 'replace')
    return inventory(text) if p.returncode == 0 else None


# ---- exports ----

def header(message, name):
    """A header's words; coded or not, in any charset."""
    out = []
    try:
        for part, charset in email.header.decode_header(str(message.get(name) or '')):
            out.append(part if isinstance(part, str) else part.decode(charset or 'utf-8', 'replace'))
    except (LookupError, ValueError, email.errors.HeaderParseError):
        return str(message.get(name))
    return ' '.join(''.join(out).split())


def leaves(part, depth=0):
    """(name, bytes) of all that is in a mail, what is inside of attached mail included."""
    if part.get_content_type() == 'message/rfc822' and depth < 20:
        for inner in part.get_payload() if isinstance(part.get_payload(), list) else []:
            yield 'attached mail', header(inner, 'Subject').encode()
            yield from leaves(inner, depth + 1)
    elif part.is_multipart():
        for inner in part.get_payload():
            yield from leaves(inner, depth + 1)
    else:
        name = part.get_filename()
        yield ('attached %s' % str(name) if name else part.get_content_type()), part.get_payload(decode=True) or b''


def put(item, name, data):
    n = 1
    while (name, n) in item.parts:
        n += 1
    item.parts[name, n] = (len(data), digest(data))


def read_mail(directory):
    """A directory of .eml files. readpst writes attached mail so that its boundaries, which have a number of their
    own each time, stand in the text."""
    found = []
    for path, _, files in sorted(os.walk(directory)):
        for name in sorted(files):
            if not name.endswith('.eml'):
                continue
            with open(os.path.join(path, name), 'rb') as f:
                message = email.message_from_bytes(f.read())
            item = Item(None, header(message, 'Subject'), os.path.basename(path))
            for leaf, data in leaves(message):
                put(item, leaf, re.sub(rb'LibPST-iamunique-\d+', b'', data))
            found.append(item)
    return found


def read_pff(prefix):
    """What pffexport wrote: a directory a message, with a file for each part."""
    found = []
    for suffix in ('.export', '.orphans', '.recovered'):
        for path, _, files in sorted(os.walk(prefix + suffix)):
            if 'OutlookHeaders.txt' not in files or '/Attachments/' in path:
                continue
            with open(os.path.join(path, 'OutlookHeaders.txt'), 'rb') as f:
                text = f.read().decode('utf-8', 'replace')
            m = re.search(r'^Subject:[ \t]*(.*)$', text, re.M)
            item = Item(None, ' '.join(m.group(1).split()) if m else '', os.path.basename(os.path.dirname(path)))
            for below, _, names in sorted(os.walk(path)):
                for name in sorted(names):
                    if name in ('OutlookHeaders.txt', 'InternetHeaders.txt', 'ConversationIndex.txt', 'ItemValues.txt'):
                        continue
                    with open(os.path.join(below, name), 'rb') as f:
                        put(item, os.path.relpath(os.path.join(below, name), path), f.read())
            found.append(item)
    return found


# ---- the verdict ----

def compare(true, got):
    """The worst of: a part that differs, one that is missing or short."""
    worst = SAME
    for name in set(true.parts) | set(got.parts):
        a, b = true.parts.get(name), got.parts.get(name)
        if a == b:
            continue
        if a is None or (b is not None and b[0] >= a[0]):
            return WRONG
        worst = LESS
    return worst


def match(truth, items):
    """(truth, item) pairs and what is left over; by all contents, by id and subject, by subject; then, where
    the subject is nobody's, by id, by date, or by a part of some length that is the same."""
    left, pairs = list(items), {}
    known = {t.subject for t in truth}
    for key in (lambda i: (i.subject, i.key()), lambda i: (i.nid, i.subject), lambda i: i.subject, lambda i: i.nid,
                lambda i: i.date):
        by = collections.defaultdict(list)
        for t in truth:
            if t not in pairs:
                by[key(t)].append(t)
        rest = []
        for item in left:
            found = by.get(key(item))
            if found and key(item) and not (key(item) in (item.nid, item.date) and item.subject in known):
                pairs[found.pop()] = item
            else:
                rest.append(item)
        left = rest
    return pairs, [item for item in left if item.subject in known or not by_part(truth, item, pairs)]


def by_part(truth, item, pairs):
    """Pairs the item with a message that it has a part of, if there is one."""
    parts = {p for p in item.parts.items() if p[1][0] >= 50}
    for t in truth:
        if t not in pairs and parts & set(t.parts.items()):
            pairs[t] = item
            return True
    return False


def judge(truth, states, items, listed, base, usual=(), folder_there=None):
    """Figures of one result, and its faults one by one. `truth`: messages of the healthy file; `states`: what damage
    left of each, by id; `listed`: ids and subjects that the tool's report names as not whole; `base.old`: subjects of
    what was deleted or replaced before; `base.inner`: of embedded messages, and what they are in; `usual`: subjects
    that the tool gives more often of the healthy file, too; `folder_there`: can its folder be known?"""
    figures = collections.Counter()
    faults, whole = [], set()
    pairs, left = match(truth, [i for i in items if i.listed])
    for t in truth:
        state, got = states[t.nid], pairs.get(t)
        came = LOST if got is None else compare(t, got)
        said = not listed.isdisjoint((t.nid, t.subject) if got is None else (t.nid, t.subject, got.nid, got.subject))
        figures['%s %s' % (state, came)] += 1
        fault = None
        if came == SAME:
            whole.add(t.subject)
            figures['doubted'] += said
        elif came == WRONG and not said:
            fault = 'silent'
        elif state in (survey.INTACT, survey.UNINDEXED):
            fault = 'not-back'
        elif came == LESS and not said:
            fault = 'passed-off'
        if fault:
            figures[fault] += fault != 'not-back'
            faults.append((fault, '0x%x' % t.nid, t.subject, state, came))
        if folder_there and came == SAME and folder_there(t.nid):
            figures['folder right' if t.folder == got.folder else 'folder wrong'] += 1
            if t.folder != got.folder:
                faults.append(('folder', '0x%x' % t.nid, t.subject, state, '%s, not %s' % (got.folder, t.folder)))
    usual = collections.Counter(usual)
    known = {t.subject for t in truth}
    for item in left:
        if usual[item.subject]:
            usual[item.subject] -= 1
            continue
        what = surplus(item.subject, known, whole, base)
        if what == 'invented' and item.nid in listed:
            what = 'fragment'               # its subject is lost, and the report says that it is not whole
        figures[what] += 1
        faults.append((what, '0x%x' % (item.nid or 0), item.subject, '', ''))
    return figures, faults


def surplus(subject, known, whole, base):
    """What an item is that is no message of the healthy file, or one more of it."""
    if subject in base.inner:
        return 'doubled' if base.inner[subject] in whole else 'freed'    # from what it was in
    return 'doubled' if subject in known else 'deleted-back' if subject in base.old else 'invented'
