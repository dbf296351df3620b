# SPDX-License-Identifier: Apache-2.0
"""Which bytes of a healthy file are whose, and what damage left of a message.

Told from the healthy file (pmhurt --survey) and the bytes that changed; nothing of this knows how
a repair works.
"""
import subprocess

# What is left of a message.
INTACT = 'intact'           # no byte of its own blocks changed, and an entry of the node tree names them
UNINDEXED = 'unindexed'     # likewise, but no such entry is anywhere in the file
UNSEALED = 'unsealed'       # its bytes are there, trailers of its blocks (or what is between) are not
PARTIAL = 'partial'         # bytes of a block were hit
DESTROYED = 'destroyed'     # bytes of every block were hit
STATES = (INTACT, UNINDEXED, UNSEALED, PARTIAL, DESTROYED)

FOLDER, MESSAGE, HIERARCHY, CONTENTS = 2, 4, 0xD, 0xE
ROOT = 0x122


def kind(nid):
    return nid & 0x1F


class Block:
    def __init__(self, address, what, at, size, stored, bid):
        self.address, self.what, self.at, self.size, self.stored, self.bid = address, what, at, size, stored, bid


class Node:
    def __init__(self, nid, at, size, parent):
        self.nid, self.at, self.size, self.parent = nid, at, size, parent
        self.blocks = []


class Survey:
    def __init__(self, pmhurt, path):
        self.path = path
        with open(path, 'rb') as f:
            self.data = f.read()
        self.pages, self.old, self.maps, self.nodes = [], [], [], {}
        out = subprocess.run([pmhurt, '--survey', path], stdout=subprocess.PIPE, check=True, text=True).stdout
        for line in out.splitlines():
            self.line(*line.split())
        if not out.endswith('end\n'):
            raise ValueError('no survey of ' + path)

    def line(self, word, *args):
        if word == 'file':
            self.size, self.page, self.unit, self.format = int(args[0]), int(args[1]), int(args[2]), args[3]
        elif word in ('page', 'old'):
            getattr(self, 'pages' if word == 'page' else 'old').append((args[0], int(args[1]), int(args[2])))
        elif word == 'map':
            self.maps.append((args[0], int(args[1])))
        elif word == 'node':
            nid = int(args[0], 16)
            self.nodes[nid] = Node(nid, int(args[1]), int(args[2]), int(args[3], 16))
        elif word == 'own':
            block = Block(args[1], args[2], int(args[3]), int(args[4]), int(args[5]), int(args[6], 16))
            self.nodes[int(args[0], 16)].blocks.append(block)

    def messages(self):
        return [n for n in self.nodes.values() if kind(n.nid) == MESSAGE]

    def id_size(self):
        return 4 if self.format == 'ansi' else 8

    def page_id(self, at):
        """The bid in a page's trailer."""
        if self.format == 'ansi':
            at += self.page - 12 + 4
        else:
            at += self.page - (16 if self.format == 'unicode' else 24) + 8
        return int.from_bytes(self.data[at:at + self.id_size()], 'little')


class Shift:
    """Where bytes of the healthy file are, once some were put in or taken out."""

    def __init__(self, moves, size):
        # pieces (from, to, where `from` is now)
        self.pieces = [(0, size, 0)]
        for word, *n in moves:
            if word == 'truncate':
                self.take(n[0], 1 << 62)
            elif word == 'remove':
                self.take(n[0], n[1])
            elif word == 'insert':
                self.put(n[0], n[1])

    def split(self, at):
        for i, (a, b, now) in enumerate(self.pieces):
            if now < at < now + b - a:
                cut = a + at - now
                self.pieces[i:i + 1] = [(a, cut, now), (cut, b, at)]
                return

    def put(self, at, n):
        self.split(at)
        self.pieces = [(a, b, now + n if now >= at else now) for a, b, now in self.pieces]

    def take(self, at, n):
        self.split(at)
        self.split(at + n)
        self.pieces = [(a, b, now - n if now >= at + n else now) for a, b, now in self.pieces
                       if not at <= now < at + n]

    def where(self, at, n):
        """Where these bytes are, if they are all there and in one piece; else None."""
        for a, b, now in self.pieces:
            if a <= at and at + n <= b:
                return now + at - a
        return None


class Damage:
    """What became of everything, once `survey`'s file became `data`."""

    def __init__(self, survey, data, moves):
        self.survey, self.data = survey, data
        self.shift = Shift(moves, survey.size)

    def same(self, at, n):
        now = self.shift.where(at, n)
        return now is not None and self.data[now:now + n] == self.survey.data[at:at + n]

    def named(self, node):
        """Is an entry of this node, with the same blocks, anywhere in the file?"""
        if self.same(node.at, node.size):
            return True
        n = 3 * self.survey.id_size()       # nid, bidData, bidSub
        entry = self.survey.data[node.at:node.at + n]
        at = self.data.find(entry)
        while at >= 0 and at % 4:           # not where it is by chance
            at = self.data.find(entry, at + 1)
        return at >= 0

    def state(self, nid):
        node = self.survey.nodes[nid]
        hit = sum(not self.same(b.at, b.size) for b in node.blocks)
        if hit:
            return DESTROYED if hit == len(node.blocks) else PARTIAL
        if not all(self.same(b.at + b.size, b.stored - b.size) for b in node.blocks):
            return UNSEALED
        if not all(self.same(b.at, b.stored) for b in node.blocks):
            return PARTIAL                  # cut in two between contents and trailer
        return INTACT if self.named(node) else UNINDEXED

    def states(self):
        return {n.nid: self.state(n.nid) for n in self.survey.messages()}

    def folder_there(self, nid):
        """Are the objects of this folder and all above it untouched, and their entries?"""
        for _ in range(64):
            node = self.survey.nodes.get(nid)
            if not node or self.state(nid) != INTACT:
                return False
            if nid == ROOT:
                return True
            nid = node.parent
        return False

    def folder_known(self, nid):
        """Can the folder of this message be known, from its entry or else its folder's table?"""
        folder = self.survey.nodes[nid].parent
        if self.state(nid) == UNINDEXED and self.state(folder & ~0x1F | CONTENTS) != INTACT:
            return False
        return self.folder_there(folder)
