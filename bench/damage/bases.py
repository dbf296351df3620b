#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The healthy files of the benchmark, as descriptions for tests/tools/pmmk.

    bases.py NAME               prints the description
    bases.py --list             the names

The same name gives the same description every time, and pmmk the same bytes. Every message has
a subject and contents that no other one has, so that a result can be told apart by them.
"""
import random
import sys

# format, encoding, messages, what else. Few entries a page where the pages are so big that a
# store of this size would have trees of two levels only.
BASES = {
    'ansi': ('ansi', 'permute', 180, ['stale', 'dead 4']),
    'ansi-none': ('ansi', 'none', 150, ['fill 12']),
    'unicode': ('unicode', 'permute', 200, ['stale', 'dead 6']),
    'unicode-cyclic': ('unicode', 'cyclic', 170, ['room 300000']),
    'unicode-wide': ('unicode', 'none', 120, []),
    '4k': ('4k', 'permute', 150, ['fill 24', 'stale']),
    '4k-zlib': ('4k', 'none', 120, ['fill 24', 'zlib']),
    'tiny': ('unicode', 'permute', 14, ['fill 6']),         # for the benchmark's own test
}
DEFAULT = [name for name in BASES if name != 'tiny']

FOLDERS = ['Inbox', 'Inbox/Projects', 'Inbox/Projects/Mühle', 'Inbox/Lists', 'Sent Items', 'Archive',
           'Archive/2019', 'Archive/2020', 'Archive/2020/Summer', 'Receipts', 'Łódź', 'Travel']
SYLLABLES = 'ba ce di fo gu la me ni po ru sa te vi wo zu kra ste mil pon der fal gri hom tus'.split()
NAMES = ['Ann Archer', 'Béla Bartos', 'Chloé Dupont', 'Dörte Ebert', 'Egon Fähr', 'Fay Green',
         'Gül Hakan', 'Hugo Iversen']
FILES = [('notes.txt', 'text/plain'), ('plan.pdf', 'application/pdf'), ('photo.jpg', 'image/jpeg'),
         ('Übersicht.xls', 'application/vnd.ms-excel'), ('data.bin', 'application/octet-stream')]


def words(rng, n):
    return ' '.join(''.join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 4))) for _ in range(n))


def sentences(rng, n, break_):
    return break_.join(words(rng, rng.randint(4, 14)).capitalize() + '.' for _ in range(n))


def address(name):
    plain = name.lower().encode('ascii', 'ignore').decode().replace(' ', '.')
    return '%s@example.org' % plain


class Description:
    def __init__(self, name):
        self.kind, self.crypt, self.messages, self.options = BASES[name]
        self.rng = random.Random('pstmend damage ' + name)
        self.wide = name == 'unicode-wide'
        self.serial = 0
        self.lines = ['format ' + self.kind, 'crypt ' + self.crypt] + self.options
        self.lines.append('store "Damage %s"' % name)

    def add(self, line, *args):
        self.lines.append(line % args)

    def bodies(self):
        rng, shape = self.rng, self.rng.random()
        if shape < 0.45:
            self.add('text "%s"', sentences(rng, rng.randint(1, 30), '\\r\\n'))
        elif shape < 0.6:
            self.add('text @%d', rng.randint(1500, 26000))
        if 0.3 < shape < 0.9:
            if rng.random() < 0.7:
                self.add('html "%s"', sentences(rng, rng.randint(1, 40), '<br>\\r\\n'))
            else:
                self.add('html @%d', rng.randint(3000, 40000))
        if shape > 0.8:
            self.add('rtf "%s"', sentences(rng, rng.randint(2, 30), '\\\\par '))

    def people(self):
        rng = self.rng
        sender = rng.choice(NAMES)
        self.add('from "%s" %s', sender, address(sender))
        if rng.random() < 0.04:
            self.add('recipients %d', rng.randint(20, 70))
            return
        for i in range(rng.randint(1, 4)):
            who = rng.choice(NAMES)
            self.add('%s "%s" %s', ('to', 'to', 'cc', 'bcc')[i], who, address(who))

    def size(self):
        rng, r = self.rng, self.rng.random()
        if r < 0.5:
            return rng.randint(50, 3000)
        return rng.randint(3000, 12000) if r < 0.75 else rng.randint(12000, 90000)

    def attachments(self):
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            name, mime = self.rng.choice(FILES)
            self.add('attach "%s" %s @%d', name, mime, self.size())

    def message(self, word='message'):
        self.serial += 1
        self.add('%s "%s %04d"', word, words(self.rng, self.rng.randint(1, 6)), self.serial)
        self.people()
        self.bodies()
        if self.rng.random() < 0.3:
            self.attachments()
        if self.rng.random() < 0.06 and word == 'message':
            self.add('embed "Inside %s %04d"', words(self.rng, 2), self.serial)
            self.people()
            self.bodies()
            self.attachments()
            self.add('end')
        if 'stale' in self.options and self.rng.random() < 0.05:
            self.add('was "Before %s %04d"', words(self.rng, 2), self.serial)

    def text(self):
        share = [self.rng.randint(1, 10) for _ in FOLDERS]
        for folder, part in zip(FOLDERS, share):
            self.add('folder "%s" IPF.Note', folder.replace('Ł', 'L').replace('ź', 'z')
                     if self.kind == 'ansi' else folder)
            for _ in range(max(1, self.messages * part // sum(share))):
                self.message()
            if 'stale' in self.options and self.rng.random() < 0.5:
                self.message('deleted')
        if self.wide:
            # an XXBLOCK (the same block again and again), and a SIBLOCK
            self.message()
            self.add('blocks "film.bin" application/octet-stream 1030')
            self.message()
            self.add('attachments 345')
        return '\n'.join(self.lines) + '\n'


def describe(name):
    return Description(name).text()


def old_subjects(text):
    """What an older generation called what is deleted or changed now."""
    return {line.split('"')[1] for line in text.splitlines() if line.startswith(('deleted "', 'was "'))}


def inner_subjects(text):
    """{subject of an embedded message: subject of the message that it is in}"""
    found, outer = {}, ''
    for line in text.splitlines():
        if line.startswith('message "'):
            outer = line.split('"')[1]
        elif line.startswith('embed "'):
            found[line.split('"')[1]] = outer
    return found


if __name__ == '__main__':
    if len(sys.argv) != 2 or (sys.argv[1] != '--list' and sys.argv[1] not in BASES):
        sys.exit(__doc__)
    sys.stdout.reconfigure(encoding='utf-8')
    sys.stdout.write('\n'.join(DEFAULT) + '\n' if sys.argv[1] == '--list' else describe(sys.argv[1]))
