# SPDX-License-Identifier: Apache-2.0
"""The table of docs/recovery.md, from lines of results."""
import collections
import statistics

import survey

GROUPS = (('header', 'header'), ('maps', 'allocation maps'), ('trees', 'block tree, node tree'),
          ('blocks', 'blocks, their lists'), ('inside', 'heaps, properties, tables'),
          ('folders', 'folders, rows, parents'), ('areas', 'whole areas'), ('several', 'several of these'),
          ('unknowable', 'under right checksums'))
COLUMNS = ('damage to', 'program', 'files', 'intact', 'unindexed', 'unsealed', 'partial found', 'folder', 'passed off',
           'silent', 'invented, doubled', 'deleted', 'again', 'time', 'MB')


def percent(part, whole):
    """Never rounded up to 100."""
    if not whole:
        return '-'
    text = '%.1f' % (int(1000 * part / whole) / 10)
    return '%s %% of %d' % (text[:-2] if text.endswith('.0') else text, whole)


def came_back(figures, state, *good):
    whole = sum(figures['%s %s' % (state, came)] for came in ('same', 'less', 'wrong', 'lost'))
    return percent(sum(figures['%s %s' % (state, came)] for came in good), whole)


def row(name, tool, results):
    figures = collections.Counter()
    for r in results:
        figures.update(r['figures'])
    right = figures['folder right']
    ours = tool == 'pstmend'
    ratio = [r['cpu'] / r['healthy'] for r in results if r['healthy']]
    return (name, tool, len(results), came_back(figures, survey.INTACT, 'same'),
            came_back(figures, survey.UNINDEXED, 'same'), came_back(figures, survey.UNSEALED, 'same'),
            came_back(figures, survey.PARTIAL, 'same', 'less', 'wrong'),
            percent(right, right + figures['folder wrong']) if ours else '-',
            figures['passed-off'], figures['silent'], figures['invented'] + figures['doubled'], figures['deleted-back'],
            sum(bool(r['again']) for r in results),
            '%.1f' % statistics.median(ratio) if ratio else '-',
            '%.0f' % (max(r['kib'] for r in results) / 1024))


def table(results):
    lines = ['| %s |' % ' | '.join(COLUMNS), '|' + '---|' * len(COLUMNS)]
    tools = list(dict.fromkeys(r['tool'] for r in results))
    rows = []
    for group, name in GROUPS:
        for tool in tools:
            some = [r for r in results if r['group'] == group and r['tool'] == tool]
            if some:
                rows.append(row(name, tool, some))
    for tool in tools:
        some = [r for r in results if r['tool'] == tool and r['group'] != 'unknowable']
        if some:
            rows.append(row('**all but the last**', tool, some))
    return '\n'.join(lines + ['| %s |' % ' | '.join(map(str, r)) for r in rows])
