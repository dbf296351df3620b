#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Damage of a kind of classes.txt, as a recipe for tests/tools/pmhurt.

    inject.py --list
    inject.py PMHURT HEALTHY NAME SEED SEVERITY        prints the recipe

The same file, name, seed and severity give the same recipe every time.
"""
import os
import random
import re
import sys

sys.dont_write_bytecode = True

import survey

SHARE = {1: 0, 2: 1 / 16, 3: 1 / 4, 4: 2 / 3}       # 0: a single one
KINDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'classes.txt')


class NoPlace(Exception):
    """The file has nothing that this kind of damage could hit."""


def kinds(path=KINDS):
    """{name: (group, lines)} in the order of the file."""
    lets, made, current = {}, {}, []
    with open(path, encoding='utf-8') as f:
        for line in f:
            line = line.rstrip('\n')
            head = re.fullmatch(r'\[(\w+)\] (\S+)', line)
            if not line.strip() or line.startswith('#'):
                continue
            if line.startswith('let '):
                name, *values = line.split()[1:]
                lets[name] = values
            elif head:
                current = []
                made[head.group(2)] = (head.group(1), current)
            else:
                current.append(line)
    return {name: kind for pair in made.items() for name, kind in expand(lets, *pair)}


def expand(lets, name, kind):
    for let, values in lets.items():
        if let in name:
            group, lines = kind
            return [pair for v in values
                    for pair in expand(lets, name.replace(let, v), (group, [x.replace(let, v) for x in lines]))]
    return [(name, kind)]


class Target(dict):
    """A member of a set: '' is its address."""

    def __str__(self):
        return str(self[''])


class Injector:
    def __init__(self, map_, name, seed, severity):
        self.map, self.severity = map_, severity
        self.rng = random.Random('%s %d %d' % (name, seed, severity))
        self.kinds = kinds()
        self.name = name
        self.lines = []

    # ---- sets ----

    def pages(self, tree, level):
        of_tree = [p for p in self.map.pages if p[0] == tree]
        if level == 'root':
            return [Target({'': tree + '.root'})]
        levels = {'leaf': 0, 'inner': 1}
        n = sum(p[1] == levels[level] for p in of_tree)
        if of_tree[0][1] == levels[level]:
            n = 0                                       # the root is the only one
        return [Target({'': '%s.%s[%d]' % (tree, level, i)}) for i in range(n)]

    def older(self, tree):
        of_tree = [p for p in self.map.old if p[0] == tree]
        top = max((p[1] for p in of_tree), default=0)
        return [Target({'': '@%d' % at, 'off': at, 'bid': self.map.page_id(at), 'name': tree.upper()})
                for _, level, at in of_tree if level == top and top]

    def map_pages(self, kind):
        return [Target({'': '%s[%d]' % (kind, i)}) for i in range(sum(m[0] == kind for m in self.map.maps))]

    def messages(self, with_=None):
        found = []
        for n in self.map.messages():
            subs = {b.address.count('.sub') and b.address.split('.sub[')[1].split(']')[0] for b in n.blocks}
            if (with_ == 'sub' and '0x692' not in subs) or (with_ == 'attached' and '0x671' not in subs):
                continue
            found.append(Target({'': 'node[0x%x]' % n.nid, 'nid': '0x%x' % n.nid, 'folder': '0x%x' % n.parent,
                                 'contents': '0x%x' % (n.parent & ~0x1F | survey.CONTENTS)}))
        return found

    def folders(self):
        found = []
        for nid, n in self.map.nodes.items():
            if survey.kind(nid) != survey.FOLDER or n.parent in (0, nid) or n.parent == survey.ROOT:
                continue
            found.append(Target({'': 'node[0x%x]' % nid, 'nid': '0x%x' % nid,
                                 'contents': '0x%x' % (nid & ~0x1F | survey.CONTENTS),
                                 'hierarchy': '0x%x' % (nid & ~0x1F | survey.HIERARCHY),
                                 'up': '0x%x' % (n.parent & ~0x1F | survey.HIERARCHY)}))
        return found

    def blocks(self, what):
        """Blocks of messages: all, or lists by type and level (their first two bytes)."""
        wanted = {'xblock': ('xblock', 1), 'xxblock': ('xblock', 2), 'slblock': ('subs', 0), 'siblock': ('subs', 1)}
        found = {}
        for n in self.map.messages():
            for b in n.blocks:
                if what == 'block' or (b.what, self.map.data[b.at + 1]) == wanted[what]:
                    found[b.bid] = Target({'': 'block[0x%x]' % b.bid, 'bid': '0x%x' % b.bid})
        return list(found.values())

    def tables(self, kinds_):
        known = {f['nid'] for f in self.folders()}
        return [Target({'': 'node[0x%x]' % nid, 'nid': '0x%x' % nid}) for nid, n in self.map.nodes.items()
                if survey.kind(nid) in kinds_ and '0x%x' % (nid & ~0x1F | survey.FOLDER) in known and n.blocks]

    def areas(self, size, step, odd=0, skip=0):
        places = range(odd * size + skip, self.map.size - size + 1, step)
        return [Target({'': '@%d' % at}) for at in places]

    def bits(self):
        at = [self.rng.randrange(i, i + 4096) for i in range(0, self.map.size - 4095, 4096)]
        return [Target({'': '@%d:1' % x}) for x in at]

    def set(self, name):
        if name[:4] in ('bbt.', 'nbt.'):
            found = self.pages(*name.split('.'))
        elif name.startswith('old.'):
            found = self.older(name[4:])
        elif name in ('amap', 'pmap'):
            found = self.map_pages(name)
        elif name in ('message', 'message.sub', 'attached'):
            found = self.messages(name.split('.')[-1])
        elif name == 'folder':
            found = self.folders()
        elif name in ('table', 'property'):
            found = self.tables((survey.HIERARCHY, survey.CONTENTS) if name == 'table' else (survey.FOLDER,))
        elif name == 'bit':
            found = self.bits()
        elif name in ('sector512', 'sector4096', 'chunk64k', 'odd64k'):
            size = {'sector512': 512, 'sector4096': 4096}.get(name, 65536)
            found = self.areas(size, 2 * size if name == 'odd64k' else size, name == 'odd64k')
        else:
            found = self.blocks(name)
        if not found:
            raise NoPlace('%s: there is no %s' % (self.name, name))
        return found

    # ---- words ----

    def number(self, low, high):
        v = self.rng.randint(int(low, 0), int(high, 0))
        return '0x%x' % v if low.startswith('0x') or high.startswith('0x') else str(v)

    def word(self, text, line, names):
        size = self.map.size
        between = re.fullmatch(r'(\w+)-(\w+)', text)
        if text == 'noise' or text == 'noise?':
            wanted = text == 'noise' or line.split()[0] == 'noise'
            return str(self.rng.randint(1, 1 << 31)) if wanted else ''
        if text == 'place':
            return str(self.rng.randrange(size // 16, size - 6000))
        if text == 'place512':
            return str(self.rng.randrange(size // 16, size - 6000) // 512 * 512)
        if text == 'keep':
            return str(int(size * (1 - (SHARE[self.severity] or 0.01))))
        if text == 'anyfolder':
            return self.rng.choice(self.folders())['nid']
        if between:
            return self.number(*between.groups())
        name, *rest = text.split('.')
        target, others = names[name]
        if rest and rest[0] == 'other':
            target = self.rng.choice([t for t in others if t is not target] or [target])
            rest = rest[1:]
        return str(target[rest[0] if rest else ''])

    def chosen(self, how, found):
        if how == 'all':
            return found
        share = SHARE[self.severity] if how == 'for' else 0
        n = max(1, int(len(found) * share))
        picked = set(self.rng.sample(range(len(found)), n))
        return [t for i, t in enumerate(found) if i in picked]

    def emit(self, line, names):
        made = re.sub(r'\{([^}]+)\}', lambda m: self.word(m.group(1), line, names), line)
        self.lines.append(made.strip())

    def use(self, name):
        lines = self.kinds[name][1]
        i = 0
        while i < len(lines):
            words = lines[i].split()
            i += 1
            if words[0] == 'use':
                self.use(words[1])
            elif words[0] in ('for', 'one', 'all'):
                body = []
                while i < len(lines) and lines[i].startswith(' '):
                    body.append(lines[i])
                    i += 1
                found = self.set(words[3])
                for target in self.chosen(words[0], found):
                    for line in body:
                        self.emit(line, {words[1]: (target, found)})
            else:
                self.emit(lines[i - 1], {})

    def recipe(self):
        self.use(self.name)
        return '\n'.join(self.lines) + '\n'


def moves(recipe):
    """What puts bytes in and takes them out: (word, number, number)."""
    found = []
    for line in recipe.splitlines():
        words = line.split()
        if words and words[0] in ('truncate', 'insert', 'remove'):
            found.append((words[0],) + tuple(int(w) for w in words[1:3]))
    return found


if __name__ == '__main__':
    if sys.argv[1:] == ['--list']:
        for name_, (group_, _) in kinds().items():
            print('%-10s %s' % (group_, name_))
    elif len(sys.argv) == 6:
        print(Injector(survey.Survey(*sys.argv[1:3]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])).recipe(), end='')
    else:
        sys.exit(__doc__)
