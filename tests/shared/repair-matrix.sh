#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A part of the damage matrix of the test kit: header, maps, trees, trailers and folder tables of
# generated files in three formats, damaged at random (but the same on every run), repaired, and
# scored by the kit, which reads with code of its own.
. "${top_srcdir:?}/tests/tap.sh"

shared=${PM_SHARED:-$top_srcdir/../shared}
[ -f "$shared/kit/bench.py" ] || skip_all "there is no $shared/kit/bench.py"
command -v python3 >/dev/null || skip_all "python3 is missing"
kit=$tmp/kit
mkdir "$kit" && cp "$shared"/kit/*.py "$kit" && cp -r "$shared/kit/lib" "$kit" &&
	chmod -R u+w "$kit" || exit 99

# base NAME OPTION...: a healthy file
base()
{
	name=$1
	shift
	run python3 "$kit/lib/mkpst.py" "$@" --messages 40 --attach-mean 4000 --folders 8 \
		--depth 4 --body-mean 1500 --special none --orphans 4 \
		--truth "$tmp/$name.jsonl" "$tmp/$name.pst"
	exits 0 "the $name base is made"
}
base unicode --unicode --crypt permute --seed 21
base ansi --ansi --crypt permute --seed 22
base unicode4k --unicode4k --crypt cyclic --seed 23

run python3 "$kit/bench.py" --name pstmend --tool "$PSTMEND repair {in} -o {out}" --kind pst \
	--second --quick --runs 1:2,2:4,3:3 --tmp "$tmp" --results "$tmp/results.jsonl" \
	--classes @header,@maps,@btree,block-trailer,hierarchy-table,contents-table \
	--bases "$tmp/unicode.pst" "$tmp/ansi.pst" "$tmp/unicode4k.pst"
exits 0 "the matrix is run"

# RESULTS QUESTION: the cases in which the answer is wrong
cat >"$tmp/wrong.py" <<'PY'
import json
import sys

CONTRACT = (0, 1, 4, 5, 64, 65, 68, 69)
QUESTIONS = {
    'kit': lambda r: r.get('kit_error'),
    'status': lambda r: r['rc'] not in CONTRACT or r['crash'] or r['hang'],
    'scored': lambda r: 'rates' not in r,
    'content': lambda r: r['rates']['intact_content'] != r['rates']['intact'],
    'pstcheck': lambda r: r['pstcheck']['errors'],
    'rerun': lambda r: r['rerun_needed'],
    'silent': lambda r: r['silent_corruption'],
    'passed': lambda r: r['partial']['passed_off'],
    'invented': lambda r: r.get('unmatched_extra', r['unmatched']) or r['duplicates'],
}
rows = [json.loads(line) for line in open(sys.argv[1])]
rows = [r for r in rows if 'skip' not in r]
if sys.argv[2] == 'count':
    print(len(rows))
else:
    for r in rows:
        try:
            if QUESTIONS[sys.argv[2]](r):
                print('%s %s seed:severity %s:%s' % (r['base'], r['case'], r['seed'], r['severity']))
        except KeyError as e:
            print('%s: no %s' % (r['id'], e))
PY

# no QUESTION DESCRIPTION
no()
{
	clean "$2" "$(python3 "$tmp/wrong.py" "$tmp/results.jsonl" "$1" 2>&1)"
}

# Not every base has a level of inner pages, or maps of each kind.
cases=$(python3 "$tmp/wrong.py" "$tmp/results.jsonl" count)
[ "${cases:-0}" -ge 150 ] && ok "enough cases could be run" || nok "enough cases could be run" "$cases"
no kit "the kit has no trouble of its own"
no status "no crash, no hang, no exit status that is not promised"
no scored "each result can be read"
no content "each message that the damage spared has the original content"
no pstcheck "the independent validator finds no error in any result"
no rerun "no second run is needed"
no silent "no message is wrong without a word"
no passed "no message with a loss is passed off as whole"
no invented "no message is invented or doubled"

finish
