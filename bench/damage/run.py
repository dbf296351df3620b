#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What comes back of damaged files: kinds of damage x healthy files x seeds x programs.

Makes the healthy files (bases.py), damages them (inject.py, classes.txt), runs the programs, compares
what they give back with what is still there (survey.py, judge.py), and prints the table of docs/recovery.md.
Every result is a line of JSON in --results; a run that is broken off goes on where it was. Needs a build tree
(./build, or $PM_BUILD) and Python 3. Programs that aren't installed are left out.
"""
import argparse
import fnmatch
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import bases
import inject
import judge
import survey
import table
import tools

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
QUICK = {'bases': ['ansi', 'unicode-cyclic'], 'runs': '1:2'}


class Base:
    """A healthy file, and what each program makes of it."""

    def __init__(self, bench, name):
        self.name = name
        text = bases.describe(name)
        self.old, self.inner = bases.old_subjects(text), bases.inner_subjects(text)
        self.path = os.path.join(bench.dir, name + '.pst')
        description = os.path.join(bench.dir, name + '.pmmk')
        with open(description, 'w', encoding='utf-8') as f:
            f.write(text)
        subprocess.run([bench.programs.pmmk, description, self.path], check=True)
        self.survey = survey.Survey(bench.programs.pmhurt, self.path)
        self.truth, self.usual, self.cpu = {}, {}, {}
        inventory = judge.read_pst(bench.programs.pminv, self.path)
        ids = {item.subject: item.nid for item in inventory}
        if len(ids) != len(self.survey.messages()):
            raise SystemExit('%s: %d messages, %d subjects' % (name, len(self.survey.messages()), len(ids)))
        for tool in bench.tools:
            self.healthy(bench, tool, inventory, ids)

    def healthy(self, bench, tool, inventory, ids):
        times = []
        for _ in range(3):
            with bench.scratch() as work:
                result = tools.TOOLS[tool](bench.programs, self.path, work)
            times.append(result.cpu)
        self.cpu[tool] = statistics.median(times)
        if tool == 'pstmend':
            self.truth[tool], self.usual[tool] = inventory, []
            return
        first = {}
        self.usual[tool] = []
        for item in result.items:
            item.nid = ids.get(item.subject)
            if item.nid and item.nid not in first:
                first[item.nid] = item
            else:
                self.usual[tool].append(item.subject)
        self.truth[tool] = list(first.values())


class Bench:
    def __init__(self, args):
        build = os.environ.get('PM_BUILD') or os.path.join(TOP, 'build')
        self.programs = tools.Programs(build, args.readers, args.memory)
        targets = ['tests/tools/' + n for n in ('pmmk', 'pmhurt', 'pminv', 'pmpff')] + ['bench/measure']
        if subprocess.run(['make', '-s', '-C', build] + targets, stdout=subprocess.DEVNULL,
                          env=dict(os.environ, MAKEFLAGS='')).returncode:
            raise SystemExit('cannot build the tools in %s; configure and build there first, or set PM_BUILD' % build)
        if not os.access(self.programs.pstmend, os.X_OK):
            raise SystemExit('there is no %s; build it first, or set PSTMEND' % self.programs.pstmend)
        self.args = args
        self.tools = [t for t in args.tools.split(',') if t in self.programs.names]
        for t in args.tools.split(','):
            if t not in tools.TOOLS:
                raise SystemExit('there is no tool %s: %s' % (t, ' '.join(tools.TOOLS)))
            if t not in self.tools:
                print('%s is not installed: left out' % t, file=sys.stderr)
        self.dir = args.dir
        self.bases = {}

    def scratch(self):
        return tempfile.TemporaryDirectory(prefix='case.', dir=self.dir)

    def cases(self):
        kinds = inject.kinds()
        wanted = self.args.classes
        names = [n for n, (group, _) in kinds.items() if not wanted or
                 any(w == '@' + group or fnmatch.fnmatchcase(n, w) for w in wanted)]
        if not names:
            raise SystemExit('no kind of damage has that name; inject.py --list')
        runs = [tuple(map(int, run.split(':'))) for run in self.args.runs.split(',')]
        return [(base, kinds[n][0], n) + run for run in runs for n in names for base in self.args.bases]


BENCH = None


def hurt(base, name, seed, severity, out):
    """Damages the file; the recipe, or None and why not."""
    try:
        recipe = inject.Injector(base.survey, name, seed, severity).recipe()
    except inject.NoPlace as e:
        return None, str(e)
    p = subprocess.run([BENCH.programs.pmhurt, base.path, '-', out], input=recipe, stderr=subprocess.PIPE, text=True)
    if 'no such field in this format' in p.stderr:
        return None, 'not in this format'
    if p.returncode:
        raise RuntimeError('%s %s %d:%d: %s' % (base.name, name, seed, severity, p.stderr))
    return recipe, ''


def one_tool(base, tool, file, damage, case):
    states = damage.states()
    inside = damage.folder_known if tool == 'pstmend' else None
    with BENCH.scratch() as work:
        result = tools.TOOLS[tool](BENCH.programs, file, work)
    figures, faults = judge.judge(base.truth[tool], states, result.items, result.listed, base,
                                  base.usual[tool], inside)
    return dict(case, tool=tool, figures=figures, faults=faults[:20], again=result.again, status=result.status,
                seconds=result.seconds, cpu=result.cpu, healthy=base.cpu[tool], kib=result.kib)


def one_case(job):
    (name, group, kind, seed, severity), todo = job
    base = BENCH.bases[name]
    case = {'base': name, 'group': group, 'class': kind, 'seed': seed, 'severity': severity}
    results = []
    with BENCH.scratch() as work:
        file = os.path.join(work, 'hurt.pst')
        recipe, why = hurt(base, kind, seed, severity, file)
        if recipe is None:
            return [dict(case, tool=tool, skip=why) for tool in todo]
        with open(file, 'rb') as f:
            data = f.read()
        os.chmod(file, 0o444)
        damage = survey.Damage(base.survey, data, inject.moves(recipe))
        for tool in todo:
            results.append(one_tool(base, tool, file, damage, case))
        if BENCH.args.keep and any(r['tool'] == 'pstmend' and (r['faults'] or r['again']) for r in results):
            kept = os.path.join(BENCH.args.keep, '%s.%s.%d.%d' % (name, kind, seed, severity))
            shutil.copyfile(file, kept + '.pst')
            with open(kept + '.recipe', 'w', encoding='utf-8') as f:
                f.write(recipe)
    return results


def key(r):
    return r['base'], r['class'], r['seed'], r['severity'], r['tool']


def load(path):
    found = []
    if os.path.exists(path):
        with open(path, encoding='utf-8') as f:
            for line in f:
                try:
                    found.append(json.loads(line))
                except ValueError:
                    pass                # a run was broken off in the middle of it
    return found


def measure(args):
    """Runs what has no result yet."""
    global BENCH
    BENCH = Bench(args)
    done = {key(r) for r in load(args.results)}
    jobs = []
    for case in BENCH.cases():
        todo = [t for t in BENCH.tools if (case[0],) + case[2:] + (t,) not in done]
        if todo:
            jobs.append((case, todo))
    for name in sorted({case[0] for case, _ in jobs}):
        BENCH.bases[name] = Base(BENCH, name)
    with open(args.results, 'a+b') as out, multiprocessing.Pool(args.jobs) as pool:
        if out.tell():
            out.seek(-1, os.SEEK_END)
            if out.read() != b'\n':
                out.write(b'\n')
        for i, results in enumerate(pool.imap_unordered(one_case, jobs)):
            for r in results:
                out.write((json.dumps(r, sort_keys=True) + '\n').encode())
            out.flush()
            if sys.stderr.isatty():
                print('\r%d of %d ' % (i + 1, len(jobs)), end='', file=sys.stderr)


def print_faults(results):
    for r in results:
        if r.get('faults') or r.get('again'):
            print('%s %s %d:%d %s%s' % (r['base'], r['class'], r['seed'], r['severity'], r['tool'],
                                        ''.join(', again: ' + a for a in r['again'])))
            for fault in r['faults']:
                print('    ' + ' '.join(map(str, fault)))


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--bases', nargs='+', default=bases.DEFAULT, metavar='NAME', help='healthy files: bases.py --list')
    ap.add_argument('--classes', nargs='+', metavar='NAME', help='kinds of damage; @GROUP, and * and ? work')
    ap.add_argument('--runs', default='1:2,2:4', help='SEED:SEVERITY,... (severity 1 to 4)')
    ap.add_argument('--tools', default=','.join(tools.TOOLS), help='programs, with commas between')
    ap.add_argument('--readers', action='store_true', help='let readpst read what was repaired, too')
    ap.add_argument('--quick', action='store_true', help='two files, one run of each kind, the repair only')
    ap.add_argument('--jobs', type=int, default=os.cpu_count(), help='how many at a time')
    ap.add_argument('--memory', type=int, default=6, metavar='GIB',
                    help='what a program may have; 0: no limit, since the address sanitizer reserves terabytes')
    ap.add_argument('--results', default='damage.jsonl', help='lines of results, added to')
    ap.add_argument('--dir', help='where files are made (default: a temporary directory)')
    ap.add_argument('--keep', metavar='DIR', help='keep the damaged files that a repair has faults with')
    ap.add_argument('--table', action='store_true', help='print the table of the results that are there, run nothing')
    ap.add_argument('--faults', action='store_true', help='print what went wrong, one by one')
    args = ap.parse_args()
    if args.quick:
        args.bases, args.runs, args.tools = QUICK['bases'], QUICK['runs'], 'pstmend'
    for name in args.bases:
        if name not in bases.BASES:
            ap.error('there is no healthy file %s: %s' % (name, ' '.join(bases.BASES)))
    return args


def main():
    args = arguments()
    for directory in filter(None, (args.keep, args.dir)):
        os.makedirs(directory, exist_ok=True)
    if not args.table:
        with tempfile.TemporaryDirectory(prefix='pmdamage.', dir=args.dir) as own:
            args.dir = own
            measure(args)
    results = load(args.results)
    skipped = sum('skip' in r for r in results)
    results = sorted((r for r in results if 'skip' not in r), key=lambda r: list(tools.TOOLS).index(r['tool']))
    if args.faults:
        print_faults(results)
    print(table.table(results))
    if skipped:
        print('\n%d left out: the file has no place for that damage.' % skipped)


if __name__ == '__main__':
    main()
