# SPDX-License-Identifier: Apache-2.0
"""Compare what `pstmend check --format json` found with what the independent validator did.

    check-corpus.py kinds INVARIANTS OURS THEIRS    lines in which the kinds differ
    check-corpus.py verdict THEIRS                  the exit status that check must have
"""
import json
import sys


def theirs(path):
    """None when the validator could not read the file at all."""
    try:
        with open(path) as f:
            return json.loads(f.readline())
    except ValueError:
        return None


def kinds(invariants, ours, validator):
    problems = {}
    for line in open(invariants):
        if not line.startswith('#'):
            number, *names = line.split()
            problems[number] = names
    found = json.load(open(ours))['kinds']
    severity = {p['problem']: p['severity'] for p in json.load(open(ours))['problems']}
    explained = set()
    for number, finding in sorted(theirs(validator)['findings'].items()):
        explained.update(problems[number])
        # Counts in the density list differ: we give one problem a page, and none for a bad one.
        if number != 'A13' and not any(found.get(name) for name in problems[number]):
            print('%s (%s): the validator has %d, we have no %s' % (
                number, finding['severity'], finding['count'], ' or '.join(problems[number])))
    stated = {name for names in problems.values() for name in names}
    for name, n in found.items():
        if name in stated and name not in explained and severity.get(name) != 'info':
            print('%s: we have %d, the validator has none' % (name, n))


def verdict(validator):
    t = theirs(validator)
    print(4 if t is None or t['errors'] else 0)


if __name__ == '__main__':
    {'kinds': kinds, 'verdict': verdict}[sys.argv[1]](*sys.argv[2:])
