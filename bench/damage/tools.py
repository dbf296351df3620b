# SPDX-License-Identifier: Apache-2.0
"""The programs that the benchmark runs: each on one file, timed, and what it gave back."""
import json
import os
import re
import resource
import shutil
import subprocess

import judge

SECONDS = 120                   # a program that takes longer hangs
FILE = 4 << 30
SEVERAL = {0, 1, 4, 5, 64, 65, 68, 69}      # what `pstmend` may end with, its manual says


class Result:
    def __init__(self):
        self.items, self.listed, self.again = [], set(), []
        self.seconds, self.cpu, self.kib, self.status = 0.0, 0.0, 0, 0


class Programs:
    def __init__(self, build, readers, memory):
        self.memory = memory << 30
        self.pstmend = os.environ.get('PSTMEND') or os.path.join(build, 'pstmend')
        for name in ('pmmk', 'pmhurt', 'pminv', 'pmpff'):
            setattr(self, name, os.path.join(build, 'tests/tools', name))
        self.measure = os.path.join(build, 'bench/measure')
        self.readers = readers and shutil.which('readpst')
        self.names = [n for n in TOOLS if n.startswith('pstmend') or shutil.which(n)]

    def limits(self):
        if self.memory:
            resource.setrlimit(resource.RLIMIT_AS, (self.memory, self.memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def run(self, result, *command):
        """Runs it under measure; times, memory and status into the result."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out = subprocess.run([self.measure, 'timeout', '-k', '1', str(SECONDS)] + list(command), check=True,
                             stdout=subprocess.PIPE, preexec_fn=self.limits, text=True).stdout.split()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        result.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        result.seconds, result.kib, result.status = float(out[0]), int(out[2]), int(out[3])

    def status(self, *command):
        return subprocess.run(['timeout', '-k', '1', str(SECONDS)] + list(command), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, preexec_fn=self.limits).returncode


def listed(path, rows, which=lambda row: True):
    """Ids and subjects of what a report names."""
    try:
        with open(path, encoding='utf-8') as f:
            report = json.load(f)
    except (OSError, ValueError):
        return set()
    found = set()
    for row in filter(which, report.get(rows) or []):
        found.add(int(row['nid'], 16))
        if row.get('subject'):
            found.add(row['subject'])
    return found


def perhaps_dead(row):
    """Does it say that this may have been deleted, or saved again since?"""
    return row['provenance'].endswith('perhaps not live')


def how_ended(result):
    if result.status in (124, 137):
        result.again.append('hang')
    elif result.status >= 128:
        result.again.append('crash')


def refuted(programs, file, partial):
    """Does libpff find fault with it, but for what the report says is not whole?"""
    known = sorted(nid for nid in partial if isinstance(nid, int))
    options = [word for nid in known for word in ('--partial', hex(nid))]
    return programs.status(programs.pmpff, *options, file) == 2


def repair(programs, file, work):
    result = Result()
    out, report, second = (os.path.join(work, n) for n in ('out.pst', 'report.json', 'second.pst'))
    programs.run(result, programs.pstmend, 'repair', '-q', '-o', out, '--report', report, file)
    how_ended(result)
    if result.status not in SEVERAL and not result.again:
        result.again.append('status %d' % result.status)
    partial = listed(report, 'casualties')
    result.listed = partial | listed(report, 'recovered', perhaps_dead)
    if not os.path.exists(out):
        if result.status != 0:
            result.again.append('no result')
            return result
        out = file                          # it says that nothing needs to be done
    items = judge.read_pst(programs.pminv, out)
    if items is None:
        result.again.append('a strict reader refuses it')
    result.items = items or []
    if programs.status(programs.pstmend, 'check', out) != 0:
        result.again.append('check')
    if programs.status(programs.pstmend, 'repair', '-q', '-o', second, out) != 0 or os.path.exists(second):
        result.again.append('second run')
    if refuted(programs, out, partial):
        result.again.append('libpff')
    if programs.readers:
        mail = os.path.join(work, 'mail')
        os.mkdir(mail)
        if programs.status('readpst', '-q', '-j', '0', '-e', '-o', mail, out) != 0:
            result.again.append('readpst')
    return result


def export(programs, file, work):
    result = Result()
    out, report = os.path.join(work, 'out'), os.path.join(work, 'report.json')
    programs.run(result, programs.pstmend, 'export', '-q', '--format', 'eml', '-o', out, '--report', report, file)
    how_ended(result)
    if result.status not in SEVERAL and not result.again:
        result.again.append('status %d' % result.status)
    result.items = judge.read_mail(out)
    result.listed = listed(report, 'items')
    return result


def readpst(programs, file, work):
    result = Result()
    out = os.path.join(work, 'out')
    os.mkdir(out)
    programs.run(result, 'readpst', '-q', '-j', '0', '-D', '-e', '-o', out, file)
    how_ended(result)
    result.items = judge.read_mail(out)
    return result


def pffexport(programs, file, work):
    result = Result()
    out = os.path.join(work, 'out')
    programs.run(result, 'pffexport', '-q', '-m', 'all', '-f', 'all', '-t', out, file)
    how_ended(result)
    result.items = judge.read_pff(out)
    return result


TOOLS = {'pstmend': repair, 'pstmend-export': export, 'readpst': readpst, 'pffexport': pffexport}
